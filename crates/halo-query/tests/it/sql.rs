//! What SQL gives over a small dataset: the functions beside the standard ones, types, and what the tables say of themselves.

use halo_query::summary;
use halo_testkit::TestSpan;

use crate::support::Fixture;

/// Statements and their rows, as one text to read.
async fn transcript(fixture: &Fixture, statements: &[&str]) -> String {
    let mut told = String::new();
    for sql in statements {
        told.push_str(&format!("> {sql}\n{}\n\n", fixture.lines(sql).await));
    }
    told
}

#[tokio::test]
async fn questions_that_people_ask() {
    let fixture = Fixture::shop().await;
    let told = transcript(
        &fixture,
        &[
            "SELECT trace_id, span_count, failed_tool_calls, service_names, start_time, duration_ms FROM traces ORDER BY 1",
            "SELECT span_id, step, result_failure(output) AS failure FROM spans WHERE trace_id = 'bb02' ORDER BY step",
            "SELECT result_failure('Error: gone') AS said, result_failure('fine') AS fine, result_failure(NULL) AS nothing",
            "SELECT attributes->>'llm.system' AS system, attributes->'llm.input_messages'->0 AS first,
                attributes->'llm.input_messages'->0->>'role' AS role, attributes->'absent' AS absent
             FROM spans WHERE attributes->>'llm.system' = 'openai'",
            "SELECT requested_tool_calls->0->>'name' AS tool, json_length(requested_tool_calls) AS calls
             FROM spans WHERE requested_tool_calls IS NOT NULL ORDER BY 1",
            "SELECT trace_id FROM traces WHERE array_has(tool_names, 'refund')",
            "SELECT unnest(tool_names) AS tool, count(*) AS traces FROM traces GROUP BY 1 ORDER BY 1",
            "SELECT span_id FROM spans WHERE output ~ 'Fri' AND output !~* 'FRIDAY\\.' ORDER BY 1",
            "SELECT span_id FROM spans WHERE json_matches(attributes, 'help the customers') OR json_matches(output, 'closed \"by')",
            "SELECT count(DISTINCT trace_id) FILTER (WHERE status = 'ERROR') AS failed FROM spans",
            "SELECT step, lag(name) OVER (PARTITION BY trace_id ORDER BY step) AS before FROM spans WHERE trace_id = 'aa01' ORDER BY step",
            "SELECT trace_id FROM traces WHERE start_time >= '2026-01-05T10:00:04Z' ORDER BY 1",
            "SELECT max(start_time) - min(start_time) AS whole, date_trunc('hour', min(start_time)) AS hour FROM spans",
            "SELECT extract(minute FROM start_time), upper('a'), count(*) FROM traces GROUP BY 1, 2",
            "SELECT 0.5 AS a, 'NaN'::double AS b, DATE '2026-01-05' AS c, [1, NULL] AS d, TIMESTAMP '2026-01-05 10:00:00' AS e",
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn tables_say_what_they_hold() {
    const STATEMENTS: [&str; 5] =
        ["SHOW TABLES", "DESCRIBE traces", "DESCRIBE spans", "DESCRIBE messages", "DESCRIBE tool_calls"];
    let fixture = Fixture::shop().await;
    insta::assert_snapshot!(transcript(&fixture, &STATEMENTS).await);
    for table in ["spans", "traces", "messages", "tool_calls"] {
        let all = fixture.query(&format!("SELECT * FROM {table}")).await.expect("runs");
        let names: Vec<&str> = all.columns.iter().map(|column| column.name.as_str()).collect();
        for hidden in ["content_hash", "row_id", "tags", "input_id", "input_messages", "texts"] {
            assert!(!names.contains(&hidden), "{hidden}");
        }
        // What DESCRIBE says is what SELECT gives.
        let described = fixture.query(&format!("DESCRIBE {table}")).await.expect("runs");
        let column = |name: &str| described.texts(name).expect("the column").into_iter().flatten();
        assert_eq!(column("column_name").collect::<Vec<_>>(), names);
        let types: Vec<&str> = all.columns.iter().map(|column| column.sql_type.as_str()).collect();
        assert_eq!(column("type").collect::<Vec<_>>(), types, "{table}");
    }
}

#[tokio::test]
async fn a_summary_counts_traces_and_tokens_once() {
    let fixture = Fixture::shop().await;
    let summary = summary(&fixture.session).await.expect("a summary");
    insta::assert_json_snapshot!(summary);
}

#[tokio::test]
async fn an_empty_dataset_answers() {
    let fixture = Fixture::of(&[]).await;
    assert_eq!(fixture.lines("SELECT count(*) AS n FROM spans").await, r#"{"n":0}"#);
    assert_eq!(fixture.lines("SELECT trace_id, attributes->>'x' AS x FROM traces").await, "");
    let empty = summary(&fixture.session).await.expect("a summary");
    assert_eq!(empty, halo_protocol::DatasetSummary::default());
}

#[tokio::test]
async fn results_give_rows_and_texts() {
    let fixture = Fixture::of(&[TestSpan::tool("t1", "s1").output("x"), TestSpan::tool("t1", "s2")]).await;
    let result = fixture.query("SELECT output, step FROM spans ORDER BY step").await.expect("runs");
    assert_eq!(result.row_count(), 2);
    assert_eq!(result.texts("output"), Some(vec![Some("x".to_owned()), None]));
    assert_eq!(result.texts("step"), Some(vec![Some("1".to_owned()), Some("2".to_owned())]));
    assert_eq!(result.texts("missing"), None);
    assert_eq!(result.rows()[1]["output"], serde_json::Value::Null);
    assert!(!result.truncated);
}

#[tokio::test]
async fn errors_that_differ_in_a_word_are_one_cause() {
    let error = |id: &str, message: &str| TestSpan::tool("t1", id).error(message);
    let fixture = Fixture::of(&[
        error("a", "filtered by policy record (id 51a0fe)"),
        error("b", "filtered by policy house (id 62b1af)"),
        error("c", "filtered by policy stone (id 73c2b0)"),
        error("d", "filtered by policy paper (id 84d3c1)"),
        error("e", "connection refused by host 4"),
        TestSpan::tool("t1", "f"),
    ])
    .await;
    let told = transcript(
        &fixture,
        &[
            "SELECT error_signature, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 2 DESC, 1",
            "SELECT count(*) AS spans FROM spans WHERE error_signature = 'filtered by policy <word> (id <id>)'",
            "SELECT failure_signature, count(*) AS calls FROM tool_calls GROUP BY 1 ORDER BY 2 DESC, 1",
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}
