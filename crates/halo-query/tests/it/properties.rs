//! What the tools count is what a scan of the spans and plain SQL count, whatever the spans say.

use std::collections::BTreeSet;

use halo_query::tools;
use halo_testkit::TestSpan;
use halo_tool::ToolContext;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestCaseError;
use regex::Regex;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::Fixture;

const TRACES: [&str; 5] = ["t0", "t1", "t2", "t3", "t4"];
const MODELS: [&str; 3] = ["gpt-4o", "o'brien", "claude"];
const SERVICES: [&str; 3] = ["shop", "billing", "café"];

/// What spans say: quotes, backslashes, line ends, and letters of all lengths.
const PIECES: [&str; 12] = [
    "alpha",
    "BETA",
    "gamma",
    "café",
    "日本語",
    "😀",
    "say \"hi\"",
    "C:\\temp\\new",
    "line\nbreak",
    "404",
    "\u{7}",
    "{\"k\":",
];

const PATTERNS: [&str; 16] = [
    "alpha",
    "(?i)beta",
    "^gamma$",
    r"\bgamma\b",
    "caf.",
    "日本",
    "😀+",
    r#"say "hi""#,
    r"C:\\temp\\new",
    r"line\nbreak",
    "[0-9]{3}",
    r#""k""#,
    r"\\",
    r"^\s*404",
    "alpha.*gamma",
    "nowhere",
];

/// One span as it is generated: what is compared is told from this, and never from the dataset.
#[derive(Debug, Clone)]
struct Said {
    trace: usize,
    name: String,
    error: Option<String>,
    input: Option<String>,
    output: Option<String>,
    attribute: Option<String>,
    event: Option<String>,
    model: &'static str,
    service: &'static str,
    start_ms: i64,
}

impl Said {
    fn span(&self, index: usize) -> TestSpan {
        let mut span = TestSpan::llm(TRACES[self.trace], &format!("s{index}"))
            .name(&self.name)
            .model(self.model)
            .service(self.service)
            .start_ms(self.start_ms);
        if let Some(error) = &self.error {
            span = span.error(error);
        }
        if let Some(input) = &self.input {
            span = span.input(input);
        }
        if let Some(output) = &self.output {
            span = span.output(output);
        }
        if let Some(attribute) = &self.attribute {
            span = span.attribute("key", attribute.as_str());
        }
        if let Some(event) = &self.event {
            span = span.events(events(event));
        }
        span
    }

    fn matches(&self, pattern: &Regex) -> bool {
        // Each is a text as it stands, and holds others where it is JSON. Keys, and JSON as it was escaped on its way, are none.
        let texts = [
            Some(&self.name),
            self.error.as_ref(),
            self.input.as_ref(),
            self.output.as_ref(),
            self.attribute.as_ref(),
            self.event.as_ref(),
        ];
        let is_exception = self.event.is_some() && pattern.is_match("exception");
        is_exception || texts.into_iter().flatten().any(|text| pattern.is_match(text) || inside(text, pattern))
    }
}

fn events(text: &str) -> Value {
    json!([{"name": "exception", "attributes": {"exception.message": text}}])
}

/// Whether a text in a text of JSON matches.
fn inside(text: &str, pattern: &Regex) -> bool {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => leaf_matches(&value, pattern),
        _ => false,
    }
}

fn leaf_matches(value: &Value, pattern: &Regex) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => pattern.is_match(&value.to_string()),
        Value::String(text) => pattern.is_match(text) || inside(text, pattern),
        Value::Array(items) => items.iter().any(|item| leaf_matches(item, pattern)),
        Value::Object(fields) => fields.values().any(|item| leaf_matches(item, pattern)),
    }
}

/// A text, plain or as JSON inside JSON.
fn text() -> impl Strategy<Value = String> {
    let plain = vec(select(&PIECES[..]), 1..4).prop_map(|pieces| pieces.join(" "));
    plain.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|text| json!({"content": text}).to_string()),
            vec(inner, 1..3).prop_map(|texts| json!({"role": "tool", "parts": texts, "n": 404}).to_string()),
        ]
    })
}

fn said() -> impl Strategy<Value = Said> {
    let rare = || option::weighted(0.3, text());
    let texts = (option::weighted(0.5, text()), option::weighted(0.5, text()), rare(), rare(), rare());
    (0..TRACES.len(), select(&PIECES[..]), texts, select(&MODELS[..]), select(&SERVICES[..]), 0..20_i64).prop_map(
        |(trace, name, (input, output, attribute, event, error), model, service, start)| Said {
            trace,
            name: name.to_owned(),
            error,
            input,
            output,
            attribute,
            event,
            model,
            service,
            start_ms: start * 1000,
        },
    )
}

