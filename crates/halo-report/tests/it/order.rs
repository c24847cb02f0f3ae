//! What comes first.

use halo_protocol::{Finding, Severity};
use halo_report::rank;

use crate::sample::finding;

fn ranked(mut findings: Vec<Finding>) -> Vec<String> {
    rank(&mut findings, 150);
    findings.into_iter().map(|finding| finding.id).collect()
}

#[test]
fn harm_times_reach_times_confidence() {
    assert_eq!(
        ranked(vec![
            finding("low everywhere", Severity::Low, 150, 150),
            finding("high in a third", Severity::High, 50, 150),
            finding("critical in a tenth", Severity::Critical, 15, 150),
            finding("critical in a third", Severity::Critical, 50, 150),
            finding("medium in a third", Severity::Medium, 50, 150),
        ]),
        ["critical in a third", "high in a third", "critical in a tenth", "low everywhere", "medium in a third",]
    );
    // A high rate among few runs hits fewer people than a low one among all.
    assert_eq!(
        ranked(vec![finding("4 of 4", Severity::High, 4, 4), finding("12 of 150", Severity::High, 12, 150)]),
        ["12 of 150", "4 of 4"]
    );
}

#[test]
fn ties_go_by_affected_then_by_id() {
    let mut wide = finding("z", Severity::High, 10, 100);
    wide.affected = 20;
    let narrow = |id| finding(id, Severity::High, 10, 100);
    let expected = ["z", "a", "b"];
    assert_eq!(ranked(vec![narrow("b"), wide.clone(), narrow("a")]), expected);
    assert_eq!(ranked(vec![narrow("a"), narrow("b"), wide]), expected);
}

#[test]
fn what_was_not_executed_again_comes_last() {
    let mut claimed = finding("claimed", Severity::Critical, 90, 100);
    claimed.verified = false;
    assert_eq!(ranked(vec![claimed, finding("small", Severity::Low, 2, 100)]), ["small", "claimed"]);
}
