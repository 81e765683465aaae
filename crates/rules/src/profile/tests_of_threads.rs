//! The `[threads]` table, read and refused.

use crate::threads::{Closed, Threads};

use super::*;

fn threads(table: &str) -> Threads {
    let document = format!("profile = \"p\"\n{table}");
    Profile::parse(&document).unwrap_or_else(|refusals| panic!("{refusals:#?}")).threads
}

/// Promise: what the table says is what counts, and what it does not say stays as it was.
#[test]
fn the_table_is_read() {
    assert_eq!(threads(""), Threads::default());
    assert!(!threads("").asks_whether_closed());
    let read = threads(
        "[threads]\nclosed = 'reopen'\nafter_days = 30\nafter = 'hold'\ntransition = 'Open again'\nlink = 'Follow-up'\n\
         [threads.status]\nCancelled = 'new'\n'Not ours' = 'comment'",
    );
    let expected = Threads {
        line: 2,
        closed: Closed::Reopen,
        after_days: Some(30),
        after: Closed::Hold,
        status: vec![("Cancelled".into(), Closed::New), ("Not ours".into(), Closed::Comment)],
        transition: Some("Open again".into()),
        link: "Follow-up".into(),
        foreign: Vec::new(),
    };
    assert_eq!(read, expected);
    assert!(read.asks_whether_closed());
    assert!(!threads("[threads]\nclosed = 'comment'").asks_whether_closed());
    assert!(threads("[threads]\nafter_days = 9").asks_whether_closed(), "after that a new issue is made");
}

/// Promise: a table that could not work is refused with line, column and mend.
#[test]
fn every_mistake_is_told_with_its_place() {
    for (table, line, column, what, mend) in [
        ("threads = 3", 2, 11, "no table", "[threads]"),
        ("[threads]\nclose = 'new'", 3, 1, "`close` is not known", "`closed`"),
        ("[threads]\nclosed = 'again'", 3, 10, "cannot be `again`", "`reopen`"),
        ("[threads]\nclosed = 'refuse'", 3, 10, "does not send answers yet", "hold"),
        ("[threads]\nclosed = true", 3, 10, "not a text", "quotation marks"),
        ("[threads]\nafter_days = 0", 3, 14, "no number of days", "from 1"),
        ("[threads]\nafter_days = '30'", 3, 14, "no number of days", "from 1"),
        ("[threads]\nafter = 'new'", 3, 9, "nothing says when", "after_days"),
        ("[threads]\ntransition = 'Reopen'", 3, 14, "counts for nothing", "closed = \"reopen\""),
        ("[threads]\nlink = 'Relates'", 3, 8, "counts for nothing", "closed = \"new\""),
        ("[threads]\nclosed = 'reopen'\ntransition = ' '", 4, 14, "no name", "as Jira shows it"),
        ("[threads]\nstatus = 'Done'", 3, 10, "no table", "[threads.status]"),
        ("[threads]\nforeign = 3", 3, 11, "no list", "[[threads.foreign]]"),
        (
            "[[threads.foreign]]\npattern = '('\njql = 'a ~ {{ key }}'",
            3,
            11,
            "no regular expression",
            "single quotation",
        ),
        ("[[threads.foreign]]\npattern = 'x'\njql = 'a ~ x'", 4, 7, "does not look for the key", "{{ key }}"),
        ("[[threads.foreign]]\npattern = 'x'", 2, 1, "`jql` is missing", "{{ key }}"),
        ("[[threads.foreign]]\npatern = 'x'", 3, 1, "`patern` is not known", "`pattern`"),
        ("[[threads.foreign]]\npattern = 'x'\njql = '{{ key }}'\nfrom = 'a'", 5, 8, "no list", "from = ["),
        ("[threads.status]\nDone = 'close'", 3, 8, "`Done` cannot be `close`", "`comment`"),
    ] {
        let document = format!("profile = \"p\"\n{table}");
        let refusals = Profile::parse(&document).expect_err(table);
        let refusal = refusals
            .iter()
            .find(|refusal| refusal.what.contains(what))
            .unwrap_or_else(|| panic!("{table}: {refusals:?}"));
        assert!(refusal.mend.contains(mend), "{table}: {refusal:?}");
        assert_eq!((refusal.line, refusal.column), (line, column), "{table}: {refusal:?}");
    }
}
