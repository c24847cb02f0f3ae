//! One tool: its name, its arguments, what it answers.

use std::future::Future;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::ToolOutput;

/// A tool that a model can call.
pub trait Tool: Send + Sync + 'static {
    /// Arguments. The doc comment of each field is what the model reads about it.
    type Args: DeserializeOwned + JsonSchema + Send;

    /// Name the model calls it by.
    fn name(&self) -> &'static str;

    /// What it does and when to use it, for the model.
    fn description(&self) -> &str;

    /// Whether a call spends its time waiting for models or for other agents. Such a call holds none of the permits that bound
    /// how much work is done at once: a parent that waits for its children must not keep them from working.
    fn waits(&self) -> bool {
        false
    }

    /// Does it.
    ///
    /// # Errors
    /// [`ToolError::ForModel`] for anything the model can mend by calling differently, [`ToolError::Fatal`] for what ends the run.
    fn call(
        &self,
        args: Self::Args,
        context: &ToolContext,
    ) -> impl Future<Output = Result<ToolOutput, ToolError>> + Send;
}

/// What a tool call may know of its surroundings.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// Fires when the run is interrupted; long work must watch it.
    pub cancel: CancellationToken,
    /// Id of the calling agent.
    pub agent_id: String,
    /// Id of this call.
    pub tool_call_id: String,
}

/// Why a tool call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The model can mend it: it reads this text as the result of its call.
    #[error("{message}")]
    ForModel {
        /// What was wrong and what to do.
        message: String,
    },
    /// The run can't go on.
    #[error("{message}")]
    Fatal {
        /// What failed.
        message: String,
    },
}

impl ToolError {
    /// An error that the model reads and can mend.
    pub fn for_model(message: impl Into<String>) -> Self {
        Self::ForModel { message: message.into() }
    }

    /// An error that ends the run.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::Fatal { message: message.into() }
    }
}
