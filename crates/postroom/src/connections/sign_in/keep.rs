//! Who came back, and with what: stored before anything is done with it.

use axum::response::Response;
use fault::Fault;
use jiff::SignedDuration;
use microsoft::AccessTokens;
use microsoft::signin::{Hint, IdClaims, Tokens};
use secrecy::{ExposeSecret, SecretString};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::Who;
use super::begin::{Leaving, Stage, leave};
use super::come_back::redeemed_scopes;
use super::stopped::{failed, swapped};
use crate::access::{Actor, Admin, audit};
use crate::connections::goal::Goal;
use crate::connections::routes::{State, flash_to, see_other};
use crate::connections::store::accounts::{self as rows, Account, SignIn, SignedIn};
use crate::connections::store::events::{self, Event, Object};
use crate::connections::store::{approvals, links, outbounds as senders, sources, uses};
use crate::connections::{
    Connections, application, convert, enterprise, outbounds, ping, scopes, sign_in_link, tell, tokens,
};
use crate::web::{Flash, Problem};

/// After a sign-in so many sources of the account are pinged, and so many outbounds; the others are tried all the same, in their time.
const MOST_PINGS: usize = 5;

/// Stores who signed in; only then is anything done with the tokens.
pub(super) async fn keep(
    who: Who,
    state: &State,
    sign_in: &SignIn,
    tokens: Tokens,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let workspace = who.workspace();
    let (Some(claims), Some(_)) = (&tokens.id, &tokens.refresh) else {
        let fault = Fault::own("entra.id_token", "the answer held no id_token or no refresh token");
        return failed(&who, state, &fault, Some(sign_in)).await;
    };
    let before = match sign_in.account_id {
        Some(id) => rows::account(&connections.db, workspace, id).await?,
        None => None,
    };
    let another =
        before.as_ref().filter(|before| before.object_id != claims.oid || before.tenant_id != claims.tid);
    if let Some(before) = another.filter(|_| sign_in.purpose == "validate") {
        let name = claims.preferred_username.as_deref().unwrap_or("somebody else");
        return swapped(&who, state, before, name).await;
    }
    let granted = tokens.scopes.join(" ");
    let is_whole = sign_in.stage == "whole" || scopes::are_granted(&granted, &sign_in.wanted);
    let known = rows::row_of(&connections.db, workspace, &claims.tid, &claims.oid).await?;
    let known = Known::of(connections, workspace, known).await?;
    let id = known.id;
    let now = connections.clock.now();
    let asked = redeemed_scopes(sign_in);
    let Some(account) = row(connections, &known, workspace, sign_in.app_registration_id, &tokens, &asked)
    else {
        return failed(&who, state, &Fault::own("entra.id_token", ""), Some(sign_in)).await;
    };
    if !is_whole {
        return go_on(who, state, sign_in, claims, &known, account).await;
    }
    let name = account.username.clone();
    let mut tx = connections.db.begin().await?;
    if let Who::Owner { link, .. } = &who
        && !links::spend(&mut tx, link.id, &name, now).await?
    {
        tx.rollback().await?;
        return Err(sign_in_link::no_longer());
    }
    let wanted = scopes::merged(&known.wanted, &sign_in.wanted);
    record(&mut tx, &who.actor(), account, &wanted, sign_in.approval_id).await?;
    keep_goal(&mut tx, id, sign_in).await?;
    let mut handed = uses::Uses::default();
    if let Some(before) = before.as_ref().filter(|before| sign_in.purpose == "replace" && before.id != id) {
        handed = uses::hand_over(&mut tx, before.id, id, now).await?;
        let text = format!("{name} takes the place of {} from now on", before.username);
        let actor = who.name();
        let event =
            Event { object: Object::Account, id, kind: "replaced", text: &text, actor: &actor, detail: None };
        events::add(&mut tx, workspace, now, &event).await?;
        audit::record(&mut tx, &who.actor(), "replace account", &before.username, &name).await?;
    }
    tx.commit().await?;
    connections.forget();
    learn_the_rest(connections, id, &sign_in.wanted).await;
    enterprise::learn(connections, workspace, id, claims).await?;
    state.engine.poll.notify_one();
    state.shell.bus.tell("sources");
    state.shell.bus.tell("registrations");
    let admin = match who {
        Who::Owner { client, link } => return sign_in_link::done(&client, &link, &name),
        Who::Admin(admin) => admin,
    };
    if !handed.is_none() {
        let read = if handed.sources > 0 { " What was read goes on where it stood." } else { "" };
        let flash = Flash::done(format!(
            "{name} is signed in and takes over {}.{read} Ping to see whether it may.",
            handed.words()
        ));
        return Ok(flash_to(&admin, &flash, handed.list()));
    }
    let goal = Goal::of_stored(&sign_in.goal);
    match goal {
        Goal::Account | Goal::ValidateSource { .. } | Goal::ValidateOutbound { .. } => {}
        Goal::MoveSource { id } => return convert::finish(&admin, state, id).await,
        Goal::MoveOutbound { id } => return outbounds::convert::finish(&admin, state, id).await,
        goal => return Ok(see_other(&goal.page(id))),
    }
    if sign_in.purpose == "validate"
        && let Some(page) = ping_what_uses_it(state, &admin, id, &goal).await?
    {
        return Ok(see_other(&page));
    }
    Ok(see_other(&format!("/accounts/{id}")))
}

