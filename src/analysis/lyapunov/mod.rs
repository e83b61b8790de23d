//! Lyapunov exponents: the mean rates at which neighbouring trajectories separate, in every direction.

use super::frame::{Frame, orthonormal, standard};
use crate::{
    Error, Real, Result,
    flow::FlowMap,
    number::{Dual, Row, Value},
    state::{DynCoordinates, filled},
};

/// The steps in which a flow map is applied: from `start`, one `length` after another.
///
/// ```
/// use flowmap::analysis::Steps;
/// let steps = Steps::new(0.0, 0.5, 1000)?.after(40); // from time 20 to time 520
/// assert!(Steps::new(0.0, 0.0, 1000).is_err());
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    start: f64,
    length: f64,
    count: u32,
    transient: u32,
}

impl Steps {
    /// `count` steps of this `length` from time `start` on; a negative length goes backward in time.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `start` and `length` are finite, `length` is not 0, and there is at least one step.
    pub fn new(start: f64, length: f64, count: u32) -> Result<Self> {
        if !(start.is_finite() && length.is_finite() && length != 0.0) {
            return Err(Error::invalid(
                "steps",
                format!("from time {start} with length {length}; give finite numbers, and a length that is not 0"),
            ));
        }
        if count == 0 {
            return Err(Error::invalid("steps", "there are none to average over; give at least one"));
        }
        Ok(Self { start, length, count, transient: 0 })
    }

    /// Prepends `transient` steps that are not averaged: the point reaches the attractor, and the directions align.
    #[must_use]
    pub fn after(self, transient: u32) -> Self {
        Self { transient, ..self }
    }

    /// The start and end time of step `k`, counting those of the transient.
    fn times<R: Real>(&self, k: u64) -> [R; 2] {
        [k, k + 1].map(|k| R::from_f64(self.start + k as f64 * self.length))
    }

    /// The number of batches, close to the number of steps in each.
    fn batches(&self) -> u32 {
        self.count.isqrt()
    }
}

