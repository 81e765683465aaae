//! Secrets at rest.
//!
//! An envelope: values are sealed with AES-256-GCM under a data key; data keys lie in the database (`sealing_key`),
//! each sealed under the master key, which lies outside it (`master.rs`: a file of mode 0600, or the environment). A
//! sealed value is `version (1) ‖ key id (4, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16)` and bound by associated
//! data `table/column/row` to its [`Place`], so that it cannot be moved to another row. The [`IdentityKey`]
//! (`identity.rs`) lies sealed in `installation` and never changes: what it hashes are keys of rows.

mod identity;
mod master;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

pub use identity::IdentityKey;
pub use master::{MASTER_KEY_LENGTH, MasterKey};

use crate::{Clock, Db, StoreError, args, sql};

const VERSION: u8 = 1;
const HEAD: usize = 1 + 4;
const TAG: usize = 16;
/// The key id that stands for the master key.
const MASTER_ID: u32 = 0;

/// Where a sealed value belongs; the same place is needed to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key, as text.
    pub row: String,
}

impl Place {
    /// A place.
    #[allow(clippy::needless_pass_by_value, reason = "ids are given as they are at hand")]
    pub fn new(table: &'static str, column: &'static str, row: impl ToString) -> Self {
        Self { table, column, row: row.to_string() }
    }

    fn associated(&self) -> Aad<String> {
        Aad::from(format!("{}/{}/{}", self.table, self.column, self.row))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}, column {}, row {}", self.table, self.column, self.row)
    }
}

/// Why a sealed value cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SealError {
    /// It is not a sealed value, or of a format that this program does not know.
    #[error("{place}: not a sealed value of a known format; restore the database from a backup")]
    Format {
        /// Where.
        place: Place,
    },
    /// It was sealed under a data key that is not there.
    #[error("{place}: sealed under data key {id}, which is not in the database; restore it from a backup")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key id.
        id: u32,
    },
    /// It was changed, or belongs to another place.
    #[error("{place}: the sealed value was changed or moved; restore the database from a backup")]
    Broken {
        /// Where.
        place: Place,
    },
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        let (SealError::Format { place } | SealError::UnknownKey { place, .. } | SealError::Broken { place }) =
            &error;
        Self::corrupt(place.table, place.column, &place.row, "the sealed value cannot be opened")
    }
}

