//! pydantic-ai with Logfire: `gen_ai.*`, tool arguments and responses, `all_messages_events` on the run.

use serde_json::{Value, json};

use super::{Attributes, Named, offered, parts};
use crate::corpus::span::{Kind, Span, price};
use crate::corpus::world::Meta;

/// Names one span.
pub(super) fn name(span: &Span, meta: &Meta, attributes: &mut Attributes) -> Named {
    attributes.set("gen_ai.agent.name", span.agent);
    attributes.set("agent_name", span.agent);
    attributes.set("gen_ai.conversation.id", meta.session.clone());
    attributes.set("user.id", meta.user.clone());
    attributes.set("tenant_id", meta.tenant);
    attributes.set("logfire.span_type", "span");
    let name = match span.kind {
        Kind::Agent => {
            attributes.set("gen_ai.operation.name", "invoke_agent");
            attributes.set("model_name", meta.model);
            attributes.set("final_result", span.output.clone());
            attributes.set("prompt", span.input.clone());
            "agent run".to_owned()
        }
        Kind::Tool => {
            attributes.set("gen_ai.tool.name", span.name.clone());
            attributes.set("gen_ai.tool.call.id", span.call_id.clone());
            attributes.set("tool_arguments", span.input.clone());
            attributes.set("tool_response", span.output.clone());
            "running tool".to_owned()
        }
        Kind::Llm => format!("chat {}", span.name),
        Kind::Evaluator => {
            super::evaluation(span, attributes);
            span.name.clone()
        }
        _ => {
            attributes.text("input", &span.input);
            attributes.text("output", &span.output);
            span.name.clone()
        }
    };
    attributes.set(
        "logfire.msg",
        if span.kind == Kind::Tool { format!("running tool: {}", span.name) } else { name.clone() },
    );
    if let Some(call) = &span.model {
        attributes.set("gen_ai.operation.name", "chat");
        attributes.set("gen_ai.system", price(call.model).0);
        attributes.set("gen_ai.request.model", call.model);
        let input: Vec<Value> = call.history.iter().map(|message| parts(message)).collect();
        attributes.set("gen_ai.input.messages", Value::Array(input).to_string());
        if call.offers_tools {
            let tools: Vec<Value> = offered(meta).into_iter().map(|tool| tool["function"].clone()).collect();
            attributes.set(
                "model_request_parameters",
                json!({"function_tools": tools, "allow_text_output": true}).to_string(),
            );
        }
        if span.error.is_none() {
            let mut answer = parts(&call.answer);
            answer["finish_reason"] = json!(call.finish);
            attributes.set("gen_ai.output.messages", json!([answer]).to_string());
            attributes.set("gen_ai.response.model", call.model);
            attributes.set("gen_ai.response.finish_reasons", json!([call.finish]));
        }
        if let Some((prompt, answer, cached)) = call.tokens {
            attributes.set("gen_ai.usage.input_tokens", prompt);
            attributes.set("gen_ai.usage.output_tokens", answer);
            attributes.set("gen_ai.usage.details.cache_read_tokens", cached);
        }
        if let Some(cost) = super::cost(call) {
            attributes.set("operation.cost", cost);
        }
    }
    Named { name, kind: if span.kind == Kind::Llm { "CLIENT" } else { "INTERNAL" } }
}
