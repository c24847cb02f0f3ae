//! The ingest from end to end: one reader, workers that parse and write, and one thread that keeps the order.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use halo_dataset::{Commit, DatasetWriter, Effort, SegmentJob, SegmentOutcome, SpanLedger};
use halo_redact::Redactor;

use crate::assemble::SegmentSpans;
use crate::chunks::{Chunk, Obstacle};
use crate::collect::Collector;
use crate::input::BufferPool;
use crate::parse::{ParsedChunk, Parser};
use crate::plan::{Planned, plan, source_meta};
use crate::reader::{ReadPlan, ReaderChannels, SourceEnd, read_all};
use crate::{IngestError, IngestReport, LineCounts, Source, SourceReport, Timing};

/// How an ingest works.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Threads that parse and write; one more reads.
    pub threads: usize,
    /// Bytes of input per parsed chunk.
    pub chunk_bytes: usize,
    /// Bytes of spans in memory per segment, each text counted once; memory is a small multiple of it.
    pub segment_bytes: usize,
    /// Longest line that is taken.
    pub line_bytes_max: usize,
    /// What masks secrets and personal data before anything is written; `None` keeps all as it is.
    pub redactor: Option<Redactor>,
    /// Counters that somebody may watch meanwhile.
    pub progress: Arc<Progress>,
}

impl IngestOptions {
    /// Options that suit this many threads.
    #[must_use]
    pub fn for_threads(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            chunk_bytes: 16 << 20,
            segment_bytes: 48 << 20,
            line_bytes_max: 256 << 20,
            redactor: None,
            progress: Arc::default(),
        }
    }
}

/// Counters of a running ingest, and the way to stop it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Stored bytes read.
    pub bytes_read: Arc<AtomicU64>,
    /// Spans kept so far.
    pub spans: AtomicU64,
    /// Rejects so far.
    pub rejects: AtomicU64,
    /// Set to end the ingest; the dataset stays as it was.
    pub cancel: AtomicBool,
}

/// Reads sources into the dataset at `root`, which is made when it is not there.
///
/// 1. Sources that the dataset holds already, byte for byte, are left out; of one that has grown only what is new is read.
/// 2. A reader cuts the rest into chunks of lines; workers parse them.
/// 3. In the order of the input, duplicates are dropped and segments filled; workers write them.
/// 4. One commit makes all of it count.
///
/// # Errors
/// A source or the dataset can't be opened, the disk refuses, or the user interrupts. The dataset is then as it was.
pub fn ingest(sources: &[Source], root: &Path, options: &IngestOptions) -> Result<IngestReport, IngestError> {
    Session::open(root, options)?.pass(sources, false)
}

/// A dataset open for writing, and what it holds: several passes share it.
pub(crate) struct Session<'a> {
    writer: DatasetWriter,
    ledger: SpanLedger,
    options: &'a IngestOptions,
}

impl<'a> Session<'a> {
    pub(crate) fn open(root: &Path, options: &'a IngestOptions) -> Result<Self, IngestError> {
        let writer = DatasetWriter::open_or_create(root)?;
        let ledger = writer.ledger()?;
        Ok(Self { writer, ledger, options })
    }

    /// Reads sources once and commits. `hold_open` leaves out what is open at the end of a file: it is being written.
    pub(crate) fn pass(&mut self, sources: &[Source], hold_open: bool) -> Result<IngestReport, IngestError> {
        let started = Instant::now();
        let Planned { plans, unchanged } = plan(sources, self.writer.manifest(), hold_open)?;
        let names: Vec<String> = plans.iter().map(|plan| plan.source.name()).collect();
        let resumed: Vec<bool> = plans.iter().map(|plan| plan.resume.is_some()).collect();
        let clocks = Clocks::default();
        let bytes_before = self.options.progress.bytes_read.load(Ordering::Relaxed);
        let mut state = Collector::new(&names, std::mem::take(&mut self.ledger), self.options);
        run(plans, &names, &mut state, &mut self.writer, &clocks)?;
        if self.options.progress.cancel.load(Ordering::Relaxed) {
            return Err(IngestError::Interrupted);
        }
        let commit_started = Instant::now();
        let rejects = state.rejects.kept.iter().filter_map(|reject| serde_json::to_string(reject).ok()).collect();
        let mut metas = Vec::new();
        for ((report, end), resumed) in state.reports.iter().zip(&state.ends).zip(resumed) {
            let before = self.writer.manifest().sources.iter().rev().find(|known| resumed && known.path == report.name);
            metas.push(source_meta(report, end, before));
        }
        let manifest = self.writer.commit(Commit { sources: metas, rejects })?;
        let (dataset_traces, dataset_spans) = (manifest.traces, manifest.spans);
        let mut counts = LineCounts::default();
        state.reports.iter().for_each(|report| counts.add(&report.counts));
        let sum = |of: fn(&SourceReport) -> u64| state.reports.iter().map(of).sum();
        let report = IngestReport {
            spans: sum(|report| report.spans),
            duplicates: sum(|report| report.duplicates),
            conflicts: state.conflicts,
            counts,
            unchanged,
            rejects: std::mem::take(&mut state.rejects),
            redacted: std::mem::take(&mut state.redacted),
            bytes_read: self.options.progress.bytes_read.load(Ordering::Relaxed) - bytes_before,
            timing: Timing {
                total_ms: millis(started.elapsed()),
                read_ms: Clocks::get(&clocks.read),
                parse_ms: Clocks::get(&clocks.parse),
                write_ms: Clocks::get(&clocks.write),
                commit_ms: millis(commit_started.elapsed()),
            },
            dataset_traces,
            dataset_spans,
            sources: std::mem::take(&mut state.reports),
        };
        self.ledger = state.into_ledger();
        Ok(report)
    }
}

