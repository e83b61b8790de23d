//! A set of images on disk.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rand::Rng;

use super::{
    bad,
    classes::Classes,
    decode, folder, idx,
    images::{drawn, fingerprint},
    pixels,
    source::Source,
    unreadable,
};
use crate::{
    Error, Layout, Result,
    distribution::{Distribution, check_length},
    durable,
};

const IMAGES: &str = "images.idx";
const LABELS: &str = "labels.idx";
const NAMES: &str = "classes.json";

/// A data set of any size: `n` images of one shape in a file, read one at a time.
///
/// It is the same [`Distribution`] as [`Images`](super::Images): the same generator draws the same image, mirrored or not, and
/// the fingerprint is the same, so that a run can be resumed with either.
///
/// A draw reads its image from anywhere in the file. So each image is equally likely at any time, and draws depend on the
/// generator alone: a resumed run needs no extra state. (A shuffle buffer filled in file order has neither property: it mixes
/// only neighbours, and its content is state.) The operating system caches recent reads in free memory. Solid-state disks are
/// fast at random reads; copy a set there first.
///
/// PNG and JPEG files are decoded, cropped and resized once, by [`from_folder`](StoredImages::from_folder), so that no draw has
/// to, and a damaged file is found before training.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// # let pictures = folder.join("pictures");
/// # for class in ["cat", "dog"] {
/// #     std::fs::create_dir_all(pictures.join(class)).unwrap();
/// #     image::RgbImage::new(40, 50).save(pictures.join(class).join("1.png")).unwrap();
/// # }
/// use flowmap::{data::StoredImages, distribution::{Distribution, Normal}, learn::Independent};
/// let store = folder.join("32x32");
/// let images = StoredImages::from_folder(&pictures, [32, 32, 3], &store)?; // the next time: StoredImages::open(&store)
/// assert_eq!((images.len(), images.dimension()), (2, 3072));
/// let coupling = Independent::new(Normal::standard(3072)?, images.with_flips())?;
/// # Ok::<(), flowmap::Error>(())
/// ```
#[derive(Debug)]
pub struct StoredImages {
    path: PathBuf,
    /// One reader at a time, since a file has one position.
    file: Mutex<File>,
    /// Where the first image begins.
    start: u64,
    count: usize,
    shape: [usize; 3],
    size: usize,
    checksum: u32,
    classes: Classes,
    flips: bool,
}

impl StoredImages {
    /// Decodes a folder of PNG and JPEG files once, and stores images and classes in the new folder `store`.
    ///
    /// Files are treated as in [`Images::from_folder`](super::Images::from_folder). The new folder holds `images.idx`, four axes,
    /// and with classes `labels.idx` and `classes.json`; it is written completely or not at all.
    ///
    /// # Errors
    /// As [`Images::from_folder`](super::Images::from_folder); and [`Error::Io`] if `store` already exists or cannot be written.
    pub fn from_folder(folder: impl AsRef<Path>, shape: [usize; 3], store: impl AsRef<Path>) -> Result<Self> {
        decode::check_shape(shape)?;
        let listing = folder::list(folder.as_ref())?;
        let count = u32::try_from(listing.files.len())
            .map_err(|_| bad(folder.as_ref(), None, "more images than an IDX file can hold; split the set"))?;
        durable::write_new_folder(store.as_ref(), |scratch| {
            let path = scratch.join(IMAGES);
            let mut file = BufWriter::new(durable::at(&path, File::create(&path))?);
            durable::at(&path, file.write_all(&idx::images_header(count, shape.map(|n| n as u32))))?;
            for image in &listing.files {
                durable::at(&path, file.write_all(&decode::image(image, shape)?))?;
            }
            durable::at(&path, file.flush().and_then(|()| file.get_ref().sync_all()))?;
            let Some((labels, names)) = &listing.classes else { return Ok(()) };
            durable::write_synced(&scratch.join(LABELS), &idx::labels_file(count, labels))?;
            let names = serde_json::to_vec(names).map_err(|e| Error::invalid("class names", e.to_string()))?;
            durable::write_synced(&scratch.join(NAMES), &names)
        })?;
        Self::open(store)
    }

    /// Opens a folder that [`from_folder`](StoredImages::from_folder) has written.
    ///
    /// # Errors
    /// As [`StoredImages::from_idx_with_labels`]; and [`Error::File`] if the names of the classes are not a list of strings, or a
    /// label has no name.
    pub fn open(store: impl AsRef<Path>) -> Result<Self> {
        let [images, labels, names] = [IMAGES, LABELS, NAMES].map(|name| store.as_ref().join(name));
        if !labels.exists() && !names.exists() {
            return Self::from_idx(images);
        }
        let mut set = Self::from_idx_with_labels(images, labels)?;
        let text = std::fs::read(&names).map_err(|e| unreadable(&names, e))?;
        let list = serde_json::from_slice(&text).map_err(|e| bad(&names, None, format!("not a list of names ({e})")))?;
        set.classes = set.classes.with_names(list).map_err(|e| bad(&names, None, e.to_string()))?;
        Ok(set)
    }

