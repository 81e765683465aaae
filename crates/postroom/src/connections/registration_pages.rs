//! The app registration's pages: the list, one of them with its credentials and accounts, the form that makes or changes one,
//! and what is done to it with one press. Its credentials are in `registration_credentials.rs`.
//!
//! A registration that the settings file names is the file's: its page shows it and changes nothing.

use std::fmt::Write as _;

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use fault::{Fault, Page};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::cloud::Cloud;
use super::enterprise;
use super::jira_site::{is_same_origin, stored_fault};
use super::pages::{
    AccountOfRegistration, CredentialRow, RegistrationFormPage, RegistrationPage, RegistrationRow,
    RegistrationsPage,
};
use super::registration::MOST_CREDENTIALS;
use super::routes::{State, flash_to, moment, see_other, time};
use super::store::enterprise as enterprises;
use super::store::registrations::{self as rows, Kept, Row};
use crate::access::{Admin, Role, Viewer, audit};
use crate::web::components::{Action, FaultView, Health, Icon};
use crate::web::form::{Choice, Field, Fields};
use crate::web::times::counted;
use crate::web::{self, Flash, Problem, Section};

/// What tenants there are to begin sign-ins in, besides one's own.
const ANY_TENANT: [&str; 2] = ["organizations", "common"];

/// A registration of the viewer's workspace.
pub async fn one(state: &State, viewer: &Viewer, id: Uuid) -> Result<Row, Problem> {
    rows::one(&state.connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("app registration"))
}

/// A registration that may be changed here.
pub async fn own(state: &State, viewer: &Viewer, id: Uuid) -> Result<Row, Problem> {
    let row = one(state, viewer, id).await?;
    if row.owner == "file" {
        return Err(Problem::conflict(
            "This app registration stands in the settings file, so it is changed there.",
            "Change client_id, client_secret and tenant under [microsoft], then start Postroom again.",
        ));
    }
    Ok(row)
}

/// How a registration is called.
pub fn name(row: &Row) -> String {
    if row.name.is_empty() { row.client_id.clone() } else { row.name.clone() }
}

/// GET /registrations
pub async fn list(viewer: Viewer, Shared(state): Shared<State>) -> Result<Response, Problem> {
    let db = &state.connections.db;
    let mut listed = Vec::new();
    for (at, row) in rows::all(db, viewer.workspace()).await?.into_iter().enumerate() {
        let about = state.connections.about(&row).map_err(|fault| unreadable(&fault))?;
        let accounts = rows::accounts(db, row.id).await?.len();
        let credentials = rows::credentials(db, row.id).await?;
        let ends = credentials.iter().map(|credential| credential.expires_at);
        let next_end = ends.chain([row.secret_expires_at]).flatten().max();
        listed.push(RegistrationRow {
            href: format!("/registrations/{}", row.id),
            name: name(&row),
            client_id: row.client_id.clone(),
            cloud: about.cloud.label(),
            tenants: tenants(&row),
            accounts,
            ends: next_end.map(|at| moment(&viewer, at)),
            credentials: credentials.len() + usize::from(row.secret_sealed.is_some()),
            preferred: at == 0,
            of_file: row.owner == "file",
        });
    }
    let mut frame = viewer.frame(Section::Registrations, "App registration");
    if viewer.may(Role::Admin) {
        frame = frame
            .with(Action::go("How to register", "/registrations/set-up").with_icon(Icon::Book))
            .with(Action::go("Enter a registration", "/registrations/new").with_icon(Icon::Plus).primary());
    }
    web::page(&RegistrationsPage { frame, rows: listed, empty: RegistrationsPage::nothing() })
}

fn unreadable(fault: &Fault) -> Problem {
    Problem::conflict(
        "An address of an app registration cannot be read.",
        format!("Correct it under Messaging, App registration, or in the settings file: {}", fault.detail),
    )
}

/// Who may sign in, in words.
fn tenants(row: &Row) -> String {
    match row.tenant.as_str() {
        "organizations" => "any organisation".to_owned(),
        "common" => "any organisation, personal accounts".to_owned(),
        tenant if row.multi_tenant == 1 => format!("{tenant}, and others that connect"),
        tenant => tenant.to_owned(),
    }
}

