//! What to fix first.

use halo_protocol::{Finding, Interval, Severity};

/// Orders findings so that the one to fix first is at the front: by harm times reach times confidence.
///
/// The score of a finding is the weight of its severity (low 1, medium 3, high 9, critical 27) times the lower
/// end of the 95 % interval of its share of all runs. A step in severity so counts as much as a threefold
/// reach: a critical fault in 5 % of the runs goes before a high one in 10 %. The lower end holds reach and
/// confidence at once, and all runs are the measure for every finding: a fault in 3 of the 4 runs that use
/// some tool hits fewer people than one in 60 of 150.
///
/// Findings that were not re-executed come after all that were. Equal scores go by more affected traces, then
/// by id, so that the order never depends on the order of arrival.
pub fn rank(findings: &mut [Finding], traces_total: u64) {
    findings.sort_by(|left, right| {
        right
            .verified
            .cmp(&left.verified)
            .then_with(|| score(right, traces_total).total_cmp(&score(left, traces_total)))
            .then_with(|| right.affected.cmp(&left.affected))
            .then_with(|| left.id.cmp(&right.id))
    });
}

/// Harm times reach times confidence.
fn score(finding: &Finding, traces_total: u64) -> f64 {
    // A population outside the dataset's traces would be a bug elsewhere; it must not turn the order around.
    let reach = Interval::wilson(finding.affected, traces_total.max(finding.affected));
    weight(finding.severity) * reach.low
}

fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Low => 1.0,
        Severity::Medium => 3.0,
        Severity::High => 9.0,
        Severity::Critical => 27.0,
    }
}
