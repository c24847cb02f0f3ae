//! Small datasets for tests: spans with sensible defaults, written through the product's own writer.

use std::path::Path;
use std::sync::Arc;

use halo_dataset::holes::{may_have_holes, write_text_hole};
use halo_dataset::{
    Commit, Content, Dataset, DatasetWriter, Effort, MessageDraft, SpanBatchBuilder, SpanChunk, SpanRow,
    error_signature, failure_code, push_tag, write_string,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// 2026-01-05T10:00:00Z in nanoseconds since 1970: when the first span of a test dataset begins, unless it says otherwise.
const FIRST_START_NS: i64 = 1_767_607_200_000_000_000;

/// Spans that name no start begin this far apart, in the order they are given.
const GAP_MS: i64 = 1000;

/// One span of a test dataset. What is not set has a default that suits its type: status `UNSET`, half a second long, one second
/// after the span before it, service `shop`.
///
/// ```
/// use halo_testkit::{TestSpan, tiny_dataset};
/// let spans = [
///     TestSpan::agent("t1", "s1").output("done"),
///     TestSpan::tool("t1", "s2").parent("s1").tool_name("search_orders").error("timed out"),
/// ];
/// let (_folder, dataset) = tiny_dataset(&spans);
/// assert_eq!(dataset.manifest().spans, 2);
/// ```
#[derive(Debug, Clone)]
pub struct TestSpan {
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    span_type: String,
    name: Option<String>,
    start_ns: Option<i64>,
    duration_ms: Option<i64>,
    status: &'static str,
    status_message: Option<String>,
    service_name: Option<String>,
    agent_name: Option<String>,
    model: Option<String>,
    tool_name: Option<String>,
    finish_reason: Option<String>,
    session_id: Option<String>,
    project_id: Option<String>,
    requested_tool_calls: Vec<[String; 3]>,
    tool_call_id: Option<String>,
    input_messages: Vec<Value>,
    output_messages: Vec<Value>,
    offered_tools: Option<String>,
    events: Option<String>,
    input: Option<String>,
    output: Option<String>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    message_count: Option<i64>,
    attributes: Map<String, Value>,
    resource_attributes: Map<String, Value>,
}

impl TestSpan {
    /// A span of any type: `AGENT`, `LLM`, `TOOL`, `CHAIN`, `RETRIEVER`, …
    #[must_use]
    pub fn new(span_type: &str, trace_id: &str, span_id: &str) -> Self {
        Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            parent_span_id: None,
            span_type: span_type.to_owned(),
            name: None,
            start_ns: None,
            duration_ms: Some(500),
            status: "UNSET",
            status_message: None,
            service_name: Some("shop".to_owned()),
            agent_name: None,
            model: None,
            tool_name: None,
            finish_reason: None,
            session_id: None,
            project_id: None,
            requested_tool_calls: Vec::new(),
            tool_call_id: None,
            input_messages: Vec::new(),
            output_messages: Vec::new(),
            offered_tools: None,
            events: None,
            input: None,
            output: None,
            input_tokens: None,
            output_tokens: None,
            message_count: None,
            attributes: Map::new(),
            resource_attributes: Map::new(),
        }
    }

    /// An `AGENT` span of the agent `support`.
    #[must_use]
    pub fn agent(trace_id: &str, span_id: &str) -> Self {
        Self::new("AGENT", trace_id, span_id).agent_name("support")
    }

    /// An `LLM` span of the model `gpt-4o`.
    #[must_use]
    pub fn llm(trace_id: &str, span_id: &str) -> Self {
        Self::new("LLM", trace_id, span_id).model("gpt-4o")
    }

    /// A `TOOL` span of the tool `lookup`.
    #[must_use]
    pub fn tool(trace_id: &str, span_id: &str) -> Self {
        Self::new("TOOL", trace_id, span_id).tool_name("lookup")
    }

    /// Sets the parent.
    #[must_use]
    pub fn parent(mut self, span_id: &str) -> Self {
        self.parent_span_id = Some(span_id.to_owned());
        self
    }

    /// Sets the name; else it is the tool's, the agent's, or the type in lower case.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the start, in milliseconds after 2026-01-05T10:00:00Z. Spans get their step by it.
    #[must_use]
    pub fn start_ms(mut self, start_ms: i64) -> Self {
        self.start_ns = Some(FIRST_START_NS + start_ms * 1_000_000);
        self
    }

    /// Sets the duration.
    #[must_use]
    pub fn duration_ms(mut self, duration_ms: i64) -> Self {
        self.duration_ms = Some(duration_ms);
        self
    }

    /// Leaves the span without an end.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.duration_ms = None;
        self
    }

    /// Sets status `OK`.
    #[must_use]
    pub fn ok(mut self) -> Self {
        self.status = "OK";
        self
    }

    /// Sets status `ERROR` with a message.
    #[must_use]
    pub fn error(mut self, message: &str) -> Self {
        self.status = "ERROR";
        self.status_message = Some(message.to_owned());
        self
    }

    /// Sets the service.
    #[must_use]
    pub fn service(mut self, name: &str) -> Self {
        self.service_name = Some(name.to_owned());
        self
    }

    /// Sets the agent.
    #[must_use]
    pub fn agent_name(mut self, name: &str) -> Self {
        self.agent_name = Some(name.to_owned());
        self
    }

    /// Sets the model.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// Sets the tool.
    #[must_use]
    pub fn tool_name(mut self, name: &str) -> Self {
        self.tool_name = Some(name.to_owned());
        self
    }

    /// Sets why the model stopped.
    #[must_use]
    pub fn finish_reason(mut self, reason: &str) -> Self {
        self.finish_reason = Some(reason.to_owned());
        self
    }

    /// Sets the session.
    #[must_use]
    pub fn session(mut self, session_id: &str) -> Self {
        self.session_id = Some(session_id.to_owned());
        self
    }

    /// Sets the project.
    #[must_use]
    pub fn project(mut self, project_id: &str) -> Self {
        self.project_id = Some(project_id.to_owned());
        self
    }

    /// Sets what went in; of a tool, its arguments.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Sets what came out; of a tool, its result.
    #[must_use]
    pub fn output(mut self, text: &str) -> Self {
        self.output = Some(text.to_owned());
        self
    }

    /// Sets input and output tokens.
    #[must_use]
    pub fn tokens(mut self, input: i64, output: i64) -> Self {
        self.input_tokens = Some(input);
        self.output_tokens = Some(output);
        self
    }

    /// Sets how many messages the input of an LLM span has.
    #[must_use]
    pub fn messages(mut self, count: i64) -> Self {
        self.message_count = Some(count);
        self
    }

    /// Adds a tool call that an LLM span asks for.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "tests write `json!({...})` at the call")]
    pub fn asks_for(mut self, id: &str, name: &str, arguments: Value) -> Self {
        self.requested_tool_calls.push([id.to_owned(), name.to_owned(), arguments.to_string()]);
        self
    }

    /// Sets the id of the call that a TOOL span answers.
    #[must_use]
    pub fn answers(mut self, id: &str) -> Self {
        self.tool_call_id = Some(id.to_owned());
        self
    }

    /// Adds a message that went in, as OpenAI writes it: `role`, `content`, `tool_calls`, `tool_call_id`.
    #[must_use]
    pub fn message_in(mut self, message: Value) -> Self {
        self.input_messages.push(message);
        self
    }

    /// Adds a message that came out. It stands before those of [`asks_for`](Self::asks_for).
    #[must_use]
    pub fn message_out(mut self, message: Value) -> Self {
        self.output_messages.push(message);
        self
    }

    /// Sets the tools an LLM span was offered.
    #[must_use]
    pub fn offered(mut self, names: &[&str]) -> Self {
        self.offered_tools = Some(serde_json::json!(names).to_string());
        self
    }

    /// Sets the span events, a JSON array of `{name, time, attributes}`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "tests write `json!([...])` at the call")]
    pub fn events(mut self, events: Value) -> Self {
        self.events = Some(events.to_string());
        self
    }

    /// Adds a span attribute.
    #[must_use]
    pub fn attribute(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a resource attribute.
    #[must_use]
    pub fn resource(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.resource_attributes.insert(key.to_owned(), value.into());
        self
    }

    /// Adds the span to a batch; `index` is its place among the spans of the test.
    fn push(&self, builder: &mut SpanBatchBuilder, content: &mut Content, index: i64) {
        let start = self.start_ns.unwrap_or(FIRST_START_NS + index * GAP_MS * 1_000_000);
        let type_name = self.span_type.to_ascii_lowercase();
        let name = self
            .name
            .as_deref()
            .or(self.tool_name.as_deref())
            .or(self.agent_name.as_deref().filter(|_| self.span_type == "AGENT"));
        let mut tags = String::new();
        for (key, value) in self.resource_attributes.iter().chain(&self.attributes) {
            match value {
                Value::String(text) => push_tag(&mut tags, key, text),
                Value::Bool(_) | Value::Number(_) => push_tag(&mut tags, key, &value.to_string()),
                _ => {}
            }
        }
        let signature = self.status_message.as_deref().filter(|_| self.status == "ERROR").map(error_signature);
        let (attributes, texts) = self.stored_attributes(content);
        let calls = self.call_message(content);
        let written = |messages: &[Value], content: &mut Content| -> Vec<i64> {
            messages.iter().map(|message| i64::from(add_message(content, message))).collect()
        };
        let input_messages = written(&self.input_messages, content);
        let mut output_messages = written(&self.output_messages, content);
        output_messages.extend(calls);
        let mut intern = |text: &Option<String>| text.as_deref().map(|text| i64::from(content.texts.intern(text)));
        let (input, output) = (intern(&self.input), intern(&self.output));
        let failure = self.output.as_deref().filter(|_| self.span_type == "TOOL").and_then(failure_code);
        let resource_attributes = Value::Object(self.resource_attributes.clone()).to_string();
        builder.push(&SpanRow {
            trace_id: Some(&self.trace_id),
            span_id: Some(&self.span_id),
            parent_span_id: self.parent_span_id.as_deref(),
            name: name.or(Some(&type_name)),
            span_type: Some(&self.span_type),
            start_time: Some(start),
            end_time: self.duration_ms.map(|duration| start + duration * 1_000_000),
            #[expect(clippy::cast_precision_loss, reason = "test durations are small")]
            duration_ms: self.duration_ms.map(|duration| duration as f64),
            status: Some(self.status),
            status_message: self.status_message.as_deref(),
            error_signature: signature.as_deref(),
            service_name: self.service_name.as_deref(),
            agent_name: self.agent_name.as_deref(),
            model: self.model.as_deref(),
            tool_name: self.tool_name.as_deref(),
            finish_reason: self.finish_reason.as_deref(),
            session_id: self.session_id.as_deref(),
            project_id: self.project_id.as_deref(),
            tool_call_id: self.tool_call_id.as_deref(),
            offered_tools: self.offered_tools.as_deref(),
            events: self.events.as_deref(),
            failure_code: failure.as_deref(),
            input,
            output,
            input_messages: &input_messages,
            output_messages: &output_messages,
            texts: &texts,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            message_count: self.message_count,
            attributes: Some(&attributes),
            resource_attributes: Some(&resource_attributes),
            raw_bytes: Some(i64::try_from(attributes.len()).unwrap_or(0)),
            dialect: Some("other"),
            id_conflict: Some(false),
            source: Some("test.jsonl"),
            source_line: Some(index + 1),
            content_hash: Some(index),
            tags: Some(&tags),
            ..SpanRow::default()
        });
    }
}

