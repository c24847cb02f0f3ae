//! Looking at every row of a dataset without the engine: segment after segment and several at a time, in the order of the files, and
//! counting traces on the way without a set of them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use halo_dataset::{Dataset, DatasetError, read_columns};

use crate::content::failed;
use crate::outcomes::Outcomes;

/// What a scan may take, and whether it is still wanted.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) threads: usize,
    pub(crate) pool: Arc<dyn MemoryPool>,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Something that knows about how many bytes it holds.
pub(crate) trait Counted {
    /// Bytes in memory, about.
    fn bytes(&self) -> usize;
}

impl Work {
    /// Memory to count what a scan holds against.
    pub(crate) fn reservation(&self) -> MemoryReservation {
        MemoryConsumer::new(self.name).register(&self.pool)
    }

    /// Visits the rows of all segments, those of one segment in order. Each thread collects for itself; which segments it gets depends on
    /// nothing but the number of threads.
    pub(crate) fn segments<C: Counted + Default + Send>(
        &self,
        count: usize,
        visit: impl Fn(&mut C, usize, &mut Watch<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<C>> {
        let threads = self.threads.clamp(1, count.max(1));
        let one = |first: usize| -> Result<C> {
            let mut watch = Watch { stop: &self.stop, reservation: self.reservation() };
            let mut collected = C::default();
            for segment in (first..count).step_by(threads) {
                visit(&mut collected, segment, &mut watch)?;
            }
            Ok(collected)
        };
        if threads == 1 {
            return Ok(vec![one(0)?]);
        }
        std::thread::scope(|scope| {
            let one = &one;
            let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || one(first))).collect();
            let broken = |_| DataFusionError::Internal("a thread that reads the dataset broke".to_owned());
            workers.into_iter().map(|worker| worker.join().map_err(broken)?).collect()
        })
    }
}

/// Ends a scan that is not wanted any more, or holds too much.
pub(crate) struct Watch<'w> {
    stop: &'w AtomicBool,
    reservation: MemoryReservation,
}

impl Watch<'_> {
    /// To be called now and then.
    pub(crate) fn goes_on(&mut self, held: &impl Counted) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(DataFusionError::Execution("the scan is not wanted any more".to_owned()));
        }
        self.reservation.try_resize(held.bytes())
    }
}

/// Some columns of the rows of a file. A column that is missing or of another type has no values.
pub(crate) struct Rows(RecordBatch);

impl Rows {
    /// The rows of a file, some at a time.
    pub(crate) fn of(file: &Path, columns: &[&str]) -> Result<impl Iterator<Item = Result<Self>> + use<>> {
        let batches = read_columns(file, columns).map_err(failed)?;
        Ok(batches.map(|batch| batch.map(Self).map_err(failed)))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.num_rows()
    }

    pub(crate) fn column(&self, name: &str) -> Result<&ArrayRef> {
        let missing = || DataFusionError::Internal(format!("the stored column {name} is missing"));
        self.0.column_by_name(name).ok_or_else(missing)
    }

    pub(crate) fn texts(&self, name: &str) -> Result<&StringViewArray> {
        self.column(name)?.as_string_view_opt().ok_or_else(|| wrong(name))
    }

    pub(crate) fn ints(&self, name: &str) -> Result<&Int64Array> {
        self.column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(name))
    }

    pub(crate) fn times(&self, name: &str) -> Result<&arrow::array::TimestampNanosecondArray> {
        self.column(name)?.as_primitive_opt::<TimestampNanosecondType>().ok_or_else(|| wrong(name))
    }

    pub(crate) fn lists(&self, name: &str) -> Result<&ListArray> {
        self.column(name)?.as_list_opt::<i32>().ok_or_else(|| wrong(name))
    }
}

fn wrong(name: &str) -> DataFusionError {
    failed(DatasetError::Damaged { path: name.into(), reason: "a column has the wrong type".to_owned() })
}

/// The value of a row, `None` for a null.
pub(crate) fn text(texts: &StringViewArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// What a scan needs to know of the traces: which are wanted, which failed, and which stand in several segments.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// `None` when all are.
    wanted: Option<HashSet<String>>,
    failed: HashSet<String>,
    straddling: HashMap<String, u32>,
}

impl Traces {
    /// Reads it from the roll-ups. `wanted` is `None` for all traces; `given` outcomes stand before those that the roll-ups tell.
    pub(crate) fn read(dataset: &Dataset, wanted: Option<HashSet<String>>, given: Option<&Outcomes>) -> Result<Self> {
        let mut traces = Self { wanted, ..Self::default() };
        if let Some(file) = dataset.straddle_trace_file() {
            for rows in Rows::of(&file, &["trace_id"])? {
                for trace_id in rows?.texts("trace_id")?.iter().flatten() {
                    let number = u32::try_from(traces.straddling.len()).unwrap_or(u32::MAX);
                    traces.straddling.entry(trace_id.to_owned()).or_insert(number);
                }
            }
        }
        let parts = dataset.trace_files();
        for (is_part, file) in
            parts.iter().map(|file| (true, file)).chain(dataset.straddle_trace_file().iter().map(|file| (false, file)))
        {
            for rows in Rows::of(file, &["trace_id", "outcome", "failed_tool_calls"])? {
                traces.note_failed(&rows?, is_part, given)?;
            }
        }
        Ok(traces)
    }

