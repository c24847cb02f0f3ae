//! What every claim is measured on: a session, its limits, and the traces by number.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use halo_query::{QueryError, QueryLimits, QueryResult, TraceSession};
use tokio_util::sync::CancellationToken;

use crate::CheckError;
use crate::catalogue::Check;
use crate::shared::Tables;
use crate::trace_index::{TraceIndex, TraceSet};
use crate::{shared, sql};

/// Rows that a count of traces may rest on.
const ID_ROWS_MAX: usize = 5_000_000;
/// Rows of a check that are read; more are counted all the same, and not quoted.
const HIT_ROWS_MAX: usize = 200_000;
/// Bytes of a result. Ids and short quotes stay far below.
const BYTES_MAX: usize = 1 << 30;

/// Bytes of a table that checks share; where it would be larger, each check reads what it needs.
const SHARED_BYTES_MAX: usize = 256 << 20;
/// Bytes of the sets of traces that are kept of statements that ran, all together.
const KNOWN_BYTES_MAX: usize = 64 << 20;

/// How checks and the gate work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckOptions {
    /// Longest wall time of one query.
    pub time_max: Duration,
    /// When all has to be done: checks that are not by then say that they had no time.
    pub deadline: Option<Instant>,
}

/// A session and the traces of its dataset.
pub(crate) struct Ground {
    pub(crate) session: TraceSession,
    pub(crate) index: TraceIndex,
    /// Traces of statements that ran: most checks are about the same populations, and a dataset does not change under a session.
    known: Mutex<HashMap<String, TraceSet>>,
    options: CheckOptions,
    cancel: CancellationToken,
}

impl Ground {
    pub(crate) async fn load(
        session: TraceSession,
        options: CheckOptions,
        cancel: CancellationToken,
    ) -> Result<Self, CheckError> {
        // Without it there is not even an empty report.
        let whole = CheckOptions { deadline: None, ..options };
        let index = TraceIndex::load(&session, &limits(ID_ROWS_MAX, whole), &cancel).await?;
        Ok(Self { session, index, known: Mutex::default(), options, cancel })
    }

    /// A session with the tables of a kind that checks share, as far as any of them needs it and there is room; and the names of those pieces.
    pub(crate) async fn with_tables(
        &self,
        session: &TraceSession,
        checks: &[Check],
        kind: Tables,
    ) -> Result<(TraceSession, Vec<&'static str>), CheckError> {
        let mut session = session.clone();
        let mut made = Vec::new();
        let limits = QueryLimits { bytes_max: SHARED_BYTES_MAX, ..limits(usize::MAX, self.options) };
        for piece in shared::pieces(checks, kind) {
            let statement = shared::over_tables(&piece.statement, &made);
            session = match session.with_table(&piece.table, &statement, &limits, &self.cancel).await {
                Ok(with_table) => {
                    made.push(piece.name);
                    with_table
                }
                Err(error @ QueryError::Cancelled) => return Err(error.into()),
                // Each check then reads what it needs, and says what is wrong where it fails, too.
                Err(_) => session,
            };
        }
        Ok((session, made))
    }

    /// The rows of a check in a session that has the tables of these pieces.
    pub(crate) async fn hits(
        &self,
        session: &TraceSession,
        check: &Check,
        made: &[&str],
    ) -> Result<QueryResult, CheckError> {
        let sql = shared::over_tables(&check.sql, made);
        Ok(session.query(&sql, &limits(HIT_ROWS_MAX, self.options), &self.cancel).await?)
    }

    /// Notes which traces a statement gives, which is known already.
    pub(crate) fn note(&self, statement: &str, traces: &TraceSet) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if (known.len() + 1) * traces.bytes() <= KNOWN_BYTES_MAX {
            known.insert(statement.to_owned(), traces.clone());
        }
    }

    /// Runs a statement and reads at most as many rows as are worth reading.
    pub(crate) async fn rows(&self, sql: &str) -> Result<QueryResult, CheckError> {
        Ok(self.session.query(sql, &limits(HIT_ROWS_MAX, self.options), &self.cancel).await?)
    }

    /// The traces that a statement returns, and ids that no trace has. Fails when they are too many to be counted.
    pub(crate) async fn traces(&self, statement: &str) -> Result<(TraceSet, Vec<String>), CheckError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(statement).cloned();
        if let Some(traces) = known {
            return Ok((traces, Vec::new()));
        }
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
        if unknown.is_empty() {
            self.note(statement, &set);
        }
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
    let left = options.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let time_max = left.map_or(options.time_max, |left| left.min(options.time_max));
    QueryLimits { rows_max, bytes_max: BYTES_MAX, time_max }
}

/// A column as text.
pub(crate) fn column(result: &QueryResult, name: &'static str) -> Result<Vec<Option<String>>, CheckError> {
    result.texts(name).ok_or_else(|| {
        let names: Vec<&str> = result.columns.iter().map(|column| column.name.as_str()).collect();
        CheckError::Column { column: name, found: names.join(", ") }
    })
}
