//! The multilayer perceptron in two times and a point.

use super::{
    INITIALIZATION, Linear, MOST_PARAMETERS,
    embedding::{time_column, with_times},
    module,
};
use crate::{Activation, AverageVelocity, Error, Layout, Result, Tensor, random::stream};

/// The sizes of an [`Mlp`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MlpShape {
    /// What the coordinates of a state are. Those at rest condition the network, with velocity 0.
    pub layout: Layout,
    /// Units in each hidden layer.
    pub width: usize,
    /// The number of hidden layers.
    pub hidden: usize,
    /// The nonlinearity after each hidden layer.
    pub activation: Activation,
    /// Whether the network takes `t - s` instead of both times: for autonomous ODEs.
    pub autonomous: bool,
    /// The size `σ` of a typical coordinate: the network sees `x / σ`, and its output is multiplied by `σ`.
    pub scale: f64,
}

impl MlpShape {
    /// States of this layout with coordinates of size 1, `hidden` layers of `width` GELU units. A number is the layout of points
    /// of that many coordinates.
    pub fn new(layout: impl Into<Layout>, width: usize, hidden: usize) -> Self {
        Self { layout: layout.into(), width, hidden, activation: Activation::Gelu, autonomous: false, scale: 1.0 }
    }

    /// Sets the nonlinearity.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// For autonomous ODEs: the network takes `t - s` alone.
    pub fn autonomous(self) -> Self {
        Self { autonomous: true, ..self }
    }

    /// Sets `scale`, the size of a typical coordinate: the standard deviation of the data.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    fn check(&self) -> Result<()> {
        let moving = ("number of moving coordinates", self.layout.moving);
        for (name, size) in [moving, ("width", self.width), ("number of hidden layers", self.hidden)] {
            if size == 0 {
                return Err(Error::invalid("network shape", format!("the {name} is 0; it must be at least 1")));
            }
        }
        let widest = self.width.max(self.layout.dimension().saturating_add(2));
        let count = widest.checked_mul(self.width).and_then(|layer| layer.checked_mul(self.hidden.saturating_add(1)));
        if count.is_none_or(|count| count > MOST_PARAMETERS) {
            return Err(Error::invalid(
                "network shape",
                "it has more than 2^32 parameters; lower the width or the number of layers",
            ));
        }
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            return Err(Error::invalid("network shape", format!("the scale {} is not a positive number", self.scale)));
        }
        Ok(())
    }
}

module! {
    /// A multilayer perceptron `σ N(s, t, x / σ)`: the average velocity of arXiv 2505.18825 on low-dimensional data.
    ///
    /// Points have shape `[batch, d]`, times `[batch]` or `[]`; the input layer takes `[batch, d + 2]`, or `[batch, d + 1]` if the
    /// shape is autonomous. Coordinates at rest have velocity 0.
    ///
    /// ```
    /// use flowmap::{AverageVelocityMap, FlowMap, Tensor, backend::ndarray::NdTensor, nn::{Mlp, MlpShape}};
    /// let mlp: Mlp<NdTensor<f64>> = Mlp::new(&MlpShape::new(2, 8, 2), 7)?;
    /// let x = NdTensor::from_slice(&[1.0, 2.0, 3.0, 4.0], &[2, 2]);
    /// let s = NdTensor::from_slice(&[0.25, 0.5], &[2]);
    /// assert_eq!(AverageVelocityMap(&mlp).flow(&s, &s, &x), x); // X_{s,s} is the identity, whatever the parameters
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    #[derive(Clone, Debug)]
    pub struct Mlp<P> {
        layers: Vec<Linear<P>>,
    }
    keeps {
        shape: MlpShape,
    }
}

impl<P: Tensor<Primal = P>> Mlp<P> {
    /// A network of this shape with random weights (LeCun's initialization), a function of the seed alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a size is 0, or the scale is not positive.
    pub fn new(shape: &MlpShape, seed: u64) -> Result<Self>
    where
        P::Device: Default,
    {
        Self::new_on(&P::Device::default(), shape, seed)
    }

    /// The same on this device.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_on(device: &P::Device, shape: &MlpShape, seed: u64) -> Result<Self> {
        shape.check()?;
        let mut rng = stream(seed, INITIALIZATION);
        let widths = std::iter::repeat_n(shape.width, shape.hidden);
        let inputs = shape.layout.dimension() + if shape.autonomous { 1 } else { 2 };
        let sizes: Vec<_> = [inputs].into_iter().chain(widths).chain([shape.layout.moving]).collect();
        let layers = sizes.windows(2).map(|io| Linear::drawn(io[0], io[1], device, &mut rng)).collect();
        Ok(Self { layers, shape: *shape })
    }
}

impl<T: Tensor> AverageVelocity<T> for Mlp<T::Primal> {
    /// # Panics
    /// If `x` does not have the shape `[batch, d]`, or the times not `[batch]` or `[]`.
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let point = x.scale(1.0 / self.shape.scale);
        let input = if self.shape.autonomous {
            T::concat(&[time_column(&(t.clone() - s), x), point], 1)
        } else {
            with_times(s, t, &point)
        };
        let (last, hidden) = self.layers.split_last().expect("there is an output layer");
        let features = hidden.iter().fold(input, |h, layer| layer.apply(&h).activate(self.shape.activation));
        self.shape.layout.velocity(last.apply(&features).scale(self.shape.scale), x)
    }
}
