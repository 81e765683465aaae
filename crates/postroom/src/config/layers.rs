//! Reading the layers: defaults, file, variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::retention::Periods;

use super::settings::{Draft, SETTINGS, Setting, judge};
use super::{
    Config, ConfigError, ConfigFault, DEFAULTS, Database, Inbound, Jira, Log, LogFormat, Microsoft, Notices,
    Origin, Server,
};

/// Variables of this name's beginning are ours.
const PREFIX: &str = "POSTROOM_";

/// Variables of ours that are no settings: of the program, and of its tests, which start it.
const OTHERS: &[&str] = &[
    "POSTROOM_BIN",
    "POSTROOM_CONFIG",
    "POSTROOM_FAILPOINTS",
    "POSTROOM_KILLS",
    "POSTROOM_MAILS",
    "POSTROOM_MASTER_KEY",
    "POSTROOM_MASTER_KEY_FILE",
    "POSTROOM_SEED",
    "POSTROOM_SHARED",
    "POSTROOM_TEST_POSTGRES",
    "POSTROOM_TOKEN",
    "POSTROOM_URL",
];

/// Where files are looked for when none is named.
const PLACES: &[&str] = &["postroom.toml", "/etc/postroom/postroom.toml"];

/// The environment variables, as an argument.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process. A variable that is not UTF-8 is left out unless its name is ours, which is told later as
    /// an unknown setting.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value): (OsString, OsString)| {
                    let name = name.into_string().ok()?;
                    name.starts_with(PREFIX).then(|| (name, value.to_string_lossy().into_owned()))
                })
                .collect(),
        )
    }

    /// Given ones, for tests and for programs that embed Postroom.
    pub fn of<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// One variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    Text(String),
    Number(i64),
    List(Vec<Raw>),
    Flag(bool),
    Other(&'static str),
}

impl Raw {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(text) if text.trim().is_empty() => "empty",
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::List(_) => "a list",
            Self::Flag(_) => "true or false",
            Self::Other(kind) => kind,
        }
    }

    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("a number out of range"), Self::Number),
            DeValue::Array(items) => Self::List(items.iter().map(|item| Self::of(item.get_ref())).collect()),
            DeValue::Float(_) => Self::Other("a fraction"),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a section"),
        }
    }
}

/// One setting as a layer gives it.
struct Given {
    key: String,
    raw: Raw,
    origin: Origin,
    /// Where relative paths begin.
    base: PathBuf,
}

/// A text with which byte offsets become lines and columns.
struct Source<'t> {
    path: &'t Path,
    text: &'t str,
}

impl Source<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Origin::File {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

pub(super) fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let mut draft = Draft { config: defaults(), tls_cert: None, tls_key: None };
    let mut faults = Vec::new();
    let mut origins: BTreeMap<String, Origin> = BTreeMap::new();

    let named = file.map(Path::to_owned).or_else(|| environment.get("POSTROOM_CONFIG").map(PathBuf::from));
    let found = named.or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.is_file()));
    if let Some(path) = found {
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let source = Source { path: &path, text: &text };
        for given in from_file(&source, &mut faults) {
            take(&mut draft, &given, &mut faults);
            origins.insert(given.key, given.origin);
        }
        draft.config.file = Some(path);
    }
    let (given, warnings) = from_environment(environment, &mut faults);
    draft.config.warnings.extend(warnings);
    for given in given {
        take(&mut draft, &given, &mut faults);
        origins.insert(given.key, given.origin);
    }
    match master_key(environment) {
        Ok(key) => draft.config.master_key = key,
        Err(fault) => faults.push(fault),
    }
    for (key, (what, mend)) in judge(&mut draft) {
        let origin = origins.get(key).cloned().unwrap_or_else(|| match &draft.config.file {
            Some(path) => Origin::Value(path.display().to_string()),
            None => Origin::Value("settings".to_owned()),
        });
        // A value that was refused has been told already.
        if !faults.iter().any(|fault| fault.key == key) {
            faults.push(ConfigFault { origin, key: key.to_owned(), what, mend });
        }
    }
    // In the order of the file, as one reads it; what is in no file comes after.
    faults.sort_by_key(|fault| match fault.origin {
        Origin::File { line, column, .. } => (line, column),
        _ => (usize::MAX, 0),
    });
    if faults.is_empty() { Ok(draft.config) } else { Err(ConfigError { faults }) }
}

