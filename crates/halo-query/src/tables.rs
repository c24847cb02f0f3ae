//! The tables of SQL over a dataset's Parquet files.
//!
//! The files hold references where SQL shows texts (see halo-dataset), so each table is a view that puts them together. What a view does
//! is in `views.rs`, what it does it with in `content.rs`.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;
use halo_dataset::{Column, ContentStore, Dataset, SPAN_COLUMNS, TRACE_COLUMNS};

use crate::{QueryError, content, functions};

mod columns;
mod listing;
mod views;

use columns::{MESSAGE_COLUMNS, TOOL_CALL_COLUMNS};
use listing::{listing, must_exist, read};

/// A table as users know it.
pub(crate) struct TableInfo {
    /// Name in SQL.
    pub(crate) name: &'static str,
    /// What a row is.
    pub(crate) doc: &'static str,
    /// Its columns; internal ones are not part of the table.
    pub(crate) columns: &'static [Column],
}

/// The tables, in the order they are told of.
pub(crate) const TABLES: &[TableInfo] = &[
    TableInfo { name: "spans", doc: "One row a span: one step of a run.", columns: SPAN_COLUMNS },
    TableInfo { name: "traces", doc: "One row a trace: one run, rolled up from its spans.", columns: TRACE_COLUMNS },
    TableInfo {
        name: "messages",
        doc: "One row a chat message of an LLM span. The history that is sent again each turn is there again; is_new tells it apart.",
        columns: MESSAGE_COLUMNS,
    },
    TableInfo {
        name: "tool_calls",
        doc: "One row a tool call: asked for by an LLM span, executed by a TOOL span, or both.",
        columns: TOOL_CALL_COLUMNS,
    },
];

/// Makes the tables of a dataset known to a context, and gives the spans as they are stored, which users do not see.
pub(crate) async fn register(
    context: &SessionContext,
    dataset: &Dataset,
    store: &Arc<ContentStore>,
) -> Result<Arc<dyn TableProvider>, QueryError> {
    let (spans, traces) = (dataset.span_files(), dataset.trace_files());
    for file in spans.iter().chain(&traces).chain(&dataset.text_files()).chain(&dataset.message_files()) {
        must_exist(file)?;
    }
    // The views are planned in a context of their own, which knows the files and functions that users shall not see.
    let workshop = SessionContext::new_with_config(context.copied_config());
    content::functions(store).iter().for_each(|function| workshop.register_udf(ScalarUDF::clone(function)));
    workshop.register_udf(functions::error_signature());
    workshop.register_udf(functions::text_key());
    workshop.register_udf(functions::cause_of(dataset));
    let add = |name: &str, files: &[PathBuf], columns| -> Result<(), QueryError> {
        let table = listing(context, files, stored_schema(columns))?;
        workshop.register_table(name, table).map_err(internal).map(drop)
    };
    add("spans_stored", &spans, SPAN_COLUMNS)?;
    add("traces_stored", &traces, TRACE_COLUMNS)?;
    let straddle = dataset.straddle_step_file().zip(dataset.straddle_trace_file());
    if let Some((steps, whole)) = &straddle {
        must_exist(steps)?;
        must_exist(whole)?;
        add("traces_whole", std::slice::from_ref(whole), TRACE_COLUMNS)?;
        workshop.register_udf(straddle_step(context, steps).await?);
        workshop.register_udf(straddles(context, whole).await?);
    }
    for (name, sql) in views::all(straddle.is_some()) {
        let plan = workshop.state().create_logical_plan(&sql).await.map_err(internal)?;
        let view = Arc::new(ViewTable::new(plan, None));
        if TABLES.iter().any(|table| table.name == name) {
            context.register_table(name, Arc::clone(&view) as _).map_err(internal)?;
        }
        workshop.register_table(name, view).map_err(internal)?;
    }
    workshop.table_provider(views::STORED_SPANS).await.map_err(internal)
}

/// The true steps of spans whose traces stand in several segments, by row: a lookup and not a join, so that a query which does not ask for
/// `step` pays nothing, and filters still reach the files.
async fn straddle_step(context: &SessionContext, file: &std::path::Path) -> Result<ScalarUDF, QueryError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("row_id", DataType::Int64, true),
        Field::new("step", DataType::Int64, true),
    ]));
    let mut by_row = HashMap::new();
    for batch in read(context, file.to_owned(), schema).await? {
        let row_ids = batch.column(0).as_primitive::<Int64Type>().values();
        let steps = batch.column(1).as_primitive::<Int64Type>().values();
        by_row.extend(row_ids.iter().copied().zip(steps.iter().copied()));
    }
    Ok(functions::straddle_step(by_row))
}

/// Which traces stand in several segments: their rows there are partial.
async fn straddles(context: &SessionContext, file: &std::path::Path) -> Result<ScalarUDF, QueryError> {
    let id_only = schema_of(TRACE_COLUMNS.iter().filter(|column| column.name == "trace_id"));
    let mut trace_ids = HashSet::new();
    for batch in read(context, file.to_owned(), id_only).await? {
        trace_ids.extend(batch.column(0).as_string_view().iter().flatten().map(str::to_owned));
    }
    Ok(functions::straddles(trace_ids))
}

/// What the files of a table hold. Columns that only the roll-up needs are in none.
fn stored_schema(columns: &'static [Column]) -> SchemaRef {
    schema_of(columns.iter().filter(|column| column.name != "tags"))
}

fn schema_of<'a>(columns: impl Iterator<Item = &'a Column>) -> SchemaRef {
    Arc::new(Schema::new(columns.filter_map(Column::stored_field).collect::<Vec<_>>()))
}

#[expect(clippy::needless_pass_by_value, reason = "for use in `map_err`")]
fn internal(error: DataFusionError) -> QueryError {
    QueryError::internal(error.strip_backtrace())
}
