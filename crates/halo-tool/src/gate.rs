//! The gate that a claimed finding passes before it counts.

use futures::future::BoxFuture;
use halo_protocol::{Finding, FindingDraft};

/// Re-executes a claim against the dataset: the SQL runs, the ids exist, the quotes stand in their spans.
pub trait FindingGate: Send + Sync {
    /// Checks a draft and gives the finding with its own counts, interval and scope.
    ///
    /// # Errors
    /// [`GateError`] with a text that tells the model what is wrong and how to mend it.
    fn check(&self, draft: FindingDraft) -> BoxFuture<'_, Result<Finding, GateError>>;
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
