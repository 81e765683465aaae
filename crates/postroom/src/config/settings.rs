//! For each key: what it takes, and what to write instead of what it does not take.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use store::StoreUrl;
use url::Url;

use super::layers::Raw;
use super::{Config, LogFormat, Network, Tls};

/// What is wrong with a value, and the mend.
pub(super) type Refused = (String, String);

/// How a key is set.
type Set = fn(&mut Draft, &Raw, &Path) -> Result<(), Refused>;

/// One setting.
pub(super) struct Setting {
    /// `section.key`.
    pub(super) key: &'static str,
    /// Never repeated in messages; may also come from a file.
    pub(super) secret: bool,
    /// Takes the value; the path is the folder that relative paths begin at.
    pub(super) set: Set,
}

/// The settings while they are being read: the pair of TLS files is judged together at the end.
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
}

const fn setting(key: &'static str, set: Set) -> Setting {
    Setting { key, secret: false, set }
}

const fn secret(key: &'static str, set: Set) -> Setting {
    Setting { key, secret: true, set }
}

/// Every setting there is.
pub(super) static SETTINGS: &[Setting] = &[
    setting("data_folder", |draft, raw, base| {
        let path = path(raw, base)?;
        draft.config.data_folder =
            path.ok_or_else(|| refused("it is empty", "name a folder, such as \"/var/lib/postroom\""))?;
        Ok(())
    }),
    setting("server.listen", |draft, raw, _| {
        let text = text(raw)?;
        draft.config.server.listen = text.parse().map_err(|_| {
            refused(
                &format!("{text:?} is not an address with a port"),
                "write for example \"127.0.0.1:8070\" or \"[::]:8070\"",
            )
        })?;
        Ok(())
    }),
    setting("server.public_url", |draft, raw, _| {
        let url = web_address(raw)?;
        if url.as_ref().is_some_and(|url| url.path() != "/") {
            return Err(refused("it holds a path", "give the console a host name (or a port) of its own"));
        }
        draft.config.server.public_url = url;
        Ok(())
    }),
    setting("server.tls_cert", |draft, raw, base| {
        draft.tls_cert = path(raw, base)?;
        Ok(())
    }),
    setting("server.tls_key", |draft, raw, base| {
        draft.tls_key = path(raw, base)?;
        Ok(())
    }),
    setting("server.trusted_proxy", |draft, raw, _| {
        draft.config.server.trusted_proxy = texts(raw)?
            .iter()
            .map(|text| {
                text.parse::<Network>().map_err(|()| {
                    refused(
                        &format!("{text:?} is neither an address nor a network"),
                        "write for example [\"10.0.0.5\", \"fd00::/8\"]",
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(())
    }),
    secret("database.url", |draft, raw, _| {
        let text = text(raw)?;
        if !text.is_empty() {
            text.parse::<StoreUrl>().map_err(|error| {
                refused(&error.to_string(), "leave it empty for SQLite in the data folder")
            })?;
        }
        draft.config.database.url = filled(text).map(SecretString::from);
        Ok(())
    }),
    setting("microsoft.login_url", |draft, raw, _| {
        draft.config.microsoft.login_url = web_address(raw)?.ok_or_else(no_address)?;
        Ok(())
    }),
    setting("microsoft.graph_url", |draft, raw, _| {
        let url = web_address(raw)?.ok_or_else(no_address)?;
        if url.path().trim_matches('/').starts_with("v1.0") {
            return Err(refused("it ends in the version", "leave out /v1.0"));
        }
        draft.config.microsoft.graph_url = url;
        Ok(())
    }),
    setting("microsoft.ews_url", |draft, raw, _| {
        draft.config.microsoft.ews_url = web_address(raw)?.map(|mut url| {
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
            url
        });
        Ok(())
    }),
    setting("microsoft.client_id", |draft, raw, _| {
        draft.config.microsoft.client_id = filled(text(raw)?);
        Ok(())
    }),
    secret("microsoft.client_secret", |draft, raw, _| {
        draft.config.microsoft.client_secret = filled(text(raw)?).map(SecretString::from);
        Ok(())
    }),
    setting("microsoft.client_secret_expires", |draft, raw, _| {
        draft.config.microsoft.client_secret_expires = match filled(text(raw)?) {
            None => None,
            Some(day) => Some(day.parse().map_err(|_| {
                refused(
                    &format!("{day:?} is not a day"),
                    "write year, month and day, such as \"2027-03-31\", in quotation marks",
                )
            })?),
        };
        Ok(())
    }),
    setting("microsoft.tenant", |draft, raw, _| {
        let text = text(raw)?;
        let good = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
            && !text.starts_with('.');
        if !good {
            return Err(refused(
                &format!("{text:?} is not a tenant"),
                "write \"organizations\", \"common\", a tenant's id, or a domain of it",
            ));
        }
        draft.config.microsoft.tenant = text;
        Ok(())
    }),
    setting("microsoft.ca_file", |draft, raw, base| {
        draft.config.microsoft.ca_file = path(raw, base)?;
        Ok(())
    }),
    setting("jira.base_url", |draft, raw, _| {
        draft.config.jira.base_url = web_address(raw)?;
        Ok(())
    }),
    setting("jira.user", |draft, raw, _| {
        draft.config.jira.user = filled(text(raw)?);
        Ok(())
    }),
    secret("jira.token", |draft, raw, _| {
        draft.config.jira.token = filled(text(raw)?).map(SecretString::from);
        Ok(())
    }),
    setting("jira.api_version", |draft, raw, _| {
        draft.config.jira.api_version = match whole(raw)? {
            2 => 2,
            3 => 3,
            other => {
                return Err(refused(
                    &format!("{other} is not a version"),
                    "write 3 for Cloud, 2 for Data Center",
                ));
            }
        };
        Ok(())
    }),
    setting("jira.gateway_url", |draft, raw, _| {
        draft.config.jira.gateway_url = web_address(raw)?.ok_or_else(no_address)?;
        Ok(())
    }),
    setting("jira.auth_url", |draft, raw, _| {
        draft.config.jira.auth_url = web_address(raw)?.ok_or_else(no_address)?;
        Ok(())
    }),
    setting("jira.ca_file", |draft, raw, base| {
        draft.config.jira.ca_file = path(raw, base)?;
        Ok(())
    }),
    setting("inbound.poll_interval", |draft, raw, _| {
        draft.config.inbound.poll_interval = span(raw, Duration::from_secs(1), Duration::from_hours(24))?;
        Ok(())
    }),
    setting("inbound.push", |draft, raw, _| {
        draft.config.inbound.push = flag(raw)?;
        Ok(())
    }),
    setting("inbound.quarantine", |draft, raw, _| {
        draft.config.inbound.quarantine = span(raw, Duration::from_millis(100), Duration::from_hours(24))?;
        Ok(())
    }),
    setting("inbound.lease", |draft, raw, _| {
        draft.config.inbound.lease = span(raw, Duration::from_millis(100), Duration::from_hours(1))?;
        Ok(())
    }),
    setting("inbound.request_timeout", |draft, raw, _| {
        draft.config.inbound.request_timeout =
            span(raw, Duration::from_millis(100), Duration::from_mins(10))?;
        Ok(())
    }),
    setting("inbound.workers", |draft, raw, _| {
        let number = whole(raw)?;
        draft.config.inbound.workers = usize::try_from(number)
            .ok()
            .filter(|number| (1..=256).contains(number))
            .ok_or_else(|| refused(&format!("{number} is out of range"), "write a number from 1 to 256"))?;
        Ok(())
    }),
    setting("retention.content_days", |draft, raw, _| {
        draft.config.retention.content = days(raw)?;
        Ok(())
    }),
    setting("retention.summary_days", |draft, raw, _| {
        draft.config.retention.summary = days(raw)?;
        Ok(())
    }),
    setting("retention.timeline_days", |draft, raw, _| {
        draft.config.retention.timeline = days(raw)?;
        Ok(())
    }),
    setting("notices.allow_hosts", |draft, raw, _| {
        let hosts = texts(raw)?;
        let bad = |host: &&String| host.is_empty() || host.contains(['/', '@', ' ', '*']);
        if let Some(host) = hosts.iter().find(bad) {
            return Err(refused(
                &format!("{host:?} is not a host"),
                "write names or addresses without https:// and without a path, such as [\"chat.company.internal\"]",
            ));
        }
        draft.config.notices.allow_hosts = hosts;
        Ok(())
    }),
    setting("log.format", |draft, raw, _| {
        draft.config.log.format = match text(raw)?.as_str() {
            "auto" => LogFormat::Auto,
            "pretty" => LogFormat::Pretty,
            "json" => LogFormat::Json,
            other => {
                return Err(refused(
                    &format!("{other:?} is not a format"),
                    "write \"auto\", \"pretty\" or \"json\"",
                ));
            }
        };
        Ok(())
    }),
    setting("log.level", |draft, raw, _| {
        let text = text(raw)?;
        let directives = text.split(',').map(str::trim);
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        for directive in directives {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
            if !levels.contains(&level.to_ascii_lowercase().as_str()) {
                return Err(refused(
                    &format!("{level:?} is not a level"),
                    "write \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
                ));
            }
        }
        draft.config.log.level = text;
        Ok(())
    }),
];

fn refused(what: &str, mend: &str) -> Refused {
    (what.to_owned(), mend.to_owned())
}

fn no_address() -> Refused {
    refused("it is empty", "write an address such as \"https://graph.microsoft.com\", or leave the line out")
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn text(raw: &Raw) -> Result<String, Refused> {
    match raw {
        Raw::Text(text) => Ok(text.trim().to_owned()),
        other => Err(refused(&format!("it is {}, not text", other.kind()), "write it in quotation marks")),
    }
}

fn texts(raw: &Raw) -> Result<Vec<String>, Refused> {
    match raw {
        Raw::List(items) => items.iter().map(text).collect(),
        // A variable lists with commas.
        Raw::Text(text) => {
            Ok(text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect())
        }
        other => Err(refused(
            &format!("it is {}, not a list", other.kind()),
            "write a list, such as [\"a\", \"b\"]",
        )),
    }
}

fn whole(raw: &Raw) -> Result<i64, Refused> {
    let number = match raw {
        Raw::Number(number) => Some(*number),
        Raw::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        refused(
            &format!("it is {}, not a whole number", raw.kind()),
            "write a number without quotation marks",
        )
    })
}

/// Days, or none for good.
fn days(raw: &Raw) -> Result<Option<SignedDuration>, Refused> {
    if matches!(raw, Raw::Text(text) if text.trim() == "forever") {
        return Ok(None);
    }
    let mend = "write a number of days from 1 to 36500 without quotation marks, or \"forever\"";
    let number = whole(raw).map_err(|(what, _)| refused(&what, mend))?;
    if !(1..=36_500).contains(&number) {
        return Err(refused(&format!("{number} is out of range"), mend));
    }
    Ok(Some(SignedDuration::from_hours(24 * number)))
}

fn flag(raw: &Raw) -> Result<bool, Refused> {
    let flag = match raw {
        Raw::Flag(flag) => Some(*flag),
        // As a variable says it.
        Raw::Text(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    flag.ok_or_else(|| {
        refused(
            &format!("it is {}, neither true nor false", raw.kind()),
            "write true or false, without quotation marks",
        )
    })
}

fn path(raw: &Raw, base: &Path) -> Result<Option<PathBuf>, Refused> {
    Ok(filled(text(raw)?).map(|text| base.join(text)))
}

/// An http or https address, with a trailing slash; none where it is empty.
fn web_address(raw: &Raw) -> Result<Option<Url>, Refused> {
    let Some(text) = filled(text(raw)?) else { return Ok(None) };
    // The text is not repeated: it may hold a password.
    let mend = "write an address such as \"https://postroom.example.com\"";
    let mut url =
        Url::parse(&text).map_err(|error| refused(&format!("it is not a web address ({error})"), mend))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("it is not an http or https address", mend));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it holds a user name", "leave user name and password out of the address"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("it holds '?' or '#'", "leave out everything after the path"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(Some(url))
}

fn span(raw: &Raw, least: Duration, most: Duration) -> Result<Duration, Refused> {
    let mend =
        || format!("write a time such as \"90s\" or \"2m\", from {} to {}", friendly(least), friendly(most));
    let span = match raw {
        Raw::Text(text) => {
            text.trim().parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok())
        }
        _ => None,
    };
    let span = span.ok_or_else(|| (format!("it is {}, not a time with its unit", raw.kind()), mend()))?;
    if span < least || span > most {
        return Err((format!("{} is out of range", friendly(span)), mend()));
    }
    Ok(span)
}

/// A duration as people write it.
pub(super) fn friendly(span: Duration) -> String {
    SignedDuration::try_from(span).map_or_else(|_| "very long".to_owned(), |span| format!("{span:#}"))
}

/// Judges what only several settings together tell.
pub(super) fn judge(draft: &mut Draft) -> Vec<(&'static str, Refused)> {
    let mut wrong = Vec::new();
    let config = &mut draft.config;
    match (draft.tls_cert.take(), draft.tls_key.take()) {
        (Some(cert), Some(key)) => {
            for (name, file) in [("server.tls_cert", &cert), ("server.tls_key", &key)] {
                if let Err(error) = std::fs::File::open(file) {
                    wrong.push((
                        name,
                        refused(
                            &format!("{} cannot be read ({error})", file.display()),
                            "name a PEM file that this user can read",
                        ),
                    ));
                }
            }
            config.server.tls = Some(Tls { cert, key });
        }
        (None, None) => {}
        (Some(_), None) => {
            wrong.push((
                "server.tls_key",
                refused("it is missing beside tls_cert", "name the private key's file too"),
            ));
        }
        (None, Some(_)) => {
            wrong.push((
                "server.tls_cert",
                refused("it is missing beside tls_key", "name the certificate's file too"),
            ));
        }
    }
    let loopback = |url: &Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match &config.server.public_url {
        Some(url) if url.scheme() == "http" && !loopback(url) => wrong.push((
            "server.public_url",
            refused(
                "plain http is for loopback only: sessions would travel readable",
                "write https, with a reverse proxy in front or tls_cert and tls_key set",
            ),
        )),
        None if !config.server.listen.ip().is_loopback() => wrong.push((
            "server.public_url",
            refused(
                &format!("it is missing while server.listen is {}", config.server.listen),
                "write the https address that browsers use, or listen on 127.0.0.1",
            ),
        )),
        _ => {}
    }
    let inbound = &config.inbound;
    if inbound.quarantine < inbound.request_timeout {
        wrong.push((
            "inbound.quarantine",
            refused(
                &format!(
                    "{} is less than request_timeout ({}): a write could still be under way when its trace is looked for",
                    friendly(inbound.quarantine),
                    friendly(inbound.request_timeout)
                ),
                "write a longer time, or shorten request_timeout",
            ),
        ));
    } else if inbound.quarantine < inbound.lease + inbound.request_timeout {
        config.warnings.push(format!(
            "inbound.quarantine ({}) is less than lease ({}) and request_timeout ({}) together: enough for one node that \
             restarts, not for several",
            friendly(inbound.quarantine),
            friendly(inbound.lease),
            friendly(inbound.request_timeout)
        ));
    }
    let jira = [
        ("jira.base_url", config.jira.base_url.is_some()),
        ("jira.user", config.jira.user.is_some()),
        ("jira.token", config.jira.token.is_some()),
    ];
    // Data Center takes a token without a user.
    if jira.iter().any(|(_, given)| *given) {
        for (key, given) in jira {
            let may_miss = key == "jira.user" && config.jira.api_version == 2;
            if !(given || may_miss) {
                wrong.push((
                    key,
                    refused("it is missing beside the other Jira settings", "set it too, or none of them"),
                ));
            }
        }
    }
    wrong
}
