//! One finding, in words and as a bar.

use halo_protocol::{CodeCitation, Evidence, Finding, FindingSource, OutcomeContrast, ScopeEntry};
use serde::Serialize;

use super::sql;
use crate::number::{counted, grouped, in_words, lift, p_value, percent, percent_range, share};
use crate::prose::{Line, code, lines, plain, title};
use crate::{handoff, text};

/// Quotes shown in full view.
const QUOTES: usize = 5;
/// Trace ids shown.
const SAMPLES: usize = 10;
/// Scope sentences shown.
const SCOPES: usize = 4;

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

/// A place in the harness's code.
#[derive(Debug, Serialize)]
pub(crate) struct CodePlace {
    /// File and lines, and the commit when it is an older one.
    pub(crate) place: String,
    /// The lines.
    pub(crate) text: String,
}

impl CodePlace {
    fn new(citation: &CodeCitation) -> Self {
        let commit = citation.commit.as_deref().map(|commit| format!(" at {}", commit.get(..12).unwrap_or(commit)));
        Self {
            place: text::value(&citation.place) + &text::value(&commit.unwrap_or_default()),
            text: text::quote(&citation.text).text,
        }
    }
}

/// A quote and the span it stands in.
#[derive(Debug, Serialize)]
pub(crate) struct Quote {
    /// Trace of the span.
    pub(crate) trace: String,
    /// The span.
    pub(crate) span: String,
    /// The words, perhaps without their middle.
    pub(crate) text: String,
    /// Whether the middle is missing.
    pub(crate) shortened: bool,
}

impl Quote {
    /// The quote as it is shown.
    pub(crate) fn new(evidence: &Evidence) -> Self {
        let clipped = text::quote(&evidence.quote);
        Self {
            trace: text::value(&evidence.trace_id),
            span: text::value(&evidence.span_id),
            text: clipped.text,
            shortened: clipped.shortened,
        }
    }
}

/// A rate and its interval as places on an axis, in percent of the axis.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    /// End of the bar.
    pub(crate) rate: String,
    /// Start of the whisker.
    pub(crate) low: String,
    /// End of the whisker.
    pub(crate) high: String,
    /// Length of the whisker.
    pub(crate) reach: String,
}

/// The axis that all bars of a report share, so that they can be compared. It starts at zero.
#[derive(Debug, Serialize)]
pub(crate) struct Axis {
    #[serde(skip)]
    end: f64,
    /// Marks on the axis.
    pub(crate) ticks: Vec<Tick>,
}

/// A mark on the axis.
#[derive(Debug, Serialize)]
pub(crate) struct Tick {
    /// Where it stands, in percent of the axis.
    pub(crate) at: String,
    /// What it says.
    pub(crate) label: String,
}

