//! How deep JSON nests, before anybody parses it.

/// The deepest JSON that we take from others. What vendors and people send nests some ten levels.
pub const DEEPEST_JSON: usize = 64;

/// Do arrays and objects nest deeper than so many levels? One look at the bytes, without memory of its own. Of what is no
/// JSON the answer says nothing: the parser refuses it.
pub fn nests_deeper_than(json: &[u8], levels: usize) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_and_the_last_one_counts() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for levels in [0, 1, 2, 64] {
            assert!(!nests_deeper_than(nested(levels).as_bytes(), levels));
            assert!(nests_deeper_than(nested(levels + 1).as_bytes(), levels));
        }
        let objects = format!("{}1{}", r#"{"a":"#.repeat(65), "}".repeat(65));
        assert!(nests_deeper_than(objects.as_bytes(), 64));
        assert!(nests_deeper_than("[".repeat(65).as_bytes(), 64), "unclosed");
    }

    #[test]
    fn what_lies_side_by_side_is_not_deep() {
        let wide = format!("[{}[]]", "[[]],".repeat(1000));
        assert!(!nests_deeper_than(wide.as_bytes(), 3));
        assert!(nests_deeper_than(wide.as_bytes(), 2));
    }

    #[test]
    fn brackets_in_texts_are_no_levels() {
        for text in [
            r#""[[[[""#,
            r#""\"[[[[""#,
            r#""\\\"[[[[""#,
            r#"{"[[[[":"{{{{"}"#,
        ] {
            assert!(!nests_deeper_than(text.as_bytes(), 1), "{text}");
        }
        assert!(nests_deeper_than(br#"["\\",[["#, 2), "the text ended");
    }
}
