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
    let mut sets: Vec<Option<HashSet<String>>> = vec![None; agent.len()];
    let mut of_checks = Vec::new();
    for check in checks {
        let mut own = None;
        let mut is_told = false;
        for (finding, set) in agent.iter().zip(&mut sets) {
            // Statements run again only where their numbers can mean the same traces.
            if !is_told && may_be_same(finding.affected, check.affected) {
                is_told =
                    same(known(set, session, finding, cancel).await, known(&mut own, session, check, cancel).await);
            }
        }
        if !is_told {
            of_checks.push(check.clone());
        }
    }
    agent.into_iter().chain(of_checks).collect()
}

/// Affected traces of a finding, looked up once. It ran before; when it can't run now (the user interrupted), nothing is merged.
async fn known<'a>(
    set: &'a mut Option<HashSet<String>>,
    session: &TraceSession,
    finding: &Finding,
    cancel: &Cancel,
) -> &'a HashSet<String> {
    if set.is_none() {
        let result = session.query(&finding.affected_sql, &LIMITS, cancel).await;
        *set = Some(result.ok().and_then(|result| result.texts("trace_id")).into_iter().flatten().flatten().collect());
    }
    set.get_or_insert_default()
}

/// Whether sets of these sizes can have enough in common.
fn may_be_same(one: u64, other: u64) -> bool {
    share(one.min(other), one.max(other)) >= SAME_FAULT_SHARE
}

fn same(one: &HashSet<String>, other: &HashSet<String>) -> bool {
    let common = one.intersection(other).count();
    let all = one.len() + other.len() - common;
    all > 0 && share(common as u64, all as u64) >= SAME_FAULT_SHARE
}

#[expect(clippy::cast_precision_loss, reason = "a share of traces")]
fn share(part: u64, all: u64) -> f64 {
    part as f64 / all as f64
}
