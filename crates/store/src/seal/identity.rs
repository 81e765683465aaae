//! The key of identities: turns what names a mail elsewhere into the key of its row.

use aws_lc_rs::hmac;

use super::{KeyError, Place, Sealer, random_key};
use crate::{Clock, StoreError, Tx, args, sql};

/// An HMAC-SHA-256 key that never changes for the life of an installation; cheap to clone.
#[derive(Clone)]
pub struct IdentityKey(hmac::Key);

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey")
    }
}

impl IdentityKey {
    const NAME: &str = "identity_key";

    /// Reads the key from `installation`, or makes it where there is none.
    pub(super) async fn open(tx: &mut Tx, sealer: &Sealer, clock: &dyn Clock) -> Result<Self, KeyError> {
        let place = Place::new("installation", "value", Self::NAME);
        let row: Option<(Vec<u8>,)> = tx
            .fetch_optional(sql!("SELECT value FROM installation WHERE key = $1"), args![Self::NAME])
            .await?;
        if let Some((sealed,)) = row {
            let key = sealer.open(&place, &sealed).map_err(StoreError::from)?;
            return Ok(Self::from_bytes(&key));
        }
        let key = random_key()?;
        tx.execute(
            sql!("INSERT INTO installation (key, value, updated_at) VALUES ($1, $2, $3)"),
            args![Self::NAME, sealer.seal(&place, key.as_ref()), clock.now()],
        )
        .await?;
        Ok(Self::from_bytes(key.as_ref()))
    }

    /// A key of given bytes, for tests; the program takes it from the database.
    pub fn from_bytes(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// HMAC-SHA-256 over the parts, each preceded by its length (8 bytes, big-endian), so that no two lists of parts
    /// are alike.
    pub fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}
