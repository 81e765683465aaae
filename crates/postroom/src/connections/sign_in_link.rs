//! Sign-in links: the owner of a mailbox signs in with their own Microsoft account, in their own browser, without an account of the
//! console. A link works once and for a limited time; opening it uses nothing up, since mail scanners open links.

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use store::StoreError;
use uuid::Uuid;

use super::goal::{Goal, Way};
use super::pages::{LinkMadePage, LinkRow, LinksPage, OwnerDonePage, OwnerPage, OwnerWaitsPage};
use super::routes::{State, flash_to, moment, time};
use super::scopes;
use super::sign_in::{self, Asked, Purpose, Who};
use super::store::accounts::{self, Account};
use super::store::{approvals, links as rows};
use crate::access::{Actor, Admin, Role, Viewer, audit, bound, csrf};
use crate::connections::consent;
use crate::web::components::{Action, Icon};
use crate::web::form::{Choice, Field, Fields};
use crate::web::{self, Client, Flash, Problem};

/// How long links may work, in hours, and how that is called.
const LASTS: [(&str, &str, i64); 4] =
    [("1h", "1 hour", 1), ("8h", "8 hours", 8), ("1d", "1 day", 24), ("7d", "7 days", 24 * 7)];
/// The longest reason.
const REASON: usize = 300;

fn hash(token: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

/// What a link shall be for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The account that is signed in again; none: a new mailbox.
    pub account: Option<&'a Account>,
    /// Whether another account may take its place.
    pub replaces: bool,
    /// The mailbox's address; empty where the owner chooses.
    pub mailbox: &'a str,
    /// Also shared mailboxes.
    pub shared: bool,
    /// To send from the mailbox, not to read it; only of a new one.
    pub send: bool,
    /// What for, for its owner.
    pub reason: &'a str,
    /// How long it works.
    pub lasts: SignedDuration,
}

/// A link that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its address, with the token: not shown again.
    pub address: String,
    /// Its end.
    pub until: jiff::Timestamp,
}

/// Makes a link, on record. `None`: Postroom is not registered with Microsoft yet.
pub async fn make(state: &State, actor: &Actor, wish: &Wish<'_>) -> Result<Option<Made>, StoreError> {
    let connections = &state.connections;
    let registration = match wish.account {
        Some(account) => Some(account.app_registration_id),
        None => accounts::registration(&connections.db, actor.workspace).await?,
    };
    let Some(registration) = registration else { return Ok(None) };
    let before = match wish.account {
        Some(account) => {
            format!("{} {}", accounts::wanted(&connections.db, account.id).await?, account.scopes)
        }
        None => String::new(),
    };
    let wanted = match wish.account {
        Some(account) if wish.replaces => sign_in::to_replace(account),
        Some(_) => scopes::asked_again(&before),
        None if wish.send => scopes::asked_to_send(wish.shared),
        None => scopes::asked(wish.shared),
    };
    let goal = match wish.account {
        None if wish.send => Goal::Outbound(Way::graph()),
        _ => Goal::Account,
    };
    let token = csrf::secret(&mut rand::rng());
    let now = connections.clock.now();
    let until = now.saturating_add(wish.lasts).unwrap_or(now);
    let mailbox =
        if wish.replaces { "" } else { wish.account.map_or(wish.mailbox, |account| &account.username) };
    let reason: String = wish.reason.trim().chars().take(REASON).collect();
    let mut tx = connections.db.begin().await?;
    rows::insert(
        &mut tx,
        rows::NewLink {
            id: Uuid::now_v7(),
            workspace: actor.workspace,
            registration,
            token_hash: hash(&token),
            purpose: match wish.account {
                None => "new",
                Some(_) if wish.replaces => "replace",
                Some(_) => "validate",
            },
            account: wish.account.map(|account| account.id),
            mailbox,
            wanted: &wanted.join(" "),
            goal: &goal.stored(),
            reason: &reason,
            asked_by: &actor.name,
            now,
            until,
        },
    )
    .await?;
    let object = if mailbox.is_empty() { "a mailbox that its owner chooses" } else { mailbox };
    audit::record(&mut tx, actor, "make sign-in link", object, &format!("works until {until}")).await?;
    tx.commit().await?;
    Ok(Some(Made { address: state.shell.address(&format!("/sign-in-link?token={token}")), until }))
}

