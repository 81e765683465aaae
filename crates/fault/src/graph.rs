//! Microsoft Graph mail: error codes and statuses.

use crate::{Class, Entry, Who};

pub(crate) static THROTTLED: Entry = Entry {
    id: "graph.throttled",
    cause: "The mailbox asks for a pause",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom goes on by itself.",
    link: Some("https://learn.microsoft.com/graph/throttling-limits"),
};
pub(crate) static UNAVAILABLE: Entry = Entry {
    id: "graph.unavailable",
    cause: "The mail server does not answer as it should",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};
pub(crate) static TOKEN: Entry = Entry {
    id: "graph.token",
    cause: "The mail server does not accept the token",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: None,
};
pub(crate) static CLAIMS: Entry = Entry {
    id: "graph.claims",
    cause: "The mail server wants the sign-in to be renewed",
    class: Class::SignIn,
    who: Who::MailboxOwner,
    mend: "Sign in again.",
    link: None,
};
pub(crate) static ACCESS_DENIED: Entry = Entry {
    id: "graph.access_denied",
    cause: "The account may not do this with the mailbox",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Grant the permission or the right on the mailbox; an access policy may stand against it.",
    link: Some("https://learn.microsoft.com/graph/auth-limit-mailbox-access"),
};
pub(crate) static SEND_AS: Entry = Entry {
    id: "graph.send_as",
    cause: "The account may not send as this address",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Grant Send As or Send on Behalf on the mailbox.",
    link: None,
};
pub(crate) static NO_MAILBOX: Entry = Entry {
    id: "graph.no_mailbox",
    cause: "The account has no mailbox in Exchange Online, or it is inactive",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "License the mailbox, or wait 15 minutes if it is new; an on-premises mailbox needs EWS.",
    link: None,
};
pub(crate) static MAILBOX_UNKNOWN: Entry = Entry {
    id: "graph.mailbox_unknown",
    cause: "There is no mailbox of this address",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Check the mailbox's address.",
    link: None,
};
pub(crate) static FOLDER_GONE: Entry = Entry {
    id: "graph.folder_gone",
    cause: "The folder is gone",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Choose another folder for the source.",
    link: None,
};
pub(crate) static ITEM_GONE: Entry = Entry {
    id: "graph.item_gone",
    cause: "The mail is not in the mailbox any more",
    class: Class::Poison,
    who: Who::Nobody,
    mend: "Nothing: it was deleted or moved away.",
    link: None,
};
pub(crate) static ID: Entry = Entry {
    id: "graph.id",
    cause: "The mail server does not understand an id",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Report this as a fault of Postroom.",
    link: None,
};
pub(crate) static CORRUPT_ITEM: Entry = Entry {
    id: "graph.corrupt_item",
    cause: "Exchange cannot read this mail itself",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Open the mail in Outlook; delete it there if it is broken.",
    link: None,
};
pub(crate) static MAILBOX_FULL: Entry = Entry {
    id: "graph.mailbox_full",
    cause: "The mailbox is full",
    class: Class::Administrator,
    who: Who::MailboxOwner,
    mend: "Make room in the mailbox.",
    link: None,
};
pub(crate) static SEND_LIMIT: Entry = Entry {
    id: "graph.send_limit",
    cause: "Exchange's sending limit is reached, or the sender is restricted",
    class: Class::Administrator,
    who: Who::EntraAdministrator,
    mend: "Wait until the limit is over; unblock the sender in the security portal.",
    link: None,
};
pub(crate) static TOO_LARGE: Entry = Entry {
    id: "graph.too_large",
    cause: "The mail is larger than the mail server takes",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Shrink the attachment.",
    link: None,
};
pub(crate) static RECIPIENT: Entry = Entry {
    id: "graph.recipient",
    cause: "A recipient's address is refused",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Correct the address.",
    link: None,
};
pub(crate) static CONFLICT: Entry = Entry {
    id: "graph.conflict",
    cause: "The mail was changed at the same time",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom tries again by itself.",
    link: None,
};
pub(crate) static REQUEST: Entry = Entry {
    id: "graph.request",
    cause: "The mail server does not understand a request",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Report this as a fault of Postroom.",
    link: None,
};
pub(crate) static FOLDER_EXISTS: Entry = Entry {
    id: "graph.folder_exists",
    cause: "There is a folder of this name already",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Choose the folder that is there.",
    link: None,
};
pub(crate) static PLACE_FORGOTTEN: Entry = Entry {
    id: "graph.place_forgotten",
    cause: "The mailbox does not know our place in the folder any more",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom lists the folder again; nothing is handled twice.",
    link: None,
};
pub(crate) static ATTACHMENT: Entry = Entry {
    id: "graph.attachment",
    cause: "Exchange does not give or take an attachment: it is too large or cannot be opened",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Look at the mail in Outlook; Postroom goes on without the attachment.",
    link: None,
};
pub(crate) static FOREIGN_LINK: Entry = Entry {
    id: "graph.foreign_link",
    cause: "The mail server's answer goes on at another host, to which no token is sent",
    class: Class::Configuration,
    who: Who::Operator,
    mend: "Set [microsoft] graph_url to the host that Details names, if it is one of Microsoft's.",
    link: None,
};
pub(crate) static MIME_TOO_LARGE: Entry = Entry {
    id: "graph.mime_too_large",
    cause: "The mail is larger than Postroom reads",
    class: Class::Poison,
    who: Who::Operator,
    mend: "Look at the mail in Outlook; Postroom goes on without its attachments.",
    link: None,
};
pub(crate) static PAUSED: Entry = Entry {
    id: "graph.paused",
    cause: "The mailbox has had its share of requests for now",
    class: Class::Transient,
    who: Who::Nobody,
    mend: "Wait: Postroom goes on by itself.",
    link: Some("https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits"),
};
pub(crate) static UNKNOWN: Entry = Entry {
    id: "graph.unknown",
    cause: "The mail server refused for a reason that Postroom does not know",
    class: Class::Transient,
    who: Who::Operator,
    mend: "Look at Details; Postroom tries again by itself.",
    link: Some("https://learn.microsoft.com/graph/errors"),
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &THROTTLED,
    &UNAVAILABLE,
    &TOKEN,
    &CLAIMS,
    &ACCESS_DENIED,
    &SEND_AS,
    &NO_MAILBOX,
    &MAILBOX_UNKNOWN,
    &FOLDER_GONE,
    &ITEM_GONE,
    &ID,
    &CORRUPT_ITEM,
    &MAILBOX_FULL,
    &SEND_LIMIT,
    &TOO_LARGE,
    &RECIPIENT,
    &CONFLICT,
    &REQUEST,
    &FOLDER_EXISTS,
    &PLACE_FORGOTTEN,
    &ATTACHMENT,
    &FOREIGN_LINK,
    &MIME_TOO_LARGE,
    &PAUSED,
    &UNKNOWN,
];

