//! `errors`: each span of status ERROR with the message that a person would read.

use halo_testkit::TestSpan;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn the_message_stands_in_the_status_or_the_exception_or_the_output() {
    let exception = json!([{"name": "exception", "attributes": {"exception.type": "Timeout", "exception.message": "no answer from db-17"}}]);
    let failed = |span: &str| TestSpan::tool("t1", span).parent("r").tool_name("pay");
    let fixture = Fixture::of(&[
        TestSpan::agent("t1", "r").error("gave up after 3 tries").events(exception.clone()),
        failed("event").error("").events(exception.clone()).output("ignored"),
        failed("attribute").error("").attribute("exception.message", "key 4711 is missing").events(exception),
        failed("output").error("").output("Error: order 12 is closed"),
        failed("silent").error(""),
        failed("fine").ok().output("Error: told by nobody"),
    ])
    .await;
    insta::assert_snapshot!(
        fixture.lines("SELECT span_id, signature, message, step, tool_name FROM errors ORDER BY step").await
    );
    let causes =
        fixture.lines("SELECT count(*) AS n FROM errors WHERE message IS NOT NULL AND message LIKE '%db-17%'").await;
    assert_eq!(causes, r#"{"n":1}"#);
}
