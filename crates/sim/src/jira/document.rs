//! A rich text as it was given: a document of version 3 or wiki markup of version 2. Each is turned into the
//! other form when it is read through the other version, as Jira Cloud does.

use std::sync::Arc;

use serde_json::Value;

use super::{adf, html, wiki};

/// A description, an environment or a comment body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// Atlassian Document Format, already found valid.
    Adf(Arc<Value>),
    /// Wiki markup.
    Wiki(Arc<str>),
}

impl Document {
    /// As version 3 gives it.
    pub(crate) fn to_adf(&self) -> Value {
        match self {
            Self::Adf(value) => (**value).clone(),
            Self::Wiki(text) => wiki::read(text),
        }
    }

    /// As version 2 gives it.
    pub(crate) fn to_wiki(&self) -> String {
        match self {
            Self::Adf(value) => wiki::write(value),
            Self::Wiki(text) => text.to_string(),
        }
    }

    /// The words alone, for text search and change history.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Adf(value) => adf::text(value),
            Self::Wiki(text) => text.to_string(),
        }
    }

    /// As `renderedFields` and the issue page show it. `image` gives the address of a media id.
    pub(crate) fn to_html(&self, image: &dyn Fn(&str) -> Option<String>) -> String {
        match self {
            Self::Adf(value) => html::render(value, image),
            Self::Wiki(text) => html::render(&wiki::read(text), image),
        }
    }
}
