mod bodies;
mod codes;
mod documentation;
mod network;
mod told;

use std::collections::HashSet;

use super::*;

#[test]
fn every_entry_names_cause_and_mend_and_has_an_id_of_its_own() {
    let mut ids = HashSet::new();
    for entry in catalogue() {
        assert!(ids.insert(entry.id), "{} is there twice", entry.id);
        assert!(entry.cause.len() > 10 && !entry.cause.ends_with('.'), "{}: {}", entry.id, entry.cause);
        assert!(entry.mend.ends_with('.'), "{}: {}", entry.id, entry.mend);
        assert!(!entry.mend.contains('!') && !entry.cause.contains('!'), "{}", entry.id);
        if entry.class != Class::Transient && entry.class != Class::Poison {
            assert_ne!(entry.who, Who::Nobody, "{} needs somebody", entry.id);
        }
        let is_never = entry.retry == Retry::Never;
        assert_eq!(is_never, entry.class == Class::Poison, "{}: only an item is given up", entry.id);
        if entry.class == Class::Transient {
            assert!(matches!(entry.retry, Retry::Soon | Retry::Slow), "{}", entry.id);
        }
        if let Some(link) = entry.link {
            assert!(link.starts_with("https://") && !link.contains("/en-us/"), "{}: {link}", entry.id);
        }
    }
    assert!(ids.len() >= 120, "{}", ids.len());
}

#[test]
fn the_first_number_that_is_known_decides() {
    let error = EntraError { status: 400, error_codes: vec![999_999, 7_000_222], ..Default::default() };
    assert_eq!(Fault::entra(&error).entry.id, "entra.secret_expired");
}

#[test]
fn words_of_a_description_decide_nothing() {
    let error = EntraError {
        status: 400,
        error: "invalid_grant".into(),
        error_description: "AADSTS7000222: The provided client secret keys are expired.".into(),
        ..Default::default()
    };
    assert_eq!(Fault::entra(&error).entry.id, "entra.grant_invalid");
}

/// Promise: only an answer that says no for certain lets a write be asked for again without a look.
#[test]
fn what_was_lost_leaves_a_write_in_doubt_and_what_was_refused_does_not() {
    let graph = |status, code: &str| {
        let codes = [code];
        let codes = if code.is_empty() { &[][..] } else { &codes[..] };
        Fault::graph(&GraphAnswer { status, codes, ..Default::default() })
    };
    for (status, code, doubt) in [
        (504, "", true),
        (504, "GatewayTimeout", true),
        (503, "serviceNotAvailable", true),
        (502, "", true),
        (500, "UnknownError", true),
        (500, "SomethingNew", true),
        (408, "", true),
        (429, "ApplicationThrottled", false),
        (503, "ErrorServerBusy", false),
        (503, "MailboxInfoStale", false),
        (500, "ErrorCorruptData", false),
        (500, "ErrorAccessDenied", false),
        (403, "ErrorAccessDenied", false),
        (404, "", false),
        (409, "ErrorIrresolvableConflict", false),
        (412, "", false),
        (302, "", false),
    ] {
        assert_eq!(graph(status, code).leaves_doubt(), doubt, "{status} {code}");
    }
    let ews = |status, code| Fault::ews(&EwsAnswer { status, code, ..Default::default() });
    for (status, code, doubt) in [
        (504, "", true),
        (200, "ErrorTimeoutExpired", true),
        (200, "ErrorServerBusy", false),
        (500, "ErrorServerBusy", false),
        (200, "ErrorBatchProcessingStopped", false),
        (200, "ErrorAccessDenied", false),
    ] {
        assert_eq!(ews(status, code).leaves_doubt(), doubt, "{status} {code}");
    }
    let network = |kind| Fault::network(&Network { kind, host: "x.test", detail: "" });
    for (kind, doubt) in [
        (NetworkKind::Timeout, true),
        (NetworkKind::Reset, true),
        (NetworkKind::Body, true),
        (NetworkKind::Dns, false),
        (NetworkKind::Refused, false),
        (NetworkKind::Connect, false),
    ] {
        assert_eq!(network(kind).leaves_doubt(), doubt, "{kind:?}");
    }
    assert!(!Fault::own("graph.paused", "").leaves_doubt(), "it was not sent");
}

