//! Operators that make many rows out of few, and those that keep rows: watched, so that they end with their query and stay within its
//! memory.
//!
//! The engine yields where it reads files, and such an operator may compute for hours between two reads; the rows that a window function
//! waits with are not part of what the engine counts.

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, PiecewiseMergeJoinExec,
    SortMergeJoinExec,
};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt as _};

use crate::stop::Stop;
use crate::{cell, functions};

/// The plan with everything watched that has to be.
pub(crate) fn watched(
    plan: Arc<dyn ExecutionPlan>,
    stop: &Stop,
    memory_bytes: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let watched = plan.transform_up(|node| {
        if node.is::<WindowAggExec>() || node.is::<BoundedWindowAggExec>() {
            return Ok(Transformed::yes(windows(node, stop)?));
        }
        let lists = node.downcast_ref::<UnnestExec>().map(|unnest| unnest.list_column_indices().iter());
        let node = match lists.map(|lists| lists.map(|list| list.index_in_input_schema).collect()) {
            Some(lists) => over_unnested(node, stop, Watch::Unnest { lists, memory_bytes })?,
            None => node,
        };
        let node = with_stopping_filter(node, stop)?;
        let multiplies = node.is::<CrossJoinExec>()
            || node.is::<HashJoinExec>()
            || node.is::<NestedLoopJoinExec>()
            || node.is::<PiecewiseMergeJoinExec>()
            || node.is::<SortMergeJoinExec>()
            || node.is::<UnnestExec>()
            || node.is::<RecursiveQueryExec>();
        Ok(if multiplies { Transformed::yes(WatchExec::over(node, stop, Watch::End)) } else { Transformed::no(node) })
    });
    watched.map(|plan| plan.data)
}

/// A window between two watches, which count what it keeps.
fn windows(node: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    let kept: Arc<[Mutex<Kept>]> =
        (0..node.output_partitioning().partition_count()).map(|_| Mutex::default()).collect();
    let children = node.children().into_iter();
    let children =
        children.map(|child| WatchExec::over(Arc::clone(child), stop, Watch::In(Arc::clone(&kept)))).collect();
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    let node = node.replace_children(children, options)?;
    Ok(WatchExec::over(node, stop, Watch::Out(kept)))
}

/// Rows that are taken apart, with what stands beside their lists written out for each item: told before it is written.
fn over_unnested(node: Arc<dyn ExecutionPlan>, stop: &Stop, watch: Watch) -> Result<Arc<dyn ExecutionPlan>> {
    let children = node.children().into_iter();
    let children = children.map(|child| WatchExec::over(Arc::clone(child), stop, watch.clone())).collect();
    node.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// Bytes that the longest row of a batch becomes when these lists are taken apart. Views are not written out.
fn unnested_bytes(batch: &RecordBatch, lists: &[usize]) -> usize {
    let columns = batch.columns().iter().enumerate();
    let beside: Vec<&ArrayRef> = columns
        .filter(|(index, array)| {
            !lists.contains(index)
                && matches!(array.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::List(_))
        })
        .map(|(_, array)| array)
        .collect();
    if beside.is_empty() {
        return 0;
    }
    let lists: Vec<_> = lists.iter().filter_map(|index| batch.columns().get(*index)?.as_list_opt::<i32>()).collect();
    let row_bytes = |row: usize| {
        let items = lists.iter().map(|list| list.value_length(row).unsigned_abs() as usize).max().unwrap_or(0);
        items.saturating_mul(beside.iter().map(|array| cell::bytes(array, row)).sum())
    };
    (0..batch.num_rows()).map(row_bytes).max().unwrap_or(0)
}

/// A nested loop join compares all with all before it gives a row: its condition asks whether the query is over.
fn with_stopping_filter(node: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else { return Ok(node) };
    let Some(filter) = join.filter() else { return Ok(node) };
    let expr: Arc<dyn PhysicalExpr> = Arc::new(Stopping { inner: Arc::clone(filter.expression()), stop: stop.clone() });
    let filter = JoinFilter::new(expr, filter.column_indices().to_vec(), Arc::clone(filter.schema()));
    Ok(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?))
}

/// Rows that went into an operator and did not come out.
#[derive(Debug, Default)]
struct Kept {
    rows: usize,
    bytes: usize,
    reservation: Option<MemoryReservation>,
}

#[derive(Debug, Clone)]
enum Watch {
    /// Ends with the query.
    End,
    /// And counts what goes into an operator, by partition.
    In(Arc<[Mutex<Kept>]>),
    /// And counts what comes out of it.
    Out(Arc<[Mutex<Kept>]>),
    /// And sees that rows whose lists are taken apart next do not become more than a part of the memory.
    Unnest { lists: Arc<[usize]>, memory_bytes: usize },
}

