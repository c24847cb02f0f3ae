//! The three texts for people, whole, and the JSON for programs.

use halo_protocol::{Interval, Report, RunEnd, Severity};
use halo_report::{html, json, markdown, summary};

use crate::sample::{clean, empty, failed, finding, rich};

#[test]
fn rich_markdown() {
    insta::assert_snapshot!(markdown(&rich()));
}

#[test]
fn rich_page() {
    // The style sheet stands in its own file and would only bury the page here.
    let page = html(&rich());
    let (before, rest) = page.split_once("<style>").expect("the page has a style");
    let (style, after) = rest.split_once("</style>").expect("the style ends");
    assert!(style.contains("prefers-color-scheme: dark") && style.contains("@media print"));
    insta::assert_snapshot!(format!("{before}<style>…</style>{after}"));
}

#[test]
fn summaries() {
    insta::assert_snapshot!("rich_summary", summary(&rich(), 100));
    insta::assert_snapshot!("rich_summary_narrow", summary(&rich(), 48));
    insta::assert_snapshot!("clean_summary", summary(&clean(), 80));
    insta::assert_snapshot!("empty_summary", summary(&empty(), 80));
    insta::assert_snapshot!("failed_summary", summary(&failed(), 80));
    for width in [0, 40, 57, 80, 200] {
        let text = summary(&rich(), width);
        assert!(text.lines().all(|line| line.chars().count() <= width.max(40)), "{width}:\n{text}");
    }
}

#[test]
fn reports_without_findings_say_what_was_looked_for() {
    insta::assert_snapshot!("clean_markdown", markdown(&clean()));
    insta::assert_snapshot!("empty_markdown", markdown(&empty()));
    for report in [clean(), empty()] {
        let page = html(&report);
        assert!(!page.contains("What to fix first") && !page.contains("<svg"), "{page}");
    }
}

#[test]
fn a_failed_run_says_so_at_the_top() {
    let text = markdown(&failed());
    insta::assert_snapshot!("failed_markdown", text);
    let page = html(&failed());
    let notice = page.find("This report is partial").expect("the page says that it is partial");
    assert!(notice < page.find("<h1>").expect("the page has a heading"));
    for (end, words) in [
        (RunEnd::TurnLimit, "the model used up its turns before it was done"),
        (RunEnd::Interrupted, "the run was interrupted"),
    ] {
        let mut report = failed();
        report.run.end = end;
        assert!(markdown(&report).contains(&format!("> **This report is partial: {words}.")));
        report.findings.clear();
        assert!(summary(&report, 80).contains("No systemic fault found so far in 150 runs."));
    }
}

#[test]
fn one_finding_is_told_in_the_singular() {
    let mut report = rich();
    report.findings = vec![finding("only", Severity::Medium, 1, 1)];
    report.dataset.traces = 1;
    report.coverage.traces_total = 1;
    let text = markdown(&report);
    assert!(text.starts_with("# 1 systemic fault in 1 run.\n"), "{text}");
    assert!(text.contains("It hits 1 of the 1 (100 %). By severity: 1 medium."), "{text}");
    assert!(text.contains("1 of 1 run is hit: 100 %, every one (95 % interval 21 to 100 %)."), "{text}");
}

#[test]
fn reach_is_exact_only_when_every_run_is_named() {
    let mut report = rich();
    report.findings = vec![finding("a", Severity::High, 12, 150), finding("b", Severity::High, 20, 150)];
    report.findings[1].sample_trace_ids[..5].clone_from_slice(&finding("a", Severity::High, 5, 150).sample_trace_ids);
    assert!(summary(&report, 100).contains("Together they hit 27 of the 150 (18 %)."));
    report.findings[1] = finding("b", Severity::High, 60, 150);
    assert!(summary(&report, 100).contains("Together they hit at least 60 of the 150 (40 %)."));
}

#[test]
fn findings_that_were_not_executed_again_are_marked() {
    let mut report = rich();
    report.findings[0].verified = false;
    let (text, page) = (markdown(&report), html(&report));
    assert_eq!(text.matches("**not re-executed**").count(), 1);
    assert!(text.contains("1 finding was not re-executed against the dataset"));
    assert!(page.contains("<strong>not re-executed</strong>"));
    assert!(!page.contains("stand word for word"), "the page promises what it cannot hold");
}

#[test]
fn bars_share_an_axis_that_holds_the_widest_interval() {
    let mut report = rich();
    report.findings = vec![finding("a", Severity::High, 30, 10_000), finding("b", Severity::Low, 12, 10_000)];
    let page = html(&report);
    assert!(page.contains("from 0 % to 1 %"), "{page}");
    assert!(page.contains("width=\"30.00%\""), "0.3 % is three tenths of the axis");
    report.findings.push(finding("c", Severity::Low, 6_000, 10_000));
    assert!(html(&report).contains("from 0 % to 100 %"));
}

/// Takes over numbers that differ by no more than what reading a decimal fraction may lose in its last place.
fn settle(read: &mut f64, written: f64) {
    assert!((*read - written).abs() <= written.abs() * f64::EPSILON, "{read} is not {written}");
    *read = written;
}

#[test]
fn json_gives_the_report_back() {
    for report in [rich(), clean(), empty(), failed()] {
        let text = json(&report);
        assert_eq!(text, json(&report));
        let mut read: Report = serde_json::from_str(&text).expect("it is a report");
        for (read, written) in read.findings.iter_mut().zip(&report.findings) {
            settle(&mut read.rate, written.rate);
            settle(&mut read.interval.low, written.interval.low);
            settle(&mut read.interval.high, written.interval.high);
            for (read, written) in read.scope.iter_mut().zip(&written.scope) {
                settle(&mut read.lift, written.lift);
                settle(&mut read.p_value, written.p_value);
            }
        }
        assert_eq!(read, report);
    }
}

#[test]
fn numbers_that_are_none_do_not_break_a_report() {
    let mut report = rich();
    report.findings[0].rate = f64::NAN;
    report.findings[0].interval = Interval { low: f64::NAN, high: f64::INFINITY };
    report.findings[0].scope[0].lift = f64::INFINITY;
    assert!(markdown(&report).contains("| 14 of 112 | ? % (? to 100 %) |"));
    assert!(!html(&report).contains("NaN"));
}
