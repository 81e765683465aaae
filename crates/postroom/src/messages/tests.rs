//! What messages promise: nothing is hidden, and a person's decision is on record and does nothing twice.

use http::StatusCode;
use ledger::{Change, Ending, Fate, NewPlan, Op, Slot, Stage, Step, StepState};
use rules::{Outcome, Plan, Trace, TraceLine};
use store::{args, sql};
use uuid::Uuid;

use super::hold::{self, Done};
use super::store as rows;
use crate::access::Actor;
use crate::connections::testing::{Connected, Office};

fn actor(office: &Office) -> Actor {
    Actor { workspace: office.workspace(), user: None, name: "tester".to_owned(), at: office.now() }
}

fn a_step(slot: Slot, state: StepState, position: i64) -> Step {
    Step {
        id: Uuid::now_v7(),
        position,
        op: Op(format!("op-{}", Uuid::now_v7())),
        slot,
        state,
        intent_at: None,
        mark: 0,
        attempts: 1,
        remote: None,
        fault: None,
    }
}

/// Holds messages as the worker does; with a plan of these steps where there are any.
async fn hold_all(office: &Office, reason: &str, outcome: Option<(Outcome, Vec<Step>)>) {
    let (db, ledger) = (&office.console.shell.db, &office.state.ledger);
    let mut tx = db.begin().await.unwrap();
    let claimed = ledger
        .claim(&mut tx, Uuid::now_v7(), office.now() + jiff::SignedDuration::from_mins(1), 10)
        .await
        .unwrap();
    assert!(!claimed.is_empty(), "there is something to hold");
    for mut message in claimed {
        message.stage = Stage::Act;
        let mut change = Change::of(
            &message,
            Fate::Ended(Ending::Held { by: "act".to_owned(), reason: reason.to_owned() }),
        );
        if let Some((outcome, steps)) = &outcome {
            let line = TraceLine {
                rule: "new-issue".to_owned(),
                matched: true,
                why: "becomes a Task in SUP".to_owned(),
            };
            change.plan = Some(NewPlan {
                revision: 0,
                format: Plan::FORMAT,
                body: serde_json::to_vec(&Plan {
                    outcome: outcome.clone(),
                    steps: Vec::new(),
                    routed: false,
                })
                .unwrap(),
                trace: serde_json::to_vec(&Trace { profile: "standard".to_owned(), lines: vec![line] })
                    .unwrap(),
            });
            change = change.with_steps(steps.clone());
        }
        ledger.apply(&mut tx, &[change], office.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn state_of(office: &Office, id: Uuid) -> (String, i64) {
    office
        .console
        .shell
        .db
        .fetch_one(sql!("SELECT state, generation FROM message WHERE id = $1"), args![id])
        .await
        .unwrap()
}

async fn one_held(office: &Office, outcome: Option<(Outcome, Vec<Step>)>) -> (Connected, Uuid) {
    let there = office.connect().await;
    let id = office.record(there, &["printer is on fire"]).await[0];
    hold_all(office, "Jira refuses a field. Retry it", outcome).await;
    (there, id)
}

/// Promise: filters, search and pages show every mail once, the newest first.
#[tokio::test]
async fn lists_show_every_mail_once() {
    for office in Office::all().await {
        let there = office.connect().await;
        let subjects: Vec<String> = (0..120).map(|n| format!("mail number {n:03}")).collect();
        office.record(there, &subjects.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut owner = office.console.owner().await;
        let (mut path, mut seen) = ("/messages".to_owned(), Vec::new());
        loop {
            let page = owner.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
            let shown = page.body.split("mail number ").skip(1).map(|rest| rest[..3].to_owned());
            seen.extend(shown);
            let older = page.body.split("href=\"/messages?").find_map(|rest| rest.strip_prefix("before="));
            match older.and_then(|rest| rest.split_once('"')) {
                Some((place, _)) => path = format!("/messages?before={place}"),
                None => break,
            }
        }
        let expected: Vec<String> = (0..120).rev().map(|n| format!("{n:03}")).collect();
        assert_eq!(seen, expected);
        let found = owner.get("/messages?q=NUMBER+007").await;
        assert!(
            found.body.contains("mail number 007") && !found.body.contains("mail number 008"),
            "{}",
            found.body
        );
        let held = owner.get("/messages?filter=held").await;
        assert!(held.body.contains("No mail is held"), "{}", held.body);
    }
}

/// Promise: a held mail says why, shows its trace and its steps, and offers what a person can do.
#[tokio::test]
async fn a_held_mail_explains_itself() {
    let office = Office::new().await;
    let steps = vec![a_step(Slot::Issue, StepState::Held, 0)];
    let (_, id) = one_held(&office, Some((Outcome::Issue, steps))).await;
    let mut owner = office.console.owner().await;
    let page = owner.get(&format!("/messages/{id}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "printer is on fire",
        "Jira refuses a field",
        "becomes a Task in SUP",
        "Create issue",
        "Retry",
        "Discard",
        "Anna",
    ] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    let mail = owner.get(&format!("/messages/{id}/mail")).await;
    assert_eq!(mail.status, StatusCode::OK, "{}", mail.body);
    assert!(mail.body.contains("<b>there</b>") && !mail.body.contains("<script"), "{}", mail.body);
    let policy = mail.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    for show in ["text", "source"] {
        let page = owner.get(&format!("/messages/{id}?show={show}")).await;
        assert_eq!(page.status, StatusCode::OK, "{show}: {}", page.body);
    }
    assert_eq!(owner.get(&format!("/messages/{}", Uuid::now_v7())).await.status, StatusCode::NOT_FOUND);
}

/// Promise: retrying a mail without a plan reads it anew, once.
#[tokio::test]
async fn a_mail_without_a_plan_is_read_anew() {
    for office in Office::all().await {
        let (_, id) = one_held(&office, None).await;
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::Yes);
        assert_eq!(state_of(&office, id).await, ("ready".to_owned(), 0));
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::NotHeld);
        assert_eq!(hold::discard(&office.messages, &actor(&office), id).await.unwrap(), Done::NotHeld);
    }
}

/// Promise: a held mail whose source was removed offers no retry that nobody would carry out, and says what to do; one with a plan goes
/// on without its source.
#[tokio::test]
async fn a_held_mail_of_a_removed_source_is_retried_only_where_somebody_takes_it_up() {
    for office in Office::all().await {
        let db = &office.console.shell.db;
        let (_, id) = one_held(&office, None).await;
        let remove = sql!("UPDATE source SET removed_at = $1, paused_at = $1");
        db.execute(remove, args![office.now()]).await.unwrap();
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::SourceRemoved);
        assert_eq!(state_of(&office, id).await, ("held".to_owned(), 0));
        let mut owner = office.console.owner().await;
        let page = owner.get(&format!("/messages/{id}")).await;
        assert!(
            page.body.contains("Connect the folder again") && !page.body.contains(&format!("{id}/retry")),
            "{}",
            page.body
        );
    }
    for office in Office::all().await {
        let (_, id) =
            one_held(&office, Some((Outcome::Issue, vec![a_step(Slot::Issue, StepState::Held, 0)]))).await;
        let remove = sql!("UPDATE source SET removed_at = $1, paused_at = $1");
        office.console.shell.db.execute(remove, args![office.now()]).await.unwrap();
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::Yes);
        let mut tx = office.console.shell.db.begin().await.unwrap();
        let later = office.now() + jiff::SignedDuration::from_mins(1);
        let claimed = office.state.ledger.claim(&mut tx, Uuid::now_v7(), later, 10).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed.iter().map(|message| message.id).collect::<Vec<_>>(), [id]);
    }
}

