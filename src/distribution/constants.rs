//! Draws followed by constants.

use super::{Distribution, Normal, check_length};
use crate::random::checksum;
use crate::{Error, Layout, Result};
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
    layout: Layout,
}

impl<L: Distribution> Constants<L> {
    /// Draws of `distribution`, each followed by `constants` as conditions.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a constant is not finite.
    pub fn new(distribution: L, constants: Vec<f64>) -> Result<Self> {
        let inner = distribution.layout();
        let layout = inner.with_conditions(inner.conditions + constants.len());
        Self::laid_out(distribution, constants, layout)
    }

    /// Draws of `distribution`, each followed by `constants`, which are what this layout says.
    ///
    /// ```
    /// use flowmap::{Layout, distribution::{Constants, Distribution, Normal}};
    /// let layout = Layout::new(2).with_classes(3);
    /// let of_class_1 = Constants::laid_out(Normal::standard(2)?, vec![0.0, 1.0, 0.0], layout)?;
    /// assert_eq!(of_class_1.layout().class_columns(), 2..5);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if a constant is not finite; [`Error::Shape`] if the layout has another dimension.
    pub fn laid_out(distribution: L, constants: Vec<f64>, layout: Layout) -> Result<Self> {
        let (expected, found) = (layout.dimension(), distribution.dimension() + constants.len());
        if expected != found {
            let what = "draws with constants, as their layout says".into();
            return Err(Error::Shape { what, expected: vec![expected], found: vec![found] });
        }
        match constants.iter().position(|c| !c.is_finite()) {
            None => Ok(Self { distribution, constants, layout }),
            Some(k) => Err(Error::invalid("constant", format!("number {k} is {}", constants[k]))),
        }
    }
}

impl<L: Distribution> Distribution for Constants<L> {
    fn layout(&self) -> Layout {
        self.layout
    }
    fn fingerprint(&self) -> String {
        format!("{} with {:08x}", self.distribution.fingerprint(), checksum(&self.constants))
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
