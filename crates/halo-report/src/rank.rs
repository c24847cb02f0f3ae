//! What to fix first.

use halo_protocol::{Finding, Interval, OutcomeContrast, Severity};

/// Orders findings so that the one to fix first is at the front: by harm times reach times confidence.
///
/// The score of a finding is the weight of its severity (low 1, medium 3, high 9, critical 27) times the lower
/// end of the 95 % interval of its share of all runs. A step in severity so counts as much as a threefold
/// reach: a critical fault in 5 % of the runs goes before a high one in 10 %. The lower end holds reach and
/// confidence at once, and all runs are the measure for every finding: a fault in 3 of the 4 runs that use
/// some tool hits fewer people than one in 60 of 150.
///
/// Where runs tell how they ended, that is evidence of harm, and moves a finding by half a step, a factor of
/// the square root of 3, so never past one of the next severity with the same reach:
///
/// * A high finding says that runs fail. If it is hardly more frequent among failed runs than among passed
///   ones, it goes half a step down. A critical one does not: its harm outlasts the run, also one that passed.
/// * A low or medium finding that is at least twice as frequent among failed runs goes half a step up: it hurts
///   more than its severity says. By half a step only, since what goes together need not cause one another.
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

/// Half a step of severity.
const HALF_STEP: f64 = 1.732_050_807_568_877_2;

/// Harm times reach times confidence.
pub(crate) fn score(finding: &Finding, traces_total: u64) -> f64 {
    let evidence = match half_step(finding) {
        Some(HalfStep::Up) => HALF_STEP,
        Some(HalfStep::Down) => 1.0 / HALF_STEP,
        None => 1.0,
    };
    weight(finding.severity) * evidence * reach(finding, traces_total).low
}

/// The share of all runs that is hit, as far as it is known.
pub(crate) fn reach(finding: &Finding, traces_total: u64) -> Interval {
    // A population outside the dataset's traces would be a bug elsewhere; it must not turn the order around.
    Interval::wilson(finding.affected, traces_total.max(finding.affected))
}

fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Low => 1.0,
        Severity::Medium => 3.0,
        Severity::High => 9.0,
        Severity::Critical => 27.0,
    }
}

/// Which way the ends of the runs move a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HalfStep {
    /// Failed runs have it far more often, which its severity does not say.
    Up,
    /// Failed runs hardly have it more often, though its severity says that runs fail.
    Down,
}

/// How the ends of the runs move a finding, if they do.
pub(crate) fn half_step(finding: &Finding) -> Option<HalfStep> {
    match (finding.severity, harm(finding.outcomes.as_ref()?)?) {
        (Severity::High, Harm::Hardly) => Some(HalfStep::Down),
        (Severity::Low | Severity::Medium, Harm::Twice) => Some(HalfStep::Up),
        _ => None,
    }
}

/// What the ends of the runs say about harm, where the counts suffice to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// At least twice as frequent among failed runs as among passed ones, 95 % sure.
    Twice,
    /// More frequent among failed runs, 95 % sure.
    More,
    /// At most a fifth more frequent among failed runs as counted, and less than twice as frequent, 95 % sure.
    Hardly,
}

/// What a contrast says about harm; `None` where it is too thin to say anything.
pub(crate) fn harm(outcomes: &OutcomeContrast) -> Option<Harm> {
    let ratio = ratio(outcomes)?;
    match ratio {
        Ratio { low, .. } if low >= 2.0 => Some(Harm::Twice),
        Ratio { low, .. } if low > 1.0 => Some(Harm::More),
        Ratio { counted, high, .. } if counted <= 1.2 && high < 2.0 => Some(Harm::Hardly),
        _ => None,
    }
}

/// How many times as frequent something is among failed runs as among passed ones, and the 95 % interval.
struct Ratio {
    low: f64,
    counted: f64,
    high: f64,
}

/// The ratio of two rates by Katz's logarithmic interval, with half a run added to every count so that none is zero (Pettigrew,
/// Gart and Thomas 1986).
#[expect(clippy::cast_precision_loss, reason = "counts of traces stay far below 2^52")]
fn ratio(outcomes: &OutcomeContrast) -> Option<Ratio> {
    if outcomes.failed == 0 || outcomes.passed == 0 {
        return None;
    }
    let part = |affected: u64, all: u64| (affected.min(all) as f64 + 0.5, all as f64 + 0.5);
    let (hit_failed, failed) = part(outcomes.failed_affected, outcomes.failed);
    let (hit_passed, passed) = part(outcomes.passed_affected, outcomes.passed);
    let counted = (hit_failed / failed) / (hit_passed / passed);
    let error = (1.0 / hit_failed - 1.0 / failed + 1.0 / hit_passed - 1.0 / passed).max(0.0).sqrt();
    let spread = (1.959_963_984_540_054 * error).exp();
    Some(Ratio { low: counted / spread, counted, high: counted * spread })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(failed_affected: u64, failed: u64, passed_affected: u64, passed: u64) -> OutcomeContrast {
        OutcomeContrast { failed_affected, failed, passed_affected, passed }
    }

    #[test]
    fn the_ends_of_the_runs_tell_of_harm_only_where_they_suffice() {
        assert_eq!(harm(&outcomes(11, 20, 2, 81)), Some(Harm::Twice));
        assert_eq!(harm(&outcomes(60, 100, 60, 150)), Some(Harm::More));
        assert_eq!(harm(&outcomes(40, 100, 60, 150)), Some(Harm::Hardly));
        // Less frequent among failed runs is hardly more frequent, too.
        assert_eq!(harm(&outcomes(5, 100, 60, 150)), Some(Harm::Hardly));
        assert_eq!(harm(&outcomes(1, 9, 1, 9)), None);
        assert_eq!(harm(&outcomes(0, 0, 4, 9)), None);
        assert_eq!(harm(&outcomes(0, 9, 0, 9)), None);
        // Every run is hit, whatever its end: that tells nothing of harm, and is hardly more frequent.
        assert_eq!(harm(&outcomes(100, 100, 100, 100)), Some(Harm::Hardly));
    }
}
