//! OTLP/JSON as the Collector's file exporter writes it: one `{"resourceSpans": […]}` a line, camelCase or snake_case.

use crate::attributes::{Attributes, write_otlp_object};
use crate::flat::{Refusal, optional_id, required_id, span_kind, status, time};
use crate::form;
use crate::json::{Json, JsonKind, write_key, write_string};
use crate::parse::{LineContext, SpanSink};
use crate::reject::RejectKind;
use crate::span::{RawSpan, Resource};
use crate::time::{format_time, parse_time};

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
    if !is_list(resource_spans) {
        return Err((RejectKind::BadField, format!("resourceSpans is {}, not an array", resource_spans.type_name())));
    }
    let all_spans = || scopes(resource_spans).flat_map(|(_, _, _, spans)| spans.items());
    let count = all_spans().count();
    // Spans of one line have no bytes of their own: each gets an even share.
    let share = line.bytes / i64::try_from(count.max(1)).unwrap_or(1);
    for reason in wrong_levels(resource_spans) {
        sink.reject(line, RejectKind::BadField, reason);
    }
    let mut number = 0;
    let mut current: Option<(usize, Resource)> = None;
    for (entry, resource_index, scope_spans, spans) in scopes(resource_spans) {
        if current.as_ref().is_none_or(|(index, _)| *index != resource_index) {
            let list = entry.get(&["resource"]).and_then(|resource| resource.get(&["attributes"]));
            current = Some((resource_index, Resource::of(&list.map(Attributes::of_otlp).unwrap_or_default())));
        }
        let Some((_, resource)) = &current else { continue };
        let scope = scope_spans.get(SCOPE);
        let form = form_around(entry, scope_spans, scope);
        let around = Surroundings { resource, scope, share, line, form: &form };
        for span in spans.items() {
            number += 1;
            if let Err((kind, reason)) = read_span(span, &around, sink) {
                sink.reject(line, kind, format!("span {number} of {count} in the line: {reason}"));
            }
        }
    }
    Ok(())
}

const SCOPE_SPANS: &[&str] =
    &["scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"];
const SCOPE: &[&str] = &["scope", "instrumentationLibrary", "instrumentation_library"];

/// Each scope of each resource with its spans: the resource's entry and its position, the scope's entry, its spans. The older name of the list
/// is read too.
fn scopes<'t, 'i>(
    resource_spans: Json<'t, 'i>,
) -> impl Iterator<Item = (Json<'t, 'i>, usize, Json<'t, 'i>, Json<'t, 'i>)> {
    resource_spans.items().enumerate().flat_map(|(index, resource)| {
        // An exporter that writes both names of the list may leave either empty.
        let lists = resource.entries().filter(|(key, _)| SCOPE_SPANS.contains(key));
        let scope_spans = lists.flat_map(|(_, list)| list.items());
        scope_spans.filter_map(move |entry| Some((resource, index, entry, entry.get(&["spans"])?)))
    })
}

/// Whether a value is a list, or says that there is none.
fn is_list(value: Json<'_, '_>) -> bool {
    matches!(value.kind(), JsonKind::Array(_) | JsonKind::Null)
}

/// What is wrong with the levels above the spans. Spans below such a level can't be found, and that must show.
fn wrong_levels(resource_spans: Json<'_, '_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut entries = |list: Json<'_, '_>, name: &str, key: &str, below: Option<Json<'_, '_>>| {
        let not_objects = list.items().filter(|entry| !matches!(entry.kind(), JsonKind::Object(_) | JsonKind::Null));
        wrong.extend(not_objects.map(|entry| format!("{name} holds {}, not an object", entry.type_name())));
        let below = below.filter(|below| !is_list(*below));
        wrong.extend(below.map(|below| format!("{key} is {}, not an array", below.type_name())));
    };
    entries(resource_spans, "resourceSpans", "", None);
    for resource in resource_spans.items() {
        let scopes = resource.get(SCOPE_SPANS);
        entries(scopes.unwrap_or_default(), "scopeSpans", "scopeSpans", scopes);
        for scope in scopes.into_iter().flat_map(Json::items) {
            entries(Json::default(), "", "spans", scope.get(&["spans"]));
        }
    }
    wrong
}

/// What stands around the spans of a scope and in no column, as members of the form.
fn form_around(resource_spans: Json<'_, '_>, scope_spans: Json<'_, '_>, scope: Option<Json<'_, '_>>) -> String {
    let resource = resource_spans.get(&["resource"]).unwrap_or_default();
    let mut known = vec!["resource"];
    known.extend(SCOPE_SPANS);
    let mut known_of_scope = vec!["spans"];
    known_of_scope.extend(SCOPE);
    // Attributes that plain JSON can't hold stay as they are.
    let is_odd = resource.get(&["attributes"]).is_some_and(|list| Attributes::of_otlp(list).is_odd());
    let known_of_resource: &[&str] = if is_odd { &[] } else { &["attributes"] };
    form::otlp_around(&[
        ("resource", resource, known_of_resource),
        ("resourceSpans", resource_spans, &known),
        ("scope", scope.unwrap_or_default(), &["name", "version"]),
        ("scopeSpans", scope_spans, &known_of_scope),
    ])
}

/// What the spans of one scope have in common.
struct Surroundings<'a, 't, 'i> {
    resource: &'a Resource,
    scope: Option<Json<'t, 'i>>,
    /// Bytes counted for each span.
    share: i64,
    line: &'a LineContext<'a>,
    /// Members of the form of each span.
    form: &'a str,
}

