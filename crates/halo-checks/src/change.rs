//! What became of findings in other traces: a newer batch, or the same harness after a change.

use std::cmp::Ordering;

use halo_protocol::{CheckOutcome, Finding, FindingSource, Interval, Report, Severity};
use serde::Serialize;

use crate::statistics::{as_f64, fisher_exact};
use crate::{CheckError, CheckReport, Gate, sql};

/// Rates differ when chance would make them differ as much less often than this.
const P_VALUE_MAX: f64 = 0.05;
/// A group of runs stands out so far that it would have stood out before: by so many times what the check matched elsewhere, and as seldom by chance.
const PLAIN_TIMES: f64 = 6.0;
const PLAIN_P_VALUE_MAX: f64 = 1e-6;

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the newer traces have it.
    New,
    /// It happens more often.
    Worse,
    /// It happens about as often.
    Held,
    /// It happens less often.
    Better,
    /// It does not happen any more.
    Gone,
    /// Nothing can be said: there are no traces in which it could happen, too few to miss it, or its statement does not run there.
    Unmeasured,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Worse => "worse",
            Self::Held => "held",
            Self::Better => "better",
            Self::Gone => "gone",
            Self::Unmeasured => "unmeasured",
        }
    }

    /// Whether the newer traces are the worse for it.
    #[must_use]
    pub fn is_regression(self) -> bool {
        matches!(self, Self::New | Self::Worse)
    }
}

/// How often something happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// Traces in which it did.
    pub affected: u64,
    /// Traces in which it could have.
    pub population: u64,
    /// The one over the other.
    pub rate: f64,
    /// 95 % interval of the rate.
    pub interval: Interval,
}

impl Rate {
    /// The rate of these counts.
    #[must_use]
    pub fn of(affected: u64, population: u64) -> Self {
        let rate = as_f64(affected) / as_f64(population.max(1));
        Self { affected, population, rate, interval: Interval::wilson(affected, population) }
    }

    /// The rate of what is left when these are told apart.
    fn without(&self, told: impl Iterator<Item = u64>) -> Self {
        Self::of(self.affected.saturating_sub(told.sum()), self.population)
    }
}

/// A finding then and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingChange {
    /// Id of the finding.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The check that finds it; `None` of a finding of an agent's.
    pub check: Option<String>,
    /// How much it hurts.
    pub severity: Severity,
    /// What became of it.
    pub change: Change,
    /// How often it happened in the traces of the report; `None` when it is new.
    pub before: Option<Rate>,
    /// How often it happens in the others; `None` when that can't be measured.
    pub now: Option<Rate>,
    /// How likely rates that differ as much are when nothing changed: Fisher's exact test, two-sided.
    pub p_value: Option<f64>,
    /// Why nothing can be said.
    pub note: Option<String>,
}

impl FindingChange {
    /// A finding that is compared with nothing.
    #[must_use]
    pub fn of(finding: &Finding, change: Change) -> Self {
        let check = match &finding.source {
            FindingSource::Check { name } => Some(name.clone()),
            FindingSource::Agent { .. } => None,
        };
        Self {
            id: finding.id.clone(),
            title: finding.title.clone(),
            check,
            severity: finding.severity,
            change,
            before: None,
            now: Some(Rate::of(finding.affected, finding.population)),
            p_value: None,
            note: None,
        }
    }
}

/// Compares what a report says with other traces, and with what the checks find there; the worst first.
///
/// A check's finding that the report does not have is judged by what its check matched then beyond what was told: the same matches make other
/// findings when they come from fewer tools, cross a threshold, or when what explained them is gone.
///
/// # Errors
/// The traces can't be read, or the caller cancelled.
pub async fn changes(gate: &Gate, before: &Report, now: &CheckReport) -> Result<Vec<FindingChange>, CheckError> {
    let mut changes = Vec::new();
    for finding in &before.findings {
        changes.push(change(finding, gate.count(finding).await?));
    }
    let baseline = Baseline { findings: &before.findings, checks: &before.coverage.checks, changes: &changes };
    let others = now.findings.iter().filter(|finding| before.findings.iter().all(|known| known.id != finding.id));
    // Part of what is measured above as a whole.
    let others =
        others.filter(|finding| !sql::is_of_group(&finding.affected_sql) || !is_told_whole(finding, &before.findings));
    let others: Vec<FindingChange> = others.map(|finding| baseline.beside(finding, &now.outcomes)).collect();
    changes.extend(others);
    changes.sort_by(|a, b| (a.change, b.severity, &a.id).cmp(&(b.change, a.severity, &b.id)));
    Ok(changes)
}

/// Whether one of these findings tells all that the check of this one matches.
fn is_told_whole(finding: &Finding, known: &[Finding]) -> bool {
    known.iter().any(|known| known.source == finding.source && is_of_all(known))
}

/// Whether a finding is of no one subject or group.
fn is_of_all(finding: &Finding) -> bool {
    !sql::is_of_subject(&finding.affected_sql) && !sql::is_of_group(&finding.affected_sql)
}

