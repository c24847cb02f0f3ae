//! The findings of a run: what passed the gate, and what did not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo_protocol::{Finding, FindingDraft, RefusedFinding};
use halo_tool::{FindingGate, GateError};

/// Claims go in, checked findings are kept. Clones are one board, shared by all agents of a run.
#[derive(Clone)]
pub(crate) struct FindingBoard {
    gate: Arc<dyn FindingGate>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    findings: Vec<Finding>,
    refused: Vec<RefusedFinding>,
}

impl FindingBoard {
    pub(crate) fn new(gate: Arc<dyn FindingGate>) -> Self {
        Self { gate, state: Arc::default() }
    }

    /// Passes a claim through the gate. Gives the finding, and whether it took the place of an earlier one with its id.
    pub(crate) async fn report(&self, draft: FindingDraft) -> Result<(Finding, bool), GateError> {
        let title = draft.title.clone();
        match self.gate.check(draft).await {
            Ok(finding) => {
                let mut state = self.lock();
                // A claim that was mended is no longer refused.
                state.refused.retain(|refused| refused.title != title);
                let earlier = state.findings.iter().position(|known| known.id == finding.id);
                match earlier.and_then(|position| state.findings.get_mut(position)) {
                    Some(known) => *known = finding.clone(),
                    None => state.findings.push(finding.clone()),
                }
                Ok((finding, earlier.is_some()))
            }
            Err(error) => {
                let mut state = self.lock();
                state.refused.retain(|refused| refused.title != title);
                state.refused.push(RefusedFinding { title, reason: error.reason.clone() });
                Err(error)
            }
        }
    }

    /// What passed, in the order it was first reported.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.lock().findings.clone()
    }

    /// What did not pass and was not mended.
    pub(crate) fn refused(&self) -> Vec<RefusedFinding> {
        self.lock().refused.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
