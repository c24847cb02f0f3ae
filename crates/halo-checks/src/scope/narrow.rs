//! Where a symptom is a fault: what happens everywhere at times counts only in the group of runs that has it far more often than others of its
//! service. Services differ by nature, so each is compared with itself.

use std::collections::BTreeMap;

use halo_protocol::ScopeEntry;

use super::{SERVICE_NAME, START_DATE, entry, index_set, scope_within};
use crate::sql;
use crate::statistics::as_f64;
use crate::trace_index::{TraceIndex, TraceSet};

/// A group must have it at least so many times as often as the others of its service, and by no chance.
const RISK_RATIO_MIN: f64 = 3.0;
const P_VALUE_MAX: f64 = 0.001;
/// Share of the affected traces, in tenths, that a group over all services must hold to be the only one.
const WHOLE_TENTHS: u64 = 7;
/// Groups of one service.
const GROUPS_MAX: usize = 2;

/// A group of traces in which a symptom is far more frequent.
pub(crate) struct Group {
    /// The service it is of; `None` when it is of several.
    service: Option<String>,
    /// What the group has in common, the strongest first.
    pub(crate) scope: Vec<ScopeEntry>,
    /// All traces of the group, with the symptom and without.
    pub(crate) traces: TraceSet,
}

impl Group {
    /// The condition on `traces` that a trace is of the group.
    pub(crate) fn condition(&self) -> String {
        self.scope.iter().map(condition).collect::<Vec<_>>().join(" AND ")
    }

    /// What kind of cause it points to: two releases of one service, or two locales, are alternatives of one.
    pub(crate) fn kind(&self) -> (Option<&str>, Option<&str>) {
        (self.service.as_deref(), self.scope.first().map(|entry| entry.key.as_str()))
    }

    /// What tells this group from others of the same check, in every dataset: what it was found by, and not what else its traces happen to have
    /// in common in this one.
    pub(crate) fn key(&self) -> String {
        let first = self.scope.first().map(|entry| format!("{}={}", entry.key, entry.value));
        let service = self.service.as_ref().map(|service| format!("{SERVICE_NAME}={service}"));
        first.into_iter().chain(service).collect::<Vec<_>>().join("\u{1f}")
    }
}

/// The groups in which the affected traces of a population concentrate, in each service by itself, and then over all services in what is left.
/// A group holds at least `hits_min` affected traces.
pub(crate) fn groups(
    index: &TraceIndex,
    affected: &TraceSet,
    population: &TraceSet,
    (not, hits_min): (&[&str], u64),
) -> Vec<Group> {
    let mut services: BTreeMap<&str, TraceSet> = BTreeMap::new();
    for value in index.values().iter().filter(|value| value.key == SERVICE_NAME) {
        services.insert(&value.value, index.set_of(&value.traces));
    }
    let across = [not, &[SERVICE_NAME, "agent_name", "service.name", "project_id"]].concat();
    let of_all = group(index, affected, population, &across)
        .filter(|group| services.len() < 2 || is_of_several(group, affected, population, &services));
    // One cause in all services is one group.
    if let Some(group) = of_all.filter(|group| group.hits(affected) * 10 >= affected.len() * WHOLE_TENTHS) {
        return vec![group];
    }
    let mut found = Vec::new();
    let mut left = affected.clone();
    for (service, of_service) in &services {
        let compared = population.both(of_service);
        for _ in 0..GROUPS_MAX {
            let hits = left.both(of_service);
            let Some(mut group) = group(index, &hits, &compared, not).filter(|group| group.hits(&hits) >= hits_min)
            else {
                break;
            };
            // Whatever else has to meet with it: what is left of a group is no second group.
            let of_first = group.scope.first().map_or_else(|| index.none(), |entry| index_set(index, entry));
            left = left.filtered(|number| !of_first.contains(number) || !of_service.contains(number));
            group.service = Some((*service).to_owned());
            let of_group = hits.both(&group.traces);
            group.scope.iter_mut().for_each(|entry| entry.affected = of_group.len());
            group.scope.extend(service_entry(service, &of_group, &compared, (affected, population)));
            found.push(group);
        }
    }
    let group = group(index, &left, population, &across).filter(|group| group.hits(&left) >= hits_min);
    found.extend(group.filter(|group| services.len() < 2 || is_of_several(group, &left, population, &services)));
    found
}

