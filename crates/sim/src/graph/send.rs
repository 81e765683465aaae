//! Sending: sendMail, drafts, replies. 202 is acceptance; who is in the tenant has the mail at once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::list::answer_with;
use super::show::Select;
use super::{Target, find};
use crate::exchange::compose::{self, Letter};
use crate::exchange::ingest::{self, Person};
use crate::exchange::mailbox::{Begin, DRAFTS, SENT};
use crate::exchange::parts::escape;
use crate::exchange::transport::{SendFault, seconds};
use crate::tenant::Right;

fn refuse((code, message): compose::Refused) -> Refusal {
    Refusal::new(400, code, message)
}

impl From<SendFault> for Refusal {
    fn from(fault: SendFault) -> Self {
        match fault {
            SendFault::NoRecipients => Self::new(
                400,
                "ErrorInvalidRecipients",
                "At least one recipient isn't valid., At least one recipient is not valid.",
            ),
            SendFault::TooManyRecipients => {
                Self::new(400, "ErrorInvalidRecipients", "The message has more than 500 recipients.")
            }
            SendFault::WrongRecipient(address) => Self::new(
                400,
                "ErrorInvalidRecipients",
                format!("At least one recipient isn't valid., Recipient '{address}' is not resolved."),
            ),
        }
    }
}

/// The MIME of a `text/plain` body.
fn mime(call: &Call) -> Result<Bytes, Refusal> {
    let text: Vec<u8> = call.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let invalid = || {
        let message = "The MIME content is not a valid base64 string.";
        Refusal::new(400, "ErrorMimeContentInvalidBase64String", message)
    };
    let raw = STANDARD.decode(text).map_err(|_| invalid())?;
    if raw.is_empty() { Err(invalid()) } else { Ok(Bytes::from(raw)) }
}

fn is_mime(call: &Call) -> bool {
    call.content_type.starts_with("text/plain")
}

/// A letter of this mailbox with the properties of a message resource.
fn letter(target: &Target<'_>, message: &Map<String, Value>) -> Result<Letter, Refusal> {
    let mut letter = Letter {
        message_id: target.exchange.new_message_id(),
        from: Some(Person::new(&target.mailbox.name, &target.mailbox.upn)),
        ..Letter::default()
    };
    let unknown = letter.take(message).map_err(refuse)?;
    if let Some(name) = unknown.first() {
        let message = format!(
            "The property '{name}' does not exist on type 'microsoft.graph.message'. Make sure to only use property names that are defined by the type."
        );
        return Err(Refusal::new(400, "RequestBodyRead", message));
    }
    Ok(letter)
}

/// Whether the caller may write as the author of the bytes.
fn check_author(target: &Target<'_>, raw: &Bytes) -> Result<(), Refusal> {
    let content = ingest::read(raw.clone());
    let Some(from) = content.from else { return Ok(()) };
    let own = target.caller.map_or(target.mailbox.upn.as_str(), |caller| caller.upn.as_str());
    if from.address.eq_ignore_ascii_case(own) {
        return Ok(());
    }
    let may = target.caller.is_some_and(|caller| {
        target.exchange.tenant.user(&from.address).is_some()
            && [Right::SendAs, Right::SendOnBehalf]
                .into_iter()
                .any(|right| target.exchange.tenant.has_right(caller, &from.address, right))
    });
    if may && target.shared_sending {
        return Ok(());
    }
    let message = "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message.";
    Err(Refusal::new(403, "ErrorSendAsDenied", message))
}

/// sendMail.
pub(crate) fn send_mail(target: &Target<'_>, call: &Call) -> Outcome {
    let (raw, save) = if is_mime(call) {
        (mime(call)?, true)
    } else {
        let body = call.object()?;
        let member =
            |name: &str| body.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let Some(Value::Object(message)) = member("message") else {
            return Err(Refusal::new(400, "ErrorInvalidParameter", "Required parameter Message is missing."));
        };
        let save = member("saveToSentItems").and_then(Value::as_bool).unwrap_or(true);
        (letter(target, message)?.to_mime(target.now), save)
    };
    check_author(target, &raw)?;
    target.exchange.send(target.mailbox, &raw, save)?;
    Ok(Answer::empty(202))
}

/// A new draft, in Drafts or another folder.
pub(crate) fn create_draft(target: &Target<'_>, call: &Call, folder: Option<&str>) -> Outcome {
    let folder = match folder {
        Some(id) => target.mailbox.store().folder(id).ok_or_else(Refusal::no_folder)?.number,
        None => DRAFTS,
    };
    let mut begin = Begin { is_read: true, is_draft: true, ..Begin::arrived(folder, seconds(target.now)) };
    let raw = if is_mime(call) {
        mime(call)?
    } else {
        let body = call.object()?;
        begin.extended = body.get("singleValueExtendedProperties").map(compose::extended).unwrap_or_default();
        begin.categories = body
            .get("categories")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        letter(target, &body)?.to_mime(target.now)
    };
    let key = target.exchange.store(target.mailbox, raw, begin);
    let store = target.mailbox.store();
    Ok(answer_with(target, &store, key, &Select::of(call)?, call, 201))
}

