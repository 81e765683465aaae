//! Everything of one address is erased: what it sent, and where it is wished, mail that names it.
//!
//! Begin with [`begin`], which writes down what was asked for. [`go_on`] walks from the newest message to the oldest in the background, a
//! batch at a time, and where it was interrupted it goes on: first it counts; when somebody has seen the numbers and confirms
//! ([`confirm`]), it walks once more and erases. The address itself is kept, sealed, only until the end. What is on its way to Jira is let
//! go its way, and counted. Jira and the mailbox are not touched: the report names the issues.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use mail::Mail;
use sqlx::FromRow;
use store::{Db, Place as Sealed, StoreError, Tx, args, sql};
use uuid::Uuid;

use super::address::{self, domain_of};
use super::{Remover, forget, history};
use crate::access::{Actor, audit};
use crate::inbound::read;
use crate::messages::hold;
use crate::messages::opened;
use crate::messages::store::{self as rows, Filter, Place, Row};

/// Messages that are looked at together: some have to be read.
const BATCH: u16 = 50;
/// How long a batch is claimed.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The most issues that a report names.
const MOST_ISSUES: usize = 500;
/// What was counted and not confirmed is given up after this: the address is not kept for it.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 7);

/// An erasure.
#[derive(Clone, Debug, FromRow)]
pub struct Erasure {
    /// Row id.
    pub id: Uuid,
    /// Workspace.
    pub workspace_id: Uuid,
    /// The address, sealed; none once it is done.
    pub address_sealed: Option<Vec<u8>>,
    /// The address's domain, which tells people which erasure this is.
    pub domain: String,
    /// Whether mail that names the address goes, too.
    pub named_too: i64,
    /// `counting`, `counted`, `erasing` or `done`.
    pub state: String,
    /// Who asked.
    pub actor: String,
    /// Messages when it began.
    pub total: i64,
    /// Messages looked at.
    pub seen: i64,
    /// Messages that the address sent: counted, then erased.
    pub own: i64,
    /// Messages of others that name it.
    pub named: i64,
    /// Of both, those that wait for a person.
    pub held: i64,
    /// Messages that are on their way to Jira, and are left.
    pub left_open: i64,
    /// Messages whose content could not be read, so that nobody knows whom they name.
    pub unread: i64,
    /// Keys of issues, as JSON.
    pub issues: String,
    /// Where the address stands on, as JSON.
    pub standing: String,
    /// How far it has come.
    pub place_at: i64,
    /// The same.
    pub place_id: Uuid,
    /// The claim.
    pub lease_until: i64,
    /// When it began, microseconds.
    pub begun_at: i64,
    /// When it was done, microseconds.
    pub ended_at: Option<i64>,
}

impl Erasure {
    /// The issues that hold what was written to Jira.
    pub fn issues(&self) -> Vec<String> {
        serde_json::from_str(&self.issues).unwrap_or_default()
    }

    /// Where the address stands on.
    pub fn standing(&self) -> Vec<String> {
        serde_json::from_str(&self.standing).unwrap_or_default()
    }

    fn address(&self, ledger: &Ledger) -> Result<String, StoreError> {
        let Some(sealed) = &self.address_sealed else { return Ok(String::new()) };
        let plain = ledger.sealer.open(&Sealed::new("erasure", "address_sealed", self.id), sealed)?;
        Ok(String::from_utf8_lossy(&plain).into_owned())
    }
}

/// Writes down that everything of an address is to be erased. It is counted as soon as the [`Remover`] is woken.
pub async fn begin(
    tx: &mut Tx,
    ledger: &Ledger,
    actor: &Actor,
    address: &str,
    named_too: bool,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let sealed = ledger.sealer.seal(&Sealed::new("erasure", "address_sealed", id), address.as_bytes());
    tx.execute(
        sql!(
            "INSERT INTO erasure (id, workspace_id, address_sealed, domain, named_too, state, actor, total, seen, own, named, held,
               left_open, unread, issues, standing, place_at, place_id, lease_until, begun_at)
             VALUES ($1, $2, $3, $4, $5, 'counting', $6, (SELECT count(*) FROM message WHERE workspace_id = $2),
               0, 0, 0, 0, 0, 0, '[]', '[]', $7, $8, 0, $9)"
        ),
        args![
            id,
            actor.workspace,
            sealed,
            domain_of(address),
            i64::from(named_too),
            &actor.name,
            Place::NEWEST.received_at,
            Place::NEWEST.id,
            actor.at
        ],
    )
    .await?;
    Ok(id)
}

/// What came of a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It is erased from now on.
    Yes,
    /// Another address was typed.
    OtherAddress,
    /// It is not counted yet, or not waiting any more.
    NotNow,
}

