//! The two databases have the same schema, and every statement fits it.

use std::collections::BTreeMap;

use crate::testing::{TestDb, refused_statements};
use crate::{Db, Kind, Migration, StoreError, args, sql};

/// Promise: both folders hold the same steps in the same order.
#[test]
fn both_folders_hold_the_same_steps() {
    let steps = |kind| -> Vec<(i64, &str)> {
        Migration::all(kind).iter().map(|migration| (migration.version, migration.name)).collect()
    };
    assert_eq!(steps(Kind::Sqlite), steps(Kind::Postgres));
    assert!(!steps(Kind::Sqlite).is_empty());
    assert!(steps(Kind::Sqlite).is_sorted());
}

/// One column as both databases tell it: type in SQLite's words, whether it must have a value.
type Columns = BTreeMap<(String, String), (String, bool)>;

async fn columns(db: &Db) -> Columns {
    let rows: Vec<(String, String, String, i64)> = db
        .fetch_all(
            sql! {
                sqlite: "SELECT m.name, c.name, c.type, CAST(c.\"notnull\" AS INTEGER)
                  FROM sqlite_master m JOIN pragma_table_info(m.name) c
                  WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
                postgres: "SELECT table_name::text, column_name::text, data_type::text,
                    CAST(CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END AS BIGINT)
                  FROM information_schema.columns WHERE table_schema = current_schema()",
            },
            args![],
        )
        .await
        .expect("the catalogue is read");
    rows.into_iter()
        .map(|(table, column, kind, required)| {
            let kind = match kind.as_str() {
                "bigint" | "INTEGER" | "INT" | "boolean" => "INTEGER",
                "uuid" | "bytea" | "BLOB" => "BLOB",
                "text" | "jsonb" | "TEXT" => "TEXT",
                "double precision" | "REAL" => "REAL",
                other => other,
            };
            ((table, column), (kind.to_owned(), required == 1))
        })
        .collect()
}

async fn indexes(db: &Db) -> BTreeMap<String, (String, bool)> {
    let rows: Vec<(String, String, i64)> = db
        .fetch_all(
            sql! {
                sqlite: "SELECT i.name, m.name, CAST(i.\"unique\" AS INTEGER)
                  FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table' AND i.origin = 'c'",
                postgres: "SELECT i.relname::text, t.relname::text, CAST(CASE WHEN x.indisunique THEN 1 ELSE 0 END AS BIGINT)
                  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
                  JOIN pg_namespace n ON n.oid = t.relnamespace
                  WHERE n.nspname = current_schema() AND NOT EXISTS (
                    SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u'))",
            },
            args![],
        )
        .await
        .expect("the catalogue is read");
    rows.into_iter().map(|(name, table, unique)| (name, (table, unique == 1))).collect()
}

/// Promise: both databases have the same tables, columns, kinds of value, duties and indexes.
#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let sqlite = TestDb::sqlite().await;
    let here = columns(&sqlite.db).await;
    assert!(here.contains_key(&("installation".into(), "key".into())), "{here:?}");
    let Some(postgres) = TestDb::postgres().await else { return };
    assert_eq!(here, columns(&postgres.db).await);
    assert_eq!(indexes(&sqlite.db).await, indexes(&postgres.db).await);
}

/// Promise: every table of SQLite is STRICT, so that both databases refuse the same values.
#[tokio::test]
async fn every_table_of_sqlite_is_strict() {
    let test = TestDb::sqlite().await;
    let Db::Sqlite { read, .. } = &test.db else { panic!("not SQLite") };
    let loose: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(read)
    .await
    .expect("the catalogue is read");
    assert!(loose.is_empty(), "{loose:?}");
}

/// Promise: every statement of this crate is accepted by both databases (the program's test covers all crates).
#[tokio::test]
async fn every_statement_prepares() {
    for test in TestDb::all().await {
        let refused = refused_statements(&test.db).await.expect("asked");
        // The statement that asks for a catalogue of the other database is not in here: forks name both.
        assert!(refused.is_empty(), "{refused:#?}");
    }
}

/// Promise: migrating twice changes nothing, two nodes take turns, and a newer schema is refused in words.
#[tokio::test]
async fn migrations_run_once_and_a_newer_schema_is_refused() {
    for test in TestDb::all().await {
        let known = test.db.schema_known();
        assert_eq!(test.db.schema_found().await.expect("asked"), known);
        let mut steps = 0;
        test.db.migrate(|_| steps += 1).await.expect("nothing to do");
        assert_eq!(steps, 0);
        test.db.check_schema().await.expect("it is the one needed");

        test.db
            .execute(
                sql!("INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, 'later', $2, 0)"),
                args![known + 1, vec![0_u8]],
            )
            .await
            .expect("inserted");
        let newer = StoreError::Newer { found: known + 1, known };
        assert_eq!(test.db.migrate(|_| {}).await.expect_err("newer").to_string(), newer.to_string());
        assert_eq!(test.db.check_schema().await.expect_err("newer").to_string(), newer.to_string());
    }
}

/// Promise: a step that was changed after it ran is refused.
#[tokio::test]
async fn a_changed_step_is_refused() {
    for test in TestDb::all().await {
        test.db
            .execute(sql!("UPDATE schema_migration SET checksum = $1 WHERE version = 1"), args![vec![0_u8]])
            .await
            .expect("updated");
        let refused = test.db.migrate(|_| {}).await.expect_err("changed");
        assert!(refused.to_string().contains("not the one"), "{refused}");
    }
}
