//! Rows and tables for tools that ask models about rows.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use futures::future::{BoxFuture, FutureExt};
use halo_tool::{ColumnType, DataTables, NewTable, Rows, SavedTable, ToolError};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::check_name;
use super::files::Stored;
use crate::trace_tools::tool_error;
use crate::{QueryError, QueryLimits, TraceSession};

/// Most bytes of rows that are taken out of the engine at once.
const BYTES_MAX: usize = 64 << 20;
const TIME_MAX: Duration = Duration::from_secs(60);

/// The session as a source of rows and a place for tables.
#[must_use]
pub fn data_tables(session: TraceSession) -> Arc<dyn DataTables> {
    Arc::new(SessionTables { session })
}

struct SessionTables {
    session: TraceSession,
}

impl DataTables for SessionTables {
    fn rows<'a>(
        &'a self,
        query: &'a str,
        rows_max: usize,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Rows, ToolError>> {
        async move {
            let limits = QueryLimits { rows_max, bytes_max: BYTES_MAX, time_max: TIME_MAX };
            let result = self.session.query(query, &limits, cancel).await.map_err(tool_error)?;
            let columns = result.columns.iter().map(|column| column.name.clone()).collect();
            Ok(Rows { columns, rows: result.rows(), has_more: result.truncated })
        }
        .boxed()
    }

    fn save<'a>(&'a self, name: &'a str, table: NewTable) -> BoxFuture<'a, Result<(), ToolError>> {
        async move {
            check_name(name).map_err(tool_error)?;
            let batch = to_batch(&table).map_err(tool_error)?;
            let schema = batch.schema();
            let (query, definitions) = (String::new(), Vec::new());
            let stored = Stored { name: name.to_owned(), query, definitions, schema, batches: vec![batch] };
            self.session.keep(stored).map_err(tool_error)?;
            Ok(())
        }
        .boxed()
    }

    fn saved(&self) -> Vec<SavedTable> {
        let all = self.session.shared.saved.all();
        let told = all.into_iter().map(|(name, saved)| SavedTable {
            name,
            rows: saved.rows as u64,
            columns: saved.columns.into_iter().map(|column| column.name).collect(),
        });
        told.collect()
    }
}

fn to_batch(table: &NewTable) -> Result<RecordBatch, QueryError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (name, kind) in &table.columns {
        let column = column(&table.rows, name, *kind);
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| QueryError::internal(error.to_string()))
}

fn column(rows: &[Map<String, Value>], name: &str, kind: ColumnType) -> ArrayRef {
    let values = rows.iter().map(|row| row.get(name).filter(|value| !value.is_null()));
    match kind {
        ColumnType::Text => {
            let texts =
                values.map(|value| value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            Arc::new(texts.collect::<StringArray>())
        }
        ColumnType::Integer => Arc::new(values.map(|value| value?.as_i64()).collect::<Int64Array>()),
        ColumnType::Number => Arc::new(values.map(|value| value?.as_f64()).collect::<Float64Array>()),
        ColumnType::Boolean => Arc::new(values.map(|value| value?.as_bool()).collect::<BooleanArray>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::DataType;
    use serde_json::json;

    #[test]
    fn rows_become_columns_of_their_types() {
        let row = |value: Value| value.as_object().cloned().unwrap();
        let table = NewTable {
            columns: vec![
                ("t".into(), ColumnType::Text),
                ("i".into(), ColumnType::Integer),
                ("n".into(), ColumnType::Number),
                ("b".into(), ColumnType::Boolean),
            ],
            rows: vec![
                row(json!({"t": "a", "i": 1, "n": 1.5, "b": true})),
                row(json!({"t": [1], "i": "x", "n": 2, "b": null})),
                row(json!({})),
            ],
        };
        let batch = to_batch(&table).unwrap();
        let types: Vec<&DataType> = batch.schema_ref().fields().iter().map(|field| field.data_type()).collect();
        assert_eq!(types, [&DataType::Utf8, &DataType::Int64, &DataType::Float64, &DataType::Boolean]);
        let expected: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![Some("a"), Some("[1]"), None])),
            Arc::new(Int64Array::from(vec![Some(1), None, None])),
            Arc::new(Float64Array::from(vec![Some(1.5), Some(2.0), None])),
            Arc::new(BooleanArray::from(vec![Some(true), None, None])),
        ];
        assert_eq!(batch.columns(), expected);
    }
}
