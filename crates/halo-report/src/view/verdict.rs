//! The first sentences of a report: how many faults, how many runs they hit, and what stands in the way of
//! believing it.

use std::collections::HashSet;

use halo_protocol::{Finding, Report, RunEnd, RunMode, Severity};
use serde::Serialize;

use crate::number::{counted, grouped, percent, share};
use crate::prose::{Line, lines, title};
use crate::text;

/// What the report opens with.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// `4 systemic faults in 150 runs.`
    pub(crate) headline: String,
    /// How many runs the faults hit together, or what was looked for when there is none.
    pub(crate) reach: String,
    /// `1 critical, 2 high`, by falling severity.
    pub(crate) tally: Vec<Tally>,
    /// Title of the finding to fix first; `None` when there is no choice.
    pub(crate) first: Option<Line>,
    /// The first thing to do about it.
    pub(crate) first_step: Option<Line>,
}

/// How many findings have a severity.
#[derive(Debug, Serialize)]
pub(crate) struct Tally {
    /// The severity's name.
    pub(crate) severity: &'static str,
    /// Findings with it.
    pub(crate) count: usize,
}

impl Verdict {
    /// The verdict of a report over `total` runs.
    pub(crate) fn new(report: &Report, total: u64) -> Self {
        let runs = counted(total, "run", "runs");
        let faults = counted(report.findings.len() as u64, "systemic fault", "systemic faults");
        let (headline, reach) = match (report.findings.is_empty(), total) {
            (true, 0) => ("No runs to analyse.".to_owned(), "The dataset is empty.".to_owned()),
            (true, _) if report.run.end == RunEnd::Complete => {
                (format!("No systemic fault found in {runs}."), looked_for(report))
            }
            (true, _) => (format!("No systemic fault found so far in {runs}."), looked_for(report)),
            (false, _) => (format!("{faults} in {runs}."), reach(report, total)),
        };
        Self {
            headline,
            reach,
            tally: tally(&report.findings),
            first: first(&report.findings),
            first_step: first_step(&report.findings),
        }
    }
}

fn first(findings: &[Finding]) -> Option<Line> {
    let first = findings.first().filter(|_| findings.len() > 1)?;
    Some(title(first.title.trim_end_matches('.')))
}

fn first_step(findings: &[Finding]) -> Option<Line> {
    lines(&findings.first()?.fix).into_iter().next()
}

fn tally(findings: &[Finding]) -> Vec<Tally> {
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low]
        .into_iter()
        .map(|severity| Tally {
            severity: severity.as_str(),
            count: findings.iter().filter(|finding| finding.severity == severity).count(),
        })
        .filter(|tally| tally.count > 0)
        .collect()
}

/// How many runs the findings hit together. A finding names at most 20 of its runs, so where one hits more
/// the union is known from below only, and the sentence says so.
fn reach(report: &Report, total: u64) -> String {
    let findings = &report.findings;
    let named: HashSet<&str> =
        findings.iter().flat_map(|finding| &finding.sample_trace_ids).map(String::as_str).collect();
    let all_named = findings.iter().all(|finding| finding.sample_trace_ids.len() as u64 >= finding.affected);
    let widest = findings.iter().map(|finding| finding.affected).max().unwrap_or(0);
    let known = report.coverage.traces_hit;
    let hit = known.unwrap_or(0).max(widest).max(named.len() as u64);
    if total == 0 {
        return String::new();
    }
    let subject = if findings.len() == 1 { "It hits" } else { "Together they hit" };
    let exact = known.is_some() || all_named || findings.len() == 1 || hit == total;
    let at_least = if exact { "" } else { "at least " };
    format!("{subject} {at_least}{} of the {} ({}).", grouped(hit), grouped(total), percent(share(hit, total), total))
}

fn looked_for(report: &Report) -> String {
    let checks = report.coverage.checks.iter().filter(|check| check.error.is_none()).count() as u64;
    let read = report.coverage.traces_read;
    let mut parts = Vec::new();
    if checks > 0 {
        let looked = if checks == 1 { "looked" } else { "looked for faults" };
        parts.push(format!("{} {looked}", counted(checks, "built-in check", "built-in checks")));
    }
    if read > 0 {
        parts.push(format!("a model read {}", counted(read, "run", "runs")));
    }
    if parts.is_empty() {
        return "Nothing has looked for one yet.".to_owned();
    }
    format!("{}: see “What was looked at”.", upper_first(&parts.join(" and ")))
}

fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// How the run ended, where that is not the way it was meant to.
pub(crate) fn partial(report: &Report) -> Option<String> {
    let what = match &report.run.end {
        RunEnd::Complete => return None,
        RunEnd::BudgetSpent { limit } => format!("the budget of {limit} was spent before the run was done"),
        RunEnd::TurnLimit => "the model used up its turns before it was done".to_owned(),
        RunEnd::Failed { error } => {
            let error = text::line(error);
            format!("the model or the network failed ({})", error.trim_end_matches('.'))
        }
        RunEnd::Interrupted => "the run was interrupted".to_owned(),
    };
    Some(format!("This report is partial: {what}. It holds what was found by then."))
}

/// What else a reader has to know before the rest.
pub(crate) fn warnings(report: &Report) -> Vec<String> {
    let mut warnings = Vec::new();
    let failed = report.coverage.checks.iter().filter(|check| check.error.is_some()).count() as u64;
    if failed > 0 {
        let checks = counted(failed, "check", "checks");
        warnings.push(format!(
            "{checks} could not run, so a fault of that kind may be missing here. See “What was looked at”."
        ));
    }
    let unverified = report.findings.iter().filter(|finding| !finding.verified).count() as u64;
    if unverified > 0 {
        let findings = counted(unverified, "finding was", "findings were");
        warnings.push(format!("{findings} not re-executed against the dataset; each is marked."));
    }
    let silent = report.answer.as_deref().is_none_or(|answer| answer.trim().is_empty());
    if silent && report.run.end == RunEnd::Complete && matches!(report.run.mode, RunMode::Model { .. }) {
        warnings.push("The model ended without a summary of its own.".to_owned());
    }
    warnings
}
