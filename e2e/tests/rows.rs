//! The rows of the crash table that are not a death of the process: an issue that is gone (I11), a node that sleeps through
//! its lease (I12), a full disk (I13), a failed fsync (I14), a reset delta (I2), and a fault of the other side, which holds no
//! mail; and what happens to folders. Each over Graph and over EWS.

#![allow(
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test that takes a while tells what it does"
)]

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

/// How the mailbox is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Graph,
    Ews,
}

async fn world(over: Over, failpoints: &str) -> Result<World> {
    world_with(over, &Wishes::everything(MAILBOX, "SUP", "Task"), failpoints).await
}

/// A source of a folder of this name, which is made below the inbox where it is not there.
async fn world_of_folder(over: Over, name: &str) -> Result<World> {
    let wishes = Wishes { folder: name.to_owned(), ..Wishes::everything(MAILBOX, "SUP", "Task") };
    world_with(over, &wishes, "").await
}

async fn world_with(over: Over, wishes: &Wishes, failpoints: &str) -> Result<World> {
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, None)?;
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let link = serve.setup_link().await?;
    if wishes.folder == "Orders" {
        let folder = json!({ "name": "Orders", "parent": "inbox" });
        sim.control.post(&format!("/mailboxes/{MAILBOX}/folders"), &folder).await?;
    }
    match over {
        Over::Graph => connect::connect(&setup.url()?, &link, wishes).await?,
        Over::Ews => connect::connect_over_ews(&setup.url()?, &link, wishes, "admin@contoso.test").await?,
    }
    if !failpoints.is_empty() {
        serve.kill().await?;
        serve = setup.serve(failpoints)?;
        serve.ready().await?;
    }
    Ok(World { sim, setup, serve, _folder: folder })
}

impl World {
    async fn send(&self, number: usize, parent: Option<usize>) -> Result<Sent> {
        let answers =
            parent.map(|p| format!("In-Reply-To: <row-{p}@customer.example>\r\n")).unwrap_or_default();
        let raw = format!(
            "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: row {number}\r\nMessage-ID: <row-{number}@customer.example>\r\n\
             {answers}\r\nmail number {number}.\r\n"
        )
        .into_bytes();
        self.sim.control.deliver(MAILBOX, raw.clone()).await?;
        Ok(Sent {
            number,
            message_id: format!("row-{number}@customer.example"),
            parent,
            files: Vec::new(),
            raw,
        })
    }

