//! What is searched, a part of a segment at a time, and kept in memory while there is room.
//!
//! Beside the stored texts a part holds those that JSON around them does not show as they are, because it escapes them: so a search need not
//! read JSON at all where nothing is found.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::Int64Type;
use halo_dataset::{DatasetError, Result, Segment};

use super::walk::{TakeTexts, is_container, walk};

/// Columns of a span whose texts are JSON with holes.
pub(super) const JSON_COLUMNS: [&str; 4] = ["attributes", "events", "links", "extra"];

/// Columns of a span that a search needs.
const SPAN_COLUMNS: [&str; 16] = [
    "trace_id",
    "span_id",
    "step",
    "span_type",
    "name",
    "status_message",
    "input_id",
    "output_id",
    "input_messages",
    "output_messages",
    "extra_messages",
    "texts",
    "attributes",
    "events",
    "links",
    "extra",
];

const MESSAGE_COLUMNS: [&str; 6] = ["role", "content_id", "tool_calls", "ids", "shape", "texts"];

/// Texts that JSON shows only escaped, each with the row it stands in.
#[derive(Debug, Default)]
pub(super) struct Escaped {
    texts: String,
    ends: Vec<(u32, usize)>,
    row: u32,
}

impl Escaped {
    /// Takes the escaped texts of a JSON text.
    fn note(&mut self, row: usize, json: &str) {
        // Without a backslash, every text inside stands in the outer one as it is.
        if memchr::memchr(b'\\', json.as_bytes()).is_some() && is_container(json) {
            self.row = u32::try_from(row).unwrap_or(u32::MAX);
            walk(json, self);
        }
    }

    /// The texts and their rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(row, end)| {
            let text = &self.texts[start..*end];
            start = *end;
            (*row as usize, text)
        })
    }

    fn bytes(&self) -> usize {
        self.texts.capacity() + self.ends.capacity() * size_of::<(u32, usize)>()
    }
}

impl TakeTexts for Escaped {
    fn text(&mut self, text: &str, escaped: bool) {
        if escaped {
            self.texts.push_str(text);
            self.ends.push((self.row, self.texts.len()));
        }
    }

    fn stored_json(&mut self, _: usize) {}

    fn mark(&self) -> usize {
        self.ends.len()
    }

    fn forget(&mut self, mark: usize) {
        self.ends.truncate(mark);
        self.texts.truncate(self.ends.last().map_or(0, |(_, end)| *end));
    }
}

/// A group of texts.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) texts: StringArray,
    pub(super) escaped: Escaped,
}

/// The messages of a segment.
#[derive(Debug)]
pub(super) struct Messages {
    pub(super) role: StringViewArray,
    pub(super) content: Int64Array,
    pub(super) ids: StringViewArray,
    pub(super) shape: StringViewArray,
    pub(super) tool_calls: StringViewArray,
    pub(super) texts: ListArray,
}

/// The spans of a segment.
#[derive(Debug)]
pub(super) struct Spans {
    pub(super) trace_id: StringViewArray,
    pub(super) span_id: StringViewArray,
    pub(super) step: Int64Array,
    pub(super) span_type: StringViewArray,
    pub(super) plain: [StringViewArray; 2],
    pub(super) json: [StringViewArray; 4],
    pub(super) resource: StringViewArray,
    pub(super) ends: [Int64Array; 2],
    pub(super) messages: [ListArray; 3],
    pub(super) texts: ListArray,
    pub(super) escaped: Escaped,
}

/// A part in memory.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Texts(Arc<Texts>),
    Messages(Arc<Messages>),
    Spans(Arc<Spans>),
}

/// Which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// A group of texts.
    Texts(usize),
    Messages,
    Spans,
}

