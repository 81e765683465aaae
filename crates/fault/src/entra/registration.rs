//! The app registration and its tenant: addresses, cloud, client id, permissions.

use crate::{Class, Entry, Here, Page, Retry, Who};

pub(crate) static REDIRECT_URI: Entry = Entry {
    id: "entra.redirect_uri",
    numbers: &[50_011],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The redirect URI is not registered",
    mend: "Under Authentication add exactly the redirect URI that Postroom shows, for the platform Web.",
    here: Some(Here::Registration),
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
    mend: "Under Authentication add exactly the redirect URI that Postroom shows, for the platform Web.",
    here: Some(Here::Registration),
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
    mend: "Under Authentication remove it from the platform Single-page application, add it for the platform Web, then sign in again.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the tenant to the tenant's id. Where further tenants are to sign in, make the app registration multi-tenant instead: in the portal under Authentication, by its supported accounts, and on that page.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the tenant to the tenant's id, or to organizations.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the tenant to the tenant's id.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check the tenant, which is the tenant's id (Tenant ID under Properties) or one of its domains, and that the sign-in address is of its cloud.",
    here: Some(Here::Registration),
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    page: Some(Page::TenantProperties),
    ..Entry::BLANK
};
pub(crate) static OTHER_CLOUD: Entry = Entry {
    id: "entra.other_cloud",
    numbers: &[90_038, 90_051, 900_382, 900_432],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The tenant lives in another national cloud",
    mend: "Register the app in the portal of the tenant's cloud. On the app registration's page (or under [microsoft], if the settings own it) put in its client id and that cloud, with the addresses of sign-in and Graph.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the tenant to the tenant's id, then begin the sign-in again.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check client id, tenant and cloud. In a further tenant an administrator opens the consent link once, which creates the application there.",
    here: Some(Here::Registration),
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
    here: Some(Here::Registration),
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
    mend: "Under API permissions press Add a permission and add those that Postroom lists under How to register.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check the addresses of sign-in, Graph and EWS: they must be of one cloud.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check the addresses of sign-in, Graph and EWS: they must be of one cloud.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check that the addresses of sign-in, Graph and EWS are of the tenant's cloud; and see under Enterprise applications (application type Microsoft Applications) that the tenant has the service, Office 365 Exchange Online or Microsoft Graph, and that it is enabled.",
    here: Some(Here::Registration),
    link: Some(
        "https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50001-resource-not-found",
    ),
    page: Some(Page::EnterpriseApplications),
    ..Entry::BLANK
};
