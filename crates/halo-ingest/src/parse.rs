//! A chunk of whole lines to a batch of spans and its rejects.

use arrow::array::RecordBatch;
use halo_dataset::SpanBatchBuilder;

use crate::chunks::Chunk;
use crate::json::Json;
use crate::reject::{Reject, RejectKind, Rejects};
use crate::span::{RawSpan, RowBuffers, push_span};
use crate::{IngestError, flat, otlp};

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineContext<'a> {
    pub(crate) source: &'a str,
    pub(crate) line: i64,
    pub(crate) byte_offset: u64,
    pub(crate) bytes: i64,
    pub(crate) text: &'a [u8],
}

/// How the lines of some input divide: `lines = span_lines + rejected_lines + blank_lines + other_lines`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct LineCounts {
    /// All lines.
    pub lines: u64,
    /// Lines that gave spans.
    pub span_lines: u64,
    /// Lines rejected as a whole.
    pub rejected_lines: u64,
    /// Blank lines.
    pub blank_lines: u64,
    /// Lines of OTLP logs and metrics, passed over.
    pub other_lines: u64,
}

impl LineCounts {
    /// Adds the counts of more input.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.span_lines += other.span_lines;
        self.rejected_lines += other.rejected_lines;
        self.blank_lines += other.blank_lines;
        self.other_lines += other.other_lines;
    }
}

/// Takes spans and rejects of one chunk.
#[derive(Default)]
pub(crate) struct SpanSink {
    builder: SpanBatchBuilder,
    buffers: RowBuffers,
    rejects: Rejects,
}

impl SpanSink {
    pub(crate) fn push(&mut self, span: &RawSpan<'_, '_>) {
        push_span(span, &mut self.buffers, &mut self.builder);
    }

    pub(crate) fn reject(&mut self, line: &LineContext<'_>, kind: RejectKind, reason: String) {
        self.rejects.push(reject(line, kind, reason));
    }
}

/// Longest part of a rejected line that is kept, in characters.
const EXCERPT_CHARS: usize = 120;

pub(crate) fn reject(line: &LineContext<'_>, kind: RejectKind, reason: String) -> Reject {
    let head = &line.text[..line.text.len().min(EXCERPT_CHARS * 4)];
    let excerpt = String::from_utf8_lossy(head).chars().take(EXCERPT_CHARS).collect();
    Reject {
        source: line.source.to_owned(),
        line: line.line.cast_unsigned(),
        byte_offset: line.byte_offset,
        kind,
        reason,
        excerpt,
    }
}

/// What a chunk came to.
pub(crate) struct ParsedChunk {
    pub(crate) sequence: u64,
    pub(crate) source: usize,
    pub(crate) batch: RecordBatch,
    pub(crate) rejects: Rejects,
    pub(crate) counts: LineCounts,
    pub(crate) bytes: usize,
}

/// Parses chunks, with buffers that are used again. One a thread.
pub(crate) struct Parser {
    line_bytes_max: usize,
    sink: SpanSink,
    line_copy: Vec<u8>,
    json_buffers: simd_json::Buffers,
}

