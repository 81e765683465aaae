//! Migrations: numbered SQL files, the same numbers in both folders, each run once in a transaction.

use sqlx::FromRow;

use crate::{Db, StoreError, args, sql};

struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($number:literal, $name:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

static MIGRATIONS: [Migration; 1] = [migration!(1, "0001_first_path")];

#[derive(FromRow)]
struct Applied {
    number: i64,
    digest: String,
}

impl Db {
    /// Brings the schema up to what this program knows. `tell` is called with each migration's name before it runs.
    /// Refuses a schema that is newer than the program, or that another program made under the same number.
    pub async fn migrate(&self, mut tell: impl FnMut(&str)) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if !self.is_embedded() {
            // One node migrates, the others wait here.
            tx.raw("SELECT pg_advisory_xact_lock(7234018)").await?;
        }
        tx.raw(
            "CREATE TABLE IF NOT EXISTS migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)",
        )
        .await?;
        let applied: Vec<Applied> =
            tx.fetch_all(sql!("SELECT number, digest FROM migration ORDER BY number"), args![]).await?;
        let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
        if let Some(newest) = applied.last()
            && newest.number > known
        {
            return Err(StoreError::Newer { found: newest.number, known });
        }
        for migration in &MIGRATIONS {
            let text = if self.is_embedded() { migration.sqlite } else { migration.postgres };
            let digest = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()));
            match applied.iter().find(|done| done.number == migration.number) {
                Some(done) if done.digest != digest => return Err(StoreError::OtherMigration(migration.number)),
                Some(_) => {}
                None => {
                    tell(migration.name);
                    tx.raw(text).await?;
                    tx.execute(
                        sql!("INSERT INTO migration (number, name, digest) VALUES ($1, $2, $3)"),
                        args![migration.number, migration.name, digest],
                    )
                    .await?;
                }
            }
        }
        tx.commit().await
    }
}
