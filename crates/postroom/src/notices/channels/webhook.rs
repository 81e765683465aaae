//! A webhook of one's own: JSON, signed as "Standard Webhooks" describes (headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature: v1,<base64 HMAC-SHA256 over id.timestamp.body>`; the key is what follows `whsec_`, in base64).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Item, Message};

/// What a signing key begins with.
pub const PREFIX: &str = "whsec_";

/// The body.
pub fn body(message: &Message) -> Value {
    let item = |item: &Item| {
        json!({
            "id": item.id,
            "kind": item.kind.word(),
            "object": { "kind": item.object_kind, "id": item.object_id, "name": item.object_name },
            "title": item.title,
            "text": item.text,
            "code": item.code,
            "fault": item.entry,
            // Of several, none is the one.
            "page": if let [page] = item.pages.as_slice() { Some(page) } else { None },
            "pages": item.pages,
            "command": item.command,
            "url": item.url,
            "raised_at": item.raised_at.to_string(),
        })
    };
    json!({
        "type": if message.is_test { "postroom.test" } else { "postroom.notices" },
        "timestamp": message.at.to_string(),
        "data": {
            "title": message.title(),
            "url": message.url,
            "notices": message.items.iter().map(item).collect::<Vec<_>>(),
        },
    })
}

/// The headers that sign a body.
pub fn headers(message: &Message, key: &SecretString, body: &[u8]) -> [(&'static str, String); 3] {
    let (id, at) = (message.id.to_string(), message.at.as_second().to_string());
    let signature = sign(key, &id, &at, body);
    [("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", format!("v1,{signature}"))]
}

fn sign(key: &SecretString, id: &str, at: &str, body: &[u8]) -> String {
    let text = key.expose_secret();
    let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
    // A key that is no base64 is taken as it is written: both sides see the same text.
    let raw = STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &raw);
    let mut context = hmac::Context::with_key(&key);
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        context.update(part);
    }
    STANDARD.encode(context.sign().as_ref())
}

/// A new signing key of 32 random bytes.
pub fn new_key(rng: &mut impl rand::CryptoRng) -> SecretString {
    let mut bytes = [0_u8; 32];
    rng.fill_bytes(&mut bytes);
    SecretString::from(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;

    /// Promise: the signature is the one that the Standard Webhooks specification gives as its example.
    #[test]
    fn the_signature_is_the_standard_one() {
        let key = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// Promise: the body tells each notice with its object, code and page.
    #[test]
    fn the_body_tells_each_notice() {
        let body = body(&message(3));
        assert_eq!(body["data"]["notices"].as_array().unwrap().len(), 3);
        assert_eq!(body["data"]["notices"][0]["code"], "AADSTS50173");
        assert_eq!(body["data"]["notices"][2]["kind"], "back");
        let first = &body["data"]["notices"][0];
        assert_eq!(first["page"]["address"], "https://portal.azure.us/#view/Blade/~/Licenses");
        assert_eq!(first["pages"], json!([first["page"]]));
        assert!(first["command"].as_str().unwrap().starts_with("Get-Mailbox"));
    }
}