impl Watch {
    fn see(&self, batch: &RecordBatch, partition: usize, context: &TaskContext) -> Result<()> {
        let (kept, comes) = match self {
            Self::End => return Ok(()),
            Self::Unnest { lists, memory_bytes } => {
                return functions::within("unnest", unnested_bytes(batch, lists), *memory_bytes);
            }
            Self::In(kept) => (kept, true),
            Self::Out(kept) => (kept, false),
        };
        let Some(kept) = kept.get(partition) else { return Ok(()) };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if comes {
            kept.rows += batch.num_rows();
            kept.bytes += batch.get_array_memory_size();
        } else {
            // What is left is taken to be as long as what has gone.
            let left = kept.rows.saturating_sub(batch.num_rows());
            kept.bytes = kept.bytes.checked_div(kept.rows).unwrap_or_default() * left;
            kept.rows = left;
        }
        let bytes = kept.bytes;
        let reservation = kept
            .reservation
            .get_or_insert_with(|| MemoryConsumer::new("rows of a window").register(context.memory_pool()));
        reservation.try_resize(bytes)
    }
}

/// Passes on the batches of its input.
#[derive(Debug, Clone)]
struct WatchExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    stop: Stop,
    watch: Watch,
}

impl WatchExec {
    fn over(input: Arc<dyn ExecutionPlan>, stop: &Stop, watch: Watch) -> Arc<dyn ExecutionPlan> {
        let properties = Arc::clone(input.properties());
        Arc::new(Self { input, properties, stop: stop.clone(), watch })
    }
}

impl DisplayAs for WatchExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchExec")
    }
}

impl ExecutionPlan for WatchExec {
    fn name(&self) -> &'static str {
        "WatchExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Self::over(input, &self.stop, self.watch.clone())),
            None => Ok(self),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        Ok(Box::pin(WatchStream { input, stop: self.stop.clone(), watch: self.watch.clone(), partition, context }))
    }
}

struct WatchStream {
    input: SendableRecordBatchStream,
    stop: Stop,
    watch: Watch,
    partition: usize,
    context: Arc<TaskContext>,
}

impl Stream for WatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(stopped) = self.stop.check() {
            return Poll::Ready(Some(Err(stopped)));
        }
        let mut polled = self.input.poll_next_unpin(cx);
        if let (Poll::Ready(Some(Ok(batch))), Watch::In(_)) = (&mut polled, &self.watch) {
            on_its_own(batch);
        }
        if let Poll::Ready(Some(Ok(batch))) = &polled
            && let Err(error) = self.watch.see(batch, self.partition, &self.context)
        {
            return Poll::Ready(Some(Err(error)));
        }
        polled
    }
}

/// Bytes that views of a batch may refer to for nothing, and how many times what they need.
const HELD_BYTES: usize = 64 * 1024;
const HELD_TIMES: usize = 2;

/// Makes texts of a batch refer to nothing but themselves. Rows that were sorted refer to all that any of the sorted rows did: the next operator
/// would count all of it for each batch, and a second sort the square of that.
fn on_its_own(batch: &mut RecordBatch) {
    let of_column = |column: &ArrayRef| -> ArrayRef {
        let Some(texts) = column.as_string_view_opt() else { return Arc::clone(column) };
        let held: usize = texts.data_buffers().iter().map(Buffer::len).sum();
        if held > HELD_BYTES && held > HELD_TIMES * texts.total_buffer_bytes_used() {
            Arc::new(texts.gc())
        } else {
            Arc::clone(column)
        }
    };
    let columns = batch.columns().iter().map(of_column).collect();
    // The same types and as many rows.
    if let Ok(own) = RecordBatch::try_new(batch.schema(), columns) {
        *batch = own;
    }
}

impl RecordBatchStream for WatchStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}

/// An expression that fails when the query is over.
#[derive(Debug)]
struct Stopping {
    inner: Arc<dyn PhysicalExpr>,
    stop: Stop,
}

impl PartialEq for Stopping {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Stopping {}

impl Hash for Stopping {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for Stopping {
    fn data_type(&self, input_schema: &Schema) -> Result<DataType> {
        self.inner.data_type(input_schema)
    }

    fn nullable(&self, input_schema: &Schema) -> Result<bool> {
        self.inner.nullable(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.stop.check()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match children.pop() {
            Some(inner) => Ok(Arc::new(Self { inner, stop: self.stop.clone() })),
            None => Ok(self),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
