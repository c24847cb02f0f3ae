//! `halo sql`: rows in every form, and statements that don't run.

use std::io::{BufRead as _, BufReader};

use insta::assert_snapshot;

use crate::sandbox::{Sandbox, fixtures};

/// Shows a command line and how it ended.
fn asked(sandbox: &Sandbox, query: &str) -> String {
    format!("> {query}\n{}", sandbox.run(&["sql", "traces.halo", query]).shown())
}

#[test]
fn rows_in_every_format() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let query = "SELECT name, span_type, model, input_tokens, status = 'ERROR' AS failed, start_time
                 FROM spans ORDER BY trace_id, step LIMIT 4";
    let shown = ["table", "json", "jsonl", "csv", "markdown"]
        .map(|format| sandbox.run(&["sql", "traces.halo", query, "--format", format]).shown());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn nulls_lists_and_texts_that_would_break_the_form() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let query = "SELECT NULL AS nothing, '' AS empty, tool_names, chr(27) || '[31mred' AS control,
                        E'two\\nlines' AS lines, 'a|b,\"c\" *d* <e>' AS marks, rpad('long', 100, '.') AS wide
                 FROM traces ORDER BY trace_id LIMIT 2";
    let shown = ["table", "json", "jsonl", "csv", "markdown"]
        .map(|format| sandbox.run(&["sql", "traces.halo", query, "--format", format]).shown());
    // The escape goes out as it came in CSV alone, which is for programs; here it would drive the reader's terminal.
    assert_snapshot!(shown.join("\n").replace('\u{1b}', "[ESC]"));
}

#[test]
fn no_rows_in_every_format() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let query = "SELECT name, step FROM spans WHERE false";
    let shown = ["table", "json", "jsonl", "csv", "markdown"]
        .map(|format| sandbox.run(&["sql", "traces.halo", query, "--format", format]).shown());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_query_on_standard_input_and_with_news() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let piped = sandbox
        .run_with_input(&["sql", "traces.halo", "--verbose"], b"-- how many?\nSELECT count(*) AS spans FROM spans;\n");
    assert_snapshot!(piped.shown());
    let nothing = sandbox.run_with_input(&["sql", "traces.halo"], b"");
    assert_snapshot!(nothing.shown(), @r"
    exit code 2
    --- stderr
    error: there is no statement
    ");
}

#[test]
fn statements_that_are_wrong_say_what_to_write() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let shown = [
        "SELECT tool_nam FROM spans",
        "SELECT name FROM span",
        "SELECT s.nme FROM spans s",
        "SELEC 1",
        "SELECT name FROM spans WHERE",
        "SELECT 1; SELECT 2",
        "SELECT sum(name) FROM spans",
        "SELECT 1 / 0",
        "SELECT nosuch(name) FROM spans",
        "SELECT * FROM 'other.parquet'",
    ]
    .map(|query| asked(&sandbox, query));
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn nothing_but_reading_is_done() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let before = sandbox.all_files();
    let shown = [
        "CREATE TABLE mine AS SELECT * FROM spans",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'notes.csv'",
        "DROP TABLE spans",
        "INSERT INTO spans SELECT * FROM spans",
        "UPDATE spans SET name = 'x'",
        "DELETE FROM spans",
        "COPY spans TO 'out.csv'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * INTO mine FROM spans",
        "EXPLAIN ANALYZE DELETE FROM spans",
    ]
    .map(|query| asked(&sandbox, query));
    assert_snapshot!(shown.join("\n"));
    assert_eq!(sandbox.all_files(), before);
    assert_eq!(sandbox.rows("traces.halo", "SELECT 1 FROM spans").len(), 14);
}

#[test]
fn datasets_that_are_not_there() {
    let sandbox = Sandbox::new();
    sandbox.write("notes/readme.txt", "mine");
    let file = sandbox.fixture("small.jsonl");
    let shown = ["missing.halo", "notes", &file].map(|path| sandbox.run(&["sql", path, "SELECT 1"]).shown());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_reader_that_went_away_ends_it_in_peace() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    // Far more than a pipe holds, so that the program still writes when the reader leaves.
    let query = "SELECT a.*, b.* FROM spans a, spans b, spans c";
    for format in ["table", "json", "jsonl", "csv", "markdown"] {
        let mut child = sandbox.command(&["sql", "traces.halo", query, "--format", format]).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        assert_eq!(sandbox.ended(child).shown(), "exit code 0\n", "{format}");
    }
}

