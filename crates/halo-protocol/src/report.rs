//! The report: what a run found, what it looked at, and what it cost. Rendered by halo-report, stored as `report.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Evidence, Finding, Usage};

/// Everything a report says. Rendering adds nothing to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this format.
    pub format_version: u32,
    /// The run.
    pub run: RunInfo,
    /// What the dataset holds.
    pub dataset: DatasetSummary,
    /// The model's answer as Markdown; `None` offline.
    pub answer: Option<String>,
    /// Findings, the one to fix first at the front.
    pub findings: Vec<Finding>,
    /// Claims that did not pass the gate.
    pub refused: Vec<RefusedFinding>,
    /// What was looked at.
    pub coverage: Coverage,
    /// What the model cost; all zero offline.
    pub usage: Usage,
    /// The same in US dollars; `None` where no price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Queries behind the report beside those of the findings.
    pub queries: Vec<NamedQuery>,
}

/// The run behind a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Version of halo.
    pub halo_version: String,
    /// When the run began, RFC 3339, UTC.
    pub started_at: String,
    /// Wall time in milliseconds.
    pub elapsed_ms: u64,
    /// How it worked.
    pub mode: RunMode,
    /// The user's question, when there was one.
    pub prompt: Option<String>,
    /// What was analysed, as the user named it.
    pub input: String,
    /// How it ended.
    pub end: RunEnd,
}

/// With or without a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum RunMode {
    /// The checks alone.
    Offline,
    /// A model read the traces.
    Model {
        /// Its name.
        model: String,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum RunEnd {
    /// It did all it set out to do.
    Complete,
    /// The root agent ran out of turns; the report holds what was found by then.
    TurnLimit,
    /// The run's budget was spent; the report holds what was found by then.
    BudgetSpent {
        /// Which part of it: `tokens`, `money` or `time`.
        limit: String,
    },
    /// The model or the network failed; the report holds what was found by then.
    Failed {
        /// What failed.
        error: String,
    },
    /// The user interrupted it; the report holds what was found by then.
    Interrupted,
}

/// A value and how many traces have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// The value.
    pub value: String,
    /// Traces with it.
    pub traces: u64,
}

/// How many traces are known to have succeeded or failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeCounts {
    /// Traces that succeeded.
    pub success: u64,
    /// Traces that failed.
    pub failure: u64,
    /// Traces that do not tell.
    pub unknown: u64,
}

/// What a dataset holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetSummary {
    /// Distinct traces.
    pub traces: u64,
    /// Spans.
    pub spans: u64,
    /// Spans with type `LLM`.
    pub llm_spans: u64,
    /// Spans with type `TOOL`.
    pub tool_spans: u64,
    /// Spans with status ERROR.
    pub error_spans: u64,
    /// Traces with at least one such span.
    pub error_traces: u64,
    /// Input tokens, each call counted once however many nested spans report it.
    pub input_tokens: u64,
    /// Output tokens, counted like `input_tokens`.
    pub output_tokens: u64,
    /// How the runs ended, as far as they tell.
    #[serde(default)]
    pub outcomes: OutcomeCounts,
    /// Earliest start, RFC 3339; `None` when the dataset is empty.
    pub first_time: Option<String>,
    /// Latest end, RFC 3339; `None` when the dataset is empty.
    pub last_time: Option<String>,
    /// Services by traces, largest first, at most 20.
    pub services: Vec<Count>,
    /// Agents by traces, largest first, at most 20.
    pub agents: Vec<Count>,
    /// Models by traces, largest first, at most 20.
    pub models: Vec<Count>,
    /// Tools by traces, largest first, at most 20.
    pub tools: Vec<Count>,
}

/// What a run looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Traces in the dataset.
    pub traces_total: u64,
    /// Traces that every check counted over by SQL.
    pub traces_checked: u64,
    /// Distinct traces whose text a model read in full or in part.
    pub traces_read: u64,
    /// Distinct traces that the findings of checks hit together; `None` in reports of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traces_hit: Option<u64>,
    /// Each check and what came of it.
    pub checks: Vec<CheckOutcome>,
}

/// Why a check that matched traces has no finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Untold {
    /// The traces are too few.
    TooFew,
    /// It is a symptom that happens everywhere at times, and no group of runs has it far more often than others.
    NoGroup,
    /// Findings of other checks tell of these traces.
    ToldElsewhere,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckOutcome {
    /// Name of the check.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Traces it matched, below its threshold or above.
    pub affected: u64,
    /// Traces it looked at.
    pub population: u64,
    /// Findings it gave.
    pub findings: u64,
    /// Matches below the threshold, as examples that do not look systemic; at most 3.
    pub one_offs: Vec<Evidence>,
    /// Why it gave no finding where it matched something; `None` where it gave one, matched nothing, or does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<Untold>,
    /// Why it could not run; `None` when it did.
    pub error: Option<String>,
}

/// A claim that did not pass the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedFinding {
    /// Title of the claim.
    pub title: String,
    /// What was wrong.
    pub reason: String,
}

/// A query and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedQuery {
    /// What it shows.
    pub name: String,
    /// The statement.
    pub sql: String,
}
