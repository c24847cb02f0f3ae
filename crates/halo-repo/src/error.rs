//! Why a question about the code had no answer, by who can do something about it.

use std::path::PathBuf;
use std::time::Duration;

use halo_tool::ToolError;

/// Why a question about the code had no answer.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The folder that was given can't be looked into: whoever gave it must give another.
    #[error("the folder {} can't be read as a repository: {reason}", path.display())]
    Folder {
        /// The folder as it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The question can't be answered as it was put; the text says how to put it.
    #[error("{0}")]
    Argument(String),
    /// The question took longer than it may: a narrower one is quicker.
    #[error("stopped after {} s; ask for less: a narrower path, range or pattern", limit.as_secs())]
    TooSlow {
        /// The time it had.
        limit: Duration,
    },
    /// The run was interrupted.
    #[error("interrupted")]
    Cancelled,
    /// git or the disk failed.
    #[error("{0}")]
    Failed(String),
}

impl RepoError {
    pub(crate) fn argument(text: impl Into<String>) -> Self {
        Self::Argument(text.into())
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<RepoError> for ToolError {
    /// Nothing about a checkout ends a run: the traces are still there.
    fn from(error: RepoError) -> Self {
        Self::for_model(error.to_string())
    }
}
