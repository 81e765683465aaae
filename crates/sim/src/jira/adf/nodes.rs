//! The table of node types: attributes, what may stand inside, and how much of it.

/// What an attribute must be.
pub(super) enum Kind {
    Text,
    Filled,
    Number,
    Between(f64, f64),
    Flag,
    OneOf(&'static [&'static str]),
    Color,
    Numbers,
    Anything,
}

pub(super) type Attrs = &'static [(&'static str, bool, Kind)];

/// The rules of one node type.
pub(super) struct Rule {
    pub(super) attrs: Attrs,
    /// Whether the `attrs` object itself must be there.
    pub(super) attrs_required: bool,
    /// Node types allowed inside; `None` when the node has no content.
    pub(super) content: Option<&'static [&'static str]>,
    /// Fewest and most children; `content` may be absent when the first is `None`.
    pub(super) children: (Option<usize>, usize),
}

const LAYOUTS: &[&str] =
    &["wide", "full-width", "center", "wrap-right", "wrap-left", "align-end", "align-start"];
const INLINE: &[&str] =
    &["text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "mediaInline", "placeholder"];
pub(super) const ROOT: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "blockquote",
    "codeBlock",
    "panel",
    "table",
    "expand",
    "rule",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
    "blockCard",
    "embedCard",
];
const IN_LIST: &[&str] = &["paragraph", "bulletList", "orderedList", "taskList", "codeBlock", "mediaSingle"];
const IN_QUOTE: &[&str] =
    &["paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "mediaGroup"];
const IN_PANEL: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "codeBlock",
    "mediaSingle",
    "mediaGroup",
    "rule",
    "taskList",
    "decisionList",
    "blockCard",
];
const IN_CELL: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "blockquote",
    "codeBlock",
    "panel",
    "rule",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
    "blockCard",
    "embedCard",
    "nestedExpand",
];
const IN_EXPAND: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "blockquote",
    "codeBlock",
    "panel",
    "table",
    "rule",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
    "blockCard",
    "embedCard",
    "nestedExpand",
];
const IN_NESTED_EXPAND: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "blockquote",
    "codeBlock",
    "panel",
    "rule",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
];
const CELL_ATTRS: Attrs = &[
    ("colspan", false, Kind::Number),
    ("rowspan", false, Kind::Number),
    ("colwidth", false, Kind::Numbers),
    ("background", false, Kind::Text),
    ("valign", false, Kind::OneOf(&["top", "middle", "bottom"])),
];
const NONE: Attrs = &[];

const fn leaf(attrs: Attrs, attrs_required: bool) -> Rule {
    Rule { attrs, attrs_required, content: None, children: (None, 0) }
}

const fn block(attrs: Attrs, attrs_required: bool, content: &'static [&'static str], least: usize) -> Rule {
    Rule { attrs, attrs_required, content: Some(content), children: (Some(least), usize::MAX) }
}

const fn line(attrs: Attrs, attrs_required: bool) -> Rule {
    Rule { attrs, attrs_required, content: Some(INLINE), children: (None, usize::MAX) }
}

