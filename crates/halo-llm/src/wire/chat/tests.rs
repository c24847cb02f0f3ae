//! The body as endpoints take it, and completions in all their dialects.

use super::*;
use crate::tests::{body, conversation, options};
use crate::{ModelApi, OutputSchema};

/// Assembles tool-call deltas, each in a chunk of its own, and compares ids, names and arguments.
fn check(deltas: &[Value], expected: &[(&str, &str, &str)]) {
    let mut assembly = Assembly::default();
    for delta in deltas {
        assembly.add(&json!({"choices": [{"delta": {"tool_calls": [delta]}}]})).unwrap();
    }
    let calls = Box::new(assembly).finish(7).tool_calls;
    let calls: Vec<(&str, &str, &str)> =
        calls.iter().map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.as_str())).collect();
    assert_eq!(calls, expected, "{deltas:?}");
}

#[test]
fn puts_tool_calls_together_in_every_dialect() {
    let open = |index: Value, id: Value, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"index": index, "id": id, "function": function})
    };
    let more = |index: Value, arguments: &str| json!({"index": index, "function": {"arguments": arguments}});
    // As specified, two calls whose pieces alternate.
    check(
        &[
            open(json!(0), json!("a"), "sql", ""),
            open(json!(1), json!("b"), "view", "{"),
            more(json!(0), "{\"q\":"),
            more(json!(1), "}"),
            more(json!(0), "1}"),
        ],
        &[("a", "sql", "{\"q\":1}"), ("b", "view", "{}")],
    );
    // No index and no id, each call in one piece.
    check(
        &[open(Value::Null, Value::Null, "sql", "{}"), open(Value::Null, Value::Null, "sql", "{}")],
        &[("call_7_0", "sql", "{}"), ("call_7_1", "sql", "{}")],
    );
    // No index, pieces without a name follow.
    check(
        &[
            open(Value::Null, json!("a"), "sql", "{"),
            more(Value::Null, "}"),
            open(Value::Null, json!("b"), "view", "{}"),
        ],
        &[("a", "sql", "{}"), ("b", "view", "{}")],
    );
    // Every call has index 0; ids tell them apart.
    check(
        &[open(json!(0), json!("a"), "sql", "{}"), open(json!(0), json!("b"), "view", "{}")],
        &[("a", "sql", "{}"), ("b", "view", "{}")],
    );
    // Id and name come again with each piece.
    check(&[open(json!(0), json!("a"), "sql", "{"), open(json!(0), json!("a"), "sql", "}")], &[("a", "sql", "{}")]);
    // The name comes in pieces.
    check(
        &[open(json!(0), json!("a"), "view_", ""), open(json!(0), Value::Null, "trace", "{}")],
        &[("a", "view_trace", "{}")],
    );
    // Arguments as an object.
    check(
        &[json!({"index": 0, "id": "a", "function": {"name": "sql", "arguments": {"q": 1}}})],
        &[("a", "sql", "{\"q\":1}")],
    );
    // An empty call is none.
    check(&[json!({"index": 0, "function": {}})], &[]);
}

#[test]
fn reads_text_refusal_usage_and_errors() {
    let mut assembly = Assembly::default();
    assert_eq!(assembly.progress(), Progress::Nothing);
    assert_eq!(assembly.add(&json!({"choices": [{"delta": {"content": "a"}}]})).unwrap(), "a");
    let parts = json!({"choices": [{"delta": {"content": [{"type": "text", "text": "b"}], "refusal": "no"}}]});
    assert_eq!(assembly.add(&parts).unwrap(), "b");
    assembly.add(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})).unwrap();
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}});
    assembly.add(&json!({"choices": [], "usage": usage})).unwrap();
    assert_eq!(assembly.progress(), Progress::Stopped);
    assembly.add_done();
    assert_eq!(assembly.progress(), Progress::Ended);
    let expected = Assembled {
        content: "ab".into(),
        tool_calls: vec![],
        provider_items: vec![],
        stop: StopReason::Refusal,
        finish_reason: Some("stop".into()),
        refusal: Some("no".into()),
        usage: Usage {
            requests: 1,
            input_tokens: 9,
            output_tokens: 3,
            cached_input_tokens: 4,
            cache_write_input_tokens: 0,
            reasoning_tokens: 2,
        },
    };
    assert_eq!(Box::new(assembly).finish(1), expected);
    let mut assembly = Assembly::default();
    assert!(assembly.add(&json!({"error": {"message": "x"}})).is_err());
    assert_eq!(
        assembly.add(&json!({"object": "error", "message": "no such model", "code": 404})),
        Err(Failure::Refused { status: 404, message: "no such model".into(), code: String::new() })
    );
    assert!(assembly.add(&json!({"choices": [{"delta": {}, "finish_reason": "error"}]})).is_err());
}

