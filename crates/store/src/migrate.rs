//! Bringing a database to the schema that this program needs.
//!
//! Each file in `migrations/<kind>/` is one step, in a transaction of its own together with the row that records it.
//! The two folders hold the same versions; a test compares the tables and columns they make.

use aws_lc_rs::digest;

use crate::{Args, Db, Kind, StoreError, Tx, args, sql};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// `pg_advisory_xact_lock` key: "postroom" read as a number, so that two starting nodes take turns.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"postroom");

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; later is higher.
    pub version: i64,
    /// What it does, from its file name.
    pub name: &'static str,
    /// The SQL.
    pub text: &'static str,
}

/// How far a migration is, for people who wait.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The step that begins now.
    pub version: i64,
    /// What it does.
    pub name: &'static str,
    /// Its place among the steps to do in this run, from 1.
    pub step: usize,
    /// How many steps this run does.
    pub steps: usize,
}

impl Migration {
    /// The steps for one kind of database, oldest first.
    pub fn all(kind: Kind) -> &'static [Migration] {
        match kind {
            Kind::Sqlite => SQLITE,
            Kind::Postgres => POSTGRES,
        }
    }

    fn checksum(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.text.as_bytes()).as_ref().to_vec()
    }
}

impl Db {
    /// The schema that this program needs.
    pub fn schema_known(&self) -> i64 {
        Migration::all(self.kind()).last().map_or(0, |migration| migration.version)
    }

    /// The schema that the database has; 0 is an empty database.
    pub async fn schema_found(&self) -> Result<i64, StoreError> {
        let (tables,): (i64,) = self
            .fetch_one(
                sql! {
                    sqlite: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'",
                    postgres: "SELECT count(*) FROM pg_catalog.pg_tables
                      WHERE schemaname = current_schema() AND tablename = 'schema_migration'",
                },
                args![],
            )
            .await?;
        if tables == 0 {
            return Ok(0);
        }
        let (version,): (Option<i64>,) =
            self.fetch_one(sql!("SELECT max(version) FROM schema_migration"), args![]).await?;
        Ok(version.unwrap_or(0))
    }

    /// Refuses a database that is older or newer than the program.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let (found, known) = (self.schema_found().await?, self.schema_known());
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(StoreError::Older { found, known }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known }),
        }
    }

    /// Brings the database to the schema of this program. `progress` is called before each step. Nodes that start
    /// together take turns; a database of a newer program is refused.
    pub async fn migrate(&self, mut progress: impl FnMut(Progress) + Send) -> Result<(), StoreError> {
        let migrations = Migration::all(self.kind());
        let known = self.schema_known();
        let mut tx = self.begin().await?;
        lock(&mut tx).await?;
        run(&mut tx, TABLE).await.map_err(|error| StoreError::from_sqlx("schema_migration", error))?;
        tx.commit().await?;

        let mut step = 0;
        let mut steps = None;
        loop {
            let mut tx = self.begin().await?;
            lock(&mut tx).await?;
            let applied: Vec<(i64, Vec<u8>)> = tx
                .fetch_all(sql!("SELECT version, checksum FROM schema_migration ORDER BY version"), args![])
                .await?;
            let found = applied.last().map_or(0, |(version, _)| *version);
            if found > known {
                return Err(StoreError::Newer { found, known });
            }
            for (version, checksum) in &applied {
                let same = migrations
                    .iter()
                    .any(|migration| migration.version == *version && migration.checksum() == *checksum);
                if !same {
                    return Err(StoreError::corrupt(
                        "schema_migration",
                        "checksum",
                        version,
                        "this step of the schema is not the one that this version of Postroom has",
                    ));
                }
            }
            let Some(next) = migrations.iter().find(|migration| migration.version > found) else {
                return tx.rollback().await;
            };
            let of = *steps.get_or_insert_with(|| {
                migrations.iter().filter(|migration| migration.version > found).count()
            });
            step += 1;
            progress(Progress { version: next.version, name: next.name, step, steps: of.max(step) });
            run(&mut tx, next.text).await.map_err(|error| {
                StoreError::from_sqlx(format!("migration {} {}", next.version, next.name), error)
            })?;
            let now = tx.now().await?;
            tx.execute(
                sql!("INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"),
                args![next.version, next.name, next.checksum(), now],
            )
            .await?;
            tx.commit().await?;
        }
    }
}

/// The table that records the steps; BYTEA is a type name that STRICT tables of SQLite would refuse, hence two texts.
const TABLE: Text = Text {
    sqlite: "CREATE TABLE IF NOT EXISTS schema_migration (
        version INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        checksum BLOB NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT",
    postgres: "CREATE TABLE IF NOT EXISTS schema_migration (
        version BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        checksum BYTEA NOT NULL,
        applied_at BIGINT NOT NULL
    )",
};

struct Text {
    sqlite: &'static str,
    postgres: &'static str,
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }
}

/// Runs SQL of several statements, unprepared.
async fn run(tx: &mut Tx, text: impl Into<Text>) -> Result<(), sqlx::Error> {
    let text = text.into();
    match tx {
        Tx::Sqlite(tx) => sqlx::raw_sql(text.sqlite).execute(&mut **tx).await.map(drop),
        Tx::Postgres(tx) => sqlx::raw_sql(text.postgres).execute(&mut **tx).await.map(drop),
    }
}

/// Makes nodes take turns; SQLite's `BEGIN IMMEDIATE` has done it already.
async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.kind() == Kind::Postgres {
        let statement = sql! {
            sqlite: "SELECT 1 WHERE $1 IS NOT NULL",
            postgres: "SELECT 1::BIGINT FROM pg_advisory_xact_lock($1)",
        };
        let _: Vec<(i64,)> =
            tx.fetch_all(statement, Args::new(vec![crate::IntoValue::into_value(MIGRATION_LOCK)])).await?;
    }
    Ok(())
}
