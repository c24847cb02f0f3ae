//! The texts inside a text: JSON that holds strings that hold JSON, down to what a person would read.

use std::borrow::Cow;

use regex::Regex;
use serde_json::Value;

use crate::trace_tools::excerpt::around;

/// How often a text inside a text is decoded. Real traces nest three deep.
const DEPTH_MAX: usize = 8;

/// Calls `visit` with each text in `text`, decoded, and the path to it, until it gives `false`. A text that is no JSON object or array
/// is visited as it is.
pub(crate) fn visit_leaves(text: &str, path: &str, visit: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    visit_text(text, path, 0, visit)
}

/// Whether `test` holds for the text as it is or for a text inside it. Most texts are settled without decoding.
pub(crate) fn any(text: &str, test: &dyn Fn(&str) -> bool) -> bool {
    test(text) || any_inside(text, false, test)
}

/// Whether `test` holds for a text inside a text. `whole` tells that it asks where a text begins or ends.
pub(crate) fn any_inside(text: &str, whole: bool, test: &dyn Fn(&str) -> bool) -> bool {
    // Without a backslash, every text inside stands in the outer one as it is.
    if !(whole || text.contains('\\')) || !is_container(text) {
        return false;
    }
    !visit_leaves(text, "", &mut |_, leaf| !test(leaf))
}

/// Whether a text that does not pass itself may hold one that does: false is certain for a `test` that looks for a piece of text anywhere,
/// and costs a tenth of parsing. A text that lies `n` deep stands as it is in the whole when escapes are taken off `n` times.
pub(crate) fn may_hold(text: &str, test: &dyn Fn(&str) -> bool) -> bool {
    let mut level = Cow::Borrowed(text);
    for _ in 0..DEPTH_MAX {
        if !level.contains('\\') {
            return false;
        }
        level = Cow::Owned(without_escapes(&level));
        if test(&level) {
            return true;
        }
    }
    true
}

/// Whether a pattern matches a text, or a text inside it.
pub(crate) fn matches(text: &str, pattern: &Regex) -> bool {
    let test = |text: &str| pattern.is_match(text);
    test(text) || may_match_inside(text, pattern) && any_inside(text, is_anchored(pattern), &test)
}

/// The first match in a text, or else in a text inside it, with this many characters around it.
pub(crate) fn excerpt(text: &str, pattern: &Regex, chars: usize) -> Option<String> {
    let told = |text: &str| pattern.find(text).map(|found| around(text, found.start(), found.end(), chars));
    if !is_container(text) {
        return told(text);
    }
    // Inside comes first: there the text stands as a person would read it.
    let mut inside = None;
    if pattern.is_match(text) || may_match_inside(text, pattern) {
        visit_leaves(text, "", &mut |_, leaf| {
            inside = told(leaf);
            inside.is_none()
        });
    }
    inside.or_else(|| told(text))
}

/// Whether a pattern that does not match the whole may match a text inside it.
fn may_match_inside(text: &str, pattern: &Regex) -> bool {
    // An anchored pattern can match a text inside and nowhere in the whole.
    is_anchored(pattern) || may_hold(text, &|level| pattern.is_match(level))
}

/// Whether a pattern may ask where a text begins or ends.
fn is_anchored(pattern: &Regex) -> bool {
    ["^", "$", r"\A", r"\z"].iter().any(|anchor| pattern.as_str().contains(anchor))
}

/// What stands at a path as [`visit_leaves`] tells it: a text as it is, anything else as JSON. The path may end at an object or array, too.
pub(crate) fn at(text: &str, path: &str) -> Option<String> {
    value_at(&Value::String(text.to_owned()), path, 0)
}

fn value_at(value: &Value, path: &str, depth: usize) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if path.is_empty() => Some(text.clone()),
        other if path.is_empty() => Some(other.to_string()),
        Value::String(text) if depth < DEPTH_MAX && is_container(text) => {
            value_at(&serde_json::from_str(text).ok()?, path, depth + 1)
        }
        Value::Array(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            value_at(items.get(index.parse::<usize>().ok()?)?, rest, depth)
        }
        Value::Object(fields) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            // A key may have dots, so that several can be the beginning of one path.
            fields.iter().find_map(|(key, item)| {
                let rest = path.strip_prefix(key.as_str())?;
                if rest.is_empty() || rest.starts_with(['.', '[']) { value_at(item, rest, depth) } else { None }
            })
        }
        _ => None,
    }
}

/// The text with each escape of JSON replaced by what it stands for, wherever it is.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else {
            break;
        };
        match escape {
            'n' => plain.push('\n'),
            't' => plain.push('\t'),
            'r' => plain.push('\r'),
            'b' => plain.push('\u{8}'),
            'f' => plain.push('\u{c}'),
            'u' => {
                let (character, taken) = unicode_escape(rest);
                plain.push(character);
                rest = &rest[taken..];
                continue;
            }
            other => plain.push(other),
        }
        rest = &rest[escape.len_utf8()..];
    }
    plain.push_str(rest);
    plain
}

