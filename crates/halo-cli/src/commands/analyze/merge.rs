//! One list from what the model and the checks found: the same fault told twice stands once.

use std::collections::HashSet;
use std::time::Duration;

use halo_protocol::Finding;
use halo_query::{QueryLimits, TraceSession};

use super::Cancel;

/// Share of common traces above which two findings are one fault. The model was told the checks' findings and asked to keep their traces.
const SAME_FAULT_SHARE: f64 = 0.8;

const LIMITS: QueryLimits = QueryLimits { rows_max: 5_000_000, bytes_max: 1 << 30, time_max: Duration::from_secs(120) };

/// The agent's findings, and those of the checks that no finding of the agent's tells of.
pub(crate) async fn findings(
    session: &TraceSession,
    agent: Vec<Finding>,
    checks: &[Finding],
    cancel: &Cancel,
) -> Vec<Finding> {
    let mut sets = Vec::new();
    for finding in &agent {
        sets.push(traces(session, finding, cancel).await);
    }
    let mut merged = agent;
    for check in checks {
        let own = traces(session, check, cancel).await;
        if !sets.iter().any(|set| same(set, &own)) {
            merged.push(check.clone());
        }
    }
    merged
}

/// Affected traces of a finding. It ran before; when it can't run now (the user interrupted), nothing is merged.
async fn traces(session: &TraceSession, finding: &Finding, cancel: &Cancel) -> HashSet<String> {
    let result = session.query(&finding.affected_sql, &LIMITS, cancel).await;
    result.ok().and_then(|result| result.texts("trace_id")).into_iter().flatten().flatten().collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share of traces")]
fn same(one: &HashSet<String>, other: &HashSet<String>) -> bool {
    let common = one.intersection(other).count();
    let all = one.len() + other.len() - common;
    all > 0 && common as f64 / all as f64 >= SAME_FAULT_SHARE
}
