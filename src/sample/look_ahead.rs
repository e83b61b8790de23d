//! Steps towards a reward of the sample that the map foresees.

use super::draw::carried;
use crate::{Error, FlowMap, Result, Tape, Tensor, TimeGrid, Value, Var, distribution::Distribution, flow::pairs};
use std::fmt;

/// Guidance by a reward `r` of finished samples, which the flow map shows at any time:
///
/// ```text
/// dx/dt = v_{t,t}(x) + a(t) ∇_x r(X_{t,1}(x)),
/// ```
///
/// in steps of a grid. At each time `t_k` a sample moves by `a(t_k) |t_{k+1} - t_k|` times the gradient of the reward of its end,
/// `X_{t_k,1}(x)`, and then by the map to `t_{k+1}`; the end of time is that of the grid. The error falls like the length of the
/// steps. The gradient is taken by reverse mode through the map and the reward: a step costs one evaluation of the map, and one
/// with its gradient.
///
/// # What comes out
///
/// Along the flow of an exact map, the foreseen end `y = X_{t,1}(x_t)` stays where it is, unless the reward moves it:
/// `dy/dt = a J Jᵀ ∇r(y)` with the Jacobian `J` of `X_{t,1}` at `x_t`. With a positive strength its reward never falls, and
/// samples move along directions in which data vary. They do not, in general, have the tilted distribution `ρ_1 e^r`, up to its
/// constant: nothing here weighs one sample against another. In one case they have it: data with the distribution `N(m, σ²)` in
/// each coordinate, a linear reward, and as strength the variance `α_t² σ_0² + β_t² σ²` of the path, divided by the time that the
/// grid takes. Weights that make it exact in all cases need stochastic dynamics and the score, and are not here.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, exact::DiagonalGaussian, interpolant::Trigonometric, distribution::Normal};
/// use flowmap::{Number, Tensor, TimeGrid, sample::LookAhead};
/// // a path of variance 1 all the way, and the reward 2 x: the tilted distribution is N(2, 1)
/// let map = DiagonalGaussian::new(Trigonometric, [[0.0]; 2], [[1.0]; 2])?;
/// let guided = LookAhead::new(|x: &flowmap::Var<NdTensor<f64>>| x.sum(1..2).scale(2.0), |_time| 1.0);
/// let samples = guided.draw(&map, &TimeGrid::uniform([0.0, 1.0], 50)?, &Normal::standard(1)?, 4000, 7, &())?;
/// assert!((samples.iter().sum::<f64>() / 4000.0 - 2.0).abs() < 0.1);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// A network `model` is a map on the tape as `AverageVelocityMap(model.off_tape())`; see [`Model`](crate::nn::Model).
///
/// Source: A. Sabour et al., Test-time scaling of diffusions with flow maps, arXiv 2511.22688.
#[derive(Clone, Copy)]
pub struct LookAhead<R, A> {
    reward: R,
    strength: A,
}

impl<R, A> fmt::Debug for LookAhead<R, A> {
    /// The name alone: closures cannot be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookAhead").finish_non_exhaustive()
    }
}

impl<R, A: Fn(f64) -> f64> LookAhead<R, A> {
    /// From the reward, which makes of rows of samples, shape `[batch, d]`, one number for each, shape `[batch]`; and the
    /// strength `a(t)`. The reward of a row must depend on that row alone: what is followed is the gradient of their sum.
    pub fn new(reward: R, strength: A) -> Self {
        Self { reward, strength }
    }

    /// Takes rows of states along the grid. Of each, the first `moving` coordinates move towards the reward; others are left to
    /// the map.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where a reward or its gradient is NaN or infinite, [`Error::Shape`] where there is not one for each
    /// row, and [`Error::Invalid`] if a strength is not finite, or `x` has not the shape `[batch, d]` with `moving` coordinates,
    /// or more.
    pub fn follow<T, M>(&self, map: &M, grid: &TimeGrid, x: &T, moving: usize) -> Result<T>
    where
        T: Tensor<Primal = T>,
        M: FlowMap<Var<T>> + ?Sized,
        R: Fn(&Var<T>) -> Var<T>,
    {
        match x.shape() {
            [_, columns] if *columns >= moving => {}
            shape => {
                let reason =
                    format!("a state of shape {shape:?}, of which {moving} coordinates move; it is [batch, {moving}] or wider");
                return Err(Error::invalid("state", reason));
            }
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
                ascended(&x, gradient.as_ref().map(|g| g.scale(weight)), moving)
            };
            Ok(map.carry([s, t], &Var::constant(x)).value().clone())
        })
    }

    /// Draws `count` samples as [`draw`](super::draw) does, from the same noise. Coordinates that are [at
    /// rest](Distribution::moving) in the noise, such as classes, do not move towards the reward.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub fn draw<T, M>(
        &self,
        map: &M,
        grid: &TimeGrid,
        noise: &dyn Distribution,
        count: usize,
        seed: u64,
        device: &T::Device,
    ) -> Result<Vec<f64>>
    where
        T: Tensor<Primal = T>,
        M: FlowMap<Var<T>> + ?Sized,
        R: Fn(&Var<T>) -> Var<T>,
    {
        carried(noise, count, seed, device, |x: T| self.follow(map, grid, &x, noise.moving()))
    }

    /// `∇_x r(X_{s,t}(x))`, row by row; none where the reward does not depend on the state.
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
            let what = "the reward, which is one number for each row".into();
            return Err(Error::Shape { what, expected: rows.to_vec(), found: reward.shape().to_vec() });
        }
        finite("the reward of the foreseen sample", reward.values())?;
        let gradient = tape.gradients(&reward).take(&start);
        finite("the gradient of the reward", gradient.as_ref().map_or(vec![], Value::values))?;
        Ok(gradient)
    }
}

/// `x` and a step, of which only the part of the first `moving` coordinates is taken.
fn ascended<T: Tensor>(x: &T, step: Option<T>, moving: usize) -> T {
    let columns = x.shape()[1];
    match step {
        None => x.clone(),
        Some(step) if moving == columns => x.clone() + step,
        Some(step) => T::concat(&[x.slice(1, 0..moving) + step.slice(1, 0..moving), x.slice(1, moving..columns)], 1),
    }
}
