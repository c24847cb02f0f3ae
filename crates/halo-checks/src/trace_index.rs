//! All traces of a dataset by number, with the attribute values that may tell one group of them from another. Loaded once; every
//! count and every scope of a run works on these numbers.

use std::collections::HashMap;

use halo_query::{QueryLimits, TraceSession};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::CheckError;

/// Families of keys whose values come out of what happened in a run instead of going into it, or name one run: they can't be where a
/// fault comes from.
const NO_CAUSE: &[&str] = &[
    "error",
    "exception",
    "status",
    "outcome",
    "success",
    "duration",
    "latency",
    "elapsed",
    "timestamp",
    "time_unix",
    "token",
    "cost",
    "score",
    "reward",
    "annotation",
    "evaluation",
    "feedback",
    "rating",
    "verdict",
    "resolved",
    "blocked",
    "triggered",
    "entity.path",
    "input",
    "output",
    "response",
    "result",
    "trace_id",
    "trace.id",
    "span_id",
    "span.id",
    "session",
    "conversation",
    "request_id",
    "request.id",
    "message",
    "thread",
    "user.id",
    "user_id",
    "mime_type",
    "span.kind",
    "observation_kind",
    "schema_version",
    "step",
    "finish",
    "operation.name",
    "telemetry.",
];

/// Notes of a key after which it is known whether it has nearly a value for each trace.
const ID_NOTES: usize = 50_000;

/// The traces of a dataset and their attribute values.
pub(crate) struct TraceIndex {
    /// In order: a trace's number is its place.
    ids: Vec<String>,
    numbers: HashMap<Box<str>, u32>,
    /// Start day of each trace, as its place among the day names.
    days: Vec<u32>,
    /// Days as `YYYY-MM-DD`, empty where it is unknown.
    day_names: Vec<String>,
    /// Whether each trace passed, by number; `None` where it is not known.
    passed: Vec<Option<bool>>,
    values: Vec<TagValue>,
}

/// An attribute value and the traces that have it.
pub(crate) struct TagValue {
    pub(crate) key: String,
    pub(crate) value: String,
    /// Numbers of the traces, rising.
    pub(crate) traces: Vec<u32>,
}

impl TraceIndex {
    /// Reads the `traces` table, some rows at a time.
    pub(crate) async fn load(
        session: &TraceSession,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<Self, CheckError> {
        let limits = QueryLimits { bytes_max: usize::MAX, ..*limits };
        let mut rows = session.stream("SELECT trace_id FROM traces ORDER BY trace_id", &limits, cancel).await?;
        let mut ids: Vec<String> = Vec::new();
        while let Some(batch) = rows.next().await? {
            ids.extend(batch.texts(0).into_iter().flatten());
        }
        if rows.truncated() {
            return Err(CheckError::TooManyRows { rows_max: limits.rows_max });
        }
        ids.dedup();
        let mut builder = Builder::of(ids);
        let sql = "SELECT trace_id, attributes, models, agent_names, service_names, tool_names, project_id, outcome, \
                   CAST(CAST(start_time AS DATE) AS TEXT) AS day FROM traces";
        let mut rows = session.stream(sql, &limits, cancel).await?;
        while let Some(batch) = rows.next().await? {
            for row in batch.objects(rows.columns()) {
                builder.add(&row);
            }
        }
        Ok(builder.finish())
    }

    /// How many traces there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn id(&self, number: u32) -> &str {
        &self.ids[number as usize]
    }

    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    pub(crate) fn day(&self, number: u32) -> &str {
        &self.day_names[self.days[number as usize] as usize]
    }

    /// Whether a trace passed, where it is known.
    pub(crate) fn passed(&self, number: u32) -> Option<bool> {
        self.passed[number as usize]
    }

    pub(crate) fn values(&self) -> &[TagValue] {
        &self.values
    }

    /// All traces.
    pub(crate) fn all(&self) -> TraceSet {
        let mut all = self.none();
        all.marks.fill(u64::MAX);
        if let (Some(last), rest @ 1..) = (all.marks.last_mut(), self.len() % BITS) {
            *last = (1 << rest) - 1;
        }
        all.count = self.len() as u64;
        all
    }

    /// A set of traces by number.
    pub(crate) fn set_of(&self, numbers: &[u32]) -> TraceSet {
        let mut set = self.none();
        for number in numbers {
            set.insert(*number);
        }
        set
    }

    /// No traces yet.
    pub(crate) fn none(&self) -> TraceSet {
        TraceSet { marks: vec![0; self.len().div_ceil(BITS)], count: 0 }
    }