/// The Lyapunov spectrum of a flow map along the trajectory of `x`, by the discrete QR method:
///
/// ```text
/// ∇X_{t_k, t_k+1}(x_k) Q_k = Q_k+1 R_k+1,      λ_i = (1 / n |Δt|) Σ_k ln (R_k)_ii
/// ```
///
/// The flow carries a full set of orthonormal directions through each step, after which they are made orthonormal again. The
/// logarithms of their growth factors average to the exponents `λ_1 ≥ … ≥ λ_D`, whose sum is the mean divergence along the
/// trajectory.
///
/// A step costs one evaluation on duals per direction, so long steps are cheap; but the stretches within a step must not differ
/// by more than a float can hold: keep `(λ_1 - λ_D) |Δt|` well below 36. A map without derivatives goes through
/// [`FiniteDifferences`](crate::FiniteDifferences), whose error, some `1e-10` of the state's size, must be small compared to
/// the smallest stretch of a step. An autonomous flow whose map is only known in a window of times goes through
/// [`Autonomous`](crate::Autonomous).
///
/// ```
/// use flowmap::{analysis::{Steps, lyapunov_spectrum}, exact::Affine};
/// let saddle = Affine::new([[0.0, 1.0], [2.0, 1.0]], [0.0; 2])?; // eigenvalues 2 and -1
/// let spectrum = lyapunov_spectrum(&saddle, &Steps::new(0.0, 1.0, 100)?.after(20), &[0.0, 0.0])?;
/// let [first, last] = spectrum.exponents();
/// assert!((first - 2.0).abs() < 1e-12 && (last + 1.0).abs() < 1e-12);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// The error of `map` where it is not defined, such as [`Error::BlowUp`]; [`Error::NotFinite`] where a derivative is not
/// finite; [`Error::Invalid`] where the carried directions become linearly dependent in floats, because the steps are too long
/// or the map is not invertible.
///
/// Source: G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Lyapunov characteristic exponents for smooth dynamical systems,
/// Meccanica 15, 1980; L. Dieci, E. S. Van Vleck, Computation of a few Lyapunov exponents for continuous and discrete dynamical
/// systems, Appl. Numer. Math. 17, 1995.
pub fn lyapunov_spectrum<X, M>(map: &M, steps: &Steps, x: &X) -> Result<LyapunovSpectrum<<X::Row as Row>::Of<f64>>>
where
    X: DynCoordinates<Time: Real>,
    M: FlowMap<Dual<X>> + ?Sized,
{
    let row = x.coordinates();
    let dimension = row.items().len();
    if dimension == 0 {
        return Err(Error::invalid("state", "the point has no coordinates; give at least one"));
    }
    let (mut x, mut frame) = (x.clone(), standard(dimension));
    let [transient, count, batches] = [steps.transient, steps.count, steps.batches()].map(u64::from);
    let mut logarithms = vec![vec![0.0; dimension]; batches as usize];
    for k in 0..transient + count {
        let times = steps.times(k);
        let (end, carried) = carry(map, &times, &x, &frame)?;
        let (next, grown) = orthonormal(carried).ok_or_else(|| collapsed(times))?;
        (x, frame) = (end, next);
        if k >= transient {
            let batch = &mut logarithms[((k - transient) * batches / count) as usize];
            batch.iter_mut().zip(grown).for_each(|(sum, grown)| *sum += grown);
        }
    }
    // rounding or a special start may leave them out of order
    let total = |i: &usize| logarithms.iter().map(|batch| batch[*i]).sum::<f64>();
    let mut order: Vec<usize> = (0..dimension).collect();
    order.sort_by(|i, j| total(j).total_cmp(&total(i)));
    let batch = |(b, sums): (u64, &Vec<f64>)| {
        // step k is in batch ⌊k batches / count⌋
        let steps_before = |b: u64| (b * count).div_ceil(batches);
        let duration = (steps_before(b + 1) - steps_before(b)) as f64 * steps.length.abs();
        Batch { duration, rates: row.build(|i| sums[order[i]] / duration) }
    };
    let batches: Vec<Batch<_>> = (0..).zip(&logarithms).map(batch).collect();
    let total: f64 = batches.iter().map(|batch| batch.duration).sum();
    let exponents = row.build(|i| batches.iter().map(|batch| batch.duration * batch.rates.items()[i]).sum::<f64>() / total);
    Ok(LyapunovSpectrum { exponents, batches })
}

/// The image of `x`, and of the directions.
fn carry<X, M>(map: &M, [s, t]: &[X::Time; 2], x: &X, frame: &Frame) -> Result<(X, Frame)>
where
    X: DynCoordinates<Time: Real>,
    M: FlowMap<Dual<X>> + ?Sized,
{
    let start = |direction: &Vec<f64>| Dual::new(x.clone(), filled(x, direction, |c| Real::from_f64(*c)));
    let starts: Vec<Dual<X>> = frame.iter().map(start).collect();
    let ends = map.try_flow_each(&Dual::constant(*s), &Dual::constant(*t), &starts)?;
    let image = |end: &Dual<X>| end.moving().map_or_else(|| vec![0.0; frame.len()], Value::values);
    let carried: Frame = ends.iter().map(image).collect();
    let end = ends[0].value();
    if carried.iter().flatten().chain(&end.values()).all(|entry| entry.is_finite()) {
        return Ok((end.clone(), carried));
    }
    Err(Error::NotFinite { what: "the flow map's Jacobian", from: s.into_f64(), to: t.into_f64() })
}

fn collapsed<R: Real>([from, to]: [R; 2]) -> Error {
    let reason =
        format!("from time {from} to time {to} the carried directions become parallel, up to rounding; give shorter steps");
    Error::invalid("steps", reason)
}

