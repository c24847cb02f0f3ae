//! The thread that keeps the order: results come back from the workers as they are done, and leave in the order of the input.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender};
use halo_dataset::{DatasetWriter, SpanLedger};

use crate::assemble::Assembler;
use crate::chunks::Obstacle;
use crate::parse::{LineContext, ParsedChunk, reject, too_long};
use crate::pipeline::{Done, FromReader, WriteJob};
use crate::reject::{RejectKind, Rejects};
use crate::{IngestError, IngestOptions, SourceReport};

/// Puts results into the order of the input and counts.
pub(crate) struct Collector<'a> {
    pub(crate) reports: Vec<SourceReport>,
    pub(crate) rejects: Rejects,
    pub(crate) conflicts: u64,
    pub(crate) fingerprints: Vec<u64>,
    pub(crate) options: &'a IngestOptions,
    assembler: Assembler,
}

impl<'a> Collector<'a> {
    /// A collector for sources of these names, on a dataset that holds these spans already.
    pub(crate) fn new(names: &[String], ledger: SpanLedger, options: &'a IngestOptions) -> Self {
        Self {
            reports: names.iter().map(|name| SourceReport { name: name.clone(), ..SourceReport::default() }).collect(),
            rejects: Rejects::default(),
            conflicts: 0,
            fingerprints: vec![0; names.len()],
            options,
            assembler: Assembler::new(ledger, options.segment_bytes),
        }
    }
}

impl Collector<'_> {
    /// Takes all that comes until every chunk is parsed and every segment written.
    pub(crate) fn collect(
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
            match done.recv().map_err(|_| IngestError::Internal("a worker ended early"))? {
                Done::Reader(message) => {
                    if let Some(total) = self.take_message(message)? {
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
            match done.recv().map_err(|_| IngestError::Internal("a worker ended early"))? {
                Done::Written(outcome) => {
                    writer.add(outcome?);
                    writing -= 1;
                }
                Done::Reader(message) => drop(self.take_message(message)?),
                Done::Parsed(_) => return Err(IngestError::Internal("a chunk came after the last one")),
            }
        }
        Ok(())
    }

    fn take(&mut self, parsed: ParsedChunk) -> Result<Option<Vec<RecordBatch>>, IngestError> {
        let arrow = |error| IngestError::Dataset(halo_dataset::DatasetError::Arrow(error));
        let admitted = self.assembler.add(parsed.batch, parsed.bytes).map_err(arrow)?;
        let report = &mut self.reports[parsed.source];
        report.counts.add(&parsed.counts);
        report.spans += admitted.spans;
        report.duplicates += admitted.duplicates;
        report.rejects += parsed.rejects.count();
        self.conflicts += admitted.conflicts;
        self.options.progress.spans.fetch_add(admitted.spans, Ordering::Relaxed);
        self.options.progress.rejects.fetch_add(parsed.rejects.count(), Ordering::Relaxed);
        self.rejects.merge(parsed.rejects);
        self.assembler.full_segment().map_err(arrow)
    }

    /// Gives the number of chunks once the reader is done.
    fn take_message(&mut self, message: FromReader) -> Result<Option<u64>, IngestError> {
        match message {
            FromReader::Failed(error) => return Err(error),
            FromReader::Done(chunks) => return Ok(Some(chunks)),
            FromReader::Ended(source, fingerprint) => self.fingerprints[source] = fingerprint,
            FromReader::Obstacle(source, obstacle) => {
                let report = &mut self.reports[source];
                report.counts.lines += 1;
                report.counts.rejected_lines += 1;
                report.rejects += 1;
                let (kind, line, byte_offset, reason, excerpt) = match obstacle {
                    Obstacle::TooLong { line, byte_offset, bytes, excerpt } => {
                        let reason = too_long(bytes, self.options.line_bytes_max);
                        (RejectKind::TooLong, line, byte_offset, reason, excerpt)
                    }
                    Obstacle::Binary => {
                        let reason = "the file is binary data, not JSON lines; nothing of it was read".to_owned();
                        (RejectKind::Binary, 1, 0, reason, Vec::new())
                    }
                    Obstacle::Broken { line, byte_offset, reason, excerpt } => (
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
