//! The checks as JUnit XML, which CI services show as tests: a check is a test, and what it finds a failure.

use std::fmt::Write as _;

use halo_checks::FindingChange;

use super::Outcome;
use crate::commands::rows;

/// A test: a check, or a finding of the baseline that no check makes.
struct Case<'a> {
    name: &'a str,
    title: &'a str,
    error: Option<&'a str>,
    failures: Vec<&'a FindingChange>,
}

/// The whole document.
pub(super) fn document(outcome: &Outcome) -> String {
    let cases = cases(outcome);
    let failures = cases.iter().filter(|case| !case.failures.is_empty()).count();
    let errors = cases.iter().filter(|case| case.error.is_some()).count();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", cases.len());
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"halo\" {counts}>\n  <testsuite name=\"halo check {}\" {counts}>\n",
        escaped(&outcome.inputs.join(" "))
    );
    cases.iter().for_each(|case| push_case(&mut text, outcome, case));
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn cases(outcome: &Outcome) -> Vec<Case<'_>> {
    let counted = || outcome.changes.iter().filter(|change| outcome.counts(change));
    let of_checks = outcome.checked.outcomes.iter().map(|check| Case {
        name: &check.name,
        title: &check.title,
        error: check.error.as_deref(),
        failures: counted().filter(|change| change.check.as_ref() == Some(&check.name)).collect(),
    });
    let is_run = |name: &String| outcome.checked.outcomes.iter().any(|check| check.name == *name);
    let of_none = |change: &&FindingChange| !change.check.as_ref().is_some_and(is_run);
    let of_others = counted().filter(of_none).map(|change| Case {
        name: &change.id,
        title: &change.title,
        error: None,
        failures: vec![change],
    });
    of_checks.chain(of_others).collect()
}

fn push_case(text: &mut String, outcome: &Outcome, case: &Case<'_>) {
    // Writing to a string cannot fail.
    let _ = write!(text, "    <testcase classname=\"halo.{}\" name=\"{}\"", escaped(case.name), escaped(case.title));
    if case.error.is_none() && case.failures.is_empty() {
        text.push_str("/>\n");
        return;
    }
    text.push_str(">\n");
    if let Some(error) = case.error {
        let _ = writeln!(text, "      <error message=\"{}\"/>", escaped(error));
    }
    for change in &case.failures {
        let severity = change.severity.as_str();
        let (title, told) = (escaped(&change.title), escaped(&told(outcome, change)));
        let _ = writeln!(text, "      <failure type=\"{severity}\" message=\"{title}\">{told}</failure>");
    }
    text.push_str("    </testcase>\n");
}

/// What somebody who looks at the failure reads.
fn told(outcome: &Outcome, change: &FindingChange) -> String {
    let row = rows::told(change);
    let mut told = String::new();
    for column in ["change", "before", "now", "id"] {
        let is_known = outcome.has_baseline || !rows::OF_BASELINE.contains(&column);
        if let Some(value) = row.get(column).and_then(|value| value.as_str()).filter(|_| is_known) {
            let _ = writeln!(told, "{column}: {value}");
        }
    }
    if let Some(finding) = outcome.finding(change) {
        let _ = writeln!(told, "{}\nCause: {}\nFix: {}", finding.claim, finding.cause, finding.fix);
        for evidence in &finding.evidence {
            let _ = writeln!(told, "trace {}, span {}: {}", evidence.trace_id, evidence.span_id, evidence.quote);
        }
    }
    told
}

/// Text as XML 1.0 takes it: without the characters that it has no way to write.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_of_strangers_ends_nothing() {
        assert_eq!(escaped("</failure>\u{1b}[31m\u{0}\"a & b\n"), "&lt;/failure&gt;[31m&quot;a &amp; b&#10;");
    }
}
