//! What every [`Mailbox`] keeps, whatever carries it. A transport passes by giving a mailbox and the levers of its peer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use microsoft::{Change, Changed, Cursor, Find, FolderId, Item, Mailbox, NativeId, SyncError};

/// A message as the peer itself knows it.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// Its id as the mailbox tells it.
    pub(crate) id: String,
    /// Whether it counts as read.
    pub(crate) is_read: bool,
    /// Its categories.
    pub(crate) categories: Vec<String>,
    /// The folder's well-known name or id.
    pub(crate) folder: String,
}

/// The other side's levers.
pub(crate) trait Levers: Send + Sync {
    /// A mail arrives in the inbox.
    fn deliver<'a>(&'a self, message: &'a str) -> BoxFuture<'a, ()>;
    /// Everything that is in the mailbox.
    fn truth(&self) -> BoxFuture<'_, Vec<Truth>>;
    /// The mailbox forgets all places in all folders.
    fn forget(&self) -> BoxFuture<'_, ()>;
    /// The next so many requests are refused for a moment.
    fn throttle(&self, times: u32) -> BoxFuture<'_, ()>;
}

/// A mailbox and the levers of its peer; the mailbox begins with an empty inbox, or with `before` messages in it.
pub(crate) struct Bench {
    /// What is tested.
    pub(crate) mailbox: Arc<dyn Mailbox>,
    /// The other side.
    pub(crate) levers: Arc<dyn Levers>,
}

fn inbox() -> FolderId {
    FolderId::from("inbox")
}

/// A small mail with this number.
pub(crate) fn mail(number: usize) -> String {
    format!(
        "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: Contract {number}\r\n\
         Message-ID: <contract-{number}@example.org>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße, number {number}.\r\n"
    )
}

struct Round {
    items: BTreeMap<NativeId, Item>,
    removed: BTreeSet<NativeId>,
    cursor: Cursor,
    pages: usize,
}

async fn round(mailbox: &dyn Mailbox, mut cursor: Option<Cursor>) -> Round {
    let (mut items, mut removed) = (BTreeMap::new(), BTreeSet::new());
    for pages in 1..200 {
        let page = mailbox.sync(&inbox(), cursor.as_ref()).await.expect("a page");
        items.extend(page.items.into_iter().map(|item| (item.id.clone(), item)));
        removed.extend(page.removed);
        if page.complete {
            return Round { items, removed, cursor: page.cursor, pages };
        }
        cursor = Some(page.cursor);
    }
    panic!("the round does not end");
}

fn subject(item: &Item) -> String {
    // Every transport's raw text holds the subject as it is.
    let text = String::from_utf8_lossy(&item.raw);
    let at = text.find("Contract ").expect("a mail of this test");
    text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect()
}

fn nothing(id: &NativeId) -> Change {
    Change {
        id: id.clone(),
        mark_read: false,
        categories: Vec::new(),
        stamp: None,
        move_to: None,
        delete: false,
    }
}

/// Everything that lies in the folder comes, whole, and afterwards what is new and what has left.
pub(crate) async fn a_folder_is_listed_completely(bench: &Bench) {
    let before = round(&*bench.mailbox, None).await;
    for number in 0..60 {
        bench.levers.deliver(&mail(number)).await;
    }
    let first = round(&*bench.mailbox, Some(before.cursor)).await;
    let subjects: BTreeSet<String> = first.items.values().map(subject).collect();
    assert_eq!(subjects.len(), 60, "every mail once");
    assert!(first.pages >= 2, "sixty do not fit on a page");
    for item in first.items.values() {
        assert!(item.is_whole, "{:?}", item.id);
        assert!(item.internet_message_id.as_deref().is_some_and(|id| id.contains("@example.org")));
    }
    let again = round(&*bench.mailbox, Some(first.cursor.clone())).await;
    assert!(again.items.is_empty() && again.removed.is_empty(), "nothing has changed");
    bench.levers.deliver(&mail(60)).await;
    let gone = first.items.keys().next().expect("sixty").clone();
    let deleted = bench.mailbox.change(&[Change { delete: true, ..nothing(&gone) }]).await;
    assert!(matches!(deleted[0], Ok(Changed::Done { .. })), "{deleted:?}");
    let second = round(&*bench.mailbox, Some(again.cursor)).await;
    assert_eq!(second.items.values().map(subject).collect::<Vec<_>>(), ["Contract 60"]);
    assert_eq!(second.removed, [gone].into());
}

/// A message is fetched whole, as fields and as MIME, and said to be gone when it is.
pub(crate) async fn a_message_is_fetched(bench: &Bench) {
    bench.levers.deliver(&mail(1)).await;
    let id = bench.mailbox.newest(&inbox(), 1).await.expect("the newest")[0].id.clone();
    let item = bench.mailbox.message(&id).await.expect("an answer").expect("is there");
    assert_eq!((item.id.clone(), item.is_whole, subject(&item)), (id.clone(), true, "Contract 1".to_owned()));
    let mime = bench.mailbox.mime(&id).await.expect("MIME");
    assert!(String::from_utf8_lossy(&mime).to_ascii_lowercase().contains("contract-1@example.org"));
    let found =
        bench.mailbox.find(&Find::MessageId("contract-1@example.org".to_owned())).await.expect("found");
    assert_eq!(found, std::slice::from_ref(&id));
    assert_eq!(bench.mailbox.change(&[Change { delete: true, ..nothing(&id) }]).await.len(), 1);
    assert!(
        bench
            .mailbox
            .find(&Find::MessageId("no-such@example.org".to_owned()))
            .await
            .expect("an answer")
            .is_empty()
    );
}

