//! One agent from its first turn to its end, be it the root or a subagent: the same loop drives both.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use halo_llm::{ModelReply, StopReason};
use halo_protocol::{AgentOutcome, EventKind, ToolCall, Usage};
use halo_tool::ToolRegistry;

use crate::budget::Share;
use crate::conversation::Conversation;
use crate::dispatch::{CallOutcome, Dispatch, Room};
use crate::reply::text_of;
use crate::runtime::Runtime;
use crate::tools::Children;
use crate::{AgentIdentity, prompt};

/// Turns left when the model is told that they run out.
const FEW_TURNS: u32 = 3;

/// Failures of the same call in a row after which the model is told so.
const SAME_FAILURES: u32 = 5;

/// Shares of the budget at which the model is told how much is left.
const BUDGET_MARKS: [f64; 2] = [0.5, 0.8];

/// Characters for a token, roughly and on the safe side, in text and JSON.
pub(crate) const CHARS_PER_TOKEN: usize = 3;

/// An agent at work.
pub(crate) struct Agent {
    pub(crate) identity: AgentIdentity,
    pub(crate) runtime: Arc<Runtime>,
    /// Tools on offer.
    pub(crate) tools: ToolRegistry,
    /// Tools on offer in the last turn.
    pub(crate) closing_tools: ToolRegistry,
    /// Numbers of the subagents it starts.
    pub(crate) children: Children,
    pub(crate) conversation: Conversation,
    pub(crate) usage: Usage,
    pub(crate) traces_read: BTreeSet<String>,
    /// Ids of all tool calls so far.
    pub(crate) call_ids: HashSet<String>,
    /// The last call that failed, and how often in a row.
    pub(crate) last_failure: Option<(ToolCall, u32)>,
    /// Marks of the budget that it was told of.
    pub(crate) marks_told: usize,
    /// Text of the last reply that had any.
    pub(crate) last_words: String,
    pub(crate) turns: u32,
}

/// How an agent ended.
#[derive(Debug)]
pub(crate) struct AgentEnd {
    pub(crate) outcome: AgentOutcome,
    /// Its answer, when it gave one.
    pub(crate) answer: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) traces_read: BTreeSet<String>,
    /// What it said last, when it gave no answer.
    pub(crate) last_words: String,
    pub(crate) turns: u32,
}

/// What the results of a reply mean for the agent.
enum Next {
    GoOn,
    End(AgentOutcome, Option<String>),
}

impl Agent {
    /// Works until there is an answer, the turns or the budget are used up, or nothing goes any more. `task` is what it is told
    /// to do, for the log.
    pub(crate) async fn run(mut self, task: &str) -> AgentEnd {
        let max_turns = self.runtime.options.max_turns;
        let ended_before = self.runtime.history.has_finished(&self.identity.id);
        if self.runtime.history.begins(&self.identity.id) {
            self.emit(EventKind::AgentStarted { max_turns, task: task.to_owned() });
        }
        let (mut outcome, mut answer) = self.work().await;
        if let AgentOutcome::BudgetSpent { .. } = outcome
            && self.identity.depth == 0
        {
            (outcome, answer) = self.conclude(outcome).await;
        }
        if !ended_before {
            self.emit(EventKind::AgentFinished { outcome: outcome.clone(), usage: self.usage });
        }
        AgentEnd {
            outcome,
            answer: answer.filter(|answer| !answer.trim().is_empty()),
            usage: self.usage,
            traces_read: self.traces_read,
            last_words: self.last_words,
            turns: self.turns,
        }
    }

