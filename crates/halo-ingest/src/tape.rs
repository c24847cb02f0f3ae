//! OTLP protobuf as the tape that parsing the same data in OTLP/JSON gives, so that both are read by the same code.
//!
//! A tape borrows its texts. Those that protobuf holds in another form (ids, bytes, text that is not UTF-8) are spelled out beforehand: the
//! messages are walked twice, and the second walk meets the same texts in the same order as the first.

use std::fmt::Write as _;

use base64::Engine as _;
use simd_json::{Node, StaticNode};

use crate::proto::{
    AnyValue, EntityRef, Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, TracesData,
    Value,
};

/// Texts that are not in the messages.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    arena: String,
    ends: Vec<usize>,
}

impl Texts {
    /// The texts that the tape of these messages will need.
    pub(crate) fn of(traces: &TracesData) -> Self {
        let mut texts = Self::default();
        walk(traces, &mut texts);
        texts
    }
}

/// The tape of these messages: an object with `resourceSpans`.
pub(crate) fn tape<'i>(traces: &'i TracesData, texts: &'i Texts) -> Vec<Node<'i>> {
    let mut tape = TapeMaker { nodes: Vec::new(), texts, next: 0, start: 0 };
    walk(traces, &mut tape);
    tape.nodes
}

/// What a walk makes of the messages.
trait Out<'i> {
    /// Text, which may lack to be UTF-8.
    fn text(&mut self, bytes: &'i [u8]);
    /// Bytes as hexadecimal.
    fn hex(&mut self, bytes: &'i [u8]);
    /// Bytes as base64.
    fn base64(&mut self, bytes: &'i [u8]);
    /// A text that is known beforehand.
    fn word(&mut self, word: &'static str);
    fn scalar(&mut self, value: StaticNode);
    /// Opens an object or array; the mark closes it.
    fn open(&mut self) -> usize;
    fn close_object(&mut self, mark: usize, entries: usize);
    fn close_array(&mut self, mark: usize, items: usize);
}

impl<'i> Out<'i> for Texts {
    fn text(&mut self, bytes: &'i [u8]) {
        if simdutf8::basic::from_utf8(bytes).is_err() {
            self.arena.push_str(&String::from_utf8_lossy(bytes));
            self.ends.push(self.arena.len());
        }
    }

    fn hex(&mut self, bytes: &'i [u8]) {
        for byte in bytes {
            // Writing to a String can't fail.
            let _ = write!(self.arena, "{byte:02x}");
        }
        self.ends.push(self.arena.len());
    }

    fn base64(&mut self, bytes: &'i [u8]) {
        base64::engine::general_purpose::STANDARD.encode_string(bytes, &mut self.arena);
        self.ends.push(self.arena.len());
    }

    fn word(&mut self, _: &'static str) {}
    fn scalar(&mut self, _: StaticNode) {}
    fn open(&mut self) -> usize {
        0
    }
    fn close_object(&mut self, _: usize, _: usize) {}
    fn close_array(&mut self, _: usize, _: usize) {}
}

struct TapeMaker<'i> {
    nodes: Vec<Node<'i>>,
    texts: &'i Texts,
    /// The next text, and where it starts.
    next: usize,
    start: usize,
}

impl TapeMaker<'_> {
    fn next_text(&mut self) {
        let end = self.texts.ends.get(self.next).copied().unwrap_or(self.start);
        self.nodes.push(Node::String(self.texts.arena.get(self.start..end).unwrap_or_default()));
        self.next += 1;
        self.start = end;
    }
}

impl<'i> Out<'i> for TapeMaker<'i> {
    fn text(&mut self, bytes: &'i [u8]) {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => self.nodes.push(Node::String(text)),
            Err(_) => self.next_text(),
        }
    }

    fn hex(&mut self, _: &'i [u8]) {
        self.next_text();
    }

    fn base64(&mut self, _: &'i [u8]) {
        self.next_text();
    }

    fn word(&mut self, word: &'static str) {
        self.nodes.push(Node::String(word));
    }

    fn scalar(&mut self, value: StaticNode) {
        self.nodes.push(Node::Static(value));
    }

    fn open(&mut self) -> usize {
        self.nodes.push(Node::Static(StaticNode::Null));
        self.nodes.len() - 1
    }

    fn close_object(&mut self, mark: usize, entries: usize) {
        self.nodes[mark] = Node::Object { len: entries, count: self.nodes.len() - mark - 1 };
    }

    fn close_array(&mut self, mark: usize, items: usize) {
        self.nodes[mark] = Node::Array { len: items, count: self.nodes.len() - mark - 1 };
    }
}

