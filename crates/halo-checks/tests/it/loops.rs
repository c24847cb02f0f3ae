//! Checks of loops and retries.

use crate::script::{Script, run, tells_apart};

fn look_up(script: Script, times: usize, result: &str) -> Script {
    (0..times).fold(script, |script, _| script.calls("search", r#"{"q":"sofa"}"#, result))
}

#[tokio::test]
async fn identical_calls_and_not_polling() {
    tells_apart(
        "identical_call_loop",
        |id| look_up(run(id), 4, r#"{"hits":[{"id":1}]}"#).says("One sofa."),
        &[
            // Twice is a second look.
            |id| look_up(run(id), 2, "one").says("One."),
            // The result changes: something was waited for.
            |id| look_up(look_up(run(id), 3, "pending"), 1, "ready").says("Ready."),
            // Somebody pauses between the calls.
            |id| {
                (0..4)
                    .fold(run(id), |script, poll| {
                        script.tool("job_state", "{}", "running").with(|span| span.start_ms(poll * 30_000))
                    })
                    .says("Still running.")
                    .with(|span| span.start_ms(200_000))
            },
            // Other arguments each time.
            |id| {
                (0..4)
                    .fold(run(id), |script, page| script.calls("search", &format!(r#"{{"page":{page}}}"#), "one"))
                    .says("One.")
            },
        ],
        20,
    )
    .await;
}

#[tokio::test]
async fn two_calls_in_turn() {
    fn turn(script: Script) -> Script {
        script.calls("get_cart", "{}", r#"{"items":0}"#).calls("get_stock", "{}", r#"{"left":0}"#)
    }
    tells_apart(
        "alternating_calls",
        |id| turn(turn(turn(run(id)))).says("Hm."),
        &[
            |id| turn(turn(run(id))).says("Hm."),
            |id| {
                (0..6).fold(run(id), |script, _| script.calls("get_cart", "{}", "same")).says("A loop of another kind.")
            },
            |id| {
                (0..3)
                    .fold(run(id), |script, left| {
                        script.calls("get_cart", "{}", &format!("{left}")).calls("get_stock", "{}", &format!("{left}"))
                    })
                    .says("It changed.")
            },
        ],
        16,
    )
    .await;
}

#[tokio::test]
async fn retries_at_once_and_with_back_off() {
    const BUSY: &str = r#"{"ok":false,"error":"503 busy"}"#;
    tells_apart(
        "retry_without_backoff",
        |id| {
            run(id)
                .tool("pay", "{}", BUSY)
                .tool("pay", "{}", BUSY)
                .tool("pay", "{}", BUSY)
                .says("The payment did not go through.")
        },
        &[
            |id| {
                run(id)
                    .tool("pay", "{}", BUSY)
                    .tool("pay", "{}", BUSY)
                    .tool("pay", "{}", r#"{"ok":true}"#)
                    .says("Paid.")
            },
            |id| {
                [0, 2000, 6000, 14_000]
                    .iter()
                    .fold(run(id), |script, at| script.tool("pay", "{}", BUSY).with(|span| span.start_ms(*at)))
                    .says("Not paid.")
                    .with(|span| span.start_ms(20_000))
            },
            |id| {
                run(id)
                    .tool("pay", r#"{"n":1}"#, BUSY)
                    .tool("pay", r#"{"n":2}"#, BUSY)
                    .tool("pay", r#"{"n":3}"#, BUSY)
                    .says("None paid.")
            },
        ],
        16,
    )
    .await;
    tells_apart(
        "retry_without_backoff",
        |id| run(id).model_fails("429").model_fails("429").model_fails("429").model_fails("429"),
        &[|id| run(id).model_fails("429").model_fails("429").says("Here I am.")],
        8,
    )
    .await;
}
