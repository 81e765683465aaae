//! What is sealed of a message, opened.

use std::sync::Arc;

use ledger::Ledger;
use ledger::record::Summary;
use mail::Mail;
use store::{Blobs, Db, Place, StoreError};
use uuid::Uuid;

use crate::inbound::read::{self, CannotRead, Stored};

/// Subject and sender. One that cannot be opened is said to be so rather than keeping a list from being shown.
pub fn summary(ledger: &Ledger, id: Uuid, sealed: &[u8]) -> Summary {
    told_summary(ledger, id, sealed).unwrap_or_else(|| Summary {
        subject: "(its summary cannot be opened)".to_owned(),
        ..Summary::default()
    })
}

/// Subject and sender; none where they cannot be opened.
pub fn told_summary(ledger: &Ledger, id: Uuid, sealed: &[u8]) -> Option<Summary> {
    let place = Place::new("message", "summary_sealed", id);
    let plain = ledger.sealer.open(&place, sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// A message's content.
#[derive(Debug)]
pub struct Content {
    /// The mail as it is read.
    pub mail: Result<Arc<Mail>, CannotRead>,
    /// As it came: MIME, or what the mailbox said of it.
    pub source: Vec<u8>,
    /// Whether `source` is MIME.
    pub is_mime: bool,
    /// Whether there is to be MIME, and the content store does not give it.
    pub mime_missing: bool,
}

/// The content of a message; none where it is not kept.
pub async fn content(
    db: &Db,
    ledger: &Ledger,
    blobs: &Blobs,
    id: Uuid,
    state: &str,
) -> Result<Option<Content>, StoreError> {
    let Some(content) = ledger.contents(db, &[id]).await?.remove(&id) else { return Ok(None) };
    let mime = if state == "mime" {
        blobs
            .get(&format!("mime-{id}"))
            .await
            .inspect_err(|error| {
                tracing::error!(message = %id, %error, "the MIME of a mail cannot be read");
            })
            .ok()
            .flatten()
    } else {
        None
    };
    let mime_missing = state == "mime" && mime.is_none();
    let page = content.page.to_vec();
    let without_mime = (state == "gone").then(|| read::NOT_HAD.to_owned());
    let read = move || {
        let stored = Stored { page, mime, without_mime };
        let mail = read::read(&stored).map(Arc::new);
        let is_mime = stored.mime.is_some();
        let source = stored.mime.map_or(stored.page, |mime| mime.to_vec());
        Content { mail, source, is_mime, mime_missing }
    };
    // Reading takes time that other pages want: it has a thread of its own.
    let read = tokio::task::spawn_blocking(read).await;
    read.map(Some).map_err(|error| StoreError::corrupt("message_content", "page_sealed", id, error))
}
