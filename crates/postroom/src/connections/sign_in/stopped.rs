//! A sign-in that led to nothing: Microsoft refused, or somebody else came back.

use axum::response::Response;
use fault::Fault;
use http::StatusCode;

use super::{Who, login_url};
use crate::connections::connection_type::ConnectionType;
use crate::connections::consent;
use crate::connections::goal::{Goal, Way};
use crate::connections::pages::{SignInFailedPage, SwapPage};
use crate::connections::routes::State;
use crate::connections::store::accounts::{Account, SignIn};
use crate::connections::store::uses;
use crate::web::components::{Action, FaultView, Icon, password};
use crate::web::{self, Frame, Problem, Section};

/// Somebody else came back: nothing was stored. Whoever means it signs in once more to say so.
pub(super) async fn swapped(
    who: &Who,
    state: &State,
    before: &Account,
    now: &str,
) -> Result<Response, Problem> {
    let admin = match who {
        Who::Admin(admin) => admin,
        Who::Owner { .. } => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!(
                    "You signed in as {now}, but the link is for {}. Nothing was changed.",
                    before.username
                ),
                "Open the link again and choose the other account, or tell whoever sent it.",
            ));
        }
    };
    let uses = uses::of(&state.connections.db, before.id).await?;
    let replace = format!("/accounts/{}/replace", before.id);
    let page = SwapPage {
        frame: admin.frame(Section::Sources, "Another account signed in"),
        before: before.username.clone(),
        now: now.to_owned(),
        list: uses.list(),
        uses,
        stay: admin
            .post(format!("Sign in as {}", before.username), format!("/accounts/{}/sign-in", before.id))
            .with_icon(Icon::Grid)
            .primary(),
        replace: admin.post(format!("Let {now} take over"), replace).field("hint", now),
    };
    let mut response = match login_url(state, admin).await {
        Some(login) => web::page_leading_to(&page, &login)?,
        None => web::page(&page)?,
    };
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// A mend as it is done by whoever has a link, and no button to sign in again.
fn with_a_link(mend: &str) -> String {
    mend.replace("Press Sign in again", "Open the link that was sent to you again")
        .replace("press Sign in again", "open the link that was sent to you again")
}

pub(super) async fn failed(
    who: &Who,
    state: &State,
    fault: &Fault,
    sign_in: Option<&SignIn>,
) -> Result<Response, Problem> {
    let mut placed = fault.clone();
    if let Some(sign_in) = sign_in {
        placed = state.connections.placed(sign_in.app_registration_id, placed).await;
    }
    let mut view = FaultView::of(&placed, None);
    let admin = match who {
        Who::Admin(admin) => admin,
        Who::Owner { client, .. } => {
            // Portal and command are for whoever runs this, or administers the tenant; the password is the owner's own.
            view.actions = password(&placed).into_iter().collect();
            view.command.clear();
            view.mend = with_a_link(&view.mend);
            let frame = client.frame("The sign-in was not completed");
            let page = SignInFailedPage { frame, fault: view, to_sources: false };
            let mut response = web::page(&page)?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
    };
    let account = sign_in.and_then(|sign_in| sign_in.account_id);
    let goal = sign_in.map(|sign_in| Goal::of_stored(&sign_in.goal)).unwrap_or_default();
    let again = match (account, sign_in.map(|sign_in| sign_in.purpose.as_str()), &goal) {
        (Some(id), Some("replace"), _) => admin.post("Sign in again", format!("/accounts/{id}/replace")),
        // What EWS takes is asked for from its own form, which knows the server.
        (_, _, Goal::Source(_)) => Action::go("Try again", "/sources/create-ews"),
        (_, _, Goal::Outbound(Way { over: ConnectionType::Ews, .. })) => {
            Action::go("Try again", "/outbounds/create-ews")
        }
        (_, _, Goal::MoveSource { id }) => admin.post("Sign in again", format!("/sources/{id}/convert")),
        (_, _, Goal::MoveOutbound { id }) => admin.post("Sign in again", format!("/outbounds/{id}/convert")),
        (_, _, Goal::ValidateSource { id }) => admin.post("Sign in again", format!("/sources/{id}/sign-in")),
        (_, _, Goal::ValidateOutbound { id }) => {
            admin.post("Sign in again", format!("/outbounds/{id}/sign-in"))
        }
        (Some(id), ..) => admin.post("Sign in again", format!("/accounts/{id}/sign-in")),
        (None, _, Goal::Outbound(_)) => admin.post("Sign in again", "/outbounds/sign-in"),
        (None, ..) => admin.post("Sign in again", "/sources/sign-in"),
    };
    if let (Some(id), Some(sign_in)) = (account.filter(|_| consent::is_turned_back(fault)), sign_in) {
        // The page for consent and the page for approval are left in the same way: the person knows which of them it was.
        view = view.with(
            admin
                .post("An administrator has to approve", format!("/accounts/{id}/wait"))
                .field("wanted", &sign_in.wanted)
                .field("goal", &sign_in.goal)
                .field("code", &fault.code),
        );
    }
    view = view.with(again.with_icon(Icon::Grid).primary());
    let frame: Frame = admin.frame(goal.section(), "The sign-in was not completed");
    let page = SignInFailedPage { frame, fault: view, to_sources: true };
    let mut response = match login_url(state, admin).await {
        Some(login) => web::page_leading_to(&page, &login)?,
        None => web::page(&page)?,
    };
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use fault::Who;

    use super::*;

    /// Promise: whoever signs in by a link is sent to no button that their page does not have.
    #[test]
    fn an_owner_with_a_link_is_sent_to_it() {
        let of_owner = fault::catalogue().filter(|entry| entry.who == Who::MailboxOwner);
        let told: Vec<String> = of_owner.map(|entry| with_a_link(entry.mend)).collect();
        assert!(told.iter().all(|mend| !mend.to_lowercase().contains("press sign in again")), "{told:?}");
        assert!(told.contains(
            &"Change the password at Microsoft, then open the link that was sent to you again.".to_owned()
        ));
    }
}
