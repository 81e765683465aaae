//! A source over EWS is moved to Graph under fire: killed at every step, with a mailbox that holds everything at once that a move can
//! meet, on both databases. After the restart everything ends: each mail has its one issue or comment, or the end that its kind has;
//! none is lost, none is doubled, and each mark is made once.

#![allow(
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test that takes a while tells what it does"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::mails::Sent;
use e2e::process::{Serve, Setup, Sim, tail};
use e2e::truth;
use postroom::demo::browser::Browser;
use postroom::demo::connect::{self, Wishes};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use store::testing::{TestDb, TestFolder};
use store::{DataFolder, Db, StoreUrl, args, sql};
use tokio::time::Instant;

const MAILBOX: &str = "support@contoso.test";
/// So that there are many batches and parts; and on PostgreSQL, where another node could be at it, the next process waits no longer.
const PACE: &str = "C.batch=1;C.parts=1;C.lease=2";
/// Every step of a move at which a process can die. Some in a later batch or part, so that what was done before counts.
const STEPS: [&str; 7] = ["C0", "C1.asked@3", "C1@2", "C2.part@2", "C2", "C3", "C4"];

// The mails, by their numbers.

/// Handled and marked long before; the second answers the first.
const KNOWN: [usize; 2] = [0, 1];
/// Handled, and the mailbox did not take the mark yet.
const MARK_DUE: usize = 2;
/// The same, and a person moved it to another folder since.
const MARK_DUE_MOVED: usize = 3;
/// The same, and a person deleted it since.
const MARK_DUE_GONE: usize = 4;
/// The same, and another mail with its Message-ID and time lies in its place.
const MARK_DUE_DOUBTFUL: usize = 5;
/// Its issue was made and Jira's answer was lost; with a file that is still to be attached. A person moved it since.
const IN_DOUBT: usize = 6;
/// Waits to be handled.
const WAITS: usize = 7;
/// The same with a file, whose MIME is not fetched yet; a person moved it to another folder.
const WAITS_MOVED: usize = 8;
/// The same; a person deleted it.
const WAITS_GONE: usize = 9;
/// Two that wait, with one Message-ID and time and different texts; moved away and back.
const ALIKE: [usize; 2] = [10, 11];
/// Waits; another mail with its Message-ID and time lies in its place.
const DOUBTFUL: usize = 12;
/// Two that wait and differ in nothing.
const COPIES: usize = 13;
/// Waits, and answers the first one.
const REPLY: usize = 14;
/// What lies in the places of the doubtful ones.
const IMPOSTORS: [usize; 2] = [15, 16];
/// Comes when the source is read over Graph.
const LATER: usize = 17;

/// What becomes of handled mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handled {
    Read,
    Category,
    Move,
}

struct World {
    sim: Sim,
    setup: Setup,
    serve: Option<Serve>,
    browser: Browser,
    handled: Handled,
    sent: BTreeMap<usize, Sent>,
    /// The ids of EWS under which they came.
    ids: BTreeMap<usize, Vec<String>>,
    database: StoreUrl,
    _folder: TestFolder,
}

fn mail(number: usize, message_id: &str, parent: Option<usize>, has_file: bool) -> Sent {
    let answers = parent.map(|p| format!("In-Reply-To: <fire-{p}@customer.example>\r\n")).unwrap_or_default();
    let head = format!(
        "From: Ada <ada@customer.example>\r\nTo: {MAILBOX}\r\nSubject: under fire {number}\r\nMessage-ID: <{message_id}@customer.example>\r\n\
         {answers}MIME-Version: 1.0\r\n"
    );
    let text = format!("mail number {number}.\r\n");
    let raw = if has_file {
        format!(
            "{head}Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\
             --b\r\nContent-Type: text/plain; name=\"a.txt\"\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n\r\ncontent\r\n--b--\r\n"
        )
    } else {
        format!("{head}Content-Type: text/plain\r\n\r\n{text}")
    };
    Sent {
        number,
        message_id: format!("{message_id}@customer.example"),
        parent,
        files: if has_file { vec![("a.txt".to_owned(), "content".to_owned())] } else { Vec::new() },
        raw: raw.into_bytes(),
    }
}

