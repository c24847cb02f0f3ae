//! What can keep a run from being recorded. Failures of the model end a run and are part of its result, not errors of this kind.

use std::io;
use std::path::PathBuf;

/// Why the event log can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The file can't be made.
    #[error("cannot create the event log `{path}`")]
    CreateLog {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}
