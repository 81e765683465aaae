//! The ledger on both databases: nothing is lost, nothing is done twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fault::Fault;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use ledger::carry::{Also, Carried, Effect, Journal, Sight, Timing, Work, Written};
use ledger::ids::Unmatched;
use ledger::record::{IdKind, Incoming, Mailbox, Recorded, Summary};
use ledger::{
    Change, Ending, Fate, GroupCommit, Keys, Ledger, Message, NewPlan, NotCommitted, Op, Remote, Slot, Stage,
    Step, StepState, carry_out,
};
use store::testing::TestDb;
use store::{Clock, IdentityKey, Sealer, TestClock, args, sql};
use tokio::time::Instant;
use uuid::Uuid;

struct World {
    db: TestDb,
    ledger: Ledger,
    clock: Arc<TestClock>,
    journal: GroupCommit,
    workspace: Uuid,
    mailbox: Mailbox,
    source: Uuid,
}

impl World {
    async fn new(db: TestDb) -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_second(1_800_000_000).expect("in range")));
        let ledger = Ledger {
            keys: Keys::new(IdentityKey::from_bytes(&[7; 32])),
            sealer: Arc::new(Sealer::ephemeral()),
            timing: Timing {
                quarantine: SignedDuration::from_secs(120),
                lease: Duration::from_secs(60),
                request: Duration::from_secs(5),
            },
            held_release: SignedDuration::from_mins(15),
        };
        let shared: Arc<dyn Clock> = clock.clone();
        let journal = GroupCommit::start(db.db.clone(), ledger.clone(), shared, |committed| {
            committed.unwrap_or_else(|error| panic!("{error}"));
        });
        let [workspace, app, account, jira, destination, mailbox, source] = [(); 7].map(|()| Uuid::now_v7());
        let mut tx = db.db.begin().await.expect("begins");
        let now = clock.now();
        for (statement, args) in [
            (
                sql!("INSERT INTO workspace (id, name, time_zone, created_at) VALUES ($1, 'w', 'UTC', $2)"),
                args![workspace, now],
            ),
            (
                sql!("INSERT INTO app_registration (id, workspace_id, client_id, tenant, login_url, created_at, updated_at) VALUES ($1, $2, 'c', 't', 'l', $3, $3)"),
                args![app, workspace, now],
            ),
            (
                sql!("INSERT INTO account (id, workspace_id, app_registration_id, tenant_id, object_id, username, display_name, scopes, signed_in_at, state, state_since, created_at)
                  VALUES ($1, $2, $3, 't', 'o', 'u', 'd', '', $4, 'online', $4, $4)"),
                args![account, workspace, app, now],
            ),
            (
                sql!("INSERT INTO jira_connection (id, workspace_id, name, kind, base_url, api_version, username, token_sealed, state, state_since, created_at, updated_at)
                  VALUES ($1, $2, 'j', 'cloud_token', 'b', 3, 'u', $3, 'online', $4, $4, $4)"),
                args![jira, workspace, vec![0_u8], now],
            ),
            (
                sql!("INSERT INTO destination (id, workspace_id, jira_connection_id, project_key, project_name, highest_key, state, state_since, failures, not_before, created_at)
                  VALUES ($1, $2, $3, 'SUP', 'Support', 0, 'online', $4, 0, 0, $4)"),
                args![destination, workspace, jira, now],
            ),
            (
                sql!("INSERT INTO mailbox (id, workspace_id, tenant_id, native_id, address, created_at) VALUES ($1, $2, 't', 'm', 'a', $3)"),
                args![mailbox, workspace, now],
            ),
            (
                sql!("INSERT INTO source (id, workspace_id, account_id, mailbox_id, folder_id, folder_name, connection_type, destination_id, issue_type_id, issue_type_name,
                  start_kind, start_at, handled, handled_target, confirmed_at, state, state_since, failures, round, next_poll_at, fence, created_at, updated_at)
                  VALUES ($1, $2, $3, $4, 'f', 'Inbox', 'graph', $5, '1', 'Task', 'everything', 0, 'leave', '', $6, 'online', $6, 0, 0, 0, 0, $6, $6)"),
                args![source, workspace, account, mailbox, destination, now],
            ),
        ] {
            tx.execute(statement, args).await.expect("inserts");
        }
        tx.commit().await.expect("commits");
        let mailbox = Mailbox { id: mailbox, ids: IdKind::Graph, tenant: "t".into(), native_id: "m".into() };
        Self { db, ledger, clock, journal, workspace, mailbox, source }
    }

    async fn record(&self, page: Vec<Incoming>) -> Recorded {
        self.record_until(page, None).await
    }

    /// Records a page and releases what was received before then; all of it where no time is given.
    async fn record_until(&self, page: Vec<Incoming>, before: Option<i64>) -> Recorded {
        let mut tx = self.db.db.begin().await.expect("begins");
        let now = self.clock.now();
        let recorded = self
            .ledger
            .record(&mut tx, self.workspace, &self.mailbox, self.source, page, now)
            .await
            .expect("records");
        match before.map(|at| Timestamp::from_second(at).expect("in range")) {
            Some(then) => self.ledger.release_before(&mut tx, self.source, then).await.expect("releases"),
            None => self.ledger.release_round(&mut tx, self.source).await.expect("releases"),
        };
        tx.commit().await.expect("commits");
        recorded
    }

    async fn claim(&self) -> Vec<Message> {
        let mut tx = self.db.db.begin().await.expect("begins");
        let claimed = self.ledger.claim(&mut tx, Uuid::now_v7(), self.clock.now(), 50).await.expect("claims");
        tx.commit().await.expect("commits");
        claimed
    }

    async fn state(&self, id: Uuid) -> (String, Option<String>, Option<String>) {
        self.db
            .db
            .fetch_one(sql!("SELECT state, ending, issue_key FROM message WHERE id = $1"), args![id])
            .await
            .expect("is there")
    }

    /// Commits a plan of these slots and returns the work.
    async fn plan(
        &self,
        mut message: Message,
        slots: &[Slot],
        effect: &dyn Effect,
    ) -> Result<Work, NotCommitted> {
        message.has_plan = true;
        message.stage = Stage::Act;
        let steps = slots
            .iter()
            .zip(0..)
            .map(|(slot, position)| Step {
                id: Uuid::now_v7(),
                position,
                slot: slot.clone(),
                op: self.ledger.keys.op(&message.key, message.generation, slot),
                state: StepState::Planned,
                intent_at: None,
                mark: 0,
                attempts: 0,
                remote: None,
                fault: None,
            })
            .collect();
        let mut work =
            Work { message, steps, fresh_intent: false, deadline: Instant::now() + Duration::from_secs(60) };
        work.intend_first(effect, self.clock.now());
        let mut change = Change::of(&work.message, Fate::GoesOn).with_steps(work.steps.clone());
        change.plan = Some(NewPlan { revision: 0, body: b"{}".to_vec(), format: 1, trace: b"{}".to_vec() });
        self.journal.commit(change).await?;
        Ok(work)
    }

    async fn carry(&self, work: &mut Work, effect: &dyn Effect) -> Carried {
        carry_out(work, effect, &self.journal, self.ledger.timing).await
    }

    /// What another worker finds after this one died.
    async fn alike(&self, items: &[Incoming]) -> Vec<ledger::ids::Alike> {
        self.ledger.alike(&self.db.db, self.workspace, self.mailbox.id, items).await.expect("read")
    }

    async fn reload(&self, message: Message) -> Work {
        let steps = self.ledger.steps(&self.db.db, message.id).await.expect("loads");
        Work { message, steps, fresh_intent: false, deadline: Instant::now() + Duration::from_secs(60) }
    }
}

fn recorded(new: usize, ignored: usize, known: usize) -> Recorded {
    Recorded { new, ignored, known, held: 0 }
}

fn mail(id: &str, at: i64, references: &[&str]) -> Incoming {
    Incoming {
        native_id: format!("native-{id}"),
        message_id: Some(format!("{id}@example.org")),
        conversation: None,
        topic: None,
        references: references.iter().map(|id| format!("{id}@example.org")).collect(),
        received_at: Timestamp::from_second(at).expect("in range"),
        body: None,
        summary: Summary { subject: format!("mail {id}"), ..Summary::default() },
        page: format!("{{\"id\":\"{id}\"}}").into_bytes(),
        needs_mime: false,
        ignored: None,
        held: None,
        was: None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Reply {
    Normal,
    /// Takes effect, the reply is lost.
    LostAfter,
    /// No effect, no reply.
    LostBefore,
    /// Refused.
    Refused,
}

/// A remote side that keeps what was written, by op.
#[derive(Default)]
struct Remotes {
    made: Mutex<Vec<Op>>,
    replies: Mutex<HashMap<String, Vec<Reply>>>,
    cannot_tell: bool,
}

impl Remotes {
    fn script(self, slot: &Slot, replies: &[Reply]) -> Self {
        let mut next: Vec<Reply> = replies.to_vec();
        next.reverse();
        self.replies.lock().expect("no panic").insert(slot.to_string(), next);
        self
    }

    fn count(&self, op: &Op) -> usize {
        self.made.lock().expect("no panic").iter().filter(|made| *made == op).count()
    }
}

impl Effect for Remotes {
    fn mark(&self, _: &Step) -> i64 {
        41
    }

    fn ready<'a>(&'a self, _: &'a Step, _: &'a [Step]) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn write<'a>(&'a self, step: &'a Step, _: &'a [Step]) -> BoxFuture<'a, Written> {
        Box::pin(async move {
            let reply = self
                .replies
                .lock()
                .expect("no panic")
                .get_mut(&step.slot.to_string())
                .and_then(Vec::pop)
                .unwrap_or(Reply::Normal);
            let lost = || Fault::own("own.store", "reply lost");
            match reply {
                Reply::Refused => return Written::NotDone(lost()),
                Reply::LostBefore => return Written::Lost(lost()),
                Reply::Normal | Reply::LostAfter => {}
            }
            let mut made = self.made.lock().expect("no panic");
            made.push(step.op.clone());
            let remote =
                Remote { id: (10_000 + made.len()).to_string(), key: Some("SUP-1".into()), media: None };
            if reply == Reply::LostAfter { Written::Lost(lost()) } else { Written::Done(remote) }
        })
    }

    fn probe<'a>(&'a self, step: &'a Step, _: &'a [Step]) -> BoxFuture<'a, Result<Sight, Fault>> {
        Box::pin(async move {
            if self.cannot_tell {
                return Ok(Sight::CannotTell("the site keeps no properties".into()));
            }
            Ok(if self.count(&step.op) > 0 {
                Sight::Seen(Remote { id: "10001".into(), key: Some("SUP-1".into()), media: None })
            } else {
                Sight::NotSeen
            })
        })
    }

    fn ending(&self, steps: &[Step]) -> Ending {
        let issue = steps[0].remote.clone().unwrap_or_default();
        Ending::Issue { id: issue.id, key: issue.key.unwrap_or_default() }
    }

    fn also(&self, _: &Step) -> Also {
        Also::default()
    }
}

