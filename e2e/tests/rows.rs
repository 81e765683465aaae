//! The rows of the crash table that are not a death of the process: an issue that is gone (I11), a node that sleeps through
//! its lease (I12), a full disk (I13), a failed fsync (I14), a reset delta (I2), and a fault of the other side, which holds no
//! mail.

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

async fn world(failpoints: &str) -> Result<World> {
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, None)?;
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let link = serve.setup_link().await?;
    connect::connect(&setup.url()?, &link, &Wishes::everything(MAILBOX, "SUP", "Task")).await?;
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

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_reset_delta_reads_everything_into_the_same_keys() -> Result<()> {
    let world = world("").await?;
    let sent = vec![world.send(0, None).await?, world.send(1, None).await?];
    world.issues(2).await?;
    world.sim.control.post("/delta/reset", &json!({ "mailbox": MAILBOX })).await?;
    let third = world.send(2, None).await?;
    world.issues(3).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let all = [sent, vec![third]].concat();
    assert_eq!(truth::compare(&all, &world.sim.control.issues().await?), Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_deleted_issue_leads_to_a_new_one_never_to_silence() -> Result<()> {
    let world = world("").await?;
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

#[tokio::test(flavor = "multi_thread")]
async fn i12_a_node_that_sleeps_through_its_lease_writes_nothing_twice() -> Result<()> {
    let world = world("I12=sleep:4000*1").await?;
    let sent = vec![world.send(0, None).await?];
    world.issues(1).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_full_disk_writes_nothing_to_jira_and_heals_by_itself() -> Result<()> {
    let world = world("I13=fail*3").await?;
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

#[tokio::test(flavor = "multi_thread")]
async fn i14_a_failed_fsync_stops_the_process() -> Result<()> {
    let mut world = world("I14=fail").await?;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_jira_that_refuses_its_token_holds_no_mail_and_resumes_by_itself() -> Result<()> {
    let world = world("").await?;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_graph_is_waited_for() -> Result<()> {
    let world = world("").await?;
    world
        .sim
        .control
        .fault(json!({ "service": "graph", "kind": "status", "status": 429, "retry_after": 1, "count": 3 }))
        .await?;
    let sent = vec![world.send(0, None).await?];
    world.issues(1).await?;
    assert_eq!(truth::compare(&sent, &world.sim.control.issues().await?), Vec::<String>::new());
    Ok(())
}

/// A page that fails as a whole because of one corrupt mail is got around: the others become issues, the one is held.
#[tokio::test(flavor = "multi_thread")]
async fn one_corrupt_mail_does_not_stop_its_folder() -> Result<()> {
    let world = world("").await?;
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
