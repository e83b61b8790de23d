//! Draws followed by constants.

use super::{Distribution, Normal, check_length};
use crate::random::checksum;
use crate::{Error, Result};
use rand::Rng;

/// Draws of a distribution, each followed by the same numbers: noise for a network conditioned on a class, or on parameters of an
/// ODE.
///
/// ```
/// use flowmap::{distribution::{Constants, Distribution, Normal}, random::stream};
/// let distribution = Constants::new(Normal::standard(1)?, vec![0.0, 1.0])?;
/// let mut x = [9.0; 3];
/// distribution.draw(&mut stream(1, 0), &mut x);
/// assert_eq!(x[1..], [0.0, 1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Constants<L> {
    distribution: L,
    constants: Vec<f64>,
}

impl<L: Distribution> Constants<L> {
    /// Draws of `distribution`, each followed by `constants`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a constant is not finite.
    pub fn new(distribution: L, constants: Vec<f64>) -> Result<Self> {
        match constants.iter().position(|c| !c.is_finite()) {
            None => Ok(Self { distribution, constants }),
            Some(k) => Err(Error::invalid("constant", format!("number {k} is {}", constants[k]))),
        }
    }
}

impl<L: Distribution> Distribution for Constants<L> {
    fn dimension(&self) -> usize {
        self.distribution.dimension() + self.constants.len()
    }
    fn fingerprint(&self) -> String {
        format!("{} with {:08x}", self.distribution.fingerprint(), checksum(&self.constants))
    }
    fn moving(&self) -> usize {
        self.distribution.moving()
    }
    fn normal(&self) -> Option<&Normal> {
        self.distribution.normal()
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        check_length(x, self.dimension());
        let (random, constant) = x.split_at_mut(self.distribution.dimension());
        self.distribution.draw(rng, random);
        constant.copy_from_slice(&self.constants);
    }
}