impl World {
    async fn new(database: Option<&str>, handled: Handled) -> Result<Self> {
        let folder = TestFolder::new();
        let sim = Sim::start(&["--no-quotas"]).await?;
        let setup = Setup::new(folder.path(), &sim.ready, database)?;
        let mut serve = setup.serve(PACE)?;
        serve.ready().await?;
        let link = serve.setup_link().await?;
        let (handled_word, handled_target) = match handled {
            Handled::Read => ("read", ""),
            Handled::Category => ("category", "Handled by Postroom"),
            Handled::Move => ("move", "Archive"),
        };
        let wishes =
            Wishes { handled: handled_word, handled_target, ..Wishes::everything(MAILBOX, "SUP", "Task") };
        let mut browser = Browser::new(connect::http()?);
        connect::make_owner(&mut browser, &link).await?;
        connect::sign_in(&mut browser, &setup.url()?, &wishes).await?;
        connect::create_over_ews(&mut browser, &setup.url()?, &wishes, "admin@contoso.test").await?;
        let elsewhere = json!({ "name": "Elsewhere", "parent": "inbox" });
        sim.control.post(&format!("/mailboxes/{MAILBOX}/folders"), &elsewhere).await?;
        let database = match database {
            Some(url) => url.parse()?,
            None => StoreUrl::Sqlite(DataFolder::database_in(&folder.path().join("data"))),
        };
        let (sent, ids) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { sim, setup, serve: Some(serve), browser, handled, sent, ids, database, _folder: folder })
    }

    /// Mails come, all in one second.
    async fn deliver(&mut self, mails: Vec<Sent>) -> Result<()> {
        for mail in mails {
            let at = "2026-11-20T10:00:00Z";
            let made = self.sim.control.deliver_at(MAILBOX, mail.raw.clone(), "inbox", at).await?;
            let id = made["ews_id"].as_str().context("an id")?.to_owned();
            self.ids.entry(mail.number).or_default().push(id);
            self.sent.insert(mail.number, mail);
        }
        Ok(())
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
        let within = Duration::from_secs(60);
        let until = Instant::now() + within;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            ensure!(Instant::now() < until, "{what}: not in {within:?}\n{}", tail(&self.setup.log()));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What is wrong in Jira with these.
    async fn wrong(&self, numbers: &[usize]) -> Result<Vec<String>> {
        let sent: Vec<Sent> = numbers.iter().map(|number| self.sent[number].clone()).collect();
        Ok(truth::compare(&sent, &self.sim.control.issues().await?))
    }

    async fn in_jira(&self, numbers: &[usize]) -> Result<()> {
        self.until(&format!("{numbers:?} in Jira, each once"), async || {
            Ok(self.wrong(numbers).await?.is_empty().then_some(()))
        })
        .await
    }

    async fn messages(&self, state: &str) -> Result<Vec<Value>> {
        let (status, said) = self.setup.run(&["messages", "list", "--state", state, "--json"]).await?;
        ensure!(status.success(), "{said}");
        let listed: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
        listed["messages"].as_array().cloned().with_context(|| said)
    }

    async fn until_messages(&self, state: &str, count: usize) -> Result<Vec<Value>> {
        self.until(&format!("{count} mails {state}"), async || {
            let listed = self.messages(state).await?;
            Ok((listed.len() == count).then_some(listed))
        })
        .await
    }

    async fn source(&self) -> Result<Value> {
        let (status, said) = self.setup.run(&["sources", "list", "--json"]).await?;
        ensure!(status.success(), "{said}");
        let listed: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
        ensure!(listed["sources"].as_array().is_some_and(|all| all.len() == 1), "{said}");
        Ok(listed["sources"][0].clone())
    }

    /// How many mails have their marks in this state, as the ledger says.
    async fn marks(&self) -> Result<BTreeMap<String, i64>> {
        let db = Db::open(&self.database).await?;
        let counted: Vec<(String, i64)> =
            db.fetch_all(sql!("SELECT mark, count(*) AS mails FROM message GROUP BY mark"), args![]).await?;
        db.close().await;
        Ok(counted.into_iter().collect())
    }

    async fn move_to(&mut self, number: usize, folder: &str) -> Result<()> {
        for id in self.ids.get_mut(&number).context("it was delivered")? {
            let moved = self.sim.control.move_message(MAILBOX, id, folder).await?;
            moved["ews_id"].as_str().context("an id")?.clone_into(id);
        }
        Ok(())
    }

    async fn remove(&self, number: usize) -> Result<()> {
        self.sim.control.remove_message(MAILBOX, &self.ids[&number][0]).await
    }

    /// Fills the mailbox with all that a move can meet, and bars EWS.
    async fn fill(&mut self) -> Result<()> {
        let plain = |number: usize| mail(number, &format!("fire-{number}"), None, false);
        self.deliver(vec![mail(KNOWN[0], "fire-0", None, true), mail(KNOWN[1], "fire-1", Some(0), false)])
            .await?;
        self.in_jira(&KNOWN).await?;
        self.until("they are marked", async || {
            Ok((self.marks().await?.get("done") == Some(&2)).then_some(()))
        })
        .await?;

        // The mailbox takes no marks.
        let refuse = json!({ "as": "fault", "operation": "UpdateItem", "code": "ErrorAccessDenied" });
        self.sim.control.post("/ews/answers", &refuse).await?;
        let due = [MARK_DUE, MARK_DUE_MOVED, MARK_DUE_GONE, MARK_DUE_DOUBTFUL];
        self.deliver(due.map(plain).to_vec()).await?;
        self.in_jira(&due).await?;
        self.until("their marks are due", async || {
            Ok((self.marks().await?.get("due") == Some(&4)).then_some(()))
        })
        .await?;

        // One issue is made and its answer lost, and Jira lets nobody look for it: what comes after waits.
        let lost = json!({
            "service": "jira", "method": "POST", "path": "/rest/api/3/issue$", "kind": "status_after_effect", "status": 504, "count": 1,
        });
        self.sim.control.fault(lost).await?;
        let refuse = json!({
            "service": "jira", "method": "POST", "path": "/issue/bulkfetch$", "kind": "status", "status": 403,
        });
        self.sim.control.fault(refuse).await?;
        self.deliver(vec![mail(IN_DOUBT, "fire-6", None, true)]).await?;
        self.until("the destination is stopped", async || {
            Ok(self.setup.log().contains("the destination is stopped").then_some(()))
        })
        .await?;
        self.deliver(vec![
            plain(WAITS),
            mail(WAITS_MOVED, "fire-8", None, true),
            plain(WAITS_GONE),
            mail(ALIKE[0], "alike", None, false),
            mail(ALIKE[1], "alike", None, false),
            plain(DOUBTFUL),
            plain(COPIES),
            plain(COPIES),
            mail(REPLY, "fire-14", Some(0), false),
        ])
        .await?;
        self.until_messages("ready", 9).await?;
        ensure!(self.messages("acting").await?.len() == 1, "one is in doubt");

        self.sim.control.post("/ews/policy", &json!({ "allowed_app_ids": [] })).await?;
        self.until("the source says that EWS is barred", async || {
            Ok((self.source().await?["state"] == "offline").then_some(()))
        })
        .await?;
        for number in [MARK_DUE_MOVED, IN_DOUBT, WAITS_MOVED] {
            self.move_to(number, "Inbox/Elsewhere").await?;
        }
        for number in [ALIKE[0], ALIKE[1], COPIES] {
            self.move_to(number, "drafts").await?;
            self.move_to(number, "inbox").await?;
        }
        for number in [MARK_DUE_GONE, MARK_DUE_DOUBTFUL, WAITS_GONE, DOUBTFUL] {
            self.remove(number).await?;
        }
        self.deliver(vec![
            mail(IMPOSTORS[0], &format!("fire-{MARK_DUE_DOUBTFUL}"), None, false),
            mail(IMPOSTORS[1], &format!("fire-{DOUBTFUL}"), None, false),
        ])
        .await
    }

    /// Begins the move in a process that dies at this failpoint.
    async fn begin(&mut self, failpoint: &str) -> Result<()> {
        let id = self.source().await?["id"].as_str().context("an id")?.to_owned();
        self.start(&dies(failpoint)).await?.ready().await?;
        let (status, said) = self.setup.run(&["sources", "convert", &id]).await?;
        ensure!(!status.success(), "{failpoint} was not reached: {said}");
        self.died(failpoint).await
    }

    /// Starts the program in place of the one that runs.
    async fn start(&mut self, failpoints: &str) -> Result<&mut Serve> {
        if let Some(before) = self.serve.take() {
            before.kill().await?;
        }
        Ok(self.serve.insert(self.setup.serve(failpoints)?))
    }

    async fn died(&mut self, failpoint: &str) -> Result<()> {
        let mut serve = self.serve.take().context("it runs")?;
        let status = serve
            .ends(Duration::from_secs(30))
            .await
            .with_context(|| format!("{failpoint} was never reached"))?;
        ensure!(!status.success());
        Ok(())
    }

    /// The last process goes on by itself with what was begun, and everything ends.
    async fn ends(mut self) -> Result<()> {
        self.start(PACE).await?.ready().await?;
        self.until("the move goes on by itself", async || {
            Ok((self.source().await?["connection_type"] == "graph").then_some(()))
        })
        .await?;
        self.counts().await?;
        // What nobody can tell is held, and a person decides.
        let held = self.until_messages("held", 3).await?;
        let is_old =
            |mail: &&Value| mail["reason"].as_str().is_some_and(|why| why.contains("moved to Graph"));
        let old: Vec<&Value> = held.iter().filter(is_old).collect();
        ensure!(
            old.len() == 1 && old[0]["subject"] == format!("under fire {DOUBTFUL}"),
            "which mail of the mailbox it is cannot be told: {held:?}"
        );
        for mail in &held {
            let id = mail["id"].as_str().context("an id")?;
            let what = if is_old(&mail) { "retry" } else { "discard" };
            let (status, said) = self.setup.run(&["messages", what, id]).await?;
            ensure!(status.success(), "{said}");
        }
        // Jira is well again, and is tried at once.
        self.sim.control.mend().await?;
        let list = self.browser.open(&self.setup.url()?.join("/sources")?).await?;
        let button =
            list.forms.iter().find(|form| form.action.path().ends_with("/try-now")).context("Try now")?;
        self.browser.submit(button).await?;

        let mut all: Vec<usize> = (0..=REPLY).filter(|number| *number != COPIES).collect();
        self.in_jira(&all).await?;
        self.deliver(vec![mail(LATER, "fire-17", Some(WAITS_MOVED), false)]).await?;
        all.push(LATER);
        self.in_jira(&all).await?;
        for state in ["recorded", "ready", "acting", "held"] {
            self.until_messages(state, 0).await?;
        }
        self.until("nothing is left to be marked", async || {
            Ok((!self.marks().await?.contains_key("due")).then_some(()))
        })
        .await?;
        // Everything has its end: what is wrong now stays wrong.
        let wrong = self.wrong(&all).await?;
        ensure!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), tail(&self.setup.log()));
        let issues = self.sim.control.issues().await?;
        let comments = issues.iter().flat_map(|issue| issue["comments"].as_array().into_iter().flatten());
        let texts: Vec<String> = issues
            .iter()
            .map(|issue| issue["description"].to_string())
            .chain(comments.map(|comment| comment["body"].to_string()))
            .collect();
        let times = |number: usize| {
            texts.iter().filter(|text| text.contains(&format!("mail number {number}."))).count()
        };
        ensure!(times(COPIES) == 2, "two mails that differ in nothing are two: {}", times(COPIES));
        ensure!(IMPOSTORS.iter().all(|number| times(*number) == 0), "what was discarded makes nothing");
        // All but the answers, and the copies are two.
        ensure!(issues.len() == all.len() - 3 + 2, "{} issues", issues.len());
        self.marked_once().await?;
        let (converted,): (i64,) = {
            let db = Db::open(&self.database).await?;
            let statement = sql!("SELECT count(*) FROM connection_event WHERE kind = 'converted'");
            let counted = db.fetch_one(statement, args![]).await?;
            db.close().await;
            counted
        };
        ensure!(converted == 1, "it was moved once: {converted}");
        self.serve.context("it runs")?.kill().await
    }

    /// What the move has come to, in numbers.
    async fn counts(&self) -> Result<()> {
        let db = Db::open(&self.database).await?;
        let (state, gone, held): (String, i64, i64) =
            db.fetch_one(sql!("SELECT state, gone, held FROM conversion"), args![]).await?;
        db.close().await;
        ensure!((state.as_str(), gone, held) == ("done", 2, 1), "{state}, {gone} gone, {held} held");
        Ok(())
    }

    /// Each mark is made, on the mail that it is for, and on no other.
    async fn marked_once(&self) -> Result<()> {
        let marks = self.marks().await?;
        // The deleted ones; and the doubtful one that was retried, which no id of Graph is known of.
        ensure!(marks.get("gone") == Some(&3), "{marks:?}");
        ensure!(marks.get("failed") == Some(&1), "nobody knows which mail it is: {marks:?}");
        // All others, the copies twice.
        ensure!(marks.get("done") == Some(&(i64::try_from(self.sent.len())? - 2 - 4 + 1)), "{marks:?}");
        let mails = self.sim.control.messages(MAILBOX).await?;
        let of = |number: usize| -> Vec<&Value> {
            let subject = format!("under fire {number}");
            mails.iter().filter(|mail| mail["subject"] == subject).collect()
        };
        for number in self.sent.keys().copied() {
            let there = of(number);
            let is_gone = [MARK_DUE_GONE, MARK_DUE_DOUBTFUL, WAITS_GONE, DOUBTFUL].contains(&number);
            let copies = match number {
                _ if is_gone => 0,
                COPIES => 2,
                _ => 1,
            };
            ensure!(there.len() == copies, "mail {number} is in the mailbox {} times", there.len());
            for mail in there {
                let wanted = !IMPOSTORS.contains(&number);
                let is_marked = match self.handled {
                    Handled::Read => mail["is_read"] == true,
                    Handled::Category => mail["categories"] == json!(["Handled by Postroom"]),
                    Handled::Move => mail["folder"] == "archive",
                };
                ensure!(is_marked == wanted, "mail {number}: {mail}");
                let is_stamped = mail["extended_properties"].as_object().is_some_and(|all| !all.is_empty());
                ensure!(is_stamped == wanted, "mail {number}: {mail}");
            }
        }
        Ok(())
    }
}

