//! What a stream holds, by its first bytes: JSON in any layout, messages of protobuf, or nothing that is read.

use std::io::Read;

use crate::chunks::{Limits, Obstacle, ObstacleKind, Piece, Position, excerpt};
use crate::documents::JsonPieces;
use crate::frames::{FramePieces, Framing};
use crate::input::{BufferPool, Input};

/// Bytes that are looked at, or a chunk if that is less.
const HEAD_BYTES: usize = 64 << 10;
const HEAD_BYTES_MIN: usize = 4 << 10;

/// How a stream is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) limits: Limits,
    /// Where the stream stands in its source.
    pub(crate) start: Position,
    /// Leave out what is open at the end.
    pub(crate) hold_open: bool,
}

/// A stream in pieces.
pub(crate) enum Pieces {
    Json { pieces: Box<JsonPieces>, before: Option<Obstacle> },
    Frames(Box<FramePieces>),
    Refused { obstacle: Option<Obstacle>, start: Position },
}

impl Pieces {
    /// Looks what a stream is.
    pub(crate) fn of(reader: Box<dyn Read + Send>, pool: BufferPool, reading: Reading) -> Self {
        let Reading { limits, start, hold_open } = reading;
        let mut input = Input::new(reader, pool, start.byte_offset);
        input.read_to(HEAD_BYTES.min(limits.chunk_bytes.max(HEAD_BYTES_MIN)));
        if let Some(framing) = Framing::of(input.bytes()) {
            return Self::Frames(Box::new(FramePieces::new(input, framing, limits, start, hold_open)));
        }
        let mut before = None;
        if start == Position::START {
            before = skip_zeros(&mut input);
            let is_text = if before.is_some() { continues_as_text(input.bytes()) } else { !is_binary(input.bytes()) };
            if !is_text {
                return Self::refused("the file is binary data, not JSON lines; nothing of it was read", start);
            }
        }
        Self::Json { pieces: Box::new(JsonPieces::new(input, limits, start, hold_open)), before }
    }

    /// A stream that is not read.
    pub(crate) fn refused(reason: &str, start: Position) -> Self {
        let kind = ObstacleKind::Refused { reason: reason.to_owned() };
        Self::Refused { obstacle: Some(Obstacle { kind, line: 1, byte_offset: 0, excerpt: Vec::new() }), start }
    }

    /// The position after the last line, value or message that is whole: where to read on when the source has grown.
    pub(crate) fn settled(&self) -> Position {
        match self {
            Self::Json { pieces, .. } => pieces.settled(),
            Self::Frames(pieces) => pieces.settled(),
            Self::Refused { start, .. } => *start,
        }
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        match self {
            Self::Json { pieces, before } => before.take().map(Piece::Obstacle).or_else(|| pieces.next()),
            Self::Frames(pieces) => pieces.next(),
            Self::Refused { obstacle, .. } => obstacle.take().map(Piece::Obstacle),
        }
    }
}

/// Passes over the zeros that a log has at its beginning when it was cut off under its writer.
fn skip_zeros(input: &mut Input) -> Option<Obstacle> {
    if input.bytes().first() != Some(&0) {
        return None;
    }
    let excerpt = excerpt(input.bytes());
    let mut zeros = 0;
    loop {
        let there = input.bytes().len();
        let here = input.bytes().iter().position(|byte| *byte != 0).unwrap_or(there);
        zeros += here as u64;
        input.discard(here);
        if here < there || input.is_ended() {
            break;
        }
        input.read_to(HEAD_BYTES);
    }
    let reason =
        format!("the file begins with {zeros} zero bytes, as a log does that was cut off while it was written");
    Some(Obstacle { kind: ObstacleKind::BadFrame { reason }, line: 1, byte_offset: 0, excerpt })
}

/// Whether what follows zeros is the log that was cut off. Its writer went on anywhere, also within a line or a character.
fn continues_as_text(beginning: &[u8]) -> bool {
    let head = &beginning[..beginning.len().min(LOOKED_AT)];
    let is_within = |byte: &u8| (0x80..0xc0).contains(byte);
    let head = &head[head.iter().take(3).take_while(|byte| is_within(byte)).count()..];
    let is_utf8 = simdutf8::compat::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    !head.is_empty() && is_utf8 && !head.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

/// Bytes that tell text from binary data.
const LOOKED_AT: usize = 1024;

/// Whether a source that begins like this is binary data. JSON has no NUL bytes; a text that has one further on is a matter of its line.
fn is_binary(beginning: &[u8]) -> bool {
    let head = &beginning[..beginning.len().min(LOOKED_AT)];
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|byte| !matches!(byte, b'{' | b'[')) && head.contains(&0)
}

#[cfg(test)]
mod tests;
