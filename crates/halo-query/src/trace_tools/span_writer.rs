//! One span whole: every column and attribute that holds something, and every text from its beginning to its end.

use serde_json::{Map, Value};

use super::filled;
use super::pager::Pager;
use super::text::{Told, clean, one_line, push_same};
use crate::trace_steps::{Step, StepTexts};
use crate::{Mark, MarkedText};

/// Columns that are texts of their own, in the order they are told in.
const TEXTS: &[&str] = &["input", "output", "requested_tool_calls", "status_message"];

/// Columns that are JSON objects of many values.
const OBJECTS: &[(&str, &str)] =
    &[("attributes", "attribute"), ("resource_attributes", "resource"), ("extra", "extra")];

/// Columns that are JSON lists, told whole.
const LISTS: &[&str] = &["events", "links"];

/// Columns that stand in the title.
const IN_TITLE: &[&str] = &["trace_id", "step", "span_type", "name", "span_id"];

/// Values up to this many characters stand together on a line.
const SHORT_CHARS_MAX: usize = 100;

/// Characters of a piece of a long text; pages end between pieces.
const PIECE_CHARS: usize = 2_000;

/// Writes spans to pages.
pub(crate) struct SpanWriter<'p> {
    pager: &'p mut Pager,
    told: Told,
    shown: Vec<u64>,
}

impl<'p> SpanWriter<'p> {
    pub(crate) fn new(pager: &'p mut Pager) -> Self {
        Self { pager, told: Told::default(), shown: Vec::new() }
    }

    /// Writes a span, from its row of `spans` and its messages, and tells whether the page has room for more.
    pub(crate) fn write(&mut self, row: &Map<String, Value>, step: &Step, texts: &StepTexts) -> bool {
        let mut title = MarkedText::default();
        title.mark(Mark::Title, &format!("step {}", step.step));
        title.push(" ");
        title.mark(Mark::Kind, &one_line(filled(row, "span_type").unwrap_or("SPAN"), 40));
        title.push(&format!(" {} [", one_line(filled(row, "name").unwrap_or_default(), 200)));
        title.mark(Mark::Id, &one_line(filled(row, "span_id").unwrap_or("?"), 100));
        title.push("]");
        let mut heading = title.clone();
        heading.push(" (continued)\n");
        title.push("\n");
        let span = Span { step: step.step, heading };
        self.put(&span, &title, false);
        let is_apart = |column: &str| {
            TEXTS.contains(&column) || LISTS.contains(&column) || OBJECTS.iter().any(|(name, _)| *name == column)
        };
        let columns = row.iter().filter(|(column, _)| !is_apart(column) && !IN_TITLE.contains(&column.as_str()));
        self.facts(&span, "columns", "column", columns);
        self.messages(&span, "in", &step.input_messages, texts);
        self.messages(&span, "out", &step.output_messages, texts);
        for column in TEXTS.iter().chain(LISTS) {
            if let Some(text) = filled(row, column) {
                self.text(&span, column, text);
            }
        }
        for (column, one) in OBJECTS {
            match filled(row, column).map(serde_json::from_str::<Value>) {
                Some(Ok(Value::Object(members))) => self.facts(&span, column, one, members.iter()),
                Some(_) => self.text(&span, column, filled(row, column).unwrap_or_default()),
                None => {}
            }
        }
        !self.is_done()
    }

