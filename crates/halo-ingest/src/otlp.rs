//! OTLP/JSON as the Collector's file exporter writes it: one `{"resourceSpans": […]}` a line, camelCase or snake_case.

use crate::attributes::{Attributes, write_otlp_object};
use crate::flat::{Refusal, optional_id, required_id, span_kind, status, time};
use crate::json::{Json, JsonKind, write_key, write_string};
use crate::parse::{LineContext, SpanSink};
use crate::reject::RejectKind;
use crate::span::{RawSpan, Resource};
use crate::time::format_time;

/// The list of resources with spans, when an object is OTLP trace data.
pub(crate) fn resource_spans<'t, 'i>(root: Json<'t, 'i>) -> Option<Json<'t, 'i>> {
    root.get(&["resourceSpans", "resource_spans"])
}

/// Whether an object is OTLP data of another signal, which is passed over.
pub(crate) fn is_other_signal(root: Json<'_, '_>) -> bool {
    root.get(&["resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics"]).is_some()
}

/// Reads all spans of a line into the sink. A span that can't be taken is rejected alone; the others stay.
pub(crate) fn read(resource_spans: Json<'_, '_>, line: &LineContext<'_>, sink: &mut SpanSink) -> Result<(), Refusal> {
    if !matches!(resource_spans.kind(), JsonKind::Array(_)) {
        return Err((RejectKind::BadField, format!("resourceSpans is {}, not an array", resource_spans.type_name())));
    }
    let all_spans = || scopes(resource_spans).flat_map(|(_, _, spans)| spans.items());
    let count = all_spans().count();
    // Spans of one line have no bytes of their own: each gets an even share.
    let share = line.bytes / i64::try_from(count.max(1)).unwrap_or(1);
    let mut number = 0;
    let mut current: Option<(usize, Resource)> = None;
    for (resource_index, scope, spans) in scopes(resource_spans) {
        if current.as_ref().is_none_or(|(index, _)| *index != resource_index) {
            let entry = resource_spans.items().nth(resource_index);
            let list =
                entry.and_then(|entry| entry.get(&["resource"])).and_then(|resource| resource.get(&["attributes"]));
            current = Some((resource_index, Resource::of(&list.map(Attributes::of_otlp).unwrap_or_default())));
        }
        let Some((_, resource)) = &current else { continue };
        let around = Surroundings { resource, scope, share, line };
        for span in spans.items() {
            number += 1;
            if let Err((kind, reason)) = read_span(span, &around, sink) {
                sink.reject(line, kind, format!("span {number} of {count} in the line: {reason}"));
            }
        }
    }
    Ok(())
}

/// Each scope of each resource with its spans. The older name of the list is read too.
fn scopes<'t, 'i>(resource_spans: Json<'t, 'i>) -> impl Iterator<Item = (usize, Option<Json<'t, 'i>>, Json<'t, 'i>)> {
    const SCOPE_SPANS: &[&str] =
        &["scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"];
    resource_spans.items().enumerate().flat_map(|(index, resource)| {
        resource.get(SCOPE_SPANS).into_iter().flat_map(Json::items).filter_map(move |entry| {
            let scope = entry.get(&["scope", "instrumentationLibrary", "instrumentation_library"]);
            Some((index, scope, entry.get(&["spans"])?))
        })
    })
}

/// What the spans of one scope have in common.
struct Surroundings<'a, 't, 'i> {
    resource: &'a Resource,
    scope: Option<Json<'t, 'i>>,
    /// Bytes counted for each span.
    share: i64,
    line: &'a LineContext<'a>,
}

