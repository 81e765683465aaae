//! What a new Message Source shall do. It reads nothing until this is confirmed.

use askama::Template;

use super::signed_in::GrantedView;
use crate::web::Frame;
use crate::web::components::{FaultView, MailState};
use crate::web::form::{Choice, Field, Fields};
use crate::web::times::{Moment, counted};

/// What would become of a mail.
#[derive(Clone, Debug)]
pub struct DryRunRow {
    /// When it came.
    pub received: Moment,
    /// Who sent it.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// Its end.
    pub end: MailState,
    /// Why, in words.
    pub why: String,
}

/// What would happen to the newest mails.
#[allow(clippy::large_enum_variant, reason = "there is one of it, on one page")]
#[derive(Clone, Debug)]
pub enum DryRun {
    /// The newest mails.
    Rows(Vec<DryRunRow>),
    /// They could not be read.
    Failed(FaultView),
}

/// The form.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/confirm.html")]
pub struct ConfirmPage {
    /// The frame.
    pub frame: Frame,
    /// Where it is posted to.
    pub action: String,
    /// Whom Postroom is signed in as.
    pub account: String,
    /// What was granted to them, where no page said so before.
    pub granted: Option<GrantedView>,
    /// Where the mail comes from: `mailbox`, `folder`, `folder_path`.
    pub from: Fields,
    /// Where it begins: `start` (`now`, `since`, `everything`), `since`.
    pub start: Fields,
    /// Where it goes: `project`, `issue_type`.
    pub to: Fields,
    /// What becomes of handled mail: `handled` (`leave`, `read`, `move`, `category`), `handled_target`.
    pub after: Fields,
    /// What would happen.
    pub dry_run: Option<DryRun>,
    /// How many mails lie in the folder.
    pub lying: Option<u64>,
    /// How many lie in Junk, a sentence.
    pub junk: Option<String>,
    /// Whether it reads already and is changed.
    pub is_change: bool,
}

impl ConfirmPage {
    /// The choices of *Start with*. `lying` is how many mails the folder holds now.
    pub fn start_choices(lying: Option<u64>) -> Vec<Choice> {
        let everything = lying.map_or_else(
            || "All mails that lie in the folder become issues.".to_owned(),
            |lying| match lying {
                1 => "The mail that lies in the folder now is handled too.".to_owned(),
                many => {
                    let mails = counted(many, "mail", "mails");
                    format!("The {mails} that lie in the folder now are handled too, oldest first.")
                }
            },
        );
        vec![
            Choice::new("now", "New mail only")
                .hint("What lies in the folder now is recorded and left alone."),
            Choice::new("since", "Mail since a date").hint("Older mail is recorded and left alone."),
            Choice::new("everything", "Everything").hint(everything),
        ]
    }

    /// The choices of what becomes of handled mail.
    pub fn handled_choices() -> Vec<Choice> {
        vec![
            Choice::new("leave", "Leave it as it is"),
            Choice::new("read", "Mark it as read"),
            Choice::new("category", "Give it a category").hint("Its name stands in the field below."),
            Choice::new("move", "Move it to a folder")
                .hint("Its name stands in the field below; it must exist."),
        ]
    }

    /// The field for a category's or folder's name.
    pub fn handled_target() -> Field {
        Field::line("handled_target", "Category or folder").optional().placeholder("Handled by Postroom")
    }
}
