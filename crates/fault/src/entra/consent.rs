//! Consent, and whether the tenant has and lets in the application and the services that it asks for.

use crate::{Class, Entry, Page, Retry, Who};

pub(crate) static CONSENT_REQUIRED: Entry = Entry {
    id: "entra.consent_required",
    numbers: &[65_001],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Nobody has consented to what Postroom asks for",
    mend: "Open the administrator's consent link, which the button Ask the administrator shows, and press Accept. Where people may consent to mail themselves, press Sign in again and Accept.",
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
    mend: "Open the administrator's consent link, which the button Ask the administrator shows, and press Accept.",
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
    mend: "Open the administrator's consent link, which the button Ask the administrator shows, and press Accept. Microsoft tells no administrator by itself: the link has to be sent.",
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
    mend: "Whoever signs in writes a reason on Microsoft's page and presses Request approval. Then a reviewer opens Admin consent requests, Postroom's application, and presses Review permissions and consent.",
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
    mend: "Have the proxy name the tenant in the header Restrict-Access-To-Tenants, or have it set no such header for this server.",
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
    mend: "In the Microsoft 365 admin center under Licenses see that the tenant has Exchange Online. If it has, open the service that Details names under Enterprise applications (application type Microsoft Applications), Properties, and set Enabled for users to sign in to Yes.",
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
