//! One segment: spans sorted by trace, numbered, rolled up and written, with their texts and messages once each.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, Int64Builder, ListBuilder, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Schema, SchemaRef};

use crate::chunk::{References, SpanChunk, SpanIds, SpanPlace, sort};
use crate::content::Merged;
use crate::parquet_io::{Effort, Kind, Writer};
use crate::rollup::{ROLL_UP_COLUMNS, RollUp};
use crate::{DatasetError, Result, SegmentMeta, content_file, parquet_io};

/// Spans that are gathered and written at a time.
const WRITE_ROWS: usize = 4096;

/// Columns that are not gathered but made anew: what they hold depends on the segment.
const MADE_COLUMNS: &[&str] =
    &["step", "row_id", "input_id", "output_id", "input_messages", "output_messages", "texts", "extra_messages"];

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
    pub(crate) folder: PathBuf,
}

impl SegmentJob {
    /// Writes all spans of these chunks.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_all(self, chunks: &[Arc<SpanChunk>], effort: Effort) -> Result<SegmentOutcome> {
        let places = (0..).zip(chunks).flat_map(|(number, chunk)| chunk.places(number)).collect();
        self.write(chunks, places, effort)
    }

    /// Writes some spans of these chunks.
    ///
    /// 1. The spans are sorted by trace and numbered within each.
    /// 2. Their texts and messages are taken into the content of the segment, in this order.
    /// 3. Each trace is rolled up.
    /// 4. Four files are written. [`DatasetWriter::add`](crate::DatasetWriter::add) makes them last: waiting for the disk is not for those who work.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(
        self,
        chunks: &[Arc<SpanChunk>],
        mut places: Vec<SpanPlace>,
        effort: Effort,
    ) -> Result<SegmentOutcome> {
        fs::create_dir_all(&self.folder).map_err(DatasetError::io("create", &self.folder))?;
        let batches: Vec<&RecordBatch> = chunks.iter().map(|chunk| &chunk.batch).collect();
        let ends = sort(&batches, &mut places)?;
        let texts = chunks.iter().map(|chunk| chunk.content.texts.len()).sum();
        let mut content = Merged::with_capacity(texts);
        let mut made = Made::of(self.number, chunks, &places, &ends, &mut content)?;
        let traces = self.write_spans(&batches, &places, &ends, (&mut made, effort))?;
        let mut bytes = traces.bytes;
        bytes += content_file::write(&self.folder, self.number, &content, effort)?;
        let spans = places.len() as u64;
        let meta = SegmentMeta { number: self.number, spans, traces: traces.trace_ids.len() as u64, bytes };
        Ok(SegmentOutcome { meta, trace_ids: traces.trace_ids, folder: self.folder })
    }

    fn write_spans(
        &self,
        batches: &[&RecordBatch],
        places: &[SpanPlace],
        ends: &[usize],
        (made, effort): (&mut Made, Effort),
    ) -> Result<WrittenTraces> {
        let full = batches.first().map_or_else(crate::span::empty_schema, |batch| batch.schema());
        let stored = parquet_io::without(&full, &["tags"]);
        let all = Gather::of(batches, &parquet_io::without(&full, MADE_COLUMNS))?;
        let kind = Kind::Traces { traces: ends.len() as u64 };
        let path = self.folder.join("spans.parquet");
        let mut writer = Writer::create(&path, &stored, kind, effort)?;
        let mut roll_up = RollUp::default();
        for rows in whole_traces(ends, WRITE_ROWS) {
            if rows.len() <= 2 * WRITE_ROWS {
                let batch = made.complete(&all.rows(&places[rows.clone()])?, &full, rows)?;
                writer.write(&parquet_io::project(&batch, &stored)?)?;
                roll_up.add(&batch)?;
                continue;
            }
            // One huge trace: it is rolled up as a whole, but only the few columns that this takes are held.
            for start in rows.clone().step_by(WRITE_ROWS) {
                let part = start..(start + WRITE_ROWS).min(rows.end);
                writer.write(&made.complete(&all.rows(&places[part.clone()])?, &stored, part)?)?;
            }
            let rolled_up = parquet_io::without_others(&full, ROLL_UP_COLUMNS);
            let few = Gather::of(batches, &parquet_io::without(&rolled_up, MADE_COLUMNS))?;
            roll_up.add(&made.complete(&few.rows(&places[rows.clone()])?, &rolled_up, rows)?)?;
        }
        let mut bytes = writer.finish()?;
        let (traces, trace_ids) = roll_up.finish()?;
        let path = self.folder.join("traces.parquet");
        let rows = std::iter::once(Ok(traces.clone()));
        bytes += parquet_io::write(&path, &traces.schema(), (kind, effort), rows)?;
        Ok(WrittenTraces { trace_ids, bytes })
    }
}

