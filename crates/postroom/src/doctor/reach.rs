//! Whether the servers of Microsoft and Jira can be reached, and whether their clocks agree with ours.

use std::time::Duration;

use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use store::Clock;
use url::Url;

use super::Finding;
use super::place::Site;
use crate::cli::client::cause;
use crate::config::Config;

/// The longest that one server may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// From here on a clock is worth a word. Microsoft's tokens allow five minutes.
const SKEW_NOTE: SignedDuration = SignedDuration::from_secs(30);
/// From here on sign-ins and tokens fail.
const SKEW_BAD: SignedDuration = SignedDuration::from_mins(4);

/// What a server is expected to answer.
struct Server {
    check: &'static str,
    url: Url,
    good: fn(StatusCode) -> bool,
    /// What to do about an answer that is not good.
    mend: &'static str,
}

pub(super) async fn examine(
    config: &Config,
    sites: Vec<Site>,
    clock: &dyn Clock,
    findings: &mut Vec<Finding>,
) {
    let http = config.certificates().map_err(|fault| {
        Finding::bad("certificates", format!("{}: {}: {}", fault.origin, fault.key, fault.what), fault.mend)
    });
    let http = http.and_then(|more| {
        reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge(more)
            .build()
            .map_err(|error| {
                Finding::bad("certificates", cause(&error), "mend the system's certificate store")
            })
    });
    let http = match http {
        Ok(http) => http,
        Err(finding) => {
            findings.push(finding);
            return;
        }
    };
    let mut skews: Vec<(String, SignedDuration)> = Vec::new();
    for server in servers(config, sites) {
        let host = server.url.host_str().unwrap_or_default().to_owned();
        let asked = clock.now();
        match http.get(server.url.clone()).send().await {
            Ok(answer) => {
                // The server read its clock somewhere between the two moments.
                let between = middle(asked, clock.now());
                let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
                if let Some(date) = date.and_then(read_date) {
                    skews.push((host.clone(), between.duration_since(date)));
                }
                let status = answer.status();
                findings.push(if (server.good)(status) {
                    Finding::good(server.check, format!("{host} answers"))
                } else {
                    Finding::bad(server.check, format!("{} answers {status}", server.url), server.mend)
                });
            }
            Err(error) => findings.push(unreachable(server.check, &host, &error.without_url())),
        }
    }
    findings.extend(skew(&skews));
}

fn servers(config: &Config, sites: Vec<Site>) -> Vec<Server> {
    let microsoft = &config.microsoft;
    let mut servers = Vec::new();
    // The settings have seen to it that these are bases with a trailing slash.
    if let Ok(url) =
        microsoft.login_url.join(&format!("{}/v2.0/.well-known/openid-configuration", microsoft.tenant))
    {
        servers.push(Server {
            check: "sign-in",
            url,
            good: |status| status.is_success(),
            mend: "check [microsoft] login_url and tenant",
        });
    }
    if let Ok(url) = microsoft.graph_url.join("v1.0/me") {
        servers.push(Server {
            check: "Microsoft Graph",
            url,
            // Nobody is signed in here: Graph says so, which is a sign of life.
            good: |status| status == StatusCode::UNAUTHORIZED || status.is_success(),
            mend: "check [microsoft] graph_url, and whether a proxy answers in its place",
        });
    }
    for site in sites {
        if let Ok(url) = site.base_url.join(&format!("rest/api/{}/serverInfo", site.api_version)) {
            servers.push(Server {
                check: "Jira",
                url,
                good: |status| status.is_success() || status == StatusCode::UNAUTHORIZED,
                mend: "check the site's address and API version (3 for Cloud, 2 for Data Center)",
            });
        }
    }
    servers
}

fn unreachable(check: &'static str, host: &str, error: &reqwest::Error) -> Finding {
    let detail = cause(error);
    let lower = detail.to_lowercase();
    let mend = if error.is_timeout() {
        "it does not answer in 15 s: let the firewall pass it, or set HTTPS_PROXY"
    } else if lower.contains("certificate") || lower.contains("unknownissuer") {
        "its certificate is not trusted: name your authority's certificates with ca_file"
    } else if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
        "its name is not known: check the address and this machine's DNS"
    } else {
        "check the address, the firewall and HTTPS_PROXY"
    };
    Finding::bad(check, format!("{host} cannot be reached ({detail})"), mend)
}

/// A Date header (RFC 9110, IMF-fixdate).
fn read_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn middle(before: Timestamp, after: Timestamp) -> Timestamp {
    before.checked_add(after.duration_since(before) / 2).unwrap_or(before)
}

/// One finding over all servers: the least skew, since a single server's clock may be the wrong one.
fn skew(skews: &[(String, SignedDuration)]) -> Option<Finding> {
    let (host, skew) = skews.iter().min_by_key(|(_, skew)| skew.abs())?;
    let side = if skew.is_negative() { "behind" } else { "ahead of" };
    let rounded = SignedDuration::from_secs(skew.abs().as_secs());
    let text = format!("this machine's clock is {rounded:#} {side} that of {host}");
    let mend = "set the clock by NTP";
    Some(match skew.abs() {
        skew if skew >= SKEW_BAD => Finding::bad("clock", text, mend),
        skew if skew >= SKEW_NOTE => Finding::note("clock", text, mend),
        _ => Finding::good("clock", format!("within 30 s of {host}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a wrong clock is told with its side, and one server with a wrong clock does not accuse ours.
    #[test]
    fn a_wrong_clock_is_told() {
        let of = |seconds: &[i64]| {
            let skews: Vec<_> =
                seconds.iter().map(|seconds| ("h".to_owned(), SignedDuration::from_secs(*seconds))).collect();
            skew(&skews).map(|finding| (finding.grade, finding.text))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[2]).map(|(grade, _)| grade), Some(super::super::Grade::Good));
        assert_eq!(of(&[3600, 1]).map(|(grade, _)| grade), Some(super::super::Grade::Good));
        let (grade, text) = of(&[-600, -700]).expect("a finding");
        assert_eq!(grade, super::super::Grade::Bad);
        assert!(text.contains("10m behind"), "{text}");
    }

    /// Promise: the date that servers send is read.
    #[test]
    fn dates_of_servers_are_read() {
        let read = read_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        assert_eq!(read.as_second(), 784_111_777);
        assert_eq!(read_date("yesterday"), None);
    }
}