pub(super) fn rule(kind: &str) -> Option<Rule> {
    const TASK: &[&str] = &["TODO", "DONE"];
    Some(match kind {
        "paragraph" | "caption" => line(NONE, false),
        "heading" => line(&[("level", true, Kind::Between(1.0, 6.0))], true),
        "bulletList" => block(NONE, false, &["listItem"], 1),
        "orderedList" => block(&[("order", false, Kind::Between(0.0, f64::MAX))], false, &["listItem"], 1),
        "listItem" => block(NONE, false, IN_LIST, 1),
        "blockquote" => block(NONE, false, IN_QUOTE, 1),
        "codeBlock" => Rule {
            attrs: &[
                ("language", false, Kind::Text),
                ("uniqueId", false, Kind::Text),
                ("wrap", false, Kind::Flag),
                ("hideLineNumbers", false, Kind::Flag),
            ],
            attrs_required: false,
            content: Some(&["text"]),
            children: (None, usize::MAX),
        },
        "panel" => block(
            &[
                (
                    "panelType",
                    true,
                    Kind::OneOf(&["info", "note", "tip", "warning", "error", "success", "custom"]),
                ),
                ("panelIcon", false, Kind::Text),
                ("panelIconId", false, Kind::Text),
                ("panelIconText", false, Kind::Text),
                ("panelColor", false, Kind::Text),
            ],
            true,
            IN_PANEL,
            1,
        ),
        "table" => block(
            &[
                ("displayMode", false, Kind::OneOf(&["default", "fixed"])),
                ("isNumberColumnEnabled", false, Kind::Flag),
                (
                    "layout",
                    false,
                    Kind::OneOf(&["wide", "full-width", "center", "align-end", "align-start", "default"]),
                ),
                ("width", false, Kind::Number),
            ],
            false,
            &["tableRow"],
            1,
        ),
        "tableRow" => block(NONE, false, &["tableCell", "tableHeader"], 0),
        "tableCell" | "tableHeader" => block(CELL_ATTRS, false, IN_CELL, 1),
        "expand" => block(&[("title", false, Kind::Text)], false, IN_EXPAND, 1),
        "nestedExpand" => block(&[("title", false, Kind::Text)], true, IN_NESTED_EXPAND, 1),
        "rule" => leaf(NONE, false),
        "taskList" => block(&[("localId", true, Kind::Text)], true, &["taskItem", "taskList"], 1),
        "taskItem" => line(&[("localId", true, Kind::Text), ("state", true, Kind::OneOf(TASK))], true),
        "decisionList" => block(&[("localId", true, Kind::Text)], true, &["decisionItem"], 1),
        "decisionItem" => line(&[("localId", true, Kind::Text), ("state", true, Kind::Text)], true),
        "mediaSingle" => Rule {
            attrs: &[
                ("layout", true, Kind::OneOf(LAYOUTS)),
                ("width", false, Kind::Between(0.0, f64::MAX)),
                ("widthType", false, Kind::OneOf(&["percentage", "pixel"])),
            ],
            attrs_required: false,
            content: Some(&["media", "caption"]),
            children: (Some(1), 2),
        },
        "mediaGroup" => block(NONE, false, &["media"], 1),
        "media" => leaf(
            &[
                ("type", true, Kind::OneOf(&["file", "link", "external"])),
                ("id", false, Kind::Filled),
                ("collection", false, Kind::Text),
                ("url", false, Kind::Text),
                ("alt", false, Kind::Text),
                ("width", false, Kind::Number),
                ("height", false, Kind::Number),
                ("occurrenceKey", false, Kind::Filled),
            ],
            true,
        ),
        "mediaInline" => leaf(
            &[
                ("type", false, Kind::OneOf(&["link", "file", "image"])),
                ("id", true, Kind::Filled),
                ("collection", true, Kind::Text),
                ("alt", false, Kind::Text),
                ("width", false, Kind::Number),
                ("height", false, Kind::Number),
                ("occurrenceKey", false, Kind::Filled),
                ("data", false, Kind::Anything),
            ],
            true,
        ),
        "hardBreak" => leaf(&[("text", false, Kind::OneOf(&["\n"]))], false),
        "mention" => leaf(
            &[
                ("id", true, Kind::Text),
                ("text", false, Kind::Text),
                ("accessLevel", false, Kind::Text),
                ("userType", false, Kind::OneOf(&["DEFAULT", "SPECIAL", "APP"])),
            ],
            true,
        ),
        "emoji" => leaf(
            &[("shortName", true, Kind::Text), ("id", false, Kind::Text), ("text", false, Kind::Text)],
            true,
        ),
        "date" => leaf(&[("timestamp", true, Kind::Filled)], true),
        "status" => leaf(
            &[("text", true, Kind::Filled), ("color", true, Kind::Color), ("style", false, Kind::Text)],
            true,
        ),
        "inlineCard" | "blockCard" => {
            leaf(&[("url", false, Kind::Text), ("data", false, Kind::Anything)], true)
        }
        "embedCard" => leaf(
            &[
                ("url", true, Kind::Text),
                ("layout", true, Kind::OneOf(LAYOUTS)),
                ("width", false, Kind::Between(0.0, 100.0)),
                ("originalHeight", false, Kind::Number),
                ("originalWidth", false, Kind::Number),
            ],
            true,
        ),
        "placeholder" => leaf(&[("text", true, Kind::Text)], true),
        _ => return None,
    })
}
