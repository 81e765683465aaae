//! The way in for Microsoft. No session and no form stands behind it: whoever calls proves himself by the key in the address and by
//! the `clientState` in each notice. The answer goes out before anything is done.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use store::Place;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::address;
use super::decide::{Asked, MAKING, State};
use super::ear::{Ear, Heard};
use super::store::{self as rows, Addressee};
use crate::connections::Connections;
use crate::connections::routes::time;

/// The largest body. A notice is of half a kilobyte, and Graph sends at most a few hundred together.
const LARGEST: usize = 1 << 20;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest token that is echoed.
const LONGEST_TOKEN: usize = 4 << 10;

/// What the addresses need.
#[derive(Clone, Debug)]
pub struct Door {
    /// Database, clock, and what opens secrets.
    pub connections: Arc<Connections>,
    /// Where notices are laid down.
    pub ear: Arc<Ear>,
}

/// The addresses.
pub fn router(door: Door) -> Router {
    Router::new()
        .route("/push/{key}", post(receive))
        .route("/push/{key}/lifecycle", post(receive))
        .with_state(door)
}

/// Where the secret that notices carry is sealed.
pub(super) fn place(source: Uuid) -> Place {
    Place::new("push", "client_state_sealed", source)
}

/// `?validationToken=`
#[derive(Debug, Deserialize)]
struct Handshake {
    #[serde(default, rename = "validationToken")]
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Notices {
    value: Vec<Notice>,
}

/// A notice, of new mail or of the subscription itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    #[serde(default)]
    subscription_id: String,
    #[serde(default)]
    client_state: Option<String>,
    #[serde(default)]
    lifecycle_event: Option<String>,
}

/// What came, for the metrics and the log.
fn count(outcome: &'static str, number: usize) {
    if number > 0 {
        metrics::counter!("postroom_push_notices_total", "outcome" => outcome)
            .increment(u64::try_from(number).unwrap_or(u64::MAX));
    }
}

/// POST /push/{key}, POST /push/{key}/lifecycle
async fn receive(
    Shared(door): Shared<Door>,
    Path(key): Path<String>,
    Query(handshake): Query<Handshake>,
    body: Body,
) -> Response {
    let addressee = match address::hash(&key) {
        Some(hash) => rows::addressee(&door.connections.db, hash).await,
        None => Ok(None),
    };
    let addressee = match addressee {
        Ok(addressee) => addressee,
        Err(error) => {
            tracing::error!(%error, "a notice cannot be looked at");
            count("failed", 1);
            // Graph sends it again.
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    if let Some(token) = handshake.token {
        return echo(&door, addressee.as_ref(), token);
    }
    let body = match tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            count("too_large", 1);
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Ok(Err(_)) => return StatusCode::BAD_REQUEST.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let Ok(notices) = serde_json::from_slice::<Notices>(&body) else {
        count("unreadable", 1);
        return StatusCode::BAD_REQUEST.into_response();
    };
    match addressee {
        Some(addressee) => take(&door, &addressee, &notices.value),
        // A subscription that has ended: nobody is told whether there is one.
        None => {
            count("unknown", notices.value.len());
            tracing::debug!(notices = notices.value.len(), "notices of a subscription that is not known");
        }
    }
    StatusCode::ACCEPTED.into_response()
}

/// The token goes back only while this very subscription is being made: else the address would say whatever it is told to.
fn echo(door: &Door, addressee: Option<&Addressee>, token: String) -> Response {
    let age = |row: &Addressee| door.connections.clock.now().duration_since(time(row.made_at));
    let is_made =
        addressee.is_some_and(|row| State::of_word(&row.state) == State::Making && age(row) < MAKING);
    if !is_made || token.len() > LONGEST_TOKEN {
        count("no_handshake", 1);
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::OK, headers, token).into_response()
}

/// Lays down those notices that prove themselves.
fn take(door: &Door, addressee: &Addressee, notices: &[Notice]) {
    let source = addressee.source_id;
    let Ok(secret) = door.connections.sealer.open(&place(source), &addressee.client_state_sealed) else {
        tracing::error!(%source, "the secret of a subscription cannot be opened");
        count("failed", notices.len());
        return;
    };
    let (mut heard, mut strange) = (Heard::default(), 0);
    for notice in notices {
        let given = notice.client_state.as_deref().unwrap_or_default();
        let is_ours = bool::from(given.as_bytes().ct_eq(&secret));
        let is_known =
            addressee.remote_id.as_deref().is_none_or(|id| id.eq_ignore_ascii_case(&notice.subscription_id));
        if !is_ours || !is_known {
            strange += 1;
            continue;
        }
        match notice.lifecycle_event.as_deref() {
            None => heard.mails += 1,
            Some(event) => {
                heard.lifecycle += 1;
                heard.asked = heard.asked.max(match event {
                    "reauthorizationRequired" => Some(Asked::Reauthorize),
                    "subscriptionRemoved" => Some(Asked::Removed),
                    // `missed`: the poll that follows reads everything since the cursor.
                    _ => None,
                });
            }
        }
    }
    if strange > 0 {
        tracing::warn!(%source, notices = strange, "notices that do not prove themselves are left aside");
        count("strange", strange);
    }
    if heard != Heard::default() {
        count("heard", usize::try_from(heard.mails).unwrap_or(0));
        count("lifecycle", usize::try_from(heard.lifecycle).unwrap_or(0));
        door.ear.hear(source, heard);
    }
}
