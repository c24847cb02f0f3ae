//! Running the catalogue over a dataset.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::StreamExt as _;
use halo_protocol::{CheckOutcome, Evidence, Finding, FindingDraft, FindingSource, RefusedFinding, Untold};
use halo_query::{QueryError, TraceSession};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::candidate::{Candidate, SUBJECTS_MAX, main_subjects, not_scope, single, whole};
use crate::catalogue::Check;
use crate::evidence::{Hit, QUOTES_MAX, choose};
use crate::gate::{check_id, prove, standing_only};
use crate::ground::{CheckOptions, Ground};
use crate::look::{Hits, PART_SPANS_MAX, is_for_want_of_memory, look, look_alone};
use crate::scope::{Group, groups};
use crate::statistics::as_f64;
use crate::trace_index::TraceSet;
use crate::words::{Filling, code};
use crate::{CheckError, conversation, sql};

/// Share of the affected traces, in tenths, that groups must hold to be told each by itself.
const SPLIT_TENTHS: u64 = 6;
/// Most examples of matches below the threshold.
const ONE_OFFS_MAX: usize = 3;
/// Share of a finding's traces, in tenths, that earlier findings must hold for it to be the same fault again.
const COVERED_TENTHS: u64 = 6;
/// The same of a symptom that any fault may have.
const SYMPTOM_TENTHS: u64 = 4;

/// What the checks gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Each check and what came of it, in the order of the catalogue.
    pub outcomes: Vec<CheckOutcome>,
    /// Findings that did not pass the gate.
    pub refused: Vec<RefusedFinding>,
    /// Distinct traces that the findings hit together.
    #[serde(default)]
    pub traces_hit: u64,
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
    run_in_parts(checks, session, options, (cancel, PART_SPANS_MAX)).await
}

/// The same with parts of about so many spans.
async fn run_in_parts(
    checks: &[Check],
    session: &TraceSession,
    options: CheckOptions,
    (cancel, spans_max): (&CancellationToken, u64),
) -> Result<CheckReport, CheckError> {
    let ground = Ground::load(session.clone(), options, cancel.clone()).await?;
    let mut run = Run {
        ground: &ground,
        done: Vec::new(),
        report: CheckReport {
            findings: Vec::new(),
            outcomes: Vec::new(),
            refused: Vec::new(),
            traces_hit: 0,
            quotes_dropped: 0,
        },
    };
    let mut ahead = look(checks, &ground, spans_max).await?;
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
    let hit = run.done.iter().flat_map(|(_, _, traces)| traces.numbers());
    run.report.traces_hit = ground.index.set_of(&hit.collect::<Vec<_>>()).len();
    let mut report = run.report;
    add_conversations(&ground, &mut report.findings).await?;
    report.findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.affected.cmp(&a.affected)).then(a.id.cmp(&b.id)));
    Ok(report)
}

/// Adds what was said around the quotes, of all findings at once.
async fn add_conversations(ground: &Ground, findings: &mut [Finding]) -> Result<(), CheckError> {
    let quotes: Vec<Evidence> = findings.iter().flat_map(|finding| finding.evidence.clone()).collect();
    let mut all = conversation::around(ground, &quotes).await?.into_iter();
    for finding in findings {
        finding.conversations = all.by_ref().take(finding.evidence.len()).flatten().collect();
    }
    Ok(())
}

/// A run of the catalogue, as far as it has come.
struct Run<'a> {
    ground: &'a Ground,
    /// Findings so far: name and category of the check, and the traces.
    done: Vec<(String, String, TraceSet)>,
    report: CheckReport,
}

