//! Routes from noise to data: steps of a flow map, and renoising between them.

use super::{Renoising, draw::carried};
use crate::{
    Error, FlowMap, Result, Tensor, TimeGrid,
    distribution::{Distribution, Normal},
    flow::pairs,
    interpolant::Interpolant,
    random::stream,
};
use rand_chacha::ChaCha8Rng;

/// A route from noise to data: steps of a flow map, with [renoising](Renoising) between them.
///
/// With an exact flow map every route ends in the distribution of the data, if noise and data were independent in training. Steps
/// of a learned map accumulate errors; fresh noise makes samples forget them, and further steps add new ones. Which counts more
/// must be tried: renoising pays if a map is less accurate at early times than at late ones.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, distribution::Normal, exact::DiagonalGaussian, interpolant::Linear};
/// use flowmap::{TimeGrid, sample::{Restart, Route}};
/// let map = DiagonalGaussian::new(Linear, [[0.0], [3.0]], [[1.0], [0.5]])?; // from N(0, 1) to N(3, 0.25)
/// let grid = TimeGrid::uniform([0.0, 1.0], 4)?;
/// for route in [
///     Route::gamma(&Linear, &grid, 0.5)?,
///     Route::restarting(&Linear, &grid, &[Restart { interval: [0.4, 0.8], rounds: 3 }])?,
/// ] {
///     let samples = route.draw::<NdTensor<f64>>(&map, &Normal::standard(1)?, 4000, 7)?;
///     assert!((samples.iter().sum::<f64>() / 4000.0 - 3.0).abs() < 0.03);
/// }
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    legs: Vec<Leg>,
}

/// A part of a [`Route`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leg {
    /// A step of the flow map, from the first of these times to the second.
    Flow([f64; 2]),
    /// A step back by fresh noise.
    Renoise(Renoising),
}

/// Repeated renoising within an interval of times, see [`Route::restarting`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restart {
    /// The noisier end `a`, to which noise leads back, and the end `b`, from which it does.
    pub interval: [f64; 2],
    /// The number of repetitions.
    pub rounds: u32,
}

/// A route without renoising.
impl From<&TimeGrid> for Route {
    fn from(grid: &TimeGrid) -> Self {
        Self { legs: pairs(grid.times()).map(Leg::Flow).collect() }
    }
}

