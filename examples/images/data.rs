//! Training images, and images to compare samples with.

use flowmap::{Error, Result, data::Images};
use std::path::Path;

/// Where Debian's package dataset-fashion-mnist puts its files.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";
/// Comes with the examples: the first 1,000 images of Fashion-MNIST's test set.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");

/// Training images, and images to compare with.
pub struct Set {
    pub train: Images,
    pub test: Images,
    name: String,
}

impl Set {
    /// Fashion-MNIST, or the images in a file or folder, of which a sixth is held out for comparison.
    pub fn read(data: Option<&Path>, labels: Option<&Path>, shape: [usize; 3]) -> Result<Self> {
        let Some(path) = data else { return Self::fashion() };
        let all = match labels {
            _ if path.is_dir() => Images::from_folder(path, shape)?,
            Some(labels) => Images::from_idx_with_labels(path, labels)?,
            None => Images::from_idx(path)?,
        };
        Self::split(all, path.display().to_string())
    }

    fn fashion() -> Result<Self> {
        let file = |folder: &str, name: &str| Path::new(folder).join(name);
        let pair = |folder, [images, labels]: [&str; 2]| Images::from_idx_with_labels(file(folder, images), file(folder, labels));
        if !Path::new(DEBIAN).is_dir() {
            eprintln!(
                "{DEBIAN} is missing: using the 1,000 images of the examples. For 70,000, install Debian's package dataset-fashion-mnist"
            );
            let few = pair(SHIPPED, ["fashion-1k-images-idx3-ubyte.gz", "fashion-1k-labels-idx1-ubyte.gz"])?;
            return Self::split(few, "1,000 images of Fashion-MNIST".into());
        }
        let train = pair(DEBIAN, ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"])?;
        let test = pair(DEBIAN, ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])?;
        Ok(Self { train, test, name: "Fashion-MNIST".into() })
    }

    fn split(all: Images, name: String) -> Result<Self> {
        let aside = all.len() / 6;
        if aside < 4 {
            return Err(Error::Invalid { what: "images", reason: format!("{} in {name}; give at least 24", all.len()) });
        }
        let (test, train) = all.shuffled(1).split_at(aside)?;
        Ok(Self { train, test, name })
    }

    pub fn description(&self) -> String {
        let [height, width, channels] = self.train.shape();
        let (train, test) = (self.train.len(), self.test.len());
        format!("{}: {train} images of {height}x{width}x{channels} to learn, {test} to compare with", self.name)
    }

    /// The root of the mean square of a pixel, of values from -1 to 1.
    pub fn deviation(&self) -> f64 {
        let square = |byte: &u8| (f64::from(*byte) / 127.5 - 1.0).powi(2);
        let pixels = self.train.pixels();
        (pixels.iter().map(square).sum::<f64>() / pixels.len() as f64).sqrt()
    }
}
