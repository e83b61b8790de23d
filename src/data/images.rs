//! A set of images in memory.

use std::path::Path;

use rand::{Rng, RngExt, seq::SliceRandom};

use super::{cifar, classes::Classes, pixels};
use crate::{
    Error, Layout, Result,
    distribution::{Distribution, check_length},
    random::stream,
};

/// A data set: `n` images of one shape `[height, width, channels]`, one byte for each channel of a pixel.
///
/// As a [`Distribution`] it is the empirical one: each image with probability `1/n`, as numbers from -1 to 1
/// (`x = b / 127.5 - 1`) in the order of the bytes, mirrored half of the time [with flips](Images::with_flips).
///
/// ```
/// use flowmap::{data::Images, distribution::Distribution, random::stream};
/// let images = Images::new(vec![0, 255, 255, 0], [1, 2, 1], Some(vec![3, 5]))?;
/// assert_eq!((images.len(), images.image(1), images.label(1)), (2, &[255, 0][..], Some(5)));
/// let mut x = [0.0; 2];
/// images.draw(&mut stream(1, 0), &mut x);
/// assert!(x == [-1.0, 1.0] || x == [1.0, -1.0]);
/// # Ok::<(), flowmap::Error>(())
/// ```
///
/// A set that does not fit into memory is a [`StoredImages`](super::StoredImages) (feature `images`).
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Image by image, row by row, channels last.
    pixels: Vec<u8>,
    shape: [usize; 3],
    classes: Classes,
    flips: bool,
}

impl Images {
    /// From the bytes of `n` images of shape `[height, width, channels]`, image by image, row by row, channels last; and the
    /// class of each, if known.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no image, the shape has no pixels, or the bytes do not fill the last image;
    /// [`Error::Shape`] if the numbers of labels and images differ.
    pub fn new(pixels: Vec<u8>, shape: [usize; 3], labels: Option<Vec<u32>>) -> Result<Self> {
        let size = size_of_image(shape)?;
        if pixels.is_empty() || !pixels.len().is_multiple_of(size) {
            let reason = format!("{} bytes do not make images of shape {shape:?}; give n times {size}", pixels.len());
            return Err(Error::invalid("images", reason));
        }
        let classes = Classes::new(labels, pixels.len() / size)?;
        Ok(Self { pixels, shape, classes, flips: false })
    }

    /// Reads CIFAR-10's binary files, such as `data_batch_1.bin` to `data_batch_5.bin`: 32x32 pixels in three colours, with the
    /// names of the ten classes.
    ///
    /// Each record has 3,073 bytes: the label, then the red, the green and the blue plane, row by row. Format:
    /// <https://www.cs.toronto.edu/~kriz/cifar.html>.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("data_batch_1.bin");
    /// # let record = [vec![6], vec![255; 1024], vec![0; 2048]].concat();
    /// # std::fs::write(&path, record).unwrap();
    /// use flowmap::data::Images;
    /// let images = Images::from_cifar10(&[&path])?;
    /// assert_eq!(images.shape(), [32, 32, 3]);
    /// assert_eq!(images.image(0)[..3], [255, 0, 0]); // red
    /// assert_eq!(images.class_names().unwrap()[6], "frog");
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no path; [`Error::Io`] if a file cannot be read; [`Error::File`], with the byte, if it is
    /// empty, ends within a record, or has a label above 9.
    pub fn from_cifar10(paths: &[impl AsRef<Path>]) -> Result<Self> {
        let (pixels, labels) = cifar::images(paths)?;
        Self::new(pixels, cifar::SHAPE, Some(labels))?.with_class_names(cifar::NAMES.map(String::from).to_vec())
    }

