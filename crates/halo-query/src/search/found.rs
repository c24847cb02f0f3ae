//! What a search found: which spans and traces, and each distinct text with where it stands.

use std::collections::{HashMap, HashSet};

use arrow::array::Array as _;
use halo_dataset::{list, place_of, texts_hash};

use super::walk::{TakeTexts, is_container, walk};
use super::{SearchEngine, SegmentFound, text_at};
use crate::QueryError;
use crate::pattern::Matcher;

/// The spans that a pattern was found in.
#[derive(Debug)]
pub(crate) struct Found<'e> {
    engine: &'e SearchEngine,
    matcher: Matcher,
    segments: Vec<SegmentFound>,
}

/// A span that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanPlace {
    segment: usize,
    row: usize,
}

/// A distinct text in which the pattern was found.
#[derive(Debug, Clone)]
pub(crate) struct FoundText {
    /// Stands for the text: equal for equal texts.
    pub(crate) key: u64,
    /// Traces that hold it, by number, each once.
    pub(crate) traces: Vec<u32>,
    /// The first span that holds it.
    pub(crate) first: SpanPlace,
    text: Stored,
}

/// Within what texts that are equal count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The dataset.
    Dataset,
    /// A trace.
    Trace,
}

/// Where a text is.
#[derive(Debug, Clone)]
enum Stored {
    /// A row of the texts of the segment.
    Row(u32),
    /// In a column of its own, so short.
    Here(String),
}

impl<'e> Found<'e> {
    pub(super) fn new(engine: &'e SearchEngine, matcher: Matcher, segments: Vec<SegmentFound>) -> Self {
        Self { engine, matcher, segments }
    }