fn dies(failpoint: &str) -> String {
    // `C1@2`: at the second time.
    let armed = match failpoint.split_once('@') {
        Some((name, time)) => format!("{name}=exit@{time}"),
        None => format!("{failpoint}=exit"),
    };
    format!("{PACE};{armed}")
}

async fn killed_at(failpoint: &str, database: Option<&str>, handled: Handled) -> Result<()> {
    let mut world = World::new(database, handled).await?;
    world.fill().await?;
    world.begin(failpoint).await?;
    world.ends().await
}

/// One move that dies at every step in turn.
async fn killed_at_each(database: Option<&str>, handled: Handled) -> Result<()> {
    let mut world = World::new(database, handled).await?;
    world.fill().await?;
    world.begin(STEPS[0]).await?;
    for failpoint in &STEPS[1..] {
        world.start(&dies(failpoint)).await?;
        world.died(failpoint).await?;
        println!("died at {failpoint}");
    }
    world.ends().await
}

macro_rules! killed_at {
    ($($test:ident: $failpoint:literal, $handled:ident;)*) => {
        mod on_sqlite {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    killed_at($failpoint, None, Handled::$handled).await
                }
            )*

            #[tokio::test(flavor = "multi_thread")]
            async fn killed_at_every_step_in_turn() -> Result<()> {
                killed_at_each(None, Handled::Move).await
            }
        }

        mod on_postgresql {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() -> Result<()> {
                    let Some(database) = TestDb::postgres().await else { return Ok(()) };
                    let StoreUrl::Postgres(url) = &database.url else { anyhow::bail!("not PostgreSQL") };
                    killed_at($failpoint, Some(url.expose_secret()), Handled::$handled).await
                }
            )*

            #[tokio::test(flavor = "multi_thread")]
            async fn killed_at_every_step_in_turn() -> Result<()> {
                let Some(database) = TestDb::postgres().await else { return Ok(()) };
                let StoreUrl::Postgres(url) = &database.url else { anyhow::bail!("not PostgreSQL") };
                killed_at_each(Some(url.expose_secret()), Handled::Category).await
            }
        }

        /// Every step has a test.
        #[test]
        fn every_step_of_a_move_is_killed() {
            let tested = [$($failpoint),*];
            let names = |steps: &[&str]| -> Vec<String> {
                steps.iter().map(|step| step.split('@').next().unwrap_or_default().to_owned()).collect()
            };
            assert_eq!(names(&tested), ledger::failpoint::CONVERSION);
            assert_eq!(names(&STEPS), ledger::failpoint::CONVERSION);
        }
    };
}

killed_at! {
    c0_on_record: "C0", Read;
    c1_an_id_is_translated_and_not_kept: "C1.asked@3", Category;
    c1_the_ids_of_a_batch_are_kept: "C1@3", Move;
    c2_what_a_part_of_the_search_found_is_kept: "C2.part@2", Read;
    c2_before_the_switch: "C2", Category;
    c3_while_it_is_switched: "C3", Move;
    c4_after_the_switch: "C4", Move;
}
