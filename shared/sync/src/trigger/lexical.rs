//! What is checked before a text is parsed: the parser takes about 150 KB of stack for each open bracket in a build without
//! optimization, so brackets are counted first, and to count them one has to know what is within a text.

use super::TriggerError;

/// More brackets in one another are refused.
const MOST_NESTED_BRACKETS: usize = 5;

/// More operators, dots and brackets altogether are refused: the parser takes stack for each of a chain, too.
const MOST_OPERATORS: usize = 250;

/// Refuses what would be too much for the parser, and texts that are not well formed. Raw, triple-quoted and byte strings
/// of CEL are not accepted: no condition needs them.
pub(super) fn check(text: &str) -> Result<(), TriggerError> {
    let mut scanner = Scanner {
        text,
        at: 0,
        open: Vec::new(),
        operators: 0,
    };
    while let Some(c) = scanner.peek() {
        match c {
            '\'' | '"' => scanner.string(c)?,
            '/' if scanner.rest().starts_with("//") => scanner.comment(),
            _ => scanner.token(c)?,
        }
    }
    Ok(())
}

struct Scanner<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
    /// The brackets that are open.
    open: Vec<char>,
    operators: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error(&self, at: usize, problem: impl Into<String>) -> TriggerError {
        TriggerError::at(self.text, at, problem)
    }

    fn comment(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    fn token(&mut self, c: char) -> Result<(), TriggerError> {
        match c {
            '(' | '[' | '{' => self.open.push(c),
            ')' | ']' | '}' => self.close(c)?,
            '`' => return Err(self.error(self.at, "` means nothing here")),
            _ => {}
        }
        if self.open.len() > MOST_NESTED_BRACKETS {
            let problem = format!("more than {MOST_NESTED_BRACKETS} brackets are open here");
            return Err(self.error(self.at, problem));
        }
        if ".?:!=<>+-*/%([{".contains(c) {
            self.operators += 1;
        }
        if self.operators > MOST_OPERATORS {
            let problem = format!(
                "a trigger has at most {MOST_OPERATORS} operators, dots and opening brackets"
            );
            return Err(self.error(self.at, problem));
        }
        self.at += c.len_utf8();
        Ok(())
    }

    /// The parser would go on within a bracket that another one closes.
    fn close(&mut self, c: char) -> Result<(), TriggerError> {
        let closes = |open: &char| matches!((open, c), ('(', ')') | ('[', ']') | ('{', '}'));
        match self.open.pop() {
            Some(open) if closes(&open) => Ok(()),
            Some(open) => Err(self.error(self.at, format!("{c} does not close {open}"))),
            None => Err(self.error(self.at, format!("there is nothing that {c} could close"))),
        }
    }

    /// `'…'` or `"…"`, on one line.
    fn string(&mut self, quote: char) -> Result<(), TriggerError> {
        let start = self.at;
        let before = self.text[..start].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            let problem = "a text stands by itself: 'like this' or \"like this\"";
            return Err(self.error(start, problem));
        }
        self.at += 1;
        loop {
            let Some(c) = self.peek().filter(|c| !['\n', '\r'].contains(c)) else {
                return Err(self.error(start, format!("a text that does not end with {quote}")));
            };
            if c == '\\' {
                self.escape()?;
                continue;
            }
            self.at += c.len_utf8();
            if c == quote {
                break;
            }
        }
        match self.peek() {
            Some('\'' | '"') => {
                let problem = "a text right after a text; within one, write \\' or \\\"";
                Err(self.error(self.at, problem))
            }
            _ => Ok(()),
        }
    }

    /// `\n`, `\x41`, `\u00e9`, `\101`.
    fn escape(&mut self) -> Result<(), TriggerError> {
        let rest = self.rest();
        let kind = rest.chars().nth(1);
        let is_hex = |c: char| c.is_ascii_hexdigit();
        let is_octal = |c: char| ('0'..='7').contains(&c);
        let follows = |from: usize, count: usize, is: &dyn Fn(char) -> bool| {
            let mut after = rest.chars().skip(from);
            (0..count).all(|_| after.next().is_some_and(is))
        };
        let length = match kind {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '`' | '?' | '\\') => 2,
            Some('x' | 'X') if follows(2, 2, &is_hex) => 4,
            Some('u') if follows(2, 4, &is_hex) => 6,
            Some('U') if follows(2, 8, &is_hex) => 10,
            Some('0'..='3') if follows(2, 2, &is_octal) => 4,
            _ => {
                let problem = "\\ means nothing here; for a \\ in a text write \\\\";
                return Err(self.error(self.at, problem));
            }
        };
        self.at += length;
        Ok(())
    }
}
