//! What a user builds, by the public interface alone.

use flowmap::{
    Dual, DynOde, DynParametricOde, Error, FlowMap, Num, Number, Ode, QuasiRandom, Result, State, Table, Tape, Tensor, Tolerance,
    Var, VelocityField,
    analysis::{Steps, deformation, ftle, jacobian, lyapunov_spectrum},
    backend::ndarray::NdTensor,
    exact::{Blowup, DynExactFlow},
    nalgebra::DVector,
    ndarray::Array1,
    ode, rhs_jacobian,
    solver::{
        Adaptive, DOP853, DOPRI5, Ensemble, FixedSteps, Numerical, Piece, RK4, Recorder, Save, Solution, Solver, Start,
        Statistics, Status,
    },
    verify, verify_flow,
};

ode! {
    /// Lorenz's system.
    pub struct Lorenz { sigma, rho, beta }
    |_t, [x, y, z]| [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]
}

const LORENZ: Lorenz = Lorenz { sigma: 10.0, rho: 28.0, beta: 8.0 / 3.0 };
const START: [f64; 3] = [1.0, 2.0, 20.0];

fn tight() -> Adaptive {
    Adaptive::new(DOP853).unwrap().tolerance(Tolerance::new(1e-11, 1e-11).unwrap())
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance), "{a:?} and {b:?}");
}

/// The derivative of the first coordinate at time 1/2 by sigma, by central differences.
fn by_sigma(x: [f64; 3]) -> f64 {
    let at = |h: f64| tight().of(Lorenz { sigma: 10.0 + h, ..LORENZ }.field()).carry([0.0, 0.5], &x)[0];
    (at(1e-4) - at(-1e-4)) / 2e-4
}

#[test]
fn one_formula_on_every_kind_of_number() {
    let map = tight().of(LORENZ.field());
    let end = map.carry([0.0, 0.5], &START);
    let single = Adaptive::new(DOPRI5).unwrap().of(LORENZ.field()).carry([0.0, 0.5], &START.map(|x| x as f32));
    close(&single.map(f64::from), &end, 1e-3);

    let [by_x, by_y, by_z] = std::array::from_fn(|j| {
        let at = |h: f64| map.carry([0.0, 0.5], &std::array::from_fn(|i| START[i] + if i == j { h } else { 0.0 }));
        at(1e-5).minus(&at(-1e-5)).scaled(&5e4)
    });
    let jacobian = jacobian(&map, &0.0, &0.5, &START);
    for (i, row) in jacobian.iter().enumerate() {
        close(row, &[by_x[i], by_y[i], by_z[i]], 1e-4);
    }

    let moving = Lorenz { sigma: Dual::new(10.0, 1.0), rho: Dual::constant(28.0), beta: Dual::constant(8.0 / 3.0) };
    let found = tight().of(moving).carry([0.0, 0.5], &Dual::constant(START));
    close(&[found.tangent()[0]], &[by_sigma(START)], 1e-4);
    close(&tight().of(Lorenz::with([10.0, 28.0, 8.0 / 3.0])).carry([0.0, 0.5], &START), &end, 1e-12);
}

#[test]
fn an_ensemble_of_ten_thousand_parameter_sets() {
    let one = |k: u32| {
        let parameters = [10.0, 20.0 + 1e-3 * f64::from(k), 8.0 / 3.0];
        Start { from: 0.0, to: 0.5, state: START, parameters }
    };
    let starts: Vec<_> = (0..10_000).map(one).collect();
    let ends = Ensemble::new(Adaptive::new(DOPRI5).unwrap()).solve(&Lorenz::ODE, &starts);
    assert!(ends.iter().all(|end| end.status == Status::Finished));
    for k in [0, 4_567, 9_999] {
        let alone = Adaptive::new(DOPRI5).unwrap().of(Lorenz::with(starts[k].parameters)).carry([0.0, 0.5], &START);
        close(&ends[k].state, &alone, 1e-10);
    }
}

