//! Filters on traces, as the tools take them, and the condition in SQL that they make.

use schemars::JsonSchema;
use serde::Deserialize;

use super::sql_text;
use crate::{QueryError, pattern};

/// Which traces to look at. All given conditions must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceFilters {
    /// Whether a span has status ERROR. Most tool failures have not: use sql with failed_tool_calls > 0.
    has_errors: Option<bool>,
    model_names: Option<Vec<String>>,
    service_names: Option<Vec<String>>,
    agent_names: Option<Vec<String>>,
    project_id: Option<String>,
    /// As in 2026-01-31T00:00:00Z.
    start_time_gte: Option<String>,
    end_time_lte: Option<String>,
    /// Has a decoded text that matches, as in search.
    regex_pattern: Option<String>,
}

impl TraceFilters {
    /// The condition over `traces`; `true` when there is none.
    pub(crate) fn condition(&self) -> Result<String, QueryError> {
        let mut parts = Vec::new();
        if let Some(has_errors) = self.has_errors {
            parts.push(if has_errors { "has_errors" } else { "NOT has_errors" }.to_owned());
        }
        for (column, values) in
            [("models", &self.model_names), ("service_names", &self.service_names), ("agent_names", &self.agent_names)]
        {
            if let Some(values) = values.as_ref().filter(|values| !values.is_empty()) {
                let values: Vec<String> = values.iter().map(|value| sql_text(value)).collect();
                parts.push(format!("array_has_any({column}, make_array({}))", values.join(", ")));
            }
        }
        if let Some(project_id) = &self.project_id {
            parts.push(format!("project_id = {}", sql_text(project_id)));
        }
        if let Some(time) = &self.start_time_gte {
            parts.push(format!("start_time >= {}", sql_text(time)));
        }
        if let Some(time) = &self.end_time_lte {
            parts.push(format!("end_time <= {}", sql_text(time)));
        }
        if let Some(pattern) = &self.regex_pattern {
            // Compiled here for its error; the search compiles it again.
            pattern::compile(pattern)?;
            parts.push(format!("trace_matches(trace_id, {})", sql_text(pattern)));
        }
        if parts.is_empty() {
            return Ok("true".to_owned());
        }
        Ok(parts.join(" AND "))
    }
}
