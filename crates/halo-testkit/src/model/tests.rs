//! The server is tested with a bare socket: its users test their clients against it, so it must be right by itself.

use std::io::{Read, Write};
use std::net::TcpStream as Socket;

use serde_json::json;

use super::*;

/// Sends one request and reads until the server closes.
fn ask(model: &ScriptedModel, body: &str) -> String {
    let mut socket = Socket::connect(model.address).unwrap();
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Who: me\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A reset is an error here; what came before it is what counts.
    drop(socket.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The `data:` payloads of a chunked answer.
fn events(answer: &str) -> Vec<String> {
    answer.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

#[test]
fn answers_in_order_and_keeps_the_requests() {
    let model = ScriptedModel::start([Reply::text("hi"), Reply::rate_limited("7")]).unwrap();
    let first = ask(&model, r#"{"messages": [{"role": "user", "content": "hello"}]}"#);
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    assert!(first.ends_with("0\r\n\r\n"), "{first}");
    let expected = [
        json!({"id": "scripted-1", "object": "chat.completion.chunk",
               "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}),
        json!({"id": "scripted-1", "object": "chat.completion.chunk",
               "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": null}]}),
        json!({"id": "scripted-1", "object": "chat.completion.chunk",
               "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"id": "scripted-1", "choices": [],
               "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}}),
    ];
    let mut got = events(&first);
    assert_eq!(got.pop().as_deref(), Some("[DONE]"));
    let got: Vec<serde_json::Value> = got.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    assert_eq!(got, expected);
    let second = ask(&model, "not json");
    assert!(second.starts_with("HTTP/1.1 429 ") && second.contains("retry-after: 7"), "{second}");
    assert!(ask(&model, "{}").starts_with("HTTP/1.1 500 "), "the script is over");

    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(requests[0].header("X-WHO"), Some("me"));
    assert_eq!(requests[0].last_text(), "hello");
    assert_eq!((requests[1].body.as_str(), &requests[1].json), ("not json", &serde_json::Value::Null));
}

#[test]
fn arguments_come_in_several_deltas_with_one_id() {
    let model = ScriptedModel::start([
        Reply::tool_calls([("sql", json!({"query": "SELECT count(*) FROM traces"})), ("view", json!({}))]),
        Reply::raw_arguments("sql", "{broken").without_ids().without_indexes(),
    ])
    .unwrap();
    let deltas_of = |answer: &str| -> Vec<serde_json::Value> {
        events(answer)
            .iter()
            .filter_map(|event| serde_json::from_str::<serde_json::Value>(event).ok())
            .filter_map(|event| event["choices"][0]["delta"]["tool_calls"].get(0).cloned())
            .collect()
    };
    let deltas = deltas_of(&ask(&model, "{}"));
    let of = |index: u64| -> String {
        deltas.iter().filter(|d| d["index"] == index).filter_map(|d| d["function"]["arguments"].as_str()).collect()
    };
    assert!(deltas.iter().filter(|d| d["index"] == 0).count() > 3, "{deltas:?}");
    assert_eq!(of(0), r#"{"query":"SELECT count(*) FROM traces"}"#);
    assert_eq!(of(1), "{}");
    let ids: Vec<&str> = deltas.iter().filter_map(|d| d["id"].as_str()).collect();
    assert_eq!(ids, ["call_1_1", "call_1_2"]);

    let opening = json!({"type": "function", "function": {"name": "sql", "arguments": ""}});
    let rest = json!({"function": {"arguments": "{broken"}});
    assert_eq!(deltas_of(&ask(&model, "{}")), [opening, rest]);
}

#[test]
fn misbehaves_as_told() {
    let model = ScriptedModel::start([
        Reply::text("a long enough text to be cut").cut_after(2),
        Reply::reset(),
        Reply::text("whole").not_streamed(),
        Reply::web_page(),
    ])
    .unwrap();
    let cut = ask(&model, "{}");
    assert_eq!(events(&cut).len(), 2);
    assert!(!cut.ends_with("0\r\n\r\n"), "no orderly end: {cut}");
    assert_eq!(ask(&model, "{}"), "");
    let whole = ask(&model, "{}");
    let document: serde_json::Value = serde_json::from_str(whole.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(document["choices"][0]["message"]["content"], "whole");
    assert!(ask(&model, "{}").contains("content-type: text/html"));
}

#[test]
fn a_stalled_request_is_seen_and_ends_with_the_model() {
    let model = ScriptedModel::start([Reply::stall()]).unwrap();
    let mut socket = Socket::connect(model.address).unwrap();
    socket.write_all(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    assert!(model.wait_for_requests(1, Duration::from_secs(10)));
    assert!(!model.wait_for_requests(2, Duration::ZERO));
    drop(model);
    let mut rest = Vec::new();
    drop(socket.read_to_end(&mut rest));
    assert_eq!(rest, b"");
}

#[test]
fn one_reply_in_the_form_of_every_api() {
    let reply = || {
        Reply::tool_calls([
            ("sql", json!({"query": "SELECT count(*) FROM t"})),
            ("view", json!({"trace_id": "abcdef"})),
        ])
        .with_text("Let me count.")
        .with_reasoning("hm")
    };
    let model = ScriptedModel::start([reply().as_responses(), reply().as_anthropic(), Reply::text("x").as_anthropic()])
        .unwrap();
    let kinds_of = |answer: &str| -> Vec<(String, serde_json::Value)> {
        let parsed = events(answer).into_iter().map(|event| serde_json::from_str::<serde_json::Value>(&event).unwrap());
        parsed.map(|event| (event["type"].as_str().unwrap().to_owned(), event)).collect()
    };
    // The order in which pieces of the items came, and the last event.
    let order = |events: &[(String, serde_json::Value)], kind: &str, index: &str| -> Vec<u64> {
        events.iter().filter(|(k, _)| k.ends_with(kind)).filter_map(|(_, event)| event[index].as_u64()).collect()
    };
    let responses = kinds_of(&ask(&model, "{}"));
    assert_eq!(order(&responses, ".delta", "output_index"), [1, 2, 3, 1, 2, 3, 2]);
    assert_eq!(responses.last().unwrap().0, "response.completed");
    let blocks = ask(&model, "{}");
    assert!(blocks.contains("event: message_start\ndata: {"), "{blocks}");
    let anthropic = kinds_of(&blocks);
    assert_eq!(order(&anthropic, "block_delta", "index"), [0, 1, 2, 3, 1, 2, 3, 2, 0]);
    let last_two: Vec<&str> = anthropic.iter().rev().take(2).map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(last_two, ["message_stop", "message_delta"]);

    let conversation = r#"{"messages": [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": "r"}, {"type": "text", "text": "go on"}]}],
        "tools": [{"name": "sql"}]}"#;
    ask(&model, conversation);
    let requests = model.requests();
    assert_eq!(requests[2].tool_results(), [("a".to_owned(), "r".to_owned())]);
    assert_eq!((requests[2].last_text(), requests[2].tool_names()), ("go on", vec!["sql".to_owned()]));
}
