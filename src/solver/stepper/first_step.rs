//! The size of the first step.

use super::Stepper;
use crate::{Mask, Number, State, Value, VelocityField};

impl<X: State, B: VelocityField<X>> Stepper<X, B> {
    /// The first step to the goal, with its sign: no shorter than the rounding of time allows.
    #[inline(always)]
    pub(super) fn first_step(&mut self) -> X::Time {
        let way = self.segments.goal.clone() - &self.time;
        let rate = self.rates[0].clone();
        let (step, shortest) = (self.proposed(&rate, &way).frozen(), self.tick().min(&way.abs()).frozen());
        let signed = X::Time::select(&way.less(&way.constant(0.0)), &-shortest.clone(), &shortest);
        X::Time::select(&step.abs().less(&shortest), &signed, &step)
    }

    /// The step size at which the state changes by about a hundredth, and an Euler step is about right.
    ///
    /// Reference: E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, section II.4.
    #[inline(always)]
    fn proposed(&mut self, rate: &X, way: &X::Time) -> X::Time {
        let (zero, one) = (way.constant(0.0), way.constant(1.0));
        let direction = X::Time::select(&way.less(&zero), &-one.clone(), &one);
        let left = way.abs().frozen().min(&way.constant(self.solver.step_limits[1]));
        if let Some(length) = self.solver.first_step {
            return left.min(&way.constant(length)) * direction;
        }
        let tolerance = self.solver.tolerance.clone();
        let size = |x: &X, near: &X| x.error_norm(&self.state, near, &tolerance);
        // sizes that begin at 0 are measured shortly after the start
        let soon = (self.state.largest() / rate.largest()).scale(0.01);
        let soon = X::Time::select(&zero.less(&soon).and(&soon.less(&left)), &soon, &zero) * &direction;
        let near = self.state.advanced(&soon, &[1.0], std::slice::from_ref(rate));
        let (d0, d1) = (size(&self.state, &near), size(rate, &near));
        let small = way.constant(1e-5);
        let degenerate = d0.less(&small).or(&d1.less(&small));
        let guess = X::Time::select(&degenerate, &way.constant(1e-6), &(d0 / &d1).scale(0.01)).min(&left);
        let h = guess.clone() * &direction;
        let euler = self.state.advanced(&h, &[1.0], std::slice::from_ref(rate));
        let next = self.velocity(&(self.time.clone() + &h), &euler);
        let size = |x: &X| x.error_norm(&self.state, &euler, &tolerance);
        let steepest = size(rate).max(&(size(&next.minus(rate)) / &guess));
        let flat = guess.scale(1e-3).max(&way.constant(1e-6));
        let bent = (steepest.recip().scale(0.01)).powf(1.0 / f64::from(self.solver.method.order));
        let proposed = X::Time::select(&steepest.less(&way.constant(1e-15)), &flat, &bent).min(&guess.scale(30.0)).min(&left);
        // a NaN proposal is ignored
        let usable = zero.less(&proposed);
        X::Time::select(&usable, &proposed, &guess) * direction
    }
}