/// An earlier report, and what became of its findings.
struct Baseline<'a> {
    findings: &'a [Finding],
    checks: &'a [CheckOutcome],
    /// One for each of the findings, in their order.
    changes: &'a [FindingChange],
}

impl Baseline<'_> {
    /// What a check's finding is that the report does not have, beside what the check matched then.
    fn beside(&self, finding: &Finding, now: &[CheckOutcome]) -> FindingChange {
        let as_new = FindingChange::of(finding, Change::New);
        let of = |outcomes: &[CheckOutcome]| {
            let outcome = outcomes.iter().find(|outcome| Some(&outcome.name) == as_new.check.as_ref());
            outcome
                .filter(|outcome| outcome.error.is_none())
                .map(|outcome| Rate::of(outcome.affected, outcome.population))
        };
        let (Some(all_before), Some(all_now)) = (of(self.checks), of(now)) else {
            return as_new;
        };
        let told = self.findings.iter().zip(self.changes).filter(|(_, change)| change.check == as_new.check);
        let told: Vec<(&Finding, &FindingChange)> = told.collect();
        let is_of_one = !sql::is_of_all(&finding.affected_sql) && !told.iter().any(|(known, _)| is_of_all(known));
        let was = if is_of_one {
            // What is told of other subjects and groups is not this one's.
            all_before.without(told.iter().map(|(known, _)| known.affected))
        } else {
            all_before
        };
        let is_of_group = sql::is_of_group(&finding.affected_sql);
        if was.affected == 0 || is_of_one && is_of_group && is_plain(finding, &was) {
            return as_new;
        }
        let is = match (is_of_one, is_of_group) {
            (true, true) => all_now.without(told.iter().filter_map(|(_, change)| Some(change.now?.affected))),
            (true, false) => Rate::of(finding.affected, finding.population),
            _ => all_now,
        };
        let (mut change, p_value) = compared(&was, &is);
        // The others of its check may have become fewer, and it is told all the same.
        if is_of_group && change == Change::Better {
            change = Change::Held;
        }
        let note = if is_of_one { "before, too seldom to be a finding" } else { "told together with others before" };
        FindingChange {
            change,
            before: Some(was),
            now: Some(is),
            p_value: Some(p_value),
            note: Some(note.to_owned()),
            ..as_new
        }
    }
}

/// Whether the group of a finding stands out so far that it was not there before: it would have been told.
fn is_plain(finding: &Finding, was: &Rate) -> bool {
    finding.scope.first().is_some_and(|group| {
        let rate = Rate::of(group.affected, group.population).rate;
        group.p_value <= PLAIN_P_VALUE_MAX && rate >= PLAIN_TIMES * was.rate
    })
}

/// Whether one rate is another, and how likely as much of a difference is by chance.
fn compared(before: &Rate, now: &Rate) -> (Change, f64) {
    let (hits, all) = (now.affected + before.affected, now.population + before.population);
    let p_value = fisher_exact(now.affected, now.population, hits, all);
    let change = match now.rate.total_cmp(&before.rate) {
        Ordering::Greater if p_value < P_VALUE_MAX => Change::Worse,
        Ordering::Less if p_value < P_VALUE_MAX => Change::Better,
        _ => Change::Held,
    };
    (change, p_value)
}

/// What became of one finding, by its counts in the other traces.
fn change(finding: &Finding, counted: Result<(u64, u64), String>) -> FindingChange {
    let before = Rate::of(finding.affected, finding.population);
    let (change, now, p_value, note) = match counted {
        Err(reason) => (Change::Unmeasured, None, None, Some(reason)),
        Ok((_, 0)) => {
            let note = "there are no traces in which it could happen".to_owned();
            (Change::Unmeasured, Some(Rate::of(0, 0)), None, Some(note))
        }
        Ok((affected, population)) => {
            let now = Rate::of(affected, population);
            let (change, p_value) = compared(&before, &now);
            match (affected, change) {
                (0, Change::Better) => (Change::Gone, Some(now), Some(p_value), None),
                (0, _) => {
                    let note = "not seen, in too few traces to tell".to_owned();
                    (Change::Unmeasured, Some(now), Some(p_value), Some(note))
                }
                _ => (change, Some(now), Some(p_value), None),
            }
        }
    };
    FindingChange { before: Some(before), now, p_value, note, ..FindingChange::of(finding, change) }
}

#[cfg(test)]
mod tests {
    use halo_protocol::ScopeEntry;

    use super::*;

    fn finding(affected: u64, population: u64) -> Finding {
        Finding {
            id: "f".into(),
            title: "Calls time out".into(),
            category: "tool_use".into(),
            severity: Severity::High,
            claim: String::new(),
            cause: String::new(),
            fix: String::new(),
            affected_sql: String::new(),
            population_sql: String::new(),
            affected,
            population,
            rate: 0.0,
            interval: Interval::wilson(affected, population),
            scope: Vec::new(),
            evidence: Vec::new(),
            code: Vec::new(),
            outcomes: None,
            trend: Vec::new(),
            conversations: Vec::new(),
            sample_trace_ids: Vec::new(),
            source: FindingSource::Check { name: "timeouts".into() },
            verified: true,
        }
    }

