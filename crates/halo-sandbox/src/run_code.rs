//! `run_code`: the agent's tool.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::host::{CodeHost, HostFunction};
use crate::limits::{CodeLimits, WorkerCommand};
use crate::session::CodeSession;

/// How the tool runs code.
#[derive(Debug, Clone)]
pub struct RunCodeSettings {
    /// The program that is the worker.
    pub command: WorkerCommand,
    /// What one call may use.
    pub limits: CodeLimits,
    /// The host functions, in the order the model reads them.
    pub functions: Vec<HostFunction>,
    /// Worker processes at the same time; at least one.
    pub workers_max: usize,
}

/// Makes the host of one call of the tool.
pub type HostMaker = dyn Fn(&ToolContext) -> Arc<dyn CodeHost> + Send + Sync;

/// Who answers the host functions.
#[derive(Clone)]
pub enum HostSource {
    /// The same host for all.
    Shared(Arc<dyn CodeHost>),
    /// A host for each call of the tool, which then knows the agent and the call.
    PerCall(Arc<HostMaker>),
}

/// The tool. Dropping it kills its workers.
pub struct RunCode {
    settings: RunCodeSettings,
    hosts: HostSource,
    description: String,
    sessions: Mutex<Sessions>,
    permits: Semaphore,
}

#[expect(missing_docs, reason = "the model would read it in the schema")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCodeArgs {
    /// Python code.
    code: String,
}

/// A session for each agent.
#[derive(Default)]
struct Sessions {
    by_agent: BTreeMap<String, Arc<AsyncMutex<CodeSession>>>,
    /// Agents, the one that ran code last at the end.
    order: Vec<String>,
}

impl RunCode {
    /// The tool without any worker yet.
    #[must_use]
    pub fn new(settings: RunCodeSettings, hosts: HostSource) -> Self {
        let description = description(&settings);
        let permits = Semaphore::new(settings.workers_max.max(1));
        Self { settings, hosts, description, sessions: Mutex::default(), permits }
    }

    fn session(&self, agent: &str) -> Arc<AsyncMutex<CodeSession>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.order.retain(|other| other != agent);
        sessions.order.push(agent.to_owned());
        let new = || {
            let RunCodeSettings { command, limits, functions, .. } = self.settings.clone();
            Arc::new(AsyncMutex::new(CodeSession::start(command, limits, functions)))
        };
        Arc::clone(sessions.by_agent.entry(agent.to_owned()).or_insert_with(new))
    }

    /// Ends the sessions that were used longest ago, until there is room for one more beside those that run.
    fn make_room(&self, agent: &str) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut live = 1;
        for other in sessions.order.iter().rev().filter(|other| *other != agent) {
            let Some(session) = sessions.by_agent.get(other) else { continue };
            // One that is locked runs, or is about to and holds a permit of its own.
            let Ok(mut session) = session.try_lock() else {
                live += 1;
                continue;
            };
            if session.is_live() && live < self.settings.workers_max.max(1) {
                live += 1;
            } else {
                session.end("other agents needed the room");
            }
        }
    }
}

impl Tool for RunCode {
    type Args = RunCodeArgs;

    fn name(&self) -> &'static str {
        "run_code"
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn waits(&self) -> bool {
        // For the models that the code asks; how many workers compute is bounded here.
        true
    }

    async fn call(&self, args: RunCodeArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let session = self.session(&context.agent_id);
        // The calls of one agent follow each other: they share their variables.
        let mut session = session.lock().await;
        let interrupted = || ToolError::for_model("interrupted before it ran");
        let permit = context.cancel.run_until_cancelled(self.permits.acquire()).await;
        let _permit = permit.ok_or_else(interrupted)?.map_err(|_| interrupted())?;
        if !session.is_live() {
            self.make_room(&context.agent_id);
        }
        let host = match &self.hosts {
            HostSource::Shared(host) => Arc::clone(host),
            HostSource::PerCall(host) => host(context),
        };
        let outcome = session.run(&args.code, host.as_ref(), &context.cancel).await.map_err(|error| {
            ToolError::for_model(format!("{error}; run_code does not work in this run, use the other tools"))
        })?;
        let text = outcome.text();
        if outcome.is_success() {
            Ok(ToolOutput::text(text))
        } else {
            Err(ToolError::for_model(format!("the code did not end well\n{text}")))
        }
    }
}

fn description(settings: &RunCodeSettings) -> String {
    let mut functions = String::new();
    for function in &settings.functions {
        let _ = writeln!(functions, "- {}: {}", function.signature(), function.doc);
    }
    include_str!("run_code.md")
        .replace("{functions}", functions.trim_end())
        .replace("{output_chars}", &settings.limits.output_chars.to_string())
        .replace("{seconds}", &settings.limits.wall.as_secs().to_string())
}
