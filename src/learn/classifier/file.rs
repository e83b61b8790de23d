//! Saving and loading classifiers.

use std::{
    collections::HashMap,
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    Classifier, VERSION,
    network::{Network, check},
};
use crate::{Error, ImageTensor, Real, Result, Tensor, durable, named_tensors, nn::Module};

/// The only entry of the file's metadata, since several would be written in random order.
const KEY: &str = "flowmap classifier";
/// A bound on the size of the header, in bytes.
const MOST_TEXT: u64 = 1 << 16;

/// The metadata of a classifier's file.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    version: u32,
    image: [usize; 3],
    classes: usize,
    /// As [`checksum`] computes it.
    crc32: u32,
}

impl<T: ImageTensor<Primal = T>> Classifier<T> {
    /// Writes a safetensors file, which other tools can read: the parameters by their names, and as metadata the version, the
    /// shape of images, the number of classes and a checksum.
    ///
    /// The same classifier gives the same bytes. A folder that is missing is made: minutes of training are not lost for it.
    ///
    /// ```no_run
    /// use flowmap::{backend::ndarray::NdTensor, learn::Classifier};
    /// # fn example(trained: Classifier<NdTensor<f32>>) -> flowmap::Result<()> {
    /// trained.save("clothes.safetensors")?;
    /// let loaded: Classifier<NdTensor<f32>> = Classifier::load("clothes.safetensors")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; an existing file at `path` is then kept.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bad = |reason: String| Error::File { path: path.to_owned(), line: None, reason };
        let mut tensors = Vec::new();
        self.network.visit(&mut |name, p| tensors.push((name.to_owned(), p.clone())));
        let about = About { version: VERSION, image: self.image, classes: self.classes, crc32: self.checksum };
        let about = serde_json::to_string(&about).map_err(|e| bad(e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), about)]);
        let bytes = named_tensors::write(&tensors, Some(metadata)).map_err(|e| bad(e.to_string()))?;
        if let Some(folder) = path.parent() {
            durable::create_folder(folder)?;
        }
        durable::write_file(path, &bytes)?;
        log::info!("wrote {}", path.display());
        Ok(())
    }

    /// Reads what [`save`](Classifier::save) wrote. Features are then the same, bit for bit.
    ///
    /// No more than the header is read, unless it and the file's length are those of a classifier.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::File`] if it is truncated, damaged, foreign, of another version, or
    /// holds numbers of another type than `T`'s.
    pub fn load(path: impl AsRef<Path>) -> Result<Self>
    where
        T::Device: Default,
    {
        Self::load_on(&T::Device::default(), path)
    }

    /// The same on this device.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_on(device: &T::Device, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bad = |reason: String| Error::File { path: path.to_owned(), line: None, reason };
        let file = durable::at(path, File::open(path))?;
        let length = durable::at(path, file.metadata())?.len();
        let (about, bytes) = match read(file, length, size_of::<T::Real>()) {
            Ok(read) => read,
            Err(Failure::Io(source)) => return Err(Error::Io { path: path.to_owned(), source }),
            Err(Failure::Content(reason)) => return Err(bad(reason)),
        };
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| bad(e.to_string()))?;
        let network = Network::shapes(about.image, about.classes).try_map(&mut |name, shape| {
            let values = named_tensors::read(&tensors, name, shape).map_err(bad)?;
            if values.iter().any(|x: &T::Real| !x.into_f64().is_finite()) {
                return Err(bad(format!("tensor {name}: it holds a number that is not finite")));
            }
            Ok(T::from_slice_on(device, &values, shape))
        })?;
        let classifier = Self::new(network, about.image, about.classes);
        if classifier.checksum != about.crc32 {
            return Err(bad(format!("checksum {:08x}, expected {:08x}; it is damaged", classifier.checksum, about.crc32)));
        }
        Ok(classifier)
    }
}

/// Why a file could not be read.
enum Failure {
    Io(std::io::Error),
    Content(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Content("it is truncated".into()),
            _ => Self::Io(error),
        }
    }
}

