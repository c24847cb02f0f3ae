//! Scope: the attribute values that the affected traces concentrate in. "Only release 2.14.0 on model X" leads to the fix.
//!
//! Every value of every attribute is tried with Fisher's exact test, corrected for how many were tried. Values that say the same as a
//! stronger one, or only follow from it, are left out: when a release is the cause, the service and the region it runs in are not.

mod narrow;

use halo_protocol::ScopeEntry;

pub(crate) use self::narrow::{Group, groups};

use crate::statistics::{as_f64, fisher_exact};
use crate::trace_index::{TraceIndex, TraceSet};

/// Most entries of a scope.
const ENTRIES_MAX: usize = 4;
/// Entries must be at least this unlikely to be chance, after correction.
const P_VALUE_MAX: f64 = 0.01;
/// Entries must have at least this rate, relative to the population's.
const LIFT_MIN: f64 = 1.3;
/// Entries must hold at least this share of the affected traces: a value that explains less tells little.
const SHARE_MIN: f64 = 0.2;
/// Key of the change point in time.
pub(crate) const START_DATE: &str = "start_date";
/// Key of the services of a trace.
const SERVICE_NAME: &str = "service_name";

/// A value that was tried.
struct Candidate {
    entry: ScopeEntry,
    traces: TraceSet,
}

/// Finds where the affected traces concentrate, the strongest first. Keys in `not` are passed over: a finding about one tool is
/// found in the traces that use the tool, which tells nothing.
///
/// Where the population tells nothing, because it is a narrow one such as the runs that call one tool, all traces are compared: a tool
/// that only one tenant uses is that tenant's fault to know of.
pub(crate) fn find_scope(
    index: &TraceIndex,
    affected: &TraceSet,
    population: &TraceSet,
    not: &[&str],
) -> Vec<ScopeEntry> {
    let within = scope_within(index, affected, population, not);
    if !within.is_empty() || population.len() >= index.all().len() {
        return within;
    }
    let all = index.all();
    // What is true of the whole population as much as of the affected ones is who calls the tool, not the fault, unless nearly all are hit.
    if affected.len() * 2 < population.len() {
        within
    } else {
        scope_within(index, affected, &all, &[not, &["tool_name"]].concat())
    }
}

fn scope_within(index: &TraceIndex, affected: &TraceSet, population: &TraceSet, not: &[&str]) -> Vec<ScopeEntry> {
    if affected.len() < 2 || affected.len() >= population.len() {
        return Vec::new();
    }
    let mut tried = 0_u64;
    let mut candidates = Vec::new();
    for value in index.values().iter().filter(|value| !is_one_of(&value.key, not)) {
        let size = population.count_of(&value.traces);
        if size < 2 || size >= population.len() {
            continue;
        }
        tried += 1;
        let hits = affected.count_of(&value.traces);
        if let Some(entry) = strong(&value.key, &value.value, [hits, size, affected.len(), population.len()]) {
            candidates.push(Candidate { entry, traces: index.set_of(&value.traces) });
        }
    }
    let (cuts, change) = change_point(index, affected, population);
    tried += cuts;
    candidates.extend(change);
    for candidate in &mut candidates {
        candidate.entry.p_value = (candidate.entry.p_value * as_f64(tried)).min(1.0);
    }
    candidates.retain(|candidate| candidate.entry.p_value < P_VALUE_MAX);
    candidates.sort_by(|a, b| order(&a.entry).partial_cmp(&order(&b.entry)).unwrap_or(std::cmp::Ordering::Equal));
    choose(candidates, affected, population)
}

/// Whether a key is one of these, or an attribute of that name in some family: `sdk.data.agent_name` is an `agent_name`.
fn is_one_of(key: &str, names: &[&str]) -> bool {
    names.iter().any(|name| key.strip_suffix(name).is_some_and(|family| family.is_empty() || family.ends_with('.')))
}

/// The traces that an entry is about.
fn index_set(index: &TraceIndex, entry: &ScopeEntry) -> TraceSet {
    if entry.key == START_DATE {
        let first = entry.value.trim_start_matches("from ").trim_end_matches(" on");
        return index.all().filtered(|number| index.day(number) >= first);
    }
    let value = index.values().iter().find(|value| value.key == entry.key && value.value == entry.value);
    value.map_or_else(|| index.none(), |value| index.set_of(&value.traces))
}

/// The entry of a value whose counts stand out, its p-value not corrected yet.
fn strong(key: &str, value: &str, [hits, size, hits_total, total]: [u64; 4]) -> Option<ScopeEntry> {
    if hits < 2 || as_f64(hits) < SHARE_MIN * as_f64(hits_total) {
        return None;
    }
    Some(entry(key, value, [hits, size, hits_total, total])).filter(|entry| entry.lift >= LIFT_MIN)
}

fn entry(key: &str, value: &str, [hits, size, hits_total, total]: [u64; 4]) -> ScopeEntry {
    ScopeEntry {
        key: key.to_owned(),
        value: value.to_owned(),
        affected: hits,
        population: size,
        among: total,
        lift: (as_f64(hits) / as_f64(size)) / (as_f64(hits_total) / as_f64(total)),
        p_value: fisher_exact(hits, size, hits_total, total),
    }
}

