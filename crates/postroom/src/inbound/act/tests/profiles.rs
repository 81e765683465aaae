//! What the rules of a source's profile do to real issues.

use super::*;
use crate::profiles::store as rows;

impl Desk {
    /// The source's mail is handled by this profile from now on.
    pub(super) async fn profile(&self, rules: &str) -> Uuid {
        let (id, now) = (Uuid::now_v7(), self.office.now());
        let document = format!("profile = \"desk\"\n{rules}");
        rules::Profile::parse(&document).unwrap_or_else(|refusals| panic!("{refusals:#?}"));
        let new = rows::NewVersion { document: &document, author: "test", note: "", now };
        let mut tx = self.worker.db.begin().await.unwrap();
        rows::insert(&mut tx, self.office.workspace(), id, "desk", new).await.unwrap();
        rows::give(&mut tx, self.there.source, Some(id), now).await.unwrap();
        tx.commit().await.unwrap();
        self.office.state.connections.forget();
        id
    }

    async fn save(&self, id: Uuid, seen: i64, rules: &str) {
        let document = format!("profile = \"desk\"\n{rules}");
        let new = rows::NewVersion { document: &document, author: "test", note: "", now: self.office.now() };
        let mut tx = self.worker.db.begin().await.unwrap();
        assert!(rows::add_version(&mut tx, id, "desk", seen, new).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// The fields of an issue, as Jira tells them.
    async fn fields(&self, site: Uuid, key: &str) -> Value {
        let client = self.office.state.connections.jira(site).await.unwrap();
        Value::Object(client.get_issue(key, &["*all"], &[]).await.unwrap().fields)
    }

    pub(super) async fn reason(&self, id: Uuid) -> String {
        let (reason,): (String,) = self
            .worker
            .db
            .fetch_one(sql!("SELECT coalesce(reason, '') AS reason FROM message WHERE id = $1"), args![id])
            .await
            .unwrap();
        reason
    }
}

const BILLING: &str = r#"
[[rule]]
name = "bills"
when = 'mail.subject.mentions("invoice")'
project = "BILL"
issue_type = "Bug"
labels = ["from mail"]
[rule.fields]
Colour = "Amber"
Team = "{{ mail.subject }}"
"Steps to reproduce" = "one\ntwo"
Cost = 12.5
[[rule]]
name = "noise"
when = 'mail.subject.contains("noise")'
ignore = "noise"
"#;

/// Promise: a rule sends mail to another project of the same Jira, with type and fields, and other mail stays where the source
/// writes; a new version of the profile counts for the next mail.
#[tokio::test(flavor = "multi_thread")]
async fn rules_choose_project_type_and_fields() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    let profile = desk.profile(BILLING).await;
    let bill = desk.mail("Invoice 4711", None).await;
    let other = desk.mail("Printer", None).await;
    let noise = desk.mail("noise", None).await;
    desk.pass().await;
    assert_eq!(desk.end(bill).await, ended("issue", "BILL-1", 0));
    assert_eq!(desk.end(other).await, ended("issue", "SUP-1", 0));
    assert_eq!(desk.end(noise).await.1, "ignored");
    let fields = desk.fields(site, "BILL-1").await;
    assert_eq!(fields["issuetype"]["name"], "Bug", "{fields:#}");
    assert_eq!(fields["labels"], json!(["from-mail"]));
    assert_eq!(fields["customfield_10010"]["value"], "amber");
    assert_eq!(fields["customfield_10011"], "Invoice 4711");
    assert_eq!(fields["customfield_10012"]["type"], "doc");
    assert_eq!(fields["customfield_10014"], 12.5);

    let reply = desk.mail("more", Some("Invoice 4711")).await;
    desk.pass().await;
    assert_eq!(desk.end(reply).await, ended("comment", "BILL-1", 0));

    desk.save(profile, 1, "[[rule]]\nname = 'stop'\nhold = 'a person looks'").await;
    let held = desk.mail("Invoice 4712", None).await;
    desk.pass().await;
    assert_eq!(desk.end(held).await.0, "held");
    assert_eq!(desk.reason(held).await, "rule `stop`: a person looks");
}

/// Promise: a rule that stopped working holds the mail and names profile, rule and line; nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_jira_does_not_take_holds_the_mail() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    desk.profile("[[rule]]\nname = 'paint'\nfields = { Colour = 'pink' }").await;
    let id = desk.mail("Printer", None).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "held");
    let reason = desk.reason(id).await;
    assert!(
        reason.starts_with("profile desk, rule `paint` (line 2): `Colour` does not take `pink`"),
        "{reason}"
    );
    assert!(desk.keys().await.is_empty());
}

/// Promise: a lost reply of a create in a project that a rule chose is found there and adopted: one issue.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_in_a_chosen_project_doubles_nothing() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    desk.profile(BILLING).await;
    let id = desk.mail("Invoice 1", None).await;
    lose(&desk, "/issue$", ("POST", "/issue/bulkfetch$")).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting");
    desk.later().await;
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("issue", "BILL-1", 0));
    assert_eq!(desk.keys().await, ["BILL-1"]);
}

/// Promise: when Jira refuses what a rule sets, the project is asked anew and the rules with it; a fault that stays counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_field_is_asked_anew() {
    let desk = Desk::new().await;
    let site = desk.own_site().await;
    desk.point(site, "SUP").await;
    let profile = desk.profile("[[rule]]\nname = 'paint'\nfields = { Colour = 'red' }").await;
    let refused = json!({ "service": "jira", "method": "POST", "path": "/issue$", "kind": "status", "status": 400, "count": 1 });
    desk.fault(refused).await;
    let id = desk.mail("first", None).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting", "the rules say the same: it is tried again");
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("issue", "SUP-1", 0));

    // The plan is made with one value and refused; by the next refusal the rules say another one, and that is written.
    let twice = json!({ "service": "jira", "method": "POST", "path": "/issue$", "kind": "status", "status": 400, "count": 2 });
    desk.fault(twice).await;
    let id = desk.mail("second", None).await;
    desk.pass().await;
    assert_eq!(desk.end(id).await.0, "acting");
    desk.save(profile, 1, "[[rule]]\nname = 'paint'\nfields = { Colour = 'green' }").await;
    desk.later().await;
    assert_eq!(desk.end(id).await, ended("issue", "SUP-2", 1), "decided anew: another generation");
    assert_eq!(desk.fields(site, "SUP-2").await["customfield_10010"]["value"], "green");
    assert_eq!(desk.keys().await, ["SUP-1", "SUP-2"]);
}
