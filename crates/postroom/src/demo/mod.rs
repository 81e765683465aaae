//! The demo: the simulator, Postroom and sample mail in one process, on a fresh database.
//!
//! [`run`] begins it. Without `--once` it prints the addresses to open and waits; with it, [`connect`] signs in by driving the
//! pages over HTTP with [`browser`], every mail is handled to its end, and [`outcome`] prints what became of each.

pub mod browser;
pub mod connect;
mod outcome;
pub mod samples;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use store::{Clock, SystemClock};
use tokio::time::Instant;

use crate::cli::DemoArgs;
use crate::config::Config;
use crate::serve::{self, Running};
use crate::web::times::counted;
use connect::Wishes;

/// The mailbox of the demo.
pub const MAILBOX: &str = "support@contoso.test";

/// Runs the demo.
pub async fn run(args: DemoArgs) -> Result<()> {
    let folder = Folder::of(&args)?;
    let sim = sim::Sim::start(sim::Config {
        latency: Duration::from_millis(args.latency_ms),
        // The demo is for looking; rehearsing a quota is what `postroom sim` and the benchmark do.
        enforce_quotas: !args.once,
        ..sim::Config::default()
    })
    .await
    .context("the simulator does not start")?;
    let mails = mails(args.mail.as_deref())?;
    for (name, raw) in &mails {
        sim.deliver(MAILBOX, raw.clone()).with_context(|| format!("putting `{name}` into the mailbox"))?;
    }
    let running = serve::start(config(&args, &folder.path, sim.ready())?).await?;
    let result =
        if args.once { once(&args, &running, mails.len()).await } else { look(&running, sim.ready()).await };
    running.stop().await;
    sim.stop().await;
    folder.remove(args.keep || args.data.is_some());
    result
}

struct Folder {
    path: PathBuf,
}

impl Folder {
    fn of(args: &DemoArgs) -> Result<Self> {
        let path = match &args.data {
            Some(path) => path.clone(),
            None => std::env::temp_dir().join(format!("postroom-demo-{}", uuid::Uuid::now_v7())),
        };
        std::fs::create_dir_all(&path).with_context(|| {
            format!("the folder {} cannot be made; name another with --data", path.display())
        })?;
        Ok(Self { path })
    }

    fn remove(self, keep: bool) {
        if keep {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, folder = %self.path.display(), "the demo's folder could not be removed");
        }
    }
}

/// The mails of a folder, or the samples.
fn mails(folder: Option<&Path>) -> Result<Vec<(String, Vec<u8>)>> {
    let Some(folder) = folder else {
        let samples = samples::all(MAILBOX, SystemClock.now());
        return Ok(samples.into_iter().map(|(name, raw)| (name.to_owned(), raw)).collect());
    };
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| {
            format!("the folder {} cannot be read; name a folder of .eml files with --mail", folder.display())
        })?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("eml")) {
                let raw =
                    std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                found.push((path.display().to_string(), raw));
            }
        }
    }
    ensure!(
        !found.is_empty(),
        "{} holds no .eml files; name a folder that does with --mail",
        folder.display()
    );
    found.sort();
    Ok(found)
}

fn config(args: &DemoArgs, folder: &Path, sim: &sim::Ready) -> Result<Config> {
    let mut config = Config::defaults();
    config.data_folder = folder.join("data");
    let port = if args.once { 0 } else { args.port };
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    config.microsoft.login_url = sim.entra.parse()?;
    config.microsoft.graph_url = sim.graph.parse()?;
    config.microsoft.ews_url = Some(sim.ews.parse()?);
    config.microsoft.client_id = Some(sim.client_id.clone());
    config.microsoft.client_secret = Some(SecretString::from(sim.client_secret.clone()));
    config.microsoft.tenant.clone_from(&sim.tenant_id);
    config.jira.base_url = Some(sim.jira.parse()?);
    config.jira.user = Some(sim.jira_user.clone());
    config.jira.token = Some(SecretString::from(sim.jira_token.clone()));
    // Atlassian's gateway and sign-in, for whoever tries the other ways of connecting a site.
    config.jira.gateway_url = sim.jira.parse()?;
    config.jira.auth_url = sim.jira.parse()?;
    config.inbound.poll_interval = Duration::from_secs(if args.once { 1 } else { 2 });
    Ok(config)
}

/// Prints what to open and waits for Ctrl-C.
#[allow(clippy::print_stdout, reason = "the demo talks to the person at the terminal")]
async fn look(running: &Running, sim: &sim::Ready) -> Result<()> {
    println!("Postroom with a simulated Microsoft 365 and a simulated Jira. Nothing leaves this machine.\n");
    if let Some(link) = &running.setup_link {
        println!("  1  Make the owner's account    {link}");
    } else {
        println!("  1  The console                 {}", running.url);
    }
    println!("  2  Messaging > Message Sources > Sign in with Microsoft; choose {MAILBOX}");
    if let Some(user) = sim.users.iter().find(|user| user.upn == MAILBOX) {
        println!("     (password {})", user.password);
    }
    println!("  3  Confirm what the source shall do, then press the green ping");
    println!("  4  Write a mail                {}", sim.outlook);
    println!("  5  See the issue               {}/projects/SUP", sim.jira.trim_end_matches('/'));
    println!("\n  Cause an outage                {}", sim.control);
    println!("\nCtrl-C ends it.");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = running.program.cancelled() => {}
    }
    Ok(())
}

/// Signs in, waits for every mail's end, prints what became of each.
async fn once(args: &DemoArgs, running: &Running, expected: usize) -> Result<()> {
    let bar = ProgressBar::new(expected as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message("signing in");
    let link = running.setup_link.as_ref().context("this folder has an owner already; use a fresh one")?;
    let wishes = Wishes { account: MAILBOX.to_owned(), ..Wishes::everything(MAILBOX, "SUP", "Task") };
    connect::connect(&running.url, link, &wishes).await?;
    bar.set_message("handling mail");
    running.poll_now();
    let until = Instant::now() + Duration::from_secs(args.within);
    loop {
        let count = outcome::count(&running.db).await?;
        bar.set_position(count.ended);
        if count.found >= expected as u64 && count.ended == count.found {
            break;
        }
        if Instant::now() > until {
            bar.abandon();
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bar.finish_and_clear();
    let ends = outcome::ends(&running.db, running.sealer()).await?;
    outcome::print(&ends, args.json)?;
    let open = ends.iter().filter(|end| end.end.is_none()).count();
    ensure!(
        ends.len() == expected && open == 0,
        "{} of {}, {open} without an end yet; --within gives them more time",
        ends.len(),
        counted(expected, "mail was found", "mails were found")
    );
    Ok(())
}
