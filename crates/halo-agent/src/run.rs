//! A run: from its options to its result, through a root agent and whatever subagents it starts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use halo_protocol::{AgentOutcome, EventKind, FORMAT_VERSION, Finding, RefusedFinding, RunEnd, Usage};
use halo_tool::{CodeSource, DataTables, FindingGate, ToolRegistry};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::agent::{Agent, AgentEnd, CHARS_PER_TOKEN};
use crate::budget::{Budget, Limits};
use crate::conversation::Conversation;
use crate::findings::FindingBoard;
use crate::items::ItemStore;
use crate::model::Models;
use crate::runtime::{Runtime, Stop};
use crate::tools::{
    CallSubagent, Children, FinalAnswer, GetContextItem, ListFindings, MapRows, ReportFinding, SynthesizeTraces,
};
use crate::{AgentIdentity, EventSink, RunHistory, SideModel, prompt};

/// Most characters of one tool result that a model reads at once, however large its context.
const RESULT_CHARS_MAX: usize = 30_000;

/// What a run works on and within which limits.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// The user's question; [`crate::DEFAULT_QUESTION`] is asked when it is empty.
    pub prompt: String,
    /// What the dataset holds, as the overview tool would tell it.
    pub dataset_overview: String,
    /// What the dataset's owner says about it.
    pub dataset_context: Option<String>,
    /// What is known before the run, from checks: listed to the agents, and not part of the result.
    pub known_findings: Vec<Finding>,
    /// Levels of subagents below the root; 0 for none.
    pub max_depth: u32,
    /// Replies that each agent's model may give. The last one can only report and conclude.
    pub max_turns: u32,
    /// Model requests of all agents at the same time, and tool calls at the same time.
    pub max_parallel: usize,
    /// Tokens, about, that the requests of an agent may grow to.
    pub max_context: usize,
    /// Tokens that a reply may have, as the models are told; `None` when nobody bounds it.
    pub output_tokens_max: Option<u64>,
    /// What the run may spend.
    pub limits: Limits,
    /// How often a refusal of the model is answered by asking again.
    pub refusal_retries: u32,
    /// Folder for whole tool results; they are kept in memory when there is none.
    pub results_folder: Option<PathBuf>,
}

impl AgentOptions {
    /// A question about a dataset, with HALO's defaults.
    #[must_use]
    pub fn new(prompt: impl Into<String>, dataset_overview: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            dataset_overview: dataset_overview.into(),
            dataset_context: None,
            known_findings: Vec::new(),
            max_depth: 2,
            max_turns: 20,
            max_parallel: 10,
            max_context: 60_000,
            output_tokens_max: None,
            limits: Limits::default(),
            refusal_retries: 0,
            results_folder: None,
        }
    }

    /// Characters of one tool result that a model reads at once: an eighth of its context.
    pub(crate) fn result_chars_max(&self) -> usize {
        (self.max_context * CHARS_PER_TOKEN / 8).clamp(2_000, RESULT_CHARS_MAX)
    }
}

/// Tools that ask a model, made once there is one to ask.
pub type ToolFactory = Arc<dyn Fn(&SideModel) -> ToolRegistry + Send + Sync>;

/// What a run works with.
#[derive(Clone)]
pub struct RunServices {
    /// The models.
    pub models: Models,
    /// Tools for the agents; those that belong to agents (`call_subagent`, `report_finding`, `final_answer`, …) are added here.
    pub tools: ToolRegistry,
    /// Further tools, which ask a model themselves.
    pub asking_tools: Option<ToolFactory>,
    /// Rows and tables for `map_rows`, which is not on offer without.
    pub tables: Option<Arc<dyn DataTables>>,
    /// Checks claimed findings.
    pub gate: Arc<dyn FindingGate>,
    /// Looks up the code that findings cite; they can cite none without.
    pub code: Option<Arc<dyn CodeSource>>,
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
    /// What it cost, all agents and all attempts together.
    pub usage: Usage,
    /// The same in US dollars; 0 where no price is known.
    pub cost_usd: f64,
    /// How it ended.
    pub end: RunEnd,
    /// Traces whose text the models read in full or in part.
    pub traces_read: BTreeSet<String>,
}

