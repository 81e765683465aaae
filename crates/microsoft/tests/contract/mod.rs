//! What every [`Mailbox`] keeps, whatever carries it. A transport passes by giving a mailbox and the levers of its peer.

mod access;
mod attach;
mod content;
mod lost;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use access::*;
pub(crate) use attach::*;
use bytes::Bytes;
pub(crate) use content::*;
use futures::future::BoxFuture;
use jiff::{Timestamp, ToSpan as _};
pub(crate) use lost::*;
use microsoft::{
    Budget, Change, Changed, Cursor, Draft, Find, FolderId, Item, Mailbox, NativeId, SyncError, Transport,
};

/// By which right a mailbox is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The application's own.
    Application,
    /// Its owner has signed in.
    Own,
    /// Somebody has signed in who was given rights on it.
    Shared,
}

/// What of a message cannot be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Its content.
    Alone,
    /// Its content, and with it that of whatever is asked for in the same request.
    WithItsPage,
    /// Its MIME, and nothing else.
    OnlyItsMime,
}

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
    /// Its Message-ID, as the peer writes it.
    pub(crate) message_id: String,
    /// The values of its extended properties.
    pub(crate) properties: Vec<String>,
}

/// What a mailbox writes, as its peer tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Read mark, categories and stamp of a message.
    Mark,
    /// A message to another folder.
    Move,
    /// A message away.
    Delete,
    /// A draft saved.
    SaveDraft,
    /// A stamp on a draft that is saved.
    StampDraft,
    /// A file added to a draft.
    Attach,
    /// A part of a large file, where it goes up in parts.
    Upload,
    /// A draft sent.
    SendDraft,
}

/// The other side's levers.
pub(crate) trait Levers: Send + Sync {
    /// A mail arrives in the inbox, now or, as the mailbox tells it, at that time.
    fn deliver_at<'a>(&'a self, message: &'a str, received_at: Option<Timestamp>) -> BoxFuture<'a, ()>;
    /// A mail arrives in the inbox.
    fn deliver<'a>(&'a self, message: &'a str) -> BoxFuture<'a, ()> {
        self.deliver_at(message, None)
    }
    /// Everything that is in the mailbox.
    fn truth(&self) -> BoxFuture<'_, Vec<Truth>>;
    /// The mailbox forgets all places in all folders.
    fn forget(&self) -> BoxFuture<'_, ()>;
    /// What has left for other places, whole.
    fn sent(&self) -> BoxFuture<'_, Vec<Vec<u8>>>;
    /// The next so many requests are refused for that long.
    fn throttle(&self, times: u32, pause: Duration) -> BoxFuture<'_, ()>;
    /// The next such write is refused for a moment, and not done.
    fn busy(&self, write: Write) -> BoxFuture<'_, ()>;
    /// Somebody makes a folder at the top of the mailbox, or deletes it for good.
    fn folder<'a>(&'a self, name: &'a str, is_there: bool) -> BoxFuture<'a, ()>;
    /// This of the message with this id cannot be read any more.
    fn damage<'a>(&'a self, id: &'a NativeId, damage: Damage) -> BoxFuture<'a, ()>;
    /// From now on each such write is done and its answer lost, until that ends: a gateway answers in its place, for one part of a
    /// request that has several; or (`whole`) the connection is cut under the request. `false`: this transport has no such request.
    fn lose(&self, write: Write, whole: bool) -> BoxFuture<'_, bool>;
    /// From now on each such write is refused for certain, and not done.
    fn refuse(&self, write: Write) -> BoxFuture<'_, ()>;
    /// The mailbox has forgotten a large file of which a part comes in next. `false`: large files do not go up in parts.
    fn forget_upload(&self) -> BoxFuture<'_, bool>;
    /// Whoever was given rights on the mailbox loses this one: `full_access`, `send_as`.
    fn take_right<'a>(&'a self, right: &'a str) -> BoxFuture<'a, ()>;
    /// That ends; how often such a write was made.
    fn find(&self) -> BoxFuture<'_, u64>;
    /// The next so many requests are answered with this status: after the work is done, or instead of doing it.
    fn strike(&self, status: u16, after_effect: bool, times: u32) -> BoxFuture<'_, ()>;
}

