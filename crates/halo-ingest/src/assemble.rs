//! Parsed chunks, in the order of the input, to segments: duplicates dropped, traces kept together.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanBuilder, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;
use halo_dataset::{Novelty, SpanChunk, SpanLedger, SpanPlace};
use hashbrown::HashMap;
use twox_hash::XxHash3_64;

/// Spans of a segment at most: what is done for all spans of one at once is bounded by it.
const SEGMENT_ROWS_MAX: usize = 128 * 1024;

/// Collects chunks until they fill a segment.
pub(crate) struct Assembler {
    ledger: SpanLedger,
    segment_bytes: usize,
    pending: Vec<Pending>,
    bytes: usize,
    rows: usize,
    /// Position in the stream of spans, in bytes.
    position: usize,
    /// Hash of a trace id to the position where a span of it was seen last.
    last_seen: HashMap<u64, usize>,
}

/// A chunk with the spans of it that are in no segment yet.
struct Pending {
    chunk: Arc<SpanChunk>,
    rows: Vec<u32>,
}

/// The spans of a segment.
pub(crate) struct SegmentSpans {
    pub(crate) chunks: Vec<Arc<SpanChunk>>,
    pub(crate) places: Vec<SpanPlace>,
}

/// What a chunk lost on its way in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) spans: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
}

impl Assembler {
    pub(crate) fn new(ledger: SpanLedger, segment_bytes: usize) -> Self {
        let last_seen = HashMap::new();
        Self { ledger, segment_bytes, pending: Vec::new(), bytes: 0, rows: 0, position: 0, last_seen }
    }

    pub(crate) fn into_ledger(self) -> SpanLedger {
        self.ledger
    }

    /// Takes a chunk, without the spans that are there already.
    pub(crate) fn add(&mut self, mut chunk: SpanChunk) -> Result<Admitted, arrow::error::ArrowError> {
        let mut admitted = Admitted::default();
        self.position += chunk.bytes;
        let batch = &chunk.batch;
        if batch.num_rows() == 0 {
            return Ok(admitted);
        }
        let schema = batch.schema();
        let trace_ids: &StringViewArray = batch.column(schema.index_of("trace_id")?).as_string_view();
        let span_ids: &StringViewArray = batch.column(schema.index_of("span_id")?).as_string_view();
        let hashes = batch.column(schema.index_of("content_hash")?).as_primitive::<Int64Type>();
        let mut rows = Vec::with_capacity(batch.num_rows());
        let mut conflicts = BooleanBuilder::with_capacity(batch.num_rows());
        for (number, row) in (0_u32..).zip(0..batch.num_rows()) {
            let novelty = self.ledger.note(trace_ids.value(row), span_ids.value(row), hashes.value(row));
            conflicts.append_value(novelty == Novelty::Conflict);
            match novelty {
                Novelty::Duplicate => {
                    admitted.duplicates += 1;
                    continue;
                }
                Novelty::Conflict => admitted.conflicts += 1,
                Novelty::New => {}
            }
            rows.push(number);
            self.last_seen.insert(trace_hash(trace_ids.value(row)), self.position);
        }
        admitted.spans = rows.len() as u64;
        if admitted.conflicts > 0 {
            let mut columns = batch.columns().to_vec();
            columns[schema.index_of("id_conflict")?] = Arc::new(conflicts.finish()) as ArrayRef;
            chunk.batch = RecordBatch::try_new(schema, columns)?;
        }
        if !rows.is_empty() {
            self.bytes += chunk.bytes;
            self.rows += rows.len();
            self.pending.push(Pending { chunk: Arc::new(chunk), rows });
        }
        Ok(admitted)
    }

    /// The spans of the next segment, when there are enough. Traces that are still going on stay behind, so that nearly every trace ends up
    /// whole in one segment.
    pub(crate) fn full_segment(&mut self) -> Result<Option<SegmentSpans>, arrow::error::ArrowError> {
        if self.bytes < self.segment_bytes && self.rows < SEGMENT_ROWS_MAX {
            return Ok(None);
        }
        let recent = self.position.saturating_sub(self.segment_bytes / 4);
        let mut going = Vec::new();
        let mut held = Vec::new();
        let mut held_bytes = 0;
        let mut held_rows = 0;
        for Pending { chunk, rows } in std::mem::take(&mut self.pending) {
            let schema = chunk.batch.schema();
            let trace_ids: &StringViewArray = chunk.batch.column(schema.index_of("trace_id")?).as_string_view();
            let is_recent = |row: &u32| {
                let seen = self.last_seen.get(&trace_hash(trace_ids.value(*row as usize)));
                seen.is_some_and(|seen| *seen > recent)
            };
            let (stay, go): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(is_recent);
            if !stay.is_empty() {
                held_rows += stay.len();
                // A chunk stays in memory as a whole, for the sake of one span of it.
                held_bytes += chunk.bytes;
                held.push(Pending { chunk: Arc::clone(&chunk), rows: stay });
            }
            if !go.is_empty() {
                going.push(Pending { chunk, rows: go });
            }
        }
        // Long traces that never rest would fill memory: then everything goes, and they straddle.
        if held_bytes * 2 > self.bytes || held_rows * 2 > self.rows {
            going.append(&mut held);
            (held_bytes, held_rows) = (0, 0);
            self.last_seen.clear();
        } else {
            self.last_seen.retain(|_, seen| *seen > recent);
        }
        (self.bytes, self.rows, self.pending) = (held_bytes, held_rows, held);
        Ok(Some(segment(going)))
    }

    /// All that is left, in at most `parts` segments so that as many threads have work; traces stay whole. Empty when nothing is left.
    pub(crate) fn rest(&mut self, parts: usize) -> Vec<SegmentSpans> {
        let bytes = std::mem::take(&mut self.bytes);
        self.rows = 0;
        self.last_seen.clear();
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Vec::new();
        }
        let parts = if bytes > self.segment_bytes / 4 { parts } else { 1 };
        if parts == 1 {
            return vec![segment(pending)];
        }
        let mut divided: Vec<Vec<Pending>> = (0..parts).map(|_| Vec::new()).collect();
        for Pending { chunk, rows } in pending {
            let mut by_part: Vec<Vec<u32>> = vec![Vec::new(); parts];
            let index = chunk.batch.schema().index_of("trace_id").unwrap_or(0);
            let trace_ids: &StringViewArray = chunk.batch.column(index).as_string_view();
            for row in rows {
                let part = trace_hash(trace_ids.value(row as usize)) % parts as u64;
                by_part[usize::try_from(part).unwrap_or(0)].push(row);
            }
            for (part, rows) in divided.iter_mut().zip(by_part) {
                if !rows.is_empty() {
                    part.push(Pending { chunk: Arc::clone(&chunk), rows });
                }
            }
        }
        divided.into_iter().filter(|part| !part.is_empty()).map(segment).collect()
    }
}

fn trace_hash(trace_id: &str) -> u64 {
    XxHash3_64::oneshot(trace_id.as_bytes())
}

fn segment(pending: Vec<Pending>) -> SegmentSpans {
    let mut spans = SegmentSpans { chunks: Vec::new(), places: Vec::new() };
    for (chunk, Pending { chunk: held, rows }) in (0..).zip(pending) {
        spans.chunks.push(held);
        spans.places.extend(rows.into_iter().map(|row| SpanPlace { chunk, row }));
    }
    spans
}
