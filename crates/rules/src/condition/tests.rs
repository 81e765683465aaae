use std::sync::Arc;

use proptest::prelude::*;

use super::{Condition, Evaluation, Flaw, Patterns};
use crate::plan::Outcome;
use crate::view::{Origin, Received, View};

const MAIL: &str = "From: \"Ada L.\" <Ada@Example.org>\r\nTo: Help <support+SUP@contoso.test>, two@contoso.test\r\n\
    Cc: boss@example.com\r\nSubject: Invoice 4711 overdue\r\nMessage-ID: <1@example.org>\r\nList-Id: <news.example.org>\r\n\
    Received: a\r\nReceived: b\r\nX-Original-To: alias@contoso.test\r\n\r\nPlease PAY.\r\n";

fn view() -> View {
    let mail = mail::parse(MAIL.as_bytes()).expect("readable");
    let source =
        Origin { name: "Support".into(), mailbox: "Support@contoso.test".into(), folder: "Inbox".into() };
    let received = Received { date: "2026-11-28".into(), hour: 22, minute: 5, weekday: "saturday".into() };
    let outcome = Outcome::Comment { issue_id: "1".into(), issue_key: "SUP-12".into() };
    View::of(&mail, &mail.rich(), &source, &received, &outcome)
}

fn holds(source: &str) -> Result<bool, String> {
    let mut patterns = Patterns::new();
    let condition =
        Condition::compile(source, &mut patterns).unwrap_or_else(|flaws| panic!("{source}: {flaws:?}"));
    condition.holds(&Evaluation::of(&view(), &Arc::new(patterns)))
}

fn flaws(source: &str) -> Vec<Flaw> {
    Condition::compile(source, &mut Patterns::new()).expect_err(source)
}

/// Promise: what a condition can name is what the guide says, and it means what people expect.
#[test]
fn a_condition_sees_the_mail() {
    for yes in [
        "mail.subject.contains('Invoice')",
        "mail.subject.mentions('INVOICE')",
        r"mail.subject.matches(r'\b\d{4}\b')",
        "mail.from.address == 'ada@example.org' && mail.from.domain == 'example.org'",
        "mail.from.name == 'Ada L.'",
        "mail.to[0].tag == 'SUP' && mail.to[0].local == 'support'",
        "mail.recipients.exists(one, one.address == 'boss@example.com')",
        "mail.cc.size() == 1 && size(mail.to) == 2",
        "mail.recipients.all(one, one.domain != 'example.net')",
        "mail.recipients.filter(one, one.domain == 'contoso.test').size() == 2",
        "mail.to.map(one, one.domain).exists(domain, domain == 'contoso.test')",
        "mail.recipients.exists_one(one, one.domain == 'example.com')",
        "mail.text.lower().contains('please pay')",
        "tag == 'SUP'",
        "sent_to('support@contoso.test') && sent_to('Alias@contoso.test') && !sent_to('nobody@contoso.test')",
        "header('list-id').contains('news') && header('X-Nothing') == ''",
        "headers('Received').size() == 2",
        "issue.known && issue.key == 'SUP-12' && issue.project == 'SUP'",
        "received.hour >= 22 || received.weekday in ['saturday', 'sunday']",
        "source.mailbox == 'support@contoso.test'",
        "mail.attachments.size() == 0 && mail.automatic == 'mailing-list'",
        "!mail.is_answer && mail.sender.address == ''",
        "has(mail.subject)",
        "(mail.is_answer ? 'a' : 'b') == 'b'",
        "int('4') + 1 == 5",
    ] {
        assert_eq!(holds(yes), Ok(true), "{yes}");
    }
    assert_eq!(holds("mail.subject == ''"), Ok(false));
}

