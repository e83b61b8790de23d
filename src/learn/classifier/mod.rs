//! An image classifier, whose inner layer provides features to compare images by.

mod file;
mod network;
mod training;

pub use training::ClassifierSettings;

use network::{FEATURES, Network};

use crate::{
    Error, ImageTensor, Result, Tensor,
    data::{Images, Points, floats_of},
};

/// The version of the network and of its files.
const VERSION: u32 = 1;

/// A small convolutional classifier, trained here, whose inner layer serves as [`Features`](crate::metric::Features).
///
/// From an image `x` of shape `[h, w, c]` with numbers from -1 to 1:
///
/// ```text
/// a = σ(K₁ ∗ x + b₁)      [h/2, w/2, 32]    3x3, every second pixel
/// b = σ(K₂ ∗ a + b₂)      [h/4, w/4, 64]    the same
/// f = σ(b W₃ + b₃)        [128]             the features
/// l = f W₄ + b₄           [classes]         the logits: P(class k) = e^{l_k} / Σ_j e^{l_j}
/// ```
///
/// with `σ(x) = x / (1 + e^{-x})`, and halves rounded up. Trained on the 60,000 images of Fashion-MNIST with the default
/// settings, it classifies 90.5 % of the 10,000 test images correctly.
///
/// Trained on the kind of images that are compared, its features see what distinguishes their classes. Distances between them are
/// *not* comparable with published ones, which use networks trained on other images, nor with those from other weights: the
/// [name](Classifier::name) holds a checksum of the weights. Train once, [save](Classifier::save), and load it wherever numbers
/// are to be compared. Training images lie slightly apart from new ones of the same kind, so compare samples with real images
/// that the classifier has not seen.
///
/// Rows are images, as from [`Images`] and samplers: shape `[n, h·w·c]`, numbers from -1 to 1.
///
/// ```
/// use flowmap::{backend::ndarray::NdTensor, data::{Images, Points}, learn::{Classifier, ClassifierSettings}};
/// use std::ops::ControlFlow;
/// // dark images and bright ones
/// let (pixels, labels) = (0..64).map(|i| ([i; 16].map(|i| i * 4), u32::from(i >= 32))).unzip::<_, _, Vec<_>, Vec<_>>();
/// let images = Images::new(pixels.concat(), [4, 4, 1], Some(labels))?;
/// let settings = ClassifierSettings { epochs: 20, batch: 16, ..ClassifierSettings::default() };
/// let classifier: Classifier<NdTensor<f32>> =
///     Classifier::train(&images, &settings, |_step, _steps, _loss, _accuracy| ControlFlow::Continue(()))?;
/// assert!(classifier.accuracy(&images)? > 0.9);
///
/// let rows = Points::new(images.floats(0), 16)?;
/// assert!(classifier.probabilities(&rows)?.row(0)[0] > 0.9); // dark
/// assert_eq!(classifier.inner_layer(&rows)?.dimension(), 128);
/// assert!(classifier.name().starts_with("flowmap classifier v1, 2 classes, 4x4x1, "));
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Classifier<T> {
    network: Network<T>,
    image: [usize; 3],
    classes: usize,
    /// The checksum of the shape of images, the number of classes and all weights.
    checksum: u32,
}

impl<T: ImageTensor<Primal = T>> Classifier<T> {
    fn new(network: Network<T>, image: [usize; 3], classes: usize) -> Self {
        let checksum = file::checksum(&network, image, classes);
        Self { network, image, classes, checksum }
    }

