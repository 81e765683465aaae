//! The pages of access: setting up, signing in, settings, the audit log.

use askama::Template;

use crate::web::components::{Action, Menu, Pager};
use crate::web::form::Fields;
use crate::web::times::Moment;
use crate::web::{Frame, Theme};

/// Before there is an owner, and for links that do not work: how there will be one.
#[derive(Clone, Debug, Template)]
#[template(path = "access/no_link.html")]
pub struct NoLinkPage {
    /// The frame.
    pub frame: Frame,
    /// What is the matter with the link that was opened; empty when none was.
    pub problem: String,
    /// Whether there is a user already, so that signing in is the way.
    pub has_users: bool,
}

/// A one-time link becomes a user.
#[derive(Clone, Debug, Template)]
#[template(path = "access/set_up.html")]
pub struct SetUpPage {
    /// The frame.
    pub frame: Frame,
    /// The link's token.
    pub token: String,
    /// The role that the user will have.
    pub role: &'static str,
    /// Name, address, password.
    pub fields: Fields,
}

/// A one-time link gives a new password.
#[derive(Clone, Debug, Template)]
#[template(path = "access/new_password.html")]
pub struct NewPasswordPage {
    /// The frame.
    pub frame: Frame,
    /// The link's token.
    pub token: String,
    /// The password.
    pub fields: Fields,
}

/// Signing in.
#[derive(Clone, Debug, Template)]
#[template(path = "access/sign_in.html")]
pub struct SignInPage {
    /// The frame.
    pub frame: Frame,
    /// Where to go on to.
    pub next: String,
    /// Address, password.
    pub fields: Fields,
}

/// A user in the list.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// How they are called.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// Their role.
    pub role: &'static str,
    /// When they last used the console.
    pub last_seen: Option<Moment>,
    /// Whether it is the person who looks.
    pub is_you: bool,
    /// Makes a link for a new password; for owners.
    pub password_link: Option<Action>,
}

/// Settings.
#[derive(Clone, Debug, Template)]
#[template(path = "access/settings.html")]
pub struct SettingsPage {
    /// The frame.
    pub frame: Frame,
    /// The theme chosen.
    pub theme: Theme,
    /// Old and new password.
    pub password: Fields,
    /// All users.
    pub users: Vec<UserRow>,
    /// Whether the person may invite others.
    pub may_invite: bool,
    /// An invitation just made; shown once.
    pub invitation: Option<Invitation>,
    /// The newest rows of the audit log.
    pub audit: Vec<AuditRow>,
}

/// A link just made, for somebody else.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The link.
    pub link: String,
    /// Whom to give it to and what it does, a sentence.
    pub text: String,
    /// Until when it works.
    pub until: Moment,
}

/// A row of the audit log.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// More.
    pub detail: String,
}

/// The audit log.
#[derive(Clone, Debug, Template)]
#[template(path = "access/audit.html")]
pub struct AuditPage {
    /// The frame.
    pub frame: Frame,
    /// The rows, the newest first.
    pub rows: Vec<AuditRow>,
    /// Older ones.
    pub pager: Pager,
}
