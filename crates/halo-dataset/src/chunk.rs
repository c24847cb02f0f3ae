//! Spans on their way into a segment: rows whose texts and messages are numbers of a [`Content`] of their own.

use arrow::array::{Array, AsArray, Int64Array, ListArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};

use crate::content::{Content, Import, Merged};
use crate::content_file::global_id;
use crate::store::list;
use crate::{DatasetError, Result};

/// Some spans, made by [`SpanBatchBuilder`](crate::SpanBatchBuilder), with what their references stand for.
#[derive(Debug)]
pub struct SpanChunk {
    /// The spans. Columns of references hold numbers of `content`.
    pub batch: RecordBatch,
    /// Their texts and messages.
    pub content: Content,
    /// About the bytes that it takes in memory.
    pub bytes: usize,
}

/// One span of several chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanPlace {
    /// Which chunk.
    pub chunk: u32,
    /// Row of its batch.
    pub row: u32,
}

impl SpanChunk {
    /// All spans of this chunk, when it is the `chunk`-th of several.
    pub fn places(&self, chunk: u32) -> impl Iterator<Item = SpanPlace> + use<> {
        let rows = u32::try_from(self.batch.num_rows()).unwrap_or(u32::MAX);
        (0..rows).map(move |row| SpanPlace { chunk, row })
    }
}

/// What a row is sorted by: trace, then start, then the longer span first (a parent starts with its first child), then the order of the input.
struct Keys<'a> {
    trace_id: &'a StringViewArray,
    start: Vec<i64>,
    end: Vec<i64>,
    line: Vec<i64>,
}

impl<'a> Keys<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self> {
        let column = |name: &str| Ok::<_, DatasetError>(batch.column(batch.schema_ref().index_of(name)?));
        let times = |name: &str| -> Result<Vec<i64>> {
            let array = column(name)?.as_primitive::<TimestampNanosecondType>();
            Ok(array.iter().map(|time| time.unwrap_or(i64::MAX)).collect())
        };
        let line = column("source_line")?.as_primitive::<Int64Type>();
        Ok(Self {
            trace_id: column("trace_id")?.as_string_view(),
            start: times("start_time")?,
            end: times("end_time")?,
            line: line.iter().map(|line| line.unwrap_or(0)).collect(),
        })
    }
}

/// Puts spans into the order of a segment, and tells where each trace ends.
pub(crate) fn sort(batches: &[&RecordBatch], places: &mut [SpanPlace]) -> Result<Vec<usize>> {
    let keys: Vec<Keys<'_>> = batches.iter().map(|batch| Keys::of(batch)).collect::<Result<_>>()?;
    let trace_id = |place: &SpanPlace| keys[place.chunk as usize].trace_id.value(place.row as usize);
    let compare = |a: &SpanPlace, b: &SpanPlace| {
        let (a_keys, b_keys) = (&keys[a.chunk as usize], &keys[b.chunk as usize]);
        let (a_row, b_row) = (a.row as usize, b.row as usize);
        trace_id(a)
            .cmp(trace_id(b))
            .then_with(|| a_keys.start[a_row].cmp(&b_keys.start[b_row]))
            .then_with(|| b_keys.end[b_row].cmp(&a_keys.end[a_row]))
            .then_with(|| a_keys.line[a_row].cmp(&b_keys.line[b_row]))
            .then_with(|| (a.chunk, a.row).cmp(&(b.chunk, b.row)))
    };
    places.sort_unstable_by(compare);
    let ends =
        (1..=places.len()).filter(|at| *at == places.len() || trace_id(&places[*at]) != trace_id(&places[at - 1]));
    Ok(ends.collect())
}

/// The columns of references of one chunk.
pub(crate) struct References<'a> {
    content: &'a Content,
    input: &'a Int64Array,
    output: &'a Int64Array,
    input_messages: &'a ListArray,
    output_messages: &'a ListArray,
    texts: &'a ListArray,
    extra_messages: &'a ListArray,
    import: Import,
}

/// References of one span, as ids of the segment.
#[derive(Debug, Default)]
pub(crate) struct SpanIds {
    pub(crate) input: Option<i64>,
    pub(crate) output: Option<i64>,
    pub(crate) input_messages: Vec<i64>,
    pub(crate) output_messages: Vec<i64>,
    pub(crate) texts: Vec<i64>,
    pub(crate) extra_messages: Vec<i64>,
}

impl<'a> References<'a> {
    pub(crate) fn of(chunk: &'a SpanChunk) -> Result<Self> {
        let column = |name: &str| Ok::<_, DatasetError>(chunk.batch.column(chunk.batch.schema_ref().index_of(name)?));
        let ints = |name: &str| Ok::<_, DatasetError>(column(name)?.as_primitive::<Int64Type>());
        let lists = |name: &str| Ok::<_, DatasetError>(column(name)?.as_list::<i32>());
        Ok(Self {
            content: &chunk.content,
            input: ints("input_id")?,
            output: ints("output_id")?,
            input_messages: lists("input_messages")?,
            output_messages: lists("output_messages")?,
            texts: lists("texts")?,
            extra_messages: lists("extra_messages")?,
            import: Import::of(&chunk.content),
        })
    }

    /// Takes all that a span refers to into the content of a segment.
    pub(crate) fn take(&mut self, row: usize, segment: u32, into: &mut Merged<'a>, ids: &mut SpanIds) {
        let (content, import) = (self.content, &mut self.import);
        let number = |id: i64| u32::try_from(id).unwrap_or(0);
        let text = |id: i64, into: &mut Merged<'a>, import: &mut Import| {
            global_id(segment, import.text(content, into, number(id)))
        };
        // Texts get their rows in the order in which they are met, so that those of a trace stand together: what came in, then what came out.
        ids.input = self.input.is_valid(row).then(|| text(self.input.value(row), into, import));
        ids.texts.clear();
        ids.texts.extend(list(self.texts, row).iter().map(|id| text(*id, into, import)));
        for (lists, taken) in [
            (self.input_messages, &mut ids.input_messages),
            (self.extra_messages, &mut ids.extra_messages),
            (self.output_messages, &mut ids.output_messages),
        ] {
            taken.clear();
            let message = |id: &i64| global_id(segment, import.message(content, into, number(*id)));
            taken.extend(list(lists, row).iter().map(message));
        }
        ids.output = self.output.is_valid(row).then(|| text(self.output.value(row), into, import));
    }
}
