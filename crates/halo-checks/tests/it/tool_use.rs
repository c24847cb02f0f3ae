//! Checks of how tools are called and what comes of it.

use serde_json::json;

use crate::script::{run, sees_nothing, tells_apart};

#[tokio::test]
async fn unoffered_tool_by_list_and_by_answer() {
    let title = tells_apart(
        "unoffered_tool",
        |id| {
            run(id)
                .asks("refund_order", json!({"id": 7}))
                .with(|span| span.offered(&["get_order", "issue_refund"]))
                .says("I looked into it.")
        },
        &[
            |id| run(id).asks("get_order", json!({})).with(|span| span.offered(&["get_order"])).says("Found."),
            // No list was recorded, so nothing is known.
            |id| run(id).asks("refund_order", json!({})).says("Done."),
            // The tool exists; what it looked for does not.
            |id| {
                run(id)
                    .calls("get_order", "{}", r#"{"error":"order not found; call list_orders first"}"#)
                    .says("Not found.")
            },
        ],
        16,
    )
    .await;
    assert_eq!(title, "The model calls `refund_order`, which it was not offered");
    for answer in [
        "Error: unknown tool lookup_v1",
        r#"{"error":"Tool 'lookup_v1' does not exist"}"#,
        "error: no tool named lookup_v1",
        "No such tool: lookup_v1",
    ] {
        let spans: Vec<_> = (0..4)
            .flat_map(|copy| run(&format!("t{copy}")).calls("lookup_v1", "{}", answer).says("Hm.").spans())
            .collect();
        let report = crate::support::run(&["unoffered_tool"], &spans).await;
        assert_eq!(report.findings.iter().map(|finding| finding.affected).collect::<Vec<_>>(), [4], "{answer}");
    }
}

#[tokio::test]
async fn invalid_arguments_in_many_wordings() {
    let wordings = [
        r#"{"ok":false,"error":"missing required field 'order_id'"}"#,
        "ValidationError: 1 validation error for RefundArgs",
        r#"{"error":"order_id must be an integer"}"#,
        r#"{"error":"Unexpected keyword argument 'orderId'"}"#,
        r#"{"status":422,"detail":"Unprocessable Entity: unknown parameter orderId"}"#,
    ];
    let mut spans = Vec::new();
    for (copy, wording) in wordings.iter().enumerate() {
        spans.extend(
            run(&format!("bad-{copy}")).calls("refund", r#"{"orderId":"7"}"#, wording).says("It did not work.").spans(),
        );
    }
    for copy in 0..5 {
        let refused = r#"{"ok":false,"error":"the order is older than 30 days"}"#;
        spans.extend(run(&format!("fine-{copy}")).calls("refund", "{}", refused).says("It is too old.").spans());
    }
    let report = crate::support::run(&["invalid_arguments"], &spans).await;
    let found: Vec<_> =
        report.findings.iter().map(|finding| (finding.affected, finding.population, finding.title.as_str())).collect();
    assert_eq!(found, [(5, 10, "The model gives `refund` arguments that are rejected")]);
    // Four of the five wordings are shown, each once.
    assert_eq!(report.findings[0].evidence.len(), 4);
}

#[tokio::test]
async fn corrected_calls_and_not_retries() {
    let mut spans = Vec::new();
    for copy in 0..6 {
        spans.extend(
            run(&format!("bad-{copy}"))
                .calls("book", r#"{"paid":300}"#, "Error: payment does not add up, the price is 375")
                .calls("book", r#"{"paid":375}"#, r#"{"ok":true}"#)
                .says("Booked.")
                .spans(),
        );
        // The same call again, and a refusal that was taken as it is.
        spans.extend(
            run(&format!("fine-{copy}"))
                .calls("book", r#"{"paid":1}"#, "Error: service busy")
                .calls("book", r#"{"paid":1}"#, r#"{"ok":true}"#)
                .says("Booked.")
                .spans(),
        );
        spans.extend(run(&format!("sold-out-{copy}")).calls("book", "{}", "Error: sold out").says("Sold out.").spans());
    }
    let report = crate::support::run(&["corrected_calls"], &spans).await;
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.affected, finding.population)).collect();
    assert_eq!(found, [(6, 18)]);
}

#[tokio::test]
async fn first_page_taken_for_all() {
    let title = tells_apart(
        "first_page_only",
        |id| {
            run(id)
                .calls("list_orders", r#"{"user":"ann"}"#, r#"{"orders":[1,2],"has_more":true,"next_cursor":"b2"}"#)
                .says("You have two orders.")
        },
        &[
            |id| {
                run(id)
                    .calls("list_orders", "{}", r#"{"orders":[1],"has_more": true}"#)
                    .calls("list_orders", r#"{"page":2}"#, r#"{"orders":[2],"has_more": false}"#)
                    .says("Two.")
            },
            |id| {
                run(id).calls("list_orders", "{}", r#"{"orders":[1],"has_more":false,"next_cursor":null}"#).says("One.")
            },
            |id| run(id).calls("list_orders", "{}", r#"{"page":1,"total_pages":1,"orders":[]}"#).says("None."),
        ],
        8,
    )
    .await;
    assert_eq!(title, "The first page of `list_orders` is taken for the whole result");
}

#[tokio::test]
async fn placeholders_left_unfilled() {
    tells_apart(
        "unfilled_placeholder",
        |id| run(id).calls("get_order", r#"{"order_id":"<order_id>"}"#, "Error: no such order").says("Not found."),
        &[
            |id| run(id).calls("get_order", r#"{"order_id":"<4711>"}"#, "{}").says("Use a < b > c to compare."),
            |id| {
                run(id)
                    .calls("write", r#"{"text":"Dear {{name}}, your order {{id}} is here"}"#, "{}")
                    .says("I wrote the template.")
            },
            |id| run(id).says("Use this:\n```\nhello {{ name }}\n```"),
        ],
        16,
    )
    .await;
    tells_apart(
        "unfilled_placeholder",
        |id| run(id).says("Hello {{customer_name}}, your order is on its way."),
        &[|id| run(id).says("Hello Ann, your set {a, b} is on its way.")],
        8,
    )
    .await;
}

#[tokio::test]
async fn large_results_carried_along() {
    fn large() -> String {
        format!(r#"{{"log":"{}"}}"#, "line ".repeat(6000))
    }
    tells_apart(
        "oversized_result",
        |id| {
            run(id)
                .calls("read_log", "{}", &large())
                .says("Let me see.")
                .with(|span| span.tokens(9000, 10))
                .says("Nothing in it.")
                .with(|span| span.tokens(9000, 10))
        },
        &[
            // The harness folds the result: later requests are small.
            |id| run(id).calls("read_log", "{}", &large()).says("Let me see.").says("Nothing in it."),
            |id| run(id).calls("read_log", "{}", "short").says("ok").with(|span| span.tokens(9000, 10)),
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn handoffs_that_bounce() {
    tells_apart(
        "handoff_bounce",
        |id| {
            run(id)
                .tool("transfer_to_billing", "{}", "ok")
                .tool("transfer_to_support", "{}", "ok")
                .tool("transfer_to_billing", "{}", "ok")
                .tool("transfer_to_support", "{}", "ok")
                .says("Hello again.")
        },
        &[
            |id| run(id).tool("transfer_to_billing", "{}", "ok").tool("transfer_to_support", "{}", "ok").says("Hi."),
            |id| {
                run(id)
                    .tool("get_a", "{}", "1")
                    .tool("get_b", "{}", "2")
                    .tool("get_a", "{}", "1")
                    .tool("get_b", "{}", "2")
                    .says("Hi.")
            },
        ],
        8,
    )
    .await;
}

#[tokio::test]
async fn a_tool_that_exists_is_known_by_its_whole_name() {
    sees_nothing(
        "unoffered_tool",
        &[|id| run(id).asks("get", json!({})).with(|span| span.offered(&["get", "get_all"])).says("ok")],
    )
    .await;
}
