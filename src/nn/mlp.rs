//! The multilayer perceptron in two times and a point.

use super::{
    INITIALIZATION, Linear, MOST_PARAMETERS,
    embedding::{time_column, with_times},
    module,
    rest::and_rest,
};
use crate::{Activation, AverageVelocity, Error, Result, Tensor, random::stream};

/// The sizes of an [`Mlp`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MlpShape {
    /// The number of coordinates of a point.
    pub dimension: usize,
    /// Units in each hidden layer.
    pub width: usize,
    /// The number of hidden layers.
    pub hidden: usize,
    /// The nonlinearity after each hidden layer.
    pub activation: Activation,
    /// Whether the network takes `t - s` instead of both times: for autonomous ODEs.
    pub autonomous: bool,
    /// The number of trailing coordinates that condition the network, with velocity 0: classes, or parameters of an ODE.
    pub conditions: usize,
    /// The size `σ` of a typical coordinate: the network sees `x / σ`, and its output is multiplied by `σ`.
    pub scale: f64,
}

impl MlpShape {
    /// Points of `dimension` coordinates of size 1, `hidden` layers of `width` GELU units.
    pub fn new(dimension: usize, width: usize, hidden: usize) -> Self {
        Self { dimension, width, hidden, activation: Activation::Gelu, autonomous: false, conditions: 0, scale: 1.0 }
    }

    /// Sets the nonlinearity.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// For autonomous ODEs: the network takes `t - s` alone.
    pub fn autonomous(self) -> Self {
        Self { autonomous: true, ..self }
    }

    /// Makes the last `conditions` coordinates conditions, with velocity 0.
    pub fn with_conditions(self, conditions: usize) -> Self {
        Self { conditions, ..self }
    }

    /// Sets `scale`, the size of a typical coordinate: the standard deviation of the data.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    fn check(&self) -> Result<()> {
        for (name, size) in [("dimension", self.dimension), ("width", self.width), ("number of hidden layers", self.hidden)] {
            if size == 0 {
                return Err(Error::invalid("network shape", format!("the {name} is 0; it must be at least 1")));
            }
        }
        if self.conditions >= self.dimension {
            let reason = format!("{} of {} coordinates are at rest; at least one must move", self.conditions, self.dimension);
            return Err(Error::invalid("network shape", reason));
        }
        let widest = self.width.max(self.dimension.saturating_add(2));
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
    /// shape is autonomous. Conditions have velocity 0.
    ///
    /// ```
    /// use flowmap::{AverageVelocityMap, FlowMap, Tensor, backend::ndarray::NdTensor, nn::{Mlp, MlpShape}};
    /// let mlp: Mlp<NdTensor<f64>> = Mlp::new(&MlpShape::new(2, 8, 2), 7, &())?;
    /// let x = NdTensor::from_slice(&(), &[1.0, 2.0, 3.0, 4.0], &[2, 2]);
    /// let s = NdTensor::from_slice(&(), &[0.25, 0.5], &[2]);
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
    /// [`Error::Invalid`] if a size is 0, no coordinate moves, or the scale is not positive.
    pub fn new(shape: &MlpShape, seed: u64, device: &P::Device) -> Result<Self> {
        shape.check()?;
        let mut rng = stream(seed, INITIALIZATION);
        let widths = std::iter::repeat_n(shape.width, shape.hidden);
        let inputs = shape.dimension + if shape.autonomous { 1 } else { 2 };
        let sizes: Vec<_> = [inputs].into_iter().chain(widths).chain([shape.dimension - shape.conditions]).collect();
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
        and_rest(last.apply(&features).scale(self.shape.scale), x, self.shape.conditions)
    }
}