impl Group {
    fn hits(&self, affected: &TraceSet) -> u64 {
        affected.overlap(&self.traces)
    }
}

/// The strongest group, and what else its affected traces have in common.
fn group(index: &TraceIndex, affected: &TraceSet, population: &TraceSet, not: &[&str]) -> Option<Group> {
    let telling = |affected: &TraceSet, population: &TraceSet| {
        let entries = scope_within(index, affected, population, not);
        entries.into_iter().find(|entry| is_telling(entry, affected.overlap(population)))
    };
    let entry = telling(affected, population)?;
    let mut traces = population.both(&index_set(index, &entry));
    let mut scope = vec![entry];
    // Two causes that must meet.
    if let Some(second) = telling(&affected.both(&traces), &traces) {
        traces = traces.both(&index_set(index, &second));
        scope.push(second);
    }
    Some(Group { service: None, scope, traces })
}

fn is_telling(entry: &ScopeEntry, affected: u64) -> bool {
    let rate = |hits: u64, size: u64| as_f64(hits) / as_f64(size.max(1));
    let inside = rate(entry.affected, entry.population);
    let outside = rate(affected.saturating_sub(entry.affected), entry.among.saturating_sub(entry.population));
    entry.p_value < P_VALUE_MAX && inside >= RISK_RATIO_MIN * outside
}

/// Whether a group that is no service's own is more frequent in at least two services: a value that only one of them has tells nothing that the
/// service itself does not.
fn is_of_several(
    group: &Group,
    affected: &TraceSet,
    population: &TraceSet,
    services: &BTreeMap<&str, TraceSet>,
) -> bool {
    let holds = services.values().filter(|of_service| {
        let of_group = of_service.both(&group.traces);
        let (hits, size) = (affected.overlap(&of_group), population.overlap(&of_group));
        let (hits_total, total) = (affected.overlap(of_service), population.overlap(of_service));
        let (others, rest) = (hits_total - hits, total - size);
        hits >= 2 && as_f64(hits) * as_f64(rest.max(1)) >= RISK_RATIO_MIN * as_f64(others) * as_f64(size)
    });
    holds.count() >= 2
}

/// That a group is of one service, where there are others.
fn service_entry(
    service: &str,
    hits: &TraceSet,
    compared: &TraceSet,
    (affected, population): (&TraceSet, &TraceSet),
) -> Option<ScopeEntry> {
    let counts = [hits.len(), compared.len(), affected.len(), population.len()];
    (compared.len() < population.len()).then(|| entry(SERVICE_NAME, service, counts))
}

/// The condition on `traces` that a trace has a value.
fn condition(entry: &ScopeEntry) -> String {
    let value = sql::literal(&entry.value);
    match entry.key.as_str() {
        "model" => format!("array_has(models, {value})"),
        "agent_name" => format!("array_has(agent_names, {value})"),
        SERVICE_NAME => format!("array_has(service_names, {value})"),
        "tool_name" => format!("array_has(tool_names, {value})"),
        "project_id" => format!("project_id = {value}"),
        START_DATE => {
            let day = entry.value.trim_start_matches("from ").trim_end_matches(" on");
            format!("start_time >= CAST({} AS TIMESTAMP)", sql::literal(day))
        }
        // Plain keys are the cheaper way; a path leads into JSON, too.
        key => format!("coalesce(attributes->>{key}, json_at(attributes, {key})) = {value}", key = sql::literal(key)),
    }
}
