//! Renoising: back to an earlier, noisier time.

use crate::{
    Error, Result, Tensor,
    distribution::{Distribution, Normal},
    interpolant::Interpolant,
};
use rand::Rng;

/// The step from a time `τ` back to an earlier, noisier time `t` by fresh noise:
///
/// ```text
/// x' = (β_t/β_τ) x + (α_t² - (α_τ β_t/β_τ)²)^(1/2) (z - m) + (α_t - α_τ β_t/β_τ) m,
/// ```
///
/// with a draw `z` of the noise, a normal distribution of mean `m`. If `x` is distributed as `α_τ x0 + β_τ x1`, with such noise
/// `x0` independent of the data `x1`, then `x'` is distributed as `α_t x0 + β_t x1`: the data have their weight at `t`, and the
/// two normal parts add up to one. It is another sample, with the data of `x`.
///
/// - noise and data must be independent. With another [coupling](crate::learn::Coupling), or velocities with
///   [guidance](crate::learn::Guidance), the distribution at `t` is not that of the flow;
/// - noise must be normal: no other distribution with a variance is the sum of two smaller ones of its kind;
/// - `β_t = 0`, no data left at `t`, is allowed: the result is new noise. `β_τ = 0` is not, since the state then holds no data;
/// - a path with `β = 1` (variance exploding) is no exception: noise is only added.
///
/// ```
/// use flowmap::{Tensor, backend::ndarray::NdTensor, distribution::Normal, interpolant::Linear, random::stream};
/// use flowmap::sample::Renoising;
/// let back = Renoising::between(&Linear, 0.8, 0.4)?;
/// assert!((back.kept() - 0.5).abs() < 1e-15 && (back.added() - (0.36_f64 - 0.01).sqrt()).abs() < 1e-15);
/// let x = NdTensor::<f64>::from_slice(&[1.0, 2.0, 0.0, 1.0], &[1, 4]);
/// let noised = back.apply(&x, &Normal::standard(2)?, &mut stream(1, 0));
/// assert_eq!(noised.to_vec()[2..], [0.0, 1.0], "coordinates after the noise have velocity 0");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: Y. Xu et al., Restart sampling for improving generative processes, arXiv 2306.14878, for a path with `β = 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Renoising {
    kept: f64,
    added: f64,
    /// The factor of the noise's mean, besides that in the `added` draws.
    mean: f64,
}

impl Renoising {
    /// From the time `from` to the noisier time `to` of a path.
    ///
    /// # Errors
    /// [`Error::Invalid`] if one of them is not in the path's span, there are no data in the state at `from`, or `to` is less
    /// noisy.
    pub fn between(path: &impl Interpolant, from: f64, to: f64) -> Result<Self> {
        let invalid = |reason| Err(Error::invalid("renoising", reason));
        let [start, end] = path.span();
        if let Some(outside) = [from, to].into_iter().find(|t| !(start..=end).contains(t)) {
            return invalid(format!("time {outside} is not on the path, which goes from {start} to {end}"));
        }
        let [now, then] = [from, to].map(|t| path.shares(&t));
        if now[1] == 0.0 {
            return invalid(format!("at time {from} a state holds no data to keep; start from a later time"));
        }
        let kept = then[1] / now[1];
        let old = now[0] * kept;
        let added = ((then[0] - old) * (then[0] + old)).sqrt();
        if !(kept.is_finite() && added.is_finite()) {
            return invalid(format!("time {to} is less noisy than time {from}; renoise from a later time to an earlier one"));
        }
        Ok(Self { kept, added, mean: then[0] - old - added })
    }

    /// `β_t/β_τ`, the factor of the state.
    pub fn kept(&self) -> f64 {
        self.kept
    }

    /// `(α_t² - (α_τ β_t/β_τ)²)^(1/2)`, the factor of fresh noise.
    pub fn added(&self) -> f64 {
        self.added
    }

    /// Carries rows of states from `τ` to `t`, with one draw of `noise` for each, row by row. Coordinates after those of the
    /// noise stay as they are.
    ///
    /// # Panics
    /// If `x` is not of shape `[batch, d]` with at least as many coordinates as the noise.
    pub fn apply<T: Tensor>(&self, x: &T, noise: &Normal, rng: &mut dyn Rng) -> T {
        let d = noise.dimension();
        let (rows, columns) = match x.shape() {
            &[rows, columns] if columns >= d => (rows, columns),
            shape => panic!("renoising: noise of {d} coordinates for a state of shape {shape:?}; it is [batch, {d}] or wider"),
        };
        let mut fresh = vec![0.0; rows * d];
        noise.draw_rows(rng, &mut fresh);
        for row in fresh.chunks_exact_mut(d) {
            row.iter_mut().zip(noise.mean()).for_each(|(z, m)| *z = self.added * *z + self.mean * m);
        }
        let moved = x.slice(1, 0..d).scale(self.kept) + T::from_doubles_on(&x.device(), &fresh, &[rows, d]);
        if columns == d { moved } else { T::concat(&[moved, x.slice(1, d..columns)], 1) }
    }
}
