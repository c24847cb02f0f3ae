//! What the unit tests of several modules need: options, and a conversation with everything in it.

use halo_protocol::{Message, ToolCall, ToolSpec};
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::wire::build_body;
use crate::{ModelApi, ModelOptions, ModelRequest, OutputSchema, RetryPolicy, Timeouts};

/// Options in which everything is set.
pub(crate) fn options(api: ModelApi, model: &str) -> ModelOptions {
    ModelOptions {
        api,
        base_url: "https://api.openai.com/v1".into(),
        api_key: None,
        headers: vec![],
        model: model.into(),
        temperature: Some(0.5),
        max_output_tokens: Some(9000),
        reasoning_effort: Some("low".into()),
        parallel_tool_calls: Some(false),
        extra_body: Map::new(),
        timeouts: Timeouts::standard(),
        retry: RetryPolicy::standard(),
    }
}

/// Instructions, a question, calls with good, broken and no arguments, their results, a remark, and an answer.
pub(crate) fn conversation(provider_items: Vec<Value>) -> Vec<Message> {
    let call = |id: &str, arguments: &str| ToolCall { id: id.into(), name: "sql".into(), arguments: arguments.into() };
    let result = |id: &str, content: &str| Message::Tool { tool_call_id: id.into(), content: content.into() };
    vec![
        Message::System { content: "s".into() },
        Message::User { content: "u".into() },
        Message::Assistant {
            content: String::new(),
            tool_calls: vec![call("1", "{\"a\": 1}"), call("2", "{broken"), call("3", "")],
            provider_items,
        },
        result("1", "r1"),
        result("2", ""),
        result("3", "r3"),
        Message::User { content: "few turns left".into() },
        Message::Assistant { content: "t".into(), tool_calls: vec![], provider_items: vec![] },
        Message::User { content: "go on".into() },
    ]
}

/// Two tools.
pub(crate) fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str| ToolSpec {
        name: name.into(),
        description: format!("d of {name}"),
        parameters: json!({"type": "object"}),
    };
    vec![tool("sql"), tool("view")]
}

/// A schema for a reply.
pub(crate) fn schema() -> OutputSchema {
    OutputSchema { name: "verdict".into(), schema: json!({"type": "object", "properties": {}}) }
}

/// The body that a model with these options is first asked with.
pub(crate) fn body(options: &ModelOptions, messages: &[Message], with_all: bool) -> Value {
    let (tools, schema) = (tools(), schema());
    let request = ModelRequest {
        messages,
        tools: if with_all { &tools } else { &[] },
        cache_key: with_all.then_some("key"),
        output_schema: with_all.then_some(&schema),
    };
    let bytes = build_body(options, &request, &Dialect::of(options).0).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
