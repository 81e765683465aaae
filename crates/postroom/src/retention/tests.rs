//! What keeping and erasing promise: what is over its time goes, whole; nothing that waits for somebody does; what was forgotten is not
//! handled again; and an address that is erased stands nowhere any more.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use ledger::record::Summary;
use ledger::{Change, Ending, Fate, NewPlan, Op, Remote, Slot, Stage, Step, StepState};
use rules::{Outcome, Plan, Trace, TraceLine};
use store::{args, sql};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::erase::{self, Confirmed, Erasure};
use super::{Periods, Remover, forget, history};
use crate::access::Actor;
use crate::connections::testing::{ANNA, Connected, Office};
use crate::messages::opened;

const DAY: Duration = Duration::from_hours(24);

fn remover(office: &Office, periods: Periods) -> Remover {
    Remover {
        db: office.console.shell.db.clone(),
        ledger: office.state.ledger.clone(),
        blobs: office.messages.blobs.clone(),
        clock: office.console.shell.clock.clone(),
        bus: office.console.shell.bus.clone(),
        periods,
        wake: office.state.engine.remove.clone(),
        work: office.state.engine.work.clone(),
    }
}

async fn remove(office: &Office, periods: Periods) {
    remover(office, periods).once(&CancellationToken::new()).await.unwrap();
}

fn days(content: i64, summary: i64) -> Periods {
    let days = |days| Some(jiff::SignedDuration::from_hours(24 * days));
    Periods { content: days(content), summary: days(summary), timeline: None }
}

fn actor(office: &Office) -> Actor {
    Actor { workspace: office.workspace(), user: None, name: "tester".to_owned(), at: office.now() }
}

