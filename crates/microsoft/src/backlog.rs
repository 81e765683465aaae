//! The place in a listing of a backlog, oldest first.
//!
//! Counting how many messages to skip loses mail: when handled mail is moved away meanwhile, those behind it move up and are
//! passed over. So the place is the time of the last message told, and the next page begins with everything of that second once
//! more. Only where a whole page is of one second does it skip within that second.

use jiff::Timestamp;

use crate::mailbox::{Cursor, SyncError};

/// A place between two pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The next page begins with messages of this time; with the oldest where it is none.
    pub(crate) from: Option<Timestamp>,
    /// This many messages of exactly that time have been told.
    pub(crate) skip: usize,
}

impl Place {
    /// The place that a cursor names, or the beginning at `since`. A cursor of another kind begins anew.
    pub(crate) fn read(since: Option<Timestamp>, after: Option<&Cursor>) -> Result<Self, SyncError> {
        let Some(cursor) = after else { return Ok(Self { from: since, skip: 0 }) };
        let read = || {
            let (from, skip) = cursor.as_str().strip_prefix("listed:")?.split_once('+')?;
            Some(Self { from: Some(from.parse().ok()?), skip: skip.parse().ok()? })
        };
        read().ok_or(SyncError::Reset)
    }

    /// The place after a page of so many messages, received at these times.
    pub(crate) fn after(self, told: usize, times: impl Iterator<Item = Timestamp>) -> Self {
        match (times.max(), self.from) {
            (Some(last), None) => Self { from: Some(last), skip: 0 },
            (Some(last), Some(from)) if last > from => Self { from: Some(last), skip: 0 },
            _ => Self { skip: self.skip + told, ..self },
        }
    }

    /// For giving away. A folder that is empty leaves no time: its place is the beginning of time.
    pub(crate) fn cursor(self) -> Cursor {
        let from = self.from.unwrap_or(Timestamp::UNIX_EPOCH);
        Cursor::from(format!("listed:{from}+{}", self.skip))
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + second.seconds()
    }

    fn after(place: Place, seconds: &[i64]) -> Place {
        place.after(seconds.len(), seconds.iter().map(|second| at(*second)))
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place { from: Some(Timestamp::UNIX_EPOCH + 7.seconds()), skip: 50 };
        assert_eq!(Place::read(None, Some(&place.cursor())).expect("a place"), place);
        assert_eq!(
            Place::read(None, Some(&"https://graph.test/delta".into())).expect_err("another kind"),
            SyncError::Reset
        );
    }

    #[test]
    fn a_page_of_one_second_goes_on_within_it_and_any_other_at_its_last_second() {
        let place = after(Place::default(), &[1, 5]);
        assert_eq!(place, Place { from: Some(at(5)), skip: 0 });
        let within = after(place, &[5, 5]);
        assert_eq!(within, Place { skip: 2, ..place });
        assert_eq!(after(within, &[5]).skip, 3);
        assert_eq!(after(within, &[5, 6]), Place { from: Some(at(6)), skip: 0 });
        assert_eq!(after(within, &[]), within, "nothing more");
    }
}
