//! Folders of image files, with sub-folders as classes.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{Images, bad, decode, unreadable};
use crate::{Error, Result, durable};

/// The image files of a folder, in order, and their classes.
#[derive(Debug)]
pub(super) struct Listing {
    pub files: Vec<PathBuf>,
    /// The class of each file and the names of the classes, if there are sub-folders.
    pub classes: Option<(Vec<u32>, Vec<String>)>,
}

impl Images {
    /// Reads a folder of PNG and JPEG files as images of shape `[height, width, channels]`, with sub-folders as classes.
    ///
    /// Each image is cropped to its largest centred part with the aspect ratio of `shape`, and resized (bicubic, smoothed when
    /// shrinking); 1 channel makes it grey, 3 make it coloured. An image of that shape keeps its pixels. The orientation stored
    /// by cameras is applied, transparency is dropped, and 16 bits become 8. A truncated file is an error; other damage in a JPEG
    /// file, which has no checksum, may go unnoticed.
    ///
    /// Classes are the sub-folders, sorted by name; a folder without sub-folders has no labels. Images are sorted by class and
    /// name ([shuffle](Images::shuffled) them before you split them). A file named as an image (`.png`, `.jpg`, `.jpeg`) must be
    /// one. Other files, and folders within classes, are skipped, with one warning that counts them; hidden ones (`.name`) are
    /// skipped silently.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path();
    /// # for (class, side) in [("cat", 40), ("dog", 32)] {
    /// #     std::fs::create_dir(folder.join(class)).unwrap();
    /// #     image::RgbImage::new(side, side).save(folder.join(class).join("1.png")).unwrap();
    /// # }
    /// use flowmap::data::Images; // folder: cat/1.png, dog/1.png
    /// let images = Images::from_folder(folder, [32, 32, 3])?;
    /// assert_eq!((images.len(), images.labels()), (2, Some(&[0, 1][..])));
    /// assert_eq!(images.class_names().unwrap(), ["cat", "dog"]);
    /// # Ok::<(), flowmap::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if no image can have the shape; [`Error::Io`] if a folder or a file cannot be read; [`Error::File`] if
    /// the folder or one of its classes has no image, if there are images next to sub-folders, or if a file is not a complete PNG
    /// or JPEG or has more than 512 MiB of pixels.
    pub fn from_folder(folder: impl AsRef<Path>, shape: [usize; 3]) -> Result<Self> {
        decode::check_shape(shape)?;
        let listing = list(folder.as_ref())?;
        let pixels = pixels(&listing, shape)?;
        match listing.classes {
            None => Self::new(pixels, shape, None),
            Some((labels, names)) => Self::new(pixels, shape, Some(labels))?.with_class_names(names),
        }
    }
}

/// The pixels of all images of a folder.
fn pixels(listing: &Listing, shape: [usize; 3]) -> Result<Vec<u8>> {
    let mut pixels = Vec::new();
    for path in &listing.files {
        pixels.extend(decode::image(path, shape)?);
    }
    Ok(pixels)
}

/// Lists a folder.
///
/// # Errors
/// [`Error::Io`] if a folder cannot be read; [`Error::File`] if it or one of its classes has no image, or there are images both
/// in it and in its sub-folders.
pub(super) fn list(folder: &Path) -> Result<Listing> {
    let mut skipped = 0;
    let top = Entries::of(folder, &mut skipped)?;
    let listing = if top.files.is_empty() {
        classes(folder, top.folders, &mut skipped)?
    } else if top.folders.is_empty() {
        Listing { files: top.files, classes: None }
    } else {
        let reason =
            "images lie next to sub-folders; keep images either in sub-folders, one for each class, or in the folder itself";
        return Err(bad(folder, None, reason));
    };
    if skipped > 0 {
        let names = "image names end in .png, .jpg or .jpeg";
        log::warn!("{}: skipped {skipped} files and folders that are not images ({names})", folder.display());
    }
    Ok(listing)
}

