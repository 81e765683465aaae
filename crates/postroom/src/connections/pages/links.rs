//! Sign-in links: the form and the list for users of the console, and what the owner of a mailbox sees.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, Icon};
use crate::web::form::Fields;
use crate::web::times::Moment;

/// A link in the list.
#[derive(Clone, Debug)]
pub struct LinkRow {
    /// The mailbox.
    pub mailbox: String,
    /// What Postroom does with the sign-in.
    pub purpose: &'static str,
    /// Who asks.
    pub asked_by: String,
    /// What for.
    pub reason: String,
    /// When it was made.
    pub made: Moment,
    /// When it ends, while it works.
    pub ends: Option<Moment>,
    /// Where it stands, in words.
    pub state: String,
    /// Since when.
    pub at: Option<Moment>,
    /// Takes it back.
    pub revoke: Option<Action>,
}

/// The form and the list.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/links.html")]
pub struct LinksPage {
    /// The frame.
    pub frame: Frame,
    /// The list that it belongs to, and its name.
    pub list: (&'static str, &'static str),
    /// Where the form is posted to.
    pub action: String,
    /// The form.
    pub fields: Fields,
    /// The newest links.
    pub rows: Vec<LinkRow>,
    /// Whether the viewer may make one.
    pub may_make: bool,
}

/// A link was made: shown once.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/link_made.html")]
pub struct LinkMadePage {
    /// The frame.
    pub frame: Frame,
    /// The list that it belongs to, and its name.
    pub list: (&'static str, &'static str),
    /// The mailbox; empty where its owner chooses.
    pub mailbox: String,
    /// The link.
    pub address: String,
    /// Copies it.
    pub copy: Action,
    /// Its end.
    pub until: Moment,
}

/// What its owner sees.
#[derive(Clone, Template)]
#[template(path = "connections/owner.html")]
pub struct OwnerPage {
    /// The frame.
    pub frame: Frame,
    /// The link's token, for the form.
    pub token: String,
    /// Whether mail is sent from the mailbox; else it is read.
    pub sends: bool,
    /// The mailbox; empty where they choose.
    pub mailbox: String,
    /// Who asks.
    pub asked_by: String,
    /// What for.
    pub reason: String,
    /// What is asked for, in words.
    pub asked: Vec<String>,
    /// The link's end.
    pub until: Moment,
    /// On the button.
    pub icon: Icon,
}

impl std::fmt::Debug for OwnerPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnerPage").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

/// Done.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/owner_done.html")]
pub struct OwnerDonePage {
    /// The frame.
    pub frame: Frame,
    /// Whom they signed in as.
    pub name: String,
    /// Who asked.
    pub asked_by: String,
}

/// An administrator has to approve.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/owner_waits.html")]
pub struct OwnerWaitsPage {
    /// The frame.
    pub frame: Frame,
    /// Whether nothing more is for the owner to do.
    pub is_watched: bool,
    /// Who asked.
    pub asked_by: String,
    /// Microsoft's code.
    pub code: String,
    /// Copies the consent link.
    pub copy: Action,
}
