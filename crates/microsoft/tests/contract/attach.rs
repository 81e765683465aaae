//! Files that go along with a draft: small ones, large ones, and what becomes of them where an answer is lost or a right is missing.

use bytes::Bytes;
use fault::Fault;
use mail::Mail;
use microsoft::{Attached, File, Find, NativeId, Transport};

use super::{Access, Bench, Write, delete_for_good, draft, every_byte};

fn small(name: &str) -> File {
    File {
        name: name.to_owned(),
        content_type: "application/octet-stream".to_owned(),
        content_id: None,
        content: Bytes::from(every_byte()),
    }
}

/// A file that is too large for one request of Graph, and takes this many at most.
fn large(name: &str, requests: usize) -> File {
    // Without a pattern that a part at the wrong place would fit into.
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    let content: Vec<u8> = (0..(3 << 20) * requests + 17).map(|_| next()).collect();
    File { content: Bytes::from(content), ..small(name) }
}

async fn saved(bench: &Bench, number: usize) -> NativeId {
    bench.mailbox.create_draft(&draft(number)).await.expect("saved")
}

async fn listed(bench: &Bench, id: &NativeId) -> Vec<Attached> {
    bench.mailbox.attachments(id).await.expect("a list")
}

async fn mail_of(bench: &Bench, id: &NativeId) -> Mail {
    mail::parse(&bench.mailbox.mime(id).await.expect("MIME")).expect("a mail")
}

/// The draft has this file once and nothing else.
async fn has_only(bench: &Bench, id: &NativeId, file: &File) {
    let names: Vec<String> = listed(bench, id).await.into_iter().map(|one| one.name).collect();
    assert_eq!(names, [file.name.as_str()]);
    let mail = mail_of(bench, id).await;
    assert_eq!(mail.attachments.len(), 1);
    assert!(mail.attachments[0].content == file.content, "byte for byte");
}

/// Whether Graph takes no upload session here: in another's mailbox, with a person's rights.
fn refuses_uploads(bench: &Bench) -> bool {
    bench.mailbox.transport() == Transport::Graph && bench.access == Access::Shared
}

/// Files are added to a draft one by one, byte for byte, those that the body shows among them. The draft stays what it was: its
/// header fields, its stamp. What is sent has them.
pub(crate) async fn files_are_added_to_a_draft(bench: &Bench) {
    let id = saved(bench, 310).await;
    assert!(listed(bench, &id).await.is_empty());
    let picture = File {
        name: "logo.png".to_owned(),
        content_type: "image/png".to_owned(),
        content_id: Some("logo@contoso.test".to_owned()),
        content: Bytes::from_static(b"\x89PNG\r\n\x1a\nlogo"),
    };
    let files = [small("Übersicht & <1>.bin"), picture, small("leer.bin")];
    for file in &files {
        bench.mailbox.attach(&id, file).await.expect("added");
    }
    let told = listed(bench, &id).await;
    assert_eq!(told.len(), files.len());
    for (told, file) in told.iter().zip(&files) {
        assert_eq!(
            (&told.name, &told.content_id, told.is_inline),
            (&file.name, &file.content_id, file.content_id.is_some())
        );
        assert!(told.size >= file.content.len() as u64, "{told:?}");
    }
    let is_kept = |mail: &Mail| {
        let automatic = mail.headers.iter().find(|header| header.name.eq_ignore_ascii_case("auto-submitted"));
        assert_eq!(mail.message_id.as_deref(), Some("draft-310@contoso.test"));
        assert_eq!(automatic.map(|header| header.value.as_str()), Some("auto-generated"));
        assert!(mail.text.as_deref().is_some_and(|text| text.contains("Grüße.")));
        let contents: Vec<&Bytes> = mail.attachments.iter().map(|file| &file.content).collect();
        assert_eq!(contents, files.iter().map(|file| &file.content).collect::<Vec<_>>());
    };
    is_kept(&mail_of(bench, &id).await);
    let stamp = draft(310).stamp.expect("stamped");
    assert_eq!(
        bench.mailbox.find(&Find::Stamp { value: stamp }).await.expect("found"),
        std::slice::from_ref(&id)
    );
    bench.mailbox.send_draft(&id).await.expect("taken");
    let sent = bench.levers.sent().await;
    assert_eq!(sent.len(), 1);
    is_kept(&mail::parse(&sent[0]).expect("a mail"));
}

