//! What is there: who we are, which Jira it is, its projects, issue types and fields, and what we may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::CallError;
use crate::client::{Call, Client};
use crate::wire;

/// Issue types in one page: Jira refuses more.
const TYPES: usize = 200;
/// Pages of one listing that are read at most: a server whose pages never end must not hold us.
const PAGES: usize = 100;

/// The account that the client acts as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Myself {
    /// Cloud.
    pub account_id: Option<String>,
    /// `atlassian`, `app` or `customer`; Cloud.
    pub account_type: Option<String>,
    /// User name; Data Center.
    pub name: Option<String>,
    /// Address, where it is not hidden.
    pub email_address: Option<String>,
    /// Name for people.
    pub display_name: String,
    /// Whether it may still sign in.
    pub active: bool,
    /// IANA name; JQL reads dates in it.
    pub time_zone: Option<String>,
}

impl Myself {
    /// The id by which authors are named in answers: account id, or user name on Data Center.
    pub fn id(&self) -> Option<&str> {
        self.account_id.as_deref().or(self.name.as_deref())
    }
}

/// Which Jira it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerInfo {
    /// The address it knows itself by, for links.
    pub base_url: String,
    /// `Cloud`, or something else on Data Center.
    pub deployment_type: String,
    /// For example `[10, 3, 1]`.
    pub version_numbers: Vec<u32>,
    /// Title of the site.
    pub server_title: Option<String>,
}

impl ServerInfo {
    /// Whether it is Jira Cloud.
    pub fn is_cloud(&self) -> bool {
        self.deployment_type.eq_ignore_ascii_case("cloud")
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Numeric id, as text.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// For example `SUP`.
    pub key: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// `software`, `service_desk` or `business`.
    #[serde(default)]
    pub project_type_key: String,
}

/// An issue type that can be made in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueType {
    /// Id.
    #[serde(deserialize_with = "wire::id")]
    pub id: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it needs a parent issue; mail cannot give one.
    #[serde(default)]
    pub subtask: bool,
}

/// A field on the create screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateField {
    /// Id, as in a request.
    #[serde(default)]
    pub field_id: String,
    /// Key; the id where Jira leaves `fieldId` out.
    #[serde(default)]
    pub key: String,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Whether an issue cannot be made without it.
    #[serde(default)]
    pub required: bool,
    /// Whether Jira fills it in by itself.
    #[serde(default)]
    pub has_default_value: bool,
    /// Its type, as Jira describes it.
    #[serde(default)]
    pub schema: Value,
    /// The values it takes, where they are a list.
    #[serde(default)]
    pub allowed_values: Vec<Value>,
}

impl CreateField {
    /// The id to use in a request.
    pub fn id(&self) -> &str {
        if self.field_id.is_empty() { &self.key } else { &self.field_id }
    }
}

/// What the account may do, by permission key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions(pub BTreeMap<String, bool>);

impl Permissions {
    /// What a mail handler needs in a project.
    pub const NEEDED: [&'static str; 4] =
        ["BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS", "CREATE_ATTACHMENTS"];

    /// What rules may ask for beside: to set the reporter, to change watchers, to move issues on, to link them.
    pub const USEFUL: [&'static str; 4] =
        ["MODIFY_REPORTER", "MANAGE_WATCHERS", "TRANSITION_ISSUES", "LINK_ISSUES"];

    /// Those of [`Permissions::USEFUL`] that are missing.
    pub fn lacking(&self) -> Vec<&'static str> {
        Self::USEFUL.into_iter().filter(|key| !self.has(key)).collect()
    }

    /// Whether it may.
    pub fn has(&self, key: &str) -> bool {
        self.0.get(key).copied().unwrap_or(false)
    }

    /// Those of [`Permissions::NEEDED`] that are missing.
    pub fn missing(&self) -> Vec<&'static str> {
        Self::NEEDED.into_iter().filter(|key| !self.has(key)).collect()
    }
}

/// Whether files are taken, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentLimit {
    /// Whether files are taken at all.
    pub enabled: bool,
    /// The largest file, in bytes.
    #[serde(default)]
    pub upload_limit: Option<u64>,
}

