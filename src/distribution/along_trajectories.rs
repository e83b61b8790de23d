//! States along trajectories.

use super::{Distribution, check_length};
use crate::{Error, FlowMap, Layout, Real, Result, Tensor, random::stream};
use rand::{Rng, RngExt};
use std::{fmt, marker::PhantomData};

/// The distribution of states along trajectories: `X_{s,u}(x)`, with `x` drawn at time `s` and `u` uniform between two times.
///
/// A map learned from such states knows where trajectories go, not only where they begin. For long times this is the distribution
/// on an attractor, its invariant measure.
///
/// The map is any [`FlowMap`] of rows `T` (shape `[n, d]`, times `[n]`): closed forms, solvers, networks; the fastest solver here
/// is an [`Ensemble`](crate::solver::Ensemble), as `AverageVelocityMap(`[`SolverVelocity`](crate::learn::SolverVelocity)`)`.
/// [`draw_rows`](Distribution::draw_rows) evaluates it once for all rows. Training draws one by one: tabulate states by
/// [`Points::drawn`](crate::data::Points::drawn).
///
/// ```
/// use flowmap::{FlowMap, backend::ndarray::NdTensor, data::Points, distribution::{AlongTrajectories, Uniform}};
/// use flowmap::{exact::Pendulum, learn::FromField};
/// // half a turn and more from rest: speeds that no start has
/// let starts = Uniform::new(&[[-3.0, 3.0], [0.0, 0.0]])?;
/// let pendulum = Pendulum::new(1.0)?;
/// let visited = AlongTrajectories::<_, _, NdTensor<f64>>::new(starts, pendulum, [0.0, 5.0])?;
/// let states = Points::drawn(&visited, 1000, 1)?;
/// assert!(states.iter().any(|row| row[1].abs() > 1.0));
/// let source = FromField::new(pendulum, states, [0.0, 1.0])?; // to learn from
/// # Ok::<(), flowmap::Error>(())
/// ```
pub struct AlongTrajectories<L, M, T: Tensor> {
    starts: L,
    map: M,
    from: f64,
    between: [f64; 2],
    name: String,
    /// A checksum of the end points of a few trajectories.
    ends: String,
    device: T::Device,
    rows: PhantomData<fn() -> T>,
}

impl<L: Distribution, M: FlowMap<T>, T: Tensor<Primal = T>> AlongTrajectories<L, M, T> {
    /// States along trajectories of `map` that start from `starts` at the first time of `span`, at times uniform on it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a time is not finite; the error of `map` if it fails on the first few starts.
    pub fn new(starts: L, map: M, span: [f64; 2]) -> Result<Self>
    where
        T::Device: Default,
    {
        Self::new_on(&T::Device::default(), starts, map, span)
    }

    /// The same, with rows on this device.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_on(device: &T::Device, starts: L, map: M, span: [f64; 2]) -> Result<Self> {
        let [from, to] = span;
        if !(from.is_finite() && to.is_finite()) {
            return Err(Error::invalid("span of times", format!("from {from} to {to}; give two finite times")));
        }
        let (name, ends) = (String::new(), String::new());
        let visited = Self { starts, map, from, between: span, name, ends, device: device.clone(), rows: PhantomData };
        let ends = visited.attempt(to)?;
        Ok(Self { ends, ..visited })
    }

    /// Only states from this time on, when trajectories have reached the attractor.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the time is in the span.
    pub fn since(self, time: f64) -> Result<Self> {
        let end = self.between[1];
        if (self.from.min(end)..=self.from.max(end)).contains(&time) {
            return Ok(Self { between: [time, end], ..self });
        }
        let reason = format!("{time} is not between {} and {end}, the ends of the span", self.from);
        Err(Error::invalid("first time of the states", reason))
    }

    /// Names the map in the [fingerprint](Distribution::fingerprint).
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Follows a few starts to this time, and returns a checksum of their ends, rounded to three digits so that it does not
    /// depend on the machine.
    fn attempt(&self, time: f64) -> Result<String> {
        const STARTS: usize = 8;
        let d = self.starts.dimension();
        let mut rows = vec![0.0; STARTS * d];
        self.starts.draw_rows(&mut stream(0, 0), &mut rows);
        let (s, t) = (self.tensor(&[self.from], &[]), self.tensor(&[time], &[]));
        let ends = self.map.try_flow(&s, &t, &self.tensor(&rows, &[STARTS, d]))?.to_vec();
        let text: String = ends.into_iter().map(|end| format!("{:.2e} ", end.into_f64())).collect();
        Ok(format!("{:08x}", crc32fast::hash(text.as_bytes())))
    }

    fn tensor(&self, values: &[f64], shape: &[usize]) -> T {
        T::from_doubles_on(&self.device, values, shape)
    }
}

