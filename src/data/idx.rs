//! IDX files, the format of MNIST, plain or gzipped: four magic bytes, the length of each axis, numbers.
//!
//! <http://yann.lecun.com/exdb/mnist/> specifies the format: the magic bytes are 0, 0, the number type and the number of axes;
//! integers are big-endian.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use super::{Images, bad, images::size_of_image, source::Source};
use crate::{Result, durable};

const UNSIGNED_BYTE: u8 = 8;
const INTEGER: u8 = 12;

impl Images {
    /// Reads an IDX file, the format of MNIST, plain or gzipped (detected by its content).
    ///
    /// Its numbers are bytes; its shape is `[n, height, width]`, read as one channel, or `[n, height, width, channels]`. Format:
    /// <http://yann.lecun.com/exdb/mnist/>.
    ///
    /// ```
    /// use flowmap::data::Images;
    /// let images = Images::from_idx("examples/data/fashion-1k-images-idx3-ubyte.gz")?;
    /// assert_eq!((images.len(), images.shape()), (1000, [28, 28, 1]));
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the file cannot be read; [`Error::File`](crate::Error::File), with the byte, if it is
    /// not an IDX file of images, is empty or damaged, or holds less or more than its header promises. No more than that is read
    /// or unpacked.
    pub fn from_idx(images: impl AsRef<Path>) -> Result<Self> {
        let (pixels, shape) = pixels(images.as_ref())?;
        Self::new(pixels, shape, None)
    }

