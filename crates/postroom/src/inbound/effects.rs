//! The steps of an inbound plan as effects in Jira: how each is written, and how it is found again after a lost reply
//! (rows I5–I9 of design §4). [`reopen`] and [`link`] have those of answers to closed issues.

mod link;
mod reopen;

use std::sync::{Arc, Mutex, PoisonError};

use fault::Fault;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use jira::{ApiVersion, CallError, NewIssue, adf, wiki};
use ledger::carry::{Also, Effect, Sight, Written};
use ledger::{Ending, Op, Remote, Slot, Step};
use mail::{Image, ImageSource, Mail, Rich};
use rules::{Attach, FieldValue, Outcome, Part, Plan, SetField};
use serde_json::{Map, Value, json};

use crate::connections::Destination;

/// The issue and comment property that carries the operation key.
pub const PROPERTY: &str = "postroom";
/// The property that an edit of the description leaves.
pub const DESCRIPTION_PROPERTY: &str = "postroom.description";
/// How many issue keys in a row must be missing before a probe believes that there is nothing further up. Gaps are
/// normal: a create that Jira refuses late has used up its key.
const MISSES: usize = 100;
/// Clocks of two systems differ; what is older than the intent by more than this is not ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A mail's body, written once: as a document, and as Jira takes it before any file is uploaded.
#[derive(Debug)]
pub struct Body {
    /// The document.
    pub rich: Rich,
    /// For Jira; images stand as their names.
    pub plain: adf::Written,
}

impl Body {
    /// Reads and writes the body of a mail.
    pub fn of(mail: &Mail) -> Self {
        let rich = mail.rich();
        let plain = write_body(&rich, mail, &placeholder(mail));
        Self { rich, plain }
    }
}

/// A message's plan, ready to be carried out.
pub struct MailEffect {
    /// Where it goes.
    pub destination: Arc<Destination>,
    /// The mail as read.
    pub mail: Arc<Mail>,
    /// Its body.
    pub body: Arc<Body>,
    /// The frozen plan.
    pub plan: Plan,
    /// How many plans before it came to nothing under the same claim.
    pub anew: usize,
    /// What inline images become, asked for before the write that needs it: a write is one request.
    shown: Mutex<Vec<(String, adf::Shown)>>,
}

impl MailEffect {
    /// A plan of a mail for a destination.
    pub fn new(destination: Arc<Destination>, mail: Arc<Mail>, body: Arc<Body>, plan: Plan) -> Self {
        Self { destination, mail, body, plan, anew: 0, shown: Mutex::default() }
    }

    /// The issue that the plan makes.
    fn new_issue(&self) -> Option<(&str, &str, &str, &[SetField])> {
        self.plan.steps.iter().find_map(|step| match step {
            rules::Step::CreateIssue { project_key, issue_type_id, summary, fields } => {
                Some((project_key.as_str(), issue_type_id.as_str(), summary.as_str(), fields.as_slice()))
            }
            _ => None,
        })
    }

    /// The fields that rules set, as this Jira takes them.
    fn set_fields(&self, fields: &[SetField]) -> Option<Map<String, Value>> {
        let version = self.destination.client.api_version();
        (!fields.is_empty()).then(|| {
            let value = |field: &SetField| match &field.value {
                FieldValue::Json(value) => value.clone(),
                FieldValue::Document(text) => document(text, version),
            };
            fields.iter().map(|field| (field.id.clone(), value(field))).collect()
        })
    }

    /// Whether the plan makes an issue in the very project that the destination is: numbers of another one say nothing.
    fn is_in_its_project(&self) -> bool {
        self.new_issue().is_some_and(|(project, ..)| project == self.destination.project_key)
    }

    fn attach(&self, slot: &Slot) -> Option<&Attach> {
        let Slot::Attachment { hash, n } = slot else { return None };
        self.plan.steps.iter().find_map(|step| match step {
            rules::Step::Attach(attach) if attach.hash == *hash && attach.n == *n => Some(attach),
            _ => None,
        })
    }

    fn bytes(&self, attach: &Attach) -> bytes::Bytes {
        match attach.part {
            Part::Attachment(index) => {
                self.mail.attachments.get(index).map(|a| a.content.clone()).unwrap_or_default()
            }
            Part::Body => whole_body(&self.mail),
        }
    }

