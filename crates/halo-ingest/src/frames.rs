//! Streams of length-delimited messages to pieces: OTLP protobuf, or messages that were compressed one by one.
//!
//! The Collector's file exporter writes four bytes of length, the highest first, before each message whenever its format is `proto`, and before
//! each zstd frame when it compresses. Protobuf's own custom is a varint. A file may also be a single message.

use crate::chunks::{Limits, Obstacle, ObstacleKind, Part, PartKind, Piece, Position};
use crate::input::{Input, StreamEnd};

/// How messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Four bytes of length, the highest first.
    Fixed,
    /// A varint of length.
    Varint,
    /// No frames: the fields of a single message, each a `ResourceSpans`.
    Bare,
}

/// Bytes of a message that tell whether it is one.
const TOLD_BY: usize = 24;
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

impl Framing {
    /// Which framing a stream has that begins like this. `None` when it is none of them.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        // Line feeds alone could be lengths.
        if head.trim_ascii().is_empty() {
            return None;
        }
        // One that fits all the way; or else, as damage may be near, the one that fits longest.
        let mut best = None;
        for framing in [Self::Fixed, Self::Varint, Self::Bare] {
            let (messages, fits_to_the_end) = framing.fits(head);
            if messages > 0 && fits_to_the_end {
                return Some(framing);
            }
            if messages > best.map_or(0, |(_, most)| most) {
                best = Some((framing, messages));
            }
        }
        best.map(|(framing, _)| framing)
    }

    /// How many messages of this framing there are, and whether nothing else is.
    fn fits(self, head: &[u8]) -> (usize, bool) {
        let (mut at, mut messages) = (0, 0);
        while at < head.len() {
            if self == Self::Fixed && head[at..].starts_with(&[0; 4]) {
                at += 4;
                continue;
            }
            match self.header(&head[at..]) {
                Header::More => break,
                Header::Bad => return (messages, false),
                Header::Message { header, length } => {
                    let available = &head[at + header..];
                    if !available.is_empty() && !self.is_plausible(available, length) {
                        return (messages, false);
                    }
                    messages += usize::from(!available.is_empty() && length > 0);
                    at = at.saturating_add(header).saturating_add(length);
                }
            }
        }
        (messages, true)
    }

    /// Reads what stands before a message.
    fn header(self, bytes: &[u8]) -> Header {
        match self {
            Self::Fixed => match bytes.first_chunk::<4>() {
                Some(length) => Header::Message { header: 4, length: u32::from_be_bytes(*length) as usize },
                None => Header::More,
            },
            Self::Varint => header_of_varint(bytes, 0),
            Self::Bare => match bytes.first() {
                Some(0x0a) => header_of_varint(&bytes[1..], 1),
                Some(_) => Header::Bad,
                None => Header::More,
            },
        }
    }

    /// Whether a message may begin like this.
    fn is_plausible(self, available: &[u8], length: usize) -> bool {
        match self {
            // JSON would be text as a whole without the zeros of a length.
            Self::Fixed => {
                available.starts_with(ZSTD_MAGIC)
                    || available.starts_with(b"{\"resource")
                    || is_request(available, length)
            }
            Self::Varint => available.starts_with(ZSTD_MAGIC) || is_request(available, length),
            Self::Bare => is_resource_spans(available, length),
        }
    }
}

/// What stands before a message.
enum Header {
    /// Not all of it is there.
    More,
    /// It is no header.
    Bad,
    Message {
        header: usize,
        length: usize,
    },
}

fn header_of_varint(bytes: &[u8], before: usize) -> Header {
    match varint(bytes) {
        Some((length, taken)) => match usize::try_from(length) {
            Ok(length) => Header::Message { header: before + taken, length },
            Err(_) => Header::Bad,
        },
        None if bytes.len() < 10 => Header::More,
        None => Header::Bad,
    }
}

/// A varint and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// Whether these are the first bytes of a message whose only field is a list of messages, as all requests of OTLP are.
fn is_request(available: &[u8], length: usize) -> bool {
    if length == 0 {
        return true;
    }
    if available[0] != 0x0a {
        return false;
    }
    let Some((inner, taken)) = varint(&available[1..]) else {
        return available.len() < 11;
    };
    let Some(end) = usize::try_from(inner).ok().and_then(|inner| inner.checked_add(1 + taken)) else { return false };
    let fits = end == length || (end < length && available.get(end).is_none_or(|tag| *tag == 0x0a));
    fits && available.get(1 + taken..).is_none_or(|nested| is_resource_spans(nested, end - 1 - taken))
}

/// Whether these are the first bytes of a `ResourceSpans`, or of its like among logs and metrics.
fn is_resource_spans(available: &[u8], length: usize) -> bool {
    // Field 1 is the resource, 2 a scope, 3 the schema's URL, 1000 the older form of a scope; all are length-delimited.
    let tag = match available {
        [] => return true,
        _ if length == 0 => return true,
        [0x0a | 0x12 | 0x1a, ..] => 1,
        [0xc2, 0x3e, ..] => 2,
        _ => return false,
    };
    match available.get(tag..).and_then(varint) {
        Some((inner, taken)) => usize::try_from(inner).is_ok_and(|inner| inner.saturating_add(tag + taken) <= length),
        None => available.len() < tag + 10,
    }
}

