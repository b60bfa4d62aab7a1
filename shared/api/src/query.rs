//! Query parameters: those that a route knows, each at most once, all problems at once.

use std::collections::BTreeMap;

use http::Uri;
use im_engine::manage::FieldProblem;
use url::form_urlencoded;

use crate::{Problem, body::shortened};

/// How much of a list is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) cursor: Option<String>,
    pub(crate) limit: u16,
}

impl Slice {
    /// What every list accepts.
    pub(crate) const NAMES: [&str; 2] = ["limit", "cursor"];

    const DEFAULT_LIMIT: u16 = 50;
    const MOST: u16 = 100;
    const LONGEST_CURSOR: usize = 2048;

    /// Can this be what a list has answered with?
    pub(crate) fn is_cursor(text: &str) -> bool {
        (1..=Self::LONGEST_CURSOR).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// Takes parameters one by one and collects what is wrong with them.
pub(crate) struct Query {
    left: BTreeMap<String, String>,
    problems: Vec<FieldProblem>,
}

impl Query {
    /// The parameters of a request.
    pub(crate) fn of(uri: &Uri) -> Self {
        let mut query = Self {
            left: BTreeMap::new(),
            problems: Vec::new(),
        };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if query
                .left
                .insert(name.clone().into_owned(), value.into_owned())
                .is_some()
            {
                query.refuse(&name, "is given more than once");
            }
        }
        query
    }

    /// Refuses a request that has any: the route knows none.
    pub(crate) fn none(uri: &Uri) -> Result<(), Problem> {
        Self::of(uri).finish(&[])
    }

    /// Takes a parameter and parses it; the parser says what it must be.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.left.remove(name)?;
        parse(&value)
            .map_err(|problem| self.refuse(name, problem))
            .ok()
    }

    /// The same, for one that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.left.contains_key(name) {
            self.refuse(name, "is required");
        }
        self.parsed(name, parse)
    }

    /// Takes `limit` and `cursor`.
    pub(crate) fn slice(&mut self) -> Slice {
        let limit = self.parsed("limit", |text| {
            let limit = text
                .parse()
                .ok()
                .filter(|limit| (1..=Slice::MOST).contains(limit));
            limit.ok_or_else(|| format!("must be a number from 1 to {}", Slice::MOST))
        });
        Slice {
            cursor: self.cursor(),
            limit: limit.unwrap_or(Slice::DEFAULT_LIMIT),
        }
    }

    /// Takes `cursor`.
    pub(crate) fn cursor(&mut self) -> Option<String> {
        self.parsed("cursor", |text| {
            if Slice::is_cursor(text) {
                Ok(text.to_owned())
            } else {
                Err(NOT_A_CURSOR.to_owned())
            }
        })
    }

    /// Ends the reading: what was not taken is unknown. After `Ok` every required parameter is there.
    pub(crate) fn finish(mut self, accepted: &[&str]) -> Result<(), Problem> {
        let expected = match accepted {
            [] => "no parameters".to_owned(),
            names => format!("one of {}", names.join(", ")),
        };
        for name in std::mem::take(&mut self.left).keys() {
            self.refuse(name, format!("unknown; expected {expected}"));
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.problems))
        }
    }

    fn refuse(&mut self, name: &str, problem: impl Into<String>) {
        self.problems
            .push(FieldProblem::new(shortened(name), problem));
    }
}

/// What a cursor must be.
pub(crate) const NOT_A_CURSOR: &str = "must be the value of `next` in an earlier answer";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Slice, Problem> {
        let uri = format!("/api/v1/integrations?{query}")
            .parse()
            .expect("a URI");
        let mut query = Query::of(&uri);
        let slice = query.slice();
        query.finish(&Slice::NAMES)?;
        Ok(slice)
    }

    #[test]
    fn limits_and_cursors() {
        assert_eq!(
            read(""),
            Ok(Slice {
                cursor: None,
                limit: 50
            })
        );
        assert_eq!(
            read("limit=100&cursor=a%2Bb"),
            Ok(Slice {
                cursor: Some("a+b".to_owned()),
                limit: 100
            })
        );
        for bad in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=70000",
        ] {
            let problem = read(bad).expect_err(bad);
            assert_eq!(
                problem.errors(),
                [("limit", "must be a number from 1 to 100")],
                "{bad}"
            );
        }
        for bad in [
            "cursor=",
            "cursor=a%20b",
            "cursor=%00",
            &format!("cursor={}", "a".repeat(2049)),
        ] {
            assert_eq!(
                read(bad).expect_err(bad).errors(),
                [("cursor", NOT_A_CURSOR)],
                "{bad}"
            );
        }
    }

    #[test]
    fn every_bad_parameter_is_named() {
        let problem = read("page=2&limit=0&limit=1000&Limit=3").expect_err("must be refused");
        assert_eq!(problem.status(), 422);
        assert_eq!(
            problem.errors(),
            [
                ("limit", "is given more than once"),
                ("limit", "must be a number from 1 to 100"),
                ("Limit", "unknown; expected one of limit, cursor"),
                ("page", "unknown; expected one of limit, cursor"),
            ]
        );
        let uri = "/api/v1/incidents/x?verbose".parse().expect("a URI");
        let problem = Query::none(&uri).expect_err("must be refused");
        assert_eq!(
            problem.errors(),
            [("verbose", "unknown; expected no parameters")]
        );
    }
}
