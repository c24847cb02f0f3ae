//! Files of protobuf: the same spans as OTLP/JSON gives, and every kind of damage counted.

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message as _;
use prost::bytes::Bytes;

use crate::proto::{
    AnyValue, ArrayValue, Event, KeyValue, KeyValueList, Link, ResourceSpans, ScopeSpans, Span, Status, TracesData,
    Value,
};
use crate::testing::{How, Outcome, for_each, read, span};

fn text(value: &serde_json::Value) -> Bytes {
    Bytes::copy_from_slice(value.as_str().unwrap_or_default().as_bytes())
}

fn hex(value: &serde_json::Value) -> Bytes {
    let text = value.as_str().unwrap_or_default();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn number<T: std::str::FromStr + Default>(value: &serde_json::Value) -> T {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap_or_default()
}

fn list<T>(value: &serde_json::Value, of: impl Fn(&serde_json::Value) -> T) -> Vec<T> {
    value.as_array().into_iter().flatten().map(of).collect()
}

fn any_value(value: &serde_json::Value) -> AnyValue {
    let (key, inner) = value.as_object().unwrap().iter().next().unwrap();
    let value = match key.as_str() {
        "stringValue" => Value::String(text(inner)),
        "intValue" => Value::Int(number(inner)),
        "doubleValue" => Value::Double(inner.as_f64().unwrap()),
        "boolValue" => Value::Bool(inner.as_bool().unwrap()),
        "arrayValue" => Value::Array(ArrayValue { values: list(&inner["values"], any_value) }),
        "kvlistValue" => Value::KeyValues(KeyValueList { values: list(&inner["values"], key_value) }),
        other => panic!("{other}"),
    };
    AnyValue { value: Some(value) }
}

fn key_value(value: &serde_json::Value) -> KeyValue {
    KeyValue { key: text(&value["key"]), value: Some(any_value(&value["value"])) }
}

/// OTLP/JSON as messages: the other way round from what is tested.
fn encode(json: &serde_json::Value) -> TracesData {
    let event = |event: &serde_json::Value| Event {
        time_unix_nano: number(&event["timeUnixNano"]),
        name: text(&event["name"]),
        attributes: list(&event["attributes"], key_value),
        dropped_attributes_count: 0,
    };
    let link = |link: &serde_json::Value| Link {
        trace_id: hex(&link["traceId"]),
        span_id: hex(&link["spanId"]),
        ..Link::default()
    };
    let span = |span: &serde_json::Value| Span {
        trace_id: hex(&span["traceId"]),
        span_id: hex(&span["spanId"]),
        parent_span_id: hex(&span["parentSpanId"]),
        name: text(&span["name"]),
        kind: number(&span["kind"]),
        start_time_unix_nano: number(&span["startTimeUnixNano"]),
        end_time_unix_nano: number(&span["endTimeUnixNano"]),
        attributes: list(&span["attributes"], key_value),
        events: list(&span["events"], event),
        links: list(&span["links"], link),
        status: Some(Status { message: text(&span["status"]["message"]), code: number(&span["status"]["code"]) }),
        ..Span::default()
    };
    let scope_spans = |entry: &serde_json::Value| ScopeSpans {
        scope: Some(crate::proto::Scope {
            name: text(&entry["scope"]["name"]),
            version: text(&entry["scope"]["version"]),
            ..Default::default()
        }),
        spans: list(&entry["spans"], span),
        ..ScopeSpans::default()
    };
    let resource_spans = |entry: &serde_json::Value| ResourceSpans {
        resource: Some(crate::proto::Resource {
            attributes: list(&entry["resource"]["attributes"], key_value),
            ..Default::default()
        }),
        scope_spans: list(&entry["scopeSpans"], scope_spans),
        ..ResourceSpans::default()
    };
    TracesData { resource_spans: list(&json["resourceSpans"], resource_spans) }
}

fn fixed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

fn varint(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut out);
    [out.as_slice(), message].concat()
}

fn bare(message: &[u8]) -> Vec<u8> {
    message.to_vec()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Messages of one span each.
fn messages(count: u8) -> Vec<Vec<u8>> {
    let message = |id| {
        let span = Span {
            trace_id: vec![7; 16].into(),
            span_id: vec![id; 8].into(),
            name: "x".repeat(usize::from(id) * 3).into(),
            ..Span::default()
        };
        let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
        TracesData { resource_spans: vec![ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() }] }
    };
    (1..=count).map(|id| message(id).encode_to_vec()).collect()
}

