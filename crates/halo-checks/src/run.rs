//! Running the catalogue over a dataset.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::StreamExt as _;
use futures::stream;
use halo_protocol::{CheckOutcome, Evidence, Finding, FindingDraft, FindingSource, RefusedFinding};
use halo_query::{LimitKind, QueryError, TraceSession};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::catalogue::{ALL_TRACES, Check};
use crate::evidence::{Hit, QUOTES_MAX, choose};
use crate::gate::{check_id, prove, standing_only};
use crate::ground::{CheckOptions, Ground, column};
use crate::scope::find_scope;
use crate::statistics::as_f64;
use crate::trace_index::TraceSet;
use crate::words::{Filling, code};
use crate::{CheckError, sql};

/// Checks that are looked for at once.
const AT_ONCE: usize = 3;
/// Above this many subjects with the same fault, the fault is not theirs: one finding tells of all.
const SUBJECTS_MAX: usize = 3;
/// Subjects that a finding about several names.
const SUBJECTS_NAMED: usize = 3;
/// Most examples of matches below the threshold.
const ONE_OFFS_MAX: usize = 3;
/// What a scope must be like to make a rate below `min_rate` a finding. The tools that a run used are what it did and not what it
/// was given: runs that end in a hand-over to people always have that in common.
const TELLING_LIFT: f64 = 2.0;
const TELLING_P_VALUE: f64 = 0.001;
/// Share of a finding's traces, in tenths, that earlier findings must hold for it to be the same fault again.
const COVERED_TENTHS: u64 = 6;

/// What the checks gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Each check and what came of it, in the order of the catalogue.
    pub outcomes: Vec<CheckOutcome>,
    /// Findings that did not pass the gate.
    pub refused: Vec<RefusedFinding>,
    /// Quotes that did not stand in their spans and were left out.
    pub quotes_dropped: usize,
}

/// Runs these checks, in their order. A check that fails is an outcome with an error; the others go on.
///
/// # Errors
/// The traces can't be read at all, or the caller cancelled.
pub async fn run_checks(
    checks: &[Check],
    session: &TraceSession,
    options: CheckOptions,
    cancel: &CancellationToken,
) -> Result<CheckReport, CheckError> {
    let mut ground = Ground::load(session.clone(), options, cancel.clone()).await?;
    ground.share(checks).await?;
    let mut run = Run {
        ground: &ground,
        done: Vec::new(),
        report: CheckReport { findings: Vec::new(), outcomes: Vec::new(), refused: Vec::new(), quotes_dropped: 0 },
    };
    let mut ahead = std::pin::pin!(stream::iter(checks).map(|check| Hits::of(check, &ground)).buffered(AT_ONCE));
    let mut waiting = VecDeque::new();
    for check in checks {
        let found = match waiting.pop_front() {
            Some(found) => Some(found),
            None => ahead.next().await,
        };
        let outcome = {
            let mut judged = std::pin::pin!(run.judge(check, found));
            // The next ones are looked for meanwhile: judging plans many small statements, and leaves the engine idle in between.
            loop {
                tokio::select! {
                    biased;
                    outcome = &mut judged => break outcome?,
                    // All of them: a query that is not taken on goes on in time.
                    Some(found) = ahead.next() => waiting.push_back(found),
                }
            }
        };
        run.report.outcomes.push(outcome);
    }
    let mut report = run.report;
    report.findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.affected.cmp(&a.affected)).then(a.id.cmp(&b.id)));
    Ok(report)
}

/// A run of the catalogue, as far as it has come.
struct Run<'a> {
    ground: &'a Ground,
    /// Findings so far: name and category of the check, and the traces.
    done: Vec<(String, String, TraceSet)>,
    report: CheckReport,
}

/// The rows of a check.
struct Hits {
    hits: Vec<Hit>,
    /// Whether nothing was left out.
    are_all: bool,
}

