//! Which parts are the body and which are attachments.

use aws_lc_rs::digest;
use bytes::Bytes;

use crate::mail::{Attachment, Limits, Problem, TextFormat};
use crate::structure::{Part, place};
use crate::{Rich, content, ids, names, text};

/// Body and attachments of a message.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) text: Option<String>,
    pub(crate) text_format: TextFormat,
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
}

/// A piece of the body, in reading order. One that exists in both forms is one piece.
#[derive(Default)]
struct Piece {
    text: Option<(String, TextFormat)>,
    html: Option<String>,
}

struct Reader<'a> {
    raw: &'a [u8],
    parts: &'a [Part],
    limits: &'a Limits,
    problems: &'a mut Vec<Problem>,
    /// A named text that is the body for want of another.
    promoted: Option<usize>,
    /// Bytes of body text still allowed, all parts together.
    room: usize,
    pieces: Vec<Piece>,
    attachments: Vec<Attachment>,
}

/// Chooses and decodes. `parts` are those of `structure::split`.
pub(crate) fn read(raw: &[u8], parts: &[Part], limits: &Limits, problems: &mut Vec<Problem>) -> Contents {
    // A text with a file name is an attachment, unless there is no other body and the sender wants it shown.
    let promoted = stand_in(parts);
    let mut reader = Reader {
        raw,
        parts,
        limits,
        problems,
        promoted,
        room: limits.body,
        pieces: Vec::new(),
        attachments: Vec::new(),
    };
    reader.part(0, Place::Body);
    let Reader { pieces, mut attachments, .. } = reader;
    let (text, text_format, html) = join(pieces);
    mark_inline(&mut attachments, html.as_deref());
    Contents { text, text_format, html, attachments }
}

/// The first inline text with a name, where no text is without one.
fn stand_in(parts: &[Part]) -> Option<usize> {
    let texts =
        || parts.iter().enumerate().filter(|(_, p)| p.children.is_empty() && is_text(&p.content_type.kind));
    let disposition = |part: &Part| part.fields.typed("Content-Disposition").unwrap_or_default();
    if texts().any(|(_, part)| !is_named(part) && disposition(part).kind != "attachment") {
        return None;
    }
    texts().find(|(_, part)| disposition(part).kind != "attachment").map(|(index, _)| index)
}

fn is_text(kind: &str) -> bool {
    matches!(kind, "text/plain" | "text/html")
}

fn is_named(part: &Part) -> bool {
    let disposition = part.fields.typed("Content-Disposition").unwrap_or_default();
    disposition.parameter("filename").or_else(|| part.content_type.parameter("name")).is_some()
}

/// Where a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Its text is part of the body.
    Body,
    /// It is a resource of a body (`multipart/related`), a signature, or otherwise never body.
    Beside,
}

