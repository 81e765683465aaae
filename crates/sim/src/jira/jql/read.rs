//! From text to [`Query`]: a small hand-written reader with Jira's error texts.

use super::{Expression, Operand, Operator, Query};

/// How deep parentheses and NOT may nest.
const DEEPEST: usize = 100;
/// Most fields of ORDER BY.
const ORDER_LIMIT: usize = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Symbol,
    End,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    text: String,
    /// Place in the query, in characters, from 0.
    at: usize,
}

/// Reads a query. The fault is Jira's message.
pub(crate) fn read(text: &str) -> Result<Query, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens, next: 0, depth: 0 };
    let filter = if reader.is_end() || reader.is_word("order") { None } else { Some(reader.any()?) };
    let order = reader.order()?;
    if reader.is_end() {
        return Ok(Query { filter, order });
    }
    Err(reader.unexpected("Expecting either 'OR' or 'AND' but got"))
}

fn fault(message: &str, at: usize) -> String {
    format!("Error in the JQL Query: {message} (line 1, character {})", at + 1)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        let start = at;
        if character.is_whitespace() {
            at += 1;
            continue;
        }
        let (kind, text) = match character {
            '"' | '\'' => {
                let mut value = String::new();
                at += 1;
                loop {
                    match characters.get(at) {
                        None => {
                            let message = "The quoted string has not been completed.".to_owned();
                            return Err(fault(&message, start));
                        }
                        Some(end) if *end == character => break,
                        Some('\\') => {
                            at += 1;
                            value.push(match characters.get(at) {
                                Some('n') => '\n',
                                Some('t') => '\t',
                                Some('r') => '\r',
                                Some(other @ ('"' | '\'' | '\\' | ' ')) => *other,
                                Some(other) => {
                                    let message = format!("'\\{other}' is an illegal JQL escape sequence.");
                                    return Err(fault(&message, at - 1));
                                }
                                None => continue,
                            });
                        }
                        Some(other) => value.push(*other),
                    }
                    at += 1;
                }
                at += 1;
                (Kind::Quoted, value)
            }
            '(' | ')' | ',' | '~' | '=' => {
                at += 1;
                (Kind::Symbol, character.to_string())
            }
            '<' | '>' | '!' => {
                at += 1;
                let mut symbol = character.to_string();
                let second = characters.get(at).copied();
                if second == Some('=') || (character == '!' && second == Some('~')) {
                    symbol.extend(second);
                    at += 1;
                }
                (Kind::Symbol, symbol)
            }
            '&' | '|' => {
                at += 1;
                if characters.get(at) == Some(&character) {
                    at += 1;
                }
                (Kind::Symbol, character.to_string())
            }
            '{' | '}' | ';' | '?' | '*' | '^' | '%' | '$' | '#' | '@' | '`' | '/' => {
                let message = format!(
                    "The character '{character}' is a reserved JQL character. You must enclose it in a string or \
                     use the escape '\\u{:04x}' instead.",
                    u32::from(character)
                );
                return Err(fault(&message, start));
            }
            _ => {
                let ends = |c: &char| {
                    c.is_whitespace()
                        || matches!(c, '"' | '\'' | '(' | ')' | ',' | '~' | '=' | '<' | '>' | '!' | '&' | '|')
                };
                let length = characters[at..].iter().position(ends).unwrap_or(characters.len() - at);
                at += length.max(1);
                (Kind::Word, characters[start..at].iter().collect())
            }
        };
        tokens.push(Token { kind, text, at: start });
    }
    tokens.push(Token { kind: Kind::End, text: String::new(), at: characters.len() });
    Ok(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> &Token {
        // The list always ends with an end token, and reading stops there.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn is_end(&self) -> bool {
        self.peek().kind == Kind::End
    }

    fn is_word(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Word && token.text.eq_ignore_ascii_case(word)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Symbol && token.text == symbol
    }

    fn eat(&mut self, is: bool) -> bool {
        if is {
            self.next += 1;
        }
        is
    }

    fn unexpected(&self, message: &str) -> String {
        let token = self.peek();
        if token.kind == Kind::End {
            return fault(
                &format!("{} end of query.", message.trim_end_matches(" but got").to_owned() + " before the"),
                token.at,
            );
        }
        fault(&format!("{message} '{}'.", token.text), token.at)
    }

    fn any(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(fault("The query is nested too deeply.", self.peek().at));
        }
        let mut parts = vec![self.all()?];
        while self.eat(self.is_word("or") || self.is_symbol("|")) {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.not()?];
        while self.eat(self.is_word("and") || self.is_symbol("&")) {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn not(&mut self) -> Result<Expression, String> {
        let mut negated = false;
        while self.eat(self.is_word("not") || self.is_symbol("!")) {
            negated = !negated;
        }
        let inner = if self.eat(self.is_symbol("(")) {
            let inner = self.any()?;
            if !self.eat(self.is_symbol(")")) {
                return Err(self.unexpected("Expecting ')' but got"));
            }
            inner
        } else {
            self.clause()?
        };
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn clause(&mut self) -> Result<Expression, String> {
        let reserved = ["and", "or", "not", "in", "is", "order", "by", "empty", "null", "was", "changed"];
        let token = self.peek();
        let is_reserved =
            token.kind == Kind::Word && reserved.iter().any(|word| token.text.eq_ignore_ascii_case(word));
        if !matches!(token.kind, Kind::Word | Kind::Quoted) || is_reserved {
            return Err(self.unexpected("Expecting a field name but got"));
        }
        let field = self.take().text;
        let operator = self.operator()?;
        let operand = match operator {
            Operator::In | Operator::NotIn => self.list()?,
            Operator::Is | Operator::IsNot => {
                if !self.eat(self.is_word("empty") || self.is_word("null")) {
                    return Err(self.unexpected("Expecting 'EMPTY' or 'NULL' but got"));
                }
                Operand::Empty
            }
            _ => self.operand()?,
        };
        Ok(Expression::Clause { field, operator, operand })
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let symbols = [
            ("=", Operator::Equals),
            ("!=", Operator::Differs),
            ("<", Operator::Less),
            ("<=", Operator::LessOrEqual),
            (">", Operator::Greater),
            (">=", Operator::GreaterOrEqual),
            ("~", Operator::Contains),
            ("!~", Operator::ContainsNot),
        ];
        for (symbol, operator) in symbols {
            if self.eat(self.is_symbol(symbol)) {
                return Ok(operator);
            }
        }
        if self.eat(self.is_word("in")) {
            return Ok(Operator::In);
        }
        if self.eat(self.is_word("is")) {
            return Ok(if self.eat(self.is_word("not")) { Operator::IsNot } else { Operator::Is });
        }
        if self.is_word("not") {
            self.next += 1;
            if self.eat(self.is_word("in")) {
                return Ok(Operator::NotIn);
            }
            self.next -= 1;
        }
        let token = self.peek();
        let got =
            if token.kind == Kind::End { "end of query".to_owned() } else { format!("'{}'", token.text) };
        let message = format!(
            "Expecting operator but got {got}. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', \
             'IN', 'NOT IN', 'IS' and 'IS NOT'."
        );
        Err(fault(&message, token.at))
    }

    fn list(&mut self) -> Result<Operand, String> {
        if !self.eat(self.is_symbol("(")) {
            // A function may stand for the list.
            return match self.operand()? {
                function @ Operand::Function(..) => Ok(function),
                _ => Err(self.unexpected("Expecting '(' but got")),
            };
        }
        let mut values = Vec::new();
        loop {
            values.push(self.operand()?);
            if self.eat(self.is_symbol(")")) {
                return Ok(Operand::List(values));
            }
            if !self.eat(self.is_symbol(",")) {
                return Err(self.unexpected("Expecting ',' or ')' but got"));
            }
        }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if !matches!(self.peek().kind, Kind::Word | Kind::Quoted) {
            return Err(self.unexpected("Expecting either a value, list or function but got"));
        }
        let token = self.take();
        if token.kind == Kind::Word {
            if token.text.eq_ignore_ascii_case("empty") || token.text.eq_ignore_ascii_case("null") {
                return Ok(Operand::Empty);
            }
            if self.eat(self.is_symbol("(")) {
                return self.arguments(token.text);
            }
        }
        Ok(Operand::Text(token.text))
    }

    fn arguments(&mut self, name: String) -> Result<Operand, String> {
        let mut arguments = Vec::new();
        while !self.eat(self.is_symbol(")")) {
            if !arguments.is_empty() && !self.eat(self.is_symbol(",")) {
                return Err(self.unexpected("Expecting ',' or ')' but got"));
            }
            if !matches!(self.peek().kind, Kind::Word | Kind::Quoted) {
                return Err(self.unexpected("Expecting an argument but got"));
            }
            arguments.push(self.take().text);
        }
        Ok(Operand::Function(name, arguments))
    }

    fn order(&mut self) -> Result<Vec<(String, bool)>, String> {
        let mut order = Vec::new();
        if !self.eat(self.is_word("order")) {
            return Ok(order);
        }
        if !self.eat(self.is_word("by")) {
            return Err(self.unexpected("Expecting 'by' but got"));
        }
        loop {
            if !matches!(self.peek().kind, Kind::Word | Kind::Quoted) {
                return Err(self.unexpected("Expecting a field name but got"));
            }
            let field = self.take().text;
            let descending = self.is_word("desc");
            self.eat(descending || self.is_word("asc"));
            order.push((field, descending));
            if !self.eat(self.is_symbol(",")) {
                break;
            }
        }
        if order.len() > ORDER_LIMIT {
            return Err(format!("The ORDER BY clause has more than {ORDER_LIMIT} fields."));
        }
        Ok(order)
    }
}
