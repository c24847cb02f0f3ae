//! `get_dataset_overview`: what the dataset holds, in about a page.

use std::fmt::Write as _;

use halo_protocol::DatasetSummary;
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::attribute_values::{attributes, list};
use super::filters::TraceFilters;
use super::query_traces::seconds;
use super::text::{DATA_NOTE, counted, one_line};
use super::{filled, tool_error};
use crate::overview::{number, summary_where};
use crate::{QueryError, TraceSession};

/// Groups of errors and of failed results that are listed.
const GROUPS_MAX: usize = 12;

/// The tool.
pub(crate) struct GetDatasetOverview {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetDatasetOverviewArgs {
    /// Which traces; all when absent.
    filters: Option<TraceFilters>,
}

impl Tool for GetDatasetOverview {
    type Args = GetDatasetOverviewArgs;

    fn name(&self) -> &'static str {
        "get_dataset_overview"
    }

    fn description(&self) -> &str {
        include_str!("get_dataset_overview.md")
    }

    async fn call(&self, args: GetDatasetOverviewArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let condition = args.filters.unwrap_or_default().condition().map_err(tool_error)?;
        let text = overview(&self.session, &condition, &context.cancel).await;
        Ok(ToolOutput::text(text.map_err(tool_error)?))
    }
}

/// The overview of the traces that meet a condition.
async fn overview(session: &TraceSession, condition: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let summary = summary_where(session, condition, cancel).await?;
    if summary.traces == 0 {
        return Ok(if condition == "true" {
            "the dataset is empty: it has no traces\n".to_owned()
        } else {
            "no trace meets the filters\n".to_owned()
        });
    }
    // Without a filter, spans need no look at their traces.
    let spans = if condition == "true" {
        "true".to_owned()
    } else {
        format!("trace_id IN (SELECT trace_id FROM traces WHERE {condition})")
    };
    let mut text = head(&summary);
    text.push_str(&outcomes(session, condition, cancel).await?);
    for (label, counts) in [("services", &summary.services), ("agents", &summary.agents), ("models", &summary.models)] {
        if !counts.is_empty() {
            let _ = writeln!(text, "{label} (traces): {}", list(counts));
        }
    }
    text.push_str(&tools(session, &spans, cancel).await?);
    text.push_str(&attributes(session, condition, cancel).await?);
    text.push_str(&errors(session, &spans, cancel).await?);
    text.push_str(&failed_results(session, &spans, cancel).await?);
    text.push_str(&beginnings(session, condition, cancel).await?);
    Ok(text)
}

fn head(summary: &DatasetSummary) -> String {
    let mut text = format!(
        "{}, {} ({} LLM, {} TOOL)",
        counted(summary.traces, "trace"),
        counted(summary.spans, "span"),
        summary.llm_spans,
        summary.tool_spans
    );
    if let (Some(first), Some(last)) = (&summary.first_time, &summary.last_time) {
        let _ = write!(text, ", {first} to {last}");
    }
    if summary.input_tokens + summary.output_tokens > 0 {
        let _ = write!(text, ", {}>{} tokens", summary.input_tokens, summary.output_tokens);
    }
    let _ = writeln!(text, "\n{DATA_NOTE}");
    text
}

/// Outcomes, failures and sizes of traces.
async fn outcomes(session: &TraceSession, condition: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let sizes = [
        ("span_count", "spans"),
        ("llm_calls", "LLM calls"),
        ("tool_calls", "tool calls"),
        ("input_tokens", "input tokens"),
        ("duration_ms", "duration"),
    ];
    let quantiles = sizes.map(|(column, _)| {
        format!(
            "approx_percentile_cont({column}, 0.5) AS {column}_p50, approx_percentile_cont({column}, 0.95) AS {column}_p95,
             max({column}) AS {column}_max"
        )
    });
    let sql = format!(
        "SELECT count(*) AS traces, count(*) FILTER (WHERE outcome = 'success') AS success,
            count(*) FILTER (WHERE outcome = 'failure') AS failure,
            count(*) FILTER (WHERE outcome = 'unknown') AS unknown, count(*) FILTER (WHERE has_errors) AS has_errors,
            count(*) FILTER (WHERE failed_tool_calls > 0) AS failed_tools, count(*) FILTER (WHERE missing_parents > 0) AS broken,
            {} FROM traces WHERE {condition}",
        quantiles.join(", ")
    );
    let row = session.own_query(&sql, cancel).await?.rows().pop().unwrap_or_default();
    let mut text = format!(
        "outcome by the root's status: {} success, {} failure, {} unknown (traces)\n",
        number(&row, "success"),
        number(&row, "failure"),
        number(&row, "unknown")
    );
    let _ = writeln!(
        text,
        "traces with a span of status ERROR: {}; with a failed tool call, by status or because its result says so: {}",
        number(&row, "has_errors"),
        number(&row, "failed_tools")
    );
    if number(&row, "broken") > 0 {
        let _ = writeln!(text, "traces with missing parent spans: {}", number(&row, "broken"));
    }
    let shown: Vec<String> = sizes
        .iter()
        .filter_map(|(column, label)| {
            let value = |suffix: &str| row.get(&format!("{column}_{suffix}")).and_then(Value::as_f64);
            let show = |value: f64| match *column {
                "duration_ms" => seconds(value),
                _ => format!("{value:.0}"),
            };
            let (middle, high, max) = (value("p50")?, value("p95")?, value("max")?);
            (max > 0.0).then(|| format!("{label} {}/{}/{}", show(middle), show(high), show(max)))
        })
        .collect();
    let _ = writeln!(text, "per trace, median/95th/max: {}", shown.join(", "));
    Ok(text)
}

