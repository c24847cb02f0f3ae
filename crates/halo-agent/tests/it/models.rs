//! Everything but turns that asks a model: questions about rows, several traces at once, summaries of old turns, and code.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use halo_agent::{
    EventSink, Limits, Models, Price, PricedModel, RunHistory, RunResult, RunServices, SideModel, ToolFactory,
    blocking, collect_items, resume, stream_events, stream_items,
};
use halo_protocol::{EventKind, RequestPurpose, RunEnd};
use halo_testkit::{RecordedRequest, Reply, ScriptedModel};
use halo_tool::{DataTables, NewTable, Rows, SavedTable, Tool, ToolContext, ToolError, ToolOutput, ToolRegistry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::play::{final_answer, options, play_on, play_with, services, sql};

/// Five rows of two texts; keeps what is saved.
#[derive(Default)]
struct FiveRows {
    saved: Mutex<Vec<(String, NewTable)>>,
}

impl DataTables for FiveRows {
    fn rows<'a>(
        &'a self,
        query: &'a str,
        rows_max: usize,
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Rows, ToolError>> {
        async move {
            if query.contains("typo") {
                return Err(ToolError::for_model("there is no column `typo`"));
            }
            let row = |n: usize| {
                let text = if n.is_multiple_of(2) { "refund done" } else { "no such order" };
                let value = json!({"trace_id": format!("t{n}"), "text": text, "long": "x".repeat(300)});
                value.as_object().cloned().unwrap()
            };
            let count = if query.contains("none") { 0 } else { 5 };
            let columns = ["trace_id", "text", "long"].map(str::to_owned).to_vec();
            Ok(Rows { columns, rows: (0..count.min(rows_max)).map(row).collect(), has_more: count > rows_max })
        }
        .boxed()
    }

    fn save<'a>(&'a self, name: &'a str, table: NewTable) -> BoxFuture<'a, Result<(), ToolError>> {
        self.saved.lock().unwrap().push((name.to_owned(), table));
        async { Ok(()) }.boxed()
    }

    fn saved(&self) -> Vec<SavedTable> {
        let saved = self.saved.lock().unwrap();
        let told = saved.iter().map(|(name, table)| SavedTable {
            name: name.clone(),
            rows: table.rows.len() as u64,
            columns: table.columns.iter().map(|(name, _)| name.clone()).collect(),
        });
        told.collect()
    }
}

fn is_row(request: &RecordedRequest) -> bool {
    request.messages()[0]["content"].as_str().unwrap().starts_with("You answer one question about one row")
}

fn map_rows(query: &str, schema: Value) -> Reply {
    Reply::tool_call(
        "map_rows",
        json!({"query": query, "question": "Did it fail?", "schema": schema, "save_as": "answers"}),
    )
}

/// Plays a run with rows, and gives the tool results that the root read last.
async fn with_rows(
    limits: Limits,
    answer: impl FnMut(&RecordedRequest) -> Reply + Send + 'static,
) -> (RunResult, Arc<FiveRows>, ScriptedModel) {
    let model = ScriptedModel::start_answering(answer).unwrap();
    let rows = Arc::new(FiveRows::default());
    let mut services = services(&model, EventSink::without_log(), CancellationToken::new());
    services.tables = Some(Arc::<FiveRows>::clone(&rows));
    let mut options = options();
    // One request after the other where they are counted.
    options.max_parallel = if limits.tokens.is_some() { 1 } else { options.max_parallel };
    options.limits = limits;
    let result = resume(options, services, RunHistory::default()).await;
    (result, rows, model)
}

fn root_read(model: &ScriptedModel) -> Vec<String> {
    let requests = model.requests();
    let last = requests.iter().rfind(|request| !is_row(request)).unwrap();
    last.tool_results().into_iter().map(|(_, text)| text).collect()
}

#[tokio::test]
async fn each_row_is_asked_about_and_the_answers_are_a_table() {
    let (result, rows, model) = with_rows(Limits::default(), |request| {
        if is_row(request) {
            let failed = request.last_text().contains("no such order");
            return Reply::text(json!({"failed": failed, "why": "as it says"}).to_string());
        }
        match request.tool_results().len() {
            0 => map_rows("SELECT", json!({"failed": {"type": "boolean"}, "why": {"type": "string"}})),
            1 => map_rows("SELECT", json!({"failed": {"type": "boolean"}, "why": {"type": "string"}})),
            _ => final_answer("Done."),
        }
    })
    .await;
    assert_eq!(result.end, RunEnd::Complete);
    let asked: Vec<RecordedRequest> = model.requests().into_iter().filter(is_row).collect();
    assert_eq!(asked.len(), 2, "equal rows are asked once, and known answers are not asked for again");
    assert_eq!(asked[0].json["response_format"]["type"], "json_schema");
    assert!(!asked[0].last_text().contains("t0"), "ids are not shown");
    let read = root_read(&model);
    insta::assert_snapshot!(read.join("\n\n"));

    let saved = rows.saved.lock().unwrap();
    let (name, table) = &saved[0];
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((name.as_str(), columns), ("answers", vec!["trace_id", "text", "failed", "why", "error"]));
    let expected: Vec<Map<String, Value>> = (0..5_u32)
        .map(|n| {
            let failed = n % 2 == 1;
            let text = if failed { "no such order" } else { "refund done" };
            json!({"trace_id": format!("t{n}"), "text": text, "failed": failed, "why": "as it says"})
                .as_object()
                .cloned()
                .unwrap()
        })
        .collect();
    assert_eq!(table.rows, expected);
}

#[tokio::test]
async fn answers_that_do_not_fit_are_asked_again_and_then_are_rows_that_failed() {
    let (_, rows, model) = with_rows(Limits::default(), |request| {
        if is_row(request) {
            let again = request.messages().len() > 2;
            return match (request.messages()[1]["content"].as_str().unwrap().contains("no such order"), again) {
                (true, false) => Reply::text("Yes!"),
                (true, true) => Reply::text("```json\n{\"failed\": true}\n```"),
                (false, _) => Reply::text("{\"failed\": \"maybe\"}"),
            };
        }
        match request.tool_results().len() {
            0 => map_rows("SELECT", json!({"failed": "boolean"})),
            _ => final_answer("Done."),
        }
    })
    .await;
    let text = &root_read(&model)[0];
    assert!(text.starts_with("answered 2 of 5 rows (1 known already, 3 failed)"), "{text}");
    assert!(text.contains("failed because: `failed` is \"maybe\", which is no boolean"), "{text}");
    assert!(text.contains("failed: true 2"), "{text}");
    let saved = rows.saved.lock().unwrap();
    assert_eq!(saved[0].1.rows[0]["error"], json!("`failed` is \"maybe\", which is no boolean"));
    assert_eq!(saved[0].1.rows[1]["failed"], json!(true));
    let again = model.requests().into_iter().find(|request| is_row(request) && request.messages().len() > 2).unwrap();
    assert!(again.last_text().ends_with("Answer with the JSON object alone."), "{}", again.last_text());
}

#[tokio::test]
async fn a_wrong_call_of_map_rows_is_told() {
    let script = [
        map_rows("SELECT typo", json!({"failed": "boolean"})),
        map_rows("none", json!({"failed": "boolean"})),
        map_rows("SELECT", json!({"failed": "date"})),
        map_rows("SELECT", json!({"text": "string"})),
        final_answer("Done."),
    ];
    let mut script = script.into_iter();
    let (_, rows, model) = with_rows(Limits::default(), move |_| script.next().unwrap()).await;
    let read = root_read(&model);
    let words =
        ["there is no column `typo`", "gives no rows", "the field `failed` needs a type", "has the name of a column"];
    for (text, words) in read.iter().zip(words) {
        assert!(text.starts_with("error: ") && text.contains(words), "{words}: {text}");
    }
    assert_eq!((read.len(), rows.saved.lock().unwrap().len()), (4, 0));
}

#[tokio::test]
async fn rows_stop_where_the_budget_ends() {
    let limits = Limits { tokens: Some(30_000), ..Limits::default() };
    let usage = json!({"prompt_tokens": 9_000, "completion_tokens": 10});
    let (result, rows, model) = with_rows(limits, move |request| {
        if is_row(request) {
            return Reply::text("{\"failed\": true}").usage(json!({"prompt_tokens": 30_000, "completion_tokens": 10}));
        }
        if request.tool_names().len() == 2 {
            return final_answer("In time.");
        }
        map_rows("SELECT", json!({"failed": "boolean"})).usage(usage.clone())
    })
    .await;
    assert_eq!((result.end, result.answer.as_str()), (RunEnd::BudgetSpent { limit: "tokens".into() }, "In time."));
    // Two rows are equal and were asked about as one; the other three are equal, too, and were not asked about any more.
    let text = &root_read(&model)[0];
    assert!(text.starts_with("answered 2 of 5 rows (1 known already, 3 failed), 30010 tokens;"), "{text}");
    assert!(text.contains("failed because: the run's budget of tokens is spent"), "{text}");
    assert!(text.contains("the budget ended it early"), "{text}");
    assert_eq!(model.requests().iter().filter(|request| is_row(request)).count(), 1);
    assert_eq!(rows.saved.lock().unwrap().len(), 1, "what there is, is kept");
}

#[tokio::test]
async fn several_traces_are_read_by_one_model() {
    let model = ScriptedModel::start([
        Reply::tool_call("synthesize_traces", json!({"trace_ids": ["t1", "t2"], "focus": "pages"})),
        Reply::text("Both lose page 2."),
        Reply::tool_call("synthesize_traces", json!({"trace_ids": []})),
        final_answer("Done."),
    ])
    .unwrap();
    let played = play_on(options(), model, CancellationToken::new()).await;
    let requests = played.model.requests();
    let asked: String =
        requests[1].messages().iter().map(|m| format!("{}\n---\n", m["content"].as_str().unwrap())).collect();
    insta::assert_snapshot!(asked);
    assert_eq!(requests[2].tool_results()[0].1, "Both lose page 2.");
    assert_eq!(requests[3].tool_results()[1].1, "error: give 1 to 50 trace ids, not 0");
    assert_eq!(played.result.traces_read.iter().collect::<Vec<_>>(), ["t1", "t2"]);
    assert!(played.events.iter().any(|event| matches!(
        &event.item,
        EventKind::ModelReply { purpose: RequestPurpose::Synthesis, key: Some(_), .. }
    )));
}

/// A model that talks much, so that folding results is not enough.
fn talkative(turns: usize) -> impl FnMut(&RecordedRequest) -> Reply + Send + 'static {
    let mut turn = 0;
    move |request| {
        if request.messages()[0]["content"].as_str().unwrap().starts_with("You are given a part of the conversation") {
            return Reply::text("Established: page 2 is lost in t1.");
        }
        turn += 1;
        if turn > turns {
            return final_answer("Done.");
        }
        sql(&format!("SELECT {turn}")).with_text(format!("Thought {turn}: {}", "and so on ".repeat(150)))
    }
}

