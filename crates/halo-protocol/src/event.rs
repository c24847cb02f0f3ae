//! What happens in a run, as one closed stream of events. `events.jsonl` is this stream, a line an event; the live
//! view and the report are pure functions of it, and a killed run goes on from it.

use serde::{Deserialize, Serialize};

use crate::{Finding, RunEnd, ToolCall, Usage};

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Position in the run, from 0, without gaps.
    pub sequence: u64,
    /// When it happened, RFC 3339 with milliseconds, UTC.
    pub at: String,
    /// The agent it happened to, for example `root` or `root/2`.
    pub agent_id: String,
    /// The agent that started this one; `None` for the root.
    pub parent_agent_id: Option<String>,
    /// The parent's tool call that started this agent; `None` for the root.
    pub parent_tool_call_id: Option<String>,
    /// Name for people.
    pub agent_name: String,
    /// 0 for the root, 1 for its subagents, and so on.
    pub depth: u32,
    /// What happened.
    pub item: EventKind,
    /// Whether this is the last event of the run.
    #[serde(rename = "final")]
    pub is_final: bool,
}

/// The kinds of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// The run began. First event of every run.
    RunStarted {
        /// Version of this format.
        format_version: u32,
        /// Model of the root agent.
        model: String,
        /// The user's question.
        prompt: String,
    },
    /// A run that had stopped goes on. What stands above it in the log is not done again.
    RunResumed {
        /// Replies of models that are taken from the log.
        replies: u64,
        /// Results of tools that are taken from the log.
        results: u64,
    },
    /// An agent began.
    AgentStarted {
        /// Turns it may take.
        max_turns: u32,
        /// What it is to do: the user's question, or what its parent asked of it.
        #[serde(default)]
        task: String,
    },
    /// A request is about to be sent.
    ModelRequest {
        /// Turn of the agent, from 1.
        turn: u32,
        /// What for.
        #[serde(default, skip_serializing_if = "RequestPurpose::is_turn")]
        purpose: RequestPurpose,
        /// Messages in the request.
        messages: usize,
        /// Size of the request's body in bytes.
        bytes: usize,
    },
    /// A piece of text came in. Shown live, not needed to rebuild anything.
    TextDelta {
        /// The piece.
        text: String,
    },
    /// A request failed in a way that may pass, and is sent again after a pause.
    ModelRetry {
        /// Number of this attempt that failed, from 1.
        attempt: u32,
        /// What went wrong.
        error: String,
        /// Pause before the next attempt, in milliseconds.
        wait_ms: u64,
    },
    /// A reply is complete.
    ModelReply {
        /// Turn of the agent, from 1.
        turn: u32,
        /// What for.
        #[serde(default, skip_serializing_if = "RequestPurpose::is_turn")]
        purpose: RequestPurpose,
        /// What the request is known by when it is not a turn: a hash of the model and of all that it was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Text of the reply.
        content: String,
        /// Tool calls of the reply.
        tool_calls: Vec<ToolCall>,
        /// What only the provider understands and wants to be sent back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        provider_items: Vec<serde_json::Value>,
        /// Whether the request offered only the tools that end an agent, because turns or budget ran out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        closing: bool,
        /// Whether the model refused.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refused: bool,
        /// Why the model stopped, in the provider's word.
        finish_reason: Option<String>,
        /// What the request cost.
        usage: Usage,
        /// Wall time from the request's start to its end, in milliseconds.
        elapsed_ms: u64,
    },
    /// A tool call ended. Exactly one for each tool call of a reply.
    ToolResult {
        /// Id of the call.
        tool_call_id: String,
        /// Name of the tool.
        name: String,
        /// Whether the model was told of an error.
        is_error: bool,
        /// Whether the call was cut off by an interrupt or the end of the run's time, so that a resumed run makes it again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        interrupted: bool,
        /// What the model reads.
        content: String,
        /// Name under which the whole result can be read again with `get_context_item`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item_id: Option<String>,
        /// Traces whose text the result shows.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        traces_shown: Vec<String>,
        /// Wall time in milliseconds.
        elapsed_ms: u64,
    },
    /// A finding passed the gate.
    FindingAccepted {
        /// The finding as it goes into the report.
        finding: Box<Finding>,
    },
    /// A claimed finding did not pass, and the model was told why.
    FindingRefused {
        /// Title of the claim.
        title: String,
        /// What was wrong.
        reason: String,
    },
    /// Something a reader of the log should know: a limit was announced, a model was asked again.
    Notice {
        /// The text.
        text: String,
    },
    /// An agent ended. Exactly one for each agent that started.
    AgentFinished {
        /// How.
        outcome: AgentOutcome,
        /// What it spent.
        usage: Usage,
    },
    /// The run ended. Last event of every run that was not killed.
    RunFinished {
        /// How.
        end: RunEnd,
        /// The final answer, Markdown; empty when there is none.
        answer: String,
        /// What the whole run spent.
        usage: Usage,
    },
}

/// What a model is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestPurpose {
    /// The next turn of an agent.
    #[default]
    Turn,
    /// To tell the older part of a conversation in fewer words.
    Compaction,
    /// To tell what several traces have in common.
    Synthesis,
    /// To answer a question about one row.
    Row,
    /// What code of the model asked.
    Code,
}

impl RequestPurpose {
    fn is_turn(&self) -> bool {
        *self == Self::Turn
    }
}

/// How an agent ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AgentOutcome {
    /// It called `final_answer`.
    Answered,
    /// It stopped with text and never called `final_answer`; the text is taken as the answer.
    StoppedWithoutAnswer,
    /// It ran out of turns.
    TurnLimit,
    /// The run's budget was spent.
    BudgetSpent {
        /// Which part of it, in words: `tokens`, `money` or `time`.
        limit: String,
    },
    /// A model, network or internal failure ended it.
    Failed {
        /// What failed.
        error: String,
    },
    /// The user interrupted the run.
    Interrupted,
}
