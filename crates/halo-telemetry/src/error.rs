//! Why telemetry can't begin. Once it has begun it never fails: what is lost is counted.

use std::path::PathBuf;

/// Why spans have nowhere to go. No variant holds the value of a header, nor user, password or query of an address.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The file can't be made or opened.
    #[error("cannot write telemetry to `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The caller's address or headers make no request.
    #[error("cannot send telemetry: {reason}")]
    Options {
        /// What is wrong with them.
        reason: String,
    },
}
