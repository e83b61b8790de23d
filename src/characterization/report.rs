//! Verification: tests every identity on every case and reports the worst one.

use super::{Case, Characterization, Eulerian, InitialCondition, Lagrangian, Semigroup, Tangent};
use crate::{
    field::VelocityField,
    flow::FlowMap,
    number::{Dual, Value},
    state::State,
};
use std::fmt;

/// Tests all identities of a flow map against a velocity field.
///
/// The residual of each case is measured relative to the larger of its two terms, or to 1 where both are smaller. The
/// semigroup's intermediate time moves from case to case. For states much smaller than 1 use [`verify_in_units_of`].
///
/// ```
/// use flowmap::{QuasiRandom, exact::Rotation, verify};
/// let turn = Rotation::new(1.5)?;
/// let cases = QuasiRandom::new([-3.0, 3.0], [[-2.0, 2.0]; 2])?.cases::<f64>(256);
/// let report = verify(&turn, &turn, cases);
/// assert!(report.holds(1e-14), "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// The identity map is a semigroup, and still not the flow map of a rotation:
///
/// ```
/// use flowmap::{FiniteDifferences, QuasiRandom, exact::Rotation, flow_map, verify};
/// let still = FiniteDifferences::new(flow_map(|_s: &f64, _t: &f64, x: &[f64; 2]| *x));
/// let report = verify(&still, &Rotation::new(1.5)?, QuasiRandom::new([0.0, 1.0], [[-1.0, 1.0]; 2])?.cases(64));
/// assert!(!report.holds(1e-3));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn verify<X, M, B>(map: &M, field: &B, cases: impl IntoIterator<Item = Case<X>>) -> Report
where
    X: State,
    M: FlowMap<X> + FlowMap<Dual<X>> + ?Sized,
    B: VelocityField<X> + ?Sized,
{
    verify_in_units_of(1.0, map, field, cases)
}

/// Runs [`verify`] on something that is both a flow map and its velocity field, like exact flows and
/// [numerical](crate::solver::Numerical) ones.
///
/// ```
/// use flowmap::{QuasiRandom, exact::Rotation, verify_flow};
/// let cases = QuasiRandom::new([-3.0, 3.0], [[-2.0, 2.0]; 2])?.cases::<f64>(256);
/// assert!(verify_flow(&Rotation::new(1.5)?, cases).holds(1e-14));
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn verify_flow<X, M>(flow: &M, cases: impl IntoIterator<Item = Case<X>>) -> Report
where
    X: State,
    M: FlowMap<X> + FlowMap<Dual<X>> + VelocityField<X> + ?Sized,
{
    verify(flow, flow, cases)
}

/// Runs [`verify`] for states and velocities of a size other than 1: residuals are relative to the larger term, or to `unit`
/// where both are smaller.
///
/// ```
/// use flowmap::{FiniteDifferences, QuasiRandom, exact::Rotation, flow_map, verify_in_units_of};
/// let micro = 1e-6; // lengths in metres
/// let still = FiniteDifferences::new(flow_map(|_s: &f64, _t: &f64, x: &[f64; 2]| *x));
/// let cases = QuasiRandom::new([0.0, 1.0], [[-micro, micro]; 2])?.cases(64);
/// assert!(!verify_in_units_of(micro, &still, &Rotation::new(1.5)?, cases).holds(1e-3));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Panics
/// Unless `unit` is positive and finite.
pub fn verify_in_units_of<X, M, B>(unit: f64, map: &M, field: &B, cases: impl IntoIterator<Item = Case<X>>) -> Report
where
    X: State,
    M: FlowMap<X> + FlowMap<Dual<X>> + ?Sized,
    B: VelocityField<X> + ?Sized,
{
    assert!(unit > 0.0 && unit.is_finite(), "the unit {unit} is not a positive finite number");
    let mut lines = ["start", "tangent", "Lagrangian", "Eulerian", "semigroup"].map(Tally::new);
    for (k, case) in cases.into_iter().enumerate() {
        const GOLDEN: f64 = 0.618_033_988_749_895;
        let semigroup = Semigroup { fraction: ((k + 1) as f64 * GOLDEN).fract() };
        let Case { s, t, x } = &case;
        let terms = [
            InitialCondition.terms(map, field, s, t, x),
            Tangent.terms(map, field, s, t, x),
            Lagrangian.terms(map, field, s, t, x),
            Eulerian.terms(map, field, s, t, x),
            semigroup.terms(map, field, s, t, x),
        ];
        for (line, (first, second)) in lines.iter_mut().zip(terms) {
            line.add(unit, &case, &first, &second);
        }
    }
    Report { lines: lines.map(Tally::finish).into() }
}

