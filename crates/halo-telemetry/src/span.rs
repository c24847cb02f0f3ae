//! A span, and how OTLP/JSON spells it: camelCase, hex ids, enums as numbers, 64-bit integers as text.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Characters of an error that a status repeats. The whole text stands in the span's output.
const STATUS_CHARS_MAX: usize = 2_000;

/// A span that has ended. Serialized it is a span of OTLP/JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Trace, 32 hex digits.
    pub trace_id: String,
    /// Span, 16 hex digits.
    pub span_id: String,
    /// The span that this one is part of; `None` for a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// Name.
    pub name: String,
    /// Which side of a call it is.
    pub kind: SpanKind,
    /// Start in nanoseconds since 1970, UTC.
    #[serde(rename = "startTimeUnixNano", serialize_with = "as_text")]
    pub start: u64,
    /// End in nanoseconds since 1970, UTC; never before the start.
    #[serde(rename = "endTimeUnixNano", serialize_with = "as_text")]
    pub end: u64,
    /// What the conventions say of it, in order, no key twice.
    pub attributes: Vec<Attribute>,
    /// What happened in it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<SpanEvent>,
    /// Further events that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_events_count: u32,
    /// How it ended.
    pub status: Status,
}

/// Which side of a call a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum SpanKind {
    /// Work inside of halo.
    Internal,
    /// A request to somebody else.
    Client,
}

impl From<SpanKind> for u8 {
    fn from(kind: SpanKind) -> Self {
        match kind {
            SpanKind::Internal => 1,
            SpanKind::Client => 3,
        }
    }
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Name by the conventions.
    pub key: Cow<'static, str>,
    /// Value.
    pub value: AttributeValue,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum AttributeValue {
    /// A text.
    #[serde(rename = "stringValue")]
    Text(String),
    /// A whole number.
    #[serde(rename = "intValue", serialize_with = "as_text")]
    Int(u64),
    /// A truth value.
    #[serde(rename = "boolValue")]
    Bool(bool),
}

/// Something that happened at a moment of a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanEvent {
    /// When, in nanoseconds since 1970, UTC.
    #[serde(rename = "timeUnixNano", serialize_with = "as_text")]
    pub time: u64,
    /// What.
    pub name: Cow<'static, str>,
    /// More of it.
    pub attributes: Vec<Attribute>,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Neither well nor badly: a limit or the user ended it.
    Unset,
    /// As it should.
    Ok,
    /// With an error.
    Error {
        /// What went wrong.
        message: String,
    },
}

impl Status {
    /// An error, its text cut where it is very long.
    pub(crate) fn error(text: &str) -> Self {
        let message = match text.char_indices().nth(STATUS_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        Self::Error { message }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Unset => {}
            Self::Ok => map.serialize_entry("code", &1)?,
            Self::Error { message } => {
                map.serialize_entry("code", &2)?;
                map.serialize_entry("message", message)?;
            }
        }
        map.end()
    }
}

/// What stands around spans that were written already: `{"resourceSpans":[…]}` in one line, without the line feed.
pub(crate) fn document<S: AsRef<str>>(spans: &[S]) -> String {
    const HEAD: &str = concat!(
        r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"halo"}},"#,
        r#"{"key":"service.version","value":{"stringValue":""#,
        env!("CARGO_PKG_VERSION"),
        r#""}}]},"scopeSpans":[{"scope":{"name":"halo","version":""#,
        env!("CARGO_PKG_VERSION"),
        r#""},"spans":["#
    );
    const TAIL: &str = "]}]}]}";
    let bytes: usize = spans.iter().map(|span| span.as_ref().len() + 1).sum();
    let mut text = String::with_capacity(HEAD.len() + bytes + TAIL.len() + 1);
    text.push_str(HEAD);
    for (position, span) in spans.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(span.as_ref());
    }
    text.push_str(TAIL);
    text
}

fn as_text<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
