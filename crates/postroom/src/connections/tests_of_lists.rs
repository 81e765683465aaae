//! What lists and pages say of connections: counts, the move to Graph, what ends.

use fault::Fault;
use http::StatusCode;
use store::{args, sql};
use uuid::Uuid;

use super::store::conversion;
use super::store::outbounds::{self, NewOutbound};
use super::testing::{Connected, Office};
use crate::access::Actor;

/// An outbound of the account of a source, in its mailbox.
async fn outbound(office: &Office, there: Connected) -> Uuid {
    let id = Uuid::now_v7();
    let new = NewOutbound {
        id,
        workspace: office.workspace(),
        account: there.account,
        mailbox: there.mailbox,
        connection_type: "graph",
        ews_url: String::new(),
        from_name: String::new(),
        now: office.now(),
    };
    let mut tx = office.console.shell.db.begin().await.unwrap();
    assert!(outbounds::insert(&mut tx, &new).await.unwrap());
    tx.commit().await.unwrap();
    id
}

/// Source and outbound are reached over EWS from now on.
async fn over_ews(office: &Office) {
    for statement in [
        sql!("UPDATE source SET connection_type = 'ews'"),
        sql!("UPDATE outbound SET connection_type = 'ews'"),
    ] {
        office.console.shell.db.execute(statement, args![]).await.unwrap();
    }
}

/// Exchange bars EWS to both, to the outbound twice: its mailbox does not answer, and a mail was refused before.
async fn bar(office: &Office) {
    let record = serde_json::to_string(&Fault::own("ews.disabled", "").to_record()).unwrap();
    for statement in [
        sql!("UPDATE source SET state = 'offline', fault = $1, state_since = $2"),
        sql!(
            "UPDATE outbound SET state = 'offline', fault = $1, state_since = $2, send_state = 'offline', send_fault = $1, send_since = $2"
        ),
    ] {
        office.console.shell.db.execute(statement, args![&record, office.now()]).await.unwrap();
    }
}

/// Promise: a page offers the move to Graph once: with the fault that it mends, else where it says that EWS ends, else among what can be
/// done; of sources and of outbounds alike, in the list, on the connection's own page, which show all that is wrong, and on the overview.
#[tokio::test]
async fn the_move_to_graph_is_offered_once() {
    for office in Office::all().await {
        let there = office.connect().await;
        let sender = outbound(&office, there).await;
        over_ews(&office).await;
        let mut owner = office.console.owner().await;
        let at = [("/sources", there.source), ("/outbounds", sender)];
        for barred in [false, true] {
            if barred {
                bar(&office).await;
            }
            for (list, id) in at {
                for path in [list.to_owned(), format!("{list}/{id}")] {
                    let page = owner.get(&path).await;
                    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
                    let offered = page.body.matches(&format!("action=\"{list}/{id}/convert\"")).count();
                    assert_eq!(offered, 1, "{path}, barred: {barred}: {}", page.body);
                }
            }
        }
        let overview = owner.get("/").await;
        for (list, id) in at {
            let offered = overview.body.matches(&format!("action=\"{list}/{id}/convert\"")).count();
            assert_eq!(offered, 1, "{list}: {}", overview.body);
        }
        // A move under way needs no other, and one that failed is begun again where that is said.
        let db = &office.console.shell.db;
        let actor =
            Actor { workspace: office.workspace(), user: None, name: String::new(), at: office.now() };
        let mut tx = db.begin().await.unwrap();
        assert!(conversion::begin(&mut tx, &actor, there.source, office.now()).await.unwrap());
        tx.commit().await.unwrap();
        for (state, many) in [("running", 0), ("failed", 1)] {
            db.execute(sql!("UPDATE conversion SET state = $1"), args![state]).await.unwrap();
            for path in ["/sources".to_owned(), format!("/sources/{}", there.source)] {
                let page = owner.get(&path).await;
                let offered = format!("action=\"/sources/{}/convert\"", there.source);
                assert_eq!(page.body.matches(&offered).count(), many, "{path}, {state}: {}", page.body);
            }
        }
        db.execute(sql!("DELETE FROM conversion"), args![]).await.unwrap();
        // An Exchange server of one's own: nothing ends, and the move is among what can be done.
        for statement in [
            sql!("UPDATE source SET ews_url = $1, state = 'online', fault = NULL"),
            sql!(
                "UPDATE outbound SET ews_url = $1, state = 'online', fault = NULL, send_state = 'online', send_fault = NULL"
            ),
        ] {
            db.execute(statement, args!["https://mail.contoso.test/EWS/Exchange.asmx"]).await.unwrap();
        }
        for (list, id) in at {
            let page = owner.get(list).await;
            let offered = page.body.matches(&format!("action=\"{list}/{id}/convert\"")).count();
            assert_eq!(offered, 1, "{list}: {}", page.body);
        }
    }
}

