//! Random cases: a family, starts, ends, derivatives, a solver, times.

use crate::{
    families::{FAMILIES, Family},
    numbers::{Packed, Sample},
    solvers::Choice,
};
use flowmap::{Coordinates, Dual, ParametricOde, State, WithParameters};
use proptest::{array::uniform2, prelude::*};

/// A start, an end, parameters: `s, t, x₀, x₁, p₀, p₁`.
#[derive(Clone, Debug)]
pub struct Problem<N> {
    pub family: Family,
    pub inputs: [N; 6],
}

impl<N: flowmap::Number> Problem<N> {
    pub fn s(&self) -> &N {
        &self.inputs[0]
    }
    pub fn t(&self) -> &N {
        &self.inputs[1]
    }
    pub fn x<X: Coordinates<2, Time = N>>(&self) -> X {
        X::join([self.inputs[2].clone(), self.inputs[3].clone()])
    }
    pub fn field(&self) -> WithParameters<Family, N, 2, 2> {
        self.family.with([self.inputs[4].clone(), self.inputs[5].clone()])
    }
    /// `X_{u,t}(x)`, exactly.
    pub fn flow(&self, u: &N, t: &N, x: &[N; 2]) -> [N; 2] {
        self.family.flow(u, t, x, &[self.inputs[4].clone(), self.inputs[5].clone()])
    }
    /// The state at time `t`, exactly.
    pub fn at(&self, t: &N) -> [N; 2] {
        self.flow(self.s(), t, &self.x())
    }
    pub fn map<M>(&self, f: impl FnMut(N) -> M) -> Problem<M> {
        Problem { family: self.family, inputs: self.inputs.clone().map(f) }
    }
    /// The same where nothing has another derivative.
    pub fn still(&self) -> Problem<Dual<N>> {
        self.map(Dual::constant)
    }
}

/// The numbers of the samples of `X`.
pub type SampleOf<X> = <<X as State>::Time as Packed>::Sample;

/// What becomes of one sample: its inputs, and three tangents for each, of which nested duals take all.
#[derive(Clone, Debug)]
pub struct Row {
    pub inputs: [f64; 6],
    pub tangents: [[f64; 6]; 3],
}

#[derive(Clone, Debug)]
pub struct Case {
    pub family: Family,
    pub solver: Choice,
    rows: Vec<Row>,
    /// What the spans of all rows share; the first row goes from end to end of it.
    shared: [f64; 2],
    /// Where to look, as shares of the way.
    shares: [f64; 2],
    /// Which ends of steps to look at.
    picks: [f64; 2],
}

impl Case {
    /// One sample for each row of a state.
    pub fn problems<S: Sample>(&self, rows: usize) -> Vec<Problem<S>> {
        let input = |row: &Row, i: usize| {
            let [a, b, c] = row.tangents.map(|tangent| tangent[i]);
            S::from_parts(&[row.inputs[i], a, b, c][..S::PARTS])
        };
        let problem = |row: &Row| Problem { family: self.family, inputs: std::array::from_fn(|i| input(row, i)) };
        self.rows[..rows].iter().map(problem).collect()
    }

    /// Of so many rows.
    pub fn longest_span(&self, rows: usize) -> f64 {
        self.rows[..rows].iter().map(|row| (row.inputs[1] - row.inputs[0]).abs()).fold(0.0, f64::max)
    }

    /// Times within the spans of all rows, in no order: both ends, their neighbours one rounding inside, shares of the way, ends
    /// of steps and what is beside those. Some come twice.
    pub fn times_for_all(&self, ends: &[Vec<f64>]) -> Vec<f64> {
        let [a, b] = self.shared;
        let [first, second] = self.shares.map(|share| a + share * (b - a));
        let mut times = vec![b, second, a, a.next_up(), first, b.next_down(), second, b, a];
        for (ends, pick) in ends.iter().zip(self.picks) {
            let end = picked(ends, pick);
            times.extend([end.next_down(), end, end.next_up()]);
        }
        times.retain(|time| (a..=b).contains(time));
        times
    }

