//! What is cut, and by which rules of one's own besides those that are built in.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Most delimiters, and most expressions.
const MOST_RULES: usize = 50;
/// Longest delimiter or expression, in bytes.
const LONGEST_RULE: usize = 1_000;
/// Most memory of one compiled expression, in bytes.
const MOST_MEMORY: usize = 256 << 10;
/// How much of a line is compared, in bytes. Far more than a line that parts a mail.
const LONGEST_LINE: usize = 4_000;

/// What is cut from a mail, as a profile says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutSettings {
    /// Quoted mails.
    pub quotes: bool,
    /// Signatures.
    pub signatures: bool,
    /// Lines of telephones, mail programs, virus scanners and lists.
    pub footers: bool,
    /// Notices of confidentiality, and warnings that a mail came from outside.
    pub disclaimers: bool,
    /// Texts that part a mail: the line that holds one, and all below it, is cut. Letter case and white space aside.
    pub delimiters: Vec<String>,
    /// Regular expressions, each compared with one line at a time.
    pub expressions: Vec<CutExpression>,
}

impl Default for CutSettings {
    fn default() -> Self {
        Self {
            quotes: true,
            signatures: true,
            footers: true,
            disclaimers: true,
            delimiters: Vec::new(),
            expressions: Vec::new(),
        }
    }
}

/// A regular expression of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutExpression {
    /// The expression, in the syntax of the `regex` crate: linear time, neither look-around nor back references.
    pub pattern: String,
    /// How far it reaches.
    #[serde(default)]
    pub reach: CutReach,
}

/// How much is cut where an expression matches a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutReach {
    /// The line and all below it.
    #[default]
    ToTheEnd,
    /// The line alone.
    Line,
}

/// Why settings are not taken. Names the setting and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {text}")]
pub struct CutError {
    /// The setting, such as `expressions[2].pattern`; counted from 0.
    pub place: String,
    /// What is the matter, and the mend.
    pub text: String,
}

/// Settings that were checked and compiled. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cutting {
    pub(super) quotes: bool,
    pub(super) signatures: bool,
    pub(super) footers: bool,
    pub(super) disclaimers: bool,
    /// As they are compared: lower case, single spaces.
    delimiters: Vec<String>,
    expressions: Vec<(Regex, CutReach)>,
}

impl Default for Cutting {
    fn default() -> Self {
        Self {
            quotes: true,
            signatures: true,
            footers: true,
            disclaimers: true,
            delimiters: Vec::new(),
            expressions: Vec::new(),
        }
    }
}

/// A rule of one's own that matched a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Delimiter(usize),
    Expression(usize, CutReach),
}

impl Own {
    pub(super) fn reaches_to_the_end(self) -> bool {
        !matches!(self, Self::Expression(_, CutReach::Line))
    }
}

impl Cutting {
    /// Checks and compiles settings.
    pub fn new(settings: &CutSettings) -> Result<Self, CutError> {
        few("delimiters", settings.delimiters.len())?;
        few("expressions", settings.expressions.len())?;
        let mut delimiters = Vec::with_capacity(settings.delimiters.len());
        for (n, delimiter) in settings.delimiters.iter().enumerate() {
            let place = format!("delimiters[{n}]");
            short(&place, delimiter)?;
            let plain = comparable(delimiter);
            if plain.chars().count() < 3 {
                return Err(CutError {
                    place,
                    text: format!(
                        "`{delimiter}` would part nearly every mail; use at least three characters"
                    ),
                });
            }
            delimiters.push(plain);
        }
        let mut expressions = Vec::with_capacity(settings.expressions.len());
        for (n, expression) in settings.expressions.iter().enumerate() {
            let place = format!("expressions[{n}].pattern");
            short(&place, &expression.pattern)?;
            expressions.push((compiled(&expression.pattern, place)?, expression.reach));
        }
        Ok(Self {
            quotes: settings.quotes,
            signatures: settings.signatures,
            footers: settings.footers,
            disclaimers: settings.disclaimers,
            delimiters,
            expressions,
        })
    }

    /// Whether there are rules of one's own.
    pub(super) fn has_own(&self) -> bool {
        !self.delimiters.is_empty() || !self.expressions.is_empty()
    }

