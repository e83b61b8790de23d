//! The magnitude-preserving U-Net in two times and an image.

mod block;
mod weight;

use super::{
    INITIALIZATION, MOST_PARAMETERS, Param,
    embedding::waves,
    module,
    unet::{all_pixels, check_layout},
};
use crate::{AverageVelocity, Error, ImageTensor, Layout, Result, Tensor, random::stream};
use block::{Block, Kind, Plan, Resolution};
use weight::{Weight, blend, side_by_side, silu};

/// The sizes of an [`EdmUNet`].
///
/// ```
/// use flowmap::nn::EdmShape;
/// // the network of arXiv 2505.18825 for CIFAR-10
/// let shape = EdmShape::new([32, 32, 3], 128, &[2, 2, 2]).with_blocks(4).with_attention(&[16]);
/// assert_eq!(shape.parameter_count(), 54_673_314);
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EdmShape {
    /// Height, width and channels of an image. Height and width must be divisible by `2^(levels - 1)`.
    pub image: [usize; 3],
    /// The number of channels that `multipliers` multiply.
    pub channels: usize,
    /// The channels of each level, from the finest, in units of `channels`.
    pub multipliers: Vec<usize>,
    /// Residual blocks per encoder level; decoder levels have one more.
    pub blocks: usize,
    /// The heights of images at which blocks have attention.
    pub attention: Vec<usize>,
    /// Channels per attention head.
    pub head: usize,
    /// What the coordinates of a state are: the image moves; classes and the scale of guidance are embedded as times are.
    pub layout: Layout,
    /// The dropout rate in each block while the diagonal is trained, in `[0, 1)`.
    pub dropout: f64,
    /// The size `σ` of a typical pixel: the network sees `x / σ`, and its output is multiplied by `σ`.
    pub scale: f64,
}

/// The lowest and highest frequency of the time embedding: periods up to `2π · 10⁴`.
const FREQUENCIES: [f64; 2] = [1e-4, 1.0];

/// Frequencies for each of the two times in [`log_loss`](AverageVelocity::log_loss).
const LOSS_WAVES: usize = 32;

impl EdmShape {
    /// For images of `[height, width, channels]`: `channels` times each of the `multipliers` on the levels, two blocks each, no
    /// attention, no classes.
    pub fn new(image: [usize; 3], channels: usize, multipliers: &[usize]) -> Self {
        Self {
            image,
            channels,
            multipliers: multipliers.to_vec(),
            blocks: 2,
            attention: vec![],
            head: 64,
            layout: all_pixels(image),
            dropout: 0.0,
            scale: 1.0,
        }
    }

    /// Sets the number of residual blocks per level.
    pub fn with_blocks(self, blocks: usize) -> Self {
        Self { blocks, ..self }
    }

    /// Adds attention at these image heights, and in the middle.
    pub fn with_attention(self, heights: &[usize]) -> Self {
        Self { attention: heights.to_vec(), ..self }
    }

    /// Sets the number of channels per attention head.
    pub fn with_head(self, channels: usize) -> Self {
        Self { head: channels, ..self }
    }

    /// Sets the layout of states; without classes and a scale, which is the default, it is that of the image alone.
    pub fn with_layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// Sets the dropout rate while the diagonal is trained; 0.13 in arXiv 2505.18825 for CIFAR-10.
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets `scale`, the size of a typical pixel: the standard deviation of the data.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// The number of parameters.
    ///
    /// # Panics
    /// If there are no levels, or the number of parameters overflows.
    pub fn parameter_count(&self) -> usize {
        let block = |plan: Plan| {
            let [i, o] = plan.channels;
            let inside = if plan.kind == Kind::Encoder { o } else { i };
            let skip = if i == o { 0 } else { i * o };
            let attention = if plan.heads > 0 { 4 * o * o } else { 0 };
            1 + 9 * inside * o + plan.embedding * o + 9 * o * o + skip + attention
        };
        let (down, up) = self.plans();
        let (first, embedding, [_, _, colours]) = (self.level(0), self.embedding(), self.image);
        let ends = 9 * (colours + 1) * first + 9 * first * colours + 1;
        let times = ((2 + usize::from(self.layout.scale)) * self.time_channels() + self.layout.classes) * embedding;
        ends + times + 4 * LOSS_WAVES + down.into_iter().chain(up.into_iter().map(|(plan, _)| plan)).map(block).sum::<usize>()
    }

