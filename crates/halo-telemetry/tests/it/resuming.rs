//! Runs that stopped and go on.

use halo_protocol::{AgentOutcome, EventKind, RunEnd, RunEvent};
use halo_telemetry::{Span, SpanBuilder};

use crate::script::{
    Script, agent_started, eventful_run, finished, interruption, notice, reply, request, result, run_finished,
    run_started, tree,
};

fn take(builder: &mut SpanBuilder, events: &[RunEvent]) -> Vec<Span> {
    events.iter().flat_map(|event| builder.on_event(event)).collect()
}

/// A run that was killed while a subagent worked, and the rest of it.
fn killed_run() -> (Vec<RunEvent>, Vec<RunEvent>) {
    let one = "root/1 call_1";
    let mut script = Script::default();
    script
        .add("root", run_started())
        .add("root", agent_started("What goes wrong?"))
        .add("root", reply(1, "", &[("call_1", "call_subagent", r#"{"input":"a"}"#)]))
        .add(one, agent_started("a"))
        .add(one, reply(1, "", &[("call_1", "sql", r#"{"query":"SELECT 1"}"#)]));
    let killed = script.events.len();
    script
        .add("root", EventKind::RunResumed { replies: 2, results: 0 })
        .add(one, result("call_1", "sql", "1"))
        .add(one, request(2))
        .add(one, reply(2, "One.", &[]))
        .add(one, finished(AgentOutcome::StoppedWithoutAnswer))
        .add("root", result("call_1", "call_subagent", "One."))
        .add("root", reply(2, "One.", &[]))
        .add("root", finished(AgentOutcome::StoppedWithoutAnswer))
        .add("root", run_finished(RunEnd::Complete, "One."));
    let rest = script.events.split_off(killed);
    (script.events, rest)
}

#[test]
fn a_killed_run_goes_on_in_its_trace() {
    let (before, after) = killed_run();
    let mut spans = take(&mut SpanBuilder::new("run-7"), &before);
    let mut builder = SpanBuilder::new("run-7");
    builder.recall(&before);
    spans.extend(take(&mut builder, &after));
    assert_eq!(builder.finish("2026-03-01T11:00:00Z"), []);
    insta::assert_snapshot!("killed_and_resumed", tree(&spans));

    // Whoever saw all of it in one go gives the same.
    let mut whole = SpanBuilder::new("run-7");
    let all: Vec<RunEvent> = before.into_iter().chain(after).collect();
    assert_eq!(take(&mut whole, &all), spans);
}

#[test]
fn without_the_older_log_spans_know_less_and_hang_together_all_the_same() {
    let (before, after) = killed_run();
    let mut spans = take(&mut SpanBuilder::new("run-7"), &before);
    let mut builder = SpanBuilder::new("run-7");
    spans.extend(take(&mut builder, &after));
    assert_eq!(builder.finish("2026-03-01T11:00:00Z"), []);
    insta::assert_snapshot!("killed_and_resumed_without_recall", tree(&spans));
    let trace_ids: Vec<&str> = spans.iter().map(|span| span.trace_id.as_str()).collect();
    assert!(trace_ids.iter().all(|id| *id == trace_ids[0]), "{trace_ids:?}");
}

#[test]
fn what_ended_and_goes_on_ends_twice_under_two_ids() {
    let one = "root/1 call_1";
    let mut script = Script::default();
    script
        .add("root", run_started())
        .add("root", agent_started("x"))
        .add("root", reply(1, "", &[("call_1", "call_subagent", r#"{"input":"a"}"#)]))
        .add(one, agent_started("a"))
        .add(one, finished(AgentOutcome::Interrupted))
        .add("root", interruption("call_1", "call_subagent"))
        .add("root", finished(AgentOutcome::Interrupted))
        .add("root", run_finished(RunEnd::Interrupted, "Nothing was found."));
    let first = take(&mut SpanBuilder::new("run-7"), &script.events);
    let mut builder = SpanBuilder::new("run-7");
    builder.recall(&script.events);
    let stopped = script.events.len();
    script
        .add("root", EventKind::RunResumed { replies: 1, results: 0 })
        .add(one, reply(1, "A.", &[]))
        .add(one, finished(AgentOutcome::StoppedWithoutAnswer))
        .add("root", result("call_1", "call_subagent", "A."))
        .add("root", reply(2, "A.", &[]))
        .add("root", finished(AgentOutcome::StoppedWithoutAnswer))
        .add("root", run_finished(RunEnd::Complete, "A."));
    let second = take(&mut builder, &script.events[stopped..]);
    assert_eq!(builder.finish("2026-03-01T11:00:00Z"), []);

    let spans: Vec<Span> = first.into_iter().chain(second).collect();
    insta::assert_snapshot!("interrupted_and_resumed", tree(&spans));
    let mut ids: Vec<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), spans.len(), "no id twice");
    let redone = spans.iter().rfind(|span| span.name == "call_subagent").unwrap();
    assert!(format!("{redone:?}").contains(r#"Text("{\"input\":\"a\"}")"#), "arguments are known again: {redone:?}");
    let root = format!("{:?}", spans.last());
    assert!(root.contains(r#"key: "input.value", value: Text("x")"#), "so is the task: {root}");
}

#[test]
fn a_notice_of_an_agent_that_ended_opens_nothing() {
    let mut builder = SpanBuilder::new("run-7");
    builder.recall(&eventful_run());
    let mut script = Script::default();
    script
        .add("root", EventKind::RunResumed { replies: 5, results: 5 })
        .add("root/1.1 call_2", notice("the model refused; asking it again"))
        .add("root", run_finished(RunEnd::Complete, "It times out."));
    let spans = take(&mut builder, &script.events);
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["root"]);
    assert_eq!(builder.finish("2026-03-01T11:00:00Z"), []);
}
