//! `list_findings`: what any agent of the run has reported so far, and the tables that were made.

use std::fmt::Write;
use std::sync::Arc;

use halo_protocol::{Finding, FindingSource};
use halo_tool::{DataTables, Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::findings::FindingBoard;

/// The tool.
pub(crate) struct ListFindings {
    pub(crate) board: FindingBoard,
    pub(crate) tables: Option<Arc<dyn DataTables>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListFindingsArgs {}

impl Tool for ListFindings {
    type Args = ListFindingsArgs;

    fn name(&self) -> &'static str {
        "list_findings"
    }

    fn description(&self) -> &str {
        include_str!("list_findings.md")
    }

    async fn call(&self, _: ListFindingsArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        Ok(ToolOutput::text(shared(&self.board, self.tables.as_deref(), true)))
    }
}

/// What the agents of a run share, as text: findings, with their SQL when asked for, and saved tables.
pub(crate) fn shared(board: &FindingBoard, tables: Option<&dyn DataTables>, with_sql: bool) -> String {
    let mut text = String::new();
    if with_sql && !board.known().is_empty() {
        text.push_str("Found by built-in checks before this run, and in the report:\n");
        board.known().iter().for_each(|finding| tell(&mut text, finding, with_sql));
    }
    let findings = board.findings();
    text.push_str(if findings.is_empty() {
        "No agent has reported a finding yet.\n"
    } else {
        "Reported by agents so far:\n"
    });
    findings.iter().for_each(|finding| tell(&mut text, finding, with_sql));
    let saved = tables.map(DataTables::saved).unwrap_or_default();
    if !saved.is_empty() {
        text.push_str("Saved tables:\n");
    }
    for table in saved {
        let _ = writeln!(text, "- {} ({} rows): {}", table.name, table.rows, table.columns.join(", "));
    }
    text.trim_end().to_owned()
}

fn tell(text: &mut String, finding: &Finding, with_sql: bool) {
    let by = match &finding.source {
        FindingSource::Agent { name } | FindingSource::Check { name } => name,
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "- {} [{}] {}: {} of {} traces, by {by}",
        finding.id,
        finding.severity.as_str(),
        finding.title,
        finding.affected,
        finding.population
    );
    if with_sql {
        let _ = writeln!(text, "  affected: {}", one_line(&finding.affected_sql));
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
