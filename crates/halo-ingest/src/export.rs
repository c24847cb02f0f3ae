//! A dataset back to lines: every span as it came, a flat line for what came as one and OTLP/JSON for what came as OTLP.

use std::io::Write;

use halo_dataset::{Dataset, DatasetError, StoredSpan, write_string};

use crate::json::{Json, JsonKind, push_display, with_parsed, write_float, write_key};
use crate::time::format_time;

/// In which form spans are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Each as it came.
    AsItCame,
    /// All as HALO's flat lines.
    Flat,
    /// All as OTLP/JSON, one span a line.
    Otlp,
}

/// Why an export ended.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The dataset can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The output can't be written.
    #[error("cannot write the export: {0}")]
    Output(#[from] std::io::Error),
}

/// Writes every span of a dataset as a line. Gives how many there were.
///
/// # Errors
/// The dataset can't be read, or the output not written.
pub fn export(dataset: &Dataset, format: ExportFormat, out: &mut impl Write) -> Result<u64, ExportError> {
    let mut line = String::new();
    let mut count = 0;
    dataset.for_each_span(|span| -> Result<(), ExportError> {
        line.clear();
        let form = span.text("form").unwrap_or("{}");
        with_parsed(form, |form| {
            let around = form.get(&["otlp"]);
            let as_otlp = match format {
                ExportFormat::AsItCame => around.is_some(),
                ExportFormat::Flat => false,
                ExportFormat::Otlp => true,
            };
            if as_otlp { write_otlp(&mut line, span, form) } else { write_flat(&mut line, span, form) }
        });
        line.push('\n');
        out.write_all(line.as_bytes())?;
        count += 1;
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

/// Writes members of an object, some of them not as usual.
struct Members<'o, 't, 'i> {
    out: &'o mut String,
    first: bool,
    /// Values that differ from the usual.
    differing: Json<'t, 'i>,
    /// Keys that were not there.
    without: Vec<&'i str>,
}

impl<'o> Members<'o, '_, '_> {
    /// Writes a member, `usual` when nothing else is known of it.
    fn member(&mut self, key: &str, usual: impl FnOnce(&mut String)) {
        if self.without.contains(&key) {
            return;
        }
        write_key(self.out, key, self.first);
        self.first = false;
        match self.differing.get(&[key]) {
            Some(value) => value.write(self.out),
            None => usual(self.out),
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.member(key, |out| write_string(out, text));
    }
}

fn write_flat(out: &mut String, span: &StoredSpan<'_>, form: Json<'_, '_>) {
    let from_flat = form.get(&["otlp"]).is_none();
    let differing = form.get(&["as"]).filter(|_| from_flat).unwrap_or_default();
    let without = form.get(&["without"]).into_iter().flat_map(Json::items).filter_map(Json::text).collect();
    out.push('{');
    let mut members = Members { out, first: true, differing, without };
    let text = |name| span.text(name).unwrap_or_default();
    members.text("trace_id", text("trace_id"));
    members.text("span_id", text("span_id"));
    members.text("parent_span_id", text("parent_span_id"));
    members.text("trace_state", text("trace_state"));
    members.text("name", text("name"));
    members.text("kind", &format!("SPAN_KIND_{}", span.text("kind").unwrap_or("UNSPECIFIED")));
    for key in ["start_time", "end_time"] {
        let time = span.time(key);
        members.member(key, |out| match time {
            Some(time) => write_string(out, &format_time(time)),
            None => out.push_str("null"),
        });
    }
    members.member("status", |out| {
        out.push_str("{\"code\":\"STATUS_CODE_");
        out.push_str(span.text("status").unwrap_or("UNSET"));
        out.push_str("\",\"message\":");
        write_string(out, text("status_message"));
        out.push('}');
    });
    members.member("resource", |out| {
        out.push_str("{\"attributes\":");
        out.push_str(span.text("resource_attributes").unwrap_or("{}"));
        out.push('}');
    });
    members.member("scope", |out| {
        out.push_str("{\"name\":");
        write_string(out, text("scope_name"));
        out.push_str(",\"version\":");
        write_string(out, text("scope_version"));
        out.push('}');
    });
    members.member("attributes", |out| out.push_str(span.json("attributes").as_deref().unwrap_or("{}")));
    for key in ["events", "links"] {
        match span.json(key) {
            Some(json) => members.member(key, |out| out.push_str(&json)),
            None if differing.get(&[key]).is_some() => members.member(key, |_| {}),
            None => {}
        }
    }
    if let Some(extra) = span.json("extra")
        && let Some(inner) = extra.strip_prefix('{').and_then(|extra| extra.strip_suffix('}'))
        && !inner.is_empty()
    {
        out.push(',');
        out.push_str(inner);
    }
    out.push('}');
}

/// Numbers of the span kinds and status codes in the protocol.
fn kind_number(kind: Option<&str>) -> usize {
    const KINDS: [&str; 5] = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    kind.and_then(|kind| KINDS.iter().position(|known| *known == kind)).map_or(0, |index| index + 1)
}

fn write_otlp(out: &mut String, span: &StoredSpan<'_>, form: Json<'_, '_>) {
    let around = form.get(&["otlp"]).unwrap_or_default();
    let more = |out: &mut String, key: &str| {
        for (name, value) in around.get(&[key]).into_iter().flat_map(Json::entries) {
            out.push(',');
            write_key(out, name, true);
            value.write(out);
        }
    };
    out.push_str("{\"resourceSpans\":[{\"resource\":{");
    if around.get(&["resource"]).and_then(|resource| resource.get(&["attributes"])).is_some() {
        let mut rest = String::new();
        more(&mut rest, "resource");
        out.push_str(rest.trim_start_matches(','));
    } else {
        out.push_str("\"attributes\":");
        write_attributes(out, span.text("resource_attributes").unwrap_or("{}"));
        more(out, "resource");
    }
    out.push_str("},\"scopeSpans\":[{\"scope\":{\"name\":");
    write_string(out, span.text("scope_name").unwrap_or_default());
    out.push_str(",\"version\":");
    write_string(out, span.text("scope_version").unwrap_or_default());
    more(out, "scope");
    out.push_str("},\"spans\":[{");
    write_otlp_span(out, span, form.get(&["as"]).filter(|_| form.get(&["otlp"]).is_some()).unwrap_or_default());
    out.push_str("}]");
    more(out, "scopeSpans");
    out.push_str("}]");
    more(out, "resourceSpans");
    out.push_str("}]}");
}

fn write_otlp_span(out: &mut String, span: &StoredSpan<'_>, differing: Json<'_, '_>) {
    let mut members = Members { out, first: true, differing, without: Vec::new() };
    let text = |name| span.text(name).unwrap_or_default();
    members.text("traceId", text("trace_id"));
    members.text("spanId", text("span_id"));
    members.text("parentSpanId", text("parent_span_id"));
    if !text("trace_state").is_empty() {
        members.text("traceState", text("trace_state"));
    }
    members.text("name", text("name"));
    members.member("kind", |out| push_display(out, kind_number(span.text("kind"))));
    for (key, column) in [("startTimeUnixNano", "start_time"), ("endTimeUnixNano", "end_time")] {
        let time = span.time(column).unwrap_or(0);
        members.member(key, |out| push_display(out, format_args!("\"{time}\"")));
    }
    members.member("attributes", |out| write_attributes(out, span.json("attributes").as_deref().unwrap_or("{}")));
    if span.text("events").is_some() || differing.get(&["events"]).is_some() {
        members.member("events", |out| write_events(out, span.json("events").as_deref().unwrap_or("[]")));
    }
    if span.text("links").is_some() || differing.get(&["links"]).is_some() {
        members.member("links", |out| write_links(out, span.json("links").as_deref().unwrap_or("[]")));
    }
    members.member("status", |out| {
        let code = match span.text("status") {
            Some("OK") => 1,
            Some("ERROR") => 2,
            _ => 0,
        };
        push_display(out, format_args!("{{\"code\":{code}"));
        if let Some(message) = span.text("status_message") {
            out.push_str(",\"message\":");
            write_string(out, message);
        }
        out.push('}');
    });
    if let Some(extra) = span.json("extra")
        && let Some(inner) = extra.strip_prefix('{').and_then(|extra| extra.strip_suffix('}'))
        && !inner.is_empty()
    {
        out.push(',');
        out.push_str(inner);
    }
}

/// A JSON object of attributes as OTLP's list of `{key, value}`.
fn write_attributes(out: &mut String, json: &str) {
    let written = with_parsed(json, |object| write_list_of(out, object));
    if written.is_none() {
        out.push_str("[]");
    }
}

fn write_list_of(out: &mut String, object: Json<'_, '_>) {
    out.push('[');
    for (index, (key, value)) in object.entries().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str("{\"key\":");
        write_string(out, key);
        out.push_str(",\"value\":");
        write_any_value(out, value);
        out.push('}');
    }
    out.push(']');
}

/// A plain JSON value as OTLP's `AnyValue`.
fn write_any_value(out: &mut String, value: Json<'_, '_>) {
    match value.kind() {
        JsonKind::Null => return out.push_str("{}"),
        JsonKind::Bool(value) => push_display(out, format_args!("{{\"boolValue\":{value}")),
        JsonKind::Int(value) => push_display(out, format_args!("{{\"intValue\":\"{value}\"")),
        JsonKind::Big(value) => push_display(out, format_args!("{{\"intValue\":\"{value}\"")),
        JsonKind::Float(value) => {
            out.push_str("{\"doubleValue\":");
            write_float(out, value);
        }
        JsonKind::Text(text) => {
            out.push_str("{\"stringValue\":");
            write_string(out, text);
        }
        JsonKind::Array(items) => {
            out.push_str("{\"arrayValue\":{\"values\":[");
            for (index, item) in items.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_any_value(out, item);
            }
            out.push_str("]}");
        }
        JsonKind::Object(_) => {
            out.push_str("{\"kvlistValue\":{\"values\":");
            write_list_of(out, value);
            out.push('}');
        }
    }
    out.push('}');
}

fn write_events(out: &mut String, json: &str) {
    write_items(out, json, |out, key, value| match key {
        "time" => {
            let time = crate::time::parse_time(value).ok().flatten().unwrap_or(0);
            push_display(out, format_args!("\"timeUnixNano\":\"{time}\""));
        }
        _ => write_member(out, key, value),
    });
}

fn write_links(out: &mut String, json: &str) {
    write_items(out, json, |out, key, value| match key {
        "trace_id" => write_member(out, "traceId", value),
        "span_id" => write_member(out, "spanId", value),
        "trace_state" => write_member(out, "traceState", value),
        _ => write_member(out, key, value),
    });
}

fn write_member(out: &mut String, key: &str, value: Json<'_, '_>) {
    write_key(out, key, true);
    if key == "attributes" { write_list_of(out, value) } else { value.write(out) }
}

fn write_items(out: &mut String, json: &str, write: impl Fn(&mut String, &str, Json<'_, '_>)) {
    out.push('[');
    with_parsed(json, |list| {
        for (index, item) in list.items().enumerate() {
            out.push_str(if index == 0 { "{" } else { ",{" });
            for (at, (key, value)) in item.entries().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, key, value);
            }
            out.push('}');
        }
    });
    out.push(']');
}
