//! How many requests each service has had, by operation.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::Method;
use serde_json::{Map, Value, json};

use crate::faults::Service;

type ByOperation = BTreeMap<String, u64>;

/// Counts since the start, or since they were last cleared.
#[derive(Default)]
pub(crate) struct Counters(Mutex<BTreeMap<&'static str, (u64, ByOperation)>>);

impl Counters {
    pub(crate) fn count(&self, service: Service, method: &Method, path: &str) {
        let operation = operation(method, path);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_operation) = counts.entry(service.name()).or_default();
        *total += 1;
        *by_operation.entry(operation).or_default() += 1;
    }

    /// Counts a request inside a batch under its own operation; the outer request is the one that the total has.
    pub(crate) fn count_inside(&self, method: &Method, path: &str) {
        let operation = format!("batched {}", operation(method, path));
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(Service::Graph.name()).or_default().1.entry(operation).or_default() += 1;
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn list(&self) -> Map<String, Value> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Service::ALL
            .iter()
            .map(|service| {
                let (total, by_operation) = counts.get(service.name()).cloned().unwrap_or_default();
                (service.name().to_owned(), json!({"requests": total, "by_operation": by_operation}))
            })
            .collect()
    }
}

/// `GET /v1.0/users/{}/messages/{}`: method and path with ids taken out.
fn operation(method: &Method, path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    out.push_str(method.as_str());
    out.push(' ');
    let mut before = "";
    for segment in path.split('/').skip(1) {
        out.push('/');
        let is_version = ["v1.0", "v2.0", "oauth2"].contains(&segment) || before == "api";
        let is_id = segment.len() > 40
            || segment.contains(['@', '%', '('])
            || segment.bytes().any(|byte| byte.is_ascii_digit());
        out.push_str(if is_id && !is_version { "{}" } else { segment });
        before = segment;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids do not make operations of their own.
    #[test]
    fn an_operation_has_no_ids() {
        let name = |path| operation(&Method::GET, path);
        assert_eq!(name("/v1.0/users/a@b.test/messages/AAMk1="), "GET /v1.0/users/{}/messages/{}");
        assert_eq!(name("/rest/api/3/issue/SUP-1/comment"), "GET /rest/api/3/issue/{}/comment");
        assert_eq!(
            name("/v1.0/me/mailFolders/inbox/messages/delta"),
            "GET /v1.0/me/mailFolders/inbox/messages/delta"
        );
    }
}
