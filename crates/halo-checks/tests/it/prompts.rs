//! Checks of what stands in prompts, and of letters on their way.

use serde_json::json;

use crate::script::{Script, run, tells_apart};

/// The model answers to a system prompt.
fn prompted(script: Script, prompt: &str) -> Script {
    script.says("Your order is on its way.").with(|span| {
        span.input(prompt)
            .message_in(json!({"role": "system", "content": prompt}))
            .message_in(json!({"role": "user", "content": "Where is my order?"}))
    })
}

#[tokio::test]
async fn placeholders_in_the_system_prompt() {
    tells_apart(
        "unfilled_prompt",
        |id| prompted(run(id), "You help {{customer_name}} with orders. Be polite, and keep it short."),
        &[
            |id| prompted(run(id), "You help Ann Miller with orders. Be polite, and keep it short."),
            // The template is what the model is to write about.
            |id| prompted(run(id), "Write `{{customer_name}}` where the name of the customer belongs in a mail."),
            // An example of JSON, and a set.
            |id| prompted(run(id), r#"Answer as JSON, such as {"order_id": 7}, with one of {open, closed} as state."#),
            // The user's own text.
            |id| {
                run(id).says("It stands for a name.").with(|span| {
                    span.message_in(
                        json!({"role": "user", "content": "What does {{customer_name}} mean in this mail of yours?"}),
                    )
                })
            },
        ],
        20,
    )
    .await;
    tells_apart(
        "unfilled_prompt",
        |id| prompted(run(id), "You help customers with their orders.\nThe region is EU, the plan is None."),
        &[
            |id| prompted(run(id), "You help customers with their orders.\nThe region is EU, the plan is premium."),
            |id| prompted(run(id), "You help customers with their orders. None of them may be refunded twice."),
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn dates_of_another_day() {
    tells_apart(
        "stale_date",
        |id| prompted(run(id), "You help customers with their orders. Today is 2025-11-20."),
        &[
            // Test runs begin on 2026-01-05; a time zone away it is another day.
            |id| prompted(run(id), "You help customers with their orders. Today is 2026-01-05."),
            |id| prompted(run(id), "You help customers with their orders. Today's date: Tuesday, 2026-01-06."),
            // Another date than the current one.
            |id| prompted(run(id), "You help customers with their orders. The winter sale is: 2025-11-20."),
            // None of these has the right date: they are replayed.
            |id| {
                prompted(run(id), "You help customers with their orders. Today is 2024-03-01.")
                    .root(|span| span.name("replay"))
            },
        ],
        20,
    )
    .await;
}

#[tokio::test]
async fn prompts_that_change_with_each_request() {
    tells_apart(
        "unstable_prefix",
        |id| {
            let script = prompted(run(id), "You help customers with their orders. It is 10:00:01, request 4f3a91c2.");
            prompted(script, "You help customers with their orders. It is 10:00:07, request 77b0de15.")
        },
        &[
            |id| {
                let prompt = "You help customers with their orders. It is 10:00:01, request 4f3a91c2.";
                prompted(prompted(run(id), prompt), prompt)
            },
            // Two agents with a prompt each.
            |id| {
                let script = prompted(run(id), "You help customers with their orders, and with nothing else.");
                prompted(script, "You are a billing clerk who knows all about invoices and taxes.")
            },
            // It differs from run to run only.
            |id| {
                let prompt = format!("You help customers with their orders. This is the session {id}.");
                prompted(prompted(run(id), &prompt), &prompt)
            },
        ],
        16,
    )
    .await;
}

#[tokio::test]
async fn letters_decoded_wrongly() {
    tells_apart(
        "garbled_text",
        |id| run(id).calls("find_customer", r#"{"name":"JosÃ© MÃ¼ller"}"#, "{}").says("I found no such customer."),
        &[
            |id| run(id).calls("find_customer", r#"{"name":"José Müller"}"#, "{}").says("Here is José Müller."),
            // An escape in JSON is read as the letter.
            |id| run(id).calls("find_customer", r#"{"name":"Jos\u00e9"}"#, "{}").says("Here he is."),
            |id| run(id).says("Really?? The price is 5 €, and the café opens at 8 – “soon”."),
            |id| run(id).says(r#"{"name":"Jos\u00e9"}"#),
        ],
        20,
    )
    .await;
    tells_apart(
        "garbled_text",
        |id| run(id).says("The order of Mr. M\u{fffd}ller is on its way."),
        &[
            // What a tool gave was broken before.
            |id| run(id).calls("get_customer", r#"{"id":7}"#, "M\u{fffd}ller").says("I found the customer."),
            |id| run(id).says("The order of Mr. Müller is on its way."),
        ],
        12,
    )
    .await;
}
