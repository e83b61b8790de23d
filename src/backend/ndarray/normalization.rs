//! Normalization, and its first and second derivatives, one block of values at a time.
//!
//! Sums run over pixels channel by channel, and then over the channels of a group: the order does not depend on the batch.
#![allow(clippy::needless_range_loop, reason = "what an iterator might not inline would run without the region's instructions")]

use super::Element;
use crate::{Normalization, simd::run_kernel, tensor::common};
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// `y`.
pub fn value<F: Element>(how: Normalization, shape: &[usize], x: &[F]) -> Vec<F> {
    run(how, shape, x, [], Value)
}

/// `J(x) d`.
pub fn tangent<F: Element>(how: Normalization, shape: &[usize], x: &[F], d: &[F]) -> Vec<F> {
    run(how, shape, x, [d], Tangent)
}

/// The gradient of `aᵀ J(x) b`.
pub fn curvature<F: Element>(how: Normalization, shape: &[usize], x: &[F], ab: [&[F]; 2]) -> Vec<F> {
    run(how, shape, x, ab, Curvature)
}

/// A result that is a combination `k_0 + k_1 x + Σ k_{2+i} d_i` of `x` and `I` directions with coefficients for each group, which
/// depend on means of products.
trait Recipe<F, const I: usize>: Copy + Send + Sync {
    /// The coefficients from the statistics of a group. Implementations are `#[inline(always)]`.
    fn coefficients(self, of: Statistics<F, I>) -> ([F; 2], [F; I]);
}

/// The statistics of a group: all means are over its values.
#[derive(Clone, Copy)]
struct Statistics<F, const I: usize> {
    /// `μ`, or 0.
    mean: F,
    /// `1/σ`.
    scale: F,
    /// The means `⟨d_i⟩`, or 0.
    means: [F; I],
    /// `⟨y d_i⟩`.
    along: [F; I],
    /// `⟨(d_0 - ⟨d_0⟩) (d_1 - ⟨d_1⟩)⟩`, where there are two.
    both: F,
}

#[derive(Clone, Copy)]
struct Value;

impl<F: Element> Recipe<F, 0> for Value {
    #[inline(always)]
    fn coefficients(self, of: Statistics<F, 0>) -> ([F; 2], [F; 0]) {
        ([-of.mean * of.scale, of.scale], [])
    }
}

#[derive(Clone, Copy)]
struct Tangent;

impl<F: Element> Recipe<F, 1> for Tangent {
    /// `(d - ⟨d⟩ - ⟨yd⟩ y)/σ` with `y = (x - μ)/σ`.
    #[inline(always)]
    fn coefficients(self, of: Statistics<F, 1>) -> ([F; 2], [F; 1]) {
        let slope = -of.along[0] * of.scale * of.scale;
        ([-of.means[0] * of.scale - slope * of.mean, slope], [of.scale])
    }
}

#[derive(Clone, Copy)]
struct Curvature;

impl<F: Element> Recipe<F, 2> for Curvature {
    /// `-(⟨ya⟩ J b + ⟨yb⟩ J a + ⟨a J b⟩ y)/σ`, where `⟨a J b⟩ = (⟨(a - ⟨a⟩)(b - ⟨b⟩)⟩ - ⟨ya⟩⟨yb⟩)/σ`.
    #[inline(always)]
    fn coefficients(self, of: Statistics<F, 2>) -> ([F; 2], [F; 2]) {
        let square = of.scale * of.scale;
        let [ya, yb] = of.along;
        let [a, b] = [-yb * square, -ya * square];
        // of y: twice from J, less ⟨a J b⟩
        let y = (ya * yb + ya * yb - (of.both - ya * yb)) * square;
        let slope = y * of.scale;
        ([-a * of.means[0] - b * of.means[1] - slope * of.mean, slope], [a, b])
    }
}

fn run<F: Element, const I: usize>(
    how: Normalization,
    shape: &[usize],
    x: &[F],
    directions: [&[F]; I],
    recipe: impl Recipe<F, I>,
) -> Vec<F> {
    /// Blocks in a task: some ten thousand values.
    const TASK: usize = 1 << 14;
    let [_, pixels, groups, members] = how.layout(shape);
    let block = pixels * groups * members;
    let mut y = vec![F::zero(); common::size(shape)];
    if y.is_empty() {
        return y;
    }
    let task = TASK.div_ceil(block) * block;
    y.par_chunks_mut(task).enumerate().with_max_len(1).for_each(|(k, y)| {
        let range = k * task..k * task + y.len();
        let directions = directions.map(|d| &d[range.clone()]);
        let room = vec![F::zero(); (3 + 2 * I) * groups * members];
        run_kernel(Task { how, y, x: &x[range], directions, recipe, block, groups, members, room });
    });
    y
}

