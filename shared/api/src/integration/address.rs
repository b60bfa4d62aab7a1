//! Where a vendor's API may be.

use im_vendors::Reach;
use url::{Host, Url};

/// Parses a base URL. Credentials are sent there: it must be https, except on this machine where that is allowed.
pub(super) fn base_url(text: &str, allow_loopback: bool) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("must be an absolute URL: {error}"))?;
    let is_plain_and_local = url.scheme() == "http" && allow_loopback && is_loopback(&url);
    if url.scheme() != "https" && !is_plain_and_local {
        let unless = if allow_loopback {
            " (http only for this machine)"
        } else {
            ""
        };
        return Err(format!("must be an https URL{unless}"));
    }
    if url.host().is_none() {
        return Err("must name a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user or password: they belong in `credentials`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query or fragment".to_owned());
    }
    let reach = if allow_loopback {
        Reach::PublicAndThisMachine
    } else {
        Reach::Public
    };
    if let Some(why) = reach.refuses(&url) {
        return Err(format!("{why}; give the vendor's public address"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_loses_its_trailing_slashes() {
        for (given, kept) in [
            ("https://api.pagerduty.com", "https://api.pagerduty.com/"),
            ("https://api.pagerduty.com/", "https://api.pagerduty.com/"),
            (
                "HTTPS://Example.com:8443/a/b//",
                "https://example.com:8443/a/b",
            ),
        ] {
            assert_eq!(
                base_url(given, false).map(String::from),
                Ok(kept.to_owned())
            );
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only_and_only_where_allowed() {
        for local in [
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:1",
        ] {
            assert!(base_url(local, true).is_ok(), "{local}");
            assert_eq!(
                base_url(local, false).unwrap_err(),
                "must be an https URL",
                "{local}"
            );
        }
        for remote in [
            "http://api.pagerduty.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://0.0.0.0",
            "ftp://localhost",
        ] {
            assert!(base_url(remote, true).is_err(), "{remote}");
        }
    }

    #[test]
    fn what_is_not_public_is_refused_by_its_address_or_name() {
        for inside in [
            "https://127.0.0.1",
            "https://0x7f.1",
            "https://localhost.",
            "https://[::1]",
        ] {
            let why = base_url(inside, false).expect_err(inside);
            assert!(why.contains("that is not public ("), "{why}");
            assert!(base_url(inside, true).is_ok(), "{inside}");
        }
        for inside in [
            "https://10.0.0.1",
            "https://169.254.169.254",
            "https://db.internal",
        ] {
            for allow_loopback in [false, true] {
                let why = base_url(inside, allow_loopback).expect_err(inside);
                assert!(why.ends_with("give the vendor's public address"), "{why}");
            }
        }
    }

    #[test]
    fn what_does_not_belong_into_a_base_url_is_refused() {
        for bad in [
            "",
            "api.pagerduty.com",
            "/v2",
            "https://",
            "https://ann@example.com",
            "https://:secret@example.com",
            "https://example.com?",
            "https://example.com/?a=b",
            "https://example.com#",
            "file:///etc/passwd",
            "mailto:ann@example.com",
        ] {
            let problem = base_url(bad, true).expect_err(bad);
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
