//! What the tenant has given out and remembers: consents, codes, refresh tokens, access tokens, and what was revoked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::errors::TokenError;
use super::scopes::Resource;

/// How long a code lives.
pub(crate) const CODE_LIVES: SignedDuration = SignedDuration::from_mins(10);
/// How long a refresh token may lie idle.
const REFRESH_IDLE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Used codes and expired access tokens that are remembered before they are swept.
const SWEEP_AT: usize = 10_000;

/// An access token's meaning.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The user; none for the app itself.
    pub(crate) user: Option<Uuid>,
    pub(crate) client_id: Arc<str>,
    pub(crate) resource: Resource,
    /// Scopes of a user's token, application permissions of the app's.
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
}

/// Why an access token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    Expired,
    Revoked,
}

/// An authorization code's meaning.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) user: Uuid,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<(String, Method)>,
    pub(crate) issued: Timestamp,
    pub(crate) used: bool,
}

/// How a challenge was made of its verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Plain,
    S256,
}

#[derive(Clone, Debug)]
struct Refresh {
    user: Uuid,
    client_id: String,
    issued: Timestamp,
    used: Timestamp,
}

#[derive(Default)]
struct Inner {
    /// User (none: everybody in the tenant) and client id → scopes.
    consents: BTreeMap<(Option<Uuid>, String), BTreeSet<String>>,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Arc<Access>>,
    /// Grants of the user from before this moment are void.
    valid_from: HashMap<Uuid, Timestamp>,
    access_tokens_too: BTreeSet<Uuid>,
    /// What sign-in and refresh of a user (none: everybody) are refused with.
    refusals: BTreeMap<Option<Uuid>, TokenError>,
}

/// Everything given out.
#[derive(Default)]
pub(crate) struct Grants(Mutex<Inner>);

impl Grants {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scopes that a user, or the whole tenant, has consented to.
    pub(crate) fn consented(&self, user: Uuid, client_id: &str) -> BTreeSet<String> {
        let inner = self.lock();
        let of = |user| inner.consents.get(&(user, client_id.to_owned())).cloned().unwrap_or_default();
        of(Some(user)).union(&of(None)).cloned().collect()
    }

    /// Remembers a consent, of a user or (none) of the tenant.
    pub(crate) fn consent(
        &self,
        user: Option<Uuid>,
        client_id: &str,
        scopes: impl IntoIterator<Item = String>,
    ) {
        self.lock().consents.entry((user, client_id.to_owned())).or_default().extend(scopes);
    }

    /// Forgets all consents to an app.
    pub(crate) fn forget_consents(&self, client_id: &str) {
        self.lock().consents.retain(|(_, own), _| own != client_id);
    }

    pub(crate) fn keep_code(&self, text: String, code: Code) {
        let mut inner = self.lock();
        if inner.codes.len() >= SWEEP_AT {
            let oldest = code.issued - CODE_LIVES - CODE_LIVES;
            inner.codes.retain(|_, code| code.issued > oldest);
        }
        inner.codes.insert(text, code);
    }

    /// Looks a code up without using it.
    pub(crate) fn code(&self, text: &str) -> Option<Code> {
        self.lock().codes.get(text).cloned()
    }

    /// Uses a code; false when it has been used already.
    pub(crate) fn use_code(&self, text: &str) -> bool {
        match self.lock().codes.get_mut(text) {
            Some(code) => !std::mem::replace(&mut code.used, true),
            None => false,
        }
    }

    pub(crate) fn keep_refresh(&self, text: String, user: Uuid, client_id: &str, now: Timestamp) {
        self.lock()
            .refresh
            .insert(text, Refresh { user, client_id: client_id.to_owned(), issued: now, used: now });
    }

    /// The user of a refresh token that is still good. Tokens stay good when they are exchanged.
    pub(crate) fn refresh(&self, text: &str, client_id: &str, now: Timestamp) -> Result<Uuid, TokenError> {
        let mut inner = self.lock();
        let Some(token) = inner.refresh.get(text).cloned() else {
            return Err(TokenError::of(70_000).suberror("bad_token"));
        };
        if !token.client_id.eq_ignore_ascii_case(client_id) {
            return Err(TokenError::of(70_000).suberror("client_mismatch"));
        }
        if let Some(from) = inner.valid_from.get(&token.user)
            && token.issued <= *from
        {
            let text = format!(
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{}'.",
                token.issued.strftime("%Y-%m-%dT%H:%M:%S%.7fZ"),
                from.strftime("%Y-%m-%dT%H:%M:%S%.7fZ"),
            );
            return Err(TokenError::of(50_173).saying(&text).suberror("bad_token"));
        }
        if now.duration_since(token.used) > REFRESH_IDLE {
            let text = format!(
                "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for 90.00:00:00.",
                token.issued.strftime("%Y-%m-%dT%H:%M:%S%.7fZ"),
            );
            return Err(TokenError::of(700_082).saying(&text).suberror("token_expired"));
        }
        if let Some(token) = inner.refresh.get_mut(text) {
            token.used = now;
        }
        Ok(token.user)
    }

    pub(crate) fn keep_access(&self, text: String, access: Access) {
        let mut inner = self.lock();
        if inner.access.len() >= SWEEP_AT {
            let now = access.issued;
            inner.access.retain(|_, access| access.expires > now);
        }
        inner.access.insert(text, Arc::new(access));
    }

    /// What a bearer token allows.
    pub(crate) fn access(&self, text: &str, now: Timestamp) -> Result<Arc<Access>, Refused> {
        let inner = self.lock();
        let access = inner.access.get(text).ok_or(Refused::Unknown)?;
        if access.expires <= now {
            return Err(Refused::Expired);
        }
        if let Some(user) = access.user
            && inner.access_tokens_too.contains(&user)
            && inner.valid_from.get(&user).is_some_and(|from| access.issued <= *from)
        {
            return Err(Refused::Revoked);
        }
        Ok(Arc::clone(access))
    }

    /// Ends every grant of a user that was given until now; with the access tokens, if so wished.
    pub(crate) fn revoke(&self, user: Uuid, now: Timestamp, access_tokens: bool) {
        let mut inner = self.lock();
        inner.valid_from.insert(user, now);
        if access_tokens {
            inner.access_tokens_too.insert(user);
        }
    }

    /// Ends every access token at once, as if it had expired.
    pub(crate) fn expire_access(&self, now: Timestamp) {
        for access in self.lock().access.values_mut() {
            let mut ended = Access::clone(access);
            ended.expires = ended.expires.min(now);
            *access = Arc::new(ended);
        }
    }

    /// Refuses sign-in and refresh of a user, or of everybody, from now on.
    pub(crate) fn refuse(&self, user: Option<Uuid>, error: TokenError) {
        self.lock().refusals.insert(user, error);
    }

    /// What a user is refused with, if so.
    pub(crate) fn refusal(&self, user: Uuid) -> Option<TokenError> {
        let inner = self.lock();
        inner.refusals.get(&Some(user)).or_else(|| inner.refusals.get(&None)).cloned()
    }

    /// Takes back every revocation and refusal.
    pub(crate) fn restore(&self) {
        let mut inner = self.lock();
        inner.valid_from.clear();
        inner.access_tokens_too.clear();
        inner.refusals.clear();
    }
}
