//! Sources over Exchange Web Services: mail becomes issues as over Graph, and a source that is moved to Graph, killed on the way
//! or not, handles nothing twice and loses nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::mails::Sent;
use e2e::process::{Serve, Setup, Sim, tail};
use e2e::truth;
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
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            ensure!(Instant::now() < until, "{what}: not in 40 s\n{}", tail(&self.setup.log()));
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

/// Mail before, while EWS is barred, and after: all of it is handled once, with its attachments, marked as read, and ends over Graph.
async fn converted(failpoint: Option<&str>) -> Result<()> {
    let mut world = world().await?;
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
    if let Some(failpoint) = failpoint {
        world.serve.kill().await?;
        world.serve = world.setup.serve(&format!("{failpoint}=exit"))?;
        world.serve.ready().await?;
        let (status, said) = world.setup.run(&["sources", "convert", &id]).await?;
        ensure!(!status.success(), "{failpoint} was not reached: {said}");
        let status = world.serve.ends(Duration::from_secs(10)).await?;
        ensure!(!status.success());
        world.serve = world.setup.serve("")?;
        world.serve.ready().await?;
        let listed = world.sources().await?;
        ensure!(listed["sources"][0]["connection_type"] == "ews", "nothing is switched by halves: {listed}");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_source_moves_to_graph_where_ews_is_barred() -> Result<()> {
    converted(None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_killed_after_the_aliases_of_a_batch() -> Result<()> {
    converted(Some("C1")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_killed_before_the_switch() -> Result<()> {
    converted(Some("C2")).await
}
