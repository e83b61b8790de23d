//! Data sets: tables of points and sets of images, read from files; standardization.
//!
//! | what | from | in memory |
//! |---|---|---|
//! | [`Points`] | CSV, NPY | all of it, as `f64` |
//! | [`Images`] | CIFAR-10; with the feature `images` also IDX (such as MNIST) and folders of PNG and JPEG files | all of it, as bytes |
//! | [`StoredImages`] (feature `images`) | IDX files, folders | one image at a time |
//!
//! No file is trusted: reading one gives either data or an [`Error`] that names the file and the place in it.

mod cifar;
mod classes;
mod csv;
#[cfg(feature = "images")]
mod decode;
#[cfg(feature = "images")]
mod folder;
#[cfg(feature = "images")]
mod idx;
mod images;
mod labelled;
mod npy;
mod pixels;
mod points;
#[cfg(feature = "images")]
mod source;
mod standardization;
#[cfg(feature = "images")]
mod stored;

pub use images::Images;
pub use labelled::Labelled;
pub use pixels::{bytes_of, floats_of};
pub use points::Points;
pub use standardization::Standardization;
#[cfg(feature = "images")]
pub use stored::StoredImages;

use std::{fmt::Display, path::Path};

use crate::Error;

/// A file that could be read but not understood.
fn bad(path: &Path, line: Option<u64>, reason: impl Into<String>) -> Error {
    Error::File { path: path.to_owned(), line, reason: reason.into() }
}

/// As [`bad`], with the place in a binary file.
fn at_byte(path: &Path, byte: impl Display, reason: impl Display) -> Error {
    bad(path, None, format!("byte {byte}: {reason}"))
}

/// A file that could not be read.
fn unreadable(path: &Path, source: std::io::Error) -> Error {
    Error::Io { path: path.to_owned(), source }
}

/// `text`, shortened for a message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Damages valid files in many ways.
#[cfg(test)]
mod tests {
    use rand::RngExt;

    use crate::random::stream;

    /// Calls `read` on 200 mutations of `good`, which must not panic, hang or ask for absurd memory.
    pub fn mutate(good: &[u8], read: impl Fn(&[u8])) {
        for seed in 0..200 {
            let mut rng = stream(seed, 0);
            let mut bytes = good.to_vec();
            for _ in 0..rng.random_range(1..4_u32) {
                let at = rng.random_range(0..bytes.len().max(1)).min(bytes.len());
                match rng.random_range(0..6_u32) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, rng.random()),
                    2 => drop(bytes.drain(at..(at + 9).min(bytes.len()))),
                    3 => bytes.splice(at..at, *b"99999999999").for_each(drop),
                    4 => bytes.extend_from_within(at..),
                    _ => {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= 1 << rng.random_range(0..8_u32);
                        }
                    }
                }
            }
            read(&bytes);
        }
    }
}
