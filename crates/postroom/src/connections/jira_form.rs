//! The form of a Jira connection: the choice of a kind, the steps that come before, the fields. What is posted is tested and kept by
//! [`jira_site`](super::jira_site).

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use fault::Fault;
use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

use super::jira_kind::{JiraKind, SCOPES, SERVICE_SCOPE};
use super::jira_ping::in_words;
use super::pages::{ChooseJiraPage, ConnectJiraPage, KindChoice, StepView};
use super::ping::Report;
use super::routes::{State, time};
use super::store::jira::JiraConnection;
use crate::access::{Admin, Viewer};
use crate::web::components::{Action, FaultView};
use crate::web::form::{Field, Fields};
use crate::web::{self, Frame, Problem, Section};

/// What is posted to the form.
#[derive(Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) base_url: String,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) cloud_id: String,
    #[serde(default)]
    pub(super) token: Token,
    #[serde(default)]
    pub(super) ends: String,
}

/// A token as it is posted: never shown.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
pub(super) struct Token(pub(super) SecretString);

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(SecretString::from(token.trim().to_owned()))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// `?kind=` of the form.
#[derive(Debug, Default, Deserialize)]
pub struct Chosen {
    kind: Option<String>,
}

pub(super) fn kind_of(posted: &Posted) -> JiraKind {
    JiraKind::of_word(&posted.kind).unwrap_or(JiraKind::Token)
}

pub(super) fn fields(posted: &Posted, is_change: bool) -> Fields {
    let kind = kind_of(posted);
    let site =
        Field::url("base_url", if kind.is_cloud() { "Address of the site" } else { "Address of the server" })
            .value(&posted.base_url)
            .placeholder(if kind.is_cloud() {
                "https://example.atlassian.net"
            } else {
                "https://jira.example.com"
            })
            .autocomplete("url");
    let mut fields = vec![site];
    match kind {
        JiraKind::Service => fields.push(
            Field::line("username", "Client ID")
                .value(&posted.username)
                .hint("Shown at the service account's OAuth 2.0 credentials."),
        ),
        JiraKind::Scoped => fields.push(
            Field::line("username", "Address of the account")
                .value(&posted.username)
                .hint("Whom the token belongs to. Of a service account: the address that its page shows.")
                .autocomplete("username"),
        ),
        JiraKind::Token => fields.push(
            Field::line("username", "User")
                .value(&posted.username)
                .hint("The address that the token belongs to.")
                .autocomplete("username"),
        ),
        JiraKind::DataCenter => {}
    }
    let (label, hint) = match kind {
        JiraKind::Service => ("Client secret", "Shown once, when the credentials are made."),
        JiraKind::Scoped => ("API token with scopes", "Shown once, when it is made."),
        JiraKind::Token => ("API token", "Made at id.atlassian.com under Security, without scopes."),
        JiraKind::DataCenter => {
            ("Personal access token", "Made in Jira under Profile, Personal Access Tokens.")
        }
    };
    let token = Field::secret("token", label).hint(hint).autocomplete("new-password");
    fields.push(if is_change { token.optional() } else { token });
    let ends = Field::date("ends", "Ends on").optional().value(&posted.ends);
    fields.push(match kind {
        JiraKind::Service => ends.hint("Where your organisation has the credentials end. Postroom warns 30, 7 and 1 days before."),
        JiraKind::Scoped | JiraKind::Token => ends.hint(
            "The day that was chosen when it was made: within a year. Postroom warns 30, 7 and 1 days before; without the day it \
             counts a year from today.",
        ),
        JiraKind::DataCenter => ends.hint(
            "Where Jira tells it, Postroom reads it by itself. Postroom warns 30, 7 and 1 days before.",
        ),
    });
    if kind.is_behind_gateway() {
        fields.push(
            Field::line("cloud_id", "Cloud id")
                .optional()
                .value(&posted.cloud_id)
                .hint("Leave it empty: the site tells it. Only where the site cannot be asked, look it up and enter it."),
        );
    }
    Fields::new(fields)
}

/// What a form is about.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) tested: Option<&'a Report>,
    pub(super) fault: Option<&'a Fault>,
    pub(super) change: Option<Uuid>,
    /// The kind that works in the place of the chosen one.
    pub(super) better: Option<JiraKind>,
}

