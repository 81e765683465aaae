//! Which permissions a sign-in asks for, and what each of them is for in words.
//!
//! Sources: Microsoft identity platform, "Scopes and permissions" and "OpenID Connect scopes"; Microsoft Graph permissions
//! reference.

/// Asked for at every sign-in, and alone at first: what each person may grant in almost every tenant. Who is stopped at the rest
/// leaves a token behind to watch for the approval with.
///
/// - `openid` gives the id_token and binds the nonce; `profile` puts `oid` and `preferred_username` into it; `email` the
///   address where it is another one;
/// - `offline_access` gives the refresh token, without which a source would stop after an hour;
/// - `User.Read` answers *who am I* in a ping.
pub const BASIC: [&str; 5] = ["openid", "profile", "email", "offline_access", "User.Read"];

/// Reads the mail, marks it when it is handled, makes drafts. Many tenants let only an administrator grant it.
pub const MAIL: &str = "Mail.ReadWrite";

/// Asked for on top where a mailbox of somebody else (a shared one) is to be read. Not asked for otherwise: it opens every
/// mailbox that the person has rights on.
pub const SHARED: &str = "Mail.ReadWrite.Shared";

/// Asked for on top where mail is to be sent from the account's own mailbox.
pub const SEND: &str = "Mail.Send";

/// Asked for on top where mail is to be sent from a shared mailbox.
pub const SEND_SHARED: &str = "Mail.Send.Shared";

/// What a sign-in asks for.
pub fn asked(shared: bool) -> Vec<&'static str> {
    BASIC.into_iter().chain([MAIL]).chain(shared.then_some(SHARED)).collect()
}

/// What a sign-in asks for that shall also send.
pub fn asked_to_send(shared: bool) -> Vec<&'static str> {
    asked(shared).into_iter().chain([SEND]).chain(shared.then_some(SEND_SHARED)).collect()
}

/// What is asked for again, given what was granted: a refresh that asks for less may give less, and one that asks for more than
/// was granted is refused.
pub fn asked_again(granted: &str) -> Vec<&'static str> {
    let more = [SHARED, SEND, SEND_SHARED].into_iter().filter(|scope| is_granted(granted, scope));
    BASIC.into_iter().chain([MAIL]).chain(more).collect()
}

/// The permissions among the scopes, without those of OpenID Connect, which no administrator's link names.
pub fn of_resource(scopes: &str) -> Vec<&str> {
    scopes.split_ascii_whitespace().filter(|scope| scope.contains('.')).collect()
}

/// Whether `scope` is among those granted. Microsoft answers with or without the resource in front, in any case of letters.
pub fn is_granted(granted: &str, scope: &str) -> bool {
    granted.split_ascii_whitespace().any(|have| {
        let have = have.rsplit('/').next().unwrap_or(have);
        have.eq_ignore_ascii_case(scope)
    })
}

/// Whether all permissions that are wanted are granted. Answers name those of OpenID Connect as they like.
pub fn are_granted(granted: &str, wanted: &str) -> bool {
    of_resource(wanted).into_iter().all(|scope| is_granted(granted, scope))
}

/// What an account may do, and what was asked for and not granted; each in words.
pub fn in_words(granted: &str, asked: &[&str]) -> (Vec<String>, Vec<String>) {
    let words = |scope: &str| match scope {
        "offline_access" => Some("stay signed in while nobody is here (offline_access)"),
        "User.Read" => Some("see who is signed in (User.Read)"),
        MAIL => Some("read this mailbox and mark its mail (Mail.ReadWrite)"),
        SHARED => Some("read and mark mail of shared mailboxes (Mail.ReadWrite.Shared)"),
        SEND => Some("send mail from this mailbox (Mail.Send)"),
        SEND_SHARED => Some("send mail from shared mailboxes (Mail.Send.Shared)"),
        _ => None,
    };
    let (mut have, mut lack) = (Vec::new(), Vec::new());
    for scope in asked {
        let Some(words) = words(scope) else { continue };
        // Microsoft's answer never lists `offline_access`. An account that is kept has it: without a refresh token the
        // sign-in is refused.
        let is_there = *scope == "offline_access" && !granted.is_empty();
        let to = if is_there || is_granted(granted, scope) { &mut have } else { &mut lack };
        to.push(words.to_owned());
    }
    (have, lack)
}