#[tokio::test]
async fn old_turns_are_summed_up_when_folding_is_not_enough() {
    let mut options = options();
    options.max_context = 6_500;
    let model = ScriptedModel::start_answering(talkative(14)).unwrap();
    let played = play_on(options, model, CancellationToken::new()).await;
    assert_eq!((&played.result.end, played.result.answer.as_str()), (&RunEnd::Complete, "Done."));
    let summed = |notice: &&String| notice.starts_with("summed up old turns by a model");
    let notices = played.notices();
    let count = notices.iter().filter(summed).count();
    assert!((1..=7).contains(&count), "rare, large steps: {notices:?}");
    let requests = played.model.requests();
    let last = requests.last().unwrap();
    let summary = last.messages()[2]["content"].as_str().unwrap();
    assert!(summary.starts_with("[The older part of this conversation was summed up"), "{summary}");
    assert!(summary.ends_with("Established: page 2 is lost in t1."), "{summary}");
    // Between two steps, each request begins with the whole one before it.
    let turns: Vec<&RecordedRequest> = requests.iter().filter(|request| !request.tool_names().is_empty()).collect();
    let grown = turns
        .windows(2)
        .filter(|pair| {
            let (before, after) = (pair[0].messages(), pair[1].messages());
            after.len() > before.len() && after[..before.len()] == *before
        })
        .count();
    assert_eq!(turns.len() - 1 - grown, count, "only a summary changes what was sent before");
}

