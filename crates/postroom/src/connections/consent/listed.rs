//! Who waits for an administrator, as lines of the list of Message Sources or of Message Outbounds.

use uuid::Uuid;

use crate::access::{Role, Viewer};
use crate::connections::connection_type::ConnectionType;
use crate::connections::consent::begin;
use crate::connections::goal::Goal;
use crate::connections::pages::{Said, SourceRow};
use crate::connections::routes::{State, time};
use crate::connections::scopes;
use crate::connections::store::approvals::{self as rows, Approval};
use crate::web::Problem;
use crate::web::components::{Action, Health, Menu, Tone};

/// Who waits, in the viewer's workspace.
pub async fn waiting(state: &State, viewer: &Viewer) -> Result<Vec<Approval>, Problem> {
    Ok(rows::open(&state.connections.db, viewer.workspace()).await?)
}

/// Those of one list (of outbounds, or of sources) that no line in it speaks for already: `spoken_for` are the accounts of connections
/// that wait for an approval themselves.
pub fn beside<'a>(
    waiting: &'a [Approval],
    outbounds: bool,
    spoken_for: &'a [Uuid],
) -> impl Iterator<Item = &'a Approval> {
    waiting.iter().filter(move |approval| {
        Goal::of_stored(&approval.goal).is_outbound() == outbounds
            && approval.account_id.is_none_or(|account| !spoken_for.contains(&account))
    })
}

/// How the mailbox will be reached: as its goal says, else as the permissions do.
fn over(approval: &Approval) -> ConnectionType {
    let is_ews_alone = !scopes::of_ews(&approval.scopes).is_empty()
        && !scopes::is_granted(&approval.scopes, scopes::MAIL)
        && !scopes::is_granted(&approval.scopes, scopes::SHARED);
    if is_ews_alone { ConnectionType::Ews } else { Goal::of_stored(&approval.goal).over() }
}

/// The line of somebody who waits and has nothing in the list yet.
pub async fn row(state: &State, viewer: &Viewer, approval: &Approval) -> SourceRow {
    let href = format!("/approvals/{}", approval.id);
    let came_back = approval.account_id.is_none() && approval.returned_at.is_some();
    let link = begin::link(&state.connections, approval).await.ok();
    let action = match link {
        _ if !viewer.may(Role::Admin) => None,
        _ if came_back => Some(Action::go("Sign in now", href.clone()).primary()),
        Some(link) => Some(Action::copy("Copy link for the administrator", link.as_str())),
        None => None,
    };
    let text = if came_back {
        "An administrator came back from the consent link. Sign in to see whether it is approved."
    } else {
        "An administrator of the tenant has to approve. Postroom goes on by itself then."
    };
    SourceRow {
        id: approval.id.to_string(),
        mailbox: if approval.who.is_empty() {
            "Mailbox not known yet".to_owned()
        } else {
            approval.who.clone()
        },
        href: href.clone(),
        folder: String::new(),
        connection_type: over(approval).name(),
        target: String::new(),
        health: Health::ApprovalNeeded,
        last_mail: None,
        beside: String::new(),
        said: vec![Said {
            tone: Tone::Warn,
            since: Some(viewer.times().on(time(approval.since))),
            text: text.to_owned(),
            code: approval.code.clone(),
            action,
            ways: Vec::new(),
        }],
        ping: None,
        validate: None,
        menu: Menu::more(format!("More for {}", approval.who), vec![Action::go("What to do", href)]),
        result: None,
    }
}