/// Tools last, then the strongest first; of equals, the key that tells most, then by name so that the order never changes.
fn order(entry: &ScopeEntry) -> (bool, f64, f64, u8, usize, &str, &str) {
    let dullness = dullness(&entry.key);
    (dullness == TOOL, entry.p_value, -entry.lift, dullness, entry.key.len(), &entry.key, &entry.value)
}

/// Dullness of tools: the tool that a fault shows at is most often part of the fault, and not what tells one run from another.
const TOOL: u8 = 6;

/// How little a key leads to a fix: a release can be rolled back, a model pinned, a date looked up in the log.
fn dullness(key: &str) -> u8 {
    let key = key.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| key.contains(word));
    if has(&["version", "release", "revision", "commit", "build"]) {
        0
    } else if has(&["model", "prompt", "variant", "experiment", "feature", "flag"]) {
        1
    } else if has(&["tenant", "customer"]) {
        2
    } else if has(&["region", "locale", "language", "channel", "plan"]) {
        3
    } else if key == START_DATE {
        4
    } else if has(&["tool"]) {
        TOOL
    } else {
        5
    }
}

/// The day from which on it happens: the best cut between two days, when it never or hardly happened before. Gives also how many cuts
/// were tried.
fn change_point(index: &TraceIndex, affected: &TraceSet, population: &TraceSet) -> (u64, Option<Candidate>) {
    let mut days: std::collections::BTreeMap<&str, (u64, u64)> = std::collections::BTreeMap::new();
    for number in population.numbers() {
        let (hits, size) = days.entry(index.day(number)).or_default();
        *size += 1;
        *hits += u64::from(affected.contains(number));
    }
    days.remove("");
    let total: u64 = days.values().map(|(_, size)| size).sum();
    let hits_total: u64 = days.values().map(|(hits, _)| hits).sum();
    let (mut hits_before, mut size_before) = (0, 0);
    let mut best: Option<ScopeEntry> = None;
    for (day, (hits, size)) in &days {
        let (hits_after, size_after) = (hits_total - hits_before, total - size_before);
        let rare_before = as_f64(hits_before) * as_f64(size_after) <= 0.1 * as_f64(hits_after) * as_f64(size_before);
        if size_before > 0 && rare_before {
            let entry = strong(START_DATE, &format!("from {day} on"), [hits_after, size_after, hits_total, total]);
            if let Some(entry) = entry
                && best.as_ref().is_none_or(|best| entry.p_value < best.p_value)
            {
                best = Some(entry);
            }
        }
        hits_before += hits;
        size_before += size;
    }
    let cuts = (days.len() as u64).saturating_sub(1);
    let candidate = best.map(|entry| {
        let first = entry.value.trim_start_matches("from ").trim_end_matches(" on").to_owned();
        let traces = population.filtered(|number| index.day(number) >= first.as_str());
        Candidate { entry, traces }
    });
    (cuts, candidate)
}

/// Takes the strongest, and of the others those that still say something where the taken ones hold, or where none of them does.
fn choose(candidates: Vec<Candidate>, affected: &TraceSet, population: &TraceSet) -> Vec<ScopeEntry> {
    let mut taken: Vec<Candidate> = Vec::new();
    let mut within = population.clone();
    let mut outside = population.clone();
    for candidate in candidates {
        if taken.len() >= ENTRIES_MAX {
            break;
        }
        if let Some(same) = taken.iter_mut().find(|same| same_split(same, &candidate, population)) {
            if dullness(&candidate.entry.key) < dullness(&same.entry.key) {
                *same = candidate;
            }
            continue;
        }
        if taken.is_empty() || still_strong(&within, affected, &candidate) {
            within = within.both(&candidate.traces);
        } else if !still_strong(&outside, affected, &candidate) {
            continue;
        }
        outside = outside.filtered(|number| !candidate.traces.contains(number));
        taken.push(candidate);
    }
    taken.into_iter().map(|candidate| candidate.entry).collect()
}

/// Whether two values are held by the same traces, give or take one in twenty.
fn same_split(a: &Candidate, b: &Candidate, population: &TraceSet) -> bool {
    let both = population.both(&a.traces).overlap(&b.traces);
    both * 20 >= (a.entry.population + b.entry.population - both) * 19
}

/// Whether a value still stands out among some of the traces.
fn still_strong(among: &TraceSet, affected: &TraceSet, candidate: &Candidate) -> bool {
    let held = among.both(&candidate.traces);
    let (hits, size) = (held.overlap(affected), held.len());
    let hits_total = among.overlap(affected);
    if hits < 2 || size >= among.len() {
        return false;
    }
    let lift = (as_f64(hits) / as_f64(size)) / (as_f64(hits_total) / as_f64(among.len()));
    lift >= 1.15 && fisher_exact(hits, size, hits_total, among.len()) < P_VALUE_MAX
}

#[cfg(test)]
mod tests;
