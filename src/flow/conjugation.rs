//! Flow maps in other coordinates.

use super::{FlowMap, finite};
use crate::{
    Result,
    field::VelocityField,
    number::{Dual, Num, Number},
    state::{Coordinates, value_and_tangent},
};

/// A diffeomorphism `Φ`, a smooth map with a smooth inverse: a change of coordinates, over any [`Number`].
///
/// ```
/// use flowmap::{Diffeomorphism, Num, Number};
/// struct Logarithm; // of the positive half line
/// impl Diffeomorphism<1> for Logarithm {
///     fn forward<N: Number>(&self, [x]: &[Num<N>; 1]) -> [Num<N>; 1] { [x.ln()] }
///     fn inverse<N: Number>(&self, [y]: &[Num<N>; 1]) -> [Num<N>; 1] { [y.exp()] }
/// }
/// assert_eq!(Logarithm.inverse(&Logarithm.forward(&[Num(1.0)])), [Num(1.0)]);
/// ```
pub trait Diffeomorphism<const D: usize> {
    /// `Φ(x)`; NaN outside the domain.
    fn forward<N: Number>(&self, x: &[Num<N>; D]) -> [Num<N>; D];
    /// `Φ⁻¹(y)`; NaN outside its domain.
    fn inverse<N: Number>(&self, y: &[Num<N>; D]) -> [Num<N>; D];
}

impl<const D: usize, P: Diffeomorphism<D>> Diffeomorphism<D> for &P {
    fn forward<N: Number>(&self, x: &[Num<N>; D]) -> [Num<N>; D] {
        (**self).forward(x)
    }
    fn inverse<N: Number>(&self, y: &[Num<N>; D]) -> [Num<N>; D] {
        (**self).inverse(y)
    }
}

/// A flow map, or its field, given in coordinates `y = Φ(x)` and used in the coordinates `x`.
///
/// - flow: `Φ⁻¹(X_{s,t}(Φ(x)))`
/// - velocity: `DΦ(x)⁻¹ b_t(Φ(x))`, which is the derivative of `Φ⁻¹` at `Φ(x)` along `b`: one evaluation in forward mode
/// - domain: that of `Φ`, as far as `X` stays in its image
///
/// ```
/// use flowmap::{Conjugation, Diffeomorphism, FlowMap, Num, Number, exact::{Affine, Logistic}};
/// // ln(x / (1 - x)) grows at a constant rate where x grows logistically
/// struct Logit;
/// impl Diffeomorphism<1> for Logit {
///     fn forward<N: Number>(&self, [x]: &[Num<N>; 1]) -> [Num<N>; 1] { [(x / (1.0 - x)).ln()] }
///     fn inverse<N: Number>(&self, [y]: &[Num<N>; 1]) -> [Num<N>; 1] { [1.0 / (1.0 + (-y).exp())] }
/// }
/// let growth = Conjugation::<_, _, 1> { of: Affine::new([[0.0]], [2.0])?, by: Logit };
/// let (a, b) = (growth.flow(&0.0, &1.5, &[0.1]), Logistic::new(2.0, 1.0)?.flow(&0.0, &1.5, &[0.1]));
/// assert!((a[0] - b[0]).abs() < 1e-15);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Reference: V. I. Arnold, Ordinary Differential Equations, chapter 1, on the action of diffeomorphisms on vector fields.
#[derive(Clone, Copy, Debug)]
pub struct Conjugation<M, P, const D: usize> {
    /// The flow map `X`, or the field `b`, in the coordinates `y`.
    pub of: M,
    /// The change of coordinates `Φ` from `x` to `y`.
    pub by: P,
}

impl<M, P: Diffeomorphism<D>, const D: usize> Conjugation<M, P, D> {
    fn forward<X: Coordinates<D>>(&self, x: &X) -> X {
        x.through(|x| self.by.forward(x))
    }
    fn inverse<X: Coordinates<D>>(&self, y: &X) -> X {
        y.through(|y| self.by.inverse(y))
    }
}

impl<X: Coordinates<D>, M: FlowMap<X>, P: Diffeomorphism<D>, const D: usize> FlowMap<X> for Conjugation<M, P, D> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        self.inverse(&self.of.flow(s, t, &self.forward(x)))
    }
    fn try_flow(&self, s: &X::Time, t: &X::Time, x: &X) -> Result<X> {
        finite(s, t, self.inverse(&self.of.try_flow(s, t, &self.forward(x))?))
    }
    fn flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Vec<X> {
        let starts: Vec<X> = states.iter().map(|x| self.forward(x)).collect();
        self.of.flow_each(s, t, &starts).iter().map(|y| self.inverse(y)).collect()
    }
    fn try_flow_each(&self, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<X>> {
        let starts: Vec<X> = states.iter().map(|x| self.forward(x)).collect();
        self.of.try_flow_each(s, t, &starts)?.iter().map(|y| finite(s, t, self.inverse(y))).collect()
    }
}

