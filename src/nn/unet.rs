//! A light U-Net in two times and an image.

use super::{Conv, INITIALIZATION, Linear, MOST_PARAMETERS, embedding::waves, module};
use crate::{Activation::Silu, AverageVelocity, Error, ImageTensor, Layout, Normalization, Result, Tensor, random::stream};
use rand::Rng;

/// The sizes of a [`UNet`].
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UNetShape {
    /// Height, width and channels of an image. Height and width must be divisible by `2^(levels - 1)`.
    pub image: [usize; 3],
    /// The channels of each level, from the finest; each level has half the resolution of the one before. Multiples of `groups`.
    pub channels: Vec<usize>,
    /// The groups of channels that are normalized together.
    pub groups: usize,
    /// The size of the embedding of the two times.
    pub embedding: usize,
    /// The lowest and highest frequency of the time embedding.
    pub frequencies: [f64; 2],
    /// What the coordinates of a state are: the image moves, and what is at rest enters with the time embedding.
    pub layout: Layout,
    /// The size `σ` of a typical pixel: the network sees `x / σ`, and its output is multiplied by `σ`.
    pub scale: f64,
}

/// Waves for each of the two times.
const WAVES: usize = 32;

impl UNetShape {
    /// For images of `[height, width, channels]`, with 32, 64 and 96 channels on three levels: 1.24 million parameters.
    pub fn new(image: [usize; 3]) -> Self {
        let (channels, frequencies) = (vec![32, 64, 96], [1.0, 32.0]);
        let layout = all_pixels(image);
        Self { image, channels, groups: 8, embedding: 128, frequencies, layout, scale: 1.0 }
    }

    /// Sets the levels, from the finest: the number of channels of each.
    pub fn with_channels(self, channels: &[usize]) -> Self {
        Self { channels: channels.to_vec(), ..self }
    }

    /// Sets the lowest and highest frequency of the time embedding.
    pub fn with_frequencies(self, lowest: f64, highest: f64) -> Self {
        Self { frequencies: [lowest, highest], ..self }
    }

    /// Sets the number of groups that channels are normalized in.
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Sets the layout of states; without classes and conditions, which is the default, it is that of the image alone.
    pub fn with_layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// Sets `scale`, the size of a typical pixel: the standard deviation of the data.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("U-Net shape", reason));
        let [height, width, _] = self.image;
        // 2^15 pixels a side and 2^15 channels: products of sizes cannot overflow
        const MOST: usize = 1 << 15;
        let sizes = self.image.iter().chain(&self.channels).chain([&self.groups, &self.embedding]);
        if let Some(size) = sizes.clone().find(|&&size| size == 0 || size > MOST) {
            return invalid(format!("a size is {size}; sizes are from 1 to {MOST}"));
        }
        let levels = self.channels.len();
        check_layout(self.image, &self.layout)?;
        if levels == 0 || levels > 12 {
            return invalid(format!("it has {levels} levels; give the channels of 1 to 12"));
        }
        let square = 1 << (levels - 1);
        if !height.is_multiple_of(square) || !width.is_multiple_of(square) {
            let least = "take fewer levels, or pad the images";
            return invalid(format!("images of {height} x {width} pixels cannot be halved {} times; {least}", levels - 1));
        }
        if let Some(channels) = self.channels.iter().find(|c| !c.is_multiple_of(self.groups)) {
            return invalid(format!("{channels} channels cannot be divided into {} equal groups", self.groups));
        }
        // each level has about 67 times the square of its channels
        let widest = self.channels.iter().max().expect("there are levels");
        if 67 * levels * widest * widest > MOST_PARAMETERS {
            return invalid("it has more than about 2^32 parameters; lower the channels or the number of levels".into());
        }
        let [lowest, highest] = self.frequencies;
        if !(0.0 < lowest && lowest <= highest && highest.is_finite()) {
            return invalid(format!("frequencies from {lowest} to {highest} are not positive and ascending"));
        }
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            return invalid(format!("the scale {} is not a positive number", self.scale));
        }
        Ok(())
    }
}

/// The layout of images alone.
pub(super) fn all_pixels(image: [usize; 3]) -> Layout {
    image.into_iter().fold(1, usize::saturating_mul).into()
}

