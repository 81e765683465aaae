//! What a simulated Jira site starts with: users, projects, issue types, fields and limits.

use uuid::Uuid;

/// The start state of a site. `JiraSettings::default()` is the site that the demo and most tests use.
#[derive(Clone, Debug)]
pub struct JiraSettings {
    /// Site title, as `serverInfo.serverTitle` tells it.
    pub title: String,
    /// The people and apps of the site. The first one is the service user that mail handlers sign in as.
    pub users: Vec<JiraUser>,
    /// The projects at the start.
    pub projects: Vec<JiraProject>,
    /// Custom fields on the create and edit screens.
    pub custom_fields: Vec<CustomField>,
    /// Largest attachment in bytes (`attachment/meta` tells it); a larger one is answered 413.
    pub upload_limit: u64,
    /// Whether exceeded rate limits are answered 429 from the start.
    pub enforce_quotas: bool,
    /// Whether a create that fails validation still uses up an issue number, as Jira sometimes does.
    pub gaps: bool,
    /// Seed of everything that looks random (media ids, trace ids), so that a run can be repeated.
    pub seed: u64,
}

/// A Jira user.
#[derive(Clone, Debug)]
pub struct JiraUser {
    /// Atlassian account id.
    pub account_id: String,
    /// Name shown to others.
    pub display_name: String,
    /// Sign-in address.
    pub email: String,
    /// Whether the profile hides the address from everybody but its owner.
    pub hides_email: bool,
    /// `atlassian`, `app` or `customer`.
    pub account_type: String,
    /// API token for `Authorization: Basic email:token`; `None` for users that never use the API.
    pub token: Option<String>,
    /// Personal access token for `Authorization: Bearer`, as Data Center has them.
    pub access_token: Option<String>,
    /// API token with scopes, which works through the gateway alone.
    pub scoped_token: Option<String>,
    /// Client id and client secret of a service account.
    pub client: Option<(String, String)>,
    /// Whether the user administers Jira and every project.
    pub admin: bool,
}

/// A project and the issue types it offers.
#[derive(Clone, Debug)]
pub struct JiraProject {
    /// Numeric id, as Jira writes it: a decimal number from 10000.
    pub id: u64,
    /// Key, for example `SUP`.
    pub key: String,
    /// Name, for example `Support`.
    pub name: String,
    /// Issue types in the order of the create screen.
    pub issue_types: Vec<IssueType>,
    /// The address that the site sends the project's mail from; empty for none.
    pub email: String,
}

/// An issue type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueType {
    /// Decimal id.
    pub id: String,
    /// Name, for example `Task`.
    pub name: String,
    /// One sentence on what it is for.
    pub description: String,
    /// Whether issues of it need a parent.
    pub subtask: bool,
}

/// A custom field.
#[derive(Clone, Debug)]
pub struct CustomField {
    /// Number in `customfield_<number>`.
    pub number: u64,
    /// Name on the screen.
    pub name: String,
    /// What it takes.
    pub kind: CustomKind,
    /// Whether a create without it is refused.
    pub required: bool,
    /// Keys of the projects whose screens have it; empty means all.
    pub projects: Vec<String>,
}

/// What a custom field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomKind {
    /// One line of text.
    Text,
    /// Rich text: a document in version 3, wiki markup in version 2.
    TextArea,
    /// One of the named options; option ids are `<number>0`, `<number>1` …
    Select(Vec<String>),
    /// A number.
    Number,
    /// A list of labels.
    Labels,
}

impl CustomField {
    /// The id that the API uses: `customfield_10010`.
    pub fn id(&self) -> String {
        format!("customfield_{}", self.number)
    }

