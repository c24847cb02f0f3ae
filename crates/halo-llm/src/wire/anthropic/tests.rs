//! The body as Anthropic takes it, and its events.

use super::*;
use crate::ModelApi;
use crate::tests::{body, conversation, options};

fn marked(mut block: Value) -> Value {
    block["cache_control"] = json!({"type": "ephemeral"});
    block
}

fn thought() -> Value {
    json!({"type": "thinking", "thinking": "hm", "signature": "c2ln"})
}

#[test]
fn writes_the_whole_body() {
    let tool =
        |name: &str| json!({"name": name, "description": format!("d of {name}"), "input_schema": {"type": "object"}});
    let call = |id: &str, input: Value| json!({"type": "tool_use", "id": id, "name": "sql", "input": input});
    let expected = json!({
        "model": "claude-sonnet-4-5",
        "max_tokens": 9000,
        "stream": true,
        "system": [marked(json!({"type": "text", "text": "s"}))],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "u"}]},
            {"role": "assistant", "content": [
                thought(),
                call("1", json!({"a": 1})),
                call("2", json!({"arguments_as_written": "{broken"})),
                call("3", json!({})),
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "r1"},
                {"type": "tool_result", "tool_use_id": "2"},
                {"type": "tool_result", "tool_use_id": "3", "content": "r3"},
                {"type": "text", "text": "few turns left"},
            ]},
            {"role": "assistant", "content": [{"type": "text", "text": "t"}]},
            {"role": "user", "content": [marked(json!({"type": "text", "text": "go on"}))]},
        ],
        "tools": [tool("sql"), marked(tool("view"))],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "temperature": 0.5,
    });
    let options = options(ModelApi::AnthropicMessages, "claude-sonnet-4-5");
    assert_eq!(body(&options, &conversation(vec![thought()]), true), expected);
}

#[test]
fn each_turn_only_moves_the_last_marker() {
    let options = options(ModelApi::AnthropicMessages, "claude-sonnet-4-5");
    let conversation = conversation(vec![thought()]);
    let without_markers = |messages: &Value| {
        let mut messages = messages.as_array().unwrap().clone();
        for block in messages.iter_mut().flat_map(|message| message["content"].as_array_mut().unwrap()) {
            block.as_object_mut().unwrap().remove("cache_control");
        }
        messages
    };
    let whole = body(&options, &conversation, true);
    // Ends before the reply and the remark at its end, after the results.
    for length in [2, 6, 7] {
        let earlier = body(&options, &conversation[..length], true);
        assert_eq!((&earlier["system"], &earlier["tools"]), (&whole["system"], &whole["tools"]));
        let markers = earlier["messages"].to_string().matches("cache_control").count();
        assert_eq!(markers, 1);
        let blocks = earlier["messages"].as_array().unwrap().last().unwrap()["content"].as_array().unwrap();
        assert!(blocks.last().unwrap()["cache_control"].is_object());
        let (earlier, whole) = (without_markers(&earlier["messages"]), without_markers(&whole["messages"]));
        let (last, before) = earlier.split_last().unwrap();
        assert_eq!(before, &whole[..before.len()]);
        let last = last["content"].as_array().unwrap();
        assert_eq!(last[..], whole[before.len()]["content"].as_array().unwrap()[..last.len()]);
    }
    // A conversation that ends with a thought, as none should, has its marker where one may stand.
    let ends = [
        Message::User { content: "u".into() },
        Message::Assistant { content: String::new(), tool_calls: vec![], provider_items: vec![thought()] },
    ];
    assert!(!body(&options, &ends, false)["messages"].to_string().contains("cache_control"));
}