/// Ends everything that can be claimed in this way, with a plan of one step whose trace and fault say `why`.
async fn end_all(office: &Office, ending: &Ending, step_state: StepState, why: &str) {
    let (db, ledger) = (&office.console.shell.db, &office.state.ledger);
    let at = office.now() + jiff::SignedDuration::from_mins(1);
    let mut tx = db.begin().await.unwrap();
    let claimed = ledger.claim(&mut tx, Uuid::now_v7(), at, 50).await.unwrap();
    assert!(!claimed.is_empty(), "there is something to end");
    for mut message in claimed {
        message.stage = Stage::Act;
        let step = Step {
            id: Uuid::now_v7(),
            position: 0,
            op: Op(format!("op-{}", message.id)),
            slot: Slot::Issue,
            state: step_state,
            intent_at: None,
            mark: 0,
            attempts: 1,
            remote: (step_state == StepState::Done).then(|| Remote {
                id: "10".to_owned(),
                key: Some("SUP-1".to_owned()),
                media: None,
            }),
            fault: Some(fault::Fault::own("own.store", why)),
        };
        let line = TraceLine { rule: "new-issue".to_owned(), matched: true, why: why.to_owned() };
        let mut change = Change::of(&message, Fate::Ended(ending.clone()));
        change.plan = Some(NewPlan {
            revision: 0,
            format: Plan::FORMAT,
            body: serde_json::to_vec(&Plan { outcome: Outcome::Issue, steps: Vec::new(), routed: false })
                .unwrap(),
            trace: serde_json::to_vec(&Trace { profile: "standard".to_owned(), lines: vec![line] }).unwrap(),
        });
        let planned = change.with_steps(vec![step.clone()]);
        ledger.apply(&mut tx, &[planned], at).await.unwrap();
        let fault = serde_json::to_string(&step.fault.as_ref().unwrap().to_record()).unwrap();
        tx.execute(
            sql!("UPDATE step SET fault = $1, remote = $2 WHERE message_id = $3"),
            args![
                fault,
                step.remote.as_ref().map(|remote| serde_json::to_string(remote).unwrap()),
                message.id
            ],
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

fn issue() -> Ending {
    Ending::Issue { id: "10".to_owned(), key: "SUP-1".to_owned() }
}

fn held(why: &str) -> Ending {
    Ending::Held { by: "act".to_owned(), reason: why.to_owned() }
}

#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Kept {
    content: String,
    state: String,
    ended_by: Option<String>,
    reason: Option<String>,
    forgotten_at: Option<i64>,
}

async fn kept(office: &Office, id: Uuid) -> Kept {
    office
        .console
        .shell
        .db
        .fetch_one(
            sql!("SELECT content, state, ended_by, reason, forgotten_at FROM message WHERE id = $1"),
            args![id],
        )
        .await
        .unwrap()
}

async fn has_content(office: &Office, id: Uuid) -> bool {
    office.state.ledger.contents(&office.console.shell.db, &[id]).await.unwrap().contains_key(&id)
}

async fn summary(office: &Office, id: Uuid) -> Summary {
    let (sealed,): (Vec<u8>,) = office
        .console
        .shell
        .db
        .fetch_one(sql!("SELECT summary_sealed FROM message WHERE id = $1"), args![id])
        .await
        .unwrap();
    opened::summary(&office.state.ledger, id, &sealed)
}

async fn messages(office: &Office) -> i64 {
    let (many,): (i64,) =
        office.console.shell.db.fetch_one(sql!("SELECT count(*) FROM message"), args![]).await.unwrap();
    many
}

/// Promise: content and summary go after their own times, MIME leaves the content store with them; what is held or waits stays however old
/// it is.
#[tokio::test]
async fn what_is_over_its_time_goes_and_nothing_else() {
    for office in Office::all().await {
        let there = office.connect().await;
        let ended = office.record(there, &["the ended one"]).await[0];
        office.messages.blobs.put(&format!("mime-{ended}"), b"its MIME").await.unwrap();
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        let for_somebody = office.record(there, &["the held one"]).await[0];
        end_all(&office, &held("Jira refuses a field. Retry it"), StepState::Held, "a field").await;
        let in_doubt = office.record(there, &["the doubtful one"]).await[0];
        let db = &office.console.shell.db;
        // Its step was written and nobody knows whether it arrived.
        let doubt = sql!("UPDATE message SET state = 'acting', stage = 'act' WHERE id = $1");
        db.execute(doubt, args![in_doubt]).await.unwrap();
        let waiting = office.record(there, &["the waiting one"]).await[0];
        remove(&office, days(90, 400)).await;
        assert_eq!(kept(&office, ended).await.content, "page", "its time is not over");

        office.console.clock.advance(91 * DAY);
        remove(&office, days(90, 400)).await;
        let now = kept(&office, ended).await;
        assert_eq!((now.content.as_str(), now.state.as_str(), now.forgotten_at), ("erased", "ended", None));
        assert!(!has_content(&office, ended).await);
        assert_eq!(office.messages.blobs.get(&format!("mime-{ended}")).await.unwrap(), None);
        let mut owner = office.console.owner().await;
        let page = owner.get(&format!("/messages/{ended}")).await;
        assert!(page.body.contains("the ended one") && page.body.contains("no longer kept"), "{}", page.body);
        assert!(page.body.contains("it is new"), "why it was decided so stays longer: {}", page.body);

        office.console.clock.advance(400 * DAY);
        remove(&office, days(90, 400)).await;
        assert!(kept(&office, ended).await.forgotten_at.is_some(), "sender and subject are gone");
        for open in [for_somebody, in_doubt, waiting] {
            let open_now = kept(&office, open).await;
            assert_eq!((open_now.content.as_str(), open_now.forgotten_at), ("page", None), "{open_now:?}");
            assert!(has_content(&office, open).await);
        }
        assert_eq!(summary(&office, for_somebody).await.subject, "the held one");
        let mut owner = office.console.browser();
        owner.sign_in("owner@contoso.test", "four unrelated words").await;
        let page = owner.get(&format!("/messages/{ended}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(!page.body.contains("the ended one") && !page.body.contains("it is new"), "{}", page.body);
        for part in ["SUP-1", "Why it was decided so is no longer kept"] {
            assert!(page.body.contains(part), "what it became stays, {part}: {}", page.body);
        }
    }
}

/// Promise: what was forgotten is known all the same. The same mail listed again is not recorded again, an operation key is not used a second
/// time, and a reply to it still finds its issue.
#[tokio::test]
async fn what_was_forgotten_is_not_handled_again() {
    for office in Office::all().await {
        let there = office.connect().await;
        let ledger = &office.state.ledger;
        let db = &office.console.shell.db;
        let old = office.record(there, &["printer is on fire"]).await[0];
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        let steps = ledger.steps(db, old).await.unwrap();
        office.console.clock.advance(500 * DAY);
        remove(&office, days(90, 400)).await;
        assert!(kept(&office, old).await.forgotten_at.is_some());

        assert_eq!(office.record_one(there, "printer is on fire", None).await, old, "it is known by its id");
        assert_eq!((messages(&office).await, kept(&office, old).await.state.as_str()), (1, "ended"));
        let after = ledger.steps(db, old).await.unwrap();
        assert_eq!(
            after.iter().map(|step| (&step.op, step.state, &step.remote)).collect::<Vec<_>>(),
            steps.iter().map(|step| (&step.op, step.state, &step.remote)).collect::<Vec<_>>()
        );
        let at = office.now() + jiff::SignedDuration::from_mins(1);
        let mut tx = db.begin().await.unwrap();
        assert!(ledger.claim(&mut tx, Uuid::now_v7(), at, 10).await.unwrap().is_empty(), "nothing to do");
        tx.commit().await.unwrap();
        let id = "printer-is-on-fire@contoso.test".to_owned();
        let parents = ledger.relatives(db, office.workspace(), &[id]).await.unwrap();
        assert_eq!(parents[0].issue_key.as_deref(), Some("SUP-1"), "a reply becomes a comment there");
    }
}

/// Promise: mail that a removed source left behind is taken up by the next one also after its content is gone: it brings a new one along,
/// and what was to leave the content store does not take that along.
#[tokio::test]
async fn mail_of_a_removed_source_is_taken_up_without_its_content() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let left = office.record(there, &["left behind"]).await[0];
        let mut tx = db.begin().await.unwrap();
        tx.execute(
            sql!("UPDATE source SET removed_at = $1, paused_at = $1 WHERE id = $2"),
            args![office.now(), there.source],
        )
        .await
        .unwrap();
        ledger::Ledger::leave(&mut tx, there.source, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        office.console.clock.advance(500 * DAY);
        remove(&office, days(90, 400)).await;
        assert_eq!(kept(&office, left).await.content, "erased");
        // As if the content store had been out of reach meanwhile.
        db.execute(
            sql!("INSERT INTO blob_removal (name, since) VALUES ($1, 0)"),
            args![format!("mime-{left}")],
        )
        .await
        .unwrap();

        let next = Connected { source: office.second_source(there, "Archive").await, ..there };
        assert_eq!(office.record_one(next, "left behind", None).await, left);
        let now = kept(&office, left).await;
        assert_eq!(
            (now.content.as_str(), now.state.as_str(), now.ended_by),
            ("awaiting_mime", "ready", None)
        );
        assert!(has_content(&office, left).await);
        assert_eq!(summary(&office, left).await.subject, "left behind");
        office.messages.blobs.put(&format!("mime-{left}"), b"fetched anew").await.unwrap();
        remove(&office, days(90, 400)).await;
        assert!(office.messages.blobs.get(&format!("mime-{left}")).await.unwrap().is_some());
    }
}

/// Promise: where sender and subject go before the content, mail that is taken up again has both again, and their time anew.
#[tokio::test]
async fn a_forgotten_mail_that_is_taken_up_is_known_again() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let left = office.record(there, &["left behind"]).await[0];
        let mut tx = db.begin().await.unwrap();
        let remove_it = sql!("UPDATE source SET removed_at = $1, paused_at = $1");
        tx.execute(remove_it, args![office.now()]).await.unwrap();
        ledger::Ledger::leave(&mut tx, there.source, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        office.console.clock.advance(500 * DAY);
        remove(&office, Periods { content: None, ..days(90, 400) }).await;
        let before = kept(&office, left).await;
        assert_eq!((before.content.as_str(), before.forgotten_at.is_some()), ("page", true));
        let next = Connected { source: office.second_source(there, "Archive").await, ..there };
        assert_eq!(office.record_one(next, "left behind", None).await, left);
        let now = kept(&office, left).await;
        assert_eq!((now.content.as_str(), now.forgotten_at), ("page", None));
        assert_eq!(summary(&office, left).await.subject, "left behind");
    }
}

async fn counted(office: &Office, address: &str, named_too: bool) -> Erasure {
    let db = &office.console.shell.db;
    let mut tx = db.begin().await.unwrap();
    let id = erase::begin(&mut tx, &office.state.ledger, &actor(office), address, named_too).await.unwrap();
    tx.commit().await.unwrap();
    remove(office, Periods::default()).await;
    erase::one(db, office.workspace(), id).await.unwrap().unwrap()
}

async fn confirmed(office: &Office, id: Uuid, address: &str) -> Erasure {
    let db = &office.console.shell.db;
    let done = erase::confirm(db, &office.state.ledger, &actor(office), id, address).await.unwrap();
    assert_eq!(done, Confirmed::Yes);
    remove(office, Periods::default()).await;
    erase::one(db, office.workspace(), id).await.unwrap().unwrap()
}

/// Every text in which an address may stand, and everything sealed of messages, opened.
async fn everything(office: &Office) -> String {
    let db = &office.console.shell.db;
    let rows: Vec<(String,)> = db
        .fetch_all(
            sql!(
                "SELECT coalesce(reason, '') || ' ' || coalesce(ended_by, '') || ' ' || native_id || ' ' || lane AS t FROM message
                 UNION ALL SELECT coalesce(fault, '') || ' ' || coalesce(remote, '') FROM step
                 UNION ALL SELECT value FROM message_alias
                 UNION ALL SELECT key_hash FROM lane_key
                 UNION ALL SELECT object || ' ' || detail || ' ' || actor FROM audit
                 UNION ALL SELECT text || ' ' || coalesce(detail, '') || ' ' || coalesce(fault, '') FROM connection_event
                 UNION ALL SELECT object_name || ' ' || title || ' ' || text || ' ' || coalesce(fault, '') FROM notice
                 UNION ALL SELECT answer FROM notice_delivery
                 UNION ALL SELECT domain || ' ' || actor || ' ' || issues || ' ' || standing FROM erasure"
            ),
            args![],
        )
        .await
        .unwrap();
    let mut all: Vec<String> = rows.into_iter().map(|(text,)| text).collect();
    let ids: Vec<(Uuid,)> = db.fetch_all(sql!("SELECT id FROM message"), args![]).await.unwrap();
    for (id,) in ids {
        all.push(format!("{:?}", summary(office, id).await));
        all.extend(super::forget::texts(db, &office.state.ledger, id).await.unwrap());
        for content in office.state.ledger.contents(db, &[id]).await.unwrap().into_values() {
            all.push(String::from_utf8_lossy(&content.page).into_owned());
        }
        if let Some(mime) = office.messages.blobs.get(&format!("mime-{id}")).await.unwrap() {
            all.push(String::from_utf8_lossy(&mime).into_owned());
        }
    }
    all.join("\n").to_lowercase()
}

/// Promise: everything of an address is erased, wherever it stands: mail that it sent and that names it, MIME, held mail, reasons, faults,
/// traces, notices, timelines and the audit log. Nobody else's goes. It is counted before anything is changed, and confirmed with the address;
/// the address itself is not kept, and the report names the issues.
#[tokio::test]
async fn an_address_is_erased_wherever_it_stands() {
    const ADDRESS: &str = "dora@customer.example";
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let sent = office.record_of(there, "sent", "Dora@Customer.example", &[]).await;
        office.messages.blobs.put(&format!("mime-{sent}"), b"From: dora@customer.example").await.unwrap();
        end_all(&office, &issue(), StepState::Done, "reported by dora@customer.example").await;
        let for_somebody = office.record_of(there, "held of it", ADDRESS, &[]).await;
        end_all(&office, &held("dora@customer.example is not known. Retry it"), StepState::Done, "x").await;
        let named = office.record_of(there, "in copy", ANNA, &["Dora@customer.example"]).await;
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        let in_trace = office.record_of(there, "in the trace", ANNA, &[]).await;
        end_all(&office, &issue(), StepState::Done, "a reply to dora@customer.example.").await;
        let others = office.record_of(there, "nobody else", "isadora@customer.example", &[ANNA]).await;
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        let on_its_way = office.record_of(there, "on its way", ADDRESS, &[]).await;
        let mut owner = office.console.owner().await;
        let export = owner.get("/messages/export?format=json&q=dora%40customer.example").await;
        assert_eq!(export.status, StatusCode::OK);
        let mut tx = db.begin().await.unwrap();
        crate::access::audit::record(
            &mut tx,
            &actor(&office),
            "retry message",
            &sent.to_string(),
            "dora@customer.example is not known",
        )
        .await
        .unwrap();
        for (n, text) in
            ["dora@customer.example writes too much", "isadora@customer.example too"].iter().enumerate()
        {
            tx.execute(
                sql!(
                    "INSERT INTO notice (id, workspace_id, kind, object_kind, object_id, object_name, dedupe, title, text, href, raised_at)
                     VALUES ($1, $2, 'back', 'source', $3, 'box', $4, $5, $5, '/', 1)"
                ),
                args![Uuid::now_v7(), office.workspace(), there.source, format!("dedupe {n}"), *text],
            )
            .await
            .unwrap();
        }
        tx.execute(
            sql!(
                "INSERT INTO connection_event (id, workspace_id, object_kind, object_id, at, kind, text, detail)
                 VALUES ($1, $2, 'source', $3, 1, 'held', 'a mail', 'of DORA@customer.example')"
            ),
            args![Uuid::now_v7(), office.workspace(), there.source],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();

        let before = messages(&office).await;
        let shown = counted(&office, ADDRESS, true).await;
        assert_eq!(
            (shown.state.as_str(), shown.seen, shown.own, shown.named, shown.held, shown.left_open),
            ("counted", 6, 2, 2, 1, 1)
        );
        assert_eq!(kept(&office, sent).await.content, "page", "counting changes nothing");
        assert_eq!(kept(&office, for_somebody).await.state, "held");
        let refused =
            erase::confirm(db, &office.state.ledger, &actor(&office), shown.id, "isadora@customer.example")
                .await;
        assert_eq!(refused.unwrap(), Confirmed::OtherAddress);

        let done = confirmed(&office, shown.id, ADDRESS).await;
        assert_eq!(
            (done.state.as_str(), done.seen, done.own, done.named, done.held, done.left_open, done.unread),
            ("done", 6, 2, 2, 1, 1, 0)
        );
        assert_eq!((done.address_sealed.as_ref(), done.issues()), (None, vec!["SUP-1".to_owned()]));
        for gone in [sent, for_somebody, named, in_trace] {
            let now = kept(&office, gone).await;
            assert_eq!((now.content.as_str(), now.state.as_str()), ("erased", "ended"), "{now:?}");
            assert!(now.forgotten_at.is_some() && now.reason.is_none(), "{now:?}");
        }
        assert_eq!(kept(&office, for_somebody).await.ended_by.as_deref(), Some("erased"));
        assert_eq!(summary(&office, others).await.from, "isadora@customer.example");
        assert!(has_content(&office, others).await);
        // What is on its way is let go its way; after its end it can be erased, too.
        assert!(has_content(&office, on_its_way).await);
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        let tag = format!("erased-{}", done.id.simple());
        assert_eq!(sender_hash(&office, sent).await, Some(tag.clone()), "its Message-ID stays somebody's");
        assert_eq!(
            sender_hash(&office, others).await,
            Some(office.state.ledger.keys.address("isadora@customer.example"))
        );
        let again = counted(&office, ADDRESS, true).await;
        let again = confirmed(&office, again.id, ADDRESS).await;
        assert_eq!((again.own, again.left_open), (1, 0));
        let all = everything(&office).await;
        let mine = all.match_indices(ADDRESS).filter(|(at, _)| !all[..*at].ends_with("isa")).count();
        assert_eq!(mine, 0, "{all}");
        assert!(all.contains("isadora@customer.example too"), "nobody else's goes: {all}");
        assert!(all.contains("(erased address) writes too much"), "{all}");

        // Known all the same.
        assert_eq!(office.record_of(there, "sent", ADDRESS, &[]).await, sent);
        assert_eq!(messages(&office).await, before);
        let page = owner.get("/settings/data").await;
        assert!(
            page.body.contains("an address at customer.example") && page.body.contains("SUP-1"),
            "{}",
            page.body
        );
        assert!(!page.body.contains(ADDRESS), "{}", page.body);
    }
}

async fn sender_hash(office: &Office, id: Uuid) -> Option<String> {
    let query = sql!("SELECT sender_hash FROM message WHERE id = $1");
    let (hash,): (Option<String>,) = office.console.shell.db.fetch_one(query, args![id]).await.unwrap();
    hash
}

/// Promise: of mail whose sender was forgotten by time nothing is left, either, that an erased address is known again by; and of two
/// senders of one Message-ID the second does not pass for the first.
#[tokio::test]
async fn a_forgotten_sender_is_erased_too() {
    for office in Office::all().await {
        let there = office.connect().await;
        let of_it = office.record_one(there, "of it", None).await;
        let others = office.record_of(there, "of another", "bob@customer.example", &[]).await;
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        office.console.clock.advance(500 * DAY);
        remove(&office, days(90, 400)).await;
        let open = office.record_one(there, "on its way", None).await;
        let shown = counted(&office, ANNA, false).await;
        assert_eq!(sender_hash(&office, of_it).await, Some(office.state.ledger.keys.address(ANNA)));
        confirmed(&office, shown.id, ANNA).await;
        assert_eq!(sender_hash(&office, of_it).await, Some(format!("erased-{}", shown.id.simple())));
        assert_eq!(
            sender_hash(&office, others).await,
            Some(office.state.ledger.keys.address("bob@customer.example"))
        );
        assert_eq!(sender_hash(&office, open).await, Some(office.state.ledger.keys.address(ANNA)));
    }
}

/// Promise: what a mailbox lists by its id alone is looked into to see who sent it; and whatever cannot be read is told as such, keeps no
/// erasure from its end, and never passes for mail of somebody else.
#[tokio::test]
async fn nothing_passes_unread_for_mail_of_somebody_else() {
    for office in Office::all().await {
        let there = office.connect().await;
        let (db, ledger) = (&office.console.shell.db, &office.state.ledger);
        let ids = office.record(there, &["by its id", "no summary", "no plan", "no MIME"]).await;
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        let nothing = serde_json::to_vec(&Summary::default()).unwrap();
        let sealed = ledger.sealer.seal(&store::Place::new("message", "summary_sealed", ids[0]), &nothing);
        let summaries = sql!("UPDATE message SET summary_sealed = $1 WHERE id = $2");
        db.execute(summaries, args![sealed, ids[0]]).await.unwrap();
        let shown = counted(&office, ANNA, false).await;
        assert_eq!((shown.own, shown.unread), (4, 0), "the mail itself tells its sender");

        db.execute(summaries, args![vec![0_u8], ids[1]]).await.unwrap();
        let plan = sql!("UPDATE plan SET body_sealed = $1 WHERE message_id = $2");
        db.execute(plan, args![vec![0_u8], ids[2]]).await.unwrap();
        let mime = sql!("UPDATE message SET content = 'mime' WHERE id = $1");
        db.execute(mime, args![ids[3]]).await.unwrap();
        let shown = counted(&office, "bob@customer.example", true).await;
        assert_eq!((shown.own, shown.named, shown.unread, shown.state.as_str()), (0, 0, 3, "counted"));
        let done = confirmed(&office, shown.id, "bob@customer.example").await;
        assert_eq!((done.unread, done.state.as_str()), (3, "done"));
        let shown = counted(&office, ANNA, false).await;
        assert_eq!((shown.own, shown.unread), (3, 1));
    }
}

/// Promise: mail that is taken up again while it is erased, or while its old MIME leaves the content store, goes its way whole: it does not
/// count as erased, and its MIME is fetched once more.
#[tokio::test]
async fn what_is_taken_up_meanwhile_goes_its_way_whole() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let mail = office.record(there, &["taken up"]).await[0];
        let mut tx = db.begin().await.unwrap();
        assert!(!forget::end_for_good(&mut tx, mail).await.unwrap(), "it has no end any more");
        tx.commit().await.unwrap();

        let name = format!("mime-{mail}");
        let fetched = sql!("UPDATE message SET content = 'mime' WHERE id = $1");
        db.execute(fetched, args![mail]).await.unwrap();
        let fence = async || {
            let query = sql!("SELECT fence FROM message WHERE id = $1");
            let (fence,): (i64,) = db.fetch_one(query, args![mail]).await.unwrap();
            fence
        };
        let before = fence().await;
        assert!(!forget::removed(db, &name).await.unwrap(), "nothing was to leave any more");
        forget::fetch_anew(db, &name).await.unwrap();
        assert_eq!(kept(&office, mail).await.content, "awaiting_mime");
        assert!(fence().await > before, "who has it at hand does not say that its MIME is there");

        db.execute(fetched, args![mail]).await.unwrap();
        end_all(&office, &issue(), StepState::Done, "it is new").await;
        forget::fetch_anew(db, &name).await.unwrap();
        assert_eq!(kept(&office, mail).await.content, "mime", "what has its end fetches nothing");
        let mut tx = db.begin().await.unwrap();
        assert!(forget::end_for_good(&mut tx, mail).await.unwrap());
        tx.commit().await.unwrap();
    }
}

