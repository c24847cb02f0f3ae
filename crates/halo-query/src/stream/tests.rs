//! Queries that are stopped, seen from inside.

use std::time::{Duration, Instant};

use halo_testkit::{TestSpan, tiny_dataset};
use tokio_util::sync::CancellationToken;

use crate::{QueryError, QueryLimits, SessionOptions, TraceSession};

mod hostile;

/// Queries that compute for hours, each in another part of the engine.
const ENDLESS: &[&str] = &[
    "SELECT sum(a.value * b.value) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b",
    "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "SELECT count(*) FROM generate_series(1, 1000000000000) WHERE regexp_like(value::text, '^(1|2)*9$')",
    "SELECT max(x) FROM (SELECT row_number() OVER (ORDER BY value) AS x FROM generate_series(1, 1000000000000))",
    "SELECT count(*) FROM generate_series(1, 1000000000000) a JOIN generate_series(1, 100000) b ON a.value % 10 = b.value % 10",
    // Little is read, and much is made of it.
    "SELECT count(*) FROM generate_series(1, 100) a, generate_series(1, 100) b, generate_series(1, 100) c, generate_series(1, 100) d, generate_series(1, 100) e, generate_series(1, 100) f
     WHERE a.value + b.value + c.value + d.value + e.value + f.value = 0",
    "SELECT count(*) FROM (SELECT unnest(range(0, 10000)) AS a FROM (SELECT unnest(range(0, 10000)) FROM (SELECT unnest(range(0, 10000))))) WHERE a < 0",
];

#[tokio::test]
async fn a_stopped_query_stops_the_engine_too() {
    let (_folder, dataset) = tiny_dataset(&[TestSpan::tool("t1", "s1")]);
    let options = SessionOptions { threads: 2, memory_bytes: 256 << 20 };
    let session = TraceSession::open(&dataset, options).await.expect("opens");
    let limits = QueryLimits { rows_max: 10, bytes_max: 1000, time_max: Duration::from_millis(300) };
    for sql in ENDLESS {
        let started = Instant::now();
        let result = session.query(sql, &limits, &CancellationToken::new()).await;
        let freed = started.elapsed();
        // The memory limit may come first.
        assert!(matches!(result, Err(QueryError::Limit { .. })), "{sql}: {result:?}");
        assert!(freed < Duration::from_secs(2), "{sql}: {freed:?}");
        idle(&session, sql).await;
    }
}

/// Waits until the engine has nothing to do.
async fn idle(session: &TraceSession, sql: &str) {
    let started = Instant::now();
    while session.shared.tasks() > 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "{sql} goes on");
        tokio::task::yield_now().await;
    }
}
