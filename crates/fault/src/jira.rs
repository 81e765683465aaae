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
    mend: "Make a new token and put it in under Jira. One with scopes works through Atlassian's gateway alone: choose that kind for it.",
    link: Some("https://id.atlassian.com/manage-profile/security/api-tokens"),
    ..Entry::BLANK
};
pub(crate) static SCOPE: Entry = Entry {
    id: "jira.scope",
    cause: "The token lacks a permission that Postroom needs",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Make a token with the scopes that Postroom lists where the connection is changed, and put it in there.",
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
pub(crate) static CLIENT_CREDENTIALS: Entry = Entry {
    id: "jira.client_credentials",
    cause: "Atlassian gives no token for the service account's client id and secret: they are wrong, revoked or very new",
    class: Class::Administrator,
    who: Who::JiraAdministrator,
    retry: Retry::Slow,
    mend: "Look at the service account's credentials in Atlassian's administration, make new ones and put them in under Jira. Those made \
           just now are refused for about a minute.",
    link: Some("https://support.atlassian.com/user-management/docs/understand-service-accounts/"),
    ..Entry::BLANK
};
pub(crate) static CLOUD_ID: Entry = Entry {
    id: "jira.cloud_id",
    cause: "Atlassian's gateway knows no Jira site with this cloud id",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Open the connection under Jira, leave the cloud id empty and keep it: Postroom finds it by the site's address.",
    ..Entry::BLANK
};
pub(crate) static LOGIN_PAGE: Entry = Entry {
    id: "jira.login_page",
    cause: "A sign-in page stands in front of Jira's API",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Let requests to /rest/ past the sign-in page (single sign-on, reverse proxy): Postroom signs in with its token alone.",
    ..Entry::BLANK
};
pub(crate) static PAGE: Entry = Entry {
    id: "jira.page",
    cause: "A web page answers where Jira's API should",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Correct the site's address under Jira, or let Postroom past the proxy or firewall that answers in Jira's place.",
    ..Entry::BLANK
};
pub(crate) static MOVED: Entry = Entry {
    id: "jira.moved",
    cause: "The address of Jira leads on to another one, and a token is not carried along",
    class: Class::Configuration,
    who: Who::Operator,
    retry: Retry::Slow,
    mend: "Look at Details: if it is Jira that it leads to, put that address in under Jira.",
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
    mend: "Correct the address of the site under Jira; it ends before /rest.",
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
    &CLIENT_CREDENTIALS,
    &CLOUD_ID,
    &LOGIN_PAGE,
    &PAGE,
    &MOVED,
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

/// What an answer holds, as far as it tells what went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    /// Its status.
    pub(crate) status: u16,
    /// All messages of its body, joined.
    pub(crate) text: &'a str,
    /// The names in `errors`.
    pub(crate) fields: &'a [String],
    /// Its headers tell of a sign-in that failed.
    pub(crate) login_failed: bool,
    /// Its headers tell of a user who has to solve a captcha.
    pub(crate) captcha: bool,
    /// Its body is a page.
    pub(crate) is_page: bool,
    /// That page asks for a sign-in.
    pub(crate) is_login: bool,
}

/// The entry of a Jira answer.
pub(crate) fn by_answer(said: Said<'_>) -> &'static Entry {
    let Said { status, text, fields, .. } = said;
    if said.captcha {
        return &CAPTCHA;
    }
    if said.login_failed {
        return &TOKEN;
    }
    let has = |name: &str| fields.iter().any(|field| field == name);
    // What a rule sets in a field of its own is that mail's matter, whatever Jira says of it; and a query names fields that are not there
    // in the same words ("… or you do not have permission to view it").
    let is_about_permission = (text.contains("do not have the permission")
        || text.contains("do not have permission"))
        && !text.contains("permission to view it")
        && fields.iter().all(|field| ["comment", "project", "pid"].contains(&field.as_str()));
    match status {
        // What stands in front of Jira answers as if all were well.
        200..=299 | 403 if said.is_page && said.is_login => &LOGIN_PAGE,
        200..=299 | 403 if said.is_page => &PAGE,
        // The gateway says so when a scoped token lacks one.
        401 if text.contains("scope does not match") => &SCOPE,
        401 => &TOKEN,
        400 if has("project") => &PROJECT,
        400 if has("issuetype") => &ISSUE_TYPE,
        400 if text.contains("exceeds the allowed limit") || text.contains("CONTENT_LIMIT_EXCEEDED") => {
            &TOO_LONG
        }
        400 if is_about_permission && !text.contains("Issue does not exist") => &FORBIDDEN,
        400 if text.contains("is not valid") || text.contains("Atlassian Document") => &DOCUMENT,
        400 if text.contains("is required") && !has("summary") => &REQUIRED_FIELD,
        400 if !fields.is_empty() => &FIELD,
        400 => &REQUEST,
        403 => &FORBIDDEN,
        404 if text.contains("Issue does not exist") => &ISSUE_GONE,
        404 if text.contains("No project could be found") => &PROJECT,
        // The gateway's own answer (recorded), behind which there is no Jira.
        404 if text.contains("No message available") => &CLOUD_ID,
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

/// The entry of a refusal by Atlassian's token endpoint.
pub(crate) fn by_token_answer(status: u16, is_page: bool) -> &'static Entry {
    match status {
        429 => &THROTTLED,
        500..=599 => &UNAVAILABLE,
        404 => &NOT_FOUND,
        _ if is_page => &PAGE,
        _ => &CLIENT_CREDENTIALS,
    }
}

/// Whether a page, or the address that an answer leads on to, is one to sign in at.
pub(crate) fn is_login(text: &str) -> bool {
    const WORDS: [&str; 9] = ["login", "signin", "saml", "saml2", "sso", "oauth2", "adfs", "idp", "password"];
    let text = text.to_lowercase();
    ["log in", "log-in", "sign in", "sign-in"].iter().any(|words| text.contains(words))
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}
