//! Everything that looks random, from one seed, so that a run can be repeated.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use uuid::Uuid;

/// A seeded source of chance, shared by all services.
#[derive(Debug)]
pub(crate) struct Chance(Mutex<StdRng>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }

    /// A version 4 id.
    pub(crate) fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A text of 43 characters that nobody guesses.
    pub(crate) fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A text of so many of these letters, of which there are at most 256.
    pub(crate) fn letters(&self, letters: &[u8], length: usize) -> String {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (0..length).map(|_| char::from(letters[source.random_range(0..letters.len())])).collect()
    }

    /// True in `probability` of all cases.
    pub(crate) fn happens(&self, probability: f64) -> bool {
        probability >= 1.0
            || (probability > 0.0
                && self.0.lock().unwrap_or_else(PoisonError::into_inner).random::<f64>() < probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same seed gives the same ids and tokens.
    #[test]
    fn the_same_seed_repeats_itself() {
        let (one, two) = (Chance::new(7), Chance::new(7));
        assert_eq!(one.uuid(), two.uuid());
        assert_eq!(one.secret(), two.secret());
        assert_ne!(one.secret(), Chance::new(8).secret());
        assert!(one.happens(1.0));
        assert!(!one.happens(0.0));
    }
}
