//! Class-conditional pairs of noise and data.

use super::Coupling;
use crate::{
    Error, Layout, Result,
    data::Labelled,
    distribution::{Constants, Distribution},
};
use rand::{Rng, RngExt};

/// Noise and data drawn independently, both followed by the class of the data: for networks conditioned on classes.
///
/// A row holds the data and then one number for each class: 1 for that of the data, and 0 for the others. With probability
/// `label_dropout` all are 0, and the network learns all classes together. These coordinates are the same in noise and data, so
/// their velocity is 0. With [guidance](Self::with_guidance), a scale is the last coordinate.
///
/// ```
/// use flowmap::{data::Images, distribution::Normal, learn::{Conditional, Coupling}, random::stream};
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
    label_dropout: f64,
    scales: Option<[f64; 2]>,
}

/// The share of rows with guidance scale 1; from their velocities those of other scales are made.
const UNGUIDED: f64 = 0.25;

impl<A: Distribution, B: Labelled> Conditional<A, B> {
    /// Couples a distribution of noise with labelled data.
    ///
    /// # Errors
    /// [`Error::Shape`] if their dimensions differ; [`Error::Invalid`] if the data have no classes, or `label_dropout` is not in
    /// `[0, 1]`.
    pub fn new(noise: A, data: B, label_dropout: f64) -> Result<Self> {
        if noise.dimension() != data.dimension() {
            let what = "a draw of noise, which must have the data's dimension".into();
            return Err(Error::Shape { what, expected: vec![data.dimension()], found: vec![noise.dimension()] });
        }
        let Some(classes) = data.class_count() else {
            return Err(Error::invalid("data", "they have no classes; give labels, or couple them by Independent"));
        };
        if !(0.0..=1.0).contains(&label_dropout) {
            return Err(Error::invalid("label_dropout", format!("{label_dropout} is not in [0, 1]")));
        }
        Ok(Self { noise, data, classes, label_dropout, scales: None })
    }

    /// With a scale of [guidance](super::Guidance) in each row: 1 in a quarter of them, and uniform from `lowest` to `highest` in the
    /// others.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `0 ≤ lowest ≤ 1 ≤ highest`, with `highest` finite, and `0 < label_dropout < 1`: guidance needs
    /// the velocities with a class and without.
    pub fn with_guidance(self, [lowest, highest]: [f64; 2]) -> Result<Self> {
        if !((0.0..=1.0).contains(&lowest) && highest >= 1.0 && highest.is_finite()) {
            let reason = format!("from {lowest} to {highest}; give scales that begin in [0, 1] and end at 1 or above");
            return Err(Error::invalid("scales of guidance", reason));
        }
        if self.label_dropout == 1.0 {
            let reason =
                "label_dropout is 1: the network never sees a class, and guidance has nothing to strengthen; 0.1 is usual";
            return Err(Error::invalid("guidance", reason));
        }
        if self.label_dropout == 0.0 {
            let reason = "label_dropout is 0: the network never learns the velocity without a class, from which guidance leads away; 0.1 is usual";
            return Err(Error::invalid("guidance", reason));
        }
        Ok(Self { scales: Some([lowest, highest]), ..self })
    }

    /// The noise for samples of a class (`None`: of all classes), with this scale of guidance, if scales are learned.
    ///
    /// ```
    /// use flowmap::{data::Images, distribution::{Distribution, Normal}, learn::Conditional, random::stream};
    /// let images = Images::new(vec![0, 255], [1, 1, 1], Some(vec![0, 2]))?;
    /// let coupling = Conditional::new(Normal::standard(1)?, images, 0.1)?.with_guidance([1.0, 3.0])?;
    /// let mut x = [0.0; 5];
    /// coupling.noise(Some(2), 1.5)?.draw(&mut stream(1, 0), &mut x);
    /// assert_eq!(x[1..], [0.0, 0.0, 1.0, 1.5]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such class, or the scale was not learned; without guidance it must be 1.
    pub fn noise(&self, class: Option<u32>, scale: f64) -> Result<Constants<A>>
    where
        A: Clone,
    {
        if let Some(class) = class.filter(|&class| class as usize >= self.classes) {
            return Err(Error::invalid("class", format!("{class}; there are {}, counted from 0", self.classes)));
        }
        let [lowest, highest] = self.scales.unwrap_or([1.0; 2]);
        if !(lowest..=highest).contains(&scale) {
            return Err(Error::invalid("scale of guidance", format!("{scale} is not in [{lowest}, {highest}]")));
        }
        let mut constants = vec![0.0; self.classes];
        if let Some(class) = class {
            constants[class as usize] = 1.0;
        }
        constants.extend(self.scales.map(|_| scale));
        Constants::laid_out(self.noise.clone(), constants, self.layout())
    }
}

