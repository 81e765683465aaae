//! From [`Query`] to [`Condition`]: fields and values are looked up, and what does not exist is refused.

use jiff::Timestamp;

use super::super::settings::JiraUser;
use super::super::site::{Directory, PRIORITIES, Site, Status};
use super::dates::{self, Moment};
use super::{Condition, Expression, Field, MomentField, Operand, Operator, TextField, Words};

/// What names are looked up in.
pub(crate) struct Scope<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) site: &'a Site,
    pub(crate) caller: &'a JiraUser,
    pub(crate) now: Timestamp,
}

/// Looks up everything in an expression. The fault is Jira's message.
pub(crate) fn resolve(expression: &Expression, scope: &Scope<'_>) -> Result<Condition, String> {
    let all =
        |parts: &[Expression]| parts.iter().map(|part| resolve(part, scope)).collect::<Result<Vec<_>, _>>();
    Ok(match expression {
        Expression::All(parts) => Condition::All(all(parts)?),
        Expression::Any(parts) => Condition::Any(all(parts)?),
        Expression::Not(inner) => Condition::Not(Box::new(resolve(inner, scope)?)),
        Expression::Clause { field, operator, operand } => clause(field, *operator, operand, scope)?,
    })
}

enum Known {
    Identity(Field),
    Moment(MomentField),
    Text(TextField),
}

fn known(field: &str) -> Option<Known> {
    Some(match field.to_ascii_lowercase().as_str() {
        "key" | "issuekey" | "issue" | "id" => Known::Identity(Field::Id),
        "project" => Known::Identity(Field::Project),
        "issuetype" | "type" => Known::Identity(Field::IssueType),
        "status" => Known::Identity(Field::Status),
        "statuscategory" => Known::Identity(Field::StatusCategory),
        "priority" => Known::Identity(Field::Priority),
        "labels" => Known::Identity(Field::Label),
        "creator" => Known::Identity(Field::Creator),
        "reporter" => Known::Identity(Field::Reporter),
        "assignee" => Known::Identity(Field::Assignee),
        "watcher" => Known::Identity(Field::Watcher),
        "resolution" => Known::Identity(Field::Resolution),
        "attachments" => Known::Identity(Field::Attachment),
        "created" | "createddate" => Known::Moment(MomentField::Created),
        "updated" | "updateddate" => Known::Moment(MomentField::Updated),
        "resolved" | "resolutiondate" => Known::Moment(MomentField::Resolved),
        "due" | "duedate" => Known::Moment(MomentField::Due),
        "summary" => Known::Text(TextField::Summary),
        "description" => Known::Text(TextField::Description),
        "environment" => Known::Text(TextField::Environment),
        "comment" => Known::Text(TextField::Comment),
        "text" | "textfields" => Known::Text(TextField::Any),
        _ => return None,
    })
}

/// Whether a field can be ordered by.
pub(crate) fn can_order(field: &str) -> bool {
    known(field).is_some_and(|known| {
        !matches!(
            known,
            Known::Text(TextField::Any | TextField::Comment)
                | Known::Identity(Field::Attachment | Field::Watcher)
        )
    })
}

/// Jira's message about an unknown field.
pub(crate) fn no_field(field: &str) -> String {
    format!("Field '{field}' does not exist or you do not have permission to view it.")
}

fn clause(
    field: &str,
    operator: Operator,
    operand: &Operand,
    scope: &Scope<'_>,
) -> Result<Condition, String> {
    let unsupported =
        || format!("The operator '{}' is not supported by the '{field}' field.", operator.as_str());
    match known(field).ok_or_else(|| no_field(field))? {
        Known::Text(which) => text(which, field, operator, operand).ok_or_else(unsupported)?,
        Known::Moment(which) => moment(which, field, operator, operand, scope).ok_or_else(unsupported)?,
        Known::Identity(which) => {
            let negate = |condition| Condition::Not(Box::new(condition));
            match operator {
                Operator::Is | Operator::Equals if *operand == Operand::Empty => empty(which, field),
                Operator::IsNot | Operator::Differs if *operand == Operand::Empty => {
                    empty(which, field).map(negate)
                }
                Operator::Equals | Operator::In => one_of(which, field, operand, scope),
                // An issue without a value answers neither `=` nor `!=`.
                Operator::Differs | Operator::NotIn => Ok(Condition::All(vec![
                    negate(one_of(which, field, operand, scope)?),
                    negate(Condition::Empty(which)),
                ])),
                Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
                    if which == Field::Id =>
                {
                    number(field, operator, operand, scope)
                }
                _ => Err(unsupported()),
            }
        }
    }
}