struct Task<'a, F, R, const I: usize> {
    how: Normalization,
    y: &'a mut [F],
    x: &'a [F],
    directions: [&'a [F]; I],
    recipe: R,
    block: usize,
    groups: usize,
    members: usize,
    /// For sums over pixels, channel by channel.
    room: Vec<F>,
}

impl<F: Element, R: Recipe<F, I>, const I: usize> NullaryFnOnce for Task<'_, F, R, I> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Self { how, y, x, directions, recipe, block, groups, members, mut room } = self;
        let mut at = 0;
        while at < y.len() {
            let mut parts = directions;
            for i in 0..I {
                parts[i] = &directions[i][at..at + block];
            }
            normalize(how, &mut y[at..at + block], &x[at..at + block], parts, recipe, groups, members, &mut room);
            at += block;
        }
    }
}

/// One block, of shape `[pixels, groups * members]`.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "the fields of a task and one block of it")]
fn normalize<F: Element, R: Recipe<F, I>, const I: usize>(
    how: Normalization,
    y: &mut [F],
    x: &[F],
    directions: [&[F]; I],
    recipe: R,
    groups: usize,
    members: usize,
    room: &mut [F],
) {
    let channels = groups * members;
    let pixels = x.len() / channels;
    let share = F::from_f64(1.0 / (pixels * members) as f64);
    let zero = F::zero();

    // the means of x and of the directions, channel by channel in `room`, then the same for all channels of a group
    let (means, rest) = room.split_at_mut((1 + I) * channels);
    means.fill(zero);
    if how.centred {
        for p in 0..pixels {
            add(&mut means[..channels], &x[p * channels..][..channels]);
            for i in 0..I {
                add(&mut means[(1 + i) * channels..][..channels], &directions[i][p * channels..][..channels]);
            }
        }
        gather(means, members, share);
    }

    // mean products of deviations: with itself, with the directions, of the directions
    let (products, _) = rest.split_at_mut((2 + I) * channels);
    products.fill(zero);
    for p in 0..pixels {
        let x = &x[p * channels..][..channels];
        let mean = &means[..channels];
        let square = &mut products[..channels];
        for c in 0..channels {
            let deviation = x[c] - mean[c];
            square[c] = deviation.mul_add(deviation, square[c]);
        }
        for i in 0..I {
            let d = &directions[i][p * channels..][..channels];
            let sum = &mut products[(1 + i) * channels..][..channels];
            for c in 0..channels {
                sum[c] = (x[c] - mean[c]).mul_add(d[c], sum[c]);
            }
        }
        if I == 2 {
            let (a, b) = (&directions[0][p * channels..][..channels], &directions[I - 1][p * channels..][..channels]);
            let (a_mean, b_mean) = (&means[channels..][..channels], &means[I * channels..][..channels]);
            let sum = &mut products[(1 + I) * channels..][..channels];
            for c in 0..channels {
                sum[c] = (a[c] - a_mean[c]).mul_add(b[c] - b_mean[c], sum[c]);
            }
        }
    }
    gather(products, members, share);

    // the coefficients replace the means
    let epsilon = F::from_f64(how.epsilon);
    for c in 0..channels {
        let scale = F::one() / num_traits::Float::sqrt(products[c] + epsilon);
        let mut of =
            Statistics { mean: means[c], scale, means: [zero; I], along: [zero; I], both: products[(1 + I) * channels + c] };
        for i in 0..I {
            of.means[i] = means[(1 + i) * channels + c];
            of.along[i] = products[(1 + i) * channels + c] * scale;
        }
        let ([constant, slope], others) = recipe.coefficients(of);
        products[c] = constant;
        means[c] = slope;
        for i in 0..I {
            means[(1 + i) * channels + c] = others[i];
        }
    }
    for p in 0..pixels {
        let (x, y) = (&x[p * channels..][..channels], &mut y[p * channels..][..channels]);
        let (constant, slope) = (&products[..channels], &means[..channels]);
        for c in 0..channels {
            y[c] = slope[c].mul_add(x[c], constant[c]);
        }
        for i in 0..I {
            let (d, by) = (&directions[i][p * channels..][..channels], &means[(1 + i) * channels..][..channels]);
            for c in 0..channels {
                y[c] = by[c].mul_add(d[c], y[c]);
            }
        }
    }
}

#[inline(always)]
fn add<F: Element>(sum: &mut [F], x: &[F]) {
    for c in 0..sum.len() {
        sum[c] += x[c];
    }
}

/// Sums of `members` neighbours, times `share`, in the place of each.
#[inline(always)]
fn gather<F: Element>(values: &mut [F], members: usize, share: F) {
    let mut at = 0;
    while at < values.len() {
        let mut sum = F::zero();
        for c in at..at + members {
            sum += values[c];
        }
        for c in at..at + members {
            values[c] = sum * share;
        }
        at += members;
    }
}
