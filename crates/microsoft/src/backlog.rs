//! The place in a listing of a backlog, oldest first.
//!
//! Counting how many messages to skip loses mail: when handled mail is moved away meanwhile, those behind it move up and are
//! passed over. So the place is the time of the last message told, and the next page begins with everything of that second once
//! more. Only where a whole page is of one second does it skip within that second.

use jiff::Timestamp;

use crate::mailbox::{Cursor, Item, SyncError};

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

    /// The place after a page of these messages.
    pub(crate) fn after(self, items: &[Item]) -> Self {
        let Some(last) = items.iter().map(|item| item.received_at).max() else { return self };
        match self.from {
            Some(from) if last <= from => Self { skip: self.skip + items.len(), ..self },
            _ => Self { from: Some(last), skip: 0 },
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

    fn item(second: i64) -> Item {
        Item {
            id: format!("m{second}").into(),
            raw: Vec::new(),
            received_at: Timestamp::UNIX_EPOCH + second.seconds(),
            internet_message_id: None,
            conversation_id: None,
            is_whole: true,
        }
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
        let place = Place::default().after(&[item(1), item(5)]);
        assert_eq!(place, Place { from: Some(item(5).received_at), skip: 0 });
        let within = place.after(&[item(5), item(5)]);
        assert_eq!(within, Place { skip: 2, ..place });
        assert_eq!(within.after(&[item(5)]).skip, 3);
        assert_eq!(within.after(&[item(5), item(6)]), Place { from: Some(item(6).received_at), skip: 0 });
        assert_eq!(within.after(&[]), within, "nothing more");
    }
}
