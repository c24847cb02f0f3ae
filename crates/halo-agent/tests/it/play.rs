//! What every test needs: a few tools, a gate, and a run from a script to its result and log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use halo_agent::{AgentOptions, EventSink, Models, PricedModel, RunHistory, RunResult, RunServices, resume};
use halo_llm::{ModelApi, ModelClient, ModelOptions, RetryPolicy, Timeouts};
use halo_protocol::{AgentOutcome, EventKind, Finding, FindingDraft, Interval, RunEnd, RunEvent, Usage};
use halo_testkit::{Reply, ScriptedModel};
use halo_tool::{FindingGate, GateError, Tool, ToolContext, ToolError, ToolOutput, ToolRegistry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

/// Tools on offer to the root, in order.
pub(crate) const TOOLS: [&str; 9] = [
    "sql",
    "view_trace",
    "meet",
    "call_subagent",
    "synthesize_traces",
    "get_context_item",
    "list_findings",
    "report_finding",
    "final_answer",
];

/// A run that has ended.
pub(crate) struct Played {
    pub(crate) result: RunResult,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) model: ScriptedModel,
}

pub(crate) async fn play(script: impl IntoIterator<Item = Reply>) -> Played {
    play_with(options(), script).await
}

pub(crate) async fn play_with(options: AgentOptions, script: impl IntoIterator<Item = Reply>) -> Played {
    let model = ScriptedModel::start(script).unwrap();
    play_on(options, model, CancellationToken::new()).await
}

/// With this model and a token that the test may fire.
pub(crate) async fn play_on(options: AgentOptions, model: ScriptedModel, cancel: CancellationToken) -> Played {
    play_and_check(options, model, cancel, |_| {}).await
}

/// With somebody who watches the events.
pub(crate) async fn play_watched(
    model: ScriptedModel,
    cancel: CancellationToken,
    watch: impl Fn(&EventKind) + Send + 'static,
) -> Played {
    play_and_check(options(), model, cancel, watch).await
}

/// Runs the agent with a log file, and checks what holds for every log.
async fn play_and_check(
    options: AgentOptions,
    model: ScriptedModel,
    cancel: CancellationToken,
    watch: impl Fn(&EventKind) + Send + 'static,
) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let services = services(&model, EventSink::create(&path).unwrap(), cancel);
    services.sink.observe(move |event| watch(&event.item));
    let running = resume(options, services, RunHistory::default());
    let result = tokio::time::timeout(Duration::from_secs(60), running).await.expect("the run hangs");
    let log = std::fs::read_to_string(&path).unwrap();
    let events: Vec<RunEvent> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    check_log(&events, &result);
    Played { result, events, model }
}

/// Everything a run works with, against this model.
pub(crate) fn services(model: &ScriptedModel, sink: EventSink, cancel: CancellationToken) -> RunServices {
    RunServices {
        models: Models::all(PricedModel { model: Arc::new(client(model.base_url())), price: None }),
        tools: registry(),
        asking_tools: None,
        tables: None,
        gate: Arc::new(KnownTraces),
        code: None,
        sink,
        cancel,
    }
}

pub(crate) fn options() -> AgentOptions {
    AgentOptions { max_context: 60_000, ..AgentOptions::new("What goes wrong?", "150 traces, 1 service: shop-agent") }
}

fn client(base_url: String) -> ModelClient {
    let second = Duration::from_secs(1);
    ModelClient::new(ModelOptions {
        api: ModelApi::ChatCompletions,
        base_url,
        api_key: None,
        headers: vec![],
        model: "scripted".into(),
        temperature: None,
        max_output_tokens: None,
        reasoning_effort: None,
        parallel_tool_calls: None,
        extra_body: serde_json::Map::new(),
        timeouts: Timeouts { connect: second * 5, response: second * 30, idle: second * 30, total: second * 60 },
        retry: RetryPolicy {
            attempts_max: 10,
            wait_first: Duration::from_millis(1),
            wait_max: Duration::from_millis(2),
            retry_after_max: Duration::from_millis(2),
        },
    })
    .unwrap()
}