    fn level(&self, level: usize) -> usize {
        self.channels * self.multipliers[level]
    }

    fn embedding(&self) -> usize {
        self.channels * self.multipliers.iter().max().copied().unwrap_or(0)
    }

    /// Waves, sines and cosines, for each of the two times.
    fn time_channels(&self) -> usize {
        self.level(0)
    }

    /// The encoder blocks, and the decoder blocks with whether a skip connection joins them.
    fn plans(&self) -> (Vec<Plan>, Vec<(Plan, bool)>) {
        use Resolution::{Double, Half, Same};
        let levels = self.multipliers.len();
        let heads = |level: usize, channels: usize| {
            if self.attention.contains(&(self.image[0] >> level)) { channels / self.head } else { 0 }
        };
        let (embedding, dropout) = (self.embedding(), self.dropout);
        let plan = |kind, resolution, channels, heads| Plan { kind, resolution, channels, heads, embedding, dropout };
        let (mut down, mut skips, mut now) = (vec![], vec![self.level(0)], self.level(0));
        for level in 0..levels {
            if level > 0 {
                down.push(plan(Kind::Encoder, Half, [now, now], 0));
                skips.push(now);
            }
            for _ in 0..self.blocks {
                let next = self.level(level);
                down.push(plan(Kind::Encoder, Same, [now, next], heads(level, next)));
                now = next;
                skips.push(now);
            }
        }
        let mut up = vec![];
        for level in (0..levels).rev() {
            if level + 1 == levels {
                let middle = if self.attention.is_empty() { 0 } else { now / self.head };
                up.push((plan(Kind::Decoder, Same, [now, now], middle), false));
                up.push((plan(Kind::Decoder, Same, [now, now], 0), false));
            } else {
                up.push((plan(Kind::Decoder, Double, [now, now], 0), false));
            }
            for _ in 0..=self.blocks {
                let (next, skip) = (self.level(level), skips.pop().expect("as many on the way up as on the way down"));
                up.push((plan(Kind::Decoder, Same, [now + skip, next], heads(level, next)), true));
                now = next;
            }
        }
        (down, up)
    }

    fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("U-Net shape", reason));
        // the limits are far beyond any memory, and products of sizes cannot overflow
        const MOST: usize = 1 << 15;
        let sizes = self.image.iter().chain(&self.multipliers).chain([&self.channels, &self.blocks, &self.head]);
        if let Some(size) = sizes.clone().find(|&&size| size == 0 || size > MOST) {
            return invalid(format!("a size is {size}; sizes are from 1 to {MOST}"));
        }
        let (levels, [height, width, _]) = (self.multipliers.len(), self.image);
        if levels == 0 || levels > 12 {
            return invalid(format!("it has {levels} levels; give the multipliers of 1 to 12"));
        }
        if let Some(level) = (0..levels).find(|&level| self.level(level) > MOST) {
            return invalid(format!("level {level} has {} channels; at most {MOST} are allowed", self.level(level)));
        }
        let square = 1 << (levels - 1);
        if !height.is_multiple_of(square) || !width.is_multiple_of(square) {
            let remedy = "take fewer levels, or pad the images";
            return invalid(format!("images of {height} x {width} pixels cannot be halved {} times; {remedy}", levels - 1));
        }
        if !self.level(0).is_multiple_of(2) {
            return invalid(format!(
                "{} channels on the finest level; sines and cosines of times take an even number",
                self.level(0)
            ));
        }
        let (down, up) = self.plans();
        let mut with_heads = down.iter().chain(up.iter().map(|(plan, _)| plan)).filter(|plan| plan.heads > 0);
        let attends = !self.attention.is_empty();
        if let Some(plan) = with_heads.find(|plan| !plan.channels[1].is_multiple_of(self.head)) {
            return invalid(format!("{} channels cannot be divided into heads of {}", plan.channels[1], self.head));
        }
        if attends && self.channels * self.multipliers.iter().min().expect("there are levels") < self.head {
            return invalid(format!("a level has fewer channels than a head of attention, {}", self.head));
        }
        check_layout(self.image, &self.layout)?;
        if self.layout.conditions > 0 {
            return invalid(format!(
                "its layout has {} conditions besides classes and scale, which it cannot take; use a UNet, or your own network",
                self.layout.conditions
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return invalid(format!("the dropout rate {} is not in [0, 1)", self.dropout));
        }
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            return invalid(format!("the scale {} is not a positive number", self.scale));
        }
        if self.parameter_count() > MOST_PARAMETERS {
            return invalid("it has more than 2^32 parameters; lower the channels or the number of levels".into());
        }
        Ok(())
    }
}

