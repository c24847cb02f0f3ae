//! Lines to rows: what each format and convention comes to, column by column.

use std::collections::BTreeMap;

use super::*;

/// The rows of some lines, each as its columns that are not null, by span id.
fn rows(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let parsed = parse(text.as_bytes());
    assert_eq!(parsed.rejects, Rejects::default(), "no line of this test is bad");
    crate::testing::rows(&parsed.spans)
}

fn parse(bytes: &[u8]) -> ParsedChunk {
    Parser::new(usize::MAX).parse(&Chunk::of_lines(bytes), "t.jsonl").unwrap()
}

fn fixture(name: &str) -> String {
    let path = format!("{}/../../fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One span with these attributes, mapped.
fn mapped(attributes: &serde_json::Value) -> BTreeMap<String, String> {
    let line = serde_json::json!({
        "trace_id": "0123456789abcdef0123456789abcdef", "span_id": "0123456789abcdef", "name": "a step",
        "start_time": "2026-05-01T08:00:00Z", "end_time": "2026-05-01T08:00:01Z", "attributes": attributes
    });
    rows(&line.to_string()).into_values().next().unwrap()
}

/// Asserts on some columns of a span with these attributes; `-` stands for null.
fn check(attributes: serde_json::Value, expected: &[(&str, &str)]) {
    let columns = mapped(&attributes);
    let found: Vec<(&str, &str)> =
        expected.iter().map(|(name, _)| (*name, columns.get(*name).map_or("-", String::as_str))).collect();
    assert_eq!(found, expected, "{attributes}");
}

#[test]
fn the_small_fixture_reads_as_it_was_written() {
    let shown: Vec<String> = rows(&fixture("small.jsonl"))
        .into_values()
        .map(|mut columns| {
            // Long, and shown by other columns.
            columns.retain(|name, _| {
                !["attributes", "resource_attributes", "content_hash", "tags"].contains(&name.as_str())
            });
            let lines: Vec<String> = columns.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            lines.join("\n")
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn flat_and_otlp_give_equal_rows() {
    let (mut flat, mut otlp) = (rows(&fixture("small.jsonl")), rows(&fixture("small.otlp.jsonl")));
    for columns in flat.values_mut().chain(otlp.values_mut()) {
        // Where things stood, and in which format.
        for place in ["raw_bytes", "source_line", "form"] {
            columns.remove(place);
        }
    }
    assert_eq!(flat, otlp);
}

#[test]
fn otel_genai_names_give_the_same_columns() {
    let (mut flat, mut genai) = (rows(&fixture("small.jsonl")), rows(&fixture("small.genai.otlp.jsonl")));
    for columns in flat.values_mut().chain(genai.values_mut()) {
        // What differs by convention, and where things stood.
        let differ = [
            "name",
            "attributes",
            "tags",
            "dialect",
            "finish_reason",
            "content_hash",
            "raw_bytes",
            "source_line",
            "form",
            "extra_messages",
        ];
        // A reply without a word is a message in one convention and none in the other.
        columns.retain(|name, value| {
            !differ.contains(&name.as_str())
                && !value.is_empty()
                && (name, value.as_str()) != (&"output_messages".to_owned(), "assistant")
        });
    }
    assert_eq!(flat, genai);
}

#[test]
fn the_conventions() {
    use serde_json::json;
    // The model that answered; tokens as text; the first of several finish reasons.
    check(
        json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.model": "m-2026", "gen_ai.system": "openai",
               "gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": 3, "gen_ai.response.finish_reasons": ["length"]}),
        &[
            ("span_type", "LLM"),
            ("model", "m-2026"),
            ("provider", "openai"),
            ("input_tokens", "12"),
            ("output_tokens", "3"),
            ("finish_reason", "length"),
            ("dialect", "otel_genai"),
        ],
    );
    // Two conventions on one span: the one that stands first in the table wins, nulls and empty texts never do.
    check(
        json!({"llm.model_name": "", "inference.llm.model_name": "m", "inference.observation_kind": "LLM", "agent.name": null,
               "inference.agent_name": "planner", "inference.project_id": "p", "llm.token_count.prompt": 5, "inference.llm.input_tokens": 7}),
        &[
            ("span_type", "LLM"),
            ("model", "m"),
            ("agent_name", "planner"),
            ("project_id", "p"),
            ("input_tokens", "5"),
            ("dialect", "openinference"),
        ],
    );
    // Costs in parts add up; a total wins.
    check(json!({"gen_ai.usage.input_cost": 0.5, "gen_ai.usage.output_cost": "0.25"}), &[("cost_usd", "0.75")]);
    check(json!({"llm.cost.total": 2, "llm.cost.prompt": 0.5}), &[("cost_usd", "2.0")]);
    // A tool without a name is called by its span's.
    check(
        json!({"openinference.span.kind": "tool", "input.value": "{}"}),
        &[("span_type", "TOOL"), ("tool_name", "a step"), ("input", "{}")],
    );
    check(
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f", "gen_ai.tool.call.arguments": {"a": 1}, "gen_ai.tool.call.result": "r"}),
        &[("span_type", "TOOL"), ("tool_name", "f"), ("input", r#"{"a":1}"#), ("output", "r")],
    );
    // A span with messages shows the last word, not the whole conversation again.
    check(
        json!({"openinference.span.kind": "LLM", "input.value": "{\"messages\": [\"all of them\"]}",
               "llm.input_messages": "[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"U\"}]",
               "llm.output_messages.0.message.content": "", "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
               "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"a\": 1}",
               "llm.tools.0.tool.json_schema": "{\"function\":{\"name\":\"f\"}}"}),
        &[
            ("input", "U"),
            ("message_count", "2"),
            ("output", r#"[{"id":"","name":"f","arguments":"{\"a\":1}"}]"#),
            ("offered_tools", r#"["f"]"#),
        ],
    );
    // Nothing that tells.
    check(
        json!({"x": 1}),
        &[("span_type", "SPAN"), ("dialect", "other"), ("attributes", r#"{"x":1}"#), ("input", "-")],
    );
}

#[test]
fn lines_always_balance_and_every_bad_one_says_why() {
    let good = r#"{"trace_id":"aa","span_id":"bb"}"#;
    let lines = [
        good,
        "",
        "   \r",
        r#"{"resourceLogs":[]}"#,
        r#"{"trace_id":"aa","span_id":"#,
        r#"{"trace_id":"aa","span_id":"cc"} trailing"#,
        r#"{"trace_id":"","span_id":"cc"}"#,
        r#"{"trace_id":"aa","span_id":7}"#,
        r#"{"trace_id":"aa","span_id":"cc","start_time":"soon"}"#,
        r#"{"trace_id":"aa","span_id":"cc","attributes":[1]}"#,
        r#"{"resourceSpans":{}}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"dd"},{"traceId":"aa"}]}]}]}"#,
        r#"{"hello":"world"}"#,
        "[]",
        "nonsense",
    ];
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(lines.join("\n").bytes());
    bytes.extend(b"\n\xff\xfe\n");
    let parsed = parse(&bytes);
    let counts = parsed.counts;
    assert_eq!(counts, LineCounts { lines: 16, span_lines: 2, rejected_lines: 11, blank_lines: 2, other_lines: 1 });
    assert_eq!(counts.lines, counts.span_lines + counts.rejected_lines + counts.blank_lines + counts.other_lines);
    assert_eq!(parsed.spans.batch.num_rows(), 2);
    let told: Vec<String> = parsed
        .rejects
        .kept
        .iter()
        .map(|reject| format!("{} {:?}: {}", reject.line, reject.kind, reject.reason))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn deep_nesting_is_a_reject() {
    let line = format!(
        r#"{{"trace_id":"aa","span_id":"bb","attributes":{{"deep":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let parsed = parse(line.as_bytes());
    assert_eq!((parsed.spans.batch.num_rows(), parsed.rejects.count()), (0, 1));
}

#[test]
fn ids_in_every_spelling() {
    let ids = |line: &str| {
        let columns = rows(line).into_values().next().unwrap();
        (columns["trace_id"].clone(), columns["span_id"].clone(), columns.get("parent_span_id").cloned())
    };
    let hex = ("0123456789abcdef0123456789abcdef".to_owned(), "0123456789abcdef".to_owned(), None);
    assert_eq!(
        ids(
            r#"{"trace_id":"0123456789ABCDEF0123456789ABCDEF","span_id":"0123456789abcdef","parent_span_id":"0000000000000000"}"#
        ),
        hex
    );
    assert_eq!(ids(r#"{"trace_id":"ASNFZ4mrze8BI0VniavN7w==","span_id":"ASNFZ4mrze8=","parent_span_id":""}"#), hex);
    let free = ("run-7".to_owned(), "step 1".to_owned(), Some("step 0".to_owned()));
    assert_eq!(ids(r#"{"trace_id":"run-7","span_id":"step 1","parent_span_id":"step 0"}"#), free);
}