/// What a new sign-in is for people, for an application: a fresh token, however long the one at hand lasts; then its check, and what
/// uses it is pinged.
pub(super) async fn validate_application(
    admin: &Admin,
    state: &State,
    account: Uuid,
    goal: &Goal,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    connections.begin_anew(account).await;
    let fresh = async {
        let tokens = connections.tokens(account).await?;
        let held = tokens.get().await?;
        tokens.refused(&held).await
    };
    if let Err(fault) = fresh.await {
        // It stands at the account, and in the lines that follow.
        tracing::info!(%account, %fault, code = %fault.code, "the application gets no token");
    }
    application::check(connections, admin.workspace(), &admin.user().email, account).await?;
    state.engine.poll.notify_one();
    state.shell.bus.tell("sources");
    let page = ping_what_uses_it(state, admin, account, goal).await?;
    Ok(see_other(&page.unwrap_or_else(|| format!("/applications/{account}"))))
}

/// Validating is signing in and then trying it: pings the sources and outbounds that use an account; nothing is sent, since nobody
/// pressed *Ping*. Gives the page that shows what was found of one of them: of the one that was validated, unless that works and
/// another does not.
async fn ping_what_uses_it(
    state: &State,
    admin: &Admin,
    account: Uuid,
    goal: &Goal,
) -> Result<Option<String>, StoreError> {
    let (connections, workspace, actor) = (&state.connections, admin.workspace(), &admin.user().email);
    let pressed = match goal {
        Goal::ValidateSource { id } | Goal::ValidateOutbound { id } => Some(*id),
        _ => None,
    };
    let pressed_first = |mut all: Vec<Uuid>| {
        all.sort_by_key(|id| pressed != Some(*id));
        all.truncate(MOST_PINGS);
        all
    };
    let sources = sources::all(&connections.db, workspace).await?.into_iter();
    let sources = sources.filter(|source| source.account_id == account && source.confirmed_at.is_some());
    let senders = senders::all(&connections.db, workspace).await?.into_iter();
    let senders = senders.filter(|outbound| outbound.account_id == account);
    let of_sources = pressed_first(sources.map(|source| source.id).collect()).into_iter().map(async |id| {
        let report = ping::source_on_record(connections, workspace, id, actor).await?;
        Ok::<_, StoreError>(report.map(|report| ("/sources", id, report.is_good())))
    });
    let of_senders =
        pressed_first(senders.map(|outbound| outbound.id).collect()).into_iter().map(async |id| {
            let report = outbounds::ping::on_record(connections, workspace, id, actor, None).await?;
            Ok::<_, StoreError>(report.map(|report| ("/outbounds", id, report.is_good())))
        });
    let (of_sources, of_senders) = tokio::try_join!(
        futures::future::try_join_all(of_sources),
        futures::future::try_join_all(of_senders)
    )?;
    let found = of_sources.into_iter().chain(of_senders).flatten();
    let shown = found.min_by_key(|(_, id, is_good)| (*is_good, pressed != Some(*id)));
    Ok(shown.map(|(list, id, _)| format!("{list}?ping={id}#row-{id}")))
}

