//! Sign-in with Microsoft: AADSTS numbers and OAuth errors (Entra ID's reference of error codes; RFC 6749, RFC 8628). One file a
//! topic; here is the list of all, and which entry an answer leads to.

mod account;
pub(crate) mod consent;
mod credential;
mod policy;
pub(crate) mod registration;
mod request;
mod service;
pub(crate) mod session;

use crate::Entry;

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &service::UNAVAILABLE,
    &service::THROTTLED,
    &service::TENANT_THROTTLED,
    &service::LOOP,
    &session::GRANT_REVOKED,
    &session::GRANT_EXPIRED,
    &session::GRANT_INVALID,
    &session::SESSION_INVALID,
    &session::SESSION_OVER,
    &session::PASSWORD_EXPIRED,
    &session::PASSWORD_WRONG,
    &session::MFA_REQUIRED,
    &session::MFA_ELSEWHERE,
    &session::MFA_ENROLMENT,
    &session::SIGN_IN_FREQUENCY,
    &session::SIGN_IN_REQUIRED,
    &session::SIGN_IN_CONFLICT,
    &session::SINGLE_SIGN_ON,
    &session::DECLINED,
    &account::ACCOUNT_OTHER_TENANT,
    &account::ACCOUNT_PERSONAL,
    &account::ACCOUNT_UNKNOWN,
    &account::ACCOUNT_DELETED,
    &account::ACCOUNT_DISABLED,
    &account::ACCOUNT_LOCKED,
    &account::ACCOUNT_RISKY,
    &account::ACCOUNT_NOT_ASSIGNED,
    &account::ROLE_NOT_ASSIGNED,
    &policy::DEVICE,
    &policy::DEVICE_AUTHENTICATION,
    &policy::DEVICE_DELETED,
    &policy::DEVICE_DISABLED,
    &policy::CONDITIONAL_ACCESS,
    &policy::SECURITY_POLICY,
    &policy::SECURITY_DEFAULTS,
    &policy::APP_NOT_APPROVED,
    &consent::CONSENT_REQUIRED,
    &consent::CONSENT_REFUSED,
    &consent::ADMIN_APPROVAL,
    &consent::ADMIN_REQUEST,
    &consent::APP_DISABLED,
    &consent::APP_UNREACHABLE,
    &consent::APP_BLOCKED,
    &consent::CROSS_TENANT,
    &consent::SERVICE_MISSING,
    &consent::PASSWORD_AGENT,
    &credential::SECRET_WRONG,
    &credential::SECRET_EXPIRED,
    &credential::CREDENTIAL_MISSING,
    &credential::CREDENTIAL_UNWANTED,
    &credential::CERTIFICATE_REFUSED,
    &credential::ASSERTION,
    &credential::CLOCK,
    &registration::REDIRECT_URI,
    &registration::REDIRECT_URI_NONE,
    &registration::SPA_REDIRECT,
    &registration::SINGLE_TENANT,
    &registration::COMMON_TENANT,
    &registration::TENANT_MISSING,
    &registration::TENANT,
    &registration::OTHER_CLOUD,
    &registration::CODE_OTHER_TENANT,
    &registration::CLIENT_ID,
    &registration::FIRST_PARTY,
    &registration::PERMISSIONS,
    &registration::SCOPE,
    &registration::SCOPE_UNKNOWN,
    &registration::RESOURCE,
    &request::CODE_USED,
    &request::VERIFIER,
    &request::REQUEST,
    &request::ID_TOKEN,
    &request::DEVICE_CODE_PENDING,
    &request::DEVICE_CODE_SLOW_DOWN,
    &request::DEVICE_CODE_WRONG,
    &request::DEVICE_CODE_OVER,
    &request::DEVICE_CODE_DECLINED,
    &request::ADMIN_CONSENT,
    &request::DISCOVERY,
    &request::UNKNOWN,
];

/// The entry of an AADSTS number; `None` for a number that the catalogue does not have.
pub(crate) fn by_number(number: u32) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.numbers.contains(&number)).copied()
}

/// The entry of an OAuth `error`; `None` for one that the catalogue does not have.
pub(crate) fn by_error(error: &str) -> Option<&'static Entry> {
    Some(match error {
        "invalid_grant" => &session::GRANT_INVALID,
        "interaction_required" | "login_required" => &session::SIGN_IN_REQUIRED,
        "consent_required" => &consent::CONSENT_REQUIRED,
        "invalid_client" => &credential::SECRET_WRONG,
        "access_denied" => &session::DECLINED,
        "authorization_declined" => &request::DEVICE_CODE_DECLINED,
        "authorization_pending" => &request::DEVICE_CODE_PENDING,
        "slow_down" => &request::DEVICE_CODE_SLOW_DOWN,
        "expired_token" => &request::DEVICE_CODE_OVER,
        "bad_verification_code" => &request::DEVICE_CODE_WRONG,
        "unauthorized_client" => &registration::CLIENT_ID,
        "invalid_resource" => &registration::RESOURCE,
        "invalid_scope" => &registration::SCOPE,
        "invalid_request" | "unsupported_grant_type" | "unsupported_response_type" => &request::REQUEST,
        "server_error" | "temporarily_unavailable" => &service::UNAVAILABLE,
        _ => return None,
    })
}

/// The entry of a `suberror` that says more than its `error`. The rest are shown, or mean *sign in again*.
pub(crate) fn by_suberror(suberror: &str) -> Option<&'static Entry> {
    Some(match suberror {
        "consent_required" => &consent::CONSENT_REQUIRED,
        "user_password_expired" => &session::PASSWORD_EXPIRED,
        "protection_policy_required" => &policy::APP_NOT_APPROVED,
        "device_authentication_failed" => &policy::DEVICE_AUTHENTICATION,
        "bad_token" | "token_expired" | "client_mismatch" => &session::GRANT_INVALID,
        "basic_action" | "additional_action" | "message_only" => &session::SIGN_IN_REQUIRED,
        _ => return None,
    })
}

/// The entry of an answer that says nothing that is known.
pub(crate) fn by_status(status: u16) -> &'static Entry {
    match status {
        429 => &service::THROTTLED,
        300..=399 | 511 => &crate::network::PORTAL,
        407 => &crate::network::PROXY,
        408 | 500..=599 => &service::UNAVAILABLE,
        _ => &request::UNKNOWN,
    }
}
