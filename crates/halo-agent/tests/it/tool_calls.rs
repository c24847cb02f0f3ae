//! Calls that go wrong, and calls that run side by side.

use halo_protocol::{AgentOutcome, EventKind, RunEnd};
use halo_testkit::Reply;
use serde_json::json;

use crate::play::{final_answer, options, play, play_with, sql};

/// One bad call, then an answer: the model reads these words, and the run is complete.
async fn check_error(bad: Reply, words: &str) {
    let played = play([bad, final_answer("Done.")]).await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "Done."));
    let read = played.results_read();
    assert_eq!(read.len(), 1);
    assert!(read[0].1.contains(words), "{words}: {read:?}");
    let (_, is_error, content) = &played.tool_results()[0];
    assert!(*is_error && *content == read[0].1, "the log holds what the model read: {content}");
}

#[tokio::test]
async fn what_the_model_gets_wrong_it_is_told() {
    check_error(
        Reply::tool_call("query_db", json!({})),
        "error: there is no tool `query_db`; the tools are: sql, view_trace, meet, call_subagent, synthesize_traces, get_context_item, list_findings, report_finding, final_answer",
    )
    .await;
    check_error(Reply::raw_arguments("sql", "{\"query\": \"SEL"), "error: the arguments of `sql` are not valid JSON")
        .await;
    check_error(Reply::raw_arguments("sql", "[1]"), "error: the arguments of `sql` do not fit").await;
    check_error(Reply::raw_arguments("sql", ""), "missing field `query`").await;
    check_error(sql("SELEC typo"), "error: syntax error near `SELEC`; did you mean `SELECT`?").await;
    check_error(Reply::tool_call("final_answer", json!({"answer": " "})), "error: the answer is empty").await;
    check_error(Reply::tool_call("report_finding", json!({"title": "x"})), "missing field `category`").await;
}

#[tokio::test]
async fn what_the_model_thought_goes_back_with_its_call() {
    let thinks = Reply::tool_call("sql", json!({"query": "SELECT 1"})).with_reasoning("hm").as_responses();
    let wants_responses = Reply::error(400, "Please use /v1/responses instead.");
    let played = play([wants_responses, thinks, final_answer("Done.").as_responses()]).await;
    assert_eq!(played.result.answer, "Done.");
    let requests = played.model.requests();
    let kinds: Vec<&str> = requests[2].messages().iter().filter_map(|item| item["type"].as_str()).collect();
    assert_eq!(kinds, ["reasoning", "function_call", "function_call_output"]);
}

#[tokio::test]
async fn broken_arguments_go_back_to_the_endpoint_as_json() {
    let played = play([Reply::raw_arguments("sql", "{\"query\": \"SEL"), final_answer("Done.")]).await;
    let requests = played.model.requests();
    let sent = requests[1].messages()[2]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(sent, r#"{"arguments_as_written":"{\"query\": \"SEL"}"#);
    insta::assert_snapshot!(played.log());
}

#[tokio::test]
async fn a_panic_in_a_tool_ends_the_call_and_not_the_run() {
    check_error(sql("panic"), "error: `sql` broke down on this call, which is a bug in halo").await;
}

#[tokio::test]
async fn a_fatal_tool_error_ends_the_run() {
    let played = play([sql("fatal")]).await;
    let error = "the tool `sql` failed: the dataset is gone".to_owned();
    assert_eq!(played.result.end, RunEnd::Failed { error: error.clone() });
    assert!(played.events.iter().any(|event| matches!(&event.item,
        EventKind::AgentFinished { outcome: AgentOutcome::Failed { error: e }, .. } if *e == error)));
    assert_eq!(
        played.result.answer,
        "The analysis failed before a summary was written. No finding had been established by then."
    );
}

#[tokio::test]
async fn calls_of_one_reply_run_side_by_side_and_are_answered_in_order() {
    let calls =
        [("meet", json!({"name": "Ann"})), ("sql", json!({"query": "SELECT 1"})), ("meet", json!({"name": "Bob"}))];
    let played = play([Reply::tool_calls(calls.clone()), final_answer("Done.")]).await;
    let read: Vec<String> = played.results_read().into_iter().map(|(_, text)| text).collect();
    assert_eq!(read, ["Ann was there", "result of SELECT 1", "Bob was there"]);
    assert_eq!(played.tool_results().len(), 4);

    // One at a time is possible too, for calls that do not wait for each other.
    let mut options = options();
    options.max_parallel = 1;
    let calls = ["1", "2", "3"].map(|query| ("sql", json!({"query": query})));
    let played = play_with(options, [Reply::tool_calls(calls), final_answer("Done.")]).await;
    let logged: Vec<String> = played.tool_results().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(logged, ["result of 1", "result of 2", "result of 3", "Done."]);
}

#[tokio::test]
async fn the_same_failing_call_is_pointed_out() {
    let mut script: Vec<Reply> = (0..6).map(|_| sql("SELEC typo")).collect();
    script.push(final_answer("Done."));
    let played = play(script).await;
    let notice = "The same call of `sql` has failed 5 times in a row and will fail again. Change its arguments or go another way.";
    assert_eq!(played.notices(), [notice]);
    let requests = played.model.requests();
    assert_eq!(requests[5].last_text(), notice);
    assert_eq!(requests[4].last_text(), "error: syntax error near `SELEC`; did you mean `SELECT`?");

    // Other calls in between begin the count anew.
    let mut script: Vec<Reply> = (0..4).map(|_| sql("SELEC typo")).collect();
    script.push(sql("SELECT 1"));
    script.extend((0..4).map(|_| sql("SELEC typo")));
    script.push(final_answer("Done."));
    assert_eq!(play(script).await.notices(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reply_that_was_cut_is_explained() {
    let cut = Reply::raw_arguments("sql", "{\"query\": \"SELECT a, b").finish_reason("length");
    let played = play([cut, final_answer("Done.")]).await;
    let told = played.model.requests()[1].last_text().to_owned();
    assert!(told.starts_with("Your last reply was cut at the output limit"), "{told}");
}
