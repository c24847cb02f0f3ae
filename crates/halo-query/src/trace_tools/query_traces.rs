//! `query_traces`: traces that meet filters, a line each.

use std::collections::HashMap;
use std::fmt::Write as _;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::filters::TraceFilters;
use super::text::{DATA_NOTE, counted, one_line};
use super::{filled, sql_text, tool_error};
use crate::TraceSession;
use crate::overview::number;

const LIMIT_MAX: usize = 500;
const LIMIT_DEFAULT: usize = 50;

/// Characters of what the user asked.
const INPUT_CHARS_MAX: usize = 120;

/// Columns that are told once when all listed traces agree in them.
const SHARED: &[(&str, &str)] =
    &[("services", "service"), ("agents", "agent"), ("models", "model"), ("root_name", "root"), ("outcome", "outcome")];

/// The tool.
pub(crate) struct QueryTraces {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryTracesArgs {
    /// Which traces; all when absent.
    filters: Option<TraceFilters>,
    /// 50 when absent, at most 500.
    limit: Option<usize>,
    offset: Option<usize>,
}

impl Tool for QueryTraces {
    type Args = QueryTracesArgs;

    fn name(&self) -> &'static str {
        "query_traces"
    }

    fn description(&self) -> &str {
        include_str!("query_traces.md")
    }

    async fn call(&self, args: QueryTracesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let condition = args.filters.unwrap_or_default().condition().map_err(tool_error)?;
        let limit = args.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        let offset = args.offset.unwrap_or(0);
        let sql = format!(
            "SELECT trace_id, start_time, duration_ms, span_count, llm_calls, tool_calls, failed_tool_calls, error_spans,
                input_tokens, output_tokens, root_name, outcome, service_names AS services, agent_names AS agents, models, count(*) OVER () AS total
             FROM traces WHERE {condition} ORDER BY start_time, trace_id LIMIT {limit} OFFSET {offset}"
        );
        let rows = self.session.own_query(&sql, &context.cancel).await;
        let mut rows = rows.map_err(tool_error)?.rows();
        rows.iter_mut().for_each(join_lists);
        self.add_inputs(&mut rows, context).await?;
        let Some(first) = rows.first() else {
            return Ok(ToolOutput::text(self.nothing(&condition, offset, context).await?));
        };
        let total = number(first, "total");
        let shared: Vec<&(&str, &str)> =
            SHARED.iter().filter(|(column, _)| rows.iter().all(|row| row.get(*column) == first.get(*column))).collect();
        let last = offset + rows.len();
        let mut text = format!("{}, {}-{last} by start:\n{DATA_NOTE}\n", counted(total, "trace"), offset + 1);
        let common: Vec<String> = shared
            .iter()
            .filter_map(|(column, label)| Some(format!("{label} {}", one_line(filled(first, column)?, 200))))
            .collect();
        if !common.is_empty() {
            let _ = writeln!(text, "All of these: {}", common.join(", "));
        }
        for row in &rows {
            text.push_str(&line(row, &shared));
        }
        if (last as u64) < total {
            let _ = writeln!(text, "[{} more: the same call with \"offset\": {last}]", total - last as u64);
        }
        Ok(ToolOutput::text(text))
    }
}

impl QueryTraces {
    /// Adds what each run was asked. In a statement of its own: the text of a trace that is not on the page is not read.
    async fn add_inputs(&self, rows: &mut [Map<String, Value>], context: &ToolContext) -> Result<(), ToolError> {
        let ids: Vec<String> = rows.iter().filter_map(|row| Some(sql_text(filled(row, "trace_id")?))).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT trace_id, substr(first_input, 1, 1000) AS first_input FROM traces WHERE trace_id IN ({})",
            ids.join(", ")
        );
        let asked = self.session.own_query(&sql, &context.cancel).await.map_err(tool_error)?;
        let ids = asked.texts("trace_id").unwrap_or_default();
        let inputs = asked.texts("first_input").unwrap_or_default();
        let inputs: HashMap<String, String> =
            ids.into_iter().zip(inputs).filter_map(|(id, input)| Some((id?, input?))).collect();
        for row in rows {
            if let Some(input) = filled(row, "trace_id").and_then(|id| inputs.get(id)) {
                row.insert("first_input".to_owned(), Value::from(input.as_str()));
            }
        }
        Ok(())
    }

    /// What to say when no trace is listed.
    async fn nothing(&self, condition: &str, offset: usize, context: &ToolContext) -> Result<String, ToolError> {
        let sql = format!(
            "SELECT (SELECT count(*) FROM traces WHERE {condition}) AS hits, (SELECT count(*) FROM traces) AS total"
        );
        let rows = self.session.own_query(&sql, &context.cancel).await;
        let row = rows.map_err(tool_error)?.rows().pop().unwrap_or_default();
        let (hits, total) = (number(&row, "hits"), number(&row, "total"));
        Ok(if hits > 0 {
            format!("only {hits} traces meet the filters, and offset {offset} passes over all of them\n")
        } else {
            format!("0 of {total} traces meet the filters\n")
        })
    }
}

/// Makes lists of names texts. Here and not in the statement, which would do it for every trace that meets the filters.
fn join_lists(row: &mut Map<String, Value>) {
    for value in row.values_mut() {
        if let Value::Array(names) = value {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            *value = Value::from(names.join(","));
        }
    }
}

fn line(row: &Map<String, Value>, shared: &[&(&str, &str)]) -> String {
    let mut parts = vec![
        filled(row, "trace_id").unwrap_or("?").to_owned(),
        filled(row, "start_time").unwrap_or("no start").to_owned(),
    ];
    if let Some(duration_ms) = row.get("duration_ms").and_then(Value::as_f64) {
        parts.push(seconds(duration_ms));
    }
    for (column, unit) in [
        ("span_count", "spans"),
        ("llm_calls", "llm"),
        ("tool_calls", "tool"),
        ("failed_tool_calls", "failed tool"),
        ("error_spans", "ERROR"),
    ] {
        match number(row, column) {
            0 => {}
            count => parts.push(format!("{count} {unit}")),
        }
    }
    let tokens = (number(row, "input_tokens"), number(row, "output_tokens"));
    if tokens != (0, 0) {
        parts.push(format!("{}>{} tok", tokens.0, tokens.1));
    }
    for (column, label) in SHARED {
        let told = shared.iter().any(|(known, _)| known == column);
        if let Some(value) = filled(row, column).filter(|_| !told) {
            parts.push(format!("{label} {}", one_line(value, 100)));
        }
    }
    let asked =
        filled(row, "first_input").map_or_else(String::new, |input| format!(" | {}", one_line(input, INPUT_CHARS_MAX)));
    format!("{}{asked}\n", parts.join(", "))
}

/// A duration for people.
pub(crate) fn seconds(duration_ms: f64) -> String {
    if duration_ms < 1000.0 {
        format!("{duration_ms:.0}ms")
    } else if duration_ms < 600_000.0 {
        format!("{:.1}s", duration_ms / 1000.0)
    } else {
        format!("{:.0}min", duration_ms / 60_000.0)
    }
}