    /// The numeric id of the issue that comments and files go to.
    fn issue<'a>(&'a self, done: &'a [Step]) -> Option<&'a str> {
        match &self.plan.outcome {
            Outcome::Comment { issue_id, .. } => Some(issue_id),
            _ => done
                .iter()
                .find(|step| step.slot == Slot::Issue)
                .and_then(|step| step.remote.as_ref())
                .map(|remote| remote.id.as_str()),
        }
    }

    /// The body as Jira takes it; `shown` tells what becomes of an inline image.
    fn written(&self, shown: &dyn Fn(&Image) -> adf::Shown) -> adf::Written {
        write_body(&self.body.rich, &self.mail, shown)
    }

    fn shown(&self) -> Vec<(String, adf::Shown)> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What inline images become, now that files are uploaded: Jira's media ids where it gave them away.
    async fn images(&self, done: &[Step]) -> Vec<(String, adf::Shown)> {
        let mut shown = Vec::new();
        for image in self.body.rich.images() {
            let ImageSource::Cid(cid) = &image.source else { continue };
            if shown.iter().any(|(known, _)| known == cid) {
                continue;
            }
            let Some((index, attachment)) = self
                .mail
                .attachments
                .iter()
                .enumerate()
                .find(|(_, attachment)| attachment.content_id.as_deref() == Some(cid))
            else {
                continue;
            };
            let Some(remote) = done.iter().find_map(|step| {
                self.attach(&step.slot)
                    .filter(|a| a.part == Part::Attachment(index))
                    .and(step.remote.as_ref())
            }) else {
                continue;
            };
            // Undocumented on Jira's side: where it gives no id away, the image's name stands in the text.
            let media = self.destination.client.attachment_media_id(&remote.id).await.ok().flatten();
            shown.push((
                cid.clone(),
                match media {
                    Some(id) => {
                        let (width, height) = image_size(&attachment.content, image);
                        adf::Shown::Media { id, width, height, alt: image.alt.clone() }
                    }
                    None => adf::Shown::Text(format!("[image: {}]", attachment.name)),
                },
            ));
        }
        shown
    }
}

/// The body of a mail as Jira takes it, cut to its limit.
pub fn write_body(rich: &Rich, mail: &Mail, shown: &dyn Fn(&Image) -> adf::Shown) -> adf::Written {
    adf::write(
        rich,
        &adf::Options {
            limit: jira::TEXT_LIMIT,
            whole_is_in: if mail.html.is_some() { "mail.html" } else { "mail.txt" },
            image: shown,
        },
    )
}

/// What an image is before its file is uploaded: its name in the text, or nothing where it is elsewhere on the net.
pub fn placeholder(mail: &Mail) -> impl Fn(&Image) -> adf::Shown {
    move |image| match &image.source {
        ImageSource::Cid(cid) => {
            let name = mail
                .attachments
                .iter()
                .find(|attachment| attachment.content_id.as_deref() == Some(cid))
                .map_or(image.alt.as_str(), |attachment| attachment.name.as_str());
            if name.is_empty() { adf::Shown::Nothing } else { adf::Shown::Text(format!("[image: {name}]")) }
        }
        ImageSource::Remote(_) if image.alt.trim().is_empty() => adf::Shown::Nothing,
        ImageSource::Remote(_) => adf::Shown::Text(format!("[image: {}]", image.alt.trim())),
    }
}

/// A text of many lines as a field takes it.
fn document(text: &str, version: ApiVersion) -> Value {
    let rich = Rich::from_text(text);
    match version {
        ApiVersion::V2 => Value::from(wiki::write_within(&rich, jira::TEXT_LIMIT, "the mail").0),
        ApiVersion::V3 => {
            let shown = |_: &Image| adf::Shown::Nothing;
            adf::write(
                &rich,
                &adf::Options { limit: jira::TEXT_LIMIT, whole_is_in: "the mail", image: &shown },
            )
            .json()
        }
    }
}

fn whole_body(mail: &Mail) -> bytes::Bytes {
    bytes::Bytes::from(mail.html.as_ref().or(mail.text.as_ref()).cloned().unwrap_or_default())
}

fn property(op: &Op) -> Value {
    json!({ "op": op.0, "v": 1 })
}

fn has_op(properties: &Value, key: &str, op: &Op) -> bool {
    properties.get(key).and_then(|value| value.get("op")).and_then(Value::as_str) == Some(op.0.as_str())
}

fn written<T>(result: Result<T, CallError>, remote: impl FnOnce(T) -> Remote) -> Written {
    match result {
        Ok(value) => Written::Done(remote(value)),
        Err(error) => match error.effect {
            jira::Effect::None => Written::NotDone(error.fault),
            jira::Effect::Unknown => Written::Lost(error.fault),
        },
    }
}

