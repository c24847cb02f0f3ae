//! Counting a dataset once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampNanosecondType};
use halo_dataset::{Dataset, texts_hash};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::{Attribute, Census, Group, Trace, VALUES_MAX};
use crate::causes::Causes;
use crate::session::OWN_LIMITS;
use crate::{QueryError, TraceSession};

const TRACES: &str = "SELECT trace_id, start_time, coalesce(end_time, start_time) AS end_time, duration_ms, span_count, llm_calls, tool_calls,
    error_spans, failed_tool_calls, missing_parents, input_tokens, output_tokens, has_errors, outcome, service_names, agent_names, models,
    tool_names, attributes FROM traces ORDER BY trace_id";

/// Columns that the groups of spans are made of.
const SPANS: &[&str] =
    &["trace_id", "span_type", "tool_name", "name", "status", "error_signature", "error_type", "failure_code"];

/// Counts a dataset.
pub(crate) async fn build(session: &TraceSession, cancel: &CancellationToken) -> Result<Census, QueryError> {
    let mut census = Census::default();
    let mut stream = session.stream(TRACES, &OWN_LIMITS, cancel).await?;
    while let Some(batch) = stream.next().await? {
        census.take_traces(batch.0.columns())?;
    }
    let shared = std::sync::Arc::clone(&session.shared);
    session.shared.blocking(move || census.take_spans(&shared.dataset, &shared.causes).map(|()| census)).await?
}

fn wrong(column: &str) -> QueryError {
    QueryError::internal(format!("the column {column} has an unexpected type"))
}

