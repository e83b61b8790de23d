//! What is wrong with a flow is found.

use crate::suite::Tested;
use flowmap::{Case, FlowMap, Number, State, VelocityField, verify};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::rc::Rc;

/// One thing wrong with a flow.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The map's value is off by a factor.
    Value,
    /// The way that the map goes is: `X_{s,s} = id` holds.
    Displacement,
    /// A sign in the map: it runs backward. It still is a semigroup, and its own inverse's.
    Backward,
    /// The field is off by a factor.
    Speed,
    /// A sign in the field.
    Sign,
}

struct Faulty<'a, F: ?Sized>(&'a F, Fault);

impl<X: State, F: FlowMap<X> + ?Sized> FlowMap<X> for Faulty<'_, F> {
    fn flow(&self, s: &X::Time, t: &X::Time, x: &X) -> X {
        let end = || self.0.flow(s, t, x);
        let factor = s.constant(1.001);
        match self.1 {
            Fault::Value => end().scaled(&factor),
            Fault::Displacement => x.plus(&end().minus(x).scaled(&factor)),
            Fault::Backward => self.0.flow(t, s, x),
            Fault::Speed | Fault::Sign => end(),
        }
    }
}

impl<X: State, F: VelocityField<X> + ?Sized> VelocityField<X> for Faulty<'_, F> {
    fn velocity(&self, t: &X::Time, x: &X) -> X {
        let velocity = self.0.velocity(t, x);
        match self.1 {
            Fault::Speed => velocity.scaled(&t.constant(1.001)),
            Fault::Sign => velocity.negated(),
            Fault::Value | Fault::Displacement | Fault::Backward => velocity,
        }
    }
}

/// Looks at 16 flows of a deterministic draw: a flow drawn at random may be so slow that no fault shows.
pub fn are_caught<const D: usize>(flows: BoxedStrategy<Rc<dyn Tested<D>>>) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..16 {
        let flow = flows.new_tree(&mut runner).unwrap().current();
        let cases = vec(flow.cases(), 8).new_tree(&mut runner).unwrap().current();
        show(&*flow, &format!("{flow:?}"), &cases);
    }
}

fn show<const D: usize>(flow: &dyn Tested<D>, name: &str, cases: &[Case<[f64; D]>]) {
    let report = verify(flow, flow, cases.to_vec());
    assert!(report.holds(1e-9), "{name}\n{report}");
    for fault in [Fault::Value, Fault::Displacement, Fault::Backward, Fault::Speed, Fault::Sign] {
        // where a backward map runs into a blow-up its residual is infinite, and counts as found
        let report = verify(&Faulty(flow, fault), &Faulty(flow, fault), cases.to_vec());
        assert!(!report.holds(1e-5), "{fault:?} in {name} went unnoticed\n{report}");
    }
}
