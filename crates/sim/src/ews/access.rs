//! Who calls, and in whose name: bearer tokens, what the tenant's policy says, impersonation, rights on mailboxes.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use jiff::Timestamp;

use super::answer::{Fault, Refusal, plain};
use super::levers::Levers;
use super::xml::{Node, Ns};
use crate::entra::grants::{Access, Grants, Refused};
use crate::entra::scopes::Resource;
use crate::exchange::Exchange;
use crate::exchange::mailbox::Mailbox;
use crate::fences::{Kind, Reach};
use crate::tenant::{Tenant, User};

/// The scope of users' tokens.
const DELEGATED: &str = "EWS.AccessAsUser.All";
/// The application permission.
pub(crate) const APPLICATION: &str = "full_access_as_app";

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// A 401 with what Exchange tells in its headers: number, reason and category of the fault.
fn unauthorized(login: &str, why: Option<(u32, &str, &str)>) -> Response<Bytes> {
    let mut challenge = format!(
        "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", token_types=\"app_asserted_user_v1 service_asserted_app_v1\", authorization_uri=\"{login}/common/oauth2/authorize\""
    );
    let mut headers = Vec::new();
    if let Some((number, reason, category)) = why {
        challenge.push_str(", error=\"invalid_token\"");
        headers.push((
            "x-ms-diagnostics",
            format!("{number};reason=\"{reason}\";error_category=\"{category}\""),
        ));
    }
    headers.push(("www-authenticate", challenge));
    headers.push(("content-length", "0".to_owned()));
    plain(StatusCode::UNAUTHORIZED, &headers)
}

/// The 401 of continuous access evaluation: what the next token has to carry (Entra, claims challenges).
fn challenged(login: &str, claims: &str) -> Response<Bytes> {
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{login}/common/oauth2/authorize\", client_id=\"00000002-0000-0ff1-ce00-000000000000\", error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(claims)
    );
    let headers = [("www-authenticate", challenge), ("content-length", "0".to_owned())];
    plain(StatusCode::UNAUTHORIZED, &headers)
}

/// Whether Exchange itself has given the app a role for EWS, on whatever mailboxes.
fn is_assigned(tenant: &Tenant, access: &Access) -> bool {
    tenant.fences.list().iter().any(|fence| {
        (fence.tenant, fence.client_id.as_str()) == (access.tenant, &*access.client_id)
            && matches!(&fence.kind, Kind::Rbac { roles } if roles.contains("Application EWS.AccessAsApp"))
    })
}

/// What the token allows, or the 401 that Exchange answers.
pub(crate) fn check(
    grants: &Grants,
    tenant: &Tenant,
    headers: &HeaderMap,
    login: &str,
    now: Timestamp,
) -> Result<Arc<Access>, Box<Response<Bytes>>> {
    let refuse = |why| Err(Box::new(unauthorized(login, why)));
    let Some(token) = bearer(headers) else { return refuse(None) };
    if let Some(claims) = grants.challenge(token, now) {
        return Err(Box::new(challenged(login, &claims)));
    }
    let access = match grants.access(token, now) {
        Ok(access) => access,
        Err(Refused::Expired) => {
            return refuse(Some((2_000_002, "The token has expired.", "token_expired")));
        }
        Err(Refused::Revoked) => {
            return refuse(Some((
                2_000_001,
                "The token was issued before the sessions of the user were revoked.",
                "invalid_token",
            )));
        }
        Err(Refused::Unknown) if token.split('.').count() == 3 => {
            return refuse(Some((2_000_000, "The token has an invalid signature.", "invalid_signature")));
        }
        Err(Refused::Unknown) => {
            return refuse(Some((2_000_001, "The token is malformed.", "invalid_token")));
        }
    };
    if access.resource != Resource::Exchange {
        return refuse(Some((2_000_003, "The audience claim value is invalid 'aud'.", "invalid_resource")));
    }
    let is_let_in = match access.user {
        Some(_) => access.scopes.contains(DELEGATED),
        // What a role assignment of Exchange grants stands in no token.
        None => access.scopes.contains(APPLICATION) || is_assigned(tenant, &access),
    };
    if !is_let_in {
        return refuse(Some((
            2_000_008,
            "The token contains no permissions, or permissions can not be understood.",
            "invalid_grant",
        )));
    }
    if let Some(oid) = access.user
        && tenant.user_by_oid(oid).is_none_or(|user| !user.mailbox)
    {
        return refuse(Some((
            2_000_005,
            "The user specified by the user-context in the token does not exist.",
            "invalid_user",
        )));
    }
    Ok(access)
}

