//! The ping of a Jira connection: a line for each thing that has to work, in the order in which it is needed, each with its time. It
//! writes nothing to Jira.

use std::time::Duration;

use fault::Fault;
use jiff::{SignedDuration, Timestamp};
use jira::{Client, Myself, Permissions, ServiceManagement};
use store::{Clock, StoreError, Tx};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::Connections;
use super::jira_checks::{Found, files, server_in_words, signed_in_as};
use super::jira_kind::{JiraKind, SCOPES, SERVICE_SCOPE};
use super::jira_site;
use super::ping::{Check, Report};
use super::store::jira::{self as rows, JiraConnection};
use crate::inbound::effects::PROPERTY;
use crate::web::times::counted;

/// The names of the lines.
pub mod line {
    /// Whether the site answers.
    pub const REACHABLE: &str = "Reachable";
    /// Whether a service account gets a token.
    pub const TOKEN: &str = "Access token";
    /// Whom the token belongs to.
    pub const SIGNED_IN: &str = "Signed in";
    /// By which id the gateway knows the site.
    pub const CLOUD_ID: &str = "Cloud id";
    /// Which Jira it is.
    pub const VERSION: &str = "Version";
    /// Whether the clocks agree.
    pub const CLOCK: &str = "Clock";
    /// The largest file.
    pub const FILES: &str = "Attachments";
    /// Whether Service Management is there.
    pub const SERVICE: &str = "Service Management";
    /// When the token ends.
    pub const ENDS: &str = "Token ends";
}

/// Clocks that differ by more than this are told.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// So many issues of its own are looked through for one that Postroom made.
const NEWEST: u32 = 20;

/// What a ping learned.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// Who is signed in, and what the site is.
    pub found: Option<Found>,
    /// Which Jira it is.
    pub server: Option<String>,
    /// When the token ends, where Jira tells.
    pub ends: Option<Timestamp>,
    /// The addresses that Jira itself sends from, by project.
    pub addresses: Vec<(String, String)>,
}

/// What is tested.
#[derive(Debug)]
pub struct Tested<'a> {
    /// How it is signed in to.
    pub kind: JiraKind,
    /// The site.
    pub base_url: &'a str,
    /// The cloud id that the gateway is asked with.
    pub cloud_id: &'a str,
    /// The projects that mail goes to.
    pub projects: &'a [String],
}

struct Lines<'a> {
    checks: Vec<Check>,
    learned: Learned,
    client: &'a Client,
    clock: &'a dyn Clock,
}

/// Tests a stored connection.
pub async fn check(
    connections: &Connections,
    workspace: Uuid,
    row: &JiraConnection,
) -> Result<(Report, Learned), StoreError> {
    let projects = rows::projects(&connections.db, workspace).await?;
    let projects: Vec<String> = projects
        .into_iter()
        .filter(|project| project.jira_connection_id == row.id && project.sources > 0)
        .map(|project| project.project_key)
        .collect();
    let begun = Instant::now();
    let client = match connections.jira(row.id).await {
        Ok(client) => client,
        Err(fault) => {
            let checks = vec![Check::new(line::REACHABLE, Err(fault), begun.elapsed())];
            return Ok((Report { at: connections.clock.now(), checks }, Learned::default()));
        }
    };
    let tested = Tested {
        kind: JiraKind::of(row),
        base_url: &row.base_url,
        cloud_id: &row.cloud_id,
        projects: &projects,
    };
    Ok(check_with(connections, &client, &tested).await)
}

/// Tests with a client that need not be stored yet.
pub async fn check_with(
    connections: &Connections,
    client: &Client,
    tested: &Tested<'_>,
) -> (Report, Learned) {
    let mut lines =
        Lines { checks: Vec::new(), learned: Learned::default(), client, clock: connections.clock.as_ref() };
    lines.all(connections, tested).await;
    (Report { at: connections.clock.now(), checks: lines.checks }, lines.learned)
}