/// Cuts a stream into messages.
pub(crate) struct FramePieces {
    input: Input,
    framing: Framing,
    limits: Limits,
    hold_open: bool,
    pos: usize,
    /// Number of the message at `pos`.
    number: u64,
    parts: Vec<Part>,
    obstacle: Option<Obstacle>,
    /// The bytes before were zeros.
    after_zeros: bool,
    /// Looking for the next message after damage.
    is_lost: bool,
    /// A message over the limit: its place, its size, and how many of its bytes are still to be passed over.
    skipped: Option<(Obstacle, usize)>,
    settled: Position,
    done: bool,
    end_told: bool,
}

enum Step {
    On,
    More,
    End,
}

impl FramePieces {
    /// Reads on from `start`, the position of the input.
    pub(crate) fn new(input: Input, framing: Framing, limits: Limits, start: Position, hold_open: bool) -> Self {
        Self {
            input,
            framing,
            limits,
            hold_open,
            pos: 0,
            number: start.line,
            parts: Vec::new(),
            obstacle: None,
            after_zeros: false,
            is_lost: false,
            skipped: None,
            settled: start,
            done: false,
            end_told: false,
        }
    }

    /// The position after the last message that is whole.
    pub(crate) fn settled(&self) -> Position {
        self.settled
    }

    fn rest(&self) -> &[u8] {
        &self.input.bytes()[self.pos..]
    }

    fn offset(&self) -> u64 {
        self.input.offset() + self.pos as u64
    }

    fn obstacle(&self, kind: ObstacleKind) -> Obstacle {
        Obstacle { kind, line: self.number, byte_offset: self.offset(), excerpt: Vec::new() }
    }

    /// After a whole message.
    fn settle(&mut self) {
        self.number += 1;
        self.settled = Position { byte_offset: self.offset(), line: self.number };
    }

    fn step(&mut self) -> Step {
        if let Some((obstacle, left)) = self.skipped.take() {
            return self.skip(obstacle, left);
        }
        if self.is_lost {
            return self.find_next();
        }
        if self.rest().is_empty() {
            return if self.input.is_ended() { Step::End } else { Step::More };
        }
        if self.framing == Framing::Fixed
            && self.rest()[0] == 0
            && let Some(step) = self.zeros()
        {
            return step;
        }
        self.after_zeros = false;
        match self.framing.header(self.rest()) {
            Header::More if self.input.is_ended() => self.cut("the length of it"),
            Header::More => Step::More,
            Header::Bad => self.bad(),
            Header::Message { header, length } => self.message(header, length),
        }
    }

    /// Messages of no length, or a file that was made larger before it was written. A run of them counts as one blank.
    fn zeros(&mut self) -> Option<Step> {
        let rest = self.rest();
        let zeros = rest.iter().position(|byte| *byte != 0).unwrap_or(rest.len());
        let to_the_end = zeros == rest.len();
        if to_the_end && !self.input.is_ended() && zeros < 4 {
            return Some(Step::More);
        }
        // Fewer than four at the very end are the beginning of a length, unless they end a run.
        let all = to_the_end && self.input.is_ended() && (zeros >= 4 || self.after_zeros);
        let length = if all { zeros } else { zeros / 4 * 4 };
        if length == 0 {
            return None;
        }
        let (range, byte_offset) = (self.pos..self.pos, self.offset());
        self.pos += length;
        if std::mem::replace(&mut self.after_zeros, true) {
            self.settled.byte_offset = self.offset();
        } else {
            self.parts.push(Part { kind: PartKind::Message, range, line: self.number, byte_offset, is_open: false });
            self.settle();
        }
        Some(Step::On)
    }

    fn message(&mut self, header: usize, length: usize) -> Step {
        let rest = &self.rest()[header..];
        if rest.len() < length.min(TOLD_BY) && !self.input.is_ended() {
            return Step::More;
        }
        let judged = length.min(self.limits.document_bytes_max);
        if !rest.is_empty() && !self.framing.is_plausible(&rest[..rest.len().min(judged)], length) {
            return self.bad();
        }
        // Judged by what there is, and again by all that judges it: how much comes at a time makes no difference.
        if rest.len() < judged && !self.input.is_ended() {
            return Step::More;
        }
        if length > self.limits.line_bytes_max {
            let obstacle = self.obstacle(ObstacleKind::TooLong { bytes: length as u64 });
            self.pos += header;
            self.skipped = Some((obstacle, length));
            return Step::On;
        }
        if rest.len() < length {
            if !self.input.is_ended() {
                return Step::More;
            }
            let there = rest.len();
            return self.cut(&format!("it: of {length} bytes there are {there}"));
        }
        let kind = if self.framing == Framing::Bare { PartKind::ResourceSpansMessage } else { PartKind::Message };
        let range = self.pos + header..self.pos + header + length;
        self.parts.push(Part { kind, range, line: self.number, byte_offset: self.offset(), is_open: false });
        self.pos += header + length;
        self.settle();
        Step::On
    }

