//! What may run and what may not, and what is said about it.

use halo_query::QueryError;

use crate::support::Fixture;

#[tokio::test]
async fn statements_that_read_run() {
    let fixture = Fixture::shop().await;
    for sql in [
        "SELECT 1",
        "SELECT 1;",
        "  select 1 -- with a comment\n",
        "/* first */ WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "VALUES (1, 'a')",
        "(SELECT 1) UNION ALL SELECT 2",
        "EXPLAIN SELECT * FROM spans",
        "EXPLAIN ANALYZE SELECT count(*) FROM spans",
        "SHOW TABLES",
        "SHOW COLUMNS FROM spans",
        "DESCRIBE spans",
        "DESC traces",
        "DESCRIBE SELECT trace_id FROM traces",
        "SELECT table_name FROM information_schema.tables",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT 'DROP TABLE spans; DELETE FROM spans'",
        "SELECT \"trace_id\" FROM \"halo\".\"public\".\"traces\"",
    ] {
        let result = fixture.query(sql).await;
        assert!(result.is_ok(), "{sql}: {result:?}");
    }
}

#[tokio::test]
async fn everything_else_is_refused_in_one_clear_line() {
    let fixture = Fixture::shop().await;
    for (sql, word) in [
        ("DROP TABLE spans", "DROP"),
        ("DROP VIEW spans", "DROP"),
        ("CREATE TABLE x AS SELECT 1", "CREATE"),
        ("CREATE VIEW v AS SELECT 1", "CREATE"),
        ("CREATE SCHEMA s", "CREATE"),
        ("CREATE DATABASE d", "CREATE"),
        ("CREATE FUNCTION f() RETURNS int AS 'x'", "CREATE"),
        ("CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/tmp'", "CREATE EXTERNAL TABLE"),
        ("ALTER TABLE spans ADD COLUMN x int", "ALTER"),
        ("INSERT INTO spans VALUES (1)", "INSERT"),
        ("UPDATE spans SET name = 'x'", "UPDATE"),
        ("DELETE FROM spans", "DELETE"),
        ("TRUNCATE spans", "TRUNCATE"),
        ("COPY spans TO '/tmp/x.csv'", "COPY"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "COPY"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("RESET datafusion.execution.batch_size", "RESET"),
        ("SHOW ALL", "SHOW"),
        ("BEGIN", "BEGIN"),
        ("COMMIT", "COMMIT"),
        ("PREPARE p AS SELECT 1", "PREPARE"),
        ("EXECUTE p", "EXECUTE"),
        ("USE other", "USE"),
        ("ANALYZE spans", "ANALYZE"),
        ("VACUUM", "VACUUM"),
        ("ATTACH 'x' AS y", "ATTACH"),
        ("CALL f()", "CALL"),
        ("SELECT * INTO x FROM spans", "SELECT INTO"),
        ("EXPLAIN DELETE FROM spans", "DELETE"),
        ("EXPLAIN ANALYZE INSERT INTO spans SELECT * FROM spans", "INSERT"),
        ("WITH x AS (INSERT INTO spans VALUES (1)) SELECT 1", "a statement that writes inside WITH or a subquery"),
    ] {
        let error = fixture.query(sql).await.expect_err(sql);
        let message = error.to_string();
        assert!(matches!(error, QueryError::Statement { .. }), "{sql}: {error:?}");
        assert!(message.starts_with(&format!("{word} is refused: a dataset is read-only")), "{sql}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[tokio::test]
async fn files_and_addresses_are_out_of_reach() {
    let fixture = Fixture::shop().await;
    let passwd = std::path::Path::new("/etc/passwd");
    for sql in [
        "SELECT * FROM '/etc/passwd'".to_owned(),
        format!("SELECT * FROM \"{}\"", passwd.display()),
        "SELECT * FROM \"file:///etc/passwd\"".to_owned(),
        "SELECT * FROM 'https://example.com/x.parquet'".to_owned(),
        "SELECT * FROM read_parquet('/etc/passwd')".to_owned(),
        "SELECT * FROM read_csv('/etc/passwd')".to_owned(),
        "SELECT * FROM parquet_metadata('/etc/passwd')".to_owned(),
        "SELECT * FROM spans_stored".to_owned(),
    ] {
        let error = fixture.query(&sql).await.expect_err(&sql);
        assert!(error.to_string().contains("there is no table"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn one_statement_at_a_time() {
    let fixture = Fixture::shop().await;
    let cases = [
        ("", "there is no statement"),
        ("-- nothing", "there is no statement"),
        (";;", "there is no statement"),
        ("SELECT 1; SELECT 2", "there are 2 statements, and only one runs at a time"),
        ("SELECT 1; DROP TABLE spans", "there are 2 statements, and only one runs at a time"),
    ];
    for (sql, expected) in cases {
        assert_eq!(fixture.query(sql).await.expect_err(sql).to_string(), expected, "{sql}");
    }
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    let error = fixture.query(&deep).await.expect_err("too deep").to_string();
    assert!(error.starts_with("the statement nests too deep"), "{error}");
}

#[tokio::test]
async fn wrong_statements_are_told_what_would_fit() {
    let fixture = Fixture::shop().await;
    let mut told = String::new();
    for sql in [
        "SELEC 1",
        "SELECT FROM spans WHERE",
        "SELECT 'open",
        "SELECT name,\n  spam_id FROM spans",
        "SELECT s.stat FROM spans s",
        "SELECT llm.token_count.prompt FROM spans",
        "SELECT name FROM spans WHERE status = \"ERROR\"",
        "SELECT x FROM (SELECT trace_id AS y FROM traces)",
        "SELECT * FROM span",
        "SELECT * FROM conversations",
        "SHOW COLUMNS FROM trace",
        "SELECT json_get_strr(attributes, 'x') FROM spans",
        "SELECT frobnicate(1)",
        "SELECT sum(name) FROM spans",
        "SELECT name + 1 FROM spans",
        "SELECT upper(name, 2) FROM spans",
        "SELECT trace_id FROM spans s JOIN traces t ON s.trace_id = t.trace_id",
        "SELECT name FROM spans GROUP BY trace_id",
        "SELECT 1 / 0",
        "SELECT cast(name AS int) FROM spans",
        "SELECT span_id FROM spans WHERE cast(output AS int) = 1",
        "SELECT * FROM traces WHERE start_time > 'yesterday'",
        "SELECT span_id FROM spans WHERE output ~ '(?!a)b'",
        r"SELECT span_id FROM spans WHERE output ~ '(a)\1'",
        "SELECT span_id FROM spans WHERE output ~ '('",
        "SELECT span_id FROM spans WHERE json_matches(attributes, '[')",
        "SELECT span_id FROM spans WHERE json_matches(attributes, name)",
    ] {
        told.push_str(&format!("> {sql}\n{}\n\n", fixture.lines(sql).await));
    }
    insta::assert_snapshot!(told);
}
