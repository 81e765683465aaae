//! The pages of notices: what they show as plain structs.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, Badge, Menu, Pager};
use crate::web::form::Fields;
use crate::web::times::Moment;

/// A notice in the list.
#[derive(Clone, Debug)]
pub struct NoticeRow {
    /// The row's id.
    pub id: String,
    /// What is told.
    pub badge: Badge,
    /// In a line.
    pub title: String,
    /// The object's page.
    pub href: String,
    /// In sentences.
    pub text: String,
    /// Where it is mended: the portal's page, the command.
    pub ways: Vec<Action>,
    /// Where it went.
    pub sent: String,
    /// When it was raised.
    pub at: Moment,
    /// When what it tells of was over.
    pub ended: Option<Moment>,
    /// Whether nobody has seen it.
    pub is_new: bool,
}

/// A channel in the list.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// The row's id.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// What may be shown of its target.
    pub shown: String,
    /// How it is.
    pub badge: Badge,
    /// What the other side answered last.
    pub answer: String,
    /// When.
    pub at: Option<Moment>,
    /// Its *Test*.
    pub test: Option<Action>,
    /// The rest.
    pub menu: Menu,
}

/// Notices.
#[derive(Clone, Debug, Template)]
#[template(path = "notices/list.html")]
pub struct NoticesPage {
    /// The frame.
    pub frame: Frame,
    /// What is said about the ways; empty where nothing is.
    pub advice: String,
    /// The notices, newest first.
    pub rows: Vec<NoticeRow>,
    /// Older ones.
    pub pager: Pager,
    /// The channels.
    pub channels: Vec<ChannelRow>,
    /// Adds a channel.
    pub add: Option<Menu>,
}

/// A new channel.
#[derive(Clone, Debug, Template)]
#[template(path = "notices/channel.html")]
pub struct ChannelPage {
    /// The frame.
    pub frame: Frame,
    /// `webhook`, `slack`, `teams` or `mail`.
    pub kind: &'static str,
    /// What it is, and how its address is made on the other side.
    pub lead: &'static str,
    /// Its fields.
    pub fields: Fields,
}

/// The signing key of a new webhook, shown once.
#[derive(Clone, Debug, Template)]
#[template(path = "notices/key.html")]
pub struct KeyPage {
    /// The frame.
    pub frame: Frame,
    /// The key.
    pub key: String,
    /// Goes on.
    pub next: Action,
}
