use super::*;

#[test]
fn prose_is_left_alone() {
    for prose in [
        "Disk almost full",
        "two\nlines",
        "two\n\nparagraphs",
        "three\n\n\n\nparagraphs, two of them empty",
        "  indented\n\tat com.example.Main(Main.java:12)\n    deeper",
        "    at the beginning, too",
        "snake_case_name, 2 * 3, 2*3*4, C#, a-b, a_b_ and f(*args, **kwargs)",
        "count(*) and sum(*) of *.log and /**/*.rs, 50% ~ 60%, ~/.ssh, a~b~c",
        "https://example.com/a_b_/_c_?q=~x~&y=1#top and http://x/*",
        "C:\\Users\\ann\\new and \\\\server\\share, \\d+ and \\ alone",
        "#hashtag, #1, 1.5, 1.x, 10:30 - 11:00, -5 and - 5",
        "e-mail <ann@example.com>, <div>, a < b > c, Vec<T>, &amp; &#32;",
        "array[i](x), f[0], [ERROR] (main), [x](y), !important",
        "5 * 3 = 15; 4 ** 2; it's `one tick; ~~~ in a line; 1986\nwas a year",
        "=====\nTitle\n=====",
        "a | b | c\n--|---|--",
        "mixed: “quotes” – naïve, 日本語, 😀, \u{a0}nbsp",
        "key: value\nother_key: \"*\"\n$HOME/*/x __init__.py __x__",
        "was a year\n1986. What a year\n2) and no list\n-\nno list either",
        "line with \\\nbackslash",
    ] {
        let back = normal_form(prose);
        assert_eq!(back, prose);
        let document = from_markdown(prose);
        let all = document.to_string();
        assert!(!all.contains("marks") && !all.contains("List"), "{all}");
    }
}

