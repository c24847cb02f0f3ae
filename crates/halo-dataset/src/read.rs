//! Reading spans back, one after another, with what was stored once put together again.

use std::borrow::Cow;
use std::path::Path;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, ListArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};

use crate::content_file::is_empty_text;
use crate::holes::fill;
use crate::store::{ContentStore, Loaded, SpanParts, StoredMessage, list};
use crate::{Dataset, DatasetError, Result, parquet_io};

/// Spans that are read at a time.
const BATCH_ROWS: usize = 512;

/// Memory for texts and messages while spans are read one after another.
const CACHE_BYTES: usize = 64 << 20;

impl Dataset {
    /// Hands on every span, segment after segment and in each by trace and step.
    ///
    /// # Errors
    /// A file is missing or damaged, or `take` fails.
    pub fn for_each_span<E: From<DatasetError>>(
        &self,
        mut take: impl FnMut(&StoredSpan<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let store = ContentStore::open(self, CACHE_BYTES);
        for file in self.span_files() {
            let (handle, metadata) = parquet_io::open(&file)?;
            let reader =
                parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata)
                    .with_batch_size(BATCH_ROWS)
                    .build()
                    .map_err(DatasetError::parquet(&file))?;
            for batch in reader {
                let batch = batch.map_err(DatasetError::from)?;
                let loaded = load(&store, &batch, &file)?;
                for row in 0..batch.num_rows() {
                    take(&StoredSpan { batch: &batch, loaded: &loaded, row })?;
                }
            }
        }
        Ok(())
    }
}

impl Dataset {
    /// Hands on every span with some of its stored columns, and without what is stored once: quick, for counting.
    ///
    /// # Errors
    /// A file is missing or damaged, or `take` fails.
    pub fn for_each_row<E: From<DatasetError>>(
        &self,
        columns: &[&str],
        mut take: impl FnMut(&StoredSpan<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let loaded = Loaded::default();
        for file in self.span_files() {
            for batch in read_columns(&file, columns)? {
                let batch = batch?;
                for row in 0..batch.num_rows() {
                    take(&StoredSpan { batch: &batch, loaded: &loaded, row })?;
                }
            }
        }
        Ok(())
    }
}

/// Some stored columns of a file of a dataset, in the order of its rows; a column that the file has not is left out. For those who look at
/// every row and need no engine for it.
///
/// # Errors
/// The file is missing or damaged.
pub fn read_columns(file: &Path, columns: &[&str]) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let reader = parquet_io::reader(file, columns)?.with_batch_size(BATCH_ROWS * 8);
    let path = file.to_owned();
    let damaged = move |reason: String| DatasetError::Damaged { path: path.clone(), reason };
    let batches = reader.build().map_err(DatasetError::parquet(file))?;
    Ok(batches.map(move |batch| batch.map_err(|error| damaged(error.to_string()))))
}

/// Brings everything that some spans refer to into memory.
pub(crate) fn load(store: &ContentStore, batch: &RecordBatch, file: &Path) -> Result<Loaded> {
    let damaged = || DatasetError::Damaged { path: file.to_owned(), reason: "a column is missing".to_owned() };
    let lists =
        |name: &str| batch.column_by_name(name).and_then(|column| column.as_list_opt::<i32>()).ok_or_else(damaged);
    let ids =
        |lists: &ListArray| -> Vec<i64> { (0..lists.len()).flat_map(|row| list(lists, row).iter().copied()).collect() };
    let mut loaded = Loaded::default();
    let mut texts = ids(lists("texts")?);
    for name in ["input_id", "output_id"] {
        let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        texts.extend(column.ok_or_else(damaged)?.iter().flatten().filter(|id| !is_empty_text(*id)));
    }
    let mut messages = Vec::new();
    for name in ["input_messages", "output_messages", "extra_messages"] {
        messages.extend(ids(lists(name)?));
    }
    store.load_messages(messages.iter().copied(), &mut loaded)?;
    for message in &messages {
        let message = loaded.message(*message);
        texts.extend(message.iter().flat_map(|message| message.text_ids().iter().copied()));
        // What a message says is not always a part of how it was written.
        texts.extend(message.iter().filter_map(StoredMessage::content_id));
    }
    store.load_texts(texts.into_iter(), &mut loaded)?;
    Ok(loaded)
}

/// One span of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct StoredSpan<'a> {
    batch: &'a RecordBatch,
    loaded: &'a Loaded,
    row: usize,
}

impl<'a> StoredSpan<'a> {
    fn column<T: Clone>(&self, name: &str, cast: impl Fn(&'a dyn Array) -> Option<&'a T>) -> Option<&'a T> {
        let index = self.batch.schema_ref().index_of(name).ok()?;
        let column: &'a dyn Array = self.batch.column(index).as_ref();
        cast(column).filter(|_| column.is_valid(self.row))
    }

    /// A text column as it is stored.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let column: &StringViewArray = self.column(name, |column| column.as_string_view_opt())?;
        Some(column.value(self.row))
    }

    /// An integer column.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        let column: &Int64Array = self.column(name, |column| column.as_primitive_opt::<Int64Type>())?;
        Some(column.value(self.row))
    }

    /// A column of truth values.
    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        let column: &BooleanArray = self.column(name, |column| column.as_boolean_opt())?;
        Some(column.value(self.row))
    }

    /// Whether a stored column has a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.batch.column_by_name(name).is_some_and(|column| column.is_valid(self.row))
    }

    /// A time column, in nanoseconds since 1970.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<i64> {
        Some(self.column(name, |column| column.as_primitive_opt::<TimestampNanosecondType>())?.value(self.row))
    }

    /// `input` or `output`.
    #[must_use]
    pub fn stored_once(&self, name: &str) -> Option<&'a str> {
        self.int(&format!("{name}_id")).map(|id| self.loaded.text(id))
    }

    /// A column of JSON with its holes filled.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<Cow<'a, str>> {
        let parts = SpanParts {
            loaded: self.loaded,
            texts: self.list("texts"),
            input: self.list("input_messages"),
            output: self.list("output_messages"),
            extra: self.list("extra_messages"),
        };
        Some(fill(self.text(name)?, &parts))
    }

    fn list(&self, name: &str) -> &'a [i64] {
        self.column(name, |column| column.as_list_opt::<i32>()).map_or(&[], |lists| list(lists, self.row))
    }
}
