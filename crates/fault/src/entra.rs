//! Sign-in with Microsoft: AADSTS codes and OAuth errors (Entra ID reference of error codes; RFC 6749).

use crate::{Class, Entry, Who};

pub(crate) static UNAVAILABLE: Entry = Entry {
    id: "entra.unavailable",
    cause: "Microsoft's sign-in service does not answer as it should",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};
pub(crate) static THROTTLED: Entry = Entry {
    id: "entra.throttled",
    cause: "Microsoft's sign-in service asks for a pause",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};
pub(crate) static LOOP: Entry = Entry {
    id: "entra.loop",
    cause: "Microsoft saw the same request too often in a short time",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Stop other programs that use the same app registration, then press Try now.",
    link: None,
};
pub(crate) static GRANT_REVOKED: Entry = Entry {
    id: "entra.grant_revoked",
    cause: "Microsoft ended this sign-in because the password was reset or the sessions were revoked",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
};
pub(crate) static GRANT_EXPIRED: Entry = Entry {
    id: "entra.grant_expired",
    cause: "This sign-in was not used for too long and has ended",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
};
pub(crate) static GRANT_INVALID: Entry = Entry {
    id: "entra.grant_invalid",
    cause: "Microsoft does not accept this sign-in any more",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: None,
};
pub(crate) static SESSION_INVALID: Entry = Entry {
    id: "entra.session_invalid",
    cause: "The sign-in ended after a change of the password",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: None,
};
pub(crate) static PASSWORD_EXPIRED: Entry = Entry {
    id: "entra.password_expired",
    cause: "The password of the account has expired",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Change the password at Microsoft, then sign in again.",
    link: None,
};
pub(crate) static PASSWORD_WRONG: Entry = Entry {
    id: "entra.password_wrong",
    cause: "The password was missing or wrong",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again with the right password.",
    link: None,
};
pub(crate) static MFA_REQUIRED: Entry = Entry {
    id: "entra.mfa_required",
    cause: "Microsoft wants a second factor",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again and confirm with the second factor; an administrator may exclude a service account.",
    link: None,
};
pub(crate) static SIGN_IN_FREQUENCY: Entry = Entry {
    id: "entra.sign_in_frequency",
    cause: "The tenant's policy ends sign-ins after a time",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again; an administrator may exclude this account from the sign-in frequency policy.",
    link: None,
};
pub(crate) static SIGN_IN_REQUIRED: Entry = Entry {
    id: "entra.sign_in_required",
    cause: "Microsoft wants the person to sign in again",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: None,
};
pub(crate) static DECLINED: Entry = Entry {
    id: "entra.declined",
    cause: "The consent was declined",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again and accept, or ask who declined.",
    link: None,
};
pub(crate) static ACCOUNT_OTHER_TENANT: Entry = Entry {
    id: "entra.account_other_tenant",
    cause: "The account does not belong to this tenant",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Choose an account of this organisation, or have the account invited as a guest.",
    link: None,
};
pub(crate) static ACCOUNT_PERSONAL: Entry = Entry {
    id: "entra.account_personal",
    cause: "A personal account was chosen",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Choose a work or school account.",
    link: None,
};
pub(crate) static ACCOUNT_UNKNOWN: Entry = Entry {
    id: "entra.account_unknown",
    cause: "The account is not in the directory",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Check the account and the tenant, then sign in again.",
    link: None,
};
pub(crate) static ACCOUNT_DELETED: Entry = Entry {
    id: "entra.account_deleted",
    cause: "The account was deleted",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Restore the account, or remove this connection.",
    link: None,
};
pub(crate) static ACCOUNT_DISABLED: Entry = Entry {
    id: "entra.account_disabled",
    cause: "The account is disabled",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Enable the account. A shared mailbox is signed in to by a person who has rights on it.",
    link: None,
};
pub(crate) static ACCOUNT_LOCKED: Entry = Entry {
    id: "entra.account_locked",
    cause: "The account is locked, or the address is blocked for malicious traffic",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Wait, or unlock the account; the sign-in log names the reason.",
    link: None,
};
pub(crate) static ACCOUNT_RISKY: Entry = Entry {
    id: "entra.account_risky",
    cause: "The account is blocked because of risk",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Remediate the risk of the account in Entra ID Protection.",
    link: None,
};
pub(crate) static ACCOUNT_NOT_ASSIGNED: Entry = Entry {
    id: "entra.account_not_assigned",
    cause: "The account is not assigned to the application",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Assign the account to the enterprise application, or set assignment required to no.",
    link: None,
};
pub(crate) static DEVICE: Entry = Entry {
    id: "entra.device",
    cause: "The tenant wants a compliant or registered device, or the device was deleted",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again from a managed device; an administrator may exclude the account from the device policy.",
    link: None,
};
pub(crate) static DEVICE_DISABLED: Entry = Entry {
    id: "entra.device_disabled",
    cause: "The device is disabled",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Enable the device, or sign in again from another one.",
    link: None,
};
pub(crate) static CONDITIONAL_ACCESS: Entry = Entry {
    id: "entra.conditional_access",
    cause: "A Conditional Access policy blocks the sign-in",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Exclude the application, the account or the address of this server from the policy; the sign-in log names it.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/conditional-access/troubleshoot-conditional-access",
    ),
};
pub(crate) static CONSENT_REQUIRED: Entry = Entry {
    id: "entra.consent_required",
    cause: "Nobody has consented to what Postroom asks for",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Open the administrator's consent link and accept.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
};
pub(crate) static ADMIN_APPROVAL: Entry = Entry {
    id: "entra.admin_approval",
    cause: "The tenant lets only an administrator consent",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Open the administrator's consent link and accept.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
};
pub(crate) static APP_DISABLED: Entry = Entry {
    id: "entra.app_disabled",
    cause: "The application is disabled in the tenant",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Enable the enterprise application.",
    link: None,
};
pub(crate) static APP_BLOCKED: Entry = Entry {
    id: "entra.app_blocked",
    cause: "The tenant's restrictions do not allow this application",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Allow the application in the tenant restrictions or the cross-tenant access settings.",
    link: None,
};
pub(crate) static SERVICE_MISSING: Entry = Entry {
    id: "entra.service_missing",
    cause: "The tenant has no licence for what Postroom asks for",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "License or enable Exchange Online for the tenant.",
    link: None,
};
pub(crate) static PASSWORD_AGENT: Entry = Entry {
    id: "entra.password_agent",
    cause: "The tenant's on-premises sign-in agents do not answer",
    class: Class::Transient,
    who: Who::EntraAdministrator,
    mend: "Check the pass-through authentication agents; Postroom tries again by itself.",
    link: None,
};
pub(crate) static SECRET_WRONG: Entry = Entry {
    id: "entra.secret_wrong",
    cause: "The client secret is wrong",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Put in the secret's value (not its id) from Entra.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials"),
};
pub(crate) static SECRET_EXPIRED: Entry = Entry {
    id: "entra.secret_expired",
    cause: "The client secret has expired",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Make a new client secret in Entra and put it in.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials"),
};
pub(crate) static CREDENTIAL_MISSING: Entry = Entry {
    id: "entra.credential_missing",
    cause: "The app registration wants a credential that was not sent",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Set the client secret, or register the redirect URI as platform Web.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials"),
};
pub(crate) static CERTIFICATE_REFUSED: Entry = Entry {
    id: "entra.certificate_refused",
    cause: "Microsoft refuses the certificate or the assertion",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Upload the right certificate to the app registration; check this machine's clock.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/certificate-credentials"),
};
pub(crate) static CLOCK: Entry = Entry {
    id: "entra.clock",
    cause: "The time of this machine differs too much from Microsoft's",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Set the clock of this machine (NTP).",
    link: None,
};
pub(crate) static REDIRECT_URI: Entry = Entry {
    id: "entra.redirect_uri",
    cause: "The redirect URI is not registered",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Add exactly the redirect URI that Postroom shows to the app registration, platform Web.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reply-url"),
};
pub(crate) static SINGLE_TENANT: Entry = Entry {
    id: "entra.single_tenant",
    cause: "The app registration is single-tenant, but the sign-in began at the common address",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Set [microsoft] tenant to the tenant's id, or make the app registration multi-tenant.",
    link: None,
};
pub(crate) static TENANT: Entry = Entry {
    id: "entra.tenant",
    cause: "Microsoft does not know the tenant, or it is in another cloud",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check [microsoft] tenant and login_url.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
};
pub(crate) static CLIENT_ID: Entry = Entry {
    id: "entra.client_id",
    cause: "Microsoft does not know the application in this tenant",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check [microsoft] client_id and tenant.",
    link: None,
};
pub(crate) static PERMISSIONS: Entry = Entry {
    id: "entra.permissions",
    cause: "The app registration lacks permissions that Postroom asks for",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Add the permissions that Postroom lists to the app registration.",
    link: Some("https://learn.microsoft.com/graph/permissions-reference"),
};
pub(crate) static SCOPE: Entry = Entry {
    id: "entra.scope",
    cause: "Microsoft does not know a permission or a resource that was asked for",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check [microsoft] login_url and graph_url: they must be of one cloud.",
    link: None,
};
pub(crate) static CODE_USED: Entry = Entry {
    id: "entra.code_used",
    cause: "The sign-in was already completed once",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Begin the sign-in again.",
    link: None,
};
pub(crate) static VERIFIER: Entry = Entry {
    id: "entra.verifier",
    cause: "The sign-in came back with a proof that does not fit",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Begin the sign-in again; report it if it lasts.",
    link: None,
};
pub(crate) static REQUEST: Entry = Entry {
    id: "entra.request",
    cause: "Microsoft does not understand the request",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check the settings under [microsoft]; report it if they are right.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
};
pub(crate) static ID_TOKEN: Entry = Entry {
    id: "entra.id_token",
    cause: "The identity that Microsoft sent could not be verified",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check [microsoft] login_url and this machine's clock, then sign in again.",
    link: None,
};
pub(crate) static SPA_REDIRECT: Entry = Entry {
    id: "entra.spa_redirect",
    cause: "The redirect URI is registered for a single-page application, whose sign-ins end after 24 hours",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Register the redirect URI as platform Web instead, then sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reply-url"),
};
pub(crate) static DEVICE_CODE_PENDING: Entry = Entry {
    id: "entra.device_code_pending",
    cause: "Nobody has entered the code at Microsoft yet",
    class: Class::Transient,
    who: Who::MailboxOwner,
    mend: "Open the address that is shown and enter the code.",
    link: None,
};
pub(crate) static DEVICE_CODE_SLOW_DOWN: Entry = Entry {
    id: "entra.device_code_slow_down",
    cause: "Microsoft was asked too often whether the code was entered",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom asks less often.",
    link: None,
};
pub(crate) static ADMIN_CONSENT: Entry = Entry {
    id: "entra.admin_consent",
    cause: "The return from the administrator's consent link cannot be read",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Open the administrator's consent link again and accept.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-admin-consent"),
};
pub(crate) static DEVICE_CODE_OVER: Entry = Entry {
    id: "entra.device_code_over",
    cause: "The code was wrong, or it was not entered in time",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Begin the sign-in again and enter the new code.",
    link: None,
};
pub(crate) static DISCOVERY: Entry = Entry {
    id: "entra.discovery",
    cause: "The sign-in address does not name Microsoft's endpoints as it should",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check [microsoft] login_url and tenant: they must be of one cloud.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
};
pub(crate) static UNKNOWN: Entry = Entry {
    id: "entra.unknown",
    cause: "Microsoft refused the sign-in for a reason that Postroom does not know",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again; the code in Details tells Microsoft's support what happened.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &UNAVAILABLE,
    &THROTTLED,
    &LOOP,
    &GRANT_REVOKED,
    &GRANT_EXPIRED,
    &GRANT_INVALID,
    &SESSION_INVALID,
    &PASSWORD_EXPIRED,
    &PASSWORD_WRONG,
    &MFA_REQUIRED,
    &SIGN_IN_FREQUENCY,
    &SIGN_IN_REQUIRED,
    &DECLINED,
    &ACCOUNT_OTHER_TENANT,
    &ACCOUNT_PERSONAL,
    &ACCOUNT_UNKNOWN,
    &ACCOUNT_DELETED,
    &ACCOUNT_DISABLED,
    &ACCOUNT_LOCKED,
    &ACCOUNT_RISKY,
    &ACCOUNT_NOT_ASSIGNED,
    &DEVICE,
    &DEVICE_DISABLED,
    &CONDITIONAL_ACCESS,
    &CONSENT_REQUIRED,
    &ADMIN_APPROVAL,
    &APP_DISABLED,
    &APP_BLOCKED,
    &SERVICE_MISSING,
    &PASSWORD_AGENT,
    &SECRET_WRONG,
    &SECRET_EXPIRED,
    &CREDENTIAL_MISSING,
    &CERTIFICATE_REFUSED,
    &CLOCK,
    &REDIRECT_URI,
    &SINGLE_TENANT,
    &TENANT,
    &CLIENT_ID,
    &PERMISSIONS,
    &SCOPE,
    &CODE_USED,
    &VERIFIER,
    &REQUEST,
    &ID_TOKEN,
    &SPA_REDIRECT,
    &DEVICE_CODE_PENDING,
    &DEVICE_CODE_SLOW_DOWN,
    &DEVICE_CODE_OVER,
    &ADMIN_CONSENT,
    &DISCOVERY,
    &UNKNOWN,
];