impl Reader<'_> {
    /// Reads a part and what is in it. Recursion is bounded by `Limits::depth`, which the structure keeps to.
    fn part(&mut self, index: usize, at: Place) {
        let part = &self.parts[index];
        let kind = part.content_type.kind.as_str();
        let children = &part.children;
        if children.is_empty() {
            return self.leaf(index, at);
        }
        match kind {
            "multipart/alternative" if at == Place::Body => self.alternative(children),
            "multipart/related" if at == Place::Body => {
                let root = self.root_of(part);
                for &child in children {
                    self.part(child, if child == root { Place::Body } else { Place::Beside });
                }
            }
            // The signature and what is encrypted are no text to read.
            "multipart/signed" | "multipart/encrypted" if at == Place::Body => {
                for (n, &child) in children.iter().enumerate() {
                    self.part(child, if n == 0 { Place::Body } else { Place::Beside });
                }
            }
            _ => {
                for &child in children {
                    self.part(child, at);
                }
            }
        }
    }

    /// The child that `start` names, else the first.
    fn root_of(&self, part: &Part) -> usize {
        let start = part.content_type.parameter("start").and_then(ids::message_id);
        let named = part.children.iter().copied().find(|&child| {
            start.is_some() && self.parts[child].fields.first("Content-ID").and_then(ids::message_id) == start
        });
        named.unwrap_or(part.children[0])
    }

    /// The same content in several forms: the first text and the last HTML are the body, as one piece. Forms that only
    /// few programs show are dropped, and whatever else is there (a calendar entry, a document) is an attachment.
    fn alternative(&mut self, children: &[usize]) {
        let before = self.pieces.len();
        for &child in children {
            if is_by_form(&self.parts[child].content_type.kind) {
                continue;
            }
            self.part(child, Place::Body);
        }
        let forms: Vec<Piece> = self.pieces.drain(before..).collect();
        // More than one text (or page) within one alternative, such as `text, (html, image, html)`: all of the pages
        // belong together, and so do all of the texts.
        let mut one = Piece::default();
        for form in forms {
            match (one.text.take(), form.text) {
                (None, text) => one.text = text,
                (Some((first, format)), Some((more, other)))
                    if first != more && form.html.is_none() && one.html.is_none() =>
                {
                    let mut all =
                        if format == TextFormat::Fixed { first } else { text::unflow(&first, format) };
                    all.push('\n');
                    all.push_str(&text::unflow(&more, other));
                    one.text = Some((all, TextFormat::Fixed));
                }
                (kept, _) => one.text = kept,
            }
            match (&mut one.html, form.html) {
                (Some(kept), Some(more)) => {
                    kept.push('\n');
                    kept.push_str(&more);
                }
                (kept, Some(html)) => *kept = Some(html),
                (_, None) => {}
            }
        }
        if one.text.is_some() || one.html.is_some() {
            self.pieces.push(one);
        }
    }

    fn leaf(&mut self, index: usize, at: Place) {
        let part = &self.parts[index];
        let kind = part.content_type.kind.as_str();
        let disposition = part.fields.typed("Content-Disposition").unwrap_or_default();
        let attached = disposition.kind == "attachment" || is_named(part);
        let wanted = index == 0 || self.promoted == Some(index) || !attached;
        let broken_multipart = kind.starts_with("multipart/");
        if at == Place::Body && wanted && (is_text(kind) || (broken_multipart && !part.body.is_empty())) {
            return self.body(index);
        }
        if broken_multipart && part.body.is_empty() {
            return;
        }
        self.attach(index, &disposition);
    }

    fn body(&mut self, index: usize) {
        let part = &self.parts[index];
        let text = content::text(self.raw, part, index, self.room, self.problems);
        self.room -= text.len();
        if part.content_type.kind == "text/html" {
            self.pieces.push(Piece { html: Some(text), text: None });
            return;
        }
        let format = TextFormat::of(&part.content_type);
        self.pieces.push(Piece { text: Some((text, format)), html: None });
    }

    fn attach(&mut self, index: usize, disposition: &crate::typed::Typed) {
        let part = &self.parts[index];
        let kind = match part.content_type.kind.as_str() {
            "" => "application/octet-stream",
            // A multipart that nests too deep or whose parts were never found.
            kind if kind.starts_with("multipart/") => "message/rfc822",
            kind => kind,
        };
        let content = if part.content_type.kind.starts_with("multipart/") {
            std::borrow::Cow::Borrowed(&self.raw[part.body.clone()])
        } else {
            content::bytes(self.raw, part, index, self.problems)
        };
        let given = disposition.parameter("filename").or_else(|| part.content_type.parameter("name"));
        let given = given.map(ToOwned::to_owned).or_else(|| nested_subject(kind, &content, self.limits));
        let fallback = match kind {
            "message/rfc822" | "message/global" => "message".to_owned(),
            "message/delivery-status" => "delivery status".to_owned(),
            "message/disposition-notification" => "receipt".to_owned(),
            "text/rfc822-headers" => "headers".to_owned(),
            "application/ms-tnef" | "application/vnd.ms-tnef" => "winmail".to_owned(),
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime".to_owned(),
            "text/calendar" => "invitation".to_owned(),
            _ => place(index),
        };
        let content_type: String = kind.chars().filter(char::is_ascii_graphic).take(120).collect();
        let mut name = names::safe(given.as_deref(), &fallback, &content_type);
        if matches!(kind, "message/rfc822" | "message/global") && !name.to_ascii_lowercase().ends_with(".eml")
        {
            name = names::safe(Some(&format!("{name}.eml")), &fallback, &content_type);
        }
        let digest = digest::digest(&digest::SHA256, &content);
        self.attachments.push(Attachment {
            name,
            content_type,
            content_id: part.fields.first("Content-ID").and_then(ids::message_id),
            inline: disposition.kind == "inline",
            size: content.len() as u64,
            sha256: hex::encode(digest),
            content: Bytes::from(content.into_owned()),
        });
    }
}

