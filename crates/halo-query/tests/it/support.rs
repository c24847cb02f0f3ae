//! A small dataset, and queries over it in a line.

use std::time::Duration;

use halo_dataset::Dataset;
use halo_query::{QueryError, QueryLimits, QueryResult, SessionOptions, TraceSession};
use halo_testkit::{TestSpan, tiny_dataset};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Limits that no test reaches by chance.
pub(crate) const LIMITS: QueryLimits =
    QueryLimits { rows_max: 1000, bytes_max: 10_000_000, time_max: Duration::from_secs(60) };

/// A session over a dataset, and the folder it lives in.
pub(crate) struct Fixture {
    pub(crate) session: TraceSession,
    _folder: TempDir,
}

impl Fixture {
    pub(crate) async fn of(spans: &[TestSpan]) -> Self {
        let (folder, dataset) = tiny_dataset(spans);
        Self { session: open(&dataset).await, _folder: folder }
    }

    /// A run that works, one whose tool fails inside an UNSET span, and one that ends in an error.
    pub(crate) async fn shop() -> Self {
        Self::of(&shop_spans()).await
    }

    pub(crate) async fn query(&self, sql: &str) -> Result<QueryResult, QueryError> {
        self.session.query(sql, &LIMITS, &CancellationToken::new()).await
    }

    /// The rows as JSON, one a line.
    pub(crate) async fn lines(&self, sql: &str) -> String {
        match self.query(sql).await {
            Ok(result) => result
                .rows()
                .into_iter()
                .map(|row| serde_json::Value::Object(row).to_string())
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => explain(&error),
        }
    }
}

pub(crate) fn explain(error: &QueryError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\n  hint: {hint}"),
        None => error.to_string(),
    }
}

pub(crate) async fn open(dataset: &Dataset) -> TraceSession {
    let options = SessionOptions { threads: 2, memory_bytes: 256 << 20 };
    TraceSession::open(dataset, options).await.expect("the dataset opens")
}

pub(crate) fn shop_spans() -> Vec<TestSpan> {
    vec![
        TestSpan::agent("aa01", "r1")
            .name("support run")
            .ok()
            .input("Where is order 4711?")
            .output("It arrives on Friday.")
            .resource("service.version", "1.4.0"),
        TestSpan::llm("aa01", "l1")
            .parent("r1")
            .tokens(1200, 40)
            .messages(2)
            .input("Where is order 4711?")
            .asks_for("c1", "find_order", json!({"id": 4711}))
            .finish_reason("tool_calls")
            .attribute("llm.system", "openai")
            .attribute(
                "llm.input_messages",
                json!([{"role": "system", "content": "You help the customers of a shop."}]),
            ),
        TestSpan::tool("aa01", "o1")
            .parent("r1")
            .tool_name("find_order")
            .input(r#"{"id":4711}"#)
            .output(r#"{"ok":true,"eta":"Friday"}"#),
        TestSpan::llm("aa01", "l2")
            .parent("r1")
            .tokens(1300, 12)
            .messages(4)
            .input(r#"{"ok":true,"eta":"Friday"}"#)
            .output("It arrives on Friday."),
        TestSpan::agent("bb02", "r2").name("support run").ok().input("Refund order 12").output("I could not do that."),
        TestSpan::llm("bb02", "l3")
            .parent("r2")
            .model("gpt-4o-mini")
            .tokens(900, 30)
            .input("Refund order 12")
            .asks_for("c2", "refund", json!({"id": 12})),
        TestSpan::tool("bb02", "o2")
            .parent("r2")
            .tool_name("refund")
            .input(r#"{"id":12}"#)
            .output(r#"{"ok":false,"reason":"closed \"by\" café"}"#),
        TestSpan::agent("cc03", "r3")
            .name("support run")
            .service("billing")
            .error("TimeoutError: no answer from db-17 after 30s")
            .input("Pay invoice")
            .events(json!([{"name": "exception", "attributes": {"exception.message": "no answer from db-17"}}])),
        TestSpan::tool("cc03", "o3").parent("r3").service("billing").tool_name("pay").error("no answer"),
    ]
}
