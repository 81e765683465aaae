//! What connections have to tell people: each change of a state that concerns somebody raises a notice in the transaction of
//! the change. What is told of already is not told again, so these may be called whenever something fails or works.

use fault::{Class, Fault};
use jiff::Timestamp;
use store::{StoreError, Tx};
use uuid::Uuid;

use super::goal::Goal;
use super::health;
use super::store::events::{self, Event};
use super::store::jira;
use super::store::named::{self, Named, NamedAccount};
use super::store::outbounds::Outbound;
use crate::notices::{self, Kind, Object, Over};

fn object(kind: &'static str, named: Named) -> Object {
    let href = match kind {
        "source" => format!("/sources/{}", named.id),
        "outbound" => format!("/outbounds/{}", named.id),
        "jira" => format!("/jira/{}", named.id),
        _ => "/jira".to_owned(),
    };
    Object { workspace: named.workspace_id, kind, id: named.id, name: named.name, href }
}

/// An account that nothing uses: it stands in the list of what it was signed in for.
fn of_account(named: NamedAccount) -> Object {
    let href = Goal::of_stored(&named.goal).list().0.to_owned();
    Object { workspace: named.workspace_id, kind: "account", id: named.id, name: named.name, href }
}

/// What a fault is told as; none for one that passes by itself.
fn kind_of(fault: &Fault) -> Option<Kind> {
    match fault.entry.class {
        _ if health::needs_approval(fault) => Some(Kind::ApprovalNeeded),
        Class::SignIn | Class::Administrator | Class::Configuration => Some(Kind::Offline),
        Class::Transient | Class::Poison => None,
    }
}

async fn fails(tx: &mut Tx, object: &Object, fault: &Fault, now: Timestamp) -> Result<(), StoreError> {
    if let Some(kind) = kind_of(fault) {
        notices::raise(tx, object, kind, Some(fault), now).await?;
    }
    Ok(())
}

/// The sign-in of an account fails: told for everything that it reads and sends, and for itself where that is nothing.
pub async fn account_fails(
    tx: &mut Tx,
    account: Uuid,
    fault: &Fault,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sources = named::sources_of(tx, account).await?.into_iter().map(|named| object("source", named));
    let outbounds =
        named::outbounds_of(tx, account).await?.into_iter().map(|named| object("outbound", named));
    let mut all: Vec<Object> = sources.chain(outbounds).collect();
    if all.is_empty() {
        all.extend(named::account(tx, account).await?.map(of_account));
    }
    for object in &all {
        fails(tx, object, fault, now).await?;
    }
    Ok(())
}

/// The sign-in of an account works. Its sources and outbounds say so themselves, once they have worked.
pub async fn account_works(tx: &mut Tx, account: Uuid, now: Timestamp) -> Result<(), StoreError> {
    if let Some(named) = named::account(tx, account).await? {
        notices::is_over(tx, &of_account(named), Over::Trouble, None, now).await?;
    }
    Ok(())
}

/// A source could not be read.
pub async fn source_fails(
    tx: &mut Tx,
    source: Uuid,
    fault: &Fault,
    now: Timestamp,
) -> Result<(), StoreError> {
    if kind_of(fault).is_some()
        && let Some(named) = named::source(tx, source).await?
    {
        fails(tx, &object("source", named), fault, now).await?;
    }
    Ok(())
}

/// A source was read, and so many mails were new.
pub async fn source_works(tx: &mut Tx, source: Uuid, new: u64, now: Timestamp) -> Result<(), StoreError> {
    let Some(named) = named::source(tx, source).await? else { return Ok(()) };
    let object = object("source", named);
    let over = if new > 0 { Over::TroubleAndSilence } else { Over::Trouble };
    notices::is_over(tx, &object, over, Some(new), now).await?;
    Ok(())
}

/// A source's handled mail cannot be marked. Told where somebody has to do something about it.
pub async fn marks_fail(tx: &mut Tx, source: Uuid, fault: &Fault, now: Timestamp) -> Result<(), StoreError> {
    if matches!(fault.entry.class, Class::Administrator | Class::Configuration)
        && let Some(named) = named::source(tx, source).await?
    {
        notices::marks_fail(tx, &object("source", named), fault, now).await?;
    }
    Ok(())
}

/// It is marked again.
pub async fn marks_work(tx: &mut Tx, source: Uuid, now: Timestamp) -> Result<(), StoreError> {
    if let Some(named) = named::source(tx, source).await? {
        notices::is_over(tx, &object("source", named), Over::Marks, None, now).await?;
    }
    Ok(())
}

