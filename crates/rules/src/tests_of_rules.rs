//! What rules do to a mail, asserted on plan and trace.

use serde_json::json;

use crate::*;

const MAIL: &str = "From: Ada <ada@example.org>\r\nTo: support+Bill@contoso.test\r\nSubject: Invoice overdue\r\n\
    Message-ID: <1@example.org>\r\n\r\nPlease pay.\r\n";

fn field(id: &str, name: &str, kind: FieldKind, allowed: &[(&str, &str)]) -> FieldFacts {
    let allowed =
        allowed.iter().map(|(id, name)| Allowed { id: (*id).into(), name: (*name).into() }).collect();
    FieldFacts { id: id.into(), name: name.into(), required: false, kind, allowed }
}

fn facts() -> Facts {
    let fields = vec![
        field("priority", "Priority", FieldKind::Option, &[("1", "Highest"), ("2", "High"), ("3", "Medium")]),
        field("labels", "Labels", FieldKind::Labels, &[]),
        field("components", "Components", FieldKind::Options, &[("10", "Web"), ("11", "Print")]),
        field("security", "Security Level", FieldKind::Option, &[("5", "Staff")]),
        field("customfield_1", "Customer number", FieldKind::Text, &[]),
        field("customfield_2", "Hours", FieldKind::Number, &[]),
        field("customfield_3", "Due", FieldKind::Date, &[]),
        field("customfield_4", "Notes", FieldKind::Document, &[]),
        field("customfield_5", "Owner", FieldKind::Other, &[]),
        field("customfield_6", "Twin", FieldKind::Text, &[]),
        field("customfield_7", "Twin", FieldKind::Text, &[]),
    ];
    let kind = |id: &str, name: &str| IssueType { id: id.into(), name: name.into(), fields: fields.clone() };
    Facts {
        destination: Destination {
            project_key: "SUP".into(),
            issue_type_id: "10001".into(),
            issue_type_name: "Task".into(),
        },
        parents: Vec::new(),
        upload_limit: None,
        body_is_cut: false,
        source: Origin {
            name: "Support".into(),
            mailbox: "support@contoso.test".into(),
            folder: "Inbox".into(),
        },
        received: Received::default(),
        projects: vec![
            Project { key: "SUP".into(), issue_types: vec![kind("10001", "Task"), kind("10002", "Bug")] },
            Project { key: "BILL".into(), issue_types: vec![kind("20001", "Story"), kind("20002", "Task")] },
        ],
        threads: ThreadFacts::default(),
    }
}

fn decided_with(rules: &str, facts: &Facts) -> Decision {
    let profile = Profile::parse(&format!("profile = \"p\"\n{rules}"))
        .unwrap_or_else(|refusals| panic!("{refusals:#?}"));
    let mail = mail::parse(MAIL.as_bytes()).expect("readable");
    decide(&mail, &mail.rich(), &profile, facts)
}

fn decided(rules: &str) -> Decision {
    decided_with(rules, &facts())
}

fn issue(decision: &Decision) -> (&str, &str, &str, Vec<(&str, serde_json::Value)>) {
    let Some(Step::CreateIssue { project_key, issue_type_id, summary, fields }) = decision.plan.steps.first()
    else {
        panic!("no issue: {decision:#?}")
    };
    let fields = fields
        .iter()
        .map(|field| {
            let value = match &field.value {
                FieldValue::Json(value) => value.clone(),
                FieldValue::Document(text) => json!({ "document": text }),
            };
            (field.id.as_str(), value)
        })
        .collect();
    (project_key, issue_type_id, summary, fields)
}

fn trace(decision: &Decision, rule: &str) -> (bool, String) {
    let line = decision.trace.lines.iter().find(|line| line.rule == rule);
    line.map_or_else(|| panic!("{rule}: {decision:#?}"), |line| (line.matched, line.why.clone()))
}

fn held(decision: &Decision) -> &str {
    match &decision.plan.outcome {
        Outcome::Held { reason } => reason,
        other => panic!("not held: {other:?}"),
    }
}