#[test]
fn thinks_as_much_as_asked_for_and_answers_too() {
    let check = |model: &str, effort: Option<&str>, max: Option<u64>, expected: Value| {
        let mut options = options(ModelApi::AnthropicMessages, model);
        options.reasoning_effort = effort.map(str::to_owned);
        options.max_output_tokens = max;
        let body = body(&options, &[], false);
        let got = json!([body["max_tokens"], body["thinking"], body["output_config"]["effort"]]);
        assert_eq!(got, expected, "{model} {effort:?} {max:?}");
    };
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let older = "claude-opus-4-1";
    check(older, None, None, json!([16_384, null, null]));
    check(older, Some("none"), None, json!([16_384, {"type": "disabled"}, null]));
    check(older, Some("minimal"), None, json!([16_384, {"type": "disabled"}, null]));
    check(older, Some("low"), None, json!([18_432, budget(2048), null]));
    check(older, Some("medium"), None, json!([24_576, budget(8192), null]));
    check(older, Some("high"), None, json!([32_768, budget(16_384), null]));
    check(older, Some("xhigh"), None, json!([49_152, budget(32_768), null]));
    check(older, Some("medium"), Some(4000), json!([4000, budget(2000), null]));
    check(older, Some("medium"), Some(1000), json!([1000, null, null]));
    let newer = "claude-opus-5";
    check(newer, None, None, json!([32_768, null, null]));
    check(newer, Some("none"), None, json!([16_384, {"type": "disabled"}, null]));
    check(newer, Some("xhigh"), None, json!([49_152, {"type": "adaptive"}, "xhigh"]));
    check(newer, Some("low"), Some(900), json!([900, {"type": "adaptive"}, "low"]));
    check("claude-3-5-haiku-latest", Some("high"), None, json!([16_384, null, null]));
}

#[test]
fn thoughts_go_back_where_they_stood() {
    let call = |id: &str| ToolCall { id: id.into(), name: "sql".into(), arguments: "{}".into() };
    let redacted = json!({"type": "redacted_thinking", "data": "x"});
    let items = [
        thought(),
        json!({"type": "text", "text": "Let me"}),
        redacted.clone(),
        json!({"type": "tool_use", "id": "a"}),
    ];
    let check = |content: &str, calls: &[ToolCall], items: &[Value], expected: &[Value]| {
        assert_eq!(assistant_blocks(content, calls, items), expected);
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    // An id that had to be changed is changed here, too.
    check("Let me", &[call("a-2")], &items, &[thought(), text("Let me"), redacted.clone(), call_block(&call("a-2"))]);
    check(
        "other",
        &[call("a"), call("b")],
        &items,
        &[thought(), text("other"), redacted.clone(), call_block(&call("a")), call_block(&call("b"))],
    );
    check("", &[], &items, &[thought(), redacted]);
    check(" ", &[], &[], &[]);
    check(
        "t",
        &[call("a")],
        &[json!({"type": "reasoning", "encrypted_content": "x"})],
        &[text("t"), call_block(&call("a"))],
    );
}

/// A reply made of these events, each of which must be taken.
fn assemble(events: &[Value]) -> (Assembled, Vec<String>) {
    let mut assembly = Box::new(Assembly::default());
    let texts = events.iter().map(|event| assembly.add(event).unwrap()).filter(|text| !text.is_empty()).collect();
    (assembly.finish(7), texts)
}

fn start(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, kind: &str, key: &str, piece: &str) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}})
}

fn stop(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 30}})
}

