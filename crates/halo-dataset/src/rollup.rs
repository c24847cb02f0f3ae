//! One trace's spans to its row in `traces`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampNanosecondType};
use hashbrown::{HashMap, HashSet};

use crate::content_file::is_empty_text;
use crate::outcome::told;
use crate::trace::{TraceBatchBuilder, TraceRow};
use crate::{DatasetError, Result};

/// Separates key from value, and pair from pair, in the internal `tags` column. Neither stands in a tag.
pub(crate) const TAG_VALUE: char = '\u{1f}';
pub(crate) const TAG_END: char = '\u{1e}';

/// Rolls up traces, a batch of whole ones at a time.
#[derive(Default)]
pub(crate) struct RollUp {
    builder: TraceBatchBuilder,
    trace_ids: Vec<String>,
}

impl RollUp {
    /// Adds a batch of spans that is sorted by trace and, within each, by step; whole traces only.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let spans = Spans::of(batch)?;
        let mut start = 0;
        while start < batch.num_rows() {
            let trace_id = spans.trace_id.value(start);
            let mut end = start + 1;
            while end < batch.num_rows() && spans.trace_id.value(end) == trace_id {
                end += 1;
            }
            roll_up_trace(&spans, start..end, &mut self.builder);
            self.trace_ids.push(trace_id.to_owned());
            start = end;
        }
        Ok(())
    }

    /// The rows of all traces, and their ids.
    pub(crate) fn finish(mut self) -> Result<(RecordBatch, Vec<String>)> {
        Ok((self.builder.finish()?, self.trace_ids))
    }
}

/// The columns that a roll-up reads.
struct Spans<'a> {
    trace_id: &'a StringViewArray,
    span_id: &'a StringViewArray,
    parent_span_id: &'a StringViewArray,
    name: &'a StringViewArray,
    span_type: &'a StringViewArray,
    status: &'a StringViewArray,
    service_name: &'a StringViewArray,
    agent_name: &'a StringViewArray,
    agent_id: &'a StringViewArray,
    model: &'a StringViewArray,
    tool_name: &'a StringViewArray,
    session_id: &'a StringViewArray,
    user_id: &'a StringViewArray,
    project_id: &'a StringViewArray,
    failure_code: &'a StringViewArray,
    tags: &'a StringViewArray,
    input_tokens: &'a Int64Array,
    output_tokens: &'a Int64Array,
    cached_input_tokens: &'a Int64Array,
    reasoning_tokens: &'a Int64Array,
    raw_bytes: &'a Int64Array,
    input_id: &'a Int64Array,
    output_id: &'a Int64Array,
    cost_usd: &'a Float64Array,
    start_time: &'a TimestampNanosecondArray,
    end_time: &'a TimestampNanosecondArray,
}

/// Columns that a roll-up reads.
pub(crate) const ROLL_UP_COLUMNS: &[&str] = &[
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "span_type",
    "status",
    "service_name",
    "agent_name",
    "agent_id",
    "model",
    "tool_name",
    "session_id",
    "user_id",
    "project_id",
    "failure_code",
    "tags",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "raw_bytes",
    "input_id",
    "output_id",
    "cost_usd",
    "start_time",
    "end_time",
];

