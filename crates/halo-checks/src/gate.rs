//! The gate: a claim is measured again before it counts, whoever makes it.

use futures::FutureExt;
use futures::future::BoxFuture;
use halo_protocol::{Evidence, Finding, FindingDraft, FindingSource, Interval, OutcomeContrast};
use halo_query::{QueryError, QuoteStatus, TraceSession};
use halo_tool::{FindingGate, GateError};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use twox_hash::XxHash3_64;

use crate::catalogue::ALL_TRACES;
use crate::evidence::QUOTES_MAX;
use crate::ground::{CheckOptions, Ground};
use crate::quotes::objection;
use crate::scope::find_scope;
use crate::statistics::as_f64;
use crate::trace_index::TraceSet;
use crate::trend::trend;
use crate::{CheckError, conversation, sql};

/// Most trace ids that a finding names.
const SAMPLES_MAX: usize = 20;
/// Most problems that a refusal tells of at once.
const PROBLEMS_MAX: usize = 6;

/// Checks claims against a dataset.
pub struct Gate {
    session: TraceSession,
    options: CheckOptions,
    cancel: CancellationToken,
    /// Loaded by the first claim: a run without claims does not pay for it.
    ground: OnceCell<Ground>,
}

impl Gate {
    /// A gate on this dataset.
    #[must_use]
    pub fn new(session: TraceSession, options: CheckOptions, cancel: CancellationToken) -> Self {
        Self { session, options, cancel, ground: OnceCell::new() }
    }

    /// Affected traces and population of a finding, counted in this dataset; or why its statements do not run here.
    ///
    /// # Errors
    /// The traces can't be read, or the caller cancelled.
    pub async fn count(&self, finding: &Finding) -> Result<Result<(u64, u64), String>, CheckError> {
        let ground = self.ground().await?;
        let mut sets = Vec::new();
        for statement in [&finding.affected_sql, &finding.population_sql] {
            sets.push(match ground.traces(sql::statement(statement)).await {
                Ok((set, _)) => set,
                Err(error @ CheckError::Query(QueryError::Cancelled | QueryError::Dataset(_))) => return Err(error),
                Err(error) => return Ok(Err(told(&error))),
            });
        }
        // That all affected traces are of the population was proved on other traces.
        Ok(Ok((sets[0].overlap(&sets[1]), sets[1].len())))
    }

    pub(crate) async fn ground(&self) -> Result<&Ground, CheckError> {
        self.ground.get_or_try_init(|| Ground::load(self.session.clone(), self.options, self.cancel.clone())).await
    }
}

