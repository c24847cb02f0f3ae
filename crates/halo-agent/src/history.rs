//! What a run that stopped had done: read from its log, so that nothing that was finished is done, or paid for, again.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use halo_llm::ModelReply;
use halo_protocol::{AgentOutcome, EventKind, Finding, RefusedFinding, RunEnd, RunEvent, Usage};

use crate::AgentError;
use crate::budget::Cost;
use crate::model::Models;
use crate::reply;

/// The finished parts of earlier attempts at a run. The default is a run that begins.
#[derive(Debug, Default)]
pub struct RunHistory {
    /// How the run ended; `None` when it was killed, or has not begun.
    end: Option<RunEnd>,
    log: Log,
    state: Mutex<State>,
}

/// What is told of a log as a whole.
#[derive(Debug, Default)]
struct Log {
    is_resumed: bool,
    /// Number of the next event.
    next_sequence: u64,
    /// Bytes of whole lines.
    whole_bytes: u64,
    elapsed: Duration,
    /// What was spent, by purpose and depth of the agent, which tell the model.
    spent: Vec<(halo_protocol::RequestPurpose, u32, Usage)>,
    items: u64,
    findings: Vec<Finding>,
    refused: Vec<RefusedFinding>,
    traces_read: BTreeSet<String>,
    replies: u64,
    results: u64,
}

/// What is taken out piece by piece.
#[derive(Debug, Default)]
struct State {
    /// Replies by agent and turn, in the order they came.
    turns: HashMap<(String, u32), VecDeque<ModelReply>>,
    /// Replies to other requests by their keys.
    keyed: HashMap<String, ModelReply>,
    /// Results by agent and call.
    results: HashMap<(String, String), StoredResult>,
    started: HashSet<String>,
    finished: HashSet<String>,
}

/// A tool result as the log tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredResult {
    pub(crate) content: String,
    pub(crate) is_error: bool,
    pub(crate) item_id: Option<String>,
    pub(crate) traces_shown: Vec<String>,
}

