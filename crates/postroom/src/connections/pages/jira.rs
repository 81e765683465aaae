//! Jira: its connections, one of them, the choice of a kind, and the form that makes one.

use askama::Template;

use super::{Expiry, Setting, SourceRow};
use crate::web::Frame;
use crate::web::components::{Action, Empty, FaultView, Health, PingView, Timeline};
use crate::web::form::Fields;
use crate::web::times::Moment;

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

/// A source that writes to a connection.
#[derive(Clone, Debug)]
pub struct WriterRow {
    /// Its page.
    pub href: String,
    /// Mailbox and folder.
    pub name: String,
    /// The project's key.
    pub project: String,
    /// The issue type.
    pub issue_type: String,
    /// Whether Jira itself sends from its mailbox.
    pub is_read_twice: bool,
}

/// Jira connections.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/jira.html")]
pub struct JiraPage {
    /// The frame, with *Connect Jira* beside the heading.
    pub frame: Frame,
    /// The connections: name, projects, kind, whom they write as.
    pub rows: Vec<SourceRow>,
    /// What an empty list says.
    pub empty: Empty,
}

impl JiraPage {
    /// What an empty list says.
    pub fn nothing() -> Empty {
        Empty {
            title: "No Jira site is connected yet".to_owned(),
            text: "A service account, an API token or a personal access token is enough. The connection is tested before it is kept."
                .to_owned(),
            action: Some(Action::go("Connect Jira", "/jira/new").primary()),
        }
    }
}

/// One connection.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/jira_connection.html")]
pub struct JiraConnectionPage {
    /// The frame: the title is its name.
    pub frame: Frame,
    /// Its health.
    pub health: Health,
    /// Since when.
    pub since: Moment,
    /// What is wrong, what comes first first.
    pub faults: Vec<FaultView>,
    /// The last time that it answered as it should.
    pub last_success: Option<Moment>,
    /// When it is tried again, in words.
    pub next_try: Option<String>,
    /// Mails that wait for it.
    pub waiting: u64,
    /// What the site has told of its limits: name and value.
    pub limits: Vec<(String, String)>,
    /// What the last ping found.
    pub ping: Option<PingView>,
    /// The projects that mail goes to.
    pub projects: Vec<ProjectRow>,
    /// The sources that write there.
    pub writers: Vec<WriterRow>,
    /// What happened.
    pub timeline: Timeline,
    /// What will end.
    pub expires: Vec<Expiry>,
    /// Settings.
    pub settings: Vec<Setting>,
    /// Where they are changed.
    pub edit: Option<Action>,
    /// What takes something away: pause, remove.
    pub dangers: Vec<Action>,
    /// Whether sources write there, so that it cannot be removed.
    pub is_used: bool,
}

/// A kind to choose.
#[derive(Clone, Debug)]
pub struct KindChoice {
    /// Its name.
    pub name: &'static str,
    /// For whom it is.
    pub hint: &'static str,
    /// Its form.
    pub href: String,
    /// Whether the connection is of it.
    pub is_here: bool,
}

/// The kinds of connections.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/choose_jira.html")]
pub struct ChooseJiraPage {
    /// The frame.
    pub frame: Frame,
    /// The kinds.
    pub kinds: Vec<KindChoice>,
}

/// What somebody does before the form can be filled in.
#[derive(Clone, Debug)]
pub struct StepView {
    /// What.
    pub text: &'static str,
    /// Where.
    pub link: Option<Action>,
}

/// Connects a site, or changes a connection.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/connect_jira.html")]
pub struct ConnectJiraPage {
    /// The frame.
    pub frame: Frame,
    /// Where it is posted to.
    pub action: String,
    /// The kind, as it is posted.
    pub kind: &'static str,
    /// The kind, as people know it.
    pub kind_name: &'static str,
    /// What is done before, in order.
    pub steps: Vec<StepView>,
    /// The scopes that the token needs; empty where it has none.
    pub scopes: Vec<&'static str>,
    /// The permissions that are needed in each project.
    pub needed: Vec<&'static str>,
    /// Those that rules may ask for.
    pub useful: Vec<&'static str>,
    /// Where another kind is chosen.
    pub other: String,
    /// Where *Cancel* leads.
    pub cancel: String,
    /// `base_url`, `username`, `token` (write-only), `ends`, `cloud_id`.
    pub fields: Fields,
    /// Why the test went wrong.
    pub fault: Option<FaultView>,
    /// The lines of the test.
    pub ping: Option<PingView>,
    /// Whether a connection is changed, whose secret stays when the field is left empty.
    pub is_change: bool,
}

impl ConnectJiraPage {
    /// The scopes as they are pasted.
    fn copy_scopes(&self) -> Action {
        Action::copy("Copy the scopes", self.scopes.join(" "))
    }
}
