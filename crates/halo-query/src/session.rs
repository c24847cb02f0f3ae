//! A dataset opened for SQL.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use datafusion::common::config::Dialect;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::prelude::{Expr, SessionConfig, SessionContext};
use halo_dataset::{ContentStore, Dataset};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::attributes::Surveys;
use crate::bounds::Bounds;
use crate::causes::Causes;
use crate::census::{self, Census};
use crate::engine_error::{self, Surroundings};
use crate::guard::{self, Checked};
use crate::outcomes::Outcomes;
use crate::prompts::PromptTable;
use crate::rewrite::ReadLess;
use crate::saved::SavedTables;
use crate::search::SearchEngine;
use crate::stream::{QueryStream, Work};
use crate::tables::{Found, Held, Makings, Straddle};
use crate::{QueryError, QueryLimits, QueryResult, content, describe, function_docs, functions};

/// Rows the engine works on at a time. Payload columns run to tens of kilobytes a row: smaller batches than the engine's own
/// default keep memory low and let a cancelled query end soon.
pub(crate) const BATCH_ROWS: usize = 2048;

/// Where the tables are.
pub(crate) const CATALOG: &str = "halo";
pub(crate) const SCHEMA: &str = "public";

/// Texts and messages that were read are kept in memory, up to this part of what queries may take.
const CONTENT_SHARE: usize = 4;

/// The same of what searches look through.
const SEARCH_SHARE: usize = 4;
/// The roll-ups of all traces are kept in memory, when they take no more than this part of it.
const KEPT_SHARE: usize = 16;

/// Stack of the engine's threads.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Limits of statements that this crate itself writes: their results are aggregates, or what a caller asked for.
pub(crate) const OWN_LIMITS: QueryLimits =
    QueryLimits { rows_max: usize::MAX, bytes_max: 256 * 1024 * 1024, time_max: Duration::from_secs(120) };

/// Counts of traces are kept, up to this part of what queries may take.
const CENSUS_SHARE: usize = 8;

/// How a session works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads a query is spread over.
    pub threads: usize,
    /// Memory that all queries of the session together may take for sorting, grouping and joining.
    pub memory_bytes: usize,
}

/// A dataset opened for SQL. Cheap to clone; clones share memory and caches.
#[derive(Clone)]
pub struct TraceSession {
    pub(crate) shared: Arc<Shared>,
    /// What its statements know besides, or instead of, what those of the others do.
    pub(crate) own_context: Option<SessionContext>,
}

pub(crate) struct Shared {
    pub(crate) context: SessionContext,
    pub(crate) dataset: Dataset,
    pub(crate) causes: Arc<Causes>,
    /// Finds patterns in all texts.
    pub(crate) search: Arc<SearchEngine>,
    census: tokio::sync::Mutex<Option<Arc<Census>>>,
    /// Results that are tables.
    pub(crate) saved: SavedTables,
    /// Threads of the engine's own. A query computes without pause for as long as it takes, and would starve whatever else runs on
    /// its threads: the model's streams, timers, the handler of Ctrl-C. `None` only while it is dropped.
    engine: Option<Runtime>,
    /// Spans as they are stored, without the texts that stand elsewhere.
    stored_spans: Arc<dyn TableProvider>,
    /// Where those texts are.
    pub(crate) store: Arc<ContentStore>,
    functions: Vec<String>,
    pub(crate) memory_bytes: usize,
    /// What the tools tell of attributes.
    pub(crate) surveys: Arc<Surveys>,
    /// How runs ended, where the user says so.
    pub(crate) outcomes: OnceLock<Arc<Outcomes>>,
    /// What the tables were made of.
    pub(crate) makings: Makings,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            // The last clone may go in an async task, which must not wait for threads.
            engine.shutdown_background();
        }
    }
}

