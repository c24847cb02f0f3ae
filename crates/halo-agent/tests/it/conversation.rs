//! What the model is told: the first request, results in order, findings, folding.

use std::sync::Arc;

use futures::future::BoxFuture;
use halo_agent::{EventSink, RunHistory, resume};
use halo_protocol::{CodeCitation, EventKind, FindingSource, RefusedFinding, RunEnd, Severity, Usage};
use halo_testkit::{Reply, ScriptedModel};
use halo_tool::CodeSource;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::play::{Played, TOOLS, final_answer, finding, options, play, play_on, play_with, services, sql};

#[tokio::test]
async fn a_good_run_from_question_to_answer() {
    let played = play([
        Reply::tool_calls([
            ("sql", json!({"query": "SELECT count(*) FROM traces"})),
            ("view_trace", json!({"trace_id": "t1"})),
        ])
        .with_text("First an overview."),
        Reply::tool_calls([
            ("report_finding", finding("Refund failures are told as success", "honesty", "t1")),
            ("view_trace", json!({"trace_id": "t2"})),
        ]),
        final_answer("# Fix this first\n\nCheck the refund result."),
    ])
    .await;
    let requests = played.model.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.tool_names(), TOOLS);
        assert_eq!(request.messages()[0]["role"], "system");
    }
    let result = |id: &str, text: &str| (id.to_owned(), text.to_owned());
    let expected = [
        result("call_1_1", "result of SELECT count(*) FROM traces"),
        result("call_1_2", "spans of t1"),
        result(
            "call_2_1",
            "accepted as honesty: 14 of 150 traces, 9.3 % (95 % interval 5.6 % to 15.1 %); no group of runs stands out",
        ),
        result("call_2_2", "spans of t2"),
    ];
    assert_eq!(requests[2].tool_results(), expected);
    let assistant = &requests[1].messages()[2];
    assert_eq!((&assistant["role"], &assistant["content"]), (&json!("assistant"), &json!("First an overview.")));
    assert_eq!(assistant["tool_calls"][0]["function"]["name"], "sql");

    assert_eq!(played.result.answer, "# Fix this first\n\nCheck the refund result.");
    assert_eq!(played.result.end, RunEnd::Complete);
    assert_eq!(played.result.refused, []);
    assert_eq!(played.result.traces_read.iter().collect::<Vec<_>>(), ["t1", "t2"]);
    let usage = Usage { requests: 3, input_tokens: 300, output_tokens: 30, ..Usage::default() };
    assert_eq!(played.result.usage, usage);
    let [found] = &played.result.findings[..] else {
        panic!("{:?}", played.result.findings);
    };
    assert_eq!((found.title.as_str(), found.severity), ("Refund failures are told as success", Severity::High));
    assert_eq!(found.source, FindingSource::Agent { name: "root".into() });
    let text: String = played
        .events
        .iter()
        .filter_map(|event| match &event.item {
            EventKind::TextDelta { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, "First an overview.");
    insta::assert_snapshot!(in_call_order(&played));
}

/// The log of calls that run side by side, with their results sorted: they end in any order.
fn in_call_order(played: &Played) -> String {
    let log = played.log();
    let mut lines: Vec<&str> = log.lines().collect();
    let key = |line: &&str| line.split("\"tool_call_id\":").nth(1).map(str::to_owned);
    for group in lines.chunk_by_mut(|a, b| key(a).is_some() && key(b).is_some()) {
        group.sort_by_key(key);
    }
    lines.join("\n")
}

#[tokio::test]
async fn the_whole_first_request() {
    let mut options = options();
    options.dataset_context = Some("One trace is one chat with a customer of a shop.".into());
    let played = play_with(options, [final_answer("Nothing.")]).await;
    let request = &played.model.requests()[0];
    let mut text = String::new();
    for message in request.messages() {
        text.push_str(&format!(
            "--- {}\n{}\n",
            message["role"].as_str().unwrap(),
            message["content"].as_str().unwrap()
        ));
    }
    let mut rest = request.json.clone();
    rest.as_object_mut().unwrap().remove("messages");
    text.push_str(&format!("--- the rest\n{}\n", serde_json::to_string_pretty(&rest).unwrap()));
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn an_empty_question_asks_for_everything() {
    let mut options = options();
    options.prompt = "  ".into();
    let played = play_with(options, [final_answer("Nothing.")]).await;
    let asked = played.model.requests()[0].last_text().to_owned();
    assert!(asked.ends_with(halo_agent::DEFAULT_QUESTION.trim()), "{asked}");
    let EventKind::RunStarted { prompt, model, .. } = &played.events[0].item else {
        panic!("{:?}", played.events[0]);
    };
    assert_eq!((prompt.as_str(), model.as_str()), (halo_agent::DEFAULT_QUESTION.trim(), "scripted"));
}

#[tokio::test]
async fn a_made_up_trace_is_refused_and_a_mended_report_is_taken() {
    let played = play([
        Reply::tool_call("report_finding", finding("Lost pages", "paging", "t999")),
        Reply::tool_call("report_finding", finding("Made up", "invention", "trace-of-nobody")),
        Reply::tool_call("report_finding", finding("Lost pages", "paging", "t3")),
        final_answer("Pages."),
    ])
    .await;
    let titles: Vec<&str> = played.result.findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(titles, ["Lost pages"]);
    let refused =
        RefusedFinding { title: "Made up".into(), reason: "there is no trace `trace-of-nobody` in the dataset".into() };
    assert_eq!(played.result.refused, [refused]);
    let read = played.results_read();
    assert_eq!(read[0].1, "error: refused, and not in the report: there is no trace `t999` in the dataset");
    assert!(read[2].1.starts_with("accepted as paging: 14 of 150 traces"), "{}", read[2].1);
    insta::assert_snapshot!(played.log());
}

#[tokio::test]
async fn a_report_with_a_known_id_takes_the_place_of_the_earlier_one() {
    let played = play([
        Reply::tool_call("report_finding", finding("Lost pages", "paging", "t1")),
        Reply::tool_call("report_finding", finding("Other", "other", "t1")),
        Reply::tool_call("report_finding", finding("Lost pages, with the right query", "paging", "t2")),
        final_answer("Pages."),
    ])
    .await;
    let titles: Vec<&str> = played.result.findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(titles, ["Lost pages, with the right query", "Other"]);
    let text = &played.results_read()[2].1;
    assert!(text.ends_with("; this takes the place of your earlier report with this id"), "{text}");
}

#[tokio::test]
async fn an_answer_beside_a_refused_finding_waits_for_its_mending() {
    let played = play([
        Reply::tool_calls([
            ("final_answer", json!({"answer": "early"})),
            ("report_finding", finding("Lost pages", "paging", "nowhere")),
        ]),
        Reply::tool_calls([
            ("report_finding", finding("Lost pages", "paging", "t1")),
            ("final_answer", json!({"answer": "late"})),
        ]),
    ])
    .await;
    assert_eq!((played.result.answer.as_str(), played.result.findings.len()), ("late", 1));
    let read = played.results_read();
    assert!(read[0].1.starts_with("not taken yet: a finding"), "{read:?}");
    assert!(read[1].1.starts_with("error: refused"), "{read:?}");
}

#[tokio::test]
async fn old_results_are_folded_in_one_large_step() {
    let mut options = options();
    options.max_context = 9_000;
    let mut script: Vec<Reply> = (0..6).map(|_| sql("large")).collect();
    script.push(final_answer("Done."));
    let played = play_with(options, script).await;
    let sizes: Vec<usize> = played
        .model
        .requests()
        .iter()
        .map(|request| request.messages().iter().filter_map(|m| m["content"].as_str()).map(|c| c.chars().count()).sum())
        .collect();
    assert!(sizes.iter().all(|size| *size <= 27_000), "{sizes:?}");
    let folds: Vec<String> = played.notices().into_iter().filter(|notice| notice.starts_with("folded")).collect();
    assert_eq!(folds.len(), 1, "one step and not one a turn: {folds:?}");
    let read = played.results_read();
    assert_eq!(
        read[0].1,
        "[folded: sql({\"query\":\"large\"}) showed 3453 characters; get_context_item(\"r1\") shows it again]"
    );
    assert!(read[5].1.ends_with("xend"), "the latest stays whole");
}

#[tokio::test]
async fn a_conversation_the_endpoint_finds_too_long_is_folded_and_sent_again() {
    let played = play([sql("large"), sql("SELECT 1"), Reply::context_length_exceeded(), final_answer("Done.")]).await;
    assert_eq!((played.result.end.clone(), played.result.answer.as_str()), (RunEnd::Complete, "Done."));
    assert!(played.results_read()[0].1.starts_with("[folded"), "{:?}", played.results_read());

    let played = play([Reply::context_length_exceeded()]).await;
    let RunEnd::Failed { error } = &played.result.end else {
        panic!("{:?}", played.result.end);
    };
    assert!(error.contains("too long for the model") && error.contains("larger context"), "{error}");
}

#[tokio::test]
async fn many_large_results_share_the_context() {
    let mut options = options();
    options.max_context = 5_000;
    let calls: Vec<(&str, Value)> = (0..5).map(|_| ("sql", json!({"query": "large"}))).collect();
    let played = play_with(options, [Reply::tool_calls(calls), final_answer("Done.")]).await;
    for (_, text) in played.results_read() {
        assert!(text.starts_with("begin") && text.ends_with("end"), "{text}");
        assert!(text.contains("[… 4008 characters left out; get_context_item(\"r"), "{text}");
    }
}

#[tokio::test]
async fn ids_that_repeat_are_told_apart() {
    let call = |id: &str| {
        let delta = json!({"index": 0, "id": id, "function": {"name": "sql", "arguments": "{\"query\": \"1\"}"}});
        let chunk = json!({"choices": [{"delta": {"tool_calls": [delta]}, "finish_reason": "tool_calls"}]});
        Reply::raw_stream([format!("data: {chunk}\n\n"), "data: [DONE]\n\n".to_owned()])
    };
    let model = ScriptedModel::start([call("call_0"), call("call_0"), call("call_0"), final_answer("Done.")]).unwrap();
    let played = play_on(options(), model, CancellationToken::new()).await;
    let ids: Vec<String> = played.results_read().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["call_0", "call_0-2", "call_0-3"]);
}

/// Code of three lines in one file.
struct ThreeLines;

impl CodeSource for ThreeLines {
    fn cite<'a>(&'a self, place: &'a str) -> BoxFuture<'a, Result<CodeCitation, String>> {
        let found = match place {
            "agent.py:2" => Ok(CodeCitation { place: place.into(), text: "retry()".into(), commit: None }),
            other => Err(format!("there is no file `{other}`")),
        };
        Box::pin(async { found })
    }
}

#[tokio::test]
async fn a_finding_cites_code_that_is_there() {
    let citing = |place: &str, id: &str| {
        let mut arguments = finding("Lost pages", id, "t1");
        arguments["code"] = json!([place, " "]);
        Reply::tool_call("report_finding", arguments)
    };
    let script = [citing("nowhere.py:1", "paging"), citing("agent.py:2", "paging"), final_answer("Done.")];
    let model = ScriptedModel::start(script).unwrap();
    let mut services = services(&model, EventSink::without_log(), CancellationToken::new());
    services.code = Some(Arc::new(ThreeLines));
    let result = resume(options(), services, RunHistory::default()).await;
    let expected = CodeCitation { place: "agent.py:2".into(), text: "retry()".into(), commit: None };
    assert_eq!((result.findings.len(), &result.findings[0].code), (1, &vec![expected]));
    let read = model.requests()[2].tool_results();
    assert_eq!(
        read[0].1,
        "error: refused, and not in the report: the code `nowhere.py:1` can't be cited: there is no file `nowhere.py:1`"
    );

    // Without code at hand there is nothing to cite, and nothing to fail on.
    let played = play([citing("nowhere.py:1", "paging"), final_answer("Done.")]).await;
    assert_eq!((played.result.findings.len(), played.result.findings[0].code.len()), (1, 0));
}