    /// A turn: 1. tell when turns or budget run out; 2. ask the model; 3. where it stopped, ask it once more or take its text;
    /// 4. make its tool calls; 5. give it the results, or end.
    async fn work(&mut self) -> (AgentOutcome, Option<String>) {
        let max_turns = self.runtime.options.max_turns.max(1);
        let mut stopped_with = None;
        let mut text = String::new();
        for turn in 1..=max_turns {
            let is_last = turn == max_turns;
            self.announce(turn, max_turns - turn + 1);
            let tools = if is_last { &self.closing_tools } else { &self.tools }.clone();
            // What is kept back is for the answer of the root alone.
            let share = if is_last && self.identity.depth == 0 { Share::Closing } else { Share::Work };
            let reply = match self.ask(turn, &tools.specs(), share).await {
                Ok(reply) => reply,
                Err(outcome) => return (outcome, None),
            };
            self.turns = turn;
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
                self.tell(turn + 1, prompt::asked_again());
                continue;
            }
            stopped_with = None;

            let outcomes = self.dispatch(&reply.tool_calls, &tools, share, !is_last).await;
            if let Next::End(outcome, answer) = self.take(turn, &reply.tool_calls, outcomes) {
                return (outcome, answer);
            }
            if reply.stop == StopReason::Length {
                self.tell(turn + 1, prompt::reply_was_cut());
            }
        }
        // Told to conclude, the model wrote text in its last turn: that is the answer. Text of earlier turns is narration.
        (AgentOutcome::TurnLimit, Some(text))
    }

    /// The budget is spent: one more turn, from what was kept back for it, in which the root can only report and answer.
    async fn conclude(&mut self, spent: AgentOutcome) -> (AgentOutcome, Option<String>) {
        let AgentOutcome::BudgetSpent { limit } = &spent else {
            return (spent, None);
        };
        let turn = self.turns + 1;
        self.tell(turn, prompt::budget_spent(limit));
        let tools = self.closing_tools.clone();
        let Ok(reply) = self.ask(turn, &tools.specs(), Share::Closing).await else {
            return (spent, None);
        };
        self.turns = turn;
        let text = text_of(&reply).to_owned();
        self.keep(&reply, &text);
        if reply.tool_calls.is_empty() {
            return (spent, Some(text));
        }
        let outcomes = self.dispatch(&reply.tool_calls, &tools, Share::Closing, false).await;
        match self.take(turn, &reply.tool_calls, outcomes) {
            Next::End(AgentOutcome::Answered, answer) => (spent, answer),
            Next::End(outcome, answer) => (outcome, answer),
            Next::GoOn => (spent, Some(text)),
        }
    }

    async fn dispatch(
        &mut self,
        calls: &[ToolCall],
        tools: &ToolRegistry,
        share: Share,
        can_mend: bool,
    ) -> Vec<CallOutcome> {
        self.children.number(calls);
        // Many results side by side must not fill the context in one turn.
        let room = Room::new(self.runtime.options.max_context * CHARS_PER_TOKEN / 3, calls.len());
        let dispatch = Dispatch {
            tools,
            agent: &self.identity,
            runtime: &self.runtime,
            cancel: self.runtime.stop.token(share),
            result_chars_max: self.runtime.options.result_chars_max(),
            room,
            can_mend,
        };
        dispatch.call_all(calls).await
    }

    /// Adds results to the conversation and decides what comes next.
    fn take(&mut self, turn: u32, calls: &[ToolCall], outcomes: Vec<CallOutcome>) -> Next {
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
            self.conversation.push_result(call, outcome.content, outcome.item_id.as_deref());
        }
        for notice in notices {
            self.tell(turn + 1, notice);
        }
        // An answer that is there counts, also when the user interrupts or the disk is full at that very moment.
        if matches!(next, Next::GoOn) {
            if self.runtime.stop.user.is_cancelled() {
                return Next::End(AgentOutcome::Interrupted, None);
            }
            // A run that is not recorded can't be resumed or reported; better to end it than to go on paying.
            if let Some(error) = self.runtime.sink.failure() {
                return Next::End(AgentOutcome::Failed { error }, None);
            }
        }
        next
    }

    /// Keeps a reply in the conversation.
    fn keep(&mut self, reply: &ModelReply, text: &str) {
        if !text.trim().is_empty() {
            text.clone_into(&mut self.last_words);
        }
        // Some endpoints refuse a message that says nothing.
        if !text.is_empty() || !reply.tool_calls.is_empty() {
            let items = reply.provider_items.clone();
            self.conversation.push_assistant(text.to_owned(), reply.tool_calls.clone(), items);
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

    fn announce(&mut self, turn: u32, turns_left: u32) {
        let max_turns = self.runtime.options.max_turns;
        if turns_left == 1 {
            self.tell(turn, prompt::last_turn());
        } else if turns_left == FEW_TURNS && max_turns > FEW_TURNS {
            self.tell(turn, prompt::few_turns_left(turns_left));
        }
        let Some((used, part)) = self.runtime.budget.used() else {
            return;
        };
        let passed = BUDGET_MARKS.iter().filter(|mark| used >= **mark).count();
        if passed > self.marks_told && turns_left > 1 {
            self.marks_told = passed;
            self.tell(turn, prompt::budget_left(used, part.word()));
        }
    }

    /// Says something to the model in the user's place, and in the log, unless that tells of this turn already.
    fn tell(&mut self, turn: u32, text: String) {
        if !self.runtime.history.has_turn(&self.identity.id, turn) {
            self.notice(text.clone());
        }
        self.conversation.push_user(text);
    }

    pub(crate) fn notice(&self, text: String) {
        self.emit(EventKind::Notice { text });
    }
}
