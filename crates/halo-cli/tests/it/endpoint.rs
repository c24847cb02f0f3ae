//! Keys, endpoints that refuse, and a user who has had enough.

use std::time::{Duration, Instant};

use halo_protocol::{Report, RunEnd};
use halo_testkit::{Reply, ScriptedModel};
use insta::assert_snapshot;
use serde_json::json;

use crate::model::{analyze_with, claim};
use crate::run_log;
use crate::sandbox::{Sandbox, TIME_MAX, signal};

/// No word of any message, and so certain to be seen where it must not be.
const KEY: &str = "sk-test-7f3a9c51e2";

fn report(sandbox: &Sandbox) -> Report {
    serde_json::from_str(&sandbox.read("run/report.json")).unwrap()
}

#[test]
fn a_model_far_away_without_a_key() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let shown = [
        sandbox.run(&["analyze", "traces.halo", "-m", "some-model"]).shown(),
        sandbox.run(&["analyze", "traces.halo", "-m", "some-model", "--base-url", "https://models.example/v1"]).shown(),
        sandbox.run(&["analyze", "traces.halo", "-m", "some-model", "--api-key", " "]).shown(),
    ];
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_key_that_is_refused() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start([Reply::error(401, format!("Incorrect API key provided: {KEY}"))]).unwrap();
    let ended = sandbox.run(&analyze_with(&model.base_url(), &["--api-key", KEY]));
    ended.expect_code(4);
    assert_snapshot!(ended.shown());
    assert_eq!(model.requests().len(), 1, "a key does not get better by trying again");
    assert!(matches!(report(&sandbox).run.end, RunEnd::Failed { .. }));
    run_log::check(&run_log::events(&sandbox.read("run/events.jsonl")));
}

#[test]
fn a_failure_is_told_when_quiet_too() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start([Reply::status(404)]).unwrap();
    let ended = sandbox.run(&analyze_with(&model.base_url(), &["-q"]));
    assert_snapshot!(ended.shown());
    ended.expect_code(4);
}

#[test]
fn the_key_is_sent_and_kept_nowhere() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let script = [
        // An endpoint that repeats the key.
        Reply::error(500, format!("upstream said: bad key {KEY}")),
        Reply::tool_call("sql", json!({"query": "SELECT 1"})),
        Reply::tool_call("final_answer", json!({"answer": "Nothing."})),
    ];
    let model = ScriptedModel::start(script).unwrap();
    let header = format!("X-Gateway-Key: {KEY}");
    let mut child =
        sandbox.command(&["analyze", "traces.halo", "-v", "--out", "run", "-H", &header, "--format", "events"]);
    child.env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", model.base_url());
    let ended = sandbox.ended(child.spawn().unwrap());
    ended.expect_code(0);

    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(request.header("x-gateway-key"), Some(KEY));
        assert_eq!(request.json["model"], "gpt-5.4-mini", "the default when there is a key");
        assert!(!request.body.contains(KEY));
    }
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY), "{}", ended.shown());
    let files = sandbox.all_files();
    assert!(files.iter().any(|path| path.ends_with("run/events.jsonl")));
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "the key stands in {}", path.display());
    }
    // Neither does it stand in a complaint about the command line.
    let wrong = sandbox.run(&["analyze", "traces.halo", "--api-key", KEY, "--base-url", &format!("nowhere/{KEY}")]);
    wrong.expect_code(2);
    assert!(!wrong.stderr.contains(KEY), "{}", wrong.shown());
    let help = sandbox.command(&["analyze", "--help"]).env("OPENAI_API_KEY", KEY).output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains(KEY));
}

#[test]
fn offline_asks_nobody_although_there_is_a_key() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start([]).unwrap();
    let mut child = sandbox.command(&["analyze", "traces.halo", "--offline", "-q", "--out", "run"]);
    child.env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", model.base_url());
    sandbox.ended(child.spawn().unwrap()).expect_code(0);
    assert_eq!(model.requests().len(), 0);
    // An empty variable is no key.
    let mut child = sandbox.command(&["analyze", "traces.halo", "-q", "--out", "run"]);
    child.env("OPENAI_API_KEY", "");
    sandbox.ended(child.spawn().unwrap()).expect_code(0);
}

#[test]
fn interrupted_while_the_model_is_silent() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start([Reply::tool_call("report_finding", claim()), Reply::stall()]).unwrap();
    let child = sandbox.command(&analyze_with(&model.base_url(), &[])).spawn().unwrap();
    assert!(model.wait_for_requests(2, TIME_MAX));
    let began = Instant::now();
    signal("INT", child.id());
    let ended = sandbox.ended(child);
    assert!(began.elapsed() < Duration::from_secs(30), "took {:?}", began.elapsed());
    assert_snapshot!(ended.shown());
    ended.expect_code(130);
    let report = report(&sandbox);
    assert_eq!(report.run.end, RunEnd::Interrupted);
    assert!(report.findings.iter().any(|finding| finding.title == claim()["title"]), "what was found stays");
    let events = run_log::events(&sandbox.read("run/events.jsonl"));
    run_log::check(&events);
    assert!(sandbox.read("run/report.md").contains("session cache is unreachable"));
}