#[test]
fn stops_for_the_same_reasons_in_every_dialect() {
    let check = |delta: Value, reason: Value, expected: StopReason| {
        let mut assembly = Assembly::default();
        assembly.add(&json!({"choices": [{"delta": delta, "finish_reason": reason}]})).unwrap();
        assert_eq!(Box::new(assembly).finish(1).stop, expected, "{reason}");
    };
    let call = json!({"tool_calls": [{"id": "a", "function": {"name": "sql", "arguments": "{}"}}]});
    let text = json!({"content": "x"});
    check(text.clone(), json!("stop"), StopReason::EndTurn);
    check(text.clone(), Value::Null, StopReason::EndTurn);
    check(call.clone(), json!("tool_calls"), StopReason::ToolCalls);
    check(call.clone(), json!("stop"), StopReason::ToolCalls);
    check(call, json!("length"), StopReason::Length);
    check(text.clone(), json!("content_filter"), StopReason::Refusal);
    check(json!({"refusal": "no"}), json!("stop"), StopReason::Refusal);
    check(text, json!("eos_of_another_kind"), StopReason::Other);
}

#[test]
fn writes_the_whole_body() {
    let wire = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "sql", "arguments": arguments}});
    let tool = |name: &str| {
        json!({"type": "function", "function": {
            "name": name, "description": format!("d of {name}"), "parameters": {"type": "object"}}})
    };
    let mut expected = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": null, "tool_calls": [
                wire("1", "{\"a\": 1}"),
                wire("2", "{\"arguments_as_written\":\"{broken\"}"),
                wire("3", "{}"),
            ]},
            {"role": "tool", "content": "r1", "tool_call_id": "1"},
            {"role": "tool", "content": "", "tool_call_id": "2"},
            {"role": "tool", "content": "r3", "tool_call_id": "3"},
            {"role": "user", "content": "few turns left"},
            {"role": "assistant", "content": "t"},
            {"role": "user", "content": "go on"},
        ],
        "tools": [tool("sql"), tool("view")],
        "parallel_tool_calls": false,
        "stream": true,
        "stream_options": {"include_usage": true},
        "temperature": 0.5,
        "max_completion_tokens": 9000,
        "reasoning_effort": "low",
        "prompt_cache_key": "key",
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "verdict", "schema": {"type": "object", "properties": {}}, "strict": false}},
    });
    let mut options = options(ModelApi::ChatCompletions, "m");
    // Items of another form are nothing for this one.
    let conversation = conversation(vec![json!({"type": "reasoning", "encrypted_content": "x"})]);
    assert_eq!(body(&options, &conversation, true), expected);

    options.base_url = "http://127.0.0.1:8080/v1".into();
    options.extra_body = json!({"temperature": null, "top_k": 20}).as_object().unwrap().clone();
    expected["temperature"] = Value::Null;
    expected["top_k"] = json!(20);
    expected.as_object_mut().unwrap().remove("prompt_cache_key");
    assert_eq!(body(&options, &conversation, true), expected, "with fields of the user's, and for another server");
}

#[test]
fn leaves_out_what_the_endpoint_does_not_know() {
    let mut options = options(ModelApi::ChatCompletions, "m");
    options.reasoning_effort = None;
    let (mut dialect, _) = Dialect::of(&options);
    dialect.stream_options = false;
    dialect.max_completion_tokens = false;
    dialect.temperature = false;
    dialect.output_schema = false;
    let schema = OutputSchema { name: "n".into(), schema: json!({}) };
    let request = ModelRequest { messages: &[], tools: &[], cache_key: None, output_schema: Some(&schema) };
    let body = Value::Object(super::body(&options, &request, &dialect));
    assert_eq!(body, json!({"model": "m", "messages": [], "stream": true, "max_tokens": 9000}));
}
