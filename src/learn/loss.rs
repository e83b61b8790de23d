//! The loss of the samples of one step, and its gradient.

use super::{Batch, Context, Guidance, Source, Term, Trainer, Weighed};
use crate::{
    AverageVelocity, AverageVelocityMap, Number, Result, State, Tape, Tensor, Value, Var, VelocityField,
    nn::{Model, Module},
    random::stream,
};
use rand::{Rng, RngExt};

/// The gradient of the loss with respect to each parameter, and what was measured on the way.
pub(super) struct Gradient<T> {
    /// One for each parameter; `None` where the loss does not depend on it.
    pub parts: Vec<Option<T>>,
    /// The loss, without its constant.
    pub loss: f64,
    /// The sum of squares on the diagonal, and off it, each with the number of samples.
    pub squares: [Squares; 2],
}

/// A sum of squared residuals.
#[derive(Clone, Copy, Default)]
pub(super) struct Squares {
    pub sum: f64,
    pub samples: usize,
}

impl Squares {
    /// The mean; NaN of no samples.
    pub fn mean(self) -> f64 {
        if self.samples == 0 { f64::NAN } else { self.sum / self.samples as f64 }
    }
}

/// A part of the loss, and the squares in it.
struct Part<T> {
    loss: Var<T>,
    squares: f64,
}

