//! The tables over datasets of every shape: traces in several segments, odd paths, missing files.

use halo_dataset::Dataset;
use halo_query::{SessionOptions, TraceSession};
use halo_testkit::{TestSpan, dataset_of_segments, tiny_dataset};
use tokio_util::sync::CancellationToken;

use crate::support::{LIMITS, open};

/// Three traces, two of which have spans in both halves.
fn spans() -> (Vec<TestSpan>, Vec<TestSpan>) {
    let first = vec![
        TestSpan::agent("both", "r").start_ms(0).duration_ms(9000).input("hello").output("bye"),
        TestSpan::tool("both", "late").start_ms(5000).parent("r"),
        TestSpan::llm("first", "f").start_ms(100).tokens(10, 1),
        TestSpan::llm("two", "x").start_ms(50).tokens(3, 4),
    ];
    let second = vec![
        TestSpan::llm("both", "early").start_ms(1000).parent("r").tokens(20, 2),
        TestSpan::tool("both", "mid").start_ms(2000).parent("r").error("boom"),
        TestSpan::agent("second", "s").start_ms(200),
        TestSpan::llm("two", "y").start_ms(60).tokens(5, 6),
    ];
    (first, second)
}

async fn lines(session: &TraceSession, sql: &str) -> Vec<String> {
    let result = session.query(sql, &LIMITS, &CancellationToken::new()).await;
    let rows = result.expect(sql).rows();
    rows.into_iter().map(|row| serde_json::Value::Object(row).to_string()).collect()
}

