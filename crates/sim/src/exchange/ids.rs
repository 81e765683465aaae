//! Item ids. They say themselves which item they mean, so that no index is needed.
//!
//! A message has two: the immutable id stays while the item is in the mailbox; the ordinary id names the folder too and
//! changes with every move. Both are base64 in the URL alphabet and count letter by letter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const IMMUTABLE: &str = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A";
const ORDINARY: &str = "AAMkAGI1AAAv";
const FOLDER: &str = "AQMkAD";
const ATTACHMENT: &str = "AAMkAGI1ATT";
const END: &str = "AAA=";

/// What a message id means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageId {
    Immutable { mailbox: u32, key: u64 },
    Ordinary { mailbox: u32, key: u64, folder: u32, generation: u32 },
}

fn encode(prefix: &str, numbers: &[u8]) -> String {
    format!("{prefix}{}{END}", URL_SAFE_NO_PAD.encode(numbers))
}

fn decode<const N: usize>(prefix: &str, text: &str) -> Option<[u8; N]> {
    let middle = text.strip_prefix(prefix)?.strip_suffix(END)?;
    URL_SAFE_NO_PAD.decode(middle).ok()?.try_into().ok()
}

fn number32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn number64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The immutable id of a message.
pub(crate) fn immutable(mailbox: u32, key: u64) -> String {
    encode(IMMUTABLE, &[&mailbox.to_be_bytes()[..], &key.to_be_bytes()].concat())
}

/// The ordinary id of a message.
pub(crate) fn ordinary(mailbox: u32, key: u64, folder: u32, generation: u32) -> String {
    let numbers =
        [&mailbox.to_be_bytes()[..], &key.to_be_bytes(), &folder.to_be_bytes(), &generation.to_be_bytes()]
            .concat();
    encode(ORDINARY, &numbers)
}

/// Reads a message id of either kind; `None` when it is malformed.
pub(crate) fn message(text: &str) -> Option<MessageId> {
    if let Some(bytes) = decode::<12>(IMMUTABLE, text) {
        return Some(MessageId::Immutable { mailbox: number32(&bytes[..4])?, key: number64(&bytes[4..])? });
    }
    let bytes = decode::<20>(ORDINARY, text)?;
    Some(MessageId::Ordinary {
        mailbox: number32(&bytes[..4])?,
        key: number64(&bytes[4..12])?,
        folder: number32(&bytes[12..16])?,
        generation: number32(&bytes[16..])?,
    })
}

/// The id of a folder; folders never change theirs.
pub(crate) fn folder(mailbox: u32, number: u32) -> String {
    encode(FOLDER, &[mailbox.to_be_bytes(), number.to_be_bytes()].concat())
}

/// Mailbox and number of a folder id; `None` when it is malformed.
pub(crate) fn read_folder(text: &str) -> Option<(u32, u32)> {
    let bytes = decode::<8>(FOLDER, text)?;
    Some((number32(&bytes[..4])?, number32(&bytes[4..])?))
}

/// The id of an attachment.
pub(crate) fn attachment(mailbox: u32, key: u64, index: u32) -> String {
    encode(ATTACHMENT, &[&mailbox.to_be_bytes()[..], &key.to_be_bytes(), &index.to_be_bytes()].concat())
}

/// Message key and index of an attachment id; `None` when it is malformed.
pub(crate) fn read_attachment(text: &str) -> Option<(u64, u32)> {
    let bytes = decode::<16>(ATTACHMENT, text)?;
    Some((number64(&bytes[4..12])?, number32(&bytes[12..])?))
}

/// The bytes in a folder (`PidTagMessageSizeExtended`), as an extended property.
pub(crate) const FOLDER_SIZE: &str = "Long 0xe08";

/// Compares two names of extended properties: sets and tags without letter case, names with it.
pub(crate) fn is_same_property(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let mut words = text.splitn(4, ' ').map(str::to_owned).collect::<Vec<_>>();
        if let Some(set) = words.get_mut(1) {
            set.make_ascii_lowercase();
            // A tag counts as a number.
            if let Some(number) = set.strip_prefix("0x") {
                *set = number.trim_start_matches('0').to_owned();
            }
        }
        if words.get(2).is_some_and(|kind| kind == "Id")
            && let Some(number) = words.get_mut(3)
        {
            let lower = number.to_ascii_lowercase();
            lower.trim_start_matches("0x").trim_start_matches('0').clone_into(number);
        }
        words
    };
    parts(one) == parts(other)
}

/// The spellings of a property's name by which clients know it: its set, or its number, in lower and in upper case, and the number
/// with and without its leading zeros.
pub(crate) fn spellings(id: &str) -> Vec<String> {
    let Some((begin, rest)) = id.split_once('{') else {
        let tag =
            id.split_once(" 0x").and_then(|(kind, tag)| Some((kind, u32::from_str_radix(tag, 16).ok()?)));
        let Some((kind, tag)) = tag else { return vec![id.to_owned()] };
        let mut all = vec![
            id.to_owned(),
            format!("{kind} 0x{tag:x}"),
            format!("{kind} 0x{tag:X}"),
            format!("{kind} 0x{tag:04x}"),
            format!("{kind} 0x{tag:04X}"),
        ];
        all.sort();
        all.dedup();
        return all;
    };
    let Some((set, end)) = rest.split_once('}') else { return vec![id.to_owned()] };
    let mut all = vec![
        id.to_owned(),
        format!("{begin}{{{}}}{end}", set.to_ascii_lowercase()),
        format!("{begin}{{{}}}{end}", set.to_ascii_uppercase()),
    ];
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Spellings that mean the same property.
    #[test]
    fn properties_have_several_spellings() {
        for (one, other) in [
            (
                "String {00020329-0000-0000-C000-000000000046} Name X",
                "String {00020329-0000-0000-c000-000000000046} Name X",
            ),
            ("String 0x1042", "String 0x1042"),
            ("String 0x007D", "String 0x7d"),
            (
                "Integer {00020329-0000-0000-c000-000000000046} Id 0x8012",
                "Integer {00020329-0000-0000-C000-000000000046} Id 0x08012",
            ),
        ] {
            assert!(is_same_property(one, other), "{one}");
        }
        assert!(!is_same_property(
            "String {00020329-0000-0000-c000-000000000046} Name X",
            "String {00020329-0000-0000-c000-000000000046} Name x"
        ));
        assert!(!is_same_property("String 0x1042", "Integer 0x1042"));
        assert_eq!(
            spellings("String 0x1a"),
            ["String 0x001A", "String 0x001a", "String 0x1A", "String 0x1a"]
        );
        assert_eq!(spellings("String 0x1035"), ["String 0x1035"]);
    }

    proptest! {
        /// An id leads back to its item, and any other text to none or to itself.
        #[test]
        fn ids_lead_back(mailbox: u32, key: u64, number: u32, generation: u32, text in "[A-Za-z0-9_=-]{0,60}") {
            prop_assert_eq!(message(&immutable(mailbox, key)), Some(MessageId::Immutable { mailbox, key }));
            let id = ordinary(mailbox, key, number, generation);
            prop_assert_eq!(message(&id), Some(MessageId::Ordinary { mailbox, key, folder: number, generation }));
            prop_assert_eq!(read_folder(&folder(mailbox, number)), Some((mailbox, number)));
            prop_assert_eq!(read_attachment(&attachment(mailbox, key, number)), Some((key, number)));
            prop_assert_eq!(message(&text), None);
            prop_assert_eq!(message(&immutable(mailbox, key).to_lowercase()), None);
        }
    }
}