impl<T, M, S> Trainer<T, M, S>
where
    T: Tensor<Primal = T>,
    M: Model<T>,
    S: Source<T>,
{
    /// The gradient of this step's loss, the sum over the parts of the batch.
    pub(super) fn gradient(&self) -> Result<Gradient<T>> {
        let on_diagonal = self.settings.samples_on_diagonal(self.parts.objective.pairs());
        let (counts, pieces) = ([on_diagonal, self.settings.batch - on_diagonal], self.settings.accumulation);
        // the products fit: settings bound the batch, and with it the number of pieces
        let piece = |count: usize, i: usize| count * (i + 1) / pieces - count * i / pieces;
        let mut rng = stream(self.settings.seed, self.step);
        let mut sum: Option<Gradient<T>> = None;
        for i in 0..pieces {
            let samples = counts.map(|count| piece(count, i));
            if samples == [0, 0] {
                continue;
            }
            let next = self.gradient_of(samples, &mut rng);
            self.finite("loss", next.loss)?;
            sum = Some(match sum {
                None => next,
                Some(sum) => sum.plus(next),
            });
        }
        Ok(sum.expect("a batch has samples"))
    }

    /// The gradient of the loss of this many samples on the diagonal, and off it.
    fn gradient_of(&self, [on, off]: [usize; 2], rng: &mut dyn Rng) -> Gradient<T> {
        let tape = Tape::new();
        let mut live = self.model.on_tape(&tape);
        let diagonal = (on > 0).then(|| self.on_diagonal(&mut live, on, rng));
        let pairs = (off > 0).then(|| self.off_diagonal(&live, off, rng));
        let squares = [(&diagonal, on), (&pairs, off)]
            .map(|(part, samples)| Squares { sum: part.as_ref().map_or(0.0, |part| part.squares), samples });
        let total = [diagonal, pairs].into_iter().flatten().map(|part| part.loss).reduce(|sum, part| sum + &part);
        let loss = total.expect("there are samples").scale(1.0 / self.settings.batch as f64);
        let mut all = tape.gradients(&loss);
        let mut parts = Vec::new();
        live.visit(&mut |_, p| parts.push(all.take(p)));
        Gradient { parts, loss: loss.values()[0], squares }
    }

    /// Regression on the velocities of a source.
    fn on_diagonal(&self, live: &mut M::OnTape, samples: usize, rng: &mut dyn Rng) -> Part<T> {
        let span = self.source.span();
        let times: Vec<f64> = (0..samples).map(|_| self.parts.times.single(span, &mut *rng)).collect();
        let dropout = rng.next_u64();
        let batch = self.draw(rng, &times);
        let (t, x) = (self.column(&times), batch.states.clone());
        let target = Var::constant(self.guided(batch.velocities(), &t, &x));
        let (t, x) = (Var::constant(t), Var::constant(x));
        let mut seeds = stream(dropout, 0);
        live.set_training(&mut || Some(seeds.next_u64()));
        let residual = AverageVelocityMap(&*live).velocity(&t, &x).minus(&target);
        live.set_training(&mut || None);
        self.part(vec![Term::new(residual)], live.log_loss(&t, &t, &x), [&times, &times])
    }

    /// The residuals of the objective.
    fn off_diagonal(&self, live: &M::OnTape, samples: usize, rng: &mut dyn Rng) -> Part<T> {
        let (span, coverage) = (self.source.span(), self.parts.times.coverage());
        let pairs = (0..samples).map(|_| {
            let pair = self.parts.times.pair(span, &mut *rng);
            self.settings.curriculum.map_or(pair, |curriculum| curriculum.shortened(self.step, pair, coverage))
        });
        let (starts, ends): (Vec<f64>, Vec<f64>) = pairs.map(|[s, t]| (s, t)).unzip();
        let shares: Vec<f64> = (0..samples).map(|_| rng.random()).collect();
        let batch = self.draw(rng, &starts);
        let [s, t, share] = [&starts, &ends, &shares].map(|values| self.column(values));
        let (needs, x) = (self.parts.objective.needs(), batch.states.clone());
        // guidance corrects the velocity of the sample here as on the diagonal
        let velocity = needs.velocity.then(|| Var::constant(self.guided(batch.velocities(), &s, &x)));
        let [s, t, share, x] = [s, t, share, x].map(Var::constant);
        let fixed = self.model.off_tape();
        let average = needs.average.then(|| self.averages[0].off_tape());
        let (short, reach) = self.source.short().unzip();
        let context = Context {
            live,
            fixed: &fixed,
            average: average.as_ref().map(|average| average as _),
            s: &s,
            t: &t,
            share: &share,
            x: &x,
            step: self.step,
            field: self.source.field(),
            short,
            reach: reach.unwrap_or(0.0),
            velocity,
        };
        let terms = self.parts.objective.terms(&context);
        assert!(!terms.is_empty(), "the objective {} has no terms", self.parts.objective.name());
        self.part(terms, live.log_loss(&s, &t, &x), [&starts, &ends])
    }

    /// States of the source at these times.
    fn draw(&self, rng: &mut dyn Rng, times: &[f64]) -> Batch<'_, T> {
        let batch = self.source.draw(rng, times, &self.device);
        let (found, expected) = (batch.states.shape(), [times.len(), self.source.dimension()]);
        assert!(found == expected, "the source drew states of shape {found:?}; they are to be {expected:?}");
        batch
    }

    /// Numbers as a tensor, one for each sample.
    fn column(&self, values: &[f64]) -> T {
        T::from_doubles_on(&self.device, values, &[values.len()])
    }

    /// The velocities of samples with the correction of guidance, if there is guidance.
    fn guided(&self, velocity: T, t: &T, x: &T) -> T {
        match Guidance::of(self.source.layout()) {
            Some(guidance) => velocity.plus(&guidance.correction(&self.model, t, x)),
            None => velocity,
        }
    }

    /// `Σ e^-w |r|² + w` over the samples, and over the terms by their weights; without the constant weight.
    fn part(&self, terms: Vec<Term<Var<T>>>, log_loss: Option<Var<T>>, times: [&[f64]; 2]) -> Part<T> {
        let constant = (-self.settings.weight).exp();
        let mut squares = 0.0;
        let losses = terms.into_iter().map(|Term { weight, residual }| {
            if log_loss.is_none() && self.parts.weighting.equal() {
                let sum = (residual.clone() * &residual).sum(0..residual.shape().len());
                squares += weight * sum.values()[0];
                return sum.scale(weight * constant);
            }
            let each = residual.dot(&residual);
            let found = each.values();
            squares += weight * found.iter().sum::<f64>();
            let expected = log_loss.as_ref().map_or_else(|| vec![0.0; found.len()], Value::values);
            let samples = found.iter().zip(&expected).zip(times[0].iter().zip(times[1]));
            let factors = samples.map(|((&square, &log_loss), (&s, &t))| {
                let log_loss = log_loss + self.settings.weight;
                self.parts.weighting.weight(&Weighed { square, dimension: residual.dimension(), s, t, log_loss })
            });
            let factors = Var::constant(self.column(&factors.collect::<Vec<_>>()));
            let weighed = each * factors;
            let weighed = match &log_loss {
                None => weighed,
                Some(w) => weighed * (-w.clone()).exp(),
            };
            weighed.scale(weight * constant).sum(0..1)
        });
        let loss = losses.reduce(|sum, next| sum + &next);
        let own = log_loss.as_ref().map(|w| w.sum(0..1));
        let loss = [loss, own].into_iter().flatten().reduce(|sum, next| sum + &next);
        Part { loss: loss.expect("there are terms"), squares }
    }
}

impl<T: Tensor<Primal = T>> Gradient<T> {
    fn plus(self, other: Self) -> Self {
        let parts = self.parts.into_iter().zip(other.parts).map(|pair| match pair {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        });
        let sum = |a: Squares, b: Squares| Squares { sum: a.sum + b.sum, samples: a.samples + b.samples };
        let squares = [0, 1].map(|i| sum(self.squares[i], other.squares[i]));
        Self { parts: parts.collect(), loss: self.loss + other.loss, squares }
    }

    /// The norm over all parameters.
    pub fn norm(&self) -> f64 {
        let squares = self.parts.iter().flatten().map(|g| (g.clone() * g).sum(0..g.shape().len()).values()[0]);
        squares.sum::<f64>().sqrt()
    }
}
