//! Exchange Web Services: response codes and HTTP failures that Graph does not know. What both know is in `graph.rs`.

use crate::{Class, Entry, Here, Page, Retry, Who, graph};

pub(crate) static DISABLED: Entry = Entry {
    id: "ews.disabled",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Exchange Web Services are switched off for this mailbox or tenant",
    mend: "Press Move to Graph. Or switch EWS on for the tenant and the mailbox, while Microsoft still allows it (until 2027-04-01); it takes up to a day.",
    link: Some(
        "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange",
    ),
    command: Some(
        "Set-OrganizationConfig -EwsEnabled $true; Set-CASMailbox -Identity MAILBOX -EwsEnabled $true",
    ),
    ..Entry::BLANK
};
pub(crate) static NOT_ALLOWED: Entry = Entry {
    id: "ews.not_allowed",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The tenant does not let this application use Exchange Web Services",
    mend: "Press Move to Graph. Or add the client id to EwsAllowedAppIDs: the command writes the whole list, so read it first.",
    link: Some(
        "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange",
    ),
    command: Some(
        "Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy; Set-OrganizationConfig -EwsAllowedAppIDs \"OTHER_IDS,CLIENT_ID\"",
    ),
    ..Entry::BLANK
};
pub(crate) static IMPERSONATION: Entry = Entry {
    id: "ews.impersonation",
    codes: &["ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The application may not act as the owner of this mailbox",
    mend: "Give it the role Application EWS.AccessAsApp with a scope that holds this mailbox: How to register has the commands of the fence.",
    link: Some("https://learn.microsoft.com/exchange/permissions-exo/application-rbac"),
    command: Some(
        "New-ManagementRoleAssignment -App CLIENT_ID -Role \"Application EWS.AccessAsApp\" -CustomResourceScope SCOPE",
    ),
    ..Entry::BLANK
};
pub(crate) static ADDRESS: Entry = Entry {
    id: "ews.address",
    codes: &["ErrorMissingEmailAddress", "ErrorNonPrimarySmtpAddress"],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The mailbox's address is missing, or not its primary one",
    mend: "Remove the connection, which has read nothing, and make it again with the primary address that Details names.",
    command: Some("Get-Mailbox -Identity MAILBOX | Format-List PrimarySmtpAddress"),
    ..Entry::BLANK
};
pub(crate) static SUBSCRIPTION: Entry = Entry {
    id: "ews.subscription",
    codes: &[
        "ErrorInvalidSubscription",
        "ErrorSubscriptionNotFound",
        "ErrorInvalidWatermark",
        "ErrorReadEventsFailed",
        "ErrorMissedNotificationEvents",
        "ErrorExpiredSubscription",
    ],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mailbox has dropped the subscription by which it tells of new mail",
    mend: "Wait: Postroom polls meanwhile and subscribes again by itself.",
    ..Entry::BLANK
};
pub(crate) static SUBSCRIPTION_REFUSED: Entry = Entry {
    id: "ews.subscription_refused",
    codes: &[
        "ErrorSubscriptionDelegateAccessNotSupported",
        "ErrorSubscriptionAccessDenied",
        "ErrorExceededSubscriptionCount",
    ],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Slow,
    cause: "The mailbox takes no subscription from this account",
    mend: "Wait: Postroom polls instead.",
    ..Entry::BLANK
};
pub(crate) static CROWDED: Entry = Entry {
    id: "ews.crowded",
    codes: &[
        "ErrorExceededConnectionCount",
        "ErrorTooManyObjectsOpened",
        "ErrorInsufficientResources",
        "ErrorNotEnoughMemory",
        "ErrorADUnavailable",
        "ErrorBatchProcessingStopped",
    ],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "Exchange has too much to do for this mailbox at the moment",
    mend: "Wait: Postroom asks for less at a time and tries again.",
    link: Some(
        "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange",
    ),
    ..Entry::BLANK
};
pub(crate) static VIRUS: Entry = Entry {
    id: "ews.virus",
    codes: &["ErrorVirusDetected"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "Exchange found a virus in this mail and does not hand it out",
    mend: "Nothing: the mail is set aside. Look at it in Outlook if it was expected.",
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_DISABLED: Entry = Entry {
    id: "ews.account_disabled",
    codes: &["ErrorAccountDisabled"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Exchange says that the account is disabled",
    mend: "Under Users open the account, press Edit properties, Settings, and turn on Account enabled.",
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static PASSWORD: Entry = Entry {
    id: "ews.password",
    codes: &["ErrorPasswordExpired", "ErrorPasswordChangeRequired"],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Exchange says that the password has expired",
    mend: "Change the password, then press Sign in again.",
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static CHANGE_KEY: Entry = Entry {
    id: "ews.change_key",
    codes: &["ErrorChangeKeyRequired"],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mail was changed since Postroom looked at it",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static SCHEMA: Entry = Entry {
    id: "ews.schema",
    codes: &["ErrorInvalidServerVersion", "ErrorSchemaValidation"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "Exchange Web Services do not understand a request",
    mend: "Report this as a fault of Postroom.",
    ..Entry::BLANK
};
pub(crate) static AUDIENCE: Entry = Entry {
    id: "ews.audience",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The token is meant for something else than Exchange Web Services",
    mend: "The address of EWS must be of the same cloud as the sign-in, and what was consented to must include EWS. Correct that of the connection (remove it and create it again over EWS with the right one; no mail is handled twice), or, where it names none, that on the app registration's page (or under [microsoft], if the settings own it).",
    here: Some(Here::EwsAddress),
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    ..Entry::BLANK
};
pub(crate) static NOT_THERE: Entry = Entry {
    id: "ews.not_there",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "There are no Exchange Web Services at this address",
    mend: "The address must end in /EWS/Exchange.asmx. Correct that of the connection (remove it and create it again over EWS with the right one; no mail is handled twice), or, where it names none, that on the app registration's page (or under [microsoft], if the settings own it).",
    here: Some(Here::EwsAddress),
    ..Entry::BLANK
};
pub(crate) static REDIRECTED: Entry = Entry {
    id: "ews.redirected",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Exchange sends us to another address, to which no token is sent",
    mend: "If the address that Details names is yours, put it in: at the connection (remove it and create it again over EWS with that address; no mail is handled twice), or, where it names none, on the app registration's page (or under [microsoft], if the settings own it).",
    here: Some(Here::EwsAddress),
    ..Entry::BLANK
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &DISABLED,
    &NOT_ALLOWED,
    &IMPERSONATION,
    &ADDRESS,
    &SUBSCRIPTION,
    &SUBSCRIPTION_REFUSED,
    &CROWDED,
    &VIRUS,
    &ACCOUNT_DISABLED,
    &PASSWORD,
    &CHANGE_KEY,
    &SCHEMA,
    &AUDIENCE,
    &NOT_THERE,
    &REDIRECTED,
];

/// The entry of a response code, if the catalogue has it.
pub(crate) fn by_code(code: &str) -> Option<&'static Entry> {
    let own = ALL.iter().find(|entry| entry.codes.contains(&code)).copied();
    own.or_else(|| graph::by_code(code))
}

/// The entry of `X-EWS-Policy-Reason`: switched off, or this application barred.
pub(crate) fn by_policy(reason: &str) -> &'static Entry {
    if reason.to_ascii_lowercase().contains("disabled") { &DISABLED } else { &NOT_ALLOWED }
}

/// The entry of an HTTP failure without a known code.
pub(crate) fn by_status(status: u16) -> &'static Entry {
    match status {
        300..=399 | 451 => &REDIRECTED,
        404 => &NOT_THERE,
        _ => graph::by_status(status),
    }
}
