//! Writing a whole file or nothing.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::{Error, Result};

/// Puts `bytes` at `path`: all of them, or an error and what was there before.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let refused = |source| Error::Io { path: path.to_owned(), source };
    let Some(name) = path.file_name() else {
        return Err(refused(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path does not name a file")));
    };
    let mut scratch_name = std::ffi::OsString::from(".");
    scratch_name.push(name);
    scratch_name.push(format!(".{}", std::process::id()));
    let scratch = path.with_file_name(scratch_name);
    let written = File::create(&scratch)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&scratch, path));
    written.map_err(|source| {
        // what cannot be removed was never made, or shares the fault that is reported
        let _ = fs::remove_file(&scratch);
        refused(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn faults_name_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let lost = folder.path().join("nowhere/a.png");
        assert!(replace(&lost, b"").unwrap_err().to_string().contains("nowhere/a.png"));
        // a folder cannot be replaced: the scratch file goes again
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(matches!(replace(&taken, b""), Err(Error::Io { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(Path::new("/"), b"").is_err());
    }
}
