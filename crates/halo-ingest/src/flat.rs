//! HALO's flat JSONL: one span a line.

use std::borrow::Cow;
use std::sync::Arc;

use crate::attributes::Attributes;
use crate::form;
use crate::json::{Json, JsonKind, write_key};
use crate::parse::{LineContext, SpanSink};
use crate::reject::RejectKind;
use crate::span::{RawSpan, Resource};
use crate::time::{format_time, parse_time};

/// Why a span can't be taken.
pub(crate) type Refusal = (RejectKind, String);

/// Top-level keys that columns hold. Everything else goes to `extra`.
const KNOWN_KEYS: &[&str] = &[
    "trace_id",
    "span_id",
    "parent_span_id",
    "trace_state",
    "name",
    "kind",
    "start_time",
    "end_time",
    "status",
    "resource",
    "scope",
    "attributes",
    "events",
    "links",
];

/// Whether an object looks like a flat span.
pub(crate) fn is_flat(root: Json<'_, '_>) -> bool {
    root.get(&["trace_id", "span_id"]).is_some()
}

/// Reads a flat span into the sink.
pub(crate) fn read(root: Json<'_, '_>, line: &LineContext<'_>, sink: &mut SpanSink) -> Result<(), Refusal> {
    let mut fields = Fields::default();
    let mut extra = String::new();
    for (key, value) in root.entries() {
        match KNOWN_KEYS.iter().position(|known| *known == key) {
            Some(index) => fields.0[index] = Some(value),
            None => {
                let first = extra.is_empty();
                write_key(&mut extra, key, first);
                value.write(&mut extra);
            }
        }
    }
    let trace_id = required_id(fields.get("trace_id"), "trace_id")?;
    let span_id = required_id(fields.get("span_id"), "span_id")?;
    let resource = fields.get("resource").and_then(|resource| resource.get(&["attributes"]));
    let resource = match resource {
        Some(value) => {
            let read = || Ok(Resource::of(&object(value, "resource.attributes")?));
            sink.resources.get(value, read)?
        }
        None => Arc::default(),
    };
    let attributes = match fields.get("attributes") {
        Some(attributes) => object(attributes, "attributes")?,
        None => Attributes::default(),
    };
    let (status, message) = status(fields.get("status"));
    let parent = optional_id(fields.get("parent_span_id"), "parent_span_id")?;
    let (start_time, end_time) =
        (time(fields.get("start_time"), "start_time")?, time(fields.get("end_time"), "end_time")?);
    let form = form(&fields, [&trace_id, &span_id, parent.as_deref().unwrap_or_default()], [start_time, end_time]);
    let events = array(fields.get("events"), "events")?;
    let links = array(fields.get("links"), "links")?;
    let extra = (!extra.is_empty()).then(|| format!("{{{extra}}}"));
    let scope = |key| {
        fields.get("scope").and_then(|scope| scope.get(&[key])).and_then(Json::text).filter(|text| !text.is_empty())
    };
    sink.push(&RawSpan {
        trace_id: &trace_id,
        span_id: &span_id,
        parent_span_id: parent.as_deref(),
        name: fields.get("name").and_then(Json::text).unwrap_or_default(),
        kind: fields.get("kind").and_then(span_kind),
        start_time,
        end_time,
        status,
        status_message: message,
        trace_state: fields.get("trace_state").and_then(Json::text).filter(|text| !text.is_empty()),
        scope_name: scope("name"),
        scope_version: scope("version"),
        resource: &resource,
        attributes: &attributes,
        events: events.as_deref(),
        links: links.as_deref(),
        extra: extra.as_deref(),
        form: form.as_deref(),
        exception: exception(fields.get("events")),
        raw_bytes: line.bytes,
        source: line.source,
        source_line: line.line,
    });
    Ok(())
}

