//! Query parameters and pages.

use http::Uri;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::parameters::Parameters;

/// The parameters of a query, decoded.
pub(crate) struct Query(Parameters);

/// A part of a list.
pub(crate) struct Page<'a, T> {
    pub(crate) rows: &'a [T],
    pub(crate) start: usize,
    pub(crate) size: usize,
    pub(crate) total: usize,
}

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(Parameters::parse(
            uri.query().unwrap_or_default().as_bytes(),
        ))
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.one(name)
    }

    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.0.list(name)
    }

    pub(crate) fn says(&self, name: &str) -> bool {
        self.one(name) == Some("true")
    }

    /// Whether `expand` names this.
    pub(crate) fn expands(&self, name: &str) -> bool {
        let expand = self.one("expand").unwrap_or_default();
        expand.split(',').any(|part| part.trim() == name)
    }

    pub(crate) fn number(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        self.one(name).map_or(Ok(default), |text| {
            let number = text.parse();
            number.map_err(|_| Refusal::invalid(format!("{name} is not a number: {text}")))
        })
    }

    /// `startAt` and `maxResults` of a list; more than `most` are not given at once.
    pub(crate) fn page<'a, T>(
        &self,
        all: &'a [T],
        default: usize,
        most: usize,
    ) -> Result<Page<'a, T>, Refusal> {
        let start = self.number("startAt", 0)?;
        let size = self.number("maxResults", default)?.min(most);
        let rest = all.get(start..).unwrap_or_default();
        Ok(Page {
            rows: rest.get(..size).unwrap_or(rest),
            start,
            size,
            total: all.len(),
        })
    }
}

impl<T> Page<'_, T> {
    /// `{self, maxResults, startAt, total, isLast, values}`.
    pub(crate) fn values(&self, link: &str, render: impl Fn(&T) -> Value) -> Value {
        let at = |start: usize| format!("{link}?maxResults={}&startAt={start}", self.size);
        let next = self.start + self.rows.len();
        let is_last = next >= self.total;
        let mut page = json!({
            "self": at(self.start),
            "maxResults": self.size,
            "startAt": self.start,
            "total": self.total,
            "isLast": is_last,
            "values": self.rows.iter().map(render).collect::<Vec<_>>(),
        });
        if !is_last {
            page["nextPage"] = json!(at(next));
        }
        page
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    fn values(query: &str) -> Value {
        let uri: Uri = format!("/x?{query}").parse().unwrap();
        let all: Vec<u8> = (0..5).collect();
        let page = Query::of(&uri);
        let page = page.page(&all, 2, 3).unwrap();
        page.values("http://jira/x", |row| json!(row))
    }

    #[test]
    fn pages_say_where_the_next_one_starts() {
        let first = values("");
        assert_eq!(first["values"], json!([0, 1]));
        assert_eq!(first["nextPage"], "http://jira/x?maxResults=2&startAt=2");
        let last = values("startAt=3&maxResults=100");
        assert_eq!(last["values"], json!([3, 4]));
        assert_eq!(last["maxResults"], 3);
        assert_eq!(
            (&last["isLast"], &last["nextPage"]),
            (&json!(true), &json!(null))
        );
        assert_eq!(values("startAt=9")["values"], json!([]));
    }
}
