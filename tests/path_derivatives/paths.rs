//! Every state that a path gives, however it was kept.

use crate::{
    cases::{Case, Problem},
    numbers::{Packed, Sample},
    solvers::Any,
};
use flowmap::{
    Coordinates, Dual, FlowMap, Number, State, Value,
    solver::{Adaptive, Save, Solution, Solver},
};
use proptest::{prelude::*, test_runner::TestCaseError};

/// A state that a path gave for a time.
#[derive(Clone, Debug)]
pub struct Seen<X: State> {
    /// Where it comes from.
    pub what: &'static str,
    pub time: X::Time,
    pub state: X,
    /// Whether it is an end of a step as the method has it, not a value of the polynomial between the ends.
    pub own: bool,
}

impl<X: State> Seen<X> {
    pub fn own(what: &'static str, time: &X::Time, state: &X) -> Self {
        Self { what, time: time.clone(), state: state.clone(), own: true }
    }
    pub fn between(what: &'static str, time: &X::Time, state: &X) -> Self {
        Self { what, time: time.clone(), state: state.clone(), own: false }
    }
}

pub type Checked<T> = Result<T, TestCaseError>;

/// The ways of saving, as they are called in the library.
pub const SAVES: [&str; 4] = ["End", "Steps", "Dense", "At"];

#[test]
fn no_way_of_saving_is_forgotten() {
    let source = include_str!("../../src/solver/solution.rs");
    let (_, after) = source.split_once("pub enum Save {").unwrap();
    let (variants, _) = after.split_once("\n}").unwrap();
    let lines = variants.lines().map(str::trim).filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let names: Vec<&str> = lines.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap()).collect();
    assert_eq!(names, SAVES);
}

/// The ends of steps, row by row.
pub type Ends = Vec<Vec<f64>>;

/// What solves a problem.
pub trait Solves<X: State> {
    fn path(&self, problem: &Problem<X::Time>, save: &Save) -> Solution<X>;
    /// The end alone, as its flow map has it.
    fn flow(&self, problem: &Problem<X::Time>) -> X;
    /// If it can be led step by step.
    fn adaptive(&self) -> Option<&Adaptive>;
}

impl<X: Coordinates<2>> Solves<X> for Any {
    fn path(&self, problem: &Problem<X::Time>, save: &Save) -> Solution<X> {
        self.solve(&problem.field(), problem.s(), problem.t(), &problem.x(), save).unwrap()
    }
    fn flow(&self, problem: &Problem<X::Time>) -> X {
        let map = self.clone().of(problem.field());
        map.flow(problem.s(), problem.t(), &problem.x())
    }
    fn adaptive(&self) -> Option<&Adaptive> {
        match self {
            Self::Adaptive(solver) => Some(solver),
            Self::Fixed(_) => None,
        }
    }
}

/// A solve and what is asked of it.
pub struct Course<'a, X: State, S> {
    pub case: &'a Case,
    pub problem: &'a Problem<X::Time>,
    pub solver: &'a S,
}

