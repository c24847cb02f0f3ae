//! How runs ended, as the user says it: in `traces`, in what is made of it, and in parts of a dataset.

use halo_query::summary;
use halo_testkit::TestSpan;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, explain};

fn runs() -> Vec<TestSpan> {
    let run = |id: &str| TestSpan::agent(id, "r").attribute("release", "1");
    vec![run("a").ok(), run("b").ok(), run("c"), run("d").error("gave up")]
}

#[tokio::test]
async fn what_the_user_says_stands_before_what_spans_say() {
    let fixture = Fixture::of(&runs()).await;
    let cancel = CancellationToken::new();
    let told = "SELECT trace_id, trace_id <> 'a' AS outcome FROM traces WHERE trace_id IN ('a', 'c')";
    assert_eq!(fixture.session.set_outcomes(told, &cancel).await.unwrap(), 2);
    let rows = fixture.lines("SELECT trace_id, outcome FROM traces ORDER BY 1").await;
    let expected = [("a", "failure"), ("b", "success"), ("c", "success"), ("d", "failure")];
    let expected = expected.map(|(id, outcome)| format!(r#"{{"outcome":"{outcome}","trace_id":"{id}"}}"#));
    assert_eq!(rows, expected.join("\n"));
    let outcomes = summary(&fixture.session).await.unwrap().outcomes;
    assert_eq!((outcomes.success, outcomes.failure, outcomes.unknown), (2, 2, 0));
    let values =
        fixture.lines("SELECT value, failed_traces FROM attribute_values WHERE key = 'release' AND of = 'trace'").await;
    assert_eq!(values, r#"{"failed_traces":2,"value":"1"}"#);
}

#[tokio::test]
async fn what_is_no_outcome_is_refused() {
    let fixture = Fixture::of(&runs()).await;
    let cancel = CancellationToken::new();
    let mut told = Vec::new();
    for sql in ["SELECT trace_id FROM traces", "SELECT trace_id, 'maybe' AS outcome FROM traces"] {
        told.push(explain(&fixture.session.set_outcomes(sql, &cancel).await.unwrap_err()));
    }
    insta::assert_snapshot!(told.join("\n"));
}
