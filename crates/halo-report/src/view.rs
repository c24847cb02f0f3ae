//! What a report says, in words and numbers ready to be shown. Markdown, page and terminal summary are three
//! ways to set one view, so that they never tell different stories. Every text in it is safe to show (see
//! `text`) and not yet escaped for a format.

mod axis;
mod conversation;
mod dataset;
mod finding;
mod looked_at;
mod quote;
mod reason;
mod trend;
mod verdict;
mod who;

use halo_protocol::{Report, RunMode};
use serde::Serialize;

use crate::{number, text};
pub(crate) use axis::Axis;
pub(crate) use conversation::Talk;
pub(crate) use dataset::Fact;
pub(crate) use finding::FindingView;
pub(crate) use looked_at::{LookedAt, OneOff};
pub(crate) use quote::{Quote, conversation_of, is_weak};
pub(crate) use reason::Order;
pub(crate) use verdict::Verdict;

/// Everything that is shown.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// What the page is called in a list of pages.
    pub(crate) page_title: String,
    /// What was analysed, as the user named it.
    pub(crate) input: String,
    /// The user's question.
    pub(crate) prompt: Option<String>,
    /// When, how long, by what.
    pub(crate) made: String,
    /// That the run was cut short, and by what.
    pub(crate) partial: Option<String>,
    /// What else a reader must know before believing the rest: checks failed, claims were not re-executed.
    pub(crate) warnings: Vec<String>,
    /// The sentence at the top.
    pub(crate) verdict: Verdict,
    /// The scale that all bars share.
    pub(crate) axis: Axis,
    /// How the order of the findings is made, where there is one.
    pub(crate) order: Option<Order>,
    /// Checks that matched runs and gave no finding, in a sentence.
    pub(crate) also_seen: Option<String>,
    /// Whether any finding has a course over time.
    pub(crate) has_trends: bool,
    /// Findings in the order of the report.
    pub(crate) findings: Vec<FindingView>,
    /// The model's answer, Markdown of a stranger.
    #[serde(skip)]
    pub(crate) answer: Option<String>,
    /// What was seen and is not systemic.
    pub(crate) one_offs: Vec<OneOff>,
    /// What was looked at and what not.
    pub(crate) looked_at: LookedAt,
    /// Claims that did not pass, as title and reason.
    pub(crate) refused: Vec<Refused>,
    /// What the model cost.
    pub(crate) cost: Vec<Fact>,
    /// What the dataset holds.
    pub(crate) dataset: Vec<Fact>,
    /// Queries beside those of the findings.
    pub(crate) queries: Vec<Query>,
    /// Whether there are findings and all of them were re-executed.
    pub(crate) proven: bool,
}

/// A claim that did not pass the gate.
#[derive(Debug, Serialize)]
pub(crate) struct Refused {
    /// What was claimed.
    pub(crate) title: String,
    /// Why it is not in the report.
    pub(crate) reason: String,
}

/// A query with its name.
#[derive(Debug, Serialize)]
pub(crate) struct Query {
    /// What it shows.
    pub(crate) name: String,
    /// The statement.
    pub(crate) sql: String,
}

impl View {
    /// The view of a report.
    pub(crate) fn new(report: &Report) -> Self {
        let total = report.coverage.traces_total.max(report.dataset.traces);
        let axis = Axis::holding(&report.findings);
        let verdict = Verdict::new(report, total);
        let order = Order::new(&report.findings, total);
        let finding = |(finding, number)| FindingView::new(finding, number, total, &axis, order.as_ref());
        let findings: Vec<FindingView> = report.findings.iter().zip(1..).map(finding).collect();
        Self {
            page_title: format!("{} · halo", verdict.headline.trim_end_matches('.')),
            input: text::value(&report.run.input),
            prompt: report.run.prompt.as_deref().map(text::line).filter(|prompt| !prompt.is_empty()),
            made: made(report),
            partial: verdict::partial(report),
            warnings: verdict::warnings(report),
            proven: !report.findings.is_empty() && report.findings.iter().all(|finding| finding.verified),
            has_trends: findings.iter().any(|finding| finding.trend.is_some()),
            findings,
            also_seen: looked_at::also_seen(&report.coverage.checks),
            order,
            axis,
            verdict,
            answer: report.answer.clone().filter(|answer| !answer.trim().is_empty()),
            one_offs: looked_at::one_offs(&report.coverage.checks),
            looked_at: LookedAt::new(report, total),
            refused: report
                .refused
                .iter()
                .map(|claim| Refused { title: text::line(&claim.title), reason: text::line(&claim.reason) })
                .collect(),
            cost: dataset::cost(report),
            dataset: dataset::facts(&report.dataset),
            queries: report
                .queries
                .iter()
                .map(|query| Query { name: text::line(&query.name), sql: sql(&query.sql) })
                .collect(),
        }
    }
}

/// A statement without the blank space around it.
fn sql(statement: &str) -> String {
    text::block(statement).trim().to_owned()
}

fn made(report: &Report) -> String {
    let run = &report.run;
    let how = match &run.mode {
        RunMode::Offline => "built-in checks, no model".to_owned(),
        RunMode::Model { model } => format!("model {}", text::value(model)),
    };
    let when = number::moment(&text::line(&run.started_at));
    let version = text::value(&run.halo_version);
    let traces = match (&report.dataset.first_time, &report.dataset.last_time) {
        (Some(first), Some(last)) => format!("runs of {} · ", number::period(&text::line(first), &text::line(last))),
        _ => String::new(),
    };
    format!("{traces}analysed {when} · {} · {how} · halo {version}", number::duration(run.elapsed_ms))
}
