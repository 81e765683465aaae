//! The pieces that pages are made of. Each renders itself, escaped, when a template writes `{{ piece }}`.
//!
//! A piece that holds a form carries the CSRF token; make it with [`Viewer::post`](crate::access::Viewer::post).

use askama::Template;
use askama::filters::HtmlSafe;

pub use super::states::{Badge, Health, MailState, Shape, StepState, Tone};
use super::times::{Moment, thousands};

/// An icon of the sprite (`templates/web/sprite.svg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = "<svg class=\"icon icon-{{ self.name() }}\" aria-hidden=\"true\" focusable=\"false\"><use href=\"#i-{{ self.name() }}\"/></svg>"
)]
#[allow(missing_docs, reason = "each is named as what it shows")]
pub enum Icon {
    Ping,
    Validate,
    Mail,
    Send,
    Settings,
    Search,
    More,
    Check,
    Warning,
    Offline,
    Paused,
    Clock,
    Copy,
    External,
    Plus,
    Grid,
    Down,
    Menu,
    Overview,
    Jira,
    Bin,
    Play,
    Retry,
    Book,
}

impl HtmlSafe for Icon {}

impl Icon {
    /// All icons.
    pub const ALL: &[Self] = &[
        Self::Ping,
        Self::Validate,
        Self::Mail,
        Self::Send,
        Self::Settings,
        Self::Search,
        Self::More,
        Self::Check,
        Self::Warning,
        Self::Offline,
        Self::Paused,
        Self::Clock,
        Self::Copy,
        Self::External,
        Self::Plus,
        Self::Grid,
        Self::Down,
        Self::Menu,
        Self::Overview,
        Self::Jira,
        Self::Bin,
        Self::Play,
        Self::Retry,
        Self::Book,
    ];

    /// The symbol's name in the sprite.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Validate => "validate",
            Self::Mail => "mail",
            Self::Send => "send",
            Self::Settings => "settings",
            Self::Search => "search",
            Self::More => "more",
            Self::Check => "check",
            Self::Warning => "warning",
            Self::Offline => "cross",
            Self::Paused => "bars",
            Self::Clock => "clock",
            Self::Copy => "copy",
            Self::External => "external",
            Self::Plus => "plus",
            Self::Grid => "grid",
            Self::Down => "down",
            Self::Menu => "menu",
            Self::Overview => "overview",
            Self::Jira => "jira",
            Self::Bin => "bin",
            Self::Play => "play",
            Self::Retry => "retry",
            Self::Book => "book",
        }
    }
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The one thing to do here.
    Primary,
    /// A button.
    Plain,
    /// Only an icon; the label is for screen readers and the pointer.
    Icon,
    /// It takes something away: asks once more before.
    Danger,
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// Goes to an address.
    Go(String),
    /// Goes to an address outside Postroom, in a new tab.
    Leave(String),
    /// Posts a form.
    Post {
        /// Where to.
        to: String,
        /// The session's CSRF token.
        csrf: String,
        /// Hidden fields.
        fields: Vec<(String, String)>,
    },
    /// Copies a text; without a script the text is shown to be selected.
    Copy(String),
}

/// A button or a link that does something.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/action.html")]
pub struct Action {
    /// An imperative.
    pub label: String,
    /// What it does.
    pub does: Does,
    /// How it looks.
    pub weight: Weight,
    /// Its icon.
    pub icon: Option<Icon>,
    /// What will happen to how many things; asked before a [`Weight::Danger`] action.
    pub warning: String,
    /// Whether the script may do it in place, without leaving the page.
    pub in_place: bool,
}

impl HtmlSafe for Action {}

impl Action {
    /// A button.
    pub fn new(label: impl Into<String>, does: Does) -> Self {
        Self {
            label: label.into(),
            does,
            weight: Weight::Plain,
            icon: None,
            warning: String::new(),
            in_place: false,
        }
    }

