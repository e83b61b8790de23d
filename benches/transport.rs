//! The time of optimal transport against a training step: the paper's checkerboard network (5 GELU layers of 512), batch 1024,
//! f32.
//!
//!     cargo bench --features transport --bench transport
//!
//! prints {"block", "threads", "block_ms", "batch_ms", "step_ms"} for each size of a block: medians of one block on one thread,
//! of a batch on all threads, and of a step by flow matching without transport.

use flowmap::{
    Result,
    backend::ndarray::NdTensor,
    distribution::{Checkerboard, Normal},
    learn::{Coupling, Independent, Settings, Trainer, Transport},
    nn::{Mlp, MlpShape},
    random::stream,
};
use std::time::Instant;

const BATCH: usize = 1024;

fn main() -> Result<()> {
    let independent = Independent::new(Normal::new(vec![0.0; 2], Checkerboard::STD)?, Checkerboard)?;
    let settings = Settings { objective: "fm".parse()?, batch: BATCH, ..Settings::default() };
    let network: Mlp<NdTensor<f32>> = Mlp::new(&MlpShape::new(2, 512, 5).with_scale(Checkerboard::STD), 42)?;
    let mut trainer = Trainer::new(network, independent.clone(), settings)?;
    let step_ms = median_ms(|_| trainer.step().map(drop))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for block in [64, 128, 256] {
        let coupling = Transport::new(&independent, block)?;
        let arranged = |rows: usize, k: u64| {
            let [mut x0, mut x1] = [(); 2].map(|()| vec![0.0; 2 * rows]);
            coupling.draw_rows(&mut stream(1, k), &mut x0, &mut x1);
            Ok(())
        };
        let (block_ms, batch_ms) = (median_ms(|k| arranged(block, k))?, median_ms(|k| arranged(BATCH, k))?);
        println!(
            "{{\"block\": {block}, \"threads\": {threads}, \"block_ms\": {block_ms:.2}, \"batch_ms\": {batch_ms:.1}, \"step_ms\": {step_ms:.1}}}"
        );
    }
    Ok(())
}

/// The median of 21 times, after one that warms up.
fn median_ms(mut work: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    const TIMES: u64 = 21;
    work(TIMES)?;
    let mut times = Vec::new();
    for k in 0..TIMES {
        let start = Instant::now();
        work(k)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
