//! The aligned table for terminals.

use std::borrow::Cow;
use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::NULL;
use crate::{ResultColumn, cell};

/// Between two columns.
const GAP: &str = "  ";

/// Rows of clipped cells, and how wide each column must be.
pub(super) struct Table {
    names: Vec<String>,
    right: Vec<bool>,
    widths: Vec<usize>,
    rows: Vec<Vec<String>>,
    cell_width_max: usize,
    clipped: usize,
}

impl Table {
    pub(super) fn new(columns: &[ResultColumn], cell_width_max: usize) -> Self {
        let names: Vec<String> = columns.iter().map(|column| fit(&column.name, cell_width_max).0).collect();
        Self {
            right: columns.iter().map(|column| cell::is_number(&column.sql_type)).collect(),
            widths: names.iter().map(|name| name.width()).collect(),
            names,
            rows: Vec::new(),
            cell_width_max,
            clipped: 0,
        }
    }

    pub(super) fn push<'a>(&mut self, cells: impl Iterator<Item = Option<Cow<'a, str>>>) {
        let mut row = Vec::with_capacity(self.widths.len());
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            let (text, whole) = match cell {
                None => (NULL.to_owned(), true),
                Some(text) => fit(&text, self.cell_width_max),
            };
            self.clipped += usize::from(!whole);
            *width = (*width).max(text.width());
            row.push(text);
        }
        self.rows.push(row);
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let rules: Vec<String> = self.widths.iter().map(|width| "─".repeat(*width)).collect();
        self.line(&self.names, out)?;
        self.line(&rules, out)?;
        for row in &self.rows {
            self.line(row, out)?;
        }
        let rows = match self.rows.len() {
            1 => "1 row".to_owned(),
            count => format!("{count} rows"),
        };
        match self.clipped {
            0 => writeln!(out, "({rows})"),
            1 => writeln!(out, "({rows}; 1 long cell is clipped, the other formats show it whole)"),
            count => writeln!(out, "({rows}; {count} long cells are clipped, the other formats show them whole)"),
        }
    }

    fn line(&self, cells: &[String], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                line.push_str(GAP);
            }
            let space = " ".repeat(self.widths[index].saturating_sub(cell.width()));
            if self.right[index] {
                line.push_str(&space);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&space);
            }
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// The text on one line, without control characters and at most this wide; and whether that is all of it.
fn fit(text: &str, width_max: usize) -> (String, bool) {
    let mut fitted = String::new();
    let mut width = 0;
    // Where to cut so that an ellipsis fits too.
    let mut cut = 0;
    for character in text.chars() {
        let shown = harmless(character);
        let next = width + shown.width().unwrap_or(0);
        if next > width_max {
            fitted.truncate(cut);
            fitted.push('…');
            return (fitted, false);
        }
        fitted.push(shown);
        width = next;
        if width < width_max {
            cut = fitted.len();
        }
    }
    (fitted, true)
}

/// A visible stand-in for a character that could move the cursor, change colours or turn the direction of writing.
pub(super) fn harmless(character: char) -> char {
    match character {
        '\n' => '⏎',
        '\t' => ' ',
        // The control pictures stand in the order of the control characters.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        other => other,
    }
}
