//! Which issue a mail belongs to, against the simulated Jira: conversations, keys, tokens, closed issues.

use ledger::record::{IdKind, Incoming, Mailbox, Summary};
use rules::TraceLine;
use rules::threads::subject;

use super::*;
use crate::connections::store::sources::add_mailbox;

/// What the receiving Exchange writes on top of a mail whose domain vouches for it.
pub(super) const VERIFIED: (&str, &str) = (
    "Authentication-Results",
    "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=customer.example; dkim=pass (signature was verified) \
     header.d=customer.example; dmarc=pass action=none header.from=customer.example; compauth=pass reason=100",
);

/// A mail to be recorded.
#[derive(Clone, Debug)]
pub(super) struct Post {
    subject: String,
    id: String,
    from: String,
    to: Vec<String>,
    answers: Vec<String>,
    conversation: Option<String>,
    pub(super) headers: Vec<(String, String)>,
}

/// A mail from Ada to the mailbox, vouched for.
pub(super) fn post(id: &str, subject: &str) -> Post {
    Post {
        subject: subject.to_owned(),
        id: id.to_owned(),
        from: "ada@customer.example".to_owned(),
        to: vec!["support@contoso.test".to_owned()],
        answers: Vec::new(),
        conversation: None,
        headers: vec![(VERIFIED.0.to_owned(), VERIFIED.1.to_owned())],
    }
}

impl Post {
    pub(super) fn from(self, from: &str) -> Self {
        Self { from: format!("{from}@customer.example"), ..self }
    }

    fn to(mut self, to: &[&str]) -> Self {
        self.to.extend(to.iter().map(|name| format!("{name}@customer.example")));
        self
    }

    /// Names these Message-IDs in References, the last in In-Reply-To as well.
    pub(super) fn answers(self, ids: &[&str]) -> Self {
        Self { answers: ids.iter().map(|id| (*id).to_owned()).collect(), ..self }
    }

    fn conversation(self, conversation: &str) -> Self {
        Self { conversation: Some(conversation.to_owned()), ..self }
    }

    fn unverified(self) -> Self {
        Self { headers: Vec::new(), ..self }
    }
}

impl Desk {
    /// A desk whose mail goes to SUP, with this profile.
    pub(super) async fn with_profile(threads: &str) -> (Self, Uuid) {
        // What it waits for is large; whoever awaits this need not be.
        Box::pin(async move {
            let desk = Self::new().await;
            let site = desk.own_site().await;
            desk.point(site, "SUP").await;
            desk.profile(threads).await;
            (desk, site)
        })
        .await
    }

    pub(super) async fn receive(&self, post: &Post) -> Uuid {
        self.receive_in(self.there.mailbox, "oid-support", self.there.source, post).await
    }

