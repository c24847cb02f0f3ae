//! Damaged input of every kind that a disk, a network, a log rotation or a careless script makes, and what each must give.
//!
//! A case is bytes, made here, and what they must come to: the spans by their ids, the rejects by line and kind, and how the lines divide. Each is
//! ingested twice, in large and in tiny chunks: the cuts between chunks must not show. The expectations are written by hand, so that a reader
//! can check them against the bytes; none was copied from what the program does.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

mod bombs;
mod compressed;
mod cuts;
mod encodings;
mod fields;
mod foreign;
mod framed;
mod lines;
mod make;
mod otlp;
mod paths;
mod syntax;
mod times;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use halo_dataset::Dataset;
use halo_ingest::{
    ExportFormat, IngestError, IngestOptions, IngestReport, LineCounts, RejectKind, Source, export, ingest,
};

use crate::make::good;

/// Longer than any case takes on the slowest machine: a case that hangs fails by its name instead of stopping the run.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Cases that run at the same time.
const WORKERS: usize = 8;

/// What some input must come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gives {
    /// Ids of the spans in the dataset, sorted.
    spans: Vec<u64>,
    /// Line and kind of each reject, sorted.
    rejects: Vec<(u64, RejectKind)>,
    span_lines: u64,
    rejected_lines: u64,
    blanks: u64,
    others: u64,
    duplicates: u64,
    conflicts: u64,
}

/// Spans of these ids, each from a line of its own, and nothing else.
fn gives(spans: &[u64]) -> Gives {
    Gives { spans: spans.to_vec(), span_lines: spans.len() as u64, ..Gives::default() }
}

impl Gives {
    /// Line `line` is rejected as a whole.
    fn reject(mut self, line: u64, kind: RejectKind) -> Self {
        self.rejected_lines += 1;
        self.span_reject(line, kind)
    }

    /// Lines rejected as a whole, all for the same reason.
    fn reject_each(self, lines: impl IntoIterator<Item = u64>, kind: RejectKind) -> Self {
        lines.into_iter().fold(self, |gives, line| gives.reject(line, kind))
    }

    /// A span of line `line` is rejected, and the line counts as one with spans.
    fn span_reject(mut self, line: u64, kind: RejectKind) -> Self {
        self.rejects.push((line, kind));
        self.rejects.sort_unstable();
        self
    }

    fn ids(self, spans: Vec<u64>) -> Self {
        Self { spans, ..self }
    }

    /// The spans come from this many lines.
    fn span_lines(self, span_lines: u64) -> Self {
        Self { span_lines, ..self }
    }

    fn blanks(self, blanks: u64) -> Self {
        Self { blanks, ..self }
    }

    fn others(self, others: u64) -> Self {
        Self { others, ..self }
    }

    /// More lines that say what another one says.
    fn duplicates(self, duplicates: u64) -> Self {
        Self { duplicates, span_lines: self.span_lines + duplicates, ..self }
    }

    /// Spans that have the id of another one, and say something else. They are kept, so their ids are twice in the list.
    fn conflicts(self, conflicts: u64) -> Self {
        Self { conflicts, ..self }
    }
}

/// Some damaged input.
struct Case {
    name: String,
    bytes: Vec<u8>,
    gives: Gives,
}

fn case(name: impl Into<String>, bytes: impl Into<Vec<u8>>, gives: Gives) -> Case {
    Case { name: name.into(), bytes: bytes.into(), gives }
}

/// Options with room for a chunk of this size, and lines up to a megabyte.
fn options(threads: usize, chunk_bytes: usize) -> IngestOptions {
    IngestOptions { chunk_bytes, line_bytes_max: 1 << 20, ..IngestOptions::for_threads(threads) }
}

/// Ingests one input under the watchdog.
fn ingest_one(input: &str, root: &Path, options: &IngestOptions) -> Result<IngestReport, IngestError> {
    let (sender, receiver) = mpsc::channel();
    let (inputs, root, options) = ([input.to_owned()], root.to_owned(), options.clone());
    std::thread::spawn(move || {
        let result = Source::find(&inputs).and_then(|sources| ingest(&sources, &root, &options));
        let _nobody_waits = sender.send(result);
    });
    receiver.recv_timeout(WATCHDOG).unwrap_or_else(|error| panic!("{input}: it hangs or panicked: {error}"))
}

/// What an ingest came to, and the spans of the dataset as JSON.
fn outcome(report: &IngestReport, root: &Path) -> (Gives, Vec<serde_json::Value>) {
    let mut exported = Vec::new();
    export(&Dataset::open(root).unwrap(), ExportFormat::Flat, &mut exported).unwrap();
    let spans: Vec<serde_json::Value> =
        serde_json::Deserializer::from_slice(&exported).into_iter().map(Result::unwrap).collect();
    let id = |span: &serde_json::Value| {
        let text = span["span_id"].as_str().unwrap();
        // An odd id, as a case on ids has it, is told apart by its length.
        u64::from_str_radix(text, 16).unwrap_or(text.len() as u64)
    };
    let mut ids: Vec<u64> = spans.iter().map(id).collect();
    ids.sort_unstable();
    let mut rejects: Vec<(u64, RejectKind)> =
        report.rejects.kept.iter().map(|reject| (reject.line, reject.kind)).collect();
    rejects.sort_unstable();
    let LineCounts { lines, span_lines, rejected_lines, blank_lines, other_lines } = report.counts;
    assert_eq!(lines, span_lines + rejected_lines + blank_lines + other_lines, "{report:?}");
    assert_eq!(report.rejects.count(), report.rejects.kept.len() as u64);
    let reasons = report.rejects.kept.iter().map(|reject| &reject.reason);
    reasons.for_each(|reason| assert!(!reason.contains('\n') && reason.len() < 400, "one line: {reason:?}"));
    let gives = Gives {
        spans: ids,
        rejects,
        span_lines,
        rejected_lines,
        blanks: blank_lines,
        others: other_lines,
        duplicates: report.duplicates,
        conflicts: report.conflicts,
    };
    (gives, spans)
}