/// Marks arrive, add to what people have marked, may be made twice, and the stamp is found.
pub(crate) async fn a_message_is_marked(bench: &Bench) {
    bench.levers.deliver(&mail(2)).await;
    let id = bench.mailbox.newest(&inbox(), 1).await.expect("the newest")[0].id.clone();
    let stamp = r#"{"k":"it's","issue":"SUP-1"}"#;
    let person = Change { categories: vec!["VIP".to_owned()], ..nothing(&id) };
    let ours = Change {
        mark_read: true,
        categories: vec!["Jira".to_owned()],
        stamp: Some(stamp.to_owned()),
        ..nothing(&id)
    };
    for change in [&person, &ours, &ours] {
        let results = bench.mailbox.change(std::slice::from_ref(change)).await;
        assert_eq!(results, [Ok(Changed::Done { id: id.clone() })]);
    }
    let truth =
        bench.levers.truth().await.into_iter().find(|truth| truth.id == id.as_str()).expect("is there");
    assert!(truth.is_read);
    assert_eq!(truth.categories, ["VIP", "Jira"]);
    let found = bench.mailbox.find(&Find::Stamp { value: stamp.to_owned() }).await.expect("found");
    assert_eq!(found, [id]);
}

/// A move keeps the id, the mail leaves the folder, and many changes at once have one result each.
pub(crate) async fn messages_are_moved(bench: &Bench) {
    let before = round(&*bench.mailbox, None).await;
    for number in 0..25 {
        bench.levers.deliver(&mail(number)).await;
    }
    let listed = round(&*bench.mailbox, Some(before.cursor)).await;
    let changes: Vec<Change> = listed
        .items
        .keys()
        .map(|id| Change { mark_read: true, move_to: Some("archive".into()), ..nothing(id) })
        .collect();
    let results = bench.mailbox.change(&changes).await;
    for (change, result) in changes.iter().zip(&results) {
        assert_eq!(*result, Ok(Changed::Done { id: change.id.clone() }), "the id survives the move");
    }
    let after = round(&*bench.mailbox, Some(listed.cursor)).await;
    assert_eq!(after.removed, listed.items.keys().cloned().collect());
    let truth = bench.levers.truth().await;
    let read: Vec<_> = truth.iter().filter(|truth| truth.is_read).collect();
    assert_eq!(read.len(), 25, "marked before they were moved");
    let archive = bench.mailbox.folder("archive").await.expect("an archive");
    for message in read {
        let is_archive = [archive.id.as_str(), archive.name.as_str(), "archive"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&message.folder));
        assert!(is_archive, "{} lies in {}", message.id, message.folder);
    }
}

/// A message that is gone is said to be gone, whatever was to be done to it.
pub(crate) async fn what_is_gone_is_no_fault(bench: &Bench) {
    bench.levers.deliver(&mail(3)).await;
    let id = bench.mailbox.newest(&inbox(), 1).await.expect("the newest")[0].id.clone();
    // Deleted, and deleted again out of where deleted mail goes.
    for _ in 0..3 {
        let results = bench.mailbox.change(&[Change { delete: true, ..nothing(&id) }]).await;
        if results == [Ok(Changed::Gone)] {
            break;
        }
    }
    assert_eq!(
        bench.mailbox.change(&[Change { mark_read: true, ..nothing(&id) }]).await,
        [Ok(Changed::Gone)]
    );
    assert_eq!(bench.mailbox.message(&id).await, Ok(None));
    assert_eq!(bench.mailbox.mime(&id).await.expect_err("gone").status, Some(404));
}

/// A forgotten place is told as such, and listing from the beginning finds everything again under the same ids.
pub(crate) async fn a_forgotten_place_is_a_reset(bench: &Bench) {
    for number in 0..3 {
        bench.levers.deliver(&mail(number)).await;
    }
    let before = round(&*bench.mailbox, None).await;
    bench.levers.forget().await;
    let error = bench.mailbox.sync(&inbox(), Some(&before.cursor)).await.expect_err("forgotten");
    assert_eq!(error, SyncError::Reset);
    let after = round(&*bench.mailbox, None).await;
    let ids = |round: &Round| round.items.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before));
}

/// A refusal for a moment is waited out.
pub(crate) async fn a_short_refusal_is_waited_out(bench: &Bench) {
    bench.levers.deliver(&mail(4)).await;
    bench.levers.throttle(2).await;
    assert_eq!(bench.mailbox.newest(&inbox(), 1).await.expect("in the end").len(), 1);
}

/// Folders are told with their well-known names, and a probe finds everything in order.
pub(crate) async fn the_mailbox_tells_about_itself(bench: &Bench) {
    let folders = bench.mailbox.folders().await.expect("folders");
    let inbox_of_list =
        folders.iter().find(|folder| folder.well_known.as_deref() == Some("inbox")).expect("an inbox");
    let inbox = bench.mailbox.folder("inbox").await.expect("an inbox");
    assert_eq!(inbox.id, inbox_of_list.id);
    let by_id = bench.mailbox.folder(inbox.id.as_str()).await.expect("by its id too");
    assert_eq!(by_id.name, inbox.name);
    assert!(bench.mailbox.folder("no-such-folder").await.is_err());
    let report = bench.mailbox.probe().await;
    assert!(report.is_well() && report.checks.len() >= 4, "{report:?}");
}