    /// Height, width and channels of the images that it takes.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 3] {
        self.image
    }

    /// The number of classes, at least 2.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The logits of each row: shape `[n, classes]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if rows are not images of [this shape](Classifier::image_shape); [`Error::Invalid`] if huge numbers make
    /// a logit overflow.
    pub fn logits(&self, rows: &Points) -> Result<Points> {
        self.of(rows, self.classes, |x| self.network.logits(x))
    }

    /// The probabilities of the classes for each row: shape `[n, classes]`.
    ///
    /// # Errors
    /// As [`logits`](Classifier::logits).
    pub fn probabilities(&self, rows: &Points) -> Result<Points> {
        self.of(rows, self.classes, |x| self.network.logits(x).softmax())
    }

    /// The share of images classified correctly: the logit of their label is the largest.
    ///
    /// Images are never mirrored. A label without a class counts as a mistake.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the images have no labels; [`Error::Shape`] if their shape is not
    /// [this one](Classifier::image_shape).
    pub fn accuracy(&self, images: &Images) -> Result<f64> {
        let labels = images.labels().ok_or_else(|| Error::invalid("accuracy", "the images have no labels; give labels first"))?;
        if images.shape() != self.image {
            let (expected, found) = (self.image.to_vec(), images.shape().to_vec());
            return Err(Error::Shape { what: "images for the classifier".into(), expected, found });
        }
        let batch = self.rows_at_once();
        let hits = images.pixels().chunks(batch * self.dimension_of_rows()).zip(labels.chunks(batch));
        let hits = hits.map(|(pixels, labels)| {
            let logits = self.network.logits(&self.tensor(&floats_of(pixels)));
            training::hits(&logits.values(), labels)
        });
        Ok(hits.sum::<usize>() as f64 / labels.len() as f64)
    }

    /// The number of units of the inner layer.
    pub const FEATURES: usize = FEATURES;

    /// Identifies its features: its version, the shape of its images and a checksum of its weights.
    #[must_use]
    pub fn name(&self) -> String {
        let ([height, width, channels], classes) = (self.image, self.classes);
        format!("flowmap classifier v{VERSION}, {classes} classes, {height}x{width}x{channels}, {:08x}", self.checksum)
    }

    /// The inner layer for each row: shape `[n, 128]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if rows are not images of [this shape](Classifier::image_shape); [`Error::Invalid`] if huge numbers make
    /// a unit overflow.
    pub fn inner_layer(&self, rows: &Points) -> Result<Points> {
        self.of(rows, FEATURES, |x| self.network.features(x))
    }

    fn dimension_of_rows(&self) -> usize {
        self.image.iter().product()
    }

    /// The number of rows per batch: few enough that activations take little memory.
    fn rows_at_once(&self) -> usize {
        const MOST_ROWS: usize = 256;
        const MOST_NUMBERS: usize = 1 << 19;
        (MOST_NUMBERS / self.dimension_of_rows()).clamp(1, MOST_ROWS)
    }

    fn tensor(&self, rows: &[f64]) -> T {
        images_of(&self.network.output.bias.device(), rows, self.image)
    }

    /// `f` of all rows, in batches.
    fn of(&self, rows: &Points, dimension: usize, f: impl Fn(&T) -> T) -> Result<Points> {
        let (expected, found) = (self.dimension_of_rows(), rows.dimension());
        if expected != found {
            let what = "rows for the classifier".into();
            return Err(Error::Shape { what, expected: vec![rows.len(), expected], found: vec![rows.len(), found] });
        }
        let batches = rows.as_slice().chunks(self.rows_at_once() * rows.dimension());
        Points::new(batches.flat_map(|rows| f(&self.tensor(rows)).values()).collect(), dimension)
    }
}

/// Rows as images of this shape.
fn images_of<T: Tensor>(device: &T::Device, rows: &[f64], [height, width, channels]: [usize; 3]) -> T {
    T::from_doubles_on(device, rows, &[rows.len() / (height * width * channels), height, width, channels])
}

#[cfg(all(test, feature = "images", feature = "ndarray"))]
mod tests {
    use std::{ops::ControlFlow, path::Path};

    use super::*;
    use crate::{backend::ndarray::NdTensor, metric::Features};

    type T = NdTensor<f32>;

    fn clothes(folder: &Path, name: &str) -> Images {
        let file = |kind: &str| folder.join(format!("{name}-{kind}-ubyte.gz"));
        Images::from_idx_with_labels(file("images-idx3"), file("labels-idx1")).unwrap()
    }

    fn thousand() -> Images {
        clothes(Path::new("examples/data"), "fashion-1k")
    }

    fn train(images: &Images, settings: &ClassifierSettings) -> Classifier<T> {
        Classifier::train(images, settings, |_, _, _, _| ControlFlow::Continue(())).unwrap()
    }

    fn rows(images: &Images) -> Points {
        Points::new(floats_of(images.pixels()), images.dimension()).unwrap()
    }

