//! `prompts`: each system prompt and tool list once, with who used it when, and how it changed.

use halo_testkit::{TestSpan, dataset_of_segments};
use serde_json::json;

use crate::support::{Fixture, LIMITS, open};

const OLD: &str = "You help the customers of a shop.\nRefunds: within 30 days.\nBe kind.";
const NEW: &str = "You help the customers of a shop.\nRefunds: within 14 days.\nBe kind.\nNever promise a date.";

fn call(trace: &str, span: &str, system: &str) -> TestSpan {
    TestSpan::llm(trace, span)
        .agent_name("support")
        .message_in(json!({"role": "system", "content": system}))
        .message_in(json!({"role": "user", "content": "hi"}))
}

fn find_tool(description: &str) -> String {
    json!({"type": "function", "function": {"name": "find", "description": description, "parameters": {"type": "object", "properties": {"id": {"type": "string"}}}}}).to_string()
}

fn spans() -> Vec<TestSpan> {
    let pay = json!({"name": "pay", "description": "Pays.", "parameters": {}});
    let spans = vec![
        call("t1", "a", OLD)
            .offered(&["find"])
            .attribute("llm.tools.0.tool.json_schema", find_tool("Finds an order."))
            .attribute("release", "r1"),
        call("t1", "b", OLD)
            .offered(&["find"])
            .attribute("llm.tools.0.tool.json_schema", find_tool("Finds an order."))
            .model("gpt-4o-mini"),
        call("t2", "a", OLD)
            .offered(&["find"])
            .attribute("gen_ai.tool.definitions", format!("[{}]", find_tool("Finds an order."))),
        call("t3", "a", NEW)
            .offered(&["find", "pay"])
            .attribute("llm.tools.0.tool.json_schema", find_tool("Finds an order by its id."))
            .attribute("llm.tools.1.tool.json_schema", pay.to_string())
            .attribute("release", "r2"),
        // The same text with another agent, a message of its own from the developer, and tools of which only names are known.
        call("t3", "b", NEW)
            .agent_name("refunds")
            .message_in(json!({"role": "developer", "content": "Speak French."}))
            .offered(&["find"]),
        TestSpan::agent("t3", "c").message_in(json!({"role": "system", "content": NEW})).agent_name("refunds"),
        // No prompts: no system message, an empty one, a tool's own span.
        TestSpan::llm("t4", "a").message_in(json!({"role": "user", "content": "hi"})),
        TestSpan::llm("t4", "b").message_in(json!({"role": "system", "content": ""})),
        TestSpan::tool("t4", "c").output("{}"),
    ];
    (0..).zip(spans).map(|(second, span)| span.start_ms(second * 1000)).collect()
}

#[tokio::test]
async fn each_prompt_is_told_once_with_what_changed() {
    let fixture = Fixture::of(&spans()).await;
    let told = fixture.lines("SELECT * FROM prompts").await;
    insta::assert_snapshot!(told.replace(r"\n", "\n    "));
    let filtered = fixture.lines("SELECT count(*) AS n FROM prompts WHERE agent_name = 'support' AND kind = 'system' AND array_has(versions, 'r2') AND text LIKE '%14 days%'").await;
    assert_eq!(filtered, r#"{"n":1}"#);
    let by_hand = fixture
        .lines("SELECT diff_lines(a.text, b.text) AS d FROM prompts a JOIN prompts b ON a.prompt_id = b.previous_id WHERE b.kind = 'system'")
        .await;
    assert_eq!(
        by_hand,
        json!({"d": "@@ 2\n- Refunds: within 30 days.\n+ Refunds: within 14 days.\n@@ 4\n+ Never promise a date.\n"})
            .to_string()
    );
    assert_eq!(
        fixture.lines("SELECT diff_lines('a', NULL) AS none, diff_lines('a', 'a') AS same").await,
        r#"{"none":null,"same":""}"#
    );
}

#[tokio::test]
async fn prompts_are_counted_once_over_segments() {
    let spans = spans();
    // t1 and t3 stand in both.
    let (_folder, dataset) =
        dataset_of_segments(&[&[spans[0].clone(), spans[3].clone()], &[&spans[1..3], &spans[4..]].concat()]);
    let session = open(&dataset).await;
    let sql = "SELECT prompt_id, kind, agent_name, traces, spans, versions, models, previous_id, text FROM prompts";
    let told = session.query(sql, &LIMITS, &Default::default()).await.expect("the query runs").rows();
    let whole = Fixture::of(&spans).await;
    let expected = whole.query(sql).await.expect("the query runs").rows();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_empty_dataset_has_no_prompts() {
    let fixture = Fixture::of(&[]).await;
    let told = fixture
        .lines("SELECT (SELECT count(*) FROM prompts) AS prompts, (SELECT count(*) FROM attribute_values) AS values, (SELECT count(*) FROM errors) AS errors")
        .await;
    assert_eq!(told, r#"{"errors":0,"prompts":0,"values":0}"#);
}
