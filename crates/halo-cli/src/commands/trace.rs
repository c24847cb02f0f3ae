//! `halo trace`: one trace as a tree of its steps, or where a pattern stands in it.

use serde_json::json;

use crate::args::{Common, TraceArgs};
use crate::ask_tool;
use crate::exit::{Exit, Failure};

/// Runs the command.
pub(crate) async fn run(args: &TraceArgs, common: &Common) -> Result<Exit, Failure> {
    let TraceArgs { dataset, trace_id, page, search, span } = args;
    let (tool, asked) = match (search, span) {
        (None, _) => ("view_trace", json!({"trace_id": trace_id, "page": page})),
        (Some(pattern), None) => ("search_trace", json!({"trace_id": trace_id, "regex_pattern": pattern})),
        (Some(pattern), Some(span)) => {
            ("search_span", json!({"trace_id": trace_id, "span_id": span, "regex_pattern": pattern}))
        }
    };
    ask_tool::ask(dataset, common, tool, &asked).await
}
