//! The progress of an ingest: a bar on a terminal, nothing elsewhere; and what came of it in words.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use halo_ingest::{IngestReport, Progress, Source};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Common;
use crate::output::{count, counted};

/// Shows the progress until it is dropped.
pub(crate) struct Bar {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Bar {
    pub(crate) fn start(sources: &[Source], progress: &Arc<Progress>, common: &Common) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        if common.quiet || !std::io::stderr().is_terminal() {
            return Self { stop, thread: None };
        }
        let total: Option<u64> = sources.iter().map(Source::size).sum();
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = if total.is_some() {
            "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} eta {eta} {msg}"
        } else {
            "{spinner} {binary_bytes} {binary_bytes_per_sec} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let started = Instant::now();
        let (progress, stopped) = (Arc::clone(progress), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                bar.set_position(progress.bytes_read.load(Ordering::Relaxed));
                let rejects = progress.rejects.load(Ordering::Relaxed);
                let rejected = if rejects > 0 { format!(", {} rejected", count(rejects)) } else { String::new() };
                let spans = progress.spans.load(Ordering::Relaxed);
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a rate for people"
                )]
                let rate = (spans as f64 / started.elapsed().as_secs_f64().max(0.1)) as u64;
                bar.set_message(format!("{}, {}/s{rejected}", counted(spans, "span"), count(rate)));
                std::thread::park_timeout(Duration::from_millis(100));
            }
            bar.finish_and_clear();
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the bar's thread costs the bar, not the ingest.
            let _joined = thread.join();
        }
    }
}

/// What came of an ingest, in a few lines.
pub(crate) fn summary(report: &IngestReport, dataset: &std::path::Path) -> String {
    let mut lines = Vec::new();
    if !report.sources.is_empty() {
        lines.push(reading(report));
        lines.push(line_counts(report));
        lines.extend(time_spent(report));
    }
    if !report.redacted.is_empty() {
        lines.push(format!("masked: {}", report.redacted));
    }
    if report.duplicates > 0 {
        lines.push(format!("{} dropped", counted(report.duplicates, "exact duplicate")));
    }
    if report.conflicts > 0 {
        lines.push(format!(
            "{} kept although another span has the same id (column id_conflict)",
            counted(report.conflicts, "span")
        ));
    }
    for name in &report.unchanged {
        lines.push(format!("{name}: in the dataset already, unchanged"));
    }
    lines.extend(reject_lines(report, Some(dataset)));
    lines.push(format!(
        "{}: {} of {}",
        dataset.display(),
        counted(report.dataset_spans, "span"),
        counted(report.dataset_traces, "trace")
    ));
    lines.join("\n")
}

/// What one look at followed files brought, in a line.
pub(crate) fn followed(report: &IngestReport) -> String {
    let mut parts = vec![counted(report.spans, "new span")];
    if report.duplicates > 0 {
        parts.push(counted(report.duplicates, "exact duplicate"));
    }
    if report.rejects.count() > 0 {
        parts.push(counted(report.rejects.count(), "reject"));
    }
    format!(
        "{}; {} of {} now",
        parts.join(", "),
        counted(report.dataset_spans, "span"),
        counted(report.dataset_traces, "trace")
    )
}

/// How much was read, and how fast.
pub(crate) fn reading(report: &IngestReport) -> String {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (seconds, megabytes) = (report.timing.total_ms as f64 / 1e3, report.bytes_read as f64 / 1e6);
    // A rate of a small file says how long the program took to start.
    let rate = if megabytes > 10.0 { format!(" ({:.0} MB/s)", megabytes / seconds.max(0.001)) } else { String::new() };
    format!(
        "{} from {} in {seconds:.1} s{rate}",
        counted(report.spans, "new span"),
        counted(report.sources.len() as u64, "input"),
    )
}

/// Input below which nobody wants to know where the time went.
const SMALL_BYTES: u64 = 100 << 20;

/// Where the time went: of each kind of work, summed over threads.
fn time_spent(report: &IngestReport) -> Option<String> {
    let timing = &report.timing;
    // Of a small input nobody wants to know.
    (report.bytes_read >= SMALL_BYTES).then(|| {
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let seconds = |milliseconds: u64| format!("{:.1} s", milliseconds as f64 / 1e3);
        format!(
            "time on all threads: reading {}, parsing {}, writing {}; committing {}",
            seconds(timing.read_ms),
            seconds(timing.parse_ms),
            seconds(timing.write_ms),
            seconds(timing.commit_ms)
        )
    })
}

/// The lines' balance: every line of the input is in one of these counts.
fn line_counts(report: &IngestReport) -> String {
    let counts = &report.counts;
    let mut parts =
        vec![format!("{} with spans", count(counts.span_lines)), format!("{} rejected", count(counts.rejected_lines))];
    parts.push(format!("{} blank", count(counts.blank_lines)));
    if counts.other_lines > 0 {
        parts.push(format!("{} of logs or metrics", count(counts.other_lines)));
    }
    format!("{} = {}", counted(counts.lines, "line"), parts.join(" + "))
}

/// Rejects by reason, the first ones with their places, and the dataset that keeps them all when there is one.
pub(crate) fn reject_lines(report: &IngestReport, dataset: Option<&std::path::Path>) -> Vec<String> {
    const SHOWN: usize = 3;
    let rejects = &report.rejects;
    if rejects.count() == 0 {
        return Vec::new();
    }
    let kinds: Vec<String> =
        rejects.by_kind.iter().map(|(kind, number)| format!("{} × {}", count(*number), kind.describe())).collect();
    let mut lines = vec![format!("{}: {}", counted(rejects.count(), "reject"), kinds.join(", "))];
    for reject in rejects.kept.iter().take(SHOWN) {
        lines.push(format!("  {}:{}: {}", reject.source, reject.line, reject.reason));
    }
    let more = rejects.count().saturating_sub(SHOWN as u64);
    if more > 0 {
        let place = dataset.map_or_else(String::new, |root| format!(", in {}", root.join("rejects.jsonl").display()));
        lines.push(format!("  and {} more{place}", count(more)));
    }
    lines
}
