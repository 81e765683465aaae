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

/// Those of [`BASIC`] that are OpenID Connect's and of no API. They are consented to like the others: an administrator's link names
/// them, or whoever may consent to nothing is stopped at them afterwards (Microsoft identity platform, admin consent: `scope`).
pub fn of_openid<'a>() -> impl Iterator<Item = &'a str> {
    BASIC.into_iter().filter(|scope: &&'a str| !scope.contains('.'))
}

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

/// The permission to read and send over Exchange Web Services, in all mailboxes that the person has rights on; with its resource in
/// front, since it is none of Graph.
const EWS: &str = "EWS.AccessAsUser.All";

/// Whether a scope is that of EWS, on whatever server.
pub fn is_ews(scope: &str) -> bool {
    scope.rsplit_once('/').is_some_and(|(_, name)| name.eq_ignore_ascii_case(EWS))
}

/// The scopes of EWS among these, one a server.
pub fn of_ews(scopes: &str) -> Vec<&str> {
    scopes.split_ascii_whitespace().filter(|scope| is_ews(scope)).collect()
}

/// What a sign-in asks for that shall read or send over EWS alone: one permission of one resource. `User.Read` is one of Graph's, and
/// was asked for before.
pub fn asked_for_ews(ews_scope: &str) -> Vec<&str> {
    BASIC.into_iter().filter(|scope| !scope.contains('.')).chain([ews_scope]).collect()
}

/// What a refresh asks Graph for, given what was granted: one that asks for less may give less, and one that asks for more than
/// was granted is refused. Who was let into EWS alone has no mail in Graph.
pub fn to_refresh(granted: &str) -> Vec<&'static str> {
    let has_mail = of_ews(granted).is_empty() || is_granted(granted, MAIL);
    let more = [SHARED, SEND, SEND_SHARED].into_iter().filter(|scope| is_granted(granted, scope));
    BASIC.into_iter().chain(has_mail.then_some(MAIL)).chain(more).collect()
}

/// What a sign-in asks for again, given what was granted or wanted before: of Graph and of EWS.
pub fn asked_again(before: &str) -> Vec<&str> {
    let ews = of_ews(before);
    if ews.is_empty() || is_granted(before, MAIL) {
        return to_refresh(before).into_iter().chain(ews).collect();
    }
    let mut asked: Vec<&str> = of_openid().collect();
    asked.extend(ews);
    asked
}

/// A token is for one resource: of what a sign-in asks for, what its code is redeemed for. Graph, where mail of Graph is among it; the
/// rest was consented to at the same page, and is asked for with the refresh token.
pub fn of_one_resource<'a>(asked: &[&'a str]) -> Vec<&'a str> {
    let is_graph = |scope: &&'a str| !is_ews(scope);
    if asked.iter().any(|scope| is_graph(scope) && scope.contains('.')) {
        return asked.iter().copied().filter(is_graph).collect();
    }
    let first = asked.iter().copied().find(|scope| is_ews(scope));
    asked.iter().copied().filter(|scope| is_graph(scope) || Some(*scope) == first).collect()
}

/// What an answer granted, in the words in which it was asked for where these name an EWS: the answer may name its resource by
/// another of its names.
pub fn as_asked(answered: &[String], asked: &[&str]) -> String {
    let ews = asked.iter().copied().find(|scope| is_ews(scope));
    let named = answered.iter().map(|scope| match ews {
        Some(ews) if is_ews(scope) || scope.eq_ignore_ascii_case(EWS) => ews,
        _ => scope.as_str(),
    });
    named.collect::<Vec<_>>().join(" ")
}

/// What is known of an account's scopes after more was learned: of each resource that `learned` speaks of what it says, of the
/// others what was known.
pub fn merged(known: &str, learned: &str) -> String {
    let speaks_of_graph = learned.split_ascii_whitespace().any(|scope| scope.contains('.') && !is_ews(scope));
    let (graph, ews): (Vec<&str>, Vec<&str>) =
        known.split_ascii_whitespace().partition(|scope| !is_ews(scope));
    let mut all: Vec<&str> = learned.split_ascii_whitespace().collect();
    let kept = ews.into_iter().chain(graph.into_iter().filter(|_| !speaks_of_graph));
    for scope in kept {
        if !all.iter().any(|own| own.eq_ignore_ascii_case(scope)) {
            all.push(scope);
        }
    }
    all.join(" ")
}

