//! Raising notices, in the transaction that changes the state they tell of.

use fault::Fault;
use jiff::Timestamp;
use store::{StoreError, Tx};
use uuid::Uuid;

use super::decide::{self, Kind};
use super::store::{self as rows, NewNotice};
use super::words::{self, Words};

/// What a notice is about.
#[derive(Clone, Debug)]
pub struct Object {
    /// Whose it is.
    pub workspace: Uuid,
    /// `source`, `outbound`, `account`, `registration`, `jira` or `destination`.
    pub kind: &'static str,
    /// Its row.
    pub id: Uuid,
    /// As people know it.
    pub name: String,
    /// Its page.
    pub href: String,
}

/// What is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The connection works.
    Trouble,
    /// The connection works, and mail comes: whatever was wrong with it and a silence end together.
    TroubleAndSilence,
    /// New mail is announced again.
    Push,
    /// Handled mail is marked again.
    Marks,
}

impl Over {
    fn kinds(self) -> [&'static str; 4] {
        match self {
            Self::Trouble => ["offline", "degraded", "approval_needed", ""],
            Self::TroubleAndSilence => ["offline", "degraded", "approval_needed", "silence"],
            Self::Push => ["push", "", "", ""],
            Self::Marks => ["marks", "", "", ""],
        }
    }
}

/// Raises a trouble with its fault, unless it is told of already. `false`: it is. A connection that was degraded and is
/// offline now is told of again: now a person must act.
pub async fn raise(
    tx: &mut Tx,
    object: &Object,
    kind: Kind,
    fault: Option<&Fault>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let words = words::trouble(kind, &object.name, fault);
    let record = fault.and_then(|fault| serde_json::to_string(&fault.to_record()).ok());
    let dedupe = format!("{}:{}:{}", kind.word(), object.id, now.as_microsecond());
    tell(tx, object, kind, words, record, dedupe, now).await
}

/// Raises that a source is silent: since when, and since when it is listened to.
pub async fn silence(
    tx: &mut Tx,
    object: &Object,
    hours: i64,
    (since, heard): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let words = words::silence(&object.name, hours, since);
    // One for each silence, however often it is looked at; one more where it goes on after a pause.
    let dedupe = format!("silence:{}:{}", object.id, heard.as_microsecond());
    tell(tx, object, Kind::Silence, words, None, dedupe, now).await
}

/// Raises that Microsoft announces none of a source's mail, though its subscription is alive.
pub async fn push_is_deaf(tx: &mut Tx, object: &Object, now: Timestamp) -> Result<bool, StoreError> {
    let dedupe = format!("push:{}:{}", object.id, now.as_microsecond());
    tell(tx, object, Kind::Push, words::push(&object.name), None, dedupe, now).await
}

/// Raises that the mailbox of a source does not take marks, though it is read.
pub async fn marks_fail(
    tx: &mut Tx,
    object: &Object,
    fault: &Fault,
    now: Timestamp,
) -> Result<bool, StoreError> {
    raise(tx, object, Kind::Marks, Some(fault), now).await
}

/// It announces again: told to whom the trouble was told.
pub async fn push_works(tx: &mut Tx, object: &Object, now: Timestamp) -> Result<bool, StoreError> {
    is_over(tx, object, Over::Push, None, now).await
}

/// Push was turned off, or is not possible any more: whoever did that knows.
pub async fn push_is_moot(tx: &mut Tx, source: Uuid, now: Timestamp) -> Result<(), StoreError> {
    for ended in rows::end(tx, source, Over::Push.kinds(), now).await? {
        rows::drop_unsent(tx, ended.id).await?;
    }
    Ok(())
}

/// Raises that something will end: once for each step before each end. `what` is a word for the key, `title` and `text` are
/// for people.
pub async fn expiry(
    tx: &mut Tx,
    object: &Object,
    (what, at, step): (&str, Timestamp, i64),
    (title, text): (String, String),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let dedupe = format!("expiry:{}:{what}:{}:{step}", object.id, at.as_second());
    tell(tx, object, Kind::Expiry, Words { title, text }, None, dedupe, now).await
}

async fn tell(
    tx: &mut Tx,
    object: &Object,
    kind: Kind,
    words: Words,
    fault: Option<String>,
    dedupe: String,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let hour = now.saturating_sub(decide::RECENT).unwrap_or(now);
    let recent = rows::recent_troubles(tx, object.id, hour).await?;
    let id = Uuid::now_v7();
    let new = NewNotice { id, object, kind, title: &words.title, text: &words.text, fault, dedupe, now };
    if !rows::add(tx, new).await? {
        return Ok(false);
    }
    // It was something else until now: that is told by this notice.
    match kind {
        Kind::Offline => drop(rows::end(tx, object.id, ["degraded", "approval_needed", "", ""], now).await?),
        Kind::ApprovalNeeded => drop(rows::end(tx, object.id, ["degraded", "offline", "", ""], now).await?),
        _ => {}
    }
    let at = decide::goes_at(kind, &recent, now);
    for channel in rows::channels_in_use(tx, object.workspace).await? {
        rows::add_delivery(tx, id, channel, at).await?;
    }
    tracing::info!(notice = kind.word(), object = %object.name, "a notice is raised");
    Ok(true)
}

/// Ends the troubles of an object that are told of, and tells once that it is back, with how many mails had waited, or that mail comes
/// again where nothing else was wrong; through those channels that took the trouble. `false`: nothing was told of.
pub async fn is_over(
    tx: &mut Tx,
    object: &Object,
    over: Over,
    waited: Option<u64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended = rows::end(tx, object.id, over.kinds(), now).await?;
    if ended.is_empty() {
        return Ok(false);
    }
    let (was_in_trouble, kind) = {
        let was = |kind: Kind| ended.iter().filter(|ended| ended.kind == kind.word()).count();
        let troubles = ended.len() - was(Kind::Silence);
        let approval = troubles > 0 && troubles == was(Kind::ApprovalNeeded);
        (troubles > 0, if approval { Kind::ApprovalGiven } else { Kind::Back })
    };
    let words = match over {
        Over::Push => words::push_works(&object.name),
        Over::Marks => words::marks_work(&object.name),
        Over::TroubleAndSilence if !was_in_trouble => words::mail_comes(&object.name),
        Over::Trouble | Over::TroubleAndSilence => words::over(kind, &object.name, waited),
    };
    let id = Uuid::now_v7();
    let dedupe = format!("{}:{}:{}:{over:?}", kind.word(), object.id, now.as_microsecond());
    let new =
        NewNotice { id, object, kind, title: &words.title, text: &words.text, fault: None, dedupe, now };
    if !rows::add(tx, new).await? {
        return Ok(true);
    }
    let mut told = std::collections::BTreeSet::new();
    for ended in &ended {
        // What nobody was told of yet is not told any more, and neither is its end.
        rows::drop_unsent(tx, ended.id).await?;
        told.extend(rows::told_channels(tx, ended.id).await?);
    }
    let at = decide::goes_at(kind, &[], now);
    for channel in told {
        rows::add_delivery(tx, id, channel, at).await?;
    }
    Ok(true)
}

/// Ends the troubles of an object without a word: it was paused or removed by a person, who knows.
pub async fn ended_quietly(tx: &mut Tx, object: Uuid, now: Timestamp) -> Result<(), StoreError> {
    for over in [Over::TroubleAndSilence, Over::Push, Over::Marks] {
        for ended in rows::end(tx, object, over.kinds(), now).await? {
            rows::drop_unsent(tx, ended.id).await?;
        }
    }
    Ok(())
}