impl Axis {
    /// The shortest axis out of a few round ones that holds every interval.
    pub(crate) fn holding(findings: &[Finding]) -> Self {
        const AXES: [(f64, &[f64]); 6] = [
            (0.01, &[0.0, 0.5, 1.0]),
            (0.05, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (0.1, &[0.0, 5.0, 10.0]),
            (0.25, &[0.0, 5.0, 10.0, 15.0, 20.0, 25.0]),
            (0.5, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
            (1.0, &[0.0, 25.0, 50.0, 75.0, 100.0]),
        ];
        let widest = findings.iter().map(|f| f.interval.high.max(f.rate)).fold(0.0, f64::max);
        let [.., whole] = AXES;
        let (end, marks) = AXES.into_iter().find(|(end, _)| *end >= widest).unwrap_or(whole);
        let ticks = marks.iter().map(|mark| Tick { at: place(mark / 100.0, end), label: format!("{mark} %") });
        Self { end, ticks: ticks.collect() }
    }

    fn bar(&self, finding: &Finding) -> Bar {
        let (low, high) = (finding.interval.low, finding.interval.high);
        Bar {
            rate: place(finding.rate, self.end),
            low: place(low, self.end),
            high: place(high, self.end),
            reach: place(high - low, self.end),
        }
    }
}

fn place(value: f64, end: f64) -> String {
    let percent = if value.is_nan() { 0.0 } else { (value / end).clamp(0.0, 1.0) * 100.0 };
    format!("{percent:.2}")
}

impl FindingView {
    /// The view of a finding at a place in the report, in a dataset of `total` runs.
    pub(crate) fn new(finding: &Finding, number: usize, total: u64, axis: &Axis) -> Self {
        let who = who(finding, total);
        let samples = finding.sample_trace_ids.iter().take(SAMPLES).map(|id| text::value(id));
        let more_samples = finding.affected.saturating_sub(finding.sample_trace_ids.len().min(SAMPLES) as u64);
        let more_quotes = finding.evidence.len().saturating_sub(QUOTES) as u64;
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
            handoff: handoff::text(finding, &who),
            who,
            claim: lines(&finding.claim),
            cause: lines(&finding.cause),
            fix: lines(&finding.fix),
            quotes: finding.evidence.iter().take(QUOTES).map(Quote::new).collect(),
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

/// Sentences about who is hit.
fn who(finding: &Finding, total: u64) -> Vec<Line> {
    let mut who = vec![vec![plain(rate_sentence(finding, total))]];
    who.extend(finding.outcomes.as_ref().map(|outcomes| vec![plain(outcome_sentence(outcomes))]));
    let scope = finding.scope.iter().take(SCOPES).map(|entry| scope_sentence(finding, entry));
    who.extend(scope);
    if finding.scope.is_empty() && finding.affected > 1 {
        who.push(vec![plain("It is spread evenly: no version, model or other attribute stands out.")]);
    }
    who
}

fn rate_sentence(finding: &Finding, total: u64) -> String {
    let (affected, population) = (finding.affected, finding.population);
    let out_of = if population < total {
        format!("the {} where it can happen", counted(population, "run", "runs"))
    } else {
        counted(population, "run", "runs")
    };
    let verb = if affected == 1 { "is" } else { "are" };
    let words = in_words(finding.rate).map(|words| format!(", {words}")).unwrap_or_default();
    let mut sentence = format!(
        "{} of {out_of} {verb} hit: {}{words} (95 % interval {}).",
        grouped(affected),
        percent(finding.rate, population),
        percent_range(finding.interval, population),
    );
    if population < total {
        let of_all = percent(share(affected, total), total);
        sentence.push_str(&format!(" That is {of_all} of all {}.", counted(total, "run", "runs")));
    }
    sentence
}

/// Whether it goes with failure.
fn outcome_sentence(outcomes: &OutcomeContrast) -> String {
    let part = |affected: u64, all: u64| format!("{} ({})", grouped(affected), percent(share(affected, all), all));
    format!(
        "Of the {} that failed, {} {} hit; of the {} that passed, {}.",
        counted(outcomes.failed, "run", "runs"),
        part(outcomes.failed_affected, outcomes.failed),
        if outcomes.failed_affected == 1 { "is" } else { "are" },
        grouped(outcomes.passed),
        part(outcomes.passed_affected, outcomes.passed),
    )
}

fn scope_sentence(finding: &Finding, entry: &ScopeEntry) -> Line {
    let elsewhere = entry.among.saturating_sub(entry.population);
    let affected_elsewhere = finding.affected.saturating_sub(entry.affected);
    let subject = match (entry.affected, finding.affected) {
        (1, 1) => "The one is".to_owned(),
        (2, 2) => "Both are".to_owned(),
        (hit, all) if hit >= all => format!("All {} are", grouped(hit)),
        (1, all) => format!("1 of the {} is", grouped(all)),
        (hit, all) => format!("{} of the {} are", grouped(hit), grouped(all)),
    };
    let mut details = format!("{} of {} there", grouped(entry.affected), grouped(entry.population));
    if elsewhere > 0 {
        details.push_str(&format!(", {} of {} elsewhere", grouped(affected_elsewhere), grouped(elsewhere)));
    }
    if let Some(lift) = lift(entry.lift) {
        details.push_str(&format!("; {lift}"));
    }
    if let Some(p) = p_value(entry.p_value) {
        let chance = if entry.p_value >= 0.05 { "may be chance, " } else { "" };
        details.push_str(&format!("; {chance}{p}"));
    }
    vec![
        plain(format!("{subject} on {} ", text::value(&entry.key))),
        code(&entry.value),
        plain(format!(" ({details}).")),
    ]
}

fn place_in_short(finding: &Finding) -> Line {
    match finding.scope.first() {
        None => vec![plain("spread evenly")],
        Some(entry) => vec![
            plain(format!("{} ", text::value(&entry.key))),
            code(&entry.value),
            plain(match entry.affected >= finding.affected {
                true => format!(" (all {})", grouped(finding.affected)),
                false => format!(" ({} of {})", grouped(entry.affected), grouped(finding.affected)),
            }),
        ],
    }
}
