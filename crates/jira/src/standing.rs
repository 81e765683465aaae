//! How it stands with a site, for a ping: whether it answers and at what time by its clock, whether Service Management is there, when
//! personal access tokens end.

use http::header;
use jiff::Timestamp;
use serde::Deserialize;

use crate::answer::CallError;
use crate::client::{Call, Client};
use crate::discovery::ServerInfo;
use crate::wire;

/// The first answer of a site.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// Which Jira it is.
    pub server: ServerInfo,
    /// What its clock showed.
    pub date: Option<Timestamp>,
}

/// Jira Service Management on a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceManagement {
    /// It is there, of this version.
    There(String),
    /// It is installed without a licence.
    Unlicensed,
    /// It is not there.
    Missing,
}

/// A personal access token of Data Center, as its user sees it: without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalToken {
    /// The name that its user gave it.
    pub name: String,
    /// When it ends; none for one that does not.
    pub ends_at: Option<Timestamp>,
}

impl Client {
    /// Asks which Jira it is, and reads its clock.
    pub async fn greet(&self) -> Result<Greeting, CallError> {
        let call = Call::get("server info", "serverInfo".to_owned());
        let answer = self.send(call).await?;
        let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
        let server = self.read("server info", &answer)?;
        Ok(Greeting { server, date })
    }

    /// Whether Service Management is there. Anybody may ask; Data Center answers 403 with a page where its licence is missing.
    pub async fn service_management(&self) -> Result<ServiceManagement, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Info {
            #[serde(default)]
            version: String,
            #[serde(default)]
            is_licensed_for_use: bool,
        }
        let call = Call::get("service management", "rest/servicedeskapi/info".to_owned()).beside();
        match self.json::<Info>(call).await {
            Ok(info) if info.is_licensed_for_use => Ok(ServiceManagement::There(info.version)),
            Ok(_) => Ok(ServiceManagement::Unlicensed),
            Err(error) if error.fault.status == Some(404) && error.fault.entry.id != "jira.cloud_id" => {
                Ok(ServiceManagement::Missing)
            }
            Err(error) if error.fault.status == Some(403) => Ok(ServiceManagement::Unlicensed),
            Err(error) => Err(error),
        }
    }

    /// The personal access tokens of the user on Data Center. Which of them is in use is not told.
    pub async fn personal_tokens(&self) -> Result<Vec<PersonalToken>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Token {
            #[serde(default)]
            name: String,
            #[serde(default)]
            expiring_at: Option<String>,
        }
        let call = Call::get("personal access tokens", "rest/pat/latest/tokens".to_owned()).beside();
        let tokens: Vec<Token> = self.json(call).await?;
        let read = |token: Token| PersonalToken {
            name: token.name,
            ends_at: token.expiring_at.as_deref().and_then(wire::timestamp),
        };
        Ok(tokens.into_iter().map(read).collect())
    }

    /// The address that Jira sends a project's own mail from, where it tells one.
    pub async fn project_address(&self, project: &str) -> Result<Option<String>, CallError> {
        #[derive(Deserialize)]
        struct Project {
            #[serde(default)]
            email: Option<String>,
        }
        let project: Project =
            self.json(Call::get("project", format!("project/{}", wire::escaped(project)))).await?;
        Ok(project.email.filter(|email| !email.is_empty()))
    }
}