/// From this length on, an attribute is stored apart and a hole stands for it, as the ingest has it.
const HOLE_BYTES_MIN: usize = 64;

impl TestSpan {
    /// The attributes as JSON with holes for long texts, and the numbers of these texts.
    fn stored_attributes(&self, content: &mut Content) -> (String, Vec<i64>) {
        let (mut json, mut texts) = (String::from("{"), Vec::new());
        for (key, value) in &self.attributes {
            if json.len() > 1 {
                json.push(',');
            }
            write_string(&mut json, key);
            json.push(':');
            match value {
                Value::String(text) if text.len() >= HOLE_BYTES_MIN || !may_have_holes(text) => {
                    write_text_hole(&mut json, texts.len());
                    texts.push(i64::from(content.texts.intern(text)));
                }
                _ => json.push_str(&value.to_string()),
            }
        }
        json.push('}');
        (json, texts)
    }

    /// The message that asks for the tool calls; `None` when there are none.
    fn call_message(&self, content: &mut Content) -> Option<i64> {
        if self.requested_tool_calls.is_empty() {
            return None;
        }
        let call = |[id, name, arguments]: &[String; 3]| serde_json::json!({"id": id, "function": {"name": name, "arguments": arguments}});
        let calls: Vec<Value> = self.requested_tool_calls.iter().map(call).collect();
        Some(i64::from(add_message(content, &serde_json::json!({"role": "assistant", "tool_calls": calls}))))
    }
}