/// Promise: that EWS ends is said of Exchange Online alone: not of an Exchange server of one's own, whether the connection names it or
/// its app registration does.
#[tokio::test]
async fn ews_ends_in_exchange_online_alone() {
    for office in Office::all().await {
        let there = office.connect().await;
        let sender = outbound(&office, there).await;
        over_ews(&office).await;
        let mut owner = office.console.owner().await;
        let pages = [
            "/sources".to_owned(),
            format!("/sources/{}", there.source),
            "/outbounds".to_owned(),
            format!("/outbounds/{sender}"),
        ];
        let db = &office.console.shell.db;
        let own = "https://mail.contoso.test/EWS/Exchange.asmx";
        let online = "https://outlook.office365.us/EWS/Exchange.asmx";
        for (registration, connection, ends) in
            [("", "", true), (own, "", false), ("", own, false), (online, "", true), (own, online, true)]
        {
            db.execute(sql!("UPDATE app_registration SET ews_url = $1"), args![registration]).await.unwrap();
            for statement in
                [sql!("UPDATE source SET ews_url = $1"), sql!("UPDATE outbound SET ews_url = $1")]
            {
                db.execute(statement, args![connection]).await.unwrap();
            }
            office.state.connections.forget();
            for path in &pages {
                let page = owner.get(path).await;
                let said = page.body.contains("EWS in Exchange Online");
                assert_eq!(said, ends, "{path}, {registration:?}, {connection:?}: {}", page.body);
            }
        }
    }
}

/// Promise: an account that is read gets another source: from its page, and from the source's menu in the list and on its page, where the
/// form has the same mailbox, over the same connection type and at the same server; a mailbox that was typed stays typed.
#[tokio::test]
async fn another_folder_is_another_source() {
    for office in Office::all().await {
        let there = office.connect().await;
        let mut owner = office.console.owner().await;
        let new = format!("/sources/new?account={}", there.account);
        let page = owner.get(&format!("/accounts/{}", there.account)).await.body;
        let link = format!("<a class=\"button\" href=\"{new}\">");
        assert!(page.contains("Read another folder or mailbox") && page.contains(&link), "{page}");
        let db = &office.console.shell.db;
        db.execute(sql!("UPDATE mailbox SET address = 'shared+sales@contoso.test'"), args![]).await.unwrap();
        let own = "https://mail.contoso.test/EWS/Exchange.asmx";
        let at_own = "&over=ews&ews_url=https%3A%2F%2Fmail.contoso.test%2FEWS%2FExchange.asmx";
        for (over, server, way) in [("graph", "", ""), ("ews", "", "&over=ews"), ("ews", own, at_own)] {
            db.execute(sql!("UPDATE source SET connection_type = $1, ews_url = $2"), args![over, server])
                .await
                .unwrap();
            let address = format!("{new}{way}&mailbox=shared%2Bsales%40contoso.test");
            for path in ["/sources".to_owned(), format!("/sources/{}", there.source)] {
                let page = owner.get(&path).await.body.replace("&#38;", "&");
                let link = page.split("<a ").find(|link| link.contains("Read another folder of it"));
                let link = link.unwrap_or_else(|| panic!("{path}: {page}"));
                assert!(link.contains(&format!("href=\"{address}\"")), "{path}: {link}");
            }
            let form = owner.get(&address).await;
            assert_eq!(form.status, StatusCode::OK, "{}", form.body);
            assert!(form.body.contains("value=\"shared+sales@contoso.test\""), "{}", form.body);
            let page = form.body.replace("&#38;", "&");
            assert!(page.contains(&format!("action=\"{new}{way}\"")), "{page}");
        }
    }
}

/// Promise: an account that is not read yet is led to its first source, and is not offered another.
#[tokio::test]
async fn nothing_is_read_so_nothing_else_is() {
    let office = Office::new().await;
    let registration = office.register().await;
    let account = office.sign_in(registration, "support@contoso.test").await;
    office.connect_outbound(account, "post@contoso.test").await;
    let page = office.console.owner().await.get(&format!("/accounts/{account}")).await.body;
    assert!(!page.contains("Read another folder") && page.contains("Choose folder and project"), "{page}");
}

/// What a page says, without its tags.
fn words(html: &str) -> String {
    html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect()
}

/// Promise: a number has the noun that fits it, wherever one of something is counted.
#[tokio::test]
async fn one_is_counted_as_one() {
    for office in Office::all().await {
        let there = office.connect().await;
        let sender = outbound(&office, there).await;
        let mails = office.record(there, &["Waits", "Done"]).await;
        let db = &office.console.shell.db;
        db.execute(
            sql!("UPDATE message SET state = 'ended', ending = 'issue', ended_at = $1 WHERE id = $2"),
            args![office.now(), mails[1]],
        )
        .await
        .unwrap();
        let record = serde_json::to_string(&Fault::own("jira.project", "").to_record()).unwrap();
        db.execute(
            sql!("UPDATE destination SET state = 'offline', fault = $1, state_since = $2"),
            args![record, office.now()],
        )
        .await
        .unwrap();
        let (registration,): (Uuid,) =
            db.fetch_one(sql!("SELECT id FROM app_registration"), args![]).await.unwrap();
        let mut owner = office.console.owner().await;
        let mut all = String::new();
        for path in [
            "/".to_owned(),
            "/sources".to_owned(),
            format!("/sources/{}", there.source),
            format!("/accounts/{}", there.account),
            "/outbounds".to_owned(),
            format!("/outbounds/{sender}"),
            "/jira".to_owned(),
            "/registrations".to_owned(),
            format!("/registrations/{registration}"),
            "/messages".to_owned(),
        ] {
            let page = owner.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            let said = words(&page.body);
            let said: Vec<&str> = said.split_whitespace().collect();
            for pair in said.windows(2).filter(|pair| pair[0] == "1") {
                let noun = pair[1].trim_matches(|c: char| !c.is_alphanumeric());
                assert!(!noun.ends_with('s') || noun == "s", "{path} says 1 {noun}: {}", page.body);
            }
            all.push_str(&said.join(" "));
        }
        for one in ["1 issue", "1 mail is waiting", "1 mail has no end yet", "Back to its 1 source"] {
            assert!(all.contains(one), "{one} is nowhere: {all}");
        }
    }
}
