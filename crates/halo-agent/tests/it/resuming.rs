//! A run that was killed goes on from its log, wherever it was cut, and asks for nothing that was answered.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use halo_agent::{EventSink, Limits, RunHistory, RunResult, resume};
use halo_protocol::{EventKind, RunEnd, RunEvent};
use halo_testkit::{RecordedRequest, Reply, ScriptedModel};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::play::{final_answer, finding, options, services, sql};

/// A run of three levels, in which every request differs from every other.
fn three_levels() -> impl FnMut(&RecordedRequest) -> Reply + Send + 'static {
    |request| {
        let message = request.messages()[1]["content"].as_str().unwrap();
        let task = message.rsplit("# Your task\n\n").next().unwrap();
        match (task, request.tool_results().len()) {
            ("one" | "two", 0) => Reply::tool_calls([
                ("call_subagent", json!({"input": format!("{task} deeper")})),
                ("sql", json!({"query": format!("SELECT '{task}'")})),
            ]),
            ("one", 2) => Reply::tool_call("report_finding", finding("Lost pages", "paging", "t1")),
            ("one deeper", 0) => Reply::tool_call("report_finding", finding("Made up", "invention", "nowhere")),
            ("two deeper", 0) => Reply::tool_call("view_trace", json!({"trace_id": "t2"})),
            ("one" | "two" | "one deeper" | "two deeper", _) => final_answer(&format!("About {task}.")),
            (_, 0) => Reply::tool_calls([("sql", json!({"query": "large"})), ("sql", json!({"query": "SELEC typo"}))]),
            _ if request.last_text().starts_with("You stopped") => Reply::tool_calls([
                ("call_subagent", json!({"inputs": ["one", "two"]})),
                ("get_context_item", json!({"item_id": "r1"})),
            ]),
            (_, 2) => Reply::text("Now I will send others."),
            _ => final_answer("All done."),
        }
    }
}

async fn attempt(path: &Path, model: &ScriptedModel, history: Option<RunHistory>) -> RunResult {
    let sink = match &history {
        None => EventSink::create(path).unwrap(),
        Some(history) => EventSink::resume(path, history).unwrap(),
    };
    let services = services(model, sink, CancellationToken::new());
    let mut options = options();
    options.results_folder = Some(path.with_file_name("results"));
    let running = resume(options, services, history.unwrap_or_default());
    tokio::time::timeout(Duration::from_secs(60), running).await.unwrap()
}

fn events(path: &Path) -> Vec<RunEvent> {
    let log = std::fs::read_to_string(path).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was asked, without what depends on who came first: numbers of calls and results, and what others had reported by then.
fn asked(model: &ScriptedModel) -> Vec<String> {
    let requests = model.requests();
    let each = requests.iter().map(|request| {
        let text = request.json.to_string();
        let text = match (text.find("# What all agents share"), text.find("# Limits")) {
            (Some(start), Some(end)) if start < end => format!("{}{}", &text[..start], &text[end..]),
            _ => text,
        };
        let mut digits = false;
        let text: String = text
            .chars()
            .filter_map(|c| {
                let again = digits && c.is_ascii_digit();
                digits = c.is_ascii_digit();
                if again { None } else { Some(if digits { '#' } else { c }) }
            })
            .collect();
        // The server of a later attempt counts from one again, and the agent tells its ids apart.
        text.replace("call_#_#-#", "call_#_#")
    });
    each.collect()
}

#[tokio::test]
async fn wherever_it_is_cut_it_ends_the_same_and_asks_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let model = ScriptedModel::start_answering(three_levels()).unwrap();
    let whole = attempt(&path, &model, None).await;
    assert_eq!((&whole.end, whole.answer.as_str()), (&RunEnd::Complete, "All done."));
    assert_eq!((whole.findings.len(), whole.refused.len()), (1, 1));
    let all_asked: BTreeSet<String> = asked(&model).into_iter().collect();
    assert_eq!(all_asked.len(), 13, "every request differs");
    let log = std::fs::read(&path).unwrap();
    let ends: Vec<usize> = log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();

    for (position, end) in ends.iter().enumerate().take(ends.len() - 1) {
        // Half of the next line was written, too.
        let cut = folder.path().join(format!("cut-{position}.jsonl"));
        std::fs::write(&cut, &log[..end + (position % 2) * 9]).unwrap();
        let known = events_of(&log[..*end]);
        let history = RunHistory::load(&cut).unwrap();
        assert!(history.is_resumed() && history.end().is_none());
        let model = ScriptedModel::start_answering(three_levels()).unwrap();
        let resumed = attempt(&cut, &model, Some(history)).await;
        let replies = known.iter().filter(|event| matches!(event.item, EventKind::ModelReply { .. })).count();
        assert_eq!(model.requests().len(), 13 - replies, "cut after event {position}: {:?}", known.last());
        for request in asked(&model) {
            assert!(all_asked.contains(&request), "cut after event {position}, another conversation: {request}");
        }
        let same = |result: &RunResult| {
            let findings: Vec<String> = result.findings.iter().map(|finding| finding.title.clone()).collect();
            (
                result.answer.clone(),
                findings,
                result.refused.clone(),
                result.usage,
                result.end.clone(),
                result.traces_read.clone(),
            )
        };
        assert_eq!(same(&resumed), same(&whole), "cut after event {position}");
        check_whole(&events(&cut), position);
    }
}

