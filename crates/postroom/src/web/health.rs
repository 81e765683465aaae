//! `/healthz`, `/readyz` and `/metrics`: for the machines that watch over Postroom.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use store::{StoreError, args, sql};

use super::Shell;
use super::middleware::Peer;

/// How long the answer of the database counts.
const FRESH: Duration = Duration::from_secs(5);

/// Reasons why the process is not ready. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    reasons: Mutex<BTreeMap<&'static str, String>>,
    database: tokio::sync::Mutex<Option<(tokio::time::Instant, Option<String>)>>,
}

impl Readiness {
    /// From now on not ready, for this reason. A part (`ledger`, `disk`) has one reason at a time.
    pub fn not_ready(&self, part: &'static str, reason: impl Into<String>) {
        self.lock().insert(part, reason.into());
    }

    /// This part is ready again.
    pub fn ready(&self, part: &'static str) {
        self.lock().remove(part);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.0.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    reasons: BTreeMap<&'static str, String>,
}

/// `GET /healthz`: the process is up.
pub(super) async fn healthz() -> &'static str {
    "up\n"
}

/// `GET /readyz`: 200 when work can be done, else 503; the reasons by part in both.
pub(super) async fn readyz(State(shell): State<Shell>) -> Response {
    let mut reasons = shell.readiness.lock().clone();
    if let Some(reason) = database(&shell).await {
        reasons.insert("database", reason);
    }
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(Report { ready, reasons })).into_response()
}

/// Why the database cannot be written. A full disk shows only when something is written, so something is.
async fn database(shell: &Shell) -> Option<String> {
    let mut known = shell.readiness.0.database.lock().await;
    if let Some((at, reason)) = &*known
        && at.elapsed() < FRESH
    {
        return reason.clone();
    }
    let reason = write_probe(shell, shell.clock.now()).await.err().map(|error| error.to_string());
    *known = Some((tokio::time::Instant::now(), reason.clone()));
    reason
}

async fn write_probe(shell: &Shell, now: Timestamp) -> Result<(), StoreError> {
    let write = async {
        let mut tx = shell.db.begin().await?;
        tx.execute(
            sql!(
                "INSERT INTO installation (key, value, updated_at) VALUES ('write probe', $1, $2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
            ),
            args![Vec::<u8>::new(), now],
        )
        .await?;
        tx.commit().await
    };
    match tokio::time::timeout(FRESH, write).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Busy { place: "/readyz".into(), detail: "no write in 5 s".into() }),
    }
}

/// `GET /metrics`: Prometheus text, for loopback and for who is signed in.
pub(super) async fn metrics(State(shell): State<Shell>, peer: Peer) -> Response {
    let Some(handle) = &shell.metrics else { return StatusCode::NOT_FOUND.into_response() };
    if !peer.is_loopback() && !peer.signed_in {
        return super::Problem::new(
            StatusCode::FORBIDDEN,
            "Metrics are given to this machine and to people who are signed in.",
            "Let your collector ask on the loopback address.",
        )
        .into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}
