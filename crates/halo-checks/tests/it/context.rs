//! Checks of what reaches the model: results, answers of the user, texts that come twice.

use serde_json::json;

use crate::script::{Script, run, tells_apart};

const REPORT: &str =
    "Order 4711 left Hamburg on Monday, reached Lyon on Tuesday and is due in Madrid on Friday at noon.";

/// A tool gives the report, and each later request tells the model what is given here.
fn told(script: Script, tool: &str, heard: &[&str]) -> Script {
    let script = script.calls(tool, "{}", REPORT).with(|span| span.answers("call_1"));
    heard.iter().fold(script, |script, text| {
        script
            .says("It is on its way.")
            .with(|span| span.message_in(json!({"role": "tool", "tool_call_id": "call_1", "content": text})))
    })
}

#[tokio::test]
async fn results_that_are_cut_on_the_way() {
    let title = tells_apart(
        "result_not_seen",
        |id| told(run(id), "track", &[&REPORT[..60]]),
        &[
            |id| told(run(id), "track", &[REPORT]),
            // What the model has read may be folded later.
            |id| told(run(id), "track", &[REPORT, "Order 4711 left"]),
            // This tool's results are summed up every time.
            |id| told(run(id), "browse", &[&REPORT[..50]]),
            // It is recorded in another form.
            |id| told(run(id), "track", &[r#"{"result": "Order 4711 left Hamburg on Monday"}"#]),
        ],
        20,
    )
    .await;
    assert_eq!(title, "Results of `track` do not reach the model whole");
    tells_apart(
        "result_not_seen",
        |id| told(run(id), "track", &[""]),
        &[|id| told(run(id), "track", &[REPORT]), |id| told(run(id), "track", &[])],
        12,
    )
    .await;
}

/// A list of orders as JSON, long enough to be cut.
fn orders() -> String {
    let orders: Vec<_> = (100..120).map(|id| json!({"id": id, "state": "shipped"})).collect();
    json!({"orders": orders}).to_string()
}

fn listed(id: &str, result: &str) -> Script {
    run(id).calls("list_orders", "{}", result).says("You have some orders.")
}

#[tokio::test]
async fn results_that_end_in_the_middle() {
    let title = tells_apart(
        "truncated_results",
        |id| listed(id, &orders()[..290]),
        &[
            |id| listed(id, &orders()),
            |id| listed(id, &format!("```json\n{}\n```", orders())),
            // A text in brackets, and what it says of others.
            |id| {
                listed(id, &format!("{}The older list was truncated by a clerk.", "An order was shipped. ".repeat(12)))
            },
            |id| listed(id, r#"{"orders": ["#),
        ],
        20,
    )
    .await;
    assert_eq!(title, "Results of `list_orders` are cut before the model sees them");
    tells_apart(
        "truncated_results",
        |id| listed(id, &format!("{}... [truncated, 5120 more characters]", "An order was shipped. ".repeat(12))),
        &[|id| listed(id, &"An order was shipped. ".repeat(12)), |id| listed(id, "The list follows...")],
        12,
    )
    .await;
}

/// One request with these messages of the user, and what the model answers.
fn asked(script: Script, texts: &[&str], answer: &str) -> Script {
    let script = script.says(answer).with(|span| span.input(&texts.join("\n")));
    texts
        .iter()
        .fold(script, |script, text| script.with(|span| span.message_in(json!({"role": "user", "content": text}))))
}

fn turn(script: Script, user: &str, answer: &str) -> Script {
    asked(script, &[user], answer)
}

#[tokio::test]
async fn users_who_repeat_themselves() {
    tells_apart(
        "user_repeats",
        |id| {
            let script = turn(run(id), "Where is order 4711?", "Which order is it?");
            turn(script, "I already told you the number, it is 4711.", "It is on its way.")
        },
        &[
            |id| turn(turn(run(id), "Where is my order?", "Which one?"), "It is 4711.", "It is on its way."),
            // That was said of the order, not of the run.
            |id| {
                let script = turn(run(id), "Where is my order?", "Which one?");
                turn(script, "The one that was already shipped on Monday, 4711.", "It is on its way.")
            },
            // It is the model who says so.
            |id| {
                let script = turn(run(id), "Where is my order?", "As I said, I need the number.");
                turn(script, "Fine, 4711.", "I already told you: it is on its way.")
            },
        ],
        16,
    )
    .await;
}

/// A page of rules, about one thing.
fn rules(about: &str) -> String {
    (0..60).map(|number| format!("Rule {number} of {about}: be kind. ")).collect()
}

#[tokio::test]
async fn a_long_text_twice_in_a_request() {
    tells_apart(
        "resent_text",
        |id| {
            asked(
                run(id),
                &[&rules("returns"), "And now?", &format!("Mind this again.\n{}", rules("returns"))],
                "I have read it.",
            )
        },
        &[
            |id| asked(run(id), &[&rules("returns"), &rules("refunds")], "I have read it."),
            // The history goes out with each request.
            |id| asked(turn(run(id), &rules("returns"), "And?"), &[&rules("returns"), "And now?"], "Done."),
            |id| asked(run(id), &["Is it there yet?", "Is it there yet?"], "No."),
        ],
        16,
    )
    .await;
}
