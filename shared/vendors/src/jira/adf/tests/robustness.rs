use super::*;

#[test]
fn anything_is_a_document() {
    assert_eq!(to_markdown(&Value::Null), "");
    assert_eq!(
        to_markdown(&json!("plain *text*\r\n\r\n# b")),
        "plain \\*text\\*\n\n\\# b"
    );
    assert_eq!(to_markdown(&json!({ "type": "doc" })), "");
    assert_eq!(
        to_markdown(&json!({ "type": "doc", "content": [text("a"), text("b")] })),
        "ab"
    );
    assert_eq!(
        to_markdown(&json!({ "type": "doc", "content": 7 })),
        "```json\n7\n```"
    );
    assert_eq!(to_markdown(&json!([1])), "```json\n[1]\n```");
    assert_eq!(to_markdown(&text("a")), "a");
    assert_eq!(
        to_markdown(&document(&[of("listItem", &[])])),
        "```json\n{\"content\":[],\"type\":\"listItem\"}\n```"
    );
    let local = json!({ "type": "paragraph", "attrs": { "localId": "1" }, "content": [text("a"), text(""), { "type": "hardBreak", "attrs": { "text": "\n" } }, text("b\nc")] });
    assert_eq!(to_markdown(&document(&[local])), "a\nb\nc");
    // Styles of whitespace at the edges, and of code.
    assert_eq!(
        to_markdown(&document(&[paragraph(&[
            marked("Note: ", &["strong"]),
            text("x")
        ])])),
        "**Note:** x"
    );
    assert_eq!(
        to_markdown(&document(&[paragraph(&[marked("x", &["code", "strong"])])])),
        "`x`"
    );
}

#[test]
fn depth_is_bounded() {
    let mut list = paragraph(&[text("a")]);
    for _ in 0..40 {
        list = of("bulletList", &[of("listItem", &[list])]);
    }
    let deep = to_markdown(&document(&[list]));
    assert_eq!(normal_form(&deep), deep);
    assert_valid(&from_markdown(&deep));
    for hostile in [
        "> ",
        "- ",
        "1. ",
        "[",
        "**a ",
        "*",
        "_a ",
        "~~",
        "`",
        "\\",
        "<https://",
        "[a](",
        "![",
        "(",
        "> - ",
        "[a](<",
        "h",
    ] {
        let text = hostile.repeat(20_000);
        let normal = normal_form(&text);
        assert_eq!(normal_form(&normal), normal, "{hostile}");
    }
    let nested = format!("{}a{}", "[".repeat(5_000), "](adf:marks?W10)".repeat(5_000));
    assert_eq!(normal_form(&normal_form(&nested)), normal_form(&nested));
    // Deeper than JSON can be read: no text could bring it back.
    let mut value = json!(1);
    for _ in 0..10_000 {
        value = Value::Array(vec![value]);
    }
    let attrs = Value::Object(serde_json::Map::from_iter([("x".to_owned(), value)]));
    let kind = ("type".to_owned(), Value::from("panel"));
    let panel = Value::Object(serde_json::Map::from_iter([
        kind,
        ("attrs".to_owned(), attrs),
    ]));
    assert_eq!(to_markdown(&panel), "```json\n…\n```");
    // Dropping it recurses, too.
    let mut open = vec![panel];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(values) => open.extend(values.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
