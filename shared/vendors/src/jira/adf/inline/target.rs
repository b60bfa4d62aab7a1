//! What is between the parentheses after a bracketed text.

use super::super::carrier::{self, Target};
use super::super::document::Link;

/// True if `<…>` makes a link of it.
pub(super) fn is_bare(href: &str) -> bool {
    let schemes = ["http://", "https://", "mailto:"];
    schemes.iter().any(|scheme| href.starts_with(scheme)) && carrier::is_linkable(href)
}

/// What is between parentheses, from after the opening one on, and where it ends.
pub(super) fn read(chars: &[char], at: usize) -> Option<(Target, usize)> {
    let rest = &chars[at..];
    let angled = rest.first() == Some(&'<');
    let mut open = 0_usize;
    let length = rest.iter().enumerate().position(|(index, c)| {
        match c {
            '(' => open += 1,
            ')' if open > 0 => {
                open -= 1;
                return false;
            }
            ')' => return !angled,
            _ => {}
        }
        c.is_whitespace() || "[]>".contains(*c) || (*c == '<' && index > 0)
    })?;
    let text: String = rest[usize::from(angled)..length].iter().collect();
    let after = at + length + usize::from(angled);
    if rest[length] == '>' && !angled || rest[length] != '>' && angled {
        return None;
    }
    if text.starts_with("adf:") {
        let closed = !angled && chars.get(after) == Some(&')');
        return carrier::target(&text)
            .filter(|_| closed)
            .map(|target| (target, after + 1));
    }
    let (title, end) = title(chars, after)?;
    let link = Link { href: text, title };
    carrier::can_be_written(&link).then_some((Target::Link(link), end))
}

/// The title of a link, if it has one, and where its parentheses end.
fn title(chars: &[char], at: usize) -> Option<(Option<String>, usize)> {
    let rest = &chars[at..];
    if rest.first() == Some(&')') {
        return Some((None, at + 1));
    }
    if rest.first() != Some(&' ') || rest.get(1) != Some(&'"') {
        return None;
    }
    let length = rest[2..].iter().position(|c| *c == '"')?;
    let title: String = rest[2..2 + length].iter().collect();
    let closed = rest.get(length + 3) == Some(&')');
    closed.then(|| {
        (
            Some(title).filter(|title| !title.is_empty()),
            at + length + 4,
        )
    })
}

/// Between angle brackets, if its own parentheses are not in pairs.
pub(super) fn write(link: &Link) -> String {
    let mut open = 0_usize;
    let balanced = link.href.chars().all(|c| {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
        true
    });
    let href = if balanced && open == 0 {
        link.href.clone()
    } else {
        format!("<{}>", link.href)
    };
    match &link.title {
        Some(title) => format!("{href} \"{title}\""),
        None => href,
    }
}
