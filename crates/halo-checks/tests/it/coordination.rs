//! Checks of what agents give to one another.

use serde_json::json;

use crate::script::{Script, run, tells_apart};

const FOUND: &str = "The sofa is sold by three shops; the cheapest is in Lyon and asks for 420 euros with delivery.";

/// A subagent gets a task and gives a result.
fn delegates(script: Script, agent: &str, task: &str, result: &str) -> Script {
    script.span("AGENT", |span| span.agent_name(agent).input(task).output(result))
}

/// The model answers, and has heard something.
fn hears(script: Script, heard: &str, answer: &str) -> Script {
    script.says(answer).with(|span| span.message_in(json!({"role": "tool", "content": heard})))
}

#[tokio::test]
async fn results_of_subagents_that_nobody_reads() {
    let title = tells_apart(
        "unused_delegation",
        |id| hears(delegates(run(id), "finder", "Find a sofa.", FOUND), "(no result)", "I found no sofa."),
        &[
            |id| hears(delegates(run(id), "finder", "Find a sofa.", FOUND), FOUND, "Buy it in Lyon."),
            // It is in the answer, word for word.
            |id| delegates(run(id), "finder", "Find a sofa.", FOUND).says(&format!("Here you are. {FOUND}")),
            // Of this one, results are never recorded where they are used.
            |id| delegates(run(id), "writer", "Write to the shop.", FOUND).says("I wrote to the shop."),
            // Data is handed on in another form.
            |id| {
                let data = json!({"shops": 3, "cheapest": {"town": "Lyon", "price": 420, "delivery": true}});
                delegates(run(id), "finder", "Find a sofa.", &data.to_string()).says("Buy it in Lyon.")
            },
        ],
        16,
    )
    .await;
    assert_eq!(title, "What `finder` found is never used in some runs");
}

/// Two subagents that make some calls each.
fn workers(id: &str, east: [&str; 2], west: [&str; 2]) -> Script {
    let script =
        [("east", "s1", east), ("west", "s4", west)].into_iter().fold(run(id), |script, (agent, at, queries)| {
            let script = script.span("AGENT", |span| span.agent_name(agent).input(&format!("What {agent} is to do.")));
            queries.iter().fold(script, |script, query| {
                let arguments = json!({"query": query}).to_string();
                script.tool("search", &arguments, "one hit").with(|span| span.parent(at))
            })
        });
    script.says("Found.")
}

#[tokio::test]
async fn agents_that_make_the_same_calls() {
    tells_apart(
        "repeated_work",
        |id| workers(id, ["sofa", "table"], ["sofa", "table"]),
        &[
            |id| workers(id, ["sofa", "table"], ["lamp", "chair"]),
            // One call in common is chance.
            |id| workers(id, ["sofa", "table"], ["sofa", "chair"]),
            // One agent that looks again.
            |id| workers(id, ["sofa", "sofa"], ["table", "table"]),
        ],
        16,
    )
    .await;
}

/// Two subagents, the second of which begins after so many milliseconds.
fn two_tasks(id: &str, tasks: [&str; 2], second_at: i64) -> Script {
    let script = delegates(run(id), "finder", tasks[0], "one hit").with(|span| span.start_ms(0).duration_ms(2000));
    let script = delegates(script, "finder", tasks[1], "one hit");
    script.with(|span| span.start_ms(second_at).duration_ms(2000)).says("Found.").with(|span| span.start_ms(9000))
}

#[tokio::test]
async fn agents_sent_out_with_one_task() {
    tells_apart(
        "repeated_work",
        |id| two_tasks(id, ["Part 1: find a red sofa.", "Part 2: find a red sofa."], 100),
        &[
            |id| two_tasks(id, ["Part 1: find a red sofa.", "Part 2: find a blue sofa."], 100),
            // One after the other it is another attempt.
            |id| two_tasks(id, ["Part 1: find a red sofa.", "Part 2: find a red sofa."], 3000),
        ],
        12,
    )
    .await;
}

#[tokio::test]
async fn a_case_that_comes_back_to_one_agent() {
    const TASK: &str = "Refund order 4711.";
    tells_apart(
        "handoff_bounce",
        |id| {
            let script = delegates(run(id), "billing", TASK, "That is for shipping.");
            let script = delegates(script, "billing", TASK, "That is for shipping.");
            delegates(script, "billing", TASK, "That is for shipping.").says("Please wait.")
        },
        &[
            // Once more is a second attempt.
            |id| {
                let script = delegates(run(id), "billing", TASK, "The bank is busy.");
                delegates(script, "billing", TASK, "Refunded.").says("Refunded.")
            },
            |id| {
                let script = delegates(run(id), "billing", TASK, "Refunded.");
                let script = delegates(script, "billing", "Refund order 4712.", "Refunded.");
                delegates(script, "billing", "Refund order 4713.", "Refunded.").says("Refunded.")
            },
            // Several at the same time are a vote.
            |id| {
                let vote = |script, at| {
                    delegates(script, "judge", TASK, "yes").with(|span| span.start_ms(at).duration_ms(900))
                };
                vote(vote(vote(run(id), 0), 100), 200).says("Refunded.").with(|span| span.start_ms(2000))
            },
        ],
        16,
    )
    .await;
}
