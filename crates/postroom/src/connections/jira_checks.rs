//! What is tested of a Jira site and of a project in it. Changes nothing there.

use std::time::Duration;

use fault::Fault;
use jira::{AttachmentLimit, CallError, Client, Myself, Permissions, ServerInfo};
use tokio::time::Instant;

use super::ping::Check;

/// How long a listing may take before a form goes without it.
pub const LIST_WITHIN: Duration = Duration::from_secs(15);

/// What a test found out about a site.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whom the token belongs to.
    pub myself: Myself,
    /// Which Jira it is.
    pub server: Option<ServerInfo>,
    /// The largest file, in bytes; none where files are refused.
    pub upload_limit: Option<u64>,
}

/// Tests a site: who are we, which Jira is it, does it take files. What was found is missing when nobody is signed in.
pub async fn check_site(client: &Client) -> (Vec<Check>, Option<Found>) {
    let begun = Instant::now();
    let (myself, server, limit) =
        tokio::join!(client.myself(), client.server_info(), client.attachment_limit());
    let took = begun.elapsed();
    let myself = match myself {
        Ok(myself) => myself,
        Err(error) => return (vec![Check::new("Jira sign-in", Err(error.fault), took)], None),
    };
    let mut checks = vec![Check::new("Jira sign-in", signed_in_as(&myself), took)];
    let version = server.as_ref().map(server_in_words).map_err(|error| error.fault.clone());
    checks.push(Check::new("Jira site", version, took));
    checks.push(Check::new("Attachments", files(&limit), took));
    let upload_limit = match limit {
        Ok(limit) if limit.enabled => limit.upload_limit,
        // Nothing fits where nothing is taken.
        Ok(_) => Some(0),
        Err(_) => None,
    };
    (checks, Some(Found { myself, server: server.ok(), upload_limit }))
}

/// Whether files are taken, in words.
pub(super) fn files(limit: &Result<AttachmentLimit, CallError>) -> Result<String, Fault> {
    match limit {
        Ok(limit) if limit.enabled => Ok(match limit.upload_limit {
            Some(bytes) => format!("takes files up to {} MiB", bytes >> 20),
            None => "takes files".to_owned(),
        }),
        Ok(_) => Ok("takes no files: attachments will stay in the mail".to_owned()),
        Err(error) => Err(error.fault.clone()),
    }
}

/// Whom the token belongs to, in words.
pub(super) fn signed_in_as(myself: &Myself) -> Result<String, Fault> {
    // Jira answers some questions to nobody in particular; a token that is not taken shows here.
    if myself.id().is_none() {
        return Err(Fault::own("jira.token", "Jira does not say who is signed in"));
    }
    if !myself.active {
        return Err(Fault::own("jira.token", "the user is deactivated"));
    }
    let address = myself.email_address.as_deref().or(myself.name.as_deref());
    Ok(match address {
        Some(address) if !address.is_empty() => format!("as {} ({address})", myself.display_name),
        _ => format!("as {}", myself.display_name),
    })
}

/// Which Jira it is, in words. Data Center calls itself Server.
pub(super) fn server_in_words(server: &ServerInfo) -> String {
    let numbers = server.version_numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let product = if server.is_cloud() { "Cloud" } else { "Data Center" };
    format!("{product} {numbers}").trim().to_owned()
}

/// Tests a project: may mail become issues and comments in it, and is the issue type still there.
pub async fn check_project(client: &Client, project: &str, issue_type: Option<&str>) -> Vec<Check> {
    let begun = Instant::now();
    let types = async {
        let types = client.issue_types(project).await;
        (types, begun.elapsed())
    };
    let permissions = async {
        let permissions = client.permissions(project, &Permissions::NEEDED).await;
        (permissions, begun.elapsed())
    };
    let ((types, types_took), (permissions, permissions_took)) = tokio::join!(types, permissions);
    let allowed = match permissions {
        Ok(permissions) => match permissions.missing().as_slice() {
            [] => Ok("may create issues, comment and attach".to_owned()),
            missing => Err(Fault::own("jira.forbidden", &format!("missing: {}", missing.join(", ")))),
        },
        Err(error) => Err(error.fault),
    };
    let found = match types {
        Ok(types) => match issue_type.map(|id| types.iter().find(|kind| kind.id == id)) {
            Some(None) => Err(Fault::own("jira.issue_type", &format!("{project} has it no longer"))),
            Some(Some(kind)) => Ok(format!("{} in {project}", kind.name)),
            None => Ok(format!("{} in {project}", types.len())),
        },
        Err(error) => Err(error.fault),
    };
    vec![Check::new("Permissions", allowed, permissions_took), Check::new("Issue type", found, types_took)]
}
