//! Marking, moving and deleting, twenty to a request (Graph's JSON batching).
//!
//! Per message: categories that are there are read first where some are to be added, since writing replaces them; then read
//! mark, categories and stamp in one PATCH; then the move or the deletion. A message that is gone counts as such at any stage. A
//! write whose answer was lost is not made again here: whoever asked is told that it may have been done.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use fault::{Class, Fault};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::call::{Ask, SMALL};
use super::refusal::Refused;
use super::{GraphMailbox, STAMP};
use crate::again::Again;
use crate::budget::{Charge, Priority};
use crate::mailbox::{Change, Changed, FolderId, NativeId};
use crate::network;
use crate::retry_after::{http_date, retry_after};

/// Requests in a batch at most.
pub(super) const BATCH: usize = 20;
/// Of a batch, the service runs this many at once.
const RUNNING: usize = 4;
/// How long parts that are refused for a time are sent again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often.
const ROUNDS: u32 = 4;
/// The last stage of a change.
const MOVE: &str = "move or delete messages";

/// One request of a batch.
#[derive(Clone, Debug)]
pub(super) struct Part {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

impl Part {
    /// `path` begins after `/v1.0`.
    pub(super) fn new(method: &'static str, path: String, body: Option<Value>) -> Self {
        Self { method, path, body }
    }
}

#[derive(Deserialize)]
struct Answers {
    responses: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    id: Value,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, Value>,
    #[serde(default)]
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    fn fault(&self) -> Fault {
        let date = self.header("date").as_deref().and_then(http_date);
        let wait = self.header("retry-after").and_then(|value| retry_after(&value, date));
        let request_id = self.header("request-id");
        let body = self.body.to_string();
        Refused::told(self.status, body.as_bytes(), wait, request_id.as_deref(), None, None).fault
    }
}

impl GraphMailbox {
    pub(super) async fn change_all(&self, changes: &[Change]) -> Vec<Result<Changed, Fault>> {
        let mut results = Vec::with_capacity(changes.len());
        for chunk in changes.chunks(BATCH) {
            let told = self.change_chunk(chunk).await;
            results.extend(told.into_iter().map(|one| one.map_err(|fault| self.placed(fault))));
        }
        results
    }

