//! The `claims` of requests (OpenID Connect Core §5.5): Postroom says in each that it understands challenges (continuous access
//! evaluation: tokens live longer, and a server may ask for more in the middle of it), together with what a challenge asks for.

use serde_json::{Map, Value, json};

/// What opts in to continuous access evaluation.
pub const CONTINUOUS_ACCESS: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

/// The longest challenge that is passed on.
const LONGEST: usize = 8 << 10;

/// The claims to send: the opt-in, and beside it what the challenge (JSON, from a server) asks for. What is no JSON object is not
/// passed on.
pub(super) fn to_send(challenge: Option<&str>) -> String {
    let asked = challenge
        .filter(|text| text.len() <= LONGEST)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(Value::Object(mut all)) = asked else { return CONTINUOUS_ACCESS.to_owned() };
    let token = all.entry("access_token").or_insert_with(|| Value::Object(Map::new()));
    if !token.is_object() {
        *token = Value::Object(Map::new());
    }
    token["xms_cc"] = json!({ "values": ["cp1"] });
    Value::Object(all).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_challenge_goes_along_with_the_opt_in() {
        assert_eq!(to_send(None), CONTINUOUS_ACCESS);
        let challenge = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}"#;
        let sent: Value = serde_json::from_str(&to_send(Some(challenge))).expect("JSON");
        assert_eq!(sent["access_token"]["nbf"]["value"], "1700000000");
        assert_eq!(sent["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    }

    #[test]
    fn what_is_no_challenge_is_not_passed_on() {
        for text in ["", "[]", "\"x\"", "{", "null"] {
            assert_eq!(to_send(Some(text)), CONTINUOUS_ACCESS, "{text}");
        }
        assert_eq!(to_send(Some(&format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST)))), CONTINUOUS_ACCESS);
        let sent: Value = serde_json::from_str(&to_send(Some(r#"{"access_token":7}"#))).expect("JSON");
        assert_eq!(sent["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    }

    proptest! {
        #[test]
        fn every_challenge_gives_claims(text in r#"(\{|\}|"access_token"|:|"a"|null|1|,){0,12}"#) {
            let sent: Value = serde_json::from_str(&to_send(Some(&text))).expect("JSON");
            prop_assert_eq!(&sent["access_token"]["xms_cc"]["values"], &json!(["cp1"]));
        }
    }
}
