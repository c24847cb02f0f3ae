//! One agent from its first turn to its end. Knows nothing of runs: a subagent would be driven by the same loop.

use std::collections::{BTreeSet, HashSet};

use halo_llm::{ModelReply, StopReason};
use halo_protocol::{AgentOutcome, EventKind, ToolCall, Usage};
use halo_tool::ToolRegistry;

use crate::conversation::Conversation;
use crate::dispatch::{CallOutcome, Dispatch};
use crate::turn::text_of;
use crate::{AgentIdentity, AgentOptions, RunServices, prompt};

/// Turns left when the model is told that they run out.
const FEW_TURNS: u32 = 3;

/// Failures of the same call in a row after which the model is told so.
const SAME_FAILURES: u32 = 5;

/// An agent at work.
pub(crate) struct Agent<'a> {
    pub(crate) identity: AgentIdentity,
    pub(crate) options: &'a AgentOptions,
    pub(crate) services: &'a RunServices,
    /// Tools on offer.
    pub(crate) tools: ToolRegistry,
    /// Tools on offer in the last turn.
    pub(crate) closing_tools: ToolRegistry,
    pub(crate) conversation: Conversation,
    pub(crate) usage: Usage,
    pub(crate) traces_read: BTreeSet<String>,
    /// Ids of all tool calls so far.
    pub(crate) call_ids: HashSet<String>,
    /// The last call that failed, and how often in a row.
    pub(crate) last_failure: Option<(ToolCall, u32)>,
}

/// How an agent ended.
pub(crate) struct AgentEnd {
    pub(crate) outcome: AgentOutcome,
    /// Its answer, when it gave one.
    pub(crate) answer: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) traces_read: BTreeSet<String>,
}

/// What the results of a reply mean for the agent.
enum Next {
    GoOn,
    End(AgentOutcome, Option<String>),
}

