//! What the console says about the ways by which notices reach people: that there is none, or only one which would break
//! together with what it should tell of. Pure.

/// What there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways<'a> {
    /// Kinds of channels in use.
    pub(super) channels: Vec<&'a str>,
    /// Accounts of outbounds that work.
    pub(super) senders: Vec<&'a str>,
    /// Accounts that sources are read with.
    pub(super) readers: Vec<&'a str>,
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
            let also = if ways.readers.contains(one) {
                ", which reads sources as well: if its sign-in ends, the notice of it cannot be sent"
            } else {
                ": if its sign-in ends, no notice can be sent"
            };
            Some(format!("Notices go by mail, and all of it is sent as {one}{also}. Add a second way below."))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: whoever relies on one way that would break is told, and asked for a second one.
    #[test]
    fn one_way_is_not_enough() {
        let ways = |channels: &[&'static str], senders: &[&'static str]| Ways {
            channels: channels.to_vec(),
            senders: senders.to_vec(),
            readers: vec!["a@contoso.test"],
        };
        assert!(advice(&ways(&[], &["a@contoso.test"])).unwrap().contains("Add a channel"));
        assert!(advice(&ways(&["mail"], &[])).unwrap().contains("none can be sent"));
        let said = advice(&ways(&["mail", "mail"], &["a@contoso.test", "a@contoso.test"])).unwrap();
        assert!(said.contains("reads sources as well") && said.contains("second way"), "{said}");
        assert!(advice(&ways(&["mail"], &["a@contoso.test", "b@contoso.test"])).is_none());
        assert!(advice(&ways(&["mail", "slack"], &["a@contoso.test"])).is_none());
    }
}