    /// The file ends within a message. Perhaps its length is damaged, and others follow.
    fn cut(&mut self, within: &str) -> Step {
        if self.hold_open || matches!(self.input.end(), Some(StreamEnd::Broken(_))) {
            return Step::End;
        }
        let reason =
            format!("the file ends early: message {} has no end, and the file ends within {within}", self.number);
        self.lose(ObstacleKind::Cut { reason })
    }

    /// What is here is no message.
    fn bad(&mut self) -> Step {
        let reason = format!(
            "message {} does not begin as one: a length is damaged here or before; bytes are passed over up to the next one",
            self.number
        );
        self.lose(ObstacleKind::BadFrame { reason })
    }

    fn lose(&mut self, kind: ObstacleKind) -> Step {
        self.obstacle = Some(self.obstacle(kind));
        self.number += 1;
        self.pos += 1;
        self.is_lost = true;
        Step::On
    }

    /// Looks for the next place where a message begins beyond doubt.
    fn find_next(&mut self) -> Step {
        // Only lengths of four bytes are long enough to be found again by chance hardly ever.
        if self.framing != Framing::Fixed {
            self.pos = self.input.bytes().len();
            return if self.input.is_ended() { Step::End } else { Step::More };
        }
        let rest = self.rest();
        for at in 0..rest.len().saturating_sub(4 + TOLD_BY) {
            let Header::Message { header, length } = self.framing.header(&rest[at..]) else { break };
            // A length below 16 MB has a zero first: that leaves few places to look at.
            if length == 0 || length > self.limits.line_bytes_max {
                continue;
            }
            let there = &rest[at + header..];
            let judged = length.min(self.limits.document_bytes_max);
            if self.framing.is_plausible(&there[..there.len().min(judged)], length) {
                self.is_lost = there.len() < judged && !self.input.is_ended();
                self.pos += at;
                return if self.is_lost { Step::More } else { Step::On };
            }
        }
        if self.input.is_ended() {
            self.pos = self.input.bytes().len();
            return Step::End;
        }
        self.pos += rest.len().saturating_sub(4 + TOLD_BY);
        Step::More
    }

    fn skip(&mut self, obstacle: Obstacle, left: usize) -> Step {
        let there = self.rest().len().min(left);
        self.pos += there;
        if there == left {
            self.settle();
            self.obstacle = Some(obstacle);
            return Step::On;
        }
        if self.input.is_ended() {
            if !self.hold_open {
                let reason = format!(
                    "message {} is said to be over the limit, and the file ends {} bytes before its end",
                    self.number,
                    left - there
                );
                self.obstacle = Some(Obstacle { kind: ObstacleKind::Cut { reason }, ..obstacle });
            }
            return Step::End;
        }
        self.skipped = Some((obstacle, left - there));
        Step::More
    }

    fn ship(&mut self) -> Option<Piece> {
        if self.parts.is_empty() {
            return None;
        }
        let parts = std::mem::take(&mut self.parts);
        let bytes = self.input.take(self.pos);
        self.pos = 0;
        Some(Piece::Parts(bytes, parts))
    }

    fn read(&mut self) {
        self.input.discard(self.pos);
        self.pos = 0;
        let there = self.input.bytes().len();
        let chunk = self.limits.chunk_bytes;
        let wanted = if there < chunk {
            chunk
        } else {
            (there * 2).min(self.limits.line_bytes_max.saturating_add(chunk)).max(there + chunk)
        };
        self.input.read_to(wanted);
    }

    fn finish(&mut self) -> Option<Piece> {
        if let Some(piece) = self.ship() {
            return Some(piece);
        }
        let kind = match self.input.end() {
            Some(StreamEnd::Broken(reason)) => ObstacleKind::Broken { reason: reason.clone() },
            Some(StreamEnd::Trailing(reason)) => ObstacleKind::BadFrame { reason: reason.clone() },
            _ => return None,
        };
        if std::mem::replace(&mut self.end_told, true) {
            return None;
        }
        Some(Piece::Obstacle(self.obstacle(kind)))
    }
}

impl Iterator for FramePieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        const PARTS_MAX: usize = 100_000;
        loop {
            if let Some(obstacle) = self.obstacle.take() {
                return Some(Piece::Obstacle(obstacle));
            }
            if self.done {
                return self.finish();
            }
            match self.step() {
                Step::On if self.parts.len() < PARTS_MAX => {}
                Step::On => return self.ship(),
                Step::More => match self.ship() {
                    Some(piece) => return Some(piece),
                    None => self.read(),
                },
                Step::End => self.done = true,
            }
        }
    }
}

#[cfg(test)]
mod tests;