/// The defaults, which the test of this folder proves to be whole.
pub(super) fn defaults() -> Config {
    let any = || Url::parse("http://localhost/").expect("a URL");
    let config = Config {
        data_folder: PathBuf::new(),
        server: Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            tls: None,
            trusted_proxy: Vec::new(),
        },
        database: Database { url: None },
        microsoft: Microsoft {
            login_url: any(),
            graph_url: any(),
            ews_url: None,
            client_id: None,
            client_secret: None,
            client_secret_expires: None,
            tenant: String::new(),
            ca_file: None,
        },
        jira: Jira {
            base_url: None,
            user: None,
            token: None,
            api_version: 3,
            gateway_url: any(),
            auth_url: any(),
            ca_file: None,
        },
        inbound: Inbound {
            poll_interval: Duration::ZERO,
            push: true,
            quarantine: Duration::ZERO,
            lease: Duration::ZERO,
            request_timeout: Duration::ZERO,
            workers: 1,
        },
        retention: Periods::default(),
        notices: Notices { allow_hosts: Vec::new() },
        log: Log { format: LogFormat::Auto, level: String::new() },
        master_key: None,
        file: None,
        warnings: Vec::new(),
    };
    let mut draft = Draft { config, tls_cert: None, tls_key: None };
    let mut faults = Vec::new();
    let source = Source { path: Path::new("config.default.toml"), text: DEFAULTS };
    for mut given in from_file(&source, &mut faults) {
        given.base = PathBuf::new();
        take(&mut draft, &given, &mut faults);
    }
    debug_assert!(faults.is_empty(), "{faults:?}");
    draft.config
}

/// Every key of the defaults, for the test that holds them against the settings.
#[cfg(test)]
pub(super) fn default_keys() -> Vec<String> {
    let source = Source { path: Path::new("config.default.toml"), text: DEFAULTS };
    from_file(&source, &mut Vec::new()).into_iter().map(|given| given.key).collect()
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let (what, mend) = match error.kind() {
        ErrorKind::NotFound => {
            ("there is no such file".to_owned(), "name the settings file with --config, or leave it out")
        }
        ErrorKind::InvalidData => ("the file is not UTF-8 text".to_owned(), "save it as UTF-8"),
        _ => (format!("the file cannot be read ({error})"), "give this user read access to it"),
    };
    ConfigFault {
        origin: Origin::Value(path.display().to_string()),
        key: String::new(),
        what,
        mend: mend.to_owned(),
    }
    .into()
}

fn from_file(source: &Source<'_>, faults: &mut Vec<ConfigFault>) -> Vec<Given> {
    let (table, errors) = DeTable::parse_recoverable(source.text);
    for error in &errors {
        faults.push(ConfigFault {
            origin: source.origin(error.span().map_or(0, |span| span.start)),
            key: String::new(),
            what: format!(
                "the line cannot be read ({})",
                error.message().lines().collect::<Vec<_>>().join(", ")
            ),
            mend: "write it as in config.default.toml: name = \"value\"".to_owned(),
        });
    }
    if !errors.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    let base = source.path.parent().map(Path::to_owned).unwrap_or_default();
    for (name, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(section) => {
                let known = SETTINGS.iter().any(|setting| {
                    setting.key.split_once('.').is_some_and(|(section, _)| section == name.get_ref().as_ref())
                });
                if !known {
                    faults.push(unknown_section(source.origin(name.span().start), name.get_ref()));
                    continue;
                }
                for (inner, value) in section {
                    let key = format!("{}.{}", name.get_ref(), inner.get_ref());
                    collect(source, &base, key, inner.span().start, value, &mut all, faults);
                }
            }
            _ => {
                collect(
                    source,
                    &base,
                    name.get_ref().to_string(),
                    name.span().start,
                    value,
                    &mut all,
                    faults,
                );
            }
        }
    }
    all
}

fn collect(
    source: &Source<'_>,
    base: &Path,
    key: String,
    key_at: usize,
    value: &Spanned<DeValue<'_>>,
    all: &mut Vec<Given>,
    faults: &mut Vec<ConfigFault>,
) {
    let raw = Raw::of(value.get_ref());
    let origin = source.origin(value.span().start);
    if find(&key).is_some() {
        all.push(Given { key, raw, origin, base: base.to_owned() });
    } else if let Some(setting) = key.strip_suffix("_file").and_then(find).filter(|setting| setting.secret) {
        let Raw::Text(path) = &raw else {
            faults.push(ConfigFault {
                origin,
                key,
                what: format!("it is {}, not text", raw.kind()),
                mend: "write the file's path in quotation marks".to_owned(),
            });
            return;
        };
        match read_secret(&base.join(path), &key, &origin) {
            Ok(text) => all.push(Given {
                key: setting.key.to_owned(),
                raw: Raw::Text(text),
                origin,
                base: base.to_owned(),
            }),
            Err(fault) => faults.push(fault),
        }
    } else {
        faults.push(unknown_key(source.origin(key_at), &key));
    }
}