/// Runs the root agent to its end. Failures are part of the result: whatever was found by then is in it.
///
/// The steps: set up what all agents share, tell that the run began, let the root work while the clock runs, make sure that there is
/// an answer, tell that the run ended.
pub async fn run(options: AgentOptions, services: RunServices) -> RunResult {
    resume(options, services, RunHistory::default()).await
}

/// Goes on with a run that stopped: what its log tells is not done again. The sink must be one that goes on with that log
/// ([`EventSink::resume`]).
pub async fn resume(options: AgentOptions, services: RunServices, history: RunHistory) -> RunResult {
    let meter = Meter::default();
    meter.add(&history.usage());
    let reads = Arc::new(Mutex::new(history.traces_read()));
    let runtime = set_up(options, services, history);
    observe(&runtime, &meter, &reads);
    let root = AgentIdentity::root();
    let question = prompt::question(&runtime.options).to_owned();
    runtime.sink.emit(&root, first_event(&runtime, &question));

    let clock = {
        let runtime = Arc::clone(&runtime);
        AbortOnDropHandle::new(tokio::spawn(async move { runtime.keep_time().await }))
    };
    let agent = start_agent(&runtime, root.clone(), &question);
    let AgentEnd { outcome, answer, .. } = Box::pin(agent.run(&question)).await;
    // Waited for, because it holds the log, which somebody may go on with at once.
    clock.abort();
    drop(clock.await);

    let findings = runtime.board.findings();
    let answer = answer.unwrap_or_else(|| answer_in_its_place(&outcome, runtime.options.max_turns, &findings));
    let end = end_of(outcome);
    let usage = meter.total();
    runtime.sink.emit(&root, EventKind::RunFinished { end: end.clone(), answer: answer.clone(), usage });
    let traces_read = reads.lock().map(|reads| reads.clone()).unwrap_or_default();
    RunResult {
        answer,
        findings,
        refused: runtime.board.refused(),
        usage,
        cost_usd: runtime.budget.spent_usd(),
        end,
        traces_read,
    }
}

fn set_up(options: AgentOptions, services: RunServices, history: RunHistory) -> Arc<Runtime> {
    let RunServices { models, tools, asking_tools, tables, gate, code, sink, cancel } = services;
    let permits = options.max_parallel.clamp(1, Semaphore::MAX_PERMITS);
    let runtime = Arc::new(Runtime {
        board: FindingBoard::new(gate, options.known_findings.clone(), history.findings()),
        budget: Budget::new(options.limits, history.cost(&models), history.elapsed()),
        items: ItemStore::new(options.results_folder.clone(), history.items()),
        stop: Stop::new(&cancel),
        request_permits: Semaphore::new(permits),
        work_permits: Semaphore::new(permits),
        agents: Mutex::new(HashMap::new()),
        tools: OnceLock::new(),
        options,
        models,
        tables,
        code,
        sink,
        history,
    });
    let mut all = tools;
    if let Some(make) = asking_tools {
        all.extend(&make(&SideModel::new(&runtime)));
    }
    // Nobody has asked for the tools yet, so they are not set.
    drop(runtime.tools.set(all));
    runtime
}

fn first_event(runtime: &Runtime, question: &str) -> EventKind {
    if runtime.history.is_resumed() {
        let (replies, results) = runtime.history.kept();
        return EventKind::RunResumed { replies, results };
    }
    EventKind::RunStarted {
        format_version: FORMAT_VERSION,
        model: runtime.models.root.model.name().to_owned(),
        prompt: question.to_owned(),
    }
}

