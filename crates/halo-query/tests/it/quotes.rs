//! Quotes that stand in their spans, and quotes that do not.

use halo_protocol::Evidence;
use halo_query::QuoteStatus;
use halo_testkit::TestSpan;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn quotes_are_found_wherever_a_person_would_read_them() {
    let fixture = Fixture::of(&[
        TestSpan::llm("t1", "s1")
            .name("plan step")
            .input("What is the \"price\"?\nNow.")
            .output("It's 5 €, or C:\\temp.")
            .asks_for("c1", "find", json!({"text": "a \"b\""}))
            .attribute("input.value", json!({"messages": [{"content": "say \"hi\"\nto café"}]}).to_string())
            .attribute("number", 4711)
            .resource("service.version", "1.4.0-rc.1"),
        TestSpan::tool("t1", "s2")
            .error("denied: 'x'")
            .output(r#"{"ok":false,"why":"line\nbreak"}"#)
            .events(json!([{"name": "exception", "attributes": {"exception.message": "disk \"full\""}}])),
        TestSpan::tool("t1", "twin").output("one"),
        TestSpan::tool("t1", "twin").output("two"),
    ])
    .await;
    let found = QuoteStatus::Found;
    let missing = QuoteStatus::NotInSpan { instead: None };
    let cases = [
        ("t1", "s1", "plan step", found.clone()),
        ("t1", "s1", "\"price\"?\nNow", found.clone()),
        ("t1", "s1", "5 €, or C:\\temp", found.clone()),
        ("t1", "s1", "a \"b\"", found.clone()),
        ("t1", "s1", "say \"hi\"\nto café", found.clone()),
        ("t1", "s1", "4711", found.clone()),
        ("t1", "s1", "1.4.0-rc.1", found.clone()),
        ("t1", "s2", "denied: 'x'", found.clone()),
        ("t1", "s2", "line\nbreak", found.clone()),
        ("t1", "s2", r#"{"ok":false,"why":"line\nbreak"}"#, found.clone()),
        ("t1", "s2", "disk \"full\"", found.clone()),
        ("t1", "twin", "one", found.clone()),
        ("t1", "twin", "two", found),
        ("t1", "s1", "the price is 6", missing.clone()),
        ("t1", "s1", "Plan step", missing.clone()),
        ("t1", "s1", "", missing.clone()),
        ("t1", "s1", " ", missing),
        ("t1", "s1", "denied", QuoteStatus::NotInSpan { instead: Some("s2".to_owned()) }),
        ("t1", "s9", "x", QuoteStatus::NoSpan),
        ("t9", "s1", "x", QuoteStatus::NoTrace),
        ("t'1", "s1", "x", QuoteStatus::NoTrace),
    ];
    let evidence: Vec<Evidence> = cases
        .iter()
        .map(|(trace_id, span_id, quote, _)| Evidence {
            trace_id: (*trace_id).to_owned(),
            span_id: (*span_id).to_owned(),
            quote: (*quote).to_owned(),
        })
        .collect();
    let statuses = fixture.session.find_quotes(&evidence).await.expect("looked for");
    for ((trace_id, span_id, quote, expected), status) in cases.iter().zip(&statuses) {
        assert_eq!(status, expected, "{trace_id} {span_id} {quote:?}");
    }
    assert_eq!(statuses.len(), cases.len());
    assert_eq!(fixture.session.find_quotes(&[]).await.expect("nothing to do"), []);
}
