//! Lanes: which messages must be decided one after the other.
//!
//! A lane is a conversation as far as anything tells that messages belong together: the mailbox's conversation id, their
//! own Message-IDs and the Message-IDs they refer to. A reply that is recorded before its parent lands in the parent's
//! lane all the same, since it has claimed the parent's Message-ID. Two lanes that turn out to be one are merged.

use std::collections::{BTreeSet, HashMap};

/// How many references of one mail count, the last ones first (a hostile mail could refer to everything).
pub const MAX_KEYS: usize = 40;

/// What a page brings: for each message, the hashes of its own Message-ID, its conversation and its references.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The lane it opens if none of its keys is known.
    pub fresh: String,
    /// Hashes of everything that ties it to others, at most [`MAX_KEYS`].
    pub keys: Vec<String>,
}

/// Where the messages of a page go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The lane of each message, in order.
    pub lanes: Vec<String>,
    /// Keys to store with their lane (new ones only).
    pub keys: Vec<(String, String)>,
    /// Lanes that turned out to be one: everything in the first goes to the second.
    pub merges: Vec<(String, String)>,
}

/// Assigns lanes. `known` holds those keys of the page that are stored already.
#[allow(clippy::implicit_hasher, reason = "the ledger's own map; nobody else calls it")]
pub fn assign(page: &[Wanted], known: &HashMap<String, String>) -> Assigned {
    let mut now: HashMap<&str, String> = page
        .iter()
        .flat_map(|w| &w.keys)
        .filter_map(|key| Some((key.as_str(), known.get(key)?.clone())))
        .collect();
    let mut merged: HashMap<String, String> = HashMap::new();
    let mut assigned = Assigned::default();
    let mut of_message = Vec::with_capacity(page.len());
    for wanted in page {
        let lanes: BTreeSet<String> = wanted
            .keys
            .iter()
            .filter_map(|key| now.get(key.as_str()))
            .map(|lane| find(&merged, lane))
            .collect();
        let mut lanes = lanes.into_iter();
        let lane = lanes.next().unwrap_or_else(|| wanted.fresh.clone());
        for other in lanes {
            merged.insert(other.clone(), lane.clone());
            assigned.merges.push((other, lane.clone()));
        }
        for key in &wanted.keys {
            now.insert(key, lane.clone());
        }
        of_message.push(lane);
    }
    assigned.lanes = of_message.iter().map(|lane| find(&merged, lane)).collect();
    for wanted in page {
        for key in &wanted.keys {
            if !known.contains_key(key)
                && let Some(lane) = now.remove(key.as_str())
            {
                assigned.keys.push((key.clone(), find(&merged, &lane)));
            }
        }
    }
    assigned
}

fn find(merged: &HashMap<String, String>, lane: &str) -> String {
    let mut lane = lane;
    while let Some(into) = merged.get(lane) {
        lane = into;
    }
    lane.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wanted(fresh: &str, keys: &[&str]) -> Wanted {
        Wanted { fresh: fresh.to_owned(), keys: keys.iter().map(|k| (*k).to_owned()).collect() }
    }

    #[test]
    fn a_reply_recorded_before_its_parent_shares_its_lane() {
        let page = [wanted("b", &["id-2", "id-1"]), wanted("a", &["id-1"])];
        assert_eq!(assign(&page, &HashMap::new()).lanes, ["b", "b"]);
    }

    #[test]
    fn strangers_have_lanes_of_their_own() {
        let page = [wanted("a", &["id-1"]), wanted("b", &["id-2"])];
        let assigned = assign(&page, &HashMap::new());
        assert_eq!(assigned.lanes, ["a", "b"]);
        assert_eq!(assigned.merges, []);
    }

    #[test]
    fn a_message_that_ties_two_lanes_merges_them() {
        let known = HashMap::from([("id-1".into(), "x".into()), ("id-2".into(), "y".into())]);
        let assigned = assign(&[wanted("c", &["id-3", "id-1", "id-2"])], &known);
        assert_eq!(assigned.lanes, ["x"]);
        assert_eq!(assigned.merges, [("y".to_owned(), "x".to_owned())]);
        assert_eq!(assigned.keys, [("id-3".to_owned(), "x".to_owned())]);
    }

    proptest! {
        /// Messages that share a key share a lane, within a page and across pages.
        #[test]
        fn sharing_a_key_is_sharing_a_lane(pages in prop::collection::vec(prop::collection::vec(
            prop::collection::vec(0u8..12, 1..4), 1..6), 1..5)) {
            let mut stored: HashMap<String, String> = HashMap::new();
            let mut all: Vec<(Vec<u8>, String)> = Vec::new();
            let mut fresh = 0;
            for page in pages {
                let wants: Vec<Wanted> = page.iter().map(|keys| {
                    fresh += 1;
                    Wanted { fresh: format!("lane-{fresh:04}"), keys: keys.iter().map(u8::to_string).collect() }
                }).collect();
                let assigned = assign(&wants, &stored);
                for (from, to) in &assigned.merges {
                    stored.values_mut().filter(|lane| *lane == from).for_each(|lane| lane.clone_from(to));
                    all.iter_mut().filter(|(_, lane)| lane == from).for_each(|(_, lane)| lane.clone_from(to));
                }
                stored.extend(assigned.keys);
                all.extend(page.into_iter().zip(assigned.lanes));
            }
            for (keys, lane) in &all {
                for (others, other) in &all {
                    if keys.iter().any(|key| others.contains(key)) {
                        prop_assert_eq!(lane, other);
                    }
                }
            }
        }
    }
}
