//! What was looked at: checks and what came of them, runs read, and what was seen without being systemic.

use halo_protocol::{CheckOutcome, Report, RunMode, Untold};
use serde::Serialize;

use super::Quote;
use crate::number::{counted, grouped};
use crate::text;

/// Checks named beside the findings.
const ALSO_NAMED: usize = 6;

/// What a run looked at and what not.
#[derive(Debug, Serialize)]
pub(crate) struct LookedAt {
    /// Sentences about runs checked and read.
    pub(crate) sentences: Vec<String>,
    /// Every check: failed ones first, then those with findings, with matches, with nothing.
    pub(crate) checks: Vec<CheckRow>,
}

/// One check and its outcome.
#[derive(Debug, Serialize)]
pub(crate) struct CheckRow {
    /// Name of the check.
    pub(crate) name: String,
    /// What it looks for.
    pub(crate) title: String,
    /// Matched runs of those it looked at.
    pub(crate) matched: String,
    /// What came of it.
    pub(crate) outcome: String,
    /// `failed`, `found`, `below` or `clean`.
    pub(crate) kind: &'static str,
}

/// Something that was seen too seldom to be systemic.
#[derive(Debug, Serialize)]
pub(crate) struct OneOff {
    /// What the check looks for.
    pub(crate) title: String,
    /// How often it was seen.
    pub(crate) seen: String,
    /// Where.
    pub(crate) quotes: Vec<Quote>,
}

impl LookedAt {
    /// What the run of a report looked at, in a dataset of `total` runs.
    pub(crate) fn new(report: &Report, total: u64) -> Self {
        let mut checks: Vec<CheckRow> = report.coverage.checks.iter().map(CheckRow::new).collect();
        let order = ["failed", "found", "below", "clean"];
        checks.sort_by_key(|row| order.iter().position(|kind| *kind == row.kind));
        Self { sentences: sentences(report, total, &checks), checks }
    }
}

impl CheckRow {
    fn new(check: &CheckOutcome) -> Self {
        let (kind, outcome) = match (&check.error, check.findings, check.affected, check.population) {
            (Some(error), ..) => ("failed", format!("could not run: {}", text::line(error))),
            (None, 1.., _, _) => ("found", counted(check.findings, "finding", "findings")),
            (None, 0, _, 0) => ("clean", "no run of the kind it looks at".to_owned()),
            (None, 0, 0, _) => ("clean", "nothing found".to_owned()),
            (None, 0, ..) => ("below", format!("no finding of its own: {}", untold(check))),
        };
        let matched = match check.error {
            Some(_) => "–".to_owned(),
            None => format!("{} of {}", grouped(check.affected), grouped(check.population)),
        };
        Self { name: text::value(&check.name), title: text::line(&check.title), matched, outcome, kind }
    }
}

fn sentences(report: &Report, total: u64, checks: &[CheckRow]) -> Vec<String> {
    let coverage = &report.coverage;
    let runs = |number: u64| counted(number, "run", "runs");
    let mut sentences = Vec::new();
    let of_kind = |kind: &str| checks.iter().filter(|row| row.kind == kind).count() as u64;
    let (found, below, clean, failed) = (of_kind("found"), of_kind("below"), of_kind("clean"), of_kind("failed"));
    if checks.is_empty() {
        sentences.push("No built-in check ran.".to_owned());
    } else {
        let checked = coverage.traces_checked;
        sentences.push(match (checked, total) {
            (checked, total) if checked == total && total > 1 => {
                format!("Every check counted over all {} by SQL.", runs(total))
            }
            (checked, total) => format!("The checks counted over {} of {} by SQL.", grouped(checked), runs(total)),
        });
        let parts = [
            (found, "gave findings"),
            (below, "matched runs that are too few, or that another finding tells of"),
            (clean, "found nothing"),
            (failed, "could not run"),
        ];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let listed: Vec<String> = parts.map(|(number, what)| format!("{number} {what}")).collect();
        let all = checks.len() as u64;
        sentences.push(match all {
            2.. if clean == all => format!("None of the {} checks found anything.", grouped(all)),
            _ => format!("Of {}, {}.", counted(all, "check", "checks"), listed.join("; ")),
        });
    }
    sentences.push(match (&report.run.mode, coverage.traces_read) {
        (RunMode::Offline, _) => {
            "No model read any run: faults that only show in what the texts mean were not looked for.".to_owned()
        }
        (RunMode::Model { .. }, read) => {
            format!("The model read the text of {} of {}.", grouped(read), runs(total))
        }
    });
    sentences
}

/// Why a check that matched runs has no finding.
fn untold(check: &CheckOutcome) -> &'static str {
    match check.untold {
        Some(Untold::TooFew) => "too few",
        Some(Untold::NoGroup) => "no group of runs has it far more often than others",
        Some(Untold::ToldElsewhere) => "other findings tell of these runs",
        None => "too few, or told by another finding",
    }
}

/// The checks that matched runs and gave no finding, so that nobody has to look for them in the table.
pub(crate) fn also_seen(checks: &[CheckOutcome]) -> Option<String> {
    let mut seen: Vec<&CheckOutcome> =
        checks.iter().filter(|check| check.error.is_none() && check.findings == 0 && check.affected > 0).collect();
    seen.sort_by_key(|check| std::cmp::Reverse(check.affected));
    let named = seen.iter().take(ALSO_NAMED).map(|check| {
        let of = format!("{} of {}", grouped(check.affected), grouped(check.population));
        format!("{} ({of}: {})", text::value(&check.title), untold(check))
    });
    let mut named: Vec<String> = named.collect();
    if seen.len() > ALSO_NAMED {
        named.push(format!("and {} more", seen.len() - ALSO_NAMED));
    }
    let checks = counted(seen.len() as u64, "more check", "more checks");
    (!seen.is_empty()).then(|| format!("{checks} matched runs without a finding of their own: {}.", named.join("; ")))
}

/// Examples of what matched below a check's threshold.
pub(crate) fn one_offs(checks: &[CheckOutcome]) -> Vec<OneOff> {
    let with_examples = checks.iter().filter(|check| !check.one_offs.is_empty());
    with_examples
        .map(|check| {
            let of = format!("{} of {}", grouped(check.affected), counted(check.population, "run", "runs"));
            let seen = if check.findings == 0 {
                format!("{of}: {}.", untold(check))
            } else {
                "Matches that belong to no finding above.".to_owned()
            };
            let quotes = check.one_offs.iter().map(Quote::new).collect();
            OneOff { title: text::line(&check.title), seen, quotes }
        })
        .collect()
}
