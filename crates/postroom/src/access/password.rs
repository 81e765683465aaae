//! Passwords: argon2id, away from the threads that answer requests.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::web::Problem;

/// The fewest characters.
pub(super) const SHORTEST: usize = 12;
/// The most bytes; more cannot be meant as a password.
const LONGEST: usize = 1024;
/// What the sign-up form says.
pub(super) const RULE: &str = "At least 12 characters; anything goes, also spaces. A password manager's or four unrelated words are good.";

/// Each hash takes 19 MiB for a moment: no more than so many at once.
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));

/// What is wrong with a new password.
pub(super) fn wrong(password: &str, email: &str) -> Option<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        Some(format!("It has {length} characters; {SHORTEST} are the fewest."))
    } else if password.len() > LONGEST {
        Some(format!("It is longer than {LONGEST} bytes; choose a shorter one."))
    } else if !email.is_empty() && password.to_lowercase() == email.to_lowercase() {
        Some("It is the address itself; choose another.".to_owned())
    } else if password.chars().all(|char| password.starts_with(char)) {
        Some("It is one character repeated; choose another.".to_owned())
    } else {
        None
    }
}

/// Hashes a password with a fresh salt.
pub(super) async fn hash(password: SecretString) -> Result<String, Problem> {
    let salt: [u8; 16] = rand::rng().random();
    apart(move || {
        let hash: PasswordHash =
            Argon2::default().hash_password_with_salt(password.expose_secret().as_bytes(), &salt)?;
        Ok::<_, argon2::password_hash::Error>(hash.to_string())
    })
    .await?
    .map_err(|error| Problem::internal(format!("a password could not be hashed: {error}")))
}

/// Whether it is the password of this hash. Without a hash (no such user) it takes as long and is not.
pub(super) async fn verify(password: SecretString, hash: Option<String>) -> Result<bool, Problem> {
    apart(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let Ok(hash) = PasswordHash::new(&hash) else { return false };
        let password = password.expose_secret().as_bytes();
        let right = password.len() <= LONGEST && Argon2::default().verify_password(password, &hash).is_ok();
        right && known
    })
    .await
}

/// A hash that nobody's password has.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let password: [u8; 32] = rand::rng().random();
    let hash: Result<PasswordHash, _> =
        Argon2::default().hash_password_with_salt(&password, b"nobody's own salt");
    hash.map(|hash| hash.to_string()).unwrap_or_default()
});

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let _slot = AT_ONCE.acquire().await.map_err(|error| Problem::internal(error.to_string()))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal(format!("hashing stopped: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the rule is what is enforced, counted in characters.
    #[test]
    fn the_rule_holds() {
        assert!(wrong("elevenchars", "").is_some());
        assert!(wrong("twelve chars", "").is_none());
        assert!(wrong("äöüäöüäöüäöü", "").is_none(), "characters, not bytes");
        assert!(wrong("aaaaaaaaaaaaaaa", "").is_some());
        assert!(wrong("somebody@contoso.test", "Somebody@Contoso.test").is_some());
        assert!(wrong(&"x y".repeat(400), "").is_some());
    }

    /// Promise: only the right password opens, and nobody's password opens nobody.
    #[tokio::test]
    async fn passwords_are_verified() {
        let hash = hash("correct horse battery".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse battery".into(), Some(hash.clone())).await.unwrap());
        assert!(!verify("correct horse batterie".into(), Some(hash)).await.unwrap());
        assert!(!verify("correct horse battery".into(), None).await.unwrap());
        assert!(!verify(String::new().into(), Some("damaged".into())).await.unwrap());
    }
}
