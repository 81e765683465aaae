//! Sign-in with Microsoft: AADSTS numbers and OAuth errors (Entra ID's reference of error codes; RFC 6749, RFC 8628).

use crate::{Class, Entry, Page, Retry, Who};

pub(crate) static UNAVAILABLE: Entry = Entry {
    id: "entra.unavailable",
    numbers: &[40_010, 50_033, 50_087, 90_006, 90_012, 90_024, 90_033, 90_090, 90_091, 70_012],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "Microsoft's sign-in service does not answer as it should",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static THROTTLED: Entry = Entry {
    id: "entra.throttled",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "Microsoft's sign-in service asks for a pause",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static TENANT_THROTTLED: Entry = Entry {
    id: "entra.tenant_throttled",
    numbers: &[90_055],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Slow,
    cause: "The tenant has too many requests at Microsoft's sign-in service",
    mend: "Wait: Postroom asks again, rarely.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};
pub(crate) static LOOP: Entry = Entry {
    id: "entra.loop",
    numbers: &[50_196],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Rest,
    cause: "Microsoft saw the same request too often in a short time",
    mend: "Stop other programs that use the same app registration. Postroom rests for a quarter of an hour before it asks again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    page: Some(Page::AppRegistration),
    ..Entry::BLANK
};
pub(crate) static GRANT_REVOKED: Entry = Entry {
    id: "entra.grant_revoked",
    numbers: &[50_173],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft ended this sign-in because the password was reset or the sessions were revoked",
    mend: "Press Sign in again and sign in as the same person.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static GRANT_EXPIRED: Entry = Entry {
    id: "entra.grant_expired",
    numbers: &[70_008, 700_082],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "This sign-in was not used for too long and has ended",
    mend: "Press Sign in again. A source that is polled at least once a week does not run into this.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static GRANT_INVALID: Entry = Entry {
    id: "entra.grant_invalid",
    numbers: &[70_000],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft does not accept this sign-in any more",
    mend: "Press Sign in again. If that does not help, check that client_id is the one that the mailbox was signed in with.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static SESSION_INVALID: Entry = Entry {
    id: "entra.session_invalid",
    numbers: &[50_132, 50_133],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The sign-in ended after a change of the password",
    mend: "Press Sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static SESSION_OVER: Entry = Entry {
    id: "entra.session_over",
    numbers: &[50_085, 50_089],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The sign-in took too long, or its token has ended",
    mend: "Begin the sign-in again and go through to its end.",
    ..Entry::BLANK
};
pub(crate) static PASSWORD_EXPIRED: Entry = Entry {
    id: "entra.password_expired",
    numbers: &[50_055, 50_144],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The password of the account has expired",
    mend: "Change the password at Microsoft, then press Sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy"),
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static PASSWORD_WRONG: Entry = Entry {
    id: "entra.password_wrong",
    numbers: &[50_056, 50_126],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The password was missing or wrong",
    mend: "Press Sign in again and enter the right password.",
    ..Entry::BLANK
};
pub(crate) static MFA_REQUIRED: Entry = Entry {
    id: "entra.mfa_required",
    numbers: &[50_072, 50_074, 50_076, 50_078, 50_079],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft wants a second factor",
    mend: "Press Sign in again and confirm with the second factor. An administrator may exclude a service account in Conditional Access.",
    link: Some("https://learn.microsoft.com/entra/identity/authentication/concept-mfa-howitworks"),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static MFA_ELSEWHERE: Entry = Entry {
    id: "entra.mfa_elsewhere",
    numbers: &[50_158, 50_161],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The tenant uses another provider for the second factor, and it was not passed",
    mend: "Press Sign in again and pass that provider's check. An administrator may exclude a service account in Conditional Access.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/authentication/concept-authentication-external-method-provider",
    ),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static MFA_ENROLMENT: Entry = Entry {
    id: "entra.mfa_enrolment",
    numbers: &[53_004, 53_010],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The second factor is not set up, and it may not be set up from here",
    mend: "Set it up under aka.ms/mfasetup from a place that the tenant trusts, then press Sign in again.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/authentication/howto-registration-mfa-sspr-combined",
    ),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static SIGN_IN_FREQUENCY: Entry = Entry {
    id: "entra.sign_in_frequency",
    numbers: &[70_043],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The tenant's policy ends sign-ins after a time",
    mend: "Press Sign in again. An administrator may exclude this account from the sign-in frequency policy.",
    link: Some("https://learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime"),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static SIGN_IN_REQUIRED: Entry = Entry {
    id: "entra.sign_in_required",
    numbers: &[50_058],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft wants the person to sign in again",
    mend: "Press Sign in again.",
    ..Entry::BLANK
};
pub(crate) static SIGN_IN_CONFLICT: Entry = Entry {
    id: "entra.sign_in_conflict",
    numbers: &[50_197],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft found more than one identity that fits this sign-in",
    mend: "Press Sign in again and choose the account by its whole address.",
    ..Entry::BLANK
};
pub(crate) static SINGLE_SIGN_ON: Entry = Entry {
    id: "entra.single_sign_on",
    numbers: &[9_002_341],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The person has not yet allowed this app to use the sign-in of the machine",
    mend: "Press Sign in again and press Continue where Microsoft asks.",
    ..Entry::BLANK
};
pub(crate) static DECLINED: Entry = Entry {
    id: "entra.declined",
    numbers: &[65_004],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The consent was declined",
    mend: "Press Sign in again and press Accept, or ask the person who declined.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview"),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_OTHER_TENANT: Entry = Entry {
    id: "entra.account_other_tenant",
    numbers: &[16_000, 16_003, 50_020, 90_072],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The account does not belong to this tenant",
    mend: "Press Sign in again and choose an account of this organisation, or have the account invited as a guest.",
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50020-user-account-identity-provider-does-not-exist",
    ),
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_PERSONAL: Entry = Entry {
    id: "entra.account_personal",
    numbers: &[500_208],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "A personal account was chosen",
    mend: "Press Sign in again and choose a work or school account.",
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_UNKNOWN: Entry = Entry {
    id: "entra.account_unknown",
    numbers: &[50_034],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The account is not in the directory",
    mend: "Check the address and the tenant, then press Sign in again.",
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_DELETED: Entry = Entry {
    id: "entra.account_deleted",
    numbers: &[500_341],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::AfterSignIn,
    cause: "The account was deleted",
    mend: "Restore it under Users, Deleted users (within 30 days), then sign in again; or remove this connection.",
    link: Some("https://learn.microsoft.com/entra/fundamentals/users-restore"),
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_DISABLED: Entry = Entry {
    id: "entra.account_disabled",
    numbers: &[50_057],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account is disabled",
    mend: "Under Users open the account, press Edit and turn on Account enabled. A shared mailbox is meant to have its sign-in blocked: sign in as a person who has rights on it.",
    link: Some("https://learn.microsoft.com/microsoft-365/admin/email/about-shared-mailboxes"),
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_LOCKED: Entry = Entry {
    id: "entra.account_locked",
    numbers: &[50_053],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account is locked after failed sign-ins, or this server's address is blocked for malicious traffic",
    mend: "Wait, or unlock the account; the sign-in log says which of the two it is.",
    link: Some("https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout"),
    page: Some(Page::SignInLog),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_RISKY: Entry = Entry {
    id: "entra.account_risky",
    numbers: &[53_011],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account is blocked because of risk",
    mend: "Open Risky users, look at the account, and press Dismiss user risk or reset the password.",
    link: Some("https://learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock"),
    page: Some(Page::RiskyUsers),
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_NOT_ASSIGNED: Entry = Entry {
    id: "entra.account_not_assigned",
    numbers: &[50_105],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account is not assigned to the application",
    mend: "Open the enterprise application, Users and groups, press Add user/group and add the account; or under Properties set Assignment required to No.",
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50105-user-not-assigned-role",
    ),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static ROLE_NOT_ASSIGNED: Entry = Entry {
    id: "entra.role_not_assigned",
    numbers: &[501_051],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The application has no role on the service that it asks for",
    mend: "Open the enterprise application, Permissions, and press Grant admin consent; or under Properties of the service set Assignment required to No.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static DEVICE: Entry = Entry {
    id: "entra.device",
    numbers: &[53_000, 53_001, 530_003],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The tenant lets only managed devices sign in",
    mend: "Press Sign in again on a device that the organisation manages. An administrator may exclude the account from the device policy.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/conditional-access/policy-all-users-device-compliance",
    ),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static DEVICE_AUTHENTICATION: Entry = Entry {
    id: "entra.device_authentication",
    numbers: &[50_097, 50_129, 50_155, 50_187],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The device could not prove that it belongs to the organisation",
    mend: "Press Sign in again on a registered device. An administrator may exclude the account from the device policy.",
    link: Some("https://learn.microsoft.com/entra/identity/devices/overview"),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static DEVICE_DELETED: Entry = Entry {
    id: "entra.device_deleted",
    numbers: &[700_003],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The device on which this sign-in was made was deleted from the directory, and Microsoft ended everything that was signed in on it",
    mend: "Press Sign in again in a private window or on another device: the old session is of no use any more. An administrator can register the device again.",
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts700003-device-object-was-not-found",
    ),
    page: Some(Page::Devices),
    ..Entry::BLANK
};
pub(crate) static DEVICE_DISABLED: Entry = Entry {
    id: "entra.device_disabled",
    numbers: &[135_011],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The device on which this sign-in was made is disabled",
    mend: "Under Devices open the device and press Enable; or sign in again from another one.",
    link: Some("https://learn.microsoft.com/entra/identity/devices/manage-device-identities"),
    page: Some(Page::Devices),
    ..Entry::BLANK
};
pub(crate) static CONDITIONAL_ACCESS: Entry = Entry {
    id: "entra.conditional_access",
    numbers: &[50_131, 53_003],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "A Conditional Access policy blocks the sign-in",
    mend: "Open the sign-in log, the failed entry, Conditional Access: it names the policy. Exclude the application, the account or the address of this server from it.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/conditional-access/troubleshoot-conditional-access",
    ),
    page: Some(Page::SignInLog),
    ..Entry::BLANK
};
pub(crate) static SECURITY_POLICY: Entry = Entry {
    id: "entra.security_policy",
    numbers: &[530_032],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "A security policy of the tenant blocks the sign-in",
    mend: "Open the sign-in log, the failed entry: it names the policy. Review it for this account.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/conditional-access/troubleshoot-conditional-access",
    ),
    page: Some(Page::SignInLog),
    ..Entry::BLANK
};
pub(crate) static SECURITY_DEFAULTS: Entry = Entry {
    id: "entra.security_defaults",
    numbers: &[530_035],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant's security defaults block the sign-in",
    mend: "Open Properties, Manage security defaults, and review them; Conditional Access allows exceptions, security defaults do not.",
    link: Some("https://learn.microsoft.com/entra/fundamentals/security-defaults"),
    page: Some(Page::TenantProperties),
    ..Entry::BLANK
};
pub(crate) static APP_NOT_APPROVED: Entry = Entry {
    id: "entra.app_not_approved",
    numbers: &[53_002],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "A Conditional Access policy allows only approved client apps",
    mend: "Exclude Postroom's application from the grant control Require approved client app.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/conditional-access/policy-all-users-approved-app-or-app-protection",
    ),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static CONSENT_REQUIRED: Entry = Entry {
    id: "entra.consent_required",
    numbers: &[65_001],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Nobody has consented to what Postroom asks for",
    mend: "Press Sign in again and press Accept. Where Microsoft does not let people consent to mail, send the administrator's consent link.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static CONSENT_REFUSED: Entry = Entry {
    id: "entra.consent_refused",
    numbers: &[90_093],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Microsoft does not let this person consent",
    mend: "Send the administrator's consent link to an administrator, who opens it and presses Accept.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static ADMIN_APPROVAL: Entry = Entry {
    id: "entra.admin_approval",
    numbers: &[90_094],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant lets only an administrator consent",
    mend: "Send the administrator's consent link to an administrator, who opens it and presses Accept. Nobody has been told yet.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
    page: Some(Page::ConsentSettings),
    ..Entry::BLANK
};
pub(crate) static ADMIN_REQUEST: Entry = Entry {
    id: "entra.admin_request",
    numbers: &[90_095],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant takes a request for consent, and a reviewer has to approve it",
    mend: "Write a reason on Microsoft's page and press Request approval. The reviewer opens Admin consent requests, then Postroom's application, and presses Review permissions and consent.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/review-admin-consent-requests"),
    page: Some(Page::ConsentRequests),
    ..Entry::BLANK
};
pub(crate) static APP_DISABLED: Entry = Entry {
    id: "entra.app_disabled",
    numbers: &[7_000_112],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The application is disabled in the tenant",
    mend: "Open the enterprise application, Properties, and set Enabled for users to sign in to Yes.",
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts7000112-application-is-disabled",
    ),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static APP_UNREACHABLE: Entry = Entry {
    id: "entra.app_unreachable",
    numbers: &[1_000_031],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Microsoft does not let the application be used in this tenant for now",
    mend: "Open the enterprise application and look whether it is disabled or restricted.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static APP_BLOCKED: Entry = Entry {
    id: "entra.app_blocked",
    numbers: &[50_002, 500_021, 500_022],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant restrictions of a proxy do not allow this tenant or application",
    mend: "Allow the tenant in the proxy's header Restrict-Access-To-Tenants, or take sign-in addresses out of it for this server.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/tenant-restrictions"),
    ..Entry::BLANK
};
pub(crate) static CROSS_TENANT: Entry = Entry {
    id: "entra.cross_tenant",
    numbers: &[500_212, 500_213],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The cross-tenant access settings of one of the two tenants do not allow this sign-in",
    mend: "Open Cross-tenant access settings and allow the application for the other organisation, inbound or outbound.",
    link: Some("https://learn.microsoft.com/entra/external-id/cross-tenant-access-overview"),
    page: Some(Page::CrossTenant),
    ..Entry::BLANK
};
pub(crate) static SERVICE_MISSING: Entry = Entry {
    id: "entra.service_missing",
    numbers: &[650_052],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant has no licence for what Postroom asks for, or it is not enabled",
    mend: "License Exchange Online for the tenant, or enable its service principal.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    page: Some(Page::Licences),
    ..Entry::BLANK
};
pub(crate) static PASSWORD_AGENT: Entry = Entry {
    id: "entra.password_agent",
    numbers: &[
        80_001, 80_002, 80_003, 80_004, 80_005, 80_006, 80_007, 80_008, 80_009, 80_010, 80_011, 80_012,
        80_013, 80_014,
    ],
    class: Class::Transient,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant's on-premises sign-in agents do not answer",
    mend: "Check the pass-through authentication agents and the Active Directory; Postroom tries again by itself.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/hybrid/connect/tshoot-connect-pass-through-authentication",
    ),
    ..Entry::BLANK
};
pub(crate) static SECRET_WRONG: Entry = Entry {
    id: "entra.secret_wrong",
    numbers: &[70_002, 7_000_215],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The client secret is wrong",
    mend: "Under Certificates & secrets press New client secret, copy its Value (not its Secret ID), and put it into Postroom.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials"),
    page: Some(Page::AppCredentials),
    ..Entry::BLANK
};
pub(crate) static SECRET_EXPIRED: Entry = Entry {
    id: "entra.secret_expired",
    numbers: &[7_000_222],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The client secret has expired",
    mend: "Under Certificates & secrets press New client secret, copy its Value, and put it into Postroom.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials"),
    page: Some(Page::AppCredentials),
    ..Entry::BLANK
};
pub(crate) static CREDENTIAL_MISSING: Entry = Entry {
    id: "entra.credential_missing",
    numbers: &[7_000_218],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The app registration wants a credential that was not sent",
    mend: "Put in the client secret or the certificate. For the device code, set Allow public client flows to Yes under Authentication.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials"),
    page: Some(Page::AppAuthentication),
    ..Entry::BLANK
};
pub(crate) static CREDENTIAL_UNWANTED: Entry = Entry {
    id: "entra.credential_unwanted",
    numbers: &[700_025],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The app registration is a public client, which takes no secret",
    mend: "Under Authentication register the redirect URI as platform Web and not as Mobile and desktop.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reply-url"),
    page: Some(Page::AppAuthentication),
    ..Entry::BLANK
};
pub(crate) static CERTIFICATE_REFUSED: Entry = Entry {
    id: "entra.certificate_refused",
    numbers: &[50_012, 700_027, 700_030],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft refuses the certificate, or the signature that was made with it",
    mend: "Under Certificates & secrets press Upload certificate and upload the one whose thumbprint Postroom shows.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/certificate-credentials"),
    page: Some(Page::AppCredentials),
    ..Entry::BLANK
};
pub(crate) static ASSERTION: Entry = Entry {
    id: "entra.assertion",
    numbers: &[50_013, 500_133],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft refuses the assertion: it is not valid, or not any more",
    mend: "Check this machine's clock (NTP), and that login_url is of the tenant's cloud.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/certificate-credentials"),
    ..Entry::BLANK
};
pub(crate) static CLOCK: Entry = Entry {
    id: "entra.clock",
    numbers: &[700_024],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The time of this machine differs too much from Microsoft's",
    mend: "Set the clock of this machine (NTP).",
    link: Some("https://learn.microsoft.com/entra/identity-platform/certificate-credentials"),
    command: Some("timedatectl set-ntp true"),
    ..Entry::BLANK
};
pub(crate) static REDIRECT_URI: Entry = Entry {
    id: "entra.redirect_uri",
    numbers: &[50_011],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The redirect URI is not registered",
    mend: "Under Authentication press Add a platform, Web, and add exactly the redirect URI that Postroom shows.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reply-url"),
    page: Some(Page::AppAuthentication),
    ..Entry::BLANK
};
pub(crate) static REDIRECT_URI_NONE: Entry = Entry {
    id: "entra.redirect_uri_none",
    numbers: &[500_113],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The app registration has no redirect URI at all",
    mend: "Under Authentication press Add a platform, Web, and add exactly the redirect URI that Postroom shows.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reply-url"),
    page: Some(Page::AppAuthentication),
    ..Entry::BLANK
};
pub(crate) static SPA_REDIRECT: Entry = Entry {
    id: "entra.spa_redirect",
    numbers: &[700_084],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::AfterSignIn,
    cause: "The redirect URI is registered for a single-page application, whose sign-ins end after 24 hours",
    mend: "Under Authentication remove it there, add it as platform Web, then sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reply-url"),
    page: Some(Page::AppAuthentication),
    ..Entry::BLANK
};
pub(crate) static SINGLE_TENANT: Entry = Entry {
    id: "entra.single_tenant",
    numbers: &[50_194],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The app registration is single-tenant, but the sign-in began at the common address",
    mend: "Set [microsoft] tenant to the tenant's id; or under Authentication make the app registration multi-tenant.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/howto-convert-app-to-be-multi-tenant"),
    page: Some(Page::AppAuthentication),
    ..Entry::BLANK
};
pub(crate) static COMMON_TENANT: Entry = Entry {
    id: "entra.common_tenant",
    numbers: &[9_001_023],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "This way of signing in does not work at the common address",
    mend: "Set [microsoft] tenant to the tenant's id, or to organizations.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};
pub(crate) static TENANT_MISSING: Entry = Entry {
    id: "entra.tenant_missing",
    numbers: &[50_059, 50_128, 90_019],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Nothing in the request says which tenant is meant",
    mend: "Set [microsoft] tenant to the tenant's id.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};
pub(crate) static TENANT: Entry = Entry {
    id: "entra.tenant",
    numbers: &[90_002, 900_023],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft does not know the tenant",
    mend: "Check [microsoft] tenant: it is the tenant's id or one of its domains; and that login_url is of its cloud.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    page: Some(Page::TenantProperties),
    ..Entry::BLANK
};
pub(crate) static OTHER_CLOUD: Entry = Entry {
    id: "entra.other_cloud",
    numbers: &[90_038, 900_382, 900_432],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The tenant lives in another national cloud",
    mend: "Set [microsoft] login_url and graph_url to those of the tenant's cloud, and register the app there.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    ..Entry::BLANK
};
pub(crate) static CODE_OTHER_TENANT: Entry = Entry {
    id: "entra.code_other_tenant",
    numbers: &[700_005],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::AfterSignIn,
    cause: "The sign-in was begun at one tenant and finished at another",
    mend: "Set [microsoft] tenant to the tenant's id, then begin the sign-in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};
pub(crate) static CLIENT_ID: Entry = Entry {
    id: "entra.client_id",
    numbers: &[70_001, 700_011, 700_016],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft does not know the application in this tenant",
    mend: "Check [microsoft] client_id, tenant and cloud; in another tenant an administrator's consent creates the application.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    page: Some(Page::AppRegistration),
    ..Entry::BLANK
};
pub(crate) static FIRST_PARTY: Entry = Entry {
    id: "entra.first_party",
    numbers: &[65_002],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The client id is one of Microsoft's own applications",
    mend: "Register an app of your own and put its client id into Postroom.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/quickstart-register-app"),
    page: Some(Page::AppRegistrations),
    ..Entry::BLANK
};
pub(crate) static PERMISSIONS: Entry = Entry {
    id: "entra.permissions",
    numbers: &[65_005, 650_056, 650_057],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The app registration lacks permissions that Postroom asks for",
    mend: "Under API permissions press Add a permission and add those that Postroom lists.",
    link: Some("https://learn.microsoft.com/graph/permissions-reference"),
    page: Some(Page::AppPermissions),
    ..Entry::BLANK
};
pub(crate) static SCOPE: Entry = Entry {
    id: "entra.scope",
    numbers: &[700_022, 70_011, 28_002, 28_003],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft does not understand the permissions that were asked for",
    mend: "Check [microsoft] login_url, graph_url and ews_url: they must be of one cloud.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/scopes-oidc"),
    ..Entry::BLANK
};
pub(crate) static SCOPE_UNKNOWN: Entry = Entry {
    id: "entra.scope_unknown",
    numbers: &[650_053],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "A permission that was asked for does not exist at the service",
    mend: "Check [microsoft] login_url, graph_url and ews_url: they must be of one cloud.",
    link: Some("https://learn.microsoft.com/graph/permissions-reference"),
    ..Entry::BLANK
};
pub(crate) static RESOURCE: Entry = Entry {
    id: "entra.resource",
    numbers: &[50_001, 500_011],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The tenant does not know the service that was asked for, or it is disabled there",
    mend: "Check that login_url, graph_url and ews_url are of the tenant's cloud, and that the tenant has Exchange Online.",
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50001-resource-not-found",
    ),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
pub(crate) static CODE_USED: Entry = Entry {
    id: "entra.code_used",
    numbers: &[54_005],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The sign-in was already completed once",
    mend: "Begin the sign-in again.",
    ..Entry::BLANK
};
pub(crate) static VERIFIER: Entry = Entry {
    id: "entra.verifier",
    numbers: &[501_481],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::AfterSignIn,
    cause: "The sign-in came back with a proof that does not fit",
    mend: "Begin the sign-in again in one browser; report it if it lasts.",
    ..Entry::BLANK
};
pub(crate) static REQUEST: Entry = Entry {
    id: "entra.request",
    numbers: &[90_014, 900_144, 9_002_313],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft does not understand the request",
    mend: "Check the settings under [microsoft]; report it if they are right.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};
pub(crate) static ID_TOKEN: Entry = Entry {
    id: "entra.id_token",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::AfterSignIn,
    cause: "The identity that Microsoft sent could not be verified",
    mend: "Check [microsoft] login_url and this machine's clock, then sign in again.",
    ..Entry::BLANK
};
pub(crate) static DEVICE_CODE_PENDING: Entry = Entry {
    id: "entra.device_code_pending",
    numbers: &[70_016],
    class: Class::Transient,
    who: Who::MailboxOwner,
    retry: Retry::Soon,
    cause: "Nobody has entered the code at Microsoft yet",
    mend: "Open the address that is shown and enter the code.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"),
    ..Entry::BLANK
};
pub(crate) static DEVICE_CODE_SLOW_DOWN: Entry = Entry {
    id: "entra.device_code_slow_down",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "Microsoft was asked too often whether the code was entered",
    mend: "Wait: Postroom asks less often.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"),
    ..Entry::BLANK
};
pub(crate) static DEVICE_CODE_WRONG: Entry = Entry {
    id: "entra.device_code_wrong",
    numbers: &[70_018],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft does not know this device code",
    mend: "Begin the sign-in again and enter the new code.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"),
    ..Entry::BLANK
};
pub(crate) static DEVICE_CODE_OVER: Entry = Entry {
    id: "entra.device_code_over",
    numbers: &[70_019],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The code was not entered in time",
    mend: "Begin the sign-in again and enter the new code within a quarter of an hour.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"),
    ..Entry::BLANK
};
pub(crate) static DEVICE_CODE_DECLINED: Entry = Entry {
    id: "entra.device_code_declined",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The person who entered the code pressed Cancel",
    mend: "Begin the sign-in again, enter the new code and press Continue.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code"),
    ..Entry::BLANK
};
pub(crate) static ADMIN_CONSENT: Entry = Entry {
    id: "entra.admin_consent",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The return from the administrator's consent link cannot be read",
    mend: "Open the administrator's consent link again and press Accept.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/v2-admin-consent"),
    ..Entry::BLANK
};
pub(crate) static DISCOVERY: Entry = Entry {
    id: "entra.discovery",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The sign-in address does not name Microsoft's endpoints as it should",
    mend: "Check [microsoft] login_url and tenant: they must be of one cloud.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    ..Entry::BLANK
};
pub(crate) static UNKNOWN: Entry = Entry {
    id: "entra.unknown",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "Microsoft refused the sign-in for a reason that Postroom does not know",
    mend: "Press Sign in again; the code in Details tells Microsoft's support what happened.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &UNAVAILABLE,
    &THROTTLED,
    &TENANT_THROTTLED,
    &LOOP,
    &GRANT_REVOKED,
    &GRANT_EXPIRED,
    &GRANT_INVALID,
    &SESSION_INVALID,
    &SESSION_OVER,
    &PASSWORD_EXPIRED,
    &PASSWORD_WRONG,
    &MFA_REQUIRED,
    &MFA_ELSEWHERE,
    &MFA_ENROLMENT,
    &SIGN_IN_FREQUENCY,
    &SIGN_IN_REQUIRED,
    &SIGN_IN_CONFLICT,
    &SINGLE_SIGN_ON,
    &DECLINED,
    &ACCOUNT_OTHER_TENANT,
    &ACCOUNT_PERSONAL,
    &ACCOUNT_UNKNOWN,
    &ACCOUNT_DELETED,
    &ACCOUNT_DISABLED,
    &ACCOUNT_LOCKED,
    &ACCOUNT_RISKY,
    &ACCOUNT_NOT_ASSIGNED,
    &ROLE_NOT_ASSIGNED,
    &DEVICE,
    &DEVICE_AUTHENTICATION,
    &DEVICE_DELETED,
    &DEVICE_DISABLED,
    &CONDITIONAL_ACCESS,
    &SECURITY_POLICY,
    &SECURITY_DEFAULTS,
    &APP_NOT_APPROVED,
    &CONSENT_REQUIRED,
    &CONSENT_REFUSED,
    &ADMIN_APPROVAL,
    &ADMIN_REQUEST,
    &APP_DISABLED,
    &APP_UNREACHABLE,
    &APP_BLOCKED,
    &CROSS_TENANT,
    &SERVICE_MISSING,
    &PASSWORD_AGENT,
    &SECRET_WRONG,
    &SECRET_EXPIRED,
    &CREDENTIAL_MISSING,
    &CREDENTIAL_UNWANTED,
    &CERTIFICATE_REFUSED,
    &ASSERTION,
    &CLOCK,
    &REDIRECT_URI,
    &REDIRECT_URI_NONE,
    &SPA_REDIRECT,
    &SINGLE_TENANT,
    &COMMON_TENANT,
    &TENANT_MISSING,
    &TENANT,
    &OTHER_CLOUD,
    &CODE_OTHER_TENANT,
    &CLIENT_ID,
    &FIRST_PARTY,
    &PERMISSIONS,
    &SCOPE,
    &SCOPE_UNKNOWN,
    &RESOURCE,
    &CODE_USED,
    &VERIFIER,
    &REQUEST,
    &ID_TOKEN,
    &DEVICE_CODE_PENDING,
    &DEVICE_CODE_SLOW_DOWN,
    &DEVICE_CODE_WRONG,
    &DEVICE_CODE_OVER,
    &DEVICE_CODE_DECLINED,
    &ADMIN_CONSENT,
    &DISCOVERY,
    &UNKNOWN,
];