    async fn receive_in(&self, mailbox: Uuid, native: &str, source: Uuid, post: &Post) -> Uuid {
        // Mail comes in the order in which it is received here.
        self.office.console.clock.advance(Duration::from_secs(1));
        let at = Mailbox {
            id: mailbox,
            ids: IdKind::Graph,
            tenant: "tenant".to_owned(),
            native_id: native.to_owned(),
        };
        let row = Uuid::now_v7();
        let mut headers: Vec<Value> =
            post.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        headers.push(json!({ "name": "Message-ID", "value": format!("<{}>", post.id) }));
        if let Some(last) = post.answers.last() {
            let all = format!("<{}>", post.answers.join("> <"));
            headers.push(json!({ "name": "References", "value": all }));
            headers.push(json!({ "name": "In-Reply-To", "value": format!("<{last}>") }));
        }
        let address = |address: &String| json!({ "emailAddress": { "address": address } });
        let received_at = self.office.now();
        let page = json!({
            "id": format!("native-{row}"), "subject": post.subject, "receivedDateTime": received_at.to_string(),
            "from": address(&post.from), "toRecipients": post.to.iter().map(address).collect::<Vec<_>>(),
            "body": { "contentType": "text", "content": format!("mail {}", post.id) },
            "internetMessageHeaders": headers,
        });
        let incoming = Incoming {
            native_id: format!("native-{row}"),
            message_id: Some(post.id.clone()),
            conversation: post.conversation.clone(),
            topic: Some(subject::topic(&post.subject)),
            references: post.answers.clone(),
            received_at,
            body: None,
            summary: Summary { from: post.from.clone(), ..Summary::default() },
            page: serde_json::to_vec(&page).unwrap(),
            needs_mime: false,
            ignored: None,
            held: None,
            was: None,
        };
        let mut tx = self.worker.db.begin().await.unwrap();
        let ledger = &self.worker.ledger;
        let workspace = self.office.workspace();
        ledger.record(&mut tx, workspace, &at, source, vec![incoming], received_at).await.unwrap();
        ledger.release_round(&mut tx, source).await.unwrap();
        let (id,): (Uuid,) = tx
            .fetch_one(
                sql!("SELECT message_id FROM message_alias WHERE value = $1"),
                args![format!("native-{row}")],
            )
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Records a mail, handles it, and tells what became of it with the issue's key.
    pub(super) async fn handled(&self, post: Post) -> (Uuid, String) {
        let id = self.receive(&post).await;
        self.pass().await;
        let (state, ending, key, _) = self.end(id).await;
        assert_eq!(state, "ended", "{post:?}: {}", self.reason(id).await);
        (id, format!("{ending} {key}"))
    }

    pub(super) async fn trace(&self, id: Uuid) -> Vec<TraceLine> {
        let plan = self.worker.ledger.plan(&self.worker.db, id).await.unwrap().expect("a plan");
        serde_json::from_slice::<Trace>(&plan.trace).unwrap().lines
    }

    #[track_caller]
    pub(super) fn told(lines: &[TraceLine], rule: &str, matched: bool, words: &str) {
        assert!(
            lines.iter().any(|line| line.rule == rule && line.matched == matched && line.why.contains(words)),
            "{rule} should say {matched} {words}: {lines:#?}"
        );
    }

    /// Somebody closes an issue at Jira.
    pub(super) async fn close(&self, site: Uuid, key: &str) {
        let client = self.office.state.connections.jira(site).await.unwrap();
        client.transition(key, "31", &serde_json::Map::new()).await.unwrap();
    }

    /// The ground truth of one issue.
    pub(super) async fn truth(&self, key: &str) -> Value {
        let answer = self.http.get(self.control("/jira/issues")).send().await.unwrap();
        let told: Value = answer.json().await.unwrap();
        let all = told.as_array().or_else(|| told["issues"].as_array()).unwrap().clone();
        all.into_iter().find(|issue| issue["key"] == key).unwrap_or_else(|| panic!("no {key}: {told:#}"))
    }
}

/// Promise: people who answer each other with the mailbox in Cc before there is a key end up in one issue, whichever of their mails
/// came here and in which order.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_the_mailbox_in_copy_is_one_issue() {
    let (desk, _) = Desk::with_profile("").await;
    // Ada wrote to Bob and Carol; that mail never came here. Both answer her, with the mailbox in Cc.
    let bob = post("bob-1", "Re: Printer").from("bob").to(&["ada", "carol"]).answers(&["ada-1"]);
    assert_eq!(desk.handled(bob).await.1, "issue SUP-1");
    let carol = post("carol-1", "AW: Printer").from("carol").to(&["ada", "bob"]).answers(&["ada-1"]);
    let (id, end) = desk.handled(carol).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "same-conversation", true, "answers the same one as this is in SUP-1");
    // Somebody who answers the same mail and whom none of them knows of is not let in.
    let dave = post("dave-1", "Re: Printer").from("dave").answers(&["ada-1"]);
    let (id, end) = desk.handled(dave).await;
    assert_eq!(end, "issue SUP-2");
    Desk::told(&desk.trace(id).await, "same-conversation", false, "nor among its recipients");
    // Ada's own mail comes after all.
    let ada = post("ada-1", "Printer").to(&["bob", "carol"]);
    let (id, end) = desk.handled(ada).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "same-conversation", true, "a mail that answers this one is in SUP-1");
}

