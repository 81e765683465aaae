//! The rules of creating, reading and changing issues and what hangs on them.

use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::super::JiraSettings;
use super::{EMAIL, Peer, doc};

const ISSUE: &str = "/rest/api/3/issue";

#[allow(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn fields(fields: Value) -> Value {
    json!({"fields": fields})
}

/// Recorded bodies are given byte for byte.
#[tokio::test]
async fn recorded_errors_are_exact() {
    let peer = Peer::new();
    peer.issue("one").await;
    let no_project = r#"{"errorMessages":[],"errors":{"project":"Specify a valid project ID or key"}}"#;
    for body in
        [json!({}), fields(json!({"summary": "", "nonsense": 1})), fields(json!({"project": {"key": "NO"}}))]
    {
        let seen = peer.post(ISSUE, body).await;
        assert_eq!((seen.status, seen.text.as_str()), (StatusCode::BAD_REQUEST, no_project));
    }
    let seen = peer.post(ISSUE, fields(json!({"project": {"key": "SUP"}}))).await;
    assert_eq!(seen.text, r#"{"errorMessages":[],"errors":{"issuetype":"Specify an issue type"}}"#);
    let gone = peer.get("/rest/api/3/search?jql=x").await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert_eq!(
        gone.text,
        r#"{"errorMessages":["The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"],"errors":{}}"#
    );
    let request =
        Request::builder().method(Method::POST).uri(ISSUE).header("content-type", "application/json");
    let seen = peer.send(request, b"{no".to_vec()).await;
    assert_eq!(
        seen.text,
        r#"{"errorMessages":["There was an error parsing JSON. Check that your request body is valid."]}"#
    );
    let seen = peer.get("/rest/api/3/issue/SUP-99").await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    assert_eq!(
        seen.text,
        r#"{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}"#
    );
    let seen = peer.get("/rest/api/3/nowhere").await;
    assert_eq!(seen.header("content-type"), "application/problem+json");
    assert_eq!(
        seen.text,
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No endpoint GET /rest/api/3/nowhere.","instance":"/rest/api/3/nowhere"}"#
    );
    let request = Request::builder().method(Method::PATCH).uri("/rest/api/3/myself");
    assert_eq!(peer.send(request, Vec::new()).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let seen = peer.post("/rest/api/3/issue/SUP-1/comment", json!({"body": "plain"})).await;
    assert_eq!(seen.text, r#"{"errors":{"comment":"Comment body is not valid!"}}"#);
}

/// One answer names every faulty field.
#[tokio::test]
async fn field_complaints_come_together() {
    let peer = Peer::new();
    let long = "x".repeat(256);
    let base = json!({"project": {"key": "SUP"}, "issuetype": {"id": "10001"}});
    let cases = [
        (json!({}), "summary", "You must specify a summary of the issue."),
        (
            json!({"summary": "a\nb"}),
            "summary",
            "The summary is invalid because it contains newline characters.",
        ),
        (json!({"summary": long}), "summary", "Summary can't exceed 255 characters."),
        (
            json!({"summary": "a", "story_points": 3}),
            "story_points",
            "Field 'story_points' cannot be set. It is not on the appropriate screen, or unknown.",
        ),
        (
            json!({"summary": "a", "description": "plain"}),
            "description",
            "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
        ),
        (
            json!({"summary": "a", "description": doc(&"y".repeat(32_767))}),
            "description",
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
        ),
        (
            json!({"summary": "a", "labels": ["a b"]}),
            "labels",
            "The label 'a b' contains spaces which is invalid.",
        ),
        (json!({"summary": "a", "priority": {"id": "9"}}), "priority", "The priority selected is invalid."),
        (json!({"summary": "a", "reporter": {"id": "no"}}), "reporter", "User 'no' does not exist."),
        (
            json!({"summary": "a", "customfield_10010": {"value": "blue"}}),
            "customfield_10010",
            "Option value 'blue' is not valid",
        ),
    ];
    for (given, field, message) in cases {
        let mut all = base.clone();
        for (name, value) in given.as_object().expect("fields") {
            all[name] = value.clone();
        }
        let seen = peer.post(ISSUE, fields(all)).await;
        assert_eq!(seen.status, StatusCode::BAD_REQUEST);
        assert_eq!(seen.body["errors"][field], message);
    }
    assert!(peer.state.require_field("customfield_10011", true));
    let mut both = base;
    both["odd"] = json!(1);
    let seen = peer.post(ISSUE, fields(both)).await;
    assert_eq!(seen.body["errors"].as_object().map(serde_json::Map::len), Some(3), "{}", seen.text);
    assert_eq!(seen.body["errors"]["customfield_10011"], "Team is required.");
    assert!(peer.state.issues().is_empty(), "nothing was created");
}

/// A create stores everything at once and gives consecutive keys; refused ones leave gaps only on demand.
#[tokio::test]
async fn create_is_atomic_and_keys_count_up() {
    let peer = Peer::new();
    let body = json!({
        "fields": {"project": {"id": "10000"}, "issuetype": {"name": "bug"}, "summary": " Hi ", "description": doc("d"),
            "labels": ["mid-1", "mid-1"], "priority": {"name": "High"}, "customfield_10010": {"value": "red"},
            "customfield_10012": doc("steps")},
        "properties": [{"key": "mailhandler", "value": {"messageId": "<a@b>"}}]
    });
    let seen = peer.post(ISSUE, body.clone()).await;
    assert_eq!(seen.status, StatusCode::CREATED);
    assert_eq!(seen.text, r#"{"id":"10000","key":"SUP-1","self":"http://jira.test/rest/api/3/issue/10000"}"#);
    let seen =
        peer.get("/rest/api/3/issue/sup-1?properties=mailhandler&expand=renderedFields,changelog").await;
    let issue = &seen.body["fields"];
    assert_eq!(issue["summary"], "Hi");
    assert_eq!(issue["issuetype"]["name"], "Bug");
    assert_eq!(issue["labels"], json!(["mid-1"]));
    assert_eq!(issue["description"], doc("d"));
    assert_eq!(issue["customfield_10010"]["value"], "red");
    assert_eq!(issue["priority"]["id"], "2");
    assert_eq!(seen.body["properties"]["mailhandler"]["messageId"], "<a@b>");
    assert_eq!(seen.body["renderedFields"]["description"], "<p>d</p>");
    let mut unknown = body.clone();
    unknown["properties"][0]["extra"] = json!(1);
    assert_eq!(peer.post(ISSUE, unknown).await.status, StatusCode::BAD_REQUEST);
    let mut large = body.clone();
    large["properties"][0]["value"] = json!("z".repeat(32_767));
    assert_eq!(peer.post(ISSUE, large).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(peer.issue("two").await, "SUP-2");
    peer.state.leave_gaps(true);
    let bad = fields(json!({"project": {"key": "SUP"}, "issuetype": {"id": "10001"}}));
    assert_eq!(peer.post(ISSUE, bad).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(peer.issue("four").await, "SUP-4");
    let billing = fields(json!({"project": {"key": "BILL"}, "issuetype": {"id": "10001"}, "summary": "b"}));
    assert_eq!(peer.post(ISSUE, billing).await.body["key"], "BILL-1");
}

/// Version 2 takes and gives wiki markup; both versions read each other's texts.
#[tokio::test]
async fn version_two_speaks_wiki() {
    let peer = Peer::new();
    let body = fields(json!({"project": {"key": "SUP"}, "issuetype": {"id": "10001"}, "summary": "w",
        "description": "h2. Title\n\n* one\n* *two*"}));
    let seen = peer.post("/rest/api/2/issue", body).await;
    assert_eq!(seen.body["self"], "http://jira.test/rest/api/2/issue/10000");
    let seen = peer.get("/rest/api/2/issue/SUP-1").await;
    assert_eq!(seen.body["fields"]["description"], "h2. Title\n\n* one\n* *two*");
    let seen = peer.get("/rest/api/3/issue/SUP-1").await;
    assert_eq!(seen.body.pointer("/fields/description/content/0/type"), Some(&json!("heading")));
    assert_eq!(seen.body.pointer("/fields/description/content/1/content/1/type"), Some(&json!("listItem")));
    peer.post("/rest/api/3/issue/SUP-1/comment", json!({"body": doc("plain {words}")})).await;
    let seen = peer.get("/rest/api/2/issue/SUP-1/comment").await;
    assert_eq!(seen.body["comments"][0]["body"], "plain \\{words\\}");
    let seen = peer.post("/rest/api/2/issue/SUP-1/comment", json!({"body": {"type": "doc"}})).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
}

/// Wrong credentials: 401 where it matters, anonymous 200 with a telling header where anybody may read.
#[tokio::test]
async fn sign_in_rules() {
    let mut peer = Peer::new();
    let seen = peer.get("/rest/api/3/myself").await;
    assert_eq!((seen.status, &seen.body["emailAddress"]), (StatusCode::OK, &json!(EMAIL)));
    assert_eq!(seen.header("atl-traceid").len(), 32);
    assert!(!seen.header("x-arequestid").is_empty());
    assert_eq!((seen.header("x-ratelimit-limit"), seen.header("x-ratelimit-remaining")), ("100", "99"));
    peer.state.revoke_tokens(true);
    assert_eq!(peer.get("/rest/api/3/myself").await.status, StatusCode::UNAUTHORIZED);
    peer.state.revoke_tokens(false);
    assert_eq!(peer.get("/rest/api/3/myself").await.status, StatusCode::OK);
    peer.sign_in(EMAIL, "wrong");
    let seen = peer.get("/rest/api/3/myself").await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    assert_eq!(seen.text, "Client must be authenticated to access this resource.");
    assert_eq!(seen.header("x-seraph-loginreason"), "AUTHENTICATED_FAILED");
    let seen = peer.get("/rest/api/3/serverInfo").await;
    assert_eq!((seen.status, &seen.body["deploymentType"]), (StatusCode::OK, &json!("Cloud")));
    assert_eq!(seen.header("x-seraph-loginreason"), "AUTHENTICATED_FAILED");
    let seen = peer.get("/rest/api/3/project/search").await;
    assert_eq!((seen.status, &seen.body["total"]), (StatusCode::OK, &json!(0)));
    assert_eq!(peer.post("/rest/api/3/issue", json!({})).await.status, StatusCode::UNAUTHORIZED);
    peer.sign_out();
    assert_eq!(peer.get("/rest/api/3/myself").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(peer.get("/rest/api/3/serverInfo").await.header("x-seraph-loginreason"), "");
    let bearer = Request::builder()
        .uri("/rest/api/2/myself")
        .header("authorization", "Bearer SimulatedPersonalAccessTokenForPostroom");
    assert_eq!(peer.send(bearer, Vec::new()).await.status, StatusCode::OK);
}

/// An edit changes fields and writes history; a field may not be in both parts.
#[tokio::test]
async fn edit_and_history() {
    let peer = Peer::new();
    peer.issue_with(json!({"labels": ["a"]})).await;
    peer.advance(60);
    let path = "/rest/api/3/issue/SUP-1";
    let body = json!({"fields": {"summary": "new"}, "update": {"labels": [{"add": "b"}, {"remove": "a"}]}});
    assert_eq!(peer.put(path, body).await.status, StatusCode::NO_CONTENT);
    let both = json!({"fields": {"labels": []}, "update": {"labels": [{"add": "b"}]}});
    assert_eq!(peer.put(path, both).await.status, StatusCode::BAD_REQUEST);
    let seen =
        peer.put(&format!("{path}?returnIssue=true"), json!({"fields": {"priority": {"id": "1"}}})).await;
    assert_eq!((seen.status, &seen.body["fields"]["labels"]), (StatusCode::OK, &json!(["b"])));
    assert_eq!(seen.body["fields"]["updated"], "2026-11-24T10:01:00.000+0000");
    let seen = peer.get(&format!("{path}/changelog")).await;
    let items: Vec<&Value> = seen.body["values"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["items"].as_array())
        .flatten()
        .collect();
    let named: Vec<&str> = items.iter().filter_map(|item| item["field"].as_str()).collect();
    assert_eq!(named, ["summary", "labels", "priority"]);
    assert_eq!((&items[1]["fromString"], &items[1]["toString"]), (&json!("a"), &json!("b")));
    assert_eq!(peer.put(path, json!({})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(peer.delete(path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.get(path).await.status, StatusCode::NOT_FOUND);
}

/// Comments are listed in both orders and found by id with their properties.
#[tokio::test]
async fn comments_and_their_properties() {
    let peer = Peer::new();
    peer.issue("c").await;
    let path = "/rest/api/3/issue/SUP-1/comment";
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        peer.advance(1);
        let body = json!({"body": doc(text), "properties": [{"key": "mailhandler", "value": {"n": number}}]});
        let seen = peer.post(path, body).await;
        assert_eq!(seen.status, StatusCode::CREATED);
        assert_eq!(seen.body["id"], (10_000 + number).to_string());
    }
    let seen = peer.get(&format!("{path}?orderBy=-created&maxResults=2&expand=renderedBody")).await;
    assert_eq!(
        (&seen.body["total"], &seen.body["comments"][0]["renderedBody"]),
        (&json!(3), &json!("<p>three</p>"))
    );
    assert_eq!(seen.body["comments"].as_array().map(Vec::len), Some(2));
    assert_eq!(peer.get(&format!("{path}?orderBy=id")).await.status, StatusCode::BAD_REQUEST);
    let seen =
        peer.post("/rest/api/3/comment/list?expand=properties", json!({"ids": [10_002, 10_000, 777]})).await;
    assert_eq!(seen.body["total"], 2);
    assert_eq!(seen.body["values"][1]["properties"], json!([{"key": "mailhandler", "value": {"n": 2}}]));
    let unknown = peer.post("/rest/api/3/comment/list", json!({"ids": [1], "more": 1})).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let property = "/rest/api/3/comment/10001/properties/mailhandler";
    assert_eq!(peer.get(property).await.body["value"], json!({"n": 1}));
    assert_eq!(peer.put(property, json!([1])).await.status, StatusCode::OK);
    assert_eq!(
        peer.put("/rest/api/3/comment/10001/properties/other", json!("x")).await.status,
        StatusCode::CREATED
    );
    let keys = peer.get("/rest/api/3/comment/10001/properties").await;
    assert_eq!(keys.body["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(peer.delete(property).await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.get(property).await.status, StatusCode::NOT_FOUND);
    let changed = peer.put(&format!("{path}/10001"), json!({"body": doc("changed")})).await;
    assert_eq!((changed.status, &changed.body["body"]), (StatusCode::OK, &doc("changed")));
    assert_eq!(peer.delete(&format!("{path}/10001")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.get(&format!("{path}/10001")).await.status, StatusCode::NOT_FOUND);
}

/// Issue properties: 201 when new, 200 when changed, raw JSON values.
#[tokio::test]
async fn issue_properties() {
    let peer = Peer::new();
    peer.issue("p").await;
    let path = "/rest/api/3/issue/SUP-1/properties/mailhandler";
    assert_eq!(peer.get(path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(peer.put(path, json!({"v": 1})).await.status, StatusCode::CREATED);
    assert_eq!(peer.put(path, json!({"v": 2})).await.status, StatusCode::OK);
    assert_eq!(peer.get(path).await.text, r#"{"key":"mailhandler","value":{"v":2}}"#);
    assert_eq!(peer.get("/rest/api/3/issue/SUP-1/properties").await.body["keys"][0]["key"], "mailhandler");
    assert_eq!(peer.delete(path).await.status, StatusCode::NO_CONTENT);
}

/// Uploads need the XSRF header, keep names as they are, and the download redirects to a media address.
#[tokio::test]
async fn attachments() {
    let settings = JiraSettings { upload_limit: 100, ..JiraSettings::default() };
    let mut peer = Peer::with(settings);
    peer.issue("a").await;
    let path = "/rest/api/3/issue/SUP-1/attachments";
    let file: &[(&str, &str, &[u8])] = &[("Grüße 你好.png", "image/png", b"\x89PNG")];
    assert_eq!(peer.upload(path, file, false).await.status, StatusCode::FORBIDDEN);
    let seen = peer.upload(path, file, true).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    assert_eq!(seen.body[0]["filename"], "Grüße 你好.png");
    assert_eq!((&seen.body[0]["size"], &seen.body[0]["mimeType"]), (&json!(4), &json!("image/png")));
    assert_eq!(
        peer.upload(path, &[("b", "text/plain", &[0; 101])], true).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let many: Vec<(&str, &str, &[u8])> = vec![("c", "text/plain", b"c"); 61];
    assert_eq!(peer.upload(path, &many, true).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(peer.state.issues()[0]["attachments"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        peer.get("/rest/api/3/attachment/meta").await.body,
        json!({"enabled": true, "uploadLimit": 100})
    );
    assert_eq!(peer.get("/rest/api/3/attachment/10000").await.body["id"], 10_000);
    let bytes = peer.get("/rest/api/3/attachment/content/10000?redirect=false").await;
    assert_eq!(bytes.bytes, b"\x89PNG");
    let redirect = peer.get("/rest/api/3/attachment/content/10000").await;
    assert_eq!(redirect.status, StatusCode::SEE_OTHER);
    let location =
        redirect.header("location").strip_prefix("http://jira.test").expect("an address here").to_owned();
    let media = location.split('/').nth(3).expect("a media id").to_owned();
    assert!(uuid::Uuid::parse_str(&media).is_ok(), "{location}");
    peer.sign_out();
    assert_eq!(peer.get(&location).await.bytes, b"\x89PNG", "the ticket is enough");
    assert_eq!(peer.get(&format!("/media/file/{media}/binary?token=x")).await.status, StatusCode::FORBIDDEN);
    let mut peer = peer;
    peer.sign_in(EMAIL, JiraSettings::default().service_user().1);
    let image = |id: &str| {
        json!({"body": {"type": "doc", "version": 1, "content": [{"type": "mediaSingle", "attrs": {"layout": "center"},
            "content": [{"type": "media", "attrs": {"type": "file", "id": id, "collection": "", "width": 1, "height": 1}}]}]}})
    };
    let comment = "/rest/api/3/issue/SUP-1/comment?expand=renderedBody";
    let shown = peer.post(comment, image(&media)).await;
    assert_eq!(shown.status, StatusCode::CREATED);
    assert!(
        shown.body["renderedBody"].as_str().is_some_and(|html| html.contains(&location[..40])),
        "{}",
        shown.text
    );
    let strange = peer.post(comment, image("11111111-2222-3333-4444-555555555555")).await;
    assert_eq!(strange.body["errors"]["comment"], "ATTACHMENT_VALIDATION_ERROR");
    assert_eq!(peer.delete("/rest/api/3/attachment/10000").await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.get("/rest/api/3/attachment/content/10000").await.status, StatusCode::NOT_FOUND);
}

/// The workflow moves issues and sets the resolution; watchers and links are kept on both sides.
#[tokio::test]
async fn transitions_watchers_links() {
    let peer = Peer::new();
    peer.issue("one").await;
    peer.issue("two").await;
    let path = "/rest/api/3/issue/SUP-1/transitions";
    let seen = peer.get(&format!("{path}?expand=transitions.fields")).await;
    assert_eq!(seen.body["transitions"][2]["to"]["statusCategory"]["key"], "done");
    let body = json!({"transition": {"id": "31"}, "update": {"comment": [{"add": {"body": doc("done")}}]}});
    assert_eq!(peer.post(path, body).await.status, StatusCode::NO_CONTENT);
    let issue = peer.get("/rest/api/3/issue/SUP-1?fields=status,resolution,comment").await;
    assert_eq!(issue.body["fields"]["status"]["name"], "Done");
    assert_eq!(issue.body["fields"]["resolution"]["name"], "Done");
    assert_eq!(issue.body["fields"]["comment"]["total"], 1);
    assert_eq!(peer.post(path, json!({"transition": {"id": "99"}})).await.status, StatusCode::BAD_REQUEST);
    let anna = peer.get("/rest/api/3/user/search?query=anna@").await;
    assert_eq!(anna.body[0]["displayName"], "Anna Berger");
    assert_eq!(peer.get("/rest/api/3/user/search?query=bruno@").await.body, json!([]), "a hidden address");
    assert_eq!(peer.get("/rest/api/3/user/search?query=Bruno").await.body[0].get("emailAddress"), None);
    let watchers = "/rest/api/3/issue/SUP-1/watchers";
    assert_eq!(peer.post(watchers, anna.body[0]["accountId"].clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.get(watchers).await.body["watchCount"], 2);
    let link = json!({"comment": null, "type": {"name": "Relates"}, "inwardIssue": {"key": "SUP-1"}, "outwardIssue": {"key": "SUP-2"}});
    let seen = peer.post("/rest/api/3/issueLink", link).await;
    assert_eq!((seen.status, seen.text.as_str()), (StatusCode::CREATED, ""));
    let issue = peer.get("/rest/api/3/issue/SUP-2?fields=issuelinks").await;
    assert_eq!(issue.body["fields"]["issuelinks"][0]["inwardIssue"]["key"], "SUP-1");
    assert_eq!(peer.get("/rest/api/3/issueLink/10000").await.body["outwardIssue"]["key"], "SUP-2");
    let remote = "/rest/api/3/issue/SUP-1/remotelink";
    let body = json!({"globalId": "g", "object": {"url": "https://a.test", "title": "A"}});
    assert_eq!(peer.post(remote, body.clone()).await.status, StatusCode::CREATED);
    assert_eq!(peer.post(remote, body).await.status, StatusCode::OK);
    assert_eq!(peer.get(remote).await.body.as_array().map(Vec::len), Some(1));
    peer.delete("/rest/api/3/issueLink/10000").await;
    assert_eq!(
        peer.get("/rest/api/3/issue/SUP-2?fields=issuelinks").await.body["fields"]["issuelinks"],
        json!([])
    );
}

/// Metadata is complete enough to configure a source with.
#[tokio::test]
async fn metadata() {
    let peer = Peer::new();
    let seen = peer.get("/rest/api/3/project/search?query=sup").await;
    assert_eq!((&seen.body["values"][0]["key"], &seen.body["isLast"]), (&json!("SUP"), &json!(true)));
    let seen = peer.get("/rest/api/3/project/search?maxResults=1").await;
    assert!(seen.body["nextPage"].as_str().is_some_and(|next| next.ends_with("startAt=1")));
    assert_eq!(peer.get("/rest/api/3/project/NO").await.status, StatusCode::NOT_FOUND);
    let types = "/rest/api/3/issue/createmeta/SUP/issuetypes";
    assert_eq!(peer.get(types).await.body["issueTypes"][1]["name"], "Bug");
    assert_eq!(peer.get(&format!("{types}?maxResults=201")).await.status, StatusCode::BAD_REQUEST);
    let seen = peer.get(&format!("{types}/10001")).await;
    let required: Vec<&Value> = seen.body["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|field| field["required"] == true)
        .collect();
    assert_eq!(required.len(), 3);
    let ask = "/rest/api/3/mypermissions";
    assert_eq!(peer.get(ask).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(peer.get(&format!("{ask}?permissions=FLY")).await.status, StatusCode::BAD_REQUEST);
    let seen = peer.get(&format!("{ask}?permissions=CREATE_ISSUES,ADD_COMMENTS&projectKey=SUP")).await;
    assert_eq!(seen.body["permissions"]["CREATE_ISSUES"]["havePermission"], true);
    for path in [
        "project/SUP",
        "project",
        "field",
        "priority",
        "priority/search",
        "issuetype",
        "status",
        "resolution",
        "issueLinkType",
        "issue/createmeta?expand=projects.issuetypes.fields",
        "statuscategory",
    ] {
        assert_eq!(peer.get(&format!("/rest/api/3/{path}")).await.status, StatusCode::OK, "{path}");
    }
    peer.issue("meta").await;
    assert_eq!(peer.get("/rest/api/3/issue/SUP-1/editmeta").await.status, StatusCode::OK);
}

/// The levers do what they say.
#[tokio::test]
async fn control() {
    let peer = Peer::new();
    let made = peer.post("/control/jira/projects", json!({"key": "NEW", "name": "New"})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(peer.get("/rest/api/3/project/NEW").await.body["id"], "10002");
    assert_eq!(
        peer.post("/control/jira/projects", json!({"key": "new"})).await.status,
        StatusCode::BAD_REQUEST
    );
    peer.issue_with(json!({"project": {"key": "NEW"}})).await;
    peer.issue("kept").await;
    assert_eq!(peer.get("/control/jira/issues").await.body.as_array().map(Vec::len), Some(2));
    assert_eq!(peer.delete("/control/jira/projects/NEW").await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.get("/rest/api/3/issue/NEW-1").await.status, StatusCode::NOT_FOUND);
    let truth = peer.get("/control/jira/issues").await.body;
    assert_eq!((truth[0]["key"].as_str(), truth.as_array().map(Vec::len)), (Some("SUP-1"), Some(1)));
    assert_eq!(peer.delete("/control/jira/issues/SUP-1").await.status, StatusCode::NO_CONTENT);
    assert_eq!(peer.delete("/control/jira/issues/SUP-1").await.status, StatusCode::NOT_FOUND);
    peer.post("/control/jira/tokens", json!({"revoke": true})).await;
    assert_eq!(peer.get("/rest/api/3/myself").await.status, StatusCode::UNAUTHORIZED);
}