fn address_of(change: Option<Uuid>) -> String {
    change.map_or_else(|| "/jira/new".to_owned(), |id| format!("/jira/{id}/edit"))
}

pub(super) fn form_page(
    viewer: &Viewer,
    kind: JiraKind,
    fields: Fields,
    around: Around<'_>,
) -> Result<Response, Problem> {
    let change = around.change;
    let title = if change.is_some() { "Change a Jira connection" } else { "Connect Jira" };
    let action = address_of(change);
    let frame: Frame = viewer.frame(Section::Jira, title);
    let fault = around.fault.map(|fault| {
        let view = FaultView::of(fault, None);
        match around.better {
            Some(better) => view.with(Action::go(better.name(), format!("{action}?kind={}", better.word()))),
            None => view,
        }
    });
    let steps = kind.steps().iter().map(|step| StepView {
        text: step.text,
        link: step.link.map(|(label, to)| Action::leave(label, to)),
    });
    web::page(&ConnectJiraPage {
        frame,
        kind: kind.word(),
        kind_name: kind.name(),
        steps: steps.collect(),
        scopes: if kind.is_behind_gateway() {
            SCOPES.into_iter().chain([SERVICE_SCOPE]).collect()
        } else {
            Vec::new()
        },
        needed: jira::Permissions::NEEDED.into_iter().map(in_words).collect(),
        useful: jira::Permissions::USEFUL.into_iter().map(in_words).collect(),
        ping: around.tested.map(|report| report.view(viewer.times(), String::new())),
        other: format!("{action}?kind=choose"),
        cancel: change.map_or_else(|| "/jira".to_owned(), |id| format!("/jira/{id}")),
        action,
        fields,
        fault,
        is_change: change.is_some(),
    })
}

fn choose(viewer: &Viewer, change: Option<&JiraConnection>) -> Result<Response, Problem> {
    let title = if change.is_some() { "Sign in to Jira another way" } else { "Connect Jira" };
    let here = change.map(JiraKind::of);
    let to = address_of(change.map(|row| row.id));
    let kinds = JiraKind::ALL.into_iter().map(|kind| KindChoice {
        name: kind.name(),
        hint: kind.hint(),
        href: format!("{to}?kind={}", kind.word()),
        is_here: here == Some(kind),
    });
    web::page(&ChooseJiraPage { frame: viewer.frame(Section::Jira, title), kinds: kinds.collect() })
}

/// GET /jira/new
pub async fn new(admin: Admin, Query(chosen): Query<Chosen>) -> Result<Response, Problem> {
    let Some(kind) = chosen.kind.as_deref().and_then(JiraKind::of_word) else { return choose(&admin, None) };
    let posted = Posted { kind: kind.word().to_owned(), ..Posted::default() };
    let around = Around { tested: None, fault: None, change: None, better: None };
    form_page(&admin, kind, fields(&posted, false), around)
}

/// GET /jira/{id}/edit
pub async fn edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Problem> {
    let row = state.jira_connection(admin.workspace(), id).await?;
    if chosen.kind.as_deref() == Some("choose") {
        return choose(&admin, Some(&row));
    }
    let kind = chosen.kind.as_deref().and_then(JiraKind::of_word).unwrap_or_else(|| JiraKind::of(&row));
    let is_same = kind == JiraKind::of(&row);
    let by_hand = row.secret_ends_at.filter(|_| row.secret_ends_by == "hand" && is_same);
    let posted = Posted {
        kind: kind.word().to_owned(),
        base_url: row.base_url,
        // A client id is nobody's address, and the other way round.
        username: if is_same || (kind != JiraKind::Service && row.kind != JiraKind::Service.word()) {
            row.username
        } else {
            String::new()
        },
        cloud_id: String::new(),
        token: Token::default(),
        ends: by_hand.map_or_else(String::new, |at| time(at).strftime("%Y-%m-%d").to_string()),
    };
    let around = Around { tested: None, fault: None, change: Some(id), better: None };
    form_page(&admin, kind, fields(&posted, is_same), around)
}
