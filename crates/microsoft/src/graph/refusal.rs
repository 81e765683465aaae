//! An answer that is no success, read: which codes it carries, and the fault that follows. [`Refused`] is for Graph; [`exchange`] is
//! the same for Exchange Web Services, whose SOAP its caller has read. Both are pure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use fault::{Evidence, EwsAnswer, Fault, GraphAnswer};
use http::HeaderMap;
use serde_json::Value;

use crate::answer::{asked_to_wait, header};

/// How deep error bodies are looked into.
const DEEPEST: usize = 8;
/// The longest claims that are kept for the next sign-in, in bytes.
const LONGEST_CLAIMS: usize = 4_096;

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
        let answer = GraphAnswer {
            status,
            retry_after: asked_to_wait(headers),
            request_id: header(headers, "request-id"),
            client_request_id,
            policy_reason: header(headers, "x-ews-policy-reason"),
            diagnostics: header(headers, "x-ms-diagnostics"),
            evidence: evidence(body, claims.is_some()),
            ..GraphAnswer::default()
        };
        Self::of(&answer, body, claims)
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
        // A part of a batch is JSON inside JSON: it is never empty, nor a page.
        let evidence = Evidence { claims_challenge: claims.is_some(), ..Evidence::default() };
        let answer = GraphAnswer {
            status,
            retry_after,
            request_id,
            client_request_id,
            evidence,
            ..GraphAnswer::default()
        };
        Self::of(&answer, body, claims)
    }

    fn of(answer: &GraphAnswer<'_>, body: &[u8], claims: Option<String>) -> Self {
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
        let fault = Fault::graph(&GraphAnswer { codes: &codes, message, ..answer.clone() });
        let fault = asking(fault, claims.as_deref());
        Self { fault, codes: codes.into_iter().map(str::to_owned).collect(), claims, is_too_large: false }
    }

    /// Whether one of the codes is this one. Graph's letter case is not dependable.
    pub(super) fn says(&self, code: &str) -> bool {
        self.codes.iter().any(|said| said.eq_ignore_ascii_case(code))
    }
}

/// What the answer of Exchange Web Services says by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Soap<'a> {
    /// `ResponseCode`; empty where there is none.
    pub(crate) code: &'a str,
    /// `MessageText`.
    pub(crate) message: &'a str,
    /// `BackOffMilliseconds`.
    pub(crate) back_off: Option<Duration>,
}

/// The fault of an answer of Exchange Web Services, and the claims of a challenge (JSON) where it is one. `body` is what came
/// (`None`: it could not be read, or is an answer of its kind); `soap` is what its caller has read in it.
pub(crate) fn exchange(
    status: u16,
    headers: &HeaderMap,
    body: Option<&[u8]>,
    soap: Soap<'_>,
    client_request_id: Option<&str>,
) -> (Fault, Option<String>) {
    let claims = challenge(headers);
    let answer = EwsAnswer {
        status,
        code: soap.code,
        message: soap.message,
        policy_reason: header(headers, "x-ews-policy-reason"),
        diagnostics: header(headers, "x-ms-diagnostics"),
        back_off: soap.back_off.or_else(|| asked_to_wait(headers)),
        request_id: header(headers, "request-id"),
        client_request_id,
    };
    let evidence = match body {
        Some(body) => evidence(body, claims.is_some()),
        None => Evidence { claims_challenge: claims.is_some(), ..Evidence::default() },
    };
    (asking(Fault::ews_with(&answer, evidence), claims.as_deref()), claims)
}

/// The fault with what the next sign-in has to bring along, where an answer asks for it.
fn asking(mut fault: Fault, claims: Option<&str>) -> Fault {
    let is_object = |text: &&str| serde_json::from_str::<Value>(text).is_ok_and(|json| json.is_object());
    if let Some(claims) = claims.filter(|text| text.len() <= LONGEST_CLAIMS).filter(is_object) {
        fault.extra.get_or_insert_default().claims = Some(claims.to_owned());
    }
    fault
}

fn evidence(body: &[u8], claims_challenge: bool) -> Evidence {
    Evidence {
        claims_challenge,
        is_empty: body.trim_ascii().is_empty(),
        is_page: fault::looks_like_a_page(body),
    }
}

