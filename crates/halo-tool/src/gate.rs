//! What a claimed finding passes before it counts: the gate, and the code that it cites.

use futures::future::BoxFuture;
use halo_protocol::{CodeCitation, Finding, FindingDraft};

/// Re-executes a claim against the dataset: the SQL runs, the ids exist, the quotes stand in their spans.
pub trait FindingGate: Send + Sync {
    /// Checks a draft and gives the finding with its own counts, interval and scope.
    ///
    /// # Errors
    /// [`GateError`] with a text that tells the model what is wrong and how to mend it.
    fn check(&self, draft: FindingDraft) -> BoxFuture<'_, Result<Finding, GateError>>;
}

/// Looks up places in the harness's code that a finding cites.
pub trait CodeSource: Send + Sync {
    /// The lines at a place, `path:line` or `path:first-last`, in the folder or, behind an `@`, at a commit.
    ///
    /// # Errors
    /// One sentence for the model: what is wrong with the place.
    fn cite<'a>(&'a self, place: &'a str) -> BoxFuture<'a, Result<CodeCitation, String>>;
}

/// Why a claim was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct GateError {
    /// What is wrong, and what to do about it.
    pub reason: String,
}

impl GateError {
    /// A refusal with its reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