/// Runs cases and tells of all that came out otherwise.
fn check(cases: &[Case]) {
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
    let folder = tempfile::tempdir().unwrap();
    // Most of the time of so small an ingest goes into waiting for the disk.
    let next = AtomicUsize::new(0);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let worker = || {
            let mut wrong = Vec::new();
            while let Some((index, case)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, cases.get(at)?)))
            {
                check_one(case, &folder.path().join(format!("{index}")), &mut wrong);
            }
            wrong
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a case panicked")).collect()
    });
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    check_in_tiny_chunks(cases, folder.path());
}

fn check_one(Case { name, bytes, gives }: &Case, at: &Path, wrong: &mut Vec<String>) {
    // A name that says nothing: what a file is, its bytes tell.
    let file = at.with_extension("jsonl");
    std::fs::write(&file, bytes).unwrap();
    let root = at.with_extension("ds");
    let report = ingest_one(&file.display().to_string(), &root, &options(2, 1 << 20));
    let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
    let (came, spans) = outcome(&report, &root);
    if came != *gives {
        let reasons: Vec<_> = report.rejects.kept.iter().map(|reject| &reject.reason).collect();
        wrong.push(format!("{name}:\n  must give {gives:?}\n  but gives {came:?}\n  {reasons:?}"));
    }
    // What was good around the damage is there to the letter.
    let lines = gives.spans.iter().map(|id| good(*id)).filter(|line| memmem(bytes, line.as_bytes()));
    for line in lines {
        if !spans.contains(&serde_json::from_str(&line).unwrap()) {
            wrong.push(format!("{name}: a good span is not there:\n  {line}\n  {spans:?}"));
        }
    }
}

/// All cases in one ingest, in chunks as small as they get: each must give the same again.
fn check_in_tiny_chunks(cases: &[Case], folder: &Path) {
    let report =
        ingest_one(&folder.join("*.jsonl").display().to_string(), &folder.join("all"), &options(2, 97)).unwrap();
    assert_eq!(report.sources.len(), cases.len());
    for (index, Case { name, gives, .. }) in cases.iter().enumerate() {
        let path = folder.join(format!("{index}.jsonl")).display().to_string();
        let source = report.sources.iter().find(|source| source.name == path).unwrap();
        let rejects = report.rejects.kept.iter().filter(|reject| reject.source == path);
        let mut rejects: Vec<(u64, RejectKind)> = rejects.map(|reject| (reject.line, reject.kind)).collect();
        rejects.sort_unstable();
        let counts = source.counts;
        let came = (source.spans + source.duplicates, counts.span_lines, counts.rejected_lines, rejects);
        let spans = gives.spans.len() as u64 + gives.duplicates;
        assert_eq!(came, (spans, gives.span_lines, gives.rejected_lines, gives.rejects.clone()), "{name}");
        assert_eq!((counts.blank_lines, counts.other_lines), (gives.blanks, gives.others), "{name}");
    }
}

/// Lines, and the time in nanoseconds at which the span of each starts.
fn check_starts(lines: &[(String, Option<i64>)]) {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    std::fs::write(&file, lines.iter().map(|(line, _)| format!("{line}\n")).collect::<String>()).unwrap();
    let report = ingest_one(&file.display().to_string(), &root, &options(1, 1 << 16)).unwrap();
    assert_eq!(report.spans, lines.len() as u64, "{report:?}");
    let mut exported = Vec::new();
    // In OTLP a time is a number, whatever it was in the line.
    export(&Dataset::open(&root).unwrap(), ExportFormat::Otlp, &mut exported).unwrap();
    let exported = String::from_utf8(exported).unwrap();
    for (line, nanoseconds) in lines {
        let id = &line[line.find("\"span_id\":").unwrap() + 10..][..18];
        let span = exported.lines().find(|exported| exported.contains(id)).unwrap();
        let wanted = format!("\"startTimeUnixNano\":\"{}\"", nanoseconds.unwrap_or_default());
        assert!(span.contains(&wanted), "{line}: {nanoseconds:?}\n{span}");
    }
}

fn memmem(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}

/// Input that is not read at all: a refusal of one line, which says this.
fn check_refused(cases: &[(&str, Vec<u8>, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (index, (name, bytes, words)) in cases.iter().enumerate() {
        let file = folder.path().join(format!("{index}.jsonl"));
        std::fs::write(&file, bytes).unwrap();
        let root = folder.path().join(format!("{index}.ds"));
        let report = ingest_one(&file.display().to_string(), &root, &options(1, 1 << 16)).unwrap();
        let (came, _) = outcome(&report, &root);
        assert_eq!(came, gives(&[]).reject(1, RejectKind::Binary), "{name}: {report:?}");
        let reason = &report.rejects.kept[0].reason;
        assert!(reason.contains(words), "{name}: {reason}");
    }
}
