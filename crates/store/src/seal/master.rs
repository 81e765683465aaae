//! The master key: 32 bytes that lie outside the database.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{KeyError, random_key};

/// Bytes of a master key.
pub const MASTER_KEY_LENGTH: usize = 32;

/// The key that seals the data keys.
pub struct MasterKey {
    bytes: Zeroizing<[u8; MASTER_KEY_LENGTH]>,
    origin: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// A key given as base64, such as the value of `POSTROOM_MASTER_KEY`; `origin` names where it came from.
    pub fn from_base64(text: &SecretString, origin: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed { origin: origin.to_owned() };
        let decoded = Zeroizing::new(STANDARD.decode(text.expose_secret().trim()).map_err(|_| malformed())?);
        let bytes: [u8; MASTER_KEY_LENGTH] = decoded.as_slice().try_into().map_err(|_| malformed())?;
        Ok(Self { bytes: Zeroizing::new(bytes), origin: origin.to_owned() })
    }

    /// The key in `path`. Where the file is missing, a new key is made (mode 0600) if `may_create`, which must be false
    /// when the database holds sealed keys already ([`Sealer::is_sealed`](super::Sealer::is_sealed)).
    pub fn load_or_create(path: &Path, may_create: bool) -> Result<Self, KeyError> {
        let name = path.display().to_string();
        let file_error = |source| KeyError::File { path: name.clone(), source };
        match fs::read_to_string(path) {
            Ok(text) => {
                check_mode(path)?;
                Self::from_base64(&text.into(), &name)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => {
                let bytes = random_key()?;
                write_new(path, STANDARD.encode(bytes.as_ref()).as_bytes()).map_err(file_error)?;
                Ok(Self { bytes, origin: name })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(KeyError::Missing { path: name }),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(KeyError::Malformed { origin: name }),
            Err(error) => Err(file_error(error)),
        }
    }

    /// A fresh key that is stored nowhere, for tests and throw-away installations.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Ok(Self { bytes: random_key()?, origin: "made for this run".to_owned() })
    }

    /// Where the key came from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    #[cfg(test)]
    pub(super) fn bytes_for_tests(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    pub(super) fn key(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, self.bytes.as_ref()).expect("a master key has 32 bytes")
    }
}

/// Writes the key beside its place, flushes it, and gives it its name only if there is none of that name yet.
fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut draft_name = path.file_name().unwrap_or_default().to_owned();
    draft_name.push(".new");
    let draft = path.with_file_name(draft_name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::hard_link(&draft, path)?;
    fs::remove_file(&draft)?;
    if let Some(folder) = path.parent() {
        fs::File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let name = path.display().to_string();
    let mode = fs::metadata(path)
        .map_err(|source| KeyError::File { path: name.clone(), source })?
        .permissions()
        .mode()
        & 0o777;
    // The group may read it, as with secrets that a container mounts.
    let (group, others) = (mode & 0o030, mode & 0o007);
    if group == 0 && others == 0 { Ok(()) } else { Err(KeyError::Exposed { path: name, mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), KeyError> {
    Ok(())
}
