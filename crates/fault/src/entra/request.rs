//! A request, a code or an answer that is not as it should be; codes that are entered on another device.

use crate::{Class, Entry, Here, Retry, Who};

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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check client id, tenant and addresses; report it if they are right.",
    here: Some(Here::Registration),
    link: Some("https://learn.microsoft.com/entra/identity-platform/reference-error-codes"),
    ..Entry::BLANK
};
pub(crate) static ID_TOKEN: Entry = Entry {
    id: "entra.id_token",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::AfterSignIn,
    cause: "The identity that Microsoft sent could not be verified",
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check the sign-in address, and set this machine's clock (NTP); then sign in again.",
    here: Some(Here::Registration),
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
    mend: "On the app registration's page (or under [microsoft], if the settings own it) check the sign-in address and the tenant: they must be of one cloud.",
    here: Some(Here::Registration),
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
