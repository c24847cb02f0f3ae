//! Events to spans: what is open, and what each event opens, adds to or closes. Pure: no clock, no files.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use halo_protocol::{AgentOutcome, EventKind, RequestPurpose, RunEnd, RunEvent, ToolCall};
use jiff::Timestamp;

use crate::attributes::{Attributes, purpose_name};
use crate::ids::Ids;
use crate::span::{Span, SpanKind, Status};

mod agent;

use agent::{Agent, AgentEnd, Call, Past, span_event};

/// Status of what the run ended without.
const DID_NOT_END: &str = "did not end";

type ModelNames = Arc<dyn Fn(RequestPurpose, u32) -> Option<String> + Send + Sync>;

/// An agent and one of its calls.
type CallKey = (String, String);

/// Makes spans of the events of one run. See the crate's front page for what they are.
pub struct SpanBuilder {
    run: String,
    ids: Ids,
    trace_id: String,
    /// The model of the root, once it is known.
    model: Option<String>,
    model_names: Option<ModelNames>,
    /// Agents that have not ended.
    agents: BTreeMap<String, Agent>,
    /// What is kept of agents that ended, and how often calls did.
    ended: HashMap<String, Past>,
    call_ends: HashMap<CallKey, u64>,
    /// Calls that were asked for and have no result yet, or one that does not count.
    calls: BTreeMap<CallKey, Call>,
    /// Time of the last event, for one whose time can't be read.
    now: u64,
}

impl SpanBuilder {
    /// A builder for a run. `run` names it: it becomes the session of all spans, and their ids come from it, so it must be the
    /// same when the run goes on, and another for every other run.
    #[must_use]
    pub fn new(run: impl Into<String>) -> Self {
        let run = run.into();
        let ids = Ids::new(&run);
        Self {
            trace_id: ids.trace(),
            ids,
            run,
            model: None,
            model_names: None,
            agents: BTreeMap::new(),
            ended: HashMap::new(),
            call_ends: HashMap::new(),
            calls: BTreeMap::new(),
            now: 0,
        }
    }

    /// Says which model answers, by what it is asked for and the depth of the agent. Events name only the root's, which is taken where
    /// nothing else is known.
    #[must_use]
    pub fn naming_models(
        mut self,
        name: impl Fn(RequestPurpose, u32) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.model_names = Some(Arc::new(name));
        self
    }

