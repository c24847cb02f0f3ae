//! halo's own run as traces: written with `--telemetry`, read with `halo ingest`, analysed by halo.

use halo_protocol::{Report, RunEnd};
use halo_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::model::analyze_with;
use crate::sandbox::Sandbox;

/// A root that fails with a call, sends a subagent and answers.
fn script() -> Vec<Reply> {
    let sql = |query: &str| Reply::tool_call("sql", json!({"query": query}));
    vec![
        sql("SELEC typo"),
        sql("SELECT count(*) FROM traces"),
        Reply::tool_call("call_subagent", json!({"input": "Look at one trace."})),
        Reply::tool_call("view_trace", json!({"trace_id": "00000000000000000000000000000003"})),
        Reply::tool_call("final_answer", json!({"answer": "It fails at the cache."})),
        Reply::tool_call("final_answer", json!({"answer": "Mend the cache."})),
    ]
}

#[test]
fn halo_analyses_its_own_run() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start(script()).unwrap();
    sandbox.run(&analyze_with(&model.base_url(), &["-q", "--telemetry"])).expect_code(0);
    sandbox.run(&["ingest", "-q", "run/telemetry.jsonl", "-o", "own.halo"]).expect_code(0);

    let rows = |query: &str| sandbox.rows("own.halo", query);
    let kinds = "SELECT span_type, count(*) AS n FROM spans GROUP BY 1 ORDER BY 1";
    let expected = [
        json!({"span_type": "AGENT", "n": 2}),
        json!({"span_type": "LLM", "n": 6}),
        json!({"span_type": "TOOL", "n": 6}),
    ];
    assert_eq!(rows(kinds), expected);
    let run = "SELECT count(*) AS traces, min(service_names[1]) AS service, sum(input_tokens) AS input FROM traces";
    assert_eq!(rows(run), [json!({"traces": 1, "service": "halo", "input": 600})]);
    let tools = "SELECT tool_name, failed, executed_by_span_id IS NOT NULL AS executed, requested_by_span_id IS NOT NULL AS asked
        FROM tool_calls ORDER BY step";
    let call = |name: &str, failed: bool| json!({"tool_name": name, "failed": failed, "executed": true, "asked": true});
    let told: Vec<Value> = rows(tools);
    for expected in [call("sql", true), call("sql", false), call("call_subagent", false), call("view_trace", false)] {
        assert!(told.contains(&expected), "{expected} is not in {told:#?}");
    }
    // The subagent's work hangs below the call that started it.
    let below =
        "SELECT p.tool_name FROM spans c JOIN spans p ON c.parent_span_id = p.span_id WHERE c.span_type = 'AGENT'";
    assert_eq!(rows(below), [json!({"tool_name": "call_subagent"})]);

    sandbox.run(&["analyze", "own.halo", "--offline", "-q", "--out", "own-run"]).expect_code(0);
    let report: Report = serde_json::from_str(&sandbox.read("own-run/report.json")).unwrap();
    assert_eq!((report.run.end, report.dataset.traces, report.dataset.tool_spans), (RunEnd::Complete, 1, 6));
}

#[test]
fn an_endpoint_that_is_not_there_is_told_and_ends_nothing() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start(script()).unwrap();
    let ended = sandbox.run(&analyze_with(&model.base_url(), &["--telemetry=http://127.0.0.1:9"]));
    ended.expect_code(0);
    assert!(ended.stderr.contains("telemetry is incomplete: "), "{}", ended.shown());
}
