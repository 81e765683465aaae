//! An administrator's return from the consent link. They have no account here, and what the address says is not believed: it is
//! a reason to look, and whoever waits is looked at now.

use axum::response::Response;
use jiff::SignedDuration;
use microsoft::signin;

use crate::connections::pages::ApprovedPage;
use crate::connections::routes::State;
use crate::connections::store::approvals as rows;
use crate::web::components::Action;
use crate::web::{self, Client, Problem};

/// Who was looked at so lately is not looked at again: an address can be opened as often as somebody likes.
const NOT_AGAIN_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// What the return says.
#[derive(Clone, Copy, Debug)]
pub struct Returned<'a> {
    /// As the link carried it.
    pub state: &'a str,
    /// Empty where it went well.
    pub error: &'a str,
    /// In Microsoft's words.
    pub description: &'a str,
    /// `True` where it was given.
    pub admin_consent: Option<&'a str>,
    /// Where it was given.
    pub tenant: Option<&'a str>,
}

impl Returned<'_> {
    /// Whether it says that the approval was given.
    fn is_good(&self) -> bool {
        let given =
            [("admin_consent", self.admin_consent), ("tenant", self.tenant), ("error", Some(self.error))];
        let given = given.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        match signin::admin_consent_return(given) {
            Some(result) => result.is_ok(),
            // Neither of the two is named: nothing speaks against it, and whoever waits is only looked at.
            None => true,
        }
    }
}

/// The page of an administrator who came back; none where the state is none of a consent link.
pub async fn answer(
    state: &State,
    client: &Client,
    returned: Returned<'_>,
) -> Result<Option<Response>, Problem> {
    let connections = &state.connections;
    let Some(id) = rows::registration_of_state(&connections.db, returned.state).await? else {
        return Ok(None);
    };
    let good = returned.is_good();
    let mut waiting: i64 = 0;
    if good {
        let now = connections.clock.now();
        let lately = now.saturating_sub(NOT_AGAIN_WITHIN).unwrap_or(now);
        let mut tx = connections.db.begin().await?;
        waiting = rows::returned(&mut tx, returned.state, now, lately).await?;
        tx.commit().await?;
        state.engine.approvals.notify_one();
        state.shell.bus.tell("approvals");
        state.shell.bus.tell("sources");
    } else {
        tracing::warn!(error = returned.error, "an administrator came back without an approval");
    }
    let registration = connections.registration(id).await.ok();
    let enterprise = registration.map(|registration| {
        Action::leave(
            "Its permissions in the portal",
            registration.place().cloud.enterprise_permissions_page(&registration.client_id, None),
        )
    });
    let title = if good { "Thank you: the approval is given" } else { "The approval was not given" };
    let mut response = web::page(&ApprovedPage {
        frame: client.frame(title),
        good,
        waiting,
        said: fault::scrub(&returned.description.chars().take(400).collect::<String>()),
        enterprise,
    })?;
    if !good {
        *response.status_mut() = http::StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(Some(response))
}