/// GET /registrations/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let (connections, admin) = (&state.connections, viewer.may(Role::Admin));
    let row = one(&state, &viewer, id).await?;
    let about = connections.about(&row).map_err(|fault| unreadable(&fault))?;
    let of_file = row.owner == "file";
    let changes = admin && !of_file;
    let mut frame = viewer.frame(Section::Registrations, name(&row)).live("registrations sources");
    if admin {
        let set_up = format!("/registrations/set-up?registration={id}");
        frame = frame.with(Action::go("Set up in Entra", set_up).with_icon(Icon::Book));
    }
    if changes {
        frame =
            frame.with(Action::go("Change", format!("/registrations/{id}/edit")).with_icon(Icon::Settings));
    }
    let mut credentials = Vec::new();
    for credential in rows::credentials(&connections.db, id).await? {
        credentials.push(credential_row(&viewer, &row, &credential, changes));
    }
    if row.secret_sealed.is_some() {
        credentials.push(CredentialRow {
            kind: "Client secret",
            note: "from the settings file".to_owned(),
            thumbprint: String::new(),
            since: None,
            ends: row.secret_expires_at.map(|at| viewer.times().on(time(at))),
            over: row.secret_expires_at.is_some_and(|at| time(at) <= viewer.times().now),
            tested: None,
            fault: None,
            test: admin.then(|| {
                viewer.post("Test", format!("/registrations/{id}/test-of-file")).with_icon(Icon::Ping)
            }),
            remove: None,
        });
    }
    let accounts = rows::accounts(&connections.db, id).await?;
    let enterprises = enterprises::all(&connections.db, id).await?;
    let preferred =
        rows::all(&connections.db, viewer.workspace()).await?.first().is_some_and(|first| first.id == id);
    let mut dangers = Vec::new();
    if admin && !preferred {
        dangers.push(viewer.post("Use it for new sign-ins", format!("/registrations/{id}/prefer")));
    }
    if changes && accounts.is_empty() {
        dangers.push(
            viewer.post("Remove", format!("/registrations/{id}/remove")).with_icon(Icon::Bin).danger(
                "The registration and its sealed credentials are removed here. In Entra nothing is changed.",
            ),
        );
    }
    let may_add = changes && credentials.len() < MOST_CREDENTIALS;
    let address = |url: Option<&Url>| url.map_or_else(|| "none".to_owned(), Url::to_string);
    web::page(&RegistrationPage {
        frame,
        of_file,
        preferred,
        facts: vec![
            ("Client id".to_owned(), row.client_id.clone()),
            ("Who may sign in".to_owned(), tenants(&row)),
            (
                "Kind".to_owned(),
                if row.multi_tenant == 1 || ANY_TENANT.contains(&row.tenant.as_str()) {
                    "multi-tenant".to_owned()
                } else {
                    "single-tenant".to_owned()
                },
            ),
            ("Cloud".to_owned(), about.cloud.label().to_owned()),
            ("Sign-in address".to_owned(), about.login_url.to_string()),
            ("Microsoft Graph".to_owned(), about.graph_url.to_string()),
            ("Exchange Web Services".to_owned(), address(about.ews_url.as_ref())),
        ],
        redirect_uri: about.redirect_uri.to_string(),
        credentials,
        add: may_add.then(|| {
            Action::go("Add a credential", format!("/registrations/{id}/credentials/new"))
                .with_icon(Icon::Plus)
        }),
        full: changes && !may_add,
        accounts: accounts
            .into_iter()
            .map(|account| AccountOfRegistration {
                href: format!("/accounts/{}", account.id),
                username: account.username,
                tenant: account.tenant_id,
                health: Health::of_row(&account.state).unwrap_or(Health::Degraded),
                sources: u64::try_from(account.sources).unwrap_or(0),
                outbounds: u64::try_from(account.outbounds).unwrap_or(0),
                is_app: account.kind == "app",
            })
            .collect(),
        links: vec![
            Action::leave(
                "Secrets and certificates in the portal",
                Page::AppCredentials.address(about.place().cloud, Some(&row.client_id)),
            ),
            Action::leave(
                "Permissions in the portal",
                Page::AppPermissions.address(about.place().cloud, Some(&row.client_id)),
            ),
            Action::leave(
                "Enterprise Application in the portal",
                about.place().cloud.enterprise_permissions_page(&row.client_id, None),
            ),
        ],
        enterprises: enterprises
            .into_iter()
            .map(|known| enterprise::view(known, &row.client_id, &row.name, about.cloud))
            .collect(),
        dangers,
    })
}

