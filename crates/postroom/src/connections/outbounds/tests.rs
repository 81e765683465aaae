//! Outbounds over the pages, on every database; the mailbox behind them is nowhere.

use fault::Fault;
use http::StatusCode;
use jiff::SignedDuration;
use store::{args, sql};
use uuid::Uuid;

use crate::connections::ConnectionType;
use crate::connections::health::{self, NextTry, Side};
use crate::connections::store::accounts;
use crate::connections::store::enterprise::{self, Enterprise};
use crate::connections::store::outbounds::{self as rows, NewOutbound, Outbound};
use crate::connections::store::uses;
use crate::connections::testing::Office;
use crate::outbound::Used;
use crate::outbound::send::record;
use crate::web::components::Health;

/// An outbound of somebody who may send.
async fn outbound(office: &Office) -> Uuid {
    let registration = office.register().await;
    let account = office.sign_in(registration, "post@contoso.test").await;
    office.connect_outbound(account, "post@contoso.test").await
}

async fn row(office: &Office, id: Uuid) -> Outbound {
    rows::one(&office.console.shell.db, office.workspace(), id).await.unwrap().unwrap()
}

/// Records what using it came to, a second later each time.
async fn used(office: &Office, id: Uuid, used: Used) -> Outbound {
    office.console.clock.advance(std::time::Duration::from_secs(1));
    record(&office.state.connections, &row(office, id).await, used).await.unwrap();
    row(office, id).await
}

fn refused(entry: &str) -> Used {
    Used::Refused(Fault::own(entry, ""))
}

/// Promise: an outbound is listed with its health, paused, resumed and removed, and its account is then free again.
#[tokio::test]
async fn an_outbound_lives() {
    for office in Office::all().await {
        let id = outbound(&office).await;
        let db = &office.console.shell.db;
        let mut browser = office.console.owner().await;
        let list = browser.get("/outbounds").await;
        for part in ["post@contoso.test", "Contoso Post", "online", "no mail sent yet", "Create"] {
            assert!(list.body.contains(part), "{part}: {}", list.body);
        }
        assert!(accounts::unused(db, office.workspace()).await.unwrap().is_empty());
        let token = list.field("csrf");
        browser.post(&format!("/outbounds/{id}/pause"), &token, &[]).await;
        assert!(browser.get("/outbounds").await.body.contains("paused"));
        browser.post(&format!("/outbounds/{id}/resume"), &token, &[]).await;
        let page = browser.get(&format!("/outbounds/{id}")).await;
        for part in ["online", "Resumed", "Sign-in", "What will end"] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
        let renamed =
            browser.post(&format!("/outbounds/{id}/edit"), &token, &[("from_name", "Helpdesk")]).await;
        assert!(renamed.status.is_redirection(), "{}", renamed.body);
        assert!(browser.get("/outbounds").await.body.contains("Helpdesk"));
        browser.post(&format!("/outbounds/{id}/remove"), &token, &[]).await;
        assert!(rows::all(db, office.workspace()).await.unwrap().is_empty());
        assert_eq!(accounts::unused(db, office.workspace()).await.unwrap().len(), 1);
    }
}

/// Promise: the limits of a mailbox are shared by all that reach it over one service: a source, an outbound of another account, and a
/// check that knows no more than its address.
#[tokio::test]
async fn a_source_and_an_outbound_of_one_mailbox_share_its_limits() {
    let office = Office::new().await;
    let there = office.connect().await;
    let connections = &office.state.connections;
    let registration = office.register_at("http://127.0.0.1:2").await;
    let other = office.sign_in(registration, "anna@contoso.test").await;
    let mut tx = office.console.shell.db.begin().await.unwrap();
    let new = NewOutbound {
        id: Uuid::now_v7(),
        workspace: office.workspace(),
        account: other,
        mailbox: there.mailbox,
        connection_type: "graph",
        ews_url: String::new(),
        from_name: String::new(),
        now: office.now(),
    };
    assert!(rows::insert(&mut tx, &new).await.unwrap());
    tx.commit().await.unwrap();
    connections.mailbox_of(there.source).await.unwrap();
    let outbound = rows::one(&connections.db, office.workspace(), new.id).await.unwrap().unwrap();
    connections.mailbox_of_outbound(&outbound).await.unwrap();
    let address = "Support@contoso.test";
    connections.mailbox_over(ConnectionType::Graph, other, address, address, "").await.unwrap();
    connections.graph_mailbox(there.account, "oid-support").await.unwrap();
    assert_eq!(connections.budgets(), 1);
    connections.mailbox_over(ConnectionType::Ews, other, "oid-support", address, "").await.unwrap();
    connections.graph_mailbox(other, "oid-anna@contoso.test").await.unwrap();
    assert_eq!(connections.budgets(), 3, "EWS counts by itself, and so does another mailbox");
}

