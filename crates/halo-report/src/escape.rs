//! Text put into Markdown so that it stays text.

use crate::prose::{Line, Segment, unformatted};

/// Text inside a line of Markdown. It makes no link, image, heading, list, table, emphasis, formula or HTML;
/// also not in renderers that turn bare addresses into links.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut previous: Option<char> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        if character == '<' && next.is_some_and(|c| c.is_alphabetic() || matches!(c, '/' | '!' | '?')) {
            // A lone `<` is a comparison; this one could begin a tag, so not even a careless renderer gets to
            // see it.
            out.push_str("&lt;");
        } else {
            if wants_escape(character, previous, next, &text[..at]) {
                out.push('\\');
            }
            out.push(character);
        }
        previous = Some(character);
    }
    out
}

fn wants_escape(character: char, previous: Option<char>, next: Option<char>, before: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match character {
        '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' | '#' => true,
        // Inside a word an underscore means nothing, and names of columns are full of them.
        '_' => !(word(previous) && word(next)),
        '&' => word(next) || next == Some('#'),
        '@' => word(next),
        // `https://`, `mailto:x` and the like: some renderers link them without being asked to.
        ':' => next == Some('/') || (previous.is_some_and(char::is_alphabetic) && word(next)),
        '.' => {
            let digits = before.trim_start_matches(|c: char| c.is_ascii_digit()).is_empty();
            (!before.is_empty() && digits) || ends_with_www(before)
        }
        ')' => !before.is_empty() && before.chars().all(|c| c.is_ascii_digit()),
        '-' | '+' | '=' | '>' => before.is_empty(),
        _ => false,
    }
}

fn ends_with_www(before: &str) -> bool {
    before.len() >= 3
        && before.is_char_boundary(before.len() - 3)
        && before[before.len() - 3..].eq_ignore_ascii_case("www")
}

/// Text as a code span on one line.
pub(crate) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let edge = |c: Option<char>| matches!(c, Some('`' | ' '));
    if edge(text.chars().next()) || edge(text.chars().next_back()) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Text as a fenced block. The fence is longer than any run of backticks inside, so that the text cannot end
/// it.
pub(crate) fn fence(text: &str, language: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let text = text.trim_end_matches('\n');
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// A line of text and code.
pub(crate) fn sentence(line: &[Segment]) -> String {
    line.iter().map(|part| if part.code { code(&part.text) } else { inline(&part.text) }).collect()
}

/// A line inside a cell of a table. Code is text there: a pipe inside a code span would end the cell.
pub(crate) fn cell(line: &[Segment]) -> String {
    inline(&unformatted(line))
}

/// Several lines, each on its own.
pub(crate) fn paragraphs(lines: &[Line]) -> String {
    lines.iter().map(|line| sentence(line)).collect::<Vec<_>>().join("\\\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_escaped_and_names_stay_readable() {
        assert_eq!(inline("tool_calls of service.version 2.3.1"), "tool_calls of service.version 2.3.1");
        assert_eq!(inline("[x](javascript:alert)"), "\\[x\\](javascript\\:alert)");
        assert_eq!(inline("https://evil.example www.evil.example"), "https\\://evil.example www\\.evil.example");
        assert_eq!(inline("# a | <b> &lt; __c__ $x$ me@b"), "\\# a \\| &lt;b> \\&lt; \\_\\_c\\_\\_ \\$x\\$ me\\@b");
        assert_eq!(inline("1. first"), "1\\. first");
        assert_eq!(inline("p < 0.001, <1 %"), "p < 0.001, <1 %");
        assert_eq!(inline("> first"), "\\> first");
        assert_eq!(inline("- first"), "\\- first");
        assert_eq!(inline("at 14:05 - a & b"), "at 14:05 - a & b");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(fence("a\n````\nb\n", "sql"), "`````sql\na\n````\nb\n`````\n");
        assert_eq!(fence("a", ""), "```\na\n```\n");
    }
}
