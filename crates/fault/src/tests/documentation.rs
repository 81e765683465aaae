//! `docs/faults.md` is written from the catalogue. `POSTROOM_WRITE_DOCS=1` writes it anew.

use std::fmt::Write as _;

use super::*;

const HEAD: &str = "# Faults: what each one means and who mends it

Everything that can go wrong at Microsoft, at Jira or on the way has an entry here. The console, the mails, the command line
and the API show the same entry. *Details* beside a fault names the entry's id, the code as the other side wrote it, and the
ids by which its support finds the request. Search this page for either.

How it is tried again:

| Words | Meaning |
|---|---|
| soon | it passes by itself; seconds at first, then up to a minute, or what the other side asks for |
| slowly | it clears without a new sign-in once somebody has acted; every 5 to 60 minutes, or press *Try now* |
| after a rest | each try counts against us; a quarter of an hour at the least |
| after a new sign-in | the grant has ended; nothing is asked for until somebody has signed in again |
| never | the same would fail again; the mail is set aside and the queue moves on |

A code that is not listed is shown as it came, with the entry that fits its class best, and counted in
`postroom_unknown_fault_total`. Links to the portal are for the global cloud; the console links to the portal of the tenant's own.
In commands the words in capitals stand for your own values. This page is written from the catalogue in `crates/fault`.
";

fn page() -> String {
    let mut text = HEAD.to_owned();
    for (title, entries) in [
        ("Sign-in with Microsoft", crate::entra::ALL),
        ("Mailboxes at Microsoft", crate::graph::ALL),
        ("Exchange Web Services", crate::ews::ALL),
        ("Jira", crate::jira::ALL),
        ("On the way", crate::network::ALL),
        ("Postroom itself", crate::own::ALL),
    ] {
        let _ = write!(text, "\n## {title}\n");
        for entry in entries {
            one(&mut text, entry);
        }
    }
    text
}

pub(super) fn class_in_words(class: Class) -> &'static str {
    match class {
        Class::Transient => "transient",
        Class::SignIn => "sign in again",
        Class::Administrator => "administrator",
        Class::Configuration => "configuration",
        Class::Poison => "one item",
    }
}

pub(super) fn retry_in_words(retry: Retry) -> &'static str {
    match retry {
        Retry::Soon => "soon",
        Retry::Slow => "slowly",
        Retry::Rest => "after a rest",
        Retry::AfterSignIn => "after a new sign-in",
        Retry::Never => "never",
    }
}

fn one(text: &mut String, entry: &Entry) {
    let (class, retry) = (class_in_words(entry.class), retry_in_words(entry.retry));
    let _ = write!(text, "\n### `{}`\n\n**{}.** {}\n\n", entry.id, entry.cause, entry.mend);
    let numbers = entry.numbers.iter().map(|number| format!("AADSTS{number}"));
    let codes: Vec<String> = numbers.chain(entry.codes.iter().map(|&code| code.to_owned())).collect();
    if !codes.is_empty() {
        let _ = writeln!(text, "- Codes: {}", codes.join(", "));
    }
    let _ = writeln!(text, "- Class: {class}. Who acts: {}. Tried again: {retry}.", entry.who.named());
    if let Some(here) = entry.here {
        let _ = writeln!(text, "- In Postroom: {}", here.title());
    }
    if let Some(page) = entry.page {
        let _ = writeln!(text, "- Page: [{}]({})", page.title(), page.address(Cloud::Global, None));
    }
    if let Some(command) = entry.command {
        let _ = writeln!(text, "- Command: `{command}`");
    }
    if let Some(command) = entry.command_of_person {
        let _ = writeln!(text, "- Command where a person is signed in: `{command}`");
    }
    if let Some(link) = entry.read_more() {
        let _ = writeln!(text, "- [Read more]({link})");
    } else if entry.id.starts_with("network.") {
        for (title, link, _) in crate::network::ADDRESSES {
            let _ = writeln!(text, "- [{title}]({link})");
        }
    }
}

#[test]
fn the_page_of_faults_is_in_step_with_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md");
    let wanted = page();
    if std::env::var_os("POSTROOM_WRITE_DOCS").is_some() {
        std::fs::write(path, &wanted).expect("docs/faults.md can be written");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == wanted,
        "docs/faults.md is out of step: run POSTROOM_WRITE_DOCS=1 cargo test -p fault, and look at what changed"
    );
}