/// Promise: a ping of an outbound whose mailbox does not answer says so in its line, and the outbound is degraded with the
/// time of the next try.
#[tokio::test]
async fn a_ping_that_fails_is_seen() {
    for office in Office::all().await {
        let id = outbound(&office).await;
        let mut browser = office.console.owner().await;
        let token = browser.token("/outbounds").await;
        let pinged = browser.post(&format!("/outbounds/{id}/ping"), &token, &[]).await;
        assert!(pinged.location().starts_with("/outbounds?ping="), "{}", pinged.body);
        let list = browser.get(&format!("/outbounds?ping={id}")).await;
        for part in ["Something is wrong", "Token", "Identity", "degraded", "trying again"] {
            assert!(list.body.contains(part), "{part}: {}", list.body);
        }
        let standing = health::of_outbound(&row(&office, id).await);
        assert_eq!(standing.health, Health::Degraded);
        let wait = standing.next_try.unwrap().duration_since(office.now());
        assert!(wait.is_positive() && wait < SignedDuration::from_mins(1), "soon, it may pass: {wait:?}");
        // What an administrator has to clear is asked for slowly, and what only a sign-in mends at no time that is told.
        let after = used(&office, id, Used::Unusable(Fault::own("entra.conditional_access", ""))).await;
        let wait = health::of_outbound(&after).next_try.unwrap().duration_since(office.now());
        assert!(wait >= SignedDuration::from_mins(5), "{wait:?}");
        let after = used(&office, id, Used::Unusable(Fault::own("entra.grant_revoked", ""))).await;
        let standing = health::of_outbound(&after);
        assert_eq!((standing.next_try, standing.next()), (None, Some(NextTry::SignIn)));
        for path in ["/outbounds".to_owned(), format!("/outbounds/{id}")] {
            let page = browser.get(&path).await;
            assert!(page.body.contains("after a new sign-in"), "{path}: {}", page.body);
        }
        let standing = health::of_outbound(&used(&office, id, Used::Sent).await);
        assert_eq!((standing.health, standing.last_mail), (Health::Online, Some(office.now())));
    }
}

/// Promise: a refusal to send stands until a mail has gone, whatever else the mailbox answers meanwhile: no look at it brings the
/// outbound back or tells anybody that it is, and the button beside it sends a test mail.
#[tokio::test]
async fn a_refusal_to_send_stands_until_a_mail_has_gone() {
    for office in Office::all().await {
        let id = outbound(&office).await;
        let db = &office.console.shell.db;
        let told = async || -> Vec<String> {
            let all: Vec<(String,)> = db
                .fetch_all(sql!("SELECT kind FROM notice WHERE object_id = $1 ORDER BY raised_at"), args![id])
                .await
                .unwrap();
            all.into_iter().map(|(kind,)| kind).collect()
        };
        let since = used(&office, id, refused("graph.send_as")).await.send_since;
        // What looks now and then does: the folder of drafts answers.
        for _ in 0..3 {
            let after = used(&office, id, Used::Answered).await;
            let standing = health::of_outbound(&after);
            assert_eq!(standing.health, Health::Offline);
            let [trouble] = standing.troubles.as_slice() else { panic!("{:?}", standing.troubles) };
            assert_eq!((trouble.at, trouble.fault.entry.id), (Side::Sending, "graph.send_as"));
            assert_eq!((after.send_since, standing.next()), (since, Some(NextTry::Mail)));
        }
        assert_eq!(told().await, ["offline"]);
        // The sign-in ends and is made anew: that does not let it send either.
        let ended = used(&office, id, Used::Unusable(Fault::own("entra.grant_revoked", ""))).await;
        assert_eq!(health::of_outbound(&ended).troubles.len(), 2, "both are said");
        used(&office, id, Used::Answered).await;
        // A second refusal is the same one.
        assert_eq!(used(&office, id, refused("graph.send_limit")).await.send_since, since);
        let mut browser = office.console.owner().await;
        for path in ["/outbounds".to_owned(), format!("/outbounds/{id}"), "/".to_owned()] {
            let page = browser.get(&path).await;
            let ping = format!("action=\"/outbounds/{id}/ping\"");
            assert!(page.body.contains("Ping: sends you a test mail"), "{path}: {}", page.body);
            assert!(page.body.contains(&ping), "{path}: {}", page.body);
            assert!(!page.body.to_lowercase().contains("works again"), "{path}: {}", page.body);
        }
        // A mail goes.
        let standing = health::of_outbound(&used(&office, id, Used::Sent).await);
        assert_eq!((standing.health, standing.since), (Health::Online, office.now()));
        assert_eq!(told().await, ["offline", "back"]);
        let page = browser.get(&format!("/outbounds/{id}")).await;
        assert!(page.body.contains("Works again"), "{}", page.body);
    }
}

