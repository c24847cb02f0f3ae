//! The body as the Responses API takes it, and its events.

use super::*;
use crate::ModelApi;
use crate::tests::{body, conversation, options};

fn reasoning() -> Value {
    json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": name, "arguments": arguments,
           "status": "completed"})
}

#[test]
fn writes_the_whole_body() {
    let bare = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "sql", "arguments": arguments});
    let result = |id: &str, text: &str| json!({"type": "function_call_output", "call_id": id, "output": text});
    let tool = |name: &str| {
        json!({"type": "function", "name": name, "description": format!("d of {name}"),
               "parameters": {"type": "object"}, "strict": false})
    };
    let mut expected = json!({
        "model": "gpt-5.4",
        "instructions": "s",
        "input": [
            {"role": "user", "content": "u"},
            reasoning(),
            call("1", "sql", "{\"a\": 1}"),
            bare("2", "{\"arguments_as_written\":\"{broken\"}"),
            bare("3", "{}"),
            result("1", "r1"),
            result("2", ""),
            result("3", "r3"),
            {"role": "user", "content": "few turns left"},
            {"role": "assistant", "content": "t"},
            {"role": "user", "content": "go on"},
        ],
        "tools": [tool("sql"), tool("view")],
        "parallel_tool_calls": false,
        "stream": true,
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"},
        "temperature": 0.5,
        "max_output_tokens": 9000,
        "prompt_cache_key": "key",
        "text": {"format": {"type": "json_schema", "name": "verdict", "strict": false,
                            "schema": {"type": "object", "properties": {}}}},
    });
    let mut options = options(ModelApi::Responses, "gpt-5.4");
    let conversation = conversation(vec![reasoning(), call("1", "sql", "{}")]);
    assert_eq!(body(&options, &conversation, true), expected);
    // Another server, a model that does not reason, and a field of the user's.
    options.base_url = "http://127.0.0.1:8080/v1".into();
    options.model = "gpt-4.1".into();
    options.extra_body = json!({"store": true}).as_object().unwrap().clone();
    let fields = expected.as_object_mut().unwrap();
    for gone in ["include", "reasoning", "prompt_cache_key"] {
        fields.remove(gone);
    }
    expected["model"] = json!("gpt-4.1");
    expected["store"] = json!(true);
    assert_eq!(body(&options, &conversation, true), expected);
}

#[test]
fn reasoning_comes_back_encrypted_where_there_is_any() {
    let check = |model: &str, effort: Option<&str>, expected: bool| {
        let mut options = options(ModelApi::Responses, model);
        options.reasoning_effort = effort.map(str::to_owned);
        assert_eq!(body(&options, &[], false)["include"].is_array(), expected, "{model} {effort:?}");
    };
    check("gpt-5.4", None, true);
    check("gpt-5.4", Some("none"), false);
    check("o3", Some("none"), true);
    check("gpt-4o", Some("low"), false);
    check("some-model", None, false);
    check("some-model", Some("low"), true);
}

#[test]
fn items_go_back_as_they_came() {
    let made = |id: &str, name: &str| ToolCall { id: id.into(), name: name.into(), arguments: "{}".into() };
    let items = [reasoning(), message("Let me"), reasoning(), call("a", "sql", "{}")];
    let check = |content: &str, calls: &[ToolCall], items: &[Value], expected: &[Value]| {
        assert_eq!(assistant_items(content, calls, items), expected);
    };
    check("Let me", &[made("a", "sql")], &items, &items);
    let mut renamed = call("a-2", "sql", "{}");
    renamed["id"] = json!("fc_a");
    let other = json!({"role": "assistant", "content": "other"});
    check("other", &[made("a-2", "sql")], &items, &[reasoning(), other.clone(), reasoning(), renamed]);
    let bare = json!({"type": "function_call", "call_id": "b", "name": "sql", "arguments": "{}"});
    check("other", &[made("b", "sql")], &[], &[other, bare]);
    check("", &[], &[json!({"type": "thinking", "thinking": "x"})], &[]);
}

/// A reply made of these events, each of which must be taken.
fn assemble(events: &[Value]) -> (Assembled, Vec<String>) {
    let mut assembly = Box::new(Assembly::default());
    let texts = events.iter().map(|event| assembly.add(event).unwrap()).filter(|text| !text.is_empty()).collect();
    (assembly.finish(7), texts)
}

fn item(kind: &str, index: u64, item: Value) -> Value {
    json!({"type": format!("response.output_item.{kind}"), "output_index": index, "item": item})
}

fn delta(kind: &str, id: &str, index: u64, piece: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "item_id": id, "output_index": index, "delta": piece})
}

fn completed(output: Value) -> Value {
    let usage = json!({"input_tokens": 50, "output_tokens": 9, "input_tokens_details": {"cached_tokens": 40},
                       "output_tokens_details": {"reasoning_tokens": 5}});
    json!({"type": "response.completed",
           "response": {"object": "response", "status": "completed", "error": null, "output": output, "usage": usage}})
}

fn expected_reply() -> Assembled {
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    Assembled {
        content: "Let me".into(),
        tool_calls: vec![call("a", "sql", "{\"q\": 1}"), call("b", "view", "{}")],
        provider_items: vec![
            reasoning(),
            message("Let me"),
            self::call("a", "sql", "{\"q\": 1}"),
            self::call("b", "view", "{}"),
        ],
        stop: StopReason::ToolCalls,
        finish_reason: Some("completed".into()),
        refusal: None,
        usage: Usage {
            requests: 1,
            input_tokens: 50,
            output_tokens: 9,
            cached_input_tokens: 40,
            cache_write_input_tokens: 0,
            reasoning_tokens: 5,
        },
    }
}

