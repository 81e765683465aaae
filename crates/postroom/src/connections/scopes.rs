//! Which permissions a sign-in asks for, and what each of them is for in words.
//!
//! Sources: Microsoft identity platform, "Scopes and permissions" and "OpenID Connect scopes"; Microsoft Graph permissions
//! reference.

/// Asked for at every sign-in.
///
/// - `openid` gives the id_token and binds the nonce; `profile` puts `oid` and `preferred_username` into it; `email` the
///   address where it is another one;
/// - `offline_access` gives the refresh token, without which a source would stop after an hour;
/// - `User.Read` answers *who am I* in a ping;
/// - `Mail.ReadWrite` reads the mail and marks it when it is handled. Many tenants let only an administrator grant it.
pub const SIGN_IN: [&str; 6] =
    ["openid", "profile", "email", "offline_access", "User.Read", "Mail.ReadWrite"];

/// Asked for on top where a mailbox of somebody else (a shared one) is to be read. Not asked for otherwise: it opens every
/// mailbox that the person has rights on.
pub const SHARED: &str = "Mail.ReadWrite.Shared";

/// What a sign-in asks for.
pub fn asked(shared: bool) -> Vec<&'static str> {
    SIGN_IN.into_iter().chain(shared.then_some(SHARED)).collect()
}

/// Whether `scope` is among those granted. Microsoft answers with or without the resource in front, in any case of letters.
pub fn is_granted(granted: &str, scope: &str) -> bool {
    granted.split_ascii_whitespace().any(|have| {
        let have = have.rsplit('/').next().unwrap_or(have);
        have.eq_ignore_ascii_case(scope)
    })
}

/// What an account may do, and what was asked for and not granted; each in words.
pub fn in_words(granted: &str, asked: &[&str]) -> (Vec<String>, Vec<String>) {
    let words = |scope: &str| match scope {
        "offline_access" => Some("stay signed in while nobody is here (offline_access)"),
        "User.Read" => Some("see who is signed in (User.Read)"),
        "Mail.ReadWrite" => Some("read this mailbox and mark its mail (Mail.ReadWrite)"),
        SHARED => Some("read and mark mail of shared mailboxes (Mail.ReadWrite.Shared)"),
        _ => None,
    };
    let (mut have, mut lack) = (Vec::new(), Vec::new());
    for scope in asked {
        let Some(words) = words(scope) else { continue };
        // Microsoft's answer never lists `offline_access`. An account that is kept has it: without a refresh token the
        // sign-in is refused.
        let to = if *scope == "offline_access" || is_granted(granted, scope) { &mut have } else { &mut lack };
        to.push(words.to_owned());
    }
    (have, lack)
}

/// What will not work without a scope that was asked for and not granted; empty when all will.
pub fn consequences(granted: &str) -> Vec<&'static str> {
    let mut lost = Vec::new();
    if !is_granted(granted, "Mail.ReadWrite") && !is_granted(granted, SHARED) {
        lost.push("No mail can be read: Mail.ReadWrite was not granted. An administrator of the tenant may have to approve it.");
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
        assert!(consequences(granted).is_empty());
        assert_eq!(consequences("openid Mail.Read").len(), 1);
    }
}
