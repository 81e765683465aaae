//! What every page has around it: title, navigation, who is signed in, theme and flash message.

use askama::Template;
use askama::filters::HtmlSafe;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::assets;
use super::components::{Action, Tone};

/// The page of the navigation that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The first page.
    Overview,
    /// Messaging › Message Sources.
    Sources,
    /// Messaging › Message Outbounds.
    Outbounds,
    /// Messaging › App registration.
    Registrations,
    /// Messages.
    Messages,
    /// Profiles.
    Profiles,
    /// Jira.
    Jira,
    /// Notices.
    Notices,
    /// Settings.
    Settings,
    /// None: signing in, an error.
    Outside,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the machine is set.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The cookie that remembers the theme; read by the script as well, and no secret.
pub const THEME_COOKIE: &str = "postroom-theme";
const FLASH_COOKIE: &str = "postroom-flash";

impl Theme {
    /// The word in the cookie and on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that word; anything else is [`Theme::System`].
    pub fn of_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// What the browser's cookie says.
    pub fn of_jar(jar: &CookieJar) -> Self {
        jar.get(THEME_COOKIE).map_or(Self::System, |cookie| Self::of_word(cookie.value()))
    }

    /// The cookie that remembers it.
    pub fn cookie(self, secure: bool) -> Cookie<'static> {
        Cookie::build((THEME_COOKIE, self.word()))
            .path("/")
            .same_site(SameSite::Lax)
            .secure(secure)
            .permanent()
            .build()
    }
}

/// A message shown once, on the page that follows a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Whether it went well.
    pub good: bool,
    /// What was done, or what was not and why.
    pub text: String,
}

impl Flash {
    /// Something was done.
    pub fn done(text: impl Into<String>) -> Self {
        Self { good: true, text: text.into() }
    }

    /// Something was not done.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { good: false, text: text.into() }
    }

    /// The cookie that carries it to the next page.
    pub fn cookie(&self, secure: bool) -> Cookie<'static> {
        // Browsers keep 4 KB of a cookie; a longer text is cut.
        let short = Self { good: self.good, text: self.text.chars().take(600).collect() };
        let value = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&short).unwrap_or_default());
        Cookie::build((FLASH_COOKIE, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure)
            .build()
    }

    /// The one that the browser carries.
    pub fn of_jar(jar: &CookieJar) -> Option<Self> {
        let value = URL_SAFE_NO_PAD.decode(jar.get(FLASH_COOKIE)?.value()).ok()?;
        serde_json::from_slice(&value).ok()
    }

    /// The cookie that removes it once it was shown.
    pub fn gone(secure: bool) -> Cookie<'static> {
        Cookie::build((FLASH_COOKIE, ""))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure)
            .removal()
            .build()
    }

    /// Its colour.
    pub fn tone(&self) -> Tone {
        if self.good { Tone::Good } else { Tone::Bad }
    }
}

/// What surrounds a page. Made by [`Viewer::frame`](crate::access::Viewer::frame), or [`Frame::outside`] where nobody is
/// signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The page's title; also its heading, unless the page writes its own.
    pub title: String,
    /// Where it belongs.
    pub section: Section,
    /// The person's name, where somebody is signed in.
    pub person: Option<String>,
    /// The session's CSRF token, for forms that the page writes itself.
    pub csrf: String,
    /// Light or dark.
    pub theme: Theme,
    /// Shown once, at the top.
    pub flash: Option<Flash>,
    /// Buttons beside the heading.
    pub actions: Vec<Piece>,
    /// Topics that replace the page's live parts, separated by spaces.
    pub topics: String,
    /// Notices that nobody has seen: all, and those that need a person now.
    pub unseen: (i64, i64),
}

/// Something beside a heading.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = "{% match self %}{% when Self::Action(action) %}{{ action }}{% when Self::Menu(menu) %}{{ menu }}{% endmatch %}"
)]
pub enum Piece {
    /// A button.
    Action(Action),
    /// A menu.
    Menu(super::components::Menu),
}

impl HtmlSafe for Piece {}

impl From<Action> for Piece {
    fn from(action: Action) -> Self {
        Self::Action(action)
    }
}

impl From<super::components::Menu> for Piece {
    fn from(menu: super::components::Menu) -> Self {
        Self::Menu(menu)
    }
}

impl Frame {
    /// The frame of a page for somebody who is not signed in.
    pub fn outside(title: impl Into<String>, theme: Theme) -> Self {
        Self {
            title: title.into(),
            section: Section::Outside,
            person: None,
            csrf: String::new(),
            theme,
            flash: None,
            actions: Vec::new(),
            topics: String::new(),
            unseen: (0, 0),
        }
    }

    /// With a button or a menu beside the heading.
    #[must_use]
    pub fn with(mut self, piece: impl Into<Piece>) -> Self {
        self.actions.push(piece.into());
        self
    }

    /// With live parts that are fetched again when something happens under one of these topics.
    #[must_use]
    pub fn live(mut self, topics: &str) -> Self {
        topics.clone_into(&mut self.topics);
        self
    }

    fn is(&self, section: Section) -> bool {
        self.section == section
    }

    /// Whether a banner says that something needs a person: everywhere but where it stands anyway.
    pub fn banner(&self) -> bool {
        self.unseen.1 > 0 && !matches!(self.section, Section::Overview | Section::Notices)
    }

    /// The style sheet's address.
    pub fn style(&self) -> &'static str {
        assets::path("postroom.css")
    }

    /// The script's address.
    pub fn script(&self) -> &'static str {
        assets::path("postroom.js")
    }

    /// The icon's address.
    pub fn icon(&self) -> &'static str {
        assets::path("postroom.svg")
    }

    /// `aria-current` of a navigation entry.
    pub fn here(&self, word: &str) -> bool {
        match word {
            "overview" => self.is(Section::Overview),
            "sources" => self.is(Section::Sources),
            "outbounds" => self.is(Section::Outbounds),
            "registrations" => self.is(Section::Registrations),
            "messages" => self.is(Section::Messages),
            "profiles" => self.is(Section::Profiles),
            "jira" => self.is(Section::Jira),
            "notices" => self.is(Section::Notices),
            "settings" => self.is(Section::Settings),
            _ => false,
        }
    }
}
