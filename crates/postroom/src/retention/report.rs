//! What an erasure found or did, in sentences: the same in the console, over the API and on the command line.

use super::erase::Erasure;
use crate::web::times::{counted, thousands};

fn number(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn mails(many: i64) -> String {
    counted(number(many), "mail", "mails")
}

/// How far it has come; empty where it waits for nobody but a person, or is done.
pub fn progress(erasure: &Erasure) -> String {
    match erasure.state.as_str() {
        "counting" | "erasing" => format!(
            "{} of {} messages looked at",
            thousands(number(erasure.seen)),
            thousands(number(erasure.total.max(erasure.seen)))
        ),
        _ => String::new(),
    }
}

/// What is to be said of it.
pub fn sentences(erasure: &Erasure) -> Vec<String> {
    let mut said = vec![match erasure.state.as_str() {
        "counting" => "It is counted what would be erased. Nothing is changed yet.".to_owned(),
        "counted" => format!("{} would be erased here: {}", whole(erasure), what(erasure)),
        "erasing" => format!("{} erased so far.", whole(erasure)),
        _ if erasure.own + erasure.named == 0 => "No mail of it is known any more.".to_owned(),
        _ => format!(
            "{} erased here, with content, sender, subject and reasons: {}",
            whole(erasure),
            what(erasure)
        ),
    }];
    if matches!(erasure.state.as_str(), "counting" | "erasing") {
        return said;
    }
    let is_done = erasure.state == "done";
    if erasure.held > 0 {
        said.push(if is_done {
            format!("{} waited for a person and ended as ignored.", mails(erasure.held))
        } else {
            format!("Of these, {} wait for a person and would end as ignored.", mails(erasure.held))
        });
    }
    if erasure.left_open > 0 {
        said.push(if is_done {
            format!(
                "{} on the way to Jira and left: erase the address again when they have their end.",
                counted(number(erasure.left_open), "mail was", "mails were")
            )
        } else {
            format!(
                "{} on the way to Jira and would be left: wait until they have their end, or erase the address again then.",
                counted(number(erasure.left_open), "mail is", "mails are")
            )
        });
    }
    if erasure.unread > 0 {
        said.push(format!(
            "{} could not be read, so nobody can tell who sent them or whom they name: look at the log for them.",
            mails(erasure.unread)
        ));
    }
    let standing = erasure.standing();
    if !standing.is_empty() {
        said.push(format!(
            "The address stands on as {}. Change that where it is, if it is to go, too.",
            standing.join(", as ")
        ));
    }
    if !erasure.issues().is_empty() {
        said.push(
            "What was written to Jira stays there, and the mails stay in their mailboxes: remove it there. The issues:".to_owned(),
        );
    }
    said
}

fn whole(erasure: &Erasure) -> String {
    mails(erasure.own + erasure.named)
}

fn what(erasure: &Erasure) -> String {
    match erasure.named_too {
        0 => format!("{} that it sent.", thousands(number(erasure.own))),
        _ => format!(
            "{} that it sent, {} of others that name it.",
            thousands(number(erasure.own)),
            thousands(number(erasure.named))
        ),
    }
}
