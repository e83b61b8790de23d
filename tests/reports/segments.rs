//! Stops in fixed steps, implicit methods, batches, combinators and derivatives.

use crate::runs::{METHODS, close, pulse, within};
use flowmap::{
    Clock, Dual, FlowMap, Num, Number, Ode, ParametricOde, Restriction, Tensor, TimeChange, VelocityField,
    backend::ndarray::NdTensor,
    solver::{Ensemble, FixedSteps, METHODS as EVERY, RK4, Save, Solver, Start, Status},
};
use std::sync::Mutex;

/// `y' = rate y + height` from one time to another, else `rate y`; it names these times.
#[derive(Clone, Copy)]
struct Pulse {
    rate: f64,
    height: f64,
    times: [f64; 2],
}

impl Ode<1> for Pulse {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [y]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.height * pulse(t, self.times) + self.rate * y]
    }
    fn stops<N: Number>(&self, s: &Num<N>, _t: &Num<N>) -> Vec<Num<N>> {
        self.times.iter().map(|&time| s.constant(time)).collect()
    }
}

const fn steady(height: f64, times: [f64; 2]) -> Pulse {
    Pulse { rate: 0.0, height, times }
}

/// A step ends at the stop, and the method has its order: with a limit from the wrong side it would have order 1.
#[test]
fn fixed_steps_keep_their_order_across_stops() {
    for method in EVERY {
        let ode = Pulse { rate: -1.0, height: 5.0, times: [0.31, 0.77] };
        let exact = 5.0 * ((-0.23_f64).exp() - (-0.69_f64).exp()) + (-1.0_f64).exp();
        let error = |steps| {
            let map = FixedSteps::new(method, steps).unwrap().of(ode.field());
            (map.flow(&0.0, &1.0, &[1.0])[0] - exact).abs()
        };
        let (coarse, fine): (f64, f64) = (error(8), error(32));
        assert!(
            coarse / fine > 4.0_f64.powf(f64::from(method.order) - 0.7) || fine < 1e-13,
            "{}: {coarse:e} {fine:e}",
            method.name
        );
    }
}

#[cfg(feature = "diffsol")]
#[test]
fn implicit_methods_stop_where_the_ode_says() {
    for (name, solver) in crate::runs::implicit(1e-6, 1e-9) {
        let path = solver.solve(&steady(1e4, [20.0, 20.1]).field(), &0.0, &30.0, &[0.0], &Save::At(vec![20.05, 30.0])).unwrap();
        close(name, &[path.states()[0][0], path.states()[1][0], path.end()[0]], &[500.0, 1000.0, 1000.0], [1e-6, 0.0]);
        assert_eq!(path.status(), Status::Finished);
    }
}

/// `x' = height x` between two times that are parameters, else `-x`.
struct Switch;

impl ParametricOde<1, 3> for Switch {
    #[inline(always)]
    fn rhs_with<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1], [on, off, height]: &[Num<N>; 3]) -> [Num<N>; 1] {
        [(!t.lt(on) & t.lt(off)).select(height, -1.0) * x]
    }
    fn stops_with<N: Number>(&self, _s: &Num<N>, _t: &Num<N>, [on, off, _]: &[Num<N>; 3]) -> Vec<Num<N>> {
        vec![off.clone(), on.clone()]
    }
}

/// `ln (x(t)/x(0)) = -t + (1 + height) (off - on)`.
fn grown<N: Number>(t: &N, [on, off, height]: &[N; 3]) -> N {
    (height.shift(1.0) * (off.clone() - on) - t).exp()
}

#[test]
fn derivatives_across_stops_by_their_own_times_are_right() {
    let (t, p) = (5.0, [1.3, 2.1, 2.0]);
    for method in METHODS {
        for direction in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.4, -1.0, 0.3]] {
            let moving: [Dual<f64>; 3] = std::array::from_fn(|i| Dual::new(p[i], direction[i]));
            let expected = grown(&Dual::new(t, 0.5), &moving);
            let solver = within(1e-9, 1e-12)(method);
            let (s, end) = (Dual::constant(0.0), Dual::new(t, 0.5));
            let path = solver.solve(&Switch.with(moving.clone()), &s, &end, &[Dual::constant(1.0)], &Save::Dense).unwrap();
            let found = path.end()[0].clone();
            close(method.name, &[*found.value(), *found.tangent()], &[*expected.value(), *expected.tangent()], [1e-6, 1e-7]);
            // and on the way, between the stops: at a constant time
            let middle = Dual::constant(1.7);
            let expected = grown(&middle, &[moving[0].clone(), middle.clone(), moving[2].clone()]);
            let found = path.at(&middle)[0].clone();
            close(method.name, &[*found.value(), *found.tangent()], &[*expected.value(), *expected.tangent()], [1e-5, 1e-6]);
        }
    }
}

