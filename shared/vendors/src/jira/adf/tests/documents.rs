//! Documents of every kind.

use proptest::prelude::*;

use super::*;

const TRICKY: [&str; 40] = [
    "*",
    "**",
    "***",
    "_",
    "__",
    "~~",
    "~",
    "`",
    "``",
    "[",
    "]",
    "(",
    ")",
    "](",
    "<",
    ">",
    "\\",
    "#",
    "- ",
    "-",
    "+ ",
    "1. ",
    "2) ",
    "> ",
    "```",
    "---",
    " ",
    "  ",
    "a",
    "b c",
    "word",
    ".",
    ",",
    "https://x.y/a_b_",
    "<https://x.y>",
    "é",
    "\u{a0}",
    "|",
    "\t",
    "[x](https://u.v)",
];

/// Pieces of Markdown in any order: more of it than any text that people write.
pub(super) fn tricky() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&TRICKY[..]), 1..10)
        .prop_map(|pieces| pieces.concat())
}

/// The same with newlines and carriers.
pub(super) fn tricky_text() -> impl Strategy<Value = String> {
    let more = [
        "\n",
        "\n\n",
        "\n\n\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\n  - ",
        "\n* ",
        "\n1. ",
        "\n   ",
        "\n> ",
        "\n# ",
        "\n```\n",
        "\n~~~\n",
        "\n\\\n",
        "\r",
        "\u{1b}",
        "\n-\n",
        "\n\t",
        "[@A](adf:mention?eyJhdHRycyI6eyJpZCI6IjEifX0)",
        "[r](adf:marks?W3sidHlwZSI6InVuZGVybGluZSJ9XQ)",
        "[r](adf:marks?W3sidHlwZSI6ImVtIn1d)",
        "[b](adf:hardBreak?e30)",
        "\n```adf:panel\n{\"type\":\"panel\"}\n```\n",
        "\n```adf:bulletList\n{\"type\":\"bulletList\",\"content\":[{\"type\":\"listItem\",\"content\":[]}]}\n```\n",
        "\n```adf:taskList\n{\"type\":\"taskList\"}\n```\n",
        "**a**",
        "_b_",
        "`c`",
        "[**d** e](https://x.y)",
    ];
    let piece = prop_oneof![
        prop::sample::select(&TRICKY[..]),
        prop::sample::select(more.to_vec())
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn marks() -> impl Strategy<Value = Vec<Value>> {
    let all = vec![
        json!({ "type": "link", "attrs": { "href": "https://x.y/(a)_b_" } }),
        json!({ "type": "em" }),
        json!({ "type": "strong" }),
        json!({ "type": "strike" }),
        json!({ "type": "underline" }),
    ];
    let code = prop::collection::vec(Just(json!({ "type": "code" })), 1..2);
    prop_oneof![2 => Just(Vec::new()), 4 => prop::sample::subsequence(all, 0..4), 1 => code]
}

/// The text of one line, its parts different from their neighbours, no style at the edge of whitespace.
fn line() -> impl Strategy<Value = Vec<Value>> {
    let text = (tricky(), marks()).prop_map(|(text, marks)| {
        let text = match text.trim() {
            "" => "x",
            text => text,
        };
        if marks.is_empty() {
            super::text(text)
        } else {
            json!({ "type": "text", "text": text, "marks": marks })
        }
    });
    let kept = prop::sample::select(vec![
        json!({ "type": "mention", "attrs": { "id": "1", "text": "@Ann" } }),
        json!({ "type": "emoji", "attrs": { "shortName": ":]:" } }),
    ]);
    let part = prop_oneof![6 => text, 1 => kept];
    let differ = |one: &Value, next: &Value| {
        one["type"] != "text" || next["type"] != "text" || one.get("marks") != next.get("marks")
    };
    prop::collection::vec(part, 1..5).prop_map(move |parts| {
        let mut line: Vec<Value> = Vec::new();
        for part in parts {
            if line.last().is_none_or(|last| differ(last, &part)) {
                line.push(part);
            }
        }
        line
    })
}

fn lines(most: usize) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(line(), 1..=most).prop_map(|lines| lines.join(&hard_break()))
}

fn leaf(sections: bool) -> BoxedStrategy<Value> {
    let paragraph = lines(3).prop_map(|content| super::paragraph(&content));
    let code = (
        prop::option::of("[a-z+]{1,5}"),
        "([ -~]{0,8}\n){0,3}[!-~]{1,3}",
    )
        .prop_map(|(language, text)| {
            let mut code = of("codeBlock", &[super::text(&text)]);
            if let Some(language) = language {
                code["attrs"] = json!({ "language": language });
            }
            code
        });
    let media = Just(
        json!({ "type": "mediaSingle", "attrs": { "layout": "center" }, "content": [{ "type": "media" }] }),
    );
    if !sections {
        return prop_oneof![5 => paragraph, 1 => code, 1 => media].boxed();
    }
    let heading = (1..=6, lines(2)).prop_map(|(level, content)| json!({ "type": "heading", "attrs": { "level": level }, "content": content }));
    let rule = Just(json!({ "type": "rule" }));
    let panel = Just(json!({ "type": "panel", "attrs": { "panelType": "info" }, "content": [] }));
    prop_oneof![5 => paragraph, 1 => code, 1 => heading, 1 => rule, 1 => panel].boxed()
}

fn list(depth: u32) -> BoxedStrategy<Value> {
    let more = if depth == 0 {
        leaf(false)
    } else {
        prop_oneof![2 => leaf(false), 2 => list(depth - 1)].boxed()
    };
    let starts_with = lines(2).prop_map(|content| super::paragraph(&content));
    let item = (starts_with, prop::collection::vec(more, 0..3)).prop_map(|(first, more)| {
        let mut content = vec![first];
        content.extend(more);
        of("listItem", &content)
    });
    let items = prop::collection::vec(item, 1..4);
    (items, prop::option::of(prop_oneof![Just(1), 0..20_u32]))
        .prop_map(|(items, order)| match order {
            None => of("bulletList", &items),
            Some(1) => of("orderedList", &items),
            Some(order) => {
                json!({ "type": "orderedList", "attrs": { "order": order }, "content": items })
            }
        })
        .boxed()
}

fn empty_between(blocks: Vec<(Value, usize)>) -> Vec<Value> {
    let count = blocks.len();
    let spread = blocks
        .into_iter()
        .enumerate()
        .flat_map(|(index, (block, empties))| {
            let empties = if index + 1 == count { 0 } else { empties };
            std::iter::once(block).chain((0..empties).map(|_| super::paragraph(&[])))
        });
    spread.collect()
}

/// Documents in the form in which `from_markdown` writes them.
pub(super) fn canonical() -> impl Strategy<Value = Value> {
    let quoted = prop_oneof![3 => leaf(false), 1 => list(1)];
    let quote = prop::collection::vec((quoted, 0..2_usize), 1..3)
        .prop_map(|content| of("blockquote", &empty_between(content)));
    let block = prop_oneof![4 => leaf(true), 3 => list(2), 1 => quote];
    prop::collection::vec(
        (block, prop_oneof![3 => Just(0_usize), 1 => 1..3_usize]),
        0..5,
    )
    .prop_map(|blocks| super::document(&empty_between(blocks)))
}

fn wild_kind() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec![
        "doc",
        "paragraph",
        "heading",
        "bulletList",
        "orderedList",
        "listItem",
        "codeBlock",
        "blockquote",
        "rule",
        "panel",
        "taskList",
        "mediaSingle",
        "mediaGroup",
        "table",
        "tableRow",
        "mention",
        "hardBreak",
        "unknownOne",
        "text",
        "status",
        "",
        "a b",
        "marks",
    ])
}

