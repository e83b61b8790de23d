//! Images from CIFAR-10's binary files.

use std::path::Path;

use super::{at_byte, bad, unreadable};
use crate::{Error, Result};

pub(super) const SHAPE: [usize; 3] = [32, 32, 3];
pub(super) const NAMES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

const PLANE: usize = SHAPE[0] * SHAPE[1];
/// A label and three planes.
const RECORD: usize = 1 + 3 * PLANE;

/// The pixels of all files, channels last, and the labels.
pub(super) fn images(paths: &[impl AsRef<Path>]) -> Result<(Vec<u8>, Vec<u32>)> {
    if paths.is_empty() {
        return Err(Error::invalid("files of CIFAR-10", "there are none; give at least one"));
    }
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| unreadable(path, e))?;
        parse(path, &bytes, &mut pixels, &mut labels)?;
    }
    Ok((pixels, labels))
}

fn parse(path: &Path, bytes: &[u8], pixels: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<()> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(bad(path, None, "compressed; unpack it first (tar -xzf)"));
    }
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if records.is_empty() || !rest.is_empty() {
        let length = bytes.len();
        return Err(bad(
            path,
            None,
            format!("{length} bytes, not one or more records of {RECORD}; get CIFAR-10's binary version"),
        ));
    }
    for (i, [label, planes @ ..]) in records.iter().enumerate() {
        if usize::from(*label) >= NAMES.len() {
            return Err(at_byte(path, i * RECORD, format!("label {label}, but CIFAR-10 has 0 to 9; this is another file")));
        }
        labels.push(u32::from(*label));
        let (red, rest) = planes.split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        pixels.extend(red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::tests::mutate, *};

    /// Two records; byte `i` of image `k` in the file is `i + k` modulo 251.
    fn good() -> Vec<u8> {
        (0..2_usize)
            .flat_map(|k| std::iter::once(9 * k as u8).chain((0..RECORD - 1).map(move |i| ((i + k) % 251) as u8)))
            .collect()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u32>)> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        parse(Path::new("batch.bin"), bytes, &mut pixels, &mut labels)?;
        Ok((pixels, labels))
    }

    fn complaint(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn planes_become_channels() {
        let (pixels, labels) = read(&good()).unwrap();
        assert_eq!((pixels.len(), labels), (2 * 3072, vec![0, 9]));
        for (at, &b) in pixels.iter().enumerate() {
            let (k, pixel, channel) = (at / 3072, at % 3072 / 3, at % 3);
            assert_eq!(usize::from(b), (channel * 1024 + pixel + k) % 251);
        }
    }

    #[test]
    fn files_follow_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.bin", "b.bin"].map(|name| folder.path().join(name));
        paths.iter().for_each(|path| std::fs::write(path, good()).unwrap());
        let images = super::super::Images::from_cifar10(&paths).unwrap();
        assert_eq!((images.len(), images.labels()), (4, Some(&[0, 9, 0, 9][..])));
        assert!(matches!(super::super::Images::from_cifar10(&[] as &[&str]), Err(Error::Invalid { .. })));
        let error = super::super::Images::from_cifar10(&["/nowhere/a.bin"]).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/a.bin: "), "{error}");
    }

    #[test]
    fn complaints_name_the_place() {
        assert!(complaint(&[]).starts_with("batch.bin: 0 bytes"));
        assert!(complaint(&good()[..6000]).contains("6000 bytes, not one or more records of 3073"));
        assert!(complaint(&[0x1f, 0x8b, 8]).contains("unpack it first"));
        let mut bytes = good();
        bytes[RECORD] = 10;
        assert!(complaint(&bytes).starts_with("batch.bin: byte 3073: label 10"));
        // CIFAR-100 has two labels a record
        assert!(complaint(&[3; 3074]).contains("3074 bytes"));
    }

    #[test]
    fn mutations() {
        let check = |bytes: &[u8]| {
            if let Ok((pixels, labels)) = read(bytes) {
                assert_eq!(pixels.len(), labels.len() * 3072);
                assert!(labels.iter().all(|&label| label < 10));
            }
        };
        mutate(&good(), check);
        // damages that keep the length
        for at in 0..200 {
            let mut bytes = good();
            bytes[at * 29] ^= 1 << (at % 8);
            check(&bytes);
        }
    }
}
