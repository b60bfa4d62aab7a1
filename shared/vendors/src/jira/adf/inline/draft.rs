//! What is written of a line, before its backslashes are counted.

use super::is_special;

/// Characters, and what they are there for.
#[derive(Debug, Default)]
pub(super) struct Draft(Vec<(char, Role)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Syntax,
    Text { escaped: bool, in_brackets: bool },
}

impl Draft {
    pub(super) fn raw(&mut self, syntax: &str) {
        self.0.extend(syntax.chars().map(|c| (c, Role::Syntax)));
    }

    pub(super) fn text(&mut self, chars: &[char], escaped: bool, in_brackets: bool) {
        let role = Role::Text {
            escaped,
            in_brackets,
        };
        self.0.extend(chars.iter().map(|c| (*c, role)));
    }

    /// The backslashes of the text are doubled where the parser reads two as one: before something special.
    pub(super) fn into_text(self) -> String {
        let mut out = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_slice();
        while let Some(&(c, role)) = rest.first() {
            let mut taken = 1;
            match role {
                Role::Text { in_brackets, .. } if c == '\\' => {
                    let is_same = |(c, role): &&(char, Role)| *c == '\\' && *role != Role::Syntax;
                    taken = rest.iter().take_while(is_same).count();
                    let special = rest.get(taken).is_some_and(|(next, role)| {
                        matches!(role, Role::Text { escaped: true, .. })
                            || is_special(*next, &out, in_brackets)
                    });
                    out.extend(std::iter::repeat_n(
                        '\\',
                        if special { 2 * taken } else { taken },
                    ));
                }
                Role::Text { escaped: true, .. } => out.extend(['\\', c]),
                _ => out.push(c),
            }
            rest = &rest[taken..];
        }
        out.into_iter().collect()
    }
}
