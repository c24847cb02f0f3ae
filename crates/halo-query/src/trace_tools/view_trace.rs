//! `view_trace`: one trace as a tree of its steps, by page.

use std::collections::HashMap;
use std::fmt::Write as _;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::system_prompt::{self, SystemPrompt};
use super::text::{DATA_NOTE, counted, one_line};
use super::trace_page::{Page, Shared};
use super::trace_tree::Tree;
use super::{filled, must_know, query_traces::seconds, sql_text, tool_error};
use crate::TraceSession;
use crate::overview::number;
use crate::session::OWN_LIMITS;

/// Agents of a trace whose system prompt is shown.
const PROMPTS_MAX: usize = 6;

/// Columns that a page is made of.
const COLUMNS: &str = "step, span_id, parent_span_id, span_type, name, status, status_message, error_type,
    CAST(start_time AS BIGINT) AS start_ns, duration_ms, service_name, agent_name, model, tool_name, input_tokens,
    output_tokens, finish_reason, requested_tool_calls, input, output,
    CASE WHEN span_type = 'TOOL' THEN failure_code END AS failure";

/// The tool.
pub(crate) struct ViewTrace {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewTraceArgs {
    /// Id of the trace, whole.
    trace_id: String,
    /// Page, from 1; the first when absent.
    page: Option<usize>,
}

impl Tool for ViewTrace {
    type Args = ViewTraceArgs;

    fn name(&self) -> &'static str {
        "view_trace"
    }

    fn description(&self) -> &str {
        include_str!("view_trace.md")
    }

    async fn call(&self, args: ViewTraceArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        must_know(&self.session, &args.trace_id, &context.cancel).await?;
        let trace = sql_text(&args.trace_id);
        let sql = format!("SELECT * FROM traces WHERE trace_id = {trace}");
        let rows = self.session.own_query(&sql, &context.cancel).await;
        let row = rows.map_err(tool_error)?.rows().pop().unwrap_or_default();
        let shared = Shared::of(&row);
        let tree = self.tree(&trace, context).await?;
        let prompts = self.prompts(&trace, &tree, context).await?;

        // All steps are read whichever page is wanted: what was told before depends on them, and so does the number of pages.
        let wanted = args.page.unwrap_or(1).max(1);
        let mut page = Page::new(wanted, &shared, &tree, prompts);
        let sql = format!("SELECT {COLUMNS} FROM spans WHERE trace_id = {trace} ORDER BY step");
        let mut stream = self.session.stream(&sql, &OWN_LIMITS, &context.cancel).await.map_err(tool_error)?;
        let columns = stream.columns().to_vec();
        while let Some(batch) = stream.next().await.map_err(tool_error)? {
            for span in batch.objects(&columns) {
                page.push(&span);
            }
        }
        if wanted > page.count() {
            return Err(ToolError::for_model(format!(
                "there is no page {wanted}: the trace ends with page {}",
                page.count()
            )));
        }
        let mut text = header(&args.trace_id, &row, wanted);
        text.push_str(&page.finish(&args.trace_id, stream.truncated()));
        Ok(ToolOutput::showing(text, vec![args.trace_id]))
    }
}

impl ViewTrace {
    /// Who is whose parent.
    async fn tree(&self, trace: &str, context: &ToolContext) -> Result<Tree, ToolError> {
        let sql = format!(
            "SELECT step, span_id, parent_span_id, span_type, agent_name FROM spans WHERE trace_id = {trace} ORDER BY step"
        );
        let rows = self.session.own_query(&sql, &context.cancel).await;
        Ok(Tree::of(&rows.map_err(tool_error)?.rows()))
    }

    /// The system prompt of each agent, by the first LLM step of that agent. Attributes hold whole conversations: only those of these
    /// steps are read.
    async fn prompts(
        &self,
        trace: &str,
        tree: &Tree,
        context: &ToolContext,
    ) -> Result<HashMap<u64, SystemPrompt>, ToolError> {
        let steps: Vec<String> = tree.first_llm_steps().take(PROMPTS_MAX).map(|step| step.to_string()).collect();
        if steps.is_empty() {
            return Ok(HashMap::new());
        }
        let sql =
            format!("SELECT step, attributes FROM spans WHERE trace_id = {trace} AND step IN ({})", steps.join(", "));
        let rows = self.session.own_query(&sql, &context.cancel).await;
        let rows = rows.map_err(tool_error)?.rows();
        let found =
            rows.iter().filter_map(|row| Some((number(row, "step"), system_prompt::find(filled(row, "attributes")?)?)));
        Ok(found.collect())
    }
}

/// What the steps of a trace have in common, told once.
fn header(trace_id: &str, row: &Map<String, Value>, page: usize) -> String {
    let mut text = format!("trace {}, {}", one_line(trace_id, 100), counted(number(row, "span_count"), "span"));
    if page > 1 {
        let _ = writeln!(text, ", page {page}\n{DATA_NOTE}\n");
        return text;
    }
    if let Some(start) = filled(row, "start_time") {
        let _ = write!(text, ", {start}");
    }
    if let Some(duration_ms) = row.get("duration_ms").and_then(Value::as_f64) {
        let _ = write!(text, ", {}", seconds(duration_ms));
    }
    for (column, unit) in [
        ("llm_calls", "llm"),
        ("tool_calls", "tool"),
        ("failed_tool_calls", "failed tool"),
        ("error_spans", "ERROR"),
        ("missing_parents", "without their parent"),
    ] {
        match number(row, column) {
            0 => {}
            count => {
                let _ = write!(text, ", {count} {unit}");
            }
        }
    }
    let tokens = (number(row, "input_tokens"), number(row, "output_tokens"));
    if tokens != (0, 0) {
        let _ = write!(text, ", {}>{} tok", tokens.0, tokens.1);
    }
    if let Some(outcome) = filled(row, "outcome").filter(|outcome| *outcome != "unknown") {
        let _ = write!(text, ", {outcome}");
    }
    text.push('\n');
    let mut common = Vec::new();
    for (column, label) in [("service_names", "service"), ("agent_names", "agent"), ("models", "model")] {
        let values: Vec<&str> = row
            .get(column)
            .and_then(Value::as_array)
            .map(|values| values.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if !values.is_empty() {
            common.push(format!("{label} {}", one_line(&values.join(", "), 300)));
        }
    }
    if let Some(attributes) = filled(row, "attributes").filter(|attributes| *attributes != "{}") {
        common.push(format!("attributes {}", one_line(attributes, 600)));
    }
    let _ = writeln!(text, "{}\n{DATA_NOTE}\n", common.join("; "));
    text
}
