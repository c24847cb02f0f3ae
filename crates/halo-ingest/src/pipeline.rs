//! The ingest from end to end: one reader, workers that parse and write, and one thread that keeps the order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use halo_dataset::{Commit, DatasetWriter, Manifest, SegmentJob, SegmentOutcome, SourceMeta};
use serde::Serialize;

use crate::assemble::Assembler;
use crate::chunks::{Chunk, LineChunks, Obstacle, Piece, is_binary};
use crate::parse::{LineContext, ParsedChunk, Parser, reject};
use crate::reject::{RejectKind, Rejects};
use crate::source::fingerprint_file;
use crate::{IngestError, LineCounts, Source};

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
            segment_bytes: 96 << 20,
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

/// What an ingest came to.
#[derive(Debug, Clone, Serialize)]
pub struct IngestReport {
    /// Inputs that were read, in order.
    pub sources: Vec<SourceReport>,
    /// Inputs that were there already, unchanged, and were not read again.
    pub unchanged: Vec<String>,
    /// Lines of all inputs.
    pub counts: LineCounts,
    /// Spans kept.
    pub spans: u64,
    /// Exact duplicates dropped.
    pub duplicates: u64,
    /// Spans kept although another span has their id.
    pub conflicts: u64,
    /// Rejected lines and spans.
    pub rejects: Rejects,
    /// Stored bytes read.
    pub bytes_read: u64,
    /// Where the time went.
    pub timing: Timing,
    /// Traces in the dataset now.
    pub dataset_traces: u64,
    /// Spans in the dataset now.
    pub dataset_spans: u64,
}

/// What one input came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SourceReport {
    /// The input.
    pub name: String,
    /// Its lines.
    pub counts: LineCounts,
    /// Spans kept.
    pub spans: u64,
    /// Exact duplicates dropped.
    pub duplicates: u64,
    /// Rejected lines and spans.
    pub rejects: u64,
}

/// Where the time of an ingest went, in milliseconds. Parsing and writing are summed over threads.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Timing {
    /// Wall time.
    pub total_ms: u64,
    /// Reading and decompressing.
    pub read_ms: u64,
    /// Parsing and mapping.
    pub parse_ms: u64,
    /// Sorting, rolling up, compressing and writing segments.
    pub write_ms: u64,
    /// Making it part of the dataset.
    pub commit_ms: u64,
}

impl IngestReport {
    /// Rejects per line that is not blank, within 0..=1: what `--max-rejects` is held against.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of lines needs no more than 52 bits"
    )]
    pub fn reject_rate(&self) -> f64 {
        let lines = self.counts.lines - self.counts.blank_lines;
        if lines == 0 {
            0.0
        } else {
            (self.rejects.count() as f64 / lines as f64).min(1.0)
        }
    }
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
        if is_known(source, writer.manifest())? {
            unchanged.push(source.name())
        } else {
            fresh.push(source.clone())
        }
    }
    let assembler = Assembler::new(writer.ledger()?, options.segment_bytes);
    let names: Vec<String> = fresh.iter().map(Source::name).collect();
    let clocks = Clocks::default();
    let mut state = Collector {
        assembler,
        reports: names
            .iter()
            .map(|name| SourceReport {
                name: name.clone(),
                ..SourceReport::default()
            })
            .collect(),
        rejects: Rejects::default(),
        conflicts: 0,
        fingerprints: vec![0; fresh.len()],
        options,
    };
    run(&fresh, &names, &mut state, &mut writer, &clocks)?;
    if options.progress.cancel.load(Ordering::Relaxed) {
        return Err(IngestError::Interrupted);
    }
    let commit_started = Instant::now();
    let lines = state
        .rejects
        .kept
        .iter()
        .filter_map(|reject| serde_json::to_string(reject).ok())
        .collect();
    let metas = state.reports.iter().zip(&fresh).zip(&state.fingerprints);
    let sources = metas
        .map(|((report, source), fingerprint)| source_meta(report, source, *fingerprint))
        .collect();
    let manifest = writer.commit(Commit {
        sources,
        rejects: lines,
    })?;
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
    let mut candidates = manifest
        .sources
        .iter()
        .filter(|known| known.path == name && known.size == size)
        .peekable();
    if candidates.peek().is_none() {
        return Ok(false);
    }
    let fingerprint = fingerprint_file(path).map_err(|source| IngestError::Input {
        path: path.clone(),
        source,
    })?;
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
        clock.fetch_add(
            u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
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
enum FromReader {
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
enum Done {
    Reader(FromReader),
    Parsed(Result<ParsedChunk, IngestError>),
    Written(Result<SegmentOutcome, IngestError>),
}

struct WriteJob(SegmentJob, Vec<arrow::array::RecordBatch>);

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
            scope.spawn(move || work(&chunks, &writes, &done, names, clocks));
        }
        drop((chunks, writes, done_sender));
        // Dropping the channels on the way out ends the threads, also after an error.
        state.collect(&done, write_sender, writer)
    })
}

fn read_all(
    sources: &[Source],
    options: &IngestOptions,
    clocks: &Clocks,
    chunks: &Sender<Chunk>,
    done: &Sender<Done>,
) {
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
                Piece::Lines {
                    first_line,
                    byte_offset,
                    bytes,
                } => {
                    sequence += 1;
                    chunks
                        .send(Chunk {
                            sequence: sequence - 1,
                            source: index,
                            first_line,
                            byte_offset,
                            bytes,
                        })
                        .is_ok()
                }
                Piece::Obstacle(obstacle) => done
                    .send(Done::Reader(FromReader::Obstacle(index, obstacle)))
                    .is_ok(),
            };
            // Nobody listens any more: another thread failed and the ingest ends.
            if !sent {
                return;
            }
            if binary {
                break;
            }
        }
        let _closed = done.send(Done::Reader(FromReader::Ended(
            index,
            opened.fingerprint.load(Ordering::Relaxed),
        )));
    }
    let _closed = done.send(Done::Reader(FromReader::Done(sequence)));
}