/// Promise: the mailbox's own grouping keeps a conversation together where no header does, and does not mix what merely bears the
/// same subject.
#[tokio::test(flavor = "multi_thread")]
async fn the_mailboxs_conversation_counts_within_its_bounds() {
    let (desk, _) = Desk::with_profile("").await;
    let first = post("a-1", "Printer").to(&["bob"]).conversation("conversation-1");
    assert_eq!(desk.handled(first).await.1, "issue SUP-1");
    // A program that writes no References. Bob answers properly once, and takes part from then on.
    let reply = post("b-1", "Re: Printer").from("bob").to(&["ada"]).conversation("conversation-1");
    assert_eq!(
        desk.handled(post("b-0", "Re: Printer").from("bob").answers(&["a-1"])).await.1,
        "comment SUP-1"
    );
    let more = post("a-2", "Re: Printer").to(&["bob"]).conversation("conversation-1");
    for (mail, words) in [
        (more, "same conversation of the mailbox is in SUP-1: becomes"),
        (reply.clone(), "is in SUP-1, and this mail's sender is the sender of an earlier mail in it"),
    ] {
        let (id, end) = desk.handled(mail).await;
        assert_eq!(end, "comment SUP-1");
        Desk::told(&desk.trace(id).await, "same-conversation", true, words);
    }
    // Whoever names Ada in Cc is not known to her by it.
    let mallory = post("m-1", "Re: Printer").from("mallory").to(&["ada"]).conversation("conversation-1");
    for (n, (other, words)) in [
        (Post { subject: "Re: Scanner".to_owned(), ..reply.clone() }, "its subject is another one"),
        (Post { subject: "Printer".to_owned(), ..reply.clone() }, "no other mail of its conversation"),
        (post("x", "Re: Printer").from("eve").conversation("conversation-1"), "nor among its recipients"),
        (mallory, "is in SUP-1; this mail's sender takes no part in it: not joined"),
        (reply.clone().unverified(), "this mail's sender is not verified"),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, end) = desk.handled(Post { id: format!("other-{n}"), ..other }).await;
        assert_eq!(end, format!("issue SUP-{}", n + 2));
        Desk::told(&desk.trace(id).await, "same-conversation", false, words);
    }
}

/// Promise: a mail that names several issues which are deleted by now begins one of its own, and does not go round among them.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_deleted_issues_none_is_tried_twice() {
    let (desk, _) = Desk::with_profile("").await;
    let delete = async |key: &str| {
        let path = desk.control(&format!("/jira/issues/{key}"));
        assert!(desk.http.delete(path).send().await.unwrap().status().is_success());
    };
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    delete("SUP-1").await;
    assert_eq!(desk.handled(post("two", "Re: Printer").answers(&["one"])).await.1, "issue SUP-2");
    delete("SUP-2").await;
    let (id, end) = desk.handled(post("three", "Re: Printer").answers(&["one", "two"])).await;
    assert_eq!(end, "issue SUP-3");
    assert_eq!(desk.end(id).await, ended("issue", "SUP-3", 1));
    let lines = desk.trace(id).await;
    Desk::told(&lines, "reply-to-known-mail", false, "which was in SUP-2; that issue is deleted or hidden");
    Desk::told(&lines, "reply-to-known-mail", false, "which is in SUP-1; that issue is deleted or hidden");
    assert_eq!(desk.keys().await, ["SUP-3"]);
}

/// Promise: Jira's fault while a mail is decided stops the destination and is told, as one while it is written; nothing is held, and it
/// goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_jira_while_a_mail_is_decided_stops_the_destination() {
    let (desk, site) = Desk::with_profile(REOPEN).await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
    let revoke = async |revoke: bool| {
        let tokens = desk.http.post(desk.control("/jira/tokens")).json(&json!({ "revoke": revoke }));
        assert!(tokens.send().await.unwrap().status().is_success());
    };
    let standing = async || -> (String, i64) {
        let row = sql!(
            "SELECT d.state, (SELECT count(*) FROM notice WHERE kind = 'offline' AND ended_at IS NULL) AS notices FROM destination d
             JOIN source s ON s.destination_id = d.id"
        );
        desk.worker.db.fetch_one(row, args![]).await.unwrap()
    };
    revoke(true).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "ready");
    assert_eq!(standing().await, ("offline".to_owned(), 1));
    revoke(false).await;
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("comment", "SUP-1", 0));
    assert_eq!(standing().await, ("online".to_owned(), 0));
}

/// Promise: a transition that Jira does not take any more holds no mail: the comment is there, and the message's page says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_transition_that_jira_refuses_is_left_out() {
    let (desk, site) = Desk::with_profile(REOPEN).await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
    let refused = json!({
        "service": "jira", "method": "POST", "path": "/transitions$", "kind": "status", "status": 400, "count": 1,
    });
    desk.fault(refused).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await, ended("comment", "SUP-1", 0));
    let steps = desk.worker.ledger.steps(&desk.worker.db, id).await.unwrap();
    let last = steps.last().unwrap();
    assert!(last.state == StepState::Done && last.fault.is_some(), "{last:?}");
    assert_eq!(desk.truth("SUP-1").await["status"], "Done");
}