    async fn until<T>(
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

    async fn issues(&self, count: usize) -> Result<Vec<Value>> {
        self.until(&format!("{count} issues"), Duration::from_secs(30), async || {
            let issues = self.sim.control.issues().await?;
            Ok((issues.len() >= count).then_some(issues))
        })
        .await
    }
}

async fn i2_a_reset_delta_reads_everything_into_the_same_keys(over: Over) -> Result<()> {
    let world = world(over, "").await?;
    let sent = vec![world.send(0, None).await?, world.send(1, None).await?];
    world.issues(2).await?;
    let reset = match over {
        Over::Graph => "/delta/reset",
        Over::Ews => "/ews/sync/reset",
    };
    world.sim.control.post(reset, &json!({ "mailbox": MAILBOX })).await?;
    let third = world.send(2, None).await?;
    world.issues(3).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let all = [sent, vec![third]].concat();
    assert_eq!(truth::compare(&all, &world.sim.control.issues().await?), Vec::<String>::new());
    Ok(())
}

async fn i11_a_deleted_issue_leads_to_a_new_one_never_to_silence(over: Over) -> Result<()> {
    let world = world(over, "").await?;
    world.send(0, None).await?;
    let issues = world.issues(1).await?;
    let key = issues[0]["key"].as_str().context("a key")?;
    world.sim.control.delete(&format!("/jira/issues/{key}")).await?;
    world.send(1, Some(0)).await?;
    let issues = world
        .until("the reply's own issue", Duration::from_secs(30), async || {
            let issues = world.sim.control.issues().await?;
            Ok(issues
                .iter()
                .any(|issue| issue["description"].to_string().contains("mail number 1."))
                .then_some(issues))
        })
        .await?;
    ensure!(issues.iter().all(|issue| issue["key"] != key));
    Ok(())
}

async fn i12_a_node_that_sleeps_through_its_lease_writes_nothing_twice(over: Over) -> Result<()> {
    let world = world(over, "I12=sleep:4000*1").await?;
    let sent = vec![world.send(0, None).await?];
    world.issues(1).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    Ok(())
}

async fn i13_a_full_disk_writes_nothing_to_jira_and_heals_by_itself(over: Over) -> Result<()> {
    let world = world(over, "I13=fail*3").await?;
    let sent = vec![world.send(0, None).await?];
    let readyz = world.setup.url()?.join("/readyz")?;
    let ready = async || -> Result<(u16, String)> {
        let answer = reqwest::get(readyz.clone()).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    };
    world
        .until("/readyz names the disk", Duration::from_secs(30), async || {
            let (status, text) = ready().await?;
            Ok((status == 503 && text.contains("\"disk\"") && text.contains("make room")).then_some(()))
        })
        .await?;
    world.issues(1).await?;
    world
        .until("ready again", Duration::from_secs(30), async || Ok((ready().await?.0 == 200).then_some(())))
        .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    ensure!(world.setup.log().contains("full"), "the full disk is said:\n{}", tail(&world.setup.log()));
    Ok(())
}

async fn i14_a_failed_fsync_stops_the_process(over: Over) -> Result<()> {
    let mut world = world(over, "I14=fail").await?;
    world.send(0, None).await?;
    let status = world.serve.ends(Duration::from_secs(30)).await?;
    ensure!(!status.success());
    ensure!(
        world.setup.log().contains("check the disk") || world.setup.log().contains("check it"),
        "{}",
        tail(&world.setup.log())
    );
    // Nothing was written on the strength of what may not be on the disk; after the restart the mail is handled once.
    let mut again = world.setup.serve("")?;
    again.ready().await?;
    world.issues(1).await?;
    again.kill().await
}

async fn a_jira_that_refuses_its_token_holds_no_mail_and_resumes_by_itself(over: Over) -> Result<()> {
    let world = world(over, "").await?;
    world.sim.control.post("/jira/tokens", &json!({ "revoke": true })).await?;
    let sent = vec![world.send(0, None).await?, world.send(1, None).await?];
    world
        .until("the destination says that it is stopped", Duration::from_secs(30), async || {
            Ok(world.setup.log().contains("the destination is stopped").then_some(()))
        })
        .await?;
    assert_eq!(world.sim.control.issues().await?.len(), 0);
    world.sim.control.post("/jira/tokens", &json!({ "revoke": false })).await?;
    // Tried again slowly: within a minute and a little.
    let issues = world
        .until("both issues", Duration::from_secs(90), async || {
            let issues = world.sim.control.issues().await?;
            Ok((issues.len() == 2).then_some(issues))
        })
        .await?;
    assert_eq!(truth::compare(&sent, &issues), Vec::<String>::new());
    Ok(())
}

async fn a_throttled_mailbox_is_waited_for(over: Over) -> Result<()> {
    let world = world(over, "").await?;
    match over {
        Over::Graph => {
            let busy =
                json!({ "service": "graph", "kind": "status", "status": 429, "retry_after": 1, "count": 3 });
            world.sim.control.fault(busy).await?;
        }
        Over::Ews => {
            let busy = json!({ "as": "fault", "code": "ErrorServerBusy", "back_off_ms": 1_000, "count": 3 });
            world.sim.control.post("/ews/answers", &busy).await?;
        }
    }
    let sent = vec![world.send(0, None).await?];
    world.issues(1).await?;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    Ok(())
}

/// Graph answers 404 for a mailbox, too: the MIME is asked for again, and no attachment is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_not_found_for_a_while_loses_no_attachment() -> Result<()> {
    let world = world(Over::Graph, "").await?;
    let not_found = json!({
        "service": "graph", "method": "GET", "path": "/\\$value$", "kind": "status", "status": 404,
        "code": "ErrorNonExistentMailbox", "count": 1,
    });
    world.sim.control.fault(not_found).await?;
    let raw = format!(
        "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: with a file\r\nMessage-ID: <file@customer.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         mail number 0.\r\n--b\r\nContent-Type: text/plain; name=notes.txt\r\n\
         Content-Disposition: attachment; filename=notes.txt\r\n\r\nnotes\r\n--b--\r\n"
    );
    world.sim.control.deliver(MAILBOX, raw.into_bytes()).await?;
    let issue = world.issues(1).await?.remove(0);
    let key = issue["key"].as_str().context("a key")?;
    world
        .until("the attachment", Duration::from_secs(20), async || {
            let issues = world.sim.control.issues().await?;
            let issue = issues.iter().find(|issue| issue["key"] == key).context("the issue")?;
            Ok((issue["attachments"][0]["filename"] == "notes.txt").then_some(()))
        })
        .await?;
    ensure!(world.setup.log().contains("waiting for the other side"), "{}", tail(&world.setup.log()));
    Ok(())
}

