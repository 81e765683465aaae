//! Sources over Exchange Web Services: mail becomes issues as over Graph, and a source that is moved to Graph handles nothing twice and
//! loses nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::mails::Sent;
use e2e::process::{Serve, Setup, Sim, tail};
use e2e::truth;
use postroom::demo::browser::Browser;
use postroom::demo::connect::{self, Wishes};
use serde_json::{Value, json};
use store::testing::TestFolder;
use tokio::time::Instant;

const MAILBOX: &str = "support@contoso.test";

struct World {
    sim: Sim,
    setup: Setup,
    serve: Serve,
    _folder: TestFolder,
}

async fn world() -> Result<World> {
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, None)?;
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let link = serve.setup_link().await?;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    connect::connect_over_ews(&setup.url()?, &link, &wishes, "admin@contoso.test").await?;
    Ok(World { sim, setup, serve, _folder: folder })
}

/// A mailbox that was read over Graph, two mails of which became issues, and is read over EWS now.
async fn world_over_graph_then_ews() -> Result<World> {
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, None)?;
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let link = serve.setup_link().await?;
    let (url, wishes) = (setup.url()?, Wishes::everything(MAILBOX, "SUP", "Task"));
    let mut browser = Browser::new(connect::http()?);
    connect::make_owner(&mut browser, &link).await?;
    let page = connect::sign_in(&mut browser, &url, &wishes).await?;
    connect::confirm(&mut browser, &url, page, &wishes).await?;
    let world = World { sim, setup, serve, _folder: folder };
    let sent = [mail(0, None, true), mail(1, None, false)];
    for mail in &sent {
        world.send(mail).await?;
    }
    world.all_once(&sent).await?;
    let list = browser.open(&url.join("/sources")?).await?;
    let remove =
        list.forms.iter().find(|form| form.action.path().ends_with("/remove")).context("a button")?;
    browser.submit(remove).await?;
    connect::create_over_ews(&mut browser, &url, &wishes, "admin@contoso.test").await?;
    Ok(world)
}

fn mail(number: usize, parent: Option<usize>, file: bool) -> Sent {
    let answers = parent.map(|p| format!("In-Reply-To: <ews-{p}@customer.example>\r\n")).unwrap_or_default();
    let head = format!(
        "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: over EWS {number}\r\nMessage-ID: <ews-{number}@customer.example>\r\n\
         {answers}MIME-Version: 1.0\r\n"
    );
    let text = format!("mail number {number}.\r\n");
    let raw = if file {
        format!(
            "{head}Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\
             --b\r\nContent-Type: text/plain; name=\"a.txt\"\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n\r\ncontent\r\n--b--\r\n"
        )
    } else {
        format!("{head}Content-Type: text/plain\r\n\r\n{text}")
    };
    Sent {
        number,
        message_id: format!("ews-{number}@customer.example"),
        parent,
        files: if file { vec![("a.txt".to_owned(), "content".to_owned())] } else { Vec::new() },
        raw: raw.into_bytes(),
    }
}

impl World {
    async fn send(&self, sent: &Sent) -> Result<()> {
        self.sim.control.deliver(MAILBOX, sent.raw.clone()).await.map(drop)
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
        self.until_within(what, Duration::from_secs(40), look).await
    }

