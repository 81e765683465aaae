//! A PostgreSQL server for tests: the one named in `POSTROOM_TEST_POSTGRES`, else a local one that lets us make
//! databases, else a private one that is started here.
//!
//! The private server lies in the temporary folder, listens on a socket there and nowhere else, is shared by all test
//! processes of a user, and ends by itself ten minutes after the last test that asked for it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

const PORT: u16 = 54_329;

/// The address of a server where databases can be made, or why there is none.
pub(super) async fn find() -> Result<String, String> {
    if let Ok(named) = std::env::var("POSTROOM_TEST_POSTGRES") {
        return match try_server(&named).await {
            Ok(()) => Ok(named),
            // A server that was named must be there: to skip would be to pass silently.
            Err(why) => panic!("POSTROOM_TEST_POSTGRES names a server that cannot be used: {why}"),
        };
    }
    for local in [
        "postgres://postgres@127.0.0.1:5432/postgres".to_owned(),
        "postgres://postgres@localhost/postgres?host=/var/run/postgresql".to_owned(),
    ] {
        if try_server(&local).await.is_ok() {
            return Ok(local);
        }
    }
    tokio::task::spawn_blocking(start_private).await.map_err(|error| error.to_string())?
}

async fn try_server(url: &str) -> Result<(), String> {
    let attempt = async {
        let mut connection = PgConnection::connect(url).await?;
        let (may,): (bool,) = sqlx::query_as(
            "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut connection)
        .await?;
        connection.close().await?;
        Ok::<bool, sqlx::Error>(may)
    };
    match timeout(Duration::from_secs(3), attempt).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err("its user may not create databases".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// Starts the private server unless it runs; other processes that want the same wait.
fn start_private() -> Result<String, String> {
    let programs =
        programs().ok_or("no server answers, and initdb is in no /usr/lib/postgresql/*/bin nor in PATH")?;
    let user = servant()?;
    let owner = user
        .as_deref()
        .map_or_else(|| std::env::var("USER").unwrap_or_else(|_| "user".into()), str::to_owned);
    let folder = std::env::temp_dir().join(format!("postroom-test-postgres-{owner}"));
    let said = |what: &str, detail: String| format!("{what}: {detail}");
    fs::create_dir_all(&folder).map_err(|error| said("its folder cannot be made", error.to_string()))?;
    let turn = File::create(folder.join("turn"))
        .map_err(|error| said("its lock cannot be made", error.to_string()))?;
    turn.lock().map_err(|error| said("its lock cannot be taken", error.to_string()))?;
    fs::write(folder.join("last-use"), b"")
        .map_err(|error| said("its folder cannot be written", error.to_string()))?;

    let data = folder.join("data");
    let run = |program: &str, arguments: &[&str]| {
        run_as(user.as_deref(), &programs.join(program), arguments, &folder)
    };
    let data_text = data.display().to_string();
    let running = data.is_dir() && run("pg_ctl", &["status", "-D", &data_text]).is_ok();
    if !running {
        if let Some(user) = &user {
            run_as(None, Path::new("chown"), &[user, &folder.display().to_string()], &folder)?;
        }
        if !data.join("PG_VERSION").is_file() {
            run("initdb", &["-D", &data_text, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])?;
        }
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c port={PORT} -c fsync=off -c max_connections=300",
            folder.display()
        );
        let log = folder.join("log").display().to_string();
        run("pg_ctl", &["start", "-w", "-D", &data_text, "-l", &log, "-o", &options])?;
        watch(user.as_deref(), &programs, &folder, &data)?;
    }
    Ok(format!("postgres://postgres@localhost:{PORT}/postgres?host={}", folder.display()))
}

/// Ends the server once nobody has asked for it for ten minutes.
fn watch(user: Option<&str>, programs: &Path, folder: &Path, data: &Path) -> Result<(), String> {
    let script = format!(
        "while [ -n \"$(find '{folder}/last-use' -mmin -10)\" ]; do sleep 30; done; '{pg_ctl}' stop -m fast -D '{data}'",
        folder = folder.display(),
        pg_ctl = programs.join("pg_ctl").display(),
        data = data.display()
    );
    let mut command = as_user(user, Path::new("setsid"), &["sh", "-c", &script]);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .map_err(|error| format!("its watchman cannot be started: {error}"))
}

/// The folder of the newest server programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder).or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").is_file())
    })
}

/// Who runs the server: PostgreSQL refuses to run as root.
fn servant() -> Result<Option<String>, String> {
    let ask = |arguments: &[&str]| {
        Command::new("id")
            .args(arguments)
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|out| out.status.success())
    };
    let is_root = ask(&["-u"]).is_some_and(|out| out.stdout.trim_ascii() == b"0");
    if !is_root {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find(|user| ask(&["-u", user]).is_some())
        .map(|user| Some(user.to_owned()))
        .ok_or_else(|| "this is root, and there is neither a user postgres nor nobody to run it".to_owned())
}

fn as_user(user: Option<&str>, program: &Path, arguments: &[&str]) -> Command {
    let mut command = match user {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(arguments);
    command
}

/// Runs a program to its end. Its output goes to a file: the server that `pg_ctl` leaves behind would hold a pipe open.
fn run_as(user: Option<&str>, program: &Path, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output_path = folder.join(format!("{name}.out"));
    let output = File::create(&output_path).map_err(|error| format!("{}: {error}", output_path.display()))?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    let status = as_user(user, program, arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(&output_path).unwrap_or_default();
    Err(format!("{name} failed: {}", said.lines().last().unwrap_or("it said nothing")))
}
