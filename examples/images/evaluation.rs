//! Pictures of samples, and their distances from real images.

use super::data::Set;
use flowmap::{
    FlowMap, ImageTensor, Result, VelocityField,
    data::Points,
    law::{Law, Normal},
    learn::Run,
    metric::{Classifier, ClassifierSettings, Comparison, Features, Protocol, Raw, Subsets, compare},
    plot::image_grid,
    sample::{self, Grid},
};
use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

const STEP_COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
const IN_A_ROW: usize = 16;
/// Seeds of the noise that is looked at and of the noise that is scored.
const LOOK: u64 = 7;
const SCORE: u64 = 8;

/// What samples of the run are looked at and compared by.
pub struct Evaluation<'a, T: ImageTensor> {
    noise: Normal,
    shape: [usize; 3],
    real: Points,
    samples: usize,
    features: Vec<Box<dyn Features + 'a>>,
    device: T::Device,
}

/// A step of Euler's method as a map: how a velocity is followed that no map was learned for.
pub struct Euler<V>(pub V);

impl<T: ImageTensor, V: VelocityField<T>> FlowMap<T> for Euler<V> {
    fn flow(&self, s: &T, t: &T, x: &T) -> T {
        x.plus(&self.0.velocity(s, x).scaled(&(t.clone() - s)))
    }
}

impl<'a, T: ImageTensor<Primal = T>> Evaluation<'a, T> {
    /// With the classifier in a file, which is trained first if there is none. Without labels, raw pixels are all that is compared.
    pub fn new(set: &Set, classifier: &Path, samples: usize, run: &Run, device: &T::Device) -> Result<Self> {
        let dimension = set.train.dimension();
        let real = Points::new((0..set.test.len()).flat_map(|i| set.test.floats(i)).collect(), dimension)?;
        let mut features: Vec<Box<dyn Features>> = vec![Box::new(Raw(dimension))];
        if set.train.class_count().is_some() {
            let network = if classifier.exists() {
                Classifier::<T>::load(classifier, device)?
            } else {
                println!("training a classifier to compare images by, once");
                let network = Classifier::<T>::train(&set.train, &ClassifierSettings::default(), device, |_, _, _, _| {
                    ControlFlow::Continue(())
                })?;
                network.save(classifier)?;
                network
            };
            println!("the classifier is right on {:.1} % of the test images", 100.0 * network.accuracy(&set.test)?);
            features.push(Box::new(network));
        }
        let real_rows: Vec<f64> = real.iter().take(IN_A_ROW).flatten().copied().collect();
        image_grid(run.path("real.png"), &[("real", &real_rows)], set.train.shape(), [-1.0, 1.0])?;
        let noise = Normal::new(vec![0.0; dimension], set.deviation())?;
        Ok(Self { noise, shape: set.train.shape(), real, samples, features, device: device.clone() })
    }

    fn draw(&self, map: &dyn FlowMap<T>, steps: usize, count: usize, seed: u64) -> Result<Vec<f64>> {
        let grid = Grid::uniform([0.0, 1.0], steps)?;
        Ok(sample::draw::<T>(map, &grid, &self.noise, count, seed, &self.device))
    }

    /// Draws the same noise by each number of steps.
    pub fn look(&self, path: &Path, map: &dyn FlowMap<T>) -> Result<()> {
        let real: Vec<f64> = self.real.iter().take(IN_A_ROW).flatten().copied().collect();
        let mut rows = vec![];
        for steps in STEP_COUNTS {
            rows.push((
                if steps == 1 { "1 step".into() } else { format!("{steps} steps") },
                self.draw(map, steps, IN_A_ROW, LOOK)?,
            ));
        }
        rows.push(("real".to_string(), real));
        let rows: Vec<_> = rows.iter().map(|(name, images)| (name.as_str(), images.as_slice())).collect();
        image_grid(path, &rows, self.shape, [-1.0, 1.0])
    }

    /// The distances for each number of steps, printed, and a picture.
    pub fn score(&self, run: &Run, map: &dyn FlowMap<T>) -> Result<BTreeMap<usize, Vec<Comparison>>> {
        let protocol = Protocol { subsets: Subsets { count: 20, size: 1000 }, directions: 200 };
        println!("{:>6} {:>42} {:>12} {:>12} {:>12} {:>12}", "steps", "features", "Fréchet", "its floor", "KID", "its floor");
        let mut scores = BTreeMap::new();
        for steps in STEP_COUNTS {
            let drawn = Points::new(self.draw(map, steps, self.samples, SCORE)?, self.noise.dimension())?;
            for features in &self.features {
                let found = compare(&self.real, &drawn, features, &protocol, 1)?;
                let [frechet, kid] = [[found.frechet.score, found.frechet.floor], [found.kid.score.mean, found.kid.floor.mean]];
                let name: String = found.features.chars().take(42).collect();
                println!("{steps:>6} {name:>42} {:>12.4} {:>12.4} {:>12.6} {:>12.6}", frechet[0], frechet[1], kid[0], kid[1]);
                scores.entry(steps).or_insert_with(Vec::new).push(found);
            }
        }
        self.look(&run.path("samples.png"), map)?;
        Ok(scores)
    }
}
