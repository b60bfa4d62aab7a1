//! A line's text to its parts.

use std::collections::HashMap;

use super::super::carrier::Target;
use super::super::document::{Inline, Link, Marks};
use super::emphasis::{self, NODE, Run};
use super::style::{self, Token};
use super::{is_special, target, url_end};

/// Brackets within brackets: a link in marks, or marks in a link, and one more.
const DEEPEST: u8 = 3;

/// The parts of one line. Not canonical: see [`super::super::normal`].
pub(in crate::jira::adf) fn inlines(line: &str) -> Vec<Inline> {
    let chars: Vec<_> = line.chars().collect();
    Scanner::new(&chars, Nesting::default()).inlines()
}

/// What a bracketed text is in.
#[derive(Debug, Clone, Copy, Default)]
struct Nesting {
    depth: u8,
    in_link: bool,
}

/// What takes precedence over brackets and delimiters, from one place on.
enum Lexeme {
    /// So many, and what they make text.
    Backslashes(usize, Option<char>),
    /// From, to: what is between the backticks.
    Code(usize, usize),
    Autolink,
    Backticks,
    Other,
}

struct Scanner<'a> {
    chars: &'a [char],
    nesting: Nesting,
    /// Where the runs of backticks are, by length.
    backticks: HashMap<usize, Vec<usize>>,
    /// The closing bracket of each opening one.
    brackets: HashMap<usize, usize>,
    tokens: Vec<Token>,
}

impl<'a> Scanner<'a> {
    fn new(chars: &'a [char], nesting: Nesting) -> Self {
        let mut scanner = Self {
            chars,
            nesting,
            backticks: HashMap::new(),
            brackets: HashMap::new(),
            tokens: Vec::new(),
        };
        let mut at = 0;
        while at < chars.len() {
            let length = scanner.run_at(at, '`');
            if length > 0 {
                scanner.backticks.entry(length).or_default().push(at);
            }
            at += length.max(1);
        }
        if nesting.depth < DEEPEST {
            scanner.match_brackets();
        }
        scanner
    }

    fn match_brackets(&mut self) {
        let mut open = Vec::new();
        let mut at = 0;
        while at < self.chars.len() {
            match self.chars[at] {
                '[' => open.push(at),
                ']' => {
                    if let Some(start) = open.pop() {
                        self.brackets.insert(start, at);
                    }
                }
                _ => {}
            }
            at = self.lexeme(at).1;
        }
    }

    fn run_at(&self, at: usize, sign: char) -> usize {
        self.chars[at..].iter().take_while(|c| **c == sign).count()
    }

    fn text(&self, from: usize, to: usize) -> String {
        self.chars[from..to].iter().collect()
    }

    /// And where it ends.
    fn lexeme(&self, at: usize) -> (Lexeme, usize) {
        match self.chars[at] {
            '\\' => self.backslashes(at),
            '`' => {
                let start = at + self.run_at(at, '`');
                let runs = self
                    .backticks
                    .get(&(start - at))
                    .map_or(&[][..], Vec::as_slice);
                match runs.get(runs.partition_point(|run| *run < start)) {
                    Some(end) => (Lexeme::Code(start, *end), end + (start - at)),
                    None => (Lexeme::Backticks, start),
                }
            }
            '<' => match self.autolink(at) {
                Some(end) => (Lexeme::Autolink, end),
                None => (Lexeme::Other, at + 1),
            },
            _ => (Lexeme::Other, at + 1),
        }
    }

    /// Backslashes are text, but before something special: there, each pair is one, and one that is left makes it text.
    fn backslashes(&self, at: usize) -> (Lexeme, usize) {
        let count = self.run_at(at, '\\');
        let in_brackets = self.nesting.depth > 0;
        let end = in_brackets.then_some(']');
        let next = self.chars.get(at + count).copied().or(end);
        let special = next.filter(|c| is_special(*c, &self.chars[..at], in_brackets));
        match special {
            None => (Lexeme::Backslashes(count, None), at + count),
            Some(_) if count.is_multiple_of(2) => {
                (Lexeme::Backslashes(count / 2, None), at + count)
            }
            Some(c) => (Lexeme::Backslashes(count / 2, Some(c)), at + count + 1),
        }
    }

    /// `<https://…>`.
    fn autolink(&self, at: usize) -> Option<usize> {
        let rest = &self.chars[at + 1..];
        let ends = |c: &char| *c == '>' || *c == '<' || c.is_whitespace();
        let end = at + 1 + rest.iter().position(ends)?;
        let is_link = self.chars[end] == '>' && target::is_bare(&self.text(at + 1, end));
        (is_link && !self.nesting.in_link).then_some(end + 1)
    }