/// An outbound could not be used.
pub async fn outbound_fails(
    tx: &mut Tx,
    outbound: Uuid,
    fault: &Fault,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(named) = named::outbound(tx, outbound).await? {
        fails(tx, &object("outbound", named), fault, now).await?;
    }
    Ok(())
}

/// An outbound works.
pub async fn outbound_works(tx: &mut Tx, outbound: Uuid, now: Timestamp) -> Result<(), StoreError> {
    if let Some(named) = named::outbound(tx, outbound).await? {
        notices::is_over(tx, &object("outbound", named), Over::Trouble, None, now).await?;
    }
    Ok(())
}

/// Whether a fault is of the whole site, its sign-in or the way to it: each of its projects would say the same.
pub fn is_of_site(fault: &Fault) -> bool {
    let id = fault.entry.id;
    let of_jira = [
        "jira.token",
        "jira.scope",
        "jira.captcha",
        "jira.client_credentials",
        "jira.cloud_id",
        "jira.login_page",
        "jira.page",
        "jira.moved",
        "jira.unavailable",
        "jira.throttled",
    ];
    of_jira.contains(&id) || id.starts_with("network.")
}

/// A project takes no mail. Where the site's sign-in is why, that is told, once for all its projects.
pub async fn destination_fails(
    tx: &mut Tx,
    destination: Uuid,
    fault: &Fault,
    now: Timestamp,
) -> Result<(), StoreError> {
    let record = || serde_json::to_string(&fault.to_record()).ok();
    if kind_of(fault).is_none() {
        // What passes by itself is nobody's news yet; the site is shown as it is.
        if is_of_site(fault)
            && let Some(site) = named::site_of(tx, destination).await?
        {
            if jira::state(tx, site.id).await?.as_deref() == Some("online") {
                site_event(tx, &site, "degraded", &fault.to_string(), now).await?;
            }
            jira::shakes(tx, site.id, record(), now).await?;
        }
        return Ok(());
    }
    if is_of_site(fault)
        && let Some(site) = named::site_of(tx, destination).await?
    {
        if jira::state(tx, site.id).await?.as_deref() != Some("offline") {
            site_event(tx, &site, "offline", &fault.to_string(), now).await?;
        }
        jira::checked(tx, site.id, "offline", record(), now).await?;
        return fails(tx, &object("jira", site), fault, now).await;
    }
    if let Some(named) = named::destination(tx, destination).await? {
        fails(tx, &object("destination", named), fault, now).await?;
    }
    Ok(())
}

/// A project takes mail, and so its site does.
pub async fn destination_works(tx: &mut Tx, destination: Uuid, now: Timestamp) -> Result<(), StoreError> {
    if let Some(named) = named::destination(tx, destination).await? {
        let waited = named::waiting_for(tx, destination).await?;
        notices::is_over(tx, &object("destination", named), Over::Trouble, Some(waited), now).await?;
    }
    if let Some(site) = named::site_of(tx, destination).await? {
        if jira::state(tx, site.id).await?.as_deref() != Some("online") {
            site_event(tx, &site, "online", "takes mail again", now).await?;
        }
        jira::checked(tx, site.id, "online", None, now).await?;
        jira_works(tx, site.id, now).await?;
    }
    Ok(())
}

/// A line on the timeline of a Jira connection, whose state a mail has found to be another one.
async fn site_event(
    tx: &mut Tx,
    site: &Named,
    kind: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let event = Event { object: events::Object::Jira, id: site.id, kind, text, actor: "", detail: None };
    events::add(tx, site.workspace_id, now, &event).await
}

/// A Jira connection does not work.
pub async fn jira_fails(tx: &mut Tx, jira: Uuid, fault: &Fault, now: Timestamp) -> Result<(), StoreError> {
    if let Some(named) = named::site(tx, jira).await? {
        fails(tx, &object("jira", named), fault, now).await?;
    }
    Ok(())
}

/// A Jira connection works.
pub async fn jira_works(tx: &mut Tx, jira: Uuid, now: Timestamp) -> Result<(), StoreError> {
    if let Some(named) = named::site(tx, jira).await? {
        let waited = named::waiting_for_site(tx, jira).await?;
        notices::is_over(tx, &object("jira", named), Over::Trouble, Some(waited), now).await?;
    }
    Ok(())
}

/// A line on the timeline of an outbound.
pub async fn outbound_event(
    tx: &mut Tx,
    outbound: &Outbound,
    kind: &str,
    text: &str,
    fault: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let event =
        Event { object: events::Object::Outbound, id: outbound.id, kind, text, actor: "", detail: None };
    events::add_with(tx, outbound.workspace_id, now, &event, fault).await
}
