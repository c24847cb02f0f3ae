//! OTLP/JSON in all the spellings that exporters have for it.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::attributes::{anything, calls, key};

/// Plain JSON as an `AnyValue`; `bits` tell how it is spelled.
fn any_value(value: &Value, bits: u32) -> Value {
    let snake = bits & 1 != 0;
    let name = |camel: &str, snaked: &str| if snake { snaked.to_owned() } else { camel.to_owned() };
    let mut object = Map::new();
    let (key, value) = match value {
        Value::Null => return json!({}),
        Value::Bool(value) => (name("boolValue", "bool_value"), json!(value)),
        Value::String(text) => (name("stringValue", "string_value"), json!(text)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) if bits & 2 != 0 => (name("intValue", "int_value"), json!(int)),
            (Some(int), _) => (name("intValue", "int_value"), json!(int.to_string())),
            (_, Some(int)) => (name("intValue", "int_value"), json!(int.to_string())),
            _ => (name("doubleValue", "double_value"), value.clone()),
        },
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(|item| any_value(item, bits)).collect();
            (name("arrayValue", "array_value"), json!({"values": items}))
        }
        Value::Object(members) => (name("kvlistValue", "kvlist_value"), json!({"values": key_values(members, bits)})),
    };
    object.insert(key, value);
    Value::Object(object)
}

fn key_values(members: &Map<String, Value>, bits: u32) -> Vec<Value> {
    members.iter().map(|(key, value)| json!({"key": key, "value": any_value(value, bits)})).collect()
}

/// Values that plain JSON has no word for, or that somebody's exporter writes in a way of its own.
fn odd_values() -> impl Strategy<Value = Vec<Value>> {
    let value = select(vec![
        json!({"bytesValue": "AAEC/w=="}),
        json!({"bytes_value": ""}),
        json!({"doubleValue": "NaN"}),
        json!({"doubleValue": "-Infinity"}),
        json!({"doubleValue": 3}),
        json!({"doubleValue": "1.5"}),
        json!({"intValue": "9223372036854775807"}),
        json!({"intValue": -1}),
        json!({"stringValue": ""}),
        json!({"boolValue": false}),
        json!({"arrayValue": {}}),
        json!({"arrayValue": {"values": []}}),
        json!({"arrayValue": {"values": [{}, {"bytesValue": "AA=="}, {"arrayValue": {"values": [{"doubleValue": 1.0}]}}]}}),
        json!({"kvlistValue": {}}),
        json!({"kvlistValue": {"values": [{"key": "k"}, {"key": "", "value": {"intValue": "0"}}]}}),
        json!({"kvlistValue": {"values": [{"key": "a", "value": {"kvlistValue": {"values": [{"key": "b", "value": {"doubleValue": "Infinity"}}]}}}]}}),
        json!({}),
        Value::Null,
    ]);
    let entry = (key(), value, any::<bool>()).prop_map(|(key, value, without)| {
        if without { json!({"key": key}) } else { json!({"key": key, "value": value}) }
    });
    prop::collection::vec(entry, 0..3)
}

/// A list of attributes; about half of them have nothing odd.
fn attributes() -> impl Strategy<Value = Vec<Value>> {
    let plain = prop::collection::btree_map(key(), anything(), 0..4);
    (plain, prop::option::of(odd_values()), any::<u32>()).prop_map(|(plain, odd, bits)| {
        let mut list = key_values(&plain.into_iter().collect(), bits);
        list.extend(odd.into_iter().flatten());
        list
    })
}

fn event() -> impl Strategy<Value = Value> {
    let time = select(vec![
        json!("1700000000000000001"),
        json!(1_700_000_000_000_000_002_i64),
        json!("0"),
        json!("7"),
        json!(null),
    ]);
    (attributes(), time, any::<bool>(), 0..3_u32).prop_map(|(attributes, time, snake, dropped)| {
        let mut event = json!({"name": if dropped == 1 { "exception" } else { "e" }, "attributes": attributes});
        let members = event.as_object_mut().unwrap();
        members.insert((if snake { "time_unix_nano" } else { "timeUnixNano" }).to_owned(), time);
        if dropped == 2 {
            members.remove("name");
        }
        members.insert(
            (if snake { "dropped_attributes_count" } else { "droppedAttributesCount" }).to_owned(),
            json!(dropped),
        );
        event
    })
}

fn link() -> impl Strategy<Value = Value> {
    let id = select(vec!["0123456789ABCDEF0123456789abcdef", "ASNFZ4mrze8BI0VniavN7w=="]);
    (attributes(), id, any::<bool>(), 0..3_u32).prop_map(|(attributes, id, snake, flags)| {
        if snake {
            json!({"trace_id": id, "span_id": "0123456789abcdef", "trace_state": "a=b", "attributes": attributes, "flags": flags})
        } else {
            json!({"traceId": id, "spanId": "0123456789ABCDEF", "attributes": attributes, "droppedAttributesCount": flags})
        }
    })
}

