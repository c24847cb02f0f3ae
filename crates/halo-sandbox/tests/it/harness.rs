//! A session on this crate's worker, with a host whose answers are known.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use halo_sandbox::{
    CodeHost, CodeLimits, CodeOutcome, CodeSession, HostCall, HostFunction, ParameterKind, WorkerCommand,
    trace_functions,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) fn command() -> WorkerCommand {
    WorkerCommand { program: env!("CARGO_BIN_EXE_halo-sandbox-worker").into(), args: Vec::new() }
}

/// Limits that no well-behaved code meets, on a busy machine either.
pub(crate) fn limits() -> CodeLimits {
    CodeLimits {
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(60),
        memory_bytes: 300 << 20,
        output_chars: 2_000,
        host_calls: 50,
    }
}

/// The planned functions, and some that show what may go wrong.
pub(crate) fn functions() -> Vec<HostFunction> {
    let mut functions = trace_functions();
    functions.push(HostFunction::new("echo", "object", "Gives its value back.").with("value", ParameterKind::Any));
    functions.push(HostFunction::new("fail", "None", "Always fails."));
    functions.push(HostFunction::new("huge", "str", "Gives more than fits."));
    functions.push(HostFunction::new("wait", "None", "Takes until it is cancelled."));
    functions
}

pub(crate) fn session(limits: CodeLimits) -> CodeSession {
    CodeSession::start(command(), limits, functions())
}

pub(crate) async fn run(session: &mut CodeSession, code: &str) -> CodeOutcome {
    session.run(code, &TestHost::default(), &CancellationToken::new()).await.unwrap()
}

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// All Python files of a folder of tests, by name.
pub(crate) fn python_files(name: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            files.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// Answers from the rows of `tests/battery/host.json`.
pub(crate) struct TestHost {
    rows: Value,
    pub(crate) calls: Mutex<Vec<String>>,
}

impl Default for TestHost {
    fn default() -> Self {
        let text = fs::read_to_string(folder("battery").join("host.json")).unwrap();
        Self { rows: serde_json::from_str(&text).unwrap(), calls: Mutex::default() }
    }
}

impl CodeHost for TestHost {
    fn call(&self, call: HostCall, cancel: CancellationToken) -> BoxFuture<'_, Result<Value, String>> {
        async move {
            self.calls.lock().unwrap().push(call.function.clone());
            if call.function == "wait" {
                cancel.cancelled().await;
            }
            self.answer(&call)
        }
        .boxed()
    }
}

impl TestHost {
    fn answer(&self, call: &HostCall) -> Result<Value, String> {
        let text = |name: &str| call.arguments[name].as_str().unwrap();
        match call.function.as_str() {
            "sql" => self.table(text("query")),
            "view_trace" => {
                let (id, page) = (text("trace_id"), &call.arguments["page"]);
                let is_known = self.rows["traces"].as_array().unwrap().iter().any(|row| row["trace_id"] == id);
                is_known.then(|| json!(format!("page {page} of {id}"))).ok_or_else(|| format!("there is no trace {id}"))
            }
            "search" => {
                let limit = usize::try_from(call.arguments["limit"].as_u64().unwrap()).unwrap();
                let rows = self.rows["traces"].as_array().unwrap().iter();
                let hits = rows.filter(|row| row["final_output"].as_str().unwrap().contains(text("pattern")));
                let hits = hits.map(|row| json!({"trace_id": row["trace_id"], "text": row["final_output"]}));
                Ok(hits.take(limit).collect())
            }
            "llm" => Ok(json!(format!("answer to: {}", text("prompt")))),
            "llm_batch" => {
                let prompts = call.arguments["prompts"].as_array().unwrap().iter();
                Ok(prompts.map(|prompt| json!(format!("answer to: {}", prompt.as_str().unwrap()))).collect())
            }
            "echo" => Ok(call.arguments["value"].clone()),
            "huge" => Ok(json!("x".repeat(40 << 20))),
            "wait" => Ok(Value::Null),
            _ => Err("the host said no".to_owned()),
        }
    }

    fn table(&self, query: &str) -> Result<Value, String> {
        let name = query.split("FROM ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
        self.rows.get(name).cloned().ok_or_else(|| format!("there is no table `{name}`"))
    }
}