impl Lines<'_> {
    fn push(&mut self, name: &str, outcome: Result<String, Fault>, begun: Instant) -> bool {
        let check = Check::new(name, outcome, begun.elapsed());
        let good = check.is_good();
        self.checks.push(check);
        good
    }

    async fn all(&mut self, connections: &Connections, tested: &Tested<'_>) {
        let told = if tested.kind.is_behind_gateway() {
            match self.site(connections, tested).await {
                Some(told) => told,
                None => return,
            }
        } else {
            None
        };
        if tested.kind == JiraKind::Service && !self.token().await {
            return;
        }
        // Signing in shows best whether the API is there at all; the version costs one more call.
        let begun = Instant::now();
        let greeting = self.client.greet().await;
        let greeted = begun.elapsed();
        if !tested.kind.is_behind_gateway() {
            let answers = match &greeting {
                Err(error) if !is_an_answer(&error.fault) => Err(error.fault.clone()),
                _ => Ok(format!("{} answers", host_of(tested.base_url))),
            };
            let good = answers.is_ok();
            self.checks.push(Check::new(line::REACHABLE, answers, greeted));
            if !good {
                return;
            }
        }
        let begun = Instant::now();
        let myself = self.client.myself().await.map_err(|error| error.fault);
        let signed_in = myself.as_ref().map_err(Clone::clone).and_then(signed_in_as);
        if !self.push(line::SIGNED_IN, signed_in, begun) {
            return;
        }
        let Ok(myself) = myself else { return };
        if tested.kind.is_behind_gateway() {
            self.cloud_id(tested, told);
        }
        self.version(&greeting, greeted);
        self.files(myself, greeting.ok().map(|greeting| greeting.server)).await;
        self.service_management().await;
        if tested.kind == JiraKind::DataCenter {
            self.ends().await;
        }
        for project in tested.projects {
            self.project(project).await;
        }
    }

    /// The site itself, which tells its cloud id; the gateway would answer for sites that are not there any more.
    async fn site(&mut self, connections: &Connections, tested: &Tested<'_>) -> Option<Option<String>> {
        let begun = Instant::now();
        let Ok(site) = Url::parse(tested.base_url) else { return Some(None) };
        let host = host_of(tested.base_url);
        match jira::cloud_id(&connections.http, &site, connections.reach.request_timeout).await {
            Ok(id) => {
                self.push(line::REACHABLE, Ok(format!("{host} answers")), begun);
                Some(Some(id))
            }
            // It answers, and does not tell: the gateway shows whether the id that is known is good.
            Err(fault) if is_an_answer(&fault) => {
                self.push(line::REACHABLE, Ok(format!("{host} answers, and tells no cloud id")), begun);
                Some(None)
            }
            // Mail needs the gateway alone.
            Err(fault) if is_no_way(&fault) && !tested.cloud_id.is_empty() => {
                let text = format!("{host} cannot be asked from here; the gateway is ({fault})");
                self.checks.push(Check::unknown(line::REACHABLE, text, begun.elapsed()));
                Some(None)
            }
            Err(fault) => {
                self.push(line::REACHABLE, Err(fault), begun);
                None
            }
        }
    }

    async fn token(&mut self) -> bool {
        let begun = Instant::now();
        let token = self.client.sign_in().await;
        let outcome = token.map(|token| match token {
            None => String::new(),
            Some(token) => {
                let lasts = counted(token.lasts.as_secs().div_ceil(60), "minute", "minutes");
                let lacking: Vec<&str> = SCOPES
                    .into_iter()
                    .filter(|scope| !token.scopes.is_empty() && !token.scopes.iter().any(|own| own == scope))
                    .collect();
                if lacking.is_empty() {
                    format!("lasts {lasts}, replaced before it ends")
                } else {
                    format!("lasts {lasts}; without {}", lacking.join(", "))
                }
            }
        });
        self.push(line::TOKEN, outcome, begun)
    }

    fn cloud_id(&mut self, tested: &Tested<'_>, told: Option<String>) {
        let begun = Instant::now();
        let outcome = match told {
            Some(told) if told != tested.cloud_id => {
                Err(Fault::own("jira.cloud_id", &format!("the site says that it is {told}")))
            }
            Some(told) => Ok(format!("{told}, as the site says")),
            None => Ok(format!("{}, which the gateway knows", tested.cloud_id)),
        };
        self.push(line::CLOUD_ID, outcome, begun);
    }

    fn version(&mut self, greeting: &Result<jira::Greeting, jira::CallError>, took: Duration) {
        let outcome = greeting.as_ref().map_err(|error| error.fault.clone());
        if let Ok(greeting) = outcome {
            self.learned.server = Some(server_in_words(&greeting.server));
        }
        let version = outcome.map(|greeting| server_in_words(&greeting.server));
        self.checks.push(Check::new(line::VERSION, version, took));
        let Some(date) = greeting.as_ref().ok().and_then(|greeting| greeting.date) else { return };
        let skew = self.clock.now().duration_since(date);
        let seconds = skew.abs().as_secs();
        let side = if skew.is_negative() { "behind" } else { "ahead of" };
        let check = if skew.abs() <= SKEW {
            Check::new(
                line::CLOCK,
                Ok(format!("within {} of Jira's", counted(seconds + 1, "second", "seconds"))),
                took,
            )
        } else {
            let apart = counted(seconds / 60, "minute", "minutes");
            let text = format!("this machine's is {apart} {side} Jira's: set the one that is wrong by NTP");
            Check::unknown(line::CLOCK, text, took)
        };
        self.checks.push(check);
    }

    async fn files(&mut self, myself: Myself, server: Option<jira::ServerInfo>) {
        let begun = Instant::now();
        let limit = self.client.attachment_limit().await;
        let upload_limit = match &limit {
            Ok(limit) if limit.enabled => limit.upload_limit,
            // Nothing fits where nothing is taken.
            Ok(_) => Some(0),
            Err(_) => None,
        };
        self.push(line::FILES, files(&limit), begun);
        self.learned.found = Some(Found { myself, server, upload_limit });
    }

    async fn service_management(&mut self) {
        let begun = Instant::now();
        match self.client.service_management().await {
            Ok(ServiceManagement::There(version)) => {
                self.push(line::SERVICE, Ok(format!("there, {version}")), begun);
            }
            Ok(ServiceManagement::Unlicensed) => {
                self.push(line::SERVICE, Ok("there without a licence: not used".to_owned()), begun);
            }
            Ok(ServiceManagement::Missing) => {
                self.push(line::SERVICE, Ok("not there".to_owned()), begun);
            }
            Err(error) if error.fault.entry.id == "jira.scope" => {
                let text = format!("not known: the token has no {SERVICE_SCOPE}");
                self.checks.push(Check::not_tried(line::SERVICE, &text));
            }
            Err(error) => {
                self.push(line::SERVICE, Err(error.fault), begun);
            }
        }
    }

    async fn ends(&mut self) {
        const BY_HAND: &str = "this Jira does not tell: enter the day by hand";
        let begun = Instant::now();
        match self.client.personal_tokens().await {
            Ok(tokens) => match tokens.as_slice() {
                [] => self.checks.push(Check::not_tried(line::ENDS, BY_HAND)),
                [token] => {
                    self.learned.ends = token.ends_at;
                    let text = token.ends_at.map_or_else(
                        || format!("“{}” does not end", token.name),
                        |at| format!("“{}” on {}", token.name, at.strftime("%Y-%m-%d")),
                    );
                    self.push(line::ENDS, Ok(text), begun);
                }
                many => {
                    let number = counted(many.len(), "token", "tokens");
                    let text = format!(
                        "the user has {number}, and Jira does not tell which this is: enter the day by hand"
                    );
                    self.checks.push(Check::not_tried(line::ENDS, &text));
                }
            },
            Err(error) if matches!(error.fault.status, Some(401 | 403 | 404 | 405)) => {
                self.checks.push(Check::not_tried(line::ENDS, BY_HAND));
            }
            Err(error) => {
                self.push(line::ENDS, Err(error.fault), begun);
            }
        }
    }

    async fn project(&mut self, project: &str) {
        let begun = Instant::now();
        let wanted: Vec<&str> = Permissions::NEEDED.into_iter().chain(Permissions::USEFUL).collect();
        let permissions = self.client.permissions(project, &wanted).await;
        let may_browse = permissions.as_ref().is_ok_and(|held| held.has("BROWSE_PROJECTS"));
        let outcome = match permissions {
            Ok(held) => match held.missing().as_slice() {
                [] => Ok(permitted(&held)),
                missing => {
                    let missing: Vec<&str> = missing.iter().map(|key| in_words(key)).collect();
                    Err(Fault::own("jira.forbidden", &format!("in {project}: {}", missing.join(", "))))
                }
            },
            Err(error) => Err(error.fault),
        };
        self.push(&format!("{project}: permissions"), outcome, begun);
        if !may_browse {
            return;
        }
        let begun = Instant::now();
        let name = format!("{project}: reading back");
        let check = match read_back(self.client, project).await {
            Ok(Back::Proven(text)) => Check::new(&name, Ok(text), begun.elapsed()),
            Ok(Back::Open(text)) => Check::not_tried(&name, &text),
            Err(fault) => Check::new(&name, Err(fault), begun.elapsed()),
        };
        self.checks.push(check);
        let begun = Instant::now();
        if let Ok(address) = self.client.project_address(project).await {
            if let Some(address) = &address {
                let name = format!("{project}: Jira's own mail");
                self.push(&name, Ok(format!("is sent from {address}")), begun);
            }
            self.learned.addresses.push((project.to_owned(), address.unwrap_or_default()));
        }
    }
}

