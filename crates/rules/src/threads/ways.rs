//! The ways by which a mail finds its issue, in order.

use mail::Mail;

use super::closed;
use super::facts::{Candidate, Found as Searched, Issue, Kin, Known, Move, Question, Tie};
use super::settings::Closed;
use super::subject;
use crate::facts::{Facts, ParentEnd};
use crate::plan::{Outcome, Step, Trace};
use crate::profile::Profile;

/// Ids of Jira's own mails that are looked at.
const JIRA_IDS: usize = 3;
/// Questions about one mail: what it names beyond is not asked for.
const QUESTIONS: usize = 20;

/// What a mail's conversation makes of it, before rules are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    /// A new issue, or a comment.
    pub outcome: Outcome,
    /// What is done besides, after the rest.
    pub steps: Vec<Step>,
    /// It is held for this reason instead, unless a rule ends it.
    pub held: Option<String>,
}

impl Thread {
    fn of(outcome: Outcome) -> Self {
        Self { outcome, steps: Vec::new(), held: None }
    }

    /// Of a mail whose facts are not complete.
    pub(crate) fn unanswered(question: &Question) -> Self {
        let reason = format!(
            "nobody asked Jira what had to be known to tell which issue it belongs to ({question:?}); retry it, and report this as a fault of Postroom"
        );
        Self { held: Some(reason), ..Self::of(Outcome::Issue) }
    }
}

/// Walks the ways, with a line in the trace for each.
///
/// # Errors
/// Something that must be asked of Jira first.
pub(crate) fn thread(
    mail: &Mail,
    profile: &Profile,
    facts: &Facts,
    trace: &mut Trace,
) -> Result<Thread, Question> {
    let mut ways = Ways { mail, profile, facts, trace };
    if let Some(thread) = ways.token()? {
        return Ok(thread);
    }
    if let Some(thread) = ways.known_mail()? {
        return Ok(thread);
    }
    if let Some(thread) = ways.conversation()? {
        return Ok(thread);
    }
    if let Some(thread) = ways.key()? {
        return Ok(thread);
    }
    if let Some(thread) = ways.foreign()? {
        return Ok(thread);
    }
    Ok(Thread::of(Outcome::Issue))
}

/// What is known of what a way needs of Jira.
enum Answer<T> {
    /// This.
    Known(T),
    /// It is not there, not to be seen, or known to be gone.
    Nothing,
    /// It was one question too many.
    NotAsked,
}

/// How the trace tells a question that was one too many.
const NOT_ASKED: &str = "Jira was not asked for it, since the mail names too much";

struct Ways<'a> {
    mail: &'a Mail,
    profile: &'a Profile,
    facts: &'a Facts,
    trace: &'a mut Trace,
}

type Found = Result<Option<Thread>, Question>;

impl<'a> Ways<'a> {
    fn note(&mut self, rule: &str, matched: bool, why: impl Into<String>) {
        self.trace.note(rule, matched, why.into());
    }

    /// Asks for what is not known; what is one question too many stays open.
    fn ask<T>(&self, question: Question) -> Result<Answer<T>, Question> {
        if self.facts.threads.known.len() >= QUESTIONS { Ok(Answer::NotAsked) } else { Err(question) }
    }

