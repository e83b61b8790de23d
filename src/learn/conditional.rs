//! Noise and data of a class.

use super::Coupling;
use crate::{Error, Result, data::Labelled, interpolant::Path, law::Law};
use rand::{Rng, RngExt};

/// Noise and data drawn independently, with the class of the data beside both: for networks that are told classes.
///
/// A row is that of the data, and goes on with one number for each class: 1 for that of the data, and 0 for the others. With probability
/// `forget` all are 0, and the network learns what there is without regard to class. These coordinates are the same in noise and data:
/// the flow leaves them as they are. That takes a path with `α + β = 1`, the [linear one](Path::Linear); a trainer refuses others.
///
/// ```
/// use flowmap::{data::Images, law::{Normal, stream}, learn::{Conditional, Coupling}};
/// let images = Images::new(vec![0, 255], [1, 1, 1], Some(vec![0, 2]))?;
/// let coupling = Conditional::new(Normal::standard(1)?, images, 0.0)?;
/// let (mut x0, mut x1) = ([0.0; 4], [0.0; 4]);
/// coupling.draw(&mut stream(1, 0), &mut x0, &mut x1);
/// assert_eq!(x0[1..], x1[1..]);
/// assert_eq!(x1[if x1[0] < 0.0 { 1 } else { 3 }], 1.0);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conditional<A, B> {
    noise: A,
    data: B,
    classes: usize,
    forget: f64,
}

impl<A: Law, B: Labelled> Conditional<A, B> {
    /// From the law of noise and a set of data with classes.
    ///
    /// # Errors
    /// [`Error::Shape`] if their dimensions differ; [`Error::Invalid`] if the data have no classes, or `forget` is not in `[0, 1]`.
    pub fn new(noise: A, data: B, forget: f64) -> Result<Self> {
        if noise.dimension() != data.dimension() {
            let what = "a draw of noise, which must have the data's dimension".into();
            return Err(Error::Shape { what, expected: vec![data.dimension()], found: vec![noise.dimension()] });
        }
        let Some(classes) = data.class_count() else {
            return Err(Error::invalid("data", "they have no classes; give labels, or couple them by Independent"));
        };
        if !(0.0..=1.0).contains(&forget) {
            return Err(Error::invalid("share of forgotten classes", format!("{forget} is not in [0, 1]")));
        }
        Ok(Self { noise, data, classes, forget })
    }
}

impl<A: Law, B: Labelled> Coupling for Conditional<A, B> {
    fn dimension(&self) -> usize {
        self.data.dimension() + self.classes
    }
    fn fingerprint(&self) -> String {
        let labels: Vec<u8> = self.data.labels().unwrap_or_default().iter().flat_map(|label| label.to_le_bytes()).collect();
        let labels = format!("{:08x}", crc32fast::hash(&labels));
        format!("{} to {} of classes {labels}, forgotten {}", self.noise.fingerprint(), self.data.fingerprint(), self.forget)
    }
    fn check_path(&self, path: &Path) -> Result<()> {
        if *path == Path::Linear {
            return Ok(());
        }
        let reason = format!("{path:?} does not leave classes as they are between noise and data; take the linear path");
        Err(Error::invalid("path", reason))
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        let d = self.data.dimension();
        self.noise.draw(rng, &mut x0[..d]);
        let label = self.data.draw_labelled(rng, &mut x1[..d]);
        let told = rng.random::<f64>() >= self.forget;
        x1[d..].fill(0.0);
        if let (Some(label), true) = (label, told) {
            x1[d + label as usize] = 1.0;
        }
        x0[d..].copy_from_slice(&x1[d..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Images,
        law::{Normal, stream},
    };

    #[test]
    fn classes_are_told_as_often_as_was_asked_for() {
        let images = Images::new(vec![10, 200], [1, 1, 1], Some(vec![1, 2])).unwrap();
        let coupling = Conditional::new(Normal::standard(1).unwrap(), images, 0.25).unwrap();
        let (mut rng, mut told) = (stream(1, 0), 0);
        for _ in 0..4000 {
            let (mut x0, mut x1) = ([9.0; 4], [9.0; 4]);
            coupling.draw(&mut rng, &mut x0, &mut x1);
            assert_eq!(x0[1..], x1[1..]);
            match x1[1..] {
                [0.0, 0.0, 0.0] => {}
                [0.0, 1.0, 0.0] => told += u32::from(x1[0] < 0.0),
                [0.0, 0.0, 1.0] => told += u32::from(x1[0] > 0.0),
                _ => panic!("{x1:?}"),
            }
        }
        assert!(told.abs_diff(3000) < 150, "{told}");
    }

    #[test]
    fn what_cannot_be_coupled_is_refused() {
        let images = |labels| Images::new(vec![10, 200], [1, 1, 1], labels).unwrap();
        let noise = |d| Normal::standard(d).unwrap();
        assert!(Conditional::new(noise(1), images(None), 0.1).unwrap_err().to_string().contains("no classes"));
        assert!(Conditional::new(noise(2), images(Some(vec![0, 1])), 0.1).is_err());
        let coupling = Conditional::new(noise(1), images(Some(vec![0, 1])), 0.1).unwrap();
        assert!(coupling.check_path(&Path::Linear).is_ok());
        assert!(coupling.check_path(&Path::Trigonometric).unwrap_err().to_string().contains("linear"));
        for forget in [-0.1, 1.1, f64::NAN] {
            assert!(Conditional::new(noise(1), images(Some(vec![0, 1])), forget).is_err());
        }
        let prints = [vec![0, 1], vec![1, 0]].map(|l| Conditional::new(noise(1), images(Some(l)), 0.0).unwrap().fingerprint());
        assert_ne!(prints[0], prints[1], "labels count");
    }
}
