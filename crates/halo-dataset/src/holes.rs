//! Holes: what stands in a stored JSON text for the parts that are stored once elsewhere, and how the whole is put together again.
//!
//! A hole is an object with one key that begins with `halo$`, so that any engine can still read the text as JSON:
//!
//! | hole | stands for |
//! | --- | --- |
//! | `{"halo$text":N}` | the N-th of the row's `texts`, as a JSON string |
//! | `{"halo$json":N}` | the N-th of the row's `texts`, which is JSON itself |
//! | `{"halo$compact":N}` | as `halo$text`, without the blanks of the JSON that it holds |
//! | `{"halo$id":N}` | the N-th of the message's `ids` |
//! | `{"halo$in":[BEFORE,BETWEEN,AFTER]}` | a string: the row's `input_messages` as JSON, with these texts around and between them |
//! | `{"halo$in":0}` | the same as a JSON array |
//! | `{"halo$out":…}` | the same of `output_messages` |
//! | `{"halo$list":[FIRST,COUNT]}`, `{"halo$list":[FIRST,COUNT,BEFORE,BETWEEN,AFTER]}` | the same of a part of `extra_messages` |
//! | `"halo$flat:PREFIX":"in"`, `"out"`, `[FIRST,COUNT]` | members `PREFIX.0.…`, `PREFIX.1.…`: the messages' own members, flattened |
//!
//! A text in which `halo$` stands already is never written with holes (see [`may_have_holes`]).

mod get;

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::memmem;

use crate::json_text::{JsonOut, Spelling, string_end, write_compact, write_string};

pub use get::{Member, Need, find, flat_member, get, members, needs, whole};

/// What every hole begins with.
pub const MARK: &str = "halo$";

/// Whether a text can be written with holes: one that holds the mark itself must be stored whole.
#[must_use]
pub fn may_have_holes(text: &str) -> bool {
    // By its rarest character: most texts have none.
    let bytes = text.as_bytes();
    !memchr::memchr_iter(b'$', bytes).any(|at| bytes[..=at].ends_with(MARK.as_bytes()))
}

/// Appends a hole for a text.
pub fn write_text_hole(out: &mut String, number: usize) {
    // Writing to a String can't fail.
    let _ = write!(out, "{{\"halo$text\":{number}}}");
}

/// Separates the ids of a message.
pub const ID_END: char = '\u{1f}';

/// Which list of messages a hole stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageList {
    /// `input_messages`.
    Input,
    /// `output_messages`.
    Output,
    /// A part of `extra_messages`.
    Extra {
        /// Its first message.
        first: usize,
        /// How many.
        count: usize,
    },
}

/// The texts around and between the messages of a list that stands in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around<'a> {
    /// Before the first one.
    pub before: &'a str,
    /// Between two.
    pub between: &'a str,
    /// After the last one.
    pub after: &'a str,
}

/// Appends a hole for a list of messages: in a string when there is something around them, as an array otherwise.
pub fn write_list_hole(out: &mut String, list: MessageList, around: Option<&Around<'_>>) {
    let texts = |out: &mut String| {
        if let Some(Around { before, between, after }) = around {
            for (index, text) in [before, between, after].into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(out, text);
            }
        }
    };
    match list {
        MessageList::Input | MessageList::Output => {
            out.push_str(if list == MessageList::Input { "{\"halo$in\":" } else { "{\"halo$out\":" });
            if around.is_some() {
                out.push('[');
                texts(out);
                out.push(']');
            } else {
                out.push('0');
            }
        }
        MessageList::Extra { first, count } => {
            let _ = write!(out, "{{\"halo$list\":[{first},{count}");
            if around.is_some() {
                out.push(',');
                texts(out);
            }
            out.push(']');
        }
    }
    out.push('}');
}

/// Appends the member of an object that stands for flattened messages.
pub fn write_flat_hole(out: &mut String, prefix: &str, list: MessageList) {
    out.push_str("\"halo$flat:");
    out.push_str(prefix);
    out.push_str("\":");
    match list {
        MessageList::Input => out.push_str("\"in\""),
        MessageList::Output => out.push_str("\"out\""),
        MessageList::Extra { first, count } => {
            let _ = write!(out, "[{first},{count}]");
        }
    }
}

