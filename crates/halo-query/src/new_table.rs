//! Rows that no query gave, as a result like any other.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use halo_tool::{ColumnType, NewTable};
use serde_json::{Map, Value};

use crate::stream::columns;
use crate::{QueryError, QueryResult, RowBatch};

impl QueryResult {
    /// A result of these rows, to be rendered as those of queries are.
    ///
    /// # Errors
    /// A bug: the columns do not make a table.
    pub fn of_table(table: &NewTable) -> Result<Self, QueryError> {
        let batch = to_batch(table)?;
        let columns = columns(batch.schema_ref());
        Ok(Self { columns, truncated: false, elapsed: Duration::ZERO, batches: vec![RowBatch(batch)] })
    }
}

/// The rows as columns of their types.
pub(crate) fn to_batch(table: &NewTable) -> Result<RecordBatch, QueryError> {
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
