//! How a mail finds its issue: each way and each trap, asserted on plan and trace.

use jiff::Timestamp;
use mail::{Trust, TrustClass};
use proptest::prelude::*;

use crate::threads::*;
use crate::*;

const FRESH: &str = "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: Printer on fire\r\n\
    Message-ID: <1@example.org>\r\n\r\nIt burns.\r\n";
const REPLY: &str = "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: Re: Printer on fire\r\n\
    Message-ID: <1@example.org>\r\nIn-Reply-To: <0@example.org>\r\n\r\nStill.\r\n";

fn facts() -> Facts {
    Facts {
        destination: Destination {
            project_key: "SUP".into(),
            issue_type_id: "10001".into(),
            issue_type_name: "Task".into(),
        },
        parents: Vec::new(),
        upload_limit: None,
        body_is_cut: false,
        source: Origin::default(),
        received: Received::default(),
        projects: Vec::new(),
        threads: ThreadFacts { received_at: Some(at(40)), ..ThreadFacts::default() },
    }
}

/// Noon of a day, counted.
fn at(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400 + 43_200).expect("in range")
}

fn profile(threads: &str) -> Profile {
    Profile::parse(&format!("profile = \"p\"\n{threads}")).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// A mail of a sender of this class.
fn read(source: &str, class: TrustClass) -> mail::Mail {
    let mut mail = mail::parse(source.as_bytes()).expect("readable");
    mail.verdicts.trust = Trust { class, why: "as the test says".into(), ..Trust::default() };
    mail
}

fn decided(source: &str, threads: &str, facts: &Facts) -> Decision {
    decided_from(TrustClass::Verified, source, threads, facts)
}

fn decided_from(class: TrustClass, source: &str, threads: &str, facts: &Facts) -> Decision {
    let mail = read(source, class);
    let profile = profile(threads);
    assert_eq!(question(&mail, &profile, facts), None, "everything is known");
    decide(&mail, &mail.rich(), &profile, facts)
}

fn asked(source: &str, threads: &str, facts: &Facts) -> Option<Question> {
    let mail = read(source, TrustClass::Verified);
    question(&mail, &profile(threads), facts)
}

fn issue(id: &str, key: &str, done: Option<i64>) -> Issue {
    let (status, status_id) = if done.is_some() { ("Done", "5") } else { ("To Do", "1") };
    Issue {
        id: id.into(),
        key: key.into(),
        status: status.into(),
        status_id: status_id.into(),
        is_done: done.is_some(),
        created: Some(Timestamp::from_millisecond(1_600_000_000_123).expect("in range")),
        done_at: done.map(at),
    }
}

fn comment(id: &str, key: &str) -> Outcome {
    Outcome::Comment { issue_id: id.into(), issue_key: key.into() }
}

fn parent(id: &str, key: &str) -> Parent {
    Parent {
        message_id: "0@example.org".into(),
        end: ParentEnd::Issue { id: id.into(), key: key.into() },
        reused: false,
    }
}

fn kin(tie: Tie, key: &str) -> Kin {
    let end = ParentEnd::Issue { id: format!("id-{key}"), key: key.into() };
    Kin { tie, end, same_topic: true, acquainted: true, same_sender: true }
}

#[track_caller]
fn says(decision: &Decision, rule: &str, matched: bool, words: &str) {
    let said: Vec<&TraceLine> = decision.trace.lines.iter().filter(|line| line.rule == rule).collect();
    assert!(
        said.iter().any(|line| line.matched == matched && line.why.contains(words)),
        "{rule} should say {matched} {words}: {said:#?}"
    );
}

/// Promise: each way is in the trace, in the order in which it was tried.
#[test]
fn every_way_is_in_the_trace() {
    let decision = decided(FRESH, "", &facts());
    assert_eq!(decision.plan.outcome, Outcome::Issue);
    let rules: Vec<&str> = decision.trace.lines.iter().map(|line| line.rule.as_str()).collect();
    assert_eq!(
        rules,
        [
            "sender",
            "automatic-mail",
            "our-token",
            "reply-to-known-mail",
            "same-conversation",
            "issue-key",
            "new-issue"
        ]
    );
}

mod tokens {
    use super::*;

    fn with(issue: Option<&str>) -> Facts {
        let mut facts = facts();
        facts.threads.tokens = vec![Token { place: TokenPlace::InReplyTo, issue: issue.map(Into::into) }];
        facts
    }

    /// Promise: a token that was not signed here is refused, and the trace says so.
    #[test]
    fn a_forged_token_counts_for_nothing() {
        let decision = decided(REPLY, "", &with(None));
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        says(&decision, "our-token", false, "a token in In-Reply-To has not been signed here");
        // What else the mail names counts as before.
        let mut facts = with(None);
        facts.parents = vec![parent("7", "SUP-7")];
        assert_eq!(decided(REPLY, "", &facts).plan.outcome, comment("7", "SUP-7"));
    }

    /// Promise: our own token leads to its issue before everything else, whoever sent the mail and wherever the issue is by now.
    #[test]
    fn our_token_leads_to_its_issue() {
        let mut facts = with(Some("10007"));
        facts.parents = vec![parent("8", "SUP-8")];
        assert_eq!(asked(REPLY, "", &facts), Some(Question::Issue("10007".into())));
        facts.threads.known = vec![Known::Issue("10007".into(), Some(issue("10007", "BILL-3", None)))];
        let decision = decided_from(TrustClass::Failed, REPLY, "", &facts);
        assert_eq!(decision.plan.outcome, comment("10007", "BILL-3"));
        says(&decision, "our-token", true, "names BILL-3");
    }

    #[test]
    fn a_token_of_a_deleted_issue_swallows_nothing() {
        let mut facts = with(Some("10007"));
        facts.threads.known = vec![Known::Issue("10007".into(), None)];
        let decision = decided(REPLY, "", &facts);
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        says(&decision, "our-token", false, "deleted or hidden");
        // The same where a comment found it out.
        facts.threads.known = vec![Known::Issue("10007".into(), Some(issue("10007", "SUP-7", None)))];
        facts.threads.gone = Some("10007".into());
        assert_eq!(decided(REPLY, "", &facts).plan.outcome, Outcome::Issue);
    }
}

#[test]
fn a_message_id_that_others_use_too_is_told() {
    let mut facts = facts();
    facts.parents = vec![Parent { reused: true, ..parent("7", "SUP-7") }];
    let decision = decided(REPLY, "", &facts);
    assert_eq!(decision.plan.outcome, comment("7", "SUP-7"));
    says(&decision, "reply-to-known-mail", false, "mails of several senders");
}

mod conversations {
    use super::*;

    fn with(kin: Vec<Kin>) -> Facts {
        let mut facts = facts();
        facts.threads.kin = kin;
        facts
    }

    /// Promise: people who answer each other with the mailbox in Cc before there is a key end up in one issue.
    #[test]
    fn mails_of_one_conversation_are_in_one_issue() {
        for (tie, words) in [
            (Tie::AnswersThis, "a mail that answers this one is in SUP-7"),
            (Tie::SameAncestor, "answers the same one as this is in SUP-7"),
            (Tie::Conversation, "same conversation of the mailbox is in SUP-7"),
        ] {
            let decision = decided(REPLY, "", &with(vec![kin(tie, "SUP-7")]));
            assert_eq!(decision.plan.outcome, comment("id-SUP-7", "SUP-7"), "{tie:?}");
            says(&decision, "same-conversation", true, words);
        }
    }

    /// Promise: a conversation that goes on under another subject is a new issue, and so is what a mailbox merely groups.
    #[test]
    fn what_only_looks_like_a_conversation_is_a_new_issue() {
        let other_topic = |tie| Kin { same_topic: false, ..kin(tie, "SUP-7") };
        let stranger = |tie| Kin { acquainted: false, ..kin(tie, "SUP-7") };
        for tie in [Tie::AnswersThis, Tie::SameAncestor, Tie::Conversation] {
            for (kin, words) in [
                (other_topic(tie), "its subject is another one"),
                (stranger(tie), "neither this mail's sender nor among its recipients"),
            ] {
                let decision = decided(REPLY, "", &with(vec![kin]));
                assert_eq!(decision.plan.outcome, Outcome::Issue, "{tie:?}");
                says(&decision, "same-conversation", false, words);
            }
        }
        let decision = decided(FRESH, "", &with(vec![kin(Tie::Conversation, "SUP-7")]));
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        says(&decision, "same-conversation", false, "does not say that it is an answer");
        // What was sent before the mail that answers it need not say so.
        let decision = decided(FRESH, "", &with(vec![kin(Tie::AnswersThis, "SUP-7")]));
        assert_eq!(decision.plan.outcome, comment("id-SUP-7", "SUP-7"));
    }

    /// Promise: what the mailbox groups lets nobody in who takes no part in the issue, whomever they name in Cc.
    #[test]
    fn what_the_mailbox_groups_wants_somebody_who_takes_part() {
        let other = |tie| Kin { same_sender: false, ..kin(tie, "SUP-7") };
        let mut facts = with(vec![other(Tie::Conversation)]);
        assert_eq!(asked(REPLY, "", &facts), Some(Question::TakesPart("id-SUP-7".into())));
        facts.threads.known = vec![Known::TakesPart("id-SUP-7".into(), None)];
        let decision = decided(REPLY, "", &facts);
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        says(&decision, "same-conversation", false, "this mail's sender takes no part in it: not joined");
        facts.threads.known = vec![Known::TakesPart("id-SUP-7".into(), Some("its watcher".into()))];
        let decision = decided(REPLY, "", &facts);
        assert_eq!(decision.plan.outcome, comment("id-SUP-7", "SUP-7"));
        says(&decision, "same-conversation", true, "is in SUP-7, and this mail's sender is its watcher");
        // A Message-ID cannot be guessed.
        for tie in [Tie::AnswersThis, Tie::SameAncestor] {
            let decision = decided(REPLY, "", &with(vec![other(tie)]));
            assert_eq!(decision.plan.outcome, comment("id-SUP-7", "SUP-7"), "{tie:?}");
        }
    }

    /// Promise: subject and address can be guessed, so they let nobody in who is not verified; a Message-ID cannot.
    #[test]
    fn a_guessed_subject_lets_nobody_in() {
        for (tie, joins) in [(Tie::Conversation, false), (Tie::SameAncestor, true)] {
            let facts = with(vec![kin(tie, "SUP-7")]);
            let decision = decided_from(TrustClass::Failed, REPLY, "", &facts);
            assert_eq!(decision.plan.outcome != Outcome::Issue, joins, "{tie:?}");
        }
    }

    #[test]
    fn a_deleted_issue_of_the_conversation_swallows_nothing() {
        let gone = Kin { end: ParentEnd::IssueGone { key: "SUP-6".into() }, ..kin(Tie::SameAncestor, "") };
        let elsewhere = Kin { end: ParentEnd::Elsewhere { key: "X-1".into() }, ..gone.clone() };
        let decision = decided(REPLY, "", &with(vec![gone.clone(), gone.clone(), elsewhere]));
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        says(&decision, "same-conversation", false, "was in SUP-6; that issue is deleted or hidden");
        let said = decision.trace.lines.iter().filter(|line| line.rule == "same-conversation").count();
        assert_eq!(said, 1, "what is said many times over is said once");
        let decision = decided(REPLY, "", &with(vec![gone, kin(Tie::Conversation, "SUP-7")]));
        assert_eq!(decision.plan.outcome, comment("id-SUP-7", "SUP-7"));
    }
}

mod keys {
    use super::*;

    fn mail(subject: &str, more: &str) -> String {
        format!(
            "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: {subject}\r\n\
             Message-ID: <1@example.org>\r\n{more}\r\nIt burns.\r\n"
        )
    }

    fn with(known: Vec<Known>) -> Facts {
        let mut facts = facts();
        facts.threads.known = known;
        facts
    }

    fn there(asked: &str, id: &str, key: &str) -> Known {
        Known::Issue(asked.into(), Some(issue(id, key, None)))
    }

    fn role(id: &str, role: Option<&str>) -> Known {
        Known::TakesPart(id.into(), role.map(Into::into))
    }

    /// Promise: a key counts from somebody who takes part in the issue, and from nobody else.
    #[test]
    fn a_key_counts_from_those_who_take_part() {
        let mail = mail("[SUP-12] Printer", "");
        assert_eq!(asked(&mail, "", &with(vec![])), Some(Question::Issue("SUP-12".into())));
        let known = there("SUP-12", "10012", "SUP-12");
        assert_eq!(asked(&mail, "", &with(vec![known.clone()])), Some(Question::TakesPart("10012".into())));
        let decision = decided(&mail, "", &with(vec![known.clone(), role("10012", Some("its reporter"))]));
        assert_eq!(decision.plan.outcome, comment("10012", "SUP-12"));
        says(&decision, "issue-key", true, "names SUP-12 in its subject, and its sender is its reporter");
        let stranger = decided(&mail, "", &with(vec![known, role("10012", None)]));
        assert_eq!(stranger.plan.outcome, Outcome::Issue);
        says(&stranger, "issue-key", false, "its sender takes no part in SUP-12");
    }

    /// Promise: nobody is asked about a key of a sender who may be anybody.
    #[test]
    fn a_key_from_an_unverified_sender_counts_for_nothing() {
        for class in [TrustClass::Unverified, TrustClass::Failed] {
            let decision = decided_from(class, &mail("Re: SUP-12: Printer", ""), "", &with(vec![]));
            assert_eq!(decision.plan.outcome, Outcome::Issue, "{class:?}");
            says(
                &decision,
                "issue-key",
                false,
                "names SUP-12, but its sender is not verified (as the test says)",
            );
        }
    }

    /// Promise: of several keys the first counts that is there and that the sender takes part in; a moved key resolves.
    #[test]
    fn of_several_keys_the_first_that_fits_counts() {
        let facts = with(vec![
            Known::Issue("SUP-1".into(), None),
            there("SUP-2", "10002", "SUP-2"),
            role("10002", None),
            there("SUP-3", "10003", "BILL-9"),
            role("10003", Some("its assignee")),
        ]);
        let decision = decided(&mail("SUP-1 SUP-2 SUP-3 SUP-4", ""), "", &facts);
        assert_eq!(decision.plan.outcome, comment("10003", "BILL-9"));
        says(&decision, "issue-key", false, "SUP-1 in its subject; there is no such issue");
        says(&decision, "issue-key", true, "names SUP-3 in its subject, which is BILL-9 now");
    }

    /// Promise: an answer to a mail of Jira's own joins its issue where key and header agree; the header alone is a bare key.
    #[test]
    fn a_mail_of_jiras_own_is_known_by_key_and_header() {
        let header = "In-Reply-To: <JIRA.10012.1600000000000.12.1600000000001@Atlassian.JIRA>\r\n";
        let answer = mail("Re: [JIRA] (SUP-12) Printer", header);
        let decision = decided(&answer, "", &with(vec![there("SUP-12", "10012", "SUP-12")]));
        assert_eq!(decision.plan.outcome, comment("10012", "SUP-12"));
        says(&decision, "issue-key", true, "somebody whom Jira wrote to about it");
        // A number is guessed more easily than the second in which the issue was made.
        for guess in
            ["JIRA.10012.x", "JIRA.10012", "JIRA.10012.1600000001000.1.2", "JIRA.10012.99999999999999999999"]
        {
            let mail = answer.replace("JIRA.10012.1600000000000.12.1600000000001", guess);
            let known = there("SUP-12", "10012", "SUP-12");
            assert_eq!(
                asked(&mail, "", &with(vec![known.clone()])),
                Some(Question::TakesPart("10012".into())),
                "{guess}"
            );
            let decision = decided(&mail, "", &with(vec![known, role("10012", None)]));
            assert_eq!(decision.plan.outcome, Outcome::Issue, "{guess}");
        }
        // The header names another issue than the subject.
        let other = mail("Re: [JIRA] (SUP-13) Printer", header);
        let known = || vec![there("SUP-13", "10013", "SUP-13"), there("10012", "10012", "SUP-12")];
        let decision =
            decided(&other, "", &with([known(), vec![role("10013", None), role("10012", None)]].concat()));
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        let bare = mail("Re: Printer", header);
        let facts = with(vec![there("10012", "10012", "SUP-12"), role("10012", Some("its watcher"))]);
        assert_eq!(decided(&bare, "", &facts).plan.outcome, comment("10012", "SUP-12"));
        let unverified = decided_from(TrustClass::Unverified, &answer, "", &with(vec![]));
        assert_eq!(unverified.plan.outcome, Outcome::Issue);
    }
}

mod closed_issues {
    use super::*;

    const MOVES: [(&str, &str, &str, &str); 4] = [
        ("31", "Done", "Done", "done"),
        ("21", "Start", "In Progress", "indeterminate"),
        ("11", "Reopen", "To Do", "new"),
        ("12", "Backlog", "Backlog", "new"),
    ];

    fn with(done: Option<i64>) -> Facts {
        let moves = MOVES
            .iter()
            .map(|(id, name, to, category)| Move {
                id: (*id).into(),
                name: (*name).into(),
                to: (*to).into(),
                to_id: format!("status-{id}"),
                category: (*category).into(),
            })
            .collect();
        let mut facts = facts();
        facts.parents = vec![parent("7", "SUP-7")];
        facts.threads.known =
            vec![Known::Issue("7".into(), Some(issue("7", "SUP-7", done))), Known::Moves("7".into(), moves)];
        facts
    }

    fn transition(id: &str, name: &str, status: &str) -> Step {
        Step::Transition {
            id: id.into(),
            name: name.into(),
            from: "5".into(),
            to: format!("status-{id}"),
            status: status.into(),
        }
    }

    fn link(link_type: &str) -> Step {
        Step::Link { link_type: link_type.into(), issue_id: "7".into(), issue_key: "SUP-7".into() }
    }

    /// Promise: without a word in the profile nobody asks whether an issue is closed.
    #[test]
    fn a_closed_issue_gets_its_comment_where_the_profile_says_nothing() {
        let mut facts = with(Some(1));
        facts.threads.known.clear();
        let decision = decided(REPLY, "", &facts);
        assert_eq!(
            (decision.plan.outcome, &decision.plan.steps[..]),
            (comment("7", "SUP-7"), &[Step::AddComment][..])
        );
        assert_eq!(decision.plan.steps.len(), 1);
    }

    #[test]
    fn it_is_asked_for_where_the_profile_says_something() {
        let mut facts = with(Some(1));
        let moves = facts.threads.known.pop();
        facts.threads.known.clear();
        assert_eq!(asked(REPLY, "[threads]\nclosed = 'reopen'", &facts), Some(Question::Issue("7".into())));
        facts.threads.known = vec![Known::Issue("7".into(), Some(issue("7", "SUP-7", Some(1))))];
        assert_eq!(asked(REPLY, "[threads]\nclosed = 'reopen'", &facts), Some(Question::Moves("7".into())));
        assert_eq!(asked(REPLY, "[threads]\nclosed = 'new'", &facts), None);
        facts.threads.known.extend(moves);
        assert_eq!(asked(REPLY, "[threads]\nclosed = 'reopen'", &facts), None);
    }

    /// Promise: an open issue is left as it is, a closed one is opened again after the comment, or what the profile says.
    #[test]
    fn a_closed_issue_is_opened_again() {
        let reopen = "[threads]\nclosed = 'reopen'";
        let open = decided(REPLY, reopen, &with(None));
        assert_eq!(open.plan.steps, [Step::AddComment]);
        assert_eq!(open.plan.format(), 1);
        let decision = decided(REPLY, reopen, &with(Some(39)));
        assert_eq!(decision.plan.outcome, comment("7", "SUP-7"));
        assert_eq!(decision.plan.steps, [Step::AddComment, transition("11", "Reopen", "To Do")]);
        assert_eq!(decision.plan.format(), 3, "a node that does not know the step holds the plan");
        says(
            &decision,
            "closed-issue",
            true,
            "SUP-7 is closed (its status is Done): becomes a comment there and opens it again",
        );
        let named =
            decided(REPLY, "[threads]\nclosed = 'reopen'\ntransition = 'in progress'", &with(Some(39)));
        assert_eq!(named.plan.steps[1], transition("21", "Start", "In Progress"));
    }

    /// Promise: somebody who is not verified moves no issue.
    #[test]
    fn an_unverified_sender_opens_nothing() {
        let reopen = "[threads]\nclosed = 'reopen'";
        let decision = decided_from(TrustClass::Unverified, REPLY, reopen, &with(Some(39)));
        assert_eq!(decision.plan.steps, [Step::AddComment]);
        says(
            &decision,
            "closed-issue",
            true,
            "stays so, since the sender is not verified (as the test says)",
        );
    }

    #[test]
    fn what_cannot_be_opened_is_told_or_held() {
        let mut facts = with(Some(39));
        facts.threads.known[1] = Known::Moves("7".into(), Vec::new());
        let decision = decided(REPLY, "[threads]\nclosed = 'reopen'", &facts);
        assert_eq!(decision.plan.steps, [Step::AddComment]);
        says(&decision, "closed-issue", true, "none of its transitions leads out of it");
        // A transition that is named and gone is a profile that stopped working: a person looks.
        let held = decided(REPLY, "[threads]\nclosed = 'reopen'\ntransition = 'Revive'", &with(Some(39)));
        let Outcome::Held { reason } = &held.plan.outcome else { panic!("{held:#?}") };
        assert!(reason.starts_with("profile p, [threads] (line 2): SUP-7 is closed"), "{reason}");
        assert!(reason.contains("no transition `Revive`") && reason.contains("`Reopen`"), "{reason}");
        assert_eq!(held.plan.steps, []);
    }

    #[test]
    fn a_new_issue_is_linked_with_the_closed_one() {
        let decision = decided(REPLY, "[threads]\nclosed = 'new'\nlink = 'Follow-up'", &with(Some(39)));
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        assert!(matches!(decision.plan.steps[0], Step::CreateIssue { .. }));
        assert_eq!(decision.plan.steps[1..], [link("Follow-up")]);
        assert_eq!(decision.plan.format(), 3);
        says(&decision, "closed-issue", true, "becomes a new issue that is linked with it");
    }

    /// Promise: age and status decide, the status first.
    #[test]
    fn age_and_status_decide() {
        let by_age = "[threads]\nclosed = 'reopen'\nafter_days = 30";
        for (done, is_new) in [(39, false), (11, false), (10, true), (1, true)] {
            let decision = decided(REPLY, by_age, &with(Some(done)));
            assert_eq!(
                decision.plan.outcome == Outcome::Issue,
                is_new,
                "closed on day {done}, answered on day 40"
            );
        }
        says(&decided(REPLY, by_age, &with(Some(1))), "closed-issue", true, "closed 39 days before");
        let mut unknown = with(Some(1));
        if let Known::Issue(_, Some(issue)) = &mut unknown.threads.known[0] {
            issue.done_at = None;
        }
        let decision = decided(REPLY, by_age, &unknown);
        assert_eq!(decision.plan.steps.len(), 2);
        says(&decision, "closed-issue", true, "Jira does not say since when");
        let by_status = "[threads]\nclosed = 'reopen'\nafter_days = 30\n[threads.status]\ndone = 'hold'";
        let held = decided(REPLY, by_status, &with(Some(1)));
        let Outcome::Held { reason } = &held.plan.outcome else { panic!("{held:#?}") };
        assert_eq!(reason, "it belongs to SUP-7, which is closed (its status is Done)");
        says(&held, "closed-issue", true, "held for a person");
    }

    /// Promise: a rule that ends the mail comes before what becomes of a closed issue.
    #[test]
    fn a_rule_ends_what_would_be_held() {
        let rules = "[threads]\nclosed = 'hold'\n[[rule]]\nname = 'thanks'\nwhen = 'issue.key == \"SUP-7\"'\nignore = 'noise'";
        let decision = decided(REPLY, rules, &with(Some(1)));
        assert!(matches!(decision.plan.outcome, Outcome::Ignored { .. }), "{decision:#?}");
    }

    #[test]
    fn an_issue_that_is_gone_when_it_is_looked_at_swallows_nothing() {
        let mut facts = with(Some(1));
        facts.threads.known = vec![Known::Issue("7".into(), None)];
        let decision = decided(REPLY, "[threads]\nclosed = 'reopen'", &facts);
        assert_eq!(decision.plan.outcome, Outcome::Issue);
        says(&decision, "reply-to-known-mail", false, "which is in SUP-7; that issue is deleted or hidden");
    }
}

mod foreign_keys {
    use super::*;

    const PROFILE: &str = "[[threads.foreign]]\npattern = 'Ticket#([^ ]+)'\njql = 'cf[10050] ~ \"{{ key }}\"'\nfrom = ['example.org']";
    const MAIL: &str = "From: Ada <ada@example.org>\r\nTo: support@contoso.test\r\nSubject: Re: Ticket#47-11 printer\r\n\
        Message-ID: <1@example.org>\r\n\r\nIt burns.\r\n";
    const JQL: &str = r#"cf[10050] ~ "47-11""#;

    fn with(found: Found) -> Facts {
        let mut facts = facts();
        facts.threads.known = vec![Known::Search(JQL.into(), found)];
        facts
    }

    fn candidate(key: &str) -> Candidate {
        Candidate { id: format!("id-{key}"), key: key.into() }
    }

    /// Promise: the one issue that has the key gets the mail; of several none is guessed; the query says what it was written to say.
    #[test]
    fn the_one_issue_with_the_key_gets_the_mail() {
        assert_eq!(asked(MAIL, PROFILE, &facts()), Some(Question::Search(JQL.into())));
        let one = decided(MAIL, PROFILE, &with(Found::Issues(vec![candidate("SUP-7")])));
        assert_eq!(one.plan.outcome, comment("id-SUP-7", "SUP-7"));
        says(&one, "foreign-key", true, "names `47-11` of another system, which SUP-7 has");
        let none = decided(MAIL, PROFILE, &with(Found::Issues(Vec::new())));
        assert_eq!(none.plan.outcome, Outcome::Issue);
        says(&none, "foreign-key", false, "no issue has it");
        let two = decided(MAIL, PROFILE, &with(Found::Issues(vec![candidate("SUP-7"), candidate("SUP-8")])));
        assert_eq!(two.plan.outcome, Outcome::Issue);
        says(&two, "foreign-key", false, "several issues have it, SUP-7 among them: none is guessed");
        let begun = decided(MAIL, PROFILE, &with(Found::Begun(candidate("SUP-9"))));
        assert_eq!(begun.plan.outcome, comment("id-SUP-9", "SUP-9"));
        let mut gone = with(Found::Issues(vec![candidate("SUP-7")]));
        gone.threads.gone = Some("id-SUP-7".into());
        assert_eq!(decided(MAIL, PROFILE, &gone).plan.outcome, Outcome::Issue, "deleted or hidden");
    }

    /// Promise: nobody who is not verified, or whom the profile does not name, gets in by a number.
    #[test]
    fn a_number_lets_nobody_in_who_is_not_meant() {
        let unverified = decided_from(TrustClass::Unverified, MAIL, PROFILE, &facts());
        assert_eq!(unverified.plan.outcome, Outcome::Issue);
        says(&unverified, "foreign-key", false, "its sender is not verified");
        let other = decided(&MAIL.replace("ada@example.org", "eve@example.net"), PROFILE, &facts());
        assert_eq!(other.plan.outcome, Outcome::Issue);
        says(&other, "foreign-key", false, "from others only");
    }

    /// Promise: a query that stopped working holds the mail and names profile and line.
    #[test]
    fn a_query_that_jira_refuses_holds_the_mail() {
        let held = decided(MAIL, PROFILE, &with(Found::Refused("Field 'cf[10050]' does not exist.".into())));
        let Outcome::Held { reason } = &held.plan.outcome else { panic!("{held:#?}") };
        assert!(
            reason.starts_with("profile p, [threads] (line 2): Jira does not take the query for `47"),
            "{reason}"
        );
    }
}

/// Promise: where one issue is gone the next one is looked at before it is written to, so that no mail goes round among several that are.
#[test]
fn after_one_deleted_issue_the_next_one_is_looked_at() {
    let mut facts = facts();
    facts.threads.gone = Some("8".into());
    let gone = Parent { end: ParentEnd::IssueGone { key: "SUP-8".into() }, ..parent("8", "SUP-8") };
    facts.parents = vec![gone, parent("7", "SUP-7")];
    assert_eq!(asked(REPLY, "", &facts), Some(Question::Issue("7".into())));
    facts.threads.known = vec![Known::Issue("7".into(), None)];
    assert_eq!(decided(REPLY, "", &facts).plan.outcome, Outcome::Issue);
    // One that is closed gets its comment as ever.
    facts.threads.known = vec![Known::Issue("7".into(), Some(issue("7", "SUP-7", Some(1))))];
    let decision = decided(REPLY, "", &facts);
    assert_eq!(decision.plan.outcome, comment("7", "SUP-7"));
    assert_eq!(decision.plan.steps, [Step::AddComment]);
}

/// Promise: what was one question too many is not told as deleted.
#[test]
fn what_was_not_asked_is_not_told_as_deleted() {
    let mut facts = facts();
    facts.threads.tokens = vec![Token { place: TokenPlace::Address, issue: Some("1".into()) }];
    facts.parents = vec![parent("7", "SUP-7")];
    facts.threads.known = (0..20).map(|n| Known::Issue(format!("SUP-{n}"), None)).collect();
    let decision = decided(REPLY, "[threads]\nclosed = 'reopen'", &facts);
    assert_eq!(decision.plan.outcome, Outcome::Issue);
    for rule in ["our-token", "reply-to-known-mail"] {
        says(&decision, rule, false, "Jira was not asked");
        assert!(!decision.trace.lines.iter().any(|line| line.rule == rule && line.why.contains("deleted")));
    }
}

/// Promise: what Jira was not asked is not guessed.
#[test]
fn an_open_question_holds_the_mail() {
    let mut facts = facts();
    facts.threads.tokens = vec![Token { place: TokenPlace::Address, issue: Some("1".into()) }];
    let mail = mail::parse(REPLY.as_bytes()).expect("readable");
    let decision = decide(&mail, &mail.rich(), &Profile::standard(), &facts);
    assert!(matches!(decision.plan.outcome, Outcome::Held { .. }), "{decision:#?}");
}

/// Promise: facts survive storage.
#[test]
fn facts_survive_storage() {
    let mut facts = facts();
    facts.threads.tokens = vec![Token { place: TokenPlace::Address, issue: Some("1".into()) }];
    facts.threads.kin = vec![kin(Tie::Conversation, "SUP-7")];
    facts.threads.known = vec![
        Known::Issue("1".into(), Some(issue("1", "SUP-1", Some(3)))),
        Known::TakesPart("1".into(), None),
    ];
    let text = serde_json::to_string(&facts).expect("serialises");
    assert_eq!(serde_json::from_str::<Facts>(&text).expect("reads back"), facts);
}

proptest! {
    /// Promise: whatever a mail names, the questions come to an end, and each is asked once.
    #[test]
    fn questions_come_to_an_end(
        subject in "(\\[?[A-Z]{2}-[0-9]{1,3}\\]? ?){0,8}",
        ids in prop::collection::vec("JIRA\\.[0-9]{1,3}\\.1@Atlassian\\.JIRA", 0..6),
        there in prop::collection::vec(any::<bool>(), 40),
        tokens in prop::collection::vec(prop::option::of("[0-9]{1,3}"), 0..30),
    ) {
        let references = format!("<{}>", ids.join("> <"));
        let source = format!(
            "From: Ada <ada@example.org>\r\nSubject: {subject}\r\nReferences: {references}\r\nMessage-ID: <1@example.org>\r\n\r\nx\r\n"
        );
        let mail = read(&source, TrustClass::Verified);
        let profile = profile("[threads]\nclosed = 'reopen'");
        let mut facts = facts();
        facts.threads.tokens =
            tokens.into_iter().map(|issue| Token { place: TokenPlace::References, issue }).collect();
        let mut there = there.into_iter().cycle();
        for _ in 0..60 {
            let Some(question) = question(&mail, &profile, &facts) else { break };
            prop_assert!(!facts.threads.known.iter().any(|known| known.answers(&question)), "{question:?} twice");
            let is = there.next().unwrap_or_default();
            facts.threads.known.push(match question {
                Question::Issue(of) => {
                    let found = is.then(|| issue(&format!("9{of}"), "SUP-1", Some(1)));
                    Known::Issue(of, found)
                }
                Question::TakesPart(of) => Known::TakesPart(of, is.then(|| "its reporter".into())),
                Question::Moves(of) => Known::Moves(of, Vec::new()),
                Question::Search(of) => Known::Search(of, Found::Issues(Vec::new())),
            });
        }
        prop_assert_eq!(question(&mail, &profile, &facts), None);
        let _ = decide(&mail, &mail.rich(), &profile, &facts);
    }
}
