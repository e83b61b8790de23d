//! A transformer of a user's own learns a flow map by Lagrangian self-distillation, and its runs resume.

#[path = "../common/transformer.rs"]
mod network;

use flowmap::{
    Cpu,
    distribution::Normal,
    learn::{Annealing, Checkpoint, Distillation, Independent, Run, Settings, Trainer},
};
use network::Transformer;
use std::{fs, path::Path};

const MEAN: [f64; 4] = [1.0, -1.0, 0.5, 2.0];

type Learner = Trainer<Cpu, Transformer<Cpu>, Independent<Normal, Normal>>;

/// Four coordinates in two tokens; the target is narrow, so the velocities of samples at one state hardly differ.
fn trainer(steps: u64) -> Learner {
    let target = Normal::new(MEAN.to_vec(), 0.1).unwrap();
    let coupling = Independent::new(Normal::standard(4).unwrap(), target).unwrap();
    let settings = Settings {
        objective: Distillation::LSD.into(),
        batch: 64,
        diagonal: 0.5,
        learning_rate: 1e-2,
        schedule: Annealing::Cosine { steps },
        averages: vec![0.99.into()],
        ..Settings::default()
    };
    Trainer::new(Transformer::new_on(&(), 2, 2, 16).unwrap(), coupling, settings).unwrap()
}

#[test]
fn a_transformer_learns() {
    const STEPS: u64 = 300;
    let mut trainer = trainer(STEPS);
    // the error of the velocity: the loss has a constant besides
    let errors: Vec<f64> = (0..STEPS).map(|_| trainer.step().unwrap().diagonal).collect();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (start, end) = (mean(&errors[..5]), mean(&errors[errors.len() - 20..]));
    assert!(end < 0.1 * start, "from {start} to {end}");
    // and the map in one step: samples lie around the mean of the target
    let samples = trainer.sampler(0.99).unwrap().draw(1000, 7).unwrap();
    for (k, expected) in MEAN.into_iter().enumerate() {
        let found = samples.iter().skip(k).step_by(4).sum::<f64>() / 1000.0;
        assert!((found - expected).abs() < 0.2, "coordinate {k}: {found} instead of {expected}");
    }
}

#[test]
fn a_transformer_resumes_bit_for_bit() {
    let home = tempfile::tempdir().unwrap();
    let go = |folder: &str, steps: u64| {
        let (run, mut trainer) = (Run::new(home.path().join(folder), steps).unwrap(), trainer(12));
        run.resume(&mut trainer).unwrap();
        run.train(&mut trainer).unwrap();
        tensors(&run.checkpoints())
    };
    let whole = go("whole", 12);
    go("parts", 5);
    assert!(go("parts", 12) == whole, "a resumed run differs");
}

fn tensors(checkpoints: &Path) -> Vec<u8> {
    let newest = Checkpoint::latest(checkpoints).unwrap().expect("a run leaves a checkpoint");
    fs::read(newest.join("tensors.safetensors")).unwrap()
}
