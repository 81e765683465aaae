//! Where the parts of a message begin and end.
//!
//! This walks the message by lines, keeps its open multiparts on a stack of its own (no recursion, bounded by
//! [`Limits`]) and never copies a body. Boundaries count only as whole lines at the beginning of a line, as RFC 2046
//! has it, which keeps `Apple-Mail-1` and `Apple-Mail-12` apart. Nested messages are leaves: they become attachments
//! and are not looked into.

use std::ops::Range;

use crate::fields::{Fields, RawField, unfold};
use crate::typed::Typed;
use crate::{Limits, Problem};

/// A part of a message; the first is the message itself.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Its header fields, unfolded.
    pub(crate) fields: Fields,
    /// Its Content-Type.
    pub(crate) content_type: Typed,
    /// Its body's bytes in the message, still encoded.
    pub(crate) body: Range<usize>,
    /// The parts within it, in order; empty for a leaf.
    pub(crate) children: Vec<usize>,
}

struct Open {
    part: usize,
    boundary: Vec<u8>,
}

enum Delimiter {
    /// A new part of the open multipart at this position of the stack begins after the line.
    Next(usize),
    /// The open multipart at this position of the stack ends.
    Close(usize),
}

/// The parts of `bytes`; never empty. `problems` tells what is broken.
pub(crate) fn split(bytes: &[u8], limits: &Limits, problems: &mut Vec<Problem>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = first_line(bytes);
    let mut parent: Option<usize> = None;
    'parts: loop {
        let index = parts.len();
        let (fields, body) = header(bytes, at, index, &open, parts.first(), limits, problems);
        let content_type = content_type_of(&fields, parent.map(|p| parts[p].content_type.kind.as_str()));
        if let Some(parent) = parent {
            parts[parent].children.push(index);
        }
        let multipart = content_type.kind.starts_with("multipart/");
        let boundary = content_type.parameter("boundary").unwrap_or_default().trim_end().as_bytes().to_vec();
        parts.push(Part { fields, content_type, body: body..bytes.len(), children: Vec::new() });
        at = body;
        if multipart {
            if open.len() >= limits.depth {
                problems.push(Problem::new(
                    place(index),
                    format!(
                        "multiparts nest deeper than {}; what lies deeper was kept as one attachment",
                        limits.depth
                    ),
                ));
            } else if let Some(boundary) = usable(boundary, bytes, body, &open, index, problems) {
                open.push(Open { part: index, boundary });
            }
        }
        // Scan to the next delimiter: this closes the leaf just begun, or passes over the preamble of a multipart.
        let mut leaf = open.last().is_none_or(|last| last.part != index).then_some(index);
        loop {
            let Some((line, next, delimiter)) = next_delimiter(bytes, at, &open) else {
                if !open.is_empty() {
                    problems.push(Problem::new(
                        "the message",
                        "it ends before its last part does; it may be cut off",
                    ));
                }
                break 'parts;
            };
            if let Some(leaf) = leaf.take() {
                parts[leaf].body.end = line.max(parts[leaf].body.start);
            }
            at = next;
            match delimiter {
                Delimiter::Close(level) => {
                    for closed in open.drain(level..) {
                        parts[closed.part].body.end = line.max(parts[closed.part].body.start);
                    }
                    if open.is_empty() {
                        break 'parts;
                    }
                }
                Delimiter::Next(level) => {
                    for closed in open.drain(level + 1..) {
                        parts[closed.part].body.end = line.max(parts[closed.part].body.start);
                    }
                    if parts.len() >= limits.parts {
                        problems.push(Problem::new(
                            "the message",
                            format!("it has more than {} parts; the rest was left out", limits.parts),
                        ));
                        break 'parts;
                    }
                    parent = open.last().map(|last| last.part);
                    continue 'parts;
                }
            }
        }
    }
    parts
}

/// The name of a part in problems.
pub(crate) fn place(index: usize) -> String {
    if index == 0 { "the message".into() } else { format!("part {index}") }
}

/// Where the header begins: past a byte order mark, empty lines and the envelope line of a mailbox file.
fn first_line(bytes: &[u8]) -> usize {
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'\r' | b'\n') {
            at += 1;
        } else {
            break;
        }
    }
    if bytes[at..].starts_with(b"From ") || bytes[at..].starts_with(b">From ") {
        at = line_end(bytes, at).1;
    }
    at
}