/// Pixels from the file itself (PNG, GIF, JPEG), else what the mail said, else a size that can be seen.
fn image_size(content: &[u8], image: &Image) -> (u32, u32) {
    let own = super::image_size::of(content);
    let width = image.width.or(own.map(|(w, _)| w)).unwrap_or(200);
    let height = image.height.or(own.map(|(_, h)| h)).unwrap_or(200);
    (width.clamp(1, 4000), height.clamp(1, 4000))
}

impl Effect for MailEffect {
    fn mark(&self, step: &Step) -> i64 {
        match step.slot {
            Slot::Issue if self.is_in_its_project() => self.destination.highest_key(),
            _ => 0,
        }
    }

    fn ready<'a>(&'a self, step: &'a Step, done: &'a [Step]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if matches!(step.slot, Slot::Comment | Slot::Description) {
                let images = self.images(done).await;
                *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = images;
            }
            match (&step.slot, self.issue(done)) {
                (Slot::Issue, _) | (_, None) => self.destination.client.ready().await,
                (_, Some(issue)) => self.destination.client.ready_for(issue).await,
            }
        })
    }

    fn write<'a>(&'a self, step: &'a Step, done: &'a [Step]) -> BoxFuture<'a, Written> {
        Box::pin(async move {
            let client = &self.destination.client;
            match &step.slot {
                Slot::Issue => {
                    let Some((project_key, issue_type_id, summary, fields)) = self.new_issue() else {
                        return Written::NotDone(Fault::own(
                            "own.plan_unreadable",
                            "the plan has no issue to create",
                        ));
                    };
                    let body = &self.body.plain;
                    let issue = NewIssue {
                        project_key,
                        issue_type_id,
                        summary: jira::summary(summary),
                        description: &body.serialized,
                        properties: &[(PROPERTY, property(&step.op))],
                    };
                    let fields = self.set_fields(fields);
                    written(client.create_issue_with(&issue, fields.as_ref()).await, |created| Remote {
                        id: created.id,
                        key: Some(created.key),
                        media: None,
                    })
                }
                Slot::Comment => {
                    let Some(issue) = self.issue(done) else { return no_issue() };
                    let body = self.written(&bound(&self.mail, self.shown()));
                    let result =
                        client.add_comment(issue, &body.serialized, &[(PROPERTY, property(&step.op))]).await;
                    written(result, |comment| Remote { id: comment.id, key: None, media: None })
                }
                Slot::Attachment { .. } => {
                    let Some(issue) = self.issue(done) else { return no_issue() };
                    let Some(attach) = self.attach(&step.slot) else { return no_issue() };
                    let result =
                        client.attach(issue, &attach.name, &attach.content_type, self.bytes(attach)).await;
                    written(result, |attached| Remote { id: attached.id, key: None, media: None })
                }
                Slot::Description => {
                    let Some(issue) = self.issue(done) else { return no_issue() };
                    match self.untouched(issue).await {
                        Err(error) => return written::<()>(Err(as_read(error)), |()| Remote::default()),
                        // Somebody wrote into it meanwhile: theirs stands, the images are attached all the same.
                        Ok(false) => {
                            return Written::Done(Remote { id: issue.to_owned(), ..Remote::default() });
                        }
                        Ok(true) => {}
                    }
                    let body = self.written(&bound(&self.mail, self.shown()));
                    let result = client
                        .edit_description(
                            issue,
                            &body.serialized,
                            &[(DESCRIPTION_PROPERTY, property(&step.op))],
                        )
                        .await;
                    written(result, |()| Remote { id: issue.to_owned(), ..Remote::default() })
                }
                Slot::Transition => {
                    let Some(issue) = self.issue(done) else { return no_issue() };
                    self.reopen(step, issue).await
                }
                Slot::Link => {
                    let Some(issue) = self.issue(done) else { return no_issue() };
                    self.link(issue).await
                }
            }
        })
    }

    fn probe<'a>(&'a self, step: &'a Step, done: &'a [Step]) -> BoxFuture<'a, Result<Sight, Fault>> {
        Box::pin(async move {
            let sight = match &step.slot {
                Slot::Issue => self.find_issue(step).await,
                Slot::Comment => self.find_comment(step, done).await,
                Slot::Attachment { .. } => self.find_attachment(step, done).await,
                Slot::Description => self.find_description(step, done).await,
                Slot::Transition => self.find_reopened(step, done).await,
                Slot::Link => self.find_link(done).await,
            };
            match sight {
                Ok(sight) => Ok(sight),
                // With the issue whatever was in it is gone. That it is not there lets the write find out and decide anew (I11).
                Err(error) if step.slot != Slot::Issue && error.fault.entry.id == "jira.issue_gone" => {
                    Ok(Sight::NotSeen)
                }
                Err(error) => Err(error.fault),
            }
        })
    }

    fn ending(&self, steps: &[Step]) -> Ending {
        let remote =
            |slot: &Slot| steps.iter().find(|step| step.slot == *slot).and_then(|step| step.remote.clone());
        match &self.plan.outcome {
            Outcome::Issue => match remote(&Slot::Issue) {
                Some(issue) => Ending::Issue { id: issue.id, key: issue.key.unwrap_or_default() },
                None => lost_remote(),
            },
            Outcome::Comment { issue_id, issue_key } => match remote(&Slot::Comment) {
                Some(comment) => Ending::Comment {
                    issue_id: issue_id.clone(),
                    issue_key: issue_key.clone(),
                    comment_id: comment.id,
                },
                None => lost_remote(),
            },
            Outcome::Ignored { rule, reason } => {
                Ending::Ignored { rule: rule.clone(), reason: reason.clone() }
            }
            Outcome::Held { reason } => Ending::Held { by: "profile".to_owned(), reason: reason.clone() },
        }
    }

    fn also(&self, step: &Step) -> Also {
        let mut also = Also::default();
        let Some(remote) = &step.remote else { return also };
        match step.slot {
            Slot::Issue => {
                let project = &self.destination.project_key;
                // Where Jira moved it to another project at once, its number is one of that project.
                if let Some(number) = remote.key.as_deref().and_then(|key| number_in(project, key)) {
                    self.destination.saw_key(number);
                    also.highest = Some((self.destination.id, number));
                }
            }
            Slot::Attachment { .. } => {
                also.adopted.push((self.destination.id, "attachment", remote.id.clone(), step.op.clone()));
            }
            Slot::Comment | Slot::Description | Slot::Transition | Slot::Link => {}
        }
        also
    }
}

