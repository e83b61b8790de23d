//! Guidance by a reward of the predicted sample.

use super::draw::carried;
use crate::{Error, FlowMap, Layout, Result, Tape, Tensor, TimeGrid, Value, Var, distribution::Distribution, flow::pairs};
use std::fmt;

/// Guidance by a reward `r` of the final sample, which the flow map predicts from any time:
///
/// ```text
/// dx/dt = v_{t,t}(x) + a(t) ∇_x r(X_{t,1}(x)),
/// ```
///
/// in steps of a time grid. At each time `t_k` a sample moves by `a(t_k) |t_{k+1} - t_k|` times the gradient of the reward of its
/// predicted end `X_{t_k,1}(x)`, and then along the map to `t_{k+1}`; time 1 stands for the end of the grid. The error is of
/// first order in the step length. The gradient is taken by reverse mode through the map and the reward: a step costs one
/// evaluation of the map, and one with its gradient.
///
/// # Distribution of the samples
///
/// For an exact map, only the reward moves the predicted end `y = X_{t,1}(x_t)`: `dy/dt = a J Jᵀ ∇r(y)` with the Jacobian `J` of
/// `X_{t,1}` at `x_t`. With a positive strength the reward never falls, and samples move along directions in which data vary. In
/// general they do not have the tilted distribution `ρ_1 e^r` (up to a constant), since samples are not weighted against each
/// other. In one case they do: data distributed as `N(m, σ²)` in each coordinate, a linear reward, and as strength the variance
/// `α_t² σ_0² + β_t² σ²` of the path, divided by the length of the grid in time. Weights that are exact in all cases need
/// stochastic dynamics and the score, and are not implemented.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, distribution::Normal, exact::DiagonalGaussian, interpolant::Trigonometric};
/// use flowmap::{Number, Tensor, TimeGrid, sample::LookAhead};
/// // a path of variance 1 all the way, and the reward 2 x: the tilted distribution is N(2, 1)
/// let map = DiagonalGaussian::new(Trigonometric, [[0.0]; 2], [[1.0]; 2])?;
/// let guided = LookAhead::new(|x: &flowmap::Var<NdTensor<f64>>| x.sum(1..2).scale(2.0), |_time| 1.0);
/// let samples = guided.draw(&map, &TimeGrid::uniform([0.0, 1.0], 50)?, &Normal::standard(1)?, 4000, 7)?;
/// assert!((samples.iter().sum::<f64>() / 4000.0 - 2.0).abs() < 0.1);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// For a network `model`, the map on the tape is `AverageVelocityMap(model.off_tape())`; see [`Model`](crate::nn::Model).
///
/// Source: A. Sabour et al., Test-time scaling of diffusions with flow maps, arXiv 2511.22688.
#[derive(Clone, Copy)]
pub struct LookAhead<R, A> {
    reward: R,
    strength: A,
}

impl<R, A> fmt::Debug for LookAhead<R, A> {
    /// Shows the name only, since closures cannot be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookAhead").finish_non_exhaustive()
    }
}

impl<R, A: Fn(f64) -> f64> LookAhead<R, A> {
    /// Takes the reward, a function from samples of shape `[batch, d]` to numbers of shape `[batch]`, and the strength `a(t)`.
    /// The reward of a row must depend on that row alone, since the gradient is that of their sum.
    pub fn new(reward: R, strength: A) -> Self {
        Self { reward, strength }
    }

    /// Carries rows of states of this layout along the grid. The reward moves only the coordinates that move. A number is the
    /// layout of states that move as a whole.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a reward or its gradient is NaN or infinite, [`Error::Shape`] if there is not one reward per row,
    /// and [`Error::Invalid`] if a strength is not finite, or `x` is not of shape `[batch, dimension]`.
    pub fn follow<T, M>(&self, map: &M, grid: &TimeGrid, x: &T, layout: impl Into<Layout>) -> Result<T>
    where
        T: Tensor<Primal = T>,
        M: FlowMap<Var<T>> + ?Sized,
        R: Fn(&Var<T>) -> Var<T>,
    {
        let layout = layout.into();
        if !matches!(x.shape(), [_, columns] if *columns == layout.dimension()) {
            let reason = format!("a state of shape {:?}, but its layout is [batch, {}]", x.shape(), layout.dimension());
            return Err(Error::invalid("state", reason));
        }
        let end = grid.times()[grid.steps()];
        pairs(grid.times()).try_fold(x.clone(), |x, [s, t]| {
            let strength = (self.strength)(s);
            if !strength.is_finite() {
                return Err(Error::invalid("strength", format!("at time {s} it is {strength}; give finite numbers")));
            }
            let weight = strength * (t - s).abs();
            let x = if weight == 0.0 {
                x
            } else {
                let gradient = self.gradient(map, [s, end], &x)?;
                ascended(&x, gradient.as_ref().map(|g| g.scale(weight)), layout)
            };
            Ok(map.carry([s, t], &Var::constant(x)).value().clone())
        })
    }

    /// Draws `count` samples as [`draw`](super::draw) does, from the same noise. The reward does not move coordinates
    /// [at rest](Distribution::layout) in the noise, such as classes.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub fn draw<T, M>(&self, map: &M, grid: &TimeGrid, noise: &dyn Distribution, count: usize, seed: u64) -> Result<Vec<f64>>
    where
        T: Tensor<Primal = T, Device: Default>,
        M: FlowMap<Var<T>> + ?Sized,
        R: Fn(&Var<T>) -> Var<T>,
    {
        self.draw_on(&T::Device::default(), map, grid, noise, count, seed)
    }

    /// As [`draw`](Self::draw), on this device.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub fn draw_on<T, M>(
        &self,
        device: &T::Device,
        map: &M,
        grid: &TimeGrid,
        noise: &dyn Distribution,
        count: usize,
        seed: u64,
    ) -> Result<Vec<f64>>
    where
        T: Tensor<Primal = T>,
        M: FlowMap<Var<T>> + ?Sized,
        R: Fn(&Var<T>) -> Var<T>,
    {
        carried(device, noise, count, seed, |x: T| self.follow(map, grid, &x, noise.layout()))
    }

    /// `∇_x r(X_{s,t}(x))`, row by row; `None` if the reward does not depend on the state.
    fn gradient<T, M>(&self, map: &M, [s, t]: [f64; 2], x: &T) -> Result<Option<T>>
    where
        T: Tensor<Primal = T>,
        M: FlowMap<Var<T>> + ?Sized,
        R: Fn(&Var<T>) -> Var<T>,
    {
        let finite = |what, values: Vec<f64>| match values.iter().all(|v| v.is_finite()) {
            true => Ok(()),
            false => Err(Error::NotFinite { what, from: s, to: t }),
        };
        let tape = Tape::new();
        let start = tape.leaf(x.clone());
        let reward = (self.reward)(&map.carry([s, t], &start));
        let rows = &x.shape()[..1];
        if reward.shape() != rows {
            let what = "the reward, one number for each row".into();
            return Err(Error::Shape { what, expected: rows.to_vec(), found: reward.shape().to_vec() });
        }
        finite("the reward of the predicted sample", reward.values())?;
        let gradient = tape.gradients(&reward).take(&start);
        finite("the gradient of the reward", gradient.as_ref().map_or(vec![], Value::values))?;
        Ok(gradient)
    }
}

/// `x` plus the moving coordinates of a step.
fn ascended<T: Tensor>(x: &T, step: Option<T>, layout: Layout) -> T {
    match step {
        None => x.clone(),
        Some(step) => layout.with_moving(layout.moving_part(x) + layout.moving_part(&step), x),
    }
}