#[test]
fn puts_alternating_blocks_together() {
    let usage = json!({"input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100,
                       "output_tokens": 1});
    let use_of = |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    let events = [
        json!({"type": "message_start", "message": {"type": "message", "content": [], "usage": usage}}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
        delta(0, "thinking_delta", "thinking", "h"),
        delta(0, "thinking_delta", "thinking", "m"),
        delta(0, "signature_delta", "signature", "c2ln"),
        json!({"type": "content_block_stop", "index": 0}),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, "text_delta", "text", "Let "),
        start(2, use_of("a", "sql")),
        delta(2, "input_json_delta", "partial_json", ""),
        start(3, use_of("b", "view")),
        delta(3, "input_json_delta", "partial_json", "{\"id\":"),
        delta(2, "input_json_delta", "partial_json", "{\"q\": "),
        delta(3, "input_json_delta", "partial_json", "2}"),
        delta(1, "text_delta", "text", "me"),
        delta(2, "input_json_delta", "partial_json", "1}"),
        start(4, use_of("", "list")),
        stop("tool_use"),
        json!({"type": "message_stop"}),
    ];
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    let expected = Assembled {
        content: "Let me".into(),
        tool_calls: vec![
            call("a", "sql", "{\"q\": 1}"),
            call("b", "view", "{\"id\":2}"),
            call("call_7_2", "list", "{}"),
        ],
        provider_items: vec![
            thought(),
            json!({"type": "text", "text": "Let me"}),
            json!({"type": "tool_use", "id": "a"}),
            json!({"type": "tool_use", "id": "b"}),
            json!({"type": "tool_use", "id": ""}),
        ],
        stop: StopReason::ToolCalls,
        finish_reason: Some("tool_use".into()),
        refusal: None,
        usage: Usage {
            requests: 1,
            input_tokens: 125,
            output_tokens: 30,
            cached_input_tokens: 100,
            cache_write_input_tokens: 20,
            reasoning_tokens: 0,
        },
    };
    let (assembled, texts) = assemble(&events);
    assert_eq!((assembled, texts), (expected, vec!["Let ".to_owned(), "me".to_owned()]));
    // A message in one document, without a thought that would have to go back.
    let document = json!({"type": "message", "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2},
        "content": [{"type": "text", "text": "hi"}, {"type": "tool_use", "id": "a", "name": "sql", "input": {"q": 1}}]});
    let (assembled, texts) = assemble(&[document]);
    assert_eq!((assembled.content.as_str(), texts), ("hi", vec!["hi".to_owned()]));
    assert_eq!((assembled.tool_calls, assembled.provider_items), (vec![call("a", "sql", "{\"q\":1}")], vec![]));
    assert_eq!(assembled.usage.input_tokens, 3);
}

#[test]
fn stops_refuses_and_is_cut() {
    let begin = json!({"type": "message_start", "message": {"usage": {"input_tokens": 1}}});
    let check = |reason: &str, expected: StopReason, refusal: Option<&str>| {
        let events = [begin.clone(), start(0, json!({"type": "text", "text": "x"})), stop(reason)];
        let (assembled, _) = assemble(&events);
        assert_eq!((assembled.stop, assembled.refusal.as_deref()), (expected, refusal), "{reason}");
    };
    check("end_turn", StopReason::EndTurn, None);
    check("stop_sequence", StopReason::EndTurn, None);
    check("max_tokens", StopReason::Length, None);
    check("model_context_window_exceeded", StopReason::Length, None);
    check("refusal", StopReason::Refusal, Some("x"));
    check("pause_turn", StopReason::Other, None);

    let silent =
        json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"explanation": "no"}}});
    assert_eq!(assemble(&[begin.clone(), silent]).0.refusal.as_deref(), Some("no"));
    let beside =
        json!({"type": "message_delta", "delta": {"stop_reason": "refusal"}, "stop_details": {"explanation": "no"}});
    assert_eq!(assemble(&[begin.clone(), beside]).0.refusal.as_deref(), Some("no"));

    // A thought that was cut before it was signed does not go back.
    let cut =
        [begin.clone(), start(0, json!({"type": "thinking", "thinking": "h", "signature": ""})), stop("max_tokens")];
    assert_eq!(assemble(&cut).0.provider_items, Vec::<Value>::new());

    let mut assembly = Assembly::default();
    assert_eq!(assembly.progress(), Progress::Nothing);
    assembly.add(&json!({"type": "message_stop"})).unwrap();
    assert_eq!(assembly.progress(), Progress::Nothing, "an end without a beginning is none");
    assembly.add(&begin).unwrap();
    assembly.add_done();
    assert_eq!(assembly.progress(), Progress::Begun);
    assembly.add(&stop("end_turn")).unwrap();
    assert_eq!(assembly.progress(), Progress::Stopped);
    assembly.add(&json!({"type": "message_stop"})).unwrap();
    assert_eq!(assembly.progress(), Progress::Ended);
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(assembly.add(&error), Err(Failure::passing("it answered with status 529: Overloaded")));
}
