//! Writing a mail in the pages: as somebody of the tenant, or as somebody outside whom Exchange believes or not.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Multipart, Query, State};
use bytes::Bytes;
use http::{Response, StatusCode};

use super::{encoded, fault, find, head, show};
use crate::exchange::Exchange;
use crate::exchange::compose::{File, Letter};
use crate::exchange::ingest::Person;
use crate::exchange::mailbox::{Begin, SENT};
use crate::exchange::parts::text_of_html;
use crate::exchange::transport::{Sender, is_address, is_inside, seconds};
use crate::page::{escape, redirect};

type At = State<Arc<Exchange>>;

/// The author that is proposed for mail from outside.
const SOMEBODY: &str = "Olivia Outside <olivia@customer.example>";

#[derive(Default)]
struct Draft {
    from: String,
    outside: String,
    to: String,
    cc: String,
    subject: String,
    body: String,
    in_reply_to: String,
    references: String,
}

/// GET write: an empty form, or an answer to a message.
pub(crate) async fn form(
    State(exchange): At,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    let text = |name: &str| query.get(name).cloned().unwrap_or_default();
    let mut draft = Draft {
        from: if text("from").is_empty() { "outside".to_owned() } else { text("from") },
        outside: SOMEBODY.to_owned(),
        to: if text("to").is_empty() && text("from").is_empty() {
            "support@contoso.test".to_owned()
        } else {
            text("to")
        },
        ..Draft::default()
    };
    if let Some(mailbox) = exchange.mailbox(&text("mailbox")) {
        let store = mailbox.store();
        let found = find(mailbox, &store, &text("reply")).and_then(|key| store.messages.get(&key));
        if let Some(message) = found {
            let content = &message.content;
            let is_answer = content.subject.to_lowercase().starts_with("re:");
            draft.subject =
                if is_answer { content.subject.clone() } else { format!("Re: {}", content.subject) };
            draft.in_reply_to.clone_from(&message.message_id);
            let before: Vec<String> = content.references.iter().map(|id| format!("<{id}>")).collect();
            let references = format!("{} {}", before.join(" "), message.message_id);
            references.trim().clone_into(&mut draft.references);
            let author = content.from.clone().unwrap_or_else(|| Person::new("", ""));
            if text("as") == "sender" {
                // The sender writes once more into the same conversation.
                draft.to.clone_from(&mailbox.upn);
                if is_inside(&author.address) && exchange.mailbox(&author.address).is_some() {
                    draft.from = author.address;
                } else {
                    "outside".clone_into(&mut draft.from);
                    draft.outside = format!("{} <{}>", author.name, author.address);
                }
            } else {
                draft.to = content.reply_to.first().unwrap_or(&author).address.clone();
                let said = if content.is_html { text_of_html(&content.body) } else { content.body.clone() };
                let _ = write!(
                    draft.body,
                    "\r\n\r\nOn {}, {} wrote:\r\n",
                    message.received.strftime("%Y-%m-%d %H:%M"),
                    author.name
                );
                for line in said.lines() {
                    let _ = write!(draft.body, "> {line}\r\n");
                }
            }
        }
    }
    write_form(&exchange, &draft, StatusCode::OK, None)
}

