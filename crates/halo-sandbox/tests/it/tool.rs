//! The tool `run_code`: what the model is told, whose variables are whose, how many workers there are.

use std::sync::{Arc, Mutex};

use halo_sandbox::{CodeHost, HostSource, RunCode, RunCodeSettings};
use halo_tool::{Tool as _, ToolContext, ToolRegistry};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{TestHost, command, limits};

fn settings(workers_max: usize) -> RunCodeSettings {
    let functions = halo_sandbox::trace_functions();
    RunCodeSettings { command: command(), limits: limits(), functions, workers_max }
}

fn context(agent: &str, call: &str) -> ToolContext {
    ToolContext { cancel: CancellationToken::new(), agent_id: agent.to_owned(), tool_call_id: call.to_owned() }
}

fn registry(workers_max: usize) -> ToolRegistry {
    let mut registry = ToolRegistry::new();
    registry.add(RunCode::new(settings(workers_max), HostSource::Shared(Arc::new(TestHost::default()))));
    registry
}

async fn call(registry: &ToolRegistry, agent: &str, code: &str) -> String {
    let arguments = json!({ "code": code }).to_string();
    let result = registry.call("run_code", &arguments, &context(agent, "c1")).await;
    result.map_or_else(|error| format!("error: {error}"), |output| output.text)
}

#[test]
fn what_the_model_is_told() {
    let tool = RunCode::new(settings(4), HostSource::Shared(Arc::new(TestHost::default())));
    insta::assert_snapshot!(tool.description());
    insta::assert_json_snapshot!(registry(4).specs()[0].parameters);
}

#[tokio::test]
async fn each_agent_has_its_own_variables_and_the_oldest_session_makes_room() {
    let registry = registry(2);
    let mut texts = Vec::new();
    for (agent, code) in [
        ("root", "x = 'of root'"),
        ("sub-1", "x = 'of sub-1'"),
        ("root", "x"),
        ("sub-1", "x"),
        // A third agent: root ran code longest ago.
        ("sub-2", "x = 'of sub-2'"),
        ("sub-1", "x"),
        ("root", "x"),
        ("sub-1", "x"),
        ("sub-2", "x"),
    ] {
        texts.push(format!("{agent}: {code}\n{}", call(&registry, agent, code).await));
    }
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_agents_at_once_get_their_own_answers() {
    let registry = registry(2);
    let calls = (0..6).map(|agent| {
        let registry = registry.clone();
        async move {
            call(&registry, &format!("agent-{agent}"), &format!("x = {agent}\nlen(sql('SELECT * FROM traces')) + x"))
                .await
        }
    });
    let texts = futures::future::join_all(calls).await;
    let expected: Vec<String> = (0..6).map(|agent| format!("=> {}", 12 + agent)).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn the_host_can_know_the_agent_and_the_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let hosts = HostSource::PerCall(Arc::new(move |context: &ToolContext| {
        log.lock().unwrap().push((context.agent_id.clone(), context.tool_call_id.clone()));
        Arc::new(TestHost::default()) as Arc<dyn CodeHost>
    }));
    let mut registry = ToolRegistry::new();
    registry.add(RunCode::new(settings(2), hosts));
    for (agent, call) in [("root", "c1"), ("sub-1", "c2"), ("root", "c3")] {
        let arguments = json!({ "code": "llm('?')" }).to_string();
        let output = registry.call("run_code", &arguments, &context(agent, call)).await.unwrap();
        assert_eq!(output.text, "=> 'answer to: ?'");
    }
    let expected = [("root", "c1"), ("sub-1", "c2"), ("root", "c3")].map(|(a, c)| (a.to_owned(), c.to_owned()));
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn errors_are_for_the_model_to_mend() {
    let registry = registry(1);
    insta::assert_snapshot!(call(&registry, "root", "print('rows:', 3)\nimport numpy as np").await);
}