#[test]
fn what_nobody_sees_is_dropped() {
    for (given, normal) in [
        ("", ""),
        (" \n\t\n", ""),
        ("\n\na\n\n", "a"),
        ("a  \nb\t", "a\nb"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u{1b}[31mb\u{0}", "a[31mb"),
        ("a\n \t \nb", "a\n\nb"),
    ] {
        assert_eq!(normal_form(given), normal, "{given:?}");
    }
}

#[test]
fn lines_and_paragraphs_are_those_of_the_text() {
    both_ways("", &json!([]));
    both_ways(
        "a\nb",
        &json!([paragraph(&[text("a"), hard_break(), text("b")])]),
    );
    both_ways(
        "a\n\nb",
        &json!([paragraph(&[text("a")]), paragraph(&[text("b")])]),
    );
    both_ways(
        "a\n\n\nb",
        &json!([
            paragraph(&[text("a")]),
            paragraph(&[]),
            paragraph(&[text("b")])
        ]),
    );
    both_ways(
        "a\n\\\nb",
        &json!([paragraph(&[
            text("a"),
            hard_break(),
            hard_break(),
            text("b")
        ])]),
    );
    both_ways("\\\na", &json!([paragraph(&[hard_break(), text("a")])]));
    both_ways("\\\n\\", &json!([paragraph(&[hard_break()])]));
    both_ways("\\", &json!([paragraph(&[text("\\")])]));
    both_ways(
        "a\n\\\\",
        &json!([paragraph(&[text("a"), hard_break(), text("\\")])]),
    );
}

#[test]
fn formatting_goes_both_ways() {
    both_ways(
        "**a** _b_ ~~c~~ `d`",
        &json!([paragraph(&[
            marked("a", &["strong"]),
            text(" "),
            marked("b", &["em"]),
            text(" "),
            marked("c", &["strike"]),
            text(" "),
            marked("d", &["code"]),
        ])]),
    );
    both_ways(
        "**a _b_ c**",
        &json!([paragraph(&[
            marked("a ", &["strong"]),
            marked("b", &["em", "strong"]),
            marked(" c", &["strong"]),
        ])]),
    );
    both_ways(
        "_a **b** c_",
        &json!([paragraph(&[
            marked("a ", &["em"]),
            marked("b", &["em", "strong"]),
            marked(" c", &["em"]),
        ])]),
    );
    both_ways(
        "**A**pplication **P**rogramming",
        &json!([paragraph(&[
            marked("A", &["strong"]),
            text("pplication "),
            marked("P", &["strong"]),
            text("rogramming"),
        ])]),
    );
    both_ways(
        "**Note (important)**: ~~**_x_**~~",
        &json!([paragraph(&[
            marked("Note (important)", &["strong"]),
            text(": "),
            marked("x", &["em", "strong", "strike"]),
        ])]),
    );
    both_ways(
        "**a**_b_**c**",
        &json!([paragraph(&[
            marked("a", &["strong"]),
            marked("b", &["em"]),
            marked("c", &["strong"]),
        ])]),
    );
    both_ways(
        "``a`b`` and ``` `` ```",
        &json!([paragraph(&[
            marked("a`b", &["code"]),
            text(" and "),
            marked("``", &["code"]),
        ])]),
    );
    both_ways(
        "*https://x.y/z*",
        &json!([paragraph(&[marked("https://x.y/z", &["em"])])]),
    );
    // Within a word there is no em of delimiters.
    let carried = from_markdown(&to_markdown(&document(&[paragraph(&[
        text("un"),
        marked("believ", &["em"]),
        text("able"),
    ])])));
    assert_eq!(
        carried,
        document(&[paragraph(&[
            text("un"),
            marked("believ", &["em"]),
            text("able")
        ])])
    );
}

#[test]
fn what_people_type_is_understood() {
    for (given, normal) in [
        ("*em* and ***both***", "_em_ and **_both_**"),
        ("***a** b*", "_**a** b_"),
        ("***a* b**", "**_a_ b**"),
        ("**a*b*c**", "**a*b*c**"),
        ("** a **", "** a **"),
        ("**a\nb**", "**a\nb**"),
        ("**foo `x` bar**", "**foo** `x` **bar**"),
        ("# Title\ntext", "# Title\n\ntext"),
        (
            "Steps:\n- one\n- two\nResult",
            "Steps:\n\n- one\n- two\n\nResult",
        ),
        ("* a\n* b", "- a\n- b"),
        ("* a\n\n- b", "- a\n\n* b"),
        ("- a\n\n\n- b", "- a\n- b"),
        ("1. a\n1. b", "1. a\n2. b"),
        ("7) a\n8) b", "7. a\n8. b"),
        ("1. a\n  - b\n  - c\n2. d", "1. a\n   - b\n   - c\n2. d"),
        ("- a\n    - b\n        - c", "- a\n  - b\n    - c"),
        ("- a\n\t- b", "- a\n  - b"),
        ("-   a\n    b", "- a\n  b"),
        ("- - a", "-\n  - a"),
        ("> a\n>\n>b\nc", "> a\n>\n> b\n\nc"),
        (">> a", "> > a"),
        ("~~~ rust\ncode\n~~~", "```rust\ncode\n```"),
        ("```\nunclosed", "```\nunclosed\n```"),
        ("-----\n***\n___", "---\n\n---\n\n---"),
        ("Title\n---", "Title\n\n---"),
        ("[a](<https://x.y>)", "[a](https://x.y)"),
        ("[https://x.y](https://x.y)", "<https://x.y>"),
        ("[a [b](https://x.y)", "[a [b](https://x.y)"),
        ("[**a** b](https://x.y)", "[**a** b](https://x.y)"),
        ("**[a](https://x.y)**", "[**a**](https://x.y)"),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
        ("\\*a\\* \\a", "\\*a\\* \\a"),
        ("\\a", "\\a"),
    ] {
        assert_eq!(normal_form(given), normal, "{given:?}");
        assert_valid(&from_markdown(given));
    }
}

#[test]
fn text_that_looks_like_markdown_comes_back_as_text() {
    for (literal, written) in [
        ("*literal*", "\\*literal\\*"),
        ("_a_b_", "\\_a_b\\_"),
        ("**x** in snake_case", "\\*\\*x\\*\\* in snake_case"),
        ("# not a heading", "\\# not a heading"),
        ("1. x", "1\\. x"),
        ("12) x", "12\\) x"),
        ("- x", "\\- x"),
        ("+ x", "\\+ x"),
        ("  * x", "  \\* x"),
        ("> x", "\\> x"),
        ("---", "\\---"),
        ("```", "\\```"),
        ("```rust", "\\```rust"),
        ("~~~", "\\~~~"),
        ("~~gone~~", "\\~\\~gone\\~\\~"),
        ("`code`", "\\`code\\`"),
        ("[a](https://x.y)", "\\[a](https://x.y)"),
        ("<https://x.y>", "\\<https://x.y>"),
        ("\\*", "\\\\*"),
        ("[a](adf:marks?W10)", "\\[a](adf:marks?W10)"),
    ] {
        let document = document(&[paragraph(&[text(literal)])]);
        assert_eq!(to_markdown(&document), written);
        assert_eq!(from_markdown(written), document);
    }
}

#[test]
fn blocks_go_both_ways() {
    let item = |content: &[Value]| of("listItem", content);
    let p = |content: &str| paragraph(&[text(content)]);
    for level in 1..=6 {
        let heading =
            json!({ "type": "heading", "attrs": { "level": level }, "content": [text("C#")] });
        both_ways(&format!("{} C#", "#".repeat(level)), &json!([heading]));
    }
    both_ways(
        "#",
        &json!([{ "type": "heading", "attrs": { "level": 1 }, "content": [] }]),
    );
    both_ways(
        "a\n\n---\n\nb",
        &json!([p("a"), { "type": "rule" }, p("b")]),
    );
    both_ways(
        "> a\n> b\n>\n> - c",
        &json!([of(
            "blockquote",
            &[
                paragraph(&[text("a"), hard_break(), text("b")]),
                of("bulletList", &[item(&[p("c")])]),
            ]
        )]),
    );
    both_ways(
        "> a\n\n> b",
        &json!([of("blockquote", &[p("a")]), of("blockquote", &[p("b")])]),
    );
    both_ways(">", &json!([of("blockquote", &[paragraph(&[])])]));
    both_ways("> # a", &json!([of("blockquote", &[p("# a")])]));
}

#[test]
fn lists_go_both_ways() {
    let item = |content: &[Value]| of("listItem", content);
    let p = |content: &str| paragraph(&[text(content)]);
    both_ways(
        "- a\n  - b\n    - c\n- d",
        &json!([of(
            "bulletList",
            &[
                item(&[
                    p("a"),
                    of(
                        "bulletList",
                        &[item(&[p("b"), of("bulletList", &[item(&[p("c")])])])]
                    )
                ]),
                item(&[p("d")]),
            ]
        )]),
    );
    both_ways(
        "9. a\n\n   b\n10. c",
        &json!([
            { "type": "orderedList", "attrs": { "order": 9 }, "content": [item(&[p("a"), p("b")]), item(&[p("c")])] },
        ]),
    );
    both_ways(
        "- a\n\n  3. b",
        &json!([of(
            "bulletList",
            &[item(&[
                p("a"),
                json!(
                    { "type": "orderedList", "attrs": { "order": 3 }, "content": [item(&[p("b")])] }
                )
            ])]
        )]),
    );
    both_ways(
        "- a\n\n* b\n\n- c",
        &json!([
            of("bulletList", &[item(&[p("a")])]),
            of("bulletList", &[item(&[p("b")])]),
            of("bulletList", &[item(&[p("c")])]),
        ]),
    );
    both_ways(
        "-\n-",
        &json!([of(
            "bulletList",
            &[item(&[paragraph(&[])]), item(&[paragraph(&[])])]
        )]),
    );
    both_ways(
        "- # a\n- \\- b\n- > c\n- ---",
        &json!([of(
            "bulletList",
            &[
                item(&[p("# a")]),
                item(&[p("- b")]),
                item(&[p("> c")]),
                item(&[p("---")]),
            ]
        )]),
    );
}

#[test]
fn code_goes_both_ways() {
    let item = |content: &[Value]| of("listItem", content);
    let p = |content: &str| paragraph(&[text(content)]);
    let code = |language: &str, code: &str| json!({ "type": "codeBlock", "attrs": { "language": language }, "content": [text(code)] });
    both_ways(
        "```rust\nfn main() {\n\n    *x;  \n}\n```",
        &json!([code("rust", "fn main() {\n\n    *x;  \n}")]),
    );
    both_ways("````md\n```\n````", &json!([code("md", "```")]));
    both_ways("```\n```", &json!([of("codeBlock", &[])]));
    both_ways(
        "- ```sh\n  a\n   \n\n  b\n  ```\n- c",
        &json!([of(
            "bulletList",
            &[item(&[code("sh", "a\n \n\nb")]), item(&[p("c")]),]
        )]),
    );
}

#[test]
fn links_go_both_ways() {
    both_ways(
        "see [the _log_](https://x.y/a_(b)?c=_d_) now",
        &json!([paragraph(&[
            text("see "),
            linked("the ", "https://x.y/a_(b)?c=_d_"),
            json!({ "type": "text", "text": "log", "marks": [
            { "type": "link", "attrs": { "href": "https://x.y/a_(b)?c=_d_" } }, { "type": "em" },
        ] }),
            text(" now"),
        ])]),
    );
    both_ways(
        "<https://x.y/_z_>",
        &json!([paragraph(&[linked("https://x.y/_z_", "https://x.y/_z_")])]),
    );
    both_ways(
        "[a\\]b](mailto:ann@example.com)",
        &json!([paragraph(&[linked("a]b", "mailto:ann@example.com")])]),
    );
    both_ways(
        "[a](<https://x.y/)>)",
        &json!([paragraph(&[linked("a", "https://x.y/)")])]),
    );
    let titled = json!({ "type": "link", "attrs": { "href": "https://x.y", "title": "a (b)" } });
    both_ways(
        "[a](https://x.y \"a (b)\")",
        &json!([paragraph(&[
            json!({ "type": "text", "text": "a", "marks": [titled] })
        ])]),
    );
    both_ways(
        "[`a`](https://x.y)",
        &json!([paragraph(&[
            json!({ "type": "text", "text": "a", "marks": [{ "type": "link", "attrs": { "href": "https://x.y" } }, { "type": "code" }] }),
        ])]),
    );
}
