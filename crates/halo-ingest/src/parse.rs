//! A chunk of lines to a batch of spans and its rejects.

use halo_dataset::SpanChunk;
use halo_redact::{RedactionCounts, Redactor};
use simd_json::Node;

use crate::chunks::Chunk;
use crate::json::Json;
use crate::redact::Masker;
use crate::reject::{Reject, RejectKind, Rejects};
use crate::shortcuts::holds_mark;
use crate::span::{ChunkBuilder, RawSpan, Resources};
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
    builder: ChunkBuilder,
    pub(crate) resources: Resources,
    rejects: Rejects,
}

impl SpanSink {
    pub(crate) fn push(&mut self, span: &RawSpan<'_, '_>) {
        self.builder.push(span);
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
    pub(crate) spans: SpanChunk,
    pub(crate) rejects: Rejects,
    pub(crate) counts: LineCounts,
    pub(crate) redacted: RedactionCounts,
}

/// Parses chunks, with buffers that are used again. One a thread.
pub(crate) struct Parser {
    line_bytes_max: usize,
    sink: SpanSink,
    line_copy: Vec<u8>,
    json_buffers: simd_json::Buffers,
    masker: Option<Masker>,
    /// Texts of a shortened line that were made whole.
    wholes: Vec<String>,
}

impl Parser {
    /// A parser that rejects lines longer than this.
    pub(crate) fn new(line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            masker: None,
            wholes: Vec::new(),
            sink: SpanSink::default(),
            line_copy: Vec::new(),
            json_buffers: simd_json::Buffers::default(),
        }
    }

    /// The same, with texts masked when there is something to mask them with.
    pub(crate) fn masking(self, redactor: Option<&Redactor>) -> Self {
        Self { masker: redactor.map(Masker::new), ..self }
    }

    pub(crate) fn parse(&mut self, chunk: &Chunk, source_name: &str) -> Result<ParsedChunk, IngestError> {
        let mut counts = LineCounts::default();
        for part in &chunk.parts {
            self.part(part, &chunk.bytes[part.range.clone()], source_name, &mut counts);
        }
        let spans = self.sink.builder.finish().map_err(IngestError::Dataset)?;
        let mut rejects = std::mem::take(&mut self.sink.rejects);
        let mut redacted = RedactionCounts::default();
        if let Some(masker) = &mut self.masker {
            for reject in &mut rejects.kept {
                reject.excerpt = masker.text(&reject.excerpt);
                reject.reason = masker.text(&reject.reason);
            }
            redacted = std::mem::take(&mut masker.counts);
        }
        Ok(ParsedChunk { sequence: chunk.sequence, source: chunk.source, spans, rejects, counts, redacted })
    }

    fn line(&mut self, line: &LineContext<'_>) -> Result<LineKind, flat::Refusal> {
        if line.text.is_empty() {
            return Ok(LineKind::Blank);
        }
        // Lines far over the limit never come this far: the reader passes over them.
        if line.text.len() > self.line_bytes_max {
            return Err((RejectKind::TooLong, too_long(line.text.len() as u64, self.line_bytes_max)));
        }
        // The parser unescapes in place: it gets a copy, in which messages that are known are marks.
        self.line_copy.clear();
        let is_short = match self.masker {
            None => self.sink.builder.dictionary.shorten(line.text, &mut self.line_copy),
            Some(_) => {
                self.line_copy.extend_from_slice(line.text);
                false
            }
        };
        let tape = simd_json::to_tape_with_buffers(&mut self.line_copy, &mut self.json_buffers)
            .map_err(|error| explain(line.text, &error))?;
        if is_short {
            return read_short(tape.0, &mut self.wholes, line, &mut self.sink);
        }
        read_masked(&tape.0, self.masker.as_mut(), line, &mut self.sink)
    }
}

/// Reads a line that was shortened, with its texts made whole again.
fn read_short<'l>(
    mut nodes: Vec<Node<'l>>,
    wholes: &'l mut Vec<String>,
    line: &LineContext<'_>,
    sink: &mut SpanSink,
) -> Result<LineKind, flat::Refusal> {
    let dictionary = &mut sink.builder.dictionary;
    let mut places = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Node::String(text) = node
            && holds_mark(text.as_bytes())
        {
            if wholes.len() == places.len() {
                wholes.push(String::new());
            }
            let whole = &mut wholes[places.len()];
            whole.clear();
            dictionary.lengthen(text, whole);
            places.push((at, (*text).to_owned()));
        }
    }
    let wholes: &'l [String] = wholes;
    for ((at, _), whole) in places.iter().zip(wholes) {
        nodes[*at] = Node::String(whole);
    }
    dictionary.shortcuts.remember(wholes.iter().zip(places.into_iter().map(|(_, short)| short)));
    read_root(Json::of(&nodes), line, sink)
}

/// Reads the spans of a parsed value into the sink, masked when there is a masker.
fn read_masked(
    nodes: &[Node<'_>],
    masker: Option<&mut Masker>,
    line: &LineContext<'_>,
    sink: &mut SpanSink,
) -> Result<LineKind, flat::Refusal> {
    sink.builder.dictionary.shortcuts.forget();
    match masker {
        Some(masker) => read_root(Json::of(&masker.value(nodes)), line, sink),
        None => read_root(Json::of(nodes), line, sink),
    }
}

/// Reads the spans of a parsed value into the sink.
fn read_root(root: Json<'_, '_>, line: &LineContext<'_>, sink: &mut SpanSink) -> Result<LineKind, flat::Refusal> {
    if let Some(resource_spans) = otlp::resource_spans(root) {
        otlp::read(resource_spans, line, sink)?;
    } else if flat::is_flat(root) {
        flat::read(root, line, sink)?;
    } else if otlp::is_other_signal(root) {
        return Ok(LineKind::OtherSignal);
    } else {
        return Err((RejectKind::NotASpan, not_a_span(root)));
    }
    Ok(LineKind::Spans)
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

/// A line without its carriage return and blanks. A byte order mark is a blank, and so are the zeros that a log has where it was cut off
/// under its writer, if there is a line behind them.
fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    match line.iter().position(|byte| *byte != 0) {
        Some(zeros) if zeros > 0 => line[zeros..].trim_ascii(),
        _ => line,
    }
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
        // A text that ends within a character was cut there.
        Err(error) if error.error_len().is_none() => {
            return (RejectKind::CutJson, format!("the JSON ends early, within a character, at byte {}", text.len()));
        }
        Err(error) => {
            return (RejectKind::NotUtf8, format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1));
        }
    };
    if valid.starts_with('\0') {
        return (RejectKind::NotJson, format!("the line is {} zero bytes, as a crash leaves them", valid.len()));
    }
    if !valid.starts_with(['{', '[']) {
        let shown: String = valid.chars().take(20).collect();
        return (RejectKind::NotJson, format!("a line is one JSON object, and this one begins with {shown:?}"));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(valid) {
        Err(error) if error.is_eof() => (RejectKind::CutJson, format!("the JSON ends early, at {}", place(&error))),
        Err(error) => {
            // The library's own words end with the place in its input.
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            (RejectKind::NotJson, format!("{words} at {}", place(&error)))
        }
        Ok(_) => (RejectKind::NotJson, format!("cannot be parsed: {fast_error}")),
    }
}

/// Where in a line, or in the lines of a value, an error is.
fn place(error: &serde_json::Error) -> String {
    match error.line() {
        1 => format!("column {}", error.column()),
        line => format!("column {} of its line {line}", error.column()),
    }
}

mod parts;
#[cfg(test)]
mod tests;
