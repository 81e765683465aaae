//! What the app registration's pages promise, in the console and in the database.

use http::StatusCode;
use microsoft::AccessTokens as _;
use store::{args, sql};
use uuid::Uuid;

use super::bootstrap;
use super::store::applications::{self, NewApplication};
use super::store::enterprise::{self, Enterprise};
use super::store::registrations as rows;
use super::testing::{NOWHERE, Office};
use crate::config::Config;

const CLIENT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

fn form<'a>(client_id: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("name", "Postroom"),
        ("client_id", client_id),
        ("multi_tenant", "no"),
        ("tenant", "contoso.test"),
        ("cloud", "custom"),
        ("login_url", NOWHERE),
        ("graph_url", NOWHERE),
    ];
    fields.extend_from_slice(more);
    fields
}

async fn all(office: &Office) -> Vec<rows::Row> {
    rows::all(&office.console.shell.db, office.workspace()).await.unwrap()
}

/// Promise: a registration is entered and changed on record, two credentials live at most, and no secret is stored or shown
/// openly.
#[tokio::test]
async fn a_registration_is_entered_with_its_credentials() {
    for office in Office::all().await {
        let db = office.console.shell.db.clone();
        let mut owner = office.console.owner().await;
        let token = owner.token("/registrations/new").await;
        let made = owner.post("/registrations/new", &token, &form(CLIENT, &[])).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
        let again = owner.post("/registrations/new", &token, &form(CLIENT, &[])).await;
        assert!(again.body.contains("is here already"), "{}", again.body);
        let id = all(&office).await[0].id;
        let add = format!("/registrations/{id}/credentials/new");
        assert_eq!(made.location(), add);
        let wrong = owner.post(&add, &token, &[("kind", "secret"), ("secret", CLIENT)]).await;
        assert!(wrong.body.contains("the column Value"), "its id instead of its value: {}", wrong.body);
        for (secret, status) in [
            ("first-canary", StatusCode::SEE_OTHER),
            ("second-canary", StatusCode::SEE_OTHER),
            ("third-canary", StatusCode::CONFLICT),
        ] {
            let fields =
                [("kind", "secret"), ("secret", secret), ("expires", "2099-12-31"), ("note", secret)];
            let answer = owner.post(&add, &token, &fields).await;
            assert_eq!(answer.status, status, "{secret}: {}", answer.body);
        }
        let credentials = rows::credentials(&db, id).await.unwrap();
        let notes: Vec<&str> = credentials.iter().map(|credential| credential.note.as_str()).collect();
        assert_eq!(notes, ["second-canary", "first-canary"], "the newest is tried first");
        for credential in &credentials {
            assert!(!credential.sealed.windows(6).any(|part| part == b"canary"), "a secret is stored openly");
            assert!(credential.tested_at.is_some() && credential.fault.is_some(), "nobody answers there");
        }
        let page = owner.get(&format!("/registrations/{id}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for part in [CLIENT, "single-tenant", "/oauth/callback", "Take out", "Two live now"] {
            assert!(page.body.contains(part), "{part} is missing: {}", page.body);
        }
        let gone = format!("/registrations/{id}/credentials/{}/remove", credentials[1].id);
        assert_eq!(owner.post(&gone, &token, &[]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(owner.post(&gone, &token, &[]).await.status, StatusCode::NOT_FOUND);
        let audit: Vec<(String,)> =
            db.fetch_all(sql!("SELECT action FROM audit ORDER BY at, id"), args![]).await.unwrap();
        let audit: Vec<&str> =
            audit.iter().map(|row| row.0.as_str()).filter(|what| !what.contains("user")).collect();
        for what in ["enter app registration", "add credential", "take out credential"] {
            assert!(audit.contains(&what), "{what}: {audit:?}");
        }
    }
}

/// Promise: another client id ends the sign-ins that were made with the one before, says so before and after, and a
/// registration that accounts use is not removed.
#[tokio::test]
async fn another_client_id_means_everybody_signs_in_again() {
    for office in Office::all().await {
        let mut owner = office.console.owner().await;
        let token = owner.token("/registrations/new").await;
        owner.post("/registrations/new", &token, &form(CLIENT, &[])).await;
        let id = all(&office).await[0].id;
        let account = office.sign_in(id, "support@contoso.test").await;
        let page = owner.get(&format!("/registrations/{id}/edit")).await;
        assert!(
            page.body.contains("1 account is") && page.body.contains("must sign in again"),
            "{}",
            page.body
        );
        let stays = owner.post(&format!("/registrations/{id}/remove"), &token, &[]).await;
        assert_eq!(stays.status, StatusCode::CONFLICT, "{}", stays.body);
        let edit = format!("/registrations/{id}/edit");
        let renamed =
            owner.post(&edit, &token, &form(CLIENT, &[("ews_url", "https://mail.contoso.test/EWS")])).await;
        assert_eq!(renamed.status, StatusCode::SEE_OTHER, "{}", renamed.body);
        let state = async || {
            let row: (String, Option<Vec<u8>>) = office
                .console
                .shell
                .db
                .fetch_one(sql!("SELECT state, refresh_sealed FROM account WHERE id = $1"), args![account])
                .await
                .unwrap();
            (row.0, row.1.is_some())
        };
        assert_eq!(state().await, ("online".to_owned(), true), "the same client id changes nothing");
        let other = Uuid::now_v7().to_string();
        let changed = owner.post(&edit, &token, &form(&other, &[])).await;
        assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
        assert_eq!(state().await, ("offline".to_owned(), false));
        let page = owner.get(changed.location()).await;
        assert!(page.body.contains("1 account must sign in again"), "{}", page.body);
    }
}

/// Promise: credentials belong to their client id. With another one they are taken out, which is said before and after, and the new
/// app's is put in at once; no token of the former app is used any more, and an application that is connected is the new one.
#[tokio::test]
async fn credentials_go_with_their_client_id() {
    for office in Office::all().await {
        let db = office.console.shell.db.clone();
        let mut owner = office.console.owner().await;
        let token = owner.token("/registrations/new").await;
        owner.post("/registrations/new", &token, &form(CLIENT, &[])).await;
        let id = all(&office).await[0].id;
        let (add, edit) =
            (format!("/registrations/{id}/credentials/new"), format!("/registrations/{id}/edit"));
        for secret in ["first", "second"] {
            owner.post(&add, &token, &[("kind", "secret"), ("secret", secret)]).await;
        }
        let account = office.sign_in(id, "support@contoso.test").await;
        let mut tx = db.begin().await.unwrap();
        let application = NewApplication {
            id: Uuid::now_v7(),
            workspace: office.workspace(),
            registration: id,
            tenant: "tenant",
            client_id: CLIENT,
            name: "Postroom (application)",
            scopes: "",
            now: office.now(),
        };
        assert!(applications::insert(&mut tx, &application).await.unwrap());
        let known = Enterprise {
            tenant_id: "tenant".to_owned(),
            object_id: "of the former app".to_owned(),
            name: "Postroom".to_owned(),
            signed_in_by: "admin@contoso.test".to_owned(),
            seen_at: 0,
        };
        enterprise::put(&mut tx, id, &known, office.now()).await.unwrap();
        tx.commit().await.unwrap();
        let connections = &office.state.connections;
        assert!(connections.tokens(account).await.unwrap().get().await.is_ok(), "a token that lasts");

        let ews = ("ews_url", "https://mail.contoso.test/EWS");
        let moved = owner.post(&edit, &token, &form(CLIENT, &[ews])).await;
        assert_eq!(moved.location(), format!("/registrations/{id}"), "{}", moved.body);
        assert_eq!(
            rows::credentials(&db, id).await.unwrap().len(),
            2,
            "the same client id takes nothing out"
        );
        let page = owner.get(&edit).await;
        assert!(
            page.body.contains("1 account is") && page.body.contains("2 credentials are"),
            "{}",
            page.body
        );

        let other = Uuid::now_v7().to_string();
        let changed = owner.post(&edit, &token, &form(&other, &[])).await;
        assert_eq!(changed.location(), add, "on to the new app's credential: {}", changed.body);
        let page = owner.get(changed.location()).await;
        for part in ["1 account must sign in again", "2 credentials of the former client id are taken out"] {
            assert!(page.body.contains(part), "{part} is missing: {}", page.body);
        }
        assert!(rows::credentials(&db, id).await.unwrap().is_empty());
        let fault = connections.tokens(account).await.unwrap().get().await.unwrap_err();
        assert_eq!(fault.entry.id, "own.not_signed_in", "a token of the former app is handed out");
        let (of_app, state): (String, String) = db
            .fetch_one(sql!("SELECT object_id, state FROM account WHERE id = $1"), args![application.id])
            .await
            .unwrap();
        assert_eq!((of_app, state.as_str()), (other, "online"), "nobody signs an application in");
        assert!(enterprise::all(&db, id).await.unwrap().is_empty());
        let added = owner.post(&add, &token, &[("kind", "secret"), ("secret", "of the new app")]).await;
        assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
        assert_eq!(rows::credentials(&db, id).await.unwrap().len(), 1);
    }
}

/// Promise: what the settings file names is the file's: shown, not changed; and the console's once the file lets go of it, with
/// its secret.
#[tokio::test]
async fn the_settings_file_owns_what_it_names() {
    for office in Office::all().await {
        let mut config = Config::defaults();
        config.microsoft.client_id = Some(CLIENT.to_owned());
        config.microsoft.client_secret = Some("secret-canary".into());
        bootstrap(&office.state.connections, office.workspace(), &config).await.unwrap();
        let id = all(&office).await[0].id;
        let mut owner = office.console.owner().await;
        let page = owner.get(&format!("/registrations/{id}")).await;
        assert!(
            page.body.contains("stands in the settings file") && !page.body.contains("Take out"),
            "{}",
            page.body
        );
        assert!(page.body.contains("/test-of-file") && !page.body.contains("canary"), "{}", page.body);
        let token = owner.token("/sources").await;
        for path in ["edit", "credentials/new", "remove"] {
            let refused =
                owner.post(&format!("/registrations/{id}/{path}"), &token, &form(CLIENT, &[])).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{path}: {}", refused.body);
        }
        bootstrap(&office.state.connections, office.workspace(), &Config::defaults()).await.unwrap();
        let row = all(&office).await.remove(0);
        assert_eq!((row.owner.as_str(), row.cloud.as_str(), row.secret_sealed), ("console", "custom", None));
        let credentials = rows::credentials(&office.console.shell.db, id).await.unwrap();
        assert_eq!(credentials.len(), 1);
        assert!(office.state.connections.credential(&credentials[0]).is_ok(), "its secret can be opened");
        assert!(owner.get(&format!("/registrations/{id}")).await.body.contains("Take out"));
        // And back: the file takes over, and what the console had goes.
        bootstrap(&office.state.connections, office.workspace(), &config).await.unwrap();
        let row = all(&office).await.remove(0);
        assert_eq!((row.owner.as_str(), row.secret_sealed.is_some()), ("file", true));
        assert!(rows::credentials(&office.console.shell.db, id).await.unwrap().is_empty());
    }
}

/// Promise: of several registrations the one that was chosen last is used for new sign-ins.
#[tokio::test]
async fn new_sign_ins_use_the_registration_that_was_chosen() {
    for office in Office::all().await {
        let first = office.register().await;
        let mut owner = office.console.owner().await;
        let token = owner.token("/sources").await;
        office.console.clock.advance(std::time::Duration::from_secs(1));
        owner.post("/registrations/new", &token, &form(CLIENT, &[])).await;
        let preferred = async || {
            let db = &office.console.shell.db;
            super::store::accounts::registration(db, office.workspace()).await.unwrap()
        };
        assert_ne!(preferred().await, Some(first));
        office.console.clock.advance(std::time::Duration::from_secs(1));
        owner.post(&format!("/registrations/{first}/prefer"), &token, &[]).await;
        assert_eq!(preferred().await, Some(first));
        let list = owner.get("/registrations").await;
        assert!(list.body.contains(CLIENT) && list.body.contains("for new sign-ins"), "{}", list.body);
    }
}

/// Promise: the page that says how to register offers to read when the credentials end, says what for and what goes without, and names
/// the permission only where that is wished.
#[tokio::test]
async fn reading_when_credentials_end_is_offered() {
    let office = Office::new().await;
    let mut owner = office.console.owner().await;
    let id = "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30";
    let page = owner.get("/registrations/set-up?show=on&read=on").await;
    for part in ["name=\"credential_ends\"", "when its own secrets and certificates end", "by hand"] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    assert!(!page.body.contains(id), "{}", page.body);
    let page = owner.get("/registrations/set-up?show=on&read=on&credential_ends=on").await;
    let of_scripts =
        [format!("&#34;id&#34;: &#34;{id}&#34;"), format!("Id = &#39;{id}&#39;; Type = &#39;Role&#39;")];
    for part in [of_scripts[0].as_str(), &of_scripts[1], "<code>Application.Read.All</code>"] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
}
