//! Pairs of noise and data by optimal transport.

use super::Coupling;
use crate::{Error, Layout, Result};
use rand::Rng;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Pairs of another coupling, rearranged by optimal transport: in each block of a batch, the pairing of noise and data with the
/// least `Σ |x0 - x1|²`.
///
/// Paths from noise to data cross less, so the velocity varies less among the paths through a point, its flow is straighter, and
/// fewer steps suffice. With larger blocks the coupling approaches optimal transport, at growing cost for less gain.
///
/// - In each block the rows of noise are permuted, and those of data stay: both distributions are unchanged. Rows of a batch that
///   are left over form a smaller block.
/// - Rows with coordinates [at rest](Coupling::layout), such as classes, are permuted only among rows with the same ones: noise
///   remains independent of the class, as in sampling. A scale of [guidance](super::Guidance) may differ, as it is drawn regardless of
///   the data; it stays where it is.
/// - Noise and data are no longer independent of each other. Samplers that [renoise](crate::sample::Renoising) assume
///   independence, and do not reach the right distribution.
/// - If a row is NaN or infinite, the rows it could change places with stay as they are.
///
/// The assignment is solved exactly, by shortest augmenting paths, in time cubic in the block size. Blocks are solved on all
/// threads; the result does not depend on their number. For the checkerboard, on two cores of a Xeon, where one step of flow
/// matching with batch 1024 and the network of arXiv 2505.18825 (5 layers of 512) takes 52 ms:
///
/// | block | a block (ms) | a batch of 1024 (ms) |
/// |---|---|---|
/// | 64 | 0.17 | 2.9 |
/// | 128 | 0.91 | 7.3 |
/// | 256 | 5.5 | 21 |
///
/// `cargo bench --features transport --bench transport` measures this. For data of many coordinates the distances cost time, too:
/// `block * d` multiplications for each row.
///
/// ```
/// use flowmap::{distribution::{Checkerboard, Normal}, learn::{Coupling, Independent, Transport}, random::stream};
/// let independent = Independent::new(Normal::standard(2)?, Checkerboard)?;
/// let coupling = Transport::new(&independent, 128)?;
/// let length = |coupling: &dyn Coupling| {
///     let [mut x0, mut x1] = [(); 2].map(|()| vec![0.0; 2 * 1024]);
///     coupling.draw_rows(&mut stream(1, 0), &mut x0, &mut x1);
///     x0.iter().zip(&x1).map(|(x0, x1)| (x1 - x0).powi(2)).sum::<f64>() / 1024.0
/// };
/// assert!(length(&coupling) < 0.4 * length(&independent));
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// Source: A.-A. Pooladian et al., Multisample flow matching, arXiv 2304.14772; A. Tong et al., Improving and generalizing
/// flow-based generative models with minibatch optimal transport, arXiv 2302.00482.
#[derive(Clone, Debug)]
pub struct Transport<C> {
    coupling: C,
    block: usize,
}

impl<C: Coupling> Transport<C> {
    /// Rearranges pairs of `coupling` in blocks of `block`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `block` is from 2 to 1024: beyond, one block takes more than a second.
    pub fn new(coupling: C, block: usize) -> Result<Self> {
        const LARGEST: usize = 1024;
        if (2..=LARGEST).contains(&block) {
            return Ok(Self { coupling, block });
        }
        let reason = format!("blocks of {block} pairs; give 2 to {LARGEST}, such as 128");
        Err(Error::invalid("transport", reason))
    }

    /// The number of pairs in a block.
    pub fn block(&self) -> usize {
        self.block
    }
}

impl<C: Coupling> Coupling for Transport<C> {
    fn layout(&self) -> Layout {
        self.coupling.layout()
    }
    fn fingerprint(&self) -> String {
        format!("{} in blocks of {} by optimal transport", self.coupling.fingerprint(), self.block)
    }
    fn draw(&self, rng: &mut dyn Rng, x0: &mut [f64], x1: &mut [f64]) {
        self.coupling.draw(rng, x0, x1);
    }
    fn arrange(&self, x0: &mut [f64], x1: &mut [f64]) {
        self.coupling.arrange(x0, x1);
        let layout = self.layout();
        let (d, moving) = (layout.dimension(), layout.moving);
        let told = layout.class_columns().chain(layout.condition_columns());
        x0.par_chunks_mut(self.block * d).zip(x1.par_chunks(self.block * d)).for_each(|(x0, x1)| {
            let mut groups: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
            for (row, x1) in x1.chunks_exact(d).enumerate() {
                groups.entry(told.clone().map(|column| x1[column].to_bits()).collect()).or_default().push(row);
            }
            for rows in groups.values() {
                let places = rows.iter().map(|row| row * d..row * d + moving);
                let noise: Vec<_> = places.clone().map(|place| x0[place].to_vec()).collect();
                let data: Vec<_> = places.clone().map(|place| &x1[place]).collect();
                for (place, nearest) in places.zip(assignment(&data, &noise)) {
                    x0[place].copy_from_slice(&noise[nearest]);
                }
            }
        });
    }
}

/// The row of noise for each row of data that minimizes the sum of squared distances; its own if a row is not finite.
fn assignment(data: &[&[f64]], noise: &[Vec<f64>]) -> Vec<usize> {
    let n = data.len();
    let square = |x0: &[f64], x1: &[f64]| x0.iter().zip(x1).map(|(x0, x1)| (x1 - x0) * (x1 - x0)).sum::<f64>();
    let costs: Vec<_> = data.iter().flat_map(|x1| noise.iter().map(move |x0| square(x0, x1))).collect();
    lsap::solve(n, n, &costs, false).map_or_else(|_| (0..n).collect(), |(_, columns)| columns)
}
