//! Solvers for stiff problems, from the library diffsol.

use super::{
    Numerical, Recorder, Save, Solution, Solver,
    erased::erased,
    stiff_march::{Method, march, read},
    stiff_piece::bent,
};
use crate::{DynCoordinates, Result, Scalar, Tolerance, VelocityField, flow::between};

/// A solver for stiff problems: the solution limits its steps, not the stability of an explicit method.
///
/// The methods are implicit. Each step solves equations by Newton's method, with the [derivative](VelocityField::jvp) of the
/// velocity: exact, by forward mode, if the field is a formula such as an [`Ode`](crate::Ode); by differences if it is a
/// closure. The iterations continue down to a ten-thousandth of the tolerance, or to rounding errors, because the error control
/// does not see their error.
///
/// | constructor | method | order | for |
/// |---|---|---|---|
/// | [`bdf`](Self::bdf) | backward differentiation, quasi-constant steps | 1 to 5, chosen automatically | a first try |
/// | [`esdirk34`](Self::esdirk34) | diagonally implicit Runge-Kutta, L-stable | 3 | fast oscillations, which BDF may not damp |
/// | [`tr_bdf2`](Self::tr_bdf2) | trapezoidal rule, then BDF2; L-stable | 2 | errors above `1e-4` |
///
/// ```
/// use flowmap::{FlowMap, Num, Number, Ode, Tolerance, solver::{Save, Solver, Stiff}};
/// /// Robertson's reaction: rates of 0.04 to 3e7.
/// struct Robertson;
/// impl Ode<3> for Robertson {
///     fn rhs<N: Number>(&self, _t: &Num<N>, [a, b, c]: &[Num<N>; 3]) -> [Num<N>; 3] {
///         [1e4 * b * c - 0.04 * a, 0.04 * a - 1e4 * b * c - 3e7 * b * b, 3e7 * b * b]
///     }
/// }
/// let solver = Stiff::bdf().tolerance(Tolerance::each(1e-8, &[1e-10, 1e-14, 1e-10])?);
///
/// // as a flow map
/// let robertson = Robertson.field();
/// let end = solver.clone().of(&robertson).try_flow(&0.0, &40.0, &[1.0, 0.0, 0.0])?;
/// assert!((end[0] - 0.715827068719405).abs() < 1e-7);
///
/// // as a path
/// let path = solver.solve(&robertson, &0.0, &40.0, &[1.0, 0.0, 0.0], &Save::At(vec![0.3]))?;
/// assert!((path.states()[0][0] - 0.988673939381925).abs() < 1e-7);
/// assert!(path.statistics().accepted < 500);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Tolerance
/// Errors are measured by their root mean square. For [`Norm::Maximum`](crate::Norm::Maximum) the tolerances are divided by the
/// root of the number of coordinates, which is at least as strict. The bound is relative to the size of the state at the start
/// of a step. Coordinates far smaller than 1 need their own [absolute tolerance](Tolerance::each).
///
/// All methods go down to `1e-13`. At the end, the accumulated error is 1 to 100 times the tolerance with BDF, a few times more
/// with ESDIRK34, and with TR-BDF2, which takes many steps, 1,000 times and more below `1e-7`.
///
/// Reference: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, sections III.1, IV.6 and IV.8; diffsol,
/// <https://github.com/martinjrobins/diffsol>.
#[derive(Clone, Debug, PartialEq)]
pub struct Stiff {
    pub(super) method: Method,
    pub(super) tolerance: Tolerance,
    pub(super) max_steps: u32,
}

impl Stiff {
    fn new(method: Method) -> Self {
        Self { method, tolerance: Tolerance::default(), max_steps: 100_000 }
    }

    /// Backward differentiation formulas of order 1 to 5, with the default [`Tolerance`] and up to 100,000 attempts.
    pub fn bdf() -> Self {
        Self::new(Method::Bdf)
    }

    /// TR-BDF2, of order 2, otherwise as [`bdf`](Self::bdf).
    pub fn tr_bdf2() -> Self {
        Self::new(Method::TrBdf2)
    }

    /// ESDIRK34, of order 3, otherwise as [`bdf`](Self::bdf).
    pub fn esdirk34() -> Self {
        Self::new(Method::Esdirk34)
    }

    /// With another tolerance.
    #[must_use]
    pub fn tolerance(self, tolerance: Tolerance) -> Self {
        Self { tolerance, ..self }
    }

    /// With at most `count` attempts: accepted steps, rejected steps, and steps whose equations were not solved.
    #[must_use]
    pub fn max_steps(self, count: u32) -> Self {
        Self { max_steps: count, ..self }
    }

    /// The flow map of `field` by this method.
    pub fn of<B>(self, field: B) -> Numerical<Self, B> {
        Numerical::new(self, field)
    }
}

/// On states that split into coordinates: points, vectors, pairs, and duals of these.
///
/// For a dual, value and tangent are solved together, which is the variational equation: the derivative of the flow map with
/// respect to `s`, `t`, `x` and parameters, as exact as the tolerance, which applies to tangents like values. Values differ by
/// about the tolerance from those without tangents, because the steps do.
///
/// States between the ends of a step, for [`Save::At`] and [`Save::Dense`], come from the quintic through its ends and four
/// states of the method's own interpolation: of the order of the step for BDF, cubic for the others, whose long steps on smooth
/// solutions it may not match. End a solve where a state must be as accurate as the tolerance.
///
/// The statistics count every evaluation of the velocity and of its derivative: a Jacobian takes one for each coordinate.
/// Attempts whose equations were not solved count as rejected.
///
/// # Panics
/// If there are several absolute tolerances, but not as many as coordinates.
impl<X, B> Solver<X, B> for Stiff
where
    X: DynCoordinates<Time: Scalar>,
    B: VelocityField<X> + ?Sized,
{
    fn solve(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>> {
        let mut recorder = Recorder::new(save, s, t, x, Some(&field.velocity(s, x)))?;
        let end = march(self, erased(&field), [s, t], x, &mut |segment, step| {
            let end = if step.shares[1] == 1.0 { segment[1].clone() } else { between(segment[0], segment[1], step.shares[1]) };
            recorder.record(&end, &read(x, step.ends[1]), || bent(x, &step, segment));
        });
        Ok(recorder.finish(end.time, end.state, vec![end.status], end.statistics))
    }
}
