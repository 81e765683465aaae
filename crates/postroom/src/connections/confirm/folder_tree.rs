//! The folders of a mailbox as a tree to choose from. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use microsoft::{Folder, FolderId};

use crate::web::times::thousands;
use crate::web::tree::{Branch, Twigs};

/// So many folders side by side are shown: a longer list is no help, and its path can be written.
const MOST_SIDE_BY_SIDE: usize = 100;
/// So many are shown altogether, those nearest to the top first.
const MOST: usize = 600;

/// What Exchange calls the well-known folders in English; the mailbox has them in its owner's language.
const NAMES: [(&str, &str); 7] = [
    ("inbox", "Inbox"),
    ("junkemail", "Junk"),
    ("archive", "Archive"),
    ("sentitems", "Sent Items"),
    ("drafts", "Drafts"),
    ("deleteditems", "Deleted Items"),
    ("outbox", "Outbox"),
];

/// The tree, the Inbox first and the rest by name, unfolded where `chosen` is.
pub(super) fn tree(folders: &[Folder], chosen: Option<&FolderId>) -> Twigs {
    let inside = by_parent(folders);
    let mut shown = nearest(&inside);
    let mut way = HashSet::new();
    let parents: HashMap<&FolderId, Option<&FolderId>> =
        folders.iter().map(|folder| (&folder.id, folder.parent.as_ref())).collect();
    let mut next = chosen;
    // What is chosen is shown with all that it lies in, however long the list.
    while let Some(id) = next.filter(|id| parents.contains_key(id)) {
        if !way.insert(id) {
            break;
        }
        shown.insert(id);
        next = parents.get(id).copied().flatten();
    }
    way.retain(|id| Some(*id) != chosen);
    twigs(None, &inside, &shown, &way)
}

type Inside<'a> = HashMap<Option<&'a FolderId>, Vec<&'a Folder>>;

/// Folders by the one that they lie in, in the order in which they are shown.
fn by_parent(folders: &[Folder]) -> Inside<'_> {
    let there: HashSet<&FolderId> = folders.iter().map(|folder| &folder.id).collect();
    let mut inside: Inside<'_> = HashMap::new();
    for folder in folders {
        // Whose parent is not told lies at the top.
        let parent = folder.parent.as_ref().filter(|parent| there.contains(parent) && **parent != folder.id);
        inside.entry(parent).or_default().push(folder);
    }
    for list in inside.values_mut() {
        list.sort_by_key(|folder| (!is(folder, "inbox"), folder.name.to_lowercase()));
    }
    inside
}

fn is(folder: &Folder, well_known: &str) -> bool {
    folder.well_known.as_deref() == Some(well_known)
}

/// The folders that are shown: level by level, until there are enough.
fn nearest<'a>(inside: &Inside<'a>) -> HashSet<&'a FolderId> {
    let mut shown = HashSet::new();
    let mut open = VecDeque::from([None]);
    while let Some(parent) = open.pop_front() {
        for folder in inside.get(&parent).into_iter().flatten().take(MOST_SIDE_BY_SIDE) {
            if shown.len() >= MOST {
                return shown;
            }
            if shown.insert(&folder.id) {
                open.push_back(Some(&folder.id));
            }
        }
    }
    shown
}

fn twigs(
    parent: Option<&FolderId>,
    inside: &Inside<'_>,
    shown: &HashSet<&FolderId>,
    way: &HashSet<&FolderId>,
) -> Twigs {
    let all = inside.get(&parent).map(Vec::as_slice).unwrap_or_default();
    let here: Vec<Branch> = all
        .iter()
        .filter(|folder| shown.contains(&folder.id))
        .map(|folder| Branch {
            value: value(folder).to_owned(),
            label: folder.name.clone(),
            note: note(folder),
            hint: hint(folder),
            is_open: way.contains(&folder.id),
            inside: twigs(Some(&folder.id), inside, shown, way),
        })
        .collect();
    Twigs { more: all.len() - here.len(), shown: here }
}

/// What is posted for a folder: a well-known one by its name, so that the choice stays when another mailbox is written.
pub(super) fn value(folder: &Folder) -> &str {
    folder.well_known.as_deref().unwrap_or_else(|| folder.id.as_str())
}

/// What the folder is where its own name does not say it, and how many mails lie in it.
fn note(folder: &Folder) -> String {
    let known = NAMES.iter().find(|(word, _)| is(folder, word)).map(|(_, name)| *name);
    let known = known.filter(|known| !folder.name.eq_ignore_ascii_case(known));
    let counts = match (folder.total, folder.unread) {
        (0, _) => "empty".to_owned(),
        (total, 0) => mails(total),
        (total, unread) => format!("{}, {} unread", mails(total), thousands(unread)),
    };
    known.map_or_else(|| counts.clone(), |known| format!("{known} · {counts}"))
}