#[tokio::test]
async fn without_a_model_to_sum_up_a_list_of_calls_takes_their_place() {
    let mut options = options();
    options.max_context = 6_500;
    let mut talk = talkative(8);
    let model = ScriptedModel::start_answering(move |request| {
        let is_compaction = request.messages()[0]["content"].as_str().unwrap().starts_with("You are given a part");
        if is_compaction { Reply::error(400, "no such model") } else { talk(request) }
    })
    .unwrap();
    let played = play_on(options, model, CancellationToken::new()).await;
    assert_eq!(played.result.end, RunEnd::Complete);
    let requests = played.model.requests();
    let summary = requests.last().unwrap().messages()[2]["content"].as_str().unwrap().to_owned();
    assert!(
        summary
            .contains("These calls were made, and their results are no longer here:\n- sql({\"query\":\"SELECT 1\"})"),
        "{summary}"
    );
}

#[derive(Deserialize, JsonSchema)]
struct AskArgs {
    /// Questions.
    prompts: Vec<String>,
}

/// A tool that asks the small model, as code of the model would.
struct Ask(SideModel);

impl Tool for Ask {
    type Args = AskArgs;
    fn name(&self) -> &'static str {
        "ask"
    }
    fn description(&self) -> &'static str {
        "Asks a model."
    }
    fn waits(&self) -> bool {
        true
    }
    async fn call(&self, args: AskArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let mut answers = Vec::new();
        for prompt in args.prompts {
            answers.push(self.0.ask(&context.agent_id, &prompt).await.unwrap_or_else(|error| format!("no: {error}")));
        }
        Ok(ToolOutput::text(answers.join("; ")))
    }
}

