//! A stream of JSON to pieces: lines where it is lines, values where it is documents, elements where it is one large array.
//!
//! Most streams are an object a line, and for those nothing more is done than to look at both ends of each line. Where a line does not begin
//! and end as an object does, the structure is scanned from there on until the value ends, and then lines are taken again.

use crate::chunks::{Limits, Obstacle, ObstacleKind, Part, PartKind, Piece, Position, excerpt};
use crate::input::{Input, READ_BYTES, StreamEnd};
use crate::scan::{Scanned, ValueScan};

/// Parts of a chunk, so that a chunk of tiny values does not take more memory than its bytes.
const PARTS_MAX: usize = 100_000;
/// Bytes that may be scanned in vain before a doubtful place is cut at once. Keeps the work in proportion to the input.
const WASTED_MAX: usize = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts a stream of JSON into pieces.
pub(crate) struct JsonPieces {
    input: Input,
    limits: Limits,
    /// Leave out what is open at the end.
    hold_open: bool,
    /// Where in the input's bytes we are, …
    pos: usize,
    /// … in which line, …
    line: u64,
    /// … and how far from its beginning.
    column: usize,
    parts: Vec<Part>,
    /// The value at `pos` that is being scanned.
    scan: Option<ValueScan>,
    container: Container,
    skipped: Option<Skipped>,
    obstacle: Option<Obstacle>,
    /// Lines are known to lie: one looked whole from both ends and was not.
    careful: bool,
    first_line_seen: bool,
    wasted: usize,
    settled: Position,
    done: bool,
    end_told: bool,
}

/// What surrounds the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    None,
    /// A top-level array that begins in this line.
    Array(u64),
    /// The `resourceSpans` of a large document that begins in this line.
    Spans(u64),
    /// What follows the `resourceSpans` of that document.
    AfterSpans(u64),
}

/// A value or line over the limit.
struct Skipped {
    line: u64,
    byte_offset: u64,
    bytes: u64,
    excerpt: Vec<u8>,
    /// `None` of a line that is no JSON: it ends where the line does.
    scan: Option<ValueScan>,
}

/// What a step came to.
enum Step {
    /// Something was taken; go on.
    On,
    /// More bytes are needed.
    More,
    /// All is taken.
    End,
}

impl JsonPieces {
    /// Reads on from `start`, the position of the input.
    pub(crate) fn new(input: Input, limits: Limits, start: Position, hold_open: bool) -> Self {
        Self {
            input,
            limits,
            hold_open,
            pos: 0,
            line: start.line,
            column: 0,
            parts: Vec::new(),
            scan: None,
            container: Container::None,
            skipped: None,
            obstacle: None,
            careful: false,
            first_line_seen: false,
            wasted: 0,
            settled: start,
            done: false,
            end_told: false,
        }
    }

    /// The position after the last line or value that is whole.
    pub(crate) fn settled(&self) -> Position {
        self.settled
    }

    fn rest(&self) -> &[u8] {
        &self.input.bytes()[self.pos..]
    }

    fn offset(&self) -> u64 {
        self.input.offset() + self.pos as u64
    }

    /// Whether the stream ended where it should, so that what is left of it is a line.
    fn is_whole(&self) -> bool {
        self.input.end().is_some_and(|end| !matches!(end, StreamEnd::Broken(_)))
    }

    /// Moves on by some bytes.
    fn consume(&mut self, length: usize) {
        let passed = &self.input.bytes()[self.pos..self.pos + length];
        let line_ends = memchr::memchr_iter(b'\n', passed).count() as u64;
        self.column = match memchr::memrchr(b'\n', passed) {
            Some(last) => length - last - 1,
            None => self.column + length,
        };
        self.line += line_ends;
        self.pos += length;
    }

    /// Takes some bytes as a part.
    fn take(&mut self, kind: PartKind, length: usize, is_open: bool) {
        if !(is_open && self.hold_open) {
            let range = self.pos..self.pos + length;
            self.parts.push(Part { kind, range, line: self.line, byte_offset: self.offset(), is_open });
        }
        self.consume(length);
    }

    fn settle(&mut self) {
        self.settled = Position { byte_offset: self.offset(), line: self.line };
    }

    fn step(&mut self) -> Step {
        if self.skipped.is_some() {
            return self.skip();
        }
        if self.scan.is_some() {
            return if matches!(self.container, Container::AfterSpans(_)) { self.after_spans() } else { self.value() };
        }
        if self.container != Container::None {
            return self.element();
        }
        if self.column == 0
            && let Some(step) = self.lines()
        {
            return step;
        }
        self.begin()
    }

