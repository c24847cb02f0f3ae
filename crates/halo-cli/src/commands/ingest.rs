//! `halo ingest`: trace files to a dataset.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use halo_dataset::DatasetError;
use halo_ingest::{IngestError, IngestOptions, IngestReport, Redactor, RejectKind, Source};

use crate::args::{Common, IngestArgs, RejectArgs, SummaryFormat};
use crate::exit::{Exit, Failure};
use crate::interrupt::OnInterrupt;
use crate::{output, progress};

/// Runs the command.
pub(crate) fn run(args: &IngestArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    if args.output.is_file() {
        return Err(no_place(&args.output, "is a file"));
    }
    let mut options = options(&args.rejects, common);
    options.redactor = redactor(args)?;
    if args.follow {
        return follow(args, &options, common);
    }
    let sources = Source::find(&args.inputs)?;
    let report = ingest(&sources, &args.output, &options, common)?;
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

/// Memory that is divided among what an ingest holds at the same time.
pub(crate) fn options(rejects: &RejectArgs, common: &Common) -> IngestOptions {
    let mut options = IngestOptions::for_threads(common.threads());
    let share = |of: u64| usize::try_from(common.memory_limit / of).unwrap_or(usize::MAX);
    // Segments being filled, sorted and compressed at the same time come to about six times one.
    options.segment_bytes = options.segment_bytes.min(share(10)).max(1 << 20);
    // A chunk with each thread and some on their way, each with the spans that are made of it.
    options.chunk_bytes = options.chunk_bytes.min(share(64)).max(64 << 10);
    // A line is there as it came, unescaped, and as columns.
    options.line_bytes_max = usize::try_from(rejects.max_line).unwrap_or(usize::MAX).min(share(8));
    options
}

fn redactor(args: &IngestArgs) -> Result<Option<Redactor>, Failure> {
    let Some(rules) = &args.redact else { return Ok(None) };
    let redactor = if rules.is_empty() {
        Redactor::builtin()
    } else {
        let text = std::fs::read_to_string(rules)
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot read the rules `{rules}`: {error}")))?;
        Redactor::from_rules(&text)
    };
    let redactor = redactor.map_err(|error| Failure::new(Exit::Usage, format!("--redact: {error}")))?;
    Ok(Some(match &args.redact_salt {
        Some(salt) => redactor.with_salt(salt.as_bytes()),
        None => redactor,
    }))
}

/// Ingests with a progress bar. Ctrl-C ends it and leaves the dataset as it was.
pub(crate) fn ingest(
    sources: &[Source],
    dataset: &Path,
    options: &IngestOptions,
    common: &Common,
) -> Result<IngestReport, Failure> {
    let cancel = Arc::clone(&options.progress);
    let _watch = OnInterrupt::start(move || cancel.cancel.store(true, Ordering::Relaxed));
    let _bar = progress::Bar::start(sources, &options.progress, common);
    halo_ingest::ingest(sources, dataset, options).map_err(cannot_ingest)
}

fn cannot_ingest(error: IngestError) -> Failure {
    match error {
        IngestError::Dataset(DatasetError::NotADataset { path }) => {
            no_place(&path, "is a folder with other things in it")
        }
        error => error.into(),
    }
}

/// How often files are looked at for more.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// Reads what is being written, until Ctrl-C, which is the way to end it.
fn follow(args: &IngestArgs, options: &IngestOptions, common: &Common) -> Result<Exit, Failure> {
    if args.inputs.iter().any(|input| input == "-") {
        return Err(Failure::new(Exit::Usage, "--follow takes files: standard input is read to its end anyway"));
    }
    // What is not there at all is a mistake now, and may only be gone later.
    Source::find(&args.inputs)?;
    let cancel = Arc::clone(&options.progress);
    let _watch = OnInterrupt::start(move || cancel.cancel.store(true, Ordering::Relaxed));
    output::note(common, &format!("following {}; Ctrl-C ends it", args.inputs.join(", ")));
    let mut find = || match Source::find(&args.inputs) {
        Err(IngestError::Missing { .. } | IngestError::NothingInFolder { .. }) => Ok(Vec::new()),
        found => found,
    };
    let mut told = |report: &IngestReport| match args.format {
        SummaryFormat::Text => output::note(common, &progress::followed(report)),
        SummaryFormat::Json => {
            if let Ok(line) = serde_json::to_string(report) {
                // Whoever read the reports went away: what is read is stored all the same.
                let _closed = output::stdout(&(line + "\n"));
            }
        }
    };
    halo_ingest::follow(&mut find, &args.output, options, FOLLOW_INTERVAL, &mut told).map_err(cannot_ingest)?;
    Ok(Exit::Done)
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
            "halo reads HALO's flat span lines, OTLP/JSON ({\"resourceSpans\": …}) and the Collector's OTLP protobuf",
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
