//! The probability flow from noise to a mixture of many normal distributions.

use flowmap::{
    ImageTensor, Layout, Num, Number, Ode, Result, Tensor, Var, VelocityField,
    backend::ndarray::NdTensor,
    distribution::{Distribution, Normal},
    rand::{Rng, RngExt},
    random::stream,
};
use std::{f64::consts::TAU, sync::Arc};

type Batch = NdTensor<f32>;

/// The number of coordinates.
pub const D: usize = 16;
const COMPONENTS: usize = 2000;
/// The standard deviation of every component.
const DEVIATION: f64 = 0.3;
const VARIANCE: f64 = DEVIATION * DEVIATION;

/// `N(m_k, s² I)` for 2,000 means of equal weight.
///
/// With the variance `V = (1-t)² + t² s²` of a component at time `t` and the posterior mean `m` of the means,
/// the velocity of the linear interpolant is `b = m + (t s² - (1-t))/V (x - t m)`: a softmax over all components.
#[derive(Clone)]
pub struct Mixture {
    noise: Normal,
    means: Arc<Vec<[f64; D]>>,
    /// `|m_k|²`.
    squares: Arc<Vec<f64>>,
    /// `[m_k, |m_k|²]` in columns, and `m_k` in rows.
    matrices: [Batch; 2],
}

impl Mixture {
    /// Means on a smooth surface of two dimensions, as data have it: sums of sines of two angles, with random amplitudes and
    /// phases.
    pub fn on_a_surface(seed: u64) -> Result<Self> {
        const WAVES: [[f64; 2]; 4] = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]];
        let mut rng = stream(seed, 0);
        let mut shape = [[0.0; 2 * WAVES.len()]; D];
        Normal::standard(2 * WAVES.len())?.draw_rows(&mut rng, shape.as_flattened_mut());
        let mean = |_| {
            let angles = [0, 1].map(|_| TAU * rng.random::<f64>());
            shape.map(|row| {
                let wave = |([a, b], [cosine, sine]): (&[f64; 2], &[f64; 2])| {
                    let angle = a * angles[0] + b * angles[1];
                    cosine * angle.cos() + sine * angle.sin()
                };
                WAVES.iter().zip(row.as_chunks().0).map(wave).sum::<f64>() / 2.0
            })
        };
        Self::new((0..COMPONENTS).map(mean).collect())
    }

    /// Means without any order, drawn from `N(0, I)`, which a network can only memorize.
    pub fn scattered(seed: u64) -> Result<Self> {
        let mut means = vec![[0.0; D]; COMPONENTS];
        Normal::standard(D)?.draw_rows(&mut stream(seed, 0), means.as_flattened_mut());
        Self::new(means)
    }

    fn new(means: Vec<[f64; D]>) -> Result<Self> {
        let noise = Normal::standard(D)?;
        let squares: Vec<f64> = means.iter().map(|m| m.iter().map(|m| m * m).sum()).collect();
        let columns: Vec<f64> = (0..D).flat_map(|i| means.iter().map(move |m| m[i])).chain(squares.iter().copied()).collect();
        let matrices =
            [Batch::from_doubles(&columns, &[D + 1, COMPONENTS]), Batch::from_doubles(means.as_flattened(), &[COMPONENTS, D])];
        Ok(Self { noise, means: means.into(), squares: squares.into(), matrices })
    }
}

impl Distribution for Mixture {
    fn layout(&self) -> Layout {
        D.into()
    }
    fn fingerprint(&self) -> String {
        format!("{COMPONENTS} components from {:?}", self.means[0][0])
    }
    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        let mean = self.means[rng.random_range(0..COMPONENTS)];
        self.noise.draw(rng, x);
        x.iter_mut().zip(mean).for_each(|(x, mean)| *x = mean + DEVIATION * *x);
    }
}

/// `1/V` and `(t s² - (1-t))/V`.
#[inline(always)]
fn precision_and_slope<N: Number>(t: &N) -> [N; 2] {
    let rest = (-t.clone()).shift(1.0);
    let precision = (rest.clone() * &rest + (t.clone() * t).scale(VARIANCE)).recip();
    let slope = (t.scale(VARIANCE) - &rest) * &precision;
    [precision, slope]
}

/// For solvers that take a point at a time, or lanes of them.
impl Ode<D> for Mixture {
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "what an iterator might not inline would not be vectorized")]
    fn rhs<N: Number>(&self, t: &Num<N>, x: &[Num<N>; D]) -> [Num<N>; D] {
        let [precision, slope] = precision_and_slope(t);
        let reach = t * precision;
        let size = -0.5 * (&reach * t);
        let mut largest = self.logit(0, &reach, &size, x);
        for k in 1..COMPONENTS {
            largest = largest.max(self.logit(k, &reach, &size, x));
        }
        let mut total = t.constant(0.0);
        let mut rates = x.clone();
        for i in 0..D {
            rates[i] = t.constant(0.0);
        }
        for k in 0..COMPONENTS {
            let weight = (self.logit(k, &reach, &size, x) - &largest).exp();
            total += &weight;
            for i in 0..D {
                rates[i] = weight.scale_onto(self.means[k][i], rates[i].clone());
            }
        }
        let share = 1.0 / total;
        for i in 0..D {
            let mean = &rates[i] * &share;
            rates[i] = &mean + &slope * (&x[i] - t * &mean);
        }
        rates
    }
}

impl Mixture {
    /// `t/V (x · m_k) - t²/2V |m_k|²`.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "what an iterator might not inline would not be vectorized")]
    fn logit<N: Number>(&self, k: usize, reach: &Num<N>, size: &Num<N>, x: &[Num<N>; D]) -> Num<N> {
        let mut along = self.means[k][0] * &x[0];
        for i in 1..D {
            along = x[i].scale_onto(self.means[k][i], along);
        }
        size.scale_onto(self.squares[k], along * reach)
    }
}

/// For solvers that take batches: two products of matrices.
impl VelocityField<Batch> for Mixture {
    fn velocity(&self, t: &Batch, x: &Batch) -> Batch {
        batched(&self.matrices, t, x)
    }
}

/// For training.
impl VelocityField<Var<Batch>> for Mixture {
    fn velocity(&self, t: &Var<Batch>, x: &Var<Batch>) -> Var<Batch> {
        batched(&self.matrices.clone().map(Var::constant), t, x)
    }
}

fn batched<T: ImageTensor>([columns, means]: &[T::Primal; 2], t: &T, x: &T) -> T {
    let [precision, slope] = precision_and_slope(t);
    let reach = t.clone() * precision;
    let rows = x.shape()[0];
    let size = (reach.clone() * t).scale(-0.5);
    let size = if size.shape().is_empty() { size.expand(0, &[rows]) } else { size }.reshape(&[rows, 1]);
    let logits = T::concat(&[x.scaled(&reach), size], 1).linear(columns, None);
    let mean = logits.softmax().linear(means, None);
    x.minus(&mean.scaled(t)).scaled(&slope).plus(&mean)
}
