//! Poincaré sections: where trajectories cross a surface.

use super::{ReturnMap, Surface};
use crate::root::{grazes, root};
use crate::{
    Error, Real, Result,
    flow::FlowMap,
    number::{Dual, Number},
    solver::Direction,
    state::{Coordinates, State},
};

/// A state and its time: a crossing of a trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage<X: State> {
    /// The time.
    pub time: X::Time,
    /// The state.
    pub point: X,
}

/// A Poincaré section of a flow map: the surface `g(x) = 0`, and on it the map from one crossing to the next.
///
/// ```text
/// P(s, x) = (s + τ, X_{s, s+τ}(x)),   τ the first time > 0 at which g(X_{s, s+τ}(x)) crosses 0
/// ```
///
/// The trajectory is followed in steps. A step whose ends lie on different sides of the surface is searched for the crossing,
/// by evaluating the map from the step's start to times within; it is found to rounding, at or just beyond the surface. Two
/// crossings within one step are missed, and so is a trajectory that touches the surface between two ends and turns back: use
/// steps that are short compared to the time between crossings. A start with `g = 0` lies on the surface, and leaving it is no
/// crossing.
///
/// For a map that is only known in a window of times, use [`Autonomous`](crate::Autonomous).
///
/// ```
/// use flowmap::{analysis::{Hyperplane, Passage, ReturnMap, Section}, exact::Hopf, solver::Direction};
/// // an oscillator that settles on the unit circle, seen each time it comes upwards through the axis y = 0
/// let axis = Hyperplane::new([0.0, 1.0], 0.0)?;
/// let section = Section::new(Hopf::new(1.0, 3.0, 0.0)?, axis, 0.1)?.crossing(Direction::Rising);
/// let start = Passage { time: 0.0, point: [0.2, 0.0] };
/// let returns = section.orbit(start).take(4).collect::<flowmap::Result<Vec<_>>>()?;
/// assert!((returns[0].time - std::f64::consts::TAU / 3.0).abs() < 1e-14);
/// assert!((returns[3].point[0] - 1.0).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: M. Hénon, On the numerical computation of Poincaré maps, Physica D 5, 1982, on the problem; J. Guckenheimer, P.
/// Holmes, Nonlinear Oscillations, Dynamical Systems, and Bifurcations of Vector Fields, section 1.5, on the map.
#[derive(Clone, Copy, Debug)]
pub struct Section<M, G> {
    map: M,
    surface: G,
    direction: Direction,
    step: f64,
    limit: u32,
}

/// A crossing: its time, and the start of the step that contains it.
struct Found<X: State> {
    steps: u32,
    from: Passage<X>,
    time: X::Time,
}

impl<M, G> Section<M, G> {
    /// The section of `map` by `surface`, crossed in either direction, in time steps of `step`; backward in time if it is
    /// negative.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `step` is finite and not 0.
    pub fn new(map: M, surface: G, step: f64) -> Result<Self> {
        if step.is_finite() && step != 0.0 {
            return Ok(Self { map, surface, direction: Direction::Either, step, limit: 10_000 });
        }
        Err(Error::invalid("step of the section", format!("{step} is not a step; give a finite number that is not 0")))
    }

