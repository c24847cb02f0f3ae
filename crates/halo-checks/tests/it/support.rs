//! Opening small datasets and running single checks on them.

use std::collections::BTreeSet;
use std::time::Duration;

use halo_checks::{Check, CheckOptions, CheckReport, built_in_checks, run_checks};
use halo_dataset::Dataset;
use halo_query::{QueryLimits, SessionOptions, TraceSession};
use halo_testkit::{TestSpan, tiny_dataset};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const OPTIONS: CheckOptions = CheckOptions { time_max: Duration::from_secs(60), deadline: None };

pub(crate) async fn open(spans: &[TestSpan]) -> (TempDir, TraceSession) {
    let (folder, dataset) = tiny_dataset(spans);
    (folder, session(&dataset).await)
}

async fn session(dataset: &Dataset) -> TraceSession {
    let options = SessionOptions { threads: 2, memory_bytes: 256 << 20 };
    TraceSession::open(dataset, options).await.expect("the dataset opens")
}

/// Runs some of the built-in checks; none of them may fail.
pub(crate) async fn run(names: &[&str], spans: &[TestSpan]) -> CheckReport {
    let (_folder, dataset) = tiny_dataset(spans);
    run_on(names, &dataset).await
}

/// Runs some of the built-in checks on a dataset, all of them when none is named.
pub(crate) async fn run_on(names: &[&str], dataset: &Dataset) -> CheckReport {
    let session = session(dataset).await;
    let checks: Vec<Check> = built_in_checks()
        .expect("the catalogue parses")
        .into_iter()
        .filter(|check| names.is_empty() || names.contains(&check.name.as_str()))
        .collect();
    assert!(names.is_empty() || checks.len() == names.len(), "{names:?}");
    let report = run_checks(&checks, &session, OPTIONS, &CancellationToken::new()).await.expect("the checks run");
    let errors: Vec<_> =
        report.outcomes.iter().filter_map(|outcome| Some((&outcome.name, outcome.error.as_ref()?))).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for finding in &report.findings {
        // What is written in a finding stands alone, and gives the number that the finding says.
        let counts = (count(&session, &finding.affected_sql).await, count(&session, &finding.population_sql).await);
        assert_eq!(counts, (finding.affected, finding.population), "{}", finding.title);
    }
    assert_eq!(report.refused, vec![]);
    assert_eq!(report.quotes_dropped, 0);
    report
}

/// Traces of a statement.
async fn count(session: &TraceSession, sql: &str) -> u64 {
    let limits = QueryLimits { rows_max: 100_000, bytes_max: 1 << 30, time_max: OPTIONS.time_max };
    let result = session.query(sql, &limits, &CancellationToken::new()).await.expect("the statement runs");
    let ids: BTreeSet<_> = result.texts("trace_id").expect("it gives trace_id").into_iter().collect();
    ids.len() as u64
}