pub(crate) fn registry() -> ToolRegistry {
    let mut registry = ToolRegistry::new();
    registry.add(Sql);
    registry.add(ViewTrace);
    registry.add(Meet(Arc::new(Barrier::new(2))));
    registry
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SqlArgs {
    /// One SELECT.
    query: String,
}

/// Does what its query says, well or badly.
struct Sql;

impl Tool for Sql {
    type Args = SqlArgs;
    fn name(&self) -> &'static str {
        "sql"
    }
    fn description(&self) -> &'static str {
        "Runs one read-only query."
    }
    async fn call(&self, args: SqlArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        match args.query.as_str() {
            "SELEC typo" => Err(ToolError::for_model("syntax error near `SELEC`; did you mean `SELECT`?")),
            "fatal" => Err(ToolError::fatal("the dataset is gone")),
            "panic" => panic!("a bug in a tool"),
            "forever" => std::future::pending().await,
            "large" => Ok(ToolOutput::text(format!("begin{}end", "x".repeat(5_000)))),
            query => Ok(ToolOutput::text(format!("result of {query}"))),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct ViewTraceArgs {
    /// The trace.
    trace_id: String,
}

struct ViewTrace;

impl Tool for ViewTrace {
    type Args = ViewTraceArgs;
    fn name(&self) -> &'static str {
        "view_trace"
    }
    fn description(&self) -> &'static str {
        "Shows a trace."
    }
    async fn call(&self, args: ViewTraceArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        Ok(ToolOutput::showing(format!("spans of {}", args.trace_id), vec![args.trace_id]))
    }
}

#[derive(Deserialize, JsonSchema)]
struct MeetArgs {
    /// Who comes.
    name: String,
}

/// Ends only when two calls are under way at the same time.
struct Meet(Arc<Barrier>);

impl Tool for Meet {
    type Args = MeetArgs;
    fn name(&self) -> &'static str {
        "meet"
    }
    fn description(&self) -> &'static str {
        "Waits for another call."
    }
    async fn call(&self, args: MeetArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        self.0.wait().await;
        Ok(ToolOutput::text(format!("{} was there", args.name)))
    }
}

/// A gate that knows the traces `t1` to `t9`; the id of a finding is its category.
struct KnownTraces;

impl FindingGate for KnownTraces {
    fn check(&self, draft: FindingDraft) -> BoxFuture<'_, Result<Finding, GateError>> {
        Box::pin(async move {
            for evidence in &draft.evidence {
                let known = evidence.trace_id.strip_prefix('t').is_some_and(|n| n.len() == 1);
                if !known {
                    return Err(GateError::new(format!("there is no trace `{}` in the dataset", evidence.trace_id)));
                }
            }
            Ok(Finding {
                id: draft.category.clone(),
                title: draft.title,
                category: draft.category,
                severity: draft.severity,
                claim: draft.claim,
                cause: draft.cause,
                fix: draft.fix,
                affected_sql: draft.affected_sql,
                population_sql: draft.population_sql.unwrap_or_else(|| "SELECT trace_id FROM traces".into()),
                affected: 14,
                population: 150,
                rate: 14.0 / 150.0,
                interval: Interval::wilson(14, 150),
                scope: vec![],
                evidence: draft.evidence,
                code: vec![],
                outcomes: None,
                trend: Vec::new(),
                conversations: Vec::new(),
                sample_trace_ids: vec!["t1".into()],
                source: draft.source,
                verified: true,
            })
        })
    }
}

/// Arguments of a report about this trace.
pub(crate) fn finding(title: &str, category: &str, trace_id: &str) -> Value {
    json!({
        "title": title, "category": category, "severity": "high",
        "claim": "Refunds are claimed that failed.", "cause": "The result is not checked.", "fix": "Check `ok`.",
        "affected_sql": "SELECT trace_id FROM spans WHERE output LIKE '%false%'",
        "evidence": [{"trace_id": trace_id, "span_id": "s1", "quote": "ok: false"}],
    })
}

pub(crate) fn final_answer(text: &str) -> Reply {
    Reply::tool_call("final_answer", json!({"answer": text}))
}

pub(crate) fn sql(query: &str) -> Reply {
    Reply::tool_call("sql", json!({"query": query}))
}

