//! A finding: one systemic fault of a harness, with the SQL that counts it and the quotes that prove it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a fault hurts. Ordered: `Low < Medium < High < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Cosmetic, or waste that nobody notices.
    Low,
    /// Runs get slower or dearer, or need a second try.
    Medium,
    /// Runs fail, or users get a wrong or missing answer.
    High,
    /// Harm that outlasts the run: money, data, safety.
    Critical,
}

impl Severity {
    /// The name as it is written in reports and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A 95 % confidence interval of a rate, both ends within 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The Wilson score interval of `hits` out of `total` (Wilson 1927). An empty population gives 0..=1: nothing is known.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of traces stay far below 2^52")]
    pub fn wilson(hits: u64, total: u64) -> Self {
        if total == 0 {
            return Self { low: 0.0, high: 1.0 };
        }
        let z = 1.959_963_984_540_054_f64;
        let n = total as f64;
        let p = hits as f64 / n;
        let z2n = z * z / n;
        let centre = p + z2n / 2.0;
        let half = z * (p * (1.0 - p) / n + z2n / (4.0 * n)).sqrt();
        let low = if hits == 0 { 0.0 } else { ((centre - half) / (1.0 + z2n)).max(0.0) };
        let high = if hits >= total { 1.0 } else { ((centre + half) / (1.0 + z2n)).min(1.0) };
        Self { low, high }
    }
}

/// A verbatim quote and the span it stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Trace of the span.
    pub trace_id: String,
    /// The span that holds the quote.
    pub span_id: String,
    /// Text that stands in the decoded span, character for character.
    pub quote: String,
}

/// Lines of the harness's code, as they stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeCitation {
    /// File and lines: `path:12` or `path:12-18`, the path relative to the root of the code.
    pub place: String,
    /// The lines.
    pub text: String,
    /// Commit they are of; `None` for the folder as it was.
    pub commit: Option<String>,
}

/// What was said around a quote, so that a reader sees it where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Trace of the quote.
    pub trace_id: String,
    /// The span that holds the quote.
    pub span_id: String,
    /// What was said and done, in order of time, the quoted part among it.
    pub turns: Vec<Turn>,
}

/// One thing that was said or done in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// The span it stands in.
    pub span_id: String,
    /// Whose it is.
    pub role: TurnRole,
    /// Name of the tool or agent; `None` where there is none to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its text, or the beginning of it.
    pub text: String,
    /// Whether the text goes on.
    pub is_cut: bool,
    /// Whether this is the span that is quoted.
    pub is_quoted: bool,
}

/// Whose a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnRole {
    /// What a person or a calling program asked.
    User,
    /// What the model said.
    Assistant,
    /// What a tool was asked.
    ToolCall,
    /// What a tool gave back.
    ToolResult,
    /// Anything else that a span holds.
    Other,
}

/// How often something happened in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrendPoint {
    /// First day of the stretch, `YYYY-MM-DD`, UTC.
    pub from: String,
    /// Last day of the stretch, `YYYY-MM-DD`, UTC.
    pub to: String,
    /// Affected traces that start in it.
    pub affected: u64,
    /// Traces of the population that start in it.
    pub population: u64,
}

/// An attribute value that the affected traces concentrate in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeEntry {
    /// Attribute or column, for example `service.version` or `model`.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Affected traces with this value.
    pub affected: u64,
    /// Traces with this value among those compared.
    pub population: u64,
    /// Traces that the value was compared among: the finding's population, or all traces of the dataset where every trace of the
    /// population with another value is hit as well, as with a tool that only one tenant uses.
    pub among: u64,
    /// Rate within this value over the rate among all that were compared; above 1 is concentration.
    pub lift: f64,
    /// Two-sided p-value of Fisher's exact test, times the number of values tried (Bonferroni), at most 1.
    pub p_value: f64,
}