    /// Whether the page is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.pager.is_past()
    }

    /// The steps of which something is on the page.
    pub(crate) fn into_shown(self) -> Vec<u64> {
        self.shown
    }

    /// The conversation of an LLM step, whole.
    fn messages(&mut self, span: &Span, direction: &str, rows: &[i64], texts: &StepTexts) {
        for (place, row) in rows.iter().enumerate() {
            let message = texts.message(*row, direction == "out");
            let label = format!("message {} {direction}, {}", place + 1, one_line(&message.role, 40));
            if let Some(text) = texts.text(message.content_id) {
                self.text(span, &label, text);
            }
            if let Some(calls) = &message.calls {
                self.text(span, &format!("{label}, calls"), calls);
            }
        }
    }

    /// Values that hold something: the short ones together, each long one on its own.
    fn facts<'v>(
        &mut self,
        span: &Span,
        label: &str,
        one: &str,
        values: impl Iterator<Item = (&'v String, &'v Value)>,
    ) {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for (name, value) in values {
            let text = match value {
                Value::Null | Value::Bool(false) => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if text.is_empty() || text == "[]" || text == "{}" {
                continue;
            }
            if text.contains('\n') || text.chars().count() > SHORT_CHARS_MAX {
                long.push((name, text));
            } else {
                short
                    .push(format!("{name}={}", if text.contains(", ") { Value::from(text).to_string() } else { text }));
            }
        }
        if !short.is_empty() {
            self.pieces(span, label, &short.join(", "));
        }
        for (name, text) in long {
            self.text(span, &format!("{one} {}", one_line(name, 200)), &text);
        }
    }

    /// A text, or where it was told before; texts inside JSON that were told before are replaced by where.
    fn text(&mut self, span: &Span, label: &str, text: &str) {
        let place = format!("step {} {label}", span.step);
        if let Some(known) = self.told.before(text, &place) {
            let mut same = MarkedText::default();
            push_same(&mut same, 2, label, &[known]);
            self.put(span, &same, true);
            return;
        }
        let shorter = self.told.without_repeats(text, &place, usize::MAX);
        self.pieces(span, label, shorter.as_deref().unwrap_or(text));
    }

    /// A text in pieces, so that pages can end inside it. What goes on after `+| ` belongs to the line above.
    fn pieces(&mut self, span: &Span, label: &str, text: &str) {
        let mut rest = text.trim_end();
        let mut is_first = true;
        let mut ends_line = true;
        while is_first || !rest.is_empty() {
            let (piece, after, at_line_end) = cut(rest);
            let mut block = MarkedText::default();
            block.push("  ");
            if is_first {
                block.mark(Mark::Label, label);
                block.push(" ");
            }
            let mut lines = piece.split('\n');
            let goes_on = if ends_line { "" } else { "+" };
            block.push(&format!("{goes_on}| {}\n", clean(lines.next().unwrap_or_default())));
            // Blanks at the end of a piece belong to its line, which goes on.
            lines.for_each(|line| block.push(&format!("  | {}\n", clean(line))));
            self.put(span, &block, true);
            if self.is_done() {
                return;
            }
            (rest, ends_line, is_first) = (after, at_line_end, false);
        }
    }

    fn put(&mut self, span: &Span, block: &MarkedText, is_part: bool) {
        if self.pager.push(block, is_part.then_some(&span.heading)) && self.shown.last() != Some(&span.step) {
            self.shown.push(span.step);
        }
    }
}

struct Span {
    step: u64,
    /// What stands where a page begins in the midst of it.
    heading: MarkedText,
}

/// A piece of a text, what comes after it, and whether the piece ends with a line.
fn cut(text: &str) -> (&str, &str, bool) {
    let Some((end, _)) = text.char_indices().nth(PIECE_CHARS) else {
        return (text, "", true);
    };
    match text[..end].rfind('\n') {
        // A piece of blank lines alone would lose them.
        Some(line_end) if !text[..line_end].trim().is_empty() => (&text[..line_end], &text[line_end + 1..], true),
        _ => (&text[..end], &text[end..], false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole() {
        let line = "word ".repeat(700);
        for text in [String::new(), "a\nb".to_owned(), format!("{line}\n\n{line}{line}\nend"), "\n".repeat(5000) + "x"]
        {
            let (mut rest, mut whole) = (text.as_str(), String::new());
            loop {
                let (piece, after, at_line_end) = cut(rest);
                whole.push_str(piece);
                if after.is_empty() {
                    break;
                }
                if at_line_end {
                    whole.push('\n');
                }
                rest = after;
            }
            assert_eq!(whole, text);
        }
    }
}