/// Whether mail can be read with what was granted, over Graph or over EWS.
pub fn reads_mail(granted: &str) -> bool {
    is_granted(granted, MAIL) || is_granted(granted, SHARED) || !of_ews(granted).is_empty()
}

/// What is asked for from now on, after what was waited for is given up: of `waited` only what was granted all the same, or what is waited
/// for in `others`.
pub fn given_up(wanted: &str, waited: &str, granted: &str, others: &str) -> String {
    let is_over = |scope: &str| {
        scope.contains('.')
            && is_granted(waited, scope)
            && !is_granted(granted, scope)
            && !is_granted(others, scope)
    };
    let kept: Vec<&str> = wanted.split_ascii_whitespace().filter(|scope| !is_over(scope)).collect();
    kept.join(" ")
}

/// The permissions among the scopes, without those of OpenID Connect.
pub fn of_resource(scopes: &str) -> Vec<&str> {
    scopes.split_ascii_whitespace().filter(|scope| scope.contains('.')).collect()
}

/// Whether `scope` is among those granted. Microsoft answers with or without the resource in front, in any case of letters.
pub fn is_granted(granted: &str, scope: &str) -> bool {
    if is_ews(scope) {
        // One server's is not another's.
        return granted.split_ascii_whitespace().any(|have| have.eq_ignore_ascii_case(scope));
    }
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
        _ if is_ews(scope) => {
            Some("read and send mail over EWS, also of shared mailboxes (EWS.AccessAsUser.All)")
        }
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
    // A mail is sent from its draft, and to make one is to write into the mailbox.
    let (sends, sends_shared) = (wanted.contains(&SEND), wanted.contains(&SEND_SHARED));
    let reads_own = is_granted(granted, MAIL) || is_granted(granted, SHARED);
    let mut lost = Vec::new();
    if lacks(MAIL) && !reads_own {
        lost.push(if sends || sends_shared {
            "No mail can be read, and none be sent, since a mail is sent from its draft: Mail.ReadWrite was not granted. An \
             administrator of the tenant may have to approve it."
        } else {
            "No mail can be read: Mail.ReadWrite was not granted. An administrator of the tenant may have to approve it."
        });
    }
    if lacks(SHARED) {
        lost.push(match (sends_shared, reads_own) {
            (false, true) => {
                "Shared mailboxes cannot be read; the account's own can. Mail.ReadWrite.Shared was not granted."
            }
            (false, false) => "Shared mailboxes cannot be read. Mail.ReadWrite.Shared was not granted.",
            (true, true) => {
                "Shared mailboxes cannot be read, and no mail be sent from them, since it is sent from its draft; the account's own \
                 can. Mail.ReadWrite.Shared was not granted."
            }
            (true, false) => {
                "Shared mailboxes cannot be read, and no mail be sent from them, since it is sent from its draft. \
                 Mail.ReadWrite.Shared was not granted."
            }
        });
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
    if wanted.iter().any(|scope| is_ews(scope) && !is_granted(granted, scope)) {
        lost.push("Nothing can be read or sent over EWS: EWS.AccessAsUser.All was not granted. An administrator of the tenant has to approve it.");
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
        let without = |asked: &[&'static str], missing: &[&str]| {
            let granted: Vec<&str> = asked.iter().copied().filter(|scope| !missing.contains(scope)).collect();
            consequences(&granted.join(" "), asked)
        };
        let (own, read, read_shared) = (asked_to_send(false), asked(false), asked(true));
        for (asked, missing, words) in [
            // Rights on the shared one cover one's own mailbox too.
            (&all, vec![MAIL], vec![]),
            (&own, vec![MAIL], vec!["No mail can be read, and none be sent"]),
            (&read, vec![MAIL], vec!["No mail can be read: Mail.ReadWrite"]),
            (
                &all,
                vec![MAIL, SHARED],
                vec![
                    "No mail can be read, and none be sent",
                    "Shared mailboxes cannot be read, and no mail be sent from them",
                ],
            ),
            (
                &all,
                vec![SHARED],
                vec!["no mail be sent from them, since it is sent from its draft; the account's own can"],
            ),
            (&read_shared, vec![SHARED], vec!["Shared mailboxes cannot be read; the account's own can"]),
            (
                &read_shared,
                vec![MAIL, SHARED],
                vec!["No mail can be read: ", "Shared mailboxes cannot be read. "],
            ),
            (&own, vec![SEND], vec!["No mail can be sent, so this account can be no Message Outbound"]),
            (&all, vec![SEND_SHARED], vec!["cannot be sent from shared"]),
            (&all, vec!["User.Read"], vec!["who is signed in"]),
        ] {
            let lost = without(asked, &missing);
            assert_eq!(lost.len(), words.len(), "{missing:?}: {lost:?}");
            for (lost, word) in lost.iter().zip(words) {
                assert!(lost.contains(word), "{missing:?}: {lost}");
            }
        }
        assert_eq!(consequences("openid Mail.Read", &read).len(), 2);
        assert!(consequences("openid User.Read Mail.ReadWrite", &asked(false)).is_empty());
    }

    /// Promise: what was waited for and given up is asked for no more; what was granted, or is waited for otherwise, is.
    #[test]
    fn what_is_given_up_is_asked_for_no_more() {
        let wanted = format!("{} {ONLINE}", asked_to_send(true).join(" "));
        let granted = "openid User.Read Mail.ReadWrite";
        let kept = given_up(&wanted, &asked_to_send(true).join(" "), granted, SEND);
        assert_eq!(kept, format!("{} Mail.Send {ONLINE}", asked(false).join(" ")));
        assert_eq!(asked_again(&given_up(&kept, ONLINE, granted, "")), asked_to_send(false));
        assert!(reads_mail(granted) && reads_mail(ONLINE) && !reads_mail("openid User.Read Mail.Send"));
    }

    /// Promise: what was granted is asked for again at every refresh, and nothing more.
    #[test]
    fn a_refresh_asks_for_what_was_granted() {
        let again = to_refresh("openid https://graph.microsoft.com/Mail.Send Mail.ReadWrite");
        assert!(
            again.contains(&SEND) && !again.contains(&SHARED) && !again.contains(&SEND_SHARED),
            "{again:?}"
        );
        assert_eq!(asked_again(&asked_to_send(true).join(" ")), asked_to_send(true));
        assert_eq!(of_resource(&asked(false).join(" ")), ["User.Read", "Mail.ReadWrite"]);
    }

    const ONLINE: &str = "https://outlook.office365.com/EWS.AccessAsUser.All";
    const OWN: &str = "https://mail.contoso.test/EWS.AccessAsUser.All";

    /// Promise: who was let into EWS alone is never asked for mail of Graph, neither at a refresh nor at the next sign-in.
    #[test]
    fn ews_alone_stays_alone() {
        let granted = format!("openid User.Read {ONLINE}");
        assert_eq!(to_refresh(&granted), BASIC);
        assert_eq!(asked_again(&granted), asked_for_ews(ONLINE));
        assert!(!asked_for_ews(ONLINE).contains(&"User.Read"), "one resource");
        let both = format!("{granted} Mail.ReadWrite Mail.Send");
        assert_eq!(to_refresh(&both), asked_to_send(false));
        assert!(asked_again(&both).contains(&ONLINE) && asked_again(&both).contains(&SEND));
    }

    /// Promise: one token is asked for one resource, and the code goes to Graph where mail of Graph is wanted too.
    #[test]
    fn a_token_is_for_one_resource() {
        let both: Vec<&str> = asked(false).into_iter().chain([ONLINE, OWN]).collect();
        assert_eq!(of_one_resource(&both), asked(false));
        assert_eq!(of_one_resource(&asked_for_ews(ONLINE)), asked_for_ews(ONLINE));
        let two: Vec<&str> = asked_for_ews(ONLINE).into_iter().chain([OWN]).collect();
        assert_eq!(of_one_resource(&two), asked_for_ews(ONLINE));
    }

    /// Promise: what is learned of one resource leaves what is known of another; one server's EWS is not another's.
    #[test]
    fn resources_do_not_mix() {
        let known = format!("openid Mail.ReadWrite Mail.Send {ONLINE}");
        let refreshed = merged(&known, "openid User.Read Mail.ReadWrite");
        assert!(is_granted(&refreshed, ONLINE) && !is_granted(&refreshed, SEND), "{refreshed}");
        let answer = ["https://outlook.office.com/EWS.AccessAsUser.All".to_owned()];
        let learned = merged(&known, &as_asked(&answer, &asked_for_ews(OWN)));
        assert!(
            is_granted(&learned, OWN) && is_granted(&learned, ONLINE) && is_granted(&learned, SEND),
            "{learned}"
        );
        assert!(!is_granted(&known, OWN) && are_granted(&known, ONLINE) && !are_granted(&known, OWN));
        assert_eq!(merged(&learned, &learned), learned);
        assert_eq!(consequences("openid", &asked_for_ews(OWN)).len(), 1);
    }
}