    /// With a name for each class, in the order of labels.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the images have no labels, or a label has no name.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self> {
        self.classes = self.classes.with_names(names)?;
        Ok(self)
    }

    /// Mirrors half of the draws, left to right.
    #[must_use]
    pub fn with_flips(self) -> Self {
        Self { flips: true, ..self }
    }

    /// The number `n` of images, at least 1.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.pixels.len() / self.dimension()
    }

    /// Height, width and channels of each image.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The number `d = height · width · channels` of bytes of an image.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.shape.iter().product()
    }

    /// All bytes: shape `[n, height, width, channels]`.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes of image `i`, row by row, channels last.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Images::len).
    #[must_use]
    pub fn image(&self, i: usize) -> &[u8] {
        assert!(i < self.len(), "image {i} of {}", self.len());
        &self.pixels[i * self.dimension()..][..self.dimension()]
    }

    /// Image `i` as numbers from -1 to 1, as [`floats_of`](super::floats_of) makes them; never mirrored.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Images::len).
    #[must_use]
    pub fn floats(&self, i: usize) -> Vec<f64> {
        pixels::floats_of(self.image(i))
    }

    /// The images, one after another.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.dimension())
    }

    /// The class of each image, if known.
    #[must_use]
    pub fn labels(&self) -> Option<&[u32]> {
        self.classes.labels()
    }

    /// The class of image `i`, if known.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Images::len).
    #[must_use]
    pub fn label(&self, i: usize) -> Option<u32> {
        assert!(i < self.len(), "image {i} of {}", self.len());
        self.labels().map(|labels| labels[i])
    }

    /// The names of the classes, in the order of labels, if known.
    #[must_use]
    pub fn class_names(&self) -> Option<&[String]> {
        self.classes.names()
    }

    /// The number of classes: of their names, or else one more than the largest label; `None` without labels.
    #[must_use]
    pub fn class_count(&self) -> Option<usize> {
        self.classes.count()
    }

    /// The same images in a random order, which is a pure function of `seed`.
    ///
    /// Sets are often sorted by class. Shuffle such a set before it is [split](Images::split_at) or [cut](Images::take).
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut stream(seed, 0));
        self.picked(&order)
    }

    /// Splits into the first `n` images and the rest.
    ///
    /// ```
    /// use flowmap::data::Images;
    /// let images = Images::new((0..10).collect(), [1, 1, 1], None)?;
    /// let (train, test) = images.shuffled(42).split_at(8)?;
    /// assert_eq!((train.len(), test.len()), (8, 2));
    /// assert!(test.iter().all(|image| train.iter().all(|other| other != image)));
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if one of the two would be empty.
    pub fn split_at(&self, n: usize) -> Result<(Self, Self)> {
        if n == 0 || n >= self.len() {
            let reason = format!("{n} of {} images leave a part empty; give a number in between", self.len());
            return Err(Error::invalid("split of images", reason));
        }
        let (first, rest): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|&i| i < n);
        Ok((self.picked(&first), self.picked(&rest)))
    }

    /// The first `n` images.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `n` is 0 or larger than the number of images.
    pub fn take(&self, n: usize) -> Result<Self> {
        if n == 0 || n > self.len() {
            return Err(Error::invalid("number of images", format!("{n} is not from 1 to {}", self.len())));
        }
        Ok(self.picked(&(0..n).collect::<Vec<_>>()))
    }

    /// The images of one class, with unchanged labels and names.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none.
    pub fn of_class(&self, class: u32) -> Result<Self> {
        let labels = self.labels().unwrap_or_default();
        let indices: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        if indices.is_empty() {
            let reason = format!("no image has label {class}; there are {} classes", self.class_count().unwrap_or(0));
            return Err(Error::invalid("class of images", reason));
        }
        Ok(self.picked(&indices))
    }

    fn picked(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.dimension());
        indices.iter().for_each(|&i| pixels.extend_from_slice(self.image(i)));
        Self { pixels, classes: self.classes.picked(indices), ..*self }
    }

    /// Draws an image, and returns its class if known.
    ///
    /// From the same generator it draws the same image as [`Distribution::draw`].
    ///
    /// # Panics
    /// If `x` has another length than [`dimension`](Images::dimension).
    pub fn draw_labelled(&self, rng: &mut dyn Rng, x: &mut [f64]) -> Option<u32> {
        check_length(x, self.dimension());
        let (i, mirrored) = drawn(self.len(), self.flips, rng);
        pixels::write_floats(self.image(i), self.shape, mirrored, x);
        self.label(i)
    }
}

impl<'a> IntoIterator for &'a Images {
    type Item = &'a [u8];
    type IntoIter = std::slice::ChunksExact<'a, u8>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Distribution for Images {
    fn layout(&self) -> Layout {
        Images::dimension(self).into()
    }

    fn fingerprint(&self) -> String {
        fingerprint(self.len(), self.shape, crc32fast::hash(&self.pixels), self.flips)
    }

    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        self.draw_labelled(rng, x);
    }
}

/// The number of bytes of an image.
pub(super) fn size_of_image(shape: [usize; 3]) -> Result<usize> {
    match shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)) {
        Some(size) if size > 0 => Ok(size),
        _ => {
            let reason =
                format!("{shape:?}; give height, width and channels, each at least 1 and together a size that memory can hold");
            Err(Error::invalid("shape of images", reason))
        }
    }
}

