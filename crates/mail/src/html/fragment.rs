//! Parts of a parsed page as HTML again.
//!
//! What is written is a fragment: no head, no style sheet, no script, no comment. It is a stranger's markup as before, to
//! be sanitised by whoever shows it.

use super::tree::{Data, Id, ROOT, Tree};
use super::walk::is_dropped;

/// Longest value of an attribute that is written, in bytes. Longer ones are addresses of generated images.
const MAX_VALUE: usize = 20_000;

/// The whole page.
pub(crate) fn whole(tree: &Tree) -> String {
    let mut writer = Writer::default();
    let mut path: Vec<Id> = Vec::new();
    let mut at = tree.node(ROOT).first_child;
    while let Some(id) = at {
        let node = tree.node(id);
        match &node.data {
            Data::Text(text) => writer.text(tree, &path, text),
            Data::Element { .. } if !is_dropped(tree.name(id)) => {
                path.push(id);
                writer.element(tree, &path);
                if node.first_child.is_some() {
                    at = node.first_child;
                    continue;
                }
                writer.leave(tree, &path);
                path.pop();
            }
            _ => {}
        }
        at = node.next;
        while at.is_none()
            && let Some(&parent) = path.last()
        {
            writer.leave(tree, &path);
            path.pop();
            at = tree.node(parent).next;
        }
    }
    writer.take()
}

/// Writes nodes as they come, in document order, and opens and closes the elements around them.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: String,
    /// How many elements of the path are open.
    open: usize,
}

impl Writer {
    /// Opens what is not open yet. Where the fragment begins within an element, that element is written without its
    /// attributes: its style and its name belong to the whole.
    fn enter(&mut self, tree: &Tree, path: &[Id]) {
        let begins = self.out.is_empty();
        for (depth, &id) in path.iter().enumerate().skip(self.open) {
            open_tag(tree, id, begins && depth + 1 < path.len(), &mut self.out);
        }
        self.open = path.len();
    }

    /// A text below the last element of `path`.
    pub(crate) fn text(&mut self, tree: &Tree, path: &[Id], text: &str) {
        self.enter(tree, path);
        escape(text, false, &mut self.out);
    }

    /// The element that is the last of `path`: opened now, closed by [`Writer::leave`].
    pub(crate) fn element(&mut self, tree: &Tree, path: &[Id]) {
        self.enter(tree, path);
    }

    /// The last element of `path` ends.
    pub(crate) fn leave(&mut self, tree: &Tree, path: &[Id]) {
        if self.open == path.len()
            && let Some(&id) = path.last()
        {
            self.open -= 1;
            close_tag(tree, id, &mut self.out);
        }
    }

    /// Ends the fragment within `path`, gives it, and begins another.
    pub(crate) fn end(&mut self, tree: &Tree, path: &[Id]) -> String {
        for &id in path[..self.open.min(path.len())].iter().rev() {
            close_tag(tree, id, &mut self.out);
        }
        self.take()
    }

    fn take(&mut self) -> String {
        self.open = 0;
        std::mem::take(&mut self.out)
    }
}

/// The tag that an element is written with; `None` for those that are no part of a fragment.
fn tag(tree: &Tree, id: Id) -> Option<&str> {
    match tree.name(id) {
        "" | "html" | "body" => None,
        // Their content would be read as raw text.
        "xmp" | "plaintext" | "listing" => Some("pre"),
        "noembed" | "noframes" | "noscript" => Some("div"),
        name => Some(name),
    }
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

fn open_tag(tree: &Tree, id: Id, bare: bool, out: &mut String) {
    let Some(name) = tag(tree, id) else { return };
    out.push('<');
    out.push_str(name);
    // A link that is cut in two leads where it led.
    if !bare || name == "a" {
        for attribute in tree.attributes(id) {
            let key = &*attribute.name.local;
            let plain =
                !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(&b));
            if plain && !key.starts_with("on") && attribute.value.len() <= MAX_VALUE {
                out.push(' ');
                out.push_str(key);
                out.push_str("=\"");
                escape(&attribute.value, true, out);
                out.push('"');
            }
        }
    }
    out.push('>');
    // A parser drops a line break right behind this tag; so that none of the text's own is lost, it gets one to drop.
    if name == "pre" {
        out.push('\n');
    }
}

fn close_tag(tree: &Tree, id: Id, out: &mut String) {
    if let Some(name) = tag(tree, id).filter(|name| !is_void(name)) {
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
}

fn escape(text: &str, quoted: bool, out: &mut String) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' if quoted => "&quot;",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        out.push_str(entity);
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Rich;

    fn again(html: &str) -> String {
        whole(&Tree::parse(html))
    }

    /// Promise: a page that is written again is the same page, without what a fragment has no room for.
    #[test]
    fn a_page_is_written_again() {
        assert_eq!(
            again(
                "<html><head><style>p{}</style></head><body class=a><p title='a\"b' onclick=x>1 &lt; 2<br>3</p><!-- c --><script>x</script><img src=cid:a></body>"
            ),
            "<p title=\"a&quot;b\">1 &lt; 2<br>3</p><img src=\"cid:a\">"
        );
    }

    proptest! {
        /// Promise: writing a page again changes nothing of what it shows, and a second time nothing at all.
        #[test]
        fn what_is_shown_stays(pieces in proptest::collection::vec(prop::sample::select(vec![
            "<div>", "</div>", "<p style=\"color:red\">", "<pre>", "</pre>", "\n", "<br>", " a ", "b &amp; c", "<table><tr><td>", "<td>x",
            "</table>", "<blockquote type=cite>", "</blockquote>", "<b>", "</b>", "<xmp>", "</xmp>", "<i", ">", "<li>", "<a href=\"http://a.b/\">", "</a>",
            "&nbsp;", "<img src=cid:1 alt=z>", "<hr>", "<o:p>", "</o:p>", "<form>", "<button>",
        ]), 0..40)) {
            let html = pieces.concat();
            let once = again(&html);
            prop_assert_eq!(Rich::from_html(&once).to_text(), Rich::from_html(&html).to_text());
        }

        /// Promise: any bytes are survived.
        #[test]
        fn any_page_is_survived(html in "\\PC{0,300}") {
            let _ = again(&html);
        }
    }
}