/// An object being written. Fields that hold nothing are left out, as exporters do.
struct Object<'o, O> {
    out: &'o mut O,
    mark: usize,
    entries: usize,
}

impl<'o, 'i, O: Out<'i>> Object<'o, O> {
    fn open(out: &'o mut O) -> Self {
        let mark = out.open();
        Self { out, mark, entries: 0 }
    }

    fn key(&mut self, key: &'static str) -> &mut O {
        self.entries += 1;
        self.out.word(key);
        self.out
    }

    fn text(&mut self, key: &'static str, bytes: &'i [u8]) {
        if !bytes.is_empty() {
            self.key(key).text(bytes);
        }
    }

    fn hex(&mut self, key: &'static str, bytes: &'i [u8]) {
        if !bytes.is_empty() {
            self.key(key).hex(bytes);
        }
    }

    fn number(&mut self, key: &'static str, value: u64) {
        if value > 0 {
            // As the parser does: an unsigned node only of what needs one.
            self.key(key).scalar(i64::try_from(value).map_or(StaticNode::U64(value), StaticNode::I64));
        }
    }

    fn list<T>(&mut self, key: &'static str, items: &'i [T], walk: impl Fn(&'i T, &mut O)) {
        if !items.is_empty() {
            list(self.key(key), items, walk);
        }
    }

    fn close(self) {
        self.out.close_object(self.mark, self.entries);
    }
}

fn list<'i, T, O: Out<'i>>(out: &mut O, items: impl IntoIterator<Item = &'i T>, walk: impl Fn(&'i T, &mut O))
where
    T: 'i,
{
    let mark = out.open();
    let mut count = 0;
    for item in items {
        walk(item, out);
        count += 1;
    }
    out.close_array(mark, count);
}

fn walk<'i, O: Out<'i>>(traces: &'i TracesData, out: &mut O) {
    let mut object = Object::open(out);
    list(object.key("resourceSpans"), &traces.resource_spans, resource_spans);
    object.close();
}

fn resource_spans<'i, O: Out<'i>>(resource_spans: &'i ResourceSpans, out: &mut O) {
    let ResourceSpans { resource, scope_spans: scopes, schema_url, library_spans } = resource_spans;
    let mut object = Object::open(out);
    if let Some(resource) = resource {
        self::resource(resource, object.key("resource"));
    }
    if !scopes.is_empty() || !library_spans.is_empty() {
        list(object.key("scopeSpans"), scopes.iter().chain(library_spans), scope_spans);
    }
    object.text("schemaUrl", schema_url);
    object.close();
}

fn resource<'i, O: Out<'i>>(resource: &'i Resource, out: &mut O) {
    let Resource { attributes, dropped_attributes_count, entity_refs } = resource;
    let mut object = Object::open(out);
    object.list("attributes", attributes, key_value);
    object.number("droppedAttributesCount", u64::from(*dropped_attributes_count));
    object.list("entityRefs", entity_refs, entity_ref);
    object.close();
}

fn entity_ref<'i, O: Out<'i>>(entity: &'i EntityRef, out: &mut O) {
    let EntityRef { schema_url, kind, id_keys, description_keys } = entity;
    let mut object = Object::open(out);
    object.text("schemaUrl", schema_url);
    object.text("type", kind);
    object.list("idKeys", id_keys, |key, out| out.text(key));
    object.list("descriptionKeys", description_keys, |key, out| out.text(key));
    object.close();
}

fn scope_spans<'i, O: Out<'i>>(scope_spans: &'i ScopeSpans, out: &mut O) {
    let ScopeSpans { scope, spans, schema_url } = scope_spans;
    let mut object = Object::open(out);
    if let Some(scope) = scope {
        self::scope(scope, object.key("scope"));
    }
    object.list("spans", spans, span);
    object.text("schemaUrl", schema_url);
    object.close();
}

