//! Mails of one conversation, over Graph and over EWS; and answers to closed issues, with the process killed at each moment of
//! opening one again and of linking with it (row I9). Over Graph on both databases, over EWS on SQLite.

#![allow(
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test that takes a while tells what it does"
)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::process::{Serve, Setup, Sim, tail};
use postroom::demo::browser::Browser;
use postroom::demo::connect::{self, Wishes};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use store::testing::{TestDb, TestFolder};
use store::{args, sql};
use tokio::time::Instant;

const MAILBOX: &str = "support@contoso.test";

/// How the mailbox is reached.
#[derive(Clone, Copy, Debug)]
enum Over {
    Graph,
    Ews,
}

struct World {
    sim: Sim,
    setup: Setup,
    serve: Serve,
    database: Option<TestDb>,
    _folder: TestFolder,
}

/// A mail in the words that count here.
struct Post<'a> {
    id: &'a str,
    from: &'a str,
    cc: &'a str,
    subject: &'a str,
    more: &'a str,
}

impl World {
    /// A source whose mail is handled by a profile with this table.
    async fn new(over: Over, database: Option<TestDb>, threads: &str) -> Result<Self> {
        let folder = TestFolder::new();
        let sim = Sim::start(&["--no-quotas"]).await?;
        let url = match database.as_ref().map(|database| &database.url) {
            Some(store::StoreUrl::Postgres(url)) => Some(url.expose_secret()),
            Some(_) => anyhow::bail!("not PostgreSQL"),
            None => None,
        };
        let setup = Setup::new(folder.path(), &sim.ready, url)?;
        let mut serve = setup.serve("")?;
        serve.ready().await?;
        let (link, console) = (serve.setup_link().await?, setup.url()?);
        let wishes = Wishes { profile: "desk".to_owned(), ..Wishes::everything(MAILBOX, "SUP", "Task") };
        let mut browser = Browser::new(connect::http()?);
        connect::make_owner(&mut browser, &link).await?;
        connect::write_profile(&mut browser, &console, &format!("profile = \"desk\"\n{threads}")).await?;
        let page = connect::sign_in(&mut browser, &console, &wishes).await?;
        match over {
            Over::Graph => connect::confirm(&mut browser, &console, page, &wishes).await.map(drop)?,
            Over::Ews => {
                connect::create_over_ews(&mut browser, &console, &wishes, "admin@contoso.test").await?;
            }
        }
        Ok(Self { sim, setup, serve, database, _folder: folder })
    }

    async fn deliver(&self, post: &Post<'_>) -> Result<()> {
        let Post { id, from, cc, subject, more } = post;
        // What the receiving Exchange writes on top of a mail whose domain vouches for it.
        let raw = format!(
            "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=customer.example; \
             dkim=pass (signature was verified) header.d=customer.example; dmarc=pass action=none \
             header.from=customer.example; compauth=pass reason=100\r\nFrom: {from}@customer.example\r\nTo: {MAILBOX}\r\n\
             Cc: {cc}@customer.example\r\nSubject: {subject}\r\nMessage-ID: <{id}@customer.example>\r\n{more}\r\nmail {id}.\r\n"
        );
        self.sim.control.deliver(MAILBOX, raw.into_bytes()).await.map(drop)
    }

