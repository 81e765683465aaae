//! What a ping promises of its lines, with the simulated Microsoft and Jira.

use std::time::Duration;

use store::testing::TestFolder;
use store::{args, sql};
use uuid::Uuid;

use super::ping::{self, Check, Open, Report};
use super::tests_with_sim::{MAILBOX, settings};
use super::{outbounds, ping as of_source};
use crate::demo::browser::Browser;
use crate::demo::connect::{self, Wishes};
use crate::serve;

const READER: &str = "grace@contoso.test";

/// The lines of a mailbox, as a person reads them.
const LINES: [&str; 8] =
    ["Token", "Identity", "Mailbox", "Folder", "Count", "Right to write", "Right to send", "Quota"];

fn names(report: &Report) -> Vec<&str> {
    report.checks.iter().map(|check| check.name.as_str()).collect()
}

fn bad(report: &Report) -> Vec<&Check> {
    report.checks.iter().filter(|check| check.fault.is_some()).collect()
}

/// Promise: a ping of a source and a ping of an outbound have the same lines in the same order under the same names, over Graph and over
/// EWS: token, identity, mailbox, folder, count, right to write, quota, and of an outbound the right to send before the quota. Of a
/// source Junk and Jira come after.
#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_have_the_same_lines_in_the_same_order() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    for subject in ["One", "Two"] {
        let mail = format!("From: anna@contoso.test\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n\r\nHelp.\r\n");
        sim.deliver(MAILBOX, mail).unwrap();
    }
    let mut config = settings(&folder, sim.ready());
    config.microsoft.ews_url = Some(sim.ready().ews.parse().unwrap());
    // Nothing is read meanwhile.
    config.inbound.poll_interval = Duration::from_secs(3_600);
    let running = serve::start(config).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let url = running.url.clone();
    for over_ews in [false, true] {
        for sql in [sql!("DELETE FROM outbound"), sql!("UPDATE source SET removed_at = 1")] {
            running.db.execute(sql, args![]).await.unwrap();
        }
        let form = if over_ews {
            connect::begin_over_ews(&mut browser, &url, "/outbounds", "", &wishes).await.unwrap()
        } else {
            connect::sign_in_at(&mut browser, &url, "/outbounds", &wishes).await.unwrap()
        };
        browser.submit(&form.form(&["mailbox", "from_name"]).unwrap()).await.unwrap();
        let page = if over_ews {
            connect::begin_over_ews(&mut browser, &url, "/sources", "", &wishes).await.unwrap()
        } else {
            connect::sign_in(&mut browser, &url, &wishes).await.unwrap()
        };
        connect::confirm(&mut browser, &url, page, &wishes).await.unwrap();

        let (workspace, outbound): (Uuid, Uuid) =
            running.db.fetch_one(sql!("SELECT workspace_id, id FROM outbound"), args![]).await.unwrap();
        let (source,): (Uuid,) = running
            .db
            .fetch_one(sql!("SELECT id FROM source WHERE removed_at IS NULL"), args![])
            .await
            .unwrap();
        let connections = &running.connections;
        let sent = outbounds::ping::on_record(connections, workspace, outbound, "test", Some(READER)).await;
        let sent = sent.unwrap().unwrap();
        assert_eq!(names(&sent), LINES, "over EWS: {over_ews}");
        assert!(sent.is_good(), "{sent:?}");

        let read =
            of_source::source_on_record(connections, workspace, source, "test").await.unwrap().unwrap();
        let (mailbox, rest) = read.checks.split_at(7);
        let of_mailbox: Vec<&str> = mailbox.iter().map(|check| check.name.as_str()).collect();
        let without_sending: Vec<&str> = LINES.into_iter().filter(|line| *line != ping::line::SEND).collect();
        assert_eq!(of_mailbox, without_sending, "over EWS: {over_ews}");
        let after: Vec<&str> = rest.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(after, ["Junk", "Jira sign-in", "Jira site", "Attachments", "Permissions", "Issue type"]);
        assert!(read.is_good(), "{:?}", bad(&read));
        let count = &mailbox[4].text;
        assert!(count.starts_with("2 messages; the newest message is of "), "{count}");

        // Nobody asked for a mail: the two rights have their lines, neither good nor bad, and the rest is good.
        let looked = outbounds::ping::on_record(connections, workspace, outbound, "test", None).await;
        let looked = looked.unwrap().unwrap();
        assert_eq!(names(&looked), LINES, "over EWS: {over_ews}");
        let open: Vec<&str> = looked
            .checks
            .iter()
            .filter(|check| check.open == Some(Open::NotTried))
            .map(|check| check.name.as_str())
            .collect();
        assert_eq!(open, ["Right to write", "Right to send"]);
        assert!(looked.is_good(), "{looked:?}");
    }
    running.stop().await;
    sim.stop().await;
}
