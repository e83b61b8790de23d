//! Observers see each step and may stop a run; samplers draw what a trainer has learned.

use flowmap::{
    AverageVelocityMap, Cpu, Error, Layout, Result, State, TimeGrid, VelocityField,
    distribution::{Checkerboard, Distribution, Normal, Uniform},
    flow_map,
    learn::{
        Checkpoint, Distillation, Independent, Observer, Outcome, Plateau, Progress, Run, Settings, TimeLimit, Trainer, Training,
    },
    nn::{Mlp, MlpShape},
    rand::Rng,
    sample,
};
use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

type Pairs = Independent<Normal, Checkerboard>;

fn pairs() -> Pairs {
    Independent::new(Normal::standard(2).unwrap(), Checkerboard).unwrap()
}

fn trainer_of(objective: Distillation) -> Trainer<Cpu, Mlp<Cpu>, Pairs> {
    let settings = Settings { objective: objective.into(), batch: 16, averages: vec![0.9.into()], ..Settings::default() };
    Trainer::new(Mlp::new(&MlpShape::new(2, 16, 2), 1).unwrap(), pairs(), settings).unwrap()
}

/// Writes down the steps that it sees, and ends after one of them.
struct Ends {
    after: u64,
    end: fn() -> Result<ControlFlow<()>>,
    seen: Vec<u64>,
}

impl Observer for Ends {
    fn observe(&mut self, training: &Training) -> Result<ControlFlow<()>> {
        assert_eq!(training.steps, 20);
        self.seen.push(training.progress.step);
        if training.progress.step == self.after { (self.end)() } else { Ok(Continue(())) }
    }
}

fn saved(run: &Run) -> u64 {
    Checkpoint::open(&Checkpoint::latest(&run.checkpoints()).unwrap().unwrap()).unwrap().step()
}

#[test]
fn all_observers_see_each_step_and_any_of_them_stops_the_run() {
    for first_stops in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let run = Run::new(home.path(), 20).unwrap();
        let stops = || Ends { after: 7, end: || Ok(Break(())), seen: vec![] };
        let goes_on = || Ends { after: 99, end: || Ok(Break(())), seen: vec![] };
        let (mut first, mut second) = if first_stops { (stops(), goes_on()) } else { (goes_on(), stops()) };
        let mut trainer = trainer_of(Distillation::LSD);
        assert_eq!(run.train_watched(&mut trainer, &mut [&mut first, &mut second]).unwrap(), Outcome::Interrupted);
        assert_eq!([&first.seen, &second.seen], [&(1..=7).collect::<Vec<_>>(); 2]);
        assert_eq!(saved(&run), 7);
        // the rest, as if nothing had happened
        assert_eq!(run.train_watched(&mut trainer, &mut []).unwrap(), Outcome::Finished);
        assert_eq!(saved(&run), 20);
        assert_eq!(run.history().unwrap().last().unwrap().step, 20);
    }
}

#[test]
fn an_observer_that_fails_ends_the_run_with_its_error_and_the_state_is_saved() {
    let home = tempfile::tempdir().unwrap();
    let run = Run::new(home.path(), 20).unwrap();
    let full = || Err(Error::Io { path: "picture.png".into(), source: std::io::Error::other("no space left") });
    let mut observer = Ends { after: 5, end: full, seen: vec![] };
    let mut trainer = trainer_of(Distillation::LSD);
    let error = run.train_watched(&mut trainer, &mut [&mut observer]).unwrap_err();
    assert!(error.to_string().contains("picture.png"), "{error}");
    assert_eq!((saved(&run), trainer.steps_taken(), observer.seen.len()), (5, 5, 5));
}

#[test]
fn a_closure_sees_the_trainer() {
    let home = tempfile::tempdir().unwrap();
    let run = Run::new(home.path(), 20).unwrap();
    let mut drawn = vec![];
    run.train_with(&mut trainer_of(Distillation::LSD), |trainer, training| {
        if training.progress.step.is_multiple_of(8) {
            drawn.push(trainer.sampler(0.9)?.draw(3, 1)?);
        }
        Ok(Continue(()))
    })
    .unwrap();
    assert!(drawn.len() == 2 && drawn[0] != drawn[1], "{drawn:?}");
}

#[test]
fn the_time_of_steps_is_what_a_limit_counts() {
    let mut limit = TimeLimit::new(Duration::from_secs(10));
    let mut after = |seconds| {
        let progress = progress(1, 1.0);
        limit.observe(&Training { progress, time: Duration::from_secs(seconds), steps: 9 }).unwrap().is_break()
    };
    assert_eq!([after(4), after(5), after(1)], [false, false, true]);
    assert!(limit.is_reached());
}

