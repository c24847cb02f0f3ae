//! What to fix first.

use halo_protocol::{Finding, Severity};

/// Orders findings so that the one to fix first is at the front: by harm times reach times confidence.
///
/// The score of a finding is the weight of its severity (low 1, medium 3, high 9, critical 27) times the
/// lower end of its rate's 95 % interval. A step in severity so counts as much as a threefold rate: a
/// critical fault in 5 % of the runs goes before a high one in 10 %. The lower end holds reach and confidence
/// at once: 3 of 4 runs is a high rate and little evidence, and ranks below 60 of 100.
///
/// Findings that were not re-executed come after all that were. Equal scores go by more affected traces, then
/// by id, so that the order never depends on the order of arrival.
pub fn rank(findings: &mut [Finding]) {
    findings.sort_by(|left, right| {
        right
            .verified
            .cmp(&left.verified)
            .then_with(|| score(right).total_cmp(&score(left)))
            .then_with(|| right.affected.cmp(&left.affected))
            .then_with(|| left.id.cmp(&right.id))
    });
}

/// Harm times reach times confidence. An interval that is no number scores nothing.
fn score(finding: &Finding) -> f64 {
    let low = finding.interval.low;
    if low.is_nan() {
        0.0
    } else {
        weight(finding.severity) * low.clamp(0.0, 1.0)
    }
}

fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Low => 1.0,
        Severity::Medium => 3.0,
        Severity::High => 9.0,
        Severity::Critical => 27.0,
    }
}