impl Hits {
    async fn of(check: &Check, ground: &Ground) -> Result<Self, CheckError> {
        let population = async {
            if check.population_sql.contains("{subject}") {
                return Ok(());
            }
            // Kept, and asked for again when the hits are judged.
            ground.traces(&check.population_sql).await.map(drop)
        };
        let (result, population) = futures::join!(ground.hits(check), population);
        let result = result?;
        population?;
        let trace_ids = column(&result, "trace_id")?;
        let span_ids = column(&result, "span_id")?;
        let quotes = column(&result, "quote")?;
        let subjects = result.texts("subject").unwrap_or_else(|| vec![None; trace_ids.len()]);
        let rows = trace_ids.len();
        let mut hits: Vec<Hit> = trace_ids
            .into_iter()
            .zip(span_ids)
            .zip(quotes.into_iter().zip(subjects))
            .filter_map(|((trace_id, span_id), (quote, subject))| {
                Some(Hit { trace_id: trace_id?, span_id: span_id?, quote: quote.unwrap_or_default(), subject })
            })
            .collect();
        hits.sort_unstable();
        Ok(Self { are_all: !result.truncated && hits.len() == rows, hits })
    }
}

/// Some of a check's hits that may be a finding.
struct Candidate<'a> {
    /// Subject for people; empty when the check has none.
    subject: String,
    /// Part of the id.
    key: String,
    affected_sql: String,
    population_sql: String,
    hits: Vec<&'a Hit>,
    has_subject: bool,
}

/// Whether a candidate is a finding.
enum Verdict {
    Systemic,
    Rare,
    Covered,
}

