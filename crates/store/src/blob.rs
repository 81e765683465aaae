//! Sealed content that is too large for a row: whole mails and attachments.
//!
//! A blob has a name chosen by its feature (an id or a hash, never text from a mail) and lies sealed under the data
//! folder. A put is whole or not there: written beside its place, flushed, renamed.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::{Place, SealError, Sealer};

/// Why a blob cannot be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is larger than the limit.
    #[error("blob {name}: {size} bytes are more than the limit of {limit}")]
    TooLarge {
        /// The blob.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The name is not one that Postroom gives.
    #[error("blob {name:?}: a name is letters, digits, '-' and '_', at most 128 of them")]
    Name {
        /// The name.
        name: String,
    },
    /// No room left. Heals by itself when there is room.
    #[error("blob {name}: the disk is full ({detail}): make room; work resumes by itself")]
    DiskFull {
        /// The blob.
        name: String,
        /// What the system said.
        detail: String,
    },
    /// It was changed or belongs elsewhere.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// The folder or bucket failed.
    #[error("blob {name}: the content store failed ({detail}): check the folder `blobs` in the data folder")]
    Io {
        /// The blob.
        name: String,
        /// What the system said.
        detail: String,
    },
}

impl BlobError {
    /// No room: the work waits until there is room.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    fn io(name: &str, error: &object_store::Error) -> Self {
        let detail = error.to_string();
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = source {
            if let Some(io) = error.downcast_ref::<std::io::Error>()
                && matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
            {
                return Self::DiskFull { name: name.to_owned(), detail };
            }
            source = error.source();
        }
        Self::Io { name: name.to_owned(), detail }
    }
}

/// The content store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    sealer: Sealer,
    limit: u64,
}

impl Blobs {
    /// The most bytes of one blob, unless told otherwise: Exchange takes mails of up to 150 MiB.
    pub const LIMIT: u64 = 160 * 1024 * 1024;

    /// Opens the store in a folder, which is made where it is missing. The caller owns the folder alone
    /// ([`DataFolder`](crate::DataFolder)): what a killed process left half written is swept away.
    pub fn open(folder: impl Into<PathBuf>, sealer: Sealer) -> Result<Self, BlobError> {
        let folder = folder.into();
        let failed = |detail: String| BlobError::Io { name: folder.display().to_string(), detail };
        std::fs::create_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
        sweep(&folder).map_err(|error| failed(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| failed(error.to_string()))?
            .with_fsync(true)
            .with_automatic_cleanup(false);
        Ok(Self { store: Arc::new(store), sealer, limit: Self::LIMIT })
    }

    /// Takes and gives no more than `bytes` per blob.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Keeps content under a name; what was there before is replaced. When this returns, it is on the disk.
    pub async fn put(&self, name: &str, content: &[u8]) -> Result<(), BlobError> {
        let path = path(name)?;
        self.check(name, content.len() as u64)?;
        let sealed = self.sealer.seal(&Place::new("blob", "content", name), content);
        self.store.put(&path, sealed.into()).await.map_err(|error| BlobError::io(name, &error))?;
        Ok(())
    }

    /// The content, or none where there is no such blob.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, BlobError> {
        let path = path(name)?;
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(BlobError::io(name, &error)),
        };
        self.check(name, found.meta.size.saturating_sub(64))?;
        let sealed = found.bytes().await.map_err(|error| BlobError::io(name, &error))?;
        let mut content = self.sealer.open(&Place::new("blob", "content", name), &sealed)?;
        Ok(Some(Bytes::from(std::mem::take(&mut *content))))
    }

    /// How many bytes a blob takes, to the size of its seal, or none where there is no such blob.
    pub async fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        match self.store.head(&path(name)?).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::io(name, &error)),
        }
    }

    /// Deletes a blob; one that is not there counts as deleted.
    pub async fn delete(&self, name: &str) -> Result<(), BlobError> {
        match self.store.delete(&path(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::io(name, &error)),
        }
    }

    fn check(&self, name: &str, size: u64) -> Result<(), BlobError> {
        if size > self.limit {
            return Err(BlobError::TooLarge { name: name.to_owned(), size, limit: self.limit });
        }
        Ok(())
    }
}

