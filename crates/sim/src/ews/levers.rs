//! What the control address changes here: the tenant's policy, answers on command, and the record of requests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Requests that are remembered.
const REMEMBERED: usize = 2_000;

/// The tenant's policy about EWS, as a change to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyChange {
    /// `EwsEnabled` of the organization, or of `mailbox`.
    pub(crate) enabled: Option<bool>,
    /// The mailbox that `enabled` is for.
    pub(crate) mailbox: Option<String>,
    /// `EwsAllowedAppIDs`: the whole list.
    pub(crate) allowed_app_ids: Option<Vec<String>>,
}

/// Whose server it is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerChange {
    /// Whether it is an Exchange server of one's own (2013 to 2019) and not Exchange Online.
    pub(crate) own: bool,
}

/// Oddities of the real service that callers must stand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quirks {
    /// How likely a call that impersonates fails with 500 or 503 where `X-AnchorMailbox` is missing or names another mailbox. Microsoft
    /// says that it happens "at times", and that such a call takes twice as long or more (*Impersonation and EWS in Exchange*,
    /// performance considerations).
    pub(crate) unanchored: f64,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { unanchored: 0.25 }
    }
}

/// In which form an answer on command comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// Status 503 without SOAP: the front end queues.
    Status,
    /// Status 500 with a SOAP fault.
    Fault,
    /// Status 200, and the code in the response message of one item; the items after it are not processed.
    Inner,
    /// Status 200, and the code in the response message of one item; the others are processed.
    Item,
}

/// An answer on command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    /// The form.
    #[serde(rename = "as")]
    pub(crate) form: Form,
    /// The operation; all when absent.
    #[serde(default)]
    pub(crate) operation: Option<String>,
    /// The response code; `ErrorServerBusy` when absent.
    #[serde(default)]
    pub(crate) code: Option<String>,
    /// The text.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// `BackOffMilliseconds`; not told when absent.
    #[serde(default)]
    pub(crate) back_off_ms: Option<u64>,
    /// Which item of a batch, from 0.
    #[serde(default)]
    pub(crate) item: usize,
    /// How often it applies; for ever when absent.
    #[serde(default)]
    pub(crate) count: Option<u64>,
}

impl Command {
    pub(crate) fn refusal(&self) -> super::answer::Refusal {
        let code = self.code.as_deref().unwrap_or("ErrorServerBusy");
        let usual = match code {
            "ErrorServerBusy" => "The server cannot service this request right now. Try again later.",
            "ErrorExceededConnectionCount" => {
                "You have exceeded the available concurrent connections for your account. Try again once your other requests have completed."
            }
            "ErrorMailboxStoreUnavailable" => "The mailbox database is temporarily unavailable.",
            _ => "The simulator was told to answer so.",
        };
        let mut refusal = super::answer::Refusal::new(code, self.message.as_deref().unwrap_or(usual));
        refusal.back_off = self.back_off_ms;
        refusal
    }
}

#[derive(Debug)]
struct Inner {
    is_enabled: bool,
    /// Mailboxes whose own `EwsEnabled` was set.
    mailboxes: BTreeMap<String, bool>,
    allowed: BTreeSet<String>,
    /// It knows only the names of folders that the schema of Exchange 2013 has.
    is_own: bool,
    commands: Vec<Command>,
    requests: VecDeque<Value>,
    quirks: Quirks,
}

/// The levers of EWS.
#[derive(Debug)]
pub(crate) struct Levers(Mutex<Inner>);

