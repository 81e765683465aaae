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

/// The reference of AADSTS numbers, as it classes them: transient, user, administrator, configuration.
const AADSTS: &[(&str, &[u32])] = &[
    ("T", &[40010, 50033, 50087, 90006, 90012, 90024, 90033, 90090, 90091, 70012, 90055]),
    (
        "UA",
        &[16000, 16003, 50020, 50097, 50129, 50155, 50187, 50158, 50161, 53000, 53001, 53004, 53010, 530_003],
    ),
    ("UA", &[65001, 700_003, 90072, 70043, 50053]),
    (
        "U",
        &[
            500_208, 50055, 50144, 50056, 50126, 50058, 50072, 50074, 50076, 50078, 50079, 50085, 50089,
            50132, 50133,
        ],
    ),
    ("U", &[50173, 50197, 65004, 70000, 70008, 700_082, 9_002_341, 70018, 70019]),
    ("UC", &[50034, 54005]),
    (
        "A",
        &[
            50002, 500_021, 500_022, 500_212, 500_213, 500_341, 50057, 50105, 501_051, 50131, 53002, 53003,
            53011,
        ],
    ),
    ("A", &[530_032, 530_035, 650_052, 7_000_112, 90093, 90094, 90095, 135_011, 1_000_031]),
    (
        "C",
        &[
            50001, 50011, 50013, 500_133, 500_113, 50059, 50128, 90019, 501_481, 50194, 50196, 65002, 65005,
            650_056,
        ],
    ),
    (
        "C",
        &[
            650_057, 650_053, 70002, 7_000_215, 7_000_218, 7_000_222, 700_005, 700_022, 70011, 28002, 28003,
            700_024,
        ],
    ),
    (
        "C",
        &[
            700_025, 700_027, 700_030, 50012, 700_084, 90002, 900_023, 90014, 900_144, 9_002_313, 9_001_023,
            90038,
        ],
    ),
    ("C", &[900_382, 900_432]),
    ("CA", &[500_011, 70001, 700_011, 700_016]),
    (
        "TA",
        &[80001, 80002, 80003, 80004, 80005, 80006, 80007, 80008, 80009, 80010, 80011, 80012, 80013, 80014],
    ),
    // The device code flow: to be asked again.
    ("T", &[70016]),
];