module! {
    /// The magnitude-preserving U-Net ("EDM2"), with embeddings of `s` and `t - s`: the network of arXiv 2505.18825 for images.
    ///
    /// Only the directions of weights matter, so that activations keep their size through the network; sums, concatenations and
    /// nonlinearities are scaled accordingly. A gain, initially zero, scales the output: the map starts as the identity.
    ///
    /// A state is a batch of rows: shape `[batch, height · width · channels]`, pixel by pixel, channels last; times have shape
    /// `[batch]` or `[]`. With classes, a row continues with one number for each: 1 for the image's class, and 0 for the others; all
    /// are 0 for an image without a class. The guidance scale follows, if the shape has one. These coordinates have velocity 0.
    ///
    /// [`log_loss`](AverageVelocity::log_loss) is learned, too, from an embedding of both times.
    ///
    /// ```
    /// use flowmap::{AverageVelocityMap, Cpu, FlowMap, Layout, Tensor, nn::{EdmShape, EdmUNet, parameter_count}};
    /// let shape = EdmShape::new([4, 4, 1], 8, &[1, 2]).with_blocks(1).with_layout(Layout::new(16).with_classes(3));
    /// let unet: EdmUNet<Cpu> = EdmUNet::new(&shape, 1)?;
    /// assert_eq!(parameter_count(&unet), shape.parameter_count());
    /// let x = Cpu::from_slice(&[0.5; 2 * 19], &[2, 19]);
    /// assert_eq!(AverageVelocityMap(&unet).carry([0.0, 1.0], &x).shape(), [2, 19]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// Reference: T. Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models, arXiv 2312.02696; without
    /// the forced clipping of activations.
    #[derive(Clone, Debug)]
    pub struct EdmUNet<P> {
        times: Vec<Weight<P>>,
        class: Option<Weight<P>>,
        guidance: Option<Weight<P>>,
        input: Weight<P>,
        down: Vec<Block<P>>,
        up: Vec<Block<P>>,
        output: Weight<P>,
        gain: Param<P>,
        log_loss: Param<P>,
    }
    keeps {
        /// Whether a skip connection joins a decoder block.
        joined: Vec<bool>,
        shape: EdmShape,
    }
}

impl<P: Tensor<Primal = P>> EdmUNet<P> {
    /// A network of this shape with random weights, a function of the seed alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the shape's sizes do not fit together; the message says which.
    pub fn new(shape: &EdmShape, seed: u64) -> Result<Self>
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), shape, seed)
    }

    /// The same on this device.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_on(device: &P::Device, shape: &EdmShape, seed: u64) -> Result<Self> {
        shape.check()?;
        let mut rng = stream(seed, INITIALIZATION);
        let ([_, _, colours], embedding, first) = (shape.image, shape.embedding(), shape.level(0));
        let (down, up) = shape.plans();
        let joined = up.iter().map(|(_, joined)| *joined).collect();
        let zeros = |shape: &[usize]| P::from_slice_on(device, &vec![P::Real::default(); shape.iter().product()], shape);
        let mut weight = |shape: &[usize]| Weight::new(shape, device, &mut rng);
        let times = [0; 2].map(|_| weight(&[shape.time_channels(), embedding])).into();
        let class = (shape.layout.classes > 0).then(|| weight(&[shape.layout.classes, embedding]));
        let guidance = shape.layout.scale.then(|| weight(&[shape.time_channels(), embedding]));
        let (input, output) = (weight(&[3, 3, colours + 1, first]), weight(&[3, 3, first, colours]));
        let mut block = |plan| Block::new(plan, device, &mut rng);
        Ok(Self {
            times,
            class,
            guidance,
            input,
            down: down.into_iter().map(&mut block).collect(),
            up: up.into_iter().map(|(plan, _)| block(plan)).collect(),
            output,
            gain: Param(zeros(&[])),
            log_loss: Param(zeros(&[4 * LOSS_WAVES, 1])),
            joined,
            shape: shape.clone(),
        })
    }
}

