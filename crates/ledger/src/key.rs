//! The keys of the ledger: what makes a mail, an effect and a Message-ID recognisable for ever.
//!
//! All of them are HMACs under the installation's identity key, which never rotates (design §4): they can be compared
//! and stored in Jira without telling anybody what they were made from.

use std::fmt;
use std::str::FromStr;

use store::IdentityKey;

/// Makes keys. Holds the identity key; cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    identity: IdentityKey,
}

/// `K` of design §4: which mail this is, 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageKey(pub String);

/// Which effect this is: written into the other system together with the effect, 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Op(pub String);

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Keys {
    /// Keys under the installation's identity key.
    pub fn new(identity: IdentityKey) -> Self {
        Self { identity }
    }

    fn mac(&self, domain: &str, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        hex::encode(self.bytes(domain, &parts))
    }

    pub(crate) fn bytes(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut all = vec![domain.as_bytes()];
        all.extend(parts);
        self.identity.hmac(&all)
    }

    /// `K`, minted when a message is first recorded: from tenant, mailbox and the first native id.
    pub fn message(&self, tenant: &str, mailbox: &str, first_native_id: &str) -> MessageKey {
        MessageKey(self.mac("message", &[tenant, mailbox, first_native_id]))
    }

    /// The operation key of one effect: from `K`, the plan's generation and the slot.
    pub fn op(&self, message: &MessageKey, generation: i64, slot: &Slot) -> Op {
        let mut mac = self.mac("op", &[&message.0, &generation.to_string(), &slot.to_string()]);
        mac.truncate(40);
        Op(mac)
    }

    /// What is stored of a Message-ID, so that replies find their parents without the header standing in the clear.
    pub fn message_id(&self, message_id: &str) -> String {
        let mut mac = self.mac("message-id", &[message_id.trim()]);
        mac.truncate(40);
        mac
    }

    /// What is stored of a mail's text, so that the same mail is recognised without the text standing in the clear.
    pub fn body(&self, text: &str) -> String {
        let mut mac = self.mac("body", &[text]);
        mac.truncate(40);
        mac
    }

    /// What is stored of a mailbox conversation, likewise: the same whether Graph or EWS tells its id, which they write in two
    /// alphabets.
    pub fn conversation(&self, mailbox: &str, conversation: &str) -> String {
        let mut mac = self.mac("conversation", &[mailbox, &conversation.replace('-', "/").replace('_', "+")]);
        mac.truncate(40);
        mac
    }

    /// What is stored of a conversation's topic, likewise.
    pub fn topic(&self, topic: &str) -> String {
        let mut mac = self.mac("topic", &[topic]);
        mac.truncate(40);
        mac
    }

    /// What is stored of a query, likewise.
    pub fn query(&self, query: &str) -> String {
        let mut mac = self.mac("query", &[query]);
        mac.truncate(40);
        mac
    }

    /// What is stored of an address, likewise; letter case aside.
    pub fn address(&self, address: &str) -> String {
        let mut mac = self.mac("address", &[&address.trim().to_lowercase()]);
        mac.truncate(40);
        mac
    }
}

/// The semantic place of a step in a plan. Two steps of one generation never share a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The issue is created.
    Issue,
    /// The comment is added.
    Comment,
    /// A file is attached: hash of its content, and a count for equal files of one mail.
    Attachment {
        /// First 16 hexadecimal digits of the SHA-256 of the content.
        hash: String,
        /// 0 for the first file with this content, 1 for the second …
        n: u32,
    },
    /// The description is written again, with what could only be bound after the uploads (inline images).
    Description,
    /// The issue is moved on to another status.
    Transition,
    /// The issue is linked with another one.
    Link,
}

/// The kinds of slot. A new kind does not compile until it has its failpoints (`failpoint::of`) and its probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// [`Slot::Issue`].
    Issue,
    /// [`Slot::Comment`].
    Comment,
    /// [`Slot::Attachment`].
    Attachment,
    /// [`Slot::Description`].
    Description,
    /// [`Slot::Transition`].
    Transition,
    /// [`Slot::Link`].
    Link,
}