impl<L, M, T> Distribution for AlongTrajectories<L, M, T>
where
    L: Distribution,
    M: FlowMap<T> + Send + Sync,
    T: Tensor<Primal = T>,
    T::Device: Send + Sync,
{
    fn layout(&self) -> Layout {
        self.starts.layout()
    }

    fn fingerprint(&self) -> String {
        let (starts, [first, last]) = (self.starts.fingerprint(), self.between);
        format!("visited by {} {} from {starts} at {} between {first} and {last}", self.name, self.ends, self.from)
    }

    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        check_length(x, self.dimension());
        self.draw_rows(rng, x);
    }

    /// Rows whose trajectories fail are NaN.
    fn draw_rows(&self, rng: &mut dyn Rng, rows: &mut [f64]) {
        let d = self.dimension();
        assert!(rows.len().is_multiple_of(d), "{} numbers are not rows of {d}", rows.len());
        let [first, last] = self.between;
        let draw = |x: &mut [f64]| {
            self.starts.draw(rng, x);
            first + (last - first) * rng.random::<f64>()
        };
        let times: Vec<f64> = rows.chunks_exact_mut(d).map(draw).collect();
        if times.is_empty() {
            return;
        }
        let (n, from) = (times.len(), vec![self.from; times.len()]);
        let [s, t] = [from, times].map(|times| self.tensor(&times, &[n]));
        let ends = self.map.flow(&s, &t, &self.tensor(rows, &[n, d])).to_vec();
        rows.iter_mut().zip(ends).for_each(|(x, end)| *x = end.into_f64());
    }
}

