//! Sentences about who is hit.

use halo_protocol::{Finding, OutcomeContrast, ScopeEntry};

use super::reason::harm_sentence;
use crate::number::{counted, grouped, in_words, lift, p_value, percent, percent_range, share};
use crate::prose::{Line, code, plain};
use crate::text;

/// Scope sentences shown.
const SCOPES: usize = 4;

/// Sentences about who is hit.
pub(crate) fn who(finding: &Finding, total: u64) -> Vec<Line> {
    let mut who = vec![vec![plain(rate_sentence(finding, total))]];
    who.extend(finding.outcomes.as_ref().map(|outcomes| vec![plain(outcome_sentence(outcomes))]));
    who.extend(harm_sentence(finding).map(|sentence| vec![plain(sentence)]));
    let scope = finding.scope.iter().take(SCOPES).map(|entry| scope_sentence(finding, entry));
    who.extend(scope);
    if finding.scope.is_empty() && finding.affected > 1 {
        // Not "spread evenly": a population that is all of one tenant has nothing to be compared with.
        let among = if finding.population < total { "Among these runs, no" } else { "No" };
        who.push(vec![plain(format!("{among} version, model or other attribute stands out beyond chance."))]);
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

/// Where it concentrates, in a few words.
pub(crate) fn place_in_short(finding: &Finding) -> Line {
    match finding.scope.first() {
        None => vec![plain("no group stands out")],
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