    #[test]
    fn learns_to_tell_clothes_apart() {
        let (seen, unseen) = thousand().split_at(800).unwrap();
        let settings = ClassifierSettings { epochs: 10, batch: 32, ..ClassifierSettings::default() };
        let (mut first, mut last) = (f64::NAN, f64::NAN);
        let observe = |step, _, loss, _| {
            if step == 1 {
                first = loss
            } else {
                last = loss
            }
            ControlFlow::Continue(())
        };
        let classifier: Classifier<T> = Classifier::train(&seen, &settings, observe).unwrap();
        assert!((first - 10.0_f64.ln()).abs() < 0.7 && last < 0.6, "loss from {first} to {last}");
        let [known, accuracy] = [&seen, &unseen].map(|images| classifier.accuracy(images).unwrap());
        assert!(known > accuracy && accuracy > 0.75, "{known} and {accuracy}");

        let probabilities = classifier.probabilities(&rows(&unseen)).unwrap();
        assert_eq!((probabilities.len(), probabilities.dimension()), (200, 10));
        assert!(probabilities.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-5));
        #[cfg(feature = "nalgebra")]
        {
            // clothes of one kind only, and negatives: the features see both
            let moments = |rows: &Points| crate::metric::Moments::of(&classifier.try_features(rows).unwrap()).unwrap();
            let [half, other] = <[Images; 2]>::from(unseen.split_at(100).unwrap()).map(|images| rows(&images));
            let shirts = rows(&seen.of_class(0).unwrap());
            let negatives = Points::new(other.as_slice().iter().map(|x| -x).collect(), other.dimension()).unwrap();
            let [floor, one_kind, negative] =
                [&other, &shirts, &negatives].map(|rows| crate::metric::frechet(&moments(&half), &moments(rows)).unwrap());
            assert!(one_kind > 1.5 * floor && negative > 1.5 * floor, "{one_kind}, {negative} and {floor}");
        }
        let logits = classifier.logits(&rows(&unseen)).unwrap();
        assert_eq!(training::hits(logits.as_slice(), unseen.labels().unwrap()), (accuracy * 200.0).round() as usize);
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let images = thousand().take(150).unwrap();
        let settings = ClassifierSettings { epochs: 1, batch: 64, ..ClassifierSettings::default() };
        let [one, two] = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let classifier = train(&images, &settings);
                (classifier.name(), classifier.features(&rows(&images)))
            })
        });
        assert!(one == two);
        let another = train(&images, &ClassifierSettings { seed: 1, ..settings });
        assert_ne!(another.name(), one.0, "the name tells weights apart");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let classifier: Classifier<T> = Classifier::new(Network::new_on(&(), [28, 28, 1], 10, 1), [28, 28, 1], 10);
        let other = Points::new(vec![0.0; 300], 100).unwrap();
        for result in [classifier.logits(&other), classifier.probabilities(&other), classifier.try_features(&other)] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("expected shape [3, 784], found [3, 100]"), "{error}");
        }
        let huge = Points::new(vec![f64::MAX; 784], 784).unwrap();
        assert!(matches!(classifier.try_features(&huge), Err(Error::Invalid { .. })));
        let (pixels, shape) = (vec![0; 100], [10, 10, 1]);
        let error = classifier.accuracy(&Images::new(pixels.clone(), shape, None).unwrap()).unwrap_err().to_string();
        assert!(error.contains("no labels"), "{error}");
        assert!(matches!(classifier.accuracy(&Images::new(pixels, shape, Some(vec![0])).unwrap()), Err(Error::Shape { .. })));
    }

    /// By hand, with the files of Fashion-MNIST in the folder that `FASHION_MNIST` names.
    #[test]
    #[ignore = "needs 60,000 images and minutes in release"]
    fn learns_fashion_mnist() {
        let folder = std::env::var("FASHION_MNIST").expect("FASHION_MNIST names a folder");
        let [train_images, test] = ["train", "t10k"].map(|name| clothes(Path::new(&folder), name));
        let clock = std::time::Instant::now();
        let accuracy = train(&train_images, &ClassifierSettings::default()).accuracy(&test).unwrap();
        assert!(accuracy > 0.9, "{accuracy} after {:?}", clock.elapsed());
    }
}
