//! The levers of the simulator, over its control address.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use microsoft::{NativeId, Transport};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{DELEGATE, MAILBOX};
use crate::contract::{Damage, Levers, Truth, Write};

/// How a transport is named on the control address.
trait Named {
    fn service(&self) -> &'static str;
    fn id(&self) -> &'static str;
}

impl Named for Transport {
    fn service(&self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Ews => "ews",
        }
    }

    fn id(&self) -> &'static str {
        match self {
            Self::Graph => "immutable_id",
            Self::Ews => "ews_id",
        }
    }
}

pub(super) struct Control {
    pub(super) transport: Transport,
    pub(super) http: reqwest::Client,
    pub(super) base: String,
    /// Graph's address of the mailbox's folders, by which people's doings are played, and the token for it.
    pub(super) folders: String,
    pub(super) token: SecretString,
}

impl Control {
    /// Method and path of a write, as the simulator's rules name them. `None`: there is no such request.
    fn path_of(&self, write: Write, whole: bool) -> Option<(&'static str, &'static str)> {
        match (self.transport, write) {
            // All changes of Graph are parts of a batch.
            (Transport::Graph, Write::Mark | Write::Move | Write::Delete) if whole => {
                Some(("POST", "/\\$batch$"))
            }
            (Transport::Graph, Write::Mark | Write::StampDraft) => Some(("PATCH", "/messages/[^/]+$")),
            (Transport::Graph, Write::Move) => Some(("POST", "/move$")),
            (Transport::Graph, Write::Delete) => Some(("DELETE", "/messages/[^/]+$")),
            (Transport::Graph, Write::SaveDraft) => Some(("POST", "/messages$")),
            (Transport::Graph, Write::Attach) => Some(("POST", "/attachments$")),
            (Transport::Graph, Write::Upload) => Some(("PUT", "/AttachmentSessions")),
            (Transport::Graph, Write::SendDraft) => Some(("POST", "/send$")),
            (Transport::Ews, Write::Mark) => Some(("POST", "/UpdateItem$")),
            (Transport::Ews, Write::Move) => Some(("POST", "/MoveItem$")),
            (Transport::Ews, Write::Delete) => Some(("POST", "/DeleteItem$")),
            (Transport::Ews, Write::SaveDraft) => Some(("POST", "/CreateItem$")),
            (Transport::Ews, Write::Attach) => Some(("POST", "/CreateAttachment$")),
            // The stamp is saved together with the draft, and a file of any size is one request.
            (Transport::Ews, Write::StampDraft | Write::Upload) => None,
            (Transport::Ews, Write::SendDraft) => Some(("POST", "/SendItem$")),
        }
    }

    async fn post(&self, path: &str, body: Value) {
        let answer = self.http.post(format!("{}{path}", self.base)).json(&body).send().await.expect("sent");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.expect("sent");
        answer.json().await.expect("a list")
    }

    /// An answer of EWS in place of an operation.
    async fn answer_in_place_of(&self, write: Write, mut command: Value) {
        let (_, path) = self.path_of(write, false).expect("EWS has it");
        command["operation"] = path.trim_matches(['/', '$']).into();
        self.post("/ews/answers", command).await;
    }
}

