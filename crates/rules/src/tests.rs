use mail::{Attachment, ImageSource};

use crate::*;

fn facts() -> Facts {
    Facts {
        destination: Destination {
            project_key: "SUP".into(),
            issue_type_id: "10001".into(),
            issue_type_name: "Task".into(),
        },
        parents: Vec::new(),
        upload_limit: Some(1000),
        body_is_cut: false,
        source: Origin::default(),
        received: Received::default(),
        projects: Vec::new(),
        threads: ThreadFacts::default(),
    }
}

fn decided(source: &str, facts: &Facts) -> (mail::Mail, Decision) {
    let mail = mail::parse(source.as_bytes()).expect("readable");
    let rich = mail.rich();
    let decision = decide(&mail, &rich, &Profile::standard(), facts);
    (mail, decision)
}

const PLAIN: &str = "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: Printer on fire\r\n\
    Message-ID: <1@example.org>\r\nIn-Reply-To: <0@example.org>\r\n\r\nIt burns.\r\n";

#[test]
fn a_mail_that_answers_nothing_known_becomes_an_issue() {
    let (_, decision) = decided(PLAIN, &facts());
    assert_eq!(decision.plan.outcome, Outcome::Issue);
    assert_eq!(
        decision.plan.steps,
        [Step::CreateIssue {
            project_key: "SUP".into(),
            issue_type_id: "10001".into(),
            summary: "Printer on fire".into(),
            fields: Vec::new(),
        }]
    );
    assert!(decision.trace.lines.iter().any(|line| line.rule == "new-issue" && line.matched));
}

#[test]
fn a_reply_to_a_known_mail_becomes_a_comment_in_the_nearest_parents_issue() {
    let mut facts = facts();
    facts.parents = vec![
        Parent { message_id: "0@example.org".into(), end: ParentEnd::NoIssue, reused: false },
        Parent {
            message_id: "00@example.org".into(),
            end: ParentEnd::Issue { id: "10007".into(), key: "SUP-7".into() },
            reused: false,
        },
    ];
    let (_, decision) = decided(PLAIN, &facts);
    assert_eq!(
        decision.plan.outcome,
        Outcome::Comment { issue_id: "10007".into(), issue_key: "SUP-7".into() }
    );
    assert_eq!(decision.plan.steps, [Step::AddComment]);
}

#[test]
fn a_deleted_issue_never_swallows_a_mail() {
    let mut facts = facts();
    facts.parents = vec![Parent {
        message_id: "0@example.org".into(),
        end: ParentEnd::IssueGone { key: "SUP-7".into() },
        reused: false,
    }];
    let (_, decision) = decided(PLAIN, &facts);
    assert_eq!(decision.plan.outcome, Outcome::Issue);
    assert!(
        decision.trace.lines.iter().any(|line| line.why.contains("SUP-7") && line.why.contains("deleted"))
    );
}

#[test]
fn automatic_mail_is_ignored_by_a_named_rule_even_when_it_answers_a_known_mail() {
    let mut facts = facts();
    facts.parents = vec![Parent {
        message_id: "0@example.org".into(),
        end: ParentEnd::Issue { id: "1".into(), key: "SUP-1".into() },
        reused: false,
    }];
    let source = PLAIN.replacen("Subject:", "Auto-Submitted: auto-replied\r\nSubject:", 1);
    let (_, decision) = decided(&source, &facts);
    let Outcome::Ignored { rule, reason } = decision.plan.outcome else { panic!("{decision:?}") };
    assert!(["auto-submitted", "out-of-office"].contains(&rule.as_str()), "{rule}");
    assert!(reason.contains("Auto-Submitted"), "{reason}");
    assert_eq!(decision.plan.steps, []);
}

fn with_files(mut mail: mail::Mail, sizes: &[(&str, u64)]) -> mail::Mail {
    for (name, size) in sizes {
        mail.attachments.push(Attachment {
            name: (*name).to_owned(),
            content_type: "image/png".into(),
            content_id: Some(format!("{name}@x")),
            inline: true,
            size: *size,
            sha256: format!("{name:a<64}"),
            content: Vec::new().into(),
        });
    }
    mail
}

#[test]
fn equal_files_have_slots_of_their_own_and_too_large_ones_are_said() {
    let (mail, _) = decided(PLAIN, &facts());
    let mail = with_files(mail, &[("a", 10), ("a", 10), ("big", 5000)]);
    let decision = decide(&mail, &mail.rich(), &Profile::standard(), &facts());
    let slots: Vec<(String, u32)> = decision
        .plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Attach(attach) => Some((attach.name.clone(), attach.n)),
            _ => None,
        })
        .collect();
    assert_eq!(slots, [("a".to_owned(), 0), ("a".to_owned(), 1)]);
    assert!(decision.trace.lines.iter().any(|line| line.why.contains("`big` has 5000 bytes")));
}

#[test]
fn inline_images_are_shown_after_their_files_are_there() {
    let (mut mail, _) = decided(PLAIN, &facts());
    mail.html = Some("<p>look: <img src=\"cid:a@x\" width=40 height=40></p>".into());
    let mail = with_files(mail, &[("a", 10)]);
    let rich = mail.rich();
    assert!(rich.images().iter().any(|image| image.source == ImageSource::Cid("a@x".into())));
    let decision = decide(&mail, &rich, &Profile::standard(), &facts());
    assert_eq!(decision.plan.steps.last(), Some(&Step::ShowImages));
    assert_eq!(decision.plan.steps.len(), 3);
}

#[test]
fn a_cut_body_is_attached_whole() {
    let mut facts = facts();
    facts.body_is_cut = true;
    let (_, decision) = decided(PLAIN, &facts);
    assert!(
        decision
            .plan
            .steps
            .iter()
            .any(|s| matches!(s, Step::Attach(a) if a.part == Part::Body && a.name == "mail.txt"))
    );
}

#[test]
fn plans_survive_storage() {
    let (_, decision) = decided(PLAIN, &facts());
    let text = serde_json::to_string(&decision).expect("serialises");
    assert_eq!(serde_json::from_str::<Decision>(&text).expect("reads back"), decision);
}