/// Promise: a Message-ID that another sender uses again draws no answers; both mails are handled.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_id_used_again_draws_no_answers() {
    let (desk, _) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    assert_eq!(desk.handled(post("one", "Buy this").from("mallory")).await.1, "issue SUP-2");
    let (id, end) = desk.handled(post("two", "Re: Printer").answers(&["one"])).await;
    assert_eq!(end, "comment SUP-1");
    let lines = desk.trace(id).await;
    Desk::told(&lines, "reply-to-known-mail", false, "mails of several senders");
    Desk::told(&lines, "reply-to-known-mail", true, "which is in SUP-1");
}

/// Promise: a mail to two mailboxes is two issues, and so are the answers to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_to_two_mailboxes_is_two_issues() {
    let (desk, site) = Desk::with_profile("").await;
    let (workspace, now) = (desk.office.workspace(), desk.office.now());
    let mut tx = desk.worker.db.begin().await.unwrap();
    let mailbox =
        add_mailbox(&mut tx, workspace, "tenant", "oid-sales", "sales@contoso.test", now).await.unwrap();
    let new = NewDestination { workspace, connection: site, key: "BILL", name: "BILL", highest: 0, now };
    let destination = jira_rows::destination(&mut tx, &new).await.unwrap();
    let source = Uuid::now_v7();
    let sales = confirmed(workspace, desk.there.account, mailbox, destination, now);
    sources::insert(&mut tx, source, sales).await.unwrap();
    tx.commit().await.unwrap();
    let both = async |post: Post| {
        let here = desk.receive(&post).await;
        let there = desk.receive_in(mailbox, "oid-sales", source, &post).await;
        desk.pass().await;
        [desk.end(here).await, desk.end(there).await]
    };
    let mail = post("one", "Printer").to(&["bob"]);
    assert_eq!(both(mail).await, [ended("issue", "SUP-1", 0), ended("issue", "BILL-1", 0)]);
    let answer = post("two", "Re: Printer").from("bob").to(&["ada"]).answers(&["one"]);
    assert_eq!(both(answer).await, [ended("comment", "SUP-1", 0), ended("comment", "BILL-1", 0)]);
    let sibling = post("three", "Re: Printer").to(&["bob"]).answers(&["never-here"]);
    assert_eq!(both(sibling).await, [ended("issue", "SUP-2", 0), ended("issue", "BILL-2", 0)]);
    let sibling = post("four", "Re: Printer").to(&["bob"]).answers(&["never-here"]);
    assert_eq!(both(sibling).await, [ended("comment", "SUP-2", 0), ended("comment", "BILL-2", 0)]);
}

/// Promise: our own token leads to its issue, in a header or an address; a forged one, and one of another Jira, to none.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_ours_leads_to_its_issue() {
    let (desk, site) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    let issue = desk.truth("SUP-1").await["id"].as_str().unwrap().to_owned();
    let token = desk.worker.ledger.keys.reply_token(site, &issue).unwrap();
    let ours = ledger::token::message_id(&token, "01", "contoso.test");
    let (id, end) =
        desk.handled(post("two", "Something else").from("bob").unverified().answers(&[&ours])).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "our-token", true, "In-Reply-To names SUP-1");
    let address = ledger::token::address("support@contoso.test", &token).unwrap();
    let (id, end) = desk.handled(Post { to: vec![address], ..post("three", "More") }).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "our-token", true, "the address that it was sent to");
    let elsewhere = desk.worker.ledger.keys.reply_token(Uuid::now_v7(), &issue).unwrap();
    for (n, forged) in [token.replace("pr1-1", "pr1-2"), elsewhere].iter().enumerate() {
        let forged = ledger::token::message_id(forged, "02", "contoso.test");
        let (id, end) = desk.handled(post(&format!("forged-{n}"), "Let me in").answers(&[&forged])).await;
        assert_eq!(end, format!("issue SUP-{}", n + 2));
        Desk::told(&desk.trace(id).await, "our-token", false, "has not been signed here");
    }
}

