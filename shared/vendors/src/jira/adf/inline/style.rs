//! What is between paired delimiters has their style.

use super::super::document::{Inline, Marks, Style, Styles};
use super::emphasis::Run;

/// A part of a line that is not put together yet.
pub(super) enum Token {
    Text(char),
    Parts(Vec<Inline>),
    Run(Run),
}

/// How often each style was begun and not ended.
#[derive(Default)]
struct Open([usize; Style::ALL.len()]);

impl Open {
    fn marks(&self) -> Marks {
        let begun = Style::ALL
            .into_iter()
            .filter(|style| self.0[*style as usize] > 0);
        let styles = begun
            .map(Styles::only)
            .fold(Styles::default(), Styles::union);
        Marks {
            styles,
            ..Marks::default()
        }
    }
}

/// The parts of a line whose delimiters are paired.
pub(super) fn styled(tokens: Vec<Token>) -> Vec<Inline> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut open = Open::default();
    for token in tokens {
        match token {
            Token::Text(c) => text.push(c),
            Token::Run(run) if run.ended.is_empty() && run.begun.is_empty() => {
                text.extend(std::iter::repeat_n(run.sign, run.text));
            }
            Token::Run(run) => {
                parts.push(Inline::Text(std::mem::take(&mut text), open.marks()));
                run.ended
                    .iter()
                    .for_each(|style| open.0[*style as usize] -= 1);
                let left = std::iter::repeat_n(run.sign, run.text).collect();
                parts.push(Inline::Text(left, open.marks()));
                run.begun
                    .iter()
                    .for_each(|style| open.0[*style as usize] += 1);
            }
            Token::Parts(inner) => {
                let marks = open.marks();
                parts.push(Inline::Text(std::mem::take(&mut text), marks.clone()));
                parts.extend(inner.into_iter().map(|part| part.enclosed(&marks)));
            }
        }
    }
    parts.push(Inline::Text(text, open.marks()));
    parts.retain(|part| !matches!(part, Inline::Text(text, _) if text.is_empty()));
    parts
}
