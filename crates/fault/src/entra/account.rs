//! The account: unknown, disabled, of another tenant, not assigned.

use crate::{Class, Entry, Page, Retry, Who};

pub(crate) static ACCOUNT_OTHER_TENANT: Entry = Entry {
    id: "entra.account_other_tenant",
    numbers: &[16_000, 16_003, 50_020, 90_072],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The account does not belong to this tenant",
    mend: "Press Sign in again and choose an account of this organisation. For a mailbox of another one the app registration has to be multi-tenant, in the portal under Authentication and in Postroom: a guest has no mailbox here.",
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50020-user-account-identity-provider-does-not-exist",
    ),
    page: Some(Page::AppAuthentication),
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
    mend: "Under Users open the account, press Edit properties, Settings, and turn on Account enabled. A shared mailbox is meant to have its sign-in blocked: sign in as a person who has rights on it.",
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
    mend: "Open the sign-in log: the failure reason of the entry says which of the two it is. A locked account opens by itself after a while; with a blocked address, let this server reach Microsoft by another one.",
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
    mend: "Open the enterprise application, Permissions, and press Grant admin consent; or under Properties of the service's enterprise application set Assignment required to No.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