/// Draws the index of one of `n` images, and whether it is mirrored. Without flips no number is drawn for that.
pub(super) fn drawn(n: usize, flips: bool, rng: &mut dyn Rng) -> (usize, bool) {
    let i = rng.random_range(0..n);
    (i, flips && rng.random())
}

pub(super) fn fingerprint(n: usize, [height, width, channels]: [usize; 3], checksum: u32, flips: bool) -> String {
    let flipped = if flips { ", mirrored at random" } else { "" };
    format!("{n} images of {height}x{width}x{channels}, {checksum:08x}{flipped}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::tests::draws;

    fn ten() -> Images {
        let labels = (0..10).map(|i| i / 4).collect();
        Images::new((0..20).collect(), [1, 2, 1], Some(labels)).unwrap()
    }

    #[test]
    fn every_image_is_as_likely_and_keeps_its_label() {
        let images = ten();
        let (mut count, mut rng, mut x) = ([0_u32; 10], stream(3, 0), [0.0; 2]);
        for expected in draws(&images, 50_000).as_chunks::<2>().0 {
            let label = images.draw_labelled(&mut rng, &mut x);
            assert_eq!(x, *expected);
            let bytes = pixels::bytes_of(&x).unwrap();
            assert_eq!((bytes[1], label), (bytes[0] + 1, Some(u32::from(bytes[0]) / 8)));
            count[usize::from(bytes[0]) / 2] += 1;
        }
        assert!(count.iter().all(|&n| n.abs_diff(5_000) < 300), "{count:?}");
    }

    #[test]
    fn value_stability() {
        let images = Images::new((0..=255).collect(), [1, 1, 1], None).unwrap();
        assert_eq!(pixels::bytes_of(&draws(&images, 5)).unwrap(), [27, 159, 163, 20, 234]);
        let images = Images::new((0..=255).flat_map(|b| [b, 0]).collect(), [1, 2, 1], None).unwrap().with_flips();
        assert_eq!(pixels::bytes_of(&draws(&images, 4)).unwrap(), [0, 27, 163, 0, 234, 0, 204, 0]);
    }

    #[test]
    fn half_of_the_flipped_are_mirrored() {
        let images = ten().with_flips();
        let rows = draws(&images, 10_000);
        let mirrored = rows.as_chunks::<2>().0.iter().filter(|x| x[0] > x[1]).count();
        assert!(mirrored.abs_diff(5_000) < 200, "{mirrored}");
        assert_ne!(images.fingerprint(), ten().fingerprint());
    }

    #[test]
    fn parts() {
        let images = ten().with_class_names(["a", "b", "c"].map(String::from).to_vec()).unwrap();
        let (first, rest) = images.split_at(4).unwrap();
        assert_eq!((first.pixels(), first.labels()), (&images.pixels()[..8], Some(&[0; 4][..])));
        assert_eq!((rest.pixels(), rest.class_count()), (&images.pixels()[8..], Some(3)));
        assert_eq!(images.take(4).unwrap(), first);
        assert_eq!(images.take(10).unwrap(), images);
        assert_eq!(images.of_class(1).unwrap().pixels(), (8..16).collect::<Vec<u8>>());
        let shuffled = images.shuffled(5);
        assert_ne!(shuffled, images);
        assert_eq!(shuffled, images.shuffled(5));
        for (image, label) in shuffled.iter().zip(shuffled.labels().unwrap()) {
            assert_eq!(*label, u32::from(image[0]) / 8);
        }
        assert!(images.split_at(0).is_err() && images.split_at(10).is_err());
        assert!(images.take(0).is_err() && images.take(11).is_err());
        assert!(images.of_class(3).unwrap_err().to_string().contains("no image has label 3"));
    }

    #[test]
    fn bad_arguments() {
        assert!(Images::new(vec![], [1, 1, 1], None).is_err());
        assert!(Images::new(vec![1], [1, 0, 1], None).is_err());
        assert!(Images::new(vec![1; 7], [1, 2, 3], None).is_err());
        assert!(Images::new(vec![1; 6], [usize::MAX, 2, 3], None).is_err());
        assert!(matches!(Images::new(vec![1; 6], [1, 2, 3], Some(vec![0; 2])), Err(Error::Shape { .. })));
        assert!(Images::new(vec![1], [1, 1, 1], None).unwrap().with_class_names(vec![]).is_err());
        let error = ten().with_class_names(vec!["a".into(), "b".into()]).unwrap_err().to_string();
        assert!(error.contains("image 8 has label 2 and there are 2 names"), "{error}");
    }
}
