//! Promise 1 and 2: no mail is lost and none is acted on twice, however often the process is killed.
//!
//! `postroom serve` is killed with SIGKILL at random moments while mail with replies, replies to replies and attachments goes
//! through it, and while Jira's replies are lost after the effect; then the simulator's ground truth is compared with the
//! mailbox. The short form runs on both databases; `POSTROOM_KILLS=300 POSTROOM_MAILS=1000` is the long one.

#![allow(
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test that takes a while tells what it does"
)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::control::Control;
use e2e::mails::{Sent, conversation};
use e2e::process::{Serve, Setup, Sim, tail};
use e2e::truth;
use postroom::demo::connect::{self, Wishes};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use secrecy::ExposeSecret;
use store::testing::{TestDb, TestFolder};
use tokio::time::Instant;

/// The mailbox of the tests.
pub const MAILBOX: &str = "support@contoso.test";

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

async fn connected(setup: &Setup, serve: &mut Serve) -> Result<()> {
    serve.ready().await?;
    let link = serve.setup_link().await?;
    connect::connect(&setup.url()?, &link, &Wishes::everything(MAILBOX, "SUP", "Task")).await
}

async fn connected_over_ews(setup: &Setup, serve: &mut Serve) -> Result<()> {
    serve.ready().await?;
    let link = serve.setup_link().await?;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    connect::connect_over_ews(&setup.url()?, &link, &wishes, "admin@contoso.test").await
}