#[test]
fn a_batch_in_a_tensor_with_gradients_by_a_parameter() {
    let tape = Tape::new();
    let tensor = |values: &[f64], shape: &[usize]| NdTensor::new(values.to_vec(), shape).unwrap();
    let starts = [START, [-3.0, 0.5, 15.0]];
    let sigma = tape.leaf(tensor(&[10.0], &[]));
    let field = Lorenz { rho: sigma.constant(28.0), beta: sigma.constant(8.0 / 3.0), sigma: sigma.clone() };
    let x = Var::constant(tensor(starts.as_flattened(), &[2, 3]));
    let end = FixedSteps::new(DOP853, 100).unwrap().of(field).carry([0.0, 0.5], &x);
    let mut gradients = tape.gradients(&end.slice(1, 0..1).sum(0..2));
    let found = gradients.take(&sigma).unwrap().to_vec();
    close(&found, &[starts.into_iter().map(by_sigma).sum()], 1e-4);
}

/// Heun's method, as a user writes it.
#[derive(Clone)]
struct Heun(u32);

impl<X: State, B: VelocityField<X> + ?Sized> Solver<X, B> for Heun {
    fn solve(&self, field: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>> {
        let h = (t.clone() - s).scale(1.0 / f64::from(self.0));
        let mut path = Recorder::new(save, s, t, x, Some(&field.velocity(s, x)))?;
        let (mut time, mut state) = (s.clone(), x.clone());
        for k in 1..=self.0 {
            let end = if k == self.0 { t.clone() } else { h.scale(f64::from(k)) + s };
            let first = field.velocity(&time, &state);
            let second = field.velocity(&end, &state.plus(&first.scaled(&h)));
            let next = state.plus(&first.plus(&second).scaled(&h.scale(0.5)));
            path.record(&end, &next, || Piece::cubic(field, [&time, &end], [&state, &next]));
            (time, state) = (end, next);
        }
        let mut statistics = Statistics::default();
        (statistics.accepted, statistics.evaluations) = (self.0.into(), 2 * u64::from(self.0));
        Ok(path.finish(time, state, vec![Status::Finished], statistics))
    }
}

#[test]
fn a_solver_of_ones_own_has_the_same_rights() {
    let exact = tight().of(LORENZ.field()).carry([0.0, 0.5], &START);
    let error = |steps| Numerical::new(Heun(steps), LORENZ.field()).carry([0.0, 0.5], &START).minus(&exact).norm();
    let order = (error(400) / error(800)).log2();
    assert!((order - 2.0).abs() < 0.1, "{order}");
    // on duals, as every map
    let slopes = jacobian(&Numerical::new(Heun(2000), LORENZ.field()), &0.0, &0.5, &START);
    close(&slopes[0], &jacobian(&tight().of(LORENZ.field()), &0.0, &0.5, &START)[0], 1e-3);
    // in a list with others, chosen when the program runs
    type Any = Box<dyn Solver<[f64; 3], dyn VelocityField<[f64; 3]>>>;
    let solvers: Vec<Any> = vec![
        Box::new(Heun(4000)),
        Box::new(tight()),
        Box::new(FixedSteps::new(RK4, 1000).unwrap()),
        #[cfg(feature = "diffsol")]
        Box::new(flowmap::solver::Stiff::bdf().tolerance(Tolerance::new(1e-9, 1e-9).unwrap())),
    ];
    for solver in solvers {
        let path = solver.solve(&LORENZ.field(), &0.0, &0.5, &START, &Save::At(vec![0.25, 0.5])).unwrap();
        close(&path.states()[1], &exact, 1e-3);
        close(&path.states()[0], &tight().of(LORENZ.field()).carry([0.0, 0.25], &START), 1e-3);
        let dense = solver.solve(&LORENZ.field(), &0.0, &0.5, &START, &Save::Dense).unwrap();
        close(&dense.at(&0.25), &path.states()[0], 1e-12);
    }
}

/// A solver that takes nobody.
struct Never;

impl<X: State, B: ?Sized> Solver<X, B> for Never {
    fn solve(&self, _field: &B, _s: &X::Time, _t: &X::Time, _x: &X, _save: &Save) -> Result<Solution<X>> {
        Err(Error::invalid("start", "there is none that it takes"))
    }
}

#[test]
fn what_a_solver_of_ones_own_cannot_do_is_said() {
    // a blow-up, though the solver says that it has finished
    let map = Numerical::new(Heun(100), Blowup);
    assert!(map.carry([0.0, 2.0], &[1.0_f64]).iter().all(|x| !x.is_finite()) && map.try_carry([0.0, 2.0], &[1.0]).is_err());
    // one row of a batch: the others are as they should be
    let batch = NdTensor::new(vec![1.0, 0.1, 0.2], &[3, 1]).unwrap();
    let [s, t] = [0.0, 2.0].map(|t| NdTensor::new(vec![t; 3], &[3]).unwrap());
    let path = Heun(2000).solve(&Blowup, &s, &t, &batch, &Save::Steps).unwrap();
    assert_eq!(path.statuses(), [Status::NotFinite, Status::Finished, Status::Finished]);
    assert_eq!(path.states().len(), 2001);
    close(&path.end().to_vec()[1..], &[0.1 / 0.8, 0.2 / 0.6], 1e-5);
    assert!(Heun(10).solve(&Blowup, &0.0, &1.0, &[0.1], &Save::At(vec![3.0])).is_err());

    let map = Numerical::new(Never, Blowup);
    assert!(map.carry([0.0, 1.0], &[0.5_f64])[0].is_nan() && map.try_carry([0.0, 1.0], &[0.5]).is_err());
    assert!(map.flow_each(&0.0, &1.0, &[[0.5_f64], [0.6]]).iter().all(|x| x[0].is_nan()));

    // boxed ones are solvers, too
    let boxed: Box<dyn Solver<[f64; 1], Blowup>> = Box::new(Heun(4000));
    close(&Numerical::new(boxed, Blowup).carry([0.0, 1.0], &[0.5]), &[1.0], 1e-5);
}

ode! {
    /// A dose that is given between two times, and cleared: by hand, `x' = dose - k x`.
    pub(crate) struct Dose { k, from, to }
    |t, [x]| [(t.gt(from) & t.lt(to)).select(1.0, 0.0) - k * x]
    stops |_s, _t| [from, to]
}

#[test]
fn stops_of_a_formula_are_honoured_and_have_derivatives() {
    // from 0 the dose makes (e^(-k (t - to)) - e^(-k (t - from))) / k
    let exact = |k: f64, from: f64, to: f64| ((-k * (3.0 - to)).exp() - (-k * (3.0 - from)).exp()) / k;
    let p = [0.7, 0.5, 0.55];
    close(&tight().of(Dose::with(p).field()).carry([0.0, 3.0], &[0.0]), &[exact(p[0], p[1], p[2])], 1e-9);
    for i in 0..3 {
        let moving = Dose::with(std::array::from_fn(|j| Dual::new(p[j], f64::from(u8::from(i == j)))));
        let found = tight().of(moving).carry([0.0, 3.0], &Dual::constant([0.0]));
        let at = |h: f64| {
            let mut p = p;
            p[i] += h;
            exact(p[0], p[1], p[2])
        };
        close(&[found.tangent()[0]], &[(at(1e-6) - at(-1e-6)) / 2e-6], 1e-8);
    }
    assert_eq!(Dose::PARAMETERS, ["k", "from", "to"]);
}

/// Masses in a row between two walls, a spring between neighbours: `x_i'' = x_{i-1} - 2 x_i + x_{i+1}`, first all places, then
/// all speeds.
struct Chain(usize);

impl DynOde for Chain {
    fn rhs<N: Number>(&self, _t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>> {
        let (places, speeds) = x.split_at(self.0);
        let pull = |i: usize| {
            let left = if i == 0 { 0.0 * &places[i] } else { places[i - 1].clone() };
            let right = if i + 1 == self.0 { 0.0 * &places[i] } else { places[i + 1].clone() };
            left - 2.0 * &places[i] + right
        };
        speeds.iter().cloned().chain((0..self.0).map(pull)).collect()
    }
}

/// By modes: `sin (i k π/(n+1))` swings at the frequency `2 sin (k π/2(n+1))`.
impl DynExactFlow for Chain {
    fn solution<N: Number>(&self, s: &Num<N>, t: &Num<N>, x: &[Num<N>]) -> Vec<Num<N>> {
        let n = self.0;
        let angle = |i: usize, k: usize| (i * k) as f64 * std::f64::consts::PI / (n + 1) as f64;
        let (places, speeds) = x.split_at(n);
        let along = |part: &[Num<N>], k: usize| {
            let terms = (1..=n).map(|i| (2.0 / (n + 1) as f64 * angle(i, k).sin()) * &part[i - 1]);
            terms.reduce(|sum, term| sum + term).unwrap()
        };
        let modes: Vec<[Num<N>; 2]> = (1..=n)
            .map(|k| {
                let omega = 2.0 * (0.5 * angle(1, k)).sin();
                let (sin, cos) = ((omega * (t - s)).sin(), (omega * (t - s)).cos());
                let (a, b) = (along(places, k), along(speeds, k));
                [&a * &cos + &b * &sin / omega, b * cos - omega * a * sin]
            })
            .collect();
        let at = |i: usize, part: usize| {
            let terms = (1..=n).map(|k| angle(i, k).sin() * &modes[k - 1][part]);
            terms.reduce(|sum, term| sum + term).unwrap()
        };
        (1..=n).map(|i| at(i, 0)).chain((1..=n).map(|i| at(i, 1))).collect()
    }
}

const MASSES: usize = 50;

fn pluck() -> Vec<f64> {
    (0..2 * MASSES).map(|i| (0.3 * i as f64).sin() * (1.0 + 0.1 * i as f64).recip()).collect()
}

#[test]
fn fifty_oscillators_by_an_explicit_solver() {
    let chain = Chain(MASSES).field();
    let map = tight().of(&chain);
    let (start, span) = (pluck(), [0.0, 7.0]);
    let end = chain.carry(span, &start);
    close(&map.carry(span, &start), &end, 1e-9);
    // as other vectors, on duals, in single precision
    close(map.carry(span, &DVector::from_vec(start.clone())).as_slice(), &end, 1e-9);
    close(map.carry(span, &Array1::from_vec(start.clone())).as_slice().unwrap(), &end, 1e-9);
    let single: Vec<f32> = start.iter().map(|x| *x as f32).collect();
    let single = Adaptive::new(DOPRI5).unwrap().of(&chain).carry(span, &single);
    close(&single.into_iter().map(f64::from).collect::<Vec<_>>(), &end, 1e-3);

    let slopes = jacobian(&map, &0.0, &7.0, &start);
    let exact = jacobian(&chain, &0.0, &7.0, &start);
    assert_eq!((slopes.len(), slopes[0].len()), (100, 100));
    for (row, exact) in slopes.iter().zip(&exact) {
        close(row, exact, 1e-9);
    }
    let rates = rhs_jacobian(&chain, &0.0, &start);
    assert_eq!((rates[0][MASSES], rates[MASSES][0], rates[MASSES][1], rates[MASSES][2]), (1.0, -2.0, 1.0, 0.0));
}

#[cfg(feature = "diffsol")]
#[test]
fn fifty_oscillators_by_a_stiff_solver() {
    use flowmap::{field, solver::Stiff};
    let chain = Chain(MASSES).field();
    let (start, span) = (pluck(), [0.0, 3.0]);
    let solver = Stiff::bdf().tolerance(Tolerance::new(1e-8, 1e-8).unwrap());
    close(&solver.clone().of(&chain).carry(span, &start), &chain.carry(span, &start), 1e-5);
    // a closure has no duals: its Jacobian comes from differences
    let closure = field(|t: &f64, x: &Vec<f64>| chain.velocity(t, x));
    close(&solver.clone().of(closure).carry(span, &start), &chain.carry(span, &start), 1e-5);
    let path = solver.solve(&chain, &0.0, &3.0, &start, &Save::At(vec![1.0])).unwrap();
    close(&path.states()[0], &chain.carry([0.0, 1.0], &start), 1e-5);
    // in single precision
    let single: Vec<f32> = start.iter().map(|x| *x as f32).collect();
    let coarse = Stiff::bdf().tolerance(Tolerance::new(1e-4, 1e-4).unwrap());
    let found = coarse.of(&chain).carry(span, &single);
    close(&found.into_iter().map(f64::from).collect::<Vec<_>>(), &chain.carry(span, &start), 2e-3);
    // on duals, of a short chain: a column of the Jacobian
    let short = Chain(3).field();
    let moving = Dual::new(vec![0.3, 0.0, -0.1, 0.0, 0.2, 0.0], vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let found = solver.clone().of(&short).carry(span, &moving);
    close(found.tangent(), short.carry(span, &moving).tangent(), 1e-5);
    let closure = field(|t: &Dual<f64>, x: &Dual<Vec<f64>>| short.velocity(t, x));
    close(solver.of(closure).carry(span, &moving).tangent(), short.carry(span, &moving).tangent(), 1e-5);
}

#[test]
fn run_time_dimensions_verify_and_are_analysed() {
    let chain = Chain(4).field();
    let cases = || QuasiRandom::new([-2.0, 2.0], vec![[-1.0, 1.0]; 8]).unwrap().cases::<f64>(64);
    assert!(verify_flow(&chain, cases()).holds(1e-12));
    let report = verify(&tight().of(&chain), &chain, cases());
    assert!(report.holds(1e-8), "{report}");
    // the flow of a Hamiltonian keeps volumes, and its exponents come in pairs
    let start = pluck()[..8].to_vec();
    let stretched = deformation(&chain, &0.0, &3.0, &start).unwrap();
    assert!(stretched.log_det().abs() < 1e-12 && (stretched.determinant() - 1.0).abs() < 1e-12);
    let factors: Vec<f64> = stretched.stretches().iter().map(|stretch| stretch.factor).collect();
    assert!((factors[0] * factors[7] - 1.0).abs() < 1e-12 && factors[0] > 1.0);
    assert!((ftle(&chain, &0.0, &3.0, &start).unwrap() - factors[0].ln() / 3.0).abs() < 1e-14);
    let spectrum = lyapunov_spectrum(&chain, &Steps::new(0.0, 1.0, 400).unwrap(), &start).unwrap();
    assert!(spectrum.exponents().iter().all(|exponent| exponent.abs() < 0.02) && spectrum.sum().abs() < 1e-12);
}

/// A chain of reactions, each with a rate.
struct Reactions;
impl DynParametricOde for Reactions {
    fn rhs_with<N: Number>(&self, _t: &Num<N>, x: &[Num<N>], rates: &[Num<N>]) -> Vec<Num<N>> {
        let flows: Vec<_> = rates.iter().zip(x).map(|(k, x)| k * x).collect();
        (0..x.len()).map(|i| if i == 0 { -&flows[0] } else { &flows[i - 1] - &flows[i] }).collect()
    }
}

#[test]
fn ensembles_of_run_time_dimension() {
    let one = |k: u32| Start {
        from: 0.0,
        to: 1.0 - 0.01 * f64::from(k),
        state: vec![1.0, 0.5, 0.0, f64::from(k)],
        parameters: vec![2.0, 1.0, 0.5, 0.01 * f64::from(k)],
    };
    let starts: Vec<_> = (0..100).map(one).collect();
    let solver = Adaptive::new(DOPRI5).unwrap();
    let ends = Ensemble::new(solver.clone()).solve(&Reactions, &starts);
    for (start, end) in starts.iter().zip(&ends) {
        let alone = solver.clone().of(Reactions.with(start.parameters.clone())).flow(&start.from, &start.to, &start.state);
        close(&end.state, &alone, 1e-12);
        assert_eq!(end.status, Status::Finished);
    }
    // the derivative by the first rate
    let rates: Vec<Dual<f64>> =
        [2.0, 1.0, 0.5, 0.1].iter().enumerate().map(|(i, k)| Dual::new(*k, f64::from(u8::from(i == 0)))).collect();
    let x = vec![1.0, 0.5, 0.0, 0.0];
    let found = tight().of(Reactions.with(rates)).carry([0.0, 1.0], &Dual::constant(x.clone()));
    let at = |h: f64| tight().of(Reactions.with(vec![2.0 + h, 1.0, 0.5, 0.1])).carry([0.0, 1.0], &x);
    close(found.tangent(), &at(1e-5).minus(&at(-1e-5)).scaled(&5e4), 1e-6);
    let without = Start { from: 0.0, to: 1.0, state: pluck()[..8].to_vec(), parameters: vec![] };
    let ends = Ensemble::new(tight()).solve(&Chain(4), &[without.clone(), without.clone()]);
    close(&ends[1].state, &Chain(4).field().carry([0.0, 1.0], &without.state), 1e-9);
}

#[test]
#[should_panic(expected = "a start has [3, 4] coordinates and parameters, and the first one [4, 4]")]
fn ensembles_have_one_dimension() {
    let one = |d: usize| Start { from: 0.0, to: 1.0, state: vec![1.0; d], parameters: vec![1.0; 4] };
    let _ = Ensemble::new(tight()).solve(&Reactions, &[one(4), one(3)]);
}

/// A tank that leaks, with a measured inflow.
struct Tank {
    inflow: Table,
    leak: f64,
}

impl Ode<1> for Tank {
    #[inline(always)]
    fn rhs<N: Number>(&self, t: &Num<N>, [x]: &[Num<N>; 1]) -> [Num<N>; 1] {
        [self.inflow.at(t) - self.leak * x]
    }
    fn stops<N: Number>(&self, s: &Num<N>, t: &Num<N>) -> Vec<Num<N>> {
        self.inflow.stops(s, t)
    }
}

#[test]
fn measured_inflows_are_honoured_by_every_solver_and_by_ensembles() {
    // a shower of a hundredth of the time
    let tank = Tank { inflow: Table::steps(&[0.0, 30.0, 30.5, 50.0], &[0.0, 100.0, 0.0, 0.0]).unwrap(), leak: 0.1 };
    let exact = 1000.0 * (1.0 - (-0.05_f64).exp()) * (-0.1_f64 * 19.5).exp();
    let start = Start { from: 0.0, to: 50.0, state: [0.0], parameters: [] };
    let ends = Ensemble::new(tight()).solve(&tank, &[start; 20]);
    assert!(ends.iter().all(|end| (end.state[0] - exact).abs() < 1e-8), "{:?}, {exact}", ends[0]);
    let tank = tank.field();
    close(&tight().of(&tank).carry([0.0, 50.0], &[0.0]), &[exact], 1e-8);
    close(&FixedSteps::new(RK4, 200).unwrap().of(&tank).carry([0.0, 50.0], &[0.0]), &[exact], 1e-6);
    // and back
    close(&tight().of(&tank).carry([50.0, 0.0], &[exact]), &[0.0], 1e-6);
    #[cfg(feature = "diffsol")]
    {
        let solver = flowmap::solver::Stiff::bdf().tolerance(Tolerance::new(1e-8, 1e-8).unwrap());
        close(&solver.of(&tank).carry([0.0, 50.0], &[0.0]), &[exact], 1e-4);
    }
}