/// Checks that the images are what moves, and that the number of other coordinates is one that memory holds.
pub(super) fn check_layout(image: [usize; 3], layout: &Layout) -> Result<()> {
    const MOST: usize = 1 << 15;
    let pixels = all_pixels(image).moving;
    if layout.moving != pixels {
        let reason = format!("{} coordinates of the layout move, but the images {image:?} have {pixels} values", layout.moving);
        return Err(Error::invalid("U-Net shape", reason));
    }
    if layout.at_rest() > MOST {
        let reason = format!("{} numbers follow the image; at most {MOST} are allowed", layout.at_rest());
        return Err(Error::invalid("U-Net shape", reason));
    }
    Ok(())
}

module! {
    /// A U-Net `σ N(s, t, x / σ)` for small images: residual blocks with group normalization and SiLU, halved and doubled
    /// resolutions, skip connections, and an embedding of `s` and `t - s` that is added to the channels of every block.
    ///
    /// A state is a batch of images as rows: shape `[batch, height · width · channels]`, pixel by pixel, channels last. Times have
    /// shape `[batch]` or `[]`. Coordinates at rest follow in a row, and have velocity 0. The last convolution starts at zero, and with it the
    /// average velocity: the map starts as the identity.
    ///
    /// ```
    /// use flowmap::{AverageVelocityMap, Cpu, FlowMap, Tensor, nn::{UNet, UNetShape, parameter_count}};
    /// let shape = UNetShape::new([8, 8, 1]).with_channels(&[8, 16]);
    /// let unet: UNet<Cpu> = UNet::new(&shape, 1)?;
    /// let x = Cpu::from_slice(&[0.5; 2 * 64], &[2, 64]);
    /// assert_eq!(AverageVelocityMap(&unet).carry([0.0, 1.0], &x).shape(), [2, 64]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// Reference: O. Ronneberger, P. Fischer, T. Brox, U-Net, arXiv 1505.04597; J. Ho, A. Jain, P. Abbeel, Denoising Diffusion
    /// Probabilistic Models, appendix B, arXiv 2006.11239.
    #[derive(Clone, Debug)]
    pub struct UNet<P> {
        times: Vec<Linear<P>>,
        input: Conv<P>,
        down: Vec<Block<P>>,
        middle: Block<P>,
        /// Two for each level, from the coarsest.
        up: Vec<Block<P>>,
        output: Conv<P>,
    }
    keeps {
        shape: UNetShape,
    }
}

module! {
    /// A residual block.
    #[derive(Clone, Debug)]
    struct Block<P> {
        first: Conv<P>,
        time: Linear<P>,
        second: Conv<P>,
        skip: Linear<P>,
    }
    keeps {
        groups: usize,
    }
}

impl<P: Tensor<Primal = P>> UNet<P> {
    /// A network of this shape with random weights (LeCun's initialization), a function of the seed alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the shape's sizes do not fit together; the message says which.
    pub fn new(shape: &UNetShape, seed: u64) -> Result<Self>
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), shape, seed)
    }

    /// The same on this device.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_on(device: &P::Device, shape: &UNetShape, seed: u64) -> Result<Self> {
        shape.check()?;
        let mut rng = stream(seed, INITIALIZATION);
        let [_, _, channels] = shape.image;
        let levels = &shape.channels;
        let (finest, coarsest) = (levels[0], levels[levels.len() - 1]);
        let block = |io, rng: &mut dyn Rng| Block::new(io, shape, device, rng);
        let times = [4 * WAVES + shape.layout.at_rest(), shape.embedding]
            .map(|inputs| Linear::drawn(inputs, shape.embedding, device, &mut rng));
        let input = Conv::drawn(3, [channels, finest], device, &mut rng);
        let down = [finest].iter().chain(levels).zip(levels).map(|(&from, &to)| block([from, to], &mut rng)).collect();
        let middle = block([coarsest; 2], &mut rng);
        let from = [coarsest].into_iter().chain(levels.iter().rev().copied());
        let up =
            from.zip(levels.iter().rev()).flat_map(|(from, &to)| [block([from + to, to], &mut rng), block([to; 2], &mut rng)]);
        let up = up.collect();
        let output = Conv::drawn(3, [finest, channels], device, &mut rng).with_gain(0.0);
        Ok(Self { times: times.into(), input, down, middle, up, output, shape: shape.clone() })
    }
}

