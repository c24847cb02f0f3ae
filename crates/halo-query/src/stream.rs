//! Running a statement: planned and executed on the engine's threads, so that a caller is free at once when the query is cancelled
//! or its time is up, whatever the engine is busy with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::session::{BATCH_ROWS, Shared};
use crate::stop::{Stop, StopOnDrop};
use crate::{LimitKind, QueryError, QueryLimits, ResultColumn, RowBatch, cell, guard, watch};

/// Batches that wait for the caller: enough to keep the engine busy, few enough to bound memory.
const BATCHES_WAITING: usize = 2;

/// The part of the memory of queries that one constant may take, written out for each row of a batch.
const BATCH_SHARE: usize = 64;

/// The rows of a query as they come. Dropping it ends the query.
pub struct QueryStream {
    columns: Vec<ResultColumn>,
    schema: Arc<Schema>,
    source: Source,
    cancel: CancellationToken,
    limits: QueryLimits,
    started: Instant,
    elapsed: Duration,
    rows_left: usize,
    bytes_left: usize,
    any_row: bool,
    truncated: bool,
}

enum Source {
    /// A query at work.
    Engine { batches: mpsc::Receiver<Result<Message, QueryError>>, _task: AbortOnDropHandle<()>, _stop: StopOnDrop },
    /// A result that was there at once.
    Ready(Option<RecordBatch>),
    /// Nothing more comes.
    Done,
}

/// What the engine is to run.
pub(crate) enum Work {
    /// A statement that the guard let through, and what it is planned in.
    Statement(Box<Statement>, SessionContext),
    /// A plan of this crate's own.
    Frame(Box<DataFrame>),
}

enum Message {
    Schema(Arc<Schema>),
    Rows(RecordBatch),
}

