//! Crash-safe files: written in full or not at all.

use crate::{Error, Result};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Prefix of a name whose content is not complete yet.
const SCRATCH: &str = ".scratch-";

/// Adds the path to an error of the operating system.
pub(crate) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Writes a file durably: into a scratch file, flushed to disk and renamed; then flushes the folder's entry.
///
/// # Errors
/// [`Error::Io`]; a file that was at `path` before is then still there.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let (folder, scratch) = scratch_of(path)?;
    let written = write_synced(&scratch, bytes).and_then(|()| at(path, fs::rename(&scratch, path)));
    if written.is_err() {
        let _ = fs::remove_file(&scratch);
    }
    written?;
    sync_folder(folder)
}

/// Writes a folder of files in the same way. A folder at `path` with the same content stays; one with different content is
/// refused, since two folders cannot be swapped at once: a crash in between would lose both.
///
/// # Errors
/// [`Error::Io`]; a folder that was at `path` before is still there.
#[cfg(feature = "train")]
pub(crate) fn write_folder(path: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    if holds(path, files) {
        return Ok(());
    }
    write_new_folder(path, |scratch| files.iter().try_for_each(|(name, bytes)| write_synced(&scratch.join(name), bytes)))
}

/// Writes a new folder with `fill`, which receives a scratch folder and flushes the files that it writes.
///
/// # Errors
/// [`Error::Io`] where something exists at `path`, which stays; and the errors of `fill`.
#[cfg(feature = "train")]
pub(crate) fn write_new_folder(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (folder, scratch) = scratch_of(path)?;
    if path.exists() {
        let source =
            io::Error::new(io::ErrorKind::AlreadyExists, "another folder of this name is here; remove or rename it first");
        return Err(Error::Io { path: path.to_owned(), source });
    }
    let write = || {
        create_folder(folder)?;
        remove_scratch(folder)?;
        at(&scratch, fs::create_dir(&scratch))?;
        fill(&scratch)?;
        sync_folder(&scratch)?;
        at(path, fs::rename(&scratch, path))
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_dir_all(&scratch);
    }
    written?;
    sync_folder(folder)
}

/// Creates a folder and its parents, and flushes the entry of each new one.
///
/// # Errors
/// [`Error::Io`].
#[cfg(feature = "train")]
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    // the folder of a bare file name is "", the current one
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    let above = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(above)?;
    match fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => at(path, made).and_then(|()| sync_folder(above)),
    }
}

/// Removes a folder atomically: nobody ever sees a part of it.
///
/// # Errors
/// [`Error::Io`].
#[cfg(feature = "train")]
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    remove(&set_aside(path)?)
}

#[cfg(feature = "train")]
fn remove(path: &Path) -> Result<()> {
    at(path, if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) })
}

/// Renames a folder to a scratch name, which the next write removes if this process dies before it does.
#[cfg(feature = "train")]
fn set_aside(path: &Path) -> Result<PathBuf> {
    let (_, mut aside) = scratch_of(path)?;
    aside.as_mut_os_string().push("-old");
    if aside.exists() {
        remove(&aside)?;
    }
    at(path, fs::rename(path, &aside))?;
    Ok(aside)
}

/// Whether a folder has exactly these files, byte for byte.
#[cfg(feature = "train")]
fn holds(path: &Path, files: &[(&str, &[u8])]) -> bool {
    files.iter().all(|(name, bytes)| fs::read(path.join(name)).is_ok_and(|there| there == *bytes))
        && fs::read_dir(path).is_ok_and(|entries| entries.count() == files.len())
}

/// Removes the remains of an interrupted write.
#[cfg(feature = "train")]
fn remove_scratch(folder: &Path) -> Result<()> {
    for entry in at(folder, fs::read_dir(folder))? {
        let entry = at(folder, entry)?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The folder that holds `path`, and the scratch name next to it.
fn scratch_of(path: &Path) -> Result<(&Path, PathBuf)> {
    let Some(name) = path.file_name() else {
        return Err(Error::Io { path: path.to_owned(), source: io::Error::other("the path does not end in a file name") });
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder, folder.join(format!("{SCRATCH}{}", name.to_string_lossy()))))
}

pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    at(path, write())
}

/// Flushes a folder's entries; where folders cannot be opened (not on Unix), the rename alone must suffice.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) { at(folder, File::open(folder).and_then(|f| f.sync_all())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_files_and_leaves_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.txt");
        write_file(&file, b"one").unwrap();
        write_file(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[cfg(feature = "train")]
    #[test]
    fn the_folder_of_a_bare_name_is_there() {
        create_folder(Path::new("name").parent().unwrap()).unwrap();
    }

    #[test]
    fn keeps_folders_and_leaves_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("inner").join("b");
        fs::create_dir_all(home.path().join("inner/.scratch-b/rest")).unwrap();
        fs::write(home.path().join("inner/.scratch-c"), b"a file").unwrap();
        write_folder(&folder, &[("x", b"1"), ("y", b"2")]).unwrap();
        write_folder(&folder, &[("x", b"1"), ("y", b"2")]).unwrap();
        assert!(write_folder(&folder, &[("x", b"3")]).unwrap_err().to_string().contains("another folder"));
        assert_eq!(fs::read(folder.join("x")).unwrap(), b"1");
        assert_eq!(fs::read_dir(home.path().join("inner")).unwrap().count(), 1);

        remove_folder(&folder).unwrap();
        assert_eq!(fs::read_dir(home.path().join("inner")).unwrap().count(), 0);
        assert!(remove_folder(&folder).unwrap_err().to_string().contains("inner/b: "));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let error = write_synced(Path::new("/dev/full"), b"something").unwrap_err();
        assert!(error.to_string().starts_with("/dev/full: "), "{error}");
    }
}