    /// Takes the run of lines that look whole. `None` when a line follows that does not.
    fn lines(&mut self) -> Option<Step> {
        if !self.first_line_seen
            && let Some(step) = self.first_line()
        {
            return Some(step);
        }
        let rest = self.rest();
        let (mut length, mut count) = (0, 0);
        let mut doubtful = false;
        for end in memchr::memchr_iter(b'\n', rest) {
            doubtful = self.is_doubtful(&rest[length..end]);
            if doubtful {
                break;
            }
            length = end + 1;
            count += 1;
        }
        let open_line = &rest[length..];
        let open_is_doubtful = self.is_doubtful(open_line);
        let open_length = open_line.len();
        if length > 0 {
            let range = self.pos..self.pos + length;
            // Of a buffer that fills little by little the lines are still one part.
            match self.parts.last_mut().filter(|part| part.kind == PartKind::Lines && part.range.end == range.start) {
                Some(part) => part.range.end = range.end,
                None => {
                    let byte_offset = self.offset();
                    self.parts.push(Part {
                        kind: PartKind::Lines,
                        range,
                        line: self.line,
                        byte_offset,
                        is_open: false,
                    });
                }
            }
            self.pos += length;
            self.line += count;
            self.settle();
        }
        if doubtful {
            return None;
        }
        if !self.input.is_ended() {
            // A line that fills the whole buffer is looked at from its beginning, and not kept to its end if it is too long.
            let fills = self.pos == 0 && open_length > self.limits.document_bytes_max;
            return if fills { None } else { Some(Step::More) };
        }
        if open_length == 0 || !self.is_whole() {
            return Some(Step::End);
        }
        if open_is_doubtful {
            return None;
        }
        self.take(PartKind::Lines, open_length, true);
        Some(Step::End)
    }

    /// Looks whether the first line that is not blank is a value, as it seems.
    fn first_line(&mut self) -> Option<Step> {
        let rest = self.rest();
        let rest = rest.strip_prefix(BYTE_ORDER_MARK).unwrap_or(rest).trim_ascii_start();
        let line = match memchr::memchr(b'\n', rest) {
            Some(end) => &rest[..=end],
            None if !self.input.is_ended() && self.input.bytes().len() <= self.limits.document_bytes_max => {
                return Some(Step::More);
            }
            None => rest,
        };
        // Only a line that looks whole is worth a closer look; any other is scanned anyway.
        let looks_whole = line.first() == Some(&b'{') && line.ends_with(b"\n") && line.trim_ascii_end().ends_with(b"}");
        let careful = looks_whole
            && line.len() <= self.limits.document_bytes_max
            && ValueScan::new(0, false).advance(line) == Scanned::More;
        self.careful = careful;
        self.first_line_seen = true;
        None
    }

    /// Whether a line does not look like one value, or like nothing that is one.
    fn is_doubtful(&self, line: &[u8]) -> bool {
        if line.len() > self.limits.document_bytes_max {
            return line.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['));
        }
        if !self.careful && line.first() == Some(&b'{') && line.last() == Some(&b'}') {
            return false;
        }
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
        match line.first() {
            Some(b'{') => self.careful || line.last() != Some(&b'}'),
            Some(b'[') => true,
            _ => false,
        }
    }

    /// At a line that has to be scanned, or behind a value within a line.
    fn begin(&mut self) -> Step {
        let rest = self.rest();
        let mark = if self.column == 0 && rest.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let blanks = rest[mark..].iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        let Some(at) = blanks.map(|blanks| mark + blanks) else {
            if !self.input.is_ended() {
                // Blanks, too, are kept only as far as a line may go.
                if rest.len() > self.limits.line_bytes_max {
                    self.start_skipping(None);
                    return Step::On;
                }
                return Step::More;
            }
            // No line end after the last value: more may come.
            if let Some(part) = self.parts.last_mut().filter(|part| part.kind == PartKind::Value) {
                part.is_open = true;
                if self.hold_open {
                    self.parts.pop();
                }
            }
            self.consume(self.rest().len());
            return Step::End;
        };
        match rest[at] {
            b'{' | b'[' => {
                self.consume(at);
                self.scan = Some(ValueScan::new(self.column, self.wasted > WASTED_MAX));
            }
            b'\n' => {
                self.consume(at + 1);
                self.settle();
            }
            b',' if self.column > 0 => self.consume(at + 1),
            _ => return self.other_line(),
        }
        Step::On
    }

    /// At text that is no JSON: the rest of a line behind a value, or a line that fills the buffer.
    fn other_line(&mut self) -> Step {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest);
        let length = match end {
            Some(end) => end + 1,
            None if self.input.is_ended() && !self.is_whole() => return Step::End,
            None if self.input.is_ended() => rest.len(),
            None if rest.len() > self.limits.line_bytes_max => {
                self.start_skipping(None);
                return Step::On;
            }
            None => return Step::More,
        };
        // With what stands before it in the line it is one bad line.
        let line = self.line;
        let before = self.parts.pop_if(|part| self.column > 0 && part.kind == PartKind::Value && part.line == line);
        let (start, byte_offset) =
            before.map_or((self.pos, self.offset()), |part| (part.range.start, part.byte_offset));
        let range = start..self.pos + length;
        let is_open = end.is_none();
        if !(is_open && self.hold_open) {
            self.parts.push(Part { kind: PartKind::Value, range, line, byte_offset, is_open });
        }
        self.consume(length);
        if !is_open {
            self.settle();
        }
        Step::On
    }

