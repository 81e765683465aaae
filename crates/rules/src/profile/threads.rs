//! The `[threads]` table of a profile's document.

use toml::de::{DeTable, DeValue};

use super::document::{Reader, Value};
use crate::condition::place;
use crate::threads::foreign::{self, Foreign, Jql};
use crate::threads::{Closed, Threads};

const KEYS: [&str; 7] = ["closed", "after_days", "after", "status", "transition", "link", "foreign"];
const FOREIGN: [&str; 3] = ["pattern", "jql", "from"];
/// Kinds of foreign keys: each is a search in Jira for the mails that bear one.
const FOREIGNS: usize = 10;
/// Addresses and domains of one.
const SENDERS: usize = 100;
/// Statuses that may be told apart.
const STATUSES: usize = 100;
/// Bytes of a name of Jira's.
const NAME: usize = 255;
/// Days that are counted: a hundred years.
const DAYS: u32 = 36_500;

impl Reader<'_> {
    /// Reads the table; what is not said in it stays as it is without.
    pub(super) fn threads(&mut self, value: &Value<'_>) -> Threads {
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(
                value.span().start,
                "`threads` is no table",
                "Write `[threads]`, then `closed = \"reopen\"`",
            );
            return Threads::default();
        };
        self.known(table, &KEYS, "in `[threads]`");
        let otherwise = Threads::default();
        let line = place(self.text, value.span().start).0;
        let closed = self.closed_of(table, "closed");
        let after = self.closed_of(table, "after");
        let after_days = table.get("after_days").and_then(|value| self.days(value));
        if let (Some(value), false) = (table.get("after"), table.contains_key("after_days")) {
            self.refuse(
                value.span().start,
                "`after` says what becomes of issues that were closed long ago, and nothing says when that is",
                "Write `after_days = 30` beside it",
            );
        }
        let transition = table.get("transition").and_then(|value| self.name(value, "transition"));
        let statuses = table.get("status").map(|value| self.statuses(value)).unwrap_or_default();
        let threads = Threads {
            line,
            closed: closed.unwrap_or(otherwise.closed),
            after_days,
            after: after.unwrap_or(otherwise.after),
            status: statuses,
            transition,
            foreign: table.get("foreign").map(|value| self.foreigns(value)).unwrap_or_default(),
            link: table.get("link").and_then(|value| self.name(value, "link")).unwrap_or(otherwise.link),
        };
        self.needless(table, &threads);
        threads
    }

    /// Refuses what nothing would ever ask for.
    fn needless(&mut self, table: &DeTable<'_>, threads: &Threads) {
        let wanted = |then: Closed| {
            threads.closed == then
                || (threads.after_days.is_some() && threads.after == then)
                || threads.status.iter().any(|(_, of)| *of == then)
        };
        for (key, then, word) in [("transition", Closed::Reopen, "reopen"), ("link", Closed::New, "new")] {
            if let (Some(value), false) = (table.get(key), wanted(then)) {
                self.refuse(
                    value.span().start,
                    format!(
                        "`{key}` counts for nothing, since no closed issue is to be answered with `{word}`"
                    ),
                    format!("Write `closed = \"{word}\"`, or leave `{key}` away"),
                );
            }
        }
    }

    fn closed_of(&mut self, table: &DeTable<'_>, key: &str) -> Option<Closed> {
        table.get(key).and_then(|value| self.closed(value, key))
    }

    fn closed(&mut self, value: &Value<'_>, key: &str) -> Option<Closed> {
        let word = self.text_of(value, key)?;
        let found = Closed::ALL.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let at = value.span().start;
            let known = Closed::ALL.map(|(known, _)| format!("`{known}`")).join(", ");
            if word == "refuse" {
                self.refuse(
                    at,
                    format!("`{key}` cannot be `refuse`: that needs an answer by mail, and Postroom does not send answers yet"),
                    "Write `hold`, so that a person answers; or one of `comment`, `reopen`, `new`",
                );
            } else {
                self.refuse(at, format!("`{key}` cannot be `{word}`"), format!("Write one of {known}"));
            }
        }
        found.map(|(_, then)| *then)
    }

    fn days(&mut self, value: &Value<'_>) -> Option<u32> {
        let days = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok().filter(|days| (1..=DAYS).contains(days)),
            _ => None,
        };
        if days.is_none() {
            self.refuse(
                value.span().start,
                "`after_days` is no number of days",
                "Write a whole number from 1 on, such as `30`",
            );
        }
        days
    }

    fn statuses(&mut self, value: &Value<'_>) -> Vec<(String, Closed)> {
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(
                value.span().start,
                "`status` is no table",
                "Write `[threads.status]`, then a line such as `\"Cancelled\" = \"new\"`",
            );
            return Vec::new();
        };
        let mut all = Vec::new();
        for (key, value) in table.iter().take(STATUSES) {
            let name = key.get_ref().trim().to_owned();
            if name.is_empty() || name.len() > NAME {
                self.refuse(key.span().start, "this is no name of a status", "Write it as Jira shows it");
            }
            if let Some(then) = self.closed(value, &name) {
                all.push((name, then));
            }
        }
        all
    }

    fn foreigns(&mut self, value: &Value<'_>) -> Vec<Foreign> {
        let DeValue::Array(all) = value.get_ref() else {
            self.refuse(
                value.span().start,
                "`foreign` is no list",
                "Write `[[threads.foreign]]`, then `pattern = '…'` and `jql = '…'`",
            );
            return Vec::new();
        };
        if all.len() > FOREIGNS {
            let what = format!("there are {} kinds of foreign keys; at most {FOREIGNS} are read", all.len());
            self.refuse(value.span().start, what, "Make one regular expression of several");
        }
        all.iter().take(FOREIGNS).filter_map(|value| self.foreign(value)).collect()
    }

    fn foreign(&mut self, value: &Value<'_>) -> Option<Foreign> {
        let at = value.span().start;
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(at, "this is no kind of foreign keys", "Write `{ pattern = '…', jql = '…' }`");
            return None;
        };
        self.known(table, &FOREIGN, "in `foreign`");
        for key in ["pattern", "jql"] {
            if !table.contains_key(key) {
                let example = if key == "jql" {
                    "jql = 'cf[10050] ~ \"{{ key }}\"'"
                } else {
                    "pattern = 'Ticket#(\\d+)'"
                };
                self.refuse(at, format!("`{key}` is missing"), format!("Write `{example}`"));
            }
        }
        let pattern = table.get("pattern").and_then(|value| {
            let text = self.text_of(value, "pattern")?;
            foreign::pattern(&text)
                .map_err(|why| {
                    self.refuse(
                        value.span().start,
                        format!("this is no regular expression: {why}"),
                        "Look-around and back references are not known; write it between single quotation marks",
                    );
                })
                .ok()
        });
        let jql = table.get("jql").and_then(|value| {
            let text = self.text_of(value, "jql")?;
            Jql::read(&text).map_err(|(what, mend)| self.refuse(value.span().start, what, mend)).ok()
        });
        let from = table.get("from").map(|value| self.senders(value)).unwrap_or_default();
        Some(Foreign { line: place(self.text, at).0, pattern: pattern?, jql: jql?, from })
    }

    fn senders(&mut self, value: &Value<'_>) -> Vec<String> {
        let DeValue::Array(all) = value.get_ref() else {
            self.refuse(value.span().start, "`from` is no list", "Write `from = [\"example.com\"]`");
            return Vec::new();
        };
        let texts = all.iter().take(SENDERS).filter_map(|value| self.text_of(value, "from"));
        texts.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty()).collect()
    }

    /// A name of Jira's.
    fn name(&mut self, value: &Value<'_>, key: &str) -> Option<String> {
        let name = self.text_of(value, key)?.trim().to_owned();
        if name.is_empty() || name.len() > NAME {
            self.refuse(
                value.span().start,
                format!("`{key}` is no name"),
                "Write it as Jira shows it, or leave it away",
            );
            return None;
        }
        Some(name)
    }
}
