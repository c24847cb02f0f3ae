//! Finding a pattern in everything that the spans of a dataset say.
//!
//! What is looked at are **texts**: names and status messages of spans, inputs and outputs, each value of attributes, events and links, and of
//! each chat message its content, its names and its arguments. A text that is JSON is looked at as it is written, and so is each value inside
//! it, decoded. Keys are no texts.
//!
//! A text that many spans repeat is stored once and searched once. A search goes in three steps: the texts of all segments, side by side with
//! what stands in the spans and messages themselves; then the messages that hold a found text; then the spans that hold either.

mod found;
mod part;
mod walk;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, StringViewArray};
use halo_dataset::{Dataset, DatasetError, list, place_of};

use crate::QueryError;
use crate::pattern::Matcher;

pub(crate) use found::{Found, FoundText, Scope};
use part::{Messages, Part, Parts, Spans, Texts, Which};
use walk::{TakeTexts, is_container, walk};

/// Patterns whose traces are remembered.
const PATTERNS_KEPT: usize = 16;

/// Searches a dataset. Shared by all queries of a session.
#[derive(Debug)]
pub(crate) struct SearchEngine {
    parts: Parts,
    groups: OnceLock<Vec<Vec<usize>>>,
    threads: usize,
    patterns: Mutex<Vec<(String, TraceSet)>>,
}

/// The traces that a pattern is found in, once they are known; `None` when the search failed.
type TraceSet = Arc<OnceLock<Option<HashSet<Box<str>>>>>;

/// Whether whoever asked for a search does not want it any more.
pub(crate) type Over<'a> = &'a (dyn Fn() -> bool + Sync);

/// Rows of a segment that were found.
type Bits = Vec<bool>;

/// What was found in a segment.
#[derive(Debug)]
struct SegmentFound {
    number: u32,
    spans: Arc<Spans>,
    messages: Arc<Messages>,
    /// Texts that match, as they are or inside.
    texts: Bits,
    /// Messages that hold a match.
    in_messages: Bits,
    /// Spans in whose own columns a match stands.
    inline: Bits,
    /// Spans that match.
    rows: Vec<u32>,
}

impl SearchEngine {
    /// Over a dataset, with so many bytes of it kept in memory.
    pub(crate) fn new(dataset: &Dataset, threads: usize, bytes_max: usize) -> Self {
        let parts = Parts::of(dataset.segments().collect(), bytes_max);
        Self { parts, groups: OnceLock::new(), threads: threads.max(1), patterns: Mutex::default() }
    }