    /// A link to a page of Postroom.
    pub fn go(label: impl Into<String>, to: impl Into<String>) -> Self {
        Self::new(label, Does::Go(to.into()))
    }

    /// A link to somewhere else.
    pub fn leave(label: impl Into<String>, to: impl Into<String>) -> Self {
        Self { icon: Some(Icon::External), ..Self::new(label, Does::Leave(to.into())) }
    }

    /// Copies a text.
    pub fn copy(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { icon: Some(Icon::Copy), ..Self::new(label, Does::Copy(text.into())) }
    }

    /// As the one thing to do here.
    #[must_use]
    pub fn primary(self) -> Self {
        Self { weight: Weight::Primary, ..self }
    }

    /// As an icon only.
    #[must_use]
    pub fn icon_only(self, icon: Icon) -> Self {
        Self { weight: Weight::Icon, icon: Some(icon), ..self }
    }

    /// With an icon before the label.
    #[must_use]
    pub fn with_icon(self, icon: Icon) -> Self {
        Self { icon: Some(icon), ..self }
    }

    /// Asks once more, saying what will happen.
    #[must_use]
    pub fn danger(self, warning: impl Into<String>) -> Self {
        Self { weight: Weight::Danger, warning: warning.into(), ..self }
    }

    /// With one more hidden field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Does::Post { fields, .. } = &mut self.does {
            fields.push((name.into(), value.into()));
        }
        self
    }

    /// Done in place where there is a script: the page's live parts are replaced by what comes back.
    #[must_use]
    pub fn in_place(self) -> Self {
        Self { in_place: true, ..self }
    }
}

/// A fault in its four parts: what happened; since when; who must act; what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/fault.html")]
pub struct FaultView {
    /// How grave it is: [`Tone::Bad`] when a person must act, [`Tone::Warn`] when it passes by itself.
    pub tone: Tone,
    /// What happened, a sentence.
    pub what: String,
    /// The other side's code, for example `AADSTS50173`; empty where it gave none.
    pub code: String,
    /// Since when.
    pub since: Option<Moment>,
    /// Who must act, a sentence.
    pub who: String,
    /// What they do, a sentence.
    pub mend: String,
    /// What it does to the mail: how many wait, that none is lost.
    pub waiting: String,
    /// The buttons that mend it.
    pub actions: Vec<Action>,
    /// The command that mends or examines it; empty where there is none.
    pub command: String,
    /// Ids and codes to copy for support, by name.
    pub details: Vec<(String, String)>,
}

impl HtmlSafe for FaultView {}

/// The portal's page on which a fault is mended, in the portal of the cloud that it happened in; several where nobody knows which.
pub fn portal(fault: &fault::Fault) -> impl Iterator<Item = Action> {
    fault.pages().into_iter().map(|page| Action::leave(page.title, page.address))
}

/// Where the account's owner changes the password, where Microsoft names such a page.
pub fn password(fault: &fault::Fault) -> Option<Action> {
    fault.password_page().map(|page| Action::leave(page.title, page.address))
}

/// What mends a fault outside of Postroom, where there is little room: where the password is changed, the portal's page, and the command
/// to copy.
pub fn ways(fault: &fault::Fault) -> Vec<Action> {
    let command = fault.command().map(|command| Action::copy("Copy the command", command));
    password(fault).into_iter().chain(portal(fault)).chain(command).collect()
}

/// What happened, in sentences; of a revoked sign-in with its two dates, and of a code that nobody knows that it is a guess.
pub fn happened(fault: &fault::Fault) -> String {
    let guess = if fault.is_guess { "Postroom does not know this code, and guesses: " } else { "" };
    let dates = fault.dates().map(|dates| format!(" {dates}")).unwrap_or_default();
    format!("{guess}{}{dates}", sentence(fault.entry.cause))
}