/// How often something happened among the runs of a population that failed, and among those that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeContrast {
    /// Affected traces among those that failed.
    pub failed_affected: u64,
    /// Traces that failed.
    pub failed: u64,
    /// Affected traces among those that passed.
    pub passed_affected: u64,
    /// Traces that passed.
    pub passed: u64,
}

/// Who reported a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum FindingSource {
    /// A built-in deterministic check.
    Check {
        /// Name of the check.
        name: String,
    },
    /// An agent of the run.
    Agent {
        /// Name of the agent.
        name: String,
    },
}

/// A finding as somebody claims it, before the gate has re-executed anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingDraft {
    /// One line: the fault, not the symptom's wording.
    pub title: String,
    /// Kind of fault, for example `tool_use`, `context`, `termination`.
    pub category: String,
    /// How much it hurts.
    pub severity: Severity,
    /// What happens, in a sentence or two.
    pub claim: String,
    /// Why it happens: which part of the harness.
    pub cause: String,
    /// What to change in the harness.
    pub fix: String,
    /// One SELECT that returns the affected traces in a column `trace_id`.
    pub affected_sql: String,
    /// One SELECT that returns the traces the rate is out of in a column `trace_id`; all traces when absent.
    pub population_sql: Option<String>,
    /// Quotes that show it.
    pub evidence: Vec<Evidence>,
    /// Who claims it.
    pub source: FindingSource,
}

/// One systemic fault, re-executed: every number was counted by the SQL beside it, every quote found in its span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable for the same fault across runs.
    pub id: String,
    /// One line: the fault.
    pub title: String,
    /// Kind of fault.
    pub category: String,
    /// How much it hurts.
    pub severity: Severity,
    /// What happens, in a sentence or two.
    pub claim: String,
    /// Why it happens.
    pub cause: String,
    /// What to change in the harness.
    pub fix: String,
    /// One SELECT that returns the affected traces.
    pub affected_sql: String,
    /// One SELECT that returns the population.
    pub population_sql: String,
    /// Distinct affected traces.
    pub affected: u64,
    /// Distinct traces of the population.
    pub population: u64,
    /// `affected / population`, within 0..=1.
    pub rate: f64,
    /// 95 % interval of the rate.
    pub interval: Interval,
    /// The same among runs that failed and runs that passed; `None` where the traces do not tell of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<OutcomeContrast>,
    /// Attribute values the affected traces concentrate in, strongest first; empty when none stands out beyond chance.
    pub scope: Vec<ScopeEntry>,
    /// The same over time, oldest first, without gaps; empty when the traces are of one day or say no time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<TrendPoint>,
    /// Verbatim quotes, each found in its span.
    pub evidence: Vec<Evidence>,
    /// What was said around the quotes, in their order; a quote may have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversations: Vec<Conversation>,
    /// Places in the harness's code that cause it, looked up when it was reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<CodeCitation>,
    /// Ids of affected traces, at most 20, in id order: where a reader starts.
    pub sample_trace_ids: Vec<String>,
    /// Who reported it.
    pub source: FindingSource,
    /// Whether numbers and quotes were re-executed against the dataset.
    pub verified: bool,
}

impl Finding {
    /// Whether a check reported it.
    #[must_use]
    pub fn is_of_check(&self) -> bool {
        matches!(self.source, FindingSource::Check { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_matches_published_values() {
        // 10 of 100: 0.0552..0.1744; 0 of 20: 0..0.1611 (Newcombe 1998's method 3).
        let round = |i: Interval| ((i.low * 1e4).round() / 1e4, (i.high * 1e4).round() / 1e4);
        assert_eq!(round(Interval::wilson(10, 100)), (0.0552, 0.1744));
        assert_eq!(round(Interval::wilson(0, 20)), (0.0, 0.1611));
        assert_eq!(round(Interval::wilson(20, 20)), (0.8389, 1.0));
        assert_eq!(round(Interval::wilson(0, 0)), (0.0, 1.0));
    }
}
