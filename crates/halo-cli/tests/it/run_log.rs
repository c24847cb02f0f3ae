//! What an event log says, and what must hold for each of them.

use std::collections::BTreeMap;

use halo_protocol::{EventKind, RunEvent};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// Texts of tool results and answers that are longer are told of by their beginning.
const TEXT_CHARS: usize = 160;

/// The events of a log, read back as the types they were written from.
pub(crate) fn events(text: &str) -> Vec<RunEvent> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What holds for the log of every run that was not killed: numbers without gaps, one first and one last event, one result for each
/// call and one end for each agent.
pub(crate) fn check(events: &[RunEvent]) {
    for (position, event) in events.iter().enumerate() {
        assert_eq!(event.sequence, position as u64);
        assert_eq!(event.is_final, position + 1 == events.len(), "{event:?}");
    }
    assert!(matches!(events.first().unwrap().item, EventKind::RunStarted { .. }));
    assert!(matches!(events.last().unwrap().item, EventKind::RunFinished { .. }));
    let mut results = BTreeMap::new();
    let mut agents = BTreeMap::new();
    for event in events {
        match &event.item {
            EventKind::ModelReply { tool_calls, .. } => {
                for call in tool_calls {
                    assert_eq!(results.insert(call.id.clone(), 0), None, "two calls have the id {}", call.id);
                }
            }
            EventKind::ToolResult { tool_call_id, .. } => *results.get_mut(tool_call_id).unwrap() += 1,
            EventKind::AgentStarted { .. } => assert_eq!(agents.insert(event.agent_id.clone(), 0), None),
            EventKind::AgentFinished { .. } => *agents.get_mut(&event.agent_id).unwrap() += 1,
            _ => {}
        }
    }
    assert!(results.values().all(|count| *count == 1), "{results:?}");
    assert!(!agents.is_empty() && agents.values().all(|count| *count == 1), "{agents:?}");
}

/// A log for people, one line an event, without what differs from run to run. Deltas of text are left out: how many there are is the
/// network's business.
///
/// Results of calls that run side by side come in the order in which they end; here they stand in the order of the calls.
pub(crate) fn shown(sandbox: &Sandbox, events: &[RunEvent]) -> String {
    let mut events: Vec<&RunEvent> =
        events.iter().filter(|event| !matches!(event.item, EventKind::TextDelta { .. })).collect();
    for together in events.chunk_by_mut(|one, other| call(one).is_some() && call(other).is_some()) {
        together.sort_by_key(|event| call(event));
    }
    let mut text = String::new();
    for event in events {
        let mut item = serde_json::to_value(&event.item).unwrap();
        for volatile in ["elapsed_ms", "bytes", "wait_ms"] {
            if let Some(value) = item.get_mut(volatile) {
                *value = json!("*");
            }
        }
        for long in ["content", "answer"] {
            if let Some(Value::String(text)) = item.get_mut(long) {
                // Made alike before it is cut: how long a time is written must not move the cut.
                *text = beginning(&sandbox.normal(text));
            }
        }
        // The finding itself is compared where it is in the report.
        if let EventKind::FindingAccepted { finding } = &event.item {
            item["finding"] = json!(finding.title);
        }
        let kind = item.as_object_mut().unwrap().remove("type").unwrap();
        text.push_str(&format!("{} {} {item}\n", event.agent_id, kind.as_str().unwrap()));
    }
    sandbox.normal(&text)
}

/// The call that an event is the result of.
fn call(event: &RunEvent) -> Option<&str> {
    match &event.item {
        EventKind::ToolResult { tool_call_id, .. } => Some(tool_call_id),
        _ => None,
    }
}

fn beginning(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS) {
        Some((end, _)) => format!("{} […]", &text[..end]),
        None => text.to_owned(),
    }
}