/// Ranges of whole traces, each about as long as wanted and no longer than that and one trace more.
fn whole_traces(ends: &[usize], wanted: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let last = ends.partition_point(|end| *end < start + wanted).min(ends.len().checked_sub(1)?);
        // A trace that is long by itself stands alone.
        let before = ends[..last].last().copied().filter(|before| *before > start && ends[last] - before > wanted);
        let rows = start..before.unwrap_or(ends[last]);
        start = rows.end;
        (!rows.is_empty()).then_some(rows)
    })
}

struct WrittenTraces {
    trace_ids: Vec<String>,
    bytes: u64,
}

/// Some columns of several batches.
struct Gather {
    batches: Vec<RecordBatch>,
}

impl Gather {
    fn of(batches: &[&RecordBatch], schema: &Schema) -> Result<Self> {
        Ok(Self { batches: batches.iter().map(|batch| parquet_io::project(batch, schema)).collect::<Result<_>>()? })
    }

    fn rows(&self, places: &[SpanPlace]) -> Result<RecordBatch> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let rows: Vec<(usize, usize)> = places.iter().map(|place| (place.chunk as usize, place.row as usize)).collect();
        Ok(interleave_record_batch(&batches, &rows)?)
    }
}

/// The columns that are made anew, for all spans of the segment.
struct Made {
    steps: Vec<i64>,
    row_base: i64,
    inputs: Int64Array,
    outputs: Int64Array,
    lists: [arrow::array::ListArray; 4],
}

const LISTS: [&str; 4] = ["input_messages", "output_messages", "texts", "extra_messages"];

impl Made {
    fn of<'a>(
        segment: u32,
        chunks: &'a [Arc<SpanChunk>],
        places: &[SpanPlace],
        ends: &[usize],
        content: &mut Merged<'a>,
    ) -> Result<Self> {
        let mut references: Vec<References<'_>> =
            chunks.iter().map(|chunk| References::of(chunk)).collect::<Result<_>>()?;
        let (mut inputs, mut outputs) = (Int64Builder::new(), Int64Builder::new());
        let mut lists: [ListBuilder<Int64Builder>; 4] = std::array::from_fn(|_| ListBuilder::new(Int64Builder::new()));
        let mut ids = SpanIds::default();
        for place in places {
            references[place.chunk as usize].take(place.row as usize, segment, content, &mut ids);
            inputs.append_option(ids.input);
            outputs.append_option(ids.output);
            let values = [&ids.input_messages, &ids.output_messages, &ids.texts, &ids.extra_messages];
            for (builder, values) in lists.iter_mut().zip(values) {
                builder.values().append_slice(values);
                builder.append(!values.is_empty());
            }
        }
        let mut steps = Vec::with_capacity(places.len());
        let mut start = 0;
        for end in ends {
            steps.extend((1..).take(end - start));
            start = *end;
        }
        Ok(Self {
            steps,
            row_base: content_file::global_id(segment, 0),
            inputs: inputs.finish(),
            outputs: outputs.finish(),
            lists: lists.map(|mut builder| builder.finish()),
        })
    }

    /// The batch of the rows in a range, with all columns of a schema.
    fn complete(&self, gathered: &RecordBatch, schema: &SchemaRef, rows: Range<usize>) -> Result<RecordBatch> {
        let len = rows.len();
        let columns = schema.fields().iter().map(|field| -> Result<ArrayRef> {
            let name = field.name().as_str();
            Ok(match name {
                "step" => Arc::new(Int64Array::from_iter_values(self.steps[rows.clone()].iter().copied())),
                "row_id" => {
                    let ids = rows.clone().filter_map(|row| i64::try_from(row).ok());
                    Arc::new(Int64Array::from_iter_values(ids.map(|row| self.row_base + row)))
                }
                "input_id" => Arc::new(self.inputs.slice(rows.start, len)),
                "output_id" => Arc::new(self.outputs.slice(rows.start, len)),
                _ => match LISTS.iter().position(|list| *list == name) {
                    Some(index) => Arc::new(self.lists[index].slice(rows.start, len)),
                    None => Arc::clone(gathered.column(gathered.schema_ref().index_of(name)?)),
                },
            })
        });
        Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_whole_traces_and_a_long_one_stands_alone() {
        let ends = |ends: &[usize]| whole_traces(ends, 10).map(|rows| (rows.start, rows.end)).collect::<Vec<_>>();
        assert_eq!(ends(&[]), []);
        assert_eq!(ends(&[3]), [(0, 3)]);
        assert_eq!(ends(&[4, 8, 12, 16, 20]), [(0, 12), (12, 20)]);
        assert_eq!(ends(&[4, 50, 54]), [(0, 4), (4, 50), (50, 54)]);
        assert_eq!(ends(&[100]), [(0, 100)]);
    }
}
