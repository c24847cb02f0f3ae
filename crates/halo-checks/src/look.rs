//! Looking for what checks are about: their rows, a few checks at once, and a large dataset part by part.

use std::collections::HashMap;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use halo_query::{LimitKind, QueryError, QueryResult, TraceSession};

use crate::CheckError;
use crate::catalogue::Check;
use crate::evidence::Hit;
use crate::ground::{Ground, column};
use crate::shared::Tables;

/// Checks that are looked for at once.
const AT_ONCE: usize = 3;
/// Spans of a part. What a check sorts and joins of so many fits into the memory of a small machine.
pub(crate) const PART_SPANS_MAX: u64 = 250_000;
/// Hits of a subject that keep their quotes: far more than are ever shown.
const QUOTED_MAX: usize = 500;

/// The rows of a check.
#[derive(Default)]
pub(crate) struct Hits {
    pub(crate) hits: Vec<Hit>,
    /// Whether something was left out.
    pub(crate) is_cut: bool,
}

/// What came of looking for each check, in their order. A dataset that is one part gives them as they are found, so that the first are judged
/// meanwhile.
pub(crate) async fn look<'a>(
    checks: &'a [Check],
    ground: &'a Ground,
    spans_max: u64,
) -> Result<BoxStream<'a, Result<Hits, CheckError>>, CheckError> {
    let (whole, made) = ground.with_tables(&ground.session, checks, Tables::OfAll).await?;
    let parts = whole.parts(spans_max).await?;
    if let [part] = parts.as_slice() {
        let part = Part::of(ground, part, checks, &made).await?;
        let look = move |check: &'a Check| {
            let part = part.clone();
            async move {
                let (hits, population) = futures::join!(part.hits(ground, check), population(ground, check));
                population?;
                hits
            }
        };
        return Ok(stream::iter(checks).map(look).buffered(AT_ONCE).boxed());
    }
    let mut found: Vec<Result<Hits, CheckError>> = checks.iter().map(|_| Ok(Hits::default())).collect();
    for part in &parts {
        let part = Part::of(ground, part, checks, &made).await?;
        let mut of_part = stream::iter(checks).map(|check| part.hits(ground, check)).buffered(AT_ONCE);
        for (check, found) in checks.iter().zip(&mut found) {
            let Some(more) = of_part.next().await else { break };
            match more {
                Err(CheckError::Query(QueryError::Cancelled)) => return Err(QueryError::Cancelled.into()),
                Err(error) if is_for_want_of_memory(&error) => take(found, part.hits(ground, check).await),
                more => take(found, more),
            }
        }
    }
    Ok(stream::iter(found).boxed())
}

/// Adds what a part gave. What failed in one part has failed.
fn take(found: &mut Result<Hits, CheckError>, more: Result<Hits, CheckError>) {
    match (found.as_mut(), more) {
        (Ok(found), Ok(more)) => {
            found.is_cut |= more.is_cut;
            found.hits.extend(more.hits);
            keep_quotes(&mut found.hits);
        }
        (Ok(_), Err(error)) => *found = Err(error),
        (Err(_), _) => {}
    }
}

/// Whether a statement may run when it has the memory for itself.
pub(crate) fn is_for_want_of_memory(error: &CheckError) -> bool {
    matches!(error, CheckError::Query(QueryError::Limit { kind: LimitKind::Memory, .. }))
}

/// What a check gives on the whole dataset, with nothing beside it.
pub(crate) async fn look_alone(check: &Check, ground: &Ground) -> Result<Hits, CheckError> {
    hits(&ground.hits(&ground.session, check, &[]).await?)
}

/// Kept, and asked for again when the hits are judged.
async fn population(ground: &Ground, check: &Check) -> Result<(), CheckError> {
    if check.population_sql.contains("{subject}") {
        return Ok(());
    }
    ground.traces(&check.population_sql).await.map(drop)
}

/// A part of the dataset.
#[derive(Clone)]
struct Part {
    session: TraceSession,
    /// Pieces that are tables in it.
    made: Vec<&'static str>,
}

impl Part {
    async fn of(
        ground: &Ground,
        session: &TraceSession,
        checks: &[Check],
        of_all: &[&'static str],
    ) -> Result<Self, CheckError> {
        let (session, of_traces) = ground.with_tables(session, checks, Tables::OfTraces).await?;
        Ok(Self { session, made: [of_all, &of_traces].concat() })
    }

    async fn hits(&self, ground: &Ground, check: &Check) -> Result<Hits, CheckError> {
        hits(&ground.hits(&self.session, check, &self.made).await?)
    }
}

fn hits(result: &QueryResult) -> Result<Hits, CheckError> {
    let (trace_ids, span_ids) = (column(result, "trace_id")?, column(result, "span_id")?);
    let quotes = column(result, "quote")?;
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
    keep_quotes(&mut hits);
    Ok(Hits { is_cut: result.truncated || hits.len() < rows, hits })
}

/// Puts hits in order, and keeps the quotes of the first of each subject.
fn keep_quotes(hits: &mut [Hit]) {
    hits.sort_unstable();
    let mut quoted: HashMap<Option<String>, usize> = HashMap::new();
    for hit in hits {
        let Some(count) = quoted.get_mut(&hit.subject) else {
            quoted.insert(hit.subject.clone(), 1);
            continue;
        };
        *count += 1;
        if *count > QUOTED_MAX {
            hit.quote = String::new();
        }
    }
}