fn classes(folder: &Path, folders: Vec<PathBuf>, skipped: &mut usize) -> Result<Listing> {
    let (mut files, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (label, class) in (0..).zip(folders) {
        let entries = Entries::of(&class, skipped)?;
        if entries.files.is_empty() {
            return Err(nothing(&class));
        }
        *skipped += entries.folders.len();
        labels.resize(labels.len() + entries.files.len(), label);
        files.extend(entries.files);
        names.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    if files.is_empty() { Err(nothing(folder)) } else { Ok(Listing { files, classes: Some((labels, names)) }) }
}

fn nothing(folder: &Path) -> Error {
    bad(folder, None, "no image in this folder; give PNG or JPEG files (.png, .jpg, .jpeg), or sub-folders of them")
}

/// The entries of a folder, sorted by name.
struct Entries {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Entries {
    /// Skips hidden entries, and counts those that are neither folders nor named as images.
    fn of(folder: &Path, skipped: &mut usize) -> Result<Self> {
        let mut entries = Self { files: Vec::new(), folders: Vec::new() };
        for entry in durable::at(folder, fs::read_dir(folder))? {
            let path = durable::at(folder, entry)?.path();
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            let named = named_as_image(&path);
            // follows links; a broken link is an error only if it is named as an image
            match fs::metadata(&path) {
                Ok(there) if there.is_dir() => entries.folders.push(path),
                Ok(there) if there.is_file() && named => entries.files.push(path),
                Err(e) if named => return Err(unreadable(&path, e)),
                _ => *skipped += 1,
            }
        }
        entries.files.sort();
        entries.folders.sort();
        Ok(entries)
    }
}

fn named_as_image(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg"))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    fn colour(path: &Path, value: u8) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(6, 4, Rgb([value, 0, 255])).save(path).unwrap();
    }

    #[test]
    fn classes_are_sub_folders_by_name() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        colour(&home.join("b/2.PNG"), 3);
        colour(&home.join("b/10.png"), 2);
        colour(&home.join("a/z.png"), 1);
        fs::create_dir_all(home.join("a/deeper")).unwrap();
        for foreign in ["notes.txt", ".hidden.png", "a/.DS_Store", "b/list.csv"] {
            fs::write(home.join(foreign), b"no image").unwrap();
        }
        let images = Images::from_folder(home, [2, 2, 3]).unwrap();
        assert_eq!(images.iter().map(|image| image[0]).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((images.labels(), images.class_names().unwrap()), (Some(&[0, 1, 1][..]), &["a".into(), "b".into()][..]));
        let mut skipped = 0;
        Entries::of(home, &mut skipped).unwrap();
        assert_eq!(skipped, 1, "notes.txt");
    }

    #[test]
    fn a_folder_without_sub_folders_has_no_labels() {
        let home = tempfile::tempdir().unwrap();
        GrayImage::from_pixel(3, 3, Luma([7])).save(home.path().join("1.png")).unwrap();
        let images = Images::from_folder(home.path(), [3, 3, 1]).unwrap();
        assert_eq!((images.pixels(), images.labels(), images.class_count()), (&[7; 9][..], None, None));
    }

    #[test]
    fn complaints_name_the_place() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let complaint = || Images::from_folder(home, [2, 2, 1]).unwrap_err().to_string();
        assert!(complaint().contains("no image in this folder"));
        fs::create_dir(home.join("cats")).unwrap();
        let text = complaint();
        assert!(text.contains("cats: no image in this folder"), "{text}");
        fs::write(home.join("cats/1.jpg"), b"GIF89a").unwrap();
        let text = complaint();
        assert!(text.contains("1.jpg: named as an image, but neither PNG nor JPEG inside"), "{text}");
        fs::write(home.join("2.png"), b"").unwrap();
        assert!(complaint().contains("images lie next to sub-folders"));
        assert!(matches!(Images::from_folder(home.join("nowhere"), [2, 2, 1]), Err(Error::Io { .. })));
        for shape in [[0, 2, 1], [2, 2, 2], [2, 70_000, 1], [2, 2, 4]] {
            assert!(matches!(Images::from_folder(home, shape), Err(Error::Invalid { .. })), "{shape:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("gone", home.path().join("1.png")).unwrap();
        let error = Images::from_folder(home.path(), [2, 2, 1]).unwrap_err().to_string();
        assert!(error.contains("1.png: "), "{error}");
    }
}
