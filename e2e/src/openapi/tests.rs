//! Right traffic passes and wrong traffic is found.

use std::path::PathBuf;

use super::*;

fn specs() -> Option<PathBuf> {
    let root = std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let specs = PathBuf::from(root).join("specs");
    if specs.is_dir() {
        return Some(specs);
    }
    #[allow(clippy::print_stdout, reason = "a skipped check is told")]
    {
        println!("skipped: OpenAPI documents (shared data not present)");
    }
    None
}

fn line(service: &str, method: &str, path: &str, request: &Value, status: u16, response: &Value) -> Value {
    let mut line = json!({"service": service, "method": method, "path": path, "status": status,
        "request_headers": {}, "response_headers": {"content-type": "application/json;charset=UTF-8"}});
    if !request.is_null() {
        line["request_headers"] = json!({"content-type": "application/json"});
        line["request_body"] = request.clone();
    }
    if !response.is_null() {
        line["response_body"] = response.clone();
    }
    line
}

fn report(lines: &[Value]) -> Option<Report> {
    let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    Some(check(text.as_bytes(), &specs()?).expect("the recording can be checked"))
}

fn doc(content: &Value) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

/// Right traffic passes, also where the documents are too strict.
#[test]
fn right_traffic_passes() {
    let message = json!({"id": "x", "subject": null, "isRead": true, "@odata.etag": "e", "newThing": 1,
        "body": {"contentType": "html", "content": "<p>"}, "from": {"emailAddress": {"address": "a@b.test"}}});
    let create = json!({"fields": {"summary": "s", "description": doc(&json!([{"type": "paragraph"}]))},
        "properties": [{"key": "k", "value": {"v": 1}}]});
    let batch = json!({"requests": [{"id": "1", "method": "PATCH", "url": "/me/messages/x",
        "headers": {"Content-Type": "application/json"}, "body": {"isRead": true}}]});
    let batched = json!({"responses": [{"id": "1", "status": 200, "headers": {}, "body": message}]});
    let page = json!({"@odata.context": "c", "@odata.deltaLink": "https://x", "value": [message]});
    let lines = [
        line(
            "jira",
            "POST",
            "/rest/api/3/issue",
            &create,
            201,
            &json!({"id": "1", "key": "A-1", "self": "x"}),
        ),
        line(
            "jira",
            "GET",
            "/rest/api/3/issue/A-9",
            &Value::Null,
            404,
            &json!({"errorMessages": ["no"], "errors": {}}),
        ),
        line("graph", "PATCH", "/v1.0/me/messages/x", &json!({"isRead": true}), 200, &message),
        line(
            "graph",
            "GET",
            "/v1.0/Users/a@b.test/mailFolders('inbox')/messages/delta()?$select=id",
            &Value::Null,
            200,
            &page,
        ),
        line(
            "graph",
            "GET",
            "/v1.0/me/mailFolders/inbox/messages/delta?$deltatoken=1",
            &Value::Null,
            200,
            &page,
        ),
        line("graph", "POST", "/v1.0/$batch", &batch, 200, &batched),
        line("entra", "POST", "/common/oauth2/v2.0/token", &Value::Null, 200, &json!({})),
    ];
    let Some(report) = report(&lines) else { return };
    assert_eq!(report.violations, Vec::new());
    assert_eq!((report.checked, report.unmatched.len()), (6, 0), "{:?}", report.unmatched);
}

/// Each kind of wrong traffic is found, with its place.
#[test]
fn wrong_traffic_is_found() {
    let bad = [
        (
            line("jira", "GET", "/rest/api/3/myself", &Value::Null, 200, &json!({"accountType": "robot"})),
            "response /accountType",
        ),
        (
            line(
                "jira",
                "POST",
                "/rest/api/3/search/jql",
                &json!({"jql": "x", "startAt": 0}),
                200,
                &json!({"issues": []}),
            ),
            "request ",
        ),
        (
            line(
                "jira",
                "GET",
                "/rest/api/3/project/search?start=1",
                &Value::Null,
                200,
                &json!({"values": []}),
            ),
            "request ?start",
        ),
        (
            line(
                "jira",
                "POST",
                "/rest/api/3/issue/A-1/comment",
                &json!({"body": doc(&json!([{"type": "nonsense"}]))}),
                201,
                &json!({"id": "1"}),
            ),
            "request /body/content/0",
        ),
        (
            line("jira", "GET", "/rest/api/3/issue/A-1", &Value::Null, 400, &json!({"errorMessages": "no"})),
            "response /errorMessages",
        ),
        (line("jira", "GET", "/rest/api/3/myself", &Value::Null, 299, &json!({})), "response"),
        (
            line(
                "graph",
                "PATCH",
                "/v1.0/me/messages/x",
                &json!({"isRead": "yes"}),
                200,
                &json!({"id": "x"}),
            ),
            "request /isRead",
        ),
        (line("graph", "GET", "/v1.0/me/messages/x", &Value::Null, 200, &json!({"id": 5})), "response /id"),
        (
            line("graph", "GET", "/v1.0/users/a/messages/x", &Value::Null, 200, &json!({"subject": 5})),
            "response /subject",
        ),
    ];
    for (line, place) in bad {
        let Some(report) = report(std::slice::from_ref(&line)) else { return };
        assert!(
            report.violations.iter().any(|violation| violation.place == place),
            "{line}: {:?}",
            report.violations
        );
    }
}

/// What no document describes is counted, not passed over.
#[test]
fn unknown_operations_are_told() {
    let line = line("jira", "GET", "/rest/api/3/teapot", &Value::Null, 200, &json!({}));
    let Some(report) = report(&[line.clone(), line]) else { return };
    assert_eq!(report.unmatched.get("GET /rest/api/3/teapot"), Some(&2));
    assert_eq!(report.checked, 0);
}
