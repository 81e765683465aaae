//! How many calls of an app for a mailbox may be under way: 27.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const AT_ONCE: usize = 27;

/// App (client id) and who.
type Key = (String, String);
type Book = Arc<Mutex<HashMap<Key, usize>>>;

/// The calls under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Throttle(Book);

/// A place among the calls under way, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    book: Book,
    key: Key,
}

fn lock(book: &Book) -> MutexGuard<'_, HashMap<Key, usize>> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.book).get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Throttle {
    /// Takes a place, if one is free.
    pub(crate) fn enter(&self, client_id: &str, who: &str) -> Option<Place> {
        let key = (client_id.to_owned(), who.to_owned());
        let mut book = lock(&self.0);
        let count = book.entry(key.clone()).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        drop(book);
        Some(Place { book: Arc::clone(&self.0), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The twenty-eighth is refused until one is done; another mailbox is not.
    #[test]
    fn twenty_seven_at_once() {
        let throttle = Throttle::default();
        let mut places: Vec<Place> =
            (0..AT_ONCE).map(|_| throttle.enter("app", "a").expect("a place")).collect();
        assert!(throttle.enter("app", "a").is_none());
        assert!(throttle.enter("app", "b").is_some());
        places.pop();
        assert!(throttle.enter("app", "a").is_some());
    }
}