impl Levers {
    /// EWS as a tenant has it that has enabled it and listed this app: what EWS needs in Exchange Online since
    /// 1 October 2026.
    pub(crate) fn allowing(client_id: &str) -> Self {
        Self(Mutex::new(Inner {
            is_enabled: true,
            mailboxes: BTreeMap::new(),
            allowed: [client_id.to_ascii_lowercase()].into(),
            is_own: false,
            commands: Vec::new(),
            requests: VecDeque::new(),
            quirks: Quirks::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the policy bars a call, in the words of `X-EWS-Policy-Reason`.
    pub(crate) fn barred(&self, client_id: &str, mailbox: Option<&str>) -> Option<&'static str> {
        let inner = self.lock();
        let own = mailbox.and_then(|mailbox| inner.mailboxes.get(&mailbox.to_ascii_lowercase())).copied();
        // Organization and mailbox must both allow it.
        if !inner.is_enabled || own == Some(false) {
            Some("EWS is disabled for this user or tenant")
        } else if !inner.allowed.contains(&client_id.to_ascii_lowercase()) {
            Some("EWS is blocked by policy for this user or tenant")
        } else {
            None
        }
    }

    /// Changes the policy.
    pub(crate) fn change_policy(&self, change: PolicyChange) {
        let mut inner = self.lock();
        match (change.enabled, change.mailbox) {
            (Some(enabled), Some(mailbox)) => {
                inner.mailboxes.insert(mailbox.to_ascii_lowercase(), enabled);
            }
            (Some(enabled), None) => inner.is_enabled = enabled,
            (None, _) => {}
        }
        if let Some(list) = change.allowed_app_ids {
            inner.allowed = list.iter().map(|id| id.to_ascii_lowercase()).collect();
        }
    }

    /// The policy as it is.
    pub(crate) fn policy(&self) -> Value {
        let inner = self.lock();
        json!({"enabled": inner.is_enabled, "mailboxes": inner.mailboxes, "allowed_app_ids": inner.allowed})
    }

    pub(crate) fn change_server(&self, change: ServerChange) {
        self.lock().is_own = change.own;
    }

    pub(crate) fn is_own_server(&self) -> bool {
        self.lock().is_own
    }

    pub(crate) fn quirks(&self) -> Quirks {
        self.lock().quirks
    }

    pub(crate) fn set_quirks(&self, quirks: Quirks) {
        self.lock().quirks = quirks;
    }

    pub(crate) fn command(&self, command: Command) {
        self.lock().commands.push(command);
    }

    pub(crate) fn commands(&self) -> Value {
        serde_json::to_value(&self.lock().commands).unwrap_or_default()
    }

    pub(crate) fn clear_commands(&self) {
        self.lock().commands.clear();
    }

    /// The first command for an operation, which counts as carried out.
    pub(crate) fn take(&self, operation: &str) -> Option<Command> {
        let mut inner = self.lock();
        let at = inner
            .commands
            .iter()
            .position(|command| command.operation.as_deref().is_none_or(|own| own == operation))?;
        let command = inner.commands[at].clone();
        match inner.commands[at].count {
            Some(0 | 1) => {
                inner.commands.remove(at);
            }
            Some(count) => inner.commands[at].count = Some(count - 1),
            None => {}
        }
        Some(command)
    }

    pub(crate) fn remember(&self, request: Value) {
        let mut inner = self.lock();
        if inner.requests.len() >= REMEMBERED {
            inner.requests.pop_front();
        }
        inner.requests.push_back(request);
    }

    /// The requests, oldest first.
    pub(crate) fn requests(&self) -> Value {
        self.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn forget_requests(&self) {
        self.lock().requests.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Organization, mailbox and list must all allow a call; the two reasons are told apart.
    #[test]
    fn the_policy_needs_all_three() {
        let levers = Levers::allowing("App-1");
        assert_eq!(levers.barred("app-1", Some("a@x")), None);
        assert_eq!(levers.barred("app-2", None), Some("EWS is blocked by policy for this user or tenant"));
        let change = |value| levers.change_policy(serde_json::from_value(value).expect("a change"));
        change(json!({"enabled": false, "mailbox": "A@x"}));
        assert_eq!(levers.barred("app-1", Some("a@x")), Some("EWS is disabled for this user or tenant"));
        assert_eq!(levers.barred("app-1", Some("b@x")), None);
        change(json!({"enabled": false}));
        assert_eq!(levers.barred("app-1", Some("b@x")), Some("EWS is disabled for this user or tenant"));
        change(json!({"enabled": true, "allowed_app_ids": ["other"]}));
        assert_eq!(
            levers.barred("app-1", Some("b@x")),
            Some("EWS is blocked by policy for this user or tenant")
        );
    }

    /// A command ends after its count and waits for its operation.
    #[test]
    fn a_command_ends_after_its_count() {
        let levers = Levers::allowing("app");
        let command = json!({"as": "fault", "operation": "GetItem", "count": 2});
        levers.command(serde_json::from_value(command).expect("a command"));
        assert!(levers.take("FindItem").is_none());
        assert!(levers.take("GetItem").is_some_and(|command| command.refusal().code == "ErrorServerBusy"));
        assert!(levers.take("GetItem").is_some());
        assert!(levers.take("GetItem").is_none());
    }
}
