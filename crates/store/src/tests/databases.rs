//! Reading, writing and failing are alike on both databases.

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use crate::testing::{TestDb, TestFolder};
use crate::{Db, Kind, Rows, StoreError, StoreUrl, args, sql, sql_rows};

async fn workspace(db: &Db, name: &str) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    db.execute(
        sql!("INSERT INTO workspace (id, name, time_zone, created_at) VALUES ($1, $2, $3, $4)"),
        args![id, name, "Europe/Berlin", Timestamp::UNIX_EPOCH],
    )
    .await?;
    Ok(id)
}

async fn names(db: &Db) -> Vec<String> {
    let rows: Vec<(String,)> =
        db.fetch_all(sql!("SELECT name FROM workspace ORDER BY name"), args![]).await.expect("read");
    rows.into_iter().map(|(name,)| name).collect()
}

/// Promise: a transaction that is dropped leaves nothing, one that is committed is there for every reader.
#[tokio::test]
async fn only_what_is_committed_is_there() {
    for test in TestDb::all().await {
        let insert =
            sql!("INSERT INTO workspace (id, name, time_zone, created_at) VALUES ($1, $2, 'UTC', 0)");
        let mut tx = test.db.begin().await.expect("begun");
        assert_eq!(tx.execute(insert, args![Uuid::now_v7(), "dropped"]).await.expect("inserted"), 1);
        drop(tx);
        let mut tx = test.db.begin().await.expect("begun");
        tx.execute(insert, args![Uuid::now_v7(), "undone"]).await.expect("inserted");
        tx.rollback().await.expect("undone");
        let mut tx = test.db.begin().await.expect("begun");
        tx.execute(insert, args![Uuid::now_v7(), "kept"]).await.expect("inserted");
        assert!(names(&test.db).await.is_empty(), "a reader sees nothing before the commit");
        tx.commit().await.expect("committed");
        assert_eq!(names(&test.db).await, ["kept"]);
    }
}

/// Promise: every kind of value comes back as it went in, absent ones too.
#[tokio::test]
async fn values_come_back_as_they_went_in() {
    type All = (Option<i64>, Option<bool>, Option<String>, Option<Vec<u8>>, Option<Uuid>, Option<f64>);
    let statement = sql! {
        sqlite: "SELECT $1, $2, $3, $4, $5, $6",
        postgres: "SELECT CAST($1 AS BIGINT), CAST($2 AS BOOLEAN), CAST($3 AS TEXT), CAST($4 AS BYTEA), CAST($5 AS UUID),
          CAST($6 AS DOUBLE PRECISION)",
    };
    for test in TestDb::all().await {
        let id = Uuid::now_v7();
        let full: All = test
            .db
            .fetch_one(statement, args![i64::MIN, true, "a\u{1f4ee}'\"", &[0_u8, 255][..], id, 0.5_f64])
            .await
            .expect("read");
        assert_eq!(
            full,
            (
                Some(i64::MIN),
                Some(true),
                Some("a\u{1f4ee}'\"".into()),
                Some(vec![0, 255]),
                Some(id),
                Some(0.5)
            )
        );
        let empty: All = test
            .db
            .fetch_one(
                statement,
                args![None::<i64>, None::<bool>, None::<&str>, None::<Vec<u8>>, None::<Uuid>, None::<f64>],
            )
            .await
            .expect("read");
        assert_eq!(empty, (None, None, None, None, None, None));
    }
}

/// Promise: documents are kept as documents.
#[tokio::test]
async fn documents_come_back_as_they_went_in() {
    let statement = sql! { sqlite: "SELECT $1", postgres: "SELECT CAST($1 AS JSONB)" };
    for test in TestDb::all().await {
        let document = serde_json::json!({"a": [1, null, "ü"]});
        let (read,): (sqlx::types::Json<serde_json::Value>,) =
            test.db.fetch_one(statement, args![document.clone()]).await.expect("read");
        assert_eq!(read.0, document);
    }
}