async fn tools(session: &TraceSession, spans: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let sql = format!(
        "SELECT coalesce(tool_name, name) AS tool, count(*) AS calls, count(DISTINCT trace_id) AS traces,
            count(*) FILTER (WHERE status = 'ERROR' OR failure_code IS NOT NULL) AS failed
         FROM spans WHERE span_type = 'TOOL' AND {spans} GROUP BY 1 ORDER BY calls DESC, tool LIMIT 40"
    );
    let rows = session.own_query(&sql, cancel).await?.rows();
    let shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let failed = match number(row, "failed") {
                0 => String::new(),
                failed => format!(" {failed} failed"),
            };
            let tool = one_line(filled(row, "tool").unwrap_or("?"), 60);
            format!("{tool} {}/{}{failed}", number(row, "calls"), number(row, "traces"))
        })
        .collect();
    Ok(line("tools (calls/traces)", &shown))
}

async fn errors(session: &TraceSession, spans: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let sql = format!(
        "SELECT coalesce(error_signature, error_type, 'no message') AS cause, span_type, coalesce(tool_name, name) AS step_name,
            count(*) AS spans, count(DISTINCT trace_id) AS traces, min(trace_id) AS example
         FROM spans WHERE status = 'ERROR' AND {spans} GROUP BY 1, 2, 3 ORDER BY traces DESC, spans DESC, cause"
    );
    let rows = session.own_query(&sql, cancel).await?.rows();
    Ok(groups("ERROR spans by cause", &rows, |row| {
        let place =
            format!("{} {}", filled(row, "span_type").unwrap_or("SPAN"), filled(row, "step_name").unwrap_or_default());
        one_line(&place, 80)
    }))
}

async fn failed_results(session: &TraceSession, spans: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let sql = format!(
        "SELECT tool, sign AS cause, count(*) AS spans, count(DISTINCT trace_id) AS traces, min(trace_id) AS example
         FROM (SELECT trace_id, coalesce(tool_name, name) AS tool,
                 CASE WHEN trim(output) IN ('', '[]', '{{}}', 'null') THEN 'empty result' ELSE failure_code END AS sign
               FROM spans WHERE span_type = 'TOOL' AND output IS NOT NULL AND {spans})
         WHERE sign IS NOT NULL GROUP BY 1, 2 ORDER BY traces DESC, spans DESC, tool, cause"
    );
    let rows = session.own_query(&sql, cancel).await?.rows();
    Ok(groups("tool results that say they failed, or are empty", &rows, |row| {
        one_line(filled(row, "tool").unwrap_or("?"), 60)
    }))
}

/// Groups of spans by cause, largest first, each with an example.
fn groups(title: &str, rows: &[Map<String, Value>], place: impl Fn(&Map<String, Value>) -> String) -> String {
    if rows.is_empty() {
        return format!("{title}: none\n");
    }
    let mut text = format!("{title} (spans/traces):\n");
    for row in rows.iter().take(GROUPS_MAX) {
        let _ = writeln!(
            text,
            "  {}/{} {}, as in {} | {}",
            number(row, "spans"),
            number(row, "traces"),
            place(row),
            filled(row, "example").unwrap_or("?"),
            one_line(filled(row, "cause").unwrap_or_default(), 160)
        );
    }
    if rows.len() > GROUPS_MAX {
        let _ = writeln!(text, "  {} more groups", rows.len() - GROUPS_MAX);
    }
    text
}

/// Traces to begin with: typical ones and extreme ones.
async fn beginnings(session: &TraceSession, condition: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let typical =
        format!("abs(span_count - (SELECT approx_percentile_cont(span_count, 0.5) FROM traces WHERE {condition}))");
    let kinds = [
        ("typical", "true", typical.as_str()),
        ("most failed tool calls", "failed_tool_calls > 0", "failed_tool_calls DESC"),
        ("most ERROR spans", "error_spans > 0", "error_spans DESC"),
        ("longest", "duration_ms > 0", "duration_ms DESC"),
        ("most steps", "span_count > 1", "span_count DESC"),
    ];
    let mut shown = Vec::new();
    for (label, extra, order) in kinds {
        let sql =
            format!("SELECT trace_id FROM traces WHERE ({condition}) AND {extra} ORDER BY {order}, trace_id LIMIT 2");
        let ids = session.own_query(&sql, cancel).await?.texts("trace_id").unwrap_or_default();
        let ids: Vec<String> = ids.into_iter().flatten().collect();
        if !ids.is_empty() {
            shown.push(format!("{label} {}", ids.join(" ")));
        }
    }
    Ok(line("traces to begin with", &shown))
}

fn line(label: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    format!("{label}: {}\n", parts.join(", "))
}
