//! The `traces` table: one row a trace, rolled up from its spans.

use crate::column::table;

table! {
    /// One trace.
    row TraceRow;
    /// Collects trace rows.
    builder TraceBatchBuilder;
    /// Columns of the `traces` table, in the order `SELECT *` shows them.
    columns TRACE_COLUMNS;

    trace_id: Text = "The trace.";
    start_time: Time = "Earliest start of its spans.";
    end_time: Time = "Latest end of its spans.";
    duration_ms: Float = "end_time - start_time in milliseconds.";
    root_name: Text = "Name of the root span; of the earliest span when there is no root.";
    root_status: Text = "Status of that span.";
    span_count: Int = "Spans.";
    llm_calls: Int = "Spans with type LLM.";
    tool_calls: Int = "Spans with type TOOL.";
    error_spans: Int = "Spans with status ERROR.";
    tool_error_spans: Int = "TOOL spans with status ERROR.";
    failed_tool_calls: Int = "TOOL spans that failed by their status or because their result says so.";
    has_errors: Bool = "Whether any span has status ERROR.";
    max_depth: Int = "Depth of the span tree; 1 for a lone root.";
    missing_parents: Int = "Spans whose parent is not in the trace.";
    service_names: TextList = "Distinct services, sorted.";
    agent_names: TextList = "Distinct agents, sorted.";
    agent_ids: TextList = "Distinct agent ids, sorted.";
    models: TextList = "Distinct models, sorted.";
    tool_names: TextList = "Distinct tools executed, sorted.";
    input_tokens: Int = "Input tokens, each counted once: a span whose descendants report tokens is left out.";
    output_tokens: Int = "Output tokens, counted like input_tokens.";
    cached_input_tokens: Int = "Cached input tokens, counted like input_tokens.";
    reasoning_tokens: Int = "Reasoning tokens, counted like input_tokens.";
    cost_usd: Float = "Cost in US dollars, counted like input_tokens; null when no span reports any.";
    session_id: Text = "First session id in the trace.";
    user_id: Text = "First user id in the trace.";
    project_id: Text = "First project id in the trace.";
    attributes: Text = "Short span and resource attributes that have one value in the whole trace, as a JSON object: release, tenant, locale, ...";
    outcome: Text = "success or failure where evaluations, feedback or the status of the root span say so, else unknown.";
    first_input: TextRef = "What the run was asked: input of the root, or of the first step that has one.";
    final_output: TextRef = "What the run answered: output of the root, or of the last LLM or AGENT step that has one.";
    raw_bytes: Int = "Bytes of its spans in their input.";
}
