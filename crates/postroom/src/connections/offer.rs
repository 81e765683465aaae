//! What the form of a source offers: folders of the mailbox, projects of every Jira connection, issue types of the chosen
//! one. Asked live, side by side; what cannot be had is said beside its field.

use std::sync::Arc;

use fault::Fault;
use futures::future::join_all;
use jira::{IssueType, Project};
use microsoft::{Folder, Mailbox};
use uuid::Uuid;

use super::confirm::Posted;
use super::connection_type::ConnectionType;
use super::jira_checks::LIST_WITHIN;
use super::routes::State;
use super::start_counts::{self, StartCounts};
use super::start_day;
use super::store::jira::{self as rows, JiraConnection};
use crate::access::Admin;
use crate::profiles::store as profiles;
use crate::web::Problem;
use crate::web::form::Choice;

/// The most projects in the list; a longer list is no help.
const MOST_PROJECTS: usize = 500;

/// Which mailbox the form speaks of.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The account that reads it.
    pub(super) account: Uuid,
    /// Its id in the tenant, or its address.
    pub(super) native_id: String,
    /// Its address.
    pub(super) address: String,
    /// Whether it is the account's own.
    pub(super) is_own: bool,
    /// How it is reached.
    pub(super) over: ConnectionType,
    /// The address of an Exchange server of one's own, or empty.
    pub(super) ews_url: String,
}

/// What can be chosen.
#[derive(Debug)]
pub(super) struct Offer {
    /// The mailbox.
    pub(super) reading: Reading,
    /// A way to it.
    pub(super) mailbox: Option<Arc<dyn Mailbox>>,
    /// Its folders.
    pub(super) folders: Result<Vec<Folder>, Fault>,
    /// The folder that is chosen.
    pub(super) chosen_folder: Option<Folder>,
    /// How many of its mails each start point means, where the mailbox tells.
    pub(super) counts: Option<StartCounts>,
    projects: Vec<(JiraConnection, Project)>,
    /// Why there are no projects, or not all.
    pub(super) project_problem: Option<String>,
    chosen: Option<usize>,
    /// The issue types of the chosen project.
    pub(super) types: Option<Result<Vec<IssueType>, Fault>>,
    /// The profiles that there are.
    profiles: Vec<profiles::Row>,
}

/// How a project is posted.
pub(super) fn project_value(connection: Uuid, key: &str) -> String {
    format!("{connection}/{key}")
}

impl Offer {
    /// Asks the mailbox and Jira.
    pub(super) async fn load(
        state: &State,
        admin: &Admin,
        reading: Reading,
        posted: &Posted,
    ) -> Result<Self, Problem> {
        let sites = rows::all(&state.connections.db, admin.workspace()).await?;
        let profiles = profiles::all(&state.connections.db, admin.workspace()).await?;
        let ((mailbox, folders), (projects, project_problem)) =
            tokio::join!(folders_of(state, &reading), projects_of(state, &sites));
        let chosen = choose(&projects, posted.project.trim());
        let types = match chosen {
            Some(at) => Some(types_of(state, &projects[at]).await),
            None => None,
        };
        let mut offer = Self {
            reading,
            mailbox,
            folders,
            chosen_folder: None,
            counts: None,
            projects,
            project_problem,
            chosen,
            types,
            profiles,
        };
        // Another mailbox has other folders: the choice begins anew.
        let anew = || offer.folder("").filter(|_| posted.wanted == "folders");
        offer.chosen_folder = offer.folder_of(posted).or_else(anew).cloned();
        if let (Some(mailbox), Some(folder)) = (&offer.mailbox, &offer.chosen_folder) {
            let now = admin.times().now;
            let zone = start_day::zone(&posted.zone).map(|(_, zone)| zone);
            let since =
                zone.and_then(|zone| start_day::midnight(&posted.since, &zone)).filter(|at| *at <= now);
            offer.counts = start_counts::ask(mailbox.as_ref(), &folder.id, since, now).await;
        }
        Ok(offer)
    }

