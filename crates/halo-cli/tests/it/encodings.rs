//! One run, three ways to write it down: the columns are the same.

use serde_json::Value;

use crate::sandbox::{Sandbox, without};

/// Columns that tell where and how a span was written down, and so must differ.
const OF_THE_FILE: &[&str] = &["source", "source_line", "raw_bytes"];

fn spans(fixture: &str) -> Vec<Value> {
    let query = "SELECT * FROM spans ORDER BY trace_id, step";
    without(OF_THE_FILE, Sandbox::with_dataset(fixture).rows("traces.halo", query))
}

fn traces(fixture: &str) -> Vec<Value> {
    let query = "SELECT * FROM traces ORDER BY trace_id";
    without(&["raw_bytes"], Sandbox::with_dataset(fixture).rows("traces.halo", query))
}

/// Columns and rows in which two tables differ, as `column: one / other`.
fn differences(one: &[Value], other: &[Value]) -> Vec<String> {
    assert_eq!(one.len(), other.len());
    let mut found = Vec::new();
    for (one, other) in one.iter().zip(other) {
        let (one, other) = (one.as_object().unwrap(), other.as_object().unwrap());
        assert!(one.keys().eq(other.keys()));
        let differing = one.iter().filter(|(column, value)| other[*column] != **value);
        found.extend(differing.map(|(column, value)| format!("{column}: {value} / {}", other[column])));
    }
    found
}

#[test]
fn flat_and_otlp_lines_give_the_same_columns() {
    let same: Vec<String> = Vec::new();
    assert_eq!(differences(&spans("small.jsonl"), &spans("small.otlp.jsonl")), same);
    assert_eq!(differences(&traces("small.jsonl"), &traces("small.otlp.jsonl")), same);
}

#[test]
fn the_names_of_generative_ai_conventions_give_the_same_columns_but_what_they_name_otherwise() {
    let but = |columns: &[&str], of: fn(&str) -> Vec<Value>| {
        differences(&without(columns, of("small.jsonl")), &without(columns, of("small.genai.otlp.jsonl")))
    };
    insta::assert_snapshot!(but(&["attributes"], spans).join("\n"));
    assert_eq!(but(&["attributes", "root_name"], traces), Vec::<String>::new());
}

#[test]
fn the_columns_are_filled_in_the_first_place() {
    // Equal columns would be easy to have if they were all NULL.
    let row = Sandbox::with_dataset("small.jsonl").rows(
        "traces.halo",
        "SELECT kind, span_type, model, provider, input_tokens, output_tokens, finish_reason, agent_name, session_id,
                user_id, service_name, service_version, environment, scope_name, duration_ms, input, output
         FROM spans WHERE span_id = '0000000100000005'",
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&row).unwrap());
}
