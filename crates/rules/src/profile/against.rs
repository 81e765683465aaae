//! What a rule sets, held against what is known of a project: the part of it that can be known before a mail comes.

use super::Sets;
use crate::facts::{IssueType, Project};
use crate::fields;
use crate::template::Template;

impl Sets {
    /// What the project would not take, in words; `None` where nothing is known against it. `wanted` is the issue type that the
    /// rule names, `otherwise` the source's own. Values that are made from the mail are not known yet; their fields are.
    pub fn refused_by(&self, project: &Project, wanted: Option<&str>, otherwise: &str) -> Option<String> {
        let named = |name: &str| {
            project
                .issue_types
                .iter()
                .find(|kind| kind.id == name || kind.name.to_lowercase() == name.to_lowercase())
        };
        let kind: &IssueType = match wanted {
            Some(wanted) => match named(wanted) {
                Some(kind) => kind,
                None => {
                    let known: Vec<String> =
                        project.issue_types.iter().map(|kind| format!("`{}`", kind.name)).collect();
                    return Some(format!(
                        "{} has no issue type `{wanted}`; it has {}",
                        project.key,
                        known.join(", ")
                    ));
                }
            },
            None => named(otherwise).or(project.issue_types.first())?,
        };
        // Only the fields of one type are asked for; another one's are not known.
        if kind.fields.is_empty() {
            return None;
        }
        let own = [("priority", &self.priority), ("security", &self.security_level)];
        let single =
            own.into_iter().filter_map(|(field, value)| Some((field, std::slice::from_ref(value.as_ref()?))));
        let lists = [("labels", &self.labels), ("components", &self.components)];
        let lists = lists
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(field, values)| (field, &values[..]));
        let others = self.fields.iter().map(|(field, value)| (field.as_str(), std::slice::from_ref(value)));
        single.chain(lists).chain(others).find_map(|(field, values)| against(kind, field, values))
    }
}

fn against(kind: &IssueType, field: &str, values: &[Template]) -> Option<String> {
    let plain: Option<Vec<String>> =
        values.iter().map(|value| value.is_plain().then(|| value.source().trim().to_owned())).collect();
    match plain {
        Some(values) => fields::set(&kind.fields, field, &values).err(),
        None => fields::find(&kind.fields, field).err(),
    }
}