/// Rows by span id, each as its columns; what tells of the place is left out.
fn rows(bytes: Vec<u8>) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut rows = BTreeMap::new();
    for_each(std::io::Cursor::new(bytes), How::default(), |parsed| {
        assert_eq!(parsed.rejects.count(), 0, "{:?}", parsed.rejects);
        for (id, mut columns) in crate::testing::rows(&parsed.spans) {
            columns.retain(|name, _| name != "raw_bytes" && name != "source_line");
            rows.insert(id, columns);
        }
    });
    rows
}

#[test]
fn the_same_spans_as_json_gives() {
    for name in ["small.otlp.jsonl", "small.genai.otlp.jsonl"] {
        let path = format!("{}/../../fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let json = std::fs::read_to_string(path).unwrap();
        let messages: Vec<Vec<u8>> =
            json.lines().map(|line| encode(&serde_json::from_str(line).unwrap()).encode_to_vec()).collect();
        let expected = rows(json.clone().into_bytes());
        assert_eq!(expected.len(), 14);
        for frame in [fixed, varint, bare] {
            assert_eq!(rows(messages.iter().flat_map(|message| frame(message)).collect()), expected, "{name}");
        }
        // As the Collector compresses: each message by itself, in either format, or the whole file.
        assert_eq!(rows(messages.iter().flat_map(|message| fixed(&zstd(message))).collect()), expected);
        assert_eq!(rows(json.lines().flat_map(|line| fixed(&zstd(line.as_bytes()))).collect()), expected);
        assert_eq!(rows(zstd(&messages.iter().flat_map(|message| fixed(message)).collect::<Vec<u8>>())), expected);
        assert_eq!(rows(messages.iter().flat_map(|message| zstd(&fixed(message))).collect()), expected);
    }
}

#[test]
fn every_field_is_read() {
    let message = crate::tape::tests::everything().encode_to_vec();
    let outcome = read(&fixed(&message), How::default());
    assert_eq!(outcome.spans, ["cd".repeat(8), "cd".repeat(8)], "{outcome:?}");
    // The two spans that are empty.
    assert_eq!(outcome.rejects.len(), 2, "{outcome:?}");
    assert!(outcome.rejects[0].starts_with("1@0 MissingId: span 2 of 4 in the line"), "{outcome:?}");
}

#[track_caller]
fn check(bytes: &[u8], spans: usize, rejects: &[&str]) -> Outcome {
    let outcome = read(bytes, How::default());
    for chunk_bytes in [1, 30, 100] {
        let cut = read(bytes, How::chunks_of(chunk_bytes));
        assert_eq!((&cut.spans, cut.counts), (&outcome.spans, outcome.counts), "chunks of {chunk_bytes}");
    }
    assert_eq!(outcome.spans.len(), spans, "{outcome:#?}");
    assert_eq!(outcome.rejects.len(), rejects.len(), "{outcome:#?}");
    for (reject, words) in outcome.rejects.iter().zip(rejects) {
        assert!(reject.contains(words), "{outcome:#?}");
    }
    outcome
}

#[test]
fn damage_is_counted_and_the_rest_is_read() {
    let framed: Vec<Vec<u8>> = messages(20).iter().map(|message| fixed(message)).collect();
    let whole = framed.concat();
    check(&whole, 20, &[]);
    // The file ends in a message, or in a length.
    check(&whole[..whole.len() - 1], 19, &["the file ends early: message 20 has no end"]);
    check(&whole[..whole.len() - framed[19].len() + 2], 19, &["the file ends within the length of it"]);
    // A crash in the middle, and a new start behind it.
    let crash = [framed[..5].concat(), framed[5][..30].to_vec(), framed[6..].concat()].concat();
    let outcome = read(&crash, How::default());
    assert!(outcome.spans.len() >= 17 && (1..=2).contains(&outcome.rejects.len()), "{outcome:#?}");
    // Lengths that cannot be.
    for length in [u32::MAX, 0x7fff_ffff, 3, 200_000_000] {
        let mut damaged = whole.clone();
        let at = framed[..9].concat().len();
        damaged[at..at + 4].copy_from_slice(&length.to_be_bytes());
        let outcome = read(&damaged, How::default());
        assert_eq!((outcome.spans.len(), outcome.rejects.len()), (19, 1), "{length} {outcome:#?}");
        assert!(outcome.rejects[0].starts_with(&format!("10@{at} ")), "{length} {outcome:#?}");
    }
    // A message whose inside is damaged.
    let mut damaged = whole.clone();
    let at = framed[..9].concat().len();
    damaged[at + 10..at + 12].fill(0xff);
    check(&damaged, 19, &["message 10 is no OTLP protobuf"]);
    // Room that was never written.
    let outcome = check(&[whole.as_slice(), &[0; 4099]].concat(), 20, &[]);
    assert_eq!((outcome.counts.lines, outcome.counts.blank_lines), (21, 1));
    let delimited: Vec<u8> = messages(20).iter().flat_map(|message| varint(message)).collect();
    check(&delimited, 20, &[]);
    check(&delimited[..delimited.len() - 5], 19, &["message 20 has no end"]);
    check(&messages(20).concat(), 20, &[]);
    check(&messages(20).concat()[..whole.len() - 120], 19, &["message 20 has no end"]);
}

#[test]
fn messages_of_other_signals_and_of_no_spans_are_passed_over() {
    // A log record: time, severity, body. A gauge: name, data.
    let nest = |tag: u8, inner: &[u8]| [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat();
    let record = [&[0x09][..], &5_u64.to_le_bytes(), &[0x10, 9], &nest(0x2a, &nest(0x0a, b"hello"))].concat();
    let logs = nest(0x0a, &nest(0x12, &nest(0x12, &record)));
    let metric = [nest(0x0a, b"http.requests"), nest(0x2a, &nest(0x0a, &[0x31, 0, 0, 0, 0, 0, 0, 0, 0]))].concat();
    let metrics = nest(0x0a, &nest(0x12, &nest(0x12, &metric)));
    let no_spans = nest(0x0a, &nest(0x12, &[]));
    let bytes: Vec<u8> =
        [&messages(1)[0], &logs, &metrics, &no_spans].iter().flat_map(|message| fixed(message)).collect();
    let outcome = check(&bytes, 1, &[]);
    assert_eq!((outcome.counts.lines, outcome.counts.other_lines), (4, 3));
}

#[test]
fn limits() {
    let many = messages(40);
    let mut how = How::chunks_of(64);
    how.limits.line_bytes_max = 120;
    let framed: Vec<u8> = many.iter().flat_map(|message| fixed(message)).collect();
    let outcome = read(&framed, how);
    assert_eq!(outcome.spans.len() + outcome.rejects.len(), 40);
    assert!(outcome.rejects[0].contains("TooLong: the line has 0.0 MB"), "{outcome:?}");
    // Small on disk, large in memory.
    let bomb = fixed(&zstd(&vec![b' '; 1 << 21]));
    let outcome = read(&bomb, How::default());
    assert!(outcome.rejects[0].contains("TooLong"), "{outcome:?}");
    // Nested deeper than any decoder goes.
    let mut value = vec![0x08, 0x01];
    for _ in 0..1000 {
        for tag in [0x0a, 0x2a] {
            value = [[tag].as_slice(), &varint(&value)].concat();
        }
    }
    let attribute = [vec![0x12], varint(&value)].concat();
    let inner = [[0x4a].as_slice(), &varint(&attribute)].concat();
    let nested = [0x12, 0x12, 0x0a].iter().fold(inner, |inner, tag| [[*tag].as_slice(), &varint(&inner)].concat());
    let outcome = read(&[fixed(&nested), fixed(&messages(1)[0])].concat(), How::default());
    assert_eq!((outcome.spans.len(), outcome.rejects.len()), (1, 1));
    assert!(outcome.rejects[0].contains("recursion limit"), "{outcome:?}");
}

#[test]
fn what_is_open_at_the_end_is_held_back() {
    let framed: Vec<Vec<u8>> = messages(3).iter().map(|message| fixed(message)).collect();
    let whole = framed.concat();
    let how = How { hold_open: true, ..How::default() };
    let outcome = read(&whole[..whole.len() - 1], how);
    let settled = outcome.settled.unwrap();
    assert_eq!((outcome.spans.len(), outcome.rejects.len(), settled.line), (2, 0, 3));
    let rest = read(&whole[usize::try_from(settled.byte_offset).unwrap()..], How { start: settled, ..how });
    assert_eq!(rest.spans.len(), 1, "{rest:?}");
    // JSON that follows in frames of the Collector is the parser's.
    let json = fixed(&zstd(span("a").as_bytes()));
    check(&[json.clone(), json].concat(), 2, &[]);
}

proptest! {
    #[test]
    fn no_damage_does_harm_and_the_messages_balance(at in 0_usize..1500, bytes in prop::collection::vec(any::<u8>(), 1..6), cut in 0_usize..1500, chunk_bytes in 1_usize..200) {
        let mut whole: Vec<u8> = messages(12).iter().flat_map(|message| fixed(message)).collect();
        let at = at % (whole.len() - 6);
        whole[at..at + bytes.len()].copy_from_slice(&bytes);
        whole.truncate(whole.len() - cut % 300);
        // Counts are held against each other inside.
        let outcome = read(&whole, How::chunks_of(chunk_bytes));
        prop_assert!(outcome.spans.len() <= 12);
    }
}
