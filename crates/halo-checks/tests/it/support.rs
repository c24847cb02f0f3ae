//! Opening small datasets and running single checks on them.

use std::time::Duration;

use halo_checks::{Check, CheckOptions, CheckReport, built_in_checks, run_catalogue};
use halo_dataset::Dataset;
use halo_query::{SessionOptions, TraceSession};
use halo_testkit::{TestSpan, tiny_dataset};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const OPTIONS: CheckOptions = CheckOptions { time_max: Duration::from_secs(60) };

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
    let report = run_catalogue(&checks, &session, OPTIONS, &CancellationToken::new()).await.expect("the checks run");
    let errors: Vec<_> =
        report.outcomes.iter().filter_map(|outcome| Some((&outcome.name, outcome.error.as_ref()?))).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(report.refused, vec![]);
    assert_eq!(report.quotes_dropped, 0);
    report
}
