//! What comes first.

use halo_protocol::{Finding, OutcomeContrast, Severity};
use halo_report::{html, markdown, rank};

use crate::sample::{finding, rich};

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

/// A finding in 40 of 150 runs, hit so often among 50 failed runs and 100 that passed.
fn ended(id: &str, severity: Severity, failed_affected: u64, passed_affected: u64) -> Finding {
    let outcomes = OutcomeContrast { failed_affected, failed: 50, passed_affected, passed: 100 };
    Finding { outcomes: Some(outcomes), ..finding(id, severity, 40, 150) }
}

#[test]
fn the_ends_of_the_runs_move_a_finding_by_half_a_step() {
    let plain = |id, severity| finding(id, severity, 40, 150);
    assert_eq!(
        ranked(vec![
            ended("high, harmless", Severity::High, 13, 27),
            ended("medium, fatal", Severity::Medium, 36, 4),
            ended("medium, harmless", Severity::Medium, 13, 27),
            ended("critical, harmless", Severity::Critical, 13, 27),
            plain("high", Severity::High),
            plain("medium", Severity::Medium),
        ]),
        ["critical, harmless", "high", "high, harmless", "medium, fatal", "medium", "medium, harmless"],
    );
}

#[test]
fn every_place_is_explained() {
    let mut report = rich();
    report.findings = vec![
        ended("fatal", Severity::Medium, 36, 4),
        finding("wide", Severity::Low, 150, 150),
        finding("narrow", Severity::Medium, 30, 150),
        ended("harmless", Severity::High, 13, 27),
    ];
    rank(&mut report.findings, 150);
    let text = markdown(&report);
    for sentence in [
        "First because: high harm, at least 20 % of all 150 runs (95 %), half a step down since failed runs hardly have it more often.",
        "Here because: medium harm, at least 20 % of all 150 runs (95 %), half a step up since failed runs have it at least twice as often.",
        "Here because: low harm, at least 98 % of all 150 runs (95 %). It stands above finding 4, which does more harm (medium), \
         only because that one is known in 14 % of all runs.",
        "It is hardly more frequent among failed runs than among passed ones: it may not be why runs fail.",
        "How runs ended moves a finding by half a step of severity",
    ] {
        assert!(text.contains(sentence), "{sentence}\nis not in\n{text}");
    }
}

#[test]
fn an_order_of_somebody_else_is_not_explained() {
    let mut report = rich();
    report.findings.reverse();
    assert!(!markdown(&report).contains(" because: "));
    assert!(!html(&report).contains("The order is harm times reach"));
}
