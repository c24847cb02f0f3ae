//! The forms of OpenAI's Responses API and of Anthropic, end to end: what is sent where, what comes back, and how it fails.

use halo_protocol::{ToolCall, Usage};
use serde_json::Value;

use super::*;

fn options_of(api: ModelApi, base_url: String) -> ModelOptions {
    ModelOptions { api, ..options(base_url) }
}

/// A scripted reply in the form of an API.
fn form(api: ModelApi, reply: Reply) -> Reply {
    match api {
        ModelApi::ChatCompletions => reply,
        ModelApi::Responses => reply.as_responses(),
        ModelApi::AnthropicMessages => reply.as_anthropic(),
    }
}

const BOTH: [ModelApi; 2] = [ModelApi::Responses, ModelApi::AnthropicMessages];

fn usage(cached: u64, written: u64) -> Usage {
    Usage {
        requests: 1,
        input_tokens: 100,
        output_tokens: 10,
        cached_input_tokens: cached,
        cache_write_input_tokens: written,
        reasoning_tokens: 0,
    }
}

/// Two calls whose pieces alternate, after a thought; then the same conversation goes on.
async fn two_turns(api: ModelApi, streamed: bool) -> (ModelReply, Asked, ScriptedModel) {
    let calls = Reply::tool_calls([
        ("sql", json!({"query": "SELECT count(*) FROM traces"})),
        ("view_trace", json!({"trace_id": "abcdefghijklmn"})),
    ]);
    let first = form(api, calls.with_text("Let me count them.").with_reasoning("They want a number."));
    let first = if streamed { first } else { first.not_streamed() };
    let model = ScriptedModel::start([first, form(api, Reply::text("It is 3."))]).unwrap();
    let client = ModelClient::new(options_of(api, model.base_url())).unwrap();
    let mut messages = conversation();
    let asked = ask_about(&client, &messages).await;
    let pieces = if streamed { vec!["Let me count", " them."] } else { vec!["Let me count them."] };
    assert_eq!(asked.deltas(), pieces);
    let reply = asked.result.unwrap();
    messages.push(Message::Assistant {
        content: reply.content.clone(),
        tool_calls: reply.tool_calls.clone(),
        provider_items: reply.provider_items.clone(),
    });
    for call in &reply.tool_calls {
        messages.push(Message::Tool { tool_call_id: call.id.clone(), content: format!("result of {}", call.name) });
    }
    let second = ask_about(&client, &messages).await;
    (reply, second, model)
}

fn expected_reply(provider_items: Vec<Value>, word: &str, bytes_sent: usize) -> ModelReply {
    let call = |id: &str, name: &str, arguments: Value| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.to_string(),
    };
    ModelReply {
        content: "Let me count them.".into(),
        tool_calls: vec![
            call("call_1_1", "sql", json!({"query": "SELECT count(*) FROM traces"})),
            call("call_1_2", "view_trace", json!({"trace_id": "abcdefghijklmn"})),
        ],
        provider_items,
        stop: StopReason::ToolCalls,
        finish_reason: Some(word.into()),
        refusal: None,
        usage: usage(0, 0),
        bytes_sent,
        attempts: 1,
    }
}

#[tokio::test]
async fn the_responses_api_end_to_end() {
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "They want a number."});
    let said = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                      "content": [{"type": "output_text", "text": "Let me count them.", "annotations": []}]});
    let call = |n: u64, name: &str, arguments: &str| {
        json!({"type": "function_call", "id": format!("fc_1_{}", n - 1), "status": "completed",
               "call_id": format!("call_1_{n}"), "name": name, "arguments": arguments})
    };
    let items = vec![
        reasoning,
        said,
        call(1, "sql", "{\"query\":\"SELECT count(*) FROM traces\"}"),
        call(2, "view_trace", "{\"trace_id\":\"abcdefghijklmn\"}"),
    ];
    for streamed in [true, false] {
        let (reply, second, model) = two_turns(ModelApi::Responses, streamed).await;
        let requests = model.requests();
        assert_eq!(reply, expected_reply(items.clone(), "completed", requests[0].body.len()));
        assert_eq!(requests[0].path, "/v1/responses");
        assert_eq!(requests[0].header("authorization"), Some("Bearer sk-secret-key"));
        assert_eq!(
            requests[0].json,
            json!({
                "model": "scripted",
                "instructions": "be brief",
                "input": [{"role": "user", "content": "hello"}],
                "tools": [{"type": "function", "name": "sql", "description": "Runs a query.",
                           "parameters": {"type": "object", "properties": {}}, "strict": false}],
                "stream": true,
                "store": false,
            })
        );
        let mut input = vec![json!({"role": "user", "content": "hello"})];
        input.extend(items.clone());
        let result = |n: u64, text: &str| json!({"type": "function_call_output", "call_id": format!("call_1_{n}"), "output": text});
        input.extend([result(1, "result of sql"), result(2, "result of view_trace")]);
        assert_eq!(requests[1].messages(), input);
        let second = second.result.unwrap();
        assert_eq!((second.content.as_str(), second.stop), ("It is 3.", StopReason::EndTurn));
    }
}