/// Asks with the new refresh token for what was consented to of further resources, so that it is known what the account may do. Where
/// that is refused, the connection that needs it says so.
async fn learn_the_rest(connections: &Connections, account: Uuid, wanted: &str) {
    let asked: Vec<&str> = wanted.split_ascii_whitespace().collect();
    let redeemed = scopes::of_one_resource(&asked);
    let rest: Vec<&str> = asked.into_iter().filter(|scope| !redeemed.contains(scope)).collect();
    if rest.is_empty() {
        return;
    }
    let learned = async { connections.tokens(account).await?.ask_for(&rest).await };
    if let Err(fault) = learned.await {
        tracing::info!(%account, %fault, code = %fault.code, "a further permission was not granted");
    }
}

/// What is known of whoever signs in.
#[derive(Debug)]
pub struct Known {
    /// The row's id: a known person's, or a new one.
    pub id: Uuid,
    /// What they were granted.
    pub scopes: String,
    /// What they were asked for.
    pub wanted: String,
    /// Whether they can be used as it is.
    works: bool,
}

impl Known {
    /// What the row says, where there is one.
    pub async fn of(
        connections: &Connections,
        workspace: Uuid,
        row: Option<Uuid>,
    ) -> Result<Self, StoreError> {
        let account = match row {
            Some(id) => rows::account(&connections.db, workspace, id).await?,
            None => None,
        };
        Ok(match account {
            Some(account) => Self {
                id: account.id,
                works: works(&account),
                wanted: rows::wanted(&connections.db, account.id).await?,
                scopes: account.scopes,
            },
            None => Self { id: Uuid::now_v7(), scopes: String::new(), wanted: String::new(), works: false },
        })
    }
}

/// The row of whoever signed in, with its tokens sealed to it. `asked` is what the token is for. `None`: the answer named nobody, or
/// gave no refresh token.
pub fn row(
    connections: &Connections,
    known: &Known,
    workspace: Uuid,
    registration: Uuid,
    tokens: &Tokens,
    asked: &[&str],
) -> Option<SignedIn> {
    let (claims, refresh) = (tokens.id.as_ref()?, tokens.refresh.as_ref()?);
    let (id, now) = (known.id, connections.clock.now());
    let seal = |column, secret: &SecretString| {
        connections.sealer.seal(&tokens::place(column, id), secret.expose_secret().as_bytes())
    };
    let username = claims.preferred_username.clone().unwrap_or_else(|| claims.oid.clone());
    let lasts = SignedDuration::try_from(tokens.expires_in).unwrap_or(SignedDuration::ZERO);
    let until = now.saturating_add(lasts).unwrap_or(now);
    // Graph takes no token that is for Exchange.
    let is_graphs = !asked.iter().any(|scope| scopes::is_ews(scope));
    Some(SignedIn {
        id,
        workspace,
        registration,
        tenant: claims.tid.clone(),
        object_id: claims.oid.clone(),
        username: username.clone(),
        display_name: claims.name.clone().unwrap_or(username),
        scopes: scopes::merged(&known.scopes, &scopes::as_asked(&tokens.scopes, asked)),
        refresh_sealed: seal("refresh_sealed", refresh),
        access: is_graphs.then(|| (seal("access_sealed", &tokens.access), until)),
        now,
    })
}

