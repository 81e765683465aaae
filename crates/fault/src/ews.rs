//! Exchange Web Services: response codes and HTTP failures that Graph does not know. What both know is in `graph.rs`.

use crate::{Class, Entry, Who, entra, graph};

pub(crate) static DISABLED: Entry = Entry {
    id: "ews.disabled",
    cause: "Exchange Web Services are switched off for this mailbox or tenant",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Move this connection to Graph, or switch EWS on (EwsEnabled) while Microsoft still allows it.",
    link: Some(
        "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange",
    ),
};
pub(crate) static NOT_ALLOWED: Entry = Entry {
    id: "ews.not_allowed",
    cause: "The tenant does not let this application use Exchange Web Services",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Move this connection to Graph, or add the application's id to EwsAllowedAppIDs (the whole list is written).",
    link: Some(
        "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-control-access-to-ews-in-exchange",
    ),
};
pub(crate) static AUDIENCE: Entry = Entry {
    id: "ews.audience",
    cause: "The token is meant for something else than Exchange Web Services",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check [microsoft] ews_url: it must be of the same cloud as login_url.",
    link: None,
};
pub(crate) static IMPERSONATION: Entry = Entry {
    id: "ews.impersonation",
    cause: "The application may not act as the owner of this mailbox",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Grant the role Application EWS.AccessAsApp for this mailbox.",
    link: None,
};
pub(crate) static ADDRESS: Entry = Entry {
    id: "ews.address",
    cause: "The mailbox's address is missing, or not its primary one",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Put in the primary address that Details names.",
    link: None,
};
pub(crate) static SUBSCRIPTION: Entry = Entry {
    id: "ews.subscription",
    cause: "The mailbox has dropped the subscription by which it tells of new mail",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom polls meanwhile and subscribes again by itself.",
    link: None,
};
pub(crate) static REDIRECTED: Entry = Entry {
    id: "ews.redirected",
    cause: "Exchange sends us to another address, to which no token is sent",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Set [microsoft] ews_url to the address that Details names, if it is yours.",
    link: None,
};

/// All of this page.
pub(crate) static ALL: &[&Entry] =
    &[&DISABLED, &NOT_ALLOWED, &AUDIENCE, &IMPERSONATION, &ADDRESS, &SUBSCRIPTION, &REDIRECTED];

/// The entry of a response code, if the catalogue has it.
pub(crate) fn by_code(code: &str) -> Option<&'static Entry> {
    Some(match code {
        "ErrorImpersonateUserDenied" | "ErrorImpersonationDenied" | "ErrorImpersonationFailed" => {
            &IMPERSONATION
        }
        "ErrorMissingEmailAddress" | "ErrorNonPrimarySmtpAddress" => &ADDRESS,
        "ErrorInvalidSubscription"
        | "ErrorSubscriptionNotFound"
        | "ErrorInvalidWatermark"
        | "ErrorReadEventsFailed"
        | "ErrorMissedNotificationEvents"
        | "ErrorExpiredSubscription"
        | "ErrorExceededSubscriptionCount"
        | "ErrorSubscriptionDelegateAccessNotSupported"
        | "ErrorSubscriptionAccessDenied" => &SUBSCRIPTION,
        "ErrorExceededConnectionCount"
        | "ErrorTooManyObjectsOpened"
        | "ErrorInsufficientResources"
        | "ErrorADUnavailable"
        | "ErrorNotEnoughMemory" => &graph::UNAVAILABLE,
        "ErrorVirusDetected" => &graph::CORRUPT_ITEM,
        "ErrorAccountDisabled" => &entra::ACCOUNT_DISABLED,
        "ErrorPasswordExpired" | "ErrorPasswordChangeRequired" => &entra::PASSWORD_EXPIRED,
        "ErrorChangeKeyRequired" => &graph::CONFLICT,
        "ErrorInvalidServerVersion" | "ErrorSchemaValidation" => &graph::REQUEST,
        "ErrorServerBusy" => &graph::THROTTLED,
        _ => return graph::by_code(code),
    })
}

/// The entry of an HTTP failure. `policy` is `X-EWS-Policy-Reason`, `diagnostics` is `x-ms-diagnostics`; both begin with
/// something that is meant for machines.
pub(crate) fn by_status(status: u16, policy: &str, diagnostics: &str) -> &'static Entry {
    match status {
        401 if diagnostics.starts_with("2000003") => &AUDIENCE,
        403 if policy.contains("is disabled") => &DISABLED,
        403 if !policy.is_empty() => &NOT_ALLOWED,
        300..=399 | 451 => &REDIRECTED,
        _ => graph::by_status(status),
    }
}
