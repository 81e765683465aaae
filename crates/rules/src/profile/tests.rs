use proptest::prelude::*;

use super::*;

const WHOLE: &str = r#"
profile = "support"

[[rule]]
name = "newsletters"
when = 'header("List-Id") != ""'
ignore = "a newsletter of {{ mail.from.domain }}"

[[rule]]
name = "billing"
when = '''
mail.subject.mentions("invoice") ||
mail.to.exists(one, one.local == "billing")
'''
project = "BILL"
issue_type = "Task"
priority = "High"
labels = ["mail", "from-{{ mail.from.domain }}"]
stop = true

[rule.fields]
"Customer number" = "{{ mail.from.local }}"
Hours = 3
"#;

fn refusals(document: &str) -> Vec<Refusal> {
    Profile::parse(document).expect_err("refused")
}

/// Promise: a profile says what it says.
#[test]
fn a_profile_is_read() {
    let profile = Profile::parse(WHOLE).unwrap_or_else(|refusals| panic!("{refusals:?}"));
    assert_eq!(profile.name, "support");
    let [newsletters, billing] = &profile.rules[..] else { panic!("two rules") };
    assert_eq!((newsletters.line, billing.line), (4, 9));
    assert!(matches!(newsletters.end, Some(End::Ignore(_))));
    assert!(billing.stop && billing.end.is_none());
    assert_eq!(billing.sets.labels.len(), 2);
    let names: Vec<&str> = billing.sets.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Customer number", "Hours"]);
}

/// Promise: a profile that could not work is refused when it is saved, with line, column and mend; every mistake at once.
#[test]
fn every_mistake_is_told_with_its_place() {
    for (document, line, column, what, mend) in [
        ("[[rule]]\nhold = \"x\"", 1, 1, "no name", "profile ="),
        ("profile = 3", 1, 11, "`profile` is an integer", "quotation marks"),
        ("profile = \"a\"\nrules = 1", 2, 1, "`rules` is not known", "`rule`"),
        ("profile = \"a\"\n[[rule]]\nwen = 'true'\nhold = 'x'", 3, 1, "`wen` is not known", "`when`"),
        ("profile = \"a\"\n[[rule]]\nname = 'r'", 2, 1, "decides nothing", "ignore"),
        ("profile = \"a\"\n[[rule]]\nignore = 'x'\nhold = 'y'", 2, 1, "both", "Leave one"),
        (
            "profile = \"a\"\n[[rule]]\nignore = 'x'\nproject = 'SUP'",
            2,
            1,
            "ends the mail and sets",
            "two rules",
        ),
        (
            "profile = \"a\"\n[[rule]]\nwhen = 'mail.subjct == \"\"'\nhold = 'x'",
            3,
            13,
            "`subjct`",
            "`subject`",
        ),
        (
            "profile = \"a\"\n[[rule]]\nwhen = '''\nmail.is_answer &&\nmail.subjct == \"\"'''\nhold = 'x'",
            5,
            5,
            "`subjct`",
            "`subject`",
        ),
        (
            "profile = \"a\"\n[[rule]]\nsummary = '{{ mail.subjct }}'",
            3,
            15,
            "`mail.subjct`",
            "`mail.subject`",
        ),
        ("profile = \"a\"\n[[rule]]\nsummary = '{{ mail.subject '", 3, 20, "cannot be read", "Placeholders"),
        ("profile = \"a\"\n[[rule]]\nlabels = 'x'", 3, 10, "`labels` is no list", "labels = ["),
        ("profile = \"a\"\n[[rule]]\nstop = 'yes'", 3, 8, "not yes or no", "true"),
        ("profile = \"a\"\n[[rule]]\nproject = ''", 3, 11, "`project` is empty", "Leave it away"),
        ("profile = \"a\"\nprofile = \"b\"", 2, 1, "no TOML", "before it"),
        (
            "profile = \"a\"\n[[rule]]\nname='r'\nstop=true\n[[rule]]\nname='r'\nstop=true",
            5,
            1,
            "line 2 already",
            "a name of its own",
        ),
    ] {
        let refusals = refusals(document);
        let refusal = refusals
            .iter()
            .find(|refusal| refusal.what.contains(what))
            .unwrap_or_else(|| panic!("{document}: {refusals:?}"));
        assert!(refusal.mend.contains(mend), "{document}: {refusal:?}");
        assert_eq!((refusal.line, refusal.column), (line, column), "{document}: {refusal:?}");
    }
    let many = refusals("profile = 3\nnothing = 1\n[[rule]]\nwhen = 'a'\nhold = '{{ b }}'");
    assert_eq!(many.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [1, 2, 4, 5]);
}

proptest! {
    /// Promise: whatever is written as a profile, it is taken or refused.
    #[test]
    fn any_text_is_a_profile_or_refused(text in "\\PC{0,300}") {
        let _ = Profile::parse(&text);
    }

    /// Promise: a profile cut off or with letters changed is taken or refused.
    #[test]
    fn a_damaged_profile_is_taken_or_refused(at in 0..WHOLE.len(), letter in prop::char::any()) {
        let mut at = at;
        while !WHOLE.is_char_boundary(at) { at -= 1; }
        let _ = Profile::parse(&WHOLE[..at]);
        let _ = Profile::parse(&format!("{}{letter}{}", &WHOLE[..at], &WHOLE[at..]));
    }
}