/// Why there is no usable key. Every kind is a refusal to start.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database was sealed under another master key.
    #[error(
        "the master key ({origin}) does not fit this database: put back the key that the database was made with"
    )]
    Wrong {
        /// Where the key came from.
        origin: String,
    },
    /// There is a database, but no key.
    #[error(
        "the master key is missing ({path}), but the database was sealed with one: put that file back, or set \
             POSTROOM_MASTER_KEY"
    )]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// The key is not 32 bytes of base64.
    #[error("the master key ({origin}) is not 32 bytes in base64: put back the right one")]
    Malformed {
        /// Where the key came from.
        origin: String,
    },
    /// Others can read the key file.
    #[error("the master key file {path} can be read by other users (mode {mode:o}): run chmod 600 on it")]
    Exposed {
        /// The file.
        path: String,
        /// Its mode bits.
        mode: u32,
    },
    /// The key file cannot be read or written.
    #[error("the master key file {path} cannot be used ({source}): give this user access to it")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals and opens values under the data keys of this installation; cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<BTreeMap<u32, RandomizedNonceKey>>,
    current: u32,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Sealer {
    /// Opens the data keys of a migrated database with the master key; a database without one gets its first data key
    /// and its identity key.
    pub async fn load(
        db: &Db,
        master: &MasterKey,
        clock: &dyn Clock,
    ) -> Result<(Self, IdentityKey), KeyError> {
        let mut tx = db.begin().await?;
        let rows: Vec<(i64, Vec<u8>, Option<i64>)> =
            tx.fetch_all(sql!("SELECT id, sealed, retired_at FROM sealing_key ORDER BY id"), args![]).await?;
        let master_key = master.key();
        let mut keys = BTreeMap::new();
        let mut current = None;
        for (id, sealed, retired_at) in rows {
            let place = Place::new("sealing_key", "sealed", id);
            let key = open_with(&place, &sealed, |key_id| (key_id == MASTER_ID).then_some(&master_key))
                .map_err(|_| KeyError::Wrong { origin: master.origin().to_owned() })?;
            let id = u32::try_from(id)
                .map_err(|_| StoreError::corrupt("sealing_key", "id", id, "it is not a key's number"))?;
            keys.insert(id, data_key(&key, id)?);
            if retired_at.is_none() {
                current = Some(id);
            }
        }
        let current = if let Some(id) = current {
            id
        } else {
            let id = keys.keys().last().map_or(1, |last| last + 1);
            let fresh = random_key()?;
            let sealed =
                seal_with(&Place::new("sealing_key", "sealed", id), MASTER_ID, &master_key, fresh.as_ref());
            tx.execute(
                sql!("INSERT INTO sealing_key (id, sealed, created_at) VALUES ($1, $2, $3)"),
                args![id, sealed, clock.now()],
            )
            .await?;
            keys.insert(id, data_key(fresh.as_ref(), id)?);
            id
        };
        let sealer = Self { keys: Arc::new(keys), current };
        let identity = IdentityKey::open(&mut tx, &sealer, clock).await?;
        tx.commit().await?;
        Ok((sealer, identity))
    }

    /// A sealer with one fresh data key that is stored nowhere, for tests.
    pub fn ephemeral() -> Self {
        let key = random_key().expect("the system gives random numbers");
        let keys = BTreeMap::from([(1, data_key(key.as_ref(), 1).expect("a key of 32 bytes"))]);
        Self { keys: Arc::new(keys), current: 1 }
    }

    /// Seals `plain` for one place.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Vec<u8> {
        seal_with(place, self.current, &self.keys[&self.current], plain)
    }

    /// Opens a value that was sealed for the same place.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        open_with(place, sealed, |id| self.keys.get(&id))
    }

    /// Whether the database holds data keys already, so that a missing master key must not be made anew.
    pub async fn is_sealed(db: &Db) -> Result<bool, StoreError> {
        if db.schema_found().await? == 0 {
            return Ok(false);
        }
        let (keys,): (i64,) = db.fetch_one(sql!("SELECT count(*) FROM sealing_key"), args![]).await?;
        Ok(keys > 0)
    }
}

fn data_key(bytes: &[u8], id: u32) -> Result<RandomizedNonceKey, StoreError> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes)
        .map_err(|_| StoreError::corrupt("sealing_key", "sealed", id, "the key is not of 32 bytes"))
}

fn random_key() -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut key = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| KeyError::File {
        path: "(random numbers)".to_owned(),
        source: std::io::Error::other("none available"),
    })?;
    Ok(key)
}

fn seal_with(place: &Place, id: u32, key: &RandomizedNonceKey, plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD + NONCE_LEN + plain.len() + TAG);
    sealed.push(VERSION);
    sealed.extend_from_slice(&id.to_be_bytes());
    sealed.extend_from_slice(&[0; NONCE_LEN]);
    sealed.extend_from_slice(plain);
    let (nonce, tag) = key
        .seal_in_place_separate_tag(place.associated(), &mut sealed[HEAD + NONCE_LEN..])
        .expect("AES-256-GCM seals everything up to 64 GiB");
    sealed[HEAD..HEAD + NONCE_LEN].copy_from_slice(nonce.as_ref());
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

fn open_with<'k>(
    place: &Place,
    sealed: &[u8],
    key: impl FnOnce(u32) -> Option<&'k RandomizedNonceKey>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let format = || SealError::Format { place: place.clone() };
    let (&version, rest) = sealed.split_first().ok_or_else(format)?;
    let (id, rest) = rest.split_first_chunk::<4>().ok_or_else(format)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(format)?;
    if version != VERSION || ciphertext.len() < TAG {
        return Err(format());
    }
    let id = u32::from_be_bytes(*id);
    let key = key(id).ok_or_else(|| SealError::UnknownKey { place: place.clone(), id })?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let length = key
        .open_in_place(Nonce::from(nonce), place.associated(), &mut plain)
        .map_err(|_| SealError::Broken { place: place.clone() })?
        .len();
    plain.truncate(length);
    Ok(plain)
}
