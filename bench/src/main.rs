//! `./bench/run`: in one run and on one machine, the limit probe, Postroom, and scripts as people write them, several rounds of
//! each in turn, against the simulator with a fixed round trip and all quotas on. Prints the medians of the per-round ratios
//! with their spread; with `--report FILE` it writes them as a page.

#![allow(
    clippy::cast_precision_loss,
    clippy::format_collect,
    clippy::manual_midpoint,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a measuring tool: counts are small, it talks to the person at the terminal"
)]

mod measure;
mod mix;
mod probe;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use e2e::control::Ready;
use e2e::process::{Setup, Sim};
use futures::StreamExt;
use postroom::demo::connect::{self, Wishes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::process::Command;
use tokio::time::Instant;

const MAILBOX: &str = "support@contoso.test";

/// Measures a drain.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    what: Option<What>,
    /// Mails for the probe and for Postroom.
    #[arg(long, default_value_t = 10_000)]
    mails: usize,
    /// Mails for the scripts.
    #[arg(long, default_value_t = 300)]
    sample: usize,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Round trip, milliseconds.
    #[arg(long, default_value_t = 50)]
    latency: u64,
    /// Python with the packages of bench/peers/requirements.txt; without it the scripts are left out.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Measures Postroom alone, for profiling: there are no ratios then.
    #[arg(long)]
    alone: bool,
    /// Writes the result as a page.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The limit probe, as a process of its own.
    Probe(probe::Args),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    mails: usize,
    seconds: f64,
    cpu: f64,
    /// Highest resident memory seen during the drain, MiB.
    memory: f64,
    /// Requests to Graph and Jira until all issues stood.
    requests: f64,
    /// Requests afterwards, for marking and stamping.
    marks: f64,
}

impl Run {
    fn rate(&self) -> f64 {
        self.mails as f64 / self.seconds
    }
    fn cpu_per_mail(&self) -> f64 {
        self.cpu / self.mails as f64
    }
}

#[derive(Debug, Default)]
struct Rounds {
    probe: Vec<Run>,
    postroom: Vec<Run>,
    sequential: Vec<Run>,
    threads: Vec<Run>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(What::Probe(args)) = cli.what {
        return probe::run(args).await;
    }
    let mut rounds = Rounds::default();
    for round in 1..=cli.rounds {
        eprintln!("round {round} of {}", cli.rounds);
        if cli.alone {
            rounds.postroom.push(run_postroom(&cli).await.context("Postroom")?);
            tell("Postroom", rounds.postroom.last());
            continue;
        }
        rounds.probe.push(run_probe(&cli).await.context("limit probe")?);
        tell("limit probe", rounds.probe.last());
        rounds.postroom.push(run_postroom(&cli).await.context("Postroom")?);
        tell("Postroom", rounds.postroom.last());
        if let Some(python) = &cli.python {
            rounds.sequential.push(run_peer(&cli, python, 1).await.context("script, sequential")?);
            tell("script, sequential", rounds.sequential.last());
            rounds.threads.push(run_peer(&cli, python, 4).await.context("script, four threads")?);
            tell("script, four threads", rounds.threads.last());
        }
    }
    if cli.alone {
        return Ok(());
    }
    let report = report(&cli, &rounds)?;
    println!("{report}");
    if let Some(path) = &cli.report {
        std::fs::write(path, report)?;
    }
    Ok(())
}

fn tell(name: &str, run: Option<&Run>) {
    if let Some(run) = run {
        eprintln!(
            "  {name}: {} mails in {:.1} s, {:.1} a second, {:.3} ms CPU a mail, {:.0} MiB, {:.3} requests a mail",
            run.mails,
            run.seconds,
            run.rate(),
            run.cpu_per_mail() * 1000.0,
            run.memory,
            run.requests / run.mails as f64,
        );
    }
}

/// A simulator with that many mails in the mailbox; the round trip begins after they are in.
async fn filled(cli: &Cli, mails: usize) -> Result<Sim> {
    let sim = Sim::start(&[]).await?;
    let control = sim.control.clone();
    let mut deliveries =
        futures::stream::iter(0..mails).map(|n| control.deliver(MAILBOX, mix::mail(n))).buffer_unordered(16);
    while let Some(delivered) = deliveries.next().await {
        delivered?;
    }
    drop(deliveries);
    sim.control.post("/latency", &json!({ "ms": cli.latency })).await?;
    Ok(sim)
}

async fn counted(sim: &Sim, service: &str) -> Result<f64> {
    let counters = sim.control.get("/counters").await?;
    counters[service]["requests"].as_f64().with_context(|| format!("no counter of {service}: {counters}"))
}

/// Batch requests so far: what marks and stamps are sent in.
async fn batches(sim: &Sim) -> Result<f64> {
    let counters = sim.control.get("/counters").await?;
    Ok(counters["graph"]["by_operation"]["POST /v1.0/$batch"].as_f64().unwrap_or_default())
}