/// Sends a draft. It moves to Sent Items under the same immutable id.
pub(crate) fn send_draft(target: &Target<'_>, id: &str) -> Outcome {
    let (key, raw) = {
        let store = target.mailbox.store();
        let key = find(&store, id)?;
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        if !message.is_draft {
            return Err(Refusal::new(400, "ErrorInvalidOperation", "The message is not a draft."));
        }
        (key, message.content.raw.clone())
    };
    check_author(target, &raw)?;
    target.exchange.send(target.mailbox, &raw, false)?;
    let mut store = target.mailbox.store();
    store.change(key, target.now, |message| {
        message.is_draft = false;
        message.is_read = true;
    });
    store.relocate(key, SENT, target.now);
    Ok(Answer::empty(202))
}

/// The kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Sender,
    All,
    Forward,
}

/// A draft that answers a message, or the answer itself when `sends`.
pub(crate) fn reply(target: &Target<'_>, call: &Call, id: &str, kind: Reply, sends: bool) -> Outcome {
    let body = call.object_or_nothing()?;
    let member =
        |name: &str| body.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let comment = member("comment").and_then(Value::as_str);
    let message = member("message").and_then(Value::as_object);
    if comment.is_some() && message.is_some_and(|message| message.contains_key("body")) {
        let text = "The request can have either a comment or the body of the message, not both.";
        return Err(Refusal::new(400, "ErrorInvalidRequest", text));
    }
    let (original, message_id) = {
        let store = target.mailbox.store();
        let key = find(&store, id)?;
        let message = store.messages.get(&key).ok_or_else(Refusal::no_item)?;
        (std::sync::Arc::clone(&message.content), message.message_id.clone())
    };
    let mut letter = Letter {
        message_id: target.exchange.new_message_id(),
        from: Some(Person::new(&target.mailbox.name, &target.mailbox.upn)),
        is_html: true,
        ..Letter::default()
    };
    let mark = if kind == Reply::Forward { "FW: " } else { "RE: " };
    letter.subject = if original.subject.to_uppercase().starts_with(mark.trim_end()) {
        original.subject.clone()
    } else {
        format!("{mark}{}", original.subject)
    };
    if kind != Reply::Forward {
        letter.to = if original.reply_to.is_empty() {
            original.from.clone().into_iter().collect()
        } else {
            original.reply_to.clone()
        };
        letter.in_reply_to = Some(message_id.clone());
        let references: Vec<String> = original.references.iter().map(|id| format!("<{id}>")).collect();
        letter.references = Some(format!("{} {message_id}", references.join(" ")).trim().to_owned());
    }
    if kind == Reply::All {
        let is_me = |person: &Person| person.address.eq_ignore_ascii_case(&target.mailbox.upn);
        letter.cc = original.to.iter().chain(&original.cc).filter(|person| !is_me(person)).cloned().collect();
    }
    let from =
        original.from.as_ref().map(|from| format!("{} <{}>", from.name, from.address)).unwrap_or_default();
    let quoted = if original.is_html {
        original.body.clone()
    } else {
        format!("<pre>{}</pre>", escape(&original.body))
    };
    letter.body = format!(
        "<html><body><div>{}</div><hr><div id=\"divRplyFwdMsg\"><b>From:</b> {}<br><b>Subject:</b> {}</div>{quoted}</body></html>",
        escape(comment.unwrap_or_default()),
        escape(&from),
        escape(&original.subject),
    );
    if let Some(message) = message {
        letter.take(message).map_err(refuse)?;
    }
    if let Some(Value::Array(_)) = member("toRecipients")
        && let Some(list) = member("toRecipients")
    {
        let wrapped: Map<String, Value> = [("toRecipients".to_owned(), list.clone())].into_iter().collect();
        letter.take(&wrapped).map_err(refuse)?;
    }
    let raw = letter.to_mime(target.now);
    if sends {
        check_author(target, &raw)?;
        target.exchange.send(target.mailbox, &raw, true)?;
        return Ok(Answer::empty(202));
    }
    let begin = Begin {
        is_read: true,
        is_draft: true,
        extended: BTreeMap::new(),
        ..Begin::arrived(DRAFTS, seconds(target.now))
    };
    let key = target.exchange.store(target.mailbox, raw, begin);
    let store = target.mailbox.store();
    Ok(answer_with(target, &store, key, &Select::read(None, None)?, call, 201))
}