fn no_issue() -> Written {
    Written::NotDone(Fault::own("own.plan_unreadable", "the plan names no issue for this step"))
}

fn lost_remote() -> Ending {
    Ending::Held {
        by: "ledger".to_owned(),
        reason:
            "all steps are done, but what they made is not on record; look into Jira and discard or retry"
                .to_owned(),
    }
}

/// A failed read before a write: nothing was written, whatever the answer was.
fn as_read(error: CallError) -> CallError {
    CallError { effect: jira::Effect::None, ..error }
}

fn bound(mail: &Mail, images: Vec<(String, adf::Shown)>) -> impl Fn(&Image) -> adf::Shown {
    let before = placeholder(mail);
    move |image| match &image.source {
        ImageSource::Cid(cid) => images
            .iter()
            .find(|(known, _)| known == cid)
            .map_or_else(|| before(image), |(_, shown)| shown.clone()),
        ImageSource::Remote(_) => before(image),
    }
}

/// The number of a project's issue: 12 of `SUP-12` in `SUP`.
fn number_in(project: &str, key: &str) -> Option<i64> {
    key.rsplit_once('-').filter(|(of, _)| *of == project).and_then(|(_, number)| number.parse().ok())
}

impl MailEffect {
    /// I5: reads the keys above the mark directly, until enough in a row are missing, and compares the property.
    async fn find_issue(&self, step: &Step) -> Result<Sight, CallError> {
        let client = &self.destination.client;
        let Some((project, ..)) = self.new_issue() else { return Ok(Sight::NotSeen) };
        let mut next = if self.is_in_its_project() { step.mark + 1 } else { 1 };
        let mut misses = 0;
        while misses < MISSES {
            let keys: Vec<String> = (next..next + 100).map(|number| format!("{project}-{number}")).collect();
            let found = client.bulk_fetch(&keys, &[], &[PROPERTY]).await?;
            for issue in &found {
                if has_op(&issue.properties, PROPERTY, &step.op) {
                    return Ok(Sight::Seen(Remote {
                        id: issue.id.clone(),
                        key: Some(issue.key.clone()),
                        media: None,
                    }));
                }
            }
            // What was moved to another project answers to its old key, under its new one.
            let highest = found.iter().filter_map(|issue| number_in(project, &issue.key)).max();
            misses = match highest {
                Some(highest) => usize::try_from((next + 99 - highest).max(0)).unwrap_or(MISSES),
                None if found.is_empty() => misses + 100,
                None => 0,
            };
            next += 100;
        }
        Ok(Sight::NotSeen)
    }