/// Stores who signed in with all that was wanted, on record; their sources are due, and they wait for no approval of that any more. `of` is
/// the wait that the sign-in went on with.
pub async fn record(
    tx: &mut Tx,
    actor: &Actor,
    account: SignedIn,
    wanted: &str,
    of: Option<Uuid>,
) -> Result<(), StoreError> {
    let (id, now, name) = (account.id, account.now, account.username.clone());
    let (registration, granted) = (account.registration, account.scopes.clone());
    let tenant = account.tenant.clone();
    rows::put(tx, account).await?;
    rows::set_wanted(tx, id, wanted).await?;
    approvals::end_of(tx, registration, id, (&name, &tenant), &granted, of, now).await?;
    tell::account_works(tx, id, now).await?;
    let text = format!("signed in as {name}");
    let event = Event {
        object: Object::Account,
        id,
        kind: "signed_in",
        text: &text,
        actor: &actor.name,
        detail: None,
    };
    events::add(tx, actor.workspace, now, &event).await?;
    audit::record(tx, actor, "sign in mailbox", &name, &format!("granted: {granted}")).await?;
    rows::wake_sources(tx, id, now).await
}

/// Keeps what a sign-in was for, for who comes to the lists without having gone on.
async fn keep_goal(tx: &mut Tx, account: Uuid, sign_in: &SignIn) -> Result<(), StoreError> {
    match Goal::of_stored(&sign_in.goal).kept(sign_in.purpose == "new") {
        Some(goal) => rows::set_goal(tx, account, &goal).await,
        None => Ok(()),
    }
}

/// Whether an account reads mail as it is.
pub(super) fn works(account: &Account) -> bool {
    let may =
        scopes::is_granted(&account.scopes, scopes::MAIL) || !scopes::of_ews(&account.scopes).is_empty();
    may && account.state != "offline"
}

/// Signed in with the basic scopes: kept, so that there is a token to watch with, and on to the rest. An account that is in use is
/// left as it is meanwhile: what its sources read with is not taken away for a token that may do less.
async fn go_on(
    who: Who,
    state: &State,
    sign_in: &SignIn,
    claims: &IdClaims,
    known: &Known,
    account: SignedIn,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    if let Who::Owner { link, .. } = &who
        && !links::is_open(&connections.db, link.id, connections.clock.now()).await?
    {
        // Taken back, used or over while the person was at Microsoft: nothing is kept.
        return Err(sign_in_link::no_longer());
    }
    let (id, in_use) = (account.id, known.works);
    let mut tx = connections.db.begin().await?;
    if !in_use {
        let fault =
            Fault::own("own.not_signed_in", "the sign-in stopped before Microsoft was asked for the mail");
        let record = serde_json::to_string(&fault.to_record()).unwrap_or_default();
        rows::put_basic(&mut tx, account, &sign_in.wanted, &record).await?;
        keep_goal(&mut tx, id, sign_in).await?;
    }
    tx.commit().await?;
    connections.forget();
    let hint = claims.preferred_username.clone().map_or(Hint::SelectAccount, Hint::LoginHint);
    // A replacement stays one of the account that was: the second sign-in finds who it is by itself.
    let account = if sign_in.purpose == "replace" { sign_in.account_id } else { Some(id) };
    let leaving = Leaving {
        registration: sign_in.app_registration_id,
        purpose: match sign_in.purpose.as_str() {
            "replace" => "replace",
            "validate" => "validate",
            _ => "new",
        },
        account,
        tenant: Some(claims.tid.clone()),
        wanted: sign_in.wanted.clone(),
        goal: Goal::of_stored(&sign_in.goal),
        approval: sign_in.approval_id,
        stage: Stage::Whole,
        hint,
        picks: false,
        challenge: None,
    };
    match leave(&who, state, leaving).await? {
        Ok(url) => Ok(see_other(url.as_str())),
        Err(fault) => failed(&who, state, &fault, Some(sign_in)).await,
    }
}
