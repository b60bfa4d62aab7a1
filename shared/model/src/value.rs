//! Values of a field, one type per side, and their digests.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A field's content: text, or empty. An empty text is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Option<String>")]
pub struct Value(Option<String>);

impl Value {
    /// The empty value.
    pub const EMPTY: Self = Self(None);

    /// A text; an empty one is [`Value::EMPTY`].
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self((!text.is_empty()).then_some(text))
    }

    /// The text, unless empty.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::EMPTY, Self::text)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "{text:?}"),
            None => f.write_str("(empty)"),
        }
    }
}

macro_rules! side {
    ($(#[$doc:meta])* $name:ident, $tag:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Value);

        impl $name {
            /// The empty value of this side.
            pub const EMPTY: Self = Self(Value::EMPTY);

            /// A text of this side; an empty one is empty.
            pub fn text(text: impl Into<String>) -> Self {
                Self(Value::text(text))
            }

            /// The text, unless empty.
            pub fn as_str(&self) -> Option<&str> {
                self.0.as_str()
            }

            /// True if there is nothing in it.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// What the base remembers of it.
            pub fn digest(&self) -> Digest {
                Digest::of($tag, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

side!(
    /// What the platform holds.
    PlatformValue, b"platform"
);
side!(
    /// What the vendor holds, raw: before any value map.
    ExternalValue, b"external"
);

/// 128 bits of SHA-256 over a value and its side: enough to compare, too little to store a description in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    fn of(side: &[u8], value: &Value) -> Self {
        let mut hash = Sha256::new();
        hash.update(side);
        match value.as_str() {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update(text.as_bytes());
            }
        }
        let full = hash.finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Self(short)
    }
}

impl Digest {
    /// Half of it, for sets that hold very many.
    pub fn leading_bits(self) -> u64 {
        let mut half = [0; 8];
        half.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(half)
    }
}

impl TryFrom<String> for Digest {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        hex::encode(digest.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_tell_sides_values_and_emptiness_apart() {
        let high = PlatformValue::text("high").digest();
        assert_eq!(high, PlatformValue::text("high").digest());
        assert_ne!(high, PlatformValue::text("low").digest());
        assert_ne!(high, ExternalValue::text("high").digest());
        assert_ne!(
            PlatformValue::EMPTY.digest(),
            PlatformValue::text("\0").digest()
        );
        assert_eq!(
            PlatformValue::text("").digest(),
            PlatformValue::EMPTY.digest()
        );
    }
}
