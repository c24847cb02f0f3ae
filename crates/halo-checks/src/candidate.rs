//! Some of a check's hits that may be a finding: those of one subject, of all, or of a group of runs.

use std::collections::BTreeSet;

use halo_protocol::ScopeEntry;

use crate::catalogue::{ALL_TRACES, Check};
use crate::evidence::Hit;
use crate::scope::Group;
use crate::sql;
use crate::trace_index::TraceIndex;
use crate::words::code;

/// Above this many subjects with the same fault, the fault is not theirs: one finding tells of all.
pub(crate) const SUBJECTS_MAX: usize = 3;
/// Subjects that a finding about several names.
const SUBJECTS_NAMED: usize = 3;
/// A subject with this share of the affected traces, in tenths, is told by itself, however many others there are.
const MAIN_TENTHS: u64 = 2;
/// When more subjects than this have such a share, it is no subject's own.
const MAIN_MAX: usize = 2;

/// Some of a check's hits that may be a finding.
#[derive(Clone)]
pub(crate) struct Candidate<'a> {
    /// Subject for people; empty when the check has none.
    pub(crate) subject: String,
    /// Part of the id.
    pub(crate) key: String,
    pub(crate) affected_sql: String,
    pub(crate) population_sql: String,
    pub(crate) hits: Vec<&'a Hit>,
    pub(crate) has_subject: bool,
    /// What its traces have in common, where it is about those that have.
    pub(crate) scope: Vec<ScopeEntry>,
}

impl<'a> Candidate<'a> {
    /// The part of it that is of a group.
    pub(crate) fn narrowed(&self, group: Group, index: &TraceIndex) -> Self {
        let is_in = |hit: &&&Hit| index.number(&hit.trace_id).is_some_and(|number| group.traces.contains(number));
        let hits: Vec<&Hit> = self.hits.iter().filter(is_in).copied().collect();
        Self {
            subject: if self.has_subject { self.subject.clone() } else { named(&hits) },
            key: format!("{}\u{1f}{}", self.key, group.key()),
            affected_sql: sql::within_traces(&self.affected_sql, &group.condition()),
            population_sql: self.population_sql.clone(),
            hits,
            has_subject: self.has_subject,
            scope: group.scope,
        }
    }
}

/// Attributes in which it tells nothing that a finding concentrates: the tools of a run whose tool is the subject, or whose spans were lost.
pub(crate) fn not_scope(check: &Check, candidate: &Candidate<'_>) -> &'static [&'static str] {
    if candidate.has_subject || check.category == "telemetry" { &["tool_name"] } else { &[] }
}

/// Of the subjects, those that each hold a large part of the affected traces; and the others. A check that only looks for groups of runs has
/// nothing to tell of all subjects together: of it the largest are taken.
pub(crate) fn main_subjects<'h>(
    check: &Check,
    mut candidates: Vec<Candidate<'h>>,
    hits: &[Hit],
) -> (Vec<Candidate<'h>>, Vec<Candidate<'h>>) {
    let traces = |candidate: &Candidate<'_>| {
        candidate.hits.iter().map(|hit| hit.trace_id.as_str()).collect::<BTreeSet<_>>().len() as u64
    };
    let all = hits.iter().map(|hit| hit.trace_id.as_str()).collect::<BTreeSet<_>>().len() as u64;
    candidates.sort_by(|a, b| traces(b).cmp(&traces(a)).then(a.key.cmp(&b.key)));
    let is_main =
        |candidate: &Candidate<'_>| check.min_rate.is_infinite() || traces(candidate) * 10 >= all * MAIN_TENTHS;
    let main = match candidates.iter().take_while(|candidate| is_main(candidate)).count() {
        main if check.min_rate.is_infinite() => main.min(SUBJECTS_MAX),
        main if main > MAIN_MAX => 0,
        main => main,
    };
    let others = candidates.split_off(main);
    (candidates, others)
}

pub(crate) fn single<'h>(check: &Check, subject: &str, hits: Vec<&'h Hit>) -> Candidate<'h> {
    let literal = sql::literal(subject);
    Candidate {
        subject: code(subject),
        key: subject.to_owned(),
        affected_sql: sql::distinct_traces(&check.sql, Some(&format!("subject = {literal}"))),
        population_sql: check.population_sql.replace("{subject}", &literal),
        hits,
        has_subject: true,
        scope: Vec::new(),
    }
}

/// A candidate of all these hits, whatever their subjects.
pub(crate) fn whole<'h>(check: &Check, hits: Vec<&'h Hit>) -> Candidate<'h> {
    let population_sql = if check.population_sql.contains("{subject}") { ALL_TRACES } else { &check.population_sql };
    Candidate {
        subject: named(&hits),
        key: String::new(),
        affected_sql: sql::distinct_traces(&check.sql, None),
        population_sql: population_sql.to_owned(),
        hits,
        has_subject: false,
        scope: Vec::new(),
    }
}

/// The subjects of some hits for people, the first few by name.
fn named(hits: &[&Hit]) -> String {
    let subjects: BTreeSet<&str> = hits.iter().filter_map(|hit| hit.subject.as_deref()).collect();
    let mut named: Vec<String> = subjects.iter().take(SUBJECTS_NAMED).map(|subject| code(subject)).collect();
    if subjects.len() > SUBJECTS_NAMED {
        named.push(format!("{} more", subjects.len() - SUBJECTS_NAMED));
    }
    joined(&named)
}

/// `a, b and c`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