/// Forms of a body that a mail carries for single programs.
fn is_by_form(kind: &str) -> bool {
    matches!(kind, "text/x-amp-html" | "text/watch-html" | "text/enriched" | "text/richtext")
}

/// The name of an attached message after its subject.
fn nested_subject(kind: &str, content: &[u8], limits: &Limits) -> Option<String> {
    if !matches!(kind, "message/rfc822" | "message/global") {
        return None;
    }
    let head = &content[..content.len().min(limits.header_size)];
    let shallow = Limits { depth: 0, parts: 1, ..*limits };
    let subject = crate::structure::split(head, &shallow, &mut Vec::new())
        .first()?
        .fields
        .first("Subject")
        .map(crate::words::unstructured)?;
    // A slash in a subject is no path.
    let subject: String = subject.replace(['/', '\\'], "-").chars().take(100).collect();
    (!subject.trim().is_empty()).then(|| format!("{}.eml", subject.trim()))
}

/// An attachment that the page shows is inline, whatever its disposition; one that it does not show is inline only if
/// the sender marked it so.
fn mark_inline(attachments: &mut [Attachment], html: Option<&str>) {
    let Some(html) = html else { return };
    let shown = crate::html::referenced_ids(html);
    for attachment in attachments {
        attachment.inline |= attachment.content_id.as_ref().is_some_and(|id| shown.contains(id));
    }
}

/// The body in both forms. Where a piece exists in one form only and the others in another, it is carried over, so that
/// either form is complete.
fn join(mut pieces: Vec<Piece>) -> (Option<String>, TextFormat, Option<String>) {
    if pieces.len() == 1 {
        let one = pieces.remove(0);
        let (text, format) =
            one.text.map_or((None, TextFormat::Fixed), |(text, format)| (Some(text), format));
        return (text, format, one.html);
    }
    let any_text = pieces.iter().any(|piece| piece.text.is_some());
    let any_html = pieces.iter().any(|piece| piece.html.is_some());
    let text = any_text.then(|| {
        let each = pieces.iter().map(|piece| match (&piece.text, &piece.html) {
            (Some((text, format)), _) => text::unflow(text, *format),
            (None, Some(html)) => Rich::from_html(html).to_text(),
            (None, None) => String::new(),
        });
        let each: Vec<String> =
            each.map(|t| t.trim_end_matches('\n').to_owned()).filter(|t| !t.trim().is_empty()).collect();
        each.join("\n\n")
    });
    let html = any_html.then(|| {
        let each = pieces.into_iter().map(|piece| match (piece.html, piece.text) {
            (Some(html), _) => html,
            (None, Some((text, format))) => text::to_html(&text::unflow(&text, format)),
            (None, None) => String::new(),
        });
        each.collect::<Vec<_>>().join("\n")
    });
    (text, TextFormat::Fixed, html)
}