fn with_asking(model: &ScriptedModel) -> RunServices {
    let mut services = services(model, EventSink::without_log(), CancellationToken::new());
    let make: ToolFactory = Arc::new(|side| {
        let mut tools = ToolRegistry::new();
        tools.add(Ask(side.clone()));
        tools
    });
    services.asking_tools = Some(make);
    services
}

#[tokio::test]
async fn tools_of_the_caller_may_ask_and_nothing_is_asked_twice() {
    let model = ScriptedModel::start([
        Reply::tool_call("ask", json!({"prompts": ["What is one?", "What is two?", "What is one?"]})),
        Reply::text("1"),
        Reply::text("2"),
        final_answer("Done."),
    ])
    .unwrap();
    let result = resume(options(), with_asking(&model), RunHistory::default()).await;
    assert_eq!((result.end, result.usage.requests), (RunEnd::Complete, 4));
    assert_eq!(model.requests()[3].tool_results()[0].1, "1; 2; 1");
    assert!(model.requests()[0].tool_names().contains(&"ask".to_owned()));
}

#[tokio::test]
async fn each_purpose_has_its_model_and_money_counts() {
    let model = ScriptedModel::start([
        Reply::tool_call("ask", json!({"prompts": ["x"]})),
        Reply::text("y"),
        final_answer("Done."),
    ])
    .unwrap();
    let mut services = with_asking(&model);
    let base = services.models.root.clone();
    let cheap = PricedModel { price: Some(Price { input: 1_000.0, cached_input: 0.0, output: 0.0 }), ..base.clone() };
    services.models = Models { rows: cheap, ..Models::all(base) };
    let result = resume(options(), services, RunHistory::default()).await;
    assert!((result.cost_usd - 0.1).abs() < 1e-9, "100 tokens of the small model: {}", result.cost_usd);
}