/// Promise: rules are asked in order, a later value takes the place of an earlier one, labels and components add up, and
/// `stop` ends the asking; the trace has each rule with what it did.
#[test]
fn rules_set_what_a_new_issue_gets() {
    let decision = decided(
        r#"
[[rule]]
name = "all"
priority = "Medium"
labels = ["mail"]
components = ["web"]
[[rule]]
name = "invoices"
when = 'mail.subject.mentions("invoice")'
issue_type = "bug"
summary = "{{ mail.from.name }}: {{ mail.subject }}"
priority = "high"
labels = ["from {{ mail.from.domain }}", "mail"]
components = ["11"]
security_level = "Staff"
stop = true
[rule.fields]
"customer number" = "{{ mail.from.local }}"
Hours = 1.5
Due = "2026-12-24"
customfield_4 = "a\nb"
[[rule]]
name = "never asked"
hold = "no"
"#,
    );
    let (project, kind, summary, fields) = issue(&decision);
    assert_eq!((project, kind, summary), ("SUP", "10002", "Ada: Invoice overdue"));
    let mut fields = fields;
    fields.sort_by_key(|(id, _)| (*id).to_owned());
    assert_eq!(
        fields,
        [
            ("components", json!([{ "id": "10" }, { "id": "11" }])),
            ("customfield_1", json!("ada")),
            ("customfield_2", json!(1.5)),
            ("customfield_3", json!("2026-12-24")),
            ("customfield_4", json!({ "document": "a\nb" })),
            ("labels", json!(["mail", "from-example.org"])),
            ("priority", json!({ "id": "2" })),
            ("security", json!({ "id": "5" })),
        ]
    );
    assert_eq!(trace(&decision, "all"), (true, "sets priority, labels, components".to_owned()));
    assert!(trace(&decision, "invoices").1.ends_with("no further rule is asked"));
    assert!(!decision.trace.lines.iter().any(|line| line.rule == "never asked"));
    assert_eq!(trace(&decision, "new-issue").1, "becomes a Bug in SUP");
    assert_eq!(decision.plan.format(), 2);
}

/// Promise: people route by the plus part of the address; an address without one stays in the source's own project.
#[test]
fn a_plus_part_names_the_project() {
    let rule = "[[rule]]\nproject = '{{ tag }}'";
    let decision = decided(rule);
    assert_eq!(issue(&decision).0, "BILL");
    assert_eq!(issue(&decision).1, "20002", "the type of the same name");
    let mut elsewhere = facts();
    elsewhere.source.mailbox = "other@contoso.test".into();
    assert_eq!(issue(&decided_with(rule, &elsewhere)).0, "SUP");
    assert_eq!(decision.plan.format(), 1);
}

/// Promise: a rule ends a mail with its reason on record; one that does not hold is in the trace as well.
#[test]
fn rules_ignore_and_hold() {
    let decision = decided(
        "[[rule]]\nname = 'not'\nwhen = 'mail.is_answer'\nhold = 'x'\n[[rule]]\nname = 'bills'\nwhen = 'mail.subject.contains(\"Invoice\")'\nignore = 'a bill of {{ mail.from.address }}'",
    );
    assert_eq!(
        decision.plan.outcome,
        Outcome::Ignored { rule: "bills".into(), reason: "a bill of ada@example.org".into() }
    );
    assert!(decision.plan.steps.is_empty());
    assert_eq!(trace(&decision, "not"), (false, "its condition does not hold".to_owned()));
    let decision = decided("[[rule]]\nname = 'look'\nhold = 'somebody looks'");
    assert_eq!(held(&decision), "rule `look`: somebody looks");
}

