//! Couplings: pairs of noise and data.

use super::Interpolated;
use crate::{Error, Layout, Result, distribution::Distribution, interpolant::Interpolant};
use rand::Rng;
use std::sync::Arc;

/// The joint distribution of noise `x0` and data `x1`, between which an [interpolant](crate::interpolant) moves.
///
/// Pairs of a batch are drawn one by one, and then [arranged](Self::arrange) if they depend on each other.
pub trait Coupling: Send + Sync {
    /// What the coordinates of `x0` and of `x1` are. Those at rest, such as classes, are the same in noise and data. With a scale
    /// of guidance among them, the trainer learns [guided](super::Guidance) velocities.
    fn layout(&self) -> Layout;
    /// The number of coordinates of `x0` and of `x1`.
    fn dimension(&self) -> usize {
        self.layout().dimension()
    }
    /// Identifies this coupling; see [`Distribution::fingerprint`].
    fn fingerprint(&self) -> String {
        String::new()
    }
    /// Draws one pair.
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]);
    /// Rearranges rows of noise and of data, drawn one by one, into training pairs. A function of these rows alone, without
    /// randomness.
    fn arrange(&self, _x0: &mut [f64], _x1: &mut [f64]) {}

    /// Draws a pair for each row, one by one, and arranges them.
    ///
    /// # Panics
    /// If the two do not hold the same number of rows of [`dimension`](Self::dimension) numbers.
    fn draw_rows(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        let d = self.dimension();
        let fit = x0.len() == x1.len() && x0.len().is_multiple_of(d);
        assert!(fit, "{} and {} numbers are not pairs of rows of {d}", x0.len(), x1.len());
        for (x0, x1) in x0.chunks_exact_mut(d).zip(x1.chunks_exact_mut(d)) {
            self.draw(rng, x0, x1);
        }
        self.arrange(x0, x1);
    }

    /// The source of points along this interpolant. As a [`Source`](super::Source), a coupling itself goes along the straight
    /// line.
    fn along<I: Interpolant>(self, path: I) -> Interpolated<Self, I>
    where
        Self: Sized,
    {
        Interpolated::new(self, path)
    }
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<C: Coupling + ?Sized> Coupling for $pointer {
            fn layout(&self) -> Layout {
                (**self).layout()
            }
            fn fingerprint(&self) -> String {
                (**self).fingerprint()
            }
            fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
                (**self).draw(rng, x0, x1);
            }
            fn arrange(&self, x0: &mut [f64], x1: &mut [f64]) {
                (**self).arrange(x0, x1);
            }
        }
    )+};
}
forward!(&C, Box<C>, Arc<C>);

/// Noise and data drawn independently.
///
/// ```
/// use flowmap::{distribution::{Checkerboard, Normal}, learn::{Coupling, Independent}};
/// let coupling = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// assert_eq!(coupling.dimension(), 2);
/// assert!(Independent::new(Normal::standard(3)?, Checkerboard).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Independent<A, B> {
    noise: A,
    data: B,
}

impl<A: Distribution, B: Distribution> Independent<A, B> {
    /// Couples the distributions of noise and of data.
    ///
    /// # Errors
    /// [`Error::Shape`] if their dimensions differ.
    pub fn new(noise: A, data: B) -> Result<Self> {
        if noise.dimension() != data.dimension() {
            let what = "a draw of noise, which must have the data's dimension".into();
            return Err(Error::Shape { what, expected: vec![data.dimension()], found: vec![noise.dimension()] });
        }
        Ok(Self { noise, data })
    }
}

impl<A: Distribution, B: Distribution> Coupling for Independent<A, B> {
    fn layout(&self) -> Layout {
        self.data.dimension().into()
    }
    fn fingerprint(&self) -> String {
        format!("{} to {}", self.noise.fingerprint(), self.data.fingerprint())
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        self.noise.draw(rng, x0);
        self.data.draw(rng, x1);
    }
}
