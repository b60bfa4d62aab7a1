//! What a request gives for the parameters of an operation.

use http::HeaderMap;

pub(super) type Pairs = Vec<(String, String)>;

/// The parameters of a request.
pub(super) struct Given {
    path: Pairs,
    pub(super) query: Pairs,
    headers: Pairs,
    has_body: bool,
}

impl Given {
    pub(super) fn new(
        path: Pairs,
        query: Option<&str>,
        headers: &HeaderMap,
        has_body: bool,
    ) -> Self {
        let query = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        };
        Self {
            path,
            query: query.into_owned().collect(),
            headers: headers.iter().map(header).collect(),
            has_body,
        }
    }

    pub(super) fn values(&self, kind: &str, name: &str) -> Vec<&str> {
        let pairs = match kind {
            "path" => &self.path,
            "query" => &self.query,
            "header" => &self.headers,
            _ => return Vec::new(),
        };
        let named = |key: &str| match kind {
            "header" => key.eq_ignore_ascii_case(name),
            _ => key == name,
        };
        let pairs = pairs.iter().filter(|(key, _)| named(key));
        pairs.map(|(_, value)| value.as_str()).collect()
    }

    /// A content type is for a content; files that require it on GET mean nothing by it.
    pub(super) fn demands(&self, kind: &str, name: &str) -> bool {
        self.has_body || kind != "header" || !name.eq_ignore_ascii_case("content-type")
    }
}

/// The values in `path`, if `template` fits it.
pub(super) fn matched(template: &str, path: &str) -> Option<Pairs> {
    let (wanted, given) = (template.split('/'), path.split('/'));
    if wanted.clone().count() != given.clone().count() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, given) in wanted.zip(given) {
        let name = wanted
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(_) if given.is_empty() => return None,
            Some(name) => values.push((name.to_owned(), given.to_owned())),
            None if wanted != given => return None,
            None => {}
        }
    }
    Some(values)
}
