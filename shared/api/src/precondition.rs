//! `ETag` and `If-Match`: a resource's entity tag is its revision.

use http::{HeaderMap, HeaderValue, header};

use crate::Problem;

/// Revisions start at 1: a tag that can never be a revision stands for this one, and matches nothing.
const NEVER: u64 = 0;

/// The entity tag of a revision.
pub(crate) fn etag(revision: u64) -> HeaderValue {
    let tag = format!("\"{revision}\"");
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The revision that the caller has seen, if it names one. `*` is any.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut all = headers.get_all(header::IF_MATCH).iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    let text = first
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|_| all.next().is_none());
    match text {
        Some("*") => Ok(None),
        Some(text) => revision(text).map(Some).ok_or_else(malformed),
        None => Err(malformed()),
    }
}

/// The revision of one entity tag; `None` if it is not one entity tag.
fn revision(text: &str) -> Option<u64> {
    // Comparison is strong: a weak tag is an entity tag, but matches nothing.
    let (is_weak, quoted) = match text.strip_prefix("W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let tag = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !tag
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"')
    {
        return None;
    }
    let revision = tag
        .parse()
        .ok()
        .filter(|revision: &u64| revision.to_string() == tag);
    Some(revision.filter(|_| !is_weak).unwrap_or(NEVER))
}

fn malformed() -> Problem {
    Problem::malformed("If-Match must be the ETag of one answer, e.g. \"3\" with its quotes, or *.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Result<Option<u64>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, HeaderValue::from_static(value));
        }
        if_match(&headers).map_err(|problem| problem.status())
    }

    #[test]
    fn an_etag_is_understood_when_it_comes_back() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, etag(42));
        assert_eq!(if_match(&headers), Ok(Some(42)));
    }

    #[test]
    fn what_if_match_may_be() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(None));
        for no_match in [
            "W/\"3\"",
            "\"abc\"",
            "\"03\"",
            "\"+3\"",
            "\"\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(read(&[no_match]), Ok(Some(NEVER)), "{no_match}");
        }
        for malformed in [
            "",
            "3",
            "\"3",
            "3\"",
            "\"",
            "\"3\", \"4\"",
            "w/\"3\"",
            "\"a b\"",
        ] {
            assert_eq!(read(&[malformed]), Err(400), "{malformed}");
        }
        assert_eq!(read(&["\"3\"", "\"4\""]), Err(400));
    }
}
