//! The time of one training step of a small U-Net: images of 28x28 pixels, 32, 64 and 96 channels, batch 128, f32.
//!
//!     cargo bench --features train --bench unet_step -- lsd 10 ndarray
//!
//! prints {"objective", "backend", "parameters", "steps", "median_s", "min_s", "gflop", "gflop_per_s", "peak_mb"}.
//! `benches/against_jax.sh unet` runs it in turns with the JAX peer, which has the same network.

#[path = "common/mod.rs"]
mod common;

use common::{Benchmark, Task};
use flowmap::{
    ImageTensor, Result,
    distribution::Normal,
    learn::{Independent, Settings, Trainer},
    nn::{UNet, UNetShape, parameter_count},
};

struct UnetStep;

fn main() -> Result<()> {
    common::run::<UnetStep>()
}

impl Benchmark for UnetStep {
    const STEPS: usize = 10;

    fn time<T: ImageTensor<Primal = T>>(Task { objective, steps, backend }: &Task, device: T::Device) -> Result<()> {
        let settings = Settings { objective: objective.parse()?, batch: 128, clip: 1.0, ..Settings::default() };
        let gflop = common::passes(&settings) * forward_gflop();
        let model: UNet<T> = UNet::new_on(&device, &UNetShape::new([28, 28, 1]), 42)?;
        let parameters = parameter_count(&model);
        let coupling = Independent::new(Normal::standard(784)?, Normal::standard(784)?)?;
        let mut trainer = Trainer::new(model, coupling, settings)?;
        let [median, min] = common::step_times(&mut trainer, *steps)?;
        println!(
            "{{\"objective\": \"{objective}\", \"backend\": \"{backend}\", \"parameters\": {parameters}, \"steps\": {steps}, \
             \"median_s\": {median:.3}, \"min_s\": {min:.3}, \"gflop\": {gflop:.1}, \"gflop_per_s\": {:.0}, \"peak_mb\": {:.0}}}",
            gflop / min,
            common::peak_mb(),
        );
        Ok(())
    }
}

/// The convolutions of one forward pass of one image, in units of 10^9 operations.
fn forward_gflop() -> f64 {
    let block = |side: f64, from: f64, to: f64| side * side * (9.0 * from * to + 9.0 * to * to + from * to);
    let down = block(28.0, 32.0, 32.0) + block(14.0, 32.0, 64.0) + block(7.0, 64.0, 96.0) + block(7.0, 96.0, 96.0);
    let first = block(7.0, 192.0, 96.0) + block(14.0, 160.0, 64.0) + block(28.0, 96.0, 32.0);
    let second = block(7.0, 96.0, 96.0) + block(14.0, 64.0, 64.0) + block(28.0, 32.0, 32.0);
    2e-9 * (down + first + second + 2.0 * 28.0 * 28.0 * 9.0 * 32.0)
}
