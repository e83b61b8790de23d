//! One step of training against a transcription in scalars, and training that diverges.

use flowmap::{
    AverageVelocity, Error, Layout, Result, Tensor,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Distribution, Normal},
    learn::{Adam, Annealing, Checkpoint, Group, Independent, Run, Settings, Trainer},
    nn::{Mlp, MlpShape, Module},
    rand::Rng,
};
use std::{fs, path::Path};

/// `v_{s,t}(x) = a`: a flow that moves everything alike, whose loss is a parabola.
#[derive(Clone)]
struct Drift<P>(P);

impl<P> Module<P> for Drift<P> {
    type With<Q> = Drift<Q>;
    fn try_map<Q, E>(&self, f: &mut dyn FnMut(&str, &P) -> Result<Q, E>) -> Result<Drift<Q>, E> {
        f("drift", &self.0).map(Drift)
    }
    fn visit_mut(&mut self, f: &mut dyn FnMut(&str, &mut P)) {
        f("drift", &mut self.0);
    }
}

impl<T: Tensor> AverageVelocity<T> for Drift<T::Primal> {
    fn average_velocity(&self, _s: &T, _t: &T, x: &T) -> T {
        T::from_primal(&self.0).expand(0, &x.shape()[..1])
    }
}

/// What the transcription carries from step to step.
struct Scalars {
    a: [f64; 2],
    first: [f64; 2],
    second: [f64; 2],
    average: [f64; 2],
}

const TARGET: [f64; 2] = [3.0, -1.0];
const DECAY: f64 = 0.9;

impl Scalars {
    /// Step `n`, counted from 1, written down from the papers: every `I'` is [`TARGET`], and the residual off the diagonal is 0.
    fn step(&mut self, n: i32, settings: &Settings, rectified: bool, rate: f64) -> [f64; 2] {
        let share = settings.diagonal_samples() as f64 / settings.batch as f64;
        let squares: f64 = (0..2).map(|i| (self.a[i] - TARGET[i]).powi(2)).sum();
        let loss = (-settings.weight).exp() * share * squares + settings.weight;
        let gradient: [f64; 2] = std::array::from_fn(|i| 2.0 * (-settings.weight).exp() * share * (self.a[i] - TARGET[i]));
        let norm = gradient[0].hypot(gradient[1]);
        let clipped = gradient.map(|g| if norm > settings.clip { g / norm * settings.clip } else { g });

        let longest = 2.0 / (1.0 - 0.999) - 1.0;
        let length = longest - 2.0 * f64::from(n) * 0.999_f64.powi(n) / (1.0 - 0.999_f64.powi(n));
        let rectification = ((length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)).sqrt();
        for (i, &g) in clipped.iter().enumerate() {
            self.first[i] = 0.9 * self.first[i] + 0.1 * g;
            self.second[i] = 0.999 * self.second[i] + 0.001 * g * g;
            let first = self.first[i] / (1.0 - 0.9_f64.powi(n));
            let adaptive = first / ((self.second[i] / (1.0 - 0.999_f64.powi(n))).sqrt() + 1e-8);
            self.a[i] -= rate
                * match rectified {
                    true if length < 5.0 => first,
                    true => rectification * adaptive,
                    false => adaptive,
                };
            // the sum of d^(n-k) a_k over the sum of d^(n-k)
            self.average[i] = DECAY * self.average[i] + self.a[i];
        }
        [loss, norm]
    }
}

#[test]
fn a_step_is_what_the_papers_say() {
    let start = [0.25, -0.5];
    for (rectified, clip) in [(false, 0.5), (false, 1e9), (true, 0.5), (true, 1e9)] {
        let settings = Settings {
            batch: 8,
            weight: 0.3,
            optimizer: Adam { rectified, ..Adam::default() }.into(),
            learning_rate: 0.05,
            schedule: Annealing::SquareRoot { start: 4 },
            clip,
            averages: vec![DECAY.into()],
            ..Settings::default()
        };
        let point = |mean: [f64; 2]| Normal::new(mean.to_vec(), 0.0).unwrap();
        let coupling = Independent::new(point([0.0; 2]), point(TARGET)).unwrap();
        let drift = Drift(NdTensor::<f64>::from_slice(&start, &[2]));
        let mut trainer = Trainer::new(drift, coupling, settings.clone()).unwrap();
        let mut scalars = Scalars { a: start, first: [0.0; 2], second: [0.0; 2], average: [0.0; 2] };
        for n in 1..=12 {
            let rate = 0.05 / (f64::from(n - 1) / 4.0).max(1.0).sqrt();
            let [loss, norm] = scalars.step(n, &settings, rectified, rate);
            let progress = trainer.step().unwrap();
            let close = |what: &str, found: f64, expected: f64| {
                let same = (found - expected).abs() < 1e-12 * (1.0 + expected.abs());
                assert!(same, "rectified: {rectified}, clip {clip}, step {n}: {what} is {found}, expected {expected}");
            };
            close("loss", progress.loss, loss);
            close("gradient", progress.gradient, norm);
            close("rate", progress.learning_rate, rate);
            close("residual", progress.residual, 0.0);
            for i in 0..2 {
                close("parameter", trainer.model().0.to_vec()[i], scalars.a[i]);
                close(
                    "average",
                    trainer.average(DECAY).unwrap().0.to_vec()[i],
                    scalars.average[i] * (1.0 - DECAY) / (1.0 - DECAY.powi(n)),
                );
            }
        }
    }
}

/// The checkerboard with a hole in it: one draw in 2,000 is NaN.
struct Faulty;