/// Filters as a model writes them, and the condition on a trace that they stand for.
#[derive(Debug, Clone)]
struct Filters {
    has_errors: Option<bool>,
    models: Option<Vec<&'static str>>,
    services: Option<Vec<&'static str>>,
    from: Option<i64>,
    until: Option<i64>,
}

fn filters() -> impl Strategy<Value = Filters> {
    let some = |values: &'static [&'static str]| option::of(subsequence(values, 1..=2));
    (option::of(any::<bool>()), some(&MODELS), some(&SERVICES), option::of(0..20_i64), option::of(0..25_i64))
        .prop_map(|(has_errors, models, services, from, until)| Filters { has_errors, models, services, from, until })
}

impl Filters {
    fn arguments(&self) -> Value {
        let mut arguments = Map::new();
        let time = |seconds: i64| format!("2026-01-05T10:00:{seconds:02}Z");
        let mut add = |name: &str, value: Option<Value>| value.map(|value| arguments.insert(name.to_owned(), value));
        add("has_errors", self.has_errors.map(Value::from));
        add("model_names", self.models.clone().map(Value::from));
        add("service_names", self.services.clone().map(Value::from));
        add("start_time_gte", self.from.map(|from| time(from).into()));
        add("end_time_lte", self.until.map(|until| time(until).into()));
        Value::Object(arguments)
    }

    /// The traces by their spans, and not by their roll-up.
    fn sql(&self) -> String {
        let mut having = vec!["true".to_owned()];
        if let Some(has_errors) = self.has_errors {
            having.push(format!("coalesce(bool_or(status = 'ERROR'), false) = {has_errors}"));
        }
        for (column, values) in [("model", &self.models), ("service_name", &self.services)] {
            if let Some(values) = values {
                let any: Vec<String> =
                    values.iter().map(|value| format!("{column} = '{}'", value.replace('\'', "''"))).collect();
                having.push(format!("bool_or({})", any.join(" OR ")));
            }
        }
        if let Some(from) = self.from {
            having.push(format!("min(start_time) >= TIMESTAMP '2026-01-05 10:00:{from:02}Z'"));
        }
        if let Some(until) = self.until {
            having.push(format!("max(end_time) <= TIMESTAMP '2026-01-05 10:00:{until:02}Z'"));
        }
        format!("SELECT trace_id FROM spans GROUP BY trace_id HAVING {}", having.join(" AND "))
    }
}

async fn call(fixture: &Fixture, tool: &str, arguments: &Value) -> String {
    let context =
        ToolContext { cancel: CancellationToken::new(), agent_id: "root".to_owned(), tool_call_id: "c1".to_owned() };
    tools(fixture.session.clone()).call(tool, &arguments.to_string(), &context).await.expect("answers").text
}

/// The traces that both tools find.
async fn found(fixture: &Fixture, filters: &Value) -> Result<BTreeSet<String>, TestCaseError> {
    let counted = call(fixture, "count_traces", &json!({"filters": filters})).await;
    let listed = call(fixture, "query_traces", &json!({"filters": filters, "limit": 500})).await;
    let count: usize = counted.split(' ').next().and_then(|count| count.parse().ok()).expect("a count");
    let ids = listed.lines().filter_map(|line| line.split_once(", ")).map(|(id, _)| id.to_owned());
    let ids: BTreeSet<String> = ids.filter(|id| TRACES.contains(&id.as_str())).collect();
    prop_assert_eq!(count, ids.len(), "{}{}", counted, listed);
    Ok(ids)
}

fn run(test: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_finds_what_a_scan_finds(said in vec(said(), 1..10), patterns in subsequence(&PATTERNS[..], 3)) {
        run(async {
            let spans: Vec<TestSpan> = said.iter().enumerate().map(|(index, said)| said.span(index)).collect();
            let fixture = Fixture::of(&spans).await;
            for pattern in patterns {
                let regex = Regex::new(pattern).expect("a pattern");
                let scanned = said.iter().filter(|said| said.matches(&regex)).map(|said| TRACES[said.trace].to_owned());
                let found = found(&fixture, &json!({"regex_pattern": pattern})).await?;
                prop_assert_eq!(found, scanned.collect::<BTreeSet<_>>(), "{}", pattern);
            }
            Ok(())
        })?;
    }

    #[test]
    fn filters_find_what_their_sql_finds(said in vec(said(), 1..12), filters in vec(filters(), 3)) {
        run(async {
            let spans: Vec<TestSpan> = said.iter().enumerate().map(|(index, said)| said.span(index)).collect();
            let fixture = Fixture::of(&spans).await;
            for filters in filters {
                let wanted = fixture.query(&filters.sql()).await.expect("runs").texts("trace_id");
                let wanted: BTreeSet<String> = wanted.expect("the column").into_iter().flatten().collect();
                prop_assert_eq!(found(&fixture, &filters.arguments()).await?, wanted, "{:?}", filters);
            }
            Ok(())
        })?;
    }
}
