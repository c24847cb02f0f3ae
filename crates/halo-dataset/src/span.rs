//! The `spans` table: one row a span, its columns and what they mean.

use crate::column::table;

table! {
    /// One span, as its input gave it, mapped to columns. Texts are borrowed: the builder copies them once.
    row SpanRow;
    /// Collects [`SpanRow`]s into Arrow batches.
    builder SpanBatchBuilder;
    /// Columns of the `spans` table, in the order `SELECT *` shows them.
    columns SPAN_COLUMNS;

    trace_id: Text = "Trace of the span; hex ids in lower case.";
    span_id: Text = "Id of the span, unique in its trace unless the exporter broke that (see id_conflict).";
    parent_span_id: Text = "Span that this one ran in; null for a root.";
    step: Int = "Order in the trace, from 1: by start time, then the longer span first.";
    name: Text = "Name of the span, as instrumented.";
    kind: Text = "OpenTelemetry span kind: INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER; null when unspecified.";
    span_type: Text = "What the step is: AGENT, LLM, TOOL, CHAIN, RETRIEVER, EMBEDDING, RERANKER, GUARDRAIL, EVALUATOR, or SPAN when nothing tells.";
    start_time: Time = "When the span began.";
    end_time: Time = "When the span ended; null when it never did.";
    duration_ms: Float = "end_time - start_time in milliseconds.";
    status: Text = "OpenTelemetry status: OK, ERROR or UNSET. Most failures of tools stand on spans with UNSET: read the output too.";
    status_message: Text = "Message of the status; null when empty.";
    error_type: Text = "Class of the error: error.type, exception.type of the span or of its exception event.";
    error_signature: Text = "Message of an ERROR span with ids, numbers, paths and quoted values replaced, and words where many stand, so that one cause is one text.";
    service_name: Text = "service.name of the resource.";
    service_version: Text = "service.version of the resource.";
    scope_name: SharedText = "Name of the instrumentation scope.";
    scope_version: Text = "Version of the instrumentation scope.";
    project_id: Text = "inference.project_id.";
    environment: Text = "deployment.environment.name or deployment.environment.";
    agent_name: SharedText = "Agent that the span belongs to.";
    agent_id: Text = "Id of that agent.";
    session_id: Text = "Session or conversation.";
    user_id: Text = "User of the session.";
    model: SharedText = "Model that answered; the requested one when the answer does not say.";
    provider: Text = "Who served the model.";
    input_tokens: Int = "Tokens of the prompt, cached ones included.";
    output_tokens: Int = "Tokens of the reply, reasoning included.";
    cached_input_tokens: Int = "Part of input_tokens read from a cache.";
    cache_write_tokens: Int = "Part of input_tokens written to a cache.";
    reasoning_tokens: Int = "Part of output_tokens spent on reasoning.";
    cost_usd: Float = "Cost in US dollars as the exporter gave it; halo prices nothing.";
    finish_reason: Text = "Why the model stopped: stop, length, tool_calls, content_filter, ... as the provider says it.";
    tool_name: Text = "Tool that the span executes.";
    tool_call_id: Text = "Id of the call it answers.";
    requested_tool_calls: Derived = "Tool calls an LLM span asks for: JSON array of {id, name, arguments}; null when none.";
    offered_tools: SharedText = "Names of the tools an LLM span was offered: JSON array of text; null when the span does not say.";
    message_count: Int = "Messages in the input of an LLM span; null when the span does not say.";
    failure_code: Text = "What the result of a TOOL span says went wrong (ok=false, error, http_404, exception, ...), empty when there is nothing in it; null when nothing went wrong by it.";
    input: TextRef = "What went in. Of a span with messages: the text of the last one that is not a system prompt.";
    output: TextRef = "What came out. Of a span with messages: the text of the reply, or its tool calls as JSON when it has no text.";
    attributes: Skeleton = "All attributes of the span as a JSON object; attributes->>'key' finds any of them.";
    resource_attributes: SharedText = "Attributes of the resource as a JSON object, keys sorted.";
    events: Skeleton = "Span events: JSON array of {name, time, attributes}; null when none.";
    links: Skeleton = "Span links: JSON array; null when none.";
    trace_state: Text = "W3C trace state; null when empty.";
    extra: Skeleton = "Top-level keys of the input that no column holds, as a JSON object; null when none.";
    raw_bytes: Int = "Bytes of the span in its input file.";
    dialect: Text = "Convention the attributes follow most: openinference, otel_genai, inference, or other.";
    id_conflict: Bool = "Another, different span of the dataset has the same trace and span id, and came earlier.";
    source: SharedText = "File the span came from.";
    source_line: Int = "Line in that file, from 1.";
    input_messages: IdList [internal] = "Messages that went in, as rows of messages.parquet.";
    output_messages: IdList [internal] = "Messages that came out, as rows of messages.parquet.";
    texts: IdList [internal] = "Texts that the holes of attributes, events, links and extra stand for, as rows of texts.parquet.";
    extra_messages: IdList [internal] = "Messages that other attributes repeat, as rows of messages.parquet.";
    form: SharedText [internal] = "How the span was written where that differs from the usual, so that an export gives it back; null when it does not.";
    content_hash: Int [internal] = "Hash of all that the span says: equal for exact duplicates.";
    row_id: Int [internal] = "Segment number * 2^32 + row in the segment.";
    tags: SharedText [internal] = "Short attributes, for the roll-up; not stored.";
}

/// The schema of a batch of spans.
pub(crate) fn empty_schema() -> arrow::datatypes::SchemaRef {
    let fields: Vec<_> = SPAN_COLUMNS.iter().filter_map(crate::Column::stored_field).collect();
    std::sync::Arc::new(arrow::datatypes::Schema::new(fields))
}