#[tokio::test]
async fn a_trace_in_two_segments_is_one_trace() {
    let (first, second) = spans();
    let (_kept, split) = dataset_of_segments(&[&first, &second]);
    let (_kept_too, whole) = tiny_dataset(&[first, second].concat());
    assert!(split.straddle_trace_file().is_some() && whole.straddle_trace_file().is_none());
    let (split, whole) = (open(&split).await, open(&whole).await);
    for sql in [
        "SELECT * FROM traces ORDER BY trace_id",
        "SELECT * FROM spans ORDER BY trace_id, step",
        "SELECT trace_id, span_id FROM spans WHERE step = 2 ORDER BY 1",
        "SELECT count(*) AS n, sum(step) AS steps FROM spans",
        "SELECT count(*) AS n FROM traces",
        "SELECT trace_id, span_count FROM traces WHERE trace_id = 'both'",
        "SELECT s.span_id, t.span_count FROM spans s JOIN traces t ON s.trace_id = t.trace_id WHERE s.status = 'ERROR'",
        "SELECT span_id, lag(span_id) OVER (PARTITION BY trace_id ORDER BY step) AS before FROM spans ORDER BY trace_id, step",
    ] {
        assert_eq!(lines(&split, sql).await, lines(&whole, sql).await, "{sql}");
    }
    let steps = lines(&split, "SELECT span_id FROM spans WHERE trace_id = 'both' ORDER BY step").await;
    assert_eq!(
        steps,
        [r#"{"span_id":"r"}"#, r#"{"span_id":"early"}"#, r#"{"span_id":"mid"}"#, r#"{"span_id":"late"}"#]
    );
}

#[tokio::test]
async fn filters_reach_the_files() {
    let (first, second) = spans();
    let (_kept, split) = dataset_of_segments(&[&first, &second]);
    let (_kept_too, whole) = tiny_dataset(&first);
    for dataset in [split, whole] {
        for sql in [
            "EXPLAIN SELECT name FROM spans WHERE trace_id = 'both'",
            "EXPLAIN SELECT output FROM spans WHERE status = 'ERROR' AND tool_name = 'lookup'",
            "EXPLAIN SELECT span_count FROM traces WHERE trace_id = 'both'",
        ] {
            // Asked again, a session has the roll-ups in memory.
            let plan = lines(&open(&dataset).await, sql).await.join("\n");
            assert!(plan.contains("predicate="), "{plan}");
            // Filters are applied while reading, not above it.
            assert!(!plan.contains("FilterExec"), "{plan}");
            // Nobody asked for steps, so nobody looks them up.
            assert!(!plan.contains("straddle_step"), "{plan}");
        }
    }
}

#[tokio::test]
async fn traces_are_looked_up_where_they_are() {
    let (first, second) = spans();
    let (_kept, split) = dataset_of_segments(&[&first, &second]);
    let files = async |session: &TraceSession, condition: &str| {
        let plan = lines(session, &format!("EXPLAIN SELECT name FROM spans WHERE {condition}")).await.concat();
        plan.matches("spans.parquet").count()
    };
    // A program that asks once reads no more than that asks for.
    let session = open(&split).await;
    let one = "trace_id = 'first'";
    assert_eq!(files(&session, one).await, 2, "all files, the first time");
    for (condition, expected) in [
        (one, 1),
        ("'first' = trace_id AND name <> 'x'", 1),
        ("trace_id IN ('first', 'none')", 1),
        ("trace_id = 'both'", 2),
        ("trace_id IN ('first', 'both')", 2),
        ("trace_id = 'none'", 0),
        ("trace_id <> 'first'", 2),
        ("trace_id NOT IN ('first')", 2),
        ("trace_id = 'first' OR name = 'x'", 2),
        ("upper(trace_id) = 'first'", 2),
    ] {
        assert_eq!(files(&session, condition).await, expected, "{condition}");
        // What is found is what a session finds that has kept nothing yet.
        let sql = format!("SELECT * FROM spans WHERE {condition} ORDER BY trace_id, step");
        assert_eq!(lines(&session, &sql).await, lines(&open(&split).await, &sql).await, "{condition}");
    }
    let sql = "SELECT * FROM traces ORDER BY trace_id";
    assert_eq!(lines(&session, sql).await, lines(&open(&split).await, sql).await);
}

#[tokio::test]
async fn only_the_tables_show() {
    let (first, second) = spans();
    let (_kept, split) = dataset_of_segments(&[&first, &second]);
    let session = open(&split).await;
    let tables = lines(
        &session,
        "SELECT table_name FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY 1",
    )
    .await;
    let names = ["attribute_values", "errors", "messages", "prompts", "spans", "tool_calls", "traces"];
    assert_eq!(tables, names.map(|name| format!(r#"{{"table_name":"{name}"}}"#)));
    let functions = lines(
        &session,
        "SELECT DISTINCT routine_name AS name FROM information_schema.routines
         WHERE routine_name LIKE 'straddle%' OR routine_name IN ('text_of', 'fill_json', 'pick_json', 'message_rows', 'call_id')",
    )
    .await;
    assert_eq!(functions, Vec::<String>::new());
}

#[tokio::test]
async fn odd_paths_are_paths() {
    let (folder, _) = tiny_dataset(&[TestSpan::tool("t1", "s1")]);
    let parent = tempfile::tempdir().expect("a folder");
    let odd = parent.path().join("a b [x]* #é%41?");
    std::fs::rename(folder.path(), &odd).expect("moved");
    let session = open(&Dataset::open(&odd).expect("opens")).await;
    assert_eq!(lines(&session, "SELECT span_id FROM spans").await, [r#"{"span_id":"s1"}"#]);
}

#[tokio::test]
async fn a_missing_file_is_no_empty_table() {
    let (_kept, dataset) = tiny_dataset(&[TestSpan::tool("t1", "s1")]);
    let file = &dataset.trace_files()[0];
    std::fs::remove_file(file).expect("removed");
    let options = SessionOptions { threads: 1, memory_bytes: 1 << 20 };
    let error = TraceSession::open(&dataset, options).await.expect_err("damaged");
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_named_as_such() {
    let (_kept, dataset) = tiny_dataset(&[TestSpan::tool("t1", "s1")]);
    let session = open(&dataset).await;
    std::fs::write(&dataset.span_files()[0], b"no parquet at all, and long enough").expect("written");
    let result = session.query("SELECT output FROM spans", &LIMITS, &CancellationToken::new()).await;
    let error = result.expect_err("damaged");
    assert!(matches!(error, halo_query::QueryError::Dataset(_)), "{error:?}");
    assert!(error.to_string().contains("is damaged"), "{error}");
}
