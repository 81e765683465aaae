//! Writes whose answer is lost after the effect, and writes that are refused: what the mailbox says of either, and how often it
//! wrote, by what its peer knows.

use fault::Fault;
use microsoft::{Change, Changed, Find, NativeId, Transport};

use super::{Bench, Truth, Write, draft, inbox, mail, nothing};

/// What became of a mail with this Message-ID.
async fn all_of(bench: &Bench, message_id: &str) -> Vec<Truth> {
    let all = bench.levers.truth().await;
    all.into_iter().filter(|truth| truth.message_id.contains(message_id)).collect()
}

/// The only one there is of it.
async fn one_of(bench: &Bench, message_id: &str) -> Truth {
    let mut all = all_of(bench, message_id).await;
    assert_eq!(all.len(), 1, "{message_id} is there once: {all:?}");
    all.remove(0)
}

async fn delivered(bench: &Bench, number: usize) -> NativeId {
    bench.levers.deliver(&mail(number)).await;
    bench.mailbox.newest(&inbox(), 1).await.expect("the newest")[0].id.clone()
}

async fn made(bench: &Bench, change: &Change) -> Result<Changed, Fault> {
    let mut results = bench.mailbox.change(std::slice::from_ref(change)).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

fn is_in(truth: &Truth, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(&truth.folder))
}

const STAMP: &str = r#"{"k":"lost","issue":"SUP-1"}"#;

/// A read mark, categories and a stamp whose answer is lost are there once, are told as what may have been done, and are not
/// written again before somebody asks; asking again changes nothing.
pub(crate) async fn marks_whose_answer_is_lost_are_made_once(bench: &Bench) {
    let one = |id: &NativeId| {
        let stamp = Some(STAMP.to_owned());
        [
            Change { mark_read: true, ..nothing(id) },
            Change { categories: vec!["Jira".to_owned()], ..nothing(id) },
            Change { stamp: stamp.clone(), ..nothing(id) },
            Change { mark_read: true, categories: vec!["Jira".to_owned()], stamp, ..nothing(id) },
        ]
    };
    let mut number = 200;
    for whole in [false, true] {
        for kind in 0..4 {
            number += 1;
            let id = delivered(bench, number).await;
            let change = one(&id)[kind].clone();
            // A whole batch is lost where it begins with the write: categories are read first.
            if !bench.levers.lose(Write::Mark, whole && change.categories.is_empty()).await {
                continue;
            }
            let lost = made(bench, &change).await.expect_err("no answer");
            assert!(lost.leaves_doubt(), "{kind}: {lost:?}");
            assert_eq!(bench.levers.find().await, 1, "{kind}: written once");
            for _ in 0..2 {
                let truth = one_of(bench, &format!("contract-{number}@")).await;
                assert_eq!(truth.is_read, change.mark_read, "{kind}");
                assert_eq!(truth.categories, change.categories, "{kind}");
                let stamps = truth.properties.iter().filter(|value| *value == STAMP).count();
                assert_eq!(stamps, usize::from(change.stamp.is_some()), "{kind}");
                assert_eq!(made(bench, &change).await, Ok(Changed::Done { id: id.clone() }), "{kind}");
            }
        }
    }
}

/// A move whose answer is lost has moved the mail once. Who asks again is told where it lies now.
pub(crate) async fn a_move_whose_answer_is_lost_is_made_once(bench: &Bench) {
    for (number, whole) in [(220, false), (221, true)] {
        let id = delivered(bench, number).await;
        let change = Change {
            move_to: Some("archive".into()),
            stamp: Some(format!("stamp {number}")),
            ..nothing(&id)
        };
        // The stamp is written before, by a request of its own that looks the same where a batch is lost as a whole.
        let change = if whole { Change { stamp: None, ..change } } else { change };
        if !bench.levers.lose(Write::Move, whole).await {
            continue;
        }
        let lost = made(bench, &change).await.expect_err("no answer");
        assert!(lost.leaves_doubt(), "{lost:?}");
        assert_eq!(bench.levers.find().await, 1, "moved once");
        let truth = one_of(bench, &format!("contract-{number}@")).await;
        assert!(is_in(&truth, &["archive"]), "{truth:?}");
        let again = made(bench, &change).await.expect("an answer");
        match (bench.mailbox.transport(), &change.stamp) {
            // Its id went with the move, and nothing tells it apart.
            (Transport::Ews, None) => assert_eq!(again, Changed::Gone),
            _ => assert_eq!(again, Changed::Done { id: truth.id.as_str().into() }),
        }
        assert!(is_in(&one_of(bench, &format!("contract-{number}@")).await, &["archive"]));
        if let Some(stamp) = change.stamp {
            let found = bench.mailbox.find(&Find::Stamp { value: stamp }).await.expect("found");
            assert_eq!(found, [truth.id.as_str().into()], "once, by its stamp");
        }
    }
}

/// A deletion whose answer is lost has put the mail into Deleted Items, and not further.
pub(crate) async fn a_deletion_whose_answer_is_lost_is_made_once(bench: &Bench) {
    for (number, whole) in [(230, false), (231, true)] {
        let id = delivered(bench, number).await;
        if !bench.levers.lose(Write::Delete, whole).await {
            continue;
        }
        let lost = made(bench, &Change { delete: true, ..nothing(&id) }).await.expect_err("no answer");
        assert!(lost.leaves_doubt(), "{lost:?}");
        assert_eq!(bench.levers.find().await, 1, "deleted once");
        let truth = one_of(bench, &format!("contract-{number}@")).await;
        assert!(is_in(&truth, &["deleteditems", "deleted items"]), "{truth:?}");
    }
}

