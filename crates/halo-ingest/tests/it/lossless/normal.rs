//! The normal form of a span: what a comparison of two spellings of one span looks at.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Map, Value, json};

/// Spans by id.
pub(crate) type Spans = BTreeMap<String, Value>;

/// The spans of some lines by their ids: a flat line as its JSON, each span of an OTLP line in the normal form of protobuf's JSON with what
/// stands around it.
pub(crate) fn spans(lines: &str) -> Spans {
    let mut spans = Spans::new();
    let mut add = |id: String, span: Value| {
        let before = spans.insert(id.clone(), span);
        assert_eq!(before, None, "the ids of a test are its own, and {id} is not");
    };
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        if value.get("trace_id").is_some() {
            let id = format!("flat {}", value["span_id"].as_str().unwrap().to_ascii_lowercase());
            add(id, value);
        } else {
            otlp_spans(&value).for_each(|span| add(format!("otlp {}", span["span"]["spanId"].as_str().unwrap()), span));
        }
    }
    spans
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Each span with its resource and scope.
fn otlp_spans(line: &Value) -> impl Iterator<Item = Value> + use<> {
    let line = normal("", line);
    let mut spans = Vec::new();
    let without = |value: &Value, key: &str| {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove(key);
        value
    };
    for resource in items(&line["resourceSpans"]) {
        for scope in items(&resource["scopeSpans"]) {
            for span in items(&scope["spans"]) {
                spans.push(json!({
                    "resource": without(resource, "scopeSpans"), "scope": without(scope, "spans"), "span": span,
                }));
            }
        }
    }
    spans.into_iter()
}

/// A value in the normal form of protobuf's JSON: names in camelCase, nothing that says nothing, enumerations as numbers, 64-bit integers as
/// text, ids as hex in lower case. `field` is the name of the field that holds it.
fn normal(field: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut object = Map::new();
            for (key, value) in members {
                let key = camel_case(key);
                let value = normal(&key, value);
                // A value of one of several types is there even when it is empty.
                if key.ends_with("Value") || !says_nothing(&value) {
                    object.insert(key, value);
                }
            }
            Value::Object(object)
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| normal("", item)).collect();
            if field == "attributes" {
                // A list by its type, a map by its meaning. Keys that stand twice stay in their order.
                items.sort_by_key(|item| item["key"].as_str().unwrap_or_default().to_owned());
            }
            Value::Array(items)
        }
        _ => scalar(field, value),
    }
}

fn scalar(field: &str, value: &Value) -> Value {
    let text = value.as_str();
    match field {
        _ if value.is_null() => Value::Null,
        "startTimeUnixNano" | "endTimeUnixNano" | "timeUnixNano" | "intValue" => {
            let text = text.map_or_else(|| value.to_string(), str::to_owned);
            // Zero is no time, and a number like any other.
            if text == "0" && field != "intValue" { Value::Null } else { text.into() }
        }
        "droppedAttributesCount" | "droppedEventsCount" | "droppedLinksCount" | "flags" => {
            text.map_or_else(|| value.clone(), |text| text.parse::<u64>().unwrap().into())
        }
        "kind" => enumeration(value, &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]),
        "code" => enumeration(value, &["UNSET", "OK", "ERROR"]),
        "traceId" | "spanId" | "parentSpanId" => text.map_or_else(|| value.clone(), |text| id(text).into()),
        "doubleValue" => match text.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite()) {
            Some(number) => number.into(),
            None => value.as_f64().map_or_else(|| value.clone(), Value::from),
        },
        _ => value.clone(),
    }
}

fn enumeration(value: &Value, names: &[&str]) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let name = text.trim_start_matches("SPAN_KIND_").trim_start_matches("STATUS_CODE_");
    names.iter().position(|known| *known == name).map_or_else(|| value.clone(), Value::from)
}

fn id(text: &str) -> String {
    if text.bytes().all(|byte| byte == b'0') {
        return String::new();
    }
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return text.to_ascii_lowercase();
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn camel_case(key: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in key.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    match out.as_str() {
        // What scopes were called before.
        "instrumentationLibrarySpans" => "scopeSpans".to_owned(),
        "instrumentationLibrary" => "scope".to_owned(),
        _ => out,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Where two values differ, a line a place.
pub(crate) fn differences(place: &str, came: &Value, went: &Value, out: &mut Vec<String>) {
    match (came, went) {
        (Value::Object(came), Value::Object(went)) => {
            let keys: std::collections::BTreeSet<&String> = came.keys().chain(went.keys()).collect();
            for key in keys {
                match (came.get(key), went.get(key)) {
                    (Some(came), Some(went)) => differences(&format!("{place} {key:?}"), came, went, out),
                    (came, went) => out.push(format!("{place} {key:?}: {came:?} became {went:?}")),
                }
            }
        }
        (Value::Array(came), Value::Array(went)) if came.len() == went.len() => {
            let items = came.iter().zip(went).enumerate();
            items.for_each(|(index, (came, went))| differences(&format!("{place} {index}"), came, went, out));
        }
        _ if came == went => {}
        _ => out.push(format!("{place}: {came} became {went}")),
    }
}
