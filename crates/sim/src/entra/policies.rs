//! What a tenant's policies and a person's standing say to a sign-in: who may consent, what Conditional Access asks, who
//! is disabled, blocked, or has to prove more.
//!
//! [`EntraState::objection`] is asked at every sign-in and every refresh.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::EntraState;
use super::errors::TokenError;
use super::grants::{Proof, Session, policies_again};
use crate::tenant::User;

/// Who consents in a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UserConsent {
    /// Users, for themselves, to all that does not need an administrator.
    #[default]
    Allowed,
    /// As Microsoft manages it: users, but not to mail, mailbox settings, and the old protocols.
    #[serde(alias = "barred")]
    Managed,
    /// Administrators only.
    None,
}

/// What Conditional Access asks of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ConditionalAccess {
    /// Nothing.
    #[default]
    Off,
    /// Blocks (53003).
    Block,
    /// A second factor (50076).
    Mfa,
    /// A compliant device, which no browser here is (53000).
    Device,
}

/// The cloud that a tenant lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cloud {
    /// The worldwide one, which is this one.
    #[default]
    Global,
    /// The United States government's.
    UsGovernment,
    /// China's.
    China,
}

impl Cloud {
    /// The instance's name in the discovery document and in errors.
    pub(crate) fn instance(self) -> &'static str {
        match self {
            Self::Global => "microsoftonline.com",
            Self::UsGovernment => "microsoftonline.us",
            Self::China => "partner.microsoftonline.cn",
        }
    }
}

/// A tenant's policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) user_consent: UserConsent,
    /// Whether users can ask an administrator for consent (*admin consent workflow*).
    pub(crate) consent_requests: bool,
    /// Who may decide such requests, beside administrators who may consent: addresses.
    pub(crate) reviewers: BTreeSet<String>,
    /// Scopes that a consent leaves out, so that it is a partial one.
    pub(crate) withheld: BTreeSet<String>,
    pub(crate) conditional_access: ConditionalAccess,
    /// Everybody has to enroll for a second factor (50079).
    pub(crate) security_defaults: bool,
    /// How long after a sign-in a person has to sign in again (70043).
    pub(crate) sign_in_frequency_seconds: Option<i64>,
    /// Whether the device code flow is blocked (53003).
    pub(crate) blocks_device_code: bool,
    pub(crate) cloud: Cloud,
}

/// What is the matter with a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Password {
    #[default]
    Good,
    /// Expired in the cloud (50055): the next sign-in asks for a new one; refresh tokens of this client stay good.
    Expired,
    /// Expired in the on-premises directory (50144), which has to be mended there.
    ExpiredOnPremises,
}

/// What is asked of a person beside the password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mfa {
    #[default]
    Off,
    /// A second factor (50076).
    Required,
    /// A second factor that is not registered yet (50079).
    Enroll,
}

/// How a person stands in the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Standing {
    /// The account is disabled, or sign-in blocked as at a shared mailbox (50057).
    pub(crate) disabled: bool,
    pub(crate) password: Password,
    pub(crate) mfa: Mfa,
    /// Blocked by Conditional Access (53003).
    pub(crate) blocked: bool,
    /// Blocked for risk (53011).
    pub(crate) at_risk: bool,
    /// When the device of earlier sign-ins was deleted (700003).
    pub(crate) device_deleted_at: Option<Timestamp>,
}

/// The policies of all tenants and the standing of all people.
#[derive(Default)]
pub(crate) struct Policies {
    tenants: RwLock<BTreeMap<Uuid, Policy>>,
    people: RwLock<BTreeMap<Uuid, Standing>>,
}

impl Policies {
    /// The policies of a tenant.
    pub(crate) fn of(&self, tenant: Uuid) -> Policy {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned().unwrap_or_default()
    }

