//! OpenTelemetry trace JSON to a halo dataset: flat lines and OTLP/JSON in, plain or compressed, Parquet segments out.
//!
//! [`ingest`] reads the sources in order, parses chunks of lines on all threads, drops exact duplicates, keeps traces together, and commits once
//! at the end. A line that can't be taken is a [`Reject`], counted with its place and reason; it never stops the rest. Memory is bounded by
//! the options, not by the input.
//!
//! What each convention's attributes mean is one table: `conventions.rs`.

mod assemble;
mod attributes;
mod chunks;
mod collect;
mod conventions;
mod error;
mod flat;
mod json;
mod messages;
mod otlp;
mod parse;
mod pipeline;
mod reject;
mod report;
mod source;
mod span;
mod time;

pub use error::IngestError;
pub use parse::LineCounts;
pub use pipeline::{IngestOptions, Progress, ingest};
pub use reject::{Reject, RejectKind, Rejects};
pub use report::{IngestReport, SourceReport, Timing};
pub use source::Source;