impl Parser {
    /// A parser that rejects lines longer than this.
    pub(crate) fn new(line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            sink: SpanSink::default(),
            line_copy: Vec::new(),
            json_buffers: simd_json::Buffers::default(),
        }
    }

    pub(crate) fn parse(&mut self, chunk: &Chunk, source_name: &str) -> Result<ParsedChunk, IngestError> {
        let mut counts = LineCounts::default();
        let mut start = 0;
        let mut number = chunk.first_line;
        while start < chunk.bytes.len() {
            let end = memchr::memchr(b'\n', &chunk.bytes[start..]).map_or(chunk.bytes.len(), |at| start + at);
            let text = trim(&chunk.bytes[start..end]);
            let line = LineContext {
                source: source_name,
                line: i64::try_from(number).unwrap_or(i64::MAX),
                byte_offset: chunk.byte_offset + start as u64,
                bytes: i64::try_from(end - start).unwrap_or(i64::MAX),
                text,
            };
            counts.lines += 1;
            match self.line(&line) {
                Ok(LineKind::Spans) => counts.span_lines += 1,
                Ok(LineKind::Blank) => counts.blank_lines += 1,
                Ok(LineKind::OtherSignal) => counts.other_lines += 1,
                Err((kind, reason)) => {
                    counts.rejected_lines += 1;
                    self.sink.reject(&line, kind, reason);
                }
            }
            start = end + 1;
            number += 1;
        }
        let batch = self.sink.builder.finish().map_err(IngestError::Dataset)?;
        let rejects = std::mem::take(&mut self.sink.rejects);
        let bytes = chunk.bytes.len();
        Ok(ParsedChunk { sequence: chunk.sequence, source: chunk.source, batch, rejects, counts, bytes })
    }

    fn line(&mut self, line: &LineContext<'_>) -> Result<LineKind, flat::Refusal> {
        if line.text.is_empty() {
            return Ok(LineKind::Blank);
        }
        // Lines far over the limit never come this far: the reader passes over them.
        if line.text.len() > self.line_bytes_max {
            return Err((RejectKind::TooLong, too_long(line.text.len() as u64, self.line_bytes_max)));
        }
        // The parser unescapes in place: it gets a copy.
        self.line_copy.clear();
        self.line_copy.extend_from_slice(line.text);
        let tape = simd_json::to_tape_with_buffers(&mut self.line_copy, &mut self.json_buffers)
            .map_err(|error| explain(line.text, &error))?;
        let root = Json::of(&tape.0);
        if let Some(resource_spans) = otlp::resource_spans(root) {
            otlp::read(resource_spans, line, &mut self.sink)?;
        } else if flat::is_flat(root) {
            flat::read(root, line, &mut self.sink)?;
        } else if otlp::is_other_signal(root) {
            return Ok(LineKind::OtherSignal);
        } else {
            return Err((RejectKind::NotASpan, not_a_span(root)));
        }
        Ok(LineKind::Spans)
    }
}

/// Why a long line was passed over.
#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
pub(crate) fn too_long(bytes: u64, limit: usize) -> String {
    format!("the line has {:.1} MB, over the limit of {:.1} MB (--max-line)", bytes as f64 / 1e6, limit as f64 / 1e6)
}

enum LineKind {
    Spans,
    Blank,
    OtherSignal,
}

/// A line without its carriage return and blanks; a byte order mark is a blank.
fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    line.trim_ascii()
}

fn not_a_span(root: Json<'_, '_>) -> String {
    let keys: Vec<&str> = root.entries().map(|(key, _)| key).take(6).collect();
    let what =
        if keys.is_empty() { root.type_name().to_owned() } else { format!("an object with {}", keys.join(", ")) };
    format!("{what}: neither a span (trace_id, span_id, …) nor OTLP (resourceSpans)")
}

/// Why a line is no JSON: a second, slower parser names the place.
fn explain(text: &[u8], fast_error: &simd_json::Error) -> flat::Refusal {
    let valid = match simdutf8::compat::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) => {
            return (RejectKind::NotUtf8, format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1));
        }
    };
    if !valid.starts_with(['{', '[']) {
        let shown: String = valid.chars().take(20).collect();
        return (RejectKind::NotJson, format!("a line is one JSON object, and this one begins with {shown:?}"));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(valid) {
        Err(error) if error.is_eof() => {
            let hint = if valid.len() < 3 { "; JSON spread over several lines must be one object a line" } else { "" };
            (RejectKind::CutJson, format!("the JSON ends early, at column {}{hint}", error.column()))
        }
        Err(error) => {
            // The library's own words end with the place in its input, which is always line 1 here.
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            (RejectKind::NotJson, format!("{words} at column {}", error.column()))
        }
        Ok(_) => (RejectKind::NotJson, format!("cannot be parsed: {fast_error}")),
    }
}

#[cfg(test)]
mod tests;