/// Has erased what was counted; whoever says so names the address once more. On record, without the address.
pub async fn confirm(
    db: &Db,
    ledger: &Ledger,
    actor: &Actor,
    id: Uuid,
    address: &str,
) -> Result<Confirmed, StoreError> {
    let Some(erasure) = one(db, actor.workspace, id).await? else { return Ok(Confirmed::NotNow) };
    if erasure.state != "counted" {
        return Ok(Confirmed::NotNow);
    }
    if erasure.address(ledger)? != address {
        return Ok(Confirmed::OtherAddress);
    }
    let mut tx = db.begin().await?;
    let changed = tx
        .execute(
            sql!(
                "UPDATE erasure SET state = 'erasing', total = (SELECT count(*) FROM message WHERE workspace_id = $1), seen = 0, own = 0,
                   named = 0, held = 0, left_open = 0, unread = 0, issues = '[]', place_at = $2, place_id = $3, lease_until = 0
                 WHERE id = $4 AND workspace_id = $1 AND state = 'counted'"
            ),
            args![actor.workspace, Place::NEWEST.received_at, Place::NEWEST.id, id],
        )
        .await?;
    if changed == 0 {
        return Ok(Confirmed::NotNow);
    }
    // Not the address itself: the log would keep what is to be forgotten.
    let what = if erasure.named_too == 0 { "what it sent" } else { "what it sent and what names it" };
    audit::record(&mut tx, actor, "erase address", &format!("an address at {}", erasure.domain), what)
        .await?;
    tx.commit().await?;
    Ok(Confirmed::Yes)
}

/// Gives up what was not confirmed yet. `false`: there is nothing to give up.
pub async fn give_up(db: &Db, workspace: Uuid, id: Uuid) -> Result<bool, StoreError> {
    let gone = db
        .execute(
            sql!(
                "DELETE FROM erasure WHERE id = $1 AND workspace_id = $2 AND state IN ('counting', 'counted')"
            ),
            args![id, workspace],
        )
        .await?;
    Ok(gone == 1)
}

/// Gives up what nobody confirmed in a week.
pub(super) async fn give_up_old(db: &Db, now: Timestamp) -> Result<(), StoreError> {
    let before = now.saturating_sub(PATIENCE).unwrap_or(Timestamp::MIN);
    db.execute(sql!("DELETE FROM erasure WHERE state = 'counted' AND begun_at < $1"), args![before]).await?;
    Ok(())
}

/// The latest erasures, the newest first.
pub async fn latest(db: &Db, workspace: Uuid, limit: u16) -> Result<Vec<Erasure>, StoreError> {
    db.fetch_all(
        sql!(
            "SELECT id, workspace_id, address_sealed, domain, named_too, state, actor, total, seen, own, named, held, left_open, unread,
               issues, standing, place_at, place_id, lease_until, begun_at, ended_at
             FROM erasure WHERE workspace_id = $1 ORDER BY begun_at DESC, id DESC LIMIT $2"
        ),
        args![workspace, limit],
    )
    .await
}

/// One of them.
pub async fn one(db: &Db, workspace: Uuid, id: Uuid) -> Result<Option<Erasure>, StoreError> {
    db.fetch_optional(
        sql!(
            "SELECT id, workspace_id, address_sealed, domain, named_too, state, actor, total, seen, own, named, held, left_open, unread,
               issues, standing, place_at, place_id, lease_until, begun_at, ended_at
             FROM erasure WHERE workspace_id = $1 AND id = $2"
        ),
        args![workspace, id],
    )
    .await
}

/// Whether one is to be carried on.
pub(super) async fn is_under_way(db: &Db) -> Result<bool, StoreError> {
    let one: Option<(Uuid,)> = db
        .fetch_optional(
            sql!("SELECT id FROM erasure WHERE state IN ('counting', 'erasing') LIMIT 1"),
            args![],
        )
        .await?;
    Ok(one.is_some())
}

/// A process starts on a database that no other process uses: the claims of the one before it are void.
pub async fn restarted(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(sql!("UPDATE erasure SET lease_until = 0 WHERE lease_until > 0"), args![]).await?;
    Ok(())
}

async fn claim(db: &Db, now: Timestamp) -> Result<Option<Erasure>, StoreError> {
    let waiting: Option<(Uuid,)> = db
        .fetch_optional(
            sql!(
                "SELECT id FROM erasure WHERE state IN ('counting', 'erasing') AND lease_until <= $1 ORDER BY begun_at LIMIT 1"
            ),
            args![now],
        )
        .await?;
    let Some((id,)) = waiting else { return Ok(None) };
    let mut tx = db.begin().await?;
    let claimed = tx
        .fetch_optional(
            sql!(
                "UPDATE erasure SET lease_until = $1 WHERE id = $2 AND state IN ('counting', 'erasing') AND lease_until <= $3
                 RETURNING id, workspace_id, address_sealed, domain, named_too, state, actor, total, seen, own, named, held, left_open,
                   unread, issues, standing, place_at, place_id, lease_until, begun_at, ended_at"
            ),
            args![now.saturating_add(LEASE).unwrap_or(now), id, now],
        )
        .await?;
    tx.commit().await?;
    Ok(claimed)
}

