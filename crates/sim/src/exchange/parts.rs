//! The parts of a message: attachments with their own bytes, and small conversions between HTML and text.

use bytes::Bytes;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Most attachments of one message.
const MOST: usize = 1_000;

/// An attachment of a message.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) content_id: Option<String>,
    pub(crate) is_inline: bool,
    /// A mail inside the mail.
    pub(crate) is_item: bool,
    pub(crate) part: usize,
    pub(crate) size: usize,
}

/// The attachments of a message with the given body.
pub(crate) fn attachments(raw: &[u8], message: &Message<'_>, body: &str) -> Vec<Attachment> {
    message
        .attachments
        .iter()
        .take(MOST)
        .filter_map(|id| Some((*id as usize, message.parts.get(*id as usize)?)))
        .enumerate()
        .map(|(index, (part, own))| attachment(raw, index, part, own, body))
        .collect()
}

fn attachment(raw: &[u8], index: usize, part: usize, own: &MessagePart<'_>, body: &str) -> Attachment {
    let is_item = matches!(own.body, PartType::Message(_));
    let content_type = own.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()),
            None => kind.ctype().to_owned(),
        },
    );
    let content_id = own.content_id().map(|id| id.trim_matches(['<', '>']).to_owned());
    let is_shown =
        content_id.as_deref().is_some_and(|id| !id.is_empty() && body.contains(&format!("cid:{id}")));
    let is_inline = !is_item
        && (is_shown
            || own.content_disposition().is_some_and(mail_parser::ContentType::is_inline)
                && content_id.is_some());
    let name = own.attachment_name().map(str::to_owned).filter(|name| !name.trim().is_empty());
    let name = name.unwrap_or_else(|| match &own.body {
        PartType::Message(inner) => {
            inner.subject().filter(|subject| !subject.is_empty()).unwrap_or("message").to_owned()
        }
        _ => format!("ATT{:05}{}", index + 1, ending(&content_type)),
    });
    Attachment { name, content_type, content_id, is_inline, is_item, part, size: bytes(raw, own).len() }
}

fn ending(content_type: &str) -> &'static str {
    match content_type {
        "text/plain" => ".txt",
        "text/html" => ".htm",
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        "image/gif" => ".gif",
        "text/calendar" => ".ics",
        _ => ".dat",
    }
}

/// The bytes of a part as they were sent: texts are not turned into another character set.
fn bytes(raw: &[u8], part: &MessagePart<'_>) -> Vec<u8> {
    if let PartType::Text(_) | PartType::Html(_) = part.body
        && let Some(encoded) = raw.get(part.offset_body as usize..part.offset_end as usize)
    {
        let decoded = match part.encoding {
            Encoding::Base64 => base64_decode(encoded),
            Encoding::QuotedPrintable => quoted_printable_decode(encoded),
            Encoding::None => Some(encoded.to_vec()),
        };
        if let Some(decoded) = decoded {
            return decoded;
        }
    }
    part.contents().to_vec()
}

/// The attachments of raw bytes.
pub(crate) fn of_raw(raw: &Bytes, body: &str) -> Vec<Attachment> {
    let listed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        MessageParser::default().parse(&raw[..]).map(|message| attachments(raw, &message, body))
    }));
    listed.ok().flatten().unwrap_or_default()
}

/// The bytes of one attachment.
pub(crate) fn content(raw: &Bytes, attachment: &Attachment) -> Bytes {
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let message = MessageParser::default().parse(&raw[..])?;
        message.parts.get(attachment.part).map(|part| Bytes::from(bytes(raw, part)))
    }));
    found.ok().flatten().unwrap_or_default()
}

/// Escapes text for HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Puts Exchange's charset line into the head, which it makes when there is none.
pub(crate) fn with_charset(html: &str) -> String {
    const META: &str = "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">";
    let lower = html.to_ascii_lowercase();
    if let Some(at) = lower.find("<head")
        && let Some(end) = lower[at..].find('>')
    {
        let at = at + end + 1;
        return format!("{}\r\n{META}{}", &html[..at], &html[at..]);
    }
    if lower.contains("<body")
        && let Some(at) = lower.find("<html")
        && let Some(end) = lower[at..].find('>')
    {
        let at = at + end + 1;
        return format!("{}<head>\r\n{META}</head>{}", &html[..at], &html[at..]);
    }
    format!("<html><head>\r\n{META}</head><body>{html}</body></html>")
}

/// The text of HTML, roughly as Outlook shows it: tags go, blocks begin lines.
pub(crate) fn text_of_html(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&unescape(&rest[..at]));
        let tag = &rest[at..];
        let name: String =
            tag[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/' || *c == '!').collect();
        let name = name.to_ascii_lowercase();
        let skip = match name.as_str() {
            "style" | "script" | "title" => find_end(tag, &format!("</{name}")),
            _ if tag.starts_with("<!--") => tag.find("-->").map(|end| end + 3),
            _ => tag.find('>').map(|end| end + 1),
        };
        if matches!(
            name.trim_start_matches('/'),
            "p" | "div" | "br" | "tr" | "li" | "h1" | "h2" | "h3" | "blockquote"
        ) && !out.ends_with('\n')
        {
            out.push_str("\r\n");
        }
        rest = skip.and_then(|skip| tag.get(skip..)).unwrap_or_default();
    }
    out.push_str(&unescape(rest));
    out.trim().to_owned()
}

fn find_end(tag: &str, closing: &str) -> Option<usize> {
    let at = tag.to_ascii_lowercase().find(closing)?;
    tag[at..].find('>').map(|end| at + end + 1)
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An attached text keeps its own bytes, whatever its character set.
    #[test]
    fn an_attached_text_keeps_its_bytes() {
        let raw = Bytes::from_static(
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\n\
              Content-Type: text/plain; charset=iso-8859-1; name=a.txt\r\nContent-Disposition: attachment\r\n\
              Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n--b--\r\n",
        );
        let found = of_raw(&raw, "hi");
        assert_eq!(found.len(), 1);
        assert_eq!(content(&raw, &found[0]).as_ref(), b"caf\xe9");
        assert_eq!(found[0].size, 4);
    }

    /// HTML becomes text without its tags and styles.
    #[test]
    fn html_becomes_text() {
        let text = text_of_html("<style>p{}</style><p>a &lt; b</p><!-- no --><div>c<br>d</div>");
        assert_eq!(text, "a < b\r\nc\r\nd");
    }

    proptest! {
        /// No text makes the conversions panic.
        #[test]
        fn conversions_take_any_text(text in "[<>/!a-zé& ;-]{0,80}") {
            text_of_html(&text);
            with_charset(&text);
        }
    }
}
