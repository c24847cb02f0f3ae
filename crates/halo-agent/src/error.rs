//! What can keep a run from being recorded. Failures of the model end a run and are part of its result, not errors of this kind.

use std::io;
use std::path::PathBuf;

/// Why the event log can't be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The file can't be made, or another process writes it.
    #[error("cannot write the event log `{path}`: {source}")]
    CreateLog {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The log of a run that is to go on can't be read.
    #[error("cannot read the event log `{path}`: {source}")]
    ReadLog {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of the log of a run that is to go on is no event.
    #[error("line {line} of the event log `{path}` is no event: {reason}")]
    BrokenLog {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}