    async fn until_within<T>(
        &self,
        what: &str,
        within: Duration,
        look: impl AsyncFn() -> Result<Option<T>>,
    ) -> Result<T> {
        let until = Instant::now() + within;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            ensure!(Instant::now() < until, "{what}: not in {within:?}\n{}", tail(&self.setup.log()));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until all of these are in Jira, each once.
    async fn all_once(&self, sent: &[Sent]) -> Result<()> {
        self.until("every mail in Jira", async || {
            Ok(truth::compare(sent, &self.sim.control.issues().await?).is_empty().then_some(()))
        })
        .await
    }

    /// The only source's id.
    async fn source(&self) -> Result<String> {
        let listed = self.sources().await?;
        Ok(listed["sources"][0]["id"].as_str().context("a source")?.to_owned())
    }

    /// The messages in a state.
    async fn messages(&self, state: &str) -> Result<Vec<Value>> {
        let (status, said) = self.setup.run(&["messages", "list", "--state", state, "--json"]).await?;
        ensure!(status.success(), "{said}");
        let listed: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
        listed["messages"].as_array().cloned().with_context(|| said)
    }

    async fn sources(&self) -> Result<Value> {
        let (status, said) = self.setup.run(&["sources", "list", "--json"]).await?;
        ensure!(status.success(), "{said}");
        serde_json::from_str(&said).with_context(|| said)
    }

    /// Polls that came to their end since, as the simulator counts EWS's requests.
    async fn another_round(&self) -> Result<()> {
        self.sim.control.delete("/ews/requests").await?;
        self.until("two more polls", async || {
            let asked = self.sim.control.get("/ews/requests").await?.to_string();
            Ok((asked.matches("SyncFolderItems").count() >= 2).then_some(()))
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_over_ews_becomes_an_issue_and_its_reply_a_comment() -> Result<()> {
    let world = world().await?;
    let sent = [mail(0, None, true), mail(1, Some(0), false), mail(2, None, false)];
    for mail in &sent {
        world.send(mail).await?;
    }
    world.all_once(&sent).await?;
    // Handled mail is marked as read over EWS.
    world
        .until("handled mail is read", async || {
            let messages = world.sim.control.messages(MAILBOX).await?;
            Ok(messages
                .iter()
                .all(|message| message["is_read"] == true || message["isRead"] == true)
                .then_some(()))
        })
        .await?;
    let listed = world.sources().await?;
    ensure!(listed["sources"][0]["state"] == "online", "{listed}");
    // A folder that is listed anew, with the same ids.
    world.sim.control.post("/ews/sync/reset", &json!({ "mailbox": MAILBOX })).await?;
    world.another_round().await?;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    world.serve.kill().await
}

/// Mail before, while EWS is barred, and after: all of it is handled once, with its attachments, marked as read, and ends over Graph. (Killed
/// on the way: `convert.rs`.)
#[tokio::test(flavor = "multi_thread")]
async fn a_source_moves_to_graph_where_ews_is_barred() -> Result<()> {
    let world = world().await?;
    let mut sent = vec![mail(0, None, true), mail(1, Some(0), false)];
    for mail in &sent {
        world.send(mail).await?;
    }
    world.all_once(&sent).await?;
    world.sim.control.post("/ews/policy", &json!({ "allowed_app_ids": [] })).await?;
    let waiting = [mail(2, Some(0), false), mail(3, None, true)];
    for mail in &waiting {
        world.send(mail).await?;
    }
    sent.extend(waiting);
    world
        .until("the source says that EWS is barred", async || {
            let listed = world.sources().await?;
            Ok((listed["sources"][0]["state"] == "offline").then_some(()))
        })
        .await?;
    let id = world.source().await?;
    let (status, said) = world.setup.run(&["sources", "convert", &id]).await?;
    ensure!(status.success(), "{said}\n{}", tail(&world.setup.log()));
    ensure!(said.contains("2 ids translated"), "{said}");
    let listed = world.sources().await?;
    ensure!(listed["sources"][0]["connection_type"] == "graph", "{listed}");
    world.all_once(&sent).await?;
    sent.push(mail(4, Some(3), false));
    world.send(&sent[4]).await?;
    world.all_once(&sent).await?;
    // What is doubled comes late.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    let (status, said) = world.setup.run(&["sources", "convert", &id]).await?;
    ensure!(!status.success() && said.contains("over Graph already"), "{said}");
    world.serve.kill().await
}

/// Mail that cannot be handled yet because Jira does not take it, whose ids of EWS a person's moves have changed while EWS is barred:
/// what is told by Message-ID, time and text goes on; what is not is held, says what to do, and becomes an issue by a retry.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_held_and_nothing_is_lost() -> Result<()> {
    let world = world().await?;
    world.sim.control.post("/jira/tokens", &json!({ "revoke": true })).await?;
    // The first one stops the destination; those after it wait, and nothing of them is begun.
    let stopper = mail(3, None, false);
    world.send(&stopper).await?;
    world
        .until("the destination is stopped", async || {
            Ok(world.setup.log().contains("the destination is stopped").then_some(()))
        })
        .await?;
    let like = |number: usize, id: &str, text: &str| {
        Sent {
        number,
        message_id: id.to_owned(),
        parent: None,
        files: Vec::new(),
        raw: format!(
            "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: alike {number}\r\nMessage-ID: <{id}>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/{}\r\n\r\nmail number {number}. {text}\r\n",
            if text.contains('<') { "html" } else { "plain" }
        )
        .into_bytes(),
    }
    };
    // Two with one Message-ID: the text tells them apart. The third will be another one.
    let alike = [
        like(0, "alike@customer.example", "The first."),
        like(1, "alike@customer.example", "<p>The <b>second</b> &amp; the last.</p>"),
        like(2, "changed@customer.example", "As it came."),
    ];
    let at = "2026-11-20T10:00:00Z";
    let mut ids = Vec::new();
    for mail in &alike {
        let made = world.sim.control.deliver_at(MAILBOX, mail.raw.clone(), "inbox", at).await?;
        ids.push(made["ews_id"].as_str().context("an id")?.to_owned());
    }
    world
        .until("all are recorded", async || {
            let listed = world.messages("ready").await?;
            Ok((listed.len() == alike.len()).then_some(()))
        })
        .await?;
    world.sim.control.post("/ews/policy", &json!({ "allowed_app_ids": [] })).await?;
    // Moved away and back: other ids of EWS, the same ones of Graph.
    for id in &ids[..2] {
        let moved = world.sim.control.move_message(MAILBOX, id, "archive").await?;
        world.sim.control.move_message(MAILBOX, moved["ews_id"].as_str().context("an id")?, "inbox").await?;
    }
    world.sim.control.remove_message(MAILBOX, &ids[2]).await?;
    let other = like(4, "changed@customer.example", "Another text.");
    world.sim.control.deliver_at(MAILBOX, other.raw.clone(), "inbox", at).await?;

    let id = world.source().await?;
    let (status, said) = world.setup.run(&["sources", "convert", &id, "--json"]).await?;
    ensure!(status.success(), "{said}\n{}", tail(&world.setup.log()));
    let done: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    ensure!(done["state"] == "done" && done["matched"] == 2 && done["held"] == 1, "{said}");
    world
        .until("what lies in the mailbox in its place is held too", async || {
            Ok((world.messages("held").await?.len() == 2).then_some(()))
        })
        .await?;
    let held = world.messages("held").await?;
    let reasons: Vec<&str> = held.iter().filter_map(|mail| mail["reason"].as_str()).collect();
    ensure!(
        reasons.iter().all(|reason| reason.to_lowercase().contains("retry") && reason.contains("discard")),
        "{reasons:?}"
    );
    let (before, after): (Vec<&Value>, Vec<&Value>) = held
        .iter()
        .partition(|mail| mail["reason"].as_str().is_some_and(|reason| reason.contains("moved to Graph")));
    ensure!(before.len() == 1 && after.len() == 1, "{reasons:?}");
    for (mail, what) in [(before[0], "retry"), (after[0], "discard")] {
        let id = mail["id"].as_str().context("an id")?;
        let (status, said) = world.setup.run(&["messages", what, id]).await?;
        ensure!(status.success(), "{said}");
    }
    world.sim.control.post("/jira/tokens", &json!({ "revoke": false })).await?;
    let sent = [&alike[..], &[stopper]].concat();
    // Jira is tried again slowly: within a minute and a little.
    world
        .until_within("every mail in Jira", Duration::from_secs(90), async || {
            Ok(truth::compare(&sent, &world.sim.control.issues().await?).is_empty().then_some(()))
        })
        .await?;
    ensure!(world.sim.control.issues().await?.len() == sent.len(), "the discarded one makes no issue");
    world.serve.kill().await
}

/// A source over EWS whose folder was read over Graph before, by a source that was removed since: it is moved there, what either has
/// read stays known, and nothing is handled twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_source_over_graph_is_taken_over() -> Result<()> {
    let world = world_over_graph_then_ews().await?;
    let sent = [mail(0, None, true), mail(1, None, false)];
    world.all_once(&sent).await?;
    world.send(&mail(2, None, false)).await?;
    let sent = [mail(0, None, true), mail(1, None, false), mail(2, None, false)];
    world.all_once(&sent).await?;
    let id = world.source().await?;
    let (status, said) = world.setup.run(&["sources", "convert", &id]).await?;
    ensure!(status.success(), "{said}\n{}", tail(&world.setup.log()));
    ensure!(said.contains("1 id translated"), "the others have their ids already: {said}");
    let listed = world.sources().await?;
    ensure!(
        listed["sources"]
            .as_array()
            .is_some_and(|all| all.len() == 1 && all[0]["connection_type"] == "graph"),
        "{listed}"
    );
    let last = mail(3, Some(2), false);
    world.send(&last).await?;
    let sent = [&sent[..], &[last]].concat();
    world.all_once(&sent).await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    world.serve.kill().await
}

/// A move waits while Graph does not answer, can be given up, and the source stays with EWS until it is switched.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_waits_for_graph_and_can_be_given_up() -> Result<()> {
    let world = world().await?;
    let mut sent = vec![mail(0, None, false)];
    world.send(&sent[0]).await?;
    world.all_once(&sent).await?;
    let broken = json!({ "service": "graph", "method": "POST", "path": "translateExchangeIds$", "kind": "status", "status": 503, "retry_after": 1 });
    world.sim.control.fault(broken).await?;
    let id = world.source().await?;
    let (status, said) = world.setup.run(&["sources", "convert", &id, "--no-wait", "--json"]).await?;
    ensure!(status.success(), "{said}");
    sent.push(mail(1, None, false));
    world.send(&sent[1]).await?;
    world.all_once(&sent).await?;
    let listed = world.sources().await?;
    ensure!(listed["sources"][0]["connection_type"] == "ews", "{listed}");
    let (status, said) = world.setup.run(&["sources", "convert", &id, "--cancel"]).await?;
    ensure!(status.success() && said.contains("stays with EWS"), "{said}");
    let (status, said) = world.setup.run(&["sources", "convert", &id, "--cancel"]).await?;
    ensure!(!status.success() && said.contains("not being moved"), "{said}");
    world.sim.control.mend().await?;
    let (status, said) = world.setup.run(&["sources", "convert", &id]).await?;
    ensure!(status.success() && said.contains("2 ids translated"), "{said}\n{}", tail(&world.setup.log()));
    sent.push(mail(2, None, false));
    world.send(&sent[2]).await?;
    world.all_once(&sent).await?;
    world.serve.kill().await
}
