//! What the checks gave on a dataset, kept in its folder: the same checks give the same on the same data, and a dataset is analysed many times.

use std::path::{Path, PathBuf};

use halo_checks::{CheckOptions, CheckReport, run_checks};
use halo_dataset::{Dataset, Manifest};
use halo_query::TraceSession;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::rules::Rules;

const FILE: &str = "checks.json";

/// What was found, and by what in what.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: Key,
    report: CheckReport,
}

/// All that a result depends on.
#[derive(PartialEq, Serialize, Deserialize)]
struct Key {
    program: String,
    checks: String,
    #[serde(default)]
    outcome: Option<String>,
    dataset: Manifest,
}

impl Key {
    fn of(rules: &Rules, dataset: &Dataset) -> Self {
        let checks = halo_checks::fingerprint(&rules.checks);
        Self { program: program(), checks, outcome: rules.outcome.clone(), dataset: dataset.manifest().clone() }
    }
}

/// The findings of the checks: those that are kept, or by running them.
pub(crate) async fn found(
    rules: &Rules,
    session: &TraceSession,
    dataset: &Dataset,
    options: CheckOptions,
    cancel: &CancellationToken,
) -> Result<CheckReport, Failure> {
    let key = Key::of(rules, dataset);
    let path = dataset.root().join(FILE);
    if let Some(kept) = read(&path).filter(|kept| kept.key == key) {
        return Ok(kept.report);
    }
    let kept = Kept { key, report: run_checks(&rules.checks, session, options, cancel).await? };
    let broken = |error: serde_json::Error| Failure::new(Exit::Bug, error.to_string());
    let text = serde_json::to_vec(&kept).map_err(broken)?;
    // A check that could not run may do so the next time, when the machine is less busy.
    if kept.report.outcomes.iter().all(|outcome| outcome.error.is_none()) {
        // Where the dataset can't be written, it is only read.
        drop(write(&path, &text));
    }
    // As whoever comes later reads it: a number may lose its last digit on the way, and the same run, killed and resumed, gives the same report.
    serde_json::from_slice::<Kept>(&text).map(|kept| kept.report).map_err(broken)
}

fn read(path: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Aside and renamed: nobody reads half of it.
fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let aside = PathBuf::from(format!("{}.{}", path.display(), std::process::id()));
    std::fs::write(&aside, text)?;
    std::fs::rename(&aside, path).inspect_err(|_| drop(std::fs::remove_file(&aside)))
}

/// This very build, on this machine.
fn program() -> String {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let told = file.map(|file| format!("{} {:?}", file.len(), file.modified().ok()));
    format!("{} {}", env!("CARGO_PKG_VERSION"), told.unwrap_or_default())
}
