//! What trainers ask of their parts, what they tell them, and what the parts of this library do in a training.

use flowmap::{
    Error, Layout, Result, Tensor,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Distribution, Normal},
    learn::{
        Adam, Annealing, Average, Checkpoint, Descent, Distillation, Group, Independent, Optimizer, Parameter, Parts, Run,
        SampleWeights, Settings, Step, TimePairs, Trainer, Weighed, post_hoc,
    },
    nn::{Mlp, MlpShape, Module},
    rand::Rng,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

type Cpu = NdTensor<f32>;
type Network = Mlp<Cpu>;
type Pairs = Independent<Normal, Checkerboard>;

fn network() -> Network {
    Mlp::new(&MlpShape::new(2, 24, 2), 1).unwrap()
}

fn pairs() -> Pairs {
    Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap()
}

fn settings() -> Settings {
    Settings { batch: 12, averages: vec![], ..Settings::default() }
}

fn trainer(parts: Parts<Cpu>) -> Result<Trainer<Cpu, Network, Pairs>> {
    Trainer::with_parts(network(), pairs(), settings(), parts)
}

/// Parts that settings would refuse are refused as parts, too.
#[test]
fn parts_check_themselves() {
    let parts = || Parts::of(&settings());
    let wrong: [(&str, Parts<Cpu>); 6] = [
        ("schedule", Parts { schedule: Box::new(Annealing::StableDecay { start: 10, steps: 5 }), ..parts() }),
        ("times", Parts { times: Box::new(TimePairs::Grid { steps: 0 }), ..parts() }),
        ("times", Parts { times: Box::new(TimePairs::ToEnd), ..parts() }), // lsd needs the derivative by the end time
        ("weighting", Parts { weighting: Box::new(SampleWeights::Cauchy { offset: 0.0 }), ..parts() }),
        ("betas", Parts { optimizer: Box::new(Adam { betas: [0.9, 1.0], ..Adam::default() }), ..parts() }),
        ("field", Parts { objective: Box::new(Distillation::LMD), ..parts() }),
    ];
    for (what, parts) in wrong {
        let _ = format!("{parts:?}"); // may be shown, whatever they hold
        let message = trainer(parts).unwrap_err().to_string();
        assert!(message.contains(what), "{what}: {message}");
    }
}

/// An optimizer whose tensors would overwrite each other in a file.
struct Twins;

impl<T: Tensor<Primal = T>> Optimizer<T> for Twins {
    fn name(&self) -> String {
        "twins".into()
    }
    fn begin(&self, _name: &str, value: &T) -> Vec<(&'static str, T)> {
        vec![("same", value.clone()), ("same", value.clone())]
    }
    fn update(&self, _parameter: Parameter<'_, T>, _step: &Step) {}
}

#[test]
fn tensors_of_one_name_are_refused() {
    let message = trainer(Parts { optimizer: Box::new(Twins), ..Parts::of(&settings()) }).unwrap_err().to_string();
    assert!(message.contains("a name of its own"), "{message}");
}

#[test]
fn groups_without_parameters_are_refused() {
    for names in ["layer", "layers.01", "", "weights"] {
        let groups = vec![Group { names: names.into(), rate: 1.0, weight_decay: None }];
        let message = Trainer::new(network(), pairs(), Settings { groups, ..settings() }).unwrap_err().to_string();
        assert!(message.contains("layers.0.weight"), "{names}: {message}");
    }
    // what a group multiplies counts in the bounds, too
    let group = |rate| vec![Group { names: "bias".into(), rate, weight_decay: None }];
    let settings = |rate| Settings { learning_rate: 0.1, weight_decay: 9.0, groups: group(rate), ..settings() };
    assert!(settings(1.0).check().is_ok() && settings(2.0).check().is_err() && settings(1e9).check().is_err());
}

#[test]
fn a_schedule_that_gives_no_rate_stops_training_and_spoils_nothing() {
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        let schedule = move |k: u64| if k < 2 { 1.0 } else { bad };
        let mut trainer = trainer(Parts { schedule: Box::new(schedule), ..Parts::of(&settings()) }).unwrap();
        (0..2).for_each(|_| assert!(trainer.step().is_ok()));
        let before = parameters(trainer.model());
        assert!(matches!(trainer.step(), Err(Error::Invalid { what: "learning-rate schedule", .. })), "{bad}");
        assert!(parameters(trainer.model()) == before && trainer.steps_taken() == 2);
    }
}

fn parameters(network: &Network) -> Vec<f32> {
    let mut all = Vec::new();
    network.visit(&mut |_, p| all.extend(p.to_vec()));
    all
}