#[test]
fn a_query_that_takes_too_long_or_too_much() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let endless = "SELECT count(*) FROM spans a, spans b, spans c, spans d, spans e, spans f, spans g, spans h
                   WHERE a.name || b.name || c.name || h.name = 'x'";
    assert_snapshot!(sandbox.run(&["sql", "traces.halo", endless, "--max-time", "1"]).shown());
}

#[test]
fn prompts_and_attributes_of_every_convention() {
    // The same runs, written by three exporters.
    let shown = ["small.jsonl", "small.otlp.jsonl", "small.genai.otlp.jsonl"].map(|fixture| {
        let sandbox = Sandbox::with_dataset(fixture);
        let queries = [
            "SELECT prompt_id, kind, agent_name, versions, models, traces, spans FROM prompts",
            "SELECT key, of, count(*) AS different, sum(spans) AS spans FROM attribute_values GROUP BY key, of ORDER BY key, of LIMIT 12",
            "SELECT span_name, signature, error_type, time FROM errors ORDER BY time",
        ];
        format!("{fixture}\n{}", queries.map(|query| asked(&sandbox, query)).join("\n"))
    });
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn scripts_run_one_statement_after_the_other() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    sandbox.write("inner.sql", "SELECT count(*) AS traces FROM traces\n");
    sandbox.write(
        "all.sql",
        "-- two; and a command\nSELECT 'a;b' AS text;\n.mode csv\nSELECT count(*) AS spans FROM spans;\n.read inner.sql\n",
    );
    sandbox.write("wrong.sql", "SELECT 1 AS one;\n\nSELECT nope\nFROM spans;\nSELECT 2 AS two;\n");
    sandbox.write("again.sql", ".read again.sql\n");
    let shown = [
        sandbox.run(&["sql", "traces.halo", "-f", "all.sql"]),
        sandbox.run(&["sql", "traces.halo", "-f", "wrong.sql", "--format", "jsonl"]),
        sandbox.run(&["sql", "traces.halo", "-f", "again.sql"]),
        sandbox.run(&["sql", "traces.halo", "-f", "missing.sql"]),
        sandbox.run(&["sql", "traces.halo", "-f", "csv"]),
        sandbox.run(&["sql", "traces.halo", "SELECT 1 AS one", "-f", "csv"]),
        sandbox.run(&["sql", "traces.halo", "SELECT 1 AS one", "-f", "all.sql"]),
        sandbox.run_with_input(&["sql", "traces.halo", "-f", "-"], b"SELECT 1 AS one; SELECT 2 AS two"),
        sandbox.run_with_input(&["sql", "traces.halo"], b".help\nquit\nSELECT 1;"),
        sandbox.run_with_input(&["sql", "traces.halo"], b"\\d nope\n"),
        sandbox.run_with_input(&["sql", "traces.halo"], b"SELECT 'open"),
    ]
    .map(|ended| ended.shown());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn functions_are_told_without_a_dataset() {
    let sandbox = Sandbox::new();
    let shown = [
        sandbox.run(&["sql", "--functions", "^json_(get|at)$"]),
        sandbox.run(&["sql", "--functions", "excerpt", "--format", "json"]),
        sandbox.run(&["sql", "--functions", "("]),
        sandbox.run(&["sql"]),
    ]
    .map(|ended| ended.shown());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_page_on_sql_is_up_to_date() {
    let page = Sandbox::new().run(&["sql", "--reference"]);
    page.expect_code(0);
    let written = std::fs::read_to_string(fixtures().join("../docs/SQL.md")).unwrap();
    assert!(
        written == page.stdout,
        "docs/SQL.md is out of date: write it anew with `cargo run -- sql --reference > docs/SQL.md`"
    );
}