#[test]
fn every_aadsts_number_of_the_reference_has_an_entry_of_its_class() {
    for (classes, numbers) in AADSTS {
        for number in *numbers {
            let error = EntraError {
                status: 400,
                error: "something_new".into(),
                error_codes: vec![*number],
                ..Default::default()
            };
            let fault = Fault::entra(&error);
            let class = match fault.entry.class {
                Class::Transient => 'T',
                Class::SignIn => 'U',
                Class::Administrator => 'A',
                Class::Configuration => 'C',
                Class::Poison => 'P',
            };
            assert!(
                classes.contains(class),
                "AADSTS{number} is {}, {class} instead of {classes}",
                fault.entry.id
            );
            assert_ne!(fault.entry.id, "entra.unknown", "AADSTS{number}");
            assert_eq!(fault.code, format!("AADSTS{number}"));
        }
    }
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

#[test]
fn oauth_errors_without_a_number_have_the_class_of_the_reference() {
    for (status, error, class) in [
        (400, "invalid_grant", Class::SignIn),
        (400, "interaction_required", Class::SignIn),
        (400, "login_required", Class::SignIn),
        (400, "consent_required", Class::Administrator),
        (401, "invalid_client", Class::Configuration),
        (400, "unauthorized_client", Class::Configuration),
        (400, "invalid_resource", Class::Configuration),
        (400, "invalid_scope", Class::Configuration),
        (400, "invalid_request", Class::Configuration),
        (400, "unsupported_grant_type", Class::Configuration),
        (0, "access_denied", Class::SignIn),
        (400, "server_error", Class::Transient),
        (400, "temporarily_unavailable", Class::Transient),
        (429, "", Class::Transient),
        (502, "", Class::Transient),
        (400, "authorization_pending", Class::Transient),
        (400, "expired_token", Class::SignIn),
    ] {
        let told = EntraError { status, error: error.into(), ..Default::default() };
        assert_eq!(Fault::entra(&told).entry.class, class, "{status} {error}");
    }
}

#[test]
fn graph_codes_have_the_class_of_the_reference() {
    let cases: &[(Class, u16, &[&str])] = &[
        (Class::SignIn, 401, &["InvalidAuthenticationToken", "unauthenticated", "UnknownError", ""]),
        (Class::SignIn, 403, &["insufficient_claims"]),
        (Class::Administrator, 403, &["ErrorAccessDenied", "accessDenied", "Authorization_RequestDenied"]),
        (Class::Administrator, 403, &["extensionError", "ErrorSendAsDenied", "MailboxNotEnabledForRESTAPI"]),
        (
            Class::Configuration,
            404,
            &["ErrorNonExistentMailbox", "ErrorInvalidUser", "Request_ResourceNotFound"],
        ),
        (Class::Configuration, 404, &["ErrorFolderNotFound", "ErrorSyncFolderNotFound", "ResourceNotFound"]),
        (Class::Poison, 404, &["ErrorItemNotFound", "itemNotFound"]),
        (
            Class::Poison,
            400,
            &["ErrorInvalidIdMalformed", "ErrorInvalidId", "InefficientFilter", "invalidRequest"],
        ),
        (Class::Poison, 400, &["RequestBroker--ParseUri", "BadRequest", "InvalidInternetMessageHeader"]),
        (
            Class::Poison,
            400,
            &["ErrorInvalidRecipients", "ErrorMissingRecipients", "ErrorMessageSizeExceeded"],
        ),
        (Class::Poison, 400, &["ErrorMimeContentInvalid", "ErrorMimeContentInvalidBase64String"]),
        (Class::Poison, 413, &["RequestEntityTooLarge", ""]),
        (Class::Poison, 400, &["ErrorAttachmentSizeLimitExceeded", "ErrorCannotOpenFileAttachment"]),
        (Class::Administrator, 507, &["ErrorQuotaExceeded", "quotaLimitReached", ""]),
        (
            Class::Administrator,
            400,
            &["ErrorSubmissionQuotaExceeded", "ErrorExceededMessageLimit", "ErrorAccountSuspend"],
        ),
        (Class::Transient, 409, &["ErrorIrresolvableConflict", "ErrorStaleObject", "resourceModified", ""]),
        (Class::Configuration, 409, &["ErrorFolderExists", "nameAlreadyExists"]),
        (
            Class::Transient,
            429,
            &["ApplicationThrottled", "TooManyRequests", "activityLimitReached", "throttledRequest"],
        ),
        (
            Class::Transient,
            503,
            &["ErrorServerBusy", "serviceNotAvailable", "ServiceUnavailable", "MailboxInfoStale"],
        ),
        (
            Class::Transient,
            500,
            &["ErrorMailboxMoveInProgress", "ErrorMailboxFailover", "ErrorMailboxStoreUnavailable"],
        ),
        (
            Class::Transient,
            500,
            &["ErrorConnectionFailed", "ErrorInternalServerTransientError", "ErrorTimeoutExpired"],
        ),
        (Class::Transient, 504, &["GatewayTimeout", "UnknownError", "generalException"]),
        (Class::Poison, 500, &["ErrorCorruptData", "ErrorItemCorrupt", "ErrorContentConversionFailed"]),
        (Class::Poison, 500, &["ErrorMimeContentConversionFailed"]),
        (Class::Transient, 410, &["syncStateNotFound", "syncStateInvalid", "resyncRequired", ""]),
    ];
    for (class, status, codes) in cases {
        for code in *codes {
            let fault = Fault::graph(&GraphAnswer { status: *status, codes: &[code], ..Default::default() });
            assert_eq!(fault.entry.class, *class, "{status} {code} is {}", fault.entry.id);
        }
    }
}

#[test]
fn exchange_web_services_say_why_they_are_closed() {
    let of = |status, code, policy_reason, diagnostics| {
        Fault::ews(&EwsAnswer { status, code, policy_reason, diagnostics, ..Default::default() }).entry.id
    };
    let disabled = "EWS is disabled for this user or tenant";
    let blocked = "EWS is blocked by policy for this user or tenant";
    assert_eq!(of(403, "", Some(disabled), None), "ews.disabled");
    assert_eq!(of(403, "", Some(blocked), None), "ews.not_allowed");
    let audience =
        "2000003;reason=\"The audience claim value is invalid 'aud'.\";error_category=\"invalid_resource\"";
    assert_eq!(of(401, "", None, Some(audience)), "ews.audience");
    assert_eq!(of(401, "", None, None), "graph.token");
    assert_eq!(of(200, "ErrorServerBusy", None, None), "graph.throttled");
    assert_eq!(of(200, "ErrorItemNotFound", None, None), "graph.item_gone");
    assert_eq!(of(500, "ErrorImpersonateUserDenied", None, None), "ews.impersonation");
    assert_eq!(of(200, "ErrorInvalidSyncStateData", None, None), "graph.place_forgotten");
    assert_eq!(of(302, "", None, None), "ews.redirected");
    assert_eq!(of(503, "ErrorSomethingNew", None, None), "graph.unavailable");
}

#[test]
fn the_catalogue_reads_well() {
    use std::fmt::Write as _;
    let mut list = String::new();
    for entry in catalogue() {
        let (class, who) = (format!("{:?}", entry.class), format!("{:?}", entry.who));
        let _ = writeln!(list, "{} ({class}, {who})\n  {}.\n  {}", entry.id, entry.cause, entry.mend);
        if let Some(link) = entry.link {
            let _ = writeln!(list, "  {link}");
        }
    }
    insta::assert_snapshot!("catalogue", list);
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

#[test]
fn what_helps_survives_in_a_detail() {
    let said = "AADSTS50173: revoked. Trace ID: 0b8a1f4e-0000-4000-8000-000000000000, status code: 400";
    assert_eq!(scrub(said), said);
    assert!(scrub(&"word ".repeat(1_000)).chars().count() <= 601);
    assert_eq!(scrub("a\r\n\tb"), "a b");
}

#[test]
fn what_passes_is_tried_soon_and_what_needs_a_person_slowly() {
    let wait = Some(Duration::from_secs(7));
    let throttled = Fault::graph(&GraphAnswer { status: 429, retry_after: wait, ..Default::default() });
    assert_eq!(throttled.retries(), Retry::Soon(wait));
    assert_eq!(Fault::own("own.not_signed_in", "").retries(), Retry::Slowly);
    assert_eq!(Fault::own("graph.corrupt_item", "").retries(), Retry::Never);
}
