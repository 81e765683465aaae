//! What must be known for telling which issue a mail belongs to: what the ledger has, gathered at once ([`of_ledger`]), and what
//! `rules` asks of Jira, answered one by one ([`ask`]).

use fault::{Class, Fault};
use jira::CallError;
use ledger::Ledger;
use ledger::foreign::First;
use ledger::kin::{KinRow, Look};
use ledger::token;
use mail::Mail;
use rules::threads::{
    Candidate, Found, Issue, Kin, Known, Move, Question, ThreadFacts, Tie, Token, TokenPlace, subject,
};
use rules::{Parent, ParentEnd, Profile};
use store::StoreError;

use super::decide::{Facts, Place, Site};

/// How many mails of the same conversation are looked at, the newest first.
const KIN: i64 = 12;
/// How many tokens of a mail are looked at, the nearest first.
const TOKENS: usize = 5;
/// How many of a mail's recipients are looked at.
const RECIPIENTS: usize = 200;

/// Where a mail is among others.
#[derive(Clone, Debug)]
pub struct At<'a> {
    /// Mailbox, Jira, row.
    pub place: Place,
    /// The mailbox's address: whoever writes there is not known to others by it.
    pub mailbox: &'a str,
    /// When the mailbox received the mail.
    pub received_at: jiff::Timestamp,
    /// The mailbox's conversation, hashed, where the mail has no row that tells it.
    pub conversation: Option<String>,
}

fn own(error: &StoreError) -> Fault {
    Fault::own("own.store", &error.to_string())
}

/// What the ledger tells. `gone_issue` is known to be deleted or hidden.
pub async fn of_ledger(
    facts: &Facts<'_>,
    at: At<'_>,
    mail: &Mail,
    parents: &[Parent],
    gone_issue: Option<&str>,
) -> Result<ThreadFacts, Fault> {
    let is_in_an_issue = |parent: &Parent| matches!(parent.end, ParentEnd::Issue { .. });
    // What answers a mail of an issue belongs there, whatever else is of its conversation.
    let kin = if parents.iter().any(is_in_an_issue) {
        Vec::new()
    } else {
        kin(facts, &at, mail, gone_issue).await.map_err(|error| own(&error))?
    };
    Ok(ThreadFacts {
        received_at: Some(at.received_at),
        tokens: tokens(facts, at.place, mail),
        kin,
        gone: gone_issue.map(str::to_owned),
        ..ThreadFacts::default()
    })
}

/// What says of itself that it is a token of ours, the nearest first, each once; told apart from those that are.
fn tokens(facts: &Facts<'_>, place: Place, mail: &Mail) -> Vec<Token> {
    let answered = mail.in_reply_to.iter().map(|id| (TokenPlace::InReplyTo, id.clone()));
    let named = mail.references.iter().rev().map(|id| (TokenPlace::References, id.clone()));
    let addressed = rules::view::addressed(mail).into_iter().map(|address| (TokenPlace::Address, address));
    let mut seen: Vec<token::Claim> = Vec::new();
    let mut tokens = Vec::new();
    for (at, text) in answered.chain(named).chain(addressed) {
        let Some(claim) = token::claim(&text).filter(|claim| !seen.contains(claim)) else { continue };
        tokens.push(Token { place: at, issue: facts.ledger.keys.verified(&claim, place.jira_connection) });
        seen.push(claim);
        if tokens.len() == TOKENS {
            break;
        }
    }
    tokens
}

