//! What is counted of all traces of a dataset, in memory: few numbers a trace, and its tool and error spans as counts of groups.
//!
//! An overview counts the same things again and again, for all traces or some of them. Here it finds them without reading a file.

mod build;
mod sample;

use std::collections::HashMap;

use halo_protocol::{Count, DatasetSummary, OutcomeCounts};

pub(crate) use build::build;

/// Texts, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Names {
    index: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
}

impl Names {
    /// The number of a text, which is added when it is new.
    fn intern(&mut self, name: &str) -> u32 {
        if let Some(known) = self.index.get(name) {
            return *known;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.index.insert(name.into(), number);
        self.names.push(name.into());
        number
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// The text of a number.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }

    fn len(&self) -> usize {
        self.names.len()
    }
}

/// Numbers of a trace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// Nanoseconds since 1970.
    pub(crate) start: Option<i64>,
    /// The same of its end, or of its start where it never ended.
    pub(crate) end: Option<i64>,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) spans: u64,
    pub(crate) llm_calls: u64,
    pub(crate) tool_calls: u64,
    pub(crate) error_spans: u64,
    pub(crate) failed_tool_calls: u64,
    pub(crate) missing_parents: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) has_errors: bool,
    /// Number of its outcome.
    outcome: u32,
}

/// Values of a list column of all traces, as numbers.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    names: Names,
    ends: Vec<u32>,
    values: Vec<u32>,
}

impl Lists {
    fn push<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        for value in values {
            let value = self.names.intern(value);
            self.values.push(value);
        }
        self.ends.push(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
    }

    fn of(&self, trace: u32) -> &[u32] {
        let at = trace as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.values[start as usize..self.ends[at] as usize]
    }

    /// How many of these traces have each value, most first.
    fn count(&self, traces: &[u32], most: usize) -> Vec<Count> {
        let mut counts = vec![0_u64; self.names.len()];
        traces.iter().flat_map(|trace| self.of(*trace)).for_each(|value| counts[*value as usize] += 1);
        let named = counts.iter().zip(&self.names.names).filter(|(traces, _)| **traces > 0);
        let mut counts: Vec<Count> =
            named.map(|(traces, value)| Count { value: value.to_string(), traces: *traces }).collect();
        counts.sort_by(|a, b| b.traces.cmp(&a.traces).then_with(|| a.value.cmp(&b.value)));
        counts.truncate(most);
        counts
    }
}

/// Spans that are counted together: all of one type, tool or name, status, cause and sign of failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) span_type: String,
    /// The tool, else the name of the span.
    pub(crate) step: String,
    pub(crate) is_error: bool,
    /// Why, of an error.
    pub(crate) cause: Option<String>,
    /// What the result of a tool says went wrong.
    pub(crate) failure: Option<String>,
}

impl Group {
    /// Whether its spans are failed tool calls.
    pub(crate) fn failed(&self) -> bool {
        self.span_type == "TOOL" && (self.is_error || self.failure.is_some())
    }
}

/// An attribute with one value in the whole trace.
#[derive(Debug, Default)]
struct Attribute {
    /// Its values; no more of them are told apart once there are too many.
    values: Names,
    has_many: bool,
}

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct Census {
    ids: Names,
    /// A hash of each id.
    chances: Vec<u64>,
    traces: Vec<Trace>,
    outcomes: Names,
    services: Lists,
    agents: Lists,
    models: Lists,
    tools: Lists,
    keys: Names,
    attributes: Vec<Attribute>,
    /// Key and value of the attributes of each trace; the value is `u32::MAX` where the key has too many.
    attribute_ends: Vec<u32>,
    attribute_values: Vec<(u32, u32)>,
    groups: Vec<Group>,
    /// By trace: trace, group and how many spans.
    steps: Vec<(u32, u32, u32)>,
}

/// Values of an attribute that are told apart.
const VALUES_MAX: usize = 1000;

/// Values of a list in a summary.
const LISTED_MAX: usize = 20;

impl Census {
    /// All traces, by number.
    pub(crate) fn all(&self) -> Vec<u32> {
        (0..u32::try_from(self.traces.len()).unwrap_or(u32::MAX)).collect()
    }

