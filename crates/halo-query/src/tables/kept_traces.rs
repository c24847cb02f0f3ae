//! The roll-ups of a dataset that is not huge, in memory once they were asked for twice; and the spans of single traces out of the segments that
//! hold them alone. A dataset has many files, and opening each of them costs more than most questions about traces.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{Expr, SessionContext};
use tokio::sync::OnceCell;

use super::listing::{listing, read};
use crate::QueryError;

/// Column of the ids, in both tables.
const TRACE_ID: &str = "trace_id";

/// What the roll-ups of the segments hold, as far as it is kept.
pub(super) struct TraceIndex {
    context: SessionContext,
    files: Vec<PathBuf>,
    schema: SchemaRef,
    bytes_max: usize,
    /// Whether somebody has asked before: a program that asks once is not to read what it does not need.
    was_asked: AtomicBool,
    kept: OnceCell<Option<Kept>>,
}

struct Kept {
    rows: MemTable,
    /// Files that hold a trace, by their places.
    places: HashMap<Box<str>, Vec<u32>>,
}

impl TraceIndex {
    pub(super) fn new(context: &SessionContext, files: &[PathBuf], schema: SchemaRef, bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            context: context.clone(),
            files: files.to_vec(),
            schema,
            bytes_max,
            was_asked: AtomicBool::new(false),
            kept: OnceCell::new(),
        })
    }

    /// What is kept; `None` the first time, and when it is too much.
    async fn kept(&self) -> Result<Option<&Kept>> {
        if !self.was_asked.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        let load = || async { self.load().await.map_err(|error| DataFusionError::External(Box::new(error))) };
        Ok(self.kept.get_or_try_init(load).await?.as_ref())
    }

    async fn load(&self) -> std::result::Result<Option<Kept>, QueryError> {
        let (mut partitions, mut places, mut bytes) = (Vec::new(), HashMap::new(), 0);
        for (place, file) in self.files.iter().enumerate() {
            let batches = read(&self.context, file.clone(), Arc::clone(&self.schema)).await?;
            bytes += batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
            if bytes > self.bytes_max {
                return Ok(None);
            }
            for batch in &batches {
                note(batch, u32::try_from(place).unwrap_or(u32::MAX), &mut places);
            }
            partitions.push(batches);
        }
        let rows = MemTable::try_new(Arc::clone(&self.schema), vec![partitions.concat()]).map_err(super::internal)?;
        Ok(Some(Kept { rows, places }))
    }

    /// The files that hold any of these traces, by their places; `None` when that is not known.
    async fn places(&self, ids: &HashSet<&str>) -> Result<Option<Vec<usize>>> {
        let Some(kept) = self.kept().await? else {
            return Ok(None);
        };
        let found = ids.iter().filter_map(|id| kept.places.get(*id)).flatten();
        let mut places: Vec<usize> = found.filter_map(|place| usize::try_from(*place).ok()).collect();
        places.sort_unstable();
        places.dedup();
        Ok(Some(places))
    }
}

/// Notes which traces a file holds.
fn note(batch: &RecordBatch, place: u32, places: &mut HashMap<Box<str>, Vec<u32>>) {
    let Some(ids) = batch.column_by_name(TRACE_ID).and_then(|column| column.as_string_view_opt()) else {
        return;
    };
    for id in ids.iter().flatten() {
        let known = places.entry(id.into()).or_default();
        if known.last() != Some(&place) {
            known.push(place);
        }
    }
}

/// A table over the files of the segments: of their roll-ups, or of their spans.
pub(super) struct Segments {
    index: Arc<TraceIndex>,
    files: Vec<PathBuf>,
    /// All files.
    whole: Arc<dyn TableProvider>,
    /// Whether these are the rows that the index keeps.
    is_index: bool,
}

impl Segments {
    /// The roll-ups themselves.
    pub(super) fn traces(index: &Arc<TraceIndex>) -> std::result::Result<Arc<dyn TableProvider>, QueryError> {
        Self::over(index, &index.files, Arc::clone(&index.schema), true)
    }

    /// Spans, a file for each file of roll-ups.
    pub(super) fn spans(
        index: &Arc<TraceIndex>,
        files: &[PathBuf],
        schema: SchemaRef,
    ) -> std::result::Result<Arc<dyn TableProvider>, QueryError> {
        Self::over(index, files, schema, false)
    }

    fn over(
        index: &Arc<TraceIndex>,
        files: &[PathBuf],
        schema: SchemaRef,
        is_index: bool,
    ) -> std::result::Result<Arc<dyn TableProvider>, QueryError> {
        let whole = listing(&index.context, files, schema)?;
        Ok(Arc::new(Self { index: Arc::clone(index), files: files.to_vec(), whole, is_index }))
    }
}

impl std::fmt::Debug for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Segments {
    fn schema(&self) -> SchemaRef {
        self.whole.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.whole.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.is_index {
            return match self.index.kept().await? {
                Some(kept) => kept.rows.scan(state, projection, filters, limit).await,
                None => self.whole.scan(state, projection, filters, limit).await,
            };
        }
        let Some(ids) = trace_ids(filters) else {
            return self.whole.scan(state, projection, filters, limit).await;
        };
        let Some(places) = self.index.places(&ids).await? else {
            return self.whole.scan(state, projection, filters, limit).await;
        };
        if places.len() >= self.files.len() {
            return self.whole.scan(state, projection, filters, limit).await;
        }
        let files: Vec<PathBuf> = places.iter().filter_map(|place| self.files.get(*place).cloned()).collect();
        let some = listing(&self.index.context, &files, self.schema());
        let some = some.map_err(|error| DataFusionError::External(Box::new(error)))?;
        some.scan(state, projection, filters, limit).await
    }
}

/// The only traces that can meet the conditions, all of which must hold; `None` when they name none.
fn trace_ids(filters: &[Expr]) -> Option<HashSet<&str>> {
    filters.iter().find_map(named)
}

/// The only traces that can meet a condition; `None` when it names none.
fn named(condition: &Expr) -> Option<HashSet<&str>> {
    let is_id = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == TRACE_ID);
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = match (left.as_ref(), right.as_ref()) {
                (id, value) if is_id(id) => value,
                (value, id) if is_id(id) => value,
                _ => return None,
            };
            Some(HashSet::from([text(value.as_literal()?)?]))
        }
        // The engine takes short lists apart.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (mut one, other) = (named(left)?, named(right)?);
            one.extend(other);
            Some(one)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => named(left).or_else(|| named(right)),
        Expr::InList(InList { expr, list, negated: false }) if is_id(expr) => {
            list.iter().map(|item| text(item.as_literal()?)).collect()
        }
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text) => text.as_deref(),
        _ => None,
    }
}
