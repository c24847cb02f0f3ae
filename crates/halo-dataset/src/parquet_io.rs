//! Writing and reading Parquet files with the settings that suit traces.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::{DatasetError, Result};

/// Columns of ever-different text: a dictionary of them costs time and saves nothing.
const PLAIN_COLUMNS: &[&str] =
    &["span_id", "parent_span_id", "tool_call_id", "attributes", "events", "extra", "text", "ids"];

/// Numbers, beside ids, that take as many bits as they or their differences need: they count up, or no two of them are alike.
const PACKED_COLUMNS: &[&str] =
    &["row_id", "message_row", "source_line", "step", "start_time", "end_time", "raw_bytes", "content_hash"];

/// Columns whose least and greatest value per row group are kept: by them a query passes over whole segments.
const STATISTICS_COLUMNS: &[&str] =
    &["start_time", "end_time", "status", "failure_code", "error_type", "has_errors", "duration_ms"];

/// Pages are cut after this many bytes; larger ones compress better, smaller ones are quicker to look one text up in.
const PAGE_BYTES: usize = 1024 * 1024;

/// How hard to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// zstd level of texts.
    pub text_level: i32,
    /// zstd level of everything else.
    pub column_level: i32,
    /// Bytes of texts per page, and so how far back a repetition is found.
    pub text_page_bytes: usize,
}

impl Effort {
    /// While reading traces in: as quick as the machine.
    pub const INGEST: Self = Self { text_level: 2, column_level: 1, text_page_bytes: 2 * PAGE_BYTES };
    /// When a dataset is compacted: small.
    pub const COMPACT: Self = Self { text_level: 12, column_level: 9, text_page_bytes: 4 * PAGE_BYTES };
}

/// Bytes of texts per row group: what is read to look at one of them.
const TEXT_GROUP_BYTES: usize = 4 << 20;

/// What kind of file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows that are looked up by trace.
    Traces {
        /// About how many traces there are.
        traces: u64,
    },
    /// Texts and messages, looked up by row.
    Content,
}

fn properties(schema: &Schema, kind: Kind, effort: Effort) -> Result<WriterProperties> {
    let level = |level| ZstdLevel::try_new(level).map_err(DatasetError::parquet(Path::new("zstd")));
    let is_text_file = kind == Kind::Content && schema.column_with_name("text").is_some();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level(if is_text_file { effort.text_level } else { effort.column_level })?))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_data_page_size_limit(if is_text_file { effort.text_page_bytes } else { PAGE_BYTES })
        .set_data_page_row_count_limit(usize::MAX)
        .set_statistics_enabled(EnabledStatistics::None);
    if is_text_file {
        // The page limit is looked at after each batch of this many rows, and texts run to tens of kilobytes.
        builder = builder
            .set_write_batch_size(16)
            .set_max_row_group_bytes(Some(TEXT_GROUP_BYTES.max(effort.text_page_bytes)));
    }
    if let Kind::Traces { traces } = kind
        && schema.column_with_name("trace_id").is_some()
    {
        let trace_id = ColumnPath::from("trace_id");
        builder = builder
            .set_column_statistics_enabled(trace_id.clone(), EnabledStatistics::Page)
            .set_column_bloom_filter_enabled(trace_id.clone(), true)
            .set_column_bloom_filter_max_ndv(trace_id, traces.max(1));
    }
    for field in schema.fields() {
        let name = field.name().as_str();
        if STATISTICS_COLUMNS.contains(&name) {
            builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Chunk);
        }
        if PLAIN_COLUMNS.contains(&name) {
            builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
        let id_list = matches!(field.data_type(), DataType::List(item) if *item.data_type() == DataType::Int64);
        let packed = match field.data_type() {
            DataType::Int64 | DataType::Timestamp(..) if name.ends_with("_id") || PACKED_COLUMNS.contains(&name) => {
                ColumnPath::from(name)
            }
            DataType::List(_) if id_list => {
                ColumnPath::new(vec![name.to_owned(), "list".to_owned(), "item".to_owned()])
            }
            _ => continue,
        };
        builder = builder
            .set_column_dictionary_enabled(packed.clone(), false)
            .set_column_encoding(packed, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(builder.build())
}

/// A Parquet file being written.
pub(crate) struct Writer<'a> {
    path: &'a Path,
    inner: ArrowWriter<File>,
}

impl<'a> Writer<'a> {
    pub(crate) fn create(path: &'a Path, schema: &SchemaRef, kind: Kind, effort: Effort) -> Result<Self> {
        let file = File::create(path).map_err(DatasetError::io("create", path))?;
        let properties = properties(schema, kind, effort)?;
        let inner = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties));
        Ok(Self { path, inner: inner.map_err(DatasetError::parquet(path))? })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.inner.write(batch).map_err(DatasetError::parquet(self.path))
    }

    /// Ends the file. Gives its size in bytes. It lasts once [`make_last`] says so.
    pub(crate) fn finish(self) -> Result<u64> {
        let file = self.inner.into_inner().map_err(DatasetError::parquet(self.path))?;
        Ok(file.metadata().map_err(DatasetError::io("read", self.path))?.len())
    }
}

/// Makes the files of a folder last, and the folder itself.
pub(crate) fn make_last(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(DatasetError::io("read", folder))? {
        let path = entry.map_err(DatasetError::io("read", folder))?.path();
        let file = File::options().write(true).open(&path).map_err(DatasetError::io("open", &path))?;
        file.sync_all().map_err(DatasetError::io("write", &path))?;
    }
    crate::manifest::sync_folder(folder)
}

/// Writes batches as one Parquet file. Gives its size in bytes.
pub(crate) fn write(
    path: &Path,
    schema: &SchemaRef,
    (kind, effort): (Kind, Effort),
    batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<u64> {
    let mut writer = Writer::create(path, schema, kind, effort)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.finish()
}

/// The metadata of a Parquet file, and the file.
pub(crate) fn open(path: &Path) -> Result<(File, ArrowReaderMetadata)> {
    let file = File::open(path).map_err(DatasetError::io("open", path))?;
    let damaged = |error: parquet::errors::ParquetError| DatasetError::Damaged {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(damaged)?;
    Ok((file, metadata))
}

/// Opens a Parquet file for reading some of its columns, named at their root.
pub(crate) fn reader(path: &Path, columns: &[&str]) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let (file, metadata) = open(path)?;
    let schema = metadata.schema();
    let roots: Vec<usize> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
    let mask = parquet::arrow::ProjectionMask::roots(metadata.parquet_schema(), roots);
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_projection(mask))
}

/// The columns of a schema, out of a batch that has them all.
pub(crate) fn project(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch> {
    let indices = schema.fields().iter().map(|field| batch.schema_ref().index_of(field.name()));
    Ok(batch.project(&indices.collect::<std::result::Result<Vec<_>, _>>()?)?)
}

/// The schema without the columns of these names.
pub(crate) fn without(schema: &Schema, names: &[&str]) -> SchemaRef {
    let fields: Vec<_> =
        schema.fields().iter().filter(|field| !names.contains(&field.name().as_str())).cloned().collect();
    Arc::new(Schema::new(fields))
}

/// The schema with only the columns of these names.
pub(crate) fn without_others(schema: &Schema, names: &[&str]) -> SchemaRef {
    let fields: Vec<_> =
        schema.fields().iter().filter(|field| names.contains(&field.name().as_str())).cloned().collect();
    Arc::new(Schema::new(fields))
}
