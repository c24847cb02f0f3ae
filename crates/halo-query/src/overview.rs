//! What a dataset holds, in numbers.

use halo_protocol::DatasetSummary;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{QueryError, TraceSession};

/// What a dataset holds. Tokens are counted once where several spans report the same call.
///
/// # Errors
/// The dataset can't be read.
pub async fn summary(session: &TraceSession) -> Result<DatasetSummary, QueryError> {
    let census = session.census(&CancellationToken::new()).await?;
    Ok(census.summary(&census.all()))
}

/// A count in a row; 0 for NULL, which is the sum of nothing.
pub(crate) fn number(row: &Map<String, Value>, column: &str) -> u64 {
    row.get(column).and_then(Value::as_u64).unwrap_or(0)
}
