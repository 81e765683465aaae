//! FindItem: restrictions, order, pages.

use std::fmt::Write as _;

use super::answer::{Outcome, Part, Refusal};
use super::fields::{self, Worth};
use super::folders::range;
use super::shape::{Field, Shape, is_path};
use super::xml::Node;
use super::{Call, moment, show};
use crate::exchange::mailbox::{Folder, Message};

/// Most items of a call, and of one with a restriction.
const MOST: usize = 1_000;
const MOST_RESTRICTED: usize = 250;

/// How a value is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a value is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Other {
    Constant(String),
    Field(Field),
}

/// A restriction.
#[derive(Clone, Debug)]
pub(crate) enum Restriction {
    And(Vec<Restriction>),
    Or(Vec<Restriction>),
    Not(Box<Restriction>),
    Compare { field: Field, how: Comparison, with: Other },
    Contains { field: Field, mode: String, ignores_case: bool, text: String },
    Exists(Field),
}

fn unsupported() -> Refusal {
    Refusal::new("ErrorUnsupportedPathForQuery", "The property cannot be used with this type of restriction.")
}

impl Restriction {
    /// Reads a `Restriction`.
    pub(crate) fn read(node: &Node) -> Result<Self, Refusal> {
        let inside = node.children.first().ok_or_else(unsupported)?;
        Self::expression(inside)
    }

    fn expression(node: &Node) -> Result<Self, Refusal> {
        let several = || node.children.iter().map(Self::expression).collect::<Result<Vec<_>, _>>();
        let compare = |how: Comparison| -> Result<Self, Refusal> {
            let field = Field::among(node)?;
            let with = node
                .child("FieldURIOrConstant")
                .and_then(|other| other.children.first())
                .ok_or_else(unsupported)?;
            let with = if is_path(&with.name) {
                Other::Field(Field::read(with)?)
            } else {
                Other::Constant(with.attribute("Value").unwrap_or_default().to_owned())
            };
            Ok(Self::Compare { field, how, with })
        };
        match node.name.as_str() {
            "And" => several().map(Self::And),
            "Or" => several().map(Self::Or),
            "Not" => Ok(Self::Not(Box::new(Self::read(node)?))),
            "IsEqualTo" => compare(Comparison::Equal),
            "IsNotEqualTo" => compare(Comparison::NotEqual),
            "IsGreaterThan" => compare(Comparison::Greater),
            "IsGreaterThanOrEqualTo" => compare(Comparison::GreaterOrEqual),
            "IsLessThan" => compare(Comparison::Less),
            "IsLessThanOrEqualTo" => compare(Comparison::LessOrEqual),
            "Contains" => Ok(Self::Contains {
                field: Field::among(node)?,
                mode: node.attribute("ContainmentMode").unwrap_or("FullString").to_owned(),
                ignores_case: node
                    .attribute("ContainmentComparison")
                    .is_some_and(|text| text.contains("IgnoreCase") || text.starts_with("Loose")),
                text: node
                    .child("Constant")
                    .and_then(|constant| constant.attribute("Value"))
                    .unwrap_or_default()
                    .to_owned(),
            }),
            "Exists" => Field::among(node).map(Self::Exists),
            _ => Err(Refusal::new("ErrorUnsupportedQueryFilter", "The query filter is not supported.")),
        }
    }

