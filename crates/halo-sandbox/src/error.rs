//! Why a session could not run code at all.

use std::path::PathBuf;

/// What is wrong with the installation, not with the code: what the code does wrong is part of a [`crate::CodeOutcome`].
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The worker's program does not start.
    #[error("the Python worker `{}` can't be started: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The worker's program starts and does not behave as a worker.
    #[error("the Python worker `{}` does not answer: {reason}", program.display())]
    NoWorker {
        /// The program.
        program: PathBuf,
        /// What came instead of an answer.
        reason: String,
    },
}
