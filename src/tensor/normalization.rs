//! Normalization of groups of values to mean 0 and square 1.

use super::{Tensor, common};
use crate::{Error, Result};

/// Which values are normalized together: those of a row, of a pixel, or of some channels of an image.
///
/// With the values `x_1 … x_m` of a group, `y_i = (x_i - μ)/σ`, `σ = √(Σ (x_i - μ)²/m + ε)`; `μ` is their mean, or 0 if
/// normalization is not centred. The Jacobian `J(x) = (I - [11ᵀ/m] - y yᵀ/m)/σ` is symmetric, with the part in brackets if
/// centred.
///
/// ```
/// use flowmap::{Normalization, Tensor, backend::ndarray::NdTensor};
/// // one image of 1 x 2 pixels and 2 channels
/// let x = NdTensor::<f64>::from_slice(&[1.0, 10.0, 3.0, 30.0], &[1, 1, 2, 2]);
/// let y = x.normalize(Normalization::groups(2)).to_vec();
/// assert!((y[0] + 1.0).abs() < 1e-4 && (y[3] - 1.0).abs() < 1e-4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalization {
    /// The number of groups of neighbouring channels.
    pub(crate) groups: usize,
    /// Whether all pixels of an image are normalized together, or each by itself.
    pub(crate) joins_pixels: bool,
    /// Whether the mean is subtracted.
    pub(crate) centred: bool,
    /// `ε`.
    pub(crate) epsilon: f64,
}

impl Normalization {
    /// Group normalization: each group of channels over all pixels of an image, centred, `ε = 1e-5`.
    ///
    /// Reference: Y. Wu, K. He, Group Normalization, arXiv 1803.08494.
    pub const fn groups(groups: usize) -> Self {
        Self { groups, joins_pixels: true, centred: true, epsilon: 1e-5 }
    }

    /// Pixel normalization: all channels of a pixel to mean square 1, `ε = 1e-4`.
    ///
    /// Reference: T. Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models, arXiv 2312.02696.
    pub const fn pixels() -> Self {
        Self { groups: 1, joins_pixels: false, centred: false, epsilon: 1e-4 }
    }

    /// Layer normalization: all values along the last axis, centred, `ε = 1e-5`.
    ///
    /// Reference: J. L. Ba, J. R. Kiros, G. E. Hinton, Layer Normalization, arXiv 1607.06450.
    ///
    /// ```
    /// use flowmap::{Normalization, Tensor, backend::ndarray::NdTensor};
    /// let y = NdTensor::<f64>::from_slice(&[1.0, 3.0, 10.0, 30.0], &[2, 2]).normalize(Normalization::layer()).to_vec();
    /// assert!(y.iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(y, expected)| (y - expected).abs() < 1e-4));
    /// ```
    pub const fn layer() -> Self {
        Self { groups: 1, joins_pixels: false, centred: true, epsilon: 1e-5 }
    }

    /// Root mean square normalization: all values along the last axis, to mean square 1 without centring, `ε = 1e-6`.
    ///
    /// Reference: B. Zhang, R. Sennrich, Root Mean Square Layer Normalization, arXiv 1910.07467.
    ///
    /// ```
    /// use flowmap::{Normalization, Tensor, backend::ndarray::NdTensor};
    /// let y = NdTensor::<f64>::from_slice(&[1.0, 7.0], &[1, 2]).normalize(Normalization::root_mean_square()).to_vec();
    /// assert!((y[0] - 0.2).abs() < 1e-6 && (y[1] - 1.4).abs() < 1e-6);
    /// ```
    pub const fn root_mean_square() -> Self {
        Self { groups: 1, joins_pixels: false, centred: false, epsilon: 1e-6 }
    }

    /// Sets `ε`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is a positive number: with 0 equal values would have no derivative.
    pub fn with_epsilon(self, epsilon: f64) -> Result<Self> {
        if epsilon > 0.0 && epsilon.is_finite() {
            return Ok(Self { epsilon, ..self });
        }
        Err(Error::invalid("normalization", format!("epsilon is {epsilon}; it must be a positive number")))
    }

    /// `[blocks, pixels, groups, channels]`: each block is normalized by itself, with the pixels and channels of a group
    /// together.
    ///
    /// # Panics
    /// If the channels cannot be divided into equal groups, or the tensor has no axis.
    #[track_caller]
    pub(crate) fn layout(self, shape: &[usize]) -> [usize; 4] {
        let Some((&channels, rest)) = shape.split_last() else { panic!("normalize: a scalar has no channels") };
        let groups = self.groups;
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "normalize: {channels} channels of shape {shape:?} cannot be divided into {groups} equal groups"
        );
        let (blocks, pixels) = match rest {
            [] => (1, 1),
            [images, pixels @ ..] if self.joins_pixels => (*images, common::size(pixels)),
            _ => (common::size(rest), 1),
        };
        [blocks, pixels, groups, channels / groups]
    }

    /// The mean over each value's group, in its place.
    fn mean<T: Tensor>(self, x: &T) -> T {
        let [blocks, pixels, groups, channels] = self.layout(x.shape());
        let sums = x.reshape(&[blocks, pixels, groups, channels]).sum(3..4).sum(1..2);
        let means = sums.scale(1.0 / (pixels * channels) as f64);
        means.expand(1, &[pixels]).expand(3, &[channels]).reshape(x.shape())
    }

    /// `x` less its mean, if that is subtracted.
    fn centre<T: Tensor>(self, x: &T) -> T {
        if self.centred { x.clone() - self.mean(x) } else { x.clone() }
    }

    /// `y` and `1/σ`.
    fn parts<T: Tensor>(self, x: &T) -> (T, T) {
        let centred = self.centre(x);
        let scale = self.mean(&(centred.clone() * &centred)).shift(self.epsilon).sqrt().recip();
        (centred * &scale, scale)
    }

    /// The composed default of [`Tensor::normalize`].
    pub(crate) fn value<T: Tensor>(self, x: &T) -> T {
        self.parts(x).0
    }

    /// `J(x) d`.
    pub(crate) fn tangent<T: Tensor>(self, x: &T, d: &T) -> T {
        let (y, scale) = self.parts(x);
        let along = self.mean(&(y.clone() * d)) * &y;
        (self.centre(d) - along) * scale
    }

    /// The gradient of `aᵀ J(x) b` with respect to `x`: with `⟨·⟩` for means,
    /// `-(⟨ya⟩ J b + ⟨yb⟩ J a + ⟨a J b⟩ y)/σ`.
    pub(crate) fn curvature<T: Tensor>(self, x: &T, a: &T, b: &T) -> T {
        let (y, scale) = self.parts(x);
        let [ya, yb] = [a, b].map(|d| self.mean(&(y.clone() * d)));
        let [ja, jb] = [(a, &ya), (b, &yb)].map(|(d, mean)| (self.centre(d) - mean.clone() * &y) * &scale);
        let bent = self.mean(&(jb.clone() * a)) * y;
        -((ya * jb + yb * ja + bent) * scale)
    }
}
