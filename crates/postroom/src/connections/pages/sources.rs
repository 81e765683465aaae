//! Message Sources: the list.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, Empty, Health, Menu, PingView, Tone};
use crate::web::times::Moment;

/// Said before anybody meets the box on Microsoft's page.
pub const ORGANISATION_BOX: &str = "Microsoft shows administrators a box, Consent on behalf of your organization: leave it empty, and you \
                                    agree for this account alone; tick it, and nobody in the tenant is asked any more.";

/// A second line under a row: something is to be said, and what mends it.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its colour.
    pub tone: Tone,
    /// Since when.
    pub since: Option<Moment>,
    /// What is to be said, a sentence.
    pub text: String,
    /// The other side's code; empty where there is none.
    pub code: String,
    /// The button that mends it.
    pub action: Option<Action>,
    /// Where else it is mended: the portal's page, the command.
    pub ways: Vec<Action>,
}

/// A source in the list.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// The row's id: stable, used to replace the row in place.
    pub id: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// Its page.
    pub href: String,
    /// The folder; empty while none is chosen.
    pub folder: String,
    /// `Graph` or `EWS`.
    pub connection_type: &'static str,
    /// The project's key; empty while none is chosen.
    pub target: String,
    /// Its health.
    pub health: Health,
    /// When the last mail came.
    pub last_mail: Option<Moment>,
    /// Words beside the state in place of the last mail: `retrying in 14 s`, `no mail yet`.
    pub beside: String,
    /// What is to be said, each on a line of its own.
    pub said: Vec<Said>,
    /// The ping button (green).
    pub ping: Option<Action>,
    /// The validate button.
    pub validate: Option<Action>,
    /// The rest of the actions.
    pub menu: Menu,
    /// The result of a ping, under the row.
    pub result: Option<PingView>,
}

/// Message Sources.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/sources.html")]
pub struct SourcesPage {
    /// The frame, with **Sign in with Microsoft** and *Create ▾* beside the heading.
    pub frame: Frame,
    /// The sources.
    pub rows: Vec<SourceRow>,
    /// What an empty list says.
    pub empty: Empty,
}

impl SourceRow {
    /// The menu, which on a phone also holds ping and validate.
    pub(in crate::connections) fn whole_menu(&self) -> Menu {
        self.menu.with_on_phones(self.ping.iter().chain(&self.validate))
    }
}

impl SourcesPage {
    /// What an empty list says.
    pub fn nothing(sign_in: Option<Action>) -> Empty {
        Empty {
            title: "No mailbox is read yet".to_owned(),
            text: format!(
                "Sign in with the Microsoft account that reads the mailbox. On the next page you choose folder, start point and Jira \
                 project; until then nothing is read. {ORGANISATION_BOX}"
            ),
            action: sign_in,
        }
    }
}