    /// Reads two IDX files: images, as [`Images::from_idx`], and the class of each.
    ///
    /// Labels are bytes, or integers of four bytes from 0.
    ///
    /// ```
    /// use flowmap::data::Images;
    /// let folder = std::path::Path::new("examples/data");
    /// let images = folder.join("fashion-1k-images-idx3-ubyte.gz");
    /// let images = Images::from_idx_with_labels(images, folder.join("fashion-1k-labels-idx1-ubyte.gz"))?;
    /// assert_eq!(images.labels().unwrap()[..4], [9, 2, 1, 1]); // a boot, a pullover, two pairs of trousers
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Images::from_idx`], for both files; and [`Error::File`](crate::Error::File) if there are more or fewer labels than
    /// images.
    pub fn from_idx_with_labels(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (pixels, shape) = pixels(images.as_ref())?;
        let labels = labels_of(pixels.len() / size_of_image(shape)?, labels.as_ref())?;
        Self::new(pixels, shape, Some(labels))
    }
}

/// The bytes of the images, and their shape.
fn pixels(path: &Path) -> Result<(Vec<u8>, [usize; 3])> {
    let (file, length) = open(path)?;
    parse_images(path, file, length)
}

/// The classes of `count` images.
pub(super) fn labels_of(count: usize, path: &Path) -> Result<Vec<u32>> {
    let (file, length) = open(path)?;
    let labels = parse_labels(path, file, length)?;
    if labels.len() != count {
        return Err(bad(path, None, format!("{} labels for {count} images; these files do not belong together", labels.len())));
    }
    Ok(labels)
}

/// A file to read, and its length.
pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64)> {
    let file = durable::at(path, File::open(path))?;
    let length = durable::at(path, file.metadata())?.len();
    Ok((BufReader::new(file), length))
}

fn parse_images(path: &Path, file: impl BufRead, length: u64) -> Result<(Vec<u8>, [usize; 3])> {
    let mut source = Source::new(path, file, length)?;
    let header = ImagesHeader::read(&mut source)?;
    let pixels = source.numbers(header.count as u64 * header.size as u64, 1)?;
    source.end()?;
    Ok((pixels, header.shape))
}

fn parse_labels(path: &Path, file: impl BufRead, length: u64) -> Result<Vec<u32>> {
    let mut source = Source::new(path, file, length)?;
    let (kind, axes) = magic(&mut source)?;
    if axes != 1 {
        let hint = if axes > 1 { "; these may be the images" } else { "" };
        return Err(source.bad(3, format!("{axes} axes, but labels have 1{hint}")));
    }
    let width = match kind {
        UNSIGNED_BYTE => 1,
        INTEGER => 4,
        _ => return Err(source.bad(2, format!("numbers of type {kind:#04x}; labels are of type 0x08 or 0x0c"))),
    };
    let count = axis(&mut source)?;
    let start = source.at;
    let bytes = source.numbers(u64::from(count), width)?;
    source.end()?;
    if width == 1 {
        return Ok(bytes.into_iter().map(u32::from).collect());
    }
    let numbers = bytes.as_chunks::<4>().0.iter().map(|word| i32::from_be_bytes(*word));
    let label = |(i, n)| u32::try_from(n).map_err(|_| source.bad(start + 4 * i as u64, format!("{n}, not a label: below 0")));
    numbers.enumerate().map(label).collect()
}

/// The header of a file of images.
#[derive(Debug)]
pub(super) struct ImagesHeader {
    pub count: usize,
    pub shape: [usize; 3],
    /// Bytes of an image.
    pub size: usize,
}

impl ImagesHeader {
    pub fn read<R: BufRead>(source: &mut Source<'_, R>) -> Result<Self> {
        let (kind, axes) = magic(source)?;
        if !matches!(axes, 3 | 4) {
            let hint = if axes == 1 { "; these may be the labels" } else { "" };
            let wanted = "[n, height, width] or [n, height, width, channels]";
            return Err(source.bad(3, format!("{axes} axes, but images have {wanted}{hint}")));
        }
        if kind != UNSIGNED_BYTE {
            return Err(source.bad(2, format!("numbers of type {kind:#04x}; images are bytes, type 0x08")));
        }
        let mut lengths = [1; 4];
        for length in &mut lengths[..usize::from(axes)] {
            *length = axis(source)? as usize;
        }
        let [count, shape @ ..] = lengths;
        let size = size_of_image(shape).ok().filter(|size| size.checked_mul(count).is_some());
        let Some(size) = size else {
            return Err(source.bad(4, format!("the shape {lengths:?} is too large for this machine")));
        };
        Ok(Self { count, shape, size })
    }
}

/// The header of a file of images of `shape`, four axes.
pub(super) fn images_header(count: u32, shape: [u32; 3]) -> Vec<u8> {
    [count].iter().chain(&shape).fold(vec![0, 0, UNSIGNED_BYTE, 4], |mut header, n| {
        header.extend(n.to_be_bytes());
        header
    })
}

/// A file of labels, which are below 2³¹.
pub(super) fn labels_file(count: u32, labels: &[u32]) -> Vec<u8> {
    let small = labels.iter().all(|&label| label < 256);
    let mut bytes = vec![0, 0, if small { UNSIGNED_BYTE } else { INTEGER }, 1];
    bytes.extend(count.to_be_bytes());
    for label in labels {
        let word = label.to_be_bytes();
        bytes.extend_from_slice(if small { &word[3..] } else { &word });
    }
    bytes
}

/// Reads the type of the numbers and the number of axes.
fn magic<R: BufRead>(source: &mut Source<'_, R>) -> Result<(u8, u8)> {
    match *source.exactly::<4>()? {
        [0, 0, kind, axes] => Ok((kind, axes)),
        other => Err(source.bad(0, format!("{other:02x?}, but an IDX file has 00 00, a type and the number of axes"))),
    }
}

/// Reads the length of an axis, which must not be 0.
fn axis<R: BufRead>(source: &mut Source<'_, R>) -> Result<u32> {
    let at = source.at;
    match u32::from_be_bytes(*source.exactly::<4>()?) {
        0 => Err(source.bad(at, "an axis of length 0; the file is empty")),
        length => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::{Compression, write::GzEncoder};

    use super::{super::tests::mutate, *};

    const IMAGES: &str = "examples/data/fashion-1k-images-idx3-ubyte.gz";
    const LABELS: &str = "examples/data/fashion-1k-labels-idx1-ubyte.gz";

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, [usize; 3])> {
        parse_images(Path::new("images.idx"), Cursor::new(bytes), bytes.len() as u64)
    }

    fn read_labels(bytes: &[u8]) -> Result<Vec<u32>> {
        parse_labels(Path::new("labels.idx"), Cursor::new(bytes), bytes.len() as u64)
    }

    fn complaint(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    fn file(magic: [u8; 4], axes: &[u32], numbers: &[u8]) -> Vec<u8> {
        let axes: Vec<u8> = axes.iter().flat_map(|n| n.to_be_bytes()).collect();
        [&magic, axes.as_slice(), numbers].concat()
    }

    fn good() -> Vec<u8> {
        file([0, 0, 8, 3], &[3, 2, 4], &(0..24).collect::<Vec<_>>())
    }

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn sane(bytes: &[u8]) {
        if let Ok((pixels, shape)) = read(bytes) {
            assert!(!pixels.is_empty() && pixels.len().is_multiple_of(shape.iter().product()));
        }
        if let Ok(labels) = read_labels(bytes) {
            assert!(!labels.is_empty() && labels.len() < 100_000);
        }
    }

    #[test]
    fn real_images() {
        // counts and sums by another program
        let images = Images::from_idx_with_labels(IMAGES, LABELS).unwrap();
        assert_eq!((images.len(), images.shape()), (1000, [28, 28, 1]));
        let sum = |bytes: &[u8]| bytes.iter().map(|&b| u64::from(b)).sum::<u64>();
        assert_eq!((sum(images.pixels()), sum(images.image(0)), sum(images.image(999))), (58_034_149, 33_456, 28_316));
        assert_eq!(crc32fast::hash(images.pixels()), 0xc03b_4346);
        assert_eq!((images.image(0)[10 * 28 + 14], images.image(0)[20 * 28 + 14]), (0, 195));
        let labels = images.labels().unwrap();
        assert_eq!(labels[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
        let histogram: Vec<usize> = (0..10).map(|class| labels.iter().filter(|label| **label == class).count()).collect();
        assert_eq!(histogram, [107, 105, 111, 93, 115, 87, 97, 95, 95, 95]);
        assert_eq!(images.class_count(), Some(10));
    }

    #[test]
    fn plain_and_packed_with_three_axes_and_four() {
        let pixels: Vec<u8> = (0..24).collect();
        for bytes in [good(), packed(&good())] {
            assert_eq!(read(&bytes).unwrap(), (pixels.clone(), [2, 4, 1]));
        }
        let members = [packed(&good()[..20]), packed(&good()[20..])].concat();
        assert_eq!(read(&members).unwrap().0, pixels);
        assert_eq!(read(&file([0, 0, 8, 4], &[2, 2, 2, 3], &pixels)).unwrap(), (pixels.clone(), [2, 2, 3]));
        assert_eq!(read(&[images_header(2, [2, 2, 3]), pixels.clone()].concat()).unwrap(), (pixels, [2, 2, 3]));
    }

    #[test]
    fn labels_of_one_byte_and_of_four() {
        for labels in [[0, 7, 255], [0, 7, 1000]] {
            assert_eq!(read_labels(&labels_file(3, &labels)).unwrap(), labels);
            assert_eq!(read_labels(&packed(&labels_file(3, &labels))).unwrap(), labels);
        }
        let complaint = |bytes: &[u8]| read_labels(bytes).unwrap_err().to_string();
        assert!(complaint(&file([0, 0, 12, 1], &[1], &[255; 4])).contains("byte 8: -1, not a label"));
        assert!(complaint(&file([0, 0, 13, 1], &[1], &[0; 4])).contains("byte 2: numbers of type 0x0d"));
        assert!(complaint(&good()).contains("byte 3: 3 axes, but labels have 1; these may be the images"));
        assert!(complaint(&file([0, 0, 8, 1], &[0], &[])).contains("byte 4: an axis of length 0"));
        assert!(complaint(&file([0, 0, 12, 1], &[u32::MAX], &[1; 9])).contains("promises 17179869180 bytes"));
    }

    #[test]
    fn absurd_headers() {
        let most = u32::MAX;
        assert!(complaint(b"\x89PNG\r\n").contains("byte 0: [89, 50, 4e, 47], but an IDX file has 00 00"));
        assert!(complaint(&file([0, 0, 8, 1], &[3], &[1, 2, 3])).contains("byte 3: 1 axes"));
        assert!(complaint(&file([0, 0, 8, 1], &[3], &[1, 2, 3])).contains("may be the labels"));
        assert!(complaint(&file([0, 0, 8, 255], &[3; 255], &[1, 2, 3])).contains("255 axes"));
        assert!(complaint(&file([0, 0, 13, 3], &[1, 1, 1], &[0; 4])).contains("byte 2: numbers of type 0x0d"));
        for zero in 0..3 {
            let mut axes = [2; 3];
            axes[zero] = 0;
            let text = complaint(&file([0, 0, 8, 3], &axes, &[1; 8]));
            assert!(text.contains(&format!("byte {}: an axis of length 0", 4 + 4 * zero)), "{text}");
        }
        assert!(complaint(&file([0, 0, 8, 3], &[most, 28, 28], &[1; 784])).contains("promises 3367254359280 bytes"));
        assert!(complaint(&file([0, 0, 8, 3], &[most; 3], &[1; 784])).contains("too large"));
        assert!(complaint(&file([0, 0, 8, 4], &[most; 4], &[1; 784])).contains("too large"));
        assert!(complaint(&packed(&file([0, 0, 8, 3], &[most, 28, 28], &[1; 784]))).contains("no gzip file of this length"));
    }

    #[test]
    fn truncated_and_longer_files() {
        for length in 0..good().len() {
            let plain = complaint(&good()[..length]);
            assert!(plain.starts_with("images.idx: byte "), "{plain}");
            let unpacked = complaint(&packed(&good()[..length]));
            assert!(unpacked.contains(&format!("byte {length} of the unpacked content: ")) || length >= 4, "{unpacked}");
        }
        let stream = packed(&good());
        for length in 0..stream.len() {
            assert!(read(&stream[..length]).is_err(), "{length}");
        }
        assert!(complaint(&stream[..stream.len() - 1]).contains("byte 40 of the unpacked content: the gzip stream is damaged"));
        let longer = [good(), vec![0]].concat();
        assert!(complaint(&longer).contains("byte 40: more follows"));
        assert!(complaint(&packed(&longer)).contains("byte 40 of the unpacked content: more follows"));
        assert!(complaint(&[stream, vec![0]].concat()).contains("gzip stream is damaged"));
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&file([0, 0, 8, 3], &[1, 28, 28], &[])).unwrap();
        (0..64).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
        let bytes = encoder.finish().unwrap();
        let mut source = Source::new(Path::new("bomb.gz"), Cursor::new(&bytes[..]), bytes.len() as u64).unwrap();
        let header = ImagesHeader::read(&mut source).unwrap();
        assert_eq!(source.numbers(header.size as u64, 1).unwrap().len(), 784);
        assert!(source.end().unwrap_err().to_string().contains("byte 800 of the unpacked content: more follows"));
        assert_eq!(source.at, 801);
    }

    #[test]
    fn images_and_labels_must_agree_in_number() {
        let folder = tempfile::tempdir().unwrap();
        let [images, labels] = ["images.idx", "labels.idx"].map(|name| folder.path().join(name));
        std::fs::write(&images, good()).unwrap();
        std::fs::write(&labels, labels_file(2, &[0, 1])).unwrap();
        let error = Images::from_idx_with_labels(&images, &labels).unwrap_err().to_string();
        assert!(error.contains("labels.idx: 2 labels for 3 images"), "{error}");
        assert!(Images::from_idx_with_labels(&images, &images).unwrap_err().to_string().contains("may be the images"));
        assert!(Images::from_idx(&labels).unwrap_err().to_string().contains("may be the labels"));
        assert!(matches!(Images::from_idx(folder.path()), Err(crate::Error::Io { .. })));
        assert!(Images::from_idx("/nowhere/a.idx").unwrap_err().to_string().starts_with("/nowhere/a.idx: "));
    }

    #[test]
    fn mutations() {
        let labels = labels_file(40, &(0..40).collect::<Vec<_>>());
        for content in [good(), file([0, 0, 8, 4], &[2, 2, 2, 3], &[7; 24]), labels, labels_file(2, &[0, 70_000])] {
            mutate(&content, sane);
            mutate(&packed(&content), sane);
            mutate(&content, |bytes| sane(&packed(bytes)));
        }
    }

    #[test]
    fn every_bit_of_a_header() {
        for bit in 0..16 * 8 {
            let mut bytes = good();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes).is_err(), "bit {bit}");
            assert!(read(&packed(&bytes)).is_err(), "bit {bit}");
        }
    }
}