/// A worker: writes a segment when one waits, else parses a chunk.
fn work(
    chunks: &Receiver<Chunk>,
    writes: &Receiver<WriteJob>,
    done: &Sender<Done>,
    names: &[String],
    clocks: &Clocks,
) {
    let mut parser = Parser::default();
    let write = |WriteJob(job, batches)| {
        let outcome = Clocks::time(&clocks.write, || job.write(batches));
        done.send(Done::Written(outcome.map_err(IngestError::Dataset)))
            .is_ok()
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

/// Puts results into the order of the input and counts.
struct Collector<'a> {
    assembler: Assembler,
    reports: Vec<SourceReport>,
    rejects: Rejects,
    conflicts: u64,
    fingerprints: Vec<u64>,
    options: &'a IngestOptions,
}

impl Collector<'_> {
    fn collect(
        &mut self,
        done: &Receiver<Done>,
        writes: Sender<WriteJob>,
        writer: &mut DatasetWriter,
    ) -> Result<(), IngestError> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        let mut chunks_total = None;
        let mut writing = 0;
        loop {
            if chunks_total == Some(next) {
                let rest = self.assembler.take_all();
                if !rest.is_empty() {
                    let _closed = writes.send(WriteJob(writer.segment(), rest));
                    writing += 1;
                }
                break;
            }
            match done
                .recv()
                .map_err(|_| IngestError::Internal("a worker ended early"))?
            {
                Done::Reader(message) => {
                    if let Some(total) = self.from_reader(message)? {
                        chunks_total = Some(total);
                    }
                }
                Done::Parsed(parsed) => {
                    let parsed = parsed?;
                    waiting.insert(parsed.sequence, parsed);
                }
                Done::Written(outcome) => {
                    writer.add(outcome?);
                    writing -= 1;
                }
            }
            while let Some(parsed) = waiting.remove(&next) {
                next += 1;
                if let Some(batches) = self.take(parsed)? {
                    let _closed = writes.send(WriteJob(writer.segment(), batches));
                    writing += 1;
                }
            }
        }
        // No more work comes: workers end once the last segment is written.
        drop(writes);
        while writing > 0 {
            match done
                .recv()
                .map_err(|_| IngestError::Internal("a worker ended early"))?
            {
                Done::Written(outcome) => {
                    writer.add(outcome?);
                    writing -= 1;
                }
                Done::Reader(message) => drop(self.from_reader(message)?),
                Done::Parsed(_) => return Err(IngestError::Internal("a chunk came after the last one")),
            }
        }
        Ok(())
    }

    fn take(&mut self, parsed: ParsedChunk) -> Result<Option<Vec<arrow::array::RecordBatch>>, IngestError> {
        let arrow = |error| IngestError::Dataset(halo_dataset::DatasetError::Arrow(error));
        let admitted = self.assembler.add(parsed.batch, parsed.bytes).map_err(arrow)?;
        let report = &mut self.reports[parsed.source];
        report.counts.add(&parsed.counts);
        report.spans += admitted.spans;
        report.duplicates += admitted.duplicates;
        report.rejects += parsed.rejects.count();
        self.conflicts += admitted.conflicts;
        self.options
            .progress
            .spans
            .fetch_add(admitted.spans, Ordering::Relaxed);
        self.options
            .progress
            .rejects
            .fetch_add(parsed.rejects.count(), Ordering::Relaxed);
        self.rejects.merge(parsed.rejects);
        self.assembler.full_segment().map_err(arrow)
    }

    /// Gives the number of chunks once the reader is done.
    fn from_reader(&mut self, message: FromReader) -> Result<Option<u64>, IngestError> {
        match message {
            FromReader::Failed(error) => return Err(error),
            FromReader::Done(chunks) => return Ok(Some(chunks)),
            FromReader::Ended(source, fingerprint) => self.fingerprints[source] = fingerprint,
            FromReader::Obstacle(source, obstacle) => {
                let report = &mut self.reports[source];
                report.counts.lines += 1;
                report.counts.rejected_lines += 1;
                report.rejects += 1;
                let limit = self.options.line_bytes_max >> 20;
                let (kind, line, byte_offset, reason, excerpt) = match obstacle {
                    Obstacle::TooLong {
                        line,
                        byte_offset,
                        bytes,
                        excerpt,
                    } => {
                        let reason = format!("the line has {} MB, over the limit of {limit} MB", bytes >> 20);
                        (RejectKind::TooLong, line, byte_offset, reason, excerpt)
                    }
                    Obstacle::Binary => {
                        let reason = "the file is binary data, not JSON lines; nothing of it was read".to_owned();
                        (RejectKind::Binary, 1, 0, reason, Vec::new())
                    }
                    Obstacle::Broken {
                        line,
                        byte_offset,
                        reason,
                        excerpt,
                    } => (
                        RejectKind::BrokenStream,
                        line,
                        byte_offset,
                        format!("the stream breaks off: {reason}"),
                        excerpt,
                    ),
                };
                let context = LineContext {
                    source: &report.name,
                    line: i64::try_from(line).unwrap_or(i64::MAX),
                    byte_offset,
                    bytes: 0,
                    text: &excerpt,
                };
                self.rejects.push(reject(&context, kind, reason));
                self.options.progress.rejects.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(None)
    }
}