impl Shared {
    /// Runs a future on the engine's threads.
    pub(crate) fn spawn(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Result<AbortOnDropHandle<()>, QueryError> {
        match &self.engine {
            Some(engine) => Ok(AbortOnDropHandle::new(engine.spawn(future))),
            None => Err(QueryError::internal("the session is closed")),
        }
    }

    /// Does work that computes for long without a pause, on a thread of its own.
    pub(crate) async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, QueryError> {
        let Some(engine) = &self.engine else {
            return Err(QueryError::internal("the session is closed"));
        };
        engine.spawn_blocking(work).await.map_err(|error| QueryError::internal(error.to_string()))
    }

    /// What the memory of queries is counted in.
    pub(crate) fn memory_pool(&self) -> Arc<dyn MemoryPool> {
        Arc::clone(&self.context.runtime_env().memory_pool)
    }

    /// Queries and parts of queries that are at work.
    #[cfg(test)]
    pub(crate) fn tasks(&self) -> usize {
        self.engine.as_ref().map_or(0, |engine| engine.metrics().num_alive_tasks())
    }

    /// Translates an error of the engine.
    pub(crate) fn translate(&self, error: &DataFusionError) -> QueryError {
        engine_error::translate(
            error,
            &Surroundings {
                root: self.dataset.root(),
                functions: &self.functions,
                saved: &self.saved.names(),
                memory_bytes: self.memory_bytes,
            },
        )
    }
}

impl TraceSession {
    /// Opens a dataset. Later commits to it are not seen: open again to see them.
    ///
    /// # Errors
    /// A file of the dataset is missing or damaged.
    pub async fn open(dataset: &Dataset, options: SessionOptions) -> Result<Self, QueryError> {
        let internal = |error: DataFusionError| QueryError::internal(error.strip_backtrace());
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(options.memory_bytes)))
            // Nothing is written to disk: a query that needs more than its memory says so.
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .build_arc()
            .map_err(internal)?;
        let store = Arc::new(ContentStore::open(dataset, options.memory_bytes / CONTENT_SHARE));
        let state = SessionStateBuilder::new()
            .with_config(config(options))
            .with_runtime_env(runtime)
            .with_default_features()
            .with_optimizer_rules(optimizer_rules(&store, options.memory_bytes))
            .build();
        let mut context = SessionContext::new_with_state(state);
        function_docs::register(&mut context).map_err(internal)?;
        let search = Arc::new(SearchEngine::new(dataset, options.threads, options.memory_bytes / SEARCH_SHARE));
        context.register_udf(functions::trace_matches(Some(&search)));
        let causes = Arc::new(Causes::of_dataset(dataset));
        let found = Found {
            prompts: Arc::new(PromptTable::new(dataset, &store, options.threads)),
            surveys: Arc::new(Surveys::new(dataset, &store, options.threads)),
        };
        bound_functions(&context, options.memory_bytes);
        // Tells where the files of the dataset are.
        context.deregister_udf("input_file_name");
        let surveys = Arc::clone(&found.surveys);
        let makings = Makings {
            dataset: dataset.clone(),
            store: Arc::clone(&store),
            found,
            causes: Arc::clone(&causes),
            kept_bytes_max: options.memory_bytes / KEPT_SHARE,
            straddle: Straddle::of(&context, dataset).await?,
        };
        let stored_spans = makings.register(&context, Held::All).await?;
        let engine = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name("halo-query")
            // Planning a statement that is as deep as may be takes more stack than threads have of themselves.
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| QueryError::internal(format!("cannot start threads: {error}")))?;
        let shared = Shared {
            engine: Some(engine),
            functions: function_names(&context),
            context,
            dataset: dataset.clone(),
            causes,
            search,
            census: tokio::sync::Mutex::default(),
            saved: SavedTables::default(),
            stored_spans,
            store,
            memory_bytes: options.memory_bytes,
            surveys,
            outcomes: OnceLock::new(),
            makings,
        };
        Ok(Self { shared: Arc::new(shared), own_context: None })
    }

    /// What its statements are planned in.
    pub(crate) fn context(&self) -> &SessionContext {
        self.own_context.as_ref().unwrap_or(&self.shared.context)
    }

    /// Runs one read-only statement and gives its rows as they come.
    ///
    /// # Errors
    /// As [`query`](Self::query), as far as they show before the first rows.
    pub async fn stream(
        &self,
        sql: &str,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<QueryStream, QueryError> {
        match guard::check(sql)? {
            Checked::Query(statement) => {
                let work = Work::Statement(statement, self.context().clone());
                QueryStream::start(Arc::clone(&self.shared), work, limits, cancel).await
            }
            Checked::ShowTables => QueryStream::ready(describe::tables(&self.shared.saved)?, limits, cancel),
            Checked::ShowFunctions { like } => {
                QueryStream::ready(function_docs::like(like.as_deref())?, limits, cancel)
            }
            Checked::Describe { table } => {
                QueryStream::ready(describe::columns(&table, &self.shared.saved)?, limits, cancel)
            }
        }
    }

    /// Columns of the spans that meet a condition, as they are stored: ids where SQL shows texts.
    pub(crate) async fn stored_spans(
        &self,
        condition: Expr,
        columns: Vec<Expr>,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<QueryStream, QueryError> {
        let spans = self.shared.context.read_table(Arc::clone(&self.shared.stored_spans));
        let frame = spans.and_then(|spans| spans.filter(condition)?.select(columns));
        let frame = frame.map_err(|error| self.shared.translate(&error))?;
        QueryStream::start(Arc::clone(&self.shared), Work::Frame(Box::new(frame)), limits, cancel).await
    }

    /// Runs a statement of this crate's own, for whose result there is room.
    pub(crate) async fn own_query(&self, sql: &str, cancel: &CancellationToken) -> Result<QueryResult, QueryError> {
        self.query(sql, &OWN_LIMITS, cancel).await
    }

    /// What is counted of all traces. Counted once, and kept unless it is too much.
    pub(crate) async fn census(&self, cancel: &CancellationToken) -> Result<Arc<Census>, QueryError> {
        // Whoever asks meanwhile waits for the same count.
        let mut kept = self.shared.census.lock().await;
        if cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        if let Some(census) = kept.as_ref() {
            return Ok(Arc::clone(census));
        }
        let census = Arc::new(census::build(self, cancel).await?);
        if cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        if census.bytes() <= self.shared.memory_bytes / CENSUS_SHARE {
            *kept = Some(Arc::clone(&census));
        }
        Ok(census)
    }

    /// The traces that meet a condition over `traces`, by their numbers in the census.
    pub(crate) async fn select(
        &self,
        census: &Census,
        condition: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<u32>, QueryError> {
        if condition == "true" {
            return Ok(census.all());
        }
        let ids = self.own_query(&format!("SELECT trace_id FROM traces WHERE {condition}"), cancel).await?;
        let ids = ids.texts("trace_id").unwrap_or_default();
        Ok(census.with_ids(ids.iter().flatten().map(String::as_str)))
    }

    /// Runs one read-only statement. A result beyond the limits on rows or bytes is cut and says so.
    ///
    /// # Errors
    /// The statement is wrong or would write, takes too long or too much memory, is cancelled, or the dataset can't be read.
    pub async fn query(
        &self,
        sql: &str,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<QueryResult, QueryError> {
        let mut stream = self.stream(sql, limits, cancel).await?;
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await? {
            batches.push(batch);
        }
        Ok(QueryResult {
            columns: stream.columns().to_vec(),
            truncated: stream.truncated(),
            elapsed: stream.elapsed(),
            batches,
        })
    }
}

impl std::fmt::Debug for TraceSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceSession").field("root", &self.shared.dataset.root()).finish_non_exhaustive()
    }
}

fn config(options: SessionOptions) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(options.threads.max(1))
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_collect_statistics(true);
    let engine = config.options_mut();
    engine.sql_parser.dialect = Dialect::PostgreSQL;
    // Places of names in the statement, for error messages.
    engine.sql_parser.collect_spans = true;
    // Payload columns are read only for rows that pass the filters on small ones.
    engine.execution.parquet.pushdown_filters = true;
    // In the order that `rewrite.rs` gives them: the engine's own goes by the bytes of a column, and an id stands for a long text.
    engine.execution.parquet.reorder_filters = false;
    // DataFusion 55 plans DISTINCT over a window query with LIMIT wrongly ("Ordering direction required"), and statements of
    // findings have just that shape.
    engine.optimizer.enable_distinct_aggregation_soft_limit = false;
    // Planning is most of the time of a statement over few rows, and a third round changes no plan of the tables' views.
    engine.optimizer.max_passes = 2;
    config
}

/// The engine's rules with ours among them: right after filters have met the views, before their common parts are taken out, and
/// again when all else is done.
fn optimizer_rules(store: &Arc<ContentStore>, memory_bytes: usize) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    if let Some(ours) = ReadLess::of(&content::functions(store)) {
        let ours: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(ours);
        let after_filters =
            rules.iter().position(|rule| rule.name() == "push_down_filter").map_or(rules.len(), |at| at + 1);
        rules.insert(after_filters, Arc::clone(&ours));
        rules.push(ours);
    }
    let bounds: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(Bounds::of(memory_bytes));
    rules.insert(0, Arc::clone(&bounds));
    rules.push(bounds);
    rules
}

/// Puts the functions that statements name within bounds. Those that the engine itself puts into a plan are met by the rule.
fn bound_functions(context: &SessionContext, memory_bytes: usize) {
    let known = context.state().scalar_functions().clone();
    for function in known.values().filter_map(|function| functions::bounded(function, memory_bytes)) {
        context.register_udf(ScalarUDF::clone(&function));
    }
}

fn function_names(context: &SessionContext) -> Vec<String> {
    let state = context.state();
    let mut names: Vec<String> = state
        .scalar_functions()
        .keys()
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
