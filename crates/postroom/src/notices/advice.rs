//! What the console says about the ways by which notices reach people: that there is none, or only one which would break
//! together with what it should tell of. Pure.

use uuid::Uuid;

/// An account that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Used<'a> {
    /// Its name.
    pub(super) account: &'a str,
    /// The app registration that it is signed in with.
    pub(super) registration: Uuid,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways<'a> {
    /// Kinds of channels in use.
    pub(super) channels: Vec<&'a str>,
    /// Accounts of outbounds that work.
    pub(super) senders: Vec<Used<'a>>,
    /// Accounts that sources are read with.
    pub(super) readers: Vec<Used<'a>>,
}

/// What to say.
pub(super) fn advice(ways: &Ways<'_>) -> Option<String> {
    if ways.channels.is_empty() {
        return Some(
            "Notices stand only on this page: nobody is told while nobody looks. Add a channel below."
                .to_owned(),
        );
    }
    if ways.channels.iter().any(|kind| *kind != "mail") {
        return None;
    }
    let mut senders = ways.senders.clone();
    senders.sort_unstable();
    senders.dedup();
    match senders.as_slice() {
        [] => Some(
            "Notices go by mail, and no Message Outbound works: none can be sent. Add an outbound, or a second channel below."
                .to_owned(),
        ),
        [one] => {
            let also = if ways.readers.iter().any(|reader| reader.account == one.account) {
                ", which reads sources as well: if its sign-in ends, the notice of it cannot be sent"
            } else {
                ": if its sign-in ends, no notice can be sent"
            };
            Some(format!(
                "Notices go by mail, and all of it is sent as {}{also}. Add a second way below.",
                one.account
            ))
        }
        [first, others @ ..] => {
            let is_of_first = |used: &Used<'_>| used.registration == first.registration;
            // One secret that ends takes all of them, and what is to be told along.
            (others.iter().all(is_of_first) && ways.readers.iter().any(is_of_first)).then(|| {
                "Notices go by mail, and every Message Outbound is signed in with the app registration that reads sources as well: if its \
                 secret or certificate ends, the notice of it cannot be sent. Add a second way below."
                    .to_owned()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn used(account: &str, registration: u128) -> Used<'_> {
        Used { account, registration: Uuid::from_u128(registration) }
    }

    /// Promise: whoever relies on one way that would break is told, and asked for a second one.
    #[test]
    fn one_way_is_not_enough() {
        let ways = |channels: &[&'static str], senders: &[&'static str]| Ways {
            channels: channels.to_vec(),
            senders: (1..).zip(senders).map(|(n, account)| used(account, n)).collect(),
            readers: vec![used("a@contoso.test", 9)],
        };
        assert!(advice(&ways(&[], &["a@contoso.test"])).unwrap().contains("Add a channel"));
        assert!(advice(&ways(&["mail"], &[])).unwrap().contains("none can be sent"));
        let twice = Ways { senders: vec![used("a@contoso.test", 1); 2], ..ways(&["mail"], &[]) };
        assert_eq!(
            advice(&twice),
            advice(&ways(&["mail"], &["a@contoso.test"])),
            "two outbounds of one account"
        );
        let said = advice(&ways(&["mail", "mail"], &["a@contoso.test"])).unwrap();
        assert!(said.contains("reads sources as well") && said.contains("second way"), "{said}");
        assert!(advice(&ways(&["mail"], &["a@contoso.test", "b@contoso.test"])).is_none());
        assert!(advice(&ways(&["mail", "slack"], &["a@contoso.test"])).is_none());
    }

    /// Promise: several accounts are one way where one app registration is behind all of them and behind what they should tell of.
    #[rstest]
    #[case(&[1, 1], &[1], true)]
    #[case(&[1, 1, 1], &[2, 1], true)]
    // One of them goes on when the other's secret ends.
    #[case(&[1, 2], &[1, 2], false)]
    // Sending stands by itself: what ends for the sources can be told.
    #[case(&[1, 1], &[2], false)]
    #[case(&[1, 1], &[], false)]
    fn one_registration_is_one_way(
        #[case] senders: &[u128],
        #[case] readers: &[u128],
        #[case] advised: bool,
    ) {
        let names = ["a@contoso.test", "b@contoso.test", "c@contoso.test"];
        let ways = |channels: &[&'static str]| Ways {
            channels: channels.to_vec(),
            senders: names.iter().zip(senders).map(|(name, id)| used(name, *id)).collect(),
            readers: readers.iter().map(|id| used("reader@contoso.test", *id)).collect(),
        };
        let said = advice(&ways(&["mail"]));
        let asks = |said: &String| said.contains("app registration") && said.contains("second way");
        assert_eq!(said.as_ref().is_some_and(asks), advised, "{said:?}");
        assert!(said.is_some() == advised && advice(&ways(&["mail", "webhook"])).is_none());
    }
}
