//! Postroom's own.

use crate::{Class, Entry, Page, Retry, Who};

pub(crate) static STORE: Entry = Entry {
    id: "own.store",
    cause: "The database did not take a change",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    mend: "Look at the log: it says what is wrong with the database.",
    ..Entry::BLANK
};
pub(crate) static TURN: Entry = Entry {
    id: "own.turn",
    cause: "It waits for a mail about the same that came before it",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    mend: "Wait: it goes on by itself when that one has its end.",
    ..Entry::BLANK
};
pub(crate) static DISK_FULL: Entry = Entry {
    id: "own.disk_full",
    cause: "The disk is full",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    mend: "Make room on the disk; Postroom goes on by itself.",
    ..Entry::BLANK
};
pub(crate) static SEAL: Entry = Entry {
    id: "own.seal",
    cause: "A stored secret cannot be opened",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Put back the master key that belongs to this database.",
    ..Entry::BLANK
};
pub(crate) static CONFIGURATION: Entry = Entry {
    id: "own.configuration",
    cause: "A setting is missing or wrong",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Correct the setting that Details names.",
    ..Entry::BLANK
};
pub(crate) static FENCE: Entry = Entry {
    id: "own.fence",
    cause: "The application reaches a mailbox outside its fence, and so every mailbox of the tenant",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    mend: "Fence the application with a role of Exchange whose scope holds its mailboxes, and under API permissions take back every permission for mail that Entra grants it: the two add up. Exchange may answer as before for up to 2 hours.",
    link: Some("https://learn.microsoft.com/exchange/permissions-exo/application-rbac"),
    page: Some(Page::AppPermissions),
    command: Some("Test-ServicePrincipalAuthorization -Identity CLIENT_ID -Resource MAILBOX"),
    ..Entry::BLANK
};
pub(crate) static NOT_SIGNED_IN: Entry = Entry {
    id: "own.not_signed_in",
    cause: "Nobody has signed in for this account yet",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    mend: "Sign in with Microsoft.",
    ..Entry::BLANK
};
pub(crate) static ACCOUNT_GONE: Entry = Entry {
    id: "own.account_gone",
    cause: "The account was removed",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Sign in again to connect the mailbox anew.",
    ..Entry::BLANK
};
pub(crate) static CONNECTION_GONE: Entry = Entry {
    id: "own.connection_gone",
    cause: "Something that this needs was removed",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Open the source and choose again what is missing.",
    ..Entry::BLANK
};
pub(crate) static REFRESH_BUSY: Entry = Entry {
    id: "own.refresh_busy",
    cause: "Another node renews this account's token and does not come to an end",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static DELTA_RESETS: Entry = Entry {
    id: "own.delta_resets",
    cause: "The mailbox forgets our place each time it is asked",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static PLAN_UNREADABLE: Entry = Entry {
    id: "own.plan_unreadable",
    cause: "A stored plan does not say what to do",
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    mend: "Retry the message; report this as a fault of Postroom if it lasts.",
    ..Entry::BLANK
};
pub(crate) static STATE: Entry = Entry {
    id: "own.state",
    cause: "The sign-in came back to another browser, too late, or twice",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    mend: "Begin the sign-in again in this browser.",
    ..Entry::BLANK
};
pub(crate) static SWAPPED_ACCOUNT: Entry = Entry {
    id: "own.swapped_account",
    cause: "Another person signed in than before",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    mend: "Sign in as the person before, or confirm the change.",
    ..Entry::BLANK
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &STORE,
    &TURN,
    &DISK_FULL,
    &SEAL,
    &CONFIGURATION,
    &FENCE,
    &NOT_SIGNED_IN,
    &ACCOUNT_GONE,
    &CONNECTION_GONE,
    &REFRESH_BUSY,
    &DELTA_RESETS,
    &PLAN_UNREADABLE,
    &STATE,
    &SWAPPED_ACCOUNT,
];