/// The entry of a Graph error code, if the catalogue has it. Codes are compared without letter case: Graph is not consistent.
pub(crate) fn by_code(code: &str) -> Option<&'static Entry> {
    Some(match code.to_ascii_lowercase().as_str() {
        "applicationthrottled" | "toomanyrequests" | "activitylimitreached" | "throttledrequest" => {
            &THROTTLED
        }
        "errorserverbusy"
        | "servicenotavailable"
        | "serviceunavailable"
        | "errormailboxmoveinprogress"
        | "errormailboxfailover"
        | "errormailboxstoreunavailable"
        | "errorconnectionfailed"
        | "errorinternalservererror"
        | "errorinternalservertransienterror"
        | "errortimeoutexpired"
        | "gatewaytimeout"
        | "mailboxinfostale"
        | "generalexception" => &UNAVAILABLE,
        "invalidauthenticationtoken" | "unauthenticated" => &TOKEN,
        "insufficient_claims" => &CLAIMS,
        "erroraccessdenied" | "accessdenied" | "authorization_requestdenied" | "extensionerror" => {
            &ACCESS_DENIED
        }
        "errorsendasdenied" => &SEND_AS,
        "mailboxnotenabledforrestapi" => &NO_MAILBOX,
        "errornonexistentmailbox" | "errorinvaliduser" | "resourcenotfound" | "request_resourcenotfound" => {
            &MAILBOX_UNKNOWN
        }
        "erroritemnotfound" | "itemnotfound" => &ITEM_GONE,
        "errorfoldernotfound" | "errorsyncfoldernotfound" => &FOLDER_GONE,
        "errorfolderexists" | "namealreadyexists" => &FOLDER_EXISTS,
        "errorinvalididmalformed" | "errorinvalidid" => &ID,
        "syncstatenotfound" | "syncstateinvalid" | "resyncrequired" | "errorinvalidsyncstatedata" => {
            &PLACE_FORGOTTEN
        }
        "inefficientfilter"
        | "invalidrequest"
        | "requestbroker--parseuri"
        | "badrequest"
        | "invalidinternetmessageheader"
        | "errormimecontentinvalid"
        | "errormimecontentinvalidbase64string" => &REQUEST,
        "errorcorruptdata"
        | "erroritemcorrupt"
        | "errorcontentconversionfailed"
        | "errormimecontentconversionfailed" => &CORRUPT_ITEM,
        "errorcannotopenfileattachment" | "errorattachmentsizelimitexceeded" => &ATTACHMENT,
        "errorquotaexceeded" | "quotalimitreached" => &MAILBOX_FULL,
        "errorsubmissionquotaexceeded" | "errorexceededmessagelimit" | "erroraccountsuspend" => &SEND_LIMIT,
        "errormessagesizeexceeded" | "requestentitytoolarge" => &TOO_LARGE,
        "errorinvalidrecipients" | "errormissingrecipients" => &RECIPIENT,
        "errorirresolvableconflict" | "errorstaleobject" | "resourcemodified" => &CONFLICT,
        // `UnknownError` says nothing: the status decides.
        _ => return None,
    })
}

/// The entry of an answer without a known code.
pub(crate) fn by_status(status: u16) -> &'static Entry {
    match status {
        401 => &TOKEN,
        403 => &ACCESS_DENIED,
        404 => &ITEM_GONE,
        409 | 412 => &CONFLICT,
        410 => &PLACE_FORGOTTEN,
        413 => &TOO_LARGE,
        429 | 509 => &THROTTLED,
        507 => &MAILBOX_FULL,
        408 | 500..=599 => &UNAVAILABLE,
        400..=499 => &REQUEST,
        _ => &UNKNOWN,
    }
}
