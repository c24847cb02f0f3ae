//! The findings of a run: what passed the gate, and what did not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo_protocol::{CodeCitation, Finding, FindingDraft, FindingSource, RefusedFinding};
use halo_tool::{FindingGate, GateError};

/// Claims go in, checked findings are kept. Clones are one board, shared by all agents of a run.
#[derive(Clone)]
pub(crate) struct FindingBoard {
    gate: Arc<dyn FindingGate>,
    /// What was found before the run, by checks.
    known: Arc<[Finding]>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    findings: Vec<Finding>,
    refused: Vec<RefusedFinding>,
}

impl FindingBoard {
    /// A board that knows what checks found, and begins with what an earlier attempt at the run had reported.
    pub(crate) fn new(
        gate: Arc<dyn FindingGate>,
        known: Vec<Finding>,
        (findings, refused): (Vec<Finding>, Vec<RefusedFinding>),
    ) -> Self {
        Self { gate, known: known.into(), state: Arc::new(Mutex::new(State { findings, refused })) }
    }

    /// What checks found before the run.
    pub(crate) fn known(&self) -> &[Finding] {
        &self.known
    }

    /// Passes a claim through the gate; `code` are the places that it cites. Gives the finding, and whether it took the place of an
    /// earlier one with its id.
    pub(crate) async fn report(
        &self,
        draft: FindingDraft,
        code: Vec<CodeCitation>,
    ) -> Result<(Finding, bool), GateError> {
        let title = draft.title.clone();
        match self.gate.check(draft).await {
            Ok(mut finding) => {
                finding.code = code;
                let mut state = self.lock();
                // A claim that was mended is no longer refused.
                state.refused.retain(|refused| refused.title != title);
                let earlier = state.findings.iter_mut().find(|known| known.id == finding.id);
                // The same again, as after a crash between the report and its result, replaces nothing.
                let replaced = earlier.as_deref().is_some_and(|known| *known != finding);
                match earlier {
                    Some(known) => known.clone_from(&finding),
                    None => state.findings.push(finding.clone()),
                }
                Ok((finding, replaced))
            }
            Err(error) => Err(self.refuse(&title, error.reason)),
        }
    }

    /// Notes that a claim did not pass.
    pub(crate) fn refuse(&self, title: &str, reason: String) -> GateError {
        let mut state = self.lock();
        state.refused.retain(|refused| refused.title != title);
        state.refused.push(RefusedFinding { title: title.to_owned(), reason: reason.clone() });
        GateError::new(reason)
    }

    /// What passed, in the order it was first reported.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.lock().findings.clone()
    }

    /// Titles and counts of what an agent reported, in order.
    pub(crate) fn reported_by(&self, agent: &str) -> Vec<String> {
        let state = self.lock();
        let own = state.findings.iter().filter(|finding| match &finding.source {
            FindingSource::Agent { name } => name == agent,
            _ => false,
        });
        own.map(|finding| {
            format!("{} {}: {} of {} traces", finding.id, finding.title, finding.affected, finding.population)
        })
        .collect()
    }

    /// What did not pass and was not mended.
    pub(crate) fn refused(&self) -> Vec<RefusedFinding> {
        self.lock().refused.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
