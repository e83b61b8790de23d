//! Probes: check the velocity inside steps that are much longer than the one before.

use super::{MaskOf, Stepper};
use crate::{Mask, Number, State, Value, VelocityField, solver::segments::Within};

/// A step longer than the last one by more than this factor is probed.
pub(super) const UNPROBED: f64 = 3.0;

impl<X: State, B: VelocityField<X>> Stepper<X, B> {
    /// Sets where the step after this one, of length `h`, may be so much longer that it must be probed. The first step is a
    /// guess, after which steps may grow freely.
    #[cold]
    #[inline(never)]
    pub(super) fn watch(&mut self, factor: &X::Time, h: &X::Time) {
        let first = self.counts[0].less(&factor.constant(0.5));
        let grows = factor.constant(UNPROBED).less(factor).and(&first.not());
        if grows.any() {
            let anything = factor.constant(f64::INFINITY);
            let unprobed = self.memory.unprobed.as_ref().unwrap_or(&anything);
            self.memory.unprobed = Some(X::Time::select(&grows, &h.abs().scale(UNPROBED).frozen(), unprobed));
        }
    }

    /// Lifts the limit on unprobed steps for these samples.
    pub(super) fn release(&mut self, which: &MaskOf<X>) {
        if let Some(unprobed) = self.memory.unprobed.take() {
            let anything = unprobed.constant(f64::INFINITY);
            let rest = X::Time::select(which, &anything, &unprobed);
            self.memory.unprobed = rest.less(&anything).any().then_some(rest);
        }
    }

    /// Where an accepted step is much longer than the last one, and the velocity inside it is not as its ends predict: then the
    /// stages of the method may have agreed by chance, on the same side of jumps that lie between them.
    ///
    /// A cubic through states and velocities at both ends predicts the velocity in the widest gap between the stages of the
    /// method.
    #[cold]
    #[inline(never)]
    pub(super) fn surprised(&mut self, accepted: &MaskOf<X>, h: &X::Time, y: &X) -> Option<MaskOf<X>> {
        let unprobed = self.memory.unprobed.as_ref()?;
        let grown = accepted.and(&unprobed.less(&h.abs()));
        let surprised = grown.any().then(|| self.probe(&grown, h, y));
        match &surprised {
            None => self.release(accepted),
            Some(surprised) => self.release(&accepted.and(&surprised.not())),
        }
        surprised
    }

    /// The `next` step, or the longest that is not probed where the last step was `surprised`.
    #[cold]
    #[inline(never)]
    pub(super) fn longest_unprobed(&self, surprised: &MaskOf<X>, h: &X::Time, next: &X::Time) -> X::Time {
        let Some(unprobed) = &self.memory.unprobed else { return next.clone() };
        let along = X::Time::select(&h.less(&h.constant(0.0)), &-unprobed.clone(), unprobed);
        X::Time::select(surprised, &along, next)
    }

    /// Evaluates the velocity once more, where steps have `grown`, and returns where it differs from the prediction.
    fn probe(&mut self, grown: &MaskOf<X>, h: &X::Time, y: &X) -> MaskOf<X> {
        let share = widest_gap(self.solver.method.c);
        let h = X::Time::select(grown, h, &h.constant(0.0)).frozen();
        let [start, end] = [&self.state, y].map(X::frozen);
        let way = end.minus(&start);
        let rises = [&self.rates[0], &self.rates[self.solver.method.stages()]].map(|rate| rate.frozen().scaled(&h));
        let sum = |x: &X, weights: [f64; 3]| {
            let terms = [&way, &rises[0], &rises[1]].into_iter().zip(weights).map(|(term, w)| term.scaled(&h.constant(w)));
            terms.fold(x.clone(), |sum, term| sum.plus(&term))
        };
        let (p, rest) = (share, 1.0 - share);
        let middle = sum(&start, [p * p * (3.0 - 2.0 * p), p * rest * rest, -p * p * rest]);
        let foretold = sum(&way.minus(&way), [6.0 * p * rest, rest * (1.0 - 3.0 * p), p * (3.0 * p - 2.0)]);
        self.evaluations += 1;
        let within = Within { field: &self.field, window: &self.segments.window };
        let found = within.velocity(&(self.time.frozen() + h.scale(share)), &middle).frozen().scaled(&h);
        let size = |x: &X| x.error_norm(&start, &end, &self.solver.tolerance);
        let (miss, change) = (size(&found.minus(&foretold)), size(&rises[1].minus(&rises[0])));
        // a false alarm costs little: the next step grows less
        let bound = change.scale(0.01).shift(1.0);
        let surprised = grown.and(&miss.less(&bound).not());
        self.probed = X::Time::select(grown, &self.probed.shift(1.0), &self.probed);
        if !self.solver.reads_end() {
            // count the velocity at the end of a step that is not taken
            self.probed = X::Time::select(&surprised, &self.probed.shift(1.0), &self.probed);
        }
        surprised
    }
}

/// The golden ratio, far from every simple fraction.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The share of a step to probe: in the widest gap between the times of the method's stages, and at no simple fraction of it,
/// so that for a step over whole periods it does not have the phase of a stage.
fn widest_gap(stages: &[f64]) -> f64 {
    let mut times: Vec<f64> = stages.iter().copied().chain([0.0, 1.0]).collect();
    times.sort_by(f64::total_cmp);
    let gaps = times.windows(2).map(|pair| (pair[1] - pair[0], pair[0] + GOLDEN * (pair[1] - pair[0])));
    gaps.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.5, |(_, middle)| middle)
}
