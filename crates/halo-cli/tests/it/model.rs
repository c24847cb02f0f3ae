//! `halo analyze` with a model that does its work.

use std::io::{BufRead as _, BufReader};

use halo_protocol::{FindingSource, Report, RunEnd, RunMode};
use halo_testkit::{Reply, ScriptedModel};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run_log;
use crate::sandbox::Sandbox;

/// A claim about the one run of the small fixture that fails, with what the model says of it.
pub(crate) fn claim() -> Value {
    json!({
        "title": "Runs end when the session cache is unreachable",
        "category": "error_handling",
        "severity": "high",
        "claim": "A run whose session cache refuses the connection ends without an answer.",
        "cause": "The harness treats the cache as required.",
        "fix": "Go on without the cache and log a warning.",
        "affected_sql": "SELECT DISTINCT trace_id FROM spans WHERE error_type = 'ConnectionError'",
        "evidence": [{
            "trace_id": "00000000000000000000000000000003",
            "span_id": "0000000300000002",
            "quote": "cache is unreachable"
        }]
    })
}

fn diligent() -> Vec<Reply> {
    vec![
        Reply::tool_call("get_dataset_overview", json!({})),
        Reply::tool_calls([
            ("sql", json!({"query": "SELECT trace_id, error_type FROM spans WHERE status = 'ERROR'"})),
            ("view_trace", json!({"trace_id": "00000000000000000000000000000003"})),
        ])
        .with_text("One run fails; I look at it."),
        Reply::tool_call("report_finding", claim()),
        Reply::tool_call("final_answer", json!({"answer": "The cache must not be able to end a run."})),
    ]
}

/// The arguments of a run with the model at this address on the dataset of the sandbox, its files in `run`.
pub(crate) fn analyze_with<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["analyze", "traces.halo", "-m", "scripted", "--base-url", url, "--out", "run"], more].concat()
}

#[test]
fn a_model_that_looks_reports_and_answers() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start(diligent()).unwrap();
    let ended = sandbox.run(&analyze_with(&model.base_url(), &["-p", "Why do runs fail?"]));
    assert_snapshot!(ended.shown());
    ended.expect_code(0);

    let report: Report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    assert_eq!(report.run.mode, RunMode::Model { model: "scripted".into() });
    assert_eq!(report.run.end, RunEnd::Complete);
    assert_eq!(report.run.prompt.as_deref(), Some("Why do runs fail?"));
    assert_eq!(report.answer.as_deref(), Some("The cache must not be able to end a run."));
    assert_eq!(report.coverage.traces_read, 1);
    assert_eq!((report.usage.requests, report.usage.input_tokens), (4, 400));
    let finding = report.findings.iter().find(|finding| finding.source == FindingSource::Agent { name: "root".into() });
    let finding = finding.unwrap();
    assert_eq!((finding.affected, finding.population, finding.verified), (1, 3, true));
    for name in ["report.md", "report.html"] {
        assert!(sandbox.read(&format!("run/{name}")).contains("session cache is unreachable"), "{name}");
    }
    let events = run_log::events(&sandbox.read("run/events.jsonl"));
    run_log::check(&events);
    assert_snapshot!(run_log::shown(&sandbox, &events));
}

#[test]
fn what_the_model_is_sent() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    sandbox.write("context.md", "Runs of tenant velmoor-bikes are tests.");
    let model = ScriptedModel::start(diligent()).unwrap();
    let url = model.base_url();
    let settings =
        ["-p", "Why do runs fail?", "--context", "context.md", "-H", "X-Team: harness", "--temperature", "0.3"];
    let more = ["--no-parallel-tool-calls", "--format", "events", "--fail-on", "high"];
    let ended = sandbox.run(&analyze_with(&url, &[&settings[..], &more].concat()));
    // A finding of the model fires the gate as one of a check does.
    ended.expect_code(1);
    assert_snapshot!(ended.stderr, @r"
    report: run/report.html
    --fail-on high: 1 finding
    ");
    assert_eq!(ended.stdout, sandbox.read("run/events.jsonl"));
    let requests = model.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
        assert_eq!(request.header("authorization"), None, "there is no key to send");
        assert_eq!(request.header("x-team"), Some("harness"));
        assert_eq!(request.json["model"], "scripted");
        assert_eq!(request.json["stream"], true);
        assert_eq!(request.json["temperature"], 0.3);
        assert_eq!(request.json["parallel_tool_calls"], false);
        assert_eq!(
            request.tool_names(),
            [
                "get_dataset_overview",
                "describe_attributes",
                "query_traces",
                "count_traces",
                "search",
                "view_trace",
                "view_traces",
                "view_spans",
                "search_trace",
                "search_span",
                "sql",
                "explain_scope",
                "run_code",
                "call_subagent",
                "synthesize_traces",
                "map_rows",
                "get_context_item",
                "list_findings",
                "report_finding",
                "final_answer"
            ]
        );
    }
    let first = &requests[0];
    assert_eq!(first.messages()[0]["role"], "system");
    let task = first.last_text();
    for part in ["Why do runs fail?", "Runs of tenant velmoor-bikes are tests.", "3 traces", "Built-in checks"] {
        assert!(task.contains(part), "`{part}` is not in the task:\n{task}");
    }
    // The conversation only grows, and each result stands under the id of its call.
    for (earlier, later) in requests.iter().zip(&requests[1..]) {
        assert_eq!(earlier.messages(), &later.messages()[..earlier.messages().len()]);
    }
    let results = requests[3].tool_results();
    let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["call_1_1", "call_2_1", "call_2_2", "call_3_1"]);
    for ((_, text), part) in results.iter().zip(["3 traces", "ConnectionError", "session_cache.get", "1 of 3 traces"]) {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn a_reader_of_the_events_that_went_away_does_not_end_the_run() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start(diligent()).unwrap();
    let url = model.base_url();
    let mut child = sandbox.command(&analyze_with(&url, &["--format", "events"])).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("run_started"), "{first}");
    sandbox.ended(child).expect_code(0);
    let report: Report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    assert_eq!(report.run.end, RunEnd::Complete);
}

/// A request as a reviewer reads it: messages, then tools with their schemas.
fn readable(request: &halo_testkit::RecordedRequest) -> String {
    let mut text = String::new();
    for message in request.messages() {
        text.push_str(&format!(
            "--- {}\n{}\n",
            message["role"].as_str().unwrap(),
            message["content"].as_str().unwrap()
        ));
    }
    for tool in request.json["tools"].as_array().unwrap() {
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap();
        text.push_str(&format!("--- tool {name}\n{}\n", function["description"].as_str().unwrap()));
        text.push_str(&format!("{}\n", function["parameters"]));
    }
    text
}

#[test]
fn the_whole_first_requests_of_root_and_subagent() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    sandbox.write("repo/agent.py", "retry()\n");
    let model = ScriptedModel::start([
        Reply::tool_call("call_subagent", json!({"input": "Look at the run that fails."})),
        Reply::tool_call("final_answer", json!({"answer": "The cache."})),
        Reply::tool_call("final_answer", json!({"answer": "The cache."})),
    ])
    .unwrap();
    let url = model.base_url();
    sandbox.run(&analyze_with(&url, &["-q", "--max-depth", "1", "--repo-path", "repo"])).expect_code(0);
    let requests = model.requests();
    assert_snapshot!("root", sandbox.normal(&readable(&requests[0])));
    assert_snapshot!("subagent", sandbox.normal(&readable(&requests[1])));
    // Each request of each agent carries this.
    assert!(requests[0].json.to_string().len() < 26_000, "{}", requests[0].json.to_string().len());
}
