//! The network of a classifier of images.

use crate::{
    Activation::Silu,
    Error, ImageTensor, Result, Tensor, Window,
    nn::{Conv, INITIALIZATION, Linear, Param, module},
    random::stream,
};

/// The channels after each of the two convolutions.
const CHANNELS: [usize; 2] = [32, 64];
/// The size of the layer whose values are the features.
pub const FEATURES: usize = 128;
/// Both convolutions halve the height and the width, rounded up.
const HALVING: Window = Window { stride: 2, padding: 1 };
/// The height and width of their kernels.
const KERNEL: usize = 3;

module! {
    /// Two convolutions that halve the resolution, a layer of [`FEATURES`], and one number for each class.
    #[derive(Clone, Debug)]
    pub struct Network<P> {
        first: Conv<P>,
        second: Conv<P>,
        hidden: Linear<P>,
        /// From features to classes.
        pub output: Linear<P>,
    }
}

/// # Errors
/// [`Error::Invalid`] if the image shape or the number of classes is out of range.
pub fn check(image: [usize; 3], classes: usize) -> Result<()> {
    // within these limits the weights take at most gigabytes, and products of sizes cannot overflow
    const SIDE: std::ops::RangeInclusive<usize> = 4..=1024;
    const MOST_CHANNELS: usize = 64;
    const MOST_CLASSES: usize = 1 << 16;
    let [height, width, channels] = image;
    if !SIDE.contains(&height) || !SIDE.contains(&width) || !(1..=MOST_CHANNELS).contains(&channels) {
        let [least, most] = [SIDE.start(), SIDE.end()];
        let reason =
            format!("images of shape {image:?}; height and width are from {least} to {most}, channels from 1 to {MOST_CHANNELS}");
        return Err(Error::invalid("classifier", reason));
    }
    if !(2..=MOST_CLASSES).contains(&classes) {
        return Err(Error::invalid("classifier", format!("{classes} classes; give from 2 to {MOST_CLASSES}")));
    }
    Ok(())
}

/// The size of the second convolution's output for one image.
fn flat([height, width, _]: [usize; 3]) -> usize {
    height.div_ceil(2).div_ceil(2) * width.div_ceil(2).div_ceil(2) * CHANNELS[1]
}

impl Network<Vec<usize>> {
    /// The shape of every parameter.
    pub fn shapes(image: [usize; 3], classes: usize) -> Self {
        let conv = |io: [usize; 2]| Conv { kernel: Param(vec![KERNEL, KERNEL, io[0], io[1]]), bias: Param(vec![io[1]]) };
        let linear = |io: [usize; 2]| Linear { weight: Param(io.to_vec()), bias: Param(vec![io[1]]) };
        Self {
            first: conv([image[2], CHANNELS[0]]),
            second: conv(CHANNELS),
            hidden: linear([flat(image), FEATURES]),
            output: linear([FEATURES, classes]),
        }
    }
}

impl<P: Tensor<Primal = P>> Network<P> {
    /// With random weights, for sizes that passed the [`check`].
    pub fn new_on(device: &P::Device, image: [usize; 3], classes: usize, seed: u64) -> Self {
        let rng = &mut stream(seed, INITIALIZATION);
        Self {
            first: Conv::drawn(KERNEL, [image[2], CHANNELS[0]], device, rng),
            second: Conv::drawn(KERNEL, CHANNELS, device, rng),
            hidden: Linear::drawn(flat(image), FEATURES, device, rng),
            output: Linear::drawn(FEATURES, classes, device, rng),
        }
    }
}

impl<P: Tensor> Network<P> {
    /// The features of images: from `[batch, height, width, channels]` to `[batch, FEATURES]`.
    pub fn features<T: ImageTensor<Primal = P>>(&self, x: &T) -> T {
        let x = [&self.first, &self.second]
            .into_iter()
            .fold(x.clone(), |x, conv| x.conv2d(&conv.kernel, Some(&conv.bias), HALVING).activate(Silu));
        let batch = x.shape()[0];
        let size = x.shape()[1..].iter().product();
        self.hidden.apply(&x.reshape(&[batch, size])).activate(Silu)
    }

    /// The logits, log-probabilities of the classes up to a constant for each image: to `[batch, classes]`.
    pub fn logits<T: ImageTensor<Primal = P>>(&self, x: &T) -> T {
        self.output.apply(&self.features(x))
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{backend::ndarray::NdTensor, nn::Module};

    #[test]
    fn any_size_of_images() {
        for image in [[4, 4, 1], [5, 7, 3], [28, 28, 1], [9, 32, 3]] {
            check(image, 3).unwrap();
            let network: Network<NdTensor<f32>> = Network::new_on(&(), image, 3, 1);
            let [height, width, channels] = image;
            let x = NdTensor::from_slice(&vec![0.5; 2 * height * width * channels], &[2, height, width, channels]);
            assert_eq!(network.features(&x).shape(), [2, FEATURES]);
            assert_eq!(network.logits(&x).shape(), [2, 3]);

            let mut shapes = Vec::new();
            Network::shapes(image, 3).visit(&mut |name, shape| shapes.push((name.to_owned(), shape.clone())));
            let mut shapes = shapes.into_iter();
            network.visit(&mut |name, p| assert_eq!(shapes.next(), Some((name.to_owned(), p.shape().to_vec()))));
        }
    }

    #[test]
    fn what_there_is_no_network_for() {
        for (image, classes, why) in [
            ([3, 28, 1], 10, "height and width are from 4"),
            ([28, 5000, 1], 10, "to 1024"),
            ([28, 28, 0], 10, "channels from 1"),
            ([28, 28, 1], 1, "1 classes"),
            ([28, 28, 1], usize::MAX, "from 2 to 65536"),
        ] {
            let error = check(image, classes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
