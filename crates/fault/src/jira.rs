//! Jira: statuses and error bodies of the platform REST API.

use crate::{Class, Entry, Retry, Who};

pub(crate) static THROTTLED: Entry = Entry {
    id: "jira.throttled",
    cause: "Jira asks for a pause",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    mend: "Wait: Postroom goes on by itself.",
    link: Some("https://developer.atlassian.com/cloud/jira/platform/rate-limiting/"),
    ..Entry::BLANK
};
pub(crate) static UNAVAILABLE: Entry = Entry {
    id: "jira.unavailable",
    cause: "Jira does not answer as it should",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static TOKEN: Entry = Entry {
    id: "jira.token",
    cause: "Jira does not accept the token: it is wrong, revoked or expired",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Make a new API token and put it in under Jira.",
    link: Some("https://id.atlassian.com/manage-profile/security/api-tokens"),
    ..Entry::BLANK
};
pub(crate) static SCOPE: Entry = Entry {
    id: "jira.scope",
    cause: "The token lacks a permission that Postroom needs",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Make a token with the scopes that Postroom lists.",
    ..Entry::BLANK
};
pub(crate) static CAPTCHA: Entry = Entry {
    id: "jira.captcha",
    cause: "Jira locks this user after failed sign-ins",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Sign in to Jira once in a browser as this user, then press Try now.",
    ..Entry::BLANK
};
pub(crate) static FORBIDDEN: Entry = Entry {
    id: "jira.forbidden",
    cause: "Jira does not let this user do that",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Give the user the permission in the project: browse, create issues, add comments, create attachments.",
    ..Entry::BLANK
};
pub(crate) static PROJECT: Entry = Entry {
    id: "jira.project",
    cause: "The project does not exist, or this user may not see it",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Restore the project or the user's access to it, or choose another project for the source.",
    ..Entry::BLANK
};
pub(crate) static ISSUE_TYPE: Entry = Entry {
    id: "jira.issue_type",
    cause: "The issue type does not exist in the project",
    class: Class::Configuration,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Choose another issue type for the source.",
    ..Entry::BLANK
};
pub(crate) static REQUIRED_FIELD: Entry = Entry {
    id: "jira.required_field",
    cause: "The project requires a field that Postroom does not set",
    class: Class::Configuration,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Make the field optional, give it a default, or choose another issue type for the source.",
    ..Entry::BLANK
};
pub(crate) static FIELD: Entry = Entry {
    id: "jira.field",
    cause: "Jira refuses a field",
    class: Class::Poison,
    who: Who::JiraAdministrator,
    retry: Retry::Never,
    mend: "Look at Details: it names the field and the reason.",
    ..Entry::BLANK
};
pub(crate) static TOO_LONG: Entry = Entry {
    id: "jira.too_long",
    cause: "A text is longer than Jira takes",
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    mend: "Report this as a fault of Postroom.",
    ..Entry::BLANK
};
pub(crate) static DOCUMENT: Entry = Entry {
    id: "jira.document",
    cause: "Jira refuses the text",
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    mend: "Report this as a fault of Postroom, with the mail.",
    ..Entry::BLANK
};
pub(crate) static LINK_TYPE: Entry = Entry {
    id: "jira.link_type",
    cause: "Jira makes no link of this name",
    class: Class::Poison,
    who: Who::JiraAdministrator,
    retry: Retry::Never,
    mend: "Write the name of a link that Jira has into [threads] of the profile, or have issue links allowed in Jira.",
    ..Entry::BLANK
};
pub(crate) static ISSUE_GONE: Entry = Entry {
    id: "jira.issue_gone",
    cause: "The issue does not exist any more, or this user may not see it",
    class: Class::Poison,
    who: Who::JiraAdministrator,
    retry: Retry::Never,
    mend: "Nothing: Postroom decides anew. If the issue is hidden, give the user access.",
    ..Entry::BLANK
};
pub(crate) static NOT_FOUND: Entry = Entry {
    id: "jira.not_found",
    cause: "Jira has nothing at this address",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Check [jira] base_url; it ends before /rest.",
    ..Entry::BLANK
};
pub(crate) static ATTACHMENT_SIZE: Entry = Entry {
    id: "jira.attachment_size",
    cause: "The file, or the number of files, is larger than Jira takes",
    class: Class::Poison,
    who: Who::JiraAdministrator,
    retry: Retry::Never,
    mend: "Raise the attachment limit in Jira, or remove files from the issue.",
    ..Entry::BLANK
};
pub(crate) static CONFLICT: Entry = Entry {
    id: "jira.conflict",
    cause: "The issue was changed at the same time",
    class: Class::Transient,
    who: Who::Nobody,
    retry: Retry::Soon,
    mend: "Wait: Postroom tries again by itself.",
    ..Entry::BLANK
};
pub(crate) static REMOVED: Entry = Entry {
    id: "jira.removed",
    cause: "Jira has removed an interface that Postroom uses",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Update Postroom.",
    ..Entry::BLANK
};
pub(crate) static CONFIGURATION: Entry = Entry {
    id: "jira.configuration",
    cause: "The project's configuration keeps Jira from doing this",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Look at Details, and mend the project's workflow or field configuration.",
    ..Entry::BLANK
};
pub(crate) static REQUEST: Entry = Entry {
    id: "jira.request",
    cause: "Jira does not understand a request",
    class: Class::Poison,
    who: Who::Operator,
    retry: Retry::Never,
    mend: "Report this as a fault of Postroom.",
    ..Entry::BLANK
};
pub(crate) static UNKNOWN: Entry = Entry {
    id: "jira.unknown",
    cause: "Jira refused for a reason that Postroom does not know",
    class: Class::Poison,
    who: Who::JiraAdministrator,
    retry: Retry::Never,
    mend: "Look at Details.",
    ..Entry::BLANK
};

/// All of this page.
pub(crate) static ALL: &[&Entry] = &[
    &THROTTLED,
    &UNAVAILABLE,
    &TOKEN,
    &SCOPE,
    &CAPTCHA,
    &FORBIDDEN,
    &PROJECT,
    &ISSUE_TYPE,
    &REQUIRED_FIELD,
    &FIELD,
    &TOO_LONG,
    &DOCUMENT,
    &LINK_TYPE,
    &ISSUE_GONE,
    &NOT_FOUND,
    &ATTACHMENT_SIZE,
    &CONFLICT,
    &REMOVED,
    &CONFIGURATION,
    &REQUEST,
    &UNKNOWN,
];

/// The entry of a Jira answer. `text` is what the body says, all messages joined; `fields` are the names in `errors`.
pub(crate) fn by_answer(
    status: u16,
    text: &str,
    fields: &[String],
    login_failed: bool,
    captcha: bool,
) -> &'static Entry {
    if captcha {
        return &CAPTCHA;
    }
    if login_failed {
        return &TOKEN;
    }
    let has = |name: &str| fields.iter().any(|field| field == name);
    match status {
        // The gateway says so when a scoped token lacks one.
        401 if text.contains("scope does not match") => &SCOPE,
        401 => &TOKEN,
        400 if has("project") => &PROJECT,
        400 if has("issuetype") => &ISSUE_TYPE,
        400 if text.contains("exceeds the allowed limit") || text.contains("CONTENT_LIMIT_EXCEEDED") => {
            &TOO_LONG
        }
        400 if text.contains("is not valid") || text.contains("Atlassian Document") => &DOCUMENT,
        400 if text.contains("is required") && !has("summary") => &REQUIRED_FIELD,
        400 if !fields.is_empty() => &FIELD,
        400 => &REQUEST,
        403 => &FORBIDDEN,
        404 if text.contains("Issue does not exist") => &ISSUE_GONE,
        404 if text.contains("No project could be found") => &PROJECT,
        404 if text.contains("issue link type") || text.contains("Issue linking") => &LINK_TYPE,
        404 => &NOT_FOUND,
        409 => &CONFLICT,
        410 => &REMOVED,
        413 => &ATTACHMENT_SIZE,
        422 => &CONFIGURATION,
        429 => &THROTTLED,
        500..=599 => &UNAVAILABLE,
        _ => &UNKNOWN,
    }
}
