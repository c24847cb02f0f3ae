//! The tables of SQL over a dataset's Parquet files.
//!
//! The files hold references where SQL shows texts (see halo-dataset), so each table is a view that puts them together. What a view does
//! is in `views.rs`, what it does it with in `content.rs`.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::datasource::ViewTable;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use halo_dataset::{Column, ContentStore, Dataset, SPAN_COLUMNS, TRACE_COLUMNS};

use crate::attributes::Surveys;
use crate::causes::Causes;
use crate::kept::FoundTable;
use crate::prompts::PromptTable;
use crate::{QueryError, content, functions};

mod columns;
mod kept_traces;
mod listing;
mod views;

pub(crate) use columns::ATTRIBUTE_VALUE_COLUMNS;
use columns::{ERROR_COLUMNS, MESSAGE_COLUMNS, PROMPT_COLUMNS, TOOL_CALL_COLUMNS};
use kept_traces::{Segments, TraceIndex};
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
    TableInfo { name: "errors", doc: "One row a span of status ERROR, with what went wrong.", columns: ERROR_COLUMNS },
    TableInfo {
        name: "prompts",
        doc: "One row a distinct system prompt or tool list of an agent and service, with the time, versions and traces it was seen in.",
        columns: PROMPT_COLUMNS,
    },
    TableInfo {
        name: "attribute_values",
        doc: "One row a value of an attribute with few values: what tells groups of traces, spans and resources apart.",
        columns: ATTRIBUTE_VALUE_COLUMNS,
    },
];

/// What is found by looking at the whole dataset, when it is first asked for.
pub(crate) struct Found {
    pub(crate) prompts: Arc<PromptTable>,
    pub(crate) surveys: Arc<Surveys>,
}

/// What the tables of a dataset are made of.
pub(crate) struct Makings {
    pub(crate) dataset: Dataset,
    pub(crate) store: Arc<ContentStore>,
    pub(crate) found: Found,
    pub(crate) causes: Arc<Causes>,
    /// Roll-ups are kept in memory when they take no more than this.
    pub(crate) kept_bytes_max: usize,
    /// Of traces that stand in several segments; `None` when there are none.
    pub(crate) straddle: Option<Straddle>,
}

/// What is known of the traces that stand in several segments.
pub(crate) struct Straddle {
    /// Their steps, by row.
    steps: ScalarUDF,
    /// Whether a trace is one of them.
    is_one: ScalarUDF,
    /// Their whole rows.
    traces: PathBuf,
}

impl Straddle {
    pub(crate) async fn of(context: &SessionContext, dataset: &Dataset) -> Result<Option<Self>, QueryError> {
        let Some((steps, traces)) = dataset.straddle_step_file().zip(dataset.straddle_trace_file()) else {
            return Ok(None);
        };
        must_exist(&steps)?;
        must_exist(&traces)?;
        let (steps, is_one) = (straddle_step(context, &steps).await?, straddles(context, &traces).await?);
        Ok(Some(Self { steps, is_one, traces }))
    }
}

/// Which traces the tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held<'a> {
    /// All.
    All,
    /// Those that stand in these segments, by their places, and in no others.
    Segments(&'a [usize]),
    /// Those that stand in several segments.
    Straddling,
}