impl Agent<'_> {
    /// Works until there is an answer, the turns are used up, or nothing goes any more.
    pub(crate) async fn run(mut self) -> AgentEnd {
        let max_turns = self.options.max_turns;
        self.emit(EventKind::AgentStarted { max_turns });
        let (outcome, answer) = self.work().await;
        self.emit(EventKind::AgentFinished { outcome: outcome.clone(), usage: self.usage });
        AgentEnd {
            outcome,
            answer: answer.filter(|answer| !answer.trim().is_empty()),
            usage: self.usage,
            traces_read: self.traces_read,
        }
    }

    /// A turn: 1. tell when turns run out; 2. ask the model; 3. where it stopped, ask it once more or take its text;
    /// 4. make its tool calls; 5. give it the results, or end.
    async fn work(&mut self) -> (AgentOutcome, Option<String>) {
        let max_turns = self.options.max_turns.max(1);
        let mut stopped_with = None;
        let mut text = String::new();
        for turn in 1..=max_turns {
            let is_last = turn == max_turns;
            self.announce(max_turns - turn + 1);
            let tools = if is_last { &self.closing_tools } else { &self.tools }.clone();

            let reply = match self.ask(turn, &tools.specs()).await {
                Ok(reply) => reply,
                Err(outcome) => return (outcome, None),
            };
            text_of(&reply).clone_into(&mut text);
            self.keep(&reply, &text);

            if reply.tool_calls.is_empty() {
                if is_last {
                    break;
                }
                if let Some(earlier) = stopped_with {
                    let answer = if text.trim().is_empty() { earlier } else { text };
                    return (AgentOutcome::StoppedWithoutAnswer, Some(answer));
                }
                stopped_with = Some(std::mem::take(&mut text));
                self.tell(prompt::asked_again());
                continue;
            }
            stopped_with = None;

            let outcomes = self.dispatch(&reply.tool_calls, &tools, !is_last).await;
            if let Next::End(outcome, answer) = self.take(&reply.tool_calls, outcomes) {
                return (outcome, answer);
            }
            if reply.stop == StopReason::Length {
                self.tell(prompt::reply_was_cut());
            }
        }
        // Told to conclude, the model wrote text in its last turn: that is the answer. Text of earlier turns is narration.
        (AgentOutcome::TurnLimit, Some(text))
    }

    async fn dispatch(&self, calls: &[ToolCall], tools: &ToolRegistry, can_mend: bool) -> Vec<CallOutcome> {
        // Many results side by side must not fill the context in one turn.
        let share = self.options.max_context_chars / 3 / calls.len().max(1);
        let dispatch = Dispatch {
            tools,
            agent: &self.identity,
            sink: &self.services.sink,
            cancel: &self.services.cancel,
            parallel_max: self.options.max_parallel,
            result_chars_max: self.options.tool_result_chars_max.min(share),
            can_mend,
        };
        dispatch.call_all(calls).await
    }

    /// Adds results to the conversation and decides what comes next.
    fn take(&mut self, calls: &[ToolCall], outcomes: Vec<CallOutcome>) -> Next {
        let mut next = Next::GoOn;
        let mut notices = Vec::new();
        for (call, outcome) in calls.iter().zip(outcomes) {
            self.traces_read.extend(outcome.traces_shown);
            notices.extend(self.count_failure(call, outcome.is_error));
            if let Some(error) = outcome.fatal {
                next = Next::End(AgentOutcome::Failed { error }, None);
            } else if outcome.ends_agent && matches!(next, Next::GoOn) {
                next = Next::End(AgentOutcome::Answered, Some(outcome.content.clone()));
            }
            self.conversation.push_result(call, outcome.content);
        }
        for notice in notices {
            self.tell(notice);
        }
        // An answer that is there counts, also when the user interrupts or the disk is full at that very moment.
        if matches!(next, Next::GoOn) {
            if self.services.cancel.is_cancelled() {
                return Next::End(AgentOutcome::Interrupted, None);
            }
            // A run that is not recorded can't be resumed or reported; better to end it than to go on paying.
            if let Some(error) = self.services.sink.failure() {
                return Next::End(AgentOutcome::Failed { error }, None);
            }
        }
        next
    }

    /// Keeps a reply in the conversation.
    fn keep(&mut self, reply: &ModelReply, text: &str) {
        // Some endpoints refuse a message that says nothing.
        if !text.is_empty() || !reply.tool_calls.is_empty() {
            self.conversation.push_assistant(text.to_owned(), reply.tool_calls.clone(), reply.provider_items.clone());
        }
    }

    /// Counts failures of one and the same call. Gives what to tell the model when it does not stop.
    fn count_failure(&mut self, call: &ToolCall, is_error: bool) -> Option<String> {
        if !is_error {
            self.last_failure = None;
            return None;
        }
        let count = match &self.last_failure {
            Some((last, count)) if last.name == call.name && last.arguments == call.arguments => count + 1,
            _ => 1,
        };
        self.last_failure = Some((call.clone(), count));
        (count % SAME_FAILURES == 0).then(|| {
            format!(
                "The same call of `{}` has failed {count} times in a row and will fail again. Change its arguments or \
                 go another way.",
                call.name
            )
        })
    }

    fn announce(&mut self, turns_left: u32) {
        if turns_left == 1 {
            self.tell(prompt::last_turn());
        } else if turns_left == FEW_TURNS && self.options.max_turns > FEW_TURNS {
            self.tell(prompt::few_turns_left(turns_left));
        }
    }

    /// Says something to the model in the user's place, and in the log.
    fn tell(&mut self, text: String) {
        self.notice(text.clone());
        self.conversation.push_user(text);
    }

    pub(crate) fn notice(&self, text: String) {
        self.emit(EventKind::Notice { text });
    }

    pub(crate) fn emit(&self, item: EventKind) {
        self.services.sink.emit(&self.identity, item);
    }
}