/// Removes the drafts of puts that never ended: `object_store` writes `<name>#<n>` and renames.
fn sweep(folder: &std::path::Path) -> std::io::Result<()> {
    for shelf in std::fs::read_dir(folder)? {
        let shelf = shelf?.path();
        if !shelf.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(shelf)? {
            let file = file?;
            if file.file_name().to_string_lossy().contains('#') {
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}

/// Two letters of the name make a folder, so that no folder grows without bound.
fn path(name: &str) -> Result<Path, BlobError> {
    let good = !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !good {
        return Err(BlobError::Name { name: name.chars().take(128).collect() });
    }
    // The end varies in ids that begin with the time.
    let folder = &name[name.len().saturating_sub(2)..];
    Ok(Path::from(format!("{folder}/{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestFolder;

    fn files(folder: &std::path::Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                found.extend(files(&entry.path()));
            } else {
                found.push(entry.path());
            }
        }
        found
    }

    /// Promise: what was put is had again, unreadable on the disk, gone when deleted.
    #[tokio::test]
    async fn content_is_kept_sealed() {
        let folder = TestFolder::new();
        let blobs = Blobs::open(folder.path(), Sealer::ephemeral()).expect("opened");
        assert_eq!(blobs.get("a-1").await.expect("asked"), None);
        blobs.put("a-1", b"canary of a mail").await.expect("kept");
        assert_eq!(blobs.get("a-1").await.expect("asked").as_deref(), Some(&b"canary of a mail"[..]));
        let files = files(folder.path());
        assert_eq!(files.len(), 1);
        let raw = std::fs::read(&files[0]).expect("read");
        assert!(!raw.windows(6).any(|window| window == b"canary"));
        let size = blobs.size("a-1").await.expect("asked").expect("is there");
        assert!((16..200).contains(&size), "{size}");
        assert_eq!(blobs.size("a-2").await.expect("asked"), None);
        blobs.put("a-1", b"").await.expect("replaced");
        assert_eq!(blobs.get("a-1").await.expect("asked").as_deref(), Some(&b""[..]));
        blobs.delete("a-1").await.expect("deleted");
        blobs.delete("a-1").await.expect("deleted already");
        assert_eq!(blobs.get("a-1").await.expect("asked"), None);
    }

    /// Promise: what a killed process left half written is swept away at the next start, and nothing else.
    #[tokio::test]
    async fn drafts_are_swept() {
        let folder = TestFolder::new();
        let sealer = Sealer::ephemeral();
        let blobs = Blobs::open(folder.path(), sealer.clone()).expect("opened");
        blobs.put("x01", b"one").await.expect("kept");
        let kept = files(folder.path()).remove(0);
        std::fs::write(kept.with_file_name("y01#1"), "half").expect("written");
        let blobs = Blobs::open(folder.path(), sealer).expect("opened again");
        assert_eq!(files(folder.path()), [kept]);
        assert!(blobs.get("x01").await.expect("asked").is_some());
    }

    /// Promise: content that was swapped with another's is refused.
    #[tokio::test]
    async fn swapped_content_is_refused() {
        let folder = TestFolder::new();
        let blobs = Blobs::open(folder.path(), Sealer::ephemeral()).expect("opened");
        blobs.put("x01", b"one").await.expect("kept");
        let from = files(folder.path()).remove(0);
        std::fs::rename(&from, from.with_file_name("y01")).expect("renamed");
        assert!(matches!(blobs.get("y01").await, Err(BlobError::Sealed(_))));
    }

    /// Promise: too large a blob and a name that is none of ours are refused before the disk is touched.
    #[tokio::test]
    async fn limits_hold() {
        let folder = TestFolder::new();
        let blobs = Blobs::open(folder.path(), Sealer::ephemeral()).expect("opened").with_limit(3);
        assert!(matches!(blobs.put("a", b"1234").await, Err(BlobError::TooLarge { size: 4, limit: 3, .. })));
        let long = "x".repeat(129);
        for name in ["", "../a", "a/b", "a.b", "ä", long.as_str()] {
            assert!(matches!(blobs.put(name, b"1").await, Err(BlobError::Name { .. })), "{name}");
        }
        assert!(files(folder.path()).is_empty());
    }
}