#[tokio::test]
async fn anthropics_api_end_to_end() {
    let thought = json!({"type": "thinking", "thinking": "They want a number.", "signature": "signature-1"});
    let said = json!({"type": "text", "text": "Let me count them."});
    let call = |n: u64| json!({"type": "tool_use", "id": format!("call_1_{n}")});
    let items = vec![thought.clone(), said.clone(), call(1), call(2)];
    let mark = json!({"type": "ephemeral"});
    for streamed in [true, false] {
        let (reply, second, model) = two_turns(ModelApi::AnthropicMessages, streamed).await;
        let requests = model.requests();
        assert_eq!(reply, expected_reply(items.clone(), "tool_use", requests[0].body.len()));
        assert_eq!(requests[0].path, "/v1/messages");
        assert_eq!(requests[0].header("x-api-key"), Some("sk-secret-key"));
        assert_eq!(requests[0].header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(requests[0].header("authorization"), None);
        assert_eq!(
            requests[0].json,
            json!({
                "model": "scripted",
                "max_tokens": 16_384,
                "stream": true,
                "system": [{"type": "text", "text": "be brief", "cache_control": mark}],
                "messages": [{"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": mark}]}],
                "tools": [{"name": "sql", "description": "Runs a query.", "cache_control": mark,
                           "input_schema": {"type": "object", "properties": {}}}],
            })
        );
        let use_of = |n: u64, name: &str, input: Value| json!({"type": "tool_use", "id": format!("call_1_{n}"), "name": name, "input": input});
        let expected = [
            json!({"role": "user", "content": [{"type": "text", "text": "hello"}]}),
            json!({"role": "assistant", "content": [
                thought, said,
                use_of(1, "sql", json!({"query": "SELECT count(*) FROM traces"})),
                use_of(2, "view_trace", json!({"trace_id": "abcdefghijklmn"})),
            ]}),
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1_1", "content": "result of sql"},
                {"type": "tool_result", "tool_use_id": "call_1_2", "content": "result of view_trace", "cache_control": mark},
            ]}),
        ];
        assert_eq!(requests[1].messages(), expected);
        let second = second.result.unwrap();
        assert_eq!((second.content.as_str(), second.stop), ("It is 3.", StopReason::EndTurn));
    }
}

/// Plays one script in a form to its end.
async fn play_form(api: ModelApi, script: impl IntoIterator<Item = Reply>) -> (Asked, ScriptedModel) {
    let model = ScriptedModel::start(script).unwrap();
    let asked = ask_with(options_of(api, model.base_url())).await;
    assert_eq!(model.replies_left(), 0, "the script was not played to its end");
    (asked, model)
}