    pub(crate) fn set(&self, tenant: Uuid, policy: Policy) {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, policy);
    }

    /// How a person stands.
    pub(crate) fn standing(&self, user: Uuid) -> Standing {
        self.people.read().unwrap_or_else(PoisonError::into_inner).get(&user).cloned().unwrap_or_default()
    }

    pub(crate) fn set_standing(&self, user: Uuid, standing: Standing) {
        self.people.write().unwrap_or_else(PoisonError::into_inner).insert(user, standing);
    }

    /// Every policy and standing as it was in the beginning.
    pub(crate) fn restore(&self) {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.people.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What a second factor is wanted for.
pub(crate) fn wants_mfa(policy: &Policy, standing: &Standing) -> Mfa {
    if standing.mfa != Mfa::Off {
        standing.mfa
    } else if policy.conditional_access == ConditionalAccess::Mfa {
        Mfa::Required
    } else if policy.security_defaults {
        Mfa::Enroll
    } else {
        Mfa::Off
    }
}

/// The error of a second factor that is missing.
pub(crate) fn mfa_missing(wanted: Mfa) -> TokenError {
    let code = if wanted == Mfa::Enroll { 50_079 } else { 50_076 };
    TokenError::of(code).suberror("basic_action").claims(policies_again())
}

impl EntraState {
    /// What speaks against a person, whoever asks: a standing that no sign-in mends.
    pub(crate) fn bar(&self, user: &User) -> Option<TokenError> {
        if let Some(error) = self.grants.refusal(user.oid) {
            return Some(error);
        }
        let (policy, standing) = (self.policies.of(user.tenant), self.policies.standing(user.oid));
        if standing.disabled {
            return Some(TokenError::of(50_057));
        }
        if standing.password == Password::ExpiredOnPremises {
            let mut error = TokenError::of(50_144).suberror("user_password_expired");
            error.password_change_url = Some(format!("{}/passwordreset", self.base()).into_boxed_str());
            return Some(error);
        }
        if standing.at_risk {
            return Some(TokenError::of(53_011).suberror("message_only"));
        }
        if standing.blocked || policy.conditional_access == ConditionalAccess::Block {
            return Some(TokenError::of(53_003).suberror("message_only").claims(policies_again()));
        }
        (policy.conditional_access == ConditionalAccess::Device)
            .then(|| TokenError::of(53_000).suberror("additional_action").claims(policies_again()))
    }

    /// What speaks against going on with a proof of identity: the standing, the policies, and the proof's age.
    pub(crate) fn objection(&self, user: &User, proof: Proof) -> Option<TokenError> {
        if let Some(error) = self.bar(user) {
            return Some(error);
        }
        let (policy, standing) = (self.policies.of(user.tenant), self.policies.standing(user.oid));
        if standing.device_deleted_at.is_some_and(|at| proof.at <= at) {
            let text = format!(
                "Device object was not found in the tenant '{}' directory.",
                self.tenant.name_of(user.tenant)
            );
            return Some(TokenError::of(700_003).saying(&text).suberror("device_authentication_failed"));
        }
        let wanted = wants_mfa(&policy, &standing);
        if wanted != Mfa::Off && !proof.mfa {
            return Some(mfa_missing(wanted));
        }
        None
    }

    /// What speaks against a refresh, beside the refresh token itself.
    pub(crate) fn refresh_objection(&self, user: &User, session: &Session) -> Option<TokenError> {
        if let Some(error) = self.objection(user, session.proof) {
            return Some(error);
        }
        if let Some(error) = self.too_old(user, session) {
            return Some(error);
        }
        self.grants.needs_person(user.oid, session.proof).then(|| mfa_missing(Mfa::Required))
    }

    fn too_old(&self, user: &User, session: &Session) -> Option<TokenError> {
        let seconds = self.policies.of(user.tenant).sign_in_frequency_seconds?;
        let age = self.core.now().duration_since(session.proof.at);
        (age > SignedDuration::from_secs(seconds)).then(|| {
            let text = format!(
                "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on {} and the maximum allowed lifetime for this request is {seconds}.",
                session.issued.strftime("%Y-%m-%dT%H:%M:%S%.7fZ"),
            );
            TokenError::of(70_043).saying(&text).suberror("token_expired")
        })
    }
}