#[tokio::test]
async fn a_run_can_be_followed_as_a_stream() {
    let script = || [sql("SELECT 1").with_text("Looking."), final_answer("Done.")];
    let model = ScriptedModel::start(script()).unwrap();
    let make = |model: &ScriptedModel| services(model, EventSink::without_log(), CancellationToken::new());
    let mut all = stream_events(options(), make(&model));
    let mut kinds = Vec::new();
    while let Some(event) = all.next_event().await {
        kinds.push(serde_json::to_value(&event.item).unwrap()["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(all.result().await.unwrap().answer, "Done.");
    let expected = [
        "run_started",
        "agent_started",
        "model_request",
        "text_delta",
        "model_reply",
        "tool_result",
        "model_request",
        "model_reply",
        "tool_result",
        "agent_finished",
        "run_finished",
    ];
    assert_eq!(kinds, expected);

    let model = ScriptedModel::start(script()).unwrap();
    let (items, result) = collect_items(options(), make(&model)).await.unwrap();
    assert_eq!((items.len(), result.answer.as_str()), (8, "Done."));
    assert!(items.last().unwrap().is_final);

    // Nobody has to read the events.
    let model = ScriptedModel::start(script()).unwrap();
    assert_eq!(stream_items(options(), make(&model)).result().await.unwrap().answer, "Done.");

    // Whoever drops the stream ends the run.
    let model = ScriptedModel::start_with_last([], Reply::stall()).unwrap();
    let services = make(&model);
    let held_by_run = Arc::downgrade(&services.gate);
    let mut stream = stream_events(options(), services);
    while let Some(event) = stream.next_event().await {
        if matches!(event.item, EventKind::ModelRequest { .. }) {
            break;
        }
    }
    assert!(held_by_run.upgrade().is_some(), "it waits for the model");
    drop(stream);
    let ended = async {
        while held_by_run.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the run has let go of everything");
}

#[test]
fn the_same_without_async() {
    let script = || [sql("SELECT 1").with_text("Looking."), final_answer("Done.")];
    let make = |model: &ScriptedModel| services(model, EventSink::without_log(), CancellationToken::new());
    let model = ScriptedModel::start(script()).unwrap();
    let mut run = blocking::stream_events(options(), make(&model)).unwrap();
    assert_eq!(run.by_ref().count(), 11);
    assert_eq!(run.result().unwrap().answer, "Done.");
    let model = ScriptedModel::start(script()).unwrap();
    assert_eq!(blocking::stream_items(options(), make(&model)).unwrap().count(), 8);
    let model = ScriptedModel::start(script()).unwrap();
    let (items, result) = blocking::collect_items(options(), make(&model)).unwrap();
    assert_eq!((items.len(), result.end), (8, RunEnd::Complete));
}

#[tokio::test]
async fn a_result_that_was_cut_can_be_read_on() {
    let mut small = options();
    small.max_context = 6_000;
    let played = play_with(
        small,
        [
            sql("large"),
            Reply::tool_call("get_context_item", json!({"item_id": "r1", "offset": 4_000})),
            final_answer("Done."),
        ],
    )
    .await;
    let read = played.results_read();
    let note = "get_context_item(\"r1\", offset=";
    assert!(read[0].1.contains(note), "{}", read[0].1);
    assert_eq!(read[1].1, format!("{}end", "x".repeat(5_008 - 4_000 - 3)));
}