/// A page in any of the shapes that Jira has: Cloud and Data Center name the list differently.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
struct Page<T> {
    #[serde(default = "no_list", alias = "createMetaIssueType")]
    issue_types: Option<Vec<T>>,
    #[serde(default = "no_list")]
    fields: Option<Vec<T>>,
    #[serde(default = "no_list")]
    results: Option<Vec<T>>,
    #[serde(default = "no_list")]
    values: Option<Vec<T>>,
    #[serde(default)]
    is_last: Option<bool>,
    #[serde(default)]
    total: Option<usize>,
}

fn no_list<T>() -> Option<Vec<T>> {
    None
}

impl<T> Page<T> {
    fn list(&mut self) -> Vec<T> {
        [&mut self.values, &mut self.issue_types, &mut self.fields, &mut self.results]
            .into_iter()
            .find_map(Option::take)
            .unwrap_or_default()
    }

    fn is_last(&self, seen: usize) -> bool {
        self.is_last.unwrap_or_else(|| self.total.is_none_or(|total| seen >= total))
    }
}

impl Client {
    /// Who the client acts as: the check of a token, since other endpoints may answer nobody in particular.
    pub async fn myself(&self) -> Result<Myself, CallError> {
        self.json(Call::get("myself", "myself".to_owned())).await
    }

    /// Which Jira it is.
    pub async fn server_info(&self) -> Result<ServerInfo, CallError> {
        self.json(Call::get("server info", "serverInfo".to_owned())).await
    }

    async fn pages<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        size: usize,
    ) -> Result<Vec<T>, CallError> {
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let mut path = path.to_owned();
            wire::push_query(&mut path, "startAt", &all.len().to_string());
            wire::push_query(&mut path, "maxResults", &size.to_string());
            let mut page: Page<T> = self.json(Call::get(operation, path)).await?;
            let list = page.list();
            let empty = list.is_empty();
            all.extend(list);
            if empty || page.is_last(all.len()) {
                break;
            }
        }
        Ok(all)
    }

    /// Projects whose name or key contains `query`; all that can be seen for an empty one.
    pub async fn projects(&self, query: &str) -> Result<Vec<Project>, CallError> {
        let mut path = "project/search?orderBy=key".to_owned();
        if !query.is_empty() {
            wire::push_query(&mut path, "query", query);
        }
        match self.pages("search projects", &path, 50).await {
            // Data Center has no search: all at once, filtered here.
            Err(error) if error.fault.status == Some(404) => {
                let all: Vec<Project> = self.json(Call::get("list projects", "project".to_owned())).await?;
                let query = query.to_lowercase();
                Ok(all
                    .into_iter()
                    .filter(|p| {
                        p.name.to_lowercase().contains(&query) || p.key.to_lowercase().contains(&query)
                    })
                    .collect())
            }
            other => other,
        }
    }

    /// The issue types that can be made in a project.
    pub async fn issue_types(&self, project: &str) -> Result<Vec<IssueType>, CallError> {
        self.pages("issue types", &format!("issue/createmeta/{}/issuetypes", wire::escaped(project)), TYPES)
            .await
    }

    /// The fields of the create screen of an issue type in a project.
    pub async fn create_fields(
        &self,
        project: &str,
        issue_type: &str,
    ) -> Result<Vec<CreateField>, CallError> {
        let path =
            format!("issue/createmeta/{}/issuetypes/{}", wire::escaped(project), wire::escaped(issue_type));
        self.pages("create fields", &path, TYPES).await
    }

    /// Which of these permissions the account has in a project. An unknown key is refused by Jira.
    pub async fn permissions(&self, project: &str, keys: &[&str]) -> Result<Permissions, CallError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            permissions: BTreeMap<String, Held>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Held {
            #[serde(default)]
            have_permission: bool,
        }
        let mut path = "mypermissions".to_owned();
        wire::push_query(&mut path, "permissions", &keys.join(","));
        wire::push_query(&mut path, "projectKey", project);
        let answer: Answer = self.json(Call::get("permissions", path)).await?;
        Ok(Permissions(
            answer.permissions.into_iter().map(|(key, held)| (key, held.have_permission)).collect(),
        ))
    }

    /// Whether files are taken, and how large.
    pub async fn attachment_limit(&self) -> Result<AttachmentLimit, CallError> {
        self.json(Call::get("attachment limit", "attachment/meta".to_owned())).await
    }
}
