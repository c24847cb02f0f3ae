//! `search_span`: a pattern in the texts of one span.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::search_trace::{Search, search};
use crate::TraceSession;

/// The tool.
pub(crate) struct SearchSpan {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchSpanArgs {
    trace_id: String,
    span_id: String,
    regex_pattern: String,
    context_buffer_chars: Option<usize>,
    /// 50 when absent.
    max_matches: Option<u64>,
}

impl Tool for SearchSpan {
    type Args = SearchSpanArgs;

    fn name(&self) -> &'static str {
        "search_span"
    }

    fn description(&self) -> &str {
        include_str!("search_span.md")
    }

    async fn call(&self, args: SearchSpanArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let wanted = Search {
            trace_id: &args.trace_id,
            span_id: Some(&args.span_id),
            pattern: &args.regex_pattern,
            context_chars: args.context_buffer_chars,
            matches_max: args.max_matches,
        };
        search(&self.session, &wanted, &context.cancel).await
    }
}