/// Promise: mail that a removed source left behind is not taken up again once its address is erased.
#[tokio::test]
async fn what_was_erased_is_not_taken_up_again() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let left = office.record(there, &["left behind"]).await[0];
        let mut tx = db.begin().await.unwrap();
        let remove_it = sql!("UPDATE source SET removed_at = $1, paused_at = $1");
        tx.execute(remove_it, args![office.now()]).await.unwrap();
        ledger::Ledger::leave(&mut tx, there.source, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        let shown = counted(&office, ANNA, false).await;
        confirmed(&office, shown.id, ANNA).await;
        let next = Connected { source: office.second_source(there, "Archive").await, ..there };
        assert_eq!(office.record_one(next, "left behind", None).await, left);
        let now = kept(&office, left).await;
        assert_eq!((now.content.as_str(), now.state.as_str()), ("erased", "ended"), "{now:?}");
        assert_eq!(now.ended_by.as_deref(), Some("erased"));
    }
}

/// Promise: an address that Postroom works with stays where it does, what happened there stays whole, and the report says where.
#[tokio::test]
async fn an_address_in_use_is_told_and_left() {
    for office in Office::all().await {
        office.connect().await;
        let mut owner = office.console.owner().await;
        assert_eq!(owner.get("/settings").await.status, StatusCode::OK);
        let shown = counted(&office, "owner@contoso.test", true).await;
        assert_eq!(shown.standing(), ["a user of this console", history::WHOLE]);
        confirmed(&office, shown.id, "owner@contoso.test").await;
        assert!(everything(&office).await.contains("owner@contoso.test"), "who signed in is on record");
        let shown = counted(&office, "support@contoso.test", true).await;
        assert_eq!(
            shown.standing(),
            ["a mailbox that is or was connected", "a sign-in with Microsoft", history::WHOLE]
        );
        // What is only named is told, and taken out of what happened all the same.
        let db = &office.console.shell.db;
        let jira = sql!("UPDATE destination SET jira_address = 'Jira@contoso.test'");
        db.execute(jira, args![]).await.unwrap();
        let fence = sql!(
            "INSERT INTO app_fence (account_id, control_mailbox, state) SELECT id, 'jira@contoso.test', 'unchecked' FROM account"
        );
        db.execute(fence, args![]).await.unwrap();
        let shown = counted(&office, "jira@contoso.test", true).await;
        let standing = shown.standing();
        assert_eq!(standing.len(), 2, "{standing:?}");
        assert!(standing[0].starts_with("the mailbox outside the fence of the application"), "{standing:?}");
        assert!(standing[1].starts_with("the address that Jira sends mail of the project"), "{standing:?}");
    }
}