    /// Takes in the log of an earlier attempt at the run, whose spans were given when it was made.
    pub fn recall<'e>(&mut self, older: impl IntoIterator<Item = &'e RunEvent>) {
        for event in older {
            drop(self.on_event(event));
        }
    }

    /// Takes in what happened and gives the spans that ended with it.
    pub fn on_event(&mut self, event: &RunEvent) -> Vec<Span> {
        // Many of these come, and they tell nothing that the reply does not.
        if let EventKind::TextDelta { .. } = event.item {
            return Vec::new();
        }
        self.now = nanoseconds(&event.at).unwrap_or(self.now);
        let now = self.now;
        match &event.item {
            EventKind::RunStarted { model, prompt, .. } => {
                self.model = Some(model.clone());
                self.open(event, now).task.clone_from(prompt);
            }
            EventKind::AgentStarted { max_turns, task } => self.open(event, now).begin(*max_turns, task),
            EventKind::RunResumed { .. } | EventKind::ModelRequest { .. } => drop(self.open(event, now)),
            EventKind::ModelReply { .. } => return self.reply(event).into_iter().collect(),
            EventKind::ToolResult { .. } => return self.result(event).into_iter().collect(),
            EventKind::AgentFinished { outcome, .. } => return self.agent_finished(event, outcome),
            EventKind::RunFinished { end, answer, .. } => return self.run_finished(event, end, answer),
            EventKind::TextDelta { .. }
            | EventKind::ModelRetry { .. }
            | EventKind::FindingAccepted { .. }
            | EventKind::FindingRefused { .. }
            | EventKind::Notice { .. } => self.note(event),
        }
        Vec::new()
    }

    /// Closes what is open at this time (RFC 3339) with an error: calls first, then agents, the lower ones before the higher. Nothing
    /// is open after a run that came to its end.
    pub fn finish(&mut self, at: &str) -> Vec<Span> {
        self.now = nanoseconds(at).unwrap_or(self.now);
        let mut spans = Vec::new();
        for (key, call) in std::mem::take(&mut self.calls) {
            // Its span was given with the result that does not count.
            if !call.is_over {
                spans.push(self.unanswered(key, call));
            }
        }
        while let Some((id, mut agent)) = self.agents.pop_last() {
            let end = agent.end.take().unwrap_or_else(|| AgentEnd {
                at: self.now,
                outcome: None,
                status: Status::error(DID_NOT_END),
                output: agent.last_words.clone(),
            });
            spans.push(self.agent_span(&id, agent, end));
        }
        spans
    }

    /// The agent of an event, begun now when it is not open.
    fn open(&mut self, event: &RunEvent, start: u64) -> &mut Agent {
        let is_known = self.agents.get(&event.agent_id).is_some_and(|agent| agent.is_named);
        let parent = if is_known { None } else { self.parent_span(event, start) };
        let agent = self.open_unnamed(&event.agent_id, start);
        if !is_known {
            agent.is_named = true;
            agent.parent_span_id = parent;
            agent.name.clone_from(&event.agent_name);
        }
        agent
    }

    /// An agent that is known by its id alone, because a subagent speaks of it.
    fn open_unnamed(&mut self, id: &str, start: u64) -> &mut Agent {
        self.agents.entry(id.to_owned()).or_insert_with(|| {
            let past = self.ended.get(id).cloned().unwrap_or_default();
            Agent::new(id, self.ids.agent(id, past.ends), past, start)
        })
    }

    /// The span that an agent belongs below, which is open from now on.
    fn parent_span(&mut self, event: &RunEvent, start: u64) -> Option<String> {
        let parent_id = event.parent_agent_id.as_ref().filter(|parent| **parent != event.agent_id)?;
        let parent_span_id = self.open_unnamed(parent_id, start).span_id.clone();
        let Some(call_id) = &event.parent_tool_call_id else {
            return Some(parent_span_id);
        };
        let key = (parent_id.clone(), call_id.clone());
        let span_id = self.tool_id(&key);
        let call = self.calls.entry(key).or_insert_with(|| Call::new(None, parent_span_id.clone(), start));
        if call.is_over {
            *call = Call { parent_span_id, asked_at: start, is_over: false, ..call.clone() };
        }
        Some(span_id)
    }

    fn tool_id(&self, key: &CallKey) -> String {
        self.ids.tool(&key.0, &key.1, self.call_ends.get(key).copied().unwrap_or(0))
    }

    fn reply(&mut self, event: &RunEvent) -> Option<Span> {
        let EventKind::ModelReply {
            turn, purpose, content, tool_calls, refused, finish_reason, usage, elapsed_ms, ..
        } = &event.item
        else {
            return None;
        };
        let (start, end) = (before(self.now, *elapsed_ms), self.now);
        let agent = self.open(event, start);
        let (agent_span_id, agent_name) = (agent.span_id.clone(), agent.name.clone());
        let new_messages = agent.take_messages(*purpose, content);
        if *purpose == RequestPurpose::Turn {
            self.ask(&event.agent_id, tool_calls, &agent_span_id, end);
        }
        let mut attributes = Attributes::of_span("LLM", &self.run, &event.agent_id, &agent_name);
        let named = self.model_names.as_ref().and_then(|name| name(*purpose, event.depth));
        if let Some(model) = named.or_else(|| self.model.clone()) {
            attributes.text("llm.model_name", model);
        }
        attributes.usage(usage);
        if let Some(reason) = finish_reason {
            attributes.text("llm.finish_reason", reason);
        }
        attributes.int("halo.turn", u64::from(*turn));
        attributes.text("halo.purpose", purpose_name(*purpose));
        attributes.input_messages(&new_messages);
        attributes.output_message(content, tool_calls);
        if !content.is_empty() {
            attributes.output(content);
        }
        let status = if *refused { Status::error(&format!("the model refused: {content}")) } else { Status::Ok };
        let span_id = self.ids.reply(&event.agent_id, event.sequence);
        let bare = self.bare_span(span_id, Some(agent_span_id), purpose_name(*purpose), (start, end));
        Some(Span { kind: SpanKind::Client, attributes: attributes.into_list(), status, ..bare })
    }

    /// Opens the calls of a reply.
    fn ask(&mut self, agent_id: &str, calls: &[ToolCall], agent_span_id: &str, now: u64) {
        for call in calls {
            let key = (agent_id.to_owned(), call.id.clone());
            let asked = Some((call.name.clone(), call.arguments.clone()));
            self.calls.insert(key, Call::new(asked, agent_span_id.to_owned(), now));
        }
    }

    fn result(&mut self, event: &RunEvent) -> Option<Span> {
        let EventKind::ToolResult { tool_call_id, name, is_error, interrupted, content, elapsed_ms, .. } = &event.item
        else {
            return None;
        };
        let (start, end) = (before(self.now, *elapsed_ms), self.now);
        let agent = self.open(event, start);
        agent.take_result(tool_call_id, content, *is_error);
        let (agent_span_id, agent_name) = (agent.span_id.clone(), agent.name.clone());
        let key = (event.agent_id.clone(), tool_call_id.clone());
        let span_id = self.tool_id(&key);
        *self.call_ends.entry(key.clone()).or_insert(0) += 1;
        let call = if *interrupted {
            // A run that goes on makes the call again, and then its arguments are needed again.
            self.calls.get_mut(&key).map(|call| {
                call.is_over = true;
                call.clone()
            })
        } else {
            self.calls.remove(&key)
        };
        let mut attributes = Attributes::of_span("TOOL", &self.run, &event.agent_id, &agent_name);
        attributes.text("tool.name", name);
        attributes.text("tool_call.id", tool_call_id);
        if let Some((_, arguments)) = call.and_then(|call| call.asked) {
            attributes.input(&arguments);
        }
        attributes.output(content);
        if *interrupted {
            attributes.flag("halo.interrupted", true);
        }
        let status = if *is_error { Status::error(content) } else { Status::Ok };
        let bare = self.bare_span(span_id, Some(agent_span_id), name, (start, end));
        Some(Span { attributes: attributes.into_list(), status, ..bare })
    }

    /// The span of a call that never got a result.
    fn unanswered(&mut self, key: CallKey, call: Call) -> Span {
        let span_id = self.tool_id(&key);
        let agent_name = self.agents.get(&key.0).map_or(key.0.as_str(), |agent| agent.name.as_str());
        let mut attributes = Attributes::of_span("TOOL", &self.run, &key.0, agent_name);
        // Of one that only its subagent spoke of, the name is not known.
        let (name, arguments) = call.asked.unwrap_or_else(|| ("tool".to_owned(), String::new()));
        attributes.text("tool.name", &name);
        attributes.text("tool_call.id", &key.1);
        if !arguments.is_empty() {
            attributes.input(&arguments);
        }
        let times = (call.asked_at, self.now.max(call.asked_at));
        *self.call_ends.entry(key).or_insert(0) += 1;
        let bare = self.bare_span(span_id, Some(call.parent_span_id), &name, times);
        Span { attributes: attributes.into_list(), status: Status::error(DID_NOT_END), ..bare }
    }

    /// A span that tells nothing yet but where it stands.
    fn bare_span(&self, span_id: String, parent_span_id: Option<String>, name: &str, (start, end): (u64, u64)) -> Span {
        Span {
            trace_id: self.trace_id.clone(),
            span_id,
            parent_span_id,
            name: name.to_owned(),
            kind: SpanKind::Internal,
            start,
            end,
            attributes: Vec::new(),
            events: Vec::new(),
            dropped_events_count: 0,
            status: Status::Unset,
        }
    }

    /// The root's span waits for the end of the run, which tells the answer.
    fn agent_finished(&mut self, event: &RunEvent, outcome: &AgentOutcome) -> Vec<Span> {
        let now = self.now;
        let agent = self.open(event, now);
        let end = agent.end_with(now, outcome);
        if event.parent_agent_id.is_none() {
            agent.end = Some(end);
            return Vec::new();
        }
        self.close(&event.agent_id, end).into_iter().collect()
    }

    fn run_finished(&mut self, event: &RunEvent, end: &RunEnd, answer: &str) -> Vec<Span> {
        let now = self.now;
        let told = self.open(event, now).end.take();
        let mut end = AgentEnd { at: now, ..told.unwrap_or_else(|| AgentEnd::of_run(now, end)) };
        if !answer.is_empty() {
            answer.clone_into(&mut end.output);
        }
        self.close(&event.agent_id, end).into_iter().collect()
    }

    /// Puts an event on the span of its agent. A notice alone opens none: an agent that ended says some again when a run goes on.
    fn note(&mut self, event: &RunEvent) {
        let now = self.now;
        let is_notice = matches!(event.item, EventKind::Notice { .. });
        if is_notice && !self.agents.contains_key(&event.agent_id) {
            return;
        }
        if let Some(span_event) = span_event(&event.item, now) {
            self.open(event, now).note(span_event);
        }
    }

    fn close(&mut self, id: &str, end: AgentEnd) -> Option<Span> {
        let agent = self.agents.remove(id)?;
        Some(self.agent_span(id, agent, end))
    }

    fn agent_span(&mut self, id: &str, agent: Agent, end: AgentEnd) -> Span {
        let mut attributes = Attributes::of_span("AGENT", &self.run, id, &agent.name);
        if let Some(max_turns) = agent.max_turns {
            attributes.int("halo.max_turns", u64::from(max_turns));
        }
        if let Some(outcome) = end.outcome {
            attributes.text("halo.outcome", outcome);
        }
        if !agent.task.is_empty() {
            attributes.input(&agent.task);
        }
        if !end.output.is_empty() {
            attributes.output(&end.output);
        }
        let past = self.ended.entry(id.to_owned()).or_default();
        *past = Past { ends: past.ends + 1, task: agent.task, max_turns: agent.max_turns };
        let times = (agent.start, end.at.max(agent.start));
        Span {
            attributes: attributes.into_list(),
            events: agent.events,
            dropped_events_count: agent.events_dropped,
            status: end.status,
            ..self.bare_span(agent.span_id, agent.parent_span_id, &agent.name, times)
        }
    }
}

impl fmt::Debug for SpanBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanBuilder")
            .field("run", &self.run)
            .field("open_agents", &self.agents.len())
            .field("open_calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

/// A time as nanoseconds since 1970; `None` when it is none, or before 1970.
fn nanoseconds(at: &str) -> Option<u64> {
    let at: Timestamp = at.parse().ok()?;
    u64::try_from(at.as_nanosecond()).ok()
}

fn before(time: u64, elapsed_ms: u64) -> u64 {
    time.saturating_sub(elapsed_ms.saturating_mul(1_000_000))
}
