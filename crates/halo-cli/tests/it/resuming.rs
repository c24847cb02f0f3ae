//! Runs that are killed, interrupted or out of budget, and go on: `halo resume` and `halo runs`.

use std::time::Duration;

use halo_protocol::{EventKind, Report, RunEnd};
use halo_testkit::{RecordedRequest, Reply, ScriptedModel};
use insta::assert_snapshot;
use serde_json::json;

use crate::model::{analyze_with, claim};
use crate::run_log;
use crate::sandbox::{Sandbox, TIME_MAX, signal};

/// A run of three levels whose requests all differ: a saved table, an answer about each row, a finding, Python, two levels of subagents.
fn three_levels() -> impl FnMut(&RecordedRequest) -> Reply + Send + 'static {
    |request| {
        let opening = request.messages()[0]["content"].as_str().unwrap_or_default();
        if opening.starts_with("You answer one question about one row") {
            return Reply::text("{\"failed\": false}").after(Duration::from_millis(20));
        }
        let told = request.messages()[1]["content"].as_str().unwrap_or_default();
        let task = told.rsplit("# Your task\n\n").next().unwrap_or_default();
        let reply = match (task, request.tool_results().len()) {
            ("deep" | "deeper", 0) => Reply::tool_call("sql", json!({"query": "SELECT count(*) FROM failing"})),
            ("deep" | "deeper", _) => final_answer("One run fails."),
            ("wide", 0) => Reply::tool_call("call_subagent", json!({"input": "deeper"})),
            ("wide", 1) => Reply::tool_call("report_finding", claim()),
            ("wide", _) => final_answer("The cache ends runs."),
            (_, 0) => Reply::tool_call(
                "sql",
                json!({"query": "SELECT DISTINCT trace_id FROM spans WHERE status = 'ERROR'", "save_as": "failing"}),
            ),
            (_, 1) => Reply::tool_calls([
                ("call_subagent", json!({"inputs": ["wide", "deep"]})),
                ("run_code", json!({"code": "len(sql('select * from failing'))"})),
                (
                    "map_rows",
                    json!({"query": "SELECT span_id, name FROM spans", "question": "Did it fail?",
                        "schema": {"failed": {"type": "boolean"}}, "save_as": "answers"}),
                ),
            ]),
            _ => final_answer("The cache must not be able to end a run."),
        };
        reply.after(Duration::from_millis(20))
    }
}

fn final_answer(text: &str) -> Reply {
    Reply::tool_call("final_answer", json!({"answer": text}))
}

fn report(sandbox: &Sandbox) -> Report {
    serde_json::from_str(&sandbox.read("run/report.json")).unwrap()
}

/// What a report says, without times and what depends on how often the run was cut.
fn essence(sandbox: &Sandbox) -> (RunEnd, Option<String>, Vec<String>, u64) {
    let report = report(sandbox);
    let titles = report.findings.iter().map(|finding| format!("{} {}", finding.id, finding.title)).collect();
    (report.run.end, report.answer, titles, report.coverage.traces_read)
}

/// What a turn is known by: the task of its agent, and how many results it has. No two turns of the run are alike in that.
fn turn(request: &RecordedRequest) -> (String, usize) {
    let task = request.messages()[1]["content"].as_str().unwrap_or_default();
    (task.rsplit("# Your task\n\n").next().unwrap_or_default().to_owned(), request.tool_results().len())
}

/// Turns whose replies the log holds. The server numbers the calls of its replies by its requests.
fn recorded(sandbox: &Sandbox, model: &ScriptedModel) -> Vec<(String, usize)> {
    let log = sandbox.read("run/events.jsonl");
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let requests = model.requests();
    let mut turns = Vec::new();
    for event in run_log::events(whole) {
        if let EventKind::ModelReply { tool_calls, .. } = &event.item {
            let number = tool_calls.first().and_then(|call| call.id.split('_').nth(1)?.parse::<usize>().ok());
            turns.extend(number.map(|number| turn(&requests[number - 1])));
        }
    }
    turns
}

#[test]
fn killed_again_and_again_it_ends_with_the_same_report() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start_answering(three_levels()).unwrap();
    sandbox.run(&analyze_with(&model.base_url(), &["-q"])).expect_code(0);
    let whole = essence(&sandbox);
    assert_eq!(whole.0, RunEnd::Complete);
    let requests = model.requests().len();
    drop(model);

    // One model for all attempts: it knows what it has answered.
    let model = ScriptedModel::start_answering(three_levels()).unwrap();
    let url = model.base_url();
    let mut child = sandbox.command(&analyze_with(&url, &["-q"])).spawn().unwrap();
    let mut kills = 0;
    let mut finished = Vec::new();
    let mut seen = 0;
    for step in 1..=5 {
        while !model.wait_for_requests(seen + step, Duration::from_millis(100)) && child.try_wait().unwrap().is_none() {
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
        signal("KILL", child.id());
        child.wait().unwrap();
        kills += 1;
        let again = model.requests()[seen..].iter().map(turn).find(|turn| finished.contains(turn));
        assert_eq!(again, None, "a turn that was answered is asked again");
        finished = recorded(&sandbox, &model);
        seen = model.requests().len();
        child = sandbox.command(&["resume", "run", "-q"]).spawn().unwrap();
    }
    sandbox.ended(child).expect_code(0);
    assert!(kills >= 3, "killed {kills} times");
    assert_eq!(essence(&sandbox), whole);
    let events = run_log::events(&sandbox.read("run/events.jsonl"));
    let replies = events.iter().filter(|event| matches!(event.item, EventKind::ModelReply { .. })).count();
    assert_eq!(replies, requests, "each reply is recorded once");
    let again = model.requests()[seen..].iter().map(turn).find(|turn| finished.contains(turn));
    assert_eq!(again, None, "a turn that was answered is asked again");
    // What models claimed and what it cost holds, too, by the traces and by the log.
    sandbox.run(&["verify", "run"]).expect_code(0);

    let again = sandbox.run(&["resume", "run"]);
    again.expect_code(0);
    assert_snapshot!(again.stderr, @"this run is complete; its report is `run/report.html`");
}