    /// Finds a pattern.
    ///
    /// # Errors
    /// A file is missing or damaged, or the search is cancelled.
    pub(crate) fn find(&self, matcher: &Matcher, over: Over<'_>) -> Result<Found<'_>, QueryError> {
        let segments = self.parts.segments();
        let groups = self.groups()?;
        let mut tasks: Vec<(usize, Which)> = Vec::new();
        for (segment, groups) in groups.iter().enumerate() {
            tasks.push((segment, Which::Spans));
            tasks.push((segment, Which::Messages));
            tasks.extend((0..groups.len()).map(|group| (segment, Which::Texts(group))));
        }
        let scanned = self.side_by_side(
            &tasks,
            over,
            |(segment, which), matcher| {
                let part = self.parts.get(segment, which)?;
                let bits = match &part {
                    Part::Texts(texts) => texts_with(texts, matcher),
                    Part::Messages(messages) => messages_with(messages, matcher),
                    Part::Spans(spans) => spans_with(spans, matcher),
                };
                // Texts are many, and wanted again only where they are told.
                let part = (!matches!(part, Part::Texts(_))).then_some(part);
                Ok((part, bits))
            },
            matcher,
        )?;
        let mut scanned = scanned.into_iter();
        let mut found = Vec::with_capacity(segments.len());
        for (at, groups) in groups.iter().enumerate() {
            let (Some((Some(Part::Spans(spans)), inline)), Some((Some(Part::Messages(messages)), in_messages))) =
                (scanned.next(), scanned.next())
            else {
                return Err(QueryError::internal("a search lost a part of the dataset"));
            };
            let texts: Vec<Bits> = scanned.by_ref().take(groups.len()).map(|(_, bits)| bits).collect();
            let number = segments[at].number();
            let mut segment =
                SegmentFound { number, spans, messages, texts: texts.concat(), in_messages, inline, rows: Vec::new() };
            Combining { engine: self, at, matcher }.combine(&mut segment)?;
            found.push(segment);
        }
        Ok(Found::new(self, matcher.clone(), found))
    }

    /// The traces that a pattern is found in. Remembered for the patterns that were asked for last.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(crate) fn traces(&self, pattern: &str, over: Over<'_>) -> Result<TraceSet, QueryError> {
        let matcher = Matcher::new(pattern)?;
        loop {
            let set = self.set_of(pattern);
            let mut failed = None;
            // Whoever asks for the same pattern meanwhile waits for this search.
            let known = set.get_or_init(|| match self.find(&matcher, over) {
                Ok(found) => Some(found.trace_ids()),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            });
            if known.is_some() {
                return Ok(set);
            }
            self.patterns.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != pattern);
            // The search of another one failed or was called off: this one looks itself.
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    /// The place of the traces of a pattern, the patterns that were asked for last kept.
    fn set_of(&self, pattern: &str) -> TraceSet {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = patterns.iter().position(|(known, _)| known == pattern).map(|at| patterns.remove(at));
        let (pattern, set) = known.unwrap_or_else(|| (pattern.to_owned(), TraceSet::default()));
        if patterns.len() >= PATTERNS_KEPT {
            patterns.remove(0);
        }
        patterns.push((pattern, Arc::clone(&set)));
        set
    }

    /// How many texts each group of each segment has.
    fn groups(&self) -> Result<&[Vec<usize>], QueryError> {
        if let Some(groups) = self.groups.get() {
            return Ok(groups);
        }
        let segments = self.parts.segments().iter();
        let groups = segments.map(halo_dataset::Segment::text_groups).collect::<Result<Vec<_>, _>>()?;
        Ok(self.groups.get_or_init(|| groups))
    }

    /// Does tasks on all threads. Results are in the order of the tasks.
    fn side_by_side<T: Copy + Sync, R: Send>(
        &self,
        tasks: &[T],
        over: Over<'_>,
        work: impl Fn(T, &Matcher) -> Result<R, DatasetError> + Sync,
        matcher: &Matcher,
    ) -> Result<Vec<R>, QueryError> {
        let next = AtomicUsize::new(0);
        let worker = || -> Result<Vec<(usize, R)>, DatasetError> {
            // Its own copy: threads that share one wait for each other.
            let matcher = matcher.clone();
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                match tasks.get(at) {
                    Some(task) if !over() => done.push((at, work(*task, &matcher)?)),
                    _ => return Ok(done),
                }
            }
        };
        let mut results = Vec::with_capacity(tasks.len());
        std::thread::scope(|scope| -> Result<(), QueryError> {
            let others: Vec<_> = (1..self.threads.min(tasks.len())).map(|_| scope.spawn(worker)).collect();
            results.extend(worker()?);
            for other in others {
                let done = other.join().map_err(|_| QueryError::internal("a search thread ended early"))?;
                results.extend(done?);
            }
            Ok(())
        })?;
        if over() {
            return Err(QueryError::Cancelled);
        }
        results.sort_unstable_by_key(|(at, _)| *at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// Reads a text of a segment.
    fn with_text<R>(&self, segment: usize, row: u32, read: impl Fn(&str) -> R) -> Result<R, QueryError> {
        let mut row = row as usize;
        for (group, rows) in self.groups()?[segment].iter().enumerate() {
            if row < *rows {
                return match self.parts.get(segment, Which::Texts(group))? {
                    Part::Texts(part) => Ok(read(part.texts.value(row))),
                    _ => Err(QueryError::internal("a part of the dataset is another one")),
                };
            }
            row -= rows;
        }
        Err(self.parts.segments()[segment].damaged("a text that other files name is missing").into())
    }
}

/// The last step of a search, in one segment.
struct Combining<'a> {
    engine: &'a SearchEngine,
    at: usize,
    matcher: &'a Matcher,
}

impl Combining<'_> {
    /// Finds the messages and the spans that hold a text or a message that was found.
    fn combine(&self, found: &mut SegmentFound) -> Result<(), QueryError> {
        let any_text = found.texts.contains(&true);
        if any_text {
            for row in 0..found.in_messages.len() {
                found.in_messages[row] = found.in_messages[row] || self.message_holds(found, row)?;
            }
        }
        let any_message = found.in_messages.contains(&true);
        for row in 0..found.inline.len() {
            let holds = found.inline[row]
                || any_text && self.span_holds(found, row)?
                || any_message && found.message_rows(row).any(|message| found.in_messages[message]);
            if holds {
                found.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
            }
        }
        Ok(())
    }