/// Waits until every mail is somewhere in Jira and nothing changes any more.
async fn settled(control: &Control, sent: &[Sent], within: Duration) -> Result<Vec<String>> {
    let until = Instant::now() + within;
    loop {
        let wrong = truth::compare(sent, &control.issues().await?);
        if wrong.is_empty() || Instant::now() > until {
            return Ok(wrong);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn killed_at_random(database: Option<&str>, kills: usize, mails: usize, seed: u64) -> Result<()> {
    println!("seed {seed}, {kills} kills, {mails} mails, {}", database.map_or("SQLite", |_| "PostgreSQL"));
    let mut rng = StdRng::seed_from_u64(seed);
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, database)?;
    let mut serve = setup.serve("")?;
    connected(&setup, &mut serve).await?;
    sim.control.lose_replies(0.04).await?;

    let sent = conversation(mails, &format!("kill-{seed}"), &mut rng);
    let mut waiting = sent.iter();
    let per_round = mails.div_ceil(kills.max(1));
    for kill in 0..kills {
        for mail in waiting.by_ref().take(per_round) {
            sim.control.deliver(MAILBOX, mail.raw.clone()).await?;
        }
        // Some lives are too short to get anywhere, some long enough to get through a quarantine of 2 s.
        let life = if kill % 8 == 7 { rng.random_range(2500..4500) } else { rng.random_range(150..1300) };
        tokio::time::sleep(Duration::from_millis(life)).await;
        ensure!(serve.runs()?, "postroom serve ended by itself:\n{}", tail(&setup.log()));
        serve.kill().await?;
        serve = setup.serve("")?;
    }
    for mail in waiting {
        sim.control.deliver(MAILBOX, mail.raw.clone()).await?;
    }
    serve.ready().await?;
    sim.control.mend().await?;
    let wrong = settled(&sim.control, &sent, Duration::from_secs(90 + mails as u64 / 4)).await?;
    // What is doubled comes late: look once more after another quarantine.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let late = truth::compare(&sent, &sim.control.issues().await?);
    ensure!(
        wrong.is_empty() && late.is_empty(),
        "{}\n{}\n{}",
        wrong.join("\n"),
        late.join("\n"),
        tail(&setup.log())
    );
    serve.kill().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_on_sqlite() -> Result<()> {
    killed_at_random(None, number("POSTROOM_KILLS", 40), number("POSTROOM_MAILS", 160), seed()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_on_postgresql() -> Result<()> {
    let Some(database) = TestDb::postgres().await else { return Ok(()) };
    let store::StoreUrl::Postgres(url) = &database.url else { anyhow::bail!("not PostgreSQL") };
    killed_at_random(
        Some(url.expose_secret()),
        number("POSTROOM_KILLS", 40),
        number("POSTROOM_MAILS", 160),
        seed(),
    )
    .await
}

/// From the clock, and printed: a failure can be run again with `POSTROOM_SEED`.
fn seed() -> u64 {
    std::env::var("POSTROOM_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| rand::rng().random_range(0..1_000_000))
}

/// How the mailbox is reached.
#[derive(Clone, Copy, Debug)]
enum Over {
    Graph,
    Ews,
}

/// Kills at one failpoint, starts again, and compares.
async fn killed_at(failpoint: &str, mails: Vec<Sent>, over: Over) -> Result<()> {
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, None)?;
    let mut serve = setup.serve("")?;
    match over {
        Over::Graph => connected(&setup, &mut serve).await?,
        Over::Ews => connected_over_ews(&setup, &mut serve).await?,
    }
    serve.kill().await?;
    let mut serve = setup.serve(&format!("{failpoint}=exit"))?;
    for mail in &mails {
        sim.control.deliver(MAILBOX, mail.raw.clone()).await?;
    }
    let status = serve
        .ends(Duration::from_secs(30))
        .await
        .with_context(|| format!("{failpoint} was never reached"))?;
    ensure!(!status.success());
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let wrong = settled(&sim.control, &mails, Duration::from_secs(40)).await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let late = truth::compare(&mails, &sim.control.issues().await?);
    ensure!(wrong.is_empty() && late.is_empty(), "{failpoint}: {wrong:?} {late:?}\n{}", tail(&setup.log()));
    serve.kill().await
}

fn mail(number: usize, parent: Option<usize>, files: &[&str]) -> Sent {
    let parent_line =
        parent.map(|p| format!("In-Reply-To: <point-{p}@customer.example>\r\n")).unwrap_or_default();
    let mut raw = format!(
        "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: point {number}\r\nMessage-ID: <point-{number}@customer.example>\r\n\
         {parent_line}MIME-Version: 1.0\r\n"
    );
    if files.is_empty() {
        raw.push_str(&format!("Content-Type: text/plain\r\n\r\nmail number {number}.\r\n"));
    } else {
        // The first file is an image that the text shows: its plan ends with the description.
        raw.push_str(
            "Content-Type: multipart/related; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n",
        );
        raw.push_str(&format!(
            "<p>mail number {number}.</p><img src=\"cid:one@x\" width=\"40\" height=\"20\">\r\n"
        ));
        for (n, name) in files.iter().enumerate() {
            let (kind, id) =
                if n == 0 { ("image/gif", "Content-ID: <one@x>\r\n") } else { ("text/plain", "") };
            raw.push_str(&format!(
                "--b\r\nContent-Type: {kind}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n{id}\r\nGIF89a content {n}\r\n"
            ));
        }
        raw.push_str("--b--\r\n");
    }
    Sent {
        number,
        message_id: format!("point-{number}@customer.example"),
        parent,
        files: files.iter().map(|name| ((*name).to_owned(), "content".to_owned())).collect(),
        raw: raw.into_bytes(),
    }
}

macro_rules! killed_at {
    ($($test:ident: $failpoint:literal, $mails:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() -> Result<()> {
            killed_at($failpoint, $mails, Over::Graph).await
        }
    )*
        mod over_ews {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    killed_at($failpoint, $mails, Over::Ews).await
                }
            )*
        }
        /// Every failpoint that kills has a test here.
        const TESTED: &[&str] = &[$($failpoint),*];
    };
}

killed_at! {
    i1_before_the_page_is_stored: "I1", vec![mail(0, None, &[])];
    i2_while_the_page_is_stored: "I2", vec![mail(0, None, &[])];
    i3_claimed_without_an_intent: "I3", vec![mail(0, None, &[])];
    i4_intent_committed_nothing_sent: "I4.issue", vec![mail(0, None, &[])];
    i5_request_sent_reply_lost: "I5.issue", vec![mail(0, None, &[])];
    i6_reply_received_not_committed: "I6.issue", vec![mail(0, None, &[])];
    i7_comment_before: "I7.comment.before", vec![mail(0, None, &[]), mail(1, Some(0), &[])];
    i7_comment_sent: "I7.comment.sent", vec![mail(0, None, &[]), mail(1, Some(0), &[])];
    i7_comment_replied: "I7.comment.replied", vec![mail(0, None, &[]), mail(1, Some(0), &[])];
    i8_attachment_before: "I8.attachment.before", vec![mail(0, None, &["a.gif", "b.txt", "b.txt"])];
    i8_attachment_sent: "I8.attachment.sent", vec![mail(0, None, &["a.gif", "b.txt", "b.txt"])];
    i8_attachment_replied: "I8.attachment.replied", vec![mail(0, None, &["a.gif", "b.txt", "b.txt"])];
    i9_description_before: "I9.description.before", vec![mail(0, None, &["a.gif"])];
    i9_description_sent: "I9.description.sent", vec![mail(0, None, &["a.gif"])];
    i9_description_replied: "I9.description.replied", vec![mail(0, None, &["a.gif"])];
    i10_jira_done_mail_not_marked: "I10", vec![mail(0, None, &[])];
}

/// Failpoints that have a test of their own: those that do not kill in `rows.rs`, those of a conversion in `convert.rs`, those of
/// answers to closed issues in `conversations.rs`.
const ELSEWHERE: &[&str] = &[
    "I11",
    "I12",
    "I13",
    "I14",
    "C0",
    "C1.asked",
    "C1",
    "C2.part",
    "C2",
    "C3",
    "C4",
    "I9.transition.before",
    "I9.transition.sent",
    "I9.transition.replied",
    "I9.link.before",
    "I9.link.sent",
    "I9.link.replied",
];

#[test]
fn every_failpoint_has_a_test() {
    use ledger::failpoint;
    let mut names: Vec<&str> = failpoint::OTHERS.iter().map(|(_, name)| *name).collect();
    names.extend(failpoint::CONVERSION);
    for kind in ledger::SlotKind::ALL {
        let of = failpoint::of(kind);
        names.extend([of.before.1, of.sent.1, of.replied.1]);
    }
    for name in names {
        assert!(TESTED.contains(&name) || ELSEWHERE.contains(&name), "failpoint {name} has no test");
    }
}