fn progress(step: u64, loss: f64) -> Progress {
    Progress { step, loss, diagonal: loss, residual: 0.0, gradient: 1.0, learning_rate: 1e-3 }
}

/// The step after which a plateau is seen in this loss.
fn plateau(window: u64, least: f64, loss: impl Fn(u64) -> f64) -> Option<u64> {
    let mut plateau = Plateau::new(window, least).unwrap();
    (1..=1000).find(|&step| {
        let training = Training { progress: progress(step, loss(step)), time: Duration::ZERO, steps: 1000 };
        plateau.observe(&training).unwrap().is_break()
    })
}

#[test]
fn plateaus_are_seen_through_noise_and_at_any_sign() {
    let noise = |step: u64| if step.is_multiple_of(2) { 0.5 } else { -0.5 };
    assert_eq!(plateau(10, 0.0, |step| 2000.0 - step as f64 + noise(step)), None, "it falls all the way");
    assert_eq!(plateau(10, 0.0, |step| (100.0 - step as f64).max(0.0) + noise(step)), Some(120), "flat from 100 on");
    assert_eq!(plateau(10, 0.01, |step| -1.0 - step as f64), None, "a loss may be negative");
    assert_eq!(plateau(10, 0.01, |_| -1.0), Some(20));
    assert_eq!(plateau(10, 0.5, |step| 100.0 - step as f64 / 100.0), Some(20), "it falls, but by less than half");
    assert_eq!(plateau(1, 0.0, |step| step as f64), Some(2));
    for (window, least) in [(0, 0.1), (1, 1.0), (1, -0.1), (1, f64::NAN)] {
        assert!(Plateau::new(window, least).is_err());
    }
}

#[test]
fn a_sampler_follows_the_learned_map() {
    let trainer = trainer_of(Distillation::LSD);
    let (noise, map) = (Normal::standard(2).unwrap(), AverageVelocityMap(trainer.average(0.9).unwrap()));
    let expected = sample::draw::<Cpu>(&map, &TimeGrid::uniform([0.0, 1.0], 3).unwrap(), &noise, 50, 7);
    let sampler = trainer.sampler(0.9).unwrap().steps(3);
    assert_eq!(sampler.from(&noise).draw(50, 7).unwrap(), expected);
    // the source's own states at the start, whatever the number of samples
    let (few, many) = (sampler.draw(5, 7).unwrap(), sampler.draw(5000, 7).unwrap());
    assert_eq!(few, many[..10]);
    assert_ne!(few, sampler.draw(5, 8).unwrap());
    let mean = |rows: &[f64]| rows.iter().sum::<f64>() / rows.len() as f64;
    assert!(mean(&many).abs() < 0.2, "it starts from noise, and the map is still close to the identity: {}", mean(&many));
}

#[test]
fn after_flow_matching_a_sampler_takes_steps_of_the_velocity() {
    let trainer = trainer_of(Distillation::FLOW_MATCHING);
    let noise = Normal::standard(2).unwrap();
    let found = trainer.sampler(0.9).unwrap().steps(2).from(&noise).draw(20, 7).unwrap();
    let by_hand = flow_map(|s: &Cpu, t: &Cpu, x: &Cpu| {
        let map = AverageVelocityMap(trainer.average(0.9).unwrap());
        let velocity = map.velocity(s, x);
        x.plus(&velocity.scaled(&(t.clone() - s)))
    });
    let expected = sample::draw::<Cpu>(&by_hand, &TimeGrid::uniform([0.0, 1.0], 2).unwrap(), &noise, 20, 7);
    assert_eq!(found, expected);
}

/// Noise that is not finite.
struct Holes;

impl Distribution for Holes {
    fn layout(&self) -> Layout {
        2.into()
    }
    fn draw(&self, _: &mut dyn Rng, x: &mut [f64]) {
        x.fill(f64::NAN);
    }
}

#[test]
fn samples_that_cannot_be_are_errors() {
    let trainer = trainer_of(Distillation::LSD);
    let sampler = trainer.sampler(0.9).unwrap();
    assert!(trainer.sampler(0.5).unwrap_err().to_string().contains("0.9"), "the averages there are");
    assert!(matches!(sampler.steps(0).draw(1, 1), Err(Error::Invalid { .. })));
    assert!(matches!(sampler.from(&Holes).draw(1, 1), Err(Error::NotFinite { .. })));
    let line = Uniform::new(&[[0.0, 1.0]]).unwrap();
    assert!(matches!(sampler.from(&line).draw(1, 1), Err(Error::Shape { .. })));
    assert!(sampler.draw(0, 1).unwrap().is_empty());
}
