use super::*;

#[test]
fn nodes_without_a_form_are_carried_under_what_people_see_of_them() {
    let node = |kind: &str, attrs: Value| json!({ "type": kind, "attrs": attrs });
    for (node, label) in [
        (
            node("mention", json!({ "id": "5b10", "text": "@Ann [x]" })),
            "[@Ann \\[x\\]](adf:mention?",
        ),
        (
            node("mention", json!({ "id": "5b10" })),
            "[@5b10](adf:mention?",
        ),
        (
            node("emoji", json!({ "shortName": ":smile:", "text": "😀" })),
            "[😀](adf:emoji?",
        ),
        (
            node("status", json!({ "text": "DONE", "color": "green" })),
            "[DONE](adf:status?",
        ),
        (
            node("date", json!({ "timestamp": "1582152559000" })),
            "[2020-02-19](adf:date?",
        ),
        (
            node("inlineCard", json!({ "url": "https://x.y/1" })),
            "[https://x.y/1](adf:inlineCard?",
        ),
        (
            node("inlineExtension", json!({ "extensionKey": "k", "n": 0.1 })),
            "[inlineExtension](adf:inlineExtension?",
        ),
        (
            node("unknownThing", json!({})),
            "[unknownThing](adf:unknownThing?",
        ),
    ] {
        let document = document(&[paragraph(&[text("a "), node, marked("b", &["strong"])])]);
        let text = to_markdown(&document);
        assert!(
            text.starts_with(&format!("a {label}")) && text.ends_with(")**b**"),
            "{text}"
        );
        assert_eq!(from_markdown(&text), document, "{text}");
        // Whoever edits around it keeps it; the label is for people only.
        let carrier = text.trim_start_matches("a ").trim_end_matches("**b**");
        let target = carrier.rsplit("](").next().unwrap_or_default();
        let edited = from_markdown(&format!("- **b** [other]({target} c"));
        let item = &edited["content"][0]["content"][0]["content"][0]["content"];
        assert_eq!(item[2], document["content"][0]["content"][1], "{edited}");
    }
}

#[test]
fn blocks_without_a_form_are_carried_in_a_fence() {
    let panel = json!({ "type": "panel", "attrs": { "panelType": "info" }, "content": [paragraph(&[text("```\nFrozen")])] });
    let fence = format!("```adf:panel\n{panel}\n```");
    assert_eq!(
        to_markdown(&document(std::slice::from_ref(&panel))),
        fence
            .replace("```adf", "````adf")
            .replace("\n```", "\n````")
            .replace("````\\n", "```\\n")
    );
    let aligned = json!({ "type": "paragraph", "content": [text("a")], "marks": [{ "type": "alignment", "attrs": { "align": "center" } }] });
    let table = of(
        "table",
        &[of(
            "tableRow",
            &[
                json!({ "type": "tableCell", "attrs": { "colwidth": [33.3] }, "content": [paragraph(&[text("x")])] }),
            ],
        )],
    );
    let media = json!({ "type": "mediaSingle", "attrs": { "layout": "center" }, "content": [{ "type": "media", "attrs": { "id": "1", "type": "file", "collection": "" } }] });
    let in_item = of(
        "bulletList",
        &[of("listItem", &[paragraph(&[text("a")]), media.clone()])],
    );
    let odd_list = of(
        "bulletList",
        &[of(
            "listItem",
            &[json!({ "type": "heading", "attrs": { "level": 1 }, "content": [] })],
        )],
    );
    for node in [
        panel,
        aligned,
        table,
        media,
        in_item,
        odd_list,
        json!({ "type": "unknownBlock" }),
    ] {
        let document = document(&[
            paragraph(&[text("before")]),
            node,
            paragraph(&[text("after")]),
        ]);
        let text = to_markdown(&document);
        assert_eq!(from_markdown(&text), document, "{text}");
    }
}

