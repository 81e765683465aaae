//! A Jira project that mail goes to, ready to be written to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use store::{Db, StoreError, args, sql};
use uuid::Uuid;

/// A destination in use: the client of its Jira connection and what is known of the project.
#[derive(Debug)]
pub struct Destination {
    /// Row id.
    pub id: Uuid,
    /// For example `SUP`.
    pub project_key: String,
    /// The client, shared by all destinations of one connection.
    pub client: Arc<jira::Client>,
    /// The Jira account that Postroom writes as, once a ping has asked.
    pub account_id: Option<String>,
    /// The largest file that Jira takes, in bytes.
    pub upload_limit: Option<u64>,
    /// The highest issue number seen; probes begin above it.
    highest: AtomicI64,
    db: Db,
}

impl Destination {
    /// A destination as its row says.
    pub fn new(
        db: Db,
        id: Uuid,
        project_key: String,
        client: Arc<jira::Client>,
        account_id: Option<String>,
        upload_limit: Option<u64>,
        highest: i64,
    ) -> Self {
        Self { id, project_key, client, account_id, upload_limit, highest: AtomicI64::new(highest), db }
    }

    /// The highest issue number seen so far.
    pub fn highest_key(&self) -> i64 {
        self.highest.load(Ordering::Relaxed)
    }

    /// An issue with this number was seen.
    pub fn saw_key(&self, number: i64) {
        self.highest.fetch_max(number, Ordering::Relaxed);
    }

    /// The operation that adopted this attachment, if one did.
    pub async fn adopter(&self, remote_id: &str) -> Result<Option<String>, StoreError> {
        #[derive(sqlx::FromRow)]
        struct Adopter {
            op: String,
        }
        let row: Option<Adopter> = self
            .db
            .fetch_optional(
                sql!("SELECT op FROM adopted WHERE destination_id = $1 AND kind = 'attachment' AND remote_id = $2"),
                args![self.id, remote_id],
            )
            .await?;
        Ok(row.map(|row| row.op))
    }
}
