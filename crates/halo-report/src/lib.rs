//! A [`Report`] to read: [`markdown`], one self-contained [`html`] page, [`json`], and a [`summary`] for a
//! terminal.
//!
//! Rendering is pure: it reads the report and nothing else, and the same report always gives the same text.
//! It neither sorts nor counts, but for adding up neighbouring stretches of time; findings come in the order the
//! report has them, which [`rank`] makes, and the page says why each stands where it stands.
//!
//! The three texts for people are set from one inner view, so that their words and numbers agree. Whatever
//! comes from a trace or a model is the text of strangers: control characters become visible symbols,
//! Markdown and HTML in it stay text, and the page carries no script and loads nothing.
//!
//! ```
//! # use halo_protocol::{Coverage, DatasetSummary, Report, RunEnd, RunInfo, RunMode, Usage};
//! # let report = Report {
//! #     format_version: 1,
//! #     run: RunInfo {
//! #         halo_version: "0.1.0".to_owned(), started_at: "2026-03-02T08:00:00Z".to_owned(), elapsed_ms: 40,
//! #         mode: RunMode::Offline, prompt: None, input: "traces/".to_owned(), end: RunEnd::Complete,
//! #     },
//! #     dataset: DatasetSummary { traces: 150, ..DatasetSummary::default() },
//! #     answer: None, findings: Vec::new(), refused: Vec::new(), coverage: Coverage::default(),
//! #     usage: Usage::default(), cost_usd: None, queries: Vec::new(),
//! # };
//! assert!(halo_report::markdown(&report).starts_with("# No systemic fault found in 150 runs."));
//! assert_eq!(serde_json::from_str::<Report>(&halo_report::json(&report)).ok(), Some(report));
//! ```

mod answer;
mod answer_markdown;
mod escape;
mod handoff;
mod html;
mod markdown;
mod number;
mod prose;
mod rank;
mod summary;
mod text;
mod view;

use halo_protocol::Report;

pub use html::html;
pub use markdown::markdown;
pub use rank::rank;
pub use summary::summary;

/// The whole report as indented JSON, nothing shortened or made safe: the form that programs read.
///
/// Fractions are written with all the digits that tell them apart. A parser that rounds exactly gives the same
/// [`Report`] back; serde_json does so with its feature `float_roundtrip`, and without it may miss a fraction by
/// one unit in the last place.
#[must_use]
pub fn json(report: &Report) -> String {
    match serde_json::to_string_pretty(report) {
        Ok(text) => text + "\n",
        // A report is plain data and always has a JSON form. Should that change, the reader sees why it is
        // missing.
        Err(error) => serde_json::json!({ "error": error.to_string() }).to_string() + "\n",
    }
}
