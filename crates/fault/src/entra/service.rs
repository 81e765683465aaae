//! The sign-in service itself: busy, away, or asked too often.

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
