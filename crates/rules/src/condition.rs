//! The condition of a rule: a CEL expression over a mail.
//!
//! Begin with [`Condition::compile`]. A condition is checked when it is saved: names, types and regular expressions
//! ([`check`]), and what it may cost at most, so that it ends soon whatever the mail. It is evaluated by the `cel` crate,
//! which has no fuel of its own; hence the bound is counted over the expression before it runs.

mod check;
mod depth;

#[cfg(test)]
mod tests;

pub(crate) use check::nearest;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::extractors::This;
use cel::{Context, Env, Program, Value};
use regex::Regex;

use crate::view::View;

/// Bytes that a condition may be long.
const LENGTH: usize = 4 << 10;
/// How deep a condition may nest: what walks over it recurses.
const DEPTH: usize = 120;
/// Bytes of stack for the parser; only what is used of it is ever touched.
const STACK: usize = 256 << 20;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Something in a condition or a template that cannot stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {mend}")]
pub struct Flaw {
    /// The line within the text, from 1.
    pub line: usize,
    /// The column in letters, from 1.
    pub column: usize,
    /// What is the matter.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

/// A condition that was checked.
#[derive(Debug)]
pub struct Condition {
    source: String,
    program: Program,
}

/// The regular expressions of a profile, by their text, compiled once.
pub type Patterns = HashMap<String, Regex>;

impl Condition {
    /// Checks and compiles a condition; its regular expressions go into `patterns`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(source: &str, patterns: &mut Patterns) -> Result<Self, Vec<Flaw>> {
        if source.len() > LENGTH {
            return Err(vec![Flaw {
                line: 1,
                column: 1,
                what: format!("the condition is {} bytes long; at most {LENGTH} are read", source.len()),
                mend: "Make two rules of it".to_owned(),
            }]);
        }
        let program = parse(source)?;
        let flaws = check::check(&program, patterns);
        if flaws.is_empty() { Ok(Self { source: source.to_owned(), program }) } else { Err(flaws) }
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it holds for a mail.
    ///
    /// # Errors
    /// What went wrong, in words, where the mail has not what the condition asks for (an entry of a list that is not there,
    /// a text that is no number).
    pub fn holds(&self, mail: &Evaluation) -> Result<bool, String> {
        match self.program.execute(&mail.context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("the condition gives neither yes nor no".to_owned()),
            Err(error) => Err(in_words(&error)),
        }
    }
}

/// Parses on a thread with room for the deepest text of [`LENGTH`] bytes: the parser recurses several frames for each bracket
/// and sign, and what is too deep must also be dropped there.
fn parse(source: &str) -> Result<Program, Vec<Flaw>> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || parse_here(source))
            .map_err(|error| vec![unreadable(&format!("it could not be read just now: {error}"))])?
            .join()
            .unwrap_or_else(|_| Err(vec![unreadable("this is no condition: the parser gave up")]))
    })
}

fn unreadable(what: &str) -> Flaw {
    Flaw { line: 1, column: 1, what: what.to_owned(), mend: "Write it in another way".to_owned() }
}

fn parse_here(source: &str) -> Result<Program, Vec<Flaw>> {
    let program = ENV.compile(source).map_err(|errors| {
        errors
            .errors
            .iter()
            .map(|error| Flaw {
                line: usize::try_from(error.pos.0).unwrap_or(1).max(1),
                column: usize::try_from(error.pos.1).unwrap_or(1).max(1),
                what: format!("this is no condition: {}", first_line(&error.msg)),
                mend: "Write it as in `mail.subject.contains(\"invoice\") && mail.from.domain == \"example.com\"`"
                    .to_owned(),
            })
            .collect::<Vec<Flaw>>()
    })?;
    if depth::of(program.expression()) > DEPTH {
        return Err(vec![Flaw {
            what: format!("the condition is nested more than {DEPTH} deep"),
            mend: "Make two rules of it".to_owned(),
            ..unreadable("")
        }]);
    }
    Ok(program)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().trim_end_matches('.').chars().take(200).collect()
}

/// Line and column (in letters, from 1) of a byte offset.
pub(crate) fn place(source: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let before = &source[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn in_words(error: &cel::ExecutionError) -> String {
    match error {
        cel::ExecutionError::NoSuchKey(name) => format!("there is no `{name}`"),
        cel::ExecutionError::IndexOutOfBounds(_) => "the list has no entry of that number".to_owned(),
        cel::ExecutionError::DivisionByZero(_) | cel::ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        // The library's words carry values of the mail: shortened, for a trace is read by people.
        other => other.to_string().chars().take(160).collect(),
    }
}

/// A mail, ready for any number of conditions.
pub struct Evaluation {
    context: Context<'static, 'static>,
}

impl Evaluation {
    /// Makes a mail ready for the conditions whose patterns are these.
    pub fn of(view: &View, patterns: &Arc<Patterns>) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENV));
        let values = cel::to_value(view).unwrap_or(Value::Null);
        if let Value::Map(fields) = values {
            for (name, value) in fields.map.iter() {
                if let cel::objects::Key::String(name) = name {
                    context.add_variable_from_value(name.as_str(), value.clone());
                }
            }
        }
        functions(&mut context, view, patterns);
        Self { context }
    }
}

/// Adds our own functions. Their names are none of the standard library's, so nothing can refuse them.
fn functions(context: &mut Context<'static, 'static>, view: &View, patterns: &Arc<Patterns>) {
    type Text = Arc<String>;
    let _ = context.add_function("mentions", |This(text): This<Text>, wanted: Text| {
        text.to_lowercase().contains(&wanted.to_lowercase())
    });
    let _ = context.add_function("lower", |This(text): This<Text>| Arc::new(text.to_lowercase()));
    let known = Arc::clone(patterns);
    let _ = context.add_function("matches", move |This(text): This<Text>, pattern: Text| {
        known.get(pattern.as_str()).is_some_and(|pattern| pattern.is_match(&text))
    });
    let fields = Arc::clone(&view.headers);
    let _ = context.add_function("header", move |name: Text| {
        let name = name.to_ascii_lowercase();
        let found = fields.iter().find(|(field, _)| *field == name);
        Arc::new(found.map(|(_, value)| value.clone()).unwrap_or_default())
    });
    let fields = Arc::clone(&view.headers);
    let _ = context.add_function("headers", move |name: Text| {
        let name = name.to_ascii_lowercase();
        let found = fields.iter().filter(|(field, _)| *field == name).take(crate::view::ENTRIES);
        Value::List(Arc::new(found.map(|(_, value)| Value::String(Arc::new(value.clone()))).collect()))
    });
    let addressed = Arc::clone(&view.addressed);
    let _ = context.add_function("sent_to", move |address: Text| {
        let wanted = address.trim().to_lowercase();
        addressed.contains(&wanted)
    });
}