impl<A: Distribution, B: Labelled> Coupling for Conditional<A, B> {
    fn layout(&self) -> Layout {
        let layout = Layout::new(self.data.dimension()).with_classes(self.classes);
        if self.scales.is_some() { layout.with_scale() } else { layout }
    }
    fn fingerprint(&self) -> String {
        let labels: Vec<u8> = self.data.labels().unwrap_or_default().iter().flat_map(|label| label.to_le_bytes()).collect();
        let labels = format!("{:08x}", crc32fast::hash(&labels));
        let guidance = self.scales.map_or(String::new(), |[lowest, highest]| format!(", guided by {lowest} to {highest}"));
        let (noise, data) = (self.noise.fingerprint(), self.data.fingerprint());
        format!("{noise} to {data} of classes {labels}, forgotten {}{guidance}", self.label_dropout)
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        let layout = self.layout();
        let (d, classes) = (layout.moving, layout.class_columns());
        self.noise.draw(rng, &mut x0[..d]);
        let label = self.data.draw_labelled(rng, &mut x1[..d]);
        let told = rng.random::<f64>() >= self.label_dropout;
        x1[classes.clone()].fill(0.0);
        if let (Some(label), true) = (label, told) {
            x1[classes][label as usize] = 1.0;
        }
        if let Some((column, [lowest, highest])) = layout.scale_column().zip(self.scales) {
            let [unguided, place] = [(); 2].map(|()| rng.random::<f64>());
            x1[column] = if unguided < UNGUIDED { 1.0 } else { lowest + (highest - lowest) * place };
        }
        x0[d..].copy_from_slice(&x1[d..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Images, distribution::Normal, random::stream};

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
    fn scales_of_guidance_are_drawn_as_asked_for() {
        let images = Images::new(vec![10, 200], [1, 1, 1], Some(vec![0, 1])).unwrap();
        let coupling = Conditional::new(Normal::standard(1).unwrap(), images, 0.1).unwrap().with_guidance([0.5, 3.0]).unwrap();
        assert_eq!(coupling.layout(), Layout::new(1).with_classes(2).with_scale());
        let (mut rng, mut ones, mut above) = (stream(1, 0), 0_u32, 0_u32);
        for _ in 0..4000 {
            let (mut x0, mut x1) = ([9.0; 4], [9.0; 4]);
            coupling.draw(&mut rng, &mut x0, &mut x1);
            assert!(x0[1..] == x1[1..] && (0.5..=3.0).contains(&x1[3]), "{x1:?}");
            ones += u32::from(x1[3] == 1.0);
            above += u32::from(x1[3] > 1.75);
        }
        assert!(ones.abs_diff(1000) < 150 && above.abs_diff(1500) < 150, "{ones} ones, {above} above the middle");
        let refused = |scales| coupling.clone().with_guidance(scales).is_err();
        assert!([[1.1, 2.0], [-0.1, 2.0], [0.5, 0.9], [1.0, f64::INFINITY], [f64::NAN, 2.0]].into_iter().all(refused));
        let certain = Conditional { label_dropout: 0.0, ..coupling.clone() };
        assert!(certain.with_guidance([1.0, 2.0]).unwrap_err().to_string().contains("label_dropout"));
        for (class, scale, why) in [(2, 1.0, "class"), (1, 3.1, "scale"), (1, f64::NAN, "scale")] {
            assert!(coupling.noise(Some(class), scale).unwrap_err().to_string().contains(why));
        }
        assert!(Conditional { scales: None, ..coupling }.noise(None, 2.0).is_err(), "no guidance was learned");
    }

    #[test]
    fn what_cannot_be_coupled_is_refused() {
        let images = |labels| Images::new(vec![10, 200], [1, 1, 1], labels).unwrap();
        let noise = |d| Normal::standard(d).unwrap();
        assert!(Conditional::new(noise(1), images(None), 0.1).unwrap_err().to_string().contains("no classes"));
        assert!(Conditional::new(noise(2), images(Some(vec![0, 1])), 0.1).is_err());
        for label_dropout in [-0.1, 1.1, f64::NAN] {
            assert!(Conditional::new(noise(1), images(Some(vec![0, 1])), label_dropout).is_err());
        }
        let prints = [vec![0, 1], vec![1, 0]].map(|l| Conditional::new(noise(1), images(Some(l)), 0.0).unwrap().fingerprint());
        assert_ne!(prints[0], prints[1], "labels count");
    }
}
