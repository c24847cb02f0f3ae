//! `sql`: one read-only statement, its rows as compact text.

use std::fmt::Write as _;
use std::time::Duration;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput, clip_middle};
use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{DATA_NOTE, counted};
use super::tool_error;
use crate::{QueryLimits, QueryResult, TraceSession};

const LIMITS: QueryLimits =
    QueryLimits { rows_max: 200, bytes_max: 4 * 1024 * 1024, time_max: Duration::from_secs(60) };

/// Characters of all cells of a result together, about 6,000 tokens.
const TEXT_CHARS_MAX: usize = 24_000;

/// Characters of a cell however many rows there are.
const CELL_CHARS_MIN: usize = 200;

/// Rows that are shown however long their cells are.
const ROWS_MIN: usize = 10;

/// Rows that are shown of a result that is saved.
const ROWS_OF_SAVED: usize = 5;

/// The tool.
pub(crate) struct Sql {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlArgs {
    /// One SELECT, WITH, EXPLAIN, SHOW TABLES or DESCRIBE statement.
    query: String,
    /// Keep the whole result as a table of this name, for later statements and other agents; only its first rows are shown.
    save_as: Option<String>,
}

impl Tool for Sql {
    type Args = SqlArgs;

    fn name(&self) -> &'static str {
        "sql"
    }

    fn description(&self) -> &str {
        include_str!("sql.md")
    }

    async fn call(&self, args: SqlArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let Some(name) = args.save_as.as_deref() else {
            let result = self.session.query(&args.query, &LIMITS, &context.cancel).await;
            return Ok(ToolOutput::text(result_text(&result.map_err(tool_error)?)));
        };
        let saved = self.session.save(name, &args.query, &context.cancel).await.map_err(tool_error)?;
        let first = QueryLimits { rows_max: ROWS_OF_SAVED, ..LIMITS };
        let shown =
            self.session.query(&format!("SELECT * FROM {name} LIMIT {ROWS_OF_SAVED}"), &first, &context.cancel).await;
        let text = format!("saved as table {name}, {}; the first:\n", counted(saved.rows as u64, "row"));
        Ok(ToolOutput::text(text + &rows_text(&shown.map_err(tool_error)?)))
    }
}

/// How many rows there are, and the rows.
fn result_text(result: &QueryResult) -> String {
    let rows = result.row_count();
    let count = if result.truncated {
        format!("the first {rows} rows, and there are more")
    } else {
        counted(rows as u64, "row")
    };
    format!("{count}, {} ms\n{}", result.elapsed.as_millis(), rows_text(result))
}

/// Column names, then a line a row, cells parted by ` | `.
fn rows_text(result: &QueryResult) -> String {
    let rows = result.row_count();
    let mut text = String::new();
    if rows == 0 {
        return text;
    }
    let cells: Vec<Vec<Option<String>>> = (0..result.columns.len()).map(|index| result.column_texts(index)).collect();
    // Few cells may be long, many may not. Short ones leave their room to the long ones.
    let long = cells.iter().flatten().flatten().filter(|cell| cell.len() > CELL_CHARS_MIN).count();
    let cell_chars_max = (TEXT_CHARS_MAX / long.max(1)).max(CELL_CHARS_MIN);
    let names: Vec<&str> = result.columns.iter().map(|column| column.name.as_str()).collect();
    let _ = writeln!(text, "{DATA_NOTE}\n{}", names.join(" | "));
    let (mut shown, mut clipped) = (0, 0);
    for row in 0..rows {
        if text.len() > TEXT_CHARS_MAX && shown >= ROWS_MIN {
            break;
        }
        let line: Vec<String> = cells
            .iter()
            .map(|column| match &column[row] {
                None => "NULL".to_owned(),
                Some(cell) => {
                    clipped += usize::from(cell.chars().count() > cell_chars_max);
                    escape(&clip_middle(cell, cell_chars_max))
                }
            })
            .collect();
        let _ = writeln!(text, "| {}", line.join(" | "));
        shown += 1;
    }
    if shown < rows || result.truncated {
        let _ = writeln!(
            text,
            "[cut: {shown} rows shown. Aggregate with GROUP BY, select fewer or shorter columns, or page with ORDER BY … LIMIT {shown} OFFSET {shown}]"
        );
    }
    if clipped > 0 {
        let _ = writeln!(
            text,
            "[{clipped} cells clipped to {cell_chars_max} characters. Select one row and substr(column, 1, 20000) for a whole text, substr(column, 20001, 20000) for what follows]"
        );
    }
    text
}

/// A cell on one line: a line break is written \n, as in JSON.
fn escape(cell: &str) -> String {
    let mut line = String::with_capacity(cell.len());
    for character in cell.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push('\t'),
            '\u{2028}' | '\u{2029}' | '\u{85}' => line.push(' '),
            other if other.is_control() => line.push('\u{fffd}'),
            other => line.push(other),
        }
    }
    line
}
