//! From JQL's words to a query.

use jiff::Timestamp;

use super::lexer::{Token, tokens};
use super::time::time;
use super::{Clause, Column, Comparison, Direction, Jql, Test};

/// Words that are no values without quotes.
const KEYWORDS: &[&str] = &[
    "and", "or", "not", "in", "is", "was", "changed", "order", "by", "asc", "desc", "empty",
    "null", "select", "from", "where", "on", "after", "before", "during",
];

/// What exists on the site: JQL refuses values that do not.
pub(crate) struct Vocabulary<'a> {
    pub(crate) now: Timestamp,
    /// The id of the project with this key or id.
    pub(crate) project: &'a dyn Fn(&str) -> Option<String>,
    /// The id of the status with this name or id.
    pub(crate) status: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) is_key: &'a dyn Fn(&str) -> bool,
}

type Parsed<T> = Result<T, String>;

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    known: &'a Vocabulary<'a>,
}

/// Reads a query; the error is in Jira's words.
pub(crate) fn parse(jql: &str, known: &Vocabulary<'_>) -> Parsed<Jql> {
    let tokens = tokens(jql)?.into_iter().peekable();
    let mut parser = Parser { tokens, known };
    let clauses = parser.clauses()?;
    let order = parser.order()?;
    if clauses.is_empty() {
        let words = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
        return Err(words.to_owned());
    }
    Ok(Jql { clauses, order })
}

fn unexpected(expected: &str, token: Option<&Token>) -> String {
    let got = match token {
        None => "the end of the query".to_owned(),
        Some(Token::Word(text) | Token::Quoted(text) | Token::Operator(text)) => {
            format!("'{text}'")
        }
        Some(Token::Mark(mark)) => format!("'{mark}'"),
    };
    format!("Error in the JQL Query: Expecting {expected} but got {got}.")
}

impl Parser<'_> {
    fn at(&mut self, keyword: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn take(&mut self, keyword: &str) -> bool {
        let taken = self.at(keyword);
        if taken {
            self.tokens.next();
        }
        taken
    }

    fn clauses(&mut self) -> Parsed<Vec<Clause>> {
        let mut clauses = Vec::new();
        if self.tokens.peek().is_none() || self.at("order") {
            return Ok(clauses);
        }
        loop {
            clauses.push(self.clause()?);
            if !self.take("and") {
                break;
            }
        }
        match self.tokens.peek() {
            Some(token) if !is_order(token) => Err(unexpected("'AND' or 'ORDER BY'", Some(token))),
            _ => Ok(clauses),
        }
    }

    fn column(&mut self) -> Parsed<(Column, String)> {
        match self.tokens.next() {
            Some(Token::Word(name) | Token::Quoted(name)) => match Column::named(&name) {
                Some(column) => Ok((column, name)),
                None => Err(format!(
                    "Field '{name}' does not exist or you do not have permission to view it."
                )),
            },
            other => Err(unexpected("a field name", other.as_ref())),
        }
    }

    fn clause(&mut self) -> Parsed<Clause> {
        let (column, name) = self.column()?;
        let test = match self.operator()?.as_str() {
            "=" if !column.is_time() => Test::In(vec![self.value(column, &name)?]),
            "!=" if !column.is_time() => Test::NotIn(vec![self.value(column, &name)?]),
            "in" if !column.is_time() => Test::In(self.values(column, &name)?),
            "not in" if !column.is_time() => Test::NotIn(self.values(column, &name)?),
            operator if column.is_time() => {
                let comparison = match operator {
                    ">=" => Comparison::From,
                    ">" => Comparison::After,
                    "<=" => Comparison::Until,
                    "<" => Comparison::Before,
                    _ => return Err(unsupported(operator, &name)),
                };
                let text = self.literal()?;
                let time = time(&text, self.known.now);
                Test::Time(comparison, time.ok_or_else(|| no_time(&text, &name))?)
            }
            operator => return Err(unsupported(operator, &name)),
        };
        Ok(Clause { column, test })
    }

    fn operator(&mut self) -> Parsed<String> {
        match self.tokens.next() {
            Some(Token::Operator(operator)) => Ok(operator),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("in") => Ok("in".to_owned()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && self.take("in") => {
                Ok("not in".to_owned())
            }
            other => Err(unexpected("an operator", other.as_ref())),
        }
    }

    fn literal(&mut self) -> Parsed<String> {
        match self.tokens.next() {
            Some(Token::Quoted(text)) => Ok(text),
            Some(Token::Word(word)) if KEYWORDS.contains(&word.to_ascii_lowercase().as_str()) => {
                Err(format!(
                    "Error in the JQL Query: '{word}' is a reserved JQL word. You must surround it in quotation marks to use it in a query."
                ))
            }
            Some(Token::Word(word)) => Ok(word),
            other => Err(unexpected("a value", other.as_ref())),
        }
    }

    fn value(&mut self, column: Column, field: &str) -> Parsed<String> {
        let value = self.literal()?;
        let absent = || format!("The value '{value}' does not exist for the field '{field}'.");
        match column {
            Column::Project => (self.known.project)(&value).ok_or_else(absent),
            Column::Status => (self.known.status)(&value).ok_or_else(absent),
            Column::Key if !(self.known.is_key)(&value) => Err(format!(
                "An issue with key '{value}' does not exist for field '{field}'."
            )),
            _ => Ok(value),
        }
    }

    fn values(&mut self, column: Column, field: &str) -> Parsed<Vec<String>> {
        let mut values = Vec::new();
        match self.tokens.next() {
            Some(Token::Mark('(')) => {}
            other => return Err(unexpected("'('", other.as_ref())),
        }
        loop {
            values.push(self.value(column, field)?);
            match self.tokens.next() {
                Some(Token::Mark(',')) => {}
                Some(Token::Mark(')')) => return Ok(values),
                other => return Err(unexpected("',' or ')'", other.as_ref())),
            }
        }
    }

    fn order(&mut self) -> Parsed<Vec<(Column, Direction)>> {
        let mut order = Vec::new();
        if !self.take("order") {
            return Ok(order);
        }
        if !self.take("by") {
            return Err(unexpected("'by'", self.tokens.next().as_ref()));
        }
        loop {
            let (column, name) = self.column()?;
            if !(column.is_time() || column == Column::Key) {
                return Err(format!("Field '{name}' cannot be sorted by here."));
            }
            let descending = self.take("desc");
            let direction = if descending || (!self.take("asc") && column.is_time()) {
                Direction::Descending
            } else {
                Direction::Ascending
            };
            order.push((column, direction));
            match self.tokens.next() {
                None => return Ok(order),
                Some(Token::Mark(',')) => {}
                other => return Err(unexpected("','", other.as_ref())),
            }
        }
    }
}

fn is_order(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("order"))
}

