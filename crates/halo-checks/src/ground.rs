//! What every claim is measured on: a session, its limits, and the traces by number.

use std::time::Duration;

use halo_query::{QueryError, QueryLimits, QueryResult, TraceSession};
use tokio_util::sync::CancellationToken;

use crate::CheckError;
use crate::sql;
use crate::trace_index::{TraceIndex, TraceSet};

/// Rows that a count of traces may rest on.
const ID_ROWS_MAX: usize = 5_000_000;
/// Rows of a check that are read; more are counted all the same, and not quoted.
const HIT_ROWS_MAX: usize = 200_000;
/// Bytes of a result. Ids and short quotes stay far below.
const BYTES_MAX: usize = 1 << 30;

/// How checks and the gate work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckOptions {
    /// Longest wall time of one query.
    pub time_max: Duration,
}

/// A session and the traces of its dataset.
pub(crate) struct Ground {
    pub(crate) session: TraceSession,
    pub(crate) index: TraceIndex,
    options: CheckOptions,
    cancel: CancellationToken,
}

impl Ground {
    pub(crate) async fn load(
        session: TraceSession,
        options: CheckOptions,
        cancel: CancellationToken,
    ) -> Result<Self, CheckError> {
        let index = TraceIndex::load(&session, &limits(ID_ROWS_MAX, options), &cancel).await?;
        Ok(Self { session, index, options, cancel })
    }

    /// Runs a statement and reads at most as many rows as are worth reading.
    pub(crate) async fn rows(&self, sql: &str) -> Result<QueryResult, CheckError> {
        Ok(self.session.query(sql, &limits(HIT_ROWS_MAX, self.options), &self.cancel).await?)
    }

    /// The traces that a statement returns, and ids that no trace has. Fails when they are too many to be counted.
    pub(crate) async fn traces(&self, statement: &str) -> Result<(TraceSet, Vec<String>), CheckError> {
        let counted = sql::counted_traces(statement);
        let result = match self.session.query(&counted, &limits(ID_ROWS_MAX, self.options), &self.cancel).await {
            Ok(result) => result,
            Err(error) => return Err(self.plain_error(statement, error.into()).await),
        };
        if result.truncated {
            return Err(CheckError::TooManyRows { rows_max: ID_ROWS_MAX });
        }
        let ids = column(&result, "trace_id")?;
        let (set, unknown) = self.index.set(ids.iter().flatten().map(String::as_str));
        let mut unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
        unknown.sort_unstable();
        Ok((set, unknown))
    }

    /// The error that the statement gives on its own, which is the one its author can read; the error at hand when it gives none.
    async fn plain_error(&self, statement: &str, error: CheckError) -> CheckError {
        if !matches!(error, CheckError::Query(QueryError::Statement { .. })) {
            return error;
        }
        match self.session.query(statement, &limits(1, self.options), &self.cancel).await {
            Err(plain) => plain.into(),
            Ok(result) => column(&result, "trace_id").err().unwrap_or(error),
        }
    }
}

fn limits(rows_max: usize, options: CheckOptions) -> QueryLimits {
    QueryLimits { rows_max, bytes_max: BYTES_MAX, time_max: options.time_max }
}

/// A column as text.
pub(crate) fn column(result: &QueryResult, name: &'static str) -> Result<Vec<Option<String>>, CheckError> {
    result.texts(name).ok_or_else(|| {
        let names: Vec<&str> = result.columns.iter().map(|column| column.name.as_str()).collect();
        CheckError::Column { column: name, found: names.join(", ") }
    })
}