    async fn change_chunk(&self, changes: &[Change]) -> Vec<Result<Changed, Fault>> {
        let mut works: Vec<Work<'_>> = changes.iter().map(Work::new).collect();
        let stages: [(&'static str, Again, Stage); 3] = [
            ("read categories", Again::Freely, |work, mailbox| {
                (!work.change.categories.is_empty()).then(|| {
                    Part::new("GET", format!("{}?$select=categories", mailbox.message_path(&work.id)), None)
                })
            }),
            ("mark messages", Again::IfRefused, |work, mailbox| {
                let body = work.written()?;
                Some(Part::new("PATCH", mailbox.message_path(&work.id), Some(body)))
            }),
            (MOVE, Again::IfRefused, |work, mailbox| {
                let path = mailbox.message_path(&work.id);
                match &work.change.move_to {
                    _ if work.change.delete => Some(Part::new("DELETE", path, None)),
                    Some(folder) => {
                        let body = json!({ "destinationId": folder.as_str() });
                        Some(Part::new("POST", format!("{path}/move"), Some(body)))
                    }
                    None => None,
                }
            }),
        ];
        for (operation, again, part) in stages {
            let (mut indices, mut parts) = (Vec::new(), Vec::new());
            for (index, work) in works.iter().enumerate().filter(|(_, work)| work.end.is_none()) {
                if let Some(part) = part(work, self) {
                    indices.push(index);
                    parts.push(part);
                }
            }
            let answers = self.batch(operation, again, &parts, Priority::Slack).await;
            for (index, answer) in indices.iter().zip(answers) {
                works[*index].take(answer);
            }
            if operation == MOVE {
                self.tell_gone_folders(&mut works, &indices).await;
            }
        }
        works.into_iter().map(|work| work.end.unwrap_or(Ok(Changed::Done { id: work.id }))).collect()
    }

    /// Where a message that is to be moved is said not to be there, Graph may mean the folder that it was to go to: of the two
    /// only a message that is gone is no fault.
    async fn tell_gone_folders(&self, works: &mut [Work<'_>], moved: &[usize]) {
        let mut looked: HashMap<&FolderId, Option<Fault>> = HashMap::new();
        for index in moved {
            let work = &mut works[*index];
            let meant = work.change.move_to.as_ref().filter(|_| !work.change.delete);
            let Some(folder) = meant.filter(|_| work.end == Some(Ok(Changed::Gone))) else { continue };
            if !looked.contains_key(folder) {
                let found = self.look_at_folder(folder.as_str()).await;
                looked.insert(folder, found.err().filter(|fault| fault.entry.id == "graph.folder_gone"));
            }
            if let Some(Some(fault)) = looked.get(folder) {
                work.end = Some(Err(fault.clone()));
            }
        }
    }

    /// Sends requests together; one answer's body, or one fault, per part, in their order. Parts that are refused for a time, and
    /// may be sent again, are when their own time is over.
    pub(super) async fn batch(
        &self,
        operation: &'static str,
        again: Again,
        parts: &[Part],
        priority: Priority,
    ) -> Vec<Result<Value, Fault>> {
        debug_assert!(parts.len() <= BATCH, "Graph takes {BATCH} requests in a batch");
        let begun = Instant::now();
        let unanswered = || Err(network::unreadable(self.host(), "a part of the batch was not answered"));
        let mut results: Vec<Result<Value, Fault>> = parts.iter().map(|_| unanswered()).collect();
        let mut open: Vec<usize> = (0..parts.len()).collect();
        let mut is_renewed = false;
        for round in 1..=ROUNDS {
            if open.is_empty() {
                break;
            }
            let answers = match self.send_batch((operation, again), parts, &open, priority).await {
                Ok(answers) => answers,
                Err(fault) => {
                    for index in open {
                        results[index] = Err(fault.clone());
                    }
                    break;
                }
            };
            let mut repeated = Vec::new();
            let mut wait = Duration::ZERO;
            let mut is_refused = false;
            for index in open {
                let Some(answer) = answers.get(&index) else { continue };
                if (200..300).contains(&answer.status) {
                    results[index] = Ok(answer.body.clone());
                    continue;
                }
                let fault = answer.fault();
                is_refused |= answer.status == 401;
                if answer.status == 429 {
                    self.budget.throttled(fault.retry_after);
                }
                let may_pass = fault.entry.class == Class::Transient && again.allows(&fault);
                if may_pass || (answer.status == 401 && !is_renewed) {
                    wait = wait.max(fault.retry_after.unwrap_or(Duration::from_millis(500) * round));
                    repeated.push(index);
                }
                results[index] = Err(fault);
            }
            if is_refused && !is_renewed {
                is_renewed = true;
                if let Err(fault) = self.renew().await {
                    for index in repeated {
                        results[index] = Err(fault.clone());
                    }
                    break;
                }
            }
            if repeated.is_empty() || begun.elapsed() + wait > PATIENCE || round == ROUNDS {
                break;
            }
            tokio::time::sleep(wait).await;
            open = repeated;
        }
        results.into_iter().map(|result| result.map_err(|fault| self.placed(fault))).collect()
    }

    async fn renew(&self) -> Result<(), Fault> {
        let token = self.tokens.get().await?;
        self.tokens.refused(&token).await.map(|_| ())
    }

    async fn send_batch(
        &self,
        (operation, again): (&'static str, Again),
        parts: &[Part],
        open: &[usize],
        priority: Priority,
    ) -> Result<HashMap<usize, Answer>, Fault> {
        let requests: Vec<Value> = open
            .iter()
            .map(|index| {
                let part = &parts[*index];
                let mut headers = json!({ "Prefer": "IdType=\"ImmutableId\"" });
                let mut request = json!({ "id": index.to_string(), "method": part.method, "url": part.path });
                if let Some(body) = &part.body {
                    headers["Content-Type"] = "application/json".into();
                    request["body"] = body.clone();
                }
                request["headers"] = headers;
                request
            })
            .collect();
        let body = Bytes::from(json!({ "requests": requests }).to_string());
        let charge = Charge {
            requests: open.len() as u64,
            at_once: open.len().min(RUNNING),
            upload_bytes: body.len() as u64,
        };
        let url = self.address("/$batch", "")?;
        let ask = Ask {
            method: Method::POST,
            body: Some(body),
            charge,
            limit: SMALL,
            again,
            ..Ask::get(operation, url, priority)
        };
        let answer = self.ask(&ask).await?;
        let answers: Answers = serde_json::from_slice(&answer).map_err(|error| {
            network::unreadable(self.host(), &format!("a batch's answer that cannot be read: {error}"))
        })?;
        let mut by_index = HashMap::new();
        for answer in answers.responses {
            let index = match &answer.id {
                Value::String(text) => text.parse().ok(),
                Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
                _ => None,
            };
            if let Some(index) = index {
                by_index.insert(index, answer);
            }
        }
        Ok(by_index)
    }
}

/// What a stage asks for; nothing where there is nothing to do for this message.
type Stage = fn(&Work<'_>, &GraphMailbox) -> Option<Part>;

/// One change on its way.
struct Work<'a> {
    change: &'a Change,
    id: NativeId,
    /// Categories that are there; unknown until read.
    there: Option<Vec<String>>,
    end: Option<Result<Changed, Fault>>,
}

impl<'a> Work<'a> {
    fn new(change: &'a Change) -> Self {
        Self { change, id: change.id.clone(), there: None, end: None }
    }

    /// The PATCH's body.
    fn written(&self) -> Option<Value> {
        let mut body = Map::new();
        if self.change.mark_read {
            body.insert("isRead".to_owned(), true.into());
        }
        let mut categories = self.there.clone().unwrap_or_default();
        let before = categories.len();
        for category in &self.change.categories {
            if !categories.iter().any(|there| there.eq_ignore_ascii_case(category)) {
                categories.push(category.clone());
            }
        }
        if categories.len() > before {
            body.insert("categories".to_owned(), json!(categories));
        }
        if let Some(stamp) = &self.change.stamp {
            body.insert("singleValueExtendedProperties".to_owned(), json!([{ "id": STAMP, "value": stamp }]));
        }
        (!body.is_empty()).then_some(Value::Object(body))
    }

    fn take(&mut self, answer: Result<Value, Fault>) {
        match answer {
            Ok(body) => {
                if let Some(there) = body.get("categories").and_then(Value::as_array) {
                    self.there = Some(there.iter().filter_map(Value::as_str).map(str::to_owned).collect());
                }
                // A move answers with the message as it is now; its id changes where ids are not immutable.
                if let Some(id) = body.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
                    self.id = NativeId::from(id);
                }
            }
            Err(fault) if fault.status == Some(404) && fault.entry.id == "graph.item_gone" => {
                self.end = Some(Ok(Changed::Gone));
            }
            Err(fault) => self.end = Some(Err(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Change {
        Change {
            id: "m1".into(),
            mark_read: false,
            categories: Vec::new(),
            stamp: None,
            move_to: None,
            delete: false,
        }
    }

    #[test]
    fn read_mark_categories_and_stamp_are_one_write() {
        let change = Change {
            mark_read: true,
            categories: vec!["Jira".to_owned()],
            stamp: Some("s".to_owned()),
            ..change()
        };
        let body = Work::new(&change).written().expect("something to write");
        assert_eq!(body["isRead"], true);
        assert_eq!(body["categories"], json!(["Jira"]));
        assert_eq!(body["singleValueExtendedProperties"][0]["value"], "s");
        assert!(Work::new(&self::change()).written().is_none());
    }

    #[test]
    fn categories_of_people_stay() {
        let change = Change { categories: vec!["Jira".to_owned()], ..change() };
        let mut work = Work::new(&change);
        work.take(Ok(json!({ "categories": ["Red", "VIP"] })));
        assert_eq!(work.written().expect("one more")["categories"], json!(["Red", "VIP", "Jira"]));
        work.take(Ok(json!({ "categories": ["jira"] })));
        assert!(work.written().is_none(), "it is there already");
    }

    #[test]
    fn a_message_that_is_gone_is_no_fault_but_a_mailbox_that_is_gone_is_one() {
        let change = change();
        let answer = |code: &str| Answer {
            id: "0".into(),
            status: 404,
            headers: HashMap::new(),
            body: json!({ "error": { "code": code, "message": "" } }),
        };
        let end_of = |code: &str| {
            let mut work = Work::new(&change);
            work.take(Err(answer(code).fault()));
            work.end
        };
        assert_eq!(end_of("ErrorItemNotFound"), Some(Ok(Changed::Gone)));
        assert!(matches!(end_of("MailboxNotEnabledForRESTAPI"), Some(Err(_))));
    }

    #[test]
    fn a_part_has_its_own_retry_after() {
        let headers = HashMap::from([("Retry-After".to_owned(), json!("7"))]);
        let answer = Answer { id: "0".into(), status: 429, headers, body: Value::Null };
        let fault = answer.fault();
        assert_eq!((fault.entry.id, fault.retry_after), ("graph.throttled", Some(Duration::from_secs(7))));
    }
}
