//! Every way a run ends, and the failures it gets over.

use std::time::{Duration, Instant};

use halo_protocol::{EventKind, RunEnd};
use halo_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::play::{Played, TOOLS, final_answer, finding, options, play, play_on, play_watched, play_with, sql};

#[tokio::test]
async fn passing_failures_are_got_over() {
    let played = play([
        Reply::rate_limited("0"),
        Reply::status(500),
        sql("SELECT 1"),
        Reply::text("This is cut").cut_after(2),
        Reply::garbage(),
        Reply::reset(),
        final_answer("Done."),
    ])
    .await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "Done."));
    assert_eq!(played.model.replies_left(), 0);
    let retries = played.retries();
    assert_eq!(retries.len(), 5, "{retries:?}");
    let words = ["status 429: Rate limit reached", "status 500", "broke off", "no completion", "did not get through"];
    for (retry, words) in retries.iter().zip(words) {
        assert!(retry.contains(words), "{words}: {retry}");
    }
    // Text of the cut stream was shown, and is not part of the conversation.
    assert_eq!(played.results_read(), [("call_3_1".to_owned(), "result of SELECT 1".to_owned())]);
    assert_eq!(played.result.usage.requests, 2);
}

#[tokio::test]
async fn a_cut_stream_is_sent_again_and_logged() {
    let played = play([Reply::text("Half an ans").cut_after(2), final_answer("Whole.")]).await;
    let log: Vec<String> = played
        .log()
        .lines()
        .map(|line| match line.split_once("its answer broke off") {
            // The words of the operating system differ.
            Some((before, _)) => format!("{before}its answer broke off …"),
            None => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!(log.join("\n"));
}

#[tokio::test]
async fn a_wrong_key_ends_the_run_with_what_to_do() {
    let played = play([Reply::error(401, "Incorrect API key provided")]).await;
    let RunEnd::Failed { error } = &played.result.end else {
        panic!("{:?}", played.result.end);
    };
    assert_eq!(
        error.replace(&played.model.base_url(), "http://model/v1"),
        "the model endpoint http://model/v1/chat/completions refused the request with status 401: Incorrect API key \
         provided; check the API key, and that it may use this model"
    );
    assert_eq!(played.model.requests().len(), 1);
    insta::assert_snapshot!(played.log());
}

#[tokio::test]
async fn ten_failures_in_a_row_end_the_run_with_what_was_found() {
    let model = ScriptedModel::start_with_last(
        [
            Reply::tool_call("report_finding", finding("Lost pages", "paging", "t1")),
            Reply::status(503),
            sql("SELECT 1"),
        ],
        Reply::status(500),
    )
    .unwrap();
    let played = play_on(options(), model, CancellationToken::new()).await;
    let RunEnd::Failed { error } = &played.result.end else {
        panic!("{:?}", played.result.end);
    };
    assert!(error.starts_with("10 requests in a row to the model endpoint http://127.0.0.1:"), "{error}");
    assert_eq!(played.model.requests().len(), 3 + 10, "a good reply in between begins the count anew");
    assert_eq!(played.result.findings.len(), 1);
    assert_eq!(
        played.result.answer,
        "The analysis failed before a summary was written. One finding had been established by then:\n\n\
         - Lost pages (14 of 150 traces)"
    );
}

/// Interrupts a run as soon as an event of it says so.
async fn interrupt_at(script: Vec<Reply>, is_moment: fn(&EventKind) -> bool) -> Played {
    let model = ScriptedModel::start(script).unwrap();
    let cancel = CancellationToken::new();
    let began = Instant::now();
    let played = play_watched(model, cancel.clone(), move |item| {
        if is_moment(item) {
            cancel.cancel();
        }
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(20), "an interrupt is prompt");
    assert_eq!(played.result.end, RunEnd::Interrupted);
    played
}

#[tokio::test]
async fn an_interrupt_ends_a_stalled_request() {
    let script = vec![
        Reply::tool_call("report_finding", finding("Lost pages", "paging", "t1")),
        Reply::text("This text never ends").stall_after(2),
    ];
    let played = interrupt_at(script, |item| matches!(item, EventKind::TextDelta { .. })).await;
    assert_eq!(
        played.result.answer,
        "The analysis was interrupted before a summary was written. One finding had been established by then:\n\n\
         - Lost pages (14 of 150 traces)"
    );
    insta::assert_snapshot!(played.log());
}

#[tokio::test]
async fn an_interrupt_ends_a_tool_that_hangs() {
    let calls = ["forever", "SELECT 1", "forever"].map(|query| ("sql", json!({"query": query})));
    let played =
        interrupt_at(vec![Reply::tool_calls(calls)], |item| matches!(item, EventKind::ToolResult { .. })).await;
    let mut results: Vec<(bool, String)> =
        played.tool_results().into_iter().map(|(_, is_error, text)| (is_error, text)).collect();
    results.sort();
    assert_eq!(results[0], (false, "result of SELECT 1".to_owned()));
    assert!(
        results[1..].iter().all(|(is_error, text)| *is_error && text.starts_with("interrupted after ")),
        "{results:?}"
    );
    assert_eq!(results.len(), 3);
}

#[tokio::test]
async fn a_run_that_is_cancelled_before_it_begins_asks_nobody() {
    let model = ScriptedModel::start([]).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let played = play_on(options(), model, cancel).await;
    assert_eq!((played.result.end.clone(), played.model.requests().len()), (RunEnd::Interrupted, 0));
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_turn_limit() {
    let mut limited = options();
    limited.max_turns = 5;
    let model = ScriptedModel::start_with_last([], sql("SELECT 1")).unwrap();
    let played = play_on(limited, model, CancellationToken::new()).await;
    let requests = played.model.requests();
    assert_eq!((requests.len(), &played.result.end), (5, &RunEnd::TurnLimit));
    assert_eq!(requests[3].tool_names(), TOOLS);
    assert_eq!(requests[4].tool_names(), ["report_finding", "final_answer"]);
    assert!(requests[2].last_text().starts_with("3 turns are left."), "{}", requests[2].last_text());
    assert!(requests[4].last_text().starts_with("This is your last turn."), "{}", requests[4].last_text());
    let (_, is_error, text) = played.tool_results().pop().unwrap();
    assert!(is_error && text.contains("there is no tool `sql`; the tools are: report_finding, final_answer"), "{text}");
    assert_eq!(
        played.result.answer,
        "The analysis reached its limit of 5 turns before a summary was written. No finding had been established by then."
    );
    insta::assert_snapshot!(played.log());
}

#[tokio::test]
async fn the_last_turn_can_report_and_answer() {
    let mut limited = options();
    limited.max_turns = 2;
    let last = Reply::tool_calls([
        ("report_finding", finding("Lost pages", "paging", "t1")),
        ("report_finding", finding("Made up", "invention", "nowhere")),
        ("final_answer", json!({"answer": "In time."})),
    ]);
    let played = play_with(limited.clone(), [sql("SELECT 1"), last]).await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "In time."));
    assert_eq!((played.result.findings.len(), played.result.refused.len()), (1, 1), "no turn is left to mend it in");

    // Text in place of the tool is taken, too; what was said in earlier turns is not.
    let played = play_with(limited.clone(), [sql("SELECT 1"), Reply::text("In short: pages.")]).await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::TurnLimit, "In short: pages."));
    let played = play_with(limited, [sql("SELECT 1").with_text("Let me look."), sql("SELECT 2")]).await;
    assert!(played.result.answer.starts_with("The analysis reached its limit of 2 turns"), "{}", played.result.answer);
}