    fn inlines(mut self) -> Vec<Inline> {
        let mut at = 0;
        while at < self.chars.len() {
            at = self.next(at);
        }
        let mut tokens = self.tokens;
        let mut runs: Vec<_> = tokens
            .iter_mut()
            .filter_map(|token| {
                if let Token::Run(run) = token {
                    Some(run)
                } else {
                    None
                }
            })
            .collect();
        emphasis::pair(&mut runs);
        style::styled(tokens)
    }

    fn next(&mut self, at: usize) -> usize {
        let (lexeme, end) = self.lexeme(at);
        match lexeme {
            Lexeme::Backslashes(count, escaped) => {
                let text = std::iter::repeat_n('\\', count).chain(escaped);
                self.tokens.extend(text.map(Token::Text));
            }
            Lexeme::Code(from, to) => {
                let marks = Marks {
                    code: true,
                    ..Marks::default()
                };
                let part = Inline::Text(code(self.text(from, to)), marks);
                self.tokens.push(Token::Parts(vec![part]));
            }
            Lexeme::Autolink => {
                let href = self.text(at + 1, end - 1);
                let link = Some(Link {
                    href: href.clone(),
                    title: None,
                });
                let part = Inline::Text(
                    href,
                    Marks {
                        link,
                        ..Marks::default()
                    },
                );
                self.tokens.push(Token::Parts(vec![part]));
            }
            Lexeme::Backticks => self.push_text(at, end),
            Lexeme::Other => return self.other(at),
        }
        end
    }

    fn push_text(&mut self, from: usize, to: usize) {
        self.tokens
            .extend(self.chars[from..to].iter().map(|c| Token::Text(*c)));
    }

    fn other(&mut self, at: usize) -> usize {
        let end = match self.chars[at] {
            '[' => {
                if let Some(end) = self.bracketed(at) {
                    return end;
                }
                at + 1
            }
            sign @ ('*' | '_' | '~') => {
                let end = at + self.run_at(at, sign);
                if let Some(run) = Run::new(sign, end - at, self.before(), self.after(end)) {
                    self.tokens.push(Token::Run(run));
                    return end;
                }
                end
            }
            'h' if !self.before().is_some_and(char::is_alphanumeric) => url_end(self.chars, at),
            _ => at + 1,
        };
        self.push_text(at, end);
        end
    }

    fn before(&self) -> Option<char> {
        self.tokens.last().map(|token| match token {
            Token::Text(c) => *c,
            Token::Parts(_) => NODE,
            Token::Run(run) => run.sign,
        })
    }

    /// An escaped character counts as itself, and what will be a node as one.
    fn after(&self, at: usize) -> Option<char> {
        let c = *self.chars.get(at)?;
        Some(match self.lexeme(at).0 {
            Lexeme::Backslashes(0, Some(c)) => c,
            Lexeme::Code(..) | Lexeme::Autolink => NODE,
            Lexeme::Other if c == '[' && self.target(at).is_some() => NODE,
            _ => c,
        })
    }

    /// The target of the bracketed text that begins here, where the text ends, and where the target does.
    fn target(&self, at: usize) -> Option<(Target, usize, usize)> {
        let close = *self.brackets.get(&at)?;
        if self.chars.get(close + 1) != Some(&'(') {
            return None;
        }
        let (target, end) = target::read(self.chars, close + 2)?;
        let nested = self.nesting.in_link && matches!(target, Target::Link(_));
        (!nested).then_some((target, close, end))
    }

    fn bracketed(&mut self, at: usize) -> Option<usize> {
        let (target, close, end) = self.target(at)?;
        let (in_link, marks) = match target {
            Target::Nodes(parts) => {
                self.tokens.push(Token::Parts(parts));
                return Some(end);
            }
            Target::Link(link) => (
                true,
                Marks {
                    link: Some(link),
                    ..Marks::default()
                },
            ),
            Target::Marks(marks) => (self.nesting.in_link, marks),
        };
        let nesting = Nesting {
            depth: self.nesting.depth + 1,
            in_link,
        };
        let parts = Scanner::new(&self.chars[at + 1..close], nesting).inlines();
        let parts = parts
            .into_iter()
            .map(|part| part.enclosed(&marks))
            .collect();
        self.tokens.push(Token::Parts(parts));
        Some(end)
    }
}

/// One space next to the backticks is not the code's.
fn code(text: String) -> String {
    let inner = text
        .strip_prefix(' ')
        .and_then(|text| text.strip_suffix(' '));
    match inner {
        Some(inner) if !text.trim_matches(' ').is_empty() => inner.to_owned(),
        _ => text,
    }
}