    /// An issue by key or id.
    fn issue(&self, asked: &str) -> Result<Answer<&'a Issue>, Question> {
        let known = self.facts.threads.known.iter().find_map(|known| match known {
            Known::Issue(of, issue)
                if of == asked || issue.as_ref().is_some_and(|issue| issue.id == asked) =>
            {
                Some(issue.as_ref())
            }
            _ => None,
        });
        match known {
            Some(issue) => Ok(issue
                .filter(|issue| self.facts.threads.gone.as_ref() != Some(&issue.id))
                .map_or(Answer::Nothing, Answer::Known)),
            None => self.ask(Question::Issue(asked.to_owned())),
        }
    }

    /// As what the sender takes part in the issue of this id.
    fn takes_part(&self, issue: &str) -> Result<Answer<&'a str>, Question> {
        let known = self.facts.threads.known.iter().find_map(|known| match known {
            Known::TakesPart(of, role) if of == issue => Some(role.as_deref()),
            _ => None,
        });
        match known {
            Some(role) => Ok(role.map_or(Answer::Nothing, Answer::Known)),
            None => self.ask(Question::TakesPart(issue.to_owned())),
        }
    }

    fn moves(&self, issue: &Issue) -> Result<Answer<&'a [Move]>, Question> {
        let known = self.facts.threads.known.iter().find_map(|known| match known {
            Known::Moves(of, moves) if *of == issue.id => Some(&moves[..]),
            _ => None,
        });
        known.map_or_else(|| self.ask(Question::Moves(issue.id.clone())), |moves| Ok(Answer::Known(moves)))
    }

    /// A token of ours.
    fn token(&mut self) -> Found {
        const RULE: &str = "our-token";
        let facts = self.facts;
        for token in &facts.threads.tokens {
            let place = token.place.words();
            let Some(id) = &token.issue else {
                let why = format!(
                    "a token in {place} has not been signed here for the Jira that this source writes to: it is forged or from elsewhere, and counts for nothing"
                );
                self.note(RULE, false, why);
                continue;
            };
            match self.issue(id)? {
                Answer::Known(issue) => {
                    let candidate = Candidate { id: issue.id.clone(), key: issue.key.clone() };
                    let why = format!("a token of ours in {place} names {}", issue.key);
                    if let Some(thread) = self.take(RULE, candidate, &why)? {
                        return Ok(Some(thread));
                    }
                }
                Answer::Nothing => {
                    let why = format!("a token of ours in {place} names an issue that is deleted or hidden");
                    self.note(RULE, false, why);
                }
                Answer::NotAsked => {
                    self.note(RULE, false, format!("a token of ours in {place} names an issue; {NOT_ASKED}"));
                }
            }
        }
        if facts.threads.tokens.is_empty() {
            self.note(RULE, false, "carries no token of ours");
        }
        Ok(None)
    }

    /// A mail that it names and that the ledger knows.
    fn known_mail(&mut self) -> Found {
        const RULE: &str = "reply-to-known-mail";
        let facts = self.facts;
        for parent in &facts.parents {
            let named = format!("answers <{}>", parent.message_id);
            if parent.reused {
                let why = format!(
                    "<{}> is the Message-ID of mails of several senders: the first one that had it counts, the others draw no answers",
                    parent.message_id
                );
                self.note(RULE, false, why);
            }
            match &parent.end {
                ParentEnd::Issue { id, key } => {
                    let candidate = Candidate { id: id.clone(), key: key.clone() };
                    if let Some(thread) = self.take(RULE, candidate, &format!("{named}, which is in {key}"))? {
                        return Ok(Some(thread));
                    }
                }
                ParentEnd::IssueGone { key } => self.note(
                    RULE,
                    false,
                    format!("{named}, which was in {key}; that issue is deleted or hidden"),
                ),
                ParentEnd::Elsewhere { key } => self.note(
                    RULE,
                    false,
                    format!("{named}, which is in {key} on another Jira site than the one that this source writes to"),
                ),
                ParentEnd::NoIssue => {
                    self.note(RULE, false, format!("{named}, which did not become an issue or a comment"));
                }
            }
        }
        if facts.parents.is_empty() {
            let named = self.mail.in_reply_to.len() + self.mail.references.len();
            let why = if named == 0 {
                "names no earlier mail".to_owned()
            } else {
                format!("names {named} earlier mails, none of which is known here")
            };
            self.note(RULE, false, why);
        }
        Ok(None)
    }

    /// Mails of the same conversation, where neither answers the other.
    fn conversation(&mut self) -> Found {
        const RULE: &str = "same-conversation";
        let facts = self.facts;
        let mut told: Vec<String> = Vec::new();
        for kin in &facts.threads.kin {
            let how = match kin.tie {
                Tie::AnswersThis => "a mail that answers this one",
                Tie::SameAncestor => "a mail that answers the same one as this",
                Tie::Conversation => "a mail of the same conversation of the mailbox",
            };
            let (id, key) = match &kin.end {
                ParentEnd::Issue { id, key } => (id, key),
                ParentEnd::IssueGone { key } => {
                    self.once(
                        &mut told,
                        RULE,
                        format!("{how} was in {key}; that issue is deleted or hidden"),
                    );
                    continue;
                }
                ParentEnd::Elsewhere { .. } | ParentEnd::NoIssue => continue,
            };
            if let Some(against) = self.against(kin) {
                self.once(&mut told, RULE, format!("{how} is in {key}; {against}: not joined"));
                continue;
            }
            // A mailbox groups by the subject: whoever guesses that and one address of the issue would be in it. So it wants what a
            // key wants.
            let mut role = String::new();
            if kin.tie == Tie::Conversation && !kin.same_sender {
                match self.takes_part(id)? {
                    Answer::Known(known) => role = format!(", and this mail's sender is {known}"),
                    Answer::Nothing => {
                        let why =
                            format!("{how} is in {key}; this mail's sender takes no part in it: not joined");
                        self.once(&mut told, RULE, why);
                        continue;
                    }
                    Answer::NotAsked => {
                        self.once(&mut told, RULE, format!("{how} is in {key}; {NOT_ASKED}: not joined"));
                        continue;
                    }
                }
            }
            let candidate = Candidate { id: id.clone(), key: key.clone() };
            if let Some(thread) = self.take(RULE, candidate, &format!("{how} is in {key}{role}"))? {
                return Ok(Some(thread));
            }
        }
        if facts.threads.kin.is_empty() {
            self.note(RULE, false, "no other mail of its conversation is in an issue");
        }
        Ok(None)
    }

    /// What is said many times over is said once.
    fn once(&mut self, told: &mut Vec<String>, rule: &str, why: String) {
        if !told.contains(&why) {
            self.note(rule, false, why.clone());
            told.push(why);
        }
    }

    /// Why a mail of the same conversation does not count. Mailboxes group what merely bears the same subject, and whoever begins
    /// something new in an old conversation gives it another one.
    fn against(&self, kin: &Kin) -> Option<&'static str> {
        let says_so = !self.mail.in_reply_to.is_empty()
            || !self.mail.references.is_empty()
            || subject::is_answer(&self.mail.subject);
        if !kin.same_topic {
            Some("its subject is another one")
        } else if kin.tie != Tie::AnswersThis && !says_so {
            Some("this mail does not say that it is an answer")
        } else if !kin.acquainted {
            Some("its sender is neither this mail's sender nor among its recipients")
        } else if kin.tie == Tie::Conversation && !self.mail.verdicts.trust.class.is_known() {
            // A subject and an address can be guessed; a Message-ID cannot.
            Some("this mail's sender is not verified")
        } else {
            None
        }
    }

    /// A key in the subject, or the id that Jira's own mails have in their Message-IDs.
    fn key(&mut self) -> Found {
        const RULE: &str = "issue-key";
        let keys = subject::keys(&self.mail.subject);
        let jiras = jira_ids(self.mail);
        let ids: Vec<String> = jiras.iter().map(|one| one.id.clone()).collect();
        if keys.is_empty() && ids.is_empty() {
            self.note(RULE, false, "names no issue in its subject, and answers no mail of Jira's own");
            return Ok(None);
        }
        let trust = &self.mail.verdicts.trust;
        if !trust.class.is_known() {
            let named = if keys.is_empty() {
                "answers a mail of Jira's own".to_owned()
            } else {
                format!("names {}", keys.join(", "))
            };
            let why = format!(
                "{named}, but its sender is not verified ({}): that counts only from somebody who takes part in the issue and is known to be who they say",
                trust.why
            );
            self.note(RULE, false, why);
            return Ok(None);
        }
        for asked in keys.iter().chain(&ids) {
            let is_key = keys.contains(asked);
            let named = if is_key {
                format!("names {asked} in its subject")
            } else {
                "answers a mail of Jira's own".to_owned()
            };
            let issue = match self.issue(asked)? {
                Answer::Known(issue) => issue,
                Answer::Nothing => {
                    let what = if is_key {
                        "there is no such issue, or Postroom may not see it"
                    } else {
                        "its issue is deleted or hidden"
                    };
                    self.note(RULE, false, format!("{named}; {what}"));
                    continue;
                }
                Answer::NotAsked => {
                    self.note(RULE, false, format!("{named}; {NOT_ASKED}"));
                    continue;
                }
            };
            // Who has the mail that Jira sent about this very issue got it from Jira. A number can be guessed; the second in which the
            // issue was made stands beside it.
            let role = if is_key && jiras.iter().any(|one| one.is_of(issue)) {
                Answer::Known("somebody whom Jira wrote to about it")
            } else {
                self.takes_part(&issue.id)?
            };
            let role = match role {
                Answer::Known(role) => role,
                Answer::Nothing => {
                    let why = format!(
                        "{named}, but its sender takes no part in {}: neither reporter, creator, assignee nor watcher with an address that Jira shows, nor the sender of a mail in it",
                        issue.key
                    );
                    self.note(RULE, false, why);
                    continue;
                }
                Answer::NotAsked => {
                    self.note(
                        RULE,
                        false,
                        format!("{named}; whether its sender takes part in {}: {NOT_ASKED}", issue.key),
                    );
                    continue;
                }
            };
            let moved = if is_key && issue.key != *asked {
                format!(", which is {} now", issue.key)
            } else {
                String::new()
            };
            let candidate = Candidate { id: issue.id.clone(), key: issue.key.clone() };
            if let Some(thread) =
                self.take(RULE, candidate, &format!("{named}{moved}, and its sender is {role}"))?
            {
                return Ok(Some(thread));
            }
        }
        Ok(None)
    }

    /// A key of another system, by the queries of the profile.
    fn foreign(&mut self) -> Found {
        const RULE: &str = "foreign-key";
        let (mail, profile, known) = (self.mail, self.profile, &self.facts.threads.known);
        let mut is_named = false;
        for foreign in &profile.threads.foreign {
            let Some(key) = foreign.key(&mail.subject) else { continue };
            is_named = true;
            let named = format!("names `{key}` of another system");
            let trust = &mail.verdicts.trust;
            if !trust.class.is_known() {
                self.note(RULE, false, format!("{named}, but its sender is not verified ({})", trust.why));
                continue;
            }
            let from = mail.from.as_ref().or(mail.sender.as_ref());
            if !foreign.is_from(from.map_or("", |from| from.address.as_str())) {
                self.note(RULE, false, format!("{named}, but the profile takes such keys from others only"));
                continue;
            }
            let jql = foreign.jql.of(&key);
            let answer = known.iter().find_map(|known| match known {
                Known::Search(of, found) if *of == jql => Some(found),
                _ => None,
            });
            let Some(found) = answer else {
                let _: Answer<()> = self.ask(Question::Search(jql))?;
                self.note(RULE, false, format!("{named}; {NOT_ASKED}"));
                continue;
            };
            let candidate = match found {
                Searched::Refused(why) => {
                    let reason = format!(
                        "profile {}, [threads] (line {}): Jira does not take the query for `{key}`: {why}",
                        profile.name, foreign.line
                    );
                    self.note(RULE, true, format!("{named}; Jira does not take the query: held"));
                    return Ok(Some(Thread { held: Some(reason), ..Thread::of(Outcome::Issue) }));
                }
                Searched::Begun(candidate) => candidate,
                Searched::Issues(all) => match &all[..] {
                    [one] => one,
                    [] => {
                        self.note(RULE, false, format!("{named}; no issue has it"));
                        continue;
                    }
                    [first, ..] => {
                        let why = format!(
                            "{named}; several issues have it, {} among them: none is guessed",
                            first.key
                        );
                        self.note(RULE, false, why);
                        continue;
                    }
                },
            };
            if let Some(thread) =
                self.take(RULE, candidate.clone(), &format!("{named}, which {} has", candidate.key))?
            {
                return Ok(Some(thread));
            }
        }
        if !is_named && !profile.threads.foreign.is_empty() {
            self.note(RULE, false, "names no key of another system in its subject");
        }
        Ok(None)
    }

    /// The mail belongs to this issue: a comment there, unless the issue is closed and the profile says otherwise. `None`: it is not
    /// there any more.
    fn take(&mut self, rule: &str, candidate: Candidate, why: &str) -> Found {
        let facts = self.facts;
        let threads = &self.profile.threads;
        let comment =
            |candidate: Candidate| Outcome::Comment { issue_id: candidate.id, issue_key: candidate.key };
        if facts.threads.gone.as_ref() == Some(&candidate.id) {
            self.note(rule, false, format!("{why}; that issue is deleted or hidden"));
            return Ok(None);
        }
        let asks = threads.asks_whether_closed();
        // Where one issue was found to be gone the next one is looked at before it is written to: only one is known to be gone, and
        // of two that are each would lead back to the other.
        if !asks && facts.threads.gone.is_none() {
            self.note(rule, true, format!("{why}: becomes a comment there"));
            return Ok(Some(Thread::of(comment(candidate))));
        }
        let issue = match self.issue(&candidate.id)? {
            Answer::Known(issue) => issue,
            Answer::Nothing => {
                self.note(rule, false, format!("{why}; that issue is deleted or hidden"));
                return Ok(None);
            }
            Answer::NotAsked => {
                self.note(rule, false, format!("{why}; whether it is there: {NOT_ASKED}"));
                return Ok(None);
            }
        };
        let candidate = Candidate { id: issue.id.clone(), key: issue.key.clone() };
        if !asks || !issue.is_done {
            self.note(rule, true, format!("{why}: becomes a comment there"));
            return Ok(Some(Thread::of(comment(candidate))));
        }
        let (then, reason) = closed::of(threads, issue, facts.threads.received_at);
        let mut thread = Thread::of(comment(candidate));
        let (steps, what) = match then {
            Closed::Comment => {
                (Vec::new(), format!("{} is closed ({reason}): becomes a comment there", issue.key))
            }
            Closed::Reopen if !self.mail.verdicts.trust.class.is_known() => (
                Vec::new(),
                format!(
                    "{} is closed ({reason}) and stays so, since the sender is not verified ({}): becomes a comment there",
                    issue.key, self.mail.verdicts.trust.why
                ),
            ),
            Closed::Reopen => match self.reopened(issue)? {
                Ok(step) => {
                    let what = format!(
                        "{} is closed ({reason}): becomes a comment there and opens it again",
                        issue.key
                    );
                    (vec![step], what)
                }
                Err(why) if threads.transition.is_some() => {
                    thread.held = Some(format!(
                        "profile {}, [threads] (line {}): {} is closed and shall be opened again, but {why}",
                        self.profile.name, threads.line, issue.key
                    ));
                    (
                        Vec::new(),
                        format!("{} is closed ({reason}) and cannot be opened again: {why}", issue.key),
                    )
                }
                Err(why) => (
                    Vec::new(),
                    format!(
                        "{} is closed ({reason}) and stays so, since {why}: becomes a comment there",
                        issue.key
                    ),
                ),
            },
            Closed::New => {
                thread.outcome = Outcome::Issue;
                let link = Step::Link {
                    link_type: threads.link.clone(),
                    issue_id: issue.id.clone(),
                    issue_key: issue.key.clone(),
                };
                (
                    vec![link],
                    format!("{} is closed ({reason}): becomes a new issue that is linked with it", issue.key),
                )
            }
            Closed::Hold => {
                thread.held = Some(format!("it belongs to {}, which is closed ({reason})", issue.key));
                (Vec::new(), format!("{} is closed ({reason}): held for a person", issue.key))
            }
        };
        self.note(rule, true, why);
        self.note("closed-issue", true, what);
        thread.steps = steps;
        Ok(Some(thread))
    }

    /// The step that opens an issue again, or why there is none.
    fn reopened(&self, issue: &Issue) -> Result<Result<Step, String>, Question> {
        let Answer::Known(moves) = self.moves(issue)? else {
            return Ok(Err("it was not asked what it can be moved on to".to_owned()));
        };
        Ok(closed::reopening(&self.profile.threads, moves).map(|chosen| Step::Transition {
            id: chosen.id.clone(),
            name: chosen.name.clone(),
            from: issue.status_id.clone(),
            to: chosen.to_id.clone(),
            status: chosen.to.clone(),
        }))
    }
}

