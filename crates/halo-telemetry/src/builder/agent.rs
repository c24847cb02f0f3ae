//! An agent that has not ended: what its span will tell, and what its next request will be the first to hold.

use halo_protocol::{AgentOutcome, EventKind, RequestPurpose, RunEnd};

use crate::attributes::{Attributes, NewMessage};
use crate::span::{SpanEvent, Status};

/// Events on one span: as many as OpenTelemetry's own libraries keep.
const EVENTS_MAX: usize = 128;

/// An agent under way.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) span_id: String,
    pub(super) parent_span_id: Option<String>,
    pub(super) name: String,
    /// Whether an event of its own was seen, and not only one of a subagent.
    pub(super) is_named: bool,
    pub(super) start: u64,
    pub(super) task: String,
    pub(super) max_turns: Option<u32>,
    pub(super) events: Vec<SpanEvent>,
    pub(super) events_dropped: u32,
    /// Messages that no request held yet.
    new_messages: Vec<NewMessage>,
    /// Text of the last reply that had any.
    pub(super) last_words: String,
    /// The last result that was no error.
    last_result: String,
    /// How it ended; its span waits for more.
    pub(super) end: Option<AgentEnd>,
}

/// What is kept of an agent that ended, should it go on.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// How often it ended.
    pub(super) ends: u64,
    pub(super) task: String,
    pub(super) max_turns: Option<u32>,
}

/// How an agent ended.
#[derive(Debug)]
pub(super) struct AgentEnd {
    pub(super) at: u64,
    pub(super) outcome: Option<&'static str>,
    pub(super) status: Status,
    /// Its answer; empty when it gave none.
    pub(super) output: String,
}

/// A call under way.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Name of the tool and arguments; `None` when only a subagent spoke of the call.
    pub(super) asked: Option<(String, String)>,
    pub(super) parent_span_id: String,
    pub(super) asked_at: u64,
    /// Whether a result came that does not count.
    pub(super) is_over: bool,
}

impl Call {
    pub(super) fn new(asked: Option<(String, String)>, parent_span_id: String, asked_at: u64) -> Self {
        Self { asked, parent_span_id, asked_at, is_over: false }
    }
}

impl Agent {
    pub(super) fn new(id: &str, span_id: String, past: Past, start: u64) -> Self {
        Self {
            span_id,
            parent_span_id: None,
            name: id.to_owned(),
            is_named: false,
            start,
            task: past.task,
            max_turns: past.max_turns,
            events: Vec::new(),
            events_dropped: 0,
            new_messages: Vec::new(),
            last_words: String::new(),
            last_result: String::new(),
            end: None,
        }
    }

    pub(super) fn begin(&mut self, max_turns: u32, task: &str) {
        self.max_turns = Some(max_turns);
        if !task.is_empty() {
            task.clone_into(&mut self.task);
        }
        if !self.task.is_empty() {
            self.new_messages.push(NewMessage { tool_call_id: None, content: self.task.clone() });
        }
    }

    /// The messages that a request was the first to hold. Only turns hold the conversation.
    pub(super) fn take_messages(&mut self, purpose: RequestPurpose, reply: &str) -> Vec<NewMessage> {
        if purpose != RequestPurpose::Turn {
            return Vec::new();
        }
        if !reply.trim().is_empty() {
            reply.clone_into(&mut self.last_words);
        }
        std::mem::take(&mut self.new_messages)
    }

    pub(super) fn take_result(&mut self, call_id: &str, content: &str, is_error: bool) {
        if !is_error {
            content.clone_into(&mut self.last_result);
        }
        self.new_messages.push(NewMessage { tool_call_id: Some(call_id.to_owned()), content: content.to_owned() });
    }

    pub(super) fn note(&mut self, event: SpanEvent) {
        if self.events.len() < EVENTS_MAX {
            self.events.push(event);
        } else {
            self.events_dropped = self.events_dropped.saturating_add(1);
        }
    }

    /// The end that an outcome is. An agent that answered did so with its last call; any other one's answer are its last words.
    pub(super) fn end_with(&self, at: u64, outcome: &AgentOutcome) -> AgentEnd {
        let (word, status) = match outcome {
            AgentOutcome::Answered => ("answered", Status::Ok),
            AgentOutcome::StoppedWithoutAnswer => ("stopped_without_answer", Status::Ok),
            AgentOutcome::TurnLimit => ("turn_limit", Status::Unset),
            AgentOutcome::BudgetSpent { .. } => ("budget_spent", Status::Unset),
            AgentOutcome::Failed { error } => ("failed", Status::error(error)),
            AgentOutcome::Interrupted => ("interrupted", Status::Unset),
        };
        let output = if *outcome == AgentOutcome::Answered { &self.last_result } else { &self.last_words };
        AgentEnd { at, outcome: Some(word), status, output: output.clone() }
    }
}

impl AgentEnd {
    /// The end of a run whose root told of none.
    pub(super) fn of_run(at: u64, end: &RunEnd) -> Self {
        let (word, status) = match end {
            RunEnd::Complete => ("answered", Status::Ok),
            RunEnd::TurnLimit => ("turn_limit", Status::Unset),
            RunEnd::BudgetSpent { .. } => ("budget_spent", Status::Unset),
            RunEnd::Failed { error } => ("failed", Status::error(error)),
            RunEnd::Interrupted => ("interrupted", Status::Unset),
        };
        Self { at, outcome: Some(word), status, output: String::new() }
    }
}

/// What an event of the log is on its agent's span; `None` for those that are spans or nothing.
pub(super) fn span_event(item: &EventKind, time: u64) -> Option<SpanEvent> {
    let mut attributes = Attributes::default();
    let name = match item {
        EventKind::FindingAccepted { finding } => {
            attributes.text("finding.title", &finding.title);
            attributes.text("finding.id", &finding.id);
            attributes.text("finding.severity", finding.severity.as_str());
            attributes.int("finding.affected", finding.affected);
            attributes.int("finding.population", finding.population);
            "finding accepted"
        }
        EventKind::FindingRefused { title, reason } => {
            attributes.text("finding.title", title);
            attributes.text("reason", reason);
            "finding refused"
        }
        EventKind::ModelRetry { attempt, error, wait_ms } => {
            attributes.int("attempt", u64::from(*attempt));
            attributes.text("error", error);
            attributes.int("wait_ms", *wait_ms);
            "model retry"
        }
        EventKind::Notice { text } => {
            attributes.text("text", text);
            "notice"
        }
        _ => return None,
    };
    Some(SpanEvent { time, name: name.into(), attributes: attributes.into_list() })
}
