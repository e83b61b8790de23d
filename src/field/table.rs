//! Functions of time given by tables.

use crate::{
    Error, Result,
    number::{Num, Number, Value},
};

/// A function of time from a table of times and values: a measured forcing, an inflow, a set point.
///
/// | constructor | between the rows | jumps at every row |
/// |---|---|---|
/// | [`steps`](Self::steps) | the value of the row before | the function |
/// | [`linear`](Self::linear) | a straight line | its slope |
/// | [`cubic`](Self::cubic) | a spline, twice continuously differentiable | its third derivative |
///
/// An ODE that holds a table passes on its [`stops`](Self::stops): solvers then end a step at each row, and keep the order of
/// their method. Outside the table the function is NaN, and a solve that gets there reports it; [`held`](Self::held) extends
/// the first and the last value instead.
///
/// ```
/// use flowmap::{FlowMap, Num, Number, Ode, Table, solver::{Adaptive, DOPRI5}};
/// /// A tank that leaks, with a measured inflow.
/// struct Tank { inflow: Table, leak: f64 }
/// impl Ode<1> for Tank {
///     fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
///         [self.inflow.at(t) - self.leak * x]
///     }
///     fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
///         self.inflow.stops(s, t)
///     }
/// }
/// // it rains for an hour
/// let inflow = Table::steps(&[0.0, 5.0, 6.0, 24.0], &[0.0, 10.0, 0.0, 0.0])?;
/// let end = Adaptive::new(DOPRI5)?.of(Tank { inflow, leak: 0.0 }.field()).carry([0.0, 24.0], &[1.0_f64]);
/// assert!((end[0] - 11.0).abs() < 1e-12);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference for the spline with not-a-knot ends: C. de Boor, A Practical Guide to Splines, chapter IV.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    times: Vec<f64>,
    /// For each interval, the coefficients of the powers of the time since its start. For steps, the last row has one, too.
    pieces: Vec<[f64; 4]>,
    held: bool,
}

impl Table {
    /// A step function: the value of row `i` holds from its time until that of the next row; that of the last row holds at its
    /// own time, and after it if [held](Self::held).
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are as many values as times, at least two, all finite, and the times increase.
    pub fn steps(times: &[f64], values: &[f64]) -> Result<Self> {
        Self::new(times, values, |_, y| y.iter().map(|&y| [y, 0.0, 0.0, 0.0]).collect())
    }

    /// A piecewise linear function from row to row.
    ///
    /// # Errors
    /// As for [`steps`](Self::steps).
    pub fn linear(times: &[f64], values: &[f64]) -> Result<Self> {
        Self::new(times, values, |h, y| y.windows(2).zip(h).map(|(y, h)| [y[0], (y[1] - y[0]) / h, 0.0, 0.0]).collect())
    }

    /// The cubic spline through the rows, with a single cubic over the first two intervals, and over the last two: for a smooth
    /// function, its error shrinks with the fourth power of the intervals. Through two rows it is a line, through three a
    /// parabola.
    ///
    /// # Errors
    /// As for [`steps`](Self::steps).
    pub fn cubic(times: &[f64], values: &[f64]) -> Result<Self> {
        Self::new(times, values, |h, y| {
            let bends = bends(h, y);
            let piece = |i: usize| {
                let (slope, [m, n]) = ((y[i + 1] - y[i]) / h[i], [bends[i], bends[i + 1]]);
                [y[i], slope - h[i] * (2.0 * m + n) / 6.0, 0.5 * m, (n - m) / (6.0 * h[i])]
            };
            (0..h.len()).map(piece).collect()
        })
    }