    fn message_holds(&self, found: &SegmentFound, row: usize) -> Result<bool, QueryError> {
        let messages = &found.messages;
        if messages.content.is_valid(row) && found.has_text(messages.content.value(row)) {
            return Ok(true);
        }
        let shape = text_at(&messages.shape, row).into_iter();
        self.refers(found, list(&messages.texts, row), shape)
    }

    fn span_holds(&self, found: &SegmentFound, row: usize) -> Result<bool, QueryError> {
        let spans = &found.spans;
        if spans.ends.iter().any(|ids| ids.is_valid(row) && found.has_text(ids.value(row))) {
            return Ok(true);
        }
        let json = spans.json.iter().filter_map(|column| text_at(column, row));
        self.refers(found, list(&spans.texts, row), json)
    }

    /// Whether one of the texts that were found counts where it stands: one that is JSON itself there counts by the values inside it alone.
    fn refers<'j>(
        &self,
        found: &SegmentFound,
        texts: &[i64],
        json: impl Iterator<Item = &'j str>,
    ) -> Result<bool, QueryError> {
        if !texts.iter().any(|id| found.has_text(*id)) {
            return Ok(false);
        }
        let mut as_json = Vec::new();
        for json in json.filter(|json| memchr::memmem::find(json.as_bytes(), b"\"halo$json\"").is_some()) {
            let mut test = Test::of(self.matcher);
            walk(json, &mut test);
            as_json.extend(test.json);
        }
        for (number, id) in texts.iter().enumerate().filter(|(_, id)| found.has_text(**id)) {
            let inside = |text: &str| matches_inside(text, self.matcher);
            let counts = !as_json.contains(&number) || self.engine.with_text(self.at, place_of(*id).1, inside)?;
            if counts {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl SegmentFound {
    fn has_text(&self, id: i64) -> bool {
        let (segment, row) = place_of(id);
        segment == self.number && self.texts.get(row as usize).copied().unwrap_or(false)
    }

    /// Rows of the messages of a span.
    fn message_rows(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let ids = self.spans.messages.iter().flat_map(move |lists| list(lists, row));
        let rows = ids.map(|id| place_of(*id)).filter(|(segment, _)| *segment == self.number);
        rows.map(|(_, row)| row as usize).filter(|row| *row < self.in_messages.len())
    }
}

fn text_at(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// Tests the texts in JSON.
struct Test<'m> {
    matcher: &'m Matcher,
    found: bool,
    /// Numbers of the row's texts that stand there as JSON.
    json: Vec<usize>,
}

impl<'m> Test<'m> {
    fn of(matcher: &'m Matcher) -> Self {
        Self { matcher, found: false, json: Vec::new() }
    }
}

impl TakeTexts for Test<'_> {
    fn text(&mut self, text: &str, _: bool) {
        self.found = self.found || self.matcher.is_match(text);
    }

    fn stored_json(&mut self, number: usize) {
        self.json.push(number);
    }

    fn mark(&self) -> usize {
        usize::from(self.found)
    }

    fn forget(&mut self, mark: usize) {
        self.found = mark == 1;
    }
}

/// Whether a text inside a JSON text matches.
fn matches_inside(json: &str, matcher: &Matcher) -> bool {
    let mut test = Test::of(matcher);
    walk(json, &mut test);
    test.found
}

/// Whether a text matches, as it is or inside.
fn matches(text: &str, matcher: &Matcher) -> bool {
    matcher.is_match(text) || !matcher.is_sure() && is_container(text) && matches_inside(text, matcher)
}

/// The texts that match, as they are or inside.
fn texts_with(part: &Texts, matcher: &Matcher) -> Bits {
    let mut bits: Bits = part
        .texts
        .iter()
        .map(|text| text.is_some_and(|text| matcher.may_match(text) && matches(text, matcher)))
        .collect();
    for (row, text) in part.escaped.iter() {
        bits[row] = bits[row] || matcher.may_match(text) && matches(text, matcher);
    }
    bits
}

/// The messages in which a match stands that is no text of its own.
fn messages_with(part: &Messages, matcher: &Matcher) -> Bits {
    let mut shapes = Memo::default();
    let mut calls = Memo::default();
    let mut roles = Memo::default();
    let inside = |json: &str| {
        matcher.may_match(json) && matches_inside(json, matcher) || escapes(json) && matches_inside(json, matcher)
    };
    let is_match = |row: usize| {
        roles.of(&part.role, row, |role| matcher.is_match(role))
            || shapes.of(&part.shape, row, inside)
            || calls.of(&part.tool_calls, row, inside)
            || text_at(&part.ids, row).is_some_and(|ids| {
                matcher.may_match(ids) && ids.split(halo_dataset::holes::ID_END).any(|id| matcher.is_match(id))
            })
    };
    (0..part.shape.len()).map(is_match).collect()
}

fn escapes(json: &str) -> bool {
    memchr::memchr(b'\\', json.as_bytes()).is_some()
}

/// The spans in whose own columns a match stands.
fn spans_with(part: &Spans, matcher: &Matcher) -> Bits {
    let mut resources = Memo::default();
    let mut plain = [Memo::default(), Memo::default()];
    let mut bits: Bits = (0..part.trace_id.len())
        .map(|row| {
            resources.of(&part.resource, row, |json| matches_inside(json, matcher))
                || part.plain.iter().zip(&mut plain).any(|(column, memo)| {
                    memo.of(column, row, |text| {
                        matcher.is_match(text) || is_container(text) && matches_inside(text, matcher)
                    })
                })
                || part
                    .json
                    .iter()
                    .filter_map(|column| text_at(column, row))
                    .any(|json| matcher.may_match(json) && matches_inside(json, matcher))
        })
        .collect();
    for (row, text) in part.escaped.iter() {
        bits[row] = bits[row] || matcher.may_match(text) && matches(text, matcher);
    }
    bits
}

/// Answers about the values of a column that repeats them: by where the value stands, so that it is not even hashed.
#[derive(Default)]
struct Memo(HashMap<u128, bool>);

/// Values that are remembered; a column with more of them repeats little.
const VALUES_KEPT: usize = 4096;

impl Memo {
    fn of(&mut self, column: &StringViewArray, row: usize, ask: impl FnOnce(&str) -> bool) -> bool {
        if column.is_null(row) {
            return false;
        }
        let view = column.views()[row];
        if let Some(known) = self.0.get(&view) {
            return *known;
        }
        let answer = ask(column.value(row));
        if self.0.len() < VALUES_KEPT {
            self.0.insert(view, answer);
        }
        answer
    }
}
