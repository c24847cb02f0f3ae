//! The tools that a model gets to look at traces, and what they share.

mod attribute_values;
mod conversation;
mod count_traces;
mod describe_attributes;
pub(crate) mod excerpt;
mod filters;
mod get_dataset_overview;
mod hits;
mod pager;
mod query_traces;
mod reader;
mod search;
mod search_span;
mod search_trace;
mod span_writer;
mod sql;
mod step_events;
mod step_writer;
mod text;
mod trace_facts;
mod trace_header;
mod trace_tree;
mod value_lines;
mod view_spans;
mod view_trace;
mod view_traces;

use halo_tool::{ToolError, ToolRegistry};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{QueryError, TraceSession};

pub use reader::{Reader, View};
pub use text::DATA_NOTE;
pub(crate) use trace_tree::Tree as TraceTree;
pub use view_spans::{SpanChoice, show_spans};
pub use view_trace::show_trace;

/// All tools over a dataset, in the order a model reads them in.
#[must_use]
pub fn tools(session: TraceSession) -> ToolRegistry {
    let mut registry = ToolRegistry::new();
    registry.add(get_dataset_overview::GetDatasetOverview { session: session.clone() });
    registry.add(describe_attributes::DescribeAttributes { session: session.clone() });
    registry.add(query_traces::QueryTraces { session: session.clone() });
    registry.add(count_traces::CountTraces { session: session.clone() });
    registry.add(search::Search { session: session.clone() });
    registry.add(view_trace::ViewTrace { session: session.clone() });
    registry.add(view_traces::ViewTraces { session: session.clone() });
    registry.add(view_spans::ViewSpans { session: session.clone() });
    registry.add(search_trace::SearchTrace { session: session.clone() });
    registry.add(search_span::SearchSpan { session: session.clone() });
    registry.add(sql::Sql { session });
    registry
}

/// A text as a literal of SQL.
pub(crate) fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A failed query as a model should learn of it. Only a dataset that can't be read ends the run: everything else may go another way.
pub(crate) fn tool_error(error: QueryError) -> ToolError {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}"));
    let message = format!("{error}{}", hint.unwrap_or_default());
    match error {
        QueryError::Dataset(_) => ToolError::fatal(message),
        QueryError::Statement { .. }
        | QueryError::Limit { .. }
        | QueryError::Cancelled
        | QueryError::Internal { .. } => ToolError::for_model(message),
    }
}

/// A text cell of a row, `None` for NULL and for an empty text.
fn filled<'a>(row: &'a Map<String, Value>, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Makes sure that a trace exists; an id that does not is answered with ids that begin like it.
async fn must_know(session: &TraceSession, trace_id: &str, cancel: &CancellationToken) -> Result<(), ToolError> {
    let sql = format!("SELECT trace_id FROM traces WHERE trace_id = {}", sql_text(trace_id));
    let found = session.own_query(&sql, cancel).await.map_err(tool_error)?;
    if found.row_count() > 0 { Ok(()) } else { Err(unknown_trace(session, trace_id, cancel).await) }
}

/// That there is no such trace, with ids that begin like its id.
async fn unknown_trace(session: &TraceSession, trace_id: &str, cancel: &CancellationToken) -> ToolError {
    let mut message = format!("there is no trace `{}`", text::one_line(trace_id, 80));
    for length in [trace_id.chars().count(), 12, 8, 6, 4] {
        let start: String = trace_id.trim().to_lowercase().chars().take(length).collect();
        if start.is_empty() {
            break;
        }
        let sql = format!(
            "SELECT trace_id FROM traces WHERE starts_with(lower(trace_id), {}) ORDER BY trace_id LIMIT 3",
            sql_text(&start)
        );
        let near = match session.own_query(&sql, cancel).await {
            Ok(near) => near,
            Err(error) => return tool_error(error),
        };
        let near: Vec<String> = near.texts("trace_id").unwrap_or_default().into_iter().flatten().collect();
        if !near.is_empty() {
            message.push_str(&format!("; ids that begin like it: {}", near.join(", ")));
            break;
        }
    }
    message.push_str("\nhint: ids come whole from query_traces or from sql, for example SELECT trace_id FROM traces WHERE failed_tool_calls > 0 LIMIT 20");
    ToolError::for_model(message)
}