impl FindingGate for Gate {
    fn check(&self, mut draft: FindingDraft) -> BoxFuture<'_, Result<Finding, GateError>> {
        async move {
            // What a run saved under a name is not there when its report is read.
            let alone = |field: &str, sql: &str| {
                let alone = self.session.standing_alone(sql::statement(sql));
                alone.map_err(|error| {
                    let error = CheckError::from(error);
                    GateError::new(format!("`{field}` can't stand in a report: {}", told(&error)))
                })
            };
            if !draft.affected_sql.trim().is_empty() {
                draft.affected_sql = alone("affected_sql", &draft.affected_sql)?;
            }
            if let Some(population) = draft.population_sql.as_mut().filter(|sql| !sql.trim().is_empty()) {
                *population = alone("population_sql", population)?;
            }
            let ground = self.ground().await.map_err(|error| GateError::new(told(&error)))?;
            let id = agent_id(&draft);
            let mut finding = prove(ground, draft, id, &[]).await.map_err(GateError::new)?;
            let around = conversation::around(ground, &finding.evidence).await;
            finding.conversations =
                around.map_err(|error| GateError::new(told(&error)))?.into_iter().flatten().collect();
            Ok(finding)
        }
        .boxed()
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Measures a claim again: texts are there, both statements run and give traces, the affected ones are part of the population, and
/// every quote stands in its span. Gives the finding with the gate's own numbers, or all that is wrong with it.
///
/// `not_scope` are attribute keys that the claim is about itself.
pub(crate) async fn prove(
    ground: &Ground,
    draft: FindingDraft,
    id: String,
    not_scope: &[&str],
) -> Result<Finding, String> {
    let mut problems = missing_texts(&draft);
    let population_sql = draft
        .population_sql
        .as_deref()
        .map(sql::statement)
        .filter(|sql| !sql.is_empty())
        .unwrap_or(ALL_TRACES)
        .to_owned();
    let affected = match traces_of(ground, "affected_sql", &draft.affected_sql).await {
        Ok(set) => Some(set),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let population = match traces_of(ground, "population_sql", &population_sql).await {
        Ok(set) => Some(set),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    if let (Some(affected), Some(population)) = (&affected, &population) {
        problems.extend(outside(ground, affected, population));
    }
    problems.extend(evidence_problems(ground, &draft.evidence, affected.as_ref()).await);
    let (Some(affected), Some(population), true) = (affected, population, problems.is_empty()) else {
        return Err(refusal(problems));
    };
    Ok(finding(ground, Measured { id, draft, population_sql, affected, population }, not_scope))
}

/// A claim whose parts all hold.
struct Measured {
    id: String,
    draft: FindingDraft,
    population_sql: String,
    affected: TraceSet,
    population: TraceSet,
}

fn finding(ground: &Ground, measured: Measured, not_scope: &[&str]) -> Finding {
    let Measured { id, draft, population_sql, affected, population } = measured;
    let (hits, total) = (affected.len(), population.len());
    Finding {
        id,
        title: draft.title.trim().to_owned(),
        category: draft.category.trim().to_owned(),
        severity: draft.severity,
        claim: draft.claim.trim().to_owned(),
        cause: draft.cause.trim().to_owned(),
        fix: draft.fix.trim().to_owned(),
        affected_sql: sql::statement(&draft.affected_sql).to_owned(),
        population_sql,
        affected: hits,
        population: total,
        rate: as_f64(hits) / as_f64(total.max(1)),
        interval: Interval::wilson(hits, total),
        outcomes: contrast(ground, &affected, &population),
        scope: find_scope(&ground.index, &affected, &population, not_scope),
        evidence: draft.evidence,
        code: Vec::new(),
        trend: trend(&ground.index, &affected, &population),
        conversations: Vec::new(),
        sample_trace_ids: affected
            .numbers()
            .take(SAMPLES_MAX)
            .map(|number| ground.index.id(number).to_owned())
            .collect(),
        source: draft.source,
        verified: true,
    }
}

/// Counts among the traces that failed and those that passed; `None` unless there are both.
pub(crate) fn contrast(ground: &Ground, affected: &TraceSet, population: &TraceSet) -> Option<OutcomeContrast> {
    let of = |passed: bool| {
        let part = population.filtered(|number| ground.index.passed(number) == Some(passed));
        (part.overlap(affected), part.len())
    };
    let ((failed_affected, failed), (passed_affected, passed)) = (of(false), of(true));
    (failed > 0 && passed > 0).then_some(OutcomeContrast { failed_affected, failed, passed_affected, passed })
}

fn missing_texts(draft: &FindingDraft) -> Vec<String> {
    let texts = [
        ("title", &draft.title),
        ("category", &draft.category),
        ("claim", &draft.claim),
        ("cause", &draft.cause),
        ("fix", &draft.fix),
        ("affected_sql", &draft.affected_sql),
    ];
    let empty: Vec<&str> = texts.iter().filter(|(_, text)| text.trim().is_empty()).map(|(name, _)| *name).collect();
    match empty.as_slice() {
        [] => Vec::new(),
        [one] => vec![format!("`{one}` is empty")],
        more => vec![format!("these are empty: {}", more.join(", "))],
    }
}

/// Runs one of the two statements.
async fn traces_of(ground: &Ground, field: &str, statement: &str) -> Result<TraceSet, String> {
    let statement = sql::statement(statement);
    if statement.is_empty() {
        return Err(format!("`{field}` must be one SELECT that returns trace_id"));
    }
    let (set, unknown) =
        ground.traces(statement).await.map_err(|error| format!("`{field}` does not run: {}", told(&error)))?;
    if let Some(first) = unknown.first() {
        return Err(format!(
            "`{field}` returns {} values of trace_id that are no trace, such as `{first}`; select the column trace_id of spans or traces",
            unknown.len()
        ));
    }
    if set.len() == 0 {
        return Err(format!(
            "`{field}` returns no trace; run it with the sql tool and look at what its conditions leave out"
        ));
    }
    Ok(set)
}

/// What to say when affected traces are not part of the population.
fn outside(ground: &Ground, affected: &TraceSet, population: &TraceSet) -> Option<String> {
    let outside = affected.filtered(|number| !population.contains(number));
    let example = outside.numbers().next()?;
    Some(format!(
        "{} of the {} affected traces are not among the {} of `population_sql`, for example `{}`; widen the population or narrow `affected_sql`",
        outside.len(),
        affected.len(),
        population.len(),
        ground.index.id(example)
    ))
}

async fn evidence_problems(ground: &Ground, evidence: &[Evidence], affected: Option<&TraceSet>) -> Vec<String> {
    if evidence.is_empty() {
        return vec!["there is no evidence; give at least one quote from a span of an affected trace".to_owned()];
    }
    let mut problems = Vec::new();
    let statuses = match ground.session.find_quotes(evidence).await {
        Ok(statuses) => statuses,
        Err(error) => {
            return vec![format!("the evidence can't be looked up: {}", told(&error.into()))];
        }
    };
    for (item, status) in evidence.iter().zip(&statuses) {
        if item.quote.trim().is_empty() {
            problems.push(format!("the quote for span `{}` of trace `{}` is empty", item.span_id, item.trace_id));
            continue;
        }
        match objection(ground, item, status).await {
            Ok(None) => {}
            Ok(Some(problem)) => problems.push(problem),
            Err(error) => problems.push(told(&error)),
        }
        let number = ground.index.number(&item.trace_id);
        if *status == QuoteStatus::Found
            && let (Some(affected), Some(number)) = (affected, number)
            && !affected.contains(number)
        {
            problems.push(format!(
                "trace `{}` is quoted and is not among the {} traces of `affected_sql`; quote affected traces, or mend the statement",
                item.trace_id,
                affected.len()
            ));
        }
    }
    problems
}

/// One text of all problems.
fn refusal(mut problems: Vec<String>) -> String {
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    if more > 0 {
        problems.push(format!("and {more} more like these"));
    }
    match problems.as_slice() {
        [one] => one.clone(),
        _ => format!("several things are wrong:\n- {}", problems.join("\n- ")),
    }
}

/// An error with what to do about it.
pub(crate) fn told(error: &CheckError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// Drops the quotes that do not stand in their spans, and caps the rest.
pub(crate) async fn standing_only(
    ground: &Ground,
    evidence: Vec<Evidence>,
) -> Result<(Vec<Evidence>, usize), CheckError> {
    let statuses = ground.session.find_quotes(&evidence).await?;
    let offered = evidence.len();
    let standing: Vec<Evidence> = evidence
        .into_iter()
        .zip(statuses)
        .filter(|(_, status)| *status == QuoteStatus::Found)
        .map(|(item, _)| item)
        .collect();
    let dropped = offered - standing.len();
    Ok((standing.into_iter().take(QUOTES_MAX).collect(), dropped))
}

/// Id of a check's finding: the check and its subject, so that it is the same in every run on every dataset.
pub(crate) fn check_id(name: &str, subject: &str) -> String {
    id_of(&format!("check\u{1f}{name}\u{1f}{subject}"))
}

/// Id of an agent's finding: its category and the words of its title, in any order and spelling, without counts. Two runs that title
/// one fault nearly alike give it one id.
fn agent_id(draft: &FindingDraft) -> String {
    const SMALL: &[&str] =
        &["a", "an", "the", "of", "in", "on", "to", "and", "or", "is", "are", "with", "for", "by", "that"];
    let lower = format!("{} {}", draft.category, draft.title).to_lowercase();
    let mut words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !SMALL.contains(word) && !word.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    words.sort_unstable();
    words.dedup();
    let by = match &draft.source {
        FindingSource::Check { .. } => "check",
        FindingSource::Agent { .. } => "agent",
    };
    id_of(&format!("{by}\u{1f}{}", words.join(" ")))
}

fn id_of(text: &str) -> String {
    format!("{:012x}", XxHash3_64::oneshot(text.as_bytes()) >> 16)
}