impl QueryStream {
    /// Starts the work.
    pub(crate) async fn start(
        shared: Arc<Shared>,
        work: Work,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<Self, QueryError> {
        let started = Instant::now();
        let (sender, batches) = mpsc::channel(BATCHES_WAITING);
        // One row more than wanted tells whether rows are missing.
        let rows_wanted = limits.rows_max.checked_add(1);
        let engine = Arc::clone(&shared);
        let stop = Stop::default();
        let on_drop = stop.on_drop();
        let task = shared.spawn(async move {
            if let Err(error) = execute(&engine, work, rows_wanted, &stop, &sender).await {
                // Nobody listens when the caller has gone.
                drop(sender.send(Err(error)).await);
            }
        })?;
        let source = Source::Engine { batches, _task: task, _stop: on_drop };
        let mut stream = Self::new(source, limits, cancel, started);
        match stream.receive().await? {
            Some(Message::Schema(schema)) => {
                stream.columns = columns(&schema);
                stream.schema = schema;
            }
            _ => return Err(QueryError::internal("the query gave no columns")),
        }
        Ok(stream)
    }

    /// A stream over rows that are there already.
    pub(crate) fn ready(
        batch: RecordBatch,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<Self, QueryError> {
        let (columns, schema) = (columns(batch.schema_ref()), batch.schema());
        let mut stream = Self::new(Source::Ready(Some(batch)), limits, cancel, Instant::now());
        stream.columns = columns;
        stream.schema = schema;
        Ok(stream)
    }

    fn new(source: Source, limits: &QueryLimits, cancel: &CancellationToken, started: Instant) -> Self {
        Self {
            columns: Vec::new(),
            schema: Arc::new(Schema::empty()),
            source,
            cancel: cancel.clone(),
            limits: *limits,
            started,
            elapsed: Duration::ZERO,
            rows_left: limits.rows_max,
            bytes_left: limits.bytes_max,
            any_row: false,
            truncated: false,
        }
    }

    /// Columns of the result.
    #[must_use]
    pub fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// Types of the columns.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether rows were left out because of a limit. Known when [`next`](Self::next) has given `None`.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Wall time up to the last rows.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The next rows, `None` when there are no more or a limit is reached.
    ///
    /// # Errors
    /// As [`TraceSession::query`](crate::TraceSession::query).
    pub async fn next(&mut self) -> Result<Option<RowBatch>, QueryError> {
        loop {
            let message = self.receive().await;
            self.elapsed = self.started.elapsed();
            match message? {
                None => return Ok(None),
                Some(Message::Schema(_)) => {}
                Some(Message::Rows(batch)) if batch.num_rows() == 0 => {}
                Some(Message::Rows(batch)) => return Ok(self.within_limits(&batch)),
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Message>, QueryError> {
        let batches = match &mut self.source {
            Source::Done => return Ok(None),
            Source::Ready(batch) => return Ok(batch.take().map(Message::Rows)),
            Source::Engine { batches, .. } => batches,
        };
        let time_left = self.limits.time_max.saturating_sub(self.started.elapsed());
        let received = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(QueryError::Cancelled),
            received = tokio::time::timeout(time_left, batches.recv()) => match received {
                Ok(Some(message)) => message.map(Some),
                Ok(None) => Ok(None),
                Err(_) => Err(QueryError::Limit {
                    kind: LimitKind::Time,
                    message: format!("the query took longer than the {} it may take", seconds(self.limits.time_max)),
                }),
            },
        };
        if !matches!(received, Ok(Some(_))) {
            // Ends the task.
            self.source = Source::Done;
        }
        received
    }

    /// The rows of a batch that the limits allow; ends the stream when some are left out.
    fn within_limits(&mut self, batch: &RecordBatch) -> Option<RowBatch> {
        let mut kept = 0;
        while kept < batch.num_rows() && self.rows_left > 0 {
            let bytes: usize = batch.columns().iter().map(|array| cell::bytes(array, kept)).sum();
            if bytes > self.bytes_left && self.any_row {
                break;
            }
            self.any_row = true;
            self.bytes_left = self.bytes_left.saturating_sub(bytes);
            self.rows_left -= 1;
            kept += 1;
        }
        if kept < batch.num_rows() {
            self.truncated = true;
            self.source = Source::Done;
        }
        (kept > 0).then(|| RowBatch(batch.slice(0, kept)))
    }
}

impl std::fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryStream")
            .field("columns", &self.columns)
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}

/// Plans a statement, checks the plan, and sends its columns and then its rows.
async fn execute(
    shared: &Shared,
    work: Work,
    rows_wanted: Option<usize>,
    stop: &Stop,
    sender: &mpsc::Sender<Result<Message, QueryError>>,
) -> Result<(), QueryError> {
    let translate = |error| shared.translate(&error);
    let mut state;
    let plan = match work {
        Work::Frame(frame) => {
            let (own, plan) = frame.into_parts();
            state = own;
            state.config_mut().options_mut().extensions.insert(stop.clone());
            plan
        }
        Work::Statement(statement, context) => {
            state = context.state();
            state.config_mut().options_mut().extensions.insert(stop.clone());
            let plan = state.statement_to_plan(*statement).await.map_err(translate)?;
            guard::check_plan(&plan)?;
            limited(plan, rows_wanted).map_err(translate)?
        }
    };
    let plan = state.optimize(&plan).map_err(translate)?;
    let rows = rows_at_a_time(&plan, shared.memory_bytes).map_err(translate)?;
    *state.config_mut() = state.config().clone().with_batch_size(rows);
    state.mark_start_execution();
    let planner = Arc::clone(state.query_planner());
    let plan = planner.create_physical_plan(&plan, &state).await.map_err(translate)?;
    let plan = watch::watched(plan, stop, shared.memory_bytes).map_err(translate)?;
    let mut batches = execute_stream(plan, state.task_ctx()).map_err(translate)?;
    // A send fails when the caller has gone, and then nothing is left to do.
    if sender.send(Ok(Message::Schema(batches.schema()))).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = batches.next().await {
        if sender.send(Ok(Message::Rows(batch.map_err(translate)?))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The plan with a limit on its rows, so that a sort keeps only the rows that are shown.
fn limited(plan: LogicalPlan, rows_wanted: Option<usize>) -> Result<LogicalPlan, DataFusionError> {
    match (&plan, rows_wanted) {
        (LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_), _) | (_, None) => Ok(plan),
        (_, Some(rows)) => LogicalPlanBuilder::from(plan).limit(0, Some(rows))?.build(),
    }
}

/// How many rows the engine works on at a time: few where a long constant stands in each of them.
fn rows_at_a_time(plan: &LogicalPlan, memory_bytes: usize) -> Result<usize, DataFusionError> {
    let mut longest = 1;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|inner| {
                if let Expr::Literal(value, _) = inner {
                    longest = longest.max(value.try_as_str().flatten().map_or_else(|| list_bytes(value), str::len));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok((memory_bytes / BATCH_SHARE / longest).clamp(1, BATCH_ROWS))
}

/// Bytes of a constant that is a list; 0 of any other.
fn list_bytes(value: &ScalarValue) -> usize {
    if value.data_type().is_nested() { value.size() } else { 0 }
}

/// The columns of a result with this schema.
pub(crate) fn columns(schema: &Schema) -> Vec<ResultColumn> {
    let fields = schema.fields().iter();
    fields
        .map(|field| ResultColumn {
            name: cell::column_name(field.name()),
            sql_type: cell::sql_type(field.data_type()),
        })
        .collect()
}

fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}

#[cfg(test)]
mod tests;