    /// The first rule of one's own that matches a line; delimiters come first.
    pub(super) fn own(&self, line: &str) -> Option<Own> {
        let line = &line[..line.floor_char_boundary(LONGEST_LINE)];
        if line.trim().is_empty() {
            return None;
        }
        if !self.delimiters.is_empty() {
            let plain = comparable(line);
            if let Some(n) = self.delimiters.iter().position(|delimiter| plain.contains(delimiter.as_str())) {
                return Some(Own::Delimiter(n));
            }
        }
        let n = self.expressions.iter().position(|(expression, _)| expression.is_match(line))?;
        Some(Own::Expression(n, self.expressions[n].1))
    }
}

fn few(name: &str, count: usize) -> Result<(), CutError> {
    if count <= MOST_RULES {
        return Ok(());
    }
    let text =
        format!("there are {count}; at most {MOST_RULES} are compared with every line. Join some of them");
    Err(CutError { place: name.to_owned(), text })
}

fn short(place: &str, rule: &str) -> Result<(), CutError> {
    if rule.len() <= LONGEST_RULE {
        return Ok(());
    }
    let text = format!("it is {} bytes long; at most {LONGEST_RULE} are taken. Shorten it", rule.len());
    Err(CutError { place: place.to_owned(), text })
}

fn compiled(pattern: &str, place: String) -> Result<Regex, CutError> {
    let built = RegexBuilder::new(pattern).size_limit(MOST_MEMORY).dfa_size_limit(MOST_MEMORY).build();
    let expression = built.map_err(|error| {
        let text = match &error {
            regex::Error::CompiledTooBig(limit) => {
                format!("it needs more than {limit} bytes once compiled; use smaller repetitions")
            }
            _ => format!("{error}; mend the expression"),
        };
        CutError { place: place.clone(), text }
    })?;
    if expression.is_match("") {
        let text = format!("`{pattern}` matches an empty line, and so every line; make it match something");
        return Err(CutError { place, text });
    }
    Ok(expression)
}

/// Lower case, without quote marks at the beginning, and with single spaces.
fn comparable(text: &str) -> String {
    let text = text.trim_start_matches(|c: char| c == '>' || c == '|' || c.is_whitespace());
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn settings(delimiters: &[&str], expressions: &[&str]) -> CutSettings {
        CutSettings {
            delimiters: delimiters.iter().map(|&d| d.to_owned()).collect(),
            expressions: expressions
                .iter()
                .map(|&p| CutExpression { pattern: p.to_owned(), reach: CutReach::Line })
                .collect(),
            ..CutSettings::default()
        }
    }

    /// Promise: a setting that cannot work is refused with its place and the mend.
    #[rstest]
    #[case(settings(&["-"], &[]), "delimiters[0]", "three characters")]
    #[case(settings(&["-- ok --", &"x".repeat(2_000)], &[]), "delimiters[1]", "Shorten")]
    #[case(settings(&["abc"; 51], &[]), "delimiters", "at most 50")]
    #[case(settings(&[], &["(a"]), "expressions[0].pattern", "unclosed group")]
    #[case(settings(&[], &["a", "(?=b)"]), "expressions[1].pattern", "look-around")]
    #[case(settings(&[], &["x*"]), "expressions[0].pattern", "every line")]
    #[case(settings(&[], &["(\\pL{1,500}){1,500}x"]), "expressions[0].pattern", "smaller repetitions")]
    fn bad_settings_are_refused(#[case] settings: CutSettings, #[case] place: &str, #[case] mend: &str) {
        let error = Cutting::new(&settings).unwrap_err();
        assert_eq!(error.place, place);
        assert!(error.text.contains(mend), "{error}");
    }

    /// Promise: delimiters are found whatever the letter case, the spaces and the quote marks.
    #[test]
    fn delimiters_are_found() {
        let cutting =
            Cutting::new(&settings(&["##- Reply above  this line -##"], &["^SUP-[0-9]+ "])).unwrap();
        assert_eq!(cutting.own("> > ##- reply above this\u{a0}line -##"), Some(Own::Delimiter(0)));
        assert_eq!(cutting.own("SUP-12 is yours"), Some(Own::Expression(0, CutReach::Line)));
        assert_eq!(cutting.own("reply above this line"), None);
    }

    /// Promise: a profile may leave out what it does not change, and is told what it misspells.
    #[test]
    fn settings_are_read() {
        let read: CutSettings =
            serde_json::from_str(r#"{"signatures":false,"expressions":[{"pattern":"^x$"}]}"#).unwrap();
        assert!(read.quotes && !read.signatures);
        assert_eq!(read.expressions[0].reach, CutReach::ToTheEnd);
        assert!(serde_json::from_str::<CutSettings>(r#"{"signature":false}"#).is_err());
    }
}
