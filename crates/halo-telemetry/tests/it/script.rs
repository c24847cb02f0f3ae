//! Runs to make spans of: events one after the other, a tenth of a second apart.

use halo_protocol::{
    AgentOutcome, EventKind, Finding, FindingSource, Interval, RequestPurpose, RunEnd, RunEvent, Severity, ToolCall,
    Usage,
};
use halo_telemetry::Span;

/// Events of a run under way.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) events: Vec<RunEvent>,
}

impl Script {
    /// Adds an event of an agent. Agents are `root`, or its children by the call that started them: `root/1 call_1`.
    pub(crate) fn add(&mut self, agent: &str, item: EventKind) -> &mut Self {
        let sequence = self.events.len() as u64;
        let (agent, call) = agent.split_once(' ').map_or((agent, None), |(agent, call)| (agent, Some(call)));
        let parent = agent.rsplit_once('/').map(|(parent, _)| parent.to_owned());
        self.events.push(RunEvent {
            sequence,
            at: format!("2026-03-01T10:00:{:02}.{}00Z", sequence / 10, sequence % 10),
            agent_id: agent.to_owned(),
            parent_tool_call_id: call.map(str::to_owned),
            agent_name: agent.to_owned(),
            depth: u32::from(parent.is_some()),
            parent_agent_id: parent,
            is_final: matches!(item, EventKind::RunFinished { .. }),
            item,
        });
        self
    }
}

pub(crate) fn run_started() -> EventKind {
    EventKind::RunStarted { format_version: 1, model: "large".into(), prompt: "What goes wrong?".into() }
}

pub(crate) fn agent_started(task: &str) -> EventKind {
    EventKind::AgentStarted { max_turns: 20, task: task.into() }
}

pub(crate) fn request(turn: u32) -> EventKind {
    EventKind::ModelRequest { turn, purpose: RequestPurpose::Turn, messages: 2, bytes: 1_000 }
}

/// A reply with calls as ids, names and arguments. Took 80 ms.
pub(crate) fn reply(turn: u32, content: &str, calls: &[(&str, &str, &str)]) -> EventKind {
    let call = |(id, name, arguments): &(&str, &str, &str)| ToolCall {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        arguments: (*arguments).to_owned(),
    };
    EventKind::ModelReply {
        turn,
        purpose: RequestPurpose::Turn,
        key: None,
        content: content.into(),
        tool_calls: calls.iter().map(call).collect(),
        provider_items: vec![],
        closing: false,
        refused: false,
        finish_reason: Some(if calls.is_empty() { "stop" } else { "tool_calls" }.into()),
        usage: Usage {
            requests: 1,
            input_tokens: 1_000,
            output_tokens: 50,
            cached_input_tokens: 800,
            cache_write_input_tokens: 100,
            reasoning_tokens: 20,
        },
        elapsed_ms: 80,
    }
}

/// A reply to something else than a turn.
pub(crate) fn side_reply(wanted: RequestPurpose, text: &str) -> EventKind {
    let mut item = reply(1, text, &[]);
    if let EventKind::ModelReply { purpose, key, .. } = &mut item {
        (*purpose, *key) = (wanted, Some("0123".into()));
    }
    item
}

pub(crate) fn refusal(turn: u32, text: &str) -> EventKind {
    let mut item = reply(turn, text, &[]);
    if let EventKind::ModelReply { refused, .. } = &mut item {
        *refused = true;
    }
    item
}

/// A result. Took 50 ms.
pub(crate) fn result(id: &str, name: &str, content: &str) -> EventKind {
    EventKind::ToolResult {
        tool_call_id: id.into(),
        name: name.into(),
        is_error: false,
        interrupted: false,
        content: content.into(),
        item_id: None,
        traces_shown: vec![],
        elapsed_ms: 50,
    }
}

pub(crate) fn failure(id: &str, name: &str, content: &str) -> EventKind {
    let mut item = result(id, name, content);
    if let EventKind::ToolResult { is_error, .. } = &mut item {
        *is_error = true;
    }
    item
}

pub(crate) fn interruption(id: &str, name: &str) -> EventKind {
    let mut item = failure(id, name, "interrupted after 0.1 s");
    if let EventKind::ToolResult { interrupted, .. } = &mut item {
        *interrupted = true;
    }
    item
}

pub(crate) fn finished(outcome: AgentOutcome) -> EventKind {
    EventKind::AgentFinished { outcome, usage: Usage::default() }
}

pub(crate) fn run_finished(end: RunEnd, answer: &str) -> EventKind {
    EventKind::RunFinished { end, answer: answer.into(), usage: Usage::default() }
}

