//! What is found by looking at the whole dataset, found when it is first asked for and kept as long as the session: a dataset that is open
//! does not change. What is kept counts against the memory of the session.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::OnceCell;

use crate::scan::{Counted, Work};

/// Tells a scan to end when whoever waits for it goes.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a scan on threads of its own. Dropping the future ends it.
pub(crate) async fn look<T: Send + 'static>(
    name: &'static str,
    threads: usize,
    pool: &Arc<dyn MemoryPool>,
    scan: impl FnOnce(&Work) -> Result<T> + Send + 'static,
) -> Result<T> {
    let work = Work { name, threads, pool: Arc::clone(pool), stop: Arc::default() };
    let _stop = StopOnDrop(Arc::clone(&work.stop));
    let done = tokio::task::spawn_blocking(move || scan(&work)).await;
    done.map_err(|error| DataFusionError::Internal(format!("a scan of the dataset broke: {error}")))?
}

/// Something that is found once.
pub(crate) struct Kept<T> {
    name: &'static str,
    threads: usize,
    cell: OnceCell<(Arc<T>, MemoryReservation)>,
}

impl<T> Debug for Kept<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.name).finish()
    }
}

impl<T: Counted + Send + Sync + 'static> Kept<T> {
    pub(crate) fn new(name: &'static str, threads: usize) -> Self {
        Self { name, threads, cell: OnceCell::new() }
    }

    /// It, found by `scan` when nobody asked before. A scan that fails is tried again by the next who asks.
    pub(crate) async fn get(
        &self,
        pool: &Arc<dyn MemoryPool>,
        scan: impl FnOnce(&Work) -> Result<T> + Send + 'static,
    ) -> Result<Arc<T>> {
        let find = || async {
            let found = look(self.name, self.threads, pool, move |work| {
                let found = scan(work)?;
                let reservation = work.reservation();
                reservation.try_resize(found.bytes())?;
                Ok((Arc::new(found), reservation))
            });
            found.await
        };
        self.cell.get_or_try_init(find).await.map(|(found, _)| Arc::clone(found))
    }
}

type Rows = Box<dyn Fn(Arc<dyn MemoryPool>) -> BoxFuture<'static, Result<RecordBatch>> + Send + Sync>;

/// A table whose rows are found when it is read.
pub(crate) struct FoundTable {
    name: &'static str,
    schema: SchemaRef,
    rows: Rows,
}

impl FoundTable {
    pub(crate) fn new(
        name: &'static str,
        schema: SchemaRef,
        rows: impl Fn(Arc<dyn MemoryPool>) -> BoxFuture<'static, Result<RecordBatch>> + Send + Sync + 'static,
    ) -> Self {
        Self { name, schema, rows: Box::new(rows) }
    }
}

impl Debug for FoundTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FoundTable").field(&self.name).finish()
    }
}

impl PartitionStream for FoundTable {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = (self.rows)(Arc::clone(context.memory_pool()));
        let rows_max = context.session_config().batch_size().max(1);
        let cut = move |batch: RecordBatch| {
            let starts = (0..batch.num_rows()).step_by(rows_max);
            let cut = starts.map(move |start| Ok(batch.slice(start, rows_max.min(batch.num_rows() - start))));
            stream::iter(cut.collect::<Vec<Result<RecordBatch>>>())
        };
        let batches = stream::once(rows).map_ok(cut).try_flatten().boxed();
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}