    /// The profiles to choose from; nothing stands for the standard one.
    pub(super) fn profile_choices(&self) -> Vec<Choice> {
        let standard = Choice::new("", "standard: a reply joins its issue, other mail makes a new one");
        let own =
            self.profiles.iter().map(|profile| Choice::new(profile.id.to_string(), profile.name.clone()));
        std::iter::once(standard).chain(own).collect()
    }

    /// The profile of this value: none is the standard one. An error where it is none of them.
    pub(super) fn profile(&self, value: &str) -> Result<Option<Uuid>, ()> {
        if value.is_empty() {
            return Ok(None);
        }
        let found = self.profiles.iter().find(|profile| profile.id.to_string() == value);
        found.map(|profile| Some(profile.id)).ok_or(())
    }

    /// The folder that was posted: the one whose path was written, else the one that was chosen.
    pub(super) fn folder_of(&self, posted: &Posted) -> Option<&Folder> {
        let written = posted.folder_path.trim();
        if written.is_empty() { self.folder(&posted.folder) } else { self.folder_called(written) }
    }

    /// The folder with this id or well-known name; the Inbox while none is chosen.
    pub(super) fn folder(&self, wanted: &str) -> Option<&Folder> {
        let folders = self.folders.as_ref().ok()?;
        if wanted.is_empty() || wanted.eq_ignore_ascii_case("inbox") {
            let inbox = folders.iter().find(|folder| is_inbox(folder));
            return inbox.or_else(|| folders.first().filter(|_| wanted.is_empty()));
        }
        let is_wanted =
            |folder: &&Folder| folder.id.as_str() == wanted || folder.well_known.as_deref() == Some(wanted);
        folders.iter().find(is_wanted)
    }

    /// The folder of this path or, where it is the only one, of this name.
    pub(super) fn folder_called(&self, name: &str) -> Option<&Folder> {
        let folders = self.folders.as_ref().ok()?;
        let wanted = name.trim().trim_matches('/').to_lowercase();
        if let Some(folder) = folders.iter().find(|folder| folder.path.to_lowercase() == wanted) {
            return Some(folder);
        }
        let mut named = folders.iter().filter(|folder| folder.name.to_lowercase() == wanted);
        named.next().filter(|_| named.next().is_none())
    }

    /// The projects as choices; their site is named where there are several.
    pub(super) fn project_choices(&self) -> Vec<Choice> {
        let several = self
            .projects
            .first()
            .is_some_and(|(first, _)| self.projects.iter().any(|(site, _)| site.id != first.id));
        self.projects
            .iter()
            .map(|(site, project)| {
                let at = if several { format!(" · {}", site.name) } else { String::new() };
                Choice::new(
                    project_value(site.id, &project.key),
                    format!("{} · {}{at}", project.key, project.name),
                )
            })
            .collect()
    }

    /// The chosen project with its connection.
    pub(super) fn chosen(&self) -> Option<(Uuid, &Project)> {
        let (site, project) = self.projects.get(self.chosen?)?;
        Some((site.id, project))
    }

    /// The chosen project as it is posted.
    pub(super) fn chosen_value(&self) -> String {
        self.chosen().map_or_else(String::new, |(site, project)| project_value(site, &project.key))
    }

    /// Issue types by name: types of the same name have other ids in other projects.
    pub(super) fn type_choices(&self) -> Vec<Choice> {
        self.types_there().iter().map(|kind| Choice::new(&kind.name, &kind.name)).collect()
    }

    fn types_there(&self) -> &[IssueType] {
        match &self.types {
            Some(Ok(types)) => types,
            _ => &[],
        }
    }

