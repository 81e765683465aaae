//! What is promised of what a sign-in is for: a link and a code for a mailbox that sends lead to an outbound, and a code that came to
//! nothing is asked for again for the same.

use std::time::Duration;

use http::StatusCode;
use store::{args, sql};
use uuid::Uuid;

use super::goal::{Goal, Way};
use super::store::accounts;
use super::testing::Office;
use super::tests_of_consent::{follow, make_link, poller, stopped};
use super::tests_of_sign_in::{begin, come_back, office, second_half};
use crate::web::testing::Browser;

const TO_SEND: &str = "openid profile email User.Read Mail.ReadWrite Mail.Send";

async fn account(office: &Office) -> Uuid {
    let (id,): (Uuid,) =
        office.console.shell.db.fetch_one(sql!("SELECT id FROM account"), args![]).await.unwrap();
    id
}

/// Whoever signed in to send stands in the list of outbounds, with the way to the outbound's form, and in no other.
async fn waits_to_send(office: &Office, owner: &mut Browser<'_>) {
    let form = format!("href=\"/outbounds/new?account={}\"", account(office).await);
    let list = owner.get("/outbounds").await.body;
    for part in ["support@contoso.test", "nothing is sent before the mailbox is chosen", form.as_str()] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let list = owner.get("/sources").await.body;
    assert!(!list.contains("support@contoso.test"), "{list}");
    let page = owner.get(&format!("/accounts/{}", account(office).await)).await.body;
    assert!(page.contains(&form) && page.contains("Choose the mailbox to send from"), "{page}");
}

/// Promise: a sign-in link for an outbound asks for the right to send, says so to the mailbox's owner, and leads whoever made it to the
/// outbound's form.
#[tokio::test]
async fn a_link_to_send_leads_to_an_outbound() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let menu = owner.get("/outbounds").await.body;
    assert!(menu.contains("/sign-in-links/new?for=outbound"), "{menu}");
    let form = owner.get("/sign-in-links/new?for=outbound").await.body;
    let chosen = form.split("<input").find(|input| input.contains("value=\"outbound\"")).expect("the choice");
    assert!(chosen.split('>').next().unwrap().contains("checked"), "{chosen}");
    let link = make_link(&mut owner, &[("purpose", "outbound")]).await;
    let mut visitor = office.console.browser();
    let page = visitor.get(&link).await.body;
    assert!(page.contains("Mail.Send") && page.contains("sends mail from it"), "{page}");
    told.lock().unwrap().scope = TO_SEND;
    let state = follow(&mut visitor, &told, &link).await;
    let done = come_back(&mut visitor, &state).await;
    assert!(done.body.contains("You are signed in as"), "{}", done.body);
    waits_to_send(&office, &mut owner).await;
    let list = owner.get("/sign-in-links/new").await.body;
    assert!(list.contains("to send from it"), "{list}");
    // An account that something uses waits for the form all the same, and cannot be removed.
    let db = &office.console.shell.db;
    let there = account(&office).await;
    office.connect_outbound(there, "post@contoso.test").await;
    let list = owner.get("/outbounds").await.body;
    assert!(list.contains("nothing is sent before the mailbox is chosen"), "{list}");
    assert!(!list.contains(&format!("/accounts/{there}/remove")), "{list}");
    db.execute(sql!("UPDATE account SET goal = ''"), args![]).await.unwrap();
    assert!(!owner.get("/outbounds").await.body.contains("nothing is sent before the mailbox is chosen"));
    // At Message Sources the same account goes on to a source.
    let page = owner.get(&format!("/accounts/{there}")).await.body;
    assert!(page.contains("Choose folder and project") && page.contains("Back to its 1 outbound"), "{page}");
    // A link to read is for reading.
    let link = make_link(&mut owner, &[("purpose", "source")]).await;
    let page = visitor.get(&link).await.body;
    assert!(!page.contains("Mail.Send") && page.contains("makes Jira issues of mail"), "{page}");
}

