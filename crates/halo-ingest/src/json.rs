//! A thin view of a parsed JSON line, and writing JSON back out of it.

use std::cell::RefCell;
use std::fmt::Write as _;

pub(crate) use halo_dataset::write_string;
use simd_json::{Node, StaticNode};

/// A value of a parsed line. Cheap to copy: a slice of the parser's tape.
#[derive(Clone, Copy, Default)]
pub(crate) struct Json<'t, 'i>(&'t [Node<'i>]);

/// What a value is.
pub(crate) enum JsonKind<'t, 'i> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer above `i64::MAX`.
    Big(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(&'i str),
    /// An object.
    Object(Entries<'t, 'i>),
    /// An array.
    Array(Items<'t, 'i>),
}

/// Entries of an object, in the order of the text.
#[derive(Clone, Copy)]
pub(crate) struct Entries<'t, 'i>(&'t [Node<'i>]);

/// Items of an array.
#[derive(Clone, Copy)]
pub(crate) struct Items<'t, 'i>(&'t [Node<'i>]);

/// Nodes that a value takes on the tape.
fn width(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
        _ => 1,
    }
}

impl<'t, 'i> Iterator for Entries<'t, 'i> {
    type Item = (&'i str, Json<'t, 'i>);
    fn next(&mut self) -> Option<Self::Item> {
        let (Node::String(key), rest) = self.0.split_first()? else {
            return None;
        };
        let (value, rest) = rest.split_at_checked(width(rest.first()?))?;
        self.0 = rest;
        Some((key, Json(value)))
    }
}

impl<'t, 'i> Iterator for Items<'t, 'i> {
    type Item = Json<'t, 'i>;
    fn next(&mut self) -> Option<Self::Item> {
        let (value, rest) = self.0.split_at_checked(width(self.0.first()?))?;
        self.0 = rest;
        Some(Json(value))
    }
}

impl<'t, 'i> Json<'t, 'i> {
    /// The value that a whole tape holds.
    pub(crate) fn of(tape: &'t [Node<'i>]) -> Self {
        Self(tape)
    }

    pub(crate) fn kind(self) -> JsonKind<'t, 'i> {
        match self.0.first() {
            None | Some(Node::Static(StaticNode::Null)) => JsonKind::Null,
            Some(Node::Static(StaticNode::Bool(value))) => JsonKind::Bool(*value),
            Some(Node::Static(StaticNode::I64(value))) => JsonKind::Int(*value),
            Some(Node::Static(StaticNode::U64(value))) => {
                i64::try_from(*value).map_or(JsonKind::Big(*value), JsonKind::Int)
            }
            Some(Node::Static(StaticNode::F64(value))) => JsonKind::Float(*value),
            Some(Node::String(text)) => JsonKind::Text(text),
            Some(Node::Object { .. }) => JsonKind::Object(Entries(&self.0[1..])),
            Some(Node::Array { .. }) => JsonKind::Array(Items(&self.0[1..])),
        }
    }

    /// Entries of an object; none of anything else.
    pub(crate) fn entries(self) -> Entries<'t, 'i> {
        match self.kind() {
            JsonKind::Object(entries) => entries,
            _ => Entries(&[]),
        }
    }

    /// Items of an array; none of anything else.
    pub(crate) fn items(self) -> Items<'t, 'i> {
        match self.kind() {
            JsonKind::Array(items) => items,
            _ => Items(&[]),
        }
    }

    /// The value of the first of these keys that an object has.
    pub(crate) fn get(self, keys: &[&str]) -> Option<Self> {
        self.entries().find(|(key, _)| keys.contains(key)).map(|(_, value)| value)
    }