fn write_form(
    exchange: &Exchange,
    draft: &Draft,
    status: StatusCode,
    problem: Option<&str>,
) -> Response<Body> {
    let mut authors = String::new();
    let option = |out: &mut String, value: &str, name: &str| {
        let chosen = if draft.from.eq_ignore_ascii_case(value) { " selected" } else { "" };
        let _ = write!(out, "<option value=\"{}\"{chosen}>{}</option>", escape(value), escape(name));
    };
    option(&mut authors, "outside", "Somebody outside, as below");
    for mailbox in exchange.all() {
        option(&mut authors, &mailbox.upn, &format!("{} <{}>", mailbox.name, mailbox.upn));
    }
    let problem = problem
        .map(|text| format!("<p class=\"bad\" role=\"alert\">{}</p>", escape(text)))
        .unwrap_or_default();
    let content = format!(
        "<div class=\"card\"><h1>New mail</h1>{problem}<form method=\"post\" action=\"/write\" enctype=\"multipart/form-data\" data-testid=\"write\">\
         <input type=\"hidden\" name=\"in_reply_to\" value=\"{in_reply_to}\"><input type=\"hidden\" name=\"references\" value=\"{references}\">\
         <label for=\"from\">From</label><select id=\"from\" name=\"from\">{authors}</select>\
         <label for=\"outside\">Somebody outside</label><input id=\"outside\" name=\"outside\" type=\"text\" value=\"{outside}\">\
         <label for=\"sender\">Exchange finds the sender outside</label><select id=\"sender\" name=\"sender\"><option value=\"pass\">authentic (compauth=pass)</option><option value=\"fail\">forged (compauth=fail)</option></select>\
         <label for=\"to\">To</label><input id=\"to\" name=\"to\" type=\"text\" value=\"{to}\" required>\
         <label for=\"cc\">Cc</label><input id=\"cc\" name=\"cc\" type=\"text\" value=\"{cc}\">\
         <label for=\"subject\">Subject</label><input id=\"subject\" name=\"subject\" type=\"text\" value=\"{subject}\">\
         <label for=\"format\">Format</label><select id=\"format\" name=\"format\"><option value=\"text\">Plain text</option><option value=\"html\">HTML</option></select>\
         <label for=\"body\">Message</label><textarea id=\"body\" name=\"body\">{body}</textarea>\
         <label for=\"files\">Files</label><input id=\"files\" name=\"files\" type=\"file\" multiple>\
         <label for=\"image\">Picture in the message</label><input id=\"image\" name=\"image\" type=\"file\" accept=\"image/*\">\
         <div class=\"buttons\"><button class=\"go\" type=\"submit\" data-testid=\"send\">Send</button></div></form></div>",
        in_reply_to = escape(&draft.in_reply_to),
        references = escape(&draft.references),
        outside = escape(&draft.outside),
        to = escape(&draft.to),
        cc = escape(&draft.cc),
        subject = escape(&draft.subject),
        body = escape(&draft.body),
    );
    let upn = (draft.from != "outside").then_some(draft.from.as_str());
    show(status, "New mail", &head(upn), &content, false)
}

/// `Name <address>`, or an address alone.
fn person(text: &str) -> Option<Person> {
    let text = text.trim();
    let (name, address) = match text.rsplit_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"'), rest.trim_end_matches('>').trim()),
        None => ("", text),
    };
    is_address(address).then(|| Person::new(name, address))
}

fn people(text: &str) -> Result<Vec<Person>, String> {
    text.split([',', ';'])
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(|one| person(one).ok_or_else(|| format!("{one} is no address.")))
        .collect()
}

struct Sent {
    fields: HashMap<String, String>,
    files: Vec<File>,
    image: Option<File>,
}

async fn read(mut form: Multipart) -> Result<Sent, String> {
    let mut sent = Sent { fields: HashMap::new(), files: Vec::new(), image: None };
    let broken =
        |error: axum::extract::multipart::MultipartError| format!("The form cannot be read: {error}");
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let Some(file_name) = field.file_name().map(str::to_owned) else {
            sent.fields.insert(name, field.text().await.map_err(broken)?);
            continue;
        };
        let kind = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let content: Bytes = field.bytes().await.map_err(broken)?;
        if file_name.is_empty() && content.is_empty() {
            continue;
        }
        let file = File { name: file_name, content_type: kind, content_id: None, is_inline: false, content };
        if name == "image" {
            sent.image = Some(file);
        } else {
            sent.files.push(file);
        }
    }
    Ok(sent)
}