/// Promise: a wait for an administrator that a link to send came to goes on to the outbound's form, too.
#[tokio::test]
async fn a_link_to_send_that_waits_keeps_what_it_is_for() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let link = make_link(&mut owner, &[("purpose", "outbound")]).await;
    told.lock().unwrap().scope = "openid profile email User.Read";
    let mut visitor = office.console.browser();
    let state = follow(&mut visitor, &told, &link).await;
    let state = second_half(&come_back(&mut visitor, &state).await, &told);
    let waits = visitor.get(&stopped(&state, 90_094)).await;
    assert_eq!(waits.status, StatusCode::OK, "{}", waits.body);
    let db = &office.console.shell.db;
    let (goal,): (String,) = db.fetch_one(sql!("SELECT goal FROM approval"), args![]).await.unwrap();
    assert_eq!(Goal::of_stored(&goal), Goal::Outbound(Way::graph()));
    assert!(owner.get("/outbounds").await.body.contains("admin approval needed"));
    assert!(!owner.get("/sources").await.body.contains("admin approval needed"));
    // Approved: what was waited for is over, and whoever comes to the list finds where it goes on.
    db.execute(sql!("UPDATE approval SET ended_at = since, outcome = 'approved'"), args![]).await.unwrap();
    db.execute(sql!("UPDATE account SET state = 'online', fault = NULL, scopes = $1"), args![TO_SEND])
        .await
        .unwrap();
    waits_to_send(&office, &mut owner).await;
}

/// Promise: a code for an outbound asks for the right to send, and leads to the outbound's form.
#[tokio::test]
async fn a_code_to_send_leads_to_an_outbound() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let list = owner.get("/outbounds").await;
    assert!(list.body.contains("Sign in by a code") && list.body.contains("name=\"send\""), "{}", list.body);
    let token = list.field("csrf");
    let page = owner.post("/device-sign-ins", &token, &[("send", "on")]).await.location().to_owned();
    let (wanted,): (String,) =
        office.console.shell.db.fetch_one(sql!("SELECT wanted FROM device_sign_in"), args![]).await.unwrap();
    assert!(wanted.contains("Mail.Send") && !wanted.contains("Shared"), "{wanted}");
    {
        let mut told = told.lock().unwrap();
        (told.scope, told.now) = (TO_SEND, office.now().as_second());
    }
    office.console.clock.advance(Duration::from_secs(5));
    poller(&office).once().await.unwrap();
    let body = owner.get(&page).await.body;
    let form = format!("href=\"/outbounds/new?account={}\"", account(&office).await);
    assert!(body.contains("support@contoso.test is signed in") && body.contains(&form), "{body}");
    waits_to_send(&office, &mut owner).await;
}