fn events_of(log: &[u8]) -> Vec<RunEvent> {
    log.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The log of all attempts together reads like that of one run.
fn check_whole(events: &[RunEvent], position: usize) {
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (0..events.len() as u64).collect::<Vec<_>>(), "no gaps, cut after {position}");
    let mut started: Vec<&str> = Vec::new();
    let mut finished: Vec<&str> = Vec::new();
    let mut results = BTreeSet::new();
    for event in events {
        match &event.item {
            EventKind::AgentStarted { .. } => started.push(&event.agent_id),
            EventKind::AgentFinished { .. } => finished.push(&event.agent_id),
            EventKind::ToolResult { tool_call_id, .. } => {
                assert!(results.insert((event.agent_id.clone(), tool_call_id.clone())), "one result a call: {event:?}");
            }
            _ => {}
        }
    }
    started.sort_unstable();
    finished.sort_unstable();
    let agents = ["root", "root/1.1", "root/1.1/1", "root/1.2", "root/1.2/1"];
    assert_eq!((started, finished), (agents.to_vec(), agents.to_vec()), "cut after event {position}");
    assert!(events.iter().any(|event| matches!(event.item, EventKind::RunResumed { .. })));
}

#[tokio::test]
async fn what_an_interrupt_cut_off_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let model =
        ScriptedModel::start([Reply::tool_calls(["forever", "SELECT 1"].map(|q| ("sql", json!({"query": q}))))])
            .unwrap();
    let cancel = CancellationToken::new();
    let sink = EventSink::create(&path).unwrap();
    let stop = cancel.clone();
    sink.observe(move |event| {
        if matches!(event.item, EventKind::ToolResult { .. }) {
            stop.cancel();
        }
    });
    let result = resume(options(), services(&model, sink, cancel), RunHistory::default()).await;
    assert_eq!(result.end, RunEnd::Interrupted);

    let history = RunHistory::load(&path).unwrap();
    assert_eq!((history.end(), history.kept()), (Some(&RunEnd::Interrupted), (1, 1)));
    // This time the tool does not hang: the run is interrupted at once, before the call is made again.
    let model = ScriptedModel::start([]).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let sink = EventSink::resume(&path, &history).unwrap();
    let result = resume(options(), services(&model, sink, cancel), history).await;
    assert_eq!((result.end, model.requests().len()), (RunEnd::Interrupted, 0));
    let interrupted: Vec<bool> = events(&path)
        .iter()
        .filter_map(|event| match event.item {
            EventKind::ToolResult { interrupted, .. } => Some(interrupted),
            _ => None,
        })
        .collect();
    assert_eq!(interrupted.iter().filter(|cut| **cut).count(), 2, "the call was made again: {interrupted:?}");
}

#[tokio::test]
async fn with_more_budget_a_run_goes_on_from_before_its_last_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let usage = json!({"prompt_tokens": 5_000, "completion_tokens": 500});
    let script = [sql("SELECT 1").usage(usage.clone()), final_answer("Not much.").usage(usage)];
    let model = ScriptedModel::start(script).unwrap();
    let mut small = options();
    small.limits = Limits { tokens: Some(12_000), ..Limits::default() };
    let sink = EventSink::create(&path).unwrap();
    let result = resume(small, services(&model, sink, CancellationToken::new()), RunHistory::default()).await;
    assert_eq!((result.end, result.answer.as_str()), (RunEnd::BudgetSpent { limit: "tokens".into() }, "Not much."));

    let history = RunHistory::load(&path).unwrap();
    let model = ScriptedModel::start([sql("SELECT 2"), final_answer("Much more.")]).unwrap();
    let mut large = options();
    large.limits = Limits { tokens: Some(100_000), ..Limits::default() };
    let sink = EventSink::resume(&path, &history).unwrap();
    let result = resume(large, services(&model, sink, CancellationToken::new()), history).await;
    assert_eq!((result.end, result.answer.as_str()), (RunEnd::Complete, "Much more."));
    assert_eq!(result.usage.requests, 4, "what was spent before counts");
    let read: Vec<String> = model.requests()[1].tool_results().into_iter().map(|(_, text)| text).collect();
    assert_eq!(read, ["result of SELECT 1", "result of SELECT 2"]);
}

#[tokio::test]
async fn a_log_that_is_none_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    assert!(!RunHistory::load(&path).unwrap().is_resumed(), "killed before its first event");
    let error = RunHistory::load(folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the event log `"), "{error}");
    std::fs::write(&path, "{\"sequence\": 0}\n").unwrap();
    let error = RunHistory::load(&path).unwrap_err().to_string();
    assert!(error.starts_with("line 1 of the event log `") && error.contains("missing field"), "{error}");
    std::fs::write(&path, "").unwrap();
    assert!(!RunHistory::load(&path).unwrap().is_resumed());
}