/// The 403 of the tenant's policy, if it bars this app or this mailbox.
pub(crate) fn policy(levers: &Levers, client_id: &str, mailbox: Option<&str>) -> Option<Response<Bytes>> {
    let reason = levers.barred(client_id, mailbox)?;
    Some(plain(
        StatusCode::FORBIDDEN,
        &[("x-ews-policy-reason", reason.to_owned()), ("content-length", "0".to_owned())],
    ))
}

/// In whose name a request works.
pub(crate) struct Actor<'a> {
    /// The signed-in user, or the one that the app impersonates.
    pub(crate) user: &'a User,
    pub(crate) mailbox: &'a Arc<Mailbox>,
    /// Whether the app acts by its own permission.
    pub(crate) is_app: bool,
}

/// The user whom the header of an app's request impersonates, or the caller.
pub(crate) fn actor<'a>(
    exchange: &'a Exchange,
    access: &Access,
    header: Option<&Node>,
) -> Result<Actor<'a>, Fault> {
    let wish = header
        .and_then(|header| header.children.iter().find(|child| child.is(Ns::Types, "ExchangeImpersonation")));
    let own = access.user.and_then(|oid| exchange.tenant.user_by_oid(oid));
    let Some(wish) = wish else {
        let Some(user) = own else {
            return Err(Fault::new(
                "ErrorImpersonationRequired",
                "ExchangeImpersonation SOAP header must be present for this type of OAuth token.",
            ));
        };
        let mailbox = exchange.mailbox(&user.upn).ok_or_else(Refusal::no_mailbox)?;
        return Ok(Actor { user, mailbox, is_app: false });
    };
    let who = wish
        .child("ConnectingSID")
        .and_then(|sid| sid.children.first())
        .map(|who| (who.name.as_str(), who.text.trim()))
        .unwrap_or_default();
    let user = match who {
        ("SID" | "", _) => {
            return Err(Fault::new(
                "ErrorInvalidExchangeImpersonationHeaderData",
                "The Exchange impersonation header data is invalid.",
            ));
        }
        (_, name) if name.contains('@') => {
            exchange.tenant.user(name).or_else(|| exchange.tenant.user(&Tenant::own_address(name)?))
        }
        _ => None,
    };
    let user = user.filter(|user| user.mailbox && user.tenant == access.tenant);
    let user = user.ok_or_else(Refusal::no_mailbox)?;
    if own.is_none() {
        let app = (access.tenant, &*access.client_id);
        let needed = &[APPLICATION, "EWS.AccessAsApp"];
        let now = exchange.core.now();
        if exchange.tenant.fences.reach(app, &user.upn, needed, &access.scopes, now) != Reach::Granted {
            return Err(Fault::new(
                "ErrorImpersonateUserDenied",
                "The account does not have permission to impersonate the requested user.",
            ));
        }
    }
    if own.is_some_and(|own| own.oid != user.oid) {
        return Err(Fault::new(
            "ErrorImpersonateUserDenied",
            "The account does not have permission to impersonate the requested user.",
        ));
    }
    let mailbox = exchange.mailbox(&user.upn).ok_or_else(Refusal::no_mailbox)?;
    Ok(Actor { user, mailbox, is_app: access.user.is_none() })
}

/// Whether `X-AnchorMailbox` leads to the server of the mailbox that is worked in: it names it by one of its addresses.
pub(crate) fn leads_to(anchor: Option<&str>, user: &User) -> bool {
    let Some(anchor) = anchor.map(str::trim) else { return false };
    let address = anchor
        .split_once("SMTP:")
        .or_else(|| anchor.split_once("UPN:"))
        .map_or(anchor, |(_, address)| address);
    user.upn.eq_ignore_ascii_case(address)
}

/// Whether an actor may read and write in a mailbox.
pub(crate) fn may_enter(exchange: &Exchange, actor: &Actor<'_>, mailbox: &Mailbox) -> bool {
    exchange.tenant.has_access(actor.user, &mailbox.upn)
}

/// Another mailbox by an address.
pub(crate) fn mailbox_of<'a>(
    exchange: &'a Exchange,
    actor: &Actor<'a>,
    address: &str,
) -> Result<&'a Arc<Mailbox>, Refusal> {
    let Some(found) = exchange.mailbox(address).filter(|_| address.contains('@')) else {
        let primary = Tenant::own_address(address).filter(|own| exchange.mailbox(own).is_some());
        return Err(match primary {
            Some(primary) => {
                let mut refusal = Refusal::new(
                    "ErrorNonPrimarySmtpAddress",
                    "The primary SMTP address must be specified when referencing a mailbox.",
                );
                refusal.detail =
                    format!("<t:Value Name=\"Primary\">{}</t:Value>", super::xml::escape(&primary));
                refusal
            }
            None => Refusal::no_mailbox(),
        });
    };
    if may_enter(exchange, actor, found) { Ok(found) } else { Err(Refusal::denied()) }
}