    /// A set of traces by id, and the ids that no trace has.
    pub(crate) fn set<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> (TraceSet, Vec<&'a str>) {
        let mut set = self.none();
        let mut unknown = Vec::new();
        for id in ids {
            match self.number(id) {
                Some(number) => set.insert(number),
                None => unknown.push(id),
            }
        }
        (set, unknown)
    }
}

/// A set of traces.
#[derive(Clone)]
pub(crate) struct TraceSet {
    /// A bit for each trace.
    marks: Vec<u64>,
    count: u64,
}

/// Bits of a word of marks.
const BITS: usize = u64::BITS as usize;

impl TraceSet {
    pub(crate) fn insert(&mut self, number: u32) {
        let (word, bit) = (number as usize / BITS, 1 << (number as usize % BITS));
        self.count += u64::from(self.marks[word] & bit == 0);
        self.marks[word] |= bit;
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.marks[number as usize / BITS] & (1 << (number as usize % BITS)) != 0
    }

    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Numbers of its traces, rising.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        let of_word = |(first, word): (u32, &u64)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(first + bit)
            })
        };
        (0..).step_by(BITS).zip(&self.marks).flat_map(of_word)
    }

    /// The traces that pass a test.
    pub(crate) fn filtered(&self, test: impl Fn(u32) -> bool) -> Self {
        let mut passing = Self { marks: vec![0; self.marks.len()], count: 0 };
        self.numbers().filter(|number| test(*number)).for_each(|number| passing.insert(number));
        passing
    }

    /// The traces that are in both.
    pub(crate) fn both(&self, other: &Self) -> Self {
        let marks: Vec<u64> = self.marks.iter().zip(&other.marks).map(|(one, other)| one & other).collect();
        Self { count: marks.iter().map(|word| u64::from(word.count_ones())).sum(), marks }
    }

    /// How many traces are in both.
    pub(crate) fn overlap(&self, other: &Self) -> u64 {
        self.marks.iter().zip(&other.marks).map(|(one, other)| u64::from((one & other).count_ones())).sum()
    }

    /// How many of these traces are in the set.
    pub(crate) fn count_of(&self, numbers: &[u32]) -> u64 {
        numbers.iter().filter(|number| self.contains(**number)).count() as u64
    }

    /// Bytes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.marks.as_slice())
    }
}

struct Builder {
    index: TraceIndex,
    day_of: HashMap<String, u32>,
    keys: HashMap<String, Key>,
}

/// What is known of a key so far.
#[derive(Default)]
struct Key {
    traces: HashMap<String, Vec<u32>>,
    notes: usize,
    is_ignored: bool,
}

impl Key {
    /// Keys with nearly a value for each trace are ids.
    fn is_id(&self) -> bool {
        self.traces.len() > 20 && self.traces.len() * 3 > self.notes
    }

    fn note(&mut self, value: &str, number: u32) {
        if self.is_ignored {
            return;
        }
        match self.traces.get_mut(value) {
            Some(traces) if traces.last() == Some(&number) => return,
            Some(traces) => traces.push(number),
            None => {
                self.traces.insert(value.to_owned(), vec![number]);
            }
        }
        self.notes += 1;
        if self.notes == ID_NOTES && self.is_id() {
            *self = Self { is_ignored: true, ..Self::default() };
        }
    }
}

impl Builder {
    /// Traces of these ids, which are in order and each there once.
    fn of(ids: Vec<String>) -> Self {
        let (days, passed) = (vec![0; ids.len()], vec![None; ids.len()]);
        let numbers = ids.iter().map(|id| id.as_str().into()).zip(0..).collect();
        let index = TraceIndex { ids, numbers, days, day_names: vec![String::new()], passed, values: Vec::new() };
        Self { index, day_of: HashMap::from([(String::new(), 0)]), keys: HashMap::new() }
    }

    fn add(&mut self, row: &serde_json::Map<String, Value>) {
        let text = |column: &str| row.get(column).and_then(Value::as_str);
        let Some(number) = text("trace_id").and_then(|id| self.index.number(id)) else {
            return;
        };
        self.index.days[number as usize] = self.day(text("day").unwrap_or_default());
        self.index.passed[number as usize] = match text("outcome") {
            Some("success") => Some(true),
            Some("failure") => Some(false),
            _ => None,
        };
        for (column, key) in [
            ("models", "model"),
            ("agent_names", "agent_name"),
            ("service_names", "service_name"),
            ("tool_names", "tool_name"),
        ] {
            for value in row.get(column).and_then(Value::as_array).into_iter().flatten() {
                self.note(key, value.as_str().unwrap_or_default(), number);
            }
        }
        if let Some(project) = text("project_id") {
            self.note("project_id", project, number);
        }
        let attributes = text("attributes").and_then(|text| serde_json::from_str(text).ok());
        if let Some(Value::Object(attributes)) = attributes {
            for (key, value) in attributes {
                self.note_value(&key, &value, number);
            }
        }
    }