async fn on_both<F: Future<Output = ()>>(test: impl Fn(World) -> F) {
    for db in TestDb::all().await {
        test(World::new(db).await).await;
    }
}

fn file(n: u32) -> Slot {
    Slot::Attachment { hash: "00112233".into(), n }
}

#[tokio::test]
async fn i2_a_page_read_again_makes_nothing_new() {
    on_both(|world| async move {
        let page = || vec![mail("1", 10, &[]), mail("2", 20, &[]), mail("1", 10, &[])];
        assert_eq!(world.record(page()).await, recorded(2, 0, 0));
        assert_eq!(world.record(page()).await, recorded(0, 0, 2));
        assert_eq!(world.claim().await.len(), 2);
    })
    .await;
}

/// Promise: ids of EWS change with a move, and Graph has its own: the same mail under another id is known, by Message-ID and the
/// time of its receipt; another mail with the same Message-ID is not.
#[tokio::test]
async fn a_mail_under_another_id_is_recognised() {
    on_both(|mut world| async move {
        world.mailbox.ids = IdKind::Ews;
        let by_ews = sql!("UPDATE source SET connection_type = 'ews' WHERE id = $1");
        world.db.db.execute(by_ews, args![world.source]).await.expect("written");
        let under = |native: &str, at| Incoming { native_id: native.to_owned(), ..mail("1", at, &[]) };
        assert_eq!(world.record(vec![under("ews-a", 10)]).await.new, 1);
        // Moved away and back: it may be the one that is known, and the mailbox says that it is.
        let mut moved = vec![under("ews-b", 10)];
        let alike = world.alike(&moved).await;
        assert_eq!((alike.len(), &*alike[0].item, &*alike[0].native_id), (1, "ews-b", "ews-a"));
        moved[0].was = Some(alike[0].message_id);
        assert_eq!(world.record(moved).await, recorded(0, 0, 1));
        // A copy, beside the one that is still there: a mail of its own, and known from then on.
        let copy = || vec![under("ews-copy", 10)];
        assert_eq!(&*world.alike(&copy()).await[0].native_id, "ews-b");
        assert_eq!(world.record(copy()).await.new, 1);
        assert!(world.alike(&copy()).await.is_empty());
        assert_eq!(world.record(copy()).await.known, 1);
        // A sender used a Message-ID again.
        assert_eq!(world.record(vec![under("ews-c", 11)]).await.new, 1);
        let ids = world.ledger.ews_ids(&world.db.db, world.mailbox.id, "", 10).await.expect("read");
        let ids: Vec<&str> = ids.iter().map(|id| id.value.as_str()).collect();
        assert_eq!(ids, ["ews-a", "ews-b", "ews-c", "ews-copy"]);
        world.mailbox.ids = IdKind::Graph;
        let listed = vec![under("graph-a", 10), under("graph-c", 11), under("graph-copy", 11)];
        assert_eq!(world.record(listed).await, recorded(1, 0, 2));
        let again = vec![
            under("graph-a", 10),
            under("graph-copy", 11),
            under("graph-b", 10),
            under("graph-other", 10),
        ];
        // Two that have an immutable id each are two mails: there were two at that time, the third is new.
        assert_eq!(world.record(again).await, recorded(1, 0, 3));
        let ids = world.ledger.ews_ids(&world.db.db, world.mailbox.id, "", 10).await.expect("read");
        assert!(ids.is_empty(), "each has an id of Graph: {ids:?}");
        let counted = world.ledger.count_ews_ids(&world.db.db, world.mailbox.id).await.expect("counted");
        assert_eq!(counted, (4, 0));
    })
    .await;
}

