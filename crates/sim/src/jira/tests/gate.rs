//! Entrances: which token is good where, what a service account's tokens may do and how long, what the Data Center face is.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use super::super::gate::scope_of;
use super::{EMAIL, Peer, Seen, spec};

const SCOPED: &str = "ATATT3xSimulatedScopedTokenForPostroom";
const CLIENT: &str = "SimulatedClientId";
const SECRET: &str = "ATOASimulatedClientSecretForPostroom";
const PERSONAL: &str = "SimulatedPersonalAccessTokenForPostroom";

async fn exchange(peer: &Peer, secret: &str) -> Seen {
    let body = json!({"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": secret});
    peer.post("/oauth/token", body).await
}

async fn signed_in(peer: &mut Peer) -> String {
    let seen = exchange(peer, SECRET).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    assert_eq!(
        (seen.body["expires_in"].as_i64(), seen.body["token_type"].as_str()),
        (Some(3600), Some("Bearer"))
    );
    assert!(seen.body.get("refresh_token").is_none());
    let token = seen.body["access_token"].as_str().expect("a token").to_owned();
    peer.bear(&token);
    token
}

fn behind(peer: &Peer, path: &str) -> String {
    format!("/ex/jira/{}{path}", peer.state.cloud_id())
}

/// The site tells its cloud id to anybody, and the gateway knows it by that id alone.
#[tokio::test]
async fn the_gateway_knows_the_site_by_its_cloud_id() {
    let mut peer = Peer::new();
    peer.sign_out();
    let told = peer.get("/_edge/tenant_info").await.body["cloudId"].as_str().expect("an id").to_owned();
    assert_eq!(told, peer.state.cloud_id());
    signed_in(&mut peer).await;
    let seen = peer.get(&behind(&peer, "/rest/api/3/myself")).await;
    assert_eq!((seen.status, seen.body["displayName"].as_str()), (StatusCode::OK, Some("Postroom")));
    let seen = peer.get("/ex/jira/00000000-0000-0000-0000-000000000000/rest/api/3/myself").await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    assert_eq!(seen.body["message"], "No message available");
    let sites = peer.get("/oauth/token/accessible-resources").await;
    assert_eq!(sites.body[0]["id"].as_str(), Some(told.as_str()), "{}", sites.text);
}

/// Each token is good at its own entrance alone.
#[tokio::test]
async fn a_token_is_good_at_its_own_entrance_alone() {
    let mut peer = Peer::new();
    let plain = "ATATT3xSimulatedJiraTokenForPostroom";
    let oauth = signed_in(&mut peer).await;
    for (basic, token, site, gateway, data_center) in [
        (true, plain, true, false, false),
        (true, SCOPED, false, true, false),
        (false, oauth.as_str(), false, true, false),
        (false, PERSONAL, true, false, true),
    ] {
        if basic {
            peer.sign_in(EMAIL, token);
        } else {
            peer.bear(token);
        }
        let myself = [
            "/rest/api/3/myself".to_owned(),
            behind(&peer, "/rest/api/3/myself"),
            "/dc/rest/api/2/myself".to_owned(),
        ];
        for (path, good) in myself.iter().zip([site, gateway, data_center]) {
            let expected = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(peer.get(path).await.status, expected, "{token} at {path}");
        }
    }
}

