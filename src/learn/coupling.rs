//! Pairs of noise and data.

use super::Guidance;
use crate::{Error, Result, interpolant::Path, law::Law};
use rand::Rng;

/// The joint law of noise `x0` and data `x1`, between which an [interpolant](crate::interpolant) moves.
pub trait Coupling: Send + Sync {
    /// The number of coordinates of `x0` and of `x1`.
    fn dimension(&self) -> usize;
    /// What tells this law of pairs from others; see [`Law::fingerprint`].
    fn fingerprint(&self) -> String {
        String::new()
    }
    /// Whether noise and data may be joined by this path: [`Trainer::new`](super::Trainer::new) asks.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they may not, with those that do.
    fn check_path(&self, _path: &Path) -> Result<()> {
        Ok(())
    }
    /// Where rows say by what scale their classes are exaggerated, if they do: the trainer then learns guided velocities.
    fn guidance(&self) -> Option<Guidance> {
        None
    }
    /// One draw of the pair.
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]);
}

/// Noise and data drawn independently.
///
/// ```
/// use flowmap::{law::{Checkerboard, Normal}, learn::{Coupling, Independent}};
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

impl<A: Law, B: Law> Independent<A, B> {
    /// From the laws of noise and of data.
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

impl<A: Law, B: Law> Coupling for Independent<A, B> {
    fn dimension(&self) -> usize {
        self.data.dimension()
    }
    fn fingerprint(&self) -> String {
        format!("{} to {}", self.noise.fingerprint(), self.data.fingerprint())
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        self.noise.draw(rng, x0);
        self.data.draw(rng, x1);
    }
}
