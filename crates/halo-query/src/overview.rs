//! What a dataset holds, in numbers.

use halo_protocol::{Count, DatasetSummary};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{QueryError, TraceSession};

/// Values of a list in a summary.
const VALUES_MAX: usize = 20;

/// What a dataset holds. Tokens are counted once where several spans report the same call.
///
/// # Errors
/// The dataset can't be read.
pub async fn summary(session: &TraceSession) -> Result<DatasetSummary, QueryError> {
    summary_where(session, "true", &CancellationToken::new()).await
}

/// What the traces that meet a condition hold.
pub(crate) async fn summary_where(
    session: &TraceSession,
    condition: &str,
    cancel: &CancellationToken,
) -> Result<DatasetSummary, QueryError> {
    let totals = format!(
        "SELECT count(*) AS traces, sum(span_count) AS spans, sum(llm_calls) AS llm_spans, sum(tool_calls) AS tool_spans,
            sum(error_spans) AS error_spans, count(*) FILTER (WHERE has_errors) AS error_traces,
            sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
            min(start_time) AS first_time, max(coalesce(end_time, start_time)) AS last_time
         FROM traces WHERE {condition}"
    );
    let totals = session.own_query(&totals, cancel).await?.rows().pop().unwrap_or_default();
    let count = |column: &str| number(&totals, column);
    let time = |column: &str| totals.get(column).and_then(Value::as_str).map(str::to_owned);
    Ok(DatasetSummary {
        traces: count("traces"),
        spans: count("spans"),
        llm_spans: count("llm_spans"),
        tool_spans: count("tool_spans"),
        error_spans: count("error_spans"),
        error_traces: count("error_traces"),
        input_tokens: count("input_tokens"),
        output_tokens: count("output_tokens"),
        first_time: time("first_time"),
        last_time: time("last_time"),
        services: values(session, "service_names", condition, cancel).await?,
        agents: values(session, "agent_names", condition, cancel).await?,
        models: values(session, "models", condition, cancel).await?,
        tools: values(session, "tool_names", condition, cancel).await?,
    })
}

/// The values of a list column of `traces` by how many traces have them.
async fn values(
    session: &TraceSession,
    column: &str,
    condition: &str,
    cancel: &CancellationToken,
) -> Result<Vec<Count>, QueryError> {
    let sql = format!(
        "SELECT value, count(*) AS traces FROM (SELECT unnest({column}) AS value FROM traces WHERE {condition})
         WHERE value IS NOT NULL GROUP BY value ORDER BY traces DESC, value LIMIT {VALUES_MAX}"
    );
    let rows = session.own_query(&sql, cancel).await?.rows();
    Ok(rows
        .iter()
        .map(|row| Count {
            value: row.get("value").and_then(Value::as_str).unwrap_or_default().to_owned(),
            traces: number(row, "traces"),
        })
        .collect())
}

/// A count in a row; 0 for NULL, which is the sum of nothing.
pub(crate) fn number(row: &Map<String, Value>, column: &str) -> u64 {
    row.get(column).and_then(Value::as_u64).unwrap_or(0)
}
