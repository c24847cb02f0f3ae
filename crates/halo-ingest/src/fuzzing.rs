//! Entry points for fuzzing: each takes any bytes, and says what does not hold. The targets in `fuzz/` and the tests call the same functions.

use std::fmt::Write as _;
use std::io::{Cursor, Read};

use halo_dataset::holes::{MessageParts, write_message};
use halo_dataset::{Content, MessageDraft, Spelling};

use crate::chunks::{Chunk, Limits, Part, PartKind, Piece, Position};
use crate::detect::{Pieces, Reading};
use crate::dictionary::MessageDictionary;
use crate::documents::JsonPieces;
use crate::flat::optional_id;
use crate::frames::{FramePieces, Framing};
use crate::input::{BufferPool, Input};
use crate::json::{Json, with_parsed};
use crate::parse::{LineCounts, Parser};
use crate::time::{format_time, parse_time};
use crate::unpack::{Unpacked, unpack};

/// What does not hold, in words.
pub type Outcome = Result<(), String>;

/// A target.
pub type Target = fn(&[u8]) -> Outcome;

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("lines", lines),
    ("value", value),
    ("documents", documents),
    ("frames", frames),
    ("protobuf", protobuf),
    ("stream", stream),
    ("messages", messages),
    ("time", time),
    ("ids", ids),
];

const LINE_BYTES_MAX: usize = 1 << 20;

fn check(holds: bool, words: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(words()) }
}

/// What parts came to: counts, spans, and rejects by line.
#[derive(Debug, Default, PartialEq)]
struct Came {
    counts: LineCounts,
    spans: usize,
    rejects: Vec<(u64, u64, String)>,
}

impl Came {
    fn add(&mut self, bytes: Vec<u8>, parts: Vec<Part>) -> Outcome {
        let chunk = Chunk { sequence: 0, source: 0, bytes, parts };
        let parsed = Parser::new(LINE_BYTES_MAX).parse(&chunk, "t").map_err(|error| error.to_string())?;
        self.counts.add(&parsed.counts);
        self.spans += parsed.spans.batch.num_rows();
        let rejects = parsed.rejects.kept.into_iter();
        self.rejects.extend(rejects.map(|reject| (reject.line, reject.byte_offset, reject.reason)));
        let LineCounts { lines, span_lines, rejected_lines, blank_lines, other_lines } = self.counts;
        check(lines == span_lines + rejected_lines + blank_lines + other_lines, || format!("{:?}", self.counts))?;
        check(self.rejects.len() as u64 >= rejected_lines, || format!("{self:?}"))
    }

    fn of_part(bytes: &[u8], kind: PartKind) -> Result<Self, String> {
        let mut came = Self::default();
        let part = Part { kind, range: 0..bytes.len(), line: 1, byte_offset: 0, is_open: false };
        came.add(bytes.to_vec(), vec![part])?;
        Ok(came)
    }

    fn of_pieces(pieces: impl Iterator<Item = Piece>) -> Result<Self, String> {
        let mut came = Self::default();
        let mut obstacles = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Parts(bytes, parts) => came.add(bytes, parts)?,
                Piece::Obstacle(obstacle) => {
                    let (_, reason) = obstacle.kind.describe(LINE_BYTES_MAX);
                    obstacles.push((obstacle.line, obstacle.byte_offset, reason));
                }
            }
        }
        came.rejects.extend(obstacles);
        came.rejects.sort();
        Ok(came)
    }
}

fn input(bytes: &[u8], chunk_bytes: usize) -> (Input, Limits) {
    let limits = Limits { chunk_bytes, line_bytes_max: LINE_BYTES_MAX, document_bytes_max: LINE_BYTES_MAX };
    (Input::new(Box::new(Cursor::new(bytes.to_vec())), BufferPool::new(chunk_bytes, 2), 0), limits)
}

/// The same bytes in chunks of two sizes give the same.
fn in_chunks(read: impl Fn(usize) -> Result<Came, String>, small: u8) -> Outcome {
    let (large, small) = (read(1 << 16)?, read(usize::from(small) + 1)?);
    check(large == small, || format!("in large chunks {large:?}, in small ones {small:?}"))
}

fn split(bytes: &[u8]) -> (u8, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(first, rest)| (*first, rest))
}

/// Lines of spans, flat or OTLP.
pub fn lines(bytes: &[u8]) -> Outcome {
    Came::of_part(bytes, PartKind::Lines).map(drop)
}

/// One JSON value, and the same as an element of `resourceSpans`.
pub fn value(bytes: &[u8]) -> Outcome {
    Came::of_part(bytes, PartKind::Value)?;
    Came::of_part(bytes, PartKind::ResourceSpans).map(drop)
}