fn read_span(span: Json<'_, '_>, around: &Surroundings<'_, '_, '_>, sink: &mut SpanSink) -> Result<(), Refusal> {
    if !matches!(span.kind(), JsonKind::Object(_)) {
        return Err((RejectKind::BadField, format!("a span is {}, not an object", span.type_name())));
    }
    let trace_id = required_id(span.get(&["traceId", "trace_id"]), "traceId")?;
    let span_id = required_id(span.get(&["spanId", "span_id"]), "spanId")?;
    let parent = optional_id(span.get(&["parentSpanId", "parent_span_id"]), "parentSpanId")?;
    let attributes = span.get(&["attributes"]).map(Attributes::of_otlp).unwrap_or_default();
    let (status, status_message) = status(span.get(&["status"]).filter(|status| !status.is_null()));
    let events = span.get(&["events"]).and_then(events_json);
    let links = span.get(&["links"]).and_then(links_json);
    let text =
        |value: Option<Json<'_, '_>>| value.and_then(Json::text).filter(|text| !text.is_empty()).map(str::to_owned);
    let exception = span.get(&["events"]).and_then(exception);
    let extra = extra_json(span);
    let scope_name = text(around.scope.and_then(|scope| scope.get(&["name"])));
    let scope_version = text(around.scope.and_then(|scope| scope.get(&["version"])));
    let trace_state = text(span.get(&["traceState", "trace_state"]));
    sink.push(&RawSpan {
        trace_id: &trace_id,
        span_id: &span_id,
        parent_span_id: parent.as_deref(),
        name: span.get(&["name"]).and_then(Json::text).unwrap_or_default(),
        kind: span.get(&["kind"]).and_then(span_kind),
        start_time: time(span.get(&["startTimeUnixNano", "start_time_unix_nano"]), "startTimeUnixNano")?,
        end_time: time(span.get(&["endTimeUnixNano", "end_time_unix_nano"]), "endTimeUnixNano")?,
        status,
        status_message,
        trace_state: trace_state.as_deref(),
        scope_name: scope_name.as_deref(),
        scope_version: scope_version.as_deref(),
        resource: around.resource,
        attributes: &attributes,
        events: events.as_deref(),
        links: links.as_deref(),
        extra: extra.as_deref(),
        exception: exception.as_ref().map(|(kind, message)| (kind.as_str(), message.as_str())),
        raw_bytes: around.share,
        source: around.line.source,
        source_line: around.line.line,
    });
    Ok(())
}

/// Fields of an OTLP span that columns hold.
const KNOWN_KEYS: &[&str] = &[
    "traceId",
    "trace_id",
    "spanId",
    "span_id",
    "parentSpanId",
    "parent_span_id",
    "name",
    "kind",
    "startTimeUnixNano",
    "start_time_unix_nano",
    "endTimeUnixNano",
    "end_time_unix_nano",
    "attributes",
    "status",
    "events",
    "links",
    "traceState",
    "trace_state",
];

/// What no column holds (flags, counts of what the SDK dropped, …) as a JSON object.
fn extra_json(span: Json<'_, '_>) -> Option<String> {
    let mut out = String::new();
    for (key, value) in span.entries().filter(|(key, value)| !KNOWN_KEYS.contains(key) && !value.is_null()) {
        out.push(if out.is_empty() { '{' } else { ',' });
        write_key(&mut out, key, true);
        value.write(&mut out);
    }
    (!out.is_empty()).then(|| out + "}")
}

/// Events in the form of flat lines: `{name, time, attributes}`.
fn events_json(events: Json<'_, '_>) -> Option<String> {
    list_json(events, |out, event| {
        out.push_str("{\"name\":");
        write_string(out, event.get(&["name"]).and_then(Json::text).unwrap_or_default());
        if let Some(time) = event.get(&["timeUnixNano", "time_unix_nano"]).and_then(Json::int) {
            out.push_str(",\"time\":");
            write_string(out, &format_time(time));
        }
        out.push_str(",\"attributes\":");
        write_otlp_object(out, event.get(&["attributes"]));
        out.push('}');
    })
}

fn links_json(links: Json<'_, '_>) -> Option<String> {
    list_json(links, |out, link| {
        out.push('{');
        for (index, (key, value)) in link.entries().enumerate() {
            let name = match key {
                "traceId" => "trace_id",
                "spanId" => "span_id",
                "traceState" => "trace_state",
                other => other,
            };
            write_key(out, name, index == 0);
            if name == "attributes" { write_otlp_object(out, Some(value)) } else { value.write(out) }
        }
        out.push('}');
    })
}

fn list_json(list: Json<'_, '_>, write: impl Fn(&mut String, Json<'_, '_>)) -> Option<String> {
    let mut out = String::new();
    for item in list.items() {
        out.push(if out.is_empty() { '[' } else { ',' });
        write(&mut out, item);
    }
    (!out.is_empty()).then(|| out + "]")
}

/// Type and message of the first exception event.
fn exception(events: Json<'_, '_>) -> Option<(String, String)> {
    let event = events.items().find(|event| event.get(&["name"]).and_then(Json::text) == Some("exception"))?;
    let attributes = event.get(&["attributes"]).map(Attributes::of_otlp).unwrap_or_default();
    let text = |wanted: &str| {
        attributes
            .iter()
            .find(|(key, _)| *key == wanted)
            .and_then(|(_, value)| attributes.text(value).map(str::to_owned))
            .unwrap_or_default()
    };
    Some((text("exception.type"), text("exception.message")))
}
