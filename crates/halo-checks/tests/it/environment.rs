//! Checks of what the harness stands on: services, limits, credentials, telemetry.

use std::sync::Arc;

use halo_dataset::{Commit, Content, Dataset, DatasetWriter, Effort, SpanBatchBuilder, SpanChunk, SpanRow};
use halo_testkit::TestSpan;

use crate::script::{Script, concentrates, run, tells_apart};

const TIMEOUT: &str = "TimeoutError: the call timed out after 30 s";

#[tokio::test]
async fn timeouts_that_hurt() {
    let title = tells_apart(
        "timeouts",
        |id| run(id).calls("search", "{}", TIMEOUT).says("The search is not available right now."),
        &[
            // A retry mends it.
            |id| run(id).calls("search", "{}", TIMEOUT).calls("search", "{}", "one sofa").says("One sofa."),
            // Another tool takes its place.
            |id| run(id).calls("search", "{}", TIMEOUT).calls("browse", "{}", "one sofa").says("One sofa."),
            // A hook after the answer.
            |id| run(id).calls("search", "{}", "one").says("One sofa.").tool("search", "{}", TIMEOUT),
        ],
        16,
    )
    .await;
    assert_eq!(title, "Calls of `search` time out, and runs do not recover");
    // No field and no prefix says that this is a failure.
    tells_apart(
        "timeouts",
        |id| {
            run(id)
                .calls("search", "{}", "Request timed out after 30 s.")
                .says("The search is not available right now.")
        },
        &[|id| run(id).calls("search", "{}", "An article on how a request timed out.").says("I could not find more.")],
        8,
    )
    .await;
}

#[tokio::test]
async fn rate_limits_that_hurt() {
    let title = tells_apart(
        "rate_limited",
        |id| run(id).model_fails("HTTP 429 Too Many Requests"),
        &[|id| run(id).model_fails("HTTP 429 Too Many Requests").says("Here I am.")],
        8,
    )
    .await;
    assert_eq!(title, "Rate limits on `gpt-4o` end the work");
}

