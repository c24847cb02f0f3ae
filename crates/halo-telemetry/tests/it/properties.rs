//! Whatever comes in whatever order, the spans hang together.

use std::collections::HashSet;

use halo_protocol::{AgentOutcome, EventKind, RequestPurpose, RunEnd, RunEvent, ToolCall, Usage};
use halo_telemetry::{Span, SpanBuilder};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::script::{agent_started, finding, notice, request, run_started};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("root"), Just("root/1"), Just("root/2"), Just("root/1/1")].prop_map(str::to_owned)
}

fn call_id() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(str::to_owned)
}

fn at() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..60_u32).prop_map(|second| format!("2026-03-01T10:00:{second:02}.000Z")),
        Just("0001-01-01T00:00:00Z".to_owned()),
        Just("9999-12-30T00:00:00Z".to_owned()),
        Just("soon".to_owned()),
    ]
}

fn elapsed() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_000_u64, Just(u64::MAX)]
}

fn outcome() -> impl Strategy<Value = AgentOutcome> {
    prop_oneof![
        Just(AgentOutcome::Answered),
        Just(AgentOutcome::TurnLimit),
        Just(AgentOutcome::Interrupted),
        Just(AgentOutcome::Failed { error: "e".into() }),
    ]
}

fn model_reply() -> impl Strategy<Value = EventKind> {
    let purpose = prop_oneof![Just(RequestPurpose::Turn), Just(RequestPurpose::Row)];
    (purpose, vec(call_id(), 0..3), any::<bool>(), any::<u64>(), elapsed()).prop_map(
        |(purpose, calls, refused, tokens, elapsed_ms)| EventKind::ModelReply {
            turn: 1,
            purpose,
            key: None,
            content: "x".into(),
            tool_calls: calls
                .into_iter()
                .map(|id| ToolCall { id, name: "sql".into(), arguments: "{}".into() })
                .collect(),
            provider_items: vec![],
            closing: false,
            refused,
            finish_reason: None,
            usage: Usage { input_tokens: tokens, output_tokens: tokens, ..Usage::default() },
            elapsed_ms,
        },
    )
}

fn item() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        1 => Just(run_started()),
        1 => Just(EventKind::RunResumed { replies: 0, results: 0 }),
        1 => Just(agent_started("x")),
        1 => Just(request(1)),
        1 => Just(EventKind::TextDelta { text: "x".into() }),
        1 => Just(notice("x")),
        1 => Just(finding("x")),
        3 => model_reply(),
        3 => tool_result(),
        2 => outcome().prop_map(|outcome| EventKind::AgentFinished { outcome, usage: Usage::default() }),
        1 => Just(EventKind::RunFinished { end: RunEnd::Complete, answer: "x".into(), usage: Usage::default() }),
    ]
}

fn tool_result() -> impl Strategy<Value = EventKind> {
    (call_id(), any::<bool>(), any::<bool>(), elapsed()).prop_map(
        |(tool_call_id, is_error, interrupted, elapsed_ms)| EventKind::ToolResult {
            tool_call_id,
            name: "sql".into(),
            is_error,
            interrupted,
            content: "x".into(),
            item_id: None,
            traces_shown: vec![],
            elapsed_ms,
        },
    )
}

fn events() -> impl Strategy<Value = Vec<RunEvent>> {
    let event = (name(), option::of(name()), option::of(call_id()), at(), item());
    vec(event, 0..40).prop_map(|events| {
        let numbered = events.into_iter().zip(0_u64..);
        numbered
            .map(|((agent_id, parent_agent_id, parent_tool_call_id, at, item), sequence)| RunEvent {
                sequence,
                at,
                agent_name: agent_id.clone(),
                agent_id,
                parent_agent_id,
                parent_tool_call_id,
                depth: 1,
                item,
                is_final: false,
            })
            .collect()
    })
}

fn all_spans(builder: &mut SpanBuilder, events: &[RunEvent]) -> Vec<Span> {
    let mut spans: Vec<Span> = events.iter().flat_map(|event| builder.on_event(event)).collect();
    spans.extend(builder.finish("2026-03-01T10:01:00Z"));
    spans
}

proptest! {
    #[test]
    fn spans_hang_together(events in events()) {
        let mut builder = SpanBuilder::new("run-7");
        let spans = all_spans(&mut builder, &events);
        let ids: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
        prop_assert_eq!(ids.len(), spans.len(), "an id stands twice");
        for span in &spans {
            prop_assert!(span.start <= span.end, "{:?}", span);
            let parent = span.parent_span_id.as_deref();
            prop_assert!(parent.is_none_or(|parent| ids.contains(parent)), "the parent is not known: {:?}", span);
            prop_assert_ne!(parent, Some(span.span_id.as_str()));
            let keys: HashSet<&str> = span.attributes.iter().map(|attribute| attribute.key.as_ref()).collect();
            prop_assert_eq!(keys.len(), span.attributes.len(), "a key stands twice: {:?}", span);
        }
        prop_assert_eq!(builder.finish("2026-03-01T10:01:00Z"), vec![]);
    }

    #[test]
    fn every_reply_and_result_is_a_span(events in events()) {
        let spans = all_spans(&mut SpanBuilder::new("run-7"), &events);
        let count = |wanted: fn(&EventKind) -> bool| events.iter().filter(|event| wanted(&event.item)).count();
        let replies = count(|item| matches!(item, EventKind::ModelReply { .. }));
        let results = count(|item| matches!(item, EventKind::ToolResult { .. }));
        let of_kind = |kind: &str| spans.iter().filter(|span| format!("{:?}", span.attributes[0].value).contains(kind)).count();
        prop_assert_eq!(of_kind("LLM"), replies);
        prop_assert!(of_kind("TOOL") >= results);
    }

    #[test]
    fn a_run_that_goes_on_gives_the_same_as_one_that_never_stopped(events in events(), at in 0..40_usize) {
        let (before, after) = events.split_at(at.min(events.len()));
        let mut spans: Vec<Span> = Vec::new();
        let mut first = SpanBuilder::new("run-7");
        for event in before {
            spans.extend(first.on_event(event));
        }
        let mut second = SpanBuilder::new("run-7");
        second.recall(before);
        spans.extend(all_spans(&mut second, after));
        prop_assert_eq!(spans, all_spans(&mut SpanBuilder::new("run-7"), &events));
    }
}
