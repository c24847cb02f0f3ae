//! The agents with a model and a tool of one's own: no endpoint, no dataset, no key.
//!
//! `cargo run -p halo-agent --example own_model` prints what happens, a line an item, and the answer.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use halo_agent::{AgentOptions, EventSink, Model, Models, PricedModel, RunServices, blocking};
use halo_llm::{LlmError, ModelEvent, ModelReply, ModelRequest, StopReason};
use halo_protocol::{Finding, FindingDraft, Message, ToolCall, Usage};
use halo_tool::{FindingGate, GateError, Tool, ToolContext, ToolError, ToolOutput, ToolRegistry};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// A model that looks once and then answers.
struct Looks;

impl Model for Looks {
    fn name(&self) -> &str {
        "looks-once"
    }

    fn ask<'a>(
        &'a self,
        request: ModelRequest<'a>,
        _: &'a mut (dyn FnMut(ModelEvent) + Send),
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<ModelReply, LlmError>> {
        let has_looked = request.messages.iter().any(|message| matches!(message, Message::Tool { .. }));
        let (name, arguments) = if has_looked {
            ("final_answer", r#"{"answer": "Seven traces."}"#)
        } else {
            ("count", r#"{"of": "traces"}"#)
        };
        let call = ToolCall { id: name.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
        let reply = ModelReply {
            content: String::new(),
            tool_calls: vec![call],
            provider_items: vec![],
            stop: StopReason::ToolCalls,
            finish_reason: None,
            refusal: None,
            usage: Usage { requests: 1, ..Usage::default() },
            bytes_sent: 0,
            attempts: 1,
        };
        async { Ok(reply) }.boxed()
    }
}

#[derive(Deserialize, JsonSchema)]
struct CountArgs {
    /// What to count.
    of: String,
}

/// A tool of one's own.
struct Count;

impl Tool for Count {
    type Args = CountArgs;

    fn name(&self) -> &'static str {
        "count"
    }

    fn description(&self) -> &str {
        include_str!("own_model.md")
    }

    async fn call(&self, args: CountArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        Ok(ToolOutput::text(format!("7 {}", args.of)))
    }
}

/// A gate that lets nothing through.
struct Closed;

impl FindingGate for Closed {
    fn check(&self, _: FindingDraft) -> BoxFuture<'_, Result<Finding, GateError>> {
        async { Err(GateError::new("there is nothing to check a finding against")) }.boxed()
    }
}

fn main() -> std::io::Result<()> {
    let mut tools = ToolRegistry::new();
    tools.add(Count);
    let services = RunServices {
        models: Models::all(PricedModel { model: Arc::new(Looks), price: None }),
        tools,
        asking_tools: None,
        tables: None,
        gate: Arc::new(Closed),
        code: None,
        sink: EventSink::without_log(),
        cancel: CancellationToken::new(),
    };
    let mut run = blocking::stream_items(AgentOptions::new("How many traces?", "some traces"), services)?;
    for event in run.by_ref() {
        println!("{:>2} {:?}", event.sequence, event.item);
    }
    println!("{}", run.result()?.answer);
    Ok(())
}
