//! One look at all traces and spans for their attributes.

use std::collections::HashSet;

use arrow::array::Array;
use datafusion::common::Result;
use halo_dataset::holes::{members, whole};
use halo_dataset::{ContentStore, Dataset, Loaded, list};

use super::collect::{Gathered, Keys};
use super::{Of, Survey};
use crate::content::failed;
use crate::outcomes::Outcomes;
use crate::scan::{Carrier, Counted, Rows, Runs, Tally, Traces, Watch, Work, text};

/// What a thread collects of spans.
#[derive(Default)]
struct OfSpans {
    spans: Keys,
    resources: Keys,
    runs: Runs,
}

impl Counted for OfSpans {
    fn bytes(&self) -> usize {
        self.spans.bytes() + self.resources.bytes()
    }
}

/// What a thread collects of traces.
#[derive(Default)]
struct OfTraces {
    keys: Keys,
    all: Tally,
    runs: Runs,
}

impl Counted for OfTraces {
    fn bytes(&self) -> usize {
        self.keys.bytes()
    }
}

/// All attributes of some traces, of all when `wanted` is `None`.
pub(super) fn all(
    dataset: &Dataset,
    store: &ContentStore,
    (wanted, given): (Option<HashSet<String>>, Option<&Outcomes>),
    work: &Work,
) -> Result<Survey> {
    let traces = Traces::read(dataset, wanted, given)?;
    let held = work.reservation();
    held.try_resize(traces.bytes())?;
    let mut gathered = Gathered::default();
    roll_ups(dataset, &traces, work, &mut gathered)?;
    let files = dataset.span_files();
    let visit = |collected: &mut OfSpans, segment: usize, watch: &mut Watch<'_>| {
        for rows in
            Rows::of(&files[segment], &["trace_id", "start_time", "attributes", "resource_attributes", "texts"])?
        {
            spans(&rows?, &traces, store, collected)?;
            watch.goes_on(collected)?;
        }
        collected.spans.resolve(store)
    };
    for OfSpans { spans, resources, .. } in work.segments(files.len(), visit)? {
        spans.hand_on(Of::Span, &mut gathered);
        resources.hand_on(Of::Resource, &mut gathered);
    }
    Ok(gathered.settled())
}

/// Counts the attributes of rolled-up traces; of those that stand in several segments, those of the whole rows.
fn roll_ups(dataset: &Dataset, traces: &Traces, work: &Work, gathered: &mut Gathered) -> Result<()> {
    let mut files = dataset.trace_files();
    let parts = files.len();
    files.extend(dataset.straddle_trace_file());
    let visit = |collected: &mut OfTraces, file: usize, watch: &mut Watch<'_>| {
        for rows in Rows::of(&files[file], &["trace_id", "start_time", "span_count", "attributes"])? {
            let rows = rows?;
            let (ids, attributes) = (rows.texts("trace_id")?, rows.texts("attributes")?);
            let (starts, spans) = (rows.times("start_time")?, rows.ints("span_count")?);
            for row in 0..rows.count() {
                let Some((id, json)) = text(ids, row).zip(text(attributes, row)) else { continue };
                if file < parts && traces.straddles(id) {
                    continue;
                }
                let Some(trace) = collected.runs.trace(traces, id) else { continue };
                let start = starts.is_valid(row).then(|| starts.value(row));
                let count = if spans.is_valid(row) { u64::try_from(spans.value(row)).unwrap_or(0) } else { 0 };
                let carrier = Carrier { trace, spans: count, first: start, last: start };
                collected.all.add(&carrier);
                collected.keys.begin_row();
                members(json).for_each(|(name, value)| collected.keys.add(name, value, &[], &carrier));
            }
            watch.goes_on(collected)?;
        }
        Ok(())
    };
    for OfTraces { keys, all, .. } in work.segments(files.len(), visit)? {
        gathered.all.merge(all);
        keys.hand_on(Of::Trace, gathered);
    }
    Ok(())
}

/// Counts the attributes of some spans. Spans of a trace that follow each other and have the same resource are one carrier of it.
fn spans(rows: &Rows, traces: &Traces, store: &ContentStore, collected: &mut OfSpans) -> Result<()> {
    let (ids, starts) = (rows.texts("trace_id")?, rows.times("start_time")?);
    let (attributes, resources) = (rows.texts("attributes")?, rows.texts("resource_attributes")?);
    let lists = rows.lists("texts")?;
    let OfSpans { spans, resources: resource_keys, runs } = collected;
    let mut open: Option<(&str, Carrier)> = None;
    let mut close = |open: Option<(&str, Carrier)>| {
        if let Some((json, carrier)) = open {
            resource_keys.begin_row();
            members(json).for_each(|(name, value)| resource_keys.add(name, value, &[], &carrier));
        }
    };
    for row in 0..rows.count() {
        let Some(trace) = text(ids, row).and_then(|id| runs.trace(traces, id)) else { continue };
        let start = starts.is_valid(row).then(|| starts.value(row));
        let resource = text(resources, row).unwrap_or_default();
        match &mut open {
            Some((json, carrier)) if carrier.trace == trace && *json == resource => carrier.widen(start),
            _ => close(open.replace((resource, Carrier::one(trace, start)))),
        }
        let Some(json) = text(attributes, row) else { continue };
        let (texts, carrier) = (list(lists, row), Carrier::one(trace, start));
        spans.begin_row();
        let mut take = |json: &str| members(json).for_each(|(name, value)| spans.add(name, value, texts, &carrier));
        match whole(json).and_then(|number| texts.get(number)) {
            Some(id) => {
                let mut loaded = Loaded::default();
                store.load_texts([*id].into_iter(), &mut loaded).map_err(failed)?;
                take(loaded.text(*id));
            }
            None => take(json),
        }
    }
    close(open);
    Ok(())
}
