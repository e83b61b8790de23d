//! Pictures of samples, and their distances from real images.

use super::data::Set;
use flowmap::{
    ImageTensor, Result,
    data::Points,
    distribution::Distribution,
    learn::{Classifier, ClassifierSettings, Run, Sampler},
    metric::{Comparison, Features, Protocol, RawFeatures, Subsets, compare},
    nn::Model,
    plot::image_grid,
};
use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

const STEP_COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
const IN_A_ROW: usize = 16;
/// Seeds of the noise for pictures and of the noise for scores.
const LOOK: u64 = 7;
const SCORE: u64 = 8;

/// Noise from each of the distributions, in turn.
pub struct Draws {
    /// The label after the number of steps.
    pub name: String,
    pub noise: Vec<Box<dyn Distribution>>,
}

/// Pictures and scores of a run's samples.
pub struct Evaluation<'a> {
    draws: Vec<Draws>,
    shape: [usize; 3],
    real: Points,
    samples: usize,
    features: Vec<Box<dyn Features + 'a>>,
}

impl Evaluation<'_> {
    /// Uses the classifier in a file, which is trained first if missing. Without labels, only raw pixels are compared.
    pub fn new<T: ImageTensor<Primal = T>>(
        set: &Set,
        draws: Vec<Draws>,
        classifier: &Path,
        samples: usize,
        run: &Run,
        device: &T::Device,
    ) -> Result<Self> {
        let dimension = set.train.dimension();
        let real = Points::new((0..set.test.len()).flat_map(|i| set.test.floats(i)).collect(), dimension)?;
        let mut features: Vec<Box<dyn Features>> = vec![Box::new(RawFeatures(dimension))];
        if set.train.class_count().is_some() {
            let network = if classifier.exists() {
                Classifier::<T>::load_on(device, classifier)?
            } else {
                println!("training a classifier to compare images by (only once)");
                let network = Classifier::<T>::train_on(device, &set.train, &ClassifierSettings::default(), |_, _, _, _| {
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
        Ok(Self { draws, shape: set.train.shape(), real, samples, features })
    }

    /// The pixels of `count` images.
    fn draw<T, M>(&self, sampler: Sampler<'_, T, M>, draws: &Draws, count: usize, seed: u64) -> Result<Vec<f64>>
    where
        T: ImageTensor<Primal = T>,
        M: Model<T>,
    {
        let (pixels, distributions) = (self.shape.iter().product(), draws.noise.len());
        let mut images = vec![0.0; count * pixels];
        for (k, noise) in draws.noise.iter().enumerate() {
            let places = images.chunks_exact_mut(pixels).skip(k).step_by(distributions);
            let rows = sampler.from(noise).draw(places.len(), seed + 1000 * k as u64)?;
            for (place, row) in places.zip(rows.chunks_exact(noise.dimension())) {
                place.copy_from_slice(&row[..pixels]);
            }
        }
        Ok(images)
    }

    /// Draws the same noise by each number of steps.
    pub fn look<T, M>(&self, path: &Path, sampler: Sampler<'_, T, M>) -> Result<()>
    where
        T: ImageTensor<Primal = T>,
        M: Model<T>,
    {
        let real: Vec<f64> = self.real.iter().take(IN_A_ROW).flatten().copied().collect();
        let mut rows = vec![];
        for (draws, steps) in self.ways() {
            let count = if steps == 1 { "1 step".into() } else { format!("{steps} steps") };
            rows.push((count + &draws.name, self.draw(sampler.steps(steps), draws, IN_A_ROW, LOOK)?));
        }
        rows.push(("real".to_string(), real));
        let rows: Vec<_> = rows.iter().map(|(name, images)| (name.as_str(), images.as_slice())).collect();
        image_grid(path, &rows, self.shape, [-1.0, 1.0])
    }

    fn ways(&self) -> impl Iterator<Item = (&Draws, usize)> {
        self.draws.iter().flat_map(|draws| STEP_COUNTS.map(|steps| (draws, steps)))
    }

    /// The distances for each number of steps, printed, and a picture.
    pub fn score<T, M>(&self, run: &Run, sampler: Sampler<'_, T, M>) -> Result<BTreeMap<String, Vec<Comparison>>>
    where
        T: ImageTensor<Primal = T>,
        M: Model<T>,
    {
        let protocol = Protocol { subsets: Subsets { count: 20, size: 1000 }, directions: 200 };
        println!("{:>16} {:>42} {:>12} {:>12} {:>12} {:>12}", "steps", "features", "Fréchet", "its floor", "KID", "its floor");
        let mut scores = BTreeMap::new();
        for (draws, steps) in self.ways() {
            let drawn = Points::new(self.draw(sampler.steps(steps), draws, self.samples, SCORE)?, self.shape.iter().product())?;
            let steps = format!("{steps}{}", draws.name);
            for features in &self.features {
                let found = compare(&self.real, &drawn, features, &protocol, 1)?;
                let [frechet, kid] = [[found.frechet.score, found.frechet.floor], [found.kid.score.mean, found.kid.floor.mean]];
                let name: String = found.features.chars().take(42).collect();
                println!("{steps:>16} {name:>42} {:>12.4} {:>12.4} {:>12.6} {:>12.6}", frechet[0], frechet[1], kid[0], kid[1]);
                scores.entry(steps.clone()).or_insert_with(Vec::new).push(found);
            }
        }
        self.look(&run.path("samples.png"), sampler)?;
        Ok(scores)
    }
}
