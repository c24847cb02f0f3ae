//! JSON that is stored with holes, as SQL shows it: whole, and one attribute at a time.

use std::sync::Arc;

use halo_dataset::{
    Commit, Content, Dataset, DatasetWriter, Effort, MessageDraft, SpanBatchBuilder, SpanChunk, SpanRow, Spelling,
};
use halo_query::{QueryError, TraceSession};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::{LIMITS, open};

/// Attributes with every kind of hole, and what they stand for.
fn stored_and_shown() -> (String, Value) {
    let stored = [
        r#""tenant":"acme","n":7,"long":{"halo$text":0},"nested":{"a":[{"halo$text":0},1]},"raw":{"halo$json":1}"#,
        r#""llm.input":{"halo$in":["{\"model\": \"m\", \"messages\": [",", ","]}"]},"in_array":{"halo$in":0},"llm.output":{"halo$out":["[",",","]"]}"#,
        r#""part":{"halo$list":[1,2]},"one":{"halo$list":[2,1,"","",""]}"#,
        r#""halo$flat:llm.input_messages":"in","halo$flat:llm.output_messages":"out","halo$flat:other":[0,2]"#,
    ];
    let (user, other) = (r#"{"message.role":"user","message.content":"Café?"}"#, r#"{"message.content":"Yes."}"#);
    let spelled = r#"{"message.role": "user", "message.content": "Caf\u00e9?"}"#;
    let shown = json!({
        "tenant": "acme",
        "n": 7,
        "long": "a long \"text\"\nof two lines",
        "nested": {"a": ["a long \"text\"\nof two lines", 1]},
        "raw": {"deep": [{"x": 1}]},
        "llm.input": format!(r#"{{"model": "m", "messages": [{user}, {other}]}}"#),
        "in_array": [{"message.role": "user", "message.content": "Café?"}, {"message.content": "Yes."}],
        "llm.output": format!("[{other}]"),
        "part": [{"message.role": "user", "message.content": "Café?"}, {"message.role": "user", "message.content": "Café?"}],
        "one": spelled,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Café?",
        "llm.input_messages.1.message.content": "Yes.",
        "llm.output_messages.0.message.content": "Yes.",
        "other.0.message.content": "Yes.",
        "other.1.message.role": "user",
        "other.1.message.content": "Café?",
    });
    (format!("{{{}}}", stored.join(",")), shown)
}

fn chunk(trace_id: &str, span_id: &str) -> Arc<SpanChunk> {
    let mut content = Content::default();
    let texts = ["something else", "a long \"text\"\nof two lines", r#"{"deep":[{"x":1}]}"#, "Café?", "Yes."];
    let numbers = texts.map(|text| content.texts.intern(text));
    let mut message = |role, text: u32, shape, spelling| {
        let draft = MessageDraft {
            role,
            content: Some(text),
            shape: Some(shape),
            spelling,
            texts: &[text],
            ..MessageDraft::default()
        };
        i64::from(content.add_message(&draft))
    };
    let python = Spelling { spaced: true, ascii: true };
    let spelled =
        message(Some("user"), numbers[3], r#"{"message.role": "user", "message.content": {"halo$text":0}}"#, python);
    let user = message(
        Some("user"),
        numbers[3],
        r#"{"message.role":"user","message.content":{"halo$text":0}}"#,
        Spelling::default(),
    );
    let other = message(None, numbers[4], r#"{"message.content":{"halo$text":0}}"#, Spelling::default());
    let whole = content.texts.intern(r#"{"halo$x":1,"tenant":"whole"}"#);
    let mut builder = SpanBatchBuilder::default();
    let (attributes, _) = stored_and_shown();
    let row = SpanRow {
        trace_id: Some(trace_id),
        span_type: Some("LLM"),
        status: Some("UNSET"),
        start_time: Some(1),
        input: Some(i64::from(numbers[3])),
        ..SpanRow::default()
    };
    builder.push(&SpanRow {
        span_id: Some(span_id),
        attributes: Some(&attributes),
        events: Some(r#"[{"name":{"halo$text":0}}]"#),
        links: Some(r#"[{"a":{"halo$json":1}}]"#),
        extra: Some("{}"),
        input_messages: &[user, other],
        output_messages: &[other],
        texts: &[i64::from(numbers[1]), i64::from(numbers[2])],
        extra_messages: &[other, user, spelled],
        ..row
    });
    builder.push(&SpanRow {
        span_id: Some("whole"),
        start_time: Some(2),
        attributes: Some(r#"{"halo$json":0}"#),
        texts: &[i64::from(whole)],
        ..row
    });
    builder.push(&SpanRow { span_id: Some("bare"), start_time: Some(3), ..row });
    Arc::new(SpanChunk { batch: builder.finish().expect("a batch"), content, bytes: 0 })
}

/// One trace in two segments, so that ids of texts are not what they are in the other.
fn dataset() -> (TempDir, Dataset) {
    let folder = TempDir::new().expect("a folder");
    let mut writer = DatasetWriter::open_or_create(folder.path()).expect("a writer");
    for (trace, span) in [("other", "first"), ("t", "full")] {
        let outcome = writer.segment().write_all(&[chunk(trace, span)], Effort::INGEST).expect("a segment");
        writer.add(outcome).expect("added");
    }
    writer.commit(Commit::default()).expect("committed");
    let dataset = Dataset::open(folder.path()).expect("opens");
    (folder, dataset)
}

async fn rows(session: &TraceSession, sql: &str) -> Vec<Value> {
    let result = session.query(sql, &LIMITS, &CancellationToken::new()).await.expect(sql);
    result.rows().into_iter().map(Value::Object).collect()
}

async fn plan(session: &TraceSession, sql: &str) -> String {
    let rows = rows(session, &format!("EXPLAIN {sql}")).await;
    // What runs: the names of columns in it tell of what was written.
    rows.iter().filter(|row| row["plan_type"] == "physical_plan").map(Value::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn holes_are_filled() {
    let (_kept, dataset) = dataset();
    let session = open(&dataset).await;
    let rows = rows(&session, "SELECT * FROM spans WHERE trace_id = 't' ORDER BY step").await;
    let json = |row: usize, column: &str| -> Value {
        rows[row][column].as_str().map_or(Value::Null, |text| serde_json::from_str(text).expect("JSON"))
    };
    assert_eq!(json(0, "attributes"), stored_and_shown().1);
    assert_eq!(json(0, "events"), json!([{"name": "a long \"text\"\nof two lines"}]));
    assert_eq!(json(0, "links"), json!([{"a": {"deep": [{"x": 1}]}}]));
    assert_eq!(json(0, "extra"), json!({}));
    assert_eq!(rows[0]["input"], "Café?");
    assert_eq!(json(1, "attributes"), json!({"halo$x": 1, "tenant": "whole"}));
    let nothing = ["attributes", "events", "links", "extra", "output", "requested_tool_calls"];
    assert!(nothing.iter().all(|column| rows[2][*column].is_null()), "{:?}", rows[2]);
}

#[tokio::test]
async fn an_attribute_is_what_it_is_in_the_whole() {
    let (_kept, dataset) = dataset();
    let session = open(&dataset).await;
    let (_, shown) = stored_and_shown();
    let keys: Vec<&str> = shown.as_object().expect("an object").keys().map(String::as_str).chain(["absent"]).collect();
    for key in keys {
        for look in ["attributes->>'KEY'", "attributes->'KEY'", "json_get_str(attributes, 'KEY')", "attributes ? 'KEY'"]
        {
            let look = look.replace("KEY", key);
            // Concatenated, it is a text that has never been stored.
            let plainly = look.replace("attributes", "concat(attributes, '')");
            let sql =
                format!("SELECT span_id, {look} AS found, {plainly} AS expected FROM spans ORDER BY trace_id, step");
            for row in rows(&session, &sql).await {
                assert_eq!(row["found"], row["expected"], "{look}: {row}");
            }
        }
    }
    let sql = "SELECT attributes->>'tenant' AS tenant, attributes->'nested'->'a'->>0 AS first, attributes->'raw'->'deep'->0->>'x' AS x,
        json_length(attributes, 'nested', 'a') AS n FROM spans WHERE trace_id = 't' ORDER BY step";
    let expected = [
        json!({"tenant": "acme", "first": "a long \"text\"\nof two lines", "x": "1", "n": 2}),
        json!({"tenant": "whole", "first": null, "x": null, "n": null}),
        json!({"tenant": null, "first": null, "x": null, "n": null}),
    ];
    assert_eq!(rows(&session, sql).await, expected);
}

#[tokio::test]
async fn an_attribute_is_picked_and_not_the_whole_filled() {
    let (_kept, dataset) = dataset();
    let session = open(&dataset).await;
    for sql in [
        "SELECT attributes->>'tenant' FROM spans",
        "SELECT attributes->>'tenant', attributes->>'n' FROM spans",
        "SELECT span_id FROM spans WHERE attributes->>'tenant' = 'acme' AND attributes->>'n' = '7'",
        "SELECT attributes->>'tenant' AS tenant, count(*) FROM spans WHERE attributes ? 'n' GROUP BY 1 ORDER BY 2",
        "SELECT s.attributes->>'tenant' FROM spans s JOIN traces t ON s.trace_id = t.trace_id WHERE t.span_count > 1",
        "WITH a AS (SELECT trace_id, attributes FROM spans WHERE span_type = 'LLM') SELECT count(*) FILTER (WHERE attributes->>'n' = '7') FROM a",
        "SELECT CASE WHEN span_type = 'LLM' THEN attributes->>'tenant' END FROM spans WHERE attributes IS NOT NULL",
    ] {
        let plan = plan(&session, sql).await;
        assert!(!plan.contains("fill_json(attributes@"), "{sql}\n{plan}");
    }
    for sql in [
        "SELECT span_id FROM spans WHERE requested_tool_calls IS NULL AND input IS NOT NULL",
        "SELECT step, name FROM spans",
    ] {
        let plan = plan(&session, sql).await;
        assert!(!plan.contains("text_of") && !plan.contains(" requested_calls("), "{sql}\n{plan}");
    }
    // Texts are read after all that is cheaper was asked, however it is written.
    let plan = plan(&session, "SELECT span_id FROM spans WHERE input ~ 'Caf' AND span_type = 'LLM'").await;
    let predicate = plan.split("parquet, predicate=").nth(1).expect("a predicate");
    assert!(predicate.starts_with("span_type") && predicate.contains("text_of(input_id"), "{plan}");
}

/// Short attributes stand in the file of the spans: no other file is opened for them.
#[tokio::test]
async fn what_is_not_asked_for_is_not_read() {
    let (_kept, dataset) = dataset();
    let session = open(&dataset).await;
    for file in dataset.text_files().iter().chain(&dataset.message_files()) {
        std::fs::write(file, "no parquet at all, and long enough").expect("written");
    }
    let tenants =
        rows(&session, "SELECT attributes->>'tenant' AS tenant FROM spans WHERE trace_id = 't' AND step = 1").await;
    assert_eq!(tenants, [json!({"tenant": "acme"})]);
    let there = rows(
        &session,
        "SELECT count(*) AS n FROM spans WHERE step = 1 AND attributes ? 'llm.input' AND input IS NOT NULL",
    )
    .await;
    assert_eq!(there, [json!({"n": 2})]);
    for (sql, file) in [
        ("SELECT input FROM spans", "texts.parquet"),
        ("SELECT span_id FROM spans WHERE input = 'x'", "texts.parquet"),
        ("SELECT attributes FROM spans WHERE trace_id = 't'", "000002/messages.parquet"),
        ("SELECT span_id FROM spans WHERE trace_id = 't' AND attributes->>'long' = 'x'", "000002/texts.parquet"),
        ("SELECT role FROM messages", "messages.parquet"),
    ] {
        let error = session.query(sql, &LIMITS, &CancellationToken::new()).await.expect_err(sql);
        assert!(matches!(error, QueryError::Dataset(_)), "{sql}: {error:?}");
        let text = error.to_string();
        assert!(text.contains(&format!("{file}` is damaged")), "{sql}: {text}");
    }
}
