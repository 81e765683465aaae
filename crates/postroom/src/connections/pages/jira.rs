//! Jira: its connections, and the form that makes one.

use askama::Template;

use crate::web::Frame;
use crate::web::components::{Action, Empty, FaultView, Health, Menu, PingView};
use crate::web::form::Fields;

/// A project that mail goes to.
#[derive(Clone, Debug)]
pub struct ProjectRow {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its health.
    pub health: Health,
    /// What is to be said; empty when all is well.
    pub text: String,
    /// Sources that send mail to it.
    pub sources: u64,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct JiraRow {
    /// The row's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `Cloud, API token`, `Data Center, personal access token`.
    pub kind: String,
    /// The site's address.
    pub base_url: String,
    /// Whom Postroom writes as.
    pub user: String,
    /// Its health.
    pub health: Health,
    /// Words beside the state.
    pub beside: String,
    /// What is wrong.
    pub fault: Option<FaultView>,
    /// The ping button.
    pub ping: Option<Action>,
    /// The rest.
    pub menu: Menu,
    /// The result of a ping.
    pub result: Option<PingView>,
    /// The projects that mail goes to.
    pub projects: Vec<ProjectRow>,
}

impl JiraRow {
    /// The menu, which on a phone also holds ping.
    fn whole_menu(&self) -> Menu {
        self.menu.with_on_phones(&self.ping)
    }
}

/// Jira.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/jira.html")]
pub struct JiraPage {
    /// The frame, with *Connect Jira* beside the heading.
    pub frame: Frame,
    /// The connections.
    pub rows: Vec<JiraRow>,
    /// What an empty list says.
    pub empty: Empty,
}

impl JiraPage {
    /// What an empty list says.
    pub fn nothing() -> Empty {
        Empty {
            title: "No Jira site is connected yet".to_owned(),
            text: "Its address and a token are enough. The connection is tested before it is kept."
                .to_owned(),
            action: Some(Action::go("Connect Jira", "/jira/new").primary()),
        }
    }
}

/// Connects a site, or changes a connection.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/connect_jira.html")]
pub struct ConnectJiraPage {
    /// The frame.
    pub frame: Frame,
    /// Where it is posted to.
    pub action: String,
    /// `kind`, `base_url`, `username`, `token` (write-only).
    pub fields: Fields,
    /// Why the test went wrong.
    pub fault: Option<FaultView>,
    /// The lines of the test.
    pub ping: Option<PingView>,
    /// Whether a connection is changed, whose token stays when the field is left empty.
    pub is_change: bool,
}
