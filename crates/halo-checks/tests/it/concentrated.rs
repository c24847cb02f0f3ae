//! Checks of what happens everywhere at times, and is a fault where it happens to one group of runs only.

use serde_json::json;

use halo_testkit::TestSpan;

use crate::script::{Kind, Script, concentrates, run, sees_nothing};

/// Eighty runs of three releases. Those that are odd are told by the second kind; half of the last release by the third, which looks like it.
fn releases(odd: fn(usize) -> bool, [usual, other, alike]: [Kind; 3]) -> Vec<TestSpan> {
    let tell = |copy: usize| {
        let (release, of_last) = match copy {
            0..40 => ("2.13.0", usual),
            40..60 => ("2.14.0", usual),
            _ => ("2.15.0", if copy.is_multiple_of(2) { alike } else { usual }),
        };
        let kind = if odd(copy) { other } else { of_last };
        kind(&format!("t{copy:02}")).root(|span| span.attribute("release", release)).spans()
    };
    (0..80).flat_map(tell).collect()
}

async fn only_in_one_release(check: &str, kinds: [Kind; 3]) {
    let in_one = releases(|copy| (40..60).contains(&copy) && copy % 2 == 0, kinds);
    concentrates(check, [in_one, releases(|copy| copy % 8 == 0, kinds)]).await;
}