/// What is said of a mailbox's address that cannot be one.
pub const NO_ADDRESS: &str = "This is no address: write it as name@company.com, or leave it empty.";

/// Whether this can be a mailbox's address, or is left to the mailbox's owner.
pub fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return text.is_empty() };
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','));
    is_plain && !name.is_empty() && !host.is_empty() && text.len() <= 254
}

/// How long a link of that word works.
pub fn lasts(word: &str) -> Option<SignedDuration> {
    LASTS.iter().find(|(own, ..)| *own == word).map(|(_, _, hours)| SignedDuration::from_hours(*hours))
}

/// `?account=&for=` of the form.
#[derive(Debug, Default, Deserialize)]
pub struct Of {
    account: Option<Uuid>,
    /// `outbound`, or nothing.
    #[serde(default, rename = "for")]
    purpose: String,
}

/// The choice of a mailbox that is to send.
const OUTBOUND: &str = "outbound";

/// What a new mailbox is for.
fn goal_of(purpose: &str) -> Goal {
    if purpose == OUTBOUND { Goal::Outbound(Way::graph()) } else { Goal::Account }
}

/// What the form posts.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    mailbox: String,
    #[serde(default)]
    shared: String,
    /// `outbound`, or anything else.
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    who: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    lasts: String,
}

fn fields(posted: &Posted, account: Option<&Account>) -> Fields {
    let lasts = if posted.lasts.is_empty() { "1d" } else { &posted.lasts };
    let mut fields = match account {
        None => vec![
            Field::email("mailbox", "Mailbox")
                .optional()
                .value(&posted.mailbox)
                .hint("Its owner is then asked for at Microsoft's page. Leave it empty, and they choose."),
            Field::radio(
                "purpose",
                "For",
                vec![
                    Choice::new("source", "A Message Source").hint("Postroom reads the mailbox."),
                    Choice::new(OUTBOUND, "A Message Outbound").hint("Postroom sends from the mailbox."),
                ],
            )
            .value(if posted.purpose == OUTBOUND { OUTBOUND } else { "source" }),
            Field::tick("shared", "Also shared mailboxes").value(&posted.shared),
        ],
        Some(account) => vec![
            Field::radio(
                "who",
                "Who signs in",
                vec![
                    Choice::new("same", format!("{} again", account.username)),
                    Choice::new("other", "Another account in its place")
                        .hint("What is read with it, or sends as it, does so with the new account from then on; nothing begins anew."),
                ],
            )
            .value(if posted.who == "other" { "other" } else { "same" }),
        ],
    };
    fields.push(
        Field::line("reason", "What for")
            .optional()
            .value(&posted.reason)
            .hint("Its owner reads this, with your address."),
    );
    fields.push(
        Field::select(
            "lasts",
            "Works for",
            LASTS.iter().map(|(word, label, _)| Choice::new(*word, *label)).collect(),
        )
        .value(lasts),
    );
    Fields::new(fields)
}

async fn account_of(state: &State, viewer: &Viewer, id: Option<Uuid>) -> Result<Option<Account>, Problem> {
    let Some(id) = id else { return Ok(None) };
    Ok(Some(state.account(viewer.workspace(), id).await?))
}

/// What a link is for, in words for the list.
fn use_of(link: &rows::Link) -> &'static str {
    match link.purpose.as_str() {
        "validate" => "signs in again",
        "replace" => "another account in its place",
        _ if Goal::of_stored(&link.goal).is_outbound() => "to send from it",
        _ => "to read it",
    }
}