/// An access token lasts for an hour; what is refused at the token endpoint is refused with an error.
#[tokio::test]
async fn access_tokens_end() {
    let mut peer = Peer::new();
    signed_in(&mut peer).await;
    peer.advance(3599);
    assert_eq!(peer.get(&behind(&peer, "/rest/api/3/myself")).await.status, StatusCode::OK);
    peer.advance(1);
    assert_eq!(peer.get(&behind(&peer, "/rest/api/3/myself")).await.status, StatusCode::UNAUTHORIZED);
    let wrong = exchange(&peer, "wrong").await;
    assert_eq!(
        (wrong.status, wrong.body["error"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("access_denied"))
    );
    let other = peer.post("/oauth/token", json!({"grant_type": "password"})).await;
    assert_eq!(
        (other.status, other.body["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("invalid_request"))
    );
    let lever = |body| peer.post("/control/jira/service-account", body);
    lever(json!({"new": true})).await;
    assert_eq!(exchange(&peer, SECRET).await.status, StatusCode::UNAUTHORIZED, "it is too new");
    peer.advance(70);
    assert_eq!(exchange(&peer, SECRET).await.status, StatusCode::OK);
    peer.post("/control/jira/service-account", json!({"refuse": true})).await;
    assert_eq!(exchange(&peer, SECRET).await.status, StatusCode::UNAUTHORIZED);
}

/// A scope that is missing is told in the gateway's words, for what needs it alone.
#[tokio::test]
async fn a_missing_scope_is_told() {
    let mut peer = Peer::new();
    signed_in(&mut peer).await;
    peer.post("/control/jira/service-account", json!({"scopes": ["read:jira-user", "read:jira-work"]})).await;
    let fields = json!({"project": {"key": "SUP"}, "issuetype": {"id": "10001"}, "summary": "x"});
    let seen = peer.post(&behind(&peer, "/rest/api/3/issue"), json!({"fields": fields})).await;
    assert_eq!(seen.text, r#"{"code":401,"message":"Unauthorized; scope does not match"}"#);
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    assert_eq!(peer.get(&behind(&peer, "/rest/api/3/myself")).await.status, StatusCode::OK);
}

/// The scopes are those of the published document.
#[test]
fn scopes_are_as_published() {
    let Some(spec) = spec::spec() else { return };
    let mut compared = 0;
    for (method, path) in [
        (Method::GET, "serverInfo"),
        (Method::GET, "myself"),
        (Method::GET, "user"),
        (Method::GET, "user/search"),
        (Method::GET, "user/assignable/search"),
        (Method::GET, "mypermissions"),
        (Method::GET, "project/search"),
        (Method::GET, "project/{projectIdOrKey}"),
        (Method::GET, "issue/createmeta/{projectIdOrKey}/issuetypes"),
        (Method::GET, "attachment/meta"),
        (Method::GET, "field"),
        (Method::POST, "issue"),
        (Method::POST, "issue/bulkfetch"),
        (Method::GET, "issue/{issueIdOrKey}"),
        (Method::PUT, "issue/{issueIdOrKey}"),
        (Method::POST, "issue/{issueIdOrKey}/comment"),
        (Method::POST, "comment/list"),
        (Method::POST, "issue/{issueIdOrKey}/attachments"),
        (Method::POST, "issue/{issueIdOrKey}/transitions"),
        (Method::POST, "issue/{issueIdOrKey}/watchers"),
        (Method::PUT, "issue/{issueIdOrKey}/properties/{propertyKey}"),
        (Method::DELETE, "issue/{issueIdOrKey}/properties/{propertyKey}"),
        (Method::POST, "issueLink"),
        (Method::GET, "search/jql"),
        (Method::POST, "search/jql"),
        (Method::POST, "search/approximate-count"),
    ] {
        let path = format!("/rest/api/3/{path}");
        let operation = spec::operation(spec, &method, &path).unwrap_or_else(|| panic!("{method} {path}"));
        let security = operation["security"].as_array().expect("its security");
        let scopes = security.iter().find_map(|one| one.get("OAuth2")?.as_array()).expect("its scopes");
        let published: Vec<&str> = scopes.iter().filter_map(serde_json::Value::as_str).collect();
        assert_eq!(scope_of(&method, &path).as_slice(), published, "{method} {path}");
        compared += 1;
    }
    assert_eq!(compared, 26);
}

/// Permissions that were taken away are told, and what needs them is refused.
#[tokio::test]
async fn a_permission_that_is_taken_away_is_missing() {
    let peer = Peer::new();
    let issue = peer.issue("before").await;
    let taken = json!({"project": "SUP", "missing": ["ADD_COMMENTS", "CREATE_ISSUES", "MODIFY_REPORTER"]});
    peer.post("/control/jira/permissions", taken).await;
    let asked =
        "/rest/api/3/mypermissions?permissions=ADD_COMMENTS,BROWSE_PROJECTS,MODIFY_REPORTER&projectKey=";
    let held = peer.get(&format!("{asked}SUP")).await.body["permissions"].clone();
    let has = |key: &str| held[key]["havePermission"].as_bool();
    assert_eq!(
        (has("ADD_COMMENTS"), has("BROWSE_PROJECTS"), has("MODIFY_REPORTER")),
        (Some(false), Some(true), Some(false))
    );
    let elsewhere = peer.get(&format!("{asked}BILL")).await;
    assert_eq!(elsewhere.body["permissions"]["ADD_COMMENTS"]["havePermission"], true);
    let comment =
        peer.post(&format!("/rest/api/3/issue/{issue}/comment"), json!({"body": super::doc("x")})).await;
    assert_eq!(comment.status, StatusCode::BAD_REQUEST);
    assert!(comment.text.contains("do not have the permission"), "{}", comment.text);
    let fields = json!({"project": {"key": "SUP"}, "issuetype": {"id": "10001"}, "summary": "x"});
    assert_eq!(
        peer.post("/rest/api/3/issue", json!({"fields": fields})).await.status,
        StatusCode::BAD_REQUEST
    );
}

/// The Data Center face speaks version 2, names users by name, and has no Cloud-only operations.
#[rstest]
#[case("/rest/api/2/project/search")]
#[case("/rest/api/3/myself")]
#[tokio::test]
async fn the_data_center_face_has_no_cloud_operations(#[case] path: &str) {
    let mut peer = Peer::new();
    peer.bear(PERSONAL);
    assert_eq!(peer.get(&format!("/dc{path}")).await.status, StatusCode::NOT_FOUND);
    let server = peer.get("/dc/rest/api/2/serverInfo").await.body;
    assert_eq!(
        (server["deploymentType"].as_str(), server["versionNumbers"][0].as_i64()),
        (Some("Server"), Some(10))
    );
    assert_eq!(server["baseUrl"], "http://jira.test/dc");
    let myself = peer.get("/dc/rest/api/2/myself").await.body;
    assert_eq!((myself["name"].as_str(), myself.get("accountId")), (Some("postroom"), None));
    peer.post("/control/jira/personal-tokens", json!({"ends": "2026-12-24T10:00:00Z"})).await;
    let tokens = peer.get("/dc/rest/pat/latest/tokens").await.body;
    assert_eq!(tokens[0]["expiringAt"], "2026-12-24T10:00:00.000Z");
}

/// Service Management is told of in its own document's words, to anybody.
#[tokio::test]
async fn service_management_is_there() {
    let mut peer = Peer::new();
    peer.sign_out();
    let seen = peer.get("/rest/servicedeskapi/info").await;
    assert_eq!((seen.status, seen.body["isLicensedForUse"].as_bool()), (StatusCode::OK, Some(true)));
}
