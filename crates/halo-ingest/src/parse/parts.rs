//! The parts of a chunk: lines, values of a document, and messages of protobuf, each to spans, a reject, or nothing.

use prost::bytes::Bytes;

use super::{LineContext, LineCounts, LineKind, Parser, explain, read_masked, too_long, trim};
use crate::chunks::{Part, PartKind};
use crate::flat::Refusal;
use crate::proto::Request;
use crate::reject::RejectKind;
use crate::scan::split_values;
use crate::tape::{Texts, tape};
use crate::unpack::unzstd;

/// Longest text of the protobuf decoder that is shown.
const PROTOBUF_WORDS_MAX: usize = 200;

impl Parser {
    /// Reads a part of a chunk.
    pub(super) fn part(&mut self, part: &Part, bytes: &[u8], source: &str, counts: &mut LineCounts) {
        let context = |line: u64, byte_offset: u64, bytes: usize, text| LineContext {
            source,
            line: i64::try_from(line).unwrap_or(i64::MAX),
            byte_offset,
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            text,
        };
        match part.kind {
            PartKind::Lines => {
                let (mut start, mut number) = (0, part.line);
                while start < bytes.len() {
                    let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
                    let offset = part.byte_offset + start as u64;
                    let line = context(number, offset, end - start, trim(&bytes[start..end]));
                    self.value(&line, counts);
                    start = end + 1;
                    number += 1;
                }
            }
            PartKind::Value => {
                let line = context(part.line, part.byte_offset, bytes.len(), trim(bytes));
                self.value(&line, counts);
            }
            PartKind::ResourceSpans => {
                let line = context(part.line, part.byte_offset, bytes.len(), trim(bytes));
                let outcome = self.element(&line);
                self.count(outcome, &line, counts);
            }
            PartKind::Message | PartKind::ResourceSpansMessage => {
                // What is not text is not shown.
                let line = context(part.line, part.byte_offset, bytes.len(), b"".as_slice());
                let outcome = self.message(bytes, part.kind, &line);
                self.count(outcome, &line, counts);
            }
        }
    }

    /// Reads one value, or several that stand in one line without a line end between them.
    fn value(&mut self, line: &LineContext<'_>, counts: &mut LineCounts) {
        let outcome = self.line(line);
        if matches!(outcome, Err((RejectKind::NotJson, _)))
            && let Some(values) = split_values(line.text)
        {
            for range in values {
                let text = &line.text[range.clone()];
                let bytes = i64::try_from(text.len()).unwrap_or(i64::MAX);
                let value = LineContext { text, bytes, byte_offset: line.byte_offset + range.start as u64, ..*line };
                let outcome = self.line(&value);
                self.count(outcome, &value, counts);
            }
            return;
        }
        self.count(outcome, line, counts);
    }

    fn count(&mut self, outcome: Result<LineKind, Refusal>, line: &LineContext<'_>, counts: &mut LineCounts) {
        counts.lines += 1;
        match outcome {
            Ok(LineKind::Spans) => counts.span_lines += 1,
            Ok(LineKind::Blank) => counts.blank_lines += 1,
            Ok(LineKind::OtherSignal) => counts.other_lines += 1,
            Err((kind, reason)) => {
                counts.rejected_lines += 1;
                self.sink.reject(line, kind, reason);
            }
        }
    }

    /// Reads an element of `resourceSpans` as the document that has no other.
    fn element(&mut self, line: &LineContext<'_>) -> Result<LineKind, Refusal> {
        self.line_copy.clear();
        self.line_copy.extend_from_slice(b"{\"resourceSpans\":[");
        self.line_copy.extend_from_slice(line.text);
        self.line_copy.extend_from_slice(b"]}");
        let tape = simd_json::to_tape_with_buffers(&mut self.line_copy, &mut self.json_buffers)
            .map_err(|error| explain(line.text, &error))?;
        read_masked(&tape.0, self.masker.as_mut(), line, &mut self.sink)
    }

    /// Reads a message, which may be compressed, and may hold JSON.
    fn message(&mut self, bytes: &[u8], kind: PartKind, line: &LineContext<'_>) -> Result<LineKind, Refusal> {
        if bytes.is_empty() {
            return Ok(LineKind::Blank);
        }
        let unpacked;
        let bytes = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let limit = self.line_bytes_max;
            unpacked = unzstd(bytes, limit).map_err(|error| match error.kind() {
                std::io::ErrorKind::FileTooLarge => (RejectKind::TooLong, too_long(limit as u64 + 1, limit)),
                _ => (RejectKind::BrokenStream, format!("message {} cannot be unpacked: {error}", line.line)),
            })?;
            unpacked.as_slice()
        } else {
            bytes
        };
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let text = trim(bytes);
            return self.line(&LineContext { text, ..*line });
        }
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.protobuf(Bytes::copy_from_slice(bytes), kind, &LineContext { bytes: size, ..*line })
    }

    fn protobuf(&mut self, message: Bytes, kind: PartKind, line: &LineContext<'_>) -> Result<LineKind, Refusal> {
        let damaged = |error: prost::DecodeError| {
            let words = error.to_string();
            let mut words = words.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&words);
            // The way to the place is told too, level by level: of a deep one only what is wrong there.
            if words.len() > PROTOBUF_WORDS_MAX {
                words = words.rsplit(": ").next().unwrap_or_default();
            }
            (RejectKind::BadField, format!("message {} is no OTLP protobuf: {words}", line.line))
        };
        let request = if kind == PartKind::ResourceSpansMessage {
            // A message of one field, spelled out: what tells the signals apart looks at requests.
            let mut wrapped = vec![0x0a];
            prost::encoding::encode_varint(message.len() as u64, &mut wrapped);
            wrapped.extend_from_slice(&message);
            Request::decode(wrapped.into())
        } else {
            Request::decode(message)
        };
        let traces = match request.map_err(damaged)? {
            Request::Traces(traces) => traces,
            Request::Other => return Ok(LineKind::OtherSignal),
        };
        let texts = Texts::of(&traces);
        let tape = tape(&traces, &texts);
        read_masked(&tape, self.masker.as_mut(), line, &mut self.sink)
    }
}
