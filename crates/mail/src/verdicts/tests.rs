//! Each rule, with the mail it is for and the mail it must leave alone.

use rstest::rstest;

use super::*;

fn verdict(from: &str, fields: &[(&str, &str)]) -> Option<(&'static str, String)> {
    let headers: Vec<Header> =
        fields.iter().map(|(name, value)| Header { name: (*name).into(), value: (*value).into() }).collect();
    let from = Address::new(None, from);
    automatic(&headers, from.as_ref()).map(|a| (a.rule(), a.evidence.name))
}

#[rstest]
#[case::rfc_3834(&[("Auto-Submitted", "auto-generated")], "auto-submitted", "Auto-Submitted")]
#[case::rfc_3834_reply(&[("Auto-Submitted", "auto-replied (vacation); owner-email=\"a@b\"")], "auto-submitted", "Auto-Submitted")]
#[case::exchange_absence(&[("Subject", "Automatic reply: Hello"), ("Auto-Submitted", "auto-replied")], "out-of-office", "Subject")]
#[case::absence_with_null_path(&[("Return-Path", "<>"), ("Subject", "Out of Office: x"), ("Auto-Submitted", "auto-replied")], "out-of-office", "Subject")]
#[case::inbox_rule(&[("X-MS-Exchange-Inbox-Rules-Loop", "a@b"), ("Auto-Submitted", "auto-generated")], "out-of-office", "X-MS-Exchange-Inbox-Rules-Loop")]
#[case::bounce(&[("Content-Type", "multipart/report; report-type=delivery-status; boundary=x")], "bounce", "Content-Type")]
#[case::bounce_quoted(&[("Content-Type", "Multipart/Report; boundary=x; Report-Type = \"delivery-status\"")], "bounce", "Content-Type")]
#[case::null_path(&[("Return-Path", "<>"), ("Subject", "x")], "bounce", "Return-Path")]
#[case::failed_recipients(&[("X-Failed-Recipients", "a@b")], "bounce", "X-Failed-Recipients")]
#[case::receipt(&[("Content-Type", "multipart/report; report-type=disposition-notification")], "read-receipt", "Content-Type")]
#[case::receipt_with_null_path(&[("Return-Path", "<>"), ("Content-Type", "multipart/report; report-type=disposition-notification")], "read-receipt", "Content-Type")]
#[case::list_id(&[("List-Id", "<dev.lists.example>")], "mailing-list", "List-Id")]
#[case::list_post(&[("List-Post", "<mailto:dev@lists.example>")], "mailing-list", "List-Post")]
#[case::precedence_list(&[("Precedence", "list")], "mailing-list", "Precedence")]
#[case::bulk(&[("Precedence", "Bulk")], "bulk", "Precedence")]
#[case::junk(&[("Precedence", "junk")], "bulk", "Precedence")]
#[case::autoreply(&[("X-Autoreply", "yes")], "auto-submitted", "X-Autoreply")]
#[case::autorespond(&[("X-Autorespond", "Re: x")], "auto-submitted", "X-Autorespond")]
#[case::own(&[("X-Postroom-Op", "abc"), ("Auto-Submitted", "auto-replied")], "own-mail", "X-Postroom-Op")]
fn a_machine_is_known(#[case] fields: &[(&str, &str)], #[case] rule: &str, #[case] evidence: &str) {
    let found = verdict("anna@x.example", fields).expect("a verdict");
    assert_eq!((found.0, found.1.as_str()), (rule, evidence));
}

#[rstest]
#[case::says_no(&[("Auto-Submitted", "no")])]
#[case::says_no_with_comment(&[("Auto-Submitted", "No (a person)")])]
#[case::suppress_is_a_wish(&[("X-Auto-Response-Suppress", "All")])]
#[case::unsubscribe_alone(&[("List-Unsubscribe", "<mailto:x@y>")])]
#[case::priority(&[("Precedence", "first-class")])]
#[case::real_path(&[("Return-Path", "<anna@x.example>")])]
#[case::subject_alone(&[("Subject", "Out of office next week, who takes over")])]
#[case::other_report(&[("Content-Type", "multipart/report; boundary=x")])]
#[case::nothing(&[])]
fn a_person_is_left_alone(#[case] fields: &[(&str, &str)]) {
    assert_eq!(verdict("anna@x.example", fields), None);
}

#[test]
fn a_postmaster_is_a_machine_only_with_evidence() {
    assert_eq!(verdict("postmaster@x.example", &[("Subject", "Please check your DNS")]), None);
    let failure = verdict("MAILER-DAEMON@x.example", &[("Subject", "Undeliverable: Hello")]);
    assert_eq!(failure, Some(("bounce", "Subject".into())));
    let generated = verdict("postmaster@x.example", &[("Auto-Submitted", "auto-generated")]);
    assert_eq!(generated, Some(("bounce", "Auto-Submitted".into())));
    assert_eq!(verdict("anna@x.example", &[("Subject", "Undeliverable: Hello")]), None);
}

#[test]
fn every_rule_has_its_own_id() {
    let ids: std::collections::HashSet<&str> = Reason::ALL.into_iter().map(Reason::rule).collect();
    assert_eq!(ids.len(), Reason::ALL.len());
}