/// The end of the line at `at` without its line break, and the beginning of the next.
fn line_end(bytes: &[u8], at: usize) -> (usize, usize) {
    match bytes[at..].iter().position(|&b| b == b'\n' || b == b'\r') {
        None => (bytes.len(), bytes.len()),
        Some(n) => {
            let end = at + n;
            let crlf = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
            (end, if crlf { end + 2 } else { end + 1 })
        }
    }
}

/// The header of a part and where its body begins.
fn header(
    bytes: &[u8],
    start: usize,
    index: usize,
    open: &[Open],
    root: Option<&Part>,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) -> (Fields, usize) {
    // (name, value) as ranges of the input; folded lines extend the value.
    let mut found: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut at = start;
    let (mut too_many, mut stray) = (false, false);
    let body = loop {
        if at >= bytes.len() {
            break bytes.len();
        }
        let (end, next) = line_end(bytes, at);
        let line = &bytes[at..end];
        if line.iter().all(|b| matches!(b, b' ' | b'\t')) {
            // A line of white space ends the header only if it is empty, or if nothing goes on after it.
            if line.is_empty() || !begins_field(bytes, next) {
                break next;
            }
        } else if matches!(line[0], b' ' | b'\t') && !found.is_empty() {
            if let (Some(last), false) = (found.last_mut(), too_many) {
                last.1.end = end;
            }
        } else if line.starts_with(b"--") && delimiter(line, open).is_some() {
            break at;
        } else if let Some(colon) = field_name(line) {
            if found.len() < limits.headers {
                found.push((at..at + colon, at + colon + 1..end));
            } else {
                too_many = true;
            }
        } else if (index == 0 || !found.is_empty()) && begins_known_field(bytes, next) {
            // A line that was folded without white space, or stray, with more header after it.
            stray = true;
            if let (Some(last), false) = (found.last_mut(), too_many) {
                last.1.end = end;
            }
        } else {
            if !found.is_empty() {
                problems.push(Problem::new(place(index), "no empty line stands between header and body"));
            }
            break at;
        }
        at = next;
    };
    if stray {
        problems.push(Problem::new(
            place(index),
            "a line of its header is no header field; it was read as part of the field above",
        ));
    }
    if too_many {
        problems.push(Problem::new(
            place(index),
            format!("its header has more than {} fields; the rest was left out", limits.headers),
        ));
    }
    let charset = found
        .iter()
        .find(|(name, _)| bytes[name.clone()].trim_ascii().eq_ignore_ascii_case(b"content-type"))
        .and_then(|(_, value)| {
            let value = String::from_utf8_lossy(&bytes[value.start..value.end.min(value.start + 1_000)])
                .replace(['\r', '\n'], " ");
            Typed::parse(&value).parameter("charset").map(ToOwned::to_owned)
        })
        .or_else(|| root.and_then(|root| root.content_type.parameter("charset").map(ToOwned::to_owned)));
    let fields = found
        .into_iter()
        .map(|(name, value)| {
            let name = String::from_utf8_lossy(&bytes[name]).trim().to_owned();
            let value = unfold(&bytes[value], charset.as_deref(), &name, limits, problems);
            RawField { name, value }
        })
        .collect();
    (Fields::new(fields), body)
}

/// The position of the colon of a header field, when the line is one.
fn field_name(line: &[u8]) -> Option<usize> {
    let colon = line.iter().take(200).position(|&b| b == b':')?;
    let name = line[..colon].trim_ascii_end();
    let fine = !name.is_empty() && name.iter().all(|&b| b.is_ascii_graphic());
    fine.then_some(colon)
}

fn begins_field(bytes: &[u8], at: usize) -> bool {
    at < bytes.len() && field_name(&bytes[at..line_end(bytes, at).0]).is_some()
}