/// Adds a message as the ingest does: its texts and ids are holes.
fn add_message(content: &mut Content, message: &Value) -> u32 {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (mut texts, mut ids) = (Vec::new(), Vec::new());
    let mut shape = message.clone();
    let said = message["content"].as_str().filter(|said| !said.is_empty());
    let said = said.map(|said| content.texts.intern(said));
    if let Some(number) = said {
        shape["content"] = serde_json::json!({"halo$text": texts.len()});
        texts.push(number);
    }
    if message["tool_call_id"].is_string() {
        shape["tool_call_id"] = serde_json::json!({"halo$id": ids.len()});
        ids.push(text(&message["tool_call_id"]));
    }
    let mut calls = Vec::new();
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let (id, arguments) =
            (serde_json::json!({"halo$id": ids.len()}), serde_json::json!({"halo$text": texts.len()}));
        ids.push(text(&call["id"]));
        texts.push(content.texts.intern(&text(&call["function"]["arguments"])));
        shape["tool_calls"][index]["id"] = id.clone();
        shape["tool_calls"][index]["function"]["arguments"] = arguments.clone();
        calls.push(format!(r#"{{"id":{id},"name":{},"arguments":{arguments}}}"#, call["function"]["name"]));
    }
    let (calls, ids, shape) = (format!("[{}]", calls.join(",")), ids.join("\u{1f}"), shape.to_string());
    content.add_message(&MessageDraft {
        role: message["role"].as_str(),
        content: said,
        tool_calls: Some(calls.as_str()).filter(|calls| *calls != "[]"),
        ids: Some(ids.as_str()).filter(|ids| !ids.is_empty()),
        shape: Some(&shape),
        texts: &texts,
        ..MessageDraft::default()
    })
}

/// A dataset of these spans in one segment. The folder goes when the first value is dropped.
#[must_use]
pub fn tiny_dataset(spans: &[TestSpan]) -> (TempDir, Dataset) {
    dataset_of_segments(&[spans])
}

/// A dataset with one segment for each list of spans; a trace that has spans in two of them straddles. No list at all gives an empty
/// dataset.
#[must_use]
#[expect(clippy::expect_used, reason = "a test dataset that can't be written is a failed test")]
pub fn dataset_of_segments(segments: &[&[TestSpan]]) -> (TempDir, Dataset) {
    let folder = TempDir::new().expect("a temporary folder");
    write(folder.path(), segments).expect("the test dataset can be written");
    let dataset = Dataset::open(folder.path()).expect("the test dataset can be opened");
    (folder, dataset)
}

fn write(root: &Path, segments: &[&[TestSpan]]) -> halo_dataset::Result<()> {
    let mut writer = DatasetWriter::open_or_create(root)?;
    let mut index = 0;
    for spans in segments.iter().filter(|spans| !spans.is_empty()) {
        let (mut builder, mut content) = (SpanBatchBuilder::default(), Content::default());
        for span in *spans {
            span.push(&mut builder, &mut content, index);
            index += 1;
        }
        let chunk = SpanChunk { batch: builder.finish()?, bytes: content.bytes(), content };
        let outcome = writer.segment().write_all(&[Arc::new(chunk)], Effort::INGEST)?;
        writer.add(outcome)?;
    }
    writer.commit(Commit::default())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TestSpan, dataset_of_segments, tiny_dataset};

    #[test]
    fn segments_traces_and_straddlers_are_counted() {
        let spans = [TestSpan::agent("t1", "a"), TestSpan::tool("t1", "b").parent("a"), TestSpan::llm("t2", "c")];
        let (_folder, dataset) = tiny_dataset(&spans);
        assert_eq!((dataset.manifest().spans, dataset.manifest().traces), (3, 2));
        assert_eq!(dataset.straddle_trace_file(), None);

        let (_folder, dataset) = dataset_of_segments(&[&spans[..1], &spans[1..]]);
        assert_eq!((dataset.manifest().spans, dataset.manifest().traces), (3, 2));
        assert!(dataset.straddle_trace_file().is_some());

        let (_folder, dataset) = dataset_of_segments(&[]);
        assert_eq!(dataset.manifest().spans, 0);
    }
}