#[tokio::test]
async fn credentials() {
    tells_apart(
        "credentials_expire",
        |id| {
            run(id)
                .calls("get_order", "{}", r#"{"id":7}"#)
                .calls("ship", "{}", r#"{"error":"401 Unauthorized: token expired"}"#)
                .says("I could not ship it.")
        },
        &[
            // It never worked.
            |id| {
                run(id)
                    .calls("ship", "{}", r#"{"error":"401 Unauthorized"}"#)
                    .calls("get_order", "{}", r#"{"error":"401 Unauthorized"}"#)
                    .says("I could not.")
            },
            // It was renewed.
            |id| {
                run(id)
                    .calls("get_order", "{}", r#"{"id":7}"#)
                    .calls("ship", "{}", r#"{"error":"401 Unauthorized: token expired"}"#)
                    .calls("ship", "{}", r#"{"ok":true}"#)
                    .says("Shipped.")
            },
            |id| {
                run(id)
                    .calls("a", "{}", "1")
                    .calls("b", "{}", r#"{"error":"order 401 is closed"}"#)
                    .says("I could not.")
            },
        ],
        16,
    )
    .await;
}

#[tokio::test]
async fn context() {
    tells_apart(
        "context_overflow",
        |id| run(id).says("Let me see.").model_fails("This model's maximum context length is 128000 tokens"),
        &[
            |id| run(id).model_fails("This model's maximum context length is 128000 tokens").says("Shorter now."),
            |id| run(id).says("The context of your question exceeds what I know."),
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn run_errors_by_cause() {
    let title = tells_apart(
        "run_ends_in_error",
        |id| run(id).says("Hm.").root(|span| span.error("KeyError: 'order 4711'")),
        &[
            |id| run(id).says("Hm.").span("CHAIN", |span| span.error("KeyError: 'order 4711'")),
            |id| run(id).says("Fine.").root(TestSpan::ok),
        ],
        12,
    )
    .await;
    assert_eq!(title, "Runs end in the error `KeyError: <value>`");
}

/// Sixty runs, the last twenty with another release; `odd` says which are told by the second kind.
fn runs(odd: impl Fn(usize) -> bool, kinds: [fn(&str) -> Script; 2]) -> Vec<TestSpan> {
    (0..60)
        .flat_map(|copy| {
            let release = if copy >= 40 { "2.14.0" } else { "2.13.0" };
            let script = kinds[usize::from(odd(copy))](&format!("t{copy:02}"));
            script.root(|span| span.attribute("release", release)).spans()
        })
        .collect()
}

async fn only_with_scope(check: &str, kinds: [fn(&str) -> Script; 2]) {
    let in_one = runs(|copy| copy >= 40 && copy % 2 == 0, kinds);
    let spread = concentrates(check, [in_one, runs(|copy| copy % 6 == 0, kinds)]).await;
    assert_eq!(spread.one_offs.len(), 3, "{check}");
}

#[tokio::test]
async fn failures_of_one_release() {
    let fine: fn(&str) -> Script = |id| run(id).calls("quote", "{}", r#"{"price":7}"#).says("It costs 7.");
    only_with_scope(
        "tool_failures",
        [fine, |id| {
            run(id).calls("quote", "{}", r#"{"ok":false,"reason":"no tariff"}"#).says("I could not find a price.")
        }],
    )
    .await;
    only_with_scope("empty_results", [fine, |id| run(id).calls("quote", "{}", "[]").says("There is no price.")]).await;
    only_with_scope("gave_up", [fine, |id| run(id).says("I am unable to help with that.")]).await;
    only_with_scope(
        "slow_calls",
        [fine, |id| {
            run(id).calls("quote", "{}", r#"{"price":7}"#).with(|span| span.duration_ms(9000)).says("It costs 7.")
        }],
    )
    .await;
}

#[tokio::test]
async fn a_tool_that_mostly_fails_needs_no_scope() {
    tells_apart(
        "tool_failures",
        |id| run(id).calls("quote", "{}", "Error: no backend").says("I could not find a price."),
        &[|id| run(id).calls("lookup", "{}", "Error: no entry").calls("search", "{}", "one").says("One.")],
        4,
    )
    .await;
}

#[tokio::test]
async fn telemetry() {
    tells_apart(
        "orphan_spans",
        |id| run(id).says("Hm.").span("CHAIN", |span| span.parent("lost").name("planner")),
        &[|id| run(id).says("Hm.").span("CHAIN", |span| span.name("planner"))],
        8,
    )
    .await;
    tells_apart(
        "missing_token_counts",
        |id| run(id).span("LLM", |span| span.model("m").output("Hm.").name("chat")),
        &[|id| run(id).says("Hm."), |id| run(id).calls("a", "{}", "1").says("Hm.")],
        12,
    )
    .await;
}

/// Runs of three large requests each, of which `cached` tokens came from the cache.
fn cached_runs(runs: &[(&str, i64)]) -> (tempfile::TempDir, Dataset) {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let mut builder = SpanBatchBuilder::default();
    for (trace_id, cached) in runs {
        for (step, span_id) in ["a", "b", "c"].into_iter().enumerate() {
            let start = i64::try_from(step).expect("few steps") * 1_000_000_000;
            builder.push(&SpanRow {
                trace_id: Some(trace_id),
                span_id: Some(span_id),
                name: Some("chat"),
                span_type: Some("LLM"),
                model: Some("large"),
                start_time: Some(start),
                end_time: Some(start + 1),
                status: Some("UNSET"),
                input_tokens: Some(4000),
                cached_input_tokens: Some(*cached),
                ..SpanRow::default()
            });
        }
    }
    let mut writer = DatasetWriter::open_or_create(folder.path()).expect("a new dataset");
    let chunk = SpanChunk { batch: builder.finish().expect("a batch"), content: Content::default(), bytes: 0 };
    let outcome = writer.segment().write_all(&[Arc::new(chunk)], Effort::INGEST).expect("a segment");
    writer.add(outcome).expect("added");
    writer.commit(Commit::default()).expect("committed");
    let dataset = Dataset::open(folder.path()).expect("it opens");
    (folder, dataset)
}

#[tokio::test]
async fn a_cache_that_works_elsewhere() {
    let ids: Vec<String> = (0..20).map(|copy| format!("t{copy:02}")).collect();
    let findings = |cached_in_most: i64| {
        let runs: Vec<(&str, i64)> =
            ids.iter().enumerate().map(|(copy, id)| (id.as_str(), if copy < 6 { 0 } else { cached_in_most })).collect();
        let (folder, dataset) = cached_runs(&runs);
        async move {
            let report = crate::support::run_on(&["cache_unused"], &dataset).await;
            drop(folder);
            report.findings.into_iter().map(|finding| (finding.affected, finding.population)).collect::<Vec<_>>()
        }
    };
    assert_eq!(findings(3000).await, [(6, 20)]);
    // Nothing is ever cached: the provider may have no cache.
    assert_eq!(findings(0).await, []);
}