/// JSON in any layout, cut into chunks. The first byte is their size.
pub fn documents(bytes: &[u8]) -> Outcome {
    let (small, bytes) = split(bytes);
    let read = |chunk_bytes| {
        let (input, limits) = input(bytes, chunk_bytes);
        Came::of_pieces(JsonPieces::new(input, limits, Position::START, false))
    };
    in_chunks(read, small)
}

/// Messages behind lengths, cut into chunks. The first byte is their size, the second tells how messages are told apart.
pub fn frames(bytes: &[u8]) -> Outcome {
    let (small, bytes) = split(bytes);
    let (framing, bytes) = split(bytes);
    let framing = [Framing::Fixed, Framing::Varint, Framing::Bare][usize::from(framing) % 3];
    let read = |chunk_bytes| {
        let (input, limits) = input(bytes, chunk_bytes);
        Came::of_pieces(FramePieces::new(input, framing, limits, Position::START, false))
    };
    in_chunks(read, small)
}

/// One message.
pub fn protobuf(bytes: &[u8]) -> Outcome {
    Came::of_part(bytes, PartKind::Message)?;
    Came::of_part(bytes, PartKind::ResourceSpansMessage).map(drop)
}

/// A whole source: what it is, its compression, its encoding, and what it holds.
pub fn stream(bytes: &[u8]) -> Outcome {
    let limits = Limits::new(1 << 16, LINE_BYTES_MAX);
    let Unpacked::Stream { reader, .. } = unpack(Cursor::new(bytes.to_vec())) else { return Ok(()) };
    // A bomb is the business of limits, and would only take time here.
    let reader: Box<dyn Read + Send> = Box::new(reader.take(4 << 20));
    let reading = Reading { limits, start: Position::START, hold_open: false };
    Came::of_pieces(Pieces::of(reader, BufferPool::new(1 << 16, 2), reading)).map(drop)
}

/// A message as a dataset gives it.
struct Drafted<'a> {
    content: &'a Content,
    draft: MessageDraft<'a>,
}

impl MessageParts for Drafted<'_> {
    fn shape(&self) -> Option<&str> {
        self.draft.shape
    }
    fn spelling(&self) -> Spelling {
        self.draft.spelling
    }
    fn id(&self, number: usize) -> &str {
        self.draft.ids.and_then(|ids| ids.split('\u{1f}').nth(number)).unwrap_or_default()
    }
    fn text(&self, number: usize) -> &str {
        self.draft.texts.get(number).map_or("", |text| self.content.texts.get(*text))
    }
}

/// A text that may hold a list of messages: what is cut out of it gives the text again.
pub fn messages(bytes: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    let (mut content, mut dictionary) = (Content::default(), MessageDictionary::default());
    // Twice: the second time all of it is known.
    for _ in 0..2 {
        let Some(list) = dictionary.list(&mut content, &text, 1) else { continue };
        let mut again = String::from(list.before);
        for (index, number) in list.messages.iter().enumerate() {
            again.push_str(if index > 0 { list.between } else { "" });
            write_message(&mut again, &Drafted { content: &content, draft: content.message(*number) });
        }
        again.push_str(list.after);
        check(again == text, || format!("{text:?} came back as {again:?}"))?;
    }
    Ok(())
}

/// A time as JSON, and as a text of JSON.
pub fn time(bytes: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    for json in [format!("[{text}]"), serde_json::json!([text]).to_string()] {
        let nanoseconds = with_parsed(&json, |list| list.items().next().map(parse_time)).flatten();
        let Some(Ok(Some(nanoseconds))) = nanoseconds else { continue };
        let shown = format_time(nanoseconds);
        let again = with_parsed(&format!("[\"{shown}\"]"), |list| list.items().next().map(parse_time)).flatten();
        check(again == Some(Ok(Some(nanoseconds))), || format!("{json} is {shown}, which is {again:?}"))?;
    }
    Ok(())
}

/// An id: what is made of it stays what it is.
pub fn ids(bytes: &[u8]) -> Outcome {
    let read = |text: &str| {
        let json = serde_json::json!([text]).to_string();
        with_parsed(&json, |list| {
            let id = list.items().next().map(|id: Json<'_, '_>| optional_id(Some(id), "id"));
            id.map(|id| id.map(|id| id.map(std::borrow::Cow::into_owned)))
        })
    };
    let text = String::from_utf8_lossy(bytes);
    let Some(Some(Ok(Some(id)))) = read(&text) else { return Ok(()) };
    let mut words = String::new();
    let _ = write!(words, "{text:?} gives {id:?}");
    check(read(&id) == Some(Some(Ok(Some(id)))), || words)
}