/// The claims of a challenge (continuous access evaluation); there may be several headers, and several challenges in one. Base64
/// comes with and without padding, in both alphabets.
fn challenge(headers: &HeaderMap) -> Option<String> {
    headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).find_map(|value| {
        if !value.contains("insufficient_claims") {
            return None;
        }
        let (_, rest) = value.split_once("claims=\"")?;
        let (encoded, _) = rest.split_once('"')?;
        let bytes = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
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
            let (fault, claims) = exchange(status, &headers, Some(body.as_bytes()), Soap::default(), None);
            prop_assert_eq!((fault.status, claims), (Some(status), refused.claims));
        }
    }

    fn headed(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn a_refused_token_is_told_apart_by_what_the_answer_allows() {
        let of = |status, headers: &[(&'static str, &str)], body: &str| {
            Refused::read(status, &headed(headers), body.as_bytes(), None).fault.entry.id
        };
        let invalid = r#"{"error":{"code":"InvalidAuthenticationToken","message":"words"}}"#;
        assert_eq!(of(401, &[], invalid), "graph.token");
        assert_eq!(of(401, &[], ""), "graph.no_licence");
        assert_eq!(of(401, &[("x-ms-diagnostics", "2000003;reason=\"aud\"")], invalid), "graph.audience");
        assert_eq!(of(401, &[("x-ms-diagnostics", "2000005;reason=\"user\"")], ""), "graph.no_mailbox");
        let licence = r#"{"error":{"code":"MailboxNotEnabledForRESTAPI","message":"inactive"}}"#;
        assert_eq!(of(404, &[], licence), "graph.no_mailbox");
        assert_eq!(of(403, &[], licence), "graph.no_mailbox");
        let denied = r#"{"error":{"code":"ErrorAccessDenied","message":"Access to OData is disabled."}}"#;
        assert_eq!(of(403, &[], denied), "graph.access_policy");
        assert_eq!(of(403, &[], &denied.replace("OData", "it")), "graph.access_denied");
        let permission = r#"{"error":{"code":"Authorization_RequestDenied","message":"words"}}"#;
        assert_eq!(of(403, &[], permission), "graph.permission");
        let reason = [("x-ews-policy-reason", "EWS is blocked by policy for this user or tenant")];
        assert_eq!(of(403, &reason, denied), "ews.not_allowed");
        assert_eq!(of(403, &[], "<!DOCTYPE html><html>"), "network.portal");
        assert_eq!(of(503, &[], "<!DOCTYPE html><html>"), "graph.busy");
    }

    #[test]
    fn exchange_web_services_are_read_with_the_same_eyes() {
        let of = |status, headers: &[(&'static str, &str)], body: &str, code| {
            let soap = Soap { code, ..Soap::default() };
            exchange(status, &headed(headers), Some(body.as_bytes()), soap, Some("c-1"))
        };
        let (fault, _) =
            of(403, &[("x-ews-policy-reason", "EWS is disabled for this user or tenant")], "", "");
        assert_eq!((fault.entry.id, fault.ids.correlation.as_deref()), ("ews.disabled", Some("c-1")));
        let diagnostics = [("x-ms-diagnostics", "2000003;reason=\"aud\""), ("request-id", "r-1")];
        let (fault, _) = of(401, &diagnostics, "", "");
        assert_eq!((fault.entry.id, fault.ids.trace.as_deref()), ("ews.audience", Some("r-1")));
        assert_eq!(of(401, &[], "", "").0.entry.id, "graph.no_licence");
        assert_eq!(of(500, &[], "<s:Envelope>", "ErrorServerBusy").0.entry.id, "graph.throttled");
        assert_eq!(of(200, &[], "<s:Envelope>", "ErrorVirusDetected").0.entry.id, "ews.virus");
        assert_eq!(of(302, &[("location", "https://other.test")], "", "").0.entry.id, "ews.redirected");
        let (fault, _) = of(503, &[("retry-after", "7")], "", "");
        assert_eq!(fault.retry_after, Some(Duration::from_secs(7)));
        let challenge =
            format!("Bearer error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(r#"{"a":1}"#));
        let (fault, claims) = of(401, &[("www-authenticate", &challenge)], "", "");
        assert_eq!((fault.entry.id, claims.as_deref()), ("graph.claims", Some(r#"{"a":1}"#)));
        assert_eq!(
            fault.extra.and_then(|extra| extra.claims).as_deref(),
            Some(r#"{"a":1}"#),
            "for the next sign-in"
        );
    }

    #[test]
    fn a_challenge_is_read_in_every_kind_of_base64() {
        // `?` and `>` make the two characters in which the alphabets differ.
        let claims = r#"{"access_token":{"a":"??>>"}}"#;
        for padded in [claims.to_owned(), format!("{claims} "), format!("{claims}  ")] {
            let encodings = [
                STANDARD.encode(&padded),
                STANDARD_NO_PAD.encode(&padded),
                URL_SAFE.encode(&padded),
                URL_SAFE_NO_PAD.encode(&padded),
            ];
            for encoded in encodings {
                let value = format!("Bearer error=\"insufficient_claims\", claims=\"{encoded}\"");
                let headers =
                    headed(&[("www-authenticate", "Basic realm=\"x\""), ("www-authenticate", &value)]);
                let refused = Refused::read(401, &headers, b"{}", None);
                assert_eq!(refused.claims.as_deref(), Some(padded.as_str()), "{encoded}");
            }
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
                ("graph.busy", "HTTP 503"),
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
