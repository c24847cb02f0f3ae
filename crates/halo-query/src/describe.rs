//! `SHOW TABLES` and `DESCRIBE`: what there is, with what it means, without asking the engine.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};

use crate::tables::TABLES;
use crate::{QueryError, engine_error};

/// The tables and what a row of each is.
pub(crate) fn tables() -> Result<RecordBatch, QueryError> {
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    let docs: Vec<&str> = TABLES.iter().map(|table| table.doc).collect();
    batch([("table_name", names), ("meaning", docs)])
}

/// The columns of a table, their types and what they mean.
pub(crate) fn columns(table: &str) -> Result<RecordBatch, QueryError> {
    let short = table.rsplit('.').next().unwrap_or(table).trim_matches('"');
    let Some(table) = TABLES.iter().find(|known| known.name.eq_ignore_ascii_case(short)) else {
        return Err(engine_error::no_table(table, None));
    };
    let public = || table.columns.iter().filter(|column| !column.internal);
    batch([
        ("column_name", public().map(|column| column.name).collect()),
        ("type", public().map(|column| column.kind.sql_name()).collect()),
        ("meaning", public().map(|column| column.doc).collect()),
    ])
}

fn batch<const N: usize>(columns: [(&str, Vec<&str>); N]) -> Result<RecordBatch, QueryError> {
    let columns = columns.into_iter().map(|(name, values)| (name, Arc::new(StringArray::from(values)) as ArrayRef));
    RecordBatch::try_from_iter(columns).map_err(|error| QueryError::internal(error.to_string()))
}