    /// The type of this name; while none is chosen, the one that fits mail best.
    pub(super) fn type_named(&self, name: &str) -> Option<&IssueType> {
        let types = self.types_there();
        if name.is_empty() {
            let usual = |word: &str| types.iter().find(|kind| kind.name.eq_ignore_ascii_case(word));
            return usual("task").or_else(|| usual("support")).or_else(|| types.first());
        }
        types.iter().find(|kind| kind.name == name || kind.id == name)
    }
}

/// Its name depends on the owner's language.
fn is_inbox(folder: &Folder) -> bool {
    folder.well_known.as_deref() == Some("inbox")
}

async fn folders_of(
    state: &State,
    reading: &Reading,
) -> (Option<Arc<dyn Mailbox>>, Result<Vec<Folder>, Fault>) {
    let Reading { account, native_id, address, over, ews_url, .. } = reading;
    let mailbox = match state.connections.mailbox_over(*over, *account, native_id, address, ews_url).await {
        Ok(mailbox) => mailbox,
        Err(fault) => return (None, Err(fault)),
    };
    let folders = match tokio::time::timeout(LIST_WITHIN, mailbox.folders()).await {
        Ok(answer) => answer,
        Err(_) => Err(too_slow("Microsoft")),
    };
    (Some(mailbox), folders)
}

fn too_slow(who: &str) -> Fault {
    let host = fault::Network {
        kind: fault::NetworkKind::Timeout,
        host: who,
        detail: "the list did not come in time",
    };
    Fault::network(&host)
}

async fn projects_of(
    state: &State,
    sites: &[JiraConnection],
) -> (Vec<(JiraConnection, Project)>, Option<String>) {
    if sites.is_empty() {
        return (
            Vec::new(),
            Some("No Jira site is connected yet: connect one under Jira, then come back.".to_owned()),
        );
    }
    let asked = sites.iter().map(async |site| {
        let client = state.connections.jira(site.id).await?;
        match tokio::time::timeout(LIST_WITHIN, client.projects("")).await {
            Ok(projects) => projects.map_err(|error| error.fault),
            Err(_) => Err(too_slow("Jira")),
        }
    });
    let (mut all, mut problem) = (Vec::new(), None);
    for (site, answer) in sites.iter().zip(join_all(asked).await) {
        match answer {
            Ok(projects) => all.extend(projects.into_iter().map(|project| (site.clone(), project))),
            Err(fault) => {
                problem = Some(format!("The projects of {} cannot be read: {}", site.name, fault.sentence()));
            }
        }
    }
    all.truncate(MOST_PROJECTS);
    if all.is_empty() && problem.is_none() {
        problem = Some(
            "The Jira user sees no project: give it access to one, then load this page again.".to_owned(),
        );
    }
    // One site that does not answer does not stand in the way of the others.
    let problem = problem.filter(|_| all.is_empty());
    (all, problem)
}

/// The project that was posted: with its connection, or by its key alone.
fn choose(projects: &[(JiraConnection, Project)], wanted: &str) -> Option<usize> {
    if wanted.is_empty() {
        return (!projects.is_empty()).then_some(0);
    }
    let whole = projects.iter().position(|(site, project)| project_value(site.id, &project.key) == wanted);
    let mut by_key =
        projects.iter().enumerate().filter(|(_, (_, project))| project.key == wanted).map(|(at, _)| at);
    whole.or_else(|| by_key.next().filter(|_| by_key.next().is_none()))
}

async fn types_of(
    state: &State,
    (site, project): &(JiraConnection, Project),
) -> Result<Vec<IssueType>, Fault> {
    let client = state.connections.jira(site.id).await?;
    let types = match tokio::time::timeout(LIST_WITHIN, client.issue_types(&project.key)).await {
        Ok(types) => types.map_err(|error| error.fault)?,
        Err(_) => return Err(too_slow("Jira")),
    };
    // A sub-task needs a parent, which a mail cannot give.
    Ok(types.into_iter().filter(|kind| !kind.subtask).collect())
}