/// Whether somebody answered who may be Jira: what they said comes out at the sign-in.
fn is_an_answer(fault: &Fault) -> bool {
    matches!(
        fault.entry.id,
        "jira.token"
            | "jira.scope"
            | "jira.captcha"
            | "jira.forbidden"
            | "jira.throttled"
            | "jira.client_credentials"
    ) || (fault.entry.id == "jira.not_found" && fault.status == Some(404))
}

/// Whether there is no way from here to the site: nobody answers, or somebody else does.
fn is_no_way(fault: &Fault) -> bool {
    let id = fault.entry.id;
    id.starts_with("network.") || matches!(id, "jira.page" | "jira.login_page" | "jira.moved")
}

/// What of a ping is about the site itself. What a project lacks is told of the project, when mail needs it.
pub fn of_site(report: &Report) -> Report {
    let checks = report.checks.iter().filter(|check| !is_of_project(check)).cloned().collect();
    Report { at: report.at, checks }
}

/// The lines of a project begin with its key.
fn is_of_project(check: &Check) -> bool {
    check.name.contains(": ")
}

/// A permission as Jira's pages name it.
pub fn in_words(key: &str) -> &str {
    match key {
        "BROWSE_PROJECTS" => "Browse projects",
        "CREATE_ISSUES" => "Create issues",
        "ADD_COMMENTS" => "Add comments",
        "CREATE_ATTACHMENTS" => "Create attachments",
        "MODIFY_REPORTER" => "Modify reporter",
        "MANAGE_WATCHERS" => "Manage watchers",
        "TRANSITION_ISSUES" => "Transition issues",
        "LINK_ISSUES" => "Link issues",
        other => other,
    }
}