/// The character of `u00e9` or `ud83d\\ude00`, and how many bytes it took.
fn unicode_escape(text: &str) -> (char, usize) {
    let unit = |from: usize| text.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match unit(1) {
        Some(high @ 0xd800..=0xdbff) if text.get(5..7) == Some("\\u") => match unit(7) {
            Some(low @ 0xdc00..=0xdfff) => {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
            }
            _ => (char::REPLACEMENT_CHARACTER, 5),
        },
        Some(code) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 5),
        None => ('u', 1),
    }
}

fn visit_text(text: &str, path: &str, depth: usize, visit: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    if depth < DEPTH_MAX
        && is_container(text)
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        return visit_value(&value, path, depth + 1, visit);
    }
    visit(path, text)
}

fn visit_value(value: &Value, path: &str, depth: usize, visit: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => visit(path, &value.to_string()),
        Value::String(text) => visit_text(text, path, depth, visit),
        Value::Array(items) => {
            items.iter().enumerate().all(|(index, item)| visit_value(item, &format!("{path}[{index}]"), depth, visit))
        }
        Value::Object(fields) => fields.iter().all(|(key, item)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            visit_value(item, &path, depth, visit)
        }),
    }
}

fn is_container(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') || text.starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        visit_leaves(text, "", &mut |path, leaf| {
            found.push((path.to_owned(), leaf.to_owned()));
            true
        });
        found
    }

    #[test]
    fn json_inside_json_is_opened() {
        let text = r#"{"a":"{\"b\":[\"x \\\"y\\\"\",1,null]}","c":"plain"}"#;
        let expected = [("a.b[0]", r#"x "y""#), ("a.b[1]", "1"), ("c", "plain")];
        let expected: Vec<_> = expected.iter().map(|(path, leaf)| ((*path).to_owned(), (*leaf).to_owned())).collect();
        assert_eq!(leaves(text), expected);
        assert_eq!(leaves("{not json"), vec![(String::new(), "{not json".to_owned())]);
    }

    #[test]
    fn every_path_leads_back() {
        let text = r#"[{"a.b":{"c":"{\"d\":[1,\"x\"]}"},"a":{"b":{"c":2}},"":"empty"},"plain"]"#;
        for (path, leaf) in leaves(text) {
            if path != "[0].a.b.c" {
                assert_eq!(at(text, &path).as_deref(), Some(leaf.as_str()), "{path}");
            }
        }
        assert_eq!(at(text, "[0].a.b.c.d[1]").as_deref(), Some("x"));
        assert_eq!(at(text, "[0].a.b").as_deref(), Some(r#"{"c":2}"#));
        for nowhere in ["[2]", "[x]", "a", "[0].a.b.d", "[1].x", "[0].a.bc"] {
            assert_eq!(at(text, nowhere), None, "{nowhere}");
        }
        assert_eq!(at("plain", "").as_deref(), Some("plain"));
    }

    #[test]
    fn excerpts_are_of_what_a_person_would_read() {
        let pattern = Regex::new("hi").unwrap();
        let text = r#"{"a":"say \"hi\"\nnow"}"#;
        assert_eq!(excerpt(text, &pattern, 3).as_deref(), Some("…y \"hi\"\nn…"));
        assert_eq!(excerpt("{hi", &pattern, 0).as_deref(), Some("…hi"));
        assert_eq!(excerpt(r#"{"hi":null}"#, &pattern, 9).as_deref(), Some(r#"{"hi":null}"#));
        assert_eq!(excerpt("bye", &pattern, 9), None);
    }

    #[test]
    fn what_lies_deep_may_be_held() {
        let mut text = "C:\\temp says \"hi\"\nto café 😀 / \u{8}".to_owned();
        let wanted = text.clone();
        for depth in 0..5 {
            text = serde_json::json!({"role": "user", "content": text}).to_string();
            assert!(may_hold(&text, &|level| level.contains(&wanted)), "{depth}");
            assert!(any(&text, &|level| level.contains(&wanted)), "{depth}");
            assert!(!may_hold(&text, &|level| level.contains("bye")), "{depth}");
        }
        let spelled = r#"{"a":"{\"b\":\"caf\\u00e9 \\ud83d\\ude00\"}"}"#;
        assert!(may_hold(spelled, &|level| level.contains("café 😀")));
        assert!(!may_hold("ends in \\", &|_| false));
    }

    #[test]
    fn any_looks_at_the_text_and_inside_it() {
        let text = r#"{"a":"say \"hi\"\nnow"}"#;
        for (wanted, expected) in [("say \"hi\"\nnow", true), (r#"{"a":"say"#, true), ("bye", false)] {
            assert_eq!(any(text, &|text| text.contains(wanted)), expected, "{wanted}");
        }
    }
}