impl FaultView {
    /// A fault of the catalogue.
    pub fn of(fault: &fault::Fault, since: Option<Moment>) -> Self {
        use fault::Who;
        let mut details = Vec::new();
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                details.push((name.to_owned(), value.to_owned()));
            }
        };
        add("Code", Some(&fault.code));
        let status = fault.status.map(|status| status.to_string());
        add("HTTP status", status.as_deref());
        add("Trace id", fault.ids.trace.as_deref());
        add("Correlation id", fault.ids.correlation.as_deref());
        add("What the other side said", Some(&fault.detail));
        add("Entry of the catalogue", Some(fault.entry.id));
        let who = match fault.entry.who {
            Who::Nobody => "Nobody has to act: Postroom tries again by itself.",
            Who::MailboxOwner => "The person who signed the mailbox in must act.",
            Who::EntraAdministrator => "An administrator of the Microsoft tenant must act.",
            Who::JiraAdministrator => "An administrator of the Jira site must act.",
            Who::Operator => "Whoever runs Postroom must act.",
        };
        let mut actions: Vec<Action> = password(fault).into_iter().chain(portal(fault)).collect();
        if let Some(link) = fault.read_more() {
            actions.push(Action::leave("Read more", link));
        }
        Self {
            tone: if fault.entry.who == Who::Nobody { Tone::Warn } else { Tone::Bad },
            what: happened(fault),
            code: fault.code.clone(),
            since,
            who: who.to_owned(),
            mend: if fault.entry.who == Who::Nobody { String::new() } else { sentence(fault.entry.mend) },
            waiting: String::new(),
            actions,
            command: fault.command().unwrap_or_default(),
            details,
        }
    }

    /// With a sentence on the mail that waits.
    #[must_use]
    pub fn waiting(mut self, mails: u64) -> Self {
        self.waiting = waiting(mails);
        self
    }

    /// With the buttons that mend it, in their order, before the others.
    #[must_use]
    pub fn with_all(mut self, actions: Vec<Action>) -> Self {
        self.actions.splice(0..0, actions);
        self
    }

    /// With the button that mends it, before the others.
    #[must_use]
    pub fn with(mut self, action: Action) -> Self {
        self.actions.insert(0, action);
        self
    }
}

/// How many mails wait, as a sentence; empty where none does.
pub fn waiting(mails: u64) -> String {
    match mails {
        0 => String::new(),
        1 => "1 mail is waiting; it is not lost.".to_owned(),
        many => format!("{} mails are waiting; none is lost.", thousands(many)),
    }
}

/// Ends a sentence with a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '?', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// It was tried, and nobody knows.
    Unknown,
    /// It was not tried.
    NotTried,
}

impl Mark {
    /// The class that colours its line.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => Tone::Good.class(),
            Self::Bad => Tone::Bad.class(),
            Self::Unknown => Tone::Warn.class(),
            Self::NotTried => Tone::Quiet.class(),
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Good => Icon::Check.name(),
            Self::Bad => Icon::Offline.name(),
            Self::Unknown => Icon::Warning.name(),
            Self::NotTried => Icon::Paused.name(),
        }
    }

    /// For those who do not see it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "not good",
            Self::Unknown => "not known",
            Self::NotTried => "not tried",
        }
    }
}

/// One check of a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckView {
    /// What was checked.
    pub name: String,
    /// What it came to.
    pub mark: Mark,
    /// What was found, or what is wrong.
    pub text: String,
    /// What to do, where something is wrong.
    pub mend: String,
    /// Where else it is mended: the portal's page, the command.
    pub ways: Vec<Action>,
    /// How long it took, with its unit.
    pub took: String,
}

/// The result of a ping: a line for each check.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/ping.html")]
pub struct PingView {
    /// When.
    pub at: Moment,
    /// The checks in their order.
    pub checks: Vec<CheckView>,
    /// Where its *Close* leads; empty where there is none.
    pub close: String,
}

impl HtmlSafe for PingView {}

