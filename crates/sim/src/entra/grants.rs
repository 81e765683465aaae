//! What the tenants have given out and remember: enterprise applications, consents, codes, refresh tokens, access tokens,
//! and what was revoked.

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
    pub(crate) tenant: Uuid,
    pub(crate) client_id: Arc<str>,
    pub(crate) resource: Resource,
    /// Scopes of a user's token, application permissions of the app's.
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    /// When and how the person proved himself.
    pub(crate) proof: Proof,
    /// Whether the client said that it understands claims challenges (`xms_cc` with `cp1`).
    pub(crate) takes_challenges: bool,
}

/// When and how a person proved who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) at: Timestamp,
    /// With a second factor.
    pub(crate) mfa: bool,
}

/// An app in a tenant: the enterprise application, which the directory calls a service principal.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) object_id: Uuid,
    pub(crate) made: Timestamp,
    pub(crate) enabled: bool,
    /// *Assignment required?*
    pub(crate) assignment_required: bool,
    pub(crate) assigned: BTreeSet<Uuid>,
    /// Application permissions that an administrator has granted.
    pub(crate) roles: BTreeSet<String>,
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
    pub(crate) tenant: Uuid,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<(String, Method)>,
    pub(crate) issued: Timestamp,
    pub(crate) used: bool,
    pub(crate) proof: Proof,
    pub(crate) takes_challenges: bool,
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
    proof: Proof,
}

/// What a refresh token stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) user: Uuid,
    pub(crate) issued: Timestamp,
    pub(crate) proof: Proof,
}

/// What an event in the directory asks of access tokens that were given before it.
#[derive(Clone, Copy, Debug)]
struct Challenge {
    since: Timestamp,
    /// A person has to sign in; otherwise a new token is enough.
    needs_person: bool,
}

#[derive(Default)]
struct Inner {
    /// By tenant and client id.
    principals: BTreeMap<(Uuid, String), Principal>,
    /// Tenant, user (none: everybody in the tenant) and client id → scopes.
    consents: BTreeMap<(Uuid, Option<Uuid>, String), BTreeSet<String>>,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Arc<Access>>,
    /// Grants of the user from before this moment are void.
    valid_from: HashMap<Uuid, Timestamp>,
    access_tokens_too: BTreeSet<Uuid>,
    challenges: HashMap<Uuid, Challenge>,
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

    /// The enterprise application of an app in a tenant.
    pub(crate) fn principal(&self, tenant: Uuid, client_id: &str) -> Option<Principal> {
        self.lock().principals.get(&(tenant, client_id.to_owned())).cloned()
    }

    /// All enterprise applications with tenant and client id.
    pub(crate) fn principals(&self) -> Vec<(Uuid, String, Principal)> {
        let inner = self.lock();
        inner
            .principals
            .iter()
            .map(|((tenant, client), own)| (*tenant, client.clone(), own.clone()))
            .collect()
    }

    /// Changes an enterprise application; false when there is none.
    pub(crate) fn change_principal(
        &self,
        tenant: Uuid,
        client_id: &str,
        change: impl FnOnce(&mut Principal),
    ) -> bool {
        self.lock().principals.get_mut(&(tenant, client_id.to_owned())).map(change).is_some()
    }

    /// Deletes an enterprise application, and with it every consent of its tenant. False when there is none.
    pub(crate) fn delete_principal(&self, tenant: Uuid, client_id: &str) -> bool {
        let mut inner = self.lock();
        inner.consents.retain(|(own, _, client), _| !(*own == tenant && client == client_id));
        inner.principals.remove(&(tenant, client_id.to_owned())).is_some()
    }

    /// Puts every enterprise application back to how one begins.
    pub(crate) fn free_principals(&self) {
        for principal in self.lock().principals.values_mut() {
            principal.enabled = true;
            principal.assignment_required = false;
        }
    }

    /// Makes the enterprise application where there is none yet, as a first consent does.
    pub(crate) fn enroll(&self, tenant: Uuid, client_id: &str, now: Timestamp) {
        self.lock().principals.entry((tenant, client_id.to_owned())).or_insert_with(|| Principal {
            object_id: Uuid::new_v5(&tenant, client_id.as_bytes()),
            made: now,
            enabled: true,
            assignment_required: false,
            assigned: BTreeSet::new(),
            roles: BTreeSet::new(),
        });
    }

