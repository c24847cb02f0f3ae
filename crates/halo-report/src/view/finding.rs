//! One finding, in words and as a bar.

use halo_protocol::{Finding, FindingSource};
use serde::Serialize;

use super::axis::{Axis, Bar};
use super::quote::{CodePlace, Quote};
use super::reason::Order;
use super::sql;
use super::trend::Trend;
use super::who::{place_in_short, who};
use crate::number::{counted, grouped, percent, percent_range};
use crate::prose::{Line, code, lines, plain, title};
use crate::{handoff, text};

/// Quotes shown in full view.
const QUOTES: usize = 5;
/// Trace ids shown.
const SAMPLES: usize = 10;
/// Quotes in open view; the others are folded.
const OPEN: usize = 2;

/// A finding ready to be shown.
#[derive(Debug, Serialize)]
pub(crate) struct FindingView {
    /// Place in the report, from 1.
    pub(crate) number: usize,
    /// Stable id.
    pub(crate) id: String,
    /// `critical`, `high`, `medium`, `low`.
    pub(crate) severity: &'static str,
    /// The fault.
    pub(crate) title: Line,
    /// Kind of fault, in words.
    pub(crate) category: String,
    /// Affected traces.
    pub(crate) affected: String,
    /// Traces the rate is out of.
    pub(crate) population: String,
    /// The rate as a percentage.
    pub(crate) rate: String,
    /// Its 95 % interval.
    pub(crate) interval: String,
    /// The rate drawn.
    pub(crate) bar: Bar,
    /// Where it concentrates, in a few words.
    pub(crate) place: Line,
    /// How the rate went over time.
    pub(crate) trend: Option<Trend>,
    /// Why it stands at this place.
    pub(crate) reason: String,
    /// Who is hit, sentence by sentence.
    pub(crate) who: Vec<Line>,
    /// What happens.
    pub(crate) claim: Vec<Line>,
    /// Why it happens.
    pub(crate) cause: Vec<Line>,
    /// What to change.
    pub(crate) fix: Vec<Line>,
    /// What proves it.
    pub(crate) quotes: Vec<Quote>,
    /// More of it, folded.
    pub(crate) folded_quotes: Vec<Quote>,
    /// Where in the harness's code it comes from.
    pub(crate) code: Vec<CodePlace>,
    /// How many more there are.
    pub(crate) more_quotes: Option<String>,
    /// Traces to start reading with.
    pub(crate) samples: Vec<String>,
    /// How many more affected traces there are.
    pub(crate) more_samples: Option<String>,
    /// Counts the affected traces.
    pub(crate) affected_sql: String,
    /// Counts the population.
    pub(crate) population_sql: String,
    /// Plain text for a coding agent.
    pub(crate) handoff: String,
    /// Who reported it.
    pub(crate) source: Line,
    /// Whether it was re-executed.
    pub(crate) verified: bool,
}

impl FindingView {
    /// The view of a finding at a place in the report, in a dataset of `total` runs.
    pub(crate) fn new(finding: &Finding, number: usize, total: u64, axis: &Axis, order: Option<&Order>) -> Self {
        let who = who(finding, total);
        let samples = finding.sample_trace_ids.iter().take(SAMPLES).map(|id| text::value(id));
        let more_samples = finding.affected.saturating_sub(finding.sample_trace_ids.len().min(SAMPLES) as u64);
        let more_quotes = finding.evidence.len().saturating_sub(QUOTES) as u64;
        let mut quotes = Quote::of(&finding.evidence, &finding.conversations, QUOTES);
        let source = match &finding.source {
            FindingSource::Check { name } => vec![plain("Found by the check "), code(name)],
            FindingSource::Agent { name } => vec![plain("Found by the model, agent "), code(name)],
        };
        Self {
            number,
            id: text::value(&finding.id),
            severity: finding.severity.as_str(),
            title: title(&finding.title),
            category: text::value(&finding.category).replace('_', " "),
            affected: grouped(finding.affected),
            population: grouped(finding.population),
            rate: percent(finding.rate, finding.population),
            interval: percent_range(finding.interval, finding.population),
            bar: axis.bar(finding),
            place: place_in_short(finding),
            reason: order.and_then(|order| order.reasons.get(number - 1)).cloned().unwrap_or_default(),
            trend: Trend::new(&finding.trend),
            handoff: handoff::text(finding, &who),
            who,
            claim: lines(&finding.claim),
            cause: lines(&finding.cause),
            fix: lines(&finding.fix),
            folded_quotes: quotes.split_off(quotes.len().min(OPEN)),
            quotes,
            code: finding.code.iter().take(QUOTES).map(CodePlace::new).collect(),
            more_quotes: (more_quotes > 0)
                .then(|| format!("{} in the JSON report.", counted(more_quotes, "more quote", "more quotes"))),
            samples: samples.collect(),
            more_samples: (more_samples > 0)
                .then(|| format!("and {}; the query below lists them all", grouped(more_samples) + " more")),
            affected_sql: sql(&finding.affected_sql),
            population_sql: sql(&finding.population_sql),
            source,
            verified: finding.verified,
        }
    }
}