fn empty(which: Field, field: &str) -> Result<Condition, String> {
    if which == Field::Id {
        return Err(format!("The field '{field}' does not support searching for EMPTY values."));
    }
    Ok(Condition::Empty(which))
}

fn one_of(which: Field, field: &str, operand: &Operand, scope: &Scope<'_>) -> Result<Condition, String> {
    let single = std::slice::from_ref(operand);
    let values = match operand {
        Operand::List(values) => values.as_slice(),
        _ => single,
    };
    let mut wanted = Vec::new();
    let mut or_empty = false;
    for value in values {
        match value {
            Operand::Empty => or_empty = true,
            Operand::List(_) => return Err(format!("The field '{field}' does not support nested lists.")),
            Operand::Function(name, _) if is_person(which) && name.eq_ignore_ascii_case("currentUser") => {
                wanted.push(scope.caller.account_id.clone());
            }
            Operand::Function(name, arguments) => {
                return Err(format!("Unable to find JQL function '{name}({})'.", arguments.join(", ")));
            }
            Operand::Text(text) => wanted.extend(value_of(which, field, text, scope)?),
        }
    }
    let condition = Condition::OneOf(which, wanted);
    Ok(if or_empty { Condition::Any(vec![condition, Condition::Empty(which)]) } else { condition })
}

fn is_person(which: Field) -> bool {
    matches!(which, Field::Creator | Field::Reporter | Field::Assignee | Field::Watcher)
}

/// The values that a text stands for: ids, as the issue holds them.
fn value_of(which: Field, field: &str, text: &str, scope: &Scope<'_>) -> Result<Vec<String>, String> {
    let missing = || format!("The value '{text}' does not exist for the field '{field}'.");
    let same = |other: &str| other.eq_ignore_ascii_case(text);
    Ok(match which {
        Field::Id => match scope.site.find(text) {
            Some(issue) => vec![issue.id.to_string()],
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(format!("A value with ID '{text}' does not exist for the field '{field}'."));
            }
            None if is_key(text) => {
                return Err(format!("An issue with key '{text}' does not exist for field '{field}'."));
            }
            None => return Err(format!("The issue key '{text}' for field '{field}' is invalid.")),
        },
        Field::Project => {
            let by_name = || scope.directory.projects.iter().find(|project| same(&project.name));
            let project = scope.directory.project(text).or_else(by_name).ok_or_else(missing)?;
            vec![project.id.to_string()]
        }
        Field::IssueType => {
            let types = scope.directory.projects.iter().flat_map(|project| &project.issue_types);
            let found: Vec<String> = types
                .filter(|kind| kind.id == text || same(&kind.name))
                .map(|kind| kind.id.clone())
                .collect();
            if found.is_empty() {
                return Err(missing());
            }
            found
        }
        Field::Status => {
            let found = Status::ALL.iter().find(|status| status.id() == text || same(status.name()));
            vec![found.ok_or_else(missing)?.id().to_owned()]
        }
        Field::StatusCategory => {
            let found = Status::ALL.iter().find(|status| {
                let (id, key, _, name) = status.category();
                id.to_string() == text || same(key) || same(name)
            });
            vec![found.ok_or_else(missing)?.category().0.to_string()]
        }
        Field::Priority => {
            let found = PRIORITIES.iter().find(|(id, name)| *id == text || same(name));
            vec![found.ok_or_else(missing)?.0.to_owned()]
        }
        Field::Resolution if same("unresolved") => return Ok(vec!["unresolved".to_owned()]),
        Field::Resolution if text == "10000" || same("done") => vec!["10000".to_owned()],
        Field::Label => vec![text.to_lowercase()],
        Field::Creator | Field::Reporter | Field::Assignee | Field::Watcher => {
            let found = scope.directory.users.iter().find(|user| {
                user.account_id == text
                    || same(&user.display_name)
                    || (!user.hides_email && same(&user.email))
            });
            vec![found.ok_or_else(missing)?.account_id.clone()]
        }
        Field::Resolution | Field::Description | Field::Environment | Field::Attachment | Field::Comment => {
            return Err(missing());
        }
    })
}

