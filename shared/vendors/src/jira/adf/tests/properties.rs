use proptest::prelude::*;

use super::documents::{canonical, tricky_text, wild};
use super::*;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![6 => tricky_text(), 1 => "(?s).{0,60}"]
}

/// Words that people write in incidents. None of it is formatting, and none is escaped.
fn prose() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "disk",
        "snake_case_name",
        "_private",
        "C#",
        "F#",
        "a-b",
        "10:30",
        "1.5",
        "(see",
        "above)",
        "50%",
        "it's",
        "\"quoted\"",
        "e.g.",
        "no,",
        "yes.",
        "#42",
        "https://example.com/a_b_c?d=e_f#g",
        "<ann@example.com>",
        "/var/log/*.log",
        "C:\\Temp\\x",
        "a&b",
        "=",
        "=>",
        "|",
        "2*3",
        "$HOME",
        "~/x",
        "ok!",
        "naïve",
        "[WARN]",
        "x[i](y)",
        "日本語",
        "😀",
        "\\d+",
        "Vec<T>",
        "{a:",
        "b}",
        "key=value",
        "@ann",
        "—",
        "5",
        "*",
        "**",
        "_",
        "~",
    ]);
    // A line does not begin with what begins a list.
    let line = ("[ \t]{0,5}", prop::collection::vec(words, 1..8))
        .prop_map(|(indent, words)| format!("{indent}x {}", words.join(" ")));
    let gap = prop::sample::select(vec!["\n", "\n\n", "\n\n\n"]);
    (line.clone(), prop::collection::vec((gap, line), 0..5)).prop_map(|(first, more)| {
        more.iter()
            .fold(first, |text, (gap, line)| text + gap + line)
    })
}

proptest! {
    #[test]
    fn a_text_has_one_normal_form_and_it_means_the_same(text in any_text()) {
        let document = from_markdown(&text);
        assert_valid(&document);
        let normal = to_markdown(&document);
        prop_assert_eq!(from_markdown(&normal), document);
        prop_assert_eq!(normal_form(&normal), normal);
    }

    #[test]
    fn the_text_of_any_document_is_its_own_normal_form(document in wild()) {
        let text = to_markdown(&document);
        prop_assert_eq!(normal_form(&text), text);
    }

    #[test]
    fn a_canonical_document_survives_as_it_is(document in canonical()) {
        assert_valid(&document);
        let text = to_markdown(&document);
        prop_assert_eq!(from_markdown(&text), document, "{}", text);
    }

    #[test]
    fn prose_is_its_own_normal_form(text in prose()) {
        prop_assert_eq!(normal_form(&text), text);
    }

    /// Whatever the ends of the lines are.
    #[test]
    fn prose_loses_only_what_nobody_sees(text in prose(), tail in "[ \t\n]{0,4}") {
        let typed = format!("{}{tail}", text.replace('\n', " \t\r\n"));
        prop_assert_eq!(normal_form(&typed), text);
    }
}