/// Promise: where Message-ID and time are the same and the text is not, nobody guesses: the mail is held, with what to do, and the
/// text tells alike mails apart where it can. The same holds without a Message-ID.
#[tokio::test]
async fn a_mail_that_cannot_be_told_from_a_known_one_is_held() {
    on_both(|mut world| async move {
        let like = |native: &str, id: Option<&str>, body: &str| Incoming {
            native_id: native.to_owned(),
            message_id: id.map(str::to_owned),
            body: Some(world.ledger.keys.body(body)),
            ..mail("1", 10, &[])
        };
        let over_ews = vec![
            like("ews-one", Some("1@example.org"), "one"),
            like("ews-two", Some("1@example.org"), "two"),
            like("ews-three", None, "three"),
        ];
        let known_again = vec![
            like("graph-two", Some("1@example.org"), "two"),
            like("graph-three", None, "three"),
            like("graph-four", None, "four"),
        ];
        let changed = vec![like("graph-one", Some("1@example.org"), "one, changed since")];
        world.mailbox.ids = IdKind::Ews;
        assert_eq!(world.record(over_ews).await, recorded(3, 0, 0));
        world.mailbox.ids = IdKind::Graph;
        // Another text without a Message-ID is another mail.
        assert_eq!(world.record(known_again).await, recorded(1, 0, 2));
        let doubtful = world.record(changed).await;
        assert_eq!(doubtful, Recorded { held: 1, ..recorded(1, 0, 0) });
        let (reason,): (String,) = world
            .db
            .db
            .fetch_one(sql!("SELECT reason FROM message WHERE state = 'held'"), args![])
            .await
            .expect("there");
        assert!(reason.contains("retry") && reason.contains("discard"), "{reason}");
        // Listed again, it is known.
        let again = vec![like("graph-one", Some("1@example.org"), "one, changed since")];
        assert_eq!(world.record(again).await, recorded(0, 0, 1));
    })
    .await;
}