    /// I7: from the newest comment back to the intent's time, comparing the property.
    async fn find_comment(&self, step: &Step, done: &[Step]) -> Result<Sight, CallError> {
        let Some(issue) = self.issue(done) else { return Ok(Sight::NotSeen) };
        let client = &self.destination.client;
        let since = since(step);
        let mut start = 0;
        loop {
            let page = client.comments(issue, start).await?;
            let young: Vec<String> = page
                .iter()
                .filter(|comment| comment.created >= since)
                .map(|comment| comment.id.clone())
                .collect();
            if !young.is_empty() {
                for comment in client.comments_by_ids(&young).await? {
                    if has_op(&comment.properties, PROPERTY, &step.op) {
                        return Ok(Sight::Seen(Remote { id: comment.id, key: None, media: None }));
                    }
                }
            }
            if page.is_empty() || young.len() < page.len() {
                return Ok(Sight::NotSeen);
            }
            start += page.len();
        }
    }

    /// The Jira account that we write as.
    async fn own_account(&self) -> Result<String, CallError> {
        match &self.destination.account_id {
            Some(id) => Ok(id.clone()),
            None => Ok(self.destination.client.myself().await?.id().unwrap_or_default().to_owned()),
        }
    }

    /// I8: an attachment carries no property. Ours are those of our own account with this name and size, uploaded since the
    /// intent, that no other step has adopted.
    async fn find_attachment(&self, step: &Step, done: &[Step]) -> Result<Sight, CallError> {
        let Some(issue) = self.issue(done) else { return Ok(Sight::NotSeen) };
        let Some(attach) = self.attach(&step.slot) else { return Ok(Sight::NotSeen) };
        let since = since(step);
        let client = &self.destination.client;
        let me = self.own_account().await?;
        let mut candidates: Vec<_> = client
            .attachments(issue)
            .await?
            .into_iter()
            .filter(|there| {
                there.size == attach.size
                    && jira::same_file_name(&there.filename, &attach.name)
                    && there.created >= since
                    && there.author.as_ref().is_none_or(|author| *author == me)
                    && !done.iter().any(|step| {
                        // Ids of issues and of files are counted apart: the same number means nothing.
                        matches!(step.slot, Slot::Attachment { .. })
                            && step.remote.as_ref().is_some_and(|remote| remote.id == there.id)
                    })
            })
            .collect();
        candidates.sort_by_key(|there| there.id.parse::<i64>().unwrap_or(i64::MAX));
        for there in candidates {
            match self.destination.adopter(&there.id).await {
                Ok(Some(op)) if op != step.op.0 => {}
                Ok(_) => return Ok(Sight::Seen(Remote { id: there.id, key: None, media: None })),
                Err(error) => {
                    return Ok(Sight::CannotTell(format!(
                        "the ledger could not say whose file it is: {error}"
                    )));
                }
            }
        }
        Ok(Sight::NotSeen)
    }

    /// I9: the edit leaves a property of its own.
    async fn find_description(&self, step: &Step, done: &[Step]) -> Result<Sight, CallError> {
        let Some(issue) = self.issue(done) else { return Ok(Sight::NotSeen) };
        let value = self.destination.client.issue_property(issue, DESCRIPTION_PROPERTY).await?;
        let ours = value.and_then(|v| v.get("op").and_then(Value::as_str).map(str::to_owned)).as_deref()
            == Some(step.op.0.as_str());
        Ok(if ours {
            Sight::Seen(Remote { id: issue.to_owned(), ..Remote::default() })
        } else {
            Sight::NotSeen
        })
    }

    /// Whether the description still says what we wrote (compared as text: Jira normalises documents).
    async fn untouched(&self, issue: &str) -> Result<bool, CallError> {
        let there = self.destination.client.get_issue(issue, &["description"], &[]).await?;
        let theirs = there.fields.get("description").map(adf::text).unwrap_or_default();
        let ours = adf::text(&self.body.plain.json());
        Ok(squeeze(&theirs) == squeeze(&ours))
    }
}

fn since(step: &Step) -> Timestamp {
    step.intent_at.and_then(|at| at.checked_sub(SKEW).ok()).unwrap_or(Timestamp::MIN)
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