impl Played {
    /// The log without what differs from run to run, a line an event; pieces of text are left out.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        for event in self.events.iter().filter(|event| !matches!(event.item, EventKind::TextDelta { .. })) {
            let mut item = serde_json::to_value(&event.item).unwrap();
            for volatile in ["elapsed_ms", "bytes", "wait_ms"] {
                if !item[volatile].is_null() {
                    item[volatile] = json!("*");
                }
            }
            // The whole finding is compared on the result.
            if let EventKind::FindingAccepted { finding } = &event.item {
                item["finding"] = json!(finding.title);
            }
            let kind = item["type"].as_str().unwrap().to_owned();
            item.as_object_mut().unwrap().remove("type");
            let item = item.to_string().replace(&self.model.base_url(), "http://model/v1");
            text.push_str(&format!("{kind} {item}\n"));
        }
        text
    }

    /// Name, error flag and text of each tool result, in the order of the log.
    pub(crate) fn tool_results(&self) -> Vec<(String, bool, String)> {
        self.events
            .iter()
            .filter_map(|event| match &event.item {
                EventKind::ToolResult { name, is_error, content, .. } => {
                    Some((name.clone(), *is_error, content.clone()))
                }
                _ => None,
            })
            .collect()
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match &event.item {
                EventKind::Notice { text } => Some(text.clone()),
                _ => None,
            })
            .collect()
    }

    /// Errors of the attempts that were tried again.
    pub(crate) fn retries(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match &event.item {
                EventKind::ModelRetry { error, .. } => Some(error.clone()),
                _ => None,
            })
            .collect()
    }

    /// Results the model read in its last request.
    pub(crate) fn results_read(&self) -> Vec<(String, String)> {
        self.model.requests().last().unwrap().tool_results()
    }
}

/// What holds for the log of every run, whatever happened in it.
pub(crate) fn check_log(events: &[RunEvent], result: &RunResult) {
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (0..events.len() as u64).collect::<Vec<_>>(), "no gaps");
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at), "time goes on");
    let count = |is: fn(&EventKind) -> bool| events.iter().filter(|event| is(&event.item)).count();
    assert!(matches!(events[0].item, EventKind::RunStarted { .. }), "begins with the run");
    assert_eq!(count(|item| matches!(item, EventKind::RunStarted { .. })), 1);
    let finals: Vec<bool> = events.iter().map(|event| event.is_final).collect();
    assert_eq!(finals.iter().position(|is_final| *is_final), Some(events.len() - 1), "one final event, the last");

    let [.., agent_finished, run_finished] = events else {
        panic!("too short a log");
    };
    let expected =
        EventKind::RunFinished { end: result.end.clone(), answer: result.answer.clone(), usage: result.usage };
    assert_eq!(run_finished.item, expected);
    assert!(!result.answer.trim().is_empty(), "there is always an answer");
    let EventKind::AgentFinished { outcome, .. } = &agent_finished.item else {
        panic!("the agent ends before the run: {agent_finished:?}");
    };
    let end = match outcome.clone() {
        AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => RunEnd::Complete,
        AgentOutcome::TurnLimit => RunEnd::TurnLimit,
        AgentOutcome::BudgetSpent { limit } => RunEnd::BudgetSpent { limit },
        AgentOutcome::Failed { error } => RunEnd::Failed { error },
        AgentOutcome::Interrupted => RunEnd::Interrupted,
    };
    assert_eq!((&end, agent_finished.agent_id.as_str()), (&result.end, "root"));
    check_agents(events, result);

    // Each call of a reply has one result, and no result is without a call.
    let mut open: HashMap<(String, String), i32> = HashMap::new();
    for event in events {
        let agent = event.agent_id.clone();
        match &event.item {
            EventKind::ModelReply { tool_calls, .. } => {
                for call in tool_calls {
                    assert_eq!(open.insert((agent.clone(), call.id.clone()), 0), None, "ids are unique: {}", call.id);
                }
            }
            EventKind::ToolResult { tool_call_id, .. } => {
                *open.get_mut(&(agent, tool_call_id.clone())).unwrap() += 1;
            }
            _ => {}
        }
    }
    assert!(open.values().all(|results| *results == 1), "{open:?}");
}

/// Each agent begins once and ends once, children within their parents' time, and what they cost adds up.
fn check_agents(events: &[RunEvent], result: &RunResult) {
    let mut open: Vec<&str> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut usage = Usage::default();
    for event in events {
        let id = event.agent_id.as_str();
        match &event.item {
            EventKind::AgentStarted { .. } => {
                assert!(!seen.contains(&id), "{id} begins once");
                assert_eq!(event.depth as usize, id.matches('/').count());
                let parent = event.parent_agent_id.as_deref();
                assert_eq!(parent, id.rsplit_once('/').map(|(parent, _)| parent));
                assert!(parent.is_none_or(|parent| open.contains(&parent)), "{id} has a living parent");
                seen.push(id);
                open.push(id);
            }
            EventKind::AgentFinished { .. } => {
                assert!(open.contains(&id), "{id} ends once");
                open.retain(|other| *other != id);
            }
            EventKind::ModelReply { usage: spent, .. } => usage.add(spent),
            _ => {}
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "every agent ends");
    assert_eq!(usage, result.usage, "the run's cost is that of its replies");
}
