//! Moving averages that are chosen after the training.

use super::{Average, Checkpoint, Weights, average::exponent};
use crate::{Error, Result, Tensor, nn::Model};
use nalgebra::{DMatrix, DVector};
use std::path::Path;

/// The network with a power-function average of a width chosen after the training, from power-function averages in the
/// checkpoints of the run.
///
/// It is the combination of the averages stored that is closest to the average of this width at the last checkpoint. Train with
/// two widths, such as 0.05 and 0.1, and [milestones](super::Run::with_milestones); `network` gives names, shapes and the device.
///
/// Source: T. Karras et al., arXiv 2312.02696, section 3.2 and appendix C.
///
/// ```
/// use flowmap::{Cpu, distribution::{Checkerboard, Normal}, nn::{Mlp, MlpShape}};
/// use flowmap::learn::{Average, Checkpoint, Independent, Run, Settings, Trainer, post_hoc};
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let network: Mlp<Cpu> = Mlp::new(&MlpShape::new(2, 8, 1), 1)?;
/// let averages = [0.05, 0.1].map(|width| Average::Power { width }).to_vec();
/// let pairs = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let mut trainer = Trainer::new(network.clone(), pairs, Settings { batch: 8, averages, ..Settings::default() })?;
/// let run = Run::new(folder, 20)?.with_checkpoints(4, 1)?.with_milestones(4)?;
/// run.train(&mut trainer)?;
/// let wider = post_hoc(&Checkpoint::all(&run.checkpoints())?, 0.15, &network)?;
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if the width is not in `(0, 0.28]`, or no checkpoint holds such averages; [`Error::File`] if the checkpoints
/// are of different runs; otherwise as [`Checkpoint::open`] and [`Checkpoint::load`].
pub fn post_hoc<T: Tensor<Primal = T>, M: Model<T>>(checkpoints: &[impl AsRef<Path>], width: f64, network: &M) -> Result<M> {
    Average::Power { width }.check()?;
    let (mut stored, mut first) = (Vec::new(), None);
    for path in checkpoints {
        let checkpoint = Checkpoint::open(path.as_ref())?;
        for &average in &checkpoint.settings().averages {
            if let (Average::Power { width }, 1..) = (average, checkpoint.step()) {
                stored.push((path, average, Profile { step: checkpoint.step() as f64, exponent: exponent(width) }));
            }
        }
        checkpoint.same_run(first.get_or_insert_with(|| checkpoint.run()))?;
    }
    let profiles: Vec<_> = stored.iter().map(|(.., profile)| *profile).collect();
    let Some(last) = profiles.iter().map(|profile| profile.step).reduce(f64::max) else {
        let reason = "no power-function average is in these checkpoints; train with `Average::Power`";
        return Err(Error::invalid("checkpoints", reason));
    };
    let shares = shares(&profiles, Profile { step: last, exponent: exponent(width) })?;
    let mut sum = network.map(&mut |_, p| p.constant(0.0));
    // one at a time, since all together may not fit into memory
    for ((path, average, _), share) in stored.into_iter().zip(shares) {
        let part: M = Checkpoint::open(path.as_ref())?.load(network, Weights::Average(average))?;
        let mut parameters = Vec::new();
        part.visit(&mut |_, p| parameters.push(p.clone()));
        let mut parameters = parameters.into_iter();
        sum.visit_mut(&mut |_, total| {
            let p = parameters.next().expect("an average has the network's parameters");
            *total = p.scale_onto(share, total.clone());
        });
    }
    Ok(sum)
}

/// The weights `t^γ` of the parameters up to a step.
#[derive(Clone, Copy)]
struct Profile {
    step: f64,
    exponent: f64,
}

impl Profile {
    /// The integral of the product of two profiles, each of integral 1.
    fn dot(self, other: Self) -> f64 {
        let (a, b) = if self.step <= other.step { (self, other) } else { (other, self) };
        (a.exponent + 1.0) * (b.exponent + 1.0) * (a.step / b.step).powf(b.exponent) / ((a.exponent + b.exponent + 1.0) * b.step)
    }
}

/// The shares of the profiles whose sum is closest to the one that is wanted.
fn shares(profiles: &[Profile], wanted: Profile) -> Result<Vec<f64>> {
    let n = profiles.len();
    let products = DMatrix::from_fn(n, n, |i, j| profiles[i].dot(profiles[j]));
    let target = DVector::from_fn(n, |i, _| profiles[i].dot(wanted));
    // profiles that are nearly the same do no harm: their small singular values are left out
    let least = 1e-12 * products.amax();
    let solved = products.svd(true, true).solve(&target, least);
    let shares = solved.map_err(|reason| Error::invalid("checkpoints", reason))?;
    Ok(shares.iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_that_is_stored_is_found_again() {
        let profile = |step, width| Profile { step, exponent: exponent(width) };
        let stored = [profile(500.0, 0.05), profile(500.0, 0.1), profile(1000.0, 0.05), profile(1000.0, 0.1)];
        let found = shares(&stored, profile(1000.0, 0.1)).unwrap();
        for (share, expected) in found.iter().zip([0.0, 0.0, 0.0, 1.0]) {
            assert!((share - expected).abs() < 1e-6, "{found:?}");
        }
    }

    /// The combination weighs parameters nearly as an average of this width does.
    #[test]
    fn other_widths_are_combined() {
        let steps: Vec<f64> = (1..=16).map(|k| 64.0 * f64::from(k)).collect();
        let stored: Vec<_> =
            steps.iter().flat_map(|&step| [0.05, 0.1].map(|width| Profile { step, exponent: exponent(width) })).collect();
        for width in [0.04, 0.07, 0.15] {
            let wanted = Profile { step: 1024.0, exponent: exponent(width) };
            let found = shares(&stored, wanted).unwrap();
            let weight = |p: &Profile, t: f64| {
                if t <= p.step { (p.exponent + 1.0) / p.step * (t / p.step).powf(p.exponent) } else { 0.0 }
            };
            let (mut error, mut size) = (0.0, 0.0);
            for t in (1..1024).map(f64::from) {
                let sum: f64 = stored.iter().zip(&found).map(|(p, share)| share * weight(p, t)).sum();
                error += (sum - weight(&wanted, t)).powi(2);
                size += weight(&wanted, t).powi(2);
            }
            assert!(error < 2e-3 * size, "{width}: {}", error / size);
            assert!((found.iter().sum::<f64>() - 1.0).abs() < 0.02, "{width}: shares sum to one");
        }
    }

    /// `γ`-profiles by quadrature.
    #[test]
    fn products_of_profiles_are_integrals() {
        let (a, b) = (Profile { step: 3.0, exponent: 2.0 }, Profile { step: 5.0, exponent: 4.0 });
        let weight = |p: Profile, t: f64| {
            if t <= p.step { (p.exponent + 1.0) / p.step * (t / p.step).powf(p.exponent) } else { 0.0 }
        };
        let h = 1e-4;
        let sum: f64 = (0..50_000).map(|k| (f64::from(k) + 0.5) * h).map(|t| weight(a, t) * weight(b, t) * h).sum();
        assert!((a.dot(b) - sum).abs() < 1e-6 && (b.dot(a) - sum).abs() < 1e-6, "{} {sum}", a.dot(b));
    }
}
