//! What the steps of a trace have in common, told once above them.

use serde_json::{Map, Value};

use super::filled;
use super::query_traces::seconds;
use super::step_writer::title;
use super::text::{counted, one_line, ranges};
use super::trace_facts::TraceFacts;
use crate::overview::number;
use crate::trace_steps::Step;
use crate::{Mark, MarkedText};

/// Slow steps that are named, and runs of steps that failed.
const SLOW_MAX: usize = 3;
const FAILED_MAX: usize = 30;

/// Characters of the attributes that have one value in the whole trace.
const ATTRIBUTES_CHARS_MAX: usize = 600;

/// Attributes that are told in other words: columns of the trace, and constants of the instrumentation.
const TOLD_ELSEWHERE: &[&str] =
    &["service.name", "telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"];

/// Id and numbers of a trace on a line, from its row.
pub(crate) fn push_numbers(out: &mut MarkedText, row: &Map<String, Value>) {
    out.mark(Mark::Title, &format!("trace {}", one_line(filled(row, "trace_id").unwrap_or("?"), 100)));
    out.push(&format!(", {}", counted(number(row, "span_count"), "span")));
    if let Some(start) = filled(row, "start_time") {
        out.push(&format!(", {start}"));
    }
    if let Some(duration_ms) = row.get("duration_ms").and_then(Value::as_f64) {
        out.push(&format!(", {}", seconds(duration_ms)));
    }
    for (column, unit, mark) in [
        ("llm_calls", "llm", None),
        ("tool_calls", "tool", None),
        ("failed_tool_calls", "failed tool", Some(Mark::Failure)),
        ("error_spans", "ERROR", Some(Mark::Failure)),
        ("missing_parents", "without their parent", Some(Mark::Slow)),
    ] {
        let count = number(row, column);
        if count > 0 {
            out.push(", ");
            match mark {
                Some(mark) => out.mark(mark, &format!("{count} {unit}")),
                None => out.push(&format!("{count} {unit}")),
            }
        }
    }
    let tokens = (number(row, "input_tokens"), number(row, "output_tokens"));
    if tokens != (0, 0) {
        out.push(&format!(", tokens {} in {} out", tokens.0, tokens.1));
    }
    if let Some(cost) = row.get("cost_usd").and_then(Value::as_f64).filter(|cost| *cost > 0.0) {
        out.push(&format!(", ${cost:.4}"));
    }
    match filled(row, "outcome") {
        Some("failure") => {
            out.push(", ");
            out.mark(Mark::Failure, "failure");
        }
        Some("success") => out.push(", success"),
        _ => {}
    }
    out.push("\n");
}

/// Who ran: services, agents, models, session, user.
pub(crate) fn push_names(out: &mut MarkedText, row: &Map<String, Value>) {
    let mut common = Vec::new();
    for (column, label) in [("service_names", "service"), ("agent_names", "agent"), ("models", "model")] {
        let values = row.get(column).and_then(Value::as_array);
        let values: Vec<&str> =
            values.map(|values| values.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
        if !values.is_empty() {
            common.push(format!("{label} {}", one_line(&values.join(", "), 300)));
        }
    }
    for (column, label) in [("session_id", "session"), ("user_id", "user"), ("project_id", "project")] {
        common.extend(filled(row, column).map(|value| format!("{label} {}", one_line(value, 100))));
    }
    if !common.is_empty() {
        out.push(&format!("{}\n", common.join("; ")));
    }
}

/// The attributes that have one value in the whole trace, but for those that are told in other words.
pub(crate) fn push_attributes(out: &mut MarkedText, row: &Map<String, Value>) {
    let attributes = filled(row, "attributes").and_then(|attributes| serde_json::from_str::<Value>(attributes).ok());
    let Some(Value::Object(attributes)) = attributes else {
        return;
    };
    let told: Vec<&str> =
        ["session_id", "user_id", "project_id"].iter().filter_map(|column| filled(row, column)).collect();
    let facts = attributes.iter().filter_map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_told = TOLD_ELSEWHERE.contains(&key.as_str()) || told.contains(&value.as_str());
        (!is_told).then(|| format!("{key}={value}"))
    });
    let facts: Vec<String> = facts.collect();
    if !facts.is_empty() {
        out.push(&format!("attributes: {}\n", one_line(&facts.join(", "), ATTRIBUTES_CHARS_MAX)));
    }
}

/// Where to look first: steps that failed, and slow ones.
pub(crate) fn push_landmarks(out: &mut MarkedText, steps: &[Step], facts: &TraceFacts) {
    let failed: Vec<u64> = steps.iter().filter(|step| step.failed()).map(|step| step.step).collect();
    if !failed.is_empty() {
        out.mark(Mark::Failure, "failed steps");
        out.push(&format!(": {}\n", ranges(&failed, FAILED_MAX)));
    }
    if facts.slow().is_empty() {
        return;
    }
    out.mark(Mark::Slow, "slowest");
    for (place, index) in facts.slow().iter().take(SLOW_MAX).enumerate() {
        let step = &steps[*index];
        out.push(&format!("{} step {} ", if place == 0 { ":" } else { "," }, step.step));
        title(out, step);
        out.push(&format!(" {}", seconds(step.duration_ms.unwrap_or(0.0))));
    }
    out.push("\n");
}
