//! Checks of how runs end: without an answer, blocked, refused, at a limit, or with a text that is not what it should be.

use serde_json::json;

use halo_testkit::TestSpan;

use crate::script::{Script, run, tells_apart};

#[tokio::test]
async fn no_answer_after_a_tool_call() {
    tells_apart(
        "unanswered",
        |id| run(id).says("Let me see.").calls("search", "{}", "one sofa"),
        &[
            |id| run(id).calls("search", "{}", "one sofa").says("One sofa."),
            // The answer is made by the root.
            |id| run(id).calls("search", "{}", "one sofa").root(|span| span.output("One sofa.")),
            // It is told why.
            |id| run(id).calls("search", "{}", "one sofa").root(|span| span.error("the client went away")),
            // Tools that end a run on purpose.
            |id| run(id).calls("transfer_to_human", "{}", "ok"),
        ],
        20,
    )
    .await;
}

#[tokio::test]
async fn guardrails_that_block() {
    fn guarded(id: &str, verdict: &str) -> Script {
        run(id).span("GUARDRAIL", |span| span.name("moderation").output(verdict)).says("Here you are.")
    }
    tells_apart(
        "guardrail_blocks",
        |id| guarded(id, r#"{"flagged": true, "rule": "personal data"}"#),
        &[
            |id| guarded(id, r#"{"rule": null, "flagged": false}"#),
            |id| guarded(id, r#"{"action": "allow"}"#),
            // A tool that blocks is another thing.
            |id| run(id).calls("pay", "{}", r#"{"blocked": true}"#).says("The card does not work."),
        ],
        16,
    )
    .await;
    tells_apart(
        "guardrail_blocks",
        |id| {
            let script = run(id).says("").with(|span| span.finish_reason("content_filter"));
            script.with(|span| span.attribute("gen_ai.response.finish_reasons", json!(["content_filter"])))
        },
        &[|id| run(id).says("Here you are.").with(|span| span.finish_reason("stop"))],
        8,
    )
    .await;
}

#[tokio::test]
async fn refused_again_and_again() {
    const NO: &str = "I'm sorry, but I can't help with that request.";
    tells_apart(
        "refusal_loop",
        |id| run(id).says(NO).says(NO).says(NO),
        &[
            |id| run(id).says(NO).says("Here is what I can do instead.").says(NO),
            |id| run(id).says("The sofa can't be delivered.").says("Nor can the table.").says("It is out of stock."),
        ],
        12,
    )
    .await;
}

/// A run that is one minute long, with one tool call in it.
fn minute(id: &str, call: fn(TestSpan) -> TestSpan) -> Script {
    run(id)
        .root(|span| span.start_ms(10_000).duration_ms(60_000))
        .tool("search", "{}", "one")
        .with(|span| call(span.start_ms(20_000)))
}

#[tokio::test]
async fn times_that_can_not_be() {
    let sound: [crate::script::Kind; 3] = [
        |id| minute(id, |span| span.duration_ms(500)),
        // Nobody waits for it.
        |id| minute(id, |span| span.duration_ms(90_000)),
        // Clocks are not that exact.
        |id| minute(id, |span| span.start_ms(9_999).duration_ms(500)),
    ];
    let faulty: [crate::script::Kind; 4] = [
        |id| minute(id, TestSpan::unfinished),
        |id| minute(id, |span| span.duration_ms(-500)),
        |id| minute(id, |span| span.start_ms(9_000)),
        |id| minute(id, |span| span.start_ms(71_000)),
    ];
    for kind in faulty {
        tells_apart("broken_times", kind, &sound, 16).await;
    }
}

#[tokio::test]
async fn failures_passed_over() {
    const DOWN: &str = r#"{"ok":false,"reason":"the backend is down"}"#;
    let title = tells_apart(
        "failed_action_reported_done",
        |id| run(id).calls("get_reviews", "{}", DOWN).says("Most customers like this sofa a lot."),
        &[
            |id| run(id).calls("get_reviews", "{}", DOWN).says("I could not load the reviews."),
            // It asks the user.
            |id| run(id).calls("get_reviews", "{}", DOWN).says("Could you give me the name of the sofa again?"),
            // That there is none is an answer.
            |id| {
                run(id)
                    .calls("get_reviews", "{}", r#"{"ok":false,"reason":"no results"}"#)
                    .says("Nobody has written about this sofa yet.")
            },
            // Another tool had it.
            |id| {
                run(id).calls("get_reviews", "{}", DOWN).calls("search", "{}", "good").says("Customers like this sofa.")
            },
        ],
        20,
    )
    .await;
    assert_eq!(title, "The answer passes over a failure of `get_reviews`");
}

#[tokio::test]
async fn one_text_twice_in_an_answer() {
    const ANSWER: &str = "Your order left Hamburg on Monday and is due on Friday.";
    tells_apart(
        "repeated_answer",
        |id| run(id).says("Let me see.").says(ANSWER).root(|span| span.output(&format!("{ANSWER}\n{ANSWER}"))),
        &[
            |id| run(id).says("Let me see.").says(ANSWER).root(|span| span.output(ANSWER)),
            // Short phrases come twice.
            |id| run(id).says("Let me see.").says(ANSWER).root(|span| span.output("Thank you! Thank you!")),
            // It ends as it begins.
            |id| {
                run(id)
                    .says("Let me see.")
                    .says(ANSWER)
                    .root(|span| span.output(&format!("{ANSWER} It is a sofa. {ANSWER}")))
            },
            // What a tool gives is not said.
            |id| run(id).calls("track", "{}", &format!("{ANSWER}\n{ANSWER}")).says("It is due on Friday."),
        ],
        20,
    )
    .await;
}

#[tokio::test]
async fn errors_of_a_parser_in_the_place_of_a_text() {
    tells_apart(
        "unparsed_reply",
        |id| {
            run(id)
                .says("The order is on its way.")
                .span("CHAIN", |span| span.output("JSONDecodeError: Expecting value: line 1 column 1 (char 0)"))
        },
        &[
            |id| run(id).says(r#"{"state":"sent"}"#).span("CHAIN", |span| span.output(r#"{"state":"sent"}"#)),
            // A tool that reads what others wrote.
            |id| run(id).calls("read", "{}", "JSONDecodeError: Expecting value: line 1").says("The file is broken."),
        ],
        12,
    )
    .await;
    tells_apart(
        "unparsed_reply",
        |id| {
            run(id)
                .says(r#"{"state": "sent", "due": "Friday", "from": "Hamburg", "#)
                .root(|span| span.output("Something went wrong, sorry."))
        },
        &[
            |id| {
                run(id)
                    .says(r#"{"state": "sent", "due": "Friday", "from": "Hamburg"}"#)
                    .root(|span| span.output("It is due on Friday."))
            },
            // Nobody wanted JSON.
            |id| run(id).says("It is due on {day}, says the shop.").root(|span| span.output("On Friday.")),
        ],
        12,
    )
    .await;
}

fn steps(id: &str, count: usize) -> Script {
    (0..count).fold(run(id), |script, step| script.calls("look", &json!({"at": step}).to_string(), "nothing"))
}

#[tokio::test]
async fn unanswered_runs_of_one_length() {
    let mut spans = Vec::new();
    for copy in 0..6 {
        spans.extend(steps(&format!("faulty-{copy}"), 7).spans());
        // Longer runs come to an end, so that 7 is not all that a run may take.
        spans.extend(steps(&format!("fine-{copy}"), 8 + copy).says("Nothing found.").spans());
    }
    // Others stop in the middle, here and there.
    for copy in 0..3 {
        spans.extend(steps(&format!("lost-{copy}"), 4 + copy).spans());
    }
    let report = crate::support::run(&["step_limit"], &spans).await;
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.sample_trace_ids.join(" "), finding.affected, finding.population))
        .collect();
    assert_eq!(found, [("faulty-0 faulty-1 faulty-2 faulty-3 faulty-4 faulty-5".to_owned(), 6, 15)]);
}

#[tokio::test]
async fn one_word_at_the_limit() {
    tells_apart(
        "cut_off_answer",
        |id| run(id).says("The steps are: first open the box, then").with(|span| span.finish_reason("max_tokens")),
        &[
            // A model that may say one word was meant to.
            |id| run(id).says("refund").with(|span| span.finish_reason("max_tokens")),
            |id| {
                run(id).says("The steps are: first open the box, then lift it.").with(|span| span.finish_reason("stop"))
            },
        ],
        12,
    )
    .await;
}