fn read_span(span: Json<'_, '_>, around: &Surroundings<'_, '_, '_>, sink: &mut SpanSink) -> Result<(), Refusal> {
    if !matches!(span.kind(), JsonKind::Object(_)) {
        return Err((RejectKind::BadField, format!("a span is {}, not an object", span.type_name())));
    }
    let trace_id = required_id(span.get(&["traceId", "trace_id"]), "traceId")?;
    let span_id = required_id(span.get(&["spanId", "span_id"]), "spanId")?;
    let parent = optional_id(span.get(&["parentSpanId", "parent_span_id"]), "parentSpanId")?;
    for key in ["attributes", "events", "links"] {
        if let Some(list) = span.get(&[key]).filter(|list| !is_list(*list)) {
            return Err((RejectKind::BadField, format!("{key} is {}, not an array", list.type_name())));
        }
    }
    let attributes = span.get(&["attributes"]).map(Attributes::of_otlp).unwrap_or_default();
    let (status, status_message) = status(span.get(&["status"]).filter(|status| !status.is_null()));
    let events = span.get(&["events"]).and_then(events_json);
    let links = span.get(&["links"]).and_then(links_json);
    let text =
        |value: Option<Json<'_, '_>>| value.and_then(Json::text).filter(|text| !text.is_empty()).map(str::to_owned);
    let exception = span.get(&["events"]).and_then(exception);
    let extra = extra_json(span);
    let form = form(span, &attributes, around.form);
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
        form: Some(&form),
        exception: exception.as_ref().map(|(kind, message)| (kind.as_str(), message.as_str())),
        raw_bytes: around.share,
        source: around.line.source,
        source_line: around.line.line,
    });
    Ok(())
}

/// The form of an OTLP span: what stood around it, and attributes that plain JSON can't hold.
fn form(span: Json<'_, '_>, attributes: &Attributes<'_>, around: &str) -> String {
    let mut form = format!("{{\"otlp\":{{{around}}}");
    let mut as_it_came = String::new();
    let mut keep = |key: &str, value: Option<Json<'_, '_>>| {
        if let Some(value) = value {
            let first = as_it_came.is_empty();
            write_key(&mut as_it_came, key, first);
            value.write(&mut as_it_came);
        }
    };
    if attributes.is_odd() {
        keep("attributes", span.get(&["attributes"]));
    }
    odd_fields(span).for_each(|(key, value)| keep(key, Some(value)));
    for key in ["events", "links"] {
        let list = span.get(&[key]);
        let known = if key == "events" { EVENT_KEYS } else { LINK_KEYS };
        let is_odd = |item: Json<'_, '_>| {
            let attributes = item.get(&["attributes"]).map(Attributes::of_otlp).unwrap_or_default();
            let has_more = item.entries().any(|(key, value)| !known.contains(&key) && !form::says_nothing(value));
            attributes.is_odd() || has_more || attributes.has_twice()
        };
        if list.is_some_and(|list| list.items().any(is_odd)) {
            keep(key, list);
        }
    }
    if !as_it_came.is_empty() {
        form.push_str(",\"as\":{");
        form.push_str(&as_it_came);
        form.push('}');
    }
    form.push('}');
    form
}

/// Fields of a span whose columns say less than they do: a kind or a status that is none of the protocol's, a time that is not in nanoseconds.
fn odd_fields<'t, 'i>(span: Json<'t, 'i>) -> impl Iterator<Item = (&'static str, Json<'t, 'i>)> {
    let field = |keys: &[&str]| span.get(keys).filter(|value| !form::says_nothing(*value));
    let is_odd_time = |value: &Json<'_, '_>| value.int().is_none() || value.int() != parse_time(*value).ok().flatten();
    let is_odd_status = |status: &Json<'_, '_>| {
        let code = status.get(&["code"]).filter(|code| !form::says_nothing(*code));
        status.entries().any(|(key, value)| !["code", "message"].contains(&key) && !form::says_nothing(value))
            || code.is_some_and(|code| {
                crate::flat::status(Some(*status)).0 == "UNSET" && code.text() != Some("STATUS_CODE_UNSET")
            })
    };
    let odd = [
        ("kind", field(&["kind"]).filter(|kind| span_kind(*kind).is_none())),
        ("startTimeUnixNano", field(&["startTimeUnixNano", "start_time_unix_nano"]).filter(is_odd_time)),
        ("endTimeUnixNano", field(&["endTimeUnixNano", "end_time_unix_nano"]).filter(is_odd_time)),
        ("status", field(&["status"]).filter(is_odd_status)),
    ];
    odd.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

/// Fields of an OTLP event that its JSON in the column holds.
const EVENT_KEYS: &[&str] = &["name", "timeUnixNano", "time_unix_nano", "attributes"];
/// The same of a link.
const LINK_KEYS: &[&str] = &["traceId", "trace_id", "spanId", "span_id", "traceState", "trace_state", "attributes"];

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
    for (key, value) in span.entries().filter(|(key, value)| !KNOWN_KEYS.contains(key) && !form::says_nothing(*value)) {
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
            .find(|attribute| attribute.key == wanted)
            .and_then(|attribute| attributes.text(attribute.value).map(str::to_owned))
            .unwrap_or_default()
    };
    Some((text("exception.type"), text("exception.message")))
}
