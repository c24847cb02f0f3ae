//! The agents of a run as a tree: what each is doing, and what the run has spent. A pure function of its events.

use std::collections::BTreeMap;
use std::time::Instant;

use halo_agent::Limits;
use halo_protocol::{AgentOutcome, EventKind, RequestPurpose, RunEvent, Usage};

use super::lines::one_line;
use crate::output::{count, counted};

/// Lines of the terminal that the tree leaves to what stands above it.
const LINES_LEFT: usize = 8;

/// Agents shown however small the terminal is.
const AGENTS_MIN: usize = 3;

/// What is known of a run so far.
pub(super) struct Tree {
    limits: Limits,
    began: Instant,
    usage: Usage,
    findings: usize,
    done: usize,
    /// Agents at work, in the order of the tree.
    agents: BTreeMap<Vec<u64>, AgentLine>,
}

struct AgentLine {
    name: String,
    depth: u32,
    max_turns: u32,
    turn: u32,
    tokens: u64,
    doing: String,
    /// Calls under way, by id: the tool, and what is asked of it.
    calls: Vec<(String, String)>,
    rows: u64,
}

impl Tree {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, began: Instant::now(), usage: Usage::default(), findings: 0, done: 0, agents: BTreeMap::new() }
    }

    /// Takes an event in. Gives the line that should stay on the screen, for the few events that deserve one.
    pub(super) fn take(&mut self, event: &RunEvent) -> Option<String> {
        let key = key(&event.agent_id);
        match &event.item {
            EventKind::AgentStarted { max_turns, task } => {
                let line = AgentLine {
                    name: event.agent_name.clone(),
                    depth: event.depth,
                    max_turns: *max_turns,
                    turn: 0,
                    tokens: 0,
                    doing: one_line(task),
                    calls: Vec::new(),
                    rows: 0,
                };
                self.agents.insert(key, line);
                return None;
            }
            EventKind::AgentFinished { outcome, .. } => {
                self.agents.remove(&key);
                self.done += 1;
                return match outcome {
                    AgentOutcome::Failed { error } if event.depth > 0 => {
                        Some(format!("[{}] failed: {}", event.agent_name, one_line(error)))
                    }
                    _ => None,
                };
            }
            EventKind::ModelReply { usage, .. } => self.usage.add(usage),
            EventKind::FindingAccepted { finding } => {
                self.findings += 1;
                return Some(format!(
                    "finding: {} ({} of {})",
                    one_line(&finding.title),
                    count(finding.affected),
                    counted(finding.population, "trace")
                ));
            }
            EventKind::Notice { text } if event.depth == 0 => {
                return Some(format!("[{}] {}", event.agent_name, one_line(text)));
            }
            _ => {}
        }
        // A resumed run does not tell again that its agents began.
        let agent = self.agents.entry(key).or_insert_with(|| AgentLine {
            name: event.agent_name.clone(),
            depth: event.depth,
            max_turns: 0,
            turn: 0,
            tokens: 0,
            doing: String::new(),
            calls: Vec::new(),
            rows: 0,
        });
        agent.take(&event.item)
    }

    /// The tree as text of this width and at most about this height.
    pub(super) fn render(&self, width: usize, height: usize) -> String {
        let room = height.saturating_sub(LINES_LEFT).max(AGENTS_MIN);
        let mut lines: Vec<String> = self.agents.values().take(room).map(AgentLine::text).collect();
        if self.agents.len() > room {
            lines.push(format!("  … and {} at work", counted((self.agents.len() - room) as u64, "more agent")));
        }
        lines.push(self.total());
        let width = width.saturating_sub(1).max(20);
        lines.iter().map(|line| shortened(line, width)).collect::<Vec<_>>().join("\n")
    }

    /// What was spent, and what is left.
    fn total(&self) -> String {
        let elapsed = self.began.elapsed().as_secs();
        let mut parts = vec![
            format!("{}:{:02}", elapsed / 60, elapsed % 60),
            counted(self.usage.requests, "request"),
            match self.limits.tokens {
                Some(limit) => format!("{} of {} tokens", count(self.usage.total_tokens()), count(limit)),
                None => format!("{} tokens", count(self.usage.total_tokens())),
            },
            counted(self.findings as u64, "finding"),
        ];
        if self.usage.cached_input_tokens > 0 {
            parts.push(format!("{} cached", count(self.usage.cached_input_tokens)));
        }
        if let Some(time) = self.limits.time {
            let left = time.as_secs().saturating_sub(elapsed);
            parts.push(format!("{}:{:02} left", left / 60, left % 60));
        }
        if self.done > 0 {
            parts.push(format!("{} done", counted(self.done as u64, "agent")));
        }
        parts.join(" · ")
    }
}