/// A message with its texts at hand.
pub trait MessageParts {
    /// The message as JSON with holes; `None` when it is not written out.
    fn shape(&self) -> Option<&str>;
    /// How its JSON is spelled.
    fn spelling(&self) -> Spelling;
    /// The id of a hole.
    fn id(&self, number: usize) -> &str;
    /// The text of a hole.
    fn text(&self, number: usize) -> &str;
}

/// What the holes of a row stand for.
pub trait RowParts {
    /// The messages.
    type Message<'a>: MessageParts
    where
        Self: 'a;
    /// The text of a hole.
    fn text(&self, number: usize) -> &str;
    /// How many messages a list has.
    fn count(&self, list: MessageList) -> usize;
    /// A message of a list.
    fn message(&self, list: MessageList, index: usize) -> Self::Message<'_>;
}

/// The text between the holes, and the holes.
enum Piece<'a> {
    Text(&'a str),
    /// Name after the mark, and what the hole holds.
    Hole(&'a str, &'a str),
    /// Prefix of a flattened list, and which one.
    Flat(&'a str, &'a str),
}

/// Cuts a text into its pieces.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut hole = None;
    std::iter::from_fn(move || {
        if let Some(hole) = hole.take() {
            return Some(hole);
        }
        if rest.is_empty() {
            return None;
        }
        let Some((before, found, after)) = next_hole(rest) else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        rest = after;
        hole = Some(found);
        if before.is_empty() { hole.take() } else { Some(Piece::Text(before)) }
    })
}

/// The first hole of a text, with what stands before and after it.
fn next_hole(text: &str) -> Option<(&str, Piece<'_>, &str)> {
    let mark = memmem::find(text.as_bytes(), b"\"halo$")?;
    let name_start = mark + "\"halo$".len();
    let name_end = name_start + text[name_start..].find('"')?;
    let name = &text[name_start..name_end];
    let value_start = name_end + 2;
    let value_end = value_start + value_len(text.get(value_start..)?)?;
    let value = &text[value_start..value_end];
    if let Some(prefix) = name.strip_prefix("flat:") {
        return Some((&text[..mark], Piece::Flat(prefix, value), &text[value_end..]));
    }
    // The braces around the one member.
    Some((text.get(..mark.checked_sub(1)?)?, Piece::Hole(name, value), text.get(value_end + 1..)?))
}

/// Length of the value of a hole: a number, a string, or a flat array of them.
fn value_len(text: &str) -> Option<usize> {
    match text.as_bytes().first()? {
        b'"' => string_end(text),
        b'[' => {
            let mut at = 1;
            loop {
                match text.as_bytes().get(at)? {
                    b']' => return Some(at + 1),
                    b'"' => at += string_end(&text[at..])?,
                    _ => at += 1,
                }
            }
        }
        _ => Some(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())),
    }
}

/// Appends a message as JSON. One without a shape gives null.
pub fn write_message(out: &mut impl JsonOut, message: &impl MessageParts) {
    match message.shape() {
        Some(shape) => write_message_json(out, shape, message),
        None => out.json("null"),
    }
}

/// Appends a JSON text of a message (its shape or its tool calls) with the holes filled.
pub fn write_message_json(out: &mut impl JsonOut, json: &str, message: &impl MessageParts) {
    let spelling = message.spelling();
    for piece in pieces(json) {
        match piece {
            Piece::Text(text) => out.json(text),
            Piece::Hole("text", number) => out.string(spelling, message.text(number.parse().unwrap_or(0))),
            Piece::Hole("json", number) => out.json(message.text(number.parse().unwrap_or(0))),
            Piece::Hole("compact", number) => {
                let mut compact = String::new();
                write_compact(&mut compact, message.text(number.parse().unwrap_or(0)));
                out.string(Spelling::default(), &compact);
            }
            Piece::Hole("id", number) => out.string(spelling, message.id(number.parse().unwrap_or(0))),
            Piece::Hole(..) | Piece::Flat(..) => {}
        }
    }
}

