//! Which mail is which, where no id tells: by Message-ID, the time at which the mailbox received it, and its text. Pure.
//!
//! Two transports have different ids for one mail, and over EWS a move changes them. What cannot be told is doubtful, and whoever
//! asks holds it: neither handled twice nor thrown away.

use std::collections::HashMap;

/// By what mails are held to be alike: Message-ID and second of receipt.
type Marks<'a> = (Option<&'a str>, i64);

/// What a mail is recognised by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Hash of its Message-ID; `None`: it has none.
    pub message_id: Option<String>,
    /// When the mailbox received it, microseconds.
    pub received_at: i64,
    /// Hash of its text; `None`: nobody knows it.
    pub body: Option<String>,
}

/// What a mail turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// This one of those that are known.
    Is(usize),
    /// None of them.
    Other,
    /// One of them or another: nobody can tell.
    Doubtful,
}

/// Tells of each mail of `items` which of `known` it is. One that is known is at most one of them, and none of either list may
/// have an id that tells.
///
/// Those with the same text are paired first, then those whose text nobody knows: as many as are known are known, the others are
/// copies. Where a text is left that fits none, it is doubtful which mail that is: a sender may use a Message-ID twice, and a text
/// may have been changed in the mailbox. Without a Message-ID only the text counts.
pub fn tell(items: &[Looks], known: &[Looks]) -> Vec<Same> {
    let mut told = vec![Same::Other; items.len()];
    let mut groups: HashMap<Marks<'_>, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (n, looks) in known.iter().enumerate() {
        groups.entry((looks.message_id.as_deref(), looks.received_at)).or_default().1.push(n);
    }
    for (n, looks) in items.iter().enumerate() {
        if let Some(group) = groups.get_mut(&(looks.message_id.as_deref(), looks.received_at)) {
            group.0.push(n);
        }
    }
    for ((message_id, _), (mut open, mut left)) in groups {
        open.retain(|item| {
            let Some(body) = &items[*item].body else { return true };
            let Some(at) = left.iter().position(|one| known[*one].body.as_ref() == Some(body)) else {
                return true;
            };
            told[*item] = Same::Is(left.remove(at));
            false
        });
        if message_id.is_some() {
            open.retain(|item| {
                let any = items[*item].body.is_none();
                let Some(at) = left.iter().position(|one| any || known[*one].body.is_none()) else {
                    return true;
                };
                told[*item] = Same::Is(left.remove(at));
                false
            });
        }
        for item in open {
            let unknown = |looks: &Looks| looks.body.is_none();
            let doubtful = if message_id.is_some() {
                !left.is_empty()
            } else {
                left.iter().any(|one| unknown(&known[*one]) || unknown(&items[item]))
            };
            if doubtful {
                told[item] = Same::Doubtful;
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looks(message_id: &str, received_at: i64, body: &str) -> Looks {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Looks { message_id: some(message_id), received_at, body: some(body) }
    }

    /// Promise: Message-ID, time and text say which mail it is; any other time or Message-ID is another mail.
    #[test]
    fn the_same_in_all_three_is_the_same() {
        let known = [looks("a", 1, "x"), looks("b", 1, "x")];
        let items = [looks("b", 1, "x"), looks("a", 1, "x"), looks("a", 2, "x"), looks("c", 1, "x")];
        assert_eq!(tell(&items, &known), [Same::Is(1), Same::Is(0), Same::Other, Same::Other]);
    }

    /// Promise: a sender who uses a Message-ID twice in one second is not taken for one mail: the text tells apart.
    #[test]
    fn the_text_tells_alike_mails_apart() {
        let known = [looks("a", 1, "one"), looks("a", 1, "two")];
        let items = [looks("a", 1, "two"), looks("a", 1, "one")];
        assert_eq!(tell(&items, &known), [Same::Is(1), Same::Is(0)]);
        // A third is a third.
        let items = [looks("a", 1, "three"), looks("a", 1, "two"), looks("a", 1, "one")];
        assert_eq!(tell(&items, &known), [Same::Other, Same::Is(1), Same::Is(0)]);
    }

    /// Promise: where the text fits none and one is left that it may be, nobody guesses.
    #[test]
    fn what_fits_none_is_doubtful() {
        assert_eq!(tell(&[looks("a", 1, "x")], &[looks("a", 1, "y")]), [Same::Doubtful]);
        assert_eq!(tell(&[looks("a", 1, "x")], &[]), [Same::Other]);
    }

    /// Promise: of copies that nothing tells apart, as many are known as are known, and the others are new.
    #[test]
    fn copies_are_counted() {
        let known = [looks("a", 1, "x"), looks("a", 1, "")];
        let items = [looks("a", 1, "x"), looks("a", 1, "x"), looks("a", 1, "x")];
        let told = tell(&items, &known);
        assert_eq!(told, [Same::Is(0), Same::Is(1), Same::Other]);
    }

    /// Promise: without a Message-ID only the text counts; where it is not known, nobody guesses.
    #[test]
    fn without_a_message_id_only_the_text_counts() {
        assert_eq!(tell(&[looks("", 1, "x")], &[looks("", 1, "x")]), [Same::Is(0)]);
        assert_eq!(tell(&[looks("", 1, "x")], &[looks("", 1, "y")]), [Same::Other]);
        assert_eq!(tell(&[looks("", 1, "x")], &[looks("", 1, "")]), [Same::Doubtful]);
        assert_eq!(tell(&[looks("", 1, "")], &[looks("", 1, "y")]), [Same::Doubtful]);
    }

    fn any_looks() -> impl Strategy<Value = Looks> {
        (0..3_u8, 0..2_i64, 0..3_u8).prop_map(|(message_id, received_at, body)| Looks {
            message_id: (message_id > 0).then(|| message_id.to_string()),
            received_at,
            body: (body > 0).then(|| body.to_string()),
        })
    }

    proptest! {
        /// Promise: no mail is two mails, none is one that differs in what both are known by, and nothing is new while one that it
        /// may be is left.
        #[test]
        fn nothing_is_doubled_or_lost(
            items in prop::collection::vec(any_looks(), 0..8),
            known in prop::collection::vec(any_looks(), 0..8),
        ) {
            let told = tell(&items, &known);
            prop_assert_eq!(told.len(), items.len());
            let mut left: Vec<usize> = (0..known.len()).collect();
            for (item, same) in items.iter().zip(&told) {
                let Same::Is(one) = same else { continue };
                prop_assert!(left.contains(one), "{} is two mails", one);
                left.retain(|other| other != one);
                prop_assert_eq!((&item.message_id, item.received_at), (&known[*one].message_id, known[*one].received_at));
                if let (Some(a), Some(b)) = (&item.body, &known[*one].body) {
                    prop_assert_eq!(a, b);
                }
            }
            for (item, same) in items.iter().zip(&told) {
                if *same == Same::Other && item.message_id.is_some() {
                    prop_assert!(left.iter().all(|one| known[*one].message_id != item.message_id || known[*one].received_at != item.received_at));
                }
            }
        }
    }
}
