//! Sentences made of plain text and code, independent of the format they are shown in.

use serde::Serialize;

use crate::text;

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Segment {
    /// What it says, safe to show and not yet escaped for a format.
    pub(crate) text: String,
    /// Whether it is shown as code.
    pub(crate) code: bool,
}

/// One line of text.
pub(crate) type Line = Vec<Segment>;

/// A piece of plain text.
pub(crate) fn plain(text: impl Into<String>) -> Segment {
    Segment { text: text.into(), code: false }
}

/// A piece of code. The value is made safe and short.
pub(crate) fn code(value: &str) -> Segment {
    Segment { text: text::value(value), code: true }
}

/// Lines of somebody's text, without the empty ones. Words between single backticks become code, as the
/// authors of checks and models write them; any other mark-up stays text.
pub(crate) fn lines(source: &str) -> Vec<Line> {
    text::block(source).lines().map(str::trim).filter(|line| !line.is_empty()).map(segments).collect()
}

/// A title: one line, with code in it as in other texts.
pub(crate) fn title(source: &str) -> Line {
    segments(&text::line(source))
}

/// The lines as one plain text, as a program would read it.
pub(crate) fn unformatted(line: &[Segment]) -> String {
    line.iter().map(|segment| segment.text.as_str()).collect()
}

fn segments(line: &str) -> Line {
    let mut out = Line::new();
    let mut rest = line;
    while let Some((before, inside, after)) = code_span(rest) {
        if !before.is_empty() {
            out.push(plain(before));
        }
        out.push(Segment { text: inside.to_owned(), code: true });
        rest = after;
    }
    if !rest.is_empty() {
        out.push(plain(rest));
    }
    out
}

/// Text before, inside and after the first pair of single backticks.
fn code_span(line: &str) -> Option<(&str, &str, &str)> {
    let open = line.find('`')?;
    let after_open = &line[open + 1..];
    let close = after_open.find('`')?;
    // Two backticks in a row are a wider fence or an empty span: neither is worth guessing at.
    (close > 0).then(|| (&line[..open], &after_open[..close], &after_open[close + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_make_code_and_nothing_else_does() {
        let span = |text: &str| Segment { text: text.to_owned(), code: true };
        assert_eq!(
            lines("Pin `model` to *one* version.\n\nSet `retries` = 2"),
            vec![
                vec![plain("Pin "), span("model"), plain(" to *one* version.")],
                vec![plain("Set "), span("retries"), plain(" = 2")],
            ]
        );
        assert_eq!(lines("an ` alone"), vec![vec![plain("an ` alone")]]);
        assert_eq!(lines("```fence"), vec![vec![plain("```fence")]]);
        assert_eq!(unformatted(&[plain("on "), span("x")]), "on x");
    }
}
