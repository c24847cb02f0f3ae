//! The words every halo crate shares: chat messages, tool specs, run events, findings and the report.
//!
//! Plain data with `serde` and `schemars`, and nothing else: no columns, no HTTP, no async. A type is here when two crates
//! that do not know each other exchange it. Everything that is written to disk or shown to a program
//! (`events.jsonl`, `findings.json`, `report.json`) is made of these types.
//!
//! ```
//! use halo_protocol::{Interval, Severity};
//! let rate = Interval::wilson(12, 150);
//! assert!(rate.low < 0.08 && 0.08 < rate.high);
//! assert!(Severity::High > Severity::Low);
//! ```

mod event;
mod finding;
mod message;
mod report;
mod schema;
mod usage;

pub use event::{AgentOutcome, EventKind, RequestPurpose, RunEvent};
pub use finding::{
    CodeCitation, Conversation, Evidence, Finding, FindingDraft, FindingSource, Interval, OutcomeContrast, ScopeEntry,
    Severity, TrendPoint, Turn, TurnRole,
};
pub use message::{Message, ToolCall, ToolSpec};
pub use report::{
    CheckOutcome, Count, Coverage, DatasetSummary, NamedQuery, OutcomeCounts, RefusedFinding, Report, RunEnd, RunInfo,
    RunMode, Untold,
};
pub use schema::report_schema;
pub use usage::Usage;

/// Version of the stored formats made of this crate's types (`events.jsonl`, `report.json`).
pub const FORMAT_VERSION: u32 = 1;