fn mails(count: u64) -> String {
    if count == 1 { "1 mail".to_owned() } else { format!("{} mails", thousands(count)) }
}

fn hint(folder: &Folder) -> String {
    if is(folder, "junkemail") {
        "What Exchange takes for junk lies here, and a source of the Inbox does not read it.".to_owned()
    } else {
        String::new()
    }
}

/// What a page says of the Junk folder, beside the tree.
pub(super) fn junk(folders: &[Folder]) -> Option<String> {
    let junk = folders.iter().find(|folder| is(folder, "junkemail"))?;
    Some(match junk.total {
        0 => "Junk is empty.".to_owned(),
        1 => "1 mail lies in Junk.".to_owned(),
        total => format!("{} mails lie in Junk.", thousands(total)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folder(id: &str, parent: Option<&str>, name: &str) -> Folder {
        Folder {
            id: FolderId::from(id),
            name: name.to_owned(),
            path: name.to_owned(),
            parent: parent.map(FolderId::from),
            total: 0,
            unread: 0,
            well_known: None,
        }
    }

    fn labels(twigs: &Twigs) -> Vec<&str> {
        twigs.shown.iter().map(|branch| branch.label.as_str()).collect()
    }

    /// Promise: the Inbox comes first whatever its name, counts and Junk are said, and the tree is unfolded where the choice is.
    #[test]
    fn a_mailbox_is_a_tree() {
        let mut inbox = folder("i", None, "Posteingang");
        inbox.well_known = Some("inbox".to_owned());
        (inbox.total, inbox.unread) = (1_234, 12);
        let mut junk_mail = folder("j", None, "Junk-E-Mail");
        junk_mail.well_known = Some("junkemail".to_owned());
        junk_mail.total = 1;
        let folders = [
            folder("a", None, "Archiv"),
            junk_mail,
            inbox,
            folder("x", Some("i"), "Kunden"),
            folder("y", Some("x"), "Rücksendungen"),
        ];
        let chosen = FolderId::from("y");
        let tree = tree(&folders, Some(&chosen));
        assert_eq!(labels(&tree), ["Posteingang", "Archiv", "Junk-E-Mail"]);
        let values: Vec<&str> = tree.shown.iter().map(|branch| branch.value.as_str()).collect();
        assert_eq!(values, ["inbox", "a", "junkemail"]);
        assert_eq!(tree.shown[0].note, "Inbox · 1,234 mails, 12 unread");
        assert_eq!(tree.shown[2].note, "Junk · 1 mail");
        assert!(tree.shown[2].hint.contains("does not read it"));
        let inside = &tree.shown[0].inside;
        assert!(tree.shown[0].is_open && inside.shown[0].is_open && !tree.shown[1].is_open);
        assert!(!inside.shown[0].inside.shown[0].is_open, "nothing lies inside the choice");
        assert_eq!(labels(&inside.shown[0].inside), ["Rücksendungen"]);
        assert_eq!(junk(&folders).as_deref(), Some("1 mail lies in Junk."));
    }

    /// Promise: of very many folders side by side the first hundred are shown, the rest is counted, and the chosen one is there.
    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let folders: Vec<Folder> =
            (0..250).map(|n| folder(&format!("f{n}"), None, &format!("Folder {n:03}"))).collect();
        let chosen = FolderId::from("f240");
        let tree = tree(&folders, Some(&chosen));
        assert_eq!((tree.shown.len(), tree.more, tree.count()), (101, 149, 250));
        assert_eq!(tree.shown.last().map(|branch| branch.value.as_str()), Some("f240"));
    }

    fn has(twigs: &Twigs, id: &str) -> bool {
        twigs.shown.iter().any(|branch| branch.value == id || (branch.is_open && has(&branch.inside, id)))
    }

    fn size(twigs: &Twigs) -> usize {
        twigs.shown.iter().map(|branch| 1 + size(&branch.inside)).sum()
    }

    proptest! {
        /// Promise: whatever a mailbox says of its folders, the tree ends, is never too long, and shows what is chosen unless the
        /// mailbox contradicts itself.
        #[test]
        fn every_mailbox_makes_a_tree(parents in prop::collection::vec(0_usize..900, 1..900), chosen in 0_usize..900) {
            let folders: Vec<Folder> = parents
                .iter()
                .enumerate()
                .map(|(n, parent)| {
                    let parent = (*parent < n).then(|| format!("f{parent}"));
                    folder(&format!("f{n}"), parent.as_deref(), "F")
                })
                .collect();
            let chosen = FolderId::from(format!("f{}", chosen % folders.len()).as_str());
            let tree = tree(&folders, Some(&chosen));
            prop_assert!(size(&tree) <= MOST + folders.len().min(MOST));
            prop_assert!(has(&tree, chosen.as_str()));
        }
    }
}