#[test]
fn interrupted_it_says_how_to_go_on_and_does() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let script = [Reply::tool_call("report_finding", claim()), Reply::stall(), final_answer("Done.")];
    let model = ScriptedModel::start(script).unwrap();
    let child = sandbox.command(&analyze_with(&model.base_url(), &[])).spawn().unwrap();
    assert!(model.wait_for_requests(2, TIME_MAX));
    signal("INT", child.id());
    let ended = sandbox.ended(child);
    ended.expect_code(130);
    assert!(ended.stderr.contains("`halo resume run` goes on from here"), "{}", ended.shown());
    let resumed = sandbox.run(&["resume", "run"]);
    assert_snapshot!(resumed.shown());
    resumed.expect_code(0);
    assert_eq!(model.replies_left(), 0);
    assert_eq!(report(&sandbox).run.end, RunEnd::Complete);
}

#[test]
fn out_of_budget_it_ends_with_a_report_and_goes_on_with_more() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let usage = json!({"prompt_tokens": 9_000, "completion_tokens": 100});
    let script = [
        Reply::tool_call("report_finding", claim()).usage(usage.clone()),
        final_answer("Not all was looked at.").usage(usage),
        final_answer("Now all was."),
    ];
    let model = ScriptedModel::start(script).unwrap();
    let ended = sandbox.run(&analyze_with(&model.base_url(), &["--max-tokens", "20k"]));
    assert_snapshot!(ended.shown());
    ended.expect_code(5);
    let first = report(&sandbox);
    assert_eq!(first.run.end, RunEnd::BudgetSpent { limit: "tokens".into() });
    assert_eq!(first.answer.as_deref(), Some("Not all was looked at."));
    assert!(sandbox.read("run/report.md").contains("the budget of tokens was spent"));

    sandbox.run(&["resume", "run", "--max-tokens", "1M", "-q"]).expect_code(0);
    let second = report(&sandbox);
    assert_eq!((second.run.end, second.answer.as_deref()), (RunEnd::Complete, Some("Now all was.")));
    assert_eq!(second.usage.requests, 3);
}

#[test]
fn money_and_time_are_limits_too() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let model = ScriptedModel::start([final_answer("Done.")]).unwrap();
    let url = model.base_url();
    let unknown = sandbox.run(&analyze_with(&url, &["--max-cost", "1"]));
    assert_snapshot!(unknown.shown(), @"
    exit code 2
    --- stderr
    error: --max-cost needs the price of `scripted`, which is not known
    hint: give it as --price 'scripted=INPUT/CACHED/OUTPUT', in US dollars for a million tokens
    ");
    sandbox.run(&analyze_with(&url, &["-q", "--max-cost", "1", "--price", "scripted=1000/100/2000"])).expect_code(5);
    let spent = report(&sandbox);
    // One request of 100 tokens in and 10 out, which the budget left room for only as the answer.
    assert_eq!((spent.run.end, spent.cost_usd), (RunEnd::BudgetSpent { limit: "money".into() }, Some(0.12)));

    let model = ScriptedModel::start_with_last([], Reply::stall()).unwrap();
    let ended = sandbox.run(&analyze_with(&model.base_url(), &["-q", "--max-time", "1s"]));
    ended.expect_code(5);
    assert_eq!(report(&sandbox).run.end, RunEnd::BudgetSpent { limit: "time".into() });
}

#[test]
fn what_cannot_be_resumed_is_told() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let check = |arguments: &[&str], code: i32| {
        let ended = sandbox.run(arguments);
        ended.expect_code(code);
        ended.stderr
    };
    assert!(check(&["resume", "nowhere"], 3).contains("there is no run `nowhere`"));
    assert!(check(&["resume", "traces.halo"], 3).contains("is no run of `halo analyze`"));
    check(&["analyze", "traces.halo", "--offline", "-q", "--out", "offline"], 0);
    assert!(check(&["resume", "offline"], 2).contains("this run had no model"));
}

#[test]
fn runs_are_listed() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    assert!(sandbox.run(&["runs"]).stderr.contains("no runs yet"));
    sandbox.run(&["analyze", "traces.halo", "--offline", "-q"]).expect_code(0);
    let listed = sandbox.run(&["runs", "--format", "jsonl"]);
    let rows: Vec<serde_json::Value> = listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [row] = &rows[..] else {
        panic!("{}", listed.shown());
    };
    assert_eq!(
        (&row["state"], &row["model"], &row["input"]),
        (&json!("complete"), &json!("none"), &json!("traces.halo"))
    );
    let name = row["run"].as_str().unwrap();
    assert!(sandbox.run(&["runs"]).stdout.contains(name));
    let found = sandbox.run(&["resume", name]);
    assert!(found.stderr.contains("this run had no model"), "{}", found.shown());
}
