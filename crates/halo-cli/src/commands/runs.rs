//! `halo runs`: the analyses there are, the newest first, with how each ended and what it found.

use std::fs;
use std::path::Path;

use halo_agent::RunHistory;
use halo_protocol::{Report, RunEnd};
use serde_json::{Map, Value, json};

use crate::args::{Common, RowFormat, RunsArgs};
use crate::exit::{Exit, Failure};
use crate::run_folder::{EVENTS, RunFolder};
use crate::{folders, output};

/// Columns of a row, in order.
const COLUMNS: [&str; 7] = ["run", "started", "state", "findings", "model", "tokens", "input"];

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
    output::stdout(&rendered(&rows, args.format))?;
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
                format!("unfinished after {}", output::counted(history.kept().0, "reply").replace("replys", "replies"))
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

fn rendered(rows: &[Map<String, Value>], format: RowFormat) -> String {
    let cell = |row: &Map<String, Value>, column: &str| match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let line = |row: &Map<String, Value>, separator: &str, quote: &dyn Fn(String) -> String| {
        COLUMNS.iter().map(|column| quote(cell(row, column))).collect::<Vec<_>>().join(separator)
    };
    let mut text = String::new();
    match format {
        RowFormat::Json => {
            let all = Value::from(rows.iter().cloned().map(Value::Object).collect::<Vec<_>>());
            text.push_str(&format!("{all:#}\n"));
        }
        RowFormat::Jsonl => rows.iter().for_each(|row| text.push_str(&format!("{}\n", Value::Object(row.clone())))),
        RowFormat::Csv => {
            text.push_str(&(COLUMNS.join(",") + "\n"));
            let quote = |cell: String| {
                if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
            };
            rows.iter().for_each(|row| text.push_str(&(line(row, ",", &quote) + "\n")));
        }
        RowFormat::Markdown => {
            text.push_str(&format!("| {} |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len())));
            let quote = |cell: String| cell.replace('|', "\\|").replace('\n', " ");
            rows.iter().for_each(|row| text.push_str(&format!("| {} |\n", line(row, " | ", &quote))));
        }
        RowFormat::Table => {
            if rows.is_empty() {
                return text;
            }
            let width = |column: &str| {
                let cells = rows.iter().map(|row| cell(row, column).chars().count());
                cells.chain([column.len()]).max().unwrap_or_default()
            };
            let widths = COLUMNS.map(width);
            let padded = |cells: [String; 7]| {
                let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
            };
            text.push_str(&padded(COLUMNS.map(str::to_owned)));
            for row in rows {
                text.push_str(&padded(COLUMNS.map(|column| output::printable(&cell(row, column)))));
            }
        }
    }
    text
}
