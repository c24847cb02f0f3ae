//! Rows to text for people and programs: table, JSON, JSON lines, CSV, Markdown. Written as rows come, but for the table, which must
//! see all rows to know its widths.

mod table;

use std::io::{self, Write};

use serde_json::Value;

use crate::{QueryResult, ResultColumn, RowBatch, cell};

/// How NULL shows where a cell is text.
const NULL: &str = "NULL";

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for a terminal. Long cells are clipped, control characters made harmless.
    Table,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header (RFC 4180). NULL is an empty field, an empty text is `""`.
    Csv,
    /// A Markdown table.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Table, Self::Json, Self::Jsonl, Self::Csv, Self::Markdown];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }
}

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderOptions {
    /// Widest cell of a table in terminal columns; longer ones are clipped. The other formats never clip.
    pub cell_width_max: usize,
}

/// Writes a whole result.
///
/// # Errors
/// The writer fails.
pub fn render(result: &QueryResult, format: Format, options: RenderOptions, out: impl Write) -> io::Result<()> {
    let mut writer = RowWriter::new(format, options, &result.columns, out)?;
    for batch in &result.batches {
        writer.write(batch)?;
    }
    writer.finish()
}

/// Writes rows as they come.
pub struct RowWriter<'a, W> {
    format: Format,
    columns: &'a [ResultColumn],
    table: table::Table,
    rows: usize,
    out: W,
}

impl<'a, W: Write> RowWriter<'a, W> {
    /// Begins the output.
    ///
    /// # Errors
    /// The writer fails.
    pub fn new(format: Format, options: RenderOptions, columns: &'a [ResultColumn], mut out: W) -> io::Result<Self> {
        match format {
            Format::Csv => {
                let names = columns.iter().map(|column| csv_field(&column.name));
                write!(out, "{}\r\n", names.collect::<Vec<_>>().join(","))?;
            }
            Format::Markdown => {
                let names = columns.iter().map(|column| markdown_cell(&column.name));
                writeln!(out, "| {} |", names.collect::<Vec<_>>().join(" | "))?;
                let rules = columns.iter().map(|column| if cell::is_number(&column.sql_type) { "---:" } else { "---" });
                writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
            }
            Format::Table | Format::Json | Format::Jsonl => {}
        }
        Ok(Self { format, columns, table: table::Table::new(columns, options.cell_width_max), rows: 0, out })
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// The writer fails.
    pub fn write(&mut self, batch: &RowBatch) -> io::Result<()> {
        for row in 0..batch.row_count() {
            match self.format {
                Format::Table => self.table.push(batch.0.columns().iter().map(|array| cell::text(array, row))),
                Format::Json => {
                    let start = if self.rows == 0 { "[\n  " } else { ",\n  " };
                    self.out.write_all(start.as_bytes())?;
                    self.object(batch, row)?;
                }
                Format::Jsonl => {
                    self.object(batch, row)?;
                    self.out.write_all(b"\n")?;
                }
                Format::Csv => {
                    for (index, array) in batch.0.columns().iter().enumerate() {
                        if index > 0 {
                            self.out.write_all(b",")?;
                        }
                        if let Some(text) = cell::text(array, row) {
                            self.out.write_all(csv_field(&text).as_bytes())?;
                        }
                    }
                    self.out.write_all(b"\r\n")?;
                }
                Format::Markdown => {
                    self.out.write_all(b"|")?;
                    for array in batch.0.columns() {
                        let text = cell::text(array, row);
                        write!(self.out, " {} |", text.map_or(NULL.to_owned(), |text| markdown_cell(&text)))?;
                    }
                    self.out.write_all(b"\n")?;
                }
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// Ends the output.
    ///
    /// # Errors
    /// The writer fails.
    pub fn finish(mut self) -> io::Result<()> {
        match self.format {
            Format::Table => self.table.write(&mut self.out)?,
            Format::Json if self.rows == 0 => self.out.write_all(b"[]\n")?,
            Format::Json => self.out.write_all(b"\n]\n")?,
            Format::Jsonl | Format::Csv | Format::Markdown => {}
        }
        self.out.flush()
    }

    /// A row as a JSON object with its columns in order.
    fn object(&mut self, batch: &RowBatch, row: usize) -> io::Result<()> {
        for (index, (column, array)) in self.columns.iter().zip(batch.0.columns()).enumerate() {
            let start = if index == 0 { "{" } else { "," };
            let name = Value::from(column.name.as_str());
            write!(self.out, "{start}{name}:{}", cell::value(array, row))?;
        }
        let end = if self.columns.is_empty() { "{}" } else { "}" };
        self.out.write_all(end.as_bytes())
    }
}

fn csv_field(text: &str) -> String {
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn markdown_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' => cell.push_str("\\|"),
            '\\' => cell.push_str("\\\\"),
            '<' => cell.push_str("&lt;"),
            '&' => cell.push_str("&amp;"),
            '`' | '*' | '_' | '[' => {
                cell.push('\\');
                cell.push(character);
            }
            '\n' => cell.push_str("<br>"),
            '\r' => {}
            other => cell.push(table::harmless(other)),
        }
    }
    cell
}