impl Distribution for Faulty {
    fn layout(&self) -> Layout {
        2.into()
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        Checkerboard.draw(rng, x);
        if x[0] > 0.999 {
            x[1] = f64::NAN;
        }
    }
}

type Network = Mlp<NdTensor<f32>>;

fn trainer<D: Distribution>(data: D, learning_rate: f64) -> Trainer<NdTensor<f32>, Network, Independent<Normal, D>> {
    let settings = Settings { objective: "esd".parse().unwrap(), batch: 16, learning_rate, ..Settings::default() };
    let coupling = Independent::new(Normal::standard(2).unwrap(), data).unwrap();
    Trainer::new(Mlp::new(&MlpShape::new(2, 16, 2), 1).unwrap(), coupling, settings).unwrap()
}

fn bytes(path: &Path) -> [Vec<u8>; 2] {
    ["tensors.safetensors", "state.json"].map(|name| fs::read(path.join(name)).unwrap())
}

fn diverges<D: Distribution>(data: impl Fn() -> D, learning_rate: f64) {
    let home = tempfile::tempdir().unwrap();
    let run = Run::new(home.path(), 10_000).unwrap().with_checkpoints(1, 2).unwrap();
    let mut diverged = trainer(data(), learning_rate);
    let error = run.train(&mut diverged).unwrap_err();

    let last = Checkpoint::latest(&run.checkpoints()).unwrap().unwrap();
    let Error::Diverged { step, .. } = error else { panic!("{error}") };
    assert_eq!(step, diverged.steps_taken() + 1);
    let message = error.to_string();
    for part in [format!("step {step}"), "of esd is ".into(), last.display().to_string()] {
        assert!(message.contains(&part), "{part} is not in: {message}");
    }

    let kept = diverged.save(&home.path().join("kept")).unwrap();
    assert!(bytes(&kept) == bytes(&last), "the step that failed changed the trainer");
    let mut resumed = trainer(data(), learning_rate);
    run.resume(&mut resumed).unwrap();
    resumed.model().visit(&mut |name, p| assert!(p.to_vec().iter().all(|x| x.is_finite()), "{name}"));
    assert!(matches!(resumed.step(), Err(Error::Diverged { step: again, .. }) if again == step));
}

#[test]
fn a_draw_that_is_no_number_stops_training_and_spoils_nothing() {
    diverges(|| Faulty, 1e-3);
}

#[test]
fn an_absurd_learning_rate_stops_training_and_spoils_nothing() {
    diverges(|| Checkerboard, 1e6);
}

fn parameters(network: &Network) -> Vec<(String, Vec<f32>)> {
    let mut all = Vec::new();
    network.visit(&mut |name, p| all.push((name.to_owned(), p.to_vec())));
    all
}

fn trained(settings: Settings, steps: usize) -> Network {
    let coupling = Independent::new(Normal::new(vec![0.0; 2], 0.0).unwrap(), Normal::new(TARGET.to_vec(), 0.0).unwrap()).unwrap();
    let mut trainer = Trainer::new(Mlp::new(&MlpShape::new(2, 16, 2), 1).unwrap(), coupling, settings).unwrap();
    (0..steps).for_each(|_| assert!(trainer.step().is_ok()));
    trainer.model().clone()
}

/// With points that are all alike every sample of a [`Drift`] has one gradient, whatever its times.
#[test]
fn a_batch_in_parts_has_the_gradient_of_the_whole() {
    let step = |accumulation| {
        let point = |mean: [f64; 2]| Normal::new(mean.to_vec(), 0.0).unwrap();
        let coupling = Independent::new(point([0.0; 2]), point(TARGET)).unwrap();
        let drift = Drift(NdTensor::<f64>::from_slice(&[0.25, -0.5], &[2]));
        let settings = Settings { batch: 13, accumulation, ..Settings::default() };
        let mut trainer = Trainer::new(drift, coupling, settings).unwrap();
        let progress = trainer.step().unwrap();
        [progress.loss, progress.gradient, progress.diagonal, progress.residual, trainer.model().0.to_vec()[0]]
    };
    let whole = step(1);
    for accumulation in [2, 5, 13] {
        for (found, expected) in step(accumulation).into_iter().zip(whole) {
            assert!((found - expected).abs() < 1e-14, "in {accumulation} parts: {found}, not {expected}");
        }
    }
}

#[test]
fn groups_have_their_rates_and_decays() {
    let settings = |groups: Vec<Group>, weight_decay| Settings { batch: 8, groups, weight_decay, ..Settings::default() };
    let start = parameters(&Mlp::new(&MlpShape::new(2, 16, 2), 1).unwrap());
    let group = |names: &str, rate, weight_decay| Group { names: names.into(), rate, weight_decay };
    // a rate of 0 leaves parameters as they are, weight decay or not
    let frozen = parameters(&trained(settings(vec![group("layers.1", 0.0, None)], 0.5), 3));
    for ((name, before), (_, after)) in start.iter().zip(&frozen) {
        assert_eq!(before == after, name.starts_with("layers.1"), "{name}");
    }
    // decay is that of AdamW: x ← (1 - rate decay) x, beside the step, which is small here
    let [plain, decayed] =
        [0.0, 100.0].map(|decay| parameters(&trained(settings(vec![group("bias", 1.0, Some(0.0))], decay), 1)));
    for (((name, before), (_, plain)), (_, decayed)) in start.iter().zip(&plain).zip(&decayed) {
        let share = if name.ends_with("bias") { 0.0 } else { 0.1 };
        for ((before, plain), decayed) in before.iter().zip(plain).zip(decayed) {
            assert!((plain - share * before - decayed).abs() < 1e-6, "{name}: {before} to {plain} and {decayed}");
        }
    }
}
