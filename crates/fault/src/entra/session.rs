//! Grants, sessions, passwords and second factors: what a new sign-in mends, and some of it an administrator's exception, too.

use crate::{Class, Entry, Page, Retry, Who};

pub(crate) static GRANT_REVOKED: Entry = Entry {
    id: "entra.grant_revoked",
    numbers: &[50_173],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft ended this sign-in because the password was reset or the sessions were revoked",
    mend: "Press Sign in again and sign in as the same person.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static GRANT_EXPIRED: Entry = Entry {
    id: "entra.grant_expired",
    numbers: &[70_008, 700_082],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "This sign-in was not used for too long and has ended",
    mend: "Press Sign in again. A source that is polled at least once a week does not run into this.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static GRANT_INVALID: Entry = Entry {
    id: "entra.grant_invalid",
    numbers: &[70_000],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft does not accept this sign-in any more",
    mend: "Press Sign in again. If that does not help, check on the app registration's page (or under [microsoft], if the settings own it) that its client id is the one that the mailbox was signed in with.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static SESSION_INVALID: Entry = Entry {
    id: "entra.session_invalid",
    numbers: &[50_132, 50_133],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The sign-in ended after a change of the password",
    mend: "Press Sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/refresh-tokens"),
    ..Entry::BLANK
};
pub(crate) static SESSION_OVER: Entry = Entry {
    id: "entra.session_over",
    numbers: &[50_085, 50_089],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The sign-in took too long, or its token has ended",
    mend: "Begin the sign-in again and go through to its end.",
    ..Entry::BLANK
};
pub(crate) static PASSWORD_EXPIRED: Entry = Entry {
    id: "entra.password_expired",
    numbers: &[50_055, 50_144],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The password of the account has expired",
    mend: "Change the password at Microsoft, then press Sign in again.",
    link: Some("https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy"),
    page: Some(Page::Users),
    ..Entry::BLANK
};
pub(crate) static PASSWORD_WRONG: Entry = Entry {
    id: "entra.password_wrong",
    numbers: &[50_056, 50_126],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The password was missing or wrong",
    mend: "Press Sign in again and enter the right password.",
    ..Entry::BLANK
};
pub(crate) static MFA_REQUIRED: Entry = Entry {
    id: "entra.mfa_required",
    numbers: &[50_072, 50_074, 50_076, 50_078, 50_079],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "Microsoft wants a second factor",
    mend: "Press Sign in again and confirm with the second factor. Or an administrator excludes a service account in Conditional Access, and Postroom goes on by itself.",
    link: Some("https://learn.microsoft.com/entra/identity/authentication/concept-mfa-howitworks"),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static MFA_ELSEWHERE: Entry = Entry {
    id: "entra.mfa_elsewhere",
    numbers: &[50_158, 50_161],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "The tenant uses another provider for the second factor, and it was not passed",
    mend: "Press Sign in again and pass that provider's check. Or an administrator excludes a service account in Conditional Access, and Postroom goes on by itself.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/authentication/concept-authentication-external-method-provider",
    ),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static MFA_ENROLMENT: Entry = Entry {
    id: "entra.mfa_enrolment",
    numbers: &[53_004, 53_010],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "The second factor is not set up, and it may not be set up from here",
    mend: "Set it up under aka.ms/mfasetup from a place that the tenant trusts, then press Sign in again. Or an administrator excludes a service account in Conditional Access, and Postroom goes on by itself.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/authentication/howto-registration-mfa-sspr-combined",
    ),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static SIGN_IN_FREQUENCY: Entry = Entry {
    id: "entra.sign_in_frequency",
    numbers: &[70_043],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The tenant's policy ends sign-ins after a time",
    mend: "Press Sign in again. An administrator may exclude this account from the sign-in frequency policy.",
    link: Some("https://learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime"),
    page: Some(Page::ConditionalAccess),
    ..Entry::BLANK
};
pub(crate) static SIGN_IN_REQUIRED: Entry = Entry {
    id: "entra.sign_in_required",
    numbers: &[50_058],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft wants the person to sign in again",
    mend: "Press Sign in again.",
    ..Entry::BLANK
};
pub(crate) static SIGN_IN_CONFLICT: Entry = Entry {
    id: "entra.sign_in_conflict",
    numbers: &[50_197],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "Microsoft found more than one identity that fits this sign-in",
    mend: "Press Sign in again and choose the account by its whole address.",
    ..Entry::BLANK
};
pub(crate) static SINGLE_SIGN_ON: Entry = Entry {
    id: "entra.single_sign_on",
    numbers: &[9_002_341],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The person has not yet allowed this app to use the sign-in of the machine",
    mend: "Press Sign in again and press Continue where Microsoft asks.",
    ..Entry::BLANK
};
pub(crate) static DECLINED: Entry = Entry {
    id: "entra.declined",
    numbers: &[65_004],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The consent was declined",
    mend: "Press Sign in again and press Accept, or ask the person who declined.",
    link: Some("https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview"),
    ..Entry::BLANK
};
