//! `attribute_values` and `describe_attributes`: what stands on traces, spans and resources, counted once wherever it is stored.

use halo_testkit::{TestSpan, dataset_of_segments};
use serde_json::json;

use crate::support::{Fixture, shop_spans};
use crate::tools::transcript;

/// Two runs a day for twenty days; from day 10 on a new release, of which every second run fails. Values are short, long, many, numbered.
fn releases() -> Vec<TestSpan> {
    let day_ms = 24 * 3600 * 1000;
    let mut spans = Vec::new();
    for run in 0..40_i64 {
        let (trace, day) = (format!("t{run:02}"), run / 2);
        let release = if day < 10 { "1.0" } else { "2.0" };
        let start = |offset: i64| day * day_ms + run % 2 * 1000 + offset;
        let failing = day >= 10 && run % 2 == 1;
        let agent = TestSpan::agent(&trace, "r")
            .start_ms(start(0))
            .resource("release", release)
            .resource("host", format!("pod-{}", run % 3));
        spans.push(if failing { agent.error("gave up") } else { agent.ok() });
        spans.push(
            TestSpan::llm(&trace, "l")
                .parent("r")
                .start_ms(start(10))
                .resource("release", release)
                .resource("host", format!("pod-{}", run % 3))
                .attribute("tenant", if run % 4 == 0 { "Café \"Noir\"" } else { "acme" })
                .attribute("llm.temperature", 0.5)
                .attribute("llm.stream", run % 2 == 0)
                .attribute(
                    "llm.params",
                    format!("{{\"top_p\": {}, \"comment\": \"longer than what stands inline\", \"more\": 1}}", run % 2),
                )
                .attribute("llm.tools.0.name", "find")
                .attribute("llm.tools.1.name", "pay")
                .attribute("nothing", serde_json::Value::Null)
                .attribute("request.id", format!("req-{run}"))
                .attribute("prompt.text", "a long text ".repeat(20 + usize::try_from(run).unwrap_or(0))),
        );
    }
    spans
}

#[tokio::test]
async fn the_values_of_attributes_are_a_table() {
    let fixture = Fixture::of(&releases()).await;
    let told = fixture
        .lines("SELECT * FROM attribute_values WHERE key <> 'request.id' ORDER BY key, of, traces DESC, value")
        .await;
    insta::assert_snapshot!(told);
    let counted = fixture.lines("SELECT count(*) AS values, count(DISTINCT value) AS different FROM attribute_values WHERE key = 'request.id' AND of = 'span'").await;
    assert_eq!(counted, r#"{"different":40,"values":40}"#);
    let described = fixture.lines("DESCRIBE attribute_values").await;
    assert!(described.contains("describe_attributes"), "{described}");
    let known = fixture.lines("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'attribute_values' AND column_name IN ('of', 'first_seen') ORDER BY 1").await;
    insta::assert_snapshot!(known);
}

#[tokio::test]
async fn counts_are_those_of_sql_however_traces_lie() {
    let spans = releases();
    // Every trace stands in both segments: its root in one, its call in the other.
    let roots: Vec<TestSpan> = spans.iter().step_by(2).cloned().collect();
    let calls: Vec<TestSpan> = spans.iter().skip(1).step_by(2).cloned().collect();
    let (_folder, straddling) = dataset_of_segments(&[&roots, &calls]);
    let whole = Fixture::of(&spans).await;
    for session in [whole.session.clone(), crate::support::open(&straddling).await] {
        let told = |sql: &'static str| {
            let session = session.clone();
            async move {
                let result =
                    session.query(sql, &crate::support::LIMITS, &tokio_util::sync::CancellationToken::new()).await;
                result.expect("the query runs").rows()
            }
        };
        let counted = told("SELECT value, traces, spans, failed_traces, first_seen, last_seen FROM attribute_values WHERE key = 'host' AND of = 'resource' ORDER BY value").await;
        let by_hand = told(
            "SELECT resource_attributes->>'host' AS value, count(DISTINCT trace_id) AS traces, count(*) AS spans,
                count(DISTINCT CASE WHEN outcome = 'failure' THEN trace_id END) AS failed_traces, min(s.start_time) AS first_seen, max(s.start_time) AS last_seen
             FROM spans s JOIN (SELECT trace_id AS id, outcome FROM traces) t ON trace_id = id GROUP BY 1 ORDER BY 1",
        )
        .await;
        assert_eq!(counted, by_hand);
        assert_eq!(counted.len(), 3);
        let traces = told("SELECT sum(traces) AS n, sum(failed_traces) AS failed FROM attribute_values WHERE key = 'release' AND of = 'trace'").await;
        assert_eq!(json!(traces), json!([{"n": 40, "failed": 10}]));
    }
}

#[tokio::test]
async fn a_model_learns_which_attributes_there_are() {
    let fixture = Fixture::of(&releases()).await;
    let told = transcript(
        &fixture,
        vec![
            ("describe_attributes", json!({})),
            ("describe_attributes", json!({"filters": {"has_errors": true}})),
            ("describe_attributes", json!({"offset": 6})),
            ("describe_attributes", json!({"key": "release"})),
            ("describe_attributes", json!({"key": "release", "filters": {"end_time_lte": "2026-01-10T00:00:00Z"}})),
            ("describe_attributes", json!({"key": "tenant"})),
            ("describe_attributes", json!({"key": "llm.tools.*.name"})),
            ("describe_attributes", json!({"key": "llm.tools.1.name"})),
            ("describe_attributes", json!({"key": "request.id", "offset": 38})),
            ("describe_attributes", json!({"key": "prompt.text", "offset": 39})),
            ("describe_attributes", json!({"key": "relaese"})),
            ("describe_attributes", json!({"key": "zzzzzzzz"})),
            ("describe_attributes", json!({"filters": {"service_names": ["none"]}})),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_only_other_traces_have_is_told() {
    let fixture = Fixture::of(&shop_spans()).await;
    let told = transcript(
        &fixture,
        vec![("describe_attributes", json!({"key": "llm.system", "filters": {"service_names": ["billing"]}}))],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_key_with_many_values_is_counted_when_it_is_asked_for() {
    let spans: Vec<TestSpan> = (0..250)
        .map(|run| {
            TestSpan::agent(&format!("t{run:03}"), "r")
                .attribute("order", format!("o{}", run % 240))
                .attribute("lane", format!("l{}", run % 200))
        })
        .collect();
    let fixture = Fixture::of(&spans).await;
    let keys = fixture.lines("SELECT key, of, count(*) AS values FROM attribute_values WHERE key IN ('order', 'lane') GROUP BY 1, 2 ORDER BY 1, 2").await;
    insta::assert_snapshot!(keys);
    let told = transcript(
        &fixture,
        vec![("describe_attributes", json!({})), ("describe_attributes", json!({"key": "order", "offset": 235}))],
    )
    .await;
    insta::assert_snapshot!(told);
}