async fn list_page(
    viewer: &Viewer,
    state: &State,
    fields: Fields,
    account: Option<&Account>,
    goal: &Goal,
) -> Result<Response, Problem> {
    let now = viewer.times().now.as_microsecond();
    let found = rows::newest(&state.connections.db, viewer.workspace(), 50).await?;
    let listed = found
        .into_iter()
        .map(|link| {
            let (word, at) = match (link.used_at, link.revoked_at) {
                (Some(at), _) => (format!("used by {}", link.signed_in_as), Some(at)),
                (None, Some(at)) => ("taken back".to_owned(), Some(at)),
                (None, None) if link.expires_at <= now => ("ended".to_owned(), Some(link.expires_at)),
                (None, None) if link.opened_at.is_some() => ("opened, not used".to_owned(), link.opened_at),
                (None, None) => ("not opened yet".to_owned(), None),
            };
            let works = link.used_at.is_none() && link.revoked_at.is_none() && link.expires_at > now;
            LinkRow {
                purpose: use_of(&link),
                mailbox: if link.mailbox.is_empty() {
                    "chosen by its owner".to_owned()
                } else {
                    link.mailbox
                },
                asked_by: link.asked_by,
                reason: link.reason,
                made: moment(viewer, link.created_at),
                ends: works.then(|| moment(viewer, link.expires_at)),
                state: word,
                at: at.map(|at| moment(viewer, at)),
                revoke: (works && viewer.may(Role::Admin)).then(|| {
                    viewer
                        .post("Take back", format!("/sign-in-links/{}/revoke", link.id))
                        .danger("The link stops working. Whoever has it cannot sign in with it any more.")
                }),
            }
        })
        .collect();
    let action = account.map_or_else(
        || "/sign-in-links/new".to_owned(),
        |account| format!("/sign-in-links/new?account={}", account.id),
    );
    web::page(&LinksPage {
        frame: viewer.frame(goal.section(), "Let a mailbox's owner sign in"),
        list: goal.list(),
        action,
        fields,
        rows: listed,
        may_make: viewer.may(Role::Admin),
    })
}

/// GET /sign-in-links/new
pub async fn new(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let account = account_of(&state, &viewer, of.account).await?;
    let goal = goal_of(&of.purpose);
    let fields = fields(&Posted { purpose: of.purpose, ..Posted::default() }, account.as_ref());
    list_page(&viewer, &state, fields, account.as_ref(), &goal).await
}

/// POST /sign-in-links/new
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(of): Query<Of>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let account = account_of(&state, &admin, of.account).await?;
    let goal = goal_of(&posted.purpose);
    let mut said = fields(&posted, account.as_ref());
    let mailbox = posted.mailbox.trim();
    if account.is_none() && !is_address(mailbox) {
        said.fail("mailbox", NO_ADDRESS);
    }
    let Some(lasts) = lasts(&posted.lasts) else {
        said.fail("lasts", "Choose how long it works.");
        return list_page(&admin, &state, said, account.as_ref(), &goal).await;
    };
    if said.failed() {
        return list_page(&admin, &state, said, account.as_ref(), &goal).await;
    }
    let wish = Wish {
        account: account.as_ref(),
        replaces: posted.who == "other",
        mailbox,
        shared: posted.shared == "on",
        send: goal.is_outbound(),
        reason: &posted.reason,
        lasts,
    };
    let made = make(&state, &admin.actor(), &wish).await?.ok_or_else(sign_in::no_registration)?;
    web::page(&LinkMadePage {
        frame: admin.frame(goal.section(), "The sign-in link"),
        list: goal.list(),
        mailbox: if mailbox.is_empty() {
            account.map(|account| account.username).unwrap_or_default()
        } else {
            mailbox.to_owned()
        },
        copy: Action::copy("Copy the link", &made.address).primary(),
        address: made.address,
        until: admin.times().on(made.until),
    })
}

/// POST /sign-in-links/{id}/revoke
pub async fn revoke(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let connections = &state.connections;
    let mut tx = connections.db.begin().await?;
    if !rows::revoke(&mut tx, admin.workspace(), id, connections.clock.now()).await? {
        return Err(Problem::conflict("This link does not work any more anyway.", "Nothing has to be done."));
    }
    audit::record(&mut tx, &admin.actor(), "take sign-in link back", "", "").await?;
    tx.commit().await?;
    Ok(flash_to(&admin, &Flash::done("The link is taken back."), "/sign-in-links/new"))
}

/// `?token=` of a link.
#[derive(Deserialize)]
pub struct Opened {
    #[serde(default)]
    token: String,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(…)")
    }
}

