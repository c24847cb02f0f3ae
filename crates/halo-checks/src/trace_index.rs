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

/// The traces of a dataset and their attribute values.
pub(crate) struct TraceIndex {
    ids: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Start day of each trace as `YYYY-MM-DD`, empty when unknown.
    days: Vec<String>,
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
    /// Reads the `traces` table.
    pub(crate) async fn load(
        session: &TraceSession,
        limits: &QueryLimits,
        cancel: &CancellationToken,
    ) -> Result<Self, CheckError> {
        let sql = "SELECT trace_id, attributes, models, agent_names, service_names, tool_names, project_id, outcome, \
                   CAST(CAST(start_time AS DATE) AS TEXT) AS day FROM traces ORDER BY trace_id";
        let result = session.query(sql, limits, cancel).await?;
        if result.truncated {
            return Err(CheckError::TooManyRows { rows_max: limits.rows_max });
        }
        let mut builder = Builder::default();
        for row in result.rows() {
            builder.add(&row);
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
        &self.days[number as usize]
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
        TraceSet { marks: vec![true; self.len()], count: self.len() as u64 }
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
        TraceSet { marks: vec![false; self.len()], count: 0 }
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
    marks: Vec<bool>,
    count: u64,
}

impl TraceSet {
    pub(crate) fn insert(&mut self, number: u32) {
        let mark = &mut self.marks[number as usize];
        self.count += u64::from(!*mark);
        *mark = true;
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.marks[number as usize]
    }

    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Numbers of its traces, rising.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..).zip(&self.marks).filter(|(_, mark)| **mark).map(|(number, _)| number)
    }

    /// The traces that pass a test.
    pub(crate) fn filtered(&self, test: impl Fn(u32) -> bool) -> Self {
        let marks: Vec<bool> = (0_u32..).zip(&self.marks).map(|(number, mark)| *mark && test(number)).collect();
        Self { count: marks.iter().filter(|mark| **mark).count() as u64, marks }
    }

    /// How many traces are in both.
    pub(crate) fn overlap(&self, other: &Self) -> u64 {
        self.marks.iter().zip(&other.marks).filter(|(a, b)| **a && **b).count() as u64
    }

    /// How many of these traces are in the set.
    pub(crate) fn count_of(&self, numbers: &[u32]) -> u64 {
        numbers.iter().filter(|number| self.contains(**number)).count() as u64
    }
}

#[derive(Default)]
struct Builder {
    ids: Vec<String>,
    numbers: HashMap<String, u32>,
    days: Vec<String>,
    passed: Vec<Option<bool>>,
    values: HashMap<(String, String), Vec<u32>>,
}

impl Builder {
    fn add(&mut self, row: &serde_json::Map<String, Value>) {
        let text = |column: &str| row.get(column).and_then(Value::as_str);
        let (Some(id), Ok(number)) = (text("trace_id"), u32::try_from(self.ids.len())) else {
            return;
        };
        if self.numbers.insert(id.to_owned(), number).is_some() {
            return;
        }
        self.ids.push(id.to_owned());
        self.days.push(text("day").unwrap_or_default().to_owned());
        self.passed.push(match text("outcome") {
            Some("success") => Some(true),
            Some("failure") => Some(false),
            _ => None,
        });
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
        let lower = key.to_ascii_lowercase();
        if value.is_empty() || NO_CAUSE.iter().any(|family| lower.contains(family)) {
            return;
        }
        let traces = self.values.entry((key.to_owned(), value.to_owned())).or_default();
        if traces.last() != Some(&number) {
            traces.push(number);
        }
    }

    /// Keys with nearly a value for each trace are ids, and values of a single trace tell nothing: both are left out.
    fn finish(self) -> TraceIndex {
        let mut keys: HashMap<&str, (usize, usize)> = HashMap::new();
        for ((key, _), traces) in &self.values {
            let (distinct, total) = keys.entry(key).or_default();
            *distinct += 1;
            *total += traces.len();
        }
        let is_id = |key: &str| keys.get(key).is_some_and(|(distinct, total)| *distinct > 20 && distinct * 3 > *total);
        let mut values: Vec<TagValue> = self
            .values
            .iter()
            .filter(|((key, _), traces)| traces.len() > 1 && !is_id(key))
            .map(|((key, value), traces)| TagValue { key: key.clone(), value: value.clone(), traces: traces.clone() })
            .collect();
        values.sort_unstable_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
        TraceIndex { ids: self.ids, numbers: self.numbers, days: self.days, passed: self.passed, values }
    }
}

#[cfg(test)]
impl TraceIndex {
    /// An index of traces `t0`, `t1`, … with these days and attributes.
    pub(crate) fn of(traces: &[(&str, &[(&str, &str)])]) -> Self {
        let mut builder = Builder::default();
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
