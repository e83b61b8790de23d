//! What the benchmarks of training share.

use flowmap::learn::{Distillation, Settings};

/// Forward passes that the arithmetic of a step amounts to: backward costs twice the recorded forward, a tangent as much as a
/// value.
pub fn passes(settings: &Settings) -> f64 {
    let (diagonal, all) = (settings.diagonal_samples() as f64, settings.batch as f64);
    let off = match settings.objective.distillation() {
        None => 0.0,
        Some(Distillation::Lagrangian) => 3.0 * 2.0 + 1.0,
        Some(Distillation::Eulerian) => 3.0 * 2.0 + 3.0,
        Some(_) => 3.0 + 2.0,
    };
    diagonal * 3.0 + (all - diagonal) * off
}

/// The largest memory that the process has held, where the system tells (Linux).
pub fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb / 1024.0)
}