/// Promise: a second row of a key, a broken reference and a missing row are told apart.
#[tokio::test]
async fn refusals_are_told_apart() {
    for test in TestDb::all().await {
        let put = sql!("INSERT INTO installation (key, value, updated_at) VALUES ($1, $2, 0)");
        test.db.execute(put, args!["a", vec![1_u8]]).await.expect("inserted");
        let twice = test.db.execute(put, args!["a", vec![2_u8]]).await.expect_err("twice");
        assert!(twice.is_duplicate(), "{twice}");
        assert!(twice.to_string().contains("databases.rs:"), "{twice}");
        let orphan = test
            .db
            .execute(
                sql!("INSERT INTO lane_key (workspace_id, key_hash, lane) VALUES ($1, 'k', 'l')"),
                args![Uuid::now_v7()],
            )
            .await
            .expect_err("no such workspace");
        assert!(matches!(orphan, StoreError::Conflict { duplicate: false, .. }), "{orphan}");
        let missing = test
            .db
            .fetch_one::<(i64,)>(sql!("SELECT updated_at FROM installation WHERE key = $1"), args!["b"])
            .await
            .expect_err("no such row");
        assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
    }
}

/// Promise: an insert that skips rows of known keys returns exactly the new ones, at any number of rows.
#[tokio::test]
async fn many_rows_go_in_once() {
    let add = sql_rows! {
        head: "INSERT INTO lane_key (workspace_id, key_hash, lane) VALUES ",
        row: "($:UUID, $, $)",
        tail: " ON CONFLICT DO NOTHING RETURNING key_hash",
    };
    let change = sql_rows! {
        head: "WITH v(key_hash, lane) AS (VALUES ",
        row: "($:TEXT, $:TEXT)",
        tail: ") UPDATE lane_key SET lane = v.lane FROM v WHERE lane_key.key_hash = v.key_hash
            AND lane_key.workspace_id = $1 AND lane_key.lane <> $2",
    };
    for test in TestDb::all().await {
        let workspace = workspace(&test.db, "w").await.expect("made");
        for (count, new) in [(0, 0), (1, 1), (3, 2), (300, 297), (300, 0)] {
            let mut rows = Rows::with_capacity(count, 3);
            for n in 0..count {
                rows.push(args![workspace, format!("k{n}"), "l"]);
            }
            let mut tx = test.db.begin().await.expect("begun");
            let added: Vec<(String,)> = tx.fetch_rows(add, rows, args![]).await.expect("added");
            assert_eq!(added.len(), new, "{count} rows");
            tx.commit().await.expect("committed");
        }
        let mut rows = Rows::new();
        for n in 0..300 {
            rows.push(args![format!("k{n}"), format!("m{n}")]);
        }
        let mut tx = test.db.begin().await.expect("begun");
        assert_eq!(tx.execute_rows(change, rows, args![workspace, "m7"]).await.expect("changed"), 300);
        tx.commit().await.expect("committed");
        let found: Vec<(String, String)> = test
            .db
            .fetch_all(sql!("SELECT key_hash, lane FROM lane_key WHERE workspace_id = $1"), args![workspace])
            .await
            .expect("read");
        assert_eq!(found.len(), 300);
        assert!(found.iter().all(|(key, lane)| key[1..] == lane[1..]), "{found:?}");
    }
}

/// Promise: rows of the wrong width are refused before the database sees them.
#[tokio::test]
async fn rows_of_a_wrong_width_are_refused() {
    let add = sql_rows! {
        head: "INSERT INTO lane_key (workspace_id, key_hash, lane) VALUES ",
        row: "($:UUID, $, $)",
        tail: "",
    };
    let test = TestDb::sqlite().await;
    let mut rows = Rows::new();
    rows.push(args![Uuid::now_v7(), "k"]);
    let mut tx = test.db.begin().await.expect("begun");
    let refused = tx.execute_rows(add, rows, args![]).await.expect_err("too few values");
    assert!(refused.to_string().contains("do not fill rows of 3"), "{refused}");
}

/// Promise: what is read outside a transaction cannot write on SQLite, so that the one writer is not gone round.
#[tokio::test]
async fn readers_of_sqlite_cannot_write() {
    let test = TestDb::sqlite().await;
    let refused = test
        .db
        .fetch_all::<(String,)>(
            sql!("INSERT INTO installation (key, value, updated_at) VALUES ('x', $1, 0) RETURNING key"),
            args![vec![1_u8]],
        )
        .await
        .expect_err("a reader");
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
}

