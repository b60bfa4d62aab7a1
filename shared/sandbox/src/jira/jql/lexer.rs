//! JQL's words.

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Unquoted: a field, a keyword or a value.
    Word(String),
    /// In quotes: a value.
    Quoted(String),
    /// `=`, `!=`, `>=` …
    Operator(String),
    /// `(`, `)` or `,`.
    Mark(char),
}

/// Characters that a value needs quotes for, besides white space.
const RESERVED: &[char] = &[
    '+', '.', ';', '?', '|', '*', '/', '%', '^', '$', '#', '@', '[', ']', '&', '{', '}',
];

pub(super) fn tokens(jql: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = jql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' | '\'' => quoted(rest, first)?,
            '(' | ')' | ',' => (Token::Mark(first), 1),
            '=' | '!' | '<' | '>' | '~' => {
                let length = rest.find(|c| !"=!<>~".contains(c)).unwrap_or(rest.len());
                (Token::Operator(rest[..length].to_owned()), length)
            }
            _ => word(rest)?,
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped)) if ['"', '\'', '\\'].contains(&escaped) => value.push(escaped),
                _ => {
                    return Err(
                        "Error in the JQL Query: an illegal JQL escape sequence.".to_owned()
                    );
                }
            },
            _ if character == quote => return Ok((Token::Quoted(value), place + 1)),
            _ => value.push(character),
        }
    }
    Err("Error in the JQL Query: The quoted string has not been completed.".to_owned())
}

fn word(text: &str) -> Result<(Token, usize), String> {
    let ends = |c: char| c.is_whitespace() || "()=!<>~,\"'".contains(c);
    let length = text.find(ends).unwrap_or(text.len());
    let word = &text[..length];
    match word.chars().find(|c| RESERVED.contains(c)) {
        Some(character) => Err(format!(
            "Error in the JQL Query: The character '{character}' is a reserved JQL character. You must enclose it in a string."
        )),
        None => Ok((Token::Word(word.to_owned()), length)),
    }
}
