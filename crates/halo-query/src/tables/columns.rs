//! Columns of the tables that are not stored but made of what is, and what they mean.

use halo_dataset::{Column, ColumnKind};

const fn column(name: &'static str, kind: ColumnKind, doc: &'static str) -> Column {
    Column { name, kind, doc, internal: false }
}

/// Columns of `messages`.
pub(crate) const MESSAGE_COLUMNS: &[Column] = &[
    column("trace_id", ColumnKind::Text, "Trace of the LLM span."),
    column("span_id", ColumnKind::Text, "The LLM span."),
    column("step", ColumnKind::Int, "Its order in the trace."),
    column("direction", ColumnKind::Text, "input (sent to the model) or output (its reply)."),
    column("position", ColumnKind::Int, "Place among the span's input or output messages, from 1."),
    column(
        "role",
        ColumnKind::Text,
        "Who speaks: system, developer, user, assistant, tool. Where the exporter does not say: assistant in the output, user in the input.",
    ),
    column("content", ColumnKind::Text, "Its text; of a tool's message the result. Null when it has none."),
    column(
        "tool_calls",
        ColumnKind::Text,
        "Tool calls that it asks for: JSON array of {id, name, arguments}; null when none.",
    ),
    column(
        "tool_call_id",
        ColumnKind::Text,
        "Of a tool's message, the call that it answers; null where the exporter does not say.",
    ),
    column(
        "is_new",
        ColumnKind::Bool,
        "Whether this is the first time in the trace that the message_id occurs: by step, input before output, by position.",
    ),
    column(
        "message_id",
        ColumnKind::Text,
        "Hash of role, content and tool calls: equal for equal messages, in whichever trace and format.",
    ),
];

/// Columns of `tool_calls`.
pub(crate) const TOOL_CALL_COLUMNS: &[Column] = &[
    column("trace_id", ColumnKind::Text, "Trace of the call."),
    column(
        "step",
        ColumnKind::Int,
        "Step of the TOOL span that executed it; of the LLM span that asked for it when it was never executed.",
    ),
    column("tool_name", ColumnKind::Text, "The tool."),
    column(
        "arguments",
        ColumnKind::Text,
        "Arguments as the TOOL span records them; as the model wrote them when it was never executed or the span does not say.",
    ),
    column("result", ColumnKind::Text, "Output of the TOOL span; null when never executed."),
    column("status", ColumnKind::Text, "Status of the TOOL span: OK, ERROR or UNSET; null when never executed."),
    column(
        "failed",
        ColumnKind::Bool,
        "Whether it failed, by its status or because its result says so; null when never executed.",
    ),
    column(
        "failure_code",
        ColumnKind::Text,
        "What went wrong: what the result says (ok=false, error, http_404, ...), else the error type, else status_error; null when it did not fail.",
    ),
    column(
        "failure_signature",
        ColumnKind::Text,
        "Message of the failure with ids, numbers, paths and quoted values replaced, so that one cause is one text; null when it did not fail.",
    ),
    column(
        "offered",
        ColumnKind::Bool,
        "Whether the tool was in the list that the model had; null when the list is not known or nobody asked for the call.",
    ),
    column(
        "attempt",
        ColumnKind::Int,
        "The how-manieth call in a row it is, in its trace, with this tool and these arguments: 1 for the first.",
    ),
    column(
        "gap_ms",
        ColumnKind::Float,
        "Milliseconds from the end of the executed call before it in the trace to its start; below 0 for calls side by side, null for the first.",
    ),
    column("requested_by_span_id", ColumnKind::Text, "LLM span that asked for it; null when no recorded reply did."),
    column("executed_by_span_id", ColumnKind::Text, "TOOL span that executed it; null when it was never executed."),
    column("duration_ms", ColumnKind::Float, "Duration of the TOOL span in milliseconds."),
    column(
        "tool_call_id",
        ColumnKind::Text,
        "Id of the call. Requests and executions belong together by it where both have one, else by tool and order.",
    ),
];

