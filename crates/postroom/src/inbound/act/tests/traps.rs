//! What somebody may try, or what may happen meanwhile, to get a mail into an issue that it does not belong to, or to lose it: each on
//! the plan and the trace.

use super::threads::{VERIFIED, post};
use super::*;

/// What Exchange wrote on top of a mail that it found to be forged.
const FORGED: (&str, &str) = (
    "Authentication-Results",
    "spf=fail (sender IP is 198.51.100.66) smtp.mailfrom=customer.example; dkim=none (message not signed) header.d=none; \
     dmarc=fail action=none header.from=customer.example; compauth=fail reason=000",
);

fn header((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn comment(issue: &Value) -> Outcome {
    let text = |name: &str| issue[name].as_str().unwrap().to_owned();
    Outcome::Comment { issue_id: text("id"), issue_key: text("key") }
}

impl Desk {
    async fn plan_of(&self, id: Uuid) -> Plan {
        let plan = self.worker.ledger.plan(&self.worker.db, id).await.unwrap().expect("a plan");
        serde_json::from_slice(&plan.body).unwrap()
    }

    /// The mail began an issue of its own, with nothing else done to any other.
    async fn began_its_own(&self, id: Uuid) {
        let plan = self.plan_of(id).await;
        assert_eq!(plan.outcome, Outcome::Issue);
        assert!(matches!(plan.steps[..], [rules::Step::CreateIssue { .. }]), "{plan:#?}");
    }
}

/// The trap: results in the sender's favour, written by the sender, below those of Exchange.
#[tokio::test(flavor = "multi_thread")]
async fn forged_results_below_the_genuine_ones_let_nobody_in() {
    let (desk, site) = Desk::with_profile("[threads]\nclosed = 'reopen'\n").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let mut forged = post("two", "[SUP-1] let me in");
    forged.headers = vec![header(FORGED), header(VERIFIED)];
    let (id, end) = desk.handled(forged.clone()).await;
    assert_eq!(end, "issue SUP-2");
    desk.began_its_own(id).await;
    let lines = desk.trace(id).await;
    Desk::told(&lines, "sender", false, "failed: Exchange found that customer.example did not send it");
    Desk::told(&lines, "sender", false, "further below came with the mail, and were not read");
    Desk::told(&lines, "issue-key", false, "names SUP-1, but its sender is not verified");
    // Whoever has got the mail that is answered can write into its issue, but moves nothing.
    let (id, end) = desk.handled(forged.answers(&["one"])).await;
    assert_eq!(end, "comment SUP-1");
    let plan = desk.plan_of(id).await;
    assert_eq!(plan.outcome, comment(&desk.truth("SUP-1").await));
    assert_eq!(plan.steps, [rules::Step::AddComment], "no transition");
    Desk::told(&desk.trace(id).await, "closed-issue", true, "stays so, since the sender is not verified");
    assert_eq!(desk.truth("SUP-1").await["status"], "Done");
}

/// The trap: a token that somebody made up, or took from another issue, in In-Reply-To.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_token_lets_nobody_in() {
    let (desk, site) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    assert_eq!(desk.handled(post("two", "Payroll")).await.1, "issue SUP-2");
    let id_of = async |key: &str| desk.truth(key).await["id"].as_str().unwrap().to_owned();
    let (own, other) = (id_of("SUP-1").await, id_of("SUP-2").await);
    let token = desk.worker.ledger.keys.reply_token(site, &own).unwrap();
    // The signature of one issue under the number of the other.
    let forged = ledger::token::message_id(&token.replace(&own, &other), "01", "contoso.test");
    let (id, end) = desk.handled(post("three", "Re: Payroll").from("eve").answers(&[&forged])).await;
    assert_eq!(end, "issue SUP-3");
    desk.began_its_own(id).await;
    Desk::told(&desk.trace(id).await, "our-token", false, "in In-Reply-To has not been signed here");
}

/// The trap: a key in the subject from somebody who is who they say, and has nothing to do with the issue.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_key_lets_nobody_in() {
    let (desk, _) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    let (id, end) = desk.handled(post("two", "Re: [SUP-1] Printer").from("eve")).await;
    assert_eq!(end, "issue SUP-2");
    desk.began_its_own(id).await;
    let lines = desk.trace(id).await;
    Desk::told(&lines, "sender", true, "verified: ");
    Desk::told(&lines, "issue-key", false, "its sender takes no part in SUP-1");
}

