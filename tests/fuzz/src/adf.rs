//! What the conversion between ADF and text promises of any document and any text.

use im_vendors::jira::adf::{from_markdown, normal_form, to_markdown};
use serde_json::Value;

use crate::feed::Feed;

/// A text, or a document.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    if feed.byte() % 2 == 0 {
        let text = String::from_utf8_lossy(feed.rest()).into_owned();
        let normal = normal_form(&text);
        assert_eq!(from_markdown(&normal), from_markdown(&text));
        assert_eq!(normal_form(&normal), normal);
    } else if let Ok(document) = serde_json::from_slice::<Value>(feed.rest()) {
        let text = to_markdown(&document);
        assert_eq!(to_markdown(&from_markdown(&text)), text);
    }
}