impl<X: Coordinates<2, Time: Packed>, S: Solves<X>> Course<'_, X, S> {
    pub fn path(&self, save: &Save) -> Checked<Solution<X>> {
        let problem = self.problem;
        let path = self.solver.path(problem, save);
        prop_assert!(path.status().is_success(), "{save:?}: {}", path.status());
        same(path.end_time(), problem.t(), "the time at the end")?;
        Ok(path)
    }

    /// The ends of its steps.
    pub fn ends(&self) -> Checked<Ends> {
        let path = self.path(&Save::Steps)?;
        let times: Vec<_> = path.times().iter().map(Value::values).collect();
        Ok((0..X::Time::ROWS).map(|row| times.iter().map(|time| time[row]).collect()).collect())
    }

    /// All of them.
    pub fn every_state(&self, ends: &Ends) -> Checked<Vec<Seen<X>>> {
        let mut seen = vec![Seen::own("flow", self.problem.t(), &self.solver.flow(self.problem))];
        for name in SAVES {
            let save = match name {
                "End" => Save::End,
                "Steps" => Save::Steps,
                "Dense" => Save::Dense,
                _ => Save::At(self.case.times_for_all(ends)),
            };
            seen.extend(self.saved(&save, ends)?);
        }
        if let Some(solver) = self.solver.adaptive() {
            seen.extend(self.by_hand(solver));
        }
        Ok(seen)
    }

    /// What one way of saving gives.
    fn saved(&self, save: &Save, ends: &Ends) -> Checked<Vec<Seen<X>>> {
        let path = self.path(save)?;
        // of the solve's own end: its time is the one that was asked for
        let mut seen = vec![Seen::own("the end", self.problem.t(), path.end())];
        let listed = || path.times().iter().zip(path.states());
        match save {
            Save::End => {}
            Save::Steps => {
                same(&path.times()[0], self.problem.s(), "the time of the first step's start")?;
                if path.times().len() > 1 {
                    same(&path.times()[path.times().len() - 1], self.problem.t(), "the time of the last step's end")?;
                }
                seen.extend(listed().map(|(time, state)| Seen::own("Steps", time, state)));
            }
            Save::At(times) => {
                prop_assert_eq!(path.times().len(), times.len());
                for (found, &time) in path.times().iter().zip(times) {
                    same(found, &self.problem.s().constant(time), "a time that was asked for")?;
                }
                seen.extend(listed().map(|(time, state)| Seen::between("At", time, state)));
            }
            Save::Dense => seen.extend(self.dense(&path, ends)),
            _ => unreachable!("{save:?} is new: what does it give, and at what times?"),
        }
        prop_assert_eq!(path.times().len(), path.states().len());
        Ok(seen)
    }

    /// Times that stand still, times that move with the ends, and the ends themselves; the pieces.
    fn dense(&self, path: &Solution<X>, ends: &Ends) -> Vec<Seen<X>> {
        let (s, t) = (self.problem.s(), self.problem.t());
        let at = |what, time: &X::Time| Seen::between(what, time, &path.at(time));
        let mut seen = vec![at("Dense at its start", s), at("Dense at its end", t)];
        for values in self.case.times_of_each(ends) {
            let still = X::Time::still(&values);
            let share = self.case.share();
            let drift = (s.clone() - s.frozen()).scale(1.0 - share) + (t.clone() - t.frozen()).scale(share);
            seen.extend([at("Dense", &still), at("Dense at a moving time", &(still.clone() + drift))]);
        }
        let pieces = path.pieces();
        for piece in [pieces.first(), pieces.get(pieces.len() / 2), pieces.last()].into_iter().flatten() {
            seen.push(Seen::own("the end of a piece", piece.end(), piece.to()));
            seen.extend([at("Dense at the start of a piece", piece.start()), at("Dense at the end of a piece", piece.end())]);
        }
        // samples of a batch that have stopped have no time on a piece
        if X::Time::ROWS == 1 && s.values() != t.values() {
            for piece in pieces.iter().take(3) {
                let middle = piece.start().scale(0.5) + piece.end().scale(0.5);
                let times = [piece.start(), piece.end(), &middle];
                seen.extend(times.map(|time| Seen::between("a piece", time, &piece.at(time))));
            }
        }
        seen
    }

    /// Step by step, and on to another end.
    fn by_hand(&self, solver: &Adaptive) -> Vec<Seen<X>> {
        let problem = self.problem;
        let mut stepper = solver.start(problem.field(), problem.s(), problem.t(), &problem.x());
        let mut seen = Vec::new();
        for further in [problem.t().shift(0.125), problem.t().shift(0.0625)] {
            while stepper.step() {
                seen.push(Seen::own("by hand", stepper.time(), stepper.state()));
                // samples of a batch that have stopped have no time on a piece
                if X::Time::ROWS == 1 {
                    let piece = stepper.piece();
                    seen.push(Seen::between("a piece by hand", piece.end(), &piece.at(piece.end())));
                }
            }
            seen.push(Seen::own("the end by hand", stepper.time(), stepper.state()));
            stepper.extend_to(&further);
        }
        seen
    }
}

/// A path that is kept, looked up with one more derivative: by the time.
pub fn looked_up<X, S>(course: &Course<X, S>, ends: &Ends) -> Checked<Vec<Seen<Dual<X>>>>
where
    X: Coordinates<2, Time: Packed>,
    S: Solves<X>,
{
    let path = course.path(&Save::Dense)?;
    let (s, x) = (Dual::constant(course.problem.s().clone()), Dual::constant(course.problem.x()));
    let look = |values: Vec<f64>| {
        let speeds: Vec<f64> = (0..values.len()).map(|row| 0.5 + row as f64).collect();
        let time = Dual::new(X::Time::still(&values), X::Time::still(&speeds));
        let state = FlowMap::<Dual<X>>::flow(&path, &s, &time, &x);
        Seen::between("a look-up on duals", &time, &state)
    };
    Ok(course.case.times_of_each(ends).into_iter().map(look).collect())
}

/// The same time, tangents and all.
fn same<N: Packed>(found: &N, right: &N, what: &str) -> Checked<()> {
    let parts = |time: &N| -> Vec<Vec<f64>> { time.unpack().iter().map(Sample::parts).collect() };
    let (found, right) = (parts(found), parts(right));
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-14 * (1.0 + b.abs());
    let equal = found.iter().zip(&right).all(|(found, right)| found.iter().zip(right).all(close) && found[0] == right[0]);
    prop_assert!(equal, "{what}: {found:?}, not {right:?}");
    Ok(())
}