/// What a look at a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The address sent it.
    Own,
    /// It names the address.
    Named,
    /// Neither.
    NotOf,
    /// Nobody can tell.
    Unread,
}

/// Looks at the next batch of an erasure. `false`: there is nothing to do.
pub(super) async fn go_on(remover: &Remover) -> Result<bool, StoreError> {
    let (db, ledger) = (&remover.db, &remover.ledger);
    let Some(mut erasure) = claim(db, remover.clock.now()).await? else { return Ok(false) };
    let address = erasure.address(ledger)?;
    let erasing = erasure.state == "erasing";
    let from = Place { received_at: erasure.place_at, id: erasure.place_id };
    let found = rows::list_older(db, erasure.workspace_id, (Filter::All, None), from, BATCH).await?;
    let over = found.len() < usize::from(BATCH);
    let mut looks = Vec::with_capacity(found.len());
    for row in &found {
        let look = look(remover, row, &address, erasure.named_too != 0).await?;
        let written = match (look, row.state.as_str()) {
            (Look::Own | Look::Named, "held") => hold::written_issue(&ledger.steps(db, row.id).await?),
            _ => None,
        };
        looks.push((look, written));
    }
    let mut standing = erasure.standing();
    if over && (erasing || standing.is_empty()) {
        let there = history::standing(db, erasure.workspace_id, &address).await?;
        if erasing && !there.is_ours {
            history::clean(db, erasure.workspace_id, &address).await?;
        }
        standing = there.places;
    }
    let now = remover.clock.now();
    let mut issues = erasure.issues();
    let tag = format!("erased-{}", erasure.id.simple());
    let mut tx = db.begin().await?;
    for (row, (look, written)) in found.iter().zip(looks) {
        erasure.seen += 1;
        match look {
            Look::NotOf => continue,
            Look::Unread => {
                erasure.unread += 1;
                continue;
            }
            Look::Own | Look::Named => {}
        }
        let key = row.issue_key.clone().or_else(|| written.as_ref().map(|(_, key)| key.clone()));
        let is_held = row.state == "held";
        let is_over = match (erasing, row.state.as_str()) {
            (false, "ended" | "held") => true,
            // A source may have taken it up again since it was read.
            (true, "ended") => forget::end_for_good(&mut tx, row.id).await?,
            (true, "held") => forget::end_held(&mut tx, row.id, written, now).await?,
            _ => false,
        };
        if !is_over {
            erasure.left_open += 1;
            continue;
        }
        if erasing {
            forget::contents(&mut tx, &[row.id], now).await?;
            forget::summaries(&mut tx, ledger, &[row.id], forget::ERASED, now).await?;
            if look == Look::Own {
                forget::sender(&mut tx, row.id, &tag).await?;
            }
        }
        match look {
            Look::Own => erasure.own += 1,
            _ => erasure.named += 1,
        }
        erasure.held += i64::from(is_held);
        if let Some(key) = key
            && issues.len() < MOST_ISSUES
            && !issues.contains(&key)
        {
            issues.push(key);
        }
    }
    if over && erasing {
        // Mail whose summary went by time tells no sender: this is all that is known of who sent it.
        forget::senders_of(&mut tx, erasure.workspace_id, &ledger.keys.address(&address), &tag).await?;
    }
    let place = if over && !erasing { Place::NEWEST } else { found.last().map_or(from, Row::place) };
    let state = match (over, erasing) {
        (false, _) => erasure.state.as_str(),
        (true, false) => "counted",
        (true, true) => "done",
    };
    let is_done = state == "done";
    let ours = tx
        .execute(
            sql!(
                "UPDATE erasure SET state = $1, seen = $2, own = $3, named = $4, held = $5, left_open = $6, unread = $7, issues = $8,
                   standing = $9, place_at = $10, place_id = $11, lease_until = 0,
                   address_sealed = CASE WHEN $12 THEN NULL ELSE address_sealed END, ended_at = CASE WHEN $12 THEN $13 ELSE ended_at END
                 WHERE id = $14 AND lease_until = $15"
            ),
            args![
                state,
                erasure.seen,
                erasure.own,
                erasure.named,
                erasure.held,
                erasure.left_open,
                erasure.unread,
                serde_json::to_string(&issues).unwrap_or_default(),
                serde_json::to_string(&standing).unwrap_or_default(),
                place.received_at,
                place.id,
                is_done,
                now,
                erasure.id,
                erasure.lease_until
            ],
        )
        .await?;
    if ours == 0 {
        // Given up meanwhile, or another node has it: what was changed here is theirs to change.
        return Ok(true);
    }
    tx.commit().await?;
    remover.bus.tell("erasures");
    if erasing {
        remover.bus.tell("messages");
        // Held mail keeps its conversation's lane: those behind it may go on now.
        remover.work.notify_one();
    }
    Ok(true)
}

