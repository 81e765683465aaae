//! What is wrong with a condition, found before any mail comes: names, types, regular expressions, and cost.

use std::collections::HashSet;

use cel::Program;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};
use regex::RegexBuilder;

use super::{Flaw, Patterns, place};
use crate::view::ENTRIES;
use crate::vocabulary::{FUNCTIONS, Function, Kind, Name, VARIABLES};

/// Steps that a condition may take at most, whatever the mail: a step is one node of the expression, once. On one core this is
/// about a tenth of a second.
const STEPS: u64 = 1_000_000;
/// What a function of a text costs in steps: the text may be 256 KiB long.
const TEXT_STEPS: u64 = 50;
/// Bytes of a compiled regular expression.
const PATTERN: usize = 1 << 20;

/// Everything that is wrong with a program; its regular expressions go into `patterns`.
pub(super) fn check(program: &Program, patterns: &mut Patterns) -> Vec<Flaw> {
    let mut checker = Checker { program, patterns, flaws: Vec::new(), scope: Vec::new() };
    let (kind, steps) = checker.look(program.expression());
    if checker.flaws.is_empty() && !matches!(kind, Kind::Bool | Kind::Any) {
        checker.flaw(
            program.expression().id,
            format!("the condition gives {}, not yes or no", kind.words()),
            "Compare it with something, as in `mail.subject == \"Hello\"`",
        );
    }
    if checker.flaws.is_empty() && steps > STEPS {
        checker.flaw(
            program.expression().id,
            format!("the condition could take {steps} steps for one mail; at most {STEPS} are allowed"),
            "Do not look through a list inside a list; make two rules of it",
        );
    }
    checker.flaws
}

struct Checker<'a> {
    program: &'a Program,
    patterns: &'a mut Patterns,
    flaws: Vec<Flaw>,
    /// Variables of macros, the innermost last.
    scope: Vec<(String, Kind)>,
}

