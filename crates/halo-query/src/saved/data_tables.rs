//! Rows and tables for tools that ask models about rows.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use halo_tool::{DataTables, NewTable, Rows, SavedTable, ToolError};
use tokio_util::sync::CancellationToken;

use super::check_name;
use super::files::Stored;
use crate::new_table::to_batch;
use crate::trace_tools::tool_error;
use crate::{QueryLimits, TraceSession};

/// Most bytes of rows that are taken out of the engine at once.
const BYTES_MAX: usize = 64 << 20;
const TIME_MAX: Duration = Duration::from_secs(60);

/// The session as a source of rows and a place for tables.
#[must_use]
pub fn data_tables(session: TraceSession) -> Arc<dyn DataTables> {
    Arc::new(SessionTables { session })
}

struct SessionTables {
    session: TraceSession,
}

impl DataTables for SessionTables {
    fn rows<'a>(
        &'a self,
        query: &'a str,
        rows_max: usize,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Rows, ToolError>> {
        async move {
            let limits = QueryLimits { rows_max, bytes_max: BYTES_MAX, time_max: TIME_MAX };
            let result = self.session.query(query, &limits, cancel).await.map_err(tool_error)?;
            let columns = result.columns.iter().map(|column| column.name.clone()).collect();
            Ok(Rows { columns, rows: result.rows(), has_more: result.truncated })
        }
        .boxed()
    }

    fn save<'a>(&'a self, name: &'a str, table: NewTable) -> BoxFuture<'a, Result<(), ToolError>> {
        async move {
            check_name(name).map_err(tool_error)?;
            let batch = to_batch(&table).map_err(tool_error)?;
            let schema = batch.schema();
            let (query, definitions) = (String::new(), Vec::new());
            let stored = Stored { name: name.to_owned(), query, definitions, schema, batches: vec![batch] };
            self.session.keep(stored).map_err(tool_error)?;
            Ok(())
        }
        .boxed()
    }

    fn saved(&self) -> Vec<SavedTable> {
        let all = self.session.shared.saved.all();
        let told = all.into_iter().map(|(name, saved)| SavedTable {
            name,
            rows: saved.rows as u64,
            columns: saved.columns.into_iter().map(|column| column.name).collect(),
        });
        told.collect()
    }
}