impl<'a> Spans<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self> {
        let missing = |name: &str| {
            DatasetError::Arrow(arrow::error::ArrowError::SchemaError(format!("column {name} is missing")))
        };
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| missing(name));
        let text = |name: &str| column(name)?.as_string_view_opt().ok_or_else(|| missing(name));
        let int = |name: &str| column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| missing(name));
        let time = |name| column(name)?.as_primitive_opt::<TimestampNanosecondType>().ok_or_else(|| missing(name));
        Ok(Self {
            trace_id: text("trace_id")?,
            span_id: text("span_id")?,
            parent_span_id: text("parent_span_id")?,
            name: text("name")?,
            span_type: text("span_type")?,
            status: text("status")?,
            service_name: text("service_name")?,
            agent_name: text("agent_name")?,
            agent_id: text("agent_id")?,
            model: text("model")?,
            tool_name: text("tool_name")?,
            session_id: text("session_id")?,
            user_id: text("user_id")?,
            project_id: text("project_id")?,
            failure_code: text("failure_code")?,
            tags: text("tags")?,
            input_tokens: int("input_tokens")?,
            output_tokens: int("output_tokens")?,
            cached_input_tokens: int("cached_input_tokens")?,
            reasoning_tokens: int("reasoning_tokens")?,
            raw_bytes: int("raw_bytes")?,
            input_id: int("input_id")?,
            output_id: int("output_id")?,
            cost_usd: column("cost_usd")?.as_primitive_opt::<Float64Type>().ok_or_else(|| missing("cost_usd"))?,
            start_time: time("start_time")?,
            end_time: time("end_time")?,
        })
    }

    fn is_type(&self, row: usize, span_type: &str) -> bool {
        text(self.span_type, row) == Some(span_type)
    }

    fn is_error(&self, row: usize) -> bool {
        text(self.status, row) == Some("ERROR")
    }

    /// Whether a row is a tool call that failed, by its status or because its result says so.
    fn tool_failed(&self, row: usize) -> bool {
        self.is_type(row, "TOOL") && (self.is_error(row) || text(self.failure_code, row).is_some())
    }

    /// Earliest start and latest end.
    fn times(&self, rows: Range<usize>) -> (Option<i64>, Option<i64>) {
        let valid = |times: &'a TimestampNanosecondArray, row| times.is_valid(row).then(|| times.value(row));
        let start = rows.clone().filter_map(|row| valid(self.start_time, row)).min();
        (start, rows.filter_map(|row| valid(self.end_time, row)).max())
    }

    /// Output of the last model call or agent that has one.
    fn last_answer(&self, rows: Range<usize>) -> Option<i64> {
        let answers = rows.rev().filter(|row| self.is_type(*row, "LLM") || self.is_type(*row, "AGENT"));
        answers.into_iter().find_map(|row| filled_text(self.output_id, row))
    }
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn filled(column: &StringViewArray, row: usize) -> Option<&str> {
    text(column, row).filter(|text| !text.is_empty())
}

