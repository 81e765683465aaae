//! The command line.
//!
//! Begin with [`main`]. One file per command; [`client`] is how the commands that look at a running service reach it, and
//! [`shapes`] what they exchange with it. Errors end in one sentence on standard error that says what to do; what was asked
//! for goes to standard output, as JSON with `--json`. The exit codes are those of [`Failure`].

mod applications;
pub mod client;
mod demo;
mod doctor;
mod erase;
mod jira;
mod messages;
mod migrate;
mod notices;
mod outbounds;
mod password_link;
mod rules;
mod serve;
mod setup;
pub mod shapes;
mod sim;
mod sources;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod version;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError, Environment};
use crate::telemetry;

pub use demo::DemoArgs;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it could not be done; the last line on standard error says why and what to do
  2  the command line or the settings are wrong
  3  it was done, and found something that needs a person (doctor, sources ping,
     outbounds ping, notices test)
  4  no service could be reached
";

/// Postroom: a self-hosted mail handler for Jira on Microsoft 365.
#[derive(Debug, Parser)]
#[command(name = "postroom", version = version::NUMBER, after_help = EXIT_CODES)]
struct Cli {
    /// The settings file; without it postroom.toml here, then /etc/postroom/postroom.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::ServeArgs),
    /// Run Postroom with a simulated Microsoft 365, a simulated Jira and sample mail
    Demo(DemoArgs),
    /// Run the simulator of Microsoft 365 and Jira alone
    Sim(sim::SimArgs),
    /// Check settings, key, database, reach and clocks, each finding with its mend
    Doctor(doctor::DoctorArgs),
    /// What to register at Microsoft, with scripts and links
    Setup(setup::SetupArgs),
    /// Message Sources: the mailbox folders that are read
    Sources(sources::SourcesArgs),
    /// Application permission: the app itself as an account, and its fence
    Applications(applications::ApplicationsArgs),
    /// Message Outbounds: the mailboxes that mail is sent from
    Outbounds(outbounds::OutboundsArgs),
    /// Jira connections: the sites that mail goes to
    Jira(jira::JiraArgs),
    /// Notices: what people are told, and the channels that it goes through
    Notices(notices::NoticesArgs),
    /// Messages: what became of each mail
    Messages(messages::MessagesArgs),
    /// Erase everything of an address, with a report; without --yes it is only counted
    Erase(erase::EraseArgs),
    /// Rules: profiles as files, checked and held to a folder of mails
    Rules(rules::RulesArgs),
    /// Bring the database to the schema that this version needs
    Migrate(migrate::MigrateArgs),
    /// Print a one-time link by which a user chooses a new password
    PasswordLink(password_link::PasswordLinkArgs),
    /// Print version and what it was built for
    Version(version::VersionArgs),
}

/// Why a command ends without having done what was asked; each has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit code 1.
    #[error("{}", sentence(.0))]
    Failed(anyhow::Error),
    /// Exit code 2.
    #[error("{0}")]
    Settings(#[from] ConfigError),
    /// Exit code 3; what needs a person has been printed.
    #[error("{0}")]
    NeedsPerson(String),
    /// Exit code 4.
    #[error("{0}")]
    Unreachable(String),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Settings(_) => 2,
            Self::NeedsPerson(_) => 3,
            Self::Unreachable(_) => 4,
        }
    }
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                complain(&format!("the system gives no threads ({error}); look at this user's limits"));
                return ExitCode::from(1);
            }
        };
    let environment = Environment::of_process();
    let result = runtime.block_on(run(cli, &environment));
    // What still runs in the background has been told to stop; nobody waits for it any longer.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads our output has heard enough, as `postroom messages list | head`.
        Err(Failure::Failed(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

async fn run(cli: Cli, environment: &Environment) -> Result<(), Failure> {
    let settings = || Config::load(cli.config.as_deref(), environment);
    match cli.command {
        Command::Serve(args) => {
            let config = settings()?;
            start_log(&config);
            serve::run(args, config).await
        }
        Command::Demo(args) => {
            let mut config = Config::defaults();
            // The demo stands alone: of the settings it takes only how to log.
            if let Some(level) = environment.get("POSTROOM_LOG_LEVEL") {
                level.clone_into(&mut config.log.level);
            } else {
                "warn".clone_into(&mut config.log.level);
            }
            start_log(&config);
            demo::run(args).await
        }
        Command::Sim(args) => {
            let mut config = Config::defaults();
            environment.get("POSTROOM_LOG_LEVEL").unwrap_or("warn").clone_into(&mut config.log.level);
            start_log(&config);
            sim::run(args).await
        }
        Command::Doctor(args) => doctor::run(args, cli.config.as_deref(), environment).await,
        Command::Setup(args) => setup::run(args, settings),
        Command::Sources(args) => sources::run(args, settings).await,
        Command::Applications(args) => applications::run(args, settings).await,
        Command::Outbounds(args) => outbounds::run(args, settings).await,
        Command::Jira(args) => jira::run(args, settings).await,
        Command::Notices(args) => notices::run(args, settings).await,
        Command::Messages(args) => messages::run(args, settings).await,
        Command::Erase(args) => erase::run(args, settings).await,
        Command::Migrate(args) => {
            let config = settings()?;
            migrate::run(args, &config).await
        }
        Command::PasswordLink(args) => {
            let config = settings()?;
            start_log(&config);
            password_link::run(args, &config).await
        }
        Command::Rules(args) => rules::run(args),
        Command::Version(args) => version::run(&args),
    }
}

/// Begins logging; a program that embeds us may have begun already, and then its log is the one.
fn start_log(config: &Config) {
    let _ = telemetry::start_log(&config.log);
}

/// The error and its causes in one sentence. A cause that an outer error has told already is not told again, so that the
/// mend stays at the end.
fn sentence(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if told.contains(&text) {
            continue;
        }
        if !told.is_empty() {
            told.push_str(": ");
        }
        told.push_str(&text);
    }
    told
}

/// One line on standard error, or several where several settings are wrong.
fn complain(what: &str) {
    let mut errors = io::stderr().lock();
    for line in what.lines() {
        // Without standard error there is nobody to tell.
        let _ = writeln!(errors, "postroom: {line}");
    }
}

/// One line on standard output, at once.
fn say(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// A value as JSON on standard output.
fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    Ok(say(&text)?)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Waits until the process is asked to stop: Ctrl-C, or SIGTERM from a service manager.
pub async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// Threads that run tasks: half the cores. The work is mostly waiting, each SQLite connection has a thread of its own, and large
/// mail is read on others; more of them would only wake each other (measured: a twentieth of the processor time of a drain).
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}
