//! Couplings along an interpolant.

use super::{Batch, Coupling, Source};
use crate::{Layout, Tensor, interpolant::Interpolant};
use rand::Rng;

/// A [`Source`] of points between noise and data along an [interpolant](crate::interpolant), with the velocities of the samples.
///
/// Coordinates [at rest](Coupling::layout), such as classes, keep their values whatever the interpolant.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}, interpolant::Trigonometric};
/// use flowmap::learn::{Coupling, Independent, Settings, Trainer};
/// use flowmap::nn::{Mlp, MlpShape};
/// let source = Independent::new(Normal::standard(2)?, Checkerboard)?.along(Trigonometric);
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 16, 2), 1)?;
/// let trainer = Trainer::new(network, source, Settings { batch: 64, ..Settings::default() })?;
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Interpolated<C, I> {
    coupling: C,
    path: I,
}

impl<C: Coupling, I: Interpolant> Interpolated<C, I> {
    pub(super) fn new(coupling: C, path: I) -> Self {
        Self { coupling, path }
    }

    /// The interpolant.
    pub fn path(&self) -> &I {
        &self.path
    }
}

impl<T: Tensor<Primal = T>, C: Coupling, I: Interpolant + Send + Sync> Source<T> for Interpolated<C, I> {
    fn layout(&self) -> Layout {
        self.coupling.layout()
    }
    fn span(&self) -> [f64; 2] {
        self.path.span()
    }
    fn fingerprint(&self, _device: &T::Device) -> String {
        format!("{} along {}", self.coupling.fingerprint(), checksum(&self.path))
    }
    fn draw(&self, rng: &mut dyn Rng, times: &[f64], device: &T::Device) -> Batch<'_, T> {
        draw(&self.coupling, &self.path, rng, times, device)
    }
}

/// Draws pairs, and places them between noise and data.
pub(super) fn draw<'a, T: Tensor<Primal = T>>(
    coupling: &impl Coupling,
    path: &'a impl Interpolant,
    rng: &mut dyn Rng,
    times: &[f64],
    device: &T::Device,
) -> Batch<'a, T> {
    let (n, layout) = (times.len(), coupling.layout());
    let d = layout.dimension();
    let [mut x0, mut x1] = [(); 2].map(|()| vec![0.0; n * d]);
    coupling.draw_rows(rng, &mut x0, &mut x1);
    let t = T::from_doubles_on(device, times, &[n]);
    let [x0, x1] = [x0, x1].map(|x| T::from_doubles_on(device, &x, &[n, d]));
    let [from, to] = [&x0, &x1].map(|x| layout.moving_part(x));
    let states = layout.with_moving(path.point(&t, &from, &to), &x1);
    Batch::new(states, move || layout.velocity(path.velocity(&t, &from, &to), &x1))
}

/// A checksum of both coefficients at a few times.
fn checksum(path: &impl Interpolant) -> String {
    let [start, end] = path.span();
    let shares = [0.0, 0.3, 0.7, 1.0].map(|share| path.shares(&(start + share * (end - start))));
    let text: String = shares.as_flattened().iter().map(|share| format!("{share:.6} ")).collect();
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{
        backend::ndarray::NdTensor,
        data::Images,
        distribution::Normal,
        interpolant::{Linear, Trigonometric},
        learn::{Conditional, Independent},
        random::stream,
    };

    #[test]
    fn classes_are_at_rest_along_any_path() {
        let images = Images::new(vec![10, 200], [1, 1, 1], Some(vec![0, 1])).unwrap();
        let source = Conditional::new(Normal::standard(1).unwrap(), images, 0.0).unwrap().along(Trigonometric);
        let batch: Batch<'_, NdTensor<f64>> = source.draw(&mut stream(1, 0), &[0.2, 0.9, 0.5], &());
        let (states, velocities) = (batch.states.to_vec(), batch.velocities().to_vec());
        for (x, v) in states.chunks_exact(3).zip(velocities.chunks_exact(3)) {
            assert!(x[1] + x[2] == 1.0 && v[0] != 0.0 && v[1..] == [0.0, 0.0], "{x:?} {v:?}");
        }
    }

    #[test]
    fn paths_are_told_apart() {
        let coupling = || Independent::new(Normal::standard(1).unwrap(), Normal::standard(1).unwrap()).unwrap();
        let print = |source: &dyn Source<NdTensor<f64>>| source.fingerprint(&());
        assert_ne!(print(&coupling().along(Linear)), print(&coupling().along(Trigonometric)));
        assert_eq!(print(&coupling().along(Linear)), print(&coupling()), "a coupling goes along the straight line");
    }
}