    /// Waits for the issues to be so.
    async fn until(&self, what: &str, so: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            let issues = self.sim.control.issues().await?;
            if so(&issues) {
                return Ok(issues);
            }
            ensure!(Instant::now() < until, "{what}: {issues:#?}\n{}", tail(&self.setup.log()));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn close(&self, key: &str) -> Result<()> {
        let ready = &self.sim.ready;
        let url = format!("{}/rest/api/3/issue/{key}/transitions", ready.jira.trim_end_matches('/'));
        let request = reqwest::Client::new().post(url).basic_auth(&ready.jira_user, Some(&ready.jira_token));
        let answer = request.json(&json!({ "transition": { "id": "31" } })).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        Ok(())
    }
}

fn comments(issue: &Value) -> usize {
    issue["comments"].as_array().map_or(0, Vec::len)
}

async fn people_in_copy_end_up_in_one_issue(over: Over, database: Option<TestDb>) -> Result<()> {
    let world = World::new(over, database, "").await?;
    let ada = Post { id: "a1", from: "ada", cc: "bob", subject: "Printer", more: "" };
    world.deliver(&ada).await?;
    world.until("an issue", |issues| issues.len() == 1).await?;
    // A program that writes no In-Reply-To: the mailbox groups its mail all the same.
    let again = Post { id: "a2", from: "ada", cc: "bob", subject: "Re: Printer", more: "" };
    world.deliver(&again).await?;
    world.until("a comment", |issues| comments(&issues[0]) == 1).await?;
    // Both answer a mail that never came here.
    for (id, from, cc) in [("c1", "carol", "dave"), ("d1", "dave", "carol")] {
        let more = "In-Reply-To: <never-here@customer.example>\r\n";
        world.deliver(&Post { id, from, cc, subject: "Re: Scanner", more }).await?;
    }
    let issues = world.until("two issues", |issues| issues.len() == 2 && comments(&issues[1]) == 1).await?;
    // Something new in an old conversation.
    let more = "References: <never-here@customer.example>\r\n";
    world.deliver(&Post { id: "c2", from: "carol", cc: "dave", subject: "Lunch", more }).await?;
    world.until("a third issue", |issues| issues.len() == 3).await?;
    ensure!(comments(&issues[0]) == 1, "{issues:#?}");
    Ok(())
}

/// Closes an issue, has its answer handled by a process that dies at the failpoint, and by another one after it.
async fn killed_at(failpoint: &str, closed: &str, over: Over, database: Option<TestDb>) -> Result<()> {
    let mut world = World::new(over, database, &format!("[threads]\nclosed = \"{closed}\"\n")).await?;
    world.deliver(&Post { id: "a1", from: "ada", cc: "bob", subject: "Printer", more: "" }).await?;
    let first = world.until("an issue", |issues| issues.len() == 1).await?.remove(0);
    world.close(first["key"].as_str().context("a key")?).await?;
    world.serve.kill().await?;
    // On PostgreSQL a node that is gone keeps its claim on the source for two minutes, where it was just polling: they are over.
    if let Some(database) = &world.database {
        database.db.execute(sql!("UPDATE source SET lease_until = 0"), args![]).await?;
    }
    world.serve = world.setup.serve(&format!("{failpoint}=exit"))?;
    let more = "In-Reply-To: <a1@customer.example>\r\n";
    world.deliver(&Post { id: "a2", from: "ada", cc: "bob", subject: "Re: Printer", more }).await?;
    let status = world.serve.ends(Duration::from_secs(30)).await;
    let status = status.with_context(|| format!("{failpoint} was never reached"))?;
    ensure!(!status.success());
    world.serve = world.setup.serve("")?;
    world.serve.ready().await?;
    let is_done = |issues: &[Value]| match closed {
        "reopen" => {
            issues[0]["statuses"] == json!(["Done", "To Do"])
                && comments(&issues[0]) == 1
                && issues.len() == 1
        }
        _ => issues.len() == 2 && issues[1]["links"] == json!([{ "type": "Relates", "issue": first["id"] }]),
    };
    world.until(failpoint, is_done).await?;
    // What is doubled comes late: look once more after another quarantine.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let issues = world.sim.control.issues().await?;
    ensure!(is_done(&issues), "{failpoint}: {issues:#?}\n{}", tail(&world.setup.log()));
    world.serve.kill().await
}

macro_rules! killed_at {
    ($($test:ident: $failpoint:literal, $closed:literal;)*) => {
        mod over_graph {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn people_in_copy_end_up_in_one_issue() -> Result<()> {
                super::people_in_copy_end_up_in_one_issue(Over::Graph, None).await
            }

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    killed_at($failpoint, $closed, Over::Graph, None).await
                }
            )*
        }

        mod over_ews {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn people_in_copy_end_up_in_one_issue() -> Result<()> {
                super::people_in_copy_end_up_in_one_issue(Over::Ews, None).await
            }

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    killed_at($failpoint, $closed, Over::Ews, None).await
                }
            )*
        }

        mod on_postgresql {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn people_in_copy_end_up_in_one_issue() -> Result<()> {
                let Some(database) = TestDb::postgres().await else { return Ok(()) };
                super::people_in_copy_end_up_in_one_issue(Over::Graph, Some(database)).await
            }

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    let Some(database) = TestDb::postgres().await else { return Ok(()) };
                    killed_at($failpoint, $closed, Over::Graph, Some(database)).await
                }
            )*
        }
    };
}

killed_at! {
    i9_transition_before: "I9.transition.before", "reopen";
    i9_transition_sent: "I9.transition.sent", "reopen";
    i9_transition_replied: "I9.transition.replied", "reopen";
    i9_link_before: "I9.link.before", "new";
    i9_link_sent: "I9.link.sent", "new";
    i9_link_replied: "I9.link.replied", "new";
}
