//! Labelled data.

use super::Images;
#[cfg(feature = "images")]
use super::StoredImages;
use crate::distribution::Distribution;
use rand::Rng;

/// A distribution of data with classes, as [`learn::Conditional`](crate::learn::Conditional) needs it.
///
/// ```
/// use flowmap::{data::{Images, Labelled}, random::stream};
/// fn a_class(data: &impl Labelled) -> Option<u32> {
///     data.draw_labelled(&mut stream(1, 0), &mut vec![0.0; data.dimension()])
/// }
/// assert_eq!(a_class(&Images::new(vec![7], [1, 1, 1], Some(vec![3]))?), Some(3));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub trait Labelled: Distribution {
    /// The number of classes; `None` without labels.
    fn class_count(&self) -> Option<usize>;

    /// The class of each data point, if known.
    fn labels(&self) -> Option<&[u32]>;

    /// Draws a data point, and returns its class, below [`class_count`](Labelled::class_count), if known.
    ///
    /// # Panics
    /// If `x` has another length than [`dimension`](Distribution::dimension).
    fn draw_labelled(&self, rng: &mut dyn Rng, x: &mut [f64]) -> Option<u32>;
}

macro_rules! labelled {
    ($($data:ty),+) => {$(
        impl Labelled for $data {
            fn class_count(&self) -> Option<usize> {
                <$data>::class_count(self)
            }
            fn labels(&self) -> Option<&[u32]> {
                <$data>::labels(self)
            }
            fn draw_labelled(&self, rng: &mut dyn Rng, x: &mut [f64]) -> Option<u32> {
                <$data>::draw_labelled(self, rng, x)
            }
        }
    )+};
}
labelled!(Images);
#[cfg(feature = "images")]
labelled!(StoredImages);