    fn day(&mut self, name: &str) -> u32 {
        if let Some(day) = self.day_of.get(name) {
            return *day;
        }
        let day = u32::try_from(self.index.day_names.len()).unwrap_or(0);
        self.index.day_names.push(name.to_owned());
        self.day_of.insert(name.to_owned(), day);
        day
    }

    /// Objects are opened, as JSON and as the text of JSON: a tenant in `metadata` is a tenant.
    fn note_value(&mut self, key: &str, value: &Value, number: u32) {
        let opened = match value {
            Value::String(text) if text.starts_with('{') => serde_json::from_str(text).ok(),
            Value::String(text) => {
                self.note(key, text, number);
                return;
            }
            other => Some(other.clone()),
        };
        match opened {
            Some(Value::Object(members)) => {
                for (member, value) in members {
                    self.note_value(&format!("{key}.{member}"), &value, number);
                }
            }
            Some(other) => self.note(key, &other.to_string(), number),
            None => {}
        }
    }

    fn note(&mut self, key: &str, value: &str, number: u32) {
        if value.is_empty() {
            return;
        }
        if let Some(known) = self.keys.get_mut(key) {
            known.note(value, number);
            return;
        }
        let lower = key.to_ascii_lowercase();
        let is_ignored = NO_CAUSE.iter().any(|family| lower.contains(family));
        let mut known = Key { is_ignored, ..Key::default() };
        known.note(value, number);
        self.keys.insert(key.to_owned(), known);
    }

    /// Keys that are ids are left out, and values of a single trace, which tell nothing.
    fn finish(self) -> TraceIndex {
        let telling = self.keys.into_iter().filter(|(_, known)| !known.is_id());
        let mut values: Vec<TagValue> = telling
            .flat_map(|(key, known)| {
                let values = known.traces.into_iter().filter(|(_, traces)| traces.len() > 1);
                values.map(move |(value, mut traces)| {
                    traces.sort_unstable();
                    traces.dedup();
                    TagValue { key: key.clone(), value, traces }
                })
            })
            .collect();
        values.sort_unstable_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
        TraceIndex { values, ..self.index }
    }
}

#[cfg(test)]
impl TraceIndex {
    /// An index of traces `t0`, `t1`, … with these days and attributes.
    pub(crate) fn of(traces: &[(&str, &[(&str, &str)])]) -> Self {
        // `t10` stands before `t2`.
        let mut ids: Vec<String> = (0..traces.len()).map(|index| format!("t{index}")).collect();
        ids.sort_unstable();
        let mut builder = Builder::of(ids);
        for (index, (day, attributes)) in traces.iter().enumerate() {
            let attributes: serde_json::Map<String, Value> =
                attributes.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
            let mut row = serde_json::Map::new();
            row.insert("trace_id".into(), format!("t{index}").into());
            row.insert("day".into(), (*day).into());
            row.insert("attributes".into(), Value::Object(attributes).to_string().into());
            builder.add(&row);
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_are_sets(size in 0_usize..300, one: Vec<u32>, other: Vec<u32>) {
            let rows = vec![("", [].as_slice()); size];
            let index = TraceIndex::of(&rows);
            let within = |numbers: &[u32]| -> BTreeSet<u32> {
                numbers.iter().filter_map(|number| number.checked_rem(u32::try_from(size).ok()?)).collect()
            };
            let (one, other) = (within(&one), within(&other));
            let numbers = |set: &TraceSet| (set.numbers().collect::<Vec<u32>>(), set.len());
            let told = |set: &BTreeSet<u32>| (set.iter().copied().collect::<Vec<u32>>(), set.len() as u64);
            let set = |numbers: &BTreeSet<u32>| index.set_of(&numbers.iter().copied().collect::<Vec<u32>>());
            let (a, b) = (set(&one), set(&other));
            prop_assert_eq!(numbers(&a), told(&one));
            prop_assert_eq!(numbers(&index.all()), told(&(0..u32::try_from(size).unwrap()).collect()));
            let common: BTreeSet<u32> = one.intersection(&other).copied().collect();
            prop_assert_eq!(numbers(&a.both(&b)), told(&common));
            prop_assert_eq!(a.overlap(&b), common.len() as u64);
            prop_assert_eq!(numbers(&a.filtered(|number| !b.contains(number))), told(&one.difference(&other).copied().collect()));
        }
    }
}
