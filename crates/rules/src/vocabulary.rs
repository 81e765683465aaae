//! What conditions and templates may name: every variable and function with its type and its meaning.
//!
//! One table serves the checker of conditions, the checker of templates, the editor's help and the guide, so that a name that
//! is explained is a name that works. [`crate::view`] holds the values; a test keeps the two equal.

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Number,
    /// Text.
    Text,
    /// Something with named fields.
    Object(&'static [Name]),
    /// Several values of one type.
    List(&'static Kind),
    /// Not known before the mail is there.
    Any,
}

impl Kind {
    /// In words, for messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bool => "yes or no",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Object(_) => "an object with fields",
            Self::List(_) => "a list",
            Self::Any => "a value",
        }
    }
}

/// A name that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// As it is written.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it is, in a sentence without a full stop.
    pub says: &'static str,
}

const fn name(name: &'static str, kind: Kind, says: &'static str) -> Name {
    Name { name, kind, says }
}

const TEXTS: Kind = Kind::List(&Kind::Text);

/// The fields of an address.
pub const ADDRESS: &[Name] = &[
    name("address", Kind::Text, "the whole address in lower case; empty where the mail names none"),
    name("name", Kind::Text, "the display name as the sender wrote it; empty where there is none"),
    name("local", Kind::Text, "what stands before the @, without a plus part, in lower case"),
    name(
        "tag",
        Kind::Text,
        "the plus part: `SUP` of `support+SUP@example.com`, as written; empty where there is none",
    ),
    name("domain", Kind::Text, "what stands after the @, in lower case"),
];

/// The fields of an attachment.
pub const ATTACHMENT: &[Name] = &[
    name("name", Kind::Text, "the file name"),
    name("extension", Kind::Text, "the file name's ending in lower case, without the dot"),
    name("type", Kind::Text, "the media type, such as `application/pdf`"),
    name("size", Kind::Number, "bytes"),
    name("inline", Kind::Bool, "whether it is shown within the body"),
    name("sha256", Kind::Text, "the content's SHA-256, hexadecimal"),
];

const ADDRESSES: Kind = Kind::List(&Kind::Object(ADDRESS));

/// The fields of `mail`.
pub const MAIL: &[Name] = &[
    name("subject", Kind::Text, "the subject, decoded and on one line"),
    name("text", Kind::Text, "the body as text, the quoted mail included; the first 256 KiB of it"),
    name("message_id", Kind::Text, "the Message-ID without angle brackets; empty where there is none"),
    name("is_answer", Kind::Bool, "whether the mail says that it answers another one"),
    name("from", Kind::Object(ADDRESS), "the author"),
    name(
        "sender",
        Kind::Object(ADDRESS),
        "who sent it on the author's behalf; empty where the mail names nobody",
    ),
    name("reply_to", ADDRESSES, "where answers are wanted"),
    name("to", ADDRESSES, "the recipients"),
    name("cc", ADDRESSES, "the recipients of a copy"),
    name("recipients", ADDRESSES, "the recipients, those of copies included"),
    name("attachments", Kind::List(&Kind::Object(ATTACHMENT)), "everything that is not a body"),
    name(
        "automatic",
        Kind::Text,
        "by which rule a machine sent it, such as `bulk`; empty for mail from a person",
    ),
    name(
        "trust",
        Kind::Text,
        "whether the author is who the mail says, as Exchange found: `internal`, `verified`, `unverified` or `failed`",
    ),
];

/// The fields of `source`.
pub const SOURCE: &[Name] = &[
    name("name", Kind::Text, "the name of the Message Source"),
    name("mailbox", Kind::Text, "the mailbox's address in lower case"),
    name("folder", Kind::Text, "the folder's path"),
];

/// The fields of `issue`.
pub const ISSUE: &[Name] = &[
    name("known", Kind::Bool, "whether the mail belongs to an issue that is there already"),
    name("key", Kind::Text, "that issue's key, such as `SUP-12`; empty where there is none"),
    name("project", Kind::Text, "that issue's project, such as `SUP`; empty where there is none"),
];

/// The fields of `received`.
pub const RECEIVED: &[Name] = &[
    name("date", Kind::Text, "the day the mail came, such as `2026-11-28`, in the installation's time zone"),
    name("hour", Kind::Number, "0 to 23"),
    name("minute", Kind::Number, "0 to 59"),
    name("weekday", Kind::Text, "`monday` to `sunday`"),
];

/// Every variable.
pub const VARIABLES: &[Name] = &[
    name("mail", Kind::Object(MAIL), "the mail"),
    name("source", Kind::Object(SOURCE), "the Message Source it came through"),
    name("issue", Kind::Object(ISSUE), "the issue that it belongs to, if there is one"),
    name("received", Kind::Object(RECEIVED), "when it came"),
    name(
        "tag",
        Kind::Text,
        "the plus part of the source's own address in this mail; empty where there is none",
    ),
];

/// A function of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The type it is called on, for `a.f()`; `None` for `f()`.
    pub on: Option<Kind>,
    /// The types of what stands in the brackets.
    pub takes: &'static [Kind],
    /// What it gives.
    pub gives: Kind,
    /// What it does, in a sentence without a full stop.
    pub says: &'static str,
}

const fn function(
    name: &'static str,
    on: Option<Kind>,
    takes: &'static [Kind],
    gives: Kind,
    says: &'static str,
) -> Function {
    Function { name, on, takes, gives, says }
}

/// Every function of conditions. The macros of CEL (`has`, `all`, `exists`, `exists_one`, `map`, `filter`) come on top.
pub const FUNCTIONS: &[Function] = &[
    function(
        "contains",
        Some(Kind::Text),
        &[Kind::Text],
        Kind::Bool,
        "whether the text has this in it, letter for letter",
    ),
    function("startsWith", Some(Kind::Text), &[Kind::Text], Kind::Bool, "whether the text begins with this"),
    function("endsWith", Some(Kind::Text), &[Kind::Text], Kind::Bool, "whether the text ends with this"),
    function(
        "mentions",
        Some(Kind::Text),
        &[Kind::Text],
        Kind::Bool,
        "whether the text has this in it, letter case aside",
    ),
    function("lower", Some(Kind::Text), &[], Kind::Text, "the text in lower case"),
    function(
        "matches",
        Some(Kind::Text),
        &[Kind::Text],
        Kind::Bool,
        "whether the regular expression is found in the text",
    ),
    function("size", Some(Kind::Any), &[], Kind::Number, "how many letters or entries there are"),
    function("size", None, &[Kind::Any], Kind::Number, "how many letters or entries there are"),
    function(
        "header",
        None,
        &[Kind::Text],
        Kind::Text,
        "the topmost header field of this name; empty where there is none",
    ),
    function("headers", None, &[Kind::Text], TEXTS, "all header fields of this name, topmost first"),
    function(
        "sent_to",
        None,
        &[Kind::Text],
        Kind::Bool,
        "whether the mail was addressed to this address, plus parts aside, as its own header fields say",
    ),
    function("int", None, &[Kind::Any], Kind::Number, "the number that a text says"),
    function("string", None, &[Kind::Any], Kind::Text, "a number as text"),
];
