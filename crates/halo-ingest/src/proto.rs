//! The messages of OTLP protobuf that traces are made of, by the field numbers of `opentelemetry/proto/trace/v1/trace.proto`.
//!
//! Texts are bytes here: some exporters write text that is not UTF-8, and one such name must not cost the whole batch. Bytes are slices of the
//! message, not copies.

use prost::Message;
use prost::bytes::Bytes;

/// `TracesData`, and `ExportTraceServiceRequest`, which is the same.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TracesData {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_spans: Vec<ResourceSpans>,
}

/// The spans of a resource.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scope_spans: Vec<ScopeSpans>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) schema_url: Bytes,
    /// The name of scopes before version 0.15 of the protocol; the fields are the same.
    #[prost(message, repeated, tag = "1000")]
    pub(crate) library_spans: Vec<ScopeSpans>,
}

/// Who speaks.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "2")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) entity_refs: Vec<EntityRef>,
}

/// Which attributes of a resource make an entity.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntityRef {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) schema_url: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) kind: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub(crate) id_keys: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(crate) description_keys: Vec<Bytes>,
}

/// The spans of one instrumentation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) spans: Vec<Span>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) schema_url: Bytes,
}

/// An instrumentation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Scope {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) version: Bytes,
    #[prost(message, repeated, tag = "3")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    pub(crate) dropped_attributes_count: u32,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) span_id: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) trace_state: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) parent_span_id: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) name: Bytes,
    #[prost(int32, tag = "6")]
    pub(crate) kind: i32,
    #[prost(fixed64, tag = "7")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    pub(crate) end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "11")]
    pub(crate) events: Vec<Event>,
    #[prost(uint32, tag = "12")]
    pub(crate) dropped_events_count: u32,
    #[prost(message, repeated, tag = "13")]
    pub(crate) links: Vec<Link>,
    #[prost(uint32, tag = "14")]
    pub(crate) dropped_links_count: u32,
    #[prost(message, optional, tag = "15")]
    pub(crate) status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    pub(crate) flags: u32,
}

/// Something that happened in a span.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(fixed64, tag = "1")]
    pub(crate) time_unix_nano: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) name: Bytes,
    #[prost(message, repeated, tag = "3")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    pub(crate) dropped_attributes_count: u32,
}

/// Another span.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Link {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) span_id: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) trace_state: Bytes,
    #[prost(message, repeated, tag = "4")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "5")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(fixed32, tag = "6")]
    pub(crate) flags: u32,
}

/// How a span ended.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) message: Bytes,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
}

/// An attribute.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<AnyValue>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(crate) value: Option<Value>,
}

/// What a value is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Value {
    #[prost(bytes = "bytes", tag = "1")]
    String(Bytes),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    KeyValues(KeyValueList),
    #[prost(bytes = "bytes", tag = "7")]
    Bytes(Bytes),
}

/// A list of values.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<AnyValue>,
}

/// An object.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<KeyValue>,
}

/// Of requests of logs, what tells them from traces: a record begins with a time where a span has its id.
mod logs {
    use prost::Message;
    use prost::bytes::Bytes;

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resources: Vec<Resource>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "2")]
        pub(super) scopes: Vec<Scope>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Scope {
        #[prost(message, repeated, tag = "2")]
        pub(super) records: Vec<Record>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Record {
        #[prost(fixed64, tag = "1")]
        pub(super) time: u64,
        #[prost(int32, tag = "2")]
        pub(super) severity: i32,
        #[prost(bytes = "bytes", tag = "5")]
        pub(super) body: Bytes,
        #[prost(bytes = "bytes", tag = "9")]
        pub(super) trace_id: Bytes,
        #[prost(fixed64, tag = "11")]
        pub(super) observed: u64,
    }
}

/// Of requests of metrics, what tells them from traces: a name, a description, a unit and one of the kinds of data.
mod metrics {
    use prost::Message;
    use prost::bytes::Bytes;

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resources: Vec<Resource>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "2")]
        pub(super) scopes: Vec<Scope>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Scope {
        #[prost(message, repeated, tag = "2")]
        pub(super) metrics: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Metric {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) description: String,
        #[prost(string, tag = "3")]
        pub(super) unit: String,
        #[prost(bytes = "bytes", tag = "5")]
        pub(super) gauge: Bytes,
        #[prost(bytes = "bytes", tag = "7")]
        pub(super) sum: Bytes,
        #[prost(bytes = "bytes", tag = "9")]
        pub(super) histogram: Bytes,
        #[prost(bytes = "bytes", tag = "10")]
        pub(super) exponential_histogram: Bytes,
        #[prost(bytes = "bytes", tag = "11")]
        pub(super) summary: Bytes,
    }
}

/// What a message is. The requests of the signals have the same shape on the outside, and nothing says which is which.
pub(crate) enum Request {
    /// Spans, at least one.
    Traces(TracesData),
    /// Another signal, or a request without spans.
    Other,
}

impl Request {
    /// Reads a message.
    ///
    /// # Errors
    /// It is damaged, in the words of the decoder.
    pub(crate) fn decode(message: Bytes) -> Result<Self, prost::DecodeError> {
        match TracesData::decode(message.clone()) {
            Ok(traces) if traces.has_no_ids() && is_other_signal(&message) => Ok(Self::Other),
            Ok(traces) if traces.spans().next().is_none() => Ok(Self::Other),
            Ok(traces) => Ok(Self::Traces(traces)),
            Err(_) if is_other_signal(&message) => Ok(Self::Other),
            Err(error) => Err(error),
        }
    }
}

impl TracesData {
    /// All spans.
    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.resource_spans
            .iter()
            .flat_map(|resource| resource.scope_spans.iter().chain(&resource.library_spans))
            .flat_map(|scope| &scope.spans)
    }

    /// Whether no span has ids of the right length: what another signal looks like when it is read as spans.
    fn has_no_ids(&self) -> bool {
        self.spans().all(|span| span.trace_id.len() != 16 || span.span_id.len() != 8)
    }
}

fn is_other_signal(message: &Bytes) -> bool {
    let has_record = logs::Request::decode(message.clone()).is_ok_and(|logs| {
        let mut records = logs.resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.records);
        records.any(|record| record.time > 0 || record.observed > 0 || record.severity > 0)
    });
    has_record
        || metrics::Request::decode(message.clone()).is_ok_and(|metrics| {
            let all =
                || metrics.resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.metrics);
            all().next().is_some() && all().all(|metric| !metric.name.is_empty() && metric.has_data())
        })
}

impl metrics::Metric {
    fn has_data(&self) -> bool {
        [&self.gauge, &self.sum, &self.histogram, &self.exponential_histogram, &self.summary]
            .iter()
            .any(|data| !data.is_empty())
    }
}
