//! Identifiers. Each parses what it accepts and says why it refuses.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    value: String,
    rule: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the identifier.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    let value = text.chars().take(80).collect();
                    Err(InvalidId { kind: $kind, value, rule: $rule })
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_opaque(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text
            .chars()
            .all(|c| !c.is_control() && !c.is_whitespace() && c != '#')
}

id!(
    /// One configured connection to one external system, e.g. `prod-snow`.
    IntegrationId, "integration id",
    "1 to 63 of a-z, 0-9 and -, not starting or ending with -",
    is_slug
);
id!(
    /// The tenant that incidents and integrations belong to.
    OrganizationId, "organization id",
    "1 to 63 of a-z, 0-9 and -, not starting or ending with -",
    is_slug
);
id!(
    /// The vendor's own id of a ticket: opaque to us.
    ExternalId, "external id",
    "1 to 128 characters without spaces, control characters or #",
    |text| is_opaque(text, 128)
);
id!(
    /// The vendor's own id of a webhook delivery; constant across its redeliveries.
    DeliveryId, "delivery id",
    "1 to 256 characters without spaces, control characters or #",
    |text| is_opaque(text, 256)
);
id!(
    /// Who did something: a token's subject, or a vendor's user.
    ActorId, "actor",
    "1 to 256 characters without control characters",
    |text| (1..=256).contains(&text.len()) && !text.chars().any(char::is_control)
);
id!(
    /// A caller's own name for one request to create something, so that it can be sent again.
    IdempotencyKey, "idempotency key",
    "1 to 128 printable ASCII characters without spaces or #",
    |text| is_opaque(text, 128) && text.is_ascii()
);
id!(
    /// A note's id where it was written first: opaque to us.
    NoteId, "note id",
    "1 to 160 characters without spaces, control characters or #",
    |text| is_opaque(text, 160)
);
id!(
    /// The platform's incident, `INC-` and a ULID, so that ids sort by creation.
    IncidentId, "incident id",
    "INC- followed by a ULID in upper case",
    |text| is_ulid_after("INC-", text)
);

id!(
    /// A conflict, `CON-` and a ULID, so that ids sort by when it was found.
    ConflictId, "conflict id",
    "CON- followed by a ULID in upper case",
    |text| is_ulid_after("CON-", text)
);

id!(
    /// What is dead of one link, `DLQ-` and 26 characters. The same link's is always the same.
    DeadLetterId, "dead letter id",
    "DLQ- followed by 26 characters in upper case",
    |text| is_ulid_after("DLQ-", text)
);

id!(
    /// A reconciliation run, `RUN-` and a ULID, so that ids sort by when it was asked for.
    RunId, "run id",
    "RUN- followed by a ULID in upper case",
    |text| is_ulid_after("RUN-", text)
);

id!(
    /// An entry of the audit, `AUD-` and a ULID, so that ids sort by when it was made.
    AuditId, "audit id",
    "AUD- followed by a ULID in upper case",
    |text| is_ulid_after("AUD-", text)
);

fn is_ulid_after(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|ulid| {
        ulid.len() == 26
            && ulid
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            && ulid::Ulid::from_string(ulid).is_ok()
    })
}

impl ConflictId {
    /// The conflict id that a ULID stands for.
    pub fn from_ulid(ulid: ulid::Ulid) -> Self {
        Self(format!("CON-{ulid}"))
    }
}

impl AuditId {
    /// The audit id that a ULID stands for.
    pub fn from_ulid(ulid: ulid::Ulid) -> Self {
        Self(format!("AUD-{ulid}"))
    }
}

impl RunId {
    /// The run id that a ULID stands for.
    pub fn from_ulid(ulid: ulid::Ulid) -> Self {
        Self(format!("RUN-{ulid}"))
    }
}

impl DeadLetterId {
    /// The entry of whatever these parts name together: an integration, and an incident or a record.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
            // No id holds it: where one part ends stays plain.
            hash.update([b'#']);
        }
        let full = hash.finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Self(format!("DLQ-{}", ulid::Ulid(u128::from_be_bytes(short))))
    }
}

impl IncidentId {
    /// The incident id that a ULID stands for.
    pub fn from_ulid(ulid: ulid::Ulid) -> Self {
        Self(format!("INC-{ulid}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_accept_what_they_say_and_refuse_the_rest() {
        assert!(IntegrationId::parse("prod-snow").is_ok());
        for bad in ["", "Prod", "-a", "a-", "a_b", &"a".repeat(64)] {
            assert!(IntegrationId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ExternalId::parse("PGR0VU2").is_ok());
        for bad in ["", "a#b", "a b", "a\n", &"a".repeat(129)] {
            assert!(ExternalId::parse(bad).is_err(), "{bad:?}");
        }
        let id = IncidentId::from_ulid(ulid::Ulid(7));
        assert_eq!(IncidentId::parse(id.as_str()), Ok(id));
        for bad in [
            "INC-1",
            "INC-",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "INC-01arz3ndektsv4rrffq69g5fav",
        ] {
            assert!(IncidentId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_same_link_has_the_same_dead_letter_and_no_other_has() {
        let id = DeadLetterId::of(&["pd", "INC-1"]);
        assert_eq!(DeadLetterId::parse(id.as_str()), Ok(id.clone()));
        assert_eq!(id, DeadLetterId::of(&["pd", "INC-1"]));
        assert_ne!(id, DeadLetterId::of(&["pdI", "NC-1"]));
    }

    #[test]
    fn a_refusal_names_what_was_refused_and_why() {
        let error = IntegrationId::parse("Prod SNOW").expect_err("upper case and a space");
        assert_eq!(
            error.to_string(),
            "integration id \"Prod SNOW\" is not valid: 1 to 63 of a-z, 0-9 and -, not starting or ending with -"
        );
    }
}
