//! The states of connections, mails and steps: a shape, a word and a colour each.

use askama::Template;
use askama::filters::HtmlSafe;

/// What colour a state has. Never the only sign: a shape and a word stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// It passes by itself, or somebody should look.
    Warn,
    /// A person must act.
    Bad,
    /// Nothing to say.
    Quiet,
}

impl Tone {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

/// The shape of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// ●
    Full,
    /// ◐
    Half,
    /// ○
    Ring,
    /// ◌
    Dashed,
    /// ‖
    Bars,
}

impl Shape {
    /// The symbol's name in the sprite.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "s-full",
            Self::Half => "s-half",
            Self::Ring => "s-ring",
            Self::Dashed => "s-dashed",
            Self::Bars => "s-bars",
        }
    }
}

/// A state: a shape and a word, with a colour beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = "<span class=\"state {{ tone.class() }}\"><svg class=\"shape\" aria-hidden=\"true\" focusable=\"false\"><use href=\"#{{ shape.name() }}\"/></svg><span class=\"word\">{{ word }}</span></span>"
)]
pub struct Badge {
    /// The shape.
    pub shape: Shape,
    /// The word.
    pub word: &'static str,
    /// The colour.
    pub tone: Tone,
}

impl HtmlSafe for Badge {}

impl Badge {
    const fn new(shape: Shape, word: &'static str, tone: Tone) -> Self {
        Self { shape, word, tone }
    }
}

/// The health of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Works.
    Online,
    /// Tries again by itself.
    Degraded,
    /// Needs a person.
    Offline,
    /// An administrator has to approve first.
    ApprovalNeeded,
    /// Signed in, but not confirmed yet: it reads nothing.
    Unconfirmed,
    /// Stopped by a person.
    Paused,
}

impl Health {
    /// All states.
    pub const ALL: &[Self] =
        &[Self::Online, Self::Degraded, Self::Offline, Self::ApprovalNeeded, Self::Unconfirmed, Self::Paused];

    /// The state as a row of the database names it (`online`, `degraded`, `offline`).
    pub fn of_row(state: &str) -> Option<Self> {
        match state {
            "online" => Some(Self::Online),
            "degraded" => Some(Self::Degraded),
            "offline" => Some(Self::Offline),
            _ => None,
        }
    }

    /// Its shape, word and colour.
    pub fn badge(self) -> Badge {
        match self {
            Self::Online => Badge::new(Shape::Full, "online", Tone::Good),
            Self::Degraded => Badge::new(Shape::Half, "degraded", Tone::Warn),
            Self::Offline => Badge::new(Shape::Ring, "offline", Tone::Bad),
            Self::ApprovalNeeded => Badge::new(Shape::Dashed, "admin approval needed", Tone::Warn),
            Self::Unconfirmed => Badge::new(Shape::Dashed, "not confirmed", Tone::Warn),
            Self::Paused => Badge::new(Shape::Bars, "paused", Tone::Quiet),
        }
    }
}

/// Where a mail stands: its one end, or that it has none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// Recorded; its turn has not come.
    Waiting,
    /// Its plan is being carried out.
    Acting,
    /// Became an issue.
    Issue,
    /// Became a comment.
    Comment,
    /// Rejected with a reason.
    Rejected,
    /// Held for a person.
    Held,
    /// Ignored by a named rule.
    Ignored,
}

impl MailState {
    /// All states.
    pub const ALL: &[Self] =
        &[Self::Waiting, Self::Acting, Self::Issue, Self::Comment, Self::Rejected, Self::Held, Self::Ignored];

    /// The state as a row of the database names it: its `state` and its `ending`.
    pub fn of_row(state: &str, ending: Option<&str>) -> Option<Self> {
        Some(match (state, ending) {
            ("recorded" | "ready", _) => Self::Waiting,
            ("acting", _) => Self::Acting,
            ("held", _) | ("ended", Some("held")) => Self::Held,
            ("ended", Some("issue")) => Self::Issue,
            ("ended", Some("comment")) => Self::Comment,
            ("ended", Some("rejected")) => Self::Rejected,
            ("ended", Some("ignored")) => Self::Ignored,
            _ => return None,
        })
    }

    /// Its shape, word and colour.
    pub fn badge(self) -> Badge {
        match self {
            Self::Waiting => Badge::new(Shape::Dashed, "waiting", Tone::Quiet),
            Self::Acting => Badge::new(Shape::Half, "under way", Tone::Quiet),
            Self::Issue => Badge::new(Shape::Full, "issue", Tone::Good),
            Self::Comment => Badge::new(Shape::Full, "comment", Tone::Good),
            Self::Rejected => Badge::new(Shape::Ring, "rejected", Tone::Quiet),
            Self::Held => Badge::new(Shape::Ring, "held", Tone::Bad),
            Self::Ignored => Badge::new(Shape::Bars, "ignored", Tone::Quiet),
        }
    }
}

/// Where a step of a plan stands (design §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Planned,
    /// Being written.
    Intent,
    /// The answer was lost; looked for before it is written again.
    InDoubt,
    /// Done.
    Done,
    /// Held for a person.
    Held,
}

impl StepState {
    /// All states.
    pub const ALL: &[Self] = &[Self::Planned, Self::Intent, Self::InDoubt, Self::Done, Self::Held];

    /// The state as a row of the database names it.
    pub fn of_row(state: &str) -> Option<Self> {
        Some(match state {
            "planned" => Self::Planned,
            "intent" => Self::Intent,
            "in_doubt" => Self::InDoubt,
            "done" => Self::Done,
            "held" => Self::Held,
            _ => return None,
        })
    }

    /// Its shape, word and colour.
    pub fn badge(self) -> Badge {
        match self {
            Self::Planned => Badge::new(Shape::Dashed, "planned", Tone::Quiet),
            Self::Intent => Badge::new(Shape::Half, "being written", Tone::Quiet),
            Self::InDoubt => Badge::new(Shape::Half, "in doubt", Tone::Warn),
            Self::Done => Badge::new(Shape::Full, "done", Tone::Good),
            Self::Held => Badge::new(Shape::Ring, "held", Tone::Bad),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: no state is told by colour alone.
    #[test]
    fn every_state_has_a_shape_and_a_word() {
        let badges = (Health::ALL.iter().map(|s| s.badge()))
            .chain(MailState::ALL.iter().map(|s| s.badge()))
            .chain(StepState::ALL.iter().map(|s| s.badge()));
        for badge in badges {
            let html = badge.to_string();
            assert!(badge.word.chars().any(char::is_alphabetic), "{badge:?} has no word");
            assert!(html.contains(badge.word) && html.contains("#s-"), "{html}");
        }
    }

    /// Promise: rows of the database are shown in the words of the console, unknown ones not at all.
    #[test]
    fn rows_become_states() {
        assert_eq!(MailState::of_row("ended", Some("issue")), Some(MailState::Issue));
        assert_eq!(MailState::of_row("held", None), Some(MailState::Held));
        assert_eq!(MailState::of_row("ended", None), None);
        assert_eq!(StepState::of_row("in_doubt"), Some(StepState::InDoubt));
        assert_eq!(Health::of_row("offline"), Some(Health::Offline));
        assert_eq!(Health::of_row("sleepy"), None);
    }
}
