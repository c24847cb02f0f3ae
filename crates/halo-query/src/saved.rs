//! Results that are tables: saved under a name, for later statements of everyone who works with the session.

mod alone;
mod data_tables;
mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub use data_tables::data_tables;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Field, Schema};
use datafusion::datasource::MemTable;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use self::files::Stored;
use crate::stream::columns;
use crate::tables::TABLES;
use crate::{LimitKind, QueryError, QueryLimits, QueryStream, ResultColumn, TraceSession, guard};

/// Most rows of a saved table.
const ROWS_MAX: usize = 1_000_000;

/// Longest wall time of the statement.
const TIME_MAX: Duration = Duration::from_secs(120);

/// All saved tables together may take this part of what queries may take.
const SAVED_SHARE: usize = 4;

/// Longest name.
const NAME_CHARS_MAX: usize = 60;

/// A result that was saved.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) rows: usize,
    /// The statement it came from; empty when there is none.
    pub(crate) query: String,
    /// What it is made of, down to tables of the dataset, itself last; empty when that can't be said.
    definitions: Vec<Definition>,
    bytes: usize,
}

/// A name and the statement that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Definition {
    name: String,
    query: String,
}

/// The saved tables of a session, by name.
#[derive(Debug, Default)]
pub(crate) struct SavedTables {
    tables: Mutex<BTreeMap<String, Saved>>,
    /// Where they are written to as well.
    folder: OnceLock<PathBuf>,
}

impl SavedTables {
    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// All of them, in the order of their names.
    pub(crate) fn all(&self) -> Vec<(String, Saved)> {
        self.lock().iter().map(|(name, saved)| (name.clone(), saved.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Saved>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TraceSession {
    /// Runs one read-only statement and keeps its rows as a table of this name. One that was saved under it before gives way.
    ///
    /// # Errors
    /// As [`query`](Self::query); the name is none or that of a table of the dataset, columns have no names of their own, or the result is too
    /// large to keep.
    pub(crate) async fn save(&self, name: &str, sql: &str, cancel: &CancellationToken) -> Result<Saved, QueryError> {
        check_name(name)?;
        let bytes_max = self.shared.memory_bytes / SAVED_SHARE;
        let limits = QueryLimits { rows_max: ROWS_MAX, bytes_max, time_max: TIME_MAX };
        let (schema, batches) = self.whole(sql, &limits, cancel).await?;
        let definitions = self.definitions_with(name, sql);
        self.keep(Stored { name: name.to_owned(), query: sql.to_owned(), definitions, schema, batches })
    }

    /// All rows of a statement, on their own: they hold on to nothing that they were read from.
    pub(crate) async fn whole(
        &self,
        sql: &str,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<(Arc<Schema>, Vec<RecordBatch>), QueryError> {
        let mut stream = self.stream(sql, limits, cancel).await?;
        check_columns(stream.columns())?;
        let schema = shown(&stream);
        let (mut batches, mut rows) = (Vec::new(), 0);
        while let Some(batch) = stream.next().await? {
            rows += batch.row_count();
            let columns = batch.0.columns().iter().map(compact).collect();
            let owned = RecordBatch::try_new(Arc::clone(&schema), columns);
            batches.push(owned.map_err(|error| QueryError::internal(error.to_string()))?);
        }
        if stream.truncated() {
            return Err(too_large(format!("more than {rows} rows, or {} MB", limits.bytes_max >> 20)));
        }
        Ok((schema, batches))
    }

    /// Writes saved tables into a folder, too, and takes in those that are there: a run that is resumed finds its tables again. Gives how
    /// many that were. Only the first call counts.
    ///
    /// # Errors
    /// The folder can't be made, or a file in it can't be read.
    pub fn keep_saved_in(&self, folder: &Path) -> Result<usize, QueryError> {
        let stored = files::read_all(folder)?;
        let count = stored.len();
        for table in stored {
            self.keep(table)?;
        }
        // A second folder would hold a part of the tables only.
        drop(self.shared.saved.folder.set(folder.to_owned()));
        Ok(count)
    }

    /// Makes rows a table.
    fn keep(&self, stored: Stored) -> Result<Saved, QueryError> {
        let bytes_max = self.shared.memory_bytes / SAVED_SHARE;
        let bytes = stored.batches.iter().map(bytes_of).sum();
        let mut saved = self.shared.saved.lock();
        let others: usize =
            saved.iter().filter(|(known, _)| **known != stored.name).map(|(_, saved)| saved.bytes).sum();
        if others + bytes > bytes_max {
            return Err(too_large(format!(
                "it has {} MB, and the tables saved before have {} of {}",
                bytes >> 20,
                others >> 20,
                bytes_max >> 20
            )));
        }
        if let Some(folder) = self.shared.saved.folder.get() {
            files::write(folder, &stored)?;
        }
        let Stored { name, query, definitions, schema, batches } = stored;
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let table =
            MemTable::try_new(Arc::clone(&schema), vec![batches]).map_err(|error| self.shared.translate(&error))?;
        // Under the lock, so that the list and the engine agree.
        let context = &self.shared.context;
        let replaced = context.deregister_table(&name).and_then(|_| context.register_table(&name, Arc::new(table)));
        replaced.map_err(|error| self.shared.translate(&error))?;
        let table = Saved { columns: columns(&schema), rows, query, definitions, bytes };
        saved.insert(name, table.clone());
        Ok(table)
    }
}

/// Bytes that the rows of a batch take. What was read from a file shares one buffer, which the arrays' own sizes would count for each of them.
fn bytes_of(batch: &RecordBatch) -> usize {
    let of =
        |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size());
    batch.columns().iter().map(of).sum()
}

fn check_name(name: &str) -> Result<(), QueryError> {
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let hint =
        "a name has small letters, digits and _, begins with a letter, and is no word of SQL, as in failed_orders";
    // A word of SQL, such as `select`, would have to be quoted each time.
    if !is_word || name.len() > NAME_CHARS_MAX || guard::check(&format!("SELECT 1 FROM {name}")).is_err() {
        return Err(QueryError::statement_with_hint(format!("`{name}` can't be the name of a table"), hint));
    }
    if TABLES.iter().any(|table| table.name == name) {
        return Err(QueryError::statement_with_hint(
            format!("`{name}` is a table of the dataset"),
            "save under another name",
        ));
    }
    Ok(())
}

/// Makes sure that each column can be named.
fn check_columns(columns: &[ResultColumn]) -> Result<(), QueryError> {
    let unnamed = columns.iter().enumerate().find(|(index, column)| {
        let is_twice = columns[..*index].iter().any(|other| other.name == column.name);
        is_twice || !column.name.chars().all(|c| c.is_alphanumeric() || c == '_')
    });
    match unnamed {
        None => Ok(()),
        Some((_, column)) => Err(QueryError::statement_with_hint(
            format!("the column `{}` has no name of its own", column.name),
            "give each column of a saved result a name, as in count(*) AS traces",
        )),
    }
}

fn too_large(how: String) -> QueryError {
    QueryError::Limit { kind: LimitKind::Memory, message: format!("the result is too large to save: {how}") }
}

/// The types of a result, under the names that were shown.
fn shown(stream: &QueryStream) -> Arc<Schema> {
    let fields = stream.columns().iter().zip(stream.schema().fields());
    Arc::new(Schema::new(
        fields.map(|(column, field)| Field::new(&column.name, field.data_type().clone(), true)).collect::<Vec<_>>(),
    ))
}

/// A column without what it does not refer to: a text may hold on to the page it was cut from.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()),
        None => Arc::clone(column),
    }
}