impl Part {
    /// Reads a part.
    fn read(segment: &Segment, which: Which) -> Result<Self> {
        Ok(match which {
            Which::Texts(group) => {
                let texts = segment.texts(group)?;
                let mut escaped = Escaped::default();
                texts.iter().enumerate().for_each(|(row, text)| escaped.note(row, text.unwrap_or_default()));
                Self::Texts(Arc::new(Texts { texts, escaped }))
            }
            Which::Messages => {
                let columns = Columns { batch: segment.messages(&MESSAGE_COLUMNS)?, segment };
                Self::Messages(Arc::new(Messages {
                    role: columns.text("role")?,
                    content: columns.int("content_id")?,
                    ids: columns.text("ids")?,
                    shape: columns.text("shape")?,
                    tool_calls: columns.text("tool_calls")?,
                    texts: columns.list("texts")?,
                }))
            }
            Which::Spans => Self::Spans(Arc::new(read_spans(segment)?)),
        })
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Texts(part) => part.texts.get_array_memory_size() + part.escaped.bytes(),
            Self::Messages(part) => {
                let texts = [&part.role, &part.ids, &part.shape, &part.tool_calls];
                texts.into_iter().map(Array::get_array_memory_size).sum::<usize>()
                    + part.content.get_array_memory_size()
                    + part.texts.get_array_memory_size()
            }
            Self::Spans(part) => {
                let texts = part.plain.iter().chain(&part.json).chain([
                    &part.trace_id,
                    &part.span_id,
                    &part.span_type,
                    &part.resource,
                ]);
                let lists = part.messages.iter().chain([&part.texts]);
                texts.map(Array::get_array_memory_size).sum::<usize>()
                    + lists.map(Array::get_array_memory_size).sum::<usize>()
                    + 4 * part.step.get_array_memory_size()
                    + part.escaped.bytes()
            }
        }
    }
}

fn read_spans(segment: &Segment) -> Result<Spans> {
    let mut names = SPAN_COLUMNS.to_vec();
    names.push("resource_attributes");
    let columns = Columns { batch: segment.spans(&names)?, segment };
    let [attributes, events, links, extra] = JSON_COLUMNS;
    let json = [columns.text(attributes)?, columns.text(events)?, columns.text(links)?, columns.text(extra)?];
    let mut escaped = Escaped::default();
    for row in 0..columns.batch.num_rows() {
        for column in json.iter().filter(|column| column.is_valid(row)) {
            escaped.note(row, column.value(row));
        }
    }
    Ok(Spans {
        trace_id: columns.text("trace_id")?,
        span_id: columns.text("span_id")?,
        step: columns.int("step")?,
        span_type: columns.text("span_type")?,
        plain: [columns.text("name")?, columns.text("status_message")?],
        json,
        resource: columns.text("resource_attributes")?,
        ends: [columns.int("input_id")?, columns.int("output_id")?],
        messages: [columns.list("input_messages")?, columns.list("output_messages")?, columns.list("extra_messages")?],
        texts: columns.list("texts")?,
        escaped,
    })
}

/// The columns of a part, by name and type.
struct Columns<'a> {
    batch: RecordBatch,
    segment: &'a Segment,
}

impl Columns<'_> {
    fn get<T: Clone>(&self, name: &str, cast: impl Fn(&dyn Array) -> Option<&T>) -> Result<T> {
        let column = self.batch.column_by_name(name);
        let cast = column.and_then(|column| cast(column.as_ref()).cloned());
        cast.ok_or_else(|| self.segment.damaged(&format!("the column {name} has the wrong type")))
    }

    fn text(&self, name: &str) -> Result<StringViewArray> {
        self.get(name, |column| column.as_string_view_opt())
    }

    fn int(&self, name: &str) -> Result<Int64Array> {
        self.get(name, |column| column.as_primitive_opt::<Int64Type>())
    }

    fn list(&self, name: &str) -> Result<ListArray> {
        self.get(name, |column| column.as_list_opt::<i32>())
    }
}

/// Parts that were read, kept as far as there is room.
#[derive(Debug)]
pub(super) struct Parts {
    segments: Vec<Segment>,
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    parts: HashMap<(usize, Which), Part>,
    bytes: usize,
}

impl Parts {
    pub(super) fn of(segments: Vec<Segment>, bytes_max: usize) -> Self {
        Self { segments, kept: Mutex::default(), bytes_max }
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// A part, out of memory or read.
    pub(super) fn get(&self, segment: usize, which: Which) -> std::result::Result<Part, DatasetError> {
        let key = (segment, which);
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = kept().parts.get(&key) {
            return Ok(part.clone());
        }
        // Read without the lock, so that others go on.
        let part = Part::read(&self.segments[segment], which)?;
        let bytes = part.bytes();
        let mut kept = kept();
        // A search goes through all parts in one order. Where not all of them have room, the first ones stay: were the oldest given up for
        // each new one, none would ever be found again.
        if kept.bytes + bytes <= self.bytes_max && !kept.parts.contains_key(&key) {
            kept.bytes += bytes;
            kept.parts.insert(key, part.clone());
        }
        Ok(part)
    }
}