/// Promise: a rule that stopped working holds the mail and names profile, rule, line and mend; nothing is guessed.
#[test]
fn a_rule_that_cannot_work_holds_the_mail() {
    for (rule, why) in [
        ("priority = 'Hihg'", "did you mean `High`"),
        ("priority = 'Purple'", "it takes `Highest`, `High`, `Medium`"),
        ("issue_type = 'Epic'", "there are `Task`, `Bug`"),
        ("project = 'NOPE'", "no project `NOPE`"),
        ("fields = { 'Custmer number' = 'x' }", "did you mean `Customer number`"),
        ("fields = { Twin = 'x' }", "`customfield_6` or `customfield_7`"),
        ("fields = { Owner = 'x' }", "cannot set yet"),
        ("fields = { Hours = 'many' }", "takes a number"),
        ("fields = { Due = 'soon' }", "takes a day"),
        ("when = 'mail.attachments[0].size > 3'\nstop = true", "no entry"),
        ("summary = '{{ mail.to[4].address }}'", "not there"),
        (
            "summary = '{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}'",
            "steps",
        ),
    ] {
        let decision = decided(&format!("[[rule]]\nname = 'r'\n{rule}"));
        let reason = held(&decision);
        assert!(reason.starts_with("profile p, rule `r` (line 2): "), "{reason}");
        assert!(reason.contains(why), "{rule}: {reason}");
        assert!(trace(&decision, "r").0);
    }
}

/// Promise: what a rule sets is for new issues; a reply still becomes a comment, and rules may end it.
#[test]
fn a_reply_stays_a_reply() {
    let mut facts = facts();
    facts.parents = vec![Parent {
        message_id: "0@example.org".into(),
        end: ParentEnd::Issue { id: "7".into(), key: "SUP-7".into() },
        reused: false,
    }];
    let decision = decided_with("[[rule]]\nname = 'r'\npriority = 'Purple'", &facts);
    assert_eq!(decision.plan.steps, [Step::AddComment]);
    assert_eq!(trace(&decision, "r"), (true, "the mail joins an issue that is there".to_owned()));
    let decision = decided_with("[[rule]]\nwhen = 'issue.key == \"SUP-7\"'\nhold = 'that one'", &facts);
    assert_eq!(held(&decision), "rule `rule 1`: that one");
}

/// Promise: what a mail says is data: placeholders in it are not looked at.
#[test]
fn a_mail_is_never_a_template() {
    let profile = Profile::parse("profile = 'p'\n[[rule]]\nsummary = '{{ mail.subject }}'").expect("read");
    let source = MAIL.replace("Invoice overdue", "{{ mail.from.address }} {% raise %}");
    let mail = mail::parse(source.as_bytes()).expect("readable");
    let decision = decide(&mail, &mail.rich(), &profile, &facts());
    assert_eq!(issue(&decision).2, "{{ mail.from.address }} {% raise %}");
}

/// Promise: every name that the vocabulary explains has a value, and every value has its explanation.
#[test]
fn the_vocabulary_is_what_a_mail_has() {
    let source = MAIL.replace(
        "Message-ID",
        "Cc: a@b.example\r\nReply-To: c@d.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nMessage-ID",
    ) + "--b\r\n\r\nx\r\n--b\r\nContent-Disposition: attachment; filename=a.PDF\r\n\r\nx\r\n--b--\r\n";
    let mail = mail::parse(source.as_bytes()).expect("readable");
    let view = view::View::of(&mail, &mail.rich(), &facts().source, &Received::default(), &Outcome::Issue);
    let values = serde_json::to_value(&view).expect("JSON");
    check(&values, vocabulary::Kind::Object(vocabulary::VARIABLES), "");
}

fn check(value: &serde_json::Value, kind: vocabulary::Kind, place: &str) {
    use vocabulary::Kind;
    match kind {
        Kind::Bool => assert!(value.is_boolean(), "{place}"),
        Kind::Number => assert!(value.is_i64(), "{place}"),
        Kind::Text => assert!(value.is_string(), "{place}"),
        Kind::Any => {}
        Kind::List(entry) => {
            let entries = value.as_array().unwrap_or_else(|| panic!("{place}"));
            assert!(!entries.is_empty(), "{place} is shown with an entry");
            for one in entries {
                check(one, *entry, &format!("{place}[]"));
            }
        }
        Kind::Object(fields) => {
            let object = value.as_object().unwrap_or_else(|| panic!("{place}"));
            let mut known: Vec<&str> = fields.iter().map(|field| field.name).collect();
            known.sort_unstable();
            let mut there: Vec<&str> = object.keys().map(String::as_str).collect();
            there.sort_unstable();
            assert_eq!(known, there, "{place}");
            for field in fields {
                check(&object[field.name], field.kind, &format!("{place}.{}", field.name));
            }
        }
    }
}
