//! Parsed chunks, in the order of the input, to segments: duplicates dropped, traces kept together.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BooleanArray, BooleanBuilder, RecordBatch, StringViewArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use halo_dataset::{Novelty, SpanLedger};
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// Collects batches until they fill a segment.
pub(crate) struct Assembler {
    ledger: SpanLedger,
    segment_bytes: usize,
    /// Batches with the position of their end in the stream of text.
    batches: Vec<RecordBatch>,
    bytes: usize,
    /// Position in the stream of text.
    position: usize,
    /// Hash of a trace id to the position where a span of it was seen last.
    last_seen: HashMap<u64, usize>,
}

/// What a batch lost on its way in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) spans: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
}

impl Assembler {
    pub(crate) fn new(ledger: SpanLedger, segment_bytes: usize) -> Self {
        Self { ledger, segment_bytes, batches: Vec::new(), bytes: 0, position: 0, last_seen: HashMap::new() }
    }

    /// Takes a batch, without the spans that are there already.
    pub(crate) fn add(&mut self, batch: RecordBatch, bytes: usize) -> Result<Admitted, arrow::error::ArrowError> {
        let mut admitted = Admitted::default();
        self.position += bytes;
        if batch.num_rows() == 0 {
            return Ok(admitted);
        }
        let schema = batch.schema();
        let trace_ids: &StringViewArray = batch.column(schema.index_of("trace_id")?).as_string_view();
        let span_ids: &StringViewArray = batch.column(schema.index_of("span_id")?).as_string_view();
        let hashes = batch.column(schema.index_of("content_hash")?).as_primitive::<Int64Type>();
        let mut keep = BooleanBuilder::with_capacity(batch.num_rows());
        let mut conflicts = BooleanBuilder::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let novelty = self.ledger.note(trace_ids.value(row), span_ids.value(row), hashes.value(row));
            keep.append_value(novelty != Novelty::Duplicate);
            conflicts.append_value(novelty == Novelty::Conflict);
            match novelty {
                Novelty::Duplicate => admitted.duplicates += 1,
                Novelty::Conflict => admitted.conflicts += 1,
                Novelty::New => {}
            }
            self.last_seen.insert(XxHash3_64::oneshot(trace_ids.value(row).as_bytes()), self.position);
        }
        admitted.spans = batch.num_rows() as u64 - admitted.duplicates;
        let mut batch = batch;
        if admitted.conflicts > 0 {
            let mut columns = batch.columns().to_vec();
            columns[schema.index_of("id_conflict")?] = Arc::new(conflicts.finish());
            batch = RecordBatch::try_new(schema, columns)?;
        }
        if admitted.duplicates > 0 {
            batch = filter_record_batch(&batch, &keep.finish())?;
        }
        self.bytes += bytes;
        self.batches.push(batch);
        Ok(admitted)
    }

    /// The spans of the next segment, when there are enough. Traces that are still going on stay behind, so that nearly every trace ends up
    /// whole in one segment.
    pub(crate) fn full_segment(&mut self) -> Result<Option<Vec<RecordBatch>>, arrow::error::ArrowError> {
        if self.bytes < self.segment_bytes {
            return Ok(None);
        }
        let recent = self.position.saturating_sub(self.segment_bytes / 4);
        let mut out = Vec::new();
        let mut held = Vec::new();
        let mut rows = 0;
        let mut rows_held = 0;
        for batch in &self.batches {
            let trace_ids: &StringViewArray = batch.column(batch.schema_ref().index_of("trace_id")?).as_string_view();
            let is_recent = |id: Option<&str>| {
                let seen = id.and_then(|id| self.last_seen.get(&XxHash3_64::oneshot(id.as_bytes())));
                Some(seen.is_some_and(|seen| *seen > recent))
            };
            let mask: BooleanArray = trace_ids.iter().map(is_recent).collect();
            rows += batch.num_rows();
            rows_held += mask.true_count();
            if mask.true_count() < batch.num_rows() {
                out.push(filter_record_batch(batch, &arrow::compute::not(&mask)?)?);
            }
            if mask.true_count() > 0 {
                held.push(compacted(&filter_record_batch(batch, &mask)?)?);
            }
        }
        // Long traces that never rest would fill memory: then everything goes, and they straddle.
        if rows_held * 2 > rows {
            return Ok(Some(self.take_all()));
        }
        self.last_seen.retain(|_, seen| *seen > recent);
        self.bytes = self.bytes * rows_held / rows.max(1);
        self.batches = held;
        Ok(Some(out))
    }

    /// All that is left, for the last segment; empty when nothing is.
    pub(crate) fn take_all(&mut self) -> Vec<RecordBatch> {
        self.bytes = 0;
        self.last_seen.clear();
        std::mem::take(&mut self.batches)
    }
}

/// A copy whose texts stand alone, so that a few rows do not keep the text of their whole chunk in memory.
fn compacted(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = batch.columns().iter().map(|column| match column.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()) as Arc<dyn Array>,
        None => Arc::clone(column),
    });
    RecordBatch::try_new(batch.schema(), columns.collect())
}