/// Promise: the first source that records a message owns it; another that finds it is kept as having found it, once, and does nothing
/// with it.
#[tokio::test]
async fn another_source_finds_what_is_handled_already() {
    on_both(|mut world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let first = world.source;
        let second = Uuid::now_v7();
        world
            .db
            .db
            .execute(
                sql!("INSERT INTO source (id, workspace_id, account_id, mailbox_id, folder_id, folder_name, connection_type, destination_id, issue_type_id, issue_type_name,
                  start_kind, start_at, handled, handled_target, confirmed_at, state, state_since, failures, round, next_poll_at, fence, created_at, updated_at)
                  SELECT $1, workspace_id, account_id, mailbox_id, 'g', 'Archive', connection_type, destination_id, issue_type_id, issue_type_name,
                  start_kind, start_at, handled, handled_target, confirmed_at, state, state_since, failures, round, next_poll_at, fence, created_at, updated_at FROM source WHERE id = $2"),
                args![second, first],
            )
            .await
            .expect("inserted");
        world.source = second;
        for _ in 0..2 {
            assert_eq!(world.record(vec![mail("1", 10, &[])]).await, recorded(0, 0, 1));
        }
        let seen: Vec<(Uuid,)> =
            world.db.db.fetch_all(sql!("SELECT source_id FROM message_sighting"), args![]).await.expect("read");
        assert_eq!(seen, [(second,)]);
        assert_eq!(world.claim().await.len(), 1, "it is handled by the first one, once");
        // A source that takes the other's messages over has found nothing of another's.
        let mut tx = world.db.db.begin().await.expect("begins");
        assert_eq!(world.ledger.take_over(&mut tx, first, second).await.expect("taken over"), 1);
        tx.commit().await.expect("commits");
        let seen: Vec<(Uuid,)> =
            world.db.db.fetch_all(sql!("SELECT source_id FROM message_sighting"), args![]).await.expect("read");
        assert!(seen.is_empty());
    })
    .await;
}

/// Promise: before a source goes over to Graph, a mail that was recorded over both is ended once, one that cannot be told is held,
/// one that is gone is not asked for, and none is handled twice.
#[tokio::test]
async fn what_has_no_other_id_is_settled() {
    on_both(|mut world| async move {
        world.record(vec![mail("graph", 10, &[])]).await;
        world.mailbox.ids = IdKind::Ews;
        let bare = |id: &str| Incoming { message_id: None, ..mail(id, 20, &[]) };
        world.record(vec![bare("double"), bare("doubtful"), bare("gone"), bare("plain")]).await;
        let open = world.ledger.without_graph_id(&world.db.db, world.source).await.expect("read");
        let [double, doubtful, gone, plain] = ["double", "doubtful", "gone", "plain"]
            .map(|name| open.iter().find(|open| open.summary.subject.ends_with(name)).expect("there").id);
        let ids = [(double, "native-graph".to_owned()), (plain, "native-of-graph".to_owned())];
        let mut tx = world.db.db.begin().await.expect("begins");
        let doubles = world.ledger.add_graph_ids(&mut tx, world.mailbox.id, &ids).await.expect("added");
        assert_eq!(doubles.len(), 1);
        assert_eq!(doubles[0].message, double);
        let unmatched = Unmatched { gone: vec![gone], doubtful: vec![doubtful], doubles };
        let held =
            world.ledger.settle_unmatched(&mut tx, &unmatched, world.clock.now()).await.expect("settled");
        assert_eq!(held, 1);
        world.ledger.ask_by_graph_ids(&mut tx, world.source).await.expect("renamed");
        tx.commit().await.expect("commits");
        assert_eq!(world.state(double).await.1.as_deref(), Some("ignored"));
        assert_eq!(world.state(doubtful).await.0, "held");
        let claimed = world.claim().await;
        let ids: Vec<&str> = claimed.iter().map(|message| message.native_id.as_str()).collect();
        assert_eq!(ids, ["native-graph", "native-gone", "native-of-graph"]);
    })
    .await;
}