#[test]
fn puts_alternating_items_together() {
    let opened = |id: &str, name: &str| json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": name, "arguments": ""});
    let mut first_reasoning = reasoning();
    first_reasoning["content"] = Value::Null;
    let events = [
        json!({"type": "response.created", "response": {"status": "in_progress", "error": null}}),
        item("added", 0, json!({"type": "reasoning", "id": "rs_1", "summary": []})),
        item("done", 0, first_reasoning),
        item("added", 1, json!({"type": "message", "id": "msg_1", "role": "assistant", "content": []})),
        delta("output_text", "msg_1", 1, "Let "),
        item("added", 2, opened("a", "sql")),
        item("added", 3, opened("b", "view")),
        delta("function_call_arguments", "fc_b", 3, "{"),
        delta("function_call_arguments", "fc_a", 2, "{\"q\""),
        delta("output_text", "msg_1", 1, "me"),
        delta("function_call_arguments", "fc_b", 3, "}"),
        delta("function_call_arguments", "fc_a", 2, ": 1}"),
        json!({"type": "response.function_call_arguments.done", "item_id": "fc_a", "arguments": "{\"q\": 1}"}),
        item("done", 1, message("Let me")),
        item("done", 3, call("b", "view", "{}")),
        item("done", 2, call("a", "sql", "{\"q\": 1}")),
        completed(json!([])),
    ];
    let (assembled, texts) = assemble(&events);
    assert_eq!((assembled, texts), (expected_reply(), vec!["Let ".to_owned(), "me".to_owned()]));
}

#[test]
fn takes_what_servers_leave_out() {
    let output = json!([reasoning(), message("Let me"), call("a", "sql", "{\"q\": 1}"), call("b", "view", "{}")]);
    // All of it only at the end, and in one document.
    let end = completed(output.clone());
    assert_eq!(assemble(std::slice::from_ref(&end)), (expected_reply(), vec!["Let me".to_owned()]));
    assert_eq!(assemble(&[end["response"].clone()]), (expected_reply(), vec!["Let me".to_owned()]));
    // Every item has the index 0; no deltas.
    let mut events: Vec<Value> = output.as_array().unwrap().iter().map(|i| item("done", 0, i.clone())).collect();
    events.push(completed(json!([])));
    assert_eq!(assemble(&events), (expected_reply(), vec!["Let me".to_owned()]));
    // Reasoning that the server could not read again stays here, and the others then need no form of their own.
    let unreadable = json!({"type": "reasoning", "id": "rs_1", "summary": []});
    let (assembled, _) = assemble(&[completed(json!([unreadable, message("Let me")]))]);
    assert_eq!((assembled.provider_items, assembled.stop), (vec![], StopReason::EndTurn));
    // The part a message plays must come back.
    let mut commentary = message("Let me");
    commentary["phase"] = json!("commentary");
    assert_eq!(assemble(&[completed(json!([commentary.clone()]))]).0.provider_items, [commentary]);
}

#[test]
fn stops_refuses_and_fails() {
    let refused = json!({"type": "message", "id": "m", "content": [{"type": "refusal", "refusal": "no"}]});
    let (assembled, texts) = assemble(&[
        delta("refusal", "m", 0, "n"),
        delta("refusal", "m", 0, "o"),
        item("done", 0, refused),
        completed(json!([])),
    ]);
    assert_eq!((assembled.stop, assembled.refusal.as_deref(), texts), (StopReason::Refusal, Some("no"), vec![]));
    let (assembled, _) = assemble(&[delta("refusal", "m", 0, "no"), completed(json!([]))]);
    assert_eq!(assembled.refusal.as_deref(), Some("no"), "also without the whole item");

    let incomplete = |reason: &str| {
        let response = json!({"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []});
        let (assembled, _) = assemble(&[
            delta("output_text", "m", 0, "x"),
            json!({"type": "response.incomplete", "response": response}),
        ]);
        (assembled.content, assembled.stop, assembled.finish_reason.unwrap())
    };
    let expected = |stop: StopReason, word: &str| ("x".to_owned(), stop, word.to_owned());
    assert_eq!(incomplete("max_output_tokens"), expected(StopReason::Length, "max_output_tokens"));
    assert_eq!(incomplete("content_filter"), expected(StopReason::Refusal, "content_filter"));
    assert_eq!(incomplete("else"), expected(StopReason::Other, "else"));

    let check = |event: Value, expected: Failure| {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(&event), Err(expected), "{event}");
        assert_ne!(assembly.progress(), Progress::Ended);
    };
    let failed = |code: &str| json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": code, "message": "why"}}});
    check(failed("server_error"), Failure::passing("it answered with status 500: why"));
    check(failed("rate_limit_exceeded"), Failure::passing("it answered with status 429: why"));
    check(failed("context_length_exceeded"), Failure::ContextLength { message: "why".into() });
    let prompt = Failure::Refused { status: 400, message: "why".into(), code: "invalid_prompt".into() };
    check(failed("invalid_prompt"), prompt);
    check(
        json!({"type": "error", "code": "server_error", "message": "why", "param": null, "sequence_number": 3}),
        Failure::passing("it answered with status 500: why"),
    );
    check(
        json!({"object": "response", "status": "queued", "error": null}),
        Failure::passing("it ended its reply with the status queued"),
    );
}
