//! The ids of EWS and of MAPI: other texts than Graph's for the same things, which only `translateExchangeIds` connects.
//!
//! An item's id names its folder and how often it was moved, so that a move gives it a new one. All are base64 and
//! count letter by letter.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// How every id begins.
const BEGIN: [u8; 4] = [0x00, 0x03, 0x24, 0x00];

/// An item where it is, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ItemId {
    pub(crate) mailbox: u32,
    pub(crate) key: u64,
    pub(crate) folder: u32,
    pub(crate) generation: u32,
}

/// An attachment of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttachmentId {
    pub(crate) mailbox: u32,
    pub(crate) key: u64,
    pub(crate) index: u32,
}

/// Two bytes by which a mistyped id is told apart.
fn check(bytes: &[u8]) -> [u8; 2] {
    let sum = bytes.iter().fold(0x1d0f_u16, |sum, byte| sum.rotate_left(5) ^ u16::from(*byte));
    sum.to_be_bytes()
}

fn whole(kind: u8, numbers: &[u8]) -> Vec<u8> {
    let mut bytes = [&BEGIN[..], &[kind], numbers].concat();
    let check = check(&bytes);
    bytes.extend_from_slice(&check);
    bytes
}

fn inner<const N: usize>(kind: u8, bytes: &[u8]) -> Option<[u8; N]> {
    let (rest, end) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
    if end != check(rest) {
        return None;
    }
    rest.strip_prefix(&BEGIN)?.strip_prefix(&[kind])?.try_into().ok()
}

fn number32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn number64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

impl ItemId {
    fn numbers(self) -> Vec<u8> {
        [
            &self.mailbox.to_be_bytes()[..],
            &self.key.to_be_bytes(),
            &self.folder.to_be_bytes(),
            &self.generation.to_be_bytes(),
        ]
        .concat()
    }

    fn of(bytes: [u8; 20]) -> Option<Self> {
        Some(Self {
            mailbox: number32(&bytes[..4])?,
            key: number64(&bytes[4..12])?,
            folder: number32(&bytes[12..16])?,
            generation: number32(&bytes[16..])?,
        })
    }

    /// The id as EWS writes it.
    pub(crate) fn ews(self) -> String {
        STANDARD.encode(whole(b'I', &self.numbers()))
    }

    /// The MAPI entry id, as Graph writes it.
    pub(crate) fn entry(self) -> String {
        URL_SAFE.encode(whole(b'E', &self.numbers()))
    }

    /// Reads an EWS id.
    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::of(inner(b'I', &STANDARD.decode(text).ok()?)?)
    }

    /// Reads an entry id.
    pub(crate) fn read_entry(text: &str) -> Option<Self> {
        Self::of(inner(b'E', &URL_SAFE.decode(text).ok()?)?)
    }
}

/// The immutable MAPI entry id of a message.
pub(crate) fn immutable_entry(mailbox: u32, key: u64) -> String {
    URL_SAFE.encode(whole(b'M', &[&mailbox.to_be_bytes()[..], &key.to_be_bytes()].concat()))
}

/// Mailbox and key of an immutable entry id.
pub(crate) fn read_immutable_entry(text: &str) -> Option<(u32, u64)> {
    let bytes: [u8; 12] = inner(b'M', &URL_SAFE.decode(text).ok()?)?;
    Some((number32(&bytes[..4])?, number64(&bytes[4..])?))
}

/// The id of a folder; `entry` in the spelling of MAPI.
pub(crate) fn folder(mailbox: u32, number: u32) -> String {
    STANDARD.encode(whole(b'F', &[mailbox.to_be_bytes(), number.to_be_bytes()].concat()))
}

/// Mailbox and number of a folder id.
pub(crate) fn read_folder(text: &str) -> Option<(u32, u32)> {
    let bytes: [u8; 8] = inner(b'F', &STANDARD.decode(text).ok()?)?;
    Some((number32(&bytes[..4])?, number32(&bytes[4..])?))
}

impl AttachmentId {
    /// The id as EWS writes it.
    pub(crate) fn ews(self) -> String {
        let numbers =
            [&self.mailbox.to_be_bytes()[..], &self.key.to_be_bytes(), &self.index.to_be_bytes()].concat();
        STANDARD.encode(whole(b'A', &numbers))
    }

    /// Reads an attachment's id.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 16] = inner(b'A', &STANDARD.decode(text).ok()?)?;
        Some(Self {
            mailbox: number32(&bytes[..4])?,
            key: number64(&bytes[4..12])?,
            index: number32(&bytes[12..])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// An id leads back to its thing and to no other kind; any other text to none.
        #[test]
        fn ids_lead_back(mailbox: u32, key: u64, folder_number: u32, generation: u32, text in "[A-Za-z0-9+/=]{0,60}") {
            let item = ItemId { mailbox, key, folder: folder_number, generation };
            prop_assert_eq!(ItemId::read(&item.ews()), Some(item));
            prop_assert_eq!(ItemId::read_entry(&item.entry()), Some(item));
            prop_assert_eq!(read_folder(&folder(mailbox, folder_number)), Some((mailbox, folder_number)));
            prop_assert_eq!(read_immutable_entry(&immutable_entry(mailbox, key)), Some((mailbox, key)));
            let file = AttachmentId { mailbox, key, index: generation };
            prop_assert_eq!(AttachmentId::read(&file.ews()), Some(file));
            prop_assert_eq!(ItemId::read(&item.entry()), None);
            prop_assert_eq!(read_folder(&item.ews()), None);
            prop_assert_eq!(ItemId::read(&text), None);
            prop_assert_eq!(crate::exchange::ids::message(&item.ews()), None);
        }
    }
}
