//! A dataset opened for SQL.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::DataFusionError;
use datafusion::common::config::Dialect;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::prelude::{SessionConfig, SessionContext};
use halo_dataset::{ContentStore, Dataset};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::engine_error::{self, Surroundings};
use crate::guard::{self, Checked};
use crate::rewrite::ReadLess;
use crate::stream::QueryStream;
use crate::yielding::YieldInJoins;
use crate::{QueryError, QueryLimits, QueryResult, content, describe, function_docs, tables};

/// Rows the engine works on at a time. Payload columns run to tens of kilobytes a row: smaller batches than the engine's own
/// default keep memory low and let a cancelled query end soon.
const BATCH_ROWS: usize = 2048;

/// Texts and messages that were read are kept in memory, up to this part of what queries may take.
const CONTENT_SHARE: usize = 4;

/// Limits of statements that this crate itself writes: their results are aggregates, or what a caller asked for.
pub(crate) const OWN_LIMITS: QueryLimits =
    QueryLimits { rows_max: usize::MAX, bytes_max: 256 * 1024 * 1024, time_max: Duration::from_secs(120) };

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
}

pub(crate) struct Shared {
    pub(crate) context: SessionContext,
    /// Threads of the engine's own. A query computes without pause for as long as it takes, and would starve whatever else runs on
    /// its threads: the model's streams, timers, the handler of Ctrl-C. `None` only while it is dropped.
    engine: Option<Runtime>,
    root: PathBuf,
    functions: Vec<String>,
    memory_bytes: usize,
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

    /// Queries and parts of queries that are at work.
    #[cfg(test)]
    pub(crate) fn tasks(&self) -> usize {
        self.engine.as_ref().map_or(0, |engine| engine.metrics().num_alive_tasks())
    }

    /// Translates an error of the engine.
    pub(crate) fn translate(&self, error: &DataFusionError) -> QueryError {
        engine_error::translate(
            error,
            &Surroundings { root: &self.root, functions: &self.functions, memory_bytes: self.memory_bytes },
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
            .with_optimizer_rules(optimizer_rules(&store))
            .with_physical_optimizer_rule(Arc::new(YieldInJoins))
            .build();
        let mut context = SessionContext::new_with_state(state);
        function_docs::register(&mut context).map_err(internal)?;
        tables::register(&context, dataset, &store).await?;
        let engine = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name("halo-query")
            .enable_all()
            .build()
            .map_err(|error| QueryError::internal(format!("cannot start threads: {error}")))?;
        let shared = Shared {
            engine: Some(engine),
            functions: function_names(&context),
            context,
            root: dataset.root().to_owned(),
            memory_bytes: options.memory_bytes,
        };
        Ok(Self { shared: Arc::new(shared) })
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
            Checked::Query(statement) => QueryStream::start(Arc::clone(&self.shared), *statement, limits, cancel).await,
            Checked::ShowTables => QueryStream::ready(describe::tables()?, limits, cancel),
            Checked::ShowFunctions { like } => {
                QueryStream::ready(function_docs::like(like.as_deref())?, limits, cancel)
            }
            Checked::Describe { table } => QueryStream::ready(describe::columns(&table)?, limits, cancel),
        }
    }

    /// Runs a statement of this crate's own, for whose result there is room.
    pub(crate) async fn own_query(&self, sql: &str, cancel: &CancellationToken) -> Result<QueryResult, QueryError> {
        self.query(sql, &OWN_LIMITS, cancel).await
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
        f.debug_struct("TraceSession").field("root", &self.shared.root).finish_non_exhaustive()
    }
}

fn config(options: SessionOptions) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(options.threads.max(1))
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(true)
        .with_default_catalog_and_schema("halo", "public")
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
    config
}

/// The engine's rules with ours among them: right after filters have met the views, before their common parts are taken out, and
/// again when all else is done.
fn optimizer_rules(store: &Arc<ContentStore>) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    if let Some(ours) = ReadLess::of(&content::functions(store)) {
        let ours: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(ours);
        let after_filters =
            rules.iter().position(|rule| rule.name() == "push_down_filter").map_or(rules.len(), |at| at + 1);
        rules.insert(after_filters, Arc::clone(&ours));
        rules.push(ours);
    }
    rules
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
