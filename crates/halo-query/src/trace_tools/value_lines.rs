//! The values of one attribute, a line each, and the times that stand in such lines.

use std::fmt::Write as _;

use arrow::temporal_conversions::timestamp_ns_to_datetime;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::describe_attributes::{Asked, VALUES_SHOWN, column_of};
use super::text::{counted, one_line};
use super::{filled, sql_text};
use crate::attributes::{Attribute, Of, Values};
use crate::overview::number;
use crate::scan::Tally;
use crate::{QueryError, TraceSession};

/// Characters of a value.
const VALUE_CHARS: usize = 200;

/// Nanoseconds from which on days tell enough.
const DAYS_TELL_NS: i64 = 2 * 24 * 3600 * 1_000_000_000;

/// A part of the time at the beginning or end in which a value is missing by chance.
const CHANCE_PART: i64 = 10;

/// The time that something spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    first: i64,
    last: i64,
}

impl Span {
    pub(super) fn of(tally: &Tally) -> Self {
        Self { first: tally.first.unwrap_or(0), last: tally.last.unwrap_or(0) }
    }

    /// A time as it stands in a line: the day where days tell enough.
    fn time(self, time: i64) -> String {
        let time = timestamp_ns_to_datetime(time);
        let form = if self.last - self.first > DAYS_TELL_NS { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%SZ" };
        time.map_or_else(|| "?".to_owned(), |time| time.format(form).to_string())
    }

    fn range(self, tally: &Tally) -> String {
        match (tally.first, tally.last) {
            (Some(first), Some(last)) if self.time(first) == self.time(last) => self.time(first),
            (Some(first), Some(last)) => format!("{} to {}", self.time(first), self.time(last)),
            _ => "no time".to_owned(),
        }
    }

    /// When a value came up and when it went away, where that is not when the attribute did.
    pub(super) fn change(self, value: &Tally, attribute: &Tally) -> String {
        let whole = Self::of(attribute);
        let chance = (whole.last - whole.first) / CHANCE_PART;
        let from = value.first.filter(|first| *first > whole.first + chance).map(|first| self.time(first));
        let until = value.last.filter(|last| *last < whole.last - chance).map(|last| self.time(last));
        match (from, until) {
            (Some(from), Some(until)) if from == until => format!(" (on {from})"),
            (Some(from), Some(until)) => format!(" (from {from} until {until})"),
            (Some(from), None) => format!(" (from {from})"),
            (None, Some(until)) => format!(" (until {until})"),
            (None, None) => String::new(),
        }
    }
}

/// How many of some traces failed, and which part of them that is.
pub(super) fn share(tally: &Tally) -> String {
    let percent = (tally.failed_traces * 100 + tally.traces / 2) / tally.traces.max(1);
    format!("{} ({percent}%)", tally.failed_traces)
}

/// The values of an attribute, those of most traces first, a page of them.
pub(super) async fn value_lines(
    session: &TraceSession,
    asked: &Asked<'_>,
    attribute: &Attribute,
    cancel: &CancellationToken,
) -> Result<String, QueryError> {
    let (values, total) = match &attribute.values {
        Values::Few(values) => {
            (values.iter().skip(asked.offset).take(VALUES_SHOWN).cloned().collect(), values.len() as u64)
        }
        Values::Many(_) | Values::Long | Values::Numbered => {
            counted_values(session, asked, attribute.of, cancel).await?
        }
    };
    let whole = Span::of(&attribute.tally);
    let mut text = String::from(
        "values by traces, with how many of these failed (outcome failure or a failed tool call), spans, first to last seen:\n",
    );
    for (value, tally) in &values {
        let _ = writeln!(
            text,
            "| {} | {}, {} failed, {}, {}",
            one_line(value, VALUE_CHARS),
            counted(tally.traces, "trace"),
            share(tally),
            counted(tally.spans, "span"),
            whole.range(tally)
        );
    }
    let last = (asked.offset + values.len()) as u64;
    if last < total {
        let _ = writeln!(text, "[{} more values: the same call with \"offset\": {last}]", total - last);
    } else if values.is_empty() {
        let _ = writeln!(text, "[only {}: offset {} passes over all of them]", counted(total, "value"), asked.offset);
    }
    Ok(text)
}

/// Values that are too many or too long to be kept, counted for this call.
async fn counted_values(
    session: &TraceSession,
    asked: &Asked<'_>,
    of: Of,
    cancel: &CancellationToken,
) -> Result<(Vec<(String, Tally)>, u64), QueryError> {
    let (table, column) = column_of(of).split_once('.').unwrap_or(("spans", "attributes"));
    let spans = if of == Of::Trace { "span_count" } else { "1" };
    let (key, condition, offset) = (sql_text(asked.key), asked.condition, asked.offset);
    let sql = format!(
        "SELECT value, count(DISTINCT carriers.trace_id) AS traces, sum(spans) AS spans,
            count(DISTINCT CASE WHEN failed THEN carriers.trace_id END) AS failed_traces,
            CAST(min(start_time) AS BIGINT) AS first_seen, CAST(max(start_time) AS BIGINT) AS last_seen, count(*) OVER () AS total
         FROM (SELECT trace_id, start_time, {spans} AS spans, {column}->>{key} AS value FROM {table}) AS carriers
         JOIN (SELECT trace_id, coalesce(outcome = 'failure' OR failed_tool_calls > 0, false) AS failed
               FROM traces WHERE {condition}) AS wanted ON carriers.trace_id = wanted.trace_id
         WHERE value IS NOT NULL GROUP BY value ORDER BY traces DESC, spans DESC, value LIMIT {VALUES_SHOWN} OFFSET {offset}"
    );
    let rows = session.own_query(&sql, cancel).await?.rows();
    let total = rows.first().map_or(0, |row| number(row, "total"));
    Ok((rows.iter().map(|row| (filled(row, "value").unwrap_or_default().to_owned(), tally(row))).collect(), total))
}

fn tally(row: &Map<String, Value>) -> Tally {
    let time = |column: &str| row.get(column).and_then(Value::as_i64);
    let counts = [number(row, "spans"), number(row, "traces"), number(row, "failed_traces")];
    Tally::told(counts, time("first_seen"), time("last_seen"))
}