    /// The scopes that a user, or the whole tenant, has consented to.
    pub(crate) fn consented(&self, tenant: Uuid, user: Uuid, client_id: &str) -> BTreeSet<String> {
        let inner = self.lock();
        let of =
            |user| inner.consents.get(&(tenant, user, client_id.to_owned())).cloned().unwrap_or_default();
        of(Some(user)).union(&of(None)).cloned().collect()
    }

    /// The consents of a tenant to an app: that of everybody (none) first, then those of users.
    pub(crate) fn consents(&self, tenant: Uuid, client_id: &str) -> Vec<(Option<Uuid>, BTreeSet<String>)> {
        let inner = self.lock();
        let all = inner.consents.iter().filter(|((own, _, client), _)| *own == tenant && client == client_id);
        all.filter(|(_, scopes)| !scopes.is_empty())
            .map(|((_, user, _), scopes)| (*user, scopes.clone()))
            .collect()
    }

    /// Remembers a consent, of a user or (none) of the tenant, and makes the enterprise application if need be.
    pub(crate) fn consent(
        &self,
        tenant: Uuid,
        user: Option<Uuid>,
        client_id: &str,
        scopes: impl IntoIterator<Item = String>,
        now: Timestamp,
    ) {
        self.enroll(tenant, client_id, now);
        self.lock().consents.entry((tenant, user, client_id.to_owned())).or_default().extend(scopes);
    }

    /// Withdraws a consent: of one user, or with none all of the tenant's; one scope, or with none every scope.
    pub(crate) fn withdraw(&self, tenant: Uuid, user: Option<Uuid>, client_id: &str, scope: Option<&str>) {
        let mut inner = self.lock();
        for ((own, of, client), scopes) in &mut inner.consents {
            if *own == tenant && client == client_id && (user.is_none() || *of == user) {
                scopes.retain(|name| scope.is_some_and(|scope| !scope.eq_ignore_ascii_case(name)));
            }
        }
    }

    /// Forgets all consents to an app, in every tenant.
    pub(crate) fn forget_consents(&self, client_id: &str) {
        self.lock().consents.retain(|(_, _, own), _| own != client_id);
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

    pub(crate) fn keep_refresh(
        &self,
        text: String,
        user: Uuid,
        client_id: &str,
        proof: Proof,
        now: Timestamp,
    ) {
        self.lock()
            .refresh
            .insert(text, Refresh { user, client_id: client_id.to_owned(), issued: now, used: now, proof });
    }

    /// The session of a refresh token that is still good. Tokens stay good when they are exchanged.
    pub(crate) fn refresh(&self, text: &str, client_id: &str, now: Timestamp) -> Result<Session, TokenError> {
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
        Ok(Session { user: token.user, issued: token.issued, proof: token.proof })
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

    /// The claims that a client which understands challenges must now obtain for this token, if any (JSON).
    pub(crate) fn challenge(&self, text: &str, now: Timestamp) -> Option<String> {
        let inner = self.lock();
        let access =
            inner.access.get(text).filter(|access| access.takes_challenges && access.expires > now)?;
        let user = access.user?;
        let revoked = inner.access_tokens_too.contains(&user).then(|| inner.valid_from.get(&user)).flatten();
        if let Some(since) = revoked.filter(|since| access.issued <= **since) {
            return Some(later_than(*since));
        }
        let challenge = inner.challenges.get(&user)?;
        let counts = if challenge.needs_person { access.proof.at } else { access.issued };
        (counts <= challenge.since)
            .then(|| if challenge.needs_person { policies_again() } else { later_than(challenge.since) })
    }

    /// Whether a person has to sign in anew because of a challenge.
    pub(crate) fn needs_person(&self, user: Uuid, proof: Proof) -> bool {
        let inner = self.lock();
        inner
            .challenges
            .get(&user)
            .is_some_and(|challenge| challenge.needs_person && proof.at <= challenge.since)
    }

    /// From now on, tokens of this user from before are challenged.
    pub(crate) fn challenge_user(&self, user: Uuid, needs_person: bool, now: Timestamp) {
        self.lock().challenges.insert(user, Challenge { since: now, needs_person });
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
        inner.challenges.clear();
    }
}

/// Claims that ask for a token from after a moment.
fn later_than(moment: Timestamp) -> String {
    serde_json::json!({"access_token": {"nbf": {"essential": true, "value": (moment.as_second() + 1).to_string()}}})
        .to_string()
}

/// Claims that ask for Conditional Access to be met anew.
pub(crate) fn policies_again() -> String {
    serde_json::json!({"access_token": {"capolids": {"essential": true,
        "values": ["5f1c7c4e-6a53-4d83-9c5e-0c1f7a1c9b2d"]}}})
    .to_string()
}