/// Time spent, summed over threads, in nanoseconds.
#[derive(Default)]
pub(crate) struct Clocks {
    pub(crate) read: AtomicU64,
    parse: AtomicU64,
    write: AtomicU64,
}

impl Clocks {
    pub(crate) fn time<T>(clock: &AtomicU64, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        clock.fetch_add(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        result
    }

    fn get(clock: &AtomicU64) -> u64 {
        clock.load(Ordering::Relaxed) / 1_000_000
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What the reader tells the thread that keeps the order.
pub(crate) enum FromReader {
    /// A source could not be opened or broke in a way that is nobody's line.
    Failed(IngestError),
    /// A reject that no parser saw. Comes in no order with the chunks, which does not matter to a count.
    Obstacle(usize, Obstacle),
    /// A source was read to its end.
    Ended(usize, SourceEnd),
    /// All sources were read, in this many chunks.
    Done(u64),
}

/// What comes back from the threads.
pub(crate) enum Done {
    Reader(FromReader),
    Parsed(Box<Result<ParsedChunk, IngestError>>),
    Written(Result<SegmentOutcome, IngestError>),
}

/// A segment to write, and its spans.
pub(crate) struct WriteJob(pub(crate) SegmentJob, pub(crate) SegmentSpans);

/// Starts the threads and collects what they give. Channels of chunks are short: that bounds memory.
fn run(
    plans: Vec<ReadPlan>,
    names: &[String],
    state: &mut Collector<'_>,
    writer: &mut DatasetWriter,
    clocks: &Clocks,
) -> Result<(), IngestError> {
    let options = state.options;
    let (chunk_sender, chunks) = bounded::<Chunk>(options.threads);
    let (write_sender, writes) = unbounded::<WriteJob>();
    let (done_sender, done) = bounded::<Done>(options.threads * 2);
    std::thread::scope(|scope| {
        // One buffer with the reader, some on their way, one with each worker.
        let pool = BufferPool::new(options.chunk_bytes, options.threads * 2 + 1);
        let channels = ReaderChannels { chunks: chunk_sender, done: done_sender.clone(), pool: pool.clone() };
        scope.spawn(move || read_all(plans, options, clocks, &channels));
        for _ in 0..options.threads {
            let (chunks, writes, done) = (chunks.clone(), writes.clone(), done_sender.clone());
            let parser = Parser::new(options.line_bytes_max).masking(options.redactor.as_ref());
            let worker = Worker { parser, names, clocks, pool: pool.clone() };
            scope.spawn(move || work(worker, &chunks, &writes, &done));
        }
        drop((chunks, writes, done_sender));
        // Dropping the channels on the way out ends the threads, also after an error.
        state.collect(&done, write_sender, writer)
    })
}

/// What a worker works with.
struct Worker<'a> {
    parser: Parser,
    names: &'a [String],
    clocks: &'a Clocks,
    pool: BufferPool,
}

/// A worker: writes a segment when one waits, else parses a chunk.
fn work(worker: Worker<'_>, chunks: &Receiver<Chunk>, writes: &Receiver<WriteJob>, done: &Sender<Done>) {
    let Worker { mut parser, names, clocks, pool } = worker;
    let write = |WriteJob(job, SegmentSpans { chunks, places })| {
        let outcome = Clocks::time(&clocks.write, || job.write(&chunks, places, Effort::INGEST));
        done.send(Done::Written(outcome.map_err(IngestError::Dataset))).is_ok()
    };
    let (mut chunks_open, mut writes_open) = (true, true);
    while chunks_open || writes_open {
        if let Ok(job) = writes.try_recv() {
            if !write(job) {
                return;
            }
            continue;
        }
        let never_chunks = crossbeam_channel::never();
        let never_writes = crossbeam_channel::never();
        crossbeam_channel::select! {
            recv(if writes_open { writes } else { &never_writes }) -> job => match job {
                Ok(job) => if !write(job) { return },
                Err(_) => writes_open = false,
            },
            recv(if chunks_open { chunks } else { &never_chunks }) -> chunk => match chunk {
                Ok(chunk) => {
                    let parsed = Clocks::time(&clocks.parse, || parser.parse(&chunk, &names[chunk.source]));
                    pool.put(chunk.bytes);
                    if done.send(Done::Parsed(Box::new(parsed))).is_err() {
                        return;
                    }
                }
                Err(_) => chunks_open = false,
            },
        }
    }
}