/// Promise: a key in the subject counts from a verified participant: by a mail of theirs in the issue, or by an address that Jira
/// shows; from a stranger and from somebody who is not verified it begins an issue of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_from_a_verified_participant() {
    let (desk, site) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    let (id, end) = desk.handled(post("two", "[SUP-1] it burns again")).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "issue-key", true, "the sender of an earlier mail in it");
    let (id, end) = desk.handled(post("three", "sup-1: hello").from("eve")).await;
    assert_eq!(end, "issue SUP-2");
    Desk::told(&desk.trace(id).await, "issue-key", false, "takes no part in SUP-1");
    let (id, end) = desk.handled(post("four", "[SUP-1] from Ada, says the mail").unverified()).await;
    assert_eq!(end, "issue SUP-3");
    Desk::told(&desk.trace(id).await, "issue-key", false, "its sender is not verified");
    // Somebody at Jira is a watcher with an address that is shown.
    let client = desk.office.state.connections.jira(site).await.unwrap();
    let anna = sim_user(&desk, "anna@contoso.test").await;
    watch(&desk, "SUP-1", &anna).await;
    assert_eq!(client.people("SUP-1").await.unwrap().last().unwrap().address, "anna@contoso.test");
    let mut inside = post("five", "RE: [SUP-1] Printer");
    inside.from = "Anna@contoso.test".to_owned();
    inside.headers = vec![("X-MS-Exchange-Organization-AuthAs".to_owned(), "Internal".to_owned())];
    let (id, end) = desk.handled(inside).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "issue-key", true, "its watcher");
    let (id, end) = desk.handled(post("six", "SUP-77 is not there")).await;
    assert_eq!(end, "issue SUP-4");
    Desk::told(&desk.trace(id).await, "issue-key", false, "there is no such issue");
}

async fn sim_user(desk: &Desk, email: &str) -> String {
    let ready = desk.sim.ready();
    let url = format!("{}/rest/api/3/user/search", ready.jira.trim_end_matches('/'));
    let found =
        desk.http.get(url).query(&[("query", email)]).basic_auth(&ready.jira_user, Some(&ready.jira_token));
    let found: Value = found.send().await.unwrap().json().await.unwrap();
    found[0]["accountId"].as_str().unwrap_or_else(|| panic!("{found}")).to_owned()
}

async fn watch(desk: &Desk, key: &str, account: &str) {
    let ready = desk.sim.ready();
    let url = format!("{}/rest/api/3/issue/{key}/watchers", ready.jira.trim_end_matches('/'));
    let answer = desk.http.post(url).basic_auth(&ready.jira_user, Some(&ready.jira_token)).json(account);
    assert!(answer.send().await.unwrap().status().is_success());
}

/// Promise: a key of an issue that somebody just moved leads to where it is now, and one of a deleted issue swallows nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_moved_issue_is_found_and_a_deleted_one_swallows_nothing() {
    let (desk, _) = Desk::with_profile("").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    let moved = desk.http.post(desk.control("/jira/issues/SUP-1/move")).json(&json!({ "project": "BILL" }));
    assert!(moved.send().await.unwrap().status().is_success());
    let (id, end) = desk.handled(post("two", "[SUP-1] where is it")).await;
    assert_eq!(end, "comment BILL-1");
    Desk::told(&desk.trace(id).await, "issue-key", true, "which is BILL-1 now");
    // An answer goes by the id, whatever the key is by now.
    let answer = desk.receive(&post("three", "Re: Printer").answers(&["one"])).await;
    desk.pass().await;
    assert_eq!(desk.end(answer).await.1, "comment");
    assert_eq!(desk.truth("BILL-1").await["comments"].as_array().unwrap().len(), 2);
    assert!(
        desk.http.delete(desk.control("/jira/issues/BILL-1")).send().await.unwrap().status().is_success()
    );
    for (n, post) in [
        post("four", "[SUP-1] and now"),
        post("five", "Re: Printer").answers(&["one"]),
        post("six", "Re: Printer").answers(&["five"]),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, end) = desk.handled(post).await;
        let lines = desk.trace(id).await;
        match n {
            0 => Desk::told(&lines, "issue-key", false, "there is no such issue"),
            1 => Desk::told(&lines, "reply-to-known-mail", false, "deleted or hidden"),
            _ => assert_eq!(end, "comment SUP-3", "{lines:#?}"),
        }
        assert!(n == 2 || end == format!("issue SUP-{}", n + 2), "{end} {lines:#?}");
    }
}

const REOPEN: &str = "[threads]\nclosed = 'reopen'\n";

