//! `halo check`: the checks alone, as a gate for CI: everything that is above its threshold counts, or what is new or worse than in an earlier run.

use std::time::Duration;

use halo_checks::{Change, CheckOptions, CheckReport, FindingChange, Gate, changes};
use halo_protocol::{Finding, Severity};

use super::rows;
use crate::args::{CheckArgs, CheckFormat, Common};
use crate::commands::analyze::kept_checks;
use crate::exit::{Exit, Failure};
use crate::rules::Rules;
use crate::run_folder::RunFolder;
use crate::{interrupt, output, raw_input};

mod junit;
mod sarif;

/// Longest wall time of one query.
const QUERY_TIME_MAX: Duration = Duration::from_secs(120);

/// What came out.
pub(crate) struct Outcome {
    /// What the user named.
    inputs: Vec<String>,
    /// The least severity that counts.
    limit: Severity,
    /// What the checks gave.
    checked: CheckReport,
    /// Each finding, with what became of it when there is something to compare with; those that are gone, too.
    changes: Vec<FindingChange>,
    has_baseline: bool,
}

impl Outcome {
    /// Whether a finding counts: those of the severity that was asked for, and of them all, or what is worse than before.
    fn counts(&self, change: &FindingChange) -> bool {
        change.severity >= self.limit && (!self.has_baseline || change.change.is_regression())
    }

    /// What could not be looked at, and so has not passed.
    fn not_looked_at(&self) -> Vec<&str> {
        let checks =
            self.checked.outcomes.iter().filter(|check| check.error.is_some()).map(|check| check.name.as_str());
        let findings = self.changes.iter().filter(|change| change.severity >= self.limit && change.now.is_none());
        checks.chain(findings.map(|change| change.title.as_str())).collect()
    }

    /// The finding behind a change; `None` when it is of the baseline alone.
    fn finding(&self, change: &FindingChange) -> Option<&Finding> {
        self.checked.findings.iter().find(|finding| finding.id == change.id)
    }
}

/// Runs the command.
pub(crate) async fn run(args: &CheckArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let rules = Rules::read(args.rules.checks.as_deref(), args.rules.outcome.as_deref())?;
    let baseline = args.baseline.as_deref().map(|run| RunFolder::named(run)?.read_report()).transpose()?;
    let input = raw_input::open(&args.inputs, &args.rejects, common)?;
    let cancel = interrupt::token();
    let session = rules.session(&input.dataset, common, &cancel).await?;
    let options = CheckOptions { time_max: QUERY_TIME_MAX, deadline: None };
    let checked = kept_checks::found(&rules, &session, &input.dataset, options, &cancel).await?;
    let changes = match &baseline {
        Some(baseline) => changes(&Gate::new(session, options, cancel), baseline, &checked).await?,
        None => checked.findings.iter().map(|finding| FindingChange::of(finding, Change::Held)).collect(),
    };
    let limit = args.fail_on.severity();
    let inputs = args.inputs.clone();
    let outcome = Outcome { inputs, limit, checked, changes, has_baseline: baseline.is_some() };
    print(&outcome, args.format)?;
    Ok(gate(&outcome, common))
}

fn print(outcome: &Outcome, format: CheckFormat) -> Result<(), Failure> {
    let Some(format) = format.rows() else {
        return output::stdout(&match format {
            CheckFormat::Sarif => sarif::document(outcome),
            _ => junit::document(outcome),
        });
    };
    rows::print_changes(&outcome.changes, outcome.has_baseline, format)
}

/// Whether the gate fires, and why.
fn gate(outcome: &Outcome, common: &Common) -> Exit {
    let counted = outcome.changes.iter().filter(|change| outcome.counts(change)).count();
    let missing = outcome.not_looked_at();
    if !missing.is_empty() {
        output::warning(&format!("not looked at, and so not passed: {}", missing.join("; ")));
    }
    if counted > 0 {
        let what = if outcome.has_baseline { "new or worse " } else { "" };
        let findings = if counted == 1 { "finding" } else { "findings" };
        output::note(common, &format!("{counted} {what}{findings} of severity {} or above", outcome.limit.as_str()));
    }
    if counted > 0 || !missing.is_empty() { Exit::Gate } else { Exit::Done }
}