fn from_environment(environment: &Environment, faults: &mut Vec<ConfigFault>) -> (Vec<Given>, Vec<String>) {
    let (mut all, mut warnings) = (Vec::new(), Vec::new());
    for (name, value) in &environment.0 {
        if value.is_empty() || !name.starts_with(PREFIX) || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let origin = Origin::Variable(name.clone());
        let by_name = |wanted: &str| SETTINGS.iter().find(|setting| variable(setting.key) == wanted);
        if let Some(setting) = by_name(name) {
            let raw = Raw::Text(value.clone());
            all.push(Given { key: setting.key.to_owned(), raw, origin, base: PathBuf::new() });
        } else if let Some(setting) =
            name.strip_suffix("_FILE").and_then(by_name).filter(|setting| setting.secret)
        {
            match read_secret(Path::new(value), setting.key, &origin) {
                Ok(text) => {
                    all.push(Given {
                        key: setting.key.to_owned(),
                        raw: Raw::Text(text),
                        origin,
                        base: PathBuf::new(),
                    });
                }
                Err(fault) => faults.push(fault),
            }
        } else {
            let names: Vec<String> = SETTINGS.iter().map(|setting| variable(setting.key)).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            warnings.push(match near {
                Some(near) => format!("variable {name} is no setting and is not used; {near} is the nearest"),
                None => format!("variable {name} is no setting and is not used"),
            });
        }
    }
    (all, warnings)
}

/// The variable of a setting: `server.listen` is `POSTROOM_SERVER_LISTEN`.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

fn take(draft: &mut Draft, given: &Given, faults: &mut Vec<ConfigFault>) {
    let Some(setting) = find(&given.key) else { return };
    if let Err((what, mend)) = (setting.set)(draft, &given.raw, &given.base) {
        faults.push(ConfigFault { origin: given.origin.clone(), key: given.key.clone(), what, mend });
    }
}

fn read_secret(path: &Path, key: &str, origin: &Origin) -> Result<String, ConfigFault> {
    // A secret's file is short; what is longer was named by mistake.
    let wrong = |what: String| ConfigFault {
        origin: origin.clone(),
        key: key.to_owned(),
        what,
        mend: "name a file that this user can read and that holds the secret alone".to_owned(),
    };
    let length = fs::metadata(path)
        .map_err(|error| wrong(format!("{} cannot be read ({error})", path.display())))?
        .len();
    if length > 65_536 {
        return Err(wrong(format!("{} has {length} bytes", path.display())));
    }
    let text = fs::read_to_string(path)
        .map_err(|error| wrong(format!("{} cannot be read ({error})", path.display())))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong(format!("{} is empty", path.display())));
    }
    Ok(text.to_owned())
}

fn master_key(environment: &Environment) -> Result<Option<(SecretString, String)>, ConfigFault> {
    const NAME: &str = "POSTROOM_MASTER_KEY";
    const FILE: &str = "POSTROOM_MASTER_KEY_FILE";
    if let Some(key) = environment.get(NAME) {
        return Ok(Some((key.to_owned().into(), format!("variable {NAME}"))));
    }
    let Some(path) = environment.get(FILE) else { return Ok(None) };
    let text = read_secret(Path::new(path), "master key", &Origin::Variable(FILE.to_owned()))?;
    Ok(Some((text.into(), path.to_owned())))
}

fn unknown_key(origin: Origin, key: &str) -> ConfigFault {
    let near = nearest(key, SETTINGS.iter().map(|setting| setting.key));
    let mend = near.map_or_else(
        || "remove it; config.default.toml lists every setting".to_owned(),
        |near| format!("the nearest is {near}"),
    );
    ConfigFault { origin, key: key.to_owned(), what: "there is no such setting".to_owned(), mend }
}

fn unknown_section(origin: Origin, name: &str) -> ConfigFault {
    let sections =
        SETTINGS.iter().filter_map(|setting| setting.key.split_once('.')).map(|(section, _)| section);
    let mend = nearest(name, sections).map_or_else(
        || "remove it; config.default.toml lists every section".to_owned(),
        |near| format!("the nearest is [{near}]"),
    );
    ConfigFault { origin, key: format!("[{name}]"), what: "there is no such section".to_owned(), mend }
}

/// The name that differs least, if it is near enough to have been meant.
fn nearest<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    among
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        // A key in the wrong section is meant as well.
        .map(|(distance, candidate)| {
            let last = |key: &str| key.rsplit('.').next().map(str::to_owned);
            if last(name) == last(candidate) { (0, candidate) } else { (distance, candidate) }
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .map(|(_, candidate)| candidate)
}
