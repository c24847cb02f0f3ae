//! The functions of SQL: that all are documented, that what is said of them runs, and what halo's own give.

use std::collections::BTreeSet;

use halo_query::list_functions;
use halo_testkit::TestSpan;
use serde_json::json;

use crate::support::{Fixture, explain};

#[tokio::test]
async fn every_example_runs() {
    let fixture = Fixture::shop().await;
    let all = list_functions(None).expect("the functions");
    let (names, examples) = (all.texts("function_name").expect("names"), all.texts("example").expect("examples"));
    let (mut told, mut wrong) = (String::new(), Vec::new());
    for (name, example) in names.into_iter().flatten().zip(examples.into_iter().flatten()) {
        if example.is_empty() {
            continue;
        }
        // Three rows tell what it does.
        let lines: String = match fixture.query(&example).await {
            Ok(result) if result.row_count() == 0 => {
                wrong.push(format!("{name}: {example}: no row"));
                continue;
            }
            Ok(result) => {
                result.rows().into_iter().take(3).map(|row| format!("\n  {}", serde_json::Value::Object(row))).collect()
            }
            Err(error) => {
                wrong.push(format!("{name}: {example}: {}", explain(&error)));
                continue;
            }
        };
        told.push_str(&format!("{name}\n  {example}{lines}\n"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn all_that_the_engine_knows_is_listed_once() {
    let fixture = Fixture::shop().await;
    let known = fixture.query("SELECT DISTINCT routine_name FROM information_schema.routines").await.expect("runs");
    let known: BTreeSet<String> = known.texts("routine_name").expect("names").into_iter().flatten().collect();
    let listed = list_functions(None).expect("the functions");
    let names: Vec<String> = listed.texts("function_name").expect("names").into_iter().flatten().collect();
    let listed_names: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(names.len(), listed_names.len(), "a name stands twice");
    assert_eq!(known.difference(&listed_names).collect::<Vec<_>>(), Vec::<&String>::new());
    // All say what they are for.
    let meanings = listed.texts("meaning").expect("meanings").into_iter().flatten();
    let silent: Vec<&String> =
        names.iter().zip(meanings).filter(|(_, meaning)| meaning.is_empty()).map(|(name, _)| name).collect();
    assert_eq!(silent, Vec::<&String>::new());
}

#[tokio::test]
async fn functions_are_found_by_name_or_else_by_meaning() {
    let fixture = Fixture::shop().await;
    let names = |pattern: &str| match list_functions(Some(pattern)) {
        Ok(found) => found.texts("function_name").expect("names").into_iter().flatten().collect::<Vec<_>>().join(" "),
        Err(error) => explain(&error),
    };
    let mut told: Vec<String> = ["^json_", "^~$", "->", "~", "pg_trgm", "median|mode", "no such thing", "("]
        .into_iter()
        .map(|pattern| format!("{pattern}: {}", names(pattern)))
        .collect();
    for sql in [
        "SHOW FUNCTIONS LIKE 'result%'",
        "SHOW FUNCTIONS ILIKE 'JSON\\_GET'",
        "SHOW FUNCTIONS LIKE 'ex_erpt'",
        "SHOW FUNCTIONS WHERE true",
    ] {
        told.push(format!("> {sql}\n{}", fixture.lines(sql).await));
    }
    insta::assert_snapshot!(told.join("\n"));
    assert!(fixture.query("SHOW FUNCTIONS").await.expect("runs").row_count() > 300);
    let syntax = "SELECT syntax_example FROM information_schema.routines WHERE routine_name = 'excerpt' LIMIT 1";
    assert_eq!(fixture.lines(syntax).await, r#"{"syntax_example":"excerpt(text, pattern [, chars])"}"#);
}

#[tokio::test]
async fn texts_and_json_are_taken_apart() {
    let inner = json!({"answer": "order 4711 is late", "parts": [1, null, true]}).to_string();
    let fixture = Fixture::of(&[
        TestSpan::tool("t1", "s1").output(&json!({"result": inner, "a.b": {"c": "x"}}).to_string()),
        TestSpan::tool("t1", "s2").output("order 12, then order 13"),
        TestSpan::tool("t1", "s3"),
    ])
    .await;
    let mut told = String::new();
    for sql in [
        "SELECT span_id, json_at(output, 'result.answer') AS answer, json_at(output, 'a.b.c') AS c, json_at(output, 'result.parts') AS parts FROM spans ORDER BY 1",
        "SELECT span_id, json_leaves(output) AS leaves FROM spans ORDER BY 1",
        "SELECT leaf['value'] AS value FROM (SELECT unnest(json_leaves(output)) AS leaf FROM spans) AS listed WHERE leaf['path'] = 'result.answer'",
        r"SELECT span_id, excerpt(output, 'order \d+') AS whole, excerpt(output, 'order \d+', 3) AS short, excerpt(output, '\d+$', step) AS last FROM spans ORDER BY 1",
        "SELECT span_id, excerpt(output, '(') FROM spans",
        "SELECT span_id, excerpt(output, span_id) FROM spans",
        "SELECT span_id, token_estimate(output) AS tokens FROM spans ORDER BY 1",
        "SELECT a.span_id, b.span_id AS other, similarity(a.output, b.output) AS alike FROM spans a, spans b ORDER BY 1, 2",
        r"SELECT diff_lines(E'a\nb\nc', E'a\nx\nc') AS changed, diff_lines('a', 'a') AS same, diff_lines('a', NULL) AS nothing",
        "SELECT json_at(output) FROM spans",
    ] {
        told.push_str(&format!("> {sql}\n{}\n\n", fixture.lines(sql).await));
    }
    insta::assert_snapshot!(told);
}
