//! Results that are saved as tables.

use halo_query::{data_tables, tools};
use halo_tool::{ColumnType, NewTable, ToolContext};
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

#[tokio::test]
async fn saved_tables_outlive_the_session_in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = folder.path().join("tables");
    let cancel = CancellationToken::new();
    let row = |value: serde_json::Value| value.as_object().cloned().expect("an object");
    {
        let fixture = Fixture::shop().await;
        assert_eq!(fixture.session.keep_saved_in(&tables).expect("an empty folder"), 0);
        let context =
            ToolContext { cancel: cancel.clone(), agent_id: "root".to_owned(), tool_call_id: "c1".to_owned() };
        let query = "SELECT trace_id, failed_tool_calls AS failed FROM traces ORDER BY trace_id";
        let arguments = json!({"query": query, "save_as": "runs"}).to_string();
        tools(fixture.session.clone()).call("sql", &arguments, &context).await.expect("saved");
        let table = NewTable {
            columns: vec![("trace_id".to_owned(), ColumnType::Text), ("lost".to_owned(), ColumnType::Boolean)],
            rows: vec![row(json!({"trace_id": "aa01", "lost": true})), row(json!({"trace_id": "bb02"}))],
        };
        data_tables(fixture.session.clone()).save("answers", table).await.expect("saved");
    }
    let fixture = Fixture::shop().await;
    assert_eq!(fixture.session.keep_saved_in(&tables).expect("two tables"), 2);
    let store = data_tables(fixture.session.clone());
    let names: Vec<(String, Vec<String>)> =
        store.saved().into_iter().map(|table| (table.name, table.columns)).collect();
    let columns = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    assert_eq!(
        names,
        [("answers".to_owned(), columns(["trace_id", "lost"])), ("runs".to_owned(), columns(["trace_id", "failed"]))]
    );
    let joined = "SELECT trace_id, lost, failed FROM answers JOIN runs USING (trace_id) ORDER BY trace_id";
    let rows = store.rows(joined, 1, &cancel).await.expect("a join");
    let again = fixture.query(joined).await.expect("a join");
    assert_eq!((rows.rows.len(), rows.has_more, again.row_count()), (1, true, 2));
    assert_eq!(rows.rows[0]["lost"], json!(true));
}

#[tokio::test]
async fn a_statement_for_a_report_stands_without_saved_tables() {
    let fixture = Fixture::shop().await;
    let session = &fixture.session;
    let context =
        ToolContext { cancel: CancellationToken::new(), agent_id: "root".to_owned(), tool_call_id: "c1".to_owned() };
    let registry = tools(session.clone());
    for (name, query) in [
        ("failed", "SELECT trace_id, failed_tool_calls AS n FROM traces WHERE failed_tool_calls > 0;"),
        ("twice", "WITH two AS (SELECT * FROM failed) SELECT trace_id FROM two"),
    ] {
        registry.call("sql", &json!({"query": query, "save_as": name}).to_string(), &context).await.expect("saved");
    }
    for sql in [
        "SELECT trace_id FROM twice",
        "with mine as (select trace_id from failed) select trace_id from mine join twice using (trace_id);",
        "SELECT trace_id FROM failed JOIN twice USING (trace_id)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2) SELECT trace_id FROM twice, n WHERE i = 1",
    ] {
        let alone = session.standing_alone(sql).expect("it stands alone");
        let elsewhere = Fixture::shop().await;
        let expected = fixture.query(sql).await.expect("with the tables").texts("trace_id");
        let found = elsewhere.query(&alone).await.expect("without").texts("trace_id");
        assert_eq!(found, expected, "{alone}");
    }
    let untouched = "SELECT trace_id FROM traces";
    assert_eq!(session.standing_alone(untouched).expect("as it is"), untouched);
    let shadowed = "WITH failed AS (SELECT 'x' AS trace_id) SELECT trace_id FROM failed";
    assert_eq!(session.standing_alone(shadowed).expect("as it is"), shadowed);

    // A table that was made of itself can't be said in one statement, and what was made of it before stays what it was.
    let arguments = json!({"query": "SELECT * FROM failed WHERE n > 1", "save_as": "failed"}).to_string();
    registry.call("sql", &arguments, &context).await.expect("saved");
    let refused = session.standing_alone("SELECT trace_id FROM failed").expect_err("made of itself");
    assert!(explain(&refused).contains("what `failed` is made of is only in this run"), "{}", explain(&refused));
    assert!(session.standing_alone("SELECT trace_id FROM twice").expect("as it was").contains("failed_tool_calls > 0"));

    let columns = vec![("trace_id".to_owned(), ColumnType::Text)];
    data_tables(session.clone()).save("answers", NewTable { columns, rows: vec![] }).await.expect("saved");
    let refused = session.standing_alone("SELECT trace_id FROM answers").expect_err("no query made it");
    assert!(explain(&refused).contains("what `answers` is made of is only in this run"), "{}", explain(&refused));
}
