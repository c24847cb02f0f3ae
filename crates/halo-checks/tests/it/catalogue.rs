//! The catalogue as a whole.

use halo_protocol::OutcomeContrast;
use halo_testkit::TestSpan;

use crate::support::run;

#[tokio::test]
async fn every_statement_runs_on_an_empty_dataset() {
    let report = run(&[], &[]).await;
    assert_eq!(report.findings, vec![]);
    assert_eq!(report.outcomes.len(), 59);
    assert!(report.outcomes.iter().all(|outcome| (outcome.affected, outcome.population) == (0, 0)));
}

#[tokio::test]
async fn a_sound_run_gives_no_finding() {
    let mut spans = Vec::new();
    for run in 0..12 {
        let trace = format!("t{run}");
        let id = |step: usize| format!("{trace}s{step}");
        spans.push(
            TestSpan::agent(&trace, &id(1))
                .input("Where is my order?")
                .output("It arrives on Friday.")
                .ok()
                .duration_ms(9000),
        );
        spans.push(
            TestSpan::llm(&trace, &id(2))
                .parent(&id(1))
                .input("Where is my order?")
                .tokens(900, 20)
                .finish_reason("tool_calls")
                .offered(&["lookup"])
                .asks_for("c1", "lookup", serde_json::json!({"order": run})),
        );
        spans.push(
            TestSpan::tool(&trace, &id(3))
                .parent(&id(1))
                .input(&format!("{{\"order\":{run}}}"))
                .output("{\"state\":\"shipped\",\"due\":\"Friday\"}"),
        );
        spans.push(
            TestSpan::llm(&trace, &id(4))
                .parent(&id(1))
                .tokens(1000, 12)
                .finish_reason("stop")
                .output("It arrives on Friday."),
        );
    }
    let report = run(&[], &spans).await;
    assert_eq!(report.findings, vec![]);
    assert!(report.outcomes.iter().all(|outcome| outcome.affected == 0 && outcome.one_offs.is_empty()));
}

/// A run that a tool ends with a time-out.
fn timed_out(id: &str, tool: &str) -> Vec<TestSpan> {
    crate::script::run(id).calls(tool, "{}", "TimeoutError: timed out").says("I could not reach it.").spans()
}

#[tokio::test]
async fn each_subject_is_a_finding_until_there_are_too_many() {
    let of_tools = |tools: &[&str]| -> Vec<TestSpan> {
        let copies =
            |tool: &str| (0..3).flat_map(|copy| timed_out(&format!("{tool}-{copy}"), tool)).collect::<Vec<_>>();
        tools.iter().flat_map(|tool| copies(tool)).collect()
    };
    let titles = |report: halo_checks::CheckReport| -> Vec<(String, u64, u64)> {
        report.findings.into_iter().map(|finding| (finding.title, finding.affected, finding.population)).collect()
    };
    let mut two = titles(run(&["timeouts"], &of_tools(&["a", "b"])).await);
    two.sort();
    let title = |subject: &str| format!("Calls of {subject} time out, and runs do not recover");
    assert_eq!(two, [(title("`a`"), 3, 3), (title("`b`"), 3, 3)]);
    let many = titles(run(&["timeouts"], &of_tools(&["a", "b", "c", "d", "e"])).await);
    assert_eq!(many, [(title("`a`, `b`, `c` and 2 more"), 15, 15)]);

    // Subjects too rare each for itself are one finding; below the threshold of that, they are examples.
    let rare = |tools: &[&str]| -> Vec<TestSpan> {
        tools.iter().flat_map(|tool| timed_out(&format!("{tool}-0"), tool)).collect()
    };
    assert_eq!(titles(run(&["timeouts"], &rare(&["a", "b", "c"])).await), [(title("`a`, `b` and `c`"), 3, 3)]);
    let report = run(&["timeouts"], &rare(&["a", "b"])).await;
    assert_eq!((report.findings.len(), report.outcomes[0].affected, report.outcomes[0].one_offs.len()), (0, 2, 2));
}