impl SlotKind {
    /// Every kind; the tests walk over it.
    pub const ALL: [Self; 6] =
        [Self::Issue, Self::Comment, Self::Attachment, Self::Description, Self::Transition, Self::Link];
}

impl Slot {
    /// Its kind.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Issue => SlotKind::Issue,
            Self::Comment => SlotKind::Comment,
            Self::Attachment { .. } => SlotKind::Attachment,
            Self::Description => SlotKind::Description,
            Self::Transition => SlotKind::Transition,
            Self::Link => SlotKind::Link,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue => f.write_str("issue"),
            Self::Comment => f.write_str("comment"),
            Self::Attachment { hash, n } => write!(f, "attachment:{hash}:{n}"),
            Self::Description => f.write_str("description"),
            Self::Transition => f.write_str("transition"),
            Self::Link => f.write_str("link"),
        }
    }
}

/// A stored slot that this version does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the step's slot `{0}` is not known to this version of Postroom; run the version that wrote it")]
pub struct UnknownSlot(String);

impl FromStr for Slot {
    type Err = UnknownSlot;

    fn from_str(text: &str) -> Result<Self, UnknownSlot> {
        match text {
            "issue" => return Ok(Self::Issue),
            "comment" => return Ok(Self::Comment),
            "description" => return Ok(Self::Description),
            "transition" => return Ok(Self::Transition),
            "link" => return Ok(Self::Link),
            _ => {}
        }
        let mut parts = text.split(':');
        match (parts.next(), parts.next(), parts.next().map(str::parse), parts.next()) {
            (Some("attachment"), Some(hash), Some(Ok(n)), None) => {
                Ok(Self::Attachment { hash: hash.to_owned(), n })
            }
            _ => Err(UnknownSlot(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::new(IdentityKey::from_bytes(b"0123456789abcdef0123456789abcdef"))
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(keys().message("a", "bc", "d"), keys().message("ab", "c", "d"));
        assert_ne!(keys().message_id("x"), keys().conversation("", "x"));
    }

    #[test]
    fn an_op_differs_by_generation_and_slot_and_is_stable() {
        let k = keys().message("t", "m", "1");
        let op = keys().op(&k, 0, &Slot::Issue);
        assert_eq!(op, keys().op(&k, 0, &Slot::Issue));
        assert_ne!(op, keys().op(&k, 1, &Slot::Issue));
        assert_ne!(op, keys().op(&k, 0, &Slot::Comment));
        assert_eq!(op.0.len(), 40);
    }

    /// Promise: a conversation stays the same when its source moves from EWS to Graph.
    #[test]
    fn a_conversation_is_the_same_over_both_transports() {
        let of = |id| keys().conversation("m", id);
        assert_eq!(of("AAQk-a_b="), of("AAQk/a+b="));
        assert_ne!(of("AAQk-a_b="), keys().conversation("other", "AAQk-a_b="));
        assert_eq!(keys().address(" Ada@Example.org"), keys().address("ada@example.org"));
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", keys()).contains("0123"));
    }

    proptest! {
        #[test]
        fn slots_survive_storage(hash in "[0-9a-f]{16}", n in 0u32..500) {
            let plain = [Slot::Issue, Slot::Comment, Slot::Description, Slot::Transition, Slot::Link];
            for slot in plain.into_iter().chain([Slot::Attachment { hash, n }]) {
                prop_assert_eq!(slot.to_string().parse::<Slot>().expect("known"), slot);
            }
        }

        #[test]
        fn unknown_slots_are_refused_not_guessed(text in "\\PC{0,40}") {
            if let Ok(slot) = text.parse::<Slot>() {
                prop_assert_eq!(slot.to_string(), text);
            }
        }
    }
}
