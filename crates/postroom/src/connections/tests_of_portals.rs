//! A fault leads to the portal of the cloud that it happened in, wherever it is shown.

use fault::{Cloud, EntraError, Fault, GraphAnswer};
use http::StatusCode;
use store::{args, sql};
use uuid::Uuid;

use super::store::registrations as rows;
use super::testing::{Connected, NOWHERE, Office};
use crate::web::testing::Browser;

const CLIENT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

/// A registration in a national cloud, entered in the console.
async fn registration(office: &Office, owner: &mut Browser<'_>, cloud: &str) -> Uuid {
    let token = owner.token("/registrations/new").await;
    let form = [
        ("name", "Postroom"),
        ("client_id", CLIENT),
        ("multi_tenant", "no"),
        ("tenant", "contoso.test"),
        ("cloud", cloud),
        ("login_url", NOWHERE),
        ("graph_url", NOWHERE),
    ];
    let made = owner.post("/registrations/new", &token, &form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let all = rows::all(&office.console.shell.db, office.workspace()).await.unwrap();
    all.into_iter().find(|row| row.client_id == CLIENT).expect("the registration").id
}

/// The source's sign-in fails of this.
async fn fail(office: &Office, there: Connected, registration: Uuid, fault: Fault) {
    let fault = office.state.connections.placed(registration, fault).await;
    let record = serde_json::to_string(&fault.to_record()).unwrap();
    let db = &office.console.shell.db;
    let statement = sql!("UPDATE account SET state = 'offline', fault = $1, state_since = $2 WHERE id = $3");
    db.execute(statement, args![record, office.now(), there.account]).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    super::tell::account_fails(&mut tx, there.account, &fault, office.now()).await.unwrap();
    tx.commit().await.unwrap();
}

fn secret_expired() -> Fault {
    Fault::entra(&EntraError {
        status: 401,
        error: "invalid_client".to_owned(),
        error_codes: vec![7_000_222],
        ..EntraError::default()
    })
}

/// Promise: the list, the source's page, the overview, the notices and the API lead to the page of the right portal.
#[tokio::test]
async fn every_place_leads_to_the_portal_of_the_cloud() {
    for (cloud, portal) in [("gcc_high", "https://portal.azure.us/"), ("china", "https://portal.azure.cn/")] {
        let office = Office::new().await;
        let mut owner = office.console.owner().await;
        let registration = registration(&office, &mut owner, cloud).await;
        let there = office.connect().await;
        fail(&office, there, registration, secret_expired()).await;
        let page = format!(
            "{portal}#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/{CLIENT}"
        );
        for path in ["/", "/sources", "/notices", &format!("/sources/{}", there.source)] {
            let shown = owner.get(path).await;
            assert!(shown.body.contains(&page), "{path} does not lead to {page}: {}", shown.body);
            assert!(
                !shown.body.contains("portal.azure.com"),
                "{path} leads to another cloud: {}",
                shown.body
            );
        }
        for path in ["/api/v1/sources", "/api/v1/notices"] {
            let told: serde_json::Value = serde_json::from_str(&owner.get(path).await.body).unwrap();
            let list = told.as_object().unwrap().values().next().unwrap();
            assert_eq!(list[0]["fault"]["page"]["address"], page.as_str(), "{path}: {told}");
            assert_eq!(list[0]["fault"]["page"]["title"], "Certificates & secrets", "{path}: {told}");
        }
    }
}

/// Promise: a registration's own page leads to its portal, and so does the page that says how it is registered.
#[tokio::test]
async fn a_registration_leads_to_its_portal() {
    let office = Office::new().await;
    let mut owner = office.console.owner().await;
    let id = registration(&office, &mut owner, "dod").await;
    let place = office.state.connections.registration(id).await.unwrap().place();
    assert_eq!((place.cloud, place.client_id.as_deref()), (Cloud::Dod, Some(CLIENT)));
    for path in
        [format!("/registrations/{id}"), format!("/registrations/set-up?registration={id}&show=on&read=on")]
    {
        let shown = owner.get(&path).await;
        assert!(shown.body.contains("https://portal.azure.us/#view/"), "{path}: {}", shown.body);
        assert!(!shown.body.contains("portal.azure.com"), "{path}: {}", shown.body);
    }
}

/// Promise: a refusal of the mail server names the command that mends it, with the mailbox in it and the connection to the cloud's
/// Exchange before it.
#[tokio::test]
async fn a_command_is_ready_to_be_run() {
    let office = Office::new().await;
    let mut owner = office.console.owner().await;
    let registration = registration(&office, &mut owner, "gcc_high").await;
    let there = office.connect().await;
    let policy = "EWS is disabled for this user or tenant";
    let refused = GraphAnswer { status: 403, policy_reason: Some(policy), ..GraphAnswer::default() };
    let place = office.state.connections.registration(registration).await.unwrap().place();
    let fault = Fault::graph(&refused).at(&place.with_mailbox("support@contoso.test"));
    fail(&office, there, registration, fault).await;
    let command = "Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovGCCHigh; Set-OrganizationConfig -EwsEnabled \
                   $true; Set-CASMailbox -Identity support@contoso.test -EwsEnabled $true";
    for path in ["/sources", "/notices", &format!("/sources/{}", there.source)] {
        let shown = owner.get(path).await;
        assert!(shown.body.contains(command), "{path}: {}", shown.body);
    }
    let told: serde_json::Value = serde_json::from_str(&owner.get("/api/v1/sources").await.body).unwrap();
    assert_eq!(told["sources"][0]["fault"]["command"], command);
}
