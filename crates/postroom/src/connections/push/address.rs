//! Where Graph sends notices: `{public_url}/push/{key}` and `/push/{key}/lifecycle`. The key is random, of 256 bits, and made anew
//! for every subscription; only its hash is stored.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Characters of a key: 32 bytes in base64.
const LENGTH: usize = 43;

/// 256 random bits as text.
pub fn random(rng: &mut impl RngCore) -> SecretString {
    let mut bytes = [0_u8; 32];
    rng.fill_bytes(&mut bytes);
    SecretString::from(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a key; none for what cannot be one.
pub fn hash(key: &str) -> Option<Vec<u8>> {
    let is_key = key.len() == LENGTH
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_key.then(|| digest::digest(&digest::SHA256, key.as_bytes()).as_ref().to_vec())
}

/// The two addresses of a key at a public address, which ends in a slash.
pub fn of_key(public_url: &Url, key: &SecretString) -> Result<(Url, Url), url::ParseError> {
    let key = key.expose_secret();
    Ok((public_url.join(&format!("push/{key}"))?, public_url.join(&format!("push/{key}/lifecycle"))?))
}

/// The hash of the key in an address of ours; none for another's address.
pub fn hash_in(public_url: &Url, address: &str) -> Option<Vec<u8>> {
    let key = address.strip_prefix(public_url.as_str())?.strip_prefix("push/")?;
    hash(key)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    /// Promise: an address is known again by the hash of its key, and no other address is.
    #[test]
    fn an_address_is_known_by_its_hash() {
        let public: Url = "https://postroom.example.com/".parse().unwrap();
        let key = random(&mut StdRng::seed_from_u64(7));
        let (notices, lifecycle) = of_key(&public, &key).unwrap();
        assert_eq!(lifecycle.as_str(), format!("{notices}/lifecycle"));
        let stored = hash(key.expose_secret()).unwrap();
        assert_eq!(hash_in(&public, notices.as_str()), Some(stored.clone()));
        let other: Url = "https://other.example.com/".parse().unwrap();
        assert_eq!(hash_in(&other, notices.as_str()), None);
        assert_eq!(hash_in(&public, "https://postroom.example.com/push/short"), None);
        assert_ne!(hash(random(&mut StdRng::seed_from_u64(8)).expose_secret()), Some(stored));
        for bad in ["", "a", &"x".repeat(44), &"/".repeat(43)] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }
}
