//! Gives spans the attribute names of a convention and writes them as flat JSON lines.

mod gen_ai;
mod open_inference;
mod pydantic;
mod traceloop;
mod vercel;

use serde_json::{Map, Value, json};

use super::clock::stamp;
use super::span::{Kind, Message, ModelCall, Span, price};
use super::tools;
use super::world::{Dialect, Meta};

/// Attributes in the making.
pub(crate) struct Attributes(Map<String, Value>);

impl Attributes {
    /// Sets one attribute.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(key.into(), value.into());
    }

    /// Sets one attribute if there is a text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.set(key, value);
        }
    }
}

/// What a convention says of one span: name, OTLP kind, attributes.
pub(crate) struct Named {
    /// Span name.
    pub(crate) name: String,
    /// `SPAN_KIND_…` without the prefix.
    pub(crate) kind: &'static str,
}

/// The definitions of the offered tools, in the shape of OpenAI's API.
pub(crate) fn offered(meta: &Meta) -> Vec<Value> {
    meta.service
        .tools
        .iter()
        .map(|tool| json!({"type": "function", "function": {"name": tool.name, "description": tool.about, "parameters": tools::schema(tool)}}))
        .collect()
}

/// A message with parts, as OTel GenAI writes it.
pub(crate) fn parts(message: &Message) -> Value {
    let mut parts = Vec::new();
    if message.role == "tool" {
        parts.push(json!({"type": "tool_call_response", "id": message.call_id, "response": message.text}));
    } else if !message.text.is_empty() || message.calls.is_empty() {
        parts.push(json!({"type": "text", "content": message.text}));
    }
    for call in &message.calls {
        let arguments = serde_json::from_str(&call.args).unwrap_or_else(|_| Value::from(call.args.clone()));
        parts.push(json!({"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}));
    }
    json!({"role": message.role, "parts": parts})
}

/// The cost of a model call in dollars, rounded to a millionth.
pub(crate) fn cost(call: &ModelCall) -> Option<Value> {
    let (prompt, answer, cached) = call.tokens?;
    let (_, dear, dearer) = price(call.model);
    // Cents per million tokens; what is read from the cache costs a quarter.
    let hundred_millionths = (prompt - cached) * dear + cached * dear / 4 + answer * dearer;
    Some(json!(
        format!("{}.{:06}", hundred_millionths / 100_000_000, hundred_millionths / 100 % 1_000_000)
            .parse::<f64>()
            .ok()?
    ))
}

/// The names OTel GenAI has for an evaluator's result.
pub(crate) fn evaluation(span: &Span, attributes: &mut Attributes) {
    for (key, value) in &span.extra {
        match *key {
            "evaluation.score" => attributes.set("gen_ai.evaluation.score.value", value.clone()),
            "evaluation.label" => attributes.set("gen_ai.evaluation.score.label", value.clone()),
            "evaluation.name" => attributes.set("gen_ai.evaluation.name", value.clone()),
            _ => {}
        }
    }
}

/// One span as a line of JSON.
pub(crate) fn line(span: &Span, meta: &Meta) -> String {
    let mut attributes = Attributes(Map::new());
    let (named, scope) = match meta.service.dialect {
        Dialect::OpenInference => {
            (open_inference::name(span, meta, &mut attributes), "openinference.instrumentation.agents")
        }
        Dialect::GenAi => (gen_ai::name(span, meta, &mut attributes), "opentelemetry.instrumentation.genai"),
        Dialect::Vercel => (vercel::name(span, meta, &mut attributes), "ai"),
        Dialect::Traceloop => (traceloop::name(span, meta, &mut attributes), "opentelemetry.instrumentation.openai.v1"),
        Dialect::Pydantic => (pydantic::name(span, meta, &mut attributes), "pydantic-ai"),
    };
    for (key, value) in &span.extra {
        if matches!(meta.service.dialect, Dialect::GenAi | Dialect::Pydantic)
            && span.kind == Kind::Evaluator
            && key.starts_with("evaluation.")
        {
            continue;
        }
        attributes.set(*key, value.clone());
    }
    let status = match &span.error {
        Some(message) => json!({"code": "STATUS_CODE_ERROR", "message": message}),
        None if meta.service.dialect == Dialect::Pydantic || meta.service.dialect == Dialect::Traceloop => {
            json!({"code": "STATUS_CODE_OK", "message": ""})
        }
        None => json!({"code": "STATUS_CODE_UNSET", "message": ""}),
    };
    json!({
        "trace_id": meta.trace_id,
        "span_id": span.id,
        "parent_span_id": span.parent,
        "trace_state": "",
        "name": named.name,
        "kind": format!("SPAN_KIND_{}", named.kind),
        "start_time": stamp(span.start),
        "end_time": stamp(span.end),
        "status": status,
        "resource": {"attributes": {
            "service.name": meta.service.name,
            "service.version": meta.version,
            "deployment.environment.name": meta.env,
            "cloud.region": meta.region,
            "telemetry.sdk.language": if meta.service.dialect == Dialect::Vercel { "nodejs" } else { "python" },
        }},
        "scope": {"name": scope, "version": "0.4.1"},
        "attributes": attributes.0,
    })
    .to_string()
}
