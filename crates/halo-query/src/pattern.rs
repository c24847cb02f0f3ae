//! Regular expressions of callers: compiled once, with an error that helps.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::QueryError;

/// Bytes a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What to do without look-around.
pub(crate) const NO_LOOK_AROUND: &str = "patterns run in linear time and know no look-around and no back-references: match the text itself, and \
     say `and not` with a second condition: regexp_like(output, 'a') AND NOT regexp_like(output, 'b')";

/// What to do about a character that means something in a pattern.
pub(crate) const ESCAPE: &str = r"put a backslash before ( [ { . * + ? | ^ $ to find them as they are, as in \(none\)";

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, QueryError> {
    RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| {
        let text = error.to_string();
        if text.contains("look-around") || text.contains("backreference") {
            return QueryError::statement_with_hint(
                format!("the pattern `{pattern}` uses look-around or a back-reference"),
                NO_LOOK_AROUND,
            );
        }
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return QueryError::statement_with_hint(
                format!("the pattern `{pattern}` is too large"),
                "use smaller repetition counts",
            );
        }
        // The last line of a regex error says what is wrong; those before it draw the pattern.
        let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        QueryError::statement_with_hint(format!("the pattern `{pattern}` is no regular expression: {reason}"), ESCAPE)
    })
}

/// What stands at a place in a text, with this many characters around it.
pub(crate) fn excerpt(text: &str, place: Range<usize>, chars: usize) -> String {
    let start = match chars {
        0 => place.start,
        _ => text[..place.start].char_indices().rev().nth(chars - 1).map_or(0, |(position, _)| position),
    };
    let end = text[place.end..].char_indices().nth(chars).map_or(text.len(), |(position, _)| place.end + position);
    let mark = |is_cut: bool| if is_cut { "…" } else { "" };
    format!("{}{}{}", mark(start > 0), &text[start..end], mark(end < text.len()))
}