/// The trap: a Message-ID that somebody else used before. Both mails are handled, and the answers go where the first of them is.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_id_of_another_sender_hides_no_mail() {
    let (desk, _) = Desk::with_profile("").await;
    let (first, end) = desk.handled(post("one", "Printer")).await;
    assert_eq!(end, "issue SUP-1");
    let (second, end) = desk.handled(post("one", "Printer").from("mallory")).await;
    assert_eq!(end, "issue SUP-2");
    assert_ne!(first, second);
    desk.began_its_own(second).await;
    let (id, end) = desk.handled(post("two", "Re: Printer").answers(&["one"])).await;
    assert_eq!(end, "comment SUP-1");
    assert_eq!(desk.plan_of(id).await.outcome, comment(&desk.truth("SUP-1").await));
    Desk::told(&desk.trace(id).await, "reply-to-known-mail", false, "mails of several senders");
}

/// The trap: somebody moves the issue between the plan and the comment. The comment follows it, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_comment_follows_an_issue_that_was_just_moved() {
    let (desk, _) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    let planned = comment(&desk.truth("SUP-1").await);
    let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
    let never = json!({ "service": "jira", "method": "POST", "path": "/comment$", "kind": "status", "status": 504, "count": 1 });
    desk.fault(never).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting");
    let moved = desk.http.post(desk.control("/jira/issues/SUP-1/move")).json(&json!({ "project": "BILL" }));
    assert!(moved.send().await.unwrap().status().is_success());
    desk.later().await;
    desk.later().await;
    let (state, ending, _, generation) = desk.end(id).await;
    assert_eq!((state.as_str(), ending.as_str(), generation), ("ended", "comment", 0));
    assert_eq!(desk.plan_of(id).await.outcome, planned, "the plan stays as it was");
    Desk::told(&desk.trace(id).await, "reply-to-known-mail", true, "which is in SUP-1");
    assert_eq!(desk.truth("BILL-1").await["comments"].as_array().unwrap().len(), 1);
    assert_eq!(desk.keys().await, ["BILL-1"]);
}

/// The trap: somebody deletes the issue between the plan and the comment, its opening again, or both. The mail begins an issue.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_outlives_an_issue_that_was_just_deleted() {
    for (write, look) in
        [("/comment$", ("GET", "/comment$")), ("/transitions$", ("GET", "/properties/postroom.transition$"))]
    {
        let (desk, site) = Desk::with_profile("[threads]\nclosed = 'reopen'\n").await;
        assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
        desk.close(site, "SUP-1").await;
        let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
        lose(&desk, write, look).await;
        desk.pass().await;
        assert_eq!(desk.end(id).await.0, "acting", "{write}");
        let gone = desk.http.delete(desk.control("/jira/issues/SUP-1")).send().await.unwrap();
        assert!(gone.status().is_success());
        desk.later().await;
        desk.later().await;
        assert_eq!(desk.end(id).await, ended("issue", "SUP-2", 1), "{write}");
        desk.began_its_own(id).await;
        Desk::told(&desk.trace(id).await, "reply-to-known-mail", false, "that issue is deleted or hidden");
        assert_eq!(desk.keys().await, ["SUP-2"], "{write}");
    }
}

/// Promise: where a gateway stands in front of Exchange, whom it verified is verified; whoever sends past it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_front_of_exchange_is_a_setting() {
    let gateway = "[[trust.gateway]]\nname = 'mx.gate.example'\naddresses = ['203.0.113.0/24']\n";
    let (desk, _) = Desk::with_profile(gateway).await;
    let through = |id: &str, subject: &str, from: &str| {
        let mut mail = post(id, subject);
        let hop = format!(
            "from mx.gate.example ({from}) by AM7.mail.protection.outlook.com; Sun, 29 Nov 2026 09:00:00 +0000"
        );
        let results = "mx.gate.example; dmarc=pass header.from=customer.example";
        mail.headers =
            vec![header(FORGED), header(("Received", &hop)), header(("Authentication-Results", results))];
        mail
    };
    assert_eq!(desk.handled(through("one", "Printer", "203.0.113.9")).await.1, "issue SUP-1");
    let (id, end) = desk.handled(through("two", "[SUP-1] more", "203.0.113.9")).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "sender", true, "the gateway mx.gate.example verified");
    let (id, end) = desk.handled(through("three", "[SUP-1] past it", "192.0.2.66")).await;
    assert_eq!(end, "issue SUP-2");
    desk.began_its_own(id).await;
    Desk::told(&desk.trace(id).await, "sender", false, "none of that gateway's addresses");
}
