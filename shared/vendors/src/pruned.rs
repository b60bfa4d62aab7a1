//! JSON of which only what is asked for is kept. A vendor's webhook has its whole record in it, of which a few ids and
//! times are read: the rest is passed over without memory for it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// What is kept. Nothing is refused for its shape: of what has another one, what it has of this is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    /// A text, a number, a truth; of an object or an array only that it is one.
    Scalar,
    /// Of an object, these members.
    Members(&'static [(&'static str, Kept)]),
    /// Of an array, this of each item.
    Each(&'static Kept),
}

impl Kept {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no JSON. What is passed over is looked at for that, too, but need not be UTF-8.
    pub(crate) fn of(self, text: &[u8]) -> Result<Json, serde_json::Error> {
        let mut text = serde_json::Deserializer::from_slice(text);
        let kept = self.deserialize(&mut text)?;
        text.end().map(|()| kept)
    }
}

impl<'de> DeserializeSeed<'de> for Kept {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Json, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(truth.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let asked_for = match self {
            Self::Members(asked_for) => asked_for,
            Self::Scalar | Self::Each(_) => &[],
        };
        let mut object = Map::new();
        while let Some(member) = members.next_key_seed(OneOf(asked_for))? {
            match member {
                Some((name, kept)) => {
                    object.insert((*name).to_owned(), members.next_value_seed(*kept)?);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Json::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        if let Self::Each(kept) = self {
            while let Some(item) = items.next_element_seed(*kept)? {
                array.push(item);
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Array(array))
    }
}

/// A member's name, if it is asked for.
struct OneOf(&'static [(&'static str, Kept)]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = Option<&'static (&'static str, Kept)>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = Option<&'static (&'static str, Kept)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(asked_for, _)| *asked_for == name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const KEPT: Kept = Kept::Members(&[
        ("a", Kept::Scalar),
        ("b", Kept::Members(&[("a", Kept::Scalar)])),
        ("c", Kept::Each(&Kept::Members(&[("a", Kept::Scalar)]))),
    ]);

    fn pruned(text: &str) -> Result<Json, serde_json::Error> {
        KEPT.of(text.as_bytes())
    }

    /// The same by reading all first.
    fn cut(kept: Kept, json: &Json) -> Json {
        match (kept, json) {
            (Kept::Members(asked_for), Json::Object(all)) => {
                let member = |(name, kept): &(&str, Kept)| {
                    Some(((*name).to_owned(), cut(*kept, all.get(*name)?)))
                };
                Json::Object(asked_for.iter().filter_map(member).collect())
            }
            (Kept::Each(kept), Json::Array(all)) => {
                all.iter().map(|item| cut(*kept, item)).collect()
            }
            (_, Json::Object(_)) => json!({}),
            (_, Json::Array(_)) => json!([]),
            (_, scalar) => scalar.clone(),
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let scalar = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            (-1e9..1e9).prop_map(Json::from),
            ".*".prop_map(Json::from),
        ];
        scalar.prop_recursive(4, 64, 5, |inner| {
            let members = prop::collection::btree_map("[a-d]", inner.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Json::from),
                members.prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_asked_for_is_what_reading_all_would_have_found(json in any_json()) {
            prop_assert_eq!(pruned(&json.to_string()).expect("JSON"), cut(KEPT, &json));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_wherever_it_stands() {
        for text in [
            "",
            "{",
            r#"{"d":}"#,
            r#"{"d":[1,]}"#,
            r#"{"a":1}}"#,
            r#"{"d":"\x"}"#,
        ] {
            assert!(pruned(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_passed_over_may_be_cut_within_a_character() {
        let cut = b"{\"d\":\"\xC3\",\"e\":\"\\ud83d\",\"a\":\"b\"}";
        assert_eq!(KEPT.of(cut).expect("JSON"), json!({"a": "b"}));
        assert!(KEPT.of(b"{\"a\":\"\xC3\"}").is_err(), "what is kept");
    }

    #[test]
    fn what_is_passed_over_may_be_deep_or_too_large_a_number() {
        let deep = format!(
            r#"{{"d":{}1e999{},"a":"b"}}"#,
            "[".repeat(9999),
            "]".repeat(9999)
        );
        assert_eq!(pruned(&deep).expect("JSON"), json!({"a": "b"}));
    }
}