/// One failing attempt, then a good one; the error told on the way holds these words.
async fn check_passes(api: ModelApi, failing: Reply, words: &str) {
    let (asked, _) = play_form(api, [failing, form(api, Reply::text("fine"))]).await;
    assert_eq!(asked.retries().len(), 1, "{api:?} {words}: {:?}", asked.events);
    assert!(asked.retries()[0].contains(words), "{api:?} {words}: {:?}", asked.retries());
    let reply = asked.result.unwrap();
    assert_eq!((reply.content.as_str(), reply.attempts, reply.usage), ("fine", 2, usage(0, 0)));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_in_every_form() {
    for api in BOTH {
        let text = || form(api, Reply::text("a text in several pieces"));
        // From nothing at all to all of the text, but not its end.
        for events in 0..=5 {
            check_passes(api, text().cut_after(events), "its answer broke off").await;
        }
        check_passes(api, text().without_finish_reason(), "before it was complete").await;
        check_passes(api, Reply::raw_stream(["data: [DONE]\n\n"]), "its answer was empty").await;
        check_passes(api, Reply::json(200, &json!({"hello": 1})), "no completion").await;
        check_passes(api, Reply::web_page(), "no completion").await;
        check_passes(api, Reply::rate_limited("0"), "status 429: Rate limit reached").await;
    }
    let (responses, anthropic) = (BOTH[0], BOTH[1]);
    let error = json!({"code": "server_error", "message": "oh"});
    check_passes(responses, Reply::text("half").as_responses().error_in_stream(error.clone()), "status 500: oh").await;
    check_passes(responses, Reply::text("half").as_responses().error_in_stream(error).not_streamed(), "500: oh").await;
    let bare =
        "event: error\ndata: {\"type\": \"error\", \"code\": \"rate_limit_exceeded\", \"message\": \"slow\"}\n\n";
    check_passes(responses, Reply::raw_stream([bare]), "status 429: slow").await;
    let overloaded = json!({"type": "overloaded_error", "message": "Overloaded"});
    let half = Reply::text("half").as_anthropic().error_in_stream(overloaded);
    check_passes(anthropic, half.clone(), "status 529: Overloaded").await;
    check_passes(anthropic, half.not_streamed(), "status 529: Overloaded").await;
    let refused = Reply::anthropic_error(529, "overloaded_error", "Overloaded");
    check_passes(anthropic, refused, "status 529: Overloaded").await;
}

/// Anthropic says why the model stopped, and what it cost, in the last event but one: all is there then.
#[tokio::test]
async fn a_message_that_is_whole_needs_no_orderly_end() {
    let whole_but_stop = Reply::text("a text in several pieces").as_anthropic().cut_after(7);
    let (asked, _) = play_form(ModelApi::AnthropicMessages, [whole_but_stop]).await;
    let reply = asked.result.unwrap();
    assert_eq!((reply.content.as_str(), reply.attempts, reply.usage), ("a text in several pieces", 1, usage(0, 0)));
}

#[tokio::test]
async fn what_would_repeat_is_told_in_every_form() {
    let check = async |api: ModelApi, reply: Reply, expected: fn(String) -> LlmError| {
        let (asked, model) = play_form(api, [reply]).await;
        let path = if api == ModelApi::Responses { "responses" } else { "messages" };
        assert_eq!(asked.result, Err(expected(format!("{}/{path}", model.base_url()))));
    };
    let (responses, anthropic) = (BOTH[0], BOTH[1]);
    let invalid = Reply::anthropic_error(401, "authentication_error", "invalid x-api-key");
    check(anthropic, invalid, |url| LlmError::Refused { url, status: 401, message: "invalid x-api-key".into() }).await;
    let long = Reply::anthropic_error(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum");
    check(anthropic, long, |url| LlmError::ContextLength {
        url,
        message: "prompt is too long: 9 tokens > 8 maximum".into(),
    })
    .await;
    let too_large = Reply::anthropic_error(413, "request_too_large", "Request exceeds the maximum size");
    check(anthropic, too_large, |url| LlmError::ContextLength {
        url,
        message: "Request exceeds the maximum size".into(),
    })
    .await;
    let long = json!({"code": "context_length_exceeded", "message": "Your input is long"});
    let long = Reply::text("half").as_responses().error_in_stream(long);
    check(responses, long, |url| LlmError::ContextLength { url, message: "Your input is long".into() }).await;
    check(responses, Reply::error(400, "no such tool"), |url| LlmError::Refused {
        url,
        status: 400,
        message: "no such tool".into(),
    })
    .await;
}

#[tokio::test]
async fn refusals_and_cut_replies_are_told_apart_in_every_form() {
    for api in BOTH {
        let (asked, _) = play_form(api, [form(api, Reply::refusal("I can't help with that."))]).await;
        let reply = asked.result.unwrap();
        assert_eq!((reply.stop, reply.refusal.as_deref()), (StopReason::Refusal, Some("I can't help with that.")));
        let word = if api == ModelApi::Responses { "max_output_tokens" } else { "max_tokens" };
        let (asked, _) = play_form(api, [form(api, Reply::text("cut")).finish_reason(word)]).await;
        let reply = asked.result.unwrap();
        assert_eq!((reply.stop, reply.finish_reason.as_deref()), (StopReason::Length, Some(word)));
        assert_eq!((reply.content.as_str(), reply.usage), ("cut", usage(0, 0)));
        let broken = form(api, Reply::raw_arguments("sql", "{\"query\": \"SEL"));
        let reply = play_form(api, [broken]).await.0.result.unwrap();
        assert_eq!(reply.tool_calls[0].arguments, "{\"query\": \"SEL");
    }
}

#[tokio::test]
async fn cached_tokens_are_a_part_of_all_in_every_form() {
    let of_responses = json!({"input_tokens": 100, "output_tokens": 10, "input_tokens_details": {"cached_tokens": 80}});
    let of_anthropic = json!({"input_tokens": 5, "output_tokens": 10, "cache_read_input_tokens": 80,
                              "cache_creation_input_tokens": 15});
    for (api, told, expected) in [(BOTH[0], of_responses, usage(80, 0)), (BOTH[1], of_anthropic, usage(80, 15))] {
        for streamed in [true, false] {
            let reply = form(api, Reply::text("fine")).usage(told.clone());
            let reply = if streamed { reply } else { reply.not_streamed() };
            assert_eq!(play_form(api, [reply]).await.0.result.unwrap().usage, expected, "{api:?}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_wants_the_responses_api_gets_it_from_then_on() {
    let complaint = "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. \
                     Please use /v1/responses instead.";
    let model = ScriptedModel::start([
        Reply::error(400, complaint),
        Reply::text("one").as_responses(),
        Reply::text("two").as_responses(),
    ])
    .unwrap();
    let mut options = options(model.base_url() + "/chat/completions");
    options.reasoning_effort = Some("low".into());
    let client = ModelClient::new(options).unwrap();
    let first = ask(&client).await;
    assert_eq!(first.notes(), ["the endpoint wants this asked with its Responses API; asking with that"]);
    assert_eq!(first.result.unwrap().content, "one");
    let second = ask(&client).await;
    assert_eq!(second.notes(), Vec::<&str>::new());
    assert_eq!(second.result.unwrap().content, "two");
    let paths: Vec<String> = model.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/v1/chat/completions", "/v1/responses", "/v1/responses"]);
    assert_eq!(model.requests()[1].json["reasoning"], json!({"effort": "low"}));
}

#[tokio::test]
async fn settings_that_do_not_fit_the_model_are_told_once() {
    let model = ScriptedModel::start([
        Reply::text("one"),
        Reply::error(400, "Unsupported parameter: 'temperature' is not supported with this model."),
        Reply::text("two"),
        Reply::text("three"),
    ])
    .unwrap();
    let mut options = options(model.base_url());
    options.model = "o3".into();
    options.reasoning_effort = Some("xhigh".into());
    options.temperature = Some(0.3);
    let client = ModelClient::new(options).unwrap();
    let mut notes = Vec::new();
    for _ in 0..3 {
        let asked = ask(&client).await;
        notes.push(asked.notes().join("; "));
        asked.result.unwrap();
    }
    let effort = "the model does not know the reasoning effort xhigh; asking with high";
    assert_eq!(notes, [effort, "the model takes no temperature here; asking without", ""]);
    let sent =
        model.requests().into_iter().map(|r| (r.json["reasoning_effort"].clone(), r.json["temperature"].clone()));
    let high = |temperature: Value| (json!("high"), temperature);
    let expected = [high(json!(0.3)), high(json!(0.3)), high(Value::Null), high(Value::Null)];
    assert_eq!(sent.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_schema_is_sent_until_an_endpoint_complains() {
    let model = ScriptedModel::start([
        Reply::error(
            400,
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        ),
        Reply::text("{}"),
    ])
    .unwrap();
    let client = ModelClient::new(options(model.base_url())).unwrap();
    let messages = conversation();
    let schema = OutputSchema { name: "verdict".into(), schema: json!({"type": "object"}) };
    let request =
        ModelRequest { messages: &messages, tools: &[], cache_key: Some("run-1"), output_schema: Some(&schema) };
    let mut notes = Vec::new();
    let tell = |event| {
        if let ModelEvent::Adapted { note } = event {
            notes.push(note);
        }
    };
    client.stream(request, tell, &CancellationToken::new()).await.unwrap();
    assert_eq!(notes, ["the endpoint can't hold the model to a JSON schema; asking without"]);
    let formats: Vec<Value> =
        model.requests().into_iter().map(|request| request.json["response_format"].clone()).collect();
    let strict = json!({"name": "verdict", "schema": {"type": "object"}, "strict": false});
    assert_eq!(formats, [json!({"type": "json_schema", "json_schema": strict}), Value::Null]);
    assert!(model.requests().iter().all(|request| request.json["prompt_cache_key"].is_null()), "not OpenAI's server");
}

#[tokio::test]
async fn a_header_of_the_user_takes_the_place_of_anthropics_key() {
    let model = ScriptedModel::start_with_last([], Reply::text("ok").as_anthropic()).unwrap();
    let mut options = options_of(ModelApi::AnthropicMessages, model.base_url());
    options.headers = vec![
        ("Authorization".into(), "Bearer token".into()),
        ("Anthropic-Version".into(), "2031-01-01".into()),
        ("anthropic-beta".into(), "some-beta".into()),
    ];
    ask_with(options).await.result.unwrap();
    let request = &model.requests()[0];
    let sent = ["authorization", "x-api-key", "anthropic-version", "anthropic-beta"].map(|name| request.header(name));
    assert_eq!(sent, [Some("Bearer token"), None, Some("2031-01-01"), Some("some-beta")]);
}
