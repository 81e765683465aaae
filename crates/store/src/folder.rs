//! The folder that holds everything of one installation: database file, master key, blobs, socket, lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or written.
    #[error(
        "the data folder {path} cannot be written ({source}): give this user write access to it, or set data_folder"
    )]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process owns it.
    #[error(
        "another Postroom already runs on the data folder {path}: stop it first, or give this one its own data_folder"
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// There is something else of that name.
    #[error("the data folder {path} is not a folder: set data_folder to one")]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
}

/// A data folder owned by this process until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Held for its lock, which the system frees even after a kill.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder (mode 0700) where it is missing and takes it for this process.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let path = path.into();
        if path.exists() && !path.is_dir() {
            return Err(FolderError::NotAFolder { path });
        }
        let unwritable = |source| FolderError::Unwritable { path: path.clone(), source };
        create_private(&path).map_err(unwritable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("postroom.lock"))
            .map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    /// Whether some process owns the folder now.
    pub fn is_in_use(path: &Path) -> bool {
        let Ok(lock) = File::open(path.join("postroom.lock")) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }

    /// The SQLite file of a folder.
    pub fn database_in(path: &Path) -> PathBuf {
        path.join("postroom.sqlite")
    }

    /// The master key file of a folder.
    pub fn master_key_in(path: &Path) -> PathBuf {
        path.join("master.key")
    }

    /// The local socket of a folder, over which commands reach the running service.
    pub fn socket_in(path: &Path) -> PathBuf {
        path.join("postroom.sock")
    }
}

/// Makes a folder and its parents; the folder itself only for its owner.
fn create_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestFolder;

    /// Promise: one process at a time owns a folder, and the next may have it when the first has gone.
    #[test]
    fn a_folder_has_one_owner() {
        let folder = TestFolder::new();
        let path = folder.path().join("data");
        let first = DataFolder::open(&path).expect("taken");
        assert!(DataFolder::is_in_use(&path));
        let second = DataFolder::open(&path).expect_err("taken already");
        assert!(second.to_string().contains("already runs"), "{second}");
        drop(first);
        assert!(!DataFolder::is_in_use(&path));
        DataFolder::open(&path).expect("free again");
    }

    /// Promise: a new folder is its owner's alone.
    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TestFolder::new();
        let path = folder.path().join("deep/data");
        let _owned = DataFolder::open(&path).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o700);
    }

    /// Promise: a folder that cannot be used ends in one sentence that names it.
    #[test]
    fn what_is_no_folder_is_named() {
        let folder = TestFolder::new();
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        let refused = DataFolder::open(&file).expect_err("a file");
        assert!(refused.to_string().contains(&file.display().to_string()), "{refused}");
        let refused = DataFolder::open(file.join("below")).expect_err("below a file");
        assert!(matches!(refused, FolderError::Unwritable { .. }), "{refused}");
        // A folder that the system lets nobody write.
        if Path::new("/proc/self").is_dir() {
            let refused = DataFolder::open("/proc/self/postroom").expect_err("not writable");
            assert!(refused.to_string().contains("write access"), "{refused}");
        }
    }
}
