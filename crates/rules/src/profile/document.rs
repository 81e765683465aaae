//! The form of a profile's document.
//!
//! The document is walked by hand over TOML's tables with their places, not deserialised: so every mistake is found at once,
//! each with line, column and the nearest known word.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{End, Profile, Refusal, Rule, Sets};
use crate::condition::{Condition, Flaw, Patterns, nearest, place};
use crate::template::Template;

/// Bytes of a document.
const LENGTH: usize = 512 << 10;
/// Rules of a profile.
const RULES: usize = 1_000;
/// Entries of a list.
const ENTRIES: usize = 100;

const TOP: [&str; 4] = ["profile", "trust", "threads", "rule"];
const RULE: [&str; 13] = [
    "name",
    "when",
    "stop",
    "ignore",
    "hold",
    "project",
    "issue_type",
    "summary",
    "priority",
    "security_level",
    "labels",
    "components",
    "fields",
];

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Profile, Vec<Refusal>> {
    let mut reader = Reader { text, refusals: Vec::new(), patterns: Patterns::new() };
    if text.len() > LENGTH {
        reader.refuse(
            0,
            format!("the profile is {} bytes long; at most {LENGTH} are read", text.len()),
            "Cut it in two",
        );
        return Err(reader.refusals);
    }
    let profile = match DeTable::parse(text) {
        Ok(table) => reader.profile(table.get_ref()),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reader.refuse(
                at,
                format!("this is no TOML: {}", error.message()),
                "See how the lines before it are written",
            );
            None
        }
    };
    reader.refusals.sort_by_key(|refusal| (refusal.line, refusal.column));
    match profile {
        Some(profile) if reader.refusals.is_empty() => Ok(profile),
        _ => Err(reader.refusals),
    }
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    refusals: Vec<Refusal>,
    patterns: Patterns,
}

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    pub(super) fn refuse(&mut self, at: usize, what: impl Into<String>, mend: impl Into<String>) {
        let (line, column) = place(self.text, at);
        self.refusals.push(Refusal { line, column, what: what.into(), mend: mend.into() });
    }

    /// Refuses what is not known in a table.
    pub(super) fn known(&mut self, table: &DeTable<'_>, known: &[&str], place: &str) {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let mend = nearest(name, known.iter().copied()).map_or_else(
                    || {
                        format!(
                            "Known are {}",
                            known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
                        )
                    },
                    |near| format!("Did you mean `{near}`?"),
                );
                self.refuse(key.span().start, format!("`{name}` is not known {place}"), mend);
            }
        }
    }

    fn profile(&mut self, table: &DeTable<'_>) -> Option<Profile> {
        self.known(table, &TOP, "in a profile");
        let name = match table.get("profile") {
            Some(value) => self.text_of(value, "profile"),
            None => {
                self.refuse(0, "the profile has no name", "Write `profile = \"support\"` at its top");
                None
            }
        };
        let mut rules: Vec<Rule> = Vec::new();
        match table.get("rule").map(|value| (value, value.get_ref())) {
            None => {}
            Some((_, DeValue::Array(all))) => {
                for value in all.iter().take(RULES) {
                    if let Some(rule) = self.rule(value, rules.len() + 1) {
                        if let Some(twin) = rules.iter().find(|other| other.name == rule.name) {
                            let line = twin.line;
                            self.refuse(
                                value.span().start,
                                format!("the rule `{}` stands in line {line} already", rule.name),
                                "Give it a name of its own: the trace tells rules apart by their names",
                            );
                        }
                        rules.push(rule);
                    }
                }
                if all.len() > RULES {
                    self.refuse(
                        0,
                        format!("there are {} rules; at most {RULES} are read", all.len()),
                        "Make two profiles of it",
                    );
                }
            }
            Some((value, _)) => {
                self.refuse(
                    value.span().start,
                    "`rule` is no list of rules",
                    "Begin each rule with `[[rule]]`",
                );
            }
        }
        let threads = table.get("threads").map(|value| self.threads(value)).unwrap_or_default();
        let trust = table.get("trust").map(|value| self.trust(value)).unwrap_or_default();
        let patterns = Arc::new(std::mem::take(&mut self.patterns));
        Some(Profile { name: name?, rules, threads, trust, patterns })
    }

    fn rule(&mut self, value: &Value<'_>, number: usize) -> Option<Rule> {
        let at = value.span().start;
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(at, "this is no rule", "Begin each rule with `[[rule]]`");
            return None;
        };
        self.known(table, &RULE, "in a rule");
        let name = match table.get("name") {
            Some(value) => self.text_of(value, "name").unwrap_or_default(),
            None => format!("rule {number}"),
        };
        let when = table.get("when").and_then(|value| self.condition(value));
        let ignore = table.get("ignore").and_then(|value| self.template(value, "ignore"));
        let hold = table.get("hold").and_then(|value| self.template(value, "hold"));
        let ends = ["ignore", "hold"].iter().filter(|key| table.contains_key(**key)).count();
        if ends > 1 {
            self.refuse(
                at,
                "the rule both ignores and holds the mail",
                "Leave one of `ignore` and `hold` away",
            );
        }
        let single =
            |reader: &mut Self, key: &str| table.get(key).and_then(|value| reader.template(value, key));
        let sets = Sets {
            project: single(self, "project"),
            issue_type: single(self, "issue_type"),
            summary: single(self, "summary"),
            priority: single(self, "priority"),
            security_level: single(self, "security_level"),
            labels: table.get("labels").map(|value| self.templates(value, "labels")).unwrap_or_default(),
            components: table
                .get("components")
                .map(|value| self.templates(value, "components"))
                .unwrap_or_default(),
            fields: table.get("fields").map(|value| self.fields(value)).unwrap_or_default(),
        };
        let stop = table.get("stop").and_then(|value| self.bool_of(value, "stop")).unwrap_or(false);
        let sets_something = [
            "project",
            "issue_type",
            "summary",
            "priority",
            "security_level",
            "labels",
            "components",
            "fields",
        ]
        .iter()
        .any(|key| table.contains_key(*key));
        if ends > 0 && sets_something {
            self.refuse(
                at,
                "the rule ends the mail and sets something in an issue that there will not be",
                "Leave away what it sets, or make two rules of it",
            );
        }
        if ends == 0 && !sets_something && !table.contains_key("stop") {
            self.refuse(
                at,
                "the rule decides nothing",
                "Give it `ignore`, `hold`, `project`, `labels` or another decision, or `stop = true`",
            );
        }
        let end = ignore.map(End::Ignore).or(hold.map(End::Hold));
        Some(Rule { name, line: place(self.text, at).0, when, end, sets, stop })
    }

    fn fields(&mut self, value: &Value<'_>) -> Vec<(String, Template)> {
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(
                value.span().start,
                "`fields` is no table",
                "Write `[rule.fields]`, then `\"Customer number\" = \"…\"`",
            );
            return Vec::new();
        };
        table
            .iter()
            .filter_map(|(key, value)| {
                let name = key.get_ref().to_string();
                Some((name.clone(), self.template(value, &name)?))
            })
            .collect()
    }

    fn condition(&mut self, value: &Value<'_>) -> Option<Condition> {
        let source = self.text_of(value, "when")?;
        match Condition::compile(&source, &mut self.patterns) {
            Ok(condition) => Some(condition),
            Err(flaws) => {
                self.flaws(value, &source, flaws);
                None
            }
        }
    }

    fn template(&mut self, value: &Value<'_>, key: &str) -> Option<Template> {
        let source = match value.get_ref() {
            // Numbers and yes or no may be written bare.
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(yes) => yes.to_string(),
            _ => self.text_of(value, key)?,
        };
        if source.trim().is_empty() {
            self.refuse(
                value.span().start,
                format!("`{key}` is empty"),
                "Leave it away, or write what it shall be",
            );
            return None;
        }
        match Template::compile(&source) {
            Ok(template) => Some(template),
            Err(flaws) => {
                self.flaws(value, &source, flaws);
                None
            }
        }
    }

    fn templates(&mut self, value: &Value<'_>, key: &str) -> Vec<Template> {
        let DeValue::Array(all) = value.get_ref() else {
            self.refuse(
                value.span().start,
                format!("`{key}` is no list"),
                format!("Write `{key} = [\"…\"]`"),
            );
            return Vec::new();
        };
        all.iter().take(ENTRIES).filter_map(|value| self.template(value, key)).collect()
    }

    /// Flaws of a text inside the document, at their places in the document.
    fn flaws(&mut self, value: &Value<'_>, source: &str, flaws: Vec<Flaw>) {
        for flaw in flaws {
            let at = self.at(value, source, &flaw);
            self.refuse(at, flaw.what, flaw.mend);
        }
    }

    /// The offset in the document of a place in one of its texts. Exact where the text stands there letter for letter; else
    /// the beginning of the text.
    fn at(&self, value: &Value<'_>, source: &str, flaw: &Flaw) -> usize {
        let span = value.span();
        let written = &self.text[span.clone()];
        let Some(begin) = written.find(source) else { return span.start };
        let line_start: usize =
            source.split_inclusive('\n').take(flaw.line.saturating_sub(1)).map(str::len).sum();
        let line = source[line_start..].lines().next().unwrap_or_default();
        let column: usize = line.chars().take(flaw.column.saturating_sub(1)).map(char::len_utf8).sum();
        span.start + begin + line_start + column
    }

    pub(super) fn text_of(&mut self, value: &Value<'_>, key: &str) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.refuse(
                    value.span().start,
                    format!("`{key}` is {}, not a text", article(other.type_str())),
                    "Write it between quotation marks",
                );
                None
            }
        }
    }

    pub(super) fn bool_of(&mut self, value: &Value<'_>, key: &str) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            other => {
                self.refuse(
                    value.span().start,
                    format!("`{key}` is {}, not yes or no", article(other.type_str())),
                    "Write `true` or `false`, without quotation marks",
                );
                None
            }
        }
    }
}

fn article(kind: &str) -> String {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { format!("an {kind}") } else { format!("a {kind}") }
}
