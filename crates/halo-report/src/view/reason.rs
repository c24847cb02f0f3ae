//! Why a finding stands where it stands.

use halo_protocol::{Finding, Severity};
use serde::Serialize;

use crate::number::{counted, percent};
use crate::rank::{HalfStep, Harm, half_step, harm, reach, score};

/// The order of the findings.
#[derive(Debug, Serialize)]
pub(crate) struct Order {
    /// How it is made, sentence by sentence.
    pub(crate) how: Vec<&'static str>,
    /// Why each finding stands at its place, in the order of the report; empty sentences where nothing is to be told.
    #[serde(skip)]
    pub(crate) reasons: Vec<String>,
}

impl Order {
    /// The order of these findings; `None` when it is not that of [`crate::rank`], or when there is nothing to order.
    pub(crate) fn new(findings: &[Finding], total: u64) -> Option<Self> {
        if findings.len() < 2 || !is_ranked(findings, total) {
            return None;
        }
        let mut how = vec![
            "The order is harm times reach: the weight of the severity (low 1, medium 3, high 9, critical 27) times the share of \
             all runs that is hit with 95 % confidence.",
        ];
        if findings.iter().any(|finding| half_step(finding).is_some()) {
            how.push(
                "How runs ended moves a finding by half a step of severity: down when it says that runs fail and failed runs \
                 hardly have it more often, up when failed runs have it at least twice as often as passed ones.",
            );
        }
        if findings.iter().any(|finding| !finding.verified) {
            how.push("What was not re-executed comes last.");
        }
        let reasons = (0..findings.len()).map(|at| reason(findings, at, total)).collect();
        Some(Self { how, reasons })
    }
}

/// Whether the findings stand as [`crate::rank`] puts them.
fn is_ranked(findings: &[Finding], total: u64) -> bool {
    findings.windows(2).all(|pair| {
        let [above, below] = pair else { return true };
        match above.verified.cmp(&below.verified) {
            std::cmp::Ordering::Equal => score(above, total) >= score(below, total),
            verified => verified.is_gt(),
        }
    })
}

fn reason(findings: &[Finding], at: usize, total: u64) -> String {
    let Some(finding) = findings.get(at) else { return String::new() };
    if !finding.verified {
        return "Here because it was not re-executed.".to_owned();
    }
    let mut parts = vec![format!("{} harm", finding.severity.as_str()), reached(finding, total)];
    parts.extend(moved(finding).map(str::to_owned));
    let place = if at == 0 { "First" } else { "Here" };
    let mut sentence = format!("{place} because: {}.", parts.join(", "));
    let overtaken = findings.iter().zip(1..).skip(at + 1).filter(|(other, _)| other.verified);
    if let Some((other, number)) =
        overtaken.max_by_key(|(other, _)| other.severity).filter(|(other, _)| other.severity > finding.severity)
    {
        sentence.push_str(&format!(
            " It stands above finding {number}, which does more harm ({}), only because that one is known in {} of all runs.",
            other.severity.as_str(),
            least(other, total),
        ));
    }
    sentence
}

fn reached(finding: &Finding, total: u64) -> String {
    format!("at least {} of all {} (95 %)", least(finding, total), counted(total, "run", "runs"))
}

fn least(finding: &Finding, total: u64) -> String {
    percent(reach(finding, total).low, total)
}

/// How the ends of the runs bear on the place.
fn moved(finding: &Finding) -> Option<&'static str> {
    match half_step(finding)? {
        HalfStep::Up => Some("half a step up since failed runs have it at least twice as often"),
        HalfStep::Down => Some("half a step down since failed runs hardly have it more often"),
    }
}

/// What the ends of the runs say about harm, where they are known.
pub(crate) fn harm_sentence(finding: &Finding) -> Option<&'static str> {
    Some(match (harm(finding.outcomes.as_ref()?), finding.severity) {
        (Some(Harm::Twice), _) => "It goes with failure: at least twice as frequent among failed runs (95 %).",
        (Some(Harm::More), _) => "It goes with failure: more frequent among failed runs, beyond chance.",
        (Some(Harm::Hardly), Severity::Critical) => {
            "It is hardly more frequent among failed runs than among passed ones: how a run ends does not show this harm."
        }
        (Some(Harm::Hardly), _) => {
            "It is hardly more frequent among failed runs than among passed ones: it may not be why runs fail."
        }
        (None, _) => "Whether it goes with failure, these counts do not tell.",
    })
}
