//! `Authentication-Results` (RFC 8601), as the RFC has it and as Exchange Online writes it: without an authserv-id, with words
//! between the results, and with assignments that are no properties (`action=none`).
//!
//! The field is read in one pass: comments (they nest) are passed over, quoted strings are unquoted and never taken for
//! anything but text, and whatever is left becomes results with their properties. Nothing is an error.

/// Most results read from one field.
const MAX_RESULTS: usize = 100;
/// Most properties read of one result.
const MAX_PROPERTIES: usize = 50;
/// Most letters kept of one word.
const MAX_WORD: usize = 1_000;
/// Most letters read of one field.
const MAX_FIELD: usize = 64 << 10;

/// What one field says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Who wrote it, where it says so; lower case.
    pub authserv_id: Option<String>,
    /// The results, in order.
    pub results: Vec<MethodResult>,
    /// Whether all of it was read: neither a comment nor a quoted string stayed open, and no limit was met.
    pub complete: bool,
}

/// The result of one method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodResult {
    /// The method in lower case, without a version: `spf`, `dkim`, `dmarc`, `compauth`.
    pub method: String,
    /// The result in lower case: `pass`, `fail`, `none`.
    pub value: String,
    /// Why, as the writer says.
    pub reason: Option<String>,
    /// What it is about: name in lower case and value, such as `header.from` and `example.org`.
    pub properties: Vec<(String, String)>,
}

impl MethodResult {
    /// The first property of this name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl AuthenticationResults {
    /// Reads a field's value, unfolded or not.
    pub fn parse(value: &str) -> Self {
        let mut reader = Reader { complete: true, ..Reader::default() };
        reader.read(value);
        let mut out = Self { complete: reader.complete, ..Self::default() };
        for (index, segment) in reader.segments.into_iter().enumerate() {
            let mut words = segment.into_iter().peekable();
            if index == 0 {
                // A word without an assignment where results would begin: who wrote the field, and perhaps a version.
                if let Some(id) = words.next_if(|word| word.value.is_none()) {
                    out.authserv_id = Some(id.name.to_lowercase()).filter(|id| !id.is_empty());
                }
            }
            let mut assigned = words.filter_map(|word| word.value.map(|value| (word.name, value)));
            let Some((method, value)) = assigned.next() else { continue };
            if out.results.len() == MAX_RESULTS {
                out.complete = false;
                break;
            }
            let method = method.split('/').next().unwrap_or_default().to_lowercase();
            let mut result = MethodResult { method, value: value.to_lowercase(), ..MethodResult::default() };
            for (name, value) in assigned {
                if name.eq_ignore_ascii_case("reason") && result.reason.is_none() {
                    result.reason = Some(value);
                } else if result.properties.len() < MAX_PROPERTIES {
                    result.properties.push((name.to_lowercase(), value));
                } else {
                    out.complete = false;
                }
            }
            out.results.push(result);
        }
        out
    }

    /// The results of a method.
    pub fn of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a MethodResult> {
        self.results.iter().filter(move |result| result.method == method)
    }
}

/// A word, or an assignment.
#[derive(Default)]
struct Word {
    name: String,
    value: Option<String>,
}

#[derive(Default)]
struct Reader {
    segments: Vec<Vec<Word>>,
    segment: Vec<Word>,
    /// The word under way; `None` between words.
    word: Option<Word>,
    complete: bool,
}

impl Reader {
    fn read(&mut self, value: &str) {
        // White space or a comment stood before what comes next.
        let mut gap = false;
        let mut chars = value.chars().take(MAX_FIELD);
        self.complete &= value.len() <= MAX_FIELD || value.chars().nth(MAX_FIELD).is_none();
        while let Some(c) = chars.next() {
            match c {
                '(' => {
                    self.complete &= after_comment(&mut chars);
                    gap = true;
                }
                '"' => {
                    self.begin(gap);
                    gap = false;
                    self.complete &= self.quoted(&mut chars);
                }
                ';' => {
                    self.end_segment();
                    gap = false;
                }
                c if c.is_whitespace() || c.is_control() => gap = true,
                '=' if self.word.as_ref().is_none_or(|word| word.value.is_none()) => {
                    self.word.get_or_insert_default().value = Some(String::new());
                    gap = false;
                }
                c => {
                    self.begin(gap);
                    gap = false;
                    self.push(c);
                }
            }
        }
        self.end_segment();
    }

    /// Makes sure that a word is under way. A gap ends the one before, unless it is an assignment that has no value yet.
    fn begin(&mut self, gap: bool) {
        let waits = self.word.as_ref().is_some_and(|word| word.value.as_ref().is_some_and(String::is_empty));
        if gap && !waits {
            self.end_word();
        }
        self.word.get_or_insert_default();
    }

    fn push(&mut self, c: char) {
        let word = self.word.get_or_insert_default();
        let text = word.value.as_mut().unwrap_or(&mut word.name);
        if text.len() < MAX_WORD {
            text.push(c);
        } else {
            self.complete = false;
        }
    }

    fn quoted(&mut self, chars: &mut impl Iterator<Item = char>) -> bool {
        while let Some(c) = chars.next() {
            match c {
                '"' => return true,
                '\\' => match chars.next() {
                    Some(escaped) => self.push(escaped),
                    None => return false,
                },
                c if c.is_control() => {}
                c => self.push(c),
            }
        }
        false
    }

    fn end_word(&mut self) {
        self.segment.extend(self.word.take());
    }

    fn end_segment(&mut self) {
        self.end_word();
        let segment = std::mem::take(&mut self.segment);
        // An empty one counts where it is the first: nobody signed the field then.
        if !segment.is_empty() || self.segments.is_empty() {
            self.segments.push(segment);
        }
    }
}

/// Passes over a comment whose bracket was just read; whether it ended.
fn after_comment(chars: &mut impl Iterator<Item = char>) -> bool {
    let mut depth = 1_usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}
