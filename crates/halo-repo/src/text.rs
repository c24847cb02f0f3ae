//! How answers are written: clean lines, cut lines, and calls that show what is missing.

use serde_json::Value;

/// Without characters that end a line, steer a terminal, or turn the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => c,
            '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A clean text of at most so many characters.
pub(crate) fn short(text: &str, chars_max: usize) -> String {
    let text = clean(text);
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text,
    }
}

/// A call as a model writes it: `read_file(path="a.py", offset=201)`. Empty strings and nulls are left out.
pub(crate) fn call(tool: &str, arguments: &[(&str, Value)]) -> String {
    let written: Vec<String> = arguments
        .iter()
        .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{tool}({})", written.join(", "))
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "match") => format!("{count} matches"),
        _ => format!("{count} {what}s"),
    }
}

/// A line cut to a part of itself.
pub(crate) struct Cut {
    pub(crate) text: String,
    /// Characters before and after the part.
    pub(crate) before: usize,
    pub(crate) after: usize,
}

/// Cuts a line to about `chars_max` characters around the bytes from `at` on, and says how many are missing on each side.
pub(crate) fn cut_around(line: &str, at: usize, chars_max: usize) -> Cut {
    let chars = line.chars().count();
    if chars <= chars_max {
        return Cut { text: line.to_owned(), before: 0, after: 0 };
    }
    let place = line.get(..line.floor_char_boundary(at)).map_or(0, |before| before.chars().count());
    let first = place.saturating_sub(chars_max / 3).min(chars - chars_max);
    let text = line.chars().skip(first).take(chars_max).collect();
    Cut { text, before: first, after: chars - first - chars_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_written_as_a_model_writes_them() {
        let arguments =
            [("path", "a \"b\".py".into()), ("glob", "".into()), ("offset", 201.into()), ("ref", Value::Null)];
        assert_eq!(call("read_file", &arguments), r#"read_file(path="a \"b\".py", offset=201)"#);
    }

    #[test]
    fn a_long_line_is_cut_around_the_match() {
        let line = format!("{}needle{}", "é".repeat(100), "x".repeat(100));
        let cut = cut_around(&line, 200, 30);
        assert_eq!(cut.text, format!("{}needle{}", "é".repeat(10), "x".repeat(14)));
        assert_eq!((cut.before, cut.after), (90, 86));
        assert_eq!(cut_around("short", 99, 30).text, "short");
    }
}