/// Promise: in shadow mode no plan is carried on, and new mail is still decided.
#[tokio::test]
async fn a_plan_waits_while_its_source_is_in_shadow_mode() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[]), mail("2", 20, &[])]).await;
        let remotes = Remotes::default();
        let first = world.claim().await.remove(0);
        let id = first.id;
        world.plan(first, &[Slot::Issue], &remotes).await.expect("commits");
        world.clock.advance(Duration::from_secs(600));
        let shadow = sql!("UPDATE source SET shadow_at = $1 WHERE id = $2");
        world.db.db.execute(shadow, args![Some(1_i64), world.source]).await.expect("written");
        let claimed: Vec<String> = world.claim().await.into_iter().map(|message| message.native_id).collect();
        assert_eq!(claimed, ["native-2"]);
        world.db.db.execute(shadow, args![None::<i64>, world.source]).await.expect("written");
        world.clock.advance(Duration::from_secs(600));
        assert_eq!(world.claim().await[0].id, id);
    })
    .await;
}

#[tokio::test]
async fn what_came_before_the_start_has_its_end_and_is_never_claimed() {
    on_both(|world| async move {
        let mut old = mail("1", 10, &[]);
        old.ignored = Some(("before-start", "older than the start point"));
        assert_eq!(world.record(vec![old]).await, recorded(1, 1, 0));
        assert!(world.claim().await.is_empty());
        // The listing is reset and everything comes again.
        assert_eq!(world.record(vec![mail("1", 10, &[])]).await.known, 1);
        assert!(world.claim().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_reply_waits_for_its_parent_even_when_it_was_listed_first() {
    on_both(|world| async move {
        world.record(vec![mail("reply", 20, &["parent"]), mail("other", 30, &[])]).await;
        world.record(vec![mail("parent", 10, &[])]).await;
        let claimed = world.claim().await;
        let ids: Vec<&str> = claimed.iter().map(|m| m.native_id.as_str()).collect();
        assert_eq!(ids, ["native-parent", "native-other"]);
        let end = Ending::Issue { id: "1".into(), key: "SUP-1".into() };
        world.journal.commit(Change::of(&claimed[0], Fate::Ended(end))).await.expect("commits");
        let then = world.claim().await;
        assert_eq!(then.len(), 1);
        assert_eq!(then[0].native_id, "native-reply");
    })
    .await;
}

/// Promise: of the mails of one second a reply is decided after its parent, through a whole conversation, in whichever order and on
/// however many pages they were listed; what a listing has not told to its end is not decided yet.
#[tokio::test]
async fn the_mails_of_one_second_take_turns() {
    on_both(|world| async move {
        world.record_until(vec![mail("early", 10, &[]), mail("third", 20, &["second"])], Some(20)).await;
        let claimed = world.claim().await;
        assert_eq!(claimed.len(), 1, "the second 20 is not complete");
        assert_eq!(claimed[0].native_id, "native-early");
        let rest = vec![
            mail("second", 20, &["first"]),
            mail("alone", 20, &[]),
            mail("first", 20, &[]),
            mail("later", 30, &["third"]),
        ];
        world.record_until(rest, Some(30)).await;
        let end = |claimed: &Message| {
            let end = Ending::Issue { id: "1".into(), key: "SUP-1".into() };
            Change::of(claimed, Fate::Ended(end))
        };
        let mut told = Vec::new();
        for _ in 0..3 {
            for claimed in world.claim().await {
                told.push(claimed.native_id.clone());
                world.journal.commit(end(&claimed)).await.expect("commits");
            }
        }
        // Nothing orders strangers but when they came.
        told.retain(|id| id != "native-alone");
        assert_eq!(told, ["native-first", "native-second", "native-third"]);
        assert!(world.claim().await.is_empty(), "the second 30 is not complete");
        world.record(Vec::new()).await;
        assert_eq!(world.claim().await[0].native_id, "native-later");
    })
    .await;
}

/// Promise: a reply that a later round tells of the same second is decided after its parent, which took its turn before.
#[tokio::test]
async fn what_a_later_round_tells_of_a_second_comes_after_it() {
    on_both(|world| async move {
        world.record(vec![mail("second", 20, &["first"]), mail("first", 20, &[])]).await;
        world.record(vec![mail("third", 20, &["second", "first"])]).await;
        world.record(vec![mail("fourth", 20, &["third"])]).await;
        let mut told = Vec::new();
        for _ in 0..4 {
            for claimed in world.claim().await {
                told.push(claimed.native_id.clone());
                let end = Ending::Issue { id: "1".into(), key: "SUP-1".into() };
                world.journal.commit(Change::of(&claimed, Fate::Ended(end))).await.expect("commits");
            }
        }
        assert_eq!(told, ["native-first", "native-second", "native-third", "native-fourth"]);
    })
    .await;
}

/// Promise: a parent of which only a later round tells is decided before those of its replies of the same second that still wait, and
/// after one that has begun: that goes on undisturbed.
#[tokio::test]
async fn a_parent_told_later_goes_before_what_waits_and_after_what_has_begun() {
    on_both(|world| async move {
        let end = |claimed: &Message| {
            let end = Ending::Issue { id: "1".into(), key: "SUP-1".into() };
            Change::of(claimed, Fate::Ended(end))
        };
        world.record(vec![mail("third", 20, &["second"]), mail("second", 20, &["first"])]).await;
        world.record(vec![mail("first", 20, &[])]).await;
        let mut told = Vec::new();
        for _ in 0..3 {
            for claimed in world.claim().await {
                told.push(claimed.native_id.clone());
                world.journal.commit(end(&claimed)).await.expect("commits");
            }
        }
        assert_eq!(told, ["native-first", "native-second", "native-third"]);

        world.record(vec![mail("c", 40, &["a", "b"]), mail("d", 40, &["a", "b", "c"])]).await;
        let begun = world.claim().await.remove(0);
        assert_eq!(begun.native_id, "native-c");
        world.record(vec![mail("b", 40, &["a"])]).await;
        world.record(vec![mail("a", 40, &[])]).await;
        assert!(world.claim().await.is_empty(), "one of a lane at a time");
        world.journal.commit(end(&begun)).await.expect("commits");
        let mut told = Vec::new();
        for _ in 0..3 {
            for claimed in world.claim().await {
                told.push(claimed.native_id.clone());
                world.journal.commit(end(&claimed)).await.expect("commits");
            }
        }
        assert_eq!(told, ["native-a", "native-b", "native-d"]);
    })
    .await;
}

#[tokio::test]
async fn a_held_parent_opens_its_lane_after_a_time() {
    on_both(|world| async move {
        world.record(vec![mail("parent", 10, &[]), mail("reply", 20, &["parent"])]).await;
        let parent = world.claim().await.remove(0);
        let held = Ending::Held { by: "read".into(), reason: "unreadable".into() };
        world.journal.commit(Change::of(&parent, Fate::Ended(held))).await.expect("commits");
        assert!(world.claim().await.is_empty());
        world.clock.advance(Duration::from_secs(960));
        assert_eq!(world.claim().await[0].native_id, "native-reply");
    })
    .await;
}

#[tokio::test]
async fn a_plain_mail_is_two_commits_and_one_write() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let remotes = Remotes::default();
        let message = world.claim().await.remove(0);
        let id = message.id;
        let mut work = world.plan(message, &[Slot::Issue], &remotes).await.expect("commits");
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        assert_eq!(world.state(id).await, ("ended".into(), Some("issue".into()), Some("SUP-1".into())));
        assert_eq!(remotes.count(&work.steps[0].op), 1);
        assert_eq!(work.steps[0].mark, 41);
    })
    .await;
}

#[tokio::test]
async fn i5_a_lost_reply_is_adopted_when_the_probe_finds_it() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let slots = [Slot::Issue, file(0), file(1), Slot::Description];
        let remotes = slots.iter().fold(Remotes::default(), |r, slot| r.script(slot, &[Reply::LostAfter]));
        let message = world.claim().await.remove(0);
        let mut work = world.plan(message, &slots, &remotes).await.expect("commits");
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        for step in &work.steps {
            assert_eq!(remotes.count(&step.op), 1, "{}", step.slot);
        }
    })
    .await;
}

