//! The files that people and programs read, beside what `report.json` makes of them.

use std::io::ErrorKind;

use halo_protocol::Report;
use serde_json::Value;

use super::difference::{Difference, differences as differences_of};
use crate::args::Common;
use crate::exit::Failure;
use crate::output;
use crate::run_folder::RunFolder;

/// Longest line that is shown.
const SHOWN_CHARS: usize = 160;

/// The first line of each file that is not what the report makes of it. Files that are not there are told.
pub(super) fn differences(folder: &RunFolder, report: &Report, common: &Common) -> Result<Vec<Difference>, Failure> {
    let mut found = Vec::new();
    for (name, made) in RunFolder::pages(report)? {
        match std::fs::read(folder.file(name)) {
            Ok(bytes) if name.ends_with(".json") => found.extend(values(name, &bytes, &made)),
            Ok(bytes) => found.extend(first_difference(name, &String::from_utf8_lossy(&bytes), &made)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                output::note(common, &format!("{name} is not there, and was not compared"));
            }
            Err(error) => found.push(Difference::new(name, "file", &error.to_string(), "a page of the report")),
        }
    }
    Ok(found)
}

/// Numbers that were read and written again may differ in the last digit.
fn values(name: &str, bytes: &[u8], made: &str) -> Vec<Difference> {
    let parsed = (serde_json::from_slice::<Value>(bytes), serde_json::from_str::<Value>(made));
    match parsed {
        (Ok(value), Ok(made)) => differences_of(name, &value, &made),
        (Err(error), _) | (_, Err(error)) => {
            vec![Difference::new(name, "file", &error.to_string(), "the findings of the report")]
        }
    }
}

/// How lines end says nothing.
fn first_difference(name: &str, text: &str, made: &str) -> Option<Difference> {
    let (mut lines, mut expected) = (text.lines(), made.lines());
    for number in 1_usize.. {
        match (lines.next(), expected.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let [one, other] = [one, other].map(|line| line.unwrap_or("nothing"));
                let (one, other) = around(one, other);
                return Some(Difference::new(name, &format!("line {number}"), &one, &other));
            }
        }
    }
    None
}

/// The parts of two lines in which they differ.
fn around(one: &str, other: &str) -> (String, String) {
    const BEFORE: usize = 40;
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let part = |line: &str| line.chars().skip(same.saturating_sub(BEFORE)).take(SHOWN_CHARS).collect();
    (part(one), part(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_named() {
        let difference = |text: &str| first_difference("report.md", text, "a\nthere are 12 of 150 runs\nc\n");
        assert_eq!(difference("a\r\nthere are 12 of 150 runs\r\nc"), None);
        let expected = Difference::new("report.md", "line 2", "there are 13 of 150 runs", "there are 12 of 150 runs");
        assert_eq!(difference("a\nthere are 13 of 150 runs\nc\n"), Some(expected));
        assert_eq!(
            difference("a\nthere are 12 of 150 runs\n"),
            Some(Difference::new("report.md", "line 3", "nothing", "c"))
        );
    }
}
