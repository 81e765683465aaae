//! Sign-in links for the owners of mailboxes, over the API.

use axum::extract::{Query, State as Shared};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::State;
use super::caller::Caller;
use super::problem::Refused;
use crate::cli::shapes::SignInLink;
use crate::connections::sign_in_link::{self, Wish};
use crate::connections::store::{accounts, sources};

/// What the link shall be for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The source whose account signs in again; none: a new mailbox.
    source: Option<String>,
    /// Whether another account takes its place.
    #[serde(default)]
    replace: bool,
    /// A new mailbox's address.
    #[serde(default)]
    mailbox: String,
    /// Also shared mailboxes.
    #[serde(default)]
    shared: bool,
    /// To send from a new mailbox, not to read it.
    #[serde(default)]
    send: bool,
    /// What for.
    #[serde(default)]
    reason: String,
    /// `1h`, `8h`, `1d` or `7d`.
    #[serde(default)]
    lasts: String,
}

/// POST /api/v1/sign-in-links
pub(super) async fn make(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Result<Json<SignInLink>, Refused> {
    let (db, actor) = (&state.connections.db, caller.actor());
    let account = match &asked.source {
        None => None,
        Some(id) => {
            let gone = || Refused::not_found("Message Source");
            let id = Uuid::parse_str(id).map_err(|_| gone())?;
            let source = sources::one(db, actor.workspace, id).await?.ok_or_else(gone)?;
            accounts::account(db, actor.workspace, source.account_id).await?
        }
    };
    let word = if asked.lasts.is_empty() { "1d" } else { &asked.lasts };
    let Some(lasts) = sign_in_link::lasts(word) else {
        let mend = "Say 1h, 8h, 1d or 7d.";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "A link does not work for so long.", mend));
    };
    if !sign_in_link::is_address(asked.mailbox.trim()) {
        let mend = "Write mailbox as name@company.com, at most 254 characters, or leave it out: its owner then chooses.";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "mailbox is no address.", mend));
    }
    if asked.send && account.is_some() {
        let mend = "Leave send out: whoever signs in again is asked for what they were asked for before. Leave source out for a new mailbox that sends.";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "send and source do not go together.", mend));
    }
    let wish = Wish {
        account: account.as_ref(),
        replaces: asked.replace,
        mailbox: asked.mailbox.trim(),
        shared: asked.shared,
        send: asked.send,
        reason: &asked.reason,
        lasts,
    };
    let made = sign_in_link::make(&state.of_connections(), actor, &wish).await?.ok_or_else(|| {
        Refused::new(
            StatusCode::CONFLICT,
            "Postroom is not registered with Microsoft yet.",
            "Run postroom setup microsoft, and enter the registration in the console.",
        )
    })?;
    Ok(Json(SignInLink { link: made.address, until: made.until }))
}