fn credential_row(viewer: &Viewer, row: &Row, credential: &rows::Credential, changes: bool) -> CredentialRow {
    let at = format!("/registrations/{}/credentials/{}", row.id, credential.id);
    let fault = credential.fault.as_deref().and_then(stored_fault);
    CredentialRow {
        kind: if credential.kind == "certificate" { "Certificate" } else { "Client secret" },
        note: credential.note.clone(),
        thumbprint: credential.thumbprint.clone(),
        since: Some(moment(viewer, credential.created_at)),
        ends: credential.expires_at.map(|at| viewer.times().on(time(at))),
        over: credential.expires_at.is_some_and(|at| time(at) <= viewer.times().now),
        tested: credential.tested_at.map(|at| moment(viewer, at)),
        fault: fault.map(|fault| FaultView::of(&fault, None)),
        test: viewer
            .may(Role::Admin)
            .then(|| viewer.post("Test", format!("{at}/test")).with_icon(Icon::Ping)),
        remove: changes.then(|| {
            viewer.post("Take out", format!("{at}/remove")).with_icon(Icon::Bin).danger(
                "Postroom forgets it. Accounts go on with the other credential, if there is one; without one nobody's token \
                 can be renewed.",
            )
        }),
    }
}

/// What is posted to the form.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    name: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    multi_tenant: String,
    #[serde(default)]
    cloud: String,
    #[serde(default)]
    login_url: String,
    #[serde(default)]
    graph_url: String,
    #[serde(default)]
    ews_url: String,
}

fn fields(posted: &Posted) -> Fields {
    let clouds = Cloud::ALL.into_iter().map(|cloud| Choice::new(cloud.word(), cloud.label())).collect();
    let multi = if posted.multi_tenant == "yes" { "yes" } else { "no" };
    let cloud = if posted.cloud.is_empty() { Cloud::Global.word() } else { &posted.cloud };
    Fields::new(vec![
        Field::line("name", "Name")
            .optional()
            .value(&posted.name)
            .hint("As the registration is called in Entra."),
        Field::line("client_id", "Application (client) id")
            .value(&posted.client_id)
            .placeholder("00000000-0000-0000-0000-000000000000")
            .hint("On the registration's overview page."),
        Field::radio(
            "multi_tenant",
            "Kind",
            vec![
                Choice::new("no", "Single-tenant").hint("Only accounts of the tenant below sign in."),
                Choice::new("yes", "Multi-tenant")
                    .hint("Other tenants connect by the first sign-in of an administrator of theirs."),
            ],
        )
        .value(multi),
        Field::line("tenant", "Tenant").value(&posted.tenant).placeholder("contoso.com").hint(
            "Its id or one of its domains. A multi-tenant registration may say organizations: any tenant.",
        ),
        Field::select("cloud", "Cloud", clouds).value(cloud),
        Field::url("login_url", "Sign-in address")
            .optional()
            .value(&posted.login_url)
            .hint("Only for a cloud with addresses of your own, as the next two."),
        Field::url("graph_url", "Address of Microsoft Graph").optional().value(&posted.graph_url),
        Field::url("ews_url", "Address of Exchange Web Services")
            .optional()
            .value(&posted.ews_url)
            .hint("Also for Exchange on your own machines, with any cloud."),
    ])
}

/// A registration that is changed, and what depends on its client id.
struct Change {
    row: Row,
    /// How many accounts people signed in with.
    accounts: usize,
    /// How many credentials prove it.
    credentials: usize,
}

impl Change {
    async fn of(state: &State, row: Row) -> Result<Self, Problem> {
        let db = &state.connections.db;
        let accounts = rows::accounts(db, row.id).await?;
        Ok(Self {
            accounts: accounts.iter().filter(|account| account.kind != "app").count(),
            credentials: rows::credentials(db, row.id).await?.len(),
            row,
        })
    }