/// Promise: a rule that does not compile is refused with its place and what to write instead.
#[test]
fn what_could_not_work_is_refused_with_its_place_and_mend() {
    for (source, at, what, mend) in [
        ("mail.subjct == 'a'", (1, 5), "no field `subjct`", "`subject`"),
        ("subject == 'a'", (1, 1), "nothing is called `subject`", "`mail.subject`"),
        ("mial.subject == 'a'", (1, 1), "nothing is called `mial`", "`mail`"),
        ("mail.subject", (1, 5), "not yes or no", "Compare"),
        ("mail.subject > 3", (1, 14), "compared with", "one type"),
        ("mail.subject.contain('a')", (1, 21), "no function `contain`", "`contains`"),
        ("mail.subject.contains(3)", (1, 22), "not used like this", "`something.contains("),
        ("mail.to.address == 'a'", (1, 8), "a list has no field `address`", ".exists("),
        ("mail.subject.exists(one, one == 'a')", (1, 5), "no entries", "lists"),
        ("mail.to.exists(one, one.adress == 'a')", (1, 24), "no field `adress`", "`address`"),
        ("'a' in mail.subject", (1, 5), "looks into a list", ".contains("),
        ("'a@b.c' in mail.to", (1, 9), "list of something else", ".exists("),
        ("mail.subject.matches('(')", (1, 22), "no regular expression", "backslashes"),
        ("mail.subject.matches('(?=a)')", (1, 22), "no regular expression", "Look-around"),
        ("mail.subject.matches(mail.text)", (1, 21), "put together", "quotation marks"),
        ("sent_to('support')", (1, 9), "`support` is no address", "the whole"),
        ("header('')", (1, 8), "empty", "List-Id"),
        ("mail.is_answer && mail.subject", (1, 16), "yes and no", "Compare"),
        ("mail.subject - 1 == 1", (1, 14), "no number", "numbers"),
        ("mail.is_answer &&\n  mail.subjekt == 'a'", (2, 7), "no field `subjekt`", "`subject`"),
        ("mail.subject ==", (1, 16), "no condition", "mail.subject.contains"),
    ] {
        let flaws = flaws(source);
        let flaw = &flaws[0];
        assert!(flaw.what.contains(what), "{source}: {flaw:?}");
        assert!(flaw.mend.contains(mend), "{source}: {flaw:?}");
        assert_eq!((flaw.line, flaw.column), at, "{source}: {flaw:?}");
    }
}

/// Promise: a condition ends soon whatever the mail: lists in lists, long texts in lists and deep brackets are refused.
#[test]
fn what_could_take_long_is_refused() {
    let loops = "mail.to.exists(a, mail.cc.exists(b, mail.to.exists(c, a.address == b.address)))";
    assert!(flaws(loops)[0].what.contains("steps"), "{:?}", flaws(loops));
    let texts = "mail.to.exists(a, mail.cc.exists(b, mail.text.contains(a.address + b.address)))";
    assert!(flaws(texts)[0].what.contains("steps"));
    assert!(holds("mail.to.exists(a, mail.text.contains(a.address))").is_ok());
    let deep = format!("{}true{}", "(".repeat(2000), ")".repeat(2000));
    let _ = Condition::compile(&deep, &mut Patterns::new());
    let sum = format!("1{} == 1", " + 1".repeat(200));
    assert!(flaws(&sum)[0].what.contains("deep"), "{:?}", flaws(&sum));
    let nots = format!("{}true", "!".repeat(3000));
    let minus = format!("1 == {}1", "-(".repeat(2000));
    let ternary = format!("{}true", "true ? true : ".repeat(280));
    for source in [nots, minus, ternary, "a.".repeat(2000), "mail".to_owned() + &"[0]".repeat(1300)] {
        let _ = Condition::compile(&source, &mut Patterns::new());
    }
    assert!(flaws(&"true && ".repeat(2000))[0].what.contains("bytes long"));
    let pattern = format!("mail.text.matches('{}')", "((a{100}){100}){100}");
    assert!(flaws(&pattern)[0].what.contains("too large"), "{:?}", flaws(&pattern));
}

/// Promise: a condition that cannot be answered for a mail says why; it is neither yes nor no.
#[test]
fn what_the_mail_has_not_is_told() {
    assert!(holds("mail.attachments[3].name == 'a'").expect_err("no such entry").contains("no entry"));
    assert!(holds("int(mail.subject) == 1").is_err());
}

proptest! {
    /// Promise: whatever is written as a condition, it is taken or refused; nothing breaks.
    #[test]
    fn any_text_is_a_condition_or_refused(source in "\\PC{0,200}") {
        let _ = Condition::compile(&source, &mut Patterns::new());
    }

    /// Promise: what is put together of known pieces and taken can be asked without a panic.
    #[test]
    fn any_mixture_of_pieces_is_answered_or_refused(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "mail", ".", "to", "subject", "text", ".exists(a, ", ".map(a, ", "a", ".address", "==", "'x'", "(", ")", "[", "]",
            "0", "1", " && ", " || ", "!", "in", "size", ".contains(", ".matches('", "')", "header('", "?", ":", "+", "-", "{", "}", ",",
            "true", "has(", "received.hour", " > ",
        ]), 0..24)) {
        let source = pieces.concat();
        let mut patterns = Patterns::new();
        if let Ok(condition) = Condition::compile(&source, &mut patterns) {
            let _ = condition.holds(&Evaluation::of(&view(), &Arc::new(patterns)));
        }
    }
}
