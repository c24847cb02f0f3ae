//! What came of an ingest.

use halo_redact::RedactionCounts;
use serde::Serialize;

use crate::{LineCounts, Rejects};

/// What an ingest came to.
#[derive(Debug, Clone, Serialize)]
pub struct IngestReport {
    /// Inputs that were read, in order.
    pub sources: Vec<SourceReport>,
    /// Inputs that were there already, unchanged, and were not read again.
    pub unchanged: Vec<String>,
    /// Lines of all inputs.
    pub counts: LineCounts,
    /// Spans kept.
    pub spans: u64,
    /// Exact duplicates dropped.
    pub duplicates: u64,
    /// Spans kept although another span has their id.
    pub conflicts: u64,
    /// Rejected lines and spans.
    pub rejects: Rejects,
    /// What was masked, by rule.
    pub redacted: RedactionCounts,
    /// Stored bytes read.
    pub bytes_read: u64,
    /// Where the time went.
    pub timing: Timing,
    /// Traces in the dataset now.
    pub dataset_traces: u64,
    /// Spans in the dataset now.
    pub dataset_spans: u64,
}

/// What one input came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SourceReport {
    /// The input.
    pub name: String,
    /// Its lines.
    pub counts: LineCounts,
    /// Spans kept.
    pub spans: u64,
    /// Exact duplicates dropped.
    pub duplicates: u64,
    /// Rejected lines and spans.
    pub rejects: u64,
}

/// Where the time of an ingest went, in milliseconds. Parsing and writing are summed over threads.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Timing {
    /// Wall time.
    pub total_ms: u64,
    /// Reading and decompressing.
    pub read_ms: u64,
    /// Parsing and mapping.
    pub parse_ms: u64,
    /// Sorting, rolling up, compressing and writing segments.
    pub write_ms: u64,
    /// Making it part of the dataset.
    pub commit_ms: u64,
}

impl IngestReport {
    /// Rejects per line that is not blank, within 0..=1: what `--max-rejects` is held against.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of lines needs no more than 52 bits")]
    pub fn reject_rate(&self) -> f64 {
        let lines = self.counts.lines - self.counts.blank_lines;
        if lines == 0 { 0.0 } else { (self.rejects.count() as f64 / lines as f64).min(1.0) }
    }
}