impl<X: Coordinates<D>, B: VelocityField<X>, P: Diffeomorphism<D>, const D: usize> VelocityField<X> for Conjugation<B, P, D> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        let y = self.forward(x);
        let velocity = self.of.velocity(t, &y);
        // a constant Φ⁻¹ has no tangent, and is no inverse; that is not reported here
        value_and_tangent(self.inverse(&Dual::new(y, velocity))).1
    }
    fn stops(&self, s: &X::Time, t: &X::Time) -> Vec<X::Time> {
        self.of.stops(s, t)
    }
    fn jvp(&self, t: &X::Time, x: &X, v: &X) -> X {
        let (y, dy) = value_and_tangent(self.forward(&Dual::new(x.clone(), v.clone())));
        let (b, db) = (self.of.velocity(t, &y), self.of.jvp(t, &y, &dy));
        // how the derivative of Φ⁻¹ along b changes as y moves
        let (_, moved) = value_and_tangent(self.inverse(&Dual::new(Dual::new(y, b), Dual::new(dy, db))));
        value_and_tangent(moved).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, QuasiRandom, exact::CouplingFlow, field, verify};

    /// `(x, y) → (sinh x, y e^x + x²)`.
    struct Bent;
    impl Diffeomorphism<2> for Bent {
        fn forward<N: Number>(&self, [x, y]: &[Num<N>; 2]) -> [Num<N>; 2] {
            [x.sinh(), y * x.exp() + x.powi(2)]
        }
        fn inverse<N: Number>(&self, [u, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
            let e = u + (u.powi(2) + 1.0).sqrt(); // e^x
            let x = e.ln();
            let y = (v - x.powi(2)) / e;
            [x, y]
        }
    }

    /// The same with a wrong inverse.
    struct Torn;
    impl Diffeomorphism<2> for Torn {
        fn forward<N: Number>(&self, x: &[Num<N>; 2]) -> [Num<N>; 2] {
            Bent.forward(x)
        }
        fn inverse<N: Number>(&self, y: &[Num<N>; 2]) -> [Num<N>; 2] {
            let [x, y] = Bent.inverse(y);
            [x, 1.001 * y]
        }
    }

    fn flow() -> CouplingFlow<2> {
        CouplingFlow::random(3, 19).unwrap()
    }

    fn cases() -> impl Iterator<Item = Case<[f64; 2]>> {
        QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0]; 2]).unwrap().cases(128)
    }

    #[test]
    fn it_is_the_flow_of_its_field() {
        let map = Conjugation { of: flow(), by: &Bent };
        let report = verify(&map, &map, cases());
        assert!(report.holds(1e-12), "{report}");
    }

    #[test]
    fn and_on_duals() {
        let map = Conjugation { of: flow(), by: Bent };
        let moving =
            cases().map(|Case { s, t, x }| Case { s: Dual::new(s, 0.5), t: Dual::constant(t), x: Dual::new(x, [1.0, -1.0]) });
        let report = verify(&map, &map, moving);
        assert!(report.holds(1e-12), "{report}");
    }

    #[test]
    fn a_field_that_is_not_carried_over_is_found_out() {
        let map = Conjugation { of: flow(), by: Bent };
        let raw = field(|t: &f64, x: &[f64; 2]| flow().velocity(t, &x.through(|x| Bent.forward(x))));
        let report = verify(&map, &raw, cases());
        for line in ["tangent", "Lagrangian", "Eulerian"] {
            assert!(report.line(line).unwrap().max > 0.1, "{report}");
        }
    }

    #[test]
    fn an_inverse_that_is_none_is_found_out() {
        let map = Conjugation { of: flow(), by: Torn };
        let report = verify(&map, &map, cases());
        for line in ["start", "semigroup"] {
            assert!(report.line(line).unwrap().max > 1e-4, "{report}");
        }
    }

    #[test]
    fn outside_the_domain_is_an_error() {
        struct Logarithm;
        impl Diffeomorphism<1> for Logarithm {
            fn forward<N: Number>(&self, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
                [x.ln()]
            }
            fn inverse<N: Number>(&self, [y]: &[Num<N>; 1]) -> [Num<N>; 1] {
                [y.exp()]
            }
        }
        let map = Conjugation::<_, _, 1> { of: crate::exact::Affine::new([[0.0]], [1.0]).unwrap(), by: Logarithm };
        assert!((map.try_flow(&0.0, &1.0, &[2.0]).unwrap()[0] - 2.0 * 1.0_f64.exp()).abs() < 1e-15);
        assert!(map.try_flow(&0.0, &1.0, &[-2.0]).is_err() && map.flow(&0.0, &1.0, &[-2.0_f64])[0].is_nan());
        assert!(map.try_flow(&0.0, &1e4, &[2.0]).is_err(), "beyond the largest number");
    }
}