    /// The pattern.
    pub(crate) fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// The spans, by segment and in it by trace and step.
    pub(crate) fn spans(&self) -> impl Iterator<Item = SpanPlace> + '_ {
        let segments = self.segments.iter().enumerate();
        segments
            .flat_map(|(segment, found)| found.rows.iter().map(move |row| SpanPlace { segment, row: *row as usize }))
    }

    /// Ids of the traces.
    pub(crate) fn trace_ids(&self) -> HashSet<Box<str>> {
        let mut ids = HashSet::new();
        for found in &self.segments {
            let mut last = None;
            for row in &found.rows {
                let id = text_at(&found.spans.trace_id, *row as usize).unwrap_or_default();
                // Spans of a trace stand together.
                if last != Some(id) {
                    last = Some(id);
                    ids.insert(id.into());
                }
            }
        }
        ids
    }

    /// Trace of a span.
    pub(crate) fn trace_id(&self, place: SpanPlace) -> &str {
        text_at(&self.segments[place.segment].spans.trace_id, place.row).unwrap_or_default()
    }

    /// Id of a span.
    pub(crate) fn span_id(&self, place: SpanPlace) -> &str {
        text_at(&self.segments[place.segment].spans.span_id, place.row).unwrap_or_default()
    }

    /// Type of a span.
    pub(crate) fn span_type(&self, place: SpanPlace) -> &str {
        text_at(&self.segments[place.segment].spans.span_type, place.row).unwrap_or("SPAN")
    }

    /// Order of a span among those of its trace that stand in the same segment.
    pub(crate) fn order(&self, place: SpanPlace) -> i64 {
        self.segments[place.segment].spans.step.value(place.row)
    }

    /// The distinct texts in which the pattern was found, in the traces that are wanted, in no order.
    ///
    /// # Errors
    /// A file is missing or damaged.
    pub(crate) fn texts(&self, scope: Scope, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<FoundText>, QueryError> {
        let mut by_key: HashMap<(u64, u32), FoundText> = HashMap::new();
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        for (segment, found) in self.segments.iter().enumerate() {
            let mut keys: HashMap<u32, u64> = HashMap::new();
            let mut of_trace = (None, None);
            for row in &found.rows {
                let place = SpanPlace { segment, row: *row as usize };
                let trace_id = self.trace_id(place);
                if of_trace.0 != Some(trace_id) {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    let number = is_wanted(trace_id).then(|| *numbers.entry(trace_id).or_insert(next));
                    of_trace = (Some(trace_id), number);
                }
                let Some(trace) = of_trace.1 else { continue };
                let mut note = |key: u64, text: &dyn Fn() -> Stored| {
                    let scoped = (key, if scope == Scope::Trace { trace } else { 0 });
                    let make = || FoundText { key, traces: Vec::new(), first: place, text: text() };
                    let known = by_key.entry(scoped).or_insert_with(make);
                    if known.traces.last() != Some(&trace) {
                        known.traces.push(trace);
                    }
                };
                for text in self.stored_texts(place) {
                    let key = match keys.get(&text) {
                        Some(key) => *key,
                        None => {
                            let key = self.engine.with_text(segment, text, |text| texts_hash(&[text]))?;
                            keys.insert(text, key);
                            key
                        }
                    };
                    note(key, &|| Stored::Row(text));
                }
                for text in self.own_texts(place) {
                    note(texts_hash(&[&text]), &|| Stored::Here(text.clone()));
                }
            }
        }
        let mut texts: Vec<FoundText> = by_key.into_values().collect();
        for text in &mut texts {
            // A trace that stands in several segments came several times.
            text.traces.sort_unstable();
            text.traces.dedup();
        }
        Ok(texts)
    }

    /// Rows of the texts of a span that were found.
    fn stored_texts(&self, place: SpanPlace) -> impl Iterator<Item = u32> + '_ {
        let found = &self.segments[place.segment];
        let (spans, messages) = (&found.spans, &found.messages);
        let ends = spans.ends.iter().filter(move |ids| ids.is_valid(place.row)).map(move |ids| ids.value(place.row));
        let of_messages = found.message_rows(place.row).flat_map(move |row| {
            let content = messages.content.is_valid(row).then(|| messages.content.value(row));
            content.into_iter().chain(list(&messages.texts, row).iter().copied())
        });
        let ids = ends.chain(list(&spans.texts, place.row).iter().copied()).chain(of_messages);
        ids.filter(|id| found.has_text(*id)).map(|id| place_of(id).1)
    }

    /// The texts that stand in a span and its messages themselves and match.
    fn own_texts(&self, place: SpanPlace) -> Vec<String> {
        let found = &self.segments[place.segment];
        let mut matching = Matching { matcher: &self.matcher, texts: Vec::new() };
        if found.inline[place.row] {
            let spans = &found.spans;
            for text in spans.plain.iter().filter_map(|column| text_at(column, place.row)) {
                matching.whole(text);
            }
            for json in spans.json.iter().chain([&spans.resource]).filter_map(|column| text_at(column, place.row)) {
                walk(json, &mut matching);
            }
        }
        for row in found.message_rows(place.row).filter(|row| found.in_messages[*row]) {
            let messages = &found.messages;
            for json in [&messages.shape, &messages.tool_calls].into_iter().filter_map(|column| text_at(column, row)) {
                walk(json, &mut matching);
            }
            let ids = text_at(&messages.ids, row).into_iter().flat_map(|ids| ids.split(halo_dataset::holes::ID_END));
            ids.chain(text_at(&messages.role, row)).for_each(|text| matching.text(text, false));
        }
        matching.texts
    }

    /// Reads a text that was found.
    ///
    /// # Errors
    /// A file is missing or damaged.
    pub(crate) fn read<R>(&self, found: &FoundText, read: impl Fn(&str) -> R) -> Result<R, QueryError> {
        match &found.text {
            Stored::Here(text) => Ok(read(text)),
            Stored::Row(row) => self.engine.with_text(found.first.segment, *row, read),
        }
    }

    /// What a span holds a found text as: its input, its output, a message, or an attribute.
    pub(crate) fn field(&self, found: &FoundText) -> String {
        let SpanPlace { segment, row } = found.first;
        let SegmentFound { spans, messages, .. } = &self.segments[segment];
        let Stored::Row(text) = &found.text else { return "attribute".to_owned() };
        let is_text = |id: i64| place_of(id).1 == *text;
        for (ids, name) in spans.ends.iter().zip(["input", "output"]) {
            if ids.is_valid(row) && is_text(ids.value(row)) {
                return name.to_owned();
            }
        }
        let holds = |message: &usize| {
            messages.content.is_valid(*message) && is_text(messages.content.value(*message))
                || list(&messages.texts, *message).iter().any(|id| is_text(*id))
        };
        match self.segments[segment].message_rows(row).find(holds) {
            Some(message) => format!("{} message", text_at(&messages.role, message).unwrap_or("chat")),
            None => "attribute".to_owned(),
        }
    }
}

/// Collects the texts that match.
struct Matching<'m> {
    matcher: &'m Matcher,
    texts: Vec<String>,
}

impl Matching<'_> {
    fn whole(&mut self, text: &str) {
        self.text(text, false);
        if is_container(text) {
            walk(text, self);
        }
    }
}

impl TakeTexts for Matching<'_> {
    fn text(&mut self, text: &str, _: bool) {
        if self.matcher.is_match(text) {
            self.texts.push(text.to_owned());
        }
    }

    fn stored_json(&mut self, _: usize) {}

    fn mark(&self) -> usize {
        self.texts.len()
    }

    fn forget(&mut self, mark: usize) {
        self.texts.truncate(mark);
    }
}
