//! Checks of what the run answers and how it ends.

use crate::script::{Script, run, tells_apart};

const REFUSED: &str = r#"{"ok":false,"reason":"card expired"}"#;

#[tokio::test]
async fn done_after_a_failure() {
    tells_apart(
        "failed_action_reported_done",
        |id| run(id).calls("refund_order", "{}", REFUSED).says("Good news: your order has been refunded."),
        &[
            // It owns up.
            |id| run(id).calls("refund_order", "{}", REFUSED).says("I tried, but the refund could not be completed."),
            // It tried again and that worked.
            |id| {
                run(id)
                    .calls("refund_order", "{}", REFUSED)
                    .calls("refund_order", r#"{"card":2}"#, r#"{"ok":true}"#)
                    .says("Your order has been refunded.")
            },
            // It asks.
            |id| run(id).calls("refund_order", "{}", REFUSED).says("Which card shall I use?"),
            // What is not there is an answer of its own.
            |id| {
                run(id)
                    .calls("refund_order", "{}", r#"{"ok":true}"#)
                    .calls("get_reviews", "{}", r#"{"error":"not found"}"#)
                    .says("Your order has been shipped on Monday.")
            },
        ],
        20,
    )
    .await;
}

#[tokio::test]
async fn a_claim_without_a_call() {
    tells_apart(
        "action_claimed_without_call",
        |id| run(id).says("I've cancelled your order and refunded the amount."),
        &[
            |id| run(id).calls("cancel_order", "{}", r#"{"ok":true}"#).says("I've cancelled your order."),
            |id| run(id).says("I can cancel your order. Shall I?"),
            |id| run(id).says("I have not cancelled your order, sorry."),
        ],
        16,
    )
    .await;
}

#[tokio::test]
async fn cut_off() {
    tells_apart(
        "cut_off_answer",
        |id| run(id).says("The steps are: first open the box, then").with(|span| span.finish_reason("length")),
        &[
            |id| run(id).says("All of it.").with(|span| span.finish_reason("stop")),
            // A cut draft that was replaced.
            |id| {
                run(id)
                    .says("The st")
                    .with(|span| span.finish_reason("length"))
                    .says("The steps.")
                    .with(|span| span.finish_reason("stop"))
            },
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn empty() {
    tells_apart(
        "empty_answer",
        |id| run(id).calls("search", "{}", "one").says("").with(|span| span.input("Show me the sofa.")),
        &[
            |id| run(id).calls("search", "{}", "one").says("One."),
            // The answer is made by the root from what the tool gave.
            |id| run(id).root(|span| span.output("One sofa.")).calls("search", "{}", "one").says(""),
            // Replies are not recorded at all.
            |id| run(id).says("").says(""),
        ],
        16,
    )
    .await;
}

fn steps(id: &str, count: usize) -> Script {
    (0..count).fold(run(id), |script, step| script.calls("look", &format!(r#"{{"at":{step}}}"#), "nothing"))
}

#[tokio::test]
async fn step_limits() {
    tells_apart(
        "step_limit",
        |id| steps(id, 8),
        &[|id| steps(id, 3).says("Nothing found."), |id| steps(id, 5).says("Nothing found.")],
        12,
    )
    .await;
    tells_apart(
        "step_limit",
        |id| steps(id, 2).says("Agent stopped due to iteration limit."),
        &[
            // A tool that ends the run on purpose.
            |id| steps(id, 6).calls("transfer_to_human", "{}", "ok"),
            |id| steps(id, 2).says("The order has three steps to go."),
        ],
        12,
    )
    .await;
    tells_apart(
        "step_limit",
        |id| steps(id, 2).root(|span| span.error("GraphRecursionError: recursion limit of 25 reached")),
        &[|id| steps(id, 2).root(|span| span.error("ConnectionError: reset")).says("Hm.")],
        8,
    )
    .await;
}

#[tokio::test]
async fn scaffolding() {
    tells_apart(
        "scaffolding_in_answer",
        |id| run(id).says("<tool_call>{\"name\": \"get_order\"}</tool_call>"),
        &[
            |id| run(id).says("Your <b>order</b> is thought to arrive on Friday."),
            |id| run(id).says("[{\"tool_calls\": [1]}]"),
        ],
        12,
    )
    .await;
    tells_apart(
        "scaffolding_in_answer",
        |id| run(id).says("Sure.\nThought: I should look it up"),
        &[|id| run(id).says("A good thought: sleep.")],
        8,
    )
    .await;
}

#[tokio::test]
async fn unparsed() {
    tells_apart(
        "unparsed_reply",
        |id| {
            run(id)
                .says("{\"a\": 1")
                .span("CHAIN", |span| span.error("OutputParserException: could not parse the reply"))
        },
        &[
            |id| {
                run(id)
                    .says("{\"a\": 1}")
                    .span("CHAIN", |span| span.output("could not parse the address, says the user"))
            },
            |id| run(id).says("Your answer was valid.").with(|span| span.input("Is your response correct?")),
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn language() {
    tells_apart(
        "wrong_language",
        |id| {
            run(id)
                .root(|span| {
                    span.input(
                        "Wo ist meine Bestellung und wann kann ich mit der Lieferung rechnen? Bitte um Auskunft.",
                    )
                })
                .says("Your order is on the way and is due on Friday. Please contact us with any questions.")
        },
        &[
            |id| {
                run(id)
                    .root(|span| span.input("Wo ist meine Bestellung und wann kann ich mit der Lieferung rechnen?"))
                    .says("Die Bestellung ist unterwegs und kommt am Freitag. Danke für die Geduld.")
            },
            |id| run(id).says("Your order is on the way and is due on Friday. Please contact us with any questions."),
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn the_same_answer_again() {
    const ANSWER: &str = "To look into this I need the number of your order, which stands in the mail that we sent to you on the day you ordered.";
    tells_apart(
        "repeated_answer",
        |id| run(id).says(ANSWER).says(ANSWER),
        &[
            |id| run(id).says(ANSWER).says("Thank you."),
            |id| run(id).says("Thank you.").says("Thank you."),
            // One reply on two nested spans.
            |id| {
                run(id)
                    .says(ANSWER)
                    .with(|span| span.start_ms(0).duration_ms(900))
                    .says(ANSWER)
                    .with(|span| span.start_ms(100).duration_ms(700))
            },
        ],
        16,
    )
    .await;
    tells_apart(
        "repeated_answer",
        |id| run(id).says(&format!("{ANSWER}\n{ANSWER}")).says("Thank you."),
        &[|id| run(id).says(ANSWER).says("Thank you.")],
        8,
    )
    .await;
}

#[tokio::test]
async fn history_gone() {
    fn turn(script: Script, messages: i64, text: &str) -> Script {
        script.says(text).with(|span| span.messages(messages).tokens(messages * 200, 20))
    }
    tells_apart(
        "history_dropped",
        |id| {
            let script = turn(turn(turn(run(id), 5, "a"), 9, "b"), 13, "c");
            turn(script, 3, "Hello! How can I help you today?")
        },
        &[
            |id| turn(turn(turn(turn(run(id), 5, "a"), 9, "b"), 13, "c"), 17, "How can I help you further?"),
            // A compaction after which the agent goes on as before.
            |id| turn(turn(turn(turn(run(id), 5, "a"), 9, "b"), 13, "c"), 3, "The parcel left Hamburg on Monday."),
            // Another way to count messages: only the new ones.
            |id| turn(turn(turn(turn(run(id), 2, "a"), 3, "b"), 2, "c"), 1, "How can I help?"),
        ],
        16,
    )
    .await;
}
