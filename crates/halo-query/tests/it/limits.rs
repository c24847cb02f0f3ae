//! Queries that want too much, and queries that are called off.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::poll;
use halo_query::{LimitKind, QueryError, QueryLimits, SessionOptions, TraceSession};
use halo_testkit::{TestSpan, tiny_dataset};
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, LIMITS, explain};

/// A query that computes for hours and gives no row before its end.
const ENDLESS: &str =
    "SELECT sum(a.value * b.value) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b";

/// Longest time from a cancellation to the caller's being free. Far above what it takes, far below what a query that is not stopped takes.
const SOON: Duration = Duration::from_secs(2);

#[tokio::test]
async fn rows_are_cut_and_said_to_be() {
    let fixture = Fixture::shop().await;
    for (rows_max, rows, truncated) in [(0, 0, true), (1, 1, true), (8, 8, true), (9, 9, false), (10, 9, false)] {
        let limits = QueryLimits { rows_max, ..LIMITS };
        let result =
            fixture.session.query("SELECT * FROM spans", &limits, &CancellationToken::new()).await.expect("runs");
        assert_eq!((result.row_count(), result.truncated), (rows, truncated), "{rows_max}");
    }
    let limits = QueryLimits { rows_max: 3, ..LIMITS };
    let result = fixture
        .session
        .query("SELECT value FROM generate_series(1, 100000) ORDER BY value DESC", &limits, &CancellationToken::new())
        .await
        .expect("runs");
    assert_eq!(
        result.texts("value").expect("the column"),
        ["100000", "99999", "99998"].map(|text| Some(text.to_owned()))
    );
}

#[tokio::test]
async fn bytes_are_cut_after_the_first_row() {
    let spans: Vec<TestSpan> =
        (0..5).map(|index| TestSpan::tool("t1", &format!("s{index}")).output(&"x".repeat(1000))).collect();
    let fixture = Fixture::of(&spans).await;
    for (bytes_max, rows) in [(10, 1), (1000, 1), (2500, 2), (5000, 5)] {
        let limits = QueryLimits { bytes_max, ..LIMITS };
        let result =
            fixture.session.query("SELECT output FROM spans", &limits, &CancellationToken::new()).await.expect("runs");
        assert_eq!((result.row_count(), result.truncated), (rows, rows < 5), "{bytes_max}");
    }
}

#[tokio::test]
async fn memory_ends_a_query_and_not_the_session() {
    let (_kept, dataset) = tiny_dataset(&[TestSpan::tool("t1", "s1")]);
    let options = SessionOptions { threads: 2, memory_bytes: 4 << 20 };
    let session = TraceSession::open(&dataset, options).await.expect("opens");
    let limits = QueryLimits { rows_max: usize::MAX, ..LIMITS };
    let error = session
        .query(
            "SELECT value, count(*) FROM generate_series(1, 5000000) GROUP BY value ORDER BY 2, 1",
            &limits,
            &CancellationToken::new(),
        )
        .await
        .expect_err("too much");
    assert!(matches!(error, QueryError::Limit { kind: LimitKind::Memory, .. }), "{error:?}");
    assert_eq!(error.to_string(), "the query needs more memory than the 4 MiB that queries may take");
    let after = session.query("SELECT count(*) FROM spans", &LIMITS, &CancellationToken::new()).await;
    assert_eq!(after.expect("the session still works").row_count(), 1);
}

#[tokio::test]
async fn every_limit_says_how_to_narrow() {
    let (_kept, dataset) = tiny_dataset(&[TestSpan::tool("t1", "s1").output("x")]);
    let options = SessionOptions { threads: 2, memory_bytes: 16 << 20 };
    let session = TraceSession::open(&dataset, options).await.expect("opens");
    let limits = QueryLimits { rows_max: usize::MAX, ..LIMITS };
    let mut told = String::new();
    for (what, sql, limits) in [
        ("time", ENDLESS.to_owned(), QueryLimits { time_max: Duration::from_millis(50), ..limits }),
        ("memory", "SELECT * FROM generate_series(1, 50000000) ORDER BY value % 7, value".to_owned(), limits),
        ("one call", "SELECT repeat(output, 100000000) FROM spans".to_owned(), limits),
        ("rows of lists", "SELECT repeat('x', 100000) AS text, unnest(range(1, 100000)) FROM spans".to_owned(), limits),
        ("comparing", "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))".to_owned(), limits),
        ("pattern", r"SELECT output ~ '(\w{1000}){1000}' FROM spans".to_owned(), limits),
        ("depth", format!("SELECT 1{}", " + 1".repeat(1000)), limits),
        ("length", format!("SELECT '{}'", "x".repeat(2 << 20)), limits),
        ("words", format!("SELECT 1 IN (1{})", ", 1".repeat(50_000)), limits),
        ("tables", format!("SELECT 1 FROM spans{}", ", spans".repeat(150)), limits),
    ] {
        let error = session.query(&sql, &limits, &CancellationToken::new()).await.expect_err(what);
        told.push_str(&format!("> {what}\n{}\n\n", explain(&error)));
    }
    insta::assert_snapshot!(told);
}

async fn time_ends_a_query() {
    let fixture = Fixture::shop().await;
    let limits = QueryLimits { time_max: Duration::from_millis(100), ..LIMITS };
    let started = Instant::now();
    let error = fixture.session.query(ENDLESS, &limits, &CancellationToken::new()).await.expect_err("too long");
    assert!(matches!(error, QueryError::Limit { kind: LimitKind::Time, .. }), "{error:?}");
    assert_eq!(error.to_string(), "the query took longer than the 0.1 s it may take");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

async fn cancellation_frees_the_caller() {
    let fixture = Fixture::shop().await;
    let cancel = CancellationToken::new();
    let mut query = pin!(fixture.session.query(ENDLESS, &LIMITS, &cancel));
    // The engine gets to work before it is stopped.
    for _ in 0..100 {
        assert!(poll!(&mut query).is_pending());
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    cancel.cancel();
    let error = query.await.expect_err("cancelled");
    assert!(matches!(error, QueryError::Cancelled), "{error:?}");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[tokio::test]
async fn time_and_cancellation_on_one_thread() {
    time_ends_a_query().await;
    cancellation_frees_the_caller().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_and_cancellation_on_several_threads() {
    time_ends_a_query().await;
    cancellation_frees_the_caller().await;
}

#[tokio::test]
async fn a_stream_that_is_cancelled_ends() {
    let fixture = Fixture::shop().await;
    let cancel = CancellationToken::new();
    let limits = QueryLimits { rows_max: usize::MAX, bytes_max: usize::MAX, ..LIMITS };
    let mut stream = fixture
        .session
        .stream("SELECT value FROM generate_series(1, 1000000000000)", &limits, &cancel)
        .await
        .expect("starts");
    assert_eq!(stream.columns()[0].name, "value");
    assert!(stream.next().await.expect("rows").is_some());
    cancel.cancel();
    assert!(matches!(stream.next().await, Err(QueryError::Cancelled)));
    assert!(matches!(stream.next().await, Ok(None)));
}

#[tokio::test]
async fn a_query_that_was_cancelled_before_does_not_start() {
    let fixture = Fixture::shop().await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let result = fixture.session.query("SELECT 1", &LIMITS, &cancel).await;
    assert!(matches!(result, Err(QueryError::Cancelled)), "{result:?}");
}