/// What is said about a link that does not work, whatever the reason: who has it may be anybody.
pub fn no_longer() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This link does not work any more.",
        "It works once and for a limited time. Ask whoever sent it for a new one.",
    )
}

async fn works(state: &State, token: &str) -> Result<rows::Link, Problem> {
    let now = state.connections.clock.now().as_microsecond();
    let found = rows::of_token(&state.connections.db, &hash(token)).await?;
    found
        .filter(|link| link.used_at.is_none() && link.revoked_at.is_none() && link.expires_at > now)
        .ok_or_else(no_longer)
}

/// GET /sign-in-link?token=
pub async fn open(
    client: Client,
    Shared(state): Shared<State>,
    jar: CookieJar,
    Query(opened): Query<Opened>,
) -> Result<Response, Problem> {
    let link = works(&state, &opened.token).await?;
    let (jar, csrf) = bound(jar, client.visitor(), state.shell.is_https());
    let mut frame = client.frame("Connect your mailbox");
    frame.csrf = csrf;
    let asked: Vec<&str> = link.wanted.split_ascii_whitespace().collect();
    let (_, asked) = scopes::in_words("", &asked);
    let registration = state.connections.registration(link.app_registration_id).await.ok();
    let page = OwnerPage {
        frame,
        token: opened.token,
        sends: Goal::of_stored(&link.goal).is_outbound(),
        mailbox: link.mailbox,
        asked_by: link.asked_by,
        reason: link.reason,
        asked,
        until: state.shell.times().on(time(link.expires_at)),
        icon: Icon::Grid,
    };
    let response = match registration {
        Some(registration) => web::page_leading_to(&page, &registration.login_url)?,
        None => web::page(&page)?,
    };
    Ok((jar, response).into_response())
}

/// POST /sign-in-link
pub async fn sign_in(
    client: Client,
    Shared(state): Shared<State>,
    Form(opened): Form<Opened>,
) -> Result<Response, Problem> {
    let link = works(&state, &opened.token).await?;
    let connections = &state.connections;
    rows::opened(&connections.db, link.id, connections.clock.now()).await?;
    let account = match link.account_id {
        Some(id) => accounts::account(&connections.db, link.workspace_id, id).await?,
        None => None,
    };
    let purpose = match (link.purpose.as_str(), account) {
        ("validate", Some(account)) => Purpose::Validate(account),
        ("replace", Some(account)) => Purpose::Replace(account),
        ("validate" | "replace", None) => return Err(no_longer()),
        _ => Purpose::New,
    };
    let asked = Asked::of(&scopes::asked_again(&link.wanted)).to(Goal::of_stored(&link.goal));
    let hint = (!link.mailbox.is_empty()).then(|| link.mailbox.clone());
    sign_in::begin(Who::Owner { client, link: Box::new(link) }, &state, purpose, asked, hint).await
}

/// The page that its owner ends on.
pub fn done(client: &Client, link: &rows::Link, name: &str) -> Result<Response, Problem> {
    web::page(&OwnerDonePage {
        frame: client.frame("Done"),
        name: name.to_owned(),
        asked_by: link.asked_by.clone(),
    })
}

/// The page of an owner who has to wait for an administrator. The link is used up where there is a token to watch with: nothing more
/// is for the owner to do.
pub async fn waits(
    who: &Who,
    state: &State,
    account: Option<&Account>,
    approval: Uuid,
) -> Result<Response, Problem> {
    let Who::Owner { client, link } = who else { return Err(no_longer()) };
    let connections = &state.connections;
    if let Some(account) = account {
        let mut tx = connections.db.begin().await?;
        rows::spend(&mut tx, link.id, &account.username, connections.clock.now()).await?;
        tx.commit().await?;
    }
    let approval =
        approvals::one(&connections.db, link.workspace_id, approval).await?.ok_or_else(no_longer)?;
    let address = consent::begin::link(connections, &approval).await.map_err(|_| no_longer())?;
    web::page(&OwnerWaitsPage {
        frame: client.frame("An administrator has to approve"),
        is_watched: account.is_some(),
        asked_by: link.asked_by.clone(),
        code: approval.code,
        copy: Action::copy("Copy link for the administrator", address.as_str()),
    })
}