/// Which part of Postroom will not work without what was asked for and not granted; empty when all will.
pub fn consequences(granted: &str, wanted: &[&str]) -> Vec<&'static str> {
    let lacks = |scope: &str| wanted.contains(&scope) && !is_granted(granted, scope);
    let mut lost = Vec::new();
    if lacks(MAIL) && !is_granted(granted, SHARED) {
        lost.push("No mail can be read: Mail.ReadWrite was not granted. An administrator of the tenant may have to approve it.");
    }
    if lacks(SHARED) {
        lost.push(
            "Shared mailboxes cannot be read; the account's own can. Mail.ReadWrite.Shared was not granted.",
        );
    }
    if lacks(SEND) {
        lost.push(
            "No mail can be sent, so this account can be no Message Outbound. Mail.Send was not granted.",
        );
    }
    if lacks(SEND_SHARED) {
        lost.push("Mail cannot be sent from shared mailboxes; from the account's own it can. Mail.Send.Shared was not granted.");
    }
    if lacks("User.Read") {
        lost.push("A ping cannot say who is signed in; everything else works. User.Read was not granted.");
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: scopes are compared as Microsoft writes them, and what is missing is said in words.
    #[test]
    fn granted_scopes_are_compared() {
        let granted = "openid profile https://graph.microsoft.com/Mail.ReadWrite user.read";
        assert!(is_granted(granted, "Mail.ReadWrite") && is_granted(granted, "User.Read"));
        assert!(!is_granted(granted, "Mail.ReadWrite.Shared") && !is_granted(granted, "Mail.Read"));
        let (have, lack) = in_words(granted, &asked(true));
        assert_eq!((have.len(), lack.len()), (3, 1), "{have:?} {lack:?}");
        assert!(lack[0].contains("Mail.ReadWrite.Shared"), "{lack:?}");
        assert!(
            are_granted(granted, &asked(false).join(" ")) && !are_granted(granted, &asked(true).join(" "))
        );
    }

    /// Promise: each permission that is missing names the part of Postroom that will not work, and no other.
    #[test]
    fn a_partial_grant_says_what_will_not_work() {
        let all = asked_to_send(true);
        assert!(consequences(&all.join(" "), &all).is_empty());
        for (missing, word) in [
            (MAIL, "Message"),
            (SHARED, "Shared mailboxes cannot be read"),
            (SEND, "No mail can be sent"),
            (SEND_SHARED, "cannot be sent from shared"),
            ("User.Read", "who is signed in"),
        ] {
            let granted: Vec<&str> = all.iter().copied().filter(|scope| *scope != missing).collect();
            let lost = consequences(&granted.join(" "), &all);
            if missing == MAIL {
                // Rights on the shared one cover one's own mailbox too.
                assert!(lost.is_empty(), "{lost:?}");
                continue;
            }
            assert_eq!(lost.len(), 1, "{missing}: {lost:?}");
            assert!(lost[0].contains(word), "{missing}: {lost:?}");
        }
        assert_eq!(consequences("openid Mail.Read", &asked(false)).len(), 2);
        assert!(consequences("openid User.Read Mail.ReadWrite", &asked(false)).is_empty());
    }

    /// Promise: what was granted is asked for again at every refresh, and nothing more.
    #[test]
    fn a_refresh_asks_for_what_was_granted() {
        let again = asked_again("openid https://graph.microsoft.com/Mail.Send Mail.ReadWrite");
        assert!(
            again.contains(&SEND) && !again.contains(&SHARED) && !again.contains(&SEND_SHARED),
            "{again:?}"
        );
        assert_eq!(asked_again(&asked_to_send(true).join(" ")), asked_to_send(true));
        assert_eq!(of_resource(&asked(false).join(" ")), ["User.Read", "Mail.ReadWrite"]);
    }
}
