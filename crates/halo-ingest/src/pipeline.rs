//! The ingest from end to end: one reader, workers that parse and write, and one thread that keeps the order.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use halo_dataset::{Commit, DatasetWriter, Manifest, SegmentJob, SegmentOutcome, SourceMeta};

use crate::chunks::{Chunk, LineChunks, Obstacle, Piece, is_binary};
use crate::collect::Collector;
use crate::parse::{ParsedChunk, Parser};
use crate::source::fingerprint_file;
use crate::{IngestError, IngestReport, LineCounts, Source, SourceReport, Timing};

/// How an ingest works.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Threads that parse and write; one more reads.
    pub threads: usize,
    /// Bytes of input per parsed chunk.
    pub chunk_bytes: usize,
    /// Bytes of input per segment; memory is a small multiple of it.
    pub segment_bytes: usize,
    /// Longest line that is taken.
    pub line_bytes_max: usize,
    /// Counters that somebody may watch meanwhile.
    pub progress: Arc<Progress>,
}

impl IngestOptions {
    /// Options that suit this many threads.
    #[must_use]
    pub fn for_threads(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            chunk_bytes: 4 << 20,
            segment_bytes: 64 << 20,
            line_bytes_max: 256 << 20,
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
/// 1. Sources that the dataset holds already, byte for byte, are left out.
/// 2. A reader cuts the rest into chunks of lines; workers parse them.
/// 3. In the order of the input, duplicates are dropped and segments filled; workers write them.
/// 4. One commit makes all of it count.
///
/// # Errors
/// A source or the dataset can't be opened, the disk refuses, or the user interrupts. The dataset is then as it was.
pub fn ingest(sources: &[Source], root: &Path, options: &IngestOptions) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    let mut writer = DatasetWriter::open_or_create(root)?;
    let mut unchanged = Vec::new();
    let mut fresh = Vec::new();
    for source in sources {
        if is_known(source, writer.manifest())? { unchanged.push(source.name()) } else { fresh.push(source.clone()) }
    }
    let names: Vec<String> = fresh.iter().map(Source::name).collect();
    let clocks = Clocks::default();
    let mut state = Collector::new(&names, writer.ledger()?, options);
    run(&fresh, &names, &mut state, &mut writer, &clocks)?;
    if options.progress.cancel.load(Ordering::Relaxed) {
        return Err(IngestError::Interrupted);
    }
    let commit_started = Instant::now();
    let lines = state.rejects.kept.iter().filter_map(|reject| serde_json::to_string(reject).ok()).collect();
    let metas = state.reports.iter().zip(&fresh).zip(&state.fingerprints);
    let sources = metas.map(|((report, source), fingerprint)| source_meta(report, source, *fingerprint)).collect();
    let manifest = writer.commit(Commit { sources, rejects: lines })?;
    let mut counts = LineCounts::default();
    state.reports.iter().for_each(|report| counts.add(&report.counts));
    let sum = |of: fn(&SourceReport) -> u64| state.reports.iter().map(of).sum();
    Ok(IngestReport {
        spans: sum(|report| report.spans),
        duplicates: sum(|report| report.duplicates),
        conflicts: state.conflicts,
        counts,
        unchanged,
        rejects: state.rejects,
        bytes_read: options.progress.bytes_read.load(Ordering::Relaxed),
        timing: Timing {
            total_ms: millis(started.elapsed()),
            read_ms: Clocks::get(&clocks.read),
            parse_ms: Clocks::get(&clocks.parse),
            write_ms: Clocks::get(&clocks.write),
            commit_ms: millis(commit_started.elapsed()),
        },
        dataset_traces: manifest.traces,
        dataset_spans: manifest.spans,
        sources: state.reports,
    })
}

/// Whether the dataset holds exactly this file already. Its bytes are compared only when path and size are the same.
fn is_known(source: &Source, manifest: &Manifest) -> Result<bool, IngestError> {
    let (Source::File(path), Some(size)) = (source, source.size()) else {
        return Ok(false);
    };
    let name = source.name();
    let mut candidates = manifest.sources.iter().filter(|known| known.path == name && known.size == size).peekable();
    if candidates.peek().is_none() {
        return Ok(false);
    }
    let fingerprint = fingerprint_file(path).map_err(|source| IngestError::Input { path: path.clone(), source })?;
    Ok(candidates.any(|known| known.fingerprint == hex(fingerprint)))
}

fn hex(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

fn source_meta(report: &SourceReport, source: &Source, fingerprint: u64) -> SourceMeta {
    SourceMeta {
        path: report.name.clone(),
        size: source.size().unwrap_or(0),
        fingerprint: hex(fingerprint),
        lines: report.counts.lines,
        spans: report.spans,
        duplicates: report.duplicates,
        rejects: report.rejects,
    }
}

/// Time spent, summed over threads, in nanoseconds.
#[derive(Default)]
struct Clocks {
    read: AtomicU64,
    parse: AtomicU64,
    write: AtomicU64,
}

impl Clocks {
    fn time<T>(clock: &AtomicU64, work: impl FnOnce() -> T) -> T {
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
    Ended(usize, u64),
    /// All sources were read, in this many chunks.
    Done(u64),
}

/// What comes back from the threads.
pub(crate) enum Done {
    Reader(FromReader),
    Parsed(Result<ParsedChunk, IngestError>),
    Written(Result<SegmentOutcome, IngestError>),
}

/// A segment to write, and its spans.
pub(crate) struct WriteJob(pub(crate) SegmentJob, pub(crate) Vec<RecordBatch>);

/// Starts the threads and collects what they give. Channels of chunks are short: that bounds memory.
fn run(
    sources: &[Source],
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
        let reader_done = done_sender.clone();
        scope.spawn(move || read_all(sources, options, clocks, &chunk_sender, &reader_done));
        for _ in 0..options.threads {
            let (chunks, writes, done) = (chunks.clone(), writes.clone(), done_sender.clone());
            let worker = Worker { parser: Parser::new(options.line_bytes_max), names, clocks };
            scope.spawn(move || work(worker, &chunks, &writes, &done));
        }
        drop((chunks, writes, done_sender));
        // Dropping the channels on the way out ends the threads, also after an error.
        state.collect(&done, write_sender, writer)
    })
}

fn read_all(sources: &[Source], options: &IngestOptions, clocks: &Clocks, chunks: &Sender<Chunk>, done: &Sender<Done>) {
    let mut sequence = 0;
    for (index, source) in sources.iter().enumerate() {
        let opened = match source.open(Arc::clone(&options.progress.bytes_read)) {
            Ok(opened) => opened,
            Err(error) => {
                let _closed = done.send(Done::Reader(FromReader::Failed(error)));
                return;
            }
        };
        let mut pieces = LineChunks::new(opened.reader, options.chunk_bytes, options.line_bytes_max);
        while let Some(piece) = Clocks::time(&clocks.read, || pieces.next()) {
            if options.progress.cancel.load(Ordering::Relaxed) {
                break;
            }
            let binary = matches!(&piece, Piece::Lines { byte_offset: 0, bytes, .. } if is_binary(bytes));
            let piece = if binary { Piece::Obstacle(Obstacle::Binary) } else { piece };
            let sent = match piece {
                Piece::Lines { first_line, byte_offset, bytes } => {
                    sequence += 1;
                    chunks.send(Chunk { sequence: sequence - 1, source: index, first_line, byte_offset, bytes }).is_ok()
                }
                Piece::Obstacle(obstacle) => done.send(Done::Reader(FromReader::Obstacle(index, obstacle))).is_ok(),
            };
            // Nobody listens any more: another thread failed and the ingest ends.
            if !sent {
                return;
            }
            if binary {
                break;
            }
        }
        let _closed = done.send(Done::Reader(FromReader::Ended(index, opened.fingerprint.load(Ordering::Relaxed))));
    }
    let _closed = done.send(Done::Reader(FromReader::Done(sequence)));
}

/// What a worker works with.
struct Worker<'a> {
    parser: Parser,
    names: &'a [String],
    clocks: &'a Clocks,
}

/// A worker: writes a segment when one waits, else parses a chunk.
fn work(worker: Worker<'_>, chunks: &Receiver<Chunk>, writes: &Receiver<WriteJob>, done: &Sender<Done>) {
    let Worker { mut parser, names, clocks } = worker;
    let write = |WriteJob(job, batches)| {
        let outcome = Clocks::time(&clocks.write, || job.write(batches));
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
                    if done.send(Done::Parsed(parsed)).is_err() {
                        return;
                    }
                }
                Err(_) => chunks_open = false,
            },
        }
    }
}