/// Promise: a step held in doubt is looked for before it is written again; what is done stays done.
#[tokio::test]
async fn a_retried_plan_goes_on_where_it_stood() {
    for office in Office::all().await {
        let mut done = a_step(Slot::Issue, StepState::Done, 0);
        done.remote =
            Some(ledger::Remote { id: "10".to_owned(), key: Some("SUP-1".to_owned()), media: None });
        let held = a_step(Slot::Description, StepState::Held, 1);
        let (_, id) = one_held(&office, Some((Outcome::Issue, vec![done, held]))).await;
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::Yes);
        assert_eq!(state_of(&office, id).await, ("acting".to_owned(), 0));
        let steps = office.state.ledger.steps(&office.console.shell.db, id).await.unwrap();
        assert_eq!(steps[0].state, StepState::Done);
        let StepState::InDoubt { until } = steps[1].state else { panic!("{:?}", steps[1].state) };
        assert_eq!(until, office.now() + office.state.ledger.timing.quarantine);
    }
}

/// Promise: a mail that was decided to be held is decided anew, in a generation of its own.
#[tokio::test]
async fn a_decision_to_hold_is_made_anew() {
    for office in Office::all().await {
        let outcome = Outcome::Held { reason: "no address".to_owned() };
        let (_, id) = one_held(&office, Some((outcome, Vec::new()))).await;
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::Yes);
        assert_eq!(state_of(&office, id).await, ("ready".to_owned(), 1));
    }
}