impl Run<'_> {
    /// What comes of a check; one that fails is an outcome, too.
    async fn judge(
        &mut self,
        check: &Check,
        found: Option<Result<Hits, CheckError>>,
    ) -> Result<CheckOutcome, CheckError> {
        let outcome = match found {
            // It may have had to share the memory with others.
            None | Some(Err(CheckError::Query(QueryError::Limit { kind: LimitKind::Memory, .. }))) => {
                match Hits::of(check, self.ground).await {
                    Ok(hits) => self.check(check, &hits).await,
                    Err(error) => Err(error),
                }
            }
            Some(Ok(hits)) => self.check(check, &hits).await,
            Some(Err(error)) => Err(error),
        };
        match outcome {
            Err(error @ CheckError::Query(QueryError::Cancelled)) => Err(error),
            Err(error) => Ok(CheckOutcome { error: Some(error.to_string()), ..empty_outcome(check) }),
            Ok(outcome) => Ok(outcome),
        }
    }

    /// Runs one check: 1. the hits; 2. the candidates among them, by subject; 3. those above their threshold that no earlier finding
    /// covers, through the gate; 4. examples of the rest.
    async fn check(&mut self, check: &Check, found: &Hits) -> Result<CheckOutcome, CheckError> {
        let hits = &found.hits;
        let (all, _) = self.ground.index.set(hits.iter().map(|hit| hit.trace_id.as_str()));
        let mut outcome = CheckOutcome { affected: all.len(), ..empty_outcome(check) };
        let whole_population = if check.population_sql.contains("{subject}") {
            self.ground.index.all()
        } else {
            self.ground.traces(&check.population_sql).await?.0
        };
        outcome.population = whole_population.len();
        if hits.is_empty() {
            return Ok(outcome);
        }
        let mut rare: Vec<&Hit> = Vec::new();
        for candidate in self.candidates(check, hits).await? {
            match self.verdict(check, &candidate).await? {
                Verdict::Covered => {}
                Verdict::Rare => rare.extend(candidate.hits),
                Verdict::Systemic => {
                    outcome.findings += u64::from(self.report_candidate(check, candidate, found.are_all).await?);
                }
            }
        }
        let (one_offs, dropped) = standing_only(self.ground, choose(&rare, ONE_OFFS_MAX)).await?;
        self.report.quotes_dropped += dropped;
        outcome.one_offs = one_offs;
        Ok(outcome)
    }

    /// One candidate for each subject; one for all when the fault is not theirs, and one for the rest where the check says that rare
    /// subjects belong together.
    async fn candidates<'h>(&self, check: &Check, hits: &'h [Hit]) -> Result<Vec<Candidate<'h>>, CheckError> {
        let mut by_subject: BTreeMap<Option<&str>, Vec<&Hit>> = BTreeMap::new();
        for hit in hits {
            by_subject.entry(hit.subject.as_deref()).or_default().push(hit);
        }
        if check.together || by_subject.keys().all(Option::is_none) {
            return Ok(vec![whole(check, hits.iter().collect())]);
        }
        let mut passing = Vec::new();
        let mut rest = Vec::new();
        for (subject, hits) in by_subject {
            let Some(subject) = subject else {
                rest.extend(hits);
                continue;
            };
            let candidate = single(check, subject, hits);
            match self.verdict(check, &candidate).await? {
                Verdict::Rare => rest.extend(candidate.hits),
                Verdict::Systemic | Verdict::Covered => passing.push(candidate),
            }
        }
        if passing.len() > SUBJECTS_MAX {
            return Ok(vec![whole(check, hits.iter().collect())]);
        }
        if !rest.is_empty() {
            let subjects: BTreeSet<_> = rest.iter().map(|hit| hit.subject.as_deref()).collect();
            let mut candidate = whole(check, rest);
            let is_everywhere =
                subjects.len() > SUBJECTS_MAX && !matches!(self.verdict(check, &candidate).await?, Verdict::Rare);
            if is_everywhere {
                return Ok(vec![whole(check, hits.iter().collect())]);
            }
            if !passing.is_empty() {
                let named = sql::list(passing.iter().map(|candidate| candidate.key.as_str()));
                candidate.affected_sql =
                    sql::distinct_traces(&check.sql, Some(&format!("subject IS NULL OR subject NOT IN {named}")));
                candidate.key = "others".to_owned();
            }
            passing.push(candidate);
        }
        Ok(passing)
    }

    async fn verdict(&self, check: &Check, candidate: &Candidate<'_>) -> Result<Verdict, CheckError> {
        let (affected, _) = self.ground.index.set(candidate.hits.iter().map(|hit| hit.trace_id.as_str()));
        let is_rest = !candidate.has_subject && candidate.hits.iter().any(|hit| hit.subject.is_some());
        let subjects: BTreeSet<_> = candidate.hits.iter().map(|hit| hit.subject.as_deref()).collect();
        if affected.len() < check.min_traces
            || (is_rest && subjects.len() <= SUBJECTS_MAX && !check.group_rest && !check.together)
        {
            return Ok(Verdict::Rare);
        }
        let (population, _) = self.ground.traces(&candidate.population_sql).await?;
        let rate = as_f64(affected.overlap(&population)) / as_f64(population.len().max(1));
        let systemic = rate >= check.min_rate
            || check.min_rate_with_scope.is_some_and(|min_rate| {
                rate >= min_rate
                    && find_scope(&self.ground.index, &affected, &population, &["tool_name"])
                        .iter()
                        .any(|entry| entry.lift >= TELLING_LIFT && entry.p_value < TELLING_P_VALUE)
            });
        Ok(if !systemic {
            Verdict::Rare
        } else if self.is_covered(check, &affected) {
            Verdict::Covered
        } else {
            Verdict::Systemic
        })
    }

    /// Whether most of these traces are in findings of the checks that go first.
    fn is_covered(&self, check: &Check, affected: &TraceSet) -> bool {
        let goes_first = |name: &str, category: &str| {
            check
                .covered_by
                .iter()
                .any(|earlier| earlier == name || (earlier == "*" && !matches!(category, "telemetry" | "cost")))
        };
        let mut covered = self.ground.index.none();
        for (_, _, traces) in self.done.iter().filter(|(name, category, _)| goes_first(name, category)) {
            for number in traces.numbers() {
                covered.insert(number);
            }
        }
        covered.overlap(affected) * 10 >= affected.len() * COVERED_TENTHS
    }

    /// Puts a candidate through the gate. Tells whether it passed.
    async fn report_candidate(
        &mut self,
        check: &Check,
        candidate: Candidate<'_>,
        are_all: bool,
    ) -> Result<bool, CheckError> {
        let (affected, unknown) = self.ground.index.set(candidate.hits.iter().map(|hit| hit.trace_id.as_str()));
        if are_all && unknown.is_empty() {
            // The statement has just run; what stands around it here only names a subject.
            self.ground.note(sql::statement(&candidate.affected_sql), &affected);
        }
        // Twice as many as are shown, so that there are enough when some do not stand.
        let (evidence, dropped) = standing_only(self.ground, choose(&candidate.hits, QUOTES_MAX * 2)).await?;
        self.report.quotes_dropped += dropped;
        let not_scope = not_scope(check, &candidate);
        let id = check_id(&check.name, &candidate.key);
        let draft = draft(check, &candidate, evidence);
        let title = draft.title.clone();
        match prove(self.ground, draft, id, not_scope).await {
            Ok(mut finding) => {
                fill(&mut finding, check, &candidate.subject);
                self.done.push((check.name.clone(), check.category.clone(), affected));
                self.report.findings.push(finding);
                Ok(true)
            }
            Err(reason) => {
                self.report.refused.push(RefusedFinding { title, reason });
                Ok(false)
            }
        }
    }
}

