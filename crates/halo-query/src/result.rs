//! What a query gives back: named columns, rows, and whether they are all.

use std::time::Duration;

use arrow::array::RecordBatch;
use serde_json::{Map, Value};

use crate::cell;

/// How much a query may take and give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    /// Most rows of the result; what is beyond is cut, and the result says so.
    pub rows_max: usize,
    /// Most bytes of all cells together; what is beyond is cut, and the result says so. The first row is always whole.
    pub bytes_max: usize,
    /// Longest wall time; a query that needs more fails.
    pub time_max: Duration,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type, as users write it in SQL.
    pub sql_type: String,
}

/// Some rows of a result.
#[derive(Debug, Clone)]
pub struct RowBatch(pub(crate) RecordBatch);

impl RowBatch {
    /// How many rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.0.num_rows()
    }

    /// The rows as JSON objects. Of two columns with one name, the later counts.
    #[must_use]
    pub fn objects(&self, columns: &[ResultColumn]) -> Vec<Map<String, Value>> {
        let object = |row| {
            let cells = columns.iter().zip(self.0.columns());
            cells.map(|(column, array)| (column.name.clone(), cell::value(array, row))).collect()
        };
        (0..self.row_count()).map(object).collect()
    }

    /// The cells of the column at this place as text, `None` for NULL; none when there is no such column.
    #[must_use]
    pub fn texts(&self, column: usize) -> Vec<Option<String>> {
        let Some(array) = self.0.columns().get(column) else { return Vec::new() };
        (0..self.row_count()).map(|row| cell::text(array, row).map(std::borrow::Cow::into_owned)).collect()
    }
}

/// The result of a query.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// Its columns, in order. Names need not be distinct.
    pub columns: Vec<ResultColumn>,
    /// Whether rows are missing because of a limit.
    pub truncated: bool,
    /// Wall time of the query.
    pub elapsed: Duration,
    /// The rows.
    pub batches: Vec<RowBatch>,
}

impl QueryResult {
    /// How many rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RowBatch::row_count).sum()
    }

    /// The rows as JSON objects. Of two columns with one name, the later counts.
    #[must_use]
    pub fn rows(&self) -> Vec<Map<String, Value>> {
        self.batches.iter().flat_map(|batch| batch.objects(&self.columns)).collect()
    }

    /// The cells of a column as text, `None` for NULL; `None` when there is no such column.
    #[must_use]
    pub fn texts(&self, column: &str) -> Option<Vec<Option<String>>> {
        let index = self.columns.iter().position(|known| known.name == column)?;
        Some(self.column_texts(index))
    }

    /// The cells of the column at this place as text, `None` for NULL.
    pub(crate) fn column_texts(&self, index: usize) -> Vec<Option<String>> {
        self.batches.iter().flat_map(|batch| batch.texts(index)).collect()
    }
}
