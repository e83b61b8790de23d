//! The `ode!` macro.

/// Defines an ODE by its formula: a struct with the parameters as fields, and its velocity.
///
/// The coordinates of the state stand between the bars, followed by their velocities: formulas over [`Num`](crate::Num),
/// optionally in braces with `let` before them. Optional clauses follow: `stops`, the times at which the velocity
/// [jumps](crate::VelocityField::stops), and `flow`, the flow map from `s` to `t` in closed form.
///
/// ```
/// use flowmap::{FlowMap, Ode, ode, solver::{Adaptive, DOPRI5}};
/// ode! {
///     /// Lorenz's system.
///     pub struct Lorenz { sigma, rho, beta }
///     |_t, [x, y, z]| [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]
/// }
/// let lorenz = Lorenz { sigma: 10.0, rho: 28.0, beta: 8.0 / 3.0 };
/// let end = Adaptive::new(DOPRI5)?.of(lorenz.field()).flow(&0.0, &0.5, &[1.0, 1.0, 1.0]);
/// # assert!(end.iter().all(|x: &f64| x.is_finite()));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Parameters
/// Plain parameters make an [`Ode`](crate::Ode), whose [`field`](crate::Ode::field) moves every kind of state. Parameters of
/// another kind of number make a field on the states whose times are such numbers, with derivatives with respect to each
/// parameter: duals, variables on a tape, SIMD lanes, tensors with a value for each sample.
///
/// ```
/// use flowmap::{Dual, FlowMap, ode, solver::{Adaptive, DOPRI5}};
/// ode! { struct Decay { rate } |_t, [x]| [-rate * x] }
/// let map = Adaptive::new(DOPRI5)?.of(Decay { rate: Dual::new(2.0, 1.0) });
/// let end = map.flow(&Dual::constant(0.0), &Dual::constant(1.0), &Dual::constant([3.0]));
/// assert!((end.tangent()[0] + 3.0 * (-2.0_f64).exp()).abs() < 1e-5);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// `Decay::with([rate])` does the same in the order of the list. `Decay::ODE` has no parameter values yet, for an
/// [`Ensemble`](crate::solver::Ensemble) in which each trajectory has its own; it is a [`ParametricOde`](crate::ParametricOde).
///
/// ```
/// # #[cfg(feature = "ensemble")] {
/// use flowmap::{ode, solver::{Adaptive, DOPRI5, Ensemble, Start}};
/// ode! { struct Decay { rate } |_t, [x]| [-rate * x] }
/// let starts = [1.0, 2.0, 3.0].map(|rate| Start { from: 0.0, to: 1.0, state: [1.0], parameters: [rate] });
/// let ends = Ensemble::new(Adaptive::new(DOPRI5)?).solve(&Decay::ODE, &starts);
/// assert!((ends[2].state[0] - (-3.0_f64).exp()).abs() < 1e-5);
/// # }
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// The formula is compiled twice: with parameters as `f64`, and as `&Num`. It must be valid for both:
///
/// - Use only operators and functions that both have: `k * x`, `k.sin()`, `x.powf(k)`, `x.max(k)`, `t.gt(k)`. For instance,
///   write `(x.powf(k))`, not `k.powf(x)`.
/// - Take a `let` that is used twice by reference, `&m`: numbers are not copied.
/// - Name parameters differently from the coordinates and the times.
///
/// The struct derives `Clone`, `Copy` and `Debug`, and has `with`, `parameters`, `ODE` and `PARAMETERS`, the names.
///
/// # Flow map
/// With `flow` it is an [`ExactFlow`](crate::exact::ExactFlow), which verifies itself:
///
/// ```
/// use flowmap::{Ode, QuasiRandom, ode, verify_flow};
/// ode! {
///     /// Cooling towards a temperature that rises.
///     struct Cooling { k, a }
///     |t, [x]| [k * (a * t - x)]
///     flow |s, t, [x]| [a * t - a / k + (x - a * s + a / k) * (k * (s - t)).exp()]
/// }
/// let cases = QuasiRandom::new([-1.0, 1.0], [[-3.0, 3.0]])?.cases::<f64>(100);
/// assert!(verify_flow(&Cooling { k: 2.0, a: 0.5 }.field(), cases).holds(1e-13));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Stops
/// A pulse whose times are parameters:
///
/// ```
/// use flowmap::{FlowMap, ode, solver::{FixedSteps, RK4}};
/// ode! {
///     struct Pulse { on, off }
///     |t, [_x]| [(t.gt(on) & t.lt(off)).select(3.0, 0.0)]
///     stops |_s, _t| [on, off]
/// }
/// let end = FixedSteps::new(RK4, 1)?.of(Pulse { on: 0.2, off: 0.7 }).flow(&0.0, &1.0, &[0.0]);
/// assert!((end[0] - 1.5_f64).abs() < 1e-14);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// For anything else, such as data or integers among the parameters, implement [`Ode`](crate::Ode) or
/// [`ParametricOde`](crate::ParametricOde) by hand.
#[macro_export]
macro_rules! ode {
    ($(#[$meta:meta])* $vis:vis struct $name:ident; $($formulas:tt)*) => {
        $(#[$meta])*
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        $vis struct $name;
        $crate::ode! { @formulas $name [] $($formulas)* }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $p:ident),+ $(,)? } $($formulas:tt)*) => {
        $(#[$meta])*
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        $vis struct $name<Parameter_ = ::core::primitive::f64> {
            $($(#[$doc])* #[doc = ::core::concat!("The parameter `", ::core::stringify!($p), "`.")] pub $p: Parameter_),+
        }
        #[allow(dead_code, reason = "nobody needs all of it")]
        impl<Parameter_> $name<Parameter_> {
            /// Creates it with these parameters, in the order of their names.
            #[must_use]
            $vis fn with([$($p),+]: [Parameter_; [$(::core::stringify!($p)),+].len()]) -> Self {
                Self { $($p),+ }
            }
            /// The parameters, in the order of their names.
            #[must_use]
            $vis fn parameters(self) -> [Parameter_; [$(::core::stringify!($p)),+].len()] {
                [$(self.$p),+]
            }
        }
        #[allow(dead_code, reason = "nobody needs all of it")]
        impl $name<()> {
            /// The names of the parameters.
            $vis const PARAMETERS: [&'static ::core::primitive::str; [$(::core::stringify!($p)),+].len()] = [$(::core::stringify!($p)),+];
            /// The ODE without parameter values.
            $vis const ODE: Self = Self { $($p: ()),+ };
        }
        $crate::ode! { @formulas $name [$($p)+] $($formulas)* }
    };

    (
        @formulas $name:ident $p:tt |$t:pat_param, [$($x:pat_param),+ $(,)?]| $velocity:tt
        $(stops |$from:pat_param, $to:pat_param| $stops:tt)?
        $(flow |$s:pat_param, $u:pat_param, [$($y:pat_param),+ $(,)?]| $solution:tt)?
    ) => {
        $crate::ode! { @plain $name $p [$t] [$($x),+] $velocity [$($from, $to, $stops)?] [$([$s] [$u] [$($y),+] $solution)?] }
        $crate::ode! { @numbers $name $p [$t] [$($x),+] $velocity [$($from, $to, $stops)?] [$([$s] [$u] [$($y),+] $solution)?] }
    };
    (@formulas $($rest:tt)*) => {
        ::core::compile_error!(
            "not an ODE: after the struct comes `|t, [x, …]| [velocity of x, …]`, then optionally `stops |s, t| […]` and \
             `flow |s, t, [x, …]| […]`"
        );
    };

    // formulas as numbers in the shape of `like`
    (@list [$like:expr] [$($e:expr),* $(,)?]) => {
        [$($crate::Num($crate::Operand::number($e, &$like.0))),*]
    };
    (@list [$like:expr] { $(let $bind:pat = $value:expr;)* [$($e:expr),* $(,)?] }) => {{
        $(let $bind = $value;)*
        [$($crate::Num($crate::Operand::number($e, &$like.0))),*]
    }};

    // plain parameters
    (@plain $name:ident [$($p:ident)*] [$t:pat_param] [$($x:pat_param),+] $velocity:tt $stops:tt $flow:tt) => {
        #[allow(unused_variables, clippy::needless_borrows_for_generic_args, clippy::op_ref)]
        impl $crate::Ode<{ [$(::core::stringify!($x)),+].len() }> for $name {
            #[inline(always)]
            fn rhs<Number_: $crate::Number>(
                &self,
                time: &$crate::Num<Number_>,
                state: &[$crate::Num<Number_>; [$(::core::stringify!($x)),+].len()],
            ) -> [$crate::Num<Number_>; [$(::core::stringify!($x)),+].len()] {
                let (Self { $($p),* }, $t, [$($x),+]) = (*self, time, state);
                $crate::ode! { @list [state[0]] $velocity }
            }
            $crate::ode! { @plain_stops [$($p)*] $stops }
        }
        $crate::ode! { @plain_flow $name [$($p)*] $flow }
    };
    (@plain_stops $p:tt []) => {};
    (@plain_stops [$($p:ident)*] [$s:pat_param, $t:pat_param, $stops:tt]) => {
        #[inline(always)]
        fn stops<Number_: $crate::Number>(
            &self,
            start: &$crate::Num<Number_>,
            end: &$crate::Num<Number_>,
        ) -> ::std::vec::Vec<$crate::Num<Number_>> {
            let (Self { $($p),* }, $s, $t) = (*self, start, end);
            <[_]>::into_vec(::std::boxed::Box::new($crate::ode! { @list [start] $stops }))
        }
    };
    (@plain_flow $name:ident $p:tt []) => {};
    (@plain_flow $name:ident [$($p:ident)*] [[$s:pat_param] [$t:pat_param] [$($x:pat_param),+] $solution:tt]) => {
        #[allow(unused_variables, clippy::needless_borrows_for_generic_args, clippy::op_ref)]
        impl $crate::exact::ExactFlow<{ [$(::core::stringify!($x)),+].len() }> for $name {
            #[inline(always)]
            fn solution<Number_: $crate::Number>(
                &self,
                start: &$crate::Num<Number_>,
                end: &$crate::Num<Number_>,
                state: &[$crate::Num<Number_>; [$(::core::stringify!($x)),+].len()],
            ) -> [$crate::Num<Number_>; [$(::core::stringify!($x)),+].len()] {
                let (Self { $($p),* }, $s, $t, [$($x),+]) = (*self, start, end, state);
                $crate::ode! { @list [state[0]] $solution }
            }
        }
    };

    // parameters that are numbers
    (@numbers $name:ident [] $($rest:tt)*) => {};
    (@numbers $name:ident [$($p:ident)+] [$t:pat_param] [$($x:pat_param),+] $velocity:tt $stops:tt $flow:tt) => {
        #[allow(unused_variables, clippy::needless_borrows_for_generic_args, clippy::op_ref)]
        impl $crate::ParametricOde<{ [$(::core::stringify!($x)),+].len() }, { [$(::core::stringify!($p)),+].len() }> for $name<()> {
            #[inline(always)]
            fn rhs_with<Number_: $crate::Number>(
                &self,
                time: &$crate::Num<Number_>,
                state: &[$crate::Num<Number_>; [$(::core::stringify!($x)),+].len()],
                parameters: &[$crate::Num<Number_>; [$(::core::stringify!($p)),+].len()],
            ) -> [$crate::Num<Number_>; [$(::core::stringify!($x)),+].len()] {
                let ([$($p),+], $t, [$($x),+]) = (parameters, time, state);
                $crate::ode! { @list [state[0]] $velocity }
            }
            $crate::ode! { @numbers_stops [$($p)+] $stops }
        }
        impl<State_: $crate::Coordinates<{ [$(::core::stringify!($x)),+].len() }>> $crate::VelocityField<State_> for $name<State_::Time> {
            #[inline(always)]
            fn velocity(&self, t: &State_::Time, x: &State_) -> State_ {
                let field = $crate::ParametricOde::with($name::ODE, [$(::core::clone::Clone::clone(&self.$p)),+]);
                $crate::VelocityField::<State_>::velocity(&field, t, x)
            }
            #[inline(always)]
            fn stops(&self, s: &State_::Time, t: &State_::Time) -> ::std::vec::Vec<State_::Time> {
                let field = $crate::ParametricOde::with($name::ODE, [$(::core::clone::Clone::clone(&self.$p)),+]);
                $crate::VelocityField::<State_>::stops(&field, s, t)
            }
            fn jvp(&self, t: &State_::Time, x: &State_, v: &State_) -> State_ {
                let field = $crate::ParametricOde::with($name::ODE, [$(::core::clone::Clone::clone(&self.$p)),+]);
                $crate::VelocityField::<State_>::jvp(&field, t, x, v)
            }
        }
        $crate::ode! { @numbers_flow $name [$($p)+] $flow }
    };
    (@numbers_stops $p:tt []) => {};
    (@numbers_stops [$($p:ident)+] [$s:pat_param, $t:pat_param, $stops:tt]) => {
        #[inline(always)]
        fn stops_with<Number_: $crate::Number>(
            &self,
            start: &$crate::Num<Number_>,
            end: &$crate::Num<Number_>,
            parameters: &[$crate::Num<Number_>; [$(::core::stringify!($p)),+].len()],
        ) -> ::std::vec::Vec<$crate::Num<Number_>> {
            let ([$($p),+], $s, $t) = (parameters, start, end);
            <[_]>::into_vec(::std::boxed::Box::new($crate::ode! { @list [start] $stops }))
        }
    };
    (@numbers_flow $name:ident $p:tt []) => {};
    (@numbers_flow $name:ident [$($p:ident)+] [[$s:pat_param] [$t:pat_param] [$($x:pat_param),+] $solution:tt]) => {
        #[allow(unused_variables, clippy::needless_borrows_for_generic_args, clippy::op_ref)]
        impl<State_: $crate::Coordinates<{ [$(::core::stringify!($x)),+].len() }>> $crate::FlowMap<State_> for $name<State_::Time> {
            fn flow(&self, start: &State_::Time, end: &State_::Time, state: &State_) -> State_ {
                let parameters = [$($crate::Num(::core::clone::Clone::clone(&self.$p))),+];
                let (start, end) = (&$crate::Num(::core::clone::Clone::clone(start)), &$crate::Num(::core::clone::Clone::clone(end)));
                $crate::Coordinates::<{ [$(::core::stringify!($x)),+].len() }>::through(state, |state| {
                    let ([$($p),+], $s, $t, [$($x),+]) = (&parameters, start, end, state);
                    $crate::ode! { @list [state[0]] $solution }
                })
            }
        }
    };

    // anything that is not an ODE
    (@list $($rest:tt)*) => {
        ::core::compile_error!(
            "not an ODE: a list of formulas may have `let` before it, but nothing else: |t, [x, y]| { let r = x * y; [r, -y] }"
        );
    };
    ($($rest:tt)*) => {
        ::core::compile_error!("not an ODE: start with `struct Name { parameter, … }`, or `struct Name;` if there are none");
    };
}

#[cfg(test)]
mod tests {
    use crate::{Case, Dual, FlowMap, Lanes, Num, Number, Ode, ParametricOde, QuasiRandom, VelocityField, verify, verify_flow};

    ode! {
        /// A mass on a spring that is pushed.
        struct Spring {
            /// The square of the frequency.
            k,
            push,
        }
        |t, [x, v]| {
            let force = push * t.cos();
            let pull = -k * x;
            [v, pull + force]
        }
    }

    ode! { struct Still; |_t, [_x, y]| [0.0, -y] flow |s, t, [x, y]| [x, y * (s - t).exp()] }

    ode! {
        struct Growth { rate, n } |_t, [x]| [rate * x.powf(n)]
        flow |s, t, [x]| { let m = 1.0 - n; [(x.powf(&m) + rate * &m * (t - s)).powf(1.0 / m)] }
    }

    ode! {
        struct Doses { first, second }
        |t, [x]| [(t.gt(first) & t.lt(second)).select(1.0, 0.0) - x]
        stops |_s, _t| [first, 0.5, second]
    }

    #[test]
    fn one_formula_for_plain_parameters_and_numbers() {
        let spring = Spring { k: 4.0, push: 0.5 };
        let (t, x) = (0.3_f64, [1.0, -2.0]);
        let expected = [-2.0, -4.0 + 0.5 * t.cos()];
        assert_eq!(spring.field().velocity(&t, &x), expected);
        assert_eq!(spring.velocity(&t, &x), expected);
        assert_eq!(Spring::ODE.with([4.0, 0.5]).velocity(&t, &x), expected);
        assert_eq!(spring.field().velocity(&(t as f32), &[1.0_f32, -2.0])[0], -2.0);
        assert_eq!((Spring::PARAMETERS, spring.parameters()), (["k", "push"], [4.0, 0.5]));
        let lanes = Spring::with([Lanes::<f64, 2>::from([4.0, 9.0]), Lanes::splat(0.5)]);
        let found = lanes.velocity(&Lanes::splat(t), &x.map(Lanes::splat));
        assert_eq!(found.map(|c| c.lane(0)), expected);
        assert_eq!(found[1].lane(1), -9.0 + 0.5 * t.cos());
    }

    #[test]
    fn derivatives_by_parameters_of_the_velocity_and_the_flow_map() {
        let moving = Spring { k: Dual::new(4.0, 1.0), push: Dual::new(0.5, 2.0) };
        let found = moving.velocity(&Dual::constant(0.0), &Dual::constant([3.0, 1.0]));
        assert_eq!(found.tangent(), &[0.0, -3.0 + 2.0]);
        let (s, t, x) = (0.2, 0.9, 1.3);
        let end = |rate: f64, n: f64| Growth { rate, n }.flow(&s, &t, &[x])[0];
        for k in 0..2 {
            let p = [0.4, 2.5];
            let moving = Growth::with(std::array::from_fn(|i| Dual::new(p[i], f64::from(u8::from(i == k)))));
            let found = moving.flow(&Dual::constant(s), &Dual::constant(t), &Dual::constant([x]));
            let at = |h: f64| if k == 0 { end(p[0] + h, p[1]) } else { end(p[0], p[1] + h) };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((found.tangent()[0] - expected).abs() < 1e-7, "{k}: {found:?}, {expected}");
        }
    }

    #[test]
    fn flows_verify_themselves() {
        let cases = QuasiRandom::new([-1.0, 1.0], [[-1.0, 1.0], [-2.0, 2.0]]).unwrap().cases::<f64>(64);
        assert!(verify_flow(&Still.field(), cases).holds(1e-13));
        let cases = || QuasiRandom::new([0.0, 0.5], [[0.5, 1.0]]).unwrap().cases::<f64>(64);
        let growth = Growth { rate: 0.4, n: 2.5 };
        assert!(verify_flow(&growth.field(), cases()).holds(1e-12));
        // with parameters as duals, on duals
        let dual = Growth { rate: Dual::constant(0.4), n: Dual::constant(2.5) };
        let duals = cases().map(|c| Case { s: Dual::constant(c.s), t: Dual::constant(c.t), x: Dual::constant(c.x) });
        assert!(
            verify(&crate::FiniteDifferences::new(crate::flow_map(|s, t, x: &Dual<[f64; 1]>| dual.flow(s, t, x))), &dual, duals)
                .holds(1e-9)
        );
    }

    #[test]
    fn stops_are_parameters_and_constants() {
        let doses = Doses { first: 0.2, second: 0.7 };
        assert_eq!(VelocityField::<[f64; 1]>::stops(&doses.field(), &0.0, &1.0), [0.2, 0.5, 0.7]);
        assert_eq!(VelocityField::<[f64; 1]>::stops(&doses, &0.0, &1.0), [0.2, 0.5, 0.7]);
        let moving = Doses { first: Dual::new(0.2, 1.0), second: Dual::constant(0.7) };
        let stops = VelocityField::<Dual<[f64; 1]>>::stops(&moving, &Dual::constant(0.0), &Dual::constant(1.0));
        assert_eq!(stops[0], Dual::new(0.2, 1.0));
    }

    /// The formula alone, as a user writes it.
    fn by_hand<N: Number>(k: f64, [x, v]: &[Num<N>; 2]) -> [Num<N>; 2] {
        [v.clone(), -k * x]
    }

    #[test]
    fn the_state_may_be_split_by_patterns() {
        ode! { struct Patterns { k } |_, [_, v]| [v, k * v] }
        ode! { struct Bare; |_, [x, v]| { let [a, b] = by_hand(2.0, &[x.clone(), v.clone()]); [a, b] } }
        assert_eq!(Patterns { k: 2.0 }.field().velocity(&0.0, &[1.0, 3.0]), [3.0, 6.0]);
        assert_eq!(Bare.field().velocity(&0.0, &[1.0, 3.0]), [3.0, -2.0]);
    }

    /// In a crate without a prelude, and with lints that forbid common parts of generated code.
    mod strict {
        #![no_implicit_prelude]
        #![deny(missing_docs, unused)]
        crate::ode! {
            /// Its name is that of a usual type parameter.
            pub(crate) struct P { k, f64 }
            |t, [x, y]| [k * y, -f64 * x * t]
            stops |s, _t| [k, 0.5, s]
            flow |_s, _t, [x, y]| [x, y]
        }
        crate::ode! {
            /// Without parameters.
            pub(crate) struct Bare; |_t, [x]| [x]
        }
    }

    #[test]
    fn it_needs_nothing_from_its_surroundings() {
        let field = strict::P { k: 2.0, f64: 3.0 }.field();
        assert_eq!(field.velocity(&0.5, &[1.0, 4.0]), [8.0, -1.5]);
        assert_eq!(strict::Bare.field().velocity(&0.5, &[1.0]), [1.0]);
    }

    #[test]
    fn powers_of_zero_are_the_same_for_plain_parameters_and_numbers() {
        ode! { struct Hill { n } |_t, [x]| [x.powf(n) / (1.0 + x.powf(n))] }
        let x = Dual::new([0.0], [1.0]);
        let plain = Hill { n: 2.0 }.field().velocity(&Dual::constant(0.0), &x);
        assert_eq!(plain, Hill { n: Dual::constant(2.0) }.velocity(&Dual::constant(0.0), &x));
        assert_eq!(plain.tangent(), &[0.0]);
    }
}