/// The header's metadata, and all bytes of the file, whose number is checked for numbers of `width` bytes.
fn read(mut file: impl Read, length: u64, width: usize) -> Result<(About, Vec<u8>), Failure> {
    let content = |reason: String| Failure::Content(reason);
    let mut prefix = [0; 8];
    file.read_exact(&mut prefix)?;
    let header = u64::from_le_bytes(prefix);
    if header > MOST_TEXT {
        return Err(content(format!("it is not a classifier of flowmap: its header has {header} bytes")));
    }
    let mut bytes = prefix.to_vec();
    bytes.resize(8 + header as usize, 0);
    file.read_exact(&mut bytes[8..])?;

    let json: Json = serde_json::from_slice(&bytes[8..]).map_err(|e| content(format!("its header is damaged: {e}")))?;
    let Some(about) = json["__metadata__"][KEY].as_str() else {
        return Err(content(format!("it is not a classifier of flowmap: no '{KEY}' in its metadata")));
    };
    let about: Json = serde_json::from_str(about).map_err(|e| content(format!("its metadata are damaged: {e}")))?;
    if about["version"] != VERSION {
        return Err(content(format!("its version is {}, this program reads version {VERSION}", about["version"])));
    }
    let about: About = serde_json::from_value(about).map_err(|e| content(format!("its metadata are damaged: {e}")))?;
    check(about.image, about.classes).map_err(|e| content(e.to_string()))?;

    let mut numbers = 0;
    Network::shapes(about.image, about.classes).visit(&mut |_, shape| numbers += shape.iter().product::<usize>() as u64);
    let expected = 8 + header + numbers * width as u64;
    if length != expected {
        let reason = format!("it has {length} bytes, expected {expected}; it is truncated, or holds numbers of another type");
        return Err(content(reason));
    }
    // the length may have changed since it was checked
    file.take(expected - bytes.len() as u64).read_to_end(&mut bytes)?;
    Ok((about, bytes))
}

