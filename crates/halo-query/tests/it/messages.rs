//! The table `messages`: what was said to a model and what it said, each turn.

use halo_testkit::{TestSpan, dataset_of_segments, tiny_dataset};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{LIMITS, open};

fn said(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

/// Two turns, the second of which sends the first again, and a trace that says the same once more.
fn turns() -> Vec<TestSpan> {
    let call = json!({"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "find", "arguments": "{\"id\":1}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "found"});
    vec![
        TestSpan::agent("t", "r"),
        TestSpan::llm("t", "l1")
            .message_in(said("system", "Help."))
            .message_in(json!({"content": "Where?"}))
            .message_out(call.clone()),
        TestSpan::tool("t", "o").answers("call_1"),
        TestSpan::llm("t", "l2")
            .message_in(said("system", "Help."))
            .message_in(said("user", "Where?"))
            .message_in(call)
            .message_in(result)
            .message_out(json!({"content": "Here."})),
        TestSpan::llm("u", "l3").message_in(said("user", "Where?")),
        TestSpan::agent("u", "a").message_in(said("user", "not of an LLM span")),
    ]
}

async fn rows(dataset: &halo_dataset::Dataset, sql: &str) -> Vec<Value> {
    let session = open(dataset).await;
    let result = session.query(sql, &LIMITS, &CancellationToken::new()).await.expect(sql);
    result.rows().into_iter().map(Value::Object).collect()
}

#[tokio::test]
async fn each_message_is_told_with_what_is_new() {
    let (_kept, dataset) = tiny_dataset(&turns());
    let sql = "SELECT span_id, step, direction, position, role, content, tool_calls, tool_call_id, is_new
        FROM messages ORDER BY trace_id, step, direction, position";
    let calls = r#"[{"id":"call_1","name":"find","arguments":"{\"id\":1}"}]"#;
    let row = |(span, step): (&str, i64),
               (direction, position): (&str, i64),
               role: &str,
               content: Option<&str>,
               new: bool| {
        json!({
            "span_id": span, "step": step, "direction": direction, "position": position, "role": role, "content": content,
            "tool_calls": content.is_none().then_some(calls), "tool_call_id": (role == "tool").then_some("call_1"), "is_new": new,
        })
    };
    let expected = [
        row(("l1", 2), ("input", 1), "system", Some("Help."), true),
        row(("l1", 2), ("input", 2), "user", Some("Where?"), true),
        row(("l1", 2), ("output", 1), "assistant", None, true),
        row(("l2", 4), ("input", 1), "system", Some("Help."), false),
        row(("l2", 4), ("input", 2), "user", Some("Where?"), false),
        row(("l2", 4), ("input", 3), "assistant", None, false),
        row(("l2", 4), ("input", 4), "tool", Some("found"), true),
        row(("l2", 4), ("output", 1), "assistant", Some("Here."), true),
        row(("l3", 1), ("input", 1), "user", Some("Where?"), true),
    ];
    assert_eq!(rows(&dataset, sql).await, expected);
    let ids =
        "SELECT count(DISTINCT message_id) AS ids, count(*) AS n, min(length(message_id)) AS digits FROM messages";
    assert_eq!(rows(&dataset, ids).await, [json!({"ids": 5, "n": 9, "digits": 16})]);
    // For good: what was noted down of a message finds it in later datasets.
    let ids = "SELECT DISTINCT message_id AS id FROM messages WHERE content = 'Where?'";
    assert_eq!(rows(&dataset, ids).await, [json!({"id": ID_OF_WHERE})]);
}

const ID_OF_WHERE: &str = "1b92a75d996a1e5d";

#[tokio::test]
async fn a_trace_in_two_segments_has_its_messages_once_new() {
    let turns = turns();
    let (_kept, whole) = tiny_dataset(&turns);
    // The later turn is read first.
    let start = |span: &TestSpan, at: usize| span.clone().start_ms(i64::try_from(at).expect("few") * 1000);
    let timed: Vec<TestSpan> = turns.iter().enumerate().map(|(at, span)| start(span, at)).collect();
    let (_kept_too, split) = dataset_of_segments(&[&timed[2..], &timed[..2]]);
    assert!(split.straddle_trace_file().is_some());
    for sql in [
        "SELECT * FROM messages ORDER BY trace_id, step, direction, position",
        "SELECT content, is_new FROM messages WHERE span_id = 'l2' ORDER BY direction, position",
        "SELECT count(*) AS n FROM messages WHERE is_new",
        "SELECT count(*) AS n, count(content) AS said FROM messages WHERE trace_id = 't' AND direction = 'input'",
        "SELECT * FROM tool_calls ORDER BY trace_id, step",
    ] {
        assert_eq!(rows(&split, sql).await, rows(&whole, sql).await, "{sql}");
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_made() {
    let (_kept, dataset) = tiny_dataset(&turns());
    let plan = |sql: &'static str| {
        let dataset = &dataset;
        async move {
            let rows = rows(dataset, sql).await;
            rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
        }
    };
    let cheap = plan("EXPLAIN SELECT span_id, position FROM messages WHERE trace_id = 't'").await;
    assert!(!cheap.contains("Window") && !cheap.contains("message_identity"), "{cheap}");
    assert!(cheap.contains("trace_id@0 = t,"), "{cheap}");
    let new = plan("EXPLAIN SELECT role FROM messages WHERE trace_id = 't' AND is_new").await;
    assert!(new.contains("Window") && new.contains("trace_id@0 = t,") && !new.contains("message_content"), "{new}");
}