impl Levers for Control {
    fn deliver_at<'a>(&'a self, message: &'a str, received_at: Option<Timestamp>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let url = format!("{}/mailboxes/{MAILBOX}/messages", self.base);
            let at = received_at.map(|at| ("received_at", at.to_string()));
            let request = self
                .http
                .post(url)
                .query(at.as_slice())
                .header("content-type", "message/rfc822")
                .body(message.to_owned());
            let answer = request.send().await.expect("sent");
            assert!(answer.status().is_success(), "{}", answer.status());
        })
    }

    fn truth(&self) -> BoxFuture<'_, Vec<Truth>> {
        Box::pin(async move {
            let all = self.list(&format!("/mailboxes/{MAILBOX}/messages")).await;
            let text = |message: &Value, field: &str| message[field].as_str().unwrap_or_default().to_owned();
            all.iter()
                .map(|message| Truth {
                    id: text(message, self.transport.id()),
                    is_read: message["is_read"].as_bool().expect("told"),
                    categories: serde_json::from_value(message["categories"].clone()).expect("a list"),
                    folder: text(message, "folder"),
                    message_id: text(message, "internet_message_id"),
                    properties: message["extended_properties"]
                        .as_object()
                        .expect("told")
                        .values()
                        .map(|value| value.as_str().unwrap_or_default().to_owned())
                        .collect(),
                })
                .collect()
        })
    }

    fn sent(&self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        Box::pin(async move {
            let all = self.list("/sent-outside").await;
            let raw = |sent: &Value| {
                let text = sent["mime_base64"].as_str().expect("told");
                base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64")
            };
            all.iter().map(raw).collect()
        })
    }

    fn forget(&self) -> BoxFuture<'_, ()> {
        let path = match self.transport {
            Transport::Graph => "/delta/reset",
            Transport::Ews => "/ews/sync/reset",
        };
        Box::pin(self.post(path, json!({ "mailbox": MAILBOX })))
    }

    fn throttle(&self, times: u32, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.transport {
                Transport::Graph => {
                    let rule = json!({
                        "service": "graph", "kind": "status", "status": 429, "retry_after": pause.as_secs(),
                        "count": times, "code": "ApplicationThrottled",
                    });
                    self.post("/faults", rule).await;
                }
                // In each of the forms that Exchange has for it.
                Transport::Ews => {
                    let milliseconds = u64::try_from(pause.as_millis()).expect("a pause").max(20);
                    for form in ["fault", "inner", "status"].into_iter().cycle().take(times as usize) {
                        let command = json!({ "as": form, "back_off_ms": milliseconds, "count": 1 });
                        self.post("/ews/answers", command).await;
                    }
                }
            }
        })
    }

    fn busy(&self, write: Write) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.transport {
                Transport::Graph => {
                    let (method, path) = self.path_of(write, false).expect("Graph has it");
                    let rule = json!({
                        "service": "graph", "path": path, "method": method, "kind": "status", "status": 429,
                        "retry_after": 0, "count": 1, "code": "ApplicationThrottled",
                    });
                    self.post("/faults", rule).await;
                }
                Transport::Ews => {
                    let command = json!({ "as": "fault", "back_off_ms": 20, "count": 1 });
                    self.answer_in_place_of(write, command).await;
                }
            }
        })
    }

    fn damage<'a>(&'a self, id: &'a NativeId, damage: Damage) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let kind = match damage {
                Damage::Alone => "item",
                Damage::WithItsPage => "batch",
                Damage::OnlyItsMime => "mime",
            };
            let body = json!({ "id": id.as_str(), "as": kind });
            self.post(&format!("/mailboxes/{MAILBOX}/damage"), body).await;
        })
    }

    fn lose(&self, write: Write, whole: bool) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let Some(path) = self.path_of(write, whole) else { return false };
            let kind = if whole { "reset_after_effect" } else { "status_after_effect" };
            let service = self.transport.service();
            self.post(
                "/faults",
                json!({ "service": service, "path": path.1, "method": path.0, "kind": kind, "status": 504 }),
            )
            .await;
            true
        })
    }

    fn refuse(&self, write: Write) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.transport {
                Transport::Graph => {
                    let (method, path) = self.path_of(write, false).expect("Graph has it");
                    let rule = json!({ "service": "graph", "path": path, "method": method, "kind": "status", "status": 403 });
                    self.post("/faults", rule).await;
                }
                // As Exchange says it: an answer for each part, with a code.
                Transport::Ews => {
                    let command = json!({ "as": "item", "code": "ErrorAccessDenied" });
                    self.answer_in_place_of(write, command).await;
                }
            }
        })
    }

    fn forget_upload(&self) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let Some((method, path)) = self.path_of(Write::Upload, false) else { return false };
            let rule = json!({
                "service": "graph", "path": path, "method": method, "kind": "status", "status": 404, "count": 1,
            });
            self.post("/faults", rule).await;
            true
        })
    }

    fn find(&self) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let (rules, commands) = (self.list("/faults").await, self.list("/ews/answers").await);
            for path in ["/faults", "/ews/answers"] {
                self.http.delete(format!("{}{path}", self.base)).send().await.expect("sent");
            }
            let hits = rules.iter().filter_map(|rule| rule["hits"].as_u64()).sum::<u64>();
            hits + commands.len() as u64
        })
    }

    fn strike(&self, status: u16, after_effect: bool, times: u32) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let kind = if after_effect { "status_after_effect" } else { "status" };
            let service = self.transport.service();
            let rule = json!({ "service": service, "kind": kind, "status": status, "count": times });
            self.post("/faults", rule).await;
        })
    }

    fn folder<'a>(&'a self, name: &'a str, is_there: bool) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let token = self.token.expose_secret();
            let request = if is_there {
                self.http.post(&self.folders).json(&json!({ "displayName": name }))
            } else {
                let url = format!("{}?$top=100", self.folders);
                let listed = self.http.get(url).bearer_auth(token).send().await.expect("sent");
                let listed: Value = listed.json().await.expect("a list");
                let all = listed["value"].as_array().expect("a list");
                let folder = all.iter().find(|folder| folder["displayName"] == name).expect("is there");
                self.http.delete(format!("{}/{}", self.folders, folder["id"].as_str().expect("an id")))
            };
            let answer = request.bearer_auth(token).send().await.expect("sent");
            assert!(answer.status().is_success(), "{}", answer.status());
        })
    }

    fn take_right<'a>(&'a self, right: &'a str) -> BoxFuture<'a, ()> {
        let body = json!({ "mailbox": MAILBOX, "user": DELEGATE, "grant": false, "rights": [right] });
        Box::pin(self.post("/delegates", body))
    }
}
