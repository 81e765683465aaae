//! Messages: the list, its filters in the address.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Empty, MailState, Pager};
use crate::web::times::Moment;

/// A filter above the list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its word.
    pub label: &'static str,
    /// Its address; keeps what is searched for.
    pub href: String,
    /// How many mails it shows, where that is known.
    pub count: Option<u64>,
    /// Whether it is the one in force.
    pub here: bool,
}

/// A mail in the list.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// The row's id.
    pub id: String,
    /// Its page.
    pub href: String,
    /// Where it stands.
    pub state: MailState,
    /// Who sent it: a name, else an address.
    pub from: String,
    /// Its subject; empty where it has none.
    pub subject: String,
    /// The issue's key; empty where there is none.
    pub issue: String,
    /// The issue's address.
    pub issue_href: String,
    /// Why it was held, ignored or rejected; empty for others.
    pub why: String,
    /// The source's mailbox.
    pub source: String,
    /// When it came.
    pub received: Moment,
}

/// Messages.
#[derive(Clone, Debug, Template)]
#[template(path = "messages/list.html")]
pub struct MessagesPage {
    /// The frame.
    pub frame: Frame,
    /// All, held, issues, ignored.
    pub filters: Vec<Filter>,
    /// What is searched for.
    pub search: String,
    /// The filter's name in the address, kept by the search.
    pub filter: &'static str,
    /// The mails, the newest first.
    pub rows: Vec<MessageRow>,
    /// Whether the text of mails is searched, too.
    pub in_text: bool,
    /// The source whose mail is shown; empty for all.
    pub source: String,
    /// The sources to choose from: id and words; none where there is nothing to choose.
    pub sources: Vec<(String, String)>,
    /// Newer and older.
    pub pager: Pager,
    /// Whether mails can be ticked and decided about together.
    pub choose: bool,
    /// The list as files: label and address.
    pub exports: [(&'static str, String); 2],
    /// The list's query, to come back to.
    pub query: String,
    /// What an empty list says.
    pub empty: Empty,
}
