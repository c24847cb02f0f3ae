//! Spans to be damaged, and the tools of damage.

use std::io::Write as _;

/// A flat span on one line, without a line end. Everything that can be cut in an interesting place is in it.
pub(crate) fn good(id: u64) -> String {
    format!(
        concat!(
            r#"{{"trace_id":"{:032x}","span_id":"{:016x}","parent_span_id":"","trace_state":"","name":"chät","#,
            r#""kind":"SPAN_KIND_CLIENT","start_time":"2026-05-01T08:00:00.000000000Z","#,
            r#""end_time":"2026-05-01T08:00:01.000000000Z","status":{{"code":"STATUS_CODE_OK","message":""}},"#,
            r#""resource":{{"attributes":{{"service.name":"desk"}}}},"scope":{{"name":"t","version":"1"}},"#,
            r#""attributes":{{"say":"a \"quote\", a tab\tand a \\","n":12345,"yes":true,"list":[1,{{"deep":null}}]}}}}"#
        ),
        id / 10 + 1,
        id
    )
}

/// Lines, each with its line feed.
pub(crate) fn lines(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("{part}\n")).collect()
}

/// The good lines 1 and 3 with something between, which is line 2.
pub(crate) fn between(damaged: impl AsRef<[u8]>) -> Vec<u8> {
    [good(1).as_bytes(), b"\n", damaged.as_ref(), b"\n", good(3).as_bytes(), b"\n"].concat()
}

/// The part of a text before a mark within it, and `more` bytes of the mark.
pub(crate) fn cut_at<'t>(text: &'t str, mark: &str, more: usize) -> &'t [u8] {
    let at = text.find(mark).unwrap_or_else(|| panic!("no {mark} in {text}"));
    &text.as_bytes()[..at + more]
}

/// A good span with one text in it replaced.
pub(crate) fn with(id: u64, from: &str, to: &str) -> String {
    let line = good(id);
    assert!(line.contains(from), "no {from} in {line}");
    line.replacen(from, to, 1)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// A span of OTLP/JSON.
pub(crate) fn otlp_span(id: u64) -> String {
    format!(r#"{{"traceId":"{:032x}","spanId":"{id:016x}","name":"n","startTimeUnixNano":"1777622400000000000"}}"#, 7)
}

/// A document of OTLP/JSON with these spans.
pub(crate) fn otlp(spans: &[&str]) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}

/// The same of spans that are good.
pub(crate) fn otlp_of(ids: &[u64]) -> String {
    let spans: Vec<String> = ids.iter().map(|id| otlp_span(*id)).collect();
    otlp(&spans.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A length-delimited field of protobuf.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(bytes.len() as u64), bytes].concat()
}

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

/// A span of protobuf.
pub(crate) fn proto_span(id: u64) -> Vec<u8> {
    let start = [&[7 << 3 | 1][..], &1_777_622_400_000_000_000_u64.to_le_bytes()].concat();
    let attribute = [field(1, b"say"), field(2, &field(1, "häufig".repeat(30).as_bytes()))].concat();
    [field(1, &[7; 16]), field(2, &id.to_be_bytes()), field(5, b"name"), start, field(9, &attribute)].concat()
}

/// A request of protobuf with these spans.
pub(crate) fn proto(ids: &[u64]) -> Vec<u8> {
    let spans: Vec<u8> = ids.iter().flat_map(|id| field(2, &proto_span(*id))).collect();
    field(1, &field(2, &spans))
}

/// A message behind four bytes of its length.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}