async fn project(ready: &Ready) -> Result<(String, String)> {
    let types: serde_json::Value = reqwest::Client::new()
        .get(format!("{}/rest/api/3/issue/createmeta/SUP/issuetypes", ready.jira))
        .basic_auth(&ready.jira_user, Some(&ready.jira_token))
        .send()
        .await?
        .json()
        .await?;
    let id = types["issueTypes"]
        .as_array()
        .and_then(|types| types.iter().find(|kind| kind["name"] == "Task"))
        .and_then(|kind| kind["id"].as_str())
        .with_context(|| format!("no type Task: {types}"))?;
    Ok(("SUP".to_owned(), id.to_owned()))
}

fn peer_args(ready: &Ready, project: &str, issue_type: &str) -> Vec<String> {
    [
        ("--login", ready.entra.as_str()),
        ("--tenant", &ready.tenant_id),
        ("--client-id", &ready.client_id),
        ("--client-secret", &ready.client_secret),
        ("--graph", &ready.graph),
        ("--mailbox", MAILBOX),
        ("--jira", &ready.jira),
        ("--jira-user", &ready.jira_user),
        ("--jira-token", &ready.jira_token),
        ("--project", project),
        ("--issue-type", issue_type),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value.to_owned()])
    .collect()
}

/// Waits for the child, watching its memory and processor time.
async fn watched(child: &mut tokio::process::Child) -> Result<(f64, f64)> {
    let pid = child.id().context("it has ended already")?;
    let (mut cpu, mut memory) = (0.0_f64, 0.0_f64);
    loop {
        if let Ok(seconds) = measure::cpu_seconds(pid) {
            cpu = cpu.max(seconds);
        }
        if let Ok(mib) = measure::resident_mib(pid) {
            memory = memory.max(mib);
        }
        tokio::select! {
            status = child.wait() => {
                ensure!(status?.success(), "it failed");
                return Ok((cpu, memory));
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

async fn run_probe(cli: &Cli) -> Result<Run> {
    let sim = filled(cli, cli.mails).await?;
    let (project, issue_type) = project(&sim.ready).await?;
    let before = counted(&sim, "graph").await? + counted(&sim, "jira").await?;
    let begun = Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("probe")
        .args(peer_args(&sim.ready, &project, &issue_type))
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (cpu, memory) = watched(&mut child).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let requests = counted(&sim, "graph").await? + counted(&sim, "jira").await? - before;
    let made = sim.control.issues().await?.len();
    ensure!(made == cli.mails, "{made} issues of {}", cli.mails);
    sim.stop().await?;
    Ok(Run { mails: cli.mails, seconds, cpu, memory, requests, marks: 0.0 })
}

async fn run_postroom(cli: &Cli) -> Result<Run> {
    let sim = filled(cli, cli.mails).await?;
    let folder = store::testing::TestFolder::new();
    let mut setup = Setup::new(folder.path(), &sim.ready, None)?;
    // The settings of a real installation, but for the address.
    setup.variables.retain(|(name, _)| !name.starts_with("POSTROOM_INBOUND_"));
    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let link = serve.setup_link().await?;
    let before = counted(&sim, "graph").await? + counted(&sim, "jira").await?;
    let cpu_before = measure::cpu_seconds(serve.id()?)?;
    // The clock starts with the confirmation, which is when the source may begin.
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let begun = connect::connect_timed(&setup.url()?, &link, &wishes).await?;
    let begun = Instant::from_std(begun);
    let mut memory = 0.0_f64;
    let expected = cli.mails as f64;
    let (seconds, cpu) = loop {
        memory = memory.max(measure::resident_mib(serve.id()?)?);
        let counters = sim.control.get("/counters").await?;
        let created = counters["jira"]["issues"].as_f64().unwrap_or_default();
        if created >= expected {
            break (begun.elapsed().as_secs_f64(), measure::cpu_seconds(serve.id()?)? - cpu_before);
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(900),
            "{created} of {expected} issues after 15 minutes"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let requests = counted(&sim, "graph").await? + counted(&sim, "jira").await? - before;
    // Marks and stamps come out of the slack, twenty to a request; they are told apart.
    let marks = batches(&sim).await?;
    let made = sim.control.issues().await?.len();
    ensure!(made == cli.mails, "{made} issues of {}", cli.mails);
    serve.kill().await?;
    sim.stop().await?;
    Ok(Run { mails: cli.mails, seconds, cpu, memory, requests: requests - marks, marks })
}

#[derive(Deserialize)]
struct PeerSaid {
    made: usize,
    seconds: f64,
    cpu: f64,
}

async fn run_peer(cli: &Cli, python: &Path, threads: usize) -> Result<Run> {
    let sim = filled(cli, cli.sample).await?;
    let (project, issue_type) = project(&sim.ready).await?;
    let before = counted(&sim, "graph").await? + counted(&sim, "jira").await?;
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/drain.py"))
        .args(peer_args(&sim.ready, &project, &issue_type))
        .args(["--count", &cli.sample.to_string(), "--threads", &threads.to_string()])
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: PeerSaid = serde_json::from_slice(&output.stdout)?;
    ensure!(said.made == cli.sample, "{} of {}", said.made, cli.sample);
    let requests = counted(&sim, "graph").await? + counted(&sim, "jira").await? - before;
    sim.stop().await?;
    Ok(Run { mails: said.made, seconds: said.seconds, cpu: said.cpu, memory: 0.0, requests, marks: 0.0 })
}

fn ratios(left: &[Run], right: &[Run], of: impl Fn(&Run, &Run) -> f64) -> Option<(f64, f64, f64)> {
    let all: Vec<f64> = left.iter().zip(right).map(|(a, b)| of(a, b)).collect();
    let least = all.iter().copied().reduce(f64::min)?;
    let most = all.iter().copied().reduce(f64::max)?;
    Some((measure::median(&all), least, most))
}

fn report(cli: &Cli, rounds: &Rounds) -> Result<String> {
    use std::fmt::Write as _;
    let mut page = String::from("# Benchmark\n\nMade by `./bench/run`; do not edit.\n\n");
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism()?;
    writeln!(
        page,
        "Machine: {} ({cores} cores). {} rounds, {} mails for the probe and for Postroom, {} for the scripts, round trip {} ms, quotas on \
         (Graph 10,000 requests in 10 minutes and 4 at once for a mailbox, Jira 100 creates a second). SQLite, `synchronous=FULL`.\n",
        model.trim_start_matches([' ', '\t', ':']),
        cli.rounds,
        cli.mails,
        cli.sample,
        cli.latency,
    )?;
    writeln!(
        page,
        "The mail mix is `bench/src/mix.rs`: seven of ten HTML of 1 to 4 KB, three plain text, no attachments.\n"
    )?;
    writeln!(page, "| Measure | To reach | Median | Least | Most |\n|---|---|---|---|---|")?;
    let mut row = |name: &str, goal: &str, value: Option<(f64, f64, f64)>| -> std::fmt::Result {
        match value {
            Some((median, least, most)) => {
                writeln!(page, "| {name} | {goal} | {median:.3} | {least:.3} | {most:.3} |")
            }
            None => writeln!(page, "| {name} | {goal} | not measured | | |"),
        }
    };
    let r = rounds;
    row("time, Postroom / probe", "≤ 1.3", ratios(&r.postroom, &r.probe, |a, b| a.seconds / b.seconds))?;
    row(
        "CPU a mail, Postroom / probe",
        "≤ 3",
        ratios(&r.postroom, &r.probe, |a, b| a.cpu_per_mail() / b.cpu_per_mail()),
    )?;
    row(
        "rate, Postroom / sequential script",
        "≥ 15",
        ratios(&r.postroom, &r.sequential, |a, b| a.rate() / b.rate()),
    )?;
    row("rate, Postroom / four threads", "≥ 1", ratios(&r.postroom, &r.threads, |a, b| a.rate() / b.rate()))?;
    row(
        "CPU a mail, Postroom / four threads",
        "≤ 0.167",
        ratios(&r.postroom, &r.threads, |a, b| a.cpu_per_mail() / b.cpu_per_mail()),
    )?;
    row(
        "requests a mail until its issue stands",
        "≤ 1.05",
        ratios(&r.postroom, &r.postroom, |a, _| a.requests / a.mails as f64),
    )?;
    row(
        "requests a mail for marks and stamps meanwhile",
        "apart",
        ratios(&r.postroom, &r.postroom, |a, _| a.marks / a.mails as f64),
    )?;
    row("resident memory, MiB", "≤ 60", ratios(&r.postroom, &r.postroom, |a, _| a.memory))?;
    writeln!(
        page,
        "\n| Run | Round | Mails | Seconds | Mails a second | CPU ms a mail | Requests a mail | Memory MiB |\n|---|---|---|---|---|---|---|---|"
    )?;
    for (name, runs) in [
        ("limit probe", &r.probe),
        ("Postroom", &r.postroom),
        ("script, sequential", &r.sequential),
        ("script, four threads", &r.threads),
    ] {
        for (round, run) in runs.iter().enumerate() {
            writeln!(
                page,
                "| {name} | {} | {} | {:.1} | {:.1} | {:.3} | {:.3} | {:.0} |",
                round + 1,
                run.mails,
                run.seconds,
                run.rate(),
                run.cpu_per_mail() * 1000.0,
                run.requests / run.mails as f64,
                run.memory,
            )?;
        }
    }
    Ok(page)
}