/// What the button for another code posts beside its token.
fn fields_of_again(page: &str) -> Vec<(String, String)> {
    let form = page.split("<form").find(|form| form.contains("Get a new code")).expect("the button");
    let form = form.split("</form>").next().unwrap();
    let value = |input: &str, name: &str| {
        let rest = input.split_once(&format!("{name}=\""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let inputs = form
        .split("<input")
        .skip(1)
        .filter_map(|input| Some((value(input, "name")?, value(input, "value")?)));
    inputs.filter(|(name, _)| name != "csrf").collect()
}

/// Promise: another code is for the same as the one before: the same account, whose place nobody else takes by entering it, and else the
/// same kind of mailbox.
#[tokio::test]
async fn another_code_is_for_the_same() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    come_back(&mut owner, &state).await;
    let account = account(&office).await.to_string();
    let token = owner.token("/sources").await;
    let over = async |owner: &mut Browser<'_>, posted: &[(&str, &str)]| {
        let page = owner.post("/device-sign-ins", &token, posted).await.location().to_owned();
        office.console.clock.advance(Duration::from_secs(901));
        poller(&office).once().await.unwrap();
        owner.get(&page).await.body
    };
    let page = over(&mut owner, &[("shared", "on"), ("send", "on")]).await;
    let both = [("shared".to_owned(), "on".to_owned()), ("send".to_owned(), "on".to_owned())];
    assert_eq!(fields_of_again(&page), both);
    let page = over(&mut owner, &[]).await;
    assert_eq!(fields_of_again(&page), []);
    let page = over(&mut owner, &[("account", account.as_str())]).await;
    let again = fields_of_again(&page);
    assert_eq!(again, [("account".to_owned(), account.clone())]);

    // Somebody else enters the new one: refused, as with the first.
    let posted: Vec<(&str, &str)> = again.iter().map(|(name, value)| (&**name, &**value)).collect();
    let page = owner.post("/device-sign-ins", &token, &posted).await.location().to_owned();
    {
        let mut told = told.lock().unwrap();
        (told.oid, told.now) = ("billing", office.now().as_second());
    }
    office.console.clock.advance(Duration::from_secs(5));
    poller(&office).once().await.unwrap();
    let body = owner.get(&page).await.body;
    assert!(body.contains("billing@contoso.test entered the code"), "{body}");
    let all = accounts::signed_in(&office.console.shell.db, office.workspace()).await.unwrap();
    assert_eq!(all.iter().map(|one| one.username.as_str()).collect::<Vec<_>>(), ["support@contoso.test"]);
}

/// Promise: where an administrator has to approve what a code asks for, its page leads to the wait, which has the link for them.
#[tokio::test]
async fn a_code_that_waits_for_an_administrator_leads_to_the_wait() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let token = owner.token("/outbounds").await;
    let page = owner.post("/device-sign-ins", &token, &[("send", "on")]).await.location().to_owned();
    told.lock().unwrap().refuses = Some((65_001, "invalid_grant"));
    office.console.clock.advance(Duration::from_secs(5));
    poller(&office).once().await.unwrap();
    let body = owner.get(&page).await.body;
    assert!(body.contains("AADSTS65001") && body.contains("What the administrator has to do"), "{body}");
    let rest = body.split_once("href=\"/approvals/").expect("the way to the wait").1;
    let approval = rest.split_once('"').unwrap().0.to_owned();
    let wait = owner.get(&format!("/approvals/{approval}")).await.body;
    assert!(wait.contains("adminconsent") && wait.contains("Mail.Send"), "{wait}");
    assert!(wait.contains("href=\"/outbounds\""), "{wait}");
    // Given up: the page does not lead into nothing.
    owner.post(&format!("/approvals/{approval}/give-up"), &token, &[]).await;
    let body = owner.get(&page).await.body;
    assert!(!body.contains("/approvals/") && body.contains("Get a new code"), "{body}");
}

/// Promise: a swap names and hands over what sends as the account as well as what is read with it.
#[tokio::test]
async fn a_swap_takes_outbounds_along() {
    let (office, told, _) = office().await;
    let mut owner = office.console.owner().await;
    let state = begin(&mut owner, &told, "/sources/sign-in").await;
    come_back(&mut owner, &state).await;
    let before = account(&office).await;
    office.connect_outbound(before, "post@contoso.test").await;
    told.lock().unwrap().oid = "billing";
    let state = begin(&mut owner, &told, &format!("/accounts/{before}/sign-in")).await;
    let page = come_back(&mut owner, &state).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["1 outbound keeps its place", "to send as them", "Let billing@contoso.test take over"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("1 source"), "{}", page.body);
    let state = begin(&mut owner, &told, &format!("/accounts/{before}/replace")).await;
    let state = second_half(&come_back(&mut owner, &state).await, &told);
    told.lock().unwrap().scope =
        "openid profile email User.Read Mail.ReadWrite Mail.ReadWrite.Shared Mail.Send Mail.Send.Shared";
    let back = come_back(&mut owner, &state).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/outbounds"), "{}", back.body);
    let list = owner.get("/outbounds").await.body;
    assert!(list.contains("billing@contoso.test is signed in and takes over 1 outbound. Ping"), "{list}");
    let db = &office.console.shell.db;
    let (sends_as,): (String,) = db
        .fetch_one(sql!("SELECT a.username FROM outbound o JOIN account a ON a.id = o.account_id"), args![])
        .await
        .unwrap();
    assert_eq!(sends_as, "billing@contoso.test");
}
