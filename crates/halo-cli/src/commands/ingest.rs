//! `halo ingest`: trace files to a dataset.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use halo_dataset::DatasetError;
use halo_ingest::{IngestError, IngestOptions, IngestReport, Source};

use crate::args::{Common, IngestArgs, RejectArgs, SummaryFormat};
use crate::exit::{Exit, Failure};
use crate::{output, progress};

/// Runs the command.
pub(crate) fn run(args: &IngestArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let sources = Source::find(&args.inputs)?;
    if args.output.is_file() {
        return Err(no_place(&args.output, "is a file"));
    }
    let report = ingest(&sources, &args.output, &args.rejects, common)?;
    match args.format {
        SummaryFormat::Text => output::note(common, &progress::summary(&report, &args.output)),
        SummaryFormat::Json => {
            let text = serde_json::to_string_pretty(&report)
                .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
            output::stdout(&(text + "\n"))?;
        }
    }
    accept(
        &report,
        &sources,
        &args.rejects,
        "the other spans are in the dataset; look at its rejects.jsonl, or allow more with --max-rejects",
    )?;
    Ok(Exit::Done)
}

/// Ingests with a progress bar. Ctrl-C ends it and leaves the dataset as it was.
pub(crate) fn ingest(
    sources: &[Source],
    dataset: &Path,
    rejects: &RejectArgs,
    common: &Common,
) -> Result<IngestReport, Failure> {
    let mut options = IngestOptions::for_threads(common.threads());
    // Segments being filled, sorted and compressed at the same time come to about five times one.
    let segment_max = usize::try_from(common.memory_limit / 8)
        .unwrap_or(usize::MAX)
        .max(4 << 20);
    options.segment_bytes = options.segment_bytes.min(segment_max);
    options.line_bytes_max = usize::try_from(rejects.max_line).unwrap_or(usize::MAX);
    let progress = Arc::clone(&options.progress);
    let _watch = CancelOnInterrupt::start(&progress);
    let _bar = progress::Bar::start(sources, &progress, common);
    halo_ingest::ingest(sources, dataset, &options).map_err(|error| match error {
        IngestError::Dataset(DatasetError::NotADataset { path }) => {
            no_place(&path, "is a folder with other things in it")
        }
        error => error.into(),
    })
}

/// A path that can't become a dataset. The error's own advice is for those who want to read one.
fn no_place(path: &Path, reason: &str) -> Failure {
    let message = format!("cannot write a dataset to `{}`: it {reason}", path.display());
    Failure::new(Exit::Input, message)
        .hint("name a folder that is not there yet, is empty, or holds a dataset already")
}

/// Whether what came of an ingest is worth going on with. `too_many` says what to do when too much was rejected.
pub(crate) fn accept(
    report: &IngestReport,
    sources: &[Source],
    rejects: &RejectArgs,
    too_many: &str,
) -> Result<(), Failure> {
    if report.dataset_spans == 0 {
        let names: Vec<String> = sources.iter().map(Source::name).collect();
        let message = format!("no spans in {}: {}", names.join(", "), why_no_spans(report));
        return Err(Failure::new(Exit::Input, message)
            .hint("halo reads HALO's flat span lines and OTLP/JSON lines ({\"resourceSpans\": …}), one object a line"));
    }
    if report.reject_rate() > rejects.max_rejects {
        let message = format!(
            "{:.1} % of the lines were rejected, over the {:.1} % of --max-rejects",
            report.reject_rate() * 100.0,
            rejects.max_rejects * 100.0
        );
        return Err(Failure::new(Exit::Input, message).hint(too_many));
    }
    Ok(())
}

fn why_no_spans(report: &IngestReport) -> String {
    match report.rejects.kept.first() {
        Some(first) if report.sources.len() == 1 => format!("line {}: {}", first.line, first.reason),
        Some(first) => format!("{}:{}: {}", first.source, first.line, first.reason),
        None if !report.unchanged.is_empty() => "it was read before and is unchanged".to_owned(),
        None if report.counts.lines == 0 => "the input is empty".to_owned(),
        None => "no line holds any".to_owned(),
    }
}

/// Watches for Ctrl-C on a thread of its own: ingest itself knows no async.
struct CancelOnInterrupt {
    runtime: Option<tokio::runtime::Runtime>,
}

impl CancelOnInterrupt {
    fn start(progress: &Arc<halo_ingest::Progress>) -> Self {
        // Within `analyze` there is a runtime already, which a nested one must not be started in.
        let runtime = match tokio::runtime::Handle::try_current() {
            Ok(_) => None,
            Err(_) => tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .ok(),
        };
        let progress = Arc::clone(progress);
        let watch = async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                progress.cancel.store(true, Ordering::Relaxed);
            }
        };
        match &runtime {
            Some(runtime) => drop(runtime.spawn(watch)),
            None => drop(tokio::spawn(watch)),
        }
        Self { runtime }
    }
}

impl Drop for CancelOnInterrupt {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
