//! Values with placeholders: `{{ mail.subject }}`. MiniJinja, strict, with fuel, without anything that reads from outside.
//!
//! A mail is data here, never a template: what it says is put in and not looked at again.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use crate::condition::Flaw;
use crate::condition::nearest;
use crate::view::View;
use crate::vocabulary::{Kind, VARIABLES};

/// Steps of one value.
const FUEL: u64 = 20_000;
/// Bytes of one value, made.
const LENGTH: usize = 32 << 10;
/// Bytes that a value may be written in.
const SOURCE: usize = 16 << 10;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(engine);

fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(32);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine
}

/// A value that is made anew for each mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
}

impl Template {
    /// Checks a value as it was written.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(source: &str) -> Result<Self, Vec<Flaw>> {
        if source.len() > SOURCE {
            return Err(vec![Flaw {
                line: 1,
                column: 1,
                what: format!("the value is {} bytes long; at most {SOURCE} are read", source.len()),
                mend: "Make it shorter".to_owned(),
            }]);
        }
        let template = ENGINE.template_from_str(source).map_err(|error| vec![flaw(source, &error)])?;
        let flaws: Vec<Flaw> = template
            .undeclared_variables(true)
            .into_iter()
            .filter_map(|name| unknown(source, &name))
            .collect();
        if flaws.is_empty() { Ok(Self { source: source.to_owned() }) } else { Err(flaws) }
    }

    /// A value without placeholders.
    pub fn is_plain(&self) -> bool {
        !self.source.contains("{{") && !self.source.contains("{%") && !self.source.contains("{#")
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The value for a mail, white space around it cut.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn fill(&self, view: &View) -> Result<String, String> {
        if self.is_plain() {
            return Ok(self.source.trim().to_owned());
        }
        let made = ENGINE
            .template_from_str(&self.source)
            .and_then(|template| template.render(minijinja::Value::from(minijinja::value::Serde(view))))
            .map_err(|error| in_words(&error))?;
        if made.len() > LENGTH {
            return Err(format!("it becomes {} bytes long; at most {LENGTH} are taken", made.len()));
        }
        Ok(made.trim().to_owned())
    }
}

fn flaw(source: &str, error: &minijinja::Error) -> Flaw {
    let line = error.line().unwrap_or(1);
    let column = error.range().map_or(1, |range| crate::condition::place(source, range.start).1);
    Flaw {
        line,
        column,
        what: format!("this value cannot be read: {}", in_words(error)),
        mend: "Placeholders look like `{{ mail.subject }}`".to_owned(),
    }
}

fn in_words(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps; a loop inside a loop is too much here".to_owned(),
        ErrorKind::UndefinedError => {
            format!(
                "it names something that is not there{}",
                error.detail().map(|d| format!(" ({d})")).unwrap_or_default()
            )
        }
        _ => error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
    }
}

/// A flaw, if nothing has this dotted name.
fn unknown(source: &str, dotted: &str) -> Option<Flaw> {
    let mut names = VARIABLES;
    let mut parts = dotted.split('.');
    let mut whole = String::new();
    loop {
        let part = parts.next()?;
        match names.iter().find(|known| known.name == part) {
            Some(known) => match known.kind {
                Kind::Object(fields) => {
                    names = fields;
                    whole = format!("{whole}{part}.");
                }
                // Filters and indexes are looked at when the value is made.
                _ => return None,
            },
            None => {
                // What a macro or a loop of the template binds is not listed; the functions of the engine are.
                if whole.is_empty() && ENGINE.globals().any(|(name, _)| name == part) {
                    return None;
                }
                let at = source.find(dotted).unwrap_or(0);
                let (line, column) = crate::condition::place(source, at);
                let mend = nearest(part, names.iter().map(|known| known.name)).map_or_else(
                    || {
                        let known: Vec<String> =
                            names.iter().map(|known| format!("`{whole}{}`", known.name)).collect();
                        format!("Known are {}", known.join(", "))
                    },
                    |near| format!("Did you mean `{whole}{near}`?"),
                );
                return Some(Flaw { line, column, what: format!("nothing is called `{whole}{part}`"), mend });
            }
        }
    }
}
