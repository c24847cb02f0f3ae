//! `halo ingest`: trace files to a dataset.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use halo_dataset::DatasetError;
use halo_ingest::{IngestError, IngestOptions, IngestReport, RejectKind, Source};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::args::{Common, IngestArgs, RejectArgs, SummaryFormat};
use crate::exit::{Exit, Failure};
use crate::interrupt::Presses;
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
            let text =
                serde_json::to_string_pretty(&report).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
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
    let segment_max = usize::try_from(common.memory_limit / 8).unwrap_or(usize::MAX).max(4 << 20);
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
    Failure::new(Exit::Input, message).hint("name a folder that is not there yet, is empty, or holds a dataset already")
}

/// Whether what came of an ingest is worth going on with. `too_many` says what to do when too much was rejected.
pub(crate) fn accept(
    report: &IngestReport,
    sources: &[Source],
    rejects: &RejectArgs,
    too_many: &str,
) -> Result<(), Failure> {
    for broken in report.rejects.kept.iter().filter(|reject| reject.kind == RejectKind::BrokenStream) {
        // One reject by count, and nobody knows how much is missing behind it.
        output::warning(&format!(
            "{} is cut off at line {}: all that came after is missing",
            broken.source, broken.line
        ));
    }
    if report.dataset_spans == 0 {
        let names: Vec<String> = sources.iter().map(name_for_people).collect();
        let message = format!("no spans in {}: {}", names.join(", "), why_no_spans(report));
        return Err(Failure::new(Exit::Input, message).hint(
            "halo reads HALO's flat span lines and OTLP/JSON lines ({\"resourceSpans\": …}), one object a line",
        ));
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

fn name_for_people(source: &Source) -> String {
    match source {
        Source::Stdin => "standard input".to_owned(),
        Source::File(_) => source.name(),
    }
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

/// Watches for Ctrl-C until it is dropped: ingest itself knows no async.
struct CancelOnInterrupt {
    /// Where there is none yet; within `analyze` there is one, which another must not be started in.
    runtime: Option<tokio::runtime::Runtime>,
    watch: Option<JoinHandle<()>>,
}

impl CancelOnInterrupt {
    fn start(progress: &Arc<halo_ingest::Progress>) -> Self {
        let runtime = match Handle::try_current() {
            Ok(_) => None,
            Err(_) => tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().ok(),
        };
        let handle = runtime.as_ref().map(|runtime| runtime.handle().clone()).or_else(|| Handle::try_current().ok());
        let watch = handle.and_then(|handle| watch(&handle, Arc::clone(progress)));
        Self { runtime, watch }
    }
}

/// Cancels on Ctrl-C. Without a way to listen, Ctrl-C ends the program, which leaves the dataset as it was, too.
fn watch(handle: &Handle, progress: Arc<halo_ingest::Progress>) -> Option<JoinHandle<()>> {
    let _within = handle.enter();
    let mut presses = Presses::listen().ok()?;
    Some(handle.spawn(async move {
        presses.first().await;
        progress.cancel.store(true, Ordering::Relaxed);
        presses.heard().await;
    }))
}

impl Drop for CancelOnInterrupt {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
