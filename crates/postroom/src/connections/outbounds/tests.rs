//! Outbounds over the pages, on every database; the mailbox behind them is nowhere.

use fault::Fault;
use jiff::SignedDuration;
use store::{args, sql};
use uuid::Uuid;

use crate::connections::ConnectionType;
use crate::connections::health;
use crate::connections::store::accounts;
use crate::connections::store::outbounds::{self as rows, NewOutbound};
use crate::connections::store::sources;
use crate::connections::testing::Office;
use crate::outbound;
use crate::web::components::Health;

/// An outbound of somebody who may send.
async fn outbound(office: &Office) -> Uuid {
    let registration = office.register().await;
    let account = office.sign_in(registration, "post@contoso.test").await;
    let (now, workspace, id) = (office.now(), office.workspace(), Uuid::now_v7());
    let db = &office.console.shell.db;
    db.execute(
        sql!("UPDATE account SET scopes = 'openid Mail.ReadWrite Mail.Send' WHERE id = $1"),
        args![account],
    )
    .await
    .unwrap();
    let mut tx = db.begin().await.unwrap();
    let mailbox = sources::add_mailbox(&mut tx, workspace, "tenant", "oid-post", "post@contoso.test", now)
        .await
        .unwrap();
    let new = NewOutbound {
        id,
        workspace,
        account,
        mailbox,
        connection_type: "graph",
        ews_url: String::new(),
        from_name: "Contoso Post".to_owned(),
        now,
    };
    assert!(rows::insert(&mut tx, &new).await.unwrap());
    let second = NewOutbound { id: Uuid::now_v7(), ..new };
    assert!(!rows::insert(&mut tx, &second).await.unwrap(), "one outbound a mailbox");
    tx.commit().await.unwrap();
    id
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
        let db = &office.console.shell.db;
        let row = rows::one(db, office.workspace(), id).await.unwrap().unwrap();
        let standing = health::of_outbound(&row);
        assert_eq!(standing.health, Health::Degraded);
        let wait = standing.next_try.unwrap().duration_since(office.now());
        assert!(wait.is_positive() && wait < SignedDuration::from_mins(1), "soon, it may pass: {wait:?}");
        // What an administrator has to clear is asked for slowly, and what only a sign-in mends hardly ever.
        for (entry, least) in [("entra.conditional_access", 5), ("entra.grant_revoked", 60)] {
            outbound::send::record(&office.state.connections, &row, Err(&Fault::own(entry, "")))
                .await
                .unwrap();
            let row = rows::one(db, office.workspace(), id).await.unwrap().unwrap();
            let wait = health::of_outbound(&row).next_try.unwrap().duration_since(office.now());
            assert!(wait >= SignedDuration::from_mins(least), "{entry}: {wait:?}");
        }
        outbound::send::record(&office.state.connections, &row, Ok(true)).await.unwrap();
        let row = rows::one(db, office.workspace(), id).await.unwrap().unwrap();
        let standing = health::of_outbound(&row);
        assert_eq!((standing.health, standing.last_mail), (Health::Online, Some(office.now())));
    }
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
    assert_eq!(refused.status, http::StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Mail.Send"), "{}", refused.body);
}
