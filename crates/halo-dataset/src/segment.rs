//! One segment: batches of spans sorted by trace, numbered, rolled up and written as two Parquet files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Int64Type, TimestampNanosecondType};

use crate::trace::TraceBatchBuilder;
use crate::{DatasetError, Result, SegmentMeta, parquet_io, rollup};

/// Spans that are gathered and written at a time.
const WRITE_ROWS: usize = 4096;

/// The right to write one segment. Can be sent to another thread; nothing counts before
/// [`DatasetWriter::add`](crate::DatasetWriter::add).
#[derive(Debug)]
pub struct SegmentJob {
    pub(crate) number: u32,
    pub(crate) folder: PathBuf,
}

/// A segment that was written and is not yet part of the dataset.
#[derive(Debug)]
pub struct SegmentOutcome {
    pub(crate) meta: SegmentMeta,
    pub(crate) trace_ids: Vec<String>,
}

impl SegmentJob {
    /// Sorts, numbers, rolls up and writes the spans of `batches` (made by [`SpanBatchBuilder`](crate::SpanBatchBuilder)).
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(self, batches: Vec<RecordBatch>) -> Result<SegmentOutcome> {
        fs::create_dir_all(&self.folder).map_err(DatasetError::io("create", &self.folder))?;
        let order = sorted_rows(&batches)?;
        let spans = order.len() as u64;
        let batches: Vec<&RecordBatch> = batches.iter().collect();

        // Trace by trace: numbers and roll-ups, each over spans that stand together.
        let mut steps = Vec::with_capacity(order.len());
        let mut builder = TraceBatchBuilder::default();
        let mut trace_ids = Vec::new();
        let mut start = 0;
        while start < order.len() {
            let end = whole_traces_end(&order, start, WRITE_ROWS);
            let rows: Vec<(usize, usize)> = order[start..end].iter().map(|row| (row.batch, row.row)).collect();
            trace_ids.extend(rollup::roll_up(&interleave_record_batch(&batches, &rows)?, &mut builder)?);
            for (index, row) in order[start..end].iter().enumerate() {
                let first = index == 0 || order[start + index - 1].trace_id != row.trace_id;
                steps.push(if first { 1 } else { steps.last().copied().unwrap_or(0) + 1 });
            }
            start = end;
        }

        let schema = parquet_io::without(&batches[0].schema(), &["tags"]);
        let base = i64::from(self.number) << 32;
        let chunks = (0..order.len()).step_by(WRITE_ROWS).map(|start| {
            let end = (start + WRITE_ROWS).min(order.len());
            let rows: Vec<(usize, usize)> = order[start..end].iter().map(|row| (row.batch, row.row)).collect();
            let gathered = interleave_record_batch(&batches, &rows)?;
            let row_ids: Int64Array =
                (start..end).filter_map(|row| i64::try_from(row).ok()).map(|row| base + row).collect();
            let steps = Int64Array::from_iter_values(steps[start..end].iter().copied());
            let columns = schema.fields().iter().map(|field| -> Result<ArrayRef> {
                Ok(match field.name().as_str() {
                    "step" => Arc::new(steps.clone()),
                    "row_id" => Arc::new(row_ids.clone()),
                    name => Arc::clone(gathered.column(gathered.schema_ref().index_of(name)?)),
                })
            });
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_>>()?)?)
        });
        let mut bytes = parquet_io::write(&self.folder.join("spans.parquet"), &schema, trace_ids.len() as u64, chunks)?;
        let traces = builder.finish()?;
        let path = self.folder.join("traces.parquet");
        bytes +=
            parquet_io::write(&path, &traces.schema(), trace_ids.len() as u64, std::iter::once(Ok(traces.clone())))?;
        crate::manifest::sync_folder(&self.folder)?;
        let meta = SegmentMeta { number: self.number, spans, traces: trace_ids.len() as u64, bytes };
        Ok(SegmentOutcome { meta, trace_ids })
    }
}

/// Where a span stands in the batches, and what it is sorted by.
pub(crate) struct RowKey<'a> {
    pub(crate) trace_id: &'a str,
    start_time: i64,
    end_time: i64,
    line: i64,
    pub(crate) batch: usize,
    pub(crate) row: usize,
}

/// All rows by trace, then start, then the longer span first (a parent starts with its first child), then their order in the input.
pub(crate) fn sorted_rows(batches: &[RecordBatch]) -> Result<Vec<RowKey<'_>>> {
    let mut keys = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (batch_index, batch) in batches.iter().enumerate() {
        let column = |name: &str| batch.column(batch.schema_ref().index_of(name).unwrap_or(0));
        let trace_id: &StringViewArray = column("trace_id").as_string_view();
        let start = column("start_time").as_primitive::<TimestampNanosecondType>();
        let end = column("end_time").as_primitive::<TimestampNanosecondType>();
        let line = column("source_line").as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            keys.push(RowKey {
                trace_id: trace_id.value(row),
                start_time: if start.is_valid(row) { start.value(row) } else { i64::MAX },
                end_time: if end.is_valid(row) { end.value(row) } else { i64::MAX },
                line: line.value(row),
                batch: batch_index,
                row,
            });
        }
    }
    keys.sort_unstable_by(|a, b| {
        (a.trace_id, a.start_time, b.end_time, a.line, a.batch, a.row).cmp(&(
            b.trace_id,
            b.start_time,
            a.end_time,
            b.line,
            b.batch,
            b.row,
        ))
    });
    Ok(keys)
}

/// End of a run of whole traces that begins at `start` and has about `rows_wanted` rows.
pub(crate) fn whole_traces_end(order: &[RowKey<'_>], start: usize, rows_wanted: usize) -> usize {
    let mut end = (start + rows_wanted).min(order.len());
    while end < order.len() && order[end].trace_id == order[end - 1].trace_id {
        end += 1;
    }
    end
}