/// The entry of an AADSTS number; `None` for a number that the catalogue does not have.
pub(crate) fn by_number(number: u32) -> Option<&'static Entry> {
    Some(match number {
        40_010 | 50_033 | 50_087 | 90_006 | 90_012 | 90_024 | 90_033 | 90_090 | 90_091 | 70_012 => {
            &UNAVAILABLE
        }
        90_055 => &THROTTLED,
        50_196 => &LOOP,
        50_173 => &GRANT_REVOKED,
        70_008 | 700_082 => &GRANT_EXPIRED,
        70_000 => &GRANT_INVALID,
        700_084 => &SPA_REDIRECT,
        70_016 => &DEVICE_CODE_PENDING,
        70_018 | 70_019 => &DEVICE_CODE_OVER,
        50_132 | 50_133 => &SESSION_INVALID,
        50_055 | 50_144 => &PASSWORD_EXPIRED,
        50_056 | 50_126 => &PASSWORD_WRONG,
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 50_158 | 50_161 | 53_004 | 53_010 => &MFA_REQUIRED,
        70_043 => &SIGN_IN_FREQUENCY,
        50_058 | 50_085 | 50_089 | 50_197 | 9_002_341 => &SIGN_IN_REQUIRED,
        65_004 => &DECLINED,
        16_000 | 16_003 | 50_020 | 90_072 => &ACCOUNT_OTHER_TENANT,
        500_208 => &ACCOUNT_PERSONAL,
        50_034 => &ACCOUNT_UNKNOWN,
        500_341 => &ACCOUNT_DELETED,
        50_057 => &ACCOUNT_DISABLED,
        50_053 => &ACCOUNT_LOCKED,
        53_011 => &ACCOUNT_RISKY,
        50_105 | 501_051 => &ACCOUNT_NOT_ASSIGNED,
        50_097 | 50_129 | 50_155 | 50_187 | 53_000 | 53_001 | 530_003 | 700_003 => &DEVICE,
        135_011 => &DEVICE_DISABLED,
        50_131 | 53_003 | 530_032 | 530_035 | 53_002 => &CONDITIONAL_ACCESS,
        65_001 | 90_093 => &CONSENT_REQUIRED,
        90_094 | 90_095 => &ADMIN_APPROVAL,
        7_000_112 | 1_000_031 => &APP_DISABLED,
        50_002 | 500_021 | 500_022 | 500_212 | 500_213 => &APP_BLOCKED,
        650_052 => &SERVICE_MISSING,
        80_001..=80_014 => &PASSWORD_AGENT,
        70_002 | 7_000_215 => &SECRET_WRONG,
        7_000_222 => &SECRET_EXPIRED,
        7_000_218 | 700_025 => &CREDENTIAL_MISSING,
        50_012 | 50_013 | 500_133 | 700_027 | 700_030 => &CERTIFICATE_REFUSED,
        700_024 => &CLOCK,
        50_011 | 500_113 => &REDIRECT_URI,
        50_194 | 9_001_023 => &SINGLE_TENANT,
        50_059 | 50_128 | 90_019 | 90_002 | 900_023 | 90_038 | 900_382 | 900_432 | 700_005 => &TENANT,
        70_001 | 700_011 | 700_016 | 65_002 => &CLIENT_ID,
        65_005 | 650_056 | 650_057 => &PERMISSIONS,
        50_001 | 500_011 | 650_053 | 700_022 | 70_011 | 28_002 | 28_003 => &SCOPE,
        54_005 => &CODE_USED,
        501_481 => &VERIFIER,
        90_014 | 900_144 | 9_002_313 => &REQUEST,
        _ => return None,
    })
}

/// The entry of an OAuth error without a known number.
pub(crate) fn by_error(error: &str, status: u16) -> &'static Entry {
    match error {
        "invalid_grant" => &GRANT_INVALID,
        "interaction_required" | "login_required" => &SIGN_IN_REQUIRED,
        "consent_required" => &CONSENT_REQUIRED,
        "invalid_client" => &SECRET_WRONG,
        "access_denied" | "authorization_declined" => &DECLINED,
        "authorization_pending" => &DEVICE_CODE_PENDING,
        "slow_down" => &DEVICE_CODE_SLOW_DOWN,
        "expired_token" | "bad_verification_code" => &DEVICE_CODE_OVER,
        "unauthorized_client" => &CLIENT_ID,
        "invalid_resource" | "invalid_scope" => &SCOPE,
        "invalid_request" | "unsupported_grant_type" | "unsupported_response_type" => &REQUEST,
        "server_error" | "temporarily_unavailable" => &UNAVAILABLE,
        _ if status == 429 => &THROTTLED,
        _ if status >= 500 => &UNAVAILABLE,
        _ => &UNKNOWN,
    }
}
