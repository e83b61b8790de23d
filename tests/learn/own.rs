//! A program with a network, objective, optimizer, schedule, distribution of times, weighting and interpolant of its own trains,
//! is interrupted, resumes bit for bit, and samples.

use flowmap::{
    Activation, AverageVelocity, AverageVelocityMap, Num, Number, Tensor, TimeGrid, Var,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Normal},
    interpolant::Interpolant,
    learn::{
        Checkpoint, Context, Coupling, Distillation, Independent, Needs, Objective, Optimizer, Parameter, Parts, Run, Settings,
        Source, Step, Term, Times, Trainer, Weighed,
    },
    module,
    nn::{Linear, with_times},
    rand::{Rng, RngExt},
    sample,
};
use std::{fs, path::Path};

type Cpu = NdTensor<f32>;

module! {
    /// `v_{s,t}(x) = x + W₂ σ(W₁ (s, t, x))`
    #[derive(Clone)]
    struct Residual<P> { first: Linear<P>, second: Linear<P> }
}

impl<T: Tensor> AverageVelocity<T> for Residual<T::Primal> {
    fn average_velocity(&self, s: &T, t: &T, x: &T) -> T {
        let hidden = self.first.apply(&with_times(s, t, x)).activate(Activation::Silu);
        self.second.apply(&hidden).plus(x)
    }
}

/// Lagrangian and progressive self-distillation at once.
struct Mix;
const MIX: [(f64, Distillation); 2] = [(0.7, Distillation::LSD), (0.3, Distillation::PSD_M)];

impl<T: Tensor<Primal = T>> Objective<T> for Mix {
    fn name(&self) -> String {
        "0.7 lsd + 0.3 psd-m".into()
    }
    fn needs(&self) -> Needs {
        MIX[0].1.needs() | MIX[1].1.needs()
    }
    fn terms(&self, context: &Context<'_, Var<T>>) -> Vec<Term<Var<T>>> {
        let term = |(weight, part): (f64, Distillation)| Some(Term { weight, residual: part.residual(context)? });
        MIX.into_iter().filter_map(term).collect()
    }
}

/// Gradient descent with momentum.
struct HeavyBall(f64);

impl<T: Tensor<Primal = T>> Optimizer<T> for HeavyBall {
    fn name(&self) -> String {
        format!("heavy ball {}", self.0)
    }
    fn begin(&self, _name: &str, value: &T) -> Vec<(&'static str, T)> {
        vec![("velocity", value.constant(0.0))]
    }
    fn update(&self, Parameter { value, gradient, state, .. }: Parameter<'_, T>, step: &Step) {
        step.decay(value);
        state[0] = gradient.scale_onto(step.gradient_scale, state[0].scale(self.0));
        *value = state[0].scale_onto(-step.rate, value.clone());
    }
}

/// More short intervals than long ones.
struct Short;

impl Times for Short {
    fn pair(&self, span: [f64; 2], rng: &mut dyn Rng) -> [f64; 2] {
        let s = self.single(span, rng);
        [s, s + (span[1] - s) * rng.random::<f64>().powi(2)]
    }
    fn single(&self, [start, end]: [f64; 2], rng: &mut dyn Rng) -> f64 {
        start + (end - start) * rng.random::<f64>()
    }
}

/// A path that leaves the noise slowly.
struct Bent;

impl Interpolant for Bent {
    fn alpha<N: Number>(&self, t: &Num<N>) -> Num<N> {
        1.0 - t * t
    }
    fn beta<N: Number>(&self, t: &Num<N>) -> Num<N> {
        t * t
    }
    fn span(&self) -> [f64; 2] {
        [0.0, 1.0]
    }
}

fn parts() -> Parts<Cpu> {
    Parts {
        objective: Box::new(Mix),
        optimizer: Box::new(HeavyBall(0.9)),
        schedule: Box::new(|k: u64| 1.0 - (k % 7) as f64 / 10.0),
        times: Box::new(Short),
        weighting: Box::new(|sample: &Weighed| 1.0 + sample.t - sample.s),
    }
}

fn trainer() -> flowmap::Result<Trainer<Cpu, Residual<Cpu>, impl Source<Cpu>>> {
    let noise = Normal::standard(2)?;
    let network = Residual { first: Linear::new([4, 32], 1), second: Linear::new([32, 2], 2) };
    let settings = Settings { batch: 32, learning_rate: 1e-2, averages: vec![0.9.into()], ..Settings::default() };
    Trainer::with_parts(network, Independent::new(noise, Checkerboard)?.along(Bent), settings, parts())
}

fn run(folder: &Path, steps: u64) -> flowmap::Result<Vec<u8>> {
    let (run, mut trainer) = (Run::new(folder, steps)?, trainer()?);
    run.resume(&mut trainer)?;
    run.train(&mut trainer)?;
    let newest = Checkpoint::latest(&run.checkpoints())?.expect("a run leaves a checkpoint");
    Ok(fs::read(newest.join("tensors.safetensors")).unwrap())
}

#[test]
fn parts_of_ones_own_train_and_resume_bit_for_bit() -> flowmap::Result<()> {
    let home = tempfile::tempdir().unwrap();
    let whole = run(&home.path().join("whole"), 20)?;
    run(&home.path().join("parts"), 9)?;
    assert!(run(&home.path().join("parts"), 20)? == whole, "a resumed run differs");

    let mut trained = trainer()?;
    Run::new(home.path().join("parts"), 20)?.resume(&mut trained)?;
    let map = AverageVelocityMap(trained.average(0.9)?);
    let drawn = sample::draw::<Cpu>(&map, &TimeGrid::uniform([0.0, 1.0], 4)?, &Normal::standard(2)?, 100, 7);
    assert!(drawn.len() == 200 && drawn.iter().all(|x| x.is_finite()));
    Ok(())
}

/// A checkpoint of other parts is refused, whichever part it is.
#[test]
fn other_parts_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let path = trainer().unwrap().save(home.path()).unwrap();
    trainer().unwrap().restore(&path).unwrap();
    let settings = || trainer().unwrap().settings().clone();
    let named = || Parts::of(&settings());
    let others: [(&str, Parts<Cpu>); 5] = [
        ("parts.objective", Parts { objective: named().objective, ..parts() }),
        ("parts.optimizer", Parts { optimizer: Box::new(HeavyBall(0.8)), ..parts() }),
        ("parts.schedule", Parts { schedule: named().schedule, ..parts() }),
        ("parts.times", Parts { times: named().times, ..parts() }),
        ("parts.weighting", Parts { weighting: named().weighting, ..parts() }),
    ];
    for (what, parts) in others {
        let network = trainer().unwrap().model().clone();
        let source = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap().along(Bent);
        let mut other = Trainer::with_parts(network, source, settings(), parts).unwrap();
        let message = other.restore(&path).unwrap_err().to_string();
        assert!(message.contains(what), "{what}: {message}");
    }
    let straight = Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap();
    let mut straight = Trainer::with_parts(trainer().unwrap().model().clone(), straight, settings(), parts()).unwrap();
    assert!(straight.restore(&path).unwrap_err().to_string().contains("source"));
}