/// Promise: an answer to a closed issue opens it again, once, also where Jira's reply to that is lost; an open issue and one that
/// somebody moves on meanwhile are left alone.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_opens_a_closed_issue_once() {
    let (desk, site) = Desk::with_profile(REOPEN).await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    assert_eq!(desk.handled(post("two", "Re: Printer").answers(&["one"])).await.1, "comment SUP-1");
    assert_eq!(desk.truth("SUP-1").await["statuses"], json!([]), "it was open");
    desk.close(site, "SUP-1").await;
    let (id, end) = desk.handled(post("three", "Re: Printer").answers(&["one"])).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "closed-issue", true, "opens it again");
    assert_eq!(desk.truth("SUP-1").await["statuses"], json!(["Done", "To Do"]));

    // The reply is lost, and the first look for it is refused.
    desk.close(site, "SUP-1").await;
    let lost = desk.receive(&post("four", "Re: Printer").answers(&["one"])).await;
    lose(&desk, "/transitions$", ("GET", "/properties/postroom.transition$")).await;
    desk.pass().await;
    assert_eq!(desk.end(lost).await.0, "acting");
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(lost).await, ended("comment", "SUP-1", 0));
    let issue = desk.truth("SUP-1").await;
    assert_eq!(issue["statuses"], json!(["Done", "To Do", "Done", "To Do"]));
    assert_eq!(issue["comments"].as_array().unwrap().len(), 3);

    // Nobody who is not verified moves it.
    desk.close(site, "SUP-1").await;
    let (id, end) = desk.handled(post("five", "Re: Printer").unverified().answers(&["one"])).await;
    assert_eq!(end, "comment SUP-1");
    Desk::told(&desk.trace(id).await, "closed-issue", true, "stays so, since the sender is not verified");
    assert_eq!(desk.truth("SUP-1").await["status"], "Done");
}

/// Promise: where a site drops the property of a transition, the history tells that it was taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_transition_in_doubt_is_found_in_the_history() {
    let (desk, site) = Desk::with_profile(REOPEN).await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
    lose(&desk, "/transitions$", ("GET", "/properties/postroom.transition$")).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting");
    let no_property = json!({
        "service": "jira", "method": "GET", "path": "/properties/postroom.transition$", "kind": "status", "status": 404,
    });
    desk.fault(no_property).await;
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("comment", "SUP-1", 0));
    assert_eq!(desk.truth("SUP-1").await["statuses"], json!(["Done", "To Do"]));
}

/// Promise: that we opened the issue once before, a moment ago, is not taken for the opening that is in doubt.
#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_opening_is_not_taken_for_the_one_in_doubt() {
    let (desk, site) = Desk::with_profile(REOPEN).await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    assert_eq!(desk.handled(post("two", "Re: Printer").answers(&["one"])).await.1, "comment SUP-1");
    desk.close(site, "SUP-1").await;
    let id = desk.receive(&post("three", "Re: Printer").answers(&["one"])).await;
    let never = json!({
        "service": "jira", "method": "POST", "path": "/transitions$", "kind": "status", "status": 504, "count": 1,
    });
    desk.fault(never).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting");
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("comment", "SUP-1", 0));
    assert_eq!(desk.truth("SUP-1").await["statuses"], json!(["Done", "To Do", "Done", "To Do"]));
}

/// Promise: a transition that never arrived is taken after the quarantine, unless somebody has moved the issue on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_transition_is_taken_only_from_the_status_it_was_planned_for() {
    for is_moved_on in [false, true] {
        let (desk, site) = Desk::with_profile(REOPEN).await;
        assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
        desk.close(site, "SUP-1").await;
        let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
        let never = json!({
            "service": "jira", "method": "POST", "path": "/transitions$", "kind": "status", "status": 504, "count": 1,
        });
        desk.fault(never).await;
        desk.pass().await;
        assert_eq!(desk.end(id).await.0, "acting");
        let mut expected = vec!["Done"];
        if is_moved_on {
            let client = desk.office.state.connections.jira(site).await.unwrap();
            client.transition("SUP-1", "21", &serde_json::Map::new()).await.unwrap();
            expected.push("In Progress");
        } else {
            expected.push("To Do");
        }
        desk.later().await;
        desk.later().await;
        assert_eq!(desk.end(id).await, ended("comment", "SUP-1", 0));
        assert_eq!(desk.truth("SUP-1").await["statuses"], json!(expected));
    }
}

