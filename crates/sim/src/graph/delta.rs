//! The delta of a folder: rounds of pages, each round from a place in the folder's log to its end.
//!
//! Tokens are opaque to callers; here they are JSON that holds the place and everything the first request asked for.
//! Empty pages may carry a nextLink, items may repeat, and after a reset every token is refused with 410.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::filter::{self, Filter};
use super::list::Filtered;
use super::show::{self, Form, Select};
use super::{SEGMENT, Target};
use crate::exchange::ids;
use crate::exchange::mailbox::{Entry, Folder, Store};

/// Most messages of a round with a filter.
const MOST_FILTERED: usize = 5_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    /// Mailbox number.
    m: u32,
    /// Folder number.
    f: u32,
    /// Epoch.
    e: u64,
    /// Place in the log up to which all is told.
    p: u64,
    /// Place at which the round began; later arrivals are `created`.
    b: u64,
    /// `$select` as it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    /// `$filter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    q: Option<String>,
    /// `changeType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    /// Newest first: how many are told of the first round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    o: Option<usize>,
    /// Messages told in this round.
    #[serde(default)]
    n: usize,
    /// Whether the page before was an empty one on purpose.
    #[serde(default)]
    w: bool,
}

impl Token {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

fn invalid_token() -> Refusal {
    Refusal::new(400, "SyncStateInvalid", "The sync state is invalid.")
}

/// One page.
pub(crate) fn page(target: &Target<'_>, call: &Call, folder: &str) -> Outcome {
    let store = target.mailbox.store();
    let found = store.folder(folder).ok_or_else(Refusal::no_folder)?;
    let given = call.option("skiptoken").or_else(|| call.option("deltatoken"));
    let token = match given {
        Some(text) => {
            let token = Token::read(text).ok_or_else(invalid_token)?;
            if token.m != store.mailbox || token.f != found.number {
                return Err(invalid_token());
            }
            if token.e != store.epoch || token.p > store.last_change {
                let location = link(target, call, "$deltatoken", None);
                let message = format!("The sync state generation is not found; generation={}", token.e);
                return Err(Refusal::new(410, "SyncStateNotFound", message).with("location", location));
            }
            token
        }
        None => first_token(&store, found, call)?,
    };
    let select = Select::read(token.s.as_deref(), None)?;
    let filter =
        token.q.as_deref().map(|text| Filter::read(text).map_err(|_| invalid_token())).transpose()?;
    let size = call.prefer.page_size.or(call.number("top", 1, 1_000)?).unwrap_or(10).clamp(1, 1_000);
    let quirks = target.quirks;

    let mut out = String::with_capacity(4096 * size);
    let context = Value::from(format!("{}/v1.0/$metadata#Collection(message)", target.base));
    let _ = write!(out, "{{\"@odata.context\":{context},\"value\":[");
    let is_last;
    let mut is_corrupt = false;
    let mut next = Token { w: false, ..token.clone() };
    if !token.w && target.chance.happens(quirks.empty_pages) {
        next.w = true;
        is_last = false;
    } else if let Some(told) = token.o {
        // A first round, newest first.
        let keys: Vec<u64> = found.newest_first().skip(told).take(size + 1).collect();
        is_last = keys.len() <= size;
        let mut writer = Writer::new(&mut out, &store, call, &select);
        for key in keys.iter().take(size) {
            if matches(&store, *key, filter.as_ref()) {
                writer.message(*key);
            }
        }
        is_corrupt = writer.is_corrupt;
        next.o = if is_last { None } else { Some(told + size) };
    } else {
        let mut writer = Writer::new(&mut out, &store, call, &select);
        if token.p > token.b && target.chance.happens(quirks.repeated_items) {
            repeat(&mut writer, found, token.p, filter.as_ref());
        }
        let mut log = found.log_after(token.p).peekable();
        while writer.written < size && next.n < MOST_FILTERED {
            let Some((place, entry)) = log.next() else { break };
            next.p = place;
            if writer.entry(found, entry, &token, filter.as_ref()) && filter.is_some() {
                next.n += 1;
            }
        }
        is_corrupt = writer.is_corrupt;
        is_last = log.peek().is_none() || (filter.is_some() && next.n >= MOST_FILTERED);
    }
    if is_corrupt {
        return Err(Refusal::corrupt(quirks.names_corrupt));
    }
    drop_last_comma(&mut out);
    out.push(']');
    let (name, option) = if is_last { ("deltaLink", "$deltatoken") } else { ("nextLink", "$skiptoken") };
    if is_last {
        next.b = next.p;
        next.n = 0;
    }
    let _ =
        write!(out, ",\"@odata.{name}\":{}}}", Value::from(link(target, call, option, Some(&next.write()))));
    Ok(Answer::json(200, out))
}

fn first_token(store: &Store, folder: &Folder, call: &Call) -> Result<Token, Refusal> {
    let unsupported =
        |what: &str| Refusal::new(400, "ErrorInvalidUrlQuery", format!("{what} is not supported by delta."));
    if call.option("search").is_some() || call.option("expand").is_some() || call.option("skip").is_some() {
        return Err(unsupported("The query option"));
    }
    Select::read(call.option("select"), None)?;
    let filter = super::list::read_filter(call)?;
    if filter.as_ref().is_some_and(|filter| filter.paths().iter().any(|path| *path != "receiveddatetime")) {
        return Err(unsupported("A filter on anything but receivedDateTime"));
    }
    let order = call.option("orderby").map(filter::order).unwrap_or_default();
    let newest_first = match order.as_slice() {
        [] => false,
        [(path, true)] if path == "receiveddatetime" => true,
        _ => return Err(unsupported("An order other than receivedDateTime desc")),
    };
    let change = call.option("changetype").map(str::to_ascii_lowercase);
    if change.as_deref().is_some_and(|change| !["created", "updated", "deleted"].contains(&change)) {
        return Err(unsupported("The change type"));
    }
    // Newest first tells the listing as it is now; the log is read from here on in later rounds.
    let place = if newest_first { folder.log_after(0).last().map_or(0, |(place, _)| place) } else { 0 };
    Ok(Token {
        m: store.mailbox,
        f: folder.number,
        e: store.epoch,
        p: place,
        b: place,
        s: call.option("select").map(str::to_owned),
        q: call.option("filter").map(str::to_owned),
        c: change,
        o: newest_first.then_some(0),
        n: 0,
        w: false,
    })
}

fn matches(store: &Store, key: u64, filter: Option<&Filter>) -> bool {
    let Some(message) = store.messages.get(&key) else { return false };
    filter.is_none_or(|filter| filter.matches(&Filtered { store, message }).unwrap_or(false))
}

struct Writer<'a> {
    out: &'a mut String,
    store: &'a Store,
    call: &'a Call,
    select: &'a Select,
    written: usize,
    /// Whether an item was met whose content is wanted and cannot be read.
    is_corrupt: bool,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut String, store: &'a Store, call: &'a Call, select: &'a Select) -> Self {
        Self { out, store, call, select, written: 0, is_corrupt: false }
    }

    fn message(&mut self, key: u64) {
        let Some(message) = self.store.messages.get(&key) else { return };
        self.is_corrupt |= self.select.breaks_on(message);
        let form = Form { typed: true, ..Form::of(self.call) };
        show::message(self.out, self.store, message, self.select, form);
        self.out.push(',');
        self.written += 1;
    }

    /// Writes a line of the log where the round tells it.
    fn entry(&mut self, folder: &Folder, entry: Entry, token: &Token, filter: Option<&Filter>) -> bool {
        let immutable = self.call.prefer.immutable;
        match entry {
            Entry::Here(key) => {
                let Some(message) = self.store.messages.get(&key) else { return false };
                let is_new = message.arrived > token.b;
                let is_told = match token.c.as_deref() {
                    Some("created") => is_new,
                    Some("updated") => !is_new,
                    Some(_) => false,
                    None => true,
                };
                if !is_told || !matches(self.store, key, filter) {
                    return false;
                }
                self.message(key);
                true
            }
            Entry::Gone { key, generation } => {
                let is_first_round = token.b == 0;
                let is_told = token.c.as_deref().is_none_or(|change| change == "deleted");
                // What came back under the same id is told as a message.
                let is_back = immutable
                    && self.store.messages.get(&key).is_some_and(|message| message.folder == folder.number);
                if is_first_round || !is_told || is_back {
                    return false;
                }
                let id = if immutable {
                    ids::immutable(self.store.mailbox, key)
                } else {
                    ids::ordinary(self.store.mailbox, key, folder.number, generation)
                };
                let gone = json!({"@odata.type": "#microsoft.graph.message", "id": id, "@removed": {"reason": "deleted"}});
                let _ = write!(self.out, "{gone},");
                self.written += 1;
                true
            }
        }
    }
}

/// Tells the last message of the page before once more.
fn repeat(writer: &mut Writer<'_>, folder: &Folder, place: u64, filter: Option<&Filter>) {
    if let Some((_, Entry::Here(key))) = folder.log_after(place.saturating_sub(1)).next()
        && matches(writer.store, key, filter)
    {
        writer.message(key);
    }
}

fn drop_last_comma(out: &mut String) {
    if out.ends_with(',') {
        out.pop();
    }
}

/// The address of this delta, with a token.
fn link(target: &Target<'_>, call: &Call, option: &str, token: Option<&str>) -> String {
    let path: Vec<String> = call
        .path
        .iter()
        .map(|segment| percent_encoding::utf8_percent_encode(segment, SEGMENT).to_string())
        .collect();
    format!("{}/v1.0/{}?{option}={}", target.base, path.join("/"), token.unwrap_or_default())
}