    /// Goes on with the value at `pos`.
    fn value(&mut self) -> Step {
        if self.container == Container::None && self.scan.as_ref().is_some_and(|scan| scan.scanned() == 0) {
            match self.array_begins() {
                Some(true) => {
                    self.container = Container::Array(self.line);
                    self.scan = None;
                    self.consume(1);
                    return Step::On;
                }
                Some(false) => {}
                None => return Step::More,
            }
        }
        let Some(mut scan) = self.scan.take() else { return Step::On };
        let (line_max, document_max) = (self.limits.line_bytes_max, self.limits.document_bytes_max);
        let is_document = self.container == Container::None;
        let mut scanned = Scanned::More;
        for limit in [document_max, line_max.saturating_add(1)] {
            if scan.scanned() < limit {
                let rest = self.rest();
                scanned = scan.advance(&rest[..rest.len().min(limit)]);
            }
            if scanned != Scanned::More {
                break;
            }
            if let Some(array) =
                scan.spans_array().filter(|at| is_document && *at <= document_max && scan.scanned() >= document_max)
            {
                self.container = Container::Spans(self.line);
                self.consume(array);
                return Step::On;
            }
        }
        match scanned {
            Scanned::Ended(length) if length > line_max => self.start_skipping(Some(scan)),
            Scanned::Ended(length) => self.take(self.kind(), length, false),
            Scanned::Cut(length) => self.cut(length, &scan),
            Scanned::More if scan.scanned() > line_max => match scan.candidate() {
                Some(length) => self.cut(length, &scan),
                None => self.start_skipping(Some(scan)),
            },
            Scanned::More if !self.input.is_ended() => {
                self.scan = Some(scan);
                return Step::More;
            }
            Scanned::More => match scan.candidate() {
                Some(length) => self.cut(length, &scan),
                None => {
                    if self.is_whole() {
                        self.take(self.kind(), self.rest().len(), true);
                    }
                    return Step::End;
                }
            },
        }
        Step::On
    }

    fn kind(&self) -> PartKind {
        if matches!(self.container, Container::Spans(_)) { PartKind::ResourceSpans } else { PartKind::Value }
    }

