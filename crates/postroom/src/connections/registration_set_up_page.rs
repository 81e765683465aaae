//! The page that says how Postroom is registered in Entra; its texts are made in `registration_set_up.rs`. What is wished stands in
//! the address, so that the page can be sent to whoever administers the tenant.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use fault::Page;
use serde::Deserialize;
use store::StoreError;
use url::Url;
use uuid::Uuid;

use super::cloud::{self, Cloud};
use super::pages::SetUpPage;
use super::registration_pages::{name, one};
use super::registration_set_up::{self as set_up, Where, Wishes};
use super::routes::State;
use super::store::registrations::{self as rows, Row};
use crate::access::{Role, Viewer};
use crate::web::components::{Action, Icon};
use crate::web::form::{Choice, Field, Fields};
use crate::web::{self, Problem, Section};

/// What is wished, as the address says it.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    registration: Option<Uuid>,
    /// Set by the form: without it the page shows what most want.
    #[serde(default)]
    show: String,
    #[serde(default)]
    read: String,
    #[serde(default)]
    send: String,
    #[serde(default)]
    shared: String,
    #[serde(default)]
    ews: String,
    #[serde(default)]
    application: String,
    #[serde(default)]
    mailboxes: String,
    #[serde(default)]
    credential_ends: String,
    #[serde(default)]
    multi_tenant: String,
    #[serde(default)]
    cloud: String,
    #[serde(default)]
    name: String,
}

impl Asked {
    fn wishes(&self) -> Wishes {
        if self.show.is_empty() {
            return Wishes::default();
        }
        let on = |text: &str| text == "on";
        Wishes {
            read: on(&self.read),
            send: on(&self.send),
            shared: on(&self.shared),
            ews: on(&self.ews),
            application: on(&self.application),
            mailboxes: set_up::read_mailboxes(&self.mailboxes),
            credential_ends: on(&self.credential_ends),
        }
    }
}

/// Comes back with an administrator: nobody can guess it, and all that it does is to have Postroom look.
pub fn fresh_state(rng: &mut impl rand::CryptoRng) -> String {
    let mut bytes = [0_u8; 24];
    rng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// The state of a registration's consent links, made at the first need.
pub async fn approval_state(state: &State, row: &Row) -> Result<String, StoreError> {
    if !row.approval_state.is_empty() {
        return Ok(row.approval_state.clone());
    }
    let fresh = fresh_state(&mut rand::rng());
    let mut tx = state.connections.db.begin().await?;
    let held = rows::approval_state(&mut tx, row.id, &fresh).await?;
    tx.commit().await?;
    Ok(held)
}

/// Where a registration is, for the texts.
async fn place_of(state: &State, row: &Row) -> Result<Where, Problem> {
    let about = state.connections.about(row).map_err(|fault| {
        Problem::conflict("An address of the app registration cannot be read.", fault.detail)
    })?;
    let any = matches!(row.tenant.as_str(), "organizations" | "common");
    Ok(Where {
        cloud: about.cloud,
        login_url: about.login_url.clone(),
        graph_url: about.graph_url.clone(),
        ews_url: about.ews_url.clone(),
        multi_tenant: any || row.multi_tenant == 1,
        name: if row.name.is_empty() { "Postroom".to_owned() } else { name(row) },
        redirect_uri: about.redirect_uri.clone(),
        client_id: Some(row.client_id.clone()),
        tenant: (!any).then(|| row.tenant.clone()),
        state: Some(approval_state(state, row).await?),
    })
}

/// Before there is a registration: as the form says.
fn place_anew(state: &State, asked: &Asked) -> Where {
    let cloud = Cloud::of_word(&asked.cloud).unwrap_or(Cloud::Global);
    let reach = &state.connections.reach;
    let known = |text: &str| Url::parse(text).unwrap_or_else(|_| reach.graph_url.clone());
    Where {
        cloud,
        login_url: known(cloud.login()),
        graph_url: known(cloud.graph()),
        ews_url: Url::parse(cloud.ews()).ok(),
        multi_tenant: asked.multi_tenant == "yes",
        name: if asked.name.trim().is_empty() { "Postroom".to_owned() } else { asked.name.trim().to_owned() },
        redirect_uri: reach.redirect_uri.clone(),
        client_id: None,
        tenant: None,
        state: None,
    }
}

fn wishes_form(wishes: &Wishes) -> Fields {
    let tick = |name, label: &str, on: bool, hint: &str| {
        Field::tick(name, label).value(if on { "on" } else { "" }).hint(hint)
    };
    Fields::new(vec![
        tick("read", "Read mail", wishes.read, "Message Sources: mail becomes issues."),
        tick("send", "Send mail", wishes.send, "Message Outbounds: what happens in Jira becomes mail."),
        tick(
            "shared",
            "Shared mailboxes",
            wishes.shared,
            "Also mailboxes of others that the account has rights on.",
        ),
        tick(
            "ews",
            "Exchange Web Services",
            wishes.ews,
            "Instead of Graph: for Exchange on your own machines.",
        ),
        tick(
            "application",
            "Application permission",
            wishes.application,
            "Without a person who signs in. An administrator must approve; fence it to named mailboxes.",
        ),
        Field::line("mailboxes", "Mailboxes inside the fence")
            .optional()
            .value(wishes.mailboxes.join(", "))
            .hint("For application permission: their addresses, separated by commas."),
        tick("credential_ends", "When its credentials end", wishes.credential_ends, set_up::CREDENTIAL_ENDS),
    ])
}

fn registration_form(place: &Where) -> Fields {
    let clouds = Cloud::ALL
        .into_iter()
        .filter(|cloud| *cloud != Cloud::Custom)
        .map(|cloud| Choice::new(cloud.word(), cloud.label()))
        .collect();
    Fields::new(vec![
        Field::line("name", "Name").optional().value(&place.name),
        Field::select("cloud", "Cloud", clouds).value(place.cloud.word()),
        Field::select(
            "multi_tenant",
            "Kind",
            vec![
                Choice::new("no", "Single-tenant: your own"),
                Choice::new("yes", "Multi-tenant: others connect too"),
            ],
        )
        .value(if place.multi_tenant { "yes" } else { "no" }),
    ])
}

/// GET /registrations/set-up
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let row = match asked.registration {
        Some(id) => Some(one(&state, &viewer, id).await?),
        None => None,
    };
    let place = match &row {
        Some(row) => place_of(&state, row).await?,
        None => place_anew(&state, &asked),
    };
    let wishes = asked.wishes();
    let texts = set_up::texts(&place, &wishes);
    let portals = cloud::of_portals(place.cloud, &place.login_url);
    let mut frame = viewer.frame(Section::Registrations, "Set up Postroom in Entra");
    if viewer.may(Role::Admin) && row.is_none() {
        frame = frame
            .with(Action::go("Enter the registration", "/registrations/new").with_icon(Icon::Plus).primary());
    }
    web::page(&SetUpPage {
        frame,
        registration: row.as_ref().map(|row| (row.id.to_string(), name(row))),
        credentials: place.client_id.as_deref().map(|id| Page::AppCredentials.address(portals, Some(id))),
        permissions_page: place
            .client_id
            .as_deref()
            .map(|id| Page::AppPermissions.address(portals, Some(id))),
        wishes: wishes_form(&wishes),
        kind: if row.is_none() { registration_form(&place) } else { Fields::default() },
        multi_tenant: place.multi_tenant,
        texts,
    })
}