#[test]
fn jira_bodies_are_read_leniently() {
    let of = |status, body| {
        Fault::jira(&JiraAnswer { status, body, operation: "create issue", ..Default::default() })
    };
    let cases = [
        (
            400,
            r#"{"errorMessages":[],"errors":{"project":"Specify a valid project ID or key"}}"#,
            "jira.project",
        ),
        (400, r#"{"errors":{"issuetype":"Specify an issue type"}}"#, "jira.issue_type"),
        (400, r#"{"errors":{"customfield_10011":"Team is required."}}"#, "jira.required_field"),
        (400, r#"{"errors":{"comment":"Comment body is not valid!"}}"#, "jira.document"),
        (
            404,
            r#"{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}"#,
            "jira.issue_gone",
        ),
        (404, r#"{"errorMessages":["No issue link type with name 'Sequel' found."]}"#, "jira.link_type"),
        (401, r#"{"code":401,"message":"Unauthorized; scope does not match"}"#, "jira.scope"),
        (401, "Client must be authenticated to access this resource.", "jira.token"),
        (503, "<html><body>down</body></html>", "jira.unavailable"),
        (429, "", "jira.throttled"),
        (429, "<html>slow down</html>", "jira.throttled"),
        // The gateway knows no site of this cloud id (recorded), and Jira no such address (recorded).
        (
            404,
            r#"{"timestamp":"2026-10-08T10:00:00.000+00:00","status":404,"error":"Not Found","message":"No message available","path":"/ex/jira/x/rest/api/3/myself"}"#,
            "jira.cloud_id",
        ),
        (
            404,
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No endpoint GET /rest/api/3/x."}"#,
            "jira.not_found",
        ),
        (404, "<html><h1>Oops, you&#39;ve found a dead link.</h1>", "jira.not_found"),
        // Whatever stands in front of Jira answers with pages, at times as if all were well.
        (200, "<!doctype html><form action='/login.jsp'>", "jira.login_page"),
        (200, "\u{feff} <html><title>Sign in with single sign-on</title>", "jira.login_page"),
        (403, "<html>Access to this page is associated with a policy</html>", "jira.page"),
        (200, "<html>It works</html>", "jira.page"),
        (401, "<html><title>Log in</title></html>", "jira.token"),
        (403, r#"{"errorMessages":["no"]}"#, "jira.forbidden"),
        (
            400,
            r#"{"errors":{"comment":"Postroom, you do not have the permission to comment on this issue."}}"#,
            "jira.forbidden",
        ),
        (
            400,
            r#"{"errorMessages":["You do not have permission to create issues in this project."]}"#,
            "jira.forbidden",
        ),
        (400, r#"{"errors":{"security":"You do not have permission to set this level."}}"#, "jira.field"),
        (
            400,
            r#"{"errorMessages":["Field 'nowhere' does not exist or you do not have permission to view it."]}"#,
            "jira.request",
        ),
        (
            400,
            r#"{"errors":{"comment":"Comment body is not valid!, you do not have the permission to comment"}}"#,
            "jira.forbidden",
        ),
    ];
    for (status, body, id) in cases {
        assert_eq!(of(status, body).entry.id, id, "{status} {body}");
    }
    assert!(of(400, r#"{"errors":{"summary":"too long"}}"#).detail.contains("summary: too long"));
}

/// Promise: whoever must act on a connection of Jira that stops is named, with what to do; none of these holds a mail.
#[test]
fn faults_of_a_jira_connection_have_an_owner_and_a_mend() {
    for (id, who) in [
        ("jira.unavailable", Who::Nobody),
        ("jira.throttled", Who::Nobody),
        ("jira.token", Who::JiraAdministrator),
        ("jira.scope", Who::JiraAdministrator),
        ("jira.client_credentials", Who::JiraAdministrator),
        ("jira.captcha", Who::JiraAdministrator),
        ("jira.project", Who::JiraAdministrator),
        ("jira.forbidden", Who::JiraAdministrator),
        ("jira.cloud_id", Who::Operator),
        ("jira.not_found", Who::Operator),
        ("jira.login_page", Who::Operator),
        ("jira.page", Who::Operator),
        ("jira.moved", Who::Operator),
    ] {
        let entry = entry(id).unwrap_or_else(|| panic!("{id} is in the catalogue"));
        assert_eq!(entry.who, who, "{id}");
        assert_ne!(entry.class, Class::Poison, "{id} is no mail's own fault");
        assert!(!entry.mend.is_empty() && entry.retry != Retry::Never, "{id} comes back by itself");
    }
}

#[test]
fn headers_of_jira_say_more_than_the_status() {
    let of = |status, reason| {
        Fault::jira(&JiraAnswer {
            status,
            login_reason: Some(reason),
            operation: "myself",
            ..Default::default()
        })
    };
    assert_eq!(of(200, "AUTHENTICATED_FAILED").entry.id, "jira.token");
    assert_eq!(of(403, "CAPTCHA_CHALLENGE; login-url=https://jira/login.jsp").entry.id, "jira.captcha");
    assert_eq!(of(403, "AUTHENTICATION_DENIED").entry.id, "jira.captcha");
    assert_eq!(of(401, "OUT").entry.id, "jira.token");
}

#[test]
fn a_service_account_that_gets_no_token_is_told_as_that() {
    let of = |status, body| {
        Fault::jira_credentials(&JiraAnswer { status, body, operation: "token", ..Default::default() })
    };
    let refused = of(401, r#"{"error":"access_denied","error_description":"Unauthorized"}"#);
    assert_eq!(refused.entry.id, "jira.client_credentials");
    assert!(refused.detail.contains("access_denied; Unauthorized"), "{}", refused.detail);
    for (status, body, id) in [
        (403, r#"{"error":"unauthorized_client"}"#, "jira.client_credentials"),
        (400, r#"{"error":"invalid_request"}"#, "jira.client_credentials"),
        (403, "<html>blocked by the proxy</html>", "jira.page"),
        (404, "", "jira.not_found"),
        (429, "", "jira.throttled"),
        (503, "<html>", "jira.unavailable"),
    ] {
        assert_eq!(of(status, body).entry.id, id, "{status} {body}");
    }
}

#[test]
fn an_address_that_leads_on_is_a_sign_in_page_or_another_address() {
    let of = |origin, path| Fault::jira_redirect("myself", 302, origin, path).entry.id;
    assert_eq!(of("https://jira.example.com", "/login.jsp?os_destination=x"), "jira.login_page");
    assert_eq!(of("https://sso.example.com", "/"), "jira.login_page");
    assert_eq!(of("https://jira.example.com", "/rest/api/2/myself"), "jira.moved");
    assert_eq!(of("https://associated.example.com", "/"), "jira.moved");
}

#[test]
fn graph_codes_are_compared_without_letter_case() {
    let of =
        |status, code| Fault::graph(&GraphAnswer { status, codes: &[code], ..Default::default() }).entry.id;
    assert_eq!(of(404, "errorITEMnotfound"), "graph.item_gone");
    assert_eq!(of(429, "ApplicationThrottled"), "graph.throttled");
    assert_eq!(of(403, "UnknownError"), "graph.access_denied");
    assert_eq!(of(503, "somethingNew"), "graph.busy");
}

#[test]
fn no_secret_survives_in_a_detail() {
    for secret in [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "Authorization: Bearer abcdefgh12345678",
        "client_secret=canary-value",
        r#"{"refresh_token":"canary","#,
        "https://login.example.org/return?code=canary&state=canary",
        "ATATT3xFfGF0canarycanarycanarycanary",
    ] {
        let shown = Fault::own("own.store", &format!("it said {secret} and more")).detail;
        assert!(
            !shown.contains("canary") && !shown.contains("abcdefgh12345678") && !shown.contains("eyJ"),
            "{shown}"
        );
        assert!(shown.ends_with("and more"), "{shown}");
    }
}

#[test]
fn faults_survive_storage() {
    let fault = Fault::jira(&JiraAnswer { status: 429, body: "", operation: "x", ..Default::default() });
    let text = serde_json::to_string(&fault.to_record()).expect("serialises");
    let back = Fault::from_record(serde_json::from_str(&text).expect("reads back"));
    assert_eq!(back, fault);
    let unknown = Record {
        entry: "future.thing".into(),
        code: String::new(),
        detail: String::new(),
        status: None,
        ids: Ids::default(),
        is_guess: false,
        extra: None,
    };
    assert_eq!(Fault::from_record(unknown).code, "future.thing");
}

#[test]
fn what_helps_survives_in_a_detail() {
    let said = "AADSTS50173: revoked. Trace ID: 0b8a1f4e-0000-4000-8000-000000000000, status code: 400";
    assert_eq!(scrub(said), said);
    assert!(scrub(&"word ".repeat(1_000)).chars().count() <= 601);
    assert_eq!(scrub("a\r\n\tb"), "a b");
}

#[test]
fn a_code_never_seen_is_shown_raw_and_judged_by_what_else_is_known() {
    let body = br#"{"error":"invalid_grant","error_codes":[999999],"suberror":7,"trace_id":"t-1"}"#;
    let fault = Fault::entra(&EntraError::read(400, body));
    assert_eq!(
        (fault.entry.id, fault.code.as_str(), fault.is_guess),
        ("entra.grant_invalid", "AADSTS999999", true)
    );
    assert_eq!(fault.ids.trace.as_deref(), Some("t-1"));
    assert!(
        fault.sentence().starts_with("Postroom does not know this code and guesses: "),
        "{}",
        fault.sentence()
    );
    let fault = Fault::graph(&GraphAnswer { status: 503, codes: &["somethingNew"], ..Default::default() });
    assert_eq!((fault.entry.id, fault.code.as_str(), fault.is_guess), ("graph.busy", "somethingNew", true));
    let fault = Fault::ews(&EwsAnswer { status: 500, code: "ErrorSomethingNew", ..Default::default() });
    assert_eq!((fault.entry.id, fault.is_guess), ("graph.unavailable", true));
    let fault = Fault::graph(&GraphAnswer { status: 403, codes: &["UnknownError"], ..Default::default() });
    assert_eq!((fault.entry.id, fault.is_guess), ("graph.access_denied", false));
    let fault = Fault::graph(&GraphAnswer { status: 429, ..Default::default() });
    assert_eq!((fault.code.as_str(), fault.is_guess), ("HTTP 429", false));
}

#[test]
fn codes_never_seen_are_counted_and_the_others_are_not() {
    static COUNTED: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let set = on_unknown(|fault| COUNTED.lock().expect("whole").push(fault.code.clone()));
    assert!(set, "set once in this process");
    assert!(!on_unknown(|_| panic!("the first one counts")));
    let told = |body: &str| Fault::entra(&EntraError::read(400, body.as_bytes()));
    let new = told(r#"{"error":"invalid_grant","error_codes":[999991]}"#);
    let known = told(r#"{"error":"invalid_grant","error_codes":[50173]}"#);
    assert!(new.is_guess && !known.is_guess);
    let counted = COUNTED.lock().expect("whole");
    assert!(counted.contains(&"AADSTS999991".to_owned()) && !counted.contains(&"AADSTS50173".to_owned()));
}

const REVOKED: &str = "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The \
    user might have changed or reset their password. The grant was issued on '2026-01-05T08:10:11.1234567Z' and the \
    TokensValidFrom date (before which tokens are not valid) for this user is '2026-11-20T14:00:00.0000000Z'. Trace ID: t-1";

#[test]
fn a_revoked_grant_shows_its_two_dates() {
    let error = |error_description: &str| EntraError {
        status: 400,
        error_codes: vec![50173],
        error_description: error_description.to_owned(),
        ..Default::default()
    };
    let fault = Fault::entra(&error(REVOKED));
    let grant = fault.extra.as_ref().and_then(|extra| extra.grant).expect("two dates");
    assert_eq!(grant.issued.to_string(), "2026-01-05T08:10:11.1234567Z");
    assert_eq!(grant.valid_from.to_string(), "2026-11-20T14:00:00Z");
    assert_eq!(
        fault.sentence(),
        "Microsoft ended this sign-in because the password was reset or the sessions were revoked (AADSTS50173). \
         The sign-in was made on 2026-01-05 08:10 UTC; on 2026-11-20 14:00 UTC everything signed in before was ended. \
         For the owner of the mailbox: Press Sign in again and sign in as the same person."
    );
    for without in
        ["AADSTS50173: revoked", &REVOKED.replace("Z'", "'"), &REVOKED.replace("2026-11", "2026-31")]
    {
        assert_eq!(Fault::entra(&error(without)).extra, None, "{without}");
    }
    let back = Fault::from_record(fault.to_record());
    assert_eq!(back, fault, "the dates survive storage");
}

#[test]
fn what_the_next_sign_in_needs_is_kept_and_what_is_no_such_thing_is_not() {
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
    let of = |claims: &str, url: &str| {
        let error = EntraError {
            status: 400,
            error: "interaction_required".to_owned(),
            claims: Some(claims.to_owned()),
            password_change_url: Some(url.to_owned()),
            ..Default::default()
        };
        Fault::entra(&error).extra.map(|extra| *extra).unwrap_or_default()
    };
    let kept = of(claims, "https://portal.microsoftonline.com/ChangePassword.aspx");
    assert_eq!(kept.claims.as_deref(), Some(claims));
    assert!(kept.password_change_url.is_some());
    for (claims, url) in [
        ("words", "javascript:alert(1)"),
        ("[]", "http://portal.microsoftonline.com/"),
        (r#"{"a":"eyJhbGciOiJSUzI1NiJ9.x"}"#, "https://a.test/\" onload=x"),
    ] {
        assert_eq!(of(claims, url), Extra::default(), "{claims} {url}");
    }
}

#[test]
fn a_return_is_judged_by_the_number_it_begins_with() {
    let of = |error: &str, description: &str| {
        Fault::entra(&EntraError::of_return(error, description, None)).entry.id
    };
    assert_eq!(of("access_denied", "AADSTS90094: Admin consent is required."), "entra.admin_approval");
    assert_eq!(of("access_denied", " AADSTS65004: User declined."), "entra.declined");
    assert_eq!(of("access_denied", "the user said AADSTS90094: no"), "entra.declined");
    assert_eq!(of("server_error", ""), "entra.unavailable");
}

#[test]
fn pages_are_told_from_other_bodies() {
    for page in [
        "<!DOCTYPE html>",
        "  \n<HTML lang=en>",
        "<!-- x --><html>",
        "<?xml version='1.0'?><html xmlns='x'>",
        "<head>",
        "\u{feff}<html>",
    ] {
        assert!(looks_like_a_page(page.as_bytes()), "{page}");
    }
    for other in ["", "{}", "<?xml version='1.0'?><s:Envelope>", "<s:Envelope>", "html", "<Error>no</Error>"]
    {
        assert!(!looks_like_a_page(other.as_bytes()), "{other}");
    }
}
