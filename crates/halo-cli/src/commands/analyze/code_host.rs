//! What code that the model wrote may ask for: rows, traces, hits, and a small model.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use halo_agent::SideModel;
use halo_query::TraceSession;
use halo_sandbox::{
    CodeHost, CodeLimits, HostCall, HostSource, RunCode, RunCodeSettings, WorkerCommand, trace_functions,
};
use halo_tool::{DataTables, ToolContext, ToolRegistry};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

/// Most rows that one call of `sql()` gives.
const ROWS_MAX: usize = 50_000;

/// Most hits that one call of `search()` gives.
const HITS_MAX: usize = 10_000;

/// Prompts of one call of `llm_batch()`.
const PROMPTS_MAX: usize = 500;

/// Prompts that are under way at once; how many requests that are, the run's permits say.
const PROMPTS_AT_ONCE: usize = 32;

/// Workers at the same time.
const WORKERS_MAX: usize = 8;

/// First argument of the program when it is to be a worker. No command of the user's.
pub(crate) const WORKER_ARGUMENT: &str = "run-code-worker";

/// The tool `run_code` over a dataset; `None` where the program can't find itself to start the worker.
pub(super) fn tools(session: &TraceSession, tools: &ToolRegistry, side: &SideModel) -> ToolRegistry {
    let mut registry = ToolRegistry::new();
    let Ok(program) = std::env::current_exe() else {
        return registry;
    };
    let settings = RunCodeSettings {
        command: WorkerCommand { program, args: vec![WORKER_ARGUMENT.into()] },
        limits: CodeLimits::default(),
        functions: trace_functions(),
        workers_max: WORKERS_MAX,
    };
    let (session, tools, side) = (session.clone(), tools.clone(), side.clone());
    let hosts = HostSource::PerCall(Arc::new(move |context: &ToolContext| {
        Arc::new(Host {
            tables: halo_query::data_tables(session.clone()),
            session: session.clone(),
            tools: tools.clone(),
            side: side.clone(),
            context: context.clone(),
        })
    }));
    registry.add(RunCode::new(settings, hosts));
    registry
}

/// Answers the functions of one piece of code.
struct Host {
    session: TraceSession,
    tables: Arc<dyn DataTables>,
    tools: ToolRegistry,
    side: SideModel,
    /// Of the call that runs the code: its agent asks, and pays.
    context: ToolContext,
}

impl CodeHost for Host {
    fn call(&self, call: HostCall, cancel: CancellationToken) -> BoxFuture<'_, Result<Value, String>> {
        async move {
            let HostCall { function, arguments } = call;
            match function.as_str() {
                "sql" => self.sql(text(&arguments, "query"), &cancel).await,
                "view_trace" => self.view_trace(&arguments).await,
                "search" => self.search(&arguments, &cancel).await,
                "llm" => self.side.ask(&self.context.agent_id, text(&arguments, "prompt")).await.map(Value::from),
                "llm_batch" => self.llm_batch(&arguments).await,
                other => Err(format!("there is no function `{other}`")),
            }
        }
        .boxed()
    }
}

impl Host {
    async fn sql(&self, query: &str, cancel: &CancellationToken) -> Result<Value, String> {
        let rows = self.tables.rows(query, ROWS_MAX, cancel).await.map_err(|error| error.to_string())?;
        if rows.has_more {
            // Rows that are silently missing would make wrong counts.
            return Err(format!("the statement gives more than {} rows; aggregate or filter in SQL", rows.rows.len()));
        }
        Ok(Value::from(rows.rows.into_iter().map(Value::Object).collect::<Vec<_>>()))
    }

    async fn view_trace(&self, arguments: &Map<String, Value>) -> Result<Value, String> {
        let arguments = Value::Object(arguments.clone()).to_string();
        let shown = self.tools.call("view_trace", &arguments, &self.context).await;
        shown.map(|output| Value::from(output.text)).map_err(|error| error.to_string())
    }

    async fn search(&self, arguments: &Map<String, Value>, cancel: &CancellationToken) -> Result<Value, String> {
        let limit = arguments.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(100).min(HITS_MAX);
        let hits = self.session.hits(text(arguments, "pattern"), limit, cancel).await;
        let hits = hits.map_err(|error| match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        })?;
        Ok(Value::from(hits.into_iter().map(Value::Object).collect::<Vec<_>>()))
    }

    async fn llm_batch(&self, arguments: &Map<String, Value>) -> Result<Value, String> {
        let prompts: Vec<&str> = arguments
            .get("prompts")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if prompts.len() > PROMPTS_MAX {
            return Err(format!("{} prompts are too many at once; at most {PROMPTS_MAX}", prompts.len()));
        }
        let asked = prompts.into_iter().map(|prompt| {
            let (side, agent) = (self.side.clone(), self.context.agent_id.clone());
            async move {
                match side.ask(&agent, prompt).await {
                    Ok(answer) => answer,
                    // One that failed must not lose the others.
                    Err(error) => format!("ERROR: {error}"),
                }
            }
        });
        let asked: Vec<_> = asked.collect();
        let answers: Vec<String> = futures::stream::iter(asked).buffered(PROMPTS_AT_ONCE).collect().await;
        Ok(json!(answers))
    }
}

/// A text argument; the worker has checked that it is there.
fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}