    /// What another client id means, said before.
    fn warning(&self) -> Option<String> {
        let sign_ins = (self.accounts > 0).then(|| {
            format!(
                "{} signed in with this registration. With another client id or cloud, {} must sign in again; mail waits meanwhile \
                 and none is lost.",
                counted(self.accounts, "account is", "accounts are"),
                if self.accounts == 1 { "it" } else { "all of them" }
            )
        });
        let proofs = (self.credentials > 0).then(|| {
            format!(
                "A credential belongs to its client id: with another one, {} taken out, and you put in that of the new app next.",
                counted(self.credentials, "credential is", "credentials are")
            )
        });
        let said: Vec<String> = sign_ins.into_iter().chain(proofs).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }
}

fn form(viewer: &Viewer, fields: Fields, change: Option<&Change>) -> Result<Response, Problem> {
    let title = if change.is_some() { "Change the app registration" } else { "Enter an app registration" };
    let (action, back) = match change.map(|change| change.row.id) {
        Some(id) => (format!("/registrations/{id}/edit"), format!("/registrations/{id}")),
        None => ("/registrations/new".to_owned(), "/registrations".to_owned()),
    };
    let warning = change.and_then(Change::warning);
    let frame = viewer.frame(Section::Registrations, title);
    web::page(&RegistrationFormPage { frame, action, back, fields, warning })
}

/// GET /registrations/new
pub async fn new(admin: Admin) -> Result<Response, Problem> {
    form(&admin, fields(&Posted::default()), None)
}

/// GET /registrations/{id}/edit
pub async fn edit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let change = Change::of(&state, own(&state, &admin, id).await?).await?;
    let row = &change.row;
    let custom = row.cloud == Cloud::Custom.word();
    let given = |text: &str| if custom { text.to_owned() } else { String::new() };
    let posted = Posted {
        name: row.name.clone(),
        client_id: row.client_id.clone(),
        tenant: row.tenant.clone(),
        multi_tenant: if row.multi_tenant == 1 { "yes".to_owned() } else { "no".to_owned() },
        cloud: row.cloud.clone(),
        login_url: given(&row.login_url),
        graph_url: given(&row.graph_url),
        ews_url: row.ews_url.clone(),
    };
    form(&admin, fields(&posted), Some(&change))
}

/// What the form says, held against what can be.
fn judge(posted: &Posted, workspace: Uuid, id: Uuid, now: jiff::Timestamp) -> Result<Kept, Box<Fields>> {
    let mut said = fields(posted);
    let client_id = posted.client_id.trim().to_ascii_lowercase();
    if Uuid::try_parse(&client_id).is_err() || client_id.len() != 36 {
        said.fail(
            "client_id",
            "This is no client id: it is written as 8-4-4-4-12 hexadecimal digits. (The object id beside it is another one.)",
        );
    }
    let multi_tenant = posted.multi_tenant == "yes";
    let tenant = posted.tenant.trim().to_ascii_lowercase();
    let any = ANY_TENANT.contains(&tenant.as_str());
    if tenant.is_empty() {
        said.fail("tenant", "The tenant is missing: write its id or one of its domains.");
    } else if any && !multi_tenant {
        said.fail(
            "tenant",
            "A single-tenant registration needs its tenant's id or domain (else AADSTS50194).",
        );
    } else if !any && tenant.chars().any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))) {
        said.fail(
            "tenant",
            "This is no tenant: write its id or one of its domains, for example contoso.com.",
        );
    }
    let cloud = Cloud::of_word(&posted.cloud).unwrap_or(Cloud::Global);
    let mut address = |name: &'static str, text: &str, needed: bool| match read_address(text, needed) {
        Ok(found) => found,
        Err(error) => {
            said.fail(name, error);
            String::new()
        }
    };
    let is_custom = cloud == Cloud::Custom;
    let (login_url, graph_url) = if is_custom {
        (address("login_url", &posted.login_url, true), address("graph_url", &posted.graph_url, true))
    } else {
        (cloud.login().to_owned(), cloud.graph().to_owned())
    };
    let ews_url = address("ews_url", &posted.ews_url, false);
    if said.failed() {
        return Err(Box::new(said));
    }
    Ok(Kept {
        id,
        workspace,
        name: posted.name.trim().chars().take(120).collect(),
        client_id,
        tenant,
        multi_tenant,
        cloud: cloud.word(),
        login_url,
        graph_url,
        ews_url,
        now,
    })
}

