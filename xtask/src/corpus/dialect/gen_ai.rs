//! OTel GenAI with its new names; messages as JSON texts.

use serde_json::{Value, json};

use super::{Attributes, Named, offered, parts};
use crate::corpus::span::{Kind, Span, price};
use crate::corpus::world::Meta;

fn operation(kind: Kind) -> &'static str {
    match kind {
        Kind::Agent => "invoke_agent",
        Kind::Llm => "chat",
        Kind::Tool => "execute_tool",
        Kind::Retriever => "retrieval",
        Kind::Guardrail => "guardrail",
        Kind::Evaluator => "evaluate",
        Kind::Chain => "invoke_workflow",
    }
}

/// Names one span.
pub(super) fn name(span: &Span, meta: &Meta, attributes: &mut Attributes) -> Named {
    let operation = operation(span.kind);
    attributes.set("gen_ai.operation.name", operation);
    attributes.set("gen_ai.agent.name", span.agent);
    attributes.set("gen_ai.conversation.id", meta.session.clone());
    attributes.set("user.id", meta.user.clone());
    attributes.set("tenant.id", meta.tenant);
    if matches!(span.kind, Kind::Agent | Kind::Llm) {
        attributes.set("user.locale", meta.locale);
    }
    match span.kind {
        Kind::Tool => {
            attributes.set("gen_ai.tool.name", span.name.clone());
            attributes.set("gen_ai.tool.type", "function");
            attributes.set("gen_ai.tool.call.id", span.call_id.clone());
            attributes.set("gen_ai.tool.call.arguments", span.input.clone());
            attributes.set("gen_ai.tool.call.result", span.output.clone());
        }
        Kind::Agent => {
            let input = json!([{"role": "user", "parts": [{"type": "text", "content": span.input}]}]);
            attributes.set("gen_ai.input.messages", input.to_string());
            let output = json!([{"role": "assistant", "parts": [{"type": "text", "content": span.output}]}]);
            attributes.set("gen_ai.output.messages", output.to_string());
        }
        Kind::Evaluator => super::evaluation(span, attributes),
        Kind::Llm => {}
        _ => {
            attributes.text("input", &span.input);
            attributes.text("output", &span.output);
        }
    }
    if let Some(call) = &span.model {
        attributes.set("gen_ai.request.model", call.model);
        attributes.set("gen_ai.provider.name", price(call.model).0);
        attributes.set("gen_ai.request.max_tokens", call.max_tokens);
        if let Some(system) = call.history.first() {
            attributes.set("gen_ai.system_instructions", json!([{"type": "text", "content": system.text}]).to_string());
        }
        let input: Vec<Value> = call.history.iter().skip(1).map(|message| parts(message)).collect();
        attributes.set("gen_ai.input.messages", Value::Array(input).to_string());
        if span.error.is_none() {
            let mut answer = parts(&call.answer);
            answer["finish_reason"] = json!(call.finish);
            attributes.set("gen_ai.output.messages", json!([answer]).to_string());
            attributes.set("gen_ai.response.model", call.model);
            attributes.set("gen_ai.response.finish_reasons", json!([call.finish]));
        }
        if call.offers_tools {
            attributes.set("gen_ai.tool.definitions", Value::Array(offered(meta)).to_string());
        }
        if let Some((prompt, answer, cached)) = call.tokens {
            attributes.set("gen_ai.usage.input_tokens", prompt);
            attributes.set("gen_ai.usage.output_tokens", answer);
            attributes.set("gen_ai.usage.cache_read.input_tokens", cached);
        }
    }
    let name = match span.kind {
        Kind::Chain | Kind::Guardrail => span.name.clone(),
        _ => format!("{operation} {}", span.name),
    };
    Named { name, kind: if span.kind == Kind::Llm { "CLIENT" } else { "INTERNAL" } }
}