async fn look(remover: &Remover, row: &Row, address: &str, named_too: bool) -> Result<Look, StoreError> {
    let (db, ledger) = (&remover.db, &remover.ledger);
    let unread = |error: &dyn std::fmt::Display| {
        tracing::warn!(message = %row.id, %error, "a mail cannot be read to see whose it is and whom it names");
        Ok(Look::Unread)
    };
    let Some(summary) = opened::told_summary(ledger, row.id, &row.summary_sealed) else {
        return unread(&"its summary cannot be opened");
    };
    if summary.from.to_lowercase() == address {
        return Ok(Look::Own);
    }
    // A mailbox that lists ids alone tells no sender, and a summary that went by time has none: the mail itself says who sent it.
    let is_sender_told = !summary.from.is_empty();
    let mut content = None;
    if !is_sender_told {
        content = Some(read_content(remover, row).await?);
        if let Some(Ok(Some(told))) = &content
            && told.is_by(address)
        {
            return Ok(Look::Own);
        }
    }
    if !named_too {
        return match content {
            Some(Err(error)) => unread(&error),
            Some(Ok(Some(told))) if !told.tells_sender => unread(&"nothing tells its sender"),
            _ => Ok(Look::NotOf),
        };
    }
    let mut texts = match forget::texts(db, ledger, row.id).await {
        Ok(texts) => texts,
        Err(error @ StoreError::Corrupt { .. }) => return unread(&error),
        Err(error) => return Err(error),
    };
    texts.extend([summary.name, summary.subject, row.reason.clone().unwrap_or_default()]);
    if texts.iter().any(|text| address::names(text, address)) {
        return Ok(Look::Named);
    }
    let content = match content {
        Some(content) => content,
        None => read_content(remover, row).await?,
    };
    let told = match content {
        Ok(Some(told)) => told,
        Ok(None) => return Ok(Look::NotOf),
        Err(error) => return unread(&error),
    };
    let (mail, is_whole) = (told.mail, told.is_whole);
    let address = address.to_owned();
    let named = tokio::task::spawn_blocking(move || mail_names(&mail, &address)).await;
    match named {
        Ok(true) => Ok(Look::Named),
        Ok(false) if is_whole => Ok(Look::NotOf),
        Ok(false) => unread(&"not all of it is there"),
        Err(error) => unread(&error),
    }
}

/// A mail's content, as far as it is there.
struct Told {
    mail: Arc<Mail>,
    /// Whether its silence about the sender means that it has none.
    tells_sender: bool,
    /// Whether what it does not name is not named.
    is_whole: bool,
}

impl Told {
    fn is_by(&self, address: &str) -> bool {
        self.mail.from.iter().chain(&self.mail.sender).any(|one| one.address.to_lowercase() == address)
    }
}

/// The content of a mail; none where it is not kept, and in words why it cannot be read.
async fn read_content(remover: &Remover, row: &Row) -> Result<Result<Option<Told>, String>, StoreError> {
    let (db, ledger) = (&remover.db, &remover.ledger);
    let content = match opened::content(db, ledger, &remover.blobs, row.id, &row.content).await {
        Ok(content) => content,
        Err(error @ StoreError::Corrupt { .. }) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error),
    };
    let Some(content) = content else { return Ok(Ok(None)) };
    let mail = match content.mail {
        Ok(mail) => mail,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let is_told = content.is_mime || read::has_content(&content.source);
    let tells_sender = is_told || mail.from.is_some() || mail.sender.is_some();
    Ok(Ok(Some(Told { mail, tells_sender, is_whole: is_told && !content.mime_missing })))
}

/// Whether a mail's header fields, its text or the names of its files have the address.
fn mail_names(mail: &Mail, address: &str) -> bool {
    let fields = mail.from.iter().chain(&mail.sender).chain(&mail.reply_to);
    let mut addresses = fields.chain(&mail.to).chain(&mail.cc).chain(&mail.bcc);
    let is = |text: &str| address::names(text, address);
    addresses.any(|one| one.address.to_lowercase() == address)
        || mail.headers.iter().any(|header| is(&header.value))
        || is(&mail.subject)
        || mail.text.as_deref().is_some_and(is)
        || mail.html.as_deref().is_some_and(is)
        || is(&mail.rich().to_text())
        || mail.attachments.iter().any(|attachment| is(&attachment.name))
}
