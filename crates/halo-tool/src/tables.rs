//! Tables that tools read and make: the data that stays outside the prompt.

use futures::future::BoxFuture;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::ToolError;

/// Rows by SQL, and tables made of rows. The data engine implements it; tools that ask models about rows use it.
pub trait DataTables: Send + Sync {
    /// Runs one read-only statement and gives its rows, at most `rows_max`.
    ///
    /// # Errors
    /// [`ToolError::ForModel`] when the statement is wrong or exceeds a limit.
    fn rows<'a>(
        &'a self,
        query: &'a str,
        rows_max: usize,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Rows, ToolError>>;

    /// Makes a table that later statements of all agents of the run can read. One of the same name is replaced.
    ///
    /// # Errors
    /// [`ToolError::ForModel`] when the name is none or is taken by a table of the dataset, or the rows are too large.
    fn save<'a>(&'a self, name: &'a str, table: NewTable) -> BoxFuture<'a, Result<(), ToolError>>;

    /// The tables made so far, in the order of their names.
    fn saved(&self) -> Vec<SavedTable>;
}

/// Rows of a statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns, in order.
    pub columns: Vec<String>,
    /// Each row by column name.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are more rows than were asked for.
    pub has_more: bool,
}

/// A table to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTable {
    /// Columns with the type of their values, in order.
    pub columns: Vec<(String, ColumnType)>,
    /// Each row by column name; what is missing or of another type becomes NULL.
    pub rows: Vec<Map<String, Value>>,
}

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text; values that are no strings are written as JSON.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit floating point number.
    Number,
    /// True or false.
    Boolean,
}

/// A table that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedTable {
    /// Its name.
    pub name: String,
    /// Number of rows.
    pub rows: u64,
    /// Names of the columns.
    pub columns: Vec<String>,
}