fn is_key(text: &str) -> bool {
    text.split_once('-').is_some_and(|(project, number)| {
        project.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
            && project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `key > SUP-3`, `id >= 10010`: by the id, which grows with the key.
fn number(
    field: &str,
    operator: Operator,
    operand: &Operand,
    scope: &Scope<'_>,
) -> Result<Condition, String> {
    let Operand::Text(text) = operand else {
        return Err(format!("The operator '{}' of the field '{field}' takes one value.", operator.as_str()));
    };
    let id = match text.parse::<u64>() {
        Ok(id) => id,
        Err(_) => {
            value_of(Field::Id, field, text, scope)?.first().and_then(|id| id.parse().ok()).unwrap_or(0)
        }
    };
    Ok(match operator {
        Operator::Less => Condition::Number(None, Some(id.saturating_sub(1))),
        Operator::LessOrEqual => Condition::Number(None, Some(id)),
        Operator::Greater => Condition::Number(Some(id.saturating_add(1)), None),
        _ => Condition::Number(Some(id), None),
    })
}

fn moment(
    which: MomentField,
    field: &str,
    operator: Operator,
    operand: &Operand,
    scope: &Scope<'_>,
) -> Option<Result<Condition, String>> {
    let never = Condition::Not(Box::new(Condition::Moment(which, None, None)));
    let read = |operand: &Operand| {
        match operand {
        Operand::Text(text) => dates::read(text, scope.now).ok_or_else(|| {
            format!(
                "Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', \
                 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
            )
        }),
        Operand::Function(name, arguments) => dates::function(name, arguments, scope.now)
            .ok_or_else(|| format!("Unable to find JQL function '{name}({})'.", arguments.join(", "))),
        _ => Err(format!("The field '{field}' takes a date.")),
    }
    };
    let exactly = |moment: Moment| {
        let wide = moment.wide.max(jiff::SignedDuration::from_millis(1));
        Condition::Moment(which, Some(moment.at), moment.at.checked_add(wide).ok())
    };
    let negate = |condition| Condition::Not(Box::new(condition));
    Some(match (operator, operand) {
        (Operator::Is | Operator::Equals, Operand::Empty) => Ok(never),
        (Operator::IsNot | Operator::Differs, Operand::Empty) => Ok(Condition::Moment(which, None, None)),
        (Operator::Equals, operand) => read(operand).map(exactly),
        (Operator::Differs, operand) => read(operand).map(|moment| negate(exactly(moment))),
        (Operator::Less, operand) => {
            read(operand).map(|moment| Condition::Moment(which, None, Some(moment.at)))
        }
        (Operator::LessOrEqual, operand) => read(operand).map(|moment| {
            let past = moment.at.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(moment.at);
            Condition::Moment(which, None, Some(past))
        }),
        (Operator::Greater, operand) => read(operand).map(|moment| {
            let past = moment.at.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(moment.at);
            Condition::Moment(which, Some(past), None)
        }),
        (Operator::GreaterOrEqual, operand) => {
            read(operand).map(|moment| Condition::Moment(which, Some(moment.at), None))
        }
        (Operator::In | Operator::NotIn, Operand::List(values)) => {
            let parts = values.iter().map(|value| read(value).map(exactly)).collect::<Result<Vec<_>, _>>();
            parts.map(|parts| {
                let any = Condition::Any(parts);
                if operator == Operator::In { any } else { negate(any) }
            })
        }
        _ => return None,
    })
}

fn text(
    which: TextField,
    field: &str,
    operator: Operator,
    operand: &Operand,
) -> Option<Result<Condition, String>> {
    let identity = match which {
        TextField::Description => Some(Field::Description),
        TextField::Environment => Some(Field::Environment),
        TextField::Comment => Some(Field::Comment),
        TextField::Summary | TextField::Any => None,
    };
    let negate = |condition| Condition::Not(Box::new(condition));
    match (operator, operand) {
        (Operator::Contains | Operator::ContainsNot, Operand::Text(text)) => {
            let phrases = phrases(text);
            if phrases.is_empty() {
                let message = format!("The field '{field}' does not support searching for an empty string.");
                return Some(Err(message));
            }
            let condition = Condition::Text(which, phrases);
            Some(Ok(if operator == Operator::Contains { condition } else { negate(condition) }))
        }
        (Operator::Is, Operand::Empty) => identity.map(|field| Ok(Condition::Empty(field))),
        (Operator::IsNot, Operand::Empty) => identity.map(|field| Ok(negate(Condition::Empty(field)))),
        _ => None,
    }
}

/// The words of a text search: `"a phrase"` in quotes stays together, `begin*` is a beginning.
fn phrases(text: &str) -> Vec<Words> {
    let mut phrases = Vec::new();
    for (position, part) in text.split('"').enumerate() {
        if position % 2 == 1 {
            let words = words(part);
            if !words.is_empty() {
                phrases.push(Words { words, is_prefix: false });
            }
            continue;
        }
        for word in part.split_whitespace() {
            let parts = words(word);
            if !parts.is_empty() {
                phrases.push(Words { words: parts, is_prefix: word.ends_with('*') });
            }
        }
    }
    phrases
}

/// The words of a text as the index keeps them: letters and digits, in small letters.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
