//! The token by which an answer to our own mail finds its issue again: minted and verified here, and nowhere else.
//!
//! `pr1-10042-k3v…`: a version, Jira's numeric id of the issue, and 120 bits of an HMAC over both and the Jira connection, in the
//! letters that survive every mail system, upper or lower case. It stands in the Message-IDs that Postroom writes
//! (`<unique.token@domain>`, which mail programs repeat in In-Reply-To and References) and, where a mailbox takes plus
//! addresses, in the address for answers (`support+token@domain`). Whoever got a mail of ours can answer into its issue; nobody can
//! make a token for another issue. It holds no secret but its signature, and never runs out: the identity key does not rotate.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use uuid::Uuid;

use crate::Keys;

/// What a token of this version begins with.
const BEGIN: &str = "pr1-";
/// Bytes of the signature.
const SIGNATURE: usize = 15;
/// Letters of the signature.
const SIGNATURE_LETTERS: usize = 24;
/// The letters of RFC 4648's base32, small.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Digits of an issue's id.
const ID: usize = 18;

/// What says of itself that it is a token of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    issue: String,
    signature: String,
}

impl Keys {
    /// The token of an issue of a Jira connection, by the issue's numeric id. `None`: that is no such id.
    pub fn reply_token(&self, jira_connection: Uuid, issue: &str) -> Option<String> {
        is_id(issue).then(|| format!("{BEGIN}{issue}-{}", self.signature(jira_connection, issue)))
    }

    /// The issue that a token names, where it was minted here for this Jira connection.
    pub fn verified(&self, claim: &Claim, jira_connection: Uuid) -> Option<String> {
        let expected = self.signature(jira_connection, &claim.issue);
        verify_slices_are_equal(expected.as_bytes(), claim.signature.as_bytes())
            .ok()
            .map(|()| claim.issue.clone())
    }

    fn signature(&self, jira_connection: Uuid, issue: &str) -> String {
        let mac = self.bytes("reply-token", &[jira_connection.as_bytes(), issue.as_bytes()]);
        base32(&mac[..SIGNATURE])
    }
}

/// The Message-ID (without angle brackets) of a mail about an issue. `unique` tells it from the others: letters, digits and hyphens.
pub fn message_id(token: &str, unique: &str, domain: &str) -> String {
    format!("{unique}.{token}@{domain}")
}

/// The address for answers: the mailbox's, with the token as its plus part. `None`: it is no address, or has a plus part already,
/// or would be longer than mail systems take.
pub fn address(mailbox: &str, token: &str) -> Option<String> {
    let (local, domain) = mailbox.split_once('@')?;
    let address = format!("{local}+{token}");
    (!local.contains('+') && address.len() <= 64).then(|| format!("{address}@{domain}"))
}

/// The token that a Message-ID or an address claims to carry.
pub fn claim(text: &str) -> Option<Claim> {
    let (local, _) = text.rsplit_once('@')?;
    local.split(['.', '+', '=']).rev().find_map(|piece| {
        let piece = piece.to_ascii_lowercase();
        let (issue, signature) = piece.strip_prefix(BEGIN)?.split_once('-')?;
        let is_signature =
            signature.len() == SIGNATURE_LETTERS && signature.bytes().all(|b| LETTERS.contains(&b));
        (is_id(issue) && is_signature)
            .then(|| Claim { issue: issue.to_owned(), signature: signature.to_owned() })
    })
}

fn is_id(text: &str) -> bool {
    (1..=ID).contains(&text.len())
        && text.bytes().all(|digit| digit.is_ascii_digit())
        && !text.starts_with('0')
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            out.push(char::from(LETTERS[(bits >> count) as usize & 31]));
        }
        bits &= (1 << count) - 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use store::IdentityKey;

    use super::*;

    const HERE: Uuid = Uuid::from_u128(1);

    fn keys(of: &[u8; 32]) -> Keys {
        Keys::new(IdentityKey::from_bytes(of))
    }

    fn ours() -> Keys {
        keys(b"0123456789abcdef0123456789abcdef")
    }

    /// Promise: a token is known in every place that mail systems carry it to, whatever they do to its letters.
    #[test]
    fn a_token_comes_back() {
        let token = ours().reply_token(HERE, "10042").expect("an id");
        assert!(token.starts_with("pr1-10042-") && token.len() == 34, "{token}");
        let known = |text: &str| claim(text).and_then(|claim| ours().verified(&claim, HERE));
        let id = message_id(&token, "01jd-7", "contoso.test");
        let address = address("support@contoso.test", &token).expect("an address");
        for text in [id.clone(), id.to_uppercase(), address.clone(), address.to_uppercase()] {
            assert_eq!(known(&text).as_deref(), Some("10042"), "{text}");
        }
        // Bounce addresses wrap an address in another one's local part.
        assert_eq!(known(&format!("prvs=support+{token}@contoso.test")).as_deref(), Some("10042"));
        assert!(super::address("a+b@c.test", &token).is_none() && super::address("nobody", &token).is_none());
        assert!(super::address(&format!("{}@c.test", "a".repeat(40)), &token).is_none());
    }

    /// Promise: a token of another installation, another Jira or another issue is refused.
    #[test]
    fn a_forged_token_is_refused() {
        let token = ours().reply_token(HERE, "10042").expect("an id");
        let claimed = |token: &str| claim(&format!("{token}@x")).expect("it looks like one");
        assert_eq!(ours().verified(&claimed(&token), Uuid::from_u128(2)), None);
        assert_eq!(keys(b"another-installation-another-key").verified(&claimed(&token), HERE), None);
        assert_eq!(ours().verified(&claimed(&token.replace("10042", "10043")), HERE), None);
        let last = if token.ends_with('a') { 'b' } else { 'a' };
        assert_eq!(ours().verified(&claimed(&format!("{}{last}", &token[..33])), HERE), None);
        for no_token in
            ["pr1-10042-@x", "pr1-10042-abc@x", "pr2-10042-abcdefghijklmnopqrstuvwx@x", "x@pr1-1-a", ""]
        {
            assert_eq!(claim(no_token), None, "{no_token}");
        }
        assert_eq!(ours().reply_token(HERE, "SUP-1"), None);
    }

    proptest! {
        /// Promise: whatever is written there, nothing but a token of ours is believed.
        #[test]
        fn any_text_is_a_token_or_refused(text in "\\PC{0,80}", issue in "[1-9][0-9]{0,9}", letters in "[a-z2-7]{24}") {
            if let Some(claim) = claim(&text) {
                prop_assert_eq!(ours().verified(&claim, HERE), None);
            }
            let forged = claim(&format!("pr1-{issue}-{letters}@x")).expect("it looks like one");
            prop_assert_eq!(ours().verified(&forged, HERE), None);
            let token = ours().reply_token(HERE, &issue).expect("an id");
            let known = claim(&format!("{token}@x")).expect("it is one");
            prop_assert_eq!(ours().verified(&known, HERE), Some(issue));
        }
    }
}
