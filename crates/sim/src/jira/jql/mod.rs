//! The query language of the search, the subset that people use.
//!
//! `read` turns text into a [`Query`]; `resolve` looks names up (projects, users, issues) and refuses what
//! does not exist, as Jira does; `fit` says whether an issue answers the query. Faults are texts for
//! `errorMessages`, always with status 400.

mod dates;
mod fit;
mod read;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use fit::{candidates, fits, sort};
pub(crate) use read::read;
pub(crate) use resolve::{Scope, resolve};

use jiff::Timestamp;

/// A query as read, before names are looked up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) filter: Option<Expression>,
    pub(crate) order: Vec<(String, bool)>,
}

/// A condition as read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Clause { field: String, operator: Operator, operand: Operand },
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    Differs,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    ContainsNot,
    In,
    NotIn,
    Is,
    IsNot,
}

impl Operator {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::Differs => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "~",
            Self::ContainsNot => "!~",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Is => "is",
            Self::IsNot => "is not",
        }
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Text(String),
    Empty,
    Function(String, Vec<String>),
    List(Vec<Operand>),
}

/// A condition with every name looked up.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// The field's value is one of these, compared without case for labels only.
    OneOf(Field, Vec<String>),
    /// The field has no value.
    Empty(Field),
    /// The field is a moment within `[from, to)`.
    Moment(MomentField, Option<Timestamp>, Option<Timestamp>),
    /// A number of the issue is within `[from, to]`.
    Number(Option<u64>, Option<u64>),
    /// The text contains the words.
    Text(TextField, Vec<Words>),
}

/// A field compared by identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Project,
    IssueType,
    Status,
    StatusCategory,
    Priority,
    Label,
    Creator,
    Reporter,
    Assignee,
    Watcher,
    Resolution,
    Description,
    Environment,
    Attachment,
    Comment,
}

/// A field that is a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MomentField {
    Created,
    Updated,
    Resolved,
    Due,
}

/// A field searched by words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextField {
    Summary,
    Description,
    Environment,
    Comment,
    Any,
}

/// Words that must stand one after another; the last may be a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) words: Vec<String>,
    pub(crate) is_prefix: bool,
}
