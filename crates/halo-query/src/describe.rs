//! `SHOW TABLES` and `DESCRIBE`: what there is, with what it means, without asking the engine.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};

use crate::saved::SavedTables;
use crate::tables::TABLES;
use crate::{QueryError, engine_error};

/// The tables and what a row of each is.
pub(crate) fn tables(saved: &SavedTables) -> Result<RecordBatch, QueryError> {
    let saved = saved.all();
    let from: Vec<String> =
        saved.iter().map(|(_, table)| format!("Saved, {} rows: {}", table.rows, table.query)).collect();
    let names = TABLES.iter().map(|table| table.name).chain(saved.iter().map(|(name, _)| name.as_str()));
    let docs = TABLES.iter().map(|table| table.doc).chain(from.iter().map(String::as_str));
    batch([("table_name", names.collect()), ("meaning", docs.collect())])
}

/// The columns of a table, their types and what they mean.
pub(crate) fn columns(table: &str, saved: &SavedTables) -> Result<RecordBatch, QueryError> {
    let short = table.rsplit('.').next().unwrap_or(table).trim_matches('"');
    if let Some((_, table)) = saved.all().into_iter().find(|(name, _)| name.eq_ignore_ascii_case(short)) {
        return batch([
            ("column_name", table.columns.iter().map(|column| column.name.as_str()).collect()),
            ("type", table.columns.iter().map(|column| column.sql_type.as_str()).collect()),
            ("meaning", vec!["as saved"; table.columns.len()]),
        ]);
    }
    let Some(table) = TABLES.iter().find(|known| known.name.eq_ignore_ascii_case(short)) else {
        return Err(engine_error::no_table(table, None, &saved.names()));
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
