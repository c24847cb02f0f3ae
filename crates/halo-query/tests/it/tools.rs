//! The tools as a model meets them: every word it reads stands in a snapshot.

use halo_query::tools;
use halo_testkit::TestSpan;
use halo_tool::{ToolContext, ToolError, ToolOutput};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::Fixture;

pub(crate) async fn output(fixture: &Fixture, name: &str, args: &Value) -> Result<ToolOutput, ToolError> {
    let context =
        ToolContext { cancel: CancellationToken::new(), agent_id: "root".to_owned(), tool_call_id: "c1".to_owned() };
    tools(fixture.session.clone()).call(name, &args.to_string(), &context).await
}

/// What the model reads, without the time it took.
pub(crate) async fn call(fixture: &Fixture, name: &str, args: Value) -> String {
    let text = match output(fixture, name, &args).await {
        Ok(output) => output.text,
        Err(ToolError::ForModel { message }) => format!("error: {message}\n"),
        Err(ToolError::Fatal { message }) => format!("fatal: {message}\n"),
    };
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let first = match first.rsplit_once(", ") {
        Some((count, time)) if name == "sql" && time.ends_with(" ms") => format!("{count}, N ms"),
        _ => first.to_owned(),
    };
    format!("> {name} {args}\n{first}\n{rest}\n")
}

pub(crate) async fn transcript(fixture: &Fixture, calls: Vec<(&str, Value)>) -> String {
    let mut told = String::new();
    for (name, args) in calls {
        told.push_str(&call(fixture, name, args).await);
    }
    told
}

#[tokio::test]
async fn the_specs_are_what_they_were() {
    let fixture = Fixture::of(&[]).await;
    insta::assert_json_snapshot!(tools(fixture.session.clone()).specs());
}

