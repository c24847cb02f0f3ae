//! For tests: bytes through reader and parser, as an ingest takes them.

use std::collections::BTreeMap;
use std::io::Read;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use halo_dataset::holes::{ID_END, MessageList, MessageParts, RowParts, fill};
use halo_dataset::{Content, MessageDraft, SpanChunk, Spelling, list};

use crate::chunks::{Chunk, Limits, Piece, Position};
use crate::detect::{Pieces, Reading};
use crate::input::BufferPool;
use crate::parse::{LineContext, LineCounts, ParsedChunk, Parser, reject};
use crate::unpack::{Unpacked, unpack};

/// What bytes came to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Ids of the spans, in order.
    pub(crate) spans: Vec<String>,
    pub(crate) counts: LineCounts,
    /// `line@offset kind: reason`.
    pub(crate) rejects: Vec<String>,
    pub(crate) settled: Option<Position>,
}

/// How to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) limits: Limits,
    pub(crate) start: Position,
    pub(crate) hold_open: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { limits: Limits::new(1 << 20, 1 << 20), start: Position::START, hold_open: false }
    }
}

impl How {
    pub(crate) fn chunks_of(chunk_bytes: usize) -> Self {
        Self { limits: Limits { chunk_bytes, ..Self::default().limits }, ..Self::default() }
    }
}

/// Reads some bytes.
pub(crate) fn read(bytes: &[u8], how: How) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.settled =
        Some(for_each(std::io::Cursor::new(bytes.to_vec()), how, |parsed| {
            let ids = parsed.spans.batch.column_by_name("span_id").unwrap();
            let ids = arrow::compute::cast(ids, &DataType::Utf8).unwrap();
            outcome.spans.extend((0..ids.len()).map(|row| ids.as_string::<i32>().value(row).to_owned()));
            outcome.counts.add(&parsed.counts);
            outcome.rejects.extend(
                parsed.rejects.kept.iter().map(|reject| {
                    format!("{}@{} {:?}: {}", reject.line, reject.byte_offset, reject.kind, reject.reason)
                }),
            );
        }));
    let LineCounts { lines, span_lines, rejected_lines, blank_lines, other_lines } = outcome.counts;
    assert_eq!(lines, span_lines + rejected_lines + blank_lines + other_lines, "{outcome:?}");
    outcome
}

/// Reads a stream and shows all that is parsed of it. Gives the position that is settled.
pub(crate) fn for_each(stream: impl Read + Send + 'static, how: How, mut show: impl FnMut(&ParsedChunk)) -> Position {
    let How { limits, start, hold_open } = how;
    let pool = BufferPool::new(limits.chunk_bytes, 4);
    let mut pieces = match unpack(stream) {
        Unpacked::Stream { reader, .. } => Pieces::of(reader, pool.clone(), Reading { limits, start, hold_open }),
        Unpacked::Refused(words) => Pieces::refused(&format!("the file {words}"), start),
    };
    let mut parser = Parser::new(limits.line_bytes_max);
    let mut sequence = 0;
    for piece in pieces.by_ref() {
        match piece {
            Piece::Parts(bytes, parts) => {
                let chunk = Chunk { sequence, source: 0, bytes, parts };
                sequence += 1;
                show(&parser.parse(&chunk, "t").unwrap());
                pool.put(chunk.bytes);
            }
            Piece::Obstacle(obstacle) => {
                let (kind, reason) = obstacle.kind.describe(limits.line_bytes_max);
                let mut parsed = parser.parse(&Chunk::of_lines(b""), "t").unwrap();
                let line = i64::try_from(obstacle.line).unwrap();
                let text = &obstacle.excerpt;
                let context = LineContext { source: "t", line, byte_offset: obstacle.byte_offset, bytes: 0, text };
                parsed.rejects.push(reject(&context, kind, reason));
                parsed.counts.lines += 1;
                parsed.counts.rejected_lines += 1;
                show(&parsed);
            }
        }
    }
    pieces.settled()
}