    /// Opens an IDX file, not gzipped; its shape is as in [`Images::from_idx`](super::Images::from_idx).
    ///
    /// The file is read once completely, for the fingerprint; do not change it afterwards.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("images.idx");
    /// use flowmap::{data::{Images, StoredImages}, distribution::Distribution, random::stream};
    /// std::fs::write(&path, [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[0, 51, 204, 255]].concat()).unwrap();
    /// let (stored, loaded) = (StoredImages::from_idx(&path)?, Images::from_idx(&path)?);
    /// let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
    /// stored.draw(&mut stream(1, 7), &mut x);
    /// loaded.draw(&mut stream(1, 7), &mut y);
    /// assert_eq!(x, y);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Images::from_idx`](super::Images::from_idx); and [`Error::File`] if the file is gzipped, which rules out random
    /// access.
    pub fn from_idx(images: impl AsRef<Path>) -> Result<Self> {
        let path = images.as_ref().to_owned();
        let (reader, length) = idx::open(&path)?;
        let mut source = Source::new(&path, reader, length)?;
        if source.is_gzip() {
            return Err(bad(&path, None, "packed by gzip, which rules out random access; unpack it first (gunzip)"));
        }
        let header = idx::ImagesHeader::read(&mut source)?;
        let start = source.at;
        let checksum = source.checksum(header.count as u64 * header.size as u64)?;
        source.end()?;
        let file = Mutex::new(durable::at(&path, File::open(&path))?);
        let idx::ImagesHeader { count, shape, size } = header;
        Ok(Self { path, file, start, count, shape, size, checksum, classes: Classes::default(), flips: false })
    }

    /// Opens two IDX files: images, as [`StoredImages::from_idx`], and the class of each, which may be gzipped.
    ///
    /// # Errors
    /// As [`StoredImages::from_idx`], for both files; and [`Error::File`] if there are more or fewer labels than images.
    pub fn from_idx_with_labels(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let set = Self::from_idx(images)?;
        let labels = idx::labels_of(set.count, labels.as_ref())?;
        Ok(Self { classes: Classes::new(Some(labels), set.count)?, ..set })
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
        self.count
    }

    /// Height, width and channels of each image.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The bytes of image `i`, row by row, channels last, read from the file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file can no longer be read.
    ///
    /// # Panics
    /// If `i` is not below [`len`](StoredImages::len).
    pub fn image(&self, i: usize) -> Result<Vec<u8>> {
        assert!(i < self.count, "image {i} of {}", self.count);
        let mut image = vec![0; self.size];
        let at = SeekFrom::Start(self.start + i as u64 * self.size as u64);
        // every reader seeks first, so a panic of another one does no harm
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        durable::at(&self.path, file.seek(at).and_then(|_| file.read_exact(&mut image)))?;
        Ok(image)
    }

    /// The class of each image, if known.
    #[must_use]
    pub fn labels(&self) -> Option<&[u32]> {
        self.classes.labels()
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

    /// Draws an image, and returns its class if known.
    ///
    /// # Panics
    /// As [`Distribution::draw`] of this distribution.
    pub fn draw_labelled(&self, rng: &mut dyn Rng, x: &mut [f64]) -> Option<u32> {
        check_length(x, self.size);
        let (i, mirrored) = drawn(self.count, self.flips, rng);
        // draws cannot return errors; the whole file was readable when it was opened
        let image = self.image(i).unwrap_or_else(|e| panic!("image {i} can no longer be read: {e}"));
        pixels::write_floats(&image, self.shape, mirrored, x);
        self.labels().map(|labels| labels[i])
    }
}

/// # Panics
/// A draw panics if the file, which was read completely when it was opened, can no longer be read.
impl Distribution for StoredImages {
    fn layout(&self) -> Layout {
        self.size.into()
    }

    fn fingerprint(&self) -> String {
        fingerprint(self.count, self.shape, self.checksum, self.flips)
    }

    fn draw(&self, rng: &mut dyn Rng, x: &mut [f64]) {
        self.draw_labelled(rng, x);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Images, tests::mutate},
        *,
    };
    use crate::{distribution::tests::draws, random::stream};

    fn file(count: u32, shape: [u32; 3], pixels: &[u8]) -> Vec<u8> {
        [idx::images_header(count, shape), pixels.to_vec()].concat()
    }

    #[test]
    fn draws_what_images_in_memory_draw() {
        let home = tempfile::tempdir().unwrap();
        let (path, labels) = (home.path().join("a.idx"), home.path().join("b.idx"));
        std::fs::write(&path, file(7, [2, 3, 2], &(0..84).collect::<Vec<_>>())).unwrap();
        std::fs::write(&labels, idx::labels_file(7, &[0, 1, 2, 3, 4, 5, 300])).unwrap();
        let loaded = Images::from_idx_with_labels(&path, &labels).unwrap();
        let stored = StoredImages::from_idx_with_labels(&path, &labels).unwrap();
        assert_eq!(draws(&stored, 50), draws(&loaded, 50));
        assert_eq!(stored.fingerprint(), loaded.fingerprint());
        assert_eq!((stored.len(), stored.shape(), stored.class_count()), (7, [2, 3, 2], Some(301)));
        assert_eq!(stored.image(6).unwrap(), loaded.image(6));
        let (mut x, mut y) = ([0.0; 12], [0.0; 12]);
        let (loaded, stored) = (loaded.with_flips(), stored.with_flips());
        assert_eq!(stored.fingerprint(), loaded.fingerprint());
        for step in 0..50 {
            let label = stored.draw_labelled(&mut stream(1, step), &mut x);
            assert_eq!(label, loaded.draw_labelled(&mut stream(1, step), &mut y));
            assert_eq!(x, y);
        }
    }

