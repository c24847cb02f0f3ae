//! Reading a segment by its parts, for scans that look at everything.

use std::path::PathBuf;

use arrow::array::{AsArray as _, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::content_file::{MESSAGES_FILE, TEXTS_FILE, split_id};
use crate::{Dataset, DatasetError, Result, SegmentMeta, parquet_io};

/// One segment of a dataset.
#[derive(Debug, Clone)]
pub struct Segment {
    number: u32,
    folder: PathBuf,
}

impl Dataset {
    /// The segments, in their order.
    pub fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        self.manifest().segments.iter().map(|segment| Segment {
            number: segment.number,
            folder: self.root().join(SegmentMeta::folder(segment.number)),
        })
    }
}

/// The segment that a text, a message or a row belongs to, and its row there.
#[must_use]
pub fn place_of(id: i64) -> (u32, u32) {
    split_id(id)
}

impl Segment {
    /// Its number, which ids of its rows begin with.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How many texts each group of texts has.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn text_groups(&self) -> Result<Vec<usize>> {
        let (_, metadata) = parquet_io::open(&self.folder.join(TEXTS_FILE))?;
        let rows = metadata.metadata().row_groups().iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0));
        Ok(rows.collect())
    }

    /// The texts of one group.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn texts(&self, group: usize) -> Result<StringArray> {
        let path = self.folder.join(TEXTS_FILE);
        let reader = parquet_io::reader(&path, &["text"])?.with_row_groups(vec![group]);
        let batch = whole(reader, &path)?;
        let texts = batch.column_by_name("text").and_then(|column| column.as_string_opt::<i32>());
        texts.cloned().ok_or_else(|| damaged_at(&path, "the texts are no texts"))
    }

    /// All messages, with the columns of `messages.parquet`.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn messages(&self, columns: &[&str]) -> Result<RecordBatch> {
        self.all(MESSAGES_FILE, columns)
    }

    /// All spans, with some of their stored columns.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn spans(&self, columns: &[&str]) -> Result<RecordBatch> {
        self.all("spans.parquet", columns)
    }

    /// Tells that what a file of the segment holds can't be so.
    #[must_use]
    pub fn damaged(&self, reason: &str) -> DatasetError {
        damaged_at(&self.folder, reason)
    }

    fn all(&self, file: &str, columns: &[&str]) -> Result<RecordBatch> {
        let path = self.folder.join(file);
        let batch = whole(parquet_io::reader(&path, columns)?, &path)?;
        match columns.iter().find(|name| batch.column_by_name(name).is_none()) {
            Some(name) => Err(damaged_at(&path, &format!("the column {name} is missing"))),
            None => Ok(batch),
        }
    }
}

fn whole(reader: ParquetRecordBatchReaderBuilder<std::fs::File>, path: &std::path::Path) -> Result<RecordBatch> {
    let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
    let reader = reader.with_batch_size(rows.max(1)).build().map_err(DatasetError::parquet(path))?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    let batches: Vec<RecordBatch> =
        reader.collect::<std::result::Result<_, _>>().map_err(|error| damaged_at(path, &error.to_string()))?;
    Ok(concat_batches(&schema, &batches)?)
}

fn damaged_at(path: &std::path::Path, reason: &str) -> DatasetError {
    DatasetError::Damaged { path: path.to_owned(), reason: reason.to_owned() }
}
