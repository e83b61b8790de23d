//! The output folder of the solver examples.

use flowmap::{Error, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder of results; files of the same names are replaced.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, and those above it.
    pub fn new(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self(path.to_owned()))
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a table or a summary.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|source| Error::Io { path, source })
    }
}
