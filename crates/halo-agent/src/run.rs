//! A run: one root agent, from its options to its result.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use halo_llm::ModelClient;
use halo_protocol::{AgentOutcome, EventKind, FORMAT_VERSION, Finding, RefusedFinding, RunEnd, Usage};
use halo_tool::{FindingGate, ToolRegistry};
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, AgentEnd};
use crate::conversation::Conversation;
use crate::findings::FindingBoard;
use crate::tools::{FinalAnswer, ReportFinding};
use crate::{AgentIdentity, EventSink, prompt};

/// What the agent works on and within which limits.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// The user's question; [`crate::DEFAULT_QUESTION`] is asked when it is empty.
    pub prompt: String,
    /// What the dataset holds, as the overview tool would tell it.
    pub dataset_overview: String,
    /// What the dataset's owner says about it.
    pub dataset_context: Option<String>,
    /// Replies the model may give. The last one can only report and conclude.
    pub max_turns: u32,
    /// Tool calls of one reply that run at the same time.
    pub max_parallel: usize,
    /// Characters of the conversation above which old tool results are folded. A token is about four, and the reply needs
    /// room too: 300,000 suits a model of 128,000 tokens.
    pub max_context_chars: usize,
    /// Characters of one tool result.
    pub tool_result_chars_max: usize,
    /// How often a refusal of the model is answered by asking again.
    pub refusal_retries: u32,
}

/// What the agent works with.
#[derive(Clone)]
pub struct RunServices {
    /// The model.
    pub client: ModelClient,
    /// Tools for the model; `report_finding` and `final_answer` are added here.
    pub tools: ToolRegistry,
    /// Checks claimed findings.
    pub gate: Arc<dyn FindingGate>,
    /// Is told everything that happens.
    pub sink: EventSink,
    /// Ends the run early when it fires.
    pub cancel: CancellationToken,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult {
    /// The answer, Markdown. Never empty: when the model gave none it says how the run ended and what was found.
    pub answer: String,
    /// Findings that passed the gate, in the order they were first reported.
    pub findings: Vec<Finding>,
    /// Claims that did not pass and were not mended.
    pub refused: Vec<RefusedFinding>,
    /// What it cost.
    pub usage: Usage,
    /// How it ended.
    pub end: RunEnd,
    /// Traces whose text the model read in full or in part.
    pub traces_read: BTreeSet<String>,
}

/// Runs the root agent to its end. Failures are part of the result: whatever was found by then is in it.
///
/// The steps: tell that the run began, add the agent's own tools, open the conversation, let the agent work, make sure that
/// there is an answer, tell that the run ended.
pub async fn run(options: AgentOptions, services: RunServices) -> RunResult {
    let identity = AgentIdentity::root();
    services.sink.emit(
        &identity,
        EventKind::RunStarted {
            format_version: FORMAT_VERSION,
            model: services.client.model().to_owned(),
            prompt: prompt::question(&options).to_owned(),
        },
    );

    let board = FindingBoard::new(Arc::clone(&services.gate));
    let mut tools = services.tools.clone();
    let mut closing_tools = ToolRegistry::new();
    for registry in [&mut tools, &mut closing_tools] {
        registry.add(ReportFinding { board: board.clone(), sink: services.sink.clone(), agent: identity.clone() });
        registry.add(FinalAnswer);
    }

    let mut conversation = Conversation::default();
    conversation.push_system(prompt::root_instructions());
    conversation.push_user(prompt::task(&options));

    let agent = Agent {
        identity: identity.clone(),
        options: &options,
        services: &services,
        tools,
        closing_tools,
        conversation,
        usage: Usage::default(),
        traces_read: BTreeSet::new(),
        call_ids: HashSet::new(),
        last_failure: None,
    };
    let AgentEnd { outcome, answer, usage, traces_read } = Box::pin(agent.run()).await;

    let findings = board.findings();
    let answer = answer.unwrap_or_else(|| answer_in_its_place(&outcome, options.max_turns, &findings));
    let end = end_of(outcome);
    services.sink.emit(&identity, EventKind::RunFinished { end: end.clone(), answer: answer.clone(), usage });
    RunResult { answer, findings, refused: board.refused(), usage, end, traces_read }
}

fn end_of(outcome: AgentOutcome) -> RunEnd {
    match outcome {
        AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => RunEnd::Complete,
        AgentOutcome::TurnLimit => RunEnd::TurnLimit,
        AgentOutcome::Failed { error } => RunEnd::Failed { error },
        AgentOutcome::Interrupted => RunEnd::Interrupted,
    }
}

/// What stands where the model gave no answer: how it ended, and what was found.
fn answer_in_its_place(outcome: &AgentOutcome, max_turns: u32, findings: &[Finding]) -> String {
    let how = match outcome {
        AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => "The model stopped".to_owned(),
        AgentOutcome::TurnLimit => format!("The analysis reached its limit of {max_turns} turns"),
        AgentOutcome::Failed { .. } => "The analysis failed".to_owned(),
        AgentOutcome::Interrupted => "The analysis was interrupted".to_owned(),
    };
    let mut answer = format!("{how} before a summary was written.");
    match findings.len() {
        0 => answer.push_str(" No finding had been established by then."),
        1 => answer.push_str(" One finding had been established by then:\n"),
        count => {
            // Writing to a String cannot fail.
            let _ = writeln!(answer, " {count} findings had been established by then:");
        }
    }
    for finding in findings {
        let _ = write!(answer, "\n- {} ({} of {} traces)", finding.title, finding.affected, finding.population);
    }
    answer
}