fn unsupported(operator: &str, field: &str) -> String {
    format!("The operator '{operator}' is not supported by the '{field}' field.")
}

fn no_time(value: &str, field: &str) -> String {
    format!(
        "Date value '{value}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    fn parsed(jql: &str) -> Parsed<Jql> {
        let known = Vocabulary {
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            project: &|key| (key == "OPS").then(|| "10000".to_owned()),
            status: &|name| (name == "To Do").then(|| "1".to_owned()),
            is_key: &|key| key.starts_with("OPS-"),
        };
        parse(jql, &known)
    }

    #[test]
    fn the_queries_a_synchroniser_asks_pass() {
        for jql in [
            "project = OPS",
            "project=OPS AND labels = \"im-7\" order by key",
            "key in (OPS-1, 'OPS-2') AND status != \"To Do\"",
            "updated >= \"2026-01-02 03:04\" ORDER BY updated ASC, key DESC",
            "project = OPS and updated >= -10m",
            "project = OPS AND created < '2026/01/02'",
            "labels not in (a, b)",
        ] {
            assert!(parsed(jql).is_ok(), "{jql}: {:?}", parsed(jql));
        }
        let jql = parsed("updated >= '2026-01-02 03:04'").unwrap();
        let time = "2026-01-02T03:04:00Z".parse().unwrap();
        assert_eq!(jql.clauses[0].test, Test::Time(Comparison::From, time));
    }

    #[test]
    fn the_others_are_refused_in_words() {
        for (jql, words) in [
            ("", "Unbounded"),
            ("order by created", "Unbounded"),
            ("project = NOPE", "The value 'NOPE' does not exist"),
            ("status = Gone", "The value 'Gone' does not exist"),
            (
                "key = OTHER-1",
                "An issue with key 'OTHER-1' does not exist",
            ),
            ("universe = 42", "Field 'universe' does not exist"),
            ("project OPS", "Expecting an operator but got 'OPS'"),
            ("project =", "Expecting a value but got the end"),
            ("project = OPS labels = x", "Expecting 'AND' or 'ORDER BY'"),
            (
                "project = OPS OR labels = x",
                "Expecting 'AND' or 'ORDER BY'",
            ),
            ("project = OPS AND", "Expecting a field name"),
            ("labels = im/7", "reserved JQL character"),
            ("labels = order", "reserved JQL word"),
            ("labels = \"im", "has not been completed"),
            ("project > OPS", "operator '>' is not supported"),
            ("updated = '2026-01-02'", "operator '=' is not supported"),
            ("updated >= '2026-01-02T03:04:05Z'", "Date value"),
            ("updated >= '2026-01-02 03:04:05'", "Date value"),
            ("project = OPS order by status", "cannot be sorted"),
            ("project = OPS order by key sideways", "Expecting ','"),
        ] {
            let error = parsed(jql).unwrap_err();
            assert!(error.contains(words), "{jql}: {error}");
        }
    }
}