pub(crate) fn notice(text: &str) -> EventKind {
    EventKind::Notice { text: text.into() }
}

pub(crate) fn finding(title: &str) -> EventKind {
    let finding = Finding {
        id: "f1".into(),
        title: title.into(),
        category: "tool_use".into(),
        severity: Severity::High,
        claim: "Calls time out.".into(),
        cause: "No retry.".into(),
        fix: "Retry.".into(),
        affected_sql: "SELECT trace_id FROM traces".into(),
        population_sql: "SELECT trace_id FROM traces".into(),
        affected: 3,
        population: 10,
        rate: 0.3,
        interval: Interval { low: 0.1, high: 0.6 },
        scope: vec![],
        evidence: vec![],
        code: vec![],
        outcomes: None,
        trend: Vec::new(),
        conversations: Vec::new(),
        sample_trace_ids: vec![],
        source: FindingSource::Agent { name: "root".into() },
        verified: true,
    };
    EventKind::FindingAccepted { finding: Box::new(finding) }
}

/// A run with two subagents, of which one fails, and about everything that can happen on the way.
pub(crate) fn eventful_run() -> Vec<RunEvent> {
    let (one, two) = ("root/1.1 call_2", "root/1.2 call_2");
    let mut script = Script::default();
    script
        .add("root", run_started())
        .add("root", agent_started("What goes wrong?"))
        .add("root", request(1))
        .add("root", EventKind::ModelRetry { attempt: 1, error: "status 503".into(), wait_ms: 250 })
        .add("root", EventKind::TextDelta { text: "Let me".into() })
        .add(
            "root",
            reply(
                1,
                "Let me see.",
                &[("call_1", "sql", r#"{"query":"SELEC 1"}"#), ("call_2", "call_subagent", r#"{"inputs":["a","b"]}"#)],
            ),
        )
        .add("root", failure("call_1", "sql", "error: no such statement; begin with SELECT"))
        .add(one, agent_started("a"))
        .add(two, agent_started("b"))
        .add(one, refusal(1, "I can't help with that."))
        .add(one, notice("the model refused; asking it again"))
        .add(one, reply(1, "", &[("call_1", "map_rows", "not JSON")]))
        .add(one, side_reply(RequestPurpose::Row, r#"{"bad":true}"#))
        .add(one, result("call_1", "map_rows", "[1]"))
        .add(two, finished(AgentOutcome::Failed { error: "the model endpoint refused".into() }))
        .add(one, EventKind::FindingRefused { title: "Slow".into(), reason: "no quote".into() })
        .add(one, finding("Timeouts are not retried"))
        .add(one, reply(2, "", &[("call_2", "final_answer", r#"{"answer":"Timeouts."}"#)]))
        .add(one, result("call_2", "final_answer", "Timeouts."))
        .add(one, finished(AgentOutcome::Answered))
        .add("root", result("call_2", "call_subagent", "## root/1.1\n\nTimeouts."))
        .add("root", reply(2, "It times out.", &[]))
        .add("root", finished(AgentOutcome::StoppedWithoutAnswer))
        .add("root", run_finished(RunEnd::Complete, "It times out."));
    script.events
}

/// Spans as a tree: names, and how they ended where that was not well. Spans whose parent is not among them stand at the edge.
pub(crate) fn tree(spans: &[Span]) -> String {
    let mut text = String::new();
    let is_top = |span: &&Span| spans.iter().all(|other| span.parent_span_id.as_ref() != Some(&other.span_id));
    for span in spans.iter().filter(is_top) {
        let orphan = if span.parent_span_id.is_some() { "… " } else { "" };
        text.push_str(orphan);
        branch(spans, span, 0, &mut text);
    }
    text
}

fn branch(spans: &[Span], span: &Span, depth: usize, text: &mut String) {
    let kind = span.attributes.first().map(|attribute| format!("{:?}", attribute.value)).unwrap_or_default();
    let kind = kind.trim_start_matches("Text(\"").trim_end_matches("\")");
    let seconds = |time: u64| format!("{:.2}", time.saturating_sub(1_772_359_200_000_000_000) as f64 / 1e9);
    let indent = "  ".repeat(depth);
    let (start, end) = (seconds(span.start), seconds(span.end));
    text.push_str(&format!("{indent}{kind} {} {start}-{end} {:?}\n", span.name, span.status));
    let mut below: Vec<&Span> =
        spans.iter().filter(|other| other.parent_span_id.as_ref() == Some(&span.span_id)).collect();
    below.sort_by_key(|span| span.start);
    for child in below {
        branch(spans, child, depth + 1, text);
    }
}
