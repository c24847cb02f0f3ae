//! Rows that no query gave, printed like those of queries.

use halo_checks::{FindingChange, Rate};
use halo_query::{QueryResult, RenderOptions};
use halo_tool::{ColumnType, NewTable};
use serde_json::{Map, Value, json};

use crate::args::RowFormat;
use crate::commands::sql::format_of;
use crate::exit::Failure;
use crate::output;

/// Widest cell of a table.
const CELL_WIDTH_MAX: usize = 60;

/// Columns of what became of findings, for people.
const TOLD: [(&str, ColumnType); 9] = [
    ("change", ColumnType::Text),
    ("severity", ColumnType::Text),
    ("title", ColumnType::Text),
    ("before", ColumnType::Text),
    ("now", ColumnType::Text),
    ("interval_now", ColumnType::Text),
    ("p_value", ColumnType::Text),
    ("id", ColumnType::Text),
    ("note", ColumnType::Text),
];

/// The same for programs.
const MEASURED: [(&str, ColumnType); 13] = [
    ("change", ColumnType::Text),
    ("severity", ColumnType::Text),
    ("title", ColumnType::Text),
    ("before_affected", ColumnType::Integer),
    ("before_population", ColumnType::Integer),
    ("affected", ColumnType::Integer),
    ("population", ColumnType::Integer),
    ("rate", ColumnType::Number),
    ("rate_low", ColumnType::Number),
    ("rate_high", ColumnType::Number),
    ("p_value", ColumnType::Number),
    ("check", ColumnType::Text),
    ("id", ColumnType::Text),
];

/// Those of them that are about an earlier run.
pub(crate) const OF_BASELINE: [&str; 6] =
    ["change", "before", "before_affected", "before_population", "p_value", "note"];

/// Prints what became of findings.
pub(crate) fn print_changes(changes: &[FindingChange], has_baseline: bool, format: RowFormat) -> Result<(), Failure> {
    let is_for_people = matches!(format, RowFormat::Table | RowFormat::Markdown);
    let columns: &[(&str, ColumnType)] = if is_for_people { &TOLD } else { &MEASURED };
    let known = columns.iter().copied().filter(|(name, _)| has_baseline || !OF_BASELINE.contains(name));
    let row = if is_for_people { told } else { measured };
    print(&known.collect::<Vec<_>>(), changes.iter().map(row).collect(), format)
}

/// A finding then and now in numbers.
fn measured(change: &FindingChange) -> Map<String, Value> {
    let row = json!({
        "change": change.change.as_str(),
        "severity": change.severity.as_str(),
        "title": change.title,
        "before_affected": change.before.map(|before| before.affected),
        "before_population": change.before.map(|before| before.population),
        "affected": change.now.map(|now| now.affected),
        "population": change.now.map(|now| now.population),
        "rate": change.now.map(|now| now.rate),
        "rate_low": change.now.map(|now| now.interval.low),
        "rate_high": change.now.map(|now| now.interval.high),
        "p_value": change.p_value,
        "check": change.check,
        "id": change.id,
    });
    row.as_object().cloned().unwrap_or_default()
}

/// Prints rows in a form.
pub(crate) fn print(
    columns: &[(&str, ColumnType)],
    mut rows: Vec<Map<String, Value>>,
    format: RowFormat,
) -> Result<(), Failure> {
    if matches!(format, RowFormat::Table | RowFormat::Markdown) {
        // For people, nothing is nothing.
        let texts = columns.iter().filter(|(_, kind)| *kind == ColumnType::Text);
        for (name, _) in texts {
            for row in rows.iter_mut().filter(|row| row.get(*name).is_none_or(Value::is_null)) {
                row.insert((*name).to_owned(), Value::from(""));
            }
        }
    }
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    let result = QueryResult::of_table(&NewTable { columns, rows })?;
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let options = RenderOptions { cell_width_max: CELL_WIDTH_MAX };
    drop(halo_query::render(&result, format_of(format), options, &mut text));
    output::stdout(&String::from_utf8_lossy(&text))
}

/// A finding then and now in words.
pub(crate) fn told(change: &FindingChange) -> Map<String, Value> {
    let row = json!({
        "change": change.change.as_str(),
        "severity": change.severity.as_str(),
        "title": change.title,
        "before": change.before.as_ref().map(rate),
        "now": change.now.as_ref().map(rate),
        "interval_now": change.now.map(|now| format!("{} to {}", percent(now.interval.low), percent(now.interval.high))),
        "p_value": change.p_value.map(probability),
        "id": change.id,
        "note": change.note,
    });
    row.as_object().cloned().unwrap_or_default()
}

/// Counts and their share.
fn rate(rate: &Rate) -> String {
    format!("{} of {} ({})", rate.affected, rate.population, percent(rate.rate))
}

/// A probability: more digits would say more than it does.
fn probability(p_value: f64) -> String {
    if p_value < 0.0001 { "< 0.0001".to_owned() } else { format!("{p_value:.4}") }
}

/// A share for people.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