    /// `pieces` computes the coefficients from the lengths of the intervals and the values.
    fn new(times: &[f64], values: &[f64], pieces: impl FnOnce(&[f64], &[f64]) -> Vec<[f64; 4]>) -> Result<Self> {
        let (m, n) = (times.len(), values.len());
        if m != n || m < 2 {
            return Err(Error::invalid(
                "table",
                format!("{m} times and {n} values; give two rows or more, each with a time and a value"),
            ));
        }
        if let Some(i) = (0..n).find(|&i| !(times[i].is_finite() && values[i].is_finite())) {
            let reason = format!("time {} with value {} in row {i}; leave out rows that are not finite", times[i], values[i]);
            return Err(Error::invalid("table", reason));
        }
        if let Some(i) = (1..n).find(|&i| times[i - 1] >= times[i]) {
            let reason =
                format!("time {} in row {i} after {}; sort the rows, and keep one row for each time", times[i], times[i - 1]);
            return Err(Error::invalid("table", reason));
        }
        let lengths: Vec<f64> = times.windows(2).map(|t| t[1] - t[0]).collect();
        Ok(Self { times: times.to_vec(), pieces: pieces(&lengths, values), held: false })
    }

    /// Extends the function by the first value before the table, and by the value at its end after it.
    #[must_use]
    pub fn held(self) -> Self {
        Self { held: true, ..self }
    }

    /// The times of the rows.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The value at time `t`, sample by sample; NaN outside the table, unless it is [held](Self::held).
    #[must_use]
    pub fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
        let [first, last] = [self.times[0], self.times[self.times.len() - 1]];
        let inside = if self.held { t.max(first).min(last) } else { t.clone() };
        let mut intervals: Vec<usize> = inside.values().into_iter().map(|t| self.interval(t)).collect();
        intervals.sort_unstable();
        intervals.dedup();
        let pieces = intervals.iter().map(|&i| (i, self.on(i, &inside)));
        let within = pieces.reduce(|(_, found), (i, next)| (i, inside.lt(self.times[i]).select(found, next)));
        let (_, within) = within.unwrap_or_else(|| (0, t.constant(f64::NAN)));
        if self.held { within } else { (inside.lt(first) | inside.gt(last)).select(f64::NAN, within) }
    }

    /// The times of the rows from `s` to `t`: the [stops](crate::VelocityField::stops) of an ODE that holds the table.
    #[must_use]
    pub fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        let times = [s.values(), t.values()].concat();
        let bound = |better: fn(f64, f64) -> f64| times.iter().copied().reduce(better);
        let (Some(low), Some(high)) = (bound(f64::min), bound(f64::max)) else { return Vec::new() };
        let from = self.times.partition_point(|&time| time < low);
        let stops = self.times[from..].iter().take_while(|&&time| time <= high);
        stops.map(|&time| s.constant(time)).collect()
    }

    /// The interval that contains a time, or the nearest one.
    fn interval(&self, t: f64) -> usize {
        self.times[1..self.pieces.len()].partition_point(|&time| time <= t)
    }

    /// The polynomial of interval `i` at time `t`.
    fn on<N: Number>(&self, i: usize, t: &Num<N>) -> Num<N> {
        let [a, b, c, d] = self.pieces[i];
        let h = t - self.times[i];
        match [c, d] {
            [0.0, 0.0] => b * h + a,
            _ => ((d * &h + c) * &h + b) * h + a,
        }
    }
}

