//! `report_finding`: a claim goes through the gate, and the model reads what came of it.

use std::fmt::Write;
use std::sync::Arc;

use halo_protocol::{CodeCitation, EventKind, Evidence, Finding, FindingDraft, FindingSource, Severity};
use halo_tool::{CodeSource, Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::findings::FindingBoard;
use crate::{AgentIdentity, EventSink};

pub(crate) const REPORT_FINDING: &str = "report_finding";

/// Scope entries the model is told of; the report holds all.
const SCOPE_ENTRIES_SHOWN: usize = 5;

/// The tool of one agent.
pub(crate) struct ReportFinding {
    pub(crate) board: FindingBoard,
    pub(crate) sink: EventSink,
    pub(crate) agent: AgentIdentity,
    /// The code of the harness, where it is at hand.
    pub(crate) code: Option<Arc<dyn CodeSource>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportFindingArgs {
    /// One line: the fault, not a symptom.
    title: String,
    /// Kind of fault in one word: tool_use, tool_schema, prompt, context, retry, termination, truncation, honesty, …
    category: String,
    severity: SeverityArg,
    claim: String,
    cause: String,
    fix: String,
    /// One SELECT of the affected traces' `trace_id`.
    affected_sql: String,
    /// One SELECT of the `trace_id`s that the rate is out of; all traces when absent.
    population_sql: Option<String>,
    evidence: Vec<EvidenceArg>,
    /// Places in the harness's code, if at hand: path:line or path:first-last, with @commit for an older one.
    code: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SeverityArg {
    Critical,
    High,
    Medium,
    Low,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EvidenceArg {
    trace_id: String,
    span_id: String,
    /// Verbatim text of the span.
    quote: String,
}

impl Tool for ReportFinding {
    type Args = ReportFindingArgs;

    fn name(&self) -> &'static str {
        REPORT_FINDING
    }

    fn description(&self) -> &str {
        include_str!("report_finding.md")
    }

    async fn call(&self, mut args: ReportFindingArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        let places = args.code.take().unwrap_or_default();
        let draft = args.into_draft(&self.agent.name);
        let title = draft.title.clone();
        let reported = match self.cite(&places).await {
            Ok(code) => self.board.report(draft, code).await,
            Err(reason) => Err(self.board.refuse(&title, reason)),
        };
        match reported {
            Ok((finding, replaced)) => {
                let text = accepted_text(&finding, replaced);
                let finding = Box::new(finding);
                self.sink.emit(&self.agent, EventKind::FindingAccepted { finding });
                Ok(ToolOutput::text(text))
            }
            Err(error) => {
                let reason = error.reason;
                let text = format!("refused, and not in the report: {reason}");
                self.sink.emit(&self.agent, EventKind::FindingRefused { title, reason });
                Err(ToolError::for_model(text))
            }
        }
    }
}

impl ReportFinding {
    /// Looks up each place in the code.
    async fn cite(&self, places: &[String]) -> Result<Vec<CodeCitation>, String> {
        let places = places.iter().filter(|place| !place.trim().is_empty());
        let Some(code) = &self.code else {
            // A model that fills in every field must not fail for that.
            return Ok(Vec::new());
        };
        let mut cited = Vec::new();
        for place in places {
            cited
                .push(code.cite(place).await.map_err(|reason| format!("the code `{place}` can't be cited: {reason}"))?);
        }
        Ok(cited)
    }
}

impl ReportFindingArgs {
    fn into_draft(self, agent_name: &str) -> FindingDraft {
        FindingDraft {
            title: self.title,
            category: self.category,
            severity: match self.severity {
                SeverityArg::Critical => Severity::Critical,
                SeverityArg::High => Severity::High,
                SeverityArg::Medium => Severity::Medium,
                SeverityArg::Low => Severity::Low,
            },
            claim: self.claim,
            cause: self.cause,
            fix: self.fix,
            affected_sql: self.affected_sql,
            // Models fill in an empty text where they mean nothing.
            population_sql: self.population_sql.filter(|sql| !sql.trim().is_empty()),
            evidence: self
                .evidence
                .into_iter()
                .map(|evidence| Evidence {
                    trace_id: evidence.trace_id,
                    span_id: evidence.span_id,
                    quote: evidence.quote,
                })
                .collect(),
            source: FindingSource::Agent { name: agent_name.to_owned() },
        }
    }
}

/// What the model is told of a finding that passed: enough to see whether its query selects what it meant.
fn accepted_text(finding: &Finding, replaced: bool) -> String {
    let mut text = format!(
        "accepted as {}: {} of {} traces, {} (95 % interval {} to {})",
        finding.id,
        finding.affected,
        finding.population,
        percent(finding.rate),
        percent(finding.interval.low),
        percent(finding.interval.high),
    );
    let mut separator = "; concentrates in ";
    for entry in finding.scope.iter().take(SCOPE_ENTRIES_SHOWN) {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{separator}{} = {} ({} of {} there, lift {:.1}, p {:.2e})",
            entry.key, entry.value, entry.affected, entry.population, entry.lift, entry.p_value
        );
        separator = ", ";
    }
    if finding.scope.is_empty() {
        text.push_str("; no group of runs stands out");
    }
    if replaced {
        text.push_str("; this takes the place of your earlier report with this id");
    }
    text
}

fn percent(rate: f64) -> String {
    format!("{:.1} %", rate * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo_protocol::{Interval, ScopeEntry};

    #[test]
    fn an_accepted_finding_is_one_compact_line() {
        let mut finding = Finding {
            id: "f-12".into(),
            title: String::new(),
            category: String::new(),
            severity: Severity::High,
            claim: String::new(),
            cause: String::new(),
            fix: String::new(),
            affected_sql: String::new(),
            population_sql: String::new(),
            affected: 14,
            population: 150,
            rate: 14.0 / 150.0,
            interval: Interval::wilson(14, 150),
            scope: vec![],
            evidence: vec![],
            code: vec![],
            outcomes: None,
            trend: Vec::new(),
            conversations: Vec::new(),
            sample_trace_ids: vec![],
            source: FindingSource::Agent { name: "root".into() },
            verified: true,
        };
        let head = "accepted as f-12: 14 of 150 traces, 9.3 % (95 % interval 5.6 % to 15.1 %); ";
        assert_eq!(accepted_text(&finding, false), format!("{head}no group of runs stands out"));
        finding.scope = vec![ScopeEntry {
            key: "service.version".into(),
            value: "2.3.1".into(),
            affected: 14,
            population: 40,
            among: 150,
            lift: 3.75,
            p_value: 0.000_001_2,
        }];
        assert_eq!(
            accepted_text(&finding, true),
            format!(
                "{head}concentrates in service.version = 2.3.1 (14 of 40 there, lift 3.8, p 1.20e-6); this takes the place \
                 of your earlier report with this id"
            )
        );
    }
}
