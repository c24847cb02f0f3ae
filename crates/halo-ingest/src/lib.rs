//! OpenTelemetry traces to a halo dataset: flat lines, OTLP/JSON and OTLP protobuf in, plain or compressed, Parquet segments out.
//!
//! [`ingest`] reads the sources in order, parses chunks of lines on all threads, drops exact duplicates, keeps traces together, and commits once
//! at the end. A line that can't be taken is a [`Reject`], counted with its place and reason; it never stops the rest. Memory is bounded by
//! the options, not by the input.
//!
//! What each convention's attributes mean is one table: `conventions/rules.rs`.

mod assemble;
mod attributes;
mod chunks;
mod collect;
mod conventions;
mod detect;
mod dictionary;
mod documents;
mod error;
mod export;
mod find;
mod flat;
mod follow;
mod form;
mod frames;
#[doc(hidden)]
pub mod fuzzing;
mod input;
mod json;
mod key;
mod mapping;
mod messages;
mod object;
mod otlp;
mod parse;
mod pipeline;
mod plan;
mod proto;
mod reader;
mod redact;
mod reject;
mod report;
mod scan;
mod shape;
mod shortcuts;
mod skeleton;
mod source;
mod span;
mod survey;
mod tape;
#[cfg(test)]
#[path = "tests/testing.rs"]
mod testing;
mod time;
mod unpack;
mod utf16;

pub use conventions::{MappedAttribute, mapped_attribute, mapped_attributes};
pub use error::IngestError;
pub use export::{ExportError, ExportFormat, export};
pub use follow::follow;
pub use halo_redact::{RedactionCounts, Redactor, RuleError};
pub use parse::LineCounts;
pub use pipeline::{IngestOptions, Progress, ingest};
pub use reject::{Reject, RejectKind, Rejects};
pub use report::{IngestReport, SourceReport, Timing};
pub use source::Source;
pub use survey::{Filled, Mapping, Survey, survey};
