//! A conversation and its tools to the body of a chat-completions request.

use halo_protocol::{Message, ToolCall, ToolSpec};
use serde::Serialize;
use serde_json::{Value, json};

use crate::ModelOptions;

/// What to ask a model.
#[derive(Debug, Clone, Copy)]
pub struct ModelRequest<'a> {
    /// The conversation so far.
    pub messages: &'a [Message],
    /// Tools on offer; may be empty.
    pub tools: &'a [ToolSpec],
}

/// The spellings that endpoints differ in. Starts with OpenAI's and changes when an endpoint complains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Whether usage is asked for with `stream_options`.
    stream_options: bool,
    /// Whether the bound of a reply is `max_completion_tokens`, and not the older `max_tokens`.
    max_completion_tokens: bool,
}

impl Dialect {
    pub(crate) const OPENAI: Self = Self { stream_options: true, max_completion_tokens: true };

    /// The dialect to try next after a complaint, and what to tell about it. `None` when the complaint is about nothing
    /// that has a second spelling. Settings the user chose are never dropped: there the complaint is the answer.
    pub(crate) fn after_complaint(self, message: &str) -> Option<(Self, &'static str)> {
        if self.stream_options && (message.contains("stream_options") || message.contains("include_usage")) {
            let next = Self { stream_options: false, ..self };
            return Some((next, "the endpoint does not know stream_options; asking without usage"));
        }
        if self.max_completion_tokens && message.contains("max_completion_tokens") {
            let next = Self { max_completion_tokens: false, ..self };
            return Some((next, "the endpoint does not know max_completion_tokens; asking with max_tokens"));
        }
        None
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    /// `null` where an assistant only calls tools: several endpoints refuse an empty text there.
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

/// Builds the body. The same conversation gives the same bytes, so that providers' prompt caches hit.
pub(crate) fn build_body(
    options: &ModelOptions,
    request: &ModelRequest<'_>,
    dialect: Dialect,
) -> Result<Vec<u8>, serde_json::Error> {
    let (max_completion_tokens, max_tokens) = if dialect.max_completion_tokens {
        (options.max_output_tokens, None)
    } else {
        (None, options.max_output_tokens)
    };
    let has_tools = !request.tools.is_empty();
    serde_json::to_vec(&Body {
        model: &options.model,
        messages: request.messages.iter().map(wire_message).collect(),
        tools: request.tools.iter().map(|tool| json!({"type": "function", "function": tool})).collect(),
        // Endpoints refuse the flag when there are no tools.
        parallel_tool_calls: options.parallel_tool_calls.filter(|_| has_tools),
        stream: true,
        stream_options: dialect.stream_options.then(|| json!({"include_usage": true})),
        temperature: options.temperature,
        max_completion_tokens,
        max_tokens,
        reasoning_effort: options.reasoning_effort.as_deref(),
    })
}

fn wire_message(message: &Message) -> WireMessage<'_> {
    let plain =
        |role, content| WireMessage { role, content: Some(content), tool_calls: Vec::new(), tool_call_id: None };
    match message {
        Message::System { content } => plain("system", content),
        Message::User { content } => plain("user", content),
        Message::Assistant { content, tool_calls } => WireMessage {
            role: "assistant",
            content: (!content.is_empty() || tool_calls.is_empty()).then_some(content.as_str()),
            tool_calls: tool_calls.iter().map(wire_call).collect(),
            tool_call_id: None,
        },
        Message::Tool { tool_call_id, content } => {
            WireMessage { tool_call_id: Some(tool_call_id), ..plain("tool", content) }
        }
    }
}

/// Endpoints that parse the arguments of earlier calls answer 400 or 500 for ever once a model has written broken JSON. What
/// is no JSON object is therefore wrapped into one, where the model can still read it.
fn wire_call(call: &ToolCall) -> Value {
    let parsed: Option<Value> = serde_json::from_str(&call.arguments).ok();
    let arguments = match parsed {
        Some(Value::Object(_)) => call.arguments.clone(),
        _ if call.arguments.trim().is_empty() => "{}".to_owned(),
        _ => json!({"arguments_as_written": call.arguments}).to_string(),
    };
    json!({"id": call.id, "type": "function", "function": {"name": wire_name(&call.name), "arguments": arguments}})
}

/// A made-up name such as `functions.sql` comes back to the model as a wrong name, not to the user as status 400: endpoints
/// check the names of earlier calls too.
fn wire_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String = name.chars().take(64).map(|c| if allowed(c) { c } else { '_' }).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RetryPolicy, Timeouts};

    fn options() -> ModelOptions {
        ModelOptions {
            base_url: String::new(),
            api_key: None,
            headers: vec![],
            model: "m".into(),
            temperature: Some(0.5),
            max_output_tokens: Some(900),
            reasoning_effort: Some("low".into()),
            parallel_tool_calls: Some(true),
            timeouts: Timeouts::standard(),
            retry: RetryPolicy::standard(),
        }
    }

    fn body(messages: &[Message], tools: &[ToolSpec], dialect: Dialect) -> Value {
        let request = ModelRequest { messages, tools };
        serde_json::from_slice(&build_body(&options(), &request, dialect).unwrap()).unwrap()
    }

    #[test]
    fn writes_every_kind_of_message() {
        let call =
            |id: &str, arguments: &str| ToolCall { id: id.into(), name: "sql".into(), arguments: arguments.into() };
        let messages = [
            Message::System { content: "s".into() },
            Message::User { content: "u".into() },
            Message::Assistant {
                content: String::new(),
                tool_calls: vec![call("1", "{\"a\": 1}"), call("2", "{broken"), call("3", "")],
            },
            Message::Tool { tool_call_id: "1".into(), content: "r".into() },
            Message::Assistant { content: "t".into(), tool_calls: vec![] },
        ];
        let wire = |id: &str, arguments: &str| {
            json!({"id": id, "type": "function",
                                                      "function": {"name": "sql", "arguments": arguments}})
        };
        assert_eq!(
            body(&messages, &[], Dialect::OPENAI),
            json!({
                "model": "m",
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": "u"},
                    {"role": "assistant", "content": null, "tool_calls": [
                        wire("1", "{\"a\": 1}"),
                        wire("2", "{\"arguments_as_written\":\"{broken\"}"),
                        wire("3", "{}"),
                    ]},
                    {"role": "tool", "content": "r", "tool_call_id": "1"},
                    {"role": "assistant", "content": "t"},
                ],
                "stream": true,
                "stream_options": {"include_usage": true},
                "temperature": 0.5,
                "max_completion_tokens": 900,
                "reasoning_effort": "low",
            })
        );
    }

    #[test]
    fn names_of_calls_are_what_endpoints_accept() {
        assert_eq!(wire_name("view_trace-2"), "view_trace-2");
        assert_eq!(wire_name("functions.sql ü"), "functions_sql__");
        assert_eq!(wire_name(""), "unnamed");
        assert_eq!(wire_name(&"x".repeat(100)).len(), 64);
    }

    #[test]
    fn follows_the_endpoint_where_it_complains() {
        let tool = ToolSpec { name: "sql".into(), description: "d".into(), parameters: json!({"type": "object"}) };
        let (second, _) = Dialect::OPENAI.after_complaint("Unknown field: stream_options").unwrap();
        let (third, _) = second.after_complaint("unsupported parameter max_completion_tokens").unwrap();
        assert_eq!(third.after_complaint("stream_options, again"), None);
        assert_eq!(Dialect::OPENAI.after_complaint("temperature must be 1 with this model"), None);
        let body = body(&[], &[tool], third);
        assert_eq!(
            body["tools"],
            json!([{"type": "function", "function": {"name": "sql", "description": "d",
                                                     "parameters": {"type": "object"}}}])
        );
        assert_eq!(
            (
                &body["stream_options"],
                &body["max_completion_tokens"],
                &body["max_tokens"],
                &body["parallel_tool_calls"]
            ),
            (&Value::Null, &Value::Null, &json!(900), &json!(true))
        );
    }
}