/// Promise: a new issue is linked with the closed one, once, also where Jira's reply to that is lost; where the closed one is deleted
/// by then the new issue stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_issue_is_linked_once_with_the_closed_one() {
    let (desk, site) = Desk::with_profile("[threads]\nclosed = 'new'\n").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let closed = desk.truth("SUP-1").await["id"].clone();
    let (id, end) = desk.handled(post("two", "Re: Printer").answers(&["one"])).await;
    assert_eq!(end, "issue SUP-2");
    Desk::told(&desk.trace(id).await, "closed-issue", true, "becomes a new issue that is linked with it");
    let link = json!([{ "type": "Relates", "issue": closed }]);
    assert_eq!(desk.truth("SUP-2").await["links"], link);
    // What answers the new one goes there: it is open.
    assert_eq!(desk.handled(post("three", "Re: Printer").answers(&["one", "two"])).await.1, "comment SUP-2");

    let lost = desk.receive(&post("four", "Re: Printer").answers(&["one"])).await;
    // Issues are counted from 10000: this one is the third.
    lose(&desk, "/issueLink$", ("GET", "/issue/10002$")).await;
    desk.pass().await;
    assert_eq!(desk.end(lost).await.0, "acting");
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(lost).await, ended("issue", "SUP-3", 0));
    assert_eq!(desk.truth("SUP-3").await["links"], link);

    // It is deleted between the plan and the link.
    let gone = desk.receive(&post("five", "Re: Printer").answers(&["one"])).await;
    let never = json!({
        "service": "jira", "method": "POST", "path": "/issueLink$", "kind": "status", "status": 504, "count": 1,
    });
    desk.fault(never).await;
    desk.pass().await;
    assert!(desk.http.delete(desk.control("/jira/issues/SUP-1")).send().await.unwrap().status().is_success());
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(gone).await, ended("issue", "SUP-4", 0));
    assert_eq!(desk.keys().await, ["SUP-2", "SUP-3", "SUP-4"]);
}

/// Promise: a name of a link that Jira does not have holds no mail and makes no second issue; the step says what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_jira_does_not_know_is_left_out() {
    let (desk, site) = Desk::with_profile("[threads]\nclosed = 'new'\nlink = 'Sequel'\n").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await, ended("issue", "SUP-2", 0));
    let steps = desk.worker.ledger.steps(&desk.worker.db, id).await.unwrap();
    let last = steps.last().unwrap();
    let fault = last.fault.as_ref().unwrap();
    assert_eq!((last.state, fault.entry.id), (StepState::Done, "jira.link_type"));
    assert_eq!(fault.code, "Sequel");
    assert_eq!(desk.keys().await, ["SUP-1", "SUP-2"]);
}

/// Promise: what the profile wants a person to look at is held, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_closed_issue_can_be_held() {
    let (desk, site) = Desk::with_profile("[threads]\nclosed = 'hold'\n").await;
    assert_eq!(desk.handled(post("one", "Printer")).await.1, "issue SUP-1");
    desk.close(site, "SUP-1").await;
    let id = desk.receive(&post("two", "Re: Printer").answers(&["one"])).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "held");
    assert_eq!(desk.reason(id).await, "it belongs to SUP-1, which is closed (its status is Done)");
    assert_eq!(desk.truth("SUP-1").await["comments"], json!([]));
}

const FOREIGN: &str = "[[threads.foreign]]\npattern = 'Ticket#(\\d+)'\njql = 'summary ~ \"{{ key }}\"'\n";

/// Promise: mails with one key of another system are one issue, also before Jira's search knows it, and while the first is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_leads_to_one_issue() {
    let (desk, site) = Desk::with_profile(FOREIGN).await;
    let lag = desk.http.post(desk.control("/jira/lag")).json(&json!({ "seconds": 3_600 }));
    assert!(lag.send().await.unwrap().status().is_success());
    let first = desk.receive(&post("one", "Ticket#4711 opened")).await;
    lose(&desk, "/issue$", ("POST", "/issue/bulkfetch$")).await;
    desk.pass().await;
    assert_eq!(desk.end(first).await.0, "acting");
    let second = desk.receive(&post("two", "Ticket#4711 changed").from("bob")).await;
    desk.pass().await;
    assert_eq!(desk.end(second).await.0, "ready", "it waits for the first");
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(first).await, ended("issue", "SUP-1", 0));
    assert_eq!(desk.end(second).await, ended("comment", "SUP-1", 0));
    Desk::told(
        &desk.trace(second).await,
        "foreign-key",
        true,
        "names `4711` of another system, which SUP-1 has",
    );
    // The search knows it by now, and by the search it is found.
    let lag = desk.http.post(desk.control("/jira/lag")).json(&json!({ "seconds": 0 }));
    assert!(lag.send().await.unwrap().status().is_success());
    desk.worker.db.execute(sql!("DELETE FROM foreign_key"), args![]).await.unwrap();
    assert_eq!(desk.handled(post("three", "Re: Ticket#4711")).await.1, "comment SUP-1");
    // A key that somebody writes into a second issue as well leads nowhere; nor does one of a sender who may be anybody.
    let client = desk.office.state.connections.jira(site).await.unwrap();
    let twin = jira::NewIssue {
        project_key: "SUP",
        issue_type_id: "10001",
        summary: "as 4711".to_owned(),
        description: "",
        properties: &[],
    };
    client.create_issue(&twin).await.unwrap();
    let (id, end) = desk.handled(post("four", "Ticket#4711 again")).await;
    assert_eq!(end, "issue SUP-3");
    Desk::told(&desk.trace(id).await, "foreign-key", false, "several issues have it");
    let (id, end) = desk.handled(post("five", "Ticket#4711 let me in").unverified()).await;
    assert_eq!(end, "issue SUP-4");
    Desk::told(&desk.trace(id).await, "foreign-key", false, "its sender is not verified");
}

