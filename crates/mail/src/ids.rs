//! Message-IDs, and the header fields that list them, as real mail writes them.

/// Most ids read from one field. A longer list keeps its first and its newest.
const MAX_IDS: usize = 500;
/// Longest id, in bytes: the longest line that RFC 5322 allows.
const MAX_ID: usize = 998;
/// Longest comment, in bytes.
const MAX_COMMENT: usize = 1_000;

/// The one Message-ID of a `Message-ID` field: without angle brackets, white space and comments.
///
/// A value without brackets, or without `@`, is taken as it stands.
pub fn message_id(value: &str) -> Option<String> {
    let (bracketed, loose) = split(value);
    bracketed.into_iter().next().or_else(|| {
        let with_at = loose.iter().position(|token| token.contains('@')).unwrap_or(0);
        loose.into_iter().nth(with_at)
    })
}

/// The Message-IDs of a `References` field in their order, each once: commas, folding, comments and missing brackets
/// are tolerated; words that are no ids are passed over.
pub fn references(value: &str) -> Vec<String> {
    bounded(tokens(value).into_iter().filter(|t| t.bracketed || t.text.contains('@')).map(|t| t.text))
}

/// The Message-IDs of an `In-Reply-To` field. Where any stands in brackets, what stands outside is prose (`Your message
/// of Monday <id>`) and not read.
pub(crate) fn in_reply_to(value: &str) -> Vec<String> {
    let (bracketed, loose) = split(value);
    if bracketed.is_empty() {
        bounded(loose.into_iter().filter(|token| token.contains('@')))
    } else {
        bounded(bracketed.into_iter())
    }
}

fn bounded(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut all: Vec<String> = ids.filter(|id| seen.insert(id.clone())).collect();
    if all.len() > MAX_IDS {
        all.drain(1..=all.len() - MAX_IDS);
    }
    all
}

fn split(value: &str) -> (Vec<String>, Vec<String>) {
    let mut bracketed = Vec::new();
    let mut loose = Vec::new();
    for token in tokens(value) {
        if token.bracketed { bracketed.push(token.text) } else { loose.push(token.text) }
    }
    (bracketed, loose)
}

struct Token {
    text: String,
    bracketed: bool,
}

/// Cuts a field into ids in brackets and words outside of them. Linear in the length of `value`.
fn tokens(value: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        if is_separator(first) || first == '>' {
            rest = &rest[first.len_utf8()..];
        } else if first == '(' {
            rest = after_comment(rest);
        } else if first == '"' {
            // A quoted phrase is prose, not an id.
            rest = rest[1..].split_once('"').map_or(&rest[1..], |(_, after)| after);
        } else if first == '<' {
            let inner = &rest[1..];
            let end = inner.find(['<', '>']).unwrap_or(inner.len());
            push_bracketed(&mut out, &inner[..end]);
            rest = &inner[end..];
        } else {
            let end = rest.find(|c| is_separator(c) || matches!(c, '<' | '>' | '(')).unwrap_or(rest.len());
            push(&mut out, &rest[..end], false);
            rest = &rest[end..];
        }
    }
    out
}

/// White space inside brackets comes from folding and is no part of the id, unless the pieces are ids themselves.
fn push_bracketed(out: &mut Vec<Token>, inner: &str) {
    let pieces: Vec<&str> = inner.split(is_separator).filter(|piece| !piece.is_empty()).collect();
    if pieces.len() > 1 && pieces.iter().all(|piece| piece.contains('@')) {
        for piece in pieces {
            push(out, piece, true);
        }
    } else {
        push(out, &inner.chars().filter(|c| !c.is_whitespace()).collect::<String>(), true);
    }
}

fn push(out: &mut Vec<Token>, text: &str, bracketed: bool) {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if !text.is_empty() && text.len() <= MAX_ID {
        out.push(Token { text, bracketed });
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, ',' | ';')
}

/// What follows the (nesting) comment that `text` begins with. One that does not end within [`MAX_COMMENT`] is taken to
/// end before the first bracket in it.
fn after_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut bracket = None;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return &text[at + 1..];
                }
            }
            '<' if bracket.is_none() => bracket = Some(at),
            _ => {}
        }
        if at > MAX_COMMENT {
            end = at;
            break;
        }
    }
    &text[bracket.unwrap_or(end)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_id_loses_brackets_space_and_comments() {
        assert_eq!(message_id(" <a.b@c.example> "), Some("a.b@c.example".into()));
        assert_eq!(message_id("<a.b@c.example> (added by relay)"), Some("a.b@c.example".into()));
        assert_eq!(message_id("(x) a@b"), Some("a@b".into()));
        assert_eq!(message_id("<no-at-sign>"), Some("no-at-sign".into()));
        assert_eq!(message_id("<a\r\n b@c>"), Some("ab@c".into()));
        assert_eq!(message_id("<a@b"), Some("a@b".into()));
        assert_eq!(message_id("<>"), None);
        assert_eq!(message_id("  "), None);
    }

    #[test]
    fn references_are_split_leniently() {
        let want = vec!["a@x".to_owned(), "b@x".to_owned(), "c@x".to_owned()];
        assert_eq!(references("<a@x> <b@x> <c@x>"), want);
        assert_eq!(references("<a@x>,<b@x>,\r\n\t<c@x>"), want);
        assert_eq!(references("<a@x><b@x><c@x>"), want);
        assert_eq!(references("a@x b@x c@x"), want);
        assert_eq!(references("<a@x b@x c@x>"), want);
        assert_eq!(references("<a@x <b@x <c@x"), want);
        assert_eq!(references("<a@x> (one) <b@x> word <c@x> <a@x>"), want);
    }

    #[test]
    fn prose_around_an_answered_id_is_not_an_id() {
        assert_eq!(in_reply_to("Your message of \"Mon, 1 Jan\" from bob@x.example <id@y>"), vec!["id@y"]);
        assert_eq!(in_reply_to("id@y"), vec!["id@y"]);
        assert!(in_reply_to("your message").is_empty());
    }

    #[test]
    fn a_long_list_keeps_its_first_and_its_newest() {
        let many: String = (0..2_000).map(|n| format!("<{n}@x> ")).collect::<Vec<_>>().concat();
        let ids = references(&many);
        assert_eq!(ids.len(), MAX_IDS);
        assert_eq!(ids[0], "0@x");
        assert_eq!(ids[MAX_IDS - 1], "1999@x");
    }

    #[test]
    fn many_opening_brackets_take_linear_time() {
        assert!(references(&"(".repeat(200_000)).is_empty());
        assert!(references(&"<".repeat(200_000)).is_empty());
    }

    proptest! {
        #[test]
        fn ids_are_clean_whatever_the_field(value in any::<String>()) {
            for id in references(&value).into_iter().chain(message_id(&value)).chain(in_reply_to(&value)) {
                prop_assert!(!id.is_empty() && id.len() <= MAX_ID);
                prop_assert!(!id.contains(['<', '>']) && !id.chars().any(|c| c.is_whitespace() || c.is_control()));
            }
        }

        #[test]
        fn well_formed_ids_are_read_back(ids in prop::collection::hash_set("[a-z0-9.]{1,20}@[a-z]{1,10}", 1..20)) {
            let ids: Vec<String> = ids.into_iter().collect();
            let field: String = ids.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>().join("\r\n ");
            prop_assert_eq!(references(&field), ids);
        }
    }
}