    /// The traces of these ids.
    pub(crate) fn with_ids<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let mut traces: Vec<u32> = ids.filter_map(|id| self.ids.find(id)).collect();
        traces.sort_unstable();
        traces
    }

    /// Id of a trace.
    pub(crate) fn id(&self, trace: u32) -> &str {
        self.ids.name(trace)
    }

    /// Numbers of some traces.
    pub(crate) fn facts<'a>(&'a self, traces: &'a [u32]) -> impl Iterator<Item = &'a Trace> {
        traces.iter().filter_map(|trace| self.traces.get(*trace as usize))
    }

    /// Numbers of a trace.
    pub(crate) fn trace(&self, trace: u32) -> &Trace {
        &self.traces[trace as usize]
    }

    /// How the root says that a trace ended: success, failure or unknown.
    pub(crate) fn outcome(&self, trace: u32) -> &str {
        self.outcomes.name(self.trace(trace).outcome)
    }

    fn outcome_counts(&self, traces: &[u32]) -> OutcomeCounts {
        let mut counts = OutcomeCounts::default();
        for trace in traces {
            match self.outcome(*trace) {
                "success" => counts.success += 1,
                "failure" => counts.failure += 1,
                _ => counts.unknown += 1,
            }
        }
        counts
    }

    /// What some traces hold.
    pub(crate) fn summary(&self, traces: &[u32]) -> DatasetSummary {
        let sum = |of: fn(&Trace) -> u64| self.facts(traces).map(of).sum();
        let time = |time: Option<i64>| time.map(crate::cell::time_text);
        DatasetSummary {
            traces: traces.len() as u64,
            spans: sum(|trace| trace.spans),
            llm_spans: sum(|trace| trace.llm_calls),
            tool_spans: sum(|trace| trace.tool_calls),
            error_spans: sum(|trace| trace.error_spans),
            error_traces: sum(|trace| u64::from(trace.has_errors)),
            input_tokens: sum(|trace| trace.input_tokens),
            output_tokens: sum(|trace| trace.output_tokens),
            outcomes: self.outcome_counts(traces),
            first_time: time(self.facts(traces).filter_map(|trace| trace.start).min()),
            last_time: time(self.facts(traces).filter_map(|trace| trace.end).max()),
            services: self.services.count(traces, LISTED_MAX),
            agents: self.agents.count(traces, LISTED_MAX),
            models: self.models.count(traces, LISTED_MAX),
            tools: self.tools.count(traces, LISTED_MAX),
        }
    }

    /// The tool and error spans of some traces by what `key` makes of their groups; where it gives `None` they are left out. Most traces first.
    pub(crate) fn tally<'c, K: Ord + std::hash::Hash>(
        &'c self,
        traces: &[u32],
        key: impl Fn(&'c Group) -> Option<K>,
    ) -> Vec<(K, Tally)> {
        // Groups of one key are counted together, by number.
        let mut numbers: HashMap<K, usize> = HashMap::new();
        let of_group: Vec<Option<usize>> = self
            .groups
            .iter()
            .map(|group| {
                let key = key(group)?;
                let next = numbers.len();
                Some(*numbers.entry(key).or_insert(next))
            })
            .collect();
        let mut tallies = vec![Tally::default(); numbers.len()];
        let mut wanted = vec![false; self.traces.len()];
        traces.iter().for_each(|trace| wanted[*trace as usize] = true);
        for (trace, group, count) in &self.steps {
            if let Some(number) = of_group[*group as usize].filter(|_| wanted[*trace as usize]) {
                let chance = self.chances[*trace as usize];
                tallies[number].add(*trace, chance, u64::from(*count), self.groups[*group as usize].failed());
            }
        }
        let mut told: Vec<(K, Tally)> = numbers
            .into_iter()
            .map(|(key, number)| (key, std::mem::take(&mut tallies[number])))
            .filter(|(_, tally)| tally.spans > 0)
            .collect();
        told.sort_by(|(a, one), (b, other)| {
            (other.traces, other.spans).cmp(&(one.traces, one.spans)).then_with(|| a.cmp(b))
        });
        told
    }

    /// Attributes with few values in some traces: key, and how many traces have each value, most first.
    pub(crate) fn attributes(&self, traces: &[u32], values_max: usize) -> Vec<(&str, Vec<Count>)> {
        let mut counts: Vec<Vec<u64>> =
            self.attributes.iter().map(|attribute| vec![0; attribute.values.len()]).collect();
        let mut has_many: Vec<bool> = self.attributes.iter().map(|attribute| attribute.has_many).collect();
        for trace in traces {
            for (key, value) in self.attributes_of(*trace) {
                match counts[*key as usize].get_mut(*value as usize) {
                    Some(count) => *count += 1,
                    None => has_many[*key as usize] = true,
                }
            }
        }
        let mut told = Vec::new();
        for (key, counts) in counts.iter().enumerate().filter(|(key, _)| !has_many[*key]) {
            let named = counts.iter().zip(&self.attributes[key].values.names).filter(|(traces, _)| **traces > 0);
            let mut counts: Vec<Count> =
                named.map(|(traces, value)| Count { value: value.to_string(), traces: *traces }).collect();
            if counts.is_empty() || counts.len() > values_max {
                continue;
            }
            counts.sort_by(|a, b| b.traces.cmp(&a.traces).then_with(|| a.value.cmp(&b.value)));
            told.push((&*self.keys.names[key], counts));
        }
        told
    }

    fn attributes_of(&self, trace: u32) -> &[(u32, u32)] {
        let at = trace as usize;
        let start = if at == 0 { 0 } else { self.attribute_ends[at - 1] };
        &self.attribute_values[start as usize..self.attribute_ends[at] as usize]
    }

    /// Bytes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let ids: usize = self.ids.names.iter().map(|id| 2 * id.len() + 64).sum();
        ids + self.traces.len() * (size_of::<Trace>() + 64)
            + self.attribute_values.len() * size_of::<(u32, u32)>()
            + self.steps.len() * size_of::<(u32, u32, u32)>()
    }
}

/// Spans that were counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    /// Those of the spans that are failed tool calls.
    pub(crate) failed: u64,
    /// One of the traces, by chance, but the same each time.
    pub(crate) example: u32,
    last: Option<u32>,
    chance: u64,
}

impl Tally {
    fn add(&mut self, trace: u32, chance: u64, spans: u64, failed: bool) {
        self.spans += spans;
        self.failed += if failed { spans } else { 0 };
        // Steps are by trace.
        if self.last.replace(trace) != Some(trace) {
            self.traces += 1;
            if self.traces == 1 || chance < self.chance {
                (self.example, self.chance) = (trace, chance);
            }
        }
    }
}
