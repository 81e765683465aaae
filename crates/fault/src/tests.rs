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
    }
    assert!(ids.len() >= 30);
}

#[test]
fn aadsts_numbers_have_the_class_of_the_reference() {
    let cases: &[(Class, &[u32])] = &[
        (Class::Transient, &[40010, 50033, 50087, 90006, 90012, 90024, 90033, 90090, 90091, 70012, 90055]),
        (
            Class::SignIn,
            &[50173, 70000, 70008, 700082, 50058, 50076, 50079, 50132, 50133, 70043, 50126, 65004, 700003],
        ),
        (Class::Administrator, &[65001, 90094, 90095, 50105, 53003, 50057, 7000112, 500021, 530032, 135011]),
        (
            Class::Configuration,
            &[50011, 50194, 700016, 7000215, 7000222, 70011, 90002, 700024, 501481, 50196],
        ),
    ];
    for (class, numbers) in cases {
        for number in *numbers {
            let error = EntraError {
                status: 400,
                error: "invalid_grant".into(),
                error_codes: vec![*number],
                ..Default::default()
            };
            let fault = Fault::entra(&error);
            assert_eq!(fault.entry.class, *class, "AADSTS{number} is {}", fault.entry.id);
            assert_eq!(fault.code, format!("AADSTS{number}"));
        }
    }
}

#[test]
fn an_unknown_number_is_judged_by_the_oauth_error() {
    let error = EntraError {
        status: 400,
        error: "invalid_grant".into(),
        error_codes: vec![999_999],
        ..Default::default()
    };
    let fault = Fault::entra(&error);
    assert_eq!((fault.entry.class, fault.code.as_str()), (Class::SignIn, "AADSTS999999"));
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
        (401, r#"{"code":401,"message":"Unauthorized; scope does not match"}"#, "jira.scope"),
        (401, "Client must be authenticated to access this resource.", "jira.token"),
        (503, "<html><body>down</body></html>", "jira.unavailable"),
        (429, "", "jira.throttled"),
    ];
    for (status, body, id) in cases {
        assert_eq!(of(status, body).entry.id, id, "{status} {body}");
    }
    assert!(of(400, r#"{"errors":{"summary":"too long"}}"#).detail.contains("summary: too long"));
}

#[test]
fn graph_codes_are_compared_without_letter_case() {
    let of =
        |status, code| Fault::graph(&GraphAnswer { status, codes: &[code], ..Default::default() }).entry.id;
    assert_eq!(of(404, "errorITEMnotfound"), "graph.item_gone");
    assert_eq!(of(429, "ApplicationThrottled"), "graph.throttled");
    assert_eq!(of(403, "UnknownError"), "graph.access_denied");
    assert_eq!(of(503, "somethingNew"), "graph.unavailable");
}

#[test]
fn no_secret_survives_in_a_detail() {
    for secret in [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "Authorization: Bearer abcdefgh12345678",
        "client_secret=canary-value",
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
    };
    assert_eq!(Fault::from_record(unknown).code, "future.thing");
}

#[test]
fn a_sentence_says_what_happened_who_acts_and_how() {
    let error = EntraError { status: 400, error_codes: vec![50173], ..Default::default() };
    assert_eq!(
        Fault::entra(&error).sentence(),
        "Microsoft ended this sign-in because the password was reset or the sessions were revoked (AADSTS50173). \
         For the owner of the mailbox: Sign in again."
    );
}
