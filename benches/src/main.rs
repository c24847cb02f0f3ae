//! Benchmarks of halo's parts: `halo-bench ingest FILE... [--runs N]` measures reading trace files into a dataset, and `halo-bench tokens`
//! counts the tokens of texts.
//!
//! A figure means something only beside another one of the same run on the same machine: see `benches/README.md` for the
//! side-by-side runs against other programs. `halo-bench tools DATASET [--runs N] [PATTERN...]` measures the model's tools, and
//! `halo-bench checks DATASET` the built-in checks; `halo-bench score REPORT.json DATASET TRUTH.json` tells what a report found of the faults
//! that `cargo xtask corpus` planted.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod checks;
mod score;
mod tools;

use std::time::Instant;

use anyhow::{Context as _, bail};
use halo_ingest::{IngestOptions, Source, ingest};

// The allocator of the `halo` binary, so that the figures are its figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("ingest") => bench_ingest(arguments.collect()),
        Some("tools") => {
            let mut arguments: Vec<String> = arguments.collect();
            let runs = take_runs(&mut arguments, 9)?;
            let (root, patterns) = arguments.split_first().context("tools takes a dataset")?;
            tools::bench(root, runs.max(1), patterns)
        }
        Some("checks") => checks::bench(&arguments.next().context("checks takes a dataset")?),
        Some("score") => {
            let arguments: Vec<String> = arguments.collect();
            let [report, dataset, truth] = arguments.as_slice() else {
                bail!("score takes a report.json, the dataset it is about, and the truth.json of its corpus");
            };
            score::score(report, dataset, truth)
        }
        Some("export") => {
            let root = arguments.next().context("export takes a dataset")?;
            let dataset = halo_dataset::Dataset::open(root.as_ref())?;
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            halo_ingest::export(&dataset, halo_ingest::ExportFormat::AsItCame, &mut out)?;
            Ok(())
        }
        Some("tokens") => count_tokens(),
        _ => bail!(
            "usage: halo-bench ingest FILE... [--runs N] | tools DATASET [PATTERN...] [--runs N] | checks DATASET | score REPORT.json DATASET TRUTH.json | export DATASET | tokens < TEXTS"
        ),
    }
}

/// Reads a JSON text a line from standard input, and prints how many tokens of o200k_base each is.
fn count_tokens() -> anyhow::Result<()> {
    let vocabulary = tiktoken_rs::o200k_base()?;
    for line in std::io::stdin().lines() {
        let text: String = serde_json::from_str(&line?).context("standard input holds a JSON text a line")?;
        println!("{}", vocabulary.encode_ordinary(&text).len());
    }
    Ok(())
}

/// Ingests the files into a new dataset, several times, and prints each run and the median.
fn bench_ingest(mut arguments: Vec<String>) -> anyhow::Result<()> {
    let runs = take_runs(&mut arguments, 3)?;
    let mut keep = None;
    if let Some(at) = arguments.iter().position(|argument| argument == "--keep") {
        keep = Some(arguments.get(at + 1).map(std::path::PathBuf::from).context("--keep takes a folder")?);
        arguments.drain(at..=at + 1);
    }
    let threads = std::thread::available_parallelism()?.get();
    let sources = Source::find(&arguments)?;
    let bytes: u64 = sources.iter().filter_map(Source::size).sum();
    let mut rates = Vec::new();
    for run in 1..=runs {
        let folder = tempfile::tempdir()?;
        let root = keep.clone().unwrap_or_else(|| folder.path().join("dataset"));
        let started = Instant::now();
        let report = ingest(&sources, &root, &IngestOptions::for_threads(threads))?;
        let seconds = started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = bytes as f64 / 1e6 / seconds;
        rates.push(rate);
        println!(
            "run {run}: {seconds:.2} s, {rate:.0} MB/s, {} spans, dataset {:.1} MB, peak {} MB, {:?}",
            report.spans,
            folder_megabytes(&root)?,
            peak_memory_megabytes(),
            report.timing
        );
    }
    rates.sort_by(f64::total_cmp);
    println!("median: {:.0} MB/s on {threads} threads", rates[rates.len() / 2]);
    Ok(())
}

/// Takes `--runs N` out of the arguments.
fn take_runs(arguments: &mut Vec<String>, default: usize) -> anyhow::Result<usize> {
    let Some(at) = arguments.iter().position(|argument| argument == "--runs") else {
        return Ok(default);
    };
    let runs = arguments.get(at + 1).and_then(|text| text.parse().ok()).context("--runs takes a number")?;
    arguments.drain(at..=at + 1);
    Ok(runs)
}

fn folder_megabytes(folder: &std::path::Path) -> anyhow::Result<f64> {
    let mut total = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        #[expect(clippy::cast_precision_loss, reason = "a size for people")]
        let own = metadata.len() as f64 / 1e6;
        total += if metadata.is_dir() { folder_megabytes(&entry.path())? } else { own };
    }
    Ok(total)
}

/// Peak resident memory of this process; 0 where the system does not say.
pub(crate) fn peak_memory_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
}
