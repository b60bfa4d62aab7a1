//! The text that a listing goes on from: another process reads it, perhaps of a later version.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{VendorError, exchange};

/// As JSON. A form that changes gets a further name; what has another one is refused.
#[derive(Serialize, Deserialize)]
#[serde(tag = "form", content = "place")]
enum Cursor<P> {
    #[serde(rename = "1")]
    First(P),
}

/// Writes the place where a listing goes on.
pub(crate) fn written<P: Serialize>(place: P) -> Result<String, VendorError> {
    let text = serde_json::to_string(&Cursor::First(place));
    text.map_err(|error| exchange::unsendable(TRIED, &error.to_string()))
}

/// Reads it; `None` where the listing begins.
pub(crate) fn read<P: DeserializeOwned>(after: Option<&str>) -> Result<Option<P>, VendorError> {
    let Some(text) = after else { return Ok(None) };
    match serde_json::from_str(text) {
        Ok(Cursor::First(place)) => Ok(Some(place)),
        Err(_) => Err(no_place()),
    }
}

/// What was given is no place that this listing can go on from.
pub(crate) fn no_place() -> VendorError {
    let detail = "its place was not written by this version: start the listing anew";
    exchange::unsendable(TRIED, detail)
}

const TRIED: &str = "going on with a listing";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VendorErrorKind;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let text = written((7, "a")).expect("a text");
        let place: Option<(u8, String)> = read(Some(&text)).expect("a place");
        assert_eq!(place, Some((7, "a".to_owned())));
        assert_eq!(read::<u8>(None), Ok(None));
        let later = text.replace(r#""1""#, r#""2""#);
        for bad in ["", "null", "7", "{}", later.as_str(), &text[1..]] {
            let error = read::<(u8, String)>(Some(bad)).expect_err("refused");
            assert_eq!(error.kind, VendorErrorKind::Unsendable { field: None });
            assert!(error.is_permanent(), "{bad}");
        }
    }
}
