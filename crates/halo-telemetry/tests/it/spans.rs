//! What the spans of a run are.

use halo_protocol::{AgentOutcome, RequestPurpose, RunEnd, RunEvent};
use halo_telemetry::{AttributeValue, Span, SpanBuilder, Status};

use crate::script::{
    Script, agent_started, eventful_run, finished, notice, reply, request, result, run_finished, run_started,
    side_reply, tree,
};

fn spans_of(events: &[RunEvent]) -> Vec<Span> {
    let mut builder = SpanBuilder::new("run-7");
    let spans = events.iter().flat_map(|event| builder.on_event(event)).collect();
    assert_eq!(builder.finish("2026-03-01T11:00:00Z"), [], "nothing is open after the end");
    spans
}

fn text<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    span.attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| match &attribute.value {
        AttributeValue::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// The JSON of a span, with a line for each attribute and event.
fn spelled(span: &Span) -> String {
    let text = serde_json::to_string(span).unwrap();
    text.replace(r#""attributes":[{"#, "\"attributes\":[\n  {")
        .replace(r#"},{"key""#, "},\n  {\"key\"")
        .replace(r#"}}],"#, "}}],\n")
        + "\n"
}

#[test]
fn the_spans_of_a_run() {
    let spans = spans_of(&eventful_run());
    insta::assert_snapshot!("tree", tree(&spans));
    let text: Vec<String> = spans.iter().map(spelled).collect();
    insta::assert_snapshot!("spans", text.join("\n"));
}

#[test]
fn spans_come_when_they_end() {
    let mut builder = SpanBuilder::new("run-7");
    let mut given = Vec::new();
    for event in eventful_run() {
        for span in builder.on_event(&event) {
            given.push((event.sequence, span.name));
        }
    }
    let expected = [
        (5, "turn"),
        (6, "sql"),
        (9, "turn"),
        (11, "turn"),
        (12, "row"),
        (13, "map_rows"),
        (14, "root/1.2"),
        (17, "turn"),
        (18, "final_answer"),
        (19, "root/1.1"),
        (20, "call_subagent"),
        (21, "turn"),
        (23, "root"),
    ];
    assert_eq!(given, expected.map(|(sequence, name)| (sequence, name.to_owned())));
}

#[test]
fn a_killed_run_gives_what_ended_and_finish_closes_the_rest() {
    let events = &eventful_run()[..12];
    let mut builder = SpanBuilder::new("run-7");
    let mut spans: Vec<Span> = events.iter().flat_map(|event| builder.on_event(event)).collect();
    assert_eq!(spans.len(), 4);
    spans.extend(builder.finish("2026-03-01T10:00:09.000Z"));
    insta::assert_snapshot!("killed", tree(&spans));
    assert_eq!(builder.finish("2026-03-01T10:00:09.000Z"), []);
}

#[test]
fn the_ends_of_agents() {
    let end_of = |outcome: AgentOutcome, end: RunEnd| {
        let mut script = Script::default();
        script
            .add("root", run_started())
            .add("root", agent_started("x"))
            .add("root", reply(1, "Words.", &[("c", "sql", "{}")]))
            .add("root", result("c", "sql", "rows"))
            .add("root", finished(outcome))
            .add("root", run_finished(end, ""));
        let root = spans_of(&script.events).pop().unwrap();
        let told = |key| text(&root, key).map(str::to_owned);
        (told("halo.outcome"), told("output.value"), root.status.clone())
    };
    let some = |text: &str| Some(text.to_owned());
    let error = |message: &str| Status::Error { message: message.into() };
    assert_eq!(end_of(AgentOutcome::Answered, RunEnd::Complete), (some("answered"), some("rows"), Status::Ok));
    assert_eq!(
        end_of(AgentOutcome::StoppedWithoutAnswer, RunEnd::Complete),
        (some("stopped_without_answer"), some("Words."), Status::Ok)
    );
    assert_eq!(end_of(AgentOutcome::TurnLimit, RunEnd::TurnLimit), (some("turn_limit"), some("Words."), Status::Unset));
    assert_eq!(
        end_of(AgentOutcome::Interrupted, RunEnd::Interrupted),
        (some("interrupted"), some("Words."), Status::Unset)
    );
    let failed = |error: &str| AgentOutcome::Failed { error: error.into() };
    let long = "é".repeat(3_000);
    let cut = format!("{}…", "é".repeat(2_000));
    assert_eq!(
        end_of(failed(&long), RunEnd::Failed { error: long.clone() }),
        (some("failed"), some("Words."), error(&cut))
    );
}

#[test]
fn models_are_named_by_who_asks_for_what() {
    let mut builder = SpanBuilder::new("run-7").naming_models(|purpose, depth| match (purpose, depth) {
        (RequestPurpose::Row, _) => Some("small".into()),
        (RequestPurpose::Turn, 1) => Some("medium".into()),
        _ => None,
    });
    let spans: Vec<Span> = eventful_run().iter().flat_map(|event| builder.on_event(event)).collect();
    let models: Vec<(&str, &str)> =
        spans.iter().filter_map(|span| Some((text(span, "agent.name")?, text(span, "llm.model_name")?))).collect();
    assert_eq!(
        models,
        [
            ("root", "large"),
            ("root/1.1", "medium"),
            ("root/1.1", "medium"),
            ("root/1.1", "small"),
            ("root/1.1", "medium"),
            ("root", "large")
        ]
    );
}

#[test]
fn requests_tell_new_messages_once_and_only_turns_do() {
    let mut script = Script::default();
    script
        .add("root", run_started())
        .add("root", agent_started("Task."))
        .add("root", side_reply(RequestPurpose::Compaction, "Summary."))
        .add("root", reply(1, "", &[("a", "sql", "{}"), ("b", "sql", "{}")]))
        .add("root", result("b", "sql", "second"))
        .add("root", result("a", "sql", "first"))
        .add("root", request(2))
        .add("root", reply(2, "", &[]))
        .add("root", reply(3, "", &[]));
    let mut builder = SpanBuilder::new("run-7");
    let spans: Vec<Span> = script.events.iter().flat_map(|event| builder.on_event(event)).collect();
    let told: Vec<(&str, Vec<&str>)> = spans
        .iter()
        .filter(|span| text(span, "openinference.span.kind") == Some("LLM"))
        .map(|span| {
            let contents = (0..4).filter_map(|n| text(span, &format!("llm.input_messages.{n}.message.content")));
            (span.name.as_str(), contents.collect())
        })
        .collect();
    assert_eq!(
        told,
        [("compaction", vec![]), ("turn", vec!["Task."]), ("turn", vec!["second", "first"]), ("turn", vec![])]
    );
}

#[test]
fn many_notices_are_bounded_and_counted() {
    let mut script = Script::default();
    script.add("root", run_started());
    for number in 0..130 {
        script.add("root", notice(&number.to_string()));
    }
    script.add("root", run_finished(RunEnd::Complete, "x"));
    let spans = spans_of(&script.events);
    assert_eq!((spans.len(), spans[0].events.len(), spans[0].dropped_events_count), (1, 128, 2));
}