/// Members of a span in camelCase, beside its ids and attributes.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let times = vec![
        json!("1700000000000000001"),
        json!(1_700_000_000_000_000_002_i64),
        json!("0"),
        json!(0),
        json!(null),
        json!("5"),
        json!("123456789012"),
    ];
    let kind = select(vec![
        json!(0),
        json!(1),
        json!(3),
        json!(5),
        json!("SPAN_KIND_SERVER"),
        json!("SPAN_KIND_UNSPECIFIED"),
        json!(9),
        json!(null),
    ]);
    let status = select(vec![
        json!(null),
        json!({}),
        json!({"code": 0}),
        json!({"code": 1}),
        json!({"code": 2, "message": "it is {\"halo$text\":0}"}),
        json!({"code": "STATUS_CODE_ERROR"}),
        json!({"code": "STATUS_CODE_OK", "message": ""}),
        json!({"message": "m"}),
        json!({"code": 3}),
        json!({"code": 1, "deprecatedCode": 4}),
    ]);
    let parent = select(vec![
        json!(null),
        json!(""),
        json!("0000000000000000"),
        json!("ABCDEF0123456789"),
        json!("ASNFZ4mrze8="),
    ]);
    let lists = (prop::collection::vec(event(), 0..3), prop::collection::vec(link(), 0..3), anything());
    let counts = (0..3_u32, select(vec![json!("0"), json!("2"), json!(0), json!(257), json!(null)]));
    let name = select(vec![json!("step"), json!(""), json!(null), json!("halo$")]);
    (select(times.clone()), select(times), kind, status, parent, lists, counts, name).prop_map(
        |(start, end, kind, status, parent, (events, links, any), (dropped, flags), name)| {
            let members = json!({
                "startTimeUnixNano": start, "endTimeUnixNano": end, "kind": kind, "status": status, "parentSpanId": parent,
                "events": events, "links": links, "droppedAttributesCount": dropped, "flags": flags, "name": name,
                "traceState": if dropped == 1 { "a=b" } else { "" }, "droppedEventsCount": dropped.to_string(),
                "notOfTheProtocol": if dropped == 2 { any } else { Value::Null },
            });
            members.as_object().unwrap().clone()
        },
    )
}

fn snake_case(members: &Map<String, Value>) -> Map<String, Value> {
    let snake = |key: &str| {
        let word =
            |c: char| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.to_string() };
        key.chars().map(word).collect::<String>()
    };
    members.iter().map(|(key, value)| (snake(key), value.clone())).collect()
}

/// What stands around the spans of one scope: the resource, its other members, the scope, its other members.
fn around() -> impl Strategy<Value = [Value; 4]> {
    let schema = || {
        select(vec![
            json!({}),
            json!({"schemaUrl": "https://opentelemetry.io/schemas/1.37.0"}),
            json!({"schema_url": "u"}),
            json!({"schemaUrl": ""}),
        ])
    };
    let scope = (select(vec![json!("n"), json!(""), json!(null)]), attributes(), 0..2_u32);
    (attributes(), schema(), scope, schema(), 0..3_u32).prop_map(
        |(list, of_resource, (name, own, dropped), of_scope, kind)| {
            let resource = match kind {
                0 => Value::Null,
                1 => json!({"attributes": list, "droppedAttributesCount": 3}),
                _ => json!({"attributes": list}),
            };
            let scope = if dropped == 0 {
                json!({"name": name})
            } else {
                json!({"name": name, "version": "1", "attributes": own, "droppedAttributesCount": dropped})
            };
            [resource, of_resource, scope, of_scope]
        },
    )
}

/// Lines of OTLP, each with the spans of one trace under a resource and scopes of its own.
pub(crate) fn lines() -> impl Strategy<Value = Vec<Value>> {
    let spans = calls().prop_flat_map(|calls| {
        let count = calls.len();
        let more = (members(), odd_values(), any::<u32>(), prop::option::weighted(0.2, attributes()));
        (Just(calls), prop::collection::vec(more, count))
    });
    prop::collection::vec((around(), around(), spans, 0..4_u32), 1..5).prop_map(|traces| {
        let lines = (1_u64..).zip(traces).map(|(trace, (first, second, (calls, more), style))| {
            let spans: Vec<Value> = (1_u64..)
                .zip(calls.into_iter().zip(more))
                .map(|(number, (attributes, (mut members, odd, bits, twice)))| {
                    let mut list = key_values(&attributes, bits);
                    if bits & 12 == 0 {
                        list.extend(odd);
                    }
                    // Keys may stand twice.
                    list.extend(twice.into_iter().flatten());
                    members.insert("attributes".to_owned(), list.into());
                    ids(&mut members, trace, trace << 32 | number, bits);
                    Value::Object(if style == 1 { snake_case(&members) } else { members })
                })
                .collect();
            let (left, right) = spans.split_at(spans.len() / 2);
            json!({"resourceSpans": [resource_spans(first, left, style), resource_spans(second, right, style)]})
        });
        lines.collect()
    })
}

/// Ids as hex in either case or base64.
fn ids(members: &mut Map<String, Value>, trace: u64, span: u64, bits: u32) {
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let high = 0xabcd_u128 << 112 | u128::from(trace);
    let (trace_id, span_id) = match bits >> 4 & 3 {
        0 => (base64(&high.to_be_bytes()), base64(&(0xf << 60 | span).to_be_bytes())),
        1 => (format!("{high:032X}"), format!("{:016X}", 0xf << 60 | span)),
        _ => (format!("{high:032x}"), format!("{:016x}", 0xf << 60 | span)),
    };
    members.insert("traceId".to_owned(), trace_id.into());
    members.insert("spanId".to_owned(), span_id.into());
}

fn resource_spans([resource, of_resource, scope, of_scope]: [Value; 4], spans: &[Value], style: u32) -> Value {
    let (scopes, scope_name) = match style {
        0 => ("scopeSpans", "scope"),
        1 => ("scope_spans", "scope"),
        2 => ("instrumentationLibrarySpans", "instrumentationLibrary"),
        _ => ("instrumentation_library_spans", "instrumentation_library"),
    };
    let mut inner = of_scope;
    let members = inner.as_object_mut().unwrap();
    members.insert(scope_name.to_owned(), scope);
    members.insert("spans".to_owned(), spans.to_vec().into());
    let mut outer = of_resource;
    let members = outer.as_object_mut().unwrap();
    members.insert("resource".to_owned(), resource);
    members.insert(scopes.to_owned(), json!([inner]));
    outer
}