    /// Times within the span of each row, likewise: lists of one for each row.
    pub fn times_of_each(&self, ends: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let of_row = |(row, ends): (&Row, &Vec<f64>)| {
            let [s, t, ..] = row.inputs;
            let [first, second] = self.shares.map(|share| s + share * (t - s));
            let [one, other] = self.picks.map(|pick| picked(ends, pick));
            let times = [s, t, s.next_up(), s.next_down(), t.next_up(), t.next_down(), first, second, one, other];
            let beside = [one.next_up(), one.next_down()];
            times.into_iter().chain(beside).map(|time| time.clamp(s.min(t), s.max(t))).collect::<Vec<_>>()
        };
        let rows: Vec<_> = self.rows.iter().zip(ends).map(of_row).collect();
        (0..rows[0].len()).map(|k| rows.iter().map(|row| row[k]).collect()).collect()
    }

    /// One of the shares.
    pub fn share(&self) -> f64 {
        self.shares[0]
    }
}

fn picked(ends: &[f64], pick: f64) -> f64 {
    ends[((pick * ends.len() as f64) as usize).min(ends.len() - 1)]
}

/// Side by side.
pub fn packed<N: Packed>(rows: &[Problem<N::Sample>]) -> Problem<N> {
    let input = |i: usize| N::pack(&rows.iter().map(|row| row.inputs[i].clone()).collect::<Vec<_>>());
    Problem { family: rows[0].family, inputs: std::array::from_fn(input) }
}

fn unit() -> std::ops::RangeInclusive<f64> {
    -1.0..=1.0
}

/// The direction of a derivative: by the start, the end, the state, the parameters, or all of them.
fn direction() -> impl Strategy<Value = [f64; 6]> {
    let moving = prop_oneof![
        Just([true, false, false, false, false, false]),
        Just([false, true, false, false, false, false]),
        Just([false, false, true, true, false, false]),
        Just([false, false, false, false, true, true]),
        Just([true; 6]),
    ];
    (moving, proptest::array::uniform6(unit()))
        .prop_map(|(moving, d)| std::array::from_fn(|i| if moving[i] { d[i] } else { 0.0 }))
}

/// The length of a span: none, next to none, or some.
fn length(longest: f64) -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 2 => (3.0..16.0).prop_map(|digits: f64| 10_f64.powf(-digits)), 7 => 0.02..longest]
}

/// How far a row goes beyond what the rows share.
fn beyond() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..0.3]
}

/// Anywhere, or where values rest.
fn place() -> impl Strategy<Value = [f64; 2]> {
    prop_oneof![3 => uniform2(unit()), 1 => Just([0.0; 2])]
}

/// What is drawn for a row, in numbers of no unit.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    backward: bool,
    /// How far it goes beyond what the rows share.
    beyond: [f64; 2],
    x: [f64; 2],
    p: [f64; 2],
    tangents: [[f64; 6]; 3],
}

impl Drawn {
    fn row(self, family: Family, [a, b]: [f64; 2]) -> Row {
        let (low, high) = (a - self.beyond[0], b + self.beyond[1]);
        let (s, t) = if self.backward { (high, low) } else { (low, high) };
        let ([x, y], [p, q]) = (family.point(self.x), family.parameters(self.p, [low, high]));
        Row { inputs: [s, t, x, y, p, q], tangents: self.tangents }
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let second = prop_oneof![Just([0.0; 6]), proptest::array::uniform6(unit())];
    let tangents = (direction(), direction(), second).prop_map(|(first, other, second)| [first, other, second]);
    (any::<bool>(), uniform2(beyond()), place(), uniform2(unit()), tangents)
        .prop_map(|(backward, beyond, x, p, tangents)| Drawn { backward, beyond, x, p, tangents })
}

/// `ROWS` at most.
const ROWS: usize = 4;

pub fn cases(solvers: impl Strategy<Value = Choice>) -> impl Strategy<Value = Case> {
    let family = proptest::sample::select(&FAMILIES[..]);
    let span = |solver: Choice| (-10.0..10.0, length(solver.longest_span())).prop_map(move |span| (solver, span));
    let rows = proptest::collection::vec(drawn(), ROWS);
    let all = (family, solvers.prop_flat_map(span), rows, uniform2(0.0..1.0), uniform2(0.0..1.0));
    all.prop_map(|(family, (solver, (a, length)), mut rows, shares, picks)| {
        rows[0].beyond = [0.0; 2];
        let shared = [a, a + length];
        Case { family, solver, rows: rows.into_iter().map(|row| row.row(family, shared)).collect(), shared, shares, picks }
    })
}
