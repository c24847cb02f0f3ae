//! What the tests of the checks share.

use super::problem::Problem;

/// Holds the problems, in order, against a part of each line that is expected.
pub(super) fn check(problems: &[Problem], expected: &[&str]) {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let matches = lines.len() == expected.len() && lines.iter().zip(expected).all(|(line, part)| line.contains(part));
    assert!(matches, "expected {expected:#?}\nfound {lines:#?}");
}
