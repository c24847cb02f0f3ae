//! What every table, view and function means, as SQL and its rows: `tests/slt/*.slt`, over one dataset whose trace `both` stands in two
//! segments, and whose span `full` has every column.

use std::path::Path;
use std::sync::Arc;

use halo_dataset::{Commit, Content, Dataset, DatasetWriter, Effort, SpanBatchBuilder, SpanChunk, SpanRow};
use halo_query::{QueryError, TraceSession};
use halo_testkit::{TestSpan, dataset_of_segments};
use serde_json::json;
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner, strict_column_validator};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::support::{LIMITS, open, shop_spans};

/// A run whose spans are in two segments: a loop of searches, one of which fails.
fn straddling() -> (Vec<TestSpan>, Vec<TestSpan>) {
    let search = |id: &str, start_ms| {
        TestSpan::tool("both", id).parent("root").start_ms(start_ms).tool_name("search").input(r#"{"q":"café"}"#)
    };
    let first = vec![
        TestSpan::agent("both", "root").start_ms(60_000).duration_ms(9000).input("find it").output("found").ok(),
        search("late", 65_000).output(r#"{"hits":[{"id":7,"title":"C:\\temp \"x\""}]}"#).answers("k2"),
    ];
    let second = vec![
        TestSpan::llm("both", "ask")
            .parent("root")
            .start_ms(61_000)
            .tokens(20, 2)
            .offered(&["search", "open"])
            .message_in(json!({"role": "system", "content": "You search."}))
            .message_in(json!({"role": "user", "content": "find it"}))
            .asks_for("k1", "search", json!({"q": "café"}))
            .asks_for("k2", "search", json!({"q": "café"})),
        search("mid", 62_000).error("no index 17 at /var/lib/idx").answers("k1"),
        TestSpan::llm("both", "again")
            .parent("root")
            .start_ms(63_000)
            .message_in(json!({"role": "system", "content": "You search."}))
            .message_in(json!({"role": "user", "content": "find it"}))
            .message_in(json!({"role": "tool", "content": "no index", "tool_call_id": "k1"}))
            .message_out(json!({"role": "assistant", "content": "Once more."}))
            .asks_for("k3", "open", json!({"id": 7})),
        TestSpan::agent("lone", "s").start_ms(120_000).unfinished(),
    ];
    (first, second)
}

/// A span in which no column of the table is null.
fn full(content: &mut Content) -> SpanRow<'static> {
    let start = 1_767_607_200_123_456_789;
    SpanRow {
        trace_id: Some("full"),
        span_id: Some("full"),
        parent_span_id: Some("gone"),
        name: Some("chat"),
        kind: Some("CLIENT"),
        span_type: Some("LLM"),
        start_time: Some(start),
        end_time: Some(start + 1_500_000_000),
        duration_ms: Some(1500.0),
        status: Some("ERROR"),
        status_message: Some("rate limit of org 12 reached"),
        error_type: Some("RateLimitError"),
        error_signature: Some("rate limit of org <n> reached"),
        service_name: Some("desk"),
        service_version: Some("2.1"),
        scope_name: Some("openinference"),
        scope_version: Some("0.9"),
        project_id: Some("p1"),
        environment: Some("prod"),
        agent_name: Some("writer"),
        agent_id: Some("w-1"),
        session_id: Some("s-1"),
        user_id: Some("u-1"),
        model: Some("gpt-4o"),
        provider: Some("openai"),
        input_tokens: Some(100),
        output_tokens: Some(10),
        cached_input_tokens: Some(60),
        cache_write_tokens: Some(30),
        reasoning_tokens: Some(4),
        cost_usd: Some(0.0125),
        finish_reason: Some("stop"),
        tool_name: Some("none"),
        tool_call_id: Some("c0"),
        offered_tools: Some(r#"["search"]"#),
        message_count: Some(3),
        failure_code: Some("http_429"),
        input: Some(i64::from(content.texts.intern("what went in"))),
        output: Some(i64::from(content.texts.intern("what came out"))),
        attributes: Some(r#"{"release":"r7","nested":{"a":[1,null,"x"]},"halo.odd key":true}"#),
        resource_attributes: Some(r#"{"host":"h1"}"#),
        events: Some(r#"[{"name":"exception","attributes":{"exception.type":"RateLimitError"}}]"#),
        links: Some(r#"[{"traceId":"lone"}]"#),
        trace_state: Some("k=v"),
        extra: Some(r#"{"vendor":"x"}"#),
        raw_bytes: Some(512),
        dialect: Some("openinference"),
        id_conflict: Some(false),
        source: Some("b.jsonl"),
        source_line: Some(3),
        content_hash: Some(99),
        tags: Some(""),
        ..SpanRow::default()
    }
}

fn add_full(root: &Path) -> halo_dataset::Result<Dataset> {
    let mut writer = DatasetWriter::open_or_create(root)?;
    let (mut builder, mut content) = (SpanBatchBuilder::default(), Content::default());
    builder.push(&full(&mut content));
    let chunk = SpanChunk { batch: builder.finish()?, bytes: content.bytes(), content };
    let outcome = writer.segment().write_all(&[Arc::new(chunk)], Effort::INGEST)?;
    writer.add(outcome)?;
    writer.commit(Commit::default())?;
    drop(writer);
    Dataset::open(root)
}

struct Halo {
    session: TraceSession,
    runtime: Runtime,
    _folder: TempDir,
}

impl Halo {
    fn new() -> Self {
        let (first, second) = straddling();
        let (folder, _) = dataset_of_segments(&[&[shop_spans(), first].concat(), &second]);
        let dataset = add_full(folder.path()).expect("a third segment");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let session = runtime.block_on(open(&dataset));
        Self { session, runtime, _folder: folder }
    }
}

impl DB for Halo {
    type Error = QueryError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        let result = self.runtime.block_on(self.session.query(sql, &LIMITS, &CancellationToken::new()))?;
        let types = result.columns.iter().map(|column| match column.sql_type.as_str() {
            "bigint" | "integer" => DefaultColumnType::Integer,
            "double" | "real" => DefaultColumnType::FloatingPoint,
            _ => DefaultColumnType::Text,
        });
        let cell = |value: &serde_json::Value| match value {
            serde_json::Value::Null => "NULL".to_owned(),
            serde_json::Value::String(text) if text.is_empty() => "(empty)".to_owned(),
            serde_json::Value::String(text) => text.replace('\n', "\\n"),
            other => other.to_string(),
        };
        let names: Vec<&str> = result.columns.iter().map(|column| column.name.as_str()).collect();
        let rows = result.rows();
        let rows = rows.iter().map(|row| names.iter().map(|name| cell(&row[*name])).collect()).collect();
        Ok(DBOutput::Rows { types: types.collect(), rows })
    }
}

fn run(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt").join(file);
    let mut runner = Runner::new(|| async { Ok(Halo::new()) });
    runner.with_column_validator(strict_column_validator);
    let told = runner.run_file(path).map_err(|error| error.display(false).to_string());
    assert_eq!(told, Ok(()));
}

/// The file of a table asks for every column of it.
fn run_table(table: &str) {
    let file = format!("{table}.slt");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt").join(&file));
    let text = text.expect("the file of the table");
    let mut halo = Halo::new();
    let columns = halo.run(&format!("SHOW COLUMNS FROM {table}")).expect("the table");
    let rows = if let DBOutput::Rows { rows, .. } = columns { rows } else { Vec::new() };
    assert!(!rows.is_empty(), "{table}");
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let missing: Vec<&String> = rows.iter().map(|row| &row[0]).filter(|name| !words.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{file} asks for all columns but {missing:?}");
    run(&file);
}

#[test]
fn spans() {
    run_table("spans");
}

#[test]
fn traces() {
    run_table("traces");
}

#[test]
fn messages() {
    run_table("messages");
}

#[test]
fn tool_calls() {
    run_table("tool_calls");
}

#[test]
fn errors() {
    run_table("errors");
}

#[test]
fn prompts() {
    run_table("prompts");
}

#[test]
fn attribute_values() {
    run_table("attribute_values");
}

#[test]
fn functions() {
    run("functions.slt");
}

#[test]
fn time_nulls_and_windows() {
    run("sql.slt");
}

#[test]
fn what_there_is() {
    run("information_schema.slt");
}
