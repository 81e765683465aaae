//! The app registration's secret, certificate and assertion.

use crate::{Class, Entry, Here, Page, Retry, Who};

pub(crate) static SECRET_WRONG: Entry = Entry {
    id: "entra.secret_wrong",
    numbers: &[70_002, 7_000_215],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The client secret is wrong",
    mend: "Under Certificates & secrets press New client secret, copy its Value (not its Secret ID), and put it into Postroom.",
    here: Some(Here::Registration),
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
    here: Some(Here::Registration),
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
    mend: "Put in the client secret or the certificate. For the device code turn on Allow public client flows under Authentication.",
    here: Some(Here::Registration),
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
    mend: "Under Authentication remove the redirect URI from the platform Mobile and desktop applications and add it for the platform Web.",
    here: Some(Here::Registration),
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
    here: Some(Here::Registration),
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
    mend: "Set this machine's clock (NTP). On the app registration's page (or under [microsoft], if the settings own it) check that the sign-in address is of the tenant's cloud.",
    here: Some(Here::Registration),
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