    #[test]
    fn a_folder_is_stored_once_and_opened_again() {
        let home = tempfile::tempdir().unwrap();
        let (folder, store) = (home.path().join("pictures"), home.path().join("stores/4x4"));
        for (i, class) in ["a", "a", "b"].iter().enumerate() {
            std::fs::create_dir_all(folder.join(class)).unwrap();
            let colour = image::Rgb([i as u8, 100, 200]);
            let path = folder.join(class).join(format!("{i}.png"));
            image::RgbImage::from_fn(9, 7, |x, _| if x % 2 == 0 { colour } else { image::Rgb([255; 3]) }).save(path).unwrap();
        }
        let loaded = Images::from_folder(&folder, [4, 4, 3]).unwrap();
        for stored in [StoredImages::from_folder(&folder, [4, 4, 3], &store), StoredImages::open(&store)].map(Result::unwrap) {
            assert_eq!((stored.labels(), stored.class_names()), (loaded.labels(), loaded.class_names()));
            assert_eq!(stored.fingerprint(), loaded.fingerprint());
            assert_eq!(draws(&stored, 20), draws(&loaded, 20));
        }
        assert_eq!(Images::from_idx(store.join(IMAGES)).unwrap().pixels(), loaded.pixels());
        let again = StoredImages::from_folder(&folder, [4, 4, 3], &store).unwrap_err().to_string();
        assert!(again.contains("another folder of this name is here"), "{again}");

        for (names, complaint) in [("[1]", "not a list of names"), (r#"["a"]"#, "image 2 has label 1 and there are 1 names")] {
            std::fs::write(store.join(NAMES), names).unwrap();
            let error = StoredImages::open(&store).unwrap_err().to_string();
            assert!(error.contains(complaint) && error.contains("classes.json: "), "{error}");
        }
        std::fs::remove_file(store.join(NAMES)).unwrap();
        assert!(matches!(StoredImages::open(&store), Err(Error::Io { .. })));
    }

    #[test]
    fn a_damaged_picture_leaves_no_store() {
        let home = tempfile::tempdir().unwrap();
        let (folder, store) = (home.path().join("pictures"), home.path().join("stores/4x4"));
        std::fs::create_dir(&folder).unwrap();
        image::GrayImage::new(4, 4).save(folder.join("1.png")).unwrap();
        std::fs::write(folder.join("2.jpg"), [0xff, 0xd8, 0xff, 0xe0]).unwrap();
        let error = StoredImages::from_folder(&folder, [4, 4, 1], &store).unwrap_err().to_string();
        assert!(error.contains("2.jpg: the JPEG file is truncated"), "{error}");
        assert_eq!(std::fs::read_dir(home.path().join("stores")).unwrap().count(), 0);

        std::fs::remove_file(folder.join("2.jpg")).unwrap();
        let stored = StoredImages::from_folder(&folder, [4, 4, 1], &store).unwrap();
        assert_eq!((stored.len(), stored.labels()), (1, None));
    }

    #[test]
    fn complaints() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.idx");
        let complaint = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            StoredImages::from_idx(&path).unwrap_err().to_string()
        };
        let good = file(2, [1, 2, 1], &[1, 2, 3, 4]);
        assert!(complaint(&good[..23]).contains("byte 20: the header promises 4 bytes from here on, but the file has 23"));
        assert!(complaint(&[good, vec![0]].concat()).contains("byte 24: more follows"));
        assert!(complaint(&[0x1f, 0x8b, 8]).contains("packed by gzip"));
        assert!(complaint(&file(u32::MAX, [u32::MAX; 3], &[0; 9])).contains("too large"));
        assert!(StoredImages::open(home.path()).unwrap_err().to_string().contains("images.idx: "));
    }

    #[test]
    #[should_panic(expected = "can no longer be read")]
    fn a_file_that_shrinks_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.idx");
        std::fs::write(&path, file(1, [1, 2, 1], &[1, 2])).unwrap();
        let stored = StoredImages::from_idx(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(21).unwrap();
        draws(&stored, 1);
    }

    #[test]
    fn mutations() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.idx");
        mutate(&file(5, [2, 2, 1], &[9; 20]), |bytes| {
            std::fs::write(&path, bytes).unwrap();
            if let Ok(stored) = StoredImages::from_idx(&path) {
                assert_eq!(draws(&stored, 3).len(), 3 * stored.dimension());
                assert_eq!(stored.fingerprint(), Images::from_idx(&path).unwrap().fingerprint());
            }
        });
    }
}
