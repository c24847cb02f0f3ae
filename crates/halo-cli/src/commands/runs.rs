//! `halo runs`: the analyses there are, the newest first, with how each ended and what it found.

use std::fs;
use std::path::Path;

use halo_agent::RunHistory;
use halo_protocol::{Report, RunEnd};
use halo_tool::ColumnType;
use serde_json::{Map, Value, json};

use crate::args::{Common, RowFormat, RunsArgs};
use crate::commands::rows;
use crate::exit::{Exit, Failure};
use crate::run_folder::{EVENTS, RunFolder};
use crate::{folders, output};

/// Columns of a row, in order.
const COLUMNS: [(&str, ColumnType); 7] = [
    ("run", ColumnType::Text),
    ("started", ColumnType::Text),
    ("state", ColumnType::Text),
    ("findings", ColumnType::Integer),
    ("model", ColumnType::Text),
    ("tokens", ColumnType::Integer),
    ("input", ColumnType::Text),
];

/// Runs the command.
pub(crate) fn run(args: &RunsArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let folder = folders::runs()?;
    let rows = rows(&folder)?;
    if rows.is_empty() {
        output::note(
            common,
            &format!("no runs yet in `{}`; runs made with --out are in the folders you named", folder.display()),
        );
    }
    if rows.is_empty() && args.format == RowFormat::Table {
        return Ok(Exit::Done);
    }
    rows::print(&COLUMNS, rows, args.format)?;
    Ok(Exit::Done)
}

/// A row for each run of a folder. What is no run is passed over.
fn rows(folder: &Path) -> Result<Vec<Map<String, Value>>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::new(Exit::Input, format!("cannot read `{}`: {error}", folder.display())));
        }
    };
    let mut rows: Vec<Map<String, Value>> = entries.filter_map(|entry| row(&entry.ok()?.path())).collect();
    let started = |row: &Map<String, Value>| row.get("started").and_then(Value::as_str).map(str::to_owned);
    rows.sort_by_key(|row| std::cmp::Reverse(started(row)));
    Ok(rows)
}

fn row(path: &Path) -> Option<Map<String, Value>> {
    let folder = RunFolder::open(path).ok()?;
    let settings = folder.read_settings().ok()?;
    let report: Option<Report> =
        fs::read_to_string(folder.file("report.json")).ok().and_then(|text| serde_json::from_str(&text).ok());
    let state = match report.as_ref().map(|report| &report.run.end) {
        Some(RunEnd::Complete) => "complete".to_owned(),
        Some(RunEnd::TurnLimit) => "out of turns".to_owned(),
        Some(RunEnd::BudgetSpent { limit }) => format!("out of {limit}"),
        Some(RunEnd::Failed { .. }) => "failed".to_owned(),
        Some(RunEnd::Interrupted) => "interrupted".to_owned(),
        // Still at work, or killed: the log tells how far it came.
        None => match RunHistory::load(&folder.file(EVENTS)) {
            Ok(history) => {
                format!("unfinished after {}", output::counted(history.kept().0, "model request"))
            }
            Err(_) => "not begun".to_owned(),
        },
    };
    let row = json!({
        "run": path.file_name()?.to_string_lossy(),
        "started": settings.started_at,
        "state": state,
        "findings": report.as_ref().map(|report| report.findings.len()),
        "model": settings.model.map_or_else(|| "none".to_owned(), |model| model.model),
        "tokens": report.as_ref().map(|report| report.usage.total_tokens()),
        "input": settings.inputs.join(" "),
    });
    row.as_object().cloned()
}