/// Arguments that a tool runs with on the small dataset.
fn example_arguments(spec: &halo_protocol::ToolSpec) -> Value {
    let required = spec.parameters["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let example = |name: &str| match (name, spec.parameters["properties"][name]["type"].as_str()) {
        ("query", _) => json!("SELECT * FROM spans"),
        ("span_id", _) => json!("r1"),
        (_, Some("array")) => json!(["aa01"]),
        _ => json!("aa01"),
    };
    // One of two arguments that name the same is required, which a schema does not say.
    let steps = spec.parameters["properties"].get("steps").map(|_| ("steps".to_owned(), json!([1])));
    required.map(|name| (name.to_owned(), example(name))).chain(steps).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn every_tool_ends_when_it_is_called_off() {
    let fixture = Fixture::shop().await;
    let registry = tools(fixture.session.clone());
    for spec in registry.specs() {
        let arguments = example_arguments(&spec).to_string();
        // Before it begins, and while it is at work.
        for polls in [0, 1, 3] {
            let cancel = CancellationToken::new();
            let context =
                ToolContext { cancel: cancel.clone(), agent_id: "root".to_owned(), tool_call_id: "c1".to_owned() };
            let mut called = std::pin::pin!(registry.call(&spec.name, &arguments, &context));
            let mut ended = None;
            for _ in 0..polls {
                if let std::task::Poll::Ready(result) = futures::poll!(&mut called) {
                    ended = Some(result);
                    break;
                }
                tokio::task::yield_now().await;
            }
            cancel.cancel();
            // A tool that was done before it was called off has an answer.
            let result = match ended {
                Some(result) => result,
                None => Err(called.await.expect_err(&spec.name)),
            };
            match result {
                Ok(_) => assert!(polls > 0, "{}", spec.name),
                Err(error) => assert_eq!(error.to_string(), "the query was cancelled", "{}", spec.name),
            }
        }
        let after = output(&fixture, &spec.name, &example_arguments(&spec)).await;
        assert!(after.is_ok(), "{}: {after:?}", spec.name);
    }
}

#[tokio::test]
async fn an_overview_tells_what_differs_and_what_failed() {
    let fixture = Fixture::shop().await;
    let told = transcript(
        &fixture,
        vec![
            ("get_dataset_overview", json!({})),
            ("get_dataset_overview", json!({"filters": {"service_names": ["billing"]}})),
            ("get_dataset_overview", json!({"filters": {"service_names": ["none"]}})),
            ("get_dataset_overview", json!({"filter": {}})),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
    let empty = Fixture::of(&[]).await;
    assert_eq!(
        call(&empty, "get_dataset_overview", json!({})).await,
        "> get_dataset_overview {}\nthe dataset is empty: it has no traces\n\n"
    );
}

#[tokio::test]
async fn traces_are_listed_a_line_each() {
    let fixture = Fixture::shop().await;
    let filtered = |filters: Value| ("query_traces", json!({"filters": filters}));
    let told = transcript(
        &fixture,
        vec![
            ("query_traces", json!({})),
            ("query_traces", json!({"limit": 1, "offset": 1})),
            ("query_traces", json!({"offset": 7})),
            filtered(json!({"has_errors": true})),
            filtered(json!({"has_errors": false, "model_names": ["gpt-4o", "other"]})),
            filtered(json!({"agent_names": ["support"], "start_time_gte": "2026-01-05T10:00:04Z", "end_time_lte": "2026-01-05T10:00:07Z"})),
            filtered(json!({"regex_pattern": "closed \"by\" caf"})),
            filtered(json!({"regex_pattern": "(?i)YOU HELP THE CUSTOMERS"})),
            filtered(json!({"regex_pattern": "nothing like it's"})),
            filtered(json!({"regex_pattern": "(?!x)"})),
            filtered(json!({"regex_pattern": "("})),
            filtered(json!({"start_time_gte": "last week"})),
            filtered(json!({"project": "x"})),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_trace_is_searched_decoded_and_once() {
    let fixture = Fixture::shop().await;
    let search = |pattern: &str| {
        ("search_trace", json!({"trace_id": "aa01", "regex_pattern": pattern, "context_buffer_chars": 8}))
    };
    let told = transcript(
        &fixture,
        vec![
            search("Friday|customers"),
            search("(?i)FIND_ORDER"),
            search("nothing"),
            search("(?<=x)y"),
            ("search_trace", json!({"trace_id": "bb02", "regex_pattern": "closed \"by\" caf."})),
            (
                "search_trace",
                json!({"trace_id": "aa01", "regex_pattern": "e", "max_matches": 2, "context_buffer_chars": 0}),
            ),
            ("search_trace", json!({"trace_id": "none", "regex_pattern": "e"})),
            ("search_trace", json!({"trace_id": "aa01"})),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn traces_are_counted_and_a_span_is_searched() {
    let fixture = Fixture::shop().await;
    let span = |trace: &str, span: &str, pattern: &str| {
        ("search_span", json!({"trace_id": trace, "span_id": span, "regex_pattern": pattern}))
    };
    let told = transcript(
        &fixture,
        vec![
            ("count_traces", json!({})),
            ("count_traces", json!({"filters": {"has_errors": true}})),
            ("count_traces", json!({"filters": {"regex_pattern": "(?i)YOU HELP THE CUSTOMERS"}})),
            ("count_traces", json!({"filters": {"service_names": ["none"]}})),
            ("count_traces", json!({"filters": {"regex_pattern": "("}})),
            span("aa01", "o1", "(?i)order"),
            span("aa01", "o1", "nowhere"),
            span("aa01", "zz", "e"),
            span("none", "o1", "e"),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn sql_answers_in_few_words() {
    let fixture = Fixture::shop().await;
    let sql = |query: &str| ("sql", json!({"query": query}));
    let told = transcript(
        &fixture,
        vec![
            sql("SELECT trace_id, step, output FROM spans ORDER BY 1, 2"),
            sql("SELECT 1 AS one WHERE false"),
            sql("SELECT concat('a', chr(10), 'b', chr(27), '[2J') AS text, [1, 2] AS list, NULL AS nothing"),
            sql("SELECT value FROM generate_series(1, 201)"),
            sql("SELECT spam_id FROM spans"),
            sql("DROP TABLE spans"),
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn sql_bounds_what_a_model_reads() {
    let spans: Vec<TestSpan> =
        (0..150).map(|index| TestSpan::tool("t1", &format!("s{index}")).output(&"word ".repeat(2000))).collect();
    let fixture = Fixture::of(&spans).await;
    let many = call(&fixture, "sql", json!({"query": "SELECT output FROM spans"})).await;
    assert!(many.len() < 40_000, "{}", many.len());
    assert!(many.contains("cells clipped to 200 characters"), "{many}");
    let one = json!({"query": "SELECT output FROM spans LIMIT 1"});
    assert!(call(&fixture, "sql", one).await.contains(&"word ".repeat(2000)));
}