/// A draft whose answer is lost lies in Drafts once, and is found.
pub(crate) async fn a_draft_whose_answer_is_lost_is_saved_once(bench: &Bench) {
    let each = [false, true].map(|whole| [(Write::SaveDraft, whole), (Write::StampDraft, whole)]);
    for (number, (write, whole)) in (240..).zip(each.into_iter().flatten()) {
        let draft = draft(number);
        if !bench.levers.lose(write, whole).await {
            continue;
        }
        let lost = bench.mailbox.create_draft(&draft).await.expect_err("no answer");
        assert!(lost.leaves_doubt(), "{lost:?}");
        assert_eq!(bench.levers.find().await, 1, "saved once");
        let truth = one_of(bench, &format!("draft-{number}@")).await;
        assert!(is_in(&truth, &["drafts"]), "{truth:?}");
        let stamp = draft.stamp.clone().expect("stamped");
        // Graph stamps after it has saved, and the answer to that says which draft it is.
        let is_stamped = write == Write::StampDraft || bench.mailbox.transport() == Transport::Ews;
        assert_eq!(truth.properties.iter().filter(|value| **value == stamp).count(), usize::from(is_stamped));
        let by = if is_stamped {
            Find::Stamp { value: stamp }
        } else {
            Find::MessageId(format!("<draft-{number}@contoso.test>"))
        };
        assert_eq!(bench.mailbox.find(&by).await.expect("found"), [truth.id.as_str().into()]);
    }
}

/// A mail whose sending is answered to nobody was sent once: it lies in Sent Items, at its recipient, and in Drafts no more.
pub(crate) async fn a_mail_whose_answer_is_lost_is_sent_once(bench: &Bench) {
    for (number, whole) in [(250, false), (251, true)] {
        let draft = draft(number);
        let id = bench.mailbox.create_draft(&draft).await.expect("saved");
        assert!(bench.levers.lose(Write::SendDraft, whole).await);
        let lost = bench.mailbox.send_draft(&id).await.expect_err("no answer");
        assert!(lost.leaves_doubt(), "{lost:?}");
        assert_eq!(bench.levers.find().await, 1, "sent once");
        let truth = one_of(bench, &format!("draft-{number}@")).await;
        assert!(is_in(&truth, &["sentitems", "sent items"]), "{truth:?}");
        let message_id = format!("<draft-{number}@contoso.test>");
        let sent = bench.levers.sent().await;
        let at_recipient = sent.iter().filter(|raw| String::from_utf8_lossy(raw).contains(&message_id));
        assert_eq!(at_recipient.count(), 1);
        let by = Find::Stamp { value: draft.stamp.expect("stamped") };
        let sent = bench.mailbox.find(&by).await.expect("found");
        assert_eq!(sent, [truth.id.as_str().into()]);
        assert_eq!(
            bench.mailbox.is_draft(&sent[0]).await,
            Ok(Some(false)),
            "whoever looks sees that it went"
        );
    }
}

/// What is refused for certain is told as refused, and nothing of it was done.
pub(crate) async fn a_write_that_is_refused_leaves_no_doubt(bench: &Bench) {
    let id = delivered(bench, 260).await;
    let whole = Change {
        mark_read: true,
        categories: vec!["Jira".to_owned()],
        stamp: Some(STAMP.to_owned()),
        ..nothing(&id)
    };
    for (write, change) in [
        (Write::Mark, whole),
        (Write::Move, Change { move_to: Some("archive".into()), ..nothing(&id) }),
        (Write::Delete, Change { delete: true, ..nothing(&id) }),
    ] {
        bench.levers.refuse(write).await;
        let refused = made(bench, &change).await.expect_err("refused");
        assert_eq!((refused.entry.id, refused.leaves_doubt()), ("graph.access_denied", false), "{write:?}");
        assert!(bench.levers.find().await >= 1);
        let truth = one_of(bench, "contract-260@").await;
        assert!(is_in(&truth, &["inbox"]) && !truth.is_read && truth.categories.is_empty(), "{truth:?}");
        assert!(truth.properties.is_empty(), "{truth:?}");
    }
    bench.levers.refuse(Write::SaveDraft).await;
    let refused = bench.mailbox.create_draft(&draft(261)).await.expect_err("refused");
    assert!(!refused.leaves_doubt(), "{refused:?}");
    bench.levers.find().await;
    assert!(all_of(bench, "draft-261@").await.is_empty());
    let kept = bench.mailbox.create_draft(&draft(262)).await.expect("saved");
    bench.levers.refuse(Write::SendDraft).await;
    let refused = bench.mailbox.send_draft(&kept).await.expect_err("refused");
    assert!(!refused.leaves_doubt(), "{refused:?}");
    bench.levers.find().await;
    assert!(is_in(&one_of(bench, "draft-262@").await, &["drafts"]));
}

/// A folder that mail is to be moved to and that is gone is told as that: the mail is not gone with it.
pub(crate) async fn a_move_to_a_folder_that_is_gone_is_told(bench: &Bench) {
    bench.levers.folder("Handled", true).await;
    let folders = bench.mailbox.folders().await.expect("folders");
    let folder = folders.into_iter().find(|folder| folder.name == "Handled").expect("is listed").id;
    bench.levers.folder("Handled", false).await;
    let id = delivered(bench, 270).await;
    let change = Change { stamp: Some(STAMP.to_owned()), move_to: Some(folder), ..nothing(&id) };
    let told = made(bench, &change).await.expect_err("no such folder");
    assert_eq!((told.entry.id, told.leaves_doubt()), ("graph.folder_gone", false));
    assert!(is_in(&one_of(bench, "contract-270@").await, &["inbox"]));
}