/// What the Message-ID of a mail of Jira's own says of the issue that it is about.
struct JiraId {
    /// The issue's id.
    id: String,
    /// The second in which the issue was made, where it can be read.
    created: Option<i64>,
}

impl JiraId {
    /// Whether both are the issue's.
    fn is_of(&self, issue: &Issue) -> bool {
        self.id == issue.id
            && self.created.is_some()
            && self.created == issue.created.map(jiff::Timestamp::as_second)
    }
}

/// The issues that Jira's own mails, which this one answers, are about: they stand in Jira's Message-IDs
/// (`JIRA.10042.1600000000000.12.1600000000000@Atlassian.JIRA`: the issue's id, and when it was made, in whole seconds).
fn jira_ids(mail: &Mail) -> Vec<JiraId> {
    let mut ids: Vec<JiraId> = Vec::new();
    for id in mail.in_reply_to.iter().chain(mail.references.iter().rev()) {
        let Some((local, domain)) = id.rsplit_once('@') else { continue };
        let mut parts = local.split('.');
        let is_jira = parts.next().is_some_and(|first| first.eq_ignore_ascii_case("jira"))
            && domain.to_ascii_lowercase().contains("jira");
        let Some(number) = parts.next().filter(|_| is_jira) else { continue };
        let is_number =
            |text: &str| (1..=18).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
        // One guess at an issue: of several mails about it the nearest counts.
        if is_number(number) && ids.len() < JIRA_IDS && !ids.iter().any(|known| known.id == number) {
            let millis =
                parts.next().filter(|text| is_number(text)).and_then(|text| text.parse::<i64>().ok());
            ids.push(JiraId { id: number.to_owned(), created: millis.map(|millis| millis / 1_000) });
        }
    }
    ids
}