    /// Of traces that stand in several segments, the row of a segment is partial and tells nothing.
    fn note_failed(&mut self, rows: &Rows, is_part: bool, given: Option<&Outcomes>) -> Result<()> {
        let (ids, outcomes) = (rows.texts("trace_id")?, rows.texts("outcome")?);
        let calls = rows.ints("failed_tool_calls")?;
        for row in 0..rows.count() {
            let told = text(ids, row).and_then(|id| given?.get(id).copied()).or(text(outcomes, row));
            let has_failed = told == Some("failure") || calls.is_valid(row) && calls.value(row) > 0;
            if let Some(id) = text(ids, row).filter(|id| has_failed && !(is_part && self.straddles(id))) {
                self.failed.insert(id.to_owned());
            }
        }
        Ok(())
    }

    /// Whether a trace stands in several segments.
    pub(crate) fn straddles(&self, trace_id: &str) -> bool {
        self.straddling.contains_key(trace_id)
    }
}

impl Counted for Traces {
    fn bytes(&self) -> usize {
        let ids = self.failed.len() + self.straddling.len() + self.wanted.as_ref().map_or(0, HashSet::len);
        ids * 96
    }
}

/// A trace, as far as counting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    /// Its number among those that one thread saw, from 1.
    number: u32,
    has_failed: bool,
    /// Its number among those that stand in several segments.
    straddling: Option<u32>,
}

/// Tells the trace of each row. The rows of a trace stand together in a segment.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    last_id: String,
    last: Option<Trace>,
    number: u32,
}

impl Runs {
    /// The trace of the next row; `None` when it is not wanted.
    pub(crate) fn trace(&mut self, traces: &Traces, trace_id: &str) -> Option<Trace> {
        if self.number == 0 || self.last_id != trace_id {
            trace_id.clone_into(&mut self.last_id);
            self.number += 1;
            let is_wanted = traces.wanted.as_ref().is_none_or(|wanted| wanted.contains(trace_id));
            self.last = is_wanted.then(|| Trace {
                number: self.number,
                has_failed: traces.failed.contains(trace_id),
                straddling: traces.straddling.get(trace_id).copied(),
            });
        }
        self.last
    }
}

/// Spans of one trace that have something in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carrier {
    pub(crate) trace: Trace,
    pub(crate) spans: u64,
    /// Starts of the first and of the last one.
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
}

impl Carrier {
    pub(crate) fn one(trace: Trace, start: Option<i64>) -> Self {
        Self { trace, spans: 1, first: start, last: start }
    }

    /// Takes in a span of the same trace.
    pub(crate) fn widen(&mut self, start: Option<i64>) {
        self.spans += 1;
        self.first = earlier(self.first, start);
        self.last = self.last.max(start);
    }
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}

/// How often something occurs. Traces are counted as they come, one after another; those that come in several segments are noted, so that
/// each counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    /// Those of the traces whose outcome is a failure, or in which a tool call failed.
    pub(crate) failed_traces: u64,
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    last_trace: u32,
    straddling: Vec<(u32, bool)>,
}

impl Tally {
    /// What an engine counted: spans, traces and failed ones.
    pub(crate) fn told([spans, traces, failed_traces]: [u64; 3], first: Option<i64>, last: Option<i64>) -> Self {
        Self { spans, traces, failed_traces, first, last, ..Self::default() }
    }

    pub(crate) fn add(&mut self, carrier: &Carrier) {
        self.spans += carrier.spans;
        self.first = earlier(self.first, carrier.first);
        self.last = self.last.max(carrier.last);
        if self.last_trace == carrier.trace.number {
            return;
        }
        self.last_trace = carrier.trace.number;
        match carrier.trace.straddling {
            Some(number) => self.straddling.push((number, carrier.trace.has_failed)),
            None => {
                self.traces += 1;
                self.failed_traces += u64::from(carrier.trace.has_failed);
            }
        }
    }

    /// Takes in what another thread counted, or what turned out to be the same.
    pub(crate) fn merge(&mut self, other: Self) {
        self.spans += other.spans;
        self.traces += other.traces;
        self.failed_traces += other.failed_traces;
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
        self.straddling.extend(other.straddling);
    }

    /// Counts the traces that stand in several segments. To be called once, when all is merged.
    pub(crate) fn settle(&mut self) {
        let mut straddling = std::mem::take(&mut self.straddling);
        straddling.sort_unstable();
        straddling.dedup();
        self.traces += straddling.len() as u64;
        self.failed_traces += straddling.iter().filter(|(_, has_failed)| *has_failed).count() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_counts_once_wherever_its_spans_stand() {
        let traces = Traces {
            straddling: [("both".to_owned(), 0)].into(),
            failed: ["both".to_owned()].into(),
            wanted: Some(["one", "both"].map(str::to_owned).into()),
        };
        let count = |ids: &[&str]| {
            let (mut runs, mut tally) = (Runs::default(), Tally::default());
            for (start, id) in (1..).zip(ids) {
                if let Some(trace) = runs.trace(&traces, id) {
                    tally.add(&Carrier::one(trace, Some(start)));
                }
            }
            tally
        };
        let mut tally = count(&["both", "both", "one", "other"]);
        tally.merge(count(&["other", "both"]));
        tally.settle();
        assert_eq!((tally.spans, tally.traces, tally.failed_traces), (4, 2, 1));
        assert_eq!((tally.first, tally.last), (Some(1), Some(3)));
    }
}
