//! Solvers with tolerances that suit them.

use flowmap::{
    Result, State, Tolerance, VelocityField,
    solver::{
        Adaptive, BOGACKI_SHAMPINE, DOP853, DOPRI5, EULER, FixedSteps, HEUN, MIDPOINT, Numerical, RK4, Save, Solution, Solver,
        TSIT5, Tableau,
    },
};
use proptest::prelude::*;

/// A method, and how its steps are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub method: Tableau,
    pub steps: Steps,
    /// No adaptive step is longer.
    pub longest: f64,
}

#[derive(Clone, Copy, Debug)]
pub enum Steps {
    /// As long as this tolerance allows.
    Adaptive(f64),
    /// About this long.
    Fixed(f64),
}

impl Choice {
    /// Methods of low order take many steps: they get short spans.
    pub fn longest_span(&self) -> f64 {
        match self.method.order {
            ..=2 => 0.3,
            3 => 0.7,
            _ => 2.0,
        }
    }

    /// For spans of this length.
    pub fn solver(&self, span: f64) -> Any {
        match self.steps {
            Steps::Adaptive(tolerance) => Any::Adaptive(self.adaptive(tolerance)),
            Steps::Fixed(length) => {
                let count = (span / length).ceil().max(1.0) as u32;
                Any::Fixed(FixedSteps::new(self.method, count).unwrap())
            }
        }
    }

    pub fn adaptive(&self, tolerance: f64) -> Adaptive {
        let solver = Adaptive::new(self.method).unwrap().tolerance(Tolerance::new(tolerance, tolerance).unwrap());
        solver.step_limits(0.0, self.longest).unwrap()
    }
}

fn adaptive(methods: &'static [Tableau], digits: std::ops::Range<f64>) -> impl Strategy<Value = Choice> {
    let choice = |(method, digits): (Tableau, f64)| Choice {
        method,
        steps: Steps::Adaptive(10_f64.powf(-digits)),
        longest: f64::INFINITY,
    };
    (proptest::sample::select(methods), digits).prop_map(choice)
}

/// Of order 5 and higher: their dense output has second derivatives, too.
pub fn fine() -> impl Strategy<Value = Choice> {
    let fixed = prop_oneof![Just((DOPRI5, 0.04)), Just((TSIT5, 0.04)), Just((DOP853, 0.1))];
    let fixed = fixed.prop_map(|(method, length)| Choice { method, steps: Steps::Fixed(length), longest: f64::INFINITY });
    prop_oneof![2 => adaptive(&[DOPRI5, TSIT5], 8.0..10.0), 1 => adaptive(&[DOP853], 9.0..11.0), 1 => fixed]
}

/// Whose steps are chosen by errors.
pub fn controlled() -> impl Strategy<Value = Choice> {
    prop_oneof![adaptive(&[DOPRI5, TSIT5], 3.0..10.0), adaptive(&[DOP853], 3.0..11.0), adaptive(&[BOGACKI_SHAMPINE], 3.0..7.0)]
}

/// With steps that are as good as their tolerance for tangents, too, which no error control sees: those on a tape.
pub fn short() -> impl Strategy<Value = Choice> {
    adaptive(&[DOPRI5, TSIT5, DOP853], 6.0..7.0).prop_map(|choice| Choice { longest: 0.1, ..choice })
}

pub fn all() -> impl Strategy<Value = Choice> {
    let fixed = [(EULER, 0.002), (MIDPOINT, 0.004), (HEUN, 0.004), (BOGACKI_SHAMPINE, 0.01), (RK4, 0.02)];
    let fixed = proptest::sample::select(fixed.to_vec());
    let fixed = fixed.prop_map(|(method, length)| Choice { method, steps: Steps::Fixed(length), longest: f64::INFINITY });
    let coarse = prop_oneof![adaptive(&[MIDPOINT, HEUN], 5.0..6.0), adaptive(&[BOGACKI_SHAMPINE], 6.0..7.0)];
    prop_oneof![2 => fine(), 1 => coarse, 1 => fixed]
}

/// Either kind.
#[derive(Clone, Debug)]
pub enum Any {
    Adaptive(Adaptive),
    Fixed(FixedSteps),
}

impl<X: State, B: VelocityField<X> + ?Sized> Solver<X, B> for Any {
    fn solve(&self, b: &B, s: &X::Time, t: &X::Time, x: &X, save: &Save) -> Result<Solution<X>> {
        match self {
            Self::Adaptive(solver) => solver.solve(b, s, t, x, save),
            Self::Fixed(solver) => solver.solve(b, s, t, x, save),
        }
    }
    fn solve_each(&self, b: &B, s: &X::Time, t: &X::Time, states: &[X]) -> Result<Vec<Solution<X>>> {
        match self {
            Self::Adaptive(solver) => solver.solve_each(b, s, t, states),
            Self::Fixed(solver) => solver.solve_each(b, s, t, states),
        }
    }
}

impl Any {
    pub fn of<B>(self, field: B) -> Numerical<Self, B> {
        Numerical::new(self, field)
    }
}