/// Whether a candidate is a finding.
enum Verdict {
    Systemic,
    /// In these groups of traces, each by itself.
    Concentrated(Vec<Group>),
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
        let found = match found {
            // It may have had to share the memory with others.
            Some(Err(error)) if is_for_want_of_memory(&error) => look_alone(check, self.ground).await,
            Some(found) => found,
            None => look_alone(check, self.ground).await,
        };
        let outcome = match found {
            Ok(hits) => self.check(check, &hits).await,
            Err(error) => Err(error),
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
        let mut is_told = false;
        for candidate in self.candidates(check, hits).await? {
            match self.verdict(check, &candidate).await? {
                Verdict::Covered => is_told = true,
                Verdict::Rare => rare.extend(candidate.hits),
                Verdict::Systemic => {
                    outcome.findings += u64::from(self.report_candidate(check, candidate, !found.is_cut).await?);
                }
                Verdict::Concentrated(groups) => {
                    for group in groups {
                        let narrowed = candidate.narrowed(group, &self.ground.index);
                        outcome.findings += u64::from(self.report_candidate(check, narrowed, !found.is_cut).await?);
                    }
                }
            }
        }
        let (one_offs, dropped) = standing_only(self.ground, choose(&rare, ONE_OFFS_MAX)).await?;
        self.report.quotes_dropped += dropped;
        outcome.one_offs = one_offs;
        outcome.untold = match outcome.findings {
            0 if is_told => Some(Untold::ToldElsewhere),
            0 if check.min_rate.is_infinite() => Some(Untold::NoGroup),
            0 => Some(Untold::TooFew),
            _ => None,
        };
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
                Verdict::Systemic | Verdict::Concentrated(_) | Verdict::Covered => passing.push(candidate),
            }
        }
        // Groups of runs are looked for in each subject by itself.
        let only_groups = check.min_rate.is_infinite();
        let (main, others) = main_subjects(check, passing, hits);
        let has_main = !main.is_empty();
        if only_groups || has_main && others.len() + main.len() > SUBJECTS_MAX {
            rest.extend(others.into_iter().flat_map(|candidate| candidate.hits));
            passing = main;
        } else {
            passing = [main, others].concat();
        }
        if only_groups {
            passing.extend((!rest.is_empty()).then(|| whole(check, rest)));
            return Ok(passing);
        }
        if passing.len() > SUBJECTS_MAX {
            return Ok(vec![whole(check, hits.iter().collect())]);
        }
        if !rest.is_empty() {
            let subjects: BTreeSet<_> = rest.iter().map(|hit| hit.subject.as_deref()).collect();
            let mut candidate = whole(check, rest);
            let is_everywhere =
                subjects.len() > SUBJECTS_MAX && !matches!(self.verdict(check, &candidate).await?, Verdict::Rare);
            if is_everywhere && !has_main {
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
        if affected.len() < self.traces_min(check)
            || is_rest
                && !check.together
                && (check.min_rate.is_infinite() || subjects.len() <= SUBJECTS_MAX && !check.group_rest)
        {
            return Ok(Verdict::Rare);
        }
        let (population, _) = self.ground.traces(&candidate.population_sql).await?;
        let rate = as_f64(affected.overlap(&population)) / as_f64(population.len().max(1));
        let is_frequent = rate >= check.min_rate;
        if is_frequent && self.is_covered(check, &affected) {
            return Ok(Verdict::Covered);
        }
        if !is_frequent && check.min_rate_with_scope.is_none_or(|min_rate| rate < min_rate) {
            return Ok(Verdict::Rare);
        }
        let not: Vec<&str> = check.not_scope.iter().map(String::as_str).chain(["tool_name"]).collect();
        let mut found = groups(&self.ground.index, &affected, &population, (&not, self.traces_min(check)));
        if is_frequent {
            // Groups of different kinds that hold most of it are different causes of one symptom.
            let held = affected.filtered(|number| found.iter().any(|group| group.traces.contains(number)));
            let kinds: BTreeSet<_> = found.iter().map(Group::kind).collect();
            if kinds.len() < 2 || held.len() * 10 < affected.len() * SPLIT_TENTHS {
                return Ok(Verdict::Systemic);
            }
        } else if found.is_empty() {
            return Ok(Verdict::Rare);
        }
        found.retain(|group| !self.is_covered(check, &affected.both(&group.traces)));
        Ok(if found.is_empty() { Verdict::Covered } else { Verdict::Concentrated(found) })
    }

    /// Fewest traces that make a finding: a few more among many runs, where something happens to a few by chance.
    fn traces_min(&self, check: &Check) -> u64 {
        let doublings = u64::from(self.ground.index.len().max(1).ilog2());
        check.min_traces.max(doublings / 2)
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
        let tenths =
            if check.covered_by.iter().any(|earlier| earlier == "*") { SYMPTOM_TENTHS } else { COVERED_TENTHS };
        covered.overlap(affected) * 10 >= affected.len() * tenths
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
                if let Some(first) = candidate.scope.first() {
                    finding.scope.clone_from(&candidate.scope);
                    // Findings of one check are told apart by their groups.
                    finding.title = format!("{} ({} {})", finding.title, first.key, code(&first.value));
                }
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
        untold: None,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use halo_query::SessionOptions;
    use halo_testkit::{TestSpan, dataset_of_segments};

    use super::*;
    use crate::catalogue::built_in_checks;

    /// A run in which a tool times out, the model passes over it, and is asked again with a placeholder left in its prompt.
    fn run(id: &str, release: &str) -> Vec<TestSpan> {
        let spans = [
            TestSpan::agent(id, "root")
                .name("support")
                .input("Please refund my order.")
                .attribute("release", release)
                .duration_ms(9000),
            TestSpan::llm(id, "a").parent("root").tokens(500, 20).asks_for(
                "c1",
                "issue_refund",
                serde_json::json!({"order": "A-7"}),
            ),
            TestSpan::tool(id, "b")
                .parent("root")
                .tool_name("issue_refund")
                .input(r#"{"order":"A-7"}"#)
                .output(if release == "2" { "Error: timed out after 30s" } else { r#"{"status":"refunded"}"# }),
            TestSpan::llm(id, "c").parent("root").tokens(500, 20).output("Your refund is on its way."),
        ];
        spans.into_iter().enumerate().map(|(at, span)| span.start_ms(i64::try_from(at).unwrap() * 1000)).collect()
    }

    #[tokio::test]
    async fn a_dataset_in_parts_gives_what_it_gives_as_a_whole() {
        let runs: Vec<Vec<TestSpan>> =
            (0..40).map(|n| run(&format!("run-{n:02}"), if n % 4 == 0 { "2" } else { "1" })).collect();
        let (one, other) = runs.split_at(17);
        let mut first: Vec<TestSpan> = one.concat();
        // The last run of the first segment goes on in the second.
        let rest = first.split_off(first.len() - 2);
        let second: Vec<TestSpan> = rest.into_iter().chain(other.concat()).collect();
        let (_folder, dataset) = dataset_of_segments(&[&first, &second]);
        assert!(dataset.straddle_trace_file().is_some());
        let session = SessionOptions { threads: 2, memory_bytes: 256 << 20 };
        let session = TraceSession::open(&dataset, session).await.unwrap();
        let options = CheckOptions { time_max: Duration::from_secs(60), deadline: None };
        let checks = built_in_checks().unwrap();
        let cancel = CancellationToken::new();
        let whole = run_in_parts(&checks, &session, options, (&cancel, u64::MAX)).await.unwrap();
        let parts = run_in_parts(&checks, &session, options, (&cancel, 60)).await.unwrap();
        assert_eq!(session.parts(60).await.unwrap().len(), 3, "two segments, and what stands in both");
        assert_eq!(whole, parts);
        let titles: Vec<&str> = whole.findings.iter().map(|finding| finding.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "The answer passes over a failure of `issue_refund`",
                "Calls of `issue_refund` time out, and runs do not recover"
            ]
        );
        assert_eq!((whole.findings[0].affected, whole.findings[0].scope[0].value.as_str()), (10, "2"));
    }
}
