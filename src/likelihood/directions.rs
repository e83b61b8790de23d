//! Directions for traces by quadratic forms: `tr A` from `z · A z`.

use crate::{Dual, DynCoordinates, Number, State, Value, VelocityField, state::directions, statistics::Estimate};

/// Directions `z` whose quadratic forms `z · A z` give the trace of a matrix: for `A = ∇b`, each is one evaluation on duals.
///
/// [`ExactTrace`] takes all coordinates, `Hutchinson` a few random ones.
pub trait Directions<X: State> {
    /// Whether each `z` is drawn from a distribution with `E z zᵀ = 1`, so that the trace is the mean of the forms. Otherwise
    /// the `z` are an orthonormal basis, and the trace is their sum.
    const RANDOM: bool;

    /// The directions at `x`, each of the shape of `x`.
    fn directions(&self, x: &X) -> Vec<X>;
}

impl<X: State, E: Directions<X>> Directions<X> for &E {
    const RANDOM: bool = E::RANDOM;

    fn directions(&self, x: &X) -> Vec<X> {
        (**self).directions(x)
    }
}

/// The coordinate directions: they give the exact trace.
///
/// ```
/// use flowmap::{exact::Affine, likelihood::{ExactTrace, divergence}};
/// let b = Affine::new([[0.3, 2.0], [-1.0, 0.5]], [1.0, 0.0])?;
/// assert_eq!(divergence(&b, &0.0, &[1.0, 1.0], &ExactTrace), 0.8);
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExactTrace;

impl<X: DynCoordinates> Directions<X> for ExactTrace {
    const RANDOM: bool = false;

    fn directions(&self, x: &X) -> Vec<X> {
        directions(x)
    }
}

/// The divergence `tr ∇b_t(x)` of a field, by forward mode along `directions`.
///
/// ```
/// use flowmap::{Coordinates, Dual, Number, field, likelihood::{ExactTrace, divergence}};
/// let b = field(|_: &Dual<f64>, x: &Dual<[f64; 2]>| {
///     let [x, y] = x.split();
///     Dual::join([x.clone() * &x, x * y])
/// });
/// assert_eq!(divergence(&b, &0.0, &[2.0, 5.0], &ExactTrace), 2.0 * 2.0 + 2.0);
/// ```
pub fn divergence<X, B, E>(field: &B, t: &X::Time, x: &X, directions: &E) -> X::Time
where
    X: State,
    B: VelocityField<Dual<X>> + ?Sized,
    E: Directions<X>,
{
    velocity_and_divergence(field, t, x, directions).1
}

/// `b_t(x)` and `tr ∇b_t(x)`, from the same evaluations.
pub(super) fn velocity_and_divergence<X, B, E>(field: &B, t: &X::Time, x: &X, directions: &E) -> (X, X::Time)
where
    X: State,
    B: VelocityField<Dual<X>> + ?Sized,
    E: Directions<X>,
{
    let (velocity, forms) = quadratic_forms(field, t, x, &directions.directions(x));
    (velocity, trace::<X, E>(forms))
}

/// `b_t(x)`, and `z · ∇b_t(x) z` for each `z`.
///
/// # Panics
/// If there is no direction.
pub(super) fn quadratic_forms<X, B>(field: &B, t: &X::Time, x: &X, directions: &[X]) -> (X, Vec<X::Time>)
where
    X: State,
    B: VelocityField<Dual<X>> + ?Sized,
{
    let t = Dual::constant(t.clone());
    let mut velocity = None;
    let form = |z: &X| {
        let (value, tangent) = field.velocity(&t, &Dual::new(x.clone(), z.clone())).into_parts();
        velocity = Some(value);
        tangent.map_or_else(|| z.dot(z).constant(0.0), |tangent| z.dot(&tangent))
    };
    let forms = directions.iter().map(form).collect();
    (velocity.expect("there is a direction"), forms)
}

/// The trace from these forms.
pub(super) fn trace<X: State, E: Directions<X>>(forms: Vec<X::Time>) -> X::Time {
    let count = forms.len() as f64;
    let sum = forms.into_iter().reduce(|sum, form| sum + form).expect("there is a direction");
    if E::RANDOM { sum.scale(1.0 / count) } else { sum }
}

/// The trace from plain numbers, with its standard error: 0 where nothing is random.
pub(super) fn estimate<X: State, E: Directions<X>>(forms: &[f64]) -> Estimate {
    if E::RANDOM { Estimate::mean(forms) } else { Estimate { value: forms.iter().sum(), standard_error: 0.0 } }
}

/// Forms as plain numbers, sample by sample, for all directions.
pub(super) fn by_sample<N: Value>(forms: &[N]) -> Vec<Vec<f64>> {
    let values: Vec<Vec<f64>> = forms.iter().map(Value::values).collect();
    let samples = values.first().map_or(0, Vec::len);
    (0..samples).map(|i| values.iter().map(|of_direction| of_direction[i]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exact::{CouplingFlow, Rotation},
        field, rhs_jacobian,
    };

    #[test]
    fn the_trace_of_the_jacobian() {
        let flow = CouplingFlow::<3>::random(3, 7).unwrap();
        let (t, x) = (0.4, [0.3, -1.0, 0.8]);
        let jacobian = rhs_jacobian(&flow, &t, &x);
        let expected = (0..3).map(|i| jacobian[i][i]).sum::<f64>();
        let (velocity, found) = velocity_and_divergence(&flow, &t, &x, &ExactTrace);
        assert!((found - expected).abs() < 1e-14 && expected.abs() > 1e-2);
        assert_eq!(velocity, VelocityField::<[f64; 3]>::velocity(&flow, &t, &x));
        assert_eq!(divergence(&Rotation::new(2.0).unwrap(), &0.0, &[1.0, 3.0], &ExactTrace), 0.0);
        // a constant field has no tangents
        let still = field(|_: &Dual<f64>, x: &Dual<[f64; 2]>| x.frozen());
        assert_eq!(divergence(&still, &0.0, &[1.0, 3.0], &ExactTrace), 0.0);
    }

    #[test]
    fn the_divergence_has_derivatives() {
        let flow = CouplingFlow::<3>::random(3, 7).unwrap();
        let (t, x, d) = (0.4, [0.3, -1.0, 0.8], [1.0, 0.5, -2.0]);
        let at = |h: f64| divergence(&flow, &t, &x.plus(&d.scaled(&h)), &ExactTrace);
        let found = *divergence(&flow, &Dual::constant(t), &Dual::new(x, d), &ExactTrace).tangent();
        assert!((found - (at(1e-5) - at(-1e-5)) / 2e-5).abs() < 1e-8 && found.abs() > 1e-2);
    }
}
