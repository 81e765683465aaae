//! A Jira project that mail goes to, ready to be written to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fault::Fault;
use jiff::tz::TimeZone;
use store::{Db, StoreError, args, sql};
use uuid::Uuid;

/// A destination in use: the client of its Jira connection and what is known of the project.
#[derive(Debug)]
pub struct Destination {
    /// Row id.
    pub id: Uuid,
    /// The Jira connection that it is a project of.
    pub jira_connection: Uuid,
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
    /// Failures in a row; -1 before anything was tried, so that a state left by the process before is put right.
    failures: AtomicI64,
    db: Db,
}

/// Where new mail of a source goes: the destination, and what new issues are there.
#[derive(Clone, Debug)]
pub struct Target {
    /// The destination.
    pub destination: Arc<Destination>,
    /// Project and type of new issues.
    pub issues: rules::Destination,
    /// The profile that its mail is handled by; none is the standard one.
    pub profile: Option<Uuid>,
    /// The source, as rules may name it.
    pub origin: rules::Origin,
    /// The workspace's time zone.
    pub zone: TimeZone,
}

impl Destination {
    /// A destination as its row says.
    pub fn new(
        db: Db,
        (id, jira_connection): (Uuid, Uuid),
        project_key: String,
        client: Arc<jira::Client>,
        account_id: Option<String>,
        upload_limit: Option<u64>,
        highest: i64,
    ) -> Self {
        Self {
            id,
            jira_connection,
            project_key,
            client,
            account_id,
            upload_limit,
            highest: AtomicI64::new(highest),
            failures: AtomicI64::new(-1),
            db,
        }
    }

    /// The highest issue number seen so far.
    pub fn highest_key(&self) -> i64 {
        self.highest.load(Ordering::Relaxed)
    }

    /// An issue with this number was seen.
    pub fn saw_key(&self, number: i64) {
        self.highest.fetch_max(number, Ordering::Relaxed);
    }

    /// Failures in a row.
    pub fn failures(&self) -> i64 {
        self.failures.load(Ordering::Relaxed).max(0)
    }

    /// One more failure; returns how many in a row.
    pub fn failed(&self) -> i64 {
        let before = self.failures();
        self.failures.store(before + 1, Ordering::Relaxed);
        before + 1
    }

    /// Another node has counted so many failures in a row.
    pub fn others_failed(&self, failures: i64) {
        if failures > 0 {
            let _ = self.failures.compare_exchange(0, failures, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// It took a write; returns whether that is news.
    pub fn worked(&self) -> bool {
        self.failures.swap(0, Ordering::Relaxed) != 0
    }

    /// The operation that adopted this attachment, if one did, for whichever project of this Jira.
    pub async fn adopter(&self, remote_id: &str) -> Result<Option<String>, StoreError> {
        #[derive(sqlx::FromRow)]
        struct Adopter {
            op: String,
        }
        let row: Option<Adopter> = self
            .db
            .fetch_optional(
                sql!(
                    "SELECT a.op FROM destination d JOIN adopted a
                       ON a.destination_id = d.id AND a.kind = 'attachment' AND a.remote_id = $2
                     WHERE d.jira_connection_id = $1 LIMIT 1"
                ),
                args![self.jira_connection, remote_id],
            )
            .await?;
        Ok(row.map(|row| row.op))
    }
}

/// The highest issue number of a project; 0 for an empty one.
pub(super) async fn highest_key(client: &jira::Client, project: &str) -> Result<i64, Fault> {
    let jql = format!("project = {} ORDER BY key DESC", jira::quoted(project));
    let search =
        jira::Search { jql: &jql, fields: &["summary"], max_results: Some(1), ..jira::Search::default() };
    let found = client.search(&search).await.map_err(|error| error.fault)?;
    let newest = found.issues.first().and_then(|issue| issue.key.rsplit('-').next()?.parse().ok());
    Ok(newest.unwrap_or(0))
}