fn wild_attrs() -> impl Strategy<Value = Value> + Clone {
    prop::sample::select(vec![
        Value::Null,
        json!({}),
        json!({ "localId": "1" }),
        json!({ "level": 2 }),
        json!({ "level": 9 }),
        json!({ "order": 3 }),
        json!({ "order": -1 }),
        json!({ "order": 99_999_999_999_u64 }),
        json!({ "language": "rust" }),
        json!({ "language": "adf:rule" }),
        json!({ "language": "`" }),
        json!({ "text": "@x ] *y*\n" }),
        json!({ "width": 33.3 }),
        json!([1]),
        json!("x"),
        json!({ "timestamp": "99999999999999999" }),
    ])
}

fn wild_mark() -> impl Strategy<Value = Value> + Clone {
    prop::sample::select(vec![
        json!({ "type": "strong" }),
        json!({ "type": "em" }),
        json!({ "type": "strike" }),
        json!({ "type": "code" }),
        json!({ "type": "underline" }),
        json!({ "type": "textColor", "attrs": { "color": "#f00" } }),
        json!({ "type": "alignment", "attrs": { "align": "end" } }),
        json!({ "type": "link", "attrs": { "href": "https://x.y" } }),
        json!({ "type": "link", "attrs": { "href": "x y" } }),
        json!({ "type": "link", "attrs": { "href": "https://x.y/)`", "title": "\"\n" } }),
        json!({ "type": "link" }),
        json!({ "type": "annotation" }),
        json!({ "type": "em", "attrs": { "x": 1 } }),
        json!({}),
        json!(1),
    ])
}

/// Documents, and what is none: any kind anywhere, with any attributes.
pub(super) fn wild() -> impl Strategy<Value = Value> {
    let marks = prop_oneof![4 => Just(None), 2 => prop::collection::vec(wild_mark(), 0..4).prop_map(|marks| Some(json!(marks))), 1 => Just(Some(json!("x")))];
    let text = (
        prop_oneof![4 => tricky(), 1 => "(?s).{0,6}", 1 => "[ \t\n]{0,3}"],
        marks.clone(),
    )
        .prop_map(|(text, marks)| {
            let mut node = super::text(&text);
            if let Some(marks) = marks {
                node["marks"] = marks;
            }
            node
        });
    let odd = prop::sample::select(vec![
        Value::Null,
        json!(1.5),
        json!("x"),
        json!([]),
        json!({}),
        json!({ "type": 1 }),
    ]);
    let leaf = prop_oneof![12 => text, 2 => canonical_block(), 1 => odd];
    let node = leaf.prop_recursive(6, 40, 5, move |inner| {
        (
            wild_kind(),
            prop::option::of(wild_attrs()),
            marks.clone(),
            prop::option::weighted(0.9, prop::collection::vec(inner, 0..5)),
        )
            .prop_map(|(kind, attrs, marks, content)| {
                let mut node = json!({ "type": kind });
                let fields = [
                    ("attrs", attrs),
                    ("marks", marks),
                    ("content", content.map(|content| json!(content))),
                ];
                for (name, value) in fields {
                    if let Some(value) = value {
                        node[name] = value;
                    }
                }
                node
            })
    });
    prop::collection::vec(node, 0..4).prop_map(|content| super::document(&content))
}

fn canonical_block() -> impl Strategy<Value = Value> {
    prop_oneof![leaf(true), list(1)]
}