    #[test]
    fn rates_are_told_apart_where_chance_does_not_explain_them() {
        let change = |counted: Result<(u64, u64), String>| {
            let change = change(&finding(20, 100), counted);
            (change.change, change.now.map(|rate| rate.affected), change.note)
        };
        assert_eq!(change(Ok((22, 100))), (Change::Held, Some(22), None));
        assert_eq!(change(Ok((60, 100))), (Change::Worse, Some(60), None));
        assert_eq!(change(Ok((2, 100))), (Change::Better, Some(2), None));
        // Too few to say more than that it still happens.
        assert_eq!(change(Ok((1, 1))), (Change::Held, Some(1), None));
        assert_eq!(change(Ok((0, 100))), (Change::Gone, Some(0), None));
        let too_few = Some("not seen, in too few traces to tell".to_owned());
        assert_eq!(change(Ok((0, 5))), (Change::Unmeasured, Some(0), too_few));
        let nowhere = "there are no traces in which it could happen".to_owned();
        assert_eq!(change(Ok((0, 0))), (Change::Unmeasured, Some(0), Some(nowhere)));
        assert_eq!(change(Err("no column x".into())), (Change::Unmeasured, None, Some("no column x".into())));
    }

    fn outcome(affected: u64, population: u64) -> CheckOutcome {
        CheckOutcome {
            name: "timeouts".into(),
            title: String::new(),
            affected,
            population,
            findings: 1,
            one_offs: Vec::new(),
            untold: None,
            error: None,
        }
    }

    #[test]
    fn what_a_check_matched_before_is_not_new() {
        let change = |findings: &[(u64, &str)], matched: Option<u64>, now| {
            let checks: Vec<CheckOutcome> = matched.map(|matched| outcome(matched, 100)).into_iter().collect();
            let told = findings.iter().map(|(affected, condition)| Finding {
                affected_sql: sql::distinct_traces("SELECT 1", Some(*condition).filter(|text| !text.is_empty())),
                ..finding(*affected, 100)
            });
            let findings: Vec<Finding> = told.collect();
            let changes: Vec<FindingChange> =
                findings.iter().map(|finding| FindingChange::of(finding, Change::Held)).collect();
            let baseline = Baseline { findings: &findings, checks: &checks, changes: &changes };
            baseline.beside(&finding(now, 100), &[outcome(now, 100)]).change
        };
        // Nothing was told of it, and little was there.
        assert_eq!(change(&[], Some(30), 8), Change::Better);
        assert_eq!(change(&[], Some(4), 8), Change::Held);
        assert_eq!(change(&[], Some(2), 40), Change::Worse);
        assert_eq!(change(&[], Some(0), 8), Change::New);
        assert_eq!(change(&[], None, 8), Change::New);
        // All that was there was another tool's, and so this is new; or it was told of all tools together.
        assert_eq!(change(&[(12, "subject = 'a'")], Some(12), 8), Change::New);
        assert_eq!(change(&[(12, "")], Some(12), 8), Change::Held);
        assert_eq!(change(&[(12, "subject IS NULL OR subject NOT IN ('a')")], Some(12), 8), Change::Held);
    }

    #[test]
    fn a_group_is_compared_with_what_else_the_check_matched() {
        let in_group = |condition: &str, affected, (hits, size, p_value)| Finding {
            affected_sql: sql::within_traces(&sql::distinct_traces("SELECT 1", None), condition),
            scope: vec![ScopeEntry {
                key: "release".into(),
                value: "2".into(),
                affected: hits,
                population: size,
                among: 5000,
                lift: 1.0,
                p_value,
            }],
            ..finding(affected, 5000)
        };
        // A group of 100 was told before and is measured as 90 now; the check matched 300 beside it.
        let change = |matched_now, group: (u64, u64, f64)| {
            let findings = [in_group("release = '1'", 100, (100, 1000, 1e-9))];
            let known =
                FindingChange { now: Some(Rate::of(90, 5000)), ..FindingChange::of(&findings[0], Change::Held) };
            let baseline = Baseline { findings: &findings, checks: &[outcome(400, 5000)], changes: &[known] };
            let told = baseline.beside(&in_group("release = '2'", group.0, group), &[outcome(matched_now, 5000)]);
            (told.change, told.before.map(|rate| rate.affected), told.now.map(|rate| rate.affected))
        };
        // As many as ever: it stands out by a little more than before.
        assert_eq!(change(400, (40, 200, 1e-4)), (Change::Held, Some(300), Some(310)));
        // Fewer than ever, and it is none of those that were told.
        assert_eq!(change(300, (40, 200, 1e-4)), (Change::Held, Some(300), Some(210)));
        assert_eq!(change(560, (150, 500, 1e-4)), (Change::Worse, Some(300), Some(470)));
        // Nobody could have passed over it.
        assert_eq!(change(400, (80, 200, 1e-12)), (Change::New, None, Some(80)));
    }
}
