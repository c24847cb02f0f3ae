//! Models that do what models do: the run goes on where it can, ends where it must, and always leaves a report and a whole log.

use halo_protocol::{Report, RunEnd};
use halo_testkit::{Reply, ScriptedModel};
use insta::assert_snapshot;
use serde_json::json;

use crate::model::{analyze_with, claim};
use crate::run_log;
use crate::sandbox::{Ended, Sandbox};

/// A run with this script on the small fixture, and the sandbox it left its files in.
fn run(script: Vec<Reply>, more: &[&str]) -> (Sandbox, Ended, Report) {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start(script).unwrap();
    let url = model.base_url();
    let ended = sandbox.run(&analyze_with(&url, more));
    assert_eq!(model.replies_left(), 0, "{}", ended.shown());
    let report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    for name in ["report.md", "report.html", "findings.json"] {
        assert!(sandbox.path(&format!("run/{name}")).is_file(), "{name}");
    }
    run_log::check(&run_log::events(&sandbox.read("run/events.jsonl")));
    (sandbox, ended, report)
}

/// The log, with the operating system's words for a lost connection taken out: they differ.
fn log(sandbox: &Sandbox) -> String {
    let log = run_log::shown(sandbox, &run_log::events(&sandbox.read("run/events.jsonl")));
    let breaking_off = regex::Regex::new(r"broke off[^;\x22]*").unwrap();
    breaking_off.replace_all(&log, "broke off").into_owned()
}

#[test]
fn everything_at_once_and_a_report_at_the_end() {
    let mut made_up = claim();
    made_up["evidence"][0]["trace_id"] = json!("ffffffffffffffffffffffffffffffff");
    let mut misquoted = claim();
    misquoted["evidence"][0]["quote"] = json!("the cache was on fire");
    let (sandbox, ended, report) = run(
        vec![
            Reply::tool_call("read_minds", json!({"of": "the user"})),
            Reply::raw_arguments("sql", "{\"query\": \"SELECT"),
            Reply::tool_call("sql", json!({"query": "SELECT tool_nam FROM spans"})),
            Reply::tool_call("sql", json!({"question": "how many?"})),
            Reply::tool_call("view_trace", json!({"trace_id": "ffffffffffffffffffffffffffffffff"})),
            Reply::tool_call("report_finding", made_up),
            Reply::tool_call("report_finding", misquoted),
            Reply::status(500),
            Reply::text("Half an ans").cut_after(2),
            Reply::tool_calls([
                ("sql", json!({"query": "DROP TABLE spans"})),
                ("sql", json!({"query": "SELECT 1 AS one"})),
            ]),
            Reply::text("I think the cache is to blame."),
            Reply::text("The cache is to blame."),
        ],
        &[],
    );
    ended.expect_code(0);
    assert_eq!(report.run.end, RunEnd::Complete);
    assert_eq!(report.answer.as_deref(), Some("The cache is to blame."));
    let refused: Vec<&str> = report.refused.iter().map(|refused| refused.title.as_str()).collect();
    assert!(refused.contains(&claim()["title"].as_str().unwrap()), "{refused:?}");
    assert!(report.findings.iter().all(|finding| finding.title != claim()["title"]), "neither claim holds");
    assert_snapshot!(log(&sandbox));
}

#[test]
fn a_finding_that_was_mended_after_it_was_refused() {
    let mut wrong = claim();
    wrong["affected_sql"] = json!("SELECT trace_id FROM spans WHERE eror_type = 'ConnectionError'");
    let (_, ended, report) = run(
        vec![
            Reply::tool_call("report_finding", wrong),
            Reply::tool_calls([("report_finding", claim()), ("final_answer", json!({"answer": "Mend the cache."}))]),
        ],
        &["-q"],
    );
    assert_eq!(ended.shown(), "exit code 0\n");
    assert!(report.findings.iter().any(|finding| finding.title == claim()["title"]));
    assert!(report.refused.iter().all(|refused| refused.title != claim()["title"]), "{:?}", report.refused);
}

#[test]
fn a_model_that_never_concludes() {
    let look = || Reply::tool_call("sql", json!({"query": "SELECT count(*) AS spans FROM spans"}));
    let (sandbox, ended, report) = run(vec![look(), look()], &["--max-turns", "2"]);
    assert_snapshot!(ended.shown());
    ended.expect_code(5);
    assert_eq!(report.run.end, RunEnd::TurnLimit);
    assert_snapshot!(log(&sandbox));
}

#[test]
fn a_model_that_says_nothing_at_all() {
    let (_, ended, report) = run(vec![Reply::text(""), Reply::text("")], &["-q"]);
    ended.expect_code(0);
    assert!(report.answer.is_some_and(|answer| !answer.trim().is_empty()));
}