/// A page that fails as a whole because of one corrupt mail is got around: the others become issues, the one is held.
async fn one_corrupt_mail_does_not_stop_its_folder(over: Over) -> Result<()> {
    match over {
        Over::Graph => a_corrupt_mail_over_graph().await,
        Over::Ews => a_corrupt_mail_over_ews().await,
    }
}

async fn a_corrupt_mail_over_graph() -> Result<()> {
    let world = world(Over::Graph, "").await?;
    let corrupt = |path: &str, count: Option<u64>| {
        let mut rule = json!({
            "service": "graph", "method": "GET", "path": path, "kind": "status", "status": 500, "code": "ErrorItemCorrupt",
        });
        if let Some(count) = count {
            rule["count"] = json!(count);
        }
        rule
    };
    // Its MIME cannot be converted, its fields cannot be told, and neither can the page that it stands on.
    world.sim.control.fault(corrupt("/\\$value$", None)).await?;
    world.sim.control.fault(corrupt("/(me|users/[^/]+)/messages/[^/]+$", Some(1))).await?;
    world.sim.control.fault(corrupt("/messages/delta$", Some(1))).await?;
    for number in 0..3 {
        world.send(number, None).await?;
    }
    world.issues(2).await?;
    world
        .until("the corrupt mail is held", Duration::from_secs(30), async || {
            Ok(world.setup.log().contains("the mailbox tells neither its fields nor its MIME").then_some(()))
        })
        .await?;
    assert_eq!(world.sim.control.issues().await?.len(), 2);
    ensure!(world.setup.log().contains("listing ids alone"), "{}", tail(&world.setup.log()));
    Ok(())
}

async fn a_corrupt_mail_over_ews() -> Result<()> {
    let mut world = world(Over::Ews, "").await?;
    // It lies there before anybody looks.
    world.serve.kill().await?;
    let raw = |number: usize| {
        format!(
            "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: row {number}\r\nMessage-ID: <row-{number}@customer.example>\r\n\r\nmail number {number}.\r\n"
        )
        .into_bytes()
    };
    for number in 0..3 {
        let made = world.sim.control.deliver(MAILBOX, raw(number)).await?;
        if number == 1 {
            // Nothing of its content can be read, and what asks for the MIME of several fails as a whole.
            let id = made["ews_id"].as_str().context("an id")?;
            world
                .sim
                .control
                .post(&format!("/mailboxes/{MAILBOX}/damage"), &json!({ "id": id, "as": "batch" }))
                .await?;
        }
    }
    world.serve = world.setup.serve("")?;
    world.serve.ready().await?;
    world.issues(2).await?;
    world
        .until("the corrupt mail is held", Duration::from_secs(30), async || {
            Ok(world.setup.log().contains("the mailbox tells neither its fields nor its MIME").then_some(()))
        })
        .await?;
    assert_eq!(world.sim.control.issues().await?.len(), 2);
    Ok(())
}