/// Mails of the same mailbox and conversation.
async fn kin(
    facts: &Facts<'_>,
    at: &At<'_>,
    mail: &Mail,
    gone_issue: Option<&str>,
) -> Result<Vec<Kin>, StoreError> {
    let Some(mailbox) = at.place.mailbox else { return Ok(Vec::new()) };
    let (db, keys) = (facts.db, &facts.ledger.keys);
    let look = Look {
        mailbox,
        before: at.place.before.map_or(i64::MAX, jiff::Timestamp::as_microsecond),
        besides: at.place.message.unwrap_or_default(),
        at_most: KIN,
    };
    let named = || mail.in_reply_to.iter().chain(&mail.references);
    let own = mail.message_id.as_deref().map(|id| keys.message_id(id));
    // The nearest and the oldest of those that it answers, and itself.
    let mut hashes: Vec<String> = own.iter().cloned().collect();
    for id in
        mail.in_reply_to.first().into_iter().chain(mail.references.last()).chain(mail.references.first())
    {
        let hash = keys.message_id(id);
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    let mut found: Vec<(Tie, KinRow)> = Vec::new();
    if !hashes.is_empty() {
        let rows = Ledger::that_answer(db, look, &hashes).await?;
        let tie = |row: &KinRow| if row.answers == own { Tie::AnswersThis } else { Tie::SameAncestor };
        found.extend(rows.into_iter().map(|row| (tie(&row), row)));
    }
    if named().next().is_some() || subject::is_answer(&mail.subject) {
        let conversation = match (&at.conversation, at.place.message) {
            (Some(hash), _) => Some(hash.clone()),
            (None, Some(message)) => Ledger::recorded_in(db, message).await?.and_then(|(_, hash)| hash),
            (None, None) => None,
        };
        if let Some(conversation) = conversation {
            let rows = Ledger::of_conversation(db, look, &conversation).await?;
            found.extend(rows.into_iter().map(|row| (Tie::Conversation, row)));
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    found.sort_by_key(|(tie, _)| *tie);
    let topic = Some(keys.topic(&subject::topic(&mail.subject)));
    let people = acquainted(facts, at, mail);
    let sender = mail.from.as_ref().or(mail.sender.as_ref()).map(|sender| keys.address(&sender.address));
    Ok(found
        .into_iter()
        .filter_map(|(tie, row)| {
            let is_here = row.jira_connection_id == Some(at.place.jira_connection);
            let end = match (row.issue_id, row.issue_key) {
                (Some(_), Some(key)) if !is_here => ParentEnd::Elsewhere { key },
                (Some(id), Some(key)) if gone_issue == Some(id.as_str()) => ParentEnd::IssueGone { key },
                (Some(id), Some(key)) => ParentEnd::Issue { id, key },
                _ => return None,
            };
            let acquainted = row.sender_hash.as_ref().is_some_and(|sender| people.contains(sender));
            // Whoever writes from the mailbox itself is nobody in particular.
            let same_sender = acquainted && row.sender_hash == sender;
            Some(Kin { tie, end, same_topic: row.topic_hash == topic, acquainted, same_sender })
        })
        .collect())
}

/// Whom the sender of a mail knows of by it, hashed: those it was sent to, and the sender. The mailbox itself says nothing.
fn acquainted(facts: &Facts<'_>, at: &At<'_>, mail: &Mail) -> Vec<String> {
    let sender = mail.from.as_ref().or(mail.sender.as_ref());
    let all = sender.into_iter().chain(&mail.to).chain(&mail.cc);
    all.map(|address| address.address.as_str())
        .filter(|address| !address.eq_ignore_ascii_case(at.mailbox))
        .take(RECIPIENTS)
        .map(|address| facts.ledger.keys.address(address))
        .collect()
}

/// Asks Jira whatever must be known before the mail can be decided.
pub async fn ask(
    facts: &Facts<'_>,
    jira: Site<'_>,
    mail: &Mail,
    profile: &Profile,
    known: &mut rules::Facts,
) -> Result<(), Fault> {
    while let Some(question) = rules::threads::question(mail, profile, known) {
        let answer = match question {
            Question::Issue(asked) => {
                let issue = issue(jira.client, &asked).await?;
                Known::Issue(asked, issue)
            }
            Question::TakesPart(issue) => {
                let role = takes_part(facts, jira, mail, &issue).await?;
                Known::TakesPart(issue, role)
            }
            Question::Moves(issue) => {
                let moves = moves(jira.client, &issue).await?;
                Known::Moves(issue, moves)
            }
            Question::Search(jql) => {
                let found = search(facts, jira, &jql, known.threads.gone.as_deref()).await?;
                Known::Search(jql, found)
            }
        };
        known.threads.known.push(answer);
    }
    Ok(())
}

/// What Jira has no answer to is not there; what it cannot answer now is asked again later.
fn if_there<T>(answer: Result<T, CallError>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.fault.entry.class == Class::Poison => Ok(None),
        Err(error) => Err(error.fault),
    }
}

async fn issue(client: &jira::Client, asked: &str) -> Result<Option<Issue>, Fault> {
    let standing = if_there(client.standing(asked).await)?;
    Ok(standing.map(|standing| Issue {
        id: standing.id,
        key: standing.key,
        status: standing.status.name,
        status_id: standing.status.id,
        is_done: standing.status.category == "done",
        created: standing.created,
        done_at: standing.since,
    }))
}

async fn moves(client: &jira::Client, issue: &str) -> Result<Vec<Move>, Fault> {
    let transitions = if_there(client.transitions(issue).await)?.unwrap_or_default();
    Ok(transitions
        .into_iter()
        .map(|one| Move {
            id: one.id,
            name: one.name,
            to: one.to.name,
            to_id: one.to.id,
            category: one.to.category,
        })
        .collect())
}

/// The issues that a query finds. What it does not find yet is known to the ledger; where an earlier mail of the same query has no end
/// yet, this one comes back.
async fn search(facts: &Facts<'_>, jira: Site<'_>, jql: &str, gone: Option<&str>) -> Result<Found, Fault> {
    let search = jira::Search { jql, fields: &["key"], max_results: Some(2), ..jira::Search::default() };
    let found = match jira.client.search(&search).await {
        Ok(found) => found.issues,
        Err(error) if error.fault.entry.class == Class::Poison => {
            return Ok(Found::Refused(error.fault.detail));
        }
        Err(error) => return Err(error.fault),
    };
    let mut found: Vec<Candidate> =
        found.into_iter().map(|issue| Candidate { id: issue.id, key: issue.key }).collect();
    found.retain(|issue| gone != Some(issue.id.as_str()));
    if !found.is_empty() {
        return Ok(Found::Issues(found));
    }
    let Place { jira_connection, message, before, .. } = jira.place;
    // What is only tried leaves no trace.
    let itself = message.filter(|_| before.is_none());
    let now = facts.clock.now();
    let first = facts.ledger.first_with(facts.db, (jira_connection, jql), itself, gone, now).await;
    match first.map_err(|error| own(&error))? {
        First::Issue(id, key) => Ok(Found::Begun(Candidate { id, key })),
        First::Open if itself.is_some() => {
            let wait = Some(std::time::Duration::from_secs(10));
            Err(Fault { retry_after: wait, ..Fault::own("own.turn", jql) })
        }
        _ => Ok(Found::Issues(Vec::new())),
    }
}

/// As what the sender takes part in an issue: by a mail of theirs in it, else by an address that Jira shows.
async fn takes_part(
    facts: &Facts<'_>,
    jira: Site<'_>,
    mail: &Mail,
    issue: &str,
) -> Result<Option<String>, Fault> {
    let Some(sender) = mail.from.as_ref().or(mail.sender.as_ref()) else { return Ok(None) };
    let Place { workspace, jira_connection, .. } = jira.place;
    let hash = facts.ledger.keys.address(&sender.address);
    let wrote = Ledger::wrote_in(facts.db, workspace, jira_connection, issue, &hash);
    if wrote.await.map_err(|error| own(&error))? {
        return Ok(Some("the sender of an earlier mail in it".to_owned()));
    }
    let people = if_there(jira.client.people(issue).await)?.unwrap_or_default();
    let is = |address: &str| address.eq_ignore_ascii_case(sender.address.trim());
    Ok(people
        .into_iter()
        .find(|person| is(&person.address))
        .map(|person| format!("its {}", person.role.word())))
}
