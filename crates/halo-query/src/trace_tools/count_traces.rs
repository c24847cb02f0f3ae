//! `count_traces`: how many traces meet filters, with ids to look at.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::filters::TraceFilters;
use super::tool_error;
use crate::TraceSession;

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
        let hits = async {
            let census = self.session.census(&context.cancel).await?;
            let hits = self.session.select(&census, &condition, &context.cancel).await?;
            Ok((census, hits))
        };
        let (census, hits) = hits.await.map_err(tool_error)?;
        let total = census.all().len();
        if hits.is_empty() {
            return Ok(ToolOutput::text(format!("0 of {total} traces\n")));
        }
        let sample = census.sample(&hits, EXAMPLES, 0);
        let ids: Vec<&str> = sample.iter().map(|trace| census.id(*trace)).collect();
        Ok(ToolOutput::text(format!("{} of {total} traces, for example {}\n", hits.len(), ids.join(" "))))
    }
}