impl PingView {
    /// The line above all checks, and its colour.
    pub fn verdict(&self) -> (&'static str, Tone) {
        let any = |mark| self.checks.iter().any(|check| check.mark == mark);
        if any(Mark::Bad) {
            ("Something is wrong", Tone::Bad)
        } else if any(Mark::Unknown) {
            ("Not everything is known", Tone::Warn)
        } else if any(Mark::NotTried) {
            ("All that was tried is good", Tone::Good)
        } else {
            ("All checks are good", Tone::Good)
        }
    }
}

/// One entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When.
    pub at: Moment,
    /// The colour of its dot.
    pub tone: Tone,
    /// What happened.
    pub text: String,
    /// Who did it; empty for Postroom itself.
    pub who: String,
    /// Codes and the like.
    pub detail: String,
}

/// What happened, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/timeline.html")]
pub struct Timeline {
    /// The entries.
    pub entries: Vec<TimelineEntry>,
    /// What an empty one says.
    pub empty: &'static str,
}

impl HtmlSafe for Timeline {}

/// A page that has nothing to show yet: what will be here, and the one button that gets it there.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/empty.html")]
pub struct Empty {
    /// What will be here.
    pub title: String,
    /// A sentence more.
    pub text: String,
    /// The one button.
    pub action: Option<Action>,
}

impl HtmlSafe for Empty {}

/// Newer and older.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(path = "components/pager.html")]
pub struct Pager {
    /// What is shown, for example `1–50 of 1,204`.
    pub shown: String,
    /// The address of newer ones.
    pub newer: Option<String>,
    /// The address of older ones.
    pub older: Option<String>,
}

impl HtmlSafe for Pager {}

/// A menu of actions behind `⋯` or a label; works without a script.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/menu.html")]
pub struct Menu {
    /// What it is the menu of.
    pub label: String,
    /// Whether the label is shown (with ▾) or only `⋯`.
    pub shows_label: bool,
    /// The actions.
    pub actions: Vec<Action>,
    /// Actions that stand beside the menu where there is room, and in it on a phone.
    pub on_phones: Vec<Action>,
}

impl HtmlSafe for Menu {}

impl Menu {
    /// A `⋯` menu.
    pub fn more(label: impl Into<String>, actions: Vec<Action>) -> Self {
        Self { label: label.into(), shows_label: false, actions, on_phones: Vec::new() }
    }

    /// The same menu which on a phone also holds these.
    #[must_use]
    pub fn with_on_phones<'a>(&self, actions: impl IntoIterator<Item = &'a Action>) -> Self {
        let plain = |action: &Action| Action { weight: Weight::Plain, ..action.clone() };
        Self { on_phones: actions.into_iter().map(plain).collect(), ..self.clone() }
    }

    /// A menu that shows its label.
    pub fn named(label: impl Into<String>, actions: Vec<Action>) -> Self {
        Self { label: label.into(), shows_label: true, actions, on_phones: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every icon and shape that code can name is drawn.
    #[test]
    fn every_icon_is_in_the_sprite() {
        let sprite = include_str!("../../templates/web/sprite.svg");
        for icon in Icon::ALL {
            assert!(sprite.contains(&format!("id=\"i-{}\"", icon.name())), "{icon:?} is not drawn");
        }
        for shape in [Shape::Full, Shape::Half, Shape::Ring, Shape::Dashed, Shape::Bars] {
            assert!(sprite.contains(&format!("id=\"{}\"", shape.name())), "{shape:?} is not drawn");
        }
    }

    /// Promise: what a stranger wrote is shown as text.
    #[test]
    fn pieces_escape_what_they_show() {
        let fault = FaultView {
            tone: Tone::Bad,
            what: "<script>alert(1)</script>".into(),
            code: "<b>".into(),
            since: None,
            who: String::new(),
            mend: String::new(),
            waiting: String::new(),
            actions: vec![Action::copy("\"><img>", "\"><img src=x>")],
            command: "<img src=y>; \"".into(),
            details: vec![("<i>".into(), "<u>".into())],
        };
        let html = fault.to_string();
        for bad in ["<script>", "<b>", "<img", "<i>", "<u>"] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
    }
}
