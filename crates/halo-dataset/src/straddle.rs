//! Traces that stand in more than one segment: their spans are read back, numbered and rolled up as one trace.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter};

use crate::chunk::{SpanPlace, sort};
use crate::column::{Kind as _, SharedText};
use crate::parquet_io::{Effort, Kind};
use crate::rollup::{ROLL_UP_COLUMNS, RollUp};
use crate::tags::push_tag;
use crate::{DatasetError, Result, parquet_io};

/// Spans that are numbered and rolled up at a time, so that many straddling traces take little memory.
const CHUNK_TRACES: usize = 2000;

/// Writes `steps.parquet` and `traces.parquet` for these traces into `folder`.
pub(crate) fn write(folder: &Path, span_files: &[std::path::PathBuf], trace_ids: &BTreeSet<String>) -> Result<()> {
    fs::create_dir_all(folder).map_err(DatasetError::io("create", folder))?;
    let mut roll_up = RollUp::default();
    let mut row_ids = Vec::new();
    let mut steps = Vec::new();
    let ids: Vec<&String> = trace_ids.iter().collect();
    for chunk in ids.chunks(CHUNK_TRACES) {
        let wanted: Arc<HashSet<String>> = Arc::new(chunk.iter().map(|id| (*id).clone()).collect());
        let mut batches = Vec::new();
        for file in span_files {
            batches.extend(read_traces(file, &wanted)?);
        }
        let references: Vec<&RecordBatch> = batches.iter().collect();
        let rows_of = |batch: &RecordBatch| 0..u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        let mut places: Vec<SpanPlace> = (0..)
            .zip(&batches)
            .flat_map(|(chunk, batch)| rows_of(batch).map(move |row| SpanPlace { chunk, row }))
            .collect();
        let mut start = 0;
        for end in sort(&references, &mut places)? {
            let rows: Vec<(usize, usize)> =
                places[start..end].iter().map(|place| (place.chunk as usize, place.row as usize)).collect();
            let trace = interleave_record_batch(&references, &rows)?;
            roll_up.add(&trace)?;
            let ids = trace.column(trace.schema_ref().index_of("row_id")?).as_primitive::<Int64Type>();
            row_ids.extend(ids.values().iter().copied());
            steps.extend((1..).take(trace.num_rows()));
            start = end;
        }
    }
    let schema = Arc::new(Schema::new(vec![
        Field::new("row_id", DataType::Int64, false),
        Field::new("step", DataType::Int64, false),
    ]));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(row_ids)), Arc::new(Int64Array::from(steps))];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let kind = |traces| (Kind::Traces { traces }, Effort::INGEST);
    parquet_io::write(&folder.join("steps.parquet"), &schema, kind(1), std::iter::once(Ok(batch)))?;
    let (rows, ids) = roll_up.finish()?;
    let path = folder.join("traces.parquet");
    parquet_io::write(&path, &rows.schema(), kind(ids.len() as u64), std::iter::once(Ok(rows.clone())))?;
    parquet_io::make_last(folder)
}

/// The spans of some traces, with the columns that numbering and roll-up need and `tags` made again from the attributes.
fn read_traces(file: &Path, wanted: &Arc<HashSet<String>>) -> Result<Vec<RecordBatch>> {
    let mut columns: Vec<&str> = ROLL_UP_COLUMNS.iter().copied().filter(|name| *name != "tags").collect();
    columns.extend(["attributes", "resource_attributes", "row_id", "source_line"]);
    let reader = parquet_io::reader(file, &columns)?;
    let mask = ProjectionMask::columns(reader.parquet_schema(), ["trace_id"]);
    let ids = Arc::clone(wanted);
    let predicate = ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        let column: &StringViewArray = batch.column(0).as_string_view();
        Ok(column.iter().map(|id| Some(id.is_some_and(|id| ids.contains(id)))).collect::<BooleanArray>())
    });
    let reader = reader
        .with_row_filter(RowFilter::new(vec![Box::new(predicate)]))
        .build()
        .map_err(DatasetError::parquet(file))?;
    reader
        .map(|batch| {
            // The attributes have told what they can, and would hold whole pages of the file in memory.
            let batch = with_tags(&batch?)?;
            let few = parquet_io::without(&batch.schema(), &["attributes", "resource_attributes"]);
            parquet_io::project(&batch, &few)
        })
        .collect()
}

/// A batch of stored spans with `tags` made again from the attributes.
pub(crate) fn with_tags(batch: &RecordBatch) -> Result<RecordBatch> {
    let column = |name: &str| -> Result<&StringViewArray> {
        Ok(batch.column(batch.schema_ref().index_of(name)?).as_string_view())
    };
    let (attributes, resource) = (column("attributes")?, column("resource_attributes")?);
    let mut tags = SharedText::builder();
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        text.clear();
        for source in [resource, attributes] {
            if source.is_valid(row) {
                append_tags(&mut text, source.value(row));
            }
        }
        SharedText::append(&mut tags, Some(&text));
    }
    let mut fields = batch.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("tags", DataType::Utf8View, true)));
    let mut columns = batch.columns().to_vec();
    columns.extend(SharedText::finish(&mut tags));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Appends the short values of a JSON object of attributes to a `tags` text, as the ingest does.
fn append_tags(text: &mut String, attributes: &str) {
    let Ok(serde_json::Value::Object(map)) = serde_json::from_str(attributes) else {
        return;
    };
    for (key, value) in &map {
        let shown = match value {
            serde_json::Value::String(value) => value.clone(),
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
            _ => continue,
        };
        push_tag(text, key, &shown);
    }
}