fn int(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// Id of a text that is not empty.
fn filled_text(column: &Int64Array, row: usize) -> Option<i64> {
    int(column, row).filter(|id| !is_empty_text(*id))
}

/// Distinct texts of a column, sorted, without empty ones.
fn distinct(column: &StringViewArray, rows: Range<usize>) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut last = None;
    for text in rows.filter_map(|row| filled(column, row)) {
        // Most columns have one value in a trace; a trace of a million spans may have as many.
        if last != Some(text) {
            found.insert(text);
            last = Some(text);
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

fn roll_up_trace(spans: &Spans<'_>, rows: Range<usize>, builder: &mut TraceBatchBuilder) {
    let tree = Tree::of(spans, rows.clone());
    let root = tree.root.unwrap_or(rows.start);
    let count =
        |test: &dyn Fn(usize) -> bool| i64::try_from(rows.clone().filter(|row| test(*row)).count()).unwrap_or(i64::MAX);
    let error_spans = count(&|row| spans.is_error(row));
    let (start_time, end_time) = spans.times(rows.clone());
    let sum = |column| tree.sum(rows.clone(), |row| int(column, row));
    let first = |column| rows.clone().find_map(|row| filled(column, row));
    let distinct = |column| distinct(column, rows.clone());
    let (services, agents, agent_ids) =
        (distinct(spans.service_name), distinct(spans.agent_name), distinct(spans.agent_id));
    let (models, tools) = (distinct(spans.model), distinct(spans.tool_name));
    let attributes = single_valued(rows.clone().filter_map(|row| text(spans.tags, row)));
    builder.push(&TraceRow {
        trace_id: Some(spans.trace_id.value(rows.start)),
        start_time,
        end_time,
        duration_ms: duration_ms(start_time, end_time),
        root_name: text(spans.name, root),
        root_status: text(spans.status, root),
        span_count: i64::try_from(rows.len()).ok(),
        llm_calls: Some(count(&|row| spans.is_type(row, "LLM"))),
        tool_calls: Some(count(&|row| spans.is_type(row, "TOOL"))),
        error_spans: Some(error_spans),
        tool_error_spans: Some(count(&|row| spans.is_type(row, "TOOL") && spans.is_error(row))),
        failed_tool_calls: Some(count(&|row| spans.tool_failed(row))),
        has_errors: Some(error_spans > 0),
        max_depth: Some(tree.max_depth),
        missing_parents: Some(tree.missing_parents),
        service_names: &services,
        agent_names: &agents,
        agent_ids: &agent_ids,
        models: &models,
        tool_names: &tools,
        input_tokens: sum(spans.input_tokens),
        output_tokens: sum(spans.output_tokens),
        cached_input_tokens: sum(spans.cached_input_tokens),
        reasoning_tokens: sum(spans.reasoning_tokens),
        cost_usd: tree.sum(rows.clone(), |row| spans.cost_usd.is_valid(row).then(|| spans.cost_usd.value(row))),
        session_id: first(spans.session_id),
        user_id: first(spans.user_id),
        project_id: first(spans.project_id),
        attributes: Some(&attributes),
        outcome: Some(outcome(spans, rows.clone(), root)),
        first_input: filled_text(spans.input_id, root)
            .or_else(|| rows.clone().find_map(|row| filled_text(spans.input_id, row))),
        final_output: int(spans.output_id, root).or_else(|| spans.last_answer(rows.clone())),
        raw_bytes: Some(rows.clone().filter_map(|row| int(spans.raw_bytes, row)).sum()),
    });
}

/// A root that failed has failed, whatever is said of it; and that nothing broke is told of runs that did no good, too.
fn outcome(spans: &Spans<'_>, rows: Range<usize>, root: usize) -> &'static str {
    let status = text(spans.status, root);
    let judges = rows.filter(|row| *row == root || spans.is_type(*row, "EVALUATOR"));
    match (status, told(judges.filter_map(|row| text(spans.tags, row)))) {
        (Some("ERROR"), _) | (_, Some(false)) => "failure",
        (Some("OK"), None) | (_, Some(true)) => "success",
        _ => "unknown",
    }
}

/// Milliseconds between two times in nanoseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "durations below 104 days are exact to the nanosecond, and nobody reads more"
)]
pub(crate) fn duration_ms(start: Option<i64>, end: Option<i64>) -> Option<f64> {
    Some(end?.checked_sub(start?)? as f64 / 1e6)
}

/// The tree of a trace's spans. Broken exporters make cycles and lose parents: both end a walk upwards.
struct Tree {
    parents: Vec<Option<usize>>,
    first_row: usize,
    root: Option<usize>,
    max_depth: i64,
    missing_parents: i64,
}

impl Tree {
    fn of(spans: &Spans<'_>, rows: Range<usize>) -> Self {
        let ids: HashMap<&str, usize> =
            rows.clone().rev().filter_map(|row| Some((text(spans.span_id, row)?, row))).collect();
        let mut parents = Vec::with_capacity(rows.len());
        let mut missing_parents = 0;
        let mut root = None;
        for row in rows.clone() {
            let parent_id = filled(spans.parent_span_id, row);
            let parent = parent_id.and_then(|id| ids.get(id)).copied().filter(|parent| *parent != row);
            match parent_id {
                Some(_) if parent.is_none() => missing_parents += 1,
                None if root.is_none() => root = Some(row),
                _ => {}
            }
            parents.push(parent);
        }
        let mut tree = Self { parents, first_row: rows.start, root, max_depth: 0, missing_parents };
        tree.max_depth = tree.depth();
        tree
    }

    /// Depth of the deepest span. Each span's depth is found once: a trace may be a chain of a million.
    fn depth(&self) -> i64 {
        let mut depths = vec![0_i64; self.parents.len()];
        let mut path = Vec::new();
        for start in 0..self.parents.len() {
            let mut at = start;
            // -1 marks spans on the current path, so that a cycle ends the walk.
            while depths[at] == 0 {
                depths[at] = -1;
                path.push(at);
                match self.parents[at] {
                    Some(parent) => at = parent - self.first_row,
                    None => break,
                }
            }
            let mut depth = depths[at].max(0);
            while let Some(index) = path.pop() {
                depth += 1;
                depths[index] = depth;
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }

    /// Sum over [`leaves_with`](Self::leaves_with); `None` when no span has a value.
    fn sum<T: std::iter::Sum>(&self, rows: Range<usize>, value: impl Fn(usize) -> Option<T>) -> Option<T> {
        let values = self.leaves_with(rows, value);
        (!values.is_empty()).then(|| values.into_iter().sum())
    }

    /// Values of the spans that have one and no descendant that has one: an SDK that reports a call on two nested spans counts once.
    fn leaves_with<T>(&self, rows: Range<usize>, value: impl Fn(usize) -> Option<T>) -> Vec<T> {
        let values: Vec<Option<T>> = rows.map(value).collect();
        let mut covered = vec![false; values.len()];
        for (index, found) in values.iter().enumerate() {
            let mut at = self.parents[index];
            while found.is_some()
                && let Some(parent) = at
            {
                let parent_index = parent - self.first_row;
                // Marked before: everything above is marked too. This also ends a cycle.
                if covered[parent_index] {
                    break;
                }
                covered[parent_index] = true;
                at = self.parents[parent_index];
            }
        }
        values.into_iter().zip(covered).filter_map(|(found, covered)| found.filter(|_| !covered)).collect()
    }
}

/// The tags that have the same value wherever they stand, as a JSON object with sorted keys.
fn single_valued<'a>(tags: impl Iterator<Item = &'a str>) -> String {
    let mut values: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    // Spans of one kind have the same tags: they are read once.
    let mut seen = HashSet::new();
    for pair in tags.filter(|text| seen.insert(*text)).flat_map(|text| text.split(TAG_END)) {
        if let Some((key, value)) = pair.split_once(TAG_VALUE) {
            values.entry(key).and_modify(|known| *known = known.filter(|known| *known == value)).or_insert(Some(value));
        }
    }
    let object: serde_json::Map<String, serde_json::Value> =
        values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_with_two_values_are_left_out() {
        let tags = [
            "release\u{1f}2\u{1e}tenant\u{1f}a\u{1e}",
            "release\u{1f}2\u{1e}tenant\u{1f}b\u{1e}x\u{1f}\u{1e}",
            "tenant\u{1f}a\u{1e}",
        ];
        assert_eq!(single_valued(tags.into_iter()), r#"{"release":"2","x":""}"#);
    }

    #[test]
    fn a_cycle_and_a_chain_have_a_depth() {
        let tree =
            |parents: Vec<Option<usize>>| Tree { parents, first_row: 0, root: None, max_depth: 0, missing_parents: 0 };
        assert_eq!(tree(vec![Some(1), Some(0)]).depth(), 2);
        assert_eq!(tree(vec![None, Some(0), Some(1), Some(0)]).depth(), 3);
        let chain = (0..100_000).map(|i: usize| i.checked_sub(1)).collect();
        assert_eq!(tree(chain).depth(), 100_000);
    }

    #[test]
    fn nested_reports_of_one_call_count_once() {
        // agent (10) > generate (10) > two calls (4 and 6); beside them a call that reports nothing.
        let parents = vec![None, Some(0), Some(1), Some(1), Some(0)];
        let tree = Tree { parents, first_row: 0, root: Some(0), max_depth: 3, missing_parents: 0 };
        let values = [Some(10), Some(10), Some(4), Some(6), None];
        assert_eq!(tree.leaves_with(0..5, |row| values[row]), vec![4, 6]);
    }
}