#[tokio::test]
async fn i4_what_was_never_sent_is_written_only_after_the_quarantine() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let remotes = Remotes::default().script(&Slot::Issue, &[Reply::LostBefore]);
        let message = world.claim().await.remove(0);
        let mut work = world.plan(message, &[Slot::Issue], &remotes).await.expect("commits");
        let Carried::Waiting { until, .. } = world.carry(&mut work, &remotes).await else { panic!("waits") };
        assert_eq!(until, world.clock.now() + SignedDuration::from_secs(120));
        assert!(world.claim().await.is_empty(), "not before the quarantine is over");
        world.clock.advance(Duration::from_secs(121));
        let message = world.claim().await.remove(0);
        let mut work = world.reload(message).await;
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        assert_eq!(remotes.count(&work.steps[0].op), 1);
    })
    .await;
}

#[tokio::test]
async fn i6_an_intent_left_behind_is_probed_before_anything_is_written() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let remotes = Remotes::default();
        let message = world.claim().await.remove(0);
        // The worker wrote and died before it could say so.
        let work = world.plan(message, &[Slot::Issue], &remotes).await.expect("commits");
        remotes.made.lock().expect("no panic").push(work.steps[0].op.clone());
        drop(work);
        assert!(world.claim().await.is_empty(), "the lease still holds");
        world.clock.advance(Duration::from_secs(61));
        let message = world.claim().await.remove(0);
        let mut work = world.reload(message).await;
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        assert_eq!(remotes.count(&work.steps[0].op), 1);
    })
    .await;
}

