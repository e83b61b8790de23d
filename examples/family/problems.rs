//! The two distributions that every method learns, and how far samples are from them.

use flowmap::{
    FlowMap, Result,
    distribution::{Checkerboard, Distribution, Normal},
    exact::Gaussian,
    interpolant::Linear,
    metric::checkerboard_kl,
    random::stream,
};
use std::sync::Arc;

pub type SharedDistribution = Arc<dyn Distribution>;

pub enum Problem {
    /// A rotated normal distribution with standard deviations 0.4 and 1.5.
    Normal,
    /// That of arXiv 2505.18825.
    Checkerboard,
}

const STD: [f64; 2] = [0.4, 1.5];
const ANGLE: f64 = 0.6;
/// The number of samples for a divergence.
pub const SAMPLES: usize = 64_000;
/// The seed of the noise for samples.
pub const NOISE: u64 = 7;

impl Problem {
    pub const ALL: [Self; 2] = [Self::Normal, Self::Checkerboard];

    pub fn name(&self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Checkerboard => "checkerboard",
        }
    }

    pub fn noise(&self) -> Result<Normal> {
        Normal::new(vec![0.0; 2], self.scale())
    }

    /// The standard deviation of noise and of a coordinate of the data.
    pub fn scale(&self) -> f64 {
        match self {
            Self::Normal => 1.0,
            Self::Checkerboard => Checkerboard::STD,
        }
    }

    /// Half the side of a picture.
    pub fn side(&self) -> f64 {
        match self {
            Self::Normal => 4.0,
            Self::Checkerboard => 1.2,
        }
    }

    pub fn data(&self) -> Result<SharedDistribution> {
        Ok(match self {
            Self::Normal => {
                let [[a, b], [_, c]] = covariance();
                let corner = b / a.sqrt();
                Arc::new(Normal::with_factor(vec![0.0; 2], &[a.sqrt(), 0.0, corner, (c - corner * corner).sqrt()])?)
            }
            Self::Checkerboard => Arc::new(Checkerboard),
        })
    }

    /// The Kullback-Leibler divergence from the data to the samples: of the normal distribution with the samples' mean and
    /// covariance; of the histogram whose bins are aligned with the squares.
    pub fn divergence(&self, samples: &[[f64; 2]]) -> Result<f64> {
        match self {
            Self::Normal => Ok(divergence_of_normals(covariance(), samples)),
            Self::Checkerboard => Ok(checkerboard_kl(samples)?.aligned),
        }
    }

    /// The root mean square distance from the end of the closed-form flow of the same noise, relative to the size of the data.
    pub fn error(&self, samples: &[[f64; 2]]) -> Result<Option<f64>> {
        let Self::Normal = self else { return Ok(None) };
        let exact = Gaussian::new(Linear, [[0.0; 2]; 2], [[[1.0, 0.0], [0.0, 1.0]], covariance()])?;
        let mut starts = vec![0.0; 2 * samples.len()];
        self.noise()?.draw_rows(&mut stream(NOISE, 0), &mut starts);
        let square = |(start, found): (&[f64; 2], &[f64; 2])| {
            let end = exact.flow(&0.0, &1.0, start);
            (end[0] - found[0]).powi(2) + (end[1] - found[1]).powi(2)
        };
        let sum: f64 = starts.as_chunks().0.iter().zip(samples).map(square).sum();
        let size = STD.iter().map(|s| s * s).sum::<f64>();
        Ok(Some((sum / samples.len() as f64 / size).sqrt()))
    }
}

fn covariance() -> [[f64; 2]; 2] {
    let ([a, b], (sin, cos)) = (STD.map(|s| s * s), ANGLE.sin_cos());
    let mixed = (a - b) * sin * cos;
    [[a * cos * cos + b * sin * sin, mixed], [mixed, a * sin * sin + b * cos * cos]]
}

/// `KL(N(0, C) || N(m, S)) = (tr S⁻¹C + m·S⁻¹m - 2 + ln(det S / det C)) / 2` with the samples' mean `m` and covariance `S`.
fn divergence_of_normals(target: [[f64; 2]; 2], samples: &[[f64; 2]]) -> f64 {
    let count = samples.len() as f64;
    let mean: [f64; 2] = std::array::from_fn(|i| samples.iter().map(|x| x[i]).sum::<f64>() / count);
    let moment = |i: usize, j: usize| samples.iter().map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum::<f64>() / count;
    let (a, b, c) = (moment(0, 0), moment(0, 1), moment(1, 1));
    let determinant = a * c - b * b;
    let inverse = [[c / determinant, -b / determinant], [-b / determinant, a / determinant]];
    let trace: f64 = (0..2).map(|i| (0..2).map(|j| inverse[i][j] * target[j][i]).sum::<f64>()).sum();
    let shift: f64 = (0..2).map(|i| (0..2).map(|j| mean[i] * inverse[i][j] * mean[j]).sum::<f64>()).sum();
    let of_target = target[0][0] * target[1][1] - target[0][1] * target[1][0];
    0.5 * (trace + shift - 2.0 + (determinant / of_target).ln())
}