/// Promise: a discarded mail has its one end, with who did it, and it is in the audit log.
#[tokio::test]
async fn discarding_is_an_end_on_record() {
    for office in Office::all().await {
        let (_, id) = one_held(&office, None).await;
        let mut owner = office.console.owner().await;
        let token = owner.token(&format!("/messages/{id}")).await;
        let done = owner.post(&format!("/messages/{id}/discard"), &token, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let message = rows::one(&office.console.shell.db, office.workspace(), id).await.unwrap().unwrap();
        assert_eq!((message.state.as_str(), message.ending.as_deref()), ("ended", Some("ignored")));
        assert_eq!(message.ended_by.as_deref(), Some("discarded"));
        assert_eq!(message.reason.as_deref(), Some("discarded by owner@contoso.test"));
        let audit: Vec<(String,)> = office
            .console
            .shell
            .db
            .fetch_all(sql!("SELECT actor FROM audit WHERE action = 'discard message'"), args![])
            .await
            .unwrap();
        assert_eq!(audit.len(), 1);
    }
}

/// Promise: in shadow mode a held mail is not retried, by whichever way: a retry would write, or end the mail without writing.
#[tokio::test]
async fn shadow_mode_refuses_a_retry() {
    for office in Office::all().await {
        let (there, id) =
            one_held(&office, Some((Outcome::Issue, vec![a_step(Slot::Issue, StepState::Held, 0)]))).await;
        let db = &office.console.shell.db;
        let shadow = sql!("UPDATE source SET shadow_at = $1 WHERE id = $2");
        db.execute(shadow, args![Some(office.now()), there.source]).await.unwrap();
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::InShadow);
        let mut tx = db.begin().await.unwrap();
        assert!(!rows::release(&mut tx, office.workspace(), id, rows::TakeUp::ItsPlan).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(state_of(&office, id).await, ("held".to_owned(), 0));
        db.execute(shadow, args![None::<jiff::Timestamp>, there.source]).await.unwrap();
        assert_eq!(hold::retry(&office.messages, &actor(&office), id).await.unwrap(), Done::Yes);
    }
}

/// Promise: a mail that a second source finds says that the first one handles it, on its page.
#[tokio::test]
async fn a_mail_says_where_else_it_was_found() {
    let office = Office::new().await;
    let there = office.connect().await;
    let id = office.record(there, &["printer is on fire"]).await[0];
    let second = office.second_source(there, "Archive").await;
    office.record(Connected { source: second, ..there }, &["printer is on fire"]).await;
    let mut owner = office.console.owner().await;
    let page = owner.get(&format!("/messages/{id}")).await;
    assert!(
        page.body.contains("found again by support@contoso.test, Archive")
            && page.body.contains("already handled by support@contoso.test, Inbox"),
        "{}",
        page.body
    );
}

/// Holds mails with these subjects, one after the other.
async fn held_mails(office: &Office, subjects: &[&str]) -> (Connected, Vec<Uuid>) {
    let there = office.connect().await;
    let mut ids = Vec::new();
    for subject in subjects {
        ids.push(office.record_one(there, subject, None).await);
        hold_all(office, "Jira refuses a field. Retry it", None).await;
    }
    (there, ids)
}

async fn audited(office: &Office, action: &str) -> i64 {
    let (many,): (i64,) = office
        .console
        .shell
        .db
        .fetch_one(sql!("SELECT count(*) FROM audit WHERE action = $1"), args![action])
        .await
        .unwrap();
    many
}

/// Promise: before several held mails are decided about, it is shown what would happen to how many, and nothing is changed by looking; each
/// decision is on record; who looks only decides nothing.
#[tokio::test]
async fn several_are_decided_about_after_a_question() {
    for office in Office::all().await {
        let (_, ids) = held_mails(&office, &["first", "second", "third", "other"]).await;
        let mut owner = office.console.owner().await;
        let list = owner.get("/messages?filter=held").await;
        assert!(list.body.contains("data-tick") && list.body.contains("Discard the ticked"), "{}", list.body);
        let token = list.field("csrf");
        let (a, b) = (ids[0].to_string(), ids[1].to_string());
        let fields = [("do", "discard"), ("id", &*a), ("id", &*b), ("back", "filter=held")];
        let later = sql!("UPDATE message SET received_at = received_at + 3600000000 WHERE id = $1");
        office.console.shell.db.execute(later, args![ids[0]]).await.unwrap();
        let forged = owner.post("/messages/bulk", "00", &fields).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);
        let asked = owner.post("/messages/bulk", &token, &fields).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.body);
        for part in ["Discard 2 mails?", "2 mails become neither issues nor comments", "first", "second"] {
            assert!(asked.body.contains(part), "{part} is missing: {}", asked.body);
        }
        assert!(!asked.body.contains("third"), "{}", asked.body);
        let place = |id: &str| asked.body.find(&format!("value=\"{id}\"")).unwrap();
        assert!(place(&b) < place(&a), "the oldest first, whichever was recorded first: {}", asked.body);
        assert_eq!(state_of(&office, ids[0]).await.0, "held", "a question changes nothing");

        let sure = [&fields[..], &[("sure", "yes")]].concat();
        let done = owner.post("/messages/bulk", &token, &sure).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/messages?filter=held"));
        let states = [state_of(&office, ids[0]).await.0, state_of(&office, ids[1]).await.0];
        assert_eq!(states, ["ended", "ended"]);
        assert_eq!(
            (audited(&office, "discard message").await, audited(&office, "discard together").await),
            (2, 1)
        );
        let late = owner.post("/messages/bulk", &token, &sure).await;
        assert_eq!(late.status, StatusCode::SEE_OTHER);
        assert_eq!(audited(&office, "discard message").await, 2, "nothing is decided twice");

        // All of the list: those that its search shows.
        let all = [("do", "retry-all"), ("back", "filter=held&q=third")];
        let asked = owner.post("/messages/bulk", &token, &all).await;
        assert!(
            asked.body.contains("Retry 1 mail?") && asked.body.contains(&ids[2].to_string()),
            "{}",
            asked.body
        );
        assert!(!asked.body.contains(&ids[3].to_string()), "{}", asked.body);
        let c = ids[2].to_string();
        let sure = [("do", "retry"), ("id", &*c), ("sure", "yes")];
        assert_eq!(owner.post("/messages/bulk", &token, &sure).await.status, StatusCode::SEE_OTHER);
        assert_eq!(
            (state_of(&office, ids[2]).await.0.as_str(), state_of(&office, ids[3]).await.0.as_str()),
            ("ready", "held")
        );

        let demote = sql!("UPDATE console_user SET role = 'viewer'");
        office.console.shell.db.execute(demote, args![]).await.unwrap();
        let list = owner.get("/messages?filter=held").await;
        assert!(!list.body.contains("Discard the ticked"), "{}", list.body);
        let refused = owner.post("/messages/bulk", &token, &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}

/// Promise: the list as a file has every mail of the filter and the search once, across all batches, and who took it along is on record.
#[tokio::test]
async fn a_list_is_written_whole() {
    for office in Office::all().await {
        let there = office.connect().await;
        let mut subjects: Vec<String> = (0..21).map(|n| format!("mail number {n:02}")).collect();
        subjects.push("=HYPERLINK(\"https://evil.example\"), \"x\"".to_owned());
        office.record(there, &subjects.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut owner = office.console.owner().await;
        let csv = owner.get("/messages/export?format=csv").await;
        assert_eq!(csv.status, StatusCode::OK, "{}", csv.body);
        assert_eq!(csv.body.lines().count(), 23, "{}", csv.body);
        assert!(
            csv.body.contains("\"'=HYPERLINK(\"\"https://evil.example\"\"), \"\"x\"\"\""),
            "{}",
            csv.body
        );
        for n in 0..21 {
            assert_eq!(csv.body.matches(&format!("mail number {n:02},")).count(), 1, "{}", csv.body);
        }
        let disposition = csv.headers["content-disposition"].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment") && disposition.contains("messages.csv"),
            "{disposition}"
        );
        let policy = csv.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");

        for (query, many) in
            [("", 22), ("&q=number+07", 1), ("&filter=held", 0), ("&q=there&text=yes", 22), ("&q=there", 0)]
        {
            let json = owner.get(&format!("/messages/export?format=json{query}")).await;
            let lines: Vec<serde_json::Value> = serde_json::from_str(&json.body).unwrap();
            assert_eq!(lines.len(), many, "{query}: {}", json.body);
        }
        for wrong in ["format=xls", "format=csv&filter=nothing", "format=csv&source=support"] {
            let refused = owner.get(&format!("/messages/export?{wrong}")).await;
            assert!(refused.status.is_client_error(), "{wrong}: {}", refused.body);
        }
        assert_eq!(audited(&office, "export messages").await, 6);
        let query = format!("format=csv&filter=held&source={}&q=fire&text=yes", there.source);
        assert_eq!(owner.get(&format!("/messages/export?{query}")).await.status, StatusCode::OK);
        let detail = format!("held, source: {}, search, in the text, too: fire", there.source);
        let (many,): (i64,) = office
            .console
            .shell
            .db
            .fetch_one(sql!("SELECT count(*) FROM audit WHERE detail = $1"), args![detail])
            .await
            .unwrap();
        assert_eq!(many, 1, "what was taken along is on record");
        assert_ne!(office.console.browser().get("/messages/export?format=csv").await.status, StatusCode::OK);
    }
}

/// Promise: a mail as it came and its files are downloads that no browser runs, whatever they are.
#[tokio::test]
async fn a_source_is_a_download() {
    let office = Office::new().await;
    let there = office.connect().await;
    let id = office.record(there, &["printer"]).await[0];
    let mut owner = office.console.owner().await;
    let page = owner.get(&format!("/messages/{id}?show=source")).await;
    assert!(page.body.contains(&format!("/messages/{id}/source")), "{}", page.body);
    let check = |answer: &crate::web::testing::Answer, name: &str| {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let disposition = answer.headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment") && disposition.ends_with(name), "{disposition}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
    };
    let json = owner.get(&format!("/messages/{id}/source")).await;
    check(&json, ".json");
    assert!(json.body.contains("<script>alert(1)</script>"), "as it came: {}", json.body);

    let mime = "From: anna@contoso.test\r\nTo: support@contoso.test\r\nSubject: printer\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
                --b\r\nContent-Type: text/html; name=\"x.html\"\r\nContent-Disposition: attachment; filename=\"x.html\"\r\n\r\n\
                <script>alert(1)</script>\r\n--b--\r\n";
    office.messages.blobs.put(&format!("mime-{id}"), mime.as_bytes()).await.unwrap();
    let has_mime = sql!("UPDATE message SET content = 'mime' WHERE id = $1");
    office.console.shell.db.execute(has_mime, args![id]).await.unwrap();
    let source = owner.get(&format!("/messages/{id}/source")).await;
    check(&source, ".eml");
    assert_eq!((&*source.body, &source.headers["content-type"]), (mime, &"message/rfc822".parse().unwrap()));
    let file = owner.get(&format!("/messages/{id}/attachments/0")).await;
    check(&file, "x.html");
    assert_eq!(file.headers["content-type"], "application/octet-stream");
    let nobody = owner.get(&format!("/messages/{}/source", Uuid::now_v7())).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

/// Promise: a search finds what stands in subject, sender, issue and state, and where it is wished in the text; a source can be chosen.
#[tokio::test]
async fn a_search_finds_what_people_remember() {
    for office in Office::all().await {
        let (there, _) = held_mails(&office, &["printer on fire"]).await;
        let other = Connected { source: office.second_source(there, "Archive").await, ..there };
        office.record_of(other, "toner", "bob@fabrikam.test", &[]).await;
        let mut owner = office.console.owner().await;
        for (query, printer, toner) in [
            ("q=fire+anna", true, false),
            ("q=FABRIKAM", false, true),
            ("q=held", true, false),
            ("q=there", false, false),
            ("q=there&text=yes", true, true),
            ("q=there+toner&text=yes", false, true),
            ("q=nowhere&text=yes", false, false),
        ] {
            let page = owner.get(&format!("/messages?{query}")).await;
            let shows = |subject: &str| page.body.contains(&format!("{subject}</a>"));
            assert_eq!(
                (shows("printer on fire"), shows("toner")),
                (printer, toner),
                "{query}: {}",
                page.body
            );
        }
        let page = owner.get(&format!("/messages?source={}", other.source)).await;
        assert!(
            page.body.contains("toner</a>") && !page.body.contains("printer on fire</a>"),
            "{}",
            page.body
        );
        assert!(page.body.contains("support@contoso.test, Archive"), "{}", page.body);
    }
}