/// A JSON text of a row with the holes filled; itself when it has none.
pub fn fill<'a>(json: &'a str, row: &impl RowParts) -> Cow<'a, str> {
    if may_have_holes(json) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut scratch = String::new();
    for piece in pieces(json) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole("text", number) => write_string(&mut out, row.text(number.parse().unwrap_or(0))),
            Piece::Hole("json", number) => out.push_str(row.text(number.parse().unwrap_or(0))),
            Piece::Hole(name, value) => {
                if let Some((list, around)) = list_of(name, value) {
                    write_list(&mut out, row, list, &around, &mut scratch);
                }
            }
            Piece::Flat(prefix, value) => {
                if let Some(list) = flat_list(value) {
                    write_flat(&mut out, row, list, prefix, &mut scratch);
                }
            }
        }
    }
    Cow::Owned(out)
}

fn flat_list(value: &str) -> Option<MessageList> {
    match value {
        "\"in\"" => Some(MessageList::Input),
        "\"out\"" => Some(MessageList::Output),
        _ => {
            let (first, count) = serde_json::from_str(value).ok()?;
            Some(MessageList::Extra { first, count })
        }
    }
}

/// The list that a hole names, and the texts around its messages when it stands for a string.
fn list_of(name: &str, value: &str) -> Option<(MessageList, Vec<String>)> {
    let mut list = match name {
        "in" => Some(MessageList::Input),
        "out" => Some(MessageList::Output),
        _ => None,
    };
    let items: Vec<serde_json::Value> = if value == "0" { Vec::new() } else { serde_json::from_str(value).ok()? };
    if name == "list" {
        let number =
            |at: usize| items.get(at).and_then(serde_json::Value::as_u64).and_then(|n| usize::try_from(n).ok());
        list = Some(MessageList::Extra { first: number(0)?, count: number(1)? });
    }
    let around = items.iter().filter_map(serde_json::Value::as_str).map(str::to_owned).collect();
    Some((list?, around))
}

fn write_list(out: &mut String, row: &impl RowParts, list: MessageList, around: &[String], scratch: &mut String) {
    let in_string = around.len() == 3;
    let (before, between, after) = match around {
        [before, between, after] => (before.as_str(), between.as_str(), after.as_str()),
        _ => ("[", ",", "]"),
    };
    scratch.clear();
    scratch.push_str(before);
    for index in 0..row.count(list) {
        if index > 0 {
            scratch.push_str(between);
        }
        write_message(scratch, &row.message(list, index));
    }
    scratch.push_str(after);
    if in_string { write_string(out, scratch) } else { out.push_str(scratch) }
}

/// Appends the members of each message of a list under `PREFIX.N.`. A message's shape is an object of its members.
fn write_flat(out: &mut String, row: &impl RowParts, list: MessageList, prefix: &str, scratch: &mut String) {
    let mut first = true;
    for index in 0..row.count(list) {
        scratch.clear();
        write_message(scratch, &row.message(list, index));
        let mut rest = scratch.strip_prefix('{').unwrap_or_default();
        while rest.starts_with('"') {
            let Some(key_end) = string_end(rest) else { break };
            let Some(len) = member_len(&rest[key_end + 1..]) else { break };
            let end = key_end + 1 + len;
            if !first {
                out.push(',');
            }
            first = false;
            // The prefix as it stands in the hole: written as JSON already.
            let _ = write!(out, "\"{prefix}.{index}.");
            out.push_str(&rest[1..end]);
            rest = rest[end..].trim_start_matches(',');
        }
    }
}

/// Length of a JSON value of any kind at the beginning of a text that goes on with `,` or `}`.
fn member_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at += string_end(&text[at..])?,
            b'[' | b'{' => (at, depth) = (at + 1, depth + 1),
            b',' | b'}' if depth == 0 => return Some(at),
            b']' | b'}' => (at, depth) = (at + 1, depth - 1),
            _ => at += 1,
        }
        if depth == 0 && matches!(bytes.get(at)?, b',' | b'}') {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests;
