//! Writing and reading Parquet files with the settings that suit traces.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::{DatasetError, Result};

/// Columns of long or ever-different text: a dictionary of them costs time and saves nothing.
const PLAIN_COLUMNS: &[&str] = &[
    "span_id",
    "parent_span_id",
    "tool_call_id",
    "input",
    "output",
    "attributes",
    "events",
    "requested_tool_calls",
    "extra",
    "content_hash",
    "row_id",
    "first_input",
    "final_output",
];

/// zstd level: 1 is a third faster to write than 3 and a tenth larger.
const ZSTD_LEVEL: i32 = 1;

/// Pages are cut after this many bytes; larger ones compress better, smaller ones are quicker to look one span up in.
const PAGE_BYTES: usize = 1024 * 1024;

fn properties(traces_expected: u64) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(DatasetError::parquet(Path::new("zstd")))?;
    let trace_id = ColumnPath::from("trace_id");
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_data_page_size_limit(PAGE_BYTES)
        // The page limit is looked at after each batch of this many rows: payload rows are 10 KB and more.
        .set_write_batch_size(64)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(trace_id.clone(), EnabledStatistics::Page)
        .set_column_bloom_filter_enabled(trace_id.clone(), true)
        .set_column_bloom_filter_max_ndv(trace_id, traces_expected.max(1));
    for name in PLAIN_COLUMNS {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    Ok(builder.build())
}

/// Writes batches as one Parquet file and makes it last. Gives its size in bytes.
pub(crate) fn write(
    path: &Path,
    schema: &SchemaRef,
    traces_expected: u64,
    batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<u64> {
    let file = File::create(path).map_err(DatasetError::io("create", path))?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties(traces_expected)?))
        .map_err(DatasetError::parquet(path))?;
    for batch in batches {
        writer.write(&batch?).map_err(DatasetError::parquet(path))?;
    }
    let file = writer.into_inner().map_err(DatasetError::parquet(path))?;
    file.sync_all().map_err(DatasetError::io("write", path))?;
    Ok(file.metadata().map_err(DatasetError::io("read", path))?.len())
}

/// Opens a Parquet file for reading some of its columns.
pub(crate) fn reader(path: &Path, columns: &[&str]) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(DatasetError::io("open", path))?;
    let damaged = |error: parquet::errors::ParquetError| DatasetError::Damaged {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let metadata = ArrowReaderMetadata::load(&file, parquet::arrow::arrow_reader::ArrowReaderOptions::default())
        .map_err(damaged)?;
    let mask = parquet::arrow::ProjectionMask::columns(metadata.parquet_schema(), columns.iter().copied());
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_projection(mask))
}

/// The schema without the columns of these names.
pub(crate) fn without(schema: &Schema, names: &[&str]) -> SchemaRef {
    let fields: Vec<_> =
        schema.fields().iter().filter(|field| !names.contains(&field.name().as_str())).cloned().collect();
    Arc::new(Schema::new(fields))
}