#[test]
fn each_trajectory_of_an_ensemble_and_each_row_of_a_batch_has_stops_of_its_own() {
    for method in METHODS {
        let solver = within(1e-8, 1e-10)(method);
        let parameters = |k: usize| [0.2 + 0.07 * k as f64, 2.0 + 0.11 * k as f64, 0.5];
        let starts: Vec<_> =
            (0..100).map(|k| Start { from: 0.0, to: 1.0 + 0.05 * k as f64, state: [1.0], parameters: parameters(k) }).collect();
        let ends = Ensemble::new(solver.clone()).solve(&Switch, &starts);
        for (start, end) in starts.iter().zip(&ends) {
            let [on, off, height] = start.parameters;
            let within_span = [on.min(start.to), off.min(start.to), height];
            let exact = grown(&start.to, &within_span);
            assert_eq!(end.status, Status::Finished);
            close(method.name, &end.state, &[exact], [1e-5, 0.0]);
            let alone = solver.solve(&Switch.with(start.parameters), &0.0, &start.to, &[1.0], &Save::End).unwrap();
            assert_eq!(alone.statistics().evaluations, end.evaluations, "{}: {start:?}", method.name);
        }
        let column = |values: [f64; 2]| NdTensor::from_slice(&values, &[2]);
        let field = Switch.with([column([1.0, 2.0]), column([1.5, 4.0]), column([1.0, 1.0])]);
        let x = NdTensor::from_slice(&[1.0, 1.0], &[2, 1]);
        let end = solver.of(&field).flow(&column([0.0, 0.0]), &column([3.0, 3.0]), &x);
        let exact = [grown(&3.0, &[1.0, 1.5, 1.0]), grown(&3.0, &[2.0, 3.0, 1.0])];
        close(method.name, &end.to_vec(), &exact, [1e-5, 0.0]);
    }
}

/// Shows every time up to 3 twice.
struct Bounce;

impl Clock for Bounce {
    fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
        t * (3.5 - t)
    }
}

#[test]
fn combinators_pass_stops_on_through_changes_of_time() {
    let inner = steady(1.0, [1.0, 1.2]).field();
    let there = TimeChange { of: inner, clock: Bounce };
    let root = |theta: f64| [1.0, -1.0].map(|sign| 1.75 + sign * (1.75_f64.powi(2) - theta).sqrt());
    let mut expected = [root(1.0), root(1.2)].concat();
    let mut found: Vec<f64> = VelocityField::<[f64; 1]>::stops(&there, &0.0, &3.5);
    expected.sort_by(f64::total_cmp);
    found.sort_by(f64::total_cmp);
    assert_eq!(found.len(), 4, "{found:?}");
    close("clock", &found, &expected, [1e-14, 0.0]);
    for method in METHODS {
        let map = within(1e-8, 1e-10)(method).of(Restriction::new(&there, [0.0, 3.5]).unwrap());
        // up by 0.2 and down again
        close(method.name, &map.flow(&0.0, &1.75, &[0.0]), &[0.2], [1e-6, 0.0]);
        close(method.name, &map.flow(&0.0, &3.5, &[0.0]), &[0.0], [0.0, 1e-6]);
    }
}

/// What is asked at a stop is the limit from its own side, on dense paths and at events, too.
#[test]
fn no_velocity_is_asked_for_on_a_stop() {
    struct Asked(Mutex<Vec<f64>>);
    impl VelocityField<[f64; 1]> for Asked {
        fn velocity(&self, t: &f64, _: &[f64; 1]) -> [f64; 1] {
            self.0.lock().unwrap().push(*t);
            [if *t < 1.0 { -1.0 } else { 1.0 }]
        }
        fn stops(&self, _: &f64, _: &f64) -> Vec<f64> {
            vec![1.0]
        }
    }
    for method in METHODS {
        let field = Asked(Mutex::new(vec![]));
        let path = within(1e-6, 1e-9)(method).solve(&field, &0.0, &2.0, &[1.0], &Save::Dense).unwrap();
        assert!(path.end()[0] == 1.0 || (path.end()[0] - 1.0).abs() < 1e-14);
        assert!((path.at(&1.0)[0]).abs() < 1e-14 && (path.at(&1.5)[0] - 0.5).abs() < 1e-14);
        let back = within(1e-6, 1e-9)(method).solve(&field, &2.0, &0.0, &[1.0], &Save::End).unwrap();
        assert!((back.end()[0] - 1.0).abs() < 1e-14);
        let asked = field.0.into_inner().unwrap();
        assert!(asked.iter().all(|t| *t != 1.0), "{}", method.name);
    }
    for steps in [1, 2, 3, 10] {
        let field = Asked(Mutex::new(vec![]));
        let map = FixedSteps::new(RK4, steps).unwrap().of(&field);
        for [s, t] in [[0.0, 2.0], [2.0, 0.0]] {
            assert!((map.flow(&s, &t, &[1.0])[0] - 1.0).abs() < 1e-14);
        }
        let asked = field.0.lock().unwrap();
        assert!(asked.iter().all(|t| *t != 1.0), "{steps} steps");
    }
}

/// A clock that stands still at a stop shows it all the same.
#[test]
fn a_clock_that_stands_still_at_a_stop_shows_it() {
    struct Cubed;
    impl Clock for Cubed {
        fn at<N: Number>(&self, t: &Num<N>) -> Num<N> {
            t.powi(3)
        }
    }
    let there = TimeChange { of: steady(1.0, [0.0, 9.0]).field(), clock: Cubed };
    let found: Vec<f64> = VelocityField::<[f64; 1]>::stops(&there, &-1.0, &1.0);
    assert!(found.iter().any(|t| t.abs() < 1e-14), "{found:?}");
    for method in METHODS {
        let end = within(1e-8, 1e-10)(method).of(&there).flow(&-1.0, &1.0, &[0.0]);
        close(method.name, &end, &[1.0], [1e-6, 0.0]);
    }
}