    /// Whether something with these values is meant.
    pub(crate) fn matches(
        &self,
        worth: &dyn Fn(&Field) -> Result<Option<Worth>, ()>,
    ) -> Result<bool, Refusal> {
        let of = |field: &Field| worth(field).map_err(|()| unsupported());
        match self {
            Self::And(all) => {
                for one in all {
                    if !one.matches(worth)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(all) => {
                for one in all {
                    if one.matches(worth)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(inner) => Ok(!inner.matches(worth)?),
            Self::Exists(field) => Ok(of(field)?.is_some_and(|own| match own {
                Worth::Several(all) => !all.is_empty(),
                _ => true,
            })),
            Self::Compare { field, how, with } => {
                let own = of(field)?;
                let other = match with {
                    Other::Field(field) => of(field)?,
                    Other::Constant(text) => match &own {
                        Some(own) => Some(constant(own, text)?),
                        None => None,
                    },
                };
                Ok(compare(own.as_ref(), other.as_ref(), *how))
            }
            Self::Contains { field, mode, ignores_case, text } => {
                let texts = match of(field)? {
                    None => return Ok(false),
                    Some(Worth::Text(own)) => vec![own],
                    Some(Worth::Several(all)) => all,
                    Some(_) => {
                        return Err(Refusal::new(
                            "ErrorContainsFilterWrongType",
                            "The Contains filter can only be used for string properties.",
                        ));
                    }
                };
                Ok(texts.iter().any(|own| contains(own, text, mode, *ignores_case)))
            }
        }
    }
}

fn contains(own: &str, text: &str, mode: &str, ignores_case: bool) -> bool {
    let fold = |text: &str| if ignores_case { text.to_lowercase() } else { text.to_owned() };
    let (own, text) = (fold(own), fold(text));
    match mode {
        "Prefixed" => own.starts_with(&text),
        "Substring" => own.contains(&text),
        "PrefixOnWords" => own.split_whitespace().any(|word| word.starts_with(&text)),
        "ExactPhrase" => {
            let words: Vec<&str> = own.split_whitespace().collect();
            let wanted: Vec<&str> = text.split_whitespace().collect();
            !wanted.is_empty() && words.windows(wanted.len()).any(|window| window == wanted)
        }
        _ => own == text,
    }
}

/// A constant as a value of the same kind as another.
fn constant(own: &Worth, text: &str) -> Result<Worth, Refusal> {
    let wrong = || {
        Refusal::new(
            "ErrorInvalidValueForProperty",
            &format!("The specified value '{text}' is invalid for the property."),
        )
    };
    Ok(match own {
        Worth::Text(_) | Worth::Several(_) => Worth::Text(text.to_owned()),
        Worth::Number(_) => Worth::Number(match text {
            "Low" => 0,
            "Normal" => 1,
            "High" => 2,
            other => other.trim().parse().map_err(|_| wrong())?,
        }),
        Worth::Bool(_) => Worth::Bool(match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(wrong()),
        }),
        Worth::Time(_) => Worth::Time(moment(text.trim()).ok_or_else(wrong)?),
    })
}

fn compare(own: Option<&Worth>, other: Option<&Worth>, how: Comparison) -> bool {
    let (Some(own), Some(other)) = (own, other) else {
        return how == Comparison::NotEqual;
    };
    if let (Worth::Several(all), Worth::Text(text)) = (own, other) {
        let has = all.iter().any(|one| one.eq_ignore_ascii_case(text));
        return has == (how == Comparison::Equal);
    }
    let order = match (own, other) {
        // Exchange compares texts without letter case.
        (Worth::Text(own), Worth::Text(other)) => own.to_lowercase().cmp(&other.to_lowercase()),
        _ => own.cmp(other),
    };
    match how {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
    }
}

/// Reads a `SortOrder`: fields, and whether they descend.
fn order(node: &Node) -> Result<Vec<(Field, bool)>, Refusal> {
    node.children
        .iter()
        .map(|one| Ok((Field::among(one)?, one.attribute("Order") == Some("Descending"))))
        .collect()
}

/// FindItem.
pub(crate) fn find(call: &Call<'_>) -> Outcome {
    let shape = Shape::read(call.needed("ItemShape")?, true);
    let restriction = call.node.child("Restriction").map(Restriction::read).transpose();
    let order = call.node.child("SortOrder").map(order).transpose();
    let traversal = call.node.attribute("Traversal").unwrap_or("Shallow");
    let view = call.node.child("IndexedPageItemView");
    let unserved = call.node.children.iter().find(|child| {
        [
            "FractionalPageItemView",
            "SeekToConditionPageItemView",
            "CalendarView",
            "ContactsView",
            "GroupBy",
            "DistinguishedGroupBy",
            "QueryString",
        ]
        .contains(&child.name.as_str())
    });
    let one = |id: &Node| -> Part {
        let shape = shape.as_ref().map_err(Clone::clone)?;
        let restriction = restriction.as_ref().map_err(Clone::clone)?;
        let order = order.as_ref().map_err(Clone::clone)?;
        if let Some(unserved) = unserved {
            return Err(Refusal::new(
                "ErrorInvalidOperation",
                &format!("FindItem with {} is not supported.", unserved.name),
            ));
        }
        let (mailbox, place) = call.place(id)?;
        let store = mailbox.store();
        let folder = store.folders.get(&place.folder);
        let mut found: Vec<&Message> = Vec::new();
        if traversal == "Shallow" {
            let keys = folder.into_iter().flat_map(Folder::newest_first);
            for message in keys.filter_map(|key| store.messages.get(&key)) {
                let is_meant = match restriction {
                    Some(restriction) => {
                        restriction.matches(&|field| fields::worth(&store, message, field))?
                    }
                    None => true,
                };
                if is_meant {
                    found.push(message);
                }
            }
        }
        // Nothing says in which order items with equal values come: newest first, so that nobody relies on the other one.
        for (field, descends) in order.iter().flatten().rev() {
            let mut keyed = Vec::with_capacity(found.len());
            for message in found {
                let worth = fields::worth(&store, message, field).map_err(|()| {
                    Refusal::new(
                        "ErrorUnsupportedPathForSortGroup",
                        "The property cannot be used for sorting or grouping.",
                    )
                })?;
                keyed.push((worth, message));
            }
            keyed.sort_by(|(one, _), (other, _)| if *descends { other.cmp(one) } else { one.cmp(other) });
            found = keyed.into_iter().map(|(_, message)| message).collect();
        }
        if view.is_none() && found.len() > MOST {
            return Err(Refusal::new(
                "ErrorExceededFindCountLimit",
                "You have exceeded the maximum number of objects that can be returned for the find operation. Use paging to reduce the result size and try your request again.",
            ));
        }
        let most = if restriction.is_some() { MOST_RESTRICTED } else { MOST };
        let (from, to) = range(view, found.len(), if view.is_some() { most } else { MOST })?;
        let mut inside = String::new();
        for message in &found[from..to] {
            inside.push_str(&show::message(&store, message, shape)?);
        }
        let is_last = if view.and_then(|view| view.attribute("BasePoint")) == Some("End") {
            from == 0
        } else {
            to == found.len()
        };
        let mut out = String::from("<m:RootFolder");
        if view.is_some() {
            let _ = write!(out, " IndexedPagingOffset=\"{to}\"");
        }
        let _ = write!(
            out,
            " TotalItemsInView=\"{}\" IncludesLastItemInRange=\"{is_last}\"><t:Items>{inside}</t:Items></m:RootFolder>",
            found.len()
        );
        Ok(out)
    };
    Ok(call.batch("ParentFolderIds")?.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts compare without letter case, what is missing equals nothing.
    #[test]
    fn values_compare_as_exchange_compares_them() {
        let text = |text: &str| Worth::Text(text.to_owned());
        assert!(compare(Some(&text("A")), Some(&text("a")), Comparison::Equal));
        assert!(compare(None, Some(&text("a")), Comparison::NotEqual));
        assert!(!compare(None, Some(&text("a")), Comparison::Equal));
        let several = Worth::Several(vec!["Jira".to_owned()]);
        assert!(compare(Some(&several), Some(&text("jira")), Comparison::Equal));
        assert!(compare(Some(&Worth::Number(3)), Some(&Worth::Number(2)), Comparison::Greater));
    }

    /// The modes of containment.
    #[test]
    fn containment_has_modes() {
        assert!(contains("a printer on fire", "printer on", "ExactPhrase", false));
        assert!(contains("Printer", "print", "Prefixed", true));
        assert!(!contains("Printer", "print", "Prefixed", false));
        assert!(contains("the Printer", "Print", "PrefixOnWords", false));
        assert!(contains("x", "x", "FullString", false) && !contains("xy", "x", "FullString", false));
    }
}
