//! What is sealed is shown to nobody else because somebody changed an address.

use std::io::ErrorKind;
use std::net::TcpListener;

use http::StatusCode;

use super::store::{accounts, jira, registrations};
use super::testing::{NOWHERE, Office};

/// Somebody's server; whether anybody has called.
fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

fn was_called(listener: &TcpListener) -> bool {
    match listener.accept() {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

/// Promise: Jira's stored token goes to the server that it was given to; for another one it is asked for anew.
#[tokio::test]
async fn a_stored_token_is_not_sent_to_another_server() {
    let office = Office::new().await;
    let id = office.connect_jira(NOWHERE).await;
    let (server, address) = listen();
    let mut owner = office.console.owner().await;
    let edit = format!("/jira/{id}/edit");
    let csrf = owner.token(&edit).await;
    let fields = |base_url| {
        [("kind", "cloud_token"), ("base_url", base_url), ("username", "bot@contoso.test"), ("token", "")]
    };
    let refused = owner.post(&edit, &csrf, &fields(&address)).await;
    assert!(refused.body.contains("paste the token again"), "{}", refused.body);
    let secure = NOWHERE.replace("http:", "https:");
    assert!(owner.post(&edit, &csrf, &fields(&secure)).await.body.contains("paste the token again"));
    assert!(!was_called(&server));
    let same = owner.post(&edit, &csrf, &fields(&format!("{NOWHERE}/context"))).await;
    assert!(!same.body.contains("paste the token again"), "its own server is asked: {}", same.body);
    let row = jira::one(&office.console.shell.db, office.workspace(), id).await.unwrap().unwrap();
    assert_eq!(row.base_url, NOWHERE, "nothing was changed");
}

/// Promise: client secrets do not follow a registration to another sign-in address, nor do the sign-ins, nor those to another Graph;
/// certificates stay, since their keys never leave.
#[tokio::test]
async fn client_secrets_do_not_follow_to_another_address() {
    const CLIENT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
    for office in Office::all().await {
        let db = office.console.shell.db.clone();
        let mut owner = office.console.owner().await;
        let csrf = owner.token("/registrations/new").await;
        let fields = |login_url, graph_url| {
            [
                ("name", "Postroom"),
                ("client_id", CLIENT),
                ("multi_tenant", "no"),
                ("tenant", "contoso.test"),
                ("cloud", "custom"),
                ("login_url", login_url),
                ("graph_url", graph_url),
            ]
        };
        owner.post("/registrations/new", &csrf, &fields(NOWHERE, NOWHERE)).await;
        let id = registrations::all(&db, office.workspace()).await.unwrap()[0].id;
        let add = format!("/registrations/{id}/credentials/new");
        owner.post(&add, &csrf, &[("kind", "secret"), ("secret", "secret-canary")]).await;
        let secrets = async || registrations::credentials(&db, id).await.unwrap().len();
        assert_eq!(secrets().await, 1);
        let account = office.sign_in(id, "support@contoso.test").await;
        let state =
            async || accounts::account(&db, office.workspace(), account).await.unwrap().unwrap().state;
        let edit = format!("/registrations/{id}/edit");

        let path = format!("{NOWHERE}/v1");
        let kept = owner.post(&edit, &csrf, &fields(NOWHERE, &path)).await;
        assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.body);
        assert_eq!((secrets().await, state().await.as_str()), (1, "online"), "the same server");

        let (graph, graph_url) = listen();
        owner.post(&edit, &csrf, &fields(NOWHERE, &graph_url)).await;
        assert_eq!((secrets().await, state().await.as_str()), (1, "offline"), "tokens of another Graph");
        assert!(!was_called(&graph));

        let (login, login_url) = listen();
        let moved = owner.post(&edit, &csrf, &fields(&login_url, &graph_url)).await;
        assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.body);
        assert_eq!(secrets().await, 0);
        assert!(!was_called(&login));
        let page = owner.get(moved.location()).await;
        assert!(page.body.contains("are taken out: add one anew"), "{}", page.body);
    }
}
