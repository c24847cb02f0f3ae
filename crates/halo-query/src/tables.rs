//! The tables of SQL: `spans` and `traces` over a dataset's Parquet files.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, not};
use datafusion::prelude::SessionContext;
use halo_dataset::{Column, Dataset, DatasetError, SPAN_COLUMNS, TRACE_COLUMNS};

use crate::{QueryError, functions};

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
];

/// Makes the tables of a dataset known to a context.
pub(crate) async fn register(context: &SessionContext, dataset: &Dataset) -> std::result::Result<(), QueryError> {
    let spans = dataset.span_files();
    let traces = dataset.trace_files();
    let straddle = dataset.straddle_step_file().zip(dataset.straddle_trace_file());
    for file in spans.iter().chain(&traces) {
        must_exist(file)?;
    }
    let (spans, traces) = match straddle {
        None => (
            listing(context, &spans, public_schema(SPAN_COLUMNS))?,
            listing(context, &traces, public_schema(TRACE_COLUMNS))?,
        ),
        Some((steps, whole)) => {
            must_exist(&steps)?;
            must_exist(&whole)?;
            (straddling_spans(context, &spans, steps).await?, straddling_traces(context, &traces, whole).await?)
        }
    };
    context.register_table("spans", spans).map_err(internal)?;
    context.register_table("traces", traces).map_err(internal)?;
    Ok(())
}

/// `spans` where some traces stand in several segments: their steps are looked up by row. A lookup and not a join, so that a query
/// which does not ask for `step` pays nothing, and filters still reach the files.
async fn straddling_spans(
    context: &SessionContext,
    files: &[PathBuf],
    steps: PathBuf,
) -> std::result::Result<Arc<dyn TableProvider>, QueryError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("row_id", DataType::Int64, true),
        Field::new("step", DataType::Int64, true),
    ]));
    let mut by_row = HashMap::new();
    for batch in read(context, steps, schema).await? {
        let row_ids = batch.column(0).as_primitive::<Int64Type>().values();
        let steps = batch.column(1).as_primitive::<Int64Type>().values();
        by_row.extend(row_ids.iter().copied().zip(steps.iter().copied()));
    }
    let lookup = functions::straddle_step(by_row);
    let stored = listing(context, files, schema_of(SPAN_COLUMNS.iter().filter(|column| column.name != "tags")))?;
    let columns = SPAN_COLUMNS.iter().filter(|column| !column.internal).map(|column| match column.name {
        "step" => lookup.call(vec![col("row_id"), col("step")]).alias("step"),
        name => col(name),
    });
    let view = || -> Result<LogicalPlan> {
        LogicalPlanBuilder::scan("spans_stored", provider_as_source(stored), None)?.project(columns)?.build()
    };
    Ok(Arc::new(ViewTable::new(view().map_err(internal)?, None)))
}

/// `traces` where some traces stand in several segments: their whole rows instead of the partial ones.
async fn straddling_traces(
    context: &SessionContext,
    files: &[PathBuf],
    whole: PathBuf,
) -> std::result::Result<Arc<dyn TableProvider>, QueryError> {
    let id_only = schema_of(TRACE_COLUMNS.iter().filter(|column| column.name == "trace_id"));
    let mut trace_ids = HashSet::new();
    for batch in read(context, whole.clone(), id_only).await? {
        trace_ids.extend(batch.column(0).as_string_view().iter().flatten().map(str::to_owned));
    }
    let straddles = functions::straddles(trace_ids);
    let stored = listing(context, files, public_schema(TRACE_COLUMNS))?;
    let whole = listing(context, &[whole], public_schema(TRACE_COLUMNS))?;
    let columns = || -> Vec<Expr> { public_columns(TRACE_COLUMNS).map(|column| col(column.name)).collect() };
    let view = || -> Result<LogicalPlan> {
        let whole =
            LogicalPlanBuilder::scan("traces_whole", provider_as_source(whole), None)?.project(columns())?.build()?;
        LogicalPlanBuilder::scan("traces_stored", provider_as_source(stored), None)?
            .filter(not(straddles.call(vec![col("trace_id")])))?
            .project(columns())?
            .union(whole)?
            .build()
    };
    Ok(Arc::new(ViewTable::new(view().map_err(internal)?, None)))
}

/// A table over these files and no others, with this schema and no look into the files for one.
fn listing(
    context: &SessionContext,
    files: &[PathBuf],
    schema: SchemaRef,
) -> std::result::Result<Arc<dyn TableProvider>, QueryError> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let urls = files.iter().map(|file| file_url(file)).collect::<std::result::Result<Vec<_>, _>>()?;
    let state = context.state();
    let format = ParquetFormat::default().with_options(state.default_table_options().parquet);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    let cache = context.runtime_env().cache_manager.get_file_statistic_cache();
    let table = ListingTable::try_new(config).map_err(internal)?.with_cache(cache);
    Ok(Arc::new(table))
}

async fn read(
    context: &SessionContext,
    file: PathBuf,
    schema: SchemaRef,
) -> std::result::Result<Vec<RecordBatch>, QueryError> {
    let damaged = |error: datafusion::error::DataFusionError| {
        QueryError::Dataset(DatasetError::Damaged { path: file.clone(), reason: error.strip_backtrace() })
    };
    let table = listing(context, std::slice::from_ref(&file), schema)?;
    context.read_table(table).map_err(internal)?.collect().await.map_err(damaged)
}

/// A URL for exactly this file. Given a path, the engine would take `*`, `?` and `[` in it for a pattern.
fn file_url(file: &Path) -> std::result::Result<ListingTableUrl, QueryError> {
    let absolute = std::path::absolute(file).map_err(|source| DatasetError::Io {
        action: "find",
        path: file.to_owned(),
        source,
    })?;
    let text = absolute
        .to_str()
        .ok_or_else(|| QueryError::statement(format!("the path `{}` is no UTF-8 text", file.display())))?;
    let mut url = String::from("file://");
    if !text.starts_with('/') {
        url.push('/');
    }
    for byte in text.replace(std::path::MAIN_SEPARATOR, "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    ListingTableUrl::parse(url).map_err(internal)
}

/// The engine takes a missing file for an empty one; a dataset without one of its files is damaged.
fn must_exist(file: &Path) -> std::result::Result<(), QueryError> {
    match std::fs::metadata(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(DatasetError::Damaged { path: file.to_owned(), reason: error.to_string() }.into()),
    }
}

fn public_columns(columns: &'static [Column]) -> impl Iterator<Item = &'static Column> {
    columns.iter().filter(|column| !column.internal)
}

fn public_schema(columns: &'static [Column]) -> SchemaRef {
    schema_of(public_columns(columns))
}

fn schema_of<'a>(columns: impl Iterator<Item = &'a Column>) -> SchemaRef {
    Arc::new(Schema::new(columns.map(Column::field).collect::<Vec<_>>()))
}

#[expect(clippy::needless_pass_by_value, reason = "for use in `map_err`")]
fn internal(error: datafusion::error::DataFusionError) -> QueryError {
    QueryError::internal(error.strip_backtrace())
}
