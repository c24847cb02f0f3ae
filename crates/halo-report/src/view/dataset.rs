//! Facts: what the dataset holds and what the model cost.

use halo_protocol::{Count, DatasetSummary, Report, RunMode};
use serde::Serialize;

use crate::number::{counted, grouped, percent, period, share};
use crate::text;

/// Values named in a row.
const NAMED: usize = 8;

/// A name and what there is to say about it.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: String,
}

fn fact(name: &'static str, value: impl Into<String>) -> Fact {
    Fact { name, value: value.into() }
}

/// What a dataset holds.
pub(crate) fn facts(dataset: &DatasetSummary) -> Vec<Fact> {
    let mut facts = vec![
        fact("Runs", grouped(dataset.traces)),
        fact(
            "Spans",
            format!(
                "{} ({}, {})",
                grouped(dataset.spans),
                counted(dataset.llm_spans, "model call", "model calls"),
                counted(dataset.tool_spans, "tool call", "tool calls"),
            ),
        ),
    ];
    if let (Some(first), Some(last)) = (&dataset.first_time, &dataset.last_time) {
        facts.push(fact("Period", period(&text::line(first), &text::line(last))));
    }
    facts.push(fact(
        "Error spans",
        match dataset.error_spans {
            0 => "none".to_owned(),
            spans => format!(
                "{} in {} ({})",
                grouped(spans),
                counted(dataset.error_traces, "run", "runs"),
                percent(share(dataset.error_traces, dataset.traces), dataset.traces),
            ),
        },
    ));
    if dataset.input_tokens + dataset.output_tokens > 0 {
        let tokens = format!("{} in, {} out", grouped(dataset.input_tokens), grouped(dataset.output_tokens));
        facts.push(fact("Tokens", tokens));
    }
    let groups = [
        ("Services", &dataset.services),
        ("Agents", &dataset.agents),
        ("Models", &dataset.models),
        ("Tools", &dataset.tools),
    ];
    facts.extend(
        groups.into_iter().filter(|(_, counts)| !counts.is_empty()).map(|(name, counts)| fact(name, named(counts))),
    );
    facts
}

/// Values with the number of runs each is in.
fn named(counts: &[Count]) -> String {
    let shown = counts.iter().take(NAMED);
    let mut parts: Vec<String> =
        shown.map(|count| format!("{} ({})", text::value(&count.value), grouped(count.traces))).collect();
    if counts.len() > NAMED {
        parts.push(format!("and {} more", counts.len() - NAMED));
    }
    parts.join(", ")
}

/// What the model cost.
pub(crate) fn cost(report: &Report) -> Vec<Fact> {
    let usage = &report.usage;
    let RunMode::Model { model } = &report.run.mode else {
        return vec![fact("Model", "none; nothing left this machine")];
    };
    let mut facts = vec![fact("Model", text::value(model)), fact("Requests", grouped(usage.requests))];
    if usage.requests == 0 {
        return facts;
    }
    let part = |tokens: u64, whole: u64, what: &str| match tokens {
        0 => String::new(),
        _ => format!(" ({} {what})", percent(share(tokens, whole), whole)),
    };
    let cached = part(usage.cached_input_tokens, usage.input_tokens, "from the provider's cache");
    let reasoning = part(usage.reasoning_tokens, usage.output_tokens, "reasoning");
    facts.push(fact("Tokens in", format!("{}{cached}", grouped(usage.input_tokens))));
    facts.push(fact("Tokens out", format!("{}{reasoning}", grouped(usage.output_tokens))));
    if let Some(cost) = report.cost_usd {
        facts.push(fact("Cost", format!("{cost:.2} US dollars, by list price")));
    }
    facts
}
