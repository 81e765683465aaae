//! Devices, Conditional Access and other policies of the tenant.

use crate::{Class, Entry, Page, Retry, Who};

pub(crate) static DEVICE: Entry = Entry {
    id: "entra.device",
    numbers: &[53_000, 53_001, 530_003],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "The tenant lets only managed devices sign in",
    mend: "Press Sign in again on a device that the organisation manages. Or an administrator excludes the account from the device policy, and Postroom goes on by itself.",
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
    retry: Retry::Slow,
    cause: "The device could not prove that it belongs to the organisation",
    mend: "Press Sign in again on a registered device. Or an administrator excludes the account from the device policy, and Postroom goes on by itself.",
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
    mend: "Press Sign in again in a private window or on another device: the old session is of no use any more. Under Devices an administrator sees whether the device is there: one that is gone is registered again, one that is disabled is enabled.",
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
