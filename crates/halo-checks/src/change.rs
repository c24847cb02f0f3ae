//! What became of findings in other traces: a newer batch, or the same harness after a change.

use halo_protocol::{Finding, FindingSource, Interval, Severity};
use serde::Serialize;

use crate::statistics::{as_f64, fisher_exact};
use crate::{CheckError, Gate};

/// Rates differ when chance would make them differ as much less often than this.
const P_VALUE_MAX: f64 = 0.05;

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
    /// Nothing can be said: there are no traces in which it could happen, or its statement does not run there.
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

/// Compares the findings of a report with other traces, and with what the checks find there; the worst first.
///
/// # Errors
/// The traces can't be read, or the caller cancelled.
pub async fn changes(gate: &Gate, before: &[Finding], now: &[Finding]) -> Result<Vec<FindingChange>, CheckError> {
    let mut changes = Vec::new();
    for finding in before {
        changes.push(change(finding, gate.count(finding).await?));
    }
    let is_new = |finding: &&Finding| before.iter().all(|known| known.id != finding.id);
    changes.extend(now.iter().filter(is_new).map(|finding| FindingChange::of(finding, Change::New)));
    changes.sort_by(|a, b| (a.change, b.severity, &a.id).cmp(&(b.change, a.severity, &b.id)));
    Ok(changes)
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
            let p_value =
                fisher_exact(affected, population, affected + before.affected, population + before.population);
            let change = match now.rate.total_cmp(&before.rate) {
                _ if affected == 0 => Change::Gone,
                std::cmp::Ordering::Greater if p_value < P_VALUE_MAX => Change::Worse,
                std::cmp::Ordering::Less if p_value < P_VALUE_MAX => Change::Better,
                _ => Change::Held,
            };
            (change, Some(now), Some(p_value), None)
        }
    };
    FindingChange { before: Some(before), now, p_value, note, ..FindingChange::of(finding, change) }
}

#[cfg(test)]
mod tests {
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
        let nowhere = "there are no traces in which it could happen".to_owned();
        assert_eq!(change(Ok((0, 0))), (Change::Unmeasured, Some(0), Some(nowhere)));
        assert_eq!(change(Err("no column x".into())), (Change::Unmeasured, None, Some("no column x".into())));
    }
}
