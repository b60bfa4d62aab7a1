//! Parts of a line ⇄ its text.

mod draft;
mod emphasis;
pub(super) mod parse;
mod style;
mod target;
pub(super) mod write;

/// True if a backslash makes this character text: what may mean something wherever it is, and what means something at
/// the beginning of a line. Before anything else a backslash is a backslash, as in paths and patterns.
fn is_special(c: char, before: &[char], in_brackets: bool) -> bool {
    let is_space = |c: &char| *c == ' ' || *c == '\t';
    match c {
        '`' | '*' | '_' | '~' | '[' | ']' | '<' => true,
        '-' | '+' | '#' | '>' => !in_brackets && before.iter().all(is_space),
        '.' | ')' => {
            let number = before.iter().skip_while(|c| is_space(c));
            !in_brackets && number.clone().count() > 0 && number.clone().all(char::is_ascii_digit)
        }
        _ => false,
    }
}

/// Where a URL ends that begins here, or the next character. What it consists of is text, but for what would end a
/// style.
fn url_end(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let is = |scheme: &str| {
        rest.len() >= scheme.len() && scheme.chars().zip(rest).all(|(one, other)| one == *other)
    };
    if !is("http://") && !is("https://") {
        return at + 1;
    }
    let ends = |(index, c): (usize, &char)| {
        c.is_whitespace()
            || "*`<>[]\\\"".contains(*c)
            || (*c == '~' && rest.get(index + 1) == Some(&'~'))
    };
    at + rest.iter().enumerate().position(ends).unwrap_or(rest.len())
}