impl<L: fmt::Debug, M, T: Tensor> fmt::Debug for AlongTrajectories<L, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AlongTrajectories");
        shown.field("starts", &self.starts).field("from", &self.from).field("between", &self.between);
        shown.field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{
        Num, Number, Ode, Tolerance,
        backend::ndarray::NdTensor,
        data::Points,
        distribution::{
            Uniform,
            tests::{draws, kolmogorov_smirnov},
        },
        exact::{Blowup, Rotation},
        solver::{Adaptive, DOP853},
    };
    use std::f64::consts::{PI, TAU};

    type Rows = NdTensor<f64>;

    /// A point of the circle, all directions alike.
    #[derive(Debug)]
    struct Circle;
    impl Distribution for Circle {
        fn layout(&self) -> Layout {
            2.into()
        }
        fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
            let angle = TAU * rng.random::<f64>();
            x.copy_from_slice(&[angle.cos(), angle.sin()]);
        }
    }

    fn angles(rows: &[f64]) -> Vec<f64> {
        rows.as_chunks::<2>().0.iter().map(|&[x, y]| f64::atan2(y, x)).collect()
    }

    #[test]
    fn a_rotation_leaves_the_circle_as_it_is() {
        let distribution = AlongTrajectories::<_, _, Rows>::new(Circle, Rotation::new(1.0).unwrap(), [0.0, 2.0]).unwrap();
        let rows = draws(&distribution, 4000);
        assert!(rows.as_chunks::<2>().0.iter().all(|[x, y]| (x.hypot(*y) - 1.0).abs() < 1e-14));
        assert!(kolmogorov_smirnov(angles(&rows), |a| (a + PI) / TAU) < 1.95);
    }

    #[test]
    fn times_are_uniform_in_either_direction_and_since_a_time() {
        let east = || Uniform::new(&[[1.0, 1.0], [0.0, 0.0]]).unwrap();
        let turn = Rotation::new(1.0).unwrap();
        for (span, since, [low, high]) in
            [([0.0, 2.0], 0.0, [0.0, 2.0]), ([1.0, 3.0], 2.0, [1.0, 2.0]), ([0.0, -2.0], -0.5, [-2.0, -0.5])]
        {
            let distribution = AlongTrajectories::<_, _, Rows>::new(east(), turn, span).unwrap().since(since).unwrap();
            let found = angles(&draws(&distribution, 4000));
            assert!(kolmogorov_smirnov(found, |a| (a - low) / (high - low)) < 1.95, "{span:?} since {since}");
        }
    }

    struct Lorenz;
    impl Ode<3> for Lorenz {
        fn rhs<N: Number>(&self, _t: &Num<N>, [x, y, z]: &[Num<N>; 3]) -> [Num<N>; 3] {
            [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
        }
    }

    /// Means over the attractor do not change: by the ODE `⟨x²⟩ = ⟨xy⟩ = β ⟨z⟩`. Long trajectories have `⟨z⟩ = 23.55`.
    #[test]
    fn lorenz_states_are_on_the_attractor() {
        let solver = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-6, 1e-6).unwrap());
        let starts = Uniform::new(&[[-10.0, 10.0], [-10.0, 10.0], [10.0, 40.0]]).unwrap();
        let distribution = AlongTrajectories::<_, _, Rows>::new(starts, solver.of(Lorenz.field()), [0.0, 12.0]).unwrap();
        let states = Points::drawn(&distribution.since(8.0).unwrap(), 1500, 4).unwrap();
        let mean = |f: fn(&[f64]) -> f64| states.iter().map(f).sum::<f64>() / 1500.0;
        for row in &states {
            assert!(row[0].abs() < 21.0 && row[1].abs() < 29.0 && (0.5..49.0).contains(&row[2]), "{row:?}");
        }
        // standard errors: 0.2, 0.2, 1.7
        assert!((mean(|x| x[2]) - 23.55).abs() < 0.8 && mean(|x| x[0]).abs() < 0.8);
        for square in [mean(|x| x[0] * x[0]), mean(|x| x[0] * x[1])] {
            assert!((square - 8.0 / 3.0 * 23.55).abs() < 6.0, "{square}");
        }
    }

    #[test]
    fn rows_depend_on_the_generator_and_not_on_those_that_follow() {
        let distribution = AlongTrajectories::<_, _, Rows>::new(Circle, Rotation::new(1.0).unwrap(), [0.0, 2.0]).unwrap();
        let (few, many) = (draws(&distribution, 3), draws(&distribution, 50));
        assert_eq!(few, many[..6]);
        let mut one = [0.0; 2];
        distribution.draw(&mut stream(3, 0), &mut one);
        assert_eq!(one, many[..2]);
    }

    #[test]
    fn what_tells_it_from_others() {
        let distribution =
            |span| AlongTrajectories::<_, _, Rows>::new(Circle, Rotation::new(1.0).unwrap(), span).unwrap().named("turn");
        let faster = AlongTrajectories::<_, _, Rows>::new(Circle, Rotation::new(1.1).unwrap(), [0.0, 2.0]).unwrap().named("turn");
        let prints = [
            distribution([0.0, 1.0]),
            distribution([0.0, 2.0]),
            distribution([0.0, 2.0]).since(1.0).unwrap(),
            distribution([0.0, 2.0]).named("other"),
            faster,
        ];
        let prints = prints.map(|distribution| distribution.fingerprint());
        for (k, print) in prints.iter().enumerate() {
            assert!(!prints[..k].contains(print), "{prints:?}");
        }
    }

    #[test]
    fn bad_arguments() {
        let distribution = |span| AlongTrajectories::<_, _, Rows>::new(Circle, Rotation::new(1.0).unwrap(), span);
        for span in [[0.0, f64::NAN], [f64::INFINITY, 1.0]] {
            assert!(matches!(distribution(span), Err(Error::Invalid { .. })));
        }
        assert!(distribution([0.0, 2.0]).unwrap().since(2.5).unwrap_err().to_string().contains("2.5 is not between 0 and 2"));
        assert!(distribution([0.0, 2.0]).unwrap().since(f64::NAN).is_err());
        // x' = x² from 1 is infinite at time 1
        let ones = || Uniform::new(&[[1.0, 1.0]]).unwrap();
        let blowup = |end| AlongTrajectories::<_, _, Rows>::new(ones(), Blowup, [0.0, end]);
        assert!(blowup(0.9).is_ok() && blowup(1.1).is_err());
    }
}