/// Tests one identity of a flow map, under this name: one that [`verify`] leaves out, or your own. Residuals are relative as in
/// [`verify`], and the [`Line`] may be added to its report.
///
/// ```
/// use flowmap::{QuasiRandom, characterization::{InverseConsistency, measure}, exact::Rotation, verify};
/// let turn = Rotation::new(1.5)?;
/// let cases = || QuasiRandom::new([-3.0, 3.0], [[-2.0, 2.0]; 2]).map(|lattice| lattice.cases::<f64>(256));
/// let mut report = verify(&turn, &turn, cases()?);
/// report.lines.push(measure("inverse", &InverseConsistency, &turn, &turn, cases()?));
/// assert!(report.holds(1e-14), "{report}");
/// # Ok::<(), flowmap::Error>(())
/// ```
pub fn measure<X, C, M, B>(name: &str, identity: &C, map: &M, field: &B, cases: impl IntoIterator<Item = Case<X>>) -> Line
where
    X: State,
    C: Characterization<X, M, B> + ?Sized,
    M: ?Sized,
    B: ?Sized,
{
    let mut line = Tally::new(name);
    for case in cases {
        let (first, second) = identity.terms(map, field, &case.s, &case.t, &case.x);
        line.add(1.0, &case, &first, &second);
    }
    line.finish()
}

/// The report of [`verify`]: one [`Line`] for each identity. Displays as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Report {
    /// The lines in the order identity, tangent, Lagrangian, Eulerian, semigroup; then those added by [`measure`].
    pub lines: Vec<Line>,
}

/// The residuals of one identity.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// The name of the identity.
    pub name: String,
    /// The number of points tested; each sample of a batch is one.
    pub cases: usize,
    /// The largest relative residual; infinite if any was NaN.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "null_is_infinite"))]
    pub max: f64,
    /// The root mean square of the relative residuals.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "null_is_infinite"))]
    pub rms: f64,
    /// The largest absolute residual.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "null_is_infinite"))]
    pub max_absolute: f64,
    /// The case with the largest relative residual.
    pub worst: Option<Worst>,
}

/// Reads null as infinity, since JSON cannot express it.
#[cfg(feature = "serde")]
fn null_is_infinite<'de, D: serde::Deserializer<'de>>(number: D) -> Result<f64, D::Error> {
    use serde::Deserialize;
    Ok(Option::deserialize(number)?.unwrap_or(f64::INFINITY))
}

/// The case with the largest residual.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Worst {
    /// Start time.
    pub s: f64,
    /// End time.
    pub t: f64,
    /// The coordinates of the state.
    pub x: Vec<f64>,
}

impl Report {
    /// Whether every identity was tested and holds to `tolerance` everywhere.
    pub fn holds(&self, tolerance: f64) -> bool {
        self.lines.iter().all(|line| line.cases > 0 && line.max <= tolerance)
    }