/// Promise: the first mail of a key whose issue is deleted is the first no longer, and one that came to nothing gives its place away.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_mail_that_came_to_nothing_gives_its_place_away() {
    let rules = format!(
        "{FOREIGN}[[rule]]\nname = 'noise'\nwhen = 'mail.subject.contains(\"noise\")'\nignore = 'noise'\n"
    );
    let (desk, _) = Desk::with_profile(&rules).await;
    let lag = desk.http.post(desk.control("/jira/lag")).json(&json!({ "seconds": 360_000 }));
    assert!(lag.send().await.unwrap().status().is_success());
    assert_eq!(desk.handled(post("one", "Ticket#7 noise")).await.1, "ignored ");
    assert_eq!(desk.handled(post("two", "Ticket#7")).await.1, "issue SUP-1");
    assert_eq!(desk.handled(post("three", "Ticket#7")).await.1, "comment SUP-1");
    assert!(desk.http.delete(desk.control("/jira/issues/SUP-1")).send().await.unwrap().status().is_success());
    assert_eq!(desk.handled(post("four", "Ticket#7")).await.1, "issue SUP-2");
    assert_eq!(desk.handled(post("five", "Ticket#7")).await.1, "comment SUP-2");
}

/// Promise: nobody waits for a first mail that nobody takes further: of a paused source, or for a project that takes no mail.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_mail_that_does_not_move_is_not_waited_for() {
    use ledger::foreign::First;
    let (desk, site) = Desk::with_profile("").await;
    let (one, two) = (desk.receive(&post("one", "a")).await, desk.receive(&post("two", "b")).await);
    let db = &desk.worker.db;
    let first = async |itself: Uuid| {
        let now = desk.office.now();
        desk.worker.ledger.first_with(db, (site, "query"), Some(itself), None, now).await.unwrap()
    };
    assert_eq!(first(one).await, First::Itself);
    assert_eq!(first(two).await, First::Open);
    db.execute(sql!("UPDATE source SET paused_at = 1"), args![]).await.unwrap();
    assert_eq!(first(two).await, First::Itself);
    db.execute(sql!("UPDATE source SET paused_at = NULL"), args![]).await.unwrap();
    assert_eq!(first(one).await, First::Open);
    let offline = sql!("UPDATE destination SET state = 'offline', state_since = $1");
    db.execute(offline, args![desk.office.now()]).await.unwrap();
    assert_eq!(first(one).await, First::Open);
    desk.office.console.clock.advance(Duration::from_secs(601));
    assert_eq!(first(one).await, First::Itself);
    // One that is being taken further is waited for, whatever its project is said to be.
    desk.worker.claim(50).await.unwrap();
    assert_eq!(first(two).await, First::Open);
}

/// Promise: a query that Jira does not take holds the mail with the profile's name and line.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_jira_refuses_holds_the_mail() {
    let (desk, _) = Desk::with_profile(
        "[[threads.foreign]]\npattern = 'Ticket#(\\d+)'\njql = 'nowhere ~ \"{{ key }}\"'\n",
    )
    .await;
    let id = desk.receive(&post("one", "Ticket#4711")).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "held");
    let reason = desk.reason(id).await;
    assert!(
        reason.starts_with("profile desk, [threads] (line 2): Jira does not take the query for `4711`"),
        "{reason}"
    );
}
