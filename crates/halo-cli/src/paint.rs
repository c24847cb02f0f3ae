//! A marked text as a person reads it: in colour, and wrapped to the terminal so that what belongs together stays under its indent.

use halo_query::{Mark, MarkedText};

/// Narrower terminals get lines of this width.
const WIDTH_MIN: usize = 40;

/// Columns that the second part of a line about a step is set in.
const HANGING: usize = 4;

/// A text for standard output. `width` is that of a terminal; without one, lines are as long as they are.
pub(crate) fn painted(text: &MarkedText, colored: bool, width: Option<usize>) -> String {
    let mut out = String::new();
    for line in lines(text) {
        let parts = match width {
            Some(width) => wrapped(&line, width.max(WIDTH_MIN)),
            None => vec![line],
        };
        for part in parts {
            for (piece, mark) in part {
                match mark.filter(|_| colored) {
                    Some(mark) => out.push_str(&format!("\u{1b}[{}m{piece}\u{1b}[0m", code(mark))),
                    None => out.push_str(&piece),
                }
            }
            out.push('\n');
        }
    }
    out
}

fn code(mark: Mark) -> &'static str {
    match mark {
        Mark::Title => "1",
        Mark::Kind => "1;34",
        Mark::Label => "36",
        Mark::Failure => "1;31",
        Mark::Slow => "33",
        Mark::Id | Mark::Reference | Mark::Note => "2",
    }
}

type Line = Vec<(String, Option<Mark>)>;

fn lines(text: &MarkedText) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for (piece, mark) in text.pieces() {
        for (number, part) in piece.split('\n').enumerate() {
            if number > 0 {
                lines.push(Line::new());
            }
            if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                line.push((part.to_owned(), mark));
            }
        }
    }
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

/// A line in parts of at most this many characters.
fn wrapped(line: &Line, width: usize) -> Vec<Line> {
    let plain: String = line.iter().map(|(piece, _)| piece.as_str()).collect();
    if plain.chars().count() <= width {
        return vec![line.clone()];
    }
    let indent = plain.chars().take_while(|c| *c == ' ').count().min(width / 2);
    let is_data = plain.trim_start().split(" | ").next().is_some_and(|label| !label.contains('['))
        && (plain.contains(" | ") || plain.trim_start().starts_with("| "));
    let hanging = if is_data { format!("{}| ", " ".repeat(indent)) } else { " ".repeat(indent + HANGING) };
    let mut parts = vec![Line::new()];
    let mut used = 0;
    for (piece, mark) in line {
        let mut rest = piece.as_str();
        while !rest.is_empty() {
            if used == width {
                parts.push(vec![(hanging.clone(), None)]);
                used = hanging.chars().count();
            }
            let end = rest.char_indices().nth(width - used).map_or(rest.len(), |(end, _)| end);
            used += rest[..end].chars().count();
            if let Some(part) = parts.last_mut() {
                part.push((rest[..end].to_owned(), *mark));
            }
            rest = &rest[end..];
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(text: &str) -> Vec<String> {
        let line = vec![(text.to_owned(), None)];
        let parts = wrapped(&line, 20);
        parts.into_iter().map(|part| part.into_iter().map(|(piece, _)| piece).collect()).collect()
    }

    #[test]
    fn what_belongs_together_stays_under_its_indent() {
        assert_eq!(wrap("short"), ["short"]);
        assert_eq!(wrap("  user | 0123456789012345678"), ["  user | 01234567890", "  | 12345678"]);
        assert_eq!(wrap("  | 012345678901234567890"), ["  | 0123456789012345", "  | 67890"]);
        assert_eq!(wrap("  1 TOOL find [id] took 1s"), ["  1 TOOL find [id] t", "      ook 1s"]);
    }
}
