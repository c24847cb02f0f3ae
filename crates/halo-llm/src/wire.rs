//! The wire forms: a request to the body of each, and what comes back, event by event, to one reply.
//!
//! A form is a module with a function for the body and an [`Assemble`] for the reply. What carries bodies and events, and
//! tries again, is the same for all.

mod anthropic;
mod chat;
mod responses;

use halo_protocol::{ToolCall, Usage};
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::{ModelApi, ModelOptions, ModelRequest, StopReason};

/// A reply that is still coming in.
pub(crate) trait Assemble: Send {
    /// Adds an event of a stream, or a whole reply in one document. Gives the text it adds.
    fn add(&mut self, event: &Value) -> Result<String, Failure>;

    /// How far the reply is.
    fn progress(&self) -> Progress;

    /// The `[DONE]` with which some endpoints end a stream. Where it is no part of the form it means nothing.
    fn add_done(&mut self) {}

    /// The reply, whole or not. Calls without an id get one from `turn`, which has to differ from reply to reply.
    fn finish(self: Box<Self>, turn: usize) -> Assembled;
}

/// How far a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing of it has come in.
    Nothing,
    /// Something is missing.
    Begun,
    /// The model has said why it stopped; at most usage is missing.
    Stopped,
    /// Nothing follows.
    Ended,
}

/// A reply as its form has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assembled {
    pub(crate) content: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) provider_items: Vec<Value>,
    pub(crate) stop: StopReason,
    pub(crate) finish_reason: Option<String>,
    pub(crate) refusal: Option<String>,
    pub(crate) usage: Usage,
}

/// Builds the body of a request. The same conversation gives the same bytes, so that providers' prompt caches hit.
pub(crate) fn build_body(
    options: &ModelOptions,
    request: &ModelRequest<'_>,
    dialect: &Dialect,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = match dialect.api {
        ModelApi::ChatCompletions => chat::body(options, request, dialect),
        ModelApi::Responses => responses::body(options, request, dialect),
        ModelApi::AnthropicMessages => anthropic::body(options, request, dialect),
    };
    body.extend(options.extra_body.clone());
    serde_json::to_vec(&body)
}

/// An empty reply in the form of an API.
pub(crate) fn assembly(api: ModelApi) -> Box<dyn Assemble> {
    match api {
        ModelApi::ChatCompletions => Box::new(chat::Assembly::default()),
        ModelApi::Responses => Box::new(responses::Assembly::default()),
        ModelApi::AnthropicMessages => Box::new(anthropic::Assembly::default()),
    }
}

/// A body in the making: fields without a value are left out.
#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }
}

/// The cache key, where it is known not to be refused.
fn cache_key<'a>(options: &ModelOptions, request: &ModelRequest<'a>) -> Option<&'a str> {
    let url = reqwest::Url::parse(options.base_url.trim()).ok()?;
    request.cache_key.filter(|_| url.host_str() == Some("api.openai.com"))
}

/// A model's arguments as an object. Endpoints that parse the arguments of earlier calls answer 400 or 500 for ever once
/// a model has written broken JSON. What is no JSON object is therefore wrapped into one, where the model can still read it.
fn arguments_object(call: &ToolCall) -> Value {
    match serde_json::from_str(&call.arguments) {
        Ok(object @ Value::Object(_)) => object,
        _ if call.arguments.trim().is_empty() => json!({}),
        _ => json!({"arguments_as_written": call.arguments}),
    }
}

/// The same as text, as the model wrote it where it is an object.
fn arguments_text(call: &ToolCall) -> String {
    let is_object = matches!(serde_json::from_str(&call.arguments), Ok(Value::Object(_)));
    if is_object { call.arguments.clone() } else { arguments_object(call).to_string() }
}

/// A made-up name such as `functions.sql` comes back to the model as a wrong name, not to the user as status 400:
/// endpoints check the names of earlier calls too.
fn wire_name(name: &str) -> String {
    let name: String = wire_id(name).chars().take(64).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// An id of only those characters that every endpoint accepts.
fn wire_id(id: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// Text that comes as a string or as a list of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// Arguments in a piece of a reply: text, or an object where an endpoint sends one against the specification.
fn arguments_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The first number that stands at one of the paths, else 0.
fn number_at(object: &Value, paths: &[&str]) -> u64 {
    paths.iter().find_map(|path| object.pointer(path).and_then(Value::as_u64)).unwrap_or(0)
}

/// A call as it came in. Without an id it gets one that no other call of the conversation has, as long as `turn` differs.
fn tool_call(id: String, name: String, arguments: String, turn: usize, position: usize) -> ToolCall {
    ToolCall { id: if id.is_empty() { format!("call_{turn}_{position}") } else { id }, name, arguments }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_calls_are_what_endpoints_accept() {
        assert_eq!(wire_name("view_trace-2"), "view_trace-2");
        assert_eq!(wire_name("functions.sql ü"), "functions_sql__");
        assert_eq!(wire_name(""), "unnamed");
        assert_eq!(wire_name(&"x".repeat(100)).len(), 64);
    }

    #[test]
    fn arguments_are_always_an_object() {
        let check = |arguments: &str, text: &str| {
            let call = ToolCall { id: "1".into(), name: "sql".into(), arguments: arguments.into() };
            assert_eq!(arguments_text(&call), text);
            assert_eq!(arguments_object(&call), serde_json::from_str::<Value>(text).unwrap());
        };
        check("{\"b\": 1,  \"a\": 2}", "{\"b\": 1,  \"a\": 2}");
        check(" ", "{}");
        check("[1]", "{\"arguments_as_written\":\"[1]\"}");
        check("{\"q\": \"SEL", "{\"arguments_as_written\":\"{\\\"q\\\": \\\"SEL\"}");
    }
}