/// Mean growth rates over a part of the time.
#[derive(Clone, Debug, PartialEq)]
struct Batch<V> {
    duration: f64,
    rates: V,
}

/// The result of [`lyapunov_spectrum`]: the exponents and their standard errors.
///
/// ```
/// use flowmap::{analysis::{Steps, lyapunov_spectrum}, exact::Hopf};
/// // along the limit cycle neighbours keep their distance; across, they are drawn to it at the rate -2
/// let spectrum = lyapunov_spectrum(&Hopf::new(1.0, 3.0, 0.5)?, &Steps::new(0.0, 0.5, 400)?.after(100), &[0.5, 0.0])?;
/// let ([along, across], errors) = (spectrum.exponents(), spectrum.standard_errors());
/// assert!(along.abs() < 1e-12 && (across + 2.0).abs() < 1e-12 && errors[1] < 1e-12);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LyapunovSpectrum<V> {
    exponents: V,
    batches: Vec<Batch<V>>,
}

impl<V: Row<Item = f64>> LyapunovSpectrum<V> {
    /// The exponents per unit of time, the largest first.
    pub fn exponents(&self) -> &V {
        &self.exponents
    }

    /// The convergence of the estimates: the time averaged over so far, and the exponents up to then. The last ones are
    /// [`exponents`](Self::exponents).
    pub fn running(&self) -> impl Iterator<Item = (f64, V::Of<f64>)> {
        let sums = vec![0.0; self.exponents.items().len()];
        self.batches.iter().scan((0.0, sums), |(time, sums), batch| {
            *time += batch.duration;
            sums.iter_mut().zip(batch.rates.items()).for_each(|(sum, rate)| *sum += batch.duration * rate);
            Some((*time, batch.rates.build(|i| sums[i] / *time)))
        })
    }

    /// The standard errors of the exponents, by batch means: the steps form `b ≈ √n` batches, whose means `m_k` give the
    /// standard error `√(Σ_k (m_k - λ)² / b (b - 1))`; infinite for fewer than 4 steps, which form one batch.
    ///
    /// They are right if a batch is longer than the correlation time of the trajectory. They do not include errors of the map
    /// itself, nor those of a transient that was cut too short: look at [`running`](Self::running), too.
    ///
    /// Source: C. J. Geyer, Practical Markov chain Monte Carlo, Statist. Sci. 7, 1992, section 3.2.
    pub fn standard_errors(&self) -> V::Of<f64> {
        let count = self.batches.len() as f64;
        self.exponents.build(|i| {
            let exponent = self.exponents.items()[i];
            let squares: f64 = self.batches.iter().map(|batch| (batch.rates.items()[i] - exponent).powi(2)).sum();
            if count < 2.0 { f64::INFINITY } else { (squares / (count * (count - 1.0))).sqrt() }
        })
    }

    /// The sum of the exponents: the mean divergence of the field along the trajectory, 0 where volumes are preserved.
    pub fn sum(&self) -> f64 {
        self.exponents.items().iter().sum()
    }

    /// The Kaplan-Yorke dimension `k + (λ_1 + … + λ_k) / |λ_{k+1}|`, with the largest `k` for which that sum is not negative;
    /// the number of coordinates where none is, 0 where all exponents are negative.
    ///
    /// An exponent that is 0 but found slightly negative counts as negative: on a limit cycle the dimension found is 0 or 1.
    ///
    /// Source: J. L. Kaplan, J. A. Yorke, Chaotic behavior of multidimensional difference equations, Lecture Notes in
    /// Mathematics 730, 1979.
    pub fn kaplan_yorke_dimension(&self) -> f64 {
        let mut sum = 0.0;
        for (k, exponent) in self.exponents.items().iter().enumerate() {
            if sum + exponent < 0.0 {
                return k as f64 + sum / exponent.abs();
            }
            sum += exponent;
        }
        self.exponents.items().len() as f64
    }
}

#[cfg(test)]
mod tests;