#[test]
fn marks_without_a_form_are_carried_around_a_text_that_may_be_edited() {
    let red = json!({ "type": "textColor", "attrs": { "color": "#ff0000" } });
    let red_text = |text: &str, more: &[Value]| {
        let marks: Vec<_> = more.iter().cloned().chain([red.clone()]).collect();
        json!({ "type": "text", "text": text, "marks": marks })
    };
    let given = document(&[paragraph(&[
        text("a "),
        red_text("stop ", &[]),
        red_text("now", &[json!({ "type": "strong" })]),
    ])]);
    let markdown = to_markdown(&given);
    assert!(
        markdown.starts_with("a [stop **now**](adf:marks?"),
        "{markdown}"
    );
    assert_eq!(from_markdown(&markdown), given);
    let edited = from_markdown(&markdown.replace("stop", "go"));
    assert_eq!(
        edited,
        document(&[paragraph(&[
            text("a "),
            red_text("go ", &[]),
            red_text("now", &[json!({ "type": "strong" })])
        ])])
    );
    // A link that cannot be written as one is such a mark.
    let relative = json!({ "type": "text", "text": "a", "marks": [{ "type": "link", "attrs": { "href": "/browse/A-1" } }] });
    let given = document(&[paragraph(&[relative])]);
    assert_eq!(from_markdown(&to_markdown(&given)), given);
}

#[test]
fn a_damaged_or_forged_carrier_is_text() {
    let encoded = |json: &str| {
        use base64::Engine as _;
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json)
    };
    let inline = |kind: &str, json: &str| format!("[x](adf:{kind}?{})", encoded(json));
    for text in [
        "[x](adf:mention?)".to_owned(),
        "[x](adf:mention?e3)".to_owned(),
        "[x](adf:mention)".to_owned(),
        "[x](adf:?e30)".to_owned(),
        inline("mention", "[]"),
        inline("mention", "{\"attrs\":[]}"),
        inline("mention", "{\"type\":\"status\"}"),
        inline("mention", "{\"content\":[{}]}"),
        inline(
            "mention",
            "{\"content\":[{\"type\":\"text\",\"text\":\"\"}]}",
        ),
        inline("text", "{}"),
        inline("text", "{\"text\":\"\"}"),
        inline("panel", "{\"attrs\":{\"panelType\":\"info\"}}"),
        inline("paragraph", "{}"),
        inline("listItem", "{}"),
        inline("doc", "{}"),
        inline("mention ", "{}"),
        inline("<b>", "{}"),
        inline("marks", "{}"),
        inline("marks", "[{}]"),
        inline("marks", "[{\"type\":\"textColor\",\"attrs\":1}]"),
    ] {
        assert_eq!(
            from_markdown(&text),
            document(&[paragraph(&[super::text(&text)])]),
            "{text}"
        );
        assert_eq!(normal_form(&text), text);
    }
    let code = |info: &str, text: &str| {
        let content = [super::text(text)];
        json!({ "type": "codeBlock", "attrs": { "language": info }, "content": content })
    };
    for (info, json) in [
        ("adf:panel", "{"),
        ("adf:panel", "{\"type\":\"table\"}"),
        ("adf:panel", "{\"type\":\"panel\",\"content\":{}}"),
        ("adf:panel", "{\"type\":\"panel\",\"content\":[1]}"),
        ("adf:panel", "{\"type\":\"panel\",\"marks\":[{}]}"),
        ("adf:text", "{\"type\":\"text\",\"text\":\"a\"}"),
        ("adf:listItem", "{\"type\":\"listItem\",\"content\":[]}"),
        ("adf:doc", "{\"type\":\"doc\",\"content\":[]}"),
        ("adf:bulletList", "{\"type\":\"bulletList\",\"content\":[]}"),
    ] {
        both_ways(
            &format!("```{info}\n{json}\n```"),
            &json!([code(info, json)]),
        );
    }
    // What a document may hold, a list's item may not.
    let panel = "{\"content\":[],\"type\":\"panel\"}";
    both_ways(
        &format!("- ```adf:panel\n  {panel}\n  ```"),
        &json!([of(
            "bulletList",
            &[of("listItem", &[code("adf:panel", panel)])]
        )]),
    );
}

/// A carrier's text that somebody put into a code block in Jira is code.
#[test]
fn code_that_looks_like_a_carrier_is_code() {
    let code = json!({ "type": "codeBlock", "attrs": { "language": "adf:rule" }, "content": [text("{\"type\":\"rule\"}")] });
    for language in ["adf:rule", "a`b", " a", "a\nb"] {
        let mut code = code.clone();
        code["attrs"]["language"] = language.into();
        let document = document(&[code]);
        assert_eq!(
            from_markdown(&to_markdown(&document)),
            document,
            "{language}"
        );
    }
    both_ways(
        "```adf:rule x\n{\"type\":\"rule\"}\n```",
        &json!([
            { "type": "codeBlock", "attrs": { "language": "adf:rule x" }, "content": [text("{\"type\":\"rule\"}")] },
        ]),
    );
}
