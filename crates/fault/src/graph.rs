//! Microsoft Graph mail: error codes and statuses.

use crate::{Class, Entry, Here, Page, Retry, Who};

pub(crate) static THROTTLED: Entry = Entry {
    id: "graph.throttled",
    codes: &[
        "ApplicationThrottled",
        "TooManyRequests",
        "activityLimitReached",
        "throttledRequest",
        "ErrorServerBusy",
    ],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mailbox asks for a pause",
    mend: "Wait: Postroom goes on by itself.",
    link: Some("https://learn.microsoft.com/graph/throttling-limits"),
    ..Entry::BLANK
};
pub(crate) static BUSY: Entry = Entry {
    id: "graph.busy",
    codes: &["serviceNotAvailable", "ServiceUnavailable"],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mail server is busy",
    mend: "Wait: Postroom tries again by itself.",
    link: Some("https://learn.microsoft.com/graph/throttling"),
    ..Entry::BLANK
};
pub(crate) static UNAVAILABLE: Entry = Entry {
    id: "graph.unavailable",
    codes: &[
        "ErrorMailboxMoveInProgress",
        "ErrorMailboxFailover",
        "ErrorMailboxStoreUnavailable",
        "ErrorConnectionFailed",
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorTimeoutExpired",
        "GatewayTimeout",
        "generalException",
    ],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mail server does not answer as it should",
    mend: "Wait: Postroom tries again by itself.",
    link: Some("https://learn.microsoft.com/graph/errors"),
    ..Entry::BLANK
};
pub(crate) static MAILBOX_STALE: Entry = Entry {
    id: "graph.mailbox_stale",
    codes: &["MailboxInfoStale"],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "Exchange looks for the mailbox at a place that it has left",
    mend: "Wait: Postroom tries again by itself. If it lasts, connect the mailbox anew, so that it is asked for by its id and not by its address.",
    ..Entry::BLANK
};
pub(crate) static TOKEN: Entry = Entry {
    id: "graph.token",
    codes: &["InvalidAuthenticationToken"],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "The mail server does not accept the token, though it was renewed",
    mend: "Press Sign in again.",
    ..Entry::BLANK
};
pub(crate) static TOKEN_EXPIRED: Entry = Entry {
    id: "graph.token_expired",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The token ended on its way to the mail server",
    mend: "Wait: Postroom renews it and tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static CLAIMS: Entry = Entry {
    id: "graph.claims",
    codes: &["insufficient_claims"],
    class: Class::SignIn,
    who: Who::MailboxOwner,
    retry: Retry::AfterSignIn,
    cause: "The mail server wants the sign-in to be renewed: something about the account or its place has changed",
    mend: "Press Sign in again; Postroom passes on what Microsoft asks for.",
    link: Some(
        "https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation",
    ),
    ..Entry::BLANK
};
pub(crate) static NO_LICENCE: Entry = Entry {
    id: "graph.no_licence",
    codes: &["unauthenticated"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The mail server refuses without a word: most often the account has no licence for Exchange Online",
    mend: "In the Microsoft 365 admin center under Licenses give the account one with Exchange Online, and wait 15 minutes. If it has one, the addresses on the app registration's page (or under [microsoft], if the settings own it) are not of one cloud.",
    link: Some("https://learn.microsoft.com/microsoft-365/admin/manage/assign-licenses-to-users"),
    page: Some(Page::Licences),
    command: Some("Get-Mailbox -Identity MAILBOX"),
    ..Entry::BLANK
};
pub(crate) static AUDIENCE: Entry = Entry {
    id: "graph.audience",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The token is meant for another service than this mail server",
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the addresses of sign-in, Graph and EWS to those of one cloud, and take care that the connection type fits the address.",
    here: Some(Here::Registration),
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    ..Entry::BLANK
};
pub(crate) static TOKEN_FOREIGN: Entry = Entry {
    id: "graph.token_foreign",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The mail server cannot verify the token, which another cloud or tenant has signed",
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the addresses of sign-in, Graph and EWS to those of the mailbox's cloud, and the tenant to its tenant.",
    here: Some(Here::Registration),
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    ..Entry::BLANK
};
pub(crate) static ACCESS_DENIED: Entry = Entry {
    id: "graph.access_denied",
    codes: &["ErrorAccessDenied"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account may not do this with the mailbox",
    mend: "For a shared mailbox give the account Full Access (Exchange admin center, Mailboxes, Delegation). For application permission check that the mailbox lies within the scope of its role.",
    link: Some("https://learn.microsoft.com/exchange/permissions-exo/application-rbac"),
    page: Some(Page::Mailboxes),
    command: Some("Test-ServicePrincipalAuthorization -Identity CLIENT_ID -Resource MAILBOX"),
    command_of_person: Some("Add-MailboxPermission -Identity MAILBOX -User ACCOUNT -AccessRights FullAccess"),
    ..Entry::BLANK
};
pub(crate) static ACCESS_POLICY: Entry = Entry {
    id: "graph.access_policy",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "A policy of the tenant keeps this application away from the mailbox",
    mend: "Add the mailbox to the group of the application access policy; the command shows whether it is let in. Where EwsApplicationAccessPolicy lists user agents, add Postroom's. It may take two hours to hold.",
    link: Some("https://learn.microsoft.com/graph/auth-limit-mailbox-access"),
    command: Some("Test-ApplicationAccessPolicy -AppId CLIENT_ID -Identity MAILBOX"),
    ..Entry::BLANK
};
pub(crate) static PERMISSION: Entry = Entry {
    id: "graph.permission",
    codes: &["accessDenied", "Authorization_RequestDenied"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Nobody has consented to the permission that this needs",
    mend: "Open the administrator's consent link and press Accept; or, in the tenant that the app is registered in, press Grant admin consent under API permissions.",
    link: Some("https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent"),
    page: Some(Page::AppPermissions),
    ..Entry::BLANK
};
pub(crate) static SUBSCRIPTION_REFUSED: Entry = Entry {
    id: "graph.subscription_refused",
    codes: &["extensionError"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Exchange does not let Postroom subscribe to this mailbox",
    mend: "Nothing needs to be done: Postroom polls. A policy, delegated rights or a mailbox on premises stand against it.",
    link: Some("https://learn.microsoft.com/graph/outlook-change-notifications-overview"),
    ..Entry::BLANK
};
pub(crate) static SUBSCRIPTION_UNREACHABLE: Entry = Entry {
    id: "graph.subscription_unreachable",
    codes: &["ValidationError"],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "Microsoft could not reach Postroom to tell of new mail",
    mend: "Nothing stands still: Postroom polls. For push let https requests from the internet to /push/ of public_url through (reverse proxy, firewall, a certificate of a public authority).",
    link: Some("https://learn.microsoft.com/graph/change-notifications-delivery-webhooks"),
    ..Entry::BLANK
};
pub(crate) static SEND_AS: Entry = Entry {
    id: "graph.send_as",
    codes: &["ErrorSendAsDenied"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account may not send as this address",
    mend: "In the Exchange admin center open the mailbox, Delegation, and add the account under Send as or Send on behalf.",
    link: Some(
        "https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-permissions-for-recipients",
    ),
    page: Some(Page::Mailboxes),
    command: Some("Add-RecipientPermission -Identity MAILBOX -Trustee ACCOUNT -AccessRights SendAs"),
    ..Entry::BLANK
};
pub(crate) static NO_MAILBOX: Entry = Entry {
    id: "graph.no_mailbox",
    codes: &["MailboxNotEnabledForRESTAPI"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "The account has no mailbox in Exchange Online, or it is inactive",
    mend: "In the Microsoft 365 admin center under Licenses give the account one with Exchange Online, and wait 15 minutes if it is new. A mailbox on premises needs a connection of the type EWS.",
    link: Some("https://learn.microsoft.com/graph/resolve-auth-errors"),
    page: Some(Page::Licences),
    command: Some("Get-Mailbox -Identity MAILBOX"),
    ..Entry::BLANK
};
pub(crate) static MAILBOX_UNKNOWN: Entry = Entry {
    id: "graph.mailbox_unknown",
    codes: &["ErrorNonExistentMailbox", "ErrorInvalidUser", "ResourceNotFound", "Request_ResourceNotFound"],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "There is no mailbox of this address",
    mend: "Check the mailbox's address. If the mailbox is new, wait 15 minutes.",
    page: Some(Page::Users),
    command: Some("Get-Mailbox -Identity MAILBOX"),
    ..Entry::BLANK
};
pub(crate) static FOLDER_GONE: Entry = Entry {
    id: "graph.folder_gone",
    codes: &["ErrorFolderNotFound", "ErrorSyncFolderNotFound", "ErrorToFolderNotFound"],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The folder is gone",
    mend: "Restore it in Outlook, or remove this source and make one for another folder.",
    here: Some(Here::AnotherFolder),
    ..Entry::BLANK
};
pub(crate) static HANDLED_FOLDER_GONE: Entry = Entry {
    id: "graph.handled_folder_gone",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The folder that handled mail is moved to is gone",
    mend: "Open the source's settings and choose another folder for handled mail, or something else that becomes of it; or restore the folder in Outlook.",
    here: Some(Here::HandledMail),
    ..Entry::BLANK
};
pub(crate) static ITEM_GONE: Entry = Entry {
    id: "graph.item_gone",
    codes: &["ErrorItemNotFound", "itemNotFound"],
    class: Class::Poison,
    who: Who::Nobody,
    retry: Retry::Never,
    cause: "The mail is not in the mailbox any more",
    mend: "Nothing: it was deleted or moved away.",
    ..Entry::BLANK
};
pub(crate) static ID: Entry = Entry {
    id: "graph.id",
    codes: &["ErrorInvalidIdMalformed", "ErrorInvalidId"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "The mail server does not understand an id",
    mend: "Report this as a fault of Postroom.",
    link: Some("https://learn.microsoft.com/graph/outlook-immutable-id"),
    ..Entry::BLANK
};
pub(crate) static CORRUPT_ITEM: Entry = Entry {
    id: "graph.corrupt_item",
    codes: &[
        "ErrorCorruptData",
        "ErrorItemCorrupt",
        "ErrorContentConversionFailed",
        "ErrorMimeContentConversionFailed",
    ],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "Exchange cannot read this mail itself",
    mend: "Open the mail in Outlook; delete it there if it is broken.",
    ..Entry::BLANK
};
pub(crate) static MAILBOX_FULL: Entry = Entry {
    id: "graph.mailbox_full",
    codes: &["ErrorQuotaExceeded", "quotaLimitReached"],
    class: Class::Administrator,
    who: Who::MailboxOwner,
    retry: Retry::Slow,
    cause: "The mailbox is full",
    mend: "Make room in the mailbox, or give it a larger quota in the Exchange admin center.",
    link: Some(
        "https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-user-mailboxes/change-mailbox-size",
    ),
    page: Some(Page::Mailboxes),
    command: Some("Set-Mailbox -Identity MAILBOX -ProhibitSendReceiveQuota 100GB"),
    ..Entry::BLANK
};
pub(crate) static SEND_LIMIT: Entry = Entry {
    id: "graph.send_limit",
    codes: &["ErrorSubmissionQuotaExceeded", "ErrorExceededMessageLimit", "ErrorAccountSuspend"],
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    retry: Retry::Slow,
    cause: "Exchange's sending limit is reached, or the sender is restricted",
    mend: "Wait until the limit is over (24 hours). In the security portal under Restricted entities, press Unblock if the sender is listed.",
    link: Some("https://learn.microsoft.com/defender-office-365/outbound-spam-restore-restricted-users"),
    page: Some(Page::RestrictedEntities),
    command: Some("Get-BlockedSenderAddress"),
    ..Entry::BLANK
};
pub(crate) static TOO_LARGE: Entry = Entry {
    id: "graph.too_large",
    codes: &["ErrorMessageSizeExceeded", "RequestEntityTooLarge"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "The mail is larger than the mail server takes",
    mend: "Shrink the attachment, or put a link in its place.",
    ..Entry::BLANK
};
pub(crate) static RECIPIENT: Entry = Entry {
    id: "graph.recipient",
    codes: &["ErrorInvalidRecipients", "ErrorMissingRecipients"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "A recipient's address is refused",
    mend: "Correct the address.",
    ..Entry::BLANK
};
pub(crate) static CONFLICT: Entry = Entry {
    id: "graph.conflict",
    codes: &["ErrorIrresolvableConflict", "ErrorStaleObject", "resourceModified"],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mail was changed at the same time",
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static REQUEST: Entry = Entry {
    id: "graph.request",
    codes: &[
        "InefficientFilter",
        "invalidRequest",
        "RequestBroker--ParseUri",
        "BadRequest",
        "InvalidInternetMessageHeader",
    ],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "The mail server does not understand a request",
    mend: "Report this as a fault of Postroom.",
    ..Entry::BLANK
};
pub(crate) static ENCODING: Entry = Entry {
    id: "graph.encoding",
    codes: &["ErrorMimeContentInvalid", "ErrorMimeContentInvalidBase64String"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "The mail server cannot read a mail that Postroom has written",
    mend: "Report this as a fault of Postroom.",
    ..Entry::BLANK
};
pub(crate) static FOLDER_EXISTS: Entry = Entry {
    id: "graph.folder_exists",
    codes: &["ErrorFolderExists", "nameAlreadyExists"],
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "There is a folder of this name already",
    mend: "Choose the folder that is there.",
    ..Entry::BLANK
};
pub(crate) static PLACE_FORGOTTEN: Entry = Entry {
    id: "graph.place_forgotten",
    codes: &["syncStateNotFound", "syncStateInvalid", "resyncRequired", "ErrorInvalidSyncStateData"],
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mailbox does not know our place in the folder any more",
    mend: "Wait: Postroom lists the folder again; nothing is handled twice.",
    ..Entry::BLANK
};
pub(crate) static ATTACHMENT: Entry = Entry {
    id: "graph.attachment",
    codes: &["ErrorAttachmentSizeLimitExceeded", "ErrorCannotOpenFileAttachment"],
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "Exchange does not give or take an attachment: it is too large or cannot be opened",
    mend: "Look at the mail in Outlook; Postroom goes on without the attachment.",
    ..Entry::BLANK
};
pub(crate) static UPLOAD_REFUSED: Entry = Entry {
    id: "graph.upload_refused",
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "Microsoft Graph takes no file of 3 MB or more for another's mailbox with a person's rights",
    mend: "Put a link in its place, or connect the mailbox with application permission, or have its own user sign in.",
    link: Some("https://learn.microsoft.com/graph/outlook-large-attachments"),
    ..Entry::BLANK
};
pub(crate) static FOREIGN_LINK: Entry = Entry {
    id: "graph.foreign_link",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    cause: "The mail server's answer goes on at another host, to which no token is sent",
    mend: "On the app registration's page (or under [microsoft], if the settings own it) set the address of Graph to the host that Details names, if it is one of Microsoft's.",
    here: Some(Here::Registration),
    link: Some("https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud"),
    ..Entry::BLANK
};
pub(crate) static MIME_TOO_LARGE: Entry = Entry {
    id: "graph.mime_too_large",
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    cause: "The mail is larger than Postroom reads",
    mend: "Look at the mail in Outlook; Postroom goes on without its attachments.",
    ..Entry::BLANK
};
pub(crate) static PAUSED: Entry = Entry {
    id: "graph.paused",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    cause: "The mailbox has had its share of requests for now",
    mend: "Wait: Postroom goes on by itself.",
    link: Some("https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits"),
    ..Entry::BLANK
};
pub(crate) static UNKNOWN: Entry = Entry {
    id: "graph.unknown",
    class: Class::Transient,
    who: Who::Operator,
    retry: Retry::Soon,
    cause: "The mail server refused for a reason that Postroom does not know",
    mend: "Look at Details; Postroom tries again by itself.",
    link: Some("https://learn.microsoft.com/graph/errors"),
    ..Entry::BLANK
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &THROTTLED,
    &BUSY,
    &UNAVAILABLE,
    &MAILBOX_STALE,
    &TOKEN,
    &TOKEN_EXPIRED,
    &CLAIMS,
    &NO_LICENCE,
    &AUDIENCE,
    &TOKEN_FOREIGN,
    &ACCESS_DENIED,
    &ACCESS_POLICY,
    &PERMISSION,
    &SUBSCRIPTION_REFUSED,
    &SUBSCRIPTION_UNREACHABLE,
    &SEND_AS,
    &NO_MAILBOX,
    &MAILBOX_UNKNOWN,
    &FOLDER_GONE,
    &HANDLED_FOLDER_GONE,
    &ITEM_GONE,
    &ID,
    &CORRUPT_ITEM,
    &MAILBOX_FULL,
    &SEND_LIMIT,
    &TOO_LARGE,
    &RECIPIENT,
    &CONFLICT,
    &REQUEST,
    &ENCODING,
    &FOLDER_EXISTS,
    &PLACE_FORGOTTEN,
    &ATTACHMENT,
    &UPLOAD_REFUSED,
    &FOREIGN_LINK,
    &MIME_TOO_LARGE,
    &PAUSED,
    &UNKNOWN,
];

/// The entry of a Graph error code, if the catalogue has it. Codes are compared without letter case: Graph is not consistent.
/// `UnknownError` says nothing and is no code: the status decides.
pub(crate) fn by_code(code: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.codes.iter().any(|known| known.eq_ignore_ascii_case(code))).copied()
}

/// The entry of an answer without a known code.
pub(crate) fn by_status(status: u16) -> &'static Entry {
    match status {
        300..=399 | 511 => &crate::network::PORTAL,
        401 => &TOKEN,
        403 => &ACCESS_DENIED,
        407 => &crate::network::PROXY,
        409 | 412 => &CONFLICT,
        410 => &PLACE_FORGOTTEN,
        413 => &TOO_LARGE,
        429 | 509 => &THROTTLED,
        507 => &MAILBOX_FULL,
        503 => &BUSY,
        // Graph names what is not there. A 404 that does not is somebody else's on the way, and nothing is gone for it.
        404 | 408 | 500..=599 => &UNAVAILABLE,
        400..=499 => &REQUEST,
        _ => &UNKNOWN,
    }
}

/// What `x-ms-diagnostics` says of a refused token: an id from 2000000 on, then words.
pub(crate) fn by_diagnostics(diagnostics: &str) -> Option<&'static Entry> {
    let id: u32 = diagnostics.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(match id {
        2_000_000 | 2_000_004 => &TOKEN_FOREIGN,
        2_000_001 | 2_000_008 => &TOKEN,
        2_000_002 => &TOKEN_EXPIRED,
        2_000_003 => &AUDIENCE,
        2_000_005 => &NO_MAILBOX,
        2_000_006 => &crate::entra::consent::APP_DISABLED,
        2_000_007 => &UNAVAILABLE,
        _ => return None,
    })
}