impl Census {
    fn take_traces(&mut self, columns: &[ArrayRef]) -> Result<(), QueryError> {
        let text = |at: usize| columns[at].as_string_view_opt().ok_or_else(|| wrong("text of traces"));
        let list = |at: usize| columns[at].as_list_opt::<i32>().ok_or_else(|| wrong("list of traces"));
        let time = |at: usize, row: usize| {
            let times = columns[at].as_primitive_opt::<TimestampNanosecondType>()?;
            times.is_valid(row).then(|| times.value(row))
        };
        let int = |at: usize, row: usize| {
            let numbers = columns[at].as_primitive_opt::<Int64Type>();
            let number = numbers.filter(|numbers| numbers.is_valid(row)).map_or(0, |numbers| numbers.value(row));
            u64::try_from(number).unwrap_or(0)
        };
        let (ids, outcomes, attributes) = (text(0)?, text(13)?, text(18)?);
        let (services, agents, models, tools) = (list(14)?, list(15)?, list(16)?, list(17)?);
        let durations = columns[3].as_primitive_opt::<Float64Type>().ok_or_else(|| wrong("duration_ms"))?;
        let errors = columns[12].as_boolean_opt().ok_or_else(|| wrong("has_errors"))?;
        for row in 0..ids.len() {
            self.ids.intern(ids.value(row));
            self.chances.push(texts_hash(&[ids.value(row)]));
            self.traces.push(Trace {
                start: time(1, row),
                end: time(2, row),
                duration_ms: durations.is_valid(row).then(|| durations.value(row)),
                spans: int(4, row),
                llm_calls: int(5, row),
                tool_calls: int(6, row),
                error_spans: int(7, row),
                failed_tool_calls: int(8, row),
                missing_parents: int(9, row),
                input_tokens: int(10, row),
                output_tokens: int(11, row),
                has_errors: errors.is_valid(row) && errors.value(row),
                outcome: self.outcomes.intern(if outcomes.is_valid(row) { outcomes.value(row) } else { "unknown" }),
            });
            for (lists, column) in [
                (&mut self.services, services),
                (&mut self.agents, agents),
                (&mut self.models, models),
                (&mut self.tools, tools),
            ] {
                let values = if column.is_valid(row) { Some(column.value(row)) } else { None };
                let values = values.as_ref().and_then(|values| values.as_string_opt::<i32>());
                lists.push(values.into_iter().flat_map(|values| values.iter().flatten()));
            }
            if attributes.is_valid(row) {
                self.take_attributes(attributes.value(row));
            }
            self.attribute_ends.push(u32::try_from(self.attribute_values.len()).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn take_attributes(&mut self, json: &str) {
        let before = self.attribute_values.len();
        let mut parser = serde_json::Deserializer::from_str(json);
        // What is no object has no attributes.
        if parser.deserialize_map(Attributes(self)).is_err() {
            self.attribute_values.truncate(before);
        }
    }

    fn take_attribute(&mut self, key: &str, value: &str) {
        let key = self.keys.intern(key);
        if self.attributes.len() <= key as usize {
            self.attributes.push(Attribute::default());
        }
        let attribute = &mut self.attributes[key as usize];
        let value = match attribute.values.find(value) {
            Some(known) => known,
            None if attribute.values.len() < VALUES_MAX => attribute.values.intern(value),
            None => {
                attribute.has_many = true;
                u32::MAX
            }
        };
        self.attribute_values.push((key, value));
    }

    fn take_spans(&mut self, dataset: &Dataset, causes: &Causes) -> Result<(), QueryError> {
        let mut groups: HashMap<Group, u32> = HashMap::new();
        for segment in dataset.segments() {
            let batch = segment.spans(SPANS)?;
            let columns: Vec<&StringViewArray> = SPANS
                .iter()
                .map(|name| batch.column_by_name(name).and_then(|column| column.as_string_view_opt()))
                .collect::<Option<_>>()
                .ok_or_else(|| QueryError::from(segment.damaged("a column of spans is no text")))?;
            self.take_segment(&columns, causes, &mut groups)?;
        }
        let mut told: Vec<(Group, u32)> = groups.into_iter().collect();
        told.sort_by_key(|(_, number)| *number);
        self.groups = told.into_iter().map(|(group, _)| group).collect();
        self.steps.sort_unstable();
        // A trace that stands in several segments was counted in each.
        self.steps.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        Ok(())
    }

    fn take_segment(
        &mut self,
        columns: &[&StringViewArray],
        causes: &Causes,
        groups: &mut HashMap<Group, u32>,
    ) -> Result<(), QueryError> {
        let [trace_ids, types, tools, names, statuses, signatures, error_types, failures] = columns else {
            return Ok(());
        };
        // Equal values of a column mostly stand in one place: by it a group is known without a look at the texts.
        let mut by_views: HashMap<[u128; 7], u32> = HashMap::new();
        let mut of_trace: HashMap<u32, u32> = HashMap::new();
        let mut last: Option<(u128, u32)> = None;
        for row in 0..trace_ids.len() {
            let (is_tool, is_error) = (types.value(row) == "TOOL", statuses.value(row) == "ERROR");
            if !is_tool && !is_error {
                continue;
            }
            let view = trace_ids.views()[row];
            if last.is_none_or(|(known, _)| known != view) {
                let Some(trace) = self.ids.find(trace_ids.value(row)) else { continue };
                if let Some((_, before)) = last.replace((view, trace)).filter(|(_, before)| *before != trace) {
                    self.steps.extend(of_trace.drain().map(|(group, count)| (before, group, count)));
                }
            }
            let signature = if is_error { signatures } else { types };
            let step = if tools.is_valid(row) { tools } else { names };
            let view = |column: &StringViewArray| if column.is_valid(row) { column.views()[row] } else { u128::MAX };
            let [a, b, c, d, e, f] =
                [types, step, statuses, signature, failures, error_types].map(|column| view(column));
            let key = [a, b, c, d, e, f, u128::from(tools.is_valid(row))];
            let group = match by_views.get(&key) {
                Some(group) => *group,
                None => {
                    let group = Group {
                        span_type: text(types, row).unwrap_or_default(),
                        step: text(step, row).unwrap_or_default(),
                        is_error,
                        cause: cause(columns, row, causes)?.filter(|_| is_error),
                        failure: text(failures, row).filter(|_| is_tool),
                    };
                    let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                    *by_views.entry(key).or_insert(*groups.entry(group).or_insert(next))
                }
            };
            *of_trace.entry(group).or_insert(0) += 1;
        }
        if let Some((_, trace)) = last {
            self.steps.extend(of_trace.drain().map(|(group, count)| (trace, group, count)));
        }
        Ok(())
    }
}

fn text(column: &StringViewArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

/// Why a span failed: the cause of its message, else the type of its error.
fn cause(columns: &[&StringViewArray], row: usize, causes: &Causes) -> Result<Option<String>, QueryError> {
    match text(columns[5], row) {
        Some(signature) => Ok(Some(causes.of(&signature)?.to_owned())),
        None => Ok(text(columns[6], row)),
    }
}

/// Reads the members of an object into a census.
struct Attributes<'c>(&'c mut Census);

impl<'de> Visitor<'de> for Attributes<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some((Key(key), value)) = members.next_entry::<Key<'_>, &RawValue>()? {
            let raw = value.get();
            let text = if raw.starts_with('"') {
                serde_json::from_str::<Key<'_>>(raw).map_or(Cow::Borrowed(raw), |Key(text)| text)
            } else {
                Cow::Borrowed(raw)
            };
            self.0.take_attribute(&key, &text);
        }
        Ok(())
    }
}

/// A string that is borrowed where it can be.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
