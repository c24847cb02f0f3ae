//! Where a secret may begin and end, in texts that are JSON inside JSON inside a string as often as not.

use std::ops::Range;

/// What must not stand beside a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bounds {
    /// No letter, digit or underscore.
    #[default]
    Word,
    /// As `word`, and not in the middle of a run with dashes. For secrets that may hold dashes: it spares the search from
    /// beginning anew at every dash of a long run.
    Token,
    /// Anything may.
    None,
}

impl Bounds {
    /// Whether a match may begin here.
    pub(crate) fn allow_start(self, bytes: &[u8], at: usize) -> bool {
        let Some(previous) = at.checked_sub(1).map(|before| bytes[before]) else { return true };
        match self {
            Self::None => true,
            _ if is_word(previous) => ends_escape(&bytes[..at]),
            Self::Token if previous == b'-' => at < 2 || !(is_word(bytes[at - 2]) || bytes[at - 2] == b'-'),
            Self::Word | Self::Token => true,
        }
    }

    /// Whether a match may end here.
    pub(crate) fn allow_end(self, bytes: &[u8], at: usize) -> bool {
        self == Self::None || !bytes.get(at).copied().is_some_and(is_word)
    }
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the text ends with an escape whose last character is a letter or digit: `\n`, `\u003c`, `%3D`.
pub(crate) fn ends_escape(bytes: &[u8]) -> bool {
    escape_length_at_end(bytes) > 0
}

fn escape_length_at_end(bytes: &[u8]) -> usize {
    if let [before @ .., b'n' | b'r' | b't' | b'b' | b'f'] = bytes
        && has_odd_backslashes(before)
    {
        return 2;
    }
    if let [before @ .., b'u', a, b, c, d] = bytes
        && has_odd_backslashes(before)
        && [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit)
    {
        return 6;
    }
    match bytes {
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => 3,
        _ => 0,
    }
}

/// A backslash that is itself escaped escapes nothing, but one level of JSON further in it is doubled and does: `\\n` in a
/// text is a line feed to whoever decodes it twice. Both readings occur, so any run counts.
fn has_odd_backslashes(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\\")
}

/// Moves a start that lies at a backslash's letters behind them: a run of letters that begins `nada@…` behind a
/// backslash is a line feed and `ada@…`.
pub(crate) fn behind_escape(bytes: &[u8], run: Range<usize>) -> usize {
    if !has_odd_backslashes(&bytes[..run.start]) {
        return run.start;
    }
    let longest = (run.start + 5).min(run.end);
    // Longest first: `u000a` before `u`.
    let ends = (run.start + 1..=longest).rev();
    ends.into_iter().find(|end| escape_length_at_end(&bytes[..*end]) == end - run.start + 1).unwrap_or(run.start)
}

/// The text between quotes, behind an opening one with its backslashes (`"`, `\"`, `\\\"`, …). Ends at the quote of the
/// same depth; where there is none, the text was cut and the rest of the line is taken.
pub(crate) fn quoted(bytes: &[u8], opening: Range<usize>) -> Range<usize> {
    const LONGEST: usize = 4096;
    let start = opening.end;
    let quote = bytes[start - 1];
    let escapes = opening.len() - 1;
    // Each level doubles the backslashes of the one inside, and adds one for the quote: 0, 1, 3, 7. A quote within the value
    // has the run of the next level, and a backslash before the end of the value adds a multiple of it.
    let period = 2 * (escapes + 1);
    let end = bytes.len().min(start + LONGEST);
    let mut backslashes = 0;
    for (at, byte) in bytes[..end].iter().enumerate().skip(start) {
        match *byte {
            b'\\' => backslashes += 1,
            byte if byte == quote && backslashes % period == escapes => return start..at - escapes,
            // The end of the string that all this stands in: the value was cut before its own end.
            b'"' if ends_string(bytes, at, quote, backslashes < escapes) => return start..at - backslashes,
            _ => backslashes = 0,
        }
    }
    let line = bytes[start..end].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    start..line.map_or(end, |length| start + length)
}

/// Whether a quote within a value ends the string around it: it is less deep, or, when the value has quotes of the other
/// kind, what follows is what JSON has behind a string.
fn ends_string(bytes: &[u8], at: usize, quote: u8, is_less_deep: bool) -> bool {
    if quote == b'"' {
        return is_less_deep;
    }
    let behind = bytes[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(behind, None | Some(b',' | b':' | b'}' | b']' | b'"' | b'\\'))
}

/// Whether a quote behind a key, as in `password: "`, opens a value. The key may also be the end of a text in quotes, and
/// then what follows belongs to what is around it.
pub(crate) fn opens_value(bytes: &[u8], opening: &Range<usize>) -> bool {
    match bytes[opening.end..] {
        [] | [b',' | b':' | b'}' | b']' | b')', ..] | [b'\\', b'n' | b'r' | b't', ..] => false,
        [first, ..] => !first.is_ascii_whitespace(),
    }
}

/// The backslashes before the quotes that a number needs when a word takes its place: of the quotes around it, when it
/// stands bare as a value of JSON.
pub(crate) fn json_number_escapes<'t>(text: &'t str, number: &Range<usize>) -> Option<&'t str> {
    let bytes = text.as_bytes();
    let is_of_number = |byte: &u8| byte.is_ascii_digit() || b"eE+-.".contains(byte);
    if !bytes[number.clone()].iter().all(is_of_number) {
        return None;
    }
    match bytes[number.end..].trim_ascii_start() {
        [] | [b',' | b'}' | b']', ..] | [b'\\', b'n' | b'r' | b't', ..] => {}
        _ => return None,
    }
    let is_filling = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_digit() || b",:[.+-".contains(byte);
    let filling = bytes[..number.start].iter().rev().take_while(|byte| is_filling(byte)).count();
    let before = number.start - filling;
    let mark = bytes[before..number.start].iter().rev().find(|byte| !byte.is_ascii_whitespace())?;
    if !b",:[".contains(mark) {
        return None;
    }
    match before.checked_sub(1) {
        // Nothing but an array's start.
        None => bytes[..number.start].contains(&b'[').then_some(""),
        Some(quote) if bytes[quote] == b'"' => {
            let backslashes = backslashes_before(bytes, quote);
            let escapes = &text[quote - backslashes..quote];
            closes_string(text, quote - backslashes, escapes).then_some(escapes)
        }
        Some(_) => None,
    }
}

fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// Whether a quote ends a key or an entry of an array, and does not begin a text such as `": 4111"`: then it is the one before
/// that begins it, and stands behind what JSON has before a string.
fn closes_string(text: &str, end: usize, escapes: &str) -> bool {
    let depth = escapes.len();
    let quotes = text[..end].rmatch_indices('"').map(|(at, _)| (at, backslashes_before(text.as_bytes(), at)));
    // Those within the string have more backslashes, as in `quoted`.
    let mut quotes = quotes.filter(|(_, backslashes)| backslashes % (2 * (depth + 1)) == depth);
    let Some((start, _)) = quotes.next() else { return false };
    let before = text[..start - depth].trim_ascii_end();
    // Line feeds between entries are escaped as the quotes are.
    let before =
        before.trim_end_matches("\\n").trim_end_matches(|last: char| last == '\\' || last.is_ascii_whitespace());
    before.ends_with(['{', ',', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_quoted(text: &str, opening: &str, expected: &str) {
        let at = text.find(opening).unwrap();
        assert_eq!(&text[quoted(text.as_bytes(), at..at + opening.len())], expected);
    }

    #[test]
    fn a_quoted_text_ends_at_its_depth() {
        check_quoted(r#" "a" "#, "\"", "a");
        check_quoted(r#" "a\"b" "#, "\"", r#"a\"b"#);
        check_quoted(r#" "a\\" "b" "#, "\"", r"a\\");
        check_quoted(r#" \"a\" "#, r#"\""#, "a");
        check_quoted(r#" \"a\\\"b\" c" "#, r#"\""#, r#"a\\\"b"#);
        check_quoted(r#" \"a\\\\\" \" "#, r#"\""#, r"a\\\\");
        check_quoted(r#" \\\"a'\\\" "#, r#"\\\""#, "a'");
        check_quoted(" 'it\"s' ", "'", "it\"s");
        check_quoted(" \"cut\noff", "\"", "cut");
        check_quoted(r#"{"a": "\"cut", "b": 1}"#, r#"\""#, "cut");
        check_quoted(r#"{"a": "'cut", "b": 1}"#, "'", "cut");
    }

    #[test]
    fn escapes_are_no_letters() {
        let starts = |text: &str| Bounds::Word.allow_start(text.as_bytes(), text.len());
        for fresh in ["", "a ", "\\n", "\\\\n", "\\u003c", "?a=%3D", "é", "\""] {
            assert!(starts(fresh), "{fresh}");
        }
        for inside in ["a", "n", "_", "9", "\\x", "u003c", "\\u03c", "%g3"] {
            assert!(!starts(inside), "{inside}");
        }
        assert_eq!(behind_escape(b"\\nada", 1..5), 2);
        assert_eq!(behind_escape(b"\\u003cada", 1..9), 6);
        assert_eq!(behind_escape(b" nada", 1..5), 1);
    }

    #[test]
    fn a_token_does_not_begin_in_a_run() {
        let starts = |text: &str| Bounds::Token.allow_start(text.as_bytes(), text.len());
        assert!(starts("") && starts("-") && starts("\n-") && starts("=") && !starts("a-") && !starts("--"));
    }

    #[track_caller]
    fn check_number(text: &str, expected: Option<&str>) {
        let at = text.find('4').unwrap();
        assert_eq!(json_number_escapes(text, &(at..at + 2)), expected, "{text}");
    }

    #[test]
    fn bare_numbers_are_told_from_digits_in_prose() {
        check_number(r#"{"n": 42}"#, Some(""));
        check_number(r#"{\"n\":42,\"m\":1}"#, Some("\\"));
        check_number(r#"{"n": [1, 42, 3]}"#, Some(""));
        check_number("[42]", Some(""));
        check_number("{\\n  \\\"n\\\": 42\\n}", Some("\\"));
        check_number(r#"{"a": ": 42, x"}"#, None);
        check_number(r#"{"a": ": 42\""}"#, None);
        check_number(r#"{\\\"n\\\":42}"#, Some("\\\\\\"));
        check_number("the 42, then", None);
        check_number("n: 42", None);
        check_number(r#""42""#, None);
        check_number(r#""the 42""#, None);
    }
}