    /// The line of an identity, by name.
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<12} {:>8} {:>10} {:>10} {:>10}   worst at", "identity", "points", "max", "rms", "absolute")?;
        for line in &self.lines {
            write!(f, "{:<12} {:>8} ", line.name, line.cases)?;
            write!(f, "{:>10.2e} {:>10.2e} {:>10.2e}   ", line.max, line.rms, line.max_absolute)?;
            match &line.worst {
                None => writeln!(f, "-")?,
                Some(Worst { s, t, x }) => {
                    let shown: Vec<_> = x.iter().take(4).map(|c| format!("{c:.4}")).collect();
                    let rest = if x.len() > 4 { ", …" } else { "" };
                    writeln!(f, "s = {s:.4}, t = {t:.4}, x = ({}{rest})", shown.join(", "))?;
                }
            }
        }
        Ok(())
    }
}

/// Accumulates a line.
struct Tally {
    line: Line,
    squares: f64,
}

impl Tally {
    fn new(name: &str) -> Self {
        let line = Line { name: name.into(), cases: 0, max: 0.0, rms: 0.0, max_absolute: 0.0, worst: None };
        Self { line, squares: 0.0 }
    }

    fn add<X: State>(&mut self, unit: f64, case: &Case<X>, first: &X, second: &X) {
        let residuals = first.plus(second).norm().values();
        let (firsts, seconds) = (first.norm().values(), second.norm().values());
        let line = &mut self.line;
        for (row, &absolute) in residuals.iter().enumerate() {
            // NaN counts as infinitely wrong: `f64::max` would drop it
            let relative =
                Some(absolute / firsts[row].max(seconds[row]).max(unit)).filter(|r| r.is_finite()).unwrap_or(f64::INFINITY);
            line.cases += 1;
            self.squares += relative * relative;
            line.max_absolute = line.max_absolute.max(if absolute.is_nan() { f64::INFINITY } else { absolute });
            if line.worst.is_none() || relative > line.max {
                line.max = relative;
                line.worst = Some(worst(case, row, residuals.len()));
            }
        }
    }

    fn finish(mut self) -> Line {
        self.line.rms = (self.squares / self.line.cases.max(1) as f64).sqrt();
        self.line
    }
}

/// The sample `row` of `rows`.
fn worst<X: State>(case: &Case<X>, row: usize, rows: usize) -> Worst {
    let of = |values: Vec<f64>| values[row.min(values.len() - 1)];
    let x = case.x.values();
    let width = x.len() / rows.max(1);
    Worst { s: of(case.s.values()), t: of(case.t.values()), x: x[row * width..(row + 1) * width].to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FiniteDifferences, QuasiRandom, exact::Rotation, flow_map};

    fn cases() -> impl Iterator<Item = Case<[f64; 2]>> {
        QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 2]).unwrap().cases(64)
    }

    #[test]
    fn identity_map_passes_the_semigroup_line_and_fails_the_report() {
        let still = FiniteDifferences::new(flow_map(|_: &f64, _: &f64, x: &[f64; 2]| *x));
        let report = verify(&still, &Rotation::new(1.0).unwrap(), cases());
        assert!(report.line("Semigroup").unwrap().max < 1e-12);
        assert!(report.line("tangent").unwrap().max > 0.1);
        assert!(!report.holds(0.1));
    }

    #[test]
    fn nothing_tested_does_not_hold() {
        let turn = Rotation::new(1.0).unwrap();
        assert!(!verify(&turn, &turn, cases().take(0)).holds(1.0));
    }

    #[test]
    fn one_nan_is_found_and_located() {
        let turn = Rotation::new(1.0).unwrap();
        let hole = FiniteDifferences::new(flow_map(
            move |s: &f64, t: &f64, x: &[f64; 2]| {
                if x[0] > 0.97 { [f64::NAN; 2] } else { turn.flow(s, t, x) }
            },
        ));
        let report = verify(&hole, &turn, cases());
        let line = report.line("lagrangian").unwrap();
        assert_eq!(line.max, f64::INFINITY);
        assert!(line.worst.as_ref().unwrap().x[0] > 0.97);
        assert!(!report.holds(f64::MAX));
    }
}
