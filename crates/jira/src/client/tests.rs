//! The wire, against a small server of its own that keeps what it was sent and answers what a test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::{ApiVersion, Auth, Client, Effect, NewIssue, Search, Settings, Site};

#[derive(Clone, Debug)]
struct Got {
    method: String,
    path: String,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Got {
    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

type Answer = (u16, Vec<(&'static str, String)>, String);

#[derive(Clone, Default)]
struct Jira {
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Jira {
    async fn start(answers: Vec<Answer>) -> (Self, SocketAddr) {
        let jira = Self { answers: Arc::new(Mutex::new(answers.into())), ..Self::default() };
        let router = Router::new().fallback(answer).with_state(jira.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (jira, address)
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn answer(State(jira): State<Jira>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().unwrap().to_string();
    jira.got.lock().unwrap().push(Got { method: head.method.to_string(), path, headers: head.headers, body });
    let (status, headers, body) = jira.answers.lock().unwrap().pop_front().unwrap_or((
        500,
        Vec::new(),
        "nothing left to answer".to_owned(),
    ));
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

fn ok(body: &Value) -> Answer {
    (200, Vec::new(), body.to_string())
}

fn client(address: SocketAddr, api_version: ApiVersion, settings: Settings) -> Client {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let auth =
        Auth::Basic { user: "a@example.com".to_owned(), token: SecretString::from("t0p-secret".to_owned()) };
    // A base address with a path, as the gateway has one.
    let base_url = format!("http://{address}/ex/jira/1/").parse().unwrap();
    Client::new(http, Site { base_url, api_version, auth }, settings)
}

async fn talk(answers: Vec<Answer>) -> (Jira, Client) {
    let (jira, address) = Jira::start(answers).await;
    (jira, client(address, ApiVersion::V3, Settings::default()))
}

#[tokio::test]
async fn an_issue_is_made_in_one_request_with_its_properties() {
    let created = ok(&json!({"id": "10000", "key": "SUP-1", "self": "x"}));
    let (jira, client) = talk(vec![created]).await;
    let properties = [("postroom", json!({"op": "abc", "v": 1}))];
    let issue = NewIssue {
        project_key: "SUP",
        issue_type_id: "10001",
        summary: "Printer \"on\" fire".to_owned(),
        description: r#"{"version":1,"type":"doc","content":[{"type":"paragraph"}]}"#,
        properties: &properties,
    };
    let created = client.create_issue(&issue).await.unwrap();
    assert_eq!((created.id.as_str(), created.key.as_str()), ("10000", "SUP-1"));
    let got = &jira.got()[0];
    assert_eq!(got.line(), "POST /ex/jira/1/rest/api/3/issue");
    assert_eq!(
        got.json(),
        json!({
            "fields": {
                "project": {"key": "SUP"},
                "issuetype": {"id": "10001"},
                "summary": "Printer \"on\" fire",
                "description": {"version": 1, "type": "doc", "content": [{"type": "paragraph"}]},
            },
            "properties": [{"key": "postroom", "value": {"op": "abc", "v": 1}}],
        })
    );
    assert_eq!(got.header("authorization"), "Basic YUBleGFtcGxlLmNvbTp0MHAtc2VjcmV0");
    assert_eq!(got.header("accept"), "application/json");
    assert_eq!(got.header("content-type"), "application/json");
    assert!(got.header("user-agent").starts_with("Postroom/"));
    assert!(!format!("{client:?}").contains("YUBle"), "the token stays out of what is logged");
}

#[tokio::test]
async fn version_two_takes_wiki_markup_as_text_and_further_fields_go_along() {
    let (jira, address) = Jira::start(vec![ok(&json!({"id": 10000, "key": "SUP-1"}))]).await;
    let client = client(address, ApiVersion::V2, Settings::default());
    let issue = NewIssue {
        project_key: "SUP",
        issue_type_id: "1",
        summary: "s".to_owned(),
        description: "h1. \"x\"",
        properties: &[],
    };
    let more = json!({"labels": ["a"]});
    assert_eq!(client.create_issue_with(&issue, more.as_object()).await.unwrap().id, "10000");
    let got = &jira.got()[0];
    assert_eq!(got.line(), "POST /ex/jira/1/rest/api/2/issue");
    assert_eq!(got.json()["fields"]["description"], "h1. \"x\"");
    assert_eq!(got.json()["fields"]["labels"], json!(["a"]));
}

#[tokio::test]
async fn a_document_that_is_no_json_is_not_sent() {
    let (jira, client) = talk(vec![]).await;
    let error = client.add_comment("SUP-1", "{broken", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("own.plan_unreadable", Effect::None));
    assert!(jira.got().is_empty());
}

#[tokio::test]
async fn edits_properties_and_transitions_go_where_they_belong() {
    let transitions =
        ok(&json!({"transitions": [{"id": "31", "name": "Done", "to": {"id": "3", "name": "Done"}}]}));
    let property = ok(&json!({"key": "p", "value": {"op": "x"}}));
    let none =
        (404, vec![], json!({"errorMessages": ["The property does not exist."], "errors": {}}).to_string());
    let done = || (204, vec![], String::new());
    let (jira, client) =
        talk(vec![done(), done(), done(), property, none, done(), transitions, done()]).await;
    let fields = json!({"summary": "s"});
    client.edit_issue("SUP-1", fields.as_object().unwrap(), &[("p", json!(1))]).await.unwrap();
    client.edit_description("SUP-1", r#"{"type":"doc"}"#, &[]).await.unwrap();
    client.put_issue_property("SUP-1", "a/b", &json!({"x": 1})).await.unwrap();
    assert_eq!(client.issue_property("SUP-1", "p").await.unwrap(), Some(json!({"op": "x"})));
    assert_eq!(client.issue_property("SUP-1", "p").await.unwrap(), None);
    client.put_issue_property("SUP-1", "..", &json!(1)).await.unwrap();
    assert_eq!(client.transitions("SUP-1").await.unwrap()[0].to.name, "Done");
    client.transition("SUP-1", "31", &serde_json::Map::new()).await.unwrap();
    let got = jira.got();
    let lines: Vec<String> = got.iter().map(|got| got.line().replace("/ex/jira/1/rest/api/3", "")).collect();
    assert_eq!(
        lines,
        [
            "PUT /issue/SUP-1",
            "PUT /issue/SUP-1",
            "PUT /issue/SUP-1/properties/a%2Fb",
            "GET /issue/SUP-1/properties/p",
            "GET /issue/SUP-1/properties/p",
            "PUT /issue/SUP-1/properties/%252E%252E",
            "GET /issue/SUP-1/transitions",
            "POST /issue/SUP-1/transitions",
        ]
    );
    assert_eq!(got[0].json(), json!({"fields": {"summary": "s"}, "properties": [{"key": "p", "value": 1}]}));
    assert_eq!(got[1].json(), json!({"fields": {"description": {"type": "doc"}}}));
    assert_eq!(got[7].json(), json!({"transition": {"id": "31"}}));
}

#[tokio::test]
async fn issues_are_read_a_hundred_at_a_time_and_properties_come_as_an_object() {
    let page = |key: &str| {
        ok(
            &json!({"issues": [{"id": "1", "key": key, "properties": {"postroom": {"op": "x"}}}], "issueErrors": []}),
        )
    };
    let (jira, client) = talk(vec![page("SUP-1"), page("SUP-101")]).await;
    let keys: Vec<String> = (1..=150).map(|n| format!("SUP-{n}")).collect();
    let issues = client.bulk_fetch(&keys, &[], &["postroom"]).await.unwrap();
    assert_eq!(issues.len(), 2);
    assert_eq!(issues[1].properties["postroom"]["op"], "x");
    let got = jira.got();
    assert_eq!(got[0].json()["issueIdsOrKeys"].as_array().unwrap().len(), 100);
    assert_eq!(got[1].json()["issueIdsOrKeys"].as_array().unwrap().len(), 50);
    assert_eq!(got[0].json()["fields"], json!(["id"]));
    assert_eq!(got[0].json()["properties"], json!(["postroom"]));
}

#[tokio::test]
async fn an_issue_that_jira_could_not_return_does_not_pass_for_missing() {
    let page = ok(&json!({"issues": [], "issueErrors": [{"id": "1", "errorMessage": "try again"}]}));
    let (_jira, client) = talk(vec![page]).await;
    assert!(client.bulk_fetch(&["SUP-1"], &[], &[]).await.unwrap_err().fault.detail.contains("try again"));
}

#[tokio::test]
async fn comments_are_listed_newest_first_and_read_by_id_with_properties() {
    let list = ok(
        &json!({"comments": [{"id": "7", "created": "2026-10-08T10:00:00.000+0000", "author": {"accountId": "me"}}]}),
    );
    let by_id = ok(
        &json!({"values": [{"id": "7", "properties": [{"key": "postroom", "value": {"op": "x"}}]}], "isLast": true}),
    );
    let (jira, client) = talk(vec![ok(&json!({"id": "7"})), list, by_id]).await;
    let properties = [("postroom", json!({"op": "x"}))];
    let comment = client.add_comment("SUP-1", r#"{"type":"doc"}"#, &properties).await.unwrap();
    assert_eq!(comment.id, "7");
    let page = client.comments("SUP-1", 100).await.unwrap();
    assert_eq!(page[0].created, "2026-10-08T10:00:00Z".parse::<jiff::Timestamp>().unwrap());
    assert_eq!(page[0].author.as_deref(), Some("me"));
    let found = client.comments_by_ids(&["7", "7"]).await.unwrap();
    assert_eq!(found[0].properties["postroom"]["op"], "x");
    assert_eq!(found[0].created, jiff::Timestamp::MAX, "an unknown age does not make a comment old");
    let got = jira.got();
    assert_eq!(
        got[0].json(),
        json!({"body": {"type": "doc"}, "properties": [{"key": "postroom", "value": {"op": "x"}}]})
    );
    assert_eq!(
        got[1].line(),
        "GET /ex/jira/1/rest/api/3/issue/SUP-1/comment?startAt=100&maxResults=100&orderBy=-created"
    );
    assert_eq!(got[2].line(), "POST /ex/jira/1/rest/api/3/comment/list?expand=properties");
    assert_eq!(got[2].json(), json!({"ids": [7]}));
}

#[tokio::test]
async fn a_file_goes_alone_with_its_name_as_utf8() {
    let stored = ok(
        &json!([{"id": "5", "filename": "Übersicht 'x'.pdf", "size": 3, "created": "2026-10-08T10:00:00.000+0000", "author": null}]),
    );
    let (jira, client) = talk(vec![stored]).await;
    let file =
        client.attach("10000", "Übersicht \"x\".pdf", "no type", Bytes::from_static(b"abc")).await.unwrap();
    assert!(crate::same_file_name(&file.filename, "Übersicht \"x\".pdf"));
    assert_eq!((file.size, file.author), (3, None));
    let got = &jira.got()[0];
    assert_eq!(got.line(), "POST /ex/jira/1/rest/api/3/issue/10000/attachments");
    assert_eq!(got.header("x-atlassian-token"), "no-check");
    let body = std::str::from_utf8(&got.body).unwrap();
    assert!(body.contains("name=\"file\"; filename=\"Übersicht 'x'.pdf\"\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n"), "{body}");
    assert_eq!(got.header("content-length"), got.body.len().to_string());
}

#[tokio::test]
async fn the_media_id_comes_from_a_redirect_that_is_not_followed() {
    let id = "2f1e9a4c-0b7d-4a53-9d1e-6c3b8f5a7e21";
    let (elsewhere, address) = Jira::start(vec![ok(&json!({}))]).await;
    let to = (303, vec![("location", format!("http://{address}/file/{id}/binary?token=x"))], String::new());
    let without = (303, vec![("location", "/secure/attachment/5/a.png".to_owned())], String::new());
    let (_jira, client) = talk(vec![to, without, (200, vec![], "bytes".to_owned())]).await;
    assert_eq!(client.attachment_media_id("5").await.unwrap().as_deref(), Some(id));
    assert_eq!(client.attachment_media_id("5").await.unwrap(), None);
    assert_eq!(client.attachment_media_id("5").await.unwrap(), None);
    assert!(elsewhere.got().is_empty());
}

#[tokio::test]
async fn an_answer_that_came_by_a_redirect_is_refused() {
    let (_elsewhere, other) = Jira::start(vec![ok(&json!({"accountId": "x"}))]).await;
    let (_jira, address) =
        Jira::start(vec![(302, vec![("location", format!("http://{other}/"))], String::new())]).await;
    let site = Site {
        base_url: format!("http://{address}").parse().unwrap(),
        api_version: ApiVersion::V3,
        auth: Auth::Bearer(SecretString::from("t".to_owned())),
    };
    let following = Client::new(reqwest::Client::new(), site, Settings::default());
    let error = following.myself().await.unwrap_err();
    assert_eq!(error.fault.entry.id, "jira.moved");
    assert!(error.fault.detail.contains(&other.to_string()), "{}", error.fault.detail);
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_is_a_setting_to_be_mended() {
    let to = "https://jira.example.com/rest/api/3/myself?secret=1".to_owned();
    let (jira, client) = talk(vec![(301, vec![("location", to)], String::new())]).await;
    let error = client.myself().await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.moved", Effect::None));
    assert!(error.fault.detail.ends_with("leads on to https://jira.example.com"), "{}", error.fault.detail);
    assert_eq!(jira.got().len(), 1);
}

#[tokio::test]
async fn discovery_reads_the_shapes_of_cloud_and_of_data_center() {
    let types = |list: &str, extra: Value| {
        let mut page = json!({list: [{"id": "1", "name": "Task", "subtask": false}]});
        page.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ok(&page)
    };
    let (jira, client) = talk(vec![
        ok(&json!({"accountId": "1", "displayName": "P", "active": true, "unheard": {}})),
        ok(&json!({"deploymentType": "Cloud", "baseUrl": "https://x", "versionNumbers": [1001, 0, 0]})),
        ok(&json!({"values": [{"id": "1", "key": "SUP", "name": "Support"}], "isLast": false, "total": 2})),
        ok(&json!({"values": [{"id": "2", "key": "SUP2", "name": "Support"}], "isLast": true, "total": 2})),
        types("issueTypes", json!({"total": 1})),
        types("values", json!({"isLast": true})),
        ok(&json!({"fields": [{"fieldId": "summary", "name": "Summary", "required": true, "hasDefaultValue": false}], "total": 1})),
        ok(&json!({"permissions": {"CREATE_ISSUES": {"havePermission": true}, "ADD_COMMENTS": {"havePermission": false}}})),
        ok(&json!({"enabled": true, "uploadLimit": 1_000})),
    ])
    .await;
    assert_eq!(client.myself().await.unwrap().id(), Some("1"));
    assert!(client.server_info().await.unwrap().is_cloud());
    assert_eq!(client.projects("sup port").await.unwrap().len(), 2);
    assert_eq!(client.issue_types("SUP").await.unwrap()[0].name, "Task");
    assert_eq!(client.issue_types("SUP").await.unwrap()[0].id, "1");
    let fields = client.create_fields("SUP", "1").await.unwrap();
    assert!(fields[0].required && fields[0].id() == "summary");
    let may = client.permissions("SUP", &crate::Permissions::NEEDED).await.unwrap();
    assert_eq!(may.missing(), ["BROWSE_PROJECTS", "ADD_COMMENTS", "CREATE_ATTACHMENTS"]);
    assert_eq!(client.attachment_limit().await.unwrap().upload_limit, Some(1_000));
    let lines: Vec<String> =
        jira.got().iter().map(|got| got.path.replace("/ex/jira/1/rest/api/3/", "")).collect();
    assert_eq!(lines[2], "project/search?orderBy=key&query=sup%20port&startAt=0&maxResults=50");
    assert_eq!(lines[3], "project/search?orderBy=key&query=sup%20port&startAt=1&maxResults=50");
    assert_eq!(lines[4], "issue/createmeta/SUP/issuetypes?startAt=0&maxResults=200");
}

#[tokio::test]
async fn a_search_sends_only_what_it_asks_for() {
    let found = ok(&json!({"issues": [{"id": "1"}], "nextPageToken": "n"}));
    let (jira, client) = talk(vec![found]).await;
    let search = Search { jql: "project = SUP", fields: &["summary"], ..Search::default() };
    let found = client.search(&search).await.unwrap();
    assert_eq!((found.issues[0].key.as_str(), found.next_page_token.as_deref()), ("", Some("n")));
    assert_eq!(jira.got()[0].line(), "POST /ex/jira/1/rest/api/3/search/jql");
    assert_eq!(jira.got()[0].json(), json!({"jql": "project = SUP", "fields": ["summary"]}));
}

#[tokio::test]
async fn reads_are_tried_again_and_writes_are_not() {
    let bad = || (502, vec![], "<html>bad gateway</html>".to_owned());
    let (jira, client) = talk(vec![bad(), ok(&json!({"accountId": "1"})), bad()]).await;
    client.myself().await.unwrap();
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.effect, error.fault.status), (Effect::Unknown, Some(502)));
    assert_eq!(jira.got().len(), 3);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept_by_the_next_call_without_sending_it() {
    let told = (
        429,
        vec![("retry-after", "1847".to_owned()), ("ratelimit-reason", "jira-quota-global-based".to_owned())],
        String::new(),
    );
    let (jira, client) = talk(vec![told]).await;
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.effect, error.fault.retry_after), (Effect::None, Some(Duration::from_secs(1847))));
    let error = client.add_comment("SUP-2", "{}", &[]).await.unwrap_err();
    assert_eq!((error.effect, error.fault.status), (Effect::None, None));
    assert!(error.fault.retry_after.is_some_and(|wait| wait > Duration::from_mins(30)));
    assert_eq!(jira.got().len(), 1);
}

#[tokio::test]
async fn signed_in_as_nobody_is_a_failure_though_the_status_is_not() {
    let nobody = |status| {
        (
            status,
            vec![("x-seraph-loginreason", "AUTHENTICATED_FAILED".to_owned())],
            "{\"id\":\"1\"}".to_owned(),
        )
    };
    let (_jira, client) = talk(vec![nobody(200), nobody(201)]).await;
    let error = client.server_info().await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.token", Effect::None));
    // An anonymous write may have been done all the same.
    assert_eq!(client.add_comment("SUP-1", "{}", &[]).await.unwrap_err().effect, Effect::Unknown);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (_jira, address) = Jira::start(vec![ok(&json!({"accountId": "x".repeat(100_000)}))]).await;
    let client = client(address, ApiVersion::V3, Settings { response_limit: 10_000, ..Settings::default() });
    assert!(client.myself().await.unwrap_err().fault.detail.contains("larger than 10000 bytes"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_a_write_in_doubt() {
    let (_jira, client) = talk(vec![(201, vec![], "<html>".to_owned())]).await;
    assert_eq!(client.add_comment("SUP-1", "{}", &[]).await.unwrap_err().effect, Effect::Unknown);
}

#[tokio::test]
async fn no_connection_means_that_nothing_was_done() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(address, ApiVersion::V3, Settings::default())
        .add_comment("SUP-1", "{}", &[])
        .await
        .unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("network.refused", Effect::None));
}

#[tokio::test]
async fn silence_and_a_broken_connection_after_sending_leave_a_write_in_doubt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        // The first call is read and never answered, the second is read and the connection closed.
        let (mut silent, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = silent.read(&mut buffer).await;
        let (mut broken, _) = listener.accept().await.unwrap();
        let _ = broken.read(&mut buffer).await;
        drop(broken);
        std::future::pending::<()>().await;
        drop(silent);
    });
    let settings = Settings { request_timeout: Duration::from_millis(200), ..Settings::default() };
    let client = client(address, ApiVersion::V3, settings);
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("network.timeout", Effect::Unknown));
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("network.reset", Effect::Unknown), "{:?}", error.fault);
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_a_wrong_token() {
    let (jira, address) = Jira::start(vec![]).await;
    let site = Site {
        base_url: format!("http://{address}").parse().unwrap(),
        api_version: ApiVersion::V3,
        auth: Auth::Bearer(SecretString::from("a\nb".to_owned())),
    };
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let error = Client::new(http, site, Settings::default()).myself().await.unwrap_err();
    assert_eq!(error.fault.entry.id, "jira.token");
    assert!(jira.got().is_empty());
}

#[tokio::test]
async fn a_page_in_the_place_of_an_answer_is_told_as_that_and_leaves_a_write_in_doubt() {
    let page = |status| {
        (status, vec![("content-type", "text/html".to_owned())], "<html><title>Log in</title>".to_owned())
    };
    let to_login = (302, vec![("location", "/login.jsp?os_destination=%2Frest".to_owned())], String::new());
    let (_jira, client) = talk(vec![page(200), page(200), page(403), to_login]).await;
    let error = client.myself().await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.login_page", Effect::None));
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.login_page", Effect::Unknown));
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.login_page", Effect::None));
    let error = client.add_comment("SUP-1", "{}", &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.login_page", Effect::None));
}
