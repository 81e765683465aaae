//! Whatever comes as an error's body, it becomes a fault with an entry, of bounded length, with no token in it.

use proptest::prelude::*;

use super::*;

const CANARY: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlY2FuYXJ5";

/// Pieces of error bodies, in any order, with tokens among them.
fn body() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(r#"{"error":"#.to_owned()),
        Just(r#""error_codes":["#.to_owned()),
        Just(r#""error_description":"AADSTS50173: "#.to_owned()),
        Just(r#""claims":"{\"a\":"#.to_owned()),
        Just(r#""trace_id":"#.to_owned()),
        Just(r#""suberror":"bad_token","#.to_owned()),
        Just("issued on '2026-01-05T08:10:11Z' TokensValidFrom '".to_owned()),
        Just(format!("\"{CANARY}\"")),
        Just(format!("Bearer {}", "a1".repeat(40))),
        Just("<html>".to_owned()),
        "[{}\\[\\]\":,0-9a-zA-Z\\\\ ]{0,20}",
        "\\PC{0,20}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn holds(fault: &Fault) -> Result<(), TestCaseError> {
    prop_assert!(entry(fault.entry.id).is_some());
    let extra = fault.extra.as_deref().cloned().unwrap_or_default();
    let ids =
        (fault.ids.trace.clone().unwrap_or_default(), fault.ids.correlation.clone().unwrap_or_default());
    let texts = [
        &fault.code,
        &fault.detail,
        &ids.0,
        &ids.1,
        &extra.claims.unwrap_or_default(),
        &extra.password_change_url.unwrap_or_default(),
    ];
    for text in texts {
        prop_assert!(text.len() <= 4_096, "{} bytes", text.len());
        prop_assert!(!text.contains("eyJ") && !text.contains(&"a1".repeat(32)), "{text}");
    }
    prop_assert!(fault.detail.chars().count() <= 601 && fault.code.chars().count() <= 100);
    let record = serde_json::to_string(&fault.to_record()).expect("serialises");
    let back = Fault::from_record(serde_json::from_str(&record).expect("reads back"));
    prop_assert_eq!(back.entry.id, fault.entry.id);
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_of_entra(status in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        holds(&Fault::entra(&EntraError::read(status, &body)))?;
    }

    #[test]
    fn any_text_of_entra(status in any::<u16>(), body in body()) {
        holds(&Fault::entra(&EntraError::read(status, body.as_bytes())))?;
    }

    #[test]
    fn any_fields_of_entra(error in body(), words in body(), number in any::<u32>(), claims in body(), id in body()) {
        let json = serde_json::json!({
            "error": error, "error_description": words, "error_codes": [number, "x", 50173], "claims": claims,
            "trace_id": id, "correlation_id": id, "suberror": error, "password_change_url": words,
        });
        holds(&Fault::entra(&EntraError::read(400, json.to_string().as_bytes())))?;
        holds(&Fault::entra(&EntraError::of_return(&error, &words, Some(&claims))))?;
    }

    #[test]
    fn any_answer_of_a_mail_server(status in any::<u16>(), code in body(), message in body(), header in body()) {
        let evidence = Evidence { is_page: message.len() % 2 == 0, is_empty: code.is_empty(), claims_challenge: false };
        let header = Some(header.as_str());
        holds(&Fault::graph(&GraphAnswer {
            status, codes: &[&code, "UnknownError"], message: &message, policy_reason: header, diagnostics: header,
            request_id: header, client_request_id: header, evidence, ..Default::default()
        }))?;
        let answer = EwsAnswer {
            status, code: &code, message: &message, policy_reason: header, diagnostics: header, request_id: header,
            ..Default::default()
        };
        holds(&Fault::ews_with(&answer, evidence))?;
    }

    #[test]
    fn any_answer_of_jira(status in any::<u16>(), body in body()) {
        holds(&Fault::jira(&JiraAnswer { status, body: &body, operation: "create issue", ..Default::default() }))?;
    }
}