/// Columns of `errors`.
pub(crate) const ERROR_COLUMNS: &[Column] = &[
    column("trace_id", ColumnKind::Text, "Trace of the span."),
    column("span_id", ColumnKind::Text, "The span, of status ERROR."),
    column("step", ColumnKind::Int, "Its order in the trace."),
    column("span_name", ColumnKind::Text, "Its name."),
    column("span_type", ColumnKind::Text, "AGENT, LLM, TOOL and so on, as in spans."),
    column("tool_name", ColumnKind::Text, "Tool that it executes."),
    column("error_type", ColumnKind::Text, "Class of the error."),
    column(
        "signature",
        ColumnKind::Text,
        "The message with ids, numbers, paths and quoted values replaced, and words where many stand, so that one cause is one text.",
    ),
    column(
        "message",
        ColumnKind::Text,
        "What a person would read: message of the status, else of the exception, else the output of the span.",
    ),
    column("time", ColumnKind::Time, "When the span began."),
    column("service_name", ColumnKind::Text, "Its service."),
    column("agent_name", ColumnKind::Text, "Its agent."),
    column("model", ColumnKind::Text, "Its model."),
];

/// Columns of `prompts`.
pub(crate) const PROMPT_COLUMNS: &[Column] = &[
    column(
        "prompt_id",
        ColumnKind::Text,
        "Hash of kind and text: the same text has the same id with every agent and service, and in every dataset.",
    ),
    column(
        "kind",
        ColumnKind::Text,
        "system (a message of role system or developer, wherever it stands) or tools (the list that the model was offered).",
    ),
    column(
        "text",
        ColumnKind::Text,
        "The prompt as it was sent. Of tools a JSON array with a line a tool: the whole definitions where they were recorded, else their names.",
    ),
    column(
        "agent_name",
        ColumnKind::Text,
        "Agent that was seen with it. Each agent and service that shares a text has a row of its own.",
    ),
    column("service_name", ColumnKind::Text, "Service that was seen with it."),
    column(
        "versions",
        ColumnKind::TextList,
        "service.version of the spans and release of the traces that it was seen with, sorted; 100 at most.",
    ),
    column("models", ColumnKind::TextList, "Models that it was sent to, sorted; 100 at most."),
    column("first_seen", ColumnKind::Time, "Start of the first span with it."),
    column("last_seen", ColumnKind::Time, "Start of the last span with it."),
    column("traces", ColumnKind::Int, "Traces with it."),
    column("spans", ColumnKind::Int, "LLM and AGENT spans with it."),
    column(
        "previous_id",
        ColumnKind::Text,
        "prompt_id of the text that this one took the place of: of those with the same kind, agent and service that came up and went before it, the most alike; null when there is none.",
    ),
    column("changes", ColumnKind::Text, "diff_lines of that text and this one: the lines in which they differ."),
];

/// Columns of `attribute_values`.
pub(crate) const ATTRIBUTE_VALUE_COLUMNS: &[Column] = &[
    column(
        "key",
        ColumnKind::Text,
        "Key of the attribute. Keys with more than 200 values, or with one longer than 200 bytes, are left out, as are numbered ones: the tool describe_attributes tells of all.",
    ),
    column(
        "of",
        ColumnKind::Text,
        "What has it: trace (one value in the whole trace: traces.attributes), span (spans.attributes) or resource (spans.resource_attributes).",
    ),
    column("value", ColumnKind::Text, "The value, as ->> shows it."),
    column("traces", ColumnKind::Int, "Traces with it."),
    column("spans", ColumnKind::Int, "Spans with it; of a trace, all its spans."),
    column("failed_traces", ColumnKind::Int, "Those of the traces with outcome failure or a failed tool call."),
    column("first_seen", ColumnKind::Time, "Start of the first span or trace with it."),
    column("last_seen", ColumnKind::Time, "Start of the last span or trace with it."),
];