    /// Keeps only crossings in this direction, in the order of the steps.
    #[must_use]
    pub fn crossing(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// Gives up after `steps` steps: a trajectory that has not returned by then has no image. The default is 10 000.
    #[must_use]
    pub fn limit(self, steps: u32) -> Self {
        Self { limit: steps, ..self }
    }

    /// The end time of step `k` of those that begin at `start`.
    fn instant<R: Real>(&self, start: R, k: u32) -> R {
        R::from_f64(start.into_f64() + f64::from(k) * self.step)
    }

    /// `g(x)`, or an error if it is not finite.
    fn height<X>(&self, [s, t]: [X::Time; 2], x: &X) -> Result<f64>
    where
        X: State<Time: Real>,
        G: Surface<X>,
    {
        let height = self.surface.value(x).into_f64();
        if height.is_finite() {
            return Ok(height);
        }
        Err(Error::NotFinite { what: "the function of the section's surface", from: s.into_f64(), to: t.into_f64() })
    }

    fn search<X>(&self, start: &Passage<X>) -> Result<Option<Found<X>>>
    where
        X: State<Time: Real>,
        M: FlowMap<X>,
        G: Surface<X>,
    {
        let mut from = start.clone();
        let mut before = self.height([start.time; 2], &from.point)?;
        for steps in 0..self.limit {
            let s = from.time;
            let t = self.instant(start.time, steps + 1);
            if t == s {
                return Err(Error::invalid(
                    "step of the section",
                    format!("{} is lost in the rounding of the time {s}; give a longer step, or an earlier start", self.step),
                ));
            }
            let point = self.map.try_flow(&s, &t, &from.point)?;
            let after = self.height([s, t], &point)?;
            if self.direction.counts(before, after) {
                let at = |t: f64| {
                    let t = X::Time::from_f64(t);
                    self.height([s, t], &self.map.try_flow(&s, &t, &from.point)?)
                };
                let [a, b] = [s, t].map(Real::into_f64);
                let resolution = epsilon::<X::Time>() * a.abs().max(b.abs());
                let time = X::Time::from_f64(root(at, [a, b], [before, after], resolution)?);
                return Ok(Some(Found { steps, from, time }));
            }
            from = Passage { time: t, point };
            before = after;
        }
        Ok(None)
    }

    /// The next crossing, and the derivative of its time and point as the start moves along `direction`: the derivative of the
    /// section's map.
    ///
    /// With `v` the direction, `J = ∇X_{s,t}(x)` and `b = ∂_t X_{s,t}(x)` at the crossing,
    ///
    /// ```text
    /// ∂τ = -(∇g · J v) / (∇g · b),    ∂P = J v + b ∂τ
    /// ```
    ///
    /// which is the implicit function theorem for `g(X_{s, s+τ}(x)) = 0`. `None` where there is no passage.
    ///
    /// ```
    /// use flowmap::{analysis::{Hyperplane, Passage, Section}, exact::Hopf};
    /// let section = Section::new(Hopf::new(1.0, 3.0, 0.0)?, Hyperplane::new([0.0, 1.0], 0.0)?, 0.1)?
    ///     .crossing(flowmap::solver::Direction::Rising);
    /// let on_the_cycle = Passage { time: 0.0_f64, point: [1.0, 0.0] };
    /// let next = section.carried(&on_the_cycle, &[1.0, 0.0])?.unwrap();
    /// // neighbours of the limit cycle approach it at the rate -2
    /// assert!((next.point.tangent()[0] - (-2.0 * next.time.value()).exp()).abs() < 1e-14);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`image`](ReturnMap::image); [`Error::NotFinite`] where a derivative is not finite: the trajectory touches
    /// the surface without crossing it, or the map or surface is not differentiable there.
    pub fn carried<X>(&self, from: &Passage<X>, direction: &X) -> Result<Option<Passage<Dual<X>>>>
    where
        X: State<Time: Real>,
        M: FlowMap<X> + FlowMap<Dual<X>>,
        G: Surface<X> + Surface<Dual<X>>,
    {
        let Some(Found { steps, from: last, time }) = self.search(from)? else { return Ok(None) };
        let mut x = Dual::new(from.point.clone(), direction.clone());
        for k in 0..steps {
            let [s, t] = [k, k + 1].map(|k| Dual::constant(self.instant(from.time, k)));
            x = self.map.try_flow(&s, &t, &x)?;
        }
        let (s, t) = (Dual::constant(last.time), Dual::constant(time));
        let end = self.map.try_flow(&s, &t, &x)?;
        let passing = self.map.try_flow(&s, &Dual::new(time, time.constant(1.0)), &Dual::constant(last.point.clone()))?;
        let rate = |x: &Dual<X>| self.surface.value(x).moving().map_or(0.0, |d| d.into_f64());
        let slope = rate(&passing);
        let lead = time.constant(-rate(&end) / slope);
        let still = || end.value().minus(end.value());
        let [along, velocity] = [&end, &passing].map(|x| x.moving().cloned().unwrap_or_else(still));
        let tangent = along.plus(&velocity.scaled(&lead));
        if self.grazes(&last, time, slope)? || !lead.into_f64().is_finite() || tangent.values().iter().any(|c| !c.is_finite()) {
            let what = "the derivative of the section's map";
            return Err(Error::NotFinite { what, from: from.time.into_f64(), to: time.into_f64() });
        }
        Ok(Some(Passage { time: Dual::new(time, lead), point: Dual::new(end.value().clone(), tangent) }))
    }

    /// Whether the trajectory meets the surface so flatly, with this slope, that an error of half the digits could move the
    /// crossing far or remove it.
    fn grazes<X>(&self, last: &Passage<X>, time: X::Time, slope: f64) -> Result<bool>
    where
        X: State<Time: Real>,
        M: FlowMap<X>,
        G: Surface<X>,
    {
        // stay within the step: the map may not be defined beyond
        let middle = ((time - last.time).into_f64() / self.step).clamp(0.06, 0.94);
        let mut heights = [0.0; 3];
        for (height, share) in heights.iter_mut().zip([middle - 0.05, middle, middle + 0.05]) {
            let t = last.time + X::Time::from_f64(share * self.step);
            *height = self.height([last.time, t], &self.map.try_flow(&last.time, &t, &last.point)?)?;
        }
        let error = epsilon::<X::Time>().sqrt() * heights[0].abs().max(heights[2].abs());
        Ok(grazes(slope, heights, 0.05 * self.step, error))
    }

    /// The derivative of the point of the next crossing with respect to the start, row by row: `D` by `D` numbers `∂P_i/∂x_j`,
    /// of which a section of a flow needs those along the surface. Its eigenvalues at a fixed point are the Floquet multipliers
    /// of a periodic orbit, with 0 in place of the 1 along the orbit. `None` where there is no crossing.
    ///
    /// # Errors
    /// The errors of [`carried`](Self::carried).
    pub fn jacobian<X, const D: usize>(&self, from: &Passage<X>) -> Result<Option<[[f64; D]; D]>>
    where
        X: Coordinates<D>,
        X::Time: Real,
        M: FlowMap<X> + FlowMap<Dual<X>>,
        G: Surface<X> + Surface<Dual<X>>,
    {
        let mut jacobian = [[0.0; D]; D];
        for j in 0..D {
            let unit = X::join(std::array::from_fn(|i| X::Time::from_f64(f64::from(u8::from(i == j)))));
            let Some(next) = self.carried(from, &unit)? else { return Ok(None) };
            for (row, entry) in jacobian.iter_mut().zip(next.point.tangent().split()) {
                row[j] = entry.into_f64();
            }
        }
        Ok(Some(jacobian))
    }
}

fn epsilon<R: Real>() -> f64 {
    <R as num_traits::Float>::epsilon().into_f64()
}

impl<X, M, G> ReturnMap<Passage<X>> for Section<M, G>
where
    X: State<Time: Real>,
    M: FlowMap<X>,
    G: Surface<X>,
{
    /// The next crossing. The start need not lie on the surface.
    ///
    /// # Errors
    /// The error of the map where it is not defined; [`Error::NotFinite`] where the surface's function is not finite;
    /// [`Error::Invalid`] where the step is lost in the rounding of the time.
    fn image(&self, from: &Passage<X>) -> Result<Option<Passage<X>>> {
        let Some(Found { from, time, .. }) = self.search(from)? else { return Ok(None) };
        let point = self.map.try_flow(&from.time, &time, &from.point)?;
        Ok(Some(Passage { time, point }))
    }
}

#[cfg(test)]
mod tests;
