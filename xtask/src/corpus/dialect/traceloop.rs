//! OpenLLMetry / Traceloop: `traceloop.*` and indexed `gen_ai.prompt.N.*`.

use serde_json::json;

use super::{Attributes, Named};
use crate::corpus::span::{Kind, Message, Span, price};
use crate::corpus::tools;
use crate::corpus::world::Meta;

fn message(attributes: &mut Attributes, prefix: &str, message: &Message) {
    attributes.set(format!("{prefix}.role"), message.role);
    if !message.text.is_empty() || message.calls.is_empty() {
        attributes.set(format!("{prefix}.content"), message.text.clone());
    }
    if message.role == "tool" {
        attributes.set(format!("{prefix}.tool_call_id"), message.call_id.clone());
    }
    for (at, call) in message.calls.iter().enumerate() {
        attributes.set(format!("{prefix}.tool_calls.{at}.id"), call.id.clone());
        attributes.set(format!("{prefix}.tool_calls.{at}.name"), call.name.clone());
        attributes.set(format!("{prefix}.tool_calls.{at}.arguments"), call.args.clone());
    }
}

/// Names one span.
pub(super) fn name(span: &Span, meta: &Meta, attributes: &mut Attributes) -> Named {
    let kind = match span.kind {
        Kind::Agent if span.parent.is_empty() => "workflow",
        Kind::Agent => "agent",
        Kind::Tool => "tool",
        Kind::Llm => "",
        _ => "task",
    };
    attributes.text("traceloop.span.kind", kind);
    attributes.set("traceloop.workflow.name", meta.service.agent);
    attributes.set("traceloop.association.properties.session_id", meta.session.clone());
    attributes.set("traceloop.association.properties.user_id", meta.user.clone());
    attributes.set("traceloop.association.properties.tenant", meta.tenant);
    attributes.set("traceloop.association.properties.locale", meta.locale);
    if span.model.is_none() {
        attributes.set("traceloop.entity.name", span.name.clone());
        let input = if span.kind == Kind::Tool {
            json!({"args": [], "kwargs": serde_json::from_str::<serde_json::Value>(&span.input).unwrap_or_default()})
        } else {
            json!({"inputs": {"input": span.input}})
        };
        attributes.set("traceloop.entity.input", input.to_string());
        let output = if span.kind == Kind::Retriever {
            json!({"documents": span.docs}).to_string()
        } else {
            span.output.clone()
        };
        attributes.set("traceloop.entity.output", output);
        if span.kind == Kind::Tool {
            attributes.set("gen_ai.tool.call.id", span.call_id.clone());
        }
    } else {
        attributes.set("traceloop.entity.path", span.agent);
    }
    if let Some(call) = &span.model {
        attributes.set("llm.request.type", "chat");
        attributes.set("gen_ai.system", price(call.model).0);
        attributes.set("gen_ai.request.model", call.model);
        attributes.set("gen_ai.request.max_tokens", call.max_tokens);
        for (at, sent) in call.history.iter().enumerate() {
            message(attributes, &format!("gen_ai.prompt.{at}"), sent);
        }
        if span.error.is_none() {
            message(attributes, "gen_ai.completion.0", &call.answer);
            attributes.set("gen_ai.completion.0.finish_reason", call.finish);
            attributes.set("gen_ai.response.model", call.model);
        }
        if call.offers_tools {
            for (at, tool) in meta.service.tools.iter().enumerate() {
                attributes.set(format!("llm.request.functions.{at}.name"), tool.name);
                attributes.set(format!("llm.request.functions.{at}.description"), tool.about);
                attributes.set(format!("llm.request.functions.{at}.parameters"), tools::schema(tool).to_string());
            }
        }
        if let Some((prompt, answer, cached)) = call.tokens {
            attributes.set("gen_ai.usage.prompt_tokens", prompt);
            attributes.set("gen_ai.usage.completion_tokens", answer);
            attributes.set("llm.usage.total_tokens", prompt + answer);
            attributes.set("gen_ai.usage.cache_read_input_tokens", cached);
        }
    }
    let name = match span.kind {
        Kind::Llm => format!("{}.chat", price(meta.model).0),
        _ => format!("{}.{kind}", span.name),
    };
    Named { name, kind: if span.kind == Kind::Llm { "CLIENT" } else { "INTERNAL" } }
}