impl RunHistory {
    /// Reads the log of a run. A last line that was cut is passed over; no file is a run that has not begun.
    ///
    /// # Errors
    /// [`AgentError::ReadLog`] when the file can't be read, [`AgentError::BrokenLog`] when a line in it is no event.
    pub fn load(path: &Path) -> Result<Self, AgentError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            // Killed before its first event.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(AgentError::ReadLog { path: path.to_owned(), source }),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut events = Vec::new();
        for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let event: RunEvent = serde_json::from_slice(line).map_err(|error| AgentError::BrokenLog {
                path: path.to_owned(),
                line: number + 1,
                reason: error.to_string(),
            })?;
            events.push(event);
        }
        let mut history = Self::of(&events);
        history.log.whole_bytes = whole as u64;
        Ok(history)
    }

    /// Takes events apart.
    fn of(events: &[RunEvent]) -> Self {
        let end = events.iter().rev().find_map(|event| match &event.item {
            EventKind::RunFinished { end, .. } => Some(Some(end.clone())),
            EventKind::RunResumed { .. } => Some(None),
            _ => None,
        });
        let end = end.flatten();
        let mut closing_calls = HashSet::new();
        let limited = limited_attempts(events);
        let mut attempt = 0;
        let mut log = Log {
            is_resumed: !events.is_empty(),
            next_sequence: events.last().map_or(0, |event| event.sequence + 1),
            elapsed: elapsed(events),
            ..Log::default()
        };
        let mut state = State::default();
        for event in events {
            let agent = event.agent_id.clone();
            match &event.item {
                EventKind::RunResumed { .. } => {
                    attempt += 1;
                    closing_calls.clear();
                }
                EventKind::AgentStarted { .. } => {
                    state.started.insert(agent);
                }
                EventKind::AgentFinished { outcome, .. } if is_settled(outcome) => {
                    state.finished.insert(agent);
                }
                EventKind::ModelReply { turn, purpose, key, closing, usage, tool_calls, .. } => {
                    log.spent.push((*purpose, event.depth, *usage));
                    // An attempt that was cut short by a limit has had its last word. With more of what it lacked it goes on from before.
                    if *closing && limited.contains(&attempt) {
                        closing_calls.extend(tool_calls.iter().map(|call| (agent.clone(), call.id.clone())));
                        continue;
                    }
                    let Some(reply) = reply::from_event(&event.item) else {
                        continue;
                    };
                    log.replies += 1;
                    match key {
                        Some(key) => drop(state.keyed.insert(key.clone(), reply)),
                        None => state.turns.entry((agent, *turn)).or_default().push_back(reply),
                    }
                }
                EventKind::ToolResult {
                    tool_call_id, content, is_error, interrupted, item_id, traces_shown, ..
                } => {
                    let number = item_id.as_deref().and_then(|id| id.strip_prefix('r')?.parse().ok());
                    log.items = log.items.max(number.unwrap_or(0));
                    log.traces_read.extend(traces_shown.iter().cloned());
                    let call = (agent, tool_call_id.clone());
                    if *interrupted || closing_calls.contains(&call) {
                        continue;
                    }
                    log.results += 1;
                    let stored = StoredResult {
                        content: content.clone(),
                        is_error: *is_error,
                        item_id: item_id.clone(),
                        traces_shown: traces_shown.clone(),
                    };
                    state.results.insert(call, stored);
                }
                EventKind::FindingAccepted { finding } => {
                    log.refused.retain(|refused| refused.title != finding.title);
                    match log.findings.iter_mut().find(|known| known.id == finding.id) {
                        Some(known) => known.clone_from(finding),
                        None => log.findings.push((**finding).clone()),
                    }
                }
                EventKind::FindingRefused { title, reason } => {
                    log.refused.retain(|refused| refused.title != *title);
                    log.refused.push(RefusedFinding { title: title.clone(), reason: reason.clone() });
                }
                _ => {}
            }
        }
        Self { end, log, state: Mutex::new(state) }
    }

    /// How the run ended; `None` when it was killed on its way.
    #[must_use]
    pub fn end(&self) -> Option<&RunEnd> {
        self.end.as_ref()
    }

    /// Whether there is anything to go on from.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.log.is_resumed
    }

    /// Replies and results that are not asked for again.
    #[must_use]
    pub fn kept(&self) -> (u64, u64) {
        (self.log.replies, self.log.results)
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.log.next_sequence
    }

    pub(crate) fn whole_bytes(&self) -> u64 {
        self.log.whole_bytes
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.log.elapsed
    }

    pub(crate) fn items(&self) -> u64 {
        self.log.items
    }

    pub(crate) fn findings(&self) -> (Vec<Finding>, Vec<RefusedFinding>) {
        (self.log.findings.clone(), self.log.refused.clone())
    }

    pub(crate) fn traces_read(&self) -> BTreeSet<String> {
        self.log.traces_read.clone()
    }

    /// What earlier attempts spent.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for (_, _, spent) in &self.log.spent {
            usage.add(spent);
        }
        usage
    }

    /// The same by the prices of the models.
    pub(crate) fn cost(&self, models: &Models) -> Cost {
        let usd =
            self.log.spent.iter().map(|(purpose, depth, usage)| Cost::of(usage, models.of(*purpose, *depth).price).usd);
        Cost { tokens: self.usage().total_tokens(), usd: usd.sum() }
    }

    /// The next reply that an agent got in this turn; `None` when it has to ask.
    pub(crate) fn take_turn(&self, agent: &str, turn: u32) -> Option<ModelReply> {
        self.lock().turns.get_mut(&(agent.to_owned(), turn))?.pop_front()
    }

    /// Whether an agent got a reply in this turn that it has not read again yet.
    pub(crate) fn has_turn(&self, agent: &str, turn: u32) -> bool {
        self.lock().turns.get(&(agent.to_owned(), turn)).is_some_and(|replies| !replies.is_empty())
    }

    /// The reply to the request of this key.
    pub(crate) fn keyed(&self, key: &str) -> Option<ModelReply> {
        self.lock().keyed.get(key).cloned()
    }

    /// Keeps a reply for requests of the same key that follow.
    pub(crate) fn keep_keyed(&self, key: &str, reply: &ModelReply) {
        self.lock().keyed.insert(key.to_owned(), reply.clone());
    }

    /// The result of this call of an agent; `None` when it has to be made.
    pub(crate) fn take_result(&self, agent: &str, call: &str) -> Option<StoredResult> {
        self.lock().results.remove(&(agent.to_owned(), call.to_owned()))
    }

    /// Notes that an agent begins. `false` when the log says so already.
    pub(crate) fn begins(&self, agent: &str) -> bool {
        self.lock().started.insert(agent.to_owned())
    }

    /// Whether the log tells of this agent's end.
    pub(crate) fn has_finished(&self, agent: &str) -> bool {
        self.lock().finished.contains(agent)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers of the attempts that ended at a limit; each begins with a `RunResumed`, but for the first.
fn limited_attempts(events: &[RunEvent]) -> HashSet<usize> {
    let mut attempt = 0;
    let mut limited = HashSet::new();
    for event in events {
        match &event.item {
            EventKind::RunResumed { .. } => attempt += 1,
            EventKind::RunFinished { end: RunEnd::TurnLimit | RunEnd::BudgetSpent { .. }, .. } => {
                limited.insert(attempt);
            }
            _ => {}
        }
    }
    limited
}

/// Whether an end stays what it is when the run goes on.
fn is_settled(outcome: &AgentOutcome) -> bool {
    matches!(outcome, AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer)
}

/// Time from the begin of each attempt to the last that is known of it, together.
fn elapsed(events: &[RunEvent]) -> Duration {
    let mut whole = Duration::ZERO;
    let mut first: Option<jiff::Timestamp> = None;
    let mut last = None;
    for event in events {
        let Ok(at) = event.at.parse::<jiff::Timestamp>() else {
            continue;
        };
        if matches!(event.item, EventKind::RunStarted { .. } | EventKind::RunResumed { .. }) {
            whole += between(first, last);
            first = Some(at);
        }
        last = Some(at);
    }
    whole + between(first, last)
}

fn between(first: Option<jiff::Timestamp>, last: Option<jiff::Timestamp>) -> Duration {
    match (first, last) {
        (Some(first), Some(last)) => Duration::try_from(last.duration_since(first)).unwrap_or(Duration::ZERO),
        _ => Duration::ZERO,
    }
}
