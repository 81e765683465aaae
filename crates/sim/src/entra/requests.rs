//! Requests for an administrator's consent: who asked, for what, why, and what became of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most requests that are kept; the oldest go first.
const MOST: usize = 1_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Pending,
    Approved,
    Denied,
    /// Denied, and the app is disabled in the tenant.
    Blocked,
}

/// What an administrator does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    Approve,
    Deny,
    Block,
}

impl Decision {
    /// By the value of its button.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "approve" => Some(Self::Approve),
            "deny" => Some(Self::Deny),
            "block" => Some(Self::Block),
            _ => None,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Approve => Outcome::Approved,
            Self::Deny => Outcome::Denied,
            Self::Block => Outcome::Blocked,
        }
    }
}

/// A request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConsentRequest {
    pub(crate) id: u64,
    pub(crate) tenant: Uuid,
    pub(crate) client_id: String,
    pub(crate) app: String,
    /// Who asked: his sign-in name.
    pub(crate) user: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) justification: String,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
}

/// All requests of all tenants.
#[derive(Default)]
pub(crate) struct ConsentRequests(Mutex<(u64, Vec<ConsentRequest>)>);

impl ConsentRequests {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<ConsentRequest>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files a request; the same person's pending one for the same app is replaced. The id it gets.
    pub(crate) fn file(&self, mut request: ConsentRequest) -> u64 {
        let mut state = self.lock();
        state.0 += 1;
        request.id = state.0;
        state.1.retain(|own| {
            own.outcome != Outcome::Pending || own.user != request.user || own.client_id != request.client_id
        });
        if state.1.len() >= MOST {
            state.1.remove(0);
        }
        let id = request.id;
        state.1.push(request);
        id
    }

    /// The requests, oldest first; of one tenant where one is named.
    pub(crate) fn list(&self, tenant: Option<Uuid>) -> Vec<ConsentRequest> {
        let state = self.lock();
        state.1.iter().filter(|own| tenant.is_none_or(|tenant| own.tenant == tenant)).cloned().collect()
    }

    /// Marks a pending request as decided; the request, unless there is no pending one with this id.
    pub(crate) fn decide(&self, id: u64, decision: Decision) -> Option<ConsentRequest> {
        let mut state = self.lock();
        let found = state.1.iter_mut().find(|own| own.id == id && own.outcome == Outcome::Pending)?;
        found.outcome = decision.outcome();
        Some(found.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(user: &str) -> ConsentRequest {
        ConsentRequest {
            id: 0,
            tenant: Uuid::nil(),
            client_id: "app".to_owned(),
            app: "App".to_owned(),
            user: user.to_owned(),
            scopes: BTreeSet::new(),
            justification: String::new(),
            at: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Pending,
        }
    }

    /// A person's second request replaces the first; a request is decided once.
    #[test]
    fn a_request_is_decided_once() {
        let requests = ConsentRequests::default();
        requests.file(request("anna"));
        let second = requests.file(request("anna"));
        let other = requests.file(request("bruno"));
        assert_eq!(requests.list(None).len(), 2);
        assert!(requests.list(Some(Uuid::max())).is_empty());
        assert!(requests.decide(second, Decision::Deny).is_some_and(|own| own.outcome == Outcome::Denied));
        assert!(requests.decide(second, Decision::Approve).is_none());
        assert!(requests.decide(other, Decision::Block).is_some_and(|own| own.outcome == Outcome::Blocked));
    }
}
