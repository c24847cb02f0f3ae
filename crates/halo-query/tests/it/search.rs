//! Searching the whole dataset: what a model reads of it, and that nothing is missed or made up.

use halo_testkit::TestSpan;
use serde_json::json;

use crate::support::Fixture;
use crate::tools::transcript;

/// Two runs that send their history again, one whose payloads are JSON in JSON, and one without any of that.
fn talks() -> Vec<TestSpan> {
    let told = |index: usize| format!("The order {} was refused: card declined by bank {}.", 4000 + index, index * 7);
    let mut spans = Vec::new();
    for index in 0..3 {
        let trace = format!("t{index}");
        let question = json!({"role": "user", "content": format!("Where is order {}?", 4000 + index)});
        let answer = json!({"role": "assistant", "content": told(index)});
        spans.extend([
            TestSpan::llm(&trace, "l1").message_in(question.clone()).message_out(answer.clone()),
            TestSpan::llm(&trace, "l2")
                .message_in(question)
                .message_in(answer)
                .message_in(json!({"role": "user", "content": "Why?"}))
                .message_out(json!({"role": "assistant", "content": "The bank says no.\nPlease call it."})),
        ]);
    }
    spans.push(
        TestSpan::tool("t3", "o1")
            .service("billing")
            .tool_name("find_order")
            .input(r#"{"id": 4711}"#)
            .output(r#"{"state": "past_due", "note": "{\"said\":\"the \\\"card\\\" declined\\nby C:\\\\bank\"}"}"#)
            .attribute("tenant", "acme \"north\"")
            .events(json!([{"name": "exception", "attributes": {"exception.message": "no answer from db-17"}}])),
    );
    spans.push(TestSpan::new("CHAIN", "t4", "c1").name("plan").attribute("retries", 3));
    spans
}

#[tokio::test]
async fn a_search_tells_texts_hits_and_traces() {
    let fixture = Fixture::of(&talks()).await;
    let search = |args: serde_json::Value| ("search", args);
    let told = transcript(
        &fixture,
        vec![
            search(json!({"pattern": "declined"})),
            search(json!({"pattern": "declined", "show": "hits", "context_buffer_chars": 20})),
            search(json!({"pattern": "declined", "show": "hits", "limit": 1, "offset": 1})),
            search(json!({"pattern": "declined", "show": "traces"})),
            search(json!({"pattern": "declined", "show": "traces", "limit": 2})),
            search(json!({"pattern": "declined", "filters": {"service_names": ["billing"]}})),
            search(json!({"pattern": "\"state\": \"past_due\"", "literal": true})),
            search(json!({"pattern": "\"state\":\"past_due\""})),
            search(json!({"pattern": "DECLINED"})),
            search(json!({"pattern": "DECLINED by bank [0-9]+", "ignore_case": true})),
            search(json!({"pattern": "C:\\bank", "literal": true})),
            search(json!({"pattern": "^the \"card\"|^Why\\?$"})),
            search(json!({"pattern": "no answer|acme \"north|^find_order$|^3$"})),
            search(json!({"pattern": "exception.message"})),
            search(json!({"pattern": "(?=x)"})),
            search(json!({"pattern": "x", "show": "all"})),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_sql_finds_by_pattern_is_what_a_search_finds() {
    let fixture = Fixture::of(&talks()).await;
    let ids = "SELECT string_agg(trace_id, ' ' ORDER BY trace_id) AS ids FROM traces WHERE";
    for (condition, expected) in [
        ("trace_matches(trace_id, 'declined')", "t0 t1 t2 t3"),
        ("trace_matches(trace_id, 'declined') AND NOT trace_matches(trace_id, '^Why')", "t3"),
        ("trace_matches(trace_id, 'plan')", "t4"),
        ("trace_matches(trace_id, 'nowhere')", ""),
    ] {
        let found = fixture.query(&format!("{ids} {condition}")).await.expect("runs").texts("ids");
        let found = found.expect("a column").remove(0).unwrap_or_default();
        assert_eq!(found, expected, "{condition}");
    }
    let wrong = fixture.lines("SELECT trace_matches(trace_id, '(?<=x)') FROM traces").await;
    assert!(wrong.contains("look-around"), "{wrong}");
}
