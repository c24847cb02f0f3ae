//! Spans as columns on disk: the schema, batches of spans, Parquet segments, trace roll-ups and the manifest.
//!
//! [`SpanBatchBuilder`] turns [`SpanRow`]s into Arrow batches, [`DatasetWriter`] writes batches as segments (sorted by
//! trace, rolled up to one row a trace) and commits them with one rename of the manifest, [`Dataset::open`] gives the files of
//! a committed dataset. Several readers and one writer may work at a time; a killed writer leaves the old state or the new.
//!
//! This crate knows no input format and no SQL: halo-ingest writes through it, halo-query reads through it, and what both know of
//! the columns is in [`SPAN_COLUMNS`] and [`TRACE_COLUMNS`].

mod column;
mod dataset;
mod error;
mod failure;
mod manifest;
mod parquet_io;
mod rollup;
mod segment;
mod signature;
mod span;
mod straddle;
mod tags;
mod trace;
mod writer;

pub use column::{Column, ColumnKind};
pub use dataset::Dataset;
pub use error::{DatasetError, Result};
pub use failure::result_failure;
pub use manifest::{FORMAT_VERSION, Manifest, SegmentMeta, SourceMeta};
pub use segment::{SegmentJob, SegmentOutcome};
pub use signature::error_signature;
pub use span::{SPAN_COLUMNS, SpanBatchBuilder, SpanRow};
pub use tags::push_tag;
pub use trace::{TRACE_COLUMNS, TraceBatchBuilder, TraceRow};
pub use writer::{Commit, DatasetWriter, Novelty, SpanLedger};
