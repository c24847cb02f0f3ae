//! The attributes of the traces that meet a condition, for the tools, and those in which traces differ, for the overview.

use std::collections::HashSet;
use std::sync::Arc;

use halo_protocol::Count;
use tokio_util::sync::CancellationToken;

use super::text::one_line;
use crate::attributes::{Attribute, Survey};
use crate::census::Census;
use crate::scan::Tally;
use crate::{QueryError, TraceSession};

/// Attributes with more values than this tell traces apart too finely to list.
const ATTRIBUTE_VALUES_MAX: usize = 30;

/// Values shown of an attribute.
pub(super) const ATTRIBUTE_VALUES_SHOWN: usize = 8;

/// Attributes shown.
const ATTRIBUTES_MAX: usize = 25;

/// All attributes of the traces that meet a condition.
pub(super) async fn survey(
    session: &TraceSession,
    condition: &str,
    cancel: &CancellationToken,
) -> Result<Arc<Survey>, QueryError> {
    let wanted = wanted(session, condition, cancel).await?;
    let pool = session.shared.memory_pool();
    let found = async {
        match wanted {
            Some(wanted) => session.shared.surveys.of_traces(wanted, &pool).await,
            None => session.shared.surveys.whole(&pool).await,
        }
    };
    finished(session, found, cancel).await
}

/// The ids of the traces that meet a condition; `None` when it is none.
async fn wanted(
    session: &TraceSession,
    condition: &str,
    cancel: &CancellationToken,
) -> Result<Option<HashSet<String>>, QueryError> {
    if condition == "true" {
        return Ok(None);
    }
    let sql = format!("SELECT trace_id FROM traces WHERE {condition}");
    let ids = session.own_query(&sql, cancel).await?.texts("trace_id").unwrap_or_default();
    Ok(Some(ids.into_iter().flatten().collect()))
}

async fn finished<T>(
    session: &TraceSession,
    found: impl Future<Output = datafusion::common::Result<T>>,
    cancel: &CancellationToken,
) -> Result<T, QueryError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(QueryError::Cancelled),
        found = found => found.map_err(|error| session.shared.translate(&error)),
    }
}

/// Attributes of traces with few values: what tells one group of traces from another.
pub(crate) fn attributes(census: &Census, traces: &[u32]) -> String {
    let mut ranked: Vec<(u64, &str, Vec<Count>)> = Vec::new();
    for (key, counts) in census.attributes(traces, ATTRIBUTE_VALUES_MAX) {
        let covered: u64 = counts.iter().map(|count| count.traces).sum();
        // What every trace has alike tells none from another, and a value of its own for each trace tells nothing of groups.
        let everywhere = counts.len() == 1 && covered == traces.len() as u64;
        let singles = traces.len() > 1 && covered > 1 && counts.iter().all(|count| count.traces == 1);
        if !everywhere && !singles {
            ranked.push((covered, key, counts));
        }
    }
    // Attributes of many traces first.
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut shown: Vec<String> = ranked.iter().map(|(_, key, counts)| attribute_line(key, counts)).collect();
    if shown.is_empty() {
        return String::new();
    }
    let more = shown.len().saturating_sub(ATTRIBUTES_MAX);
    shown.truncate(ATTRIBUTES_MAX);
    if more > 0 {
        shown.push(format!("  {more} more attributes: describe_attributes\n"));
    }
    format!("attributes in which traces differ (traces; sql: traces.attributes->>'key'):\n{}", shown.concat())
}

/// Whether each trace has a value of its own.
pub(super) fn are_singles(attribute: &Attribute, values: &[(String, Tally)]) -> bool {
    attribute.tally.traces > 1 && values.iter().all(|(_, tally)| tally.traces == 1)
}

fn attribute_line(key: &str, counts: &[Count]) -> String {
    let (first, rest) = counts.split_at(counts.len().min(ATTRIBUTE_VALUES_SHOWN));
    let more = match rest.len() {
        0 => String::new(),
        more => format!(", {more} more values"),
    };
    format!("  {}: {}{more}\n", one_line(key, 80), list(first))
}

/// Values and how many traces have them.
pub(super) fn list(counts: &[Count]) -> String {
    let shown = counts.iter().map(|count| format!("{} {}", one_line(&count.value, 60), count.traces));
    shown.collect::<Vec<_>>().join(", ")
}
