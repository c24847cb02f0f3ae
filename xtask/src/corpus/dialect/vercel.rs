//! Vercel AI SDK: `ai.*`, with generateText around doGenerate.

use serde_json::{Value, json};

use super::{Attributes, Named};
use crate::corpus::span::{Kind, Message, Span, price};
use crate::corpus::tools;
use crate::corpus::world::Meta;

fn message(message: &Message) -> Value {
    if message.role == "system" || message.role == "user" {
        return json!({"role": message.role, "content": message.text});
    }
    if message.role == "tool" {
        return json!({"role": "tool", "content": [{"type": "tool-result", "toolCallId": message.call_id, "output": {"type": "text", "value": message.text}}]});
    }
    let mut content = Vec::new();
    if !message.text.is_empty() {
        content.push(json!({"type": "text", "text": message.text}));
    }
    for call in &message.calls {
        let input: Value = serde_json::from_str(&call.args).unwrap_or_default();
        content.push(json!({"type": "tool-call", "toolCallId": call.id, "toolName": call.name, "input": input}));
    }
    json!({"role": "assistant", "content": content})
}

fn offered(meta: &Meta) -> Vec<Value> {
    let tools = meta.service.tools.iter();
    tools
        .map(|tool| json!(json!({"type": "function", "name": tool.name, "description": tool.about, "inputSchema": tools::schema(tool)}).to_string()))
        .collect()
}

/// Names one span.
pub(super) fn name(span: &Span, meta: &Meta, attributes: &mut Attributes) -> Named {
    let operation = match span.kind {
        Kind::Agent => "ai.generateText",
        Kind::Llm => "ai.generateText.doGenerate",
        Kind::Tool => "ai.toolCall",
        _ => "",
    };
    attributes.text("ai.operationId", operation);
    if !operation.is_empty() {
        attributes.set("operation.name", format!("{operation} {}", span.agent));
    }
    attributes.set("ai.telemetry.functionId", span.agent);
    attributes.set("ai.telemetry.metadata.sessionId", meta.session.clone());
    attributes.set("ai.telemetry.metadata.userId", meta.user.clone());
    attributes.set("ai.telemetry.metadata.tenant", meta.tenant);
    match span.kind {
        Kind::Agent => {
            attributes.set("ai.prompt", json!({"prompt": span.input}).to_string());
            attributes.set("ai.response.text", span.output.clone());
            attributes.set("ai.model.id", meta.model);
            attributes.set("ai.model.provider", price(meta.model).0);
        }
        Kind::Tool => {
            attributes.set("ai.toolCall.name", span.name.clone());
            attributes.set("ai.toolCall.id", span.call_id.clone());
            attributes.set("ai.toolCall.args", span.input.clone());
            attributes.set("ai.toolCall.result", span.output.clone());
        }
        Kind::Llm => {}
        _ => {
            attributes.text("input", &span.input);
            attributes.text("output", &span.output);
        }
    }
    if let Some(call) = &span.model {
        attributes.set("ai.model.id", call.model);
        attributes.set("ai.model.provider", format!("{}.chat", price(call.model).0));
        attributes.set("gen_ai.request.model", call.model);
        attributes.set("gen_ai.system", price(call.model).0);
        let messages: Vec<Value> = call.history.iter().map(|sent| message(sent)).collect();
        attributes.set("ai.prompt.messages", Value::Array(messages).to_string());
        if call.offers_tools {
            attributes.set("ai.prompt.tools", Value::Array(offered(meta)));
        }
        if span.error.is_none() {
            attributes
                .set("ai.response.finishReason", if call.finish == "tool_calls" { "tool-calls" } else { call.finish });
            attributes.set("ai.response.model", call.model);
            attributes.text("ai.response.text", &call.answer.text);
            if !call.answer.calls.is_empty() {
                let calls: Vec<Value> = call
                    .answer
                    .calls
                    .iter()
                    .map(|call| json!({"toolCallId": call.id, "toolName": call.name, "input": serde_json::from_str::<Value>(&call.args).unwrap_or_default()}))
                    .collect();
                attributes.set("ai.response.toolCalls", Value::Array(calls).to_string());
            }
        }
        if let Some((prompt, answer, cached)) = call.tokens {
            attributes.set("ai.usage.inputTokens", prompt);
            attributes.set("ai.usage.outputTokens", answer);
            attributes.set("ai.usage.totalTokens", prompt + answer);
            attributes.set("ai.usage.cachedInputTokens", cached);
            attributes.set("gen_ai.usage.input_tokens", prompt);
            attributes.set("gen_ai.usage.output_tokens", answer);
        }
    }
    let name = if operation.is_empty() { span.name.clone() } else { operation.to_owned() };
    Named { name, kind: "INTERNAL" }
}