/// How the line was written where that differs from what an export writes: see `form.rs`.
fn form(fields: &Fields<'_, '_>, ids: [&str; 3], times: [Option<i64>; 2]) -> Option<String> {
    let is_text = |value: Option<Json<'_, '_>>, usual: &str| value.and_then(Json::text) == Some(usual);
    let is_time = |value: Option<Json<'_, '_>>, time: Option<i64>| match (value.and_then(Json::text), time) {
        (Some(text), Some(time)) => is_usual_time(text) || text == format_time(time),
        _ => false,
    };
    let has_only = |value: Option<Json<'_, '_>>, usual: [&str; 2]| {
        let Some(entries) = value.filter(|value| matches!(value.kind(), JsonKind::Object(_))).map(Json::entries) else {
            return false;
        };
        let mut count = 0;
        entries.inspect(|_| count += 1).all(|(key, value)| usual.contains(&key) && value.text().is_some()) && count == 2
    };
    let status = |value: Option<Json<'_, '_>>| {
        let code = value.and_then(|status| status.get(&["code"])).and_then(Json::text).unwrap_or_default();
        has_only(value, ["code", "message"])
            && matches!(code, "STATUS_CODE_OK" | "STATUS_CODE_ERROR" | "STATUS_CODE_UNSET")
    };
    let kind = |value: Option<Json<'_, '_>>| {
        let text = value.and_then(Json::text).and_then(|text| text.strip_prefix("SPAN_KIND_"));
        matches!(text, Some("INTERNAL" | "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER" | "UNSPECIFIED"))
    };
    let resource = |value: Option<Json<'_, '_>>| {
        value.is_some_and(|resource| {
            let mut entries = resource.entries();
            let attributes = entries.next().filter(|(key, _)| *key == "attributes");
            attributes.is_some_and(|(_, value)| matches!(value.kind(), JsonKind::Object(_))) && entries.next().is_none()
        })
    };
    let list = |value: Option<Json<'_, '_>>| value.is_none_or(|list| list.items().next().is_some());
    let is_usual = |key: &'static str, value: Option<Json<'_, '_>>| match key {
        "trace_id" => is_text(value, ids[0]),
        "span_id" => is_text(value, ids[1]),
        "parent_span_id" => is_text(value, ids[2]),
        "start_time" => is_time(value, times[0]),
        "end_time" => is_time(value, times[1]),
        "status" => status(value),
        "kind" => kind(value),
        "resource" => resource(value),
        "scope" => has_only(value, ["name", "version"]),
        "attributes" => value.is_some_and(|value| matches!(value.kind(), JsonKind::Object(_))),
        "events" | "links" => list(value),
        _ => value.and_then(Json::text).is_some(),
    };
    let mut differs = None;
    for (index, key) in KNOWN_KEYS.iter().enumerate() {
        if !is_usual(key, fields.0[index]) {
            differs.get_or_insert_with(Vec::new).push(form::Usual { key, came: fields.0[index], is_usual: false });
        }
    }
    form::flat(&differs?)
}

/// Whether a time is written as [`format_time`] writes it, as far as its letters show: `2026-04-28T10:40:00.000000000Z`.
fn is_usual_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 30
        && bytes[29] == b'Z'
        && (bytes[10], bytes[19]) == (b'T', b'.')
        && bytes[20..29].iter().all(u8::is_ascii_digit)
        && &bytes[17..19] != b"60"
}

/// Values by the position of their key in [`KNOWN_KEYS`].
#[derive(Default)]
struct Fields<'t, 'i>([Option<Json<'t, 'i>>; KNOWN_KEYS.len()]);

impl<'t, 'i> Fields<'t, 'i> {
    fn get(&self, key: &str) -> Option<Json<'t, 'i>> {
        let index = KNOWN_KEYS.iter().position(|known| *known == key)?;
        self.0[index].filter(|value| !value.is_null())
    }
}

pub(crate) fn required_id<'i>(value: Option<Json<'_, 'i>>, field: &str) -> Result<Cow<'i, str>, Refusal> {
    optional_id(value, field)?.ok_or_else(|| (RejectKind::MissingId, format!("the span has no {field}")))
}