impl<T: ImageTensor> AverageVelocity<T> for EdmUNet<T::Primal> {
    /// # Panics
    /// If `x` does not have the shape `[batch, height · width · channels + at rest]`, or the times not `[batch]` or `[]`.
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let (batch, [height, width, colours], layout) = (x.shape()[0], self.shape.image, &self.shape.layout);
        let count = self.shape.time_channels() / 2;
        let embedded = [s, &(t.clone() - s)].map(|u| waves(u, batch, FREQUENCIES, count).scale(std::f64::consts::SQRT_2));
        let mut times = blend(&self.times[0].linear(&embedded[0]), &self.times[1].linear(&embedded[1]), 0.5);
        if let Some(class) = &self.class {
            let told = x.slice(1, layout.class_columns()).scale((layout.classes as f64).sqrt());
            times = blend(&times, &class.linear(&told), 0.5);
        }
        if let Some((guidance, column)) = self.guidance.as_ref().zip(layout.scale_column()) {
            let scale = x.slice(1, column..column + 1).reshape(&[batch]);
            let embedded = waves(&scale, batch, FREQUENCIES, count).scale(std::f64::consts::SQRT_2);
            times = blend(&times, &guidance.linear(&embedded), 0.5);
        }
        let times = silu(&times);

        let image = layout.moving_part(x).reshape(&[batch, height, width, colours]).scale(1.0 / self.shape.scale);
        // a channel of ones is a bias
        let ones = image.slice(3, 0..1).constant(1.0);
        let mut h = self.input.conv(&T::concat(&[image, ones], 3));
        let mut skips = vec![h.clone()];
        for block in &self.down {
            h = block.apply(&h, &times);
            skips.push(h.clone());
        }
        for (block, joined) in self.up.iter().zip(&self.joined) {
            if *joined {
                h = side_by_side(&h, &skips.pop().expect("as many on the way up as on the way down"));
            }
            h = block.apply(&h, &times);
        }
        let velocity =
            (self.output.conv(&h) * T::from_primal(&self.gain)).scale(self.shape.scale).reshape(&[batch, layout.moving]);
        layout.velocity(velocity, x)
    }

    fn log_loss(&self, s: &T, t: &T, x: &T) -> Option<T> {
        let batch = x.shape()[0];
        let waves = [s, &(t.clone() - s)].map(|u| waves(u, batch, FREQUENCIES, LOSS_WAVES).scale(std::f64::consts::SQRT_2));
        let scale = 1.0 / (4.0 * LOSS_WAVES as f64).sqrt();
        Some(T::concat(&waves, 1).linear(&self.log_loss, None).scale(scale).reshape(&[batch]))
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::backend::ndarray::NdTensor;

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let refused = |shape: EdmShape, why: &str| {
            let error = EdmUNet::<NdTensor<f32>>::new(&shape, 1).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        let shape = |multipliers: &[usize]| EdmShape::new([8, 8, 1], 8, multipliers);
        refused(shape(&[]), "0 levels");
        refused(shape(&[1, 0]), "a size is 0");
        refused(shape(&[1, 1 << 14]), "level 1 has 131072 channels");
        refused(shape(&[1, usize::MAX]), "sizes are from 1");
        refused(shape(&[1 << 12, 1 << 12]).with_blocks(1 << 10), "2^32 parameters");
        refused(shape(&[1; 5]), "cannot be halved 4 times");
        refused(EdmShape::new([8, 8, 1], 3, &[1]), "even number");
        refused(shape(&[1]).with_attention(&[8]), "fewer channels than a head");
        refused(shape(&[3]).with_attention(&[8]).with_head(16), "cannot be divided into heads");
        refused(shape(&[1]).with_scale(f64::NAN), "scale");
        refused(shape(&[1]).with_dropout(1.0), "dropout rate");
    }
}
