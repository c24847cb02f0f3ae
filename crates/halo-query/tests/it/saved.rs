//! Results that are saved as tables.

use halo_query::tools;
use halo_tool::ToolContext;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, explain};
use crate::tools::transcript;

#[tokio::test]
async fn a_saved_result_is_a_table_for_all() {
    let fixture = Fixture::shop().await;
    let sql = |query: &str| ("sql", json!({"query": query}));
    let save = |query: &str, name: &str| ("sql", json!({"query": query, "save_as": name}));
    let told = transcript(
        &fixture,
        vec![
            save("SELECT trace_id, failed_tool_calls AS failed FROM traces WHERE failed_tool_calls > 0", "failed_runs"),
            sql("SELECT r.trace_id, failed, name FROM failed_runs r JOIN spans USING (trace_id) WHERE step = 1 ORDER BY 1"),
            sql("SHOW TABLES"),
            sql("DESCRIBE failed_runs"),
            sql("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'failed_runs' ORDER BY 1"),
            save("SELECT trace_id FROM failed_runs WHERE trace_id = 'bb02'", "failed_runs"),
            sql("SELECT count(*) AS n FROM failed_runs"),
            save("SELECT trace_id, outcome FROM traces WHERE false", "none"),
            sql("SELECT * FROM none UNION ALL SELECT 'x', 'y'"),
            sql("SELECT * FROM failed_run"),
            save("SELECT 1 AS one", "spans"),
            save("SELECT 1 AS one", "where"),
            save("SELECT 1 AS one", "a b; DROP TABLE spans"),
            save("SELECT 1 AS one", "Upper"),
            save("SELECT count(*) FROM spans", "counted"),
            save("SELECT 1 AS one, 2 AS one", "twice"),
            save("DELETE FROM spans", "gone"),
            sql("DROP TABLE failed_runs"),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_is_too_large_is_not_saved() {
    let fixture = Fixture::shop().await;
    let context =
        ToolContext { cancel: CancellationToken::new(), agent_id: "root".to_owned(), tool_call_id: "c1".to_owned() };
    let registry = tools(fixture.session.clone());
    let long = "SELECT a.value AS a, repeat('x', 1000) AS text FROM generate_series(1, 1000) a CROSS JOIN generate_series(1, 1000) b";
    let refused = registry.call("sql", &json!({"query": long, "save_as": "large"}).to_string(), &context).await;
    let refused = refused.expect_err("refused").to_string();
    assert!(refused.starts_with("the result is too large to save: more than "), "{refused}");
    let missing = fixture.query("SELECT * FROM large").await.expect_err("there is no such table");
    assert!(explain(&missing).contains("there is no table `large`"), "{}", explain(&missing));
}