impl Makings {
    /// Makes the tables known to a context, and gives the spans as they are stored, which users do not see.
    pub(crate) async fn register(
        &self,
        context: &SessionContext,
        held: Held<'_>,
    ) -> Result<Arc<dyn TableProvider>, QueryError> {
        let dataset = &self.dataset;
        let of = |files: Vec<PathBuf>| match held {
            Held::Segments(places) => places.iter().filter_map(|place| files.get(*place).cloned()).collect(),
            Held::All | Held::Straddling => files,
        };
        let (spans, traces) = (of(dataset.span_files()), of(dataset.trace_files()));
        for file in spans.iter().chain(&traces).chain(&dataset.text_files()).chain(&dataset.message_files()) {
            must_exist(file)?;
        }
        let workshop = self.workshop(context);
        // Of its own, and with no tables: those of `context` hold the index.
        let config = context.copied_config().with_create_default_catalog_and_schema(true);
        let reading = SessionContext::new_with_config_rt(config, context.runtime_env());
        let kept_bytes_max = if held == Held::All { self.kept_bytes_max } else { 0 };
        let index = TraceIndex::new(&reading, &traces, stored_schema(TRACE_COLUMNS), kept_bytes_max);
        let segments = [
            ("spans_stored", Segments::spans(&index, &spans, stored_schema(SPAN_COLUMNS))?),
            ("traces_stored", Segments::traces(&index)?),
        ];
        for (name, table) in segments {
            workshop.register_table(name, table).map_err(internal)?;
        }
        if let Some(straddle) = &self.straddle {
            let table = listing(context, std::slice::from_ref(&straddle.traces), stored_schema(TRACE_COLUMNS))?;
            workshop.register_table("traces_whole", table).map_err(internal)?;
            workshop.register_udf(straddle.steps.clone());
            workshop.register_udf(straddle.is_one.clone());
        }
        self.add_found(&workshop)?;
        for (name, sql) in views::all(self.straddle.as_ref().map(|_| held)) {
            let plan = workshop.state().create_logical_plan(&sql).await.map_err(internal)?;
            let view = Arc::new(ViewTable::new(plan, None));
            if TABLES.iter().any(|table| table.name == name) {
                context.register_table(name, Arc::clone(&view) as _).map_err(internal)?;
            }
            workshop.register_table(name, view).map_err(internal)?;
        }
        workshop.table_provider(views::STORED_SPANS).await.map_err(internal)
    }

    /// The context in which the views are planned: it knows the files and functions that users shall not see.
    fn workshop(&self, context: &SessionContext) -> SessionContext {
        // A context made of another one is told not to make what it has already.
        let config = context.copied_config().with_create_default_catalog_and_schema(true);
        let workshop = SessionContext::new_with_config(config);
        content::functions(&self.store).iter().for_each(|function| workshop.register_udf(ScalarUDF::clone(function)));
        workshop.register_udf(functions::error_signature());
        workshop.register_udf(functions::text_key());
        workshop.register_udf(functions::diff_lines());
        workshop.register_udf(functions::cause_of(&self.causes));
        workshop
    }

    fn add_found(&self, workshop: &SessionContext) -> Result<(), QueryError> {
        add_found(workshop, "prompts_found", PromptTable::schema(), {
            let prompts = Arc::clone(&self.found.prompts);
            move |pool| Arc::clone(&prompts).rows(pool).boxed()
        })?;
        add_found(workshop, "attribute_values_found", schema_shown(ATTRIBUTE_VALUE_COLUMNS), {
            let surveys = Arc::clone(&self.found.surveys);
            move |pool| Arc::clone(&surveys).rows(pool).boxed()
        })
    }
}

/// Adds a table whose rows are found when it is read.
fn add_found(
    workshop: &SessionContext,
    name: &'static str,
    schema: SchemaRef,
    rows: impl Fn(Arc<dyn MemoryPool>) -> BoxFuture<'static, datafusion::common::Result<RecordBatch>>
    + Send
    + Sync
    + 'static,
) -> Result<(), QueryError> {
    let table = FoundTable::new(name, Arc::clone(&schema), rows);
    let table = StreamingTable::try_new(schema, vec![Arc::new(table)]).map_err(internal)?;
    workshop.register_table(name, Arc::new(table)).map_err(internal).map(drop)
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

/// What SQL shows of a table.
pub(crate) fn schema_shown(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()))
}

#[expect(clippy::needless_pass_by_value, reason = "for use in `map_err`")]
fn internal(error: DataFusionError) -> QueryError {
    QueryError::internal(error.strip_backtrace())
}