#[tokio::test]
async fn a_restart_begins_the_quarantine_anew() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let remotes = Remotes::default().script(&Slot::Issue, &[Reply::LostBefore]);
        let message = world.claim().await.remove(0);
        let mut work = world.plan(message, &[Slot::Issue], &remotes).await.expect("commits");
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Waiting { .. }));
        world.clock.advance(Duration::from_secs(119));
        let mut tx = world.db.db.begin().await.expect("begins");
        world.ledger.restarted(&mut tx, world.clock.now(), true).await.expect("restarts");
        tx.commit().await.expect("commits");
        world.clock.advance(Duration::from_secs(2));
        let message = world.claim().await.remove(0);
        let mut work = world.reload(message).await;
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Waiting { .. }));
        assert_eq!(remotes.made.lock().expect("no panic").len(), 0);
    })
    .await;
}

#[tokio::test]
async fn i12_whoever_lost_the_lease_changes_nothing_and_writes_nothing_more() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let remotes = Remotes::default();
        let slow = world.claim().await.remove(0);
        world.clock.advance(Duration::from_secs(61));
        let quick = world.claim().await.remove(0);
        assert!(quick.fence > slow.fence);
        let late = world.plan(slow, &[Slot::Issue], &remotes).await;
        assert!(matches!(late, Err(NotCommitted::LeaseLost)));
        let mut work = world.plan(quick, &[Slot::Issue], &remotes).await.expect("commits");
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        assert_eq!(remotes.made.lock().expect("no panic").len(), 1);
    })
    .await;
}

/// Promise: no mail is left to nobody when its source is removed. What was begun is carried to its end; what was not ends on record
/// and begins again as soon as a source lists it; what is held passes to that source.
#[tokio::test]
async fn mail_of_a_removed_source_passes_to_the_one_that_lists_it() {
    on_both(|world| async move {
        let db = &world.db.db;
        let page = || (1..=5).map(|n| mail(&n.to_string(), n * 10, &[])).collect::<Vec<_>>();
        let remotes = Remotes::default().script(&Slot::Issue, &[Reply::LostBefore]);
        world.record(page()[..3].to_vec()).await;
        let [begun, held, ready] =
            <[Message; 3]>::try_from(world.claim().await).expect("three are there");
        let ids = [begun.id, held.id, ready.id];
        let mut work = world.plan(begun, &[Slot::Issue], &remotes).await.expect("commits");
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Waiting { .. }));
        let reason = Ending::Held { by: "read".into(), reason: "odd".into() };
        world.journal.commit(Change::of(&held, Fate::Ended(reason))).await.expect("commits");
        // A round that is not complete, when the source is removed.
        let mut tx = db.begin().await.expect("begins");
        let now = world.clock.now();
        let rest = page()[3..].to_vec();
        world
            .ledger
            .record(&mut tx, world.workspace, &world.mailbox, world.source, rest, now)
            .await
            .expect("records");
        let removed = sql!("UPDATE source SET removed_at = $1, paused_at = $1, shadow_at = NULL WHERE id = $2");
        tx.execute(removed, args![now, world.source]).await.expect("updates");
        let left = Ledger::leave(&mut tx, world.source, now).await.expect("leaves");
        tx.commit().await.expect("commits");
        assert_eq!(left, ledger::removed::Left { ended: 3, held: 0 });
        let end = async |id| world.state(id).await.0;
        assert_eq!([end(ids[0]).await, end(ids[1]).await, end(ids[2]).await], ["acting", "held", "ended"]);
        // Whoever had it in hand changes nothing any more.
        let late = world.plan(ready, &[Slot::Issue], &remotes).await;
        assert!(matches!(late, Err(NotCommitted::LeaseLost)));

        // What was begun is carried on without the source; nothing else is.
        world.clock.advance(Duration::from_secs(121));
        let mut claimed = world.claim().await;
        assert_eq!(claimed.iter().map(|message| message.id).collect::<Vec<_>>(), [ids[0]]);
        let mut work = world.reload(claimed.remove(0)).await;
        // Left in doubt: probed once more after the quarantine, then written.
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        assert_eq!(remotes.count(&work.steps[0].op), 1);

        // Another folder lists all of it; one mail is older than it wants.
        let second = Uuid::now_v7();
        let add = sql!(
            "INSERT INTO source (id, workspace_id, account_id, mailbox_id, folder_id, folder_name, connection_type, destination_id,
               issue_type_id, issue_type_name, start_kind, start_at, handled, handled_target, confirmed_at, state, state_since, failures,
               round, next_poll_at, fence, created_at, updated_at)
             SELECT $1, workspace_id, account_id, mailbox_id, 'second', 'Second', connection_type, destination_id, issue_type_id,
               issue_type_name, start_kind, start_at, handled, handled_target, confirmed_at, state, state_since, failures, round,
               next_poll_at, fence, created_at, updated_at FROM source WHERE id = $2"
        );
        db.execute(add, args![second, world.source]).await.expect("inserts");
        let mut listed = page();
        listed[3].ignored = Some(("before-start", "it is older"));
        let mut tx = db.begin().await.expect("begins");
        let recorded = world
            .ledger
            .record(&mut tx, world.workspace, &world.mailbox, second, listed, world.clock.now())
            .await
            .expect("records");
        world.ledger.release_round(&mut tx, second).await.expect("releases");
        tx.commit().await.expect("commits");
        assert_eq!((recorded.new, recorded.known), (0, 5));
        let owners: Vec<(String, Uuid)> = db
            .fetch_all(sql!("SELECT state, source_id FROM message ORDER BY received_at"), args![])
            .await
            .expect("reads");
        let (first, second) = (world.source, second);
        let expected =
            [("ended", first), ("held", second), ("ready", second), ("ended", first), ("ready", second)];
        assert_eq!(owners, expected.map(|(state, source)| (state.to_owned(), source)));
        assert_eq!(world.claim().await.len(), 2);
        // Listed once more: nothing begins a second time.
        let mut tx = db.begin().await.expect("begins");
        world
            .ledger
            .record(&mut tx, world.workspace, &world.mailbox, second, page(), world.clock.now())
            .await
            .expect("records");
        tx.commit().await.expect("commits");
        let (recorded,): (i64,) = db
            .fetch_one(sql!("SELECT count(*) FROM message WHERE state = 'recorded'"), args![])
            .await
            .expect("counts");
        assert_eq!(recorded, 1, "the one that is wanted now");
    })
    .await;
}

