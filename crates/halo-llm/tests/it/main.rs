//! The client against a scripted model over real HTTP.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests they serve")]

mod failures;
mod forms;
mod replies;

use std::time::Duration;

use halo_llm::{
    LlmError, ModelApi, ModelClient, ModelEvent, ModelOptions, ModelReply, ModelRequest, OutputSchema, RetryPolicy,
    StopReason, Timeouts,
};
use halo_protocol::{Message, ToolSpec};
use halo_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Options with waits that no test feels.
fn options(base_url: String) -> ModelOptions {
    ModelOptions {
        api: ModelApi::ChatCompletions,
        base_url,
        api_key: Some("sk-secret-key".into()),
        headers: vec![("X-Team".into(), "hidden-team-token".into())],
        model: "scripted".into(),
        temperature: None,
        max_output_tokens: None,
        reasoning_effort: None,
        parallel_tool_calls: None,
        extra_body: serde_json::Map::new(),
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(20),
            idle: Duration::from_secs(20),
            total: Duration::from_secs(60),
        },
        retry: RetryPolicy {
            attempts_max: 4,
            wait_first: Duration::from_millis(1),
            wait_max: Duration::from_millis(2),
            retry_after_max: Duration::from_millis(3),
        },
    }
}

/// What came of one request.
struct Asked {
    result: Result<ModelReply, LlmError>,
    events: Vec<ModelEvent>,
}

impl Asked {
    /// Errors of the attempts that failed.
    fn retries(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                ModelEvent::Retry { error, .. } => Some(error.as_str()),
                _ => None,
            })
            .collect()
    }

    /// What the client has learned.
    fn notes(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                ModelEvent::Adapted { note } => Some(note.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Pieces of text as they came.
    fn deltas(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                ModelEvent::TextDelta { text } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}

async fn ask_with(options: ModelOptions) -> Asked {
    let client = ModelClient::new(options).unwrap();
    ask(&client).await
}

async fn ask(client: &ModelClient) -> Asked {
    ask_about(client, &conversation()).await
}

fn conversation() -> Vec<Message> {
    vec![Message::System { content: "be brief".into() }, Message::User { content: "hello".into() }]
}

async fn ask_about(client: &ModelClient, messages: &[Message]) -> Asked {
    let tools = [ToolSpec {
        name: "sql".into(),
        description: "Runs a query.".into(),
        parameters: json!({"type": "object", "properties": {}}),
    }];
    let mut events = Vec::new();
    let request = ModelRequest { messages, tools: &tools, cache_key: None, output_schema: None };
    let result = client.stream(request, |event| events.push(event), &CancellationToken::new()).await;
    Asked { result, events }
}

/// Plays one script to the end.
async fn play(script: impl IntoIterator<Item = Reply>) -> (Asked, ScriptedModel) {
    let model = ScriptedModel::start(script).unwrap();
    let asked = ask_with(options(model.base_url())).await;
    assert_eq!(model.replies_left(), 0, "the script was not played to its end");
    (asked, model)
}