#[tokio::test]
async fn a_model_that_stops_is_asked_once_more_and_then_taken_at_its_word() {
    let played = play([Reply::text("I think it is the pages."), Reply::text("It is the pages.")]).await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "It is the pages."));
    let told = played.model.requests()[1].last_text().to_owned();
    assert!(told.starts_with("You stopped without calling a tool."), "{told}");
    insta::assert_snapshot!(played.log());

    let played = play([Reply::text("I think it is the pages."), Reply::text("")]).await;
    assert_eq!(played.result.answer, "I think it is the pages.");
    let played = play([Reply::text(""), Reply::text("")]).await;
    assert_eq!(
        played.result.answer,
        "The model stopped before a summary was written. No finding had been established by then."
    );
    let roles: Vec<String> = played.model.requests()[1]
        .messages()
        .iter()
        .map(|message| message["role"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["system", "user", "user"], "an empty reply is no message");

    // A plan in words, then work: the count begins anew.
    let played = play([
        Reply::text("I will query now."),
        sql("SELECT 1"),
        Reply::text("And now the answer."),
        final_answer("Done."),
    ])
    .await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "Done."));
}

#[tokio::test]
async fn a_refusal_is_asked_again_as_often_as_allowed() {
    let mut options = options();
    options.refusal_retries = 1;
    let script = || [Reply::refusal("I can't do that."), final_answer("Done.")];
    let played = play_with(options, script()).await;
    assert_eq!((played.result.answer.as_str(), played.result.usage.requests), ("Done.", 2));
    assert_eq!(played.notices(), ["the model refused; asking it again"]);
    assert_eq!(played.model.requests()[1].messages().len(), 2, "the refusal is not part of the conversation");

    let played = play([Reply::refusal("I can't do that."), Reply::refusal("No.")]).await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "No."));
}

#[tokio::test]
async fn a_misbehaving_model_still_ends_with_a_report() {
    let played = play([
        Reply::tool_call("query_db", json!({"q": 1})),
        Reply::raw_arguments("sql", "{broken"),
        sql("SELEC typo"),
        Reply::tool_call("report_finding", finding("Made up", "invention", "nobody")),
        Reply::status(500),
        Reply::text("cut").cut_after(1),
        Reply::tool_call("report_finding", finding("Lost pages", "paging", "t1")),
        Reply::text("That is all."),
        Reply::text("That is really all."),
    ])
    .await;
    assert_eq!(played.model.replies_left(), 0);
    let result = &played.result;
    assert_eq!((&result.end, result.answer.as_str()), (&RunEnd::Complete, "That is really all."));
    assert_eq!((result.findings.len(), result.refused.len(), played.retries().len()), (1, 1, 2));
    let errors: Vec<bool> = played.tool_results().into_iter().map(|(_, is_error, _)| is_error).collect();
    assert_eq!(errors, [true, true, true, true, false]);
}
