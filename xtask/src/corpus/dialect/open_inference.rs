//! OpenInference: `llm.*`, flattened messages, `input.value` and `output.value`.

use serde_json::json;

use super::{Attributes, Named, cost, offered};
use crate::corpus::span::{Kind, Message, Span, price};
use crate::corpus::world::Meta;

fn message(attributes: &mut Attributes, prefix: &str, message: &Message) {
    attributes.set(format!("{prefix}.message.role"), message.role);
    if !message.text.is_empty() || message.calls.is_empty() {
        attributes.set(format!("{prefix}.message.content"), message.text.clone());
    }
    if message.role == "tool" {
        attributes.set(format!("{prefix}.message.tool_call_id"), message.call_id.clone());
    }
    for (at, call) in message.calls.iter().enumerate() {
        let prefix = format!("{prefix}.message.tool_calls.{at}.tool_call");
        attributes.set(format!("{prefix}.id"), call.id.clone());
        attributes.set(format!("{prefix}.function.name"), call.name.clone());
        attributes.set(format!("{prefix}.function.arguments"), call.args.clone());
    }
}

/// Names one span.
pub(super) fn name(span: &Span, meta: &Meta, attributes: &mut Attributes) -> Named {
    let kind = match span.kind {
        Kind::Agent => "AGENT",
        Kind::Llm => "LLM",
        Kind::Tool => "TOOL",
        Kind::Retriever => "RETRIEVER",
        Kind::Guardrail => "GUARDRAIL",
        Kind::Evaluator => "EVALUATOR",
        Kind::Chain => "CHAIN",
    };
    attributes.set("openinference.span.kind", kind);
    attributes.set("agent.name", span.agent);
    attributes.set("session.id", meta.session.clone());
    attributes.set("user.id", meta.user.clone());
    attributes.set("metadata", json!({"tenant": meta.tenant, "locale": meta.locale}).to_string());
    attributes.text("input.value", &span.input);
    if !span.output.is_empty() || matches!(span.kind, Kind::Tool | Kind::Agent) {
        attributes.set("output.value", span.output.clone());
    }
    if span.kind == Kind::Tool {
        attributes.set("tool.name", span.name.clone());
        attributes.set("tool_call.id", span.call_id.clone());
        attributes.set("input.mime_type", "application/json");
    }
    for (at, doc) in span.docs.iter().enumerate() {
        attributes.set(format!("retrieval.documents.{at}.document.content"), doc.clone());
    }
    if let Some(call) = &span.model {
        attributes.set("llm.model_name", call.model);
        attributes.set("llm.provider", price(call.model).0);
        attributes.set(
            "llm.invocation_parameters",
            json!({"model": call.model, "max_tokens": call.max_tokens, "temperature": 0}).to_string(),
        );
        for (at, sent) in call.history.iter().enumerate() {
            message(attributes, &format!("llm.input_messages.{at}"), sent);
        }
        if span.error.is_none() {
            message(attributes, "llm.output_messages.0", &call.answer);
            attributes.set("llm.finish_reason", call.finish);
        }
        if call.offers_tools {
            for (at, tool) in offered(meta).iter().enumerate() {
                attributes.set(format!("llm.tools.{at}.tool.json_schema"), tool.to_string());
            }
        }
        if let Some((prompt, answer, cached)) = call.tokens {
            attributes.set("llm.token_count.prompt", prompt);
            attributes.set("llm.token_count.completion", answer);
            attributes.set("llm.token_count.total", prompt + answer);
            attributes.set("llm.token_count.prompt_details.cache_read", cached);
        }
        if let Some(cost) = cost(call) {
            attributes.set("llm.cost.total", cost);
        }
    }
    let name = match span.kind {
        Kind::Llm => "ChatCompletion".to_owned(),
        Kind::Agent => format!("{}.run", span.name),
        _ => span.name.clone(),
    };
    Named { name, kind: if span.kind == Kind::Llm { "CLIENT" } else { "INTERNAL" } }
}
