//! What passes from the reader to the parsers: bytes of one source and where its lines, values or messages stand in them.

use std::ops::Range;

use crate::parse::too_long;
use crate::reject::RejectKind;

/// Some of one source, in order.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Position among all chunks of the ingest.
    pub(crate) sequence: u64,
    /// Which source.
    pub(crate) source: usize,
    /// The bytes. What no part covers says nothing.
    pub(crate) bytes: Vec<u8>,
    /// What is in them, in order.
    pub(crate) parts: Vec<Part>,
}

impl Chunk {
    /// A chunk of JSON lines, as the reader makes most of them.
    #[cfg(test)]
    pub(crate) fn of_lines(bytes: &[u8]) -> Self {
        let part = Part { kind: PartKind::Lines, range: 0..bytes.len(), line: 1, byte_offset: 0, is_open: false };
        Self { sequence: 0, source: 0, bytes: bytes.to_vec(), parts: vec![part] }
    }
}

/// A stretch of a chunk's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    pub(crate) range: Range<usize>,
    /// Number of its first line, or of the message, from 1.
    pub(crate) line: u64,
    /// Offset of its first byte in the (decompressed) source.
    pub(crate) byte_offset: u64,
    /// The source ends before this does: a line without a line end, or a value without its last bracket. Always a part of its own and the
    /// last of its source. In a file that is being written, the rest of it is not there yet.
    pub(crate) is_open: bool,
}

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// Whole lines, each a JSON value.
    Lines,
    /// One JSON value, over as many lines as it likes. It counts as one line.
    Value,
    /// One JSON element of the `resourceSpans` of a document that is too large to be read in one go. It counts as one line.
    ResourceSpans,
    /// One message of OTLP protobuf, or of OTLP/JSON, perhaps compressed. It counts as one line.
    Message,
    /// One `ResourceSpans` of protobuf out of a file that is a single message. It counts as one line.
    ResourceSpansMessage,
}

/// A place in a source where something had to be passed over. Each counts as one rejected line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) kind: ObstacleKind,
    pub(crate) line: u64,
    pub(crate) byte_offset: u64,
    /// How it begins.
    pub(crate) excerpt: Vec<u8>,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObstacleKind {
    /// A line, value or message longer than the limit.
    TooLong { bytes: u64 },
    /// The source is nothing that is read; nothing of it was.
    Refused { reason: String },
    /// The stream broke off; what it gave of a last line is dropped.
    Broken { reason: String },
    /// JSON that has no end, or a message that the file ends in.
    Cut { reason: String },
    /// Bytes that are no message where one should begin.
    BadFrame { reason: String },
}

impl ObstacleKind {
    /// The kind of reject, and the reason in words.
    pub(crate) fn describe(&self, line_bytes_max: usize) -> (RejectKind, String) {
        match self {
            Self::TooLong { bytes } => (RejectKind::TooLong, too_long(*bytes, line_bytes_max)),
            Self::Refused { reason } => (RejectKind::Binary, reason.clone()),
            Self::Broken { reason } => (RejectKind::BrokenStream, format!("the stream breaks off: {reason}")),
            Self::Cut { reason } => (RejectKind::CutJson, reason.clone()),
            Self::BadFrame { reason } => (RejectKind::BrokenStream, reason.clone()),
        }
    }
}

/// What reading gives.
#[derive(Debug)]
pub(crate) enum Piece {
    Parts(Vec<u8>, Vec<Part>),
    Obstacle(Obstacle),
}

/// A place in a source from which it can be read on: after it comes a line, a value or a message of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Offset in bytes.
    pub(crate) byte_offset: u64,
    /// Number of the line that begins there, from 1.
    pub(crate) line: u64,
}

impl Position {
    /// Where every source begins.
    pub(crate) const START: Self = Self { byte_offset: 0, line: 1 };
}

/// Limits of a reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a chunk, unless one line or value takes more.
    pub(crate) chunk_bytes: usize,
    /// Longest line, value or message.
    pub(crate) line_bytes_max: usize,
    /// Documents of OTLP above this are read element by element.
    pub(crate) document_bytes_max: usize,
}

impl Limits {
    /// Limits with the usual size from which on a document is too large for one go.
    pub(crate) fn new(chunk_bytes: usize, line_bytes_max: usize) -> Self {
        let document_bytes_max = line_bytes_max.min(16 << 20);
        Self { chunk_bytes, line_bytes_max, document_bytes_max }
    }
}

/// How much of a rejected place is kept to show it.
pub(crate) const EXCERPT_BYTES: usize = 512;

/// The beginning of some bytes.
pub(crate) fn excerpt(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(EXCERPT_BYTES)].to_vec()
}