    /// Whether at `pos` begins an array of objects, whose elements are taken one by one. `None` when the bytes do not tell yet.
    fn array_begins(&self) -> Option<bool> {
        let rest = self.rest();
        if rest.first() != Some(&b'[') {
            return Some(false);
        }
        match rest[1..].iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(first) => Some(*first == b'{'),
            None => self.input.is_ended().then_some(false),
        }
    }

    /// Takes a value that is none: a reject, which the parser explains.
    fn cut(&mut self, length: usize, scan: &ValueScan) {
        self.wasted += scan.scanned().saturating_sub(length);
        let kind = self.kind();
        // The line that began the array is cut: the array goes with it, and lines follow.
        if self.container == Container::Array(self.line) {
            self.container = Container::None;
        }
        self.take(kind, length, false);
    }

    /// At the next element of an array, or its end.
    fn element(&mut self) -> Step {
        let rest = self.rest();
        let Some(at) = rest.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != b',') else {
            self.consume(rest.len());
            return self.container_cut();
        };
        self.consume(at);
        let rest = self.rest();
        match rest[0] {
            b']' => {
                self.consume(1);
                if let Container::Spans(line) = self.container {
                    self.container = Container::AfterSpans(line);
                    self.scan = Some(ValueScan::rest_of_object(self.column));
                } else {
                    self.container = Container::None;
                }
            }
            b'{' | b'[' => self.scan = Some(ValueScan::new(self.column, self.wasted > WASTED_MAX)),
            _ => {
                let end = memchr::memchr3(b',', b']', b'\n', rest);
                let Some(length) = end.or_else(|| (self.input.is_ended() || rest.len() > 1000).then_some(rest.len()))
                else {
                    return Step::More;
                };
                self.take(PartKind::Value, length, false);
            }
        }
        Step::On
    }

    /// The stream, or what is there of it, ends within a container.
    fn container_cut(&mut self) -> Step {
        if !self.input.is_ended() {
            return Step::More;
        }
        if self.is_whole() && !self.hold_open {
            let line = match self.container {
                Container::Array(line) | Container::Spans(line) | Container::AfterSpans(line) => line,
                Container::None => self.line,
            };
            let reason = format!("the JSON ends early: what begins in line {line} has no end");
            self.raise(ObstacleKind::Cut { reason });
        }
        Step::End
    }

    /// Passes over what follows the spans of a large document.
    fn after_spans(&mut self) -> Step {
        let Some(mut scan) = self.scan.take() else { return Step::On };
        match scan.advance(self.rest()) {
            Scanned::Ended(length) | Scanned::Cut(length) => {
                self.consume(length);
                self.container = Container::None;
                Step::On
            }
            Scanned::More => {
                self.consume(self.rest().len());
                scan.forget();
                self.scan = Some(scan);
                self.container_cut()
            }
        }
    }

    fn raise(&mut self, kind: ObstacleKind) {
        let excerpt = excerpt(self.rest());
        self.obstacle = Some(Obstacle { kind, line: self.line, byte_offset: self.offset(), excerpt });
    }

    fn start_skipping(&mut self, scan: Option<ValueScan>) {
        let excerpt = excerpt(self.rest());
        self.skipped = Some(Skipped { line: self.line, byte_offset: self.offset(), bytes: 0, excerpt, scan });
    }

    /// Passes over a value or line that is too long, without keeping it.
    fn skip(&mut self) -> Step {
        let Some(mut skipped) = self.skipped.take() else { return Step::On };
        let rest = self.rest();
        let end = match &mut skipped.scan {
            // A scan that ended already, or goes on.
            Some(scan) if scan.is_ended() => Some(scan.scanned()),
            Some(scan) => match scan.advance(rest) {
                Scanned::More => None,
                Scanned::Ended(length) | Scanned::Cut(length) => Some(length),
            },
            None => memchr::memchr(b'\n', rest),
        };
        let length = end.unwrap_or(rest.len());
        skipped.bytes += length as u64;
        self.consume(length);
        if end.is_some() || self.input.is_ended() {
            let kind = ObstacleKind::TooLong { bytes: skipped.bytes };
            let Skipped { line, byte_offset, excerpt, .. } = skipped;
            self.obstacle = Some(Obstacle { kind, line, byte_offset, excerpt });
            return Step::On;
        }
        if let Some(scan) = &mut skipped.scan {
            scan.forget();
        }
        self.skipped = Some(skipped);
        Step::More
    }

    /// Hands on the parts so far. The last value stays when its line is not over: it may turn out to be open, or part of a bad line.
    fn ship(&mut self) -> Option<Piece> {
        let line = self.line;
        let in_line = self.column > 0 && self.container == Container::None && !self.done;
        let kept = self.parts.pop_if(|part| in_line && part.kind == PartKind::Value && part.line == line);
        if self.parts.is_empty() {
            self.parts.extend(kept);
            return None;
        }
        let used = kept.as_ref().map_or(self.pos, |part| part.range.start);
        let parts = std::mem::take(&mut self.parts);
        let bytes = self.input.take(used);
        self.pos -= used;
        self.parts.extend(kept.map(|part| {
            let range = part.range.start - used..part.range.end - used;
            Part { range, ..part }
        }));
        Some(Piece::Parts(bytes, parts))
    }

    /// Whether the buffer takes more without growing.
    fn has_room(&self) -> bool {
        !self.input.is_ended() && self.input.bytes().len() < self.limits.chunk_bytes
    }

    /// Reads more, or makes room for it.
    fn read(&mut self) {
        if self.parts.is_empty() && self.pos > 0 {
            self.input.discard(self.pos);
            self.pos = 0;
        }
        let there = self.input.bytes().len();
        let wanted = match self.limits.chunk_bytes {
            // A little at a time: what was read is looked at while it is still in the cache.
            chunk if there < chunk => chunk.min(there + READ_BYTES),
            // Doubled, but not far beyond what a line may have.
            chunk => (there * 2).min(self.limits.line_bytes_max.saturating_add(chunk)).max(there + chunk),
        };
        self.input.read_to(wanted);
    }

    /// The end of the stream.
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
        self.raise(kind);
        self.obstacle.take().map(Piece::Obstacle)
    }
}

impl Iterator for JsonPieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(obstacle) = self.obstacle.take() {
                return Some(Piece::Obstacle(obstacle));
            }
            if self.done {
                return self.finish();
            }
            match self.step() {
                Step::On if self.parts.len() < PARTS_MAX => {}
                Step::On => {
                    if let Some(piece) = self.ship() {
                        return Some(piece);
                    }
                }
                Step::More if self.has_room() => self.read(),
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