/// A mailbox and the levers of its peer; the mailbox begins with an empty inbox, or with `before` messages in it.
pub(crate) struct Bench {
    /// What is tested.
    pub(crate) mailbox: Arc<dyn Mailbox>,
    /// The other side.
    pub(crate) levers: Arc<dyn Levers>,
    /// The right by which it is reached.
    pub(crate) access: Access,
    /// What it may be asked.
    pub(crate) budget: Arc<Budget>,
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

/// Away, and away again out of where deleted mail goes.
async fn delete_for_good(bench: &Bench, id: &NativeId) {
    for _ in 0..4 {
        let results = bench.mailbox.change(&[Change { delete: true, ..nothing(id) }]).await;
        if results == [Ok(Changed::Gone)] {
            return;
        }
    }
    panic!("{id} does not go");
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
    let none = Find::MessageId("no-such@example.org".to_owned());
    assert!(bench.mailbox.find(&none).await.expect("an answer").is_empty());
    delete_for_good(bench, &id).await;
    assert_eq!(bench.mailbox.message(&id).await, Ok(None));
    assert_eq!(bench.mailbox.messages(std::slice::from_ref(&id)).await, [Ok(None)]);
    assert_eq!(bench.mailbox.mime(&id).await.expect_err("gone").entry.id, "graph.item_gone");
    assert_eq!(bench.mailbox.attachments(&id).await.expect_err("gone").entry.id, "graph.item_gone");
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

/// A move tells the id by which a mail is found now, the mail leaves the folder, and many changes at once have one result each.
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
    let mut moved = BTreeSet::new();
    for (change, result) in changes.iter().zip(&results) {
        let Ok(Changed::Done { id }) = result else { panic!("{result:?}") };
        let is_kept = *id == change.id;
        assert_eq!(is_kept, bench.mailbox.transport() == Transport::Graph, "only Graph's ids survive a move");
        moved.insert(id.as_str());
    }
    let after = round(&*bench.mailbox, Some(listed.cursor)).await;
    assert_eq!(after.removed, listed.items.keys().cloned().collect());
    let truth = bench.levers.truth().await;
    let read: Vec<_> = truth.iter().filter(|truth| truth.is_read).collect();
    assert_eq!(read.len(), 25, "marked before they were moved");
    assert_eq!(read.iter().map(|truth| truth.id.as_str()).collect::<BTreeSet<_>>(), moved);
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
    delete_for_good(bench, &id).await;
    assert_eq!(
        bench.mailbox.change(&[Change { mark_read: true, ..nothing(&id) }]).await,
        [Ok(Changed::Gone)]
    );
    assert_eq!(bench.mailbox.message(&id).await, Ok(None));
    assert_eq!(bench.mailbox.mime(&id).await.expect_err("gone").entry.id, "graph.item_gone");
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
    bench.levers.throttle(2, Duration::ZERO).await;
    assert_eq!(bench.mailbox.newest(&inbox(), 1).await.expect("in the end").len(), 1);
}

/// A service that is not there for a moment disturbs nobody.
pub(crate) async fn a_short_outage_is_waited_out(bench: &Bench) {
    bench.levers.deliver(&mail(5)).await;
    for status in [503, 504] {
        bench.levers.strike(status, false, 1).await;
        let newest = bench.mailbox.newest(&inbox(), 1).await.expect("in the end");
        assert_eq!(subject(&newest[0]), "Contract 5");
    }
}

/// Ids alone tell everything that lies in the folder, each is fetched whole by itself or with others, and the place they end at
/// goes on.
pub(crate) async fn ids_alone_lead_around_a_page(bench: &Bench) {
    for number in 0..60 {
        bench.levers.deliver(&mail(number)).await;
    }
    let whole = round(&*bench.mailbox, None).await;
    let (mut ids, mut cursor, mut complete) = (BTreeSet::new(), None, false);
    while !complete {
        let page = bench.mailbox.ids(&inbox(), cursor.as_ref()).await.expect("a page");
        assert!(page.items.iter().all(|item| !item.is_whole && item.raw.len() < 2_000));
        ids.extend(page.items.into_iter().map(|item| item.id));
        (cursor, complete) = (Some(page.cursor), page.complete);
    }
    assert_eq!(ids, whole.items.keys().cloned().collect());
    let first = ids.first().expect("sixty");
    assert!(bench.mailbox.message(first).await.expect("an answer").is_some_and(|item| item.is_whole));
    let mut asked: Vec<NativeId> = ids.iter().take(25).cloned().collect();
    let gone = asked.remove(3);
    assert!(
        bench.mailbox.change(&[Change { move_to: Some("archive".into()), ..nothing(&gone) }]).await[0]
            .is_ok()
    );
    let told = bench.mailbox.messages(&asked).await;
    let told: Vec<Item> = told.into_iter().map(|told| told.expect("an answer").expect("is there")).collect();
    assert!(told.iter().all(|item| item.is_whole));
    assert_eq!(
        told.into_iter().map(|item| item.id).collect::<Vec<_>>(),
        asked,
        "in the order that was asked for"
    );
    if bench.mailbox.transport() == Transport::Ews {
        assert_eq!(bench.mailbox.messages(&[gone]).await, [Ok(None)], "its id went with the move");
    }
    bench.levers.deliver(&mail(60)).await;
    let after = round(&*bench.mailbox, cursor).await;
    assert_eq!(after.items.len(), 1, "only what came since");
}

/// A backlog is counted and told oldest first, from its start point on, and nothing of it is passed over although what is
/// handled is moved away between the pages.
pub(crate) async fn a_backlog_is_listed_oldest_first(bench: &Bench) {
    let begin: Timestamp = "2026-11-01T08:00:00Z".parse().expect("a time");
    // Delivered out of order, three to a minute.
    for number in (0..130).map(|n| n * 7 % 130) {
        let at = begin + (i64::try_from(number / 3).expect("small")).minutes();
        bench.levers.deliver_at(&mail(number), Some(at)).await;
    }
    let since = begin + 10.minutes();
    assert_eq!(bench.mailbox.count(&inbox(), Some(since)).await.expect("a count"), 100);
    let all = bench.mailbox.count(&inbox(), None).await.expect("a count");
    assert!(all >= 130, "{all}");
    let (mut told, mut after, mut complete) = (Vec::<Item>::new(), None::<Cursor>, false);
    while !complete {
        let page = bench.mailbox.older(&inbox(), Some(since), after.as_ref()).await.expect("a page");
        let new: Vec<Item> = page
            .items
            .into_iter()
            .filter(|item| !told.iter().any(|before| before.internet_message_id == item.internet_message_id))
            .collect();
        let moved: Vec<Change> =
            new.iter().map(|item| Change { move_to: Some("archive".into()), ..nothing(&item.id) }).collect();
        assert!(bench.mailbox.change(&moved).await.iter().all(Result::is_ok));
        told.extend(new);
        (after, complete) = (Some(page.cursor), page.complete);
    }
    assert!(told.iter().all(|item| item.is_whole && item.received_at >= since));
    assert!(told.is_sorted_by_key(|item| item.received_at), "oldest first");
    let ours = told.iter().filter(|item| item.received_at < begin + 60.minutes());
    assert_eq!(ours.map(subject).collect::<BTreeSet<_>>().len(), 100);
    // Without a start point it begins with the oldest: what lies before it is told as well.
    let before = begin - 1.hour();
    bench.levers.deliver_at(&mail(999), Some(before)).await;
    let first = bench.mailbox.older(&inbox(), None, None).await.expect("a page");
    assert_eq!(
        first.items.first().map(|item| (subject(item), item.received_at)),
        Some(("Contract 999".to_owned(), before))
    );
    assert!(first.items.is_sorted_by_key(|item| item.received_at));
    let none = bench.mailbox.older(&inbox(), Some(begin + 60.minutes()), None).await.expect("a page");
    assert!(none.complete && none.items.iter().all(|item| item.received_at >= begin + 60.minutes()));
}

/// A message that Exchange cannot read itself costs itself only: everything else comes whole, where it fails alone and where it
/// takes along whatever is asked for together with it.
pub(crate) async fn a_corrupt_message_costs_itself_only(bench: &Bench) {
    for number in 0..12 {
        bench.levers.deliver(&mail(number)).await;
    }
    let before = round(&*bench.mailbox, None).await;
    let bad =
        before.items.iter().find(|(_, item)| subject(item) == "Contract 5").expect("is there").0.clone();
    for damage in [Damage::Alone, Damage::WithItsPage] {
        bench.levers.damage(&bad, damage).await;
        all_but_one_come(bench, &before.items, &bad).await;
    }
}

async fn all_but_one_come(bench: &Bench, before: &BTreeMap<NativeId, Item>, bad: &NativeId) {
    let mut page = bench.mailbox.sync(&inbox(), None).await;
    if let Err(SyncError::Fault(fault)) = &page {
        assert_eq!(fault.entry.class, fault::Class::Poison, "{fault:?}");
        page = bench.mailbox.ids(&inbox(), None).await;
    }
    let page = page.expect("a page");
    assert!(page.complete);
    let (mut whole, mut poison) = (BTreeSet::new(), BTreeSet::new());
    for item in page.items {
        if item.is_whole {
            whole.insert(item.id);
            continue;
        }
        match bench.mailbox.message(&item.id).await {
            Ok(found) => whole.extend(found.filter(|found| found.is_whole).map(|found| found.id)),
            Err(fault) => {
                assert_eq!(fault.entry.class, fault::Class::Poison, "{fault:?}");
                let listed = microsoft::message::read(&item.raw).expect("what was listed is kept");
                assert!(listed.is_bare());
                poison.insert(item.id);
            }
        }
    }
    assert_eq!(poison, [bad.clone()].into());
    assert_eq!(whole, before.keys().filter(|id| *id != bad).cloned().collect());
    assert!(bench.mailbox.mime(bad).await.is_err_and(|fault| fault.entry.class == fault::Class::Poison));
}

fn draft(number: usize) -> Draft {
    let mime = format!(
        "From: support@contoso.test\r\nTo: grace@contoso.test\r\nSubject: Contract {number}\r\n\
         Message-ID: <draft-{number}@contoso.test>\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße.\r\n"
    );
    Draft { mime: Bytes::from(mime), stamp: Some(format!("{{\"delivery\":\"{number}\"}}")) }
}

async fn lies_in(bench: &Bench, id: &NativeId) -> String {
    let truth = bench.levers.truth().await;
    truth.into_iter().find(|truth| truth.id == id.as_str()).expect("is in the mailbox").folder
}

/// A draft is saved as it was written, found by its stamp and its Message-ID, and lies in Sent Items once it is sent.
pub(crate) async fn a_draft_is_saved_and_sent(bench: &Bench) {
    let draft = draft(70);
    let by_stamp = Find::Stamp { value: draft.stamp.clone().expect("stamped") };
    let by_message_id = Find::MessageId("<draft-70@contoso.test>".to_owned());
    let id = bench.mailbox.create_draft(&draft).await.expect("saved");
    assert!(lies_in(bench, &id).await.eq_ignore_ascii_case("drafts"), "{}", lies_in(bench, &id).await);
    for by in [&by_stamp, &by_message_id] {
        assert_eq!(bench.mailbox.find(by).await.expect("found"), std::slice::from_ref(&id));
    }
    let mime = bench.mailbox.mime(&id).await.expect("MIME");
    assert!(String::from_utf8_lossy(&mime).to_ascii_lowercase().contains("auto-submitted: auto-generated"));
    assert_eq!(bench.mailbox.is_draft(&id).await, Ok(Some(true)));
    bench.mailbox.send_draft(&id).await.expect("taken");
    let sent = bench.mailbox.find(&by_stamp).await.expect("found");
    assert_eq!(sent.len(), 1, "{sent:?}");
    let folder = lies_in(bench, &sent[0]).await;
    assert!(["sentitems", "sent items"].iter().any(|name| name.eq_ignore_ascii_case(&folder)), "{folder}");
    assert_eq!(bench.mailbox.is_draft(&sent[0]).await, Ok(Some(false)));
    assert!(bench.mailbox.send_draft(&sent[0]).await.is_err(), "it is no draft any more");
    assert_eq!(bench.levers.sent().await.len(), 1, "at its recipient once");
    delete_for_good(bench, &sent[0]).await;
    assert_eq!(bench.mailbox.is_draft(&sent[0]).await, Ok(None), "gone");
    let refused = bench.mailbox.send_draft(&sent[0]).await.expect_err("gone");
    assert_eq!((refused.entry.id, refused.leaves_doubt()), ("graph.item_gone", false));
}

/// A folder that is not there is told as such, by whatever asks for it.
pub(crate) async fn a_folder_that_is_gone_is_told(bench: &Bench) {
    bench.levers.folder("Vanishing", true).await;
    let folders = bench.mailbox.folders().await.expect("folders");
    let gone = folders.into_iter().find(|folder| folder.name == "Vanishing").expect("is listed").id;
    bench.mailbox.sync(&gone, None).await.expect("an empty page");
    bench.levers.folder("Vanishing", false).await;
    let fault_of = |error: SyncError| match error {
        SyncError::Fault(fault) => fault.entry.id,
        SyncError::Reset => "a reset",
    };
    let told = [
        fault_of(bench.mailbox.sync(&gone, None).await.expect_err("gone")),
        fault_of(bench.mailbox.ids(&gone, None).await.expect_err("gone")),
        fault_of(bench.mailbox.older(&gone, None, None).await.expect_err("gone")),
        bench.mailbox.newest(&gone, 1).await.expect_err("gone").entry.id,
        bench.mailbox.count(&gone, None).await.expect_err("gone").entry.id,
        bench.mailbox.folder(gone.as_str()).await.expect_err("gone").entry.id,
    ];
    assert_eq!(told, ["graph.folder_gone"; 6]);
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
    for (n, folder) in folders.iter().enumerate() {
        let Some(parent) = &folder.parent else { continue };
        let above =
            folders[..n].iter().find(|above| above.id == *parent).expect("listed before its children");
        assert_eq!(folder.path, format!("{}/{}", above.path, folder.name));
    }
    let report = bench.mailbox.probe().await;
    assert!(report.is_well() && report.checks.len() >= 4, "{report:?}");
    let quota = report.checks.iter().find(|check| check.name == "Quota").expect("a line on the quota");
    let said = quota.outcome.as_ref().expect("well");
    assert!(
        said.contains("in this folder") && said.contains("its limit is shown to administrators"),
        "{said}"
    );
}
