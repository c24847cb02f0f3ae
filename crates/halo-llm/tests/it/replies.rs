//! Replies in every form that endpoints send them.

use halo_protocol::{ToolCall, Usage};
use serde_json::Value;

use super::*;

#[tokio::test]
async fn streams_text_and_sends_what_was_asked() {
    let usage = json!({"prompt_tokens": 50, "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 40}, "completion_tokens_details": {"reasoning_tokens": 5}});
    let (asked, model) = play([Reply::text("It is the retry policy.").usage(usage)]).await;
    let request = &model.requests()[0];
    let expected = ModelReply {
        content: "It is the retry policy.".into(),
        tool_calls: vec![],
        provider_items: vec![],
        stop: StopReason::EndTurn,
        finish_reason: Some("stop".into()),
        refusal: None,
        usage: Usage {
            requests: 1,
            input_tokens: 50,
            output_tokens: 7,
            cached_input_tokens: 40,
            cache_write_input_tokens: 0,
            reasoning_tokens: 5,
        },
        bytes_sent: request.body.len(),
        attempts: 1,
    };
    assert_eq!(asked.deltas(), ["It is the re", "try policy."]);
    assert_eq!(asked.result, Ok(expected));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some("Bearer sk-secret-key"));
    assert_eq!(request.header("x-team"), Some("hidden-team-token"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let expected = json!({
        "model": "scripted",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": {
            "name": "sql", "description": "Runs a query.", "parameters": {"type": "object", "properties": {}}}}],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(request.json, expected);
}

/// Two calls in some form must give the same two calls.
async fn check_calls(form: impl FnOnce(Reply) -> Reply, ids: [&str; 2]) {
    let reply = Reply::tool_calls([
        ("sql", json!({"query": "SELECT count(*) FROM traces"})),
        ("view_trace", json!({"trace_id": "ab"})),
    ]);
    let (asked, _) = play([form(reply)]).await;
    let call = |id: &str, name: &str, arguments: Value| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.to_string(),
    };
    let expected = [
        call(ids[0], "sql", json!({"query": "SELECT count(*) FROM traces"})),
        call(ids[1], "view_trace", json!({"trace_id": "ab"})),
    ];
    assert_eq!(asked.result.unwrap().tool_calls, expected);
}

#[tokio::test]
async fn takes_tool_calls_in_every_form() {
    let named = ["call_1_1", "call_1_2"];
    let made = ["call_2_0", "call_2_1"];
    check_calls(|reply| reply, named).await;
    check_calls(Reply::in_one_piece, named).await;
    check_calls(Reply::without_indexes, named).await;
    check_calls(Reply::without_ids, made).await;
    check_calls(|reply| reply.without_ids().without_indexes(), made).await;
    check_calls(Reply::not_streamed, named).await;
    check_calls(Reply::with_comments, named).await;
    check_calls(Reply::without_done, named).await;
    check_calls(Reply::without_usage, named).await;
    check_calls(|reply| reply.finish_reason("stop"), named).await;
    check_calls(Reply::without_finish_reason, named).await;
    check_calls(|reply| reply.with_text("Let me count."), named).await;
}

#[tokio::test]
async fn takes_a_document_instead_of_a_stream() {
    let (asked, _) = play([Reply::text("whole").not_streamed()]).await;
    assert_eq!(asked.deltas(), ["whole"]);
    let reply = asked.result.unwrap();
    assert_eq!((reply.content.as_str(), reply.usage.input_tokens), ("whole", 100));
}

#[tokio::test]
async fn a_refusal_is_told_apart_from_text() {
    let (asked, _) = play([Reply::refusal("I can't help with that.")]).await;
    let reply = asked.result.unwrap();
    assert_eq!((reply.content.as_str(), reply.refusal.as_deref()), ("", Some("I can't help with that.")));
}

#[tokio::test]
async fn broken_arguments_are_the_callers_business() {
    let (asked, _) = play([Reply::raw_arguments("sql", "{\"query\": \"SEL")]).await;
    assert_eq!(asked.result.unwrap().tool_calls[0].arguments, "{\"query\": \"SEL");
}

#[tokio::test]
async fn an_endpoint_without_stream_options_is_asked_without_from_then_on() {
    let model = ScriptedModel::start([
        Reply::error(400, "Unrecognized request argument supplied: stream_options"),
        Reply::error(422, "max_completion_tokens: extra fields not permitted"),
        Reply::text("one").without_usage(),
        Reply::text("two").without_usage(),
    ])
    .unwrap();
    let client = ModelClient::new(ModelOptions { max_output_tokens: Some(77), ..options(model.base_url()) }).unwrap();
    let first = ask(&client).await;
    let notes: Vec<&ModelEvent> =
        first.events.iter().filter(|event| matches!(event, ModelEvent::Adapted { .. })).collect();
    assert_eq!(notes.len(), 2, "{:?}", first.events);
    let reply = first.result.unwrap();
    assert_eq!((reply.content.as_str(), reply.attempts), ("one", 1));
    assert_eq!(reply.usage, Usage { requests: 1, ..Usage::default() });
    assert_eq!(ask(&client).await.result.unwrap().content, "two");
    let bounds: Vec<(bool, Value, Value)> = model
        .requests()
        .iter()
        .map(|request| {
            let json = &request.json;
            (json["stream_options"].is_object(), json["max_completion_tokens"].clone(), json["max_tokens"].clone())
        })
        .collect();
    let null = Value::Null;
    assert_eq!(
        bounds,
        [
            (true, json!(77), null.clone()),
            (false, json!(77), null.clone()),
            (false, null.clone(), json!(77)),
            (false, null, json!(77)),
        ]
    );
}

#[tokio::test]
async fn a_base_url_may_end_in_anything_sensible() {
    let model = ScriptedModel::start_with_last([], Reply::text("ok")).unwrap();
    let base = model.base_url();
    let check = async |base_url: String, path: &str| {
        let asked = ask_with(options(base_url.clone())).await;
        assert_eq!(asked.result.unwrap().content, "ok");
        assert_eq!(model.requests().last().unwrap().path, path, "{base_url}");
    };
    check(format!("{base}/"), "/v1/chat/completions").await;
    check(format!("{base}/chat/completions"), "/v1/chat/completions").await;
    check(format!("{base}?api-version=3"), "/v1/chat/completions?api-version=3").await;
}

#[tokio::test]
async fn a_header_of_the_user_takes_the_place_of_the_key() {
    let model = ScriptedModel::start_with_last([], Reply::text("ok")).unwrap();
    let mut options = options(model.base_url());
    options.headers = vec![("Authorization".into(), "Basic abc".into())];
    ask_with(options.clone()).await.result.unwrap();
    options.headers.clear();
    options.api_key = None;
    ask_with(options).await.result.unwrap();
    let sent: Vec<Option<String>> =
        model.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, [Some("Basic abc".to_owned()), None]);
}