fn priced(id: &str) -> Script {
    run(id).calls("quote", "{}", r#"{"price":7}"#).says("It costs 7 euros, and comes on Friday.")
}

#[tokio::test]
async fn one_result_for_all_questions() {
    fn searched(id: &str, result: &str) -> Script {
        let question = json!({"question": format!("Where is the parcel of {id}?")}).to_string();
        run(id).calls("search", &question, result).says("I looked it up.")
    }
    const STALE: &str = "The opening hours of our shop in Lyon are nine to five, and on Saturday ten to two.";
    only_in_one_release(
        "same_result",
        [
            |id| searched(id, &format!("The parcel of {id} left Hamburg on Monday and is due in Madrid on Friday.")),
            |id| searched(id, STALE),
            // That there is nothing is short.
            |id| searched(id, r#"{"hits":[]}"#),
        ],
    )
    .await;
    sees_nothing(
        "same_result",
        &[|id| {
            // The same question has the same answer.
            let question = r#"{"question":"When is the shop open?"}"#;
            (0..3).fold(run(id), |script, _| script.calls("search", question, STALE)).says("From nine to five.")
        }],
    )
    .await;
}

#[tokio::test]
async fn one_question_twice() {
    const QUESTION: &str = "Could you please give me the number of your order?";
    only_in_one_release(
        "asks_again",
        [
            |id| run(id).says(QUESTION).says("And which town was it sent to?"),
            |id| run(id).says(QUESTION).says("Could you please give me the number of the order?"),
            // Each step needs its own consent.
            |id| {
                run(id)
                    .says("I will cancel order 4711. Shall I proceed?")
                    .says("I will cancel order 4712. Shall I proceed?")
            },
        ],
    )
    .await;
    sees_nothing(
        "asks_again",
        &[|id| {
            // One reply on two nested spans.
            let script = run(id).says(QUESTION).with(|span| span.start_ms(0).duration_ms(900));
            script.says(QUESTION).with(|span| span.start_ms(100).duration_ms(700))
        }],
    )
    .await;
}

#[tokio::test]
async fn refusals_of_one_release() {
    only_in_one_release(
        "refusals",
        [
            priced,
            |id| run(id).says("I'm sorry, but I can't help with that request."),
            // A no that is a fact about the order.
            |id| run(id).says("The sofa can't be delivered before Friday, as it is out of stock."),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_group_of_one_service_is_counted_in_it_alone() {
    // The shop refuses every second time in its new release. The desk numbers its releases alike, and refuses in all of them at times.
    let run_of = |service: &str, copy: usize| {
        let refuses = copy.is_multiple_of(if service == "shop" { 6 } else { 10 });
        let release = if copy.is_multiple_of(3) { "2" } else { "1" };
        let told = run(&format!("{service}-{copy:02}")).root(|span| span.attribute("release", release));
        let answer = if refuses { "I'm sorry, but I can't help with that request." } else { "It comes on Friday." };
        told.says(answer).spans().into_iter().map(|span| span.service(service)).collect::<Vec<TestSpan>>()
    };
    let spans: Vec<TestSpan> =
        ["desk", "shop"].iter().flat_map(|service| (0..60).flat_map(|copy| run_of(service, copy))).collect();
    let report = crate::support::run(&["refusals"], &spans).await;
    let scopes: Vec<Vec<_>> = report
        .findings
        .iter()
        .map(|finding| {
            finding.scope.iter().map(|entry| (entry.value.as_str(), entry.affected, entry.population)).collect()
        })
        .collect();
    assert_eq!(scopes, [[("2", 10, 20), ("shop", 10, 60)]]);
    assert_eq!((report.findings[0].affected, report.outcomes[0].affected), (10, 16));
}

#[tokio::test]
async fn a_group_that_an_earlier_check_tells_is_not_told_again() {
    // Repeated at once are a tool's calls in one region, and requests that are too long for one model.
    let spans: Vec<TestSpan> = (0..120)
        .flat_map(|copy| {
            let (region, tier) = (if copy < 20 { "us" } else { "eu" }, if copy >= 100 { "small" } else { "large" });
            let told =
                run(&format!("t{copy:03}")).root(|span| span.attribute("region", region).attribute("tier", tier));
            let told = match (copy % 10 < 7, region, tier) {
                (true, "us", _) => (0..3).fold(told, |told, _| told.tool("pay", "{}", "Error: busy")).says("Not paid."),
                (true, _, "small") => {
                    (0..3).fold(told, |told, _| told.model_fails("This model's maximum context length is 8192 tokens."))
                }
                _ => told.says("It comes on Friday."),
            };
            told.spans()
        })
        .collect();
    let report = crate::support::run(&["context_overflow", "retry_without_backoff"], &spans).await;
    let told: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.title.as_str(), finding.affected, finding.scope[0].value.as_str()))
        .collect();
    let retried = "Failing calls are repeated at once, without a pause (region `us`)";
    assert_eq!(told, [("The context window overflows and the run ends there", 14, "small"), (retried, 14, "us")]);
    assert_eq!(report.outcomes[1].affected, 28);
}

#[tokio::test]
async fn requests_that_grew() {
    only_in_one_release(
        "token_growth",
        [
            priced,
            |id| priced(id).with(|span| span.tokens(1600, 20)),
            // More requests of the same size.
            |id| (0..4).fold(priced(id), |script, _| script.says("And one more thing.")),
        ],
    )
    .await;
}

#[tokio::test]
async fn runs_of_many_steps() {
    fn looks(id: &str, times: usize) -> Script {
        (0..times).fold(run(id), |script, _| script.calls("quote", "{}", r#"{"price":7}"#)).says("It costs 7 euros.")
    }
    only_in_one_release("long_runs", [|id| looks(id, 1), |id| looks(id, 4), |id| looks(id, 2)]).await;
}

#[tokio::test]
async fn runs_that_take_long() {
    fn waits(id: &str, tool_ms: i64) -> Script {
        run(id).calls("quote", "{}", r#"{"price":7}"#).with(|span| span.duration_ms(tool_ms)).says("It costs 7 euros.")
    }
    only_in_one_release("slow_runs", [|id| waits(id, 500), |id| waits(id, 20_000), |id| waits(id, 4000)]).await;
}

#[tokio::test]
async fn runs_that_fail() {
    only_in_one_release(
        "failed_runs",
        [
            |id| priced(id).root(TestSpan::ok),
            |id| priced(id).root(|span| span.error("the cart was empty")),
            // What fails inside of a run is not how it ended.
            |id| run(id).calls("quote", "{}", "Error: no tariff").says("It costs 7 euros.").root(TestSpan::ok),
        ],
    )
    .await;
    // By what an evaluation says; runs that nobody judged are no part of it.
    only_in_one_release(
        "failed_runs",
        [
            |id| priced(id).root(|span| span.attribute("feedback.label", "good")),
            |id| priced(id).root(|span| span.attribute("feedback.label", "bad")),
            |id| priced(id).root(|span| span.attribute("feedback.comment", "bad weather today")),
        ],
    )
    .await;
}

#[tokio::test]
async fn answers_of_another_length() {
    fn answers(id: &str, sentences: usize) -> Script {
        run(id).says(&"The sofa costs seven euros. ".repeat(sentences))
    }
    only_in_one_release("answer_length_shift", [|id| answers(id, 6), |id| answers(id, 1), |id| answers(id, 3)]).await;
    only_in_one_release("answer_length_shift", [|id| answers(id, 6), |id| answers(id, 30), |id| answers(id, 18)]).await;
}

#[tokio::test]
async fn runs_without_a_model() {
    let mut spans = Vec::new();
    for copy in 0..30 {
        spans.extend(priced(&format!("fine-{copy:02}")).spans());
        // A kind of run that needs no model, as a rule.
        let job = run(&format!("job-{copy:02}")).tool("clean_up", "{}", "ok").root(|span| span.name("nightly"));
        spans.extend(if copy == 0 { job.says("All clean.") } else { job }.spans());
    }
    for copy in 0..4 {
        spans.extend(run(&format!("faulty-{copy}")).root(|span| span.output("Please try again.")).spans());
    }
    // Too few of their kind to say what is usual.
    spans.extend(run("rare-0").root(|span| span.name("export")).spans());
    let report = crate::support::run(&["model_never_called"], &spans).await;
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.sample_trace_ids.join(" "), finding.affected, finding.population))
        .collect();
    assert_eq!(found, [("faulty-0 faulty-1 faulty-2 faulty-3".to_owned(), 4, 65)]);
    assert_eq!(report.findings[0].evidence[0].quote, "Please try again.");
}
