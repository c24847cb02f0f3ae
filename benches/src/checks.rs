//! `halo-bench checks DATASET`: how long the built-in checks take, all together and each alone.

use std::time::{Duration, Instant};

use halo_checks::{CheckOptions, built_in_checks, run_checks};
use halo_dataset::Dataset;
use halo_query::{SessionOptions, TraceSession};
use tokio_util::sync::CancellationToken;

/// Measures the checks on a dataset: the whole catalogue in a fresh session, and then each check, dearest first, in a warm one.
pub(crate) fn bench(root: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let dataset = Dataset::open(root.as_ref())?;
        let threads = std::thread::available_parallelism()?.get();
        let session = TraceSession::open(&dataset, SessionOptions { threads, memory_bytes: 2 << 30 }).await?;
        let (options, cancel) =
            (CheckOptions { time_max: Duration::from_secs(600), deadline: None }, CancellationToken::new());
        let checks = built_in_checks()?;
        let started = Instant::now();
        let report = run_checks(&checks, &session, options, &cancel).await?;
        println!(
            "all {} checks: {:.2} s, {} findings, {} refused, peak {} MB",
            checks.len(),
            started.elapsed().as_secs_f64(),
            report.findings.len(),
            report.refused.len(),
            crate::peak_memory_megabytes()
        );
        let started = Instant::now();
        run_checks(&[], &session, options, &cancel).await?;
        println!("none of them: {:.3} s", started.elapsed().as_secs_f64());
        let mut times = Vec::new();
        for check in &checks {
            let started = Instant::now();
            let report = run_checks(std::slice::from_ref(check), &session, options, &cancel).await?;
            times.push((started.elapsed().as_secs_f64(), check.name.as_str(), report.outcomes[0].affected));
        }
        times.sort_by(|one, other| other.0.total_cmp(&one.0));
        for outcome in &report.outcomes {
            if let Some(error) = &outcome.error {
                println!("{} could not run: {error}", outcome.name);
            }
        }
        for (seconds, name, affected) in times {
            println!("{seconds:.3} s {name}, {affected} traces");
        }
        Ok(())
    })
}
