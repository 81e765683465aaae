//! Documents as HTML: what `renderedFields`, `renderedBody` and the issue page show. Every text is escaped,
//! links lead to http, https, mailto and tel only, and images come from this site alone.

use std::fmt::Write as _;

use serde_json::Value;

/// Escapes text for element content and quoted attribute values.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
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

/// Renders a document. `image` gives the address of a media id, or `None` when the site has no such file.
pub(crate) fn render(document: &Value, image: &dyn Fn(&str) -> Option<String>) -> String {
    let mut writer = Writer { out: String::new(), image };
    writer.children(document);
    writer.out
}

/// Makes every heading of rendered text one of `level`, so that a page keeps its order of headings.
pub(crate) fn flatten_headings(html: &str, level: u8) -> String {
    // Only tags have an angle bracket here: every text is escaped.
    (1..=6).fold(html.to_owned(), |html, own| {
        html.replace(&format!("<h{own}>"), &format!("<h{level}>"))
            .replace(&format!("</h{own}>"), &format!("</h{level}>"))
    })
}

struct Writer<'a> {
    out: String,
    image: &'a dyn Fn(&str) -> Option<String>,
}

impl Writer<'_> {
    fn children(&mut self, node: &Value) {
        if let Some(Value::Array(content)) = node.get("content") {
            for child in content {
                self.node(child);
            }
        }
    }

    fn wrap(&mut self, tag: &str, node: &Value) {
        let _ = write!(self.out, "<{tag}>");
        self.children(node);
        let _ = write!(self.out, "</{}>", tag.split(' ').next().unwrap_or(tag));
    }

    fn node(&mut self, node: &Value) {
        let attr = |name: &str| node.get("attrs").and_then(|attrs| attrs.get(name));
        let text = |name: &str| attr(name).and_then(Value::as_str).unwrap_or_default();
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "paragraph" => self.wrap("p", node),
            "heading" => {
                let level = attr("level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6);
                self.wrap(&format!("h{level}"), node);
            }
            "bulletList" => self.wrap("ul", node),
            "orderedList" => match attr("order").and_then(Value::as_u64) {
                Some(first) if first != 1 => self.wrap(&format!("ol start=\"{first}\""), node),
                _ => self.wrap("ol", node),
            },
            "listItem" => self.wrap("li", node),
            "blockquote" => self.wrap("blockquote", node),
            "codeBlock" => {
                self.out.push_str("<pre><code>");
                self.children(node);
                self.out.push_str("</code></pre>");
            }
            "panel" => self.wrap(&format!("div class=\"panel panel-{}\"", escape(text("panelType"))), node),
            "table" => {
                self.out
                    .push_str("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">");
                self.wrap("table class=\"doc\"", node);
                self.out.push_str("</div>");
            }
            "tableRow" => self.wrap("tr", node),
            kind @ ("tableCell" | "tableHeader") => {
                let mut tag = String::from(if kind == "tableCell" { "td" } else { "th" });
                for span in ["colspan", "rowspan"] {
                    if let Some(number) = attr(span).and_then(Value::as_u64) {
                        let _ = write!(tag, " {span}=\"{number}\"");
                    }
                }
                self.wrap(&tag, node);
            }
            "expand" | "nestedExpand" => {
                let title = if text("title").is_empty() { "More" } else { text("title") };
                let _ = write!(self.out, "<details><summary>{}</summary>", escape(title));
                self.children(node);
                self.out.push_str("</details>");
            }
            "rule" => self.out.push_str("<hr>"),
            "taskList" | "decisionList" => self.wrap("ul class=\"tasks\"", node),
            "taskItem" | "decisionItem" => {
                self.out.push_str(if text("state") == "DONE" { "<li>[x] " } else { "<li>[ ] " });
                self.children(node);
                self.out.push_str("</li>");
            }
            "mediaSingle" | "mediaGroup" => self.wrap("div class=\"media\"", node),
            "caption" => self.wrap("div class=\"caption\"", node),
            "media" | "mediaInline" => self.media(node),
            "hardBreak" => self.out.push_str("<br>"),
            "mention" => {
                let shown = if text("text").is_empty() { text("id") } else { text("text") };
                let _ = write!(self.out, "<span class=\"mention\">{}</span>", escape(shown));
            }
            "emoji" => {
                let shown = if text("text").is_empty() { text("shortName") } else { text("text") };
                self.out.push_str(&escape(shown));
            }
            "date" => {
                let day = text("timestamp")
                    .parse()
                    .ok()
                    .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
                    .map_or_else(|| text("timestamp").to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
                self.out.push_str(&escape(&day));
            }
            "status" | "placeholder" => {
                let _ = write!(self.out, "<span class=\"status\">{}</span>", escape(text("text")));
            }
            "inlineCard" | "blockCard" | "embedCard" => {
                let url = text("url");
                self.out.push_str(&link(url, &escape(url)));
            }
            "text" => self.text(node),
            _ => self.children(node),
        }
    }

    fn media(&mut self, node: &Value) {
        let attr = |name: &str| node.get("attrs").and_then(|attrs| attrs.get(name));
        let alt = attr("alt").and_then(Value::as_str).unwrap_or_default();
        let id = attr("id").and_then(Value::as_str).unwrap_or_default();
        if let Some(address) = (self.image)(id) {
            let _ = write!(self.out, "<img src=\"{}\" alt=\"{}\"", escape(&address), escape(alt));
            for name in ["width", "height"] {
                if let Some(number) = attr(name).and_then(Value::as_u64) {
                    let _ = write!(self.out, " {name}=\"{number}\"");
                }
            }
            self.out.push('>');
        } else {
            let name = if alt.is_empty() { "file" } else { alt };
            let _ = write!(self.out, "<span class=\"missing\">[{}: not on this site]</span>", escape(name));
        }
    }

    fn text(&mut self, node: &Value) {
        let mut html = escape(node.get("text").and_then(Value::as_str).unwrap_or_default());
        if let Some(Value::Array(marks)) = node.get("marks") {
            for mark in marks.iter().rev() {
                let attr = |name: &str| {
                    mark.get("attrs")
                        .and_then(|attrs| attrs.get(name))
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                };
                html = match mark.get("type").and_then(Value::as_str).unwrap_or_default() {
                    "strong" => format!("<strong>{html}</strong>"),
                    "em" => format!("<em>{html}</em>"),
                    "strike" => format!("<del>{html}</del>"),
                    "underline" => format!("<u>{html}</u>"),
                    "code" => format!("<code>{html}</code>"),
                    "subsup" if attr("type") == "sub" => format!("<sub>{html}</sub>"),
                    "subsup" => format!("<sup>{html}</sup>"),
                    "link" => link(attr("href"), &html),
                    _ => html,
                };
            }
        }
        self.out.push_str(&html);
    }
}

/// A link, or its words alone where the address leads somewhere a page must not lead to.
fn link(address: &str, words: &str) -> String {
    let allowed = ["http://", "https://", "mailto:", "tel:"];
    let lower = address.trim_start().to_ascii_lowercase();
    if allowed.iter().any(|scheme| lower.starts_with(scheme)) {
        format!("<a href=\"{}\" rel=\"noopener noreferrer\">{words}</a>", escape(address))
    } else {
        words.to_owned()
    }
}
