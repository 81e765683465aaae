//! Every request that Postroom sends to Graph and Jira, and every answer of the simulator, against the published schemas; and
//! what the logs must never hold.

#![allow(
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test that takes a while tells what it does"
)]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::mails::conversation;
use e2e::openapi::check_recording;
use e2e::process::{Setup, Sim, tail};
use e2e::truth;
use postroom::demo::connect::{self, Wishes};
use postroom::demo::samples;
use rand::SeedableRng;
use rand::rngs::StdRng;
use store::testing::TestFolder;
use tokio::time::Instant;

const MAILBOX: &str = "support@contoso.test";

fn specs() -> PathBuf {
    let shared = std::env::var_os("POSTROOM_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    shared.join("specs")
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_follows_the_published_schemas_and_logs_hold_no_secret() -> Result<()> {
    let folder = TestFolder::new();
    let recording = folder.path().join("traffic.jsonl");
    let sim = Sim::start(&["--record", &recording.display().to_string()]).await?;
    let mut setup = Setup::new(folder.path(), &sim.ready, None)?;
    setup.variables.push(("POSTROOM_LOG_LEVEL".to_owned(), "debug".to_owned()));
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let link = serve.setup_link().await?;
    connect::connect(&setup.url()?, &link, &Wishes::everything(MAILBOX, "SUP", "Task")).await?;
    let sent = conversation(12, "traffic", &mut StdRng::seed_from_u64(7));
    for mail in &sent {
        sim.control.deliver(MAILBOX, mail.raw.clone()).await?;
    }
    let now = "2026-11-24T10:00:00Z".parse()?;
    for (_, raw) in samples::all(MAILBOX, now) {
        sim.control.deliver(MAILBOX, raw).await?;
    }
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let wrong = truth::compare(&sent, &sim.control.issues().await?);
        if wrong.is_empty() {
            break;
        }
        ensure!(Instant::now() < until, "{wrong:?}\n{}", tail(&setup.log()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Let the marks go through as well: they are traffic.
    let marked = async || -> Result<bool> {
        Ok(sim.control.messages(MAILBOX).await?.iter().filter(|mail| mail["is_read"] == true).count()
            >= sent.len())
    };
    while !marked().await? {
        ensure!(Instant::now() < until, "handled mail is not marked:\n{}", tail(&setup.log()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let secrets =
        [sim.ready.client_secret.clone(), sim.ready.jira_token.clone(), connect::PASSWORD.to_owned()];
    serve.kill().await?;
    sim.stop().await?;

    let log = setup.log();
    for secret in &secrets {
        ensure!(!log.contains(secret.as_str()), "the log holds a secret");
    }
    ensure!(!log.contains("Bearer "), "the log holds a token");
    for mail in &sent {
        ensure!(!log.contains(&format!("mail number {}.", mail.number)), "the log holds a mail's body");
    }

    if !specs().is_dir() {
        println!("skipped: traffic against the published schemas (shared data not present)");
        return Ok(());
    }
    let report = check_recording(&recording, &specs())?;
    println!("{} exchanges checked, {} without a schema", report.checked, report.unmatched.len());
    ensure!(report.checked > 40, "hardly anything was checked: {report:?}");
    ensure!(
        report.violations.is_empty(),
        "{} violations, the first: {:#?}",
        report.violations.len(),
        report.violations.iter().take(5).collect::<Vec<_>>()
    );
    Ok(())
}
