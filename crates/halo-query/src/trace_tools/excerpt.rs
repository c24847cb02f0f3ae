//! The part of a text around what a pattern finds in it.

use regex::Regex;

use crate::decoded;
use crate::pattern::Matcher;

/// Characters of a hit itself; a greedy pattern can match a whole payload.
pub(crate) const HIT_CHARS_MAX: usize = 1000;

/// Characters of a sentence on each side of the hit.
const SENTENCE_CHARS_MAX: usize = 80;

/// What stands around the first hit in a text, or in a text inside it, with marks where it is cut.
pub(crate) fn excerpt(text: &str, matcher: &Matcher, chars: usize) -> String {
    within(text, matcher, |leaf, start, end| around(leaf, start, end, chars))
}

/// The text around a hit, with marks where it is cut.
pub(crate) fn around(text: &str, start: usize, end: usize, chars: usize) -> String {
    let (from, to) = (before(text, start, chars), after(text, end.min(after(text, start, HIT_CHARS_MAX)), chars));
    let mark = |is_cut| if is_cut { "…" } else { "" };
    format!("{}{}{}", mark(from > 0), &text[from..to], mark(to < text.len()))
}

/// The sentence of the first hit: what tells one wording from another.
pub(crate) fn sentence(text: &str, matcher: &Matcher) -> String {
    within(text, matcher, |leaf, start, end| {
        let is_end = |c: char| matches!(c, '\n' | '.' | '!' | '?' | ';' | '"' | '{' | '}');
        let from = before(leaf, start, SENTENCE_CHARS_MAX);
        let from = leaf[from..start].rfind(is_end).map_or(from, |at| from + at + 1);
        let end = end.min(after(leaf, start, SENTENCE_CHARS_MAX));
        let to = after(leaf, end, SENTENCE_CHARS_MAX);
        let to = leaf[end..to].find(is_end).map_or(to, |at| end + at);
        whole_words(leaf, from, to).to_owned()
    })
}

/// The part of a text without words that are cut at its ends.
fn whole_words(text: &str, from: usize, to: usize) -> &str {
    let part = &text[from..to];
    let cut_start = text[..from].ends_with(char::is_alphanumeric);
    let cut_end = text[to..].starts_with(char::is_alphanumeric);
    let start = if cut_start { part.find(char::is_whitespace).unwrap_or(0) } else { 0 };
    let end = if cut_end { part.rfind(char::is_whitespace).unwrap_or(part.len()) } else { part.len() };
    part.get(start..end).unwrap_or(part).trim()
}

/// Shows the first hit in the innermost text that has one.
fn within(text: &str, matcher: &Matcher, show: impl Fn(&str, usize, usize) -> String) -> String {
    let regex: &Regex = matcher.exact();
    let mut shown = None;
    decoded::visit_leaves(text, "", &mut |_, leaf| {
        shown = regex.find(leaf).map(|hit| show(leaf, hit.start(), hit.end()));
        shown.is_none()
    });
    let whole = || regex.find(text).map(|hit| show(text, hit.start(), hit.end()));
    shown.or_else(whole).unwrap_or_default()
}

/// Byte position this many characters before another.
pub(crate) fn before(text: &str, at: usize, chars: usize) -> usize {
    match chars {
        0 => at,
        _ => text[..at].char_indices().rev().nth(chars - 1).map_or(0, |(position, _)| position),
    }
}

/// Byte position this many characters after another.
pub(crate) fn after(text: &str, at: usize, chars: usize) -> usize {
    text[at..].char_indices().nth(chars).map_or(text.len(), |(position, _)| at + position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_shown_where_it_stands_innermost() {
        let matcher = Matcher::new("gone").expect("compiles");
        let text = r#"{"ok":false,"error":"{\"text\":\"Order 4711 is gone. Ask \\\"again\\\".\"}"}"#;
        assert_eq!(excerpt(text, &matcher, 6), "…11 is gone. Ask …");
        assert_eq!(sentence(text, &matcher), "Order 4711 is gone");
        let across = Matcher::new(r#"false,"error"#).expect("compiles");
        assert_eq!(excerpt(text, &across, 3), "…k\":false,\"error\":\"…");
        assert_eq!(excerpt("nothing", &matcher, 3), "");
        let long = format!("{} gone {}", "word ".repeat(60), "word ".repeat(60));
        assert!(sentence(&long, &matcher).starts_with("word word"), "{}", sentence(&long, &matcher));
    }
}