/// Nine samples on the diagonal, three off it, whose times are in order.
#[test]
fn a_weighting_is_told_what_it_weighs() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = {
        let seen = seen.clone();
        move |sample: &Weighed| {
            seen.lock().unwrap().push(*sample);
            1.0
        }
    };
    let [mut watched, mut plain] =
        [trainer(Parts { weighting: Box::new(record), ..Parts::of(&settings()) }), trainer(Parts::of(&settings()))]
            .map(Result::unwrap);
    let [found, expected] = [&mut watched, &mut plain].map(|trainer| trainer.step().unwrap());
    assert!((found.loss - expected.loss).abs() < 1e-6, "weights of 1 change nothing");
    let seen = seen.lock().unwrap();
    let (diagonal, pairs) = seen.split_at(9);
    assert!(diagonal.iter().all(|sample| sample.s == sample.t) && pairs.len() == 3 && pairs.iter().all(|p| p.s < p.t));
    assert!(seen.iter().all(|sample| sample.dimension == 2 && sample.log_loss == 1.0), "the weight of the settings");
    let mean = diagonal.iter().map(|sample| sample.square).sum::<f64>() / 9.0;
    assert!((mean - found.diagonal).abs() < 1e-6 * mean, "{mean} and {}", found.diagonal);
}

/// Remembers what it has drawn.
struct Watched(Arc<Mutex<Vec<[u64; 2]>>>);

impl Distribution for Watched {
    fn layout(&self) -> Layout {
        2.into()
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        Checkerboard.draw(rng, x);
        self.0.lock().unwrap().push([x[0].to_bits(), x[1].to_bits()]);
    }
}

#[test]
fn parts_of_a_batch_are_drawn_anew() {
    for accumulation in [1, 5, 12] {
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let pairs = Independent::new(Normal::standard(2).unwrap(), Watched(drawn.clone())).unwrap();
        Trainer::new(network(), pairs, Settings { accumulation, ..settings() }).unwrap().step().unwrap();
        let drawn = drawn.lock().unwrap();
        assert_eq!((drawn.len(), drawn.iter().collect::<BTreeSet<_>>().len()), (12, 12), "in {accumulation} parts");
    }
}

/// Flow matching from a point to a point has a loss that can be 0. At its usual rate the slowest, RAdam, has a sixth left.
#[test]
fn every_optimizer_learns() {
    for name in ["adam", "radam", "lion", "muon", "soap"] {
        let optimizer: Descent = name.parse().unwrap();
        let point = |mean: [f64; 2]| Normal::new(mean.to_vec(), 0.0).unwrap();
        let pairs = Independent::new(point([0.0; 2]), point([1.0, -0.5])).unwrap();
        let learning_rate = optimizer.usual_rate();
        let settings = Settings { objective: Distillation::FLOW_MATCHING.into(), optimizer, learning_rate, ..settings() };
        let mut trainer = Trainer::new(network(), pairs, settings).unwrap();
        let losses: Vec<_> = (0..300).map(|_| trainer.step().unwrap().diagonal).collect();
        assert!(losses[299] < 0.25 * losses[0], "{name}: from {} to {}", losses[0], losses[299]);
    }
}

/// An average that was not kept is made of two that were: nearly the one that another run kept.
#[test]
fn averages_are_chosen_after_the_training() {
    let home = tempfile::tempdir().unwrap();
    let trained = |name: &str, widths: &[f64]| {
        let averages = widths.iter().map(|&width| Average::Power { width }).collect();
        let mut trainer = Trainer::new(network(), pairs(), Settings { averages, ..settings() }).unwrap();
        let run = Run::new(home.path().join(name), 160).unwrap().with_checkpoints(10, 1).unwrap().with_milestones(10).unwrap();
        run.train(&mut trainer).unwrap();
        (trainer, Checkpoint::all(&run.checkpoints()).unwrap())
    };
    let (kept, of_two) = trained("two", &[0.05, 0.1]);
    let (other, of_one) = trained("one", &[0.07]);
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    let exact = parameters(other.average(Average::Power { width: 0.07 }).unwrap());
    let found = parameters(&post_hoc(&of_two, 0.07, &network()).unwrap());
    let near = [0.05, 0.1].map(|width| distance(&parameters(kept.average(Average::Power { width }).unwrap()), &exact));
    let error = distance(&found, &exact);
    assert!(error < 0.1 * near[0].min(near[1]), "off by {error}; those that were kept by {near:?}");

    let both: Vec<_> = of_two.iter().chain(&of_one).collect();
    assert!(post_hoc(&both, 0.07, &network()).unwrap_err().to_string().contains("another run"));
    assert!(post_hoc(&of_two, 0.3, &network()).is_err() && post_hoc(&of_two[..0], 0.07, &network()).is_err());
}
