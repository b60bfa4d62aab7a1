//! The query string hash: which request an Atlassian token was made for.
//!
//! The hex SHA-256 of `METHOD&path&query`, each in a canonical form (FACTS.md, "qsh"; Atlassian's "Query string hash"
//! page). Neither headers nor the body are part of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The hash in lower-case hex. `path` is relative to the app's base URL and hashed as it is written, `query` is raw:
/// still percent-encoded, without the `?`.
pub(super) fn hash(method: &str, path: &str, query: Option<&str>) -> String {
    hex::encode(Sha256::digest(canonical_request(method, path, query)))
}

fn canonical_request(method: &str, path: &str, query: Option<&str>) -> String {
    let method = method.to_ascii_uppercase();
    let path = canonical_path(path);
    let query = canonical_query(query.unwrap_or_default());
    format!("{method}&{path}&{query}")
}

/// Starts with `/`, and ends with one only if there is nothing else. A literal `&` would let a part of the path pass
/// for a part of the query.
fn canonical_path(path: &str) -> String {
    let path = path.trim_end_matches('/').replace('&', "%26");
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

/// Sorted by encoded key; the values of a repeated key sorted, too, and joined with an unencoded `,`. The token itself
/// may be a parameter, and cannot contain its own hash.
fn canonical_query(query: &str) -> String {
    let mut parameters = BTreeMap::<String, Vec<String>>::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let (key, value) = (encoded(&decoded(key)), encoded(&decoded(value)));
        if key != "jwt" {
            parameters.entry(key).or_default().push(value);
        }
    }
    let parameters = parameters.into_iter().map(|(key, mut values)| {
        values.sort_unstable();
        format!("{key}={}", values.join(","))
    });
    parameters.collect::<Vec<_>>().join("&")
}

/// Bytes, since what is percent-encoded need not be UTF-8. A `%` that begins no escape stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|digits| hex::decode(digits).ok());
        rest = match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.extend(byte);
                &after[2..]
            }
            _ => {
                bytes.push(if first == b'+' { b' ' } else { first });
                after
            }
        };
    }
    bytes
}

/// RFC 3986: all but the unreserved characters, in upper-case hex.
fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Both of FACTS.md.
    #[test]
    fn the_documented_examples_hash_as_documented() {
        assert_eq!(
            hash("POST", "/something", Some("simple=key")),
            "eafb48e8c78a5b09bc2ce7b0b86289ee4a7bd58179e47006d0141b33d5165af7"
        );
        assert_eq!(
            hash("POST", "/hello-world", None),
            "6f95f3738e1b037a3bebbe0ad237d80fdbc1d5ae452e98ce03a9c004c178ebb4"
        );
    }

    // The example of Atlassian's JwtConstants.
    #[test]
    fn the_example_of_the_java_library_is_canonicalised_as_documented() {
        let query =
            "zee_last=param&repeated=parameter+1&first=param&repeated=parameter%202&jwt=a.b.c";
        assert_eq!(
            canonical_request("get", "/path/to/service", Some(query)),
            "GET&/path/to/service&first=param&repeated=parameter%201,parameter%202&zee_last=param"
        );
    }

    #[test]
    fn queries_have_one_form() {
        for (query, canonical) in [
            ("", ""),
            ("&&", ""),
            ("a=1&&b=2", "a=1&b=2"),
            ("b=2&a=1", "a=1&b=2"),
            ("a", "a="),
            ("a=", "a="),
            ("=a", "=a"),
            ("a=b=c", "a=b%3Dc"),
            ("a=x+y", "a=x%20y"),
            ("a=x%20y", "a=x%20y"),
            ("a=x%2By", "a=x%2By"),
            ("a=*~-._", "a=%2A~-._"),
            ("a=%2a%7e%2D%2e%5f", "a=%2A~-._"),
            ("a=%41%62c", "a=Abc"),
            ("%61=1", "a=1"),
            ("a=2&a=1&a=10", "a=1,10,2"),
            ("a=1&%61=0", "a=0,1"),
            ("a=1,2", "a=1%2C2"),
            ("a=%26b%3D", "a=%26b%3D"),
            ("a=caf%c3%a9", "a=caf%C3%A9"),
            ("a=café", "a=caf%C3%A9"),
            ("%e2%82%ac=%f0%9f%98%80", "%E2%82%AC=%F0%9F%98%80"),
            ("a=%ff", "a=%FF"),
            ("a=100%", "a=100%25"),
            ("a=%zz%4", "a=%25zz%254"),
            ("a=%+1", "a=%25%201"),
            ("jwt=x", ""),
            ("a=1&jwt=x&b=2&jwt=y", "a=1&b=2"),
            ("%6Awt=x", ""),
            ("JWT=x&jwtx=1", "JWT=x&jwtx=1"),
            ("A=1&a=1&B=1", "A=1&B=1&a=1"),
        ] {
            assert_eq!(canonical_query(query), canonical, "{query}");
        }
    }

    #[test]
    fn paths_have_one_form() {
        for (path, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/issue", "/issue"),
            ("/issue/", "/issue"),
            ("issue", "/issue"),
            ("/a&b", "/a%26b"),
            ("/a%26b", "/a%26b"),
            ("/a%20b/%C3%A9", "/a%20b/%C3%A9"),
            ("/é", "/é"),
        ] {
            assert_eq!(canonical_path(path), canonical, "{path}");
        }
    }

    #[test]
    fn method_path_and_query_all_count() {
        let one = hash("POST", "/webhooks/jira/prod", Some("a=1"));
        assert_eq!(one, hash("post", "/webhooks/jira/prod/", Some("a=1&jwt=t")));
        for other in [
            hash("PUT", "/webhooks/jira/prod", Some("a=1")),
            hash("POST", "/webhooks/jira/test", Some("a=1")),
            hash("POST", "/webhooks/jira/prod", Some("a=2")),
            hash("POST", "/webhooks/jira/prod", None),
            hash("POST", "/webhooks/jira/prod&a=1", None),
            hash("POST", "/webhooks/jira/prod", Some("a=1&a=1")),
        ] {
            assert_ne!(one, other);
        }
    }

    proptest! {
        /// A canonical query differs from a raw one only in the comma that joins repeated values.
        #[test]
        fn any_query_has_a_form_that_is_its_own(query in "[ -~é€]{0,40}") {
            let canonical = canonical_query(&query);
            prop_assert!(canonical.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%=&,".contains(&byte)));
            if !canonical.contains(',') {
                prop_assert_eq!(canonical_query(&canonical), canonical);
            }
        }
    }
}