    /// Whether the screens of `project` have this field.
    pub fn is_on(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|key| key == project)
    }

    /// The option of a select field with the given position, as (id, value).
    pub fn options(&self) -> Vec<(String, String)> {
        match &self.kind {
            CustomKind::Select(options) => options
                .iter()
                .enumerate()
                .map(|(position, value)| (format!("{}{position}", self.number), value.clone()))
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl JiraProject {
    /// A project with the issue types Task, Bug and Story, whose ids are the same in every project.
    pub fn new(id: u64, key: &str, name: &str) -> Self {
        Self {
            id,
            key: key.to_owned(),
            name: name.to_owned(),
            issue_types: standard_issue_types(),
            email: String::new(),
        }
    }
}

impl JiraUser {
    /// An ordinary user without a token. The account id is made of the address.
    pub fn person(email: &str, display_name: &str) -> Self {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("mailto:{email}").as_bytes());
        Self {
            account_id: format!("712020:{id}"),
            display_name: display_name.to_owned(),
            email: email.to_owned(),
            hides_email: false,
            account_type: "atlassian".to_owned(),
            token: None,
            access_token: None,
            scoped_token: None,
            client: None,
            admin: false,
        }
    }
}

impl JiraSettings {
    /// The service user: the address and the token to sign in with. Empty texts when there is no user.
    pub fn service_user(&self) -> (&str, &str) {
        self.users.first().map_or(("", ""), |user| (&user.email, user.token.as_deref().unwrap_or_default()))
    }
}

impl Default for JiraSettings {
    fn default() -> Self {
        let mut service = JiraUser::person("postroom@contoso.test", "Postroom");
        service.token = Some("ATATT3xSimulatedJiraTokenForPostroom".to_owned());
        service.access_token = Some("SimulatedPersonalAccessTokenForPostroom".to_owned());
        service.scoped_token = Some("ATATT3xSimulatedScopedTokenForPostroom".to_owned());
        service.client =
            Some(("SimulatedClientId".to_owned(), "ATOASimulatedClientSecretForPostroom".to_owned()));
        service.admin = true;
        let mut hidden = JiraUser::person("bruno@contoso.test", "Bruno Keller");
        hidden.hides_email = true;
        Self {
            title: "Jira (simulated)".to_owned(),
            users: vec![
                service,
                JiraUser::person("admin@contoso.test", "Alex Admin"),
                JiraUser::person("anna@contoso.test", "Anna Berger"),
                hidden,
            ],
            projects: vec![
                JiraProject::new(10000, "SUP", "Support"),
                JiraProject::new(10001, "BILL", "Billing"),
            ],
            custom_fields: vec![
                CustomField {
                    number: 10010,
                    name: "Colour".to_owned(),
                    kind: CustomKind::Select(vec!["red".to_owned(), "amber".to_owned(), "green".to_owned()]),
                    required: false,
                    projects: Vec::new(),
                },
                CustomField {
                    number: 10011,
                    name: "Team".to_owned(),
                    kind: CustomKind::Text,
                    required: false,
                    projects: Vec::new(),
                },
                CustomField {
                    number: 10012,
                    name: "Steps to reproduce".to_owned(),
                    kind: CustomKind::TextArea,
                    required: false,
                    projects: Vec::new(),
                },
                CustomField {
                    number: 10013,
                    name: "Message labels".to_owned(),
                    kind: CustomKind::Labels,
                    required: false,
                    projects: Vec::new(),
                },
                CustomField {
                    number: 10014,
                    name: "Cost".to_owned(),
                    kind: CustomKind::Number,
                    required: false,
                    projects: vec!["BILL".to_owned()],
                },
            ],
            upload_limit: 20 * 1024 * 1024,
            enforce_quotas: false,
            gaps: false,
            seed: 1,
        }
    }
}

/// Task, Bug and Story with the ids that a fresh Jira Cloud site gives them.
pub fn standard_issue_types() -> Vec<IssueType> {
    [
        ("10001", "Task", "A small, distinct piece of work."),
        ("10002", "Bug", "A problem or error."),
        ("10003", "Story", "Functionality as a user would put it."),
    ]
    .into_iter()
    .map(|(id, name, description)| IssueType {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        subtask: false,
    })
    .collect()
}