/// Promise: an erasure goes on where it was interrupted, and who was too slow changes nothing.
#[tokio::test]
async fn an_erasure_goes_on_where_it_was_cut_off() {
    for office in Office::all().await {
        let there = office.connect().await;
        let subjects: Vec<String> = (0..60).map(|n| format!("mail {n}")).collect();
        office.record(there, &subjects.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let db = &office.console.shell.db;
        let end =
            sql!("UPDATE message SET state = 'ended', ending = 'ignored', ended_by = 'x', ended_at = $1");
        db.execute(end, args![office.now()]).await.unwrap();
        let shown = counted(&office, ANNA, false).await;
        assert_eq!((shown.own, shown.seen), (60, 60));
        let done = erase::confirm(db, &office.state.ledger, &actor(&office), shown.id, ANNA).await.unwrap();
        assert_eq!(done, Confirmed::Yes);
        assert!(erase::go_on(&remover(&office, Periods::default())).await.unwrap());
        let half = erase::one(db, office.workspace(), shown.id).await.unwrap().unwrap();
        assert_eq!((half.state.as_str(), half.seen, half.own), ("erasing", 50, 50));
        // A node that was killed with its claim: others wait until it runs out.
        let later = office.now() + jiff::SignedDuration::from_mins(5);
        db.execute(sql!("UPDATE erasure SET lease_until = $1"), args![later]).await.unwrap();
        assert!(!erase::go_on(&remover(&office, Periods::default())).await.unwrap());
        office.console.clock.advance(Duration::from_mins(6));
        remove(&office, Periods::default()).await;
        let whole = erase::one(db, office.workspace(), shown.id).await.unwrap().unwrap();
        assert_eq!((whole.state.as_str(), whole.seen, whole.own), ("done", 60, 60));
    }
}

/// Promise: only an owner erases, by the form of our page; what is no address is refused with a mend; what is given up or forgotten about
/// leaves nothing of the address.
#[tokio::test]
async fn only_an_owner_erases() {
    for office in Office::all().await {
        let there = office.connect().await;
        office.record(there, &["first"]).await;
        let db = &office.console.shell.db;
        let mut owner = office.console.owner().await;
        let token = owner.token("/settings/data").await;
        let wrong = owner.post("/settings/data", &token, &[("address", "nobody")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
        assert!(wrong.body.contains("This is not an address"), "{}", wrong.body);
        let forged = owner.post("/settings/data", "00", &[("address", ANNA)]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);
        let begun = owner.post("/settings/data", &token, &[("address", &ANNA.to_uppercase())]).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        let page = owner.get("/settings/data").await;
        assert!(page.body.contains("0 of 1 messages looked at"), "{}", page.body);
        remove(&office, Periods::default()).await;
        let shown = erase::latest(db, office.workspace(), 1).await.unwrap().remove(0);
        let sure = format!("/settings/data/{}/erase", shown.id);
        let other = owner.post(&sure, &token, &[("address", "bob@contoso.test")]).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", other.body);
        assert!(other.body.contains("This is not the address that was counted"), "{}", other.body);
        let given_up = owner.post(&format!("/settings/data/{}/give-up", shown.id), &token, &[]).await;
        assert_eq!(given_up.status, StatusCode::SEE_OTHER);
        assert!(erase::latest(db, office.workspace(), 1).await.unwrap().is_empty());

        let shown = counted(&office, ANNA, false).await;
        assert_eq!(shown.state, "counted");
        office.console.clock.advance(8 * DAY);
        remove(&office, Periods::default()).await;
        assert!(erase::latest(db, office.workspace(), 1).await.unwrap().is_empty(), "nobody confirmed it");

        let mut admin = office.console.browser();
        admin.sign_in("owner@contoso.test", "four unrelated words").await;
        db.execute(sql!("UPDATE console_user SET role = 'admin'"), args![]).await.unwrap();
        let page = admin.get("/settings/data").await;
        assert!(page.body.contains("An owner of this installation can erase"), "{}", page.body);
        let token = admin.token("/settings").await;
        let refused = admin.post("/settings/data", &token, &[("address", ANNA)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}

/// Promise: what happened to connections goes after its time, what still holds does not; and which warnings of an end were given is known
/// until no further step can come of it.
#[tokio::test]
async fn the_past_goes_after_its_time() {
    for office in Office::all().await {
        let there = office.connect().await;
        let db = &office.console.shell.db;
        let long_ago = office.now();
        let kinds = [
            ("offline", None),
            ("offline", Some(long_ago)),
            ("back", None),
            ("approval_given", None),
            ("expiry", None),
        ];
        for (n, (kind, ended)) in kinds.into_iter().enumerate() {
            let ended: Option<Timestamp> = ended;
            db.execute(
                sql!(
                    "INSERT INTO notice (id, workspace_id, kind, object_kind, object_id, object_name, dedupe, title, text, href, raised_at,
                       ended_at) VALUES ($1, $2, $3, 'source', $4, 'box', $5, 't', 't', '/', $6, $7)"
                ),
                args![Uuid::now_v7(), office.workspace(), kind, there.source, format!("d{n}"), long_ago, ended],
            )
            .await
            .unwrap();
        }
        db.execute(
            sql!(
                "INSERT INTO connection_event (id, workspace_id, object_kind, object_id, at, kind, text) VALUES ($1, $2, 'source', $3, $4, 'x', 'y')"
            ),
            args![Uuid::now_v7(), office.workspace(), there.source, long_ago],
        )
        .await
        .unwrap();
        let timeline = Some(jiff::SignedDuration::from_hours(24 * 100));
        for (days, expected) in [(99, (5, 1)), (2, (2, 0)), (80, (1, 0))] {
            office.console.clock.advance(days * DAY);
            remove(&office, Periods { timeline, ..Periods::default() }).await;
            let left: (i64, i64) = db
                .fetch_one(
                    sql!("SELECT (SELECT count(*) FROM notice), (SELECT count(*) FROM connection_event WHERE kind = 'x')"),
                    args![],
                )
                .await
                .unwrap();
            assert_eq!(left, expected, "after {days} days more");
        }
    }
}