impl Checker<'_> {
    fn flaw(&mut self, id: u64, what: impl Into<String>, mend: impl Into<String>) {
        let info = self.program.source_info();
        let at = info.offset_for(id).map_or(0, |(start, _)| start as usize);
        let (line, column) = place(&info.source, at);
        self.flaws.push(Flaw { line, column, what: what.into(), mend: mend.into() });
    }

    /// The type of an expression, and the steps it takes at most.
    fn look(&mut self, expression: &IdedExpr) -> (Kind, u64) {
        match &expression.expr {
            Expr::Literal(literal) => (literal_kind(literal), 1),
            Expr::Ident(name) => (self.variable(expression.id, name), 1),
            Expr::Select(select) => self.select(expression.id, select),
            Expr::Call(call) => self.call(expression.id, call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                let mut steps = 1;
                let mut kinds = Vec::new();
                for element in &list.elements {
                    let (kind, cost) = self.look(element);
                    kinds.push(kind);
                    steps += cost;
                }
                let same = kinds.windows(2).all(|pair| pair[0] == pair[1]);
                (
                    Kind::List(if same {
                        kinds.first().map_or(&Kind::Any, |kind| named(*kind))
                    } else {
                        &Kind::Any
                    }),
                    steps,
                )
            }
            Expr::Map(map) => {
                let mut steps = 1;
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            steps += self.look(&entry.key).1 + self.look(&entry.value).1;
                        }
                        EntryExpr::StructField(field) => steps += self.look(&field.value).1,
                    }
                }
                (Kind::Any, steps)
            }
            Expr::Struct(_) | Expr::Unspecified => {
                self.flaw(expression.id, "conditions know no types of their own", "Use the fields of `mail`");
                (Kind::Any, 1)
            }
        }
    }

    fn variable(&mut self, id: u64, name: &str) -> Kind {
        if let Some((_, kind)) = self.scope.iter().rev().find(|(bound, _)| bound == name) {
            return *kind;
        }
        if let Some(known) = VARIABLES.iter().find(|known| known.name == name) {
            return known.kind;
        }
        let mend = nearest(name, VARIABLES.iter().map(|known| known.name)).map_or_else(
            || format!("Known are {}", listed(VARIABLES)),
            |near| format!("Did you mean `{near}`?"),
        );
        let is_field = VARIABLES.iter().find(|known| matches!(known.kind, Kind::Object(fields) if fields.iter().any(|field| field.name == name)));
        let mend = is_field.map_or(mend, |owner| format!("Did you mean `{}.{name}`?", owner.name));
        self.flaw(id, format!("nothing is called `{name}`"), mend);
        Kind::Any
    }

    fn select(&mut self, id: u64, select: &SelectExpr) -> (Kind, u64) {
        let (kind, steps) = self.look(&select.operand);
        let found = match kind {
            Kind::Object(fields) => match fields.iter().find(|field| field.name == select.field) {
                Some(field) => field.kind,
                None => {
                    let mend = nearest(&select.field, fields.iter().map(|field| field.name)).map_or_else(
                        || format!("Its fields are {}", listed(fields)),
                        |near| format!("Did you mean `{near}`?"),
                    );
                    self.flaw(id, format!("there is no field `{}` here", select.field), mend);
                    Kind::Any
                }
            },
            Kind::Any => Kind::Any,
            Kind::List(_) => {
                self.flaw(
                    id,
                    format!("a list has no field `{}`", select.field),
                    format!("Ask its entries: `.exists(one, one.{} == …)`", select.field),
                );
                Kind::Any
            }
            other => {
                self.flaw(
                    id,
                    format!("{} has no field `{}`", other.words(), select.field),
                    "Leave the field away",
                );
                Kind::Any
            }
        };
        (if select.test { Kind::Bool } else { found }, steps + 1)
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> (Kind, u64) {
        let target = call.target.as_ref().map(|target| self.look(target));
        let arguments: Vec<(Kind, u64)> = call.args.iter().map(|argument| self.look(argument)).collect();
        let kinds: Vec<Kind> = arguments.iter().map(|(kind, _)| *kind).collect();
        let inner =
            target.map_or(0, |(_, steps)| steps) + arguments.iter().map(|(_, steps)| steps).sum::<u64>();
        if let Some(kind) = self.operator(id, &call.func_name, &kinds) {
            // Two texts may be compared or joined.
            let own = if kinds.contains(&Kind::Text) { TEXT_STEPS } else { 1 };
            return (kind, inner + own);
        }
        let on = target.map(|(kind, _)| kind);
        let mut same_name = FUNCTIONS.iter().filter(|function| function.name == call.func_name).peekable();
        if same_name.peek().is_none() {
            let mend = nearest(&call.func_name, FUNCTIONS.iter().map(|function| function.name)).map_or_else(
                || format!("Known are {}", functions_listed()),
                |near| format!("Did you mean `{near}`?"),
            );
            self.flaw(id, format!("there is no function `{}`", call.func_name), mend);
            return (Kind::Any, inner + 1);
        }
        let Some(function) = same_name.clone().find(|function| fits(function, on, &kinds)) else {
            let ways: Vec<String> = same_name.map(shape).collect();
            self.flaw(
                id,
                format!("`{}` is not used like this", call.func_name),
                format!("Write it as {}", ways.join(" or ")),
            );
            return (Kind::Any, inner + 1);
        };
        if function.name == "matches" {
            self.pattern(id, call);
        }
        if matches!(function.name, "header" | "headers" | "sent_to") && on.is_none() {
            self.literal(call);
        }
        (function.gives, inner + TEXT_STEPS)
    }

    /// A regular expression stands in the condition as it is, so that it is compiled once, and refused here.
    fn pattern(&mut self, id: u64, call: &CallExpr) {
        let Some(pattern) = call.args.first() else { return };
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            self.flaw(
                id,
                "a regular expression cannot be put together from the mail",
                "Write it between quotation marks",
            );
            return;
        };
        let text = text.inner().to_owned();
        match RegexBuilder::new(&text).size_limit(PATTERN).build() {
            Ok(regex) => {
                self.patterns.insert(text, regex);
            }
            Err(error) => {
                let why = match error {
                    regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                    other => {
                        let words = other.to_string();
                        let last = words.lines().last().unwrap_or_default();
                        last.trim_start_matches("error: ").to_owned()
                    }
                };
                self.flaw(
                    pattern.id,
                    format!("this is no regular expression: {why}"),
                    "Look-around and back references are not known; letters with a meaning take two backslashes, or write r'…'",
                );
            }
        }
    }

    /// The name of a field or an address that is given as text must be there.
    fn literal(&mut self, call: &CallExpr) {
        let Some(argument) = call.args.first() else { return };
        let Expr::Literal(LiteralValue::String(text)) = &argument.expr else { return };
        let text = text.inner().to_owned();
        if call.func_name == "sent_to" && !text.contains('@') {
            self.flaw(
                argument.id,
                format!("`{text}` is no address"),
                "Write the whole of it, as in `support@example.com`",
            );
        } else if text.trim().is_empty() {
            self.flaw(argument.id, "the name is empty", "Write a header field's name, as in `List-Id`");
        }
    }

    /// The type that an operator gives; `None` for what is no operator.
    fn operator(&mut self, id: u64, name: &str, kinds: &[Kind]) -> Option<Kind> {
        use operators as op;
        let kind = match name {
            op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE => {
                for kind in kinds {
                    if !matches!(kind, Kind::Bool | Kind::Any) {
                        self.flaw(
                            id,
                            format!(
                                "`&&`, `||` and `!` stand between yes and no, not beside {}",
                                kind.words()
                            ),
                            "Compare it with something first, as in `mail.subject != \"\"`",
                        );
                    }
                }
                Kind::Bool
            }
            op::EQUALS | op::NOT_EQUALS | op::GREATER | op::GREATER_EQUALS | op::LESS | op::LESS_EQUALS => {
                if let [left, right] = kinds
                    && !alike(*left, *right)
                {
                    self.flaw(
                        id,
                        format!("{} is compared with {}", left.words(), right.words()),
                        "Compare things of one type: a text with a text, a number with a number",
                    );
                }
                Kind::Bool
            }
            op::IN => {
                if let [one, all] = kinds {
                    match all {
                        Kind::List(entry) if !alike(*one, **entry) => self.flaw(
                            id,
                            format!("{} is looked for in a list of something else", one.words()),
                            "Look for what the list has in it; for addresses: `.exists(one, one.address == …)`",
                        ),
                        Kind::List(_) | Kind::Any => {}
                        other => self.flaw(
                            id,
                            format!("`in` looks into a list, not into {}", other.words()),
                            "For a text write `.contains(…)`",
                        ),
                    }
                }
                Kind::Bool
            }
            op::ADD => kinds.first().copied().unwrap_or(Kind::Any),
            op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO | op::NEGATE => {
                if kinds.iter().any(|kind| !matches!(kind, Kind::Number | Kind::Any)) {
                    self.flaw(id, "this is no number to reckon with", "Reckon with numbers only");
                }
                Kind::Number
            }
            op::CONDITIONAL => match kinds {
                [_, yes, no] if yes == no => *yes,
                _ => Kind::Any,
            },
            op::INDEX => match kinds.first() {
                Some(Kind::List(entry)) => **entry,
                _ => Kind::Any,
            },
            // How macros keep their result.
            _ if name.starts_with('@') => Kind::Any,
            _ => return None,
        };
        Some(kind)
    }

    fn comprehension(&mut self, it: &ComprehensionExpr) -> (Kind, u64) {
        let (range, before) = self.look(&it.iter_range);
        let entry = match range {
            Kind::List(entry) => *entry,
            Kind::Any => Kind::Any,
            other => {
                self.flaw(
                    it.iter_range.id,
                    format!("{} has no entries to look through", other.words()),
                    "`exists`, `all`, `filter` and `map` are for lists, such as `mail.recipients`",
                );
                Kind::Any
            }
        };
        let times = match &it.iter_range.expr {
            Expr::List(list) => list.elements.len() as u64,
            _ => ENTRIES as u64,
        };
        let (start, first) = self.look(&it.accu_init);
        self.scope.push((it.iter_var.clone(), entry));
        if let Some(second) = &it.iter_var2 {
            self.scope.push((second.clone(), Kind::Any));
        }
        self.scope.push((it.accu_var.clone(), start));
        let (_, goes_on) = self.look(&it.loop_cond);
        let (made, step) = self.look(&it.loop_step);
        let bound = 2 + usize::from(it.iter_var2.is_some());
        self.scope.truncate(self.scope.len() - bound);
        let kept = match (start, made) {
            (Kind::List(_), Kind::List(entry)) => Kind::List(entry),
            _ => start,
        };
        self.scope.push((it.accu_var.clone(), kept));
        let (kind, last) = self.look(&it.result);
        self.scope.pop();
        let steps = goes_on.saturating_add(step).saturating_mul(times);
        (kind, before.saturating_add(first).saturating_add(steps).saturating_add(last))
    }
}

fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Bool,
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Kind::Number,
        LiteralValue::String(_) => Kind::Text,
        LiteralValue::Bytes(_) | LiteralValue::Null => Kind::Any,
    }
}

/// A simple type at an address of its own.
fn named(kind: Kind) -> &'static Kind {
    match kind {
        Kind::Bool => &Kind::Bool,
        Kind::Number => &Kind::Number,
        Kind::Text => &Kind::Text,
        Kind::Object(_) | Kind::List(_) | Kind::Any => &Kind::Any,
    }
}

fn alike(left: Kind, right: Kind) -> bool {
    left == right
        || left == Kind::Any
        || right == Kind::Any
        || matches!((left, right), (Kind::List(_), Kind::List(_)))
}

fn fits(function: &Function, on: Option<Kind>, kinds: &[Kind]) -> bool {
    let target = match (function.on, on) {
        (None, None) => true,
        (Some(wanted), Some(given)) => alike(wanted, given),
        _ => false,
    };
    target
        && function.takes.len() == kinds.len()
        && function.takes.iter().zip(kinds).all(|(wanted, given)| alike(*wanted, *given))
}

/// How a function is written.
fn shape(function: &Function) -> String {
    let takes: Vec<&str> = function
        .takes
        .iter()
        .map(|kind| match kind {
            Kind::Text => "\"…\"",
            Kind::Number => "1",
            _ => "…",
        })
        .collect();
    let on = function.on.map_or("", |_| "something.");
    format!("`{on}{}({})`", function.name, takes.join(", "))
}

fn listed(names: &[Name]) -> String {
    names.iter().map(|known| format!("`{}`", known.name)).collect::<Vec<_>>().join(", ")
}

fn functions_listed() -> String {
    let mut seen: HashSet<&str> = HashSet::new();
    FUNCTIONS
        .iter()
        .filter(|function| seen.insert(function.name))
        .map(|function| format!("`{}`", function.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The known name that is most like this one, if one is like it.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
