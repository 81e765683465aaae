//! Who signs in: a user of the console, or the owner of a mailbox with a link.

use uuid::Uuid;

use crate::access::{Actor, Admin};
use crate::connections::store::links;
use crate::web::{Client, Frame, Section};

/// Who signs in, and in which browser.
#[derive(Clone, Debug)]
pub enum Who {
    /// A user of the console.
    Admin(Admin),
    /// A mailbox's owner with a link, who has no account here.
    Owner {
        /// The browser.
        client: Client,
        /// The link.
        link: Box<links::Link>,
    },
}

impl Who {
    pub(super) fn workspace(&self) -> Uuid {
        match self {
            Self::Admin(admin) => admin.workspace(),
            Self::Owner { link, .. } => link.workspace_id,
        }
    }

    pub(super) fn user(&self) -> Option<Uuid> {
        match self {
            Self::Admin(admin) => Some(admin.user().id),
            Self::Owner { .. } => None,
        }
    }

    /// As timeline and audit log name them.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Admin(admin) => admin.user().email.clone(),
            Self::Owner { link, .. } => format!("sign-in link of {}", link.asked_by),
        }
    }

    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Admin(admin) => admin.actor(),
            Self::Owner { client, link } => {
                Actor { workspace: link.workspace_id, user: None, name: self.name(), at: client.now() }
            }
        }
    }

    /// What binds a sign-in to this browser; none where the browser keeps no cookie.
    pub(super) fn browser(&self) -> Option<Vec<u8>> {
        match self {
            Self::Admin(admin) => Some(admin.session_hash().to_vec()),
            Self::Owner { client, .. } => client.visit_hash(),
        }
    }

    pub(super) fn frame(&self, title: &str) -> Frame {
        match self {
            Self::Admin(admin) => admin.frame(Section::Sources, title),
            Self::Owner { client, .. } => client.frame(title),
        }
    }
}