/// A folder that vanishes stops its source, which says so and what to do; the mail that was read before is handled.
async fn a_folder_that_vanishes_stops_its_source_and_says_so(over: Over) -> Result<()> {
    let world = world_of_folder(over, "Orders").await?;
    let into = |number: usize| {
        format!(
            "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: row {number}\r\nMessage-ID: <row-{number}@customer.example>\r\n\r\nmail number {number}.\r\n"
        )
        .into_bytes()
    };
    world.sim.control.deliver_at(MAILBOX, into(0), "Inbox/Orders", "2026-11-20T10:00:00Z").await?;
    world.issues(1).await?;
    world.sim.control.delete(&format!("/mailboxes/{MAILBOX}/folders/Inbox/Orders")).await?;
    let said = world
        .until("the source says that its folder is gone", Duration::from_secs(30), async || {
            let (status, said) = world.setup.run(&["sources", "list", "--json"]).await?;
            ensure!(status.success(), "{said}");
            let listed: Value = serde_json::from_str(&said)?;
            let source = listed["sources"][0].clone();
            Ok((source["state"] == "offline").then_some(source))
        })
        .await?;
    let cause = said["fault"]["cause"].as_str().unwrap_or_default().to_lowercase();
    ensure!(cause.contains("folder"), "{said}");
    ensure!(said["fault"]["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{said}");
    // Stopped for that reason, and told: the notice stands in the console.
    let (status, notices) = world.setup.run(&["notices", "list", "--json"]).await?;
    ensure!(status.success() && notices.to_lowercase().contains("folder"), "{notices}");
    Ok(())
}

/// Junk can be a source: what Exchange sorted out becomes an issue like any other mail.
async fn junk_can_be_a_source(over: Over) -> Result<()> {
    let world = world_of_folder(over, "Junk Email").await?;
    let raw = format!(
        "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: row 0\r\nMessage-ID: <row-0@customer.example>\r\n\r\nmail number 0.\r\n"
    );
    world.sim.control.deliver_at(MAILBOX, raw.into_bytes(), "junkemail", "2026-11-20T10:00:00Z").await?;
    // Not read: it lies elsewhere.
    world.send(1, None).await?;
    let issues = world.issues(1).await?;
    ensure!(issues[0]["description"].to_string().contains("mail number 0."), "{issues:?}");
    world
        .until("it is marked where it lies", Duration::from_secs(30), async || {
            let messages = world.sim.control.messages(MAILBOX).await?;
            Ok(messages
                .iter()
                .any(|mail| mail["folder"] == "junkemail" && mail["is_read"] == true)
                .then_some(()))
        })
        .await?;
    assert_eq!(world.sim.control.issues().await?.len(), 1);
    Ok(())
}

macro_rules! over_both {
    ($($test:ident),* $(,)?) => {
        mod over_graph {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    super::$test(Over::Graph).await
                }
            )*
        }

        mod over_ews {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    super::$test(Over::Ews).await
                }
            )*
        }
    };
}

over_both! {
    i2_a_reset_delta_reads_everything_into_the_same_keys,
    i11_a_deleted_issue_leads_to_a_new_one_never_to_silence,
    i12_a_node_that_sleeps_through_its_lease_writes_nothing_twice,
    i13_a_full_disk_writes_nothing_to_jira_and_heals_by_itself,
    i14_a_failed_fsync_stops_the_process,
    a_jira_that_refuses_its_token_holds_no_mail_and_resumes_by_itself,
    a_throttled_mailbox_is_waited_for,
    one_corrupt_mail_does_not_stop_its_folder,
    a_folder_that_vanishes_stops_its_source_and_says_so,
    junk_can_be_a_source,
}
