//! Logs and numbers: where they go and how they look.
//!
//! Logs go to standard error, so that standard output stays free for what a command prints. For people on a terminal they
//! are short lines; everywhere else each is one JSON object with its fields, so that a log store can search them. What is
//! never logged: tokens, secrets, addresses in URLs' user part, and the text of mails. Numbers are kept for `/metrics`.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat};

/// Upper bounds, in seconds, of the buckets that durations are counted in.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Begins logging. Once per process; a second time is refused.
pub fn start_log(log: &Log) -> Result<(), TryInitError> {
    let errors = std::io::stderr;
    let filter = filter(&log.level);
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !errors().is_terminal(),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(errors);
    if json {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init()
    } else {
        lines.compact().with_ansi(errors().is_terminal()).with_target(false).finish().try_init()
    }
}

/// What is logged: what the settings say, and of libraries no more than warnings unless they are named.
fn filter(level: &str) -> EnvFilter {
    // A bare level is meant for Postroom; the libraries below it speak of every connection.
    let quiet =
        ["hyper", "hyper_util", "reqwest", "rustls", "sqlx", "h2", "tower", "html5ever", "object_store"];
    let mut text = level.to_owned();
    for library in quiet {
        if !level.contains(library) {
            let _ = write!(text, ",{library}=warn");
        }
    }
    EnvFilter::try_new(&text).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// What renders the numbers for `/metrics`; the first call in a process begins to keep them. None where a program that
/// embeds us keeps them elsewhere.
pub fn metrics_handle() -> Option<PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .ok()?
                .install_recorder()
                .ok()
        })
        .clone()
}

/// Counts codes that the catalogue of faults does not have, and writes them to the log: somebody should add them. The label is the
/// system alone, since a code is the other side's word.
pub fn count_unknown_faults() {
    fault::on_unknown(|fault| {
        let system = fault.entry.id.split('.').next().unwrap_or_default();
        metrics::counter!("postroom_unknown_fault_total", "system" => system).increment(1);
        tracing::warn!(code = %fault.code, status = fault.status, guess = fault.entry.id, "a code that is not in the catalogue of faults");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a bare level does not make the libraries speak, and who names one hears it.
    #[test]
    fn libraries_stay_quiet_unless_named() {
        let plain = filter("debug").to_string();
        assert!(
            plain.contains("debug") && plain.contains("hyper=warn") && plain.contains("sqlx=warn"),
            "{plain}"
        );
        let named = filter("info,sqlx=debug").to_string();
        assert!(named.contains("sqlx=debug") && !named.contains("sqlx=warn"), "{named}");
    }

    /// Promise: numbers are rendered as Prometheus reads them, durations in buckets.
    #[test]
    fn numbers_are_rendered() {
        let handle = metrics_handle().expect("nobody else keeps numbers here");
        metrics::counter!("postroom_test_total").increment(2);
        metrics::histogram!("postroom_test_seconds").record(0.02);
        count_unknown_faults();
        let codes = &["somethingNew"];
        fault::Fault::graph(&fault::GraphAnswer { status: 503, codes, ..Default::default() });
        fault::Fault::graph(&fault::GraphAnswer { status: 503, ..Default::default() });
        let text = metrics_handle().expect("the same again").render();
        // In no order of its own.
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&text), sorted(&handle.render()));
        assert!(text.contains("postroom_test_total 2"), "{text}");
        assert!(text.contains("postroom_unknown_fault_total{system=\"graph\"} "), "{text}");
        assert!(text.contains("postroom_test_seconds_bucket{le=\"0.025\"} 1"), "{text}");
    }
}