/// An id as hex in lower case. Ids that are neither hex nor the base64 of 8 or 16 bytes stay as they are.
pub(crate) fn optional_id<'i>(value: Option<Json<'_, 'i>>, field: &str) -> Result<Option<Cow<'i, str>>, Refusal> {
    use base64::Engine as _;
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let Some(text) = value.text() else {
        return Err((RejectKind::BadField, format!("{field} is {}, not a string", value.type_name())));
    };
    let text = text.trim();
    if text.is_empty() || text.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')) {
        return Ok(Some(Cow::Borrowed(text)));
    }
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(Cow::Owned(text.to_ascii_lowercase())));
    }
    if (text.len() == 24 || text.len() == 12)
        && let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(text)
        && (bytes.len() == 16 || bytes.len() == 8)
    {
        return Ok(Some(Cow::Owned(bytes.iter().map(|byte| format!("{byte:02x}")).collect())));
    }
    Ok(Some(Cow::Borrowed(text)))
}

pub(crate) fn time(value: Option<Json<'_, '_>>, field: &str) -> Result<Option<i64>, Refusal> {
    value.map_or(Ok(None), parse_time).map_err(|reason| (RejectKind::BadField, format!("{field}: {reason}")))
}

fn object<'i>(value: Json<'_, 'i>, field: &str) -> Result<Attributes<'i>, Refusal> {
    match value.kind() {
        JsonKind::Object(_) => Ok(Attributes::of_object(value)),
        JsonKind::Null => Ok(Attributes::default()),
        _ => Err((RejectKind::BadField, format!("{field} is {}, not an object", value.type_name()))),
    }
}

/// An array as JSON text; `None` when it is absent or empty.
fn array(value: Option<Json<'_, '_>>, field: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    match value.kind() {
        JsonKind::Array(mut items) => Ok(items.next().map(|_| {
            let mut out = String::new();
            value.write(&mut out);
            out
        })),
        _ => Err((RejectKind::BadField, format!("{field} is {}, not an array", value.type_name()))),
    }
}

/// The OpenTelemetry span kind, from its name in any spelling or its number in the protocol.
pub(crate) fn span_kind(value: Json<'_, '_>) -> Option<&'static str> {
    const KINDS: [&str; 5] = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    if let Some(number) = value.int() {
        return usize::try_from(number).ok()?.checked_sub(1).and_then(|index| KINDS.get(index)).copied();
    }
    let upper = value.text()?.to_ascii_uppercase();
    let name = upper.strip_prefix("SPAN_KIND_").unwrap_or(&upper);
    KINDS.into_iter().find(|kind| *kind == name)
}

/// Status code and message: `{code, message}` with the code as name or number, or the code alone.
pub(crate) fn status<'i>(value: Option<Json<'_, 'i>>) -> (&'static str, Option<&'i str>) {
    let Some(value) = value else {
        return ("UNSET", None);
    };
    let code = value.get(&["code", "status_code"]).unwrap_or(value);
    let message = value.get(&["message", "description"]).and_then(Json::text).filter(|text| !text.is_empty());
    let upper = code.text().unwrap_or_default().to_ascii_uppercase();
    let name = match (code.int(), upper.strip_prefix("STATUS_CODE_").unwrap_or(&upper)) {
        (Some(1), _) | (_, "OK") => "OK",
        (Some(2), _) | (_, "ERROR") => "ERROR",
        _ => "UNSET",
    };
    (name, message)
}

/// Type and message of the first exception event, from flat events.
fn exception<'i>(events: Option<Json<'_, 'i>>) -> Option<(&'i str, &'i str)> {
    let event = events?.items().find(|event| event.get(&["name"]).and_then(Json::text) == Some("exception"))?;
    let attribute = |key| event.get(&["attributes"]).and_then(|attributes| attributes.get(&[key])).and_then(Json::text);
    Some((attribute("exception.type").unwrap_or_default(), attribute("exception.message").unwrap_or_default()))
}
