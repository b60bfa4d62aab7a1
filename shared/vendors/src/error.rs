//! What can go wrong with a vendor, and whether waiting helps.

use std::fmt;

use im_model::Field;
use jiff::SignedDuration;

/// A call to a vendor that failed: what was tried, on what, and what came back. Never a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorError {
    /// Method and path, e.g. `PUT /incidents/PGR0VU2`.
    pub tried: String,
    /// What kind of failure.
    pub kind: VendorErrorKind,
    /// The vendor's own words, shortened.
    pub detail: String,
}

/// Kinds of [`VendorError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorErrorKind {
    /// 401: the credentials are wrong or revoked.
    Unauthorized,
    /// 403: the account may not do this.
    Forbidden,
    /// 404: there is no such record.
    NotFound,
    /// Any other 4xx: the request can never succeed as it is.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The vendor's own error code, if it gives one.
        code: Option<i64>,
    },
    /// 429.
    RateLimited {
        /// How long the vendor asks us to wait, if it says.
        retry_after: Option<SignedDuration>,
    },
    /// 5xx.
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// No answer in time: a write may or may not have happened.
    Timeout,
    /// No connection: nothing happened.
    Unreachable,
    /// Where requests may not go: nothing was sent.
    OutOfReach,
    /// 3xx: it was not followed, for it could lead anywhere, with our credentials.
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// An answer that is not what the vendor's API promises.
    Garbage,
    /// Something the vendor needs is not configured, or the value can never be sent.
    Unsendable {
        /// The field, if it is about one.
        field: Option<Field>,
    },
}

impl VendorError {
    /// True if the same request cannot succeed by waiting (design section 5).
    pub fn is_permanent(&self) -> bool {
        matches!(
            self.kind,
            VendorErrorKind::Forbidden
                | VendorErrorKind::NotFound
                | VendorErrorKind::Refused { .. }
                | VendorErrorKind::Unsendable { .. }
                | VendorErrorKind::OutOfReach
                // For good, says the vendor; other redirects may be a maintenance page.
                | VendorErrorKind::Redirected { status: 301 | 308 }
        )
    }

    /// What the operator can do.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            VendorErrorKind::Unauthorized => "check the integration's credentials",
            VendorErrorKind::Forbidden => "give the integration's account the permission it lacks",
            VendorErrorKind::NotFound => "the record is gone or hidden from the account",
            VendorErrorKind::Refused { .. } | VendorErrorKind::Unsendable { .. } => {
                "change the value or the integration's configuration, then retry"
            }
            VendorErrorKind::OutOfReach => {
                "correct the integration's base_url: it must lead to the public internet"
            }
            VendorErrorKind::Redirected { .. } => {
                "redirects are not followed; correct the integration's base_url"
            }
            VendorErrorKind::RateLimited { .. } => "it is retried when the vendor allows it",
            VendorErrorKind::Unavailable { .. }
            | VendorErrorKind::Timeout
            | VendorErrorKind::Unreachable
            | VendorErrorKind::Garbage => "it is retried; check the vendor's status and base_url",
        }
    }
}

impl fmt::Display for VendorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.kind {
            VendorErrorKind::Unauthorized => "the credentials were refused (401)".to_owned(),
            VendorErrorKind::Forbidden => "not permitted (403)".to_owned(),
            VendorErrorKind::NotFound => "not found (404)".to_owned(),
            VendorErrorKind::Refused {
                status,
                code: Some(code),
            } => {
                format!("refused ({status}, code {code})")
            }
            VendorErrorKind::Refused { status, code: None } => format!("refused ({status})"),
            VendorErrorKind::RateLimited {
                retry_after: Some(wait),
            } => {
                format!("rate limited (429), wait {} s", wait.as_secs())
            }
            VendorErrorKind::RateLimited { retry_after: None } => "rate limited (429)".to_owned(),
            VendorErrorKind::Unavailable { status } => format!("unavailable ({status})"),
            VendorErrorKind::Timeout => "no answer in time".to_owned(),
            VendorErrorKind::Unreachable => "could not connect".to_owned(),
            VendorErrorKind::OutOfReach => "not sent".to_owned(),
            VendorErrorKind::Redirected { status } => format!("redirected ({status})"),
            VendorErrorKind::Garbage => "an unreadable answer".to_owned(),
            VendorErrorKind::Unsendable { field: Some(field) } => format!("cannot send {field}"),
            VendorErrorKind::Unsendable { field: None } => "cannot be sent".to_owned(),
        };
        write!(f, "{}: {what}", self.tried)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        write!(f, "; {}", self.advice())
    }
}

impl std::error::Error for VendorError {}
