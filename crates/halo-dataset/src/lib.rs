//! Spans as columns on disk: the schema, chunks of spans, Parquet segments, trace roll-ups and the manifest.
//!
//! [`SpanBatchBuilder`] turns [`SpanRow`]s into Arrow batches; texts and messages that a row refers to are held once in a [`Content`], and both
//! together are a [`SpanChunk`]. [`DatasetWriter`] writes chunks as segments (sorted by trace, rolled up to one row a trace) and commits them with
//! one rename of the manifest, [`Dataset::open`] gives the files of a committed dataset, and [`ContentStore`] the texts and messages in them.
//! Several readers and one writer may work at a time; a killed writer leaves the old state or the new.
//!
//! This crate knows no input format and no SQL: halo-ingest writes through it, halo-query reads through it, and what both know of
//! the columns is in [`SPAN_COLUMNS`], [`TRACE_COLUMNS`], [`MESSAGE_COLUMNS`] and [`TEXT_COLUMNS`].

mod bulk;
mod causes;
mod chunk;
mod column;
mod compact;
mod content;
mod content_file;
mod dataset;
mod error;
mod failure;
pub mod holes;
mod json_text;
mod manifest;
mod message;
mod outcome;
mod parquet_io;
mod read;
mod readers;
mod rollup;
mod segment;
mod signature;
mod span;
mod store;
mod straddle;
mod tags;
mod trace;
mod writer;

pub use bulk::{Segment, place_of};
pub use causes::causes;
pub use chunk::{SpanChunk, SpanPlace};
pub use column::{Column, ColumnKind};
pub use compact::{Compaction, compact};
pub use content::{Content, MessageDraft, TextTable, texts_hash};
pub use dataset::Dataset;
pub use error::{DatasetError, Result};
pub use failure::{failure_code, result_failure};
pub use json_text::{Comparison, JsonOut, Spelling, write_compact, write_escaped_bytes, write_string};
pub use manifest::{FORMAT_VERSION, Manifest, SegmentMeta, Settled, SourceMeta};
pub use message::{MESSAGE_COLUMNS, MessageBatchBuilder, MessageRow, TEXT_COLUMNS};
pub use parquet_io::Effort;
pub use read::{StoredSpan, read_columns};
pub use segment::{SegmentJob, SegmentOutcome};
pub use signature::error_signature;
pub use span::{SPAN_COLUMNS, SpanBatchBuilder, SpanRow};
pub use store::{ContentStore, Loaded, SpanParts, StoredMessage, list};
pub use tags::{is_tag_key, is_tag_value, push_tag, push_tag_pair};
pub use trace::{TRACE_COLUMNS, TraceBatchBuilder, TraceRow};
pub use writer::{Commit, DatasetWriter, Novelty, SpanLedger};