/// Whether the line at `at` is a field that mail has, and not only text with a colon.
fn begins_known_field(bytes: &[u8], at: usize) -> bool {
    const KNOWN: [&[u8]; 9] =
        [b"from", b"to", b"cc", b"bcc", b"date", b"subject", b"sender", b"received", b"references"];
    let line = &bytes[at.min(bytes.len())..line_end(bytes, at.min(bytes.len())).0];
    field_name(line).is_some_and(|colon| {
        let name = line[..colon].trim_ascii_end();
        name.contains(&b'-') || KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// The content type of a part. Missing or unreadable, it is plain text, or a message within a digest.
fn content_type_of(fields: &Fields, parent: Option<&str>) -> Typed {
    let default = if parent == Some("multipart/digest") { "message/rfc822" } else { "text/plain" };
    let mut read = fields.typed("Content-Type").unwrap_or_default();
    match read.kind.as_str() {
        "" => read.kind = default.into(),
        "text" | "plain" => read.kind = "text/plain".into(),
        "html" => read.kind = "text/html".into(),
        _ => {}
    }
    read
}

/// The boundary to split a multipart by. Where the declared one is missing or does not occur, the first line of the
/// body that looks like a delimiter stands in for it.
fn usable(
    declared: Vec<u8>,
    bytes: &[u8],
    body: usize,
    open: &[Open],
    index: usize,
    problems: &mut Vec<Problem>,
) -> Option<Vec<u8>> {
    // Searching ahead is only affordable at the top. An inner boundary that never occurs does no harm: the outer one
    // ends its multipart, which is then without parts and read as text.
    let trusted = !declared.is_empty() && (!open.is_empty() || occurs(bytes, body, &declared));
    if trusted {
        return Some(declared);
    }
    let stand_in = open.is_empty().then(|| guess(bytes, body)).flatten();
    if let Some(boundary) = stand_in {
        problems.push(Problem::new(
            place(index),
            "its boundary is missing or wrong; the first line that looks like one was taken instead",
        ));
        return Some(boundary);
    }
    problems
        .push(Problem::new(place(index), "its boundary is missing or never occurs; it was read as one text"));
    None
}

fn occurs(bytes: &[u8], from: usize, boundary: &[u8]) -> bool {
    let open = [Open { part: 0, boundary: boundary.to_vec() }];
    next_delimiter(bytes, from, &open).is_some()
}

fn guess(bytes: &[u8], from: usize) -> Option<Vec<u8>> {
    let mut at = from;
    while at < bytes.len() {
        let (end, next) = line_end(bytes, at);
        let line = bytes[at..end].trim_ascii_end();
        if line.len() > 4 && line.starts_with(b"--") && next < bytes.len() {
            let follower = &bytes[next..line_end(bytes, next).0];
            if follower.len() > 8 && follower[..8].eq_ignore_ascii_case(b"content-") {
                return Some(line[2..].to_vec());
            }
        }
        at = next;
    }
    None
}

/// The next line from `at` on that delimits an open multipart: where the content before it ends, where the next line
/// begins, and what it means.
fn next_delimiter(bytes: &[u8], from: usize, open: &[Open]) -> Option<(usize, usize, Delimiter)> {
    if open.is_empty() {
        return None;
    }
    let mut at = from;
    while at < bytes.len() {
        if bytes[at] == b'-' && bytes[at..].starts_with(b"--") {
            let (end, next) = line_end(bytes, at);
            if let Some(delimiter) = delimiter(&bytes[at..end], open) {
                // The line break before a delimiter belongs to the delimiter.
                let mut content = at;
                if content > from && bytes[content - 1] == b'\n' {
                    content -= 1;
                }
                if content > from && bytes[content - 1] == b'\r' {
                    content -= 1;
                }
                return Some((content, next, delimiter));
            }
            at = next;
        } else {
            at = match bytes[at..].iter().position(|&b| b == b'\n' || b == b'\r') {
                Some(n) => at + n + 1,
                None => bytes.len(),
            };
        }
    }
    None
}

/// What a line means to the open multiparts; the innermost with the longest match decides.
fn delimiter(line: &[u8], open: &[Open]) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?;
    let mut best: Option<(usize, Delimiter)> = None;
    for (level, one) in open.iter().enumerate().rev() {
        let Some(after) = rest.strip_prefix(one.boundary.as_slice()) else { continue };
        let blank = |text: &[u8]| text.iter().all(u8::is_ascii_whitespace);
        let meaning = if blank(after) {
            Delimiter::Next(level)
        } else if after.strip_prefix(b"--").is_some() {
            Delimiter::Close(level)
        } else {
            continue;
        };
        if best.as_ref().is_none_or(|(length, _)| one.boundary.len() > *length) {
            best = Some((one.boundary.len(), meaning));
        }
    }
    best.map(|(_, meaning)| meaning)
}

#[cfg(test)]
mod tests;
