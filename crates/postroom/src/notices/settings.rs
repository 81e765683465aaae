//! Channels: added, tested, paused and removed. An address may let whoever knows it post, so it is sealed and never shown
//! again; what is shown is its host.

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::channels::{mail, webhook};
use super::pages::{ChannelPage, KeyPage};
use super::routes::State;
use super::send::{Sender, place};
use super::show::kind_in_words;
use super::store::{self as rows, Channel, NewChannel};
use crate::access::{Admin, audit};
use crate::connections::routes::flash_to;
use crate::web::form::{Field, Fields, secret};
use crate::web::{self, Flash, Problem, Section};

/// `?kind=`
#[derive(Debug, Deserialize)]
pub struct Of {
    kind: String,
}

/// What is posted.
#[derive(Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "secret")]
    address: SecretString,
    #[serde(default)]
    to: String,
}

fn known(kind: &str) -> Result<&'static str, Problem> {
    ["webhook", "slack", "teams", "mail"]
        .into_iter()
        .find(|known| *known == kind)
        .ok_or_else(|| Problem::not_found("kind of channel"))
}

fn lead(kind: &str) -> &'static str {
    match kind {
        "mail" => {
            "A mail from a Message Outbound that works. If the outbound is what breaks, the mail cannot be sent: have a second \
             way."
        }
        "slack" => {
            "In Slack: make an app, switch on Incoming Webhooks, add one to a channel, and copy its address \
             (https://hooks.slack.com/services/…)."
        }
        "teams" => {
            "In Teams: at the channel, open Workflows, choose “Post to a channel when a webhook request is received”, and copy \
             the address that it shows at the end."
        }
        _ => {
            "A JSON document is posted to an address of yours, signed as Standard Webhooks describes. The signing key is shown \
             on the next page, once."
        }
    }
}

fn fields(kind: &str, posted: &Posted) -> Fields {
    let name = Field::line("name", "Name").value(&posted.name).hint("As it is called in this list.");
    let target = if kind == "mail" {
        Field::line("to", "To")
            .value(&posted.to)
            .hint("Addresses, separated by commas.")
            .placeholder("it@company.com")
    } else {
        Field::secret("address", "Address").hint(
            "Begins with https://. It is kept sealed and not shown again. Addresses of private networks are refused unless \
             whoever runs Postroom allows the host.",
        )
    };
    Fields::new(vec![name, target])
}