/// An address as it is typed, without a slash at its end. Plain http is for this machine only.
fn read_address(text: &str, needed: bool) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return if needed { Err("The address is missing.".to_owned()) } else { Ok(String::new()) };
    }
    let url = Url::parse(text).map_err(|error| format!("This is no address ({error})."))?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        _ => return Err("The address begins with https://.".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("The address holds a user, a password or a query: leave these out.".to_owned());
    }
    Ok(text.to_owned())
}

/// POST /registrations/new
pub async fn make(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let id = Uuid::now_v7();
    let kept = match judge(&posted, admin.workspace(), id, connections.clock.now()) {
        Ok(kept) => kept,
        Err(said) => return form(&admin, *said, None),
    };
    let mut tx = connections.db.begin().await?;
    if rows::of_client(&mut tx, kept.workspace, &kept.login_url, &kept.client_id).await?.is_some() {
        let mut said = fields(&posted);
        said.fail("client_id", "This app registration is here already: change that one.");
        return form(&admin, said, None);
    }
    let client_id = kept.client_id.clone();
    rows::insert(&mut tx, kept).await?;
    audit::record(&mut tx, &admin.actor(), "enter app registration", &client_id, "").await?;
    tx.commit().await?;
    connections.forget();
    state.shell.bus.tell("registrations");
    let flash =
        Flash::done("The registration is kept; new sign-ins use it. It needs a credential: put one in now.");
    Ok(flash_to(&admin, &flash, &format!("/registrations/{id}/credentials/new")))
}

/// POST /registrations/{id}/edit
pub async fn change(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let change = Change::of(&state, own(&state, &admin, id).await?).await?;
    let row = &change.row;
    let kept = match judge(&posted, admin.workspace(), id, connections.clock.now()) {
        Ok(kept) => kept,
        Err(said) => return form(&admin, *said, Some(&change)),
    };
    let mut tx = connections.db.begin().await?;
    let other = rows::of_client(&mut tx, kept.workspace, &kept.login_url, &kept.client_id).await?;
    if other.is_some_and(|other| other != id) {
        let mut said = fields(&posted);
        said.fail("client_id", "Another app registration here has this client id.");
        return form(&admin, said, Some(&change));
    }
    // Tokens belong to a client id in a cloud: with another one they are worth nothing, and another server is none of their business.
    let is_another_app = kept.client_id != row.client_id;
    let is_another = is_another_app
        || kept.login_url != row.login_url
        || (!row.graph_url.is_empty() && !is_same_origin(&kept.graph_url, &row.graph_url));
    // A client secret is shown to whoever is at the sign-in address. A certificate's key never leaves.
    let is_elsewhere = !is_same_origin(&kept.login_url, &row.login_url);
    let (client_id, now) = (kept.client_id.clone(), kept.now);
    rows::update(&mut tx, kept).await?;
    let taken_out = if is_another_app {
        // They prove the former app, and must not stand in the way of those that prove this one.
        rows::is_another_app(&mut tx, id, &client_id).await?;
        rows::remove_credentials(&mut tx, id).await?
    } else if is_elsewhere {
        rows::remove_secrets(&mut tx, id).await?
    } else {
        0
    };
    let mut ended = 0;
    if is_another {
        let fault = Fault::own("own.not_signed_in", "the app registration has another client id or cloud");
        let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
        ended = rows::end_sign_ins(&mut tx, id, &record, now).await?;
    }
    let mut detail = if is_another {
        format!("{} before; {} ended", row.client_id, counted(ended, "sign-in", "sign-ins"))
    } else {
        String::new()
    };
    if taken_out > 0 {
        let _ = write!(detail, "; {} taken out", counted(taken_out, "credential", "credentials"));
    }
    audit::record(&mut tx, &admin.actor(), "change app registration", &client_id, &detail).await?;
    tx.commit().await?;
    connections.forget();
    state.shell.bus.tell("registrations");
    state.shell.bus.tell("sources");
    let mut said = "The registration is changed.".to_owned();
    if ended > 0 {
        let _ = write!(said, " {} must sign in again.", counted(ended, "account", "accounts"));
    }
    if is_another_app {
        if taken_out > 0 {
            let credentials = counted(
                taken_out,
                "credential of the former client id is",
                "credentials of the former client id are",
            );
            let _ = write!(said, " {credentials} taken out.");
        }
        said.push_str(" Nobody can sign in before the new app has a credential here: put it in now.");
        return Ok(flash_to(&admin, &Flash::done(said), &format!("/registrations/{id}/credentials/new")));
    }
    if taken_out > 0 {
        said.push_str(
            " Its client secrets were given to another sign-in address and are taken out: add one anew.",
        );
    }
    Ok(flash_to(&admin, &Flash::done(said), &format!("/registrations/{id}")))
}