/// The entry of an AADSTS number; `None` for a number that the catalogue does not have.
pub(crate) fn by_number(number: u32) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.numbers.contains(&number)).copied()
}

/// The entry of an OAuth `error`; `None` for one that the catalogue does not have.
pub(crate) fn by_error(error: &str) -> Option<&'static Entry> {
    Some(match error {
        "invalid_grant" => &GRANT_INVALID,
        "interaction_required" | "login_required" => &SIGN_IN_REQUIRED,
        "consent_required" => &CONSENT_REQUIRED,
        "invalid_client" => &SECRET_WRONG,
        "access_denied" => &DECLINED,
        "authorization_declined" => &DEVICE_CODE_DECLINED,
        "authorization_pending" => &DEVICE_CODE_PENDING,
        "slow_down" => &DEVICE_CODE_SLOW_DOWN,
        "expired_token" => &DEVICE_CODE_OVER,
        "bad_verification_code" => &DEVICE_CODE_WRONG,
        "unauthorized_client" => &CLIENT_ID,
        "invalid_resource" => &RESOURCE,
        "invalid_scope" => &SCOPE,
        "invalid_request" | "unsupported_grant_type" | "unsupported_response_type" => &REQUEST,
        "server_error" | "temporarily_unavailable" => &UNAVAILABLE,
        _ => return None,
    })
}

/// The entry of a `suberror` that says more than its `error`. The rest are shown, or mean *sign in again*.
pub(crate) fn by_suberror(suberror: &str) -> Option<&'static Entry> {
    Some(match suberror {
        "consent_required" => &CONSENT_REQUIRED,
        "user_password_expired" => &PASSWORD_EXPIRED,
        "protection_policy_required" => &APP_NOT_APPROVED,
        "device_authentication_failed" => &DEVICE_AUTHENTICATION,
        "bad_token" | "token_expired" | "client_mismatch" => &GRANT_INVALID,
        "basic_action" | "additional_action" | "message_only" => &SIGN_IN_REQUIRED,
        _ => return None,
    })
}

/// The entry of an answer that says nothing that is known.
pub(crate) fn by_status(status: u16) -> &'static Entry {
    match status {
        429 => &THROTTLED,
        300..=399 | 511 => &crate::network::PORTAL,
        407 => &crate::network::PROXY,
        408 | 500..=599 => &UNAVAILABLE,
        _ => &UNKNOWN,
    }
}
