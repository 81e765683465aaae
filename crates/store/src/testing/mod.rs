//! Fresh databases for tests (feature `testing`).
//!
//! [`TestDb::all`] gives a migrated SQLite database in a temporary folder and a migrated PostgreSQL database of its own
//! on the server that `server.rs` finds or starts; both vanish with the value. The schema is made once per server as a
//! template and cloned for each test. [`refused_statements`] prepares every statement of the program.

mod folder;
mod server;

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};
use uuid::Uuid;

pub use folder::TestFolder;

use crate::{Clock, Db, Kind, Migration, Registration, StoreError, StoreUrl, SystemClock};

/// Names of test databases begin with this; then come the second they were made and a random part.
const PREFIX: &str = "postroom_test_";

/// A migrated database that vanishes with the value.
#[derive(Debug)]
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// Where it is, to open it a second time.
    pub url: StoreUrl,
    _folder: Option<TestFolder>,
    _database: Option<Database>,
}

impl TestDb {
    /// A fresh database of each kind that this machine has; prints a line where PostgreSQL is missing.
    ///
    /// ```no_run
    /// # async fn example() {
    /// for test in store::testing::TestDb::all().await {
    ///     let mut tx = test.db.begin().await.unwrap();
    ///     // …
    /// }
    /// # }
    /// ```
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres().await);
        all
    }

    /// A fresh SQLite database.
    pub async fn sqlite() -> Self {
        let folder = TestFolder::new();
        let url = StoreUrl::Sqlite(folder.path().join("test.sqlite"));
        let db = Db::open(&url).await.expect("SQLite opens in a temporary folder");
        db.migrate(|_| {}).await.expect("the migrations run on SQLite");
        Self { db, url, _folder: Some(folder), _database: None }
    }

    /// A fresh PostgreSQL database; none, with a printed line, where there is no server and none can be started.
    pub async fn postgres() -> Option<Self> {
        let base = match server::find().await {
            Ok(base) => base,
            Err(why) => {
                #[allow(clippy::print_stdout, reason = "the test command counts these lines")]
                {
                    println!("skipped: PostgreSQL ({why})");
                }
                return None;
            }
        };
        let template = make_template(&base).await.expect("the migrations run on PostgreSQL");
        let now = SystemClock.now().as_second();
        let name = format!("{PREFIX}{now}_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&base).await.expect("the server answered before");
        drop_forgotten(&mut admin, now).await;
        run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("the template is cloned");
        let url = StoreUrl::Postgres(SecretString::from(in_database(&base, &name)));
        let database = Some(Database { base, name });
        let db = Db::open(&url).await.expect("the clone opens");
        Some(Self { db, url, _folder: None, _database: database })
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.db.kind()
    }
}

/// Prepares every statement that is linked into the program; gives one line for each that the database refuses.
pub async fn refused_statements(db: &Db) -> Result<Vec<String>, StoreError> {
    let mut refused = Vec::new();
    for (place, text) in Registration::all().flat_map(|registered| registered.texts(db.kind())) {
        let sql = AssertSqlSafe(text).into_sql_str();
        let result = match db {
            Db::Sqlite { write, .. } => write.prepare(sql).await.map(drop),
            Db::Postgres(pool) => pool.prepare(sql).await.map(drop),
        };
        if let Err(error) = result {
            refused.push(format!("{place} on {}: {error}", db.kind()));
        }
    }
    Ok(refused)
}

/// A database on a server, dropped with the value.
#[derive(Debug)]
struct Database {
    base: String,
    name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        let (base, name) = (self.base.clone(), self.name.clone());
        // A drop is not async, and the test's runtime may be on its way out: the farewell has a thread of its own.
        let farewell = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&base).await.map_err(std::io::Error::other)?;
                run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                    .await
                    .map_err(std::io::Error::other)
            })
        });
        if !matches!(farewell.join(), Ok(Ok(()))) {
            tracing::warn!(database = self.name, "a test database could not be dropped");
        }
    }
}

/// Drops what tests left that were killed: databases that were made more than an hour ago.
async fn drop_forgotten(admin: &mut PgConnection, now: i64) {
    let names: Vec<(String,)> =
        sqlx::query_as("SELECT datname::text FROM pg_database WHERE datname LIKE 'postroom_test_%'")
            .fetch_all(&mut *admin)
            .await
            .unwrap_or_default();
    for (name,) in names {
        let made = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .and_then(|(made, _)| made.parse().ok());
        if made.is_some_and(|made: i64| now - made > 3600) {
            // Another test may be dropping the same one.
            let _ = run(admin, format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
        }
    }
}

/// Makes the migrated template of this schema, if the server has none yet; tests in other processes wait for it.
async fn make_template(base: &str) -> Result<String, Box<dyn std::error::Error>> {
    let schema: String = Migration::all(Kind::Postgres).iter().map(|migration| migration.text).collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, schema.as_bytes());
    let name = format!("postroom_template_{}", hex::encode(&digest.as_ref()[..8]));
    let draft = format!("{name}_draft");

    let mut admin = PgConnection::connect(base).await?;
    run(&mut admin, "SELECT pg_advisory_lock(7234019)".to_owned()).await?;
    let exists: Option<(String,)> =
        sqlx::query_as("SELECT datname::text FROM pg_database WHERE datname = $1")
            .bind(&name)
            .fetch_optional(&mut admin)
            .await?;
    if exists.is_none() {
        run(&mut admin, format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await?;
        run(&mut admin, format!("CREATE DATABASE {draft} TEMPLATE template0 ENCODING 'UTF8'")).await?;
        let db = Db::open(&StoreUrl::Postgres(in_database(base, &draft).into())).await?;
        db.migrate(|_| {}).await?;
        db.close().await;
        run(&mut admin, format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    }
    // The lock ends with the connection.
    admin.close().await?;
    Ok(name)
}

async fn run(connection: &mut PgConnection, text: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await.map(drop)
}

/// The same server, another database.
fn in_database(base: &str, name: &str) -> String {
    let (address, query) =
        base.split_once('?').map_or((base, None), |(address, query)| (address, Some(query)));
    let scheme = address.find("://").map_or(0, |at| at + 3);
    let host = address[scheme..].find('/').map_or(address, |at| &address[..scheme + at]);
    match query {
        Some(query) => format!("{host}/{name}?{query}"),
        None => format!("{host}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a test never touches the database that its server was named with.
    #[test]
    fn the_database_in_an_address_is_replaced() {
        for (base, made) in [
            ("postgres://u@h:5/postgres", "postgres://u@h:5/x"),
            ("postgres://u@h", "postgres://u@h/x"),
            ("postgres://u@localhost/postgres?host=/run", "postgres://u@localhost/x?host=/run"),
        ] {
            assert_eq!(in_database(base, "x"), made);
        }
    }
}
