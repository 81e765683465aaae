//! A tree to choose from: radio buttons, each with what lies inside it folded away. It needs no script: the arrow keys walk through the
//! buttons that are unfolded, and Enter on *n inside* unfolds.

use askama::Template;
use askama::filters::HtmlSafe;

/// One thing that can be chosen, with those inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// What is posted.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Beside the label, more quietly: numbers.
    pub note: String,
    /// A sentence under the label.
    pub hint: String,
    /// Whether it is unfolded from the beginning.
    pub is_open: bool,
    /// What lies inside.
    pub inside: Twigs,
}

/// What lies side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Twigs {
    /// Those that are shown.
    pub shown: Vec<Branch>,
    /// How many there are besides.
    pub more: usize,
}

impl Twigs {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.more == 0
    }

    /// How many there are, shown or not.
    pub fn count(&self) -> usize {
        self.shown.len() + self.more
    }

    /// The list as a part of the field `name`. `place` makes ids that are not given twice.
    pub fn list<'a>(&'a self, name: &'a str, chosen: &'a str, place: &str) -> TreeList<'a> {
        TreeList { name, chosen, place: place.to_owned(), twigs: self }
    }
}

/// A level of a tree, with the levels below it.
#[derive(Debug, Template)]
#[template(path = "components/tree.html")]
pub struct TreeList<'a> {
    name: &'a str,
    chosen: &'a str,
    place: String,
    twigs: &'a Twigs,
}

impl HtmlSafe for TreeList<'_> {}

#[cfg(test)]
mod tests {
    use crate::web::form::Field;

    use super::*;

    fn leaf(value: &str) -> Branch {
        Branch { value: value.to_owned(), label: value.to_uppercase(), ..Branch::default() }
    }

    /// Promise: a tree is one group of radio buttons with the chosen one checked and unfolded, each with a label of its own; what is
    /// left out is counted; names from a mailbox are no markup.
    #[test]
    fn a_tree_is_a_group_of_radio_buttons() {
        let evil = Branch { label: "<b>&\"".to_owned(), ..leaf("evil\"") };
        let inside = Twigs { shown: vec![leaf("b"), evil], more: 7 };
        let root = Branch { inside, is_open: true, note: "3 mails".to_owned(), ..leaf("a") };
        let tree = Twigs { shown: vec![root, leaf("c")], more: 0 };
        let html = Field::tree("folder", "Folder", tree).value("b").error("Wrong.").to_string();
        assert_eq!(html.matches("type=\"radio\"").count(), 4, "{html}");
        assert_eq!(html.matches(" checked").count(), 1, "{html}");
        assert!(html.contains("value=\"b\" checked"), "{html}");
        assert!(html.contains("<details open>") && html.contains("9 inside"), "{html}");
        assert!(html.contains("7 more"), "{html}");
        assert!(html.contains("3 mails") && html.contains("aria-describedby=\"folder-error\""), "{html}");
        assert!(!html.contains("<b>") && !html.contains("evil\"\""), "{html}");
        let mut ids: Vec<&str> =
            html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{html}");
        for id in ids.iter().filter(|id| id.starts_with("folder-at")) {
            assert!(html.contains(&format!("for=\"{id}\"")), "{id}: {html}");
        }
    }
}