fn scope<'i, O: Out<'i>>(scope: &'i Scope, out: &mut O) {
    let Scope { name, version, attributes, dropped_attributes_count } = scope;
    let mut object = Object::open(out);
    object.text("name", name);
    object.text("version", version);
    object.list("attributes", attributes, key_value);
    object.number("droppedAttributesCount", u64::from(*dropped_attributes_count));
    object.close();
}

fn span<'i, O: Out<'i>>(span: &'i Span, out: &mut O) {
    let mut object = Object::open(out);
    object.hex("traceId", &span.trace_id);
    object.hex("spanId", &span.span_id);
    object.text("traceState", &span.trace_state);
    object.hex("parentSpanId", &span.parent_span_id);
    object.number("flags", u64::from(span.flags));
    object.text("name", &span.name);
    signed(&mut object, "kind", span.kind);
    object.number("startTimeUnixNano", span.start_time_unix_nano);
    object.number("endTimeUnixNano", span.end_time_unix_nano);
    object.list("attributes", &span.attributes, key_value);
    object.number("droppedAttributesCount", u64::from(span.dropped_attributes_count));
    object.list("events", &span.events, event);
    object.number("droppedEventsCount", u64::from(span.dropped_events_count));
    object.list("links", &span.links, link);
    object.number("droppedLinksCount", u64::from(span.dropped_links_count));
    if let Some(Status { message, code }) = &span.status {
        let mut status = Object::open(object.key("status"));
        status.text("message", message);
        signed(&mut status, "code", *code);
        status.close();
    }
    object.close();
}

/// The number of an enum.
fn signed<'i, O: Out<'i>>(object: &mut Object<'_, O>, key: &'static str, value: i32) {
    if value != 0 {
        object.key(key).scalar(StaticNode::I64(i64::from(value)));
    }
}

fn event<'i, O: Out<'i>>(event: &'i Event, out: &mut O) {
    let Event { time_unix_nano, name, attributes, dropped_attributes_count } = event;
    let mut object = Object::open(out);
    object.number("timeUnixNano", *time_unix_nano);
    object.text("name", name);
    object.list("attributes", attributes, key_value);
    object.number("droppedAttributesCount", u64::from(*dropped_attributes_count));
    object.close();
}

fn link<'i, O: Out<'i>>(link: &'i Link, out: &mut O) {
    let Link { trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags } = link;
    let mut object = Object::open(out);
    object.hex("traceId", trace_id);
    object.hex("spanId", span_id);
    object.text("traceState", trace_state);
    object.list("attributes", attributes, key_value);
    object.number("droppedAttributesCount", u64::from(*dropped_attributes_count));
    object.number("flags", u64::from(*flags));
    object.close();
}

fn key_value<'i, O: Out<'i>>(key_value: &'i KeyValue, out: &mut O) {
    let KeyValue { key, value } = key_value;
    let mut object = Object::open(out);
    object.key("key").text(key);
    if let Some(value) = value {
        any_value(value, object.key("value"));
    }
    object.close();
}

/// Recursion is bounded: the decoder refuses deep nesting.
fn any_value<'i, O: Out<'i>>(value: &'i AnyValue, out: &mut O) {
    let mut object = Object::open(out);
    match &value.value {
        None => {}
        Some(Value::String(text)) => object.key("stringValue").text(text),
        Some(Value::Bool(value)) => object.key("boolValue").scalar(StaticNode::Bool(*value)),
        Some(Value::Int(value)) => object.key("intValue").scalar(StaticNode::I64(*value)),
        Some(Value::Double(value)) => double(*value, object.key("doubleValue")),
        Some(Value::Bytes(bytes)) => object.key("bytesValue").base64(bytes),
        Some(Value::Array(array)) => {
            let mut inner = Object::open(object.key("arrayValue"));
            inner.list("values", &array.values, any_value);
            inner.close();
        }
        Some(Value::KeyValues(entries)) => {
            let mut inner = Object::open(object.key("kvlistValue"));
            inner.list("values", &entries.values, key_value);
            inner.close();
        }
    }
    object.close();
}

/// A number; JSON has words for those that it cannot spell.
fn double<'i, O: Out<'i>>(value: f64, out: &mut O) {
    if value.is_nan() {
        out.word("NaN");
    } else if value.is_infinite() {
        out.word(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        out.scalar(StaticNode::from(value));
    }
}

#[cfg(test)]
pub(crate) mod tests;
