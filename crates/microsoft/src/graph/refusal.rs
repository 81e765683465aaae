//! An answer that is no success, read: which codes it carries, and the fault that follows.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use fault::{Fault, GraphAnswer};
use http::HeaderMap;
use serde_json::Value;

use crate::answer::{asked_to_wait, header};

/// How deep error bodies are looked into.
const DEEPEST: usize = 8;

/// A request that failed.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) fault: Fault,
    /// The codes of the error body, outermost first; none where there was no answer or it said none.
    pub(super) codes: Vec<String>,
    /// The claims that a challenge asks for, as JSON.
    pub(super) claims: Option<String>,
    /// The answer was larger than allowed.
    pub(super) is_too_large: bool,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, codes: Vec::new(), claims: None, is_too_large: false }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        refused.fault
    }
}

impl Refused {
    /// Reads an answer. `client_request_id` is what was sent with the request.
    pub(super) fn read(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        client_request_id: Option<&str>,
    ) -> Self {
        let claims = challenge(headers);
        let waits = asked_to_wait(headers);
        let request_id = header(headers, "request-id");
        Self::told(status, body, waits, request_id, client_request_id, claims)
    }

    /// Reads an answer that came in parts.
    pub(super) fn told(
        status: u16,
        body: &[u8],
        retry_after: Option<Duration>,
        request_id: Option<&str>,
        client_request_id: Option<&str>,
        claims: Option<String>,
    ) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let (mut codes, mut message) = (Vec::new(), "");
        let mut level = json.get("error").filter(|error| error.is_object());
        for _ in 0..DEEPEST {
            let Some(here) = level else { break };
            codes.extend(here.get("code").and_then(Value::as_str).filter(|code| !code.is_empty()));
            if message.is_empty() {
                message = here.get("message").and_then(Value::as_str).unwrap_or_default();
            }
            // The casing varies.
            level = here
                .as_object()
                .and_then(|map| {
                    map.iter()
                        .find(|(name, value)| name.eq_ignore_ascii_case("innererror") && value.is_object())
                })
                .map(|(_, value)| value);
        }
        let fault = Fault::graph(&GraphAnswer {
            status,
            codes: &codes,
            message,
            retry_after,
            request_id,
            client_request_id,
            claims_challenge: claims.is_some(),
        });
        Self { fault, codes: codes.into_iter().map(str::to_owned).collect(), claims, is_too_large: false }
    }

    /// Whether one of the codes is this one. Graph's letter case is not dependable.
    pub(super) fn says(&self, code: &str) -> bool {
        self.codes.iter().any(|said| said.eq_ignore_ascii_case(code))
    }
}

/// The claims of a challenge (continuous access evaluation); there may be several headers, and several challenges in one.
pub(crate) fn challenge(headers: &HeaderMap) -> Option<String> {
    headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).find_map(|value| {
        if !value.contains("insufficient_claims") {
            return None;
        }
        let (_, rest) = value.split_once("claims=\"")?;
        let (encoded, _) = rest.split_once('"')?;
        let bytes = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
            .into_iter()
            .find_map(|engine| engine.decode(encoded).ok())?;
        let text = String::from_utf8(bytes).ok()?;
        serde_json::from_str::<Value>(&text).ok().filter(Value::is_object).map(|_| text)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            status in any::<u16>(),
            body in r#"(\{"error":|\{"code":"|"innerError":|"message":|[\[\]{}":,a-zA-Z0-9\\]){0,30}"#,
            challenge in r#"(Bearer |claims="|insufficient_claims|error=|[A-Za-z0-9+/=",]){0,20}"#,
        ) {
            let mut headers = HeaderMap::new();
            headers.insert("www-authenticate", challenge.parse().expect("printable"));
            let refused = Refused::read(status, &headers, body.as_bytes(), None);
            prop_assert_eq!(refused.fault.status, Some(status));
        }
    }

    #[test]
    fn the_deepest_code_that_is_known_decides() {
        let of = |body: &str| Refused::told(400, body.as_bytes(), None, None, None, None);
        let nested = of(
            r#"{"error":{"code":"BadRequest","message":"m","innerError":{"code":"ErrorItemCorrupt","innererror":{"code":"Odd"}}}}"#,
        );
        assert_eq!(
            (nested.fault.entry.id, nested.fault.code.as_str()),
            ("graph.corrupt_item", "ErrorItemCorrupt")
        );
        assert!(nested.says("erroritemCORRUPT") && nested.says("badrequest") && !nested.says("m"));
    }

    #[test]
    fn a_body_of_another_kind_is_judged_by_its_status() {
        for body in
            ["", "<html>", "[]", r#"{"error":"text"}"#, r#"{"error":{"code":7}}"#, r#"{"error":null}"#]
        {
            let refused = Refused::told(503, body.as_bytes(), None, None, None, None);
            assert_eq!(
                (refused.fault.entry.id, refused.fault.code.as_str()),
                ("graph.unavailable", "HTTP 503"),
                "{body}"
            );
        }
    }

    #[test]
    fn nesting_without_end_costs_nothing() {
        let body = format!("{}{{}}{}", r#"{"error":{"innerError":"#.repeat(60), "}}".repeat(60));
        assert!(Refused::told(500, body.as_bytes(), None, None, None, None).codes.is_empty());
    }

    #[test]
    fn a_claims_challenge_is_found_among_several_headers() {
        let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}"#;
        let value = format!(
            "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{}\"",
            STANDARD.encode(claims)
        );
        let mut headers = HeaderMap::new();
        headers.append("www-authenticate", HeaderValue::from_static("Bearer realm=\"\""));
        headers.append("www-authenticate", value.parse().expect("a header"));
        let refused = Refused::read(401, &headers, b"", None);
        assert_eq!((refused.claims.as_deref(), refused.fault.entry.id), (Some(claims), "graph.claims"));
        headers.clear();
        headers.append(
            "www-authenticate",
            HeaderValue::from_static("Bearer error=\"insufficient_claims\", claims=\"!!\""),
        );
        assert_eq!(Refused::read(401, &headers, b"", None).claims, None);
    }
}
