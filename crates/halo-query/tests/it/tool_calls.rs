//! The table `tool_calls`: what was asked for and what was executed, brought together.

use halo_testkit::TestSpan;
use serde_json::{Value, json};

use crate::support::Fixture;

async fn rows(spans: &[TestSpan], sql: &str) -> Vec<Value> {
    let fixture = Fixture::of(spans).await;
    fixture.query(sql).await.expect(sql).rows().into_iter().map(Value::Object).collect()
}

/// Who asked and who executed, in the order of the table.
async fn pairs(spans: &[TestSpan]) -> Vec<String> {
    let sql = "SELECT requested_by_span_id AS asked, executed_by_span_id AS done, attempt FROM tool_calls ORDER BY trace_id, step, asked, done";
    let told = |row: &Value| {
        let text = |column: &str| row[column].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("asked"), text("done"), row["attempt"])
    };
    rows(spans, sql).await.iter().map(told).collect()
}

#[tokio::test]
async fn every_column_is_told() {
    let spans = [
        TestSpan::llm("t", "l1").offered(&["find"]).asks_for("c1", "find", json!({"id": 1})).asks_for(
            "c2",
            "pay",
            json!({"id": 2}),
        ),
        TestSpan::tool("t", "o1").tool_name("find").answers("c1").input("{\"id\":1}").output("{\"ok\":true}"),
        TestSpan::tool("t", "o2")
            .tool_name("find")
            .answers("c9")
            .input("{\"id\":1}")
            .output("{\"error\":\"no order 4711\"}"),
        TestSpan::tool("t", "o3").tool_name("find").error("timed out after 30 s"),
    ];
    let expected = [
        json!({
            "trace_id": "t", "step": 1, "tool_name": "pay", "arguments": "{\"id\":2}", "result": null, "status": null, "failed": null,
            "failure_code": null, "failure_signature": null, "offered": false, "attempt": 1, "gap_ms": null,
            "requested_by_span_id": "l1", "executed_by_span_id": null, "duration_ms": null, "tool_call_id": "c2",
        }),
        json!({
            "trace_id": "t", "step": 2, "tool_name": "find", "arguments": "{\"id\":1}", "result": "{\"ok\":true}", "status": "UNSET",
            "failed": false, "failure_code": null, "failure_signature": null, "offered": true, "attempt": 1, "gap_ms": null,
            "requested_by_span_id": "l1", "executed_by_span_id": "o1", "duration_ms": 500.0, "tool_call_id": "c1",
        }),
        json!({
            "trace_id": "t", "step": 3, "tool_name": "find", "arguments": "{\"id\":1}", "result": "{\"error\":\"no order 4711\"}",
            "status": "UNSET", "failed": true, "failure_code": "error",
            "failure_signature": halo_dataset::error_signature("{\"error\":\"no order 4711\"}"), "offered": null, "attempt": 2,
            "gap_ms": 500.0, "requested_by_span_id": null, "executed_by_span_id": "o2", "duration_ms": 500.0, "tool_call_id": "c9",
        }),
        json!({
            "trace_id": "t", "step": 4, "tool_name": "find", "arguments": null, "result": null, "status": "ERROR", "failed": true,
            "failure_code": "status_error", "failure_signature": halo_dataset::error_signature("timed out after 30 s"), "offered": null,
            "attempt": 1, "gap_ms": 500.0, "requested_by_span_id": null, "executed_by_span_id": "o3", "duration_ms": 500.0,
            "tool_call_id": null,
        }),
    ];
    assert_eq!(rows(&spans, "SELECT * FROM tool_calls ORDER BY step").await, expected);
}

#[tokio::test]
async fn calls_are_matched_by_id_and_else_by_name_and_order() {
    let asks = |span: &str, ids: &[&str]| {
        ids.iter().fold(TestSpan::llm("t", span), |llm, id| llm.asks_for(id, "find", json!({"id": span})))
    };
    let done = |span: &str| TestSpan::tool("t", span).tool_name("find").input("{}");
    // By id, whatever the order.
    assert_eq!(
        pairs(&[asks("l1", &["a1"]), asks("l2", &["a2"]), done("o2").answers("a2"), done("o1").answers("a1")]).await,
        ["l2 o2 1", "l1 o1 2"]
    );
    // The spans do not say which: first asked, first executed.
    assert_eq!(
        pairs(&[asks("l1", &["a1", "a2"]), done("o1"), done("o2"), asks("l2", &["a3"]), done("o3")]).await,
        ["l1 o1 1", "l1 o2 2", "l2 o3 3"]
    );
    // Executed before anybody asked; asked and never executed.
    assert_eq!(
        pairs(&[done("o1"), asks("l1", &["a1"]), done("o2"), asks("l2", &["a2"])]).await,
        ["- o1 1", "l1 o2 2", "l2 - 1"]
    );
    // More executed than asked for.
    assert_eq!(pairs(&[asks("l1", &["a1"]), done("o1"), done("o2")]).await, ["l1 o1 1", "- o2 2"]);
    // Ids that begin anew each turn.
    assert_eq!(
        pairs(&[asks("l1", &["c"]), done("o1").answers("c"), asks("l2", &["c"]), done("o2").answers("c")]).await,
        ["l1 o1 1", "l2 o2 2"]
    );
    // Ids on one side alone, and ids that contradict.
    assert_eq!(pairs(&[asks("l1", &[""]), done("o1").answers("x")]).await, ["l1 o1 1"]);
    assert_eq!(pairs(&[asks("l1", &["a1"]), done("o1").answers("x")]).await, ["l1 - 1", "- o1 1"]);
    // A client's span inside a framework's span is the same request.
    assert_eq!(
        pairs(&[asks("l1", &["a1", "a2"]), asks("l1b", &["a1", "a2"]).parent("l1"), done("o1").answers("a1")]).await,
        ["l1 - 1", "l1 o1 1"]
    );
}

#[tokio::test]
async fn traces_are_kept_apart_and_filters_reach_the_files() {
    let spans = [
        TestSpan::llm("t", "l1").asks_for("a", "find", json!({})),
        TestSpan::tool("u", "o1").tool_name("find").answers("a").input("{}"),
        TestSpan::tool("u", "o2").tool_name("find").input("{}"),
    ];
    assert_eq!(pairs(&spans).await, ["l1 - 1", "- o1 1", "- o2 2"]);
    let plan = rows(&spans, "EXPLAIN SELECT tool_name, failed FROM tool_calls WHERE trace_id = 'u'").await;
    let plan = plan.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(plan.matches("trace_id@0 = u,").count(), plan.matches("DataSourceExec").count(), "{plan}");
    assert!(!plan.contains("text_of(") && !plan.contains("call_arguments("), "{plan}");
}
