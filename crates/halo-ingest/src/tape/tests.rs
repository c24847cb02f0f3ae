//! Protobuf and OTLP/JSON of the same data are the same tape.

use base64::Engine as _;
use prost::bytes::Bytes;

use super::*;
use crate::json::Json;
use crate::proto::{ArrayValue, KeyValueList};

fn text(value: &str) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

fn attribute(key: &str, value: Option<Value>) -> KeyValue {
    KeyValue { key: text(key), value: Some(AnyValue { value }) }
}

/// A request with something in every field.
pub(crate) fn everything() -> TracesData {
    let attributes = vec![
        attribute("s", Some(Value::String(text("é")))),
        attribute("b", Some(Value::Bool(true))),
        attribute("i", Some(Value::Int(i64::MIN))),
        attribute("d", Some(Value::Double(1.0))),
        attribute("nan", Some(Value::Double(f64::NAN))),
        attribute("inf", Some(Value::Double(f64::NEG_INFINITY))),
        attribute("bytes", Some(Value::Bytes(Bytes::from_static(&[0, 255, 7])))),
        attribute("none", None),
        KeyValue { key: text("no value"), value: None },
        attribute(
            "array",
            Some(Value::Array(ArrayValue {
                values: vec![AnyValue { value: Some(Value::Int(0)) }, AnyValue { value: None }],
            })),
        ),
        attribute(
            "object",
            Some(Value::KeyValues(KeyValueList { values: vec![attribute("k", Some(Value::Bool(false)))] })),
        ),
        attribute("empty", Some(Value::Array(ArrayValue::default()))),
    ];
    let link = Link {
        trace_id: Bytes::from_static(&[1; 16]),
        span_id: Bytes::from_static(&[2; 8]),
        trace_state: text("a=b"),
        attributes: attributes[..1].to_vec(),
        dropped_attributes_count: 3,
        flags: 257,
    };
    let span = Span {
        trace_id: Bytes::from_static(&[0xab; 16]),
        span_id: Bytes::from_static(&[0xcd; 8]),
        trace_state: text("x=y"),
        parent_span_id: Bytes::from_static(&[9; 8]),
        name: Bytes::from_static(b"not \xff text"),
        kind: 3,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_001_000_000_000,
        attributes: attributes.clone(),
        dropped_attributes_count: 1,
        events: vec![Event {
            time_unix_nano: 5,
            name: text("e"),
            attributes: attributes.clone(),
            dropped_attributes_count: 2,
        }],
        dropped_events_count: 4,
        links: vec![link],
        dropped_links_count: 6,
        status: Some(Status { message: text("m"), code: 2 }),
        flags: 1,
    };
    let scope = Scope {
        name: text("s"),
        version: text("1"),
        attributes: attributes[..2].to_vec(),
        dropped_attributes_count: 7,
    };
    let entity = EntityRef {
        schema_url: text("u"),
        kind: text("host"),
        id_keys: vec![text("id")],
        description_keys: vec![text("d")],
    };
    let scope_spans = ScopeSpans { scope: Some(scope), spans: vec![span, Span::default()], schema_url: text("u2") };
    let resource = Resource { attributes, dropped_attributes_count: 8, entity_refs: vec![entity] };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans.clone()],
        schema_url: text("u3"),
        library_spans: vec![scope_spans],
    };
    TracesData { resource_spans: vec![resource_spans, ResourceSpans::default()] }
}

#[test]
fn every_field_comes_as_json_has_it_and_parses_to_the_same_tape() {
    let traces = everything();
    let texts = Texts::of(&traces);
    let tape = tape(&traces, &texts);
    let mut json = String::new();
    Json::of(&tape).write(&mut json);
    let mut copy = json.clone().into_bytes();
    assert_eq!(simd_json::to_tape(&mut copy).unwrap().0, tape);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let span = &value["resourceSpans"][0]["scopeSpans"][1]["spans"][0];
    assert_eq!(span["traceId"], "ab".repeat(16));
    assert_eq!(span["name"], "not \u{fffd} text");
    assert_eq!(span["links"][0]["flags"], 257);
    assert_eq!(
        span["attributes"][6]["value"]["bytesValue"],
        base64::engine::general_purpose::STANDARD.encode([0, 255, 7])
    );
    assert_eq!(span["attributes"][5]["value"]["doubleValue"], "-Infinity");
    let mut shown = serde_json::to_string_pretty(span).unwrap();
    shown.truncate(shown.find("\"events\"").unwrap());
    insta::assert_snapshot!(shown);
}