    pub(crate) fn text(self) -> Option<&'i str> {
        match self.kind() {
            JsonKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer, as a number or as text (OTLP writes 64-bit integers as text).
    pub(crate) fn int(self) -> Option<i64> {
        match self.kind() {
            JsonKind::Int(value) => Some(value),
            JsonKind::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Appends bytes that are the same for the same value in the same order, and for nothing else.
    pub(crate) fn write_identity(self, out: &mut Vec<u8>) {
        for node in self.0 {
            let (kind, bytes) = match node {
                Node::String(text) => {
                    out.push(b's');
                    out.extend_from_slice(&text.len().to_le_bytes());
                    out.extend_from_slice(text.as_bytes());
                    continue;
                }
                Node::Object { len, .. } => (b'o', *len as u64),
                Node::Array { len, .. } => (b'a', *len as u64),
                Node::Static(StaticNode::Null) => (b'n', 0),
                Node::Static(StaticNode::Bool(value)) => (b'b', u64::from(*value)),
                Node::Static(StaticNode::I64(value)) => (b'i', value.cast_unsigned()),
                Node::Static(StaticNode::U64(value)) => (b'u', *value),
                Node::Static(StaticNode::F64(value)) => (b'f', value.to_bits()),
            };
            out.push(kind);
            out.extend_from_slice(&bytes.to_le_bytes());
        }
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self.kind(), JsonKind::Null)
    }

    /// What the value is, for an error message.
    pub(crate) fn type_name(self) -> &'static str {
        match self.kind() {
            JsonKind::Null => "null",
            JsonKind::Bool(_) => "a boolean",
            JsonKind::Int(_) | JsonKind::Big(_) | JsonKind::Float(_) => "a number",
            JsonKind::Text(_) => "a string",
            JsonKind::Object(_) => "an object",
            JsonKind::Array(_) => "an array",
        }
    }

    /// Appends the value as JSON. Recursion is bounded: the parser refuses deep nesting.
    pub(crate) fn write(self, out: &mut String) {
        match self.kind() {
            JsonKind::Null => out.push_str("null"),
            JsonKind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            JsonKind::Int(value) => push_int(out, value),
            JsonKind::Big(value) => push_int(out, value),
            JsonKind::Float(value) => write_float(out, value),
            JsonKind::Text(text) => write_string(out, text),
            JsonKind::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.enumerate() {
                    write_key(out, key, index == 0);
                    value.write(out);
                }
                out.push('}');
            }
            JsonKind::Array(items) => {
                out.push('[');
                for (index, value) in items.enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
        }
    }
}

/// Appends an object key, with the comma before it unless it is the first.
pub(crate) fn write_key(out: &mut String, key: &str, first: bool) {
    if !first {
        out.push(',');
    }
    write_string(out, key);
    out.push(':');
}

/// Appends an integer.
pub(crate) fn push_int(out: &mut String, value: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(value));
}

pub(crate) fn push_display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a String can't fail.
    let _ = write!(out, "{value}");
}

/// Appends a number as JSON; what JSON has no spelling for becomes a string.
pub(crate) fn write_float(out: &mut String, value: f64) {
    if value.is_finite() {
        // serde_json's spelling: always with a point or an exponent, so that a float stays one.
        out.push_str(&serde_json::Value::from(value).to_string());
    } else {
        push_display(out, format_args!("\"{value}\""));
    }
}

thread_local! {
    /// Buffers of the parser that are not at work: texts within texts are parsed by the million, and some while another one is.
    static SPARE: RefCell<Vec<(Vec<u8>, simd_json::Buffers)>> = const { RefCell::new(Vec::new()) };
}

/// Largest buffers that are kept, in bytes of text: after a text that is larger they are given back.
const SPARE_BYTES_MAX: usize = 4 << 20;

/// Parses a text that is itself JSON and hands the value to `read`. `None` when it is not JSON.
pub(crate) fn with_parsed<T>(text: &str, read: impl FnOnce(Json<'_, '_>) -> T) -> Option<T> {
    let first = text.trim_start().as_bytes().first()?;
    if !matches!(first, b'[' | b'{') {
        return None;
    }
    let (mut bytes, mut buffers) = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
    bytes.clear();
    bytes.extend_from_slice(text.as_bytes());
    let value = simd_json::to_tape_with_buffers(&mut bytes, &mut buffers).ok().map(|tape| read(Json::of(&tape.0)));
    if bytes.capacity() <= SPARE_BYTES_MAX {
        SPARE.with_borrow_mut(|spare| spare.push((bytes, buffers)));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            (-1e15..1e15).prop_map(|f: f64| f.into()),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same_value(value in value()) {
            let write = |text: &str| {
                with_parsed(text, |json| {
                    let mut out = String::new();
                    json.write(&mut out);
                    out
                })
            };
            let text = serde_json::Value::Array(vec![value]).to_string();
            // Another library's spelling of the same value, to the letter.
            prop_assert_eq!(write(&text), Some(text));
        }
    }
}
