//! The program as a process: started, killed, stopped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;
use url::Url;

use crate::control::{Control, Ready};

/// The binary under test: `POSTROOM_BIN`, else the one beside the tests.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("POSTROOM_BIN") {
        return Ok(path.into());
    }
    let mut folder = std::env::current_exe()?;
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let path = folder.join("postroom");
    if !path.exists() {
        bail!(
            "{} is not built: cargo build -p postroom --features failpoints, or set POSTROOM_BIN",
            path.display()
        );
    }
    Ok(path)
}

/// A simulator process. Ends when it is dropped.
#[derive(Debug)]
pub struct Sim {
    child: Child,
    /// Its addresses.
    pub ready: Ready,
    /// Its control address.
    pub control: Control,
}

impl Sim {
    /// Starts one on free ports.
    pub async fn start(args: &[&str]) -> Result<Self> {
        let mut child = Command::new(binary()?)
            .arg("sim")
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting the simulator")?;
        let stdout = child.stdout.take().context("the simulator has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line())
            .await
            .context("the simulator does not say that it is ready")??
            .context("the simulator ended at once")?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let ready: Ready =
            serde_json::from_str(&line).with_context(|| format!("the simulator's first line: {line}"))?;
        let control = Control::new(&ready.control);
        Ok(Self { child, ready, control })
    }

    /// Stops it and waits for its end, so that a recording is complete.
    pub async fn stop(mut self) -> Result<()> {
        self.control.post("/shutdown", &serde_json::Value::Null).await.ok();
        tokio::time::timeout(Duration::from_secs(10), self.child.wait())
            .await
            .context("the simulator does not stop")??;
        Ok(())
    }
}

/// How `postroom serve` is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its folder.
    pub folder: PathBuf,
    /// Its address.
    pub port: u16,
    /// Settings as `POSTROOM_…` variables.
    pub variables: Vec<(String, String)>,
    /// Where the log goes.
    pub log: PathBuf,
}

/// A port that nobody else takes: below those that the system hands out, and another one in each process and each call.
fn own_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let call = NEXT.fetch_add(1, Ordering::Relaxed);
        let place =
            u16::try_from(std::process::id().wrapping_mul(7).wrapping_add(call) % 20_000).unwrap_or(0);
        let port = 10_000 + place;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Setup {
    /// A service for this simulator in a folder, with a quarantine of 2 s and quick polling.
    pub fn new(folder: &Path, sim: &Ready, database: Option<&str>) -> Result<Self> {
        let port = own_port();
        let mut variables: Vec<(String, String)> = [
            ("POSTROOM_DATA_FOLDER", folder.join("data").display().to_string()),
            ("POSTROOM_SERVER_LISTEN", format!("127.0.0.1:{port}")),
            ("POSTROOM_SERVER_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
            ("POSTROOM_MICROSOFT_LOGIN_URL", sim.entra.clone()),
            ("POSTROOM_MICROSOFT_GRAPH_URL", sim.graph.clone()),
            ("POSTROOM_MICROSOFT_EWS_URL", sim.ews.clone()),
            ("POSTROOM_MICROSOFT_CLIENT_ID", sim.client_id.clone()),
            ("POSTROOM_MICROSOFT_CLIENT_SECRET", sim.client_secret.clone()),
            ("POSTROOM_MICROSOFT_TENANT", sim.tenant_id.clone()),
            ("POSTROOM_JIRA_BASE_URL", sim.jira.clone()),
            ("POSTROOM_JIRA_USER", sim.jira_user.clone()),
            ("POSTROOM_JIRA_TOKEN", sim.jira_token.clone()),
            ("POSTROOM_INBOUND_POLL_INTERVAL", "1s".to_owned()),
            ("POSTROOM_INBOUND_QUARANTINE", "2s".to_owned()),
            ("POSTROOM_INBOUND_LEASE", "2s".to_owned()),
            ("POSTROOM_INBOUND_REQUEST_TIMEOUT", "1500ms".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(url) = database {
            variables.push(("POSTROOM_DATABASE_URL".to_owned(), url.to_owned()));
        }
        Ok(Self { folder: folder.to_owned(), port, variables, log: folder.join("serve.log") })
    }

    /// The console's address.
    pub fn url(&self) -> Result<Url> {
        Ok(Url::parse(&format!("http://127.0.0.1:{}", self.port))?)
    }

    /// Starts `postroom serve`. `failpoints` as `POSTROOM_FAILPOINTS` takes them.
    pub fn serve(&self, failpoints: &str) -> Result<Serve> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let child = Command::new(binary()?)
            .arg("serve")
            .envs(self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .env("POSTROOM_FAILPOINTS", failpoints)
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("starting postroom serve")?;
        Ok(Serve { child, setup: self.clone() })
    }

    /// Another command of the program with the same settings, run to its end: its exit status and what it said.
    pub async fn run(&self, args: &[&str]) -> Result<(std::process::ExitStatus, String)> {
        let output = Command::new(binary()?)
            .args(args)
            .envs(self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("running postroom {}", args.join(" ")))?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status, said))
    }

    /// The log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A running `postroom serve`.
#[derive(Debug)]
pub struct Serve {
    child: Child,
    setup: Setup,
}

impl Serve {
    /// Waits until it answers that it is ready.
    pub async fn ready(&mut self) -> Result<()> {
        let url = self.setup.url()?.join("/readyz")?;
        let http = reqwest::Client::new();
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("postroom serve ended ({status}):\n{}", tail(&self.setup.log()));
            }
            if http.get(url.clone()).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("postroom serve is not ready in 30 s:\n{}", tail(&self.setup.log()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The process id.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("postroom serve has ended")
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Waits for the process to end by itself (a failpoint); fails after `within`.
    pub async fn ends(&mut self, within: Duration) -> Result<std::process::ExitStatus> {
        tokio::time::timeout(within, self.child.wait())
            .await
            .with_context(|| format!("postroom serve goes on:\n{}", tail(&self.setup.log())))?
            .map_err(Into::into)
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The link that makes the owner, from the log.
    pub async fn setup_link(&self) -> Result<Url> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let log = self.setup.log();
            if let Some(at) = log.find("/setup?token=") {
                let start = log[..at].rfind("http").context("the set-up link has no scheme")?;
                let end =
                    log[at..].find(|c: char| c.is_whitespace() || c == '"').map_or(log.len(), |end| at + end);
                return Ok(Url::parse(&log[start..end])?);
            }
            if Instant::now() > until {
                bail!("no set-up link in the log:\n{}", tail(&log));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The last lines of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