/// POST /registrations/{id}/prefer
pub async fn prefer(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = one(&state, &admin, id).await?;
    let mut tx = state.connections.db.begin().await?;
    rows::prefer(&mut tx, admin.workspace(), id, state.connections.clock.now()).await?;
    audit::record(&mut tx, &admin.actor(), "use app registration", &row.client_id, "for new sign-ins")
        .await?;
    tx.commit().await?;
    let flash = Flash::done(format!("New sign-ins use {}.", name(&row)));
    Ok(flash_to(&admin, &flash, &format!("/registrations/{id}")))
}

/// POST /registrations/{id}/remove
pub async fn remove(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let row = own(&state, &admin, id).await?;
    let mut tx = state.connections.db.begin().await?;
    if !rows::remove(&mut tx, admin.workspace(), id).await? {
        return Err(Problem::conflict(
            "Accounts are signed in with this app registration, so it stays.",
            "Remove the accounts first: they stand on its page.",
        ));
    }
    audit::record(&mut tx, &admin.actor(), "remove app registration", &row.client_id, "").await?;
    tx.commit().await?;
    state.connections.forget();
    state.shell.bus.tell("registrations");
    Ok(see_other("/registrations"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted() -> Posted {
        Posted {
            client_id: "6BABCAAD-604b-40ac-a9d7-9fd97c0b779f".to_owned(),
            tenant: "contoso.com".to_owned(),
            multi_tenant: "no".to_owned(),
            cloud: "global".to_owned(),
            ..Posted::default()
        }
    }

    fn judged(posted: &Posted) -> Result<Kept, Box<Fields>> {
        judge(posted, Uuid::nil(), Uuid::nil(), jiff::Timestamp::UNIX_EPOCH)
    }

    /// Promise: what cannot work is refused beside its field, before Microsoft would refuse it.
    #[test]
    fn the_form_is_held_against_what_can_be() {
        let kept = judged(&posted()).expect("it can be");
        assert_eq!(
            (kept.login_url.as_str(), kept.graph_url.as_str()),
            (Cloud::Global.login(), Cloud::Global.graph())
        );
        assert_eq!(kept.client_id, "6babcaad-604b-40ac-a9d7-9fd97c0b779f");
        for (name, wrong) in [
            ("client_id", Posted { client_id: "Postroom".to_owned(), ..posted() }),
            ("tenant", Posted { tenant: String::new(), ..posted() }),
            ("tenant", Posted { tenant: "organizations".to_owned(), ..posted() }),
            ("tenant", Posted { tenant: "contoso.com/../x".to_owned(), ..posted() }),
            ("login_url", Posted { cloud: "custom".to_owned(), ..posted() }),
            ("ews_url", Posted { ews_url: "http://mail.contoso.com/ews".to_owned(), ..posted() }),
        ] {
            let said = judged(&wrong).expect_err(name);
            let field = said.fields.iter().find(|field| field.name == name).expect("the field");
            assert!(!field.error.is_empty(), "{name}: {said:?}");
        }
        let any = Posted { tenant: "organizations".to_owned(), multi_tenant: "yes".to_owned(), ..posted() };
        assert!(judged(&any).expect("multi-tenant").multi_tenant);
    }
}