/// Promise: a full disk is told as such, undoes what was under way, and heals by itself.
#[tokio::test]
async fn a_full_disk_heals_by_itself() {
    let test = TestDb::sqlite().await;
    let Db::Sqlite { write, .. } = &test.db else { panic!("not SQLite") };
    let (pages,): (i64,) = sqlx::query_as("PRAGMA page_count").fetch_one(write).await.expect("asked");
    let limit = |pages: i64| sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit(pages + 2)).execute(write).await.expect("limited");
    let put = sql!("INSERT INTO installation (key, value, updated_at) VALUES ('large', $1, 0)");
    let full = test.db.execute(put, args![vec![7_u8; 100_000]]).await.expect_err("no room");
    assert!(full.is_disk_full() && !full.is_fatal(), "{full}");
    assert!(full.to_string().contains("make room"), "{full}");
    sqlx::query(limit(1_000_000)).execute(write).await.expect("room again");
    test.db.execute(put, args![vec![7_u8; 100_000]]).await.expect("healed");
}

/// Promise: writers of one process wait for each other and none is refused.
#[tokio::test]
async fn writers_wait_for_each_other() {
    for test in TestDb::all().await {
        let writers = (0..20).map(|n| {
            let db = test.db.clone();
            tokio::spawn(async move { workspace(&db, &format!("w{n:02}")).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("no panic").expect("written");
        }
        assert_eq!(names(&test.db).await.len(), 20);
    }
}

/// Promise: the database's time is a time of today's order, and goes on.
#[tokio::test]
async fn the_database_tells_the_time() {
    for test in TestDb::all().await {
        let mut tx = test.db.begin().await.expect("begun");
        let first = tx.now().await.expect("told");
        let second = test.db.now(&mut tx).await.expect("told");
        assert!(first >= "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time"), "{first}");
        assert!(second >= first);
    }
}

/// Promise: a database that cannot be opened ends in one sentence that names it and keeps the password.
#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named() {
    let folder = TestFolder::new();
    let path = folder.path().join("missing").join("x.sqlite");
    let refused = Db::open(&StoreUrl::Sqlite(path.clone())).await.expect_err("no such folder");
    assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");

    std::fs::write(folder.path().join("text"), "not a database, but long enough to be looked at")
        .expect("written");
    let refused = Db::open(&StoreUrl::Sqlite(folder.path().join("text"))).await.expect_err("not a database");
    assert!(
        matches!(refused, StoreError::Corrupt { .. }) && refused.to_string().contains("/text"),
        "{refused}"
    );

    let url: StoreUrl = "postgres://someone:canary@127.0.0.1:9/none".parse().expect("a URL");
    let refused = Db::open(&url).await.expect_err("nobody listens");
    assert!(matches!(refused, StoreError::Unreachable { .. }), "{refused}");
    assert!(!format!("{refused} {url:?}").contains("canary"), "{refused}");
    assert!(
        "mysql://u:canary@h/d".parse::<StoreUrl>().is_err_and(|error| !error.to_string().contains("canary"))
    );
}

proptest! {
    /// Promise: any number of rows is cut into few sizes, in order, nothing lost or doubled.
    #[test]
    fn rows_are_cut_into_few_pieces(rows in 0usize..700, width in 1usize..400) {
        let mut all = Rows::new();
        for n in 0..rows * width {
            all.value(i64::try_from(n).expect("small"));
        }
        let shared = args!["shared"];
        let mut next = 0;
        for (size, values) in all.pieces(width, &shared).expect("whole rows") {
            prop_assert!(values.len() <= 32_766 && crate::rows::SIZES[size] <= crate::rows::LARGEST);
            prop_assert_eq!(values.len(), crate::rows::SIZES[size] * width + 1);
            for value in &values[..values.len() - 1] {
                let crate::Value::Integer(Some(value)) = value else { panic!("not a number") };
                prop_assert_eq!(usize::try_from(*value).expect("small"), next);
                next += 1;
            }
        }
        prop_assert_eq!(next, rows * width);
    }
}

/// Promise: the text of a statement of rows is what each database wants.
#[test]
fn rows_are_written_for_each_database() {
    let statement = sql_rows! {
        head: "WITH v(a, b) AS (VALUES ",
        row: "($:UUID, $)",
        tail: ") DELETE FROM installation WHERE key = $1 AND key IN (SELECT b FROM v)",
    };
    assert_eq!(
        statement.write(Kind::Sqlite, 2),
        "WITH v(a, b) AS (VALUES (?, ?), (?, ?)) DELETE FROM installation WHERE key = $5 AND key IN (SELECT b FROM v)"
    );
    assert_eq!(
        statement.write(Kind::Postgres, 2),
        "WITH v(a, b) AS (VALUES (CAST($1 AS UUID), $2), (CAST($3 AS UUID), $4)) \
         DELETE FROM installation WHERE key = $5 AND key IN (SELECT b FROM v)"
    );
}