impl<P: Tensor<Primal = P>> Block<P> {
    fn new(io: [usize; 2], shape: &UNetShape, device: &P::Device, rng: &mut dyn Rng) -> Self {
        let [inputs, outputs] = io;
        Self {
            first: Conv::drawn(3, io, device, rng),
            time: Linear::drawn(shape.embedding, outputs, device, rng),
            second: Conv::drawn(3, [outputs; 2], device, rng),
            skip: Linear::drawn(inputs, outputs, device, rng),
            groups: shape.groups,
        }
    }
}

impl<P: Tensor> Block<P> {
    fn apply<T: ImageTensor<Primal = P>>(&self, x: &T, times: &T) -> T {
        let how = Normalization::groups(self.groups);
        let hidden = self.first.apply(&x.normalize(how).activate(Silu)).add_to_channels(&self.time.apply(times));
        self.second.apply(&hidden.normalize(how).activate(Silu)) + self.skip.apply(x)
    }
}

impl<T: ImageTensor> AverageVelocity<T> for UNet<T::Primal> {
    /// # Panics
    /// If `x` does not have the shape `[batch, height · width · channels + at rest]`, or the times not `[batch]` or `[]`.
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let (batch, [height, width, channels]) = (x.shape()[0], self.shape.image);
        let layout = &self.shape.layout;
        let span = t.clone() - s;
        let mut told = [s, &span].map(|u| waves(u, batch, self.shape.frequencies, WAVES)).to_vec();
        told.extend(layout.at_rest_part(x));
        let times = self.times.iter().fold(T::concat(&told, 1), |e, layer| layer.apply(&e).activate(Silu));

        let image = layout.moving_part(x).scale(1.0 / self.shape.scale).reshape(&[batch, height, width, channels]);
        let mut h = self.input.apply(&image);
        let mut skips = Vec::new();
        for (level, block) in self.down.iter().enumerate() {
            h = block.apply(&if level > 0 { h.downsample(2) } else { h }, &times);
            skips.push(h.clone());
        }
        h = self.middle.apply(&h, &times);
        for (level, blocks) in self.up.chunks_exact(2).enumerate() {
            let wide = if level > 0 { h.upsample(2) } else { h };
            h = T::concat(&[wide, skips.pop().expect("a level up for each level down")], 3);
            h = blocks.iter().fold(h, |h, block| block.apply(&h, &times));
        }
        let how = Normalization::groups(self.shape.groups);
        let velocity =
            self.output.apply(&h.normalize(how).activate(Silu)).reshape(&[batch, layout.moving]).scale(self.shape.scale);
        layout.velocity(velocity, x)
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{backend::ndarray::NdTensor, nn::parameter_count};

    #[test]
    fn the_network_for_small_images_has_the_size_that_is_said() {
        let unet: UNet<NdTensor<f32>> = UNet::new(&UNetShape::new([28, 28, 1]), 1).unwrap();
        assert_eq!(parameter_count(&unet), 1_237_473);
    }

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let shape = || UNetShape::new([28, 28, 1]);
        let refused = |shape: UNetShape, why: &str| {
            let error = UNet::<NdTensor<f32>>::new(&shape, 1).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(UNetShape::new([28, 0, 1]), "a size is 0");
        refused(UNetShape::new([30, 28, 1]), "cannot be halved 2 times");
        refused(shape().with_channels(&[]), "0 levels");
        refused(shape().with_channels(&[12]), "cannot be divided into 8 equal groups");
        refused(shape().with_channels(&[8; 40]), "40 levels");
        refused(shape().with_channels(&[1 << 15]), "2^32 parameters");
        refused(shape().with_channels(&[usize::MAX]), "sizes are from 1");
        refused(shape().with_frequencies(2.0, 1.0), "ascending");
        refused(shape().with_frequencies(f64::NAN, 1.0), "ascending");
        refused(shape().with_scale(0.0), "scale");
        refused(shape().with_groups(0), "a size is 0");
    }
}
