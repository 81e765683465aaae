//! Who calls, and whether he may: bearer tokens, scopes, whose mailbox.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use jiff::Timestamp;

use super::answer::Refusal;
use crate::entra::grants::{Access, Grants, Refused};
use crate::entra::scopes::Resource;
use crate::exchange::Exchange;
use crate::exchange::mailbox::Mailbox;
use crate::fences::Reach;
use crate::tenant::User;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Read,
    Write,
    Send,
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn challenge(base: &str, error: &str) -> String {
    format!(
        "Bearer realm=\"\", authorization_uri=\"{base}/common/oauth2/v2.0/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"{error}"
    )
}

/// What the token allows, or the 401 that Graph answers.
pub(crate) fn check(
    grants: &Grants,
    headers: &HeaderMap,
    login: &str,
    now: Timestamp,
) -> Result<Arc<Access>, Refusal> {
    let refuse = |message: &str, error: &str| {
        Refusal::new(401, "InvalidAuthenticationToken", message)
            .with("www-authenticate", challenge(login, error))
    };
    let Some(token) = bearer(headers) else { return Err(refuse("Access token is empty.", "")) };
    if let Some(claims) = grants.challenge(token, now) {
        let error = format!(", error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(claims));
        let message = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenCreatedWithOutdatedPolicies";
        return Err(refuse(message, &error));
    }
    match grants.access(token, now) {
        Ok(access) if access.resource == Resource::Graph => Ok(access),
        Ok(_) => {
            Err(refuse("Access token validation failure. Invalid audience.", ", error=\"invalid_token\""))
        }
        Err(Refused::Expired) => {
            Err(refuse("Lifetime validation failed, the token is expired.", ", error=\"invalid_token\""))
        }
        Err(Refused::Revoked) => Err(refuse(
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            ", error=\"invalid_token\"",
        )),
        Err(Refused::Unknown) if token.split('.').count() == 3 => {
            Err(refuse("Signing key is invalid.", ", error=\"invalid_token\""))
        }
        Err(Refused::Unknown) => Err(refuse(
            "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE Compact Serialization Format.",
            ", error=\"invalid_token\"",
        )),
    }
}

/// The user whom a path means: the signed-in one for `me`.
pub(crate) fn user<'a>(
    exchange: &'a Exchange,
    access: &Access,
    who: Option<&str>,
) -> Result<&'a User, Refusal> {
    match who {
        None => {
            let Some(user) = access.user else {
                return Err(Refusal::bad("/me request is only valid with delegated authentication flow."));
            };
            exchange.tenant.user_by_oid(user).ok_or_else(|| no_user(&user.to_string()))
        }
        Some(who) => {
            let user = exchange.tenant.user(who).filter(|user| user.tenant == access.tenant);
            user.ok_or_else(|| no_user(who))
        }
    }
}

fn no_user(who: &str) -> Refusal {
    Refusal::new(404, "ErrorInvalidUser", format!("The requested user '{who}' is invalid."))
}

/// The mailbox of a path, if the caller may do there what he wants.
pub(crate) fn mailbox<'a>(
    exchange: &'a Exchange,
    access: &Access,
    who: Option<&str>,
    need: Need,
) -> Result<&'a Arc<Mailbox>, Refusal> {
    let owner = user(exchange, access, who)?;
    let is_own = access.user == Some(owner.oid);
    let names: &[&str] = match (need, access.user.is_none(), is_own) {
        (Need::Read, true, _) => &["Mail.Read", "Mail.ReadWrite"],
        (Need::Write, true, _) => &["Mail.ReadWrite"],
        (Need::Send, true, _) => &["Mail.Send"],
        (Need::Read, false, true) => {
            &["Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared"]
        }
        (Need::Write, false, true) => &["Mail.ReadWrite", "Mail.ReadWrite.Shared"],
        (Need::Send, false, true) => &["Mail.Send", "Mail.Send.Shared"],
        (Need::Read, false, false) => &["Mail.Read.Shared", "Mail.ReadWrite.Shared"],
        (Need::Write, false, false) => &["Mail.ReadWrite.Shared"],
        (Need::Send, false, false) => &["Mail.Send.Shared"],
    };
    if access.user.is_none() {
        let app = (access.tenant, &*access.client_id);
        let now = exchange.core.now();
        match exchange.tenant.fences.reach(app, &owner.upn, names, &access.scopes, now) {
            Reach::Granted => {}
            Reach::Denied => return Err(Refusal::denied()),
            Reach::Restricted => {
                return Err(Refusal::new(403, "ErrorAccessDenied", "Access to OData is disabled."));
            }
        }
    } else if !names.iter().any(|name| access.scopes.contains(*name)) {
        return Err(Refusal::denied());
    }
    if !is_own && let Some(caller) = access.user {
        let caller = exchange.tenant.user_by_oid(caller).ok_or_else(Refusal::denied)?;
        if !exchange.tenant.has_access(caller, &owner.upn) {
            return Err(Refusal::denied());
        }
    }
    exchange.mailbox(&owner.upn).ok_or_else(|| {
        Refusal::new(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    })
}