/// Promise: in one batch the change of a lost claim touches nothing, and is not taken for the one of the claim that holds.
#[tokio::test]
async fn a_lost_claim_is_told_from_the_one_that_holds_in_the_same_batch() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let slow = world.claim().await.remove(0);
        world.clock.advance(Duration::from_secs(61));
        let quick = world.claim().await.remove(0);
        let ignored = Ending::Ignored { rule: "late".into(), reason: "by nobody".into() };
        for stale_first in [true, false] {
            let stale = Change::of(&slow, Fate::Ended(ignored.clone()));
            let ours = Change::of(&quick, Fate::GoesOn);
            let batch = if stale_first { [stale, ours] } else { [ours, stale] };
            let mut tx = world.db.db.begin().await.expect("begins");
            let held = world.ledger.apply(&mut tx, &batch, world.clock.now()).await.expect("applies");
            tx.commit().await.expect("commits");
            assert_eq!(held.into_iter().collect::<Vec<_>>(), [quick.claim()]);
            assert_eq!(world.state(quick.id).await.0, "ready");
        }
        let stale = world.journal.commit(Change::of(&slow, Fate::Ended(ignored)));
        let ours = world.journal.commit(Change::of(&quick, Fate::GoesOn));
        let (stale, ours) = tokio::join!(stale, ours);
        assert!(matches!(stale, Err(NotCommitted::LeaseLost)), "{stale:?}");
        assert!(ours.is_ok(), "{ours:?}");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_leaves_the_step_planned_and_the_claim_ours() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let remotes = Remotes::default().script(&file(0), &[Reply::Refused]);
        let message = world.claim().await.remove(0);
        let mut work = world.plan(message, &[Slot::Issue, file(0)], &remotes).await.expect("commits");
        let carried = world.carry(&mut work, &remotes).await;
        assert!(matches!(carried, Carried::Refused { index: 1, .. }), "{carried:?}");
        assert_eq!((work.steps[0].state, work.steps[1].state), (StepState::Done, StepState::Planned));
        // Tried again later: the issue is not made a second time.
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        assert_eq!(remotes.count(&work.steps[0].op), 1);
    })
    .await;
}

#[tokio::test]
async fn a_doubt_that_no_probe_can_settle_is_held_for_a_person() {
    on_both(|world| async move {
        world.record(vec![mail("1", 10, &[])]).await;
        let mut remotes = Remotes::default().script(&Slot::Issue, &[Reply::LostAfter]);
        remotes.cannot_tell = true;
        let message = world.claim().await.remove(0);
        let id = message.id;
        let mut work = world.plan(message, &[Slot::Issue], &remotes).await.expect("commits");
        assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Held(_)));
        assert_eq!(world.state(id).await.0, "held");
        assert!(world.claim().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_hundred_changes_at_once_are_all_durable() {
    on_both(|world| async move {
        world.record((0..100).map(|n| mail(&n.to_string(), n, &[])).collect()).await;
        let (first, second) = (world.claim().await, world.claim().await);
        assert_eq!((first.len(), second.len()), (50, 50));
        let remotes = Remotes::default();
        let all = first.into_iter().chain(second).map(|message| async {
            let mut work = world.plan(message, &[Slot::Issue], &remotes).await.expect("commits");
            assert!(matches!(world.carry(&mut work, &remotes).await, Carried::Ended(_)));
        });
        futures::future::join_all(all).await;
        assert_eq!(remotes.made.lock().expect("no panic").len(), 100);
        let (ended,): (i64,) = world
            .db
            .db
            .fetch_one(
                sql!("SELECT count(*) FROM message WHERE state = 'ended' AND ending = 'issue'"),
                args![],
            )
            .await
            .expect("counts");
        assert_eq!(ended, 100);
    })
    .await;
}