/// A flat span on one line, without a line end.
pub(crate) fn span(id: &str) -> String {
    format!(r#"{{"trace_id":"t","span_id":"{id}","attributes":{{"x":[1,{{"y":"}}]"}}]}}}}"#)
}

/// A document of OTLP with a resource for each of these spans.
pub(crate) fn document(ids: &[&str]) -> serde_json::Value {
    let resources: Vec<_> = ids
        .iter()
        .map(|id| serde_json::json!({"scopeSpans": [{"spans": [{"traceId": "t", "spanId": id, "name": "n"}]}]}))
        .collect();
    serde_json::json!({"resourceSpans": resources})
}

/// Rows by span id, each as its columns that are not null, with what is stored once in its place.
pub(crate) fn rows(chunk: &SpanChunk) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut rows = BTreeMap::new();
    let SpanChunk { batch, content, .. } = chunk;
    for row in 0..batch.num_rows() {
        let parts = ChunkRow { chunk, row };
        let mut columns = BTreeMap::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let name = field.name().as_str();
            // The texts show in the columns that have holes for them.
            if !column.is_valid(row) || name == "texts" {
                continue;
            }
            // Times as nanoseconds: arrow knows no time zones by name here.
            let column = match field.data_type() {
                DataType::Timestamp(..) => arrow::compute::cast(column, &DataType::Int64).unwrap(),
                _ => column.clone(),
            };
            let formatter = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default()).unwrap();
            let shown = formatter.value(row).to_string();
            let (name, shown) = match name {
                "input_id" | "output_id" => {
                    (name.trim_end_matches("_id"), content.texts.get(shown.parse().unwrap()).to_owned())
                }
                "attributes" | "events" | "links" | "extra" => (name, fill(&shown, &parts).into_owned()),
                "input_messages" | "output_messages" | "extra_messages" => {
                    (name, parts.ids(name).iter().map(|id| shown_message(content, *id)).collect::<Vec<_>>().join(" | "))
                }
                _ => (name, shown),
            };
            columns.insert(name.to_owned(), shown);
        }
        rows.insert(columns["span_id"].clone(), columns);
    }
    rows
}

/// A message of a chunk: who speaks, what it says, what it calls.
fn shown_message(content: &Content, id: i64) -> String {
    let number = u32::try_from(id).unwrap();
    let message = content.message(number);
    let text = message.content.map(|text| format!("{:?}", content.texts.get(text)));
    let calls = content.tool_calls(number).map(|calls| format!("calls {calls}"));
    let words: Vec<String> = [message.role.map(str::to_owned), text, calls].into_iter().flatten().collect();
    words.join(" ")
}

/// A row of a chunk that is not yet written, to fill its holes.
struct ChunkRow<'a> {
    chunk: &'a SpanChunk,
    row: usize,
}

impl ChunkRow<'_> {
    fn ids(&self, name: &str) -> &[i64] {
        list(self.chunk.batch.column_by_name(name).unwrap().as_list::<i32>(), self.row)
    }

    fn messages(&self, messages: MessageList) -> &[i64] {
        match messages {
            MessageList::Input => self.ids("input_messages"),
            MessageList::Output => self.ids("output_messages"),
            MessageList::Extra { first, count } => &self.ids("extra_messages")[first..first + count],
        }
    }
}

impl RowParts for ChunkRow<'_> {
    type Message<'a>
        = ChunkMessage<'a>
    where
        Self: 'a;

    fn text(&self, number: usize) -> &str {
        self.chunk.content.texts.get(u32::try_from(self.ids("texts")[number]).unwrap())
    }

    fn count(&self, messages: MessageList) -> usize {
        self.messages(messages).len()
    }

    fn message(&self, messages: MessageList, index: usize) -> ChunkMessage<'_> {
        let content = &self.chunk.content;
        ChunkMessage { content, message: content.message(u32::try_from(self.messages(messages)[index]).unwrap()) }
    }
}

struct ChunkMessage<'a> {
    content: &'a Content,
    message: MessageDraft<'a>,
}

impl MessageParts for ChunkMessage<'_> {
    fn shape(&self) -> Option<&str> {
        self.message.shape
    }

    fn spelling(&self) -> Spelling {
        self.message.spelling
    }

    fn id(&self, number: usize) -> &str {
        self.message.ids.unwrap().split(ID_END).nth(number).unwrap()
    }

    fn text(&self, number: usize) -> &str {
        self.content.texts.get(self.message.texts[number])
    }
}