fn form(admin: &Admin, kind: &'static str, fields: Fields) -> Result<Response, Problem> {
    let failed = fields.failed();
    let frame = admin.frame(Section::Notices, format!("New channel: {}", kind_in_words(kind)));
    let mut response = web::page(&ChannelPage { frame, kind, lead: lead(kind), fields })?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// GET /notices/channels/new?kind=
pub async fn new(admin: Admin, Query(of): Query<Of>) -> Result<Response, Problem> {
    let kind = known(&of.kind)?;
    form(&admin, kind, fields(kind, &Posted::default()))
}

/// What is kept of a target: itself, and what may be shown of it.
fn judge(sender: &Sender, kind: &str, posted: &Posted) -> Result<(String, String), (&'static str, String)> {
    if kind == "mail" {
        let all: Vec<String> = mail::addresses(&posted.to).into_iter().map(|one| one.address).collect();
        let good = |one: &String| {
            one.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                && !one.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
        };
        return match all.iter().find(|one| !good(one)) {
            Some(bad) => Err(("to", format!("“{bad}” is no address: write name@company.com."))),
            None if all.is_empty() => Err(("to", "Write at least one address.".to_owned())),
            None if all.len() > 20 => {
                Err(("to", "Write at most 20 addresses; a group's address reaches more.".to_owned()))
            }
            None => Ok((all.join(", "), all.join(", "))),
        };
    }
    let text = posted.address.expose_secret().trim();
    let url = Url::parse(text)
        .map_err(|_| ("address", "This is no web address: copy it whole, from https:// on.".to_owned()))?;
    sender.guard.judge(&url).map_err(|refused| ("address", refused.to_string()))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok((url.to_string(), host))
}

/// POST /notices/channels/new?kind=
pub async fn add(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let kind = known(&of.kind)?;
    let mut filled = fields(kind, &posted);
    let name = posted.name.trim();
    if name.is_empty() || name.chars().count() > 80 {
        filled.fail("name", "Write a name of up to 80 characters.");
    }
    let (target, shown) = match judge(&state.sender, kind, &posted) {
        Ok(target) => target,
        Err((field, error)) => {
            filled.fail(field, error);
            return form(&admin, kind, filled);
        }
    };
    if filled.failed() {
        return form(&admin, kind, filled);
    }
    let id = Uuid::now_v7();
    let sealer = &state.sender.connections.sealer;
    let key = (kind == "webhook").then(|| webhook::new_key(&mut rand::rng()));
    let new = NewChannel {
        id,
        workspace: admin.workspace(),
        kind,
        name: name.to_owned(),
        shown: shown.clone(),
        target_sealed: sealer.seal(&place("target_sealed", id), target.as_bytes()),
        secret_sealed: key
            .as_ref()
            .map(|key| sealer.seal(&place("secret_sealed", id), key.expose_secret().as_bytes())),
        now: state.shell.clock.now(),
    };
    let mut tx = state.shell.db.begin().await?;
    rows::add_channel(&mut tx, new).await?;
    audit::record(&mut tx, &admin.actor(), "add notice channel", name, &format!("{kind}: {shown}")).await?;
    tx.commit().await?;
    state.shell.bus.tell("notices");
    if let Some(key) = key {
        let frame = admin.frame(Section::Notices, "The webhook's signing key");
        let next = admin.post("Test the channel", format!("/notices/channels/{id}/test")).primary();
        return web::page(&KeyPage { frame, key: key.expose_secret().to_owned(), next });
    }
    let flash = Flash::done(format!("{name} gets notices from now on. Test it to see whether they arrive."));
    Ok(flash_to(&admin, &flash, "/notices#channels"))
}

async fn channel(state: &State, admin: &Admin, id: Uuid) -> Result<Channel, Problem> {
    rows::channel(&state.shell.db, admin.workspace(), id).await?.ok_or_else(|| Problem::not_found("channel"))
}

/// POST /notices/channels/{id}/test
pub async fn test(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let channel = channel(&state, &admin, id).await?;
    let answer = state.sender.test(&channel).await?;
    let flash = if answer.good {
        Flash::done(format!("{} took the test notice: {}", channel.name, answer.text))
    } else {
        Flash::failed(format!("{} did not take the test notice: {}", channel.name, answer.text))
    };
    Ok(flash_to(&admin, &flash, "/notices#channels"))
}

async fn set_paused(state: &State, admin: &Admin, id: Uuid, paused: bool) -> Result<Response, Problem> {
    let channel = channel(state, admin, id).await?;
    let now = state.shell.clock.now();
    let mut tx = state.shell.db.begin().await?;
    rows::pause_channel(&mut tx, admin.workspace(), id, paused.then_some(now)).await?;
    let what = if paused { "pause notice channel" } else { "resume notice channel" };
    audit::record(&mut tx, &admin.actor(), what, &channel.name, "").await?;
    tx.commit().await?;
    state.shell.bus.tell("notices");
    let text = if paused {
        format!("{} gets no notices until it is resumed.", channel.name)
    } else {
        format!("{} gets notices again.", channel.name)
    };
    Ok(flash_to(admin, &Flash::done(text), "/notices#channels"))
}

/// POST /notices/channels/{id}/pause
pub async fn pause(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    set_paused(&state, &admin, id, true).await
}

/// POST /notices/channels/{id}/resume
pub async fn resume(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    set_paused(&state, &admin, id, false).await
}

/// POST /notices/channels/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let channel = channel(&state, &admin, id).await?;
    let mut tx = state.shell.db.begin().await?;
    rows::remove_channel(&mut tx, admin.workspace(), id).await?;
    audit::record(&mut tx, &admin.actor(), "remove notice channel", &channel.name, &channel.shown).await?;
    tx.commit().await?;
    state.shell.bus.tell("notices");
    Ok(flash_to(&admin, &Flash::done(format!("{} was removed.", channel.name)), "/notices#channels"))
}
