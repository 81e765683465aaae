//! A past mail tried on rules that need not be saved: which matched, and what would become of it now. Nothing is written, neither
//! here nor in Jira.

use fault::Fault;
use mail::Mail;
use rules::{FieldValue, Outcome, Profile, SetField, Step, TraceLine};
use uuid::Uuid;

use crate::connections::Target;
use crate::inbound::decide::{self, Facts, Place, Site};
use crate::inbound::effects::Body;
use crate::messages::opened;
use crate::messages::routes::State;
use crate::messages::store::{self as rows, Whole};
use crate::web::components::MailState;

/// What would become of a mail.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What becomes of it.
    pub end: MailState,
    /// In a sentence.
    pub sentence: String,
    /// The fields that a new issue would get, with their values.
    pub fields: Vec<(String, String)>,
    /// The reasons.
    pub lines: Vec<TraceLine>,
}

/// Why a mail cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum CannotTry {
    /// It is not there, or its content is not.
    #[error("{0}")]
    NotThere(String),
    /// Jira or the database did not answer.
    #[error("{0}")]
    Fault(Fault),
}

impl From<Fault> for CannotTry {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<::store::StoreError> for CannotTry {
    fn from(error: ::store::StoreError) -> Self {
        Self::Fault(Fault::own("own.store", &error.to_string()))
    }
}

/// Tries a message that is stored here.
///
/// # Errors
/// The message is gone, or what it must be held against does not answer.
pub async fn message(
    state: &State,
    workspace: Uuid,
    profile: &Profile,
    id: Uuid,
) -> Result<(Whole, Tried), CannotTry> {
    let db = &state.connections.db;
    let message = rows::one(db, workspace, id).await?.ok_or_else(|| {
        CannotTry::NotThere("This mail is not known here any more: choose another one.".to_owned())
    })?;
    let content = opened::content(db, &state.ledger, &state.blobs, id, &message.content).await?;
    let mail = match content.map(|content| content.mail) {
        Some(Ok(mail)) => mail,
        Some(Err(cannot)) => return Err(CannotTry::NotThere(format!("This mail cannot be read: {cannot}"))),
        None => {
            return Err(CannotTry::NotThere(
                "The content of this mail is no longer kept: choose a newer one.".to_owned(),
            ));
        }
    };
    let target = state.connections.target_of(message.source_id).await?;
    let tried = tried(state, workspace, profile, &target, &mail, &message).await?;
    Ok((message, tried))
}

async fn tried(
    state: &State,
    workspace: Uuid,
    profile: &Profile,
    target: &Target,
    mail: &Mail,
    message: &Whole,
) -> Result<Tried, Fault> {
    let (connections, body) = (&state.connections, Body::of(mail));
    let facts = Facts {
        db: &connections.db,
        ledger: &state.ledger,
        profiles: &connections.profiles,
        clock: &*connections.clock,
    };
    let destination = &target.destination;
    let recorded = ledger::Ledger::recorded_in(&connections.db, message.id).await;
    let recorded = recorded.map_err(|error| Fault::own("own.store", &error.to_string()))?;
    let place = Place {
        workspace,
        jira_connection: destination.jira_connection,
        mailbox: recorded.map(|(mailbox, _)| mailbox),
        message: Some(message.id),
        // Its own answers came later.
        before: Some(message.ended_at.map_or(jiff::Timestamp::MAX, crate::connections::routes::time)),
    };
    let received_at = crate::connections::routes::time(message.received_at);
    let mut known = decide::known(&facts, place, target, (mail, &body), received_at, None).await?;
    let jira = Site { client: &destination.client, place };
    let decision = decide::by_rules(&facts, jira, profile, mail, &body.rich, &mut known).await?;
    let (end, sentence) = match &decision.plan.outcome {
        Outcome::Issue => (MailState::Issue, "It would become a new issue.".to_owned()),
        Outcome::Comment { issue_key, .. } => {
            (MailState::Comment, format!("It would become a comment on {issue_key}."))
        }
        Outcome::Ignored { rule, reason } => {
            (MailState::Ignored, format!("It would be ignored by the rule {rule}: {reason}."))
        }
        Outcome::Held { reason } => (MailState::Held, format!("It would be held for a person: {reason}.")),
    };
    let mut fields = Vec::new();
    for step in &decision.plan.steps {
        if let Step::CreateIssue { project_key, summary, fields: set, .. } = step {
            fields.push(("Project".to_owned(), project_key.clone()));
            fields.push(("Summary".to_owned(), jira::summary(summary)));
            fields.extend(set.iter().map(|field| (field.name.clone(), value(field, &known))));
        }
    }
    Ok(Tried { end, sentence, fields, lines: decision.trace.lines })
}

/// A value as people read it: the name where Jira takes an id.
fn value(field: &SetField, known: &rules::Facts) -> String {
    let allowed = known
        .projects
        .iter()
        .flat_map(|project| &project.issue_types)
        .flat_map(|kind| &kind.fields)
        .find(|facts| facts.id == field.id)
        .map_or(&[] as &[_], |facts| &facts.allowed);
    let one = |value: &serde_json::Value| {
        let id = value.get("id").and_then(serde_json::Value::as_str);
        match (id, value.as_str()) {
            (Some(id), _) => allowed
                .iter()
                .find(|allowed| allowed.id == id)
                .map_or_else(|| id.to_owned(), |allowed| allowed.name.clone()),
            (None, Some(text)) => text.to_owned(),
            (None, None) => value.to_string(),
        }
    };
    match &field.value {
        FieldValue::Document(text) => text.clone(),
        FieldValue::Json(serde_json::Value::Array(all)) => all.iter().map(one).collect::<Vec<_>>().join(", "),
        FieldValue::Json(value) => one(value),
    }
}