/// Promise: what passes by itself, and what the sign-in is refused, is no refusal to send: it is over when the mailbox answers.
#[tokio::test]
async fn only_the_mail_server_refuses_to_send() {
    let office = Office::new().await;
    let id = outbound(&office).await;
    for entry in ["graph.throttled", "entra.conditional_access", "entra.grant_revoked"] {
        let standing = health::of_outbound(&used(&office, id, refused(entry)).await);
        assert_ne!(standing.health, Health::Online, "{entry}");
        assert_eq!(standing.troubles[0].at, Side::Mailbox, "{entry}");
        let standing = health::of_outbound(&used(&office, id, Used::Answered).await);
        assert_eq!(standing.health, Health::Online, "{entry}");
    }
}

/// Promise: a page and the API show all that is wrong with an outbound, not what comes first alone, and no time for a next try that only
/// a sign-in brings.
#[tokio::test]
async fn all_that_is_wrong_is_shown() {
    for office in Office::all().await {
        let id = outbound(&office).await;
        used(&office, id, refused("graph.send_as")).await;
        let fault = r#"{"entry":"entra.grant_revoked","code":"AADSTS50173"}"#;
        let db = &office.console.shell.db;
        db.execute(sql!("UPDATE account SET state = 'offline', fault = $1"), args![fault]).await.unwrap();
        let mut browser = office.console.owner().await;
        let page = browser.get(&format!("/outbounds/{id}")).await.body;
        for part in ["AADSTS50173", "Sign in again", "may not send as this address", "after a new sign-in"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let api: serde_json::Value =
            serde_json::from_str(&browser.get("/api/v1/outbounds").await.body).unwrap();
        let one = &api["outbounds"][0];
        assert_eq!(one["faults"].as_array().map(Vec::len), Some(2), "{one}");
        assert_eq!(one["fault"]["code"], "AADSTS50173", "{one}");
        assert!(one.get("next_try_at").is_none(), "{one}");
    }
}

/// Promise: the page of an outbound leads to the account that it sends as.
#[tokio::test]
async fn an_outbound_leads_to_its_account() {
    let office = Office::new().await;
    let id = outbound(&office).await;
    let account = row(&office, id).await.account_id;
    let mut browser = office.console.owner().await;
    let page = browser.get(&format!("/outbounds/{id}")).await.body;
    assert!(page.contains(&format!("<a href=\"/accounts/{account}\">post@contoso.test</a>")), "{page}");
    let page = browser.get(&format!("/accounts/{account}")).await.body;
    assert!(page.contains("Back to its 1 outbound") && page.contains("href=\"/outbounds\""), "{page}");
}

/// Promise: where EWS ends, the line that says so has the button that moves the outbound to Graph.
#[tokio::test]
async fn the_end_of_ews_comes_with_its_button() {
    let office = Office::new().await;
    let id = outbound(&office).await;
    let db = &office.console.shell.db;
    db.execute(sql!("UPDATE outbound SET connection_type = 'ews'"), args![]).await.unwrap();
    let mut browser = office.console.owner().await;
    let list = browser.get("/outbounds").await.body;
    let said = list.split("class=\"row-said").find(|said| said.contains("ends on")).expect("the end is said");
    let line = said.split_once("</li>").map_or(said, |(line, _)| line);
    assert!(line.contains(&format!("/outbounds/{id}/convert")), "{line}");
}

/// Promise: the overview says which outbound needs a person, with its button, shows all of them, and says what of them ends soon.
#[tokio::test]
async fn the_overview_has_outbounds() {
    for office in Office::all().await {
        let id = outbound(&office).await;
        let db = &office.console.shell.db;
        let mut browser = office.console.owner().await;
        let page = browser.get("/").await.body;
        assert!(
            page.contains(&format!("href=\"/outbounds/{id}\"")) && !page.contains("Needs a person"),
            "{page}"
        );
        assert!(page.contains("no mail sent yet"), "{page}");
        let used = office.now() - SignedDuration::from_hours(84 * 24);
        let fault = r#"{"entry":"entra.grant_revoked","code":"AADSTS50173"}"#;
        db.execute(
            sql!("UPDATE account SET state = 'offline', fault = $1, signed_in_at = $2, refreshed_at = NULL"),
            args![fault, used],
        )
        .await
        .unwrap();
        let page = browser.get("/").await.body;
        for part in [
            "Needs a person",
            "Sending from post@contoso.test",
            "AADSTS50173",
            &format!("/outbounds/{id}/sign-in"),
            "Sign-in ends in",
            ">offline<",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}

/// Promise: where a sign-in goes on to the form at once, the form says who is signed in, what was granted, what will not work, and what
/// Postroom is in the tenant, as the account's page does.
#[tokio::test]
async fn the_form_says_what_was_granted() {
    let office = Office::new().await;
    let registration = office.register().await;
    let account = office.sign_in(registration, "post@contoso.test").await;
    let known = Enterprise {
        tenant_id: "tenant".to_owned(),
        object_id: "sp-1".to_owned(),
        name: "Postroom of Contoso".to_owned(),
        signed_in_by: "admin@contoso.test".to_owned(),
        seen_at: office.now().as_microsecond(),
    };
    let mut tx = office.console.shell.db.begin().await.unwrap();
    enterprise::put(&mut tx, registration, &known, office.now()).await.unwrap();
    tx.commit().await.unwrap();
    let mut browser = office.console.owner().await;
    let both =
        ["You are signed in as", "post@contoso.test", "Postroom of Contoso", "admin@contoso.test", "sp-1"];
    let form = browser.get(&format!("/outbounds/new?account={account}")).await.body;
    let to_send =
        ["not granted: send mail from this mailbox (Mail.Send)", "What will not work", "no Message Outbound"];
    for part in both.iter().chain(&to_send) {
        assert!(form.contains(part), "{part}: {form}");
    }
    for form in ["/outbounds/new", "/sources/new"] {
        let page = browser.get(&format!("{form}?account={account}&over=ews")).await.body;
        let over_ews =
            ["EWS.AccessAsUser.All was not granted", "read this mailbox and mark its mail (Mail.ReadWrite)"];
        for part in both.iter().chain(&over_ews) {
            assert!(page.contains(part), "{form}: {part}: {page}");
        }
    }
    // Over Graph a source's form comes after the account's page, which has said it.
    let page = browser.get(&format!("/sources/new?account={account}")).await.body;
    assert!(!page.contains("Postroom of Contoso"), "{page}");
}

/// Promise: an account that is handed over takes sources and outbounds along, and both are counted; one that was removed is none.
#[tokio::test]
async fn sources_and_outbounds_are_handed_over() {
    for office in Office::all().await {
        let there = office.connect().await;
        office.connect_outbound(there.account, "post@contoso.test").await;
        let gone = office.second_source(there, "Archive").await;
        let db = &office.console.shell.db;
        db.execute(sql!("UPDATE source SET removed_at = $1 WHERE id = $2"), args![office.now(), gone])
            .await
            .unwrap();
        let registration = registration_of(&office, there.account).await;
        let next = office.sign_in(registration, "next@contoso.test").await;
        let both = uses::Uses { sources: 1, outbounds: 1 };
        assert_eq!(uses::of(db, there.account).await.unwrap(), both);
        // It cannot be removed meanwhile, and it is said why.
        let mut browser = office.console.owner().await;
        let token = browser.token("/sources").await;
        let kept = browser.post(&format!("/accounts/{}/remove", there.account), &token, &[]).await;
        assert_eq!(kept.status, StatusCode::CONFLICT);
        assert!(kept.body.contains("is used for 1 source and 1 outbound"), "{}", kept.body);
        let page = browser.get(&format!("/registrations/{registration}")).await.body;
        assert!(
            page.contains("1<span class=\"phone-only\"> source")
                && page.contains("1<span class=\"phone-only\"> outbound"),
            "{page}"
        );
        let mut tx = db.begin().await.unwrap();
        let handed = uses::hand_over(&mut tx, there.account, next, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(handed, both);
        assert_eq!(uses::of(db, next).await.unwrap(), both);
        assert!(uses::of(db, there.account).await.unwrap().is_none());
    }
}

async fn registration_of(office: &Office, account: Uuid) -> Uuid {
    let db = &office.console.shell.db;
    accounts::account(db, office.workspace(), account).await.unwrap().unwrap().app_registration_id
}

/// Promise: without the right to send there is no outbound, and the form says what is missing.
#[tokio::test]
async fn the_right_to_send_is_asked_for() {
    let office = Office::new().await;
    let registration = office.register().await;
    let account = office.sign_in(registration, "reader@contoso.test").await;
    let mut browser = office.console.owner().await;
    let form = browser.get(&format!("/outbounds/new?account={account}")).await;
    assert!(form.body.contains("reader@contoso.test"), "{}", form.body);
    let fields = [("mailbox", "reader@contoso.test"), ("from_name", "")];
    let refused =
        browser.post(&format!("/outbounds/new?account={account}"), &form.field("csrf"), &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Mail.Send"), "{}", refused.body);
}
