//! The thread that keeps the order: results come back from the workers as they are done, and leave in the order of the input.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender};
use halo_dataset::{DatasetWriter, SpanLedger};
use halo_redact::RedactionCounts;

use crate::assemble::{Assembler, SegmentSpans};
use crate::parse::{LineContext, ParsedChunk, reject};
use crate::pipeline::{Done, FromReader, WriteJob};
use crate::reader::SourceEnd;
use crate::reject::Rejects;
use crate::{IngestError, IngestOptions, SourceReport};

/// Puts results into the order of the input and counts.
pub(crate) struct Collector<'a> {
    pub(crate) reports: Vec<SourceReport>,
    pub(crate) rejects: Rejects,
    pub(crate) redacted: RedactionCounts,
    pub(crate) conflicts: u64,
    pub(crate) ends: Vec<SourceEnd>,
    pub(crate) options: &'a IngestOptions,
    assembler: Assembler,
}

impl<'a> Collector<'a> {
    /// A collector for sources of these names, on a dataset that holds these spans already.
    pub(crate) fn new(names: &[String], ledger: SpanLedger, options: &'a IngestOptions) -> Self {
        Self {
            reports: names.iter().map(|name| SourceReport { name: name.clone(), ..SourceReport::default() }).collect(),
            rejects: Rejects::default(),
            redacted: RedactionCounts::default(),
            conflicts: 0,
            ends: vec![SourceEnd::default(); names.len()],
            options,
            assembler: Assembler::new(ledger, options.segment_bytes),
        }
    }
}

impl Collector<'_> {
    /// The spans that are there now.
    pub(crate) fn into_ledger(self) -> SpanLedger {
        self.assembler.into_ledger()
    }

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
                for spans in self.assembler.rest(self.options.threads) {
                    let _closed = writes.send(WriteJob(writer.segment(), spans));
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
                    let parsed = (*parsed)?;
                    waiting.insert(parsed.sequence, parsed);
                }
                Done::Written(outcome) => {
                    writer.add(outcome?).map_err(IngestError::Dataset)?;
                    writing -= 1;
                }
            }
            while let Some(parsed) = waiting.remove(&next) {
                next += 1;
                if let Some(spans) = self.take(parsed)? {
                    let _closed = writes.send(WriteJob(writer.segment(), spans));
                    writing += 1;
                }
            }
        }
        // No more work comes: workers end once the last segment is written.
        drop(writes);
        while writing > 0 {
            match done.recv().map_err(|_| IngestError::Internal("a worker ended early"))? {
                Done::Written(outcome) => {
                    writer.add(outcome?).map_err(IngestError::Dataset)?;
                    writing -= 1;
                }
                Done::Reader(message) => drop(self.take_message(message)?),
                Done::Parsed(_) => return Err(IngestError::Internal("a chunk came after the last one")),
            }
        }
        Ok(())
    }

    fn take(&mut self, parsed: ParsedChunk) -> Result<Option<SegmentSpans>, IngestError> {
        let arrow = |error| IngestError::Dataset(halo_dataset::DatasetError::Arrow(error));
        let admitted = self.assembler.add(parsed.spans).map_err(arrow)?;
        let report = &mut self.reports[parsed.source];
        report.counts.add(&parsed.counts);
        report.spans += admitted.spans;
        report.duplicates += admitted.duplicates;
        report.rejects += parsed.rejects.count();
        self.conflicts += admitted.conflicts;
        self.options.progress.spans.fetch_add(admitted.spans, Ordering::Relaxed);
        self.options.progress.rejects.fetch_add(parsed.rejects.count(), Ordering::Relaxed);
        self.redacted.merge(&parsed.redacted);
        self.rejects.merge(parsed.rejects);
        self.assembler.full_segment().map_err(arrow)
    }

    /// Gives the number of chunks once the reader is done.
    fn take_message(&mut self, message: FromReader) -> Result<Option<u64>, IngestError> {
        match message {
            FromReader::Failed(error) => return Err(error),
            FromReader::Done(chunks) => return Ok(Some(chunks)),
            FromReader::Ended(source, end) => self.ends[source] = end,
            FromReader::Obstacle(source, obstacle) => {
                let report = &mut self.reports[source];
                report.counts.lines += 1;
                report.counts.rejected_lines += 1;
                report.rejects += 1;
                let (kind, reason) = obstacle.kind.describe(self.options.line_bytes_max);
                let context = LineContext {
                    source: &report.name,
                    line: i64::try_from(obstacle.line).unwrap_or(i64::MAX),
                    byte_offset: obstacle.byte_offset,
                    bytes: 0,
                    text: &obstacle.excerpt,
                };
                let mut reject = reject(&context, kind, reason);
                if let Some(redactor) = &self.options.redactor {
                    let masked = redactor.redact_counted(&reject.excerpt, &mut self.redacted).into_owned();
                    reject.excerpt = masked;
                }
                self.rejects.push(reject);
                self.options.progress.rejects.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(None)
    }
}
