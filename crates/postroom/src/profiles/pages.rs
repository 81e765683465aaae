//! What the pages of profiles show.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, Badge, Empty, Menu};
use crate::web::form::Choice;
use crate::web::times::Moment;

/// A profile in the list.
#[derive(Clone, Debug)]
pub struct ProfileRow {
    /// Its row.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many rules it has, and how many sources are handled by it, in words.
    pub what: String,
    /// The version in use.
    pub version: i64,
    /// Who saved it.
    pub author: String,
    /// When.
    pub saved: Moment,
    /// What can be done.
    pub menu: Menu,
}

/// Profiles.
#[derive(Clone, Debug, Template)]
#[template(path = "profiles/list.html")]
pub struct ProfilesPage {
    /// The frame.
    pub frame: Frame,
    /// The profiles by name.
    pub rows: Vec<ProfileRow>,
    /// Makes one.
    pub add: Option<Action>,
    /// While there is none.
    pub empty: Option<Empty>,
}

/// A rule that was tried on the mail.
#[derive(Clone, Debug)]
pub struct RuleLine {
    /// Its name.
    pub name: String,
    /// Whether it matched.
    pub matched: bool,
    /// What was seen and what followed.
    pub why: String,
}

/// What would become of the mail beside the rules.
#[derive(Clone, Debug)]
pub struct TriedView {
    /// The state it would have.
    pub badge: Badge,
    /// In a sentence.
    pub sentence: String,
    /// What has become of it, in a sentence.
    pub happened: String,
    /// The fields of the new issue.
    pub fields: Vec<(String, String)>,
    /// The reasons.
    pub rules: Vec<RuleLine>,
}

/// A mistake in the document.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// Such as `line 3, column 5`.
    pub place: String,
    /// What is the matter.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

/// A version.
#[derive(Clone, Debug)]
pub struct VersionRow {
    /// Its number.
    pub number: i64,
    /// Who saved it.
    pub author: String,
    /// What they said of it.
    pub note: String,
    /// When.
    pub saved: Moment,
    /// Whether it is in use.
    pub in_use: bool,
    /// The page with the difference to the version before.
    pub href: String,
    /// Goes back to it.
    pub back: Option<Action>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// `+`, `-` or a space.
    pub sign: char,
    /// The line.
    pub text: String,
}

/// The editor.
#[derive(Clone, Debug, Template)]
#[template(path = "profiles/edit.html")]
pub struct EditPage {
    /// The frame.
    pub frame: Frame,
    /// Where it is posted.
    pub action: String,
    /// The version that the editor began with; 0 for a new profile.
    pub seen: i64,
    /// The document.
    pub document: String,
    /// What is said of the change.
    pub note: String,
    /// Whether the viewer may save.
    pub may_save: bool,
    /// What is wrong, in order.
    pub mistakes: Vec<Mistake>,
    /// Whether it was looked at and nothing is wrong.
    pub is_good: bool,
    /// Past mails to choose from.
    pub mails: Vec<Choice>,
    /// The one that was chosen.
    pub mail: String,
    /// What would become of it.
    pub tried: Option<TriedView>,
    /// Why it cannot be tried; empty where it can.
    pub cannot: String,
    /// What may be named, with its meaning.
    pub names: Vec<(String, &'static str)>,
    /// The versions, the newest first.
    pub versions: Vec<VersionRow>,
    /// Which version is compared with the one before it.
    pub compared: Option<i64>,
    /// The difference.
    pub difference: Vec<DiffLine>,
}