/// POST write.
pub(crate) async fn send(State(exchange): At, form: Multipart) -> Response<Body> {
    let sent = match read(form).await {
        Ok(sent) => sent,
        Err(problem) => return fault(StatusCode::BAD_REQUEST, &problem),
    };
    let text = |name: &str| sent.fields.get(name).cloned().unwrap_or_default();
    let draft = Draft {
        from: text("from"),
        outside: text("outside"),
        to: text("to"),
        cc: text("cc"),
        subject: text("subject"),
        body: text("body"),
        in_reply_to: text("in_reply_to"),
        references: text("references"),
    };
    match deliver(&exchange, &draft, sent) {
        Ok(to) => redirect(&to),
        Err(problem) => write_form(&exchange, &draft, StatusCode::BAD_REQUEST, Some(&problem)),
    }
}

fn deliver(exchange: &Exchange, draft: &Draft, sent: Sent) -> Result<String, String> {
    let own = exchange.mailbox(&draft.from).filter(|_| draft.from != "outside");
    let from = match own {
        Some(mailbox) => Person::new(&mailbox.name, &mailbox.upn),
        None => person(&draft.outside)
            .ok_or_else(|| format!("{} is no author: Name <address>.", draft.outside))?,
    };
    let to = people(&draft.to)?;
    let cc = people(&draft.cc)?;
    if to.is_empty() {
        return Err("A mail needs somebody it is for.".to_owned());
    }
    let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let is_html = sent.fields.get("format").is_some_and(|format| format == "html") || sent.image.is_some();
    let mut body = draft.body.clone();
    if is_html && sent.fields.get("format").is_none_or(|format| format != "html") {
        body = format!("<html><body><p>{}</p></body></html>", escape(&body).replace("\r\n", "<br>\r\n"));
    }
    let mut files = sent.files;
    if let Some(image) = sent.image {
        let id = format!("{}@simulated", exchange.core.chance.uuid().simple());
        let tag = format!("<p><img src=\"cid:{id}\" alt=\"{}\"></p>", escape(&image.name));
        body = match body.rfind("</body>") {
            Some(at) => format!("{}{tag}{}", &body[..at], &body[at..]),
            None => format!("{body}{tag}"),
        };
        files.push(File { content_id: Some(id), is_inline: true, ..image });
    }
    let domain = from.address.rsplit_once('@').map_or("simulated.invalid", |(_, domain)| domain).to_owned();
    let letter = Letter {
        message_id: format!("<{}@{domain}>", exchange.core.chance.uuid().simple()),
        from: Some(from),
        to: to.clone(),
        cc: cc.clone(),
        subject: draft.subject.clone(),
        is_html,
        body,
        in_reply_to: given(&draft.in_reply_to),
        references: given(&draft.references),
        files,
        ..Letter::default()
    };
    let now = exchange.core.now();
    let raw = letter.to_mime(now);
    let recipients: Vec<String> = to.into_iter().chain(cc).map(|person| person.address).collect();
    let sender = match own {
        Some(_) => Sender::Internal,
        None if sent.fields.get("sender").is_some_and(|sender| sender == "fail") => Sender::Fail,
        None => Sender::Pass,
    };
    if let Some(mailbox) = own {
        exchange.store(mailbox, raw.clone(), Begin { is_read: true, ..Begin::arrived(SENT, seconds(now)) });
    }
    exchange.carry(&raw, &recipients, sender);
    let mailbox = own.map(|mailbox| mailbox.upn.clone()).or_else(|| {
        recipients.iter().find_map(|address| exchange.mailbox(address)).map(|mailbox| mailbox.upn.clone())
    });
    Ok(match (mailbox, own) {
        (Some(upn), Some(_)) => format!("/mailboxes/{}/folders/sentitems", encoded(&upn)),
        (Some(upn), None) => format!("/mailboxes/{}/folders/inbox", encoded(&upn)),
        (None, _) => "/outside".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recipients in the forms that people type.
    #[test]
    fn recipients_are_read() {
        let read = people("a@x.example; \"B, C\" <b@x.example>").map(|people| people.len());
        assert!(read.is_err(), "a comma in a name parts it");
        let read = people("a@x.example; B <b@x.example>,").expect("two");
        assert_eq!(read, [Person::new("", "a@x.example"), Person::new("B", "b@x.example")]);
        assert_eq!(people("nobody"), Err("nobody is no address.".to_owned()));
    }
}
