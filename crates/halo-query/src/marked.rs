//! A text that knows what its parts are, so that a terminal can show them in colour and a model gets the text alone.

use std::ops::Range;

/// What a part of a [`MarkedText`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The first words about a trace or a span.
    Title,
    /// The type of a step.
    Kind,
    /// An id.
    Id,
    /// What a text is: `user`, `result`, …
    Label,
    /// That something failed.
    Failure,
    /// That something took long.
    Slow,
    /// Where a text was told already.
    Reference,
    /// What the one who shows the text says of it: what is left out, and how to get it.
    Note,
}

/// A text and what its parts are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkedText {
    text: String,
    marks: Vec<(Range<usize>, Mark)>,
}

impl MarkedText {
    /// The text alone.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text alone, without a copy.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// The text in pieces, each with what it is; `None` for what is not marked.
    pub fn pieces(&self) -> impl Iterator<Item = (&str, Option<Mark>)> {
        let ends = std::iter::once(0).chain(self.marks.iter().map(|(range, _)| range.end));
        let marks = self.marks.iter().map(Some).chain(std::iter::once(None));
        ends.zip(marks).flat_map(|(end, mark)| {
            let next = mark.map_or(self.text.len(), |(range, _)| range.start);
            let plain = (&self.text[end..next], None);
            let marked = mark.map(|(range, mark)| (&self.text[range.clone()], Some(*mark)));
            std::iter::once(plain).chain(marked).filter(|(piece, _)| !piece.is_empty())
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a text that is nothing in particular.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a text that is something.
    pub(crate) fn mark(&mut self, mark: Mark, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.marks.push((start..self.text.len(), mark));
    }

    /// Adds another marked text.
    pub(crate) fn append(&mut self, other: &Self) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.marks.extend(other.marks.iter().map(|(range, mark)| (range.start + start..range.end + start, *mark)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole() {
        let mut tail = MarkedText::default();
        tail.mark(Mark::Id, "c");
        tail.push("d");
        let mut text = MarkedText::default();
        text.mark(Mark::Kind, "a");
        text.push("b");
        text.append(&tail);
        let pieces: Vec<_> = text.pieces().collect();
        assert_eq!(pieces, [("a", Some(Mark::Kind)), ("b", None), ("c", Some(Mark::Id)), ("d", None)]);
        assert_eq!(text.text(), "abcd");
        assert_eq!(MarkedText::default().pieces().count(), 0);
    }
}