/// Attributes in which it tells nothing that a finding concentrates: the tools of a run whose tool is the subject, or whose spans were lost.
fn not_scope(check: &Check, candidate: &Candidate<'_>) -> &'static [&'static str] {
    if candidate.has_subject || check.category == "telemetry" { &["tool_name"] } else { &[] }
}

fn single<'h>(check: &Check, subject: &str, hits: Vec<&'h Hit>) -> Candidate<'h> {
    let literal = sql::literal(subject);
    Candidate {
        subject: code(subject),
        key: subject.to_owned(),
        affected_sql: sql::distinct_traces(&check.sql, Some(&format!("subject = {literal}"))),
        population_sql: check.population_sql.replace("{subject}", &literal),
        hits,
        has_subject: true,
    }
}

/// A candidate of all these hits, whatever their subjects.
fn whole<'h>(check: &Check, hits: Vec<&'h Hit>) -> Candidate<'h> {
    let subjects: BTreeSet<&str> = hits.iter().filter_map(|hit| hit.subject.as_deref()).collect();
    let mut named: Vec<String> = subjects.iter().take(SUBJECTS_NAMED).map(|subject| code(subject)).collect();
    if subjects.len() > SUBJECTS_NAMED {
        named.push(format!("{} more", subjects.len() - SUBJECTS_NAMED));
    }
    let population_sql = if check.population_sql.contains("{subject}") { ALL_TRACES } else { &check.population_sql };
    Candidate {
        subject: joined(&named),
        key: String::new(),
        affected_sql: sql::distinct_traces(&check.sql, None),
        population_sql: population_sql.to_owned(),
        hits,
        has_subject: false,
    }
}

/// `a, b and c`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn draft(check: &Check, candidate: &Candidate<'_>, evidence: Vec<Evidence>) -> FindingDraft {
    FindingDraft {
        title: check.title.replace("{subject}", &candidate.subject),
        category: check.category.clone(),
        severity: check.severity,
        claim: check.claim.clone(),
        cause: check.cause.clone(),
        fix: check.fix.clone(),
        affected_sql: candidate.affected_sql.clone(),
        population_sql: Some(candidate.population_sql.clone()),
        evidence,
        source: FindingSource::Check { name: check.name.clone() },
    }
}

/// Fills the numbers that the gate counted into the texts.
fn fill(finding: &mut Finding, check: &Check, subject: &str) {
    let filling = Filling { subject, affected: finding.affected, population: finding.population, rate: finding.rate };
    finding.title = filling.fill(&check.title);
    finding.claim = filling.fill(&check.claim);
    finding.cause = filling.fill(&check.cause);
    finding.fix = filling.fill(&check.fix);
}

fn empty_outcome(check: &Check) -> CheckOutcome {
    CheckOutcome {
        name: check.name.clone(),
        title: check.heading.clone(),
        affected: 0,
        population: 0,
        findings: 0,
        one_offs: Vec::new(),
        error: None,
    }
}
