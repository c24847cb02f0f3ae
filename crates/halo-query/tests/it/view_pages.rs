//! The pages of a trace add up to the whole, whatever the trace: every step once, every text told, pointed to, or reached by the call shown.

use halo_testkit::TestSpan;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::Fixture;
use crate::tools::output;

/// Texts as traces have them: short and long, of one line and of many, such as look like a tree of steps, and JSON that holds another.
fn text() -> impl Strategy<Value = String> {
    let long = |word: &str, count: usize| format!("{} {word}", word.repeat(count));
    prop_oneof![
        3 => prop::sample::select(vec!["ok", "continue", "| fake", "1 TOOL fake [x]", "{\"ok\":true}", "  "]).prop_map(str::to_owned),
        3 => (0..6_u32).prop_map(|number| format!("a sentence long enough to be told once, number {number}")),
        2 => (0..4_usize, 20..400_usize).prop_map(move |(word, count)| long(["lorem ", "x", "line\n", "déjà 😀 "][word], count)),
        1 => (0..3_u32, 300..3_000_usize).prop_map(|(word, count)| format!("start {word} {} end {word}", "0123456789 ".repeat(count))),
        1 => (0..3_u32).prop_map(|number| json!({"role": "tool", "content": "inner text ".repeat(30), "n": number}).to_string()),
    ]
}

/// A span of the trace: its parent may be any span, itself, one that is not there, or none.
fn span() -> impl Strategy<Value = (u8, Option<u8>, Option<String>, Option<String>, Vec<String>)> {
    let texts = || prop::option::of(text());
    (0..4_u8, prop::option::of(0..30_u8), texts(), texts(), prop::collection::vec(text(), 0..4))
}

fn trace() -> impl Strategy<Value = (Vec<TestSpan>, Vec<String>)> {
    prop::collection::vec(span(), 1..25).prop_map(|drawn| {
        let mut history = Vec::new();
        let (mut spans, mut texts) = (Vec::new(), Vec::new());
        for (index, (kind, parent, input, output, messages)) in drawn.into_iter().enumerate() {
            let id = format!("s{index}");
            let mut span = match kind {
                0 => TestSpan::llm("t", &id),
                1 => TestSpan::tool("t", &id),
                2 => TestSpan::agent("t", &id),
                _ => TestSpan::new("CHAIN", "t", &id).error("it failed for a reason that is told"),
            };
            if let Some(parent) = parent {
                span = span.parent(&format!("s{parent}"));
            }
            if kind == 0 {
                let roles = ["system", "user", "assistant", "tool"];
                history.extend(
                    messages
                        .iter()
                        .enumerate()
                        .map(|(at, text)| json!({"role": roles[(at + index) % 4], "content": text})),
                );
                texts.extend(messages);
                span = history.iter().fold(span, |span, message: &Value| span.message_in(message.clone()));
            }
            if let Some(input) = input {
                span = span.input(&input);
                texts.push(input);
            }
            if let Some(output) = output {
                span = span.output(&output);
                texts.push(output);
            }
            spans.push(span.attribute("secret.of", format!("attribute {index}")));
        }
        (spans, texts)
    })
}

/// All pages of a call.
async fn pages(fixture: &Fixture, tool: &str, args: &Value) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        let mut args = args.clone();
        args["page"] = json!(pages.len() + 1);
        let page = output(fixture, tool, &args).await.expect("a page").text;
        let goes_on = page.contains("; the next: ");
        pages.push(page);
        if !goes_on {
            return pages;
        }
    }
}

/// What was recorded, out of what is shown: without labels and marks, lines that were divided whole again.
fn recorded(pages: &[String]) -> String {
    let mut all = String::new();
    for line in pages.iter().flat_map(|page| page.lines()) {
        let bare = line.trim_start();
        let data = bare.strip_prefix("| ").or_else(|| (bare == "|").then_some(""));
        match (bare.strip_prefix("+| "), data, bare.split_once(" | ")) {
            (Some(rest), _, _) => {
                // A page may have ended inside the line.
                all.truncate(all.trim_end_matches(['\n', '\0']).len());
                all.push_str(rest);
            }
            (None, Some(data), _) => {
                all.push('\n');
                all.push_str(data);
            }
            (None, None, Some((label, data))) if !label.contains('[') => {
                all.push_str("\n\0\n");
                all.push_str(data);
            }
            _ => all.push_str("\n\0\n"),
        }
    }
    all
}

/// A text as it is shown: blanks at the ends of lines are none of its facts.
fn shown(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().split('\n').map(str::trim_end).collect();
    lines.join("\n")
}

/// The call that a page shows for what is cut on it.
fn cut_call(page: &str) -> Option<Value> {
    let call = page.split("view_spans ").nth(1)?;
    serde_json::Deserializer::from_str(call).into_iter().next()?.ok()
}

async fn check(spans: &[TestSpan], texts: &[String]) {
    let fixture = Fixture::of(spans).await;
    let told = pages(&fixture, "view_trace", &json!({"trace_id": "t"})).await;
    let steps: Vec<u64> = told
        .iter()
        .flat_map(|page| {
            page.lines().filter(|line| line.contains(" [s") && !line.contains(" | ") && !line.starts_with('['))
        })
        .filter_map(|line| line.trim_start().split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(steps, (1..=spans.len() as u64).collect::<Vec<_>>(), "{}", told.concat());
    let mut all = recorded(&told);
    for page in &told {
        assert!(page.len() < 60_000, "{}", page.len());
        let call = cut_call(page).expect("a call for more");
        all.push_str(&recorded(&pages(&fixture, "view_spans", &call).await));
    }
    let all = shown(&all);
    for text in texts.iter().map(|text| shown(text)).filter(|text| !text.is_empty()) {
        // JSON may hold another text, and shows where that was told.
        let wanted = if text.contains("inner text") { "inner text ".repeat(30) } else { text.clone() };
        assert!(all.contains(wanted.trim_end()), "{text}\n is not in\n{}", told.concat());
    }
    // What has no place in the tree is in the whole span.
    let last = json!({"trace_id": "t", "steps": [spans.len()]});
    let whole = recorded(&pages(&fixture, "view_spans", &last).await);
    assert!(whole.contains(&format!("secret.of=attribute {}", spans.len() - 1)), "{whole}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn pages_add_up_to_the_whole((spans, texts) in trace()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        runtime.block_on(check(&spans, &texts));
    }
}
