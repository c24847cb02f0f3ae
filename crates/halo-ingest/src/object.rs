//! The object that a text begins with: where it ends, and whether it is spelled so plainly that writing it again gives the same letters.
//!
//! One pass over the text tells both. Most messages are plain, and need not be written again to prove that nothing of them is lost.

use halo_dataset::Spelling;

/// Longest number that is surely written as it is read: an integer of so many digits.
const PLAIN_DIGITS_MAX: usize = 15;

/// An object at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    /// Its length in bytes.
    pub(crate) len: usize,
    /// The spelling in which it gives itself back to the letter, if it is valid JSON at all. `None` when that is not plain to see: other
    /// blanks, fractions, escapes that need not be.
    pub(crate) spelling: Option<Spelling>,
}

/// Finds the object that bytes begin with; `None` when they begin with something else, or end within it.
pub(crate) fn leading_object(bytes: &[u8]) -> Option<Object> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let (mut at, mut depth) = (0, 0_usize);
    let mut plain = true;
    let mut spaced = None;
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b'"' => {
                let string = string_at(&bytes[at..])?;
                at += string.len;
                plain &= string.plain;
                continue;
            }
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    let spelling = plain.then(|| Spelling { spaced: spaced.unwrap_or_default(), ascii: false });
                    return Some(Object { len: at + 1, spelling });
                }
            }
            b',' | b':' => {
                let has_space = bytes.get(at + 1) == Some(&b' ');
                plain &= *spaced.get_or_insert(has_space) == has_space;
                at += usize::from(has_space);
            }
            b'0'..=b'9' | b'-' => {
                let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let first = if byte == b'-' { bytes.get(at + 1) } else { Some(&byte) };
                // A zero in front is its own number or no JSON, and -0 is written as 0.
                plain &= digits < PLAIN_DIGITS_MAX && (first != Some(&b'0') || (byte == b'0' && digits == 0));
                at += digits;
            }
            b'[' | b']' => {}
            // The letters of true, false and null; an exponent comes after digits, where a point or a letter is not plain.
            b'a'..=b'z' => plain &= !at.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_digit()),
            _ => plain = false,
        }
        at += 1;
    }
}

/// A string in JSON.
struct StringAt {
    /// Its quotes included.
    len: usize,
    /// No more is escaped than must be, and in the short way.
    plain: bool,
}

fn string_at(bytes: &[u8]) -> Option<StringAt> {
    let (mut at, mut plain) = (1, true);
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(StringAt { len: at + 1, plain });
        }
        plain &= matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b'n' | b'r' | b't' | b'b' | b'f'));
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::with_parsed;
    use proptest::prelude::*;

    fn len(text: &str) -> Option<usize> {
        leading_object(text.as_bytes()).map(|object| object.len)
    }

    fn spelling(text: &str) -> Option<Spelling> {
        leading_object(text.as_bytes()).and_then(|object| object.spelling)
    }

    #[test]
    fn it_ends_at_its_own_brace() {
        for (text, expected) in [
            ("{}", Some(2)),
            ("{\"a\":{\"b\":\"}\"}},{}", Some(15)),
            ("{\"a\":\"\\\"}\"}", Some(11)),
            ("{\"a\":\"\\\\\"}x", Some(10)),
            ("{\"a\":\"\\", None),
            ("{\"a\":\"", None),
            ("{\"a\":[", None),
            ("[{}]", None),
            ("", None),
        ] {
            assert_eq!(len(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_plain() {
        let compact = Spelling { spaced: false, ascii: false };
        let spaced = Spelling { spaced: true, ascii: false };
        for text in ["{}", "{\"a\":[1,-20,0,true,null,\"\\n\\\"é\"],\"b\":{}}"] {
            assert_eq!(spelling(text), Some(compact), "{text}");
        }
        assert_eq!(spelling("{\"a\": [1, {\"b\": \"x: y,z\"}]}"), Some(spaced));
        for text in [
            "{\"a\":1.0}",
            "{\"a\":1e3}",
            "{\"a\":-0}",
            "{\"a\":01}",
            "{\"a\":1234567890123456}",
            "{\"a\": 1,\"b\": 2}",
            "{ \"a\":1}",
            "{\"a\":1 }",
            "{\"a\":\n1}",
            "{\"a\":\"\\/\"}",
            "{\"a\":\"\\u00e9\"}",
        ] {
            assert_eq!(spelling(text), None, "{text}");
        }
    }

    #[test]
    fn the_parser_refuses_what_a_string_may_not_hold() {
        for byte in 0..0x20_u8 {
            let text = format!("{{\"a\":\"{}\"}}", char::from(byte));
            assert!(with_parsed(&text, |_| ()).is_none(), "{byte}");
        }
    }

    /// Texts that are JSON mostly, in one of the spellings, and a little wrong sometimes.
    fn text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<i16>().prop_map(|number| number.to_string()),
            any::<f32>().prop_map(|number| format!("{number:e}")),
            "-?[0-9.]{1,4}",
            "[a-z\\\\\"é\n]{0,6}".prop_map(|text| serde_json::Value::from(text).to_string()),
            "\"([a-z é]|\\\\[\"\\\\/nrtbf]|\\\\u00e9|\\\\u0001){0,4}\"",
        ];
        let value = leaf.prop_recursive(3, 20, 4, |inner| {
            let comma = prop_oneof![9 => Just(","), 3 => Just(", "), 1 => Just(" ,")];
            let members =
                prop::collection::vec(("\"[a-z]{0,3}\"", prop_oneof![Just(":"), Just(": ")], inner.clone()), 0..4);
            prop_oneof![
                (prop::collection::vec(inner, 0..4), comma.clone())
                    .prop_map(|(items, comma)| format!("[{}]", items.join(comma))),
                (members, comma).prop_map(|(members, comma)| {
                    let members: Vec<String> =
                        members.into_iter().map(|(key, colon, value)| key + colon + &value).collect();
                    format!("{{{}}}", members.join(comma))
                }),
            ]
        });
        value.prop_map(|value| format!("{{\"a\":{value}}}"))
    }

    fn written(text: &str, spelling: Spelling) -> Option<String> {
        fn write(out: &mut String, json: crate::json::Json<'_, '_>, spelling: Spelling) {
            use crate::json::JsonKind;
            let comma = |out: &mut String, index| {
                if index > 0 {
                    out.push_str(spelling.comma());
                }
            };
            match json.kind() {
                JsonKind::Object(entries) => {
                    out.push('{');
                    for (index, (key, value)) in entries.enumerate() {
                        comma(out, index);
                        spelling.write_string(out, key);
                        out.push_str(spelling.colon());
                        write(out, value, spelling);
                    }
                    out.push('}');
                }
                JsonKind::Array(items) => {
                    out.push('[');
                    for (index, value) in items.enumerate() {
                        comma(out, index);
                        write(out, value, spelling);
                    }
                    out.push(']');
                }
                JsonKind::Text(text) => spelling.write_string(out, text),
                _ => json.write(out),
            }
        }
        with_parsed(text, |json| {
            let mut out = String::new();
            write(&mut out, json, spelling);
            out
        })
    }

    proptest! {
        #[test]
        fn a_plain_object_is_written_as_it_was(text in text()) {
            if let Some(spelling) = spelling(&text)
                && let Some(written) = written(&text, spelling)
            {
                prop_assert_eq!(written, text);
            }
        }
    }
}