/// An agent with its tools and the messages that open its conversation.
pub(crate) fn start_agent(runtime: &Arc<Runtime>, identity: AgentIdentity, task: &str) -> Agent {
    runtime.register(&identity);
    let options = &runtime.options;
    let is_root = identity.depth == 0;
    let children = Children::default();
    let mut tools = runtime.tools().clone();
    if identity.depth < options.max_depth {
        let parent = identity.clone();
        tools.add(CallSubagent { runtime: Arc::clone(runtime), parent, children: children.clone() });
    }
    if tools.has("view_trace") {
        tools.add(SynthesizeTraces { runtime: Arc::clone(runtime) });
    }
    if let Some(tables) = &runtime.tables {
        tools.add(MapRows { runtime: Arc::clone(runtime), tables: Arc::clone(tables) });
    }
    tools.add(GetContextItem { items: runtime.items.clone(), chars_max: options.result_chars_max() });
    tools.add(ListFindings { board: runtime.board.clone(), tables: runtime.tables.clone() });
    let mut closing_tools = ToolRegistry::new();
    for registry in [&mut tools, &mut closing_tools] {
        let board = runtime.board.clone();
        registry.add(ReportFinding {
            board,
            sink: runtime.sink.clone(),
            agent: identity.clone(),
            code: runtime.code.clone(),
        });
        registry.add(FinalAnswer);
    }
    let mut conversation = Conversation::default();
    if is_root {
        conversation.push_system(prompt::root_instructions(&tools));
        conversation.push_user(prompt::task(options));
    } else {
        conversation.push_system(prompt::subagent_instructions(&tools));
        let shared = crate::tools::shared(&runtime.board, runtime.tables.as_deref(), false);
        conversation.push_user(prompt::subagent_task(options, &shared, task));
    }
    Agent {
        identity,
        runtime: Arc::clone(runtime),
        tools,
        closing_tools,
        children,
        conversation,
        usage: Usage::default(),
        traces_read: BTreeSet::new(),
        call_ids: HashSet::new(),
        last_failure: None,
        marks_told: 0,
        last_words: String::new(),
        turns: 0,
    }
}

/// Adds up what replies cost, whoever asked.
#[derive(Debug, Clone, Default)]
struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    fn add(&self, usage: &Usage) {
        if let Ok(mut total) = self.0.lock() {
            total.add(usage);
        }
    }

    fn total(&self) -> Usage {
        self.0.lock().map(|total| *total).unwrap_or_default()
    }
}

/// Counts from the events what the whole run cost and read: the one place that sees all agents.
fn observe(runtime: &Runtime, meter: &Meter, reads: &Arc<Mutex<BTreeSet<String>>>) {
    let (meter, reads) = (meter.clone(), Arc::clone(reads));
    runtime.sink.observe(move |event| match &event.item {
        EventKind::ModelReply { usage, .. } => meter.add(usage),
        EventKind::ToolResult { traces_shown, .. } => {
            if let Ok(mut reads) = reads.lock() {
                reads.extend(traces_shown.iter().cloned());
            }
        }
        _ => {}
    });
}

fn end_of(outcome: AgentOutcome) -> RunEnd {
    match outcome {
        AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => RunEnd::Complete,
        AgentOutcome::TurnLimit => RunEnd::TurnLimit,
        AgentOutcome::BudgetSpent { limit } => RunEnd::BudgetSpent { limit },
        AgentOutcome::Failed { error } => RunEnd::Failed { error },
        AgentOutcome::Interrupted => RunEnd::Interrupted,
    }
}

/// What stands where the model gave no answer: how it ended, and what was found.
fn answer_in_its_place(outcome: &AgentOutcome, max_turns: u32, findings: &[Finding]) -> String {
    let how = match outcome {
        AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => "The model stopped".to_owned(),
        AgentOutcome::TurnLimit => format!("The analysis reached its limit of {max_turns} turns"),
        AgentOutcome::BudgetSpent { limit } => format!("The budget of {limit} was spent"),
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