fn permitted(held: &Permissions) -> String {
    let has: Vec<&str> = Permissions::USEFUL.into_iter().filter(|key| held.has(key)).map(in_words).collect();
    let lacking: Vec<&str> = held.lacking().into_iter().map(in_words).collect();
    let mut text = "may browse, create issues, comment and attach".to_owned();
    if !has.is_empty() {
        text = format!("{text}; {}", has.join(", "));
    }
    if !lacking.is_empty() {
        text = format!("{text}. Not: {}, which rules may ask for", lacking.join(", "));
    }
    text
}

enum Back {
    Proven(String),
    Open(String),
}

/// Whether what was written with an issue is read back: by that a lost reply is made up for. The newest issues of this account show it,
/// once Postroom has made one.
async fn read_back(client: &Client, project: &str) -> Result<Back, Fault> {
    let jql =
        format!("project = {} AND creator = currentUser() ORDER BY created DESC", jira::quoted(project));
    let search = jira::Search {
        jql: &jql,
        fields: &["summary"],
        properties: &[PROPERTY],
        max_results: Some(NEWEST),
        ..jira::Search::default()
    };
    let found = match client.search(&search).await {
        Ok(found) => found.issues,
        // Data Center has another search.
        Err(error) if matches!(error.fault.status, Some(404 | 405 | 410)) => {
            return Ok(Back::Open("this Jira has another search, which is not asked".to_owned()));
        }
        Err(error) => return Err(error.fault),
    };
    let Some(own) = found.iter().find(|issue| issue.properties.get(PROPERTY).is_some()) else {
        return Ok(Back::Open("Postroom has made no issue here yet: the first one shows it".to_owned()));
    };
    // The search has a copy of its own; what counts is the issue itself.
    match client.issue_property(&own.key, PROPERTY).await.map_err(|error| error.fault)? {
        Some(_) => Ok(Back::Proven(format!("the key that Postroom left in {} is read back", own.key))),
        None => Ok(Back::Open(format!("{} is found and no longer there", own.key))),
    }
}

fn host_of(address: &str) -> String {
    Url::parse(address)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| address.to_owned())
}

/// Keeps what a ping learned of projects. Before their site, as whoever stops one does.
pub async fn keep_of_projects(tx: &mut Tx, id: Uuid, learned: &Learned) -> Result<(), StoreError> {
    for (project, address) in &learned.addresses {
        rows::put_address(tx, id, project, address).await?;
    }
    Ok(())
}

/// Keeps what a ping learned of the site.
pub async fn keep(tx: &mut Tx, row: &JiraConnection, learned: &Learned) -> Result<(), StoreError> {
    if let Some(found) = &learned.found {
        jira_site::learn(tx, row.id, found).await?;
    }
    if let Some(server) = &learned.server {
        rows::put_server(tx, row.id, server).await?;
    }
    if let Some(ends) = learned.ends {
        rows::secret_ends(tx, row.id, ends).await?;
    }
    Ok(())
}
