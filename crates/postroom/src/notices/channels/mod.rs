//! The ways by which notices reach people. Each file makes one shape out of a [`Message`], purely; [`send`](super::send)
//! brings it there. [`guard`] keeps addresses that people typed out of the private network.

pub mod guard;
pub mod mail;
pub mod slack;
pub mod teams;
pub mod webhook;

use fault::PageLink;
use jiff::Timestamp;
use uuid::Uuid;

use super::decide::Kind;

/// The most notices that are told one by one in a message; the rest is counted.
pub const MOST: usize = 20;

/// One notice in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The notice's id.
    pub id: Uuid,
    /// What is told.
    pub kind: Kind,
    /// `source`, `outbound`, `account` or `destination`.
    pub object_kind: String,
    /// Its id.
    pub object_id: Uuid,
    /// As people know it.
    pub object_name: String,
    /// In a line.
    pub title: String,
    /// In sentences.
    pub text: String,
    /// The other side's code; empty where there is none.
    pub code: String,
    /// The catalogue's entry; empty where there is none.
    pub entry: String,
    /// The portal's page on which it is mended; several where nobody knows which.
    pub pages: Vec<PageLink>,
    /// The command that mends or examines it.
    pub command: Option<String>,
    /// Its page in the console.
    pub url: String,
    /// When it was raised.
    pub raised_at: Timestamp,
}

/// One message through one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stays the same through retries, so that a receiver can leave out what it has.
    pub id: Uuid,
    /// When it is sent.
    pub at: Timestamp,
    /// Whether it only tests the channel.
    pub is_test: bool,
    /// What is told, oldest first.
    pub items: Vec<Item>,
    /// The page with all notices.
    pub url: String,
}

impl Message {
    /// In a line: the notice itself, or how many of what there are.
    pub fn title(&self) -> String {
        if self.is_test {
            return "Postroom: a test notice".to_owned();
        }
        match self.items.as_slice() {
            [] => "Postroom has nothing to tell".to_owned(),
            [one] => one.title.clone(),
            many => {
                let count = |is: fn(Kind) -> bool| many.iter().filter(|item| is(item.kind)).count();
                let mut parts = Vec::new();
                let mut add = |number: usize, words: &str| {
                    if number > 0 {
                        parts.push(format!("{number} {words}"));
                    }
                };
                add(count(|kind| kind == Kind::Offline), "offline");
                add(count(|kind| kind == Kind::ApprovalNeeded), "waiting for approval");
                add(count(|kind| kind == Kind::Degraded), "degraded");
                add(count(|kind| kind == Kind::Silence), "silent");
                add(count(|kind| kind == Kind::Push), "without push");
                add(count(|kind| kind == Kind::Marks), "not marked");
                add(count(|kind| kind == Kind::Expiry), "ending soon");
                add(count(Kind::is_good), "back");
                format!("Postroom: {}", parts.join(", "))
            }
        }
    }

    /// The notices that are told one by one, and how many more there are.
    pub fn shown(&self) -> (&[Item], usize) {
        let shown = self.items.len().min(MOST);
        (&self.items[..shown], self.items.len() - shown)
    }

    /// The sentence that stands for what is not shown.
    pub fn rest(more: usize) -> String {
        format!("And {more} more: the console shows all of them.")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn message(count: usize) -> Message {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let item = |n: usize| Item {
            id: Uuid::from_u128(n as u128),
            kind: if n % 3 == 2 { Kind::Back } else { Kind::Offline },
            object_kind: "source".to_owned(),
            object_id: Uuid::from_u128(100 + n as u128),
            object_name: format!("box{n}@contoso.test"),
            title: format!("box{n}@contoso.test is <offline> & *bold*"),
            text: "Sign in again.".to_owned(),
            code: "AADSTS50173".to_owned(),
            entry: "entra.grant_revoked".to_owned(),
            pages: vec![PageLink {
                title: "Licenses | <admin center>".to_owned(),
                address: "https://portal.azure.us/#view/Blade/~/Licenses".to_owned(),
            }],
            command: Some("Get-Mailbox -Identity box@contoso.test | Format-List".to_owned()),
            url: format!("https://postroom.test/sources/{n}"),
            raised_at: at,
        };
        Message {
            id: Uuid::from_u128(7),
            at,
            is_test: false,
            items: (0..count).map(item).collect(),
            url: "https://postroom.test/notices".to_owned(),
        }
    }

    /// Promise: many notices have one title that counts them.
    #[test]
    fn many_notices_have_one_title() {
        assert_eq!(message(6).title(), "Postroom: 4 offline, 2 back");
        assert!(message(1).title().starts_with("box0@contoso.test"));
        assert_eq!(message(25).shown().1, 5);
    }
}
