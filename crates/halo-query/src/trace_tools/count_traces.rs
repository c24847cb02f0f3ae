//! `count_traces`: how many traces meet filters, with ids to look at.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::filters::TraceFilters;
use super::{filled, tool_error};
use crate::TraceSession;
use crate::overview::number;

/// Ids that come with a count.
const EXAMPLES: usize = 5;

/// The tool.
pub(crate) struct CountTraces {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountTracesArgs {
    /// Which traces; all when absent.
    filters: Option<TraceFilters>,
}

impl Tool for CountTraces {
    type Args = CountTracesArgs;

    fn name(&self) -> &'static str {
        "count_traces"
    }

    fn description(&self) -> &str {
        include_str!("count_traces.md")
    }

    async fn call(&self, args: CountTracesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let condition = args.filters.unwrap_or_default().condition().map_err(tool_error)?;
        // The last digits of ids are as good as chance, and the same in each run: examples are not the first traces.
        let sql = format!(
            "SELECT trace_id, count(*) OVER () AS hits, (SELECT count(*) FROM traces) AS total
             FROM traces WHERE {condition} ORDER BY reverse(trace_id), trace_id LIMIT {EXAMPLES}"
        );
        let rows = self.session.own_query(&sql, &context.cancel).await.map_err(tool_error)?.rows();
        let Some(first) = rows.first() else {
            let all = self.session.own_query("SELECT count(*) AS total FROM traces", &context.cancel).await;
            let total = all.map_err(tool_error)?.rows().first().map_or(0, |row| number(row, "total"));
            return Ok(ToolOutput::text(format!("0 of {total} traces\n")));
        };
        let ids: Vec<&str> = rows.iter().filter_map(|row| filled(row, "trace_id")).collect();
        let (hits, total) = (number(first, "hits"), number(first, "total"));
        let text = format!("{hits} of {total} traces, for example {}\n", ids.join(" "));
        Ok(ToolOutput::text(text))
    }
}