#[tokio::test]
async fn a_symptom_of_a_named_cause_is_not_told_again() {
    let spans: Vec<TestSpan> = (0..5).flat_map(|copy| timed_out(&format!("t{copy}"), "search")).collect();
    let names = |report: &halo_checks::CheckReport| -> Vec<String> {
        let source = |finding: &halo_protocol::Finding| match &finding.source {
            halo_protocol::FindingSource::Check { name } | halo_protocol::FindingSource::Agent { name } => name.clone(),
        };
        report.findings.iter().map(source).collect()
    };
    assert_eq!(names(&run(&["timeouts", "tool_failures"], &spans).await), ["timeouts"]);
    assert_eq!(names(&run(&["tool_failures"], &spans).await), ["tool_failures"]);
}

#[tokio::test]
async fn ids_are_the_same_on_other_data() {
    let ids = |count: usize| async move {
        let spans: Vec<TestSpan> = (0..count).flat_map(|copy| timed_out(&format!("t{copy}"), "search")).collect();
        run(&["timeouts"], &spans).await.findings[0].id.clone()
    };
    assert_eq!(ids(3).await, ids(7).await);
}

#[tokio::test]
async fn a_finding_says_whether_it_goes_with_failure() {
    // Five runs end in an error, four of them with a time-out; six pass, one with a time-out; one does not say.
    let mut spans = Vec::new();
    for run in 0..12 {
        let trace = format!("t{run}");
        let root = TestSpan::agent(&trace, "r").name("run").input("Do it").output("I could not do it, sorry.");
        spans.push(match run {
            0..5 => root.error("it went wrong"),
            5..11 => root.ok(),
            _ => root,
        });
        let output = if matches!(run, 0..=3 | 5) { "TimeoutError: timed out" } else { "{\"done\":true}" };
        spans.push(TestSpan::tool(&trace, "o").parent("r").tool_name("fetch").output(output));
        spans.push(TestSpan::llm(&trace, "l").parent("r").output("I could not do it, sorry."));
    }
    let report = run(&["timeouts"], &spans).await;
    let contrast = report.findings[0].outcomes;
    let expected = OutcomeContrast { failed_affected: 4, failed: 5, passed_affected: 1, passed: 6 };
    assert_eq!((report.findings[0].affected, contrast), (5, Some(expected)));
    // Where no run says how it ended, there is nothing to tell.
    let silent: Vec<TestSpan> = (0..3).flat_map(|copy| timed_out(&format!("t{copy}"), "search")).collect();
    assert_eq!(run(&["timeouts"], &silent).await.findings[0].outcomes, None);
}

#[tokio::test]
async fn a_check_that_fails_does_not_end_the_others() {
    let spans: Vec<TestSpan> = (0..3).flat_map(|copy| timed_out(&format!("t{copy}"), "search")).collect();
    let (_folder, session) = crate::support::open(&spans).await;
    let mut checks = halo_checks::built_in_checks().expect("the catalogue parses");
    checks.retain(|check| check.name == "timeouts" || check.name == "rate_limited");
    checks[0].sql = "SELECT trace_id, quote FROM spans".to_owned();
    let cancel = tokio_util::sync::CancellationToken::new();
    let report =
        halo_checks::run_checks(&checks, &session, crate::support::OPTIONS, &cancel).await.expect("the run goes on");
    let errors: Vec<_> = report.outcomes.iter().map(|outcome| outcome.error.as_deref()).collect();
    assert_eq!((errors[0], errors[1]), (Some("line 1, column 18: there is no column `quote`"), None));
    assert_eq!(report.findings.len(), 1);

    // A quote that its span does not hold is left out, and a finding without any is refused.
    checks.remove(0);
    checks[0].sql =
        "SELECT trace_id, span_id, 'made up' AS quote, 'search' AS subject FROM spans WHERE span_type = 'TOOL'"
            .to_owned();
    let report =
        halo_checks::run_checks(&checks, &session, crate::support::OPTIONS, &cancel).await.expect("the run goes on");
    assert_eq!((report.findings.len(), report.quotes_dropped), (0, 3));
    assert_eq!(
        report.refused[0].reason,
        "there is no evidence; give at least one quote from a span of an affected trace"
    );

    cancel.cancel();
    let cancelled = halo_checks::run_checks(&checks, &session, crate::support::OPTIONS, &cancel).await;
    assert_eq!(cancelled.expect_err("cancelled").to_string(), "the query was cancelled");
}