impl Route {
    /// Gamma sampling: the step to each time `t` of the grid, except the last, overshoots to the time `τ` with
    /// `α_τ/β_τ = (1 - γ²)^(1/2) α_t/β_t`, and noise leads back to `t`.
    ///
    /// `γ = 0` is the grid itself; `γ = 1` goes to the data and back each time, as multistep sampling of consistency models does.
    /// If the path ends with some noise left, `τ` is at most its end. The map is evaluated once per step of the grid.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `0 ≤ γ ≤ 1`, and, with a positive `γ`, the grid ascends from noise to data within the span of
    /// the path; and if a route has more than a million legs.
    ///
    /// Source: D. Kim et al., Consistency trajectory models, arXiv 2310.02279, algorithm 3, for a path with `β = 1`.
    pub fn gamma(path: &impl Interpolant, grid: &TimeGrid, gamma: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&gamma) {
            return Err(Error::invalid("gamma", format!("{gamma} is not in [0, 1]")));
        }
        if gamma == 0.0 {
            return Ok(grid.into());
        }
        check_way(path, grid)?;
        check_length(2 * grid.steps())?;
        let quieter = ((1.0 - gamma) * (1.0 + gamma)).sqrt();
        let mut legs = Vec::with_capacity(2 * grid.steps());
        for (k, [s, t]) in (1..).zip(pairs(grid.times())) {
            let beyond = if k == grid.steps() { t } else { less_noisy(path, t, quieter) };
            legs.push(Leg::Flow([s, beyond]));
            if beyond > t {
                legs.push(Leg::Renoise(Renoising::between(path, beyond, t)?));
            }
        }
        Ok(Self { legs })
    }

    /// Restart sampling: follows the grid; when the end `b` of an interval `[a, b]` is reached for the first time, noise leads
    /// back to `a`, and steps of the grid to `b` again, for some rounds.
    ///
    /// `b` becomes a time of the grid if it is not one; intervals with the same `b` follow each other. Each round multiplies the
    /// distance between the distribution reached and the exact one by at most `(β_a/β_b) |∇X_{a,b}|`, small for a noisy `a`, and
    /// adds the error of the steps.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the grid ascends from noise to data within the span of the path, each interval ascends within
    /// the grid, and has at least one round; and if a route has more than a million legs.
    ///
    /// Source: Y. Xu et al., arXiv 2306.14878, algorithm 1; `[a, b]` are there `t_max` and `t_min`, as levels of noise.
    pub fn restarting(path: &impl Interpolant, grid: &TimeGrid, restarts: &[Restart]) -> Result<Self> {
        check_way(path, grid)?;
        let (first, last) = (grid.times()[0], grid.times()[grid.steps()]);
        let mut times = grid.times().to_vec();
        for Restart { interval: [a, b], rounds } in restarts {
            let inside = a < b && first <= *a && *b <= last;
            if !inside || *rounds == 0 {
                let reason = format!(
                    "{rounds} rounds from {b:?} back to {a:?}; give at least one, and an ascending interval within [{first:?}, {last:?}]"
                );
                return Err(Error::invalid("restart", reason));
            }
            times.push(*b);
        }
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mut legs = Vec::new();
        for [s, t] in pairs(&times) {
            legs.push(Leg::Flow([s, t]));
            for Restart { interval: [a, b], rounds } in restarts.iter().filter(|restart| restart.interval[1] == t) {
                let between = times.iter().copied().filter(|time| a < time && time < b);
                let way: Vec<_> = [*a].into_iter().chain(between).chain([*b]).collect();
                check_length(legs.len().saturating_add(way.len().saturating_mul(*rounds as usize)))?;
                let back = Renoising::between(path, *b, *a)?;
                for _ in 0..*rounds {
                    legs.push(Leg::Renoise(back));
                    legs.extend(pairs(&way).map(Leg::Flow));
                }
            }
        }
        Ok(Self { legs })
    }

    /// The parts, in order.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// The number of applications of the map.
    pub fn steps(&self) -> usize {
        self.legs.iter().filter(|leg| matches!(leg, Leg::Flow(_))).count()
    }

    /// Carries rows of states along the route, with fresh noise from `noise`. Each renoising has its own stream of `seed`, from 1
    /// up.
    ///
    /// # Panics
    /// If the route renoises, and `x` is not of shape `[batch, d]` with at least as many coordinates as the noise.
    pub fn follow<T: Tensor>(&self, map: &(impl FlowMap<T> + ?Sized), x: &T, noise: &Normal, seed: u64) -> T {
        self.carry(map, x, Some(noise), &mut self.streams(seed))
    }

    /// Draws `count` samples along this route, from the same initial noise as [`draw`](super::draw). Coordinates
    /// [at rest](Distribution::layout), such as classes, are not renoised.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the route renoises, and the noise is not known to be [normal](Distribution::normal).
    pub fn draw<T: Tensor<Device: Default>>(
        &self,
        map: &(impl FlowMap<T> + ?Sized),
        noise: &dyn Distribution,
        count: usize,
        seed: u64,
    ) -> Result<Vec<f64>> {
        self.draw_on(&T::Device::default(), map, noise, count, seed)
    }

    /// As [`draw`](Self::draw), on this device.
    ///
    /// # Errors
    /// As [`draw`](Self::draw).
    pub fn draw_on<T: Tensor>(
        &self,
        device: &T::Device,
        map: &(impl FlowMap<T> + ?Sized),
        noise: &dyn Distribution,
        count: usize,
        seed: u64,
    ) -> Result<Vec<f64>> {
        let mut streams = self.streams(seed);
        if !streams.is_empty() && noise.normal().is_none() {
            let reason = "it is not known to be normal, and only normal noise can be renewed; use the grid alone, or implement Distribution::normal";
            return Err(Error::invalid("distribution of noise", reason));
        }
        carried(device, noise, count, seed, |x: T| Ok(self.carry(map, &x, noise.normal(), &mut streams)))
    }

    /// One generator per renoising, used for all rows in order, so that rows do not depend on how many are computed at a time.
    fn streams(&self, seed: u64) -> Vec<ChaCha8Rng> {
        let back = self.legs.iter().filter(|leg| matches!(leg, Leg::Renoise(_)));
        back.zip(1..).map(|(_, number)| stream(seed, number)).collect()
    }

    fn carry<T: Tensor>(&self, map: &(impl FlowMap<T> + ?Sized), x: &T, noise: Option<&Normal>, streams: &mut [ChaCha8Rng]) -> T {
        let mut streams = streams.iter_mut();
        self.legs.iter().fold(x.clone(), |x, leg| match leg {
            Leg::Flow([s, t]) => map.carry([*s, *t], &x),
            Leg::Renoise(back) => {
                let noise = noise.expect("a distribution without a normal part was refused");
                back.apply(&x, noise, streams.next().expect("there is a stream for each way back"))
            }
        })
    }
}

/// Checks that the grid ascends from noise to data.
fn check_way(path: &impl Interpolant, grid: &TimeGrid) -> Result<()> {
    let [start, end] = path.span();
    let (first, last) = (grid.times()[0], grid.times()[grid.steps()]);
    if start <= first && first < last && last <= end {
        return Ok(());
    }
    let reason = format!(
        "it goes from {first:?} to {last:?}; to renew noise it must ascend within the path's span, from {start} to {end}"
    );
    Err(Error::invalid("grid", reason))
}

/// Each renoising has its own generator: a much longer route is a mistake, and would run out of memory.
fn check_length(legs: usize) -> Result<()> {
    const LONGEST: usize = 1_000_000;
    if legs <= LONGEST {
        return Ok(());
    }
    Err(Error::invalid("route", format!("{legs} legs are more than {LONGEST}; take fewer rounds, or fewer steps")))
}

/// The time after `t` at which the ratio of noise to data is `share` of that at `t`, or the end of the path.
fn less_noisy(path: &impl Interpolant, t: f64, share: f64) -> f64 {
    let [alpha, beta] = path.shares(&t);
    // not a quotient, since `β_t` may be 0
    let noisier = |time: f64| {
        let [noise, data] = path.shares(&time);
        noise * beta > share * alpha * data
    };
    let [mut low, mut high] = [t, path.span()[1]];
    if noisier(high) {
        return high;
    }
    loop {
        let middle = low + 0.5 * (high - low);
        if !(low < middle && middle < high) {
            return high;
        }
        *(if noisier(middle) { &mut low } else { &mut high }) = middle;
    }
}