/// The checksum of the shape of images, the number of classes and all weights, in the order of the network.
pub(super) fn checksum<T: Tensor>(network: &Network<T>, image: [usize; 3], classes: usize) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    image.iter().chain([&classes]).for_each(|&n| hasher.update(&(n as u64).to_le_bytes()));
    network.visit(&mut |_, p| hasher.update(&named_tensors::to_bytes(&p.to_vec())));
    hasher.finalize()
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;
    use crate::{backend::ndarray::NdTensor, data::Points, metric::Features, random::stream};
    use rand::RngExt;
    use std::fs;

    type F32 = NdTensor<f32>;

    const IMAGE: [usize; 3] = [5, 4, 1];

    fn small<T: ImageTensor<Primal = T, Device = ()>>() -> Classifier<T> {
        Classifier::new(Network::new_on(&(), IMAGE, 2, 5), IMAGE, 2)
    }

    fn features<T: ImageTensor<Primal = T>>(classifier: &Classifier<T>) -> Vec<u64> {
        let rows = Points::new((0..40).map(|i| (i as f64).sin()).collect(), 20).unwrap();
        classifier.features(&rows).into_iter().map(f64::to_bits).collect()
    }

    #[test]
    fn what_is_loaded_is_what_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        let classifier = small::<F32>();
        classifier.save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let loaded: Classifier<F32> = Classifier::load(&path).unwrap();
        assert_eq!(features(&loaded), features(&classifier));
        assert_eq!((loaded.name(), loaded.image_shape(), loaded.classes()), (classifier.name(), IMAGE, 2));
        loaded.save(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let error = Classifier::<NdTensor<f64>>::load(&path).unwrap_err().to_string();
        assert!(error.contains("numbers of another type"), "{error}");
        let classifier = small::<NdTensor<f64>>();
        classifier.save(&path).unwrap();
        let loaded: Classifier<NdTensor<f64>> = Classifier::load(&path).unwrap();
        assert_eq!(features(&loaded), features(&classifier));
        let deep = folder.path().join("new/folder/c.safetensors");
        classifier.save(&deep).unwrap();
        assert!(fs::read(&deep).unwrap() == fs::read(&path).unwrap(), "the same classifier gives the same bytes");
        assert!(matches!(classifier.save(path.join("c")), Err(Error::Io { .. })), "a file is no folder");
    }

    /// Damages one to three places: half of them in the header, which is short compared with the weights.
    fn damaged(good: &[u8], seed: u64) -> Vec<u8> {
        let (mut rng, mut bytes) = (stream(seed, 0), good.to_vec());
        for _ in 0..rng.random_range(1..4_u32) {
            let end = if rng.random() { bytes.len().min(1000) } else { bytes.len() };
            let at = rng.random_range(0..=end);
            match rng.random_range(0..7_u32) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, rng.random()),
                2 => drop(bytes.drain(at..(at + 9).min(bytes.len()))),
                3 => bytes.splice(at..at, *b"99999999999").for_each(drop),
                4 => bytes.extend_from_within(at..),
                5 => bytes[at..].iter_mut().take(1).for_each(|byte| *byte = b'9'),
                _ => bytes[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << rng.random_range(0..8_u32)),
            }
        }
        bytes
    }

    #[test]
    fn damaged_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        small::<F32>().save(&path).unwrap();
        let good = fs::read(&path).unwrap();
        let refused = |bytes: &[u8], what: &str| {
            fs::write(&path, bytes).unwrap();
            let error = Classifier::<F32>::load(&path).expect_err(what);
            assert!(matches!(error, Error::File { .. }), "{what}: {error}");
        };
        for seed in 0..300 {
            let bytes = damaged(&good, seed);
            if bytes != good {
                refused(&bytes, &format!("seed {seed}"));
            }
        }
        for at in 0..1200 {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            refused(&bytes, &format!("byte {at}"));
        }
        for length in (0..1200).step_by(7) {
            refused(&good[..length], &format!("{length} bytes"));
        }
    }

    #[test]
    fn foreign_files_are_errors_that_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        let error = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            Classifier::<F32>::load(&path).unwrap_err().to_string()
        };
        small::<F32>().save(&path).unwrap();
        let good = fs::read(&path).unwrap();
        let replaced = |from: &str, to: &str| {
            let (from, to) = (from.as_bytes(), to.as_bytes());
            let at = good.windows(from.len()).position(|part| part == from).unwrap();
            assert_eq!(from.len(), to.len());
            [&good[..at], to, &good[at + to.len()..]].concat()
        };
        let text = |header: &str| [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        let (nan, weights) = (f32::NAN.to_le_bytes(), good.len() - 4);
        for (bytes, why) in [
            (vec![], "truncated"),
            (b"a file of text, not of tensors".to_vec(), "not a classifier of flowmap: its header"),
            (text("{}"), "not a classifier of flowmap: no"),
            (text(r#"{"__metadata__":{"format":"pt"}}"#), "not a classifier of flowmap: no"),
            (replaced(r#"version\":1"#, r#"version\":2"#), "its version is 2, this program reads version 1"),
            (replaced("[5,4,1]", "[5,3,1]"), "images of shape [5, 3, 1]"),
            // weights of the same shapes: the checksum alone tells
            (replaced("[5,4,1]", "[6,4,1]"), "it is damaged"),
            (replaced(r#"classes\":2"#, r#"classes\":9"#), "bytes, expected"),
            (replaced("first.bias", "first.boas"), "tensor first.bias: missing"),
            ([&good[..weights], &nan].concat(), "not finite"),
            ([&good[..weights], &1.0_f32.to_le_bytes()].concat(), "it is damaged"),
        ] {
            let error = error(&bytes);
            assert!(error.contains(why), "{why}: {error}");
        }
        assert!(matches!(Classifier::<F32>::load(folder.path().join("none")), Err(Error::Io { .. })));
        assert!(matches!(Classifier::<F32>::load(folder.path()), Err(Error::Io { .. })));
    }
}