impl AgentLine {
    fn take(&mut self, item: &EventKind) -> Option<String> {
        match item {
            EventKind::ModelRequest { turn, purpose: RequestPurpose::Turn, .. } => {
                self.turn = *turn;
                "waiting for the model".clone_into(&mut self.doing);
            }
            EventKind::TextDelta { .. } => "the model writes".clone_into(&mut self.doing),
            EventKind::ModelRetry { error, wait_ms, .. } => {
                let seconds = wait_ms.div_ceil(1_000);
                self.doing = format!("again in {seconds} s: {}", one_line(error));
            }
            EventKind::ModelReply { purpose: RequestPurpose::Turn, turn, tool_calls, usage, .. } => {
                self.turn = *turn;
                self.tokens += usage.total_tokens();
                self.rows = 0;
                self.calls = tool_calls
                    .iter()
                    .map(|call| (call.id.clone(), format!("{} {}", call.name, one_line(&call.arguments))))
                    .collect();
            }
            EventKind::ModelReply { usage, .. } => {
                self.tokens += usage.total_tokens();
                self.rows += 1;
            }
            EventKind::ToolResult { tool_call_id, .. } => self.calls.retain(|(id, _)| id != tool_call_id),
            _ => {}
        }
        None
    }

    fn text(&self) -> String {
        let indent = "  ".repeat(self.depth as usize);
        let turn = match self.max_turns {
            0 => format!("turn {}", self.turn),
            max => format!("turn {}/{max}", self.turn),
        };
        let doing = match self.calls.as_slice() {
            [] => self.doing.clone(),
            [(_, call)] => call.clone(),
            [(_, call), rest @ ..] => format!("{} calls: {call}", rest.len() + 1),
        };
        let rows = if self.rows > 0 { format!(" ({} answered)", count(self.rows)) } else { String::new() };
        format!("{indent}{} · {turn} · {} · {doing}{rows}", self.name, counted(self.tokens, "token"))
    }
}

/// Places an agent in the tree: `root/2.10/1` after `root/2.9`.
fn key(id: &str) -> Vec<u64> {
    id.split(['/', '.']).map(|part| part.parse().unwrap_or(0)).collect()
}

fn shortened(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some(_) => {
            let end = text.char_indices().nth(width - 1).map_or(text.len(), |(at, _)| at);
            format!("{}…", &text[..end])
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo_protocol::ToolCall;

    fn event(agent: &str, item: EventKind) -> RunEvent {
        RunEvent {
            sequence: 0,
            at: String::new(),
            agent_id: agent.to_owned(),
            parent_agent_id: None,
            parent_tool_call_id: None,
            agent_name: agent.to_owned(),
            depth: u32::try_from(agent.matches('/').count()).unwrap(),
            item,
            is_final: false,
        }
    }

    fn started(agent: &str, task: &str) -> RunEvent {
        event(agent, EventKind::AgentStarted { max_turns: 20, task: task.to_owned() })
    }

    fn reply(agent: &str, calls: &[&str]) -> RunEvent {
        let call =
            |name: &&str| ToolCall { id: (*name).to_owned(), name: (*name).to_owned(), arguments: "{\n}".to_owned() };
        let item = EventKind::ModelReply {
            turn: 3,
            purpose: RequestPurpose::Turn,
            key: None,
            content: String::new(),
            tool_calls: calls.iter().map(call).collect(),
            provider_items: vec![],
            closing: false,
            refused: false,
            finish_reason: None,
            usage: Usage { requests: 1, input_tokens: 1_000, output_tokens: 200, ..Usage::default() },
            elapsed_ms: 1,
        };
        event(agent, item)
    }

    #[test]
    fn a_tree_of_agents_and_what_they_do() {
        let limits = Limits { tokens: Some(50_000), ..Limits::default() };
        let mut tree = Tree::new(limits);
        for event in [
            started("root", "Why?"),
            reply("root", &["call_subagent", "sql"]),
            started("root/1.10", "look at\nrefunds"),
            started("root/1.9", "look at pages"),
            reply("root/1.9", &["view_trace"]),
            started("root/2", "done soon"),
            event("root/2", EventKind::AgentFinished { outcome: AgentOutcome::Answered, usage: Usage::default() }),
        ] {
            assert_eq!(tree.take(&event), None);
        }
        let shown = tree.render(80, 40);
        assert_eq!(
            shown,
            "root · turn 3/20 · 1,200 tokens · 2 calls: call_subagent { }\n  \
             root/1.9 · turn 3/20 · 1,200 tokens · view_trace { }\n  \
             root/1.10 · turn 0/20 · 0 tokens · look at refunds\n\
             0:00 · 2 requests · 2,400 of 50,000 tokens · 0 findings · 1 agent done"
        );
        assert!(tree.render(30, 40).lines().all(|line| line.chars().count() <= 29));
        for n in 0..30 {
            tree.take(&started(&format!("root/3.{n}"), "x"));
        }
        assert_eq!(tree.render(80, 12).lines().count(), 6, "{}", tree.render(80, 12));
        assert!(tree.render(80, 12).contains("… and 29 more agents at work"));
    }
}