/// The second derivatives of the spline at the rows.
fn bends(h: &[f64], y: &[f64]) -> Vec<f64> {
    let n = y.len();
    let slope = |i: usize| (y[i + 1] - y[i]) / h[i];
    match n {
        2 => return vec![0.0; 2],
        3 => return vec![2.0 * (slope(1) - slope(0)) / (h[0] + h[1]); 3],
        _ => {}
    }
    // h₀ m₀ + 2 (h₀ + h₁) m₁ + h₁ m₂ = 6 (slope₁ - slope₀) at each inner row; m at the outer rows is extrapolated linearly from
    // their neighbours
    let rows = 1..n - 1;
    let mut below: Vec<f64> = rows.clone().map(|i| h[i - 1]).collect();
    let mut diagonal: Vec<f64> = rows.clone().map(|i| 2.0 * (h[i - 1] + h[i])).collect();
    let mut above: Vec<f64> = rows.clone().map(|i| h[i]).collect();
    let mut right: Vec<f64> = rows.map(|i| 6.0 * (slope(i) - slope(i - 1))).collect();
    let last = n - 3;
    let (first, final_) = (h[0] / h[1], h[n - 2] / h[n - 3]);
    // m₀ = (1 + h₀/h₁) m₁ - h₀/h₁ m₂
    diagonal[0] += h[0] * (1.0 + first);
    above[0] -= h[0] * first;
    diagonal[last] += h[n - 2] * (1.0 + final_);
    below[last] -= h[n - 2] * final_;
    for i in 1..=last {
        let factor = below[i] / diagonal[i - 1];
        diagonal[i] -= factor * above[i - 1];
        right[i] -= factor * right[i - 1];
    }
    let mut inner = right;
    inner[last] /= diagonal[last];
    for i in (0..last).rev() {
        inner[i] = (inner[i] - above[i] * inner[i + 1]) / diagonal[i];
    }
    let start = (1.0 + first) * inner[0] - first * inner[1];
    let end = (1.0 + final_) * inner[last] - final_ * inner[last - 1];
    std::iter::once(start).chain(inner).chain([end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Dual, FlowMap, Lanes, Ode, Tolerance,
        analysis::jacobian,
        solver::{Adaptive, DOP853, DOPRI5, FixedSteps, RK4},
    };

    const TIMES: [f64; 6] = [-1.0, 0.0, 0.25, 1.0, 3.0, 4.5];

    fn cubic(t: f64) -> f64 {
        0.5 - 2.0 * t + 0.7 * t * t - 0.1 * t * t * t
    }

    #[test]
    fn rows_are_met_and_polynomials_are_reproduced() {
        let values = TIMES.map(cubic);
        let tables =
            [Table::steps(&TIMES, &values), Table::linear(&TIMES, &values), Table::cubic(&TIMES, &values)].map(Result::unwrap);
        for (i, &t) in TIMES.iter().enumerate() {
            assert!(tables.iter().all(|table| (table.at(&Num(t)).0 - values[i]).abs() < 1e-13), "{t}");
        }
        let (first, last) = (values[0], values[5]);
        for table in tables.clone().map(Table::held) {
            let [before, after] = [-7.0, 9.0].map(|t| table.at(&Num(t)).0);
            assert!((before - first).abs() < 1e-13 && (after - last).abs() < 1e-13, "{table:?}");
        }
        for k in 0..=100 {
            let t = -1.0 + 0.055 * f64::from(k);
            if t >= 4.5 {
                break;
            }
            let i = TIMES.partition_point(|time| *time <= t).clamp(1, 5);
            let share = (t - TIMES[i - 1]) / (TIMES[i] - TIMES[i - 1]);
            let expected = [values[i - 1], values[i - 1] + share * (values[i] - values[i - 1]), cubic(t)];
            for (table, expected) in tables.iter().zip(expected) {
                assert!((table.at(&Num(t)).0 - expected).abs() < 1e-13, "{table:?} at {t}");
            }
        }
        // so is a parabola through three rows, and a line through two
        let parabola = Table::cubic(&[0.0, 1.0, 3.0], &[0.0, 1.0, 9.0]).unwrap();
        assert!((parabola.at(&Num(2.0)).0 - 4.0_f64).abs() < 1e-14);
        assert_eq!(Table::cubic(&[0.0, 2.0], &[1.0, 3.0]).unwrap().at(&Num(0.5)).0, 1.5);
    }

    #[test]
    fn the_spline_is_of_fourth_order_and_smooth() {
        let error = |n: u32| {
            let times: Vec<f64> = (0..=n).map(|i| 5.0 * f64::from(i) / f64::from(n)).collect();
            let table = Table::cubic(&times, &times.iter().map(|t| t.sin()).collect::<Vec<_>>()).unwrap();
            (0..1000).map(|k| 0.005 * f64::from(k)).map(|t| (table.at(&Num(t)).0 - t.sin()).abs()).fold(0.0, f64::max)
        };
        let order = (error(20) / error(40)).log2();
        assert!((3.7..4.6).contains(&order), "{order}");
        let table = Table::cubic(&TIMES, &TIMES.map(f64::sin)).unwrap();
        let twice = |t: f64| table.at(&Num(Dual::new(Dual::new(t, 1.0), Dual::constant(1.0)))).0;
        for t in &TIMES[1..5] {
            let [before, after] = [t - 1e-9, t + 1e-9].map(twice);
            assert!((before.tangent().value() - after.tangent().value()).abs() < 1e-8);
            assert!((before.tangent().tangent() - after.tangent().tangent()).abs() < 1e-7);
        }
    }

    #[test]
    fn outside_is_nothing_unless_the_ends_are_held() {
        let table = Table::linear(&[0.0, 1.0], &[2.0, 3.0]).unwrap();
        for (t, held) in [(-1e-9, 2.0), (1.0 + 1e-9, 3.0), (f64::INFINITY, 3.0), (f64::NEG_INFINITY, 2.0)] {
            assert!(table.at(&Num(t)).0.is_nan());
            assert_eq!(table.clone().held().at(&Num(t)).0, held);
        }
        assert_eq!([0.0, 1.0].map(|t| table.at(&Num(t)).0), [2.0, 3.0]);
        assert!(table.at(&Num(f64::NAN)).0.is_nan());
    }

    #[test]
    fn every_sample_reads_its_own_row() {
        let table = Table::steps(&TIMES, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let t = [-0.5, 4.0, 0.1, 9.0];
        let lanes = table.at(&Num(Lanes::<f64, 4>::from(t))).0;
        for (i, t) in t.into_iter().enumerate() {
            assert_eq!(lanes.lane(i).to_bits(), table.at(&Num(t)).0.to_bits(), "{t}");
        }
    }

    #[test]
    fn bad_tables_are_refused() {
        let bad: [(&[f64], &[f64]); 6] = [
            (&[], &[]),
            (&[0.0], &[1.0]),
            (&[0.0, 1.0], &[1.0]),
            (&[0.0, f64::NAN], &[1.0, 2.0]),
            (&[0.0, 1.0], &[1.0, f64::INFINITY]),
            (&[0.0, 1.0, 1.0], &[1.0, 2.0, 3.0]),
        ];
        for (times, values) in bad {
            for table in [Table::steps, Table::linear, Table::cubic] {
                assert!(table(times, values).is_err(), "{times:?} {values:?}");
            }
        }
    }

    /// `x' = f(t) x`.
    struct Driven(Table);
    impl Ode<1> for Driven {
        fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
            [self.0.at(t) * x]
        }
        fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
            self.0.stops(s, t)
        }
    }

    #[test]
    fn solvers_keep_their_order_over_the_rows() {
        let values = [0.3, -0.4, 0.2, 0.5, -0.1, 0.0];
        for table in [Table::steps, Table::linear, Table::cubic] {
            let table = table(&TIMES, &values).unwrap();
            // on each piece, Simpson's rule is exact
            let pieces = TIMES.windows(2).map(|t| {
                let (h, m) = (t[1] - t[0], 0.5 * (t[0] + t[1]));
                let before = t[1] - 1e-13 * h;
                h / 6.0 * (table.at(&Num(t[0])).0 + 4.0 * table.at(&Num(m)).0 + table.at(&Num(before)).0)
            });
            let exact = pieces.sum::<f64>().exp();
            for (span, expected) in [([-1.0, 4.5], exact), ([4.5, -1.0], 1.0 / exact)] {
                let tight = Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-12, 1e-12).unwrap());
                let map = tight.of(Driven(table.clone()).field());
                assert!((map.carry(span, &[1.0])[0] - expected).abs() < 1e-10);
                let slope = jacobian(&map, &span[0], &span[1], &[1.0])[0][0];
                assert!((slope - expected).abs() < 1e-10);
                let fixed = FixedSteps::new(RK4, 512).unwrap().of(Driven(table.clone()).field());
                assert!((fixed.carry(span, &[1.0])[0] - expected).abs() < 1e-7);
                let plain = Adaptive::new(DOPRI5).unwrap().of(Driven(table.clone()).field());
                assert!((plain.carry(span, &[1.0])[0] - expected).abs() < 1e-4);
            }
            // beyond the table, the solve is an error
            assert!(Adaptive::new(DOPRI5).unwrap().of(Driven(table).field()).try_carry([0.0, 5.0], &[1.0]).is_err());
        }
    }
}