/// A large file is added too, byte for byte. Where Graph takes none it is told in so many words and without doubt, nothing of it is
/// there, and small ones are taken still.
pub(crate) async fn a_large_file_is_added_or_refused(bench: &Bench) {
    let id = saved(bench, 320).await;
    let file = large("groß.bin", 2);
    let told = bench.mailbox.attach(&id, &file).await;
    if refuses_uploads(bench) {
        let refused = told.expect_err("refused");
        assert_eq!(
            (refused.entry.id, refused.leaves_doubt()),
            ("graph.upload_refused", false),
            "{refused:?}"
        );
        assert!(listed(bench, &id).await.is_empty());
        bench.mailbox.attach(&id, &small("klein.bin")).await.expect("added");
        return;
    }
    told.expect("added");
    has_only(bench, &id, &file).await;
}

/// A file whose adding is answered to nobody is there once, is told as what may have been done, and is not added again by itself.
pub(crate) async fn a_file_whose_answer_is_lost_is_added_once(bench: &Bench) {
    for (number, whole) in [(330, false), (331, true)] {
        let id = saved(bench, number).await;
        let file = small("einmal.bin");
        assert!(bench.levers.lose(Write::Attach, whole).await);
        let lost = bench.mailbox.attach(&id, &file).await.expect_err("no answer");
        assert!(lost.leaves_doubt(), "{lost:?}");
        assert_eq!(bench.levers.find().await, 1, "added once");
        has_only(bench, &id, &file).await;
    }
}

/// An upload goes on where it stood after its answers are lost, at its begin, in its middle and at its end: the file is there once.
pub(crate) async fn an_upload_whose_answers_are_lost_goes_on(bench: &Bench) {
    // In one request nothing can go on.
    let ways = if bench.mailbox.transport() == Transport::Graph { 2 } else { 1 };
    for (number, whole) in [(340, false), (341, true)].into_iter().take(ways) {
        let id = saved(bench, number).await;
        let file = large("weiter.bin", 3);
        let is_in_parts = bench.levers.lose(Write::Upload, whole).await;
        assert_eq!(is_in_parts, bench.mailbox.transport() == Transport::Graph, "with EWS it is one request");
        let told = bench.mailbox.attach(&id, &file).await;
        let hits = bench.levers.find().await;
        if refuses_uploads(bench) {
            assert_eq!((told.expect_err("refused").entry.id, hits), ("graph.upload_refused", 0));
            continue;
        }
        told.expect("added");
        assert_eq!(hits, if is_in_parts { 3 } else { 0 }, "each part went up once");
        has_only(bench, &id, &file).await;
    }
}

/// An upload that the mailbox has forgotten is begun anew.
pub(crate) async fn an_upload_that_is_forgotten_begins_anew(bench: &Bench) {
    let id = saved(bench, 350).await;
    let file = large("neu.bin", 1);
    let is_in_parts = bench.levers.forget_upload().await;
    let told = bench.mailbox.attach(&id, &file).await;
    let hits = bench.levers.find().await;
    if refuses_uploads(bench) {
        assert_eq!((told.expect_err("refused").entry.id, hits), ("graph.upload_refused", 0));
        return;
    }
    told.expect("added");
    assert_eq!(hits, u64::from(is_in_parts));
    has_only(bench, &id, &file).await;
}

/// A file that is refused, or for a draft that is gone, is told as that, and nothing of it is there.
pub(crate) async fn a_file_that_is_refused_leaves_no_doubt(bench: &Bench) {
    let id = saved(bench, 360).await;
    let told = |told: Result<(), Fault>| {
        let refused = told.expect_err("refused");
        assert!(!refused.leaves_doubt(), "{refused:?}");
        refused.entry.id
    };
    bench.levers.refuse(Write::Attach).await;
    assert_eq!(told(bench.mailbox.attach(&id, &small("a.bin")).await), "graph.access_denied");
    bench.levers.find().await;
    assert!(listed(bench, &id).await.is_empty());
    delete_for_good(bench, &id).await;
    for file in [small("a.bin"), large("b.bin", 1)] {
        let is_refused = refuses_uploads(bench) && file.name == "b.bin";
        let entry = if is_refused { "graph.upload_refused" } else { "graph.item_gone" };
        assert_eq!(told(bench.mailbox.attach(&id, &file).await), entry);
    }
    assert_eq!(bench.mailbox.attachments(&id).await.expect_err("gone").entry.id, "graph.item_gone");
}
