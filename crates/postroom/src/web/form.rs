//! Form fields: label, hint, and the error beside the field.

use askama::Template;
use askama::filters::HtmlSafe;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::tree::Twigs;

/// One answer among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is posted.
    pub value: String,
    /// What is read.
    pub label: String,
    /// A sentence under a radio button's label.
    pub hint: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    /// With a sentence that says what it means.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

/// How a field is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// One line, with the `type` of the input element: `text`, `email`, `url`, `date`, `password`.
    Line(&'static str),
    /// A drop-down list.
    Select(Vec<Choice>),
    /// Radio buttons.
    Radio(Vec<Choice>),
    /// Radio buttons in a tree.
    Tree(Twigs),
    /// A tick box; its value is `on`.
    Tick,
    /// Several lines; `true` for a secret, which is never shown again.
    Text(bool),
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/field.html")]
pub struct Field {
    /// The name that is posted; also the element's id.
    pub name: &'static str,
    /// The label.
    pub label: String,
    /// How it is filled in.
    pub control: Control,
    /// What is in it. Never set for a secret.
    pub value: String,
    /// What it is for.
    pub hint: String,
    /// What is wrong with it and how it is mended.
    pub error: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// For the browser: `username`, `new-password`, …
    pub autocomplete: &'static str,
    /// Shown while it is empty.
    pub placeholder: &'static str,
    /// For one line: what can be picked in place of being written.
    pub proposals: Vec<String>,
}

impl HtmlSafe for Field {}

impl Field {
    fn new(name: &'static str, label: impl Into<String>, control: Control) -> Self {
        Self {
            name,
            label: label.into(),
            control,
            value: String::new(),
            hint: String::new(),
            error: String::new(),
            required: true,
            autocomplete: "off",
            placeholder: "",
            proposals: Vec::new(),
        }
    }

    /// One line of text.
    pub fn line(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Line("text"))
    }

    /// An address of a person.
    pub fn email(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Line("email"))
    }

    /// A web address.
    pub fn url(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Line("url"))
    }

    /// A day.
    pub fn date(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Line("date"))
    }

    /// A secret: written, never shown.
    pub fn secret(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Line("password"))
    }

    /// Several lines.
    pub fn text(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Text(false))
    }

    /// A secret of several lines: written, never shown.
    pub fn secret_text(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Text(true))
    }

    /// A drop-down list.
    pub fn select(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Control::Select(choices))
    }

    /// Radio buttons.
    pub fn radio(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Control::Radio(choices))
    }

    /// A tree to choose from.
    pub fn tree(name: &'static str, label: impl Into<String>, tree: Twigs) -> Self {
        Self::new(name, label, Control::Tree(tree))
    }

    /// A tick box.
    pub fn tick(name: &'static str, label: impl Into<String>) -> Self {
        Self { required: false, ..Self::new(name, label, Control::Tick) }
    }

    /// Filled in already. Does nothing for a secret.
    #[must_use]
    pub fn value(self, value: impl Into<String>) -> Self {
        if matches!(self.control, Control::Line("password") | Control::Text(true)) {
            return self;
        }
        Self { value: value.into(), ..self }
    }

    /// With a sentence on what it is for.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// With what is wrong.
    #[must_use]
    pub fn error(self, error: impl Into<String>) -> Self {
        Self { error: error.into(), ..self }
    }

    /// May stay empty.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// Tells the browser what belongs in it.
    #[must_use]
    pub fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    /// Shown while it is empty.
    #[must_use]
    pub fn placeholder(self, placeholder: &'static str) -> Self {
        Self { placeholder, ..self }
    }

    /// With what can be picked in place of being written.
    #[must_use]
    pub fn proposals(self, proposals: Vec<String>) -> Self {
        // Some browsers propose nothing at all in a field that is not to be completed.
        let autocomplete = if proposals.is_empty() { self.autocomplete } else { "on" };
        Self { autocomplete, proposals, ..self }
    }

    /// The ids of the elements that describe it.
    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        if !self.error.is_empty() {
            ids.push(format!("{}-error", self.name));
        }
        ids.join(" ")
    }
}

/// The fields of a form, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(path = "components/fields.html")]
pub struct Fields {
    /// What is wrong with the form as a whole; empty when nothing is.
    pub problem: String,
    /// The fields.
    pub fields: Vec<Field>,
}

impl HtmlSafe for Fields {}

impl Fields {
    /// Fields without a problem.
    pub fn new(fields: Vec<Field>) -> Self {
        Self { problem: String::new(), fields }
    }

    /// Puts an error beside the field of that name, or above all where there is none.
    pub fn fail(&mut self, name: &str, error: impl Into<String>) {
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.error = error.into(),
            None => self.problem = error.into(),
        }
    }

    /// Whether anything is wrong.
    pub fn failed(&self) -> bool {
        !self.problem.is_empty() || self.fields.iter().any(|field| !field.error.is_empty())
    }

    /// The fields with an error.
    fn wrong(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.error.is_empty())
    }
}

/// Reads a secret field of a form: `#[serde(default, deserialize_with = "secret")]`.
pub fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: an error stands beside its field, is tied to it, and is summed up above.
    #[test]
    fn errors_are_beside_their_field_and_above() {
        let mut fields = Fields::new(vec![Field::email("email", "Email").hint("Used to sign in.")]);
        fields.fail("email", "This is no address: write name@company.com.");
        let html = fields.to_string();
        assert!(html.contains("aria-describedby=\"email-hint email-error\""), "{html}");
        assert!(html.contains("href=\"#email\""), "{html}");
        assert!(fields.failed());
    }

    /// Promise: what can be picked stands beside the field, tied to it; without anything there is no empty list.
    #[test]
    fn proposals_are_tied_to_their_field() {
        let field = Field::email("mailbox", "Mailbox");
        assert!(!field.clone().proposals(Vec::new()).to_string().contains("list"));
        let html = field.proposals(vec!["a&b@contoso.test".to_owned()]).to_string();
        assert!(
            html.contains("list=\"mailbox-list\"") && html.contains("<datalist id=\"mailbox-list\">"),
            "{html}"
        );
        assert!(html.contains("a&#38;b@contoso.test") && html.contains("autocomplete=\"on\""), "{html}");
    }

    /// Promise: a secret never comes back in a page.
    #[test]
    fn secrets_are_not_shown_again() {
        let html = Field::secret("token", "Token").value("canary").to_string();
        assert!(!html.contains("canary"));
        let html = Field::secret_text("key", "Key").value("canary").to_string();
        assert!(html.contains("<textarea") && !html.contains("canary"), "{html}");
    }
}
